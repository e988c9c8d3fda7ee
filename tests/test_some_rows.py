"""Texts that go over large arrays some rows at a time: the same numbers as over all rows at once."""

from __future__ import annotations

import importlib
import linecache
from typing import Any

import numpy as np
import pytest

import numeric
from srcdiff import elementwise_grad, grad, hvp, jacfwd, value_and_grad
from srcdiff.api import sizes
from srcdiff.pipeline import some_rows

RNG = np.random.default_rng(0)
N = 103


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """From ten numbers on arrays are large; 16 numbers are a block."""
    for module in (some_rows, sizes, importlib.import_module("srcdiff.api.derivative")):
        monkeypatch.setattr(module, "LARGE", 10)
    monkeypatch.setattr(some_rows, "NUMBERS", 16)
    monkeypatch.setattr(some_rows, "LEAST", 1)
    monkeypatch.setattr(some_rows, "CHAIN", 3)


def chain(x, y, k):
    t = np.exp(-k * x) * np.where(x > y, x, y * y)
    return np.sum(np.sqrt(t + 1.0) / (k + x))


def mean(x, y, k):
    return np.mean((np.tanh(x * k) - y) ** 2 * np.exp(-y))


def over_length(x, y, k):
    return np.sum(np.exp(-x * k) * y) / len(x) + np.sum(y * y * k) / x.shape[0] + k * x.size


def of_sums(x, y, k):
    return np.log(np.sum(k * k)) * k + np.sum(np.sin(x * y) * k) - 3.0 * np.sum(np.cos(y) * x)


def decided(x, y, k):
    n = len(x)
    s = np.sum(np.sin(k * x) * np.exp(-y) * np.cos(x))
    s = s / n if s > 0.0 else s * n
    for _ in range(3):
        s = s * s + 0.1 * n
    return s


def steps(x, y, k):
    u = x * 1.0
    for _ in range(3):
        u = u - 0.1 * (np.sin(u) - y) / (1.0 + np.cos(k * u) ** 2)
    return np.sum(u * y)


def logistic(w, m, y):
    z = m @ w
    return np.mean(np.log(1.0 + np.exp(-z * (2.0 * y - 1.0)))) + 0.1 * np.sum(w * w)


def mixture(v, m):
    d = m[:, None, :] - v[None, :, :]
    q = -0.5 * np.sum(d * d, axis=2)
    top = np.max(q, axis=1)
    return np.sum(top + np.log(np.sum(np.exp(q - top[:, None]), axis=1))) - len(m) * np.log(np.sum(np.exp(v)))


def network(w, b, u, m, labels):
    h = np.maximum(m @ w + b, 0.0)
    p = h @ u
    z = p - np.max(p, axis=1, keepdims=True)
    return -np.sum((z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))) * labels) / m.shape[0]


def columns(m, y):
    t = m.copy()
    t[:, 0] = t[:, 0] * y
    t[:, 1:] += np.tanh(m[:, :2])
    return np.sum(np.log(np.sum(np.exp(t - np.max(t, axis=1)[:, None]), axis=1)))


def by_methods(x, m, k):
    r = np.tanh(x) - k * np.sin(x)
    e = np.exp(-m * k) * np.cos(m)
    return (r * r).mean() + r.sum() / r.size + e.mean(axis=-1).mean()


def turned(m, p, k):
    """Vectors turned about others: along the last axis, whose size is settled."""
    n = np.sqrt(np.sum(m * m, axis=1))
    c = np.cross(m, p)
    d = np.cross(m, c)
    return np.sum((k * c + (np.sin(n) / n)[:, None] * d) ** 4)


X, Y, K = RNG.random(N) + 0.1, RNG.random(N), 0.7
M, W, V = RNG.random((N, 3)), RNG.random(3), RNG.random((4, 3))
LABELS = np.eye(2)[RNG.integers(0, 2, N)]
NET = RNG.random((3, 5)), RNG.random(5), RNG.random((5, 2)), M, LABELS

CASES: list[tuple[Any, tuple[Any, ...], tuple[int, ...]]] = [
    (chain, (X, Y, K), (0,)),
    (chain, (X, Y, K), (0, 2)),
    (mean, (X, Y, K), (0, 1, 2)),
    (over_length, (X, Y, K), (0, 2)),
    (of_sums, (X, Y, K), (1, 2)),
    (steps, (X, Y, K), (0, 1, 2)),
    (decided, (X, Y, K), (2,)),
    (logistic, (W, M, Y), (0,)),
    (logistic, (W, M, Y), (0, 1)),
    (mixture, (V, M), (0,)),
    (network, NET, (0, 1, 2)),
    (columns, (M, Y), (0, 1)),
    (by_methods, (X, M, K), (0, 1, 2)),
    (turned, (M, M[::-1] + 0.1, K), (0, 1, 2)),
]


def cut(derivative: Any) -> bool:
    return "rows at a time" in derivative.source and "for start in range(" in derivative.source


@pytest.mark.parametrize("f, args, wrt", CASES)
def test_gradients(small: None, f: Any, args: tuple[Any, ...], wrt: tuple[int, ...]) -> None:
    d = value_and_grad(f, wrt=wrt)
    value, bars = d(*args)
    assert cut(d)
    assert np.allclose(value, f(*args), rtol=1e-13)
    v = tuple(RNG.normal(size=np.shape(args[k])) for k in wrt)
    along = sum(np.sum(b * d) for b, d in zip(bars, v, strict=True))
    numeric.assert_close(along, numeric.directional(f, args, wrt, v), 1e-7)


@pytest.mark.parametrize("f, args, wrt", CASES)
def test_other_sizes(small: None, f: Any, args: tuple[Any, ...], wrt: tuple[int, ...]) -> None:
    """A text that was made for some number of rows, with others: of one row, of a block and one."""
    d = grad(f, wrt=wrt)
    d(*args)
    for n in (12, 33, 64, 1, 97):
        fewer = tuple(a[:n] if np.shape(a)[:1] == (N,) else a for a in args)
        at_once = tuple(np.concatenate([x, x[:0]]) if np.shape(x) else x for x in fewer)
        v = tuple(RNG.normal(size=np.shape(fewer[k])) for k in wrt)
        along = sum(np.sum(b * d) for b, d in zip(d(*fewer), v, strict=True))
        numeric.assert_close(along, numeric.directional(f, at_once, wrt, v), 1e-7)


def test_small_first(small: None) -> None:
    """What was made for small arrays does not stand in the way, nor the other way round."""
    d = grad(chain)
    small_text = (d(X[:3], Y[:3], K), d.source)[1]
    assert not cut(d)
    d(X, Y, K)
    assert cut(d)
    assert np.array_equal(d(X[:3], Y[:3], K), d(X, Y, K)[:3])
    assert d.source_for(X[:3], Y[:3], K) == small_text
    named = grad(chain)
    assert np.array_equal(named(x=X[:3], y=Y[:3], k=K), named(x=X, y=Y, k=K)[:3])


def test_from_outside(small: None) -> None:
    """Arrays that a function takes from outside, of other lengths at another call."""
    data, labels = M, Y

    def loss(w):
        return np.mean((np.tanh(data @ w) - labels) ** 2 * np.exp(-labels))

    d = grad(loss)
    for data, labels in ((M, Y), (M[:80], Y[:80]), (M[:70], Y[:1]), (M, Y)):  # noqa: B007
        v = RNG.normal(size=3)
        numeric.assert_close(np.sum(d(W) * v), numeric.directional(loss, (W,), (0,), (v,)), 1e-7)
        assert cut(d)


def test_lengths_that_differ(small: None) -> None:
    """What has as many rows at one call may have one at the next."""

    def product(x, y):
        return np.sum(np.sin(x) * np.exp(y) * np.cos(x * y) + np.tanh(y))

    d = grad(product, wrt=(0, 1))
    d(X, Y)
    assert cut(d)
    x_bar, y_bar = d(X, Y[:1])
    assert x_bar.shape == X.shape and y_bar.shape == (1,)
    v = (RNG.normal(size=N), RNG.normal(size=1))
    expected = numeric.directional(product, (X, Y[:1]), (0, 1), v)
    numeric.assert_close(np.sum(x_bar * v[0]) + np.sum(y_bar * v[1]), expected, 1e-7)
    with pytest.raises(ValueError, match="broadcast"):
        d(X, Y[:50])


def test_other_modes(small: None) -> None:
    s = elementwise_grad(lambda x: np.sin(x) * np.exp(-x * x) / (1.0 + x))
    assert np.allclose(s(X), np.cos(X) * np.exp(-X * X) / (1 + X) - np.sin(X) * np.exp(-X * X)
                       * (2 * X * (1 + X) + 1) / (1 + X) ** 2)  # fmt: skip
    product = hvp(mean)
    v = RNG.normal(size=N)
    h = 1e-6
    expected = (grad(mean)(X + h * v, Y, K) - grad(mean)(X - h * v, Y, K)) / (2 * h)
    numeric.assert_close(product(X, Y, K, v), expected, 1e-6)
    assert cut(s) and not cut(product)  # (the vector is no argument of the function's)


def test_single_precision(small: None) -> None:
    x, y = X.astype(np.float32), Y.astype(np.float32)
    value, (x_bar, k_bar) = value_and_grad(mean, wrt=(0, 2))(x, y, K)
    assert value.dtype == x_bar.dtype == np.float32
    expected = grad(mean, wrt=(0, 2))(X, Y, K)
    assert np.allclose(x_bar, expected[0], atol=1e-5) and np.isclose(k_bar, expected[1], atol=1e-4)


def test_powers_are_products_in_blocks(small: None) -> None:
    g = grad(turned)
    g(M, M[::-1] + 0.1, K)
    assert cut(g) and "**3" not in g.source


def over_rows(x, y):
    return np.sum((x - np.mean(x)) ** 2 * np.exp(-y) * np.sin(y))


def neighbours(x, y):
    return np.sum(np.exp(-((x[1:] - x[:-1]) ** 2)) * np.sin(y[1:]) * np.cos(y[1:]))


def written(x, y):
    x[:] = np.sin(x) * np.exp(-y) * np.cos(y)
    return np.sum(x * x * x)


def running_sums(x, y):
    return np.sum(np.cumsum(x) * np.exp(-y) * np.sin(y) * np.cos(x))


@pytest.mark.parametrize("f", [over_rows, neighbours, written, running_sums])
def test_left_whole(small: None, f: Any) -> None:
    """What takes several rows together, or changes its arguments."""
    d = grad(f)
    v = RNG.normal(size=N)
    along = np.sum(d(X.copy(), Y) * v)
    assert not cut(d)
    numeric.assert_close(along, numeric.directional(lambda x, y: f(x.copy(), y), (X, Y), (0,), (v,)), 1e-6)


UNARY = ("np.sin({})", "np.exp(-({}) ** 2)", "np.tanh({})", "np.sqrt(({}) ** 2 + 1.0)", "np.log1p(({}) ** 2)")
BINARY = ("({}) * ({})", "({}) + ({})", "({}) - ({})", "({}) / (2.0 + ({}) ** 2)", "np.where(x > y, {}, {})",
          "np.maximum({}, {})", "np.arctan2({}, 3.0 + ({}) ** 2)")  # fmt: skip
LEAVES = ("x", "y", "k", "m[:, 0]", "m @ w", "np.sum(m * w, axis=1)", "np.einsum('ij,j->i', m, w)",
          "m[:, :2].sum(axis=1)")  # fmt: skip
TOTALS = ("np.sum({})", "np.mean({})", "np.sum({}) / len(x)", "np.vdot({}, y)", "np.dot({}, x)",
          "x @ ({} + y)", "({}).mean()", "({}).sum()")  # fmt: skip


def drawn(rng: np.random.Generator, depth: int) -> str:
    if depth == 0:
        return str(rng.choice(LEAVES))
    if rng.random() < 0.4:
        return str(rng.choice(UNARY)).format(drawn(rng, depth - 1))
    return str(rng.choice(BINARY)).format(drawn(rng, depth - 1), drawn(rng, int(rng.integers(0, depth))))


@pytest.mark.parametrize("seed", range(40))
def test_random_programs(small: None, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    rng = np.random.default_rng(seed)
    lines = [f"    a = {drawn(rng, 3)} + x", f"    b = np.sin(a) * {drawn(rng, 2)}"]
    parts = [str(rng.choice(TOTALS)).format(name) for name in ("a", "b", "(a * b)")]
    text = "def f(x, y, m, w, k):\n" + "\n".join(lines) + f"\n    return {' + '.join(parts)} * k\n"
    wrt = tuple(sorted(rng.choice(5, size=2, replace=False)))
    d = grad(compiled(text, f"<rows {seed}>"), wrt=wrt)
    bars = d(X, Y, M, W, K)
    assert cut(d), text
    monkeypatch.setattr(some_rows, "LARGE", 10**9)
    whole = grad(compiled(text.replace("def f(", "def g("), f"<all rows {seed}>"), wrt=wrt)
    for bar, expected in zip(bars, whole(X, Y, M, W, K), strict=True):
        assert np.allclose(bar, expected, rtol=1e-12, atol=1e-12), text
    assert not cut(whole)


def compiled(text: str, name: str) -> Any:
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)
    namespace: dict[str, Any] = {"np": np}
    exec(compile(text, name, "exec"), namespace)
    return namespace["f" if "def f(" in text else "g"]


def test_jacobians_stay_whole(small: None) -> None:
    def values(x):
        return np.sin(x) * np.exp(x) * np.cos(x) / (1.0 + x)

    d = jacfwd(values)
    assert np.allclose(np.diag(d(X)), np.diag(np.diag(d(X))).diagonal())
