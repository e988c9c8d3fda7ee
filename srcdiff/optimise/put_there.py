"""What was put into a list is known where it is read from there: `path.append(x)` leaves `x` what it was.

An array that is put into a list lives there from then on, for it may be changed there (`frontend/places.py`).
Where elements of lists are not changed, `path[t]` just behind `t = len(path); path.append(x)` is `x`, and
`path[0]` of `path = [x]`: values do not go through the list, nor do their cotangents.  What is read twice
(`path.append(path[-1] + h * f(path[-1]))`) is read once.
Done before a function is differentiated.  The values are the same.
"""

from __future__ import annotations

import operator
from typing import Any

from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Atom,
    Const,
    Graph,
    LoopView,
    Op,
    Region,
    Struct,
    Undef,
    Val,
    clone,
    key_of,
    kind,
    map_atom,
    op_of,
    same,
    walk,
)
from srcdiff.ir.kinds import Array, Kind, Scalar, Seq
from srcdiff.ir.regions import replace_values
from srcdiff.optimise.dce import dce
from srcdiff.optimise.patterns import displayed

__all__ = ["known_when_read"]

CHANGES = (ops.setitem, ops.additem)


def known_when_read(graph: Graph) -> Graph:
    """The graph without such readings; the graph itself where there are none."""
    found, seen = False, set()
    for op in walk(graph.region):
        if op.code == "prim" and op.fn in CHANGES and not of_numbers(kind(op.ins[0])):
            return graph
        if is_reading(op):
            key = key_of_reading(op)
            found = found or known(op) is not None or key in seen
            seen.add(key)
    if not found:
        return graph
    graph = clone(graph)[0]
    in_region(graph.region, {}, {})
    return dce(graph)


def of_numbers(k: Kind) -> bool:
    """Whether what lies in an array or a list is numbers: nobody else has these."""
    return isinstance(k, Array) or (isinstance(k, Seq) and isinstance(k.elem, Scalar))


def in_region(region: Region, table: dict[Val, Atom], read: dict[Any, Val]) -> None:
    """Note in ``table`` what is known of values, and read that instead of them; ``read``: what was before."""

    def now(v: Val) -> Atom:
        return table.get(v, v)

    for op in region.ops:
        if table:
            op.ins = [map_atom(now, a) for a in op.ins]
        if is_reading(op):
            item = known(op)
            again = read.setdefault(key_of_reading(op), op.out)
            if item is not None or again is not op.out:
                table[op.out] = again if item is None else item
        for r in op.regions:
            in_region(r, table, dict(read))
        if op.regions:
            table |= left_as_they_are(op)
    if table:
        region.results = [map_atom(now, a) for a in region.results]


def left_as_they_are(op: Op) -> dict[Val, Atom]:
    """What a branch or a loop gives that it was given: each path, or each trip, leaves it so."""
    if op.code == "if":
        paths = zip(*(r.results for r in op.regions), strict=True)
        found = zip(op.outs, paths, strict=False)
        return {o: a for o, (a, *more) in found if isinstance(a, Val) and all(a is b for b in more)}
    if not op.is_loop:
        return {}
    view = LoopView(op)
    still = [(n, i, f) for n, (p, i, y, f) in enumerate(view.slots) if y is p and not isinstance(i, Undef)]
    begun = {r.params[view.has_index + n]: i for r in op.regions for n, i, _ in still}
    for r in op.regions:
        replace_values(r, begun)
    return {f: i for _, i, f in still}


def is_reading(op: Op) -> bool:
    """Whether an operation reads an element of a list, or of a tuple or a dict that is written out."""
    if op.code != "prim" or op.fn is not operator.getitem or op.attrs.get("guarded"):
        return False
    return isinstance(op.ins[0], Struct) or isinstance(kind(op.ins[0]), Seq)


def key_of_reading(op: Op) -> Any:
    return key_of(op.ins[0]), key_of(op.ins[1]), op.out.kind


def known(op: Op) -> Atom | None:
    """What is read, if that is known; of the kind that is read."""
    item = item_of(op.ins[0], op.ins[1])
    return item if item is not None and is_like(kind(item), op.out.kind) else None


def item_of(box: Atom, index: Atom) -> Atom | None:
    if isinstance(box, Struct):
        return displayed(box, index)
    made = op_of(box)
    if made is None or made.code != "prim" or not isinstance(kind(box), Seq):
        return None
    if made.fn is list and len(made.ins) == 1 and isinstance(made.ins[0], Struct):
        return displayed(made.ins[0], index)
    if made.fn is not ops.append:
        return None
    before, item = made.ins
    length = op_of(index)
    if length is not None and length.fn is len and same(length.ins[0], before):
        return item
    return item if isinstance(index, Const) and index.value == -1 else None


def is_like(one: Kind, read: Kind) -> bool:
    """Whether a value is of the kind that is read, or of one of which more is known."""
    if isinstance(one, Array) and isinstance(read, Array):
        return one.dtype == read.dtype and len(one.dims) == len(read.dims)
    return one == read
