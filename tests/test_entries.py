"""Entries of arrays of which a derivative asks nothing else (`optimise/entries.py`)."""

from __future__ import annotations

import numpy as np
import pytest

from numeric import gradient
from srcdiff import grad, hessian


def cross_entropy(W, X, labels):
    loss = 0.0
    for i in range(len(X)):
        z = W @ X[i]
        p = np.exp(z - z.max())
        p = p / np.sum(p)
        loss -= np.log(p[labels[i]])
    return loss / len(X)


def rotated(x, p):
    c, s = np.cos(x[0]), np.sin(x[0])
    q = np.array([[c, -s], [s, c]]) @ p + x[1:]
    return q @ q


def blocks(x):
    a = np.array([[x[:2], x[1:]], [x[1:] * x[0], x[:2]]])
    return np.sum(a[0] * a[1] ** 2)


def share(x, k):
    """What one entry has of the sum, and of the column sums of a table."""
    table = np.outer(x, x) + 1.0
    return (x / np.sum(x))[k] + (table / np.sum(table, axis=0))[k, 0] + (table / table[0])[1, k]


W = np.random.default_rng(0).normal(size=(4, 3))
X = np.random.default_rng(1).normal(size=(5, 3))
CASES = [
    (cross_entropy, (W, X, np.array([0, 3, 1, -1, 2]))),
    (rotated, (np.array([0.4, 1.0, -0.3]), np.array([0.7, 0.2]))),
    (blocks, (np.array([0.4, 1.0, -0.3]),)),
    (share, (np.array([0.4, 1.0, 0.3]), 2)),
    (share, (np.array([0.4, 1.0, 0.3]), -1)),
]


@pytest.mark.parametrize(("f", "args"), CASES)
def test_by_differences(f, args):
    np.testing.assert_allclose(grad(f)(*args), gradient(f, args, (0,))[0], rtol=1e-6, atol=1e-8)
    second = hessian(f)(*args).reshape(args[0].size, -1).sum(axis=0)
    rows = gradient(lambda *a: np.sum(grad(f)(*a)), args, (0,))[0]
    np.testing.assert_allclose(second, rows.ravel(), rtol=1e-5, atol=1e-7)


def test_no_array_is_made_for_one_entry():
    g = grad(cross_entropy)
    g(*CASES[0][1])
    assert "np.zeros(p.shape)" not in g.source
    assert "np.sum(p_bar" not in g.source
    g = grad(rotated)
    g(*CASES[1][1])
    assert "[0, 1]" in g.source
    assert "unarray" not in g.source
