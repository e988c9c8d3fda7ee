"""Arrays and objects that one path puts into a container, and another name changes after that: refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from srcdiff import UnsupportedSyntax, grad

X = np.array([0.7, 1.3, 0.4, 2.1])


class Point:
    def __init__(self, at: Any) -> None:
        self.at = at


def array(x: Any) -> Any:
    r, rows = x * 2, []
    if x[0] > 0.5:
        rows.append(r)
    r[0] = x[1]
    return sum(np.sum(v) ** 2 for v in rows)


def element_of_another_list(x: Any) -> Any:
    a = [x * k for k in range(1, 5)]
    rows = [r for r in a if r[0] > 0.5]
    a[0][0] = x[1]
    return sum(np.sum(v) ** 2 for v in rows)


def the_one_that_is_in_it_already(x: Any) -> Any:
    r, rows = x * 2, []
    if x[0] > 0.5:
        rows.append(r)
    rows.append(r)
    rows[0][1] = x[1]
    return sum(np.sum(v) ** 2 for v in rows)


def value_of_a_dict(x: Any) -> Any:
    r, table = x * 2, {}
    if x[0] > 0.5:
        table["a"] = r
    r[0] = x[1]
    return sum(np.sum(v) ** 2 for v in table.values())


def an_object(x: Any) -> Any:
    points = [Point(v) for v in x]
    live = []
    for p in points:
        if p.at > 0.6:
            live.append(p)
    points[0].at = x[3]
    return sum(p.at**2 for p in live)


def a_list(x: Any) -> Any:
    p, live = [x[0], x[1]], []
    if x[1] > 0.6:
        live.append(p)
    p.append(x[3])
    return sum(sum(q) ** 2 for q in live)


def an_array_changed_on_a_path_before(x: Any) -> Any:
    r, rows = x * 2, []
    if x[1] > 0.5:
        r[0] = 1.0
    if x[0] > 0.5:
        rows.append(r)
    r += x
    return sum(np.sum(v) ** 2 for v in rows) + np.sum(r)


def twice_on_one_path(x: Any) -> Any:
    rows = [x * 2]
    if x[0] > 0.5:
        rows.append(rows[-1])
    rows[-1][0] = x[1]
    return sum(np.sum(v) ** 2 for v in rows)


def by_an_element_that_is_multiplied(x: Any) -> Any:
    r, rows = x * 2, [x * 3]
    if x[0] > 0.5:
        rows.append(r)
    rows[-1] *= x[1]
    return sum(np.sum(v) ** 2 for v in rows) + np.sum(r**3)


def by_a_list_in_a_list(x: Any) -> Any:
    row, table = [x * 2], [[x * 3]]
    if x[0] > 0.5:
        table.append(row)
    table[-1] += [x]
    return sum(np.sum(v) ** 2 for row in table for v in row) + sum(np.sum(v) for v in row)


def again_in_a_loop(x: Any) -> Any:
    r, rows = x * 2, []
    for k in range(3):
        if x[k] > 0.5:
            rows.append(r)
            r[1:] = 0.5 * x[1:]
    return sum(np.sum(v) ** 2 for v in rows) + np.sum(r)


@pytest.mark.parametrize(
    "f",
    [array, element_of_another_list, the_one_that_is_in_it_already, value_of_a_dict, an_object, a_list,
     an_array_changed_on_a_path_before, twice_on_one_path, by_an_element_that_is_multiplied,
     by_a_list_in_a_list, again_in_a_loop],
)  # fmt: skip
def test_a_change_by_another_name_is_refused(f: Callable[[Any], Any]) -> None:
    with pytest.raises(UnsupportedSyntax, match=r"error\[aliasing\]"):
        grad(f)(X)


def sorted_out(x: Any) -> Any:
    points = [Point(v) for v in x]
    live, rest = [], []
    for p in points:
        if p.at > 0.6:
            live.append(p)
        else:
            rest.append(p)
    return sum(p.at**2 for p in live) * sum(p.at for p in rest) + points[0].at


def changed_in_place(x: Any) -> Any:
    rows = []
    if x[0] > 0.5:
        rows.append(np.zeros(3))
    rows.append(np.ones(3))
    rows[0][1] = x[1]
    rows[1][0] = x[2]
    return sum(np.sum(v) ** 2 for v in rows)


def not_looked_at_again(x: Any) -> Any:
    stack = []
    for v in x:
        q = [v, v * v]
        if v > 0.6:
            stack.append(q)
        if stack and v > 1:
            t = stack.pop()
            stack.append([t[0], x[0]])
    return sum(sum(q) ** 2 for q in stack)


def multiplied_in_place(x: Any) -> Any:
    rows = [x * k for k in range(3)]
    if x[0] > 0.5:
        rows.append(x * 5)
    first, tables = rows[0], [[x], [x * 2]]
    for table in tables:
        table.append(x * 3)
    for k in range(len(rows)):
        rows[k] += x
        rows[k] *= x[1]
        tables[k % 2] += [x * k]
    return sum(np.sum(v) ** 2 for v in [*rows, *tables[0], *tables[1]]) + np.sum(first**3)


def one_or_none(x: Any) -> Any:
    r, best, rows, total = x * 2, None, [], x[0]
    rows.append(r[::-1])
    if x[0] > 5:
        best = r
    for v in rows:
        total = total + np.sum(v * v)
    if best is not None:
        total = total + np.sum(best**2)
    return total


@pytest.mark.parametrize(
    "f", [sorted_out, changed_in_place, not_looked_at_again, multiplied_in_place, one_or_none]
)
def test_what_is_not_changed_so_is_read(f: Callable[[Any], Any]) -> None:
    slope = [(f(X + e) - f(X - e)) / 2e-6 for e in 1e-6 * np.eye(4)]
    np.testing.assert_allclose(grad(f)(X), slope, rtol=1e-6, atol=1e-8)
