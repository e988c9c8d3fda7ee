"""The one table from functions to the text of their scalar form."""

from __future__ import annotations

import builtins
import cmath
import math
import operator
from typing import Any

import numpy as np

from srcdiff.ir import ops

__all__ = ["COMPLEX", "CREATE", "ELEMENTWISE", "IDENTITY", "REDUCE", "TAKES_INTEGERS", "VECTOR_MATHS",
           "is_dear", "spelled"]  # fmt: skip


# Text of one element: {0}, {1} are the operands, already of the dtype of the result (but for comparisons).
ELEMENTWISE: dict[Any, str] = {
    operator.add: "({0} + {1})", operator.sub: "({0} - {1})", operator.mul: "({0} * {1})",
    operator.truediv: "({0} / {1})", operator.neg: "(-{0})", operator.pos: "{0}", operator.abs: "abs({0})",
    operator.pow: "({0} ** {1})", operator.mod: "({0} % {1})", operator.floordiv: "({0} // {1})",
    operator.lt: "({0} < {1})", operator.le: "({0} <= {1})", operator.gt: "({0} > {1})",
    operator.ge: "({0} >= {1})", operator.eq: "({0} == {1})", operator.ne: "({0} != {1})",
    operator.and_: "({0} & {1})", operator.or_: "({0} | {1})", operator.xor: "({0} ^ {1})",
    operator.lshift: "({0} << {1})", operator.rshift: "({0} >> {1})",
    operator.invert: "(not {0})", operator.not_: "(not {0})",
    np.logical_and: "({0} and {1})", np.logical_or: "({0} or {1})", np.logical_not: "(not {0})",
    ops.accumulate: "({0} + {1})", np.square: "({0} * {0})", np.reciprocal: "(1.0 / {0})",
    np.where: "where({0}, {1}, {2})", np.maximum: "maximum({0}, {1})", np.minimum: "minimum({0}, {1})",
    np.clip: "clip({0}, {1}, {2})", np.sign: "sign({0})", np.logaddexp: "logaddexp({0}, {1})",
    np.isnan: "math.isnan({0})", np.isinf: "math.isinf({0})", np.isfinite: "math.isfinite({0})",
    math.isnan: "math.isnan({0})", math.isinf: "math.isinf({0})", math.isfinite: "math.isfinite({0})",
    np.floor: "np.floor({0})", np.ceil: "np.ceil({0})", np.trunc: "np.trunc({0})", np.rint: "np.rint({0})",
    np.round: "np.rint({0})", np.around: "np.rint({0})",
    np.hypot: "math.hypot({0}, {1})", np.arctan2: "math.atan2({0}, {1})",
    np.copysign: "math.copysign({0}, {1})", np.fabs: "abs({0})", math.fabs: "abs({0})",
    math.atan2: "math.atan2({0}, {1})", math.hypot: "math.hypot({0}, {1})",
    math.copysign: "math.copysign({0}, {1})", math.pow: "({0} ** {1})",
    builtins.float: "{0}", np.float64: "{0}", builtins.bool: "({0} != 0)", builtins.int: "int({0})",
    builtins.max: "({1} if {1} > {0} else {0})", builtins.min: "({1} if {1} < {0} else {0})",
    math.floor: "int(math.floor({0}))", math.ceil: "int(math.ceil({0}))",
}  # fmt: skip

VECTOR_MATHS = (  # in srcdiff.compiled.vmath
    "exp",
    "expm1",
    "log",
    "log1p",
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "atan",
    "erf",
    "erfc",
    "hypot",
    "logaddexp",
)

_MATHS = {
    "exp": "exp", "expm1": "expm1", "log": "log", "log1p": "log1p", "sin": "sin", "cos": "cos", "tan": "tan",
    "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "sqrt": "sqrt", "arcsin": "asin", "arccos": "acos",
    "arctan": "atan", "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "log2": "log2",
    "log10": "log10",
}  # fmt: skip
for _np, _math in _MATHS.items():
    ELEMENTWISE[getattr(np, _np)] = f"math.{_math}({{0}})"
    ELEMENTWISE[getattr(math, _math)] = f"math.{_math}({{0}})"
for _word in ("erf", "erfc", "gamma", "lgamma"):
    ELEMENTWISE[getattr(math, _word)] = f"math.{_word}({{0}})"

COMPARE = frozenset({
    operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne, np.isnan, np.isinf,
    np.isfinite, math.isnan, math.isinf, math.isfinite,
})  # fmt: skip
LOGIC = frozenset({
    operator.and_, operator.or_, operator.xor, operator.invert, operator.not_, np.logical_and, np.logical_or,
    np.logical_not,
})  # fmt: skip
TAKES_INTEGERS = frozenset({
    operator.add, operator.sub, operator.mul, operator.neg, operator.pos, operator.abs, np.where, np.maximum,
    np.minimum, np.clip, builtins.max, builtins.min, ops.accumulate, np.square, builtins.int,
    math.floor, math.ceil,
})  # fmt: skip
IDENTITY = frozenset({ops.stop_gradient, np.real, np.conjugate, np.asarray, ops.given, np.ascontiguousarray})
# Of complex numbers: {0}, {1} are complex; np.real, np.imag, abs and the like give real ones.
COMPLEX: dict[Any, str] = {
    operator.add: "({0} + {1})", operator.sub: "({0} - {1})", operator.mul: "({0} * {1})",
    operator.truediv: "divided({0}, {1})", operator.neg: "(-{0})", operator.pos: "{0}",
    operator.abs: "math.hypot({0}.real, {0}.imag)", operator.eq: "({0} == {1})", operator.ne: "({0} != {1})",
    operator.pow: "({0} ** {1})", ops.accumulate: "({0} + {1})", np.square: "({0} * {0})",
    np.reciprocal: "divided(complex(1.0, 0.0), {0})", np.where: "where({0}, {1}, {2})",
    np.real: "{0}.real", np.imag: "{0}.imag", np.conjugate: "{0}.conjugate()",
    np.angle: "math.atan2({0}.imag, {0}.real)", cmath.phase: "math.atan2({0}.imag, {0}.real)",
    np.complex128: "{0}", builtins.complex: "{0}", np.exp: "exp_of_complex({0})",
    cmath.exp: "exp_of_complex({0})",
    **{getattr(np, word): f"np.{word}({{0}})" for word in (
        "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "arcsinh",
        "arccosh", "arctanh", "log10", "expm1", "log1p",
    )},
    **{getattr(cmath, word): f"np.{word}({{0}})" for word in (
        "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "log10",
    )},
}  # fmt: skip
OF_COMPLEX = frozenset({"divided", "exp_of_complex", "power_of_complex"})
REDUCE = {np.sum: "sum", np.mean: "mean", np.max: "max", np.min: "min", np.prod: "prod", np.any: "any",
          np.all: "all"}  # fmt: skip
CREATE: dict[Any, str] = {
    np.zeros: "0", np.ones: "1", np.zeros_like: "0", np.ones_like: "1", np.empty: "0", np.empty_like: "0",
}  # fmt: skip


def spelled(fn: Any) -> str | None:
    """The text of one element of a function, None if it has none."""
    try:
        return ELEMENTWISE.get(fn)
    except TypeError:
        return None


def is_dear(fn: Any) -> bool:
    """Whether a function of elements is a long computation, many of which are done at once."""
    text = spelled(fn) or ""
    return text.startswith("math.") and text[5:].partition("(")[0] in VECTOR_MATHS
