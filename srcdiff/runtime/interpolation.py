"""Interpolation as a function of its knots' values and of the places asked for, and matrices turned."""

from __future__ import annotations

from typing import Any

import numpy as np

from srcdiff.runtime.namespaces import namespace, scipy_part

__all__ = ["curve_at", "fixed_knots", "interpolate", "interpolate_shaped", "sparse_transposed"]

_DEGREES = {"linear": 1, "slinear": 1, "quadratic": 2, "cubic": 3}


def interpolate(name: str, x: Any, y: Any, q: Any, nu: int = 0, **options: Any) -> Any:
    """The ``nu``-th derivative at ``q`` of a class of ``scipy.interpolate``, through ``y`` at ``x``.

    Where ``nu`` is negative: the integral from the first of ``x`` on, so many times.
    """
    xp = namespace(x, y, q)
    part = scipy_part(xp, "interpolate")
    if xp is not np:
        x, y, q = map(xp.asarray, (x, y, q))
    options = {k: v for k, v in options.items() if v is not None}
    if nu < 0:
        return getattr(part, name)(x, y, **options).antiderivative(-nu)(q)
    if name == "interp1d" and nu:
        k = _DEGREES[options.get("kind", "linear")]
        options.pop("kind", None)
        return part.make_interp_spline(x, y, k=k)(q, nu)
    if name == "interp1d":
        return part.interp1d(x, y, axis=0, **options)(q)
    return getattr(part, name)(x, y, **options)(q, nu)


def interpolate_shaped(name: str, x: Any, y: Any, q: Any, nu: int = 0, **options: Any) -> Any:
    """`interpolate` by a class whose slopes at the knots are no linear function of the values."""
    return interpolate(name, x, y, q, nu, **options)


def fixed_knots(x: Any) -> Any:
    """In the place of the cotangent of knots that may not vary."""
    raise NotImplementedError(
        "splines whose knots vary are of degree 1 or 3 (no BSpline), and not-a-knot, natural or clamped"
    )


def curve_at(curve: Any, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
    """The derivative of order ``nu`` of a piecewise polynomial at ``x``."""
    return curve(x, nu, extrapolate)


def sparse_transposed(a: Any) -> Any:
    """The transpose of a matrix, sparse or not, as solvers take it."""
    return a.T.tocsc() if hasattr(a, "tocsc") else a.T
