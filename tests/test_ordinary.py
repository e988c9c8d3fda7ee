"""Ordinary programs, in the style of scripts: both modes and the second order, against differences."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import numeric
from srcdiff import grad, jvp

X = np.array([0.5, 1.5, 2.5, 0.8])
PROGRAMS: list[Callable[[Any], Any]] = []


def program(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    PROGRAMS.append(f)
    return f


def weighted(items: Any) -> Any:
    total = 0.0
    for i, v in enumerate(items):
        total += v * v * (i + 1)
    return total


# ---- lists, made longer


@program
def array_added_to_a_list(x):  # (which NumPy does: element by element, and the list stays what it is)
    kept = names = list(x)
    names += x
    return weighted(kept) * np.sum(names)


@program
def array_added_to_a_list_of_known_length(x):
    d = {"a": [x[0]]}
    d["a"] += x
    return weighted(d["a"])


@program
def anything_added_to_a_list(x):
    out = list(x)
    out += (2 * v for v in x)
    out += (x[0], x[1])
    out += map(np.sin, x)
    out += {1.0: 2.0}
    short = [1.0]
    short += (v for v in x)
    short += range(2)
    return weighted(out) + weighted(short)


@program
def view_of_all(x):
    y = x.view()
    y[0] = y[1] * 2
    y *= x
    return np.sum(x * x)


# ---- classes


@dataclass(order=True)
class Ranked:
    at: float
    size: float = 2.0


@dataclass
class Tagged:
    at: float
    tag: str = field(default="", compare=False)


@program
def dataclasses_compared(x):
    a, b = Ranked(x[0]), Ranked(x[1], x[2])
    same = Tagged(x[0], "u") == Tagged(x[0])
    best = a
    for v in x:
        if Ranked(v) > best:
            best = Ranked(v)
    return (a < b) * x[0] + (a == b) * 7 + (a != b) * x[1] + same * x[3] ** 2 + best.at**2


@program
def frozen_dataclass_in_a_function(x):
    @dataclass(frozen=True)
    class Pair:
        a: float
        b: float = 2.0

        def product(self):
            return self.a * self.b

    p = dataclasses.replace(Pair(x[0]), b=x[1])
    return p.product() + sum(dataclasses.astuple(p)) + dataclasses.asdict(p)["a"] ** 2


@program
def functions_sorted_by_name(x):
    known = {"b": lambda v: v * v, "a": lambda v: v**3}
    stages = [(2, np.sin), (1, np.cos), (3, np.exp)]
    for _, f in sorted(stages, key=lambda t: -t[0]):
        x = f(x)
    return sum(f(v) * (i + 1) for i, (_, f) in enumerate(sorted(known.items())) for v in x)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_derivatives(f: Callable[[Any], Any]) -> None:
    g, direction = grad(f), np.array([0.3, -0.7, 0.2, 0.9])
    expected = numeric.gradient(f, (X,), (0,))[0]
    numeric.assert_close(g(X.copy()), expected, 1e-6)
    numeric.assert_close(jvp(f, (X.copy(),), (direction,))[1], expected @ direction, 1e-6)
    second = (g(X + 1e-5 * direction) - g(X - 1e-5 * direction)) / 2e-5
    numeric.assert_close(jvp(g, (X.copy(),), (direction,))[1], second, 1e-5)
