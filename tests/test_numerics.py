"""Derivatives at large, small and nearly singular arguments, against many digits; single precision kept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import srcdiff
from srcdiff import grad, jvp, source

mpmath = pytest.importorskip("mpmath")


def tanh(x: Any) -> Any:
    return np.tanh(x)


def expm1(x: Any) -> Any:
    return np.expm1(x)


def log1p(x: Any) -> Any:
    return np.log1p(x)


def arcsin(x: Any) -> Any:
    return np.arcsin(x)


def arctanh(x: Any) -> Any:
    return np.arctanh(x)


def arccosh(x: Any) -> Any:
    return np.arccosh(x)


def sinc(x: Any) -> Any:
    return np.sinc(x)


def sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))


def softplus(x: Any) -> Any:
    return np.where(x > 0.0, x + np.log1p(np.exp(-x)), np.log1p(np.exp(x)))


def softplus_short(x: Any) -> Any:
    return np.logaddexp(0.0, x)


def log_sum_exp(x: Any) -> Any:
    shift = np.maximum(x, 1.0)
    return shift + np.log(np.exp(x - shift) + np.exp(1.0 - shift))


def gumbel(x: Any) -> Any:
    return np.exp(-np.exp(-x))


def angle(x: Any) -> Any:
    return np.arctan2(x, 3e-170)


def radius(x: Any) -> Any:
    return np.hypot(x, 3e170)


def length(x: Any) -> Any:
    return np.hypot(x, 3e-170)


m = mpmath
CASES: list[tuple[Any, Any, tuple[float, ...], float]] = [
    # the function, the same for mpmath, points, absolute tolerance
    (tanh, m.tanh, (-400.0, -18.0, -1e-9, 0.5, 5.0, 30.0, 1e3), 3e-16),
    (expm1, m.expm1, (-745.0, -40.0, -1e-12, 1e-12, 700.0), 0.0),
    (log1p, m.log1p, (-0.9999999, -1e-15, 1e-15, 1e15, 1e300), 0.0),
    (arcsin, m.asin, (0.999999999999, -0.9999999, 1e-9), 0.0),
    (arctanh, m.atanh, (0.999999999999, -0.9999999, 1e-9), 0.0),
    (arccosh, m.acosh, (1.5, 40.0, 1e150), 0.0),
    (sinc, lambda x: m.sinc(m.pi * x), (1e-8, 0.3, 2.5, 1e3 + 0.25), 1e-12),
    (sigmoid, lambda x: 1 / (1 + m.exp(-x)), (-800.0, -700.0, -40.0, 0.0, 40.0, 800.0), 1e-300),
    (softplus, lambda x: m.log(1 + m.exp(x)), (-800.0, -40.0, 0.0, 40.0, 800.0), 1e-300),
    (softplus_short, lambda x: m.log(1 + m.exp(x)), (-700.0, -40.0, 0.0, 40.0, 800.0), 1e-300),
    (log_sum_exp, lambda x: m.log(m.exp(x) + m.e), (-600.0, -3.0, 1.5, 30.0, 1e3), 1e-300),
    (gumbel, lambda x: m.exp(-m.exp(-x)), (-800.0, -8.0, -1.0, 0.0, 5.0, 700.0), 1e-300),
    (angle, lambda x: m.atan2(x, m.mpf(3e-170)), (1e-170, 4e-170, 1e-100, 1.0), 0.0),
    (radius, lambda x: m.sqrt(x * x + m.mpf(3e170) ** 2), (1.0, 1e100, 4e170, 1e300), 0.0),
    (length, lambda x: m.sqrt(x * x + m.mpf(3e-170) ** 2), (1e-200, 4e-170, 1e-9), 0.0),
]


@pytest.mark.parametrize(("f", "exact", "points", "near"), CASES, ids=[c[0].__name__ for c in CASES])
def test_against_many_digits(f: Any, exact: Any, points: tuple[float, ...], near: float) -> None:
    x = np.array(points)
    with mpmath.workdps(450):
        step = mpmath.mpf(10) ** -200
        wanted = np.array([float(mpmath.diff(exact, mpmath.mpf(p), h=step)) for p in points])
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        reverse = grad(lambda x: np.sum(f(x)))(x)
        _, forward = jvp(f, (x,), (np.ones_like(x),))
        numbers = [grad(f)(p) for p in points]
    for got in (reverse, forward, numbers):
        np.testing.assert_allclose(got, wanted, rtol=2e-13, atol=near)


@pytest.mark.parametrize("f", [c[0] for c in CASES if c[0] not in (angle, radius, length)])
def test_single_precision_stays_single(f: Any) -> None:
    x = np.array([0.25, 0.5], dtype=np.float32) + np.float32(1.0 if f is arccosh else 0.0)
    assert grad(lambda x: np.sum(f(x)))(x).dtype == np.float32
    assert jvp(f, (x,), (np.ones_like(x),))[1].dtype == np.float32


def guarded(x: Any) -> Any:
    return np.where(x > 0.0, np.sqrt(x), 0.0) + np.maximum(x, 0.25) + np.hypot(x, x) + np.cbrt(x)


def test_masks_keep_single_precision() -> None:
    x = np.array([0.0, 0.5], dtype=np.float32)
    with np.errstate(divide="ignore", invalid="ignore"):
        assert grad(lambda x: np.sum(guarded(x)))(x).dtype == np.float32
        assert jvp(guarded, (x,), (np.ones_like(x),))[1].dtype == np.float32


def plain(x: float, y: float) -> float:
    return math.atan2(x, y) + math.hypot(x, y) + math.expm1(x)


def test_python_numbers() -> None:
    """The functions of math in the same places."""
    x, y = 4e-170, 3e-170
    x_bar, y_bar = grad(plain, wrt=(0, 1))(x, y)
    assert math.isclose(x_bar, y / 25e-170 / 1e-170 + 0.8 + 1.0, rel_tol=1e-14)
    assert math.isclose(y_bar, -x / 25e-170 / 1e-170 + 0.6, rel_tol=1e-14)
    assert grad(math.expm1)(-700.0) == math.exp(-700.0)


def divided(x: Any, s: Any) -> Any:
    return np.sum(x / s)


def divided_after(x: Any, s: Any) -> Any:
    return np.sum(x) / s


def absolute_divided(x: Any, s: Any) -> Any:
    return np.abs(x) / s


def added_divided(x: Any, s: Any) -> Any:
    return np.add(x, 1.0) / s


def python_divided(x: Any, s: Any) -> Any:
    return x / s


def by_numpys(r: Any, z: Any) -> Any:
    s = 0.0
    for v in z:
        s += 1.0 / np.float64(r) * v
    return s


def logarithms(r: Any, z: Any) -> Any:
    s = 0.0
    for v in z:
        s += np.log(r) * v
    return s


@pytest.mark.parametrize("f", [by_numpys, logarithms])
def test_by_a_zero_made_numpys_in_a_loop(f: Any) -> None:
    with np.errstate(all="ignore"):
        z = np.array([1.0, 2.0])
        sign = -1.0 if f is by_numpys else 1.0
        assert grad(f)(0.0, z) == sign * np.inf
        r_bar, z_bar = grad(f, wrt=(0, 1))(0.0, z)
        assert r_bar == sign * np.inf and list(z_bar) == [-sign * np.inf] * 2


@pytest.mark.parametrize("s", [0, 0.0])
@pytest.mark.parametrize(
    ("f", "x"),
    [(divided, np.ones(2)), (divided_after, np.ones(2)), (absolute_divided, 1.0), (added_divided, 1.0)],
)
def test_by_a_zero_of_pythons(f: Any, x: Any, s: Any) -> None:
    """Where NumPy's number is divided, the function goes on with an infinity, and its derivative does."""
    with np.errstate(all="ignore"):
        assert np.all(grad(f)(x, s) == np.inf) and f(x, s) == np.inf
        assert jvp(f, (x, s), (x, s))[0] == np.inf
    with pytest.raises(ZeroDivisionError):
        grad(python_divided)(1.0, s)
    assert np.all(grad(f)(x, 4) == 0.25)


# --- far out, at zero, and beside infinities ----------------------------------------------------------------

INF = np.inf
FAR = np.array([-1e3, -40.0, 0.0, 40.0, 1e3])
TINY = 1.0 / (1.0 + math.exp(40.0))


def lse(x: Any) -> Any:
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top)))


def softmax(x: Any) -> Any:
    e = np.exp(x - np.max(x))
    return np.dot(e / np.sum(e), np.array([1.0, 2.0, 4.0]))


def warm(x: Any, t: Any) -> Any:
    z = np.where(np.array([True, False, True]), x, -np.inf) / t
    e = np.exp(z - np.max(z))
    return e[0] / np.sum(e)


def warm_numbers(a: Any, t: Any) -> Any:
    z = [a / t, -math.inf / t, 1.0 / t]
    top = max(z)
    e = [math.exp(v - top) for v in z]
    return e[0] / sum(e)


def warm_difference(a: Any, t: Any) -> Any:
    z = [a, float("-inf"), 1.0]
    top = max(z)
    e = [math.exp((v - top) / t) for v in z]
    return e[0] / (e[0] + e[1] + e[2])


def warm_product(a: Any, t: Any) -> Any:
    total = 0.0
    for v in (a, 1.0, -np.inf):
        total += np.exp(v * (1.0 / t))
    return np.exp(a / t) / total


def warm_chosen(a: Any, t: Any) -> Any:
    z = [v if v < 5.0 else -math.inf for v in (a, 7.0, 1.0)]
    e = [math.exp(v / t) for v in z]
    return e[0] / sum(e)


def reduced(x: Any) -> Any:
    return np.logaddexp.reduce(x)


def logistic_loss(x: Any) -> Any:
    return np.sum(np.maximum(x, 0.0) - 0.25 * x + np.log1p(np.exp(-np.abs(x))))


def far_logaddexp(x: Any) -> Any:
    return np.sum(np.logaddexp(x, -x))


def infinite_logaddexp(x: Any, y: Any) -> Any:
    return np.sum(np.logaddexp(x, y))


def far_tanh(x: Any) -> Any:
    return np.sum(np.tanh(x))


def cold_tanh(length: Any, t: Any) -> Any:
    return np.sum(np.tanh(length / t))


def long(x: Any) -> Any:
    return np.linalg.norm(x)


def rows(x: Any) -> Any:
    return np.sum(np.linalg.norm(x, axis=1))


def cubic_norm(x: Any) -> Any:
    return np.linalg.norm(x, 3)


def spread(x: Any) -> Any:
    return np.std(x) + np.var(x)


def radii(x: Any, y: Any) -> Any:
    return np.sum(np.hypot(x, y))


def powers(x: Any) -> Any:
    return np.sum(x ** np.array([0.0, 1.0, 2.0, 3.0, 0.5]))


def exponents(x: Any, p: Any) -> Any:
    return np.sum(x**p)


def product(x: Any) -> Any:
    return np.prod(x)


def share(a: float, t: float) -> tuple[float, float]:
    """The gradient of ``1 / (1 + exp((1 - a) / t))``."""
    p = 1.0 / (1.0 + math.exp((1.0 - a) / t))
    return p * (1.0 - p) / t, p * (1.0 - p) * (1.0 - a) / t**2


THIRD, T_SHARE = share(0.3, 0.7)
PAIR = 1.0 / (1.0 + math.e)  # the share of the lesser of two logits one apart
HALF = math.sqrt(0.5)

EDGES: list[tuple[Any, tuple[Any, ...], tuple[Any, ...]]] = [
    # a function, where, and its gradient there
    (far_logaddexp, (FAR,), (np.tanh(FAR),)),
    (
        infinite_logaddexp,
        (np.array([-INF, INF, -INF, 1.0]), np.array([-INF, 1.0, 2.0, -INF])),
        (np.array([0.5, 1.0, 0.0, 1.0]), np.array([0.5, 0.0, 1.0, 0.0])),
    ),
    (reduced, (FAR,), (np.array([0.0, 0.0, 0.0, 0.0, 1.0]),)),
    (reduced, (np.array([-INF, 1.0, 2.0]),), (np.array([0.0, PAIR, 1.0 - PAIR]),)),
    (reduced, (np.array([1e3, 2.0, 1e3]),), (np.array([0.5, 0.0, 0.5]),)),
    (lse, (np.array([-INF, 1.0, 2e3]),), (np.array([0.0, 0.0, 1.0]),)),
    (softmax, (np.array([-INF, 1.0, 2.0]),), (2.0 * PAIR * (1.0 - PAIR) * np.array([0.0, -1.0, 1.0]),)),
    (softmax, (np.array([-1e3, 1.0, 2e3]),), (np.zeros(3),)),
    (logistic_loss, (FAR,), (np.array([-0.25, TINY - 0.25, 0.25, 0.75, 0.75]),)),
    (far_tanh, (np.array([-1e308, -400.0, 400.0]),), (np.zeros(3),)),
    (cold_tanh, (np.array([1.0, -2.0]), np.array([1e-3, 1e-100])), (np.zeros(2), np.zeros(2))),
    (warm, (np.array([0.3, 800.0, 1.0]), 0.7), (np.array([THIRD, 0.0, -THIRD]), T_SHARE)),
    (warm_numbers, (0.3, 0.7), (THIRD, T_SHARE)),
    (warm_difference, (0.3, 0.7), (THIRD, T_SHARE)),
    (warm_product, (0.3, 0.7), (THIRD, T_SHARE)),
    (warm_chosen, (0.3, 0.7), (THIRD, T_SHARE)),
    (long, (np.zeros(3),), (np.zeros(3),)),
    (rows, (np.array([[0.0, 0.0], [3.0, 4.0]]),), (np.array([[0.0, 0.0], [0.6, 0.8]]),)),
    (cubic_norm, (np.zeros(2),), (np.zeros(2),)),
    (cubic_norm, (np.array([0.0, -2.0]),), (np.array([0.0, -1.0]),)),
    (spread, (np.full(4, 2.0),), (np.zeros(4),)),
    (
        radii,
        (np.array([0.0, 1e200, 1e-200]), np.array([0.0, 1e200, -1e-200])),
        (np.array([0.0, HALF, HALF]), np.array([0.0, HALF, -HALF])),
    ),
    (powers, (np.zeros(5),), (np.array([0.0, 1.0, 0.0, 0.0, 0.0]),)),
    (exponents, (np.array([0.0, 2.0]), np.array([2.0, 0.0])), (np.zeros(2), np.array([0.0, math.log(2.0)]))),
    (product, (np.array([0.0, 2.0, 3.0]),), (np.array([6.0, 0.0, 0.0]),)),
    (product, (np.array([0.0, 0.0, 3.0]),), (np.zeros(3),)),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("f", "at", "wanted"), EDGES, ids=[f.__name__ for f, _, _ in EDGES])
def test_edges(f: Any, at: tuple[Any, ...], wanted: tuple[Any, ...]) -> None:
    """Reverse mode, and forward mode along each argument; that the second derivative is a number."""
    wrt = tuple(range(len(at)))
    gradient = grad(f, wrt=wrt)
    for n, (bar, want) in enumerate(zip(gradient(*at), wanted, strict=True)):
        np.testing.assert_allclose(bar, want, rtol=1e-12, atol=1e-15)
        v = np.linspace(1.0, 2.0, np.size(want)).reshape(np.shape(want)) if np.ndim(want) else 1.0
        _, dot = jvp(f, at, tuple(v if m == n else None for m in wrt))
        np.testing.assert_allclose(dot, np.sum(want * v), rtol=1e-12, atol=1e-15)
    directions = tuple(np.ones_like(a) if isinstance(a, np.ndarray) else 1.0 for a in at)
    _, second = jvp(gradient, at, directions)
    assert all(np.isfinite(s).all() for s in second)


# --- repeated values ----------------------------------------------------------------------------------------


def singular_values(a: Any) -> Any:
    return np.sum(np.linalg.svd(a)[1] ** 2)


def eigenvalues(a: Any) -> Any:
    return np.sum(np.linalg.eigh(a)[0] ** 2)


def projector(a: Any) -> Any:
    v = np.linalg.eigh(a)[1][:, :2]
    return np.sum((v @ v.T) * np.arange(9.0).reshape(3, 3))


@pytest.mark.parametrize("f", [singular_values, eigenvalues])
def test_repeated_values(f: Any) -> None:
    """A symmetric function of values that are equal: the sum of their squares is that of the entries."""
    a = np.diag([1.0, 1.0, 2.0])
    np.testing.assert_allclose(grad(f)(a), 2.0 * a, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(jvp(grad(f), (a,), (np.eye(3),))[1], 2.0 * np.eye(3), rtol=1e-12, atol=1e-12)


def test_vectors_of_repeated_values() -> None:
    """The space of two equal eigenvalues moves with the matrix, whatever its basis is."""
    a = np.diag([1.0, 1.0, 2.0])
    w = np.arange(9.0).reshape(3, 3)
    want = np.zeros((3, 3))
    for i in range(2):  # d(v v^T) = sum over the other space of (v_i v_k^T + v_k v_i^T) a_dot / (l_i - l_k)
        want[i, 2] = want[2, i] = -0.5 * (w[i, 2] + w[2, i])
    got = grad(projector)(a)
    assert np.isfinite(got).all()
    np.testing.assert_allclose(got + got.T, 2.0 * want, rtol=1e-12, atol=1e-12)


def turned(a: Any) -> Any:
    v = srcdiff.eigh(a, 1e-3)[1]
    return np.sum(v[:, 0] * np.array([1.0, 2.0, 3.0])) ** 2


def turned_singular(a: Any) -> Any:
    u, s, vh = srcdiff.svd(a, 1e-3)
    return np.sum(u[:, 0] * np.array([1.0, 2.0, 3.0])) * np.sum(s * vh[:, 1])


def turned_exactly(a: Any) -> Any:
    v = np.linalg.eigh(a)[1]
    return np.sum(v[:, 0] * np.array([1.0, 2.0, 3.0])) ** 2


@pytest.mark.parametrize("f", [turned, turned_singular])
@pytest.mark.parametrize("gap", [0.0, 1e-14, 1e-9])
def test_broadened(f: Any, gap: float) -> None:
    """Where values are equal, or nearly so, the derivative is bounded; in both modes."""
    a = np.diag([1.0, 1.0 + gap, 2.0])
    v = np.arange(9.0).reshape(3, 3)
    bar = grad(f)(a)
    assert np.abs(bar).max() < 2e4
    np.testing.assert_allclose(jvp(f, (a,), (v,))[1], np.sum(bar * v), rtol=1e-10)
    assert np.isfinite(jvp(grad(f), (a,), (v,))[1]).all()


def test_broadened_apart() -> None:
    """Where values are apart, the derivative is the plain one."""
    a = np.array([[2.0, 0.3, 0.1], [0.3, 5.0, 0.2], [0.1, 0.2, 9.0]])
    np.testing.assert_allclose(grad(turned)(a), grad(turned_exactly)(a), rtol=1e-5)
    assert np.abs(grad(turned_exactly)(np.diag([1.0, 1.0 + 1e-12, 2.0]))).max() > 1e9


special = pytest.importorskip("scipy.special")


def masked_attention(q: Any, t: Any) -> Any:
    mask = np.where(np.tril(np.ones((3, 3), bool)), 0.0, -np.inf)
    return np.sum(special.softmax((q[:, None] * q[None, :] + mask) / t, axis=1) @ q)


def masked_attention_by_hand(q: Any, t: Any) -> Any:
    s = q[:, None] * q[None, :] / t
    e = np.where(np.tril(np.ones((3, 3), bool)), np.exp(s), 0.0)
    return np.sum((e / np.sum(e, axis=1, keepdims=True)) @ q)


def masked_loss(q: Any, t: Any) -> Any:
    mask = np.where(np.tril(np.ones((3, 3), bool)), 0.0, -np.inf)
    s = (q[:, None] * q[None, :] + mask) / t
    return np.trace(special.log_softmax(s, axis=1)) + np.sum(special.logsumexp(s, axis=1))


def masked_loss_by_hand(q: Any, t: Any) -> Any:
    return np.sum(q * q / t)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("f", "exact"), [(masked_attention, masked_attention_by_hand), (masked_loss, masked_loss_by_hand)]
)
def test_temperature_of_masked_logits(f: Any, exact: Any) -> None:
    at = (np.array([0.3, 1.0, 1.7]), 0.7)
    for a, b in zip(grad(f, wrt=(0, 1))(*at), grad(exact, wrt=(0, 1))(*at), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(jvp(f, at, (None, 1.0))[1], grad(exact, wrt=1)(*at), rtol=1e-12)
    second = jvp(grad(f, wrt=1), at, (None, 1.0))[1]
    np.testing.assert_allclose(second, jvp(grad(exact, wrt=1), at, (None, 1.0))[1], rtol=1e-10)


def test_functions_of_scipy_far_out() -> None:
    x = np.array([-40.0, -5.0, 0.0, 5.0, 40.0])
    with mpmath.workdps(60):
        e = [float(mpmath.npdf(p) / mpmath.ncdf(p)) for p in x]
        erfc = [float(-2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-mpmath.mpf(p) ** 2)) for p in x]
    np.testing.assert_allclose(grad(lambda x: np.sum(special.log_ndtr(x)))(x), e, rtol=1e-13, atol=1e-290)
    np.testing.assert_allclose(grad(lambda x: np.sum(special.erfc(x)))(x), erfc, rtol=1e-12, atol=1e-300)
    second = jvp(grad(lambda x: np.sum(special.log_ndtr(x))), (x,), (np.ones(5),))[1]
    assert np.isfinite(second).all()
    y = np.array([-800.0, -40.0, 0.0, 40.0, 800.0])
    small = math.exp(-40.0)
    slope = np.array([0.0, small, 0.25, small, 0.0])
    np.testing.assert_allclose(grad(lambda y: np.sum(special.expit(y)))(y), slope, rtol=1e-13)
    few = np.array([3.0, 0.5, 1e-300])
    np.testing.assert_allclose(
        grad(lambda x, y: np.sum(special.xlogy(x, y)), wrt=(0, 1))(np.array([0.0, 0.0, 2.0]), few),
        (np.log(few), np.array([0.0, 0.0, 2e300])),
        rtol=1e-14,
    )


CLOSED = np.array([0.0, -np.inf, 0.0, -np.inf])


def spread_by_elements(x, t):
    total = 0.0
    for v in x + CLOSED:
        total += np.exp(v / t)
    return t * np.log(total)


def spread_by_index(x, t):
    z = np.where(np.isfinite(CLOSED), x, -np.inf)
    m, total = np.max(z / t), 0.0
    for i in range(4):
        total += math.exp(z[i] / t - m)
    return t * (m + math.log(total))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("f", [spread_by_elements, spread_by_index])
def test_closed_places_in_a_loop_at_a_temperature(f):
    x, t, h = np.array([0.3, 0.7, 1.2, 0.4]), 0.8, 1e-6
    x_bar, t_bar = grad(f, wrt=("x", "t"))(x, t)
    assert abs(t_bar - (f(x, t + h) - f(x, t - h)) / (2 * h)) < 1e-8
    expected = [(f(x + e, t) - f(x - e, t)) / (2 * h) for e in h * np.eye(4)]
    np.testing.assert_allclose(x_bar, expected, atol=1e-8)
    assert abs(jvp(f, (x, t), (x, 1.0))[1] - x_bar @ x - t_bar) < 1e-12


def edge_stopping(x, k):
    d = x[1:] - x[:-1]
    return np.sum(np.exp(-((d / k) ** 2)) * d)


def with_a_softer_one(x, k):
    z = x / k
    return np.sum(np.exp(z) * x + np.logaddexp(z, z - 1.0))


def with_the_largest(x, k):
    z = x / k
    return np.sum(np.exp(z)) + np.max(z)


def by_two(x, k):
    z = x / k
    return np.sum(np.exp(z) + np.exp2(z) * x)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("f", [edge_stopping, with_a_softer_one, with_the_largest, by_two])
def test_what_is_too_small_for_one_function_is_not_for_another(f: Any) -> None:
    for x in (np.array([-700.0, -900.0, -750.0]), np.array([0.3, -0.7, 1.2])):
        k, h = 0.9, 1e-6
        x_bar, k_bar = grad(f, wrt=("x", "k"))(x, k)
        slope = (f(x, k + h) - f(x, k - h)) / (2 * h)
        assert abs(k_bar - slope) <= 1e-6 * max(1.0, abs(slope))
        by_x = [(f(x + e, k) - f(x - e, k)) / (2 * h) for e in h * np.eye(3)]
        np.testing.assert_allclose(x_bar, by_x, rtol=1e-6, atol=1e-6)
        assert np.isclose(jvp(f, (x, k), (np.zeros(3), 1.0))[1], k_bar, rtol=1e-12, atol=1e-300)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_endless_edges() -> None:
    def f(x, k):
        return np.sum(np.exp(-((x / k) ** 2)) * 2.0)

    both = grad(f, wrt=("x", "k"))
    x = np.array([0.3, 0.9, -np.inf, 0.4])
    assert both(x, 0.7)[1] == pytest.approx(both(x[[0, 1, 3]], 0.7)[1], rel=1e-14)
    text = source(both, x, 0.7)
    assert " == 0.0" in text and "inf" not in text  # asked of the result, which is at hand


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_number_for_the_slope_of_an_endless_logarithm() -> None:
    def f(x, k):
        return np.sum(np.log(np.exp(x / k)))

    assert np.isnan(grad(f, wrt=("x", "k"))(np.array([-900.0, 0.1]), 1.0)[1])
