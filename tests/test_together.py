"""Outer products of all trips as one product of matrices; rows of lists changed in place; `x @ x`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from numeric import gradient
from srcdiff import grad, hvp


def settled(W: Any, x: Any, n: int) -> Any:
    for _ in range(n):
        x = np.tanh(W @ x)
    return np.sum(x**2)


def both_ways(K: Any, v: Any, n: int) -> Any:
    for _ in range(n):
        u = 1.0 / (K @ v)
        v = 1.0 / (K.T @ u)
    return np.sum(K * v) + v @ K @ v


def conjugate(A: Any, b: Any, n: int) -> Any:
    x, r = np.zeros_like(b), b
    p, rs = r, b @ b
    for _ in range(n):
        Ap = A @ p
        x = x + rs / (p @ Ap) * p
        r = r - rs / (p @ Ap) * Ap
        p, rs = r + (r @ r) / rs * p, r @ r
    return x @ x


def online(W: Any, x: Any, n: int) -> Any:
    """The other vector is a row of an argument; sums of other things in between."""
    X = np.stack([x, 2.0 * x, x - 1.0])
    total = 1.0
    for k in range(n):
        total *= 1.0 + np.sum(np.sin(W @ X[k])) + np.sum(W * W) * 0.1
        if k == 1:
            break
    return total


def settled_in_branch(W: Any, x: Any, n: int) -> Any:
    for k in range(n):
        x = np.tanh(W @ x) if k % 2 else x @ W
    return x @ x


PROGRAMS = (settled, both_ways, conjugate, online, settled_in_branch)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [0, 1, 3])
def test_values(f: Callable[..., Any], n: int) -> None:
    rng = np.random.default_rng(1)
    W = rng.uniform(0.2, 0.5, (3, 3)) + np.eye(3)
    x = rng.uniform(0.5, 1.0, 3)
    g = grad(f, wrt=(0, 1))
    for got, at in zip(g(W, x, n), (0, 1), strict=True):
        want = gradient(f, (W, x, n), (at,))[0]
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    if f is not settled_in_branch:
        loops = g.source.rpartition("    for ")[2].partition("\n    #")[0]
        assert "np.outer" not in loops


def test_second_order() -> None:
    rng = np.random.default_rng(2)
    W, v = rng.normal(size=(2, 3, 3)) * 0.5
    x = rng.normal(size=3)
    g = grad(settled)
    want = (g(W + 1e-6 * v, x, 3) - g(W - 1e-6 * v, x, 3)) / 2e-6
    np.testing.assert_allclose(hvp(settled)(W, x, 3, v), want, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(
        grad(lambda W: np.sum(grad(settled)(W, x, 3) * v))(W), want, rtol=1e-5, atol=1e-7
    )


def narrow(W: Any, x: Any, n: int) -> Any:
    """Nothing is kept of a trip but a number: the vectors of all trips are not kept either."""
    total = 0.0
    for k in range(n):
        total += np.exp(np.sum(W @ np.cos(x * k)))
    return total


def test_no_memory_of_another_order() -> None:
    g = grad(narrow)
    W, x = np.eye(3), np.ones(3)
    np.testing.assert_allclose(g(W, x, 4), gradient(narrow, (W, x, 4), (0,))[0], rtol=1e-5)
    assert "_rows" not in g.source and "rows" not in g.source


def table(a: Any, b: Any) -> Any:
    n, m = len(a), len(b)
    rows = [[0.0] * (m + 1) for _ in range(n + 1)]
    total = 0.0
    for i in range(n):
        for j in range(m):
            x, y, z = rows[i][j] + a[i] * b[j], rows[i][j + 1], rows[i + 1][j]
            rows[i + 1][j + 1] = np.sin(x) + y * z + a[i]
            total += rows[i + 1][j + 1]
    return total + rows[n][m]


def test_rows_of_lists_are_changed_in_place() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=4), rng.normal(size=3)
    g = grad(table)
    np.testing.assert_allclose(g(a, b), gradient(table, (a, b), (0,))[0], rtol=1e-5, atol=1e-7)
    backwards = g.source.partition("reversed(")[2]
    assert ".copy()" not in backwards and "zeros_like" not in backwards.partition("for j")[2]


def squares(x: Any) -> Any:
    total = 0.0
    for _ in range(3):
        r = x @ x
        x = x * r + np.dot(x, x) * 0.1
        total += r * np.inner(x, x)
    return total + np.sum(np.outer(x, x) * np.arange(9.0).reshape(3, 3))


def test_products_with_itself() -> None:
    x = np.array([0.3, -0.5, 0.2])
    g = grad(squares)
    np.testing.assert_allclose(g(x), gradient(squares, (x,), (0,))[0], rtol=1e-5)
