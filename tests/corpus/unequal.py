"""Zips of unequal lengths: the shortest decides, also where that is seen at run time only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from corpus.program import Program

WEIGHTS = [1.0, 2.0, 3.0, 4.0]
PAIR = np.array([1.0, 2.0, -1.0])


def longer_weights(x):
    s = 0.0
    for c, v in zip([1.0, 2.0, 3.0, 4.0], x):
        s += c * v * v
    return s


def weights_and_slice(x):
    s = 0.0
    for c, v in zip(WEIGHTS, x[1:]):
        s += c * v * v
    return s


def weights_and_product(x):
    s = 0.0
    for k, (c, v) in enumerate(zip([1.0, 2.0, 3.0, 4.0], PAIR * x[0])):
        s += c * v * v * x[k]
    return s


def weights_in_a_generator(x):
    return sum(c * v * v for c, v in zip((1.0, 2.0, 3.0, 4.0), x[:2] * x[1:]))


def weights_and_filtered(x):
    s = 0.0
    for c, v in zip((1.0, 2.0, 3.0, 4.0), [a * x[0] for a in x if a > 0]):
        s = s + c * v * v
    return s


def three_of_them(x):
    s = 0.0
    for c, v, w in zip([1, 2], x, np.sin(x)):
        s = s + c * v * v * w
    return s


def list_from_array(x):
    xs = list(x)
    s = 0.0
    for c, v in zip(WEIGHTS, xs):
        s = s + c * v * v
    return s


def list_of_any_length(xs):
    s = 0.0
    for c, v in zip(WEIGHTS, xs):
        s = s + c * v * v
    return s


def numbered_and_strided(x):
    s = 0.0
    for i, (c, v) in enumerate(zip((1.0, 2.0, 3.0, 4.0), np.convolve(x, x)[::2])):
        s = s + i * c * v * v
    return s


AT = np.array([0.7, -0.4, 1.3])
FUNCTIONS: tuple[Callable[..., Any], ...] = (
    longer_weights, weights_and_slice, weights_and_product, weights_in_a_generator,
    weights_and_filtered, three_of_them, list_from_array,
    numbered_and_strided,
)  # fmt: skip
PROGRAMS = [
    *(Program(f.__name__, f, (AT,)) for f in FUNCTIONS),
    Program("list_of_three", list_of_any_length, ([0.7, -0.4, 1.3],)),
    Program("list_of_five", list_of_any_length, ([0.7, -0.4, 1.3, 2.0, 0.5],)),
]
