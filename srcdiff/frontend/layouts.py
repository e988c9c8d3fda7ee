"""How arrays lie in memory, where it decides whether a function gives a view or a copy."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Args, Bound, Kw, Loc, Step
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, LoopView, Op, Slice, Val, kind, op_of
from srcdiff.ir.kinds import OTHER, Array, Scalar

if TYPE_CHECKING:
    from srcdiff.frontend.core import Core
    from srcdiff.frontend.lower import Lowerer

__all__ = ["COPIES", "MAY_COPY", "given_back", "is_copy", "is_view"]


def came_in_order(lw: Core, v: Atom) -> bool | None:
    """Whether an array from outside lies row by row, which is a guard from here on; None if it is none."""
    if not isinstance(v, Val) or v not in lw.layouts:
        return None
    found, path = lw.layouts[v]
    lw.guards[path] = found
    return found


# functions that give a view or a copy, depending on how the array lies in memory
MAY_COPY: set[Any] = {
    np.reshape, np.ravel, np.ascontiguousarray, np.asfortranarray, np.require, np.asarray_chkfinite,
}  # fmt: skip
COPIES: set[Any] = {np.astype}  # those that copy, unless they are told not to, which is refused
OF_VECTORS: set[Any] = {np.diag}  # those that make something of a vector, and give a part of a matrix


MADE_IN_ORDER: set[Any] = {
    np.zeros, np.ones, np.empty, np.full, np.copy, np.array, np.arange, np.linspace, np.eye, np.identity,
    np.outer,
}  # fmt: skip


ELEMENTWISE = frozenset({
    operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.neg
})  # fmt: skip


def is_view(lw: Lowerer, fn: Any, base: Bound) -> bool:
    """Whether a reshaped array is a view for certain: the array lies in memory in one piece, in order."""
    if not isinstance(base, Loc) or fn not in (np.reshape, np.ravel):
        return False
    base = lw.moved_to(base)
    content = lw.state.cells[base.cell]
    k = kind(content) if not isinstance(content, Agg) else OTHER
    if not isinstance(k, Array):
        return False
    made = lw.same_shape(content)
    fresh = isinstance(made, Val) and made.op is not None and made in made.op.outs
    vector = len(k.dims) == 1
    if vector and fn is np.reshape:
        in_order = True  # an evenly spaced vector can be given any shape
    elif vector and fresh:
        in_order = True
    else:
        in_order = isinstance(made, Val) and is_in_order(lw, made, frozenset())
    return in_order and all(keeps_order(s) for s in base.path)


def is_made_in_order(lw: Core, op: Op, seen: frozenset[Val]) -> bool:
    """Whether an operation makes an array that lies in memory row by row, whatever it is made of."""
    by_element = isinstance(op.fn, np.ufunc) and op.fn.signature is None and not op.attrs.get("names")
    if op.fn in ELEMENTWISE or by_element:  # a result lies as its arrays do
        arrays = [a for a in op.ins if not isinstance(kind(a), Scalar) and not is_repeated(a)]
        return bool(arrays) and all(isinstance(a, Val) and is_in_order(lw, a, seen) for a in arrays)
    if op.fn not in MADE_IN_ORDER or "order" in op.names:
        return False
    if op.fn in (np.copy, np.array):  # these keep the order of an array; its method copy() does not
        if op.attrs.get("method") == "copy" or not isinstance(kind(op.ins[0]), Array):
            return True
        return isinstance(op.ins[0], Val) and is_in_order(lw, op.ins[0], seen)
    return True


def is_repeated(a: Atom) -> bool:
    """Whether an array is one number in all places, and lies in no order."""
    op = op_of(a)
    return op is not None and op.fn is np.broadcast_to and isinstance(kind(op.ins[0]), Scalar)


def is_in_order(lw: Core, v: Val, seen: frozenset[Val]) -> bool:
    """Whether an array lies row by row, also after it was written to, and after loops."""
    while v not in seen and v.op is not None and v.op.code == "prim":
        if v.op.fn not in ops.WRITES and not v.op.attrs.get("aug"):
            return is_made_in_order(lw, v.op, seen)
        base = v.op.ins[0]
        if not isinstance(base, Val):
            return False
        v = base
    if v in seen or v.op is None or not v.op.is_loop:
        return v in seen or bool(came_in_order(lw, v))
    view = LoopView(v.op)
    if v not in view.finals:
        return False
    k = view.finals.index(v)
    seen |= {view.params[k]}
    return all(isinstance(x, Val) and is_in_order(lw, x, seen) for x in (view.inits[k], view.yields[k]))


def keeps_order(step: Step) -> bool:
    """Whether a view of an array in one piece is in one piece."""
    if step.fn in (np.reshape, np.ravel):
        return True
    if step.fn is not operator.getitem:
        return False
    index = step.args[0]
    if isinstance(index, Slice):
        return isinstance(index.step, Const) and index.step.value in (None, 1)
    return isinstance(kind(index), Scalar)


def is_copy(lw: Lowerer, fn: Any, args: Args, kwargs: Kw) -> bool:
    """Whether a function that gives a view of some arrays certainly gives a copy of this one."""
    base = args[0]
    if isinstance(base, Loc) and fn in OF_VECTORS:
        k = kind(lw.read(base))
        return isinstance(k, Array) and len(k.dims) == 1
    if not isinstance(base, Loc) or len(args) > 1:
        return False
    if fn in (np.asarray, np.asanyarray) and kwargs.keys() == {"dtype"}:
        return is_of(lw, base, lw.read(kwargs["dtype"])) is False
    base = lw.moved_to(base)
    return (
        fn is np.ravel
        and not kwargs
        and not base.path
        and came_in_order(lw, lw.same_shape(lw.state.cells[base.cell])) is False
    )


def is_of(lw: Lowerer, array: Bound, dtype: Atom) -> bool | None:
    """Whether the elements of an array are of a type; None if that is not known."""
    k = kind(lw.read(array))
    if not isinstance(k, Array) or not is_constant(dtype):
        return None
    try:
        return bool(np.dtype(constant(dtype)) == np.dtype(k.dtype))
    except TypeError:
        return None


RANKS = {np.atleast_1d: 1, np.atleast_2d: 2, np.atleast_3d: 3}


def given_back(lw: Lowerer, fn: Any, args: Args, kwargs: Kw) -> Bound | None:
    """The array that a function which makes arrays gives back as it is; None where it may make one."""
    if len(args) != 1 or not isinstance(args[0], Loc) or isinstance(content(lw, args[0]), Agg):
        return None
    k = kind(lw.read(args[0]))
    if not isinstance(k, Array):
        return None
    if fn in RANKS:
        return args[0] if len(k.dims) >= RANKS[fn] and not kwargs else None
    if fn not in (np.asarray, np.asanyarray) or not kwargs.keys() <= {"dtype"}:
        return None
    same = is_of(lw, args[0], lw.read(kwargs["dtype"])) if kwargs else True
    return args[0] if same else None
