"""Rules for ``scipy.linalg``: what NumPy does not have, or has with fewer options.

The sources are those of `systems` and `factorisations`.

Where a solver is told that its matrix is symmetric (or triangular) it reads one triangle, and the cotangent
of the matrix lies in that triangle.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from srcdiff.rules import complex_matrices, factorisations, norms, scipy_reasons, systems
from srcdiff.rules.registry import (
    bilinear,
    differential,
    linear,
    nondifferentiable,
    pullback,
    real_only,
    shapes_only,
    takes_nested,
    takes_sequence,
)
from srcdiff.runtime.arrays import unbroadcast
from srcdiff.runtime.linalg import (
    along_diagonals,
    band_outer,
    band_product,
    band_transposed,
    cofactors,
    diagonal_sums,
    half_tril,
    permutation,
    square,
)

T = Any

nondifferentiable(
    scipy.linalg.issymmetric, scipy.linalg.ishermitian, scipy.linalg.bandwidth, scipy.linalg.dft,
    scipy.linalg.hadamard, scipy.linalg.helmert, scipy.linalg.hilbert, scipy.linalg.invhilbert,
    scipy.linalg.pascal, scipy.linalg.invpascal, permutation,
)  # fmt: skip
shapes_only(along_diagonals, "x")
takes_nested(
    scipy.linalg.cho_solve, scipy.linalg.lu_solve, scipy.linalg.solve_toeplitz, scipy.linalg.matmul_toeplitz
)
takes_sequence(scipy.linalg.block_diag)
real_only(
    scipy.linalg.rq,
    scipy.linalg.polar, scipy.linalg.solveh_banded, scipy.linalg.eigh_tridiagonal,
    scipy.linalg.eigvalsh_tridiagonal, scipy.linalg.khatri_rao, scipy.linalg.toeplitz,
    scipy.linalg.solve_toeplitz, scipy.linalg.matmul_toeplitz,
)  # fmt: skip


# --- linear systems


def entries_read(a_dot: T, a: T, assume_a: T, lower: T) -> T:
    """The change of the matrix that a solver sees, which was told of its structure."""
    if assume_a in ("sym", "symmetric", "her", "hermitian", "pos", "positive definite"):
        half = half_tril(a_dot) if lower else np.swapaxes(half_tril(np.swapaxes(a_dot, -1, -2)), -1, -2)
        if np.iscomplexobj(a) and assume_a not in ("sym", "symmetric"):
            return half + np.conj(np.swapaxes(half, -1, -2))
        return half + np.swapaxes(half, -1, -2)
    if assume_a == "lower triangular":
        return np.tril(a_dot)
    if assume_a == "upper triangular":
        return np.triu(a_dot)
    if assume_a == "diagonal":
        return np.tril(np.triu(a_dot))
    if assume_a == "tridiagonal":
        return np.tril(np.triu(a_dot, -1), 1)
    if assume_a not in (None, "gen", "general", "banded"):
        raise NotImplementedError("the derivative knows no such assume_a=")
    return a_dot


def entries_read_bar(a_bar: T, a: T, assume_a: T, lower: T) -> T:
    """The transpose of `entries_read`."""
    if assume_a in ("sym", "symmetric", "her", "hermitian", "pos", "positive definite"):
        both = a_bar + np.swapaxes(a_bar, -1, -2)
        if np.iscomplexobj(a) and assume_a not in ("sym", "symmetric"):
            both = a_bar + np.conj(np.swapaxes(a_bar, -1, -2))
        return half_tril(both) if lower else np.swapaxes(half_tril(np.swapaxes(both, -1, -2)), -1, -2)
    return entries_read(a_bar, a, assume_a, lower)


def outer_bar(g: T, x: T) -> T:
    """``g x^T``, of vectors, matrices and stacks of matrices."""
    if np.ndim(g) == 1 and np.ndim(x) == 1:
        return np.outer(g, x)
    if np.ndim(g) == 2 and np.ndim(x) == 2:
        return g @ x.T
    return g @ np.swapaxes(x, -1, -2)


@differential(scipy.linalg.solve)
def solve(
    a: T, b: T, lower: T = False, overwrite_a: T = False, overwrite_b: T = False, check_finite: T = True,
    assume_a: T = None, transposed: T = False, *, out: T, a_dot: T, b_dot: T,
) -> T:  # fmt: skip
    a_dot = entries_read(a_dot, a, assume_a, lower)
    if transposed:
        a_dot = np.swapaxes(a_dot, -1, -2)
    if np.ndim(a) > 2 and np.ndim(b) == 1:
        raise NotImplementedError("scipy.linalg.solve of many matrices: b needs as many dimensions")
    return scipy.linalg.solve(a, b_dot - a_dot @ out, lower, assume_a=assume_a, transposed=transposed)


@pullback(scipy.linalg.solve, "a", "b")
def solve_bar(
    a: T, b: T, lower: T = False, overwrite_a: T = False, overwrite_b: T = False, check_finite: T = True,
    assume_a: T = None, transposed: T = False, *, out: T, out_bar: T,
) -> T:  # fmt: skip
    if np.ndim(a) > 2 and np.ndim(b) == 1:
        raise NotImplementedError("scipy.linalg.solve of many matrices: b needs as many dimensions")
    if np.iscomplexobj(a) or np.iscomplexobj(out_bar):
        turned = assume_a
        if assume_a == "upper triangular":
            turned = "lower triangular"
        elif assume_a == "lower triangular":
            turned = "upper triangular"
        g = scipy.linalg.solve(np.swapaxes(a, -1, -2), out_bar, not lower, assume_a=turned)
    else:
        g = scipy.linalg.solve(a, out_bar, lower, assume_a=assume_a, transposed=not transposed)
    a_bar = -outer_bar(out, g) if transposed else -outer_bar(g, out)
    if np.ndim(a) == 2 and np.ndim(b) <= 2:
        return entries_read_bar(a_bar, a, assume_a, lower), g
    return unbroadcast(entries_read_bar(a_bar, a, assume_a, lower), a), unbroadcast(g, b)


@differential(scipy.linalg.solve_triangular)
def solve_triangular(
    a: T, b: T, trans: T = 0, lower: T = False, unit_diagonal: T = False, *, out: T, a_dot: T, b_dot: T
) -> T:
    skip = 1 if unit_diagonal else 0
    a_dot = np.tril(a_dot, -skip) if lower else np.triu(a_dot, skip)
    if trans in (1, "T"):
        a_dot = np.swapaxes(a_dot, -1, -2)
    elif trans not in (0, "N"):
        raise NotImplementedError("the derivative of scipy.linalg.solve_triangular needs trans 0 or 1")
    return scipy.linalg.solve_triangular(a, b_dot - a_dot @ out, trans, lower, unit_diagonal)


@pullback(scipy.linalg.solve_triangular, "a", "b")
def solve_triangular_bar(
    a: T, b: T, trans: T = 0, lower: T = False, unit_diagonal: T = False, *, out: T, out_bar: T
) -> T:
    if trans not in (0, 1, "N", "T"):
        raise NotImplementedError("the derivative of scipy.linalg.solve_triangular needs trans 0 or 1")
    skip = 1 if unit_diagonal else 0
    turned = trans in (1, "T")
    g = scipy.linalg.solve_triangular(a, out_bar, 0 if turned else 1, lower, unit_diagonal)
    a_bar = -outer_bar(out, g) if turned else -outer_bar(g, out)
    return (np.tril(a_bar, -skip) if lower else np.triu(a_bar, skip)), g


@differential(scipy.linalg.inv)
def inv(
    a: T, overwrite_a: T = False, check_finite: T = True, assume_a: T = None, lower: T = False,
    *, out: T, a_dot: T,
) -> T:  # fmt: skip
    return -out @ entries_read(a_dot, a, assume_a, lower) @ out


@pullback(scipy.linalg.inv, "a")
def inv_bar(
    a: T, overwrite_a: T = False, check_finite: T = True, assume_a: T = None, lower: T = False,
    *, out: T, out_bar: T,
) -> T:  # fmt: skip
    if a.ndim == 2:
        return entries_read_bar(-out.T @ out_bar @ out.T, a, assume_a, lower)
    turned = np.swapaxes(out, -1, -2)
    return entries_read_bar(-turned @ out_bar @ turned, a, assume_a, lower)


@differential(scipy.linalg.det)
def det(a: T, *, a_dot: T) -> T:
    return np.sum(cofactors(a) * a_dot, axis=(-2, -1))


@pullback(scipy.linalg.det, "a")
def det_bar(a: T, *, out_bar: T) -> T:
    if a.ndim == 2:
        return out_bar * cofactors(a)
    return np.expand_dims(out_bar, (-2, -1)) * cofactors(a)


@differential(scipy.linalg.pinv)
def pinv(a: T, atol: T = None, rtol: T = None, return_rank: T = False, *, out: T, a_dot: T) -> T:
    if return_rank:
        raise NotImplementedError("the derivative of scipy.linalg.pinv needs return_rank=False")
    return systems.pinv(a, out=out, a_dot=a_dot)


@pullback(scipy.linalg.pinv, "a")
def pinv_bar(a: T, atol: T = None, rtol: T = None, return_rank: T = False, *, out: T, out_bar: T) -> T:
    if return_rank:
        raise NotImplementedError("the derivative of scipy.linalg.pinv needs return_rank=False")
    return systems.pinv_bar(a, out=out, out_bar=out_bar)


@differential(scipy.linalg.lstsq)
def lstsq(
    a: T, b: T, cond: T = None, overwrite_a: T = False, overwrite_b: T = False, check_finite: T = True,
    lapack_driver: T = None, *, out: T, a_dot: T, b_dot: T,
) -> T:  # fmt: skip
    if lapack_driver == "gelsy":
        raise NotImplementedError("the derivative of scipy.linalg.lstsq needs another lapack_driver")
    parts = out[0], np.ravel(out[1]), 0, 0
    x_dot, squares_dot, none, values_dot = systems.lstsq(a, b, out=parts, a_dot=a_dot, b_dot=b_dot)
    return x_dot, np.reshape(squares_dot, np.shape(out[1])), none, values_dot


@pullback(scipy.linalg.lstsq, "a", "b")
def lstsq_bar(
    a: T, b: T, cond: T = None, overwrite_a: T = False, overwrite_b: T = False, check_finite: T = True,
    lapack_driver: T = None, *, out: T, out_bar: T,
) -> T:  # fmt: skip
    if lapack_driver == "gelsy":
        raise NotImplementedError("the derivative of scipy.linalg.lstsq needs another lapack_driver")
    return systems.lstsq_bar(a, b, out=out, out_bar=out_bar)


# --- factorisations, and solving with them


@differential(scipy.linalg.cholesky)
def cholesky(a: T, lower: T = False, *, out: T, a_dot: T) -> T:
    return factorisations.cholesky(a, not lower, out=out, a_dot=a_dot)


@pullback(scipy.linalg.cholesky, "a")
def cholesky_bar(a: T, lower: T = False, *, out: T, out_bar: T) -> T:
    return factorisations.cholesky_bar(a, not lower, out=out, out_bar=out_bar)


# the other triangle of the factor is that of the matrix, as it was (zeros from SciPy 1.18 on)
OF_THE_MATRIX = scipy.linalg.cho_factor(np.array([[2.0, 1.0], [1.0, 2.0]]))[0][1, 0] != 0.0


@differential(scipy.linalg.cho_factor)
def cho_factor(a: T, lower: T = False, *, out: T, a_dot: T) -> T:
    if lower:
        factor_dot = factorisations.cholesky(a, False, out=np.tril(out[0]), a_dot=a_dot)
        return factor_dot + np.triu(a_dot, 1) if OF_THE_MATRIX else factor_dot, False
    factor_dot = factorisations.cholesky(a, True, out=np.triu(out[0]), a_dot=a_dot)
    return factor_dot + np.tril(a_dot, -1) if OF_THE_MATRIX else factor_dot, False


@pullback(scipy.linalg.cho_factor, "a")
def cho_factor_bar(a: T, lower: T = False, *, out: T, out_bar: T) -> T:
    g = out_bar[0]
    if lower:
        a_bar = factorisations.cholesky_bar(a, False, out=np.tril(out[0]), out_bar=np.tril(g))
        return a_bar + np.triu(g, 1) if OF_THE_MATRIX else a_bar
    a_bar = factorisations.cholesky_bar(a, True, out=np.triu(out[0]), out_bar=np.triu(g))
    return a_bar + np.tril(g, -1) if OF_THE_MATRIX else a_bar


@differential(scipy.linalg.cho_solve)
def cho_solve(c_and_lower: T, b: T, *, out: T, c_and_lower_dot: T, b_dot: T) -> T:
    c, lower = c_and_lower
    if np.iscomplexobj(c):
        factor, factor_dot = np.tril(c), np.tril(c_and_lower_dot[0])
        if not lower:
            factor, factor_dot = np.conj(np.triu(c).T), np.conj(np.triu(c_and_lower_dot[0]).T)
        moved = factor_dot @ (np.conj(factor.T) @ out) + factor @ (np.conj(factor_dot.T) @ out)
        return scipy.linalg.cho_solve((c, lower), b_dot - moved)
    if lower:
        factor, factor_dot = np.tril(c), np.tril(c_and_lower_dot[0])
    else:
        factor, factor_dot = np.triu(c).T, np.triu(c_and_lower_dot[0]).T
    residual = b_dot - factor_dot @ (factor.T @ out) - factor @ (factor_dot.T @ out)
    return scipy.linalg.cho_solve((c, lower), residual)


@pullback(scipy.linalg.cho_solve, "c_and_lower", "b")
def cho_solve_bar(c_and_lower: T, b: T, *, out: T, out_bar: T) -> T:
    c, lower = c_and_lower
    if np.iscomplexobj(c):
        g = np.conj(scipy.linalg.cho_solve((c, lower), np.conj(out_bar)))
        factor = np.tril(c) if lower else np.conj(np.triu(c).T)
        bar = outer_bar(g, out) @ np.conj(factor) + np.conj(outer_bar(out, g) @ factor)
        return (-np.tril(bar) if lower else -np.triu(np.conj(bar.T)), False), g
    g = scipy.linalg.cho_solve((c, lower), out_bar)
    s = outer_bar(g, out) + outer_bar(out, g)
    if lower:
        return (-np.tril(s @ np.tril(c)), False), g
    return (-np.triu(np.triu(c) @ s), False), g


def lu_dots(lower: T, upper: T, a_dot: T) -> T:
    """The tangents of both factors, from that of their product."""
    left = scipy.linalg.solve_triangular(square(lower), a_dot, 0, True, True)
    core = scipy.linalg.solve_triangular(square(upper), left.T, 1).T
    return lower @ np.tril(core, -1), np.triu(core) @ upper


def lu_bars(lower: T, upper: T, lower_bar: T, upper_bar: T) -> T:
    """The cotangent of the product, from those of both factors."""
    core = np.tril(lower.T @ lower_bar, -1) + np.triu(upper_bar @ upper.T)
    left = scipy.linalg.solve_triangular(square(lower), core, 1, True, True)
    return scipy.linalg.solve_triangular(square(upper), left.T).T


@differential(scipy.linalg.lu)
def lu(
    a: T, permute_l: T = False, overwrite_a: T = False, check_finite: T = True, p_indices: T = False,
    *, out: T, a_dot: T,
) -> T:  # fmt: skip
    if np.ndim(a) != 2:
        raise NotImplementedError("the derivative of scipy.linalg.lu is for one matrix at a time")
    if permute_l:
        p, lower, upper = scipy.linalg.lu(a)
    else:
        p, lower, upper = out
    if p_indices and not permute_l:
        lower_dot, upper_dot = lu_dots(lower, upper, a_dot[np.argsort(p)])
        return np.zeros_like(p), lower_dot, upper_dot
    lower_dot, upper_dot = lu_dots(lower, upper, p.T @ a_dot)
    if permute_l:
        return p @ lower_dot, upper_dot
    return np.zeros_like(p), lower_dot, upper_dot


@pullback(scipy.linalg.lu, "a")
def lu_bar(
    a: T, permute_l: T = False, overwrite_a: T = False, check_finite: T = True, p_indices: T = False,
    *, out: T, out_bar: T,
) -> T:  # fmt: skip
    if np.ndim(a) != 2:
        raise NotImplementedError("the derivative of scipy.linalg.lu is for one matrix at a time")
    if permute_l:
        p, lower, upper = scipy.linalg.lu(a)
        return p @ lu_bars(lower, upper, p.T @ out_bar[0], out_bar[1])
    p, lower, upper = out
    if p_indices:
        return lu_bars(lower, upper, out_bar[1], out_bar[2])[p]
    return p @ lu_bars(lower, upper, out_bar[1], out_bar[2])


@differential(scipy.linalg.lu_factor)
def lu_factor(a: T, *, out: T, a_dot: T) -> T:
    packed, piv = out
    lower = np.tril(packed, -1) + np.eye(np.shape(packed)[0], dtype=packed.dtype)
    lower_dot, upper_dot = lu_dots(lower, np.triu(packed), a_dot[permutation(piv)])
    return lower_dot + upper_dot, np.zeros_like(piv)


@pullback(scipy.linalg.lu_factor, "a")
def lu_factor_bar(a: T, *, out: T, out_bar: T) -> T:
    packed, piv = out
    lower = np.tril(packed, -1) + np.eye(np.shape(packed)[0], dtype=packed.dtype)
    bar = lu_bars(lower, np.triu(packed), out_bar[0], out_bar[0])
    return bar[np.argsort(permutation(piv))]


@differential(scipy.linalg.lu_solve)
def lu_solve(lu_and_piv: T, b: T, trans: T = 0, *, out: T, lu_and_piv_dot: T, b_dot: T) -> T:
    packed, piv = lu_and_piv
    packed_dot = lu_and_piv_dot[0]
    order = permutation(piv)
    back = np.argsort(order)
    lower = np.tril(packed, -1) + np.eye(np.shape(packed)[0], dtype=packed.dtype)
    if trans == 0:
        moved = np.tril(packed_dot, -1) @ (np.triu(packed) @ out) + lower @ (np.triu(packed_dot) @ out)
        return scipy.linalg.lu_solve((packed, piv), b_dot - moved[back])
    x = out[order]
    moved = np.triu(packed).T @ (np.tril(packed_dot, -1).T @ x) + np.triu(packed_dot).T @ (lower.T @ x)
    return scipy.linalg.lu_solve((packed, piv), b_dot - moved, trans)


@pullback(scipy.linalg.lu_solve, "lu_and_piv", "b")
def lu_solve_bar(lu_and_piv: T, b: T, trans: T = 0, *, out: T, out_bar: T) -> T:
    packed, piv = lu_and_piv
    order = permutation(piv)
    lower = np.tril(packed, -1) + np.eye(np.shape(packed)[0], dtype=packed.dtype)
    upper = np.triu(packed)
    if trans == 0:
        g = scipy.linalg.lu_solve((packed, piv), out_bar, 1)
        h = g[order]
        bar = np.tril(outer_bar(h, upper @ out), -1) + np.triu(outer_bar(lower.T @ h, out))
    else:
        g = scipy.linalg.lu_solve((packed, piv), out_bar)
        x = out[order]
        bar = np.tril(outer_bar(x, upper @ g), -1) + np.triu(outer_bar(lower.T @ x, g))
    return (-bar, np.zeros_like(piv)), g


@differential(scipy.linalg.qr)
def qr(
    a: T, overwrite_a: T = False, lwork: T = None, mode: T = "full", pivoting: T = False,
    *, out: T, a_dot: T,
) -> T:  # fmt: skip
    if mode == "raw" or np.ndim(a) != 2:
        raise NotImplementedError("the derivative of scipy.linalg.qr needs one matrix, and another mode=")
    if mode == "r":
        r = square(out[0])
        a, a_dot = (a[:, out[1]], a_dot[:, out[1]]) if pivoting else (a, a_dot)
        r_dot = factorisations.qr(a, "r", out=r, a_dot=a_dot)
        if pivoting:
            return r_dot, np.zeros_like(out[1])
        return (r_dot,)
    if pivoting:
        q_dot, r_dot = factorisations.qr(a, "reduced", out=(out[0], square(out[1])), a_dot=a_dot[:, out[2]])
        return q_dot, r_dot, np.zeros_like(out[2])
    return factorisations.qr(a, "reduced", out=(out[0], square(out[1])), a_dot=a_dot)


@pullback(scipy.linalg.qr, "a")
def qr_bar(
    a: T, overwrite_a: T = False, lwork: T = None, mode: T = "full", pivoting: T = False,
    *, out: T, out_bar: T,
) -> T:  # fmt: skip
    if mode == "raw" or np.ndim(a) != 2:
        raise NotImplementedError("the derivative of scipy.linalg.qr needs one matrix, and another mode=")
    if mode == "r":
        if pivoting:
            bar = factorisations.qr_bar(a[:, out[1]], "r", out=out[0], out_bar=out_bar[0])
            return bar[:, np.argsort(out[1])]
        return factorisations.qr_bar(a, "r", out=out[0], out_bar=out_bar[0])
    bar = factorisations.qr_bar(a, "reduced", out=(out[0], out[1]), out_bar=(out_bar[0], out_bar[1]))
    if pivoting:
        return bar[:, np.argsort(out[2])]
    return bar


@differential(scipy.linalg.rq)
def rq(a: T, overwrite_a: T = False, lwork: T = None, mode: T = "full", *, out: T, a_dot: T) -> T:
    if mode == "r" or np.ndim(a) != 2:
        raise NotImplementedError("the derivative of scipy.linalg.rq needs one matrix, and another mode=")
    r, q = out
    c = scipy.linalg.solve_triangular(square(r), a_dot)
    x = c @ q.T
    lower = np.tril(x, -1)
    turn = lower - lower.T
    return r @ (x - turn), (turn - x) @ q + c


@pullback(scipy.linalg.rq, "a")
def rq_bar(a: T, overwrite_a: T = False, lwork: T = None, mode: T = "full", *, out: T, out_bar: T) -> T:
    if mode == "r" or np.ndim(a) != 2:
        raise NotImplementedError("the derivative of scipy.linalg.rq needs one matrix, and another mode=")
    r, q = out
    r_bar, q_bar = out_bar
    x_bar = r.T @ r_bar
    turn_bar = q_bar @ q.T - x_bar
    x_bar = x_bar - q_bar @ q.T + np.tril(turn_bar - turn_bar.T, -1)
    return scipy.linalg.solve_triangular(square(r), q_bar + x_bar @ q, 1)


@differential(scipy.linalg.svd)
def svd(a: T, full_matrices: T = True, compute_uv: T = True, overwrite_a: T = False,
        check_finite: T = True, lapack_driver: T = "gesdd", *, out: T, a_dot: T) -> T:  # fmt: skip
    return factorisations.svd(a, full_matrices, compute_uv, out=out, a_dot=a_dot)


@pullback(scipy.linalg.svd, "a")
def svd_bar(a: T, full_matrices: T = True, compute_uv: T = True, overwrite_a: T = False,
            check_finite: T = True, lapack_driver: T = "gesdd", *, out: T, out_bar: T) -> T:  # fmt: skip
    return factorisations.svd_bar(a, full_matrices, compute_uv, out=out, out_bar=out_bar)


@differential(scipy.linalg.svdvals)
def svdvals(a: T, *, a_dot: T) -> T:
    return factorisations.svdvals(a, x_dot=a_dot)


@pullback(scipy.linalg.svdvals, "a")
def svdvals_bar(a: T, *, out_bar: T) -> T:
    return factorisations.svdvals_bar(a, out_bar=out_bar)


@differential(scipy.linalg.polar)
def polar(a: T, side: T = "right", *, out: T, a_dot: T) -> T:
    turn = out[0]
    w, s, vh = np.linalg.svd(a, full_matrices=False)
    m = w.T @ a_dot @ vh.T
    turn_dot = w @ ((m - m.T) / (s + np.expand_dims(s, -1))) @ vh
    turn_dot = turn_dot + ((a_dot - w @ (w.T @ a_dot)) @ vh.T / s) @ vh
    turn_dot = turn_dot + (w / s) @ (w.T @ (a_dot - (a_dot @ vh.T) @ vh))
    if side == "right":
        return turn_dot, turn_dot.T @ a + turn.T @ a_dot
    return turn_dot, a_dot @ turn.T + a @ turn_dot.T


@pullback(scipy.linalg.polar, "a")
def polar_bar(a: T, side: T = "right", *, out: T, out_bar: T) -> T:
    turn = out[0]
    turn_bar, p_bar = out_bar
    w, s, vh = np.linalg.svd(a, full_matrices=False)
    if side == "right":
        a_bar, g = turn @ p_bar, turn_bar + a @ p_bar.T
    else:
        a_bar, g = p_bar @ turn, turn_bar + p_bar.T @ a
    m = (w.T @ g @ vh.T) / (s + np.expand_dims(s, -1))
    a_bar = a_bar + w @ (m - m.T) @ vh
    left, right = ((g @ vh.T) / s) @ vh, (w / s) @ (w.T @ g)
    return a_bar + left - w @ (w.T @ left) + right - (right @ vh.T) @ vh


# --- eigenvalues


@differential(scipy.linalg.eigh)
def eigh(
    a: T, b: T = None, lower: T = True, eigvals_only: T = False, type: T = 1, subset_by_index: T = None,
    subset_by_value: T = None, driver: T = None, *, out: T, a_dot: T, b_dot: T,
) -> T:  # fmt: skip
    if type != 1 or np.ndim(a) != 2:
        raise NotImplementedError("the derivative of scipy.linalg.eigh needs one matrix, and type=1")
    if subset_by_index is not None or subset_by_value is not None:
        raise NotImplementedError("the derivative of scipy.linalg.eigh: take the subset after")
    w, v = scipy.linalg.eigh(a, b, lower=lower) if eigvals_only else out
    if np.iscomplexobj(a) or np.iscomplexobj(b):
        if b is not None:
            raise NotImplementedError("the derivative of scipy.linalg.eigh of complex matrices needs b=None")
        if eigvals_only:
            return complex_matrices.eigvalsh(lower, v, a_dot)
        return complex_matrices.eigh(lower, w, v, a_dot)
    s = v.T @ entries_read(a_dot, a, "sym", lower) @ v
    if b is None:
        if eigvals_only:
            return np.diagonal(s)
        gaps = w - np.expand_dims(w, -1)
        same = gaps == 0.0
        return np.diagonal(s), v @ (s * (1.0 / (gaps + same) - same))
    t = v.T @ entries_read(b_dot, b, "sym", lower) @ v
    s = s - t * w
    if eigvals_only:
        return np.diagonal(s)
    gaps = w - np.expand_dims(w, -1)
    same = gaps == 0.0
    return np.diagonal(s), v @ (s * (1.0 / (gaps + same) - same) - 0.5 * np.tril(np.triu(t)))


@pullback(scipy.linalg.eigh, "a", "b")
def eigh_bar(
    a: T, b: T = None, lower: T = True, eigvals_only: T = False, type: T = 1, subset_by_index: T = None,
    subset_by_value: T = None, driver: T = None, *, out: T, out_bar: T,
) -> T:  # fmt: skip
    if type != 1 or np.ndim(a) != 2:
        raise NotImplementedError("the derivative of scipy.linalg.eigh needs one matrix, and type=1")
    if subset_by_index is not None or subset_by_value is not None:
        raise NotImplementedError("the derivative of scipy.linalg.eigh: take the subset after")
    w, v = scipy.linalg.eigh(a, b, lower=lower) if eigvals_only else out
    if np.iscomplexobj(a) or np.iscomplexobj(b):
        if b is not None:
            raise NotImplementedError("the derivative of scipy.linalg.eigh of complex matrices needs b=None")
        if eigvals_only:
            return complex_matrices.eigvalsh_bar(lower, v, out_bar), None
        return complex_matrices.eigh_bar(lower, w, v, out_bar[0], out_bar[1]), None
    if eigvals_only:
        s = (v * out_bar) @ v.T
        a_bar = entries_read_bar(s, a, "sym", lower)
        if b is None:
            return a_bar, None
        return a_bar, entries_read_bar(-(v * (w * out_bar)) @ v.T, b, "sym", lower)
    w_bar, v_bar = out_bar
    gaps = w - np.expand_dims(w, -1)
    same = gaps == 0.0
    g = v.T @ v_bar
    core = g * (1.0 / (gaps + same) - same) + np.diag(w_bar)
    a_bar = entries_read_bar(v @ core @ v.T, a, "sym", lower)
    if b is None:
        return a_bar, None
    t_bar = -core * w - 0.5 * np.tril(np.triu(g))
    return a_bar, entries_read_bar(v @ t_bar @ v.T, b, "sym", lower)


@differential(scipy.linalg.eigvalsh)
def eigvalsh(a: T, b: T = None, lower: T = True, type: T = 1, subset_by_index: T = None,
             subset_by_value: T = None, driver: T = None, *, out: T, a_dot: T, b_dot: T) -> T:  # fmt: skip
    return eigh(a, b, lower, True, type, subset_by_index, subset_by_value, out=out, a_dot=a_dot, b_dot=b_dot)


@pullback(scipy.linalg.eigvalsh, "a", "b")
def eigvalsh_bar(a: T, b: T = None, lower: T = True, type: T = 1, subset_by_index: T = None,
                 subset_by_value: T = None, driver: T = None, *, out: T, out_bar: T) -> T:  # fmt: skip
    return eigh_bar(a, b, lower, True, type, subset_by_index, subset_by_value, out=out, out_bar=out_bar)


@differential(scipy.linalg.eigvals)
def eigvals(a: T, b: T = None, *, a_dot: T) -> T:
    if b is not None or np.ndim(a) != 2:
        raise NotImplementedError("the derivative of scipy.linalg.eigvals is for one matrix, without b")
    v = scipy.linalg.eig(a)[1]
    return np.sum(np.linalg.inv(v).T * (a_dot @ v), axis=0)


@pullback(scipy.linalg.eigvals, "a")
def eigvals_bar(a: T, b: T = None, *, out_bar: T) -> T:
    if b is not None or np.ndim(a) != 2:
        raise NotImplementedError("the derivative of scipy.linalg.eigvals is for one matrix, without b")
    v = scipy.linalg.eig(a)[1]
    a_bar = (np.linalg.inv(v).T * out_bar) @ v.T
    return a_bar if np.iscomplexobj(a) else np.real(a_bar)


@differential(scipy.linalg.eig)
def eig(a: T, b: T = None, left: T = False, right: T = True, *, out: T, a_dot: T) -> T:
    # LAPACK's vectors have length one, and their largest entry is real
    if b is not None or left or not right or np.ndim(a) != 2:
        raise NotImplementedError("the derivative of scipy.linalg.eig needs left=False and no b")
    w, v = out
    c = np.linalg.solve(v, a_dot @ v)
    gaps = w - np.expand_dims(w, -1)
    same = gaps == 0.0
    turn = v @ (c * (1.0 / (gaps + same) - same))
    at = np.argmax(abs(v), axis=0)
    columns = np.arange(np.shape(v)[1])
    length = np.real(np.sum(np.conj(v) * turn, axis=0))
    phase = np.imag(turn[at, columns] / v[at, columns])
    return np.diagonal(c), turn - v * (length + 1j * phase)


@pullback(scipy.linalg.eig, "a")
def eig_bar(a: T, b: T = None, left: T = False, right: T = True, *, out: T, out_bar: T) -> T:
    if b is not None or left or not right or np.ndim(a) != 2:
        raise NotImplementedError("the derivative of scipy.linalg.eig needs left=False and no b")
    return factorisations.eig_bar(a, out=out, out_bar=out_bar)


@differential(scipy.linalg.eigvalsh_tridiagonal)
def eigvalsh_tridiagonal(d: T, e: T, select: T = "a", select_range: T = None, *, d_dot: T, e_dot: T) -> T:
    v = scipy.linalg.eigh_tridiagonal(d, e, False, select, select_range)[1]
    return d_dot @ (v * v) + e_dot @ (2.0 * v[1:] * v[:-1])


@pullback(scipy.linalg.eigvalsh_tridiagonal, "d", "e")
def eigvalsh_tridiagonal_bar(d: T, e: T, select: T = "a", select_range: T = None, *, out_bar: T) -> T:
    v = scipy.linalg.eigh_tridiagonal(d, e, False, select, select_range)[1]
    return (v * v) @ out_bar, (2.0 * v[1:] * v[:-1]) @ out_bar


@differential(scipy.linalg.eigh_tridiagonal)
def eigh_tridiagonal(
    d: T, e: T, eigvals_only: T = False, select: T = "a", select_range: T = None,
    *, out: T, d_dot: T, e_dot: T,
) -> T:  # fmt: skip
    if eigvals_only or select != "a":
        raise NotImplementedError("scipy.linalg.eigh_tridiagonal: its derivative needs all of it")
    w, v = out
    u = np.expand_dims(e_dot, -1)
    s = v.T @ (np.expand_dims(d_dot, -1) * v) + v[:-1].T @ (u * v[1:]) + v[1:].T @ (u * v[:-1])
    gaps = w - np.expand_dims(w, -1)
    same = gaps == 0.0
    return np.diagonal(s), v @ (s * (1.0 / (gaps + same) - same))


@pullback(scipy.linalg.eigh_tridiagonal, "d", "e")
def eigh_tridiagonal_bar(
    d: T, e: T, eigvals_only: T = False, select: T = "a", select_range: T = None, *, out: T, out_bar: T
) -> T:
    if eigvals_only or select != "a":
        raise NotImplementedError("scipy.linalg.eigh_tridiagonal: its derivative needs all of it")
    w, v = out
    w_bar, v_bar = out_bar
    gaps = w - np.expand_dims(w, -1)
    same = gaps == 0.0
    left = v @ ((v.T @ v_bar) * (1.0 / (gaps + same) - same) + np.diag(w_bar))
    e_bar = np.sum(left[:-1] * v[1:] + left[1:] * v[:-1], axis=1)
    return np.sum(left * v, axis=1), e_bar


# --- matrices with structure


@linear(scipy.linalg.toeplitz, "c", "r")
def toeplitz(c: T, r: T = None, *, out_bar: T) -> T:
    if np.ndim(c) != 1:
        raise NotImplementedError("the derivative of scipy.linalg.toeplitz needs vectors")
    m = np.shape(c)[0]
    sums = diagonal_sums(out_bar)
    c_bar, r_bar = sums[:m][::-1], sums[m:]
    if r is None:
        return np.concatenate([c_bar[:1], c_bar[1:] + r_bar]), None
    return c_bar, np.concatenate([np.zeros_like(c_bar[:1]), r_bar])


@linear(scipy.linalg.hankel, "c", "r")
def hankel(c: T, r: T = None, *, out_bar: T) -> T:
    if np.ndim(c) != 1:
        raise NotImplementedError("the derivative of scipy.linalg.hankel needs vectors")
    m = np.shape(c)[0]
    sums = diagonal_sums(out_bar[::-1])
    if r is None:
        return sums[:m], None
    return sums[:m], np.concatenate([np.zeros_like(sums[:1]), sums[m:]])


@linear(scipy.linalg.circulant, "c")
def circulant(c: T, *, out_bar: T) -> T:
    if np.ndim(c) != 1:
        raise NotImplementedError("the derivative of scipy.linalg.circulant needs a vector")
    m = np.shape(c)[0]
    sums = diagonal_sums(out_bar)[::-1]
    return np.concatenate([sums[m - 1 : m], sums[m:] + sums[: m - 1]])


@linear(scipy.linalg.block_diag, "arrs")
def block_diag(*arrs: T, out_bar: T) -> T:
    bars: T = ()
    row, column = 0, 0
    for k in range(len(arrs)):
        m, n = np.shape(np.atleast_2d(arrs[k]))
        bars = (*bars, np.reshape(out_bar[row : row + m, column : column + n], np.shape(arrs[k])))
        row, column = row + m, column + n
    return bars


@linear(scipy.linalg.leslie, "f", "s")
def leslie(f: T, s: T, *, out_bar: T) -> T:
    if np.ndim(f) != 1:
        raise NotImplementedError("the derivative of scipy.linalg.leslie needs vectors")
    return out_bar[0], np.diagonal(out_bar, -1)


@bilinear(scipy.linalg.matmul_toeplitz, "c_or_cr", "x")
def matmul_toeplitz(c_or_cr: T, x: T, *, out_bar: T) -> T:
    if isinstance(c_or_cr, tuple):
        c, r = c_or_cr
        sums = diagonal_sums(outer_bar(out_bar, x))
        m = np.shape(c)[0]
        both = (sums[:m][::-1], np.concatenate([np.zeros_like(sums[:1]), sums[m:]]))
        return both, scipy.linalg.matmul_toeplitz((np.concatenate([c[:1], r[1:]]), c), out_bar)
    sums = diagonal_sums(outer_bar(out_bar, x))
    m = np.shape(c_or_cr)[0]
    c_bar = np.concatenate([sums[m - 1 : m], sums[: m - 1][::-1] + sums[m:]])
    return c_bar, scipy.linalg.matmul_toeplitz(c_or_cr, out_bar)


@linear(diagonal_sums, "x")
def diagonal_sums_rule(x: T, *, out_bar: T) -> T:
    return along_diagonals(out_bar, x)


@linear(along_diagonals, "sums")
def along_diagonals_rule(sums: T, x: T, *, out_bar: T) -> T:
    return diagonal_sums(out_bar)


@bilinear(scipy.linalg.khatri_rao, "a", "b")
def khatri_rao(a: T, b: T, *, out_bar: T) -> T:
    g = np.reshape(out_bar, (np.shape(a)[0], np.shape(b)[0], np.shape(a)[1]))
    return np.einsum("ijk,jk->ik", g, b), np.einsum("ijk,ik->jk", g, a)


@differential(scipy.linalg.solve_toeplitz)
def solve_toeplitz(c_or_cr: T, b: T, *, out: T, c_or_cr_dot: T, b_dot: T) -> T:
    if isinstance(c_or_cr, tuple):
        c, r = c_or_cr
        matrix_dot = scipy.linalg.toeplitz(
            c_or_cr_dot[0] + np.zeros_like(c), c_or_cr_dot[1] + np.zeros_like(r)
        )
    else:
        matrix_dot = scipy.linalg.toeplitz(c_or_cr_dot)
    return scipy.linalg.solve_toeplitz(c_or_cr, b_dot - matrix_dot @ out)


@pullback(scipy.linalg.solve_toeplitz, "c_or_cr", "b")
def solve_toeplitz_bar(c_or_cr: T, b: T, *, out: T, out_bar: T) -> T:
    if isinstance(c_or_cr, tuple):
        c, r = c_or_cr
        g = scipy.linalg.solve_toeplitz((np.concatenate([c[:1], r[1:]]), c), out_bar)
        sums = -diagonal_sums(outer_bar(g, out))
        m = np.shape(c)[0]
        return (sums[:m][::-1], np.concatenate([np.zeros_like(sums[:1]), sums[m:]])), g
    g = scipy.linalg.solve_toeplitz(c_or_cr, out_bar)
    sums = -diagonal_sums(outer_bar(g, out))
    m = np.shape(c_or_cr)[0]
    return np.concatenate([sums[m - 1 : m], sums[: m - 1][::-1] + sums[m:]]), g


@differential(scipy.linalg.solve_circulant)
def solve_circulant(c: T, b: T, *, out: T, c_dot: T, b_dot: T) -> T:
    if np.ndim(c) != 1:
        raise NotImplementedError("the derivative of scipy.linalg.solve_circulant needs a vector c")
    return scipy.linalg.solve_circulant(c, b_dot - scipy.linalg.circulant(c_dot) @ out)


@pullback(scipy.linalg.solve_circulant, "c", "b")
def solve_circulant_bar(c: T, b: T, *, out: T, out_bar: T) -> T:
    if np.ndim(c) != 1:
        raise NotImplementedError("the derivative of scipy.linalg.solve_circulant needs a vector c")
    g = scipy.linalg.solve_circulant(np.concatenate([c[:1], c[1:][::-1]]), out_bar)
    m = np.shape(c)[0]
    sums = -diagonal_sums(outer_bar(g, out))[::-1]
    return np.concatenate([sums[m - 1 : m], sums[m:] + sums[: m - 1]]), g


@differential(scipy.linalg.solve_banded)
def solve_banded(l_and_u: T, ab: T, b: T, *, out: T, ab_dot: T, b_dot: T) -> T:
    return scipy.linalg.solve_banded(l_and_u, ab, b_dot - band_product(l_and_u, ab_dot, out))


@pullback(scipy.linalg.solve_banded, "ab", "b")
def solve_banded_bar(l_and_u: T, ab: T, b: T, *, out: T, out_bar: T) -> T:
    g = scipy.linalg.solve_banded((l_and_u[1], l_and_u[0]), band_transposed(l_and_u, ab), out_bar)
    return -band_outer(l_and_u, g, out), g


@bilinear(band_product, "ab", "x")
def band_product_rule(l_and_u: T, ab: T, x: T, *, out_bar: T) -> T:
    back = (l_and_u[1], l_and_u[0])
    return band_outer(l_and_u, out_bar, x), band_product(back, band_transposed(l_and_u, ab), out_bar)


@bilinear(band_outer, "g", "x")
def band_outer_rule(l_and_u: T, g: T, x: T, *, out_bar: T) -> T:
    back = (l_and_u[1], l_and_u[0])
    return band_product(l_and_u, out_bar, x), band_product(back, band_transposed(l_and_u, out_bar), g)


@linear(band_transposed, "ab")
def band_transposed_rule(l_and_u: T, ab: T, *, out_bar: T) -> T:
    return band_transposed((l_and_u[1], l_and_u[0]), out_bar)


@differential(scipy.linalg.solveh_banded)
def solveh_banded(
    ab: T, b: T, overwrite_ab: T = False, overwrite_b: T = False, lower: T = False,
    *, out: T, ab_dot: T, b_dot: T,
) -> T:  # fmt: skip
    # the diagonals on the other side are those transposed
    u = np.shape(ab)[0] - 1
    if lower:
        one, other = (
            band_product((u, 0), ab_dot, out),
            band_product((0, u), band_transposed((u, 0), ab_dot), out),
        )
        middle = ab_dot[0]
    else:
        one, other = (
            band_product((0, u), ab_dot, out),
            band_product((u, 0), band_transposed((0, u), ab_dot), out),
        )
        middle = ab_dot[-1]
    twice = middle * out if np.ndim(out) == 1 else np.expand_dims(middle, -1) * out
    return scipy.linalg.solveh_banded(ab, b_dot - (one + other - twice), lower=lower)


@pullback(scipy.linalg.solveh_banded, "ab", "b")
def solveh_banded_bar(
    ab: T, b: T, overwrite_ab: T = False, overwrite_b: T = False, lower: T = False, *, out: T, out_bar: T
) -> T:
    u = np.shape(ab)[0] - 1
    g = scipy.linalg.solveh_banded(ab, out_bar, lower=lower)
    sides = (u, 0) if lower else (0, u)
    both = band_outer(sides, g, out) + band_outer(sides, out, g)
    weights = np.where(np.arange(u + 1) == (0 if lower else u), 0.5, 1.0)
    return -np.expand_dims(weights, -1) * both, g


@differential(scipy.linalg.norm)
def norm(a: T, ord: T = None, axis: T = None, keepdims: T = False, *, out: T, a_dot: T) -> T:
    return norms.norm(a, ord, axis, keepdims, out=out, x_dot=a_dot)


@pullback(scipy.linalg.norm, "a")
def norm_bar(a: T, ord: T = None, axis: T = None, keepdims: T = False, *, out: T, out_bar: T) -> T:
    return norms.norm_bar(a, ord, axis, keepdims, out=out, out_bar=out_bar)


scipy_reasons.declare("linalg", scipy.linalg)
