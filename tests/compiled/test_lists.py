"""Lists that grow and shrink in kernels, against the text for NumPy."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from srcdiff import grad, jvp

X = np.linspace(0.1, 0.9, 5)


def sums(x: Any) -> Any:
    out = []
    u = x * 1.0
    for _ in range(20):
        u = np.sin(u) + u * u * 0.1
        out.append(np.sum(u))
    return np.sum(np.array(out) ** 2) + out[-1] * out[3]


def trajectory(x: Any) -> Any:
    states = [x]
    for k in range(20):
        states.append(states[-1] + 0.1 * np.sin(states[max(0, k - 3)]))
    return np.sum(np.stack(states) ** 2) + np.sum(states[4] * states[-2])


def element_by_element(x: Any) -> Any:
    ys = []
    for v in x:
        ys.append(np.exp(-v) * v)
    s = 0.0
    for k in range(1, len(ys)):
        s += (ys[k] - ys[k - 1]) ** 2
    return s


def delayed(x: Any) -> Any:
    xs = [x[0], x[1]]
    for k in range(40):
        xs.append(xs[-1] * 0.9 + 0.01 * np.sin(xs[k]) * x[k % 5])
    total = 0.0
    for v in xs:
        total += v * v
    return total


def perhaps(x: Any) -> Any:
    kept = []
    for k in range(5):
        if x[k] > 0.3:
            kept.append(x[k] * x[k])
        if len(kept) > 2:
            kept[0] = kept[0] * kept[1]
            kept[-1] += x[0]
    s = 1.0
    for v in kept:
        s = s * v + v
    return s + len(kept) * x[0]


def stack_machine(x: Any) -> Any:
    stack = []
    for k in range(5):
        stack.append(np.sin(x[k]))
        if k % 2:
            a = stack.pop()
            b = stack.pop()
            stack.append(a * b + a)
    return stack[-1] * stack[0]


def changed_after(x: Any) -> Any:
    """What a list holds is what was appended, whatever becomes of the array."""
    saved = []
    u = x * 1.0
    for k in range(4):
        saved.append(u * 1.0)
        u[k] = u[k] * u[k + 1]
        saved[0][1] = u[0]
    return np.sum(np.array(saved) ** 2) + np.sum(u * saved[2])


def shorter(x: Any) -> Any:
    """A number of trips that is the least of two."""
    s = 0.0
    n = int(np.sum(x > 0.4))
    for k in range(1, min(n, len(x) - 1)):
        s = s * x[k] + x[k] ** 2
    return s


def emptied(x: Any) -> Any:
    todo = [x[0], x[1], x[2]]
    s = 0.0
    while todo:
        v = todo.pop()
        s += v * v
        if v > 0.45 and len(todo) < 6:
            todo.append(v * 0.5)
            todo.append(v * x[3] * 0.5)
    return s


def two_lists(x: Any) -> Any:
    a, b = [], []
    for k in range(5):
        a.append(x[k] * 2.0)
        b.append(a[k] * x[0])
        a[0] = b[k]
    return np.sum(np.array(a) * np.array(b))


def returned(x: Any) -> Any:
    out = []
    for k in range(5):
        out.append(x[k] * x[k])
    return np.percentile(out, 30) + np.sum(np.fft.fft(np.array(out)).real ** 2)


def of_all_trips(x: Any) -> Any:
    s = 0.0
    for k in range(3):
        row = []
        for j in range(k + 2):
            row.append(np.sin(x[j]) * (k + 1.0))
        s = s + np.sum(np.array(row)) ** 2
    return s


def states(x: Any) -> Any:
    h, hs = np.tanh(x[:3]), []
    for k in range(4):
        h = np.tanh(h * x[k] + x[1:4])
        hs.append(h)
    H = np.array(hs)
    return np.sum(H**2) + np.sum(H[0] * h)


def states_gone_through(x: Any) -> Any:
    h, hs = np.tanh(x[:3]), []
    for k in range(4):
        h = np.tanh(h * x[k] + x[1:4])
        hs.append(h)
    t = 0.0
    for a in hs:
        t = t * np.sum(a) + np.sum(a**2)
    return t


def ring(x: Any) -> Any:
    held = [x * 0.1 for _ in range(3)]
    for k in range(5):
        held[k % 3] = np.sin(held[(k + 1) % 3]) + x
    return sum(np.sum(a) for a in held)


def delay_line(x: Any) -> Any:
    """What goes in at one end comes out at the other."""
    held, out = [0.0] * 4, 0.0
    for k in range(12):
        old = held.pop(0)
        held.append(x[k % 5] + 0.5 * old)
        out += held[-1] * held[0]
    return out


def window(x: Any) -> Any:
    seen, out = [], 0.0
    for v in x:
        seen.append(v * v)
        if len(seen) > 3:
            seen.pop(0)
        out += (v - sum(seen) / len(seen)) ** 2
    return out


def rows_made_anew(x: Any) -> Any:
    """A row is made of the one before, one longer."""
    row = [1.0]
    for q in x:
        inner = [row[i] * (1 - q) + row[i - 1] * q for i in range(1, len(row))]
        row = [row[0] * (1 - q)] + inner + [row[-1] * q]
    return sum(i * i * v for i, v in enumerate(row))


def best_of_rows(x: Any) -> Any:
    best = [0.0] * 8
    for k in range(5):
        row = best[:]
        for c in range(k + 1, 8):
            taken = best[c - k - 1] + x[k] * x[4 - k]
            if taken > best[c]:
                row[c] = taken
        best = row
    return best[7] ** 2 + best[4]


def cut_shorter(x: Any) -> Any:
    """Parts of lists that may be shorter than the part."""
    a, s = [x[0]], 0.0
    for k in range(6):
        b = a[:3] + [s * 0.5 + x[k % 5]]
        s += sum(b[7:]) + sum(b[-2:]) + sum(a[1:])
        a = b[2:] + a[-2:] if k % 2 else [x[1] * s] + b
    return s + sum(a) * len(a)


LISTS_MADE_ANEW = [delay_line, window, rows_made_anew, best_of_rows, cut_shorter]


PROGRAMS = [
    *LISTS_MADE_ANEW, states, states_gone_through, ring,
    sums, trajectory, element_by_element, delayed, perhaps, stack_machine, changed_after, emptied, two_lists,
    returned, of_all_trips, shorter,
]  # fmt: skip


@pytest.mark.parametrize("f", PROGRAMS)
def test_against_numpy(f: Callable[..., Any], uncompiled: None) -> None:
    want, got = (grad(f, backend=b) for b in ("numpy", "numba"))
    np.testing.assert_allclose(got(X), want(X), rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(got(X[::-1].copy()), want(X[::-1].copy()), rtol=1e-10, atol=1e-13)
    if PROGRAMS.index(f) % 3 and not os.environ.get("SRCDIFF_ALL"):
        return
    want, got = (jvp(grad(f), (X,), (X[::-1] * 0.3,), backend=b)[1] for b in ("numpy", "numba"))
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(
    "f", [*LISTS_MADE_ANEW, states, states_gone_through, ring, sums, trajectory, delayed, emptied]
)
def test_compiled(f: Callable[..., Any], uncompiled: None) -> None:
    assert "not compiled" not in str(grad(f, backend="numba").compiled(X))


def test_numba_takes_them() -> None:
    for f in (trajectory, sums):
        np.testing.assert_allclose(grad(f, backend="numba")(X), grad(f)(X), rtol=1e-10)


def factorials(x: Any, n: int) -> Any:
    total, k_bang = 1.0, 1
    for k in range(1, n):
        k_bang *= k
        total += x**k / k_bang
    return total


def grown_in_a_list(x: Any, n: int) -> Any:
    h = [1]
    for _ in range(n):
        h.append(h[-1] * 5)
    return x * (h[-1] % 7)


def random_numbers(x: Any, n: int) -> Any:
    seed, total = 7, 0.0
    for _ in range(n):
        seed = (25214903917 * seed + 11) % 2**20
        total += x * seed / 2**20
    return total


@pytest.mark.parametrize("f", [factorials, grown_in_a_list, random_numbers])
def test_whole_numbers_that_outgrow_a_kernel(f: Any, uncompiled: None) -> None:
    """They are never wrong: as Python's, or an error."""
    g = grad(f, backend="numba")
    assert np.isclose(g(1.5, 15), grad(f)(1.5, 15), rtol=1e-14)
    assert "whole_product(" in g.source
    if f is not random_numbers:
        with pytest.raises(OverflowError):
            g(1.5, 60)


def each_once(x: Any, n: int) -> Any:
    seen: list[int] = []
    s = 0.0
    for i in range(n):
        k = i * i % 5
        if k not in seen:
            seen.append(k)
            s += x[k] ** 2
        s += x[0] if i in (0, n - 1) else x[1] * x[2]
        if s in (0.25, 1):
            s *= 2.0
    return s


def but_some(x: Any, out: Any) -> Any:
    s = 0.0
    for i in range(len(x)):
        if i in out:
            continue
        s += x[i] ** 2 * (i + 1)
    return s


def of_a_set(x: Any, n: int) -> Any:
    s, some = 0.0, {0, 3}
    for i in range(n):
        if i in {1, 2, 7}:
            s = s * x[1] + x[0]
        elif i not in some:
            s += x[i % 5] ** 2
    return s


def of_a_set_that_grows(x: Any, n: int) -> Any:
    """What is added is found afterwards."""
    s, some = 0.0, {1, 2}
    for i in range(n):
        s += x[i % 5] if i in some else 0.5 * x[0]
    some.add(3)
    for i in range(n):
        s += x[i % 5] ** 2 if i in some else 0.5 * x[1]
        if i == 5:
            some.add(6)
    return s


def padded(x: Any, labels: Any) -> Any:
    """The list is made by NumPy's text, and read in a kernel."""
    ext = [0]
    for c in labels:
        ext += [c, 0]
    s = 0.0
    for i in range(len(ext)):
        for k in range(2):
            s += x[ext[i]] ** 2 * x[k]
    return s


@pytest.mark.parametrize(
    "f, args",
    [(each_once, (9,)), (of_a_set, (9,)), (but_some, ([1, 3, 9],)), (but_some, (np.array([1, 3]),)),
     (padded, ([1, 3, 3],)), (padded, (np.array([2, 4]),))],
)  # fmt: skip
def test_numbers_among_others(f: Callable[..., Any], args: tuple[Any, ...], uncompiled: None) -> None:
    g = grad(f, backend="numba")
    np.testing.assert_allclose(g(X, *args), grad(f)(X, *args), rtol=1e-12)
    assert all(left.what == "concat" for left in g.compiled(X, *args).left)


def test_a_set_that_grows_is_asked_as_it_is(uncompiled: None) -> None:
    f = of_a_set_that_grows
    np.testing.assert_allclose(grad(f, backend="numba")(X, 8), grad(f)(X, 8), rtol=1e-12)


def test_a_list_that_holds_a_nan_is_left_to_python(uncompiled: None) -> None:
    def f(x: Any, n: int) -> Any:
        s, y = 0.0, x * np.nan
        for _ in range(n):
            s += x if y in (y, 1.0) else 2.0 * x  # found: it is the same object
        return s

    g = grad(f, backend="numba")
    assert g(1.5, 3) == grad(f)(1.5, 3)
    assert any("membership" in left.why for left in g.compiled(1.5, 3).left)
