"""Indices in one trip that are apart; rows taken for their elements; lists by the sizes of the first call."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from numeric import gradient
from srcdiff import grad


def givens(A: Any) -> Any:
    A = A.copy()
    n = A.shape[0]
    for j in range(n):
        for i in range(n - 1, j, -1):
            a, b = A[i - 1, j], A[i, j]
            r = math.sqrt(a * a + b * b)
            for k in range(j, n):
                t1, t2 = A[i - 1, k], A[i, k]
                A[i - 1, k] = a / r * t1 + b / r * t2
                A[i, k] = -b / r * t1 + a / r * t2
    return np.sum(A * np.arange(A.size).reshape(A.shape))


def rotations(A: Any) -> Any:
    A = A.copy()
    n = len(A)
    for p in range(n - 1):
        for q in range(p + 1, n):
            if A[p, q] > -0.5:
                c = 1.0 / np.sqrt(1.0 + A[p, q] ** 2)
                rp, rq = c * A[p, :] - A[q, :], A[p, :] + c * A[q, :]
                A[p, :] = rp
                A[q, :] = rq
                cp, cq = c * A[:, p] - A[:, q], A[:, p] + c * A[:, q]
                A[:, p] = cp
                A[:, q] = cq
    return np.sum(np.sin(A))


def neighbours(x: Any) -> Any:
    """Indices that are apart, that meet, and that may count from the end."""
    x = x.copy()
    n = len(x)
    total = 0.0
    for i in range(n - 1):
        x[i] = x[i] * 0.5
        x[i + 1] = x[i + 1] + x[i]
        total += x[i] * x[i - 1]
        x[i - 1] = np.sin(x[i + 1])
        x[i] += x[-1] * total
    return total + np.sum(x)


def swaps(x: Any) -> Any:
    x = x.copy()
    n = len(x)
    for p in range(n):
        for q in range(n):  # (p and q may be one)
            a, b = x[p], x[q]
            x[p] = 0.9 * b
            x[q] = 0.8 * a * b + x[p]
    return np.sum(x**2)


PROGRAMS: dict[Callable[..., Any], tuple[int, ...]] = {
    givens: (4, 4), rotations: (3, 3), neighbours: (5,), swaps: (4,),
}  # fmt: skip


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_values(f: Callable[..., Any]) -> None:
    x = np.random.default_rng(4).uniform(0.3, 0.9, PROGRAMS[f])
    want = gradient(f, (x,), (0,))[0]
    np.testing.assert_allclose(grad(f)(x), want, rtol=1e-6, atol=1e-7)


def text_of(f: Callable[..., Any], *args: Any) -> str:
    g = grad(f)
    g(*args)
    return "\n".join(line.partition("#")[0] for line in g.source.splitlines())


def test_rows_that_are_apart_are_not_set_to_zero() -> None:
    text = text_of(rotations, np.eye(3))
    assert "= 0.0\n" not in text.partition("A_bar = ")[2]
    assert text.partition("A_bar = ")[0].count(".copy()") == 1 + 4  # what four writes write over


def test_elements_just_written_are_not_read() -> None:
    text = text_of(givens, np.eye(4) + 1.0)
    backwards = text.partition("zip(")[2]
    inner = backwards.partition("            b_bar")[0]
    assert " A[" not in "".join(line.partition("=")[2] for line in inner.splitlines())


def columns(X: Any) -> Any:
    """The loops run over the first size; the second is known at the call alone."""
    total = 0.0
    for i in range(len(X)):
        for j in range(i):
            dx, dy = X[i, 0] - X[j, 0], X[i, 1] - X[j, 1]
            total += dx * dx * dy
    return total


def wide(X: Any) -> Any:
    total = 0.0
    for i in range(len(X)):
        for j in range(i):
            total += (X[i, 0] - X[j, 0]) * X[i, 1]
    return total


def test_lists_by_the_sizes_of_the_first_call() -> None:
    X = np.random.default_rng(5).normal(size=(6, 2))
    assert ".tolist()" in text_of(columns, X)
    assert ".tolist()" not in text_of(wide, np.ones((6, 500)))
    g = grad(columns)
    for x in (X, X[:3], np.hstack([X, X])):
        np.testing.assert_allclose(g(x), gradient(columns, (x,), (0,))[0], rtol=1e-6, atol=1e-9)


def polygon(P: Any) -> Any:
    area = 0.0
    for i in range(len(P)):
        x0, y0 = P[i]
        q = P[(i + 1) % len(P)]
        area += x0 * q[1] - q[-2] * y0
    return area * area


def test_rows_taken_for_their_elements() -> None:
    P = np.random.default_rng(6).normal(size=(4, 2))
    g = grad(polygon)
    np.testing.assert_allclose(g(P), gradient(polygon, (P,), (0,))[0], rtol=1e-6, atol=1e-9)
    assert "P_i" not in g.source and "_bar = np.zeros_like(P[" not in g.source
    cube = grad(lambda x: x[0][1][1] * x[1][0][0])(np.arange(8.0).reshape(2, 2, 2))
    assert cube[0, 1, 1] == 4.0 and cube[1, 0, 0] == 3.0 and np.sum(cube) == 7.0


def by_math(x: Any, y: Any) -> Any:
    x = x.copy()
    for i in range(1, len(x)):
        r = math.sqrt(x[i] * x[i] + y[i])
        x[i] = math.exp(-r) * x[i - 1] / r + math.atan2(x[i], y[i])
    return np.sum(x)


def test_functions_of_math_take_elements_of_lists() -> None:
    x, y = np.random.default_rng(7).uniform(0.5, 1.0, (2, 5))
    assert ".tolist()" in text_of(by_math, x, y)
    np.testing.assert_allclose(grad(by_math)(x, y), gradient(by_math, (x, y), (0,))[0], rtol=1e-6)
    x[2] = y[2] = 0.0  # (a division by zero is NumPy's)
    with np.errstate(all="ignore"):
        assert np.isinf(by_math(x, y)) and np.isnan(grad(by_math)(x, y)[1])


def valley(x: Any) -> Any:
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2 + 100 * (x[2] - x[1] ** 2) ** 2 + x[0] * x[2]


def test_what_goes_to_one_element_is_added_first() -> None:
    x = np.array([0.7, 0.2, -0.4])
    np.testing.assert_allclose(grad(valley)(x), gradient(valley, (x,), (0,))[0], rtol=1e-6)
    assert text_of(valley, x).count("x_bar[") == 3
