"""``np.diff`` and ``np.gradient`` in kernels, for the sizes at hand and for any."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import srcdiff
from srcdiff import value_and_grad


def slopes(x: Any, h: Any) -> Any:
    return np.sum(np.gradient(x[:, 0]) ** 2 * np.gradient(x[:, 1], h))


def both_axes(x: Any, h: Any) -> Any:
    down, right = np.gradient(x, h, 0.5)
    c = 1.0 / (1.0 + down**2 + right**2)
    return np.sum(np.gradient(c * right, axis=-1) * x + np.gradient(c * down, h, axis=0))


def in_a_loop(x: Any, h: Any) -> Any:
    for _ in range(3):
        x = x + 0.1 * h * np.gradient(np.gradient(x, axis=0), axis=0)
    return np.sum(x**3)


def differences(x: Any, h: Any) -> Any:
    a, b = np.diff(x, n=2, axis=0), np.diff(np.sin(x), axis=1)
    return np.sum(a * a) * h + np.sum(np.diff(x.ravel(), 3) ** 2) + np.sum(b**3)


def edges(x: Any, h: Any) -> Any:
    return np.sum(np.gradient(x, axis=1, edge_order=2) ** 2) * h + np.sum(np.gradient(x, h, axis=(0, 1))[1])


@pytest.mark.parametrize("most", [-1, 2])
@pytest.mark.parametrize("f", [slopes, both_axes, in_a_loop, differences, edges], ids=lambda f: f.__name__)
def test_against_numpy(f: Any, most: int, uncompiled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(srcdiff.api.specialise, "MOST_CHANGES", most)  # of -1: the text for any size
    monkeypatch.setattr(srcdiff.api.specialise, "_shared", {})
    rng = np.random.default_rng(2)
    kernels, plain = (value_and_grad(f, wrt=(0, 1), backend=b) for b in ("numba", "numpy"))
    for shape in ((6, 5), (4, 3), (3, 7)):
        x, v = rng.normal(size=shape), rng.normal(size=shape)
        value, (x_bar, h_bar) = kernels(x, 0.7)
        assert value == pytest.approx(f(x, 0.7))
        want = plain(x, 0.7)[1]
        np.testing.assert_allclose(x_bar, want[0], rtol=1e-9, atol=1e-11)
        assert h_bar == pytest.approx(want[1], rel=1e-9)
        slope = (f(x + 1e-6 * v, 0.7) - f(x - 1e-6 * v, 0.7)) / 2e-6
        assert np.vdot(x_bar, v) == pytest.approx(slope, rel=1e-5, abs=1e-6)


def test_one_kernel(uncompiled: None) -> None:
    for f in (in_a_loop, differences):
        report = value_and_grad(f, backend="numba").compiled(np.ones((5, 4)), 0.7)
        assert len(report.kernels) == 1 and not report.left


def test_too_short(uncompiled: None) -> None:
    for n in (4, 5, 1):
        x = np.linspace(0.0, 1.0, n)[:, None] * np.ones(2)
        if n > 1:
            value_and_grad(slopes, backend="numba")(x, 0.7)
        else:
            with pytest.raises((ValueError, IndexError)):
                value_and_grad(slopes, backend="numba")(x, 0.7)


def test_a_second_derivative() -> None:
    def energy(x: Any, v: Any) -> Any:
        return srcdiff.jvp(srcdiff.grad(lambda x: both_axes(x, 0.7)), (x,), (v,))[1]

    rng = np.random.default_rng(4)
    x, v = rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
    g = srcdiff.grad(both_axes)
    want = (g(x + 1e-6 * v, 0.7) - g(x - 1e-6 * v, 0.7)) / 2e-6
    np.testing.assert_allclose(energy(x, v), want, rtol=1e-5, atol=1e-6)
