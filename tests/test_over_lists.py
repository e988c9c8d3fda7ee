"""Loops of derivatives that count the elements of lists go over the lists (`optimise/over_lists.py`)."""

from __future__ import annotations

import numpy as np
import pytest

from numeric import gradient
from srcdiff import grad, hvp


def springs(x, edges):
    energy = 0.0
    for i, j in edges:
        energy += (np.linalg.norm(x[i] - x[j]) - 1.0) ** 2
    return energy


def layers(x, Ws):
    for W in Ws:
        x = np.tanh(W @ x)
    return np.sum(x)


def left_early(x, pairs):
    total = 0.0
    for i, w in pairs:
        if w > 2.5:
            break
        total = total * 0.5 + w * np.sin(x[i])
    return total


def list_that_grows(x, steps):
    """The list that is gone over is changed behind the loop; its elements are read in the loop backwards."""
    path = [x]
    for h in steps:
        path.append(path[-1] + h * np.sin(path[-1]))
    total = sum(np.sum(p * p) for p in path)
    path[0] = path[0] * 2.0
    steps = steps + [1.0]
    return total + np.sum(path[0]) * len(steps)


def counted_for_more(x, ws):
    total = 0.0
    for k in range(len(ws)):
        total = total * 0.9 + k * ws[k] * np.cos(x[k % 2])
    return total


RNG = np.random.default_rng(0)
CASES = [
    (springs, (RNG.normal(size=(4, 2)), [(0, 1), (1, 2), (3, 0)])),
    (springs, (RNG.normal(size=(4, 2)), [])),
    (layers, (RNG.normal(size=3), [RNG.normal(size=(3, 3)) for _ in range(4)])),
    (left_early, (RNG.normal(size=3), [(0, 1.0), (2, 2.0), (1, 3.0), (0, 0.5)])),
    (list_that_grows, (RNG.normal(size=3), [0.1, 0.2, 0.3])),
    (counted_for_more, (RNG.normal(size=3), [0.1, 0.2, 0.3])),
]


@pytest.mark.parametrize(("f", "args"), CASES)
def test_by_differences(f, args):
    g = grad(f)
    expected = gradient(f, args, (0,))[0]
    np.testing.assert_allclose(g(*args), expected, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(g(*args), expected, rtol=1e-6, atol=1e-8)  # (nothing was changed)
    v = np.ones_like(args[0])
    ahead, behind = (gradient(f, (args[0] + h * v, *args[1:]), (0,))[0] for h in (1e-5, -1e-5))
    np.testing.assert_allclose(hvp(f)(*args, v), (ahead - behind) / 2e-5, rtol=1e-3, atol=1e-4)


def test_texts_go_over_the_elements():
    g = grad(springs)
    g(*CASES[0][1])
    assert "for i, j in edges:" in g.source
    assert "range(" not in g.source
    g = grad(layers)
    g(*CASES[2][1])
    assert "for W in reversed(Ws):" in g.source
