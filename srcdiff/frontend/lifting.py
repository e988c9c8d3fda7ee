"""Functions handed to a solver: made functions of the text whose arguments are all that they depend on.

SciPy calls them as they are; derivatives are taken of them by their arguments, so what they took from outside
(a variable around them, a captured array) is an argument like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from srcdiff.frontend import operands
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Bound, Closure, Known, Partial, Plain
from srcdiff.ir.graph import Atom, Graph, Ref, Region, Val, kind, walk
from srcdiff.ir.kinds import Kind
from srcdiff.ir.records import dataclass
from srcdiff.ir.regions import made_in, read_in, replace_values

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["Wanted", "lift"]


@dataclass(frozen=True)
class Wanted:
    """A function to lift: the parameters that the solver fills, what follows them, which part is meant."""

    fn: Bound
    params: tuple[tuple[str, Kind], ...]
    rest: tuple[Bound, ...] = ()
    part: int | None = None
    change: Any = None  # what is made of its result


def word_of(fn: Bound) -> str:
    if isinstance(fn, Closure):
        return fn.name if fn.name.isidentifier() else "objective"
    if isinstance(fn, Partial):
        return word_of(fn.fn)
    name = getattr(getattr(fn, "obj", None), "__name__", "objective")
    return name if name.isidentifier() else "objective"


def lift(lw: Lowerer, wanted: Sequence[Wanted], node: Any) -> tuple[list[Ref], list[Atom], list[Kind]]:
    """The functions, the arguments that they take after their own, and the kinds of their results."""
    regions: list[tuple[Region, list[Val]]] = []
    for w in wanted:
        before = lw.state.copy()
        known, region = len(lw.problems), Region()
        params = [Val(name, k, user=True) for name, k in w.params]
        with lw.inside(region):
            args: list[Bound] = [lw.bind(v) for v in params]
            result = lw.call(w.fn, [*args, *w.rest], {}, node)
            if w.part is not None:
                box = content(lw, result)
                if not isinstance(box, Agg) or len(box.items) <= w.part:
                    lw.stop("call", f"{word_of(w.fn)} must return a tuple here", node)
                result = box.items[w.part]
            result = operands.as_array(lw, result, node)
            if w.change is not None:
                result = w.change(result)
            out = lw.read(result, node)
        if len(lw.problems) > known:
            lw.fail()
        check_pure(lw, before, region, word_of(w.fn), node)
        region.params, region.results = params, [out]
        regions.append((region, params))
    free = free_values([r for r, _ in regions])
    refs = []
    taken = {v.name for _, ps in regions for v in ps}
    names = [unused(v.name or "p", taken) for v in free]
    for w, (region, params) in zip(wanted, regions, strict=True):
        own = [Val(n, v.kind, user=True) for n, v in zip(names, free, strict=True)]
        kept = {k: v for k, v in lw.graph.info.items() if k in ("aliases", "kind_of", "lines", "modules")}
        graph = Graph(word_of(w.fn), region, info=kept)
        replace_values(region, dict(zip(free, own, strict=True)))
        region.params = [*params, *own]
        fn = lw.ctx.compiled(graph)
        refs.append(Ref(fn, fn.__name__))
    return refs, list(free), [kind(r.results[0]) for r, _ in regions]


def unused(name: str, taken: set[str]) -> str:
    word, n = name if name.isidentifier() else "p", 1
    while word in taken:
        n += 1
        word = f"{name}_{n}"
    taken.add(word)
    return word


def free_values(regions: list[Region]) -> list[Val]:
    """What the regions take from outside, in the order in which they meet it."""
    made = {v for r in regions for v in made_in(r)}
    return list(dict.fromkeys(v for r in regions for v in read_in(r) if v not in made))


def check_pure(lw: Lowerer, before: Any, region: Region, name: str, node: Any) -> None:
    """Refuse functions that do more than give a result: how often a solver calls them is its own affair."""
    acts = any(op.code in ("opaque", "try", "with") for op in walk(region))
    now = lw.state
    wrote = any(now.cells.get(c) is not v for c, v in before.cells.items()) or any(
        now.names.get(k) is not b for k, b in before.names.items()
    )
    if acts or wrote:
        lw.stop(
            "call", f"{name} is given to a solver, and does more than return a value", node,
            note="it prints, raises, or writes to what is outside it: how often is up to the solver",
            help="take that out of the function",
        )  # fmt: skip


def is_function(lw: Lowerer, b: Bound | None) -> bool:
    return (
        b is not None
        and not isinstance(content(lw, b), (Plain, Agg))
        and isinstance(b, (Known, Closure, Partial))
    )
