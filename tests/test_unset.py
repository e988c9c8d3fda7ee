"""Variables that one path sets, put away by what derivatives do: snapshots, lists, their tangents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from srcdiff import checkpoint, grad, hessian, jvp


def under_snapshots(x: Any) -> Any:
    s = x[0]
    if x[1] > 0.5:
        y = x[0] * x[1]
    for _ in checkpoint(range(9), snapshots=3):
        if x[1] > 0.5:
            y = y * np.sin(s)
            s = s + y
        s = np.cos(s) + x[1]
    return s


def read_before(x: Any) -> Any:
    s = x[0]
    if x[1] > 0.5:
        y = x[0] * x[1]
    for _ in checkpoint(range(7), snapshots=2):
        if x[1] > 0.5:
            s = s + y
            y = np.sin(s)
        s = np.cos(s) + x[1]
    return s


def list_that_grows(x: Any) -> Any:
    s = x[0]
    if x[1] > 0.5:
        ys = [x[0] * x[1]]
    for _ in range(4):
        if x[1] > 0.5:
            s = s + ys[-1]
            ys.append(np.sin(s))
        s = np.cos(s) + x[1]
    return s


def list_that_is_written(x: Any) -> Any:
    s = x[0]
    if x[1] > 0.5:
        ys = [x[0], x[1], s]
    for k in range(3):
        if x[1] > 0.5:
            ys[k] = np.sin(s) * ys[2 - k]
            s = s + ys[k]
        s = np.cos(s) + x[1]
    return s


def slope(f: Callable[[Any], Any], x: Any, h: float = 1e-5) -> Any:
    return np.array([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(len(x))])


@pytest.mark.parametrize("at", [0.3, 0.8])
@pytest.mark.parametrize("f", [under_snapshots, read_before, list_that_grows, list_that_is_written])
def test_what_one_path_sets(f: Callable[[Any], Any], at: float) -> None:
    x = np.array([0.7, at])
    np.testing.assert_allclose(grad(f)(x), slope(f, x), rtol=1e-6)
    dots = [jvp(f, (x,), (e,))[1] for e in np.eye(2)]
    np.testing.assert_allclose(dots, grad(f)(x), rtol=1e-12)
    np.testing.assert_allclose(hessian(f)(x), slope(grad(f), x), rtol=1e-5, atol=1e-6)


def result_of_a_trip(x: Any) -> Any:
    """Which is not there where no trip returns: the columns are made direction by direction."""
    for _ in range(2):
        if x[0] > 0.5:
            return max([abs(e) ** 3 for e in x])
    b = np.column_stack([np.array([0.2 * e for e in x]), x])
    return np.sum(x**3) + 0.3 * np.sum(b * b)


@pytest.mark.parametrize("x", [[0.3], [0.9], [0.3, 0.7]], ids=str)
def test_nobody_counts_directions_on_it(x: list[float]) -> None:
    expected = slope(grad(result_of_a_trip), np.array(x))
    np.testing.assert_allclose(hessian(result_of_a_trip)(np.array(x)), expected, rtol=1e-5, atol=1e-6)
