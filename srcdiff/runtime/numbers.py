"""NumPy's functions for one number of Python's own: as quick as `math`, and they answer where that raises."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = [
    "arccos", "arcsin", "arcsinh", "arctan", "arctan2", "cos", "cosh", "exp", "expm1", "hypot", "log",
    "log1p", "log2", "log10", "maximum", "minimum", "power", "sign", "sin", "sinh", "sqrt", "tan", "tanh",
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


def tan(x: float) -> Any:
    """``np.tan(x)``."""
    try:
        return math.tan(x)
    except ValueError:
        return np.tan(x)


def sinh(x: float) -> Any:
    """``np.sinh(x)``."""
    try:
        return math.sinh(x)
    except OverflowError:
        return np.sinh(x)


def cosh(x: float) -> Any:
    """``np.cosh(x)``."""
    try:
        return math.cosh(x)
    except OverflowError:
        return np.cosh(x)


def arcsin(x: float) -> Any:
    """``np.arcsin(x)``."""
    try:
        return math.asin(x)
    except ValueError:
        return np.arcsin(x)


def arccos(x: float) -> Any:
    """``np.arccos(x)``."""
    try:
        return math.acos(x)
    except ValueError:
        return np.arccos(x)


def arctan(x: float) -> Any:
    """``np.arctan(x)``."""
    return math.atan(x)


def arcsinh(x: float) -> Any:
    """``np.arcsinh(x)``."""
    return math.asinh(x)


def arctan2(a: float, b: float) -> Any:
    """``np.arctan2(a, b)``."""
    return math.atan2(a, b)


def hypot(a: float, b: float) -> Any:
    """``np.hypot(a, b)``."""
    return math.hypot(a, b)


def log2(x: float) -> Any:
    """``np.log2(x)``."""
    return math.log2(x) if x > 0.0 else np.log2(x)


def log10(x: float) -> Any:
    """``np.log10(x)``."""
    return math.log10(x) if x > 0.0 else np.log10(x)


def sign(x: float) -> Any:
    """``np.sign(x)``."""
    return 1.0 if x > 0.0 else -1.0 if x < 0.0 else abs(x)


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
