"""Cotangents of elements, added where the element lies."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from srcdiff.analysis.settled import separate
from srcdiff.differentiate.common import name_derivative, without_zeros
from srcdiff.differentiate.problems import no_rule
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, LoopView, Op, Slice, Struct, Val, kind
from srcdiff.ir.kinds import UNKNOWN, Array, Scalar, Seq
from srcdiff.rules import vocabulary

if TYPE_CHECKING:
    from srcdiff.differentiate.reverse import Reverse

__all__ = ["add_at", "add_inside", "element_index", "is_untouched"]


def element_index(sweep: Reverse, op: Op, view: LoopView, d: int) -> Atom:
    """The position of this trip's element in its source."""
    k: Atom = sweep.need(view.index)
    if view.head == 3:
        if op.attrs.get("rev"):
            raise no_rule(
                op,
                "a reversed range zipped with an array cannot be differentiated",
                "loop over indices instead",
            )
        start, _, step = (sweep.need(a) for a in view.header)
        if not (isinstance(start, Const) and start.value == 0):
            k = sweep.prim(operator.sub, [k, start])
        if not (isinstance(step, Const) and step.value == 1):
            k = sweep.prim(operator.floordiv, [k, step])
    if d == -1:
        return sweep.prim(operator.sub, [Const(-1), k])
    return k


def add_at(sweep: Reverse, s: Atom, index: Atom, value: Atom, at: bool = False) -> None:
    """``s_bar[index] += value``."""
    if not isinstance(s, Val) or s not in sweep.varied:
        return
    old = sweep.peek(s, sweep.here)
    if old is None and add_inside(sweep, s, index, value, at):
        return
    if old is None:
        old = sweep.zero(sweep.need(s))
    new: Atom
    if s.kind == UNKNOWN and isinstance(index, Const) and not at:  # of a tuple, maybe
        new = sweep.rule(vocabulary.added_at, {"x": old, "index": index, "value": without_zeros(value)})
    elif (
        not at
        and (isinstance(s.kind, Seq) or s.kind == UNKNOWN)
        and not isinstance(kind(value), (Scalar, Array))
    ):
        first = is_untouched(old, index) and is_all_of(value)
        total = value if first else sweep.plus(sweep.getitem(old, index), value)
        new = sweep.prim(ops.setitem, [old, index, total], result=kind(old), hint=f"{s.name}_bar")
    else:
        attrs: dict[str, Any] = {"at": True} if at else {}
        new = sweep.prim(ops.additem, [old, index, value], result=kind(old), hint=f"{s.name}_bar", **attrs)
    for x in (old, new):
        name_derivative(x, s, "_bar")
    sweep.here.bars[s] = new


def is_untouched(bar: Atom, index: Atom) -> bool:
    """Whether a cotangent is zero in a place: zeros were made, and other places written to."""
    while isinstance(bar, Val) and bar.op is not None and bar.op.fn is ops.setitem:
        other = bar.op.ins[1]
        if not (separate(index, other, ()) or ends_before(index, other) or ends_before(other, index)):
            return False
        bar = bar.op.ins[0]
    return isinstance(bar, Val) and bar.op is not None and bar.op.fn in vocabulary.BLANKS


def ends_before(part: Atom, place: Atom) -> bool:
    """Whether a slice ends before a place that is counted from the end, as it is: ``x[:-1]``, ``x[-1]``."""
    if not isinstance(part, Slice) or not isinstance(part.upper, Const) or not isinstance(place, Const):
        return False
    end, at = part.upper.value, place.value
    return type(end) is int and type(at) is int and end <= at < 0 and part.step == Const(None)


def is_all_of(value: Atom) -> bool:
    """Whether the cotangent of an element that holds others has all of its parts."""
    if isinstance(value, Struct):
        return bool(value.items) and all(map(is_all_of, value.items))
    return isinstance(value, Val) and isinstance(value.kind, (Array, Scalar, Seq))


def add_inside(sweep: Reverse, s: Val, index: Atom, value: Atom, at: bool) -> bool:
    """``rows_bar[i][index] += value`` where ``s`` is the element ``rows[i]`` of a list."""
    if s.op is None or s.op.code != "prim" or s.op.fn is not operator.getitem or at:
        return False
    rows, i = s.op.ins
    if not isinstance(rows, Val) or not isinstance(rows.kind, Seq):
        return False
    if not isinstance(s.kind, (Seq, Array)):
        return False
    if isinstance(kind(i), Array) or isinstance(i, Slice) or not isinstance(kind(value), (Scalar, Array)):
        return False
    bar = sweep.peek(rows, sweep.here)
    if rows not in sweep.varied or bar is None:
        return False
    i = sweep.need(i)
    part = sweep.prim(operator.getitem, [bar, i], result=s.kind, hint=f"{s.name}_bar", view=True)
    part = sweep.prim(ops.additem, [part, index, value], result=s.kind, hint=f"{s.name}_bar")
    new = sweep.prim(ops.setitem, [bar, i, part], result=kind(bar), hint=f"{rows.name}_bar")
    name_derivative(new, rows, "_bar")
    sweep.here.bars[rows] = new
    return True
