"""Slices that hold less than they say, or nothing, in kernels for any size: as NumPy has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import srcdiff
from srcdiff import value_and_grad


def joined(x: Any, k: int, m: int) -> Any:
    n = x.shape[0]
    y = np.concatenate([x[k + 1 : n - k], x[-k:], x[1:-4], x[3:]])
    return np.sum(y * y) * y.size


def twice(x: Any, k: int, m: int) -> Any:
    y = np.sin(x)
    v = y[k - 2 : k + 1]
    w = v[1::2]
    return np.sum(w**2) + np.sum(y[k : m : 2]) * w.size


def table(x: Any, k: int, m: int) -> Any:
    A = np.outer(x, np.sin(x))
    A[4:2] += 1.0
    A[-m:, :k] *= 2.0
    B = A[1:-4:2, k:m].sum(axis=0)
    return np.sum(B * B) + np.sum(A[m:, 3 : x.shape[0] - 1])


def in_a_loop(x: Any, k: int, m: int) -> Any:
    y = x * x
    for i in range(len(x)):
        y[i : i + 3] += 0.5 * x[i] * x[i : i + 3]
        y[i - 1 : k] *= 1.1
        y[m - i :] += x[i]
    return np.sum(y**3)


def written(x: Any, k: int, m: int) -> Any:
    y = np.zeros(x.shape[0])
    y[3:] += x[3:] ** 2
    y[:-3] -= x[:-3]
    z = y[k:m]
    z += 2.0 * x[k:m]
    return np.sum(y * y * x) + np.mean(x) * z.size


@pytest.mark.parametrize("f", [joined, twice, table, in_a_loop, written], ids=lambda f: f.__name__)
def test_against_numpy(f: Any, uncompiled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(srcdiff.api.specialise, "MOST_CHANGES", -1)  # the text for any size
    rng = np.random.default_rng(3)
    kernels, plain = (value_and_grad(f, backend=b) for b in ("numba", "numpy"))
    for n in (8, 9, 1, 3, 2, 5):
        for k, m in ((0, 9), (2, 1), (7, 4), (3, 6)):
            x = rng.normal(size=n)
            value, gradient = kernels(x, k, m)
            assert value == pytest.approx(f(x.copy(), k, m))
            np.testing.assert_allclose(gradient, plain(x, k, m)[1], rtol=1e-9, atol=1e-11)
            step = 1e-6 * (v := rng.normal(size=n))
            slope = (f(x + step, k, m) - f(x - step, k, m)) / 2e-6
            assert gradient @ v == pytest.approx(slope, rel=1e-5, abs=1e-6)
