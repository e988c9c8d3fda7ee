"""Rules for ``scipy.sparse.linalg``: linear systems whose matrix does not vary."""

from __future__ import annotations

from typing import Any

import scipy.sparse.linalg

from srcdiff.rules.registry import differential, linear, nondifferentiable, pullback, real_only
from srcdiff.runtime.interpolation import sparse_transposed

T = Any

nondifferentiable(sparse_transposed)
real_only(scipy.sparse.linalg.spsolve)


@linear(scipy.sparse.linalg.spsolve, "b")
def spsolve(A: T, b: T, permc_spec: T = None, use_umfpack: T = True, *, out_bar: T) -> T:
    return scipy.sparse.linalg.spsolve(sparse_transposed(A), out_bar)


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
