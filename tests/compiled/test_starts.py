"""Variables that start as a number and become arrays in a loop: kernels against the text for NumPy."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from srcdiff import grad, jvp

X = np.linspace(0.1, 0.9, 6)


def summed(x: Any) -> Any:
    s = 0.0
    for t in range(5):
        s = s + np.sin(x * t)
    return np.sum(s * s)


def in_place(x: Any) -> Any:
    s = 0
    for t in range(5):
        y = np.sin(x + t)
        s += y * y
    return np.mean(s)


def from_one(x: Any) -> Any:
    p = 1.0
    for t in range(3):
        p = p * np.cos(x + t) + x
    return np.sum(p)


def builtin_sum(x: Any) -> Any:
    m = np.stack([x, x * x, np.sin(x)])
    return np.sum(sum(m[k] * (k + 1.0) for k in range(3)) ** 2)


def nested(x: Any) -> Any:
    s = 0.0
    for _ in range(3):
        r = 0.0
        for k in range(4):
            r = r + x * np.sin(x) * k
        s = s + r * r
    return np.sum(s)


def its_own_sum(x: Any) -> Any:
    s, out = 0.5, 0.0
    for _ in range(4):
        out = out + np.sum(np.cos(s))
        s = s + x
    return out + np.sum(s)


def its_size(x: Any) -> Any:
    s, n = 0.0, 0
    for _ in range(3):
        n += np.size(s)
        s = s + x * x
    return np.sum(s) * n


def of_several_shapes(x: Any) -> Any:
    s = 0.0
    for _ in range(3):
        s = s + x[:1]
        s = s * x
    return np.sum(s * s)


def perhaps_none(x: Any, n: Any) -> Any:
    s = 2.0
    for k in range(n):
        s = s + x * k
    return np.sum(s * s) + np.sum(x)


def left_early(x: Any) -> Any:
    s = 2.0
    for k in range(4):
        if x[k] > 0.0:
            break
        s = s + x * k
    return np.sum(s * s) * np.sum(x)


def of_the_program(x: Any) -> Any:
    s = x[0]
    for _ in range(3):
        s = s + np.sin(x) * s
    return np.sum(s)


PROGRAMS = [
    summed, in_place, from_one, builtin_sum, nested, its_own_sum, its_size, of_several_shapes, left_early,
    of_the_program,
]  # fmt: skip


@pytest.mark.parametrize("f", PROGRAMS)
def test_against_numpy(f: Callable[..., Any], uncompiled: None) -> None:
    want, got = (grad(f, backend=b) for b in ("numpy", "numba"))
    np.testing.assert_allclose(got(X), want(X), rtol=1e-10, atol=1e-13)
    if PROGRAMS.index(f) % 3 and not os.environ.get("SRCDIFF_ALL"):
        return
    want, got = (jvp(grad(f), (X,), (X[::-1] * 0.3,), backend=b)[1] for b in ("numpy", "numba"))
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_perhaps_no_trip(n: int, uncompiled: None) -> None:
    want, got = (grad(perhaps_none, backend=b)(X, n) for b in ("numpy", "numba"))
    np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("f", [summed, in_place, from_one, builtin_sum, nested])
def test_compiled(f: Callable[..., Any], uncompiled: None) -> None:
    assert "not compiled" not in str(grad(f, backend="numba").compiled(X))


def test_single_precision_that_a_loop_makes_double(uncompiled: None) -> None:
    """What the first trip has is of another type than what the others have: it is left to NumPy."""

    def f(x: Any, n: int) -> Any:
        y = x
        for _ in range(n):
            y = np.sin(y) * np.array([1.0, 2.0, 3.0])
            for k in range(2):
                y = y + 0.1 * y[k]
        return np.sum(y)

    x = np.array([1.0, 2.0, 3.0], np.float32)
    g = grad(f, backend="numba")
    for n in (4, 0):
        got, want = g(x, n), grad(f)(x, n)
        assert got.dtype == want.dtype == np.float32
        np.testing.assert_allclose(got, want, rtol=1e-6)
    assert any("type" in left.why for left in g.compiled(x, 4).left)
