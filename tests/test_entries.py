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


def reprojected(cams, points, seen):
    """Bundle adjustment with Rodrigues' rotation; how long points are the program does not say."""
    error = 0.0
    for i, j, uv in seen:
        r, t = cams[i][:3], cams[i][3:]
        angle = np.sqrt(r @ r + 1e-12)
        k, p = r / angle, points[j]
        q = p * np.cos(angle) + np.cross(k, p) * np.sin(angle) + k * (k @ p) * (1 - np.cos(angle)) + t
        error += np.sum((q[:2] / q[2] - uv) ** 2)
    return error


def test_parts_that_are_all_there_is():
    """`q[:2]` and `q[2]` are read: products with the cotangent of `q` are not taken part by part."""
    rng = np.random.default_rng(0)
    seen = [(0, 1, np.ones(2)), (1, 2, np.zeros(2)), (0, 0, np.ones(2))]
    args = rng.normal(size=(2, 6)), rng.normal(size=(3, 3)) + 4.0, seen
    g = grad(reprojected, wrt=("cams", "points"))
    for bar, expected in zip(g(*args), gradient(reprojected, args, (0, 1)), strict=True):
        np.testing.assert_allclose(bar, expected, rtol=1e-5, atol=1e-7)
    assert "unbroadcast" not in g.source  # (the size that np.cross demands is known)
    assert ".copy()" not in g.source


def part_of_a_part(x):
    u = np.log(x)
    v = u[:2]
    return v[1] + u[2]


def test_what_a_part_was_not_read_of():
    with np.errstate(divide="ignore"):
        assert grad(part_of_a_part)(np.array([0.0, 2.0, 4.0])).tolist() == [0.0, 0.5, 0.25]


def network(params, X, y):
    h = X
    for W, b in params[:-1]:
        h = np.tanh(h @ W + b)
    W, b = params[-1]
    z = h @ W + b
    return np.mean((z[:, 0] - y) ** 2)


def ends(rows):
    return np.sum(rows[-1][0] * rows[0][1]) + sum(np.sum(a * b) for a, b in rows[1:-1]) + np.sum(rows[-1][1])


def test_first_parts_of_lists_are_put_there():
    rng = np.random.default_rng(0)
    params = [(rng.normal(size=(3, 3)), rng.normal(size=3)) for _ in range(3)]
    args = params, rng.normal(size=(5, 3)), rng.normal(size=5)
    g = grad(network)
    for got, expected in zip(g(*args), gradient(network, args, (0,))[0], strict=True):
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)
    assert "params_bar[-1] = W_bar, b_bar" in g.source
    assert "add(" not in g.source
    rows = [(rng.normal(size=2), rng.normal(size=2)) for _ in range(4)]
    for got, expected in zip(grad(ends)(rows), gradient(ends, (rows,), (0,))[0], strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-9)
