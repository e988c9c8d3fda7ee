"""Jacobians: one tangent, or one cotangent, mapped over the columns of an identity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from srcdiff.batch.apply import Unbatched
from srcdiff.batch.transform import MANY, ONE, How, batched, lifted
from srcdiff.batch.turns import in_turn
from srcdiff.differentiate.common import Builder
from srcdiff.differentiate.forward import forward
from srcdiff.differentiate.halves import uses
from srcdiff.differentiate.reverse import reverse
from srcdiff.family.parts import (
    Path,
    check_kinds,
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
from srcdiff.frontend.lower import Context
from srcdiff.ir.graph import ZERO, Atom, Const, Graph, Region, Struct, Val, clone, kind
from srcdiff.ir.kinds import UNKNOWN, Array, Dim, Kind, fresh_sym
from srcdiff.ir.regions import replace_values
from srcdiff.rules import columns, vocabulary


def over_identity(ctx: Context, g: Graph, e: Val, of: Atom, mode: str) -> tuple[Graph, list[How], Atom]:
    """The graph for many values of its parameter ``e`` at once: one for each element of ``of``.

    Returns the graph, how its results are, and ``of`` in it.
    """
    k = e.kind
    dim: Dim = k.dims[0] if isinstance(k, Array) and len(k.dims) == 1 else fresh_sym()
    g.region.results.append(of)
    if not isinstance(k, Array):
        return one_by_one(ctx, g, e, dim, mode, Unbatched("its shape is not known"))
    try:
        counted = of if isinstance(of, Val) and len(k.dims) == 1 else None
        new, hows, table = batched(ctx, g, {e: MANY}, dim, counted)
    except Unbatched as why:
        return one_by_one(ctx, g, e, dim, mode, why)
    row = table[e]
    of, how = new.region.results.pop(), hows.pop()
    assert how == ONE
    first = Region()
    basis = basis_of(ctx, new, first, of, row.kind)
    new.region.params.remove(row)
    ops = new.region.ops
    at = next((n for n, o in enumerate(ops) if uses(o, {row})), len(ops))
    ops[at:at] = first.ops
    replace_values(new.region, {row: basis})
    return new, hows, of


def basis_of(ctx: Context, g: Graph, region: Region, of: Atom, k: Kind) -> Atom:
    """The directions, one for each element of ``of``, made in ``region``."""
    own_kind = kind(of)
    b = Builder(ctx, g)
    with b.inside(region):
        if isinstance(own_kind, Array):
            basis = b.rule(columns.identity if own_kind.dtype == "f8" else columns.identity_like, {"x": of})
        else:
            basis = b.rule(columns.identity_of_any, {"x": of, "name": Const(g.name)})
    if isinstance(basis, Val):
        basis.kind = k
    return basis


def one_by_one(
    ctx: Context, g: Graph, e: Val, dim: Dim, mode: str, why: Unbatched
) -> tuple[Graph, list[How], Atom]:
    """As :func:`over_identity`, with a loop over the directions."""
    of, first = g.region.results.pop(), Region()
    known = isinstance(e.kind, Array)
    basis = basis_of(ctx, g, first, of, lifted(e.kind, MANY, dim) if known else UNKNOWN)
    try:
        many = in_turn(ctx, g, e, basis, first, dim)
    except Unbatched as too:
        refuse("jacobian", f"{mode} of {g.name} cannot be done for many directions: {why}; {too}",
               "take one direction at a time: jvp or vjp")  # fmt: skip
    return g, [MANY if x else ONE for x in many], of


def jacfwd_graph(ctx: Context, graph: Graph, wrt: list[Val], single: bool, has_aux: bool, mode: str,
                 symmetric: bool = False) -> Graph:  # fmt: skip
    """The Jacobian, column by column: a tangent for each element of the arguments."""
    value, aux = split(graph.region.results[0], has_aux, graph.name)
    check_kinds(ctx, graph, wrt, value, mode)
    primal = primal_of(graph, value)
    made: list[Graph] = []
    at: dict[tuple[int, Path], int] = {}
    for n, w in enumerate(wrt):
        no_complex(graph.name, repr(w.name), w.kind, mode)
        for path, k in leaves(w.kind):
            at[n, path] = len(made)
            made.append(columns_of(ctx, primal, w, path, k, mode, symmetric))
    made.append(clone(primal_of(graph, with_aux(value, aux, has_aux)))[0])
    whole, results = merged(made)
    outs = [p for p, _ in leaves(kind(value))]

    def of_result(path: Path, _: Kind) -> Atom:
        def of_argument(n: int) -> Callable[[Path, Kind], Atom]:
            def put(inner: Path, _: Kind) -> Atom:
                got = results[at[n, inner]]
                assert isinstance(got, Struct)
                return got.items[outs.index(path)]

            return put

        return together([filled(w.kind, of_argument(n)) for n, w in enumerate(wrt)], single)

    last = results[-1]
    aux = last.items[1] if has_aux and isinstance(last, Struct) else aux
    whole.region.results = [with_aux(filled(kind(value), of_result), aux, has_aux)]
    return whole


def columns_of(ctx: Context, graph: Graph, w: Val, path: Path, k: Kind, mode: str, symmetric: bool) -> Graph:
    """The derivatives of all parts of the result in one part of an argument."""
    e = Val("", k)
    g, dots, _ = forward(graph, [w], ctx, {w: seeded(w.kind, path, Const(1.0) if is_alone(k) else e)})
    b = Builder(ctx, g)
    value = g.region.results[0]
    with b.inside(g.region):
        parts = [
            (part_at(b, value, p), of_kind(derivative_part(b, dots[0], p), k)) for p, k in leaves(kind(value))
        ]
        if is_alone(k):
            g.region.results = [together([b.materialise(t, y) for y, t in parts], False)]
            return g
    first = Region()
    with b.inside(first):  # it is there before the direction in it is read
        x = part_at(b, own(graph, g, w), path)
    g.region.ops[:0] = first.ops
    g.region.params.append(e)
    g.region.results = [y for y, _ in parts] + [t for _, t in parts if t is not ZERO]
    new, hows, x = over_identity(ctx, g, e, x, mode)
    b = Builder(ctx, new)
    n = len(parts)
    tangents = zip(new.region.results[n:], hows[n:], strict=True)
    assert isinstance(k, Array)
    out: list[Atom] = []
    with b.inside(new.region):
        for (_, old), y, own_way in zip(parts, new.region.results[:n], hows[:n], strict=True):
            t, how = (ZERO, ONE) if old is ZERO else next(tangents)
            if how != MANY and t is not ZERO:
                t = b.rule(columns.repeated, {"t": t, "x": x})
            if t is not ZERO and not symmetric and UNKNOWN in (kind(t), kind(y)):
                given = {"t": t, "y": y, "x": x, "name": Const(graph.name), "rows": Const(own_way != ONE)}
                out.append(b.rule(columns.columns_of_any, given))
                continue
            if own_way != ONE:  # computed together with its tangents, for each direction
                y = b.rule(columns.one_row, {"y": y})
            if t is ZERO:
                out.append(b.rule(columns.none, {"y": y, "x": x}))
                continue
            if not symmetric:
                t = b.rule(columns.last, {"t": t})
            if len(k.dims) > 1:
                t = b.rule(columns.shaped_as, {"t": t, "y": y, "x": x})
            out.append(t)
    new.region.results = [together(out, False)]
    return new


def jacrev_graph(ctx: Context, graph: Graph, wrt: list[Val], single: bool, has_aux: bool, mode: str) -> Graph:
    """The Jacobian, row by row: a cotangent for each element of the result."""
    value, aux = split(graph.region.results[0], has_aux, graph.name)
    check_kinds(ctx, graph, wrt, value, mode)
    no_complex(graph.name, "its result", kind(value), mode)
    primal = primal_of(graph, value)
    outs = [p for p, _ in leaves(kind(value))]
    made = [rows_of(ctx, primal, wrt, path, k, mode) for path, k in leaves(kind(value))]
    made.append(clone(primal_of(graph, with_aux(value, aux, has_aux)))[0])
    whole, results = merged(made)

    def of_result(path: Path, _: Kind) -> Atom:
        got = results[outs.index(path)]
        assert isinstance(got, Struct)
        return together(list(got.items), single)

    last = results[-1]
    aux = last.items[1] if has_aux and isinstance(last, Struct) else aux
    whole.region.results = [with_aux(filled(kind(value), of_result), aux, has_aux)]
    return whole


def rows_of(ctx: Context, graph: Graph, wrt: list[Val], path: Path, k: Kind, mode: str) -> Graph:
    """The derivatives of one part of the result in all arguments."""
    e = Val("", k)

    def seed(b: Any, results: list[Atom]) -> list[tuple[Atom, Atom]]:
        one: Atom = e
        if is_alone(k):
            y = part_at(b, results[0], path)
            one = b.rule(vocabulary.ones, {"x": y}) if isinstance(k, Array) else Const(1.0)
        return [(results[0], seeded(kind(results[0]), path, one))]

    g, bars, r = reverse(graph, wrt, ctx, seed)
    value = g.region.results[0]
    b = Builder(ctx, g)
    bars = in_structure(b, bars, [own(graph, g, w) for w in wrt])
    with b.inside(g.region):
        y = part_at(b, value, path)
    g.region.results = [together(bars, False), y]
    if not is_alone(k):
        g.region.params.append(e)
    settle(g, r)
    if is_alone(k):
        g.region.results.pop()
        return g
    whole = g.region.results[0]
    assert isinstance(whole, Struct)
    parts = [list(leaves(kind(x))) for x in whole.items]
    with b.inside(g.region):
        flat = [part_at(b, x, p) for x, ps in zip(whole.items, parts, strict=True) for p, _ in ps]
        xs = [part_at(b, own(graph, g, w), p) for w, ps in zip(wrt, parts, strict=True) for p, _ in ps]
    y = g.region.results[1]
    g.region.results = [*flat, *xs]
    new, hows, y = over_identity(ctx, g, e, y, mode)
    b = Builder(ctx, new)
    n = len(flat)
    out: list[Atom] = []
    with b.inside(new.region):
        for t, how, x in zip(new.region.results[:n], hows[:n], new.region.results[n:], strict=True):
            if how != MANY:
                t = b.rule(columns.repeated, {"t": t, "x": y})
            if not isinstance(k, Array):
                t = b.rule(columns.rows_of_any, {"t": t, "y": y, "x": x, "name": Const(graph.name)})
            elif len(k.dims) > 1:
                t = b.rule(columns.shaped_as, {"t": t, "y": y, "x": x})
            out.append(t)
    numbers = iter(out)
    new.region.results = [
        together([filled(kind(x), lambda _, __: next(numbers)) for x in whole.items], False)
    ]
    return new
