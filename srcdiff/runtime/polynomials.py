"""Numbers that belong to a basis of polynomials; emitted text calls these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["images", "products"]


def products(mul: Callable[..., Any], m: int, n: int) -> Any:
    """The numbers ``t[k, i, j]``: the i-th times the j-th polynomial is the sum of these times the k-th.

    i is below ``m``, j below ``n``.
    """
    out = np.zeros((m + n - 1, m, n))
    for i in range(m):
        for j in range(n):
            c = mul(np.eye(1, i + 1, i)[0], np.eye(1, j + 1, j)[0])
            out[: len(c), i, j] = c
    return out


def images(convert: Callable[..., Any], n: int) -> Any:
    """The matrix of a linear map of coefficients, from the first ``n`` to as many."""
    out = np.zeros((n, n))
    for i in range(n):
        c = convert(np.eye(1, i + 1, i)[0])
        out[: len(c), i] = c
    return out
