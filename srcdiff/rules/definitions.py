"""Functions of NumPy that are others, put together: what each stands for, in functions that have rules.

A definition is read in the place of the call, so both modes and all orders follow from the rules of what it
calls.  It has the parameters of the function, and only those options that change the value.  One with
``options`` is read only where one of these is given: without them the function has a rule of its own.

Where a definition does not cover the options given it returns ``NotImplemented``: the function is then called
as it is, by its rule if it has one; without, that is an error where a derivative goes through it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from srcdiff.rules.registry import definition
from srcdiff.runtime.arrays import grid_places, layout, pad_pairs
from srcdiff.runtime.reductions import places_so_far, present_size, reduced_size

# --- the order of an array in memory ------------------------------------------------------------------------


def squares(x: Any) -> Any:
    """The squares of the sizes of numbers."""
    return abs(x) ** 2 if np.iscomplexobj(x) else x**2


@definition(np.ravel, "a", options=("order", 1))
def ravel_in_memory(a: Any, order: Any = "C") -> Any:
    """In the order that 'A' and 'K' mean for this array: its tangent may lie in memory in another."""
    if order not in ("A", "K"):
        return NotImplemented
    return np.ravel(a, order=layout(a, order))


@definition(np.reshape, "a", options=("order", 2))
def reshape_in_memory(a: Any, shape: Any, order: Any = "C") -> Any:
    """In the order that 'A' means for this array: its tangent may lie in memory in another."""
    if order != "A":
        return NotImplemented
    return np.reshape(a, shape, order=layout(a, order))


@definition(np.full_like, "fill_value", options=("shape",))
def full_like_shaped(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: Any = True, shape: Any = None
) -> Any:
    """One value in another shape, of the type of an array."""
    if shape is None or dtype is not None:
        return NotImplemented
    return np.full(shape, fill_value).astype(np.result_type(a))


# --- the largest and the smallest so far --------------------------------------------------------------------


@definition(np.maximum.accumulate, "array")
def largest_so_far(array: Any, axis: Any = 0) -> Any:
    """The largest element up to each place; of equal ones it is the last that is followed."""
    return np.take_along_axis(array, places_so_far(array, axis, True), axis)


@definition(np.minimum.accumulate, "array")
def smallest_so_far(array: Any, axis: Any = 0) -> Any:
    """The smallest element up to each place; of equal ones it is the last that is followed."""
    return np.take_along_axis(array, places_so_far(array, axis, False), axis)


# --- sums and products of what a mask takes -----------------------------------------------------------------


@definition(np.sum, "a", "initial", options=("where",))
def sum_where(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = 0,
    where: Any = True,
) -> Any:  # fmt: skip
    """The sum of zeros where the mask is false."""
    return np.sum(np.where(where, a, 0), axis=axis, dtype=dtype, keepdims=keepdims, initial=initial)


@definition(np.prod, "a", "initial", options=("where",))
def prod_where(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = 1,
    where: Any = True,
) -> Any:  # fmt: skip
    """The product of ones where the mask is false."""
    return np.prod(np.where(where, a, 1), axis=axis, dtype=dtype, keepdims=keepdims, initial=initial)


@definition(np.max, "a", "initial", options=("where",))
@definition(np.amax, "a", "initial", options=("where",))
def max_where(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None, where: Any = True
) -> Any:
    """The largest of ``initial`` and what the mask takes."""
    return np.max(np.where(where, a, -np.inf), axis=axis, keepdims=keepdims, initial=initial)


@definition(np.min, "a", "initial", options=("where",))
@definition(np.amin, "a", "initial", options=("where",))
def min_where(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None, where: Any = True
) -> Any:
    """The smallest of ``initial`` and what the mask takes."""
    return np.min(np.where(where, a, np.inf), axis=axis, keepdims=keepdims, initial=initial)


@definition(np.nanmax, "a", "initial", options=("where",))
def nanmax_where(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None, where: Any = True
) -> Any:
    """The largest of ``initial`` and the numbers that the mask takes."""
    return np.nanmax(np.where(where, a, np.nan), axis=axis, keepdims=keepdims, initial=initial)


@definition(np.nanmin, "a", "initial", options=("where",))
def nanmin_where(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None, where: Any = True
) -> Any:
    """The smallest of ``initial`` and the numbers that the mask takes."""
    return np.nanmin(np.where(where, a, np.nan), axis=axis, keepdims=keepdims, initial=initial)


@definition(np.mean, "a", options=("where",))
def mean_where(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, where: Any = True
) -> Any:
    """The mean of what the mask takes."""
    total = np.sum(np.where(where, a, 0), axis=axis, dtype=dtype, keepdims=keepdims)
    return total / present_size(a, where, axis, keepdims)


@definition(np.var, "a")
def var_complex(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False
) -> Any:
    """The mean square distance of complex numbers from their mean."""
    if not np.iscomplexobj(a):
        return NotImplemented
    distance = abs(a - np.mean(a, axis=axis, keepdims=True))
    return np.sum(distance * distance, axis=axis, keepdims=keepdims) / (reduced_size(a, axis) - ddof)


@definition(np.std, "a")
def std_complex(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False
) -> Any:
    """The root of the variance of complex numbers."""
    if not np.iscomplexobj(a):
        return NotImplemented
    distance = abs(a - np.mean(a, axis=axis, keepdims=True))
    return np.sqrt(np.sum(distance * distance, axis=axis, keepdims=keepdims) / (reduced_size(a, axis) - ddof))


@definition(np.var, "a", "mean", options=("where", "mean", "correction"))
def var_with(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False,
    where: Any = True, mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    """The mean square of ``a - mean`` over what the mask takes; ``correction`` is ``ddof``."""
    if correction is not None:
        ddof = correction
    if where is True:
        if mean is None:
            return np.var(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)
        total = np.sum(squares(a - mean), axis=axis, dtype=dtype, keepdims=keepdims)
        return total / np.maximum(reduced_size(a, axis) - ddof, 0)
    if mean is None:
        count = present_size(a, where, axis, True)
        mean = np.sum(np.where(where, a, 0), axis=axis, dtype=dtype, keepdims=True) / count
    total = np.sum(np.where(where, squares(a - mean), 0), axis=axis, dtype=dtype, keepdims=keepdims)
    return total / np.maximum(present_size(a, where, axis, keepdims) - ddof, 0)


@definition(np.std, "a", "mean", options=("where", "mean", "correction"))
def std_with(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False,
    where: Any = True, mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    """The root of the variance."""
    if correction is not None:
        ddof = correction
    if where is True:
        if mean is None:
            return np.std(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims)
        total = np.sum(squares(a - mean), axis=axis, dtype=dtype, keepdims=keepdims)
        return np.sqrt(total / np.maximum(reduced_size(a, axis) - ddof, 0))
    if mean is None:
        count = present_size(a, where, axis, True)
        mean = np.sum(np.where(where, a, 0), axis=axis, dtype=dtype, keepdims=True) / count
    total = np.sum(np.where(where, squares(a - mean), 0), axis=axis, dtype=dtype, keepdims=keepdims)
    return np.sqrt(total / np.maximum(present_size(a, where, axis, keepdims) - ddof, 0))


@definition(np.average, "a", "weights", options=("returned",))
def average_returned(
    a: Any, axis: Any = None, weights: Any = None, returned: Any = False, keepdims: Any = False
) -> Any:
    """The average, and the sum of the weights."""
    mean = np.average(a, axis=axis, weights=weights, keepdims=keepdims)
    if not returned:
        return mean
    if weights is None:
        return mean, np.zeros_like(mean) + reduced_size(a, axis)
    if np.ndim(weights) == np.ndim(a):
        return mean, np.sum(weights, axis=axis, keepdims=keepdims)
    return mean, np.zeros_like(mean) + np.sum(weights)


# --- of what is not nan -------------------------------------------------------------------------------------


@definition(np.nansum, "a", "initial", options=("where", "initial"))
def nansum_with(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = 0,
    where: Any = True,
) -> Any:  # fmt: skip
    """The sum of zeros where there is no number."""
    taken = np.where(np.logical_and(where, ~np.isnan(a)), a, 0)
    return np.sum(taken, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial)


@definition(np.nanprod, "a", "initial")
def nanprod(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = 1,
    where: Any = True,
) -> Any:  # fmt: skip
    """The product of ones where there is no number."""
    taken = np.where(np.isnan(a), 1, a) if where is True else np.where(np.isnan(a) | ~where, 1, a)
    return np.prod(taken, axis=axis, dtype=dtype, keepdims=keepdims, initial=initial)


@definition(np.nanmean, "a", options=("where",))
def nanmean_where(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, where: Any = True
) -> Any:
    """The mean of the numbers that the mask takes."""
    taken = np.logical_and(where, ~np.isnan(a))
    total = np.sum(np.where(taken, a, 0), axis=axis, dtype=dtype, keepdims=keepdims)
    return total / present_size(a, taken, axis, keepdims)


@definition(np.nanvar, "a", "mean")
def nanvar(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False,
    where: Any = True, mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    """The variance of what is a number."""
    taken = ~np.isnan(a) if where is True else np.logical_and(where, ~np.isnan(a))
    if correction is not None:
        ddof = correction
    if mean is None:
        count = present_size(a, taken, axis, True)
        mean = np.sum(np.where(taken, a, 0), axis=axis, dtype=dtype, keepdims=True) / count
    total = np.sum(np.where(taken, squares(a - mean), 0), axis=axis, dtype=dtype, keepdims=keepdims)
    return total / present_size(a, taken, axis, keepdims, ddof)


@definition(np.nanstd, "a", "mean")
def nanstd(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False,
    where: Any = True, mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    """The root of the variance of what is a number."""
    taken = ~np.isnan(a) if where is True else np.logical_and(where, ~np.isnan(a))
    if correction is not None:
        ddof = correction
    if mean is None:
        count = present_size(a, taken, axis, True)
        mean = np.sum(np.where(taken, a, 0), axis=axis, dtype=dtype, keepdims=True) / count
    total = np.sum(np.where(taken, squares(a - mean), 0), axis=axis, dtype=dtype, keepdims=keepdims)
    return np.sqrt(total / present_size(a, taken, axis, keepdims, ddof))


@definition(np.nancumsum, "a")
def nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """The running sum of zeros where there is no number."""
    return np.cumsum(np.where(np.isnan(a), 0, a), axis=axis, dtype=dtype)


@definition(np.nancumprod, "a")
def nancumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """The running product of ones where there is no number."""
    return np.cumprod(np.where(np.isnan(a), 1, a), axis=axis, dtype=dtype)


# --- running sums and products ------------------------------------------------------------------------------


@definition(np.cumulative_sum, "x")
def cumulative_sum(
    x: Any, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: Any = False
) -> Any:
    """``np.cumsum``, perhaps with a zero before it."""
    if axis is None:
        if np.ndim(x) != 1:
            return NotImplemented
        axis = 0
    if include_initial:
        first = np.zeros_like(np.take(x, [0], axis=axis))
        return np.concatenate((first, np.cumsum(x, axis=axis, dtype=dtype)), axis=axis)
    return np.cumsum(x, axis=axis, dtype=dtype)


@definition(np.cumulative_prod, "x")
def cumulative_prod(
    x: Any, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: Any = False
) -> Any:
    """``np.cumprod``, perhaps with a one before it."""
    if axis is None:
        if np.ndim(x) != 1:
            return NotImplemented
        axis = 0
    if include_initial:
        first = np.ones_like(np.take(x, [0], axis=axis))
        return np.concatenate((first, np.cumprod(x, axis=axis, dtype=dtype)), axis=axis)
    return np.cumprod(x, axis=axis, dtype=dtype)


# --- order --------------------------------------------------------------------------------------------------


@definition(np.nanmedian, "a")
def nanmedian(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: Any = False, keepdims: Any = False
) -> Any:
    """The quantile in the middle of what is a number."""
    return np.nanquantile(a, 0.5, axis=axis, keepdims=keepdims)


@definition(np.nanpercentile, "a")
def nanpercentile(
    a: Any, q: Any, axis: Any = None, out: Any = None, overwrite_input: Any = False, method: Any = "linear",
    keepdims: Any = False,
) -> Any:  # fmt: skip
    """A quantile, counted in hundredths."""
    return np.nanquantile(a, np.asarray(q) / 100.0, axis=axis, method=method, keepdims=keepdims)


@definition(np.union1d, "ar1", "ar2")
def union1d(ar1: Any, ar2: Any) -> Any:
    """The distinct elements of both."""
    return np.unique(np.concatenate((np.ravel(ar1), np.ravel(ar2))))


@definition(np.setdiff1d, "ar1", "ar2")
def setdiff1d(ar1: Any, ar2: Any, assume_unique: Any = False) -> Any:
    """The distinct elements of the first that the second has not."""
    first = np.ravel(ar1) if assume_unique else np.unique(ar1)
    return first[~np.isin(first, ar2)]


@definition(np.intersect1d, "ar1", "ar2")
def intersect1d(ar1: Any, ar2: Any, assume_unique: Any = False, return_indices: Any = False) -> Any:
    """The distinct elements of the first that the second has too."""
    if return_indices:
        return NotImplemented
    first = np.unique(ar1)
    return first[np.isin(first, ar2)]


@definition(np.setxor1d, "ar1", "ar2")
def setxor1d(ar1: Any, ar2: Any, assume_unique: Any = False) -> Any:
    """The distinct elements that one of the two has."""
    first, second = np.unique(ar1), np.unique(ar2)
    return np.sort(np.concatenate((first[~np.isin(first, second)], second[~np.isin(second, first)])))


@definition(np.trim_zeros, "filt")
def trim_zeros(filt: Any, trim: Any = "fb", axis: Any = None) -> Any:
    """What lies between the zeros at the ends."""
    if np.ndim(filt) != 1:
        return NotImplemented
    places = np.flatnonzero(filt)
    start, stop = 0, np.size(filt)
    if "f" in trim.lower():
        start = places[0] if len(places) > 0 else np.size(filt)
    if "b" in trim.lower():
        stop = places[-1] + 1 if len(places) > 0 else 0
    return filt[start:stop]


@definition(np.sort_complex, "a")
def sort_complex(a: Any) -> Any:
    """The elements in order, as complex numbers."""
    return np.sort(a) + 0j


@definition(np.histogram2d, "x", "y", "weights")
def histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """Weights added up bin by bin; equal bins lie between the ends."""
    if not isinstance(bins, int) and len(bins) != 2:
        return NotImplemented
    pair = (bins, bins) if isinstance(bins, int) else bins
    if not isinstance(pair[0], int):
        xedges = np.asarray(pair[0])
    elif range is None:
        xedges = np.linspace(np.min(x), np.max(x), pair[0] + 1)
    else:
        xedges = np.linspace(range[0][0], range[0][1], pair[0] + 1)
    if not isinstance(pair[1], int):
        yedges = np.asarray(pair[1])
    elif range is None:
        yedges = np.linspace(np.min(y), np.max(y), pair[1] + 1)
    else:
        yedges = np.linspace(range[1][0], range[1][1], pair[1] + 1)
    m, n = np.size(xedges) - 1, np.size(yedges) - 1
    places = grid_places((x, y), (xedges, yedges))
    H = np.bincount(places, np.ones(np.size(x)) if weights is None else weights, m * n + 1)[:-1].reshape(m, n)
    if density:
        H = H / np.outer(np.diff(xedges), np.diff(yedges)) / np.sum(H)
    return H, xedges, yedges


@definition(np.histogramdd, "weights")
def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """Weights added up bin by bin; equal bins lie between the ends."""
    if density or (isinstance(bins, int) and not isinstance(sample, (tuple, list))):
        return NotImplemented
    columns = sample if isinstance(sample, (tuple, list)) else np.transpose(sample)
    if isinstance(bins, int):
        bins = (bins,) * len(columns)
    sizes: Any = ()
    edges: Any = ()
    for k, b in enumerate(bins):
        if not isinstance(b, int):
            ends = np.asarray(b)
        elif range is None:
            ends = np.linspace(np.min(columns[k]), np.max(columns[k]), b + 1)
        else:
            ends = np.linspace(range[k][0], range[k][1], b + 1)
        sizes, edges = (*sizes, np.size(ends) - 1), (*edges, ends)
    flat = np.bincount(grid_places(columns, edges), weights, math.prod(sizes) + 1)[:-1]
    return np.reshape(flat, sizes), edges


@definition(np.histogram_bin_edges, "a")
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """Equal bins between the ends."""
    if not isinstance(bins, int):
        return NotImplemented
    if range is not None:
        return np.linspace(range[0], range[1], bins + 1)
    first, last = np.min(a), np.max(a)
    room = np.where(first == last, 0.5, 0.0)  # around numbers that are all equal
    return np.linspace(first - room, last + room, bins + 1)


# --- polynomials --------------------------------------------------------------------------------------------


@definition(np.poly, "seq_of_zeros")
def poly(seq_of_zeros: Any) -> Any:
    """The product of ``z - r`` over the zeros (of a matrix: its eigenvalues)."""
    if np.iscomplexobj(seq_of_zeros):
        return NotImplemented
    if np.ndim(seq_of_zeros) == 2:
        c = np.ones(1) + 0.0j
        for r in np.linalg.eigvals(seq_of_zeros) + 0.0j:
            c = np.convolve(c, np.array([1.0 + 0.0j, -r]))
        return np.real(c)
    a = np.ones(1)
    for r in seq_of_zeros:
        a = np.convolve(a, np.array([1.0, -r]))
    return a


@definition(np.polyadd, "a1", "a2")
def polyadd(a1: Any, a2: Any) -> Any:
    """Coefficients added from the last one on."""
    a1, a2 = np.atleast_1d(a1), np.atleast_1d(a2)
    n = max(np.size(a1), np.size(a2))
    return np.pad(a1, (n - np.size(a1), 0)) + np.pad(a2, (n - np.size(a2), 0))


@definition(np.polysub, "a1", "a2")
def polysub(a1: Any, a2: Any) -> Any:
    """Coefficients subtracted from the last one on."""
    a1, a2 = np.atleast_1d(a1), np.atleast_1d(a2)
    n = max(np.size(a1), np.size(a2))
    return np.pad(a1, (n - np.size(a1), 0)) - np.pad(a2, (n - np.size(a2), 0))


@definition(np.polymul, "a1", "a2")
def polymul(a1: Any, a2: Any) -> Any:
    """Products of polynomials are convolutions of coefficients."""
    return np.convolve(a1, a2)


@definition(np.polyint, "p", "k")
def polyint(p: Any, m: Any = 1, k: Any = None) -> Any:
    """Each coefficient over its new degree, and the constants of integration behind."""
    for j in range(m):
        if k is None:
            last = 0.0
        elif np.ndim(k) == 0:
            last = k
        else:
            last = k[j]
        p = np.concatenate((p / np.arange(np.size(p), 0, -1), np.reshape(last, (1,))))
    return p


@definition(np.polyder, "p", options=("m", 1))
def polyder(p: Any, m: Any = 1) -> Any:
    """One derivative after the other."""
    for _ in range(m):
        p = np.polyder(p)
    return p


@definition(np.polyfit, "x", "y", "w")
def polyfit(
    x: Any, y: Any, deg: Any, rcond: Any = None, full: Any = False, w: Any = None, cov: Any = False
) -> Any:
    """Least squares with the powers of ``x``, each scaled to one."""
    if full or cov:
        return NotImplemented
    powers = np.vander(x, deg + 1)
    if w is not None:
        powers = powers * w[:, np.newaxis]
        y = y * w if np.ndim(y) == 1 else y * w[:, np.newaxis]
    scale = np.sqrt(np.sum(powers * powers, axis=0))
    c = np.linalg.lstsq(powers / scale, y, rcond)[0]
    return c / scale if np.ndim(y) == 1 else c / scale[:, np.newaxis]


# --- linear algebra -----------------------------------------------------------------------------------------


@definition(np.linalg.cond, "x")
def cond(x: Any, p: Any = None) -> Any:
    """The ratio of the singular values at the ends; of other norms, that of the matrix and of its inverse."""
    if p is None or p == 2:
        s = np.linalg.svdvals(x)
        return s[..., 0] / s[..., -1]
    if p == -2:
        s = np.linalg.svdvals(x)
        return s[..., -1] / s[..., 0]
    return np.linalg.norm(x, p, axis=(-2, -1)) * np.linalg.norm(np.linalg.inv(x), p, axis=(-2, -1))


@definition(np.linalg.tensorinv, "a")
def tensorinv(a: Any, ind: Any = 2) -> Any:
    """The inverse of a matrix of all first indices by all last ones."""
    shape = np.shape(a)
    return np.reshape(np.linalg.inv(np.reshape(a, (math.prod(shape[:ind]), -1))), shape[ind:] + shape[:ind])


@definition(np.linalg.tensorsolve, "a", "b")
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """The solution of a system of all indices of ``b`` by all others of ``a``."""
    if axes is not None:
        a = np.moveaxis(a, axes, tuple(range(-len(axes), 0)))
    solution = np.linalg.solve(np.reshape(a, (-1, np.size(b))), np.ravel(b))
    return np.reshape(solution, np.shape(a)[np.ndim(b) :])


# --- Fourier transforms -------------------------------------------------------------------------------------


@definition(np.fft.hfft, "a")
def hfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
    """The inverse of ``ihfft``: ``irfft`` of the conjugate, scaled the other way."""
    swapped: Any = "ortho" if norm == "ortho" else "backward" if norm == "forward" else "forward"
    return np.fft.irfft(np.conj(a), n, axis, swapped)


@definition(np.fft.ihfft, "a")
def ihfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
    """The conjugate of ``rfft``, scaled the other way."""
    swapped: Any = "ortho" if norm == "ortho" else "backward" if norm == "forward" else "forward"
    return np.conj(np.fft.rfft(a, n, axis, swapped))


@definition(np.fft.rfft2, "a")
def rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
    """``rfft`` along the last axis, then ``fft`` along the other."""
    m, n = (None, None) if s is None else s
    return np.fft.fft(np.fft.rfft(a, n, axes[1], norm), m, axes[0], norm)


@definition(np.fft.irfft2, "a")
def irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
    """``ifft`` along the first axis, then ``irfft`` along the other."""
    m, n = (None, None) if s is None else s
    return np.fft.irfft(np.fft.ifft(a, m, axes[0], norm), n, axes[1], norm)


@definition(np.fft.rfftn, "a")
def rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    """``rfft`` along the last axis, then ``fft`` along the others."""
    if axes is None:
        axes = tuple(range(np.ndim(a))) if s is None else tuple(range(-len(s), 0))
    b = np.fft.rfft(a, None if s is None else s[-1], axes[-1], norm)
    for j in range(len(axes) - 1):
        b = np.fft.fft(b, None if s is None else s[j], axes[j], norm)
    return b


@definition(np.fft.irfftn, "a")
def irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    """``ifft`` along all axes but the last, then ``irfft`` along that."""
    if axes is None:
        axes = tuple(range(np.ndim(a))) if s is None else tuple(range(-len(s), 0))
    for j in range(len(axes) - 1):
        a = np.fft.ifft(a, None if s is None else s[j], axes[j], norm)
    return np.fft.irfft(a, None if s is None else s[-1], axes[-1], norm)


# --- padding ------------------------------------------------------------------------------------------------


def ends_of(values: Any, k: int) -> Any:
    """The values before and after axis ``k``."""
    if np.ndim(values) == 0:
        return values, values
    if np.ndim(values) == 1:
        return values[0], values[-1]
    row = values[k] if len(values) > 1 else values[0]
    return row[0], row[-1]


@definition(np.pad, "constant_values")
def pad_constant(array: Any, pad_width: Any, mode: Any = "constant", constant_values: Any = 0) -> Any:
    """Blocks of the values given, axis by axis."""
    if mode != "constant":
        return NotImplemented
    pairs = pad_pairs(pad_width, np.ndim(array))
    for k in range(np.ndim(array)):
        lo, hi = pairs[k]
        first, last = ends_of(constant_values, k)
        edge = np.zeros_like(np.take(array, list(range(1)), axis=k))
        before, after = np.repeat(edge + first, lo, axis=k), np.repeat(edge + last, hi, axis=k)
        array = np.concatenate((before, array, after), axis=k)
    return array


@definition(np.pad, "array", "end_values")
def pad_computed(
    array: Any, pad_width: Any, mode: Any = "constant", end_values: Any = 0, reflect_type: Any = "even",
    stat_length: Any = None,
) -> Any:  # fmt: skip
    """Blocks computed from what is there, axis by axis."""
    if mode not in ("linear_ramp", "maximum", "minimum", "mean", "median") and reflect_type != "odd":
        return NotImplemented
    if stat_length is not None:
        return NotImplemented
    pairs = pad_pairs(pad_width, np.ndim(array))
    for k in range(np.ndim(array)):
        lo, hi = pairs[k]
        n = np.shape(array)[k]
        if mode == "linear_ramp":
            first, last = ends_of(end_values, k)
            low, high = np.take(array, 0, axis=k), np.take(array, n - 1, axis=k)
            before = np.linspace(first, low, lo, endpoint=False, axis=k)
            after = np.flip(np.linspace(last, high, hi, endpoint=False, axis=k), axis=k)
        elif mode == "reflect":
            if lo >= n or hi >= n:
                return NotImplemented
            low, high = np.take(array, list(range(1)), axis=k), np.take(array, list(range(n - 1, n)), axis=k)
            before = 2 * low - np.take(array, list(range(lo, 0, -1)), axis=k)
            after = 2 * high - np.take(array, list(range(n - 2, n - 2 - hi, -1)), axis=k)
        elif mode == "symmetric":
            if lo > n or hi > n:
                return NotImplemented
            low, high = np.take(array, list(range(1)), axis=k), np.take(array, list(range(n - 1, n)), axis=k)
            before = 2 * low - np.take(array, list(range(lo - 1, -1, -1)), axis=k)
            after = 2 * high - np.take(array, list(range(n - 1, n - 1 - hi, -1)), axis=k)
        else:
            if mode == "maximum":
                middle = np.max(array, axis=k, keepdims=True)
            elif mode == "minimum":
                middle = np.min(array, axis=k, keepdims=True)
            elif mode == "mean":
                middle = np.mean(array, axis=k, keepdims=True)
            else:
                middle = np.median(array, axis=k, keepdims=True)
            before, after = np.repeat(middle, lo, axis=k), np.repeat(middle, hi, axis=k)
        array = np.concatenate((before, array, after), axis=k)
    return array


# --- others -------------------------------------------------------------------------------------------------


@definition(np.kaiser, "beta")
def kaiser(M: Any, beta: Any) -> Any:
    """A ratio of Bessel functions over a half circle."""
    if M == 1:
        return np.ones(1)
    t = (2.0 * np.arange(M) - (M - 1)) / (M - 1)
    return np.i0(beta * np.sqrt((1.0 - t) * (1.0 + t))) / np.i0(beta)


@definition(np.real_if_close, "a")
def real_if_close(a: Any, tol: Any = 100) -> Any:
    """Real numbers as they are."""
    if np.iscomplexobj(a):
        return NotImplemented
    return np.asanyarray(a)


@definition(np.linspace, "start", "stop", options=("retstep",))
def linspace_step(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, retstep: Any = False, dtype: Any = None,
    axis: Any = 0,
) -> Any:  # fmt: skip
    """The numbers, and the distance between them."""
    numbers = np.linspace(start, stop, num, endpoint, dtype=dtype, axis=axis)
    if not retstep:
        return numbers
    return numbers, (stop - start) / (num - 1 if endpoint else num)


@definition(np.logspace, "base", "start", "stop", options=("base", "axis", "dtype"))
def logspace_base(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, base: Any = 10.0, dtype: Any = None,
    axis: Any = 0,
) -> Any:  # fmt: skip
    """Powers of the base."""
    if np.ndim(base) > 0:
        start, base = start + np.zeros_like(base), np.expand_dims(base, axis)
    return np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))


@definition(np.geomspace, "start", "stop", options=("axis", "dtype"))
def geomspace_axis(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, dtype: Any = None, axis: Any = 0
) -> Any:
    """Equal ratios, as equal steps of the logarithm."""
    ratio = stop / start
    t = np.expand_dims(np.linspace(0.0, 1.0, num, endpoint), tuple(range(1, np.ndim(ratio) + 1)))
    return np.moveaxis(start * ratio**t, 0, axis)


@definition(np.gradient, "varargs", options=(1,))
def gradient_spaced(f: Any, *varargs: Any, axis: Any = None, edge_order: Any = 1) -> Any:
    """Differences over distances."""
    if axis is None:
        axes = tuple(range(np.ndim(f)))
    elif isinstance(axis, int):
        axes = (axis,)
    else:
        axes = axis
    slopes = []
    for k in range(len(axes)):
        h = varargs[0] if len(varargs) == 1 else varargs[k]
        if np.ndim(h) == 0:
            slopes.append(np.gradient(f, axis=axes[k], edge_order=edge_order) / h)
        else:
            if edge_order != 1:
                return NotImplemented
            g, d = np.moveaxis(f, axes[k], -1), np.diff(h)
            steps = np.diff(g) / d
            before, after = d[:-1] / (d[:-1] + d[1:]), d[1:] / (d[:-1] + d[1:])
            inner = after * steps[..., :-1] + before * steps[..., 1:]
            whole = np.concatenate((steps[..., :1], inner, steps[..., -1:]), axis=-1)
            slopes.append(np.moveaxis(whole, -1, axes[k]))
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


@definition(np.interp, "x", "xp", "fp", options=("period",))
def interp_periodic(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """Interpolation in what is repeated on both sides."""
    if period is None:
        return np.interp(x, xp, fp, left, right)
    period = abs(period)
    x, xp = x % period, xp % period
    order = np.argsort(xp)
    xp, fp = xp[order], fp[order]
    xp = np.concatenate((xp[-1:] - period, xp, xp[:1] + period))
    return np.interp(x, xp, np.concatenate((fp[-1:], fp, fp[:1])))


@definition(np.clip, "a", "min", "max", options=("min", "max"))
def clip_named(
    a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, min: Any = None, max: Any = None
) -> Any:
    """The bounds by other names."""
    return np.clip(a, a_min if min is None else min, a_max if max is None else max)


@definition(np.nan_to_num, "x", options=("nan", "posinf", "neginf"))
def nan_to_num_with(x: Any, copy: Any = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Other numbers in the place of those that are none."""
    filled = np.where(np.isnan(x), nan, x)
    if posinf is not None:
        filled = np.where(np.isposinf(x), posinf, filled)
    if neginf is not None:
        filled = np.where(np.isneginf(x), neginf, filled)
    return np.nan_to_num(filled)


@definition(np.cov, "m", "y", "aweights", options=("fweights", "aweights"))
def cov_weighted(
    m: Any, y: Any = None, rowvar: Any = True, bias: Any = False, ddof: Any = None, fweights: Any = None,
    aweights: Any = None, dtype: Any = None,
) -> Any:  # fmt: skip
    """Weighted products of what is left without the weighted means."""
    if y is not None:
        return NotImplemented
    x = m if np.ndim(m) == 2 else m[np.newaxis]
    if np.ndim(m) == 2 and not rowvar:
        x = x.T
    if ddof is None:
        ddof = 1 if bias == 0 else 0  # (None is not)
    if fweights is None:
        w = aweights
    elif aweights is None:
        w = fweights * 1.0
    else:
        w = fweights * aweights
    total = np.sum(w)
    if ddof == 0:
        norm = total
    elif aweights is None:
        norm = total - ddof
    else:
        norm = total - ddof * np.sum(w * aweights) / total
    x = x - (x @ w / total)[:, np.newaxis]
    c = (x * w) @ x.T / norm
    return c[0, 0] if np.ndim(m) == 1 else c


# --- numbers along axes of their own


@definition(np.ix_, "args")
def ix_(*args: Any) -> Any:
    """Each along an axis of its own, seen as indices; but it takes any numbers."""
    parts = []
    for k in range(len(args)):
        part = np.nonzero(args[k])[0] if args[k].dtype == np.bool_ else args[k]
        parts.append(np.reshape(part, (1,) * k + (-1,) + (1,) * (len(args) - k - 1)))
    return tuple(parts)
