"""Functions that can be read for a list of known length only: made for the lengths of each call."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import numeric
from srcdiff import SrcdiffError, grad, jvp, source, value_and_grad, vjp


class Node:
    def __init__(self, value: Any, rest: Any) -> None:
        self.value, self.rest = value, rest


def chain(xs: Any) -> Any:
    """A linked list, grown inwards."""
    head = None
    for x in xs:
        head = Node(x * x, head)
    total, weight = 0.0, 1.0
    while head is not None:
        total += weight * head.value
        weight *= 0.5
        head = head.rest
    return total


def counters(xs: Any, rates: Any) -> Any:
    """Functions in a list, each with a number of its own that it changes."""

    def make(rate: Any) -> Any:
        state = [0.0]

        def feed(x: Any) -> None:
            state[0] = rate * state[0] + x

        return feed, lambda: state[0] ** 2

    bank = [make(r) for r in rates]
    for x in xs:
        for feed, _ in bank:
            feed(x)
    return sum(power() for _, power in bank)


def norm(xs: Any) -> Any:
    return math.hypot(*xs)


def spread(xs: Any) -> Any:
    """How many arguments there are decides which have their defaults."""

    def inner(a: Any, b: Any = 0.3, c: Any = 2.0, d: Any = 0.5, e: Any = 1.5) -> Any:
        return a * b + math.sin(c) * d * e

    return inner(*xs)


def numbers(n: int) -> list[float]:
    return np.random.default_rng(n).normal(size=n).tolist()


@pytest.mark.parametrize(
    ("f", "more"),
    [(chain, ()), (counters, ([0.5, 0.9],)), (spread, ())],
    ids=lambda v: getattr(v, "__name__", ""),
)
def test_lengths(f: Any, more: tuple[Any, ...]) -> None:
    """One derivative, called with lists of several lengths, in both modes, and twice."""
    g = grad(f)
    for n in (3, 1, 5, 3):
        xs, v = numbers(n), numbers(n + 10)[:n]
        (expected,) = numeric.gradient(f, (xs, *more), (0,))
        got = g(xs, *more)
        assert type(got) is list
        numeric.assert_close(got, expected, 1e-8)
        along = jvp(f, (xs, *more), (v, *[None] * len(more)))[1]
        assert math.isclose(along, float(np.dot(got, v)), rel_tol=1e-12)
        assert math.isclose(value_and_grad(f)(xs, *more)[0], f(xs, *more))
        twice = jvp(g, (xs, *more), (v, *[None] * len(more)))[1]
        numeric.assert_close(twice, numeric.directional(g, (xs, *more), (0,), (v,)), 1e-7)
        numeric.assert_close(vjp(g, xs, *more)[1](v)[0], twice, 1e-12)


def test_both_lists() -> None:
    """The lengths of all lists are those of the call."""
    g = grad(counters, wrt=("xs", "rates"))
    for n, m in ((2, 3), (3, 2), (2, 3)):
        args = numbers(n), numbers(m)
        for got, expected in zip(g(*args), numeric.gradient(counters, args, (0, 1)), strict=True):
            numeric.assert_close(got, expected, 1e-8)


def test_many() -> None:
    """Two elements are taken; a list of many is refused in the words that hold for any length."""
    with pytest.raises(SrcdiffError, match=r"how many arguments math\.hypot gets is known only at run time"):
        grad(norm)(numbers(17))
    assert grad(norm)([3.0, 4.0]) == [0.6, 0.8]


def test_any_length() -> None:
    """A function that can be read for any length is: one text for all."""
    g = grad(lambda xs: sum(x * x for x in xs))
    assert source(g, [1.0, 2.0]) == source(g, [1.0, 2.0, 3.0])


class Tree:
    def __init__(self, value: Any, left: Any = None, right: Any = None) -> None:
        self.value, self.left, self.right = value, left, right


def grown(xs: Any, lo: int, hi: int) -> Any:
    """A tree over an array: how deep it is follows from how many numbers there are."""
    if hi - lo == 1:
        return Tree(xs[lo])
    mid = (lo + hi) // 2
    return Tree(xs[mid], grown(xs, lo, mid), grown(xs, mid, hi))


def total(node: Any) -> Any:
    if node.left is None:
        return node.value**2
    return math.sin(node.value) * (total(node.left) + 0.5 * total(node.right))


def over_tree(xs: Any) -> Any:
    return total(grown(xs, 0, len(xs)))


def doubled(xs: Any, at: int, depth: int) -> Any:
    if depth == 0:
        return Tree(xs[at % len(xs)])
    value = 0.5 * xs[at % len(xs)]
    return Tree(value, doubled(xs, 2 * at + 1, depth - 1), doubled(xs, 2 * at + 2, depth - 1))


def to_depth(xs: Any, depth: int) -> Any:
    return total(doubled(xs, 0, depth))


def pairs(xs: Any, n: int) -> Any:
    """A list of pairs, one in the other, as long as a number says."""
    head = None
    for k in range(n):
        head = xs[k] ** 2, head
    out = 0.0
    while head is not None:
        out = 0.5 * out + head[0]
        head = head[1]
    return out


def test_arrays_and_numbers() -> None:
    """The sizes of arrays and whole numbers are settled in the same way: one text for each that comes."""
    for f, cases in (
        (over_tree, [(5,), (3,), (1,), (5,)]),
        (to_depth, [(4, 2), (4, 0), (3, 1), (4, 2)]),
        (pairs, [(4, 3), (4, 1), (5, 5), (4, 3)]),
    ):
        g = grad(f)
        for n, *more in cases:
            xs = np.array(numbers(n))
            numeric.assert_close(g(xs, *more), numeric.gradient(f, (xs, *more), (0,))[0], 1e-8)


def test_saved_text_says_so() -> None:
    """A text for the sizes at hand refuses others, wherever it is run."""
    xs, space = np.array(numbers(5)), {}
    exec(source(grad(pairs), xs, 3), space)
    saved = space["pairs_grad"]
    numeric.assert_close(saved(xs, 3), grad(pairs)(xs, 3), 1e-12)
    for other in ((xs, 4), (xs[:4], 3)):
        with pytest.raises(ValueError, match=r"for xs.shape == \(5,\) and n == 3 alone"):
            saved(*other)
