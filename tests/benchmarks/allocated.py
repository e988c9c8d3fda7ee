"""Peaks of memory whoever asks for it: NumPy, kernels of numba, XLA (on Linux).

``tracemalloc`` sees what Python and NumPy ask for, and nothing of what compiled code does.  Here ``malloc``
itself is counted: ``allocated.c`` is compiled and put before the C library, in a process of its own.
"""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = "SRCDIFF_COUNTED"


def counted() -> None:
    """Start this script again where allocations are counted."""
    if HERE in os.environ:
        return
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "allocated.so"
        source = Path(__file__).with_suffix(".c")
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", str(source), "-o", str(made), "-ldl"], check=True)
        there = {**os.environ, "LD_PRELOAD": str(made), "PYTHONMALLOC": "malloc", HERE: "1"}
        sys.exit(subprocess.run([sys.executable, *sys.argv], env=there, check=False).returncode)


def peak(f: Callable[..., Any], *args: Any) -> int:
    """The bytes that a call holds at most beyond what is there before."""
    f(*args)
    libc = ctypes.CDLL(None)
    libc.counted_from_here.restype = libc.most_counted.restype = ctypes.c_longlong
    gc.collect()
    before = libc.counted_from_here()
    f(*args)
    return int(libc.most_counted() - before)
