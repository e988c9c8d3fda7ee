"""Where the examples ``gpu_*.py`` compute: on a GPU by CuPy where there is one, otherwise by NumPy."""

from __future__ import annotations

import importlib.util
import time

import numpy as np


def here():
    """The module of arrays, and whether it is that of a GPU."""
    if importlib.util.find_spec("cupy") is not None:
        import cupy

        if cupy.is_available():
            return cupy, True
    return np, False


def seconds(xp, call):
    """How long a call takes once it has been made, the work on the device included."""
    call()
    started = time.perf_counter()
    result = call()
    if xp is not np:
        xp.cuda.get_current_stream().synchronize()
    return time.perf_counter() - started, result
