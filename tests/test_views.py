"""Parts of vectors that have names before a loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from numeric import gradient
from srcdiff import grad, source
from srcdiff.emit import views


def smoothed(a: Any, n: int) -> Any:
    a = a.copy()
    b = a.copy()
    for _ in range(n):
        b[1:-1] = 0.3 * (a[:-2] + a[1:-1] + a[2:])
        a[1:-1] = 0.3 * (b[:-2] + b[1:-1] + b[2:])
    return np.sum(a * a)


def swapped(a: Any, n: int) -> Any:
    """Another vector in each trip has its parts taken in each."""
    b = a.copy()
    a = np.tanh(a)
    for _ in range(n):
        b[1:] += a[:-1] * a[1:]
        b[1:] *= 0.5
        a, b = b, a
    return np.sum(a * b)


def rebound(a: Any, n: int) -> Any:
    for _ in range(n):
        a = np.sin(a)
        a[1:] -= 0.1 * a[:-1]
        a[1:] *= a[:-1]
    return np.sum(a)


def twice(a: Any, n: int) -> Any:
    """One name is a vector before an inner loop, and another in the next trip of the outer."""
    for k in range(n):
        b = a * (k + 1.0)
        for _ in range(2):
            b[1:] += 0.2 * b[:-1] ** 2
            b[1:] += np.cos(b[:-1])
        a = np.tanh(b)
    return np.sum(a)


@pytest.mark.parametrize("f", [smoothed, swapped, rebound, twice])
def test_gradients(f: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "SMALLEST", 2)
    a = np.random.default_rng(0).random(6)
    np.testing.assert_allclose(grad(f)(a, 3), gradient(f, [a, 3], [0])[0], rtol=1e-6, atol=1e-9)


def large(a: Any, n: int) -> Any:
    return smoothed(a, n)


def test_what_is_asked_for_more_than_once_has_a_name() -> None:
    text = source(grad(large), np.ones(views.SMALLEST), 3)
    before, _, loop = text.rpartition("for _ in")
    assert "a_bar_right = a_bar[2:]\n" in before
    assert "    a_bar_right += t\n" in loop
    assert "a_bar_mid[:] = t\n" in loop
    assert "a_bar[2:]" not in loop


def plate(p: Any, n: int) -> Any:
    """Borders of a matrix are taken as rows and columns."""
    p = p.copy()
    for _ in range(n):
        q = p.copy()
        p[1:-1, 1:-1] = 0.25 * (q[2:, 1:-1] + q[:-2, 1:-1] + q[1:-1, 2:] + q[1:-1, :-2])
        p[:, -1] = p[:, -2] * p[:, 0]
        p[0] = p[1]
        p[-1, 1:] = 2.0 * p[-2, :-1]
    return np.sum(p * p)


def test_rows_and_columns_have_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "SMALLEST", 2)
    p = np.random.default_rng(0).random((5, 6))
    g = grad(plate)
    np.testing.assert_allclose(g(p, 3), gradient(plate, [p, 3], [0])[0], rtol=1e-6, atol=1e-9)
    before, _, loop = g.source.rpartition("for _ in")
    assert "p_bar_row_1 = p_bar[1]\n" in before
    assert "p_bar_row_1 += p_bar_row_0\n" in loop
    assert "padded_left_edge = padded[:, 0]\n" in before
    assert "padded_left_edge.fill(0.0)\n" in loop
