"""Derivatives some rows at a time: the same numbers, or a refusal."""

from __future__ import annotations

import numpy as np
import pytest

from srcdiff import grad, in_blocks, jacfwd, value_and_grad
from srcdiff.errors import DerivativeValueError

RNG = np.random.default_rng(0)
X, Y, K = RNG.random(1001) + 0.1, RNG.random(1001), 0.7
M, W, V = RNG.random((1001, 3)), RNG.random(3), RNG.random((4, 3))


def chain(x, y, k):
    t = np.exp(-k * x) * np.where(x > y, x, y * y)
    return np.sum(np.sqrt(t + 1.0) / (k + x))


def steps(x, y, k):
    u = x * 1.0
    for _ in range(3):
        u = u - 0.1 * (np.sin(u) - y) / (1.0 + np.cos(k * u) ** 2)
    return np.sum(u * y)


def columns(m, y, w):
    t = m.copy()
    t[:, 0] = t[:, 0] * y
    t[:, 1:] += np.tanh(m[:, :2]) * w[None, 1:]
    return np.sum(np.log(np.sum(np.exp(t - np.max(t, axis=1)[:, None]), axis=1)))


def logistic(w, m, y):
    z = m @ w
    return np.sum(np.log(1.0 + np.exp(-z * (2.0 * y - 1.0))))


def mixture(v, m):
    d = m[:, None, :] - v[None, :, :]
    q = -0.5 * np.sum(d * d, axis=2)
    top = np.max(q, axis=1)
    return np.sum(top + np.log(np.sum(np.exp(q - top[:, None]), axis=1)))


def same(a, b):
    if isinstance(a, tuple):
        assert len(a) == len(b)
        return all(map(same, a, b))
    return type(a) is type(b) and np.allclose(a, b, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("rows", [64, 100, 500, 1000, 1001, 4000])
@pytest.mark.parametrize("f", [chain, steps])
def test_rows(f, rows):
    g = in_blocks(grad(f), rows=rows)
    assert np.array_equal(g(X, Y, K), grad(f)(X, Y, K))
    assert np.array_equal(g(X[:600], y=Y[:600], k=K), grad(f)(X[:600], Y[:600], K))


def share(x, y, k):
    return np.sum(x / k) + np.sum((x - y) * k)


@pytest.mark.parametrize("f", [chain, steps, share])
@pytest.mark.parametrize("make", [grad, value_and_grad])
def test_sums_over_rows(f, make):
    d = make(f, wrt=("x", "k"))
    assert same(in_blocks(d, rows=70)(X, Y, K), d(X, Y, K))


def test_matrices():
    assert np.allclose(in_blocks(grad(columns), rows=90)(M, Y, W), grad(columns)(M, Y, W), rtol=1e-13)
    assert same(in_blocks(value_and_grad(columns, wrt=("m", "w")), rows=90)(M, Y, W),
                value_and_grad(columns, wrt=("m", "w"))(M, Y, W))  # fmt: skip


def test_over():
    assert same(in_blocks(grad(mixture), rows=100, over="m")(V, M), grad(mixture)(V, M))
    both = value_and_grad(logistic)
    assert same(in_blocks(both, rows=100, over="m")(W, M, Y), both(W, M, Y))

    def ridge(w, m, y):  # (the last sum would be one of every block)
        return np.sum((m @ w - y) ** 2) + np.sum(w * w)

    with pytest.raises(DerivativeValueError, match=r"not computed row by row"):
        in_blocks(grad(ridge), rows=100, over="m")(W, M, Y)


def mean(x):
    return np.mean(x * x)


def neighbours(x):
    return np.sum(x[1:] * x[:-1])


def turned(x):
    return np.sum(x * x[::-1])


def norm(x):
    return np.sqrt(np.sum(x * x))


def largest(x):
    return np.sum(x / np.max(x))


def sizes(x):
    return np.sum(x) * len(x)


def running(x):
    return np.sum(np.cumsum(x) ** 2)


def pairs(x):
    return np.sum((x[:, None] - x[None, :]) ** 2)


def until(x):
    u = x * 1.0
    while np.sum(u) > 1.0:
        u = u * 0.5 * x
    return np.sum(u)


def ordered(x):
    return np.sum(np.sort(x) * np.arange(1001))


def one_by_one(x):
    s = 0.0
    for v in x:
        s = s * 0.5 + v * v
    return s


def plus_one(x):
    return np.sum(np.sin(x)) + 1.0


MIXED = [mean, neighbours, turned, norm, largest, sizes, running, pairs, until, ordered, one_by_one, plus_one]


@pytest.mark.parametrize("f", MIXED)
def test_refused(f):
    with pytest.raises(DerivativeValueError, match=r"not computed row by row"):
        in_blocks(value_and_grad(f), rows=100)(X)


def test_refused_for_what_it_is():
    with pytest.raises(DerivativeValueError, match=r"not computed row by row"):
        in_blocks(jacfwd(lambda x: x * x), rows=100)(X)
    with pytest.raises(DerivativeValueError, match=r"taken in an array"):
        in_blocks(grad(chain, wrt="k"), rows=100)(X, Y, K)
    with pytest.raises(DerivativeValueError, match=r"goes over 10 rows"):
        in_blocks(grad(chain), rows=10)
    with pytest.raises(TypeError, match=r"needs a derivative"):
        in_blocks(chain)  # type: ignore[arg-type]
