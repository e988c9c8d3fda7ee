"""The module whose functions take an array: NumPy's arrays, or another's with NumPy's names.

As array-api-compat does it, an array is known by the package of its class, and nothing is imported to ask.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import numpy as np

__all__ = ["is_array", "namespace", "scipy_part"]


def is_array(x: Any) -> bool:
    """Whether a value is an array, of whichever module."""
    return isinstance(x, np.ndarray) or type(x).__name__ == "ndarray"


def namespace(*values: Any) -> Any:
    """The module that the arrays among some values are of; NumPy, if none is of another."""
    for v in values:
        t = type(v)
        if t is np.ndarray or t is float:
            continue
        if t is list or t is tuple:
            xp = namespace(*v)
            if xp is not np:
                return xp
        elif t.__name__ == "ndarray" and not isinstance(v, np.ndarray):
            return sys.modules[t.__module__.partition(".")[0]]
    return np


def scipy_part(xp: Any, part: str) -> Any:
    """The part of SciPy for arrays of a module: ``cupyx.scipy`` has that of CuPy's."""
    package = "scipy" if xp is np else f"{xp.__name__}x.scipy"
    return importlib.import_module(f"{package}.{part}")
