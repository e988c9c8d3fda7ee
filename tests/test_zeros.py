"""Zeros that a derivative begins with, and what is multiplied by cotangents that are zero in places."""

import numpy as np
import pytest

from numeric import assert_close, gradient
from srcdiff import grad, hvp


def unpacked(x, z):
    q = np.array([x[0], x[1] * 2]) / z
    a, b = q
    return a * b + a


def chosen(x, z):
    q = np.sqrt(np.array([x[0], x[1]]) * z)
    a = np.where(z[0] > 1, q[0], 0.0)
    return a + q[1] ** 2


def one_of_two(x, z):
    q = np.sqrt(np.array([x[0], x[1]]) * z)
    return q[1] ** 2


def flown(speed, drag, n=40):
    s = np.array([0.0, 0.0, speed * np.cos(0.8), speed * np.sin(0.8)])
    for _ in range(n):
        _, _, u, v = s
        w = drag * np.hypot(u, v)
        s = s + 0.01 * np.array([u, v, -w * u, -9.81 - w * v])
        if s[1] < 0:
            break
    return s[0]


@pytest.mark.parametrize("z", [[2.0, 3.0], [0.5, 3.0]])
@pytest.mark.parametrize("f", [unpacked, chosen, one_of_two])
def test_read_whole(f, z):
    args = np.array([0.7, 1.3]), np.array(z)
    for k in range(2):
        assert_close(grad(f, wrt=k)(*args), gradient(f, args, [k])[0], 1e-7)


@pytest.mark.parametrize("f", [chosen, one_of_two])
def test_what_was_not_read_stays_zero(f):
    got = grad(f)(np.array([0.7, 1.3]), np.array([0.0, 4.0]))
    assert np.allclose(got, [0.0, 4.0])


def test_read_whole_is_multiplied_whole():
    g = grad(unpacked)
    g(np.array([0.7, 1.3]), np.array([2.0, 3.0]))
    assert "/= z" in g.source, g.source


def test_numbers_on_tapes_are_chosen_between_by_python():
    g = grad(flown, wrt=("speed", "drag"))
    got = g(20.0, 0.02)
    h = 1e-6
    assert "np.where" not in g.source
    assert np.isclose(got[0], (flown(20.0 + h, 0.02) - flown(20.0 - h, 0.02)) / (2 * h))
    assert np.isclose(got[1], (flown(20.0, 0.02 + h) - flown(20.0, 0.02 - h)) / (2 * h))


def rows_of_states(x, n):
    total = 0.0
    for _ in range(n):
        a, b, c = x
        x = np.array([a + 0.1 * b, b - 0.1 * a * c, c])
        if x[0] > 10.0:
            return total
        total += x[1] * x[2]
    return total


def test_zeros_are_made_of_sizes():
    g = grad(rows_of_states)
    x = np.array([0.3, 0.2, 0.1])
    got = g(x, 4)
    assert "zeros_like" not in g.source, g.source
    steps = [(rows_of_states(x + d, 4) - rows_of_states(x - d, 4)) / 2e-6 for d in 1e-6 * np.eye(3)]
    assert np.allclose(got, steps)


def unread(x):
    y = np.array([x[0], 1.0 / x[1], np.log(x[1])])
    return y[0] * 2


def test_an_element_that_is_not_read_has_no_part():
    with np.errstate(divide="ignore"):
        assert np.array_equal(grad(unread)(np.array([1.0, 0.0])), [2.0, 0.0])


def from_the_end(x, y, n):
    """A list of what is known is read from its end, in a text with loops of unknown trips."""
    held, s, a = [x * y[0]], 1, y[0]
    if s > 0.6:
        s = np.tanh(s * 0.5 + a)
        held.append(np.tanh(np.sort(x)[::-1]))
    u = x * 1.0
    for i in range(n):
        j = 0
        while j < n and np.tanh(i) > 0.6:
            a = a * 1.1
            j += 1
        u[i] = np.tanh(s)
    u[0] = np.tanh(u @ np.sin(np.sort(held[-1])))
    return np.sum(u * x)


def test_an_element_from_the_end_of_a_list():
    x, y, v = np.array([0.3, 0.1, 0.7]), np.array([0.7]), np.array([1.0, -0.5, 0.25])
    near = [grad(from_the_end)(x + h * v, y, 3) for h in (1e-5, -1e-5)]
    assert_close(hvp(from_the_end)(x, y, 3, v), (near[0] - near[1]) / 2e-5, 1e-7)
