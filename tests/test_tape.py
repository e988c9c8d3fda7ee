"""What the tape holds: bytes said before against bytes measured, rows, words."""

from __future__ import annotations

import gc
import math
import tracemalloc

import numpy as np
import pytest

import srcdiff
from srcdiff import grad, tape
from srcdiff.__main__ import main
from srcdiff.errors import DerivativeValueError
from srcdiff.ir.amounts import amount, written


# ---- programs
def scalar_loop(x, n):
    for _ in range(n):
        x = x + 0.01 * math.sin(x) * x
    return x


def while_loop(x, n):
    k = 0
    while k < n:
        x = x + 0.01 * math.sin(x) * x
        k += 1
    return x


def arrays(u, n):
    for t in range(n):
        u = u + 0.1 * np.sin(u) * (u + t)
    return np.sum(u * u)


def triangle(u, n):
    for t in range(n):
        for _ in range(t):
            u = u + 0.1 * np.sin(u) * u
    return np.sum(u * u)


def nest(u, n):
    s = 0.0
    for _ in range(n):
        v = u
        for k in range(7):
            v = np.tanh(v * u) + k
        s = s + np.sum(v)
    return s


def from_floats(u, dt):
    for _ in range(int(1.0 / dt)):
        u = u + dt * np.cos(u)
    return np.sum(u)


def writes(u, n):
    u = u.copy()
    for _ in range(n):
        for i in range(1, len(u)):
            u[i] = u[i] * u[i - 1] * 0.5
    return np.sum(u * u)


def halving(x):
    s = 0.0
    n = len(x)
    while n > 1:
        x = x[: n // 2] * x[n // 2 : 2 * (n // 2)]
        n = n // 2
        s = s + np.sum(np.sin(x))
    return s


def straight(x, w):
    h = np.tanh(x @ w)
    y = np.exp(h @ h.T)
    return np.sum(y * y)


def stacked(x, n):
    a = np.zeros((n, len(x)))
    for i in range(n):
        a[i] = np.sin(x * i)
    b = np.cumsum(a, axis=0)
    return np.sum(np.exp(-(a @ b.T)))


def singles(x, n):
    for _ in range(n):
        x = np.exp(-x) * x
    return np.sum(x)


class Net:
    def __init__(self, n):
        self.ws = [np.full((n, n), 0.01) for _ in range(5)]

    def __call__(self, x):
        for w in self.ws:
            x = np.tanh(w @ x)
        return np.sum(x)


U = np.linspace(0.1, 0.9, 3000)
CASES = [
    (scalar_loop, (0.3, 3000)),
    (while_loop, (0.3, 3000)),
    (arrays, (U, 40)),
    (triangle, (U, 9)),
    (nest, (U, 6)),
    (from_floats, (U, 0.02)),
    (writes, (U[:200], 20)),
    (halving, (np.ones(8193),)),
    (straight, (np.ones((50, 40)), np.full((40, 30), 0.01))),
    (stacked, (U[:80], 30)),
    (singles, (U.astype(np.float32), 30)),
    (Net(64), (np.ones((64, 50)),)),
]


def measured(f, args, wrt):
    """The bytes that are held between the two sweeps of ``vjp``."""
    srcdiff.vjp(f, *args, wrt=wrt)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        got = srcdiff.vjp(f, *args, wrt=wrt)
        gc.collect()
        held = tracemalloc.get_traced_memory()[0] - before
        assert got
        return held
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("f, args", CASES, ids=[getattr(f, "__name__", "net") for f, _ in CASES])
def test_bytes(f, args):
    """What is said is what is held: arguments apart, which a pullback copies and a gradient reads."""
    said = tape(f, *args)
    held = measured(f, args, said.wrt)
    copies = sum(e.held == "argument" and "float" in e.what and "(" in e.what for e in said)
    assert said.bytes is not None and not said.at_most
    least = said.bytes
    most = said.bytes + (sum(a.nbytes for a in args if isinstance(a, np.ndarray)) if copies else 0)
    few = 0.92 if f is nest else 0.95  # (the last value of a loop's variable is counted, and not kept)
    assert few * least - 500 <= held <= 1.06 * most + 2000


# ---- rows
def test_rows():
    r = tape(arrays, U, 40)
    line = arrays.__code__.co_firstlineno + 2
    loop = [e for e in r if e.line == line]
    assert {(e.name, e.what, e.trips) for e in loop} == {
        ("u", "float64 (3000,)", 40),
        ("... * ...", "float64 (3000,)", 40),
    }
    assert all(abs(e.bytes - n * 24000) < 40 * 140 for e, n in zip(loop, (41, 40), strict=True))  # and a copy
    assert r.lines[__file__, line] == sum(e.bytes for e in loop)
    assert loop[0].text == "u = u + 0.1 * np.sin(u) * (u + t)"
    assert any("sin" in e.why for e in loop if e.name == "u")


def test_trips_known_at_run_time():
    def newton(x, a):
        while abs(x * x - a) > 1e-12:
            x = x - (x * x - a) / (2.0 * x) * np.sin(x)
        return x

    r = tape(newton, np.float64(1.0), 2.0, wrt="a")
    assert r.bytes is None or r.known
    r = tape(lambda u: np.sum(shrunk(u)), U)
    assert r.bytes is None and not r.known
    assert [(e.name, e.trips) for e in r if e.trips is None]
    assert "per trip of loops whose trips are known at run time only" in str(r)
    row = next(e for e in r if e.trips is None)
    assert abs(row.bytes - 2 * 24000) < 400  # of one trip, and the copy of the argument


def shrunk(u):
    while np.sum(u) > 1.0:
        u = u * np.sin(u)
    return u


def test_branches_are_at_most():
    def f(u, n):
        for _ in range(n):
            u = np.sin(u) if u[0] > 0.2 else u * u
        return np.sum(u)

    r = tape(f, U, 10)
    held = measured(f, (U, 10), r.wrt)
    assert r.at_most and held <= r.bytes + 2000
    assert str(r).splitlines()[-1].startswith("at most")


def test_arguments_take_nothing():
    r = tape(lambda x, w: np.sum(x * w), U, U)
    assert {e.held for e in r} <= {"argument"} and r.bytes == 0


def test_recursion_is_not_known():
    def deep(x, n):
        return x if n == 0 else deep(np.sin(x), n - 1)

    r = tape(lambda x, n: np.sum(deep(x, n)), U, 4)
    assert r.bytes is None and "not known" in str(r)


def test_of_a_derivative_and_wrt():
    d = grad(straight, wrt=("x", "w"))
    args = CASES[8][1]
    assert tape(d, *args).wrt == ("x", "w") == tape(straight, *args, wrt=("x", "w")).wrt
    assert tape(d, *args).bytes == tape(straight, *args, wrt=("x", "w")).bytes


def test_checkpoints_count():
    @srcdiff.checkpoint
    def step(u):
        return u + 0.1 * np.sin(u) * np.cos(u * u)

    def marked(u, n):
        for _ in range(n):
            u = step(u)
        return np.sum(u)

    def plain(u, n):
        for _ in range(n):
            u = u + 0.1 * np.sin(u) * np.cos(u * u)
        return np.sum(u)

    assert abs(tape(marked, U, 20).bytes - 21 * U.nbytes) < 5000
    assert tape(plain, U, 20).bytes > 55 * U.nbytes


# ---- printing
def test_text(capsys):
    r = tape(arrays, U, 40)
    text = str(r)
    assert text.startswith("Tape of arrays with respect to u\n")
    assert text.endswith(f"{written(r.bytes)} in all")
    assert "x 40" in text and "float64 (3000,)" in text
    r.show()
    assert capsys.readouterr().out == text + "\n"
    assert r.__rich__().row_count == len(r) + 1
    assert list(r) == list(r.entries)


def test_command_line(tmp_path, capsys):
    file = tmp_path / "model.py"
    file.write_text(
        "import numpy as np\n\n"
        "def f(x, n):\n    for _ in range(n):\n        x = np.sin(x)\n    return np.sum(x)\n"
    )
    assert main(["tape", f"{file}:f", "np.ones(1000)", "25"]) == 0
    out = capsys.readouterr().out
    assert "Tape of f with respect to x" in out and "x 25" in out and "211 kB" in out
    assert main(["tape", f"{file}:f", "np.ones(1000)", "25", "--wrt", "y"]) == 1


# ---- amounts
@pytest.mark.parametrize(
    "given, bytes_",
    [
        ("2 GB", 2 * 10**9), ("2gb", 2 * 10**9), ("1.5 MiB", 3 * 2**19), ("64 KiB", 2**16), ("800", 800),
        ("12 kB", 12000), ("1_000 B", 1000), (4096, 4096), (1e6, 10**6), ("3 G", 3 * 10**9),
    ],
)  # fmt: skip
def test_amounts(given, bytes_):
    assert amount(given) == bytes_


@pytest.mark.parametrize("given", ["lots", "2 XB", "", "-1 GB", 0, -5, True, None, "0 GB", float("inf")])
def test_no_amounts(given):
    with pytest.raises(DerivativeValueError, match="is no amount of memory"):
        amount(given)


def test_written():
    assert [written(n) for n in (0, 999, 1000, 1234, 999_400, 10**6, 2_500_000_000, 10**13)] == [
        "0 B", "999 B", "1 kB", "1.23 kB", "999 kB", "1 MB", "2.5 GB", "10 TB",
    ]  # fmt: skip
