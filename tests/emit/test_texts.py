"""How emitted texts read: names, comments, and what they do not do."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import srcdiff
from srcdiff import grad


def text(f: Any, *args: Any, **options: Any) -> str:
    return srcdiff.source(grad(f, **options), *args)


def pair(p, x):
    for _ in range(3):
        x = np.exp(x) * p[0] + p[1] * np.tanh(x) * p[0]
    return np.sum(x)


def lengthy(first_argument, second_argument):
    for _ in range(2):
        first_argument = np.sin(first_argument) * second_argument + np.cos(second_argument) * first_argument
    return np.sum(first_argument)


def gates(z, c):
    i, f, o = np.split(z, 3)
    return np.sum(np.tanh(f) * c + i * o)


def halves(x, y):
    return np.sum(np.concatenate([x * 2, np.sin(y)]) ** 3)


def scaled(x):
    return np.sum(x * x * 2)


def shifted(x):
    return np.sum(x * 3) * 2


def table(x, n):
    rows = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(1, n):
            rows[i][j] = rows[i][j - 1] * x + x
    return rows[n - 1][n - 1]


def history(y, n):
    ys = [y]
    for _ in range(n):
        y = np.sin(ys[-1])
        ys.append(y)
    return np.sum(np.stack(ys))


def swapped(x, y):
    for _ in range(3):
        x, y = np.array([x * y, np.sin(x)])
    return x * y


X = np.ones(3)


def test_elements_and_functions_are_called_after_what_they_are_of():
    got = text(pair, X, X, wrt=(0, 1))
    assert "p_0 = p[0]" in got
    assert "exp_x_saved.append(exp_x)" in got and "exp_x = exp_x_saved.pop()" in got


def test_a_long_statement_is_named_by_its_beginning():
    got = text(lengthy, X, X)
    comments = [line.strip() for line in got.splitlines() if line.strip().startswith("#")]
    assert "# first_argument = np.sin(first_argument) * second_argument + ..." in comments
    assert "# line" not in got
    assert not any(a == b for a, b in pairwise(comments))


@pytest.mark.parametrize(
    ("f", "args"), [(gates, (np.ones(6), np.ones(2))), (halves, (X, X))], ids=["split", "concatenate"]
)
def test_sizes_are_known(f, args):
    got = text(f, *args, wrt=(0, 1))
    assert not any(word in got for word in ("cast_like", "check_number", "zeros_like", "np.ndim"))


def test_numbers_are_repeated_once():
    assert "x_bar = 4.0 * x" in text(scaled, X)
    assert "np.full(x.shape, 6.0)" in text(shifted, X)


def test_rows_are_changed_where_they_are():
    got = text(table, 0.5, 4, wrt=0)
    assert ".copy()" not in got and "add(" not in got


def test_a_list_that_grows_is_not_copied():
    assert "ys.copy()" not in text(history, X, 3, wrt=0)


def test_entries_of_a_small_array_go_straight_through():
    got = text(swapped, 0.8, 1.3, wrt=(0, 1))
    assert "zeros_like" not in got and "for item" not in got


def test_arms_that_do_the_same_are_no_branch():
    def f(x, flag):
        y = 2 * x
        if flag > 0:
            y = 2 * x
        return y * y

    assert "if" not in text(f, 2.0, 1.0).partition('"""')[2]
