"""Arrays that are wanted for their shape alone are not kept: values, memory, what stays on the tape."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from numeric import assert_close, directional, gradient
from srcdiff import grad, hvp, jacobian, jvp
from srcdiff.differentiate import outlines


def wave(u, c, n):
    u = u.copy()
    old = u.copy()
    for _ in range(n):
        new = np.zeros((100, 90))
        inner = c[1:-1, 1:-1] * (u[2:, 1:-1] + u[:-2, 1:-1] - 2.0 * u[1:-1, 1:-1])
        new[1:-1, 1:-1] = 2.0 * u[1:-1, 1:-1] - old[1:-1, 1:-1] + inner
        old = u
        u = new
    return np.sum(u * u)


def given_sizes(u, n, k, m):
    for i in range(n):
        new = np.zeros((k, m))
        if i % 2:
            new[1:, :] = u[:-1, :] * 0.5
        else:
            for j in range(2):
                new[:, j:] = new[:, j:] + u[:, j:]
        u = new
    return np.sum(u**2)


def from_a_number(w, x):
    out = 0.0
    for i in range(3):
        out = out + w[i] * x[i : x.shape[0] - 2 + i]
    return np.sum(np.maximum(out, 0.0) ** 2)


def repeated(x, n, k):
    """Here shapes do differ: a column becomes a matrix."""
    y = np.zeros((len(x), k))
    for i in range(n):
        y = y + np.sin(x)[:, None] * (i + 1.0)
        x = np.sum(y, axis=1) * 0.1
    return np.sum(y * y)


def held(f: Callable[..., Any], *args: Any) -> int:
    f(*args)
    tracemalloc.start()
    try:
        f(*args)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def cases(rng: np.random.Generator) -> list[tuple[Callable[..., Any], tuple[Any, ...]]]:
    u, c = rng.standard_normal((2, 100, 90))
    return [
        (wave, (u, 0.1 * c, 4)),
        (given_sizes, (u, 4, 100, 90)),
        (from_a_number, (rng.standard_normal(3), rng.standard_normal((80, 60)))),
        (repeated, (rng.standard_normal(6), 3, 5)),
        (repeated, (rng.standard_normal(6), 3, 1)),
    ]


@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("small", [False, True])
def test_values(at: int, small: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if small:
        monkeypatch.setattr(outlines, "LARGE", 0)
    rng = np.random.default_rng(0)
    f, args = cases(rng)[at]
    ahead = rng.standard_normal(args[0].shape)
    slope = directional(f, args, (0,), (ahead,))[0]
    g = grad(f)
    assert_close(np.vdot(g(*args), ahead), slope, 1e-6)
    assert_close(jvp(f, args, (ahead, *[None] * (len(args) - 1)))[1], slope, 1e-6)
    assert f not in (wave, given_sizes) or "(outline(" in g.source
    bent = hvp(f)(*args, ahead)
    near = (g(args[0] + 1e-5 * ahead, *args[1:]) - g(args[0] - 1e-5 * ahead, *args[1:])) / 2e-5
    assert_close(bent, near, 1e-4)


def test_second_order_in_all_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlines, "LARGE", 0)
    x = np.array([0.3, -0.2, 0.5])
    near = gradient(lambda x: np.vdot(grad(repeated)(x, 3, 4), x), (x,), (0,))[0]
    H = jacobian(grad(repeated))(x, 3, 4)
    assert_close(near, H @ x + grad(repeated)(x, 3, 4), 1e-5)

    def along(x):
        return np.sum(grad(repeated)(x, 3, 4) * x)

    assert_close(grad(along)(x), near, 1e-5)


def test_what_is_wanted_for_its_shape_is_not_kept() -> None:
    rng = np.random.default_rng(1)
    u, c = rng.standard_normal((2, 100, 90))
    g = grad(wave)
    assert held(g, u, 0.1 * c, 40) < 12 * u.nbytes
    assert_close(held(g, u, 0.1 * c, 40) / held(g, u, 0.1 * c, 20), 1.0, 0.1)


def test_small_arrays_are_kept() -> None:
    def of_few(u, k):
        for _ in range(3):
            new = np.zeros((k, k))
            new[1:] = u[1:] + u[:-1]
            u = new
        return np.sum(u)

    g = grad(of_few)
    g(np.ones((3, 3)), 3)
    assert "append" in g.source and "outline(" not in g.source
