"""Two functions in the place of one: a pullback with what it keeps, a pushforward with its."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from srcdiff.analysis.activity import varied
from srcdiff.differentiate.common import Builder, is_constant_fn
from srcdiff.differentiate.fetch import fetch
from srcdiff.differentiate.forward import forward
from srcdiff.differentiate.halves import saved_names, uses
from srcdiff.differentiate.reverse import reverse
from srcdiff.errors import NoRule, Problem
from srcdiff.faults import guarded
from srcdiff.ir import ops
from srcdiff.ir.begun import begun_in
from srcdiff.ir.graph import Atom, Const, Graph, Op, Region, Struct, Val, clone, kind, vals, walk
from srcdiff.ir.indices import display
from srcdiff.ir.kinds import Kind, is_active_kind
from srcdiff.ir.regions import read_by, read_in, replace_values
from srcdiff.later import Later
from srcdiff.optimise.dce import dce
from srcdiff.pipeline import callees, context, fitting, reading
from srcdiff.pipeline.signals import SIGNALS
from srcdiff.rules import vocabulary

if TYPE_CHECKING:
    from srcdiff import family
else:
    family = Later("srcdiff.family")

__all__ = ["cotangent", "pullback_pair", "pushforward_pair"]


@dataclass
class Pair:
    """The two halves of a pullback: the forward sweep with what it saves, and the backward sweep."""

    forward: Graph
    backward: Graph
    seeds: int = 0  # how many cotangents (or tangents) the other half takes, at its end
    tangents: list[Atom] = field(default_factory=list)  # of a pushforward: their structures


@guarded(*SIGNALS)
def pullback_pair(graph: Graph, wrt: tuple[str, ...], has_aux: bool = False) -> Pair:
    """Split reverse mode where the cotangent of the result comes in."""
    values = reading.wrt_values(graph, wrt)
    family.split(graph.region.results[0], has_aux, graph.name)
    bars_in: list[Val] = []
    word = "out_bar"
    while any(p.name.startswith(word) for p in graph.region.params):
        word += "_"

    def seeds(b: Any, results: list[Atom]) -> list[tuple[Atom, Atom]]:
        value = family.split(results[0], has_aux, graph.name)[0]
        return [(value, cotangent(value, word, bars_in))]

    g, bars, r = reverse(graph, values, context.CONTEXT, seeds)
    primal = g.region.results[0]
    g.region.params = [*g.region.params, *bars_in]
    bars = fitting.in_structure(g, bars, wrt)
    g.region.results = [display((primal, display(bars)))]
    dce(g, frozenset(r.spared))
    fetch(r)
    names = [b.name for b in bars_in]
    g.info["late"] = frozenset(names)  # the half that goes forwards must not ask these for a shape
    g = context.optimised(g, merge=False)  # (nor may a branch of it move into the backward sweep)
    del g.info["late"]
    seeds_now = [p for p in g.region.params if p.name in names]
    return replace(split(g, seeds_now), seeds=len(seeds_now))


@guarded(*SIGNALS)
def pushforward_pair(graph: Graph, wrt: tuple[str, ...], has_aux: bool = False) -> Pair:
    """Forward mode in two halves: the pullback is linear in the cotangent, so its transpose pushes tangents.

    What loops and branches have computed is saved, once, by the first half; the second computes nothing of it
    again.  Where that cannot be had (what is written in place is not linear step by step), the second half is
    forward mode from the start.
    """
    try:
        return transposed_pair(graph, wrt, has_aux)
    except NoRule:
        return replayed_pair(graph, wrt, has_aux)


def replayed_pair(graph: Graph, wrt: tuple[str, ...], has_aux: bool) -> Pair:
    """The value and the arguments; forward mode on these."""
    values = reading.wrt_values(graph, wrt)
    g, dots, params = forward(graph, values, context.CONTEXT)
    b = Builder(context.CONTEXT, g)
    dot, result = dots[0], g.region.results[0]
    if has_aux:
        result = family.split(result, has_aux, graph.name)[0]
        dot = dot.items[0] if isinstance(dot, Struct) else dot
    g.region.results = [b.materialise(dot, result)]
    first = clone(graph)[0]
    saved = tuple(first.region.params)
    first.region.results = [display((first.region.results[0], display(saved)))]
    first.info["saves"] = True
    info = {k: v for k, v in g.info.items() if k in ("aliases", "reserved", "lines")}
    second = Graph(g.name, g.region, None, (), info)
    return Pair(
        context.optimised(first, merge=False),
        context.optimised(second, merge=False),
        len(params),
        list(params),
    )


def transposed_pair(graph: Graph, wrt: tuple[str, ...], has_aux: bool) -> Pair:
    both = pullback_pair(graph, wrt, has_aux)
    back = both.backward
    params = back.region.params
    seeds = params[len(params) - both.seeds :]
    dots: list[Val] = []

    def direction(w: Val, name: str) -> Atom:
        def one(path: tuple[int, ...], k: Kind) -> Atom:
            v = Val("_".join((name, "dot", *map(str, path))), k, user=True)
            dots.append(v)
            return v

        return family.filled(w.kind, one)

    names = [w if w.isidentifier() else f"x{n}" for n, w in enumerate(wrt)]
    tangents = [direction(v, n) for v, n in zip(reading.wrt_values(graph, wrt), names, strict=True)]
    shell = Graph(back.name, back.region, None, (), {**back.info, "values": {}})
    whole = display(tangents)
    g, ys, r = reverse(shell, seeds, context.CONTEXT, lambda b, results: [(results[0], whole)])
    result = both.forward.region.results[0]
    assert isinstance(result, Struct)
    value = family.split(result.items[0], has_aux, graph.name)[0]
    own = g.region.params[len(params) - both.seeds : len(params)]
    g.region.params = g.region.params[: len(params) - both.seeds] + dots
    g.region.results = [like(value, iter(ys))]
    dce(g, frozenset(r.spared))
    fetch(r)
    dce(g)
    moving = varied(g, own, lambda fn: is_constant_fn(fn) or fn is vocabulary.BLANK)
    if any(v in moving for o in walk(g.region) for v in o.outs):  # (they would be made for their shapes)
        raise NoRule(Problem("no-rule", f"the pullback of {graph.name} cannot be transposed"))
    keep_shapes(both.forward, g, own, [v for v in vals([value]) if is_active_kind(v.kind)])
    return Pair(both.forward, context.optimised(g, merge=False), len(dots), tangents)


def keep_shapes(first: Graph, second: Graph, seeds: list[Val], values: list[Val]) -> None:
    """Where the second half asks for the shape of a cotangent, it gets the value that this belongs to."""
    used = set(read_in(second.region))
    taken = {p.name for p in second.region.params}
    for seed, value in zip(seeds, values, strict=True):
        if seed in used:
            p = Val(callees.fresh(f"{value.name.rstrip('!') or 'out'}_saved", taken), value.kind, user=True)
            result = first.region.results[0]
            assert isinstance(result, Struct)
            primal, saved = result.items
            assert isinstance(saved, Struct)
            first.region.results = [display((primal, display((*saved.items, value))))]
            second.region.params.insert(len(saved.items), p)
            replace_values(second.region, {seed: p})


def like(value: Atom, parts: Iterator[Atom]) -> Atom:
    """The structure of a result, with something else in the place of what takes a cotangent."""
    if isinstance(value, Struct):
        return Struct(value.type, value.keys, tuple(like(x, parts) for x in value.items))
    return next(parts) if isinstance(value, Val) and is_active_kind(value.kind) else Const(None)


def cotangent(value: Atom, name: str, out: list[Val]) -> Atom:
    """One parameter for each differentiable leaf of the result."""
    if isinstance(value, Struct):
        return Struct(
            value.type,
            value.keys,
            tuple(cotangent(x, f"{name}_{k}", out) for x, k in zip(value.items, value.keys, strict=True)),
        )
    if not is_active_kind(kind(value)) or not isinstance(value, Val):
        return Const(None)
    v = Val(name, kind(value), user=True)
    out.append(v)
    return v


def split(g: Graph, seeds: list[Val]) -> Pair:
    """What does not depend on the seeds goes first; what the rest needs of it is saved."""
    late: set[Val] = set(seeds)
    first: list[Op] = []
    second: list[Op] = []
    for op in g.region.ops:
        if uses(op, late):
            second.append(op)
            late.update(op.outs)
        else:
            first.append(op)
    whole = g.region.results[0]
    assert isinstance(whole, Struct)
    primal, bars = whole.items
    begun = begun_in(g, context.CONTEXT.is_elementwise)
    second = [*asked_again(first, second, begun), *second]
    early = {o for op in first for o in op.outs} | {p for p in g.region.params if p not in seeds}
    early -= {o for op in second for o in op.outs}
    needed: dict[Val, None] = {}
    for op in second:
        for v in read_by(op):
            if v in early:
                needed.setdefault(v)
    for v in vals([bars]):
        if v in early:
            needed.setdefault(v)
    saved = tuple(needed)
    params = saved_names(saved, {b.name for b in seeds})
    for v, p in zip(saved, params, strict=True):
        p.begun = v in begun
    own_params = [p for p in g.region.params if p not in seeds]
    fwd = g.over(Region(own_params, first, [display((primal, display(saved)))]), saves=True)
    table: dict[Val, Atom] = dict(zip(saved, params, strict=True))
    back = Region([*params, *seeds], second, [bars])
    replace_values(back, table)
    bwd = Graph(
        g.name, back, None, (), {k: v for k, v in g.info.items() if k in ("aliases", "reserved", "lines")}
    )
    dce(fwd)
    return Pair(fwd, bwd)


def asked_again(first: list[Op], second: list[Op], begun: set[Val]) -> list[Op]:
    """The sizes of what may be a number, asked where they are read: it has none one by one."""
    read = {v for op in second for v in read_by(op)}
    asked = [op for op in first if op.fn is ops.shape_at and op.ins[0] in begun and op.out in read]
    made = [Op(op.code, list(op.ins), attrs=dict(op.attrs), origin=op.origin) for op in asked]
    table: dict[Val, Atom] = {}
    for op, new in zip(asked, made, strict=True):
        new.outs = [op.out.again(new)]
        table[op.out] = new.out
    replace_values(Region([], second, []), table)
    return made
