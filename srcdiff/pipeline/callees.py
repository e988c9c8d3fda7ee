"""Derivatives of functions that call themselves: one of each, however deep."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from srcdiff.differentiate.common import Builder
from srcdiff.differentiate.fetch import fetch
from srcdiff.differentiate.forward import forward
from srcdiff.differentiate.halves import halves
from srcdiff.differentiate.reverse import reverse
from srcdiff.ir.graph import ZERO, Atom, Graph, Region, Struct, Val, walk
from srcdiff.ir.kinds import UNKNOWN, Kind, is_active_kind
from srcdiff.later import Later
from srcdiff.optimise.dce import dce
from srcdiff.pipeline import context

if TYPE_CHECKING:
    from srcdiff.differentiate import taylor as series
else:
    series = Later("srcdiff.differentiate.taylor")

__all__ = ["callees", "fresh", "pullback_of", "tangent_of"]


_unfinished: list[tuple[dict[Any, Any], Any]] = []  # derived graphs that are being made


def derived(
    callee: Graph, key: Any, shells: tuple[Graph, ...], fill: Callable[[], None]
) -> tuple[Graph, ...]:
    """The graphs derived from a function, made once; they may call themselves, so are known before made."""
    memo = callee.info.setdefault("derived", {})
    if key in memo:
        return memo[key]  # type: ignore[no-any-return]
    memo[key] = shells
    _unfinished.append((memo, key))
    size = len(_unfinished)
    try:
        fill()
    except BaseException:
        for table, k in _unfinished[size - 1 :]:  # what was made since may call what is missing
            table.pop(k, None)
        del _unfinished[size - 1 :]
        raise
    if size == 1:
        _unfinished.clear()
    return shells


def shell(
    callee: Graph,
    suffix: str,
    docstring: str,
    results: tuple[Kind, ...],
    effect: bool,
    saved: tuple[int, ...],
) -> Graph:
    info = {k: v for k, v in callee.info.items() if k in ("aliases", "reserved", "lines", "kind_of")}
    info.update(results=results, effect=effect, docstring=docstring, saved=saved)
    return Graph(f"{callee.name}{suffix}", Region(), info=info)


def listed(callee: Graph, active: tuple[int, ...]) -> str:
    return ", ".join(callee.region.params[i].name for i in active)


def tangent_of(callee: Graph, active: tuple[int, ...], orders: int) -> Graph:
    """A function that calls itself, with the tangents of its result for those of some of its arguments.

    With ``orders``, Taylor coefficients from the first order on instead.
    """
    kinds: tuple[Kind, ...] = callee.info["results"]
    dotted = [n for n, k in enumerate(kinds) if is_active_kind(k)]
    saved = callee.info.get("saved", ())
    each = range(max(orders, 1))
    slots = (*saved, *(len(kinds) + k * len(dotted) + dotted.index(n) for k in each for n in saved))
    what = "its change along the tangents" if orders == 0 else "its Taylor coefficients from those"
    text = f"Value of {callee.name} and {what} of {listed(callee, active)}."
    all_kinds = (*kinds, *(kinds[n] for _ in each for n in dotted))
    new = shell(callee, "_taylor" if orders else "_dot", text, all_kinds, callee.info["effect"], slots)

    def fill() -> None:
        wrt = [callee.region.params[i] for i in active]
        if orders:
            taken = {p.name for p in callee.region.params}
            seeds = {
                w: [Val(fresh(f"{w.name}_{k + 1}", taken), w.kind, user=True) for k in each] for w in wrt
            }
            g, found = series.taylor(callee, seeds, context.CONTEXT, orders)
            g.region.params.extend(seeds[w][k] for k in each for w in wrt)
        else:
            g, dots, _ = forward(callee, wrt, context.CONTEXT)
            found = [[t] for t in dots]
        b = Builder(context.CONTEXT, g)
        results = list(g.region.results)
        g.region.results = [*results, *(filled(b, found[n][k], results[n]) for k in each for n in dotted)]
        new.region = context.optimised(g).region

    return derived(callee, ("dot", active, orders), (new,), fill)[0]


def fresh(word: str, taken: set[str]) -> str:
    """A name that is not taken; it is then."""
    while word in taken:
        word += "_"
    taken.add(word)
    return word


def filled(b: Builder, t: Atom, x: Atom) -> Atom:
    """The tangent of a result as a value, also where it does not change."""
    if isinstance(x, Struct):
        items = t.items if isinstance(t, Struct) else (ZERO,) * len(x.items)
        return Struct(x.type, x.keys, tuple(filled(b, i, y) for i, y in zip(items, x.items, strict=True)))
    return b.materialise(t, x)


def pullback_of(callee: Graph, active: tuple[int, ...]) -> tuple[Graph, Graph]:
    """The two halves of the pullback of a function that calls itself."""
    kinds: tuple[Kind, ...] = callee.info["results"]
    params = [callee.region.params[i] for i in active]
    names = listed(callee, active)
    saved = (*callee.info.get("saved", ()), len(kinds))
    fwd = shell(
        callee,
        "_fwd",
        f"Value of {callee.name} and what its pullback needs.",
        (*kinds, UNKNOWN),
        callee.info["effect"],
        saved,
    )
    bwd = shell(
        callee,
        "_bwd",
        f"Pullback of {callee.name}: cotangents of {names}.",
        tuple(p.kind for p in params),
        False,
        (),
    )

    def fill() -> None:
        bars_in: list[Val] = []

        def seeds(r: Any, results: list[Atom]) -> list[tuple[Atom, Atom]]:
            out: list[tuple[Atom, Atom]] = []
            for a, k in zip(results, kinds, strict=True):
                if is_active_kind(k):
                    bar = Val(
                        "out_bar"
                        if len(kinds) == 1
                        else f"{a.name or 'out'}_bar"
                        if isinstance(a, Val)
                        else "saved_bar",
                        k,
                        user=True,
                    )
                    bars_in.append(bar)
                    out.append((a, bar))
            return out

        g, bars, r = reverse(callee, params, context.CONTEXT, seeds)
        n = len(g.region.results)
        g.region.params = [*g.region.params, *bars_in]
        g.region.results = [*g.region.results, *bars]
        dce(g, frozenset(r.spared))
        fetch(r)
        g = context.optimised(g, merge=False)
        fwd.region, bwd.region = halves(g, g.region.params[len(g.region.params) - len(bars_in) :], n)
        fwd.region, bwd.region = (context.optimised(half, merge=False).region for half in (fwd, bwd))

    made = derived(callee, ("pair", active), (fwd, bwd), fill)
    return made[0], made[1]


def callees(graph: Graph, found: dict[Graph, None] | None = None) -> dict[Graph, None]:
    """The functions that a graph calls, those first that the others call."""
    found = {} if found is None else found
    for op in walk(graph.region):
        if op.code == "call" and op.attrs["graph"] not in found:
            callee = op.attrs["graph"]
            found[callee] = None
            callees(callee, found)
            del found[callee]
            found[callee] = None
    return found
