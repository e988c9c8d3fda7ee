"""Sample calls for srcdiff/rules/scipy_interpolate.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.interpolate as ip
from harness import Sample

from srcdiff.runtime import interpolation as rt

rng = np.random.default_rng(17)
X = np.array([0.0, 0.2, 0.5, 0.6, 0.9, 1.1, 1.5])
Y, Q = rng.normal(size=7), np.array([0.1, 0.55, 1.3])
CURVE = ip.CubicSpline(X, Y)


def both(*args: Any, **kwargs: Any) -> Sample:
    return Sample(args, kwargs, wrt=(1, 2, 3), step=1e-4)


SAMPLES: dict[Any, list[Sample]] = {
    rt.interpolate: [
        both("CubicSpline", X, Y, Q),
        both("CubicSpline", X, Y, Q, 1),
        both("CubicSpline", X, Y, Q, bc_type="natural"),
        both("CubicSpline", X, Y, np.array([[0.1, 0.3], [0.7, 1.4]])),
        both("make_interp_spline", X, Y, Q),
        both("CubicSpline", X, Y, Q, 2, bc_type="natural"),
        both("CubicSpline", X, Y, Q, bc_type="clamped"),
        both("CubicSpline", X, np.stack((Y, Y * Y), -1), Q),
        both("make_interp_spline", X, Y, Q, 1, k=1),
        both("interp1d", X, Y, Q),
        both("interp1d", X, Y, Q, kind="cubic"),
    ],
    rt.interpolate_shaped: [
        Sample((name, X, Y, Q), wrt=wrt, step=1e-4)
        for name in ("PchipInterpolator", "Akima1DInterpolator") for wrt in ((3,), (1, 2, 3))
    ],
    rt.curve_at: [Sample((CURVE, Q), wrt=(1,), step=1e-4), Sample((CURVE, Q, 1), wrt=(1,), step=1e-4)],
}
