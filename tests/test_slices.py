"""Slices between constants are settled for arrays that are long enough; others get a text of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from srcdiff import grad


def inner(x: Any, y: Any) -> Any:
    return np.sum(x[1:-1] * y[2:] * y[:-2])


def first(x: Any, y: Any) -> Any:
    return np.sum(np.tanh(x[:5] * y[3:8]) ** 2)


def last(x: Any, y: Any) -> Any:
    return np.sum(x[-4:] * y[-1:]) + np.sum(x[-3:-1] ** 2)


def stretched(x: Any, y: Any) -> Any:
    return np.sum((x[1:] + y[:, None, 1:]) ** 2 * x[:-1])


def written(x: Any, y: Any) -> Any:
    z = y.copy()
    z[2:-1] = x[2:-1] ** 2
    z[:3] += x[0] * z[-3:]
    return np.sum(z * z)


def every(x: Any, y: Any) -> Any:
    return np.sum(x[1:-1:2] * y[:-2:2] * np.sin(x[2::2]))


def other(x: Any, y: Any) -> Any:
    return np.sum(x[::2] ** 2 * y[1::2])


def red_and_black(x: Any, y: Any) -> Any:
    z = x.copy()
    for _ in range(2):
        z[1:-1:2] += 0.3 * (z[:-2:2] * z[2::2] - y[1:-1:2])
        z[2:-1:3] *= y[1:-2:3] + z[3::3]
    return np.sum(z * z)


PAIRS = [(n, n) for n in (9, 8, 6, 5, 4, 3)]
SIZES: dict[Callable[..., Any], list[tuple[Any, Any]]] = {
    inner: [*PAIRS, (3, 9)],
    first: [(9, 9), (5, 8), (4, 7), (9, 4), (3, 6), (12, 11), (1, 8)],
    last: [(9, 9), (4, 2), (3, 3), (2, 5), (5, 1)],
    stretched: [(4, (3, 4)), (2, (3, 4)), (4, (3, 2)), (3, (3, 3)), (2, (1, 2))],
    written: PAIRS[:-1],
    every: [*PAIRS, (3, 9), (9, 3), (4, 9)],
    other: [(8, 8), (9, 10), (8, 9), (4, 4), (2, 2), (8, 3), (1, 9), (8, 2)],
    red_and_black: [(9, 9), (8, 8), (7, 7), (4, 4), (3, 3), (9, 9)],
}


def differences(f: Callable[..., Any], x: Any, y: Any, h: float = 1e-6) -> Any:
    out = np.zeros_like(x)
    for k in range(x.size):
        e = np.zeros_like(x)
        e.flat[k] = h
        out.flat[k] = (f(x + e, y) - f(x - e, y)) / (2 * h)
    return out


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("f", SIZES, ids=lambda f: f.__name__)
def test_one_gradient_at_many_sizes(f: Callable[..., Any], backwards: bool) -> None:
    rng = np.random.default_rng(1)
    g = grad(f)
    for n, m in SIZES[f][:: -1 if backwards else 1]:
        x, y = rng.normal(size=n), rng.normal(size=m)
        np.testing.assert_allclose(g(x, y), differences(f, x, y), rtol=1e-6, atol=1e-6)


def test_nothing_is_asked_at_run_time() -> None:
    for f in SIZES:
        g = grad(f)
        g(np.ones(SIZES[f][0][0]), np.ones(SIZES[f][0][1]))
        assert "unbroadcast" not in g.source, g.source
