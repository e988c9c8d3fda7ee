"""Rules for norms of vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from srcdiff.rules.registry import differential, pullback, pure
from srcdiff.runtime.arrays import cast_like
from srcdiff.runtime.linalg import norm_axes

pure(norm_axes)


def turn(x: Any) -> Any:
    """The slope of absolute values."""
    if np.iscomplexobj(x):
        size = abs(x)
        return np.conj(x) / np.where(size == 0.0, np.inf, size)
    return np.sign(x)


def straight(u: Any, vh: Any) -> Any:
    """The slope of the sum of the singular values that belong to these vectors."""
    return np.conj(u @ vh) if np.iscomplexobj(u) else u @ vh


@differential(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False, *, out: Any, x_dot: Any) -> Any:
    axes = norm_axes(axis, np.ndim(x))
    if axis is not None and not keepdims:
        out = np.expand_dims(out, axis)
    if ord is None or ord == "fro" or (ord == 2 and len(axes) == 1):
        if np.iscomplexobj(x):
            slope = np.conj(x) / np.where(out == 0.0, np.inf, out)
            return np.real(np.sum(slope * x_dot, axis=axis, keepdims=keepdims))
        slope = x / np.where(out == 0.0, np.inf, out)
    elif len(axes) == 1 and ord == 0:
        slope = 0.0 * x
    elif len(axes) == 1 and ord == 1:
        slope = turn(x)
    elif len(axes) == 1 and (ord == np.inf or ord == -np.inf):
        hits = cast_like(abs(x) == out, abs(x))
        slope = turn(x) * hits / np.sum(hits, axis=axes, keepdims=True)
    elif len(axes) == 1:
        slope = turn(x) * (abs(x) / np.where(out == 0.0, np.inf, out)) ** (ord - 1)
    elif ord == 1 or ord == -1 or ord == np.inf or ord == -np.inf:
        run, along = axes if abs(ord) == 1 else axes[::-1]
        sums = np.sum(abs(x), axis=run, keepdims=True)
        best = np.max(sums, axis=along, keepdims=True) if ord > 0 else np.min(sums, axis=along, keepdims=True)
        hits = cast_like(sums == best, sums)
        slope = turn(x) * hits / np.sum(hits, axis=along, keepdims=True)
    else:
        u, _, vh = np.linalg.svd(np.moveaxis(x, axes, (-2, -1)), full_matrices=False)
        if ord == 2:
            u, vh = u[..., :, :1], vh[..., :1, :]
        elif ord == -2:
            u, vh = u[..., :, -1:], vh[..., -1:, :]
        slope = np.moveaxis(straight(u, vh), (-2, -1), axes)
    if np.iscomplexobj(x):
        return np.real(np.sum(slope * x_dot, axis=axis, keepdims=keepdims))
    return np.sum(slope * x_dot, axis=axis, keepdims=keepdims)


@pullback(np.linalg.norm, "x")
def norm_bar(
    x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False, *, out: Any, out_bar: Any
) -> Any:
    axes = norm_axes(axis, np.ndim(x))
    if axis is not None and not keepdims:
        out, out_bar = np.expand_dims(out, axis), np.expand_dims(out_bar, axis)
    if ord is None or ord == "fro" or (ord == 2 and len(axes) == 1):
        if np.iscomplexobj(x):
            return out_bar / np.where(out == 0.0, np.inf, out) * np.conj(x)
        return out_bar / np.where(out == 0.0, np.inf, out) * x
    if len(axes) == 1 and ord == 0:
        return 0.0 * x
    if len(axes) == 1 and ord == 1:
        return out_bar * turn(x)
    if len(axes) == 1 and (ord == np.inf or ord == -np.inf):
        hits = cast_like(abs(x) == out, abs(x))
        return out_bar * turn(x) * hits / np.sum(hits, axis=axes, keepdims=True)
    if len(axes) == 1:
        return out_bar * turn(x) * (abs(x) / np.where(out == 0.0, np.inf, out)) ** (ord - 1)
    if ord == 1 or ord == -1 or ord == np.inf or ord == -np.inf:
        run, along = axes if abs(ord) == 1 else axes[::-1]
        sums = np.sum(abs(x), axis=run, keepdims=True)
        best = np.max(sums, axis=along, keepdims=True) if ord > 0 else np.min(sums, axis=along, keepdims=True)
        hits = cast_like(sums == best, sums)
        return out_bar * turn(x) * hits / np.sum(hits, axis=along, keepdims=True)
    u, _, vh = np.linalg.svd(np.moveaxis(x, axes, (-2, -1)), full_matrices=False)
    if ord == 2:
        u, vh = u[..., :, :1], vh[..., :1, :]
    elif ord == -2:
        u, vh = u[..., :, -1:], vh[..., -1:, :]
    return out_bar * np.moveaxis(straight(u, vh), (-2, -1), axes)


@differential(np.linalg.vector_norm)
def vector_norm(
    x: Any, axis: Any = None, keepdims: Any = False, ord: Any = 2, *, out: Any, x_dot: Any
) -> Any:
    ord = 2 if ord is None else ord
    if axis is not None and not keepdims:
        out = np.expand_dims(out, axis)
    if ord == 2 and np.iscomplexobj(x):
        slope = np.conj(x) / np.where(out == 0.0, np.inf, out)
        return np.real(np.sum(slope * x_dot, axis=axis, keepdims=keepdims))
    if ord == 2:
        slope = x / np.where(out == 0.0, np.inf, out)
    elif ord == 0:
        slope = 0.0 * x
    elif ord == 1:
        slope = turn(x)
    elif ord == np.inf or ord == -np.inf:
        hits = cast_like(abs(x) == out, abs(x))
        slope = turn(x) * hits / np.sum(hits, axis=axis, keepdims=True)
    else:
        slope = turn(x) * (abs(x) / np.where(out == 0.0, np.inf, out)) ** (ord - 1)
    if np.iscomplexobj(x):
        return np.real(np.sum(slope * x_dot, axis=axis, keepdims=keepdims))
    return np.sum(slope * x_dot, axis=axis, keepdims=keepdims)


@pullback(np.linalg.vector_norm, "x")
def vector_norm_bar(
    x: Any, axis: Any = None, keepdims: Any = False, ord: Any = 2, *, out: Any, out_bar: Any
) -> Any:
    ord = 2 if ord is None else ord
    if axis is not None and not keepdims:
        out, out_bar = np.expand_dims(out, axis), np.expand_dims(out_bar, axis)
    if ord == 2 and np.iscomplexobj(x):
        return out_bar / np.where(out == 0.0, np.inf, out) * np.conj(x)
    if ord == 2:
        return out_bar / np.where(out == 0.0, np.inf, out) * x
    if ord == 0:
        return 0.0 * x
    if ord == 1:
        return out_bar * turn(x)
    if ord == np.inf or ord == -np.inf:
        hits = cast_like(abs(x) == out, abs(x))
        return out_bar * turn(x) * hits / np.sum(hits, axis=axis, keepdims=True)
    return out_bar * turn(x) * (abs(x) / np.where(out == 0.0, np.inf, out)) ** (ord - 1)


@differential(np.linalg.matrix_norm)
def matrix_norm(x: Any, keepdims: Any = False, ord: Any = "fro", *, out: Any, x_dot: Any) -> Any:
    ord = "fro" if ord is None else ord
    if not keepdims:
        out = np.expand_dims(out, (-2, -1))
    if ord == "fro" and np.iscomplexobj(x):
        slope = np.conj(x) / np.where(out == 0.0, np.inf, out)
        return np.real(np.sum(slope * x_dot, axis=(-2, -1), keepdims=keepdims))
    if ord == "fro":
        slope = x / np.where(out == 0.0, np.inf, out)
    elif ord == 1 or ord == -1 or ord == np.inf or ord == -np.inf:
        run, along = (-2, -1) if abs(ord) == 1 else (-1, -2)
        sums = np.sum(abs(x), axis=run, keepdims=True)
        best = np.max(sums, axis=along, keepdims=True) if ord > 0 else np.min(sums, axis=along, keepdims=True)
        hits = cast_like(sums == best, sums)
        slope = turn(x) * hits / np.sum(hits, axis=along, keepdims=True)
    else:
        u, _, vh = np.linalg.svd(x, full_matrices=False)
        if ord == 2:
            u, vh = u[..., :, :1], vh[..., :1, :]
        elif ord == -2:
            u, vh = u[..., :, -1:], vh[..., -1:, :]
        slope = straight(u, vh)
    if np.iscomplexobj(x):
        return np.real(np.sum(slope * x_dot, axis=(-2, -1), keepdims=keepdims))
    return np.sum(slope * x_dot, axis=(-2, -1), keepdims=keepdims)


@pullback(np.linalg.matrix_norm, "x")
def matrix_norm_bar(x: Any, keepdims: Any = False, ord: Any = "fro", *, out: Any, out_bar: Any) -> Any:
    ord = "fro" if ord is None else ord
    if not keepdims:
        out, out_bar = np.expand_dims(out, (-2, -1)), np.expand_dims(out_bar, (-2, -1))
    if ord == "fro" and np.iscomplexobj(x):
        return out_bar / np.where(out == 0.0, np.inf, out) * np.conj(x)
    if ord == "fro":
        return out_bar / np.where(out == 0.0, np.inf, out) * x
    if ord == 1 or ord == -1 or ord == np.inf or ord == -np.inf:
        run, along = (-2, -1) if abs(ord) == 1 else (-1, -2)
        sums = np.sum(abs(x), axis=run, keepdims=True)
        best = np.max(sums, axis=along, keepdims=True) if ord > 0 else np.min(sums, axis=along, keepdims=True)
        hits = cast_like(sums == best, sums)
        return out_bar * turn(x) * hits / np.sum(hits, axis=along, keepdims=True)
    u, _, vh = np.linalg.svd(x, full_matrices=False)
    if ord == 2:
        u, vh = u[..., :, :1], vh[..., :1, :]
    elif ord == -2:
        u, vh = u[..., :, -1:], vh[..., -1:, :]
    return out_bar * straight(u, vh)
