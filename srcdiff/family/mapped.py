"""A function for many examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from srcdiff.batch.apply import Unbatched
from srcdiff.batch.transform import MANY, ONE, How, batched
from srcdiff.differentiate.common import Builder
from srcdiff.family.parts import refuse
from srcdiff.frontend.lower import Context
from srcdiff.ir.graph import Atom, Const, Graph, Struct, kind
from srcdiff.ir.kinds import Array, Dim, Kind, Scalar, Seq, Tree, element_kind, is_active_kind
from srcdiff.rules import batching, columns


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
