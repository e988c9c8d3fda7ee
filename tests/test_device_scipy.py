"""Parts of SciPy on the strict stand-in for CuPy: what ``cupyx.scipy`` has in other words, and curves."""

from __future__ import annotations

from typing import Any

import cupy_mirror as cp
import numpy as np
import pytest

pytest.importorskip("scipy")

from scipy import interpolate, linalg, ndimage

from srcdiff import grad


def through_points(y, q):
    x = np.linspace(0.0, 3.0, len(y))
    s = interpolate.CubicSpline(x, y, bc_type="natural")
    k = interpolate.make_interp_spline(x, y, k=3)
    line = interpolate.interp1d(x, y)
    return np.sum(s(q) ** 2) + np.sum(k(q, 1) * line(q)) + s.integrate(0.1, 2.5)


def smoothed(y, q):
    a = np.outer(y, y) + np.diag(np.arange(1.0, len(y) + 1.0))
    return np.sum(ndimage.gaussian_filter(a, 1.0) ** 2) + np.sum(linalg.eigh(a)[0] ** 2) * np.sum(q)


def counted(y, q):
    n = np.arange(np.ceil(np.max(q)) + 3.0)  # as many as a number of the device says
    return np.sum(np.exp(-np.outer(y, n)) * np.sum(q))


@pytest.mark.parametrize("f", [through_points, smoothed, counted])
def test_parts_of_scipy(f: Any) -> None:
    y, q = np.array([0.5, 1.5, 0.7, 1.1, 2.0]), np.array([0.2, 1.3, 2.9])
    g = grad(f, wrt=(0, 1))
    for got, wanted in zip(g(*cp.to_device((y, q))), g(y, q), strict=True):
        np.testing.assert_allclose(cp.to_host(got), wanted, rtol=1e-9, atol=1e-12)
