"""What a loop writes over part by part is saved before it, all parts at once, and put back at once.

`p[1:, j] = ...` in each trip of a loop that others go around: going back, each trip puts back what was there.
Where a trip of the loop backwards reads nothing that trips before it have put back, `p` may stay as the loop
forwards has left it until the loop backwards is over.  So one copy is saved for each part of a copy, and the
loop backwards only reads `p` (which `at_once` makes use of).  It takes the memory that the parts took.
"""

from __future__ import annotations

import operator

from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Graph, LoopView, Op, Region, Val, same, uses_of, vals, walk
from srcdiff.ir.kinds import Array, Kind, Seq
from srcdiff.ir.records import dataclass
from srcdiff.ir.regions import made_in, replace_values
from srcdiff.optimise.by_trip import Place, Trips, made, place_of, trips_of
from srcdiff.optimise.dce import dce

__all__ = ["put_back_at_once"]


def put_back_at_once(graph: Graph) -> Graph:
    """Save and put back whole what loops write over, in a graph that did not go through `own`."""
    loops = [(op, trips) for op in walk(graph.region) if (trips := trips_back(op)) is not None]
    return dce(graph) if loops and PutBack(graph).all(loops) else graph


def trips_back(op: Op) -> Trips | None:
    """The trips of a loop backwards that goes over all that the one forwards has gone over."""
    back = op.code == "for" and op.attrs.get("rev") and op.attrs.get("aligned")
    return trips_of(op) if back else None


@dataclass(frozen=True)
class Saved:
    """Where parts are saved one by one."""

    loops: list[Op]  # from the outermost on
    tape: Atom  # of the innermost
    slot: int  # of its variables, the one that is written to
    place: Place
    trips: Trips
    read: Op


class PutBack:
    """One graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.seen = graph, graph.info.get("seen", {})
        self.home: dict[Op, Region] = {}
        self.source: dict[Val, tuple[Op, int]] = {}  # what loops read element by element
        self.uses = uses_of(graph.region)
        self.enter(graph.region)

    def enter(self, region: Region) -> None:
        for op in region.ops:
            self.home[op] = region
            if op.is_loop:
                view = LoopView(op)
                self.source.update((e, (op, n)) for n, e in enumerate(view.elements))
            for r in op.regions:
                self.enter(r)

    def all(self, loops: list[tuple[Op, Trips]]) -> bool:
        changed = False
        for op, trips in loops:
            for n in range(LoopView(op).carried):
                changed |= self.whole(op, n, trips)
        return changed

    def whole(self, back: Op, slot: int, trips: Trips) -> bool:
        """Put back at once what a loop backwards puts back in its variable; whether it can be."""
        view = LoopView(back)
        now, end = view.params[slot], view.yields[slot]
        put = end.op if isinstance(end, Val) else None
        if put is None or put.fn is not ops.setitem or put.ins[0] is not now or put not in view.body.ops:
            return False
        what, after = put.ins[2], put.out
        if not isinstance(what, Val) or self.uses[what] != 1 or what not in view.elements:
            return False
        inside = set(made_in(view.body))
        place = place_of(now, put.ins[1], what.kind, trips, inside - {now}, self.seen)
        reads = [op for op in walk(view.body) if op is not put and {now, after} & {*vals(op.ins)}]
        if place is None or self.uses[now] + self.uses[after] != len(reads) + 2:
            return False
        for op in reads:
            if not self.is_early(op, after if op.ins[0] is after else now, place, trips, inside, -1):
                return False
        way = self.way(what)
        found = self.saved(way, back, place) if way else None
        if found is None:
            return False
        self.exchange(back, slot, put, place, trips, way, found)
        return True

    def is_early(self, op: Op, x: Val, write: Place, trips: Trips, inside: set[Val], direction: int) -> bool:
        """Whether what an operation reads of ``x`` is written by no trip before, nor in its own before it.

        ``direction``: 1 if the trips go as the header of the loop says, -1 if the other way round.
        """
        if op.fn is not operator.getitem or op.ins[0] is not x:
            return False
        read = place_of(x, op.ins[1], op.out.kind, trips, inside - {x}, self.seen)
        if read is None or read.at != write.at:
            return False
        return (read.shift - write.shift) * direction * trips.step >= (0 if x is write.array else 1)

    def way(self, element: Val) -> list[Val]:
        """By which elements of loops around an element comes from a tape, which is the last."""
        out = [element]
        while out[-1] in self.source:
            loop, n = self.source[out[-1]]
            source = LoopView(loop).sources[n]
            if loop.attrs["dirs"][n] != -1 or not isinstance(source, Val) or self.uses[source] != 1:
                return []
            out.append(source)
        return out

    def saved(self, way: list[Val], back: Op, place: Place) -> Saved | None:
        """Where the loop forwards saves the same parts, as they are before it."""
        loops: list[Op] = []
        at: Atom = way[-1]
        tape = at
        for _ in way[1:]:
            op = at.op if isinstance(at, Val) and self.uses[at] == 1 else None
            if op is None or op.code != "for" or at not in LoopView(op).tapes:
                return None
            if loops and self.home[op] is not LoopView(loops[-1]).body:
                return None
            loops.append(op)
            tape = at
            at = LoopView(op).put_on(at)  # type: ignore[arg-type]
        loop = loops[-1]
        view, trips = LoopView(loop), trips_of(loop)
        read = at.op if isinstance(at, Val) and self.uses[at] == 1 else None
        if read is not None and read.fn is ops.copied and isinstance(read.ins[0], Val):
            read = read.ins[0].op
        if read is None or read.fn is not operator.getitem or read.ins[0] not in view.params or trips is None:
            return None
        if loop.attrs.get("rev") or not all(map(same, view.header, LoopView(back).header)):
            return None
        slot = view.params.index(read.ins[0])  # type: ignore[arg-type]
        x = view.params[slot]
        inside = set(made_in(view.body))
        here = place_of(x, read.ins[1], read.out.kind, trips, inside - {x}, self.seen)
        if here is None or (here.at, here.shift, here.axis) != (place.at, place.shift, place.axis):
            return None
        others = [
            (a, b) for n, (a, b) in enumerate(zip(here.parts, place.parts, strict=True)) if n != here.at
        ]
        if not all(same(a, b) for a, b in others):
            return None
        version = view.yields[slot]
        while version is not x:  # (no trip writes to what one after it saves)
            op = version.op if isinstance(version, Val) else None
            if op is None or op.fn not in ops.WRITES or op not in view.body.ops:
                return None
            write = place_of(x, op.ins[1], read.out.kind, trips, inside - {x}, self.seen)
            if write is None or not self.is_early(read, x, write, trips, inside, 1):
                return None
            version = op.ins[0]
        return Saved(loops, tape, slot, here, trips, read)

    def exchange(
        self, back: Op, slot: int, put: Op, place: Place, trips: Trips, way: list[Val], saved: Saved
    ) -> None:
        """Save all parts before the loop forwards, and put them back behind the one backwards."""
        inner, there = saved.loops[-1], saved.trips
        part, axis = saved.read.out.kind, place.axis
        assert isinstance(part, Array)
        k: Kind = Array(part.dtype, (*part.dims[:axis], there.dim, *part.dims[axis:]))
        new: list[Op] = []
        index = there.everywhere(saved.place, new)
        view = made(
            new, saved.read, operator.getitem, [LoopView(inner).inits[saved.slot], index], k, view=True
        )
        block = made(new, saved.read, ops.copied, [view], k)
        block.name = way[0].name
        region = self.home[inner]
        n = region.ops.index(inner)
        region.ops[n:n] = new
        # it goes the way of the tape of the parts
        value, tape = block, saved.tape
        for loop, element in zip(reversed(saved.loops[:-1]), way[1:-1], strict=True):
            outer = LoopView(loop)
            n = outer.collected.index(tape)
            outer.body.results[outer.carried + n] = value
            element.kind = k
            tape = value = outer.tapes[n]
            tape.kind = k = Seq(k)
        # in the loop backwards nothing is written any more
        behind = LoopView(back)
        replace_values(behind.body, {behind.params[slot]: behind.inits[slot], put.out: behind.inits[slot]})
        behind.body.results[slot] = behind.params[slot]
        behind.body.ops.remove(put)
        final = behind.finals[slot]
        out = final.again()
        region = self.home[back]
        replace_values(region, {final: out})
        after: list[Op] = []
        index = trips.everywhere(place, after)
        whole = way[1] if len(way) > 2 else block
        out.op = Op("prim", [behind.inits[slot], index, whole], [out], [], {"fn": ops.setitem}, put.origin)
        n = region.ops.index(back) + 1
        region.ops[n:n] = [*after, out.op]
