"""Calls under a mask, as what they stand for: ``out=`` with ``where=``, ``np.select``.

What is masked out is not computed: ``np.divide(a, b, out=y, where=m)`` is ``y[m] = a[m] / b[m]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Args, Bound, Known, Kw, Loc, Plain
from srcdiff.frontend.statements import store
from srcdiff.ir.graph import Atom, Const, kind
from srcdiff.ir.kinds import Array, Dim, Kind, Scalar

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["MASKED", "call_where"]



def single(d: Dim) -> bool:
    """Whether a size may be one, so that it may be repeated."""
    return d == 1 if isinstance(d, int) else not d.big


def fits(k: Kind, whole: Kind) -> bool:
    """Whether an array is of the shape of the whole, given that it broadcasts against it."""
    if not isinstance(k, Array) or not isinstance(whole, Array) or len(k.dims) != len(whole.dims):
        return False
    return all(a == b or not single(a) for a, b in zip(k.dims, whole.dims, strict=True))


def spread(lw: Lowerer, a: Atom, target: Bound) -> Atom:
    """``a`` in the shape of the target."""
    whole, k = lw.read(target), kind(a)
    full = kind(whole)
    if fits(k, full):
        return a
    known = isinstance(full, Array) and isinstance(k, (Array, Scalar))
    result = Array(k.dtype, full.dims) if known else None  # type: ignore[union-attr]
    shape = lw.read(lw.bind_shape(lw.same_shape(whole)))
    return lw.prim(np.broadcast_to, [a, shape], result=result)


def under(lw: Lowerer, b: Bound, mask: Atom, target: Bound, node: Any) -> Bound:
    """What a mask of the shape of the target takes of an operand."""
    a = lw.read(b, node)
    return b if isinstance(kind(a), Scalar) else lw.bind(lw.getitem(spread(lw, a, target), mask))


def mask_of(lw: Lowerer, where: Bound, target: Bound, node: Any) -> Atom | None:
    """The mask in the shape of the target; None if all is taken."""
    mask = lw.read(where, node)
    k = kind(mask)
    if isinstance(mask, Const) and mask.value is True:
        return None
    if not isinstance(target, Loc) or not isinstance(kind(lw.read(target)), Array):
        lw.stop("option", "what is written under a mask must be an array", node)
    if not isinstance(k, (Array, Scalar)) or k.dtype != "b1":
        lw.stop("option", "where= must be an array of booleans", node, help="compare it: where=m != 0")
    return spread(lw, mask, target)


def call_where(
    lw: Lowerer, fn: Known, args: Args, kwargs: Kw, target: Bound, where: Bound, node: Any
) -> Bound | None:
    """``fn(*args, out=target, where=mask)``; None if the mask takes all."""
    mask = mask_of(lw, where, target, node)
    if mask is None:
        return None
    taken = [under(lw, a, mask, target, node) for a in args]
    store(lw, target, mask, lw.call(fn, taken, kwargs, node), node)
    return target


def listed(lw: Lowerer, b: Bound) -> list[Bound] | None:
    box = content(lw, b)
    return list(box.items) if isinstance(box, Agg) and box.type in (list, tuple) else None


def _select(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    """``np.select`` of displays: ``np.where``, one in another."""
    given = dict(zip(("condlist", "choicelist", "default"), args, strict=False)) | kwargs
    conditions, choices = listed(lw, given["condlist"]), listed(lw, given["choicelist"])
    if conditions is None or choices is None or len(conditions) != len(choices) or not choices:
        return None
    tests = [lw.read(c, node) for c in conditions]
    if any(not isinstance(k := kind(t), (Array, Scalar)) or k.dtype != "b1" for t in tests):
        return None
    out = lw.read(given.get("default", Plain(Const(0))), node)
    for test, choice in zip(reversed(tests), reversed(choices), strict=True):
        out = lw.prim(np.where, [test, lw.read(choice, node), out])
    return lw.bind(out)


MASKED: dict[Any, Any] = {np.select: _select}
