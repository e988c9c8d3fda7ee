"""Peaks of memory beside JAX jit, as docs/memory.md has them; ``python tests/benchmarks/memory_peers.py``.

Ours are peaks of ``tracemalloc`` during a call; JAX's are what XLA says of the compiled gradient: its
temporaries and its results. Arguments are not counted, neither here nor there; nor is JAX's own machinery.
*Needed* is what ``srcdiff.tape`` says that the pullback keeps.
"""

from __future__ import annotations

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import argparse
import math
import statistics
import sys
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from memory import HEAD, PAGE, peak
from port import to_jax
from suites import Work, everything

from srcdiff import grad, tape

START, END = "<!-- beside JAX: python tests/benchmarks/memory_peers.py -->\n", "<!-- end -->\n"
LEAST = 100_000  # bytes: below, what Python and NumPy need for a call counts more than arrays
MEASURED = ("sequential", "stencils", "fused", "dense", "linear")


def of_jax(work: Work, args: tuple[Any, ...]) -> int:
    """The bytes that the compiled gradient takes beside its arguments."""
    import jax

    jax.config.update("jax_enable_x64", True)
    fixed = tuple(k for k, a in enumerate(args) if isinstance(a, int))
    given = [jax.numpy.asarray(a) if isinstance(a, np.ndarray) else a for a in args]
    g = jax.jit(jax.grad(work.jax or to_jax(work.function)), static_argnums=fixed)
    said = g.lower(*given).compile().memory_analysis()
    return int(said.temp_size_in_bytes + said.output_size_in_bytes)


def measured(work: Work) -> tuple[int, int, int | None, int, int]:
    """Peaks of the function and of its gradient; the result, what it needs; and the peak of JAX."""
    args = work.arguments(np.random.default_rng(0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        primal, _ = peak(work.function, *args)
        g = grad(work.function)
        ours, _ = peak(g, *args)
        result = np.asarray(g(*args)).nbytes
        try:
            needed = tape(work.function, *args).bytes
        except NotImplementedError:
            needed = None
        return primal, result, needed, ours, of_jax(work, args)


def mega(n: int | None) -> str:
    return "–" if n is None else f"{n / 1e6:.3f} MB"


def table(suites: tuple[str, ...]) -> str:
    rows = [
        "| workload | function | result | needed | gradient | JAX jit | gradient / JAX | gradient / bound |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    beside: list[float] = []
    bounds: list[float] = []
    small = []
    for work in (w for w in everything() if w.suite in suites):
        try:
            primal, result, needed, ours, theirs = measured(work)
        except Exception as problem:  # (a port that JAX refuses)
            print(work.name, type(problem).__name__, str(problem)[:200], file=sys.stderr)
            continue
        if max(ours, theirs) < LEAST:
            small.append(work.name)
            continue
        bound = ours / (2 * primal + result + needed) if needed is not None else None
        beside.append(ours / theirs)
        bounds += [bound] if bound is not None else []
        said = "–" if bound is None else f"{bound:.2f}"
        cells = [work.name, *map(mega, (primal, result, needed, ours, theirs)), f"{ours / theirs:.2f}", said]
        rows.append(f"| {' | '.join(cells)} |")
        print(rows[-1], file=sys.stderr, flush=True)
    means = math.exp(statistics.fmean(map(math.log, beside)))
    few = sum(b <= 1.0 for b in beside)
    kept = sum(b <= 1.0 for b in bounds)
    lines = [
        "\n## Beside JAX jit\n",
        "Peaks of the workloads of [benchmarks.md](benchmarks.md) in plain NumPy (`tracemalloc`), beside",
        "temporaries and results that XLA reports for the gradient under `jit`; arguments apart. The bound",
        "is twice what the function takes, the result, and what the pullback needs of the forward sweep.\n",
        *rows,
        f"\n{few} of {len(beside)} take at most what JAX takes, geometric mean {means:.2f};",
        f"{kept} of {len(bounds)} take at most the bound.",
        f"Below {LEAST / 1e6:g} MB in both: {', '.join(small)}." if small else "",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--suite", nargs="*", default=MEASURED)
    said = table(tuple(options.parse_args().suite))
    text = PAGE.read_text(encoding="utf-8")
    if START in text:
        before, rest = text.split(START)
        text = before + rest.split(END)[1]
    before, rest = text.split(HEAD)
    PAGE.write_text(before + START + said + END + HEAD + rest, encoding="utf-8")


if __name__ == "__main__":
    main()
