"""Rules for ``scipy.fft``.

The Fourier transforms are those of NumPy.  Those of cosines and sines are their own transposes, or each
other's, but for the weights of the first and last entry (J. Makhoul, A fast cosine transform in one and two
dimensions, IEEE Trans. Acoust. Speech Signal Process. 28, 1980); with ``norm="ortho"`` they are orthogonal.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft

from srcdiff.rules import indexing, scipy_reasons
from srcdiff.rules.registry import definition, linear, nondifferentiable
from srcdiff.runtime.arrays import resized, scale_ends, unbroadcast

T = Any

nondifferentiable(
    scipy.fft.next_fast_len, scipy.fft.prev_fast_len, scipy.fft.fftfreq, scipy.fft.rfftfreq,
    scipy.fft.fhtoffset, scipy.fft.get_workers,
)  # fmt: skip


@linear(scipy.fft.fft, "x")
def fft(x: T, n: T = None, axis: T = -1, norm: T = None, *, out_bar: T) -> T:
    return indexing.fft(x, n, axis, norm, out_bar=out_bar)


@linear(scipy.fft.ifft, "x")
def ifft(x: T, n: T = None, axis: T = -1, norm: T = None, *, out_bar: T) -> T:
    return indexing.ifft(x, n, axis, norm, out_bar=out_bar)


@linear(scipy.fft.rfft, "x")
def rfft(x: T, n: T = None, axis: T = -1, norm: T = None, *, out_bar: T) -> T:
    return indexing.rfft(x, n, axis, norm, out_bar=out_bar)


@linear(scipy.fft.irfft, "x")
def irfft(x: T, n: T = None, axis: T = -1, norm: T = None, *, out_bar: T) -> T:
    return indexing.irfft(x, n, axis, norm, out_bar=out_bar)


@linear(scipy.fft.fft2, "x")
def fft2(x: T, s: T = None, axes: T = (-2, -1), norm: T = None, *, out_bar: T) -> T:
    return indexing.fft2(x, s, axes, norm, out_bar=out_bar)


@linear(scipy.fft.ifft2, "x")
def ifft2(x: T, s: T = None, axes: T = (-2, -1), norm: T = None, *, out_bar: T) -> T:
    return indexing.ifft2(x, s, axes, norm, out_bar=out_bar)


@linear(scipy.fft.fftn, "x")
def fftn(x: T, s: T = None, axes: T = None, norm: T = None, *, out_bar: T) -> T:
    return indexing.fftn(x, s, axes, norm, out_bar=out_bar)


@linear(scipy.fft.ifftn, "x")
def ifftn(x: T, s: T = None, axes: T = None, norm: T = None, *, out_bar: T) -> T:
    return indexing.ifftn(x, s, axes, norm, out_bar=out_bar)


@linear(scipy.fft.fftshift, "x")
def fftshift(x: T, axes: T = None, *, out_bar: T) -> T:
    return scipy.fft.ifftshift(out_bar, axes)


@linear(scipy.fft.ifftshift, "x")
def ifftshift(x: T, axes: T = None, *, out_bar: T) -> T:
    return scipy.fft.fftshift(out_bar, axes)


@linear(scipy.fft.rfft2, "x")
def rfft2(x: T, s: T = None, axes: T = (-2, -1), norm: T = None, *, out_bar: T) -> T:
    if s is not None:
        raise NotImplementedError("the derivative of scipy.fft.rfft2 needs s=None")
    back = scipy.fft.fft(out_bar, np.shape(x)[axes[1]], axes[1], norm)
    return unbroadcast(scipy.fft.fft(back, None, axes[0], norm), x)


@linear(scipy.fft.irfft2, "x")
def irfft2(x: T, s: T = None, axes: T = (-2, -1), norm: T = None, *, out_bar: T) -> T:
    inner = scipy.fft.ifft(x, None, axes[0], norm)
    if s is not None:
        raise NotImplementedError("the derivative of scipy.fft.irfft2 needs s=None")
    bar = indexing.irfft(inner, None, axes[1], norm, out_bar=out_bar)
    return unbroadcast(scipy.fft.ifft(bar, None, axes[0], norm), x)


# --- cosines and sines


def trig_bar(g: T, type: T, axis: T, norm: T, sine: T, inverse: T) -> T:
    """The transpose of one transform along an axis."""
    apply = (
        (scipy.fft.idst if inverse else scipy.fft.dst)
        if sine
        else (scipy.fft.idct if inverse else scipy.fft.dct)
    )
    if norm == "ortho":
        if type == 2:
            return apply(g, 3, None, axis, norm)
        if type == 3:
            return apply(g, 2, None, axis, norm)
        return apply(g, type, None, axis, norm)
    acts = (3 if type == 2 else 2 if type == 3 else type) if inverse else type
    if acts == 2:
        return apply(
            scale_ends(g, axis, 1.0 if sine else 2.0, 2.0 if sine else 1.0),
            2 if inverse else 3,
            None,
            axis,
            norm,
        )
    if acts == 3:
        return scale_ends(
            apply(g, 3 if inverse else 2, None, axis, norm), axis, 1.0 if sine else 0.5, 0.5 if sine else 1.0
        )
    if acts == 1 and not sine:
        return scale_ends(apply(scale_ends(g, axis, 2.0, 2.0), 1, None, axis, norm), axis, 0.5, 0.5)
    return apply(g, type, None, axis, norm)


@linear(scipy.fft.dct, "x")
def dct(
    x: T, type: T = 2, n: T = None, axis: T = -1, norm: T = None, overwrite_x: T = False, workers: T = None,
    orthogonalize: T = None, *, out_bar: T,
) -> T:  # fmt: skip
    if orthogonalize is not None:
        raise NotImplementedError("the derivative of scipy.fft.dct needs orthogonalize=None")
    x_bar = trig_bar(out_bar, type, axis, norm, False, False)
    return x_bar if n is None else resized(x_bar, x, axis)


@linear(scipy.fft.idct, "x")
def idct(
    x: T, type: T = 2, n: T = None, axis: T = -1, norm: T = None, overwrite_x: T = False, workers: T = None,
    orthogonalize: T = None, *, out_bar: T,
) -> T:  # fmt: skip
    if orthogonalize is not None:
        raise NotImplementedError("the derivative of scipy.fft.idct needs orthogonalize=None")
    x_bar = trig_bar(out_bar, type, axis, norm, False, True)
    return x_bar if n is None else resized(x_bar, x, axis)


@linear(scipy.fft.dst, "x")
def dst(
    x: T, type: T = 2, n: T = None, axis: T = -1, norm: T = None, overwrite_x: T = False, workers: T = None,
    orthogonalize: T = None, *, out_bar: T,
) -> T:  # fmt: skip
    if orthogonalize is not None:
        raise NotImplementedError("the derivative of scipy.fft.dst needs orthogonalize=None")
    x_bar = trig_bar(out_bar, type, axis, norm, True, False)
    return x_bar if n is None else resized(x_bar, x, axis)


@linear(scipy.fft.idst, "x")
def idst(
    x: T, type: T = 2, n: T = None, axis: T = -1, norm: T = None, overwrite_x: T = False, workers: T = None,
    orthogonalize: T = None, *, out_bar: T,
) -> T:  # fmt: skip
    if orthogonalize is not None:
        raise NotImplementedError("the derivative of scipy.fft.idst needs orthogonalize=None")
    x_bar = trig_bar(out_bar, type, axis, norm, True, True)
    return x_bar if n is None else resized(x_bar, x, axis)


@linear(scipy.fft.dctn, "x")
def dctn(
    x: T, type: T = 2, s: T = None, axes: T = None, norm: T = None, overwrite_x: T = False, workers: T = None,
    orthogonalize: T = None, *, out_bar: T,
) -> T:  # fmt: skip
    if orthogonalize is not None or s is not None:
        raise NotImplementedError("the derivative of scipy.fft.dctn needs orthogonalize=None and s=None")
    x_bar = out_bar
    for axis in range(np.ndim(x)) if axes is None else axes:
        x_bar = trig_bar(x_bar, type, axis, norm, False, False)
    return x_bar


@linear(scipy.fft.idctn, "x")
def idctn(
    x: T, type: T = 2, s: T = None, axes: T = None, norm: T = None, overwrite_x: T = False, workers: T = None,
    orthogonalize: T = None, *, out_bar: T,
) -> T:  # fmt: skip
    if orthogonalize is not None or s is not None:
        raise NotImplementedError("the derivative of scipy.fft.idctn needs orthogonalize=None and s=None")
    x_bar = out_bar
    for axis in range(np.ndim(x)) if axes is None else axes:
        x_bar = trig_bar(x_bar, type, axis, norm, False, True)
    return x_bar


@linear(scipy.fft.dstn, "x")
def dstn(
    x: T, type: T = 2, s: T = None, axes: T = None, norm: T = None, overwrite_x: T = False, workers: T = None,
    orthogonalize: T = None, *, out_bar: T,
) -> T:  # fmt: skip
    if orthogonalize is not None or s is not None:
        raise NotImplementedError("the derivative of scipy.fft.dstn needs orthogonalize=None and s=None")
    x_bar = out_bar
    for axis in range(np.ndim(x)) if axes is None else axes:
        x_bar = trig_bar(x_bar, type, axis, norm, True, False)
    return x_bar


@linear(scipy.fft.idstn, "x")
def idstn(
    x: T, type: T = 2, s: T = None, axes: T = None, norm: T = None, overwrite_x: T = False, workers: T = None,
    orthogonalize: T = None, *, out_bar: T,
) -> T:  # fmt: skip
    if orthogonalize is not None or s is not None:
        raise NotImplementedError("the derivative of scipy.fft.idstn needs orthogonalize=None and s=None")
    x_bar = out_bar
    for axis in range(np.ndim(x)) if axes is None else axes:
        x_bar = trig_bar(x_bar, type, axis, norm, True, True)
    return x_bar


@linear(scale_ends, "x")
def scale_ends_rule(x: T, axis: T, first: T, last: T, *, out_bar: T) -> T:
    return scale_ends(out_bar, axis, first, last)


# --- of real and of symmetric signals, in several axes ------------------------------------------------------


def turned(norm: T) -> T:
    """The norm of the transform back."""
    return "forward" if norm in (None, "backward") else "backward" if norm == "forward" else norm


@definition(scipy.fft.hfft, "x")
def hfft(x: T, n: T = None, axis: T = -1, norm: T = None, overwrite_x: T = False, workers: T = None) -> T:
    """That of NumPy."""
    return np.fft.hfft(x, n, axis, norm)


@definition(scipy.fft.ihfft, "x")
def ihfft(x: T, n: T = None, axis: T = -1, norm: T = None, overwrite_x: T = False, workers: T = None) -> T:
    """That of NumPy."""
    return np.fft.ihfft(x, n, axis, norm)


@definition(scipy.fft.rfftn, "x")
def rfftn(x: T, s: T = None, axes: T = None, norm: T = None, overwrite_x: T = False, workers: T = None) -> T:
    """That of NumPy."""
    return np.fft.rfftn(x, s, axes, norm) if s is None else NotImplemented


@definition(scipy.fft.irfftn, "x")
def irfftn(x: T, s: T = None, axes: T = None, norm: T = None, overwrite_x: T = False, workers: T = None) -> T:
    """That of NumPy."""
    return np.fft.irfftn(x, s, axes, norm) if s is None else NotImplemented


@definition(scipy.fft.hfftn, "x")
def hfftn(x: T, s: T = None, axes: T = None, norm: T = None, overwrite_x: T = False, workers: T = None) -> T:
    """The transform to real numbers, of the conjugate."""
    return np.fft.irfftn(np.conj(x), None, axes, turned(norm)) if s is None else NotImplemented


@definition(scipy.fft.hfft2, "x")
def hfft2(
    x: T, s: T = None, axes: T = (-2, -1), norm: T = None, overwrite_x: T = False, workers: T = None
) -> T:
    """The transform to real numbers, of the conjugate."""
    return np.fft.irfftn(np.conj(x), None, axes, turned(norm)) if s is None else NotImplemented


@definition(scipy.fft.ihfftn, "x")
def ihfftn(x: T, s: T = None, axes: T = None, norm: T = None, overwrite_x: T = False, workers: T = None) -> T:
    """The conjugate of the transform of real numbers."""
    return np.conj(np.fft.rfftn(x, None, axes, turned(norm))) if s is None else NotImplemented


@definition(scipy.fft.ihfft2, "x")
def ihfft2(
    x: T, s: T = None, axes: T = (-2, -1), norm: T = None, overwrite_x: T = False, workers: T = None
) -> T:
    """The conjugate of the transform of real numbers."""
    return np.conj(np.fft.rfftn(x, None, axes, turned(norm))) if s is None else NotImplemented


@linear(scipy.fft.fht, "a")
def fht(a: T, dln: T, mu: T, offset: T = 0.0, bias: T = 0.0, *, out_bar: T) -> T:
    return out_bar @ scipy.fft.fht(np.eye(np.shape(a)[-1]), dln, mu, offset, bias).T


@linear(scipy.fft.ifht, "A")
def ifht(A: T, dln: T, mu: T, offset: T = 0.0, bias: T = 0.0, *, out_bar: T) -> T:
    return out_bar @ scipy.fft.ifht(np.eye(np.shape(A)[-1]), dln, mu, offset, bias).T


scipy_reasons.declare("fft", scipy.fft)
