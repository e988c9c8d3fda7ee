"""Shapes are read from where an array started: writes to elements, and loops over such, change none.

So nothing is computed for the sake of a shape: the forward sweep of a program that is linear goes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Graph, LoopView, Op, Region, Val
from srcdiff.ir.kinds import Array

__all__ = ["early_shapes"]

SAME = (ops.setitem, ops.additem, ops.copied)  # their results are like their first operand
LIKE = (np.zeros_like, np.ones_like, np.empty_like)


def early_shapes(graph: Graph) -> Graph:
    """Read shapes as early as they are known, in place."""
    Shapes(graph.region).region(graph.region)
    return graph


class Shapes:
    def __init__(self, region: Region) -> None:
        self.loops: dict[Val, LoopView] = {}  # by the variables of each
        self.look(region)

    def look(self, region: Region) -> None:
        for op in region.ops:
            if op.code in ("for", "while"):
                view = LoopView(op)
                self.loops.update(dict.fromkeys(view.params, view))
            for r in op.regions:
                self.look(r)

    def region(self, region: Region) -> None:
        for op in region.ops:
            at = self.asked(op)
            if at is not None and isinstance(op.ins[at], Val):
                op.ins[at] = self.start(op.ins[at])
            for r in op.regions:
                self.region(r)

    def asked(self, op: Op) -> int | None:
        """The operand of which only the shape (and dtype) is asked for."""
        if op.code != "prim":
            return None
        fn: Any = op.fn
        if fn in (ops.shape_at, len, *LIKE) or (fn is np.size and len(op.ins) == 1):
            return 0
        name, module = getattr(fn, "__name__", ""), getattr(fn, "__module__", "") or ""
        return 1 if name == "unbroadcast" and module.startswith("srcdiff.runtime") else None

    def start(self, a: Atom, until: Val | None = None) -> Atom:
        """The first array of a chain of writes."""
        while isinstance(a, Val) and a is not until and isinstance(a.kind, Array):
            op = a.op
            if a in self.loops:
                view = self.loops[a]
                j = view.params.index(a)
                if until is not None or self.start(view.yields[j], a) is not a:
                    break
                a = view.inits[j]
            elif op is None or a not in op.outs:
                break
            elif op.code == "prim" and op.fn in SAME and isinstance(op.ins[0], Val):
                a = op.ins[0]
            elif op.code in ("for", "while") and op.outs.index(a) < LoopView(op).carried:
                view = LoopView(op)
                j = op.outs.index(a)
                if self.start(view.yields[j], view.params[j]) is not view.params[j]:
                    break
                if not isinstance(view.inits[j], Val):
                    break
                a = view.inits[j]
            else:
                break
        return a
