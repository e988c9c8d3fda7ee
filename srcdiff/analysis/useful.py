"""Numbers that no result depends on but by way of decisions: the largest step, which says when to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from srcdiff.ir.graph import JOINS, Atom, Graph, LoopView, Op, Region, Val, kind, vals
from srcdiff.ir.kinds import Scalar

__all__ = ["deciding"]


def deciding(graph: Graph, varied: set[Val], constant: Callable[[Any], bool]) -> set[Val]:
    """The numbers among ``varied`` whose cotangents are zero.

    ``constant``: whether no derivative passes through a function.
    """
    found = Useful(constant)
    found.use(graph.region.results)
    size = -1
    while size != len(found.useful):
        size = len(found.useful)
        found.region(graph.region)
    return {v for v in varied if isinstance(kind(v), Scalar) and v not in found.useful}


class Useful:
    """Values that results are computed of, from the results backwards."""

    def __init__(self, constant: Callable[[Any], bool]) -> None:
        self.constant = constant
        self.useful: set[Val] = set()

    def use(self, atoms: Iterable[Atom]) -> None:
        self.useful.update(vals(atoms))

    def region(self, region: Region) -> None:
        for op in reversed(region.ops):
            self.op(op)

    def op(self, op: Op) -> None:
        if op.code in JOINS:
            for n, v in enumerate(op.outs):
                if v in self.useful:
                    self.use(r.results[n] for r in op.regions)
            for r in op.regions:
                self.region(r)
        elif op.is_loop:
            self.loop(op)
        elif op.code != "prim" or (not self.constant(op.fn) and not self.useful.isdisjoint(op.outs)):
            self.use(op.ins)

    def loop(self, op: Op) -> None:
        view = LoopView(op)
        size = -1
        while size != len(self.useful):
            size = len(self.useful)
            for p, i, y, f in view.slots:
                if p in self.useful or f in self.useful:
                    self.use((i, y, p))  # (a variable that is left is carried)
            for c, t in view.kept:
                if t in self.useful:
                    self.use([c])
            self.region(view.body)
        for e, s in view.taken:
            if e in self.useful:
                self.use([s])
