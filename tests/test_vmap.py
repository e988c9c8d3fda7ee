"""``vmap``: against a loop over the examples, in any composition with derivatives, and as text."""

from __future__ import annotations

import functools
import importlib.util
import math
import pickle
from typing import Any

import numpy as np
import pytest
from test_family import PROGRAMS

from srcdiff import (
    DerivativeTypeError,
    DerivativeValueError,
    derivative,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacrev,
    jvp,
    laplacian,
    source,
    taylor,
    value_and_grad,
    vmap,
)

RNG = np.random.default_rng(1)
B = RNG.uniform(0.2, 1.5, size=(5, 3))
X = RNG.normal(size=(6, 3))
W = RNG.normal(size=(4, 3))
BY_THEMSELVES = {"shrunk", "one_side", "per_element", "convolved", "kronecker", "guarded"}


def body(text: str) -> str:
    return text.partition("def ")[2]


def by_loop(f: Any, *xs: Any) -> np.ndarray:
    return np.stack([f(*x) for x in zip(*xs, strict=True)])


# ---- programs ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_value(f: Any) -> None:
    mapped = vmap(f)
    got, expected = mapped(B), by_loop(f, B)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)
    one_by_one = "x_i" in body(mapped.source)
    assert one_by_one == (f.__name__ in BY_THEMSELVES), mapped.source


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_gradient_of_each(f: Any) -> None:
    g = grad(lambda x: np.sum(f(x) ** 2))
    np.testing.assert_allclose(vmap(g)(B), by_loop(g, B), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_gradient_through(f: Any) -> None:
    g = grad(lambda x: np.sum(f(x) ** 2))
    np.testing.assert_allclose(
        grad(lambda b: np.sum(vmap(f)(b) ** 2))(B), by_loop(g, B), rtol=1e-11, atol=1e-12
    )


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_forward_through(f: Any) -> None:
    d = RNG.normal(size=B.shape)
    expected = np.stack([jvp(f, (x,), (v,))[1] for x, v in zip(B, d, strict=True)])
    np.testing.assert_allclose(jvp(vmap(f), (B,), (d,))[1], expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_hessian_of_each(f: Any) -> None:
    h = hessian(lambda x: np.sum(f(x) ** 2))
    np.testing.assert_allclose(vmap(h)(B[:2]), by_loop(h, B[:2]), rtol=1e-10, atol=1e-11)


# ---- the text ----------------------------------------------------------------------------------------------


def loss(p, x, y):
    return np.mean((np.tanh(p["W"] @ x + p["b"]) - y) ** 2)


def test_gradients_of_a_layer_read_like_a_textbook() -> None:
    p = {"W": W, "b": RNG.normal(size=4)}
    y = RNG.normal(size=(6, 4))
    mapped = vmap(grad(loss), in_axes=(None, 0, 0))
    got = mapped(p, X, y)
    each = [grad(loss)(p, a, b) for a, b in zip(X, y, strict=True)]
    for k in p:
        np.testing.assert_allclose(got[k], [e[k] for e in each], rtol=1e-12)
    text = body(mapped.source)
    assert "for " not in text.partition('"""\n')[2]
    assert "x @ p['W'].T" in text and "np.tanh(t + p['b'])" in text
    assert "b_bar[:, :, None] * x[:, None, :]" in text


def test_what_is_the_same_for_all_is_computed_once() -> None:
    def f(a, x):
        return np.linalg.inv(a) @ x

    mapped = vmap(f, in_axes=(None, 0))
    a = np.eye(3) + 0.1
    np.testing.assert_allclose(mapped(a, X), X @ np.linalg.inv(a).T)
    assert "np.linalg.inv(a)" in mapped.source and "for " not in body(mapped.source).partition('"""\n')[2]


def test_loops_of_one_length_stay_loops() -> None:
    def rk4(y, k):
        def f(y):
            return np.array([y[1], -k * y[0]])

        for _ in range(10):
            a = f(y)
            b = f(y + 0.05 * a)
            c = f(y + 0.05 * b)
            d = f(y + 0.1 * c)
            y = y + 0.1 / 6 * (a + 2 * b + 2 * c + d)
        return y

    mapped = vmap(rk4, in_axes=(0, None))
    np.testing.assert_allclose(mapped(X[:, :2], 0.3), by_loop(lambda y: rk4(y, 0.3), X[:, :2]))
    assert body(mapped.source).count("for _ in range(10)") == 1 and "y_i" not in mapped.source
    each = vmap(rk4)
    np.testing.assert_allclose(each(X[:, :2], X[:, 2]), by_loop(rk4, X[:, :2], X[:, 2]))
    assert "_i" not in body(each.source)


def newton(a):
    x = 1.0
    while abs(x * x - a) > 1e-13:
        x = 0.5 * (x + a / x)
    return x


def test_what_ends_differently_is_a_loop_in_the_text() -> None:
    a = np.array([2.0, 9.0, 0.5])
    np.testing.assert_allclose(vmap(newton)(a), np.sqrt(a))
    mapped = vmap(grad(newton))
    np.testing.assert_allclose(mapped(a), 0.5 / np.sqrt(a))
    assert "for a_i in a:" in mapped.source and "while " in mapped.source


# ---- axes, containers, options -----------------------------------------------------------------------------


def test_axes() -> None:
    def f(x):
        return x * x[0]

    expected = X * X[:, :1]
    np.testing.assert_allclose(vmap(f)(X), expected)
    np.testing.assert_allclose(vmap(f, in_axes=1)(X.T), expected)
    np.testing.assert_allclose(vmap(f, in_axes=-1)(X.T), expected)
    np.testing.assert_allclose(vmap(f, in_axes=1, out_axes=1)(X.T), expected.T)
    np.testing.assert_allclose(vmap(f, out_axes=-1)(X), expected.T)
    cube = RNG.normal(size=(2, 6, 3))
    np.testing.assert_allclose(
        vmap(lambda m: m @ m.T, in_axes=1)(cube), by_loop(lambda m: m @ m.T, cube.swapaxes(0, 1))
    )
    got = vmap(lambda x: (x * 2.0, np.sum(x)), out_axes=(1, 0))(X)
    assert [g.shape for g in got] == [(3, 6), (6,)]


def test_constant_results() -> None:
    def f(x, c):
        return x, c

    got = vmap(f, in_axes=(0, None))(X, 3.0)
    np.testing.assert_array_equal(got[1], np.full(6, 3.0))
    got = vmap(f, in_axes=(0, None), out_axes=(0, None))(X, 3.0)
    assert got[1] == 3.0


def test_containers() -> None:
    def f(p):
        return {"a": p["a"] * p["b"], "n": "text"}

    got = vmap(f, in_axes=({"a": 0, "b": None},))({"a": X, "b": 2.0})
    np.testing.assert_allclose(got["a"], 2 * X)
    assert got["n"] == "text"
    np.testing.assert_allclose(vmap(f)({"a": X, "b": X[:, 0]})["a"], X * X[:, :1])
    np.testing.assert_allclose(vmap(lambda xs: xs[0] * xs[1])([X[:, 0], X[:, 1]]), X[:, 0] * X[:, 1])
    _, second = vmap(lambda x: [x[0], x[1] * 2])(X)
    np.testing.assert_allclose(second, 2 * X[:, 1])
    np.testing.assert_allclose(vmap(lambda t, u: t[0] * u, in_axes=((0, None), 0))((X, 1.0), X), X * X)


def test_arguments() -> None:
    def f(x, k=2.0):
        return x * k

    np.testing.assert_allclose(vmap(f)(X), 2 * X)
    np.testing.assert_allclose(vmap(f)(X, k=X), X * X)
    np.testing.assert_allclose(vmap(f, in_axes=(0, None))(X, k=3.0), 3 * X)
    np.testing.assert_allclose(vmap(functools.partial(lambda w, x: w @ x, W))(X), X @ W.T)

    def by_flag(x, how):
        return np.sum(x) if how == "sum" else x[0]

    np.testing.assert_allclose(vmap(by_flag, in_axes=(0, None))(X, "sum"), X.sum(axis=1))
    np.testing.assert_allclose(vmap(by_flag, in_axes=(0, None))(X, "first"), X[:, 0])

    @vmap(in_axes=(None, 0))
    def g(w, x):
        return w @ x

    np.testing.assert_allclose(g(W, X), X @ W.T)
    assert g.__name__ == "g" and "vmap" in repr(g)


def test_other_numbers_of_examples() -> None:
    f = vmap(lambda x: np.sum(x) * x)
    assert f(np.zeros((0, 3))).shape == (0, 3)
    np.testing.assert_array_equal(f(np.ones((1, 3))), np.full((1, 3), 3.0))
    np.testing.assert_allclose(f(X), X * X.sum(axis=1)[:, None])
    assert vmap(lambda x, c: c * x, in_axes=(0, None))(X.astype(np.float32), 2.0).dtype == np.float32


# ---- operations --------------------------------------------------------------------------------------------

M = RNG.normal(size=(6, 3, 3)) + 3.0 * np.eye(3)
T = RNG.normal(size=(6, 2, 3))
I = np.array([0, 2, 1, 1, 0, 2])  # noqa: E741


def under_mask(x, mask, value):
    x = x.copy()
    x[mask] = value
    return x


def scaled_below(x):
    y = np.zeros(3).reshape(1, 3)
    y += x
    y[y < 0] *= 0.1
    return y**2


def simpson(a):
    h = a / 10
    s = sum((4 if i % 2 else 2) * math.exp(-((i * h) ** 2)) for i in range(1, 10))
    return h / 3 * (1 + s + math.exp(-a * a))


SINGLE = [
    lambda x: x[1:] - x[:-1],
    lambda x: x[::-1].sum(),
    lambda x: x[..., 0],
    lambda x: x[None] * x[:, None],
    lambda x: x[[2, 0]] * x[np.array([1, 1])],
    lambda x: np.max(x) - np.min(x) + np.ptp(x),
    lambda x: np.sum(x[x > 0]),
    lambda x: np.argmax(x) * x,
    lambda x: np.sort(x),
    lambda x: np.cumsum(x) + np.cumprod(x),
    lambda x: np.diff(x),
    lambda x: np.flip(x),
    lambda x: np.roll(x, 1),
    lambda x: np.repeat(x, 2),
    lambda x: x @ x + np.vdot(x, x),
    lambda x: np.outer(x, x) @ x,
    lambda x: np.linalg.norm(x),
    lambda x: np.diag(x) @ x,
    lambda x: np.std(x) + np.median(x),
    lambda x: np.expand_dims(x, 0) + np.expand_dims(x, 1),
    lambda x: np.array([[x[0], 1.0], [x[1], x[2]]]),
    lambda x: np.concatenate([x, np.zeros(2), x * 2]),
    lambda x: np.stack([x, x], axis=1),
    lambda x: np.zeros_like(x) + len(x),
    lambda x: x.reshape(3, 1) * x.reshape(-1),
    lambda x: x.shape[0] * x.size * x,
    lambda x: np.clip(x, -0.5, 0.5),
    lambda x: np.where(x > 0, x, 0.0),
    lambda x: float(x[0]) * 2,
    lambda x: math.sin(x[0]) * math.exp(x[1]),
    lambda x: max(x[0], 0.0),
    lambda x: x[0] if x[0] > 0 else -x[1],
    lambda x: abs(x[0]),
    lambda x: (x > 0) & (x < 1),
    lambda x: np.full(4, 2.0) * x[0],
    lambda x: np.fft.fft(x).real,
    lambda x: np.einsum("i,j->ij", x, x),
    lambda x: np.floor(x),
    lambda x: x.astype(np.float32),
    lambda x: np.interp(x, np.array([-1.0, 1.0]), np.array([0.0, 1.0])),
    lambda x: x**2 / (1 + x**2),
    lambda x: x[np.nonzero(np.arange(3) > 0)],
    lambda x: x[(np.array([2, 0]),)],
    lambda x: under_mask(x, x < 0, 0.0),
    lambda x: under_mask(x, x < 0, x[0]),
    lambda x: under_mask(np.outer(x, x), x < 0, 2),
    lambda x: under_mask(np.outer(x, x), np.outer(x, x) < 0, x @ x),
    lambda x: scaled_below(x),
    lambda x: np.convolve(x**2, np.array([1.0, 2.0]), "same"),
    lambda x: simpson(x[0]),
    lambda x: np.cross(x * x, np.sin(x)),
    lambda x: np.cross(np.outer(x, x), x),
    lambda x: np.cross(np.arange(3.0), x),
    lambda x: np.repeat(x**2, [1, 0, 2]),
    lambda x: np.repeat(x**2, np.array([1, 0, 2])),
    lambda x: np.choose([0, 1, 0], [x, x**2]),
    lambda x: np.choose(np.array([2, 1, 0]), [x, x**2, 3.0]),
    lambda x: np.choose((x > 0).astype(int), [x, x**2]),
    lambda x: np.bincount([0, 1, 1], weights=x) ** 2,
]
MATRIX = [
    lambda m: m.T,
    lambda m: m @ m,
    lambda m: m.sum(axis=0),
    lambda m: m.mean(axis=1, keepdims=True),
    lambda m: m[0] @ m[:, 1],
    lambda m: m[1:, :2],
    lambda m: m[[0, 1], [1, 2]],
    lambda m: m[0, [1, 2]],
    lambda m: np.trace(m),
    lambda m: np.diagonal(m),
    lambda m: np.linalg.inv(m),
    lambda m: np.linalg.det(m),
    lambda m: np.linalg.solve(m, m[0]),
    lambda m: np.linalg.solve(m, m),
    lambda m: np.linalg.slogdet(m)[1],
    lambda m: np.linalg.cholesky(m @ m.T),
    lambda m: np.tril(m),
    lambda m: np.triu(m, 1),
    lambda m: m.reshape(-1),
    lambda m: m.ravel(),
    lambda m: m.swapaxes(0, 1),
    lambda m: np.moveaxis(m, 0, 1),
    lambda m: m.max(axis=-1),
    lambda m: np.linalg.norm(m),
    lambda m: np.linalg.norm(m, axis=0),
    lambda m: np.linalg.eigvalsh(m + m.T),
    lambda m: np.dot(m, m[0]),
    lambda m: np.dot(m[0], m),
    lambda m: np.argsort(m, axis=0),
    lambda m: np.take(m, [0, 2], axis=1),
    lambda m: np.transpose(m, (1, 0)),
    lambda m: sum(row @ row for row in m),
    lambda m: [row[0] for row in m],
    lambda m: np.any(m > 3),
    lambda m: m.flatten()[4],
    lambda m: np.cumsum(m),
    lambda m: np.squeeze(m[:1]),
    lambda m: np.take_along_axis(m, np.argsort(m, axis=1), axis=1),
    lambda m: m[np.tril_indices(3)],
    lambda m: m[np.triu_indices(3, 1)] + m[np.tril_indices(3, -1)],
    lambda m: m[np.diag_indices(3)],
    lambda m: m[np.nonzero(np.eye(3))],
    lambda m: m[np.where(np.eye(3) > 0.5)],
    lambda m: m[np.unravel_index([1, 5], (3, 3))],
    lambda m: m[np.ix_([0, 2], [1])],
    lambda m: np.ravel(m, order="F"),
    lambda m: np.reshape(m, (1, -1), order="F") @ np.reshape(m.T, -1, order="F"),
    lambda m: np.reshape(m[:2], (3, 2), order="F"),
    lambda m: m[np.argmax(m, axis=0), np.arange(3)],
    lambda m: np.stack([m, m])[0, :, [1, 2]],
    lambda m: np.stack([m, m])[:, 0, [1, 2]],
    lambda m: np.stack([m, m])[1, [0, 2]],
    lambda m: np.stack([m, m])[[0, 1], :, [1, 2]],
    lambda m: np.stack([m, 2 * m]) @ m,
    lambda m: m @ np.stack([m, 2 * m]),
    lambda m: m[0] @ np.stack([m, 2 * m]),
    lambda m: np.stack([m, 2 * m]) @ m[0],
    lambda m: np.linalg.solve(m, np.stack([m.T, 2 * m])),
    lambda m: np.linalg.solve(np.stack([m.T, 2 * m]), m),
    lambda m: np.linalg.solve(np.stack([m.T, 2 * m]), m[0]),
    lambda m: np.linalg.solve(np.stack([np.eye(3), 2 * np.eye(3)]), m[0]),
    lambda m: np.linalg.solve(m, np.stack([np.eye(3), 2 * np.eye(3)])),
]


def compare(got: Any, expected: Any) -> None:
    if isinstance(expected[0], list):
        for n, part in enumerate(got):
            np.testing.assert_allclose(part, [e[n] for e in expected], rtol=1e-10, atol=1e-12)
        return
    assert np.shape(got) == np.shape(expected)
    np.testing.assert_allclose(got, expected, rtol=1e-6 if got.dtype == np.float32 else 1e-10, atol=1e-12)
    assert got.dtype == np.asarray(expected).dtype


@pytest.mark.parametrize("n", range(len(SINGLE)))
def test_operation_on_vectors(n: int) -> None:
    f = SINGLE[n]
    compare(vmap(f)(X), [f(x) for x in X])


@pytest.mark.parametrize("n", range(len(SINGLE)))
def test_derivatives_of_operations(n: int) -> None:
    """Reverse mode for each example, and through all of them; forward mode along all directions."""
    f = SINGLE[n]
    if np.asarray(f(X[0])).dtype != np.float64:
        return
    g = grad(lambda x: np.sum(f(x) ** 2))
    expected = by_loop(g, X)
    np.testing.assert_allclose(vmap(g)(X), expected, rtol=1e-10, atol=1e-12)
    through = grad(lambda xs: np.sum(vmap(f)(xs) ** 2))(X)
    np.testing.assert_allclose(through, expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(jacfwd(lambda x: np.sum(f(x) ** 2))(X[0]), expected[0], rtol=1e-10, atol=1e-12)
    h = hessian(lambda x: np.sum(f(x) ** 2))
    rows = [hvp(lambda x: np.sum(f(x) ** 2))(X[0], e) for e in np.eye(3)]
    np.testing.assert_allclose(h(X[0]), rows, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("n", range(len(MATRIX)))
def test_operation_on_matrices(n: int) -> None:
    f = MATRIX[n]
    compare(vmap(f)(M), [f(m) for m in M])


PAIRS = [
    (lambda a, b: a @ b, W, X[0]),
    (lambda a, b: a @ b, X[0], M[0]),
    (lambda a, b: a @ b, M[0], T[0].T),
    (lambda a, b: a @ b, X[0], X[1]),
    (lambda a, b: np.dot(a, b), M[0], X[0]),
    (lambda a, b: np.dot(a, b), X[0], M[0]),
    (lambda a, b: np.outer(a, b), X[0], X[1]),
    (lambda a, b: np.linalg.solve(a, b), M[0], X[0]),
    (lambda a, b: np.linalg.solve(a, b), M[0], T[0].T),
    (lambda a, b: a * b, X[0], M[0]),
    (lambda a, b: a * b, M[0], X[0]),
    (lambda a, b: a + b, 2.0, X[0]),
    (lambda a, b: np.maximum(a, b), X[0], 0.3),
    (lambda a, b: a[0] * b, M[0], X[0]),
    (lambda a, b: np.where(a > 0, b, 0.0), X[0], 1.5),
    (lambda a, b: np.vdot(a, b), X[0], X[1]),
    (lambda a, b: np.concatenate([a, b]), X[0], X[1][:2]),
    (lambda a, b: [a, b][1] * a, X[0], 0.5),
]


@pytest.mark.parametrize("n", range(len(PAIRS)))
@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0)])
def test_pair(n: int, axes: Any) -> None:
    """Operations of two operands: either, or both, differ between examples."""
    f, a, b = PAIRS[n]
    many = [
        np.stack([np.asarray(v) * s for s in (1.0, 0.7, 1.9)]) if i == 0 else v
        for v, i in zip((a, b), axes, strict=True)
    ]
    examples = [[v[k] if i == 0 else v for v, i in zip(many, axes, strict=True)] for k in range(3)]
    compare(vmap(f, in_axes=axes)(*many), [f(*e) for e in examples])
    weights = np.linspace(0.5, 1.5, np.size(f(a, b))).reshape(np.shape(f(a, b)))
    g = grad(lambda a, b: np.sum(f(a, b) * weights), wrt=(0, 1))
    got = vmap(g, in_axes=axes)(*many)
    for part, k in zip(got, (0, 1), strict=True):
        np.testing.assert_allclose(part, [g(*e)[k] for e in examples], rtol=1e-9, atol=1e-12)


def test_indices_of_each_example() -> None:
    np.testing.assert_array_equal(vmap(lambda x, i: x[i])(X, I), X[np.arange(6), I])
    np.testing.assert_array_equal(vmap(lambda t, i: t[i], in_axes=(None, 0))(W, I), W[I])
    np.testing.assert_array_equal(vmap(lambda m, i, j: m[i, j])(M, I, I[::-1]), M[np.arange(6), I, I[::-1]])
    pair = np.stack([I, I[::-1]], axis=1)
    np.testing.assert_array_equal(vmap(lambda x, i: x[i])(X, pair), np.take_along_axis(X, pair, 1))
    g = vmap(grad(lambda x, i: x[i] ** 2))(X, I)
    np.testing.assert_allclose(g, np.where(np.arange(3) == I[:, None], 2 * X, 0.0))
    g = grad(lambda t: np.sum(vmap(lambda t, i: t[i] ** 2, in_axes=(None, 0))(t, I)))(W)
    np.testing.assert_allclose(g, 2 * W * np.bincount(I, minlength=4)[:, None])

    def write(x, i, v):
        x = x.copy()
        x[i] += v
        x[0] = 5.0
        return x

    expected = by_loop(write, X, I, X[:, 1])
    np.testing.assert_allclose(vmap(write)(X, I, X[:, 1]), expected)


LOWER = np.tril_indices(3)


def by_triangle(x):
    low = np.zeros((3, 3))
    low[LOWER] = x
    low[np.diag_indices(3)] = np.exp(np.diag(low))
    low[np.triu_indices(3, 1)] += x[:3] * x[3:]
    low[np.ix_([0, 2], [1, 2])] *= x[0]
    at = np.unravel_index(np.array([1, 5]), (3, 3))
    low[at] = low[at] ** 2 + x[1]
    return np.sum(low @ low * np.arange(9.0).reshape(3, 3))


def test_tuples_of_index_arrays() -> None:
    xs = RNG.normal(size=(4, 6))
    g = by_loop(grad(by_triangle), xs)
    e = 1e-6 * np.eye(6)
    numeric = [(by_triangle(xs[0] + d) - by_triangle(xs[0] - d)) / 2e-6 for d in e]
    np.testing.assert_allclose(g[0], numeric, rtol=1e-6)
    np.testing.assert_allclose(vmap(by_triangle)(xs), [by_triangle(x) for x in xs])
    np.testing.assert_allclose(vmap(grad(by_triangle))(xs), g)
    np.testing.assert_allclose(grad(lambda xs: np.sum(vmap(by_triangle)(xs)))(xs), g)
    np.testing.assert_allclose(jacfwd(by_triangle)(xs[0]), g[0])
    np.testing.assert_allclose(jacrev(grad(by_triangle))(xs[0]), hessian(by_triangle)(xs[0]))
    rows = [hvp(by_triangle)(xs[0], d) for d in np.eye(6)]
    np.testing.assert_allclose(hessian(by_triangle)(xs[0]), rows)
    np.testing.assert_allclose(vmap(hessian(by_triangle))(xs)[0], rows)
    np.testing.assert_allclose(laplacian(by_triangle)(xs[0]), np.trace(rows))
    assert "for " not in body(source(vmap(by_triangle), xs)).partition('"""\n')[2]


def test_arguments_are_left_as_they_are() -> None:
    def f(x):
        x[0] = 5.0
        x[1:] *= 2.0
        return x

    given = X.copy()
    got = vmap(lambda x: f(x.copy()))(given)
    np.testing.assert_array_equal(given, X)
    np.testing.assert_allclose(got[:, 1:], 2 * X[:, 1:])


def test_elements_of_arrays_as_lists() -> None:
    def starred(x):
        first, *rest = x
        return first * sum(rest)

    np.testing.assert_allclose(vmap(starred)(X), X[:, 0] * X[:, 1:].sum(axis=1))
    np.testing.assert_allclose(vmap(grad(starred))(X), by_loop(grad(starred), X))
    np.testing.assert_allclose(jacfwd(starred)(X[0]), grad(starred)(X[0]))

    def grows(x):
        xs = [x]
        for i in range(4):
            xs.append(xs[-1] * x + i)
        return sum(xs)

    np.testing.assert_allclose(vmap(grows)(X[:, 0]), [grows(x) for x in X[:, 0]])


def test_sums_that_start_from_an_integer() -> None:
    a = X[:, 0]
    slopes = [grad(simpson)(t) for t in a]
    np.testing.assert_allclose(jacfwd(vmap(simpson))(a), np.diag(slopes), atol=1e-14)
    np.testing.assert_allclose(jacrev(vmap(simpson))(a), np.diag(slopes), atol=1e-14)
    h = hessian(lambda a: np.sum(vmap(simpson)(a)))(a)
    np.testing.assert_allclose(h, np.diag([grad(grad(simpson))(t) for t in a]), atol=1e-13)


def test_coefficients_along_a_captured_direction() -> None:
    c = np.array([1.0, 2.0, 3.0])

    def f(z):
        return taylor(lambda t: np.convolve(t**2, c[:2], "same"), 2)(z, c)

    got, expected = vmap(f)(X), [f(x) for x in X]
    for n in range(3):
        np.testing.assert_allclose(got[n], [e[n] for e in expected])


def test_prints_once_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    def f(x):
        print("one", x)
        return x * 2.0

    vmap(f)(np.array([1.0, 2.0]))
    assert capsys.readouterr().out == "one 1.0\none 2.0\n"


# ---- compositions ------------------------------------------------------------------------------------------


def test_nested() -> None:
    table = vmap(vmap(lambda a, b: a * b, in_axes=(None, 0)), in_axes=(0, None))
    np.testing.assert_allclose(table(X[:, 0], X[:, 1]), np.outer(X[:, 0], X[:, 1]))
    np.testing.assert_allclose(vmap(vmap(np.tanh))(X), np.tanh(X))


def test_nested_with_settings() -> None:
    """What has a value by default, and no axis, is the same for all, inside as well."""

    def recursive(x, n=3):
        return x if n == 0 else np.sin(recursive(x, n - 1)) * n

    def by_name(x, mode="cube"):
        return {"same": lambda z: z, "cube": lambda z: z**3}[mode](x)

    def scaled(x, k=2.0):
        return x * k

    d = grad(recursive)
    np.testing.assert_allclose(vmap(vmap(d))(X), [[d(t) for t in row] for row in X])
    np.testing.assert_allclose(vmap(vmap(grad(by_name)))(X), 3 * X**2)
    np.testing.assert_allclose(vmap(vmap(scaled))(X), 2 * X)
    np.testing.assert_allclose(vmap(vmap(scaled))(X, k=X), X * X)
    np.testing.assert_allclose(grad(lambda x: np.sum(vmap(scaled)(x, k=3.0)))(X), np.full(X.shape, 3.0))


AXES: Any = (0, None)
OPTIONS = {"axes": [None, 0], "order": 2}


def test_options_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Options read from a variable are settled, and looked at again at each call."""
    g = grad(lambda m: np.sum(vmap(lambda a, b: a @ b, in_axes=AXES)(m, X[0])))
    np.testing.assert_allclose(g(W), np.tile(X[0], (4, 1)))
    monkeypatch.setitem(globals(), "AXES", (1, None))
    np.testing.assert_allclose(g(W[:3]), np.tile(X[0][:, None], (1, 3)))
    g = grad(lambda w: np.sum(vmap(lambda a, b: a @ b, in_axes=OPTIONS["axes"])(w, X)))
    np.testing.assert_allclose(g(W[0]), X.sum(axis=0))
    d = grad(lambda x: derivative(lambda t: t**5, order=OPTIONS["order"])(x))
    assert d(1.0) == 60.0
    monkeypatch.setitem(OPTIONS, "order", 3)
    assert d(1.0) == 120.0
    by_argument = grad(lambda x, k: np.sum(vmap(np.sin, in_axes=k)(x)))
    refused(lambda: by_argument(X, 0), SyntaxError, "not a constant")


def test_with_derivatives() -> None:
    def f(x):
        return np.sum(x**3)

    np.testing.assert_allclose(vmap(hessian(f))(X), np.einsum("bi,ij->bij", 6 * X, np.eye(3)))
    np.testing.assert_allclose(vmap(hvp(f))(X, X), 6 * X * X)
    np.testing.assert_allclose(vmap(jacrev(lambda x: x**2))(X), np.einsum("bi,ij->bij", 2 * X, np.eye(3)))
    value, g = vmap(value_and_grad(f))(X)
    np.testing.assert_allclose(value, (X**3).sum(axis=1))
    np.testing.assert_allclose(g, 3 * X**2)
    expected = np.einsum("bi,bc->bci", 3 * X**2, np.eye(6))
    np.testing.assert_allclose(jacfwd(vmap(f))(X), expected)
    np.testing.assert_allclose(jacrev(vmap(f))(X), expected)
    np.testing.assert_allclose(grad(lambda x: np.sum(vmap(grad(f))(x) ** 2))(X), 36 * X**3)
    np.testing.assert_allclose(
        vmap(grad(lambda w, x: np.sum(np.tanh(w @ x))), in_axes=(None, 0))(W, X).shape, (6, 4, 3)
    )

    def penalty(w):
        g = vmap(grad(lambda w, x: np.sum(np.tanh(w @ x))), in_axes=(None, 0))(w, X)
        return np.sum(g**2)

    h = 1e-6
    e = np.zeros_like(W)
    e[1, 2] = h
    np.testing.assert_allclose(grad(penalty)(W)[1, 2], (penalty(W + e) - penalty(W - e)) / (2 * h), rtol=1e-6)


def squares(t):
    return np.outer(t, t) + np.array([[3.0, 0.2], [0.1, 2.0]]) * t[0]


@pytest.mark.parametrize("examples", [2, 3])  # as many as directions, and more
@pytest.mark.parametrize("transform", [jacfwd, jacrev, hessian, laplacian])
@pytest.mark.parametrize(
    "f",
    [
        lambda t: np.linalg.cholesky(squares(t) @ squares(t).T)[1],
        lambda t: np.linalg.solve(squares(t), t),
        lambda t: np.linalg.solve(squares(t), squares(t).T)[0],
        lambda t: np.linalg.qr(squares(t))[1][0],
        lambda t: np.log(np.linalg.det(squares(t) @ squares(t).T)) * t,
        lambda t: np.linalg.inv(squares(t))[0],
        lambda t: squares(t) @ (squares(t) @ t),
        lambda t: (np.stack([squares(t), squares(t).T]) @ squares(t))[1, 0],
    ],
    ids=["cholesky", "solve", "solve-matrix", "qr", "det", "inv", "matmul", "stacks"],
)
def test_examples_are_not_directions(f: Any, transform: Any, examples: int) -> None:
    ts = RNG.uniform(0.5, 1.5, size=(examples, 2))
    d = transform(f)
    np.testing.assert_allclose(vmap(d)(ts), by_loop(d, ts), rtol=1e-9, atol=1e-11)


def guarded_root(x):
    try:
        y = math.sqrt(x - 0.5)
    except ValueError:
        y = x * x
    return y * x


def grown(x):
    for i in range(10):
        x = x * 1.3
        if x > 3:
            return x * i
    return -x


@pytest.mark.parametrize("f", [guarded_root, grown])
@pytest.mark.parametrize("xs", [[0.23, 0.71, 1.27], [0.71, 1.27], [0.01, 0.02]])
def test_what_is_not_set_on_every_path(f: Any, xs: list[float], tmp_path: Any) -> None:
    """Variables that some examples leave unset do not leave the loop over the examples."""
    x = np.array(xs)
    g = np.array([grad(f)(a) for a in x])
    values = vmap(f)(x)
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, [f(a) for a in x])
    np.testing.assert_allclose(vmap(grad(f))(x), g)
    np.testing.assert_allclose(grad(lambda x: np.sum(vmap(f)(x)))(x), g)
    second = np.diag([grad(grad(f))(a) for a in x])
    np.testing.assert_allclose(hessian(lambda x: np.sum(vmap(f)(x)))(x), second)
    vmap(f).save(tmp_path / "mapped.py", x)
    spec = importlib.util.spec_from_file_location("mapped", tmp_path / "mapped.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    again = getattr(module, f"{f.__name__}_vmap")
    np.testing.assert_allclose(grad(lambda x: np.sum(again(x)))(x), g)


def test_sizes_of_each_example() -> None:
    """A slice or branch that each example takes by itself, whose sizes differ on the way."""
    x = np.arange(9.0).reshape(3, 3) / 5
    at = np.array([0, 2, 1, 2])
    for f in (
        lambda x, i: np.sum(x[i:, :] ** 2),
        lambda x, i: x[:i].sum() ** 2,
        lambda x, i: x[0] ** 2 if i > 1 else x[1],
        lambda x, i: np.sum(np.zeros(i + 1) + x[i, 0]),
    ):
        each = vmap(f, in_axes=(None, 0))
        np.testing.assert_allclose(each(x, at), [f(x, i) for i in at])
        rows = [jacrev(f)(x, i) for i in at]
        np.testing.assert_allclose(vmap(jacrev(f), in_axes=(None, 0))(x, at), rows)
        np.testing.assert_allclose(jacrev(each)(x, at), rows)
        np.testing.assert_allclose(jacfwd(each)(x, at), rows)


# ---- lists of layers ---------------------------------------------------------------------------------------


def summed_layers(p, x):
    return sum(np.sum(np.tanh(w @ x + b)) for w, b in p)


def chained_layers(p, x):
    for w, b in p:
        x = np.tanh(w @ x + b)
    return np.sum(x**2)


def last_layer_apart(p, x):
    for w, b in p[:-1]:
        x = np.tanh(w @ x + b)
    w, b = p[-1]
    return np.sum((w @ x + b) ** 2)


def layers_by_name(p, x):
    for layer in p:
        x = np.tanh(layer["w"] @ x + layer["b"])
    return np.sum(x**2)


def layers_with_loops(p, x):
    for w, b in p:
        x = np.tanh(w @ x + b)
        while np.sum(x) > 0.4:
            x = x * 0.5
    return np.sum(x**2)


LAYERS = [(RNG.normal(size=(4, 3)), RNG.normal(size=4)), (RNG.normal(size=(3, 4)), RNG.normal(size=3))]
SQUARE = [(RNG.normal(size=(3, 3)), RNG.normal(size=3)) for _ in range(3)]


def leaves(p: Any) -> list[np.ndarray]:
    if isinstance(p, np.ndarray):
        return [p]
    return [x for part in (p.values() if isinstance(p, dict) else p) for x in leaves(part)]


@pytest.mark.parametrize(
    "f, p, by_themselves",
    [
        (summed_layers, SQUARE, False),
        (chained_layers, LAYERS, False),
        (last_layer_apart, LAYERS, False),
        (layers_by_name, [{"w": w, "b": b} for w, b in LAYERS], False),
        (layers_with_loops, LAYERS, True),
    ],
)
def test_gradients_of_lists_of_layers(f: Any, p: Any, by_themselves: bool) -> None:
    """A gradient for each example, in the structure of the parameters, with the examples first."""
    each = vmap(grad(f), in_axes=(None, 0))
    got, expected = each(p, X), [grad(f)(p, x) for x in X]
    assert type(got) is list and type(got[0]) is type(p[0])
    for n, part in enumerate(leaves(got)):
        np.testing.assert_allclose(part, [leaves(e)[n] for e in expected], rtol=1e-12)
    assert ("x_i" in body(each.source)) == by_themselves
    got = vmap(hvp(f), in_axes=(None, 0, None))(p, X, p)
    expected = [hvp(f)(p, x, p) for x in X]
    for n, part in enumerate(leaves(got)):
        np.testing.assert_allclose(part, [leaves(e)[n] for e in expected], rtol=1e-10, atol=1e-13)

    def penalty(p):
        total = 0.0
        for layer in vmap(grad(f), in_axes=(None, 0))(p, X):
            total += np.sum(layer["w"] ** 2) if isinstance(layer, dict) else np.sum(layer[0] ** 2)
        return total

    def shifted(h):
        layers = [{k: v + h for k, v in q.items()} if isinstance(q, dict) else q for q in p]
        return [q if isinstance(q, dict) else tuple(v + h for v in q) for q in layers]

    moved, back = shifted(1e-6), shifted(-1e-6)
    slope = (penalty(moved) - penalty(back)) / 2e-6
    np.testing.assert_allclose(sum(np.sum(x) for x in leaves(grad(penalty)(p))), slope, rtol=1e-5)


def test_containers_that_each_example_makes() -> None:
    def f(p, x):
        out = []
        for w, b in p:
            y = np.abs(w @ x).sum()
            while y > 1:
                y = y * 0.5 - 0.01
            out.append(y * b)
        return out

    each = vmap(f, in_axes=(None, 0))
    expected = [f(SQUARE, x) for x in X]
    for n, part in enumerate(each(SQUARE, X)):
        np.testing.assert_allclose(part, [e[n] for e in expected])
    g = grad(lambda p: sum(np.sum(y**2) for y in each(p, X)))(SQUARE)
    one = grad(lambda p: sum(np.sum(y**2) for x in X for y in f(p, x)))(SQUARE)
    for a, b in zip(leaves(g), leaves(one), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-14)

    def decomposed(x):
        while np.sum(x) > 0.4:
            x = 0.5 * x
        q, r = np.linalg.qr(np.outer(x, x) + np.eye(3))
        return {"x": x, "both": (np.abs(q), r), "what": "text"}

    got, expected = vmap(decomposed)(X), [decomposed(x) for x in X]
    np.testing.assert_allclose(got["x"], [e["x"] for e in expected])
    for n in range(2):
        np.testing.assert_allclose(got["both"][n], [e["both"][n] for e in expected])
    assert got["what"] == "text"


def test_numbers_chosen_for_each() -> None:
    mapped = vmap(lambda t: max(t, 0.0) * t)
    np.testing.assert_allclose(mapped(np.array([1.0, -2.0, 3.0])), [1.0, 0.0, 9.0])
    assert "np.where" in mapped.source


def test_pickle() -> None:
    again = pickle.loads(pickle.dumps(vmap(newton, in_axes=0)))
    np.testing.assert_allclose(again(np.array([4.0, 9.0])), [2.0, 3.0])


# ---- refusals ----------------------------------------------------------------------------------------------


def refused(call: Any, kind: Any, *words: str) -> None:
    with pytest.raises(kind) as e:
        call()
    assert all(p.help for p in e.value.problems)
    for word in words:
        assert word in str(e.value), str(e.value)


def test_refusals() -> None:
    def f(x, k):
        return x * k

    refused(lambda: vmap(f)(X, X[:4]), DerivativeValueError, "x has 6 examples, k has 4")
    refused(lambda: vmap(f)(X, 2.0), DerivativeTypeError, "k is float", "in_axes=(0, None)")
    refused(lambda: vmap(f, in_axes=(None, None))(X, 2.0), DerivativeValueError, "no argument")
    refused(lambda: vmap(f, in_axes=(0, 0, 0))(X, X), DerivativeValueError, "3 entries")
    refused(lambda: vmap(f, in_axes=(2, 0))(X, X), DerivativeTypeError, "no axis 2")
    refused(lambda: vmap(f, out_axes=None)(X, X), DerivativeTypeError, "out_axes=0")
    refused(lambda: vmap(f).source, DerivativeTypeError, "source_for(x)")
    refused(lambda: grad(lambda x: np.sum(vmap(f)(x, 2.0)))(X), SyntaxError, "'k' cannot be mapped")

    def visited(x, edges):
        seen, total = set(), 0.0
        for a, b in edges:
            if (a, b) in seen:
                continue
            seen.add((a, b))
            total += math.gamma(x) * a + b
        return total * len(seen)

    edges = [(1, 2), (2, 3), (1, 2)]
    each = vmap(visited, in_axes=(0, None))
    expected = [visited(float(x), edges) for x in X[:, 0]]
    np.testing.assert_allclose(each(X[:, 0], edges), expected)

    def beyond(x, seen):
        total = 0.0
        for k in (1, 2):
            if k not in seen:
                seen.add(k)
                total += math.gamma(x) * k
        return total

    refused(lambda: vmap(beyond, in_axes=(0, None))(X[:, 0], {3}), DerivativeTypeError, "made anew for each")
    with pytest.raises(ValueError, match="shape"):
        vmap(lambda x: x[x > 0])(X)
    assert "x.shape" in source(vmap(lambda x: x * len(x)), X)


def merged_blocks(p):
    """Pool adjacent violators: a list of pairs that shrinks as the numbers say."""
    blocks = [[v, 1] for v in p]
    i = 0
    while i < len(blocks) - 1:
        (a, m), (b, n) = blocks[i], blocks[i + 1]
        if a > b:
            blocks[i] = [(a * m + b * n) / (m + n), m + n]
            del blocks[i + 1]
            i = max(i - 1, 0)
        else:
            i += 1
    return sum(v * v * n for v, n in blocks)


def drawn(p):
    rng = np.random.default_rng(3)
    x = np.zeros(4)
    for _ in range(3):
        x = x * p[0] + p[1] * rng.normal(size=4)
    return np.sum(x**2)


@pytest.mark.parametrize("f", [merged_blocks, drawn])
def test_examples_in_turn(f):
    """What cannot be written for all examples at once is a loop over them: containers, seeded generators."""
    xs = np.random.default_rng(1).normal(size=(3, 5))
    np.testing.assert_allclose(vmap(f)(xs), [f(x) for x in xs])
    np.testing.assert_allclose(vmap(grad(f))(xs), [grad(f)(x) for x in xs], rtol=1e-12)
