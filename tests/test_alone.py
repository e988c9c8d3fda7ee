"""Pullbacks and pushforwards stand alone: what a caller does to arguments and results later is no matter."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from srcdiff import linearize, vjp


def loop(x):
    for i in range(4):
        x = x * np.sin(x) + i
    return x


def listed(x):
    ys = [x]
    for _ in range(3):
        ys.append(ys[-1] * np.sin(ys[-1]))
    return ys


def over_a_list(xs):
    s = xs[0]
    for v in xs:
        s = s * np.sin(v)
    return s


def of_a_dict(p):
    s = p["a"]
    for _ in range(3):
        s = s * np.sin(p["b"] + s)
    return s, p["b"]


def one_of_two(x):
    return x if x[0] > 0 else x * x


def while_loop(x):
    y = x
    while np.sum(y) < 5:
        y = y * y + x
    return y, y


def recursive(x, n=3):
    return x * np.sin(recursive(x, n - 1)) if n else x


def written(x):
    u = np.zeros((3, 3))
    u[1] = x
    for i in range(2):
        u[i] = u[i + 1] * x
    return u


def both(x):
    h = x
    hs = []
    for _ in range(3):
        hs.append(h)
        h = np.tanh(h) * x
    return h, hs


X = np.array([0.7, 0.4, 1.3])
CASES = [
    (loop, X), (listed, X), (over_a_list, [X, 2 * X]), (of_a_dict, {"a": X, "b": 2 * X}), (one_of_two, X),
    (while_loop, X / 2), (recursive, X), (written, X), (both, X),
]  # fmt: skip


def arrays(x):
    if isinstance(x, dict):
        x = list(x.values())
    return [a for y in x for a in arrays(y)] if isinstance(x, (list, tuple)) else [x]


def like(x):
    """Something of the structure of ``x``."""
    if isinstance(x, dict):
        return {k: like(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(map(like, x))
    return np.cos(np.arange(float(x.size))).reshape(x.shape)


@pytest.mark.parametrize("take", [vjp, linearize])
@pytest.mark.parametrize("f, x", CASES, ids=[f.__name__ for f, _ in CASES])
def test_stands_alone(f, x, take):
    x = copy.deepcopy(x)
    y, linear = take(f, x)
    given = like(y if take is vjp else x)
    want = copy.deepcopy(linear(given))
    for ours in (x, y, linear(given)):
        for a in arrays(ours):
            a *= -3.0
        for a, b in zip(arrays(linear(given)), arrays(want), strict=True):
            assert np.array_equal(a, b)
    got = linear(given)
    others = [*arrays(x), *arrays(y), *arrays(given)]
    assert not any(np.shares_memory(a, b) for a in arrays(got) for b in others)
