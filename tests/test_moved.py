"""What moves out of loops, contractions, arrays of ones, parts set to zero late: the same gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numeric
from srcdiff import grad, hvp, source

RNG = np.random.default_rng(7)


def wave(u: Any, c: Any, n: int) -> Any:
    u = u.copy()
    v = np.zeros_like(u)
    for _ in range(n):
        v[1:-1, 1:-1] += 0.1 * c[1:-1, 1:-1] ** 2 * (u[2:, 1:-1] + u[:-2, 1:-1] - 2.0 * u[1:-1, 1:-1])
        u = u + v
    return np.sum(u * u)


def nested(x: Any, w: Any, n: int) -> Any:
    total = 0.0
    for _ in range(n):
        for _ in range(n):
            total = total + np.sum(np.sin(x * (2.0 * w[1:])))
        x = x * 0.9
    return total


def written(x: Any, w: Any, n: int) -> Any:
    """What a trip writes to is its own, made anew in each."""
    total = 0.0
    for i in range(n):
        h = w[:-1] * 2.0
        h[i] = x[i]
        total = total + np.sum(h * x * x)
    return total


def changing(x: Any, w: Any, n: int) -> Any:
    """A part of what the loop writes to moves nowhere."""
    w = w.copy()
    for i in range(n):
        w[i] = np.sum(w[1:-1] ** 2 * x[: len(w) - 2]) * 0.3
    return np.sum(w)


def never(x: Any, w: Any, n: int) -> Any:
    """No trip, and slices that are empty."""
    total = np.sum(x * x)
    for _ in range(n - 3):
        total = total + np.sum(w[90:] * 2.0)
    return total


def rows(x: Any, w: Any, n: int) -> Any:
    m = np.exp(x - x.mean(axis=1, keepdims=True))
    return np.sum((m / m.sum(axis=1, keepdims=True)) * w)


def blocks(x: Any, w: Any, n: int) -> Any:
    d = x[:, None, :] - w[None, :, :]
    return np.sum(np.sqrt(np.sum(d * d, axis=2) + 0.3))


def backwards(x: Any, w: Any, n: int) -> Any:
    for j in range(n, 0, -1):
        x = x.copy()
        x[j - 1] = w[j] * x[j] * x[j - 1]
    return np.sum(x * x)


def windows(x: Any, w: Any, n: int) -> Any:
    """Contractions that are products of matrices, but for the shapes; the second repeats a size."""
    v = np.lib.stride_tricks.sliding_window_view(np.sin(x), (n - 1, n - 1))
    y = np.einsum("abxy,fxy->fab", v, w)
    z = np.einsum("abxy,fxy->bfa", v, w[:, :1, :1])
    return np.sum(y * y) + np.sum(z**3)


def stacked(x: Any, w: Any, n: int) -> Any:
    """One with an index that stays, and one with a factor that has none of its own."""
    y = np.einsum("abi,afi->fab", x, w) * n
    return np.sum(y * y) + np.einsum("abi,bi->a", x, w[0])[1] ** 2


def added(x: Any, w: Any, n: int) -> Any:
    """Indices that only add axes, of what is written to behind as well."""
    u = np.sin(x)
    y = u[None, :, None].copy()
    y[0, 1:, 0] = y[0, :-1, 0] ** 2
    d = u[:, None] - u[None, :]
    return np.sum(y * w[..., None]) + np.sum(d * d * n) + np.sum(np.cumsum(w[..., None], axis=0) ** 2)


X, W, U = RNG.random(4) + 0.5, RNG.random(5) + 0.5, RNG.random((5, 4))
THREE = RNG.random((2, 3, 4))
CASES: dict[Callable[..., Any], tuple[tuple[Any, ...], tuple[str, ...], tuple[str, ...]]] = {
    # the arguments; what the text has; what it has not
    wave: ((U, RNG.random((5, 4)), 3), ("t = 0.1 * c[1:-1, 1:-1] ** 2\n    for",), ("saved",)),
    nested: ((X, W, 3), ("    t = 2.0 * w[1:]\n",), ()),
    written: ((X, W, 3), (), ()),
    changing: ((X, W, 3), (), ()),
    never: ((X, W, 3), (), ()),
    rows: ((U, RNG.random((5, 4)), 3), ("np.einsum('ij,ij->i', ",), ()),
    blocks: ((U, RNG.random((3, 4)), 3), ("np.einsum('ijk,ijk->ik', ",), ()),
    windows: ((U, RNG.random((4, 2, 2)), 3), ("np.tensordot(y_bar, w, (0, 0))",), ()),
    stacked: ((THREE, THREE**2, 3), ("np.einsum('fab,afi->abi', ",), ("tensordot",)),
    added: ((X, U, 3), (".sum(axis=0)\n", "y_bar[0, :, 0]"), ("keepdims", "zeros_like")),
    backwards: ((X, W, 3), (), ()),
}


@pytest.mark.parametrize("f", CASES, ids=lambda f: f.__name__)
def test_moved(f: Callable[..., Any]) -> None:
    args, there, gone = CASES[f]
    text = source(grad(f), *args)
    assert all(part in text for part in there), text
    assert not any(part in text for part in gone), text
    got = grad(f, wrt=(0, 1))(*args)
    numeric.assert_close(got, numeric.gradient(f, args, (0, 1)), 1e-7, f.__name__)


@pytest.mark.parametrize("f", [windows, stacked, added], ids=lambda f: f.__name__)
def test_again(f: Callable[..., Any]) -> None:
    """Second order, forward over reverse and reverse over reverse."""
    x, w, n = CASES[f][0]
    dx, dw = np.cos(x + 1.0), np.sin(w + 1.0)
    along = numeric.gradient(lambda t: _along(f, x + t * dx, w + t * dw, n, dx, dw), (0.0,), (0,))
    got = hvp(f, wrt=(0, 1))(x, w, n, (dx, dw))
    numeric.assert_close(np.sum(got[0] * dx) + np.sum(got[1] * dw), along, 1e-6, f.__name__)
    again = grad(lambda x, w: np.sum(grad(f)(x, w, n) * dx), wrt=(0, 1))(x, w)
    numeric.assert_close(again, hvp(f, wrt=(0, 1))(x, w, n, (dx, np.zeros_like(w))), 1e-9, f.__name__)


def _along(f: Callable[..., Any], x: Any, w: Any, n: int, dx: Any, dw: Any) -> Any:
    x_bar, w_bar = grad(f, wrt=(0, 1))(x, w, n)
    return np.sum(x_bar * dx) + np.sum(w_bar * dw)


def test_filled() -> None:
    def f(x: Any) -> Any:
        for i in range(len(x)):
            x = x.copy()
            x[i] = 2.0 * x[i]
        return np.sum(x)

    assert "np.ones(x.shape)" in source(grad(f), X)
    np.testing.assert_array_equal(grad(f)(X), np.full(4, 2.0))


def picked(z, y, k):
    return np.sum(z[np.arange(k), y] ** 2 + z[np.arange(k), y])


def picked_by_rows(z, y):
    return np.sum(z[np.arange(z.shape[0]), y] ** 2)


@pytest.mark.parametrize("f, more", [(picked, (1,)), (picked_by_rows, ())])
def test_one_number_repeated(f, more) -> None:
    """`np.arange(1)` beside a list of three: places come twice."""
    z, y = np.random.default_rng(0).random((1, 4)), np.array([1, 1, 2])
    slope = 2.0 * z + 1.0 if more else 2.0 * z
    expected = slope * np.array([[0.0, 2.0, 1.0, 0.0]])
    d = grad(f)
    assert np.allclose(d(z, y, *more), expected)
    square = np.random.default_rng(1).random((3, 4))
    d(square, y, *(3 for _ in more))
    assert np.allclose(d(z, y, *more), expected)
