"""Rules for ``scipy.sparse``: products and linear systems; a matrix varies by its entries, or does not."""

from __future__ import annotations

from typing import Any

import scipy.sparse
import scipy.sparse.linalg

from srcdiff.rules import scipy_reasons
from srcdiff.rules.registry import bilinear, differential, linear, nondifferentiable, pullback, real_only
from srcdiff.runtime.interpolation import sparse_transposed
from srcdiff.runtime.matrices import (
    sparse_dot,
    sparse_outer,
    sparse_pairs,
    sparse_solve,
    sparse_triplets,
)

T = Any

nondifferentiable(sparse_transposed, sparse_pairs, sparse_triplets)
real_only(scipy.sparse.linalg.spsolve)


@linear(scipy.sparse.linalg.spsolve, "b")
def spsolve(A: T, b: T, permc_spec: T = None, use_umfpack: T = True, *, out_bar: T) -> T:
    return scipy.sparse.linalg.spsolve(sparse_transposed(A), out_bar)


@bilinear(sparse_dot, "values", "v")
def product(values: T, rows: T, cols: T, shape: T, v: T, *, out_bar: T) -> T:
    m, n = shape
    return sparse_outer(out_bar, v, rows, cols, shape), sparse_dot(values, cols, rows, (n, m), out_bar)


@bilinear(sparse_outer, "u", "v")
def outer(u: T, v: T, rows: T, cols: T, shape: T, *, out_bar: T) -> T:
    m, n = shape
    return sparse_dot(out_bar, rows, cols, shape, v), sparse_dot(out_bar, cols, rows, (n, m), u)


@differential(sparse_solve)
def solve(values: T, rows: T, cols: T, shape: T, b: T, *, out: T, values_dot: T, b_dot: T) -> T:
    return sparse_solve(values, rows, cols, shape, b_dot - sparse_dot(values_dot, rows, cols, shape, out))


@pullback(sparse_solve, "values", "b")
def solve_bar(values: T, rows: T, cols: T, shape: T, b: T, *, out: T, out_bar: T) -> T:
    m, n = shape
    b_bar = sparse_solve(values, cols, rows, (n, m), out_bar)
    return -sparse_outer(b_bar, out, rows, cols, shape), b_bar


@differential(scipy.sparse.linalg.cg)
def cg(A: T, b: T, x0: T = None, rtol: T = 1e-05, atol: T = 0.0, *, b_dot: T) -> T:
    return scipy.sparse.linalg.cg(A, b_dot, rtol=rtol, atol=atol)[0], 0


@pullback(scipy.sparse.linalg.cg, "b")
def cg_bar(A: T, b: T, x0: T = None, rtol: T = 1e-05, atol: T = 0.0, *, out_bar: T) -> T:
    return scipy.sparse.linalg.cg(sparse_transposed(A), out_bar[0], rtol=rtol, atol=atol)[0]


@differential(scipy.sparse.linalg.gmres)
def gmres(A: T, b: T, x0: T = None, rtol: T = 1e-05, atol: T = 0.0, *, b_dot: T) -> T:
    return scipy.sparse.linalg.gmres(A, b_dot, rtol=rtol, atol=atol)[0], 0


@pullback(scipy.sparse.linalg.gmres, "b")
def gmres_bar(A: T, b: T, x0: T = None, rtol: T = 1e-05, atol: T = 0.0, *, out_bar: T) -> T:
    return scipy.sparse.linalg.gmres(sparse_transposed(A), out_bar[0], rtol=rtol, atol=atol)[0]


@differential(scipy.sparse.linalg.bicgstab)
def bicgstab(A: T, b: T, x0: T = None, rtol: T = 1e-05, atol: T = 0.0, *, b_dot: T) -> T:
    return scipy.sparse.linalg.bicgstab(A, b_dot, rtol=rtol, atol=atol)[0], 0


@pullback(scipy.sparse.linalg.bicgstab, "b")
def bicgstab_bar(A: T, b: T, x0: T = None, rtol: T = 1e-05, atol: T = 0.0, *, out_bar: T) -> T:
    return scipy.sparse.linalg.bicgstab(sparse_transposed(A), out_bar[0], rtol=rtol, atol=atol)[0]


@differential(scipy.sparse.linalg.minres)
def minres(A: T, b: T, x0: T = None, rtol: T = 1e-05, *, b_dot: T) -> T:
    return scipy.sparse.linalg.minres(A, b_dot, rtol=rtol)[0], 0


@pullback(scipy.sparse.linalg.minres, "b")
def minres_bar(A: T, b: T, x0: T = None, rtol: T = 1e-05, *, out_bar: T) -> T:
    return scipy.sparse.linalg.minres(sparse_transposed(A), out_bar[0], rtol=rtol)[0]


scipy_reasons.declare("sparse", scipy.sparse)
scipy_reasons.declare("sparse.linalg", scipy.sparse.linalg)
