"""Loops gone through one by one, and functions that are quick where many elements are done at once."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from srcdiff import grad

RNG = np.random.default_rng(7)
X, AT, GROUP = RNG.normal(size=50), RNG.integers(0, 50, 90), RNG.integers(0, 4, 50)


def looked_up(x: Any) -> Any:
    z = x[AT] - x[AT[::-1]]
    return np.sum(np.log1p(np.exp(z)) - z * np.sin(x[AT]))


def segments(x: Any) -> Any:
    out = np.zeros(4)
    np.add.at(out, GROUP, np.exp(x) * np.sin(x))
    return np.sum(np.log(out**2 + 1.0))


def running(x: Any) -> Any:
    c = np.cumsum(np.sin(x))
    p = np.cumprod(1.0 + 0.1 * np.tanh(x))
    return np.sum(np.exp(-c * c)) + np.sum(p * np.cos(p))


def extremes(x: Any) -> Any:
    y = np.sin(x) * np.exp(-x * x)
    return (y.max() - y.min()) * np.mean(np.cos(y)) * np.prod(1.0 + 0.01 * np.exp(y))


def by_rows(x: Any) -> Any:
    A = np.exp(np.outer(x, np.cos(x)) / 9.0)
    c = np.cumsum(A, axis=1) + np.cumsum(np.sin(A), axis=0)
    return np.sum(np.log(np.max(c, axis=1))) + np.sum(np.min(np.tanh(A), axis=0)) + np.sum(np.sin(c[GROUP]))


def on_paths(x: Any) -> Any:
    total = 0.0
    for k in range(3):
        if k != 1:
            total = total + np.sum(np.exp(x[AT]) * k)
        total = total + np.max(np.sin(x[AT] * k)) * np.sum(np.cos(x[AT]))
    return total


def few(x: Any) -> Any:
    return np.max(np.exp(x[:5])) + np.sum(np.sin(x[AT[:6]]))


PROGRAMS = [looked_up, segments, running, extremes, by_rows, on_paths, few]
DEAR = re.compile(r"\b(exp|sin|cos|tanh|log|log1p)\(")
ONE_BY_ONE = re.compile(r"\b(larger|smaller|place)\(|\btotal\d* = total")


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_against_numpy(f: Any, uncompiled: None) -> None:
    kernels, plain = grad(f, backend="numba"), grad(f)
    for x in (X, -0.5 * X):
        np.testing.assert_allclose(kernels(x), plain(x), rtol=1e-9, atol=1e-12)
        v = RNG.normal(size=x.shape)
        slope = (f(x + 1e-6 * v) - f(x - 1e-6 * v)) / 2e-6
        assert plain(x) @ v == pytest.approx(slope, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("f", [looked_up, segments, running, extremes], ids=lambda f: f.__name__)
def test_loops_of_their_own(f: Any, uncompiled: None) -> None:
    loops = re.split(r"\n +for ", grad(f, backend="numba").source_for(X))[1:]
    assert any(map(DEAR.search, loops)) and any(map(ONE_BY_ONE.search, loops))
    assert not [x for x in loops if DEAR.search(x) and ONE_BY_ONE.search(x)]


def test_short_loops_are_one(uncompiled: None) -> None:
    source = grad(few, backend="numba").source_for(X)
    assert any(DEAR.search(x) and "larger(" in x for x in re.split(r"\n +for ", source))
