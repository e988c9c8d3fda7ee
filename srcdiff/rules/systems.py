"""Rules for linear systems, inverses and determinants.

They are given both ways, from

- M. Giles, Collected matrix derivative results for forward and reverse mode AD, 2008 (solve, inv, det);
- G. Golub and V. Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems
  whose variables separate, SIAM J. Numer. Anal. 10, 1973 (pinv, lstsq).

``lstsq`` and ``pinv`` are for full rank.  The derivative of ``det`` is the matrix of cofactors, also where
``a`` is singular.  ``solve``, ``inv`` and ``det`` are for complex matrices, too; `complex_matrices` has the
others' texts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from srcdiff.rules import complex_matrices
from srcdiff.rules.registry import differential, nondifferentiable, pullback
from srcdiff.runtime.arrays import cast_like, resized, unbroadcast
from srcdiff.runtime.linalg import cofactors, cofactors_dot

nondifferentiable(np.linalg.matrix_rank)


@differential(np.linalg.solve)
def solve(a: Any, b: Any, *, out: Any, a_dot: Any, b_dot: Any) -> Any:
    if np.ndim(a) > 2 and np.ndim(b) == 1:
        residual_dot = np.expand_dims(b_dot, -1) - a_dot @ np.expand_dims(out, -1)
        return np.squeeze(np.linalg.solve(a, residual_dot), -1)
    return np.linalg.solve(a, b_dot - a_dot @ out)


@pullback(np.linalg.solve, "a", "b")
def solve_bar(a: Any, b: Any, *, out: Any, out_bar: Any) -> Any:
    if np.ndim(a) == 2 and np.ndim(b) == 1:
        b_bar = np.linalg.solve(a.T, out_bar)
        return -np.outer(b_bar, out), b_bar
    if np.ndim(a) == 2 and np.ndim(b) == 2:
        b_bar = np.linalg.solve(a.T, out_bar)
        return -b_bar @ out.T, b_bar
    if np.ndim(b) == 1:
        g = np.linalg.solve(np.swapaxes(a, -1, -2), np.expand_dims(out_bar, -1))
        return -g * np.expand_dims(out, -2), unbroadcast(np.squeeze(g, -1), b)
    g = np.linalg.solve(np.swapaxes(a, -1, -2), out_bar)
    return unbroadcast(-g @ np.swapaxes(out, -1, -2), a), unbroadcast(g, b)


@differential(np.linalg.inv)
def inv(a: Any, *, out: Any, a_dot: Any) -> Any:
    return -out @ a_dot @ out


@pullback(np.linalg.inv, "a")
def inv_bar(a: Any, *, out: Any, out_bar: Any) -> Any:
    if a.ndim == 2:
        return -out.T @ out_bar @ out.T
    return -np.swapaxes(out, -1, -2) @ out_bar @ np.swapaxes(out, -1, -2)


@differential(np.linalg.pinv)
def pinv(a: Any, *, out: Any, a_dot: Any) -> Any:
    if np.iscomplexobj(a):
        return complex_matrices.pinv(a, out, a_dot)
    outT, a_dotT = np.swapaxes(out, -1, -2), np.swapaxes(a_dot, -1, -2)
    left = out @ (outT @ a_dotT)
    right = (a_dotT @ outT) @ out
    return left - (left @ a) @ out + right - out @ (a @ right) - out @ a_dot @ out


@pullback(np.linalg.pinv, "a")
def pinv_bar(a: Any, *, out: Any, out_bar: Any) -> Any:
    if np.iscomplexobj(a):
        return complex_matrices.pinv_bar(a, out, out_bar)
    outT, out_barT = np.swapaxes(out, -1, -2), np.swapaxes(out_bar, -1, -2)
    left = (out_barT @ out) @ outT
    right = outT @ (out @ out_barT)
    return left - a @ (out @ left) + right - (right @ out) @ a - outT @ out_bar @ outT


@differential(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None, *, out: Any, a_dot: Any, b_dot: Any) -> Any:
    if np.iscomplexobj(a) or np.iscomplexobj(b):
        x_dot, squares_dot, none, values_dot = complex_matrices.lstsq(a, b, out, a_dot, b_dot)
        return x_dot, resized(squares_dot, out[1], 0), none, values_dot
    x = out[0]
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    p = (vh.T / s) @ u.T
    r, r_dot, w = b - a @ x, b_dot - a_dot @ x, a_dot.T @ (p.T @ x)
    x_dot = p @ (r_dot + p.T @ (a_dot.T @ r)) + w - p @ (a @ w)
    squares_dot = np.reshape(np.sum(2.0 * r * r_dot, axis=0), -1)
    return x_dot, resized(squares_dot, out[1], 0), 0, np.sum(u * (a_dot @ vh.T), axis=0)


@pullback(np.linalg.lstsq, "a", "b")
def lstsq_bar(a: Any, b: Any, rcond: Any = None, *, out: Any, out_bar: Any) -> Any:
    if np.iscomplexobj(a) or np.iscomplexobj(b):
        a_bar, b_bar = complex_matrices.lstsq_bar(a, b, out, out_bar)
        return cast_like(a_bar, a), cast_like(b_bar, b)
    x, x_bar = out[0], out_bar[0]
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    p = (vh.T / s) @ u.T
    r, w, y = b - a @ x, p.T @ x, x_bar - p @ (a @ x_bar)
    g = p.T @ x_bar
    if np.ndim(b) == 1:
        b_bar = g + 2.0 * np.sum(out_bar[1]) * r
        a_bar = np.outer(r, p @ g) - np.outer(b_bar, x) + np.outer(w, y)
    else:
        b_bar = g + 2.0 * resized(out_bar[1], x[0], 0) * r
        a_bar = r @ (p @ g).T - b_bar @ x.T + w @ y.T
    return a_bar + (u * out_bar[3]) @ vh, b_bar


@differential(np.linalg.det)
def det(a: Any, *, a_dot: Any) -> Any:
    return np.sum(cofactors(a) * a_dot, axis=(-2, -1))


@pullback(np.linalg.det, "a")
def det_bar(a: Any, *, out_bar: Any) -> Any:
    if a.ndim == 2:
        return out_bar * cofactors(a)
    return np.expand_dims(out_bar, (-2, -1)) * cofactors(a)


@differential(cofactors)
def cofactors_rule(a: Any, *, a_dot: Any) -> Any:
    return cofactors_dot(a, a_dot)


@pullback(cofactors, "a")
def cofactors_bar(a: Any, *, out_bar: Any) -> Any:
    return cofactors_dot(a, out_bar)


# The second derivative of the cofactors does not change if its two directions change places, nor if one of
# them and a cotangent do. It takes an inverse: of singular matrices, ``det`` has two derivatives, not three.


@differential(cofactors_dot)
def cofactors_dot_dot(a: Any, f: Any, *, a_dot: Any, f_dot: Any) -> Any:
    return cofactors_along(a, f, a_dot) + cofactors_dot(a, f_dot)


@pullback(cofactors_dot, "a", "f")
def cofactors_dot_bar(a: Any, f: Any, *, out_bar: Any) -> Any:
    return cofactors_along(a, f, out_bar), cofactors_dot(a, out_bar)


def cofactors_along(a: Any, f: Any, g: Any) -> Any:
    inverse = np.linalg.inv(a)
    c, c_dot = cofactors(a), cofactors_dot(a, g)
    by_f, by_g = f @ inverse, g @ inverse
    first = np.expand_dims(np.trace(by_f, axis1=-2, axis2=-1), (-2, -1))
    second = np.expand_dims(np.trace(by_f @ by_g, axis1=-2, axis2=-1), (-2, -1))
    turned = np.swapaxes(by_f @ by_g, -1, -2) @ c - np.swapaxes(by_f, -1, -2) @ c_dot
    return first * c_dot - second * c + turned


@differential(np.linalg.slogdet)
def slogdet(a: Any, *, out: Any, a_dot: Any) -> Any:
    if np.iscomplexobj(a):
        return complex_matrices.slogdet(a, out[0], a_dot)
    return np.zeros_like(out[0]), np.trace(np.linalg.solve(a, a_dot), axis1=-2, axis2=-1)


@pullback(np.linalg.slogdet, "a")
def slogdet_bar(a: Any, *, out: Any, out_bar: Any) -> Any:
    if np.iscomplexobj(a):
        return complex_matrices.slogdet_bar(a, out[0], out_bar[0], out_bar[1])
    if a.ndim == 2:
        return out_bar[1] * np.linalg.inv(a).T
    return np.expand_dims(out_bar[1], (-2, -1)) * np.swapaxes(np.linalg.inv(a), -1, -2)
