"""Derivatives with ``backend="cupy-fused"`` against those of NumPy, without a GPU.

The emitted modules run whole, on a stand-in for CuPy (``fake_cupy.py``) that compiles their CUDA C as C++.
"""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import optree
import pytest

import fake_cupy
import srcdiff
from corpus import PROGRAMS
from fused_cases import CASES, R, chain, single
from srcdiff import grad, hvp, jvp, value_and_grad, vjp

pytestmark = pytest.mark.skipif(
    fake_cupy.COMPILER is None, reason="no C++ compiler: CUDA C is not run without a GPU"
)
ALL = bool(os.environ.get("SRCDIFF_ALL"))
SOME = [p for p in PROGRAMS if p.reverse]
SOME = SOME if ALL else SOME[::151]
GOLDEN = Path(__file__).parent / "golden"
UPDATE = bool(os.environ.get("SRCDIFF_UPDATE"))


@pytest.fixture(autouse=True)
def cupy() -> Iterator[Any]:
    with fake_cupy.installed() as module:
        yield module


def leaves(x: Any) -> list[Any]:
    numbers = (float, int, complex, np.ndarray, np.generic)
    return [np.asarray(a) for a in optree.tree_leaves(x, namespace="corpus") if isinstance(a, numbers)]


def check_same(got: Any, want: Any, rtol: float = 1e-9) -> None:
    a, b = leaves(got), leaves(want)
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        assert x.shape == y.shape
        assert x.dtype == y.dtype
        scale = max(1.0, float(np.max(np.abs(y), initial=0.0)))
        np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol * 0.1 * scale)


@pytest.mark.parametrize("program", SOME, ids=lambda p: p.name)
def test_programs(program: Any) -> None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        plain = grad(program.function, wrt=program.wrt_option)
        want = plain(*copy.deepcopy(program.args), **program.kwargs)
        fused = grad(program.function, wrt=program.wrt_option, backend="cupy-fused")
        check_same(fused(*copy.deepcopy(program.args), **program.kwargs), want)


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    f, args = CASES[name]
    g = value_and_grad(f, backend="cupy-fused")
    for backward in (False, True):  # whichever thread comes first
        monkeypatch.setattr(fake_cupy, "BACKWARD", [backward])
        check_same(g(*copy.deepcopy(args)), value_and_grad(f)(*copy.deepcopy(args)))
    assert g.compiled(*args).kernels


@pytest.mark.parametrize("name", ["distances", "gated", "jacobi", "logistic", "sweep"])
def test_texts(name: str) -> None:
    f, args = CASES[name]
    text = grad(f, backend="cupy-fused").source_for(*args)
    file = GOLDEN / f"{name}.txt"
    if UPDATE:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["chain", "layer", "softmax", "rectified"])
def test_single_precision_stays(name: str) -> None:
    f, args = single(name)
    g = value_and_grad(f, backend="cupy-fused")
    check_same(g(*args), value_and_grad(f)(*args), 1e-5)
    for line in g.source_for(*args).splitlines():  # (but for sums, which are of doubles, and numbers)
        if line.startswith('    "'):
            continue
        if not any(w in line for w in ("block_", "team_", "warps", "other", "total", "parts")):
            assert "float64" not in line
            of_flags = name == "rectified" and "(float)(" in line
            assert "double" not in line or of_flags


def test_views_and_broadcasting() -> None:
    x = R.normal(size=(8, 10))
    g = grad(chain, backend="cupy-fused")
    check_same(g(x[::2, 1:], x[1::2, ::-1][:, 1:]), grad(chain)(x[::2, 1:], x[1::2, ::-1][:, 1:]))
    check_same(g(x.T, np.ones(8)), grad(chain)(x.T, np.ones(8)))
    check_same(g(x, x[:, :1]), grad(chain)(x, x[:, :1]))
    for n in (0, 1, 255, 256, 257, 600):
        y = R.normal(size=n)
        check_same(value_and_grad(chain, backend="cupy-fused")(y, y + 1.0), value_and_grad(chain)(y, y + 1.0))


def test_arguments_are_left_alone() -> None:
    f, (A, B, n) = CASES["jacobi"]
    before = A.copy(), B.copy()
    grad(f, backend="cupy-fused")(A, B, n)
    assert (before[0] == A).all() and (before[1] == B).all()


def test_the_family() -> None:
    f, (x, y) = CASES["odd_ones"]
    check_same(jvp(f, (x, y), (y, x), backend="cupy-fused"), jvp(f, (x, y), (y, x)))
    check_same(hvp(chain, backend="cupy-fused")(x, y, x), hvp(chain)(x, y, x))
    value, pull = vjp(chain, x, y, backend="cupy-fused")
    check_same((value, pull(1.0)), (chain(x, y), vjp(chain, x, y)[1](1.0)))


def test_what_is_left_is_said() -> None:
    f, args = CASES["layer"]
    report = grad(f, backend="cupy-fused").compiled(*args)
    assert report.backend == "cupy-fused"
    assert any(k.form == "element-wise" for k in report.kernels)
    assert "not compiled: matmul: a product of matrices is cuBLAS's  [h = np.tanh(x @ W + b)]" in str(report)


def test_without_cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(srcdiff.errors.DerivativeValueError, match="needs CuPy"):
        grad(chain, backend="cupy-fused")
