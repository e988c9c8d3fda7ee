"""What is gone through and may be a dict, which only running tells: it gives its keys, not its values."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.frontend import joins
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Bound, Loc, Plain
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Ref, Slice, Val, kind, op_of
from srcdiff.ir.kinds import BOOL, OTHER, UNKNOWN
from srcdiff.ir.modules import package_of

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["goes_through", "gone_through"]

ARITHMETIC: tuple[Any, ...] = (
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow,
    operator.neg, operator.pos, operator.matmul, operator.abs,
)  # fmt: skip


def goes_through(fn: Any) -> bool:
    """Whether one of Python's functions makes something of all that its argument gives."""
    return any(fn is f for f in (list, tuple, sum, min, max, sorted))


def may_be_dict(a: Atom) -> bool:
    """Whether a value of unknown kind is made by what may give a dict: not by arithmetic, nor by NumPy."""
    op = op_of(a)
    if op is None or op.code != "prim":
        return True
    by_numpy = isinstance(op.fn, np.ufunc) or package_of(op.fn) == "numpy"
    return not by_numpy and not any(op.fn is f for f in ARITHMETIC)


def is_view(a: Atom) -> bool:
    """Whether a value comes of asking what may be a dict for its keys, values or items."""
    op = op_of(a)
    return op is not None and op.attrs.get("method") in ("keys", "values", "items")


def is_listed(a: Atom) -> bool:
    """Whether the items of a value without a derivative can be had by their position, for certain."""
    if isinstance(a, Val):
        if a.op is not None and a.op.fn is operator.getitem and isinstance(a.op.ins[1], Slice):
            return True
        return a.op is not None and any(a.op.fn is f for f in (list, tuple, sorted, range, ops.keys))
    return isinstance(a, Const) and isinstance(a.value, (str, tuple, list, range))


def gone_through(lw: Lowerer, b: Bound, node: Any) -> Bound:
    """What going through a value gives, as something that an index can be taken of."""
    held = content(lw, b)
    known = not (isinstance(held, Plain) or (isinstance(held, Loc) and not joins.is_lazy(lw.state, held)))
    if known or lw.frame.static:
        return b
    a = lw.read(held, node)
    if kind(a) == OTHER and not is_listed(a):  # a dict, a set, the keys of one: nothing that has a first item
        return Plain(lw.prim(ops.keys, [a], result=OTHER))
    if is_view(a):
        return Plain(lw.prim(list, [a], result=UNKNOWN))
    if kind(a) != UNKNOWN or not may_be_dict(a):
        return b

    def keys() -> Bound:
        return Plain(lw.prim(ops.keys, [lw.read(held, node)], result=UNKNOWN))

    test = lw.prim(isinstance, [lw.read(held, node), Ref(dict, "dict")], result=BOOL)
    return lw.choose(test, keys, lambda: b, node, "if")
