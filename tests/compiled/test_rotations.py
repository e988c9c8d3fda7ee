"""Arrays that loops hand round: kernels against the text for NumPy, and what is one loop of theirs."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from srcdiff import grad

X = np.linspace(0.1, 0.9, 7)


def wave(x: Any, n: int) -> Any:
    before, now = x.copy(), x.copy()
    for _ in range(n):
        after = np.zeros_like(x)
        after[1:-1] = 2 * now[1:-1] - before[1:-1] + 0.2 * (now[2:] - 2 * now[1:-1] + now[:-2])
        before, now = now, after
    return np.sum(now**2)


def handed_back(x: Any, n: int) -> Any:
    """What is written to is sometimes what is read."""
    a, b, c = x.copy(), x * 2.0, x.copy()
    for k in range(n):
        b[1:] += 0.5 * a[:-1] * c[1:]
        if k % 2:
            a, b = b, a
        else:
            c = a
        a[0] *= 0.9
    return np.sum(a * a) + np.sum(b * c)


def one_under_two_names(x: Any, n: int) -> Any:
    a = x.copy()
    b = a
    c = np.ones_like(x)
    for _ in range(n):
        b, c, a = c, np.sin(b), b
        a = c
    return np.sum(a * a) + np.sum(b) + np.sum(c * b)


def three_in_a_ring(x: Any, n: int) -> Any:
    a, b, c = x.copy(), np.zeros_like(x), x * x
    for _ in range(n):
        for _ in range(2):
            a, b, c = b, c, a
            a[1:-1] = 0.3 * b[2:] + 0.6 * c[:-2]
        b = a.copy()
        b[0] = c[1]
    return np.sum(a * b * c) + np.sum(c)


CASES: list[Callable[..., Any]] = [wave, handed_back, one_under_two_names, three_in_a_ring]


@pytest.mark.parametrize("f", CASES, ids=lambda f: f.__name__)
def test_kernels_agree(f: Callable[..., Any], uncompiled: None) -> None:
    g, plain = grad(f, backend="numba"), grad(f)
    for n in (3, 0, 1, 4):
        np.testing.assert_allclose(g(X, n), plain(X, n), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(g(np.append(X, 0.3), 3), plain(np.append(X, 0.3), 3), rtol=1e-12)


@pytest.mark.parametrize("turn", list(itertools.permutations("abc")), ids="".join)
@pytest.mark.parametrize("b", ["a", "x * 2.0"])
def test_every_turn_of_three(turn: tuple[str, ...], b: str, uncompiled: None, tmp_path: Any) -> None:
    text = f"""
import numpy as np
def f(x, n):
    a, c = x.copy(), np.zeros_like(x)
    b = {b}
    for _ in range(n):
        c[1:-1] = 0.5 * a[2:] + 0.25 * b[:-2]
        a, b, c = {", ".join(turn)}
        a = 0.9 * a
    return np.sum(a * a) + np.sum(b) + np.sum(c * b)
"""
    path = tmp_path / "turns.py"
    path.write_text(text)
    space: dict[str, Any] = {"__file__": str(path)}
    exec(compile(text, str(path), "exec"), space)
    f = space["f"]
    for n in (3, 1):
        np.testing.assert_allclose(grad(f, backend="numba")(X, n), grad(f)(X, n), rtol=1e-12)


def test_a_step_is_one_loop(uncompiled: None) -> None:
    """Nothing is kept in an array of its own: the three never are one."""

    def step(x: Any, n: int) -> Any:
        before, now = x.copy(), x.copy()
        for _ in range(n):
            after = np.zeros_like(x)
            after[1:-1] = 2 * now[1:-1] - before[1:-1] + 0.2 * (now[2:] - 2 * now[1:-1] + now[:-2])
            before, now = now, after
        return np.sum(now**2)

    g = grad(step, backend="numba")
    g(X, 3)
    kernel = g.source.partition("def step_grad(")[0]
    assert "after[1 + i] = t - before1[1 + i] + 0.2 * (now1[2 + i] - t + now1[i])" in kernel
    assert kernel.count("np.empty(") + kernel.count("np.zeros(") == 4  # after, and three cotangents
