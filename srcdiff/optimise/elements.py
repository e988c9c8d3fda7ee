"""Elements of arrays that are known when they are read: what was just written there, or read before.

`x[i] = a; x[i - 1] = b; c = x[i]` is `c = a`: the write in between is to another element, whatever `i` is.
A part that was read before writes to others is that part still (`x[1:, i - 1]`), and so is what is made of
it: where both are read in one region and one sweep, so that no view is kept for long.
Nothing is read anew at another place, so no array has to be kept as it was.
"""

from __future__ import annotations

import operator
from typing import Any

from srcdiff.analysis.settled import separate
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Graph, Op, Region, Val, key_of, kind, map_atom, same
from srcdiff.ir.kinds import Array, Scalar
from srcdiff.optimise.patterns import apart, basic

__all__ = ["known_elements"]


def known_elements(graph: Graph) -> bool:
    """Replace, in place; whether anything was."""
    known = Known()
    known.region(graph.region, (), {})
    return bool(known.table)


class Known:
    """One walk."""

    def __init__(self) -> None:
        self.table: dict[Val, Atom] = {}
        self.loops: dict[Op, tuple[Op, ...]] = {}  # around each write

    def now(self, v: Val) -> Atom:
        return self.table.get(v, v)

    def region(self, region: Region, loops: tuple[Op, ...], before: dict[Any, Val]) -> None:
        """``before``: what has been read, by the version of the array and the index."""
        read = {k: v for k, v in before.items() if isinstance(v.kind, Scalar)}
        for op in region.ops:
            op.ins = [map_atom(self.now, a) for a in op.ins]
            for r in op.regions:
                self.region(r, (*loops, op) if op.is_loop else loops, read)
            if op.code != "prim" or op.attrs.get("guarded"):
                continue
            if not op.ins or not isinstance(kind(op.ins[0]), Array):
                continue
            if op.fn in ops.WRITES:
                self.loops[op] = loops
            elif op.fn is operator.getitem and isinstance(op.out.kind, (Scalar, Array)) and basic(op.ins[1]):
                found = self.found(op, loops, read)
                if found is None:
                    read[key_of(op.ins[0]), key_of(op.ins[1])] = op.out
                else:
                    self.table[op.out] = found
        region.results = [map_atom(self.now, a) for a in region.results]

    def found(self, op: Op, loops: tuple[Op, ...], read: dict[Any, Val]) -> Atom | None:
        """What an element that is read is, if that is there already."""
        base, index = op.ins
        while isinstance(base, Val) and base.op in self.loops:
            write = base.op
            assert write is not None
            if write.attrs.get("at") or not basic(write.ins[1]):
                return None
            if same(write.ins[1], index):
                value = write.ins[2]
                if isinstance(op.out.kind, Array):
                    return None
                return value if write.fn is ops.setitem and kind(value) == op.out.kind else None
            around = self.loops[write]
            if not apart(write.ins[1], index):
                if not separate(write.ins[1], index, around, loops[len(around) :]):
                    return None
            base = write.ins[0]
            known = read.get((key_of(base), key_of(index)))
            if known is not None and known.kind == op.out.kind and (
                isinstance(known.kind, Scalar) or is_adjoint(known.op) == is_adjoint(op)
            ):
                return known
        return None


def is_adjoint(op: Op | None) -> bool:
    return op is not None and op.adjoint
