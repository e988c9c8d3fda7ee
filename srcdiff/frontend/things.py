"""What sort of thing a value from outside is: code, an object of the user's, a container of these."""

from __future__ import annotations

import enum
import functools
import types
from numbers import Number
from typing import Any

import numpy as np

from srcdiff.ir.classes import fields_of
from srcdiff.ir.modules import module_of, package_of

__all__ = [
    "BUILTIN", "LIBRARIES", "holds_code", "holds_things", "is_code", "is_foreign", "is_instance", "is_thing",
    "mutable",
]  # fmt: skip

LIBRARIES = frozenset(("numpy", "scipy", "cupy", "builtins", "functools", "itertools", "srcdiff", "pandas",
                       "torch", "jax"))  # fmt: skip
BUILTIN = (tuple, list, dict, set, frozenset, str, bytes, int, float, complex, np.ndarray, BaseException)


def mutable(t: Any) -> bool:
    """Whether instances of a container type can be changed."""
    if t in (list, dict):
        return True
    if issubclass(t, tuple):
        return False
    params = getattr(t, "__dataclass_params__", None)
    return params is None or not params.frozen


def is_code(obj: Any) -> bool:
    """Functions, classes, modules and the like: things that are called or looked into, not computed with."""
    if isinstance(
        obj, (types.ModuleType, type, np.ufunc, np.dtype, types.BuiltinFunctionType, types.MethodType)
    ):
        return True
    return callable(obj)


def is_instance(obj: Any) -> bool:
    """Whether a thing is an object of a class of the user's, looked into attribute by attribute."""
    t = type(obj)
    if isinstance(obj, (type, types.ModuleType, types.FunctionType, functools.partial, Number, *BUILTIN)):
        return False
    if isinstance(obj, enum.Enum) or module_of(obj) is not None:
        return False
    heap = bool(t.__flags__ & (1 << 9))  # made by a class statement
    if not heap or package_of(t) in LIBRARIES:
        return False
    if not hasattr(obj, "__dict__") and not any("__slots__" in vars(c) for c in t.__mro__):
        return False  # written in C: a lock, say
    return fields_of(obj) is None


def is_foreign(obj: Any) -> bool:
    """Whether a thing is an array of another library (a DataFrame, a tensor), which means other operators."""
    if isinstance(obj, (np.ndarray, np.generic, type)) or not hasattr(type(obj), "__array__"):
        return False
    if module_of(obj) is not None:
        return False
    return not is_instance(obj) and fields_of(obj) is None


def holds_things(box: Any) -> bool:
    """Whether a container holds functions or objects that are looked into, at any depth."""
    if not isinstance(box, (tuple, list, dict)):
        return False
    parts = box.values() if isinstance(box, dict) else box
    return any(is_thing(x) or holds_things(x) for x in parts)


def holds_code(value: Any) -> bool:
    """Whether a container, or an object that is one, holds functions or objects to be looked into."""
    names = None if isinstance(value, type) else fields_of(value)
    if names is not None:
        parts: Any = [getattr(value, n) for n in names]
    elif isinstance(value, (tuple, list, dict)):
        parts = value.values() if isinstance(value, dict) else value
    else:
        return False
    return any(is_thing(x) or holds_code(x) for x in parts)


def is_thing(x: Any) -> bool:
    """Whether something inside a container is a function or an object to be looked into."""
    return is_instance(x) or (is_code(x) and (isinstance(x, type) or fields_of(x) is None))
