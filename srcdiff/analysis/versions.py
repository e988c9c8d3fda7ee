"""Versions of buffers: values that are successive contents of one array, and which are written over."""

from __future__ import annotations

from collections.abc import Iterator

from srcdiff.ir import ops
from srcdiff.ir.graph import JOINS, Atom, LoopView, Op, Region, Val
from srcdiff.ir.kinds import Array

__all__ = [
    "Lineage",
    "backwards",
    "buffer_slots",
    "chain_of",
    "follow",
    "is_update",
    "passed_round",
    "versions",
]


def is_update(op: Op) -> bool:
    return op.code == "prim" and (op.fn in ops.WRITES or bool(op.attrs.get("aug")))


def versions(region: Region) -> set[Val]:
    """Values that a later update takes the place of (their memory will be written to)."""
    out: set[Val] = set()
    _versions(region, out)
    return out


def _versions(region: Region, out: set[Val]) -> None:
    for op in region.ops:
        if is_update(op) and isinstance(op.ins[0], Val):
            out.add(op.ins[0])
        for r in op.regions:
            _versions(r, out)
    size = -1
    while size != len(out):
        size = len(out)
        for op in region.ops:
            if op.is_loop:
                view = LoopView(op)
                for j in buffer_slots(view):
                    y, i = view.yields[j], view.inits[j]
                    if isinstance(y, Val) and isinstance(i, Val):
                        out.update(chain_of(y))
                        out.add(view.params[j])
                        out.add(i)
            if op.code in JOINS:
                for n in range(len(op.outs)):
                    for r in op.regions:
                        a = r.results[n]
                        if isinstance(a, Val):
                            links = chain_of(a)
                            if any(q in out for q in links if q is not a):
                                out.update(q for q in links if q is not a)


def buffer_slots(view: LoopView) -> set[int]:
    """Carried arrays that the loop writes to, also where it passes them round among its variables."""
    ends: dict[int, Val] = {}
    out: set[int] = set()
    for j, (p, y) in enumerate(zip(view.params, view.yields, strict=True)):
        if not isinstance(p.kind, Array) or not isinstance(y, Val):
            continue
        links = chain_of(y)
        ends[j] = links[-1]
        if len(links) > 1:
            out.add(j)
    size = -1
    while size != len(out):
        size = len(out)
        for j, last in ends.items():
            if last in view.params:
                k = view.params.index(last)
                if k in out or j in out:
                    out |= {j, k} & set(ends)
    return passed_round(view, out)


def passed_round(view: LoopView, slots: set[int]) -> set[int]:
    """Of some carried arrays: those that the loop passes round among themselves; none is lost or new."""
    places: dict[int, int] = {}
    for j in slots:
        y = view.yields[j]
        last = chain_of(y)[-1] if isinstance(y, Val) else None
        if last in view.params:
            places[j] = view.params.index(last)
    while True:
        left = {j: k for j, k in places.items() if k in places and j in places.values()}
        if left == places:
            return set(places)
        places = left


def chain_of(v: Val) -> list[Val]:
    """A version and the versions before it, as far as updates lead back."""
    return list(backwards(v))


def backwards(v: Val) -> Iterator[Val]:
    """The same, one by one."""
    now: Val | None = v
    while now is not None:
        yield now
        now = version_before(now)


def version_before(v: Val) -> Val | None:
    """The version that an update, a loop or a branch made another one of."""
    op = v.op
    if op is None or v not in op.outs:
        return None
    if is_update(op):
        return op.ins[0] if isinstance(op.ins[0], Val) else None
    if op.is_loop:
        view = LoopView(op)
        at = op.outs.index(v)
        if at >= view.carried or not isinstance(view.inits[at], Val):
            return None
        y = view.yields[at]
        p = view.params[at]
        if y is p or not isinstance(y, Val) or p not in backwards(y):
            return None
        nxt = view.inits[at]
        assert isinstance(nxt, Val)
        return nxt
    if op.code in JOINS:
        at = op.outs.index(v)
        starts = [follow(r.results[at], r) for r in op.regions]
        first = starts[0]
        return first if all(s is first for s in starts) else None
    return None


class Lineage:
    """The same of many values of a graph that stays as it is: each step is found once."""

    def __init__(self) -> None:
        self.places: dict[Val, tuple[Val, int]] = {}  # the first of its versions, and how many there are
        self.step: dict[Val, Val | None] = {}

    def place(self, v: Val) -> tuple[Val, int]:
        todo: list[Val] = []
        now: Val | None = v
        while now is not None and now not in self.places:
            todo.append(now)
            old = self.step[now] = version_before(now)
            now = old
        found = self.places[now] if now is not None else (todo[-1], -1)
        for w in reversed(todo):
            found = self.places[w] = found[0], found[1] + 1
        return found

    def is_before(self, old: Val, new: Val) -> bool:
        """Whether one is a version before the other, or the same."""
        (first, n), (other, m) = self.place(old), self.place(new)
        if first is not other or n > m:
            return False
        now: Val | None = new
        for _ in range(m - n):
            assert now is not None
            now = self.step[now]
        return now is old


def follow(a: Atom, region: Region) -> Val | None:
    """The value outside ``region`` that ``a`` is a version of."""
    if not isinstance(a, Val):
        return None
    inside = set(region.ops)
    for q in backwards(a):
        if q.op not in inside or q not in q.op.outs:
            return q
    return None
