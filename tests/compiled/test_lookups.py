"""Masks and several arrays of places in kernels, against the text for NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from srcdiff import grad, jvp

M = np.random.default_rng(3).normal(size=(5, 6))
V = np.random.default_rng(5).normal(size=9)
K, J = np.array([0, 4, 2, 0, -1]), np.array([5, 1, 1, 5, -2])
TABLE = np.array([[0, 1, 8], [3, -2, 3]])


def masked(x: Any) -> Any:
    big = np.abs(x) > 0.6
    return np.sum(x[big] ** 3) + np.sum(np.sin(x[~big])) + np.mean(x[x > 10.0].sum() + x)


def masked_in_loops(x: Any) -> Any:
    s = 0.0
    for k in range(3):
        m = x > 0.3 * k
        s = s + np.sum(x[m] * x[m]) * (k + 1.0)
        x = x * 0.8
    return s


def mask_written(x: Any) -> Any:
    y = x * 1.0
    y[y < -0.5] = 0.0
    y[y > 0.9] *= 0.5
    y[(y > 0.0) & (y < 0.3)] = x[0]
    y[x > 0.0] += x[x > 0.0] ** 2
    return np.sum(y**3)


def mask_of_matrix(x: Any) -> Any:
    y = x * x
    m = x > 0.2
    y[m] = x[m] * 3.0
    y[~m] -= 0.1
    rows = y[:, 0] > 0.5
    return np.sum(y[m] ** 2) + np.sum(y[rows] * 0.3) + np.sum(np.where(m, y, x) ** 2)


def mask_changed(x: Any) -> Any:
    y = x * 1.0
    m = y > 0.0
    z = y[m]
    y[m] = y[m] + 1.0
    m[2] = False
    return np.sum(z * z) + np.sum(y[m] ** 2)


def pairs(x: Any) -> Any:
    return np.sum(x[K, J] ** 2) + np.sum(x[np.arange(5), J] * x[K, 0]) + np.sum(x[:, K[:2]] ** 3)


def tables(x: Any) -> Any:
    return np.sum(x[TABLE] ** 2) + np.sum(np.sum(x[TABLE], axis=1) * x[:2])


def apart(x: Any) -> Any:
    y = np.stack([x, x * x, np.sin(x)])
    return np.sum(y[0, :, K] * y[1, K, :5]) + np.sum(y[:, 1, K] ** 2) + np.sum(y[K[:1], :, J[1:2]])


def pairs_written(x: Any) -> Any:
    y = x * 1.0
    for k in range(3):
        y[K, J] = x[J % 5, K] * (k + 1.0)
        y[K, 1] += y[0, 2] * 0.1
        np.add.at(y, (K, J), x[:, 0])
    return np.sum(y * y)


def bilinear(x: Any) -> Any:
    at = np.abs(x[:, 0]) * 1.5
    low = np.floor(at).astype(int)
    f = at - low
    return np.sum((M[low, 1] * (1.0 - f) + M[low + 1, 2] * f) ** 2)


def pivoted(x: Any) -> Any:
    x = x.copy()
    for k in range(x.shape[0]):
        p = k + int(np.argmax(np.abs(x[k:, k])))
        if p != k:
            x[[k, p]] = x[[p, k]]
        for i in range(k + 1, x.shape[0]):
            x[i, k:] -= 0.3 * x[i, k] * x[k, k:]
    return np.sum(x * x * np.arange(6.0))


def swapped(x: Any) -> Any:
    """Places named twice, from the end, along the second axis, added to."""
    x = x.copy()
    for k in range(4):
        i, j = k * 3 % 5, (k * 2 + 1) % 5 - 5
        x[[i, j]] = x[[j, i]] * 1.5
        x[[0, 0]] = x[[1, 2]]
        x[[i, j, 2]] += 0.3
        x[[k % 5], 1:3] *= 2.0
    return np.sum(x**2 * np.arange(6.0))


def numbers_swapped(x: Any) -> Any:
    x = x.copy()
    s = 0.0
    for k in range(5):
        x[[k, k + 1]] = x[[k + 1, k]] * np.array([1.0, 2.0])
        s += np.sum(x[[k, 0, 0]] ** 2)
    return s + x @ x


def rows_at_places(x: Any) -> Any:
    x = x.copy()
    for _ in range(3):
        x[K] = np.sin(x[J % 5]) * x[1]
    return np.sum(x**3)


PROGRAMS: list[tuple[Callable[..., Any], Any]] = [
    (masked, V), (masked_in_loops, V), (mask_written, V), (mask_of_matrix, M), (mask_changed, V), (pairs, M),
    (tables, V), (apart, M), (pairs_written, M), (bilinear, M), (pivoted, M), (swapped, M),
    (numbers_swapped, V), (rows_at_places, M),
]  # fmt: skip


ROWS = [pivoted, numbers_swapped, rows_at_places]


@pytest.mark.parametrize(("f", "x"), PROGRAMS, ids=lambda p: getattr(p, "__name__", ""))
def test_against_numpy(f: Callable[..., Any], x: Any, uncompiled: None) -> None:
    want, got = (grad(f, backend=b) for b in ("numpy", "numba"))
    np.testing.assert_allclose(got(x), want(x), rtol=1e-10, atol=1e-12)
    for one in (x * -0.7, x[:, ::-1] if x.ndim > 1 else x[::-1]):  # other masks
        np.testing.assert_allclose(got(one), want(one), rtol=1e-10, atol=1e-12)
    want, got = (jvp(grad(f), (x,), (x[::-1] * 0.3,), backend=b)[1] for b in ("numpy", "numba"))
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("f", [masked, masked_in_loops, mask_of_matrix, pairs, tables, *ROWS])
def test_compiled(f: Callable[..., Any], uncompiled: None) -> None:
    report = str(grad(f, backend="numba").compiled(dict(PROGRAMS)[f]))
    assert "not compiled" not in report, report


def far(x: Any, at: Any) -> Any:
    return np.sum(x[at, at] ** 2)


def far_in_a_list(x: Any, at: Any) -> Any:
    x = x.copy()
    for k in range(2):
        x[[k, at[1]]] = x[[at[0], k]] * 2.0
    return np.sum(x**2)


def test_out_of_bounds(uncompiled: None) -> None:
    with pytest.raises(IndexError):
        grad(far_in_a_list, backend="numba")(M, np.array([1, 5]))
    with pytest.raises(IndexError):
        grad(far, backend="numba")(M, np.array([1, 5]))


def test_loops_to_the_shortest_length_check_nothing(uncompiled: None) -> None:
    def weighed(x, y):
        s = 0.0
        for i in range(min(len(x), len(y))):
            s += np.exp(x[i]) * y[i]
        return s

    def beyond(x, y):
        s = 0.0
        for i in range(min(len(x) + 1, len(y))):
            s += np.exp(x[i]) * y[i]
        return s

    g, h = grad(weighed, backend="numba"), grad(beyond, backend="numba")
    for n, m in ((3, 5), (5, 3), (0, 2)):
        x, y = np.linspace(0.0, 1.0, n), np.linspace(1.0, 2.0, m)
        least = min(n, m)
        np.testing.assert_allclose(g(x, y), [*(np.exp(x) * 1.0)[:least] * y[:least], *np.zeros(n - least)])
    assert "place(" not in g.source
    with pytest.raises(IndexError):
        h(np.ones(3), np.ones(5))
