"""Sums and products along axes for which NumPy has no word; emitted text calls these.

Every function that computes with derivatives in it has rules in :mod:`srcdiff.rules`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from srcdiff.runtime.arrays import stacked
from srcdiff.runtime.namespaces import namespace

__all__ = [
    "axes_behind",
    "bin_places",
    "first_places",
    "other_axes",
    "pad_widths",
    "places_so_far",
    "present_size",
    "quantile_slopes",
    "quantile_weights",
    "recurrence",
    "reduced_size",
    "shifted",
    "sinc_derivative",
]

Axis = int | tuple[int, ...] | None


def reduced_size(a: Any, axis: Axis) -> int:
    """How many elements of ``a`` go into one element of a reduction over ``axis``."""
    shape = np.shape(a)
    if axis is None:
        return int(np.prod(shape, dtype=int))
    axes = (axis,) if np.ndim(axis) == 0 else tuple(axis)  # type: ignore[arg-type]
    return int(np.prod([shape[k] for k in axes], dtype=int))


def present_size(a: Any, where: Any, axis: Axis = None, keepdims: bool = False, ddof: float = 0) -> Any:
    """How many elements of ``a`` a mask takes into each of a reduction, less ``ddof``; nan if none."""
    xp = namespace(a, where)
    taken = xp.broadcast_to(where, np.shape(a))
    count = xp.sum(
        taken, axis=axis, keepdims=keepdims, dtype=xp.result_type(a, xp.float16).type(0).real.dtype
    )
    return xp.where(count > ddof, count - ddof, np.nan)[()].astype(count.dtype)


def places_so_far(a: Any, axis: int, largest: bool) -> Any:
    """Where along an axis the largest (or smallest) element up to each place is: of equal ones the last.

    A NaN is larger, and smaller, than all.
    """
    best = (np.maximum if largest else np.minimum).accumulate(a, axis=axis)
    counts = np.arange(a.shape[axis])
    counts = counts.reshape((-1,) + (1,) * (a.ndim - 1 - axis % a.ndim))
    return np.maximum.accumulate(np.where((a == best) | (a != a), counts, 0), axis=axis)


def other_axes(ndim: int, axis: Any) -> tuple[int, ...]:
    """The axes of an ``ndim``-dimensional array except ``axis``, or several in their order."""
    own = [k % ndim for k in (axis if isinstance(axis, tuple) else (axis,))]
    if own != sorted(own):
        raise NotImplementedError("weights along several axes have a derivative where these are in order")
    return tuple(k for k in range(ndim) if k not in own)


def pad_widths(ndim: int, axis: int, before: int, after: int) -> tuple[tuple[int, int], ...]:
    """The widths for ``np.pad`` that pad along ``axis`` only."""
    return tuple((before, after) if k == axis % ndim else (0, 0) for k in range(ndim))


def shifted(a: Any, axis: int = -1, by: int = 1, fill: float = 0.0) -> Any:
    """``a`` moved by one place along ``axis`` (``by`` is 1 or -1), with ``fill`` at the place left free."""
    xp = namespace(a)
    a = xp.moveaxis(a, axis, 0)
    moved = xp.empty_like(a)
    if by > 0:
        moved[1:] = a[:-1]
        moved[:1] = fill
    else:
        moved[:-1] = a[1:]
        moved[-1:] = fill
    return xp.moveaxis(moved, 0, axis)


def recurrence(a: Any, b: Any, axis: int = -1, reverse: bool = False) -> Any:
    """The solution ``s`` of ``s[i] = b[i] + a[i] * s[i - 1]`` along ``axis``; of ``s[i + 1]`` if ``reverse``.

    The first ``s`` is its ``b``: the first ``a`` is not used.
    """
    xp = namespace(a, b)
    a, b = xp.moveaxis(a, axis, 0), xp.moveaxis(b, axis, 0)
    s = xp.array(b, dtype=xp.result_type(a, b))
    indices = range(len(s) - 2, -1, -1) if reverse else range(1, len(s))
    step = 1 if reverse else -1
    for i in indices:
        s[i] += a[i] * s[i + step]
    return xp.moveaxis(s, 0, axis)


def axes_behind(axis: Axis, ndim: int) -> tuple[int, ...]:
    """The axes of a reduction, where one more axis stands before all."""
    axes = range(ndim) if axis is None else (axis,) if isinstance(axis, int) else axis
    return tuple(1 + k % ndim for k in axes)


def first_places(x: Any, values: Any) -> Any:
    """Where each of the values first lies in ``x``, flattened."""
    xp = namespace(x, values)
    flat = xp.ravel(x)
    order = xp.argsort(flat, kind="stable")
    return order[xp.searchsorted(flat[order], values)]


def bin_places(a: Any, edges: Any) -> Any:
    """The bin in which each element of ``a``, flattened, lies; one past the last for those outside."""
    xp = namespace(a, edges)
    flat, n = xp.ravel(a), len(edges) - 1
    places = xp.searchsorted(edges, flat, side="right") - 1
    places = xp.where(flat == edges[-1], n - 1, places)
    return xp.where((places >= 0) & (places < n), places, n)


def quantile_weights(a: Any, q: Any, axis: Axis = None, method: str = "linear") -> Any:
    """The weight of each element of ``a`` in its quantile along ``axis``; an axis for ``q`` comes first.

    Elements that are equal keep their order, so the weights are those of one sorting permutation. What is nan
    counts as absent.
    """
    return _for_each_quantile(_weights, a, q, axis, method)


def quantile_slopes(a: Any, q: Any, axis: Axis = None, method: str = "linear") -> Any:
    """The derivatives of ``quantile_weights`` with respect to ``q``: to the right, at the end to the left."""
    return _for_each_quantile(_slopes, a, q, axis, method)


def _for_each_quantile(one_of: Any, a: Any, q: Any, axis: Axis, method: str) -> Any:
    xp = namespace(a)
    if np.ndim(q) > 1:
        raise NotImplementedError(
            "the derivative of a matrix of quantiles: flatten q, and reshape the result"
        )
    a = xp.asarray(a)
    axes = tuple(range(a.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    last = tuple(range(-len(axes), 0))
    moved = xp.moveaxis(a, axes, last)
    lead = moved.ndim - len(axes)
    rows = moved.reshape((*moved.shape[:lead], math.prod(moved.shape[lead:])))
    ranks = xp.argsort(xp.argsort(rows, axis=-1, kind="stable"), axis=-1)
    counts = xp.sum(~xp.isnan(rows), axis=-1, keepdims=True)
    asked = namespace(q).ravel(q) if np.ndim(q) else [q]
    each = [one_of(moved.shape, axes, ranks, counts, one, method) for one in asked]
    if np.ndim(q) == 0:
        return each[0].astype(a.dtype)
    return stacked(each).reshape(np.shape(q) + a.shape).astype(a.dtype)


def _weights(shape: Any, axes: Any, ranks: Any, counts: Any, q: Any, method: str) -> Any:
    xp = namespace(ranks)
    place = _place(counts, q, method)
    weights = xp.where(ranks < counts, xp.maximum(0.0, 1.0 - abs(ranks - place)), 0.0)
    return xp.moveaxis(weights.reshape(shape), tuple(range(-len(axes), 0)), axes)


def _place(counts: Any, q: Any, method: str) -> Any:
    """Where among the numbers in order a quantile lies."""
    xp = namespace(counts)
    if method == "linear":
        return q * (counts - 1)
    place = xp.zeros(counts.shape)  # where the quantile of 0, 1, 2 ... lies
    for n in xp.unique(counts[counts > 0]):
        given: Any = {"method": method}
        place[counts == n] = np.quantile(np.arange(float(n)), float(q), **given)
    return place


# how much faster than the number of numbers the place moves with the level, by method; the others jump
_RATES = {
    "linear": -1.0, "weibull": 1.0, "hazen": 0.0, "median_unbiased": 1 / 3, "normal_unbiased": 0.25,
    "interpolated_inverted_cdf": 0.0,
}  # fmt: skip


def _slopes(shape: Any, axes: Any, ranks: Any, counts: Any, q: Any, method: str) -> Any:
    xp = namespace(ranks)
    place, last = _place(counts, q, method), xp.maximum(counts - 1, 0)
    low = xp.minimum(xp.floor(place), last - 1)
    rate = xp.maximum(counts + _RATES[method], 0.0) if method in _RATES else 0.0 * counts
    if method != "linear":
        rate = xp.where((place > 0.0) & (place < last), rate, 0.0)
    slopes = rate * ((ranks == low + 1) * 1.0 - (ranks == low) * 1.0)
    return xp.moveaxis(slopes.reshape(shape), tuple(range(-len(axes), 0)), axes)


def sinc_derivative(x: Any, order: int = 1) -> Any:
    """The derivative of ``np.sinc`` of the order given, stable near 0."""
    xp = namespace(x)
    x = xp.asarray(x, dtype=xp.result_type(x, 1.0) if isinstance(x, (int, float)) else None)
    if order == 1 and xp is np:
        return sinc_slope(x)
    near = abs(x) * np.pi < order + 2.0
    t = xp.where(near, np.pi * x, 0.0)
    term = xp.ones_like(t)
    series = xp.zeros_like(t)
    # sinc(t) = sum (-1)^k t^(2k) / (2k+1)!, and the order-th derivative of t^n is
    # n! / (n - order)! t^(n - order)
    first = (order + 1) // 2
    for k in range(first, first + 2 * order + 24):
        n = 2 * k
        factor = (-1.0) ** k / (n + 1.0)
        if k == first:
            term = t ** (n - order) if n > order else xp.ones_like(t)
        else:
            term = term * t * t / ((n - order) * (n - order - 1.0))
        series = series + factor * term
    series = np.pi**order * series
    far = xp.where(near, 1.0, x)
    value = xp.sinc(far)
    for k in range(1, order + 1):
        value = (np.pi ** (k - 1) * xp.sin(np.pi * far + k * (np.pi / 2.0)) - k * value) / far
    return xp.where(near, series, value)[()].astype(x.dtype)


def sinc_slope(x: Any) -> Any:
    """The first derivative of ``np.sinc``: a series for the elements near 0 alone."""
    t = np.pi * x
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.asarray((np.cos(t) - np.sin(t) / t) / x)
    near = abs(t) < 1.0  # (beyond, the difference has all but two of its bits)
    if np.any(near):
        s = np.square(t[near])
        series = 0.0 * s
        for k in range(10, 0, -1):
            series = (-1.0) ** k * 2.0 * k / math.factorial(2 * k + 1) + s * series
        slope[near] = np.pi * t[near] * series
    return slope[()].astype(x.dtype)
