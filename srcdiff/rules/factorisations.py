"""Rules for factorisations of matrices, both ways, from

- M. Giles, Collected matrix derivative results for forward and reverse mode AD, 2008 (eigh, svd);
- I. Murray, Differentiation of the Cholesky decomposition, arXiv:1602.07527, 2016;
- S. Walter and L. Lehmann, Algorithmic differentiation of linear algebra functions, 2010, with
  H.-J. Liao et al., Differentiable programming tensor networks, Phys. Rev. X 9, 2019 (qr);
- J. Townsend, Differentiating the singular value decomposition, 2016.

The texts here are for real matrices (`complex_matrices` has those for others).  ``cholesky`` and ``eigh``
read one triangle of their operand, so its cotangent is in that triangle: it is the derivative of what NumPy
computes, and contracts with a symmetric tangent like the symmetric form.  The vectors of ``eigh`` and ``svd``
have a derivative where the values are distinct; pairs that are exactly equal contribute nothing.  ``qr`` is
for full rank and at least as many rows as columns (`square` refuses others).  The vector that completes ``u``
or ``vh`` of a matrix that is not square stays orthogonal to the others; where there are several (which ones
is arbitrary) `completing` and `completed` go through none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from srcdiff.rules import complex_matrices
from srcdiff.rules.registry import (
    bilinear,
    differential,
    linear,
    nondifferentiable,
    pullback,
    real_only,
    returns_alias,
)
from srcdiff.runtime import linalg
from srcdiff.runtime.arrays import cast_like
from srcdiff.runtime.linalg import beside, complete, completed, completing, half_tril, nearest_places, square

nondifferentiable(nearest_places)
returns_alias(complete, completed, completing, square)


@differential(np.linalg.cholesky)
def cholesky(a: Any, upper: Any = False, *, out: Any, a_dot: Any) -> Any:
    if np.iscomplexobj(a):
        return complex_matrices.cholesky(upper, out, a_dot)
    if upper:
        out, a_dot = np.swapaxes(out, -1, -2), np.swapaxes(a_dot, -1, -2)
    half = half_tril(a_dot)
    left = np.linalg.solve(out, half + np.swapaxes(half, -1, -2))
    out_dot = out @ half_tril(np.linalg.solve(out, np.swapaxes(left, -1, -2)))
    if upper:
        return np.swapaxes(out_dot, -1, -2)
    return out_dot


@pullback(np.linalg.cholesky, "a")
def cholesky_bar(a: Any, upper: Any = False, *, out: Any, out_bar: Any) -> Any:
    if np.iscomplexobj(a):
        return complex_matrices.cholesky_bar(upper, out, out_bar)
    if upper:
        outT, out_bar = out, np.swapaxes(out_bar, -1, -2)
    else:
        outT = np.swapaxes(out, -1, -2)
    inverse = np.linalg.inv(outT)  # (two products take less time than two solutions do)
    left = inverse @ half_tril(outT @ out_bar)
    s = inverse @ np.swapaxes(left, -1, -2)
    a_bar = half_tril(s + np.swapaxes(s, -1, -2))
    if upper:
        return np.swapaxes(a_bar, -1, -2)
    return a_bar


@differential(np.linalg.eigh)
def eigh(a: Any, UPLO: Any = "L", *, out: Any, a_dot: Any) -> Any:
    if np.iscomplexobj(a):
        return complex_matrices.eigh(UPLO == "L", out[0], out[1], a_dot)
    w, v = out
    vT = np.swapaxes(v, -1, -2)
    half = half_tril(a_dot) if UPLO == "L" else half_tril(np.swapaxes(a_dot, -1, -2))
    s = vT @ (half + np.swapaxes(half, -1, -2)) @ v
    gaps = np.expand_dims(w, -2) - np.expand_dims(w, -1)
    same = gaps == 0.0
    return np.diagonal(s, 0, -2, -1), v @ (s * (1.0 / (gaps + same) - same))


@pullback(np.linalg.eigh, "a")
def eigh_bar(a: Any, UPLO: Any = "L", *, out: Any, out_bar: Any) -> Any:
    if np.iscomplexobj(a):
        return complex_matrices.eigh_bar(UPLO == "L", out[0], out[1], out_bar[0], out_bar[1])
    w, v = out
    w_bar, v_bar = out_bar
    vT = np.swapaxes(v, -1, -2)
    gaps = np.expand_dims(w, -2) - np.expand_dims(w, -1)
    same = gaps == 0.0
    s = v @ ((vT @ v_bar) * (1.0 / (gaps + same) - same)) + v * np.expand_dims(w_bar, -2)
    s = s @ vT
    a_bar = half_tril(s + np.swapaxes(s, -1, -2))
    if UPLO == "L":
        return a_bar
    return np.swapaxes(a_bar, -1, -2)


@differential(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: Any = "L", *, a_dot: Any) -> Any:
    v = np.linalg.eigh(a, UPLO)[1]
    if np.iscomplexobj(a):
        return complex_matrices.eigvalsh(UPLO == "L", v, a_dot)
    half = half_tril(a_dot) if UPLO == "L" else half_tril(np.swapaxes(a_dot, -1, -2))
    return np.sum(v * ((half + np.swapaxes(half, -1, -2)) @ v), axis=-2)


@pullback(np.linalg.eigvalsh, "a")
def eigvalsh_bar(a: Any, UPLO: Any = "L", *, out_bar: Any) -> Any:
    v = np.linalg.eigh(a, UPLO)[1]
    if np.iscomplexobj(a):
        return complex_matrices.eigvalsh_bar(UPLO == "L", v, out_bar)
    a_bar = half_tril(2.0 * (v * np.expand_dims(out_bar, -2)) @ np.swapaxes(v, -1, -2))
    if UPLO == "L":
        return a_bar
    return np.swapaxes(a_bar, -1, -2)


@differential(np.linalg.eig)
def eig(a: Any, *, out: Any, a_dot: Any) -> Any:
    w, v = out
    p = np.linalg.inv(v) @ a_dot @ v
    gaps = np.expand_dims(w, -2) - np.expand_dims(w, -1)
    same = gaps == 0.0
    turn = v @ (p * (1.0 / (gaps + same) - same))
    # the columns keep the length one, and what is largest in them stays real
    length = np.sum(np.real(np.conj(v) * turn), axis=-2, keepdims=True)
    largest = np.expand_dims(np.argmax(abs(v), axis=-2), -2)
    angle = np.imag(np.take_along_axis(turn, largest, -2) / np.take_along_axis(v, largest, -2))
    if np.iscomplexobj(v):
        return np.diagonal(p, 0, -2, -1), turn - v * (length + 1j * angle)
    return np.diagonal(p, 0, -2, -1), turn - v * length


@pullback(np.linalg.eig, "a")
def eig_bar(a: Any, *, out: Any, out_bar: Any) -> Any:
    w, v = out
    w_bar, v_bar = out_bar
    gaps = np.expand_dims(w, -2) - np.expand_dims(w, -1)
    same = gaps == 0.0
    along = np.sum(v_bar * v, axis=-2, keepdims=True)
    turn_bar = v_bar - np.conj(v) * np.real(along)
    if np.iscomplexobj(v):
        rows = np.expand_dims(np.arange(np.shape(v)[-1]), -1)
        largest = rows == np.expand_dims(np.argmax(abs(v), axis=-2), -2)
        turn_bar = turn_bar - np.where(largest, 1j * np.imag(along) / np.where(largest, v, 1.0), 0.0)
    vT = np.swapaxes(v, -1, -2)
    p_bar = (vT @ turn_bar) * (1.0 / (gaps + same) - same) + np.eye(np.shape(v)[-1]) * np.expand_dims(
        w_bar, -2
    )
    return cast_like(np.linalg.solve(vT, p_bar @ vT), a)


@differential(np.linalg.eigvals)
def eigvals(a: Any, *, out: Any, a_dot: Any) -> Any:
    w, v = np.linalg.eig(a)
    p = np.diagonal(np.linalg.inv(v) @ a_dot @ v, 0, -2, -1)
    return np.take_along_axis(p, nearest_places(out, w), -1)


@pullback(np.linalg.eigvals, "a")
def eigvals_bar(a: Any, *, out: Any, out_bar: Any) -> Any:
    w, v = np.linalg.eig(a)
    w_bar = np.take_along_axis(out_bar, nearest_places(w, out), -1)
    vT = np.swapaxes(v, -1, -2)
    return cast_like(np.linalg.solve(vT, np.expand_dims(w_bar, -1) * vT), a)


@differential(np.linalg.qr)
def qr(a: Any, mode: Any = "reduced", *, out: Any, a_dot: Any) -> Any:
    if mode == "r":
        r = out
        q = np.swapaxes(np.linalg.solve(np.swapaxes(square(r), -1, -2), np.swapaxes(a, -1, -2)), -1, -2)
    else:
        q, r = out
    if np.iscomplexobj(a):
        q_dot, r_dot = complex_matrices.qr(q, r, a_dot)
        return r_dot if mode == "r" else (q_dot, r_dot)
    c = np.swapaxes(np.linalg.solve(np.swapaxes(square(r), -1, -2), np.swapaxes(a_dot, -1, -2)), -1, -2)
    s = np.swapaxes(q, -1, -2) @ c
    lower = np.tril(s, -1)
    turn = lower - np.swapaxes(lower, -1, -2)
    if mode == "r":
        return (s - turn) @ r
    return q @ (turn - s) + c, (s - turn) @ r


@pullback(np.linalg.qr, "a")
def qr_bar(a: Any, mode: Any = "reduced", *, out: Any, out_bar: Any) -> Any:
    if mode == "r":
        r, r_bar = square(out), out_bar
        q = np.swapaxes(np.linalg.solve(np.swapaxes(r, -1, -2), np.swapaxes(a, -1, -2)), -1, -2)
        if np.iscomplexobj(a):
            return complex_matrices.qr_bar(q, r, None, r_bar)
        half = half_tril(r @ np.swapaxes(r_bar, -1, -2))
        g = q @ (half + np.swapaxes(half, -1, -2))
    else:
        q, r = out
        r = square(r)
        q_bar, r_bar = out_bar
        if np.iscomplexobj(a):
            return complex_matrices.qr_bar(q, r, q_bar, r_bar)
        half = half_tril(r @ np.swapaxes(r_bar, -1, -2) - np.swapaxes(q_bar, -1, -2) @ q)
        g = q_bar + q @ (half + np.swapaxes(half, -1, -2))
    return np.swapaxes(np.linalg.solve(r, np.swapaxes(g, -1, -2)), -1, -2)


@differential(np.linalg.svd)
def svd(a: Any, full_matrices: Any = True, compute_uv: Any = True, *, out: Any, a_dot: Any) -> Any:
    if not compute_uv:
        u, _, vh = np.linalg.svd(a, full_matrices=False)
        if np.iscomplexobj(a):
            return complex_matrices.svdvals(u, vh, a_dot)
        return np.sum(u * (a_dot @ np.swapaxes(vh, -1, -2)), axis=-2)
    if np.iscomplexobj(a):
        return complex_matrices.svd(full_matrices, out, a, a_dot)
    u, s, vh = out
    if full_matrices:
        k = np.shape(s)[-1]
        u, u_rest, vh, vh_rest = u[..., :k], u[..., k:], vh[..., :k, :], vh[..., k:, :]
    uT, v = np.swapaxes(u, -1, -2), np.swapaxes(vh, -1, -2)
    p = uT @ a_dot @ v
    pT = np.swapaxes(p, -1, -2)
    row, column = np.expand_dims(s, -2), np.expand_dims(s, -1)
    gaps = row * row - column * column
    same = gaps == 0.0
    turn = 1.0 / (gaps + same) - same
    av, atu = a_dot @ v, np.swapaxes(a_dot, -1, -2) @ u
    inverse = 1.0 / np.where(row == 0.0, np.inf, row)
    u_dot = u @ (turn * (p * row + column * pT)) + (av - u @ p) * inverse
    v_dot = v @ (turn * (column * p + pT * row)) + (atu - v @ pT) * inverse
    vh_dot = np.swapaxes(v_dot, -1, -2)
    if full_matrices:
        u_dot = np.concatenate([u_dot, completing(-u @ np.swapaxes(u_dot, -1, -2) @ u_rest)], axis=-1)
        rest = np.swapaxes(completing(-v @ vh_dot @ np.swapaxes(vh_rest, -1, -2)), -1, -2)
        vh_dot = np.concatenate([vh_dot, rest], axis=-2)
    return u_dot, np.diagonal(p, 0, -2, -1), vh_dot


@pullback(np.linalg.svd, "a")
def svd_bar(a: Any, full_matrices: Any = True, compute_uv: Any = True, *, out: Any, out_bar: Any) -> Any:
    if not compute_uv:
        u, _, vh = np.linalg.svd(a, full_matrices=False)
        if np.iscomplexobj(a):
            return complex_matrices.svdvals_bar(u, vh, out_bar)
        return (u * np.expand_dims(out_bar, -2)) @ vh
    if np.iscomplexobj(a):
        return complex_matrices.svd_bar(full_matrices, out, out_bar, a)
    u, s, vh = out
    u_bar, s_bar, vh_bar = out_bar
    if full_matrices:
        k = np.shape(s)[-1]
        u, u_rest, vh, vh_rest = u[..., :k], u[..., k:], vh[..., :k, :], vh[..., k:, :]
        u_bar = u_bar[..., :k] - beside(u_rest, u_bar[..., k:]) @ u
        v_rest, rest_bar = np.swapaxes(vh_rest, -1, -2), np.swapaxes(vh_bar[..., k:, :], -1, -2)
        vh_bar = vh_bar[..., :k, :] - vh @ np.swapaxes(beside(v_rest, rest_bar), -1, -2)
    v, v_bar = np.swapaxes(vh, -1, -2), np.swapaxes(vh_bar, -1, -2)
    row, column = np.expand_dims(s, -2), np.expand_dims(s, -1)
    gaps = row * row - column * column
    same = gaps == 0.0
    turn = 1.0 / (gaps + same) - same
    uu, vv = np.swapaxes(u, -1, -2) @ u_bar, vh @ v_bar
    core = turn * (uu - np.swapaxes(uu, -1, -2)) * row + column * (turn * (vv - np.swapaxes(vv, -1, -2)))
    inverse = 1.0 / np.where(row == 0.0, np.inf, row)
    left = u * np.expand_dims(s_bar, -2) + u @ core + (u_bar - u @ uu) * inverse
    return left @ vh + u @ np.swapaxes((v_bar - v @ vv) * inverse, -1, -2)


# --- the same, broadened

real_only(linalg.eigh, linalg.svd)


def over_gaps(gaps: Any, broadening: Any) -> Any:
    """``1 / gaps``, of those that are small less and less."""
    size = gaps * gaps + broadening * broadening
    return gaps / np.where(size == 0.0, np.inf, size)


@differential(linalg.eigh)
def eigh_apart(a: Any, broadening: Any = 0.0, *, out: Any, a_dot: Any) -> Any:
    w, v = out
    half = half_tril(a_dot)
    s = np.swapaxes(v, -1, -2) @ (half + np.swapaxes(half, -1, -2)) @ v
    turn = over_gaps(np.expand_dims(w, -2) - np.expand_dims(w, -1), broadening)
    return np.diagonal(s, 0, -2, -1), v @ (s * turn)


@pullback(linalg.eigh, "a")
def eigh_apart_bar(a: Any, broadening: Any = 0.0, *, out: Any, out_bar: Any) -> Any:
    w, v = out
    w_bar, v_bar = out_bar
    vT = np.swapaxes(v, -1, -2)
    turn = over_gaps(np.expand_dims(w, -2) - np.expand_dims(w, -1), broadening)
    s = (v @ ((vT @ v_bar) * turn) + v * np.expand_dims(w_bar, -2)) @ vT
    return half_tril(s + np.swapaxes(s, -1, -2))


@differential(linalg.svd)
def svd_apart(a: Any, broadening: Any = 0.0, *, out: Any, a_dot: Any) -> Any:
    u, s, vh = out
    uT, v = np.swapaxes(u, -1, -2), np.swapaxes(vh, -1, -2)
    p = uT @ a_dot @ v
    pT = np.swapaxes(p, -1, -2)
    row, column = np.expand_dims(s, -2), np.expand_dims(s, -1)
    turn = over_gaps(row * row - column * column, broadening)
    inverse = 1.0 / np.where(row == 0.0, np.inf, row)
    u_dot = u @ (turn * (p * row + column * pT)) + (a_dot @ v - u @ p) * inverse
    v_dot = v @ (turn * (column * p + pT * row)) + (np.swapaxes(a_dot, -1, -2) @ u - v @ pT) * inverse
    return u_dot, np.diagonal(p, 0, -2, -1), np.swapaxes(v_dot, -1, -2)


@pullback(linalg.svd, "a")
def svd_apart_bar(a: Any, broadening: Any = 0.0, *, out: Any, out_bar: Any) -> Any:
    u, s, vh = out
    u_bar, s_bar, vh_bar = out_bar
    v_bar = np.swapaxes(vh_bar, -1, -2)
    row, column = np.expand_dims(s, -2), np.expand_dims(s, -1)
    turn = over_gaps(row * row - column * column, broadening)
    uu, vv = np.swapaxes(u, -1, -2) @ u_bar, vh @ v_bar
    core = turn * (uu - np.swapaxes(uu, -1, -2)) * row + column * (turn * (vv - np.swapaxes(vv, -1, -2)))
    inverse = 1.0 / np.where(row == 0.0, np.inf, row)
    left = u * np.expand_dims(s_bar, -2) + u @ core + (u_bar - u @ uu) * inverse
    return left @ vh + u @ np.swapaxes((v_bar - np.swapaxes(vh, -1, -2) @ vv) * inverse, -1, -2)


@differential(np.linalg.svdvals)
def svdvals(x: Any, *, x_dot: Any) -> Any:
    u, _, vh = np.linalg.svd(x, full_matrices=False)
    if np.iscomplexobj(x):
        return complex_matrices.svdvals(u, vh, x_dot)
    return np.sum(u * (x_dot @ np.swapaxes(vh, -1, -2)), axis=-2)


@pullback(np.linalg.svdvals, "x")
def svdvals_bar(x: Any, *, out_bar: Any) -> Any:
    u, _, vh = np.linalg.svd(x, full_matrices=False)
    if np.iscomplexobj(x):
        return complex_matrices.svdvals_bar(u, vh, out_bar)
    return (u * np.expand_dims(out_bar, -2)) @ vh


@linear(half_tril, "x")
def half_tril_rule(x: Any, *, out_bar: Any) -> Any:
    return half_tril(out_bar)


@linear(square, "r")
def square_rule(r: Any, *, out_bar: Any) -> Any:
    return out_bar


@linear(completing, "x_dot")
def completing_rule(x_dot: Any, *, out_bar: Any) -> Any:
    return completed(out_bar)


@linear(complete, "x_dot")
def complete_rule(x_dot: Any, *, out_bar: Any) -> Any:
    return out_bar


@linear(completed, "x_bar")
def completed_rule(x_bar: Any, *, out_bar: Any) -> Any:
    return out_bar


@bilinear(beside, "x", "x_bar")
def beside_rule(x: Any, x_bar: Any, *, out_bar: Any) -> Any:
    return out_bar @ x_bar, np.swapaxes(out_bar, -1, -2) @ x
