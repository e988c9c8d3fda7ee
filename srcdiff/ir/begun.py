"""Numbers that loops begin with where they hand on arrays: ``w = 0.0``, then ``w = w + x`` in each trip.

Such a variable has the kind of the array.  In the first trip it is the number, and so is what is made of it
and of numbers alone: nothing may ask these for a shape, or add them up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from srcdiff.ir import ops
from srcdiff.ir.graph import JOINS, Atom, Const, Graph, LoopView, Op, Region, Val, kind, vals, walk
from srcdiff.ir.kinds import Array, Seq, Sym, is_joined

__all__ = ["Begun", "begun_in", "is_begun"]


def is_begun(param: Val, init: Atom) -> bool:
    """Whether a variable of a loop is an array that begins as a number."""
    number = isinstance(init, Const) and isinstance(init.value, (int, float))
    return number and isinstance(param.kind, Array)


def is_repeated(param: Val, init: Atom) -> bool:
    """Whether it begins as an array that has one entry where it has many (a number, in many directions)."""
    k, first = param.kind, kind(init)
    if not isinstance(k, Array) or not isinstance(first, Array) or len(k.dims) != len(first.dims):
        return False
    return any(
        m == 1 != n and not (isinstance(n, Sym) and is_joined(n))
        for m, n in zip(first.dims, k.dims, strict=True)
    )


def begun_in(graph: Graph, elementwise: Callable[[Any], bool]) -> set[Val]:
    """What may be a number in a first trip, or have one entry in place of many, though of an array's kind."""
    loops = [LoopView(op) for op in walk(graph.region) if op.is_loop]
    starts: set[Val] = set()
    for view in loops:
        for p, i, _, final in view.slots:
            if is_begun(p, i) or is_repeated(p, i):
                starts |= {p} if view.runs else {p, final}
    found = Begun(elementwise, starts.union(p for p in graph.region.params if p.begun))
    if found.loose:
        found.settle([graph.region])
    return found.loose


class Begun:
    """The values that may be numbers, from those that begin so on, and the tapes that they are put on."""

    def __init__(self, elementwise: Callable[[Any], bool], loose: Iterable[Val]) -> None:
        self.elementwise = elementwise
        self.loose = set(loose)
        self.asked: set[Val] = set()  # of which something else is done than to each element

    def settle(self, regions: list[Region], slots: Iterable[tuple[Val, Atom]] = ()) -> None:
        """Go through regions until no more is found; ``slots``: parameters, and what trips hand on."""
        slots, size = list(slots), -1
        while size != len(self.loose):
            size = len(self.loose)
            for region in regions:
                self.region(region)
            self.hand_on(slots)

    def hand_on(self, pairs: Iterable[tuple[Val, Atom]]) -> None:
        self.loose.update(v for v, a in pairs if a in self.loose and isinstance(v.kind, (Array, Seq)))

    def region(self, region: Region) -> None:
        for op in region.ops:
            self.op(op)

    def op(self, op: Op) -> None:
        for r in op.regions:
            self.region(r)
        if op.is_loop:
            view = LoopView(op)
            for p, i, y, f in view.slots:
                self.hand_on([(p, i), (p, y), (f, i), (f, y)])
            self.hand_on([(tape, a) for a, tape in view.kept])
            self.hand_on(view.taken)
            self.ask([*view.header, *view.sources, *view.collected])
        elif op.code in JOINS:
            for r in op.regions:
                self.hand_on(zip(op.outs, r.results))
            self.ask(op.ins)
        elif op.code == "prim":
            self.made(op)
            if op.fn is not ops.accumulate and not self.elementwise(op.fn):
                self.ask(op.ins)
        else:
            self.ask(op.ins)

    def made(self, op: Op) -> None:
        out = op.outs[0]
        if self.loose.isdisjoint(vals(op.ins)) or not isinstance(out.kind, (Array, Seq)):
            return
        firm = [k.dims for a in op.ins if a not in self.loose and isinstance(k := kind(a), Array)]
        if isinstance(out.kind, Seq) or out.kind.dims not in firm:
            self.loose.add(out)
            if any(firm):  # (it is an array, of fewer dimensions)
                self.ask(op.ins)

    def ask(self, atoms: Iterable[Atom]) -> None:
        self.asked |= self.loose.intersection(vals(atoms))
