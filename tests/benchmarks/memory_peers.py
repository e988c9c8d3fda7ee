"""Peaks of memory beside JAX jit, as docs/memory.md has them; ``python tests/benchmarks/memory_peers.py``.

Ours are what ``malloc`` holds at most during a call beyond what is there before (`allocated.py`), for NumPy
and for kernels; JAX's are what XLA says of the compiled gradient: its temporaries and its results (as
``malloc`` has it, a little more: ``--held`` prints it).  Arguments are not counted, neither here nor there.
One thread each: BLAS asks for memory for each.
*Needed* is what ``srcdiff.tape`` says that the pullback keeps.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
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
from allocated import counted, peak
from memory import HEAD, PAGE
from port import to_jax
from suites import Work, everything

from srcdiff import grad, tape

START, END = "<!-- beside JAX: python tests/benchmarks/memory_peers.py -->\n", "<!-- end -->\n"
LEAST = 100_000  # bytes: below, what Python and NumPy need for a call counts more than arrays
MEASURED = ("sequential", "stencils", "fused", "dense", "linear")
HEADER = ("workload", "function", "result", "needed", "NumPy", "kernels", "JAX jit")
RATIOS = ("NumPy / JAX", "kernels / JAX", "NumPy / bound", "kernels / bound")


def of_jax(work: Work, args: tuple[Any, ...], held: bool = False) -> int:
    """The bytes that the compiled gradient takes beside its arguments."""
    import jax

    jax.config.update("jax_enable_x64", True)
    fixed = tuple(k for k, a in enumerate(args) if isinstance(a, int))
    given = [jax.numpy.asarray(a) if isinstance(a, np.ndarray) else a for a in args]
    g = jax.jit(jax.grad(work.jax or to_jax(work.function)), static_argnums=fixed)
    said = g.lower(*given).compile().memory_analysis()
    reported = int(said.temp_size_in_bytes + said.output_size_in_bytes)
    if held:
        print(work.name, reported, peak(lambda: g(*given).block_until_ready()), file=sys.stderr)
    return reported


def measured(work: Work, held: bool) -> dict[str, int | None]:
    """The peaks of a workload; its result, and what it needs."""
    args = work.arguments(np.random.default_rng(0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        g = grad(work.function)
        try:
            needed = tape(work.function, *args).bytes
        except NotImplementedError:
            needed = None
        return {
            "function": peak(work.function, *args),
            "result": np.asarray(g(*args)).nbytes,
            "needed": needed,
            "NumPy": peak(g, *args),
            "kernels": peak(grad(work.function, backend="numba"), *args),
            "JAX jit": of_jax(work, args, held),
        }


def mega(n: int | None) -> str:
    return "–" if n is None else f"{n / 1e6:.3f}"


def ratios(found: dict[str, Any]) -> dict[str, float]:
    bound = 2 * found["function"] + found["result"] + found["needed"] if found["needed"] is not None else None
    under = {"JAX": found["JAX jit"], "bound": bound}
    pairs = ((name, name.split(" / ")) for name in RATIOS)
    return {name: found[over] / under[by] for name, (over, by) in pairs if under[by] is not None}


def table(suites: tuple[str, ...], named: tuple[str, ...], held: bool) -> str:
    rows = [f"| {' | '.join((*HEADER, *RATIOS))} |", f"|---|{'---:|' * (len(HEADER) + len(RATIOS) - 1)}"]
    columns: dict[str, list[float]] = {name: [] for name in RATIOS}
    small = []
    for work in (w for w in everything() if w.suite in suites and (not named or w.name in named)):
        try:
            found = measured(work, held)
        except Exception as problem:  # (a port that JAX refuses)
            print(work.name, type(problem).__name__, str(problem)[:200], file=sys.stderr)
            continue
        if max(found["NumPy"] or 0, found["JAX jit"] or 0) < LEAST:
            small.append(work.name)
            continue
        by = ratios(found)
        for name, ratio in by.items():
            columns[name].append(ratio)
        said = [f"{by[name]:.2f}" if name in by else "–" for name in RATIOS]
        rows.append(f"| {' | '.join([work.name, *(mega(found[k]) for k in HEADER[1:]), *said])} |")
        print(rows[-1], file=sys.stderr, flush=True)

    def few(name: str) -> str:
        return f"{sum(b <= 1.005 for b in columns[name])} of {len(columns[name])}"

    means = {name: math.exp(statistics.fmean(map(math.log, of))) for name, of in columns.items()}
    lines = [
        "\n## Beside JAX jit\n",
        "Peaks of the workloads of [benchmarks.md](benchmarks.md) in MB, arguments apart: what `malloc`",
        "holds at most during a call, for the function, for its gradient in plain NumPy, and with kernels",
        "(`backend=\"numba\"`); beside them the temporaries and results that XLA reports for the gradient",
        "under `jit`. The bound is twice what the function takes, the result, and what the pullback needs",
        "of the forward sweep.\n",
        *rows,
        f"\nAt most what JAX takes: in plain NumPy {few('NumPy / JAX')}, geometric mean",
        f"{means['NumPy / JAX']:.2f}; with kernels {few('kernels / JAX')}, {means['kernels / JAX']:.2f}.",
        f"At most the bound: {few('NumPy / bound')}, with kernels {few('kernels / bound')}.",
        "What stays above in plain NumPy are chains of operations element by element, of which XLA",
        "makes one pass: of large arrays the text takes some rows at a time (`arc_distance`: 13 times",
        "JAX's before), of small ones it does not (`compute`). Numbers in lists take four times the memory",
        "of those in arrays (`soft_alignment`).",
        f"Below {LEAST / 1e6:g} MB in both: {', '.join(small)}." if small else "",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--suite", nargs="*", default=MEASURED)
    options.add_argument("--name", nargs="*", default=(), help="these only; the page is left alone")
    options.add_argument("--held", action="store_true", help="print what malloc holds under JAX too")
    given = options.parse_args()
    said = table(tuple(given.suite), tuple(given.name), given.held)
    if given.name:
        return
    text = PAGE.read_text(encoding="utf-8")
    if START in text:
        before, rest = text.split(START)
        text = before + rest.split(END)[1]
    before, rest = text.split(HEAD)
    PAGE.write_text(before + START + said + END + HEAD + rest, encoding="utf-8")


if __name__ == "__main__":
    counted()
    main()
