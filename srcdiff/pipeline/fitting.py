"""Derivatives in the structure, shape and type of what they are derivatives of."""

from __future__ import annotations

import numpy as np

from srcdiff.differentiate.common import Builder
from srcdiff.ir.graph import Atom, Const, Graph, Ref, Struct, Val, kind
from srcdiff.ir.kinds import FLOAT, Array, Kind, Scalar, Simple, Tree, has_static, is_active_kind
from srcdiff.ir.modules import on_device
from srcdiff.pipeline import context, reading
from srcdiff.request import Request

__all__ = ["fitted", "in_structure", "with_dtypes"]


def in_structure(g: Graph, bars: list[Atom], wrt: tuple[str, ...]) -> list[Atom]:
    """Gradients in the structures of what they belong to."""
    b = Builder(context.CONTEXT, g)
    shapes = [shaped(b, bar, w.kind, w) for bar, w in zip(bars, reading.wrt_values(g, wrt), strict=True)]
    return [fitted(b, bar, w.kind) for bar, w in zip(shapes, reading.wrt_values(g, wrt), strict=True)]


def shaped(b: Builder, bar: Atom, k: Kind, of: Atom) -> Atom:
    """A gradient in the structure of its argument, with None where there is nothing to differentiate."""
    if isinstance(k, Tree) and not (isinstance(bar, Val) and is_active_kind(k) and not has_static(k)):
        if isinstance(bar, Struct) and len(bar.items) == len(k.items):
            parts: tuple[Atom, ...] = bar.items
        elif isinstance(bar, Val):
            parts = tuple(b.tree_item(bar, k, Const(key)) for key in k.keys)
        else:
            parts = (bar,) * len(k.items)
        values = [b.part(of, k, n) if has_static(k) else of for n in range(len(k.items))]
        items = tuple(
            v if key in k.static else shaped(b, p, x, v)
            for key, p, x, v in zip(k.keys, parts, k.items, values, strict=True)
        )
        return Struct(k.type, k.keys, items)
    if isinstance(k, (Scalar, Array, Simple)) and not is_active_kind(k):
        return Const(None)
    return bar


def fitted(b: Builder, a: Atom, k: Kind) -> Atom:
    """A gradient in the dtype of its argument."""
    if isinstance(a, Struct) and isinstance(k, Tree) and len(a.items) == len(k.items):
        return Struct(a.type, a.keys, tuple(fitted(b, x, y) for x, y in zip(a.items, k.items, strict=True)))
    own = kind(a)
    number = isinstance(own, Scalar) or (isinstance(own, Array) and not own.dims)
    if number and (isinstance(k, Scalar) or (isinstance(k, Array) and not k.dims)):
        return fitted_number(b, a, own, k)  # type: ignore[arg-type]
    if (
        isinstance(own, Array)
        and isinstance(k, Array)
        and own.dtype != k.dtype
        and own.dtype[0] + k.dtype[0] in ("ff", "cc", "fc")
    ):
        return b.prim(
            np.astype,
            [a, Ref(np.dtype(k.dtype).type, f"np.{np.dtype(k.dtype).name}")],
            result=Array(k.dtype, own.dims),
        )
    return a


def fitted_number(b: Builder, a: Atom, own: Scalar | Array, k: Scalar | Array) -> Atom:
    """A gradient that is one number, in the type of its argument: a number of Python is of the widest."""
    if k.dtype[0] not in "fc" or own.dtype[0] == "c" != k.dtype[0]:
        return a
    wide = isinstance(own, Scalar) and own.dtype in ("f8", k.dtype)
    if k.dtype == "f8" and (wide or (isinstance(k, Array) and own.dtype == "f8")):
        return a
    if isinstance(own, Array) and on_device():
        return a  # (it stays where it is)
    if isinstance(k, Scalar) and k.weak and k.dtype == "f8":
        return b.prim(float, [a], result=FLOAT)
    cls = np.dtype(k.dtype).type
    if k.dtype[0] == "c" or (isinstance(a, Val) and a.op is not None and a.op.fn is cls):
        return a
    return b.prim(cls, [a], result=Scalar(k.dtype, False))  # (what is narrow may have met what is wide)


def with_dtypes(g: Graph, request: Request) -> Graph:
    """Gradients have the dtypes of their arguments."""
    b = Builder(context.CONTEXT, g)
    kinds = [w.kind for w in reading.wrt_values(g, request.wrt)]
    whole = Tree(tuple, tuple(range(len(kinds))), tuple(kinds)) if not request.single else kinds[0]
    result = g.region.results[0]
    at = 1 if request.mode == "value_and_grad" else 0 if request.has_aux else None
    if at is None:
        g.region.results = [fitted(b, result, whole)]
    elif isinstance(result, Struct):
        g.region.results = [
            Struct(
                result.type,
                result.keys,
                tuple(fitted(b, x, whole) if n == at else x for n, x in enumerate(result.items)),
            )
        ]
    return g
