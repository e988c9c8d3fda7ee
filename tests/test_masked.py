"""What a condition has set to zero is not set to zero again: masked losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from numeric import assert_close, directional
from srcdiff import grad, hvp, jvp


def squares(x, y, m):
    r = np.where(m, x - y, 0.0)
    return np.sum(r * r)


def mean(x, y, m):
    r = np.where(m, x - 2.0 * y, 0.0)
    return np.mean(r**2) / 3.0


def thrice(x, y, m):
    r = np.where(m, np.sin(x) - y, 0.0)
    r = np.where(m, -2.0 * r, 0.0)
    return np.sum(np.where(m, r, 0.0) ** 2)


def row(x, y, m):
    """The mask is wider than what it is of."""
    r = np.where(m, x[:1] - y, 0.0)
    return np.sum(r * r)


def in_a_loop(x, y, m):
    s = 0.0
    for i in range(3):
        r = np.where(m, x * i - y, 0.0)
        s = s + np.sum(r * r)
    return s


def another(x, y, m):
    r = np.where(m, x - y, 0.0)
    return np.sum(np.where(~m, r * 3.0 + x, 0.0) ** 2)


def weighted(x, y, m):
    r = np.where(m, x, 0.0)
    return np.sum((r * r) * y)


CASES = [squares, mean, thrice, row, in_a_loop, another, weighted]


@pytest.mark.parametrize("f", CASES, ids=lambda f: f.__name__)
def test_values(f: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    x, y, v = rng.standard_normal((3, 20, 30))
    m = rng.random((20, 30)) > 0.4
    args = (x, y, m)
    g = grad(f)
    slope = directional(f, args, (0,), (v,))[0]
    assert_close(np.vdot(g(*args), v), slope, 1e-6)
    assert_close(jvp(f, args, (v, None, None))[1], slope, 1e-6)
    near = (g(x + 1e-5 * v, y, m) - g(x - 1e-5 * v, y, m)) / 2e-5
    assert_close(hvp(f)(*args, v), near, 1e-5)
    if f is not row:
        y[0, 0], m[0, 0] = np.nan, False
        assert not np.isnan(g(x, y, m)).any()


def test_one_choice_is_enough() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((2, 20, 30))
    for f in (squares, mean):
        g = grad(f)
        g(x, y, x > 0.0)
        assert g.source.count("where(m") == 1, g.source


def test_what_is_not_finite_is_set_to_zero() -> None:
    """A factor that is not known: infinite where the condition does not hold."""
    x, y = np.ones((2, 3)), np.array([[1.0, np.inf, 2.0], [np.nan, 1.0, 1.0]])
    with np.errstate(invalid="ignore"):
        got = grad(weighted)(x, y, np.isfinite(y))
    assert np.array_equal(got, np.where(np.isfinite(y), 2.0 * y, 0.0))
