"""The n-th derivative stays small: its text against docs/growth.md, and how both grow."""

from __future__ import annotations

import math

import numpy as np
import pytest
from benchmarks import growth

from srcdiff import derivative, grad

ROWS = {
    row.split("|")[1].strip(): [tuple(map(int, cell.split("/")[:2])) for cell in row.split("|")[2:-1]]
    for row in growth.PAGE.read_text().splitlines()
    if row.startswith("| ") and "/ ms" not in row
}


def test_the_table_is_whole() -> None:
    assert list(ROWS) == list(growth.PROGRAMS)
    assert all(len(cells) == len(growth.ORDERS) for cells in ROWS.values())


@pytest.mark.parametrize("name", growth.PROGRAMS)
def test_the_table_says_what_is_emitted(name: str) -> None:
    for order, (lines, operations) in zip(growth.ORDERS, ROWS[name], strict=True):
        text, _ = growth.made(growth.PROGRAMS[name], order)
        assert (growth.lines_of(text), growth.operations_of(text)) == (lines, operations)


@pytest.mark.parametrize("name", growth.PROGRAMS)
def test_operations_grow_like_the_square_of_the_order(name: str) -> None:
    """The ninth derivative has at most as many as a parabola through the first and the third."""
    f = growth.PROGRAMS[name]
    one, three, nine = (growth.operations_of(growth.made(f, n)[0]) for n in (1, 3, 9))
    assert nine - one <= 10 * (three - one)


def test_one_loop_stays_one_loop() -> None:
    for name, word in (("the logistic map, a `for`", "for "), ("Newton's iteration, a `while`", "while ")):
        assert growth.made(growth.PROGRAMS[name], 6)[0].count(word) == 1


@pytest.mark.parametrize("name", growth.PROGRAMS)
def test_values(name: str) -> None:
    f = growth.PROGRAMS[name]
    x = growth.AT + 0.001 * np.cos(np.pi * (np.arange(12) + 0.5) / 12)
    found = [[float(derivative(f, order=n)(t)) for t in x] for n in (2, 3)]
    slope = np.polynomial.Chebyshev.fit(x, found[0], 9).deriv()
    np.testing.assert_allclose(slope(growth.AT), derivative(f, order=3)(growth.AT), rtol=1e-6)
    assert derivative(f, order=1)(growth.AT) == pytest.approx(grad(f)(growth.AT))
    assert math.isfinite(sum(found[1]))


@pytest.mark.parametrize("name", growth.PROGRAMS)
def test_gradients_of_gradients(name: str) -> None:
    """In one float they are the derivative of that order."""
    f = growth.PROGRAMS[name]
    third = grad(grad(grad(f)))
    text = third.source_for(growth.AT)
    assert growth.lines_of(text) <= growth.lines_of(growth.made(f, 3)[0]) + 1
    assert third(growth.AT) == pytest.approx(derivative(f, order=3)(growth.AT), rel=1e-12)
