"""Rules for ``scipy.optimize``.

What the solvers that take functions give is a constant here: `solvers` has the derivative of what they find.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.optimize

from srcdiff.rules import scipy_reasons
from srcdiff.rules.registry import definition, differential, nondifferentiable, pullback

nondifferentiable(
    scipy.optimize.brentq, scipy.optimize.brenth, scipy.optimize.bisect, scipy.optimize.ridder,
    scipy.optimize.toms748, scipy.optimize.newton, scipy.optimize.root_scalar, scipy.optimize.root,
    scipy.optimize.fsolve, scipy.optimize.fixed_point, scipy.optimize.minimize,
    scipy.optimize.minimize_scalar, scipy.optimize.least_squares, scipy.optimize.linear_sum_assignment,
    scipy.optimize.curve_fit,
)  # fmt: skip


@differential(scipy.optimize.nnls)
def nnls(A: Any, b: Any, *, out: Any, A_dot: Any, b_dot: Any) -> Any:
    # the unknowns that are zero stay so; the others solve the normal equations among themselves
    x, length = out
    free = x > 0.0
    r, r_dot = b - A @ x, b_dot - A_dot @ x
    among = np.where(np.outer(free, free), A.T @ A, np.eye(np.shape(x)[0]))
    x_dot = np.linalg.solve(among, np.where(free, A_dot.T @ r + A.T @ r_dot, 0.0))
    return x_dot, r @ r_dot / length


@pullback(scipy.optimize.nnls, "A", "b")
def nnls_bar(A: Any, b: Any, *, out: Any, out_bar: Any) -> Any:
    x, length = out
    free = x > 0.0
    r = b - A @ x
    among = np.where(np.outer(free, free), A.T @ A, np.eye(np.shape(x)[0]))
    g = np.linalg.solve(among, np.where(free, out_bar[0], 0.0))
    b_bar = A @ g + out_bar[1] / length * r
    return np.outer(r, g) - np.outer(b_bar, x), b_bar


# --- Rosenbrock's function, on which solvers are tried ------------------------------------------------------


@definition(scipy.optimize.rosen, "x")
def rosen(x: Any) -> Any:
    """The valley of Rosenbrock."""
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2, axis=0)


@definition(scipy.optimize.rosen_der, "x")
def rosen_der(x: Any) -> Any:
    """Its gradient."""
    if np.ndim(x) != 1:
        return NotImplemented
    off = x[1:] - x[:-1] ** 2
    zero = np.zeros(1)
    first = np.concatenate((-400.0 * off * x[:-1] - 2.0 * (1.0 - x[:-1]), zero))
    return first + np.concatenate((zero, 200.0 * off))


@definition(scipy.optimize.rosen_hess, "x")
def rosen_hess(x: Any) -> Any:
    """Its matrix of second derivatives."""
    zero = np.zeros(1)
    side = -400.0 * x[:-1]
    middle = np.concatenate((1200.0 * x[:-1] ** 2 - 400.0 * x[1:] + 2.0, zero))
    middle = middle + np.concatenate((zero, np.full(np.shape(x)[0] - 1, 200.0)))
    return np.diag(middle) + np.diag(side, 1) + np.diag(side, -1)


@definition(scipy.optimize.rosen_hess_prod, "x", "p")
def rosen_hess_prod(x: Any, p: Any) -> Any:
    """The product of that with a vector."""
    zero = np.zeros(1)
    side = -400.0 * x[:-1]
    middle = np.concatenate((1200.0 * x[:-1] ** 2 - 400.0 * x[1:] + 2.0, zero))
    middle = middle + np.concatenate((zero, np.full(np.shape(x)[0] - 1, 200.0)))
    return middle * p + np.concatenate((side * p[1:], zero)) + np.concatenate((zero, side * p[:-1]))


scipy_reasons.declare("optimize", scipy.optimize)
