"""Special functions that NumPy and math have no word for."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["polygamma"]

_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)


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
