"""Writes undone on the way back: what was overwritten is kept in a log."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from srcdiff.differentiate.mirrors import Mirror
from srcdiff.frontend.infer import index_kind
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Op, Val
from srcdiff.ir.kinds import Array, Scalar, Seq, fresh_sym

if TYPE_CHECKING:
    from srcdiff.differentiate.reverse import Reverse

__all__ = ["logged", "measured", "rewind", "whole"]


def whole(index: Atom) -> bool:
    """Whether an index is that of everything: ``x[...]``."""
    return isinstance(index, Const) and index.value is Ellipsis


def rewind(sweep: Reverse, op: Op, m: Mirror) -> None:
    """Undo an update: the version before it, from the version after it and what it overwrote."""
    if op.fn not in (ops.setitem, ops.additem) and not op.attrs.get("aug"):
        return
    before = op.ins[0]
    if not isinstance(before, Val) or before not in sweep.superseded or not isinstance(before.kind, Array):
        return
    after = m.rewound.get(op.out)
    if after is None:
        if not m.ground:
            return
        after = op.out
    if op.attrs.get("aug") or whole(op.ins[1]):
        m.rewound[before] = logged(sweep, before, op, m, None)
        return
    old = logged(sweep, before, op, m, op.ins[1])
    index = sweep.need(op.ins[1])
    back = sweep.prim(ops.setitem, [after, index, old], result=before.kind, hint=before.name)
    if isinstance(back, Val):
        back.name, back.user = before.name, before.user
    m.rewound[before] = back


def logged(sweep: Reverse, before: Val, op: Op, m: Mirror, index: Atom | None) -> Atom:
    """What an update overwrites, saved in the forward sweep just before it."""
    at = m.forward.ops.index(op)
    if index is None:
        made = Op("prim", [before], attrs={"fn": ops.copied}, origin=op.origin)
        v = Val(f"{before.name}_old", before.kind, made)
    else:
        k, view = index_kind(before.kind, index)
        made = Op("prim", [before, index], attrs={"fn": operator.getitem, "view": view}, origin=op.origin)
        v = Val(f"{before.name}_old", k, made)
    made.outs.append(v)
    m.forward.ops.insert(at, made)
    sweep.home[v] = m.forward
    if index is not None and isinstance(v.kind, (Array, Seq)) and made.attrs["view"]:
        copy = Op("prim", [v], attrs={"fn": ops.copied}, origin=op.origin)
        v = Val(v.name, v.kind, copy)
        copy.outs.append(v)
        m.forward.ops.insert(at + 1, copy)
        sweep.home[v] = m.forward
    if m.ground:
        return v
    w = Val(v.name, v.kind, None, v.user)
    w.op = Op("need", [], [w], [], {"value": v, "mirror": m, "tape": True}, None)
    m.reverse.ops.append(w.op)
    m.memo[v] = w
    return w


def measured(sweep: Reverse, a: Atom, op: Op) -> Atom:
    """The length of an operand, taken in the forward sweep: the operand itself need not be kept."""
    m = sweep.here
    made = Op("prim", [a], attrs={"fn": len}, origin=op.origin)
    v = Val("n", Scalar("i8", True, fresh_sym()), made)
    made.outs.append(v)
    m.forward.ops.insert(m.forward.ops.index(op), made)
    sweep.home[v] = m.forward
    return sweep.need(v)
