"""How NumPy spells things: operators, methods and attributes as functions, and the text of each."""

from __future__ import annotations

import builtins
import operator
import types
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = [
    "ALONE_INTO", "ARRAY", "ATTRIBUTES", "BINARY", "BROADCAST", "CANONICAL", "CHOOSE", "INFIX", "INTO",
    "IN_ROWS", "METHODS", "MODES", "PREFIX", "RESHAPE", "SHAPE", "SIZE", "UNARY", "VARARG_METHODS", "ZEROS",
    "ZEROS_OF",
]  # fmt: skip

Fn = Callable[..., Any]

BINARY: dict[str, Fn] = {
    "Add": operator.add, "Sub": operator.sub, "Mult": operator.mul, "Div": operator.truediv,
    "FloorDiv": operator.floordiv, "Mod": operator.mod, "Pow": operator.pow, "MatMult": operator.matmul,
    "BitAnd": operator.and_, "BitOr": operator.or_, "BitXor": operator.xor, "LShift": operator.lshift,
    "RShift": operator.rshift, "Lt": operator.lt, "LtE": operator.le, "Gt": operator.gt, "GtE": operator.ge,
    "Eq": operator.eq, "NotEq": operator.ne, "Is": operator.is_, "IsNot": operator.is_not,
}  # fmt: skip
UNARY: dict[str, Fn] = {
    "USub": operator.neg, "UAdd": operator.pos, "Not": operator.not_, "Invert": operator.invert,
}  # fmt: skip
INFIX: dict[Fn, str] = {fn: name for name, fn in BINARY.items()}
PREFIX: dict[Fn, str] = {fn: name for name, fn in UNARY.items()}

# functions that are an operator by another name
CANONICAL: dict[Any, Fn] = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul, np.divide: operator.truediv,
    np.floor_divide: operator.floordiv, np.mod: operator.mod, np.power: operator.pow,
    np.matmul: operator.matmul, np.negative: operator.neg, np.positive: operator.pos,
    np.absolute: operator.abs, builtins.abs: operator.abs, np.less: operator.lt, np.less_equal: operator.le,
    np.greater: operator.gt, np.greater_equal: operator.ge, np.equal: operator.eq, np.not_equal: operator.ne,
    getattr(np, "row_stack", np.vstack): np.vstack,  # (gone from NumPy 2.5)
    builtins.pow: operator.pow, np.bitwise_and: operator.and_, np.bitwise_or: operator.or_,
    np.bitwise_xor: operator.xor, np.invert: operator.invert, operator.__add__: operator.add, np.amax: np.max,
    np.amin: np.min, np.concat: np.concatenate, np.conj: np.conjugate,
}  # fmt: skip

# words of NumPy's that the reader and the passes know themselves
ARRAY, BROADCAST, CHOOSE, RESHAPE = np.array, np.broadcast_to, np.where, np.reshape
SHAPE, SIZE = np.shape, np.size  # of what may be a number
ZEROS, ZEROS_OF = np.zeros, np.zeros_like  # of a shape, in the shape (and the order) of something
IN_ROWS: frozenset[Fn] = frozenset({np.zeros, np.ones, np.full})  # whose arrays lie row after row
INTO: dict[Fn, Any] = {  # operators that can be told where their result goes
    operator.add: np.add, operator.sub: np.subtract, operator.mul: np.multiply, operator.truediv: np.divide,
}  # fmt: skip
ALONE_INTO: dict[Fn, Any] = {operator.neg: np.negative}  # those of one operand

METHODS: dict[str, Fn] = {
    name: getattr(np, name)
    for name in [
        "sum", "mean", "std", "var", "prod", "max", "min", "ptp", "cumsum", "cumprod", "argmax", "argmin",
        "argsort", "argpartition", "all", "any", "clip", "conj", "conjugate", "copy", "diagonal", "dot",
        "nonzero", "ravel", "repeat", "reshape", "round", "searchsorted", "squeeze", "swapaxes", "take",
        "trace", "transpose", "compress", "choose", "astype", "partition",
    ]
}  # fmt: skip
METHODS["flatten"] = np.ravel
MODES = {np.errstate}  # managers that change how arithmetic is done: derivatives run under them too
SHORT = frozenset({  # functions whose name says what a value is: exp_x
    "exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "tan", "tanh", "sinh", "cosh", "abs", "norm",
    "square", "argsort", "sort", "argmax", "argmin", "inv", "det", "sign",
})  # fmt: skip
VARARG_METHODS = {"reshape", "transpose"}  # x.reshape(2, -1) is np.reshape(x, (2, -1))
ATTRIBUTES: dict[str, Fn] = {
    "T": np.transpose,
    "real": np.real,
    "imag": np.imag,
    "size": np.size,
    "mT": np.matrix_transpose,
}


def canonical(fn: Any) -> Any:
    """What stands for a function in the table of rules: itself, or the NumPy function that it is."""
    try:
        return CANONICAL.get(fn, fn)
    except TypeError:
        return hashed(fn)


def hashed(fn: Any) -> Any:
    """A callable, or the slot that calls it if it cannot be looked up itself: a C function, by ctypes."""
    try:
        hash(fn)
    except TypeError:
        slot = getattr(fn, "__call__", None)  # noqa: B004  (of one object these are equal)
        return slot if isinstance(slot, types.MethodWrapperType) else fn
    return fn
