"""Elements that a branch or a loop does not read count as zero, whatever the slope is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from srcdiff import grad, hessian, jvp, source

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def on_one_path(x: Any, n: int) -> Any:
    y = 1 / x
    if x[0, 0] > 0:
        return y[0, 1]
    return y[0, 2] * 2


def under_a_test(x: Any, n: int) -> Any:
    y = np.log(x)
    s = 0.0
    for i in range(n):
        if x[i, 1] > 0:
            s += y[i, 1] * x[i, 1]
    return s


def off_the_diagonal(x: Any, n: int) -> Any:
    y = 1 / (x - 1)
    s = 0.0
    for i in range(n):
        for j in range(n):
            if i != j:
                s += y[i, j] * y[i, j]
    return s


def above_the_diagonal(x: Any, n: int) -> Any:
    y = 1 / (x - 1)
    s = 0.0
    for i in range(n):
        for j in range(i + 1, n):
            s += y[i, j] * x[i, j]
    return s


def on_many_paths(x: Any, n: int) -> Any:
    y = np.log(1 / (x - 1))
    s, w = 0.0, 1.0
    for i in range(n):
        for j in range(n):
            if i < j:
                s += y[i, j] * w
            elif i > j:
                s += y[i, j] ** 2
        w *= s
    return s * y[0, 1] if s > 0 else s


def left_out(x: Any, n: int) -> Any:
    y = 1 / (x - 1)
    out = np.zeros(n)
    for i in range(n):
        for j in range(n):
            if j == i:
                continue
            out[i] += y[i, j] * x[j, i]
    return np.sum(out * out)


def with_a_factor(x: Any, n: int) -> Any:
    s = 0.0
    for k in range(3):
        y = np.log(x - 1) * (k + 1)
        for i in range(n):
            for j in range(n):
                if x[i, j] > 1.2:
                    s += y[i, j]
    return s


def while_loop(x: Any, n: int) -> Any:
    y = 1 / (x - 1)
    s = 0.0
    while n > 0:
        n -= 1
        if n > 0:
            s += y[n, n - 1]
    return s


def parts_of_rows(x: Any, n: int) -> Any:
    y = 1 / (x - 1)
    s = 0.0
    for i in range(n):
        if x[i, 0] > 1.5:
            s += np.sum(y[i, :i])
    return s


def by_a_generator(x: Any, n: int) -> Any:
    y = 1 / (x - 1)

    def square(i: int, j: int) -> Any:
        return y[i, j] ** 2

    return sum(square(i, j) for i in range(n) for j in range(n) if i != j)


POLES = np.array([[1.0, 2.0, 1.7], [1.6, 1.0, 2.2], [2.1, 1.3, 1.0]])
PROGRAMS = [
    on_one_path, under_a_test, off_the_diagonal, above_the_diagonal, on_many_paths, left_out, with_a_factor,
    while_loop, parts_of_rows, by_a_generator,
]  # fmt: skip


def slope(f: Callable[[Any], Any], x: Any, h: float = 1e-6) -> Any:
    steps = h * np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([(f(x + e) - f(x - e)) / (2 * h) for e in steps])


@pytest.mark.parametrize("f", PROGRAMS)
def test_what_is_not_read_counts_as_zero(f: Callable[..., Any]) -> None:
    away = POLES + 0.1
    for x in (away, POLES):
        got = grad(f)(x, 3)
        np.testing.assert_allclose(got.ravel(), slope(lambda v: f(v, 3), x), rtol=1e-5, atol=1e-6)
        dots = [jvp(f, (x, 3), (e.reshape(x.shape), 0))[1] for e in np.eye(x.size)]
        np.testing.assert_allclose(dots, got.ravel(), rtol=1e-10, atol=1e-12)
    second = slope(lambda v: grad(f)(v, 3).ravel(), away)
    np.testing.assert_allclose(hessian(f)(away, 3).reshape(9, 9), second, rtol=1e-4, atol=1e-4)


def test_zero_at_a_pole() -> None:
    x = POLES.copy()
    x[0, 2] = 0.0  # read on the other path only
    np.testing.assert_array_equal(grad(on_one_path)(x, 3), [[0.0, -0.25, 0.0], [0, 0, 0], [0, 0, 0]])
    x[1, 1] = 0.0
    assert np.isfinite(grad(under_a_test)(x, 3)).all()


def test_loops_that_go_over_all_elements_stay_as_they_are() -> None:
    def f(x: Any) -> Any:
        y = np.log(x)
        s = 0.0
        for i in range(len(x)):
            s += y[i]
        return s

    assert "x_bar = y_bar / x" in source(grad(f), np.ones(3))
