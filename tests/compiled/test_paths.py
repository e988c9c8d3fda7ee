"""Small arrays that are numbers in kernels: handed on by loops and branches, and set on one path only."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from srcdiff import grad


def looped_over(x: Any, y: Any) -> Any:
    """What a loop leaves is the source of another."""
    u = np.ones(x.shape) * x
    A = np.zeros((4, 4))
    for _ in range(len(x)):
        A.T[-1] = np.tanh(y)
    w = np.tanh(A[-1])
    for _row in A:
        u[0] *= np.tanh(x[1])
    return np.sum(u * w)


def left_early(x: Any, y: Any) -> Any:
    """What a loop leaves is read behind a branch that may return."""
    A = np.outer(x, y)
    for _ in range(3):
        A[0, 1] += np.tanh(np.mean(np.cos(x) ** 2))
    if np.max(y) > 0.9:
        return np.tanh(np.sum(A[:, -1]))
    A.T[1] *= np.tanh(x * y + np.trace(A))
    return np.sum(A)


def set_on_one_path(x: Any, y: Any) -> Any:
    """What only one path computes is handed to a kernel that asks for it there."""
    w = np.zeros(len(x))
    A = np.zeros((4, 4))
    ls = [x[0]]
    if y[0] > 0.5:
        ls.append(np.tanh(A[-1, 1]))
    else:
        w[0] += np.tanh(np.hypot(y[0], np.mean(A[:, 1] ** 2)) * x[2])
    return np.sum(x * w) + sum(ls)


def left_inside(x: Any, y: Any) -> Any:
    """Which trip returned is on a list that an outer branch does not make."""
    scale = float(y[0])
    if scale < 0.5:
        x = 0.3 * x
    elif np.sum(x) > 0.5:
        for _ in range(0, 5, 2):
            if 0.4 * np.max(x) > 0.3:
                return np.var(x)
    return 0.3 * np.sum(x * x) + y[1]


X, Y = np.array([0.3, -0.5, 0.8, 1.1]), np.array([0.6, 0.2, -0.4, 0.7])


@pytest.mark.parametrize("y", [Y, Y + 0.5, -Y])
@pytest.mark.parametrize("f", [looped_over, left_early, set_on_one_path, left_inside])
def test_against_numpy(f: Callable[..., Any], y: Any, uncompiled: None) -> None:
    want, got = (grad(f, wrt=(0, 1), backend=b)(X, y) for b in ("numpy", "numba"))
    np.testing.assert_allclose(got[0], want[0], rtol=1e-10)
    np.testing.assert_allclose(got[1], want[1], rtol=1e-10)


FUNCTIONS = (np.sin, np.cos) * 30


def sum_of_many_terms(x: Any) -> Any:
    """What is added up statement by statement is no one expression: Python reads 200 parentheses at most."""
    y = np.zeros(8)
    for first in (0, 3, 5, 6):
        for k, g in enumerate(FUNCTIONS):
            y[k % 7] = g(y[(k + first) % 8]) * x[2] + x[1]
    return (y**2).sum()


@pytest.mark.usefixtures("uncompiled")
def test_long_sums_are_made_in_parts() -> None:
    x = np.array([0.3, 0.7, 1.1])
    expected = grad(sum_of_many_terms)(x)
    np.testing.assert_allclose(grad(sum_of_many_terms, backend="numba")(x), expected, rtol=1e-12)
