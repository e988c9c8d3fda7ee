"""Derivatives at large, small and nearly singular arguments, against many digits; single precision kept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from srcdiff import grad, jvp

mpmath = pytest.importorskip("mpmath")


def tanh(x: Any) -> Any:
    return np.tanh(x)


def expm1(x: Any) -> Any:
    return np.expm1(x)


def log1p(x: Any) -> Any:
    return np.log1p(x)


def arcsin(x: Any) -> Any:
    return np.arcsin(x)


def arctanh(x: Any) -> Any:
    return np.arctanh(x)


def arccosh(x: Any) -> Any:
    return np.arccosh(x)


def sinc(x: Any) -> Any:
    return np.sinc(x)


def sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))


def softplus(x: Any) -> Any:
    return np.where(x > 0.0, x + np.log1p(np.exp(-x)), np.log1p(np.exp(x)))


def softplus_short(x: Any) -> Any:
    return np.logaddexp(0.0, x)


def log_sum_exp(x: Any) -> Any:
    shift = np.maximum(x, 1.0)
    return shift + np.log(np.exp(x - shift) + np.exp(1.0 - shift))


def gumbel(x: Any) -> Any:
    return np.exp(-np.exp(-x))


def angle(x: Any) -> Any:
    return np.arctan2(x, 3e-170)


def radius(x: Any) -> Any:
    return np.hypot(x, 3e170)


def length(x: Any) -> Any:
    return np.hypot(x, 3e-170)


m = mpmath
CASES: list[tuple[Any, Any, tuple[float, ...], float]] = [
    # the function, the same for mpmath, points, absolute tolerance
    (tanh, m.tanh, (-400.0, -18.0, -1e-9, 0.5, 5.0, 30.0, 1e3), 3e-16),
    (expm1, m.expm1, (-745.0, -40.0, -1e-12, 1e-12, 700.0), 0.0),
    (log1p, m.log1p, (-0.9999999, -1e-15, 1e-15, 1e15, 1e300), 0.0),
    (arcsin, m.asin, (0.999999999999, -0.9999999, 1e-9), 0.0),
    (arctanh, m.atanh, (0.999999999999, -0.9999999, 1e-9), 0.0),
    (arccosh, m.acosh, (1.5, 40.0, 1e150), 0.0),
    (sinc, lambda x: m.sinc(m.pi * x), (1e-8, 0.3, 2.5, 1e3 + 0.25), 1e-12),
    (sigmoid, lambda x: 1 / (1 + m.exp(-x)), (-800.0, -700.0, -40.0, 0.0, 40.0, 800.0), 1e-300),
    (softplus, lambda x: m.log(1 + m.exp(x)), (-800.0, -40.0, 0.0, 40.0, 800.0), 1e-300),
    (softplus_short, lambda x: m.log(1 + m.exp(x)), (-700.0, -40.0, 0.0, 40.0, 800.0), 1e-300),
    (log_sum_exp, lambda x: m.log(m.exp(x) + m.e), (-600.0, -3.0, 1.5, 30.0, 1e3), 1e-300),
    (gumbel, lambda x: m.exp(-m.exp(-x)), (-800.0, -8.0, -1.0, 0.0, 5.0, 700.0), 1e-300),
    (angle, lambda x: m.atan2(x, m.mpf(3e-170)), (1e-170, 4e-170, 1e-100, 1.0), 0.0),
    (radius, lambda x: m.sqrt(x * x + m.mpf(3e170) ** 2), (1.0, 1e100, 4e170, 1e300), 0.0),
    (length, lambda x: m.sqrt(x * x + m.mpf(3e-170) ** 2), (1e-200, 4e-170, 1e-9), 0.0),
]


@pytest.mark.parametrize(("f", "exact", "points", "near"), CASES, ids=[c[0].__name__ for c in CASES])
def test_against_many_digits(f: Any, exact: Any, points: tuple[float, ...], near: float) -> None:
    x = np.array(points)
    with mpmath.workdps(450):
        step = mpmath.mpf(10) ** -200
        wanted = np.array([float(mpmath.diff(exact, mpmath.mpf(p), h=step)) for p in points])
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        reverse = grad(lambda x: np.sum(f(x)))(x)
        _, forward = jvp(f, (x,), (np.ones_like(x),))
        numbers = [grad(f)(p) for p in points]
    for got in (reverse, forward, numbers):
        np.testing.assert_allclose(got, wanted, rtol=2e-13, atol=near)


@pytest.mark.parametrize("f", [c[0] for c in CASES if c[0] not in (angle, radius, length)])
def test_single_precision_stays_single(f: Any) -> None:
    x = np.array([0.25, 0.5], dtype=np.float32) + np.float32(1.0 if f is arccosh else 0.0)
    assert grad(lambda x: np.sum(f(x)))(x).dtype == np.float32
    assert jvp(f, (x,), (np.ones_like(x),))[1].dtype == np.float32


def guarded(x: Any) -> Any:
    return np.where(x > 0.0, np.sqrt(x), 0.0) + np.maximum(x, 0.25) + np.hypot(x, x) + np.cbrt(x)


def test_masks_keep_single_precision() -> None:
    x = np.array([0.0, 0.5], dtype=np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        assert grad(lambda x: np.sum(guarded(x)))(x).dtype == np.float32
        assert jvp(guarded, (x,), (np.ones_like(x),))[1].dtype == np.float32


def plain(x: float, y: float) -> float:
    return math.atan2(x, y) + math.hypot(x, y) + math.expm1(x)


def test_python_numbers() -> None:
    """The functions of math in the same places."""
    x, y = 4e-170, 3e-170
    x_bar, y_bar = grad(plain, wrt=(0, 1))(x, y)
    assert math.isclose(x_bar, y / 25e-170 / 1e-170 + 0.8 + 1.0, rel_tol=1e-14)
    assert math.isclose(y_bar, -x / 25e-170 / 1e-170 + 0.6, rel_tol=1e-14)
    assert grad(math.expm1)(-700.0) == math.exp(-700.0)
