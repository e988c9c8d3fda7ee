"""A loop that counts the elements of a list, and asks for nothing but these, goes over the list.

    for k in reversed(range(len(edges))):          for i, j in reversed(edges):
        j = edges[k]                                   ...
        i = j[0]
        ...

The loops of a backward sweep count, for they may have to find places in cotangents.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping

from srcdiff.ir.graph import Const, Graph, LoopView, Op, Val, op_of, walk
from srcdiff.ir.kinds import Map, Seq
from srcdiff.ir.regions import readers_of, remove, replace_values

__all__ = ["over_lists"]


def over_lists(graph: Graph) -> Graph:
    """Rewrite such loops, in a graph that did not go through ``own``."""
    loops = [op for op in walk(graph.region) if op.code == "for" and counted(op) is not None]
    if loops:
        readers = readers_of(graph.region)
        for op in loops:
            go_over(op, readers)
    return graph


def counted(op: Op) -> Val | None:
    """The list whose elements a loop counts, if it does no more."""
    view = LoopView(op)
    if not op.adjoint or len(view.header) != 3 or view.header[::2] != [Const(0), Const(1)]:
        return None
    stop = op_of(view.header[1])
    counts = stop is not None and stop.code == "prim" and stop.fn is len
    of = stop.ins[0] if stop is not None and counts else None
    is_list = isinstance(of, Val) and isinstance(of.kind, Seq) and not isinstance(of.kind, Map)
    return of if is_list else None  # type: ignore[return-value]


def go_over(op: Op, readers: Mapping[Val, list[Op | None]]) -> None:
    view, of = LoopView(op), counted(op)
    reads = list(dict.fromkeys(readers.get(view.index, ())))
    if of is None or not reads or not all(r is not None and takes(r, of, view.index) for r in reads):
        return
    taken = [r.out for r in reads if r is not None]
    first = taken[0]
    element = Val(first.name, first.kind, op, first.user)
    view.add_source(of, -1 if op.attrs.get("rev") else 1, element)
    remove(view.body, {r for r in reads if r is not None})
    replace_values(view.body, dict.fromkeys(taken, element))


def takes(read: Op, of: Val, index: Val) -> bool:
    """Whether an operation takes the element of a list that a trip counts."""
    item = read.code == "prim" and read.fn is operator.getitem and not read.attrs.get("guarded")
    return item and read.ins[0] is of and read.ins[1] is index
