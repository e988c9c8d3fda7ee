"""NumPy's functions for one number of Python's own: as quick as `math`, and they answer where that raises."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = [
    "cos", "exp", "expm1", "log", "log1p", "maximum", "minimum", "power", "sin", "sqrt", "tanh",
]  # fmt: skip


def exp(x: float) -> Any:
    """``np.exp(x)``."""
    try:
        return math.exp(x)
    except OverflowError:
        return np.exp(x)


def expm1(x: float) -> Any:
    """``np.expm1(x)``."""
    try:
        return math.expm1(x)
    except OverflowError:
        return np.expm1(x)


def log(x: float) -> Any:
    """``np.log(x)``."""
    return math.log(x) if x > 0.0 else np.log(x)


def log1p(x: float) -> Any:
    """``np.log1p(x)``."""
    return math.log1p(x) if x > -1.0 else np.log1p(x)


def sqrt(x: float) -> Any:
    """``np.sqrt(x)``."""
    return math.sqrt(x) if x >= 0.0 else np.sqrt(x)


def sin(x: float) -> Any:
    """``np.sin(x)``."""
    try:
        return math.sin(x)
    except ValueError:
        return np.sin(x)


def cos(x: float) -> Any:
    """``np.cos(x)``."""
    try:
        return math.cos(x)
    except ValueError:
        return np.cos(x)


def tanh(x: float) -> Any:
    """``np.tanh(x)``."""
    return math.tanh(x)


def minimum(a: float, b: float) -> Any:
    """``np.minimum(a, b)``."""
    return a if a < b or a != a else b


def maximum(a: float, b: float) -> Any:
    """``np.maximum(a, b)``."""
    return a if a > b or a != a else b


def power(x: float, n: Any) -> Any:
    """``np.float64(x) ** n``."""
    if x > 0.0:
        try:
            return x**n
        except OverflowError:
            pass
    return np.float64(x) ** n
