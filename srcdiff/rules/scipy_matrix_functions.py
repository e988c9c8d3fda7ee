"""Rules for functions of matrices and matrix equations of ``scipy.linalg``.

- N. Higham, Functions of Matrices, SIAM, 2008, theorem 3.6: for every function of matrices
  ``f([[A, E], [0, A]]) == [[f(A), L(A, E)], [0, f(A)]]``, where ``L`` is its derivative at ``A`` along ``E``;
- A. Al-Mohy and N. Higham, Computing the Frechet derivative of the matrix exponential, SIAM J. Matrix Anal.
  Appl. 30, 2009;
- the equations themselves (Sylvester, Lyapunov, Riccati), differentiated.  In the Riccati equations the
  feedback ``K`` is optimal, so that its own derivative drops out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from srcdiff.rules.registry import differential, pullback, real_only

T = Any

real_only(
    scipy.linalg.solve_continuous_lyapunov, scipy.linalg.solve_discrete_lyapunov,
    scipy.linalg.solve_continuous_are, scipy.linalg.solve_discrete_are,
)  # fmt: skip


# --- functions of matrices


def beside_itself(A: T, E: T) -> T:
    """The matrix ``[[A, E], [0, A]]``."""
    return np.kron(np.eye(2), A) + np.kron(np.eye(2, k=1), E)


@differential(scipy.linalg.expm)
def expm(A: T, *, A_dot: T) -> T:
    if np.ndim(A) == 2:
        return scipy.linalg.expm_frechet(A, A_dot, compute_expm=False)
    n = np.shape(A)[-1]
    return scipy.linalg.expm(beside_itself(A, A_dot))[..., :n, n:]


@pullback(scipy.linalg.expm, "A")
def expm_bar(A: T, *, out_bar: T) -> T:
    if np.ndim(A) == 2:
        return scipy.linalg.expm_frechet(A.T, out_bar, compute_expm=False)
    turned = np.swapaxes(A, -1, -2)
    n = np.shape(A)[-1]
    return scipy.linalg.expm(beside_itself(turned, out_bar))[..., :n, n:]


@differential(scipy.linalg.expm_frechet)
def expm_frechet(A: T, E: T, method: T = None, compute_expm: T = True, *, A_dot: T, E_dot: T) -> T:
    whole = scipy.linalg.expm_frechet(beside_itself(A, E), beside_itself(A_dot, E_dot), compute_expm=False)
    n = np.shape(A)[0]
    if compute_expm:
        return whole[:n, :n], whole[:n, n:]
    return whole[:n, n:]


@pullback(scipy.linalg.expm_frechet, "A", "E")
def expm_frechet_bar(A: T, E: T, method: T = None, compute_expm: T = True, *, out_bar: T) -> T:
    n = np.shape(A)[0]
    if compute_expm:
        bar = np.kron(np.eye(2, k=1), out_bar[1]) + np.kron([[1.0, 0.0], [0.0, 0.0]], out_bar[0])
    else:
        bar = np.kron(np.eye(2, k=1), out_bar)
    bar = scipy.linalg.expm_frechet(beside_itself(A, E).T, bar, compute_expm=False)
    return bar[:n, :n] + bar[n:, n:], bar[:n, n:]


@differential(scipy.linalg.sqrtm)
def sqrtm(A: T, *, out: T, A_dot: T) -> T:
    return scipy.linalg.solve_sylvester(out, out, A_dot)


@pullback(scipy.linalg.sqrtm, "A")
def sqrtm_bar(A: T, *, out: T, out_bar: T) -> T:
    return scipy.linalg.solve_sylvester(out.T, out.T, out_bar)


@differential(scipy.linalg.logm)
def logm(A: T, *, A_dot: T) -> T:
    n = np.shape(A)[0]
    return scipy.linalg.logm(beside_itself(A, A_dot))[:n, n:]


@pullback(scipy.linalg.logm, "A")
def logm_bar(A: T, *, out_bar: T) -> T:
    n = np.shape(A)[0]
    return scipy.linalg.logm(beside_itself(A.T, out_bar))[:n, n:]


@differential(scipy.linalg.fractional_matrix_power)
def fractional_matrix_power(A: T, t: T, *, out: T, A_dot: T, t_dot: T) -> T:
    n = np.shape(A)[0]
    power_dot = scipy.linalg.fractional_matrix_power(beside_itself(A, A_dot), t)[:n, n:]
    return power_dot + t_dot * (scipy.linalg.logm(A) @ out)


@pullback(scipy.linalg.fractional_matrix_power, "A", "t")
def fractional_matrix_power_bar(A: T, t: T, *, out: T, out_bar: T) -> T:
    n = np.shape(A)[0]
    both = beside_itself(A.T, out_bar)
    A_bar = scipy.linalg.fractional_matrix_power(both, t)[:n, n:]
    return A_bar, np.sum(out_bar * (scipy.linalg.logm(A) @ out))


def by_blocks(fn: T) -> None:
    """The rules of a function of matrices, by its own values at matrices of blocks."""

    @differential(fn)
    def along(A: T, *, A_dot: T) -> T:
        n = np.shape(A)[-1]
        return fn(beside_itself(A, A_dot))[..., :n, n:]

    @pullback(fn, "A")
    def back(A: T, *, out_bar: T) -> T:
        n = np.shape(A)[-1]
        return fn(beside_itself(np.swapaxes(A, -1, -2), out_bar))[..., :n, n:]


for _fn in (
    scipy.linalg.cosm, scipy.linalg.sinm, scipy.linalg.tanm, scipy.linalg.coshm, scipy.linalg.sinhm,
    scipy.linalg.tanhm,
):  # fmt: skip
    by_blocks(_fn)


# --- matrix equations


@differential(scipy.linalg.solve_sylvester)
def solve_sylvester(a: T, b: T, q: T, *, out: T, a_dot: T, b_dot: T, q_dot: T) -> T:
    return scipy.linalg.solve_sylvester(a, b, q_dot - a_dot @ out - out @ b_dot)


@pullback(scipy.linalg.solve_sylvester, "a", "b", "q")
def solve_sylvester_bar(a: T, b: T, q: T, *, out: T, out_bar: T) -> T:
    g = scipy.linalg.solve_sylvester(a.T, b.T, out_bar)
    return -g @ out.T, -out.T @ g, g


@differential(scipy.linalg.solve_continuous_lyapunov)
def solve_continuous_lyapunov(a: T, q: T, *, out: T, a_dot: T, q_dot: T) -> T:
    return scipy.linalg.solve_continuous_lyapunov(a, q_dot - a_dot @ out - out @ a_dot.T)


@pullback(scipy.linalg.solve_continuous_lyapunov, "a", "q")
def solve_continuous_lyapunov_bar(a: T, q: T, *, out: T, out_bar: T) -> T:
    g = scipy.linalg.solve_continuous_lyapunov(a.T, out_bar)
    return -(g @ out.T + g.T @ out), g


@differential(scipy.linalg.solve_discrete_lyapunov)
def solve_discrete_lyapunov(a: T, q: T, method: T = None, *, out: T, a_dot: T, q_dot: T) -> T:
    moved = a_dot @ out @ a.T + a @ out @ a_dot.T
    return scipy.linalg.solve_discrete_lyapunov(a, q_dot + moved, method)


@pullback(scipy.linalg.solve_discrete_lyapunov, "a", "q")
def solve_discrete_lyapunov_bar(a: T, q: T, method: T = None, *, out: T, out_bar: T) -> T:
    g = scipy.linalg.solve_discrete_lyapunov(a.T, out_bar, method)
    return g @ a @ out.T + g.T @ a @ out, g


@differential(scipy.linalg.solve_continuous_are)
def solve_continuous_are(
    a: T, b: T, q: T, r: T, e: T = None, s: T = None, balanced: T = True,
    *, out: T, a_dot: T, b_dot: T, q_dot: T, r_dot: T,
) -> T:  # fmt: skip
    if e is not None or s is not None:
        raise NotImplementedError("the derivative of scipy.linalg.solve_continuous_are needs no e and no s")
    k = np.linalg.solve(r, b.T @ out)
    change = out @ (a_dot - b_dot @ k)
    rest = q_dot + k.T @ r_dot @ k + change + change.T
    return scipy.linalg.solve_continuous_lyapunov((a - b @ k).T, -rest)


@pullback(scipy.linalg.solve_continuous_are, "a", "b", "q", "r")
def solve_continuous_are_bar(
    a: T, b: T, q: T, r: T, e: T = None, s: T = None, balanced: T = True, *, out: T, out_bar: T
) -> T:
    if e is not None or s is not None:
        raise NotImplementedError("the derivative of scipy.linalg.solve_continuous_are needs no e and no s")
    k = np.linalg.solve(r, b.T @ out)
    g = -scipy.linalg.solve_continuous_lyapunov(a - b @ k, out_bar)
    a_bar = out @ (g + g.T)
    return a_bar, -a_bar @ k.T, g, k @ g @ k.T


@differential(scipy.linalg.solve_discrete_are)
def solve_discrete_are(
    a: T, b: T, q: T, r: T, e: T = None, s: T = None, balanced: T = True,
    *, out: T, a_dot: T, b_dot: T, q_dot: T, r_dot: T,
) -> T:  # fmt: skip
    if e is not None or s is not None:
        raise NotImplementedError("the derivative of scipy.linalg.solve_discrete_are needs no e and no s")
    k = np.linalg.solve(r + b.T @ out @ b, b.T @ out @ a)
    closed = a - b @ k
    change = closed.T @ out @ (a_dot - b_dot @ k)
    rest = q_dot + k.T @ r_dot @ k + change + change.T
    return scipy.linalg.solve_discrete_lyapunov(closed.T, rest)


@pullback(scipy.linalg.solve_discrete_are, "a", "b", "q", "r")
def solve_discrete_are_bar(
    a: T, b: T, q: T, r: T, e: T = None, s: T = None, balanced: T = True, *, out: T, out_bar: T
) -> T:
    if e is not None or s is not None:
        raise NotImplementedError("the derivative of scipy.linalg.solve_discrete_are needs no e and no s")
    k = np.linalg.solve(r + b.T @ out @ b, b.T @ out @ a)
    closed = a - b @ k
    g = scipy.linalg.solve_discrete_lyapunov(closed, out_bar)
    a_bar = out @ closed @ (g + g.T)
    return a_bar, -a_bar @ k.T, g, k @ g @ k.T
