"""The real numbers in a container, as one vector, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from srcdiff.ir.classes import fields_of
from srcdiff.ir.kinds import made

__all__ = ["is_real", "like", "replaced", "vector"]


def is_real(x: Any) -> bool:
    """Whether a leaf is a real number or an array of such."""
    return isinstance(x, (float, np.floating)) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")


def replaced(value: Any, leaf: Callable[[Any], Any]) -> Any:
    """A container with ``leaf(x)`` for each of its leaves, one after the other."""
    if isinstance(value, (tuple, list)):
        items = [replaced(x, leaf) for x in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, dict):
        return {k: replaced(x, leaf) for k, x in value.items()}
    names = None if isinstance(value, type) else fields_of(value)
    if names is not None:
        return made(type(value), {n: replaced(getattr(value, n), leaf) for n in names})
    return leaf(value)


def vector(value: Any) -> np.ndarray:
    """All real numbers of a container, one leaf behind the other, each in C order."""
    parts: list[np.ndarray] = []
    replaced(value, lambda x: parts.append(np.ravel(x)) if is_real(x) else None)
    return np.concatenate(parts) if parts else np.zeros(0)


def like(value: Any, numbers: np.ndarray) -> Any:
    """The container with other real numbers; None where it holds something else."""
    at = 0

    def part(x: Any) -> Any:
        nonlocal at
        if not is_real(x):
            return None
        start, at = at, at + np.size(x)
        if not isinstance(x, np.ndarray):
            return type(x)(numbers[start])
        return numbers[start:at].astype(x.dtype).reshape(x.shape)

    return replaced(value, part)
