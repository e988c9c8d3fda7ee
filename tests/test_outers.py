"""Outer products that are added up: one product of matrices, beside a sum or behind a loop."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numeric import gradient
from srcdiff import grad, hvp, value_and_grad

rng = np.random.default_rng(4)


def there_and_back(A, x, y):
    return np.sum((A @ x) @ A)


def both_sides(A, x, y):
    return np.sum(np.sin(y @ A)) + np.sum(np.tanh(A @ x))


def with_the_rest(A, x, y):
    return (A @ x) @ (A @ x[::-1]) + y @ A @ x + np.sum(np.exp(A)) + np.sum(A.T @ y)


def rows_and_columns(A, x, y):
    return np.sum((A @ x) * A.sum(axis=1)) + np.sum(A.sum(axis=0) ** 2)


def a_column_and_a_row(A, x, y):
    return np.sum(y @ A) + np.sum(A @ x)


def a_product_and_a_row(A, x, y):
    return np.sum(A @ x) + np.sum((x + y @ A) ** 2)


def one_factor(A, x, y):
    z = np.tanh(A @ x + A @ np.cos(x))
    return np.sum(z * y) + np.sum(y @ A)


def of_a_branch(A, x, y):
    z = A @ x
    if z[0] > 0:
        z = z + A @ (x * x)
    return y @ z


def of_one_row(A, x, y):
    B = A[:1] * 2.0
    return np.sum(np.sin(y[:1] @ B)) + np.sum(np.tanh(B @ x)) + np.sum(B.sum(axis=0, keepdims=True) + A)


def recurrent(A, x, y):
    h = np.zeros(A.shape[0])
    for k in range(4):
        h = np.tanh(A @ np.append(h, x)[: x.shape[0]] + k * y)
    return np.sum(h * h)


def twice_in_a_trip(A, x, y):
    h, g = y, x
    for _ in range(3):
        h = np.tanh(A @ g)
        g = np.tanh(h @ A)
    return np.sum(h) + np.sum(g)


def loops_in_loops(A, x, y):
    total = 0.0
    for k in range(3):
        g = x * k
        for _ in range(2):
            g = np.sin(np.cos(A @ g) @ A)
            if g[0] > 0.1:
                g = (0.5 * y) @ A
        total = total + np.sum(g)
    return total


def until_it_is_small(A, x, y):
    n = 0
    while x @ x > 1e-3 and n < 6:
        x = 0.3 * np.sin(y * (A @ x)) @ A
        n += 1
    return np.sum(x) + y @ A @ x


def written_over(A, x, y):
    h = np.zeros((5, x.shape[0]))
    h[0] = x
    for t in range(4):
        h[t + 1] = np.tanh(np.sin(A @ h[t]) @ A)
        h[t] *= 0.5
    return np.sum(h**2)


def left_early(A, x, y):
    for _ in range(5):
        x = np.tanh(A @ x) @ A
        if x[0] > 0.2:
            break
    return np.sum(x)


PROGRAMS = [
    there_and_back, both_sides, with_the_rest, rows_and_columns, a_column_and_a_row, a_product_and_a_row,
    one_factor, of_a_branch, of_one_row, recurrent, twice_in_a_trip, loops_in_loops, until_it_is_small,
    written_over, left_early,
]  # fmt: skip
SHAPES = [(9, 12), (1, 9), (9, 1), (1, 1), (3, 4)]


def arguments(shape: tuple[int, int]) -> tuple[Any, ...]:
    n, m = shape
    return rng.normal(size=shape) / 3, rng.normal(size=m), rng.normal(size=n)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_gradients(f, shape):
    args = arguments(shape)
    np.testing.assert_allclose(grad(f)(*args), gradient(f, args, [0])[0], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    "f", [both_sides, with_the_rest, twice_in_a_trip, written_over], ids=lambda f: f.__name__
)
def test_second_order(f):
    A, x, y = arguments((9, 12))
    V = rng.normal(size=A.shape)
    g = grad(f)
    wanted = (g(A + 1e-6 * V, x, y) - g(A - 1e-6 * V, x, y)) / 2e-6
    np.testing.assert_allclose(hvp(f)(A, x, y, V), wanted, rtol=1e-6, atol=1e-7)


def test_texts():
    A, x, y = arguments((9, 12))
    for f, looked_for in (
        (a_column_and_a_row, "A_bar = y[:, None] + x"),
        (a_product_and_a_row, ".T @ np.array((2 * (x + y @ A), x))"),
        (both_sides, ".T @ np.array((x, np.cos(y @ A)))"),
        (one_factor, "np.array(("),
        (twice_in_a_trip, "np.array(rows"),
        (written_over, "np.array("),
    ):
        g = grad(f)
        g(A, x, y)
        assert looked_for in g.source, g.source
        assert "np.outer" not in g.source


def test_a_wide_column_and_row_are_a_product():
    def wide(A, x, y):
        return np.sum(y @ A) + np.sum(A @ x)

    A, x, y = arguments((130, 140))
    g = grad(wide)
    np.testing.assert_array_equal(g(A, x, y), y[:, None] + x)
    assert "A_bar = np.array((y, np.ones(y.shape[0]))).T @ np.array((np.ones(x.shape[0]), x))" in g.source
    x[3], y[5] = np.inf, np.nan
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(g(A, x, y), y[:, None] + x)
    np.testing.assert_array_equal(g(A[:1, :1], x[:1], y[:1]), [[y[0] + x[0]]])


def test_one_list_of_rows_serves_several_matrices():
    def f(A, B, h, xs):
        total = 0.0
        for x in xs:
            h = np.tanh(A @ x + B @ h)
            total += np.sum(h * h)
        return total

    args = (rng.normal(size=(9, 5)), rng.normal(size=(9, 9)), rng.normal(size=9), rng.normal(size=(4, 5)))
    got = grad(f, wrt=("A", "B"))(*args)
    for mine, wanted in zip(got, gradient(f, args, [0, 1]), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-6, atol=1e-7)


def updated(A, u1, v1, u2, v2, y):
    A = A + np.outer(u1, v1) + np.outer(u2, v2)
    return np.sum(np.sin(y @ A) * (A @ y))


def test_large_ones_of_the_program():
    """(What is returned, or decided by, is left as it is.)"""
    args = rng.normal(size=(80, 80)), *rng.normal(size=(5, 80))
    both = [value_and_grad(updated, wrt=k) for k in ("A", "u1", "v2", "y")]
    for k, whole in zip(("A", "u1", "v2", "y"), both, strict=True):
        g = grad(updated, wrt=k)
        value, slope = whole(*args)
        np.testing.assert_allclose(g(*args), slope, rtol=1e-9, atol=1e-9)
        assert value == updated(*args) and "np.outer(u2, v2)" in whole.source
        assert "A + np.array((u1, u2)).T @ np.array((v1, v2))" in g.source
    small = rng.normal(size=(4, 4)), *rng.normal(size=(5, 4))
    for n, k in enumerate(("A", "u1", "v1")):
        g = grad(updated, wrt=k)
        g(*args)
        np.testing.assert_allclose(g(*small), gradient(updated, small, [n])[0], rtol=1e-6, atol=1e-7)


def no_trips(A, xs):
    h = np.zeros(A.shape[0])
    for x in xs:
        h = np.tanh(A @ h + x)
    return np.sum(h)


def test_loops_without_a_trip():
    A = rng.normal(size=(9, 9))
    g = grad(no_trips)
    assert g(A, rng.normal(size=(2, 9))).shape == (9, 9)
    np.testing.assert_array_equal(g(A, np.zeros((0, 9))), np.zeros((9, 9)))


@pytest.mark.parametrize("f", [both_sides, twice_in_a_trip], ids=lambda f: f.__name__)
def test_saved_texts_differentiate_again(f, tmp_path: Path):
    A, x, y = arguments((9, 12))
    g = grad(f)
    g(A, x, y)
    file = tmp_path / f"saved_{f.__name__}.py"
    file.write_text(
        f"{g.source}\n\ndef total(A, x, y):\n    return np.sum({f.__name__}_grad(A, x, y) ** 2)\n"
    )
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    np.testing.assert_allclose(
        grad(module.total)(A, x, y), gradient(module.total, (A, x, y), [0])[0], rtol=1e-6, atol=1e-6
    )
