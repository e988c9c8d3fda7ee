"""Peak memory of gradients, as docs/memory.md has it; ``python tests/benchmarks/memory.py`` writes the page.

Peaks are those of ``tracemalloc``: all that Python and NumPy allocate during the call, arguments apart.
*Needed* is what ``srcdiff.tape`` says that the pullback keeps.
"""

from __future__ import annotations

import gc
import math
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from srcdiff import checkpoint, grad, hessian, hvp, jacrev, tape, vjp

PAGE = Path(__file__).resolve().parents[2] / "docs" / "memory.md"
HEAD = "<!-- figures: python tests/benchmarks/memory.py -->\n"
Fn = Callable[..., Any]


# ---- a long time loop
def stored(u, n):
    for _ in range(n):
        u = u + 0.001 * np.sin(u) * np.cos(u)
    return np.sum(u * u)


def by_default(u, n):
    for _ in checkpoint(range(n)):
        u = u + 0.001 * np.sin(u) * np.cos(u)
    return np.sum(u * u)


def thirty(u, n):
    for _ in checkpoint(range(n), snapshots=30):
        u = u + 0.001 * np.sin(u) * np.cos(u)
    return np.sum(u * u)


def unforeseen(u, n):
    with checkpoint(snapshots=None):
        while n > 0:
            u = u + 0.001 * np.sin(u) * np.cos(u)
            n -= 1
    return np.sum(u * u)


# ---- loops that store
def scalar_loop(x, n):
    for _ in range(n):
        x = x + 0.01 * math.sin(x) * x
    return x


def two_numbers(x, y, n):
    for _ in range(n):
        x, y = x + 0.01 * math.sin(y), y - 0.01 * math.exp(-x) * y
    return x * y


def scalar_while(x, n):
    while n > 0:
        x = x - 0.001 * x * math.exp(-x)
        n -= 1
    return x


def array_loop(u, n):
    for t in range(n):
        u = u + 0.1 * np.sin(u) * np.cos(t * u)
    return np.sum(u * u)


def branches(u, n):
    for _ in range(n):
        if u[0] < 0.2:
            u = u + 0.1 * np.sin(u) * u
        else:
            u = u * np.exp(-u)
    return np.sum(u * u)


def in_place(u, n):
    u = u.copy()
    for _ in range(n):
        u[1:] = u[1:] * np.cos(u[:-1])
    return np.sum(u * u)


def nested(u, n):
    for t in range(n):
        for k in range(10):
            u = u + 0.01 * np.sin(u) * (t + k * u)
    return np.sum(u * u)


def network(w, x, n):
    h = x
    for _ in range(n):
        h = np.tanh(h @ w)
    return np.sum(h * h)


ARRAY = np.linspace(0.1, 0.9, 10_000)
LOOPS: list[tuple[Fn, tuple[Any, ...], tuple[str, ...]]] = [
    (scalar_loop, (0.3, 20_000), ("x",)),
    (two_numbers, (0.3, 0.4, 20_000), ("x", "y")),
    (scalar_while, (0.9, 20_000), ("x",)),
    (array_loop, (ARRAY, 100), ("u",)),
    (branches, (ARRAY, 100), ("u",)),
    (in_place, (ARRAY, 100), ("u",)),
    (nested, (ARRAY, 10), ("u",)),
    (network, (np.full((100, 100), 0.02), np.ones((100, 100)), 100), ("w",)),
]


def peak(f: Fn, *args: Any) -> tuple[int, float]:
    """The bytes that a call holds at most beyond what is there before; its seconds (not being watched)."""
    f(*args)
    gc.collect()
    start = time.perf_counter()
    f(*args)
    seconds = time.perf_counter() - start
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        f(*args)
        return tracemalloc.get_traced_memory()[1] - before, seconds
    finally:
        tracemalloc.stop()


def reverse(f: Fn, wrt: tuple[str, ...]) -> Fn:
    """Both sweeps of reverse mode (a gradient in one number would go forwards)."""
    if wrt != ("x",):
        return grad(f, wrt=wrt)

    def both(*args: Any) -> Any:
        y, pull = vjp(f, *args, wrt=wrt)
        return pull(1.0 + 0.0 * y)

    return both


def long_loops(lengths: tuple[int, ...], size: int) -> list[str]:
    u = np.linspace(0.1, 0.9, size)
    rows = [
        "| trips | stores | seconds | `checkpoint(range(n))` | in arrays | seconds | `snapshots=30` | seconds"
        " | a `while` | seconds |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for n in lengths:
        cells = [f"{n:,}"]
        for f in (stored, by_default, thirty, unforeseen):
            held, seconds = peak(grad(f, wrt="u"), u, n)
            cells.append(f"{held / 1e6:.2f} MB")
            if f is by_default:
                cells.append(f"{held / (u.nbytes * math.sqrt(2 * n)):.2f} sqrt(2n)")
            cells.append(f"{seconds:.2f}")
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def loops_that_store() -> list[str]:
    rows = ["| loop | needed | peak | peak / needed |", "|---|---:|---:|---:|"]
    for f, args, wrt in LOOPS:
        needed = tape(f, *args, wrt=wrt).bytes
        assert needed is not None
        held, _ = peak(reverse(f, wrt), *args)
        rows.append(f"| `{f.__name__}` | {needed / 1e6:.3f} MB | {held / 1e6:.3f} MB | {held / needed:.2f} |")
    return rows


def sums(u: Any, n: int) -> Any:
    for _ in range(n):
        u = u + 0.001 * np.sin(u) * np.cos(u)
    return np.array([np.sum(u), np.sum(u * u), np.sum(u**3)])


def budgets() -> list[str]:
    """Derivatives of many directions within a budget."""
    rows = [
        "| derivative | elements | trips | stores | seconds | budget | plan | foreseen | peak | seconds |",
        "|---|---:|---:|---:|---:|---:|---|---:|---:|---:|",
    ]
    short, long = np.linspace(0.1, 0.9, 50), np.linspace(0.1, 0.9, 5_000)
    cases: list[tuple[Any, Fn, tuple[Any, ...], str]] = [
        (hessian, stored, (short, 2_000), "60 MB"),
        (hessian, stored, (short, 2_000), "3 MB"),
        (hvp, stored, (long, 2_000, long), "30 MB"),
        (jacrev, sums, (long, 2_000), "30 MB"),
    ]
    for make, f, args, memory in cases:
        plain, before = peak(make(f), *args)
        within = make(f, memory=memory)
        held, seconds = peak(within, *args)
        plan = within.plan
        (c,) = plan.choices
        how = f"{c.snapshots} snapshots" if c.how == "snapshots" else c.how
        rows.append(
            f"| `{make.__name__}` | {args[0].size:,} | {args[1]:,} | {plain / 1e6:.1f} MB | {before:.2f}"
            f" | {memory} | {how} | {plan.foreseen / 1e6:.1f} MB | {held / 1e6:.1f} MB | {seconds:.2f} |"
        )
    return rows


def page(lengths: tuple[int, ...] = (1_000, 10_000, 100_000), size: int = 100) -> str:
    long = long_loops(lengths, size)
    return "\n".join(
        [
            HEAD,
            f"## A long time loop\n\nThe gradient of a loop over an array of {size} numbers.\n",
            *long,
            "\n## Loops that store\n\nPeak of both sweeps, against the bytes of what the pullback needs.\n",
            *loops_that_store(),
            "\n## Many directions within a budget",
            "\nA Hessian, a product with one, a Jacobian of three rows.\n",
            *budgets(),
            "",
        ]
    )


def write() -> None:
    """Put the figures in the page, behind its text."""
    text = PAGE.read_text(encoding="utf-8").split(HEAD)[0]
    PAGE.write_text(text + page(), encoding="utf-8")


if __name__ == "__main__":
    write()
