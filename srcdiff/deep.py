"""What nests deeper than Python's own limit allows is made once more, on a stack of its own.

Expressions, calls and loops inside one another are followed by functions that call themselves: a sum of 250
terms on one line is as deep as Python goes by default. The limit guards a stack of which nobody knows how
large it is. So it is not raised where a derivative is asked for, but on a thread with a stack that is large
enough for it; and only where that is needed, for the limit is that of all threads while this one is at
work.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar, copy_context
from types import TracebackType
from typing import TypeVar

from srcdiff.errors import TooDeep

__all__ = ["Behind", "with_room"]

T = TypeVar("T")

FRAMES = 15_000  # a sum of some 3,000 terms
STACK = 256 << 20  # bytes, of which only those that are used take memory: 17 kB for a frame

_deep: ContextVar[bool] = ContextVar("on a stack of its own", default=False)
_lock = threading.Lock()
_inside, _before = 0, 0


def with_room(make: Callable[[], T]) -> T:
    """What ``make`` makes; if it nests too deeply, on a deeper stack."""
    try:
        return make()
    except TooDeep as e:
        if _deep.get() or sys.getrecursionlimit() >= FRAMES:
            raise
        refused = e.with_traceback(None)
    made: list[T] = []
    failed: list[BaseException] = []
    context = copy_context()  # what is known of the arrays at hand, and which locks are held

    def run() -> None:
        try:
            made.append(context.run(deeply, make))
        except BaseException as e:  # the caller's, whatever it is
            failed.append(e)

    try:
        on_large_stack(run)
    except (RuntimeError, ValueError):  # there can be no such thread here
        raise refused from None
    if failed:
        raise failed[0]
    return made[0]


def on_large_stack(run: Callable[[], None]) -> None:
    with _lock:
        before = threading.stack_size(STACK)
        try:
            thread = threading.Thread(target=run, daemon=True)
            thread.start()
        finally:
            threading.stack_size(before)
    thread.join()


def deeply(make: Callable[[], T]) -> T:
    """The same with a higher limit, which is put back, if nobody else has set it."""
    global _inside, _before
    _deep.set(True)
    with _lock:
        if not _inside:
            _before = sys.getrecursionlimit()
            sys.setrecursionlimit(FRAMES)
        _inside += 1
    try:
        return make()
    finally:
        with _lock:
            _inside -= 1
            if not _inside and sys.getrecursionlimit() == FRAMES:
                sys.setrecursionlimit(_before)


class Behind(AbstractContextManager["Behind"]):
    """A lock that whoever holds it may take again, also on the stack of its own where its work goes on."""

    def __init__(self, name: str) -> None:
        self.lock = threading.Lock()
        self.held: ContextVar[int] = ContextVar(name, default=0)

    def __enter__(self) -> Behind:
        depth = self.held.get()
        if not depth:
            self.lock.acquire()
        self.held.set(depth + 1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, e: BaseException | None, tb: TracebackType | None
    ) -> None:
        depth = self.held.get() - 1
        self.held.set(depth)
        if not depth:
            self.lock.release()
