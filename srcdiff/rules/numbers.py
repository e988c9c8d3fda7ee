"""The quick ways to NumPy's functions of one number, and what they stand for where a text is read again."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from srcdiff import runtime
from srcdiff.rules.registry import definition, known

__all__ = ["POWER", "QUICK", "gives_numpys", "takes_element", "takes_number"]

QUICK: dict[Any, Any] = {
    np.arccos: runtime.arccos, np.arcsin: runtime.arcsin, np.arcsinh: runtime.arcsinh,
    np.arctan: runtime.arctan, np.arctan2: runtime.arctan2, np.cos: runtime.cos, np.cosh: runtime.cosh,
    np.exp: runtime.exp, np.expm1: runtime.expm1, np.hypot: runtime.hypot, np.log: runtime.log,
    np.log10: runtime.log10, np.log1p: runtime.log1p, np.log2: runtime.log2, np.maximum: runtime.maximum,
    np.minimum: runtime.minimum, np.sign: runtime.sign, np.sin: runtime.sin, np.sinh: runtime.sinh,
    np.sqrt: runtime.sqrt, np.tan: runtime.tan, np.tanh: runtime.tanh, np.abs: operator.abs,
}  # fmt: skip
POWER = runtime.power
ELEMENTWISE = frozenset({
    operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, operator.pow, operator.abs,
})  # fmt: skip

known(*(fn for fn in QUICK.values() if fn is not operator.abs), POWER)


def takes_number(fn: Any) -> bool:
    """Whether a function of NumPy does the same with a number of Python's as with one of its own."""
    of_math = getattr(fn, "__module__", "") == "math"  # (makes a double of what it is given)
    return of_math or isinstance(fn, np.ufunc) or fn in (np.array, np.clip, np.where, runtime.logaddexp_slope)


def gives_numpys(fn: Any) -> bool:
    """Whether a function makes NumPy's own numbers, of Python's too."""
    return isinstance(fn, np.ufunc) or str(getattr(fn, "__module__", "")).startswith("numpy")


def takes_element(fn: Any) -> bool:
    """Whether a function of arrays does the same with each element, for one or two operands."""
    return fn in ELEMENTWISE or (isinstance(fn, np.ufunc) and fn.signature is None and fn.nout == 1)


@definition(runtime.cos, "x")
def cos(x: Any) -> Any:
    return np.cos(x)


@definition(runtime.exp, "x")
def exp(x: Any) -> Any:
    return np.exp(x)


@definition(runtime.expm1, "x")
def expm1(x: Any) -> Any:
    return np.expm1(x)


@definition(runtime.log, "x")
def log(x: Any) -> Any:
    return np.log(x)


@definition(runtime.log1p, "x")
def log1p(x: Any) -> Any:
    return np.log1p(x)


@definition(runtime.maximum, "a", "b")
def maximum(a: Any, b: Any) -> Any:
    return np.maximum(a, b)


@definition(runtime.minimum, "a", "b")
def minimum(a: Any, b: Any) -> Any:
    return np.minimum(a, b)


@definition(runtime.power, "x")
def power(x: Any, n: Any) -> Any:
    return x**n


@definition(runtime.sin, "x")
def sin(x: Any) -> Any:
    return np.sin(x)


@definition(runtime.sqrt, "x")
def sqrt(x: Any) -> Any:
    return np.sqrt(x)


@definition(runtime.tanh, "x")
def tanh(x: Any) -> Any:
    return np.tanh(x)


@definition(runtime.arccos, "x")
def arccos(x: Any) -> Any:
    return np.arccos(x)


@definition(runtime.arcsin, "x")
def arcsin(x: Any) -> Any:
    return np.arcsin(x)


@definition(runtime.arcsinh, "x")
def arcsinh(x: Any) -> Any:
    return np.arcsinh(x)


@definition(runtime.arctan, "x")
def arctan(x: Any) -> Any:
    return np.arctan(x)


@definition(runtime.arctan2, "a", "b")
def arctan2(a: Any, b: Any) -> Any:
    return np.arctan2(a, b)


@definition(runtime.cosh, "x")
def cosh(x: Any) -> Any:
    return np.cosh(x)


@definition(runtime.hypot, "a", "b")
def hypot(a: Any, b: Any) -> Any:
    return np.hypot(a, b)


@definition(runtime.log10, "x")
def log10(x: Any) -> Any:
    return np.log10(x)


@definition(runtime.log2, "x")
def log2(x: Any) -> Any:
    return np.log2(x)


@definition(runtime.sign, "x")
def sign(x: Any) -> Any:
    return np.sign(x)


@definition(runtime.sinh, "x")
def sinh(x: Any) -> Any:
    return np.sinh(x)


@definition(runtime.tan, "x")
def tan(x: Any) -> Any:
    return np.tan(x)


PACKED = range(3, 13)  # how many numbers are saved as bytes
PACK = {n: getattr(runtime, f"pack_{n}") for n in PACKED}
UNPACK = {n: getattr(runtime, f"unpack_{n}") for n in PACKED}


def packed(*numbers: Any) -> Any:
    return numbers


def unpacked(numbers: Any) -> Any:
    return numbers


for n in PACKED:
    definition(PACK[n])(packed)
    definition(UNPACK[n])(unpacked)
