"""Rules for ``scipy.signal``.

A filter is linear in the signal; its transpose is the filter run from the end to the beginning.  In its
coefficients: ``A y == B x`` (as polynomials in the delay) gives ``A y_dot == B_dot x + B x_dot - A_dot y``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.signal

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
from srcdiff.runtime.arrays import resized
from srcdiff.runtime.filters import centre_of, into_full

T = Any

nondifferentiable(
    scipy.signal.get_window, scipy.signal.savgol_coeffs, scipy.signal.unit_impulse,
    scipy.signal.argrelextrema,
    scipy.signal.argrelmax, scipy.signal.argrelmin,
)  # fmt: skip
real_only(
    scipy.signal.lfilter, scipy.signal.sosfilt, scipy.signal.hilbert, scipy.signal.detrend,
    scipy.signal.savgol_filter, scipy.signal.upfirdn,
)  # fmt: skip

multilinear(scipy.signal.convolve2d, scipy.signal.correlate2d, scipy.signal.lfilter)
shapes_only(into_full, "in1", "in2")
shapes_only(centre_of, "in1", "in2")


# --- products of signals


def convolved_bars(g: T, in1: T, in2: T, mode: T) -> T:
    """The cotangents of both sides of a convolution in any number of dimensions."""
    whole = g if mode == "full" else into_full(g, in1, in2, mode)
    left = scipy.signal.convolve(whole, np.flip(in2), "valid")
    return left, scipy.signal.convolve(whole, np.flip(in1), "valid")


@bilinear(scipy.signal.convolve, "in1", "in2")
def convolve(in1: T, in2: T, mode: T = "full", method: T = "auto", *, out_bar: T) -> T:
    return convolved_bars(out_bar, in1, in2, mode)


@bilinear(scipy.signal.fftconvolve, "in1", "in2")
def fftconvolve(in1: T, in2: T, mode: T = "full", axes: T = None, *, out_bar: T) -> T:
    if axes is not None:
        raise NotImplementedError("the derivative of scipy.signal.fftconvolve needs axes=None")
    whole = out_bar if mode == "full" else into_full(out_bar, in1, in2, mode)
    left = scipy.signal.fftconvolve(whole, np.flip(in2), "valid")
    return left, scipy.signal.fftconvolve(whole, np.flip(in1), "valid")


@bilinear(scipy.signal.oaconvolve, "in1", "in2")
def oaconvolve(in1: T, in2: T, mode: T = "full", axes: T = None, *, out_bar: T) -> T:
    if axes is not None:
        raise NotImplementedError("the derivative of scipy.signal.oaconvolve needs axes=None")
    whole = out_bar if mode == "full" else into_full(out_bar, in1, in2, mode)
    left = scipy.signal.oaconvolve(whole, np.flip(in2), "valid")
    return left, scipy.signal.oaconvolve(whole, np.flip(in1), "valid")


@bilinear(scipy.signal.correlate, "in1", "in2")
def correlate(in1: T, in2: T, mode: T = "full", method: T = "auto", *, out_bar: T) -> T:
    whole = out_bar if mode == "full" else into_full(out_bar, in1, in2, mode, True)
    left = scipy.signal.convolve(whole, np.conj(in2), "valid")
    return left, np.conj(np.flip(scipy.signal.convolve(whole, np.flip(in1), "valid")))


@differential(scipy.signal.convolve2d)
def convolve2d(
    in1: T, in2: T, mode: T = "full", boundary: T = "fill", fillvalue: T = 0, *, in1_dot: T, in2_dot: T
) -> T:
    if boundary != "fill" or fillvalue != 0:
        raise NotImplementedError("scipy.signal.convolve2d: use np.pad before, and boundary='fill'")
    return scipy.signal.convolve2d(in1_dot, in2, mode) + scipy.signal.convolve2d(in1, in2_dot, mode)


@pullback(scipy.signal.convolve2d, "in1", "in2")
def convolve2d_bar(
    in1: T, in2: T, mode: T = "full", boundary: T = "fill", fillvalue: T = 0, *, out_bar: T
) -> T:
    if boundary != "fill" or fillvalue != 0:
        raise NotImplementedError("scipy.signal.convolve2d: use np.pad before, and boundary='fill'")
    return convolved_bars(out_bar, in1, in2, mode)


@differential(scipy.signal.correlate2d)
def correlate2d(
    in1: T, in2: T, mode: T = "full", boundary: T = "fill", fillvalue: T = 0, *, in1_dot: T, in2_dot: T
) -> T:
    if boundary != "fill" or fillvalue != 0:
        raise NotImplementedError("scipy.signal.correlate2d: use np.pad before, and boundary='fill'")
    return scipy.signal.correlate2d(in1_dot, in2, mode) + scipy.signal.correlate2d(in1, in2_dot, mode)


@pullback(scipy.signal.correlate2d, "in1", "in2")
def correlate2d_bar(
    in1: T, in2: T, mode: T = "full", boundary: T = "fill", fillvalue: T = 0, *, out_bar: T
) -> T:
    if boundary != "fill" or fillvalue != 0:
        raise NotImplementedError("scipy.signal.correlate2d: use np.pad before, and boundary='fill'")
    at = "after" if mode == "same" else mode
    whole = out_bar if mode == "full" else into_full(out_bar, in1, in2, at, True)
    left = scipy.signal.convolve(whole, np.conj(in2), "valid")
    return left, np.conj(np.flip(scipy.signal.convolve(whole, np.flip(in1), "valid")))


@linear(into_full, "g")
def into_full_rule(g: T, in1: T, in2: T, mode: T, turned: T = False, *, out_bar: T) -> T:
    return centre_of(out_bar, in1, in2, mode, turned)


@linear(centre_of, "whole")
def centre_of_rule(whole: T, in1: T, in2: T, mode: T, turned: T = False, *, out_bar: T) -> T:
    return into_full(out_bar, in1, in2, mode, turned)


# --- filters


@differential(scipy.signal.lfilter)
def lfilter(b: T, a: T, x: T, axis: T = -1, zi: T = None, *, out: T, b_dot: T, a_dot: T, x_dot: T) -> T:
    if zi is not None:
        raise NotImplementedError("the derivative of scipy.signal.lfilter of many signals needs zi=None")
    one = np.ones(1)
    moved = scipy.signal.lfilter(b_dot, one, x, axis) - scipy.signal.lfilter(a_dot, one, out, axis)
    return scipy.signal.lfilter(b, a, x_dot, axis) + scipy.signal.lfilter(one, a, moved, axis)


@pullback(scipy.signal.lfilter, "b", "a", "x")
def lfilter_bar(b: T, a: T, x: T, axis: T = -1, zi: T = None, *, out: T, out_bar: T) -> T:
    if zi is not None:
        raise NotImplementedError("the derivative of scipy.signal.lfilter of many signals needs zi=None")
    one = np.ones(1)
    back = np.flip(scipy.signal.lfilter(one, a, np.flip(out_bar, axis), axis), axis)
    x_bar = np.flip(scipy.signal.lfilter(b, one, np.flip(back, axis), axis), axis)
    return lags(back, x, b, axis), -lags(back, out, a, axis), x_bar


def lags(g: T, x: T, like: T, axis: T) -> T:
    """The sums of ``g[n] * x[n - k]`` for each ``k``."""
    if np.ndim(x) == 1:
        return resized(scipy.signal.correlate(g, x)[np.shape(x)[0] - 1 :], like, 0)
    return np.stack(
        [
            np.sum(g * scipy.signal.lfilter(np.eye(np.shape(like)[0])[k], np.ones(1), x, axis))
            for k in range(np.shape(like)[0])
        ]
    )


@differential(scipy.signal.sosfilt)
def sosfilt_dot(sos: T, x: T, axis: T = -1, zi: T = None, *, x_dot: T) -> T:
    if zi is not None:  # (with a state it is not linear in the signal)
        raise NotImplementedError("the derivative of scipy.signal.sosfilt needs zi=None")
    return scipy.signal.sosfilt(sos, x_dot, axis)


@pullback(scipy.signal.sosfilt, "x")
def sosfilt(sos: T, x: T, axis: T = -1, zi: T = None, *, out_bar: T) -> T:
    if zi is not None:
        raise NotImplementedError("the derivative of scipy.signal.sosfilt needs zi=None")
    return np.flip(scipy.signal.sosfilt(sos, np.flip(out_bar, axis), axis), axis)


@linear(scipy.signal.detrend, "data")
def detrend(data: T, axis: T = -1, type: T = "linear", bp: T = 0, *, out_bar: T) -> T:
    # what is left of a projection, so its own transpose
    return scipy.signal.detrend(out_bar, axis, type, bp)


@linear(scipy.signal.hilbert, "x")
def hilbert(x: T, N: T = None, axis: T = -1, *, out_bar: T) -> T:
    if N is not None:
        raise NotImplementedError("the derivative of scipy.signal.hilbert needs N=None")
    return np.real(out_bar) + np.imag(scipy.signal.hilbert(np.imag(out_bar), None, axis))


@differential(scipy.signal.savgol_filter)
def savgol_filter_dot(
    x: T, window_length: T, polyorder: T, deriv: T = 0, delta: T = 1.0, axis: T = -1, mode: T = "interp",
    cval: T = 0.0, *, x_dot: T,
) -> T:  # fmt: skip
    return scipy.signal.savgol_filter(x_dot, window_length, polyorder, deriv, delta, axis, mode)


@pullback(scipy.signal.savgol_filter, "x")
def savgol_filter(
    x: T, window_length: T, polyorder: T, deriv: T = 0, delta: T = 1.0, axis: T = -1, mode: T = "interp",
    cval: T = 0.0, *, out_bar: T,
) -> T:  # fmt: skip
    if mode != "interp" or window_length % 2 == 0:
        raise NotImplementedError("scipy.signal.savgol_filter: needs mode='interp', an odd window")
    # inside, a convolution; at the ends, the polynomials fitted to the first and to the last window
    w, h = window_length, window_length // 2
    rows = scipy.signal.savgol_filter(np.eye(w), w, polyorder, deriv, delta, 0)
    g = np.moveaxis(out_bar, axis, -1)
    n = np.shape(g)[-1]
    kernel = np.reshape(rows[h], (*(1,) * (np.ndim(g) - 1), w))
    inside = scipy.signal.convolve(g[..., h : n - h], kernel)
    first = resized(g[..., :h] @ rows[:h], g, -1)
    last = np.flip(resized(np.flip(g[..., n - h :] @ rows[w - h :], -1), g, -1), -1)
    return np.moveaxis(inside + first + last, -1, axis)


@bilinear(scipy.signal.upfirdn, "h", "x")
def upfirdn(h: T, x: T, up: T = 1, down: T = 1, *, out_bar: T) -> T:
    if np.ndim(x) != 1:
        raise NotImplementedError("the derivative of scipy.signal.upfirdn is for one signal")
    m, n = np.shape(h)[0], np.shape(x)[0]
    spread = resized(scipy.signal.upfirdn(np.ones(1), out_bar, down), np.zeros((n - 1) * up + m), 0)
    stretched = scipy.signal.upfirdn(np.ones(1), x, up)
    x_bar = scipy.signal.correlate(spread, h, "valid")[::up]
    return resized(scipy.signal.correlate(spread, stretched, "valid"), h, 0), x_bar


scipy_reasons.declare("signal", scipy.signal)
