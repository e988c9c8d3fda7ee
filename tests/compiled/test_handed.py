"""Tapes that one kernel fills and another reads, with something of NumPy's between them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from srcdiff import grad, jvp, vjp

X = np.linspace(0.1, 0.9, 6)


def arrays(x: Any) -> Any:
    u = x * 1.0
    for _ in range(4):
        w = np.sin(u) * u
        u = u + 0.1 * w * w
    return np.sum(np.abs(np.fft.fft(u)) ** 2)


def numbers(x: Any) -> Any:
    s = x[0]
    for k in range(20):
        s = np.sin(s) * s + 0.3 * x[k % 6]
    return np.sum(np.percentile(x * s, 40))


def nested(x: Any) -> Any:
    u = x * 1.0
    for k in range(3):
        for j in range(k + 1):
            u = np.sin(u) * u + 0.1 * j
            if u[0] > 0.2:
                u = u * u
    return np.percentile(u, 40) * np.sum(u)


def growing_shapes(x: Any) -> Any:
    u = x * 1.0
    for k in range(5):
        v = np.sin(u[k:])
        u[k:] = v * v
        u = u * np.exp(-u)
    return np.sum(np.fft.ifft(u).real ** 2)


def until(x: Any) -> Any:
    s, n = np.sum(x), 0
    while s > 0.5 and n < 40:
        s = s * 0.7 + 0.1 * np.sin(s) * x[n % 6]
        n += 1
    return s * np.percentile(x, 30)


def in_a_loop(x: Any) -> Any:
    t = 0.0
    for _ in range(3):
        u = x * 1.0
        for _ in range(4):
            u = np.sin(u) * u + 0.2
        t = t + np.sum(np.abs(np.fft.fft(u)) ** 2) * x[0]
        x = x * 0.9
    return t


PROGRAMS = [arrays, numbers, nested, growing_shapes, until, in_a_loop]


@pytest.mark.parametrize("f", PROGRAMS)
def test_against_numpy(f: Callable[..., Any], uncompiled: None) -> None:
    want, got = (grad(f, backend=b) for b in ("numpy", "numba"))
    np.testing.assert_allclose(got(X), want(X), rtol=1e-10, atol=1e-13)
    if PROGRAMS.index(f) % 3 and not os.environ.get("SRCDIFF_ALL"):
        return
    want, got = (jvp(grad(f), (X,), (X[::-1] * 0.3,), backend=b)[1] for b in ("numpy", "numba"))
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-10)
    (_, pull), (_, pull2) = (vjp(f, X, backend=b) for b in ("numpy", "numba"))
    np.testing.assert_allclose(pull2(0.7), pull(0.7), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("f", [arrays, numbers, nested])
def test_no_loop_is_left(f: Callable[..., Any], uncompiled: None) -> None:
    text = str(grad(f, backend="numba").compiled(X))
    assert "a for" not in text, text
    assert "unpacked" not in grad(f, backend="numba").source_for(X)


def test_unpacked() -> None:
    from srcdiff.compiled.runtime import unpacked

    assert unpacked(None, [np.arange(5.0)], 1, 2) == [1.0, 2.0]
    data = np.arange(12.0)
    assert [a.tolist() for a in unpacked((2, 2), [data], 0, 2)] == [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]
    rows = np.array([[0, 2], [2, 3]])
    assert [a.tolist() for a in unpacked("rows", [rows, data], 0, 2)] == [[0, 1], [2, 3, 4]]
    assert unpacked([None], [rows, data], 0, 2) == [[0, 1], [2, 3, 4]]
