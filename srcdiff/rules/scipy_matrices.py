"""Functions of ``scipy.linalg`` that are others put together."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from srcdiff.rules.registry import definition

T = Any


@definition(scipy.linalg.pinvh, "a")
def pinvh(
    a: T, atol: T = None, rtol: T = None, lower: T = True, return_rank: T = False, check_finite: T = True
) -> T:
    """The pseudoinverse of a symmetric matrix, of which one triangle is read."""
    if return_rank or np.iscomplexobj(a) or atol is not None or rtol is not None:
        return NotImplemented
    half = np.tril(a, -1) if lower else np.triu(a, 1)
    return scipy.linalg.pinv(half + np.diag(np.diag(a)) + half.T)


@definition(scipy.linalg.signm, "A")
def signm(A: T, disp: T = None) -> T:
    """The sign of a matrix whose eigenvalues are off the imaginary axis."""
    if disp is not None:
        return NotImplemented
    return scipy.linalg.solve(scipy.linalg.sqrtm(A @ A), A)


@definition(scipy.linalg.orthogonal_procrustes, "A", "B")
def orthogonal_procrustes(A: T, B: T, check_finite: T = True) -> T:
    """The rotation that takes one matrix closest to another, and the sum of the singular values."""
    product = A.T @ B
    return scipy.linalg.polar(product)[0], np.sum(scipy.linalg.svdvals(product))


@definition(scipy.linalg.subspace_angles, "A", "B")
def subspace_angles(A: T, B: T) -> T:
    """The angles between the spaces that the columns of two matrices span: by sines where they are small."""
    p, q = np.linalg.qr(A)[0], np.linalg.qr(B)[0]
    if np.shape(p)[1] < np.shape(q)[1]:
        p, q = q, p
    cosines = scipy.linalg.svdvals(p.T @ q)
    sines = scipy.linalg.svdvals(q - p @ (p.T @ q))
    near = cosines**2 >= 0.5
    small = np.arcsin(np.where(near[::-1], sines, 0.0))
    return np.where(near[::-1], small, np.arccos(np.where(near, 0.0, cosines))[::-1])


@definition(scipy.linalg.diagsvd, "s")
def diagsvd(s: T, M: T, N: T) -> T:
    """The singular values as a matrix."""
    k = np.shape(s)[0]
    return np.pad(np.diag(s), ((0, M - k), (0, N - k)))


@definition(scipy.linalg.fiedler, "a")
def fiedler(a: T) -> T:
    """The distances of numbers from each other."""
    if np.ndim(a) != 1:
        return NotImplemented
    return abs(np.expand_dims(a, 1) - a)


@definition(scipy.linalg.qr_multiply, "a", "c")
def qr_multiply(
    a: T, c: T, mode: T = "right", pivoting: T = False, conjugate: T = False, overwrite_a: T = False,
    overwrite_c: T = False,
) -> T:  # fmt: skip
    """The product with the orthogonal factor."""
    if pivoting or conjugate or np.ndim(a) != 2:
        return NotImplemented
    q, r = scipy.linalg.qr(a, mode="economic")
    return (q @ c if mode == "left" else c @ q), r


# --- matrices given by their bands --------------------------------------------------------------------------


def lower_part(ab: T, lower: T) -> T:
    """The lower triangle of the symmetric matrix that has these bands."""
    width, n = np.shape(ab)
    out = np.zeros((n, n))
    for k in range(width):
        out = out + np.diag(ab[k, : n - k] if lower else ab[width - 1 - k, k:], -k)
    return out


def bands_of(part: T, ab: T, lower: T) -> T:
    """The bands of a lower triangle; what LAPACK does not look at stays as it was."""
    width, n = np.shape(ab)
    if lower:
        return np.stack([np.concatenate((np.diagonal(part, -k), ab[k, n - k :])) for k in range(width)])
    return np.stack(
        [np.concatenate((ab[r, : width - 1 - r], np.diagonal(part, r + 1 - width))) for r in range(width)]
    )


@definition(scipy.linalg.eigvals_banded, "a_band")
def eigvals_banded(
    a_band: T, lower: T = False, overwrite_a_band: T = False, select: T = "a", select_range: T = None,
    check_finite: T = True,
) -> T:  # fmt: skip
    """The eigenvalues of a symmetric matrix given by its bands."""
    if select != "a" or np.ndim(a_band) != 2 or np.iscomplexobj(a_band):
        return NotImplemented
    return scipy.linalg.eigvalsh(lower_part(a_band, lower))


@definition(scipy.linalg.eig_banded, "a_band")
def eig_banded(
    a_band: T, lower: T = False, eigvals_only: T = False, overwrite_a_band: T = False, select: T = "a",
    select_range: T = None, max_ev: T = 0, check_finite: T = True,
) -> T:  # fmt: skip
    """The eigenvalues of a symmetric matrix given by its bands; of its vectors the signs are LAPACK's own."""
    if select != "a" or not eigvals_only or np.ndim(a_band) != 2 or np.iscomplexobj(a_band):
        return NotImplemented
    return scipy.linalg.eigvalsh(lower_part(a_band, lower))


@definition(scipy.linalg.cholesky_banded, "ab")
def cholesky_banded(ab: T, overwrite_ab: T = False, lower: T = False, check_finite: T = True) -> T:
    """The bands of the Cholesky factor."""
    if np.ndim(ab) != 2 or np.iscomplexobj(ab):
        return NotImplemented
    part = lower_part(ab, lower)
    factor = np.linalg.cholesky(part + np.tril(part, -1).T)
    return bands_of(factor, ab, lower)


@definition(scipy.linalg.cho_solve_banded, "b")
def cho_solve_banded(cb_and_lower: T, b: T, overwrite_b: T = False, check_finite: T = True) -> T:
    """The solution of a linear system, by the bands of its Cholesky factor."""
    cb, lower = cb_and_lower
    if np.iscomplexobj(cb):
        return NotImplemented
    factor = lower_part(cb, lower)
    return scipy.linalg.solve_triangular(
        factor, scipy.linalg.solve_triangular(factor, b, lower=True), trans=1, lower=True
    )
