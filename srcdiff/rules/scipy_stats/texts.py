"""From the formulas of a distribution to the texts of the rules of its methods.

The texts differ only in formulas and in the names of shapes, so they are written by these functions.  Each is
an ordinary rule, in a file of its own as far as Python is concerned: tracebacks and ``inspect`` show it.
"""

from __future__ import annotations

import linecache
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import special

from srcdiff.runtime import beta_slope, gamma_slope, half_tril

__all__ = ["rule_text"]


def rule_text(name: str, parameters: Sequence[str], lines: Sequence[str], extra: str = "") -> Any:
    """A function of a name, parameters and body; the last line is returned, ``extra`` comes after ``*``."""
    *body, last = lines
    head = ", ".join([*parameters, *(["*", extra] if extra else [])])
    text = "\n".join([f"def {name}({head}):", *(f"    {b}" for b in body), f"    return {last}", ""])
    place = f"<{__name__}.{name}>"
    linecache.cache[place] = (len(text), None, text.splitlines(True), place)
    space: dict[str, Any] = {
        "__name__": __name__,
        "__text__": text,
        "math": math,
        "np": np,
        "special": special,
        "half_tril": half_tril,
        "beta_slope": beta_slope,
        "gamma_slope": gamma_slope,
    }
    exec(compile(text, place, "exec"), space)
    return space[name]
