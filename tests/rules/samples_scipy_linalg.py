"""Sample calls for srcdiff/rules/scipy_linalg.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg as sl
from harness import Sample

from srcdiff.runtime import linalg as rt

rng = np.random.default_rng(12)


def r(*shape: int) -> Any:
    return rng.normal(size=shape)


def c(*shape: int) -> Any:
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def square(*shape: int) -> Any:
    return rng.normal(size=shape) + 3.0 * np.eye(shape[-1])


def definite(*shape: int) -> Any:
    m = 0.4 * rng.normal(size=shape)
    return m @ np.swapaxes(m, -1, -2) + np.diag(1.0 + np.arange(shape[-1]))


def triangle(n: int) -> Any:
    return np.tril(rng.normal(size=(n, n)), -1) + np.diag(1.0 + rng.uniform(size=n))


def two(*args: Any, **kwargs: Any) -> Sample:
    return Sample(args, kwargs, wrt=(0, 1))


def banded(rows: int, n: int, main: int) -> Any:
    ab = 0.3 * rng.normal(size=(rows, n))
    ab[main] += 2.0
    return ab


M = 0.3 * rng.normal(size=(4, 4))
SYMMETRIC = M + M.T + np.diag([2.0, 4.0, 7.0, 11.0])
GENERAL = r(4, 4) + np.diag([1.0, 3.0, 5.0, 8.0])
STABLE = 0.2 * r(3, 3)
D, E = np.array([1.0, 2.5, 4.0, 7.0]), np.array([0.3, -0.4, 0.5])
FUNCTIONS = [Sample((0.4 * r(3, 3),)), Sample((0.3 * r(2, 3, 3),)), Sample((0.3 * c(3, 3),))]

TURNING = np.array(
    [[0.3, 1.4, 0.2, 0.5], [-2.1, 0.6, 0.3, -0.4], [0.1, 0.2, 3.0, 0.7], [0.4, -0.1, 0.2, -2.0]]
)
SAMPLES: dict[Any, list[Sample]] = {
    sl.solve: [
        two(square(3, 3), r(3)),
        two(square(3, 3), r(3, 2)),
        two(SYMMETRIC, r(4), assume_a="pos"),
        two(SYMMETRIC, r(4, 2), assume_a="pos", lower=True),
        two(SYMMETRIC - 5.5 * np.eye(4), r(4), assume_a="sym", lower=True),
        two(square(3, 3), r(3), transposed=True),
        two(triangle(3), r(3), assume_a="lower triangular"),
        two(triangle(3).T.copy(), r(3), assume_a="upper triangular"),
        two(np.diag(r(3)), r(3), assume_a="diagonal"),
        two(square(3, 3), r(3, 2), assume_a="gen"),
        two(c(3, 3), c(3)),
        two(square(2, 3, 3), r(2, 3, 2)),
    ],
    sl.solve_triangular: [
        two(triangle(3), r(3), lower=True),
        two(triangle(3).T.copy(), r(3, 2)),
        two(triangle(3), r(3), lower=True, trans=1),
        two(triangle(3), r(3), lower=True, trans="T"),
        two(triangle(3), r(3), lower=True, unit_diagonal=True),
        two(triangle(3).T.copy(), r(3), unit_diagonal=True, trans=1),
    ],
    sl.inv: [
        Sample((square(3, 3),)),
        Sample((c(3, 3),)),
        Sample((square(2, 3, 3),)),
        Sample((SYMMETRIC,), {"assume_a": "pos"}),
    ],
    sl.det: [Sample((square(3, 3),)), Sample((square(2, 3, 3),))],
    sl.pinv: [Sample((r(4, 3),)), Sample((r(3, 4),))],
    sl.lstsq: [two(r(4, 3), r(4)), two(r(4, 3), r(4, 2)), two(r(3, 4), r(3))],
    sl.schur: [
        Sample((np.array([[1.0, 0.3, -0.2], [0.1, 2.5, 0.4], [-0.3, 0.2, 4.0]]),)),
        Sample((np.array([[1.0, 2.0], [-3.0, 1.5]]),)),
        Sample((TURNING,)),
    ],
    sl.cholesky: [Sample((SYMMETRIC,)), Sample((SYMMETRIC,), {"lower": True}), Sample((definite(2, 3, 3),))],
    sl.cho_factor: [Sample((SYMMETRIC,)), Sample((SYMMETRIC,), {"lower": True})],
    sl.cho_solve: [
        two((triangle(3), True), r(3)),
        two((triangle(3).T.copy(), False), r(3, 2)),
        two((square(3, 3), False), r(3)),
    ],
    sl.lu: [
        Sample((square(3, 3),)),
        Sample((r(4, 4),)),
        Sample((r(4, 4),), {"permute_l": True}),
        Sample((r(4, 4),), {"p_indices": True}),
    ],
    sl.lu_factor: [Sample((square(3, 3),)), Sample((r(4, 4),))],
    sl.lu_solve: [
        two(sl.lu_factor(r(4, 4)), r(4)),
        two(sl.lu_factor(r(4, 4)), r(4, 2)),
        two(sl.lu_factor(r(4, 4)), r(4), trans=1),
    ],
    sl.qr: [
        Sample((r(4, 3),), {"mode": "economic"}),
        Sample((square(3, 3),)),
        Sample((square(3, 3),), {"mode": "r"}),
        Sample((r(4, 3),), {"mode": "economic", "pivoting": True}),
        Sample((square(3, 3),), {"mode": "r", "pivoting": True}),
    ],
    sl.rq: [Sample((square(3, 3),)), Sample((r(3, 4),), {"mode": "economic"})],
    sl.svd: [
        Sample((r(4, 3), False)),
        Sample((r(3, 4),), {"full_matrices": False}),
        Sample((square(3, 3),)),
        Sample((r(4, 3),), {"compute_uv": False}),
    ],
    sl.svdvals: [Sample((r(4, 3),)), Sample((r(2, 3, 4),))],
    sl.polar: [
        Sample((square(3, 3),)),
        Sample((r(4, 3),)),
        Sample((r(3, 4), "left")),
        Sample((square(3, 3), "left")),
    ],
    sl.eigh: [
        two(SYMMETRIC, 2.0 * np.eye(4) + 0.1 * (M + M.T), driver="gv"),
        Sample((SYMMETRIC,), {"driver": "ev"}),
        Sample((SYMMETRIC,), {"lower": False, "driver": "ev"}),
        Sample((SYMMETRIC,), {"eigvals_only": True}),
        two(SYMMETRIC, definite(4, 4), lower=False, driver="gv"),
        two(SYMMETRIC, definite(4, 4), eigvals_only=True),
    ],
    sl.eigvalsh: [
        two(SYMMETRIC, definite(4, 4)),
        Sample((SYMMETRIC,)),
        Sample((SYMMETRIC,), {"lower": False}),
    ],
    sl.eig: [Sample((GENERAL,)), Sample((c(3, 3) + np.diag([0.0, 4.0, 9.0]),))],
    sl.eigvals: [Sample((GENERAL,)), Sample((c(3, 3) + np.diag([0.0, 4.0, 9.0]),))],
    sl.eigvalsh_tridiagonal: [two(D, E), two(D, E), two(D, E), two(D, E, select="i", select_range=(0, 1))],
    sl.eigh_tridiagonal: [two(D, E)],
    sl.expm: FUNCTIONS,
    sl.expm_frechet: [two(0.4 * r(3, 3), r(3, 3), compute_expm=False), two(0.4 * r(3, 3), r(3, 3))],
    sl.sqrtm: [Sample((definite(3, 3) + 0.2 * r(3, 3),))],
    sl.logm: [Sample((definite(3, 3) + 0.2 * r(3, 3),))],
    sl.fractional_matrix_power: [two(definite(3, 3) + 0.2 * r(3, 3), 0.4, **{})],
    sl.cosm: FUNCTIONS,
    sl.sinm: FUNCTIONS,
    sl.tanm: FUNCTIONS[:1],
    sl.coshm: FUNCTIONS,
    sl.sinhm: FUNCTIONS,
    sl.tanhm: FUNCTIONS[:1],
    sl.solve_sylvester: [Sample((square(3, 3), square(2, 2), r(3, 2)), wrt=(0, 1, 2))],
    sl.solve_continuous_lyapunov: [two(square(3, 3), r(3, 3)), two(square(3, 3), definite(3, 3))],
    sl.solve_discrete_lyapunov: [
        two(STABLE, r(3, 3)),
        two(STABLE, r(3, 3), method="bilinear"),
    ],
    sl.solve_continuous_are: [  # (of symmetric q and r only)
        Sample((r(1, 1), r(1, 1), definite(1, 1), definite(1, 1)), wrt=(0, 1, 2, 3)),
        Sample((r(3, 3), r(3, 2), definite(3, 3), definite(2, 2)), wrt=(0, 1)),
    ],
    sl.solve_discrete_are: [
        Sample((r(1, 1), r(1, 1), definite(1, 1), definite(1, 1)), wrt=(0, 1, 2, 3)),
        Sample((STABLE, r(3, 2), definite(3, 3), definite(2, 2)), wrt=(0, 1)),
    ],
    sl.toeplitz: [Sample((r(4),)), two(r(4), r(3)), two(r(3), r(4))],
    sl.hankel: [Sample((r(4),)), two(r(4), r(3))],
    sl.circulant: [Sample((r(4),)), Sample((c(3),))],
    sl.block_diag: [Sample((r(2, 2), r(3), r(1, 2)), wrt=(0, 1, 2))],
    sl.leslie: [two(r(4), r(3))],
    sl.matmul_toeplitz: [two(r(3), r(3)), two((r(3), r(4)), r(4, 2))],
    sl.khatri_rao: [two(r(2, 3), r(4, 3))],
    sl.solve_toeplitz: [
        two(np.array([4.0, 1.0, 0.5]), r(3)),
        two((np.array([4.0, 1.0, 0.5]), np.array([4.0, -1.0, 0.3])), r(3)),
        two((np.array([4.0, 1.0, 0.5]), np.array([4.0, -1.0, 0.3])), r(3, 2)),
    ],
    sl.solve_circulant: [two(np.array([4.0, 1.0, 0.5]), r(3)), two(np.array([4.0, 1.0, 0.5, -0.2]), r(4, 2))],
    sl.solve_banded: [
        Sample(((1, 1), banded(3, 5, 1), r(5)), wrt=(1, 2)),
        Sample(((2, 1), banded(4, 5, 1), r(5, 2)), wrt=(1, 2)),
    ],
    sl.solveh_banded: [two(banded(2, 5, 1), r(5)), two(banded(3, 5, 0), r(5, 2), lower=True)],
    sl.norm: [
        Sample((r(4),)),
        Sample((r(3, 4),)),
        Sample((r(3, 4), 2)),
        Sample((r(3, 4), 1, 0)),
        Sample((r(3, 4), "nuc")),
    ],
    # helpers
    rt.diagonal_sums: [Sample((r(3, 4),)), Sample((r(4, 1),))],
    rt.along_diagonals: [Sample((r(6), r(3, 4)))],
    rt.band_product: [
        Sample(((1, 2), r(4, 5), r(5)), wrt=(1, 2)),
        Sample(((2, 0), r(3, 5), r(5, 2)), wrt=(1, 2)),
    ],
    rt.band_outer: [Sample(((1, 2), r(5), r(5)), wrt=(1, 2)), Sample(((2, 0), r(5, 2), r(5, 2)), wrt=(1, 2))],
    rt.band_transposed: [Sample(((1, 2), r(4, 5)), wrt=(1,))],
}
