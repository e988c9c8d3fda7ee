"""Special functions that NumPy and math have no word for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from srcdiff.runtime.namespaces import namespace, scipy_part

__all__ = ["bessel_i", "gamma_slope", "polygamma"]

_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)


def bessel_i(x: Any, order: int = 0) -> Any:
    r"""The modified Bessel function of the first kind, of an integer order.

    Its series, whose terms are all of one sign, up to 40, and the asymptotic one from there (NIST Digital
    Library of Mathematical Functions, 10.25.2, 10.40.1); :math:`I_{-n} = I_n`.
    """
    xp = namespace(x)
    n = abs(order)
    x = xp.asarray(x, dtype=xp.result_type(x, 1.0) if isinstance(x, (int, float)) else None)
    size = abs(x)
    near = size <= 40.0 + 2.0 * n * n
    half = xp.where(near, 0.5 * size, 0.0)
    term = half**n / math.factorial(n)
    series = term
    k = 0
    while xp.any(term > 1e-18 * series):
        k += 1
        term = term * (half / k) * (half / (k + n))
        series = series + term
    far = xp.where(near, 1.0, size)
    factor = xp.ones_like(far)
    tail = factor
    for k in range(1, 25):
        factor = factor * (-(4.0 * n * n - (2.0 * k - 1.0) ** 2) / (8.0 * k)) / far
        tail = tail + xp.where(near, 0.0, factor)
    # exp(x) overflows before exp(x) / sqrt(x) does
    grown = xp.exp(0.5 * xp.where(near, 0.0, size))
    value = xp.where(near, series, grown / xp.sqrt(2.0 * math.pi * far) * tail * grown)
    odd = xp.sign(x) if n % 2 else 1.0
    return (odd * value)[()].astype(x.dtype)


def polygamma(n: int, x: Any) -> Any:
    """The (n+1)-th derivative of ``math.lgamma`` at a number ``x``; n = 0 is the digamma function.

    By the recurrence up to x >= 20 + n and the asymptotic series there
    (Abramowitz and Stegun, *Handbook of Mathematical Functions*, 6.3.5, 6.3.18, 6.4.6, 6.4.11).
    """
    sign = -1.0 if n % 2 == 0 else 1.0  # (-1) ** (n + 1)
    out = 0.0
    while x < 20 + n:
        out += sign * math.factorial(n) / x ** (n + 1)
        x = x + 1.0
    if n == 0:
        out += math.log(x) - 0.5 / x
    else:
        out += sign * (math.factorial(n - 1) / x**n + 0.5 * math.factorial(n) / x ** (n + 1))
    for k, b in enumerate(_BERNOULLI, 1):
        term = b * math.factorial(2 * k + n - 1) / (math.factorial(2 * k) * x ** (2 * k + n))
        out += sign * term if n else -term
    return out


def gamma_slope(a: Any, x: Any) -> Any:
    r"""The derivative of the regularised incomplete gamma function :math:`P(a, x)` in its shape ``a``.

    Below :math:`x = a + 1` term by term, where all terms are of one sign; above, the continued fraction of
    :math:`1 - P` is differentiated on the way (NIST Digital Library of Mathematical Functions, 8.7.1, 8.9.2).
    """
    xp = namespace(a, x)
    special = scipy_part(xp, "special")
    a, x = xp.broadcast_arrays(xp.asarray(a, dtype=float), xp.asarray(x, dtype=float))
    near = x < a + 1.0
    below = _series(special, a, xp.where(near, x, a))
    return xp.where(near, below, _fraction(special, a, xp.where(near, a + 1.0, x)))[()]


def _series(special: Any, a: Any, x: Any) -> Any:
    xp = namespace(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        log = xp.log(x)
        term = xp.exp(special.xlogy(a, x) - x - special.gammaln(a + 1.0))
        psi = special.psi(a + 1.0)
        out = xp.where(x > 0.0, term * (log - psi), 0.0)
        n = 0
        while xp.any(abs(term) * (1.0 + abs(psi)) > 1e-18 * abs(out)) and n < 100000:
            n += 1
            term = term * (x / (a + n))
            psi = psi + 1.0 / (a + n)
            out = xp.where(x > 0.0, out + term * (log - psi), 0.0)
    return out


def _fraction(special: Any, a: Any, x: Any) -> Any:
    xp = namespace(x)
    # Lentz, with the derivatives in a: of b it is -1, of the numerators n
    b = x + 1.0 - a
    d, d_dot = 1.0 / b, 1.0 / (b * b)
    c, c_dot = xp.full_like(x, 1e150), xp.zeros_like(x)
    h, h_dot = d, d_dot
    for n in range(1, 100000):
        num = -n * (n - a)
        b = b + 2.0
        below = num * d + b
        below_dot = n * d + num * d_dot - 1.0
        d, d_dot = 1.0 / below, -below_dot / (below * below)
        c, c_dot = b + num / c, -1.0 + n / c - num * c_dot / (c * c)
        step, step_dot = c * d, c_dot * d + c * d_dot
        h, h_dot = h * step, h_dot * step + h * step_dot
        if xp.all((abs(step - 1.0) < 1e-16) & (abs(h * step_dot) <= 1e-16 * abs(h_dot) + 1e-300)):
            break
    whole = xp.exp(special.xlogy(a, x) - x - special.gammaln(a))
    return -whole * (h_dot + h * (xp.log(x) - special.psi(a)))
