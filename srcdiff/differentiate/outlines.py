"""Outlines: what goes on a tape for a large array of which the way back reads nothing but the shape.

Where sizes are not known to be alike, pullbacks ask at run time (``unbroadcast(g, x)``): the tape would hold
all of ``x`` for it.  ``np.broadcast_to(0.0, np.shape(x))`` takes no memory (in texts for NumPy it is
``outline(x)``), but a microsecond: small arrays are taped as they are, and kernels have none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from srcdiff.ir.graph import Const, Region, Val
from srcdiff.ir.kinds import Array, elements_of
from srcdiff.ir.modules import on_device
from srcdiff.rules import vocabulary

if TYPE_CHECKING:
    from srcdiff.differentiate.fetch import Settler

__all__ = ["outlined"]

LARGE = 4096  # elements, from which on


def outlined(settler: Settler, v: Val) -> Val | None:
    """The outline of a value, made where it is; None where the value itself may as well be taped."""
    k = v.kind
    if not isinstance(k, Array) or not k.dims or k.dtype != "f8" or on_device() or not is_large(settler, k):
        return None
    if settler.r.graph.info.get("kernels"):  # (a loop with one in it would be compiled in pieces)
        return None
    r = settler.r
    with r.inside(Region()) as made:
        r.origin = v.op.origin if v.op is not None else None
        shape = r.prim(vocabulary.SHAPE, [v])  # (what was a number in the first trip has none of its own)
        r.prim(vocabulary.REPEATS, [Const(0.0), shape], result=k, outline=True)
    home = r.home[v]
    at = home.ops.index(v.op) + 1 if v.op in home.ops else 0
    home.ops[at:at] = made.ops
    r.home.update((o, home) for op in made.ops for o in op.outs)
    return made.ops[-1].out


def is_large(settler: Settler, k: Array) -> bool:
    """Whether an array is large at the call, or the largest argument with as many dimensions."""
    seen = settler.r.graph.info.get("seen", {})
    params: Iterable[Val] = settler.r.graph.region.params
    alike = [p.kind for p in params if isinstance(p.kind, Array) and len(p.kind.dims) == len(k.dims)]
    return (elements_of(k, seen) or max((elements_of(m, seen) for m in alike), default=0)) >= LARGE
