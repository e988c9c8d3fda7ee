"""What is known of small arrays: their shapes, constant indices, what functions make of their elements."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from srcdiff.ir.graph import Atom, Const, Op, Slice, Struct, Val, kind, vals
from srcdiff.ir.indices import display, parts_of
from srcdiff.ir.kinds import Array, Scalar

__all__ = [
    "applied", "broadcast", "constant_index", "display_shape", "displayed", "is_hashable", "keeps_shape",
    "part_of", "plain_index", "shape_of", "small",
]  # fmt: skip


def small(k: Any, most: int) -> bool:
    if not isinstance(k, Array) or k.dtype != "f8" or not 1 <= len(k.dims) <= 2:
        return False
    sizes = [d for d in k.dims if type(d) is int and d > 0]
    return len(sizes) == len(k.dims) and math.prod(sizes) <= most


def shape_of(a: Atom) -> tuple[int, ...] | None:
    """The shape of an array of which all sizes are known, or of a number."""
    k = kind(a)
    if isinstance(k, Scalar):
        return () if k.dtype in ("f8", "i8") else None
    return tuple(int(d) for d in k.dims) if small(k, 2**31) else None  # type: ignore[union-attr, arg-type]


def constant(a: Atom) -> Any:
    """What an atom is, if it is all constants; raises where it is not."""
    if isinstance(a, Const):
        return a.value
    if isinstance(a, Slice):
        return slice(constant(a.lower), constant(a.upper), constant(a.step))
    if isinstance(a, Struct) and a.type is tuple:
        return tuple(map(constant, a.items))
    raise LookupError


def constant_index(a: Atom) -> Any:
    """A constant index of whole numbers and slices, or None."""
    try:
        index = constant(a)
    except LookupError:
        return None
    parts = index if isinstance(index, tuple) else (index,)
    return index if all(type(p) is int or isinstance(p, slice) for p in parts) else None


def plain_index(a: Atom) -> bool:
    """Whether an index is of whole numbers and slices: what it gives has the size that its kind says."""
    parts = parts_of(a)
    return all(isinstance(p, Slice) or (isinstance(k := kind(p), Scalar) and k.dtype == "i8") for p in parts)


def applied(op: Op, fn: Any, array: Callable[[Val], Any]) -> Any:
    """A function of arrays, applied to others of their shapes; LookupError where an operand is a number."""

    def value(a: Atom) -> Any:
        if isinstance(a, Val) and isinstance(a.kind, Array):
            return array(a)
        if isinstance(a, Struct) and a.type in (tuple, list):
            return a.type(map(value, a.items))
        return constant(a)

    names = op.names
    named = {n: value(a) for n, a in zip(names, op.ins, strict=True) if n}
    return fn(*(value(a) for n, a in zip(names, op.ins, strict=True) if not n), **named)


def keeps_shape(op: Op) -> bool:
    """Whether what a function makes of arrays of known sizes has the shape that its kind says."""
    arrays = [v for v in vals(op.ins) if isinstance(v.kind, Array)]
    if not arrays or any(not shape_of(v) for v in arrays):
        return False
    try:
        return bool(np.shape(applied(op, op.fn, lambda v: np.zeros(shape_of(v) or ()))) == shape_of(op.out))
    except (LookupError, TypeError, ValueError):
        return False


def part_of(x: Atom, index: Atom) -> tuple[int, ...] | None:
    """The shape of a part of an array, if both are known and the part is there."""
    shape, at = shape_of(x), constant_index(index)
    if not shape or at is None:
        return None
    try:
        return np.broadcast_to(0.0, shape)[at].shape  # type: ignore[no-any-return]
    except IndexError:
        return None


def broadcast(shapes: list[Any]) -> tuple[int, ...] | None:
    """The shape of arrays put together, if they can be."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None


def displayed(x: Any) -> Atom:
    """Elements as they are written."""
    if not isinstance(x, np.ndarray):
        return x  # type: ignore[no-any-return]
    items = [displayed(y) for y in x]
    return display(items, list)


def display_shape(a: Atom) -> tuple[int, ...] | None:
    """The shape of a display of numbers, and of small arrays as rows."""
    if isinstance(a, Struct) and a.type in (list, tuple):
        shapes = {display_shape(x) for x in a.items}
        if len(shapes) != 1:
            return None
        inner = shapes.pop()
        return None if inner is None else (len(a.items), *inner)
    if isinstance(a, Const):
        return () if type(a.value) in (int, float) else None
    return shape_of(a) if isinstance(a, Val) else None


def is_hashable(fn: Any) -> bool:
    try:
        hash(fn)
    except TypeError:
        return False
    return True
