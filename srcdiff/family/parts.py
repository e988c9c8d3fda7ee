"""The parts of arguments, results and derivatives: found, taken out, put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NoReturn

import numpy as np

from srcdiff.differentiate.common import Builder
from srcdiff.differentiate.fetch import fetch
from srcdiff.differentiate.forward import forward
from srcdiff.errors import DerivativeTypeError, Problem
from srcdiff.frontend.lower import Context
from srcdiff.ir.graph import ZERO, Atom, Const, Graph, Region, Struct, Val, is_none, kind
from srcdiff.ir.indices import display
from srcdiff.ir.kinds import UNKNOWN, Array, Kind, Maybe, Scalar, Seq, Sym, Tree, is_active_kind
from srcdiff.ir.regions import replace_values
from srcdiff.optimise.dce import dce

Path = tuple[int, ...]


def refuse(slug: str, what: str, help: str) -> NoReturn:
    raise DerivativeTypeError(Problem(slug, what, help=help))


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
    return display((value, aux)) if has_aux else value


def together(items: list[Atom], single: bool) -> Atom:
    return items[0] if single else display(items)


def primal_of(graph: Graph, result: Atom) -> Graph:
    """The graph with another result."""
    region = Region(graph.region.params, graph.region.ops, [result])
    return graph.over(region)


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


def own(graph: Graph, other: Graph, w: Val) -> Val:
    """The argument ``w`` of a graph, in a copy of it."""
    name = next(n for n, v in graph.info["values"].items() if v is w)
    found = other.info["values"][name]
    assert isinstance(found, Val)
    return found


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
    if got is ZERO or is_none(got):
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
