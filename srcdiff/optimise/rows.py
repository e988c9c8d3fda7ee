"""Rows that are taken only for what is in them: `p = x[i]`, then `p[0]`, `p[1:]`, is `x[i, 0]`, `x[i, 1:]`.

A loop over rows of which nothing else is read counts them: `for p in x` is `for k in range(len(x))`.
Done before a function is differentiated: what goes to an element goes to the array itself then, and no row is
made for it.  The values are the same.
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
    Slice,
    Struct,
    Val,
    clone,
    kind,
    same,
    vals,
    walk,
)
from srcdiff.ir.kinds import Array, Kind, Scalar, fresh_sym

__all__ = ["elements_of_rows"]

Readers = dict[Val, list[Op | None]]  # None: a region hands it on


def elements_of_rows(graph: Graph) -> Graph:
    """The graph without such rows; the graph itself where there are none."""
    if not any(is_row(op) or is_over_arrays(op) for op in walk(graph.region)):
        return graph
    readers = readers_in(graph)
    if not rows_in(graph, readers) and not any(counts(op, readers) for op in walk(graph.region)):
        return graph
    graph = clone(graph)[0]
    readers = readers_in(graph)
    count_rows(graph.region, readers)
    gone: set[Op] = set()
    while rows := rows_in(graph, readers_in(graph)):  # (a row of a row is an element's at last)
        for row, reads in rows.items():
            for op in reads:
                put(op, row.ins[0], places(row))
        gone |= rows.keys()
        remove(graph.region, gone)
    return graph


def readers_in(graph: Graph) -> Readers:
    readers: Readers = {}
    find_readers(graph.region, readers)
    return readers


def rows_in(graph: Graph, readers: Readers) -> dict[Op, list[Op]]:
    """The rows of which nothing but parts are read, with what reads these."""
    out: dict[Op, list[Op]] = {}
    for op in walk(graph.region):
        if is_row(op):
            reads = parts_of(op.out, readers)
            if reads:
                out[op] = reads
    return out


def find_readers(region: Region, readers: Readers) -> None:
    for op in region.ops:
        for v in vals(op.ins):
            readers.setdefault(v, []).append(op)
        for r in op.regions:
            find_readers(r, readers)
    for v in vals(region.results):
        readers.setdefault(v, []).append(None)


def remove(region: Region, gone: set[Op]) -> None:
    region.ops = [op for op in region.ops if op not in gone]
    for op in region.ops:
        for r in op.regions:
            remove(r, gone)


def places(op: Op) -> tuple[Atom, ...]:
    index = op.ins[1]
    return index.items if isinstance(index, Struct) and index.type is tuple else (index,)


def put(op: Op, array: Atom, before: tuple[Atom, ...]) -> None:
    """Make what reads a part of a row read it of the array."""
    parts = (*before, *places(op))
    op.ins = [array, Struct(tuple, tuple(range(len(parts))), parts)]


def is_place(a: Atom) -> bool:
    k = kind(a)
    return isinstance(k, Scalar) and k.dtype == "i8"


def is_row(op: Op) -> bool:
    """Whether an operation takes a row, or a deeper part, of an array by whole numbers."""
    if op.code != "prim" or op.fn is not operator.getitem or op.attrs.get("guarded"):
        return False
    of = kind(op.ins[0])
    whole = isinstance(of, Array) and len(places(op)) < len(of.dims) and all(map(is_place, places(op)))
    return whole and isinstance(op.out.kind, Array)


def parts_of(row: Val, readers: Readers) -> list[Op]:
    """What reads a row, if each reads an element or a slice."""
    reads = [op for op in readers.get(row, ()) if op is not None and is_part(op, row)]
    return reads if len(reads) == len(readers.get(row, ())) else []


def is_part(op: Op, row: Val) -> bool:
    if op.code != "prim" or op.fn is not operator.getitem or op.attrs.get("guarded") or op.ins[0] is not row:
        return False
    assert isinstance(row.kind, Array)
    parts = places(op)
    if not all(isinstance(a, Slice) or is_place(a) for a in parts) or len(parts) > len(row.kind.dims):
        return False
    return isinstance(op.out.kind, (Array, Scalar))


# ---- loops over rows
def is_over_arrays(op: Op) -> bool:
    """Whether a loop goes over arrays, and maybe counts from 0 beside that."""
    if op.code != "for" or not op.attrs["dirs"] or op.attrs.get("rev") or op.attrs.get("aligned"):
        return False
    view = LoopView(op)
    from_zero = all(same(a, Const(n)) for a, n in zip(view.header[::2], (0, 1), strict=False))
    return from_zero and all(isinstance(s, Val) and isinstance(s.kind, Array) for s in view.sources)


def counts(op: Op, readers: Readers) -> bool:
    """Whether a loop over arrays can as well count: of rows that it goes over, only parts are read."""
    if not is_over_arrays(op):
        return False
    rows = [e for e in LoopView(op).elements if isinstance(e.kind, Array)]
    return any(parts_of(e, readers) for e in rows)


def count_rows(region: Region, readers: Readers) -> None:
    out: list[Op] = []
    for op in region.ops:
        if counts(op, readers):
            out += counted(op)
        out.append(op)
        for r in op.regions:
            count_rows(r, readers)
    region.ops = out


def counted(loop: Op) -> list[Op]:
    """Make a loop count, in place; what tells how far."""
    view = LoopView(loop)
    before: list[Op] = []
    stops: list[Atom] = view.header[1:2]
    for s in dict.fromkeys(view.sources):
        k = kind(s)
        assert isinstance(k, Array)
        if not any(is_size(a, s) for a in stops):
            before.append(made(len, [s], Scalar("i8", True, k.dims[0]), loop))
    sizes = [*stops, *(op.out for op in before)]
    if len(sizes) > 1:
        before.append(made(min, sizes, Scalar("i8", True, fresh_sym()), loop))
    reads: list[Op] = []
    for s, d, e in zip(view.sources, loop.attrs["dirs"], view.elements, strict=True):
        at: Atom = view.index
        if d == -1:
            reads.append(made(operator.sub, [Const(-1), at], Scalar("i8", True, fresh_sym()), loop))
            at = reads[-1].out
        reads.append(made(operator.getitem, [s, at], e.kind, loop))
        reads[-1].attrs["view"] = isinstance(e.kind, Array)
        e.op, reads[-1].outs = reads[-1], [e]
    body = view.body
    body.params = [view.index, *view.params]
    loop.ins = [Const(0), before[-1].out if before else sizes[0], Const(1), *view.inits]
    loop.attrs.update(head=3, dirs=())
    body.ops = [*reads, *body.ops]
    return before


def is_size(a: Atom, of: Atom) -> bool:
    op = a.op if isinstance(a, Val) and a.op is not None and a.op.code == "prim" else None
    if op is None or op.ins[0] is not of:
        return False
    return op.fn is len or (op.fn is ops.shape_at and same(op.ins[1], Const(0)))


def made(fn: object, ins: list[Atom], k: Kind, like: Op) -> Op:
    op = Op("prim", ins, [], [], {"fn": fn}, like.origin)
    op.outs = [Val("", k, op)]
    return op
