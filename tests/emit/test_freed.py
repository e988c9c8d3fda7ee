"""Where arrays are let go: what it saves, and what stays."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import gast
import numpy as np
import pytest

from numeric import assert_close, directional, gradient
from srcdiff import grad
from srcdiff.emit import freed, trips
from srcdiff.emit.alive import Alive


def attention(Wq, Wk, Wv, x):
    q = x @ Wq
    k = x @ Wk
    v = x @ Wv
    s = q @ k.T / 8.0
    e = np.exp(s - np.max(s))
    p = e / np.sum(e, axis=1, keepdims=True)
    y = p @ v
    return np.sum(y * y)


def perhaps(x, n):
    y = x @ x
    for _ in range(n):
        t = np.sin(y)
        y = t @ t * 0.1
    z = np.exp(y) @ np.cos(y)
    w = np.tanh(z) @ z
    return np.sum(w * w)


def vectors(x, y):
    a = np.sin(x)
    b = a * y
    c = np.cos(b)
    return np.sum(c * a)


def reshaped(A, C):
    A = A.copy()
    for r in range(A.shape[0]):
        A[r, :, :] = np.reshape(np.reshape(A[r], (4, 1, 5)) @ C, (4, 5))
    return np.sum(A)


def held(f: Callable[..., Any], *args: Any) -> int:
    f(*args)
    tracemalloc.start()
    try:
        f(*args)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def without(text: str, name: str) -> Callable[..., Any]:
    """The function of a text without what is let go."""
    lines = [line for line in text.splitlines() if not line.strip().startswith("del ")]
    space: dict[str, Any] = {}
    exec("\n".join(lines), space)
    return space[name]  # type: ignore[no-any-return]


def test_less_is_held() -> None:
    rng = np.random.default_rng(0)
    args = tuple(rng.standard_normal(s) * 0.1 for s in ((64, 64), (64, 64), (64, 64), (128, 64)))
    g = grad(attention)
    g(*args)
    assert 1 <= g.source.count("    del ") <= 4
    before = without(g.source, "attention_grad")
    assert np.array_equal(before(*args), g(*args))
    assert held(g, *args) < 0.75 * held(before, *args)
    ahead = rng.standard_normal((64, 64))
    assert_close(np.vdot(g(*args), ahead), directional(attention, args, (0,), (ahead,))[0], 1e-6)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_what_may_not_be_bound_stays(n: int) -> None:
    x = np.random.default_rng(1).standard_normal((6, 6)) * 0.3
    g = grad(perhaps)
    assert_close(g(x, n), gradient(perhaps, (x, n), (0,))[0], 1e-6)


def test_few_vectors_stay() -> None:
    g = grad(vectors)
    g(np.ones(3), np.ones(3))
    assert "del " not in g.source


def test_sizes_are_not_kept() -> None:
    rng = np.random.default_rng(2)
    A, C = rng.standard_normal((3, 4, 5)), rng.standard_normal((5, 5))
    g = grad(reshaped)
    g(A, C)
    assert "append" not in g.source and "copy()\n    A" not in g.source
    assert_close(g(A, C), gradient(reshaped, (A, C), (0,))[0], 1e-6)


def carried(q, u, v, n):
    q = q.copy()
    for _ in range(n):
        right = q[1:-1, 1:-1] - q[:-2, 1:-1]
        up = q[1:-1, 1:-1] - q[1:-1, :-2]
        q[1:-1, 1:-1] -= 0.1 * (u[1:-1, 1:-1] * right + v[1:-1, 1:-1] * up)
    return np.sum(q * q)


def test_what_trips_leave_is_let_go_in_the_loop() -> None:
    args = (*np.random.default_rng(3).random((3, 250, 250)), 4)
    g = grad(carried)
    g(*args)
    assert "        del " in g.source
    before = without(g.source, "carried_grad")
    assert held(g, *args) < 0.8 * held(before, *args)
    for n in (0, 1, 3):
        assert np.array_equal(before(*args[:3], n), g(*args[:3], n))
    small = (*np.random.default_rng(3).random((3, 5, 4)), 3)
    assert_close(g(*small), gradient(carried, small, (0,))[0], 1e-6)


def bins(data, n):
    s = 0.0
    for i in range(n):
        inside = (data >= i) & (data < i + 1)
        w = np.where(inside, data, 0.0)
        m = np.sum(w) / (np.sum(inside) + 1.0)
        s = s + m * m
    return s


def test_what_is_done_with_in_a_trip_is_let_go_before_its_end() -> None:
    args = (3.0 * np.random.default_rng(4).random((150, 200)), 3)
    g = grad(bins)
    g(*args)
    lines = g.source.splitlines()
    gone = [n for n, line in enumerate(lines) if line.startswith("        del ")]
    assert any(lines[n + 1].startswith("        ") for n in gone)
    before = without(g.source, "bins_grad")
    assert np.array_equal(before(*args), g(*args))
    assert held(g, *args) < 0.8 * held(before, *args)


def lasting(x, y, n, stop):
    kept = x
    for i in range(n):
        t = np.sin(x) * y
        if i == stop:
            kept = t * t
            break
        x = x + 0.1 * t
        s = t * x
        for _ in range(2):
            s = s * 0.5 + t
    return np.sum(kept * x) + (np.sum(t * s) if n > 1 and stop > 0 else 0.0)


def test_what_is_read_on_any_way_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is let go that may be, as if memory were all that counts."""
    monkeypatch.setattr(freed, "SURE", (10.0, -1.0))
    monkeypatch.setattr(freed, "LINE", 0.0)
    monkeypatch.setattr(freed, "IN_LOOP", 0.0)
    monkeypatch.setattr(trips, "LITTLE", -1.0)
    monkeypatch.setattr(trips, "PART", 0.0)
    monkeypatch.setattr(trips.Trip, "fewer", lambda self: iter(()))
    large = np.random.default_rng(4).random((2, 20_000))
    g = grad(lasting)
    g(*large, 3, 1)
    assert "        del " in g.source
    small = large[:, :5]
    for n, stop in ((2, 1), (3, 1), (3, 2), (4, 9), (1, 0), (0, 0)):
        assert_close(g(*small, n, stop), gradient(lasting, (*small, n, stop), (0,))[0], 1e-6)


@pytest.mark.parametrize(
    ("text", "alive"),
    [
        ("t = a\nfor i in s:\n    t = b\n    c = t\n", {"a", "b", "s"}),
        ("for i in s:\n    c = t\n    t = b\n", {"t", "b", "s"}),
        ("for i in s:\n    t = b\n    if t:\n        break\n    r = c\nd = r\n", {"b", "c", "r", "s"}),
        ("for i in s:\n    if q:\n        continue\n    t = b\nd = t\n", {"b", "q", "s", "t"}),
        ("while w:\n    w = t\n    t = 0\n", {"w", "t"}),
        ("if q:\n    t = a\nelse:\n    t = b\nd = t\n", {"q", "a", "b"}),
        ("for i in s:\n    try:\n        break\n    finally:\n        pass\n    t = 0\nd = t\n", {"s", "t"}),
    ],
)
def test_alive(text: str, alive: set[str]) -> None:
    first, *rest = gast.parse("first = 0\n" + text).body
    assert Alive([first, *rest]).behind[id(first)] == alive


def rough(u, c):
    across = u[:, 1:] - u[:, :-1]
    down = u[1:, :] - u[:-1, :]
    return np.sum(np.sqrt(across[:-1, :] ** 2 + down[:, :-1] ** 2 + c))


def test_large_results_are_computed_where_they_are_to_lie() -> None:
    u = np.random.default_rng(5).random((301, 200))
    g = grad(rough)
    g(u, 0.1)
    assert g.source.count("np.divide(") == 2 and "np.negative(" in g.source
    for small in (u[:5, :4], u[:2, :2], np.asfortranarray(u[:5, :4]), u[:10:2, 3::-1]):
        assert_close(g(small, 0.1), gradient(rough, (small, 0.1), (0,))[0], 1e-6)
