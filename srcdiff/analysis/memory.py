"""Memory: which values may share it, and which of it is written to."""

from __future__ import annotations

from srcdiff.ir import ops
from srcdiff.ir.graph import JOINS, Atom, LoopView, Op, Region, Val

__all__ = ["Known", "is_update", "updated_anywhere"]

Known = dict[Op, tuple[set[int], set["Val"]]]  # loops: the variables updated in them, and all that is


def is_update(op: Op) -> bool:
    """Whether an operation is meant to be done in place, on its first operand."""
    return op.code == "prim" and (op.fn in ops.UPDATES or ("aug" in op.attrs and bool(op.attrs["aug"])))


def updated_anywhere(view: LoopView, known: Known | None = None) -> set[int]:
    """Carried variables of a loop that are updated in it: in their new value, or on the way to it.

    ``known``: what was found of loops before; it holds until operations are put in, or changed.
    """
    known = {} if known is None else known
    found = known.get(view.op)
    if found is None:
        starts: set[Val] = set()
        _started(view.body, starts, known)
        found = known[view.op] = _updated(view, starts, known), starts
    return found[0]


def _updated(view: LoopView, starts: set[Val], known: Known) -> set[int]:
    out = {j for j, p in enumerate(view.params) if p in starts}
    moves: dict[int, int] = {}  # a variable whose memory is another one's in the next trip
    at = {p: j for j, p in enumerate(view.params)}
    for j, (p, y) in enumerate(zip(view.params, view.yields, strict=True)):
        if isinstance(y, Val) and y is not p and _leads_to_update(y, set(), known):
            out.add(j)
        k = at.get(_start(y)) if isinstance(y, Val) else None
        if k is not None and k != j:
            moves[k] = j
            if j in out:
                out.add(k)
    for _ in moves:
        out |= {k for k, j in moves.items() if j in out}
    return out


def _started(region: Region, starts: set[Val], known: Known) -> None:
    """Add the values that updates in a region, and in those in it, began with."""
    for op in region.ops:
        targets: list[Atom] = op.ins[:1] if is_update(op) else []
        if op.is_loop:
            inner = LoopView(op)
            inits = inner.inits
            targets = [inits[j] for j in updated_anywhere(inner, known)]
            starts |= known[op][1]
            if op.code == "while":
                _started(op.regions[0], starts, known)
        else:
            for r in op.regions:
                _started(r, starts, known)
        starts.update(_start(t) for t in targets if isinstance(t, Val))


def _start(v: Val) -> Val:
    """The version of an array that a chain of updates began with."""
    while v.op is not None and v in v.op.outs and is_update(v.op) and isinstance(v.op.ins[0], Val):
        v = v.op.ins[0]
    return v


def _leads_to_update(v: Val, seen: set[Val], known: Known) -> bool:
    if v in seen:
        return False
    seen.add(v)
    op = v.op
    if op is None or v not in op.outs:
        return False
    if is_update(op):
        return True
    if op.code in JOINS:
        at = op.outs.index(v)
        ends = [(r.results[at], r) for r in op.regions]
        return any(isinstance(a, Val) and _leads_to_update(a, seen, known) for a, r in ends)
    if op.is_loop:
        view = LoopView(op)
        at = op.outs.index(v)
        return at < view.carried and at in updated_anywhere(view, known)
    return False
