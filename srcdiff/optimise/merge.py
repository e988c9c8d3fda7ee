"""Two branches on one condition become one: the backward sweep's branch joins the forward sweep's."""

from __future__ import annotations

import operator

from srcdiff.analysis.liveness import effect, guarded
from srcdiff.ir.graph import UNDEF, Atom, Graph, Op, Region, Undef, Val, map_atom, same, vals
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
        if _uses(op, outs) or effect(op):
            return None
    return None


def opposite(a: Atom, b: Atom) -> bool:
    """Whether one of two conditions is that the other does not hold."""
    pairs = ((x.op, y) for x, y in ((a, b), (b, a)) if isinstance(x, Val) and x.op is not None)
    return any(op.fn is operator.not_ and same(op.ins[0], y) for op, y in pairs)


def _uses(op: Op, outs: set[Val]) -> bool:
    if any(v in outs for v in vals(op.ins)):
        return True
    return any(
        any(_uses(o, outs) for o in r.ops) or any(v in outs for v in vals(r.results)) for r in op.regions
    )


def _merge(first: Op, second: Op) -> None:
    for k in (0, 1):
        a, b = first.regions[k], second.regions[k]
        table: dict[Val, Atom] = dict(zip(first.outs, a.results, strict=True))
        _replace(b, table)
        b.ops[:0] = a.ops
        b.results = [*a.results, *b.results]
    for o in first.outs:
        o.op = second
    second.outs = [*first.outs, *second.outs]
    second.attrs = {k: v for k, v in second.attrs.items() if k != "style"}


def _replace(region: Region, table: dict[Val, Atom]) -> None:
    def f(v: Val) -> Atom:
        got = table.get(v, v)
        return UNDEF if isinstance(got, Undef) else got

    for op in region.ops:
        op.ins = [map_atom(f, a) for a in op.ins]
        for r in op.regions:
            _replace(r, table)
    region.results = [map_atom(f, a) for a in region.results]
