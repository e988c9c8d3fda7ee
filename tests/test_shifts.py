"""What is taken off and put back makes no difference; what only looks like it does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from srcdiff import grad, hessian, jvp, source

rng = np.random.default_rng(1)


def softmax(x, w):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return np.sum(w * (e / e.sum(axis=1, keepdims=True)))


def logsumexp(x, w):
    m = np.max(x, axis=1)
    return np.sum(w[:, 0] * (m + np.log(np.sum(np.exp(x - m[:, None]), axis=1))))


def logsumexp_of_two_maxima(x, w):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return np.sum(w[:, 0] * (np.log(np.sum(e, axis=1)) + x.max(axis=1)))


def log_softmax(x, w):
    z = x - x.max(axis=1, keepdims=True)
    return np.sum(w * (z - np.log(np.exp(z).sum(axis=1, keepdims=True))))


def attention(x, w):
    s = x @ x.T
    s -= s.max(axis=-1, keepdims=True)
    e = np.exp(s)
    e /= e.sum(axis=-1, keepdims=True)
    return np.sum((e @ w) ** 2)


def of_all(x, w):
    e = np.exp(x - np.max(x))
    p = e / e.sum()
    return np.sum(w * p) - np.sum(p * np.log(p))


def of_two(x, w):
    a, b = x[0], x[1]
    m = np.maximum(a, b)
    return np.sum(w[0] * (m + np.log(np.exp(a - m) + np.exp(b - m))))


def rows_in_a_loop(x, w):
    total = 0.0
    for i in range(len(x)):
        m = x[i].max()
        total += w[i, 0] * (m + math.log(np.exp(x[i] - m).sum()))
    return total


IDLE = [softmax, logsumexp, logsumexp_of_two_maxima, log_softmax, attention, of_all, of_two, rows_in_a_loop]


def not_divided(x, w):
    return np.sum(w * np.exp(x - np.max(x, axis=1, keepdims=True)))


def another_axis(x, w):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return np.sum(w * (e / e.sum(axis=0, keepdims=True)))


def twice_added(x, w):
    m = np.max(x, axis=1)
    return np.sum(w[:, 0] * (2.0 * m + np.log(np.sum(np.exp(x - m[:, None]), axis=1))))


def used_elsewhere(x, w):
    m = np.max(x)
    e = np.exp(x - m)
    return np.sum(w * (e / e.sum())) * m


def constant_added(x, w):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return np.sum(w * (e / (1.0 + e.sum(axis=1, keepdims=True))))


def squared(x, w):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return np.sum(w * (e * e / e.sum(axis=1, keepdims=True)))


def another_row(x, w):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    return np.sum(w * (e / e[::-1].sum(axis=1, keepdims=True)))


def of_the_other_axis(x, w):
    x = x[:3, :3]
    e = np.exp(x - np.max(x, axis=1))
    return np.sum(w[:3, :3] * (e / e.sum(axis=1, keepdims=True)))


def leaves_a_loop(x, w):
    m = total = 0.0
    for i in range(len(x)):
        m = x[i].max()
        total += w[i, 0] * (m + math.log(np.exp(x[i] - m).sum()))
    return total * m


MATTERS = [
    not_divided, another_axis, twice_added, used_elsewhere, constant_added, squared, another_row,
    of_the_other_axis, leaves_a_loop,
]  # fmt: skip


@pytest.mark.parametrize("f", [*IDLE, *MATTERS], ids=lambda f: f.__name__)
def test_numbers(f: Any) -> None:
    x, w, v = rng.normal(size=(3, 3, 4))
    h = 1e-6
    slope = (f(x + h * v, w) - f(x - h * v, w)) / (2 * h)
    assert abs(np.vdot(grad(f)(x, w), v) - slope) < 1e-7
    assert abs(jvp(f, (x, w), (v, 0.0 * w))[1] - slope) < 1e-7
    curve = (grad(f)(x + h * v, w) - grad(f)(x - h * v, w)) / (2 * h)
    np.testing.assert_allclose(np.tensordot(hessian(f)(x, w), v, 2), curve, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("f", IDLE, ids=lambda f: f.__name__)
def test_what_makes_no_difference_is_not_differentiated(f: Any) -> None:
    x, w = rng.normal(size=(2, 3, 4))
    text = source(grad(f), x, w)
    assert "to_largest" not in text and "==" not in text and "~(" not in text


@pytest.mark.parametrize("f", MATTERS, ids=lambda f: f.__name__)
def test_what_matters_is(f: Any) -> None:
    x, w = rng.normal(size=(2, 3, 4))
    text = source(grad(f), x, w)
    assert "to_largest" in text or "~(" in text


def test_ties_and_infinities() -> None:
    x = np.array([[1.0, 1.0, 0.0, -np.inf], [2.0, 2.0, 2.0, 2.0], [800.0, -800.0, 0.0, 799.0]])
    w = rng.normal(size=(3, 4))
    e = np.exp(x - x.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    by_hand = p * (w - np.sum(w * p, axis=1, keepdims=True))
    np.testing.assert_allclose(grad(softmax)(x, w), by_hand, atol=1e-15)
    np.testing.assert_allclose(grad(logsumexp)(x, w), w[:, :1] * p, atol=1e-15)
