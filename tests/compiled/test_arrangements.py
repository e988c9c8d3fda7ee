"""Arrays put together, taken apart and turned round in kernels, against the text for NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from srcdiff import grad, hessian, jvp
from srcdiff.runtime import cofactors

M = np.random.default_rng(3).normal(size=(5, 6))
V = np.array([0.3, -0.5, 0.7, 0.2, 1.1])
SQUARE = np.random.default_rng(4).normal(size=(5, 5)) + 4.0 * np.eye(5)


def rolled(x: Any) -> Any:
    for _ in range(3):
        x = x + 0.1 * (np.roll(x, 1, 0) * np.roll(x, -1, 1) - np.roll(x, (2, 1), axis=(0, 1)) ** 2)
    return np.sum(x * x)


def rolled_by_what_is_read(x: Any) -> Any:
    s = 0.0
    for k in range(-7, 8, 2):
        s = s + np.sum(np.roll(x, k) * x ** 2)
    return s


def rolled_then_written(x: Any) -> Any:
    a = x * 1.0
    b = np.roll(a, 2)
    a[1:3] = b[:2] * 3.0
    b[0] = a[4]
    return np.sum(a * b * b)


def numbers(x: Any) -> Any:
    y = np.array([x[0], 0.5, x[1]])
    for k in range(4):
        y = y + 0.1 * np.array([-y[0] * y[1], y[2] * x[k], 2])
    m = np.array([[x[0], 1.0], [y[1], x[3]]])
    return np.sum(y * y) + np.sum(m @ m)


def joined(x: Any) -> Any:
    s = 0.0
    for k in range(1, 4):
        a = np.concatenate([x[k:], np.sin(x[:k]), x * 2.0])
        b = np.stack([x, x * x], axis=1)
        c = np.hstack([b, b * a[: len(x), None]])
        d = np.vstack([x, np.cos(x)])
        s = s + np.sum(a * a) + np.sum(c[:, 1:] * c[:, :-1]) * d[1, k]
    return s


def beside(x: Any) -> Any:
    return np.sum(np.hstack((x.sum(), x * 2.0, x[0])) ** 3)


def diagonals(x: Any) -> Any:
    s = 0.0
    for k in range(3):
        s = s + np.sum(np.sin(np.diag(x, 1))) * np.trace(x) + np.sum(np.diag(x[k]) @ x)
        x = x * 0.5
    return s


def padded(x: Any) -> Any:
    s = 0.0
    for k in range(3):
        p = np.pad(x, ((1, 1), (2, 0)))
        s = s + np.sum(p[2:, 2:] * p[:-2, :-2]) + np.sum(np.diff(x, axis=0) ** 2) * x[0, k]
    return s


def reshaped(x: Any) -> Any:
    s = 0.0
    for k in range(3):
        y = np.reshape(x * (k + 1.0), (2, -1)) if k < 5 else x
        s = s + np.sum(y[0] * y[1]) + np.sum(y.T.reshape(-1)[::2] ** 2)
    return s


def solved(a: Any) -> Any:
    s = 0.0
    for k in range(3):
        b = np.linalg.solve(a, a[:, k])
        s = s + np.sum(b * b) + np.linalg.det(a) * 0.01 + np.sum(np.linalg.inv(a) @ a[:, :2])
        a = a + 0.1
    return s


def filtered(q: Any) -> Any:
    """Kalman's filter: small systems are solved in loops, there and back."""
    n = q.shape[0]
    F = np.eye(n) + 0.1 * np.eye(n, k=1) - 0.2 * np.eye(n, k=-1)
    P, x, s = np.eye(n), np.ones(n), 0.0
    for k in range(3):
        P = F @ P @ F.T + np.diag(np.exp(q[k]))
        S = P[:2, :2] + 0.5 * np.eye(2)
        r = x[:2] - 0.3 * k
        K = np.linalg.solve(S, P[:2]).T
        s = s + r @ np.linalg.solve(S, r) + np.log(np.linalg.det(S)) + np.sum(np.linalg.inv(S) * 0.1)
        x, P = F @ x + K @ r, P - K @ S @ K.T
    return s


def looked_up(x: Any) -> Any:
    knots = np.array([-1.0, 0.0, 0.4, 0.6, 2.0])
    s = 0.0
    for v in x:
        k = np.searchsorted(knots, v) - 1
        s = s + (v - knots[k]) ** 2 * x[max(0, k - 1)] + x[np.argmax(x * v)]
    return s + np.sum(x[np.arange(3) + 1].astype(int) * x[:3])


def lengths(x: Any) -> Any:
    s = 0.0
    for k in range(4):
        d = x - x[k]
        s = s + np.linalg.norm(d + 0.1) + np.sum(np.linalg.norm(np.outer(d, d) + 1.0, axis=1))
        s = s + np.sum(np.cumsum(d) ** 2) + np.sum(np.cumprod(d + 1.5))
    return s


PROGRAMS: list[tuple[Callable[..., Any], Any]] = [
    (rolled, M), (rolled_by_what_is_read, V), (rolled_then_written, V), (numbers, V), (joined, V),
    (diagonals, SQUARE), (padded, M), (reshaped, M), (solved, SQUARE), (filtered, SQUARE), (looked_up, V),
    (lengths, V), (beside, V),
]  # fmt: skip


@pytest.mark.parametrize(("f", "x"), PROGRAMS, ids=lambda p: getattr(p, "__name__", ""))
def test_against_numpy(f: Callable[..., Any], x: Any, uncompiled: None) -> None:
    np.testing.assert_allclose(grad(f, backend="numba")(x), grad(f)(x), rtol=1e-10, atol=1e-12)
    want, got = (jvp(grad(f), (x,), (x[::-1] * 0.3,), backend=b)[1] for b in ("numpy", "numba"))
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("f", [rolled, numbers, joined, diagonals, filtered])
def test_one_kernel(f: Callable[..., Any], uncompiled: None) -> None:
    """Nothing of these is left to NumPy."""
    x = dict(PROGRAMS)[f]
    report = str(grad(f, backend="numba").compiled(x))
    assert "not compiled" not in report, report


def test_small_systems() -> None:
    from srcdiff.compiled import runtime

    for n in (1, 2, 3, 6):
        a, b = np.random.default_rng(n).normal(size=(2, n, n))
        a[0, 0] = 0.0 if n > 1 else a[0, 0]  # rows are exchanged
        np.testing.assert_allclose(runtime.determinant(a), np.linalg.det(a), rtol=1e-10)
        np.testing.assert_allclose(runtime.solved(a, b), np.linalg.solve(a, b), rtol=1e-9)
        rows = np.outer(np.arange(n), np.ones(n))
        for m in (a, rows, np.zeros((n, n)), a * (np.arange(n) > 0)):
            np.testing.assert_allclose(runtime.cofactors_of(m), cofactors(m), rtol=1e-9, atol=1e-12)
    with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
        runtime.solved(np.ones((2, 2)), np.ones((2, 1)))
    assert np.isnan(runtime.solved(np.array([[1.0, np.nan], [2.0, 3.0]]), np.ones((2, 1)))).all()


def test_searched() -> None:
    from srcdiff.compiled.runtime import searched

    a = np.array([-1.0, 0.5, 0.5, 2.0, np.nan])
    for x in (-2.0, 0.5, 1.0, 3.0, np.nan):
        for side in ("left", "right"):
            assert searched.py_func(a, x, side == "right") == np.searchsorted(a, x, side), (x, side)


def test_hessian_of_numbers(uncompiled: None) -> None:
    np.testing.assert_allclose(hessian(numbers, backend="numba")(V), hessian(numbers)(V), rtol=1e-10)
