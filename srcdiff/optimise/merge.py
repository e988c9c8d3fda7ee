"""Two branches on one condition become one: the backward sweep's branch joins the forward sweep's."""

from __future__ import annotations

import operator

from srcdiff.analysis.liveness import effect, guarded
from srcdiff.ir.graph import Atom, Graph, Op, Region, Val, same
from srcdiff.ir.regions import read_by, replace_values
from srcdiff.optimise.patterns import made_alike

__all__ = ["merge_branches"]


def merge_branches(graph: Graph) -> Graph:
    """Merge, in place."""
    _region(graph.region)
    return graph


def _region(region: Region) -> None:
    for op in region.ops:
        for r in op.regions:
            _region(r)
    k = 0
    while k < len(region.ops):
        first = region.ops[k]
        if first.code == "if" and not effect(first) and not guarded(first):
            at = _partner(region, k)
            if at is not None:
                _merge(first, region.ops[at])
                del region.ops[k]
                for r in region.ops[at - 1].regions:
                    _region(r)
                continue
        k += 1


def _partner(region: Region, k: int) -> int | None:
    """The next branch on the same condition, if nothing in between needs the first."""
    first = region.ops[k]
    outs = set(first.outs)
    for n in range(k + 1, len(region.ops)):
        op = region.ops[n]
        if op.code == "if" and made_alike(op.ins[0], first.ins[0]):
            return n
        if op.code == "if" and opposite(op.ins[0], first.ins[0]):
            op.ins[0] = first.ins[0]
            op.regions.reverse()
            return n
        if effect(op) or not outs.isdisjoint(read_by(op)):
            return None
    return None


def opposite(a: Atom, b: Atom) -> bool:
    """Whether one of two conditions is that the other does not hold."""
    pairs = ((x.op, y) for x, y in ((a, b), (b, a)) if isinstance(x, Val) and x.op is not None)
    return any(op.fn is operator.not_ and same(op.ins[0], y) for op, y in pairs)


def _merge(first: Op, second: Op) -> None:
    for k in (0, 1):
        a, b = first.regions[k], second.regions[k]
        table: dict[Val, Atom] = dict(zip(first.outs, a.results, strict=True))
        replace_values(b, table)
        b.ops[:0] = a.ops
        b.results = [*a.results, *b.results]
    for o in first.outs:
        o.op = second
    second.outs = [*first.outs, *second.outs]
    second.attrs = {k: v for k, v in second.attrs.items() if k != "style"}
