"""Sparse matrices whose entries vary, in programs: both modes and second order against differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")

import scipy.sparse as sp
import scipy.sparse.linalg as sl

from srcdiff import check_rule, grad
from srcdiff.errors import SrcdiffError

ROWS = np.array([0, 1, 2, 3, 0, 1, 2])
COLS = np.array([0, 1, 2, 3, 1, 2, 3])
X = np.array([0.1, 0.5, 0.3, 0.7])
STEP = sp.diags([-np.ones(5), np.ones(5)], [0, 1], shape=(5, 6)).tocsr()
STIFF = (STEP @ STEP.T).tocsr()


def by_entries(k):
    A = sp.csr_matrix((np.concatenate([2.0 + k, -k[:3]]), (ROWS, COLS)), shape=(4, 4))
    return np.sum(sl.spsolve(A, np.ones(4)) ** 2)


def by_entries_repeated(k):
    A = sp.coo_array((np.concatenate([2.0 + k, k]), (np.arange(8) % 4, np.arange(8) // 2)))
    return np.sum((A @ k) ** 2) + np.sum((k @ A) ** 3)


def by_rows(k):
    A = sp.csr_array((k, np.array([1, 0, 2, 1]), np.array([0, 1, 3, 4])), shape=(3, 3))
    return np.sum((A @ np.arange(6.0).reshape(3, 2)) ** 2) + A.toarray()[1, 2] ** 2


def by_columns(k):
    A = sp.csc_array((k, np.array([1, 0, 2, 1]), np.array([0, 1, 3, 4])), shape=(3, 3))
    return np.sum((A @ np.arange(3.0)) ** 2 * np.array([1.0, 2.0, 3.0]))


def by_diagonals(k):
    A = sp.diags([2.0 + k, -k[:3]], [0, 1]).tocsc()
    return np.sum(sl.spsolve(A, np.ones(4)) ** 2)


def by_numbers_on_diagonals(k):
    A = sp.diags_array([k[0], -2.0 * k[1], k[2]], offsets=[-1, 0, 1], shape=(5, 5))
    return np.sum((A @ np.arange(5.0)) ** 2) + A.trace() * k[3]


def by_columns_of_diagonals(k):
    A = sp.spdiags(np.stack([k, k**2]), [0, 1], 4, 4)
    return np.sum((A @ np.arange(1.0, 5.0)) ** 2)


def diffusion(k):
    """The usual way: differences, a coefficient in each cell, differences again."""
    A = STEP @ sp.diags(np.exp(k)) @ STEP.T * 36 + sp.eye(5)
    u = sl.spsolve(A.tocsc(), np.ones(5))
    return u @ u


def heat(p):
    """Implicit steps with factors made once."""
    lu = sl.splu((sp.eye(5) + p[0] * STIFF).tocsc())
    u = np.linspace(0.0, 1.0, 5)
    for _ in range(3):
        u = lu.solve(u * p[1])
    return np.sum(u**2)


def factored(p):
    solve = sl.factorized((sp.eye(5) * p[1] + p[0] * STIFF).tocsc())
    return np.sum(solve(np.ones(5)) ** 2)


def two_dimensions(p):
    T = sp.diags([p[0] * np.ones(3), -2 * p[0] * np.ones(4), p[1] * np.ones(3)], [-1, 0, 1])
    A = sp.kron(T, sp.eye(4)) + sp.kron(sp.eye(4), T)
    sums = np.asarray(A.sum(axis=1)).ravel()
    return np.sum(A @ np.arange(16.0)) * p[1] + A.diagonal().sum() + np.sum(sums**2) + A.sum() ** 2


def stacked(x):
    A = sp.csr_array(x.reshape(3, 2))
    B = sp.vstack([A, 2.0 * A, sp.eye_array(2)])
    C = sp.hstack([B, B])
    return np.sum((B.T @ B).toarray()) ** 2 + np.sum(C @ np.ones((4, 2)))


def arithmetic(x):
    A = sp.csr_array(x.reshape(2, 2))
    B = -(A * x[0] - A.T / x[1]).multiply(np.array([[1.0, 2.0], [3.0, 4.0]])) - sp.eye_array(2)
    return np.sum(B.toarray() ** 2) + np.sum(A.dot(x[:2]))


def in_a_loop(x):
    u = x.copy()
    for n in range(3):
        A = sp.diags([2.0 + u**2, -0.1 * np.ones(3)], [0, 1]).tocsr()
        u = u - 0.1 * (A @ u) + 0.01 * n
    return np.sum(u**2)


def inner_unknowns(p):
    n = 5
    k = p[0] + p[1] * np.arange(1.0, n + 1) ** 2
    i, j = np.arange(n), np.arange(1, n + 1)
    at = np.concatenate([i, i, j, j]), np.concatenate([i, j, i, j])
    K = sp.csr_matrix((np.concatenate([k, -k, -k, k]), at), shape=(n + 1, n + 1))
    u = np.zeros(n + 1)
    u[1:-1] = sl.spsolve(K[1:-1, 1:-1].tocsc(), np.full(n - 1, p[1]))
    return np.sum(u**2) + K[0, 1] * K[-1, -1]


def free_and_fixed(x):
    K = sp.csr_matrix(np.outer(x, x) + 3.0 * np.eye(4))
    free = np.setdiff1d(np.arange(4), np.array([1]))
    u = np.zeros(4)
    u[free] = sl.spsolve(K[free][:, free].tocsc(), x[free])
    return u @ K @ u + (K[1:2] @ u).sum() + K[np.ix_([0, 1], [1, 2])].sum() ** 2


def rows_by_mask(x):
    A = sp.csr_array((x**2, (np.arange(4), np.array([3, 0, 2, 0]))), shape=(4, 4))
    on = np.array([True, False, True, True])
    return np.sum((A[on] @ x) ** 2) + A[on][:, on].sum() * A[[0, 0, 1]].sum()


def block_of_constants(x):
    return np.sum((x[0] * STIFF[1:-1, 1:-1]) @ x[1:] ** 2) + np.sum(sl.spsolve(STIFF[1:, 1:].tocsc(), x))


CASES = [
    (inner_unknowns, np.array([0.5, 1.5])), (free_and_fixed, X), (rows_by_mask, X), (block_of_constants, X),
    (by_entries, X), (by_entries_repeated, X), (by_rows, X), (by_columns, X), (by_diagonals, X),
    (by_numbers_on_diagonals, X), (by_columns_of_diagonals, X), (diffusion, np.arange(6.0) / 5),
    (heat, np.array([0.1, 0.9])), (factored, np.array([0.1, 0.9])), (two_dimensions, np.array([0.3, 0.9])),
    (stacked, np.arange(1.0, 7.0)), (arithmetic, X), (in_a_loop, X),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].__name__)
def test_matrix(case: Any) -> None:
    f, x = case
    check_rule(f, (x,), tolerance=1e-6)


def test_text_does_not_fill_the_matrix() -> None:
    """A system of 20,000 unknowns: no dense matrix is made."""
    n = 20_000

    def f(k):
        A = sp.diags([2.0 + k, -np.ones(n - 1), -np.ones(n - 1)], [0, 1, -1]).tocsc()
        return np.sum(sl.spsolve(A, np.ones(n)))

    k = np.linspace(0.5, 1.0, n)
    got = grad(f)(k)
    A = sp.diags([2.0 + k, -np.ones(n - 1), -np.ones(n - 1)], [0, 1, -1]).tocsc()
    u = sl.spsolve(A, np.ones(n))
    np.testing.assert_allclose(got, -(u**2), rtol=1e-10)


def data_of_it(k):
    return np.sum(sp.csr_matrix((k, (ROWS[:4], COLS[:4])), shape=(4, 4)).data ** 2)


OUTSIDE = [sp.csr_matrix(np.array([[1.0, 2.0], [3.0, 4.0]])), sp.csr_array(np.eye(2))]


@pytest.mark.parametrize("outside", OUTSIDE, ids=["matrix", "array"])
def test_what_a_class_decides_is_refused(outside: Any) -> None:
    """``*`` and the shape of sums differ between matrices and arrays, and a call may bring either."""
    for f in (lambda p: ((p[0] * outside) * p).sum(), lambda p: np.sum((p[0] * outside).sum(axis=1) * p)):
        where = r"depends on the class of a sparse matrix[^|]*test_scipy_matrices"
        with pytest.raises(SrcdiffError, match=where):
            grad(f)(X[:2])


def entry_by_entry(k):
    A = sp.csr_matrix((k, (ROWS[:4], COLS[:4])), shape=(4, 4))
    return np.sum(A[np.array([0, 1]), np.array([0, 1])])


def row_of_an_array(k):
    return np.sum(sp.csr_array((k, (ROWS[:4], COLS[:4])), shape=(4, 4))[1] @ k)


REFUSED = [data_of_it, entry_by_entry, row_of_an_array]


@pytest.mark.parametrize("f", REFUSED, ids=lambda f: f.__name__)
def test_refused(f: Any) -> None:
    with pytest.raises(SrcdiffError, match="test_scipy_matrices"):
        grad(f)(X)


def assembled(x, n):
    A = sp.lil_matrix((n, n))
    for i in range(n):
        A[i, i] = 2.0 + x[i]
        if i > 0:
            A[i, i - 1] = -x[i]
            A[i - 1, i] = -1.0
    return np.sum(sl.spsolve(A.tocsr(), np.arange(1.0, n + 1)))


def added_up(x):
    A = sp.dok_matrix((4, 4))
    for e in range(3):
        for a in range(2):
            for b in range(2):
                A[e + a, e + b] += x[e] * (1 if a == b else -1)
    A[0, 0] += 1.0
    return (A.tocsc() @ np.arange(1.0, 5)) @ np.arange(4.0) * A[1, 2]


def by_parts(x):
    A = sp.lil_matrix((4, 4))
    A.setdiag(x + 2)
    A[0, :] = x
    A[1:3, 2] = -1.0
    return sl.splu(A.tocsc()).solve(np.ones(4)).sum() + (A @ x)[1] + A.T.dot(x)[2] + (A + A * x[1]).sum()


@pytest.mark.parametrize("f, more", [(assembled, (4,)), (added_up, ()), (by_parts, ())])
def test_matrices_written_entry_by_entry(f, more):
    x, h = np.array([0.3, 0.7, 1.2, 0.4]), 1e-6
    expected = [(f(x + e, *more) - f(x - e, *more)) / (2 * h) for e in h * np.eye(4)]
    np.testing.assert_allclose(grad(f)(x, *more), expected, rtol=1e-6, atol=1e-8)
