r"""Functions of ``scipy.signal`` that are others put together: spectra, responses, waves; linear designs.

With the windowed frames :math:`w_k x_{n+k}` and their transforms :math:`X`, a spectrum is the mean of
:math:`\bar X Y` over the frames; the response of a filter is the ratio of two polynomials on the circle.
What is linear in the signal, with coefficients that do not vary, is applied to the unit vectors for its
transpose.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.signal
from numpy.lib.stride_tricks import sliding_window_view

from srcdiff.rules.registry import definition, linear, nondifferentiable

T = Any

nondifferentiable(
    scipy.signal.find_peaks, scipy.signal.find_peaks_cwt, scipy.signal.square, scipy.signal.max_len_seq,
    scipy.signal.check_COLA, scipy.signal.check_NOLA, scipy.signal.correlation_lags, scipy.signal.buttap,
    scipy.signal.besselap, scipy.signal.choose_conv_method, scipy.signal.czt_points,
    scipy.signal.closest_STFT_dual_window if hasattr(scipy.signal, "closest_STFT_dual_window")
    else scipy.signal.square,
)  # fmt: skip


# --- linear, by the images of the unit vectors --------------------------------------------------------------


def turned_back(images: T, g: T, axis: T) -> T:
    """The transpose, along an axis, of what has these images of the unit vectors."""
    if np.ndim(g) == 1:
        return images @ g
    return np.moveaxis(np.moveaxis(g, axis, -1) @ images.T, -1, axis)


@linear(scipy.signal.resample, "x")
def resample(
    x: T, num: T, t: T = None, axis: T = 0, window: T = None, domain: T = "time", *, out_bar: T
) -> T:
    if t is not None or domain != "time" or np.iscomplexobj(x):
        raise NotImplementedError("the derivative of scipy.signal.resample is for real signals, without t=")
    units = np.eye(np.shape(x)[axis])
    return turned_back(scipy.signal.resample(units, num, axis=1, window=window), out_bar, axis)


@linear(scipy.signal.resample_poly, "x")
def resample_poly(
    x: T, up: T, down: T, axis: T = 0, window: T = ("kaiser", 5.0), padtype: T = "constant",
    cval: T = None, *, out_bar: T,
) -> T:  # fmt: skip
    if padtype != "constant" or cval is not None or np.iscomplexobj(x):
        raise NotImplementedError("the derivative of scipy.signal.resample_poly needs padtype='constant'")
    units = np.eye(np.shape(x)[axis])
    return turned_back(scipy.signal.resample_poly(units, up, down, axis=1, window=window), out_bar, axis)


@linear(scipy.signal.decimate, "x")
def decimate(
    x: T, q: T, n: T = None, ftype: T = "iir", axis: T = -1, zero_phase: T = True, *, out_bar: T
) -> T:
    units = np.eye(np.shape(x)[axis])
    return turned_back(scipy.signal.decimate(units, q, n, ftype, 1, zero_phase), out_bar, axis)


@linear(scipy.signal.sosfiltfilt, "x")
def sosfiltfilt(sos: T, x: T, axis: T = -1, padtype: T = "odd", padlen: T = None, *, out_bar: T) -> T:
    units = np.eye(np.shape(x)[axis])
    return turned_back(scipy.signal.sosfiltfilt(sos, units, 1, padtype, padlen), out_bar, axis)


@linear(scipy.signal.czt, "x")
def czt(x: T, m: T = None, w: T = None, a: T = 1 + 0j, axis: T = -1, *, out_bar: T) -> T:
    units = np.eye(np.shape(x)[axis])
    return turned_back(scipy.signal.czt(units, m, w, a, axis=1), out_bar, axis)


@linear(scipy.signal.zoom_fft, "x")
def zoom_fft(x: T, fn: T, m: T = None, fs: T = 2, endpoint: T = False, axis: T = -1, *, out_bar: T) -> T:
    units = np.eye(np.shape(x)[axis])
    return turned_back(scipy.signal.zoom_fft(units, fn, m, fs=fs, endpoint=endpoint, axis=1), out_bar, axis)


# --- spectra ------------------------------------------------------------------------------------------------


def transformed(x: T, shape: T, step: T, nfft: T, detrend: T) -> T:
    """The transforms of the windowed frames."""
    frames = sliding_window_view(x, np.shape(shape)[0], axis=-1)[..., ::step, :]
    if detrend:
        frames = scipy.signal.detrend(frames, -1, detrend)
    return np.fft.rfft(shape * frames, nfft)


def doubled(p: T, nfft: T) -> T:
    """Each frequency stands for its negative too, but for 0 and that of every other sample."""
    twice = np.full(nfft // 2 + 1, 2.0)
    twice[0] = 1.0
    if nfft % 2 == 0:
        twice[-1] = 1.0
    return p * twice


def powers(x: T, y: T, fs: T, shape: T, step: T, nfft: T, detrend: T, scaling: T, same: T) -> T:
    """The spectra of the frames, in the last axis."""
    weight = 1.0 / (fs * np.sum(shape * shape)) if scaling == "density" else 1.0 / np.sum(shape) ** 2
    first = transformed(x, shape, step, nfft, detrend)
    if same:
        return doubled((np.real(first) ** 2 + np.imag(first) ** 2) * weight, nfft)
    return doubled(np.conj(first) * transformed(y, shape, step, nfft, detrend) * weight, nfft)


def shape_of(window: T, nperseg: T) -> T:
    """The window's own numbers."""
    return scipy.signal.get_window(window, nperseg) if isinstance(window, (str, tuple)) else window


def other(given: T, usual: T) -> T:
    return usual if given is None else given


def covers(x: T, detrend: T, return_onesided: T, axis: T, average: T = "mean") -> T:
    """Whether these options are covered: those of real signals in the last axis."""
    return (
        not np.iscomplexobj(x) and detrend in ("constant", "linear", False) and return_onesided is True
        and (axis == -1 or axis == np.ndim(x) - 1) and average == "mean"
    )  # fmt: skip


@definition(scipy.signal.welch, "x")
def welch(
    x: T, fs: T = 1.0, window: T = "hann", nperseg: T = None, noverlap: T = None, nfft: T = None,
    detrend: T = "constant", return_onesided: T = True, scaling: T = "density", axis: T = -1,
    average: T = "mean",
) -> T:  # fmt: skip
    """The mean power of the frames."""
    if not covers(x, detrend, return_onesided, axis, average):
        return NotImplemented
    if isinstance(window, (str, tuple)):
        nperseg = min(other(nperseg, 256), np.shape(x)[-1])
    else:
        nperseg = np.shape(window)[0]
    nfft, step = other(nfft, nperseg), nperseg - other(noverlap, nperseg // 2)
    p = powers(x, x, fs, shape_of(window, nperseg), step, nfft, detrend, scaling, True)
    return np.fft.rfftfreq(nfft, 1.0 / fs), np.mean(p, axis=-2)


@definition(scipy.signal.csd, "x", "y")
def csd(
    x: T, y: T, fs: T = 1.0, window: T = "hann", nperseg: T = None, noverlap: T = None,
    nfft: T = None, detrend: T = "constant", return_onesided: T = True, scaling: T = "density",
    axis: T = -1, average: T = "mean",
) -> T:  # fmt: skip
    """The mean product of the frames of two signals."""
    if not covers(x, detrend, return_onesided, axis, average) or np.iscomplexobj(y):
        return NotImplemented
    if isinstance(window, (str, tuple)):
        nperseg = min(other(nperseg, 256), np.shape(x)[-1])
    else:
        nperseg = np.shape(window)[0]
    nfft, step = other(nfft, nperseg), nperseg - other(noverlap, nperseg // 2)
    p = powers(x, y, fs, shape_of(window, nperseg), step, nfft, detrend, scaling, False)
    return np.fft.rfftfreq(nfft, 1.0 / fs), np.mean(p, axis=-2)


@definition(scipy.signal.coherence, "x", "y")
def coherence(
    x: T, y: T, fs: T = 1.0, window: T = "hann", nperseg: T = None, noverlap: T = None,
    nfft: T = None, detrend: T = "constant", axis: T = -1,
) -> T:  # fmt: skip
    """The share of the power that two signals have together."""
    if not covers(x, detrend, True, axis) or np.iscomplexobj(y):
        return NotImplemented
    if isinstance(window, (str, tuple)):
        nperseg = min(other(nperseg, 256), np.shape(x)[-1])
    else:
        nperseg = np.shape(window)[0]
    nfft, step = other(nfft, nperseg), nperseg - other(noverlap, nperseg // 2)
    shape = shape_of(window, nperseg)
    both = np.mean(powers(x, y, fs, shape, step, nfft, detrend, "density", False), axis=-2)
    one = np.mean(powers(x, x, fs, shape, step, nfft, detrend, "density", True), axis=-2)
    two = np.mean(powers(y, y, fs, shape, step, nfft, detrend, "density", True), axis=-2)
    return np.fft.rfftfreq(nfft, 1.0 / fs), (np.real(both) ** 2 + np.imag(both) ** 2) / one / two


@definition(scipy.signal.periodogram, "x")
def periodogram(
    x: T, fs: T = 1.0, window: T = "boxcar", nfft: T = None, detrend: T = "constant",
    return_onesided: T = True, scaling: T = "density", axis: T = -1,
) -> T:  # fmt: skip
    """The power of the whole signal."""
    if not covers(x, detrend, return_onesided, axis) or nfft is not None:
        return NotImplemented
    n = np.shape(x)[-1]
    p = powers(x, x, fs, shape_of(window, n), 1, n, detrend, scaling, True)
    return np.fft.rfftfreq(n, 1.0 / fs), p[..., 0, :]


@definition(scipy.signal.spectrogram, "x")
def spectrogram(
    x: T, fs: T = 1.0, window: T = ("tukey", 0.25), nperseg: T = None, noverlap: T = None,
    nfft: T = None, detrend: T = "constant", return_onesided: T = True, scaling: T = "density",
    axis: T = -1, mode: T = "psd",
) -> T:  # fmt: skip
    """The power of each frame, the frames in the last axis."""
    if not covers(x, detrend, return_onesided, axis) or mode != "psd":
        return NotImplemented
    if isinstance(window, (str, tuple)):
        nperseg = min(other(nperseg, 256), np.shape(x)[-1])
    else:
        nperseg = np.shape(window)[0]
    nfft, step = other(nfft, nperseg), nperseg - other(noverlap, nperseg // 8)
    p = powers(x, x, fs, shape_of(window, nperseg), step, nfft, detrend, scaling, True)
    times = (np.arange(np.shape(p)[-2]) * step + nperseg / 2) / fs
    return np.fft.rfftfreq(nfft, 1.0 / fs), times, np.swapaxes(p, -1, -2)


@definition(scipy.signal.stft, "x")
def stft(
    x: T, fs: T = 1.0, window: T = "hann", nperseg: T = 256, noverlap: T = None, nfft: T = None,
    detrend: T = False, return_onesided: T = True, boundary: T = "zeros", padded: T = True, axis: T = -1,
    scaling: T = "spectrum",
) -> T:  # fmt: skip
    """The transforms of the frames, the frames in the last axis."""
    if not covers(x, detrend, return_onesided, axis) or boundary != "zeros" or not padded or np.ndim(x) != 1:
        return NotImplemented
    if scaling != "spectrum" or not isinstance(window, (str, tuple)):
        return NotImplemented
    nperseg = min(nperseg, np.shape(x)[0])
    nfft, step = other(nfft, nperseg), nperseg - other(noverlap, nperseg // 2)
    shape = scipy.signal.get_window(window, nperseg)
    half = nperseg // 2
    rest = -(np.shape(x)[0] + 2 * half - nperseg) % step % nperseg
    z = transformed(np.pad(x, (half, half + rest)), shape, step, nfft, detrend) / np.sum(shape)
    return np.fft.rfftfreq(nfft, 1.0 / fs), np.arange(np.shape(z)[0]) * step / fs, z.T


@definition(scipy.signal.istft, "Zxx")
def istft(
    Zxx: T, fs: T = 1.0, window: T = "hann", nperseg: T = None, noverlap: T = None, nfft: T = None,
    input_onesided: T = True, boundary: T = True, time_axis: T = -1, freq_axis: T = -2,
    scaling: T = "spectrum",
) -> T:  # fmt: skip
    """The signal of transformed frames: their sum where they overlap, by that of the squared windows."""
    if not input_onesided or np.ndim(Zxx) != 2 or time_axis != -1 or freq_axis != -2 or nfft is not None:
        return NotImplemented
    if scaling != "spectrum" or not isinstance(window, (str, tuple)) or not boundary:
        return NotImplemented
    nperseg = other(nperseg, 2 * (np.shape(Zxx)[0] - 1))
    step = nperseg - other(noverlap, nperseg // 2)
    shape = scipy.signal.get_window(window, nperseg)
    frames = np.fft.irfft(Zxx.T, nperseg) * (shape * np.sum(shape))
    count = np.shape(Zxx)[1]
    total, weight = np.zeros((count - 1) * step + nperseg), np.zeros((count - 1) * step + nperseg)
    for k in range(count):
        total[k * step : k * step + nperseg] += frames[k]
        weight[k * step : k * step + nperseg] += shape * shape
    inside = slice(nperseg // 2, (count - 1) * step + nperseg - nperseg // 2)
    weight = weight[inside]
    x = total[inside] / np.where(weight > 1e-10, weight, 1.0)
    return np.arange(np.shape(x)[0]) / fs, x


# --- responses of filters -----------------------------------------------------------------------------------


def circle(worN: T, whole: T, fs: T, include_nyquist: T) -> T:
    """The angles at which a response is asked for; None for others than are covered."""
    if worN is None:
        worN = 512
    last = 2.0 * np.pi if whole else np.pi
    if isinstance(worN, int):
        return np.linspace(0.0, last, worN, endpoint=include_nyquist and not whole)
    return 2.0 * np.pi * np.asarray(worN) / fs


@definition(scipy.signal.freqz, "b", "a")
def freqz(
    b: T, a: T = 1, worN: T = 512, whole: T = False, plot: T = None, fs: T = 2 * np.pi,
    include_nyquist: T = False,
) -> T:  # fmt: skip
    """The response of a filter on the circle."""
    if plot is not None or np.ndim(b) != 1 or np.ndim(a) > 1:
        return NotImplemented
    w = circle(worN, whole, fs, include_nyquist)
    z = np.exp(-1j * w)
    below = np.polynomial.polynomial.polyval(z, np.atleast_1d(a))
    return w * (fs / (2.0 * np.pi)), np.polynomial.polynomial.polyval(z, b) / below


@definition(scipy.signal.freqs, "b", "a")
def freqs(b: T, a: T, worN: T = 200, plot: T = None) -> T:
    """The response of an analogue filter at given frequencies."""
    if plot is not None or worN is None or isinstance(worN, int):
        return NotImplemented
    s = 1j * np.asarray(worN)
    return worN, np.polyval(b, s) / np.polyval(a, s)


@definition(scipy.signal.freqz_zpk, "z", "p", "k")
def freqz_zpk(z: T, p: T, k: T, worN: T = 512, whole: T = False, fs: T = 2 * np.pi) -> T:
    """The response on the circle of a filter given by zeros and poles."""
    w = circle(worN, whole, fs, False)
    at = np.expand_dims(np.exp(1j * w), -1)
    return w * (fs / (2.0 * np.pi)), k * np.prod(at - z, axis=-1) / np.prod(at - p, axis=-1)


@definition(scipy.signal.freqs_zpk, "z", "p", "k")
def freqs_zpk(z: T, p: T, k: T, worN: T = 200) -> T:
    """The response of an analogue filter given by zeros and poles, at given frequencies."""
    if worN is None or isinstance(worN, int):
        return NotImplemented
    at = np.expand_dims(1j * np.asarray(worN), -1)
    return worN, k * np.prod(at - z, axis=-1) / np.prod(at - p, axis=-1)


@definition(scipy.signal.zpk2tf, "z", "p", "k")
def zpk2tf(z: T, p: T, k: T) -> T:
    """The polynomials that have these zeros and poles."""
    if np.ndim(z) != 1 or np.ndim(k) != 0:
        return NotImplemented
    return k * np.poly(z), np.poly(p)


@definition(scipy.signal.deconvolve, "signal", "divisor")
def deconvolve(signal: T, divisor: T) -> T:
    """The quotient of two polynomials, and what is left."""
    if np.ndim(signal) != 1:
        return NotImplemented
    impulse = np.zeros(np.shape(signal)[0] - np.shape(divisor)[0] + 1)
    impulse[:1] = 1.0
    quotient = scipy.signal.lfilter(signal, divisor, impulse)
    return quotient, signal - scipy.signal.convolve(divisor, quotient)


# --- medians and means under windows ------------------------------------------------------------------------


def under(volume: T, kernel_size: T) -> T:
    """All that lies under the window, zeros beyond the edges, in the last axis."""
    sizes = kernel_size if isinstance(kernel_size, tuple) else (other(kernel_size, 3),) * np.ndim(volume)
    whole = np.pad(volume, [(s // 2, s // 2) for s in sizes])
    return np.reshape(sliding_window_view(whole, sizes), (*np.shape(volume), -1))


@definition(scipy.signal.medfilt, "volume")
def medfilt(volume: T, kernel_size: T = None) -> T:
    """The middle number under the window."""
    return np.median(under(volume, kernel_size), axis=-1)


@definition(scipy.signal.medfilt2d, "input")
def medfilt2d(input: T, kernel_size: T = 3) -> T:
    """The middle number under the window."""
    return np.median(under(input, kernel_size), axis=-1)


@definition(scipy.signal.wiener, "im", "noise")
def wiener(im: T, mysize: T = None, noise: T = None) -> T:
    """What is left when noise is taken out, by the mean and the variance under the window."""
    if mysize is not None and not isinstance(mysize, int):
        return NotImplemented
    side = 3 if mysize is None else mysize
    ones = np.ones((side,) * np.ndim(im))
    mean = scipy.signal.correlate(im, ones, "same") / side ** np.ndim(im)
    width = scipy.signal.correlate(im**2, ones, "same") / side ** np.ndim(im) - mean * mean
    level = np.mean(width) if noise is None else noise
    kept = (im - mean) * (1.0 - level / np.where(width < level, np.inf, width)) + mean
    return np.where(width < level, mean, kept)


# --- waves --------------------------------------------------------------------------------------------------


@definition(scipy.signal.chirp, "t", "f0", "t1", "f1", "phi")
def chirp(
    t: T, f0: T, t1: T, f1: T, method: T = "linear", phi: T = 0, vertex_zero: T = True, *,
    complex: T = False,
) -> T:  # fmt: skip
    """A wave whose frequency changes."""
    if complex or method not in ("linear", "lin", "li", "quadratic", "quad", "q") or not vertex_zero:
        return NotImplemented
    if method in ("linear", "lin", "li"):
        phase = 2.0 * np.pi * (f0 * t + 0.5 * (f1 - f0) / t1 * t * t)
    else:
        phase = 2.0 * np.pi * (f0 * t + (f1 - f0) / t1**2 * t**3 / 3.0)
    return np.cos(phase + np.deg2rad(phi))


@definition(scipy.signal.gausspulse, "t", "fc", "bw")
def gausspulse(
    t: T, fc: T = 1000, bw: T = 0.5, bwr: T = -6, tpr: T = -60, retquad: T = False, retenv: T = False
) -> T:
    """A wave in a Gaussian envelope."""
    if isinstance(t, str) or retquad or retenv:
        return NotImplemented
    steep = (np.pi * fc * bw) ** 2 / (4.0 * np.log(10.0 ** (bwr / 20.0)))
    return np.exp(steep * t * t) * np.cos(2.0 * np.pi * fc * t)


@definition(scipy.signal.sawtooth, "t")
def sawtooth(t: T, width: T = 1) -> T:
    """A wave that rises for a part of its period, and falls for the rest."""
    if not isinstance(width, (int, float)):
        return NotImplemented
    turn = t % (2.0 * np.pi)
    if width == 1:
        return turn / np.pi - 1.0
    if width == 0:
        return 1.0 - turn / np.pi
    rising = turn < width * 2.0 * np.pi
    return np.where(
        rising, turn / (np.pi * width) - 1.0, (np.pi * (width + 1.0) - turn) / (np.pi * (1.0 - width))
    )


@definition(scipy.signal.sweep_poly, "t", "poly", "phi")
def sweep_poly(t: T, poly: T, phi: T = 0) -> T:
    """A wave whose frequency is a polynomial."""
    return np.cos(2.0 * np.pi * np.polyval(np.polyint(poly), t) + np.deg2rad(phi))


@definition(scipy.signal.gauss_spline, "x")
def gauss_spline(x: T, n: T) -> T:
    """The Gaussian that a spline comes close to."""
    width = (n + 1) / 12.0
    return np.exp(-(x * x) / (2.0 * width)) / np.sqrt(2.0 * np.pi * width)


@definition(scipy.signal.vectorstrength, "events", "period")
def vectorstrength(events: T, period: T) -> T:
    """How well events keep to a period, and where in it they lie."""
    if np.ndim(events) != 1 or np.ndim(period) != 0:
        return NotImplemented
    middle = np.mean(np.exp(2j * np.pi / period * events))
    return abs(middle), np.angle(middle)
