"""Factorisations of complex matrices: both modes and second order, phases and all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

sl = pytest.importorskip("scipy.linalg")

from srcdiff import grad, jvp  # noqa: E402

RNG = np.random.default_rng(3)


def complexes(*shape: int) -> Any:
    return RNG.normal(size=shape) + 1j * RNG.normal(size=shape)


W, V, S = complexes(5, 5), complexes(5, 5), RNG.normal(size=5)


def weigh(x: Any, w: Any) -> Any:
    """A number that changes with the phases of what is given."""
    own = x * w[: x.shape[-2], : x.shape[-1]]
    return np.real(np.sum(own)) + np.sum(np.abs(own + 1.0) ** 2)


def cholesky(a: Any) -> Any:
    return weigh(np.linalg.cholesky(a), W) + weigh(np.linalg.cholesky(a, upper=True), V)


def eigh(a: Any) -> Any:
    w, v = np.linalg.eigh(a)
    return np.sum(w * S[: w.shape[-1]]) + weigh(v, W)


def eigh_upper(a: Any) -> Any:
    w, v = np.linalg.eigh(a, "U")
    return np.sum(w * S[: w.shape[-1]]) + weigh(v, W)


def eigvalsh(a: Any) -> Any:
    return np.sum(np.sin(np.linalg.eigvalsh(a)))


def qr(a: Any) -> Any:
    q, r = np.linalg.qr(a)
    return weigh(q, W) + weigh(r, V)


def qr_r(a: Any) -> Any:  # (the side of r is the smaller one of a, whichever that is)
    return weigh(np.linalg.qr(a, mode="r"), W)


def svd(a: Any) -> Any:
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return weigh(u, W) + np.sum(s * S[: s.shape[-1]]) + weigh(vh, V)


def svd_full(a: Any) -> Any:
    u, s, vh = np.linalg.svd(a)
    k = s.shape[-1]
    return weigh(u[..., :k], W) + np.sum(s * S[:k]) + weigh(vh[..., :k, :], V)


def svdvals(a: Any) -> Any:
    return np.sum(np.sin(np.linalg.svdvals(a)) + np.linalg.svd(a, compute_uv=False) ** 2)


def slogdet(a: Any) -> Any:
    sign, log = np.linalg.slogdet(a)
    return np.sum(np.real(sign * (1.0 + 2.0j)) + log * log)


def scipy_eigh(a: Any) -> Any:
    w, v = sl.eigh(a, lower=False, driver="evd")
    return np.sum(w * S[: w.shape[-1]]) + weigh(v, W) + np.sum(np.sin(sl.eigvalsh(a)))


def scipy_qr(a: Any) -> Any:
    q, r, _ = sl.qr(a, mode="economic", pivoting=True)
    return weigh(q, W) + weigh(r, V)


def scipy_svd(a: Any) -> Any:
    u, _, vh = sl.svd(a, full_matrices=False)
    return weigh(u, W) + weigh(vh, V) + np.sum(np.sin(sl.svdvals(a)))


def solved_lower(a: Any) -> Any:
    return weigh(sl.cho_solve(sl.cho_factor(a, lower=True), W[:4, :2] * a[0, 0]), V)


def solved_upper(a: Any) -> Any:
    return weigh(sl.cho_solve(sl.cho_factor(a), W[:4, :2] * a[0, 0]), V) + weigh(sl.cholesky(a), W)


A, B = complexes(4, 4), complexes(2, 3, 3)
ONE, SEVERAL = A @ A.conj().T + np.eye(4), B @ B.conj().swapaxes(-1, -2) + np.eye(3)
CASES: list[tuple[Any, list[Any]]] = [
    *((f, [ONE, SEVERAL]) for f in (cholesky, eigh, eigh_upper, eigvalsh)),
    *((f, [A, complexes(5, 3), complexes(2, 4, 3)]) for f in (qr, qr_r)),
    *((f, [A, complexes(5, 3), complexes(3, 5)]) for f in (svd, svd_full, svdvals)),
    (slogdet, [A, B]),
    (scipy_eigh, [ONE]), (solved_lower, [ONE]), (solved_upper, [ONE]),
    (scipy_qr, [complexes(4, 3)]), (scipy_svd, [complexes(4, 3)]),
]  # fmt: skip


@pytest.mark.parametrize(("f", "points"), CASES, ids=[f.__name__ for f, _ in CASES])
def test_against_differences(f: Any, points: list[Any]) -> None:
    for x in points:
        v, h = complexes(*x.shape), 1e-6
        wanted = (f(x + h * v) - f(x - h * v)) / (2 * h)
        gradient = grad(f)
        assert abs(jvp(f, (x,), (v,))[1] - wanted) < 1e-6 * (1.0 + abs(wanted))
        assert abs(np.real(np.sum(gradient(x) * v)) - wanted) < 1e-6 * (1.0 + abs(wanted))
        h = 1e-5
        second = (gradient(x + h * v) - gradient(x - h * v)) / (2 * h)
        np.testing.assert_allclose(
            jvp(gradient, (x,), (v,))[1], second, rtol=1e-4, atol=1e-6 * np.abs(second).max()
        )


def test_no_phase_of_what_completes_a_basis() -> None:
    def last(a: Any) -> Any:
        return np.abs(np.linalg.svd(a)[0][0, -1])

    with pytest.raises(np.linalg.LinAlgError, match="complete"):
        grad(last)(complexes(4, 3))
