"""The words that Jacobians are put together with, as rule texts."""

from __future__ import annotations

from typing import Any

import numpy as np

from srcdiff import runtime

__all__ = [
    "columns_of_any", "first_to", "identity", "identity_like", "identity_of_any", "last", "none", "one_row",
    "repeated", "rows_of_any", "shaped_as", "summed", "times", "to_first",
]  # fmt: skip


def identity(x: Any) -> Any:
    """One direction for each element of ``x``."""
    if np.ndim(x) == 1:
        return np.eye(x.size)
    return np.eye(x.size).reshape((x.size, *x.shape))


def identity_like(x: Any) -> Any:
    if np.ndim(x) == 1:
        return np.eye(x.size, dtype=x.dtype)
    return np.eye(x.size, dtype=x.dtype).reshape((x.size, *x.shape))


def identity_of_any(x: Any, name: str) -> Any:
    """One direction for each element of an array, or of a number: only a run tells which it is."""
    return np.eye(np.size(x)).reshape(runtime.directions_shape(x, name))


def columns_of_any(t: Any, y: Any, x: Any, name: str, rows: bool) -> Any:
    """The columns of a Jacobian, where only a run tells what the result is."""
    return np.reshape(np.moveaxis(t, 0, -1), runtime.jacobian_shape(y, x, name, rows))


def rows_of_any(t: Any, y: Any, x: Any, name: str) -> Any:
    return np.reshape(t, runtime.jacobian_shape(y, x, name))


def last(t: Any) -> Any:
    """The axis of the directions behind all others."""
    if np.ndim(t) == 1:
        return t
    if np.ndim(t) == 2:
        return t.T
    return np.moveaxis(t, 0, -1)


def repeated(t: Any, x: Any) -> Any:
    """What is the same for all directions (it is zero), once for each."""
    if np.ndim(t) == 0:
        return np.full(x.size, t)
    return np.broadcast_to(t, (x.size, *t.shape))


def shaped_as(t: Any, y: Any, x: Any) -> Any:
    return np.reshape(t, (*np.shape(y), *np.shape(x)))


def one_row(y: Any) -> Any:
    """An array of the shape of the rows."""
    return np.zeros(np.shape(y)[1:])


def none(y: Any, x: Any) -> Any:
    return np.zeros((*np.shape(y), *np.shape(x)))


def summed(t: Any) -> Any:
    return np.sum(t, axis=0)


def first_to(x: Any, axis: Any) -> Any:
    """The first axis in another place."""
    if np.ndim(x) == 2:
        return x.T
    return np.moveaxis(x, 0, axis)


def to_first(x: Any, axis: Any) -> Any:
    """An axis in the first place."""
    if np.ndim(x) == 2:
        return x.T
    return np.moveaxis(x, axis, 0)


def times(t: Any, by: float) -> Any:
    """A list times a number, element by element."""
    return [times(x, by) if isinstance(x, list) else by * x for x in t]
