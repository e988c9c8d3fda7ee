"""Gradients on a GPU beside JAX's jit and PyTorch, eager and compiled: ``python tests/gpu/bench.py``.

Times are medians of rounds of calls one after the other, by CUDA events (JAX's by the clock, up to the last
result).  What is compared is compared first for its numbers.  Bandwidth is what has to be read and written at
least, beside that of a copy on the device.  Peers that are not installed are left out, and so is what is left
when the time is over (``--budget``, in seconds).  ``--fake`` goes the same way without a GPU, on the stand-in
of tests/fake_cupy.py at small sizes, whose times say nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import statistics
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[1])]
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # the memory is for all
os.environ.setdefault("JAX_ENABLE_X64", "1")

from workloads import WORKLOADS, Workload  # noqa: E402

from srcdiff import captured, value_and_grad  # noqa: E402

ROUNDS, LEAST = 7, 0.02  # rounds, and the seconds that one takes at least
Call = Callable[[], Any]


# ---- time


class Clock:
    """How long calls take: by events of a device, or by the clock."""

    def __init__(
        self, event: Callable[[], Any] | None, elapsed: Callable[[Any, Any], float], wait: Call
    ) -> None:
        self.event, self.elapsed, self.wait = event, elapsed, wait

    def round(self, call: Call, calls: int) -> float:
        self.wait()
        if self.event is None:
            started = time.perf_counter()
            for _ in range(calls):
                self.last = call()
            self.wait()
            return (time.perf_counter() - started) / calls
        first = self.event()
        for _ in range(calls):
            call()
        last = self.event()
        self.wait()
        return self.elapsed(first, last) / calls

    def median(self, call: Call) -> float:
        call()
        calls = max(1, round(LEAST / max(self.round(call, 2), 1e-7)))
        return statistics.median(self.round(call, min(calls, 1000)) for _ in range(ROUNDS))


class Ours:
    """CuPy, or its stand-in."""

    def __init__(self, fake: bool) -> None:
        import cupy

        self.cp, self.fake = cupy, fake

    def clock(self) -> Clock:
        if self.fake:
            return Clock(None, lambda a, b: 0.0, lambda: None)
        cp = self.cp

        def event() -> Any:
            e = cp.cuda.Event()
            e.record()
            return e

        wait = cp.cuda.get_current_stream().synchronize
        return Clock(event, lambda a, b: 1e-3 * cp.cuda.get_elapsed_time(a, b), wait)

    def to(self, a: Any) -> Any:
        return self.cp.asarray(a) if isinstance(a, np.ndarray) else a

    def host(self, a: Any) -> Any:
        return np.asarray(a if self.fake or not hasattr(a, "get") else a.get())

    def calls(self, w: Workload, args: tuple[Any, ...]) -> dict[str, Call]:
        own = tuple(map(self.to, args))
        fused = value_and_grad(w.function, wrt=tuple(range(w.active)), backend="cupy-fused")
        out: dict[str, Call] = {"fused": lambda: flat(fused(*own))}
        if not self.fake:
            plain = value_and_grad(w.function, wrt=tuple(range(w.active)))
            out["cupy"] = lambda: flat(plain(*own))
            if w.name in ("small", "layer_norm"):
                graph = captured(fused)
                out["graph"] = lambda: flat(graph(*own))
        return out


class Jax:
    def __init__(self) -> None:
        import jax

        self.jax = jax

    def clock(self) -> Clock:
        clock = Clock(None, lambda a, b: 0.0, lambda: None)
        clock.last = None
        clock.wait = lambda: self.jax.block_until_ready(clock.last)
        return clock

    def calls(self, w: Workload, args: tuple[Any, ...]) -> dict[str, Call]:
        own = tuple(map(self.jax.numpy.asarray, args))
        f = named(w.function, self.jax.numpy)
        g = self.jax.jit(self.jax.value_and_grad(f, argnums=tuple(range(w.active))))
        return {"jax": lambda: flat(g(*own))}

    def host(self, a: Any) -> Any:
        return np.asarray(a)


class Torch:
    def __init__(self, compiles: bool) -> None:
        import torch

        self.torch, self.compiles = torch, compiles
        self.device = "cuda" if torch.cuda.is_available() else "cpu"

    def clock(self) -> Clock:
        torch = self.torch
        if self.device == "cpu":
            return Clock(None, lambda a, b: 0.0, lambda: None)

        def event() -> Any:
            e = torch.cuda.Event(enable_timing=True)
            e.record()
            return e

        return Clock(event, lambda a, b: 1e-3 * a.elapsed_time(b), torch.cuda.synchronize)

    def calls(self, w: Workload, args: tuple[Any, ...]) -> dict[str, Call]:
        torch = self.torch
        own = [torch.as_tensor(a, device=self.device) if isinstance(a, np.ndarray) else a for a in args]
        for a in own[: w.active]:
            a.requires_grad_(True)
        f = named(w.function, torch_names(torch))
        f = torch.compile(f) if self.compiles else f

        def call() -> Any:
            value = f(*own)
            return [value.detach(), *torch.autograd.grad(value, own[: w.active])]

        return {"compiled" if self.compiles else "eager": call}

    def host(self, a: Any) -> Any:
        return a.detach().cpu().numpy()


def torch_names(torch: Any) -> Any:
    """PyTorch by the names of NumPy that the workloads use."""
    alike = ("exp", "sin", "tanh", "abs", "log", "sqrt")
    names = types.SimpleNamespace(**{n: getattr(torch, n) for n in alike})

    def reduction(fn: Any) -> Any:
        def reduce(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
            return fn(x) if axis is None else fn(x, dim=axis, keepdim=keepdims)

        return reduce

    names.sum, names.mean, names.max = map(reduction, (torch.sum, torch.mean, torch.amax))
    return names


def named(f: Any, np_: Any) -> Any:
    """A function whose ``np`` is another module."""
    return types.FunctionType(f.__code__, {**f.__globals__, "np": np_}, f.__name__)


def flat(result: Any) -> list[Any]:
    value, bars = result
    return [value, *bars]


# ---- the whole


def least_bytes(w: Workload, args: tuple[Any, ...]) -> int:
    """What is read and written at least: all arguments once, all gradients once."""
    return sum(a.nbytes for a in args if isinstance(a, np.ndarray)) + sum(a.nbytes for a in args[: w.active])


def agree(name: str, got: list[Any], want: list[Any], tolerance: float) -> None:
    for n, (a, b) in enumerate(zip(got, want, strict=True)):
        off = np.max(np.abs(a.astype(float) - b), initial=0.0) / max(np.max(np.abs(b), initial=0.0), 1e-30)
        assert a.shape == b.shape and off < tolerance, f"{name}: result {n} is off by {off:.1e}"


def data(w: Workload, size: int) -> tuple[Any, ...]:
    args = w.data(np.random.default_rng(0), size)
    return tuple(
        a.astype(w.dtype) if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in args
    )


def copy_speed(ours: Ours, size: int) -> float:
    """Bytes per second of a copy on the device, reads and writes counted."""
    a = ours.cp.ones(size, dtype=np.float32)
    b = ours.cp.empty(size, dtype=np.float32)
    return 2 * a.nbytes / ours.clock().median(lambda: ours.cp.copyto(b, a))


@contextlib.contextmanager
def device(fake: bool) -> Iterator[Ours]:
    with contextlib.ExitStack() as stack:
        if fake:
            import fake_cupy

            stack.enter_context(fake_cupy.installed())
        yield Ours(fake)


def peers(fake: bool) -> list[Any]:
    """What is installed; what takes long to compile is last."""
    made: list[Callable[[], Any]] = []
    if importlib.util.find_spec("jax") is not None:
        made.append(Jax)
    if importlib.util.find_spec("torch") is not None:
        made.append(lambda: Torch(False))
        if not fake:
            made.append(lambda: Torch(True))
    return [make() for make in made]


def measure(names: list[str], fake: bool, budget: float) -> dict[str, Any]:
    """The seconds of each, by workload and by who computes it."""
    until = time.perf_counter() + budget
    out: dict[str, Any] = {"times": {}, "bytes": {}, "skipped": []}
    some = [w for w in WORKLOADS if not names or w.name in names]
    with device(fake) as ours:
        out["copy"] = copy_speed(ours, 1000 if fake else 200_000_000)
        for who in (ours, *peers(fake)):
            for w in some:
                label = f"{type(who).__name__}: {w.name}"
                if time.perf_counter() > until:
                    out["skipped"].append(label)
                    continue
                try:
                    one(ours, who, w, fake, out)
                except Exception as e:  # one failure is told, and does not end the others
                    out["skipped"].append(f"{label}: {type(e).__name__}: {e}")
                print(label, {k: spell(t) for k, t in out["times"].get(w.name, {}).items()}, flush=True)
                if not fake:
                    ours.cp.get_default_memory_pool().free_all_blocks()
    return out


def one(ours: Ours, who: Any, w: Workload, fake: bool, out: dict[str, Any]) -> None:
    few = data(w, 3000 if w.name != "small" else 1)
    want = [np.asarray(a) for a in flat(value_and_grad(w.function, wrt=tuple(range(w.active)))(*few))]
    tolerance = 1e-3 if w.dtype == "float32" else 1e-9
    for name, call in who.calls(w, few).items():
        for _ in range(2):  # (a graph is another thing when it is run again)
            agree(f"{w.name} by {name}", [who.host(a) for a in call()], want, tolerance)
    args = few if fake else data(w, w.size)
    out["bytes"][w.name] = least_bytes(w, args)
    for name, call in who.calls(w, args).items():
        out["times"].setdefault(w.name, {})[name] = who.clock().median(call)


def spell(t: float) -> str:
    return f"{1e3 * t:.3g} ms"


def table(out: dict[str, Any]) -> str:
    lines = [f"a copy on the device: {out['copy'] / 1e9:.0f} GB/s"]
    for w in WORKLOADS:
        times = out["times"].get(w.name)
        if not times or "fused" not in times:
            continue
        best = min(times[k] for k in ("fused", "graph") if k in times)
        speed = out["bytes"][w.name] / best
        parts = [f"{w.name:14}", *(f"{k} {spell(t)}" for k, t in times.items())]
        parts.append(f"{speed / 1e9:.0f} GB/s, {100 * speed / out['copy']:.0f} % of a copy")
        for peer, least in zip(("jax", "eager"), w.least, strict=True):
            if peer in times:
                ratio = times[peer] / best
                parts.append(f"{ratio:.2f}x {peer}" + ("" if ratio >= least else f" (asked for: {least}x)"))
        lines.append("  ".join(parts))
    return "\n".join([*lines, *(f"left out: {x}" for x in out["skipped"])])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="workloads; all, if none is named")
    parser.add_argument("--fake", action="store_true", help="without a GPU")
    parser.add_argument("--budget", type=float, default=480.0, help="seconds, after which nothing is begun")
    parser.add_argument("--out", default=os.environ.get("OUT", "."), help="the folder for gpu_bench.json")
    given = parser.parse_args()
    out = measure(given.names, given.fake, given.budget)
    print(table(out))
    if not given.fake:
        Path(given.out, "gpu_bench.json").write_text(json.dumps(out, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
