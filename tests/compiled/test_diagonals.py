"""Dense Hessians and Jacobians of chains of elements: rows that differ near diagonals only."""

from __future__ import annotations

import importlib.util
import os
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

import srcdiff.compiled.vectors  # noqa: F401  (compiled, before any test says otherwise)
from srcdiff import grad, hessian, jacfwd, jacrev

MANY = int(os.environ.get("SRCDIFF_FUZZ", "24")) // 6
PARTS = ("x[1:-1]", "x[:-2]", "x[2:]", "x[::-1][1:-1]", "w[1:-1]", "w[:-2]", "v")


def term(r: random.Random, depth: int = 0) -> str:
    def more() -> str:
        return term(r, depth + 1)

    forms = (
        lambda: r.choice(PARTS if r.random() < 0.3 else PARTS[:3]),
        lambda: f"({more()} * {more()})",
        lambda: f"({more()} - 0.3 * {more()})",
        lambda: f"({more()} + {more()})",
        lambda: f"np.sin({more()})",
        lambda: f"{more()} ** 2",
        lambda: f"np.where({more()} > 0.1, {more()}, {more()})",
    )
    return r.choice(forms[: 1 if depth > 2 else None])()


def program(seed: int) -> str:
    r = random.Random(seed)
    lines = ["w = x * x", "v = np.exp(-x[1:-1])"]
    for _ in range(r.randint(0, 2)):
        lines.append(r.choice([f"v = {term(r)}", f"w[1:-1] = {term(r)}", f"w[:-2] += {term(r)}", "w *= x"]))
    return "\n    ".join([
        "def f(x):", *lines, f"return np.sum({term(r)} + v * {term(r)})\n\n",
    ]) + "\n    ".join(["\ndef g(x):", *lines, f"return {term(r)} * v\n"])  # fmt: skip


def made(seed: int, folder: Path) -> Any:
    path = folder / f"diagonals_{seed}.py"
    path.write_text("import numpy as np\n\n\n" + program(seed), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", range(MANY))
@pytest.mark.filterwarnings("ignore")
def test_random(seed: int, tmp_path: Path, uncompiled: None) -> None:
    """Any length, NaN and infinities among the numbers; kernels run as the Python that they are."""
    module = made(seed, tmp_path)
    for take, f in ((grad, module.f), (hessian, module.f), (jacfwd, module.g), (jacrev, module.g)):
        plain, kernels = take(f), take(f, backend="numba")
        for n in (9, 3, 4, 2):
            x = np.random.default_rng(n).normal(size=n)
            np.testing.assert_allclose(kernels(x), plain(x), rtol=1e-9, atol=1e-10, err_msg=program(seed))
        x[:] = 0.5
        for bad in (np.nan, np.inf):
            x = np.linspace(-1.0, 1.0, 7)
            x[3] = bad
            np.testing.assert_allclose(kernels(x), plain(x), rtol=1e-9, atol=1e-10, err_msg=program(seed))


def rosenbrock(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def test_far_rows_are_computed_once(uncompiled: None) -> None:
    x = np.linspace(-1.0, 1.0, 12)
    text = hessian(rosenbrock, backend="numba").source_for(x)
    assert "_far = np.empty(12, " in text
    assert "np.zeros" not in text
    np.testing.assert_allclose(hessian(rosenbrock, backend="numba")(x), hessian(rosenbrock)(x), rtol=1e-12)
