"""A factor that terms of a derivative's sum have in common is taken out (`optimise/collect.py`)."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from srcdiff import grad, value_and_grad
from srcdiff.load import load


def logistic(x, r, n):
    for _ in range(n):
        x = r * x * (1.0 - x)
    return x


def energy(q, p):
    return 0.5 * p * p - q * p + q * q * p


def half(p):
    return 0.5 * p * p


def left(x, y):
    return x * y + x * (y * y) - x * 3.0


def apart(x, y):
    z = x * y
    z = z + x * math.sin(y)
    return z * x


def test_what_a_loop_carries_waits_for_one_product() -> None:
    g = grad(logistic)
    assert g(0.3, 3.7, 3) == pytest.approx(slope(lambda x: logistic(x, 3.7, 3), 0.3))
    assert "x_dot = x_dot * (r * t1 - t)" in g.source


def test_the_program_s_own_sums_are_left() -> None:
    g = value_and_grad(left, wrt=("x", "y"))
    value, (x_bar, y_bar) = g(0.1, 0.7)
    assert value == left(0.1, 0.7)
    assert "x * y + x * (y * y) - x * 3.0" in g.source
    assert x_bar == pytest.approx(0.7 + 0.49 - 3.0)
    assert y_bar == pytest.approx(0.1 + 0.2 * 0.7)


def test_terms_of_different_statements_stay_apart() -> None:
    g = grad(apart, wrt=("x", "y"))
    x_bar, y_bar = g(0.4, 0.9)
    assert x_bar == pytest.approx(slope(lambda x: apart(x, 0.9), 0.4))
    assert y_bar == pytest.approx(slope(lambda y: apart(0.4, y), 0.9))
    assert "# z = z + x * math.sin(y)" in g.source


def test_multiples_of_the_same_are_one() -> None:
    g = grad(energy)
    assert g(0.3, 1.7) == pytest.approx(-1.7 + 2.0 * 0.3 * 1.7)
    assert "return -p + 2.0 * q * p" in g.source
    assert grad(energy, wrt="p")(0.3, 1.7) == pytest.approx(1.7 - 0.3 + 0.3 * 0.3)
    g = grad(half)
    assert g(1.7) == 1.7
    assert "return p" in g.source


@pytest.mark.parametrize("order", [1, 2, 3])
def test_orders(order: int) -> None:
    g = f = logistic
    for _ in range(order):
        f, g = g, grad(g)
    assert g(0.3, 3.1, 4) == pytest.approx(slope(lambda x: f(x, 3.1, 4), 0.3), rel=1e-6)


@pytest.mark.parametrize("seed", range(12))
def test_random_polynomials(seed: int) -> None:
    """All ways give the slope; numbers of NumPy's and of Python's."""
    rng = random.Random(seed)
    f = load(polynomial(rng), "polynomial", {}).__globals__["polynomial"]
    at = [rng.uniform(0.5, 1.5) for _ in range(3)]
    g, backwards = grad(f), grad(f, wrt=("x", "y", "z"))
    for kind in (float, np.float64):
        args = [kind(a) for a in at]
        expected = [
            slope(lambda v, a=args, n=n: f(*a[:n], v, *a[n + 1 :]), args[n])  # in the n-th
            for n in range(3)
        ]
        assert g(*args) == pytest.approx(expected[0], rel=1e-6, abs=1e-6)
        assert backwards(*args) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def polynomial(rng: random.Random) -> str:
    """Sums of products of three variables, in a loop."""

    def term() -> str:
        factors = ["x", "y", "z", "0.5", "x", "(y - x)"]
        return " * ".join(rng.choice(factors) for _ in range(rng.randint(1, 4)))

    def total() -> str:
        return "".join(rng.choice([" + ", " - "]) + term() for _ in range(rng.randint(2, 5)))

    lines = [f"        {v} = 0.3 * ({v}{total()})" for v in "xyz"]
    head = ["def polynomial(x, y, z):", "    for _ in range(3):"]
    return "\n".join([*head, *lines, "    return x * y - y * z * x\n"])


def slope(f, x):
    h = 1e-5
    return (f(x - 2 * h) - 8.0 * f(x - h) + 8.0 * f(x + h) - f(x + 2 * h)) / (12.0 * h)
