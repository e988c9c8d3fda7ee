"""Variables that are None at first, in kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from srcdiff import grad, jvp, value_and_grad

pytestmark = pytest.mark.usefixtures("uncompiled")


def first_then(w, x, n):
    q = None
    for _ in range(n):
        if q is None:
            q = np.zeros(len(x))
        q = np.sin(q) * w + x
    return np.sum(q * q)


def by_index(w, x, n):
    q = None
    for i in range(n):
        q = w * x if i == 0 else q * w
    return np.mean(q)


def steps_between(w, x, n):
    prev, s = None, np.sum(w)
    for i in range(n):
        cur = np.sin(w * x[i % len(x)])
        if prev is not None:
            s += np.sum((cur - prev) ** 2)
        prev = cur
    return s


def the_smallest(w, x, n):
    best = None
    for i in range(n):
        c = np.sum((w - x[i % len(x)]) ** 2)
        if best is None or c < best:
            best = c
    return best


def and_where(w, x, n):
    best, arg = None, None
    for i in range(n):
        c = np.sum((w - x[i % len(x)]) ** 2)
        if best is None or c < best:
            best, arg = c, w * x[i % len(x)]
    return best + np.sum(arg * w)


def while_it_lasts(w, x, n):
    q = None
    while n > 0:
        if q is None:
            q = w + x
        else:
            q = np.sin(q + w)
        n -= 1
    return np.sum(q * x)


def inner(w, x, n):
    q, s = None, 0.0
    for i in range(n):
        for j in range(2):
            if i + j > 0:
                s += np.sum(q * w)
            q = w * x * (j + 1)
    return s + np.sum(q * q)


def on_one_path(w, x, n):
    q = None
    if n > 1:
        q = w * x
    s = np.sum(w * 2)
    for i in range(n):
        if q is not None and i > 0:
            s = s + np.sum(q * w) * i
    return s


def gone_again(w, x, n):
    q, s = None, np.sum(w * x)
    for i in range(n):
        if i % 3 == 2:
            q = None
        elif q is None:
            q = w[0] * i + 1.0
        else:
            s = s + q * w[1]
            q = q * w[2]
    return s if q is None else s + q


def taken_for_granted(w, x, n):  # None if n is two
    q, s = None, 0.0
    for i in range(n):
        if i > 2:
            q = x * i
    for k in range(len(w)):
        s = s + w[k] * q[k] * q[k]
    return s


R = np.random.default_rng(5)
PROGRAMS = [
    first_then, by_index, steps_between, the_smallest, and_where, while_it_lasts, inner, on_one_path,
    gone_again, taken_for_granted,
]  # fmt: skip


def outcome(g: Callable[..., Any], *args: Any) -> Any:
    try:
        return g(*args)
    except (TypeError, AttributeError):
        return TypeError


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_numbers(f: Callable[..., Any]) -> None:
    plain, kernels = value_and_grad(f, wrt=("w", "x")), value_and_grad(f, wrt=("w", "x"), backend="numba")
    for n, size in ((5, 4), (1, 4), (2, 4), (4, 3), (7, 5), (0, 4)):
        w, x = R.standard_normal(size), R.standard_normal(size)
        want, got = outcome(plain, w, x, n), outcome(kernels, w, x, n)
        assert (want is TypeError) == (got is TypeError)
        if want is TypeError:
            continue
        np.testing.assert_allclose(got[0], want[0], rtol=1e-12)
        d, e = np.cos(np.arange(size)), 1e-6
        slopes = (f(w + e * d, x, n) - f(w - e * d, x, n), f(w, x + e * d, n) - f(w, x - e * d, n))
        for g, h, slope in zip(got[1], want[1], slopes, strict=True):
            np.testing.assert_allclose(g, h, rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(g @ d, slope / (2 * e), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_it_is_compiled(f: Callable[..., Any]) -> None:
    w, x = R.standard_normal(4), R.standard_normal(4)
    assert not grad(f, backend="numba").compiled(w, x, 5).left


@pytest.mark.parametrize("f", [first_then, and_where, gone_again], ids=lambda f: f.__name__)
def test_tangents_and_second_order(f: Callable[..., Any]) -> None:
    w, x, d = R.standard_normal(4), R.standard_normal(4), R.standard_normal(4)
    for backend in ("numpy", "numba"):
        _, slope = jvp(f, (w, x, 5), (d, None, None), backend=backend)
        np.testing.assert_allclose(slope, grad(f)(w, x, 5) @ d, rtol=1e-10)
    along = grad(lambda w: grad(f)(w, x, 5) @ d, backend="numba")(w)
    e = 1e-6
    change = (grad(f)(w + e * d, x, 5) - grad(f)(w - e * d, x, 5)) / (2 * e)
    np.testing.assert_allclose(along, change, rtol=1e-5, atol=1e-5)
