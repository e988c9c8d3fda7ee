"""Programs whose derivatives are known exactly; some published tutorials print other numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpus.program import Program

rng = np.random.default_rng(12)


@dataclass(frozen=True)
class Known:
    """A function of its first argument and its derivatives there, by order."""

    name: str
    function: Any
    at: Any
    derivatives: tuple[Any, ...]  # first, second, ...


def cubic(x):
    return x**3 + 2 * x**2 + x


def sine(x):
    return math.sin(x**2 + 2 * x + 1)


def sine_numpy(x):
    return np.sin(x**2 + 2 * x + 1)


def book_exercise(a):
    b = a * 2
    while np.linalg.norm(b) < 1000:
        b = b * 2
    c = b if b.sum() > 0 else 100 * b
    return c.sum()


def by_sign_and_size(x):
    if x.sum() > 1:
        y = x**2
    elif x.sum() > 0:
        y = x**3
    else:
        y = 1 / x
    return y.sum()


def ratio(a):
    """What the book's function is, elementwise: d / a, for the branch and the trips that `a` takes."""
    b = a * 2
    while np.linalg.norm(b) < 1000:
        b = b * 2
    return (b if b.sum() > 0 else 100 * b) / a


scalar = np.array(0.37)
column = np.abs(rng.normal(size=(3, 1)))
matrix = -np.abs(rng.normal(size=(3, 4)))
large, small, negative = np.array([0.9, 0.8]), np.array([0.2, 0.3]), np.array([-0.9, 0.4])

KNOWN = [
    Known("cubic", cubic, 2.0, (21.0, 16.0, 6.0)),
    Known("cubic_integer", cubic, 2, (21.0, 16.0, 6.0)),
    Known("sine", sine, 2.0, (-5.466781571308061,)),
    Known("sine_numpy", sine_numpy, 2.0, (-5.466781571308061,)),
    Known("book_exercise_scalar", book_exercise, scalar, (ratio(scalar),)),
    Known("book_exercise_column", book_exercise, column, (ratio(column),)),
    Known("book_exercise_matrix", book_exercise, matrix, (ratio(matrix),)),
    Known("by_sign_and_size_square", by_sign_and_size, large, (2.0 * large,)),
    Known("by_sign_and_size_cube", by_sign_and_size, small, (3.0 * small**2,)),
    Known("by_sign_and_size_reciprocal", by_sign_and_size, negative, (-1.0 / negative**2,)),
]

PROGRAMS = [
    Program(f"known_{known.name}", known.function, (known.at,))
    for known in KNOWN
    if not isinstance(known.at, int)
]
