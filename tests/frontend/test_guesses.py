"""What a loop carries is guessed before it is read: fewer readings, the same text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import srcdiff
from srcdiff import grad
from srcdiff.frontend import guesses, loops


def writes(x: Any) -> Any:
    out = np.zeros(4)
    total = 0.0 * x[0]
    for i in range(3):
        for j in range(2):
            out[i] = out[i] + x[j] * x[i]
            total = total + out[i]
    return total


def becomes_array(x: Any) -> Any:
    total = 0
    for i in range(3):
        for j in range(2):
            total = total + x * float(i + j)
    return np.sum(total * x)


def binds_what_it_was(x: Any) -> Any:
    scale, y = 2.0, 1.0 * x[0]
    for i in range(3):
        scale = 2.0
        y = y * x[i] * scale
    return y


def one_more(x: Any) -> Any:
    rows, y = [1.0 * x[0]], 1.0 * x[1]
    for i in range(3):
        y = y * x[i]
        rows.append(y)
    return rows[-1] + y


def collects(x: Any) -> Any:
    rows = []
    for a in x:
        row = []
        for k in range(2):
            row.append(a * k + a * a)
        rows.append(row)
    return rows[0][1] * rows[-1][0]


def begins_with_zero(x: Any) -> Any:
    total, count = 0, 0
    for a in x:
        for b in x:
            total = total + a * b
            if total > 3:
                count += 1
    return total * total + count


def asks_for_types(x: Any) -> Any:
    total, before = 0, 0
    for a in x:
        total = total + a
        if isinstance(total, float):
            total = total * a
        if isinstance(before, int):
            total = total * 3.0
        before = total
    return total


def counted(monkeypatch: pytest.MonkeyPatch, f: Any) -> tuple[str, int]:
    """The text of a gradient, and how often bodies of loops were read for it."""
    times = 0
    read = loops.in_loop

    def count(*args: Any) -> Any:
        nonlocal times
        times += 1
        return read(*args)

    with monkeypatch.context() as m:
        m.setattr(loops, "in_loop", count)
        text = srcdiff.source(grad(f), np.arange(1.0, 5.0))
    return text, times


SAME = {
    writes: 3, becomes_array: 0, binds_what_it_was: -1, one_more: 0, collects: 3, begins_with_zero: 3,
    asks_for_types: 0,
}  # fmt: skip


@pytest.mark.parametrize("f, fewer", SAME.items())
def test_same_text(f: Any, fewer: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text, times = counted(monkeypatch, f)
    monkeypatch.setattr(guesses, "likely", lambda lw, node: {})
    plain, most = counted(monkeypatch, lambda x: f(x))
    assert text.replace(f.__name__, "f").split('"""')[2:] == plain.replace("_lambda_", "f").split('"""')[2:]
    assert most - times >= fewer


@pytest.mark.parametrize("f", SAME)
def test_gradient(f: Any) -> None:
    x, h = np.array([1.1, 0.9, 1.3, 0.7]), 1e-6
    wanted = [(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(4)]
    np.testing.assert_allclose(grad(f)(x), wanted, rtol=1e-6)
