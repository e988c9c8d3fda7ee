"""What a trip of a loop computes last, and the next one again, is handed on (`optimise/handed_on.py`)."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from numeric import gradient
from srcdiff import grad, jvp, value_and_grad
from srcdiff.load import load


def pendulum(q, p, h, n):
    for _ in range(n):
        p = p - 0.5 * h * np.sin(q)
        q = q + h * p
        p = p - 0.5 * h * np.sin(q)
    return 0.5 * p * p - np.cos(q)


def poles(x, n):
    """Nothing is known of how often this runs: a root before the loop would have a slope that is infinite."""
    for _ in range(n):
        y = math.sqrt(x)
        x = 0.5 * x + y
        y = math.sqrt(x)
        x = x + 0.1 * y
    return 2.0 * x


def test_half_the_functions() -> None:
    g = grad(pendulum)
    g(0.5, 0.1, 0.1, 20)
    loop = g.source.split("for _ in range(n):")[1]
    assert loop.split("return")[0].count("sin(") == 1
    assert "p_term = t * sin(q)" in g.source


@pytest.mark.parametrize("n", [0, 1, 7])
def test_however_often_it_runs(n: int) -> None:
    value, bars = value_and_grad(pendulum, wrt=("q", "p", "h"))(0.5, 0.1, 0.1, n)
    assert value == pendulum(0.5, 0.1, 0.1, n)  # to the last bit
    assert bars == pytest.approx(gradient(pendulum, (0.5, 0.1, 0.1, n), (0, 1, 2)), rel=1e-6, abs=1e-8)


def test_nothing_is_computed_that_may_have_no_slope() -> None:
    assert grad(poles)(0.0, 0) == 2.0
    assert "math.sqrt" not in grad(poles).source.split("for _")[0]
    assert grad(poles)(0.7, 4) == pytest.approx(gradient(poles, (0.7, 4), (0,))[0], rel=1e-6)


KICKS = [
    "np.sin({a})", "np.tanh({a} * c)", "c * np.cos({a} + {b})", "np.exp(-{a} * {a})",
    "{a} / (1.5 + {b} * {b})",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(16))
def test_random_steps(seed: int) -> None:
    """Of numbers and of arrays, however the loop counts, in all modes: the same values, and their slopes."""
    rng = random.Random(seed)
    text = steps(rng)
    f = load(text, "steps", {}).__globals__["steps"]
    numbers = np.random.default_rng(seed)
    for shape in ((), (3,)):
        x, y, c = (0.4 + 0.5 * numbers.random(shape) for _ in range(3))
        args = (float(x), float(y), float(c), 5) if not shape else (x, y, c, 5)
        for order in (("x", "y", "c"), ("x",)):
            value, bars = value_and_grad(f, wrt=order)(*args)
            assert value == f(*args), text
            expected = gradient(f, args, tuple(range(len(order))))
            for bar, e in zip(bars if isinstance(bars, tuple) else (bars,), expected, strict=True):
                np.testing.assert_allclose(bar, e, rtol=1e-5, atol=1e-7, err_msg=text)
        g = grad(f, wrt=("x",))
        dot = jvp(g, args, (np.ones(shape) if shape else 1.0, None, None, None))[1]
        second = gradient(lambda *a, g=g: np.sum(g(*a)), args, (0,))  # (of a symmetric matrix)
        np.testing.assert_allclose(np.sum(dot), np.sum(second[0]), rtol=1e-4, atol=1e-5, err_msg=text)


def steps(rng: random.Random) -> str:
    """A step of two variables, which begins with what it ends with."""
    kick = rng.choice(KICKS)
    a, b = rng.sample(["x", "y"], 2)
    lines = [f"{b} = {b} + 0.1 * {kick.format(a=a, b=rng.choice([a, 'c']))}"]
    drift = [f"{a} = {a} + 0.1 * {b}", f"{a} = {a} - 0.05 * {b} * c"]
    drift.append(f"{a}, old = {a} * 0.9 + 0.1 * {b}, {a}")
    between = [rng.choice(drift)]
    if rng.random() < 0.4:
        between.append(f"total = total + np.sum({rng.choice(['x', 'y'])} * {a})")
    if rng.random() < 0.3:
        between.append("if np.sum(x) > 50.0:\n            break")
    body = "\n        ".join([*lines, *between, *lines])
    head = rng.choice(["for _ in range(n):", "for _ in range(4):", "k = 0\n    while k < n:\n        k += 1"])
    end = rng.choice(["np.sum(x * y)", "np.sum(x) + np.sum(y * y)"])
    start = "total = 0.0\n    old = x"
    return f"""import numpy as np
def steps(x, y, c, n):
    {start}
    {head}
        {body}
    return {end} + 0.1 * total + np.sum(old)
"""
