"""Parts of arrays that loops take again in each trip: taken once, ahead of them.

``u_bar[2:] += t`` makes a view, and makes it again to put it back; where parts are small that costs as
much as the sum.  So where an array is one object in all trips, a part between constants (a row, a column, all
but the borders) that is asked for more than once in a trip has a name before the loop, ``u_bar_right``.  Not
where arrays are so large that it does not show, nor so small that the loop is read rather than waited for (at
the call that the text is made for).
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from typing import TYPE_CHECKING

from srcdiff.emit.parts import Place, place_of
from srcdiff.ir import ops
from srcdiff.ir.graph import Op, Region, Val, kind
from srcdiff.ir.kinds import Array, Kind, Sym

if TYPE_CHECKING:
    from srcdiff.emit.assemble import Assembler

__all__ = ["Views"]

SMALLEST, LARGEST = 256, 16384  # elements of an array
ASKED = {operator.getitem: 1, ops.setitem: 1, ops.additem: 2}  # how often a view is made
FEWEST = 2  # in a trip: below, it stays as it is

Key = tuple[Val, Place, Op]  # of an array as it is before a loop


class Views:
    """Which operations on parts of arrays are done on parts that have names."""

    def __init__(self, asm: Assembler) -> None:
        self.asm = asm
        self.seen: dict[int, int] = asm.graph.info.get("seen", {})
        self.keys: dict[Op, Key] = {}
        if asm.in_rows:
            self.look(asm.graph.region, [])
            asked: Counter[Key] = Counter()
            for op, key in self.keys.items():
                asked[key] += ASKED[op.fn]
            self.keys = {op: key for op, key in self.keys.items() if asked[key] >= FEWEST}

    def look(self, region: Region, around: list[Op]) -> None:
        for op in region.ops:
            looped = op.is_loop
            for r in op.regions:
                self.look(r, [*around, op] if looped else around)
            if around and op.code == "prim" and op.fn in ASKED:
                self.consider(op, around)

    def consider(self, op: Op, around: list[Op]) -> None:
        asm, base = self.asm, op.ins[0]
        taken = op in asm.rows.padded or op in asm.rows.added or op in asm.runs.sinks
        if taken or op.attrs.get("guarded") or op.attrs.get("at") or op.outs[0] in asm.runs.leaves:
            return
        if op.fn is operator.getitem and (len(op.ins) != 2 or op not in asm.lay.folded):
            return
        if op.fn is not operator.getitem and not op.attrs.get("inplace"):
            return
        k = kind(base)
        place = place_of(op.ins[1], k.dims) if isinstance(k, Array) else None
        if place is None or not self.is_small(k):
            return
        if set(place) == {(0, 0)} or all(isinstance(n, int) for n in place):  # (all of it, or one number)
            return
        for loop in around:
            found = asm.lying.before_loop(base, loop)
            if found is not None:
                if found in asm.names.names and found.op not in asm.lay.folded:
                    self.keys[op] = found, place, loop
                return

    def is_small(self, k: Kind) -> bool:
        """Whether an array was neither large nor tiny at the call; not where nobody knows."""
        dims = k.dims if isinstance(k, Array) else ()
        sizes = (self.seen.get(d.id, -d.offset) + d.offset if isinstance(d, Sym) else d for d in dims)
        return SMALLEST <= math.prod(sizes) <= LARGEST

    def named(self, op: Op) -> str | None:
        """The name of the part that an operation is about."""
        if op not in self.keys:
            return None
        base, place, loop = self.keys[op]
        ahead = self.asm.ahead
        return ahead.part(ahead.of(loop), self.asm.names[base], place)
