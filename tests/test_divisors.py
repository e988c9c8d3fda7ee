"""What is divided twice by the same is divided once: the same derivatives, with less kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numeric import gradient
from srcdiff import grad, hvp, jvp, value_and_grad, vmap
from srcdiff.pipeline import context


def softmax(x: Any, w: Any) -> Any:
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return np.sum(w * (e / np.sum(e, axis=-1, keepdims=True)) ** 2)


def by_all(x: Any, w: Any) -> Any:
    e = np.exp(x)
    p = e / np.sum(e)
    return np.sum(w * p) + np.sum(p**3)


def by_columns(x: Any, w: Any) -> Any:
    e = np.exp(x)
    p = e / e.sum(axis=0, keepdims=True)
    return np.sum(p * w * p)


def read_elsewhere(x: Any, w: Any) -> Any:
    e = np.exp(x)
    t = np.sum(e, axis=1, keepdims=True)
    p = e / t
    return np.sum(w * p * p) + np.sum(np.sin(e) * t)


def of_two(x: Any, w: Any) -> Any:
    """Two quotients of one array, by different sums."""
    e = np.exp(x)
    p, q = e / np.sum(e, axis=1, keepdims=True), e / np.sum(e, axis=0, keepdims=True)
    return np.sum(w * p * q)


def normal(x: Any, w: Any) -> Any:
    """No exponential: the quotient goes to a square."""
    n = x / np.sqrt(np.sum(x * x, axis=1, keepdims=True))
    return np.sum(w * n * n * n)


def in_a_loop(x: Any, w: Any) -> Any:
    for _ in range(3):
        e = np.exp(x)
        x = w * (e / np.sum(e, axis=1, keepdims=True)) + 0.5 * x
    return np.sum(x * x)


def written(x: Any, w: Any) -> Any:
    e = np.exp(x)
    p = e / np.sum(e, axis=1, keepdims=True)
    q = p.copy()
    p[0] = 0.5
    e[:, 1] *= 2.0
    return np.sum(w * p * p) + np.sum(q * e * e)


def of_numbers(x: Any, w: Any) -> Any:
    """Vectors, without axes that are kept: of a square matrix, rows are not columns."""
    e = np.exp(x[:3, :3])
    p = e / np.sum(e, axis=1)
    return np.sum(p * p * w[:3, :3])


def broadcast(x: Any, w: Any) -> Any:
    """The cotangent is smaller than the quotient."""
    e = np.exp(x[:1])
    p = e / np.sum(np.exp(w), axis=1, keepdims=True)
    return np.sum(p * p) + np.sum(np.exp(p) * w)


PROGRAMS = [
    softmax, by_all, by_columns, read_elsewhere, of_two, normal, in_a_loop, written, of_numbers, broadcast
]  # fmt: skip


def arguments(shape: tuple[int, ...] = (3, 4)) -> tuple[Any, Any]:
    r = np.random.default_rng(0)
    return r.normal(size=shape), r.normal(size=shape)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_derivatives(f: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x, w = arguments()
    got = grad(f, wrt=("x", "w"))(x, w)
    for mine, wanted in zip(got, gradient(f, (x, w), [0, 1]), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-6, atol=1e-8)
    v = np.cos(np.arange(x.size)).reshape(x.shape)
    g = grad(f)
    wanted = (g(x + 1e-6 * v, w) - g(x - 1e-6 * v, w)) / 2e-6
    np.testing.assert_allclose(hvp(f)(x, w, v), wanted, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(jvp(grad(f), (x, w), (v, 0.0 * w))[1], wanted, rtol=1e-6, atol=1e-8)
    value, _ = value_and_grad(f)(x, w)
    assert value == f(x, w)


def test_texts() -> None:
    x, w = arguments()
    for f, divisions in ((softmax, 1), (by_columns, 1), (of_numbers, 2)):
        g = grad(f)
        g(x, w)
        text = "\n".join(line.split("  #")[0] for line in g.source.split("\n") if line.strip()[:1] != "#")
        assert text.count(" / ") + text.count(" /= ") == divisions, g.source


def test_over_examples_and_in_single_precision() -> None:
    x, w = arguments((5, 3, 4))
    got = vmap(grad(softmax))(x, w)
    np.testing.assert_allclose(got, [grad(softmax)(a, b) for a, b in zip(x, w, strict=True)], rtol=1e-12)
    single = grad(softmax)(x[0].astype("f4"), w[0].astype("f4"))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, got[0], rtol=1e-4, atol=1e-6)


def test_rows_of_one_that_stand_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers that nothing is left of, masked ones, rows of one."""
    x, w = arguments()
    x[0] = [0.0, -800.0, -np.inf, 3.0]
    got = grad(softmax)(x, w)
    assert np.isfinite(got).all() and got[0, 2] == 0.0
    monkeypatch.setattr(context, "without_divisors", lambda graph, words: False)
    np.testing.assert_allclose(got, grad(lambda x, w: softmax(x, w))(x, w), rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(grad(softmax)(x[:, 1:2], w[:, :1]), np.zeros((3, 1)), atol=1e-15)
