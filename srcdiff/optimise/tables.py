"""Lists of numbers that keep their length, and tables of these, are arrays: ``[[0.0] * m for ...]``.

Done before a function is differentiated, for kernels, which have arrays but no lists of lists.  A list is
taken for an array only where everything that is done with it is known: it is made of one length, gone
through, read and written to by places.  Lengths are compared as they were settled while reading; where two
differ, or one follows from what a loop does, the lists stay.
"""

from __future__ import annotations

import operator

from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Atom,
    Const,
    Graph,
    LoopView,
    Op,
    Region,
    Struct,
    Val,
    clone,
    kind,
    op_of,
    same,
    uses_of,
    walk,
)  # fmt: skip
from srcdiff.ir.indices import alone_or_tuple, display
from srcdiff.ir.kinds import Array, Kind
from srcdiff.optimise.dce import dce
from srcdiff.optimise.lengths import Lengths, depth, is_place, is_single
from srcdiff.optimise.words import Words

__all__ = ["lists_as_arrays"]


def lists_as_arrays(graph: Graph, words: Words) -> Graph:
    """The graph with such lists as arrays; the graph itself where there are none."""
    made = [v for op in walk(graph.region) for v in op.outs]
    if not any(depth(v.kind) for v in made) or any(is_single(v.kind) for v in [*made, *graph.region.params]):
        return graph
    graph = clone(graph)[0]
    tables = Tables(graph, words)
    if not tables.found():
        return graph
    tables.change()
    return dce(graph)


class Tables(Lengths):
    """Arrays in the place of lists."""

    def change(self) -> None:
        for v in self.family:
            k = self.array_kind(v)
            if k is not None:
                v.kind = k
        self.rewrite(self.graph.region)
        fuse(self.graph)

    def array_kind(self, v: Val) -> Array | None:
        family = self.family[v].top() if v in self.family else None
        if family is None or family.stays:
            return None
        sizes = tuple(family.sizes.values())
        if family.depth == 2:
            sizes += tuple(family.rows().sizes.values())
        return Array("f8", sizes)

    def is_array(self, a: Atom) -> bool:
        return isinstance(a, Val) and a in self.family and not self.family[a].top().stays

    def rewrite(self, region: Region) -> None:
        out: list[Op] = []
        for op in region.ops:
            if op.is_loop:
                self.begin(op, out)
            for r in op.regions:
                self.rewrite(r)
            if op.code == "if":
                for n, o in enumerate(op.outs):
                    for r in op.regions:
                        if self.is_array(o):
                            r.results[n] = self.array(r.results[n], o.kind, r.ops)
            if op.code == "prim":
                if op.fn is operator.getitem and self.is_array(op.ins[0]):  # (of a list a slice is a copy)
                    kept = {k: x for k, x in op.attrs.items() if k != "fn"}
                    op.become(op.fn, **{**kept, "view": self.is_array(op.out)})
                elif self.is_array(op.out) and op.fn is operator.mul:
                    display, size = op.ins if isinstance(op.ins[0], Struct) else op.ins[::-1]
                    assert isinstance(display, Struct)
                    filled = self.full([self.ahead(size, out)], display.items[0], op.out.kind)
                    op.become(filled.fn)
                    op.ins = filled.ins
                elif op.fn is list and self.is_array(op.out):
                    op.become(ops.copied)
                    op.ins = [self.array(op.ins[0], op.out.kind, out)]
                elif op.fn is ops.setitem and self.is_array(op.ins[0]) and isinstance(op.ins[2], Struct):
                    k = op.out.kind
                    assert isinstance(k, Array)
                    op.ins[2] = self.array(op.ins[2], Array("f8", k.dims[1:]), out)
            out.append(op)
        region.ops = out

    def begin(self, op: Op, before: list[Op]) -> None:
        """What a loop starts from, as arrays, and what it appends, put in its place."""
        view = LoopView(op)
        for k, p in enumerate(view.params):
            if not self.is_array(p):
                continue
            assert isinstance(p.kind, Array)
            y = view.yields[k]
            growth = self.growth(op, y)
            if growth is None:
                op.ins[view.head + k] = self.array(view.inits[k], p.kind, before)
                if not self.is_array(y):
                    view.body.results[k] = self.array(y, p.kind, view.body.ops)
                continue
            append = growth.append
            value = append.ins[1]
            sizes = [self.ahead(growth.trips, before)]
            number: Const | None = None
            if len(p.kind.dims) == 2:
                sizes.append(self.ahead(self.length_of(value) or Const(0), before))
                number = repeated(value)
            start = self.full(sizes, number or Const(0.0), p.kind, p.name)
            before.append(start)
            op.ins[view.head + k] = start.out
            append.become(ops.setitem)
            append.ins = [p, view.index, value]
            if number is not None:  # each row is so from the start
                view.body.results[k] = p
                view.body.ops.remove(append)

    def ahead(self, a: Atom, before: list[Op]) -> Atom:
        """A length, computed anew from what is there at the top."""
        if not isinstance(a, Val) or a in self.outer:
            return a
        op = a.op
        assert op is not None
        new = Op("prim", [self.ahead(x, before) for x in op.ins], [Val(a.name, a.kind)], attrs=dict(op.attrs))
        new.origin = op.origin
        new.out.op = new
        before.append(new)
        return new.out

    def full(self, sizes: list[Atom], value: Atom, k: Kind, name: str = "") -> Op:
        shape = alone_or_tuple(sizes)
        is_zero = isinstance(value, Const) and repr(value.value) == "0.0"
        ins = [shape] if is_zero else [shape, value]
        return Op.applying(self.words.blanks[1] if is_zero else self.words.full, ins, k, None, name)

    def array(self, a: Atom, k: Kind, before: list[Op]) -> Atom:
        """What a display says, as an array."""
        if not isinstance(a, Struct):
            return a
        value = repeated(a)
        assert isinstance(k, Array)
        if value is not None:
            op = self.full([Const(len(a.items))], value, k)
        else:
            op = Op.applying(self.words.array, [a], k)
        before.append(op)
        return op.out


def fuse(graph: Graph) -> None:
    """Write elements of rows where they are: ``D[i, j] = v`` for a row that is taken and put back."""
    uses = uses_of(graph.region)
    for op in list(walk(graph.region)):
        if op.code != "prim" or op.fn is not ops.setitem or not isinstance(kind(op.ins[0]), Array):
            continue
        table, i, row = op.ins
        writes: list[Op] = []
        while isinstance(row, Val) and row.op is not None and row.op.fn is ops.setitem and uses[row] == 1:
            if not is_place(row.op.ins[1]):
                break
            writes.append(row.op)
            row = row.op.ins[0]
        taken = op_of(row)
        if not writes or taken is None or taken.fn is not operator.getitem or taken.ins[0] is not table:
            continue
        if not same(taken.ins[1], i) or not is_place(i) or any(w.attrs.get("guarded") for w in writes):
            continue
        for w in reversed(writes):
            w.ins = [table, display((i, w.ins[1])), w.ins[2]]
            w.out.kind = op.out.kind
            table = w.out
        last = writes[0]
        op.ins = last.ins
        last.outs = [Val(last.out.name, last.out.kind, last)]
        remove(graph.region, last)


def remove(region: Region, gone: Op) -> None:
    if gone in region.ops:
        region.ops.remove(gone)
        return
    for op in region.ops:
        for r in op.regions:
            remove(r, gone)


def repeated(a: Atom) -> Const | None:
    """The number, written in the program, that a list consists of."""
    if isinstance(a, Struct):
        first = a.items[0] if a.items else None
        return first if isinstance(first, Const) and all(same(first, x) for x in a.items) else None
    if isinstance(a, Val) and a.op is not None and a.op.code == "prim" and a.op.fn is operator.mul:
        return next((repeated(x) for x in a.op.ins if isinstance(x, Struct)), None)
    return None
