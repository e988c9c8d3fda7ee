"""The family of derivatives beside the gradient, as graphs: Jacobians, Hessians, products, higher orders.

Each is made of forward and reverse mode, and of batching: a Jacobian is one tangent (or cotangent) mapped
over the columns of an identity.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from functools import partial, reduce
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np

from srcdiff.batch.apply import Unbatched
from srcdiff.batch.transform import MANY, ONE, How, batched, lifted
from srcdiff.batch.turns import in_turn
from srcdiff.differentiate.common import Builder
from srcdiff.differentiate.fetch import fetch
from srcdiff.differentiate.forward import forward
from srcdiff.differentiate.halves import uses
from srcdiff.differentiate.mirrors import replace_values
from srcdiff.differentiate.reverse import reverse
from srcdiff.differentiate.taylor import taylor
from srcdiff.errors import DerivativeTypeError, NoRule, Problem
from srcdiff.frontend.lower import Context
from srcdiff.ir.graph import ZERO, Atom, Const, Graph, Region, Struct, Val, clone, kind
from srcdiff.ir.kinds import (
    UNKNOWN,
    Array,
    Dim,
    Kind,
    Maybe,
    Scalar,
    Seq,
    Sym,
    Tree,
    element_kind,
    fresh_sym,
    is_active_kind,
)
from srcdiff.optimise.dce import dce
from srcdiff.rules import batching, columns, vocabulary

__all__ = [
    "better", "elementwise_graph", "filled", "gauss_newton_graph", "is_number", "jacfwd_graph",
    "jacrev_graph", "laplacian_graph", "mapped_graph", "nth_graph", "of_one", "product_graph", "sizes_of",
    "split", "taylor_graph", "transposed_product_graph", "with_kinds",
]  # fmt: skip

Path = tuple[int, ...]


def refuse(slug: str, what: str, help: str) -> NoReturn:
    raise DerivativeTypeError(Problem(slug, what, help=help))


# ---- parts of arguments and results ----------------------------------------------------------------------


def leaves(k: Kind, path: Path = ()) -> Iterator[tuple[Path, Kind]]:
    """The numbers and arrays in a container that may carry a derivative."""
    if isinstance(k, Tree):
        for n, x in enumerate(k.items):
            if k.keys[n] not in k.static:
                yield from leaves(x, (*path, n))
    elif is_active_kind(k):
        yield path, k


def part_at(b: Builder, a: Atom, path: Path) -> Atom:
    """A part of a container."""
    for n in path:
        k = kind(a)
        assert isinstance(k, Tree)
        a = b.part(a, k, n)
    return a


def filled(k: Kind, put: Callable[[Path, Kind], Atom], path: Path = ()) -> Atom:
    """A container like another, with something else for each number or array, and None for the rest."""
    if isinstance(k, Tree):
        items = tuple(filled(x, put, (*path, n)) for n, x in enumerate(k.items))
        return Struct(k.type, k.keys, items)
    return put(path, k) if is_active_kind(k) else Const(None)


def split(result: Atom, has_aux: bool, name: str) -> tuple[Atom, Atom]:
    """The value to differentiate, and the rest of what a function returns."""
    if not has_aux:
        return result, Const(None)
    if not isinstance(result, Struct) or result.type is not tuple or len(result.items) != 2:
        refuse("aux", f"{name} must return (value, aux) when has_aux is set", "return value, aux")
    return result.items[0], result.items[1]


def check_leaves(name: str, what: str, k: Kind, mode: str, unseen: bool = False) -> None:
    """Refuse containers whose parts cannot be told, and what is not known (``unseen``: a run tells)."""
    for _, x in leaves(k):
        if isinstance(x, Seq):
            refuse(
                "jacobian", f"{mode} of {name}: {what} is a list of any length",
                "use np.array(...) of it, or a tuple",
            )  # fmt: skip
        if isinstance(x, Maybe) or (x == UNKNOWN and not unseen):
            refuse(
                "jacobian", f"{mode} of {name}: what {what} is, is not known when the derivative is made",
                "give example arguments: source_for(x), or call it first",
            )  # fmt: skip


def check_kinds(ctx: Context, graph: Graph, wrt: list[Val], value: Atom, mode: str) -> None:
    """Refuse arguments and a result whose parts cannot be told; what has no rule is said first."""
    for w in wrt:
        check_leaves(graph.name, repr(w.name), w.kind, mode)
    if any(k == UNKNOWN for _, k in leaves(kind(value))):
        forward(primal_of(graph, value), wrt, ctx)
    check_leaves(graph.name, "its result", kind(value), mode, unseen=True)


def with_aux(value: Atom, aux: Atom, has_aux: bool) -> Atom:
    return Struct(tuple, (0, 1), (value, aux)) if has_aux else value


def together(items: list[Atom], single: bool) -> Atom:
    return items[0] if single else Struct(tuple, tuple(range(len(items))), tuple(items))


def primal_of(graph: Graph, result: Atom) -> Graph:
    """The graph with another result."""
    region = Region(graph.region.params, graph.region.ops, [result])
    return Graph(graph.name, region, graph.signature, graph.captures, dict(graph.info))


def merged(graphs: list[Graph]) -> tuple[Graph, list[Atom]]:
    """Several graphs of the same parameters as one; what acts on the world does so once."""
    first = graphs[0]
    results = list(first.region.results)
    for g in graphs[1:]:
        table: dict[Val, Atom] = dict(zip(g.region.params, first.region.params, strict=True))
        replace_values(g.region, table)
        silence(g.region)
        first.region.ops += g.region.ops
        results += g.region.results
    first.region.results = results
    return first, results


def silence(region: Region) -> None:
    region.ops = [o for o in region.ops if not (o.code == "opaque" and o.attrs.get("effect"))]
    for o in region.ops:
        for r in o.regions:
            silence(r)


def is_number(graph: Graph, has_aux: bool) -> bool:
    """Whether a function returns a single number, or what is not known: its gradient looks when it runs."""
    k = kind(split(graph.region.results[0], has_aux, graph.name)[0])
    return k == UNKNOWN or isinstance(k, Scalar) or (isinstance(k, Array) and all(d == 1 for d in k.dims))


def better(
    graph: Graph, wrt: list[Val], has_aux: bool, sizes: Mapping[int, int] = MappingProxyType({})
) -> str:
    """Which mode makes the Jacobian from fewer products; ``sizes``: what sizes known by name are."""
    value, _ = split(graph.region.results[0], has_aux, graph.name)
    ins = [k for w in wrt for _, k in leaves(w.kind)]
    outs = [k for _, k in leaves(kind(value))]
    if all(map(is_alone, ins)):
        return "jacfwd"
    if len(outs) == 1 and is_alone(outs[0]):
        return "jacrev"
    n, m = total(ins, sizes), total(outs, sizes)
    return "jacrev" if n is not None and m is not None and m < n else "jacfwd"


def total(kinds: list[Kind], sizes: Mapping[int, int]) -> int | None:
    """How many numbers there are in all, if that is known."""
    count = 0
    for k in kinds:
        if k == UNKNOWN:
            return None
        number = 1
        for d in k.dims if isinstance(k, Array) else ():
            if isinstance(d, Sym):
                if d.id not in sizes:
                    return None
                number *= sizes[d.id] + d.offset
            else:
                number *= d
        count += number
    return count


def sizes_of(k: Kind, value: Any, out: dict[int, int]) -> dict[int, int]:
    """The sizes known by name, from a value of a kind."""
    if isinstance(k, Array):
        both = zip(k.dims, np.shape(value), strict=True)
        out.update({d.id: n - d.offset for d, n in both if isinstance(d, Sym)})
    elif isinstance(k, Tree):
        for key, x in zip(k.keys, k.items, strict=True):
            by_key = isinstance(value, (dict, list)) or (isinstance(value, tuple) and isinstance(key, int))
            sizes_of(x, value[key] if by_key else getattr(value, key), out)
    return out


# ---- one direction for each of many ----------------------------------------------------------------------


def own(graph: Graph, other: Graph, w: Val) -> Val:
    """The argument ``w`` of a graph, in a copy of it."""
    name = next(n for n, v in graph.info["values"].items() if v is w)
    found = other.info["values"][name]
    assert isinstance(found, Val)
    return found


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


def seeded(k: Kind, path: Path, seed: Atom) -> Atom:
    """A tangent that is zero but in one part."""
    if not path:
        return seed
    assert isinstance(k, Tree)
    items = tuple(seeded(x, path[1:], seed) if n == path[0] else ZERO for n, x in enumerate(k.items))
    return Struct(k.type, k.keys, items)


def derivative_part(b: Builder, t: Atom, path: Path) -> Atom:
    """A part of a tangent or cotangent; what is missing is zero."""
    for n in path:
        if t is ZERO:
            return ZERO
        if isinstance(t, Struct):
            t = t.items[n]
        else:
            k = kind(t)
            assert isinstance(k, Tree)
            t = b.part(t, k, n)
    return t


def is_alone(k: Kind) -> bool:
    """Whether a part is a single number."""
    return k != UNKNOWN and not (isinstance(k, Array) and k.dims)


def no_complex(name: str, what: str, k: Kind, mode: str) -> None:
    for _, x in leaves(k):
        if isinstance(x, (Array, Scalar)) and x.dtype[0] == "c":
            refuse("complex", f"{mode} of {name}: {what} is complex",
                   "differentiate its real and imaginary parts, or use jvp and vjp")  # fmt: skip


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


def settle(g: Graph, r: Any) -> None:
    """What reverse mode leaves open."""
    dce(g, frozenset(r.spared))
    fetch(r)


def in_structure(b: Builder, bars: list[Atom], wrt: list[Val]) -> list[Atom]:
    """Cotangents in the structure of what they belong to: zeros where nothing arrives."""
    with b.inside(b.graph.region):
        return [filled(w.kind, partial(cotangent_at, b, bar, w)) for bar, w in zip(bars, wrt, strict=True)]


def cotangent_at(b: Builder, bar: Atom, w: Val, path: Path, _: Kind) -> Atom:
    got, of = derivative_part(b, bar, path), part_at(b, w, path)
    if got is ZERO or (isinstance(got, Const) and got.value is None):
        return b.zero(of)
    return of_kind(got, kind(of))


def with_kinds(gradient: Graph, wrt: list[Val], single: bool, has_aux: bool) -> None:
    """The parts of a gradient are of the kinds of the arguments."""
    value, _ = split(gradient.region.results[0], has_aux, gradient.name)
    bars = [value] if single else value.items if isinstance(value, Struct) else []
    for bar, w in zip(bars, wrt, strict=False):
        of_kind(bar, w.kind)


def of_kind(t: Atom, k: Kind) -> Atom:
    """A derivative, which is of the kind of what it belongs to if nothing is known of it."""
    if isinstance(t, Struct) and isinstance(k, Tree):
        for x, y in zip(t.items, k.items, strict=True):
            of_kind(x, y)
    if isinstance(t, Val) and t.kind == UNKNOWN:
        t.kind = k
    return t


# ---- many examples ---------------------------------------------------------------------------------------


def of_one(k: Kind, axes: Any, dims: list[Dim]) -> Kind:
    """The kind of one example; ``dims`` gets the size of each axis of examples."""
    if axes is None:
        return k
    if isinstance(k, Tree):
        parts = zip(k.items, axes_of(k, axes), strict=True)
        return Tree(k.type, k.keys, tuple(of_one(x, a, dims) for x, a in parts), k.static)
    if isinstance(k, Seq) and isinstance(axes, int):
        if type(k) is not Seq or axes != 0:
            raise Unbatched("of a list, the first axis of each array is mapped")
        return Seq(of_one(k.elem, 0, dims), frozen=k.frozen)
    if not isinstance(k, Array) or not isinstance(axes, int) or not -len(k.dims) <= axes < len(k.dims):
        raise Unbatched("it has no such axis" if isinstance(k, (Array, Scalar)) else "it is no array")
    axes %= len(k.dims)
    dims.append(k.dims[axes])
    if isinstance(dims[0], int) and isinstance(dims[-1], int) and dims[0] != dims[-1]:
        raise Unbatched("another argument has another number of examples")
    rest = (*k.dims[:axes], *k.dims[axes + 1 :])
    return Array(k.dtype, rest) if rest else element_kind(k.dtype)


def axes_of(k: Tree, axes: Any) -> list[Any]:
    """The axes of the parts of a container."""
    if isinstance(axes, dict):
        return [axes.get(key) for key in k.keys]
    if isinstance(axes, (tuple, list)):
        if len(axes) != len(k.items):
            raise Unbatched("in_axes has another structure")
        return list(axes)
    return [axes if isinstance(x, (Array, Seq, Tree)) or is_active_kind(x) else None for x in k.items]


def mapped_graph(ctx: Context, graph: Graph, axes: Mapping[str, Any], out_axes: Any, dim: Dim) -> Graph:
    """The graph of a function for many examples, which lie along an axis of each argument in ``axes``."""
    values = graph.info["values"]
    given = {values[n]: a for n, a in axes.items()}
    try:
        try:
            new, hows, _ = batched(ctx, graph, dict.fromkeys(given), dim, axes=given)
        except Unbatched:
            new, hows, _ = batched(ctx, graph, dict.fromkeys(given), dim, axes=given, in_turn=True)
    except Unbatched as why:
        refuse("vmap", f"{graph.name} cannot be mapped: {why}", "write a loop over the examples")
    b = Builder(ctx, new)
    with b.inside(new.region):
        count = new.info.pop("count")
        new.region.results = [out_along(b, new.region.results[0], hows[0], out_axes, count, graph.name)]
    return new


def out_along(b: Builder, a: Atom, how: How, axis: Any, count: Atom, name: str) -> Atom:
    """A result with its examples along an axis."""
    k = kind(a)
    if isinstance(k, Tree) and (how == ONE or isinstance(how, tuple) or not isinstance(axis, int)):
        hows = how if isinstance(how, tuple) else (how,) * len(k.items)
        try:
            each = axes_of(k, axis) if not isinstance(axis, int) else [axis] * len(k.items)
        except Unbatched:
            refuse("vmap", f"out_axes is not like the result of {name}", "write out_axes=0")
        parts = [out_along(b, b.part(a, k, n), h, x, count, name) for n, (h, x) in enumerate(zip(hows, each))]
        return Struct(k.type, k.keys, tuple(parts))
    if axis is None:
        if how != ONE:
            refuse("vmap", f"a result of {name} is another one for each example", "write out_axes=0")
        return a
    if how == ONE:
        if isinstance(k, Scalar):
            return b.rule(batching.full, {"n": count, "x": a})
        if not isinstance(k, Array):
            return a
        a = b.rule(batching.repeated, {"n": count, "x": a})
    elif how != MANY:
        refuse("vmap", f"a result of {name} is a container that each example makes by itself",
               "return its parts")  # fmt: skip
    if axis == 0:
        return a
    if not isinstance(kind(a), Array):
        refuse("vmap", f"a result of {name} is a list", "write out_axes=0")
    return b.rule(columns.first_to, {"x": a, "axis": Const(axis)})


# ---- products --------------------------------------------------------------------------------------------


def tangents_of(graph: Graph, wrt: list[Val], word: str = "v") -> list[Val]:
    """A parameter for the direction in each argument."""
    taken = {p.name for p in graph.region.params} | set(graph.info.get("parameters", ()))
    out = []
    for w in wrt:
        name = word if len(wrt) == 1 else f"{word}_{w.name}"
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
    g, dots, _ = forward(primal_of(gradient, Struct(tuple, (0, 1), (value, aux))), wrt, ctx,
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


# ---- of one number, element by element -------------------------------------------------------------------


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


def coefficients(
    ctx: Context, graph: Graph, seeds: Mapping[Val, Atom], order: int, has_aux: bool
) -> Graph:
    """All Taylor coefficients up to an order along a direction; and the rest."""
    value, aux = split(graph.region.results[0], has_aux, graph.name)
    g, (found, _) = taylor(
        Graph(graph.name, Region(graph.region.params, graph.region.ops, [value, aux]), graph.signature,
              graph.captures, dict(graph.info)),
        {w: [v] for w, v in seeds.items()}, ctx, order,
    )  # fmt: skip
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
        whole = Graph(graph.name, region, graph.signature, graph.captures, {**graph.info, "values": values})
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
