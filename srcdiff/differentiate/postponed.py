"""What the forward sweep does for the needs of one loop alone: it costs nothing to do it there instead.

Of a sum that is not asked for, ``sin(x[i])`` is made for the product rule only: a trip backwards makes it
from ``x[i]``, nothing is taped, and where no more is left of the loop forwards, that goes.  What is on a tape
in the end, and what that is made of, is done forwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from srcdiff.analysis.liveness import Liveness
from srcdiff.ir.graph import Op, Val, vals
from srcdiff.ir.kinds import Array, Scalar
from srcdiff.rules.registry import may_alias

if TYPE_CHECKING:
    from srcdiff.differentiate.fetch import Settler
    from srcdiff.differentiate.mirrors import Mirror

__all__ = ["Postponed"]


class Postponed:
    """Operations that nothing but the needs of one loop waits for.

    ``places`` has for each the mirror around all that need it, and whether several do: then it stands at the
    top of what that mirrors, else where it is needed.
    """

    def __init__(self, settler: Settler, needs: list[tuple[Mirror, Op]]) -> None:
        self.places: dict[Op, tuple[Mirror, bool]] = {}
        self.deps: dict[Val, list[Val]] = {}
        if not needs:
            return
        settled = {v: [a] for v, a in settler.table.items()}
        found = Liveness(settler.r.graph, needs=settled | {op.out: [] for _, op in needs})
        todo = [(op.attrs["value"], mirror, False) for mirror, op in needs]
        while todo:
            v, mirror, shared = todo.pop()
            if v.op is None:
                continue
            before = self.places.get(v.op)
            if before is not None:
                shared = shared or before[1] or mirror is not before[0]
                mirror = around(settler, mirror, before[0])
                if before == (mirror, shared):
                    continue
            elif v in found.live or not settler.inner(v) or not is_movable(settler, v.op, found.live):
                continue
            self.places[v.op] = mirror, shared
            todo += [(w, mirror, shared) for w in vals(v.op.ins)]
        self.places = {op: at for op, at in self.places.items() if is_within(settler, at[0], op.out)}
        if self.places:
            self.deps = {v: vals(atoms) for v, atoms in found.deps.items()}

    def __contains__(self, op: Op) -> bool:
        return op in self.places

    def done_forwards(self, v: Val) -> None:
        """A value is taped: it and what it is made of is done where it is."""
        todo = [v] if self.places else []
        seen: set[Val] = set()
        while todo:
            v = todo.pop()
            if v not in seen:
                seen.add(v)
                if v.op is not None:
                    self.places.pop(v.op, None)
                todo += self.deps.get(v, ())


def is_movable(settler: Settler, op: Op, live: set[Val]) -> bool:
    """Whether an operation gives the same where it is done later, and has what it needs there."""
    fixed = op.code != "prim" or op.attrs.get("unread") or op.attrs.get("guarded") or may_alias(op.fn)
    if fixed or not isinstance(op.out.kind, (Scalar, Array)):
        return False
    return all(w not in settler.r.superseded and is_near(settler, w, live) for w in vals(op.ins))


def is_near(settler: Settler, v: Val, live: set[Val]) -> bool:
    """Whether no array from outside has to be taped for it."""
    if isinstance(v.kind, Scalar) or settler.inner(v):
        return True
    p, home = settler.m.parent, settler.r.home.get(v)
    while p is not None and p.forward is not home:
        p = p.parent
    return p is None or p.ground or p.memo.get(v) in live


def around(settler: Settler, one: Mirror, other: Mirror) -> Mirror:
    """The innermost mirror that both are in."""
    over = above(settler, one)
    return next(m for m in above(settler, other) if m in over)


def above(settler: Settler, m: Mirror) -> list[Mirror]:
    out = [m]
    while m is not settler.m:
        assert m.parent is not None
        m = m.parent
        out.append(m)
    return out


def is_within(settler: Settler, mirror: Mirror, v: Val) -> bool:
    """Whether a value is made in the region that a mirror mirrors, or around it."""
    home = settler.r.home[v]
    return any(m.forward is home for m in above(settler, mirror))
