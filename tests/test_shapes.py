"""Shapes of first versions, sums through new axes, the order of operations: texts and numbers."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import numeric
from srcdiff import grad


def checked(f: Any, *args: Any, wrt: tuple[str, ...]) -> str:
    """The text of a gradient that agrees with differences."""
    g = grad(f, wrt=wrt)
    got = g(*args)
    want = numeric.gradient(f, args, tuple(range(len(wrt))))
    numeric.assert_close(got, want, 1e-6, f.__name__)
    return str(g.source)


def diffuse(u, n):
    u = u.copy()
    v = u.copy()
    for _ in range(n):
        v[1:-1] = 0.3 * (u[:-2] + u[1:-1] + u[2:])
        u[1:-1] = 0.3 * (v[:-2] + v[1:-1] + v[2:])
    return np.sum(u)


@pytest.mark.parametrize("size", [2, 3, 6])
def test_linear_loops_run_no_primal(size: int) -> None:
    x = np.random.default_rng(0).normal(size=size)
    g = grad(diffuse)
    numeric.assert_close((g(x, 3),), numeric.gradient(diffuse, (x, 3), (0,)), 1e-6, "diffuse")
    assert g.source.count("for ") == 1
    assert "[1:-1].copy()" not in g.source  # the part that goes back is multiplied, not copied


def waves(e, h, n):
    e = e.copy()
    h = h.copy()
    for _ in range(n):
        e[1:, :] -= 0.5 * (h[1:, :] - h[:-1, :])
        h[:-1, :-1] -= 0.7 * (e[:-1, 1:] - e[:-1, :-1])
    return np.sum(h * h) + np.sum(e * e)


@pytest.mark.parametrize("shape", [(2, 2), (3, 2), (2, 4), (5, 4)])
def test_what_is_kept_for_its_shape_is_not_kept(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    text = checked(waves, rng.normal(size=shape), rng.normal(size=shape), 3, wrt=("e", "h"))
    assert "append" not in text


def repeated(x, b, n):
    x = x.copy()
    for k in range(n):
        x[1:, :] = 0.5 * x[1:, :] + b * (k + 1.0)
        x[k, 1:] += np.sin(b[0, 1:]) * 0.3 + x[k, :-1]
    return np.sum(x**3)


@pytest.mark.parametrize("rows", [1, 3])
def test_operands_that_are_repeated_at_run_time(rows: int) -> None:
    rng = np.random.default_rng(2)
    checked(repeated, rng.normal(size=(4, 3)), rng.normal(size=(rows, 3)), 2, wrt=("x", "b"))


def squares(x, b, n):
    x = x.copy()
    for _ in range(n):
        y = b[:, 1:] * 2.0 - x[:, 1:]
        x[:, 1:] = y * y * 0.1 + b[:, :-1]
    return np.sum(x)


@pytest.mark.parametrize("rows", [1, 4])
def test_two_arrays_of_shapes_known_at_run_time(rows: int) -> None:
    rng = np.random.default_rng(3)
    checked(squares, rng.normal(size=(4, 3)), rng.normal(size=(rows, 3)), 3, wrt=("x", "b"))


def distances(means, x):
    d = x[:, None, :] - means[None, :, :]
    q = -0.5 * np.sum(d * d, axis=2)
    m = np.max(q, axis=1)
    return np.sum(m + np.log(np.sum(np.exp(q - m[:, None]), axis=1)))


def test_sums_through_new_axes() -> None:
    rng = np.random.default_rng(4)
    text = checked(distances, rng.normal(size=(3, 2)), rng.normal(size=(5, 2)), wrt=("means", "x"))
    assert "[None, :, :] " not in text.split("_bar = ", 1)[1]
    assert "means_bar = -d_bar.sum(axis=0)" in text and "np.einsum('ijk->ik', d_bar)" in text


def centred(x, s):
    return np.sum(np.tanh((x - np.mean(x, axis=0)) / s))


def test_negative_sums() -> None:
    rng = np.random.default_rng(5)
    text = checked(centred, rng.normal(size=(4, 3)), rng.random((1, 3)) + 1.0, wrt=("x", "s"))
    assert not re.search(r"\(-\w*\)\.sum", text)
