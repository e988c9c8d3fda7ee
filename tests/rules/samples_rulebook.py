"""Samples of roots, eigenvalues, histograms, Bessel functions, and of the six bases of polynomials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from harness import Sample
from numpy.polynomial import chebyshev, hermite, hermite_e, laguerre, legendre, polynomial

from srcdiff.runtime.special import bessel_i

Fn = Callable[..., Any]

X = np.array([0.4, 1.1, -0.7, 1.9, 0.9])
POINTS = np.array([0.4, 0.775, 1.15, 1.525, 1.9])
WEIGHTS = np.array([0.3, -1.1, 0.8, 1.7, 0.6])
APART = np.diag([1.0, 3.0, 6.0]) + 0.2 * np.array([[2.0, 0.3, -0.4], [0.5, 1.6, 0.2], [-0.1, 0.6, 1.2]])
A = np.array([[2.0, 0.3, -0.4], [0.5, 1.6, 0.2], [-0.1, 0.6, 1.2]])
TURNING = np.array([[0.1, 1.0], [-2.0, 0.4]])
HOLES = np.array([[0.3, np.nan, 0.9, 1.7], [1.2, 0.5, 0.8, np.nan], [0.1, 1.9, 0.6, 1.1]])
C, D = np.array([1.5, 0.6, 2.1, 0.8]), np.array([0.73, -1.25, 0.47])

SAMPLES: dict[Fn, list[Sample]] = {
    np.nextafter: [Sample((X, 3.0)), Sample((0.7, 2.0), wrt=(0, 1), name="both")],
    np.frexp: [Sample((X,)), Sample((0.7,), name="float")],
    np.i0: [
        Sample((X,)),
        Sample((40.0 * X,), name="large", step=1e-4),
        Sample((np.asarray(0.3),), name="0d"),
    ],
    bessel_i: [
        Sample((X, 1)),
        Sample((X, 0), name="order_0"),
        Sample((30.0 * X, 3), name="order_3", step=1e-4),
        Sample((0.3, -2), name="negative"),
    ],
    np.interp: [
        Sample((X, np.array([0.0, 0.5, 1.0]), D, 0.3, 0.7), wrt=(0, 1, 2, 3, 4), name="ends"),
    ],
    np.roots: [
        Sample((D,)),
        Sample((C,), name="cubic"),
        Sample((np.array([1.0, 0.2, 3.0]),), name="complex"),
    ],
    np.fft.fftfreq: [Sample((5, 0.7), wrt=(1,)), Sample((6, 1.3), wrt=(1,), name="even")],
    np.fft.rfftfreq: [Sample((5, 0.7), wrt=(1,)), Sample((6, 1.3), wrt=(1,), name="even")],
    np.linalg.eig: [
        Sample((APART,)),
        Sample((TURNING,), name="complex"),
        Sample((np.stack((APART, 2.0 * APART.T)),), name="stacked"),
    ],
    np.linalg.eigvals: [
        Sample((APART,)),
        Sample((TURNING,), name="complex"),
        Sample((np.stack((APART, 2.0 * APART.T)),), name="stacked"),
    ],
    np.nanquantile: [
        Sample((HOLES, 0.37), wrt=(0, 1), name="level"),
        Sample((HOLES, 0.3)),
        Sample((HOLES, 0.3), {"axis": 0}, name="axis"),
        Sample((HOLES, np.array([0.2, 0.7])), {"axis": 1, "keepdims": True}, name="several"),
    ],
    np.quantile: [
        Sample((X, np.array([0.2, 0.7])), name="several"),
        *(
            Sample((X, 0.41), {"method": m}, wrt=(0, 1), name=m)
            for m in ("hazen", "weibull", "median_unbiased", "interpolated_inverted_cdf", "lower")
        ),
    ],
    np.percentile: [Sample((A, np.array([20.0, 70.0])), {"axis": 1}, name="several")],
    np.unique_values: [Sample((X,)), Sample((A,), name="2d")],
    np.unique_inverse: [Sample((X,))],
    np.unique_counts: [Sample((X,))],
    np.unique_all: [Sample((X,))],
    np.histogram: [
        Sample((POINTS, 3, None, None, WEIGHTS), wrt=(0, 4)),
        Sample((POINTS, 3, (0.0, 2.0), None, WEIGHTS), wrt=(4,), name="range"),
        Sample((POINTS, 3, None, True, WEIGHTS**2), wrt=(0, 4), name="density"),
        Sample((POINTS, np.array([0.0, 0.9, 2.0]), None, True, WEIGHTS**2), wrt=(1, 4), name="edges"),
    ],
    np.require: [Sample((X,))],
    polynomial.polytrim: [Sample((C,)), Sample((np.array([1.0, 2.0, 0.0]),), wrt=(), name="zeros")],
    chebyshev.chebweight: [Sample((np.array([0.3, -0.6]),))],
    legendre.legweight: [Sample((X,))],
    hermite.hermweight: [Sample((X,))],
    hermite_e.hermeweight: [Sample((X,))],
    laguerre.lagweight: [Sample((X,))],
}
for _home, _p in (
    (polynomial, "poly"), (chebyshev, "cheb"), (legendre, "leg"), (hermite, "herm"), (hermite_e, "herme"),
    (laguerre, "lag"),
):  # fmt: skip
    SAMPLES |= {
        getattr(_home, f"{_p}val"): [
            Sample((X, C), wrt=(0, 1)),
            Sample((0.7, C), wrt=(0, 1), name="float"),
            Sample((A, C[:1]), wrt=(0, 1), name="2d"),
        ],
        getattr(_home, f"{_p}vander"): [
            Sample((X, 3)),
            Sample((X, 0), name="constant"),
            Sample((A, 2), name="2d"),
        ],
        getattr(_home, f"{_p}add"): [Sample((C, D), wrt=(0, 1)), Sample((D, C), wrt=(0, 1), name="longer")],
        getattr(_home, f"{_p}sub"): [Sample((C, D), wrt=(0, 1)), Sample((D, C), wrt=(0, 1), name="longer")],
        getattr(_home, f"{_p}mul"): [Sample((C, D), wrt=(0, 1)), Sample((D, C), wrt=(0, 1), name="longer")],
        getattr(_home, f"{_p}div"): [Sample((C, D), wrt=(0, 1))],
        getattr(_home, f"{_p}line"): [Sample((0.7, 1.6), wrt=(0, 1))],
        getattr(_home, f"{_p}roots"): [Sample((D,)), Sample((C,), name="cubic")],
    }
    if _p != "poly":
        SAMPLES[getattr(_home, f"poly2{_p}")] = [Sample((C,))]
        SAMPLES[getattr(_home, f"{_p}2poly")] = [Sample((C,))]
