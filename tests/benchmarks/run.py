"""All suites beside the peers, in one process: docs/benchmarks.md and its plot are made by this.

    pip install -e ".[bench,numba]" jax torch
    python tests/benchmarks/run.py                       # every suite; writes docs/benchmarks.md
    python tests/benchmarks/run.py --only cholesky lu    # some workloads (--write: into the page as well)
    python tests/benchmarks/run.py --suite scalar tiny
    python tests/benchmarks/run.py --part a.json --suite scalar tiny    # a part of a run: what is in the
    python tests/benchmarks/run.py --part b.json --suite linear         # file already is not measured again
    python tests/benchmarks/run.py --merge a.json b.json                # the parts put into the page

Peers that are not installed are left out. One thread each. What is timed is the processor time of the
process, so that other work on the machine does not count; all that answer a workload take turns, and the
median of their rounds is reported. Gradients must agree before they are timed. `first` is the first call:
making, compiling, running.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import argparse
import gc
import json
import math
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from page import write
from port import to_jax, with_namespace
from suites import SUITES, Work, everything
from timing import compare

from srcdiff import grad

try:
    import jax

    jax.config.update("jax_enable_x64", True)
except ImportError:
    jax = None
try:
    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
except (ImportError, OSError):
    torch = None
try:
    import autograd
    import autograd.numpy as anp
except ImportError:
    autograd = None
try:
    import numba
except ImportError:
    numba = None

RESULTS = Path(__file__).parent / "results.json"
ROUNDS = 7
ROUND = 0.03  # seconds of a round, at least one call
PATIENCE = 1.0  # a call that takes longer is timed once

EAGER = ("torch", "autograd")

Call = Callable[[], Any]


def compiled(work: Work, args: tuple[Any, ...]) -> Call | None:
    if numba is None:
        return None
    try:
        g = grad(work.function, backend="numba")  # type: ignore[call-arg]
    except TypeError:
        return None  # no compiled backend in this version
    return lambda: g(*args)


def of_jax(f: Callable[..., Any], args: tuple[Any, ...], forward: bool = False) -> Call:
    fixed = tuple(k for k, a in enumerate(args) if isinstance(a, int))

    def slope(x: Any, *rest: Any) -> Any:
        return jax.jvp(lambda x: f(x, *rest), (x,), (1.0,))[1]

    g = jax.jit(slope if forward else jax.grad(f), static_argnums=fixed)
    given = [jax.numpy.asarray(a) if isinstance(a, np.ndarray) else a for a in args]
    return lambda: g(*given).block_until_ready()


class TorchNames:
    """PyTorch under NumPy's names, where its own mean something else."""

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)

    @staticmethod
    def max(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
        return torch.max(x) if axis is None else torch.amax(x, axis, keepdims)

    @staticmethod
    def maximum(x: Any, y: Any) -> Any:
        return torch.clamp(x, min=y) if isinstance(y, float) else torch.maximum(x, y)


def of_torch(work: Work, args: tuple[Any, ...]) -> Call:
    f = with_namespace(work.function, TorchNames())
    given = [torch.from_numpy(a) if isinstance(a, np.ndarray) else a for a in args]

    def call() -> Any:
        x = torch.as_tensor(args[0]).clone().requires_grad_()
        f(x, *given[1:]).backward()
        return x.grad

    return call


def of_autograd(work: Work, args: tuple[Any, ...]) -> Call:
    g = autograd.grad(with_namespace(work.function, anp))
    return lambda: g(*args)


def contenders(work: Work, args: tuple[Any, ...]) -> dict[str, Callable[[], Call | None]]:
    g = grad(work.function)
    found: dict[str, Callable[[], Call | None]] = {
        "ours": lambda: lambda: g(*args),
        "numba": lambda: compiled(work, args),
    }
    if jax is not None:
        found["jax"] = lambda: of_jax(work.jax or to_jax(work.function), args)
        if work.expert is not None:
            expert = work.expert
            found["expert"] = lambda: of_jax(expert, args)
            if isinstance(args[0], float):
                found["forward"] = lambda: of_jax(expert, args, forward=True)
    if work.eager and torch is not None:
        found["torch"] = lambda: of_torch(work, args)
    if work.eager and autograd is not None:
        found["autograd"] = lambda: of_autograd(work, args)
    return found


def used(call: Call) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


def measure(work: Work) -> dict[str, Any]:
    """Times in seconds, first calls, and why somebody has none."""
    args = work.arguments(np.random.default_rng(0))
    calls: dict[str, Call] = {"primal": lambda: work.function(*args)}
    calls["primal"]()
    first: dict[str, float] = {}
    slow: dict[str, float] = {}
    failed: dict[str, str] = {}
    want = None
    for who, make in contenders(work, args).items():
        started, at_first = time.perf_counter(), time.process_time()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                call = make()
                if call is None:
                    continue
                answer = np.asarray(call())
        except Exception as problem:
            if who == "ours":
                raise
            failed[who] = f"{type(problem).__name__}: {str(problem).splitlines()[0] if str(problem) else ''}"
            continue
        first[who] = time.perf_counter() - started
        if who in EAGER and time.process_time() - at_first > PATIENCE:
            slow[who] = time.process_time() - at_first  # nothing was made: this is what a call takes
        if want is None:
            want = answer
        try:
            compare(f"{work.name}, {who}", want, answer)
        except AssertionError as problem:
            failed[who] = "another answer: " + " ".join(str(problem).split())[:200]
            continue
        calls[who] = call
    rounds: dict[str, list[float]] = {who: [] for who in calls}
    counts = {}
    for who, call in calls.items():
        once = slow[who] if who in slow else used(call)
        once = once if once > PATIENCE else min(once, used(call))
        counts[who] = max(1, int(ROUND / max(once, 1e-7)))
        if once > PATIENCE:
            rounds[who] = [once]
    gc.disable()
    try:
        for _ in range(ROUNDS):
            for who, call in calls.items():
                if counts[who] == 1 and rounds[who] and rounds[who][0] > PATIENCE:
                    continue
                n = counts[who]
                started = time.process_time()
                for _ in range(n):
                    call()
                rounds[who].append((time.process_time() - started) / n)
            gc.collect()
    finally:
        gc.enable()
    return {
        "suite": work.suite,
        "npbench": work.npbench,
        "times": {who: statistics.median(ts) for who, ts in rounds.items()},
        "first": first,
        "failed": failed,
        "load": os.getloadavg()[0],
    }


def versions() -> dict[str, str]:
    found = {"Python": sys.version.split()[0], "NumPy": np.__version__}
    for name, module in (("numba", numba), ("JAX", jax), ("PyTorch", torch), ("autograd", autograd)):
        if module is not None:
            found[name] = version(name.lower() if name != "PyTorch" else "torch")
    return found


def merge(parts: list[Path]) -> None:
    """Put the rows of parts of a run into the page: the rows that are there stay where no part has them."""
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"works": {}}
    for part in parts:
        more = json.loads(part.read_text())
        found["versions"] = more["versions"]
        found["works"].update(more["works"])
    order = [w.name for w in everything()]
    found["works"] = {n: found["works"][n] for n in order if n in found["works"]}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    write(RESULTS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suite", nargs="*", choices=list(SUITES))
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--write", action="store_true", help="put these rows into docs/benchmarks.md, too")
    parser.add_argument("--part", type=Path, help="put the rows into this file, and measure none twice")
    parser.add_argument("--merge", type=Path, nargs="+", help="put the rows of these files into the page")
    arguments = parser.parse_args()
    if arguments.merge:
        merge(arguments.merge)
        return 0
    some = bool(arguments.only or arguments.suite)
    into = arguments.part or RESULTS
    before = json.loads(into.read_text())["works"] if (some or arguments.part) and into.exists() else {}
    results: dict[str, Any] = {}
    for work in everything():
        if arguments.part and work.name in before:
            continue
        if (arguments.only and work.name not in arguments.only) or (
            arguments.suite and work.suite not in arguments.suite
        ):
            continue
        row = results[work.name] = measure(work)
        t = row["times"]
        line = "  ".join(f"{who} {v * 1e3:.4g}" for who, v in t.items())
        ratio = f"  jax/ours {t['jax'] / t['ours']:.2f}" if "jax" in t else ""
        print(f"{work.suite:10} {work.name:20} ms: {line}{ratio}", flush=True)
        for who, why in row["failed"].items():
            print(f"    {who}: {why}", flush=True)
        if not some or arguments.write or arguments.part:
            works = {**before, **results}
            into.write_text(json.dumps({"versions": versions(), "works": works}, indent=1) + "\n")
            if into == RESULTS:
                write(RESULTS)
    for suite in SUITES:
        ratios = [
            r["times"]["jax"] / r["times"]["ours"]
            for r in results.values()
            if r["suite"] == suite and "jax" in r["times"]
        ]
        if ratios:
            mean = math.exp(statistics.fmean(map(math.log, ratios)))
            print(f"{suite}: JAX jit / ours, geometric mean {mean:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
