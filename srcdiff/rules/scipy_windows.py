"""Filters of ``scipy.ndimage`` that choose among the numbers under a window, and sums over labels.

The image is continued beyond its edges (`np.pad` has other names for the ways to do this), and what a filter
chooses has the derivative of the number chosen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.ndimage
from numpy.lib.stride_tricks import sliding_window_view

from srcdiff.rules.registry import definition, nondifferentiable, pure
from srcdiff.runtime.filters import beyond, half_widths, one_to_each

T = Any

nondifferentiable(
    scipy.ndimage.binary_hit_or_miss, scipy.ndimage.binary_propagation, scipy.ndimage.distance_transform_bf,
    scipy.ndimage.distance_transform_cdt, scipy.ndimage.histogram, scipy.ndimage.iterate_structure,
    scipy.ndimage.maximum_position, scipy.ndimage.minimum_position, scipy.ndimage.watershed_ift,
    *([scipy.ndimage.value_indices] if hasattr(scipy.ndimage, "value_indices") else []),
)  # fmt: skip


pure(beyond, half_widths, one_to_each)


def windows(image: T, size: T, mode: T, cval: T) -> T:
    """All that lies under the window, in the last axis."""
    half = half_widths(size, np.ndim(image))
    if mode == "constant":
        whole = np.pad(image, half, constant_values=cval)
    else:
        whole = np.pad(image, half, beyond(mode))  # type: ignore[call-overload]
    seen = sliding_window_view(whole, one_to_each(size, np.ndim(image)))
    return np.reshape(seen, (*np.shape(image), -1))


def refuses(size: T, footprint: T, origin: T) -> T:
    """Whether the window is not a box of odd sides around its middle."""
    if footprint is not None or origin != 0:
        return True
    if isinstance(size, int):
        return size % 2 == 0
    return not isinstance(size, tuple) or any([s % 2 == 0 for s in size])  # noqa: C419  (read by the front end)


@definition(scipy.ndimage.maximum_filter, "input")
def maximum_filter(
    input: T, size: T = None, footprint: T = None, output: T = None, mode: T = "reflect", cval: T = 0.0,
    origin: T = 0,
) -> T:  # fmt: skip
    """The largest number under the window."""
    if refuses(size, footprint, origin) or output is not None:
        return NotImplemented
    return np.max(windows(input, size, mode, cval), axis=-1)


@definition(scipy.ndimage.minimum_filter, "input")
def minimum_filter(
    input: T, size: T = None, footprint: T = None, output: T = None, mode: T = "reflect", cval: T = 0.0,
    origin: T = 0,
) -> T:  # fmt: skip
    """The smallest number under the window."""
    if refuses(size, footprint, origin) or output is not None:
        return NotImplemented
    return np.min(windows(input, size, mode, cval), axis=-1)


@definition(scipy.ndimage.maximum_filter1d, "input")
def maximum_filter1d(
    input: T, size: T, axis: T = -1, output: T = None, mode: T = "reflect", cval: T = 0.0, origin: T = 0
) -> T:
    """The largest number along an axis."""
    if refuses(size, None, origin) or output is not None:
        return NotImplemented
    turned = np.moveaxis(input, axis, -1)
    sizes = (*(1,) * (np.ndim(input) - 1), size)
    return np.moveaxis(np.max(windows(turned, sizes, mode, cval), axis=-1), -1, axis)


@definition(scipy.ndimage.minimum_filter1d, "input")
def minimum_filter1d(
    input: T, size: T, axis: T = -1, output: T = None, mode: T = "reflect", cval: T = 0.0, origin: T = 0
) -> T:
    """The smallest number along an axis."""
    if refuses(size, None, origin) or output is not None:
        return NotImplemented
    turned = np.moveaxis(input, axis, -1)
    sizes = (*(1,) * (np.ndim(input) - 1), size)
    return np.moveaxis(np.min(windows(turned, sizes, mode, cval), axis=-1), -1, axis)


@definition(scipy.ndimage.median_filter, "input")
def median_filter(
    input: T, size: T = None, footprint: T = None, output: T = None, mode: T = "reflect", cval: T = 0.0,
    origin: T = 0,
) -> T:  # fmt: skip
    """The middle number under the window."""
    if refuses(size, footprint, origin) or output is not None:
        return NotImplemented
    return np.median(windows(input, size, mode, cval), axis=-1)


@definition(scipy.ndimage.rank_filter, "input")
def rank_filter(
    input: T, rank: T, size: T = None, footprint: T = None, output: T = None, mode: T = "reflect",
    cval: T = 0.0, origin: T = 0,
) -> T:  # fmt: skip
    """The number of a given rank under the window."""
    if refuses(size, footprint, origin) or output is not None:
        return NotImplemented
    return np.sort(windows(input, size, mode, cval), axis=-1)[..., rank]


@definition(scipy.ndimage.percentile_filter, "input")
def percentile_filter(
    input: T, percentile: T, size: T = None, footprint: T = None, output: T = None, mode: T = "reflect",
    cval: T = 0.0, origin: T = 0,
) -> T:  # fmt: skip
    """The number below which a part of those under the window lies."""
    if refuses(size, footprint, origin) or output is not None or not 0 <= percentile < 100:
        return NotImplemented
    under = windows(input, size, mode, cval)
    return np.sort(under, axis=-1)[..., int(np.shape(under)[-1] * percentile / 100.0)]


# --- morphology of grey images, by boxes --------------------------------------------------------------------


@definition(scipy.ndimage.grey_dilation, "input")
def grey_dilation(
    input: T, size: T = None, footprint: T = None, structure: T = None, output: T = None,
    mode: T = "reflect", cval: T = 0.0, origin: T = 0,
) -> T:  # fmt: skip
    """The largest number under the window."""
    if refuses(size, footprint, origin) or structure is not None or output is not None:
        return NotImplemented
    return np.max(windows(input, size, mode, cval), axis=-1)


@definition(scipy.ndimage.grey_erosion, "input")
def grey_erosion(
    input: T, size: T = None, footprint: T = None, structure: T = None, output: T = None,
    mode: T = "reflect", cval: T = 0.0, origin: T = 0,
) -> T:  # fmt: skip
    """The smallest number under the window."""
    if refuses(size, footprint, origin) or structure is not None or output is not None:
        return NotImplemented
    return np.min(windows(input, size, mode, cval), axis=-1)


def opened(image: T, size: T, mode: T, cval: T) -> T:
    """Eroded, then dilated."""
    low = np.min(windows(image, size, mode, cval), axis=-1)
    return np.max(windows(low, size, mode, cval), axis=-1)


def closed(image: T, size: T, mode: T, cval: T) -> T:
    """Dilated, then eroded."""
    high = np.max(windows(image, size, mode, cval), axis=-1)
    return np.min(windows(high, size, mode, cval), axis=-1)


@definition(scipy.ndimage.grey_opening, "input")
def grey_opening(
    input: T, size: T = None, footprint: T = None, structure: T = None, output: T = None,
    mode: T = "reflect", cval: T = 0.0, origin: T = 0,
) -> T:  # fmt: skip
    """Eroded, then dilated."""
    if refuses(size, footprint, origin) or structure is not None or output is not None:
        return NotImplemented
    return opened(input, size, mode, cval)


@definition(scipy.ndimage.grey_closing, "input")
def grey_closing(
    input: T, size: T = None, footprint: T = None, structure: T = None, output: T = None,
    mode: T = "reflect", cval: T = 0.0, origin: T = 0,
) -> T:  # fmt: skip
    """Dilated, then eroded."""
    if refuses(size, footprint, origin) or structure is not None or output is not None:
        return NotImplemented
    return closed(input, size, mode, cval)


@definition(scipy.ndimage.white_tophat, "input")
def white_tophat(
    input: T, size: T = None, footprint: T = None, structure: T = None, output: T = None,
    mode: T = "reflect", cval: T = 0.0, origin: T = 0,
) -> T:  # fmt: skip
    """What opening takes away."""
    if refuses(size, footprint, origin) or structure is not None or output is not None:
        return NotImplemented
    return input - opened(input, size, mode, cval)


@definition(scipy.ndimage.black_tophat, "input")
def black_tophat(
    input: T, size: T = None, footprint: T = None, structure: T = None, output: T = None,
    mode: T = "reflect", cval: T = 0.0, origin: T = 0,
) -> T:  # fmt: skip
    """What closing adds."""
    if refuses(size, footprint, origin) or structure is not None or output is not None:
        return NotImplemented
    return closed(input, size, mode, cval) - input


@definition(scipy.ndimage.morphological_gradient, "input")
def morphological_gradient(
    input: T, size: T = None, footprint: T = None, structure: T = None, output: T = None,
    mode: T = "reflect", cval: T = 0.0, origin: T = 0,
) -> T:  # fmt: skip
    """The largest number under the window less the smallest."""
    if refuses(size, footprint, origin) or structure is not None or output is not None:
        return NotImplemented
    under = windows(input, size, mode, cval)
    return np.max(under, axis=-1) - np.min(under, axis=-1)


@definition(scipy.ndimage.morphological_laplace, "input")
def morphological_laplace(
    input: T, size: T = None, footprint: T = None, structure: T = None, output: T = None,
    mode: T = "reflect", cval: T = 0.0, origin: T = 0,
) -> T:  # fmt: skip
    """The largest and the smallest number under the window, less twice the middle."""
    if refuses(size, footprint, origin) or structure is not None or output is not None:
        return NotImplemented
    under = windows(input, size, mode, cval)
    return np.max(under, axis=-1) + np.min(under, axis=-1) - 2.0 * input


# --- sums -----------------------------------------------------------------------------------------------


@definition(scipy.ndimage.sum, "input")
@definition(scipy.ndimage.sum_labels, "input")
def sum_labels(input: T, labels: T = None, index: T = None) -> T:
    """The sum of what has a label, or each of several."""
    if labels is None:
        return np.sum(input)
    if index is None:
        return np.sum(np.where(labels > 0, input, 0.0))
    if isinstance(index, int):
        return np.sum(np.where(labels == index, input, 0.0))
    sums = np.bincount(np.ravel(labels), np.ravel(input), np.max(index) + 1)
    return sums[np.asarray(index)]


@definition(scipy.ndimage.mean, "input")
def mean(input: T, labels: T = None, index: T = None) -> T:
    """The mean of what has a label, or each of several."""
    if labels is None:
        return np.mean(input)
    if index is None:
        return np.sum(np.where(labels > 0, input, 0.0)) / np.sum(labels > 0)
    if isinstance(index, int):
        return np.sum(np.where(labels == index, input, 0.0)) / np.sum(labels == index)
    top, names = np.max(index) + 1, np.ravel(labels)
    sums = np.bincount(names, np.ravel(input), top) / np.bincount(names, None, top)
    return sums[np.asarray(index)]


@definition(scipy.ndimage.center_of_mass, "input")
def center_of_mass(input: T, labels: T = None, index: T = None) -> T:
    """The mean place, weighted by the numbers there."""
    if labels is not None or index is not None:
        return NotImplemented
    weight = np.sum(input)
    places = np.indices(np.shape(input))
    return tuple([np.sum(input * places[k]) / weight for k in range(np.ndim(input))])


# --- filters of a transformed image: a factor for each frequency --------------------------------------------


@definition(scipy.ndimage.fourier_gaussian, "input")
def fourier_gaussian(input: T, sigma: T, n: T = -1, axis: T = -1, output: T = None) -> T:
    """Times the transform of a Gaussian."""
    if output is not None:
        return NotImplemented
    return input * scipy.ndimage.fourier_gaussian(np.ones(np.shape(input)), sigma, n, axis)


@definition(scipy.ndimage.fourier_uniform, "input")
def fourier_uniform(input: T, size: T, n: T = -1, axis: T = -1, output: T = None) -> T:
    """Times the transform of a box."""
    if output is not None:
        return NotImplemented
    return input * scipy.ndimage.fourier_uniform(np.ones(np.shape(input)), size, n, axis)


@definition(scipy.ndimage.fourier_ellipsoid, "input")
def fourier_ellipsoid(input: T, size: T, n: T = -1, axis: T = -1, output: T = None) -> T:
    """Times the transform of an ellipsoid."""
    if output is not None:
        return NotImplemented
    return input * scipy.ndimage.fourier_ellipsoid(np.ones(np.shape(input)), size, n, axis)


@definition(scipy.ndimage.fourier_shift, "input")
def fourier_shift(input: T, shift: T, n: T = -1, axis: T = -1, output: T = None) -> T:
    """Times the transform of a shift."""
    if output is not None:
        return NotImplemented
    return input * scipy.ndimage.fourier_shift(np.ones(np.shape(input)), shift, n, axis)
