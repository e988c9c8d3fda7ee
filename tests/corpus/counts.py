"""Counts where numbers stand as well: written into arrays, the start of lists, on one of two paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from corpus.program import Program

THREE = np.array([1, 2, 3])


def counts_written(x):
    u = np.zeros((4, 3))
    u[1] = x
    u[0] = np.arange(3)
    u[2:] = [[1, 2, 3], x]
    u[2, 1:] = (1, x[0])
    return np.sum(u * u.sum(0) ** 2)


def flags_written(x):
    u = np.ones((2, 3)) * x
    u[0] = x > 0
    u[1, :2] = [True, False]
    return np.sum(u**2 * x)


def captured_counts_written(x):
    u = np.outer(x, x)
    u[1] = THREE
    return np.sum(u**2 * x)


def counts_in_places(x):
    u = np.zeros(3)
    u[[0, 2]] = [1, x[0]]
    return np.sum(u**3 * x)


def list_from_zero(x):
    y = [0]
    for v in x:
        y.append(y[-1] + v**2)
    return sum(y[1:]) * y[2]


def list_of_ones(x):
    y = [1, 2, 3]
    for i in range(3):
        y[i] = y[i] * x[i]
    return y[0] * y[1] + y[2] ** 2


def pairs_from_zero(x):
    stack = [(0, 1)]
    for v in x:
        stack.append((stack[-1][0] + v, stack[-1][1] * v))
    return sum(a * b for a, b in stack)


def dict_from_zero(x):
    d = {"total": 0, "all": [0]}
    for v in x:
        d["total"] += v**2
        d["all"].append(d["total"] * v)
    return sum(d["all"]) * d["total"]


def array_of_counts_first(x):
    s = np.arange(3)
    for i in range(3):
        s = s * x[i] + x
    return np.sum(s**2)


def counts_or_numbers(x):
    a = np.arange(len(x)) if x[0] > 0 else x[:2]
    return np.sum(a) * np.sum(x**2)


def rows_of_counts(x):
    rows = []
    for i in range(3):
        if x[i] > 0:
            rows.append(x * x[i])
        else:
            rows.append(np.arange(3))
    return sum(np.sum(r**2 * x) for r in rows)


def queue_of_counts(x):
    stack = [(0, 1)]
    s = 0
    while stack:
        depth, p = stack.pop()
        if depth < 3:
            stack.append((depth + 1, p * x[depth]))
            s = s + p
        else:
            s = s + p * p
    return s


AT = np.array([0.7, -0.4, 1.3])
FUNCTIONS: tuple[Callable[..., Any], ...] = (
    counts_written, flags_written, captured_counts_written, counts_in_places, list_from_zero,
    list_of_ones, pairs_from_zero, dict_from_zero, array_of_counts_first, counts_or_numbers,
    rows_of_counts, queue_of_counts,
)  # fmt: skip
PROGRAMS = [Program(f.__name__, f, (AT,)) for f in FUNCTIONS]
