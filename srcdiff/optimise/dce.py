"""Removal of dead code, through branches, loops and tapes: what no result and no effect needs is not there.

From the returned cotangents this is also the slicing of the forward sweep: what the gradient does not read of
the primal is gone.
"""

from __future__ import annotations

from srcdiff.analysis.liveness import Liveness, deciding, ends_loop
from srcdiff.ir.graph import JOINS, Graph, LoopView, Op, Region, Val, let_go

__all__ = ["dce"]


def dce(graph: Graph, spare: frozenset[Op] = frozenset()) -> Graph:
    """Remove dead operations, loop variables, tapes and results, in place; returns the graph.

    Operations in ``spare`` are left as they are.
    """
    found = Liveness(graph, spare)
    _sweep(graph.region, found, spare)
    return graph


def _sweep(region: Region, found: Liveness, spare: frozenset[Op] = frozenset()) -> None:
    live = found.live
    keep: list[Op] = []
    gone: list[Op] = []
    for op in region.ops:
        if op in spare:
            pass
        elif op.code in JOINS:
            at = [n for n, o in enumerate(op.outs) if o in live]
            op.outs = [op.outs[n] for n in at]
            for r in op.regions:
                r.results = [r.results[n] for n in at]
                _sweep(r, found, spare)
            if not op.outs and not found.acts(op) and not deciding(op, live):
                gone.append(op)
                continue
        elif op.is_loop:
            if live.isdisjoint(op.outs) and not found.acts(op) and not deciding(op, live):
                gone.append(op)
                continue
            _trim(op, live)
            for r in op.regions:
                _sweep(r, found, spare)
        elif live.isdisjoint(op.outs) and not found.acts(op):
            gone.append(op)
            continue
        keep.append(op)
    region.ops = keep
    for op in () if spare else gone:  # (where some are spared, the sweep knows others yet)
        let_go(op)


def _trim(op: Op, live: set[Val]) -> None:
    """Drop dead loop variables, tapes and sources."""
    view = LoopView(op)
    head, n = view.head, view.carried
    params, finals, inits, yields = view.params, view.finals, view.inits, view.yields
    carried = [
        j
        for j in range(n)
        if params[j] in live or finals[j] in live or (op.code == "while" and op.regions[0].params[j] in live)
    ]
    sources = [j for j, e in enumerate(view.elements) if e in live or ends_loop(op, view, j)]
    tapes = [j for j, t in enumerate(view.tapes) if t in live]
    collected, tape_outs, elements, srcs = view.collected, view.tapes, view.elements, view.sources
    tail_results = [view.exit_result] if view.exit_result is not None else []
    tail_outs = op.outs[n + len(collected) :]
    index = view.body.params[: view.has_index]
    if op.code == "while":
        op.regions[0].params = [op.regions[0].params[j] for j in carried]
    view.body.params = [*index, *(params[j] for j in carried), *(elements[j] for j in sources)]
    view.body.results = [*(yields[j] for j in carried), *(collected[j] for j in tapes), *tail_results]
    op.ins = [*op.ins[:head], *(inits[j] for j in carried), *(srcs[j] for j in sources)]
    op.outs = [*(finals[j] for j in carried), *(tape_outs[j] for j in tapes), *tail_outs]
    dirs = op.attrs["dirs"]
    op.attrs = {**op.attrs, "carried": len(carried), "dirs": tuple(dirs[j] for j in sources)}
