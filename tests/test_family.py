"""The family of derivatives beside the gradient: against differences and each other, in any composition."""

from __future__ import annotations

import copy
import importlib.util
import inspect
import math
import re
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special

import srcdiff
from corpus import PROGRAMS as CORPUS
from corpus import counts, unequal
from srcdiff import (
    DerivativeTypeError,
    DerivativeValueError,
    NoRule,
    derivative,
    elementwise_grad,
    gauss_newton_vp,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    laplacian,
    linearize,
    source,
    sparse_hessian,
    taylor,
    value_and_grad,
    vhp,
    vjp,
    vmap,
)
from srcdiff.errors import SrcdiffError

X = np.array([0.3, 1.2, 0.7])
V = np.array([0.5, -1.0, 2.0])
A = np.array([[1.0, 2.0, -0.5], [0.3, -0.7, 0.2], [0.0, 1.1, 0.4], [2.0, 0.1, -1.0]])


# ---- programs: vectors of three to arrays -----------------------------------------------------------------


def scaled(x):
    return x[0] * np.sin(x)


def layers(x):
    return np.tanh(A @ x) @ A


def outer(x):
    return np.outer(x, x**2)


def total(x):
    return np.sum(x**3)


def written(x):
    u = np.zeros(3)
    for i in range(3):
        u[i] = np.sin(x[i]) * x[i - 1]
        for j in range(i):
            u[i] += x[j] ** 2
    return u


def steps(x):
    y = x.copy()
    for _ in range(4):
        k = np.array([y[1] * y[2], -y[0], y[0] * y[1]])
        y = y + 0.1 * k
    return y


def shrunk(x):
    s, n = x, 0
    while np.sum(s * s) > 0.5:
        s = 0.7 * s + 0.1 * np.sin(s)
        n += 1
    return s * n


def one_side(x):
    if x[0] > 0:
        return x * x[0]
    return -x


def per_element(x):
    out = np.zeros(3)
    for i in range(3):
        if x[i] > 0.5:
            out[i] = x[i] ** 2 * x[0]
        else:
            out[i] = x[i]
    return out


def appended(x):
    xs = []
    for i in range(3):
        xs.append(x[i] * x[0])
    return np.array(xs)


def numbers(x):
    return np.array([math.sin(x[0]) * x[1], math.exp(x[2]), max(x[0], x[1])])


def solved(x):
    return np.linalg.solve(np.diag(x) + 0.1 * np.outer(x, x) + np.eye(3), x)


def sorted_sums(x):
    return np.cumsum(x) * np.sort(x)


def joined(x):
    return np.concatenate([x[::-1], x * x])


def chosen(x):
    return np.where(x > 0.5, x * x, -x)


def unit(x):
    return x / np.linalg.norm(x)


def matrix(x):
    return x.reshape(3, 1) @ x.reshape(1, 3)


def convolved(x):
    return np.convolve(x, x)


def kronecker(x):
    return np.kron(x, x)


def guarded(x):
    try:
        y = x * 2
    except ValueError:
        y = x
    return y * x


def spread(x):
    return np.max(x) * x + np.var(x) * np.ones(3)


def stacked(x):
    return np.stack([x, np.roll(x, 1), x**2]) @ x


PROGRAMS = [
    scaled, layers, outer, total, written, steps, shrunk, one_side, per_element, appended, numbers, solved,
    sorted_sums, joined, chosen, unit, matrix, convolved, kronecker, guarded, spread, stacked,
]  # fmt: skip


def differences(f: Any, x: np.ndarray, h: float = 1e-6) -> np.ndarray:
    """The Jacobian by central differences."""
    y = np.asarray(f(x))
    out = np.empty(y.shape + x.shape)
    for i in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[i] = h
        out[(..., *i)] = (np.asarray(f(x + e)) - np.asarray(f(x - e))) / (2 * h)
    return out


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("make", [jacfwd, jacrev, jacobian], ids=lambda m: m.__name__)
def test_jacobian(f: Any, make: Any) -> None:
    expected = differences(f, X)
    got = make(f)(X)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_second_order(f: Any) -> None:
    def g(x):
        return np.sum(f(x) ** 2)

    expected = differences(grad(g), X)
    np.testing.assert_allclose(hessian(g)(X), expected, rtol=1e-5, atol=1e-6)
    for product in (hvp, vhp):
        np.testing.assert_allclose(product(g)(X, V), expected @ V, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(laplacian(g)(X), np.trace(expected), rtol=1e-5, atol=1e-6)
    j = differences(f, X).reshape(-1, 3)
    np.testing.assert_allclose(gauss_newton_vp(f)(X, V), j.T @ (j @ V), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_linearize(f: Any) -> None:
    y, push = linearize(f, X)
    np.testing.assert_allclose(y, f(X))
    for v in (V, X):
        np.testing.assert_allclose(push(v), jvp(f, (X,), (v,))[1], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_vector_valued_hessian(f: Any) -> None:
    """Of an array, too: by two roads."""
    np.testing.assert_allclose(hessian(f)(X), jacfwd(jacfwd(f))(X), rtol=1e-9, atol=1e-12)


def test_text_is_vectorised() -> None:
    def rosenbrock(x):
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    _, push = linearize(layers, X)
    assert "= np.tanh" not in push.source.rpartition("def ")[2]  # nothing is computed again
    text = source(hessian(rosenbrock), np.ones(4))
    assert "for " not in text.partition("def ")[2]
    assert "np.eye(x.size)" in text
    expected = differences(grad(rosenbrock), np.arange(4.0))
    np.testing.assert_allclose(hessian(rosenbrock)(np.arange(4.0)), expected, rtol=1e-6, atol=1e-4)
    assert "for " not in source(jacrev(layers), X).partition("def ")[2]


# ---- arguments ---------------------------------------------------------------------------------------------


def test_several_arguments() -> None:
    def f(x, y):
        return x * y + np.sin(x)

    for make in (jacfwd, jacrev, jacobian):
        in_x, in_y = make(f, wrt=("x", "y"))(X, 2.0)
        np.testing.assert_allclose(in_x, np.diag(2.0 + np.cos(X)))
        np.testing.assert_allclose(in_y, X)
    np.testing.assert_allclose(jacfwd(f, wrt=1)(X, 2.0), X)
    np.testing.assert_allclose(jacfwd(f, wrt="y")(X, X), np.diag(X))


def test_hessian_of_several_arguments() -> None:
    def f(a, b):
        return np.sum(a * b) ** 2

    b = X + 1.0
    (aa, ab), (ba, bb) = hessian(f, wrt=("a", "b"))(X, b)
    s = X @ b
    np.testing.assert_allclose(aa, 2 * np.outer(b, b))
    np.testing.assert_allclose(ab, 2 * np.outer(b, X) + 2 * s * np.eye(3))
    np.testing.assert_allclose(ba, ab.T)
    np.testing.assert_allclose(bb, 2 * np.outer(X, X))
    got = hvp(f, wrt=("a", "b"))(X, b, (V, X))
    np.testing.assert_allclose(got[0], aa @ V + ab @ X)
    np.testing.assert_allclose(got[1], ba @ V + bb @ X)


def test_numbers_and_small_arrays() -> None:
    assert (jacfwd(lambda x: x**2)(3.0), jacrev(lambda x: x**2)(3.0), jacobian(lambda x: x**2)(3)) == (
        6.0,
    ) * 3
    assert hessian(lambda x: x**3)(2.0) == 12.0
    assert laplacian(lambda x: x**3)(2.0) == 12.0
    for n in (0, 1):
        for make in (jacfwd, jacrev, jacobian):
            np.testing.assert_array_equal(make(lambda x: x * 2.0)(np.ones(n)), 2.0 * np.eye(n))
        np.testing.assert_array_equal(hessian(lambda x: np.sum(x**3))(np.ones(n)), 6.0 * np.eye(n))
    assert jacfwd(lambda x: x * 2.0)(np.array(2.0)) == 2.0


def test_matrices() -> None:
    m = np.arange(6.0).reshape(2, 3) / 10

    def f(m):
        return np.tanh(m @ m.T)

    expected = differences(f, m)
    for make in (jacfwd, jacrev):
        np.testing.assert_allclose(make(f)(m), expected, atol=1e-8)
    h = hessian(lambda m: np.sum(f(m)))(m)
    assert h.shape == (2, 3, 2, 3)
    np.testing.assert_allclose(h, differences(grad(lambda m: np.sum(f(m))), m), atol=1e-7)
    np.testing.assert_allclose(laplacian(lambda m: np.sum(m**3))(m), 6 * m.sum())
    np.testing.assert_allclose(hvp(lambda m: np.sum(f(m)))(m, m), np.tensordot(h, m, 2))


def test_containers() -> None:
    def f(p):
        return {"a": p["w"] * p["b"], "s": (np.sum(p["w"]), 3)}

    p = {"w": X, "b": 2.0}
    for make in (jacfwd, jacrev, jacobian):
        j = make(f)(p)
        np.testing.assert_allclose(j["a"]["w"], 2.0 * np.eye(3))
        np.testing.assert_allclose(j["a"]["b"], X)
        np.testing.assert_allclose(j["s"][0]["w"], np.ones(3))
        assert j["s"][0]["b"] == 0.0 and j["s"][1] is None

    def g(p):
        return np.sum(p["w"] ** 2) * p["b"]

    h = hessian(g)(p)
    np.testing.assert_allclose(h["w"]["w"], 4.0 * np.eye(3))
    np.testing.assert_allclose(h["w"]["b"], 2.0 * X)
    assert h["b"]["b"] == 0.0
    got = hvp(g)(p, {"w": V, "b": 1.0})
    np.testing.assert_allclose(got["w"], 4.0 * V + 2.0 * X)
    np.testing.assert_allclose(linearize(f, p)[1]({"w": V, "b": 1.0})["a"], 2.0 * V + X)


def test_captured_and_parts() -> None:
    w = np.array([1.0, 2.0, 3.0])

    def f(x):
        return w * x

    np.testing.assert_allclose(jacfwd(f, wrt="w")(2.0), 2.0 * np.eye(3))
    np.testing.assert_allclose(jacrev(lambda p: p["w"] * 2.0, wrt="p['w']")({"w": X}), 2.0 * np.eye(3))
    h = hessian(lambda x: np.sum(w**2) * x, wrt=("w", "x"))(2.0)
    np.testing.assert_allclose(h[0][0], 4.0 * np.eye(3))
    np.testing.assert_allclose(h[0][1], 2.0 * w)


def test_has_aux() -> None:
    def f(x):
        return x**3, {"n": np.sum(x)}

    def g(x):
        return np.sum(x**3), {"n": np.sum(x)}

    for make in (jacfwd, jacrev, jacobian):
        j, aux = make(f, has_aux=True)(X)
        np.testing.assert_allclose(j, np.diag(3 * X**2))
        assert aux == {"n": np.sum(X)}
    for value, expected in [
        (hessian(g, has_aux=True)(X), np.diag(6 * X)),
        (hvp(g, has_aux=True)(X, V), 6 * X * V),
        (vhp(g, has_aux=True)(X, V), 6 * X * V),
        (gauss_newton_vp(f, has_aux=True)(X, V), 9 * X**4 * V),
        (laplacian(g, has_aux=True)(X), 6 * np.sum(X)),
        (elementwise_grad(f, has_aux=True)(X), 3 * X**2),
        (derivative(lambda t: (t**3, {"n": np.sum(X)}), order=2, has_aux=True)(2.0), 12.0),
    ]:
        np.testing.assert_allclose(value[0], expected)
        assert value[1] == {"n": np.sum(X)}
    y, y_dot, aux = jvp(f, (X,), (V,), has_aux=True)
    np.testing.assert_allclose(y_dot, 3 * X**2 * V)
    y, pull, aux = vjp(f, X, has_aux=True)
    np.testing.assert_allclose(pull(V)[0], 3 * X**2 * V)
    y, push, aux = linearize(f, X, has_aux=True)
    np.testing.assert_allclose(push(V), 3 * X**2 * V)
    np.testing.assert_allclose(y, X**3)
    assert aux == {"n": np.sum(X)}


def test_single_precision() -> None:
    x = X.astype(np.float32)
    for got in (
        jacfwd(scaled)(x),
        jacrev(scaled)(x),
        hessian(total)(x),
        hvp(total)(x, x),
        laplacian(total)(x),
    ):
        assert got.dtype == np.float32


def test_decorators() -> None:
    @hessian
    def f(x):
        return np.sum(x**3)

    @jacfwd(wrt="b")
    def g(a, b):
        return a * b

    @derivative(order=2)
    def h(t):
        return t**4

    @hvp
    def k(x, scale=1.0):
        return scale * np.sum(x**3)

    np.testing.assert_allclose(f(X), np.diag(6 * X))
    np.testing.assert_allclose(g(X, V), np.diag(X))
    assert h(2.0) == 48.0
    np.testing.assert_allclose(k(X, V, scale=2.0), 12 * X * V)
    np.testing.assert_allclose(k(X, 2.0, V), 12 * X * V)
    assert list(inspect.signature(k).parameters) == ["x", "v", "scale"]


def test_mode_follows_the_sizes() -> None:
    """``jacobian`` takes the mode with fewer products, call by call."""

    def f(a, x):
        return np.tanh(a @ x)

    j = jacobian(f, wrt="x")
    wide, tall = np.ones((2, 5)) / 5, np.ones((5, 2)) / 5
    np.testing.assert_allclose(j(wide, np.ones(5)), jacfwd(f, wrt="x")(wide, np.ones(5)))
    assert "np.eye(t.size)" in j.source
    np.testing.assert_allclose(j(tall, np.ones(2)), jacrev(f, wrt="x")(tall, np.ones(2)))
    assert "np.eye(x.size)" in j.source
    j(wide, np.ones(5))
    assert "np.eye(t.size)" in source(j, wide, np.ones(5))


# ---- of one number, of each element ------------------------------------------------------------------------


def test_derivative() -> None:
    assert [derivative(lambda x: x**5, order=n)(2.0) for n in range(7)] == [32, 80, 160, 240, 240, 120, 0]
    curve = derivative(lambda t: np.array([np.sin(t), t**3]), order=2)(2.0)
    np.testing.assert_allclose(curve, [-np.sin(2.0), 12.0])
    got = [derivative(np.tanh, order=n)(0.4) for n in range(1, 6)]
    t = np.tanh(0.4)
    d1 = 1 - t * t
    expected = [d1, -2 * t * d1, d1 * (6 * t**2 - 2), d1 * t * (16 - 24 * t**2),
                d1 * (120 * t**4 - 120 * t**2 + 16)]  # fmt: skip
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_derivative_of_a_loop_to_order_four() -> None:
    def newton(a):
        x = 1.0
        while abs(x * x - a) > 1e-14:
            x = 0.5 * (x + a / x)
        return x

    got = [derivative(newton, order=n)(2.0) for n in range(1, 5)]
    expected = [0.5 * 2**-0.5, -0.25 * 2**-1.5, 0.375 * 2**-2.5, -0.9375 * 2**-3.5]
    np.testing.assert_allclose(got, expected, rtol=1e-6)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hessian_of_buffers_that_change_places(n: int) -> None:
    """Without a trip the tapes are empty."""

    def f(a, b, n):
        for _ in range(n):
            b[1:] = a[:-1] * a[1:]
            b[0] = np.sin(a[-1])
            a, b = b, a
        return np.sum(a * a) + np.sum(b)

    a, b = np.array([0.3, 0.8, 1.1]), np.ones(3)
    found = hessian(f)(a, b, n)
    step = 1e-5 * np.eye(3)
    g = grad(f)
    expected = [(g(a + d, b, n) - g(a - d, b, n)) / 2e-5 for d in step]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


def test_elementwise_grad() -> None:
    np.testing.assert_allclose(elementwise_grad(np.tanh)(X), 1 - np.tanh(X) ** 2)
    twice = elementwise_grad(elementwise_grad(np.tanh))(X)
    np.testing.assert_allclose(twice, -2 * np.tanh(X) * (1 - np.tanh(X) ** 2))
    np.testing.assert_allclose(elementwise_grad(lambda x, y: x * y, wrt="y")(X, V), X)
    assert elementwise_grad(lambda x: x**2)(3.0) == 6.0


def test_laplacian_of_a_field() -> None:
    np.testing.assert_allclose(laplacian(lambda x: x**3)(X), 6 * X)
    np.testing.assert_allclose(laplacian(lambda x: x @ x * x)(X), 10 * X)


def test_laplacian_of_containers() -> None:
    def f(p):
        w, (c, d) = p["w"], p["c"]
        return {"u": np.sum(w**4) * c, "v": (w * d**2, 3.0 * c)}

    w = np.arange(4.0).reshape(2, 2)
    p = {"w": w, "c": (1.5, 2.5)}
    got = laplacian(f)(p)
    np.testing.assert_allclose(got["u"], 18 * np.sum(w**2))
    np.testing.assert_allclose(got["v"][0], 2 * w)
    assert got["v"][1] == 0.0
    assert laplacian(lambda p: p["a"] ** 2 * p["b"])({"a": 2.0, "b": 3.0}) == 6.0
    np.testing.assert_allclose(laplacian(lambda x: (x**3, np.sum(x)))(X)[0], 6 * X)
    np.testing.assert_allclose(grad(laplacian(lambda p: p[0] ** 4 * p[1]))((2.0, 3.0)), (144.0, 48.0))
    assert laplacian(lambda p: (p[0] ** 2 + p[1] ** 2, "aux"), has_aux=True)((1.0, 2.0)) == (4.0, "aux")


# ---- all directions at once --------------------------------------------------------------------------------


def cut_off(r):
    r = r.reshape(-1, 2)
    e = 0.0
    for i in range(len(r)):
        for j in range(i):
            d = r[i] - r[j]
            d2 = np.dot(d, d)
            if d2 < 6.0:
                s = 1 / d2**3
                e += 4 * (s * s - s)
    return e


def edit_distance(x):
    x = list(x)
    row = [0.0] * (len(x) + 1)
    for i in range(1, len(x) + 1):
        new = [float(i)]
        for j in range(1, len(x) + 1):
            cost = (x[i - 1] - 0.5 * x[j - 1]) ** 2
            new.append(cost + min(row[j], new[j - 1], row[j - 1]))
        row = new
    return row[-1] ** 2


def running_log(x):
    ys = [0.0] * len(x)
    for k in range(len(x)):
        ys[k] = ys[k - 1] + math.log(1 + x[k] ** 2)
    return ys[-1] * ys[0]


def grid(x):
    n = len(x)
    table = [[0.0] * n for _ in x]
    for i in range(n):
        for j in range(n):
            table[i][j] = math.hypot(x[i], 1.0 + j) * (table[i - 1][j - 1] if i and j else 1.0)
    return sum(map(sum, table))


def best_so_far(x):
    xs = list(x)
    best = [0.0] * len(xs)
    for i in range(len(xs)):
        best[i] = math.exp(-xs[i]) * xs[i]
        for j in range(i):
            if best[j] > 0.1:
                gain = best[j] * math.sin(xs[i] - xs[j])
            else:
                gain = xs[j] ** 2
            best[i] += gain
    return sum(best)


@pytest.mark.parametrize("f", [cut_off, edit_distance, running_log, grid, best_so_far])
def test_the_primal_is_run_once_for_all_directions(f: Any) -> None:
    """A branch that no direction changes, and lists of numbers: tangents are batched inside."""
    x = np.random.default_rng(4).normal(size=6) * 1.5
    h = hessian(f)
    np.testing.assert_allclose(h(x), [hvp(f)(x, e) for e in np.eye(6)], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(jacfwd(f)(x), grad(f)(x), rtol=1e-9, atol=1e-10)
    assert "_i in " not in h.source and "in np.eye" not in h.source, h.source


def determinant_by_elimination(a: Any) -> Any:
    """Rows change places: a tape holds rows in some trips, and nothing in others."""
    A = a[:9].reshape(3, 3).copy() + 2.0 * np.eye(3)
    sign = 1
    for k in range(3):
        p = k + np.argmax(np.abs(A[k:, k]))
        if p != k:
            A[[k, p]] = A[[p, k]]
            sign = -sign
        for i in range(k + 1, 3):
            A[i, k:] -= A[i, k] / A[k, k] * A[k, k:]
    return sign * np.prod(np.diag(A)) + a[9]


def test_directions_in_turn() -> None:
    """What cannot be written for all directions at once is a loop over them."""
    a = np.random.default_rng(5).normal(size=10)
    a[0] = -2.1  # the first pivot is another row
    d = hessian(determinant_by_elimination)
    rows = [hvp(determinant_by_elimination)(a, e) for e in np.eye(10)]
    np.testing.assert_allclose(d(a), rows, rtol=1e-9, atol=1e-12)
    assert "in np.eye(a.size):" in d.source, d.source
    A = a[:9].reshape(3, 3) + 2.0 * np.eye(3)
    slope = np.append(np.linalg.det(A) * np.linalg.inv(A).T.ravel(), 1.0)
    np.testing.assert_allclose(grad(determinant_by_elimination)(a), slope, rtol=1e-9)


def visited_once(x: Any) -> Any:
    seen, total = set(), 0.0
    for k in (0, 1, 0, 2):
        if k in seen:
            continue
        seen.add(k)
        total += x[k] ** 2 * x[0]
    return total


def simulated(x: Any) -> Any:
    rng, price = np.random.default_rng(5), x[0]
    for _ in range(3):
        price = price * np.exp(x[1] * rng.standard_normal() - x[2])
    return price**2


@pytest.mark.parametrize("f", [visited_once, simulated])
def test_objects_made_anew_for_each_direction(f: Any) -> None:
    x = np.array([1.1, 0.2, 0.3])
    np.testing.assert_allclose(hessian(f)(x), [hvp(f)(x, e) for e in np.eye(3)], rtol=1e-12)
    np.testing.assert_allclose(jacfwd(f)(x), grad(f)(x), rtol=1e-12)


def drawn_from_all(x: Any) -> Any:
    seen, total = set(), x[0]
    for k in range(3):
        seen.add(k)
        total = total * np.exp(x[1] * np.random.standard_normal())
    return total**2


def without_a_seed(x: Any) -> Any:
    rng, total = np.random.default_rng(), x[0]
    for _ in range(3):
        total = total * np.exp(x[1] * rng.standard_normal())
    return total**2


@pytest.mark.parametrize("f", [drawn_from_all, without_a_seed])
def test_other_numbers_for_each_direction_are_refused(f: Any) -> None:
    with pytest.raises(SrcdiffError, match="cannot be done for many directions"):
        hessian(f)(np.array([1.1, 0.2]))


EDGES = [(0, 1), (0, 2), (1, 2)]


def walk_of_a_graph(w: Any) -> Any:
    """A dict of lists, and a queue that grows while it is emptied: some trips look nothing up."""
    beside: Any = defaultdict(list)
    for k, (a, b) in enumerate(EDGES):
        beside[a].append((b, w[k]))
    total, queue = 0.0, [0]
    while queue:
        u = queue.pop()
        if u == 2:
            continue
        for v, c in beside[u]:
            total = total + c * c * c
            queue.append(v)
    return total


def test_reverse_over_reverse_of_a_walk() -> None:
    w = np.array([1.0, 2.0, -0.5])
    got = grad(lambda z: np.sum(grad(walk_of_a_graph)(z)))(w)
    np.testing.assert_allclose(got, 6.0 * w, rtol=1e-12)


def test_choice_among_rows_along_all_directions() -> None:
    def f(a: Any) -> Any:
        return np.choose([0, 1, 0], a) ** 2

    a = np.arange(1.0, 10.0).reshape(3, 3)
    np.testing.assert_allclose(jacfwd(f)(a), jacrev(f)(a))
    np.testing.assert_allclose(vmap(f)(np.stack([a, 2 * a])), [f(a), f(2 * a)])


def test_rows_written_before_an_ellipsis_along_all_directions() -> None:
    """What follows an ellipsis in an index says which axes are meant: a full slice there is not left out."""

    def f(x: Any) -> Any:
        y = np.zeros((2, 4, 3))
        y[..., ::2, :] = np.reshape(x, (2, 2, 3)) ** 2
        return np.sum(np.cumsum(y, axis=1)[..., 1:, :] ** 2)

    x = np.linspace(-1.0, 1.0, 12)
    np.testing.assert_allclose(hessian(f)(x), [hvp(f)(x, e) for e in np.eye(12)], rtol=1e-12, atol=1e-14)


def tally(x: Any) -> Any:
    """A result of which the kind is not known until it runs."""
    c: dict[Any, Any] = {}
    for i, v in enumerate(x):
        key = "even" if i % 2 == 0 else "odd"
        c[key] = c.get(key, 0.0) + v**2
        c[i % 3] = c.get(i % 3, 0.0) + v**3
    total = 0.0
    for k, v in c.items():
        total += v * (2 if isinstance(k, str) else k + 1)
    return total / len(c)


def test_hessian_of_what_is_not_known_until_it_runs() -> None:
    x = np.array([1.0, 2.0, 0.5, -1.0])
    rows = [hvp(tally)(x, e) for e in np.eye(4)]
    np.testing.assert_allclose(hessian(tally)(x), rows, rtol=1e-12)
    want = np.array([4.0, 4.0, 4.0, 4.0]) + 6.0 * x * np.array([1.0, 2.0, 3.0, 1.0])
    np.testing.assert_allclose(hessian(tally)(x), np.diag(want) / 5.0, rtol=1e-12)


# programs of the corpus that were wrong, or failed, along many directions
ALONG_MANY = (
    "zip_of_heads", "maybe_best_row", "maybe_anderson", "payload_array_inside_below", "two_sizes_swapped",
    "embedding_bag", "convolution_layer", "own_container", "deque_in_an_object",
)  # fmt: skip


@pytest.mark.parametrize("p", [p for p in CORPUS if p.name in ALONG_MANY], ids=lambda p: p.name)
def test_programs_of_the_corpus_along_all_directions(p: Any) -> None:
    at = p.wrt[0]
    x = p.args[at]
    f = partial(at_one_argument, p, at)
    slope = grad(p.function, wrt=at)
    np.testing.assert_allclose(f(jacfwd(p.function, wrt=at))(x), f(slope)(x), rtol=1e-9, atol=1e-12)
    if p.name == "convolution_layer":
        return
    product = f(hvp(p.function, wrt=at))
    rows = np.stack([product(x, e.reshape(x.shape)) for e in np.eye(x.size)]).reshape(x.shape * 2)
    np.testing.assert_allclose(f(hessian(p.function, wrt=at))(x), rows, rtol=1e-8, atol=1e-9)
    axes = tuple(0 if n == at else None for n in range(len(p.args)))
    xs = np.stack([x, 1.01 * x, 0.99 * x])
    got = f(vmap(slope, in_axes=axes))(xs)
    np.testing.assert_allclose(got, [f(slope)(x) for x in xs], rtol=1e-9, atol=1e-12)


def at_one_argument(p: Any, at: int, d: Any) -> Any:
    """A derivative of a program as a function of one of its arguments (and a vector)."""

    def call(x: Any, *after: Any) -> Any:
        args = copy.deepcopy(list(p.args))
        args[at] = x.copy()
        return d(*args, *after, **p.kwargs)

    return call


# ---- compositions ------------------------------------------------------------------------------------------


def cube(y):
    return np.sum(y**3)


def fourth(y):
    return np.sum(y**4)


COMPOSED = [
    (
        "gradient of an entry of a Jacobian",
        lambda: grad(lambda x: jacfwd(lambda y: y**3)(x)[0, 0])(X),
        np.array([6 * X[0], 0, 0]),
    ),
    ("gradient of a trace", lambda: grad(lambda x: np.trace(hessian(fourth)(x)))(X), 24 * X),
    ("Jacobian of a gradient", lambda: jacfwd(grad(cube))(X), np.diag(6 * X)),
    ("Jacobian of a Jacobian", lambda: jacrev(jacfwd(lambda x: x**3))(X)[1, 1, 1], 6 * X[1]),
    ("gradient of a product", lambda: grad(lambda x: np.sum(hvp(cube)(x, x)))(X), 12 * X),
    ("Jacobian of a product", lambda: jacfwd(hvp(cube))(X, V), np.diag(6 * V)),
    ("Jacobian of a product in the vector", lambda: jacrev(hvp(cube), wrt="v")(X, V), np.diag(6 * X)),
    ("product of a product", lambda: hvp(lambda x: np.sum(hvp(fourth)(x, x)))(X, V), 72 * X * V),
    (
        "Hessian of what calls grad",
        lambda: hessian(lambda x: np.sum(grad(fourth)(x) ** 2))(X),
        np.diag(480 * X**4),
    ),
    ("gradient of a Laplacian", lambda: grad(laplacian(fourth))(X), 24 * X),
    ("gradient of a Laplacian inside", lambda: grad(lambda x: laplacian(cube)(x))(X), np.full(3, 6.0)),
    ("gradient of a derivative", lambda: grad(derivative(lambda y: y**5, order=2))(2.0), 240.0),
    (
        "gradient of a derivative inside",
        lambda: grad(lambda x: derivative(lambda y: y**5, order=2)(x))(2.0),
        240.0,
    ),
    (
        "Jacobian of a Jacobian inside",
        lambda: jacobian(lambda x: jacobian(lambda y: y**2)(x) @ x)(X),
        np.diag(4 * X),
    ),
    (
        "gradient through linearize",
        lambda: grad(lambda x: np.sum(linearize(lambda a: a**2, x)[1](x)))(X),
        4 * X,
    ),
    ("gradient through vjp", lambda: grad(lambda x: np.sum(vjp(lambda a: a**3, x)[1](x)[0]))(X), 9 * X**2),
    ("gradient through vhp", lambda: grad(lambda x: np.sum(vhp(cube)(x, x)))(X), 12 * X),
    (
        "gradient through Gauss-Newton",
        lambda: grad(lambda x: np.sum(gauss_newton_vp(lambda y: y**2)(x, x)))(X),
        12 * X**2,
    ),
    (
        "value_and_grad of elementwise_grad",
        lambda: value_and_grad(lambda x: np.sum(elementwise_grad(np.sin)(x)))(X)[1],
        -np.sin(X),
    ),
    ("Hessian of two", lambda: hessian(lambda a, b: a @ b, wrt=(0, 1))(X, V)[0][1], np.eye(3)),
    (
        "with options inside",
        lambda: grad(lambda x: np.sum(jacrev(lambda a, b: a * b**2, wrt="b")(X, x)))(X),
        2 * X,
    ),
]


@pytest.mark.parametrize(("call", "expected"), [c[1:] for c in COMPOSED], ids=[c[0] for c in COMPOSED])
def test_composition(call: Any, expected: Any) -> None:
    np.testing.assert_allclose(call(), expected, rtol=1e-9, atol=1e-12)


def test_saved_text_differentiates_again(tmp_path: Path) -> None:
    file = tmp_path / "saved_hessian.py"
    hessian(total).save(file, X)
    spec = __import__("importlib.util").util.spec_from_file_location("saved_hessian", file)
    module = __import__("importlib.util").util.module_from_spec(spec)
    spec.loader.exec_module(module)
    np.testing.assert_allclose(module.total_hessian(X), np.diag(6 * X))
    got = grad(lambda x: np.trace(module.total_hessian(x)))(X)
    np.testing.assert_allclose(got, np.full(3, 6.0))


# ---- what a loop over directions must not share ----------------------------------------------------------


def test_buffers_from_outside_a_loop_are_not_shared() -> None:
    """A buffer made before a loop, written to by a loop inside it, starts anew in each trip."""
    np.testing.assert_allclose(jacrev(appended)(X), differences(appended, X), atol=1e-8)
    np.testing.assert_allclose(hessian(lambda x: np.sum(steps(x) ** 2))(X),
                               differences(grad(lambda x: np.sum(steps(x) ** 2)), X), atol=1e-6)  # fmt: skip


# ---- refusals ----------------------------------------------------------------------------------------------


def refused(call: Any, kind: Any, *words: str) -> None:
    with pytest.raises(kind) as e:
        call()
    assert all(p.help for p in e.value.problems)
    for word in words:
        assert word in str(e.value), str(e.value)


def test_refusals() -> None:
    refused(lambda: jacfwd(lambda xs: xs[0] * xs[1])([1.0, 2.0]), DerivativeTypeError, "list of any length")
    refused(lambda: jacfwd(lambda x: x * x).source, DerivativeTypeError, "source_for(x)")
    refused(lambda: jacfwd(lambda z: z * z)(np.array([1j])), DerivativeTypeError, "'z' is complex")
    refused(lambda: jacrev(lambda x: x * 1j)(X), DerivativeTypeError, "its result is complex")
    np.testing.assert_allclose(jacfwd(lambda x: x * 1j)(X), 1j * np.eye(3))
    refused(lambda: derivative(lambda x: x * 2.0)(X), DerivativeTypeError, "not a single number")
    refused(lambda: derivative(np.tanh, order=-1), DerivativeValueError, "natural number")
    refused(lambda: derivative(np.arctan2, wrt=(0, 1)), DerivativeValueError, "one argument")
    refused(lambda: hvp(total)(X, np.ones(2)), DerivativeValueError, "shape (2,), not (3,)")
    refused(lambda: hvp(total)(), DerivativeValueError, "hvp(f)(x, v)")
    refused(lambda: hvp(scaled)(X, X), DerivativeTypeError, "single number")
    refused(lambda: hvp(lambda a, b: a @ b, wrt=(0, 1))(X, X, X), DerivativeValueError, "one vector for each")
    refused(lambda: jacfwd(total, has_aux=True)(X), DerivativeTypeError, "(value, aux)")
    refused(
        lambda: laplacian(lambda x: [v**2 for v in x])(X), DerivativeTypeError, "a list of any length"
    )
    refused(lambda: linearize(total, X)[1](1.0), DerivativeValueError, "shape")
    refused(lambda: linearize(total, X)[1](), DerivativeValueError, "0 tangents")


def test_every_name_of_the_table_exists() -> None:
    text = (Path(srcdiff.__file__).parents[1] / "docs" / "peers.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    names = {re.match(r"\w+", n).group() for row in rows for n in re.findall(r"`([^`]*)`", row)}  # type: ignore[union-attr]
    assert len(names) > 15
    assert not [n for n in names if n not in srcdiff.__all__]
    assert {d.__name__ for d in srcdiff.api.FAMILY} <= names


def test_linearize_of_many_results():
    """What is saved for their shapes has a name for each."""
    f = lambda x, c: {"u": x[1:] * x[:-1], "v": (c * c, np.sin(x))}  # noqa: E731
    x, c = np.array([0.3, 0.7, 1.1]), np.array([1.0, 2.0])
    y, push = linearize(f, x, c)
    got = push(np.ones(3), np.ones(2))
    np.testing.assert_allclose(got["u"], x[1:] + x[:-1])
    np.testing.assert_allclose(got["v"][0], 2.0 * c)
    np.testing.assert_allclose(got["v"][1], np.cos(x))
    np.testing.assert_allclose(y["u"], x[1:] * x[:-1])


# ---- counts where numbers stand, and zips of unequal lengths ---------------------------------------------


@pytest.mark.parametrize("p", [*counts.PROGRAMS, *unequal.PROGRAMS], ids=lambda p: p.name)
def test_all_of_counts_and_zips(p):
    (x,) = p.args
    if isinstance(x, list):
        g = np.array(grad(p.function)(x))
        assert np.allclose(jvp(p.function, (x,), (list(np.ones(len(x))),))[1], g.sum())
        return
    g, h = grad(p.function)(x), vhp(p.function)
    H = np.array([h(x, e) for e in np.eye(len(x))])
    v = np.array([0.3, 1.0, -0.7])
    assert np.allclose(jacfwd(p.function)(x), g)
    assert np.allclose(hessian(p.function)(x), H)
    assert np.allclose(hvp(p.function)(x, v), H @ v)
    assert np.allclose(laplacian(p.function)(x), np.trace(H))
    assert np.allclose(taylor(p.function, 2)(x, v)[2], v @ H @ v / 2)
    assert np.allclose(sparse_hessian(p.function)(x).toarray(), H)
    both = np.stack([x, v])
    assert np.allclose(vmap(p.function)(both), [p.function(x), p.function(v)])


# ---- third order, of functions to arrays -----------------------------------------------------------------

B3 = np.arange(9.0).reshape(3, 3) / 9 + np.eye(3)
C3 = np.arange(27.0).reshape(3, 3, 3) / 27


def einsum_chain(t):
    m = B3 + np.outer(t, t)
    return np.einsum("ij,jk,kl->il", m, m.T, B3)


def einsum_summed(t):
    return np.einsum("ij,j,i->i", B3 * t, t, t)


def axes_moved(t):
    return np.moveaxis(C3 * t, 0, 2) @ t


def dots(t):
    return np.linalg.multi_dot([B3 * t, B3, B3 * t])


def fitted(t):
    return np.polyfit(np.arange(3.0), t, 1) * t[:2]


def determinant(t):
    return np.linalg.det(B3 * t) * t


def polynomial_at_itself(t):
    return np.polyval(t, t)


def largest_row(t):
    return np.linalg.norm(np.outer(t, t) + B3, ord=np.inf) * t


def power_at_one_frequency(t):
    f = np.fft.fft(t)
    p = (f * f.conj()).real
    return np.log(p[1] + 0.1)


THIRD = [
    einsum_chain, einsum_summed, axes_moved, dots, fitted, determinant, polynomial_at_itself, largest_row,
    power_at_one_frequency,
]  # fmt: skip


@pytest.mark.parametrize("f", THIRD, ids=lambda f: f.__name__)
def test_third_order(f):
    t, e = np.array([0.3, -0.4, 0.8]), 1e-5 * np.eye(3)
    first, second = jacfwd(f), jacfwd(jacfwd(f))
    differences = np.stack([(first(t + d) - first(t - d)) / 2e-5 for d in e], -1)
    again = np.stack([(second(t + d) - second(t - d)) / 2e-5 for d in e], -1)
    for twice in (jacfwd(jacfwd(f)), jacrev(jacrev(f)), hessian(f)):
        assert np.allclose(twice(t), differences, atol=1e-6)
        waits = f is polynomial_at_itself and twice.mode == "hessian"  # (a list set on one path)
        for thrice in (jacfwd(twice),) if waits else (jacfwd(twice), jacrev(twice)):
            assert np.allclose(thrice(t), again, atol=1e-5)


@pytest.mark.filterwarnings("error")
def test_a_real_cotangent_of_something_complex():
    v, w = np.array([1.0, 2.0, -1.0]), np.array([0.3, -0.5, 0.8])
    f, t = power_at_one_frequency, np.array([0.3, -0.4, 0.8])
    assert np.allclose(vhp(f)(t, v), hvp(f)(t, v))
    want = w @ jacfwd(jacfwd(jacfwd(f)))(t) @ v
    assert np.allclose(grad(lambda t: (vhp(f)(t, v) * w).sum())(t), want)
    assert np.allclose(grad(lambda t: (hvp(f)(t, v) * w).sum())(t), want)


# ---- reasonable programs, and words ----------------------------------------------------------------------


def filled_by_index(x):
    y = [None] * 3
    for i in range(3):
        y[i] = x[i] ** 2
    return y[0] * y[1] + y[2]


def previous(x):
    last, s = None, 0.0
    for v in x:
        if last is not None:
            s += (v - last) ** 2
        last = v
    return s


def counted_with_weights(x):
    return np.bincount([0, 1, 1, 2, 0, 3], weights=np.outer(x, x[:2]).ravel()) ** 2 @ np.arange(4.0)


def types_by_position(x):
    y = np.array(x, float) + np.asarray(x, float) * np.sum(np.outer(x, x), 0, float)
    return np.sum(y**2) + np.sum(np.cumsum(y, 0, float)) + np.sum(np.zeros_like(y, float) + x**2)


@pytest.mark.parametrize(
    "f", [filled_by_index, previous, counted_with_weights, types_by_position], ids=lambda f: f.__name__
)
def test_all_of_reasonable_programs(f):
    x = np.array([0.7, -0.4, 1.3])
    g = grad(f)(x)
    h = np.stack([(grad(f)(x + d) - grad(f)(x - d)) / 2e-5 for d in 1e-5 * np.eye(3)])
    assert np.allclose([jvp(f, (x,), (v,))[1] for v in np.eye(3)], g)
    assert np.allclose(jacfwd(f)(x), g) and np.allclose(jacrev(f)(x), g)
    assert np.allclose(hessian(f)(x), h, atol=1e-7)
    assert np.allclose(laplacian(f)(x), np.trace(h), atol=1e-7) and np.ndim(laplacian(f)(x)) == 0


def test_functions_of_numbers_from_one_on():
    f = lambda x: math.acosh(x + 2)  # noqa: E731
    want = -2.3 / (2.3**2 - 1) ** 1.5
    assert np.isclose(hessian(f)(0.3), want) and np.isclose(derivative(f, order=2)(0.3), want)
    assert np.allclose(vmap(derivative(f, order=2))(np.array([0.3, 0.3])), want)


@pytest.mark.parametrize("take", [jacfwd, jacrev, jacobian])
def test_no_rule_is_what_is_said(take):
    with pytest.raises(NoRule, match=r"scipy.special.kolmogorov cannot be differentiated"):
        take(lambda x: scipy.special.kolmogorov(x))(X)


def test_words_of_what_is_given():
    with pytest.raises(DerivativeTypeError, match="'x' is a list of any length"):
        hessian(lambda x: x[0] ** 2 * x[1])([2.0, 3.0])
    for take in (hvp, vhp, gauss_newton_vp):
        with pytest.raises(DerivativeValueError, match="needs the vector as its last argument"):
            take(lambda x: np.sum(x**3))(X)


# ---- what is broadcast to an array of which nothing is known ---------------------------------------------

COVARIANCE = np.array([[1.0, 0.3], [0.3, 2.0]])


def drawn(n):
    return np.random.default_rng(7).multivariate_normal(np.zeros(2), COVARIANCE, size=n)


def shifted(x):
    return np.sum(drawn(5) + x[:2]) * x[2]


def shifted_squared(x):
    return np.sum((drawn(5) - x[:2]) ** 2) * x[2]


def largest_of_both(x):
    t = drawn(5)
    return np.sum(np.maximum(t, x[:2]) + np.where(t > 0, x[0], t) - x[1]) * x[2]


@pytest.mark.parametrize("f", [shifted, shifted_squared, largest_of_both], ids=lambda f: f.__name__)
def test_tangents_of_arrays_of_unknown_shape(f):
    x, v = np.array([0.5, 0.7, 0.9]), np.array([1.0, 2.0, 3.0])
    along = lambda s: f(x + s * v)  # noqa: E731
    assert np.isclose(jvp(f, (x,), (v,))[1], (along(1e-6) - along(-1e-6)) / 2e-6)
    assert np.isclose(jvp(f, (x,), (v,))[1], grad(f)(x) @ v)
    second = (along(1e-4) - 2 * along(0.0) + along(-1e-4)) / 1e-8
    assert np.isclose(2 * taylor(f, 2)(x, v)[2], second, atol=1e-5)
    assert np.isclose(jvp(lambda x: jvp(f, (x,), (v,))[1], (x,), (v,))[1], second, atol=1e-5)
    assert np.allclose(vmap(lambda v: jvp(f, (x,), (v,))[1])(np.eye(3)), grad(f)(x))


def number_beside(x):
    """A number goes through a loop, and meets what is of unknown kind in a sum."""
    a, t = x[0] * 1.0, x * 3
    for _ in range(2):
        a = np.tanh(a)
    return a + np.sum(drawn(1)[0, 0] * x) + np.sum(t)


def maybe_written(x):
    best = None
    for i in range(3):
        if x[i] > 0.5:
            best = x * x[i]
    mine = copy.copy(best)
    if mine is None:
        return np.sum(x)
    mine[0] = 5.0 * x[1]
    return np.sum(best) * x[2] + np.sum(mine**2)


@pytest.mark.parametrize("f", [number_beside, maybe_written], ids=lambda f: f.__name__)
def test_cotangents_of_unknown_kind_share_nothing(f):
    x, v, e = np.array([0.7, -0.4, 1.3]), np.array([1.0, 2.0, 3.0]), 1e-5 * np.eye(3)
    g = np.array([(f(x + d) - f(x - d)) / 2e-5 for d in e])
    h = np.array([(grad(f)(x + d) - grad(f)(x - d)) @ v / 2e-5 for d in e])
    assert np.allclose(grad(f)(x), g) and np.isclose(jvp(f, (x,), (v,))[1], g @ v)
    assert np.allclose(vjp(grad(f), x)[1](v)[0], h) and np.allclose(jvp(grad(f), (x,), (v,))[1], h)


def bands(x):
    """Arrays of other shapes in a list, gone over backwards with numbers beside them."""
    levels, current = [], x
    while len(current) > 1:
        smaller = current[::2] + current[1::2]
        levels.append(current - np.repeat(smaller, 2))
        current = smaller
    for band, gain in zip(levels[::-1], [0.8, 1.3]):
        current = np.repeat(current, 2) + gain * np.tanh(band)
    return np.sum(current**2)


def test_taylor_of_what_a_loop_goes_over():
    x, v = np.array([0.5, -0.3, 0.8, 0.4]), np.array([1.0, 2.0, -1.0, 0.5])
    third = jvp(lambda x: v @ hvp(bands)(x, v), (x,), (v,))[1]
    got = taylor(bands, 3)(x, v)
    assert np.allclose(got, (bands(x), grad(bands)(x) @ v, v @ hvp(bands)(x, v) / 2, third / 6))


# ---- the text of a gradient, differentiated --------------------------------------------------------------


def sorted_terms(x):
    v = sorted([x[0], 0.5, x[1] * x[1], 1.5 - x[2]])
    return v[0] * v[2] + v[3] ** 2


def largest_of_appended(x):
    y = []
    for v in x:
        y.append(v**2)
    return np.sum(np.array(y) ** 2) + max(y)


def table_of_lists(x):
    rows = [[0 for _ in range(3)] for _ in range(2)]
    for i in range(2):
        for j in range(3):
            rows[i][j] = x[j] * (i + 1)
    return rows[0][0] * rows[1][1] * rows[0][2] * rows[1][0]


def picked_by_methods(x):
    xs, d = [v * v for v in x], {"a": x[0], "b": x[1]}
    i, k = max(range(len(xs)), key=xs.__getitem__), min(d, key=d.__getitem__)
    return xs[i] * d[k] * xs.__len__() + sum(map(x.__getitem__, [0, 2])) ** 2


THROUGH = [p.function for p in CORPUS if p.name in ("through_turned_axes", "through_flips")]
SAVED = [sorted_terms, largest_of_appended, table_of_lists, picked_by_methods, *THROUGH]


@pytest.mark.parametrize("f", SAVED, ids=lambda f: f.__name__)
def test_saved_gradients_differentiate_again(f, tmp_path):
    x, v, e = np.array([0.7, -0.4, 1.3]), np.array([1.0, 2.0, 3.0]), 1e-5 * np.eye(3)
    file = tmp_path / f"saved_{f.__name__}.py"
    file.write_text(source(grad(f), x))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    g = getattr(module, f"{f.__name__}_grad")
    assert np.allclose(g(x), [(f(x + d) - f(x - d)) / 2e-5 for d in e])
    h = np.array([(grad(f)(x + d) - grad(f)(x - d)) @ v / 2e-5 for d in e])
    assert np.allclose(jvp(g, (x,), (v,))[1], h) and np.allclose(vjp(g, x)[1](v)[0], h)


# ---- lists in lists, made once for each direction or example ---------------------------------------------


def rows_that_grow(x):
    rows, a = [[0.0] * 2 for _ in range(2)], x[0]
    for v in x:
        rows[1].append(a * v)
        a = np.tanh(a)
    return sum(sum(r) for r in rows)


def table_changed(x):
    rows = [[1.0, x[1]], [0.5, 2.0]]
    for i in range(2):
        for v in x:
            rows[i][1] = rows[i][1] * v + rows[1 - i][0]
            rows[i].append(v * rows[i][-1])
    return sum(sum(r) for r in rows)


@pytest.mark.parametrize("f", [rows_that_grow, table_changed], ids=lambda f: f.__name__)
def test_lists_in_lists_for_each_direction(f):
    x, e = np.array([0.7, -0.4, 1.3]), 1e-5 * np.eye(3)
    g = np.array([(f(x + d) - f(x - d)) / 2e-5 for d in e])
    assert np.allclose(grad(f)(x), g) and np.allclose(jacfwd(f)(x), g) and np.allclose(jacrev(f)(x), g)
    assert np.allclose(hessian(f)(x), [(grad(f)(x + d) - grad(f)(x - d)) / 2e-5 for d in e])
    both = np.stack([x, -x])
    assert np.allclose(vmap(f)(both), [f(x), f(-x)])
    assert np.allclose(vmap(grad(f))(both), [grad(f)(x), grad(f)(-x)])
