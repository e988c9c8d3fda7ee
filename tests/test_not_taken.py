"""The side not taken makes no NaN of a gradient: in loops, and of a value that several masks read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from srcdiff import grad, jvp, vjp

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def quotient_in_a_loop(x):
    s = 0.0
    for i in range(3):
        s += np.sum(np.where(x > 0.1, 1 / x, x * i))
    return s


def condition_by_trip(x):
    s = 0.0
    for i in range(3):
        s += np.sum(np.where(x > 0.4 * i, np.log(x) * i, 0.0))
    return s


def chosen_twice_in_a_loop(x):
    """One choice goes before the loop, the other does not."""
    s = 0.0
    for i in range(3):
        y = 1 / x
        s += np.sum(np.where(x > 0, y, 0.0)) + np.sum(np.where(x > 0.4 * i, y * i, 0.0))
    return s


def pairs_over_time(x):
    s = 0.0
    for _ in range(2):
        d = x[:, None] - x[None, :]
        s += np.sum(np.where(d == 0, 0.0, 1 / d**2))
    return s


def diagonal_filled(x):
    s = 0.0
    for _ in range(2):
        d = x[:, None] - x[None, :]
        inv = 1 / d**2
        np.fill_diagonal(inv, 0.0)
        s += np.sum(inv)
    return s


def sum_where(x):
    s = 0.0
    for _ in range(2):
        s += np.sum(1 / x, where=x > 0)
    return s


def overwritten(x):
    s = 0.0
    for _ in range(2):
        y = 1 / x
        y[x == 0] = 0.0
        s += np.sum(y)
    return s


def larger_by_trip(x):
    s = 0.0
    for i in range(2):
        s += np.sum(np.maximum(-1 / np.abs(x), -3.0 - i))
    return s


def made_before_the_loop(x):
    y = np.log(x)
    s = 0.0
    for i in range(3):
        z = y.copy()
        z[~(x > 0)] = 0.0
        s += np.sum(np.where(x > 0, y, x) * i) + np.sum(z**2) + np.sum(y, where=x > 1)
    return s


def made_before_two_loops(x):
    y = np.sqrt(x)
    s = 0.0
    for i in range(3):
        for j in range(2):
            s += np.sum(np.where(x > 0, y, x) * i * j)
        s += np.sum(np.where((x > 0) & (x < 2), y, 1.0) ** 2)
    return s


def bound_before_the_loop(x):
    s = 0.0
    y = x * 2.0
    for i in range(2):
        y = np.sqrt(x * (i + 1))
        s += np.sum(np.where(x > 0, y, 0.0) ** 2)
    return s


def one_condition_twice(x):
    y = np.sqrt(x)
    return np.where(x > 0, y, 0.0).sum() + (np.where(x > 0, y, 1.0) ** 3).sum()


def two_conditions(x):
    y = np.log(x)
    return np.where(x > 0, y, 0.0).sum() + np.where(x > 1, y, x).sum()


def three_conditions(x):
    y = 1 / x
    z = y * x**2
    s = np.where(x > 0, z, 0.0).sum() + np.where(~(x <= 1), y, x).sum()
    return s + np.sum(np.sin(y), where=(x > 0) & (x < 2))


def overwritten_and_chosen(x):
    y = np.log(x)
    z = y.copy()
    z[~(x > 0)] = 0.0
    return np.sum(z**2) + np.sum(np.where(x > 0, y, 1.0)) + np.sum(np.where(x < 0.5, 0.0, y * x))


FUNCTIONS: list[Callable[..., Any]] = [
    quotient_in_a_loop, condition_by_trip, chosen_twice_in_a_loop, pairs_over_time, diagonal_filled,
    made_before_the_loop, made_before_two_loops, bound_before_the_loop, sum_where, overwritten,
    larger_by_trip, one_condition_twice, two_conditions, three_conditions,
    overwritten_and_chosen,
]  # fmt: skip


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_no_nan(f: Callable[..., Any]) -> None:
    x = np.array([0.0, 1.5, 0.7, 2.3, -1.3])
    g = grad(f)(x)
    forward = [jvp(f, (x,), (e,))[1] for e in np.eye(len(x))]
    assert np.isfinite(g).all()
    np.testing.assert_allclose(g, forward, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(vjp(f, x)[1](1.0)[0], forward, rtol=1e-10, atol=1e-12)
    for n, e in enumerate(1e-6 * np.eye(len(x))):
        if x[n] != 0 or f is pairs_over_time or f is diagonal_filled:
            np.testing.assert_allclose(g[n], (f(x + e) - f(x - e)) / 2e-6, rtol=1e-6, atol=1e-6)


def test_a_choice_goes_before_a_loop_with_its_condition() -> None:
    g = grad(pairs_over_time)
    g(np.array([1.0, 2.0, 4.0]))
    text = g.source
    inside = [line for line in text.splitlines() if line.startswith(8 * " ")]
    assert not any("where" in line for line in inside), text


def test_a_sum_of_masked_derivatives_is_masked_once() -> None:
    x = np.array([0.0, 1.5])
    for f, count in ((one_condition_twice, 3), (two_conditions, 4)):
        g = grad(f)
        g(x)
        code = "\n".join(line.split("#")[0] for line in g.source.splitlines())
        assert code.count("np.where(") == count, g.source
