"""What was put into a list is known when it is read there (`optimise/put_there.py`): histories of states."""

from __future__ import annotations

import numpy as np
import pytest

from numeric import gradient
from srcdiff import grad, hvp, jvp, value_and_grad


def history(x, n):
    path = [x]
    for _ in range(n):
        x = x + 0.01 * np.sin(x)
        path.append(x)
    return (np.array(path) ** 2).mean()


def pairs(x, n):
    path = []
    v = np.zeros_like(x)
    for _ in range(n):
        v = v - 0.1 * np.sin(x)
        x = x + 0.1 * v
        path.append((x, v))
    return sum(np.sum(a * b) for a, b in path) + np.sum(x * v)


def in_a_dict(x, n):
    log = {"x": [x], "v": []}
    v = np.ones_like(x)
    for _ in range(n):
        v = v * 0.9 - x
        x = x + 0.1 * v
        log["x"].append(x)
        log["v"].append(v)
    return np.sum(np.stack(log["x"])[1:] * np.array(log["v"]))


class Simulation:
    def __init__(self, x):
        self.x = x
        self.log = [x]

    def step(self):
        self.x = self.x + 0.1 * np.cos(self.x)
        self.log.append(self.x)


def of_an_object(x, n):
    s = Simulation(x)
    for _ in range(n):
        s.step()
    return np.sum(np.array(s.log)[-1]) + np.sum(s.log[0] * s.x)


def on_a_path(x, n):
    best, found = x, [x]
    for _ in range(n):
        x = x - 0.3 * x**3
        if np.sum(x) < np.sum(best):
            best = x
            found.append(best)
    return np.sum(best * found[-1]) + len(found) * np.sum(found[0])


def taken_out(x, n):
    stack = [x]
    for k in range(n):
        x = x * 0.9 + np.sin(x)
        stack.append(x)
        if k % 3 == 2:
            x = stack.pop() * stack[-1]
    return np.sum(x * stack[-1])


def changed_there(x, n):
    """Elements are changed in place: what was put in is changed with them."""
    path = [x * 1.0]
    for _ in range(n):
        x = x + 0.1 * np.sin(x)
        path.append(x)
        path[-1] *= 1.5
        x[0] += 0.25
    return sum(np.sum(p * p) for p in path) + np.sum(x)


PROGRAMS = [history, pairs, in_a_dict, of_an_object, on_a_path, taken_out, changed_there]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [1, 5])
def test_by_differences(f, n):
    x = np.array([0.3, -0.7, 1.1])
    expected = gradient(f, (x, n), (0,))[0]
    value, bar = value_and_grad(f)(x, n)
    assert value == f(x, n)
    np.testing.assert_allclose(bar, expected, rtol=1e-6, atol=1e-8)
    along = np.array([1.0, 0.5, -0.25])
    assert jvp(lambda y: f(y, n), (x,), (along,))[1] == pytest.approx(expected @ along, rel=1e-6)
    h = 1e-5
    ahead, behind = (gradient(f, (x + s * along, n), (0,))[0] for s in (h, -h))
    np.testing.assert_allclose(hvp(f)(x, n, along), (ahead - behind) / (2 * h), rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(x, [0.3, -0.7, 1.1])


@pytest.mark.parametrize("f", [history, pairs, of_an_object, on_a_path], ids=lambda f: f.__name__)
def test_values_do_not_go_through_the_list(f):
    g = grad(f)
    g(np.ones(3), 4)
    forward = g.source.split("_bar")[0]
    assert "len(" not in forward
    assert "[0]" not in forward
    assert "] = " not in g.source.split("range(n)")[2]


def test_what_is_put_away_is_popped():
    g = grad(history)
    g(np.ones(3), 4)
    assert "path_bar = list(2 * t / t.size)" in g.source
    assert "x_bar += path_bar.pop()" in g.source
