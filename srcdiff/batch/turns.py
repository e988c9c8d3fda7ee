"""Directions one after another: a loop around what depends on them, where no text is for all at once."""

from __future__ import annotations

from srcdiff.batch.apply import Unbatched
from srcdiff.batch.transform import MANY, acts_on_things, lifted
from srcdiff.differentiate.common import Builder
from srcdiff.differentiate.halves import all_values
from srcdiff.differentiate.mirrors import replace_values
from srcdiff.frontend.lower import Context
from srcdiff.ir.graph import Atom, Graph, LoopView, Op, Region, Val, kind, vals, walk
from srcdiff.ir.kinds import INT, Array, Dim, Scalar
from srcdiff.rules import batching

__all__ = ["in_turn"]


def in_turn(ctx: Context, g: Graph, e: Val, basis: Atom, first: Region, dim: Dim) -> list[bool]:
    """Let a graph run for each of many values of its parameter ``e``, which are the rows of ``basis``.

    ``first``: the operations that make ``basis``.  What does not depend on ``e`` is done once, before the
    loop.  Returns which results are of all rows now, stacked.
    """
    region = g.region
    varied = {e}
    inside: list[Op] = []
    for op in region.ops:
        if any(v in varied for v in all_values(op)):
            varied.update(op.outs)
            inside.append(op)
    if any(acts_on_things(op) or op.attrs.get("effect") for op in walk(Region([], inside))):
        raise Unbatched("something is done to the world beside what depends on the direction")
    moved = set(inside)
    region.params.remove(e)
    body = Region([], inside)
    attrs = {"head": 0, "carried": 0, "dirs": (), "exits": ()}
    loop = Op("for", [], [], [body], attrs, None)
    body.params.append(Val("", INT, loop))
    view = LoopView(loop)
    row = Val("", e.kind, loop)
    view.add_source(basis, 1, row)
    replace_values(body, {e: row})
    results = [row if a is e else a for a in region.results]
    many = [any(v in varied or v is row for v in vals([a])) for a in results]
    tapes: dict[int, Val] = {}
    for n, (a, is_many) in enumerate(zip(results, many, strict=True)):
        if is_many:
            k = kind(a)
            if not isinstance(k, (Array, Scalar)):
                raise Unbatched("a result of which the shape is not known")
            tapes[n] = view.add_tape(a, a.name if isinstance(a, Val) else "", k)
    loop.outs.append(Val("", INT, loop))
    region.ops = [*(op for op in region.ops if op not in moved), *first.ops, loop]
    b = Builder(ctx, g)
    with b.inside(region):
        for n, tape in tapes.items():
            out = b.rule(batching.stacked, {"xs": tape})
            if isinstance(out, Val):
                out.kind = lifted(kind(results[n]), MANY, dim)
            results[n] = out
    region.results = results
    return many
