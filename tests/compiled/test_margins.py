"""Margins around arrays in kernels, of all the ways in which they follow from what is inside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

import srcdiff
from srcdiff import grad, jacfwd


def step(u: Any, v: Any) -> Any:
    return u * np.tanh(np.sin(v[:3, :4]) + v[-3:, -4:] * v[:3, -4:])


def alike(u: Any, mode: str) -> Any:
    """A stencil whose margins are made in each trip: corners follow from margins."""
    for _ in range(2):
        u = step(u, np.pad(u, 1, mode=mode))
    return np.sum(u**2)


def unlike(u: Any, mode: str) -> Any:
    v = np.pad(u, ((1, 2), (2, 1)), mode=mode)
    return np.sum(step(u, v) ** 2) + np.sum(v**3)


def on_one_side(u: Any, mode: str) -> Any:
    v = np.pad(u, ((0, 2), (2, 0)), mode=mode)
    return np.sum(step(u, v) ** 2) + np.sum(v**3)


@pytest.mark.parametrize("mode", ["wrap", "edge", "reflect", "symmetric"])
def test_against_numpy(mode: str, uncompiled: None) -> None:
    u = np.random.default_rng(6).normal(size=(3, 4))
    for f in (alike, unlike, on_one_side):
        g = grad(f, backend="numba")
        np.testing.assert_allclose(g(u, mode), grad(f)(u, mode), rtol=1e-10, atol=1e-12)
        assert not g.compiled(u, mode).left
    got, want = (jacfwd(grad(unlike), backend=b)(u, mode) for b in ("numba", "numpy"))
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-10)


def test_margins_wider_than_the_array(uncompiled: None) -> None:
    """They go round several times: that is NumPy's."""
    u = np.random.default_rng(7).normal(size=4)
    for mode in ("wrap", "symmetric", "reflect"):
        f = lambda u, mode=mode: np.sum(np.sin(np.pad(u, (9, 5), mode=mode)) ** 2)  # noqa: E731
        np.testing.assert_allclose(grad(f, backend="numba")(u), grad(f)(u), rtol=1e-10)


def test_edges_of_any_size(uncompiled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def blurred(x: Any) -> Any:
        p = np.pad(x, ((2, 1), (1, 3)), mode="edge")
        return np.sum(np.sin(p[1:] * p[:-1])) + np.sum(p[:, 1:] ** 2 * p[:, :-1])

    monkeypatch.setattr(srcdiff.api.specialise, "MOST_CHANGES", -1)
    kernels, plain = grad(blurred, backend="numba"), grad(blurred)
    for shape in ((5, 6), (4, 4), (2, 3), (7, 2)):
        x = np.random.default_rng(1).normal(size=shape)
        np.testing.assert_allclose(kernels(x), plain(x), rtol=1e-9, atol=1e-12)
        assert not kernels.compiled(x).left
    with pytest.raises(ValueError):
        kernels(np.ones((0, 3)))
