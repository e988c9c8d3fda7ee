"""How the arrays of a text lie in memory: which are one object, who made them, whether in rows."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from srcdiff.backends import numpy_names
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, LoopView, Op, Val, is_as_written, kind, nested, op_of, vals, walk
from srcdiff.ir.kinds import Array, Scalar
from srcdiff.ir.modules import module_name

if TYPE_CHECKING:
    from srcdiff.ir.graph import Graph

__all__ = ["FRESH", "Lying"]

FRESH = {operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, operator.pow}


class Lying:
    """What may be said of the arrays of a graph, whichever trip made them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.plain: set[Op] = set()  # zeros in the shape of something, that must lie in rows
        self.roots: dict[Val, frozenset[Val] | None] = {}
        self.loops: dict[Val, Op] = {}  # what a trip begins with -> its loop
        self.steady: dict[Val, bool] = {}
        self.inside: dict[Op, set[Op]] = {}
        loops = [op for op in walk(graph.region) if op.is_loop]
        self.loops.update((p, op) for op in loops for r in op.regions for p in r.params)

    def back(self, v: Val) -> Val | None:
        """The value before in the same object, if any."""
        op = v.op
        if v in self.loops:
            view = LoopView(self.loops[v])
            return self.begun(view, view.params.index(v)) if v in view.params else None
        if op is None:
            return None
        if op.is_loop:
            view = LoopView(op)
            return self.begun(view, view.finals.index(v)) if v in view.finals else None
        first = op.ins[0] if op.code == "prim" and op.attrs.get("inplace") else None
        return first if isinstance(first, Val) else None

    def begun(self, view: LoopView, k: int) -> Val | None:
        """What a variable of a loop begins as, if it is one object in all trips."""
        key = view.params[k]
        if key not in self.steady:
            self.steady[key] = False  # (while it is asked)
            y: Atom | None = view.yields[k]
            while isinstance(y, Val) and y is not key:
                y = self.back(y)
            self.steady[key] = y is key
        first = view.inits[k]
        return first if self.steady[key] and isinstance(first, Val) else None

    def made(self, v: Val) -> frozenset[Val] | None:
        """What an array may have been made as, by whichever trip; None if it is not ours for sure."""
        if v not in self.roots:
            out: set[Val] = set()
            seen: dict[Val, None] = {v: None}
            todo: list[Atom] = [v]
            while todo:
                w = todo.pop()
                before = self.sources(w) if isinstance(w, Val) else None
                if before is None:
                    self.roots[v] = None
                    break
                if not before and isinstance(w, Val):
                    out.add(w)
                todo += [x for x in before if not isinstance(x, Val) or x not in seen]
                seen.update((x, None) for x in before if isinstance(x, Val))
            else:
                self.roots[v] = frozenset(out)
        return self.roots[v]

    def sources(self, v: Val) -> list[Atom] | None:
        """The values that a value is, or is written over; none of what is made; None of what is not ours."""
        op = self.loops.get(v, v.op)
        if op is None:
            return None
        if op.is_loop:
            view = LoopView(op)
            for values in (view.params, view.finals):
                if v in values:
                    k = values.index(v)
                    return [view.inits[k], view.yields[k]]
            return None
        if op.code != "prim":
            return None
        return [op.ins[0]] if op.attrs.get("inplace") else []

    def is_array(self, v: Atom) -> bool:
        """Whether a value is an array for sure: on no path the number that stands for zeros, or None."""
        maybe, todo, seen = self.graph.info.get("maybe", ()), [v], {v}
        while todo:
            w = todo.pop()
            if not isinstance(w, Val) or not is_vector(w) or w in maybe:
                return False
            if w in self.graph.region.params:
                continue
            before = self.sources(w) or self.others(w)
            if before is None:
                return False
            todo += [x for x in before if x not in seen]
            seen.update(before)
        return True

    def others(self, v: Val) -> list[Atom] | None:
        """The arrays that a value is one of, or has the shape of: chosen, kept on a tape, or made."""
        op = self.loops.get(v, v.op)
        if op is None:
            return None
        if op.code == "if":
            return [r.results[op.outs.index(v)] for r in op.regions] if v in op.outs else None
        if op.is_loop:
            view = LoopView(op)
            return self.collected(view.sources[view.elements.index(v)]) if v in view.elements else None
        if op.code == "prim" and op.fn is ops.poplast:
            return self.collected(op.ins[0])
        return shaped_by(op) if op.code == "prim" else None

    def collected(self, tape: Atom) -> list[Atom] | None:
        """What the trips of a loop put on a tape."""
        op = op_of(tape)
        if op is None or not op.is_loop:
            return None
        view = LoopView(op)
        return [c for c, t in view.kept if t is tape] or None

    def is_plain(self, op: Op) -> bool:
        """Whether zeros like an array are made of its shape: in a sixth of the time, but always in rows."""
        if op in self.plain:
            return True
        if op.fn is not numpy_names.ZEROS_OF or len(op.ins) > 1 or is_as_written(op):
            return False
        k = op.out.kind
        if not isinstance(k, Array) or k.dtype != "f8" or len(k.dims) != 1 or kind(op.ins[0]) != k:
            return False
        return self.is_array(op.ins[0])

    def before_loop(self, v: Atom, loop: Op) -> Val | None:
        """The value that an array has when a loop begins; None if it is made in there."""
        if loop not in self.inside:
            self.inside[loop] = set(nested(loop))
        inside = self.inside[loop]
        w = v if isinstance(v, Val) else None
        while w is not None:
            if w not in self.loops and w.op not in inside:
                return w
            before = self.back(w)
            if self.loops.get(w) is loop:
                return w if before is not None else None  # (another one in each trip, where not)
            w = before
        return None

    def in_rows(self, v: Atom, seen: set[Val] | None = None) -> bool:
        """Whether the rows of an array lie one after the other, whatever trip made it, or can be made so."""
        seen = set() if seen is None else seen
        made = self.made(v) if isinstance(v, Val) else None
        if made is None:
            return False
        todo = made - seen
        seen |= made
        return all(self.is_made_in_rows(m.op, seen) for m in todo if m.op is not None)

    def is_made_in_rows(self, op: Op, seen: set[Val]) -> bool:
        if op.by_name:
            return False
        if op.fn is ops.copied or (op.attrs.get("method") == "copy" and len(op.ins) == 1):
            return op.ins[0] not in self.graph.info.get("maybe", ())
        if op.fn is numpy_names.BROADCAST:  # (which leaves the order to what it is multiplied by)
            return isinstance(kind(op.ins[0]), Scalar)
        if op.fn in FRESH:
            return all(self.in_rows(a, seen) for a in op.ins if isinstance(kind(a), Array))
        floats = isinstance(op.out.kind, Array) and op.out.kind.dtype == "f8"
        return op.fn in numpy_names.IN_ROWS or (op.fn is numpy_names.ZEROS_OF and floats)

    def settle(self, v: Atom, seen: set[Val]) -> None:
        """Have zeros made in rows, for all to see, that would be made in the order of something else."""
        made = (self.made(v) if isinstance(v, Val) else None) or frozenset()
        todo = made - seen
        seen |= made
        for op in (m.op for m in todo):
            if op is not None and op.fn is numpy_names.ZEROS_OF:
                self.plain.add(op)
            elif op is not None and op.fn in FRESH:
                for a in op.ins:
                    self.settle(a, seen)


def is_vector(a: Atom) -> bool:
    """Whether something is taken for an array of one axis or more."""
    k = kind(a)
    return isinstance(k, Array) and bool(k.dims)


def shaped_by(op: Op) -> list[Atom] | None:
    """The arrays that a result is an array for; None if it may be a number all the same."""
    if op.fn in (operator.getitem, ops.copied):
        return [op.ins[0]]
    if op.fn is getattr or module_name(op.fn).startswith("srcdiff."):
        return None
    return [x for x in vals(op.ins) if is_vector(x)]
