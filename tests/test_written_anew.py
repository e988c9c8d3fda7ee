"""Arrays that are written from end to end: nothing of what they were is kept; all who see them see it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numeric import gradient
from srcdiff import grad, hessian, value_and_grad

SEEN = np.zeros(4)


def an_argument(x):
    x[:] = x * x
    return np.sum(x * x)


def a_global(x):
    SEEN[:] = x * 2
    return np.sum(SEEN * x)


def views_of_it(x):
    a = x.copy()
    v, w = a[1:], a[::-1]
    a[...] = np.sin(a)
    v[0] *= 3.0
    a[:] = w * a
    return np.sum(a * a) + np.sum(v * v) + w[0] * x[1]


def from_another(x):
    a = x.copy()
    b, c = a, x * 2
    a[:] = c
    c[0] = 100.0
    b[1] = 5.0
    return np.sum(a * a) + np.sum(c) + b[1] * c[0] * x[2]


def fill(out, x):
    out[:] = np.sin(x)


def in_a_function(x):
    o = np.empty(4)
    fill(o, x)
    p = o
    fill(o, p * x)
    return np.sum(o) + np.sum(p * x)


class Relaxed:
    def __init__(self, x):
        self.state, self.x = np.zeros(4), x

    def step(self):
        self.state[:] = self.state * 0.5 + self.x


def in_an_object(x):
    r = Relaxed(x * x)
    seen = r.state
    for _ in range(3):
        r.step()
    return np.sum(seen**2) + np.sum(r.state)


def in_a_list(x):
    rows = [np.zeros(4) for _ in range(3)]
    for k in range(3):
        rows[k][:] = x * k
    rows[1][...] = rows[2] * rows[2]
    return np.sum(rows[0]) + np.sum(rows[1] * x) + np.sum(rows[2])


def exchanged(x):
    a, b = x.copy(), x * 2
    for _ in range(3):
        a[:], b[:] = b * 1.5, a * a
    return np.sum(a) + np.sum(b * b)


def transposed(x):
    a, A = np.zeros((4, 4)), np.outer(x, x)
    a[:, :] = A.T
    A[0, 0] = 3.0
    a[1:] += A[1:]
    return np.sum(a * a)


def given_out(x):
    y = np.empty(4)
    np.multiply(x, x, out=y)
    z = y
    np.add(y, x, out=y)
    return np.sum(y * z)


def of_another_type(x):
    n = np.zeros(4, dtype=int)
    n[:] = 10 * x
    y = np.zeros((2, 4))
    y[:] = x * x
    y[:] += x
    return np.sum(n * x) + np.sum(y[0] * y[1])


def in_a_loop(x):
    a = np.outer(x, x)
    for k in range(4):
        a[:] = np.minimum(a[:], a[:, k][:, None] + a[k, :][None, :])
    return np.sum(a * a)


def on_one_path(x):
    a = x.copy()
    for k in range(4):
        if x[k] > 0:
            a[:] = a * x[k]
        else:
            a[k] = x[k] * a[0]
    return np.sum(a)


PROGRAMS = [
    an_argument, a_global, views_of_it, from_another, in_a_function, in_an_object, in_a_list, exchanged,
    transposed, given_out, of_another_type, in_a_loop, on_one_path,
]  # fmt: skip


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_gradients(f: Any) -> None:
    x = np.array([0.53, -1.21, 2.04, 0.37])
    wanted = gradient(f, (x,), [0])[0]
    np.testing.assert_allclose(grad(f)(x.copy()), wanted, rtol=1e-7, atol=1e-8)
    given = x.copy()
    value, got = value_and_grad(f)(given)
    mine = x.copy()
    assert value == pytest.approx(f(mine), rel=1e-14)
    np.testing.assert_array_equal(got, grad(f)(x.copy()))
    h = hessian(f)(x.copy())
    rows = [(grad(f)(x + e) - grad(f)(x - e)) / 2e-6 for e in np.eye(4) * 1e-6]
    np.testing.assert_allclose(h, rows, rtol=1e-5, atol=1e-6)


def test_texts() -> None:
    g = grad(in_a_loop)
    g(np.array([0.53, -1.21, 2.04, 0.37]))
    assert "_old" not in g.source
    assert not [line for line in g.source.splitlines() if "[:] =" in line.partition("#")[0]]
    assert g.source.count(".append(") == 1
