"""Lists of numbers that keep their length, and tables of them, are arrays in kernels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from srcdiff import grad

pytestmark = pytest.mark.usefixtures("uncompiled")


def warped(a, b):
    n, m = len(a), len(b)
    D = [[0.0] * (m + 1) for _ in range(n + 1)]
    for i in range(1, n + 1):
        D[i][0] = 1e3
    for j in range(1, m + 1):
        D[0][j] = 1e3
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            D[i][j] = (a[i - 1] - b[j - 1]) ** 2 + min(D[i - 1][j], D[i][j - 1], D[i - 1][j - 1])
    return D[n][m]


def two_rows(a, b):
    prev = [0.0] * (len(b) + 1)
    for i in range(len(a)):
        cur = [0.0] * (len(b) + 1)
        cur[0] = prev[0] + a[i]
        for j in range(len(b)):
            cur[j + 1] = max(prev[j] + a[i] * b[j], cur[j] - 0.1, prev[j + 1] - 0.2)
        prev = cur
    return prev[-1]


def swapped(a, b):
    prev, cur = [1.0] * (len(b) + 1), [0.0] * (len(b) + 1)
    for i in range(len(a)):
        for j in range(len(b)):
            cur[j + 1] = prev[j] * a[i] + math.sin(cur[j] * b[j])
        prev, cur = cur, prev
    return prev[-1] + 2 * cur[-1]


def computed_rows(a, b):
    T = [[x * y for y in b] for x in a]
    for i in range(1, len(a)):
        for j in range(len(b)):
            T[i][j] += math.sin(T[i - 1][j])
    return sum(T[-1])


def rows_taken(a, b):
    T = [[0.5] * len(b) for _ in range(len(a))]
    for i in range(len(a)):
        row = T[i]
        for j in range(len(b)):
            row[j] = row[j] + a[i] * b[j]
        T[i - 1][0] = row[-1] ** 2
    return T[0][0] + sum(T[len(a) - 1][:2])


def rows_put(a, b):
    T = [[0.0] * len(b) for _ in range(len(a))]
    spare = [0.3] * len(b)
    for i in range(len(a)):
        spare[0] += a[i]
        T[i] = spare[:]
        T[i][-1] *= b[0]
    return T[0][0] * T[-1][-1] + T[-1][0]


def best_of(a, b):
    V = [[0.0] * len(b) for _ in range(len(a) + 1)]
    for t in range(1, len(a) + 1):
        for s in range(len(b)):
            best = -1e300
            for r in range(len(b)):
                best = max(best, V[t - 1][r] + a[t - 1] * math.cos(b[r] - b[s] + r))
            V[t][s] = best
    return max(V[len(a)])


def unlike_rows(a, b):  # a triangle: no table
    T = [[0.0] * (i + 1) for i in range(len(a))]
    for i in range(len(a)):
        for j in range(i + 1):
            T[i][j] = a[i] * b[0] + (T[i - 1][j] if j < i else 1.0)
    return T[-1][0] + sum(T[-1])


def grown_later(a, b):  # not of one length
    T = [[0.0] * len(b) for _ in range(len(a))]
    T.append([1.0] * len(b))
    for i in range(len(a)):
        T[i][0] = a[i] * b[0] + T[-1][0]
    return T[0][0] * T[len(a) - 1][0]


def one_longer(a, b):
    T = [[0.0] * len(b) for _ in range(len(a))]
    T[0] = [2.0] * (len(b) + 1)
    T[0][-1] = a[0] * b[0]
    return sum(T[0]) + len(T[0]) * a[1]


def whole_numbers(a, b):  # 1 // 2 of numbers of Python's
    T = [[1] * len(b) for _ in range(len(a))]
    for i in range(1, len(a)):
        T[i][0] = T[i - 1][0] * 3
    return a[0] * (T[-1][0] // 2) + b[0]


def by_condition(a, b):
    T = [[0.1] * len(b) for _ in range(len(a))]
    for i in range(len(a)):
        for j in range(len(b)):
            if a[i] > b[j]:
                T[i][j] = a[i] * b[j]
            elif i:
                T[i][j] += T[i - 1][j]
    return sum(sum(row) for row in T)


def displayed(a, b):
    T = [[0.0, a[0]], [b[0], 1.0], [a[1], b[0]]]
    for i in range(1, 3):
        for j in range(2):
            T[i][j] += T[i - 1][j] * a[0]
    return T[2][0] * T[2][1]


def kept_names(a, b):
    T = [[0.0] * len(b) for _ in range(len(a))]
    last = T[-1]
    for i in range(len(a)):
        T[i][0] = a[i] ** 2
    return last[0] + T[0][0]


def copies_of_rows(a, b):  # of a list a slice is a copy, of an array a view
    T = [[0.1] * len(b) for _ in a]
    r = [0.2] * len(b)
    for i in range(len(a)):
        for j in range(len(b)):
            r = T[i - 1][:]
            r[j - 1] += a[i] * b[j]
            T[i][j] += math.sin(a[i] + b[j - 1])
            T[i - 1][0] += r[1:][0] if len(b) > 1 else r[0]
    return r[0] + sum(sum(row) for row in T)


def parts_of_a_list(a, b):  # which stays one, and so does its part
    T = [[0.1] * len(b) for _ in a]
    r = list(b)
    s = 0.0
    for i in range(len(a)):
        for j in range(len(b)):
            s += min(r) * 0.1 + math.sin(r[-1] + T[i][j])
            r = T[i - 1][:]
            r[j - 1] += math.sin(a[i] + 0.3)
    return s + r[0] + T[-1][-1]


def numbers_once(a, b):
    s = 0.0
    for x in a:
        w = [x] * len(b)
        for j in range(1, len(b)):
            w[j] = w[j - 1] * b[j]
        s += w[-1]
    return s


R = np.random.default_rng(3)
PROGRAMS = [
    warped, two_rows, swapped, computed_rows, rows_taken, rows_put, best_of, unlike_rows, grown_later,
    one_longer, whole_numbers, by_condition, displayed, kept_names, copies_of_rows,
    parts_of_a_list, numbers_once,
]  # fmt: skip
IN_KERNELS = [
    warped, two_rows, swapped, rows_put, best_of, by_condition, displayed, kept_names, numbers_once,
]  # fmt: skip


def outcome(g: Callable[..., Any], *args: Any) -> Any:
    try:
        return g(*args)
    except IndexError:
        return IndexError


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_numbers(f: Callable[..., Any]) -> None:
    plain, kernels = grad(f, wrt=("a", "b")), grad(f, wrt=("a", "b"), backend="numba")
    for n, m in ((4, 3), (2, 5), (3, 3), (2, 1)):
        a, b = R.standard_normal(n), R.standard_normal(m)
        got = kernels(a, b)
        for g, w in zip(got, plain(a, b), strict=True):
            assert g.dtype == w.dtype
            np.testing.assert_allclose(g, w, rtol=1e-12, atol=1e-12)
        e = 1e-6
        for k, x in enumerate((a, b)):
            d = np.cos(np.arange(len(x)))
            moved = [[a, b], [a, b]]
            moved[0][k], moved[1][k] = x + e * d, x - e * d
            slope = (f(*moved[0]) - f(*moved[1])) / (2 * e)
            np.testing.assert_allclose(got[k] @ d, slope, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_nothing_there(f: Callable[..., Any]) -> None:
    plain, kernels = grad(f), grad(f, backend="numba")
    for n, m in ((3, 2), (0, 2), (1, 0), (0, 0)):
        a, b = R.standard_normal(n), R.standard_normal(m)
        want, got = outcome(plain, a, b), outcome(kernels, a, b)
        assert (want is IndexError) == (got is IndexError)
        if want is not IndexError:
            np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("f", IN_KERNELS, ids=lambda f: f.__name__)
def test_all_of_it_is_compiled(f: Callable[..., Any]) -> None:
    assert not grad(f, backend="numba").compiled(R.standard_normal(4), R.standard_normal(3)).left


def test_single_precision_stays() -> None:
    a, b = R.standard_normal(4).astype(np.float32), R.standard_normal(3).astype(np.float32)
    want, got = grad(warped)(a, b), grad(warped, backend="numba")(a, b)
    assert got.dtype == want.dtype == np.float32
    np.testing.assert_allclose(got, want, rtol=1e-5)
