"""Budgets of memory: the plan for the arguments of a call, made once for their sizes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff import pipeline
from srcdiff.api.targets import name_of
from srcdiff.emit.assemble import variables
from srcdiff.errors import NoRule, UnsupportedSyntax
from srcdiff.ir.classes import fields_of
from srcdiff.ir.graph import Graph, Struct, Val
from srcdiff.ir.modules import module_of
from srcdiff.memory.peaks import peak
from srcdiff.memory.plans import Foreseen, Marks, Plan, find, loops_of, mark
from srcdiff.memory.sizes import Sizes
from srcdiff.memory.values import Parts, Value
from srcdiff.signature import getter, key_of_value

if TYPE_CHECKING:
    from srcdiff.api.specialise import Arguments, Specialised

__all__ = ["Planner", "values_of"]

MARGIN = 20  # of what is foreseen, a part that is added: temporaries that it does not know of
FRAME = 16_000  # bytes that a call takes by itself
log = logging.getLogger("srcdiff")


class Planner:
    """The plans of one derivative, by the sizes of its arguments."""

    def __init__(self, of: Specialised, budget: int) -> None:
        self.of, self.budget = of, budget
        self.plans: dict[Any, Plan] = {}
        self.outside: dict[Any, list[tuple[Any, Any]]] = {}  # what is read from outside, by signature
        self.by_floats: dict[Any, bool] = {}  # whether numbers of trips follow from floats
        self.latest: Plan | None = None

    def plan(self, arguments: Arguments) -> Plan:
        """The plan for arguments of these sizes."""
        signature = tuple(map(key_of_value, arguments.values()))
        key = self.key(signature, arguments)
        if key not in self.plans:
            found = self.make(signature, arguments)
            self.plans[self.key(signature, arguments)] = found
            log.info("%s\n%s", name_of(self.of.primal), found)
        self.latest = self.plans[self.key(signature, arguments)]
        return self.latest

    def key(self, signature: Any, arguments: Arguments) -> Any:
        floats = self.by_floats.get(signature, True)
        own = tuple(sizes_of(v, floats) for v in arguments.values())
        seen = []
        for late, get in self.outside.get(signature, ()):
            try:
                seen.append(sizes_of(get() if get is not None else late(arguments), floats))
            except (LookupError, AttributeError, ValueError, TypeError):
                seen.append(None)
        return signature, own, tuple(seen)

    def make(self, signature: Any, arguments: Arguments) -> Plan:
        of = self.of
        params = of._params(arguments, of._all_wrt())
        graph = of._plain_graph(params, arguments)
        given = values_of(graph, dict(arguments))
        known, without = Sizes(), Sizes(numbers=False)
        for s in (known, without):
            s.run(graph, given)
        self.by_floats[signature] = (known.missing, known.once) != (without.missing, without.once)
        t = of._target
        self.outside[signature] = [getter(t.function, c.path, t.bound) for c in graph.captures]
        loops = loops_of(graph, known)

        def foresee(marks: Marks) -> Foreseen | None:
            counts: dict[int, Val] = {}
            try:
                sweeps = of._sweeps(of._layered(mark(graph, marks, counts)), arguments)
            except (NoRule, UnsupportedSyntax):
                if not marks:
                    raise
                return None
            settled = [pipeline.settled(g)[0] for g in sweeps]
            return Foreseen(self.peaks(settled, {**given, **self.directions(settled, arguments)}, counts))

        return find(loops, self.budget, name_of(of.primal), foresee)

    def directions(self, sweeps: list[Graph], arguments: Arguments) -> dict[str, Any]:
        """What stands for the vectors that a product takes: they have the sizes of its arguments."""
        r = self.of._request
        return {
            name: self.of._named(w, way, arguments)
            for g in sweeps
            for name, w, way in zip(g.info.get("tangents", ()), r.wrt, r.ways, strict=False)
        }

    def peaks(
        self, sweeps: list[Graph], given: Mapping[str, Any], counts: Mapping[int, Val]
    ) -> Callable[[dict[int, int]], int | None]:
        """The peak of the sweeps of a derivative, by numbers of snapshots."""

        names = {v: f"{n}.{word}" for n, g in enumerate(sweeps) for v, word in variables(g).items()}

        def at(snapshots: dict[int, int]) -> int | None:
            sizes = Sizes()
            now = {**given, **{counts[n].name: c for n, c in snapshots.items()}}
            values: dict[str, Value] = {}
            for g in sweeps:
                results = sizes.run(g, dict(now), values)
                values = saved(g, results, sweeps[-1])
            n = peak(sizes, sweeps, names)
            return None if n is None else n + n // MARGIN + FRAME

        return at


def saved(first: Graph, results: list[Value], second: Graph) -> dict[str, Value]:
    """What the first half of a pullback hands to the second, by the parameters of that."""
    whole = first.region.results[0]
    if first is second or not isinstance(whole, Struct) or not isinstance(results[0], Parts):
        return {}
    kept = results[0].items[-1]
    assert isinstance(kept, Parts)
    return {p.name: x for p, x in zip(second.region.params, kept.items, strict=False)}


def values_of(graph: Graph, arguments: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a graph by name: arguments, and what is read from outside."""
    return {**{c.name: c.value for c in graph.captures}, **arguments}


def sizes_of(value: Any, floats: bool) -> Any:
    """What the memory of a derivative depends on in a value."""
    if module_of(value) is not None:
        return value.shape
    if isinstance(value, (bool, int, np.integer, str)) or value is None:
        return value
    if isinstance(value, (float, np.floating)):
        return float(value) if floats else None
    if isinstance(value, (list, tuple)):
        return tuple(sizes_of(v, floats) for v in value)
    if isinstance(value, dict):
        return tuple((k, sizes_of(v, floats)) for k, v in value.items())
    names = None if isinstance(value, type) else fields_of(value)
    if names is not None:
        return tuple(sizes_of(getattr(value, n), floats) for n in names)
    return None
