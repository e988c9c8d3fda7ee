"""``with`` over generators made managers: values, exits, exceptions; ``finally`` that puts back."""

from __future__ import annotations

import contextlib
import math
import time
from contextlib import contextmanager
from typing import Any

import numpy as np

from corpus.program import Program

PROGRAMS: list[Program] = []


def add(*args: Any, wrt: tuple[int, ...] = (0,)) -> Any:
    def put(f: Any) -> Any:
        PROGRAMS.append(Program(f.__name__, f, args, wrt))
        return f

    return put


@contextmanager
def temporarily(params, **changes):
    old = dict(params)
    params.update(changes)
    try:
        yield params
    finally:
        params.clear()
        params.update(old)


@add(0.8, 1.3, wrt=(0, 1))
def swap_params(k, x):
    params = {"k": k, "c": 0.3}
    with temporarily(params, k=2 * k) as p:
        high = p["k"] * x**2 + p["c"] * x
    return high * params["k"]


@contextmanager
def scaled(x, s):
    y = x * s
    yield y


@add(np.array([0.3, 0.7]), 1.2, wrt=(0, 1))
def yields_active(x, s):
    with scaled(x, s) as y:
        t = np.sum(y**2)
    return t * s


@add(np.array([0.3, 0.7]), 1.2, wrt=(0, 1))
def return_from_with(x, s):
    log = []

    @contextmanager
    def note(v):
        log.append(v)
        try:
            yield v * 2
        finally:
            log.append(v * v)

    def inner():
        with note(s) as d:
            if d > 1:
                return np.sum(x) * d
            return 0.0

    r = inner()
    return r * sum(log)


class Model:
    def __init__(self, w):
        self.w = w
        self.depth = 0

    @contextmanager
    def scope(self, f):
        old = self.w
        self.w = self.w * f
        self.depth += 1
        try:
            yield self
        finally:
            self.w = old

    def __call__(self, x):
        return np.tanh(x @ self.w)


@add(np.array([0.3, 0.7]), np.array([1.0, -0.4]), wrt=(0, 1))
def method_manager(w, x):
    m = Model(w)
    a = m(x)
    with m.scope(2.0) as mm:
        b = mm(x)
        with m.scope(0.5 * w[0]):
            c = m(x)
    return a + b * c * m.depth + m(x)


@contextmanager
def frozen_rows(a, n):
    kept = a[:n].copy()
    yield a
    a[:n] = kept


@add(np.array([[0.3, 0.7], [1.0, 2.0], [0.2, 0.1]]))
def array_restored(a):
    a = a.copy()
    for k in range(2):
        with frozen_rows(a, 1) as b:
            b *= 1.5
            b += k
    return np.sum(a**3)


@contextmanager
def guard(default):
    box = {"v": default}
    try:
        yield box
    except ZeroDivisionError:
        box["v"] = default * 3


@add(0.5, 0)
def swallowing(x, n):
    with guard(x) as b:
        b["v"] = x * x / n
    return b["v"] * x


@add(0.5, 2)
def not_swallowing(x, n):
    with guard(x) as b:
        b["v"] = x * x / n
    return b["v"] * x


@add(0.5)
def in_loop_break(x):
    t = 0.0
    for i in range(6):
        with scaled(x, i) as y:
            if y > 1.2:
                break
            if i == 1:
                continue
            t += y * y
        t *= 1.1
    return t


@add(0.5)
def two_managers(x):
    d = {"a": x}
    with temporarily(d, b=x * 2), scaled(x, d["b"]) as z:
        r = z * d["b"]
    return r + len(d)


@add(0.5)
def nested_generator_with(x):
    @contextmanager
    def outer(v):
        with scaled(v, 3.0) as y:
            yield y + v

    with outer(x) as q:
        r = q**2
    return r


@contextmanager
def timer(label):
    t0 = time.perf_counter()
    yield
    assert time.perf_counter() >= t0


@add(0.5)
def timed(x):
    with timer("a"):
        y = math.sin(x)
    return y * x


@add(np.array([0.4, 1.2]))
def try_finally_containers(x):
    stack = []

    def f(v):
        stack.append(v)
        try:
            if v > 1:
                return v * len(stack)
            return math.sqrt(v)
        finally:
            stack.pop()

    return f(x[0]) + f(x[1]) + len(stack)


@contextmanager
def raise_as():
    try:
        yield
    except ValueError as e:
        raise RuntimeError("bad") from e


@add(0.7)
def translating(x):
    try:
        with raise_as():
            if x > 0.5:
                raise ValueError("no")
            y = x
    except RuntimeError:
        y = x * x * 3
    return y


@contextlib.contextmanager
def holding_back():
    try:
        yield
    except ValueError:
        pass


@add(-0.7)
def held_back(x):
    y = x
    with holding_back():
        y = math.log(x)
    return y * x


@add(1.3, 2)
def manager_in_recursion(x, n):
    level = []

    @contextlib.contextmanager
    def deeper(v):
        level.append(v)
        try:
            yield len(level)
        finally:
            level.pop()

    def go(v, k):
        with deeper(v) as d:
            if k == 0:
                return v * d
            return go(v * x, k - 1) + d

    return go(x, n)

