"""Derivatives of solvers, by the equations that they solve: nothing of the iteration is differentiated.

Three solvers, from the smallest to the largest: a fixed point in plain Python, a sparse linear system solved
by SciPy's factorisation, and the equilibrium of a reaction found by ``scipy.optimize.root``.  Run it:

    python examples/implicit.py
"""

from __future__ import annotations

import numpy as np
import scipy.optimize
import scipy.sparse
import scipy.sparse.linalg

import srcdiff
from srcdiff import check_rule, grad, value_and_grad

# ---- 1. a fixed point: x = cos(a x) + b ------------------------------------------------------------------


def fixed_point(a, b):
    """The x with x = cos(a x) / 2 + b, by iteration."""
    x = b
    for _ in range(200):
        x = np.cos(a * x) / 2 + b
    return x


@srcdiff.differential(fixed_point)
def fixed_point_rule(a, b, *, out, a_dot, b_dot):
    # x_dot = -sin(a x) / 2 * (a_dot x + a x_dot) + b_dot, solved for x_dot
    slope = -np.sin(a * out) / 2
    return (slope * out * a_dot + b_dot) / (1 - slope * a)


# ---- 2. a sparse linear system: (D + diag(k)) u = f ------------------------------------------------------


def laplacian(n):
    """Minus the second difference, as a sparse matrix."""
    return scipy.sparse.diags_array([-np.ones(n - 1), 2 * np.ones(n), -np.ones(n - 1)], offsets=[-1, 0, 1])


def diffuse(k, f):
    """The u with -u'' + k u = f on a line."""
    matrix = (laplacian(len(f)) + scipy.sparse.diags_array(k)).tocsc()
    return scipy.sparse.linalg.spsolve(matrix, f)


@srcdiff.pullback(diffuse, "k", "f")
def diffuse_rule(k, f, *, out, out_bar):
    # the matrix is symmetric: the adjoint equation is the equation itself
    f_bar = diffuse(k, out_bar)
    return -f_bar * out, f_bar


# ---- 3. a system of equations: F(x, p) = 0, solved by scipy.optimize.root --------------------------------


def balance(x, p):
    """What must vanish at equilibrium: two species, rates p[0] and p[1], supply p[2]."""
    return np.array([p[0] * x[0] ** 2 - x[1], x[0] + p[1] * x[1] - p[2]])


def equilibrium(p):
    """The x with balance(x, p) = 0."""
    return scipy.optimize.root(balance, np.ones(2), args=(p,), tol=1e-13).x


def jacobians(x, p):
    """The derivatives of ``balance`` in x and in p."""
    in_x = np.array([[2 * p[0] * x[0], -1.0], [1.0, p[1]]])
    in_p = np.array([[x[0] ** 2, 0.0, 0.0], [0.0, x[1], -1.0]])
    return in_x, in_p


@srcdiff.differential(equilibrium)
def equilibrium_rule(p, *, out, p_dot):
    # F_x x_dot + F_p p_dot = 0
    in_x, in_p = jacobians(out, p)
    return -np.linalg.solve(in_x, in_p @ p_dot)


# ---- all three -------------------------------------------------------------------------------------------


def main() -> None:
    print("fixed point:      ", value_and_grad(fixed_point, wrt=("a", "b"))(0.7, 0.3))
    print("  worst difference", f"{check_rule(fixed_point, (0.7, 0.3)):.0e}")

    n = 40
    truth = 0.5 + np.sin(np.linspace(0.0, np.pi, n)) ** 2
    source = np.ones(n)
    observed = diffuse(truth, source)

    def misfit(k):
        return np.sum((diffuse(k, source) - observed) ** 2)

    k = np.ones(n)
    found = scipy.optimize.minimize(misfit, k, jac=grad(misfit), method="L-BFGS-B", options={"maxiter": 200})
    print("sparse system:     misfit", f"{misfit(k):.3f} -> {found.fun:.1e} by fitting k")
    print("  worst difference", f"{check_rule(diffuse, (truth[:8], source[:8])):.0e}")

    p = np.array([1.5, 0.4, 2.0])
    slope = grad(lambda p: equilibrium(p)[0])(p)
    print("equilibrium:      ", equilibrium(p).round(6), "d x0 / d p =", slope.round(6))
    print("  worst difference", f"{check_rule(equilibrium, p):.0e}")
    print("  second order    ", grad(lambda p: grad(lambda q: equilibrium(q)[0])(p)[2])(p).round(6))


if __name__ == "__main__":
    main()
