"""Rules for functions that move elements about: shapes, joins, splits, padding, sorting, gathering."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from srcdiff import runtime
from srcdiff.rules.registry import (
    differential,
    linear,
    nondifferentiable,
    pullback,
    pure,
    returns_alias,
    shapes_only,
    takes_nested,
    takes_sequence,
)
from srcdiff.runtime.arrays import (
    add,
    cast_like,
    fit,
    interior,
    inverse_permutation,
    last_write,
    layout,
    negated,
    order_of,
    pad_sources,
    rolled_to,
    scatter_add,
    unbroadcast,
    undiagonal,
    unpad,
    untake,
    untake_along_axis,
    zero_of,
    zeros_like,
    zeros_there,
)
from srcdiff.runtime.joined import (
    ediff_back,
    unarray,
    unblock,
    unbroadcast_arrays,
    unchoose,
    uncolumn_stack,
    unconcatenate,
    undstack,
    unhstack,
    uninsert,
    unmeshgrid,
    unselect,
    untile,
    unvstack,
)

pure(interior, inverse_permutation, negated, rolled_to)
nondifferentiable(last_write, layout, order_of, pad_sources, zero_of, zeros_like, zeros_there)
returns_alias(
    np.array_split,
    np.asanyarray,
    np.asarray,
    np.asarray_chkfinite,
    np.ascontiguousarray,
    np.asfortranarray,
    np.atleast_1d,
    np.atleast_2d,
    np.atleast_3d,
    np.broadcast_arrays,
    np.broadcast_to,
    np.diag,
    np.diagonal,
    np.dsplit,
    np.expand_dims,
    np.flip,
    np.fliplr,
    np.flipud,
    np.hsplit,
    np.matrix_transpose,
    np.moveaxis,
    np.ravel,
    np.require,
    np.reshape,
    np.rollaxis,
    np.rot90,
    np.split,
    np.squeeze,
    np.swapaxes,
    np.transpose,
    np.vsplit,
    sliding_window_view,
    add,
    cast_like,
    fit,
    scatter_add,
    unarray,
    unbroadcast,
    unbroadcast_arrays,
    uncolumn_stack,
    unconcatenate,
    undstack,
    unhstack,
    unvstack,
    runtime.one_by_one,
)

takes_sequence(
    np.concatenate, np.stack, np.vstack, np.hstack, np.dstack, np.column_stack, np.choose, np.select
)
takes_nested(
    np.array, np.asarray, np.asanyarray, np.asarray_chkfinite, np.ascontiguousarray, np.asfortranarray,
    np.copy, np.block,
)  # fmt: skip

# --- the same elements in another shape


@linear(np.reshape, "a")
def reshape(a: Any, shape: Any, order: Any = "C", *, out_bar: Any) -> Any:
    if order == "C":
        return np.reshape(out_bar, np.shape(a))
    return np.reshape(out_bar, np.shape(a), order=layout(a, order))


@linear(np.ravel, "a")
def ravel(a: Any, order: Any = "C", *, out_bar: Any) -> Any:
    if order == "C":
        return np.reshape(out_bar, np.shape(a))
    return np.reshape(out_bar, np.shape(a), order=layout(a, order))


@linear(np.transpose, "a")
def transpose(a: Any, axes: Any = None, *, out_bar: Any) -> Any:
    if axes is None:
        return np.transpose(out_bar)
    return np.transpose(out_bar, inverse_permutation(axes))


@linear(np.matrix_transpose, "x")
@linear(np.linalg.matrix_transpose, "x")
def matrix_transpose(x: Any, *, out_bar: Any) -> Any:
    return np.swapaxes(out_bar, -1, -2)


@linear(np.swapaxes, "a")
def swapaxes(a: Any, axis1: Any, axis2: Any, *, out_bar: Any) -> Any:
    return np.swapaxes(out_bar, axis1, axis2)


@linear(np.moveaxis, "a")
def moveaxis(a: Any, source: Any, destination: Any, *, out_bar: Any) -> Any:
    return np.moveaxis(out_bar, destination, source)


@linear(np.rollaxis, "a")
def rollaxis(a: Any, axis: Any, start: Any = 0, *, out_bar: Any) -> Any:
    return np.moveaxis(out_bar, rolled_to(axis, start, np.ndim(a)), axis)


@linear(np.squeeze, "a")
def squeeze(a: Any, axis: Any = None, *, out_bar: Any) -> Any:
    if axis is None:
        return np.reshape(out_bar, np.shape(a))
    return np.expand_dims(out_bar, axis)


@linear(np.expand_dims, "a")
def expand_dims(a: Any, axis: Any, *, out_bar: Any) -> Any:
    return np.squeeze(out_bar, axis=axis)


@linear(np.atleast_1d, "arys")
@linear(np.atleast_2d, "arys")
@linear(np.atleast_3d, "arys")
def atleast(*arys: Any, out_bar: Any) -> Any:
    if len(arys) == 1:
        return (np.reshape(out_bar, np.shape(arys[0])),)
    bars: Any = ()
    for k in range(len(arys)):
        bars = (*bars, np.reshape(out_bar[k], np.shape(arys[k])))
    return bars


@linear(np.flip, "m")
def flip(m: Any, axis: Any = None, *, out_bar: Any) -> Any:
    return np.flip(out_bar, axis=axis)


@linear(np.fliplr, "m")
def fliplr(m: Any, *, out_bar: Any) -> Any:
    return np.fliplr(out_bar)


@linear(np.flipud, "m")
def flipud(m: Any, *, out_bar: Any) -> Any:
    return np.flipud(out_bar)


@linear(np.rot90, "m")
def rot90(m: Any, k: Any = 1, axes: Any = (0, 1), *, out_bar: Any) -> Any:
    return np.rot90(out_bar, -k, axes)


@linear(np.roll, "a")
def roll(a: Any, shift: Any, axis: Any = None, *, out_bar: Any) -> Any:
    if isinstance(shift, int):
        return np.roll(out_bar, -shift, axis=axis)
    return np.roll(out_bar, negated(shift), axis=axis)


# --- copies and casts


@linear(np.copy, "a")
@linear(np.asarray_chkfinite, "a")
def copy(a: Any, *, out_bar: Any) -> Any:
    if isinstance(a, (list, tuple)):
        return unarray(out_bar, a)
    return out_bar


@linear(np.array, "object")
def array(object: Any, *, out_bar: Any) -> Any:
    if isinstance(object, list):
        if np.ndim(out_bar) == 1 or isinstance(object[0], np.ndarray):
            return list(out_bar)
        return unarray(out_bar, object)
    if isinstance(object, tuple):
        if np.ndim(out_bar) == 1:
            return tuple(out_bar)
        return unarray(out_bar, object)
    return out_bar


@linear(np.asarray, "a")
@linear(np.asanyarray, "a")
def asarray(a: Any, *, out_bar: Any) -> Any:
    if isinstance(a, list):
        if np.ndim(out_bar) == 1 or isinstance(a[0], np.ndarray):
            return list(out_bar)
        return unarray(out_bar, a)
    if isinstance(a, tuple):
        if np.ndim(out_bar) == 1:
            return tuple(out_bar)
        return unarray(out_bar, a)
    return out_bar


@linear(np.require, "a")
def require(a: Any, dtype: Any = None, requirements: Any = None, *, out_bar: Any) -> Any:
    return cast_like(out_bar, a)


@linear(np.ascontiguousarray, "a")
@linear(np.asfortranarray, "a")
def ascontiguousarray(a: Any, *, out_bar: Any) -> Any:
    if isinstance(a, (list, tuple)):
        return unarray(out_bar, a)
    if np.ndim(a) == 0:
        return np.reshape(out_bar, ())
    return out_bar


if hasattr(np, "astype"):  # NumPy 2.1
    returns_alias(np.astype)

    @linear(np.astype, "x")
    def astype(x: Any, dtype: Any, copy: Any = True, *, out_bar: Any) -> Any:
        return cast_like(out_bar, x)


# --- broadcasting and repetition


@linear(np.broadcast_to, "array")
def broadcast_to(array: Any, shape: Any, *, out_bar: Any) -> Any:
    return unbroadcast(out_bar, array)


@linear(np.broadcast_arrays, "args")
def broadcast_arrays(*args: Any, out_bar: Any) -> Any:
    return unbroadcast_arrays(out_bar, args)


@linear(np.meshgrid, "x", "y", "z")
def meshgrid(
    x: Any, y: Any = None, z: Any = None, sparse: Any = False, indexing: Any = "xy", *, out_bar: Any
) -> Any:
    if y is None:
        return np.reshape(out_bar[0], np.shape(x)), None, None
    if z is None and not sparse and np.ndim(x) == 1 and np.ndim(y) == 1:
        if indexing == "ij":
            return np.sum(out_bar[0], axis=1), np.sum(out_bar[1], axis=0), None
        return np.sum(out_bar[0], axis=0), np.sum(out_bar[1], axis=1), None
    if z is None:
        x_bar, y_bar = unmeshgrid(out_bar, (x, y), sparse, indexing)
        return x_bar, y_bar, None
    return unmeshgrid(out_bar, (x, y, z), sparse, indexing)


@linear(np.full, "fill_value")
def full(shape: Any, fill_value: Any, *, out_bar: Any) -> Any:
    if np.ndim(fill_value) == 0:
        return np.sum(out_bar)
    return unbroadcast(out_bar, fill_value)


@linear(np.full_like, "fill_value")
def full_like(a: Any, fill_value: Any, *, out_bar: Any) -> Any:
    if np.ndim(fill_value) == 0:
        return np.sum(out_bar)
    return unbroadcast(out_bar, fill_value)


@linear(np.tile, "A")
def tile(A: Any, reps: Any, *, out_bar: Any) -> Any:
    if np.ndim(A) == 1 and isinstance(reps, int):
        return np.sum(np.reshape(out_bar, (reps, np.size(A))), axis=0)
    return untile(out_bar, A, reps)


@linear(np.repeat, "a")
def repeat(a: Any, repeats: Any, axis: Any = None, *, out_bar: Any) -> Any:
    if isinstance(repeats, int) and (axis is None or np.ndim(a) == 1):
        return np.reshape(np.sum(np.reshape(out_bar, (np.size(a), repeats)), axis=1), np.shape(a))
    if axis is None:
        return untake(out_bar, a, np.repeat(np.arange(np.size(a)), repeats))
    return untake(out_bar, a, np.repeat(np.arange(np.shape(a)[axis]), repeats), axis)


@linear(np.resize, "a")
def resize(a: Any, new_shape: Any, *, out_bar: Any) -> Any:
    return untake(out_bar, a, np.resize(np.arange(np.size(a)), new_shape))


@differential(np.pad)
def pad(
    array: Any, pad_width: Any, mode: Any = "constant", constant_values: Any = 0, *, array_dot: Any
) -> Any:
    if mode == "constant":
        return np.pad(array_dot, pad_width)
    if mode == "edge" or mode == "reflect" or mode == "symmetric" or mode == "wrap":
        return np.pad(array_dot, pad_width, mode)
    return np.take(array_dot, pad_sources(array, pad_width, mode))


@pullback(np.pad, "array")
def pad_bar(
    array: Any, pad_width: Any, mode: Any = "constant", constant_values: Any = 0, *, out_bar: Any
) -> Any:
    if mode == "constant":
        if np.ndim(array) == 1 and isinstance(pad_width, int):
            return out_bar[pad_width : pad_width + np.shape(array)[0]]
        if np.ndim(array) == 2 and isinstance(pad_width, int):
            rows, columns = np.shape(array)
            return out_bar[pad_width : pad_width + rows, pad_width : pad_width + columns]
        if np.ndim(array) == 1 and isinstance(pad_width, tuple) and isinstance(pad_width[0], int):
            before = pad_width[0]
            return out_bar[before : before + np.shape(array)[0]]
        return out_bar[interior(pad_width, np.ndim(array))]
    return unpad(out_bar, array, pad_width, mode)


@linear(sliding_window_view, "x")
def windows(x: Any, window_shape: Any, axis: Any = None, *, out_bar: Any) -> Any:
    places = np.reshape(np.arange(np.size(x)), np.shape(x))
    return untake(out_bar, x, sliding_window_view(places, window_shape, axis))


# --- joins and splits


def cut(g: Any, arrays: Any, axis: Any) -> Any:
    """Parts of ``g`` along its first or second axis, as long as ``arrays``; one of what has an axis less."""
    if len(arrays) == 1 and np.ndim(arrays[0]) == np.ndim(g):
        return (g,)
    end: Any = None
    bars: Any = ()
    for k in range(len(arrays)):
        start = end
        if np.ndim(arrays[k]) < np.ndim(g):
            place = 0 if start is None else start
            end = place + 1
            bars = (*bars, g[place] if axis == 0 else g[:, place])
        else:
            size = np.shape(arrays[k])[axis]
            end = None if k == len(arrays) - 1 else size if start is None else start + size
            bars = (*bars, g[start:end] if axis == 0 else g[:, start:end])
    return bars


@linear(np.concatenate, "arrays")
def concatenate(arrays: Any, axis: Any = 0, *, out_bar: Any) -> Any:
    if isinstance(arrays, tuple):
        along = np.ndim(out_bar) - 1 if axis == -1 else axis
        if along == 0 or along == 1:
            return cut(out_bar, arrays, along)
    return unconcatenate(out_bar, arrays, axis)


@linear(np.stack, "arrays")
def stack(arrays: Any, axis: Any = 0, *, out_bar: Any) -> Any:
    if isinstance(arrays, tuple) and (axis == 0 or axis == 1 or axis == -1):
        bars: Any = ()
        for k in range(len(arrays)):
            bars = (*bars, out_bar[k] if axis == 0 else out_bar[:, k] if axis == 1 else out_bar[..., k])
        return bars
    if axis != 0:
        out_bar = np.moveaxis(out_bar, axis, 0)
    if isinstance(arrays, list):
        return list(out_bar)
    if isinstance(arrays, tuple):
        return tuple(out_bar)
    return out_bar


@linear(np.vstack, "tup")
def vstack(tup: Any, *, out_bar: Any) -> Any:
    plain = isinstance(tup, tuple)
    for k in range(len(tup)) if plain else ():
        plain = plain and np.ndim(tup[k]) > 0
    return cut(out_bar, tup, 0) if plain else unvstack(out_bar, tup)


@linear(np.hstack, "tup")
def hstack(tup: Any, *, out_bar: Any) -> Any:
    plain = isinstance(tup, tuple) and (np.ndim(out_bar) == 1 or np.ndim(out_bar) == 2)
    for k in range(len(tup)) if plain else ():
        plain = plain and np.ndim(tup[k]) == np.ndim(out_bar)
    if plain:
        return cut(out_bar, tup, np.ndim(out_bar) - 1)
    return unhstack(out_bar, tup)


@linear(np.dstack, "tup")
def dstack(tup: Any, *, out_bar: Any) -> Any:
    return undstack(out_bar, tup)


@linear(np.column_stack, "tup")
def column_stack(tup: Any, *, out_bar: Any) -> Any:
    plain = isinstance(tup, tuple)
    for k in range(len(tup)) if plain else ():
        plain = plain and np.ndim(tup[k]) > 0
    return cut(out_bar, tup, 1) if plain else uncolumn_stack(out_bar, tup)


@linear(np.block, "arrays")
def block(arrays: Any, *, out_bar: Any) -> Any:
    return unblock(out_bar, arrays)


@linear(np.split, "ary")
@linear(np.array_split, "ary")
def split(ary: Any, indices_or_sections: Any, axis: Any = 0, *, out_bar: Any) -> Any:
    return np.concatenate(out_bar, axis=axis)


@linear(np.vsplit, "ary")
def vsplit(ary: Any, indices_or_sections: Any, *, out_bar: Any) -> Any:
    return np.concatenate(out_bar)


@linear(np.hsplit, "ary")
def hsplit(ary: Any, indices_or_sections: Any, *, out_bar: Any) -> Any:
    if np.ndim(ary) == 1:
        return np.concatenate(out_bar)
    return np.concatenate(out_bar, axis=1)


@linear(np.dsplit, "ary")
def dsplit(ary: Any, indices_or_sections: Any, *, out_bar: Any) -> Any:
    return np.concatenate(out_bar, axis=2)


if hasattr(np, "unstack"):  # NumPy 2.1
    returns_alias(np.unstack)

    @linear(np.unstack, "x")
    def unstack(x: Any, axis: Any = 0, *, out_bar: Any) -> Any:
        return np.stack(out_bar, axis=axis)


@linear(np.append, "arr", "values")
def append(arr: Any, values: Any, axis: Any = None, *, out_bar: Any) -> Any:
    if np.ndim(arr) == 1 and np.ndim(values) == 1:
        end = np.shape(arr)[0]
        return out_bar[:end], out_bar[end:]
    return unconcatenate(out_bar, (arr, values), axis)


@linear(np.insert, "arr", "values")
def insert(arr: Any, obj: Any, values: Any, axis: Any = None, *, out_bar: Any) -> Any:
    return uninsert(out_bar, arr, obj, values, axis)


@linear(np.delete, "arr")
def delete(arr: Any, obj: Any, axis: Any = None, *, out_bar: Any) -> Any:
    if axis is None:
        return untake(out_bar, arr, np.delete(np.arange(np.size(arr)), obj))
    return untake(out_bar, arr, np.delete(np.arange(np.shape(arr)[axis]), obj), axis)


@linear(np.ediff1d, "ary", "to_end", "to_begin")
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None, *, out_bar: Any) -> Any:
    begin = 0 if to_begin is None else np.size(to_begin)
    end = np.size(out_bar) if to_end is None else np.size(out_bar) - np.size(to_end)
    begin_bar = None if to_begin is None else np.reshape(out_bar[:begin], np.shape(to_begin))
    end_bar = None if to_end is None else np.reshape(out_bar[end:], np.shape(to_end))
    return ediff_back(out_bar[begin:end], ary), end_bar, begin_bar


# --- diagonals and triangles


@linear(np.diag, "v")
def diag(v: Any, k: Any = 0, *, out_bar: Any) -> Any:
    if np.ndim(v) == 1:
        return np.diagonal(out_bar, k)
    return undiagonal(out_bar, v, k)


@linear(np.diagflat, "v")
def diagflat(v: Any, k: Any = 0, *, out_bar: Any) -> Any:
    return np.reshape(np.diagonal(out_bar, k), np.shape(v))


@linear(np.diagonal, "a")
def diagonal(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1, *, out_bar: Any) -> Any:
    return undiagonal(out_bar, a, offset, axis1, axis2)


@linear(np.trace, "a")
def trace(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1, *, out_bar: Any) -> Any:
    if np.ndim(a) == 2 and axis1 == 0 and axis2 == 1:
        return out_bar * np.eye(np.shape(a)[0], np.shape(a)[1], offset, dtype=a.dtype)
    return undiagonal(np.expand_dims(out_bar, -1), a, offset, axis1, axis2)


@linear(np.tril, "m")
def tril(m: Any, k: Any = 0, *, out_bar: Any) -> Any:
    if np.ndim(m) == 1:
        return np.sum(np.tril(out_bar, k), axis=0)
    return np.tril(out_bar, k)


@linear(np.triu, "m")
def triu(m: Any, k: Any = 0, *, out_bar: Any) -> Any:
    if np.ndim(m) == 1:
        return np.sum(np.triu(out_bar, k), axis=0)
    return np.triu(out_bar, k)


# --- gathering and choosing


@linear(np.take, "a")
def take(a: Any, indices: Any, axis: Any = None, mode: Any = "raise", *, out_bar: Any) -> Any:
    if mode == "raise":
        return untake(out_bar, a, indices, axis)
    return untake(out_bar, a, indices, axis, mode)


@linear(np.take_along_axis, "arr")
def take_along_axis(arr: Any, indices: Any, axis: Any = -1, *, out_bar: Any) -> Any:
    return untake_along_axis(out_bar, arr, indices, axis)


@linear(np.compress, "a")
def compress(condition: Any, a: Any, axis: Any = None, *, out_bar: Any) -> Any:
    return untake(out_bar, a, np.flatnonzero(condition), axis)


@linear(np.extract, "arr")
def extract(condition: Any, arr: Any, *, out_bar: Any) -> Any:
    return untake(out_bar, arr, np.flatnonzero(condition))


@linear(np.choose, "choices")
def choose(a: Any, choices: Any, mode: Any = "raise", *, out_bar: Any) -> Any:
    return unchoose(out_bar, a, choices, mode)


@linear(np.select, "choicelist", "default")
def select(condlist: Any, choicelist: Any, default: Any = 0, *, out_bar: Any) -> Any:
    return unselect(out_bar, condlist, choicelist, default)


@differential(np.sort)
def sort(a: Any, axis: Any = -1, *, a_dot: Any) -> Any:
    return np.take_along_axis(a_dot, np.argsort(a, axis=axis, kind="stable"), axis=axis)


@pullback(np.sort, "a")
def sort_bar(a: Any, axis: Any = -1, *, out_bar: Any) -> Any:
    order = np.argsort(a, axis=axis, kind="stable")
    if axis is None:
        return np.reshape(np.take(out_bar, np.argsort(order)), np.shape(a))
    return np.take_along_axis(out_bar, np.argsort(order, axis=axis), axis=axis)


@differential(np.partition)
def partition(a: Any, kth: Any, axis: Any = -1, *, out: Any, a_dot: Any) -> Any:
    if axis is None:
        return np.take(a_dot, order_of(out, np.ravel(a)))
    return np.take_along_axis(a_dot, order_of(out, a, axis), axis=axis)


@pullback(np.partition, "a")
def partition_bar(a: Any, kth: Any, axis: Any = -1, *, out: Any, out_bar: Any) -> Any:
    if axis is None:
        return untake(out_bar, a, order_of(out, np.ravel(a)))
    return untake_along_axis(out_bar, a, order_of(out, a, axis), axis)


# --- the helpers: the transpose of a transpose


@linear(unbroadcast, "g")
def unbroadcast_rule(g: Any, like: Any, *, out_bar: Any) -> Any:
    return np.broadcast_to(out_bar, np.shape(g))


@linear(fit, "g")
def fit_rule(g: Any, like: Any, *, out_bar: Any) -> Any:
    return fit(out_bar, g)


@linear(cast_like, "g")
def cast_like_rule(g: Any, like: Any, *, out_bar: Any) -> Any:
    return cast_like(out_bar, g)


@linear(runtime.added_at, "x", "value")
def added_at_rule(x: Any, index: Any, value: Any, *, out_bar: Any) -> Any:
    return out_bar, out_bar[index]


@linear(add, "a", "b")
def add_rule(a: Any, b: Any, *, out_bar: Any) -> Any:
    return out_bar, out_bar


@linear(untake, "g")
def untake_rule(g: Any, a: Any, indices: Any, axis: Any = None, mode: Any = "raise", *, out_bar: Any) -> Any:
    return np.take(out_bar, indices, axis=axis, mode=mode)


@linear(unpad, "g")
def unpad_rule(g: Any, array: Any, pad_width: Any, mode: Any, *, out_bar: Any) -> Any:
    return np.pad(out_bar, pad_width, mode)


@linear(untake_along_axis, "g")
def untake_along_axis_rule(g: Any, arr: Any, indices: Any, axis: Any = -1, *, out_bar: Any) -> Any:
    return np.take_along_axis(out_bar, indices, axis=axis)


@linear(undiagonal, "g")
def undiagonal_rule(g: Any, a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1, *, out_bar: Any) -> Any:
    return unbroadcast(np.diagonal(out_bar, offset, axis1, axis2), g)


@linear(unconcatenate, "g")
def unconcatenate_rule(g: Any, arrays: Any, axis: Any = 0, *, out_bar: Any) -> Any:
    return np.concatenate(out_bar, axis=axis)


@linear(unvstack, "g")
def unvstack_rule(g: Any, arrays: Any, *, out_bar: Any) -> Any:
    return np.vstack(out_bar)


@linear(unhstack, "g")
def unhstack_rule(g: Any, arrays: Any, *, out_bar: Any) -> Any:
    return np.hstack(out_bar)


@linear(undstack, "g")
def undstack_rule(g: Any, arrays: Any, *, out_bar: Any) -> Any:
    return np.dstack(out_bar)


@linear(uncolumn_stack, "g")
def uncolumn_stack_rule(g: Any, arrays: Any, *, out_bar: Any) -> Any:
    return np.column_stack(out_bar)


@linear(unblock, "g")
def unblock_rule(g: Any, arrays: Any, *, out_bar: Any) -> Any:
    return np.block(out_bar)


@linear(runtime.side_by_side, "examples")
def side_by_side_rule(examples: Any, *, out_bar: Any) -> Any:
    return runtime.one_by_one(out_bar, examples)


@linear(runtime.one_by_one, "g")
def one_by_one_rule(g: Any, examples: Any, *, out_bar: Any) -> Any:
    return runtime.side_by_side(out_bar)


@linear(unarray, "g")
def unarray_rule(g: Any, nested: Any, *, out_bar: Any) -> Any:
    return np.array(out_bar)


@linear(unbroadcast_arrays, "g")
def unbroadcast_arrays_rule(g: Any, arrays: Any, *, out_bar: Any) -> Any:
    return np.broadcast_arrays(*out_bar)


@linear(unmeshgrid, "g")
def unmeshgrid_rule(g: Any, arrays: Any, sparse: Any = False, indexing: Any = "xy", *, out_bar: Any) -> Any:
    return np.meshgrid(*out_bar, sparse=sparse, indexing=indexing)


@linear(uninsert, "g")
def uninsert_rule(g: Any, arr: Any, obj: Any, values: Any, axis: Any = None, *, out_bar: Any) -> Any:
    return np.insert(out_bar[0], obj, out_bar[1], axis)


@linear(unselect, "g")
def unselect_rule(g: Any, condlist: Any, choicelist: Any, default: Any = 0, *, out_bar: Any) -> Any:
    return np.select(condlist, out_bar[0], out_bar[1])


@linear(unchoose, "g")
def unchoose_rule(g: Any, a: Any, choices: Any, mode: Any = "raise", *, out_bar: Any) -> Any:
    return np.choose(a, out_bar, mode=mode)


@linear(untile, "g")
def untile_rule(g: Any, a: Any, reps: Any, *, out_bar: Any) -> Any:
    return np.tile(out_bar, reps)


@linear(ediff_back, "g")
def ediff_back_rule(g: Any, a: Any, *, out_bar: Any) -> Any:
    return np.ediff1d(out_bar)


for _fn, _names in (
    (runtime.unbroadcast, "like"), (runtime.fit, "like"), (runtime.cast_like, "like"),
    (runtime.resized, "like"), (runtime.untake, "a"), (runtime.untake_along_axis, "arr"),
    (runtime.unpad, "array"), (runtime.undiagonal, "a"), (runtime.untile, "a"),
    (runtime.unconcatenate, "arrays"), (runtime.unvstack, "arrays"), (runtime.unhstack, "arrays"),
    (runtime.undstack, "arrays"), (runtime.uncolumn_stack, "arrays"), (runtime.unblock, "arrays"),
    (runtime.unarray, "nested"), (runtime.one_by_one, "examples"), (runtime.unbroadcast_arrays, "arrays"),
    (runtime.unmeshgrid, "arrays"), (runtime.uninsert, "arr values"),
    (runtime.unselect, "choicelist default"), (runtime.unchoose, "choices"), (runtime.matmul_left, "a"),
    (runtime.matmul_right, "b"), (runtime.kron_left, "a"), (runtime.kron_right, "b"),
    (runtime.ediff_back, "a"), (runtime.gradient_back, "f"), (np.full_like, "a"),
):  # fmt: skip
    shapes_only(_fn, *_names.split())
