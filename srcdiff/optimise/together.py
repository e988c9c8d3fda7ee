"""Outer products that the trips of a loop add up are one product of two matrices behind it.

`W_bar += np.outer(g, x)` of each trip takes two passes over a matrix.  Put away, the vectors of all trips are
the rows of two matrices, and the sum is `np.array(gs).T @ np.array(xs)`.  Of derivatives alone, and where a
trip reads as much from a tape or an array as it puts away, or vectors are not short (by the sizes of the call
that the text is made for, a hint): so that no memory of another order is taken.  Sums come out in another
order; float64 only.
"""

from __future__ import annotations

import operator
from typing import Any

from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Graph, LoopView, Op, Region, Val, kind, op_of, uses_of, vals
from srcdiff.ir.kinds import Array, Dim, Kind, Sym, fresh_sym
from srcdiff.ir.regions import replace_values
from srcdiff.optimise.dce import dce
from srcdiff.optimise.patterns import is_zeros
from srcdiff.optimise.words import Words

__all__ = ["added_together"]

LARGE = 8  # elements of a vector

Link = tuple[Op, int]  # an addition, and which of its operands is what was added up before


def added_together(graph: Graph, words: Words) -> Graph:
    """Add outer products behind loops, in place, in a graph that did not go through `own`."""
    return dce(graph) if Together(graph, words).region(graph.region) else graph


class Together:
    """One walk."""

    def __init__(self, graph: Graph, words: Words) -> None:
        self.words, self.seen = words, graph.info.get("seen", {})
        self.matrices: dict[Val, Val] = {}  # of the tapes that were put away
        self.behind: dict[Op, Op] = {}  # the last that was put behind a loop
        self.uses = uses_of(graph.region)

    def region(self, region: Region) -> bool:
        changed = False
        for op in list(region.ops):
            for r in op.regions:
                changed |= self.region(r)
            if op.is_loop:
                for j in range(LoopView(op).carried):
                    changed |= self.summed(region, op, j)
        return changed

    def summed(self, region: Region, loop: Op, j: int) -> bool:
        """Add what a loop adds to its variable behind it; whether there is such."""
        view = LoopView(loop)
        here, sizes = set(view.body.ops), self.sizes(view)
        if self.uses[view.params[j]] != 1:
            return False
        found = []
        for op, at in self.chain(view.yields[j], view.params[j], here) or ():
            pair = self.factors(op.ins[1 - at], here)
            if pair is not None and all(self.is_worth(v, sizes) for v in pair):
                found.append((op, at, pair))
        if not found:
            return False
        for op, at, _ in found:  # (what is left of the sum)
            before = op.ins[at]
            assert isinstance(before, Val)
            replace_values(view.body, {op.out: before})
        final = view.finals[j]
        total = final.again()
        replace_values(region, {final: total})
        new: list[Op] = []
        value: Atom = final
        if view.yields[j] is view.params[j]:
            value = view.inits[j]
            if is_zeros(value) and self.uses[value] == 1 and value.op in region.ops:  # type: ignore
                region.ops.remove(value.op)  # type: ignore[union-attr]
                new.append(value.op)  # type: ignore[union-attr]
        for op, _, pair in found:
            us, vs = (self.rows(op, v, view, new) for v in pair)
            k = Array("f8", tuple(kind(v).dims[0] for v in pair))  # type: ignore[union-attr]
            us = made(new, op, self.words.transpose, [us], Array("f8", us.kind.dims[::-1]), method="T")  # type: ignore
            product = made(new, op, operator.matmul, [us, vs], k)
            value = made(new, op, ops.accumulate, [value, product], final.kind)
        new[-1].outs, total.op = [total], new[-1]
        n = region.ops.index(self.behind.get(loop, loop)) + 1
        region.ops[n:n] = new
        self.behind[loop] = new[-1]
        return True

    def is_worth(self, v: Val, sizes: set[Dim]) -> bool:
        """Whether a vector is not known to be short, or a trip keeps or reads as much anyway."""
        assert isinstance(v.kind, Array)
        (d,) = v.kind.dims
        size = self.seen.get(d.id, LARGE) + d.offset if isinstance(d, Sym) else d
        return d in sizes or size >= LARGE

    def chain(self, a: Atom, start: Val, here: set[Op]) -> list[Link] | None:
        """The additions, from the last to the first, by which a value is made of the one at the start."""
        if a is start:
            return []
        op = op_of(a)
        if op is None or op not in here or op.code != "prim" or op.fn is not ops.accumulate:
            return None
        if self.uses[op.out] != 1 or op.out.kind != start.kind:
            return None
        for at in (0, 1):
            before = self.chain(op.ins[at], start, here)
            if before is not None:
                return [(op, at), *before]
        return None

    def factors(self, a: Atom, here: set[Op]) -> tuple[Val, Val] | None:
        """The two vectors of an outer product that nobody else reads."""
        op = a.op if isinstance(a, Val) and self.uses[a] == 1 else None
        if op is None or op not in here or op.code != "prim" or op.attrs.get("guarded"):
            return None
        if not op.adjoint or op.by_name:
            return None
        if op.fn is self.words.transpose and len(op.ins) == 1:
            pair = self.factors(op.ins[0], here)
            return None if pair is None else pair[::-1]
        if op.fn is not self.words.outer or op.out.kind.dtype != "f8":  # type: ignore[union-attr]
            return None
        left, right = op.ins
        if not isinstance(left, Val) or not isinstance(right, Val):
            return None
        kinds = left.kind, right.kind
        vectors = (isinstance(k, Array) and len(k.dims) == 1 and k.dtype == "f8" for k in kinds)
        return (left, right) if all(vectors) else None

    def sizes(self, view: LoopView) -> set[Dim]:
        """The sizes of what a trip reads from tapes, and of the parts that are its own of arrays."""
        given = {p for p, y in zip(view.params, view.yields, strict=True) if y in view.elements}
        out = [v.kind for v in (*view.elements, *given)]
        for op in view.body.ops:
            part = op.code == "prim" and op.fn in (operator.getitem, ops.setitem, ops.additem)
            if part and vals(op.ins[1:2]):
                out.append(kind(op.ins[2]) if len(op.ins) > 2 else op.out.kind)
        return {d for k in out if isinstance(k, Array) for d in k.dims}

    def rows(self, like: Op, v: Val, view: LoopView, new: list[Op]) -> Val:
        """What a value is in all trips, as the rows of a matrix."""
        k = v.kind
        assert isinstance(k, Array)
        tape = next((t for c, t in view.kept if c is v), None)
        if tape is None:
            tape = view.add_tape(v, f"{v.name}_rows" if v.name.strip("_") else "rows", k)
        if tape not in self.matrices:
            rows = made(new, like, self.words.array, [tape], Array("f8", (fresh_sym(), *k.dims)))
            self.matrices[tape] = rows
        return self.matrices[tape]


def made(new: list[Op], like: Op, fn: Any, ins: list[Atom], k: Kind, **attrs: Any) -> Val:
    op = Op.applying(fn, ins, k, like.origin, **attrs)
    new.append(op)
    return op.out
