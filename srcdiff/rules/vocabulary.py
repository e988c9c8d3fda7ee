"""The words that the transforms themselves need of an array library, as rule texts."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from srcdiff import runtime
from srcdiff.rules.registry import nondifferentiable

__all__ = [
    "BLANK",
    "BLANKS",
    "BOTTOM",
    "CARRIES",
    "CHOOSES",
    "COPIES",
    "CREATES",
    "DIVIDES",
    "EXPANDS",
    "FLAT",
    "INFINITE",
    "IS_INFINITE",
    "LEAVES",
    "LEAVES_OUT",
    "LIKE_SECOND",
    "LINEAR_IN",
    "LOGARITHMS",
    "MAKES_ZEROS",
    "MULTILINEAR",
    "OVERFLOWS",
    "READS_SHAPE",
    "SHAPE",
    "SHIFTS",
    "SMOOTH",
    "SUMS",
    "VANISHES",
    "WEIGHS",
    "cast",
    "expand",
    "ones",
    "real",
    "sum_axes",
    "sum_axes_kept",
    "total",
    "total_product",
    "unbroadcast",
    "zeros",
    "zeros_any",
    "zeros_if_set",
]

# zero if any operand is
MULTILINEAR: frozenset[Any] = frozenset(
    {np.einsum, np.linalg.multi_dot, np.trapezoid, runtime.einsum_bar, runtime.multi_dot_bar}
)
LINEAR_IN: dict[Any, int] = {np.polyval: 0, runtime.cofactors_dot: 1}  # zero if this operand is
CREATES: frozenset[Any] = frozenset(
    {
        np.zeros, np.ones, np.empty, np.full, np.zeros_like, np.ones_like, np.empty_like, np.full_like,
        np.array, np.copy, np.eye, np.identity, np.arange, np.linspace, runtime.zeros_like,
        runtime.zeros_there, runtime.zero_of,
    }
)  # fmt: skip
REAL_ONLY = frozenset(  # rules that hold for real operands only
    {
        np.var, np.std,
    }
)  # fmt: skip
REAL_RESULT = frozenset({operator.abs})  # of complex operands
LIKE_SECOND = frozenset({runtime.unbroadcast, runtime.cast_like})  # of the second, shape and type only
EXPANDS = frozenset({np.broadcast_to})  # functions that only repeat their first argument
SUMS = frozenset({runtime.add})  # of two cotangents that are containers
# functions whose result is NaN where there is no derivative, and what is asked of a tangent that is a result
LEAVES_OUT: dict[Any, Any] = {runtime.completing: runtime.complete}
CHOOSES = np.where
COPIES: frozenset[Any] = frozenset({np.copy, np.ndarray.copy})
LEAVES: frozenset[Any] = frozenset({np.maximum, np.minimum, np.fmax, np.fmin, np.clip})
FLIPS, FILLED, ONES, CONTRACTS, ARRAY = np.flip, np.full, np.ones, np.einsum, np.array
COUNTED, UNTAKE, AS_MATRICES, ENTRIES = np.arange, runtime.untake, np.tensordot, runtime.unarray
REPEATS, TOTAL, TRANSPOSES, OUTER, NEW_AXIS = np.broadcast_to, np.sum, np.transpose, np.outer, np.expand_dims
BLANK = np.zeros_like
SHAPE = np.shape
READS_SHAPE: frozenset[Any] = frozenset({SHAPE, np.ndim, np.size})
# of the shape of what they are given
BLANKS: frozenset[Any] = frozenset({np.zeros_like, runtime.zeros_like, runtime.zeros_there})
MAKES_ZEROS = (BLANK, np.zeros)
IS_INFINITE: frozenset[Any] = frozenset({np.isinf, math.isinf})
WEIGHS: frozenset[Any] = frozenset({operator.add, operator.sub, operator.mul, operator.neg})
OVERFLOWS: frozenset[Any] = frozenset({np.exp, np.exp2, np.expm1, np.sinh, np.cosh})
# what is quick on large arrays, and as how many sums it counts
LIGHT: dict[Any, int] = {
    np.maximum: 1, np.minimum: 1, np.where: 1, np.abs: 1, operator.abs: 1, np.square: 1, np.negative: 1,
    np.roll: 2,
}  # fmt: skip
INFINITE: frozenset[Any] = OVERFLOWS | {  # may be infinite where their operands are not
    operator.truediv, operator.pow, operator.mod, np.reciprocal, np.float_power, np.log, np.log2, np.log10,
    np.log1p, np.tan, np.arctanh, math.pow, math.tan,
}  # fmt: skip
SMOOTH: frozenset[Any] = frozenset({  # never raise, and have finite slopes (`math.sin(inf)` raises)
    np.sin, np.cos, np.tanh, np.arctan, np.arcsinh, math.tanh, math.atan, math.asinh, math.erf,
})  # fmt: skip
DIVIDES: frozenset[Any] = frozenset({operator.truediv, operator.pow})  # infinite by their second operand
VANISHES = {  # functions that are flat where the operand named has overflowed (a power: if it is negative)
    operator.truediv: "b", operator.pow: "a", np.reciprocal: "x", np.exp: "x", np.exp2: "x", np.tanh: "x",
    np.arctan: "x",
}  # fmt: skip
FLAT: dict[Any, tuple[str, ...]] = {  # functions that are flat where the operands named are -inf
    np.exp: ("x",), np.exp2: ("x",), np.expm1: ("x",), np.logaddexp: ("x1", "x2"),
    np.logaddexp2: ("x1", "x2"), math.exp: ("x",),
}  # fmt: skip
BOTTOM: frozenset[Any] = frozenset({np.exp, np.exp2})  # of these that are zero there: the result tells
# functions that are infinite where an operand is (a quotient: its first)
CARRIES: frozenset[Any] = WEIGHS | {
    operator.truediv, operator.pow, np.where, np.square, np.outer, np.reshape, np.transpose, np.ravel,
    np.expand_dims, np.squeeze, np.broadcast_to, np.array, np.asarray, np.stack, np.concatenate,
}  # fmt: skip
# of what people take off before they exponentiate: the fields of ``Words`` in srcdiff.analysis.shifts
SHIFTS: tuple[frozenset[Any], ...] = (
    frozenset({np.exp, math.exp}), frozenset({np.log, math.log}), frozenset({np.sum}),
    frozenset({np.max, np.min, np.amax, np.amin, np.mean}), frozenset({np.expand_dims}),
)  # fmt: skip
# what puts elements elsewhere, and does nothing else but repeat them or put zeros between them
MOVES: frozenset[Any] = frozenset(
    {
        np.concatenate, np.stack, np.vstack, np.hstack, np.append, np.reshape, np.ravel, np.diag, np.roll,
        np.flip, np.expand_dims, np.squeeze, np.broadcast_to, np.swapaxes, np.tril, np.triu,
    }
)  # fmt: skip
OF_MATRICES: frozenset[Any] = frozenset(  # results of sizes that follow from those of the operands
    {np.linalg.solve, np.linalg.inv, np.linalg.det, np.linalg.cholesky, np.linalg.slogdet, np.linalg.norm}
)
LOGARITHMS: frozenset[Any] = frozenset({np.log, np.log2, np.log10, np.log1p})


def writes_over(fn: Any) -> bool:
    """Whether a function takes one operand, element by element, and ``out=``."""
    return isinstance(fn, np.ufunc) and fn.nin == fn.nout == 1 and fn.signature is None


def total(g: Any) -> Any:
    return np.sum(g)


def total_product(g: Any, p: Any) -> Any:
    return np.vdot(g, p)


def sum_axes(g: Any, axes: Any) -> Any:
    return g.sum(axis=axes)


def sum_axes_kept(g: Any, axes: Any) -> Any:
    return g.sum(axis=axes, keepdims=True)


def unbroadcast(g: Any, x: Any) -> Any:
    return runtime.unbroadcast(g, x)


def zeros(x: Any) -> Any:
    return np.zeros_like(x)


def zeros_of_counts(x: Any) -> Any:
    return np.zeros_like(x, dtype=float)


def ones(x: Any) -> Any:
    return np.ones_like(x)


def zeros_any(x: Any) -> Any:
    return runtime.zeros_like(x)


def zeros_if_set(x: Any) -> Any:
    return runtime.zero_of(x)


def zeros_in(x: Any) -> Any:
    return runtime.zeros_there(x)


def zeros_there(x: Any) -> Any:
    return 0.0 if x is None else np.zeros_like(x)


def zeros_of_list(x: Any) -> Any:
    return [] if x is None else runtime.zeros_like(x)


def where_true(condition: Any, g: Any) -> Any:
    return np.where(condition, g, 0.0)


def where_false(condition: Any, g: Any) -> Any:
    return np.where(condition, 0.0, g)


def where_finite(x: Any, g: Any) -> Any:
    if np.isscalar(x) and np.isscalar(g):
        return 0.0 if (np.isinf(x) if np.iscomplexobj(x) else math.isinf(x)) else g  # type: ignore[arg-type]
    return np.where(np.isinf(x), 0.0, g)


def where_above(x: Any, g: Any) -> Any:
    return np.where(x == -np.inf, 0.0, g)


def where_nonzero(x: Any, g: Any) -> Any:
    return np.where(x == 0.0, 0.0, g)


def if_above(x: Any, g: Any) -> Any:
    return 0.0 if x == -np.inf else g


def if_ended(x: Any, g: Any) -> Any:
    return 0.0 if math.isinf(x) else g


def where_else(condition: Any, a: Any, b: Any) -> Any:
    return np.where(condition, a, b)


def if_true(condition: Any, g: Any) -> Any:
    return g if condition else 0.0


def if_false(condition: Any, g: Any) -> Any:
    return 0.0 if condition else g


def if_else(condition: Any, a: Any, b: Any) -> Any:
    return a if condition else b


def add_any(a: Any, b: Any) -> Any:
    return runtime.add(a, b)


def added_at(x: Any, index: Any, value: Any) -> Any:
    return runtime.added_at(x, index, value)


def expand(t: Any, out: Any) -> Any:
    return np.broadcast_to(t, np.shape(out))


def fit(t: Any, out: Any) -> Any:
    return runtime.fit(t, out)


def cast(g: Any, x: Any) -> Any:
    return g.astype(x.dtype)


def real_like(g: Any, x: Any) -> Any:
    return runtime.cast_like(g, x)


def real(g: Any) -> Any:
    return np.real(g)


def last_write(part: Any, index: Any, x: Any) -> Any:
    return part * runtime.last_write(index, x.shape)


def as_array(bar: Any) -> Any:
    return np.array(bar)


def repeated(bar: Any, x: Any) -> Any:
    total = runtime.zeros_like(x)
    for start in range(0, len(bar), max(len(x), 1)):
        total = runtime.add(total, bar[start : start + len(x)])
    return total


CHECK = runtime.check_number  # that the result of a gradient is a number
CHECK_THERE = runtime.check_there  # that it is not None
CHECK_SET = runtime.check_set  # the same of a variable, by a truth beside it
nondifferentiable(CHECK)
nondifferentiable(CHECK_THERE)
nondifferentiable(CHECK_SET)
nondifferentiable(runtime.directions_shape)
nondifferentiable(runtime.jacobian_shape)
NEXT_SNAPSHOT, SNAPSHOTS_FOR = runtime.next_snapshot, runtime.snapshots_for
SNAPSHOTS_AHEAD, SNAPSHOTS_WITHIN = runtime.snapshots_ahead, runtime.snapshots_within
