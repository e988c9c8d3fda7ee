"""What only the backward sweep wants is done there: no tapes, and no loop forwards where none is left."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from srcdiff import grad, hessian, testing, value_and_grad

rng = np.random.default_rng(5)
SINE = re.compile(r"(?<!np\.)\bsin\(")  # (not in comments)


def product(x: Any) -> Any:
    s = 0.0
    for i in range(len(x)):
        s += np.sin(x[i]) * x[i]
    return s


def pairs(x: Any, q: Any) -> Any:
    """The distance is wanted beside the branch, and in it."""
    e = 0.0
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            d = x[i] - x[j]
            r2 = d @ d
            if r2 < 2.0:
                e += q[i] * q[j] / math.sqrt(r2) + np.exp(-r2)
    return e


def batches(w: Any, x: Any, y: Any) -> Any:
    loss = 0.0
    for k in range(0, len(x), 4):
        p = 1.0 / (1.0 + np.exp(-(np.tanh(x[k : k + 4] @ w) @ w)))
        loss -= np.sum(y[k : k + 4] * np.log(p))
    return loss


def zipped(x: Any, y: Any) -> Any:
    s = 0.0
    for a, b in zip(x, y):
        s += np.exp(a * b)
    return s


ALL: list[tuple[Any, tuple[Any, ...]]] = [
    (product, (rng.normal(size=5),)),
    (pairs, (rng.normal(size=(5, 3)), rng.normal(size=5))),
    (batches, (rng.normal(size=(3, 3)), rng.normal(size=(10, 3)), rng.uniform(size=(10, 3)))),
    (zipped, (rng.normal(size=4), rng.normal(size=6))),
]


@pytest.mark.parametrize(("f", "args"), ALL, ids=[f.__name__ for f, _ in ALL])
def test_nothing_is_taped(f: Any, args: tuple[Any, ...]) -> None:
    testing.check_rule(f, args)
    g = grad(f)
    g(*args)
    loops = [line for line in g.source.splitlines() if line.lstrip().startswith("for ")]
    assert ".append(" not in g.source and len(loops) == (2 if f is pairs else 1)


def recurrence(x: Any, a: Any) -> Any:
    """What a trip hands on is taped, what is made of it is not."""
    s = 0.0
    for _ in range(4):
        x = a * np.sin(x)
        s += np.exp(x) * x
    return s


def overwritten(x: Any) -> Any:
    y = x.copy()
    s = 0.0
    for i in range(len(y)):
        s += np.exp(y[i]) * y[i - 1]
        y[i] = 2.0 * y[i] + s
    return s


def protected(x: Any) -> Any:
    s = 0.0
    for v in x:
        try:
            s += math.sqrt(v) * v
        except ValueError:
            s += 3.0 * v
    return s


def quiet(x: Any) -> Any:
    s = 0.0
    for v in x:
        with np.errstate(over="raise"):
            try:
                t = np.exp(v * 700.0)
            except FloatingPointError:
                t = 2.0 * v
        s += t * v
    return s


def from_outside(x: Any) -> Any:
    """An array of each trip would be taped for one number of the loop inside."""
    s = 0.0
    for k in range(3):
        u = np.sin(x * k)
        for j in range(2):
            s += np.exp(np.sum(u) * j)
    return s


def one_path(x: Any) -> Any:
    """What a branch gives is taped."""
    s = 0.0
    for v in x:
        s = s + (math.sin(v) if v > 0.0 else math.exp(v)) * v
    return s


def asked(x: Any) -> Any:
    """The last of what is made is part of the result."""
    s, t = 0.0, 1.0
    for v in x:
        t = math.exp(v)
        s += t * v
    return s * t


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (recurrence, (0.3, 1.2)),
        (overwritten, (rng.uniform(size=4),)),
        (protected, (np.array([0.3, -0.7, 1.1]),)),
        (quiet, (np.array([0.3, 1.7, -1.1]),)),
        (from_outside, (rng.normal(size=3),)),
        (one_path, (rng.normal(size=6),)),
        (asked, (rng.normal(size=4),)),
    ],
    ids=lambda a: getattr(a, "__name__", ""),
)
def test_what_cannot_wait(f: Any, args: tuple[Any, ...]) -> None:
    testing.check_rule(f, args)


def test_of_a_trip_made_again_once() -> None:
    """A value that many of others are made of is made once in a trip."""

    def chain(x: Any) -> Any:
        s = 0.0
        for i in range(len(x)):
            t = x[i]
            t = np.sin(t * t)
            t = np.sin(t * t)
            t = np.sin(t * t)
            s += t * t
        return s

    x = rng.normal(size=4)
    testing.check_rule(chain, (x,))
    g = grad(chain)
    g(x)
    assert len(SINE.findall(g.source)) == 3 and ".append(" not in g.source


def test_with_the_value_it_is_done_forwards() -> None:
    x = rng.normal(size=5)
    g = value_and_grad(product)
    y, x_bar = g(x)
    assert math.isclose(y, product(x), rel_tol=1e-14)
    np.testing.assert_allclose(x_bar, grad(product)(x), rtol=1e-14)
    assert len(SINE.findall(g.source)) == 1


def test_second_derivatives() -> None:
    x = rng.normal(size=4)
    expected = np.diag(2.0 * np.cos(x) - x * np.sin(x))
    np.testing.assert_allclose(hessian(product)(x), expected, atol=1e-14)
