"""Numbers read back from what no derivative passes through: refused, wherever the reading is done."""

from __future__ import annotations

import numpy as np
import pytest

from srcdiff import grad, jvp, vjp
from srcdiff.errors import NoRule


def mapped(x):
    return sum(map(float, " ".join([str(x), str(2 * x)]).split()))


def from_string(x):
    return np.fromstring(f"{x} {x}", sep=" ").sum()


def array_of_text(x):
    return np.array(str(x)).astype(float) * x


def typed(x):
    return np.array([str(x)], dtype=float)[0] * x


def scalar_type(x):
    return np.float64(str(x)) * x


def recursive(x):
    def padded(n, text):
        return float(text) if n == 0 else padded(n - 1, text + "0")

    return padded(2, f"{x:.3f}")


def chosen(x):
    return float(str(x) if x > 0 else "0") * x


def encoded(x):
    return float(str(x).encode()) * x


def names(x):
    d = {}
    for k in range(3):
        d[f"{x * k:.2f}"] = x * k
    return sum(float(k) * v for k, v in d.items())


def keys(x):
    d = {}
    for k in range(1, 3):
        d[x * k] = k
    return sum(v * w for v, w in d.items())


def largest(x):
    d = {}
    for v in (x, x * x, x * x * x):
        d[v] = d.get(v, 0) + 1
    return max(d)


def displayed(x):
    return sum(k for k in {x: 1, 2 * x: 2})


def in_tuples(x):
    d = {}
    for k in range(3):
        d[k, x * k] = 1.0
    return sum(b for _, b in d)


def in_a_list(x):
    ds = []
    for k in range(3):
        d = {}
        d[x * k] = 1.0
        ds.append(d)
    return sum(sum(d) for d in ds)


TEXT = [mapped, from_string, array_of_text, typed, scalar_type, recursive, chosen, encoded, names]
KEY = [keys, largest, displayed, in_tuples, in_a_list]


@pytest.mark.parametrize("f", [*TEXT, *KEY], ids=lambda f: f.__name__)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_refused(f) -> None:
    why = "number is read back from text" if f in TEXT else "keys of this dict are numbers that depend"
    for derive in (grad(f), lambda x: jvp(f, (x,), (1.0,)), lambda x: vjp(f, x)[1](1.0)):
        with pytest.raises(NoRule, match=why) as caught:
            derive(1.7)
        assert "test_lost.py" in str(caught.value)


def evaluated(x, tokens):
    def value():
        t = tokens.pop(0)
        if t == "x":
            return x
        if t == "*":
            return value() * value()
        return float(t)

    return value()


def labelled(x, unit="1.5"):
    text = f"{x:.3f}"
    return x * len(text) * float(unit)


def test_what_is_constant_is_read() -> None:
    assert grad(labelled)(1.7) == 7.5
    assert grad(evaluated)(1.7, ["*", "x", "*", "x", "2.5"]) == pytest.approx(2 * 2.5 * 1.7)
    f = lambda x, s: x * sum(k * v for k, v in {s: 2.0, 2 * s: 3.0}.items())  # noqa: E731
    assert grad(f)(1.7, 0.5) == 4.0
    with pytest.raises(NoRule, match="keys of this dict"):
        grad(f, wrt="s")(1.7, 0.5)


memo: dict = {}


def fib(n, x):
    if n < 2:
        return x
    if (n, x) not in memo:
        memo[n, x] = fib(n - 1, x) + x * fib(n - 2, x)
    return memo[n, x]


def remembered(x):
    return fib(5, x)


def fetched(x):
    y = memo.get(x)
    if y is None:
        y = memo[x] = x * x
    return y


def added_once(x):
    return memo.setdefault(x, x * x)


def tried(x):
    try:
        return memo[x]
    except KeyError:
        memo[x] = x * x
        return memo[x]


class Model:
    def __init__(self):
        self.cache = {}

    def feature(self, x):
        if x not in self.cache:
            self.cache[x] = np.sin(x)
        return self.cache[x]

    def loss(self, x):
        return self.feature(x) ** 2


MEMOS = [remembered, fetched, added_once, tried, Model().loss]


@pytest.mark.parametrize("f", MEMOS, ids=lambda f: f.__name__)
def test_what_an_earlier_call_stored(f) -> None:
    memo.clear()
    h = 1e-6
    want = (f(0.7 + h) - f(0.7 - h)) / (2 * h)
    held = [memo, getattr(f, "__self__", Model()).cache]
    for d in held:
        d.clear()
    if f is not tried:
        assert grad(f)(0.7) == pytest.approx(want, rel=1e-8)
        assert not any(held)  # a derivative leaves the world as it was
    f(0.7)
    for derive in (grad(f), lambda x: jvp(f, (x,), (1.0,)), lambda x: vjp(f, x)[1](1.0)):
        with pytest.raises(NoRule, match="a dict that was filled before"):
            derive(0.7)
    for d in held:
        d.clear()
