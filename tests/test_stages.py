"""What passes did, told as differences of texts."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from srcdiff import DerivativeTypeError, grad, hessian, passes, source
from srcdiff.optimise.passes import PASSES


def scaled(x):
    return np.sum(np.sin(x) * 2.0)


def swept(x, n):
    u = x.copy()
    for _ in range(n):
        u[1:] += np.exp(u[:-1]) * u[1:]
    return np.sum(np.exp(u) ** 2)


@pytest.mark.parametrize(("f", "args"), [(scaled, (np.ones(3),)), (swept, (np.ones(30), 4))])
def test_passes(f, args):
    """Each text follows from the one before; the last is the one that runs."""
    for g in (grad(f), hessian(f)):
        told = passes(g, *args)
        assert all(p.name in PASSES for p in told.run)
        texts = [told.first, *(p.after for p in told.run)]
        assert texts[:-1] == [p.before for p in told.run]
        code = texts[-1].split("def ", 1)[1]
        kept = [line for line in source(g, *args).split("def ", 1)[1].splitlines() if '"""' not in line]
        assert code.splitlines() == kept


def test_which_pass():
    changed = {p.name: p.diff() for p in passes(grad(scaled), np.ones(3)).run if p.diff()}
    assert set(changed) == {"dce", "simplify"}
    assert "-    t = np.sum(t)" in changed["dce"]
    reused = next(p for p in passes(grad(swept), np.ones(30), 4).run if p.name == "reuse")
    assert "+        t1 *= t2" in reused.diff()


def test_no_derivative():
    with pytest.raises(DerivativeTypeError, match="no derivative"):
        passes(scaled, np.ones(3))


def test_command_line(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("import numpy as np\ndef f(x):\n    return np.sum(np.sin(x) * 2.0)\n")
    run = [sys.executable, "-m", "srcdiff", "source", f"{file}:f", "np.ones(3)"]
    text = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert "x_bar = 2.0 * np.cos(x)" in text
    told = subprocess.run([*run, "--diff"], capture_output=True, text=True, check=True).stdout
    assert "# dce: what no result needs is not computed" in told and "-    t = np.sum(t)" in told
