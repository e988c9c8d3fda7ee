"""Higher orders along a direction, and what is taken element by element: Taylor coefficients, Laplacians."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np

from srcdiff.batch.transform import MANY, ONE
from srcdiff.differentiate.common import Builder
from srcdiff.differentiate.forward import forward
from srcdiff.differentiate.reverse import reverse
from srcdiff.differentiate.taylor import taylor
from srcdiff.errors import NoRule
from srcdiff.family.jacobians import over_identity
from srcdiff.family.parts import (
    Path,
    check_leaves,
    derivative_part,
    filled,
    in_structure,
    is_alone,
    leaves,
    merged,
    no_complex,
    of_kind,
    own,
    part_at,
    primal_of,
    refuse,
    seeded,
    settle,
    split,
    together,
    with_aux,
)
from srcdiff.family.products import tangents_of, with_directions
from srcdiff.frontend.lower import Context
from srcdiff.ir.graph import Atom, Const, Graph, Region, Struct, Val, clone, kind
from srcdiff.ir.kinds import UNKNOWN, Array, Kind, Scalar, Seq, Tree
from srcdiff.rules import columns, vocabulary


def nth_graph(
    ctx: Context, graph: Graph, w: Val, order: int, has_aux: bool, tidy: Callable[[Graph], Graph]
) -> Graph:
    """The derivative of an order, of a function of one number: forward mode, again and again."""
    if not (isinstance(w.kind, Scalar) or w.kind == Array("f8", ()) or w.kind == UNKNOWN):
        refuse(
            "jacobian", f"derivative of {graph.name}: {w.name!r} is not a single number",
            "use elementwise_grad for a function of arrays element by element, jacobian or hessian otherwise",
        )  # fmt: skip
    if order >= TAYLOR:
        try:
            g = coefficients(ctx, graph, {w: Const(1.0)}, order, has_aux)
        except NoRule:  # again and again, then
            pass
        else:
            whole, aux = split(g.region.results[0], has_aux, graph.name)
            assert isinstance(whole, Struct)
            b = Builder(ctx, g)
            with b.inside(g.region):
                last = times_number(b, whole.items[-1], float(math.factorial(order)))
            g.region.results = [with_aux(last, aux, has_aux)]
            return g
    g = repeated(ctx, graph, {w: Const(1.0)}, order, has_aux, tidy)
    both = g.region.results[0]
    assert isinstance(both, Struct)
    found = both.items[0]
    assert isinstance(found, Struct)
    g.region.results = [with_aux(found.items[-1], both.items[1], has_aux)]
    return g


TAYLOR = 2  # from this order on derivatives in one number go by Taylor coefficients


def repeated(
    ctx: Context, graph: Graph, seeds: Mapping[Val, Const | Val], order: int, has_aux: bool,
    tidy: Callable[[Graph], Graph],
) -> Graph:  # fmt: skip
    """All derivatives up to an order along a direction, by forward mode again and again; and the rest."""
    value, aux = split(graph.region.results[0], has_aux, graph.name)
    shell = primal_of(graph, together([together([value], False), aux], False))
    names = {v: n for n, v in shell.info["values"].items()}
    along = [(names[w], seed if isinstance(seed, Const) else names[seed]) for w, seed in seeds.items()]
    for _ in range(order):
        values = shell.info["values"]
        at = {values[n]: seed if isinstance(seed, Const) else values[seed] for n, seed in along}
        g, dots, _ = forward(shell, list(at), ctx, at)
        both = g.region.results[0]
        assert isinstance(both, Struct)
        b = Builder(ctx, g)
        found = both.items[0]
        assert isinstance(found, Struct)
        n = len(found.items) - 1
        with b.inside(g.region):
            t = b.materialise(derivative_part(b, dots[0], (0, n)), found.items[n])
        g.region.results = [together([together([*found.items, t], False), both.items[1]], False)]
        shell = tidy(g)
    return shell


def coefficients(ctx: Context, graph: Graph, seeds: Mapping[Val, Atom], order: int, has_aux: bool) -> Graph:
    """All Taylor coefficients up to an order along a direction; and the rest."""
    value, aux = split(graph.region.results[0], has_aux, graph.name)
    split_graph = graph.over(Region(graph.region.params, graph.region.ops, [value, aux]))
    g, (found, _) = taylor(split_graph, {w: [v] for w, v in seeds.items()}, ctx, order)
    value, aux = g.region.results
    b = Builder(ctx, g)
    with b.inside(g.region):
        every = together([value, *(b.materialise(t, value) for t in found)], False)
    g.region.results = [with_aux(every, aux, has_aux)]
    return g


def times_number(b: Builder, t: Atom, by: float) -> Atom:
    """A derivative times a number, part by part."""
    if isinstance(t, Struct) or isinstance(kind(t), Tree):
        k = kind(t)
        assert isinstance(k, Tree)
        parts = t.items if isinstance(t, Struct) else tuple(b.part(t, k, n) for n in range(len(k.items)))
        return Struct(k.type, k.keys, tuple(times_number(b, x, by) for x in parts))
    if isinstance(t, Const) and not isinstance(t.value, float):
        return t
    if isinstance(kind(t), Seq):
        return b.rule(columns.times, {"t": t, "by": Const(by)})
    return b.prim(operator.mul, [Const(by), t])


def taylor_graph(
    ctx: Context, graph: Graph, wrt: list[Val], order: int, has_aux: bool, tidy: Callable[[Graph], Graph]
) -> Graph:
    """The Taylor coefficients along a direction, from that of order zero on."""
    vs = tangents_of(graph, wrt)
    seeds = dict(zip(wrt, vs, strict=True))
    try:
        return with_directions(coefficients(ctx, graph, seeds, order, has_aux), vs)
    except NoRule:  # by forward mode, again and again
        values = {**graph.info["values"], **{f"{v.name} ": v for v in vs}}
        region = Region([*graph.region.params, *vs], graph.region.ops, graph.region.results)
        whole = graph.over(region, values=values)
        g = repeated(ctx, whole, seeds, order, has_aux, tidy)
    both = g.region.results[0]
    assert isinstance(both, Struct)
    found = both.items[0]
    assert isinstance(found, Struct)
    b = Builder(ctx, g)
    with b.inside(g.region):
        every = [times_number(b, t, 1.0 / math.factorial(n)) if n > 1 else t
                 for n, t in enumerate(found.items)]  # fmt: skip
    g.region.results = [with_aux(together(every, False), both.items[1], has_aux)]
    g.info["values"] = {n: g.info["values"][n] for n in graph.info["values"]}
    g.info["tangents"] = [v.name for v in vs]
    return g


def elementwise_graph(ctx: Context, graph: Graph, wrt: list[Val], single: bool, has_aux: bool) -> Graph:
    """The gradient of the sum of all elements of the result."""
    value, aux = split(graph.region.results[0], has_aux, graph.name)
    check_leaves(graph.name, "its result", kind(value), "elementwise_grad")
    no_complex(graph.name, "its result", kind(value), "elementwise_grad")
    shell = primal_of(graph, value)
    shell.region.results.append(aux)

    def seed(b: Any, results: list[Atom]) -> list[tuple[Atom, Atom]]:
        def one(path: Path, k: Kind) -> Atom:
            y = part_at(b, results[0], path)
            return Const(1.0) if isinstance(k, Scalar) else b.rule(vocabulary.ones, {"x": y})

        return [(results[0], filled(kind(results[0]), one))]

    g, bars, r = reverse(shell, wrt, ctx, seed)
    b = Builder(ctx, g)
    bars = in_structure(b, bars, [own(shell, g, w) for w in wrt])
    g.region.results = [with_aux(together(bars, single), g.region.results[1], has_aux)]
    settle(g, r)
    return g


def laplacian_graph(ctx: Context, graph: Graph, w: Val, has_aux: bool) -> Graph:
    """The sum of the second derivatives along each element of the argument: forward over forward."""
    value, aux = split(graph.region.results[0], has_aux, graph.name)
    check_leaves(graph.name, repr(w.name), w.kind, "laplacian")
    check_leaves(graph.name, "its result", kind(value), "laplacian")
    no_complex(graph.name, repr(w.name), w.kind, "laplacian")
    parts = list(leaves(w.kind))
    if not parts:
        refuse("jacobian", f"laplacian of {graph.name}: there is no number in {w.name!r}",
               "name an argument with numbers in wrt")  # fmt: skip
    primal = primal_of(graph, value)
    made = [second_along(ctx, primal, w, path, k) for path, k in parts]
    made.append(clone(primal_of(graph, with_aux(value, aux, has_aux)))[0])
    whole, results = merged(made)
    *found, last = results
    outs = [path for path, _ in leaves(kind(value))]
    b = Builder(ctx, whole)
    with b.inside(whole.region):
        total = [reduce(b.plus, terms) for terms in zip(*map(items_of, found), strict=True)]
    aux = last.items[1] if has_aux and isinstance(last, Struct) else aux
    summed = filled(kind(value), lambda path, _: total[outs.index(path)])
    whole.region.results = [with_aux(summed, aux, has_aux)]
    return whole


def items_of(a: Atom) -> tuple[Atom, ...]:
    assert isinstance(a, Struct)
    return a.items


def second_along(ctx: Context, graph: Graph, w: Val, path: Path, k: Kind) -> Graph:
    """The second derivatives of all parts of the result along each element of a part, summed."""
    e = Val("", k)
    seed = seeded(w.kind, path, Const(1.0) if is_alone(k) else e)
    outs = [p for p, _ in leaves(kind(graph.region.results[0]))]
    g = graph
    for _ in range(2):
        old, at = g, own(graph, g, w)
        g, dots, _ = forward(old, [at], ctx, {at: seed})
        b = Builder(ctx, g)
        value = g.region.results[0]
        with b.inside(g.region):
            tangents = []
            for p in outs:
                y = part_at(b, value, p)
                tangents.append(b.materialise(of_kind(derivative_part(b, dots[0], p), kind(y)), y))
        g.region.results = [together(tangents, False)]
        outs = [(n,) for n in range(len(outs))]
    if is_alone(k):
        return g
    first = Region()
    b = Builder(ctx, g)
    with b.inside(first):
        x = part_at(b, own(graph, g, w), path)
    g.region.ops[:0] = first.ops
    g.region.params.append(e)
    g.region.results = list(items_of(g.region.results[0]))
    g, hows, _ = over_identity(ctx, g, e, x, "laplacian")
    b = Builder(ctx, g)
    with b.inside(g.region):
        sums = [
            b.rule(columns.summed, {"t": t if how == MANY else b.prim(np.array, [t])}) if how != ONE else t
            for t, how in zip(g.region.results, hows, strict=True)
        ]  # (a list holds what each direction gives)
        g.region.results = [together(sums, False)]
    return g
