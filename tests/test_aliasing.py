"""Names that share arrays, lists, dicts and objects, and change them: random programs against differences.

A wrong number is a failure; an honest refusal is counted, and there must be few of them.
`SRCDIFF_ALIASING=n` says how many programs; `python tests/aliasing.py n` is the long run.
"""

from __future__ import annotations

import os
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

import aliasing
from srcdiff import UnsupportedSyntax, grad, source

PROGRAMS = int(os.environ.get("SRCDIFF_ALIASING", "2000"))
BATCHES = 10


@pytest.fixture(scope="module")
def counts():
    return Counter()


@pytest.mark.parametrize("batch", range(BATCHES))
def test_right_or_refused(batch, counts):
    for seed in range(batch * PROGRAMS // BATCHES, (batch + 1) * PROGRAMS // BATCHES):
        what, detail = aliasing.outcome(seed)
        counts[what] += 1
        assert what not in ("wrong", "crash"), f"seed {seed}\n{detail}"


@pytest.mark.parametrize("batch", range(BATCHES))
def test_second_order(batch):
    """Forward over reverse and reverse over reverse of every twelfth."""
    for seed in range(batch * PROGRAMS // BATCHES, (batch + 1) * PROGRAMS // BATCHES, 12):
        what, detail = aliasing.outcome(seed, order=2)
        assert what not in ("wrong", "crash"), f"seed {seed}\n{detail}"


@pytest.mark.parametrize("seed", [5596])
def test_found_before(seed):
    """Seeds of longer runs that were wrong once."""
    what, detail = aliasing.outcome(seed, order=2)
    assert what not in ("wrong", "crash"), detail


def rebound_on_a_path(x):
    y, z = x * 1.0, x * 2.0
    for k in range(3):
        z = z * 1.1
        if x[k] > 0.5:
            y = z
    y[0] += x[1]
    return np.sum(z**2)


def rebound_in_a_loop_inside(x):
    x, q = x.copy(), x * 1.5
    for _ in range(3):
        for _ in range(3):
            q = x
    x[0] += x[1]
    return np.sum(q**2)


def rebound_to_what_is_around(x):
    y, z = x * 1.0, x * 2.0
    for k in range(3):
        if x[k] > 0.5:
            y = z
    y[0] += x[1]
    return np.sum(z**2)


def buffers_swapped(x):
    u, v = x.copy(), np.zeros_like(x)
    for _ in range(3):
        v[1:] = u[:-1] * u[1:]
        u, v = v, u
    return np.sum(u * x)


def bound_on_one_path(x):
    z = x * 1.0
    if x[0] > 0:
        y = [z, z]
    if x[0] > 0:
        y[0][0] = 7.0
        return np.sum(y[1] ** 2)
    return np.sum(z**2)


def changed_about_on_a_path(x):
    y, z = x * 2.0, x * 3.0
    for k in range(4):
        if x[k] > 0.5:
            y, z = z, y
        y[0] = y[0] * z[1]
        z[1] += y[0]
    return np.sum(y * z)


def objects_changed_about(x):
    a, b = SimpleNamespace(v=x * 1.0), SimpleNamespace(v=x * 2.0)
    for k in range(3):
        if x[k] > 0.5:
            a, b = b, a
        a.v[0] = b.v[1] * 2.0
    return np.sum(a.v * b.v)


def twice_in_a_pair(x):
    p = (x * 1.0, x * 2.0)
    for k in range(3):
        if k == 1:
            p = (p[1], p[1])
        if x[k] > 0.5:
            p[0][0] += x[1]
    return np.sum(p[0] * p[1])


def held_from_before(x):
    y, z = x * 1.0, x * 2.0
    keep = z
    for k in range(3):
        keep[0] += y[1]
        if x[k] > 0.5:
            keep = y
    return np.sum(z * y)


@pytest.mark.parametrize(
    ("f", "read"),
    [(rebound_on_a_path, False), (rebound_in_a_loop_inside, False), (rebound_to_what_is_around, False),
     (buffers_swapped, True), (bound_on_one_path, False), (changed_about_on_a_path, True),
     (objects_changed_about, True), (twice_in_a_pair, False), (held_from_before, False)],
    ids=lambda f: getattr(f, "__name__", ""),
)  # fmt: skip
def test_names_bound_anew_in_loops(f, read):
    x = np.array([0.3, 0.7, 0.8, 0.2])
    try:
        got = grad(f)(x)
    except UnsupportedSyntax as e:
        assert not read and "error[aliasing]" in str(e)
        return
    np.testing.assert_allclose(got, aliasing.differences(f, x), rtol=1e-5, atol=1e-6)


def test_few_refusals(counts):
    total = sum(counts.values())
    assert total >= PROGRAMS
    assert counts["refused"] < 0.02 * total, dict(counts)
    assert counts["right"] > 0.9 * total, dict(counts)


OUTSIDE = np.arange(1.0, 10.0).reshape(3, 3)


def outside_through_a_vector(t):
    OUTSIDE.ravel()[1] = t
    return np.sum(OUTSIDE**2)


def outside_through_a_row(t):
    y = OUTSIDE.reshape(-1)
    y[1] = t
    return np.sum(OUTSIDE**2)


@pytest.mark.parametrize("f", [outside_through_a_vector, outside_through_a_row])
def test_what_lies_outside_may_be_read_again(f, monkeypatch):
    """Whether ``ravel`` gives a view is settled for each call: a copy leaves the array alone."""
    g = grad(f)
    assert g(2.0) == 4.0
    monkeypatch.setitem(f.__globals__, "OUTSIDE", np.asfortranarray(OUTSIDE))
    if f is outside_through_a_vector:
        assert g(2.0) == 0.0
    else:  # reshape may give a view of that as well
        with pytest.raises(UnsupportedSyntax, match="may or may not change 'OUTSIDE'"):
            g(2.0)


def test_how_an_argument_lies():
    def f(x):
        y = x.ravel()
        y[1:] *= x[0, 0]
        return np.sum(x**3) + np.sum(y)

    def numbers(x):
        """By differences in place: a copy lies otherwise."""
        out = np.zeros(x.shape)
        for at in np.ndindex(x.shape):
            old, values = x[at], []
            for h in (1e-6, -1e-6):
                x[at] = old + h
                kept = x.base.copy("K")
                values.append(f(x))
                x.base[...] = kept
            x[at] = old
            out[at] = (values[0] - values[1]) / 2e-6
        return out

    g, room = grad(f), np.linspace(0.4, 1.3, 36).reshape(6, 6).copy()
    for _ in range(2):
        for x in (room[:3], room.T[:3], room[::2, ::2], room[1:2], room[:, 1:2]):
            np.testing.assert_allclose(g(x), numbers(x), rtol=1e-6, atol=1e-8)
    assert "x.flags.c_contiguous is False" in source(g, room.T)
