"""Helpers that are quick ways to something, against that; where patterns are found."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from srcdiff import grad, jvp, source
from srcdiff.api.forward import Forward, Request, Way, kept, looked_at
from srcdiff.rules import registry
from srcdiff.rules.shorthand import SHORTHANDS
from srcdiff.runtime import chosen

rng = np.random.default_rng(0)
NAN, INF = np.nan, np.inf


def arrays() -> list[Any]:
    """Numbers of every sort: apart, tied, zero, not finite, large and small, of single precision."""
    a = rng.normal(size=(3, 4))
    tied = rng.integers(0, 3, (4, 3)).astype(float)
    with_nan, with_inf, with_zero = a.copy(), a.copy(), a.copy()
    with_nan[1, 2], with_inf[0, 1], with_zero[:, 2] = NAN, INF, 0.0
    return [
        a, tied, with_nan, with_inf, with_zero, a * 1e200, a * 1e-200, a.astype("f4"), a.T, a[:, ::2],
        rng.normal(size=(2, 3, 4)), np.asfortranarray(rng.normal(size=(2, 3, 4))), np.full((2, 2), NAN),
        np.array([1e-200, 1e-120, 1e300, 1e100]), rng.normal(size=5), np.array([2.0]),
        np.array([2.0, 2.0, 1.0]), np.array([-INF, -INF]), np.array([-0.0, 0.0, 1.0]),
        rng.uniform(0.9, 1.1, 4000),
    ]  # fmt: skip


def agree(quick: Callable[..., Any], *args: Any) -> None:
    """Both give the same, bit by bit or to the last places, of one shape and type."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        got = quick(*args)
        expected = getattr(chosen, f"{quick.__name__}_plainly")(*args)
    assert np.shape(got) == np.shape(expected)
    assert np.asarray(got).dtype == np.asarray(expected).dtype
    near = 1e-5 if np.asarray(got).dtype == np.float32 else 1e-12
    np.testing.assert_allclose(got, expected, rtol=near, atol=0.0)


def axes(a: Any) -> list[Any]:
    return [None, 0, -1, *([1, (0, 1)] if a.ndim > 1 else [])]


@pytest.mark.parametrize("k", range(len(arrays())))
def test_quick_ways(k: int) -> None:
    a = arrays()[k]
    x = rng.normal(size=a.shape).astype(a.dtype)
    for axis in axes(a):
        for keepdims in (False, True):
            g = np.sum(x, axis=axis, keepdims=keepdims)
            for quick in (chosen.to_largest, chosen.to_smallest):
                agree(quick, g, a, axis, keepdims)
                if axis is None:
                    agree(quick, 1.0, a)
            for quick in (chosen.of_largest, chosen.of_smallest):
                agree(quick, x, a, axis, keepdims)
            for q in (0.0, 0.3, 0.5, 1.0):
                agree(chosen.to_quantile, g, a, q, axis, keepdims)
                agree(chosen.of_quantile, x, a, q, axis, keepdims)
        if isinstance(axis, int):
            agree(chosen.products_of_others, a, axis)
            if not np.isinf(a).any():
                agree(chosen.cumprod_back, abs(x), a, axis)
            if not (abs(a.astype(float)) > 1e299).any():  # (subnormal numbers on the way)
                agree(chosen.times_others, x, a, axis)
            agree(chosen.from_sorted, x, a, axis)
            agree(chosen.sorted_like, x, a, axis)


@pytest.mark.parametrize("size", [1.0, 0.0, 1e-170, 1e170, 1e-300, 1e300])
def test_slopes_of_an_angle(size: float) -> None:
    x1, x2 = rng.normal(size=(2, 5)) * size
    for one, other in ((x1, x2), (x1, 0.5), (0.5, x2), (x1[:, None], x2), (x1[0], x2[0]), (1, x2), (x1, 0)):
        agree(chosen.arctan2_slope, one, other)
        agree(chosen.to_angle, 1.7, one, other)
        agree(chosen.to_angle, rng.normal(size=5), one, other)
    x1[2] = x2[2] = 0.0
    agree(chosen.arctan2_slope, x1, x2)
    if 1e-30 < size < 1e30:
        agree(chosen.arctan2_slope, x1.astype("f4"), x2.astype("f4"))
    x1[3], x2[1] = NAN, INF
    agree(chosen.arctan2_slope, x1, x2)


def test_slopes_of_a_sum_of_exponentials() -> None:
    x1, x2 = rng.normal(size=(2, 5)) * 100
    far = np.array([INF, -INF, 1.0, NAN, -INF]), np.array([INF, -INF, -INF, 1.0, 800.0])
    for one, other in ((x1, x2), (x1[0], x2[0]), (x1, 0.5), (0.5, x2), (x1[:, None], x2), far, (INF, INF)):
        with np.errstate(invalid="ignore"):
            out = np.logaddexp(one, other)
        agree(chosen.logaddexp_slope, one, other, out)
    for one, other in zip(*far, strict=True):
        with np.errstate(invalid="ignore"):
            out = np.logaddexp(one, other)
        agree(chosen.logaddexp_slope, float(one), float(other), float(out))
    agree(chosen.logaddexp_slope, *(x.astype("f4") for x in (x1, x2, np.logaddexp(x1, x2))))


def test_which_is_larger() -> None:
    for a in arrays():
        for other in (0.0, 0, a, -a, np.zeros_like(a), np.maximum(a, 0.0), a.reshape(-1)[0], NAN):
            agree(chosen.is_larger, a, other)
            agree(chosen.is_larger, other, a)
            for one, two in ((a, other), (other, a)):
                product = 1.5 * chosen.where_larger(one, two)  # (a mask may be a factor, no more)
                np.testing.assert_array_equal(product, 1.5 * chosen.where_larger_plainly(one, two))


def test_outlines() -> None:
    for a in (*arrays(), np.zeros((0, 3)), 1.5, np.float64(2.0), [1.0, 2.0]):
        agree(chosen.outline, a)
    got = chosen.outline(np.ones((3, 4)))
    assert not got.flags.writeable and got.strides == (0, 0) and np.zeros_like(got).flags.c_contiguous


def rectified(w: Any, x: Any) -> Any:
    h = np.maximum(x @ w, 0.0)
    least = np.minimum(h, 0.5)
    return np.sum(h * h) + np.sum(least) + np.sum(np.maximum(x[0], 0.1))


@pytest.mark.parametrize("tied", [False, True])
def test_slopes_of_large_maxima_are_masks(tied: bool) -> None:
    """Where all that is done with them is to multiply by them: no array of the size of what was compared."""
    w, x = rng.normal(size=(5, 60)), rng.normal(size=(500, 5))
    if tied:
        x[:7] = 0.0
    g = grad(rectified, wrt=("w", "x"))
    bars = g(w, x)
    assert "h_bar *= where_larger(" in g.source and "h_bar += is_larger(" in g.source
    v, u = rng.normal(size=w.shape), rng.normal(size=x.shape)
    if not tied:
        slope = (rectified(w + 1e-7 * v, x + 1e-7 * u) - rectified(w - 1e-7 * v, x - 1e-7 * u)) / 2e-7
        assert abs(np.vdot(bars[0], v) + np.vdot(bars[1], u) - slope) < 1e-4 * abs(slope)
    assert np.isclose(np.vdot(bars[0], v) + np.vdot(bars[1], u), jvp(rectified, (w, x), (v, u))[1])
    space: dict[str, Any] = {}
    exec(g.source.replace("where_larger", "where_larger_plainly"), space)
    for one, two in zip(bars, space["rectified_grad"](w, x), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-13)


def test_one_or_zero() -> None:
    """Bit by bit: zeros keep their sign, NaN what is in it."""
    big = rng.normal(size=(40, 50))
    big[0, :4] = NAN, INF, -INF, -0.0
    odd = (big > 0.0).view(np.int8)
    odd[1:3] *= 2
    others = big.T, big[::2, ::-1], np.asfortranarray(big), big.astype("f4"), big.astype(">f8")
    for a in (*arrays(), big, *others):
        masks = [a > 0.0, ~(a > 0.0), np.zeros(a.shape, bool), a[:1] > 0.0, True]
        for c in [*masks, odd.view(bool)] if a is big else masks:
            for quick in (chosen.only_where, chosen.zero_where):
                agree(quick, a, c)
                agree(quick, 1.5, c)
                want = getattr(chosen, f"{quick.__name__}_plainly")(a, c)
                assert quick(a, c).tobytes() == want.tobytes()


def chosen_by_sign(x: Any, y: Any) -> Any:
    return np.sum(np.where(x > 0.1, x * y, 0.0) ** 2) + np.sum(np.where(y > x, 0.0, np.sin(x)))


def test_large_choices() -> None:
    """Where arrays are large at the call; the text is right for small ones, too, and differentiated again."""
    x, y, v = rng.normal(size=(3, 150, 120))
    assert "np.where" in source(grad(chosen_by_sign), x[:2], y[:2])

    def again(x: Any, y: Any) -> Any:
        return chosen_by_sign(x, y)

    g = grad(again)
    got = g(x, y)
    assert "only_where(" in g.source and "zero_where(" in g.source
    np.testing.assert_array_equal(g(x[:2], y[:2]), grad(chosen_by_sign)(x[:2], y[:2]))
    np.testing.assert_array_equal(got[:2], g(x[:2], y[:2]))
    made = g._made(x, y).fn

    def along(x: Any) -> Any:
        return np.vdot(made(x, y), v)

    want = np.vdot(grad(along)(x), v)
    curve = np.vdot(g(x + 1e-6 * v, y) - g(x - 1e-6 * v, y), v) / 2e-6
    assert abs(want - curve) < 1e-5 * abs(curve)


@pytest.mark.parametrize("k", range(len(arrays())))
def test_what_is_rolled(k: int) -> None:
    a = arrays()[k]
    for shift in (0, 1, -1, 2, -3, 7, np.int64(1), (1, 2)):
        for axis in (None, 0, -1) if np.ndim(shift) == 0 else ((0, -1),):
            agree(chosen.rolled, a, shift, axis)
    agree(chosen.rolled, np.zeros((0, 2)), 1, 0)
    agree(chosen.rolled, 2.0, 1)
    with pytest.raises(np.exceptions.AxisError):
        chosen.rolled(a, 1, 5)


def test_every_helper_has_its_longhand() -> None:
    for _, helper, *_ in SHORTHANDS:
        (defined,) = registry.definitions_of(helper)
        assert defined.text is getattr(chosen, f"{helper.__name__}_plainly")


def largest_of_rows(x: Any) -> Any:
    return np.sum(np.max(x, axis=1) ** 2)


def range_of_all(x: Any) -> Any:
    return np.max(x) * np.min(x, axis=0, keepdims=True).sum()


def product_of_rows(x: Any) -> Any:
    return np.sum(np.prod(x, axis=1) ** 2)


def middles(x: Any) -> Any:
    return np.sum(np.median(x, axis=0) ** 2) + np.percentile(x, 30.0) ** 2


def angles(x: Any) -> Any:
    return np.sum(np.arctan2(x, 0.5) ** 2)


def in_order(x: Any) -> Any:
    return np.sum(np.sort(x, axis=0)[:2] ** 2) + np.sort(x[:, 0])[0] ** 2


def running(x: Any) -> Any:
    return np.sum(np.cumprod(x, axis=1) ** 2) + np.sum(np.cumprod(x[:, :2], axis=0) ** 2)


def sums_of_exponentials(x: Any) -> Any:
    return np.sum(np.logaddexp(x[0], x[1]) ** 2)


def the_larger(x: Any) -> Any:
    return np.sum(np.maximum(x, 0.0) ** 2) + np.sum(np.minimum(x, np.maximum(x[:1], 0.5)) ** 3)


def shifted_round(x: Any) -> Any:
    return np.sum(np.roll(x, 1) * x * np.roll(x, -1, axis=1)) + np.sum(np.roll(x, (1, 2), (0, 1)) * x)


FUNCTIONS = {
    shifted_round: ("rolled", "rolled"),
    the_larger: ("is_larger", "is_larger"),
    sums_of_exponentials: ("logaddexp_slope", "np.logaddexp"),
    largest_of_rows: ("to_largest", "of_largest"), range_of_all: ("to_smallest", "of_smallest"),
    product_of_rows: ("times_others", "others"), middles: ("to_quantile", "of_quantile"),
    running: ("cumprod_back", "cumprod"), in_order: ("from_sorted", "sorted_like"),
    angles: ("to_angle", "to_angle"),
}  # fmt: skip


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_where_patterns_are_found(f: Any) -> None:
    """They are, the numbers are right, and a text that calls helpers is differentiated again."""
    x, v = rng.normal(size=(2, 4, 3))
    reverse, forward = FUNCTIONS[f]
    assert reverse in source(grad(f), x)
    d = kept(Forward, f, Request("jvp", ("x",), ways=(Way("x"),)), looked_at(f, "jvp"))
    assert forward in d._variant(d._bind((x,), {}).arguments)[0].made.text.source
    slope = (f(x + 1e-6 * v) - f(x - 1e-6 * v)) / 2e-6
    assert abs(jvp(f, (x,), (v,))[1] - slope) < 1e-7
    assert abs(np.vdot(grad(f)(x), v) - slope) < 1e-7
    again = grad(f)._made(x).fn

    def along(x: Any) -> Any:
        return np.vdot(again(x), v)

    curve = (grad(f)(x + 1e-6 * v) - grad(f)(x - 1e-6 * v)) / 2e-6
    np.testing.assert_allclose(grad(along)(x), curve, rtol=1e-5, atol=1e-6)
