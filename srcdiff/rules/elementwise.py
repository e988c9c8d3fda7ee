"""Rules of the operators and of the NumPy functions that work element by element.

The partials are products of cheap, stable expressions, in terms of the result where that is shorter.  Numbers
are Python floats, so that single precision stays single precision.

Conventions at kinks (docs/kinks.md): equal operands of ``np.maximum`` share equally, ``np.clip`` has slope 1
at its bounds; where a finite value has an infinite derivative (``np.sqrt`` at 0, ``np.arccos`` at 1), and at
the tip of a cone (``abs``, ``np.hypot``), the slope is 0.  A denominator that vanishes there is replaced by
infinity, so that the derivatives of the slope vanish, too.  A partial of the form ``np.where(c, p, 0.0)``
says where its operand does not matter: nothing of it is taken there, even if what it multiplies is infinite.

A real function of a complex operand has the partial p for which the tangent is ``(p * x_dot).real``.

``np.modf``, ``np.divmod`` and ``divmod`` are read as what they stand for.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from srcdiff.rules.registry import (
    differential,
    elementwise,
    linear,
    nondifferentiable,
    pullback,
    real_only,
    returns_alias,
    splits,
)
from srcdiff.runtime.reductions import sinc_derivative
from srcdiff.runtime.special import bessel_i

# --- arithmetic ---------------------------------------------------------------------------------------------


@elementwise(operator.add)
def add(a: Any, b: Any) -> Any:
    return 1.0, 1.0


@elementwise(operator.sub)
def sub(a: Any, b: Any) -> Any:
    return 1.0, -1.0


@elementwise(operator.mul)
def mul(a: Any, b: Any) -> Any:
    return b, a


@elementwise(operator.truediv)
def truediv(a: Any, b: Any, *, out: Any) -> Any:
    return 1.0 / b, -out / b


@elementwise(operator.neg)
def neg(a: Any) -> Any:
    return -1.0


@elementwise(operator.pos)
def pos(a: Any) -> Any:
    return 1.0


is_number: Any = np.isscalar  # (of which the checker of types takes too much for granted)


@elementwise(operator.pow)
def power(a: Any, b: Any, *, out: Any) -> Any:
    # a ** 0 has the slope 0 at a == 0 too, not 0 / 0: the exponent stays 0 there
    if np.iscomplexobj(a):
        return b * a ** (b - (b != 0)), np.log(a) * out
    if np.iscomplexobj(b):
        return b * a ** (b - (b != 0)), np.log(a + 0.0j) * out
    if is_number(a) and is_number(b):
        if isinstance(b, int):
            slope = b * a ** (b - (b != 0))
        elif b > 0.0 and b < 1.0:
            slope = b * a ** (b - 1.0) if a != 0.0 else 0.0
        else:
            slope = b * a ** (b - 1.0) if b != 0.0 or a != 0.0 else 0.0
        return slope, out * math.log(a) if a > 0.0 else 0.0
    if is_number(a):  # (and b an array)
        slope = b * a ** (b - ((b != 0.0) | (a != 0.0)))
        return np.where((a == 0.0) & (b > 0.0) & (b < 1.0), 0.0, slope), np.log(a if a > 0.0 else 1.0) * out
    if isinstance(b, int):
        base = a
    elif is_number(b):
        base = np.where(a == 0.0, np.inf, a) if b > 0.0 and b < 1.0 else a
    else:
        base = np.where((a == 0.0) & (b > 0.0) & (b < 1.0), np.inf, a)
        slope = b * base ** (b - ((b != 0.0) | (a != 0.0)))
        return slope, np.log(np.where(a > 0.0, a, 1.0)) * out
    return b * base ** (b - (b != 0)), np.log(np.where(a > 0.0, a, 1.0)) * out


@elementwise(np.float_power)
def float_power(x1: Any, x2: Any, *, out: Any) -> Any:
    if np.iscomplexobj(x1):
        return x2 * np.float_power(x1, x2 - (x2 != 0)), np.log(x1) * out
    if np.iscomplexobj(x2):
        return x2 * np.float_power(x1, x2 - (x2 != 0)), np.log(x1 + 0.0j) * out
    base = np.where((x1 == 0.0) & (x2 > 0.0) & (x2 < 1.0), np.inf, x1)
    return x2 * np.float_power(base, x2 - (x2 != 0)), np.log(np.where(x1 > 0.0, x1, 1.0)) * out


@elementwise(operator.mod)
def mod(a: Any, b: Any) -> Any:
    return 1.0, -(a // b)


@elementwise(np.fmod)
def fmod(x1: Any, x2: Any, *, out: Any) -> Any:
    return 1.0, (out - x1) / x2


@elementwise(operator.abs)
def absolute(a: Any, *, out: Any) -> Any:
    if np.iscomplexobj(a):
        return np.conj(a) / np.where(out == 0.0, np.inf, out)
    return np.sign(a)


@elementwise(np.fabs)
def fabs(x: Any) -> Any:
    return np.sign(x)


@elementwise(np.square)
def square(x: Any) -> Any:
    return 2.0 * x


@elementwise(np.sqrt)
def sqrt(x: Any, *, out: Any) -> Any:
    if is_number(out):
        return 0.5 / out if out != 0.0 else 0.0
    return 0.5 / np.where(out == 0.0, np.inf, out)


@elementwise(np.cbrt)
def cbrt(x: Any, *, out: Any) -> Any:
    root = np.where(out == 0.0, np.inf, out)
    return 1.0 / (3.0 * root * root)


@elementwise(np.reciprocal)
def reciprocal(x: Any, *, out: Any) -> Any:
    return -out * out


# --- exponentials and logarithms ----------------------------------------------------------------------------


@elementwise(np.exp)
def exp(x: Any, *, out: Any) -> Any:
    return out


@elementwise(np.exp2)
def exp2(x: Any, *, out: Any) -> Any:
    return out * math.log(2.0)


@elementwise(np.expm1)
def expm1(x: Any) -> Any:
    return np.exp(x)  # out + 1.0 has no digits left where out is nearly -1


@elementwise(np.log)
def log(x: Any) -> Any:
    plain = not isinstance(x, (np.ndarray, np.generic))  # these raise where NumPy's are infinite
    if plain and isinstance(x, float):
        return 1.0 / np.float64(x)
    if plain:
        return 1.0 / np.asarray(x)
    return 1.0 / x


@elementwise(np.log2)
def log2(x: Any) -> Any:
    plain = not isinstance(x, (np.ndarray, np.generic))
    if plain and isinstance(x, float):
        return 1.0 / (np.float64(x) * math.log(2.0))
    if plain:
        return 1.0 / (np.asarray(x) * math.log(2.0))
    return 1.0 / (x * math.log(2.0))


@elementwise(np.log10)
def log10(x: Any) -> Any:
    plain = not isinstance(x, (np.ndarray, np.generic))
    if plain and isinstance(x, float):
        return 1.0 / (np.float64(x) * math.log(10.0))
    if plain:
        return 1.0 / (np.asarray(x) * math.log(10.0))
    return 1.0 / (x * math.log(10.0))


@elementwise(np.log1p)
def log1p(x: Any) -> Any:
    plain = not isinstance(x, (np.ndarray, np.generic))
    if plain and isinstance(x, float):
        return 1.0 / (1.0 + np.float64(x))
    if plain:
        return 1.0 / (1.0 + np.asarray(x))
    return 1.0 / (1.0 + x)


@elementwise(np.logaddexp)
def logaddexp(x1: Any, x2: Any, *, out: Any) -> Any:
    # an infinite result is that of the larger operand, as of np.maximum
    return (
        np.where(np.isinf(out), (x1 > x2) + 0.5 * (x1 == x2), np.exp(x1 - out)),
        np.where(np.isinf(out), (x2 > x1) + 0.5 * (x1 == x2), np.exp(x2 - out)),
    )


@elementwise(np.logaddexp2)
def logaddexp2(x1: Any, x2: Any, *, out: Any) -> Any:
    # an infinite result is that of the larger operand, as of np.maximum
    return (
        np.where(np.isinf(out), (x1 > x2) + 0.5 * (x1 == x2), np.exp2(x1 - out)),
        np.where(np.isinf(out), (x2 > x1) + 0.5 * (x1 == x2), np.exp2(x2 - out)),
    )


# --- angles -------------------------------------------------------------------------------------------------


@elementwise(np.sin)
def sin(x: Any) -> Any:
    return np.cos(x)


@elementwise(np.cos)
def cos(x: Any) -> Any:
    return -np.sin(x)


@elementwise(np.tan)
def tan(x: Any, *, out: Any) -> Any:
    return 1.0 + out * out


@elementwise(np.arcsin)
def arcsin(x: Any) -> Any:
    root = np.sqrt((1.0 - x) * (1.0 + x))
    return 1.0 / np.where(root == 0.0, np.inf, root)


@elementwise(np.arccos)
def arccos(x: Any) -> Any:
    root = np.sqrt((1.0 - x) * (1.0 + x))
    return -1.0 / np.where(root == 0.0, np.inf, root)


@elementwise(np.arctan)
def arctan(x: Any) -> Any:
    return 1.0 / (1.0 + x * x)


@elementwise(np.arctan2)
def arctan2(x1: Any, x2: Any) -> Any:
    radius = np.hypot(x1, x2)  # its square may overflow, or vanish
    radius = np.where(radius == 0.0, np.inf, radius)
    return x2 / radius / radius, -(x1 / radius / radius)


@elementwise(np.hypot)
def hypot(x1: Any, x2: Any, *, out: Any) -> Any:
    radius = np.where(out == 0.0, np.inf, out)
    return x1 / radius, x2 / radius


@elementwise(np.deg2rad, np.radians)
def deg2rad(x: Any) -> Any:
    return np.pi / 180.0


@elementwise(np.rad2deg, np.degrees)
def rad2deg(x: Any) -> Any:
    return 180.0 / np.pi


@elementwise(np.sinc)
def sinc(x: Any) -> Any:
    return sinc_derivative(x, 1)


@elementwise(sinc_derivative)
def sinc_derivative_partial(x: Any, order: int = 1) -> Any:
    return sinc_derivative(x, order + 1), None


@elementwise(np.sinh)
def sinh(x: Any) -> Any:
    return np.cosh(x)


@elementwise(np.cosh)
def cosh(x: Any) -> Any:
    return np.sinh(x)


@elementwise(np.tanh)
def tanh(x: Any, *, out: Any) -> Any:
    return 1.0 - out * out


@elementwise(np.arcsinh)
def arcsinh(x: Any) -> Any:
    return 1.0 / np.sqrt(1.0 + x * x)


@elementwise(np.arccosh)
def arccosh(x: Any, *, out: Any) -> Any:
    # 1 / sqrt(x * x - 1) has the wrong branch for complex x, and cancels near 1
    return 1.0 / np.sinh(np.where(out == 0.0, np.inf, out))


@elementwise(np.arctanh)
def arctanh(x: Any) -> Any:
    plain = not isinstance(x, (np.ndarray, np.generic))
    if plain:
        x = np.asarray(x)
    return 1.0 / ((1.0 - x) * (1.0 + x))


# --- choices ------------------------------------------------------------------------------------------------


@elementwise(np.maximum)
def maximum(x1: Any, x2: Any) -> Any:
    return (  # nine times faster than two calls of np.where; of NaN neither is smaller
        1.0 - (x1 < x2) - 0.5 * (x1 == x2),
        1.0 - (x2 < x1) - 0.5 * (x1 == x2),
    )


@elementwise(np.minimum)
def minimum(x1: Any, x2: Any) -> Any:
    return (
        1.0 - (x1 > x2) - 0.5 * (x1 == x2),
        1.0 - (x2 > x1) - 0.5 * (x1 == x2),
    )


splits(np.maximum, np.minimum)


@elementwise(np.fmax, np.fmin)
def fmax(x1: Any, x2: Any, *, out: Any) -> Any:
    # in terms of the result: where one operand is nan, the result is the other and has all of the derivative
    return (
        np.where(x1 == out, np.where(x1 == x2, 0.5, 1.0), 0.0),
        np.where(x2 == out, np.where(x1 == x2, 0.5, 1.0), 0.0),
    )


@elementwise(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, *, out: Any) -> Any:
    if a_min is None and a_max is None:
        return 1.0, None, None
    if a_min is None:
        return np.where(a == out, 1.0, 0.0), None, np.where(a > a_max, 1.0, 0.0)
    if a_max is None:
        return np.where(a == out, 1.0, 0.0), np.where(a < a_min, 1.0, 0.0), None
    return np.where(a == out, 1.0, 0.0), np.where(a < a_min, 1.0, 0.0), np.where(a > a_max, 1.0, 0.0)


@elementwise(np.where)
def where(condition: Any, x: Any, y: Any) -> Any:
    return None, np.where(condition, 1.0, 0.0), np.where(condition, 0.0, 1.0)


@elementwise(np.nan_to_num)
def nan_to_num(x: Any) -> Any:
    return np.where(np.isfinite(x), 1.0, 0.0)


@elementwise(np.copysign)
def copysign(x1: Any, x2: Any, *, out: Any) -> Any:
    return np.sign(x1) * np.sign(out), 0.0


@elementwise(np.heaviside)
def heaviside(x1: Any, x2: Any) -> Any:
    return 0.0, np.where(x1 == 0.0, 1.0, 0.0)


@elementwise(np.ldexp)
def ldexp(x1: Any, x2: Any) -> Any:
    return np.ldexp(np.ones_like(x1), x2), None


@elementwise(np.nextafter)
def nextafter(x1: Any, x2: Any) -> Any:
    return 1.0, 0.0


@differential(np.frexp)
def frexp(x: Any, *, out: Any, x_dot: Any) -> Any:
    return np.ldexp(x_dot, -out[1]), np.zeros(np.shape(out[1]))


@pullback(np.frexp, "x")
def frexp_bar(x: Any, *, out: Any, out_bar: Any) -> Any:
    return np.ldexp(out_bar[0], -out[1])


# --- Bessel functions ---------------------------------------------------------------------------------------


@elementwise(np.i0)
def i0(x: Any) -> Any:
    return bessel_i(x, 1)


real_only(np.i0, bessel_i)


@elementwise(bessel_i)
def bessel_i_partial(x: Any, order: int = 0) -> Any:
    return 0.5 * (bessel_i(x, order - 1) + bessel_i(x, order + 1)), None


# --- complex numbers ----------------------------------------------------------------------------------------


@linear(np.conj, "x")
def conj(x: Any, *, out_bar: Any) -> Any:
    return np.conj(out_bar)


@linear(np.real, "val")
def real(val: Any, *, out_bar: Any) -> Any:
    return out_bar


@linear(np.imag, "val")
def imag(val: Any, *, out_bar: Any) -> Any:
    if np.iscomplexobj(val):
        return -1j * out_bar
    return np.zeros_like(out_bar)


@differential(np.angle)
def angle(z: Any, deg: bool = False, *, z_dot: Any) -> Any:
    radius = np.where(z == 0.0, np.inf, abs(z))
    if deg:
        return np.imag(np.conj(z) / radius * z_dot) / radius * (180.0 / np.pi)
    return np.imag(np.conj(z) / radius * z_dot) / radius


@pullback(np.angle, "z")
def angle_bar(z: Any, deg: bool = False, *, out_bar: Any) -> Any:
    if not np.iscomplexobj(z):
        return np.zeros_like(out_bar)
    radius = np.where(z == 0.0, np.inf, abs(z))
    if deg:
        return -1j * out_bar * np.conj(z) / radius / radius * (180.0 / np.pi)
    return -1j * out_bar * np.conj(z) / radius / radius


returns_alias(np.real, np.imag, np.ix_)


# --- results that carry no derivative -----------------------------------------------------------------------

nondifferentiable(
    operator.lt,
    operator.le,
    operator.eq,
    operator.ne,
    operator.ge,
    operator.gt,
    operator.not_,
    operator.truth,
    operator.is_,
    operator.is_not,
    operator.contains,
    operator.countOf,
    operator.indexOf,
    operator.index,
    operator.and_,
    operator.or_,
    operator.xor,
    operator.invert,
    operator.lshift,
    operator.rshift,
    operator.floordiv,
)

nondifferentiable(
    np.less,
    np.less_equal,
    np.equal,
    np.not_equal,
    np.greater_equal,
    np.greater,
    np.logical_and,
    np.logical_or,
    np.logical_xor,
    np.logical_not,
    np.bitwise_and,
    np.bitwise_or,
    np.bitwise_xor,
    np.bitwise_count,
    np.invert,
    np.left_shift,
    np.right_shift,
    np.packbits,
    np.unpackbits,
    np.gcd,
    np.lcm,
)

nondifferentiable(
    np.floor,
    np.ceil,
    np.rint,
    np.trunc,
    np.round,
    np.around,
    np.fix,
    np.sign,
    np.signbit,
    np.spacing,
    np.isnan,
    np.isinf,
    np.isfinite,
    np.isneginf,
    np.isposinf,
    np.isnat,
    np.isreal,
    np.iscomplex,
    np.isrealobj,
    np.iscomplexobj,
    np.isscalar,
    np.isclose,
    np.allclose,
    np.array_equal,
    np.array_equiv,
    np.isin,
    np.any,
    np.all,
)

nondifferentiable(
    np.argmax,
    np.argmin,
    np.nanargmax,
    np.nanargmin,
    np.argsort,
    np.argpartition,
    np.lexsort,
    np.argwhere,
    np.nonzero,
    np.flatnonzero,
    np.count_nonzero,
    np.searchsorted,
    np.digitize,
)

nondifferentiable(
    np.shape,
    np.ndim,
    np.size,
    np.result_type,
    np.promote_types,
    np.can_cast,
    np.min_scalar_type,
    np.issubdtype,
    np.finfo,
    np.iinfo,
    np.shares_memory,
    np.may_share_memory,
    np.iterable,
    np.broadcast_shapes,
    np.unravel_index,
    np.ravel_multi_index,
    np.tril_indices,
    np.triu_indices,
    np.tril_indices_from,
    np.triu_indices_from,
    np.diag_indices,
    np.diag_indices_from,
    np.indices,
    np.ix_,
)
