"""Memory that lies in lists more than once: what was made once for several places.

The reader lets nobody change an array that is in a list twice. But values that are equal are made once, and
before a loop if they are the same in each trip: ``rows.append(np.sin(x))`` puts one array into all places.
So what lies there may be written to only if each place has its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from srcdiff.analysis.memory import is_update
from srcdiff.ir.graph import JOINS, Atom, LoopView, Region, Struct, Val, kind, vals
from srcdiff.ir.kinds import Seq
from srcdiff.optimise.holding import EMPTY, VIEWS, Roots, holds_arrays, in_memory
from srcdiff.optimise.ownership import Ownership
from srcdiff.optimise.places import Way

__all__ = ["Repeated"]


class Repeated(Ownership):
    """What of the memory is in several places, and may be written to in one of these."""

    repeated: Roots
    touched: Roots

    def analyse(self) -> None:
        super().analyse()
        times: Counter[Val] = Counter()
        put = [(v, at) for v, at in self.puts(self.graph.region) if not lies_in_list(v, set())]
        for v, at in put:
            for r in self.own_memory(v):
                if r in self.home:  # (not what stands for what lies in some list)
                    times[r] += 2 if self.wraps(at, r) or self.stays(r) else 1
        held = [self.of(v) for v, _ in put if any(times[r] > 1 for r in self.own_memory(v))]
        self.repeated = frozenset(r for r in EMPTY.union(*held) if r in self.home)
        touched = set(self.updated) if self.repeated else set()
        size = -1
        while size != len(touched):
            size = len(touched)
            for p, flown in self.flows:
                if p in touched:
                    touched |= flown
        self.touched = frozenset(touched)

    def puts(self, region: Region) -> Iterator[tuple[Val, Way]]:
        """What is put into lists, and where that is done."""
        for op in region.ops:
            values: list[Atom] = []
            at = self.path[op]
            for r in op.regions:
                yield from self.puts(r)
            if op.is_loop:
                view = LoopView(op)
                values, at = list(view.collected), (*at, (view.body, len(view.body.ops)))
            elif op.code == "prim" and op.outs and isinstance(op.out.kind, Seq) and holds_arrays(op.out.kind):
                values = op.ins[1:] if is_update(op) else [a for a in op.ins if isinstance(a, Struct)]
            yield from ((v, at) for v in vals(values) if in_memory(v))

    def stays(self, r: Val) -> bool:
        """Whether a variable of a loop may be after a trip what it was before."""
        if r.op is None or not r.op.is_loop or r in r.op.outs:
            return False
        view = LoopView(r.op)
        if r not in view.params:
            return False
        made = [m for m in self.of(view.yields[view.params.index(r)]) if m in self.home]
        return any(m in view.body.params or not self.within(self.home[m], view.body) for m in made)

    def in_several(self, target: Val) -> bool:
        """Whether a write to an element of a list may be one to others."""
        if not self.repeated or not lies_in_list(target, set()):
            return False
        return not self.repeated.isdisjoint(self.written_memory(target))


def lies_in_list(v: Val, seen: set[Val]) -> bool:
    """Whether a value is an element of a list, or what that was changed to: of these the reader knows."""
    op = v.op
    if op is None or v in seen:
        return False
    seen.add(v)
    parts: list[Atom] = []
    if op.is_loop:
        view = LoopView(op)
        if v in [e for e, _ in view.taken]:
            return True
        known = [*zip(view.params, view.inits, strict=True), *zip(view.finals, view.inits, strict=True)]
        parts = [i for p, i in known if p is v]
    elif op.code in JOINS:
        at = op.outs.index(v)
        parts = [r.results[at] for r in op.regions]
    elif is_update(op):
        parts = op.ins[:1]
    elif op.code == "prim" and op.fn in VIEWS:
        if isinstance(kind(op.ins[0]), Seq):
            return True
        parts = op.ins[:1]
    return any(lies_in_list(p, seen) for p in vals(parts))
