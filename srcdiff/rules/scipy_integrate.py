"""Rules for ``scipy.integrate``.

Integrals by Leibniz' rule: the derivative goes under the sign, and the ends move with what stands there.
What the solvers of differential equations give is a constant here (see `solvers.derivative_of`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.integrate

from srcdiff.rules import scipy_reasons
from srcdiff.rules.registry import differential, implicit, linear, nondifferentiable, pullback
from srcdiff.rules.transforms import can_vary, jvp, varies, vjp

nondifferentiable(
    scipy.integrate.quad, scipy.integrate.quad_vec, scipy.integrate.solve_ivp, scipy.integrate.odeint,
    scipy.integrate.newton_cotes,
)  # fmt: skip


@implicit
def integral_of(fun: Any, args: Any, a: Any, b: Any, y: Any) -> Any:
    """The integral of ``fun(t, *args)`` from ``a`` to ``b``."""
    return y


@differential(integral_of)
def integral_of_rule(
    fun: Any, args: Any, a: Any, b: Any, y: Any, *, out: Any, args_dot: Any, a_dot: Any, b_dot: Any
) -> Any:
    out_dot = fun(b, *args) * b_dot - fun(a, *args) * a_dot
    if varies(args_dot):
        if np.ndim(out) == 0:
            inside = scipy.integrate.quad(
                lambda t: jvp(fun, (t, *args), (None, *args_dot))[1], a, b, limit=200
            )[0]
        else:
            inside = scipy.integrate.quad_vec(
                lambda t: jvp(fun, (t, *args), (None, *args_dot))[1], a, b, epsabs=1e-12, epsrel=1e-10
            )[0]
        out_dot = out_dot + inside
    return out_dot


@pullback(integral_of, "args", "a", "b")
def integral_of_bar(fun: Any, args: Any, a: Any, b: Any, y: Any, *, out_bar: Any) -> Any:
    bars: Any = ()
    for k in range(len(args)):
        if not can_vary(args[k]):
            bars = (*bars, None)
        elif np.ndim(args[k]) == 0:
            bar = scipy.integrate.quad(lambda t: vjp(fun, t, *args)[1](out_bar)[1 + k], a, b, limit=200)[0]  # noqa: B023  (called at once)
            bars = (*bars, bar)
        else:
            bar = scipy.integrate.quad_vec(
                lambda t: vjp(fun, t, *args)[1](out_bar)[1 + k],  # noqa: B023  (called at once)
                a,
                b,
                epsabs=1e-12,
                epsrel=1e-10,
            )[0]
            bars = (*bars, bar)
    return bars, -np.sum(fun(a, *args) * out_bar), np.sum(fun(b, *args) * out_bar)


@linear(scipy.integrate.simpson, "y")
def simpson(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1, *, out_bar: Any) -> Any:
    g = np.expand_dims(out_bar, axis)
    weights = scipy.integrate.simpson(np.eye(np.shape(y)[axis]), x=x, dx=dx)
    if np.ndim(y) == 1:
        return weights * g
    return np.moveaxis(np.moveaxis(np.zeros_like(y) + g, axis, -1) * weights, -1, axis)


@linear(scipy.integrate.romb, "y")
def romb(y: Any, dx: Any = 1.0, axis: Any = -1, *, out_bar: Any) -> Any:
    g = np.expand_dims(out_bar, axis)
    weights = scipy.integrate.romb(np.eye(np.shape(y)[axis]), dx)
    if np.ndim(y) == 1:
        return weights * g
    return np.moveaxis(np.moveaxis(np.zeros_like(y) + g, axis, -1) * weights, -1, axis)


@linear(scipy.integrate.cumulative_simpson, "y")
def cumulative_simpson(
    y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1, initial: Any = None, *, out_bar: Any
) -> Any:
    if initial is not None and initial != 0:  # (it is added to the sums, which are not linear then)
        raise NotImplementedError("the derivative of scipy.integrate.cumulative_simpson needs initial=0")
    images = scipy.integrate.cumulative_simpson(np.eye(np.shape(y)[axis]), x=x, dx=dx, initial=initial)
    if np.ndim(y) == 1:
        return images @ out_bar
    return np.moveaxis(np.moveaxis(out_bar, axis, -1) @ images.T, -1, axis)


scipy_reasons.declare("integrate", scipy.integrate)
