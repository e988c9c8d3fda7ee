"""Derivatives of functions written in every place where people write them."""

from __future__ import annotations

import doctest
import functools
import importlib
import linecache
import math
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import srcdiff
from srcdiff import SrcdiffError, grad

ROOT = Path(srcdiff.__file__).resolve().parent.parent


def run(*args: str, text: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Python, in a process of its own."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONSTARTUP": "", "PYTHON_BASIC_REPL": "1"}
    return subprocess.run(
        [sys.executable, *args], input=text, capture_output=True, text=True, check=False, cwd=cwd, env=env
    )


def refused(call: Any, *words: str) -> None:
    with pytest.raises(SrcdiffError) as e:
        call()
    assert all(p.help for p in e.value.problems)
    for word in words:
        assert word in str(e.value), str(e.value)


# ---- text that cannot be found ---------------------------------------------------------------------------

PROMPT = """
from srcdiff import grad
def f(x):
    return x * x

try:
    print(grad(f)(3.0))
except OSError as e:
    print(e)

"""


class TestWithoutText:
    def test_prompt(self):
        out = run("-i", "-q", text=PROMPT).stdout
        if sys.version_info >= (3, 13):
            assert "6.0" in out or "no text" in out
        else:
            assert "error[no-source]: the source of f cannot be had" in out
            assert "Python's prompt" in out and "in a file or a notebook" in out

    def test_command(self):
        out = run("-c", PROMPT)
        if "6.0" not in out.stdout:  # later Pythons keep the text of -c
            assert "no-source" in out.stdout and "python -c" in out.stdout

    def test_standard_input(self):
        assert "error[no-source]" in run("-", text=PROMPT).stdout

    def test_exec_and_eval(self):
        space: dict[str, Any] = {}
        exec("def f(x):\n    return x * x", space)
        refused(lambda: grad(space["f"])(1.0), "no-source", "exec or eval", "linecache")
        g = eval("lambda x: x * x")
        refused(lambda: grad(g)(1.0), "no-source", "linecache")
        refused(lambda: grad(lambda x: g(x) * x)(1.0), "no-rule")

    def test_what_the_message_says_works(self):
        text, name = "def f(x):\n    return x * x\n", "<made by test_places>"
        linecache.cache[name] = (len(text), None, text.splitlines(True), name)
        space: dict[str, Any] = {}
        exec(compile(text, name, "exec"), space)
        assert grad(space["f"])(3.0) == 6.0

    def test_c_functions(self):
        refused(lambda: grad("abc".join), "neither a rule nor Python source", "srcdiff.pullback")
        refused(lambda: grad(math.gcd)(1.0), "neither a rule")
        assert grad(functools.partial(functools.partial(math.pow, 2.0)))(3.0) == pytest.approx(
            8 * math.log(2)
        )

    def test_edited(self, tmp_path, monkeypatch):
        file = tmp_path / "srcdiff_edited.py"
        file.write_text("def f(x):\n    return x * x\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        module = importlib.import_module("srcdiff_edited")
        file.write_text("def f(x):\n    return x * x * x\n")
        os.utime(file, (1, 1))
        refused(lambda: grad(module.f)(1.0), "source-edited", "not what is running", "importlib.reload")
        os.utime(file)
        importlib.reload(module)
        assert grad(module.f)(2.0) == 12.0
        del sys.modules["srcdiff_edited"]

    def test_a_rule_helps(self):
        space: dict[str, Any] = {}
        exec("def f(x):\n    return x * x", space)

        @srcdiff.elementwise(space["f"])
        def rule(x):
            return 2.0 * x

        assert grad(space["f"])(3.0) == 6.0
        assert grad(grad(lambda x: space["f"](x) * x))(3.0) == 18.0


# ---- text that can -----------------------------------------------------------------------------------------


def cell(number: int, text: str, space: dict[str, Any], style: str) -> None:
    """Run a cell as IPython and Jupyter do: compiled under a name that linecache knows."""
    name = {
        "ipython": f"<ipython-input-{number}-0123abcd>",
        "kernel": f"/tmp/ipykernel_4711/{1000 + number}.py",
        "colab": f"<ipython-input-{number}>",
    }[style]
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    exec(compile(text, name, "exec"), space)


class TestWithText:
    @pytest.mark.parametrize("style", ["ipython", "kernel", "colab"])
    def test_notebooks(self, style):
        space: dict[str, Any] = {"__name__": "__main__"}
        cell(1, "import numpy as np\nfrom srcdiff import grad\nK = 2.0\n", space, style)
        cell(2, "def helper(x):\n    return K * x\n\ndef f(x):\n    return helper(x) ** 2\n", space, style)
        cell(3, "first = grad(f)(3.0)\ng = grad(lambda x: f(x) + x)\nsecond = g(3.0)\n", space, style)
        assert space["first"] == 24.0 and space["second"] == 25.0
        cell(4, "def helper(x):\n    return 10.0 * x\n", space, style)
        cell(5, "third = grad(f)(3.0)\nfourth = g(3.0)\n", space, style)
        assert space["third"] == 600.0 and space["fourth"] == 601.0
        linecache.checkcache()
        cell(6, "fifth = grad(lambda x: helper(x))(1.0)\n", space, style)
        assert space["fifth"] == 10.0

    def test_doctests(self):
        text = ">>> from srcdiff import grad\n>>> def f(x):\n...     return x * x\n>>> grad(f)(3.0)\n6.0\n"
        text += ">>> grad(lambda x: f(x) * x)(1.0), grad(lambda x: x)(1.0)\n(3.0, 1.0)\n"
        test = doctest.DocTestParser().get_doctest(text, {}, "sample", None, 0)
        assert doctest.DocTestRunner(verbose=False).run(test).failed == 0

    def test_rewritten_by_pytest(self):
        def f(x):
            assert x > 0, f"{x} is negative"
            return x * x

        assert grad(f)(3.0) == 6.0

    def test_modules_run_by_name(self, tmp_path):
        package = tmp_path / "srcdiff_package"
        package.mkdir()
        (package / "__init__.py").write_text("K = 3.0\n")
        (package / "__main__.py").write_text(
            "from srcdiff import grad\nfrom . import K\n\n"
            "def f(x):\n    return K * x * x\n\nprint(grad(f)(2.0), grad(lambda x: f(x) + x)(2.0))\n"
        )
        assert run("-m", "srcdiff_package", cwd=tmp_path).stdout.split() == ["12.0", "13.0"]
        assert run(str(package), cwd=tmp_path).returncode == 1  # a relative import outside a package

    def test_scripts_and_pickles(self, tmp_path):
        script = tmp_path / "script.py"
        script.write_text(
            "import pickle\nfrom srcdiff import grad\n\n@grad\ndef f(x):\n    return x**3\n\n"
            "if __name__ == '__main__':\n    print(pickle.loads(pickle.dumps(f))(2.0))\n"
        )
        assert run(str(script)).stdout.strip() == "12.0"

    def test_zip_files(self, tmp_path, monkeypatch):
        with zipfile.ZipFile(tmp_path / "z.zip", "w") as z:
            z.writestr("srcdiff_zip.py", "def f(x):\n    return x * x\n\ng = lambda x: f(x) + x\n")
        monkeypatch.syspath_prepend(str(tmp_path / "z.zip"))
        module = importlib.import_module("srcdiff_zip")
        assert grad(module.f)(3.0) == 6.0 and grad(module.g)(3.0) == 7.0
        del sys.modules["srcdiff_zip"]

    def test_optimised_and_without_columns(self, tmp_path):
        script = tmp_path / "script.py"
        script.write_text(
            'from srcdiff import grad\n\ndef f(x):\n    """Doc."""\n    assert x > 0\n    return x * x\n\n'
            "gs = [lambda x: x * 2, lambda x: x * 3]\n"
            "print(grad(f)(3.0), grad(lambda x: x)(1.0), [grad(g)(1.0) for g in gs])\n"
        )
        for flags in ([], ["-O"], ["-OO"], ["-X", "no_debug_ranges"]):
            done = run(*flags, str(script))
            assert done.stdout.strip() == "6.0 1.0 [2.0, 3.0]", (flags, done)

    def test_lambdas(self):
        # fmt: off
        fs = [lambda x: x * 2, lambda x: x * 3,
              lambda x: (
                  x *
                  4
              ), (lambda k: lambda x: x * k)(5.0)]
        # fmt: on
        assert [grad(f)(1.0) for f in fs] == [2.0, 3.0, 4.0, 5.0]
        table = {"a": lambda x: x**2, "b": lambda x: x**3}
        assert {k: grad(f)(2.0) for k, f in table.items()} == {"a": 4.0, "b": 12.0}

    def test_class_bodies_and_decorators(self):
        def twice(fn):
            @functools.wraps(fn)
            def inner(*args, **kwargs):
                return 2 * fn(*args, **kwargs)

            return inner

        class Tools:
            k = 3.0

            @staticmethod
            @twice
            def plain(x):
                return x * x

            @classmethod
            def scaled(cls, x):
                return cls.k * x

            cubed = lambda self, x: x**3  # noqa: E731

            class Inner:
                def f(self, x):
                    return x * 5

        assert grad(lambda x: Tools.plain(x))(3.0) == 12.0
        assert grad(Tools.scaled)(3.0) == 3.0
        assert grad(Tools().cubed)(2.0) == 12.0
        assert grad(Tools.Inner().f)(2.0) == 5.0

    def test_partials_of_partials(self):
        def f(a, b, c, *, k=1.0):
            return a * b**2 * c * k

        g = functools.partial(functools.partial(f, 2.0), c=3.0, k=2.0)
        assert grad(g)(5.0) == 2 * 2 * 5.0 * 3 * 2
        assert grad(functools.partial(functools.partial(np.multiply, 3.0)))(5.0) == 3.0

    def test_defined_twice(self):
        fs = []
        for k in (2.0, 3.0):

            def f(x, k=k):
                return x * k

            fs.append(f)
        assert [grad(f)(1.0) for f in fs] == [2.0, 3.0]
