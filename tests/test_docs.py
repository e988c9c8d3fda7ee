"""The pages say what happens: every session of README.md and docs/rules.md is run, the examples compared."""

from __future__ import annotations

import doctest
import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srcdiff import grad, source

ROOT = Path(__file__).resolve().parent.parent
FLAGS = doctest.ELLIPSIS


@pytest.mark.parametrize("page", ["README.md", "docs/rules.md", "docs/orders.md", "docs/memory.md"])
def test_sessions(page: str) -> None:
    """In a fresh interpreter: a page may add rules."""
    if page != "README.md":
        pytest.importorskip("scipy")
    code = (
        "import doctest, sys\n"
        f"sys.exit(doctest.testfile({str(ROOT / page)!r}, False, optionflags={FLAGS}).failed)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


MODULES = (
    "api.rules", "api.containers", "api.gradients", "api.forward", "api.reverse", "api.jacobians",
    "api.batching", "api.sparse", "adapters", "testing", "tapes", "profiles", "graphs", "cache", "ir.amounts",
    "ir.checkpoints",
)  # fmt: skip


@pytest.mark.parametrize("module", MODULES)
def test_docstrings(module: str) -> None:
    """The examples of the public functions, in a fresh interpreter: they add rules and classes."""
    code = (
        "import doctest, importlib, sys\n"
        f"found = doctest.testmod(importlib.import_module('srcdiff.{module}'))\n"
        "sys.exit(found.failed or not found.attempted)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_implicit() -> None:
    """The example of solvers runs, and its derivatives are right."""
    pytest.importorskip("scipy")
    example = str(ROOT / "examples" / "implicit.py")
    done = subprocess.run([sys.executable, example], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    worst = [float(x) for x in re.findall(r"worst difference (\S+)", done.stdout)]
    assert len(worst) == 3 and max(worst) < 1e-7
    assert "[-0.228763 -0.857861  0.415227]" in done.stdout


EXAMPLES: dict[str, tuple[tuple[str, ...], tuple[Any, ...]]] = {
    "loss": (("W1", "b1", "W2", "b2"), tuple(np.ones(s) for s in ((4, 5), 5, (5, 2), 2, (7, 4), (7, 2)))),
    "heat": (("u", "k"), (np.ones(9), 0.1, 5)),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name: str, tmp_path: Path) -> None:
    """The README shows the very text that is emitted."""
    blocks = re.findall(r"```python\n(def .*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    before, after = (next(b for b in blocks if b.startswith(f"def {n}(")) for n in (name, f"{name}_grad"))
    file = tmp_path / f"readme_{name}.py"
    file.write_text(f"import numpy as np\n\n\n{before}", encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    wrt, args = EXAMPLES[name]
    assert source(grad(getattr(module, name), wrt=wrt), *args) == f"import numpy as np\n\n\n{after}"


def test_commands_agree() -> None:
    """The README's test command is what CI runs."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"```sh\n(.*?)\n```", readme, re.S)
    assert len(commands) == 2
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in commands:
        last = command.rpartition("&& ")[2].replace(".venv/bin/python ", "")
        assert f"python {last}" in ci
