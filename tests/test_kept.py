"""What loops keep for the way back, and what they need not: texts, and derivatives by differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from srcdiff import grad, jvp, source

rng = np.random.default_rng(0)


def edges(u: Any) -> Any:
    """Differences lie on tapes: ``u`` is not put back to make them again."""
    u = u.copy()
    for _ in range(3):
        a = u[:-2] - u[1:-1]
        b = u[2:] - u[1:-1]
        u[1:-1] += 0.2 * (a / (1 + a**2) + b / (1 + b**2))
    return np.sum(u * u)


def joined(u: Any) -> Any:
    """Nothing is kept for the shapes of what is joined."""
    for _ in range(3):
        mid = np.sin(u[2:] - u[:-2])
        u = np.concatenate([u[:1], mid, u[-1:] ** 2])
    return np.sum(np.hstack([u, [u[0] * u[1]]]) ** 2)


def stacked(u: Any) -> Any:
    rows = np.vstack([u, np.stack([u * u, 2.0 * u])])
    columns = np.column_stack([u, rows.T, np.ones(len(u))])
    return np.sum(np.concatenate([columns, np.stack([u, -u], axis=-1)], axis=-1) ** 3)


def tables(u: Any) -> Any:
    """Numbers of the program are read again."""
    a, b = [[0.5], [0.1, 0.4], [0.3, -0.2, 0.6]], [0.2, 0.5, 0.3]
    for _ in range(2):
        for i in range(3):
            for j in range(i + 1):
                u = u + 0.1 * a[i][j] * np.sin(u)
            u = u * (1.0 + b[i] * np.cos(u))
    return np.sum(u)


def fluxes(u: Any) -> Any:
    """Of ``f`` the shape alone is asked: that of ``g`` is at hand."""
    for _ in range(3):
        g = np.concatenate([u[-1:], u, u[:1]])
        f = 0.5 * g * g
        u = u - 0.1 * (f[2:] - f[:-2])
    return np.sum(u**3)


def element(u: Any) -> Any:
    """An array is not made again for one of its elements."""
    s = 0.0
    for k in range(3):
        u = np.tanh(u) - 0.3 * u * u
        s = s + 0.5 * u[k] * u[k] * s + u[k]
    return s


NOT_IN = {
    edges: ("old",), joined: ("unconcatenate", "unhstack"), fluxes: ("zeros_like(f)", "f_saved"),
    stacked: ("unvstack", "uncolumn_stack", "moveaxis"), tables: ("saved2", "list("), element: (")[k]",),
}  # fmt: skip


@pytest.mark.parametrize("f", NOT_IN, ids=lambda f: f.__name__)
def test_kept(f: Any) -> None:
    u, v = rng.normal(size=(2, 3000 if f is edges else 6))  # (what is kept of large arrays is weighed)
    text = source(grad(f), u)
    assert not [word for word in NOT_IN[f] if word in text]
    slope = (f(u + 1e-6 * v) - f(u - 1e-6 * v)) / 2e-6
    assert np.vdot(grad(f)(u), v) == pytest.approx(slope, rel=1e-6, abs=1e-7)
    assert jvp(f, (u,), (v,))[1] == pytest.approx(slope, rel=1e-6, abs=1e-7)

    def along(u: Any) -> Any:
        return np.vdot(grad(f)(u), v)

    curve = (grad(f)(u + 1e-6 * v) - grad(f)(u - 1e-6 * v)) / 2e-6
    np.testing.assert_allclose(grad(along)(u), curve, rtol=1e-5, atol=1e-6)
