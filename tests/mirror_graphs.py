"""Streams and graphs of the stand-in for CuPy: what is captured is not done, and done anew at each launch.

A graph holds operations on memory that stays where it is, with the numbers of the host that they were given,
as one of CUDA does.  While it is captured, what operations make holds numbers that are wrong.
"""

from __future__ import annotations

import contextlib
import sys
import time
import types
from collections.abc import Iterator
from typing import Any

import cupy_mirror as cp
import numpy as np

RANGES: list[str] = []  # of NVTX, as they were begun and ended
LAUNCHES: list[Any] = []  # the streams that graphs were launched on
ORDER: list[tuple[Any, ...]] = []  # events recorded and waited for
POOLS: list[Any] = []  # allocators in use


class Event:
    def __init__(self, block: bool = False, disable_timing: bool = False) -> None:
        self.on: Any = None
        self.at = 0.0

    def record(self, stream: Any = None) -> None:
        self.at = time.perf_counter()

    def synchronize(self) -> None: ...


class MemoryHook:
    def __enter__(self) -> Any:
        cp.HOOKS.append(self)
        return self

    def __exit__(self, *args: object) -> None:
        cp.HOOKS.remove(self)


class Stream:
    count = 2

    def __init__(self, null: bool = False, non_blocking: bool = False) -> None:
        Stream.count += not null
        self.ptr = 0 if null else 16 * Stream.count

    def __enter__(self) -> Stream:
        _streams.append(self)
        return self

    def __exit__(self, *args: object) -> None:
        _streams.pop()

    def record(self, event: Event | None = None) -> Event:
        event = event or Event()
        event.on = self
        ORDER.append(("record", self.ptr, event))
        return event

    def wait_event(self, event: Event) -> None:
        ORDER.append(("wait", self.ptr, event))

    def begin_capture(self, mode: Any = None) -> None:
        if self.ptr in (0, 1):
            raise RuntimeError("cannot capture on the default (legacy) stream")
        assert _streams[-1] is self and POOLS
        cp.NOTES = []

    def synchronize(self) -> None: ...

    def is_capturing(self) -> bool:
        return cp.NOTES is not None and _streams[-1] is self

    def end_capture(self) -> Graph:
        notes, cp.NOTES = cp.NOTES, None
        assert notes is not None
        return Graph(notes)


class Graph:
    def __init__(self, notes: list[Any]) -> None:
        self.notes = notes

    def launch(self, stream: Any = None) -> None:
        LAUNCHES.append(stream or _streams[-1])
        for run, outs in self.notes:
            for o, x in zip(outs, arrays(run()), strict=True):
                if not np.shares_memory(o._a, x):
                    o._a[...] = x


def arrays(x: Any) -> list[Any]:
    """What an operation gives, as arrays."""
    if isinstance(x, (list, tuple)):
        return [a for y in x for a in arrays(y)]
    return [] if x is None else [np.asarray(x)]


class DeviceSynchronized(RuntimeError):
    pass


@contextlib.contextmanager
def allow_synchronize(allow: bool) -> Iterator[None]:
    before, cp.MAY_READ[0] = cp.MAY_READ[0], allow
    try:
        yield
    finally:
        cp.MAY_READ[0] = before


@contextlib.contextmanager
def using_allocator(malloc: Any) -> Iterator[None]:
    POOLS.append(malloc)
    try:
        yield
    finally:
        POOLS.pop()


class MemoryPool:
    def malloc(self, size: int) -> None: ...


def set_pinned_memory_allocator(malloc: Any) -> None:
    cp.PINNED[0] = malloc


Stream.null = Stream(null=True)  # type: ignore[attr-defined]
_streams: list[Any] = [Stream.null]  # type: ignore[attr-defined]
for _class in (Event, MemoryHook, Stream, Graph, MemoryPool):
    _class.__module__ = "cupy_mirror.cuda"
vars(cp.cuda).update(
    Event=Event, Stream=Stream, MemoryPool=MemoryPool, using_allocator=using_allocator,
    set_pinned_memory_allocator=set_pinned_memory_allocator, get_current_stream=lambda: _streams[-1],
    runtime=types.SimpleNamespace(getDevice=lambda: 0), MemoryHook=MemoryHook,
    nvtx=types.SimpleNamespace(RangePush=RANGES.append, RangePop=lambda: RANGES.append("")),
    get_elapsed_time=lambda a, b: 1e3 * (b.at - a.at),
)  # fmt: skip
cp.get_default_pinned_memory_pool = lambda: MemoryPool()  # type: ignore[attr-defined]
sys.modules["cupy_mirrorx"].DeviceSynchronized = DeviceSynchronized  # type: ignore[attr-defined]
sys.modules["cupy_mirrorx"].allow_synchronize = allow_synchronize  # type: ignore[attr-defined]
