"""The most memory that a derivative holds at once, from the sizes of its values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from srcdiff.ir import ops
from srcdiff.ir.graph import Graph, LoopView, Op, Region, Val, vals, walk
from srcdiff.memory.sizes import Sizes
from srcdiff.memory.values import Arr, Many, Piece, held_by

__all__ = ["peak"]

AT_ONCE = 3  # temporaries of one expression that live together, at most


def peak(sizes: Sizes, graphs: Iterable[Graph]) -> int | None:
    """At most so many bytes are held at once; None if that depends on trips or sizes that are not known.

    A variable of the text holds what it was last until it is set anew, so all of them count, lists with what
    is on them; of unnamed parts of expressions the largest few do.
    """
    held: dict[Piece, int] = {}
    passing: dict[Piece, int] = {}
    graphs = list(graphs)
    uses = Counter(v for g in graphs for v in reads(g.region))
    for g in graphs:
        for op in walk(g.region):
            if op.code == "prim" and op.fn in (ops.append, ops.rest):
                continue  # the list that it changes is counted where it is made
            for o in op.outs:
                x = sizes.env.get(o)
                loop = op.code in ("for", "while")
                if x is None or (isinstance(x, Many) and x.length is None and not loop):
                    continue  # (a list that changes is counted as its loop leaves it)
                into = passing if is_part(op, o, uses) else held
                for p, n in held_by([x]).items():
                    listed = n is None or p.at is None or p.at.code in ("for", "while")
                    if p.size is None or (p.per and listed):
                        return None
                    into[p] = max(into.get(p, 0), p.size if n == 1 else p.held(n))
            if op.code in ("for", "while"):
                for p in handed_on(sizes, LoopView(op)):
                    held[p] = max(held.get(p, 0), 2 * (p.size or 0))  # the next is made beside the last
    parts = sorted(n for p, n in passing.items() if p not in held)
    return sum(held.values()) + sum(parts[-AT_ONCE:])


def reads(region: Region) -> Iterable[Val]:
    yield from vals(region.results)
    for op in region.ops:
        yield from vals(op.ins)
        for r in op.regions:
            yield from reads(r)


def is_part(op: Op, o: Val, uses: Counter[Val]) -> bool:
    """Whether a value is a part of an expression, which no variable holds."""
    return op.code == "prim" and uses[o] <= 1 and not o.user and not o.name


def handed_on(sizes: Sizes, view: LoopView) -> Iterable[Piece]:
    """The memory of arrays that a trip makes for the next."""
    inside = set(walk(view.body))
    for y in view.yields:
        value = sizes.env.get(y) if isinstance(y, Val) else None
        if isinstance(value, Arr):
            yield from (p for p in value.pieces if p.at in inside and p.size is not None)
