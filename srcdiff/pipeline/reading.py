"""The graph of the function itself, for any size or for those at hand."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from srcdiff.backends.numpy_names import canonical
from srcdiff.errors import DerivativeTypeError, Problem, SrcdiffError, UnsupportedSyntax
from srcdiff.faults import guarded
from srcdiff.frontend.known_items import SHORT
from srcdiff.frontend.lower import lower, lower_library
from srcdiff.frontend.params import Param
from srcdiff.frontend.paths import Way
from srcdiff.frontend.sizes import IN_ORDER
from srcdiff.ir.graph import Graph, Val
from srcdiff.ir.kinds import Array, Scalar, Seq, Sym, Tree, is_active_kind, kind_of
from srcdiff.pipeline import context
from srcdiff.pipeline.signals import SIGNALS
from srcdiff.rules import registry

__all__ = ["primal_graph", "wrt_values"]


@guarded(*SIGNALS)
def primal_graph(
    fn: Any,
    params: Mapping[str, Param],
    ways: Mapping[str, Way] = MappingProxyType({}),
    given: Mapping[str, Any] = MappingProxyType({}),
    defaults: Mapping[str, Any] = MappingProxyType({}),
    settled: bool = False,
) -> Graph:
    """The graph of a function for arguments of given kinds; ``ways``: what derivatives will be taken in.

    ``settled``: small sizes and numbers are those at hand; otherwise only where nothing can be read without.
    """
    if registry.is_known(fn) or registry.is_known(canonical(fn)):
        return lower_library(fn, params, context.CONTEXT, kind_of, defaults)
    counted = {n: p for n, p in params.items() if is_short(p, given.get(n))}
    if settled:
        return of_these_lengths(fn, params, ways, given, counted)
    try:
        return lower(fn, params, context.CONTEXT, kind_of, ways, given)
    except (UnsupportedSyntax, RecursionError) as refused:
        if isinstance(refused, UnsupportedSyntax) and any(p.slug not in BY_LENGTH for p in refused.problems):
            raise
        by_layout = isinstance(refused, UnsupportedSyntax) and any(
            p.slug == "aliasing" for p in refused.problems
        )
        if by_layout:
            with contextlib.suppress(SrcdiffError, RecursionError):
                return of_this_layout(fn, params, ways, given)
        try:
            return of_these_lengths(fn, params, ways, given, counted, by_layout)
        except (SrcdiffError, RecursionError):
            raise refused from None


def of_this_layout(
    fn: Any, params: Mapping[str, Param], ways: Mapping[str, Way], given: Mapping[str, Any]
) -> Graph:
    """The graph for arrays that lie in memory as those at hand, where that decides what is a view."""
    graph = lower(fn, params, context.CONTEXT, kind_of, ways, given, by_layout=True)
    graph.info["only_for"] = layouts_told(graph)
    return graph


def layouts_told(graph: Graph) -> tuple[str, ...]:
    """What the text takes for granted of how arguments lie, as conditions."""
    found = [(p[0], in_order) for p, in_order in graph.info["guards"].items() if p[1:] == IN_ORDER]
    return tuple(
        f"{name}.flags.c_contiguous{'' if in_order else ' is False'}"
        for (how, name), in_order in found if how == "arg"
    )  # fmt: skip


# what may be known where sizes are: which object is meant, how deep a structure is, what differs by trip
BY_LENGTH = frozenset({
    "aliasing", "attribute", "attribute-write", "branches", "call", "class", "del", "except", "frozen",
    "generator", "index", "iterate", "iterator", "key", "lists", "loop", "method", "recursion", "set",
    "starred", "store", "unpack", "unroll", "value",
})  # fmt: skip


def is_short(p: Param, value: Any) -> bool:
    """Whether an argument is a small whole number, or a list or array that is short in the call at hand."""
    if isinstance(p.kind, Scalar):
        return type(value) is int and p.kind.dtype[0] == "i" and abs(value) <= SHORT
    if isinstance(p.kind, Array):
        return any(isinstance(d, Sym) and 0 < n <= SHORT for d, n in zip(p.kind.dims, np.shape(value)))
    return type(p.kind) is Seq and type(value) is list and 0 < len(value) <= SHORT


def of_these_lengths(
    fn: Any,
    params: Mapping[str, Param],
    ways: Mapping[str, Way],
    given: Mapping[str, Any],
    counted: Mapping[str, Param],
    by_layout: bool = False,
) -> Graph:
    """The graph for the numbers and the lengths at hand, which are guards then; short loops trip by trip."""
    settled = dict(params)
    guards: dict[Any, Any] = {}
    only: list[str] = []  # as conditions: a text that is saved says them
    for n, p in counted.items():
        if isinstance(p.kind, Scalar):
            settled[n] = replace(p, kind=None, constant=given[n])
            guards[(("arg", n),)] = given[n]
            only.append(f"{n} == {given[n]}")
            continue
        if isinstance(p.kind, Array):
            shape = np.shape(given[n])
            dims = tuple(m if 0 < m <= SHORT else d for d, m in zip(p.kind.dims, shape))
            settled[n] = replace(p, kind=Array(p.kind.dtype, dims))
            guards[("arg", n), ("attr", "shape")] = shape
            only.append(f"{n}.shape == {shape}")
            continue
        assert isinstance(p.kind, Seq)
        size = len(given[n])
        settled[n] = replace(p, kind=Tree(list, tuple(range(size)), (p.kind.elem,) * size))
        guards[("arg", n), ("most", size + 1)] = size
        only.append(f"len({n}) == {size}")
    graph = lower(fn, settled, context.CONTEXT, kind_of, ways, given, by_trips=True, by_layout=by_layout)
    graph.info["guards"].update(guards)
    graph.info["only_for"] = (*only, *layouts_told(graph))
    return graph


def wrt_values(graph: Graph, wrt: tuple[str, ...]) -> list[Val]:
    """The values of the arguments (or of what the function reads from outside) named in ``wrt``."""
    values = graph.info["values"]
    out = []
    for w in wrt:
        v = values.get(w)
        if v is None:
            raise DerivativeTypeError(
                Problem("wrt", f"{graph.name}: {w!r} is not an argument that can be differentiated")
            )
        if not is_active_kind(v.kind):
            raise DerivativeTypeError(
                Problem(
                    "wrt",
                    f"{graph.name}: {w!r} is not a floating-point value",
                    help=f"pass {w} as float (for an integer array: {w}.astype(float))",
                )
            )
        out.append(v)
    return out
