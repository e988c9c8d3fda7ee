"""``checkpoint``: schedules, what is kept, how often things are computed, how texts read, refusals."""

from __future__ import annotations

import functools
import re
import tracemalloc
from collections import Counter

import numpy as np
import pytest
from test_passes import ALL, over, primal_case, sampled
from test_roundtrip import assert_equal

import srcdiff
from corpus import PROGRAMS
from srcdiff import (
    NoRule,
    UnsupportedSyntax,
    checkpoint,
    grad,
    hessian,
    jvp,
    pipeline,
    value_and_grad,
    vjp,
    vmap,
)
from srcdiff.ir.check import check
from srcdiff.ir.graph import Atom, Const, Graph, Op, Region, Val, clone, map_atom, vals, walk
from srcdiff.ir.kinds import OTHER
from srcdiff.ir.regions import replace_values
from srcdiff.request import Request
from srcdiff.runtime import next_snapshot, snapshots_ahead, snapshots_for

POINT = np.array([0.31, 0.45, 0.52])


# ---- the schedule
@functools.cache
def fewest(length: int, snapshots: int) -> int:
    """Trips run forwards to go back over so many, by dynamic programming."""
    if length < 2:
        return 0
    if snapshots == 1:
        return length * (length - 1) // 2
    first = range(1, length)
    return min(k + fewest(k, snapshots) + fewest(length - k, snapshots - 1) for k in first)


def ahead(trips: int, snapshots: int) -> list[int]:
    """The snapshots that the forward sweep takes, where it knows the number of trips."""
    marks = [0]
    stop = next_snapshot(0, trips - 1, snapshots - 1)
    for t in range(trips):
        if t == stop:
            marks.append(t)
            stop = next_snapshot(t, trips - 1, snapshots - len(marks))
    return marks


def unforeseen(trips: int, snapshots: int | None) -> tuple[list[int], int]:
    """The same where it does not, and how many may be held on the way back."""
    marks, gap, due = [0], 1, 1
    for k in range(trips):
        if k == due:
            if len(marks) == (2 * gap if snapshots is None else snapshots_ahead(snapshots)):
                marks, gap = marks[::2], 2 * gap
            marks.append(k)
            due += gap
        assert k < due and len(marks) <= max(2, snapshots if snapshots is not None else trips)
    return marks, len(marks) + snapshots_for(gap) if snapshots is None else snapshots


def run(trips: int, snapshots: int, marks: list[int] | None = None) -> tuple[int, int, Counter[int]]:
    """What the emitted text does behind the forward sweep: trips run again before they are gone back over,
    snapshots held at most, how often each trip is run again."""
    marks, forwards, most, often = ahead(trips, snapshots) if marks is None else marks, 0, 0, Counter[int]()
    for t in reversed(range(trips)):
        mark = marks.pop()
        while mark < t:
            marks.append(mark)
            most = max(most, len(marks))
            stop = next_snapshot(mark, t, snapshots - len(marks))
            assert mark < stop <= t
            often.update(range(mark, stop))
            forwards += stop - mark
            mark = stop
        assert mark == t
    return forwards, most, often


@pytest.mark.parametrize("snapshots", [1, 2, 3, 5, 8, 60])
def test_fewest_trips(snapshots):
    for trips in range(50):
        forwards, most, _ = run(trips, snapshots)
        done = max(trips - 1, 0)  # by the forward sweep
        assert forwards == fewest(trips, snapshots) - done
        assert most <= snapshots
        assert len(ahead(trips, snapshots)) <= snapshots + 1  # the last is where the way back begins


def test_known_counts():
    assert run(10, 3)[0] == 15 - 9  # and each of the ten once more, and the first way: 25 of Revolve(10, 3)
    assert run(10_000, 30)[0] == 34_016 - 9999  # 4 n - C(34, 3)


@pytest.mark.parametrize("trips", [1, 2, 10, 100, 1000, 5000])
def test_default_runs_no_trip_more_than_twice(trips):
    forwards, most, often = run(trips, snapshots_for(trips))
    assert forwards <= trips
    assert max(often.values(), default=0) <= 1
    assert most <= (2 * trips) ** 0.5 + 1


@pytest.mark.parametrize("trips", [0, 1, 2, 3, 10, 99, 1000, 4321])
def test_trips_that_are_not_known(trips):
    """A ``while``: never more snapshots than asked for, and nearly as few trips again as if it were known."""
    for snapshots in (1, 2, 3, 4, 5, 8, 13, 30, 100):
        marks, count = unforeseen(trips, snapshots)
        forwards, most, often = run(trips, count, marks)
        assert most <= max(snapshots, 2)
        known = max(run(trips, snapshots)[2].values(), default=0)
        if snapshots > 7:
            assert max(often.values(), default=0) <= known + 2
            assert forwards <= run(trips, snapshots)[0] + 2 * trips
    marks, count = unforeseen(trips, None)
    forwards, most, often = run(trips, count, marks)
    assert most <= 2 * (2 * trips) ** 0.5 + 3
    assert max(often.values(), default=0) <= 2


# ---- what it is at run time
def test_identity():
    assert list(checkpoint(range(3), snapshots=2)) == [0, 1, 2]
    xs = [1.0, 2.0]
    assert checkpoint(xs) is xs
    with checkpoint(), checkpoint(snapshots=2):
        pass

    @checkpoint
    def f(x, *, y=2):
        """What it does."""
        return x * y

    assert f(3) == 6 and f.__name__ == "f" and f.__doc__ == "What it does."
    with pytest.raises(ValueError, match="at least one snapshot, not 0"):
        checkpoint(range(3), snapshots=0)


# ---- how often things are computed


def loop(u, n, c):
    for _ in checkpoint(range(n), snapshots=c):
        u = u + 0.1 * np.sin(u) * u
    return np.sum(u * u)


def loop_by_default(u, n, c):
    for _ in checkpoint(range(n)):
        u = u + 0.1 * np.sin(u) * u
    return np.sum(u * u)


def loop_of_calls(u, n, c):
    for _ in range(n):
        u = advance(u)
    return np.sum(u * u)


@checkpoint
def advance(u):
    a = np.sin(u)
    b = np.cos(a) * u
    d = np.exp(-b) * a
    return u + 0.01 * d * b


def loop_stored(u, n, c):
    for _ in range(n):
        a = np.sin(u)
        b = np.cos(a) * u
        d = np.exp(-b) * a
        u = u + 0.01 * d * b
    return np.sum(u * u)


def peak(f, *args):
    """The gradient, and the bytes held at most while it is computed."""
    g = grad(f)
    g(*args)
    tracemalloc.start()
    try:
        out = g(*args)
        return out, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


SIZE = 8 * 20_000
LARGE = np.linspace(0.1, 0.9, 20_000)


@pytest.mark.parametrize("c", [1, 4, 10])
def test_memory_of_snapshots(c):
    """So many snapshots, and what one trip takes: not what all trips do."""
    n = 60 if c > 1 else 20
    _, held = peak(loop, LARGE, n, c)
    assert held < (c + 10) * SIZE


def test_memory_by_default():
    few, many = (peak(loop_by_default, LARGE, n, None)[1] / SIZE for n in (50, 450))
    assert few < 11 + 10 and many < 31 + 10


def test_memory_of_calls():
    """Only the arguments of a checkpointed function are kept."""
    _, kept = peak(loop_of_calls, LARGE, 50, None)
    _, stored = peak(loop_stored, LARGE, 50, None)
    assert kept < (50 + 12) * SIZE
    assert stored > 150 * SIZE


def test_same_numbers():
    """Bit for bit what the gradient is without the mark."""
    for f, marked in ((loop_stored, loop_of_calls),):
        assert np.array_equal(grad(f)(POINT, 9, None), grad(marked)(POINT, 9, None))
    want = grad(loop_by_default)(POINT, 9, None)
    for c in (1, 2, 3, 9, 50):
        for n in (0, 1, 2, 9):
            got, want = grad(loop)(POINT, n, c), grad(loop_by_default)(POINT, n, None)
            assert np.array_equal(got, want)


# ---- compositions
def test_family():
    v = np.array([0.3, -0.2, 0.5])
    g = grad(loop)(POINT, 7, 2)
    step = 1e-6 * np.eye(3)
    h = np.array([(grad(loop)(POINT + d, 7, 2) - grad(loop)(POINT - d, 7, 2)) / 2e-6 for d in step])
    assert np.allclose(hessian(loop)(POINT, 7, 2), h, rtol=1e-7, atol=1e-8)
    assert np.isclose(jvp(lambda u: loop(u, 7, 2), (POINT,), (v,))[1], g @ v)
    value, back = vjp(lambda u: loop(u, 7, 2), POINT)
    assert np.allclose(back(2.0)[0], 2 * g) and value == loop(POINT, 7, 2)
    assert value_and_grad(loop)(POINT, 7, 2)[0] == value
    many = vmap(lambda u: loop_of_calls(u, 5, None))(np.stack([POINT, 2 * POINT]))
    assert np.allclose(many, [loop_of_calls(POINT, 5, None), loop_of_calls(2 * POINT, 5, None)])

    def inner(u):
        return np.sum(grad(loop)(u, 7, 2) * v)

    assert np.allclose(grad(inner)(POINT), h @ v, rtol=1e-7, atol=1e-8)


def test_partial_of_a_method_and_a_lambda():
    class Layer:
        def __init__(self, w):
            self.w = w

        @checkpoint
        def apply(self, h):
            return np.tanh(self.w * h) + h

    def f(x):
        layer = Layer(x)
        square = checkpoint(lambda y: y * y * x)
        return np.sum(square(layer.apply(layer.apply(x))))

    def plain(x):
        h = np.tanh(x * x) + x
        h = np.tanh(x * h) + h
        return np.sum(h * h * x)

    assert np.allclose(grad(f)(POINT), grad(plain)(POINT), rtol=1e-14)
    assert np.allclose(grad(checkpoint(plain))(POINT), grad(plain)(POINT), rtol=1e-14)


def test_random_numbers_are_kept():
    """What is drawn in the forward sweep is what the backward sweep sees: drawn once."""
    rng = np.random.default_rng(0)

    @checkpoint
    def dropped(h):
        mask = rng.normal(size=3)
        return np.sin(h * mask)

    def f(x):
        return np.sum(dropped(x) * x)

    def g(x):
        for _ in checkpoint(range(4), snapshots=2):
            x = np.sin(x * rng.normal(size=3)) + x
        return np.sum(x)

    for one in (f, g):
        made = grad(one)
        made(POINT)
        rng.bit_generator.state = np.random.default_rng(1).bit_generator.state
        got = made(POINT)
        state = rng.bit_generator.state
        want = np.empty(3)
        for i in range(3):
            ends = []
            for d in (1e-6, -1e-6):
                rng.bit_generator.state = np.random.default_rng(1).bit_generator.state
                ends.append(one(POINT + d * np.eye(3)[i]))
            want[i] = (ends[0] - ends[1]) / 2e-6
        assert np.allclose(got, want, rtol=1e-8)
        assert state == rng.bit_generator.state


def test_prints_once(capsys):
    @checkpoint
    def shows(h):
        print("here")
        return np.sin(h)

    def f(x):
        for _ in checkpoint(range(5), snapshots=2):
            x = shows(x)
        return np.sum(x)

    grad(f)(POINT)
    assert capsys.readouterr().out == "here\n" * 5


# ---- how texts read
def test_text_of_a_call():
    def f(w, x):
        for _k in range(3):
            x = layer(x, w)
        return np.sum(x**2)

    text = srcdiff.source(grad(f), np.eye(2), np.ones((3, 2)))
    assert text.count("from srcdiff import checkpoint") == 1
    assert text.count("with checkpoint():") == 2
    assert re.findall(r"(\w+)\.append", text) == ["x_saved"]
    forward, backward = text.split("x_bar =", 1)
    assert forward.count("\n            s = np.tanh(") == 1
    assert backward.count("\n            s = np.tanh(") == 1  # computed again


@checkpoint
def layer(h, w):
    s = np.tanh(h @ w)
    return s * np.sin(s)


def test_text_of_a_loop():
    text = srcdiff.source(grad(loop), POINT, 9, 3)
    assert (
        text
        == '''\
from srcdiff import checkpoint
from srcdiff.runtime import next_snapshot
import numpy as np


def loop_grad(u, n, c):
    """Gradient of loop with respect to u."""
    with checkpoint(snapshots=c):
        last = n - 1
        marks = [0]
        u_saved = [u]
        stop = next_snapshot(0, last, c - 1)
        for k in range(n):
            if k == stop:
                marks.append(k)
                u_saved.append(u)
                stop = next_snapshot(k, last, c - len(marks))
            u = u + 0.1 * np.sin(u) * u

    u_bar = 2.0 * u  # return np.sum(u * u)
    for k in reversed(range(n)):
        mark = marks.pop()
        u = u_saved.pop()
        while mark < k:
            marks.append(mark)
            u_saved.append(u)
            stop = next_snapshot(mark, k, c - len(marks))
            for _ in range(mark, stop):
                u = u + 0.1 * np.sin(u) * u
            mark = stop
        # u = u + 0.1 * np.sin(u) * u
        t = u_bar * u
        u_bar += u_bar * (0.1 * np.sin(u))
        t *= 0.1
        t *= np.cos(u)
        u_bar += t
    return u_bar
'''
    )


def test_text_of_a_while():
    def f(u, tol, c):
        with checkpoint(snapshots=c):
            while np.sum(u) > tol:
                u = u - 0.1 * np.sin(u) * u
        return np.sum(u * u)

    text = srcdiff.source(grad(f), POINT, 0.1, 8)
    assert (
        """\
        while np.sum(u) > tol:
            if k == due:
                if len(marks) == most:
                    marks = marks[::2]
                    u_saved = u_saved[::2]
                    gap = gap * 2
                marks.append(k)
                u_saved.append(u)
                due = due + gap
            u = u - 0.1 * np.sin(u) * u
            k = k + 1
"""
        in text
    )


def test_snapshots_of_loops_inside():
    """Of a loop inside one that is not marked only the start is kept: not the snapshots of all its runs."""

    def f(u, n, c):
        for k in range(3):
            for t in checkpoint(range(n), snapshots=c):
                u = u + 0.1 * np.sin(u * t) * k
        return np.sum(u)

    text = srcdiff.source(grad(f), POINT, 9, 3)
    assert text.count("next_snapshot(") == 1 and text.count("marks = [0]") == 1


# ---- refusals
def problem(f, *args):
    with pytest.raises((UnsupportedSyntax, NoRule)) as e:
        grad(f)(*args)
    return str(e.value)


def test_mark_without_a_loop():
    def f(x):
        trips = checkpoint(range(3), snapshots=2)
        for _ in trips:
            x = np.sin(x)
        return np.sum(x)

    text = problem(f, POINT)
    assert "checkpoint marks a function, a block or a loop" in text
    assert "trips = checkpoint(range(3), snapshots=2)" in text


def test_number_of_snapshots():
    def f(x, c):
        for _ in checkpoint(range(3), snapshots=c):
            x = np.sin(x)
        return np.sum(x)

    assert "the number of snapshots must be an integer, at least 1" in problem(f, POINT, 2.5)

    def none(x):
        with checkpoint(snapshots=0):
            return np.sum(x * x)

    assert "the number of snapshots must be an integer, at least 1" in problem(none, POINT)


def test_what_cannot_be_done_twice():
    rng = np.random.default_rng(0)

    @checkpoint
    def draws(h):
        for _k in range(30):
            h = h * rng.normal(size=3)
        return h * h

    text = problem(lambda x: np.sum(draws(x)), POINT)
    assert "may have another answer then" in text
    assert "h = h * rng.normal(size=3)" in text


# ---- every loop there is
def marked_graph(graph: Graph, whole_trips: bool) -> Graph:
    """A graph with its loops marked: with snapshots, or with the insides of each trip computed again."""
    new = clone(graph)[0]

    def block(made: list[Op], outs: list[Val], ins: list[Atom]) -> Op:
        names = {"names": ("snapshots",)} if ins else {}
        op = Op("with", ins, attrs={"fn": checkpoint, "text": "checkpoint", **names})
        op.outs = [Val(o.name, o.kind, op, o.user) for o in outs]
        op.regions = [Region([Val("entered", OTHER, op)], made, list(outs))]
        return op

    def marked(region: Region) -> None:
        for n, op in enumerate(region.ops):
            for r in op.regions:
                marked(r)
            if op.code in ("for", "while") and not whole_trips:
                table = dict(zip(op.outs, (made := block([op], op.outs, [Const(2)])).outs, strict=True))
                replace_values(Region([], region.ops[n + 1 :]), table)
                region.results = [map_atom(lambda v, t=table: t.get(v, v), a) for a in region.results]
                region.ops[n] = made
            elif op.code in ("for", "while"):
                body = op.regions[-1]
                inside = {o for x in body.ops for o in x.outs}
                outs = [v for v in dict.fromkeys(vals(body.results)) if v in inside]
                made = block(body.ops, outs, [])
                table = dict(zip(outs, made.outs, strict=True))
                body.ops = [made]
                body.results = [map_atom(lambda v, t=table: t.get(v, v), a) for a in body.results]

    marked(new.region)
    return new


# a quarter of these (with SRCDIFF_ALL=1 all of them) that others are tested on
# (the evaluator of graphs cannot run the last: it reads an element where a condition says not to)
LOOPS = [p for p in sampled(PROGRAMS) if p.reverse and p.scalar and p.name != "pico_gpt_loss"]
LOOPS = LOOPS if ALL else LOOPS[::4]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("whole_trips", [False, True], ids=["snapshots", "trips"])
@over(LOOPS)
def test_every_loop(program, whole_trips):
    """The gradient of a program is the same, bit for bit or nearly so, when all of its loops are marked."""
    case = primal_case(program)
    if not any(o.code in ("for", "while") for o in walk(case.primal.region)):
        return
    request = Request("grad", case.wrt, len(case.wrt) == 1)
    try:
        plain = pipeline.derivative_graph(case.primal, request)
        made = pipeline.derivative_graph(marked_graph(case.primal, whole_trips), request)
    except NoRule as e:
        pytest.skip(str(e))
    check(made)
    want, got = case.evaluate(plain), case.evaluate(made)
    assert_equal(got, want, 1e-12, "with checkpoints")
