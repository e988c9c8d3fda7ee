# ruff: noqa: RUF007
"""What no trip changes goes before the loop; rows of which parts are read are never made."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from srcdiff import grad, hessian, jvp, value_and_grad

Function = Callable[..., Any]


def view_in_loop(x):
    s = 0.0
    for i, v in zip(range(len(x)), x[1:], strict=False):
        s += v * v * x[i]
    return s


def product_in_loop(A):
    s = 0.0
    for i in range(3):
        s += np.sin((A @ A[0] * 0.1)[i])
    return s


def product_in_nest(A):
    s = 0.0
    for i in range(A.shape[0]):
        for j in range(A.shape[0]):
            s += np.sin(A[i] @ A[0] * A[j, 0])
    return s


def no_trip(A):
    s = A[0, 0] ** 2
    for _ in range(A.shape[0] - 4):
        s += A[7, 0] * np.exp(A[0] @ A[1])
    return s


def columns(A):
    s = 0.0
    for r in A.T:
        for p, q in zip(r, r[1:], strict=False):
            s += p * q * q
    return s


def triangle(A):
    x, n, s = A[0], A.shape[1], 0.0
    for i in range(n - 2):
        for j in range(i + 1, n - 1):
            for k in range(j + 1, n):
                s += x[i] * x[j] * x[k]
    return s


def written_meanwhile(A):
    s = 0.0
    for i in range(2):
        t = A[1:]
        s += t[i, 0] * A[i, 1]
        A[i + 1] = A[i] * s
    return s + A[-1, 0]


def row_written_meanwhile(A):
    s = 0.0
    for p in A:
        A[0, 1] = s
        s += p[0] * p[1]
    return s


def rows_unpacked(A):
    s = 0.0
    for x, y, z in A:
        s += np.sin(x) * z + y
    return s


def backwards(A):
    s = 0.0
    for k, p in enumerate(reversed(A)):
        s = np.sin(s + k * p[0] * p[-1])
    return s


def left_early(A):
    s = 0.0
    for p in A:
        if p[0] > 1.3:
            continue
        if s > 4.0:
            return s * 2.0
        s += p[1:] @ p[:2]
    else:
        s *= 3.0
    return s


def beside_numbers(A):
    s = 0.0
    for p, w in zip(A[:-1], A[:, 1], strict=False):
        s = np.sin(s + w * p[0] * p[-1])
    return s


def counted_too(A):
    s = 0.0
    for i, (p, q) in enumerate(zip(A[:-1], A[1:], strict=True)):
        s += p[0] * q[1] - p[1] * q[0] + i * p[2] * q[2]
    return s


def pairs(A):
    return sum(np.sin(p[0] - q[0]) * p[1] * q[2] for p, q in itertools.product(A, A))


def of_rows_of_rows(A):
    s = 0.0
    for M in np.stack([A, 2.0 * A]):
        for r in M:
            a, b, c = r
            s += a * b * c
    return s


def whole_and_part(A):
    s = 0.0
    for p, q in zip(A, A[1:], strict=False):
        s += p @ p * q[0]
    return s


FUNCTIONS = [
    product_in_loop, product_in_nest, no_trip, columns, triangle, written_meanwhile, row_written_meanwhile,
    rows_unpacked, backwards, left_early, beside_numbers, counted_too, pairs, of_rows_of_rows, whole_and_part,
]  # fmt: skip


def differences(f: Function, A: np.ndarray) -> np.ndarray:
    out = np.zeros_like(A)
    for i in np.ndindex(A.shape):
        B, C = A.copy(), A.copy()
        B[i] += 1e-6
        C[i] -= 1e-6
        out[i] = (np.asarray(f(B)) - np.asarray(f(C))) / 2e-6
    return out


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_the_numbers_are_right(f: Function) -> None:
    rng = np.random.default_rng(3)
    g, vg = grad(f), value_and_grad(f)
    for size in [(4, 3), (3, 3)]:
        A = rng.uniform(0.5, 1.5, size)
        expected = differences(f, A)
        np.testing.assert_allclose(g(A.copy()), expected, rtol=1e-6, atol=1e-6)
        value, got = vg(A.copy())
        np.testing.assert_allclose(value, f(A.copy()), rtol=1e-12)
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)
        d = rng.standard_normal(size)
        np.testing.assert_allclose(jvp(f, (A.copy(),), (d,))[1], np.sum(expected * d), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("f", [product_in_nest, columns, rows_unpacked, counted_too])
def test_second_derivatives(f: Function) -> None:
    A = np.random.default_rng(4).uniform(0.5, 1.5, (3, 3))
    g = grad(f)
    H, h = hessian(f)(A), 1e-5
    for i in np.ndindex(A.shape):
        B, C = A.copy(), A.copy()
        B[i] += h
        C[i] -= h
        np.testing.assert_allclose(H[i], (g(B) - g(C)) / (2 * h), rtol=1e-5, atol=1e-6)


def text_of(f: Function, x: np.ndarray) -> str:
    g = grad(f)
    g(x)
    return str(g.source)


@pytest.mark.parametrize("f", [rows_unpacked, counted_too, backwards, view_in_loop, whole_and_part])
def test_no_zeros_are_made_in_a_trip(f: Function) -> None:
    text = text_of(f, np.arange(5.0) if f is view_in_loop else np.ones((5, 3)))
    inside = [line for line in text.splitlines() if line.startswith(8 * " ")]
    assert inside
    assert not any("zeros" in line for line in inside)


def test_products_go_before_loops() -> None:
    text = text_of(product_in_nest, np.ones((5, 3)))
    inside = [line for line in text.splitlines() if line.startswith(12 * " ")]
    assert inside
    assert not any(" @ " in line for line in inside if "#" not in line)


def test_long_chains_are_followed_once() -> None:
    """Each value is read twice or three times: ways through them are not counted one by one."""

    def f(a):
        s = 0.0
        for i in range(2):
            y = a * 1.0
            y = y * y + y; y = y * y + y; y = y * y + y; y = y * y + y; y = y * y + y; y = y * y + y  # noqa: E702
            y = y * y + y; y = y * y + y; y = y * y + y; y = y * y + y; y = y * y + y; y = y * y + y  # noqa: E702
            y = y * y + y; y = y * y + y; y = y * y + y; y = y * y + y; y = y * y + y; y = y * y + y  # noqa: E702
            s += np.sum(y) * (i + 1)
        return s

    x = np.array([1e-3, 2e-3])
    np.testing.assert_allclose(grad(f)(x), differences(f, x), rtol=1e-6)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_not_read_has_no_derivative_at_a_pole() -> None:
    def f(x):
        s = 0.0
        for k in range(2):
            y = np.log(x)
            s += (2.0 * y)[k]
        return s

    np.testing.assert_allclose(grad(f)(np.array([2.0, 4.0, 0.0])), [1.0, 0.5, 0.0])


def test_what_may_raise_stays_where_no_trip_may_be_run() -> None:
    np.testing.assert_array_equal(grad(no_trip)(np.full((4, 3), 2.0))[0], [4.0, 0.0, 0.0])
    with pytest.raises(IndexError):
        grad(no_trip)(np.ones((6, 3)))
