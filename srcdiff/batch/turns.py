"""Directions one after another: a loop around what depends on them, where no text is for all at once."""

from __future__ import annotations

from srcdiff.batch.apply import Unbatched
from srcdiff.batch.transform import MANY, acts_on_things, lifted
from srcdiff.differentiate.common import Builder
from srcdiff.frontend.lower import Context
from srcdiff.ir.graph import Atom, Graph, LoopView, Op, Region, Val, is_none, kind, vals, walk
from srcdiff.ir.kinds import INT, OTHER, UNKNOWN, Array, Dim, Scalar
from srcdiff.ir.regions import read_by, replace_values
from srcdiff.rules import batching

__all__ = ["in_turn"]


def in_turn(ctx: Context, g: Graph, e: Val, basis: Atom, first: Region, dim: Dim) -> list[bool]:
    """Let a graph run for each of many values of its parameter ``e``, which are the rows of ``basis``.

    ``first``: the operations that make ``basis``.  What does not depend on ``e`` is done once, before the
    loop; objects that are changed there (sets, random generators) are made anew in each trip.  Returns which
    results are of all rows now, stacked.
    """
    region = g.region
    inside, varied = beside(region, e)
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
            if not isinstance(k, (Array, Scalar)) and k != UNKNOWN:
                raise Unbatched("a result of which the shape is not known")
            tapes[n] = view.add_tape(a, a.name if isinstance(a, Val) else "", k)
    loop.outs.append(Val("", INT, loop))
    region.ops = [*(op for op in region.ops if op not in moved), *first.ops, loop]
    b = Builder(ctx, g)
    with b.inside(region):
        for n, tape in tapes.items():
            text = batching.structured if kind(results[n]) == UNKNOWN else batching.stacked
            out = b.rule(text, {"xs": tape})
            if isinstance(out, Val):
                k = kind(results[n])
                out.kind = lifted(k, MANY, dim) if k != UNKNOWN else UNKNOWN
            results[n] = out
    region.results = results
    return many


def beside(region: Region, e: Val) -> tuple[list[Op], set[Val]]:
    """The operations that depend on ``e`` or change what these change, and all that they make."""
    varied, inside = {e}, set[Op]()
    size = -1
    while size < len(varied):
        size = len(varied)
        for op in region.ops:
            if op in inside or any(v in varied for v in read_by(op)):
                inside.add(op)
                varied.update(op.outs)
                if any(map(acts, walk(Region([], [op])))):  # (who changes an object has its maker beside it)
                    things = {v for v in read_by(op) if v.kind in (OTHER, UNKNOWN)}
                    varied |= {v for v in things if v is not e}
        for op in region.ops:
            if any(o in varied for o in op.outs) and op not in inside:
                inside.add(op)
                if not is_repeatable(op):
                    raise Unbatched("an object that is changed is another one each time that it is made")
                varied.update(op.outs)
        if any(v in varied and v is not e for v in region.params):
            raise Unbatched("an argument, or an object from outside, is changed")
    if any(touches_world(o) for op in inside for o in walk(Region([], [op]))):
        raise Unbatched("something is done to the world beside what depends on the direction")
    return [op for op in region.ops if op in inside], varied


def acts(op: Op) -> bool:
    return acts_on_things(op) and not is_raise(op)


def touches_world(op: Op) -> bool:
    """Whether something is printed, say, or drawn from the generator that everybody shares."""
    makes_thing = op.code == "prim" and op.out.kind in (OTHER, UNKNOWN) and is_repeatable(op)
    acts_at_all = op.attrs.get("effect") or (op.attrs.get("unread") and not makes_thing)
    return bool(acts_at_all) and not acts_on_things(op) and not is_raise(op)


def is_raise(op: Op) -> bool:
    return type(op.attrs.get("tree")).__name__ in ("Raise", "Assert")


def is_repeatable(op: Op) -> bool:
    """Whether what is made is the same each time: a random generator without a seed is not."""
    if op.code != "prim" or (isinstance(op.fn, type) and op.fn.__module__ == "builtins"):
        return op.code != "opaque"
    return any(not is_none(a) for a in op.ins)
