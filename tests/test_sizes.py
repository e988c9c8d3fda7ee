"""Sizes that are learnt by running an operation on samples: no coincidence may be taken for a law."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from srcdiff import check_rule, grad, source, vjp
from srcdiff.frontend.infer import _SIZES


def laws(sizes: tuple[int, ...]) -> Iterator[Any]:
    """The simple relations that hold among some sizes, by their places."""
    for c in range(-4, 5):
        for (i, a), (j, b) in itertools.permutations(enumerate(sizes), 2):
            for name, value in (
                ("half", a // 2),
                ("third", a // 3),
                ("same", a),
                ("twice", 2 * a),
                ("thrice", 3 * a),
            ):
                if value + c == b:
                    yield name, c, i, j
    for i, j, k in itertools.permutations(range(len(sizes)), 3):
        for c in (-2, -1, 0, 1, 2):
            if sizes[i] + sizes[j] + c == sizes[k]:
                yield "sum", c, i, j, k


def test_sample_sizes_have_nothing_in_common() -> None:
    assert not set(laws(_SIZES[0])) & set(laws(_SIZES[1]))


def framed(x: Any) -> Any:
    z = np.fft.rfft(x).T
    out = np.zeros(z.shape[1])
    for k in range(z.shape[1]):
        out[k] = (z[:, k] * z[::-1, k]).real.sum()
    return out


def test_half_of_a_size_is_another_size() -> None:
    x = np.random.default_rng(0).normal(size=(3, 8))
    assert check_rule(framed, x) < 1e-8


def written(a: Any) -> Any:
    """What it is, an array or a number, is not known; it is written to."""
    a = np.atleast_1d(a)
    if a.size <= 2:
        if a.size == 2:
            return np.array([[-a[-1]]])
        return np.array([], dtype=a.dtype)
    c = np.zeros((2, 2), dtype=a.dtype)
    c[[0, 1], 0] = [-a[1], 1]
    return c


def test_a_pullback_leaves_its_cotangent_alone() -> None:
    bar = np.ones((2, 2))
    back = vjp(written, np.array([1.5, 0.6, 2.1]))[1]
    np.testing.assert_array_equal(back(bar)[0], [0.0, -1.0, 0.0])
    np.testing.assert_array_equal(bar, np.ones((2, 2)))


def counted(mu: Any) -> Any:
    k = np.arange(np.ceil(2.0 * np.max(mu)) + 10.0)
    return np.sum(np.exp(-np.expand_dims(mu, -1) * k), axis=-1)


def test_what_is_counted_up_to_a_number_has_any_size() -> None:
    assert check_rule(counted, np.array([0.3, 0.6])) < 1e-8


def taken_where(x):
    (i,) = np.where(x > 0)
    return np.sum(x.take(i)) * i.size + np.mean(x[i])


def test_places_by_where_are_as_many_as_hold():
    x = np.array([1.0, -2.0, 3.0, -1.0])
    np.testing.assert_allclose(grad(taken_where)(x), [2.5, 0.0, 2.5, 0.0])


def test_how_many_parts_only_a_run_tells() -> None:
    """Of an array of known size the samples of a number of parts gave the same parts, all of one element."""

    def parted(a, n):
        x = np.array([a, 2.0 * a, 3.0 * a, a * a])
        return sum(np.sum(np.sin(h)) * np.sum(h) for h in np.split(x, n))

    def shared_out(a, n):
        x = np.array([a, 2.0 * a, 3.0 * a, a * a])
        return sum(np.sum(np.sin(h)) * np.sum(h) for h in np.array_split(x, n))

    for f in (parted, shared_out):
        for n in (1, 2, 4):
            numeric = (f(0.3 + 1e-6, n) - f(0.3 - 1e-6, n)) / 2e-6
            np.testing.assert_allclose(grad(f)(0.3, n), numeric, rtol=1e-7)


def of_parts(x: Any, y: Any, k: int, j: int) -> Any:
    a, b = x[:k], y[j:]
    c = a * b
    d = np.maximum(c, a) - np.exp(b - c) / (c * c + 1)
    d += a
    return np.sum(np.hypot(d, b) * c)


def test_what_two_sizes_give_is_one_size() -> None:
    """What is made of arrays of two sizes has one size, whichever that is: only those two get sums."""
    x, y = np.random.default_rng(0).normal(size=(2, 8))
    assert source(grad(of_parts), x, y, 3, 5).count("unbroadcast(") == 3
    for k, j in ((3, 5), (1, 3), (5, 7), (1, 7)):
        slopes = [
            (of_parts(x + e, y, k, j) - of_parts(x - e, y, k, j)) / 2e-6 for e in 1e-6 * np.eye(8)
        ]
        np.testing.assert_allclose(grad(of_parts)(x, y, k, j), slopes, rtol=1e-6, atol=1e-8)
