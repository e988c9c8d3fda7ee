"""Rules for interpolation, convolution, polynomials, differences and Fourier transforms."""

from __future__ import annotations

from typing import Any

import numpy as np

from srcdiff.rules.registry import bilinear, differential, linear, nondifferentiable, pullback, returns_alias
from srcdiff.runtime.arrays import cast_like, half_spectrum, resized, unbroadcast, untake
from srcdiff.runtime.joined import gradient_back

nondifferentiable(half_spectrum)
returns_alias(resized)


# --- interpolation (slope to the right at a node)


@differential(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, *, x_dot: Any, xp_dot: Any, fp_dot: Any,
    left_dot: Any, right_dot: Any,
) -> Any:  # fmt: skip
    k = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, np.size(xp) - 2)
    step = np.take(xp, k + 1) - np.take(xp, k)
    t = np.clip((x - np.take(xp, k)) / step, 0.0, 1.0)
    outside = (x < xp[0]) | (x > xp[-1])
    slope = np.where(outside, 0.0, (np.take(fp, k + 1) - np.take(fp, k)) / step)
    node_dot = (1.0 - t) * np.take(xp_dot, k) + t * np.take(xp_dot, k + 1)
    value_dot = (1.0 - t) * np.take(fp_dot, k) + t * np.take(fp_dot, k + 1)
    if left is not None:
        value_dot = np.where(x < xp[0], left_dot, value_dot)
    if right is not None:
        value_dot = np.where(x > xp[-1], right_dot, value_dot)
    return slope * (x_dot - node_dot) + value_dot


@pullback(np.interp, "x", "xp", "fp", "left", "right")
def interp_bar(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, *, out_bar: Any) -> Any:
    k = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, np.size(xp) - 2)
    step = np.take(xp, k + 1) - np.take(xp, k)
    t = np.clip((x - np.take(xp, k)) / step, 0.0, 1.0)
    outside = (x < xp[0]) | (x > xp[-1])
    x_bar = out_bar * np.where(outside, 0.0, (np.take(fp, k + 1) - np.take(fp, k)) / step)
    xp_bar = -untake((1.0 - t) * x_bar, xp, k) - untake(t * x_bar, xp, k + 1)
    left_bar, right_bar = None, None
    if left is not None:
        left_bar = np.sum(np.where(x < xp[0], out_bar, 0.0))
        out_bar = np.where(x < xp[0], 0.0, out_bar)
    if right is not None:
        right_bar = np.sum(np.where(x > xp[-1], out_bar, 0.0))
        out_bar = np.where(x > xp[-1], 0.0, out_bar)
    fp_bar = untake((1.0 - t) * out_bar, fp, k) + untake(t * out_bar, fp, k + 1)
    return x_bar, xp_bar, fp_bar, left_bar, right_bar


# --- convolution


@bilinear(np.convolve, "a", "v")
def convolve(a: Any, v: Any, mode: Any = "full", *, out_bar: Any) -> Any:
    if np.ndim(a) == 0:
        return np.sum(v * out_bar), np.reshape(a * out_bar, np.shape(v))
    if np.ndim(v) == 0:
        return v * out_bar, np.sum(a * out_bar)
    short = min(np.size(a), np.size(v)) - 1
    if mode == "valid":
        margin = np.zeros(short)  # (np.pad takes longer than a short product)
        out_bar = np.concatenate((margin, out_bar, margin))
    elif mode == "same":
        before, after = np.zeros(short // 2), np.zeros(short - short // 2)
        out_bar = np.concatenate((before, out_bar, after))
    return np.convolve(out_bar, v[::-1], "valid"), np.convolve(out_bar, a[::-1], "valid")


@bilinear(np.correlate, "a", "v")
def correlate(a: Any, v: Any, mode: Any = "valid", *, out_bar: Any) -> Any:
    short = min(np.size(a), np.size(v)) - 1
    if mode == "valid":
        out_bar = np.pad(out_bar, short)
    elif mode == "same":
        before = (short + (np.size(a) < np.size(v))) // 2
        out_bar = np.pad(out_bar, (before, short - before))
    v_bar = np.convolve(out_bar, a[::-1], "valid")[::-1]
    if np.iscomplexobj(v):
        return np.convolve(out_bar, np.conj(v), "valid"), np.conj(v_bar)
    return np.convolve(out_bar, v, "valid"), v_bar


# --- polynomials


@differential(np.polyval)
def polyval(p: Any, x: Any, *, p_dot: Any, x_dot: Any) -> Any:
    return np.polyval(p_dot, x) + np.polyval(np.polyder(p), x) * x_dot


@pullback(np.polyval, "p", "x")
def polyval_bar(p: Any, x: Any, *, out_bar: Any) -> Any:
    p_bar = np.vander(np.ravel(x), np.size(p)).T @ np.ravel(out_bar)
    return cast_like(p_bar, p), cast_like(out_bar * np.polyval(np.polyder(p), x), x)


@linear(np.polyder, "p")
def polyder(p: Any, *, out_bar: Any) -> Any:
    return np.pad(np.arange(np.size(p) - 1, 0, -1) * out_bar, (0, 1))


@differential(np.roots)
def roots(p: Any, *, out: Any, p_dot: Any) -> Any:
    # p(r) = 0: p_dot(r) + p'(r) r_dot = 0
    return -np.polyval(p_dot, out) / np.polyval(np.polyder(p), out)


@pullback(np.roots, "p")
def roots_bar(p: Any, *, out: Any, out_bar: Any) -> Any:
    return cast_like(-np.vander(out, np.size(p)).T @ (out_bar / np.polyval(np.polyder(p), out)), p)


@differential(np.vander)
def vander(x: Any, N: Any = None, increasing: Any = False, *, out: Any, x_dot: Any) -> Any:
    if isinstance(N, int) and N < 2:
        return 0.0 * out
    n = np.size(x) if N is None else N
    slopes = np.arange(1, n) * np.vander(x, n - 1, increasing=True) * np.expand_dims(x_dot, -1)
    if increasing:
        return np.pad(slopes, ((0, 0), (1, 0)))
    return np.pad(np.fliplr(slopes), ((0, 0), (0, 1)))


@pullback(np.vander, "x")
def vander_bar(x: Any, N: Any = None, increasing: Any = False, *, out_bar: Any) -> Any:
    if isinstance(N, int) and N < 2:
        return 0.0 * x
    n = np.size(x) if N is None else N
    if not increasing:
        out_bar = np.fliplr(out_bar)
    return np.sum(out_bar[:, 1:] * np.arange(1, n) * np.vander(x, n - 1, increasing=True), axis=1)


# --- differences


@linear(np.gradient, "f")
def gradient(
    f: Any,
    dx: Any = None,
    dy: Any = None,
    dz: Any = None,
    axis: Any = None,
    edge_order: Any = 1,
    *,
    out_bar: Any,
) -> Any:
    if dx is None:
        return gradient_back(out_bar, f, (), axis, edge_order)
    if dy is None:
        return gradient_back(out_bar, f, (dx,), axis, edge_order)
    if dz is None:
        return gradient_back(out_bar, f, (dx, dy), axis, edge_order)
    return gradient_back(out_bar, f, (dx, dy, dz), axis, edge_order)


@linear(gradient_back, "g")
def gradient_back_rule(
    g: Any, f: Any, spacings: Any, axis: Any = None, edge_order: Any = 1, *, out_bar: Any
) -> Any:
    return np.gradient(out_bar, *spacings, axis=axis, edge_order=edge_order)


# --- Fourier transforms
# Without conjugation their matrices are symmetric, so most are their own transposes.


@linear(np.fft.fft, "a")
def fft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, *, out_bar: Any) -> Any:
    if n is None:
        return unbroadcast(np.fft.fft(out_bar, axis=axis, norm=norm), a)
    return unbroadcast(resized(np.fft.fft(out_bar, axis=axis, norm=norm), a, axis), a)


@linear(np.fft.ifft, "a")
def ifft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, *, out_bar: Any) -> Any:
    if n is None:
        return unbroadcast(np.fft.ifft(out_bar, axis=axis, norm=norm), a)
    return unbroadcast(resized(np.fft.ifft(out_bar, axis=axis, norm=norm), a, axis), a)


@linear(np.fft.fft2, "a")
def fft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, *, out_bar: Any) -> Any:
    a_bar = np.fft.fft2(out_bar, axes=axes, norm=norm)
    if s is not None:
        for k in range(len(s)):
            a_bar = resized(a_bar, a, axes[k])
    return unbroadcast(a_bar, a)


@linear(np.fft.ifft2, "a")
def ifft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, *, out_bar: Any) -> Any:
    a_bar = np.fft.ifft2(out_bar, axes=axes, norm=norm)
    if s is not None:
        for k in range(len(s)):
            a_bar = resized(a_bar, a, axes[k])
    return unbroadcast(a_bar, a)


@linear(np.fft.fftn, "a")
def fftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, *, out_bar: Any) -> Any:
    a_bar = np.fft.fftn(out_bar, axes=axes, norm=norm)
    if s is not None:
        for k in range(len(s)):
            a_bar = resized(a_bar, a, axes[k])
    return unbroadcast(a_bar, a)


@linear(np.fft.ifftn, "a")
def ifftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, *, out_bar: Any) -> Any:
    a_bar = np.fft.ifftn(out_bar, axes=axes, norm=norm)
    if s is not None:
        for k in range(len(s)):
            a_bar = resized(a_bar, a, axes[k])
    return unbroadcast(a_bar, a)


@differential(np.fft.rfftfreq)
@differential(np.fft.fftfreq)
def fftfreq(n: Any, d: Any = 1.0, *, out: Any, d_dot: Any) -> Any:
    return -d_dot / d * out


@pullback(np.fft.rfftfreq, "d")
@pullback(np.fft.fftfreq, "d")
def fftfreq_bar(n: Any, d: Any = 1.0, *, out: Any, out_bar: Any) -> Any:
    return -np.sum(out * out_bar) / d


@linear(np.fft.fftshift, "x")
def fftshift(x: Any, axes: Any = None, *, out_bar: Any) -> Any:
    return np.fft.ifftshift(out_bar, axes=axes)


@linear(np.fft.ifftshift, "x")
def ifftshift(x: Any, axes: Any = None, *, out_bar: Any) -> Any:
    return np.fft.fftshift(out_bar, axes=axes)


@linear(np.fft.rfft, "a")
def rfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, *, out_bar: Any) -> Any:
    if n is None:
        return unbroadcast(np.fft.fft(out_bar, np.shape(a)[axis], axis, norm), a)
    return unbroadcast(resized(np.fft.fft(out_bar, n, axis, norm), a, axis), a)


@linear(np.fft.irfft, "a")
def irfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, *, out_bar: Any) -> Any:
    if norm == "ortho":
        spectrum = np.fft.rfft(out_bar, axis=axis, norm="ortho")
    elif norm == "forward":
        spectrum = np.fft.rfft(out_bar, axis=axis)
    else:
        spectrum = np.fft.rfft(out_bar, axis=axis, norm="forward")
    a_bar = np.conj(spectrum) * half_spectrum(out_bar, axis)
    if n is None:
        return unbroadcast(a_bar, a)
    return unbroadcast(resized(a_bar, a, axis), a)


@linear(resized, "g")
def resized_rule(g: Any, like: Any, axis: Any, *, out_bar: Any) -> Any:
    return resized(out_bar, g, axis)
