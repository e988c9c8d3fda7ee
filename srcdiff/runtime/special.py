"""Special functions that NumPy and math have no word for."""

from __future__ import annotations

import math
from typing import Any

from srcdiff.runtime.namespaces import namespace

__all__ = ["bessel_i", "polygamma"]

_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
_DIGAMMA = tuple(b / (2 * k) for k, b in enumerate(_BERNOULLI, 1))[::-1]


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

    By the recurrence up to x >= 20 + n (10 for the digamma function) and the asymptotic series there
    (Abramowitz and Stegun, *Handbook of Mathematical Functions*, 6.3.5, 6.3.18, 6.4.6, 6.4.11).
    """
    out = 0.0
    if n == 0:
        while x < 10.0:
            out -= 1.0 / x
            x = x + 1.0
        by = 1.0 / (x * x)
        tail = 0.0
        for c in _DIGAMMA:
            tail = by * (c + tail)
        return out + (math.log(x) - 0.5 / x - tail)
    sign = -1.0 if n % 2 == 0 else 1.0  # (-1) ** (n + 1)
    while x < 20 + n:
        out += sign * math.factorial(n) / x ** (n + 1)
        x = x + 1.0
    out += sign * (math.factorial(n - 1) / x**n + 0.5 * math.factorial(n) / x ** (n + 1))
    for k, b in enumerate(_BERNOULLI, 1):
        term = b * math.factorial(2 * k + n - 1) / (math.factorial(2 * k) * x ** (2 * k + n))
        out += sign * term
    return out
