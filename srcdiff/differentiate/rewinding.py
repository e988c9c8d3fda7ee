"""Writes undone on the way back: what was overwritten is kept in a log."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from srcdiff.differentiate.mirrors import Mirror
from srcdiff.frontend.shapes import index_kind
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Op, Val
from srcdiff.ir.indices import is_dots
from srcdiff.ir.kinds import Array, Scalar, Seq, fresh_sym

if TYPE_CHECKING:
    from srcdiff.differentiate.reverse import Reverse

__all__ = ["logged", "measured", "rewind"]


def rewind(sweep: Reverse, op: Op, m: Mirror) -> None:
    """Undo an update: the version before it, from the version after it and what it overwrote."""
    if op.fn not in ops.WRITES and not op.attrs.get("aug"):
        return
    before = op.ins[0]
    if not isinstance(before, Val) or before not in sweep.superseded or not isinstance(before.kind, Array):
        return
    after = m.rewound.get(op.out)
    if after is None:
        if not m.ground:
            return
        after = op.out
    if op.attrs.get("aug") or is_dots(op.ins[1]):
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
    name = f"{before.name}_old"
    if index is None:
        made = Op.applying(ops.copied, [before], before.kind, op.origin, name)
    else:
        k, view = index_kind(before.kind, index)
        made = Op.applying(operator.getitem, [before, index], k, op.origin, name, view=view)
    v = made.out
    m.forward.ops.insert(at, made)
    sweep.home[v] = m.forward
    if index is not None and isinstance(v.kind, (Array, Seq)) and made.attrs["view"]:
        copy = Op.applying(ops.copied, [v], v.kind, op.origin, v.name)
        v = copy.out
        m.forward.ops.insert(at + 1, copy)
        sweep.home[v] = m.forward
    if m.ground:
        return v
    w = v.again()
    w.op = Op("need", [], [w], [], {"value": v, "mirror": m, "tape": True}, None)
    m.reverse.ops.append(w.op)
    m.memo[v] = w
    return w


def measured(sweep: Reverse, a: Atom, op: Op) -> Atom:
    """The length of an operand, taken in the forward sweep: the operand itself need not be kept."""
    m = sweep.here
    made = Op.applying(len, [a], Scalar("i8", True, fresh_sym()), op.origin, "n")
    m.forward.ops.insert(m.forward.ops.index(op), made)
    sweep.home[made.out] = m.forward
    return sweep.need(made.out)
