"""Tapes of large arrays hold what several others are made of; of small ones, each of these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from numeric import gradient
from srcdiff import grad, hvp, source
from srcdiff.differentiate import roomy


def burgers(u: Any, cfl: Any, nt: int) -> Any:
    for _ in range(nt):
        un = u.copy()
        u[1:] = un[1:] - cfl * un[1:] * (un[1:] - un[:-1])
        u[0] = 1.0
    return np.sum(u * u)


def limited(q: Any, a: Any, nt: int) -> Any:
    """What is made again is made of what is made again; numbers, and a branch, in between."""
    for n in range(nt):
        left = q - np.roll(q, 1)
        slope = np.where(left > 0.1, np.maximum(left, 0.2), a * left)
        if n % 2:
            slope = slope * slope * np.sin(a)
        q = np.tanh(q - 0.3 * a * slope * np.maximum(slope, 0.0))
    return np.sum(q**2)


def written(q: Any, a: Any, nt: int) -> Any:
    """An array that is written to between what it gives is not what they are made of."""
    for _ in range(nt):
        old = q.copy()
        left = old[1:] - old[:-1]
        old[2:-2] *= a
        right = old[1:] * old[:-1]
        q[1:] = np.sin(left * right) * left + a * right
    return np.sum(q**2)


@pytest.mark.parametrize("f", [burgers, limited, written])
def test_gradients_of_large_arrays(f: Callable[..., Any]) -> None:
    size = roomy.LARGE + 9
    q = np.random.default_rng(size).random(size)
    g = grad(f, wrt=(0, 1))(q, 0.3, 4)
    v = np.random.default_rng(1).normal(size=size)
    for k, (mine, by) in enumerate(zip(g, (v, 0.7), strict=True)):

        def along(s: float, k: int = k, by: Any = by) -> Any:
            args = [q.copy(), 0.3]
            args[k] = args[k] + s * by
            return f(*args, 4)

        h = 1e-6
        expected = (along(h) - along(-h)) / (2 * h)
        assert np.sum(mine * by) == pytest.approx(expected, rel=1e-5)


def test_one_array_is_kept_in_the_place_of_two() -> None:
    large = source(grad(burgers, wrt=(0, 1)), np.ones(roomy.LARGE + 1), 0.3, 4)
    assert large.count(".append(") == 1
    assert "un_saved.append(un)" in large


def of_few(u: Any, cfl: Any, nt: int) -> Any:
    for _ in range(nt):
        un = u.copy()
        u[1:] = un[1:] - cfl * un[1:] * (un[1:] - un[:-1])
    return np.sum(u * u)


def test_small_arrays_are_kept_for_calls_would_cost_more() -> None:
    assert source(grad(of_few, wrt=(0, 1)), np.ones(30), 0.3, 4).count(".append(") == 2


def seconds(u: Any, cfl: Any, nt: int) -> Any:
    for _ in range(nt):
        un = u.copy()
        u[1:] = un[1:] - cfl * un[1:] * (un[1:] - un[:-1])
    return np.sum(u * u)


def test_second_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roomy, "LARGE", 2)
    u, v = np.random.default_rng(0).random((2, 6))
    (expected,) = gradient(lambda x: grad(seconds)(x, 0.3, 3) @ v, [u], [0])
    np.testing.assert_allclose(hvp(seconds)(u, 0.3, 3, v), expected, rtol=1e-6)


def turned(theta: Any, omega: Any, nt: int) -> Any:
    for _ in range(nt):
        theta = theta + 0.1 * (omega + np.mean(np.sin(theta[None, :] - theta[:, None]), axis=1))
    return np.sum(np.cos(theta) * theta)


def test_a_small_array_is_kept_in_the_place_of_the_large_one_made_of_it() -> None:
    theta, omega, v = np.random.default_rng(0).random((3, 50))
    assert theta.size < roomy.LARGE < theta.size**2
    assert "theta_saved.append(theta" in source(grad(turned), theta, omega, 3)
    mine = grad(turned, wrt=(0, 1))(theta, omega, 3)
    for k, expected in enumerate(gradient(turned, (theta, omega, 3), [0, 1])):
        np.testing.assert_allclose(mine[k], expected, rtol=1e-6, atol=1e-7)
    (expected,) = gradient(lambda x: grad(turned)(x, omega, 3) @ v, [theta], [0])
    np.testing.assert_allclose(hvp(turned)(theta, omega, 3, v), expected, rtol=1e-5, atol=1e-6)
