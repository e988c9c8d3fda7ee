"""The core operations on containers, as functions of values: each returns a new value, arguments unchanged.

They are markers in the graph (printed as statements) and, being runnable, its meaning for the evaluator.
"""

from __future__ import annotations

import copy as _copy
import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

_T = TypeVar("_T")
__all__ = [
    "UPDATES",
    "WRITES",
    "accumulate",
    "additem",
    "append",
    "attribute",
    "copied",
    "given",
    "keys",
    "order",
    "poplast",
    "rest",
    "setitem",
    "stop_gradient",
    "without",
]


def attribute(x: Any, name: str) -> Any:
    """``x.name`` of a thing of unknown kind."""
    return getattr(x, name)


def setitem(x: Any, index: Any, value: Any) -> Any:
    """``x`` with ``x[index] = value``."""
    y = _copy.copy(x)
    y[index] = value
    return y


def additem(x: Any, index: Any, value: Any) -> Any:
    """``x`` with ``x[index] += value``, repeated indices counted each time."""
    y = _copy.copy(x)
    if isinstance(y, (list, dict)):
        y[index] = y[index] + value
    else:
        np.add.at(y, index, value)
    return y


def append(x: Any, value: Any) -> Any:
    """The list ``x`` with ``value`` at its end."""
    return [*x, value]


def poplast(x: Any) -> Any:
    """The last element of the list ``x`` (goes with ``rest``: together they are ``x.pop()``)."""
    return x[-1]


def rest(x: Any) -> Any:
    """The list ``x`` without its last element."""
    return x[:-1]


def copied(x: Any) -> Any:
    """A copy that shares no memory with ``x``; lists in a list are copied too."""
    if isinstance(x, list):
        return [copied(e) if isinstance(e, (list, dict)) else e for e in x]
    if isinstance(x, dict):
        return {k: copied(e) if isinstance(e, (list, dict)) else e for k, e in x.items()}
    return _copy.copy(x)


def accumulate(x: Any, value: Any) -> Any:
    """``x + value``, printed ``x += value``: the sum of cotangents."""
    return x + value


def linked(part: Any, again: Any) -> Any:
    """``part``, which is also reached as ``again``: its derivative is that of the one and of the other.

    A part of an argument that one derivative is taken in, while another is taken in the whole.
    """
    return part


def given(x: Any) -> Any:
    """``x``, where it is known not to be None."""
    return x


def stop_gradient(x: _T) -> _T:
    """``x``, held constant by every derivative taken through it.

    Example:
        >>> from srcdiff import grad, stop_gradient
        >>> grad(lambda x: x * stop_gradient(x))(3.0)
        3.0
    """
    return x


def without(x: Any, key: Any) -> Any:
    """The dict ``x`` without an entry."""
    return {k: v for k, v in x.items() if k != key}


def keys(x: Any) -> list[Any]:
    """The keys of the dict ``x``: what is chosen or counted by, not what is differentiated."""
    return list(x)


WRITES = (setitem, additem)  # into a part of an array or a list
UPDATES = (*WRITES, append, rest, without)


def getfield(x: Any, name: str) -> Any:
    """``x.name``: a field of a namedtuple or dataclass."""
    return getattr(x, name)


def shape_at(x: Any, axis: int) -> int:
    """``x.shape[axis]``."""
    return int(x.shape[axis])


def order(keys: Any, reverse: bool) -> list[int]:
    """The places of ``keys`` in sorted order; equal ones stay in theirs."""
    return sorted(range(len(keys)), key=keys.__getitem__, reverse=reverse)


def exit_is(code: Any, which: int) -> bool:
    """Whether a loop was left in the way ``which``: 1 by break, 2 by return."""
    return bool(code == which)


@functools.cache
def method_named(name: str) -> Callable[..., Any]:
    """The call of a method of an object that is not looked into: the same function for the same name."""

    def method(obj: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(obj, name)(*args, **kwargs)

    method.__name__ = method.__qualname__ = name
    return method
