"""Calls of NumPy's functions with the options that affect the value, as data: test_rulebook.py checks them.

A line is an expression in the variables below; it is differentiated in each of those that hold real or complex
numbers, in both modes and to second order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["CALLS", "HEAD", "VALUES"]


def _apart(*shape: int, low: float = 0.4, high: float = 1.9, seed: int = 0) -> Any:
    """Numbers that are not near each other, nor near zero, in random order."""
    count = int(np.prod(shape))
    return np.random.default_rng(seed).permutation(np.linspace(low, high, count)).reshape(shape)


_holes = _apart(3, 4, seed=3)
_holes[0, 1] = _holes[2, 2] = np.nan

HEAD = """import math

import numpy as np


def _at(f, a, i, v):
    a = a.copy()
    f.at(a, i, v)
    return a


def _put_along(a, i, v, axis):
    a = a.copy()
    np.put_along_axis(a, i, v, axis)
    return a
"""

VALUES: dict[str, Any] = {
    "x": _apart(5, seed=1),
    "y": _apart(5, low=-1.1, high=1.3, seed=2),
    "u": np.array([0.3, 0.9, 1.4, 2.2, 2.9, 3.7]),  # rising
    "v": np.array([0.73, -1.25, 0.47]),
    "w": np.array([1.5, 0.6, 2.1, 0.8]),
    "s": 0.71,
    "t": 1.6,
    "A": _apart(3, 4, seed=4),
    "B": _apart(3, 4, low=-1.0, high=1.5, seed=5),
    "S": np.array([[2.0, 0.3, -0.4], [0.5, 1.6, 0.2], [-0.1, 0.6, 1.2]]),
    "P": np.array([[2.0, 0.3, -0.4], [0.3, 1.6, 0.2], [-0.4, 0.2, 1.2]]),
    "C": _apart(2, 3, 4, seed=6),
    "H": _holes,
    "zero": np.asarray(0.8),
    "none": np.zeros((0,)),
    "z": np.array([0.4 + 0.7j, -1.1 + 0.2j, 0.9 - 0.5j, 0.3 + 1.3j]),
    "Z": _apart(3, 4, seed=7) + 1j * _apart(3, 4, low=-1.0, high=1.0, seed=8),
    "i": np.array([2, 0, 1, 2, 3]),
    "J": np.array([[2, 0, 1, 3], [1, 1, 0, 2], [0, 3, 2, 1]]),
    "m": np.array([[True, False, True, True], [False, True, True, False], [True, True, False, True]]),
    "n": np.array([True, False, True, True, False]),
}

CALLS: dict[str, list[str]] = {
    # ---- sums and products with their options
    "np.sum": [
        "np.sum(A, where=m)", "np.sum(A, axis=1, where=m)", "np.sum(A, axis=(0, 1), keepdims=True, where=m)",
        "np.sum(A, axis=0, initial=s)", "np.sum(A, dtype=np.float64)", "np.sum(C, axis=(-1, 0))", "A.sum(axis=-1, where=m)",
        "np.sum(A, axis=0, where=n[:4])", "np.sum(zero)", "np.sum(none)",
    ],
    "np.prod": [
        "np.prod(A, where=m)", "np.prod(A, axis=0, where=m)", "np.prod(A, axis=(0, 1), keepdims=True)",
        "np.prod(A, axis=1, initial=s, where=m)", "A.prod(axis=1, where=m)", "np.prod(A, dtype=np.float64)",
    ],
    "np.mean": [
        "np.mean(A, where=m)", "np.mean(A, axis=1, where=m)", "np.mean(A, axis=(0, 1), keepdims=True, where=m)",
        "np.mean(A, axis=0, dtype=np.float64)", "A.mean(axis=0, where=m, keepdims=True)", "np.mean(Z, axis=0)",
    ],
    "np.var": [
        "np.var(A, axis=1, ddof=1)", "np.var(A, where=m)", "np.var(A, axis=0, where=m, keepdims=True)",
        "np.var(A, axis=1, correction=1)", "np.var(A, axis=1, mean=np.mean(A, axis=1, keepdims=True))",
        "np.var(A, axis=1, ddof=1, where=m)", "np.var(A, axis=(0, 1), dtype=np.float64)", "A.var(0, ddof=1)",
        "np.var(A, axis=1, mean=B[:, :1])", "np.var(Z, axis=0)",
    ],
    "np.std": [
        "np.std(A, axis=1, ddof=1)", "np.std(A, where=m)", "np.std(A, axis=0, where=m, keepdims=True)",
        "np.std(A, axis=1, correction=1)", "np.std(A, axis=1, mean=np.mean(A, axis=1, keepdims=True))",
        "np.std(A, axis=(0, 1), ddof=1, where=m)", "A.std(axis=0, ddof=1)", "np.std(Z, axis=0)",
    ],
    "np.average": [
        "np.average(A, axis=0, weights=v**2)", "np.average(A, weights=A**2)", "np.average(A, axis=(0, 1))",
        "np.average(A, axis=1, returned=True)[0]", "np.average(A, axis=1, weights=w, returned=True)",
        "np.average(A, axis=1, weights=w, keepdims=True)",
    ],
    "np.max": [
        "np.max(A, axis=1, initial=0.0, where=m)", "np.max(A, axis=(0, 1), keepdims=True)", "A.max(axis=0, initial=s)",
        "np.max(A, initial=s, where=m)",
    ],
    "np.min": ["np.min(A, axis=1, initial=5.0, where=m)", "np.min(C, axis=(0, 2))", "A.min(axis=0, initial=s)"],
    "np.amax": ["np.amax(A, axis=1)"],
    "np.amin": ["np.amin(A, axis=1)"],
    "np.nansum": ["np.nansum(H, axis=0)", "np.nansum(H, axis=1, initial=s)", "np.nansum(H, where=m)"],
    "np.nanmean": ["np.nanmean(H, axis=0)", "np.nanmean(H, axis=0, where=m)"],
    "np.nanprod": [
        "np.nanprod(H)", "np.nanprod(H, axis=0)", "np.nanprod(H, axis=1, keepdims=True)", "np.nanprod(H, axis=(0, 1))",
        "np.nanprod(H, axis=0, where=m)",
    ],
    "np.nanvar": [
        "np.nanvar(H)", "np.nanvar(H, axis=0)", "np.nanvar(H, axis=1, ddof=1, keepdims=True)", "np.nanvar(H, axis=(0, 1))",
        "np.nanvar(H, axis=1, where=m)",
    ],
    "np.nanstd": [
        "np.nanstd(H)", "np.nanstd(H, axis=0)", "np.nanstd(H, axis=1, ddof=1, keepdims=True)", "np.nanstd(H, axis=(0, 1))",
    ],
    "np.nanmax": ["np.nanmax(H, axis=0)", "np.nanmax(H, axis=1, keepdims=True)"],
    "np.nanmin": ["np.nanmin(H, axis=0)", "np.nanmin(H, axis=1, keepdims=True)"],
    "np.nancumsum": ["np.nancumsum(H)", "np.nancumsum(H, axis=0)", "np.nancumsum(H, axis=-1)"],
    "np.nancumprod": ["np.nancumprod(H)", "np.nancumprod(H, axis=0)", "np.nancumprod(H, axis=-1)"],
    "np.cumsum": ["np.cumsum(A)", "np.cumsum(A, axis=-1)", "A.cumsum(0)", "np.cumsum(A, axis=1, dtype=np.float64)"],
    "np.cumprod": ["np.cumprod(A)", "np.cumprod(A, axis=-1)", "A.cumprod(0)"],
    "np.cumulative_sum": [
        "np.cumulative_sum(x)", "np.cumulative_sum(A, axis=0)", "np.cumulative_sum(A, axis=-1, include_initial=True)",
        "np.cumulative_sum(x, include_initial=True)",
    ],
    "np.cumulative_prod": [
        "np.cumulative_prod(x)", "np.cumulative_prod(A, axis=0)", "np.cumulative_prod(A, axis=-1, include_initial=True)",
        "np.cumulative_prod(x, include_initial=True)",
    ],
    # ---- order
    "np.median": ["np.median(A, axis=(0, 1))", "np.median(A, axis=1, keepdims=True)"],
    "np.quantile": [
        "np.quantile(x, 0.3)", "np.quantile(A, [0.2, 0.7])", "np.quantile(A, [0.2, 0.7], axis=0)",
        "np.quantile(A, np.array([0.2, 0.7]), axis=1, keepdims=True)", "np.quantile(x, 0.4, method='lower')",
        "np.quantile(x, 0.4, method='higher')", "np.quantile(x, 0.45, method='nearest')", "np.quantile(x, 0.4, method='midpoint')",
        "np.quantile(x, 0.4, method='hazen')", "np.quantile(x, 0.4, method='weibull')", "np.quantile(x, 0.4, method='median_unbiased')",
        "np.quantile(x, 0.4, method='normal_unbiased')", "np.quantile(x, 0.4, method='inverted_cdf')",
        "np.quantile(x, 0.43, method='averaged_inverted_cdf')", "np.quantile(x, 0.43, method='closest_observation')",
        "np.quantile(x, 0.43, method='interpolated_inverted_cdf')", "np.quantile(A, 0.3, axis=(0, 1), keepdims=True)",
    ],
    "np.percentile": ["np.percentile(x, 30)", "np.percentile(A, [20.0, 70.0], axis=0)", "np.percentile(x, 40.0, method='hazen')"],
    "np.nanmedian": ["np.nanmedian(H)", "np.nanmedian(H, axis=0)", "np.nanmedian(H, axis=1, keepdims=True)", "np.nanmedian(H, axis=(0, 1))"],
    "np.nanquantile": [
        "np.nanquantile(H, 0.3)", "np.nanquantile(H, 0.3, axis=0)", "np.nanquantile(H, [0.2, 0.7], axis=1)",
        "np.nanquantile(H, 0.3, axis=1, keepdims=True)",
    ],
    "np.nanpercentile": ["np.nanpercentile(H, 30.0)", "np.nanpercentile(H, 30.0, axis=0)", "np.nanpercentile(H, [20.0, 70.0], axis=1)"],
    "np.sort": ["np.sort(x)", "np.sort(A, axis=0)", "np.sort(A, axis=None)", "np.sort(A, axis=-1, kind='stable')"],
    "np.sort_complex": ["np.sort_complex(z)"],
    "np.partition": ["np.partition(x, 2)[:2].sum() + np.partition(x, 2)[2]"],
    "np.ptp": ["np.ptp(A, axis=0)", "np.ptp(A, axis=(0, 1), keepdims=True)"],
    "np.unique": ["np.unique(x)"],
    "np.unique_values": ["np.sort(np.unique_values(x))"],
    "np.unique_all": ["np.unique_all(x)[0]", "np.unique_all(x).values"],
    "np.unique_counts": ["np.unique_counts(x)[0]", "np.unique_counts(x).values"],
    "np.unique_inverse": ["np.unique_inverse(x)[0]", "np.unique_inverse(x).values"],
    "np.union1d": ["np.union1d(x, v)", "np.union1d(A, w)"],
    "np.intersect1d": ["np.intersect1d(x, x[1:4])"],
    "np.setdiff1d": ["np.setdiff1d(x, v)", "np.setdiff1d(x, x[:2])"],
    "np.setxor1d": ["np.setxor1d(x, v)", "np.setxor1d(x, x[:2])"],
    "np.trim_zeros": ["np.trim_zeros(np.concatenate((np.zeros(2), x, np.zeros(1))))", "np.trim_zeros(np.concatenate((np.zeros(2), x, np.zeros(1))), 'f')"],
    "np.unwrap": ["np.unwrap(9 * x)", "np.unwrap(9 * A, axis=0)", "np.unwrap(5 * x, period=2.0)", "np.unwrap(9 * x, discont=4.0)"],
    "np.histogram": [
        "np.histogram(x, bins=[0.0, 0.9, 1.5, 2.0], weights=y)[0]", "np.histogram(x, bins=3)[1]",
        "np.histogram(x, bins=3, range=(0.0, 2.0), weights=y)[0]", "np.histogram(x, bins=3, weights=y**2, density=True)[0]",
    ],
    "np.histogram_bin_edges": ["np.histogram_bin_edges(x, 4)", "np.histogram_bin_edges(x, 4, (0.0, 2.0)) * x.sum()"],
    "np.histogram2d": ["np.histogram2d(x, y, bins=3, weights=x * y)[0]", "np.histogram2d(x, y, bins=[[0, 1, 2], [-2, 0, 2]], weights=x)[0]"],
    "np.histogramdd": ["np.histogramdd((x, y), bins=3, weights=x * y)[0]", "np.histogramdd(np.stack((x, y), 1), bins=(3, 3), weights=x)[0]"],
    "np.bincount": ["np.bincount(i, weights=x)", "np.bincount(i, x, minlength=7)"],
    # ---- element by element
    "np.frexp": ["np.frexp(x)[0]", "np.frexp(A)[0] * A", "np.frexp(s)[0]"],
    "np.modf": ["np.modf(3 * x)[0]", "np.modf(3 * s)[0]"],
    "np.divmod": ["np.divmod(3 * x, t)[1]"],
    "np.ldexp": ["np.ldexp(x, i)"],
    "np.nextafter": ["np.nextafter(x, 2.0)"],
    "np.i0": ["np.i0(x)", "np.i0(A)", "np.i0(40 * x)", "np.i0(-x)", "np.i0(s)"],
    "np.kaiser": ["np.kaiser(6, s)", "np.kaiser(5, 3 * t)", "np.kaiser(1, s)"],
    "np.real_if_close": ["np.real_if_close(x)"],
    "np.nan_to_num": ["np.nan_to_num(x)", "np.nan_to_num(x, nan=2.0)", "np.nan_to_num(z)"],
    "np.round": ["np.round(y, 1) * s"],
    "np.clip": ["np.clip(y, -0.6, s)", "np.clip(y, min=-0.6, max=0.5)", "y.clip(-0.6)", "y.clip(max=0.4)"],
    "np.add": ["np.add(x, y, dtype=np.float64)", "np.add(A, w)", "np.add(s, t)"],
    "np.sinc": ["np.sinc(x)"],
    "np.angle": ["np.angle(z)", "np.angle(z, deg=True)"],
    # ---- polynomials
    "np.poly": ["np.poly(v)", "np.poly(x)", "np.poly(P)"],
    "np.polyadd": ["np.polyadd(x, v)", "np.polyadd(v, x)", "np.polyadd(v, v)"],
    "np.polysub": ["np.polysub(x, v)", "np.polysub(v, x)"],
    "np.polymul": ["np.polymul(x, v)", "np.polymul(v, x)"],
    "np.polydiv": ["np.polydiv(x, v)[0]", "np.polydiv(x, v)[1]", "np.polydiv(v, x)[1]"],
    "np.polyint": ["np.polyint(v)", "np.polyint(v, 2)", "np.polyint(v, k=s)", "np.polyint(v, 2, k=[s, t])"],
    "np.polyder": ["np.polyder(x)", "np.polyder(x, 2)", "np.polyder(x, m=3)"],
    "np.polyval": ["np.polyval(v, x)", "np.polyval(v, s)", "np.polyval(v, A)"],
    "np.polyfit": [
        "np.polyfit(x, y, 2)", "np.polyfit(u, np.stack((u**2, np.sin(u)), 1), 2)", "np.polyfit(x, y, 1, w=x)", "np.polyfit(x, y, 0)",
    ],
    "np.roots": ["abs(np.roots(v))", "np.roots(v).real", "np.sort(abs(np.roots(x)))"],
    "np.vander": ["np.vander(v)", "np.vander(v, 4, increasing=True)"],
    "np.ix_": ["np.ix_(x, v)", "np.ix_(x)[0]", "np.ix_(x, v, w)[1]", "np.ix_(n, v)[1]"],
    # ---- linear algebra
    "math.hypot": ["math.hypot(s, t, s, 0.3)", "math.hypot(s, t, 2.0, s, 0.1)"],
    "np.linalg.lstsq": [
        "np.linalg.lstsq(Z.T, z, rcond=None)[0]", "np.linalg.lstsq(A.T, z[:4], rcond=None)[0]",
        "np.linalg.lstsq(Z.T, B.T, rcond=None)[1:]",
    ],
    "np.linalg.cond": ["np.linalg.cond(S)", "np.linalg.cond(A)", "np.linalg.cond(S, 'fro')", "np.linalg.cond(S, 1)", "np.linalg.cond(S, -2)", "np.linalg.cond(S, np.inf)"],
    "np.linalg.eig": ["np.linalg.eig(S)[0].real", "abs(np.linalg.eig(S)[1])", "np.linalg.eig(S).eigenvalues.real", "np.linalg.eig(np.array([[0.1, 1.0], [-2.0, 0.4]]) * s)[0].imag"],
    "np.linalg.eigvals": ["np.linalg.eigvals(S).real", "abs(np.linalg.eigvals(np.array([[0.1, 1.0], [-2.0, 0.4]]) * s))", "np.linalg.eigvals(np.stack((S, P))).real"],
    "np.linalg.tensorinv": ["np.linalg.tensorinv(S, ind=1)", "np.linalg.tensorinv(np.reshape(np.eye(6) + np.outer(u, u), (2, 3, 6)), ind=2)"],
    "np.linalg.tensorsolve": ["np.linalg.tensorsolve(S, v)", "np.linalg.tensorsolve(np.reshape(np.eye(6) + np.outer(u, u), (2, 3, 6)), np.reshape(u, (2, 3)))"],
    "np.linalg.norm": ["np.linalg.norm(A, 'nuc')", "np.linalg.norm(C, axis=(0, 2))", "np.linalg.norm(A, 3, axis=1, keepdims=True)"],
    "np.linalg.matrix_norm": ["np.linalg.matrix_norm(C, ord='nuc')"],
    "np.linalg.vector_norm": ["np.linalg.vector_norm(A, axis=(0, 1))", "np.linalg.vector_norm(C, axis=1, ord=3)"],
    "np.linalg.qr": ["np.linalg.qr(S, mode='complete')[1]", "np.linalg.qr(A.T)[0]"],
    "np.cross": ["np.cross(A[:, :3], v)", "np.cross(A.T, B.T, axisa=1, axisb=1)"],
    # ---- Fourier transforms
    "np.fft.hfft": ["np.fft.hfft(z)", "np.fft.hfft(z, 7)", "np.fft.hfft(Z, axis=0, norm='ortho')", "np.fft.hfft(z, norm='forward')", "np.fft.hfft(x)"],
    "np.fft.ihfft": ["np.fft.ihfft(x)", "np.fft.ihfft(x, 4)", "np.fft.ihfft(A, axis=0, norm='ortho')", "np.fft.ihfft(x, norm='forward')"],
    "np.fft.rfft2": ["np.fft.rfft2(A)", "np.fft.rfft2(A, s=(2, 6))", "np.fft.rfft2(C, axes=(0, 1), norm='ortho')"],
    "np.fft.rfftn": ["np.fft.rfftn(A)", "np.fft.rfftn(C)", "np.fft.rfftn(C, s=(3, 5), axes=(0, 2))", "np.fft.rfftn(C, axes=(1,), norm='forward')"],
    "np.fft.irfft2": ["np.fft.irfft2(Z)", "np.fft.irfft2(Z, s=(3, 5))", "np.fft.irfft2(Z, axes=(1, 0), norm='ortho')"],
    "np.fft.irfftn": ["np.fft.irfftn(Z)", "np.fft.irfftn(Z, s=(4, 5), axes=(0, 1))", "np.fft.irfftn(Z, axes=(0,), norm='forward')"],
    "np.fft.fftfreq": ["np.fft.fftfreq(5, s)", "np.fft.fftfreq(6, d=t)"],
    "np.fft.rfftfreq": ["np.fft.rfftfreq(5, s)", "np.fft.rfftfreq(6, d=t)"],
    "np.fft.fft": ["np.fft.fft(z, 6)", "np.fft.fft(A, axis=0, norm='forward')"],
    # ---- shapes, joins, writes
    "np.row_stack": ["np.vstack((A, w))"],
    "np.require": ["np.require(x, dtype=np.float64)", "np.require(A, requirements='C') * A"],
    "np.put_along_axis": [
        "_put_along(A, J[:, :1], 3.0, 1)", "_put_along(A, J[:, :1], v[:, None], 1)", "_put_along(A, J[:1] % 3, w[None], 0)",
    ],
    "np.apply_over_axes": ["np.apply_over_axes(np.sum, C, [0, 2])", "np.apply_over_axes(np.sum, C, 1)"],
    "np.concat": ["np.concat((x, y))", "np.concat((A, B), axis=1)", "np.concat((A, B), axis=None)"],
    "np.concatenate": ["np.concatenate((A, B), axis=None)", "np.concatenate((A, B), axis=-1, dtype=np.float64)"],
    "np.stack": ["np.stack((x, y), axis=-1)", "np.stack([x, y], axis=1)"],
    "np.pad": [
        "np.pad(x, 2, constant_values=s)", "np.pad(x, (1, 2), constant_values=(s, t))", "np.pad(A, 1, mode='edge')", "np.pad(A, ((1, 0), (0, 2)), mode='reflect')",
        "np.pad(x, 2, mode='wrap')", "np.pad(x, 2, mode='symmetric')", "np.pad(x, 2, mode='linear_ramp', end_values=s)", "np.pad(x, 2, mode='maximum')",
        "np.pad(x, 2, mode='mean')", "np.pad(x, 2, mode='minimum')", "np.pad(A, ((1, 0), (0, 2)), mode='mean')",
        "np.pad(x, 2, mode='median')", "np.pad(A, 1, mode='linear_ramp')",
    ],
    "np.reshape": ["np.reshape(A, (4, 3), order='F')", "A.reshape(2, -1)", "A.reshape(-1, order='F')", "np.reshape(A, shape=(2, 6))"],
    "np.ravel": ["np.ravel(A, order='F')", "A.T.ravel(order='K')", "A.flatten('F')"],
    "np.take": ["np.take(A, i % 3, axis=0)", "np.take(A, J)", "np.take(x, J + 3, mode='wrap')", "np.take(x, J + 3, mode='clip')", "A.take(i, axis=1)"],
    "np.choose": ["np.choose(J[0] % 3, (A[0], A[1], A[2]))", "np.choose(J[0], (A[0], A[1], A[2]), mode='wrap')"],
    "np.compress": ["np.compress(n, x)", "np.compress(n[:3], A, axis=0)", "A.compress(n[:4], axis=1)"],
    "np.extract": ["np.extract(m, A)"],
    "np.diagonal": ["np.diagonal(C, 1, 1, 2)", "S.diagonal(-1)"],
    "np.trace": ["np.trace(C, axis1=1, axis2=2)", "S.trace(1)", "np.trace(S, dtype=np.float64)"],
    "np.linspace": ["np.linspace(s, t, 5, endpoint=False)", "np.linspace(s, t, 5, retstep=True)[0]", "np.linspace(s, t, 5, retstep=True)[1]", "np.linspace(v, 2.0, 4, axis=1)"],
    "np.logspace": ["np.logspace(s, t, 4)", "np.logspace(s, t, 4, base=2.0)", "np.logspace(s, t, 4, base=t)", "np.logspace(0.0, 1.0, 4, base=x, axis=0)"],
    "np.geomspace": ["np.geomspace(s, t, 4)", "np.geomspace(s, t, 4, endpoint=False)", "np.geomspace(w, 3.0, 3, axis=1)"],
    "np.interp": ["np.interp(x, u, u**2)", "np.interp(3 * x, u, u**2, left=s, right=t)", "np.interp(3 * x, u[:3], v, period=3.5)"],
    "np.gradient": ["np.gradient(x, u[:5])", "np.gradient(x, 2.0, edge_order=2)", "np.gradient(A)[0]", "np.gradient(A, axis=1)", "np.gradient(A, 0.5, w.cumsum(), axis=(0, 1))[1]", "np.gradient(x, s)"],
    "np.trapezoid": ["np.trapezoid(A, axis=0)", "np.trapezoid(A, w.cumsum())", "np.trapezoid(A, dx=s)"],
    "np.ediff1d": ["np.ediff1d(A, to_begin=s)", "np.ediff1d(x, to_end=[s, t])"],
    "np.diff": ["np.diff(A, n=2, axis=0)", "np.diff(x, prepend=s)", "np.diff(x, append=y)"],
    "np.convolve": ["np.convolve(x, v, 'same')", "np.convolve(x, v, mode='valid')", "np.convolve(s, v)", "np.convolve(x, t, 'same')"],
    "np.correlate": ["np.correlate(x, v, 'full')", "np.correlate(x, v, mode='same')"],
    "np.corrcoef": ["np.corrcoef(Z, rowvar=False)", "np.corrcoef(A, B)", "np.corrcoef(x, y)", "np.corrcoef(A, rowvar=False)"],
    "np.cov": ["np.cov(Z)", "np.cov(Z, B)", "np.cov(A)", "np.cov(A, ddof=0)", "np.cov(x, y)", "np.cov(A, rowvar=False, bias=True)", "np.cov(A, aweights=w)", "np.cov(A, fweights=i[:4] + 1)", "np.cov(A, fweights=i[:4] + 1, aweights=w)", "np.cov(x)"],
    "np.apply_along_axis": ["np.apply_along_axis(np.sum, 0, A)"],
    "np.piecewise": ["np.piecewise(y, [y < 0, y >= 0.3], [lambda q: q**2, lambda q: 2 * q, 0.5])"],
    "np.select": ["np.select([A > 1.2, A > 0.9], [A**2, A * B], default=s)"],
    "np.vectorize": ["np.vectorize(lambda q: q * q)(x)"],
    "np.fromfunction": ["np.fromfunction(lambda a, b: a * s + b, (2, 3))"],
    "np.where": ["np.where(m, A, B)", "np.where(m, A, w)", "np.where(n, x, s)"],
    "np.einsum": ["np.einsum('ij,j->i', A, w)", "np.einsum('ij,ij', A, B)", "np.einsum('ii->i', S)", "np.einsum('...j,j', A, w)", "np.einsum('ij,jk,k', S, A, w, optimize=True)", "np.einsum(A, [0, 1], w, [1], [0])"],
    "np.lib.stride_tricks.sliding_window_view": ["np.lib.stride_tricks.sliding_window_view(x, 3)"],
    # ---- positions of arguments that a rule's text has not
    "by position": [
        "np.mean(S, 1, np.float64)", "np.sum(S, 1, np.float64)", "np.sum(A, 0, None, None, True)", "np.var(A, 0, None, None, 1)",
        "np.array(x, float)", "np.sort(A, 0, 'stable')", "np.max(A, 0, None, True)", "np.median(A, 0, None, False, True)",
        "np.quantile(x, 0.3, 0, None, False, 'lower')", "A.std(0, None, None, 1)", "A.sum(1, None, None, True)",
        "np.trace(S, 0, 0, 1, np.float64)", "np.full_like(x, s, float)", "np.linspace(s, t, 3, True, False, float, 0)",
        "np.cumsum(A, 0, np.float64)", "np.take(x, J + 3, 0, None, 'wrap')", "np.ptp(A, 0, None, True)",
    ],
    # ---- methods of ufuncs
    "np.ufunc.reduce": [
        "np.add.reduce(A)", "np.add.reduce(A, axis=None)", "np.add.reduce(A, axis=(0, 1), keepdims=True)", "np.add.reduce(A, 1, where=m)",
        "np.add.reduce(A, axis=0, initial=s)", "np.multiply.reduce(A, axis=1)", "np.multiply.reduce(A, where=m)", "np.maximum.reduce(A)",
        "np.maximum.reduce(A, axis=1, initial=0.0, where=m)", "np.minimum.reduce(A, axis=None)", "np.subtract.reduce(A)", "np.true_divide.reduce(A, axis=1)",
        "np.logaddexp.reduce(A, axis=1)", "np.logaddexp.reduce(x)", "np.hypot.reduce(A, axis=0, keepdims=True)", "np.fmax.reduce(A, axis=1)",
        "np.logaddexp.reduce(A, axis=None)", "np.logaddexp.reduce(A, axis=1, keepdims=True)", "np.logaddexp.reduce(A, axis=(0, 1))",
    ],
    "np.ufunc.accumulate": [
        "np.add.accumulate(A)", "np.add.accumulate(A, axis=1)", "np.multiply.accumulate(x)", "np.maximum.accumulate(A, axis=1)",
        "np.minimum.accumulate(x)", "np.logaddexp.accumulate(x)", "np.subtract.accumulate(A, 1)",
    ],
    "np.ufunc.reduceat": [
        "np.add.reduceat(x, [0, 2, 3])", "np.add.reduceat(x, [0, 3, 1, 2])", "np.add.reduceat(A, [0, 2], axis=1)", "np.multiply.reduceat(x, [0, 2])",
        "np.maximum.reduceat(x, [0, 2])", "np.add.reduceat(x, i[1:4])",
    ],
    "np.ufunc.outer": ["np.add.outer(x, v)", "np.multiply.outer(A, v)", "np.subtract.outer(x, x)", "np.maximum.outer(x, v)", "np.power.outer(x, v)", "np.hypot.outer(x, v)"],
    "np.ufunc.at": ["_at(np.add, A, i % 3, w)", "_at(np.add, x, i, y)", "_at(np.multiply, x, i, y)", "_at(np.maximum, x, i, s)", "_at(np.subtract, x, i, y)"],
}

for _module, _p in (
    ("polynomial", "poly"), ("chebyshev", "cheb"), ("legendre", "leg"), ("hermite", "herm"), ("hermite_e", "herme"),
    ("laguerre", "lag"),
):  # fmt: skip
    _f = f"np.polynomial.{_module}.{_p}"
    CALLS |= {
        f"{_f}val": [f"{_f}val(x, w)", f"{_f}val(s, w)", f"{_f}val(A, w)", f"{_f}val(s, w[:1])"],
        f"{_f}der": [f"{_f}der(w)", f"{_f}der(w, 2)", f"{_f}der(w, scl=2.0)"],
        f"{_f}int": [f"{_f}int(w)", f"{_f}int(w, 2, k=[s, t])", f"{_f}int(w, lbnd=0.3, scl=2.0)"],
        f"{_f}add": [f"{_f}add(w, v)", f"{_f}add(v, w)"],
        f"{_f}sub": [f"{_f}sub(w, v)", f"{_f}sub(v, w)"],
        f"{_f}mul": [f"{_f}mul(w, v)", f"{_f}mul(v, w)"],
        f"{_f}mulx": [f"{_f}mulx(w)"],
        f"{_f}div": [f"{_f}div(w, v)[0]", f"{_f}div(w, v)[1]"],
        f"{_f}trim": [f"{_f}trim(w)", f"{_f}trim(np.concatenate((w, np.zeros(2))))"],
        f"{_f}pow": [f"{_f}pow(v, 3)"],
        f"{_f}vander": [f"{_f}vander(x, 3)", f"{_f}vander(s, 2)"],
        f"{_f}vander2d": [f"{_f}vander2d(x, y, [1, 2])"],
        f"{_f}vander3d": [f"{_f}vander3d(x, y, x * y, [1, 2, 1])"],
        f"{_f}fit": [f"{_f}fit(x, y, 2)", f"{_f}fit(x, y, 1, w=x)", f"{_f}fit(u, np.stack((u**2, np.sin(u)), 1), 2)"],
        f"{_f}line": [f"{_f}line(s, t)"],
        f"{_f}fromroots": [f"{_f}fromroots(v)", f"{_f}fromroots(x)"],
        f"{_f}roots": [f"{_f}roots(w).real", f"abs({_f}roots(v))"],
        f"{_f}companion": [f"{_f}companion(w)"],
        f"{_f}val2d": [f"{_f}val2d(x, y, A)"],
        f"{_f}val3d": [f"{_f}val3d(x, y, x * y, C)"],
        f"{_f}grid2d": [f"{_f}grid2d(x, v, A)"],
        f"{_f}grid3d": [f"{_f}grid3d(x, v, w, C)"],
    }
    if hasattr(np.polynomial.polynomial, "polyvalnd"):  # (since NumPy 2.5)
        CALLS[f"{_f}valnd"] = [f"{_f}valnd((x, y), A)", f"{_f}valnd((x, y, x * y), C)"]
    if _p == "cheb":
        CALLS[f"{_f}interpolate"] = [f"{_f}interpolate(lambda p: np.exp(s * p), 3)", f"{_f}interpolate(np.outer, 2, args=(v,))"]
    if _p == "poly":
        CALLS[f"{_f}valfromroots"] = [f"{_f}valfromroots(x, v)", f"{_f}valfromroots(s, v)"]
    else:
        _home = f"np.polynomial.{_module}"
        CALLS |= {
            f"{_home}.poly2{_p}": [f"{_home}.poly2{_p}(w)"],
            f"{_home}.{_p}2poly": [f"{_home}.{_p}2poly(w)"],
            f"{_f}weight": [f"{_f}weight(0.5 * x)"],
        }
