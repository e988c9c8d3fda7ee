"""What varies, what is saved and what stands in the way: for statements about a derivative."""

from __future__ import annotations

from dataclasses import dataclass

from srcdiff.analysis.activity import Activity
from srcdiff.differentiate.common import is_constant_fn
from srcdiff.differentiate.fetch import fetch
from srcdiff.differentiate.mirrors import Kept
from srcdiff.differentiate.problems import lost
from srcdiff.differentiate.reverse import reverse
from srcdiff.errors import NoRule, Problem, SrcdiffError
from srcdiff.faults import guarded
from srcdiff.ir.graph import Graph, Op, Region, Val, vals, walk
from srcdiff.ir.kinds import is_active_kind
from srcdiff.optimise.dce import dce
from srcdiff.pipeline import context, pairs, reading
from srcdiff.pipeline.signals import SIGNALS

__all__ = ["Account", "account", "partial_account"]


@dataclass
class Account:
    """What becomes of the statements of a function, by their origins."""

    varied: set[tuple[str, int]]  # statements through which the derivative flows, by file and line
    names: set[str]  # names that depend on the arguments
    kept: list[Kept]
    problems: tuple[Problem, ...]


def flow(graph: Graph, wrt: tuple[str, ...]) -> tuple[set[tuple[str, int]], Activity]:
    """The statements through which derivatives with respect to ``wrt`` flow, and what varies."""
    by_name = {p.name: p for p in graph.region.params}
    seeds = [v for w in wrt if (v := graph.info.get("values", {}).get(w) or by_name.get(w)) is not None]
    found = Activity(graph, seeds, is_constant_fn)
    at = {
        (op.origin.file, op.origin.line)
        for op in walk(graph.region)
        if op.origin is not None and not op.regions and any(o in found.varied for o in op.outs)
    }
    return at, found


@guarded(*SIGNALS)
def account(graph: Graph, wrt: tuple[str, ...]) -> Account:
    """What reverse mode does with a function: where derivatives flow, what is kept, what is refused."""
    at, moving = flow(graph, wrt)
    names = {v.name for v in moving.varied}
    word = "out_bar"
    try:
        g, bars, r = reverse(
            graph,
            reading.wrt_values(graph, wrt),
            context.CONTEXT,
            lambda b, res: [(res[0], pairs.cotangent(res[0], word, []))],
        )
        g.region.results = [*g.region.results, *bars]
        dce(g, frozenset(r.spared))
        fetch(r)
    except SrcdiffError as e:
        return Account(at, names, [], e.problems)
    return Account(at, names, r.kept, ())


def partial_account(graph: Graph, wrt: tuple[str, ...], problems: tuple[Problem, ...]) -> Account:
    """The same of a function that could not be read to its end: what was read may hold problems too."""
    at, moving = flow(graph, wrt)
    more: list[Problem] = []
    for op in walk(graph.region):
        if "unread" in op.attrs and op.out in moving.varied:
            more.append(op.attrs["unread"][1])
        elif op.code == "prim" and op.out in moving.lost:
            more += lost(op, moving.lost[op.out]).problems
        elif op.code == "prim" and op.out in moving.varied and is_active_kind(op.out.kind):
            more += refusals(op, moving.varied)
    found = sorted(dict.fromkeys((*problems, *more)), key=lambda p: (p.file, p.line))
    return Account(at, {v.name for v in moving.varied}, [], tuple(found))


def refusals(op: Op, varied: set[Val]) -> tuple[Problem, ...]:
    """What reverse mode has against one operation, looked at alone."""
    out = Val("out", op.out.kind)
    alone = Op("prim", list(op.ins), [out], [], dict(op.attrs), op.origin)
    out.op = alone
    given = list(dict.fromkeys(vals(op.ins)))
    graph = Graph("alone", Region(given, [alone], [out]))
    try:
        reverse(graph, [v for v in given if v in varied], context.CONTEXT,
                lambda b, res: [(res[0], pairs.cotangent(res[0], "out_bar", []))])  # fmt: skip
    except NoRule as e:
        return e.problems
    return ()
