"""Derivatives of one number up to the fifth order, against many digits and against JAX."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from srcdiff import derivative, taylor

DIGITS = 60


# ---- programs ----------------------------------------------------------------------------------------------


def tanh(x):
    return math.tanh(x)


def sine_of_square(x):
    return math.sin(x**2 + 2 * x + 1)


def bell(x):
    return math.exp(-x * x / 2)


def logarithm(x):
    return math.log(1.0 + x * x)


def logarithms(x):
    return math.log2(x + 2.0) * math.log10(x + 3.0) + math.log1p(x)


def roots(x):
    return math.sqrt(x * x + 1.0) + math.sqrt(x)


def real_powers(x):
    return x**2.5 + x**-1.5 + x**0.3


def natural_powers(x):
    return x**7 - 3 * x**4 + x**2.0


def to_the_x(x):
    return x**x + 2.0**x


def product(x):
    return x * math.sin(x) * math.exp(x)


def quotient(x):
    return math.sin(x) / (1.0 + x**2)


def lorentz(x):
    return 1.0 / (1.0 + x * x)


def tangent(x):
    return math.tan(x) + x


def inverse_sine(x):
    return math.asin(x) * x


def inverse_cosine(x):
    return math.acos(x / 2)


def inverse_tangent(x):
    return math.atan(x**2)


def two_argument_tangent(x):
    return math.atan2(x, 1.0 + x)


def hyperbolic(x):
    return math.sinh(x) * math.cosh(2 * x)


def inverse_hyperbolic(x):
    return math.asinh(x) + math.acosh(x + 2.0) + math.atanh(x / 2)


def error_function(x):
    return math.erf(x) + x * math.erfc(x)


def gamma(x):
    return math.gamma(x + 1.5)


def log_gamma(x):
    return math.lgamma(x + 1.0)


def hypotenuse(x):
    return math.hypot(x, 2.0)


def sigmoid(x):
    return 1.0 / (1.0 + math.exp(-3.0 * x))


def swish(x):
    return x / (1.0 + math.exp(-x))


def softplus(x):
    return math.log1p(math.exp(x))


def gelu(x):
    return 0.5 * x * (1.0 + math.erf(x / math.sqrt(2.0)))


def composed(x):
    return math.exp(math.sin(math.cos(x)))


def rational(x):
    return (x**3 - 2 * x + 1) / (x**2 + x + 1)


def continued(x):
    return x / (1 + x / (2 + x / (3 + x)))


def exponential_minus_one(x):
    return math.expm1(x * x) / x


def damped(x):
    return math.exp(-0.3 * x) * math.cos(5.0 * x)


def logistic_map(x, r=3.7, n=6):
    for _ in range(n):
        x = r * x * (1.0 - x)
    return x


def horner(x):
    total = 0.0
    for c in (0.3, -1.0, 2.0, 0.7, -0.2, 1.1):
        total = total * x + c
    return total


def sine_recurrence(x):
    y = x
    for i in range(4):
        y = math.sin(x * y) + i
    return y


def series(x):
    total, term = 0.0, 1.0
    for k in range(1, 12):
        total += term
        term *= -x * x / (2 * k * (2 * k - 1))
    return total


def newton(x):
    y = x
    while abs(y * y - x) > 1e-12:
        y = 0.5 * (y + x / y)
    return y


def runge_kutta(x):
    def slope(t, y):
        return -y * y + math.sin(t)

    h, t, y = 0.1, 0.0, x
    for _ in range(3):
        k1 = slope(t, y)
        k2 = slope(t + h / 2, y + h / 2 * k1)
        k3 = slope(t + h / 2, y + h / 2 * k2)
        k4 = slope(t + h, y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        t += h
    return y


def branches(x):
    y = x * x
    if y > 0.1:
        y = math.cos(y) * x
    else:
        y = math.exp(y)
    return y * y if x < 10.0 else y


def written(x):
    u = [x, x * x, 0.0, 0.0]
    for i in range(2, 4):
        u[i] = math.sin(u[i - 1]) * u[i - 2]
    return u[3] + u[2]


def early(x):
    total = 0.0
    for k in range(20):
        total += math.sin(k * x)
        if total > 2.0:
            return total * x
    return total


def of_helpers(x):
    def inner(y, n):
        return y if n == 0 else math.tanh(y) + x * y

    return inner(inner(x, 2), 1)


FUNCTIONS: list[Callable[..., Any]] = [
    tanh, sine_of_square, bell, logarithm, logarithms, roots, real_powers, natural_powers, to_the_x,
    product, quotient, lorentz, tangent, inverse_sine, inverse_cosine, inverse_tangent,
    two_argument_tangent, hyperbolic, inverse_hyperbolic, error_function, gamma, log_gamma,
    hypotenuse, sigmoid, swish, softplus, gelu, composed, rational, continued,
    exponential_minus_one, damped, logistic_map, horner, sine_recurrence, series, newton,
    runge_kutta, branches, written, early, of_helpers,
]  # fmt: skip
WITH_JAX = [
    tanh, sine_of_square, bell, logarithm, roots, natural_powers, product, quotient, tangent, inverse_tangent,
    sigmoid, composed, rational, logistic_map, sine_recurrence, newton,
]  # fmt: skip
each = pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
POINTS = (0.4, 0.73)


# ---- references --------------------------------------------------------------------------------------------

MANY_DIGITS = types.SimpleNamespace(
    **{n: getattr(mpmath, n) for n in (
        "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh",
        "atanh", "exp", "expm1", "log", "log10", "log1p", "sqrt", "erf", "erfc", "gamma", "hypot",
    )},
    log2=lambda x: mpmath.log(x, 2), lgamma=mpmath.loggamma,
)  # fmt: skip


def elsewhere(f: Callable[..., Any], functions: Any) -> Callable[..., Any]:
    """The same function with other functions for those of ``math``."""
    return types.FunctionType(f.__code__, {**f.__globals__, "math": functions}, f.__name__, f.__defaults__)


def exact(f: Callable[..., Any], x: float, order: int) -> float:
    with mpmath.workdps(DIGITS):
        return float(mpmath.diff(elsewhere(f, MANY_DIGITS), mpmath.mpf(x), order))


@each
@pytest.mark.parametrize("order", range(1, 6))
def test_against_many_digits(f: Callable[..., Any], order: int) -> None:
    d = derivative(f, order=order)
    for x in POINTS:
        want = exact(f, x, order)
        assert d(x) == pytest.approx(want, rel=1e-9, abs=1e-9)


@each
def test_taylor_coefficients(f: Callable[..., Any]) -> None:
    x, v = 0.4, -1.5
    got = taylor(f, order=5)(x, v)
    want = [exact(f, x, k) * v**k / math.factorial(k) for k in range(6)]
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9)
    at_once = taylor(f, order=5)(np.float64(x), np.float64(v))
    np.testing.assert_allclose(at_once, got, rtol=1e-12)


@pytest.mark.parametrize("f", WITH_JAX, ids=lambda f: f.__name__)
def test_against_jax(f: Callable[..., Any]) -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    names = {n: getattr(jax.numpy, m, None) for n, m in (
        ("sin", "sin"), ("cos", "cos"), ("tan", "tan"), ("exp", "exp"), ("log", "log"), ("sqrt", "sqrt"),
        ("tanh", "tanh"), ("atan", "arctan"),
    )}  # fmt: skip
    g = elsewhere(f, types.SimpleNamespace(**names))
    for order in range(1, 5):
        g = jax.grad(g)
        for x in POINTS:
            assert derivative(f, order=order)(x) == pytest.approx(float(g(x)), rel=1e-9, abs=1e-9)
