"""Every public name of NumPy is ruled, read, constant or refused with a reason; options are checked."""

from __future__ import annotations

import ast
import importlib.util
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import rulebook as calls
from srcdiff import check_rule, grad, rulebook
from srcdiff.__main__ import main

PAGE = Path(__file__).resolve().parent.parent / "docs" / "rulebook.md"
LINES = [(name, line) for name, lines in calls.CALLS.items() for line in lines]


def variables(line: str, values: dict[str, Any] = calls.VALUES) -> list[str]:
    """The variables of a line, in the order in which they are met."""
    tree = ast.parse(line)
    own = {a.arg for n in ast.walk(tree) if isinstance(n, ast.Lambda) for a in n.args.args}
    met = (n.id for n in ast.walk(tree) if isinstance(n, ast.Name))
    return [n for n in dict.fromkeys(met) if n in values and n not in own]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    text = calls.HEAD
    for k, (_, line) in enumerate(LINES):
        text += f"\n\ndef f{k}({', '.join(variables(line))}):\n    return {line}\n"
    path = tmp_path_factory.mktemp("rulebook") / "rulebook_programs.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("k", range(len(LINES)), ids=[line for _, line in LINES])
def test_call(k: int, programs: Any) -> None:
    """Both modes against differences, the dot-product test, second order: alone and all together."""
    names = variables(LINES[k][1])
    args = tuple(calls.VALUES[n] for n in names)
    wrt = [n for n, v in zip(names, args, strict=True) if np.asarray(v).dtype.kind in "fc"]
    check_rule(getattr(programs, f"f{k}"), args, wrt=wrt, tolerance=2e-6)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("module", rulebook.MODULES)
def test_every_name_is_accounted_for(module: str) -> None:
    for e in rulebook.entries(module):
        assert e.status in ("rule", "read", "constant", "refused", "other"), (
            f"{e.name} has no rule, and no reason why"
        )
        assert e.status != "refused" or len(e.reason) > 10, f"{e.name} is refused without a reason"


@pytest.mark.filterwarnings("ignore")
def test_what_could_have_a_derivative_has_one() -> None:
    """Of the functions of NumPy that are differentiable, at least 98 of 100."""
    have, lack = rulebook.coverage()
    assert have > 500
    assert have / (have + len(lack)) >= 0.98, f"no derivatives: {', '.join(e.name for e in lack)}"


UNDECIDED = {"np.empty", "np.empty_like", "np.mintypecode"}  # no function of numbers


@pytest.mark.filterwarnings("ignore")
def test_what_is_constant_does_not_change() -> None:
    """No function that has a derivative is counted as one that is constant."""
    x, y = np.array([0.31, 1.47, 2.23]), np.array([0.83, 0.59, 1.91])
    tried = 0
    for module in ("numpy", "numpy.linalg", "numpy.ndarray"):
        for e in rulebook.entries(module):
            if e.status != "constant" or not callable(e.obj) or e.name in UNDECIDED:
                continue
            for operands in ((x,), (x, y), (x, y, x + y), (0.31,), (0.31, 0.83)):
                here, near = [v + 0.0 for v in operands], [v + 1e-7 for v in operands]
                try:
                    before, after = (np.asarray(e.obj(*args)) for args in (here, near))
                except Exception:  # not called so
                    continue
                if before.dtype.kind in "fc":
                    tried += 1
                    assert np.array_equal(before, after), f"{e.name} is said to be constant"
    assert tried > 20


@pytest.mark.filterwarnings("ignore")
def test_what_is_read_has_calls() -> None:
    """What is read as other functions has no samples of its own: it is called here."""
    text = " ".join(line for _, line in LINES)
    elsewhere = {  # tests/corpus and tests/frontend
        "np.c_", "np.copyto", "np.fill_diagonal", "np.fromiter", "np.mgrid", "np.ndenumerate", "np.nditer",
        "np.ogrid",
        "np.place", "np.put", "np.putmask", "np.r_", "np.s_", "np.row_stack", "np.poly1d",
        "np.put_along_axis",
    }  # fmt: skip
    for module in rulebook.MODULES:
        if module.startswith(("numpy.random", "numpy.ndarray", "numpy.ufunc", "math", "cmath")):
            continue
        for e in rulebook.entries(module):
            if e.status == "read" and e.name not in elsewhere:
                assert e.name + "(" in text, f"{e.name} is read, and not called in tests/rulebook.py"


@pytest.mark.filterwarnings("ignore")
def test_page_is_current() -> None:
    """docs/rulebook.md is `python -m srcdiff rules --markdown`."""
    if f" {rulebook.versions()}." not in PAGE.read_text(encoding="utf-8"):
        pytest.skip("the page is of another NumPy, or SciPy")
    assert PAGE.read_text(encoding="utf-8") == rulebook.markdown()


def shown(*arguments: Any) -> str:
    console = Console(width=110, record=True, file=io.StringIO())
    rulebook.show_rule(*arguments, console=console)
    return console.export_text()


def test_a_rule_is_shown() -> None:
    text = shown("np.tanh")
    assert "return 1.0 - out * out" in text
    assert "tests/rules/samples_elementwise.py" in text
    text = shown("np.nanvar")
    assert "definition: what it stands for" in text and "tests/rulebook.py" in text
    assert "elementwise" in shown("math.sin")


@pytest.mark.filterwarnings("ignore")
def test_the_tests_of_a_rule_are_there() -> None:
    """What `python -m srcdiff rules np.tanh` names as its tests."""
    root = PAGE.parent.parent
    for module in (*rulebook.MODULES, *rulebook.SCIPY):
        for e in rulebook.entries(module):
            if e.status == "rule":
                for name in rulebook.tested_by(e):
                    assert (root / name).exists(), f"{e.name} is said to be tested in {name}"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "np.tanh"]) == 0
    assert "1.0 - out * out" in capsys.readouterr().out
    assert main(["rules", "np.nothing"]) == 1
    assert "there is no such function" in capsys.readouterr().err
    assert main(["rules"]) == 0
    assert "%. The others: np.asmatrix" in " ".join(capsys.readouterr().out.split())
    assert main(["rules", "--missing", "numpy.linalg"]) == 0
    assert main(["rules", "--missing", "numpy"]) == 0
    assert "np.savez" in capsys.readouterr().out


def test_a_refusal_says_why() -> None:
    def f(x: Any) -> Any:
        return np.asmatrix(x)[0, 0]

    with pytest.raises(Exception, match="use two-dimensional arrays"):
        grad(f)(np.eye(2))


def test_options_of_operators() -> None:
    """Those that change no value are left out; the others are refused."""

    def f(x: Any) -> Any:
        return np.sum(np.multiply(x, x, casting="same_kind", order="K", subok=True))

    assert check_rule(f, np.array([0.5, 2.0])) < 1e-8
    with pytest.raises(Exception, match=r"np.matmul\(axes=...\) is not supported"):
        grad(lambda x: np.sum(np.matmul(x, x, axes=[(0, 1), (0, 1), (0, 1)])))(np.eye(2))


def test_powers_are_not_reduced() -> None:
    """NumPy 2 leaves out exponents: np.power.reduce([1.3, 0.7, 1.2, 0.9]) is 1.3 ** 0.9."""

    def f(x: Any) -> Any:
        return np.power.reduce(x)

    with pytest.raises(Exception, match="NumPy leaves out the exponents in between"):
        grad(f)(np.array([1.3, 0.7, 1.2, 0.9]))


def test_series_are_known_once_imported() -> None:
    """The rules of numpy.polynomial are taken up when that is met: importing srcdiff does not import it."""
    code = "import sys, srcdiff; print('srcdiff.rules.polynomials' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


P = np.polynomial.Chebyshev([1.0, 0.5, 0.2], domain=[0.0, 4.0])
Q = np.poly1d([1.0, 2.0, 3.0])


def test_polynomials_made_outside() -> None:
    def f(x: Any) -> Any:
        return P(x) * Q(x)

    assert check_rule(f, np.array([0.3, 0.7])) < 1e-8
