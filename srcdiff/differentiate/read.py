"""Cotangents of arrays of which branches and loops read some elements: products are taken where they do.

``y_bar / x`` is 0 / 0 where ``y = np.log(x)`` was not read and ``x`` is zero.  Where the elements of
``y_bar`` are added one by one the product is taken there (`Builder.scatter`); here are the ones that are
added on a path of a branch, or in trips of a loop that do not read all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, LoopView, Op, Region, Val, nested, vals, walk
from srcdiff.ir.kinds import Array, join_dtypes
from srcdiff.rules import vocabulary

if TYPE_CHECKING:
    from srcdiff.differentiate.common import Builder

__all__ = ["multiplied", "on_paths"]

NOTHING, SOME, ALL, UNTOLD = range(4)  # what has been read: no element; some; maybe all; not to be seen


def on_paths(v: Atom, born: int) -> bool:
    """Whether a cotangent is zero in places for what a branch, or a loop with one in it, has not read."""
    if not isinstance(v, Val) or v.id < born or v.op is None:
        return False
    joined = v.op.code in ("if", "for") or blanks(v.op)
    return joined and how_much(v, born, {}, False, frozenset()) == SOME


def blanks(op: Op) -> bool:
    """Whether an entry of a cotangent is set to zero: what was there before is overwritten."""
    return op.fn is ops.setitem and op.ins[2] == Const(0.0)


def how_much(v: Atom, born: int, within: dict[Val, int], loop: bool, inner: frozenset[Val]) -> int:
    """How much of an array has been read where its cotangent is ``v``, of which the other entries are zero.

    ``within``: the variables of the loops around; ``loop``: there is one that may go over all elements;
    ``inner``: what is made in these loops.
    """
    if not isinstance(v, Val) or v.id < born or v.op is None:
        return UNTOLD
    if v in within:
        return within[v]
    op = v.op
    if op.fn is vocabulary.BLANK:
        return NOTHING
    if op.fn is ops.additem or blanks(op):
        before = how_much(op.ins[0], born, within, loop, inner)
        return max(before, NOTHING if blanks(op) else ALL if loop else SOME)
    if v not in op.outs:
        return UNTOLD
    n = op.outs.index(v)
    if op.code == "if":
        paths = {how_much(r.results[n], born, within, loop, inner) for r in op.regions}
        return UNTOLD if UNTOLD in paths else paths.pop() if len(paths) == 1 else SOME
    if op.code != "for" or n >= (view := LoopView(op)).carried:
        return UNTOLD
    first = how_much(view.inits[n], born, within, loop, inner)
    goes_over = not any(h in inner for h in vals(view.header))  # the corner of a matrix is not all of it
    made = inner | set(view.body.params) | {o for each in walk(view.body) for o in each.outs}
    within = {**within, view.params[n]: NOTHING}
    return max(first, how_much(view.yields[n], born, within, goes_over, made))


def multiplied(b: Builder, g: Val, p: Atom) -> Atom | None:
    """The product of such a cotangent with ``p``, where elements were read; None if that is not at hand."""
    if not isinstance(p, Val) or not isinstance(p.kind, Array) or not isinstance(g.kind, Array):
        return None
    if join_dtypes(g.kind.dtype, p.kind.dtype) != g.kind.dtype:
        return None
    here = b.region
    homes = dict.fromkeys(here.ops, here)
    steps = [o for o in here.ops if o.code in ("if", "for") and o.outs and o.outs[0].id >= b.born]
    for o in (o for s in steps for o in (s, *nested(s))):
        for r in o.regions:
            homes.update(dict.fromkeys(r.ops, r))
    chain = made_by(g, homes, {})
    if chain is None:
        return None
    first = min(here.ops.index(o) for o in chain if homes[o] is here)
    needed = made_of(p, here.ops[first:])
    if any(o in chain for o in needed):
        return None
    rest = [o for o in here.ops[first:] if o not in needed]
    here.ops[first:] = [*needed, *rest]
    return Product(b, p, homes).of(g)


def made_by(v: Atom, homes: dict[Op, Region], seen: dict[Val, None]) -> dict[Op, None] | None:
    """The operations that a cotangent is put together by; None if one is of a region around this one."""
    if not isinstance(v, Val) or v.op is None:
        return None
    if v in seen:
        return {}
    seen[v] = None
    op = v.op
    parts: list[Atom] = []
    if op not in homes or v not in op.outs:
        return None
    if op.fn is ops.additem or blanks(op):
        parts = op.ins[:1]
    elif op.code == "if":
        parts = [r.results[op.outs.index(v)] for r in op.regions]
    elif op.code == "for":
        view, n = LoopView(op), op.outs.index(v)
        seen[view.params[n]] = None
        parts = [view.inits[n], view.yields[n]]
    found = {op: None}
    for a in parts:
        more = made_by(a, homes, seen)
        if more is None:
            return None
        found.update(more)
    return found


def made_of(p: Val, made: list[Op]) -> list[Op]:
    """Those of some operations that a value is made of, in their order."""
    wanted = {p}
    for op in reversed(made):
        if any(o in wanted for o in op.outs):
            wanted.update(vals(op.ins))
            for r in op.regions:
                wanted.update(vals(r.results), *(vals(o.ins) for o in walk(r)))
                for o in walk(r):
                    for q in o.regions:
                        wanted.update(vals(q.results))
    return [op for op in made if any(o in wanted for o in op.outs)]


class Product:
    """Puts the product with ``p`` beside what a cotangent is put together by."""

    def __init__(self, b: Builder, p: Val, homes: dict[Op, Region]) -> None:
        self.b, self.p, self.homes = b, p, homes
        self.done: dict[Val, Atom] = {}

    def of(self, v: Atom) -> Atom:
        assert isinstance(v, Val) and v.op is not None
        if v not in self.done:
            self.done[v] = self.made(v, v.op)
        return self.done[v]

    def made(self, v: Val, op: Op) -> Atom:
        if op.fn is vocabulary.BLANK:
            return v
        if op.fn is ops.additem or blanks(op):
            return self.changed(op)
        n = op.outs.index(v)
        out = Val("", v.kind, op)
        if op.code == "if":
            results = [self.of(r.results[n]) for r in op.regions]
            for r, a in zip(op.regions, results, strict=True):
                r.results.append(a)
            op.outs.append(out)
            return out
        view = LoopView(op)
        init = self.of(view.inits[n])
        p = self.done[view.params[n]] = Val("", v.kind, op)
        end = self.of(view.yields[n])
        at = view.carried
        op.ins.insert(view.head + at, init)
        view.body.params.insert(view.has_index + at, p)
        view.body.results.insert(at, end)
        op.outs.insert(at, out)
        op.attrs = {**op.attrs, "carried": at + 1}
        return out

    def changed(self, op: Op) -> Atom:
        base = self.of(op.ins[0])
        _, index, value = op.ins
        region, b, new = self.homes[op], self.b, Region()
        old, b.origin = b.origin, op.origin
        with b.inside(new):
            there = value if blanks(op) else b.times(value, b.getitem(self.p, index))
            attrs = {a: x for a, x in op.attrs.items() if a == "at"}
            got = b.prim(op.fn, [base, index, there], result=op.out.kind, **attrs)
        b.origin = old
        at = region.ops.index(op) + 1
        region.ops[at:at] = new.ops
        return got
