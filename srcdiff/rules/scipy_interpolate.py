"""Rules for ``scipy.interpolate``: values of a curve through given points.

Splines (``CubicSpline``, ``make_interp_spline``, ``interp1d``) are linear in the values at the knots; in the
place asked for the derivative is that of the curve.  Where the knots are is taken to be constant.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.interpolate

from srcdiff.rules import scipy_reasons
from srcdiff.rules.registry import definition, differential, elementwise, multilinear, pullback, real_only
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


# --- polynomials through points, tables in several dimensions -----------------------------------------------


@definition(scipy.interpolate.krogh_interpolate, "xi", "yi", "x")
def krogh_interpolate(xi: T, yi: T, x: T, der: T = 0, axis: T = 0) -> T:
    """The polynomial through points, by Lagrange's formula."""
    return lagrange(xi, yi, x) if der == 0 and np.ndim(yi) == 1 else NotImplemented


@definition(scipy.interpolate.barycentric_interpolate, "xi", "yi", "x")
def barycentric_interpolate(xi: T, yi: T, x: T, axis: T = 0, *, der: T = 0, rng: T = None) -> T:
    """The polynomial through points, by Lagrange's formula."""
    return lagrange(xi, yi, x) if der == 0 and np.ndim(yi) == 1 else NotImplemented


def lagrange(xi: T, yi: T, x: T) -> T:
    """The sum of the values, each times what is one at its point and zero at the others."""
    own = np.eye(np.shape(xi)[0], dtype=bool)
    between = np.where(own, 1.0, np.expand_dims(xi, -1) - xi)
    away = np.where(own, 1.0, np.expand_dims(x, (-2, -1)) - xi)
    return np.prod(away / between, axis=-1) @ yi


@definition(scipy.interpolate.pchip_interpolate, "x")
def pchip_interpolate(xi: T, yi: T, x: T, der: T = 0, axis: T = 0) -> T:
    """The monotone curve through points."""
    return scipy.interpolate.PchipInterpolator(xi, yi)(x) if der == 0 else NotImplemented


@definition(scipy.interpolate.interpn, "values", "xi")
def interpn(
    points: T, values: T, xi: T, method: T = "linear", bounds_error: T = True, fill_value: T = np.nan
) -> T:
    """A table in several dimensions, linear between its points."""
    if method != "linear" or not isinstance(points, tuple) or np.ndim(values) != len(points):
        return NotImplemented
    cells: T = ()
    shares: T = ()
    for k in range(len(points)):
        p = points[k]
        i = np.clip(np.searchsorted(p, xi[..., k], side="right") - 1, 0, np.shape(p)[0] - 2)
        cells, shares = (*cells, i), (*shares, (xi[..., k] - p[i]) / (p[i + 1] - p[i]))
    out: T = 0.0
    for corner in range(2 ** len(points)):
        weight: T = 1.0
        at: T = ()
        for k in range(len(points)):
            up = corner >> k & 1
            weight = weight * (shares[k] if up else 1.0 - shares[k])
            at = (*at, cells[k] + up)
        out = out + weight * values[at]
    if not bounds_error and fill_value is not None:
        for k in range(len(points)):
            outside = (xi[..., k] < points[k][0]) | (xi[..., k] > points[k][-1])
            out = np.where(outside, fill_value, out)
    return out


scipy_reasons.declare("interpolate", scipy.interpolate)
