"""What the benchmarks share: a call timed, two results compared, a table of rows against targets."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

__all__ = ["Row", "compare", "seconds", "show", "spell"]


@dataclass(frozen=True)
class Row:
    what: str
    ours: str
    theirs: str
    figure: str
    target: str
    good: bool


def seconds(f: Callable[[], Any], budget: float = 0.6, repeats: int = 5) -> float:
    """The best mean of several rounds of calls, each of about budget / repeats seconds."""
    f()
    started = time.perf_counter()
    f()
    once = max(time.perf_counter() - started, 1e-8)
    calls = max(1, int(budget / repeats / once))
    best = float("inf")
    gc.disable()
    try:
        for _ in range(repeats if calls > 1 else 2):
            started = time.perf_counter()
            for _ in range(calls):
                f()
            best = min(best, (time.perf_counter() - started) / calls)
    finally:
        gc.enable()
    return best


def spell(t: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if t >= size:
            return f"{t / size:.3g} {unit}"
    return f"{t / 1e-9:.3g} ns"


def compare(what: str, a: Any, b: Any) -> None:
    """The two must agree before their times mean anything."""
    if isinstance(a, dict):
        for name in a:
            compare(f"{what}: {name}", a[name], b[name])
    elif isinstance(a, tuple):
        for k, (p, q) in enumerate(zip(a, b, strict=True)):
            compare(f"{what}: {k}", p, q)
    else:
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-12, err_msg=what)


def show(title: str, peer: str, rows: list[Row]) -> None:
    """The rows as a table."""
    table = Table(title=title)
    for name in ("what", "srcdiff", peer, "figure", "target", ""):
        table.add_column(name, justify="left" if name in ("what", "") else "right")
    for row in rows:
        mark = "[green]ok[/]" if row.good else "[red]missed[/]"
        table.add_row(escape(row.what), row.ours, row.theirs, row.figure, row.target, mark)
    Console(width=None if sys.stdout.isatty() else 120).print(table)
