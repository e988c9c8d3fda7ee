"""Rows that are taken only for their elements: `p = x[i]`, then `p[0]`, is `x[i, 0]`.

Done before a function is differentiated: what goes to an element goes to the array itself then, and no row is
made for it.  The values are the same.
"""

from __future__ import annotations

import operator

from srcdiff.ir.graph import Graph, Op, Val, clone, kind, walk
from srcdiff.ir.indices import display, parts_of
from srcdiff.ir.kinds import Array, Scalar
from srcdiff.ir.regions import readers_of, remove

__all__ = ["elements_of_rows"]



def elements_of_rows(graph: Graph) -> Graph:
    """The graph without such rows; the graph itself where there are none."""
    if not any(map(is_row, walk(graph.region))) or not rows_in(graph):
        return graph
    graph = clone(graph)[0]
    gone: set[Op] = set()
    while rows := rows_in(graph):  # (a row of a row is an element's at last)
        for row, reads in rows.items():
            for op in reads:
                parts = (*parts_of(row.ins[1]), *parts_of(op.ins[1]))
                op.ins = [row.ins[0], display(parts)]
        gone |= rows.keys()
        remove(graph.region, gone)
    return graph


def rows_in(graph: Graph) -> dict[Op, list[Op]]:
    """The rows of which nothing but elements is read, with what reads these."""
    readers = readers_of(graph.region)
    out: dict[Op, list[Op]] = {}
    for op in walk(graph.region):
        if is_row(op):
            reads = [o for o in readers.get(op.out, ()) if o is not None and is_element(o, op.out)]
            if reads and len(reads) == len(readers[op.out]):
                out[op] = reads
    return out


def takes(op: Op) -> int:
    """How many dimensions of an array an operation settles by whole numbers, if it does nothing else."""
    if op.code != "prim" or op.fn is not operator.getitem or op.attrs.get("guarded"):
        return 0
    kinds = [kind(a) for a in parts_of(op.ins[1])]
    whole = all(isinstance(k, Scalar) and k.dtype == "i8" for k in kinds)
    return len(kinds) if whole and isinstance(kind(op.ins[0]), Array) else 0


def is_row(op: Op) -> bool:
    of = kind(op.ins[0]) if op.ins else None
    return isinstance(of, Array) and 0 < takes(op) < len(of.dims) and isinstance(op.out.kind, Array)


def is_element(op: Op, row: Val) -> bool:
    assert isinstance(row.kind, Array)
    whole = op.ins[0] is row and takes(op) == len(row.kind.dims)
    return whole and isinstance(op.out.kind, Scalar)
