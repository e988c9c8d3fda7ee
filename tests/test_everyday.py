"""Ordinary numerical programs: random ones against differences, and the smallest of those that were wrong.

SRCDIFF_FUZZ=n tries n programs; `python tests/everyday.py n` is the long run.
"""

from __future__ import annotations

import os
from collections import Counter
from textwrap import dedent, indent

import everyday
import judging
import pytest

PROGRAMS = int(os.environ.get("SRCDIFF_FUZZ", "16"))


@pytest.fixture(autouse=True)
def uncompiled(monkeypatch):
    judging.uncompiled(monkeypatch.setattr)


def test_right_or_refused():
    counts: Counter[str] = Counter()
    for seed in range(PROGRAMS):
        what, detail = everyday.outcome(seed)
        counts[what] += 1
        assert what not in ("wrong", "crash"), f"seed {seed}\n{detail}"
    assert counts["right"] > 0.9 * PROGRAMS, dict(counts)


FOUND = [
    """
    o = State(0.0, 0.5)
    for i in range(3):
        o.q = o.q * c + x
        o.e = o.e + np.sum(o.q) * c
    return o.e + np.sum(o.q)
    """,
    """
    z = 0.0
    for i in range(3):
        z = np.tanh(z * c + x)
        if np.max(np.abs(z)) > 0.9:
            return np.sum(z) * 2
    return np.sum(z)
    """,
    """
    s = 0.5
    for i in range(3):
        t = x
        for j in range(2):
            t = t + s * c
        s = t
    return np.sum(s * s)
    """,
    """
    s = 1
    for i in range(3):
        t = 1
        for j in range(2):
            t = t * s
        s = t * c + x
    return np.sum(s)
    """,
    """
    if np.sum(x) > 9.0:
        y = x * x
    for i in range(3):
        y = np.interp(x, [-1.0, 0.0, 1.5], [0.1, 0.5, 2.0])
        x = y
    return np.sum(x * x) * c
    """,
    """
    y = x.copy()
    m = np.diag(y)
    y[0:1] = c
    m[0, -1:] = c
    return np.sum(m @ m) + np.sum(y)
    """,
    """
    s = 0.0
    for i in range(n):
        t = A[i] * c
        for j in range(i):
            t = t + A[j]
            u = t * x
        if i > 0:
            s = s + np.sum(u)
    return s
    """,
    """
    a = 0.0
    for e in A:
        a = np.maximum(a, e * c)
        a = a + 0.1
    return np.sum(a * a) if n else c * 1.0
    """,
    """
    a = 0.0
    for i in range(3):
        b = 0.0
        for e in A:
            b = b + e * a + x
        a = b * c
    return np.sum(a) if n else c * 1.0
    """,
]


@pytest.mark.parametrize("body", FOUND)
def test_found_before(body):
    text = "def f(x, c, A):\n    n = len(x)\n" + indent(dedent(body).strip(), "    ")
    what, detail = everyday.judged(text, "jvrHn3")
    assert what == "right", detail
