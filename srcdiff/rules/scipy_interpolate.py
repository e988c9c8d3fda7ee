"""Rules for ``scipy.interpolate``: values of a curve through given points.

Splines (``CubicSpline``, ``make_interp_spline``, ``interp1d``) are linear in the values at the knots; in the
place asked for the derivative is that of the curve.  If the knots of a cubic spline ``s`` move by ``dx``, its
change is piecewise cubic and once continuously differentiable; at each knot it is ``-s' dx``, for the value
there stays, and its second derivative jumps by ``-dx`` times the jump of the third of ``s``.  It is what
jumps so (`bends`), and the spline through what is left.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.interpolate

from srcdiff.rules import scipy_curves, scipy_reasons  # noqa: F401
from srcdiff.rules.registry import (
    definition,
    differential,
    elementwise,
    multilinear,
    nondifferentiable,
    pullback,
    real_only,
)
from srcdiff.rules.transforms import varies
from srcdiff.runtime.interpolation import curve_at, fixed_knots, interpolate

T = Any

multilinear(interpolate)
nondifferentiable(fixed_knots)
real_only(interpolate)


@differential(interpolate)
def interpolate_rule(
    name: T, x: T, y: T, q: T, nu: T = 0, bc_type: T = None, kind: T = None, k: T = None,
    extrapolate: T = None, *, x_dot: T, y_dot: T, q_dot: T,
) -> T:  # fmt: skip
    moved = interpolate(name, x, y_dot, q, nu, bc_type=bc_type, kind=kind, k=k, extrapolate=extrapolate)
    if varies(x_dot):
        if is_broken_line(name, kind, k):
            if nu < 0:
                raise NotImplementedError("the integral of a broken line whose knots vary: use np.trapezoid")
            at = interpolate(name, x, x_dot, q, nu, bc_type=bc_type, kind=kind, k=k, extrapolate=extrapolate)
            slope = interpolate(name, x, y, q, 1, bc_type=bc_type, kind=kind, k=k, extrapolate=extrapolate)
            moved = moved - slope * (np.expand_dims(at, -1) if np.ndim(y) == 2 else at)
        else:
            if not may_move(name, bc_type, kind, k):
                raise NotImplementedError(
                    "splines whose knots vary are of degree 1 or 3, not-a-knot, natural or clamped"
                )
            slopes, jumps = at_knots(name, x, y, bc_type, kind, k)
            by = np.expand_dims(x_dot, -1) if np.ndim(y) == 2 else x_dot
            bent = -jumps * by
            left = -slopes * by - bends(x, x, 0, bc_type) @ bent
            through = interpolate(
                name, x, left, q, nu, bc_type=bc_type, kind=kind, k=k, extrapolate=extrapolate
            )
            moved = moved + through + bends(x, q, nu, bc_type) @ bent
            if nu < 0:  # the integral begins at the first knot
                share = power(q - x[0], -nu - 1) * x_dot[0]
                moved = moved - (np.expand_dims(share, -1) if np.ndim(y) == 2 else share) * y[0]
    if not varies(q_dot):
        return moved
    slope = interpolate(name, x, y, q, nu + 1, bc_type=bc_type, kind=kind, k=k, extrapolate=extrapolate)
    if np.ndim(y) == 2:
        return moved + slope * np.expand_dims(q_dot, -1)
    return moved + slope * q_dot


@pullback(interpolate, "x", "y", "q")
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
    ones: T = np.eye(np.shape(y)[0])
    if bc_type == "periodic":  # the first value is the last one, too
        ones = ones[:, :-1] + np.concatenate((0.0 * ones[:-1, :-1], ones[:1, :-1]))
    shares = interpolate(
        name, x, ones, np.ravel(q), nu, bc_type=bc_type, kind=kind, k=k, extrapolate=extrapolate
    )
    if bc_type == "periodic":
        shares = np.pad(shares, ((0, 0), (0, 1)))
    if np.ndim(y) == 2:
        g: T = np.reshape(out_bar, (-1, np.shape(y)[1]))
        y_bar = shares.T @ g
    else:
        g = np.ravel(out_bar)
        y_bar = g @ shares
    if is_broken_line(name, kind, k):
        if nu < 0:
            return fixed_knots(x), y_bar, q_bar
        slope = interpolate(name, x, y, q, 1, bc_type=bc_type, kind=kind, k=k, extrapolate=extrapolate)
        by = np.sum(slope * out_bar, axis=-1) if np.ndim(y) == 2 else slope * out_bar
        return -(np.ravel(by) @ shares), y_bar, q_bar
    if not may_move(name, bc_type, kind, k):
        return fixed_knots(x), y_bar, q_bar
    slopes, jumps = at_knots(name, x, y, bc_type, kind, k)
    bent = bends(x, np.ravel(q), nu, bc_type).T @ g - bends(x, x, 0, bc_type).T @ y_bar
    x_bar = -slopes * y_bar - jumps * bent
    if nu < 0:  # the integral begins at the first knot
        share = y[0] * (power(np.ravel(q) - x[0], -nu - 1) @ g)
        x_bar = np.concatenate((x_bar[:1] - share, x_bar[1:]))
    return (np.sum(x_bar, axis=-1) if np.ndim(y) == 2 else x_bar), y_bar, q_bar


def is_broken_line(name: T, kind: T, k: T) -> T:
    """Whether a curve is linear between its knots."""
    return (k == 1 and name != "BSpline") or (name == "interp1d" and kind in (None, "linear", "slinear"))


def may_move(name: T, bc_type: T, kind: T, k: T) -> T:
    """Whether the knots of a spline may vary."""
    return (
        name != "BSpline" and kind in (None, "cubic") and k in (None, 3)
        and bc_type in (None, "not-a-knot", "natural", "clamped")
    )


def at_knots(name: T, x: T, y: T, bc_type: T, kind: T, k: T) -> T:
    """The slopes of a cubic spline at its knots; and what moves there with a knot that is moved.

    That is the jump of the third derivative, and what the condition at an end asks for.
    """
    slopes = interpolate(name, x, y, x, 1, bc_type=bc_type, kind=kind, k=k)
    third = interpolate(name, x, y, 0.5 * (x[1:] + x[:-1]), 3, bc_type=bc_type, kind=kind, k=k)
    if bc_type == "clamped":
        second = interpolate(name, x, y, x, 2, bc_type=bc_type)
        return slopes, np.concatenate((second[:1], third[1:] - third[:-1], second[-1:]))
    if bc_type == "natural":
        return slopes, np.concatenate((third[:1], third[1:] - third[:-1], third[-1:]))
    return slopes, np.concatenate((0.0 * third[:1], third[1:] - third[:-1], 0.0 * third[:1]))


def power(z: T, n: T) -> T:
    """``z**n / n!``; for negative n, its derivatives, zero."""
    if n < 0:
        return 0.0 * z
    if n == 0:
        return 0.0 * z + 1.0
    return z if n == 1 else z**n / math.factorial(n)


def bends(x: T, q: T, nu: T, bc_type: T) -> T:
    """Derivatives of order ``nu`` of a curve for each knot, whose second derivative is one from there on.

    Polynomials are added to keep the conditions at the ends; the columns of the ends are what changes these.
    """
    z = np.expand_dims(q, -1)
    inner = np.where(z > x[1:-1], power(z - x[1:-1], 2 - nu), 0.0)
    first, length = z - x[0], x[-1] - x[0]
    if bc_type == "clamped":
        square = power(first, 2 - nu) / length
        inner = inner - (x[-1] - x[1:-1]) * square
        return np.concatenate((power(first, 1 - nu) - square, inner, square), axis=-1)
    if bc_type == "natural":
        cube = power(first, 3 - nu) / length
        return np.concatenate((power(first, 2 - nu) - cube, inner - cube, cube), axis=-1)
    return np.concatenate((0.0 * first, inner, 0.0 * first), axis=-1)


@elementwise(curve_at)
def curve_at_rule(curve: T, x: T, nu: T = 0, extrapolate: T = None) -> T:
    return None, curve_at(curve, x, nu + 1, extrapolate), None, None


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


@definition(scipy.interpolate.pchip_interpolate, "xi", "yi", "x")
def pchip_interpolate(xi: T, yi: T, x: T, der: T = 0, axis: T = 0) -> T:
    """The monotone curve through points."""
    return scipy.interpolate.PchipInterpolator(xi, yi)(x, der) if np.ndim(yi) == 1 else NotImplemented


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
