"""Ordinary programs, in the style of scripts: both modes and the second order, against differences."""

from __future__ import annotations

import collections
import copy
import dataclasses
import enum
import functools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.polynomial.polynomial as series
import pytest
from numpy.polynomial import Polynomial
from scipy.optimize import minimize_scalar

import numeric
from srcdiff import UnsupportedSyntax, grad, jvp, source, vjp

X = np.array([0.5, 1.5, 2.5, 0.8])
PROGRAMS: list[Callable[[Any], Any]] = []


def program(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    PROGRAMS.append(f)
    return f


def weighted(items: Any) -> Any:
    total = 0.0
    for i, v in enumerate(items):
        total += v * v * (i + 1)
    return total


# ---- lists, made longer


@program
def array_added_to_a_list(x):  # (which NumPy does: element by element, and the list stays what it is)
    kept = names = list(x)
    names += x
    return weighted(kept) * np.sum(names)


@program
def array_added_to_a_list_of_known_length(x):
    d = {"a": [x[0]]}
    d["a"] += x
    return weighted(d["a"])


@program
def anything_added_to_a_list(x):
    out = list(x)
    out += (2 * v for v in x)
    out += (x[0], x[1])
    out += map(np.sin, x)
    out += {1.0: 2.0}
    short = [1.0]
    short += (v for v in x)
    short += range(2)
    return weighted(out) + weighted(short)


@program
def polynomials_as_containers(x):
    p, f = Polynomial(x), np.poly1d(x)
    same = 2.0 if p == Polynomial(x) and p != Polynomial(x[:2]) and f == np.poly1d(x) else 5.0
    total = same * sum(a * a for a in p) + len(p) * sum(f)
    return total + len(f) * p(p)(0.3) + p.copy().truncate(2)(0.4) ** 2


@program
def view_of_all(x):
    y = x.view()
    y[0] = y[1] * 2
    y *= x
    return np.sum(x * x)


# ---- classes


@dataclass(order=True)
class Ranked:
    at: float
    size: float = 2.0


@dataclass
class Tagged:
    at: float
    tag: str = field(default="", compare=False)


@program
def dataclasses_compared(x):
    a, b = Ranked(x[0]), Ranked(x[1], x[2])
    same = Tagged(x[0], "u") == Tagged(x[0])
    best = a
    for v in x:
        if Ranked(v) > best:
            best = Ranked(v)
    return (a < b) * x[0] + (a == b) * 7 + (a != b) * x[1] + same * x[3] ** 2 + best.at**2


@program
def frozen_dataclass_in_a_function(x):
    @dataclass(frozen=True)
    class Pair:
        a: float
        b: float = 2.0

        def product(self):
            return self.a * self.b

    p = dataclasses.replace(Pair(x[0]), b=x[1])
    return p.product() + sum(dataclasses.astuple(p)) + dataclasses.asdict(p)["a"] ** 2


@program
def functions_sorted_by_name(x):
    known = {"b": lambda v: v * v, "a": lambda v: v**3}
    stages = [(2, np.sin), (1, np.cos), (3, np.exp)]
    for _, f in sorted(stages, key=lambda t: -t[0]):
        x = f(x)
    return sum(f(v) * (i + 1) for i, (_, f) in enumerate(sorted(known.items())) for v in x)


# ---- functions of NumPy


@program
def results_put_into_arrays(x):
    a, b, c = np.zeros(4), np.zeros(4), np.zeros(4)
    _, whole = np.modf(3 * x, a, b)
    _, rest = np.divmod(3 * x + 0.1, 2.0, out=(None, c))
    of_lists = np.divmod([x[0], x[1]], [0.7, x[3]])[1]
    return np.sum(a * whole) + np.sum(b * c) + np.sum(rest * a) + np.sum(of_lists**2)


@program
def edges_around_equal_numbers(x):
    return np.sum(np.sin(np.histogram_bin_edges(x[0]))) + np.histogram_bin_edges(x)[3] ** 2


@program
def number_between_bounds(x):
    def f(t, k):
        return (t - x[0]) ** 2 * (1 + k) + x[2] * t

    inside = minimize_scalar(f, bounds=(-5.0, 5.0), args=(x[1],), options={"xatol": 1e-11})
    on_a_bound = minimize_scalar(f, bounds=(x[3], 5.0), args=(x[1],), options={"xatol": 1e-11})
    return inside.fun * x[1] + on_a_bound.x**2 + on_a_bound.fun


# ---- polynomials


@program
def polynomials_of_a_domain(x):
    p = Polynomial(x, domain=[0, 2], window=[-1, 1])
    slow = p.convert(domain=[-2, 3])
    return p.deriv()(0.5) * p.integ(lbnd=0.2)(1.0) + p.coef[0] * p.degree() + slow(0.3) * slow.coef[1]


@program
def fitted_polynomials(x):
    at = np.arange(6.0)
    y = np.append(x, [1.0, 3.0])
    a, b = Polynomial.fit(at, y, 3), Polynomial.fit(at, y * y, 2, w=at + 1)
    c = a * b + a - 2 * b
    _, values = c.linspace(5)
    return c(1.7) + values @ values + c.convert().coef[1] + Polynomial.fit(x, at[:4], 1)(x[2])


@program
def polynomials_and_numbers(x):
    return sum(
        np.sum(f(x, x[1]) ** 2) + np.sum(f(2.0, x) ** 2)
        for f in (np.polyadd, np.polysub, np.polymul, series.polyadd, series.polysub, series.polymul)
    )


def test_polynomials_of_other_domains() -> None:
    def f(x):
        return (Polynomial(x, domain=[0, 2]) + Polynomial(x))(0.3)

    with pytest.raises(TypeError, match="Domains differ"):
        f(X)
    with pytest.raises(TypeError, match="Domains differ"):
        grad(f)(X)


# ---- functions by the class of what they are given


class Springs:
    def __init__(self, stiffness: Any) -> None:
        self.stiffness = stiffness

    @functools.singledispatchmethod
    def force(self, at: Any) -> Any:
        return -self.stiffness * at

    @force.register
    def _(self, at: list) -> Any:  # type: ignore[type-arg]
        return sum(self.force(a) for a in at)

    @force.register(tuple)
    def between(self, at: Any) -> Any:
        return self.stiffness * at[0] * at[1] ** 2


@program
def method_for_the_class_of_its_argument(x):
    s = Springs(x[3])
    return s.force(x[0]) * s.force([x[1], (x[2], x[3])])


@program
def derivatives_of_polynomials_again_and_again(x):
    p = Polynomial(x)
    total = p.deriv()(x[0]) + p.integ(lbnd=0.5)(x[1])
    for _ in range(2):
        p = p.deriv()
        total += p(0.3) * series.polyval(x[2], series.polyder(x))
    return total


@program
def as_many_as_are_asked_for(x):
    squares = (v * v for v in x)
    first = np.fromiter(squares, float, count=2)
    n = len(x) - 1
    some = np.fromiter((v**3 for v in x), dtype=float, count=n)
    return first @ some[1:] + sum(squares) + np.fromiter(iter(x), float, -1)[3]


@functools.singledispatch
def size_of(s):
    raise TypeError(s)


@size_of.register
def _(s: float):
    return s * s


@size_of.register(tuple)
def _(s):
    return s[0] * s[1]


@size_of.register
def _(s: np.ndarray):
    return np.sum(s * s)


@size_of.register
def _(s: list):
    return sum(size_of(v) for v in s)


@size_of.register
def _(s: Ranked):
    return 3.0 * s.at**3


@program
def dispatched_by_class(x):
    total = size_of([x[0], Ranked(x[1]), (x[2], x[3])])
    for v in x:
        total += size_of(v)
    return total + size_of(x)


def test_functions_registered_later() -> None:
    @functools.singledispatch
    def doubled(v):
        return 2.0 * v

    g = grad(lambda x: doubled(x))
    assert g(3.0) == 2.0
    doubled.register(float, lambda v: v * v)
    assert g(3.0) == 6.0


# ---- functions that change from trip to trip


class Heater:
    """A machine whose state is one of its methods."""

    def __init__(self, gain):
        self.gain, self.state, self.heat, self.starts = gain, self.idle, 0.0, 0

    def idle(self, t):
        self.heat = 0.9 * self.heat
        if t > 1:
            self.state, self.starts = self.warming, self.starts + 1

    def warming(self, t):
        self.heat += self.gain * t
        if t > 2:
            self.state = self.cooling
        elif t < 0.6:
            self.state = self.idle

    def cooling(self, t):
        self.heat *= np.exp(-t)
        self.state = self.idle if self.starts % 2 else self.warming


@program
def state_that_is_a_method(x):
    h, hot = Heater(x[0]), 0.0
    for t in np.concatenate([x, x[::-1], x]):
        h.state(t)
        if h.state == h.cooling:
            hot += t * h.heat
        elif h.state != h.idle:
            hot -= t
    return h.heat * h.gain + hot


@program
def two_machines_until(x):
    machines, n = [Heater(x[0]), Heater(x[1])], 0
    while n < 20 and machines[0].heat < 9:
        for m in machines:
            m.state(x[n % 4] + 0.1 * m.heat)
        n += 1
    machines[1].state(x[2])
    return machines[0].heat * machines[1].heat


@program
def functions_in_turn(x):
    buffer = np.zeros(4)

    def put(i, v):
        buffer[i] += v * v

    def take(i, v):
        buffer[i] -= v

    f, then, s = put, None, 0.0
    for k in range(20):
        v = x[k % 4]
        f(k % 4, v)
        if then is not None:
            s = then(s, v) * 1.0
        f = take if f is put and v > 1 else put
        then = max if then is min else min
    return buffer @ x + s


# ---- elements counted from the end of a list that grows


@program
def last_element_kept(x):
    rows = [[x[1], x[i]] for i in range(3)]
    last, two = rows[-1], (rows[-2], rows[-3])
    rows.append([x[2], x[2]])
    last[1] = x[0] * 5
    rows += [[x[0], x[1]]]
    two[0][0] *= x[3]
    return sum(weighted(r) * (k + 1) for k, r in enumerate(rows)) + last[0] ** 2 * last[1]


@program
def counted_from_an_end(x):
    rows, k = [np.array([x[1], x[i]]) for i in range(3)], -1 if x[0] > 0 else 0
    row, half = rows[k], rows[-2][:1]
    rows.append(row * x[1])
    half[0] = x[2] ** 2
    return sum(weighted(r) * (k + 1) for k, r in enumerate(rows)) + np.sum(row)


@program
def last_of_a_growing_list(x):
    rows = []
    for v in x:
        rows.append([v, x[0]])
        last = rows[-1]
        rows.append([v * x[1], 1.0])
        last[0] *= x[2]
    return sum(a * b * a for a, b in rows) + last[1]


# ---- what an element of a list had, and has no more


class Body:
    def __init__(self, at, speed):
        self.at, self.speed = at, speed

    def step(self, pull):
        before = self.at
        self.at = self.at + 0.1 * self.speed
        self.speed = self.speed + 0.1 * pull(before)


@program
def bodies_in_steps(x):
    bodies = [Body(x * k, x + k) for k in range(3)]
    for _ in range(2):
        for b in bodies:
            b.step(lambda q: -q * x[0])
    return sum(np.sum(b.at * b.speed) for b in bodies)


@program
def field_kept_by_a_name(x):
    rows = [{"a": x * 1.0, "b": [x[0]]} for _ in range(3)]
    a, b, own = rows[0]["a"], rows[-1]["b"], x * 3
    rows[0]["a"], rows[2]["b"] = x**3, [x[1]]
    rows[1]["a"] = own
    a[0], own[1] = 5 * x[1], x[2]
    b.append(x[2])
    return np.sum(a) * rows[0]["a"][0] + sum(b) * rows[2]["b"][0] + np.sum(rows[1]["a"] ** 2)


@program
def fields_exchanged(x):
    bodies = [Body(x * k, x**2) for k in range(3)]
    held = (bodies[1].at, 3.0)

    def turned(b):
        old = b.at
        b.at, b.speed = b.speed, b.at
        return old

    olds = [turned(b) for b in bodies]
    return sum(np.sum(b.at * b.speed**2) for b in bodies) + sum(map(np.sum, olds)) * np.sum(held[0])


@program
def parts_moved_in_an_element(x):
    rows = [[np.sin(x), x * 2] for _ in range(3)]
    first, taken = rows[1][0], rows[0].pop()
    rows[1].reverse()
    rows[2].insert(0, first * x[1])
    taken[0] = x[1] * 3
    return np.sum(first * rows[1][0]) * np.sum(taken) + np.sum(rows[2][1] * rows[0][0])


@program
def polynomials_of_roots_and_trimmed(x):
    p = Polynomial.fromroots(x) * 0.1 + Polynomial.fromroots([x[0], 2.0], [0.0, 3.0]).convert()
    q = Polynomial(np.concatenate([x, np.zeros(2)])).trim()
    return p(0.3) + q(x[1]) * q.degree()


@program
def array_of_the_chosen_one(x):
    named = {k: Body(x * n, x + n) for n, k in enumerate("abc")}
    key = "abc"[int(3 * x[0])]
    old = named[key].at
    named[key].at = x**2
    return np.sum(old * named[key].at)


# ---- lists that are changed while something runs over them


@program
def changed_while_numbered(x):
    values, out = [x[0], x[1], x[2]], 0.0
    for i, v in enumerate(values):
        values[2] = x[0] * 5
        out += v * v * (i + 1)
    for v, w in zip(values, x):
        values[1] = values[1] * w
        out += v * v * w
    for v in reversed(values):
        values[0] = x[1] * 5
        out += v * v
    return out


@program
def changed_while_mapped(x):
    values, out = [x[0], x[1], x[2]], 0.0
    for v in iter(values):
        values[2] = x[0] * 5
        out += v * v
    for v in map(lambda v: v * 2, values):  # noqa: C417
        values[2] = values[2] * x[1]
        out += v * v
    for v in (v * 2 for v in values):
        values[1] = x[3] ** 2
        out += v * v
    return out


@program
def copied_with_what_is_in_it(x):
    rows = [(x[0], [x[1], x[2]]) for _ in range(2)]
    also = copy.copy(rows)
    rows[0][1][1] = x[3] ** 2
    return also[0][1][1] * also[1][1][1] * also[0][0]


# ---- properties of objects that lie outside


class Grade(enum.Enum):
    LOW = 2.0
    HIGH = 3.0

    @property
    def weight(self):
        return self.value + 0.5


class Piece:
    def __init__(self, grade, size):
        self.grade, self.size = grade, size

    @property
    def cost(self):
        return self.size * self.grade.weight


@program
def properties_of_members(x):
    pieces = [Piece(Grade.HIGH if k % 2 else Grade.LOW, v) for k, v in enumerate(x)]
    by = collections.defaultdict(list)
    for p in pieces:
        by[p.grade].append(p)
    return sum(g.weight * sum(p.cost**2 for p in held) for g, held in by.items()) + pieces[1].cost


# ---- dicts that come from elsewhere: their keys have no places to be found at

TABLE = '{"1": 2.0, "0": 3.0}'


@program
def keys_of_a_table(x):
    d, out = json.loads(TABLE), 1.0
    for k in d:
        if k == "1":
            out = out * d[k] * x[0] ** 2
    for k in d.keys():  # noqa: SIM118
        out = out * d[k] * x[1]
    return out


@program
def values_of_a_table(x):
    d, out = json.loads(TABLE), 1.0
    for v in d.values():
        out = out * v * x[0] ** 2
    for k in sorted(d):
        out = out * d[k] * x[int(k)]
    return out


@program
def whole_numbers_as_keys(x):  # (which a list has as places)
    d, out = collections.Counter([2, 0, 2, 1, 1, 1]), 1.0
    for k in dict(zip(*np.unique([1, 1, 0], return_counts=True))):
        out = out * x[k] ** 2
    for k in d:
        out = out * d[k] * x[k] ** 2
    return out


# ---- arrays that are what they were, or lie otherwise


@program
def made_an_array_and_written(x):
    y = np.asarray(x, dtype=float)
    y[0] = 2 * x[1]
    z = np.atleast_1d(y)
    z[1] *= x[2]
    return np.sum(x**2 * y)


@program
def written_through_a_vector(x):
    z = np.sin(np.outer(x, x))
    y = z.ravel()
    y[1] = x[0]
    return np.sum(z**2 * np.arange(16.0).reshape(4, 4))


@program
def argument_written_through_a_vector(x):
    y = x.ravel()
    y[0] = x[1] * 3
    return y.sum() * x.sum()


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_derivatives(f: Callable[[Any], Any]) -> None:
    g, direction = grad(f), np.array([0.3, -0.7, 0.2, 0.9])
    expected = numeric.gradient(f, (X,), (0,))[0]
    numeric.assert_close(g(X.copy()), expected, 1e-6)
    numeric.assert_close(jvp(f, (X.copy(),), (direction,))[1], expected @ direction, 1e-6)
    value, pull = vjp(f, X.copy())
    numeric.assert_close(pull(2.0 * np.ones_like(value))[0], 2.0 * expected, 1e-6)
    second = (g(X + 1e-5 * direction) - g(X - 1e-5 * direction)) / 2e-5
    numeric.assert_close(jvp(g, (X.copy(),), (direction,))[1], second, 1e-5)


def test_a_function_that_changes_is_a_flag() -> None:
    def f(x, n):
        g = np.sin
        for _ in range(n):
            x = g(x)
            g = np.cos if x > 0.5 else np.sin
        return x

    assert "g_sin = True" in source(grad(f), 1.0, 30)


def test_a_list_that_grows_while_it_is_numbered() -> None:
    def f(x):
        values, out = [x[0], x[1]], 0.0
        for i, v in enumerate(values):
            if i == 1:
                values.append(x[2])
            out += v * v * (i + 1)
        return out

    with pytest.raises(UnsupportedSyntax, match="changes its length while it is looped over"):
        grad(f)(X)
