"""Numbers that become arrays in a loop: ``w = 0.0``, then ``w = w * c + x`` in each trip."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numeric import gradient
from srcdiff import grad, hessian, jvp, source, vjp
from srcdiff.load import load

X, C = np.array([0.3, 0.7, -0.4]), 0.6


def function(start: str, *trip: str) -> Any:
    head = ["import numpy as np", "def f(x, c):", "    s = 0.0", f"    w = {start}", "    for i in range(3):"]
    text = "\n".join([*head, *(f"        {line}" for line in trip), "    return np.sum(w * w) + s\n"])
    return load(text, "f", {}).__globals__["f"]


@pytest.mark.parametrize("start", ["0", "0.5", "np.float64(0.5)"])
@pytest.mark.parametrize(
    "trip",
    [
        ["w = w * c + x"],
        ["w = np.sin(w * c) + x"],
        ["w = x + c / (1.5 + w)"],
        ["w = x + np.exp(c * w) * np.sin(c)"],
        ["w = x * np.sum(w * c)"],
        ["w = np.where(x > 0, w * c, x)"],
        ["s = s + np.sum(w) * c", "w = w + x"],
        ["t = w * c", "s = s + np.mean(np.sin(t))", "w = w + x * c"],
        ["s = s + np.max(w * c)", "w = w + x * c"],
        ["s = s + np.sum(np.cumsum(w * c))", "w = w + x * c"],
        ["for k in range(2):", "    w = w * c + x"],
        ["if i == 1:", "    w = w * c + x", "s = s + np.sum(w * c)"],
        ["w *= c", "w = w * x + w"],
        ["w = w * x[:, None] * c", "w = w + np.outer(x, x)"],
        ["y = x * w", "s = s + np.sum(y * y)", "w += c * x"],
        ["v = w", "for k in range(2):", "    v = c * v", "w = v + x"],
    ],
    ids=" ".join,
)
def test_right(start: str, trip: list[str]) -> None:
    f = function(start, *trip)
    x_bar, c_bar = grad(f, wrt=("x", "c"))(X, C)
    expected = gradient(f, (X, C), (0, 1))
    np.testing.assert_allclose(x_bar, expected[0], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(c_bar, expected[1], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(jvp(f, (X, C), (np.ones(3), 2.0))[1], x_bar.sum() + 2 * c_bar, rtol=1e-9)
    slope = grad(f, wrt="c")
    second = (slope(X, C + 1e-5) - slope(X, C - 1e-5)) / 2e-5
    np.testing.assert_allclose(grad(slope, wrt="c")(X, C), second, rtol=1e-5, atol=1e-7)


def test_sums_stay_arrays() -> None:
    """What is only added to, or scaled, needs no helper that asks how many numbers there are."""
    text = source(grad(function("0.0", "w = w * c + x"), wrt=("x", "c")), X, C)
    assert "unbroadcast" not in text
    assert "np.sum(w_bar * w)" in text


@pytest.mark.parametrize("trips", [0, 1, 2])
@pytest.mark.parametrize(
    "end",
    [
        "np.sum(w) ** 2",
        "np.sum(w * c) + np.sum(x)",
        "np.mean(w * c) + np.max(w) * c",
        "np.sum(np.sin(w * c) * x)",
        "np.sum(w * (x + c))",
        "np.linalg.norm(w * c)",
        "np.sum(np.exp(w) * (x * c + w)) + np.sum(w + x + c)",
    ],
)
def test_no_trip(end: str, trips: int) -> None:
    """What a loop leaves is the number where it makes no trip: a cotangent has the shape of its variable."""
    lines = ["import numpy as np", "def f(x, c, n):", "    w = 0.5", "    for i in range(n):"]
    f = load("\n".join([*lines, "        w = w * c + x", f"    return {end}\n"]), "f", {}).__globals__["f"]
    expected = gradient(f, (X, C, trips), (0, 1))
    for got, want in zip(grad(f, wrt=("x", "c"))(X, C, trips), expected, strict=True):
        assert np.shape(got) == np.shape(want)
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("trips", [0, 2])
def test_no_trip_in_many_directions(trips: int) -> None:
    """The tangents of the number are columns of one entry: nothing is written over them that has many."""

    def f(x: Any, n: int) -> Any:
        w = 0.5
        for _ in range(n):
            w = w * 0.4 + x
        return np.sum(np.sin(w * 0.4) * x)

    rows = [(grad(f)(X + 1e-5 * e, trips) - grad(f)(X - 1e-5 * e, trips)) / 2e-5 for e in np.eye(3)]
    np.testing.assert_allclose(hessian(f)(X, trips), rows, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("trips", [0, 2])
def test_no_trip_of_two(trips: int) -> None:
    def f(x: Any, c: Any, n: int) -> Any:
        a, b = 1, x
        for _ in range(n):
            a, b = b, a * c + b * 0.3
        return np.sum(a * b)

    x_bar, c_bar = grad(f, wrt=("x", "c"))(X, C, trips)
    expected = gradient(f, (X, C, trips), (0, 1))
    assert x_bar.shape == X.shape and x_bar.dtype == X.dtype
    np.testing.assert_allclose(x_bar, expected[0], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(c_bar, expected[1], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("trips", [0, 1, 3])
@pytest.mark.parametrize("end", ["np.sum(np.sin(w) * np.cumsum(x) * 3) * c", "np.sum(w) + np.sum(w * 2) * c"])
@pytest.mark.parametrize("step", ["w + x * i", "w * c + np.outer(x, x)[1]"])
def test_no_trip_in_all_modes(end: str, step: str, trips: int) -> None:
    """What is repeated and scaled has but one number for each entry, as what is repeated."""
    lines = ["import numpy as np", "def f(x, c, n):", "    w = 0.5", "    for i in range(n):"]
    f = load("\n".join([*lines, f"        w = {step}", f"    return {end}\n"]), "f", {}).__globals__["f"]
    expected = gradient(f, (X, C, trips), (0, 1))
    for got in (grad(f, wrt=("x", "c"))(X, C, trips), vjp(f, X, C, trips)[1](1.0)[:2]):
        np.testing.assert_allclose(got[0], expected[0], rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(got[1], expected[1], rtol=1e-6, atol=1e-8)
    slope = grad(f)
    rows = [(slope(X + 1e-5 * e, C, trips) - slope(X - 1e-5 * e, C, trips)) / 2e-5 for e in np.eye(3)]
    np.testing.assert_allclose(hessian(f)(X, C, trips), rows, rtol=1e-5, atol=1e-7)


def test_begins_as_a_number_in_the_first_trip() -> None:
    def f(x: Any, n: int) -> Any:
        w, s = 0.3, 0.0
        for k in range(n):
            s = s + np.sum(np.sin(w) * np.cumsum(x) * k)
            w = w + x * 0.5
        return s

    for n in (0, 1, 3):
        np.testing.assert_allclose(grad(f)(X, n), gradient(f, (X, n), (0,))[0], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("trips", [0, 2])
def test_added_to_what_is_averaged(trips: int) -> None:
    """The number has the sum of what the entries have that it was added to."""

    def f(x: Any, n: int) -> Any:
        w = 1.0
        for _ in range(n):
            w = np.maximum(w, x)
        return np.mean((w + 1.0) * x[0] + np.cumsum(x)) * x[1]

    np.testing.assert_allclose(grad(f)(X, trips), gradient(f, (X, trips), (0,))[0], rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(vjp(f, X, trips)[1](1.0)[0], grad(f)(X, trips), rtol=1e-12)


@pytest.mark.parametrize("trips", [0, 2])
def test_a_number_for_a_matrix(trips: int) -> None:
    def f(x: Any, n: int) -> Any:
        w = 1.0
        for _ in range(n):
            w = w + np.outer(x, x) * 0.1
        return np.max((w * w + 1.0) * np.sin(x)) + np.sum(np.cumsum(w * w * x[0]))

    np.testing.assert_allclose(grad(f)(X, trips), gradient(f, (X, trips), (0,))[0], rtol=1e-6, atol=1e-8)
