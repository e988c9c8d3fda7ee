"""Numbers where arrays of no dimensions are expected: made such where paths and trips meet.

On a device the sum of an array is an array.  Where a variable is a number on one path, or before the first
trip (`total = 0.0`), and such an array on another, it is an array on all: what is done with it afterwards may
change it in place, and may ask it for its dtype.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from srcdiff.ir.graph import JOINS, Atom, Const, Graph, LoopView, Op, Ref, Region, Val, kind
from srcdiff.ir.kinds import Array, Kind, Scalar, Seq

__all__ = ["on_device_throughout"]


def on_device_throughout(graph: Graph) -> Graph:
    """Make arrays of the numbers that meet arrays of no dimensions."""
    in_region(graph.region)
    return graph


def in_region(region: Region) -> None:
    out: list[Op] = []
    for op in region.ops:
        if op.is_loop:
            view = LoopView(op)
            first = view.head
            kinds: Sequence[Kind] = [p.kind for p in view.params]
            op.ins[first : first + view.carried] = [
                placed(a, k, out, op) for a, k in zip(view.inits, kinds, strict=True)
            ]
            tapes = [t.kind.elem if isinstance(t.kind, Seq) else t.kind for t in view.tapes]
            replace_results(view.body, [*kinds, *tapes], op)
        elif op.code in JOINS:
            for r in op.regions:
                replace_results(r, [o.kind for o in op.outs], op)
        elif op.code == "call":
            params = op.attrs["graph"].region.params
            op.ins = [placed(a, p.kind, out, op) for a, p in zip(op.ins, params, strict=True)]
        for r in op.regions:
            in_region(r)
        out.append(op)
    region.ops = out


def replace_results(region: Region, kinds: Sequence[Kind], op: Op) -> None:
    for n, k in enumerate(kinds):
        region.results[n] = placed(region.results[n], k, region.ops, op)


def placed(a: Atom, k: Kind, ops: list[Op], near: Op) -> Atom:
    """An atom as an array, if it is a number and one is expected."""
    if not isinstance(k, Array) or k.dims or not is_number(a):
        return a
    own = kind(a)
    keeps = isinstance(a, Const) and np.asarray(a.value).dtype == np.dtype(k.dtype)
    options: list[Atom] = [] if keeps or own == Scalar(k.dtype, False) else [Ref(np.dtype(k.dtype).type, "")]
    names = ("",) * (1 + len(options))
    name = a.name if isinstance(a, Val) else ""
    op = Op.applying(np.array, [a, *options], k, near.origin, name, names=names, text="np.array")
    ops.append(op)
    return op.out


def is_number(a: Atom) -> bool:
    if isinstance(a, Const):
        return isinstance(a.value, (bool, int, float, complex))
    return isinstance(a, Val) and isinstance(a.kind, Scalar)
