"""What is computed again in the backward sweep: blocks and loops marked by ``checkpoint``.

Their forward operations are copied into the reversed region, and the copy is mirrored there: it is the ground of
a sweep of its own, in which everything is in scope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from srcdiff.ir.graph import Atom, Op, Origin, Region, Val, copied, map_atom
from srcdiff.ir.kinds import OTHER

if TYPE_CHECKING:
    from srcdiff.differentiate.reverse import Mirror, Reverse

__all__ = ["back_block"]


def back_block(r: Reverse, op: Op, m: Mirror) -> None:
    """The block again, and behind it, in the same region, its mirror."""
    bars, updates = r.coming(op, m)
    for n in updates:
        before = r.chain(op, n)
        assert before is not None
        m.rewound[before] = r.logged(before, op, m, None)
    if not bars:
        return
    new = Op("with", [], [], [], dict(op.attrs), adjoint(op.origin))
    table: dict[Val, Val] = {}
    region = copied(op.regions[0], table)
    results, region.results = region.results, []
    region.params = [Val("entered", OTHER, new)]
    new.regions = [region]
    b = grounded(r, m, op, region, table)
    again = list(region.ops)
    with r.inside(region):
        for n, bar in bars.items():
            if bar is not None:
                r.accumulate(results[n], bar)
    mirror(r, b, again)
    r.here = m
    r.leave(op, new, [b], bars, [], m)


def grounded(r: Reverse, m: Mirror, op: Op, region: Region, table: dict[Val, Val]) -> Mirror:
    """The mirror of a copy that stands in the reversed region itself; ``table``: what it is a copy of."""
    b = type(m)(m, region, op, region, ground=True)
    r.mirrors.append(b)
    r.locate(region)
    for known in (r.varied, r.superseded):
        known.update(new for old, new in table.items() if old in known)
    r.here = b
    return b


def mirror(r: Reverse, b: Mirror, again: list[Op]) -> None:
    """Go back over operations that stand in the reversed region; then they read what is at hand there."""
    r.back(again, b)
    last = b.reverse.ops.index(again[-1]) if again else -1
    first = b.reverse.ops[: last + 1]  # with what the mirror has saved among them
    r.spared.update(first)
    r.here = b
    seen: dict[Val, Atom] = {}

    def at_hand(v: Val) -> Atom:
        if v not in seen:
            seen[v] = outer(r, v, b)
        return seen[v]

    read_outer(first, at_hand, inside=set())


def outer(r: Reverse, v: Val, b: Mirror) -> Atom:
    """A value from outside the copy, as it was when the original was computed."""
    m = b.parent
    while m is not None:
        if v in m.rewound:
            return m.rewound[v]
        if r.home.get(v) is m.forward:
            break
        m = m.parent
    return r.need(v)


def read_outer(ops: list[Op], at_hand: object, inside: set[Val]) -> None:
    """Replace the values that come from outside ``ops``."""
    assert callable(at_hand)

    def f(v: Val) -> Atom:
        got: Atom = v if v in inside else at_hand(v)
        return got

    for op in ops:
        op.ins = [map_atom(f, a) for a in op.ins]
        for region in op.regions:
            inside.update(region.params)
            read_outer(region.ops, at_hand, inside)
            region.results = [map_atom(f, a) for a in region.results]
        inside.update(op.outs)


def adjoint(o: Origin | None) -> Origin | None:
    return Origin(o.file, o.line, o.text, (), "", False, True) if o is not None else None
