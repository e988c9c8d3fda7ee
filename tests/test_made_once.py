"""Equal elements of lists, which are made once, changed in place: each is an array of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from srcdiff import jvp, source, value_and_grad

X = np.array([0.3, -0.5, 0.8])


def total(rows: Any) -> Any:
    s = 0.0
    for j, e in enumerate(rows):
        s = s + (j + 1) * np.sum(e * e)
    return s


def in_a_loop(x: Any) -> Any:
    rows = []
    for _ in range(len(x)):
        rows.append(np.sin(x))
    for e in rows:
        e[1] += 0.2 * np.sum(x)
    return total(rows)


def in_one_display(x: Any) -> Any:
    rows = [np.sin(x), np.sin(x)]
    for k in range(int(x[2] > 0)):
        rows.append(x * k)
    for e in rows:
        e[1] += 0.2 * np.sum(x)
    return total(rows)


def in_a_dict(x: Any) -> Any:
    table = {}
    for k in range(len(x)):
        table[k] = np.sin(x)
    for e in table.values():
        e[1] += 0.2 * np.sum(x)
    return total(table.values())


def put_over_others(x: Any) -> Any:
    rows = [x * k for k in range(len(x))]
    for k in range(len(x)):
        rows[k] = np.sin(x)
    for e in rows:
        e[1] += 0.2 * np.sum(x)
    return total(rows)


def in_a_loop_of_writes(x: Any) -> Any:
    rows = [np.sin(x) for _ in range(len(x))]
    for k in range(len(x)):
        e = rows[k]
        for j in range(2):
            e[j] = e[j] * x[j] + e[0]
    return total(rows)


def on_a_path(x: Any) -> Any:
    rows, u = [], np.sin(x)
    for k in range(len(x)):
        if x[k] > 0.5:
            u = u * x
        rows.append(u * 1.0)
    for e in rows:
        e[1] += 0.2 * np.sum(x)
    return total(rows)


@pytest.mark.parametrize(
    "f", [in_a_loop, in_one_display, in_a_dict, put_over_others, in_a_loop_of_writes, on_a_path]
)
def test_each_is_an_array_of_its_own(f: Any) -> None:
    value, slope = value_and_grad(f)(X)
    assert value == pytest.approx(f(X))
    expected = [(f(X + e) - f(X - e)) / 2e-6 for e in 1e-6 * np.eye(3)]
    np.testing.assert_allclose(slope, expected, rtol=1e-6, atol=1e-8)
    v = np.array([0.7, -0.2, 1.1])
    assert jvp(f, (X,), (v,))[1] == pytest.approx(slope @ v)


def test_what_is_not_changed_is_one_array() -> None:
    def f(x: Any) -> Any:
        rows = []
        for _ in range(len(x)):
            rows.append(np.sin(x))
        return total(rows)

    assert ".copy()" not in source(value_and_grad(f), X)
