"""Kernels called with one size after another: they say what NumPy says, each time."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

import random_sizes
from srcdiff import grad

MANY = int(os.environ.get("SRCDIFF_FUZZ", "24"))
WEIGHTS = np.array([1.0, 2.0, 3.0, 4.0])
COS = np.cos(np.arange(20.0))


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("seed", range(MANY))
@pytest.mark.filterwarnings("ignore")
def test_random(seed: int, small: bool, uncompiled: None) -> None:
    text = random_sizes.program(seed)
    how, why = random_sizes.judged(text, seed, small)
    assert how in ("right", "refused", "empty"), f"{text}\n{why}"


def weighted(x):
    return np.sum(np.convolve(x[:, 0], WEIGHTS, "same"))


def of_a_literal(x):
    return np.sum(np.convolve(x[:, 0], [1.0, 2.0, 4.0], "same"))


def shorter_than_its_weights(x):
    return np.sum(np.convolve(x[:, 0], WEIGHTS, "valid"))


def diagonal(x):
    return np.sum(np.diag(x) * COS[: min(x.shape)])


def of_four_columns(x):
    y = np.zeros((x.shape[0], 4))
    y[:, 0] = x[:, 0]
    return np.sum(np.diag(y) ** 2) + np.sum(np.diag(y))


def singular_values(x):
    return np.sum(np.linalg.svd(x, full_matrices=False)[1])


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize(
    "shapes",
    [((5, 4), (2, 4), (3, 4), (5, 4)), ((3, 4), (6, 4), (2, 3)), ((4, 2), (4, 6), (2, 1))],
)
@pytest.mark.parametrize(
    "f", [weighted, of_a_literal, shorter_than_its_weights, diagonal, of_four_columns, singular_values]
)
def test_the_longer_or_shorter_of_two(f: Any, shapes: Any, backend: str, uncompiled: None) -> None:
    """A size that follows the smaller, or the longer, of a known number and one of any size."""
    g = grad(f, backend=backend)
    r = np.random.default_rng(0)
    for shape in shapes:
        x, step = r.normal(size=shape), 1e-6
        want = np.zeros(shape)
        for at in np.ndindex(shape):
            e = np.zeros(shape)
            e[at] = step
            want[at] = (f(x + e) - f(x - e)) / (2 * step)
        got = g(x)
        assert got.shape == shape
        np.testing.assert_allclose(got, want, atol=1e-6)
