"""Rules of the functions of ``math`` and of the builtins, spelled with ``math``.

Functions of Python floats touch NumPy for nothing.  The conventions at kinks are those of NumPy's functions
(docs/kinks.md): where the function has a value, so has its derivative.

The front end lowers ``math.modf``, ``math.frexp``,
``divmod`` (a pair of results, one of them not constant), ``abs``, ``min``,
``max``, ``sum`` and ``pow``.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from srcdiff import runtime
from srcdiff.rules.registry import (
    definition,
    differential,
    elementwise,
    linear,
    nondifferentiable,
    pullback,
    returns_alias,
)
from srcdiff.runtime.arrays import cast_like

# --- powers -------------------------------------------------------------------------------------------------


@elementwise(math.sqrt)
def sqrt(x: Any, *, out: Any) -> Any:
    return 0.5 / out if out != 0.0 else 0.0


if sys.version_info >= (3, 11):

    @elementwise(math.cbrt)
    def cbrt(x: Any, *, out: Any) -> Any:
        return 1.0 / (3.0 * out * out) if out != 0.0 else 0.0


@elementwise(math.nextafter)
def nextafter(x: Any, y: Any) -> Any:
    return 1.0, 0.0


@elementwise(math.pow)
def power(x: Any, y: Any, *, out: Any) -> Any:
    # x ** 0 has the slope 0 at x == 0 too, not 0 / 0
    if isinstance(y, int):
        slope = y * math.pow(x, y - (y != 0))
    elif y > 0.0 and y < 1.0:
        slope = y * math.pow(x, y - 1.0) if x != 0.0 else 0.0
    else:
        slope = y * math.pow(x, y - 1.0) if y != 0.0 or x != 0.0 else 0.0
    return slope, out * math.log(x) if x > 0.0 else 0.0


@elementwise(math.hypot)
def hypot(x: Any, y: Any = 0.0, z: Any = 0.0, *, out: Any) -> Any:
    radius = out if out != 0.0 else math.inf
    return x / radius, y / radius, z / radius


@definition(math.hypot)
def hypot_of_many(x: Any, y: Any = 0.0, z: Any = 0.0, *rest: Any) -> Any:
    """One coordinate after the other."""
    if len(rest) == 0:
        return NotImplemented
    radius = math.hypot(x, y, z)
    for w in rest:
        radius = math.hypot(radius, w)
    return radius


@elementwise(math.fabs)
def fabs(x: Any) -> Any:
    return float(x > 0.0) - float(x < 0.0)


@elementwise(math.copysign)
def copysign(x: Any, y: Any) -> Any:
    return (float(x > 0.0) - float(x < 0.0)) * math.copysign(1.0, y), 0.0


@elementwise(math.fmod)
def fmod(x: Any, y: Any, *, out: Any) -> Any:
    return 1.0, (out - x) / y


@elementwise(math.remainder)
def remainder(x: Any, y: Any, *, out: Any) -> Any:
    return 1.0, (out - x) / y


@elementwise(math.ldexp)
def ldexp(x: Any, i: Any) -> Any:
    return math.ldexp(1.0, i), None


# --- exponentials and logarithms ----------------------------------------------------------------------------


@elementwise(math.exp)
def exp(x: Any, *, out: Any) -> Any:
    return out


if sys.version_info >= (3, 11):

    @elementwise(math.exp2)
    def exp2(x: Any, *, out: Any) -> Any:
        return out * math.log(2.0)


@elementwise(math.expm1)
def expm1(x: Any) -> Any:
    return math.exp(x)


@elementwise(math.log)
def log(x: Any, base: Any = None, *, out: Any) -> Any:
    if base is None:
        return 1.0 / x, None
    return 1.0 / (x * math.log(base)), -out / (base * math.log(base))


@elementwise(math.log2)
def log2(x: Any) -> Any:
    return 1.0 / (x * math.log(2.0))


@elementwise(math.log10)
def log10(x: Any) -> Any:
    return 1.0 / (x * math.log(10.0))


@elementwise(math.log1p)
def log1p(x: Any) -> Any:
    return 1.0 / (1.0 + x)


# --- angles -------------------------------------------------------------------------------------------------


@elementwise(math.sin)
def sin(x: Any) -> Any:
    return math.cos(x)


@elementwise(math.cos)
def cos(x: Any) -> Any:
    return -math.sin(x)


@elementwise(math.tan)
def tan(x: Any, *, out: Any) -> Any:
    return 1.0 + out * out


@elementwise(math.asin)
def asin(x: Any) -> Any:
    return 1.0 / math.sqrt((1.0 - x) * (1.0 + x)) if abs(x) != 1.0 else 0.0


@elementwise(math.acos)
def acos(x: Any) -> Any:
    return -1.0 / math.sqrt((1.0 - x) * (1.0 + x)) if abs(x) != 1.0 else 0.0


@elementwise(math.atan)
def atan(x: Any) -> Any:
    return 1.0 / (1.0 + x * x)


@elementwise(math.atan2)
def atan2(y: Any, x: Any) -> Any:
    radius = math.hypot(x, y)  # its square may overflow, or vanish
    radius = radius if radius != 0.0 else math.inf
    return x / radius / radius, -(y / radius / radius)


@elementwise(math.radians)
def radians(x: Any) -> Any:
    return math.pi / 180.0


@elementwise(math.degrees)
def degrees(x: Any) -> Any:
    return 180.0 / math.pi


@elementwise(math.sinh)
def sinh(x: Any) -> Any:
    return math.cosh(x)


@elementwise(math.cosh)
def cosh(x: Any) -> Any:
    return math.sinh(x)


@elementwise(math.tanh)
def tanh(x: Any, *, out: Any) -> Any:
    return 1.0 - out * out


@elementwise(math.asinh)
def asinh(x: Any) -> Any:
    return 1.0 / math.sqrt(1.0 + x * x)


@elementwise(math.acosh)
def acosh(x: Any, *, out: Any) -> Any:
    return 1.0 / math.sinh(out) if out != 0.0 else 0.0


@elementwise(math.atanh)
def atanh(x: Any) -> Any:
    return 1.0 / ((1.0 - x) * (1.0 + x))


@elementwise(math.erf)
def erf(x: Any) -> Any:
    return 2.0 / math.sqrt(math.pi) * math.exp(-x * x)


@elementwise(math.erfc)
def erfc(x: Any) -> Any:
    return -2.0 / math.sqrt(math.pi) * math.exp(-x * x)


# --- sums and products of sequences -------------------------------------------------------------------------


@linear(math.fsum, "seq")
def fsum(seq: Any, *, out_bar: Any) -> Any:
    return [out_bar] * len(seq)


@differential(math.prod)
def prod(iterable: Any, start: Any = 1, *, iterable_dot: Any, start_dot: Any) -> Any:
    changes = [
        iterable_dot[k] * math.prod(iterable[:k]) * math.prod(iterable[k + 1 :]) for k in range(len(iterable))
    ]
    return start * sum(changes) + start_dot * math.prod(iterable)


@pullback(math.prod, "iterable", "start")
def prod_bar(iterable: Any, start: Any = 1, *, out_bar: Any) -> Any:
    iterable_bar = [
        out_bar * start * math.prod(iterable[:k]) * math.prod(iterable[k + 1 :]) for k in range(len(iterable))
    ]
    return iterable_bar, out_bar * math.prod(iterable)


@differential(math.dist)
def dist(p: Any, q: Any, *, out: Any, p_dot: Any, q_dot: Any) -> Any:
    changes = [(p[k] - q[k]) * (p_dot[k] - q_dot[k]) for k in range(len(p))]
    return sum(changes) / (out if out != 0.0 else math.inf)


@pullback(math.dist, "p", "q")
def dist_bar(p: Any, q: Any, *, out: Any, out_bar: Any) -> Any:
    distance = out if out != 0.0 else math.inf
    p_bar = [out_bar * (p[k] - q[k]) / distance for k in range(len(p))]
    q_bar = [out_bar * (q[k] - p[k]) / distance for k in range(len(q))]
    return p_bar, q_bar


# --- of later Pythons ---------------------------------------------------------------------------------------

if sys.version_info >= (3, 12):

    @differential(math.sumprod)
    def sumprod(p: Any, q: Any, *, p_dot: Any, q_dot: Any) -> Any:
        return math.sumprod(p_dot, q) + math.sumprod(p, q_dot)

    @pullback(math.sumprod, "p", "q")
    def sumprod_bar(p: Any, q: Any, *, out_bar: Any) -> Any:
        return [out_bar * y for y in q], [out_bar * x for x in p]


if sys.version_info >= (3, 13):

    @elementwise(math.fma)
    def fma(x: Any, y: Any, z: Any) -> Any:
        return y, x, 1.0


# --- builtins -----------------------------------------------------------------------------------------------


@linear(float, "x")
def float_(x: Any = 0.0, *, out_bar: Any) -> Any:
    return out_bar


returns_alias(np.float16, np.float32, np.float64, np.longdouble)


@linear(np.float16, "x")
@linear(np.float32, "x")
@linear(np.float64, "x")
@linear(np.longdouble, "x")
def float_of_numpy(x: Any = 0.0, *, out_bar: Any) -> Any:
    return cast_like(out_bar, x)


nondifferentiable(
    math.floor,
    math.ceil,
    math.trunc,
    math.isnan,
    math.isinf,
    math.isfinite,
    math.isclose,
    math.gcd,
    math.lcm,
    math.factorial,
    math.comb,
    math.perm,
    math.isqrt,
    math.ulp,
)

nondifferentiable(
    int,
    bool,
    len,
    str,
    repr,
    format,
    ord,
    chr,
    isinstance,
    issubclass,
    callable,
    hasattr,
    type,
    range,
    round,
    id,
    hash,
)


@elementwise(math.lgamma)
def lgamma(x: Any) -> Any:
    return runtime.polygamma(0, x)


@elementwise(math.gamma)
def gamma(x: Any, *, out: Any) -> Any:
    return out * runtime.polygamma(0, x)


@elementwise(runtime.polygamma)
def polygamma(n: Any, x: Any) -> Any:
    return None, runtime.polygamma(n + 1, x)
