"""What is not bound on the path taken: the gradient raises as the function does, and never gives a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from numeric import gradient
from srcdiff import grad, hvp, jvp, source


def another_name(x: Any) -> Any:
    if x[0] > 1:
        y = x
    return (y * y).sum()


def a_number(x: Any) -> Any:
    if x[0] > 1:
        n = 3.0
    return (x * n).sum()


def an_element(x: Any) -> Any:
    u = x[1]
    if x[0] > 1:
        v = u
    return u * v


def in_the_first_trip(x: Any) -> Any:
    total = 0.0
    for i in range(3):
        if i > 0 or x[0] > 1:
            last = x
        total = total + (last * x[i]).sum()
    return total


def by_a_flag(x: Any) -> Any:
    found = x[0] > 1
    if found:
        best = x
    s = x.sum()
    if found:
        s = s * best[1]
    return s


PROGRAMS = [another_name, a_number, an_element]


@pytest.mark.parametrize("f", PROGRAMS)
def test_raises_as_the_function_does(f: Callable[[Any], Any]) -> None:
    x = np.array([0.5, 2.0, 3.0])
    with pytest.raises(UnboundLocalError):
        f(x)
    with pytest.raises(UnboundLocalError):
        grad(f)(x)
    with pytest.raises(UnboundLocalError):
        jvp(f, (x,), (x,))


@pytest.mark.parametrize("f", [*PROGRAMS, in_the_first_trip, by_a_flag])
def test_is_right_where_it_is_bound(f: Callable[[Any], Any]) -> None:
    x, v = np.array([1.5, 2.0, 3.0]), np.array([0.3, -1.0, 0.5])
    expected = gradient(f, (x,), (0,))[0]
    np.testing.assert_allclose(grad(f)(x), expected, rtol=1e-6)
    np.testing.assert_allclose(jvp(f, (x,), (v,))[1], expected @ v, rtol=1e-6)
    along = (grad(f)(x + 1e-5 * v) - grad(f)(x - 1e-5 * v)) / 2e-5
    np.testing.assert_allclose(hvp(f)(x, v), along, rtol=1e-5, atol=1e-8)


def test_a_flag_that_is_asked_again_binds() -> None:
    x = np.array([0.5, 2.0, 3.0])
    np.testing.assert_allclose(grad(by_a_flag)(x), np.ones(3))
    assert "if found" in source(grad(by_a_flag), x)
