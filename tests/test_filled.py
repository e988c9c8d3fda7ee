"""Zeros like large arrays are made of sizes: the arrays are let go, the derivatives are the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from srcdiff import grad, hvp


def chained(x: Any) -> Any:
    lap = 4.0 * x[1:-1, 1:-1, :] - x[2:, 1:-1, :] - x[:-2, 1:-1, :]
    flux = lap[1:, :, :] - lap[:-1, :, :]
    return np.sum(np.where(flux * x[2:-1, 1:-1, :] > 0, 0.0, flux) ** 2)


def between_constants(x: Any) -> Any:
    lap = 4.0 * x[1:41, :, :] - x[0:40, :, :]
    res = lap[1:, :, :] * lap[:39, :, :]
    return np.sum(np.where(res > 0.0, res, 0.0) * res)


def renamed(x: Any) -> Any:
    """The argument's name is another value's by the time that its size is asked for."""
    x = np.sin(x)
    x = x[1:41, :, :] * 2.0
    x = x[1:, :, :] - x[:39, :, :]
    return np.sum(x**2)


def written(x: Any) -> Any:
    x[3] = 0.5
    y = x[1:41, :, :] * x[0:40, :, :]
    z = y[1:, :, :] * y[:39, :, :]
    y[0] = 2.0
    return np.sum(z * z) + np.sum(y[5])


PROGRAMS = [chained, between_constants, renamed, written]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_derivatives(f: Any) -> None:
    r = np.random.default_rng(0)
    x, v = r.normal(size=(2, 43, 20, 25))
    g = grad(f)
    got = g(x.copy())
    wanted = (f(x + 1e-6 * v) - f(x - 1e-6 * v)) / 2e-6
    np.testing.assert_allclose(np.sum(got * v), wanted, rtol=1e-5)
    again = (g(x + 1e-6 * v) - g(x - 1e-6 * v)) / 2e-6
    np.testing.assert_allclose(hvp(f)(x.copy(), v), again, rtol=1e-4, atol=1e-4 * abs(again).max())
    other = r.normal(size=(44, 5, 3))  # (a text that was made for large arrays)
    u = r.normal(size=other.shape)
    wanted = (f(other + 1e-6 * u) - f(other - 1e-6 * u)) / 2e-6
    np.testing.assert_allclose(np.sum(g(other.copy()) * u), wanted, rtol=1e-5)


def test_text() -> None:
    g = grad(between_constants)
    g(np.random.default_rng(0).normal(size=(43, 20, 25)))
    assert "lap_bar = np.zeros((40, x.shape[1], x.shape[2]))" in g.source, g.source
    small = grad(lambda x: between_constants(x))
    small(np.random.default_rng(0).normal(size=(43, 2, 3)))
    assert "zeros_like" in small.source, small.source
