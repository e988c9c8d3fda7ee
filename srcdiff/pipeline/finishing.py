"""From a graph to a text that runs, in NumPy or with kernels."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from srcdiff.emit.assemble import emit
from srcdiff.emit.devices import beyond
from srcdiff.emit.spelling import Spelling
from srcdiff.errors import NoRule
from srcdiff.faults import guarded
from srcdiff.ir import ops
from srcdiff.ir.graph import Graph, clone, taken_apart
from srcdiff.ir.modules import on_device
from srcdiff.later import Later
from srcdiff.load import load
from srcdiff.optimise.at_once import done_at_once
from srcdiff.optimise.choices import choices_of_numbers
from srcdiff.optimise.contract import contracted
from srcdiff.optimise.filled import made_full, made_of_sizes
from srcdiff.optimise.held import Held
from srcdiff.optimise.inplace import memory_of
from srcdiff.optimise.lists import as_lists
from srcdiff.optimise.outers import outers_at_once
from srcdiff.optimise.over_lists import over_lists
from srcdiff.optimise.pack import pack
from srcdiff.optimise.passes import noted
from srcdiff.optimise.picked import picked_at_once
from srcdiff.optimise.powers import powers_as_products
from srcdiff.optimise.put_back import put_back_at_once
from srcdiff.optimise.reuse import reuse
from srcdiff.optimise.shorthand import Pattern, pattern, shorthand
from srcdiff.optimise.together import added_together
from srcdiff.pipeline import callees, context, owning
from srcdiff.pipeline.signals import SIGNALS
from srcdiff.pipeline.some_rows import may_grow, some_rows
from srcdiff.request import Made
from srcdiff.rules import registry
from srcdiff.rules.shorthand import SHORTHANDS, word

if TYPE_CHECKING:
    from srcdiff.compiled import partition as kernels
    from srcdiff.cuda import plan as devices
else:
    kernels = Later("srcdiff.compiled.partition")
    devices = Later("srcdiff.cuda.plan")

__all__ = ["compiled", "finish"]


@guarded(*SIGNALS)
def finish(
    graph: Graph, name: str, docstring: str, backend: str = "numpy", rowwise: bool = False
) -> Made:
    """Settle ownership, write the text, compile it; ``rowwise``: it may go over large arrays in parts."""
    if backend in ("numba", "numba-parallel"):
        return finish_compiled(graph, name, docstring, backend == "numba-parallel")
    if backend == "cupy-fused":
        return finish_fused(graph, name, docstring)
    cut = None
    if rowwise and not on_device() and not graph.info.get("budget"):
        cut = some_rows(graph)
        graph.info["by_size"] = cut is not None or may_grow(graph)
        graph.info["sizes"] = (cut or graph).info.get("sizes", ())
        if cut is not None:
            docstring = f"{docstring.removesuffix('.')}, {cut.info['cut'][0]:,} rows at a time."
            graph.info["cut"] = cut.info["cut"]
    own_graph, read = settled(cut or graph)
    called = {c: as_printed(c) for c in callees.callees(graph)}
    if on_device():
        check_device(own_graph, *called.values())
    text = emit(own_graph, name, docstring, called)
    text.functions = []  # (nobody takes it into a text of its own)
    taken_apart(own_graph.region)
    return Made(load(text.source, name, text.objects, text.origin), text, graph, read)


def text_at(graph: Graph, name: str, is_owned: bool) -> str:
    """The text that a graph has between two passes; ``is_owned``: what is in place is settled already."""
    own_graph = clone(graph)[0] if is_owned else settled(graph, packed=False)[0]
    called = {c: as_printed(c) for c in callees.callees(graph)}
    return emit(own_graph, name, "", called).source


def check_device(*graphs: Graph) -> None:
    """Refuse what the module of the arrays cannot do, at the user's statements."""
    spelling = Spelling(graphs[0].info.get("aliases", {}), graphs[0].info.get("modules", ()))
    problems = [p for g in graphs for p in beyond(g, spelling)]
    if problems:
        raise NoRule(*problems)


def finish_compiled(graph: Graph, name: str, docstring: str, threads: bool) -> Made:
    """The same with kernels; what numba does not take after all is left to NumPy, and said."""
    banned: dict[int, str] = {}
    graph = context.optimised(clone(graph)[0])
    left = [p for p in shorthands() if not all(map(kernels.known, p.functions()))]  # NumPy's in part
    graph = noted("shorthand", shorthand(graph, left))
    while True:
        own_graph, read = settled(graph, packed=False)
        own_graph.info["word"] = name
        context.doubles(own_graph)
        own_graph.info["frees"] = registry.may_alias
        memory, written = memory_of(own_graph, registry.may_alias, context.is_fresh, context.shape_positions)
        plan = kernels.partition(own_graph, memory, written, banned, threads)
        called = {c: as_printed(c) for c in callees.callees(own_graph) if c not in plan.kernels}
        own_graph.info["reserved"] = (*own_graph.info.get("reserved", ()), *plan.words)
        defs, imports = plan.functions()
        text = emit(own_graph, name, docstring, called, True, defs, imports)
        fn = load(text.source, name, text.objects, text.origin, importable=bool(plan.kernels))
        failed = plan.compile(fn.__globals__)
        if not failed:
            return Made(fn, text, graph, read, plan=plan)
        for kernel, why in failed.items():
            banned.update(dict.fromkeys(plan.members[kernel], why))


def finish_fused(graph: Graph, name: str, docstring: str) -> Made:
    """The same with kernels for the GPU."""
    graph = context.optimised(clone(graph)[0])
    banned: dict[int, str] = {}
    while True:
        own_graph, read = settled(graph, packed=False)
        own_graph.info["word"] = name
        memory, written = memory_of(own_graph, registry.may_alias, context.is_fresh, context.shape_positions)
        plan = devices.fused(own_graph, memory, written, banned)
        if not plan.again:
            break
        banned.update(plan.again)
    called = {c: as_printed(c) for c in callees.callees(own_graph) if c not in plan.kernels}
    if on_device():
        check_device(own_graph, *called.values())
    own_graph.info["reserved"] = (*own_graph.info.get("reserved", ()), *plan.words)
    defs, imports = plan.functions()
    text = emit(own_graph, name, docstring, called, True, defs, imports, plan.above())
    return Made(load(text.source, name, text.objects, text.origin), text, graph, read, plan=plan)


def compiled(graph: Graph) -> Any:
    """A graph as a function; a text that calls it can hold its text."""
    own_graph = as_printed(graph)
    called = {c: as_printed(c) for c in callees.callees(graph)}
    text = emit(own_graph, graph.name, "", called)
    fn = load(text.source, graph.name, text.objects)
    fn.__srcdiff_text__ = text  # type: ignore[attr-defined]
    return fn


def settled(graph: Graph, packed: bool = True) -> tuple[Graph, Any]:
    """The graph as it is printed, its updates in place, and what it reads of captured objects."""
    own_graph, _ = clone(graph)
    owning.read_parts(own_graph)
    owning.detach(own_graph)
    own_graph = printed(own_graph) if packed else owning.owned(own_graph)
    return own_graph, owning.read_captures(own_graph)


def as_printed(graph: Graph) -> Graph:
    """The graph of a function that a text calls, as it is printed."""
    return printed(owning.detach(context.optimised(clone(graph)[0])))


@functools.cache
def shorthands() -> list[Pattern]:
    """What the rules have quick ways to."""
    return [pattern(*each, word) for each in SHORTHANDS]


def printed(graph: Graph) -> Graph:
    """The last passes: what is done in place, what is written over, and which tapes are one."""
    facts = registry.may_alias, context.is_fresh, context.shape_positions
    words = context.WORDS
    held = Held(graph)  # (no pass makes what another one looks for)

    def where(found: bool, name: str, run: Callable[..., Graph], *more: Any) -> Graph:
        """A pass, where what it looks for was found."""
        return noted(name, run(graph, *more) if found else graph)

    if not on_device():
        graph = where("for" in held.codes, "over_lists", over_lists)
        if not graph.info.get("budget"):  # (what is put away is no part of it)
            graph = where(held.any(words.outer), "together", added_together, words)
            graph = noted("put_back", put_back_at_once(graph))
            graph = noted("at_once", done_at_once(graph, words))
        graph = noted("shorthand", shorthand(graph, shorthands()))
        graph = where(held.any(ops.additem), "picked", picked_at_once, words)
        graph = where(held.any(operator.pow), "powers", powers_as_products)
        graph = where(held.any(words.outer, *words.expands), "outers", outers_at_once, words)
        graph = where(held.any(words.blanks[0]), "sizes", made_of_sizes, words)
    graph = owning.owned(graph)
    if not on_device():
        graph = where(held.any(words.contract, words.total), "contract", contracted, words)
    graph = noted("reuse", reuse(graph, *facts, words))
    if not on_device():
        graph = where(held.any(*words.expands), "filled", made_full, words)
        graph = where(held.any(words.choose), "choices", choices_of_numbers, words)
        graph = context.doubles(noted("lists", as_lists(graph, context.NUMBERS)))
        graph.info["rows"] = not graph.info.get("budget")
        graph.info["frees"] = registry.may_alias
    return noted("pack", pack(graph))
