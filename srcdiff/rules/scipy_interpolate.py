"""Rules for ``scipy.interpolate``: values of a curve through given points.

Splines (``CubicSpline``, ``make_interp_spline``, ``interp1d``) are linear in the values at the knots; in the
place asked for the derivative is that of the curve.  Where the knots are is taken to be constant.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from srcdiff.rules.registry import differential, elementwise, multilinear, pullback, real_only
from srcdiff.rules.transforms import varies
from srcdiff.runtime.interpolation import curve_at, interpolate, interpolate_shaped

T = Any

multilinear(interpolate)
real_only(interpolate)


@differential(interpolate)
def interpolate_rule(
    name: T, x: T, y: T, q: T, nu: T = 0, bc_type: T = None, kind: T = None, k: T = None,
    extrapolate: T = None, *, y_dot: T, q_dot: T,
) -> T:  # fmt: skip
    moved = interpolate(name, x, y_dot, q, nu, bc_type=bc_type, kind=kind, k=k, extrapolate=extrapolate)
    if not varies(q_dot):
        return moved
    slope = interpolate(name, x, y, q, nu + 1, bc_type=bc_type, kind=kind, k=k, extrapolate=extrapolate)
    if np.ndim(y) == 2:
        return moved + slope * np.expand_dims(q_dot, -1)
    return moved + slope * q_dot


@pullback(interpolate, "y", "q")
def interpolate_bar(
    name: T, x: T, y: T, q: T, nu: T = 0, bc_type: T = None, kind: T = None, k: T = None,
    extrapolate: T = None, *, out_bar: T,
) -> T:  # fmt: skip
    slope = interpolate(name, x, y, q, nu + 1, bc_type=bc_type, kind=kind, k=k, extrapolate=extrapolate)
    if np.ndim(y) == 2:
        q_bar = np.sum(slope * out_bar, axis=-1)
    else:
        q_bar = slope * out_bar
    # each value's share of the curve, by the curve through a one among zeros
    shares = interpolate(
        name,
        x,
        np.eye(np.shape(y)[0]),
        np.ravel(q),
        nu,
        bc_type=bc_type,
        kind=kind,
        k=k,
        extrapolate=extrapolate,
    )
    if np.ndim(y) == 2:
        return shares.T @ np.reshape(out_bar, (-1, np.shape(y)[1])), q_bar
    return np.ravel(out_bar) @ shares, q_bar


@elementwise(curve_at)
def curve_at_rule(curve: T, x: T, nu: T = 0, extrapolate: T = None) -> T:
    return None, curve_at(curve, x, nu + 1, extrapolate), None, None


@pullback(interpolate_shaped, "q")
def interpolate_shaped_bar(name: T, x: T, y: T, q: T, nu: T = 0, extrapolate: T = None, *, out_bar: T) -> T:
    return interpolate_shaped(name, x, y, q, nu + 1, extrapolate=extrapolate) * out_bar
