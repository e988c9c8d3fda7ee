"""Shapes known without a sample: of parts of an array, of arrays reshaped, broadcast, or multiplied."""

from __future__ import annotations

from typing import Any

import numpy as np

from srcdiff.ir.graph import Atom, Const, Slice, Struct, Val, is_none, kind
from srcdiff.ir.indices import is_dots
from srcdiff.ir.kinds import (
    OTHER,
    STR,
    UNKNOWN,
    Array,
    Dim,
    Kind,
    Map,
    Scalar,
    Seq,
    Sym,
    Tree,
    at_least,
    common_size,
    dtype_name,
    element_kind,
    fresh_sym,
    is_at_least,
    is_joined,
    is_whole,
    memo_sym,
)

__all__ = [
    "array_of", "broadcast_dims", "broadcast_to", "index_kind", "index_parts", "length_of", "multiplied",
    "reshaped",
]  # fmt: skip


def reshaped(k: Kind, shape: Atom) -> Kind | None:
    """The kind of a reshaped array."""
    if not isinstance(k, Array):
        return None
    parts = list(shape.items) if isinstance(shape, Struct) else [shape]
    dims: list[Dim] = []
    for p in parts:
        pk = kind(p)
        if isinstance(p, Const) and isinstance(p.value, int):
            if p.value == -1 and len(parts) == 1 and len(k.dims) == 1:
                dims.append(k.dims[0])
            elif p.value == -1:
                big = len(parts) == 1 and any(
                    (isinstance(d, Sym) and d.big) or (isinstance(d, int) and d > 1) for d in k.dims
                )
                found = memo_sym("reshape", k.dims, tuple(key_of_size(x) for x in parts), len(dims))
                dims.append(Sym(found.id, 0, big))
            else:
                dims.append(p.value)
        elif is_whole(pk):
            dims.append(pk.value if pk.value is not None else memo_sym("number", key_of_size(p)))
        else:
            return None
    return Array(k.dtype, tuple(dims))


def broadcast_to(k: Kind, shape: Atom) -> Kind | None:
    """The kind of what is repeated to a shape, whose sizes need not be known to fit."""
    sizes = [kind(p) for p in (shape.items if isinstance(shape, Struct) else ())]
    if not sizes or not isinstance(k, (Array, Scalar)):
        return None
    dims = tuple(d.value for d in sizes if isinstance(d, Scalar) and d.value is not None)
    return Array(k.dtype, dims) if len(dims) == len(sizes) else None


def array_of(v: Val, k: Kind) -> Kind | None:
    """The kind of an array of a list of numbers or of arrays: two of one list are of one length."""
    if not isinstance(k, Seq) or not isinstance(k.elem, (Scalar, Array)):
        return None
    rest = k.elem.dims if isinstance(k.elem, Array) else ()
    return Array(k.elem.dtype, (length_of(v), *rest))


def length_of(a: Atom) -> Sym:
    """The size that stands for the length of a list."""
    return memo_sym("len", a.id) if isinstance(a, Val) else fresh_sym()


def multiplied(a: Kind, b: Kind) -> Kind | None:
    """The kind of a matrix product."""
    if not isinstance(a, Array) or not isinstance(b, Array) or not a.dims or not b.dims:
        return None
    dtype = np.result_type(a.dtype, b.dtype)
    name = dtype_name(np.dtype(dtype))
    if len(a.dims) == 1 and len(b.dims) == 1:
        return element_kind(name)
    if len(a.dims) == 1:
        return Array(name, (*b.dims[:-2], b.dims[-1]))
    if len(b.dims) == 1:
        return Array(name, a.dims[:-1])
    batch = broadcast_dims(a.dims[:-2], b.dims[:-2])
    return Array(name, (*batch, a.dims[-2], b.dims[-1]))


def broadcast_dims(a: tuple[Dim, ...], b: tuple[Dim, ...]) -> tuple[Dim, ...]:
    """The dimensions of an elementwise result."""
    n = max(len(a), len(b))
    a, b = (1,) * (n - len(a)) + a, (1,) * (n - len(b)) + b
    out: list[Dim] = []
    for x, y in zip(a, b, strict=True):
        if x == y or y == 1:
            out.append(x)
        elif x == 1:
            out.append(y)
        elif isinstance(x, int):
            out.append(x)
        elif isinstance(y, int):
            out.append(y)
        elif x.big != y.big:
            out.append(x if x.big else y)
        elif x.big:
            out.append(x)
        else:
            out.append(common_size(x, y))
    return tuple(out)


def slice_dim(d: Dim, s: Slice) -> Dim:
    lo: Any = s.lower.value if isinstance(s.lower, Const) else "?"
    hi: Any = s.upper.value if isinstance(s.upper, Const) else "?"
    st = s.step.value if isinstance(s.step, Const) else "?"
    if st == -1 and lo is None and hi is None:
        return d
    if st in (None, 1) and lo != "?" and hi != "?":
        lo = 0 if lo is None else lo
        if isinstance(d, int):
            return len(range(d)[lo:hi])
        if inside(d, lo, hi):
            return len(range(at_least(d))[lo:hi])
        if lo >= 0 and (hi is None or hi < 0):
            off = d.offset - lo + (hi or 0)
            return d if off == d.offset else Sym(d.id, off, at_least(Sym(d.id, off)) > 1)
    elif isinstance(st, int) and st != 0 and all(isinstance(x, int | None) for x in (lo, hi)):
        if isinstance(d, int):
            return len(range(d)[lo:hi:st])
        cut = (lo or 0) - (hi or 0)
        if st > 0 and (lo or 0) >= 0 and (hi is None or hi < 0) and not is_joined(d):
            size = memo_sym("every", d.id, d.offset - cut, st)  # (as many, wherever they begin)
            least = -(-at_least(Sym(d.id, d.offset - cut)) // st)
            is_at_least(size, least)
            return Sym(size.id, 0, least > 1)
    if st in (None, 1) and lo in (None, 0) and isinstance(s.upper, Val):
        k = kind(s.upper)
        if isinstance(k, Scalar) and k.value is not None and k.value == d:
            return d
    return memo_sym("slice", d, key_of_size(s.lower), key_of_size(s.upper), key_of_size(s.step))


def inside(d: Dim, lo: int, hi: int | None) -> bool:
    """Whether a slice takes as many elements of any axis that is long enough, as this one is."""
    if hi is not None and (lo < 0) == (hi < 0):
        return at_least(d) >= max(hi, -lo)
    return hi is None and 0 < -lo <= at_least(d)


def key_of_size(a: Atom) -> Any:
    k = kind(a)
    if isinstance(a, Val) and isinstance(k, Scalar) and k.value is not None:
        return k.value
    return a.id if isinstance(a, Val) else repr(a)


def index_parts(index: Atom) -> list[Atom]:
    """The parts of an index; of one that is a tuple as a value, stand-ins of their kinds."""
    if isinstance(index, Struct) and index.type is tuple:
        return list(index.items)
    k = kind(index)
    if isinstance(k, Tree) and k.type is tuple:
        return [Val("", x) for x in k.items]
    return [index]


def index_kind(k: Kind, index: Atom) -> tuple[Kind, bool]:
    """The kind of ``x[index]`` and whether it is a view (basic indexing) of ``x``."""
    if isinstance(k, Map):
        return k.elem, True
    if isinstance(k, Seq):
        if isinstance(index, Slice):
            return k, False
        return k.elem, True
    if not isinstance(k, Array):
        return (OTHER if k in (OTHER, STR) else UNKNOWN), True
    parts = index_parts(index)
    used = sum(1 for p in parts if not is_none(p) and not is_dots(p))
    masks = [kind(p) for p in parts]
    used += sum(len(m.dims) - 1 for m in masks if isinstance(m, Array) and m.dtype == "b1")
    if not any(is_dots(p) for p in parts):
        parts = [*parts, Const(...)]
    dims: list[Dim] = []
    fancy: list[tuple[Dim, ...]] = []
    where: int | None = None
    apart = False
    last = -2
    source = list(k.dims)
    position = 0
    for n, p in enumerate(parts):
        pk = kind(p)
        if is_dots(p):
            take = len(source) - used
            dims += source[position : position + max(take, 0)]
            position += max(take, 0)
        elif is_none(p):
            dims.append(1)
        elif isinstance(p, Slice):
            if position >= len(source):
                return UNKNOWN, True
            dims.append(slice_dim(source[position], p))
            position += 1
        elif is_whole(pk):
            position += 1
        elif (
            (isinstance(pk, Array) and pk.dtype[0] in "iub")
            or (isinstance(pk, Tree) and isinstance(p, Struct))
            or isinstance(pk, Seq)
        ):
            if where is None:
                where = len(dims)
            elif last != n - 1:
                apart = True
            last = n
            if isinstance(pk, Array) and pk.dtype == "b1":
                fancy.append((memo_sym("mask", key_of_size(p)),))
                position += len(pk.dims)
            elif isinstance(pk, Array):
                fancy.append(pk.dims)
                position += 1
            else:
                fancy.append((len(pk.items),) if isinstance(pk, Tree) else (fresh_sym(),))
                position += 1
        else:
            return UNKNOWN, False
    if position > len(source):
        return UNKNOWN, True
    if fancy:
        got: tuple[Dim, ...] = ()
        for f in fancy:
            got = broadcast_dims(got, f)
        has_int = any(
            isinstance(kind(p), Scalar)
            for p in parts
            if not isinstance(p, Slice) and not is_none(p) and not is_dots(p)
        )
        if has_int and any(isinstance(p, Slice) for p in parts):
            return Array(k.dtype, tuple(fresh_sym() for _ in range(len(dims) + len(got)))), False
        at = 0 if apart else (where or 0)
        dims[at:at] = got
        return Array(k.dtype, tuple(dims)), False
    if not dims and not any(is_dots(p) for p in index_parts(index)):
        return element_kind(k.dtype), True
    return Array(k.dtype, tuple(dims)), True
