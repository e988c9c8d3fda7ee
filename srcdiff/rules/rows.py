"""What is done row by row, what sums over rows: the words of the proof that an array can be cut into blocks.

What works element by element, or along axes, is told by the tables of `batching`.
"""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from srcdiff import runtime
from srcdiff.rules import vocabulary

__all__ = [
    "ALIKE", "BLANK", "BLANK_OF", "COPIES", "DOTS", "LENGTH", "MEAN", "NEW", "NEW_OF", "OF_A_SHAPE",
    "OF_ROWS", "OUTER", "REPEATS", "SIZE", "SUM", "UNBROADCASTS", "VDOT", "ZEROS",
]  # fmt: skip

ALIKE: frozenset[Any] = frozenset({np.zeros_like, np.ones_like, runtime.zeros_like})
ZEROS: frozenset[Any] = frozenset({np.zeros, np.zeros_like, runtime.zeros_like})
OF_A_SHAPE: dict[Any, int] = {np.zeros: 0, np.ones: 0, np.full: 0, np.broadcast_to: 1}  # where the shape is
COPIES = vocabulary.COPIES
UNBROADCASTS: frozenset[Any] = frozenset({runtime.unbroadcast, runtime.fit})
OF_ROWS: frozenset[Any] = frozenset({np.cross})  # of two operands, along the last axis of each
OUTER, REPEATS = np.outer, np.broadcast_to
DOTS, VDOT = np.dot, np.vdot
MEAN, SUM = np.mean, np.sum  # a mean is a sum over the number of what is summed up
LENGTH, SIZE = builtins.len, np.size
NEW, BLANK = np.empty_like, np.zeros_like  # memory like that of another array, and zeros
NEW_OF, BLANK_OF = np.empty, np.zeros  # the same of a shape
