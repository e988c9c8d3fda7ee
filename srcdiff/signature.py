"""Call signatures: which specialisation of a derivative a call wants, found in well under a microsecond."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from srcdiff.errors import DerivativeTypeError, Problem
from srcdiff.frontend.core import Unbound, lookup_free, reach

__all__ = ["getter", "key_of_value"]

_PLAIN = frozenset({float, int, complex})
_LITERAL = frozenset({bool, str, bytes, type(None)})


def key_of_value(v: Any) -> Any:
    """What of an argument a derivative is specialised on: type, dtype, rank, which dimensions are one."""
    t = type(v)
    if t in _PLAIN:
        return t
    if t is np.ndarray:
        return (v.dtype.char, tuple([n == 1 for n in v.shape]))
    if t in _LITERAL:
        return (t, v)
    if isinstance(v, np.generic):
        return t
    if isinstance(v, tuple):
        return (t, tuple([key_of_value(x) for x in v]))
    if t is list:
        keys = [key_of_value(x) for x in v]
        return (list, frozenset(keys) if len(set(map(_rough, keys))) == 1 else tuple(keys))
    if isinstance(v, dict):
        return (dict, tuple([(k, key_of_value(x)) for k, x in v.items()]))
    if dataclasses.is_dataclass(v) and not isinstance(v, type):
        return (t, tuple([key_of_value(getattr(v, f.name)) for f in dataclasses.fields(v)]))
    if isinstance(v, np.ndarray):
        return (v.dtype.char, tuple([n == 1 for n in v.shape]))
    if isinstance(v, types.FunctionType):
        return (v.__code__, v.__defaults__ and tuple(map(key_of_value, v.__defaults__)))
    if isinstance(v, np.dtype):
        return v.str
    if callable(v):
        try:
            hash(v)
        except TypeError:
            raise DerivativeTypeError(Problem("argument", f"a callable of type {t.__name__} cannot be hashed")) from None
        return ("callable", v)
    return t


def _rough(k: Any) -> Any:
    return (k[0], len(k[1])) if isinstance(k, tuple) and len(k) == 2 and isinstance(k[1], tuple) and isinstance(k[0], str) else k


def getter(fn: Any, path: tuple[Any, ...]) -> Callable[[], Any]:
    """A function that reads a captured value anew."""
    if len(path) == 1 and path[0][0] == "var" and isinstance(fn, types.FunctionType):
        name = path[0][1]
        if name in fn.__code__.co_freevars:
            cell = fn.__closure__[fn.__code__.co_freevars.index(name)]  # type: ignore[index]
            return lambda: cell.cell_contents
        table = fn.__globals__
        if name in table:
            return lambda: table[name]
    return lambda: reach(fn, path)


__all__ += ["Unbound", "lookup_free"]
