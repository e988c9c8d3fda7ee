"""Values written out as Python: the defaults of parameters."""

from __future__ import annotations

import enum
import math
from typing import Any

import gast
import numpy as np

from srcdiff.emit.spelling import Spelling

__all__ = ["written"]

MOST_ENTRIES = 64  # of an array that is written out


def const(v: Any) -> Any:
    return gast.Constant(v, None)


def written(v: Any, spelling: Spelling) -> Any:
    """The expression that makes a value anew; None if there is no short one."""
    if v is None or v is Ellipsis or type(v) in (bool, str, bytes):
        return const(v)
    if isinstance(v, enum.Enum):
        return imported(v, type(v).__name__, spelling)
    if type(v) in (int, float):
        return number(v, spelling)
    if type(v) is complex:
        plain = math.isfinite(v.real) and math.isfinite(v.imag) and math.copysign(1.0, v.real) > 0
        return const(v) if plain and not v.real and math.copysign(1.0, v.imag) > 0 else None
    if isinstance(v, np.generic):
        return scalar(v, spelling)
    if type(v) is np.ndarray:
        return array(v, spelling)
    if isinstance(v, (tuple, list, dict, set, frozenset)):
        return container(v, spelling)
    if callable(v):
        return imported(v, getattr(v, "__name__", ""), spelling)
    return None


def number(v: int | float, spelling: Spelling) -> Any:
    """A Python number, with its sign."""
    if isinstance(v, float) and not math.isfinite(v):
        node = spelling.path(f"{spelling.module(np)}.{'nan' if v != v else 'inf'}")
        return gast.UnaryOp(gast.USub(), node) if v < 0 else node
    if math.copysign(1.0, v) < 0:
        return gast.UnaryOp(gast.USub(), const(-v))
    return const(v)


def scalar(v: np.generic, spelling: Spelling) -> Any:
    """A NumPy scalar, by its type."""
    if v.dtype.kind not in "biuf" or v.dtype.itemsize > 8:
        return None
    inner = const(bool(v)) if v.dtype.kind == "b" else number(v.item(), spelling)
    name = "bool_" if v.dtype.kind == "b" else v.dtype.name
    return gast.Call(spelling.path(f"{spelling.module(np)}.{name}"), [inner], [])


def array(v: Any, spelling: Spelling) -> Any:
    """A small array, with its dtype where that is not what NumPy would take."""
    if v.size > MOST_ENTRIES or 0 in v.shape or v.dtype.kind not in "biuf" or v.dtype.itemsize > 8:
        return None
    if not v.dtype.isnative:
        return None
    plain = v.tolist()
    np_ = spelling.module(np)
    dtype = spelling.path(f"{np_}.{'bool_' if v.dtype.kind == 'b' else v.dtype.name}")
    options = [] if np.array(plain).dtype == v.dtype else [gast.keyword("dtype", dtype)]
    return gast.Call(spelling.path(f"{np_}.array"), [written(plain, spelling)], options)


def container(v: Any, spelling: Spelling) -> Any:
    """A display of what is written out itself."""
    t = type(v)
    if t is dict:
        keys, values = all_of(v, spelling), all_of(v.values(), spelling)
        return None if keys is None or values is None else gast.Dict(keys, values)
    if t in (set, frozenset):
        items = all_of(sorted(v, key=lambda x: (type(x).__name__, repr(x))), spelling)
        if items is None:
            return None
        if t is set and items:
            return gast.Set(items)
        inner = [gast.Set(items)] if items else []
        return gast.Call(gast.Name(t.__name__, gast.Load(), None, None), inner, [])
    items = all_of(v, spelling)
    if items is None:
        return None
    if t is tuple:
        return gast.Tuple(items, gast.Load())
    if t is list:
        return gast.List(items, gast.Load())
    cls = imported(t, t.__name__, spelling) if hasattr(t, "_fields") else None
    return None if cls is None else gast.Call(cls, items, [])


def all_of(values: Any, spelling: Spelling) -> list[Any] | None:
    items = [written(x, spelling) for x in values]
    return None if any(x is None for x in items) else items


def imported(v: Any, text: str, spelling: Spelling) -> Any:
    """The name of a function, a class or a member of one, if an import reaches it."""
    owner = type(v) if isinstance(v, enum.Enum) else v
    if spelling.home(owner, getattr(owner, "__name__", text)) is None and not spelling.builtin(owner):
        return None
    return spelling.reference(v, text)
