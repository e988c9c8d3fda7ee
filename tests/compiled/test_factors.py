"""Small matrices factored in loops, by hand; what numba fails at stays with NumPy, with the reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from numba.core.dispatcher import Dispatcher

from srcdiff import grad, jvp

R = np.random.default_rng(2)


def whitened(B: Any, xs: Any) -> Any:
    S, out = B @ B.T + 4.0 * np.eye(len(B)), 0.0
    for x in xs:
        L = np.linalg.cholesky(S)
        z = np.linalg.solve(L, x)
        out += z @ z + 2.0 * np.log(np.diag(L)).sum()
        S = 0.9 * S + 0.1 * np.outer(x, x)
    return out


@pytest.mark.parametrize("n", [1, 2, 4, 6, 9])
def test_factors_in_a_loop(n: int, uncompiled: None) -> None:
    B, xs = R.standard_normal((n, n)), R.standard_normal((3, n))
    got = grad(whitened, backend="numba")(B, xs)
    np.testing.assert_allclose(got, grad(whitened)(B, xs), rtol=1e-9, atol=1e-11)
    d, e = R.standard_normal((n, n)), 1e-6
    slope = (whitened(B + e * d, xs) - whitened(B - e * d, xs)) / (2 * e)
    np.testing.assert_allclose((got * d).sum(), slope, rtol=1e-5)
    np.testing.assert_allclose(jvp(whitened, (B, xs), (d, None), backend="numba")[1], slope, rtol=1e-5)
    if n <= 2:
        assert not grad(whitened, backend="numba").compiled(B, xs).left


def test_no_factor(uncompiled: None) -> None:
    def f(A: Any) -> Any:
        s = 0.0
        for _ in range(2):
            s += np.linalg.cholesky(A).sum()
        return s

    A = np.array([[1.0, 2.0], [2.0, 1.0]])
    for backend in ("numpy", "numba"):
        with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
            grad(f, backend=backend)(A)
    for A in (np.array([[np.nan, 0.0], [0.0, 1.0]]), np.array([[1.0, 0.0], [np.nan, 2.0]])):
        np.testing.assert_array_equal(grad(f)(A), grad(f, backend="numba")(A))


def test_whatever_numba_says_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(self: Any, signature: Any) -> None:
        raise NotImplementedError("not this one")

    def f(x: Any) -> Any:
        return np.sum(np.sin(x) * np.cos(x) + x**2)

    monkeypatch.setattr(Dispatcher, "compile", refuses)
    x = R.standard_normal(5)
    g = grad(f, backend="numba")
    np.testing.assert_allclose(g(x), grad(f)(x), rtol=1e-12)
    assert any("not this one" in left.why for left in g.compiled(x).left)
