"""Rules for ``scipy.ndimage``.

All of these filters are correlations with some weights, of the image continued beyond its edges: the
transpose is the full convolution, folded back at the edges (`correlate_back`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.ndimage

from srcdiff.rules import scipy_reasons
from srcdiff.rules.registry import (
    bilinear,
    differential,
    linear,
    multilinear,
    nondifferentiable,
    pullback,
    real_only,
    shapes_only,
)
from srcdiff.runtime.filters import correlate_back, correlate_weights, turned_origin, weights_along

T = Any

nondifferentiable(
    scipy.ndimage.label, scipy.ndimage.find_objects, scipy.ndimage.binary_dilation,
    scipy.ndimage.binary_erosion, scipy.ndimage.binary_opening, scipy.ndimage.binary_closing,
    scipy.ndimage.binary_fill_holes, scipy.ndimage.distance_transform_edt,
    scipy.ndimage.generate_binary_structure, turned_origin,
)  # fmt: skip

multilinear(
    scipy.ndimage.correlate, scipy.ndimage.convolve, scipy.ndimage.correlate1d, scipy.ndimage.convolve1d
)
shapes_only(correlate_weights, "weights")
real_only(  # the weights of a correlation are conjugated
    scipy.ndimage.correlate, scipy.ndimage.correlate1d, correlate_back, correlate_weights
)


# --- correlations


@differential(scipy.ndimage.correlate)
def correlate(
    input: T, weights: T, output: T = None, mode: T = "reflect", cval: T = 0.0, origin: T = 0,
    *, input_dot: T, weights_dot: T,
) -> T:  # fmt: skip
    moved = scipy.ndimage.correlate(input_dot, weights, None, mode, 0.0, origin)
    if cval != 0.0 and mode in ("constant", "grid-constant"):
        raise NotImplementedError("the derivative of scipy.ndimage.correlate in its weights needs cval=0")
    return moved + scipy.ndimage.correlate(input, weights_dot, None, mode, 0.0, origin)


@pullback(scipy.ndimage.correlate, "input", "weights")
def correlate_bar(
    input: T, weights: T, output: T = None, mode: T = "reflect", cval: T = 0.0, origin: T = 0, *, out_bar: T
) -> T:
    if cval != 0.0 and mode in ("constant", "grid-constant"):
        raise NotImplementedError("the derivative of scipy.ndimage.correlate in its weights needs cval=0")
    input_bar = correlate_back(out_bar, weights, mode, origin)
    return input_bar, correlate_weights(input, out_bar, weights, mode, origin)


@differential(scipy.ndimage.convolve)
def convolve(
    input: T, weights: T, output: T = None, mode: T = "reflect", cval: T = 0.0, origin: T = 0,
    *, input_dot: T, weights_dot: T,
) -> T:  # fmt: skip
    if cval != 0.0 and mode in ("constant", "grid-constant"):
        raise NotImplementedError("the derivative of scipy.ndimage.convolve in its weights needs cval=0")
    moved = scipy.ndimage.convolve(input_dot, weights, None, mode, 0.0, origin)
    return moved + scipy.ndimage.convolve(input, weights_dot, None, mode, 0.0, origin)


@pullback(scipy.ndimage.convolve, "input", "weights")
def convolve_bar(
    input: T, weights: T, output: T = None, mode: T = "reflect", cval: T = 0.0, origin: T = 0, *, out_bar: T
) -> T:
    if cval != 0.0 and mode in ("constant", "grid-constant"):
        raise NotImplementedError("the derivative of scipy.ndimage.convolve in its weights needs cval=0")
    at = turned_origin(origin, np.shape(weights))
    input_bar = correlate_back(out_bar, np.flip(weights), mode, at)
    return input_bar, np.flip(correlate_weights(input, out_bar, np.flip(weights), mode, at))


@differential(scipy.ndimage.correlate1d)
def correlate1d(
    input: T, weights: T, axis: T = -1, output: T = None, mode: T = "reflect", cval: T = 0.0, origin: T = 0,
    *, input_dot: T, weights_dot: T,
) -> T:  # fmt: skip
    if cval != 0.0 and mode in ("constant", "grid-constant"):
        raise NotImplementedError("the derivative of scipy.ndimage.correlate1d in its weights needs cval=0")
    moved = scipy.ndimage.correlate1d(input_dot, weights, axis, None, mode, 0.0, origin)
    return moved + scipy.ndimage.correlate1d(input, weights_dot, axis, None, mode, 0.0, origin)


@pullback(scipy.ndimage.correlate1d, "input", "weights")
def correlate1d_bar(
    input: T, weights: T, axis: T = -1, output: T = None, mode: T = "reflect", cval: T = 0.0, origin: T = 0,
    *, out_bar: T,
) -> T:  # fmt: skip
    if cval != 0.0 and mode in ("constant", "grid-constant"):
        raise NotImplementedError("the derivative of scipy.ndimage.correlate1d in its weights needs cval=0")
    line = weights_along(weights, np.ndim(input), axis, origin)
    weights_bar = np.ravel(correlate_weights(input, out_bar, line[0], mode, line[1]))
    return correlate_back(out_bar, line[0], mode, line[1]), weights_bar


@differential(scipy.ndimage.convolve1d)
def convolve1d(
    input: T, weights: T, axis: T = -1, output: T = None, mode: T = "reflect", cval: T = 0.0, origin: T = 0,
    *, input_dot: T, weights_dot: T,
) -> T:  # fmt: skip
    if cval != 0.0 and mode in ("constant", "grid-constant"):
        raise NotImplementedError("the derivative of scipy.ndimage.convolve1d in its weights needs cval=0")
    moved = scipy.ndimage.convolve1d(input_dot, weights, axis, None, mode, 0.0, origin)
    return moved + scipy.ndimage.convolve1d(input, weights_dot, axis, None, mode, 0.0, origin)


@pullback(scipy.ndimage.convolve1d, "input", "weights")
def convolve1d_bar(
    input: T, weights: T, axis: T = -1, output: T = None, mode: T = "reflect", cval: T = 0.0, origin: T = 0,
    *, out_bar: T,
) -> T:  # fmt: skip
    if cval != 0.0 and mode in ("constant", "grid-constant"):
        raise NotImplementedError("the derivative of scipy.ndimage.convolve1d in its weights needs cval=0")
    at = turned_origin(origin, np.shape(weights))
    line = weights_along(np.flip(weights), np.ndim(input), axis, at)
    weights_bar = np.ravel(correlate_weights(input, out_bar, line[0], mode, line[1]))
    return correlate_back(out_bar, line[0], mode, line[1]), np.flip(weights_bar)


@bilinear(correlate_back, "g", "weights")
def correlate_back_rule(g: T, weights: T, mode: T = "reflect", origin: T = 0, *, out_bar: T) -> T:
    g_bar = scipy.ndimage.correlate(out_bar, weights, None, mode, 0.0, origin)
    return g_bar, correlate_weights(out_bar, g, weights, mode, origin)


@bilinear(correlate_weights, "x", "g")
def correlate_weights_rule(x: T, g: T, weights: T, mode: T = "reflect", origin: T = 0, *, out_bar: T) -> T:
    return correlate_back(g, out_bar, mode, origin), scipy.ndimage.correlate(
        x, out_bar, None, mode, 0.0, origin
    )


# --- filters with weights of their own


def along(g: T, weights: T, axis: T, mode: T, origin: T = 0) -> T:
    """The transpose of a correlation along one axis."""
    line = weights_along(weights, np.ndim(g), axis, origin)
    return correlate_back(g, line[0], mode, line[1])


def mode_of(mode: T, k: T) -> T:
    return mode if isinstance(mode, str) else mode[k]


def gauss(sigma: T, order: T, truncate: T, radius: T) -> T:
    """The weights of a Gaussian (or of its derivative), as a correlation has them."""
    reach = int(truncate * float(sigma) + 0.5) if radius is None else radius
    impulse = np.eye(2 * reach + 1)[reach]
    return np.flip(
        scipy.ndimage.gaussian_filter1d(
            impulse, sigma, -1, order, None, "constant", 0.0, truncate, radius=radius
        )
    )


@differential(scipy.ndimage.gaussian_filter1d)
def gaussian_filter1d(
    input: T, sigma: T, axis: T = -1, order: T = 0, output: T = None, mode: T = "reflect", cval: T = 0.0,
    truncate: T = 4.0, radius: T = None, *, input_dot: T,
) -> T:  # fmt: skip
    return scipy.ndimage.gaussian_filter1d(
        input_dot, sigma, axis, order, None, mode, 0.0, truncate, radius=radius
    )


@pullback(scipy.ndimage.gaussian_filter1d, "input")
def gaussian_filter1d_bar(
    input: T, sigma: T, axis: T = -1, order: T = 0, output: T = None, mode: T = "reflect", cval: T = 0.0,
    truncate: T = 4.0, radius: T = None, *, out_bar: T,
) -> T:  # fmt: skip
    return along(out_bar, gauss(sigma, order, truncate, radius), axis, mode)


@differential(scipy.ndimage.gaussian_filter)
def gaussian_filter(
    input: T, sigma: T, order: T = 0, output: T = None, mode: T = "reflect", cval: T = 0.0, truncate: T = 4.0,
    radius: T = None, axes: T = None, *, input_dot: T,
) -> T:  # fmt: skip
    return scipy.ndimage.gaussian_filter(
        input_dot, sigma, order, None, mode, 0.0, truncate, radius=radius, axes=axes
    )


@pullback(scipy.ndimage.gaussian_filter, "input")
def gaussian_filter_bar(
    input: T, sigma: T, order: T = 0, output: T = None, mode: T = "reflect", cval: T = 0.0, truncate: T = 4.0,
    radius: T = None, axes: T = None, *, out_bar: T,
) -> T:  # fmt: skip
    if axes is not None or not (radius is None or isinstance(radius, int)):
        raise NotImplementedError(
            "the derivative of scipy.ndimage.gaussian_filter needs axes=None and one radius"
        )
    bar = out_bar
    for k in range(np.ndim(input)):
        spread = sigma[k] if isinstance(sigma, (tuple, list)) else sigma
        at = order[k] if isinstance(order, (tuple, list)) else order
        bar = along(bar, gauss(spread, at, truncate, radius), k, mode_of(mode, k))
    return bar


@differential(scipy.ndimage.uniform_filter1d)
def uniform_filter1d(
    input: T, size: T, axis: T = -1, output: T = None, mode: T = "reflect", cval: T = 0.0, origin: T = 0,
    *, input_dot: T,
) -> T:  # fmt: skip
    return scipy.ndimage.uniform_filter1d(input_dot, size, axis, None, mode, 0.0, origin)


@pullback(scipy.ndimage.uniform_filter1d, "input")
def uniform_filter1d_bar(
    input: T, size: T, axis: T = -1, output: T = None, mode: T = "reflect", cval: T = 0.0, origin: T = 0,
    *, out_bar: T,
) -> T:  # fmt: skip
    return along(out_bar, np.full(size, 1.0 / size), axis, mode, origin)


@differential(scipy.ndimage.uniform_filter)
def uniform_filter(
    input: T, size: T = 3, output: T = None, mode: T = "reflect", cval: T = 0.0, origin: T = 0,
    axes: T = None,
    *, input_dot: T,
) -> T:  # fmt: skip
    return scipy.ndimage.uniform_filter(input_dot, size, None, mode, 0.0, origin, axes=axes)


@pullback(scipy.ndimage.uniform_filter, "input")
def uniform_filter_bar(
    input: T, size: T = 3, output: T = None, mode: T = "reflect", cval: T = 0.0, origin: T = 0,
    axes: T = None,
    *, out_bar: T,
) -> T:  # fmt: skip
    if axes is not None:
        raise NotImplementedError("the derivative of scipy.ndimage.uniform_filter needs axes=None")
    bar = out_bar
    for k in range(np.ndim(input)):
        width = size[k] if isinstance(size, (tuple, list)) else size
        at = origin[k] if isinstance(origin, (tuple, list)) else origin
        bar = along(bar, np.full(width, 1.0 / width), k, mode_of(mode, k), at)
    return bar


@differential(scipy.ndimage.laplace)
def laplace(
    input: T, output: T = None, mode: T = "reflect", cval: T = 0.0, axes: T = None, *, input_dot: T
) -> T:
    if axes is not None:
        raise NotImplementedError("the derivative of scipy.ndimage.laplace needs axes=None")
    return scipy.ndimage.laplace(input_dot, None, mode)


@pullback(scipy.ndimage.laplace, "input")
def laplace_bar(
    input: T, output: T = None, mode: T = "reflect", cval: T = 0.0, axes: T = None, *, out_bar: T
) -> T:
    if axes is not None:
        raise NotImplementedError("the derivative of scipy.ndimage.laplace needs axes=None")
    if np.ndim(input) == 0:
        return out_bar
    second = np.array([1.0, -2.0, 1.0])
    bar = along(out_bar, second, 0, mode_of(mode, 0))
    for k in range(1, np.ndim(input)):
        bar = bar + along(out_bar, second, k, mode_of(mode, k))
    return bar


@differential(scipy.ndimage.sobel)
def sobel(input: T, axis: T = -1, output: T = None, mode: T = "reflect", cval: T = 0.0, *, input_dot: T) -> T:
    return scipy.ndimage.sobel(input_dot, axis, None, mode)


@pullback(scipy.ndimage.sobel, "input")
def sobel_bar(
    input: T, axis: T = -1, output: T = None, mode: T = "reflect", cval: T = 0.0, *, out_bar: T
) -> T:
    axis = axis % np.ndim(input)
    bar = along(out_bar, np.array([-1.0, 0.0, 1.0]), axis, mode_of(mode, axis))
    for k in range(np.ndim(input)):
        if k != axis:
            bar = along(bar, np.array([1.0, 2.0, 1.0]), k, mode_of(mode, k))
    return bar


@differential(scipy.ndimage.prewitt)
def prewitt(
    input: T, axis: T = -1, output: T = None, mode: T = "reflect", cval: T = 0.0, *, input_dot: T
) -> T:
    return scipy.ndimage.prewitt(input_dot, axis, None, mode)


@pullback(scipy.ndimage.prewitt, "input")
def prewitt_bar(
    input: T, axis: T = -1, output: T = None, mode: T = "reflect", cval: T = 0.0, *, out_bar: T
) -> T:
    axis = axis % np.ndim(input)
    bar = along(out_bar, np.array([-1.0, 0.0, 1.0]), axis, mode_of(mode, axis))
    for k in range(np.ndim(input)):
        if k != axis:
            bar = along(bar, np.array([1.0, 1.0, 1.0]), k, mode_of(mode, k))
    return bar


@differential(scipy.ndimage.gaussian_laplace)
def gaussian_laplace(
    input: T, sigma: T, output: T = None, mode: T = "reflect", cval: T = 0.0, axes: T = None, *, input_dot: T
) -> T:
    if axes is not None:
        raise NotImplementedError("the derivative of scipy.ndimage.gaussian_laplace needs axes=None")
    return scipy.ndimage.gaussian_laplace(input_dot, sigma, None, mode)


@pullback(scipy.ndimage.gaussian_laplace, "input")
def gaussian_laplace_bar(
    input: T, sigma: T, output: T = None, mode: T = "reflect", cval: T = 0.0, axes: T = None, *, out_bar: T
) -> T:
    if axes is not None:
        raise NotImplementedError("the derivative of scipy.ndimage.gaussian_laplace needs axes=None")
    if np.ndim(input) == 0:
        return out_bar
    bar = np.zeros_like(input)
    for j in range(np.ndim(input)):
        part = out_bar
        for k in range(np.ndim(input)):
            spread = sigma[k] if isinstance(sigma, (tuple, list)) else sigma
            part = along(part, gauss(spread, 2 if j == k else 0, 4.0, None), k, mode_of(mode, k))
        bar = bar + part
    return bar


@linear(weights_along, "weights")
def weights_along_rule(weights: T, ndim: T, axis: T, origin: T = 0, *, out_bar: T) -> T:
    return np.ravel(out_bar[0])


scipy_reasons.declare("ndimage", scipy.ndimage)
