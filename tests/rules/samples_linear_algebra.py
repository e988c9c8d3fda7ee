"""Sample calls for srcdiff/rules/linear_algebra.py."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from harness import Kink, Sample

from srcdiff.runtime import linalg as rt

rng = np.random.default_rng(11)


def r(*shape: int) -> Any:
    return rng.normal(size=shape)


def c(*shape: int) -> Any:
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def square(*shape: int) -> Any:
    """Well conditioned square matrices."""
    return rng.normal(size=shape) + 3.0 * np.eye(shape[-1])


def definite(*shape: int) -> Any:
    """Symmetric positive definite matrices with distinct eigenvalues."""
    m = 0.4 * rng.normal(size=shape)
    return m @ np.swapaxes(m, -1, -2) + np.diag(1.0 + np.arange(shape[-1]))


def two(*args: Any, **kwargs: Any) -> Sample:
    return Sample(args, kwargs, wrt=(0, 1))


def all_of(subscripts: str, *operands: Any) -> Sample:
    return Sample((subscripts, *operands), wrt=tuple(range(1, len(operands) + 1)), name=subscripts)


PRODUCTS = [
    two(r(2, 3), r(3, 4)),
    two(r(2, 3), r(3)),
    two(r(3), r(3, 4)),
    two(r(3), r(3)),
    two(c(2, 3), c(3, 2)),
    two(r(3, 2).T, r(4, 3).T),
    two(r(0, 3), r(3, 2)),
]
STACKS = [
    two(r(5, 2, 3), r(3, 4)),
    two(r(2, 3), r(5, 3, 4)),
    two(r(5, 1, 2, 3), r(4, 3, 2)),
    two(r(5, 2, 3), r(3)),
    two(r(3), r(5, 3, 4)),
]
CROSSES = [two(r(3), r(3)), two(r(4, 3), r(3)), two(r(4, 1, 3), r(2, 3))]
NORMS = [
    Sample((r(4),)),
    Sample((r(3, 4),)),
    Sample((2.5,)),
    Sample((c(3),)),
    Sample((r(4), 2)),
    Sample((r(4), 1)),
    Sample((r(4), np.inf)),
    Sample((r(4), -np.inf)),
    Sample((r(4), 3)),
    Sample((r(4), 2.5)),
    Sample((r(4), 0)),
    Sample((r(3, 4), None, 1)),
    Sample((r(3, 4), None, 0, True)),
    Sample((r(3, 4), 1, -1)),
    Sample((r(3, 4), np.inf, 0)),
    Sample((r(3, 4), 3, 1, True)),
    Sample((r(3, 4), "fro")),
    Sample((r(3, 4), 1)),
    Sample((r(3, 4), -1)),
    Sample((r(3, 4), np.inf)),
    Sample((r(3, 4), -np.inf)),
    Sample((r(3, 4), 2)),
    Sample((r(3, 4), -2)),
    Sample((r(3, 4), "nuc")),
    Sample((r(2, 3, 4), 2, (2, 0))),
    Sample((r(2, 3, 4), "nuc", (-2, -1), True)),
    Sample((r(2, 3, 4), 1, (0, 1))),
    Sample((r(2, 3, 4), None, (0, 2))),
    Sample((r(2, 3, 4), "fro", (0, 2), True)),
]
EINSUMS = [
    all_of("ij,jk->ik", r(2, 3), r(3, 4)),
    all_of("ij,jk", r(2, 3), r(3, 4)),
    all_of("ij->ji", r(2, 3)),
    all_of("ij->", r(2, 3)),
    all_of("ij->j", r(2, 3)),
    all_of("ii->i", r(3, 3)),
    all_of("ii", r(3, 3)),
    all_of("iij,j->i", r(2, 2, 3), r(3)),
    all_of("i,j->ij", r(2), r(3)),
    all_of("ij,kl->i", r(2, 3), r(2, 2)),
    all_of("i,i->", r(3), r(3)),
    all_of("bij,bjk->bik", r(2, 3, 2), r(2, 2, 3)),
    all_of("...ij,...jk->...ik", r(4, 2, 3), r(3, 2)),
    all_of("...i,i", r(2, 3), r(3)),
    all_of("...->...", r(2, 3)),
    all_of("i,ij,j->", r(2), r(2, 3), r(3)),
    all_of("i,ij,j,j->i", r(2), r(2, 3), r(3), r(3)),
    all_of("ij,ij->ij", r(3, 1), r(3, 4)),
    all_of("ij,ij->i", r(3, 1), r(3, 4)),
    all_of("ij,ij->ij", c(2, 2), c(2, 2)),
    all_of(" i j , j -> i ", r(2, 3), r(3)),
    all_of(",i->i", 1.5, r(3)),
]
SYMMETRIC = [Sample((definite(3, 3),)), Sample((definite(2, 3, 3),)), Sample((definite(3, 3), "U"))]
OWN = np.random.default_rng(5)
Z34 = OWN.normal(size=(3, 4)) + 1j * OWN.normal(size=(3, 4))
SAMPLES: dict[Any, list[Sample]] = {
    operator.matmul: PRODUCTS + STACKS,
    np.linalg.matmul: PRODUCTS + STACKS,
    np.dot: PRODUCTS
    + [
        two(1.5, 2.5),
        two(1.5, r(2, 3)),
        two(r(2, 3), 1.5),
        two(r(5, 2, 3), r(3)),
        two(r(3), r(5, 3, 4)),
        two(r(2, 3), r(5, 3, 4)),
        two(r(2, 2, 3), r(2, 3, 2)),
    ],
    np.vdot: [
        two(r(3), r(3)),
        two(1.5, 2.5),
        two(r(2, 3), r(2, 3)),
        two(r(2, 3), r(6)),
        two(c(3), c(3)),
        two(c(2, 2), c(4)),
    ],
    np.inner: [
        two(r(3), r(3)),
        two(1.5, r(3)),
        two(r(3), 1.5),
        two(1.5, 2.5),
        two(r(2, 3), r(4, 3)),
        two(r(2, 3), r(3)),
        two(r(2, 2, 3), r(4, 3)),
    ],
    np.outer: [two(r(3), r(4)), two(r(2, 3), r(2)), two(1.5, r(3)), two(c(2), c(3))],
    np.linalg.outer: [two(r(3), r(4))],
    np.tensordot: [
        two(r(2, 3), r(3, 4), 1),
        two(r(2, 3, 4), r(3, 4, 5)),
        two(r(2, 3), r(4), 0),
        two(r(2, 3, 4), r(4, 3, 2), ((0, 2), (2, 0))),
        two(r(2, 3, 4), r(5, 4, 2), ([2, 0], [1, -1])),
        two(r(2, 3), r(2, 3), 2),
        two(r(2, 3, 4), r(5, 3), (1, 1)),
    ],
    np.linalg.tensordot: [two(r(2, 3, 4), r(3, 4, 5)), two(r(2, 3), r(3, 4), axes=1)],
    np.kron: [
        two(r(2), r(3)),
        two(r(2, 3), r(3, 2)),
        two(r(2), r(2, 3)),
        two(r(2, 3), r(2)),
        two(1.5, r(2, 2)),
        two(r(2, 1, 2), r(2, 2)),
    ],
    np.cross: CROSSES
    + [
        two(r(3, 4), r(3, 4), 0, 0, 0),
        two(r(3, 4), r(4, 3), 0),
        two(r(3, 4), r(3, 4), axis=0),
        two(r(3, 2), r(3), 0),
    ],
    np.linalg.cross: [*CROSSES, two(r(3, 4), r(3, 4), axis=0)],
    np.vecdot: [
        two(r(3), r(3)),
        two(r(4, 3), r(3)),
        two(r(4, 1, 3), r(2, 3)),
        two(c(3), c(3)),
        two(r(3, 4), r(3, 4), axis=0),
    ],
    np.linalg.vecdot: [two(r(4, 3), r(3)), two(r(3, 4), r(3, 4), axis=0)],
    np.einsum: EINSUMS,
    np.linalg.multi_dot: [
        Sample(([r(2, 3), r(3, 4), r(4, 2)],)),
        Sample(((r(2, 3), r(3, 2)),)),
        Sample(([r(3), r(3, 4), r(4, 2)],)),
        Sample(([r(2, 3), r(3, 4), r(4)],)),
        Sample(([r(3), r(3, 4), r(4, 4), r(4)],)),
    ],
    np.linalg.matrix_power: [Sample((square(3, 3), n)) for n in (0, 1, 2, 3, 5, -1, -3)]
    + [Sample((square(2, 3, 3), 3))],
    np.linalg.norm: NORMS,
    np.linalg.vector_norm: [
        Sample((r(4),)),
        Sample((r(3, 4),)),
        Sample((r(3, 4),), {"axis": 1}),
        Sample((r(3, 4),), {"axis": (0, 1), "keepdims": True}),
        *(Sample((r(3, 4),), {"axis": -1, "ord": p}) for p in (0, 1, 3, np.inf, -np.inf)),
        *(Sample((Z34,), {"axis": -1, "ord": p}) for p in (1, 3, np.inf)),
    ],
    np.linalg.matrix_norm: [
        Sample((r(3, 4),)),
        *(Sample((Z34,), {"ord": p}) for p in (1, 2, -np.inf, "nuc")),
        Sample((r(2, 3, 4),), {"keepdims": True}),
        *(Sample((r(2, 3, 4),), {"ord": p}) for p in (1, -1, 2, -2, np.inf, -np.inf, "nuc")),
    ],
    np.linalg.solve: [
        two(square(3, 3), r(3)),
        two(square(3, 3), r(3, 2)),
        two(square(2, 3, 3), r(3)),
        two(square(2, 3, 3), r(2, 3, 2)),
        two(square(2, 3, 3), r(3, 2)),
        two(square(3, 3), r(2, 3, 2)),
        two(square(3, 3) + 0.1j, c(3)),
    ],
    np.linalg.inv: [Sample((square(3, 3),)), Sample((square(2, 3, 3),)), Sample((square(2, 2) + 0.2j,))],
    np.linalg.pinv: [
        Sample((r(4, 2),)),
        Sample((r(2, 4),)),
        Sample((square(3, 3),)),
        Sample((r(2, 4, 3),)),
        Sample((Z34,)),
        Sample((Z34.T,)),
    ],
    np.linalg.lstsq: [
        Sample((r(5, 2), r(5)), wrt=(0, 1)),
        Sample((r(5, 2), r(5, 3)), wrt=(0, 1)),
        Sample((r(2, 4), r(2)), wrt=(0, 1)),
        Sample((square(3, 3), r(3, 1)), wrt=(0, 1)),
    ],
    np.linalg.det: [Sample((square(3, 3),)), Sample((square(2, 3, 3),)), Sample((square(2, 2) + 0.2j,))],
    rt.cofactors: [Sample((square(3, 3),)), Sample((square(2, 3, 3),))],
    rt.cofactors_dot: [
        Sample((square(3, 3), square(3, 3) - 1.0), wrt=(0, 1)),
        Sample((square(2, 3, 3), square(2, 3, 3) - 1.0), wrt=(0, 1)),
    ],
    np.linalg.slogdet: [Sample((square(3, 3),)), Sample((-square(2, 3, 3),)), Sample((c(3, 3),))],
    np.linalg.cholesky: [
        Sample((definite(3, 3),)),
        Sample((definite(2, 3, 3),)),
        Sample((definite(3, 3),), {"upper": True}),
    ],
    np.linalg.eigh: SYMMETRIC,
    np.linalg.eigvalsh: SYMMETRIC,
    np.linalg.qr: [
        Sample((r(4, 3),)),
        Sample((square(3, 3),)),
        Sample((r(2, 4, 3),)),
        Sample((r(4, 3), "r")),
        Sample((c(4, 3),)),
    ],
    np.linalg.svd: [
        Sample((r(4, 3), False)),
        Sample((r(3, 4), False)),
        Sample((square(3, 3),)),
        Sample((r(2, 4, 3),), {"full_matrices": False}),
        Sample((r(4, 3),), {"compute_uv": False}),
        Sample((c(4, 3), False)),
    ],
    np.linalg.svdvals: [Sample((r(4, 3),)), Sample((r(2, 3, 4),)), Sample((c(3, 2),))],
    np.linalg.trace: [Sample((r(3, 4),)), Sample((r(2, 3, 4),), {"offset": 1})],
    np.linalg.diagonal: [Sample((r(3, 4),)), Sample((r(2, 3, 4),), {"offset": -1})],
    # helpers
    rt.matmul_left: [
        Sample((r(5, 2, 4), r(2, 3), r(5, 3, 4)), wrt=(0, 2)),
        Sample((r(5, 2), r(5, 2, 3), r(3)), wrt=(0, 2)),
    ],
    rt.matmul_right: [
        Sample((r(5, 2, 4), r(5, 2, 3), r(3, 4)), wrt=(0, 1)),
        Sample((r(5, 4), r(3), r(5, 3, 4)), wrt=(0, 1)),
    ],
    rt.kron_left: [
        Sample((r(4, 6), r(2, 2), r(2, 3)), wrt=(0, 2)),
        Sample((r(2, 6), r(2), r(2, 3)), wrt=(0, 2)),
    ],
    rt.kron_right: [
        Sample((r(4, 6), r(2, 2), r(2, 3)), wrt=(0, 1)),
        Sample((r(2, 6), r(2), r(2, 3)), wrt=(0, 1)),
    ],
    rt.einsum_bar: [
        Sample((r(2), "ij,j,jk->i", (r(2, 3), r(3), r(3, 2)), 1), wrt=(0, 2)),
        Sample((r(2), "iij,j->i", (r(2, 2, 3), r(3)), 0), wrt=(0, 2)),
    ],
    rt.multi_dot_bar: [
        Sample((r(2, 2), [r(2, 3), r(3, 4), r(4, 2)], 1), wrt=(0, 1)),
        Sample((r(2), (r(3), r(3, 4), r(4, 2)), 0), wrt=(0, 1)),
    ],
    rt.square: [Sample((r(3, 3),))],
    rt.complete: [Sample((r(3, 2),))],
    rt.completing: [Sample((r(3, 1),)), Sample((r(3, 0),))],
    rt.completed: [Sample((r(3, 1),)), Sample((r(2, 3, 1),))],
    rt.beside: [Sample((r(3, 1), r(3, 1)), wrt=(0, 1)), Sample((r(2, 3, 1), r(2, 3, 1)), wrt=(0, 1))],
    rt.half_tril: [Sample((r(3, 3),)), Sample((r(2, 3, 3),))],
}
if hasattr(np, "matvec"):
    SAMPLES[np.matvec] = [two(r(2, 3), r(3)), two(r(5, 2, 3), r(3)), two(r(2, 3), r(5, 3))]
    SAMPLES[np.vecmat] = [
        two(r(3), r(3, 4)),
        two(r(3), r(5, 3, 4)),
        two(r(5, 3), r(3, 4)),
        two(c(3), c(3, 4)),
    ]

zero, ties = np.zeros(3), np.array([2.0, -2.0, 1.0])
KINKS: dict[Any, list[Kink]] = {
    np.linalg.norm: [
        Kink((zero,), (zero,), name="slope 0 at the origin"),
        Kink((np.zeros((2, 3)),), (np.zeros((2, 3)),), name="slope 0 at a zero matrix"),
        Kink((zero, 3), (zero,), name="p-norm at the origin"),
        Kink((np.array([1.0, 0.0]), 1), (np.array([1.0, 0.0]),), name="1-norm with a zero"),
        Kink((ties, np.inf), (np.array([0.5, -0.5, 0.0]),), name="equal shares of equal maxima"),
    ],
    np.linalg.vector_norm: [Kink((zero,), (zero,), name="slope 0 at the origin")],
    np.linalg.matrix_norm: [Kink((np.zeros((2, 2)),), (np.zeros((2, 2)),), name="slope 0 at a zero matrix")],
}

TALL = np.array([[2.0, 0.3, -0.4], [0.5, 1.1, 0.2], [-0.1, 0.6, 0.4], [0.3, -0.2, 0.1]])
SAMPLES |= {
    rt.eigh: SYMMETRIC[:2],
    rt.svd: [Sample((TALL,)), Sample((TALL.T,)), Sample((np.stack((TALL, 2.0 * TALL[::-1])), 1e-7))],
}
