"""Tapes that go one way are one tape of tuples; few stay apart."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import numeric
import srcdiff
from srcdiff import grad, jvp, vjp


def many(x, y):
    """Six things to save in a trip, two of them there when it begins."""
    for _ in range(4):
        a = math.sin(x * y)
        b = math.exp(-a * x)
        c = math.tanh(b + y)
        x, y = a * b + c * x, b * c / (1.0 + y * y)
    return x * y


def few(x, y):
    for _ in range(4):
        x, y = math.sin(x) * y, x * y
    return x * y


def left_early(x, y):
    for k in range(9):
        a = math.sin(x * y)
        b = math.exp(-a * x)
        if b > 1.2 + y:
            break
        c = math.tanh(b + y)
        d = math.cos(a * c)
        if k % 3 == 1:
            continue
        x, y = a * b + c * d * x, b * c / (1.0 + y * y)
    return x * y


def nested(x, y):
    total = 0.0
    k = 0
    while total < 5.0 and k < 6:
        k += 1
        for _ in range(k):
            a = math.sin(x * y)
            b = math.exp(-a * x)
            c = math.tanh(b + y)
            if a > 0.1:
                d = math.cos(a * b * c)
                x, y = a * b + c * d * x, b * c / (1.0 + y * y)
        total += x * x
    return total + y


def arrays(x, y):
    """Arrays that are written over after they have been saved."""
    for k in range(3):
        a = np.sin(x * y)
        b = a * x
        a[k] = b[0] * y
        c = np.exp(-a * b)
        b += c * a
        x = a * b + c
    return np.sum(x) * y


CASES = [
    (many, (0.7, 0.4), True), (few, (0.7, 0.4), False), (left_early, (0.7, 0.4), True),
    (nested, (0.7, 0.4), True), (arrays, (np.array([0.3, 0.9, 0.5]), 0.8), True),
]  # fmt: skip


@pytest.mark.parametrize(("f", "args", "packed"), CASES, ids=lambda v: getattr(v, "__name__", ""))
def test_packed(f, args, packed):
    text = srcdiff.source(grad(f, wrt=(0, 1)), *args)
    assert bool(re.search(r"\.append\(\s*\(", text)) == packed, text
    ahead = (args[0] * 0 + 1.0, 1.0)
    expected = [numeric.directional(f, args, (i,), (ahead[i],))[0] for i in (0, 1)]
    got = grad(f, wrt=(0, 1))(*args)
    np.testing.assert_allclose([np.sum(got[0]), got[1]], expected, rtol=1e-7)


@pytest.mark.parametrize(("f", "args", "packed"), CASES, ids=lambda v: getattr(v, "__name__", ""))
def test_again(f, args, packed):
    """The pullback twice, and second derivatives: on the graph, and of the text as it is printed."""
    pullback = vjp(f, *args)[1]
    first, second = pullback(1.0), pullback(1.0)
    np.testing.assert_array_equal(first[0], second[0])
    g = grad(f, wrt=1)
    expected = numeric.directional(g, args, (1,), (1.0,))
    np.testing.assert_allclose(grad(g, wrt=1)(*args), expected, rtol=1e-6)
    np.testing.assert_allclose(jvp(g, args, (args[0] * 0, 1.0))[1], expected, rtol=1e-6)


def test_the_text_again(tmp_path):
    grad(nested, wrt=1).save(tmp_path / "saved.py", 0.7, 0.4)
    names: dict = {}
    exec(compile((tmp_path / "saved.py").read_text(), str(tmp_path / "saved.py"), "exec"), names)
    g = next(v for n, v in names.items() if n.startswith("nested"))
    assert g(0.7, 0.4) == grad(nested, wrt=1)(0.7, 0.4)
