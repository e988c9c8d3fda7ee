"""Corners of rules that programs met: types and sizes that depend on values, small sizes, empty axes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from srcdiff import check_rule, grad, hessian, jacfwd, jacrev, jvp, vjp

# ---- complex as far as is known, real when it runs

REAL = np.array([[2.0, 0.3, -0.4], [0.5, 1.6, 0.2], [-0.1, 0.6, 1.2]])  # three real eigenvalues
PAIR = np.array([[0.1, 1.0, 0.2], [-2.0, 0.4, -0.3], [0.3, 0.1, 1.0]])  # two of them conjugate


def sizes(a: Any) -> Any:
    return np.sum(abs(np.linalg.eigvals(a)) ** 3)


def turned(a: Any) -> Any:
    """The cotangent of what is real is complex."""
    w = np.linalg.eigvals(a)
    return np.sum(abs((1.0 + 2.0j) * w[:2]) ** 2) + np.sum(abs(1.0j * w[1:] ** 2 + w[0]))


def in_turn(a: Any) -> Any:
    w, total = np.linalg.eigvals(a), 0.0
    for k in range(3):
        total = total + abs(w[k] * (1.0 + 1.0j * k)) ** 2
    return total


def own_zeros(a: Any) -> Any:
    """The program's own zeros stay of the type that NumPy gives them."""
    w = np.linalg.eigvals(a)
    s = np.zeros_like(w)
    for k in range(3):
        s = s * w[k] + w
    return np.sum(abs(s))


def with_vectors(a: Any) -> Any:
    w, v = np.linalg.eig(a)
    return np.sum(abs(w * np.sum(v / v[0], axis=0)) ** 2)


@pytest.mark.parametrize("f", [sizes, turned, in_turn, own_zeros, with_vectors])
@pytest.mark.parametrize("a", [REAL, PAIR], ids=["real", "pair"])
def test_type_by_values(f: Any, a: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_rule(f, a) < 1e-6
        value, back = vjp(f, a)
        assert np.isrealobj(value)
        np.testing.assert_allclose(back(1.0)[0], grad(f)(a))
    np.testing.assert_allclose(jvp(grad(f), (a,), (REAL,))[1], np.tensordot(hessian(f)(a), REAL))


# ---- vectors of two and of three


def crossed(a: Any, b: Any) -> Any:
    return np.cross(a, b)


PLANAR_IS_GONE = np.lib.NumpyVersion(np.__version__) >= "2.5.0"
SHAPES = [((2,), (3,)), ((3,), (2,)), ((4, 2), (3,)), ((2,), (4, 3)), ((4, 2), (2,)), ((3,), (3,))]


@pytest.mark.skipif(PLANAR_IS_GONE, reason="NumPy 2.5 has no products of vectors of two")
@pytest.mark.parametrize(("a_shape", "b_shape"), SHAPES)
@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors")
def test_cross_products(a_shape: Any, b_shape: Any) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(a_shape), rng.standard_normal(b_shape)
    for mode in (jacrev, jacfwd):
        in_a, in_b = mode(crossed, wrt=(0, 1))(a, b)
        assert in_a.shape == np.cross(a, b).shape + a_shape
        assert in_b.shape == np.cross(a, b).shape + b_shape
        np.testing.assert_allclose(np.tensordot(in_a, a, a.ndim), np.cross(a, b), atol=1e-12)  # (bilinear)
        np.testing.assert_allclose(np.tensordot(in_b, b, b.ndim), np.cross(a, b), atol=1e-12)


# ---- quotients that have gone where a function is flat


def steep(x: Any, t: Any) -> Any:
    return np.sum(x * np.tanh(x / t))


def heated(x: Any, t: Any) -> Any:
    return np.sum(np.exp(-(x**2) / t))


def gated(x: Any, t: Any) -> Any:
    return np.sum(x / (1.0 + np.exp(-x / t)))


def turned_far(x: Any, t: Any) -> Any:
    beta = 1.0 / t
    return np.sum(np.arctan(beta * x) + np.exp(-((x * beta) ** 2)))


@pytest.mark.parametrize("f", [steep, heated, gated, turned_far])
@pytest.mark.filterwarnings("ignore")
def test_temperatures_near_zero(f: Any) -> None:
    """The slope of the quotient is infinite, and that of the function exactly zero: the product is zero."""
    x = np.array([1.0, -2.0, 0.5])
    assert check_rule(f, (x, 0.7)) < 1e-7
    for t in (1e-160, 1e-200, 1e-300):
        assert grad(f, wrt="t")(x, t) == 0.0
        in_x, in_t = grad(f, wrt=("x", "t"))(x, t)
        assert in_t == 0.0
        assert np.all(np.isfinite(in_x))
        if f is not turned_far:  # (whose tangent is a sum of which one part alone is divided)
            assert jvp(f, (x, t), (np.zeros(3), 1.0))[1] == 0.0
            assert np.isfinite(jvp(f, (x, t), (np.ones(3), 1.0))[1])


# ---- the largest so far


def drawdown(w: Any) -> Any:
    peak = np.maximum.accumulate(w)
    return np.sum((peak - w) / (2.0 + peak) * np.minimum.accumulate(w))


def drawdowns(w: Any) -> Any:
    peak = np.maximum.accumulate(w, axis=1)
    return np.sum((peak - w) / (2.0 + peak) * np.minimum.accumulate(w, -1))


def so_far(x: Any) -> Any:
    return np.maximum.accumulate(x)


@pytest.mark.parametrize("shape", [(1,), (7,), (3, 4), (2, 3, 2), (0,), (2, 0)], ids=str)
def test_largest_so_far(shape: Any) -> None:
    w = np.random.default_rng(5).normal(size=shape)
    for f in (drawdown, drawdowns)[: len(shape)]:
        assert check_rule(f, (w,)) < 1e-6
        if w.size:
            np.testing.assert_allclose(hessian(f)(w), jacfwd(grad(f))(w), atol=1e-12)


def test_largest_so_far_of_equal_ones_is_the_last() -> None:
    x, g = np.array([1.0, 2.0, 2.0, 0.5, 2.0]), np.array([1.0, 10.0, 100.0, 1e3, 1e4])
    _, back = vjp(so_far, x)
    assert np.ravel(back(g)).tolist() == [1.0, 10.0, 1100.0, 0.0, 1e4]
    assert jvp(so_far, (x,), (g,))[1].tolist() == [1.0, 10.0, 100.0, 100.0, 1e4]


def test_largest_so_far_is_nan_from_a_nan_on() -> None:
    x = np.array([1.0, 3.0, np.nan, 5.0])
    for f in (so_far, lambda x: np.minimum.accumulate(x)):
        value, tangent = jvp(f, (x,), (np.arange(1.0, 5.0),))
        np.testing.assert_array_equal(value, f(x))
        assert tangent[0] == 1.0
        assert tangent[2] == 3.0
