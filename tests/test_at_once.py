"""Arithmetic on rows that waits for no other trip, taken out of loops: ahead of them, and behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from numeric import gradient
from srcdiff import grad, hvp


def rows(u: Any, v: Any, n: int) -> Any:
    """Along the first axis, upwards, parts of rows."""
    y = np.zeros(u.shape)
    y[0] = v[0]
    for i in range(1, len(u)):
        y[i, 1:] = (0.5 * u[i, :-1] - v[i, 1:] / 3.0 + 0.2 * y[i - 1, 1:]) / (2.0 + y[i - 1, 1:] ** 2)
    return np.sum(y * y)


def columns(u: Any, v: Any, n: int) -> Any:
    """Along the second, downwards, with neighbours on both sides."""
    y = np.zeros(u.shape)
    for j in range(u.shape[1] - 2, 0, -1):
        y[:, j] = y[:, j + 1] * np.sin(v[:, j]) + (u[:, j - 1] - 2.0 * u[:, j] + u[:, j + 1]) * 0.3
    return np.sum(y * v)


def counted(u: Any, v: Any, n: int) -> Any:
    """So many trips as an argument says, none below one; a vector that goes along; what is added to."""
    h = v[0]
    for i in range(n):
        h = h * u[i] + (v[0] - u[i] * 2.0)
        u[i] += 1.0
    return h @ h


def nested(u: Any, v: Any, n: int) -> Any:
    """What is only read in the inner loop is written by the outer one."""
    u = u.copy()
    for _ in range(n):
        y = v[0]
        for i in range(1, len(u)):
            y = y * 0.5 + (u[i] - 0.5 * v[i]) * u[i - 1]
            v = v * 1.01
        u[1:] = u[:-1] * y
    return np.sum(u * u)


def feeding(u: Any, v: Any, n: int) -> Any:
    """What is wanted in a trip is made of what is wanted there, too."""
    y = np.zeros(u.shape)
    for i in range(len(u)):
        g = 0.25 * u[i]
        c = g * 0.3
        y[i] = g * y[i - 1] + c * v[i]
    return np.sum(y * y)


def filtered(u: Any, v: Any, n: int) -> Any:
    """A filter down the rows, and one back along the columns: a cotangent's parts lie where they are read."""
    y = np.zeros(u.shape)
    for i in range(1, len(u)):
        y[i] = 0.3 * u[i] - 0.2 * u[i - 1] + 0.5 * y[i - 1]
    z = np.zeros(u.shape)
    for j in range(u.shape[1] - 2, -1, -1):
        z[:, j] = 0.7 * y[:, j] + 0.1 * y[:, j + 1] + 0.4 * z[:, j + 1]
    return np.sum(z * v)


def relaxed(u: Any, v: Any, n: int) -> Any:
    """Trips read on both sides, so other trips add to a part after its own."""
    y = v * 0.5
    for i in range(1, len(u) - 1):
        y[i] = 0.3 * u[i] - 0.2 * u[i - 1] + 0.5 * y[i - 1] + 0.2 * y[i + 1]
    return np.sum(y * y)


def read_after(u: Any, v: Any, n: int) -> Any:
    """What is left there is looked at behind the loop, where it is zero."""
    y = v * 0.5
    for i in range(len(u)):
        y[i] = 0.3 * u[i] - 0.2 * u[i, ::-1]
    return np.sum(y * y)


PROGRAMS = (rows, columns, counted, nested, feeding, filtered, relaxed, read_after)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_values(f: Callable[..., Any]) -> None:
    g = grad(f, wrt=(0, 1))
    rng = np.random.default_rng(1)
    for n, m in ((6, 5), (2, 2), (3, 7)):  # the text is made for the first of these
        u, v = rng.uniform(0.2, 1.0, (2, n, m))
        for k in (2, 1, 0, -1):
            for got, at in zip(g(u, v, k), (0, 1), strict=True):
                want = gradient(f, (u, v, k), (at,))[0]
                np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-7)
    u, v, w = rng.uniform(0.2, 1.0, (3, 6, 5))
    by_difference = (grad(f)(u + 1e-6 * w, v, 2) - grad(f)(u - 1e-6 * w, v, 2)) / 2e-6
    np.testing.assert_allclose(hvp(f)(u, v, 2, w), by_difference, rtol=1e-5, atol=1e-7)


def test_texts() -> None:
    u, v = np.random.default_rng(2).uniform(0.2, 1.0, (2, 6, 5))
    g = grad(rows, wrt=(0, 1))
    g(u, v, 1)
    head, forwards, backwards = g.source.split("    for ")
    assert "= 0.5 * u[1:t, :-1]" in head and "= v[1:t, 1:] / 3.0" in head
    assert "u[" not in forwards.partition("\n\n")[0]
    loop, _, behind = backwards.partition("    u_bar[1:t, :-1] = ")
    assert behind and "u_bar" not in loop


def test_what_lies_there_is_not_put_away() -> None:
    u, v = np.random.default_rng(2).uniform(0.2, 1.0, (2, 6, 5))
    g, h = grad(filtered), grad(relaxed)
    g(u, v, 1), h(u, v, 1)
    assert "rows = y_bar[1:" in g.source and "rows[i" not in g.source and "= 0.0" not in g.source
    assert "rows[i" in h.source


def test_shapes_of_what_is_not_needed() -> None:
    """Of what is linear, no loop of the program is run, though one reads the other, for a shape."""
    u, v = np.random.default_rng(2).uniform(0.2, 1.0, (2, 6, 5))
    g = grad(filtered)
    g(u, v, 1)
    assert g.source.count("for ") == 2


def test_rows_that_are_not_there() -> None:
    """What raises for lack of rows goes on to raise: a row is never repeated instead."""
    g = grad(counted)
    u, v = np.random.default_rng(3).uniform(0.2, 1.0, (2, 6, 5))
    g(u, v, 3)
    with pytest.raises(IndexError):
        g(u[:2], v, 3)


def test_long_rows_stay() -> None:
    """Rows that fill the cache are gone over one at a time."""

    def scaled(u: Any, h: Any) -> Any:
        for i in range(len(u)):
            h = h * (u[i] * 2.0 + 1.0)
        return h @ h

    g = grad(scaled)
    u = np.random.default_rng(4).uniform(0.2, 1.0, (5, 5000))
    g(u, u[0])
    assert "u[i]" in g.source and "u_bar[i] +=" in g.source


def by_turns(u: Any, v: Any, n: int) -> Any:
    """Rows that are written again in each step, each from the one before: saved, and put back, at once."""
    p = np.zeros(u.shape)
    for _ in range(n):
        for i in range(1, len(u)):
            p[i] = 1.0 / (2.0 + 0.5 * p[i - 1]) + u[i]
        for i in range(len(u) - 2, -1, -1):
            v[i] = p[i] * v[i + 1] + v[i] * 0.5
    return np.sum(v * v) + np.sum(p * v)


def by_columns(u: Any, v: Any, n: int) -> Any:
    """The same with columns, and a loop between; what is put back is read at a place that is not written."""
    p = u * 0.5
    for _ in range(n):
        for _ in range(2):
            p[1:, 0] = v[1:, 0]
            for j in range(1, u.shape[1]):
                p[1:, j] = np.sin(p[1:, j - 1]) * u[1:, j] + p[:-1, 0]
    return np.sum(p * p)


def not_at_once(u: Any, v: Any, n: int) -> Any:
    """A trip backwards reads what the one before it has put back."""
    p = u * 0.5
    for _ in range(n):
        for i in range(len(u) - 1):
            p[i] = p[i] * p[i + 1] + v[i]
    return np.sum(p * p)


@pytest.mark.parametrize("f", [by_turns, by_columns, not_at_once], ids=lambda f: f.__name__)
def test_put_back(f: Callable[..., Any]) -> None:
    test_values(f)
    g = grad(f)
    g(*np.random.default_rng(1).uniform(0.2, 1.0, (2, 6, 5)), 2)
    at_once = {by_turns: "p[1:t].copy()", by_columns: "p[1:, 1:t].copy()", not_at_once: "p_i.copy()"}
    assert at_once[f] in g.source and " p.copy()" not in g.source
