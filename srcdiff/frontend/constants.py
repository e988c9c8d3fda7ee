"""Operations on constants done while reading."""

from __future__ import annotations

import enum
import operator
import types
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.backends import numpy_names
from srcdiff.frontend.scope import Bound, Step
from srcdiff.frontend.words import as_atom, is_const_none
from srcdiff.ir.graph import ZERO, Atom, Const, Ref, Slice, Struct, op_of

if TYPE_CHECKING:
    from srcdiff.frontend.core import Core

__all__ = [
    "_COMPARES",
    "_FIXED",
    "_FOLDABLE",
    "_NOT",
    "_ZERO_KEEPS",
    "constant",
    "constant_axes",
    "fold",
    "infinity",
    "is_constant",
    "is_exact",
    "left_out",
    "with_zero",
]


def with_zero(lw: Core, fn: Any, args: list[Atom], names: tuple[str, ...]) -> Atom:
    """An operation on a symbolic zero (in a rule's text): zero, or what the zero leaves."""
    if fn in (operator.add, operator.sub) and len(args) == 2:
        if args[0] is ZERO:
            return args[1] if fn is operator.add or args[1] is ZERO else lw.prim(operator.neg, [args[1]])
        return args[0]
    if fn is np.where and args[1] is ZERO and args[2] in (ZERO, Const(0.0)):
        return ZERO
    if fn is np.where and args[0] is not ZERO:  # nothing is added where the arm is taken
        return lw.prim(fn, [Const(0.0) if a is ZERO else a for a in args], names)
    if fn in _ZERO_KEEPS or lw.ctx.keeps_zero(fn, [a is ZERO for a in args], names):
        return ZERO
    if lw.ctx.fills_zero(fn):  # linear in several operands together: the others still count
        return lw.prim(fn, [Const(0.0) if a is ZERO else a for a in args], names)
    lw.stop(
        "rule",
        f"a rule applies {getattr(fn, '__name__', fn)} to a tangent that is zero",
        help="test for it first, or use functions that are linear in the tangent",
    )


def fold(lw: Core, fn: Any, args: list[Atom], names: tuple[str, ...]) -> Atom | None:
    """Evaluate on constants: integers, text and flags always; numbers only in a rule's text."""
    values = []
    for a in args:
        v = constant(a)
        if v is _NOT and fn in _COMPARES:
            v = infinity(a)
        if v is _NOT:
            return None
        values.append(v)
    exact = all(is_exact(v) or (isinstance(v, float) and abs(v) == np.inf) for v in values)
    foldable = fn in numpy_names.INFIX or fn in numpy_names.PREFIX or lw.ctx.is_pure(fn) or fn in _FOLDABLE
    if not foldable or not (exact or lw.frame.static):
        return None
    pos = [v for v, n in zip(values, names or ("",) * len(values), strict=True) if not n]
    kw = {n: v for v, n in zip(values, names or ("",) * len(values), strict=True) if n}
    try:
        got = fn(*pos, **kw)
    except Exception:  # left to happen at run time, where the primal would raise it
        return None
    return as_atom(got)


_FIXED = (types.ModuleType, type, np.ufunc, np.dtype, types.BuiltinFunctionType)


_ZERO_KEEPS = {operator.mul, operator.matmul, operator.neg, operator.truediv, operator.getitem, operator.pos}


_NOT = object()


_COMPARES = {operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge}


_FOLDABLE = {len, isinstance, min, max, abs, int, bool, str, float, round, divmod, np.ndim}


def constant(a: Atom) -> Any:
    """The Python value of a constant atom, or the marker ``_NOT``."""
    if isinstance(a, Const):
        return a.value
    if isinstance(a, Ref) and isinstance(a.obj, (type, np.dtype, enum.Enum)):
        return a.obj
    if isinstance(a, Struct) and a.type in (tuple, list):
        items = [constant(x) for x in a.items]
        return _NOT if any(x is _NOT for x in items) else a.type(items)
    if isinstance(a, Slice):
        parts = [constant(x) for x in (a.lower, a.upper, a.step)]
        return _NOT if any(x is _NOT for x in parts) else slice(*parts)
    return _NOT


def infinity(a: Atom) -> Any:
    """The value of an infinity by name (a norm's order, a bound), or the marker ``_NOT``."""
    if isinstance(a, Ref):
        return a.obj if isinstance(a.obj, float) and abs(a.obj) == np.inf else _NOT
    op = op_of(a)
    if op is None or op.code != "prim" or op.fn not in (operator.neg, operator.abs, abs):
        return _NOT
    v = infinity(op.ins[0])
    return v if v is _NOT else op.fn(v)


def constant_axes(step: Step) -> tuple[int, ...] | None:
    """The order in which a transposition takes the axes, if that is known."""
    if any(step.names) or not all(map(is_constant, step.args)):
        return None
    got = [constant(a) for a in step.args]
    axes = got[0] if len(got) == 1 and isinstance(got[0], (tuple, list)) else got
    if not all(isinstance(a, int) for a in axes):
        return None
    axes = tuple(a % len(axes) for a in axes)
    return axes if sorted(axes) == list(range(len(axes))) else None


def is_constant(a: Atom) -> bool:
    return constant(a) is not _NOT


def is_exact(v: Any) -> bool:
    if isinstance(v, (tuple, list)):
        return all(is_exact(x) for x in v)
    return v is None or isinstance(v, (bool, int, str, type, slice, np.dtype)) or v is Ellipsis


def left_out(b: Bound | None) -> bool:
    """Whether an argument is None, or is not given."""
    return b is None or is_const_none(b)
