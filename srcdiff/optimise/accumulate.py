"""Sums of cotangents are accumulated in place where that is safe."""

from __future__ import annotations

import operator

from srcdiff.analysis.memory import is_update
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    LoopView,
    Op,
    Region,
    Val,
    kind,
)
from srcdiff.ir.kinds import Array, Kind, Scalar
from srcdiff.optimise.conflicts import Conflicts
from srcdiff.optimise.holding import (
    changed_there,
    smaller,
)
from srcdiff.optimise.patterns import not_one

__all__ = ["Sums"]


def like(a: Array, b: Kind) -> bool:
    """Whether arrays are of one type, with as many dimensions."""
    return isinstance(b, Array) and a.dtype == b.dtype and len(a.dims) == len(b.dims)


class Sums(Conflicts):
    """Operations marked as done in place."""

    begun: set[Val]  # (not made in place: a number, or an array of none of the dimensions, stays one)

    def optional(self, region: Region) -> None:
        """Sums of cotangents are accumulated in place where that is safe."""
        kept: set[Val] = set()
        self.kept_roots(self.graph.region, kept)
        kept |= self.memory(frozenset(kept))
        self.mark(region, kept)

    def mark(self, region: Region, kept: set[Val]) -> None:
        for op in region.ops:
            for r in op.regions:
                self.mark(r, kept)
            if op.code != "prim":
                continue
            if op.attrs.get("aug"):
                op.attrs = {**op.attrs, "inplace": True}
            if is_update(op):
                op.attrs = {**op.attrs, "inplace": True}
                if op.fn is ops.setitem and changed_there(*op.ins):
                    op.attrs["there"] = True
                continue
            if op.fn is ops.accumulate:
                for at in (0, 1):
                    if self.can_accumulate(op, at, kept):
                        ins = [op.ins[at], op.ins[1 - at]]
                        op.ins = ins
                        op.attrs = {**op.attrs, "inplace": True}
                        break

    def can_accumulate(self, op: Op, at: int, kept: set[Val]) -> bool:
        t, g = op.ins[at], op.ins[1 - at]
        k = kind(t)
        if not isinstance(t, Val) or not isinstance(k, Array) or not k.dims or t in self.begun:
            return False
        surely = all(map(not_one, k.dims))  # what is added to it leaves it of its shape, if it can be added
        if k != op.out.kind and not (surely and like(k, op.out.kind)):
            return False
        kg = kind(g)
        if isinstance(kg, Array):
            lead = len(k.dims) - len(kg.dims)
            repeated = lead >= 0 and all(m in (1, n) for m, n in zip(kg.dims, k.dims[lead:], strict=True))
            if kg.dtype != k.dtype or not (repeated or lead > 0 or (surely and lead == 0)):
                return False
        elif not (isinstance(kg, Scalar) and kg.dtype == k.dtype):
            return False
        if t.op is not None and t.op.fn is operator.neg and not (k == op.out.kind == kg):
            return False  # (``g - t`` has no need of it)
        if t.user and op.out.user and t.name != op.out.name:  # two of the user's variables stay two
            return False
        memory = self.memory(self.own_memory(t))
        if memory & kept or memory & self.foreign or self.read_only(memory):
            return False
        if any(self.loop_parameter(r) for r in self.own_memory(t)):
            return False
        return not self.conflict(t, op.out, self.path[op])

    def loop_parameter(self, t: Val) -> bool:
        """A carried cotangent: its start must be ours, and nobody else's."""
        op = t.op
        if op is None or t in op.outs or not op.is_loop:
            return False
        view = LoopView(op)
        if t not in view.params:
            return True
        i = view.inits[view.params.index(t)]
        if not isinstance(i, Val) or smaller(i.kind, t.kind):
            return True
        if not self.owned(i) or self.twice(view, view.params.index(t)) or self.loop_parameter(i):
            return True
        return bool(self.conflict(i, None, self.path[op]))
