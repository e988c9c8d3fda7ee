"""While a derivative is made, the process is searched for garbage less often.

What a making makes lives about as long as the making, and the modules that the first one imports live for
ever: to look through it every 700 objects finds next to nothing, and each look brings nearer the one through
all objects of the process.  Together these took a fifth of the time.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["seldom"]

MANY = 50_000  # objects between two looks: some makings of a usual size

_lock = threading.Lock()
_inside = 0
_before: tuple[int, int, int] = (0, 0, 0)


@contextmanager
def seldom() -> Iterator[None]:
    """Look for garbage every so many objects, then as before; not if it is looked for as seldom, or never."""
    global _inside, _before
    with _lock:
        if not _inside:
            _before = gc.get_threshold()
            if 0 < _before[0] < MANY:
                gc.set_threshold(MANY, *_before[1:])
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside and gc.get_threshold() == (MANY, *_before[1:]):  # (nobody else has set it)
                gc.set_threshold(*_before)
