"""Products with Hessians, Jacobians and their transposes."""

from __future__ import annotations

from srcdiff.differentiate.common import Builder
from srcdiff.differentiate.forward import forward
from srcdiff.differentiate.halves import uses
from srcdiff.differentiate.reverse import reverse
from srcdiff.family.parts import (
    check_leaves,
    derivative_part,
    filled,
    in_structure,
    leaves,
    merged,
    no_complex,
    own,
    part_at,
    primal_of,
    settle,
    split,
    together,
    with_aux,
)
from srcdiff.frontend.lower import Context
from srcdiff.ir.graph import Graph, Region, Struct, Val, clone, kind
from srcdiff.ir.indices import display
from srcdiff.ir.regions import replace_values


def tangents_of(graph: Graph, wrt: list[Val]) -> list[Val]:
    """A parameter for the direction in each argument."""
    taken = {p.name for p in graph.region.params} | set(graph.info.get("parameters", ()))
    out = []
    for w in wrt:
        name = "v" if len(wrt) == 1 else f"v_{w.name}"
        while name in taken:
            name += "_"
        taken.add(name)
        out.append(Val(name, w.kind, user=True))
    return out


def with_directions(g: Graph, vs: list[Val]) -> Graph:
    g.region.params.extend(vs)
    g.info["tangents"] = [v.name for v in vs]
    if len(vs) == 1:
        g.info["vector"] = vs[0].name
    return g


def product_graph(ctx: Context, gradient: Graph, wrt: list[Val], has_aux: bool) -> Graph:
    """Hessian times vector: the tangent of the gradient, forward over reverse."""
    value, aux = split(gradient.region.results[0], has_aux, gradient.name)
    vs = tangents_of(gradient, wrt)
    g, dots, _ = forward(primal_of(gradient, display((value, aux))), wrt, ctx,
                         dict(zip(wrt, vs, strict=True)))  # fmt: skip
    b = Builder(ctx, g)
    both = g.region.results[0]
    assert isinstance(both, Struct)
    with b.inside(g.region):
        t = b.materialise(derivative_part(b, dots[0], (0,)), both.items[0])
    g.region.results = [with_aux(t, both.items[1], has_aux)]
    return with_directions(g, vs)


def transposed_product_graph(
    ctx: Context, gradient: Graph, wrt: list[Val], single: bool, has_aux: bool
) -> Graph:
    """Vector times Hessian: the cotangent of the gradient, reverse over reverse."""
    value, aux = split(gradient.region.results[0], has_aux, gradient.name)
    vs = tangents_of(gradient, wrt)
    shell = primal_of(gradient, value)
    shell.region.results.append(aux)
    seed = together(list(vs), single)
    g, bars, r = reverse(shell, wrt, ctx, lambda b, results: [(results[0], seed)])
    b = Builder(ctx, g)
    bars = in_structure(b, bars, [own(shell, g, w) for w in wrt])
    g.region.results = [with_aux(together(bars, single), g.region.results[1], has_aux)]
    settle(g, r)
    return with_directions(g, vs)


def gauss_newton_graph(ctx: Context, graph: Graph, wrt: list[Val], single: bool, has_aux: bool) -> Graph:
    """``J.T @ (J @ v)``: the tangent of the result, taken back."""
    value, aux = split(graph.region.results[0], has_aux, graph.name)
    check_leaves(graph.name, "its result", kind(value), "gauss_newton_vp")
    no_complex(graph.name, "its result", kind(value), "gauss_newton_vp")
    primal = primal_of(graph, value)
    vs = tangents_of(graph, wrt)
    push, dots, _ = forward(primal, wrt, ctx, dict(zip(wrt, vs, strict=True)))
    b = Builder(ctx, push)
    with b.inside(push.region):
        push.region.results = [b.materialise(dots[0], push.region.results[0])]
    shapes = list(leaves(kind(value)))
    us = [Val("", k) for _, k in shapes]
    bar = filled(kind(value), lambda path, _: us[[p for p, _ in shapes].index(path)])
    pull, bars, r = reverse(primal, wrt, ctx, lambda b, results: [(results[0], bar)])
    b = Builder(ctx, pull)
    bars = in_structure(b, bars, [own(primal, pull, w) for w in wrt])
    pull.region.results = [together(bars, single)]
    settle(pull, r)
    last = clone(primal_of(graph, with_aux(value, aux, has_aux)))[0]
    whole, (dot, bars_, end) = merged([push, pull, last])
    b = Builder(ctx, whole)
    made = Region()
    with b.inside(made):
        parts = [part_at(b, dot, p) for p, _ in shapes]
    at = next((n for n, o in enumerate(whole.region.ops) if uses(o, set(us))), len(whole.region.ops))
    whole.region.ops[at:at] = made.ops
    whole.region.results = [bars_]
    replace_values(whole.region, dict(zip(us, parts, strict=True)))
    if has_aux and isinstance(end, Struct):
        whole.region.results = [with_aux(whole.region.results[0], end.items[1], True)]
    return with_directions(whole, vs)
