"""Rules of sums, products, extremes, order statistics and what runs along an axis.

A pullback distinguishes the reduction of everything, the reduction along axes, and ``keepdims``, so that each
reads as it would be written by hand.  Equal extremes share equally; a quantile belongs to the elements that
one sorting permutation puts next to it.  Products and running products are right where elements are zero, at
every order.

Options that choose what is reduced (``where=``, ``mean=``), and functions that are others put together,
are in
:mod:`srcdiff.rules.definitions`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from srcdiff.rules.registry import (
    differential,
    flat_in,
    linear,
    nondifferentiable,
    pullback,
    pure,
    returns_alias,
    returns_operand,
    takes_arrays,
)
from srcdiff.rules.transforms import varies
from srcdiff.runtime.arrays import untake
from srcdiff.runtime.reductions import (
    axes_behind,
    bin_places,
    first_places,
    other_axes,
    pad_widths,
    places_so_far,
    present_size,
    quantile_slopes,
    quantile_weights,
    recurrence,
    reduced_size,
    shifted,
)

pure(axes_behind, other_axes, pad_widths)
takes_arrays(np.quantile, "q")
takes_arrays(np.nanquantile, "q")
takes_arrays(np.percentile, "q")
flat_in(quantile_weights, "a")
nondifferentiable(bin_places, first_places, places_so_far, present_size, reduced_size, quantile_slopes)

# --- sums and means -----------------------------------------------------------------------------------------


@linear(np.sum, "a", "initial")
def sum_(a: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, *, out_bar: Any) -> Any:
    if np.ndim(a) == 0:
        return out_bar, out_bar
    if axis is None or keepdims:
        return np.broadcast_to(out_bar, a.shape), np.sum(out_bar)
    return np.broadcast_to(np.expand_dims(out_bar, axis), a.shape), np.sum(out_bar)


@linear(np.mean, "a")
def mean(a: Any, axis: Any = None, keepdims: bool = False, *, out_bar: Any) -> Any:
    if np.ndim(a) == 0:
        return out_bar
    if axis is None:
        return np.broadcast_to(out_bar / a.size, a.shape)
    if not keepdims:
        out_bar = np.expand_dims(out_bar, axis)
    if isinstance(axis, int):
        return np.broadcast_to(out_bar / a.shape[axis], a.shape)
    return np.broadcast_to(out_bar / reduced_size(a, axis), a.shape)


@differential(np.average)
def average(
    a: Any,
    axis: Any = None,
    weights: Any = None,
    keepdims: bool = False,
    *,
    out: Any,
    a_dot: Any,
    weights_dot: Any,
) -> Any:
    if weights is None:
        return np.mean(a_dot, axis=axis, keepdims=keepdims)
    if np.ndim(weights) != np.ndim(a):
        weights = np.expand_dims(weights, other_axes(a.ndim, axis))
        weights_dot = np.expand_dims(weights_dot, other_axes(a.ndim, axis))
    if axis is not None and not keepdims:
        out = np.expand_dims(out, axis)
    change = weights * a_dot + weights_dot * (a - out)
    return np.sum(change, axis=axis, keepdims=keepdims) / np.sum(weights, axis=axis, keepdims=keepdims)


@pullback(np.average, "a", "weights")
def average_bar(
    a: Any, axis: Any = None, weights: Any = None, keepdims: bool = False, *, out: Any, out_bar: Any
) -> Any:
    if weights is None:
        if axis is None:
            return np.broadcast_to(out_bar / a.size, a.shape), None
        if not keepdims:
            out_bar = np.expand_dims(out_bar, axis)
        if isinstance(axis, int):
            return np.broadcast_to(out_bar / a.shape[axis], a.shape), None
        return np.broadcast_to(out_bar / reduced_size(a, axis), a.shape), None
    if axis is not None and not keepdims:
        out, out_bar = np.expand_dims(out, axis), np.expand_dims(out_bar, axis)
    if np.ndim(weights) != np.ndim(a):
        share = out_bar / np.sum(weights)
        others = other_axes(a.ndim, axis)
        return share * np.expand_dims(weights, others), np.sum(share * (a - out), axis=others)
    share = out_bar / np.sum(weights, axis=axis, keepdims=True)
    return share * weights, share * (a - out)


@differential(np.var)
def var(a: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False, *, a_dot: Any) -> Any:
    if axis is None and not keepdims:
        return 2.0 * np.sum((a - np.mean(a)) * a_dot) / (a.size - ddof)
    deviation = a - np.mean(a, axis=axis, keepdims=True)
    if isinstance(axis, int):
        return 2.0 * np.sum(deviation * a_dot, axis=axis, keepdims=keepdims) / (a.shape[axis] - ddof)
    return 2.0 * np.sum(deviation * a_dot, axis=axis, keepdims=keepdims) / (reduced_size(a, axis) - ddof)


@pullback(np.var, "a")
def var_bar(a: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False, *, out_bar: Any) -> Any:
    if axis is None:
        return 2.0 * (a - np.mean(a)) * out_bar / (a.size - ddof)
    if not keepdims:
        out_bar = np.expand_dims(out_bar, axis)
    if isinstance(axis, int):
        return 2.0 * (a - np.mean(a, axis=axis, keepdims=True)) * out_bar / (a.shape[axis] - ddof)
    return 2.0 * (a - np.mean(a, axis=axis, keepdims=True)) * out_bar / (reduced_size(a, axis) - ddof)


@differential(np.std)
def std(a: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False, *, out: Any, a_dot: Any) -> Any:
    out = np.where(out == 0.0, np.inf, out)
    if axis is None and not keepdims:
        return np.sum((a - np.mean(a)) * a_dot) / ((a.size - ddof) * out)
    deviation = a - np.mean(a, axis=axis, keepdims=True)
    if isinstance(axis, int):
        return np.sum(deviation * a_dot, axis=axis, keepdims=keepdims) / ((a.shape[axis] - ddof) * out)
    return np.sum(deviation * a_dot, axis=axis, keepdims=keepdims) / ((reduced_size(a, axis) - ddof) * out)


@pullback(np.std, "a")
def std_bar(
    a: Any, axis: Any = None, ddof: Any = 0, keepdims: bool = False, *, out: Any, out_bar: Any
) -> Any:
    out = np.where(out == 0.0, np.inf, out)
    if axis is None:
        return (a - np.mean(a)) * (out_bar / ((a.size - ddof) * out))
    if not keepdims:
        out, out_bar = np.expand_dims(out, axis), np.expand_dims(out_bar, axis)
    if isinstance(axis, int):
        return (a - np.mean(a, axis=axis, keepdims=True)) * (out_bar / ((a.shape[axis] - ddof) * out))
    return (a - np.mean(a, axis=axis, keepdims=True)) * (out_bar / ((reduced_size(a, axis) - ddof) * out))


# --- sums and means of what is not nan ----------------------------------------------------------------------


@differential(np.nansum)
def nansum(a: Any, axis: Any = None, keepdims: bool = False, *, a_dot: Any) -> Any:
    return np.sum(np.where(np.isnan(a), 0.0, a_dot), axis=axis, keepdims=keepdims)


@pullback(np.nansum, "a")
def nansum_bar(a: Any, axis: Any = None, keepdims: bool = False, *, out_bar: Any) -> Any:
    if axis is not None and not keepdims:
        out_bar = np.expand_dims(out_bar, axis)
    return np.where(np.isnan(a), 0.0, out_bar)


@differential(np.nanmean)
def nanmean(a: Any, axis: Any = None, keepdims: bool = False, *, a_dot: Any) -> Any:
    present = ~np.isnan(a)
    total = np.sum(np.where(present, a_dot, 0.0), axis=axis, keepdims=keepdims)
    return total / np.sum(present, axis=axis, keepdims=keepdims, dtype=a.dtype)


@pullback(np.nanmean, "a")
def nanmean_bar(a: Any, axis: Any = None, keepdims: bool = False, *, out_bar: Any) -> Any:
    present = ~np.isnan(a)
    if axis is None:
        return np.where(present, out_bar / np.sum(present, dtype=a.dtype), 0.0)
    if not keepdims:
        out_bar = np.expand_dims(out_bar, axis)
    return np.where(present, out_bar / np.sum(present, axis=axis, keepdims=True, dtype=a.dtype), 0.0)


# --- extremes -----------------------------------------------------------------------------------------------


@differential(np.amax)
@differential(np.max)
def largest(
    a: Any,
    axis: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    *,
    out: Any,
    a_dot: Any,
    initial_dot: Any,
) -> Any:
    if np.ndim(a) == 0 and initial is None:
        return a_dot
    level = out if axis is None or keepdims else np.expand_dims(out, axis)
    # what is not smaller: where the result is NaN, all elements share
    return mean_over(~(a < level), a, axis, keepdims, initial, out, a_dot, initial_dot)


@differential(np.amin)
@differential(np.min)
def smallest(
    a: Any,
    axis: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    *,
    out: Any,
    a_dot: Any,
    initial_dot: Any,
) -> Any:
    if np.ndim(a) == 0 and initial is None:
        return a_dot
    level = out if axis is None or keepdims else np.expand_dims(out, axis)
    return mean_over(~(a > level), a, axis, keepdims, initial, out, a_dot, initial_dot)


@differential(np.nanmin)
@differential(np.nanmax)
def nan_extreme(
    a: Any,
    axis: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    *,
    out: Any,
    a_dot: Any,
    initial_dot: Any,
) -> Any:
    if np.ndim(a) == 0 and initial is None:
        return a_dot
    level = out if axis is None or keepdims else np.expand_dims(out, axis)
    return mean_over(a == level, a, axis, keepdims, initial, out, a_dot, initial_dot)


def mean_over(
    extremes: Any, a: Any, axis: Any, keepdims: bool, initial: Any, out: Any, a_dot: Any, initial_dot: Any
) -> Any:
    if axis is None and initial is None and not keepdims:
        return np.sum(np.where(extremes, a_dot, 0.0)) / np.sum(extremes, dtype=a.dtype)
    total = np.sum(np.where(extremes, a_dot, 0.0), axis=axis, keepdims=keepdims)
    count = np.sum(extremes, axis=axis, keepdims=keepdims, dtype=a.dtype)
    if initial is None:
        return total / count
    return np.where(out == initial, total + initial_dot, total) / np.where(out == initial, count + 1.0, count)


@pullback(np.amax, "a", "initial")
@pullback(np.max, "a", "initial")
def largest_bar(
    a: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, *, out: Any, out_bar: Any
) -> Any:
    if np.ndim(a) == 0 and initial is None:
        return out_bar, None
    if axis is not None and not keepdims:
        out, out_bar = np.expand_dims(out, axis), np.expand_dims(out_bar, axis)
    return shared_by(~(a < out), a, axis, initial, out, out_bar)


@pullback(np.amin, "a", "initial")
@pullback(np.min, "a", "initial")
def smallest_bar(
    a: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, *, out: Any, out_bar: Any
) -> Any:
    if np.ndim(a) == 0 and initial is None:
        return out_bar, None
    if axis is not None and not keepdims:
        out, out_bar = np.expand_dims(out, axis), np.expand_dims(out_bar, axis)
    return shared_by(~(a > out), a, axis, initial, out, out_bar)


@pullback(np.nanmin, "a", "initial")
@pullback(np.nanmax, "a", "initial")
def nan_extreme_bar(
    a: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, *, out: Any, out_bar: Any
) -> Any:
    if np.ndim(a) == 0 and initial is None:
        return out_bar, None
    if axis is not None and not keepdims:
        out, out_bar = np.expand_dims(out, axis), np.expand_dims(out_bar, axis)
    return shared_by(a == out, a, axis, initial, out, out_bar)


def shared_by(extremes: Any, a: Any, axis: Any, initial: Any, out: Any, out_bar: Any) -> Any:
    if axis is None and initial is None:
        return np.where(extremes, out_bar / np.sum(extremes, dtype=a.dtype), 0.0), None
    count = np.sum(extremes, axis=axis, keepdims=True, dtype=a.dtype)
    if initial is None:
        return np.where(extremes, out_bar / count, 0.0), None
    share = out_bar / np.where(out == initial, count + 1.0, count)
    return np.where(extremes, share, 0.0), np.sum(np.where(out == initial, share, 0.0))


@differential(np.ptp)
def ptp(a: Any, axis: Any = None, keepdims: bool = False, *, a_dot: Any) -> Any:
    highest = ~(a < np.max(a, axis=axis, keepdims=True))
    lowest = ~(a > np.min(a, axis=axis, keepdims=True))
    rise = np.sum(np.where(highest, a_dot, 0.0), axis=axis, keepdims=keepdims)
    fall = np.sum(np.where(lowest, a_dot, 0.0), axis=axis, keepdims=keepdims)
    return rise / np.sum(highest, axis=axis, keepdims=keepdims, dtype=a.dtype) - fall / np.sum(
        lowest, axis=axis, keepdims=keepdims, dtype=a.dtype
    )


@pullback(np.ptp, "a")
def ptp_bar(a: Any, axis: Any = None, keepdims: bool = False, *, out_bar: Any) -> Any:
    if axis is not None and not keepdims:
        out_bar = np.expand_dims(out_bar, axis)
    highest = ~(a < np.max(a, axis=axis, keepdims=True))
    lowest = ~(a > np.min(a, axis=axis, keepdims=True))
    rise = np.where(highest, out_bar / np.sum(highest, axis=axis, keepdims=True, dtype=a.dtype), 0.0)
    fall = np.where(lowest, out_bar / np.sum(lowest, axis=axis, keepdims=True, dtype=a.dtype), 0.0)
    return rise - fall


# --- order statistics ---------------------------------------------------------------------------------------


@differential(np.median)
def median(a: Any, axis: Any = None, keepdims: bool = False, *, a_dot: Any) -> Any:
    weights = quantile_weights(a, 0.5, axis)
    return np.sum(np.where(weights > 0.0, weights * a_dot, 0.0), axis=axis, keepdims=keepdims)


@pullback(np.median, "a")
def median_bar(a: Any, axis: Any = None, keepdims: bool = False, *, out_bar: Any) -> Any:
    weights = quantile_weights(a, 0.5, axis)
    if axis is None or keepdims:
        return np.where(weights > 0.0, weights * out_bar, 0.0)
    return np.where(weights > 0.0, weights * np.expand_dims(out_bar, axis), 0.0)


@differential(quantile_weights)
def quantile_weights_dot(a: Any, q: Any, axis: Any = None, method: Any = "linear", *, q_dot: Any) -> Any:
    slopes = quantile_slopes(a, q, axis, method)
    return slopes * q_dot if np.ndim(q) == 0 else slopes * behind(q_dot, np.ndim(a))


@pullback(quantile_weights, "q")
def quantile_weights_bar(a: Any, q: Any, axis: Any = None, method: Any = "linear", *, out_bar: Any) -> Any:
    slopes = quantile_slopes(a, q, axis, method) * out_bar
    return np.sum(slopes) if np.ndim(q) == 0 else np.sum(np.reshape(slopes, (np.shape(q)[0], -1)), axis=1)


def behind(q: Any, rank: int) -> Any:
    """A vector along the first of several axes."""
    return np.reshape(q, (-1, *(1,) * rank))


@differential(np.nanquantile)
@differential(np.quantile)
def quantile(
    a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: bool = False,
    *, a_dot: Any, q_dot: Any,
) -> Any:  # fmt: skip
    along = axis if np.ndim(q) == 0 else axes_behind(axis, np.ndim(a))
    if not varies(q_dot):
        weights = quantile_weights(a, q, axis, method)
        return np.sum(np.where(weights > 0.0, weights * a_dot, 0.0), axis=along, keepdims=keepdims)
    slopes = quantile_slopes(a, q, axis, method)
    slope = np.sum(np.where(slopes != 0.0, slopes * a, 0.0), axis=along, keepdims=keepdims)
    by_level = slope * q_dot if np.ndim(q) == 0 else slope * behind(q_dot, np.ndim(slope) - 1)
    if not varies(a_dot):
        return by_level
    weights = quantile_weights(a, q, axis, method)
    return by_level + np.sum(np.where(weights > 0.0, weights * a_dot, 0.0), axis=along, keepdims=keepdims)


@pullback(np.nanquantile, "a", "q")
@pullback(np.quantile, "a", "q")
def quantile_bar(
    a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: bool = False, *, out_bar: Any
) -> Any:
    weights = quantile_weights(a, q, axis, method)
    slopes = quantile_slopes(a, q, axis, method)
    if np.ndim(q) == 0:
        wide = out_bar if axis is None or keepdims else np.expand_dims(out_bar, axis)
        q_bar = np.sum(np.where(slopes != 0.0, slopes * a, 0.0) * wide)
        return np.where(weights > 0.0, weights * wide, 0.0), q_bar
    if not keepdims:
        out_bar = np.expand_dims(out_bar, axes_behind(axis, np.ndim(a)))
    q_bar = np.reshape(np.where(slopes != 0.0, slopes * a, 0.0) * out_bar, (np.shape(q)[0], -1))
    return np.sum(np.where(weights > 0.0, weights * out_bar, 0.0), axis=0), np.sum(q_bar, axis=1)


@differential(np.percentile)
def percentile(
    a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: bool = False,
    *, a_dot: Any, q_dot: Any,
) -> Any:  # fmt: skip
    return quantile(a, np.asarray(q) / 100.0, axis, method, keepdims, a_dot=a_dot, q_dot=q_dot / 100.0)


@pullback(np.percentile, "a", "q")
def percentile_bar(
    a: Any, q: Any, axis: Any = None, method: Any = "linear", keepdims: bool = False, *, out_bar: Any
) -> Any:
    a_bar, q_bar = quantile_bar(a, np.asarray(q) / 100.0, axis, method, keepdims, out_bar=out_bar)
    return a_bar, q_bar / 100.0


@differential(np.unique)
def unique(ar: Any, *, ar_dot: Any) -> Any:
    return np.take(ar_dot, np.unique(ar, return_index=True)[1])


@pullback(np.unique, "ar")
def unique_bar(ar: Any, *, out_bar: Any) -> Any:
    found = np.unique(ar, return_index=True, return_inverse=True)
    place = np.ravel(found[2])
    first = np.arange(np.size(ar)) == np.take(found[1], place)
    return np.reshape(np.where(first, np.take(out_bar, place), 0.0), np.shape(ar))


@differential(np.unique_values)
def unique_values(x: Any, *, out: Any, x_dot: Any) -> Any:
    return np.take(x_dot, first_places(x, out))


@pullback(np.unique_values, "x")
def unique_values_bar(x: Any, *, out: Any, out_bar: Any) -> Any:
    return untake(out_bar, x, first_places(x, out))


@differential(np.unique_counts)
@differential(np.unique_inverse)
def unique_pair(x: Any, *, out: Any, x_dot: Any) -> Any:
    return np.take(x_dot, first_places(x, out[0])), np.zeros(np.shape(out[1]))


@differential(np.unique_all)
def unique_all(x: Any, *, out: Any, x_dot: Any) -> Any:
    still = np.zeros(np.shape(out[1]))
    return np.take(x_dot, first_places(x, out[0])), still, np.zeros(np.shape(out[2])), still


@pullback(np.unique_counts, "x")
@pullback(np.unique_inverse, "x")
@pullback(np.unique_all, "x")
def unique_pair_bar(x: Any, *, out: Any, out_bar: Any) -> Any:
    return untake(out_bar[0], x, first_places(x, out[0]))


# --- counts -------------------------------------------------------------------------------------------------


@differential(np.histogram)
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None, *, out: Any,
    a_dot: Any, bins_dot: Any, weights_dot: Any,
) -> Any:  # fmt: skip
    n = np.size(out[0])
    edges_dot: Any = np.zeros(n + 1)
    if isinstance(bins, int) and range is None:
        lowest, highest = a == np.min(a), a == np.max(a)
        edges_dot = np.linspace(
            np.sum(np.where(lowest, a_dot, 0.0)) / np.sum(lowest),
            np.sum(np.where(highest, a_dot, 0.0)) / np.sum(highest),
            n + 1,
        )
    elif not isinstance(bins, int):
        edges_dot = edges_dot + bins_dot
    sums_dot: Any = np.zeros(n)
    if weights is not None:
        sums_dot = np.bincount(bin_places(a, out[1]), np.ravel(weights_dot), n + 1)[:n]
    if not density:
        if weights is None:
            return 0, edges_dot
        return sums_dot, edges_dot
    widths = np.diff(out[1])
    taken = bin_places(a, out[1]) < n
    total = np.sum(taken) if weights is None else np.sum(np.where(taken, np.ravel(weights), 0.0))
    change = sums_dot / total - out[0] * widths * np.sum(sums_dot) / total
    return (change - out[0] * np.diff(edges_dot)) / widths, edges_dot


# --- products -----------------------------------------------------------------------------------------------


@differential(np.prod)
def prod(
    a: Any,
    axis: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    *,
    out: Any,
    a_dot: Any,
    initial_dot: Any,
) -> Any:
    if np.ndim(a) == 0:
        if initial is None:
            return a_dot
        return a_dot * initial + a * initial_dot
    if isinstance(axis, int):
        rows, rows_dot = np.moveaxis(a, axis, -1), np.moveaxis(a_dot, axis, -1)
    elif axis is None:
        rows, rows_dot = np.ravel(a), np.ravel(a_dot)
    else:
        moved = np.moveaxis(a, axis, tuple(range(-len(axis), 0)))
        lengths = moved.shape[: a.ndim - len(axis)] + (reduced_size(a, axis),)
        rows = np.reshape(moved, lengths)
        rows_dot = np.reshape(np.moveaxis(a_dot, axis, tuple(range(-len(axis), 0))), lengths)
    before = np.cumprod(shifted(rows, -1, 1, 1.0), axis=-1)
    after = np.flip(np.cumprod(np.flip(shifted(rows, -1, -1, 1.0), axis=-1), axis=-1), axis=-1)
    out_dot = np.sum(before * after * rows_dot, axis=-1)
    if initial is not None:
        out_dot = out_dot * initial + np.prod(rows, axis=-1) * initial_dot
    if keepdims:
        return np.reshape(out_dot, np.shape(out))
    return out_dot


@pullback(np.prod, "a", "initial")
def prod_bar(
    a: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, *, out: Any, out_bar: Any
) -> Any:
    if np.ndim(a) == 0:
        if initial is None:
            return out_bar, None
        return out_bar * initial, out_bar * a
    if initial is None:
        others_bar, initial_bar = out_bar, None
    else:
        others_bar = out_bar * initial
        initial_bar = np.sum(out_bar * np.prod(a, axis=axis, keepdims=keepdims))
    # the products of the elements before and after each: out / a, but right where a is zero
    if axis is None or a.ndim == 1:
        row = a if a.ndim == 1 else np.ravel(a)
        before = np.cumprod(shifted(row, -1, 1, 1.0), axis=-1)
        after = np.flip(np.cumprod(np.flip(shifted(row, -1, -1, 1.0), axis=-1), axis=-1), axis=-1)
        if a.ndim == 1:
            return others_bar * (before * after), initial_bar
        return others_bar * np.reshape(before * after, a.shape), initial_bar
    if not keepdims:
        others_bar = np.expand_dims(others_bar, axis)
    if isinstance(axis, int):
        before = np.cumprod(shifted(a, axis, 1, 1.0), axis=axis)
        after = np.flip(np.cumprod(np.flip(shifted(a, axis, -1, 1.0), axis=axis), axis=axis), axis=axis)
        return others_bar * (before * after), initial_bar
    moved = np.moveaxis(a, axis, tuple(range(-len(axis), 0)))
    rows = np.reshape(moved, moved.shape[: a.ndim - len(axis)] + (reduced_size(a, axis),))
    before = np.cumprod(shifted(rows, -1, 1, 1.0), axis=-1)
    after = np.flip(np.cumprod(np.flip(shifted(rows, -1, -1, 1.0), axis=-1), axis=-1), axis=-1)
    others = np.moveaxis(np.reshape(before * after, moved.shape), tuple(range(-len(axis), 0)), axis)
    return others_bar * others, initial_bar


@differential(np.cumprod)
def cumprod(a: Any, axis: Any = None, *, out: Any, a_dot: Any) -> Any:
    if axis is None and np.ndim(a) == 1:
        axis = -1
    if axis is None:
        return recurrence(np.ravel(a), np.ravel(a_dot) * shifted(out, -1, 1, 1.0))
    return recurrence(a, a_dot * shifted(out, axis, 1, 1.0), axis)


@pullback(np.cumprod, "a")
def cumprod_bar(a: Any, axis: Any = None, *, out: Any, out_bar: Any) -> Any:
    if axis is None and np.ndim(a) == 1:
        axis = -1
    if axis is None:
        later = recurrence(shifted(np.ravel(a), -1, -1), out_bar, -1, True)
        return np.reshape(later * shifted(out, -1, 1, 1.0), np.shape(a))
    return recurrence(shifted(a, axis, -1), out_bar, axis, True) * shifted(out, axis, 1, 1.0)


@differential(shifted)
def shifted_tangent(a: Any, axis: int = -1, by: int = 1, fill: float = 0.0, *, a_dot: Any) -> Any:
    return shifted(a_dot, axis, by)


@pullback(shifted, "a")
def shifted_bar(a: Any, axis: int = -1, by: int = 1, fill: float = 0.0, *, out_bar: Any) -> Any:
    return shifted(out_bar, axis, -by)


@differential(recurrence)
def recurrence_tangent(
    a: Any, b: Any, axis: int = -1, reverse: bool = False, *, out: Any, a_dot: Any, b_dot: Any
) -> Any:
    if reverse:
        return recurrence(a, b_dot + a_dot * shifted(out, axis, -1), axis, True)
    return recurrence(a, b_dot + a_dot * shifted(out, axis, 1), axis)


@pullback(recurrence, "a", "b")
def recurrence_bar(a: Any, b: Any, axis: int = -1, reverse: bool = False, *, out: Any, out_bar: Any) -> Any:
    if reverse:
        b_bar = recurrence(shifted(a, axis, 1), out_bar, axis)
        return b_bar * shifted(out, axis, -1), b_bar
    b_bar = recurrence(shifted(a, axis, -1), out_bar, axis, True)
    return b_bar * shifted(out, axis, 1), b_bar


# --- along an axis ------------------------------------------------------------------------------------------


@linear(np.cumsum, "a")
def cumsum(a: Any, axis: Any = None, *, out_bar: Any) -> Any:
    if np.ndim(a) == 1:
        return np.cumsum(out_bar[::-1])[::-1]
    if axis is None:
        return np.reshape(np.cumsum(out_bar[::-1])[::-1], np.shape(a))
    return np.flip(np.cumsum(np.flip(out_bar, axis), axis), axis)


@linear(np.diff, "a")
def diff(a: Any, n: int = 1, axis: int = -1, *, out_bar: Any) -> Any:
    if n == 0:
        return out_bar
    if n == 1 and (axis == -1 or axis == np.ndim(a) - 1 or axis == 0):
        a_bar = np.zeros(np.shape(a), out_bar.dtype)
        if np.ndim(a) == 1 or axis == 0:
            a_bar[1:] += out_bar
            a_bar[:-1] -= out_bar
        else:
            a_bar[..., 1:] += out_bar
            a_bar[..., :-1] -= out_bar
        return a_bar
    padded = np.pad(out_bar, pad_widths(np.ndim(a), axis, n, n))
    if n % 2 == 0:
        return np.diff(padded, n, axis)
    return -np.diff(padded, n, axis)


@differential(np.trapezoid)
def trapezoid(
    y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, *, y_dot: Any, x_dot: Any, dx_dot: Any
) -> Any:
    if x is None:
        return np.trapezoid(y_dot, dx=dx, axis=axis) + np.trapezoid(y, dx=dx_dot, axis=axis)
    return np.trapezoid(y_dot, x, axis=axis) + np.trapezoid(y, x_dot, axis=axis)


@pullback(np.trapezoid, "y", "x", "dx")
def trapezoid_bar(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, *, out: Any, out_bar: Any) -> Any:
    if y.ndim == 1:
        if x is None:
            y_bar = np.full(y.shape, dx * out_bar)
            y_bar[:1] -= 0.5 * dx * out_bar
            y_bar[-1:] -= 0.5 * dx * out_bar
            return y_bar, None, out_bar * np.trapezoid(y)
        pair_bar = 0.5 * out_bar * np.diff(x)
        y_bar = np.zeros(y.shape, pair_bar.dtype)
        y_bar[1:] += pair_bar
        y_bar[:-1] += pair_bar
        mean_bar = 0.5 * out_bar * (y[1:] + y[:-1])
        x_bar = np.zeros(x.shape, mean_bar.dtype)
        x_bar[1:] += mean_bar
        x_bar[:-1] -= mean_bar
        return y_bar, x_bar, None
    if x is not None and np.ndim(x) == 1 and (axis == -1 or axis == y.ndim - 1):
        steps = np.diff(x)
        weights = np.zeros(x.shape, steps.dtype)
        weights[1:] += steps
        weights[:-1] += steps
        pairs_bar = np.expand_dims(0.5 * out_bar, -1) * (y[..., 1:] + y[..., :-1])
        mean_bar = np.sum(pairs_bar, axis=other_axes(y.ndim, -1))
        x_bar = np.zeros(x.shape, mean_bar.dtype)
        x_bar[1:] += mean_bar
        x_bar[:-1] -= mean_bar
        return np.expand_dims(0.5 * out_bar, -1) * weights, x_bar, None
    rows = np.moveaxis(y, axis, -1)
    rows_bar = np.expand_dims(0.5 * out_bar, -1)
    pairs = rows[..., 1:] + rows[..., :-1]
    if x is None:
        pair_bar = np.broadcast_to(dx * rows_bar, pairs.shape)
    elif np.ndim(x) == 1:
        pair_bar = rows_bar * np.diff(x)
    else:
        pair_bar = rows_bar * np.diff(np.moveaxis(x, axis, -1))
    right = np.pad(pair_bar, pad_widths(y.ndim, -1, 0, 1))
    left = np.pad(pair_bar, pad_widths(y.ndim, -1, 1, 0))
    y_bar = np.moveaxis(right + left, -1, axis)
    if x is None:
        return y_bar, None, np.sum(out_bar * np.trapezoid(y, axis=axis))
    x_bar = -np.diff(np.pad(rows_bar * pairs, pad_widths(y.ndim, -1, 1, 1)))
    if np.ndim(x) == 1:
        return y_bar, np.sum(x_bar, axis=other_axes(y.ndim, -1)), None
    return y_bar, np.moveaxis(x_bar, -1, axis), None


@linear(np.bincount, "weights")
def bincount(x: Any, weights: Any = None, minlength: int = 0, *, out_bar: Any) -> Any:
    return np.take(out_bar, x)


returns_alias(np.diff)
returns_operand(np.histogram)  # the edges
