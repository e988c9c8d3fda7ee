"""Values asked for one by one: ``next`` with a condition, ``send``, loops that are left and gone on with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from corpus.program import Program

XS = [0.3, 0.9, 1.5, 0.7]
X1 = np.array([0.3, 0.9, 1.5, 0.7])


def first_above(xs: Any, t: float) -> Any:
    v = next(v for v in xs if v > t)
    return v**2 * t


def first_or_default(xs: Any, t: float) -> Any:
    return next((v * t for v in xs if v > 10.0 * t), t**2) ** 2


def index_of_first(xs: Any, t: float) -> Any:
    i = next(i for i, v in enumerate(xs) if v > t)
    return xs[i] ** 3 * t


def first_of_filter(xs: Any, t: float) -> Any:
    return next(filter(lambda v: v > t, xs)) ** 2


def two_in_turn(xs: Any, t: float) -> Any:
    found = (v * t for v in xs if v > 0.5)
    a = next(found)
    b = next(found, 1.0)
    return a * b**2


def one_then_all_others(xs: Any, t: float) -> Any:
    found = (v * t for v in xs if v > 0.5)
    total = next(found)
    for v in found:
        total = total * v + v
    return total


def asked_in_a_loop(xs: Any, t: float) -> Any:
    scaled = (v * t for v in xs)
    total = 0.0
    for _ in range(3):
        total = total * t + next(scaled)
    return total


def first_item(items: Any) -> Any:
    for item in items:
        return item
    return 0.0


def returned_from_a_loop(xs: Any, t: float) -> Any:
    """A helper that leaves its loop by ``return``: the iterator goes on where it was left."""
    items = iter(xs)
    return first_item(items) * first_item(items) ** 2 * t


def until_stop_iteration(xs: Any, t: float) -> Any:
    items = iter(xs)
    total = 0.0
    while True:
        try:
            v = next(items)
        except StopIteration:
            break
        total = total * t + v * v
    return total


def missing(xs: Any, t: float) -> Any:
    try:
        v = next(x for x in xs if x > 10.0 + t)
    except StopIteration:
        v = t * xs[0]
    return v**3


class Growing:
    def __init__(self, a: Any, limit: float) -> None:
        self.a, self.limit = a, limit

    def __iter__(self) -> Growing:
        return self

    def __next__(self) -> Any:
        if self.a > self.limit:
            raise StopIteration
        self.a = self.a * 1.3
        return self.a


def own_iterator_with_default(xs: Any, t: float) -> Any:
    it = Growing(t, 0.8)
    a = next(it, 1.0)
    b = next(it, 1.0)
    c = next(it, xs[0])
    return a * b * c


class Filling:
    def __init__(self, data: Any) -> None:
        self.data, self.seen, self.at = data, np.zeros(4), 0

    def __iter__(self) -> Filling:
        return self

    def __next__(self) -> Any:
        if self.at >= 4:
            raise StopIteration
        self.seen[self.at] = self.data[self.at] * 2.0
        self.at += 1
        return self.seen.sum()


def own_iterator_that_writes(xs: Any, t: float) -> Any:
    total = 0.0
    for v in Filling(xs):
        total = total * t + v
    return total


def average(w: Any) -> Iterator[Any]:
    total = 0.0
    count = 0
    mean = None
    while True:
        x = yield mean
        total += x * w
        count += 1
        mean = total / count


def running_average(xs: Any, t: float) -> Any:
    a = average(t)
    next(a)
    means = [a.send(x) for x in xs]
    return means[-1] * means[0]


def controller(kp: Any, ki: Any) -> Iterator[Any]:
    integral = 0.0
    out = 0.0
    while True:
        error = yield out
        integral += error * 0.1
        out = kp * error + ki * integral


def controlled(xs: Any, t: float) -> Any:
    c = controller(xs[0], xs[1])
    c.send(None)
    y = 0.0
    for _ in range(12):
        u = c.send(t - y)
        y = y + 0.1 * u * np.cos(y)
    c.close()
    return y


def sent_on_one_path(xs: Any, t: float) -> Any:
    a = average(t)
    next(a)
    r = t
    if xs[0] > 0.1:
        r = a.send(xs[0] ** 2)
    return r * a.send(xs[1])


def two_stages(xs: Any, t: float) -> Any:
    def stages() -> Iterator[Any]:
        s = t
        v = yield s
        s += v
        w = yield s
        s *= w
        yield s

    g = stages()
    a = next(g)
    b = g.send(xs[0] * a)
    return g.send(xs[1] * b)


def joined_text(xs: Any, t: float) -> Any:
    label = ",".join(f"{v:.2f}" for v in xs)
    assert len(label) > 0, " ".join(str(v) for v in xs)
    return xs[0] * t * label.count(",")


PROGRAMS = [
    Program(f"next_{f.__name__}", f, (xs, 0.5), wrt=(0, 1))
    for f in (
        first_above, first_or_default, index_of_first, first_of_filter, two_in_turn, one_then_all_others,
        asked_in_a_loop, returned_from_a_loop, until_stop_iteration, missing, own_iterator_with_default,
        own_iterator_that_writes, running_average, controlled, sent_on_one_path, two_stages, joined_text,
    )
    for xs in ((XS,) if f in (two_in_turn, first_above) else (X1,))
]  # fmt: skip
