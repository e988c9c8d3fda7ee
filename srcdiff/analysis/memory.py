"""Memory: which values may share it, and which of it is written to."""

from __future__ import annotations

from srcdiff.ir import ops
from srcdiff.ir.graph import JOINS, Atom, LoopView, Op, Val, walk

__all__ = ["Known", "is_update", "updated_anywhere"]

Known = dict[Op, set[int]]  # loops and the variables updated in them


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
        found = known[view.op] = _updated(view, known)
    return found


def _updated(view: LoopView, known: Known) -> set[int]:
    out = _updated_inside(view, known)
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


def _updated_inside(view: LoopView, known: Known) -> set[int]:
    targets: list[Atom] = []
    for op in walk(view.body):
        if is_update(op):
            targets.append(op.ins[0])
        elif op.code in ("for", "while"):
            inner = LoopView(op)
            targets += [inner.inits[j] for j in updated_anywhere(inner, known)]
    starts = {_start(t) for t in targets if isinstance(t, Val)}
    return {j for j, p in enumerate(view.params) if p in starts}


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
    if op.code in ("for", "while"):
        view = LoopView(op)
        at = op.outs.index(v)
        return at < view.carried and at in updated_anywhere(view, known)
    return False
