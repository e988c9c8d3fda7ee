"""Transposes of what joins arrays, chooses among them, repeats one, or takes differences."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np

from srcdiff.runtime.arrays import like_container, shaped_like_second, unbroadcast, zeros_for
from srcdiff.runtime.namespaces import namespace
from srcdiff.runtime.substitutes import block, insert

__all__ = [
    "ediff_back", "gradient_back", "unarray", "unblock", "unbroadcast_arrays", "unchoose", "uncolumn_stack",
    "unconcatenate", "undstack", "unhstack", "uninsert", "unmeshgrid", "unselect", "untile", "unvstack",
]  # fmt: skip


@shaped_like_second
def unconcatenate(g: Any, arrays: Any, axis: Any = 0) -> Any:
    """Transpose of ``np.concatenate``: the pieces of ``g``, shaped like ``arrays``, in the same container."""
    xp = namespace(g)
    if axis is None:
        return _pieces(xp.ravel(g), arrays, 0, [np.size(x) for x in arrays])
    return _pieces(g, arrays, axis, [np.shape(x)[axis] for x in arrays])


@shaped_like_second
def unvstack(g: Any, arrays: Any) -> Any:
    """Transpose of ``np.vstack``."""
    return _pieces(g, arrays, 0, [1 if np.ndim(x) < 2 else len(x) for x in arrays])


@shaped_like_second
def unhstack(g: Any, arrays: Any) -> Any:
    """Transpose of ``np.hstack``."""
    if np.ndim(g) == 1:
        return _pieces(g, arrays, 0, [np.size(x) for x in arrays])
    return _pieces(g, arrays, 1, [np.shape(x)[1] for x in arrays])


@shaped_like_second
def undstack(g: Any, arrays: Any) -> Any:
    """Transpose of ``np.dstack``."""
    return _pieces(g, arrays, 2, [1 if np.ndim(x) < 3 else np.shape(x)[2] for x in arrays])


@shaped_like_second
def uncolumn_stack(g: Any, arrays: Any) -> Any:
    """Transpose of ``np.column_stack``."""
    return _pieces(g, arrays, 1, [1 if np.ndim(x) < 2 else np.shape(x)[1] for x in arrays])


def _pieces(g: Any, arrays: Any, axis: int, lengths: list[int]) -> Any:
    around = (slice(None),) * (axis % g.ndim)
    ends = list(accumulate(lengths))
    parts = [g[around + (slice(end - n, end),)] for n, end in zip(lengths, ends, strict=True)]
    return like_container(arrays, [p.reshape(np.shape(x))[()] for p, x in zip(parts, arrays, strict=True)])


def unblock(g: Any, arrays: Any) -> Any:
    """Transpose of ``np.block``: the pieces of ``g`` in nested lists like ``arrays``."""
    xp = namespace(g)
    count = 0

    def number(x: Any) -> Any:
        nonlocal count
        if isinstance(x, list):
            return [number(y) for y in x]
        first, count = count, count + np.size(x)
        return xp.arange(first, count).reshape(np.shape(x))

    numbers = number(arrays)
    flat = zeros_for(count, g)
    flat[block(numbers)] = g

    def pick(x: Any) -> Any:
        return [pick(y) for y in x] if isinstance(x, list) else flat[x]

    return pick(numbers)


@shaped_like_second
def unarray(g: Any, nested: Any) -> Any:
    """Transpose of ``np.array`` of nested lists and tuples: the entries of ``g`` in the same containers."""
    if isinstance(nested, list):
        return [unarray(row, x) for row, x in zip(g, nested, strict=True)]
    if isinstance(nested, tuple):
        return tuple(unarray(row, x) for row, x in zip(g, nested, strict=True))
    return g


def unbroadcast_arrays(g: Any, arrays: Any) -> Any:
    """Transpose of ``np.broadcast_arrays``."""
    return tuple(unbroadcast(x_bar, x) for x_bar, x in zip(g, arrays, strict=True))


def unmeshgrid(g: Any, arrays: Any, sparse: Any = False, indexing: Any = "xy") -> Any:
    """Transpose of ``np.meshgrid``: the sums of each grid over the axes that are not its own."""
    xp = namespace(g)
    axes = list(range(len(arrays)))
    if indexing == "xy" and len(axes) > 1:
        axes[:2] = 1, 0
    sums = (
        xp.sum(x_bar, axis=tuple(j for j in axes if j != k)) if np.ndim(x_bar) else xp.zeros(np.shape(x))
        for x_bar, k, x in zip(g, axes, arrays, strict=True)
    )  # (a grid of integers has no cotangent: it comes as the number zero)
    return tuple(s.reshape(np.shape(x)) for s, x in zip(sums, arrays, strict=True))


def uninsert(g: Any, arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    """Transpose of ``np.insert``: the cotangents of ``arr`` and of ``values``."""
    xp = namespace(g)
    origin: Any = 1 + xp.arange(np.size(values)).reshape(np.shape(values))
    origin = insert(xp.zeros(np.shape(arr), dtype=np.intp), obj, origin, axis)
    values_bar = zeros_for(np.size(values), g)
    xp.add.at(values_bar, origin[origin > 0] - 1, g[origin > 0])
    return g[origin == 0].reshape(np.shape(arr)), values_bar.reshape(np.shape(values))[()]


def unselect(g: Any, condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """Transpose of ``np.select``: the cotangents of ``choicelist`` (in its container) and of ``default``."""
    xp = namespace(g)
    left = xp.ones(np.shape(g), dtype=bool)
    bars = []
    for condition, choice in zip(condlist, choicelist, strict=True):
        bars.append(unbroadcast(xp.where(left & condition, g, zeros_for((), g)), choice))
        left = left & ~xp.asarray(condition)
    default_bar = unbroadcast(xp.where(left, g, zeros_for((), g)), default)
    return like_container(choicelist, bars), default_bar


def unchoose(g: Any, a: Any, choices: Any, mode: Any = "raise") -> Any:
    """Transpose of ``np.choose``: the cotangents of ``choices`` in their container."""
    xp = namespace(g)
    if mode == "wrap":
        a = xp.mod(a, len(choices))
    elif mode == "clip":
        a = xp.clip(a, 0, len(choices) - 1)
    bars = [unbroadcast(xp.where(xp.equal(a, k), g, zeros_for((), g)), c) for k, c in enumerate(choices)]
    return like_container(choices, bars)


@shaped_like_second
def untile(g: Any, a: Any, reps: Any) -> Any:
    """Transpose of ``np.tile``: the sum of the tiles of ``g``."""
    xp = namespace(g)
    shape = np.shape(a)
    counts = tuple(np.atleast_1d(reps))
    ndim = max(len(shape), len(counts))
    counts = (1,) * (ndim - len(counts)) + counts
    extents = (1,) * (ndim - len(shape)) + shape
    tiles = xp.reshape(g, [n for pair in zip(counts, extents, strict=True) for n in pair])
    return xp.sum(tiles, axis=tuple(range(0, 2 * ndim, 2))).reshape(shape)


def ediff_back(g: Any, a: Any) -> Any:
    """Transpose of ``np.ediff1d(a)``: ``out[k] == a.flat[k + 1] - a.flat[k]``."""
    out = zeros_for(np.size(a), g)
    out[1:] += g
    out[:-1] -= g
    return out.reshape(np.shape(a))


def gradient_back(g: Any, f: Any, spacings: Any, axis: Any = None, edge_order: Any = 1) -> Any:
    """Transpose of ``np.gradient(f, *spacings, axis=axis, edge_order=edge_order)``."""
    shape = np.shape(f)
    axes = range(len(shape)) if axis is None else [int(k) % len(shape) for k in np.atleast_1d(axis)]
    steps = list(spacings) or [1.0]
    if len(steps) == 1:
        steps = steps * len(axes)
    bars = g if isinstance(g, list | tuple) else [g]
    out = zeros_for(shape, bars[0])
    for k, h, bar in zip(axes, steps, bars, strict=True):
        if k != len(shape) - 1:
            _gradient_back_axis(np.moveaxis(bar, k, -1), np.moveaxis(out, k, -1), h, edge_order)
        else:
            _gradient_back_axis(bar, out, h, edge_order)
    return out


def _gradient_back_axis(g: Any, out: Any, h: Any, edge_order: int) -> None:
    """Add the transpose of NumPy's three-point differences along the last axis to ``out``."""
    xp = namespace(g)
    n = out.shape[-1]
    if np.ndim(h):
        d = xp.diff(h).astype(out.dtype)
        d1, d2 = d[:-1], d[1:]
        out[..., :-2] -= g[..., 1:-1] * (d2 / (d1 * (d1 + d2)))
        out[..., 1:-1] += g[..., 1:-1] * ((d2 - d1) / (d1 * d2))
        out[..., 2:] += g[..., 1:-1] * (d1 / (d2 * (d1 + d2)))
    else:
        d = (out.dtype.type(h),) * 2
        inner = g[..., 1:-1] * (0.5 / h)
        out[..., 2:] += inner
        out[..., :-2] -= inner
    if edge_order == 1:
        first, last = (-1.0 / d[0], 1.0 / d[0]), (1.0 / d[-1], -1.0 / d[-1])
    else:
        first, last = _second_order_edge(d[0], d[1], -1.0), _second_order_edge(d[-1], d[-2], 1.0)
    for k, weight in enumerate(first):
        out[..., k] += weight * g[..., 0]
    for k, weight in enumerate(last):
        out[..., n - 1 - k] += weight * g[..., -1]


def _second_order_edge(near: Any, far: Any, sign: float) -> tuple[Any, ...]:
    return (
        sign * (2.0 * near + far) / (near * (near + far)),
        -sign * (near + far) / (near * far),
        sign * near / (far * (near + far)),
    )
