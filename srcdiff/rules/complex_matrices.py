r"""Texts for factorisations of complex matrices, called by the rules of the real ones.

They are those of real ones with conjugate transposes, and a phase: what LAPACK leaves real stays real.
With :math:`U^H \dot U` and the like antihermitian, its imaginary diagonal is given by

- ``cholesky`` and ``qr``: the diagonal of the triangular factor is real (``potrf``, ``geqrf``);
- ``eigh``: the first row of the vectors is real where the lower triangle is read, the last where the upper is
  (``hetrd`` leaves that row and column of its reflectors alone);
- ``svd``: the first column of ``vh`` is real, of matrices with fewer rows than columns the first row of ``u``
  (``gebrd``).

An entry there that is zero fixes no phase, and functions that ask for one have no derivative then.
Cotangents are without conjugation, as everywhere: :math:`\mathrm{Re} \sum \bar X_{ij} \dot X_{ij}`.
Z.-Q. Wan and S.-X. Zhang, Automatic differentiation for complex valued SVD, arXiv:1909.02659, 2019.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from srcdiff.runtime.arrays import resized
from srcdiff.runtime.linalg import beside, completing, half_tril, square

T = Any


def adjoint(x: T) -> T:
    """Conjugate transposes."""
    return np.conj(np.swapaxes(x, -1, -2))


def turned(x: T) -> T:
    """Transposes."""
    return np.swapaxes(x, -1, -2)


def on_diagonal(d: T) -> T:
    """Diagonal matrices."""
    return np.expand_dims(d, -1) * np.eye(np.shape(d)[-1])


def cholesky(upper: T, out: T, a_dot: T) -> T:
    """The tangent of the factor."""
    if upper:
        out, a_dot = adjoint(out), adjoint(a_dot)
    half = half_tril(a_dot)
    left = np.linalg.solve(out, half + adjoint(half))
    out_dot = out @ half_tril(np.linalg.solve(out, adjoint(left)))
    return adjoint(out_dot) if upper else out_dot


def cholesky_bar(upper: T, out: T, out_bar: T) -> T:
    """The cotangent of the triangle that is read."""
    if upper:
        out, out_bar = adjoint(out), adjoint(out_bar)
    back = adjoint(out)
    left = np.linalg.solve(back, half_tril(back @ np.conj(out_bar)))
    s = adjoint(np.linalg.solve(back, adjoint(left)))
    a_bar = np.conj(half_tril(s + adjoint(s)))
    return adjoint(a_bar) if upper else a_bar


def over(x: T) -> T:
    """Reciprocals; of zeros, zero."""
    return np.where(x == 0.0, 0.0, 1.0 / np.where(x == 0.0, 1.0, x))


def eigh(lower: T, w: T, v: T, a_dot: T) -> T:
    """The tangents of the values and of the vectors."""
    half = half_tril(a_dot) if lower else half_tril(adjoint(a_dot))
    s = adjoint(v) @ (half + adjoint(half)) @ v
    gaps = np.expand_dims(w, -2) - np.expand_dims(w, -1)
    same = gaps == 0.0
    turn = v @ (s * (1.0 / (gaps + same) - same))
    kept, moved = (v[..., :1, :], turn[..., :1, :]) if lower else (v[..., -1:, :], turn[..., -1:, :])
    return np.real(np.diagonal(s, 0, -2, -1)), turn - 1j * v * np.imag(moved * over(kept))


def eigh_bar(lower: T, w: T, v: T, w_bar: T, v_bar: T) -> T:
    """The cotangent of the triangle that is read."""
    gaps = np.expand_dims(w, -2) - np.expand_dims(w, -1)
    same = gaps == 0.0
    phase = -np.imag(np.sum(v_bar * v, axis=-2, keepdims=True))
    rows = np.expand_dims(np.arange(np.shape(v)[-1]), -1)
    kept = rows == (0 if lower else np.shape(v)[-1] - 1)
    turn_bar = v_bar + np.where(kept, 1j * phase * over(v), 0.0)
    s_bar = (turned(v) @ turn_bar) * (1.0 / (gaps + same) - same) + on_diagonal(w_bar)
    both = np.conj(v) @ s_bar @ turned(v)
    a_bar = half_tril(both + adjoint(both))
    return a_bar if lower else adjoint(a_bar)


def eigvalsh(lower: T, v: T, a_dot: T) -> T:
    """The tangent of the values."""
    half = half_tril(a_dot) if lower else half_tril(adjoint(a_dot))
    return np.real(np.sum(np.conj(v) * ((half + adjoint(half)) @ v), axis=-2))


def eigvalsh_bar(lower: T, v: T, out_bar: T) -> T:
    """The cotangent of the triangle that is read."""
    a_bar = half_tril(2.0 * (np.conj(v) * np.expand_dims(out_bar, -2)) @ turned(v))
    return a_bar if lower else adjoint(a_bar)


def qr(q: T, r: T, a_dot: T) -> T:
    """The tangents of both factors."""
    c = turned(np.linalg.solve(turned(square(r)), turned(a_dot)))
    s = adjoint(q) @ c
    lower = np.tril(s, -1)
    turn = lower - adjoint(lower) + 1j * on_diagonal(np.imag(np.diagonal(s, 0, -2, -1)))
    return q @ (turn - s) + c, (s - turn) @ r


def qr_bar(q: T, r: T, q_bar: T, r_bar: T) -> T:
    """The cotangent of the matrix; ``q_bar`` may be None."""
    m = -r_bar @ turned(r) if q_bar is None else turned(q) @ q_bar - r_bar @ turned(r)
    s_bar = np.tril(m - adjoint(m), -1) - m + 1j * on_diagonal(np.imag(np.diagonal(m, 0, -2, -1)))
    c_bar = np.conj(q) @ s_bar if q_bar is None else q_bar + np.conj(q) @ s_bar
    return turned(np.linalg.solve(square(r), turned(c_bar)))


def slogdet(a: T, sign: T, a_dot: T) -> T:
    """The tangents of the phase and of the logarithm."""
    trace = np.trace(np.linalg.solve(a, a_dot), axis1=-2, axis2=-1)
    return 1j * sign * np.imag(trace), np.real(trace)


def slogdet_bar(a: T, sign: T, sign_bar: T, log_bar: T) -> T:
    """The cotangent of the matrix."""
    trace_bar = log_bar + 1j * np.imag(sign_bar * sign)
    return np.expand_dims(trace_bar, (-2, -1)) * turned(np.linalg.inv(a))


def svdvals(u: T, vh: T, a_dot: T) -> T:
    """The tangent of the values."""
    return np.real(np.sum(np.conj(u) * (a_dot @ adjoint(vh)), axis=-2))


def svdvals_bar(u: T, vh: T, out_bar: T) -> T:
    """The cotangent of the matrix."""
    return (np.conj(u) * np.expand_dims(out_bar, -2)) @ np.conj(vh)


def svd(full_matrices: T, out: T, a: T, a_dot: T) -> T:
    """The tangents of the three factors."""
    u, s, vh = out
    if full_matrices:
        k = np.shape(s)[-1]
        u, u_rest, vh, vh_rest = u[..., :k], u[..., k:], vh[..., :k, :], vh[..., k:, :]
    v = adjoint(vh)
    p = adjoint(u) @ a_dot @ v
    row, column = np.expand_dims(s, -2), np.expand_dims(s, -1)
    gaps = row * row - column * column
    same = gaps == 0.0
    turn = 1.0 / (gaps + same) - same
    inverse = 1.0 / np.where(row == 0.0, np.inf, row)
    phases = 1j * np.imag(np.diagonal(p, 0, -2, -1)) / np.where(s == 0.0, np.inf, s)
    u_dot = u @ (turn * (p * row + column * adjoint(p)) + on_diagonal(phases))
    u_dot = u_dot + (a_dot @ v - u @ p) * inverse
    v_dot = v @ (turn * (column * p + adjoint(p) * row)) + (adjoint(a_dot) @ u - v @ adjoint(p)) * inverse
    if np.shape(a)[-2] < np.shape(a)[-1]:
        phase = np.imag(u_dot[..., :1, :] * over(u[..., :1, :]))
    else:
        phase = np.imag(v_dot[..., :1, :] * over(v[..., :1, :]))
    u_dot, vh_dot = u_dot - 1j * u * phase, adjoint(v_dot - 1j * v * phase)
    if full_matrices:
        u_dot = np.concatenate([u_dot, completing(-u @ adjoint(u_dot) @ u_rest)], axis=-1)
        rest = adjoint(completing(-v @ vh_dot @ adjoint(vh_rest)))
        vh_dot = np.concatenate([vh_dot, rest], axis=-2)
    return u_dot, np.real(np.diagonal(p, 0, -2, -1)), vh_dot


def svd_bar(full_matrices: T, out: T, out_bar: T, a: T) -> T:
    """The cotangent of the matrix."""
    u, s, vh = out
    u_bar, s_bar, vh_bar = out_bar
    if full_matrices:
        k = np.shape(s)[-1]
        u, u_rest, vh, vh_rest = u[..., :k], u[..., k:], vh[..., :k, :], vh[..., k:, :]
        # (columns that complete a basis have no phase: their cotangents are zero, or this is an error)
        u_bar = u_bar[..., :k] - beside(u_rest, u_bar[..., k:]) @ u
        rest = beside(turned(vh_rest), turned(vh_bar[..., k:, :]))
        vh_bar = vh_bar[..., :k, :] - vh @ rest
    v, v_bar = adjoint(vh), adjoint(vh_bar)
    row, column = np.expand_dims(s, -2), np.expand_dims(s, -1)
    gaps = row * row - column * column
    same = gaps == 0.0
    turn = 1.0 / (gaps + same) - same
    inverse = 1.0 / np.where(row == 0.0, np.inf, row)
    phase = -np.imag(np.sum(u_bar * u, axis=-2, keepdims=True) + np.sum(v_bar * v, axis=-2, keepdims=True))
    if np.shape(a)[-2] < np.shape(a)[-1]:
        first = np.expand_dims(np.arange(np.shape(u)[-2]), -1) == 0
        u_bar = u_bar + np.where(first, 1j * phase * over(u), 0.0)
    else:
        first = np.expand_dims(np.arange(np.shape(v)[-2]), -1) == 0
        v_bar = v_bar + np.where(first, 1j * phase * over(v), 0.0)
    uu, vv = turned(u) @ u_bar, turned(v) @ v_bar
    along_u, along_v = u_bar * inverse, v_bar * inverse
    p_bar = uu * turn * row + adjoint(uu * turn * column) + vv * turn * column + adjoint(vv * turn * row)
    lengths = 1j * np.imag(np.diagonal(uu, 0, -2, -1)) / np.where(s == 0.0, np.inf, s)
    p_bar = p_bar + on_diagonal(lengths + s_bar) - turned(u) @ along_u - adjoint(turned(v) @ along_v)
    return np.conj(u) @ p_bar @ turned(v) + along_u @ turned(v) + np.conj(u @ turned(along_v))


def pinv(a: T, out: T, a_dot: T) -> T:
    """The tangent of the pseudo-inverse."""
    left, right = out @ adjoint(out) @ adjoint(a_dot), adjoint(a_dot) @ adjoint(out) @ out
    return left - left @ a @ out + right - out @ a @ right - out @ a_dot @ out


def pinv_bar(a: T, out: T, out_bar: T) -> T:
    """The cotangent of the matrix."""
    left = turned(out_bar) @ out @ adjoint(out)
    right = adjoint(out) @ out @ turned(out_bar)
    both = left - a @ out @ left + right - right @ out @ a
    return np.conj(both) - turned(out) @ out_bar @ turned(out)


def lstsq(a: T, b: T, out: T, a_dot: T, b_dot: T) -> T:
    """The tangents of the solution, of the sums of squares, of the rank, of the singular values."""
    x = out[0]
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    p = (adjoint(vh) / s) @ adjoint(u)
    back = adjoint(a_dot)
    r, r_dot, w = b - a @ x, b_dot - a_dot @ x, back @ (adjoint(p) @ x)
    x_dot = p @ (r_dot + adjoint(p) @ (back @ r)) + w - p @ (a @ w)
    squares_dot = np.real(np.reshape(np.sum(2.0 * np.conj(r) * r_dot, axis=0), -1))
    return x_dot, squares_dot, 0, np.real(np.sum(np.conj(u) * (a_dot @ adjoint(vh)), axis=0))


def lstsq_bar(a: T, b: T, out: T, out_bar: T) -> T:
    """The cotangents of the matrix and of the right-hand side."""
    x, x_bar = out[0], out_bar[0]
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    p = (adjoint(vh) / s) @ adjoint(u)
    g, r, w = p.T @ x_bar, np.conj(b - a @ x), np.conj(adjoint(p) @ x)
    y, h = np.conj(x_bar) - p @ (a @ np.conj(x_bar)), p @ np.conj(g)
    if np.ndim(b) == 1:
        b_bar = g + 2.0 * np.real(np.sum(out_bar[1])) * r
        a_bar = np.outer(r, h) - np.outer(b_bar, x) + np.outer(w, y)
    else:
        b_bar = g + 2.0 * np.real(resized(out_bar[1], x[0], 0)) * r
        a_bar = r @ h.T - b_bar @ x.T + w @ y.T
    return a_bar + (np.conj(u) * out_bar[3]) @ np.conj(vh), b_bar
