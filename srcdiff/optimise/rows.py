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
    Val,
    clone,
    kind,
    op_of,
    same,
    walk,
)
from srcdiff.ir.indices import display, parts_of
from srcdiff.ir.kinds import Array, Scalar, fresh_sym
from srcdiff.ir.regions import readers_of, remove

__all__ = ["elements_of_rows"]

Readers = dict[Val, list[Op | None]]  # None: a region hands it on


def elements_of_rows(graph: Graph) -> Graph:
    """The graph without such rows; the graph itself where there are none."""
    if not any(is_row(op) or is_over_arrays(op) for op in walk(graph.region)):
        return graph
    readers = readers_of(graph.region)
    if not rows_in(graph, readers) and not any(counts(op, readers) for op in walk(graph.region)):
        return graph
    graph = clone(graph)[0]
    readers = readers_of(graph.region)
    count_rows(graph.region, readers)
    gone: set[Op] = set()
    while rows := rows_in(graph, readers_of(graph.region)):  # (a row of a row is an element's at last)
        for row, reads in rows.items():
            for op in reads:
                put(op, row.ins[0], parts_of(row.ins[1]))
        gone |= rows.keys()
        remove(graph.region, gone)
    return graph


def rows_in(graph: Graph, readers: Readers) -> dict[Op, list[Op]]:
    """The rows of which nothing but parts are read, with what reads these."""
    out: dict[Op, list[Op]] = {}
    for op in walk(graph.region):
        if is_row(op):
            reads = reads_of_parts(op.out, readers)
            if reads:
                out[op] = reads
    return out


def put(op: Op, array: Atom, before: tuple[Atom, ...]) -> None:
    """Make what reads a part of a row read it of the array."""
    parts = (*before, *parts_of(op.ins[1]))
    op.ins = [array, display(parts)]


def is_place(a: Atom) -> bool:
    k = kind(a)
    return isinstance(k, Scalar) and k.dtype == "i8"


def is_row(op: Op) -> bool:
    """Whether an operation takes a row, or a deeper part, of an array by whole numbers."""
    if op.code != "prim" or op.fn is not operator.getitem or op.attrs.get("guarded"):
        return False
    of, parts = kind(op.ins[0]), parts_of(op.ins[1])
    whole = isinstance(of, Array) and len(parts) < len(of.dims) and all(map(is_place, parts))
    return whole and isinstance(op.out.kind, Array)


def reads_of_parts(row: Val, readers: Readers) -> list[Op]:
    """What reads a row, if each reads an element or a slice."""
    reads = [op for op in readers.get(row, ()) if op is not None and is_part(op, row)]
    return reads if len(reads) == len(readers.get(row, ())) else []


def is_part(op: Op, row: Val) -> bool:
    if op.code != "prim" or op.fn is not operator.getitem or op.attrs.get("guarded") or op.ins[0] is not row:
        return False
    assert isinstance(row.kind, Array)
    parts = parts_of(op.ins[1])
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
    return any(reads_of_parts(e, readers) for e in rows)


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
            before.append(Op.applying(len, [s], Scalar("i8", True, k.dims[0]), loop.origin))
    sizes = [*stops, *(op.out for op in before)]
    if len(sizes) > 1:
        before.append(Op.applying(min, sizes, Scalar("i8", True, fresh_sym()), loop.origin))
    reads: list[Op] = []
    for s, d, e in zip(view.sources, loop.attrs["dirs"], view.elements, strict=True):
        at: Atom = view.index
        if d == -1:
            whole = Scalar("i8", True, fresh_sym())
            reads.append(Op.applying(operator.sub, [Const(-1), at], whole, loop.origin))
            at = reads[-1].out
        view_of = {"view": isinstance(e.kind, Array)}
        reads.append(Op.applying(operator.getitem, [s, at], e.kind, loop.origin, **view_of))
        e.op, reads[-1].outs = reads[-1], [e]
    body = view.body
    body.params = [view.index, *view.params]
    loop.ins = [Const(0), before[-1].out if before else sizes[0], Const(1), *view.inits]
    loop.attrs.update(head=3, dirs=())
    body.ops = [*reads, *body.ops]
    return before


def is_size(a: Atom, of: Atom) -> bool:
    op = op_of(a)
    if op is None or op.code != "prim" or op.ins[0] is not of:
        return False
    return op.fn is len or (op.fn is ops.shape_at and same(op.ins[1], Const(0)))
