"""Tapes of loops inside loops, slices whose ends move together, arrays turned by what varies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

import srcdiff
from srcdiff import grad


def triangle(x: Any) -> Any:
    s = 0.0
    for i in range(len(x)):
        for j in range(i):
            s = np.sin(s) * s + x[i] * x[j]
        for j in range(i + 1, len(x)):
            s = s * np.cos(s) + x[j] / (1.0 + x[i] ** 2)
    return s


def backwards(x: Any) -> Any:
    s = 1.0
    n = len(x)
    for i in range(n - 1, -1, -2):
        for j in range(n - i, 0, -3):
            s = np.sin(s) * s + x[i] * j
        if i % 4 == 1:
            for j in range(1, n, 2):
                s = s * np.cos(x[j])
    return s


def ways_out(x: Any) -> Any:
    s = 0.1
    for i in range(len(x)):
        for j in range(len(x)):
            s = np.sin(s) * s + x[j]
            if s > 1.0 + i:
                break
        k = 0
        while s > 0.3 and k < 5:
            s = s * np.cos(s)
            k += 1
    return s


def three(x: Any, m: int = 3) -> Any:
    out = np.zeros_like(x)
    for i in range(m):
        for j in range(i + 1):
            for k in range(j, m):
                u = np.sin(x * (i + 1)) * np.exp(-out) + k
                out += u * u * 0.1
    return np.sum(out**2)


def rows_of_a_triangle(x: Any, m: int = 3) -> Any:
    y = x * 1.0
    for i in range(1, len(x)):
        for j in range(len(x) - i, 0, -2):
            y[:i] += np.sin(y[:i] * x[j]) * np.cos(x[: i + 1].sum())
            for _ in range(j, j + m):
                y[i:] = np.sin(y[i:]) * x[i:] + 0.1
    return np.sum(y**2)


def other_sizes(x: Any, m: int = 0) -> Any:
    """What an inner loop leaves has the size of what it makes, or, without a trip, of what it began with."""
    s = 0.4
    for i in range(1, len(x)):
        z = np.sin(x[:i] * s)
        s = 0.5 * s + 0.1 * np.sum(z * z)
        for _ in range(m + i % 2):
            z = np.sin(x[1:-1] * s)
            s = 0.5 * s + 0.1 * np.sum(z * z)
    return s


def window(x: Any) -> Any:
    total = np.zeros_like(x[2:-2])
    for d in range(-2, 3):
        part = x[2 + d : len(x) - 2 + d]
        total += np.exp(-((part - x[2:-2]) ** 2)) * part
    return np.sum(total**2)


def turned(x: Any) -> Any:
    shifts = np.array([0, 1, -2, 5, 17])
    out = x * 1.0
    for i in range(5):
        out = np.sin(np.roll(out, shifts[i])) + x
    return np.sum(out**2)


CASES = [triangle, backwards, ways_out, three, rows_of_a_triangle, other_sizes, window, turned]


@pytest.mark.parametrize("f", CASES, ids=lambda f: f.__name__)
def test_the_numbers_of_numpy(f: Callable[..., Any], uncompiled: None) -> None:
    g, kernel = grad(f), grad(f, backend="numba")
    for n in (7, 6):  # the sizes of the first call, and others
        x = np.linspace(0.1, 0.9, n)
        np.testing.assert_allclose(kernel(x), g(x), rtol=1e-13, atol=1e-15)


def test_tapes_whose_size_is_told_do_not_grow(uncompiled: None) -> None:
    x = np.linspace(0.1, 0.9, 7)
    text = srcdiff.source(grad(three, backend="numba"), x)
    assert "saved" in text and "grown" not in text
    assert "grown" in srcdiff.source(grad(ways_out, backend="numba"), x)


def test_trips_that_differ_are_counted(uncompiled: None) -> None:
    def f(x: Any) -> Any:
        return rows_of_a_triangle(x, 2)

    slope = grad(f, backend="numba")
    slope(np.linspace(0.1, 0.9, 7))
    numbers = sum(i * len(range(7 - i, 0, -2)) for i in range(1, 7))
    assert f"np.empty({numbers}, np.float64)" in slope.source and "grown" not in slope.source
    slope(np.linspace(0.1, 0.9, 6))  # for any size: counted when it runs
    assert "_room += " in slope.source and "grown" not in slope.source


def test_slices_whose_ends_move_together_have_one_size(uncompiled: None) -> None:
    def smoothed(x: Any) -> Any:
        total = np.zeros_like(x[2:-2])
        for d in range(-2, 3):
            total += np.exp(-((x[2 + d : len(x) - 2 + d] - x[2:-2]) ** 2))
        return np.sum(total**2)

    text = srcdiff.source(grad(smoothed, backend="numba"), np.linspace(0.1, 0.9, 9))
    assert "one_size" not in text and "range(5)" in text


def test_views_are_read_again_where_their_index_is_at_hand() -> None:
    text = srcdiff.source(grad(window), np.linspace(0.1, 0.9, 9))
    assert "part_saved" not in text


def swapped(c: Any, u: Any) -> Any:
    before = u.copy()
    for _ in range(4):
        after = np.zeros_like(u)
        after[1:-1] = 2 * u[1:-1] - before[1:-1] + c * (u[2:] + u[:-2] - 2 * u[1:-1])
        before, u = u, after
    return np.sum(u**2)


def test_what_is_asked_for_its_shape_is_not_kept() -> None:
    text = srcdiff.source(grad(swapped), 0.3, np.linspace(0.1, 0.9, 9))
    assert "before_saved" not in text
