"""Array modules: which one the arrays of a call are of, and which one a derivative is being made for.

As array-api-compat does it, an array is known by the package that its class comes from, so that nothing is
imported to ask.  What is made for another module than NumPy differs in one thing while it is read: an
operation on arrays never gives a number.  The sum of an array, and an element of one, is an array of no
dimensions, which stays where the array is; an element is a view.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from srcdiff.ir.records import dataclass

__all__ = [
    "CUPY", "NUMPY", "ArrayModule", "current", "known_as", "module_name", "module_of", "on", "on_device",
    "package_of", "packages", "public_name",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ArrayModule:
    """A module of arrays with NumPy's names.

    Attributes:
        name: as it is imported.
        alias: as it is called in emitted text.
        scipy: the package with SciPy's functions of such arrays.
    """

    name: str
    alias: str
    scipy: str


NUMPY = ArrayModule("numpy", "np", "scipy")
CUPY = ArrayModule("cupy", "cp", "cupyx.scipy")

_by_package: dict[str, ArrayModule] = {"numpy": NUMPY, "cupy": CUPY}
_by_class: dict[type, ArrayModule | None] = {np.ndarray: NUMPY}
_current: ContextVar[ArrayModule] = ContextVar("array module", default=NUMPY)


def known_as(package: str, module: ArrayModule) -> None:
    """Let arrays of the classes of a package be taken for arrays of a module: stand-ins, in tests."""
    _by_package[package] = module
    _by_class.clear()
    _by_class[np.ndarray] = NUMPY


def packages() -> tuple[ArrayModule, ...]:
    """The array modules beside NumPy that are known."""
    return tuple(m for m in _by_package.values() if m is not NUMPY)


def module_name(thing: Any) -> str:
    """The module that a thing says it is of (some made by Cython, in Python 3.10, say no text)."""
    home = getattr(thing, "__module__", None)
    return home if isinstance(home, str) else ""


def package_of(thing: Any) -> str:
    """The package that a thing says it is of."""
    return module_name(thing).partition(".")[0]


def module_of(value: Any) -> ArrayModule | None:
    """The module of an array; None of what is no array of a module that is known."""
    t = type(value)
    try:
        return _by_class[t]
    except KeyError:
        found = NUMPY if isinstance(value, np.ndarray) else None
        package = package_of(t)
        if found is None and t.__name__ == "ndarray":
            found = _by_package.get(package)
        if len(_by_class) > 4096:
            _by_class.clear()
        _by_class[t] = found
        return found


def current() -> ArrayModule:
    """The module that a derivative is being made for."""
    return _current.get()


def on_device() -> bool:
    """Whether a derivative is being made for another module than NumPy."""
    return _current.get() is not NUMPY


@contextmanager
def on(module: ArrayModule) -> Iterator[None]:
    """What is made inside is made for arrays of a module."""
    token = _current.set(module)
    try:
        yield
    finally:
        _current.reset(token)


def public_name(fn: Any) -> str:
    """What programs call a function of a library: ``scipy.special.jv``; empty if it has no such name."""
    name = getattr(fn, "__name__", None)
    if not isinstance(name, str):
        return ""
    parts = ("numpy", "numpy.linalg", "numpy.fft", "math")
    scipy = sorted(m for m in sys.modules if m.startswith("scipy.") and m.count(".") == 1 and "._" not in m)
    for module in (*parts, *scipy):
        if module in sys.modules and vars(sys.modules[module]).get(name) is fn:
            return f"{module}.{name}".replace("numpy.", "np.", 1)
    return ""
