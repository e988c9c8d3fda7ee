"""What emitted text needs of arrays and containers and NumPy has no word for.

``un<name>(g, ...)`` is the transpose of NumPy's ``<name>``: cotangents of the result become the operand's.
Nothing here changes its arguments, except ``scatter_add``, which says so.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import numpy as np

from srcdiff.runtime.namespaces import is_array, namespace
from srcdiff.runtime.records import record

__all__ = [
    "add",
    "added_at",
    "cast_like",
    "fit",
    "grid_places",
    "half_spectrum",
    "interior",
    "inverse_permutation",
    "last_write",
    "layout",
    "negated",
    "one_by_one",
    "order_of",
    "pad_pairs",
    "pad_sources",
    "resized",
    "rolled_to",
    "scale_ends",
    "scatter_add",
    "side_by_side",
    "unbroadcast",
    "undiagonal",
    "unpad",
    "untake",
    "untake_along_axis",
    "zero_of",
    "zeros_like",
    "zeros_there",
]

F = TypeVar("F", bound=Callable[..., Any])


def shaped_like_second(fn: F) -> F:
    """The result has the shapes of the second argument, and the dtype of the first."""
    fn.__shaped_like__ = 1  # type: ignore[attr-defined]
    return fn


def made_apart(fn: F) -> F:
    """Of numbers and arrays, and lists of these, it makes new ones: nothing in them is another's."""
    fn.__made_apart__ = True  # type: ignore[attr-defined]
    return fn


# --- cotangents of broadcast operands, casts, zeros, sums

_FLOATS = frozenset({float, np.float64})
_ADDED = _FLOATS | {np.ndarray}


def unbroadcast(g: Any, like: Any) -> Any:
    """Sum ``g`` over the axes along which ``like`` was broadcast.

    Returns ``g`` itself when the shapes agree.  A float wider than ``like``'s is narrowed, and of a complex
    ``g`` for a real ``like`` the real part is kept.  The cotangent of a container stays as it is.
    """
    if type(g) is np.ndarray is type(like) and g.dtype == like.dtype:
        if g.shape == like.shape:
            return g  # (nearly always: it was not known before)
        if g.ndim == like.ndim:
            axes = [n for n, (a, b) in enumerate(zip(g.shape, like.shape)) if a != b]
            if all(like.shape[n] == 1 for n in axes):
                return np.add.reduce(g, tuple(axes), keepdims=True)
    if isinstance(g, (list, tuple, dict)):
        return g
    shape = shape_of(like)
    if np.shape(g) != shape:
        g = _summed(g, shape)
    return _number(_narrowed(g, like), like)


def fit(g: Any, like: Any) -> Any:
    """``g`` summed or repeated, axis by axis, to the shape of ``like``; a whole number becomes a float."""
    g = float(g) if type(g) is int else g
    xp = namespace(g, like)
    shape = shape_of(like)
    if np.shape(g) != shape:
        g = _summed(g, shape)
    if np.shape(g) != shape:
        g = xp.array(xp.broadcast_to(g, shape))  # (others are added to it)
    return _number(_narrowed(g, like), like)


def _summed(g: Any, shape: tuple[int, ...]) -> Any:
    xp = namespace(g)
    lead = np.ndim(g) - len(shape)
    if lead > 0:
        g = xp.sum(g, axis=tuple(range(lead)))
    if lead < 0:
        return g
    axes = tuple(k for k, n in enumerate(shape) if n == 1 and np.shape(g)[k] != 1)
    return xp.sum(g, axis=axes, keepdims=True) if axes else g


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of an array, a number, or of lists of these."""
    if is_array(x):
        return x.shape  # type: ignore[no-any-return]
    if isinstance(x, (list, tuple)) and namespace(x) is not np:
        return (len(x), *max(map(shape_of, x), key=len))
    return np.shape(x)


def is_complex(x: Any) -> bool:
    """Whether an array or number is complex, or one in lists of these."""
    if isinstance(x, (list, tuple)):
        return any(map(is_complex, x))
    return x.dtype.kind == "c" if is_array(x) else np.iscomplexobj(x)


def _narrowed(g: Any, like: Any) -> Any:
    if is_complex(g) and not is_complex(like):
        g = g.real
    have, want = getattr(g, "dtype", None), getattr(like, "dtype", None)
    if have is None or want is None or want.kind not in "fc" or have.kind != want.kind:
        return g
    return g.astype(want) if want.itemsize < have.itemsize else g


def _number(g: Any, like: Any) -> Any:
    """``g`` as a number if ``like`` is one: an array of no dimensions would be changed in place."""
    return g[()] if isinstance(g, np.ndarray) and not g.ndim and not is_array(like) else g


def cast_like(g: Any, like: Any) -> Any:
    """``g`` in the dtype of ``like``; of a complex ``g`` for a real ``like``, the real part; None is zero."""
    xp = namespace(g, like)
    if g is None:
        return zeros_like(like)
    if is_complex(g) and not is_complex(like):
        g = g.real
    want = getattr(like, "dtype", None)
    if want is None or want.kind not in "fc" or getattr(g, "dtype", None) == want:
        return _number(g, like)
    return xp.asarray(g).astype(want)[()]


@made_apart
def zeros_like(x: Any) -> Any:
    """The zero cotangent of ``x``: same structure, floats for integers, None where there is no derivative."""
    if type(x) in _FLOATS:
        return 0.0
    if type(x) is list:
        return [0.0 if type(value) in _FLOATS else zeros_like(value) for value in x]
    if type(x) is np.ndarray and x.dtype.char == "d" and x.flags.c_contiguous:
        return np.zeros(x.shape)  # (a sixth of the time)
    if is_array(x):
        if x.dtype.kind in "fc":
            return namespace(x).zeros_like(x)
        return namespace(x).zeros_like(x, dtype=float) if x.dtype.kind in "iuO" else None
    match x:
        case bool() | np.bool_():
            return None
        case int() | float() | complex() | np.number():
            return 0.0
        case dict():
            return {key: zeros_like(value) for key, value in x.items()}
        case list():
            return [zeros_like(value) for value in x]
        case tuple():
            return _tuple_like(x, [zeros_like(value) for value in x])
    if _is_record(x):
        return _object_like(x, lambda name: zeros_like(getattr(x, name)))
    return None


@made_apart
def zeros_there(x: Any) -> Any:
    """The zero cotangent of what may hold None in the place of numbers and arrays: of None, the number."""
    match x:
        case dict():
            return {key: zeros_there(value) for key, value in x.items()}
        case list():
            return [zeros_there(value) for value in x]
        case tuple():
            return _tuple_like(x, [zeros_there(value) for value in x])
    return 0.0 if x is None else zeros_like(x)


@made_apart
def zero_of(x: Any) -> Any:
    """The zero cotangent of what may not be there: of none, the number; of a list, those of its elements."""
    match x:
        case None:
            return np.float64(0.0)  # (which can be copied and asked for its shape, as an array can)
        case list():
            return [zero_of(value) for value in x]
        case dict():
            return {key: zero_of(value) for key, value in x.items()}
    return zeros_like(x)


@made_apart
def add(a: Any, b: Any) -> Any:
    """The sum of two cotangents of one structure; None is zero."""
    if type(a) in _ADDED and type(b) in _ADDED:
        return a + b
    if a is None:
        return b
    if b is None:
        return a
    match a:
        case dict():
            return {key: add(a.get(key), b.get(key)) for key in a | b}
        case list():
            pairs = zip(a, b, strict=True)
            return [x + y if type(x) in _ADDED and type(y) in _ADDED else add(x, y) for x, y in pairs]
        case tuple():
            return _tuple_like(a, [add(x, y) for x, y in zip(a, b, strict=True)])
    if _is_record(a):
        return _object_like(a, lambda name: add(getattr(a, name), getattr(b, name)))
    return a + b


def side_by_side(examples: list[Any]) -> Any:
    """Values of one structure as one of that structure, in which arrays have the examples first."""
    first = examples[0] if examples else 0.0
    match first:
        case dict():
            return {key: side_by_side([x[key] for x in examples]) for key in first}
        case list():
            return [side_by_side(list(xs)) for xs in zip(*examples, strict=True)]
        case tuple():
            return _tuple_like(first, [side_by_side(list(xs)) for xs in zip(*examples, strict=True)])
        case str() | bytes():
            if any(x != first for x in examples):
                raise TypeError("texts that differ between examples have no place in an array")
            return first
    if _is_record(first):
        return _object_like(first, lambda name: side_by_side([getattr(x, name) for x in examples]))
    if any(x is None for x in examples):
        if any(x is not None for x in examples):
            raise TypeError("None for some examples, and a number or array for others")
        return None
    return stacked(examples)


def one_by_one(g: Any, examples: list[Any]) -> list[Any]:
    """What ``side_by_side`` puts together, taken apart again: as many values as there are ``examples``."""
    match g:
        case None:
            return [None for _ in examples]
        case dict():
            parts = [one_by_one(x, examples) for x in g.values()]
            return [dict(zip(g, xs, strict=True)) for xs in zip(*parts, strict=True)]
        case list():
            return [list(xs) for xs in zip(*(one_by_one(x, examples) for x in g), strict=True)]
        case tuple():
            parts = [one_by_one(x, examples) for x in g]
            return [_tuple_like(g, list(xs)) for xs in zip(*parts, strict=True)]
    if _is_record(g):
        fields = {name: one_by_one(getattr(g, name), examples) for name in _fields(g)}
        return [record(type(g), **{n: xs[k] for n, xs in fields.items()}) for k in range(len(examples))]
    return list(g)


def added_at(x: Any, index: Any, value: Any) -> Any:
    """``x`` with ``value`` added to one of its items, whatever holds them; ``x`` itself stays."""
    if isinstance(x, tuple):
        return _tuple_like(x, [add(y, value) if k == index % len(x) else y for k, y in enumerate(x)])
    new = x.copy()
    new[index] = add(new[index], value)
    return new


def _object_like(x: Any, field: Callable[[str], Any]) -> Any:
    """An object of the class of ``x``, made without its ``__init__``, from its fields by name."""
    return record(type(x), **{name: field(name) for name in _fields(x)})


def _is_record(x: Any) -> bool:
    """Whether a value is an object with attributes, of a class made by a class statement."""
    if isinstance(x, type) or callable(getattr(x, "__array__", None)):
        return False
    if type(x) is types.SimpleNamespace:
        return True
    return dataclasses.is_dataclass(x) or (bool(type(x).__flags__ & (1 << 9)) and bool(_fields(x)))


def _fields(x: Any) -> list[str]:
    cls: Any = type(x)
    own = [name for name in _declared(cls) if hasattr(x, name)]
    held = getattr(x, "__dict__", ())
    return list(dict.fromkeys([*own, *held])) if own else list(held)


@functools.lru_cache(maxsize=1024)
def _declared(cls: Any) -> tuple[str, ...]:
    """The fields that a class declares, as a dataclass or by slots."""
    if dataclasses.is_dataclass(cls):
        return tuple(f.name for f in dataclasses.fields(cls))
    return tuple(s for c in cls.__mro__ for s in vars(c).get("__slots__", ()))


def _tuple_like(x: tuple[Any, ...], values: list[Any]) -> Any:
    return type(x)(*values) if hasattr(x, "_fields") else tuple(values)


def like_container(container: Any, values: list[Any]) -> Any:
    """``values`` in the container that held the operands: a list, a tuple or the rows of an array."""
    if isinstance(container, list):
        return values
    return tuple(values) if isinstance(container, tuple) else stacked(values)


def stacked(values: Any) -> Any:
    """Numbers and arrays of one shape as one array, of the module that the arrays are of."""
    xp = namespace(values)
    return np.array(values) if xp is np else xp.stack([xp.asarray(v) for v in values])


def zeros_for(shape: Any, g: Any, *others: Any) -> Any:
    xp = namespace(g, *others)
    dtype = xp.asarray(g).dtype
    return xp.zeros(shape, dtype if dtype.kind in "fc" else float)


# --- indices


def last_write(index: Any, shape: Any) -> Any:
    """Which entries of ``x[index] = v`` survive in an x of this shape: of a repeated index, the last."""
    xp = namespace(index)
    if xp is not np and isinstance(index, list):  # (other modules take no lists with arrays in them)
        index = stacked(index)
    owner = xp.empty(shape, dtype=np.intp)
    count = xp.arange(np.size(owner[index])).reshape(np.shape(owner[index]))
    owner[index] = count
    survives: Any = owner[index] == count
    return survives


def scatter_add(x: Any, index: Any, g: Any) -> Any:
    """``x[index] += g`` in place, where a repeated index counts as often as it stands; returns ``x``."""
    xp = namespace(x)
    if _may_repeat(index):
        xp.add.at(x, index, g)
    else:
        x[index] += g
    return x


def _may_repeat(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    arrays = [p if is_array(p) else np.asarray(p) for p in parts if isinstance(p, list) or is_array(p)]
    if len(arrays) == 1 and arrays[0].dtype == bool:
        return False
    return any(p.ndim > 0 for p in arrays)


@shaped_like_second
def untake(g: Any, a: Any, indices: Any, axis: Any = None, mode: Any = "raise") -> Any:
    """Transpose of ``np.take``: an array of the shape of ``a`` with ``g`` added up at ``indices``."""
    xp = namespace(g, a, indices)
    shape = np.shape(a)
    if axis is None:
        return untake(g, xp.empty(math.prod(shape), bool), indices, 0, mode).reshape(shape)
    axis %= len(shape)
    indices = xp.asarray(indices, dtype=np.intp)
    if mode == "wrap":
        indices = indices % max(shape[axis], 1)
    elif mode == "clip":
        indices = xp.clip(indices, 0, max(shape[axis] - 1, 0))
    if xp is np and is_countable(g) and len(shape) == 1:
        with suppress(ValueError):  # (negative places)
            out = np.bincount(indices.reshape(-1), g.reshape(-1), shape[0])
            if len(out) == shape[0]:
                return out
    if xp is np and is_countable(g) and math.prod(shape) <= 64 * g.size:  # (it fills all of the array)
        flat = flat_places(indices, shape, axis)
        if flat is not None:
            return np.bincount(flat.reshape(-1), g.reshape(-1), math.prod(shape)).reshape(shape)
    out = zeros_for(shape, g, a)
    xp.add.at(out, (slice(None),) * axis + (indices,), g)
    return out


def is_countable(g: Any) -> bool:
    """Whether sums of these numbers may be those of ``np.bincount``, which adds in the same order."""
    return type(g) is np.ndarray and g.dtype == np.float64 and g.size > 0  # (of none, it gives integers)


def flat_places(indices: Any, shape: Any, axis: int) -> Any:
    """The flat place of each element of ``np.take(a, indices, axis)``; None if one is out of bounds."""
    n = shape[axis]
    low = indices.min(initial=0)
    if low < -n or indices.max(initial=-1) >= n:
        return None
    if low < 0:
        indices = indices % n
    before, behind = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
    if behind != 1:
        indices = indices[..., None] * behind + np.arange(behind)
    if before != 1:
        indices = np.arange(before).reshape((before,) + (1,) * indices.ndim) * (n * behind) + indices
    return indices


@shaped_like_second
def untake_along_axis(g: Any, arr: Any, indices: Any, axis: Any = -1) -> Any:
    """Transpose of ``np.take_along_axis``: ``g`` added up at ``indices`` along ``axis``."""
    xp = namespace(g, arr, indices)
    shape = np.shape(arr)
    if axis is None:
        return untake_along_axis(g, xp.empty(math.prod(shape), bool), indices, 0).reshape(shape)
    axis %= len(shape)
    where: list[Any] = [
        xp.arange(n).reshape([-1 if j == k else 1 for j in range(len(shape))]) for k, n in enumerate(shape)
    ]
    where[axis] = indices
    if xp is np and is_countable(g) and (places := joint_places(where, shape)) is not None:
        return np.bincount(places.reshape(-1), g.reshape(-1), math.prod(shape)).reshape(shape)
    out = zeros_for(shape, g, arr)
    xp.add.at(out, tuple(where), g)
    return out


def joint_places(where: Any, shape: Any) -> Any:
    """The flat place of each element of ``a[where]``, an array for each axis; None if one is out of it."""
    flat: Any = 0
    for k, n in zip(where, shape, strict=True):
        low = k.min(initial=0)
        if low < -n or k.max(initial=-1) >= n:
            return None
        flat = flat * n + (k % n if low < 0 else k)
    return flat


def order_of(out: Any, a: Any, axis: Any = -1) -> Any:
    """The indices ``p`` with ``out == np.take_along_axis(a, p, axis)``, where out is a reordering of a."""
    xp = namespace(out)
    rank = xp.argsort(xp.argsort(out, axis=axis, kind="stable"), axis=axis, kind="stable")
    return xp.take_along_axis(xp.argsort(a, axis=axis, kind="stable"), rank, axis=axis)


@shaped_like_second
def undiagonal(g: Any, a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
    """Transpose of ``np.diagonal``: zeros of the shape of ``a`` with ``g`` along the diagonal."""
    if type(a) is np.ndarray and a.ndim == 2 and axis1 == 0 and axis2 == 1:
        dtype = getattr(g, "dtype", None)
        out = np.zeros(a.shape, dtype if dtype is not None and dtype.kind in "fc" else float)
        rows, columns = a.shape
        start = offset if offset >= 0 else -offset * columns
        length = max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
        out.reshape(-1)[start : start + length * (columns + 1) : columns + 1] = g
        return out
    xp = namespace(g, a)
    out = zeros_for(np.shape(a), g, a)
    planes = xp.moveaxis(out, (axis1, axis2), (-2, -1))
    rows, columns = planes.shape[-2:]
    length = max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    k = xp.arange(length)
    planes[..., k - min(offset, 0), k + max(offset, 0)] = g
    return out


def pad_sources(array: Any, pad_width: Any, mode: Any) -> Any:
    """For each entry of ``np.pad(array, pad_width, mode)`` the flat index of what it copies."""
    xp = namespace(array)
    if mode not in ("edge", "reflect", "symmetric", "wrap"):
        raise NotImplementedError(f"the derivative of np.pad with mode={mode!r}")
    where: Any = xp.arange(np.size(array)).reshape(np.shape(array))
    return xp.pad(where, pad_width, mode)


@shaped_like_second
def unpad(g: Any, array: Any, pad_width: Any, mode: Any) -> Any:
    """Transpose of ``np.pad(array, pad_width, mode)``: what the margins copy is added to where it is from."""
    shape = np.shape(array)
    pairs = pad_pairs(pad_width, len(shape))
    most = 0 if mode == "reflect" else 1
    if mode not in ("edge", "reflect", "symmetric", "wrap") or any(
        n == 0 or (mode != "edge" and max(pair) >= n + most) for n, pair in zip(shape, pairs, strict=True)
    ):
        return untake(g, array, pad_sources(array, pad_width, mode))
    skip = 1 if mode == "reflect" else 0
    for k, (n, (low, high)) in enumerate(zip(shape, pairs, strict=True)):

        def part(start: Any, stop: Any, step: Any = None, k: int = k) -> Any:
            return (slice(None),) * k + (slice(start, stop, step),)

        core = g[part(low, low + n)].copy()
        before, after = g[part(None, low)], g[part(low + n, None)]
        if mode == "edge":
            for at, margin, width in ((part(0, 1), before, low), (part(n - 1, n), after, high)):
                if width:
                    core[at] += margin.sum(axis=k, keepdims=True) if width > 1 else margin
        elif mode == "wrap":
            core[part(n - low, n)] += before
            core[part(0, high)] += after
        else:
            core[part(skip, skip + low)] += before[part(None, None, -1)]
            core[part(n - skip - high, n - skip)] += after[part(None, None, -1)]
        g = core
    return g


def pad_pairs(pad_width: Any, ndim: int) -> tuple[tuple[int, int], ...]:
    """The widths before and after each axis."""
    if isinstance(pad_width, int):
        return ((pad_width, pad_width),) * ndim
    if isinstance(pad_width, dict):
        axes = {k % ndim: w for k, w in pad_width.items()}
        pairs = [np.broadcast_to(axes.get(k, 0), (2,)) for k in range(ndim)]
    else:
        pairs = list(np.broadcast_to(pad_width, (ndim, 2)))
    return tuple((int(lo), int(hi)) for lo, hi in pairs)


def grid_places(columns: Any, edges: Any) -> Any:
    """The flat index of the cell in which each point lies; one past the last for points outside."""
    inside: Any = True
    flat: Any = 0
    cells = 1
    for x, e in zip(columns, edges, strict=True):
        k = np.searchsorted(e, x, side="right") - 1
        k = np.where(x == e[-1], len(e) - 2, k)
        inside = inside & (k >= 0) & (k < len(e) - 1)
        flat, cells = flat * (len(e) - 1) + k, cells * (len(e) - 1)
    return np.where(inside, flat, cells)


def interior(pad_width: Any, ndim: int) -> tuple[slice, ...]:
    """The slices that cut the padding off again."""
    if isinstance(pad_width, dict):
        axes = {k % ndim: w for k, w in pad_width.items()}
        pairs = [np.broadcast_to(axes.get(k, 0), (2,)) for k in range(ndim)]
    else:
        pairs = list(np.broadcast_to(pad_width, (ndim, 2)))
    return tuple(slice(int(lo) or None, -int(hi) if hi else None) for lo, hi in pairs)


# --- Fourier transforms


def resized(g: Any, like: Any, axis: int) -> Any:
    """``g`` cut or filled up with zeros along ``axis`` to the length of ``like``."""
    xp = namespace(g)
    have, want = np.shape(g)[axis], np.shape(like)[axis]
    if have < want:
        widths = [(0, want - have if k == axis % np.ndim(g) else 0) for k in range(np.ndim(g))]
        return xp.pad(g, widths)
    return xp.take(g, xp.arange(want), axis=axis) if have > want else g


def scale_ends(x: Any, axis: int, first: float, last: float) -> Any:
    """``x`` with its first and last entries along ``axis`` multiplied by numbers."""
    xp = namespace(x)
    out = xp.moveaxis(xp.array(x), axis, -1)
    out[..., :1] *= first
    out[..., -1:] *= last
    return xp.moveaxis(out, -1, axis)


def half_spectrum(x: Any, axis: int) -> Any:
    """How often ``np.fft.irfft`` counts each entry of the spectrum of a real signal ``x``, once or twice."""
    xp = namespace(x)
    n = np.shape(x)[axis]
    weights = xp.full(n // 2 + 1, 2.0)
    weights[0] = 1.0
    if n % 2 == 0:
        weights[-1] = 1.0
    return weights.reshape([-1 if k == axis % np.ndim(x) else 1 for k in range(np.ndim(x))])


# --- facts about axes


def inverse_permutation(axes: Any) -> tuple[int, ...]:
    """The axes that undo ``np.transpose(a, axes)``."""
    return tuple(int(k) for k in np.argsort([k % len(axes) for k in axes]))


def negated(shift: Any) -> Any:
    """The shifts that undo ``np.roll``."""
    return tuple(-int(k) for k in shift) if np.ndim(shift) else -int(shift)


def rolled_to(axis: int, start: int, ndim: int) -> int:
    """Where ``np.rollaxis(a, axis, start)`` puts ``axis``."""
    axis %= ndim
    start += ndim if start < 0 else 0
    return start - 1 if axis < start else start


def layout(a: Any, order: str) -> Any:
    """``order`` as 'C' or 'F': what 'A' and 'K' mean for this array."""
    if order in "CF":
        return order
    flags = a.flags if is_array(a) else np.asarray(a).flags
    if order == "K" and not (flags.c_contiguous or flags.f_contiguous):
        raise NotImplementedError("the derivative of order='K' of an array that is not contiguous")
    return "F" if flags.f_contiguous and not flags.c_contiguous else "C"

