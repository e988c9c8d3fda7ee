"""Whether the trips of a loop pay for a list of all elements of an array.

A list costs as much as some reads of elements for each element, so the loops around a read or a write must
run over the dimensions of the array: known by the sizes that their headers are made of, or by those of the
first call.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Mapping

from srcdiff.ir.graph import Atom, Const, LoopView, Op, Region, Val, kind
from srcdiff.ir.kinds import Array, Kind, Scalar, Sym

__all__ = ["Worth"]

SMALL = 16  # elements that any loop pays for of which nothing is known
FEW = 4  # elements along a dimension that need no loop of their own
SHARE = 3  # a read or write for so many elements
MARGIN = 3  # of sizes that may be others at the next call

Extent = int | str  # so many trips, or the name of a size


class Worth:
    """The loops around each operation in one loop, and what they run over."""

    def __init__(self, loop: Op, seen: Mapping[int, int]) -> None:
        self.seen = seen
        self.around: dict[Op, tuple[Op, ...]] = {}
        self.of_index: dict[Val, Op] = {}
        self.known: dict[Op, frozenset[Extent]] = {}
        self.enter(loop, ())

    def enter(self, loop: Op, outer: tuple[Op, ...]) -> None:
        loops = (*outer, loop)
        view = LoopView(loop)
        if view.has_index:
            self.of_index[view.index] = loop
        for r in loop.regions:
            self.inside(r, loops)

    def inside(self, region: Region, loops: tuple[Op, ...]) -> None:
        for op in region.ops:
            self.around[op] = loops
            if op.is_loop:
                self.enter(op, loops)
            else:
                for r in op.regions:
                    self.inside(r, loops)

    def pays(self, k: Kind, touched: list[Op]) -> bool:
        """Whether these reads and writes pay for a list of an array of a kind."""
        if not isinstance(k, Array):
            return False
        named = [f"{d.id}" for d in k.dims if isinstance(d, Sym)]
        sizes = [d for d in k.dims if isinstance(d, int)]
        if not named:
            return self.by_number(math.prod(sizes), touched, SMALL)
        if not any(d > FEW for d in sizes) and any(self.covers(named, self.around[o]) for o in touched):
            return True
        loops = (loop for o in touched for loop in self.around[o])
        if not any(isinstance(e, str) for loop in loops for e in self.extents(loop)):
            return False  # (so many trips whatever the sizes are)
        at_call = [self.number(d if isinstance(d, int) else f"{d.id}") for d in k.dims]
        known = [n for n in at_call if n is not None]
        return len(known) == len(k.dims) and self.by_number(MARGIN * math.prod(known), touched, 1)

    def number(self, e: Extent) -> int | None:
        """A size, as it is at the call at hand if it has a name: a hint, and no more."""
        return e if isinstance(e, int) else self.seen.get(int(e))

    def by_number(self, size: int, touched: list[Op], least: int) -> bool:
        """``least``: how often a loop runs of which that is not known."""
        total = 0
        for o in touched:
            trips = 1
            for loop in self.around[o]:
                if loop.attrs["exits"] or loop.code == "while":
                    continue
                counts = [n for e in self.extents(loop) if (n := self.number(e)) is not None]
                trips *= max(counts) if counts else least
            total += trips
        open_ = any(loop.code == "while" for o in touched for loop in self.around[o])
        return total * SHARE >= size or (open_ and size <= SMALL and least > 1)

    def covers(self, named: list[str], loops: tuple[Op, ...]) -> bool:
        """Whether each of some sizes has a loop over it, for each a loop of its own."""
        free = [loop for loop in loops if not loop.attrs["exits"]]
        for name in named:
            at = next((loop for loop in free if name in self.extents(loop)), None)
            if at is None:
                return False
            free.remove(at)
        return True

    def extents(self, loop: Op) -> frozenset[Extent]:
        if loop not in self.known:
            self.known[loop] = frozenset()  # (asked again by itself: not known)
            self.known[loop] = frozenset(self.of_loop(loop))
        return self.known[loop]

    def of_loop(self, loop: Op) -> Iterator[Extent]:
        if loop.code != "for":
            return
        view = LoopView(loop)
        header = view.header
        for source in (*view.sources, *header[: len(header) == 1]):
            k = kind(source)
            if isinstance(k, Array) and k.dims:
                yield k.dims[0] if isinstance(k.dims[0], int) else f"{k.dims[0].id}"
        if len(header) < 3:
            return
        numbers = [size(a) for a in header]
        if all(n is not None for n in numbers):
            start, stop, step = (n or 0 for n in numbers)
            if step:
                yield len(range(start, stop, step))
            return
        if size(header[2]) not in (1, -1):
            return
        for a in header[:2]:
            yield from self.of_bound(a)

    def of_bound(self, a: Atom) -> Iterator[Extent]:
        if not isinstance(a, Val):
            return
        k = a.kind
        if isinstance(k, Scalar) and isinstance(k.value, Sym):
            yield f"{k.value.id}"
        if a in self.of_index:
            yield from self.extents(self.of_index[a])
        if a.op is not None and a.op.fn in (operator.add, operator.sub):
            number = [x for x in a.op.ins if not isinstance(x, Const)]
            if len(number) == 1:
                yield from self.of_bound(number[0])


def size(a: Atom) -> int | None:
    """A whole number that is known."""
    if isinstance(a, Const):
        return a.value if type(a.value) is int else None
    k = kind(a)
    return k.value if isinstance(k, Scalar) and isinstance(k.value, int) else None
