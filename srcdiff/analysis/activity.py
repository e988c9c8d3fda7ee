"""Which values vary with the arguments that a derivative is taken in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from srcdiff.ir.graph import JOINS, Atom, Graph, LoopView, Op, Region, Val, vals
from srcdiff.ir.kinds import is_active_kind

__all__ = ["varied"]


def varied(graph: Graph, seeds: Iterable[Val], constant: Callable[[Any], bool]) -> set[Val]:
    """The values through which a change of ``seeds`` may flow; integers, flags and text never vary."""
    out = set(seeds)
    size = -1
    while size != len(out):
        size = len(out)
        _region(graph.region, out, constant)
    return out


def _any(atoms: Iterable[Atom], out: set[Val]) -> bool:
    return any(v in out for v in vals(atoms))


def _mark(v: Val, out: set[Val]) -> None:
    if is_active_kind(v.kind):
        out.add(v)


def _region(region: Region, out: set[Val], constant: Callable[[Any], bool]) -> None:
    for op in region.ops:
        _op(op, out, constant)


def _op(op: Op, out: set[Val], constant: Callable[[Any], bool]) -> None:
    if op.code in ("prim", "call", "unpack"):
        if _any(op.ins, out) and not (op.code == "prim" and constant(op.fn)):
            for v in op.outs:
                _mark(v, out)
    elif op.code in JOINS:
        for r in op.regions:
            _region(r, out, constant)
        for n, v in enumerate(op.outs):
            if _any([r.results[n] for r in op.regions], out):
                _mark(v, out)
    elif op.code in ("for", "while"):
        view = LoopView(op)
        size = -1
        while size != len(out):
            size = len(out)
            for s, e in zip(view.sources, view.elements, strict=True):
                if _any([s], out):
                    _mark(e, out)
            for i, y, p, f in zip(view.inits, view.yields, view.params, view.finals, strict=True):
                if _any([i, y], out):
                    _mark(p, out)
                    _mark(f, out)
            _region(view.body, out, constant)
            for c, t in zip(view.collected, view.tapes, strict=True):
                if _any([c], out):
                    _mark(t, out)
