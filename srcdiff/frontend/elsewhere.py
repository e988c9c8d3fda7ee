"""Code written for another array module: its functions are read as NumPy's and SciPy's of the same names."""

from __future__ import annotations

import functools
import importlib
import sys
import types
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.frontend.scope import Bound, Known
from srcdiff.ir.modules import packages

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["HANDLERS", "counterpart", "get_array_module", "only_elsewhere"]

PARTS = ("", ".linalg", ".fft", ".random")
SCIPY = (
    "special", "linalg", "fft", "signal", "ndimage", "interpolate", "stats", "spatial.distance", "sparse",
    "sparse.linalg",
)  # fmt: skip


def get_array_module(*args: Any) -> Any:
    """Stands for CuPy's function of this name, and for ``array_api_compat.array_namespace``."""
    raise NotImplementedError


def host_name(name: str) -> str:
    """The name of the module of NumPy's or SciPy's that a module stands for; nothing if it is no such one."""
    for m in packages():
        if name == m.name or name.startswith(m.name + "."):
            return "numpy" + name.removeprefix(m.name)
        if name == m.scipy or name.startswith(m.scipy + "."):
            return "scipy" + name.removeprefix(m.scipy)
    return ""


def counterpart(obj: Any) -> Any:
    """NumPy's or SciPy's thing for one of another array module; None if it is none, or there is none."""
    if isinstance(obj, types.ModuleType):
        name = host_name(obj.__name__)
        try:
            return importlib.import_module(name) if name else None
        except ImportError:
            return None
    home = getattr(obj, "__module__", None) or type(obj).__module__
    root = home.partition(".")[0] if isinstance(home, str) else ""
    if root == "array_api_compat" and getattr(obj, "__name__", "") in ("array_namespace", "get_namespace"):
        return get_array_module
    kernel = type(obj).__module__.partition(".")[0]
    for m in packages():
        if {root, kernel} & {m.name, m.scipy.partition(".")[0]}:
            return by_identity(m.name, m.scipy).get(id(obj))
    return None


@functools.cache
def by_identity(name: str, scipy: str) -> dict[int, Any]:
    """NumPy's and SciPy's functions by the identity of another module's of the same names."""
    out: dict[int, Any] = {}
    pairs = [(name + part, "numpy" + part) for part in PARTS]
    pairs += [(f"{scipy}.{part}", f"scipy.{part}") for part in SCIPY]
    for theirs, ours in pairs:
        mod = sys.modules.get(theirs)
        host = sys.modules.get(ours) or (importlib.import_module(ours) if mod is not None else None)
        for word in dir(mod) if mod is not None else ():
            thing = getattr(host, word, None)
            if thing is not None and not word.startswith("_") and not isinstance(thing, types.ModuleType):
                out.setdefault(id(getattr(mod, word)), thing)
    asks = getattr(sys.modules.get(name), "get_array_module", None)
    adds = getattr(sys.modules.get(scipy.partition(".")[0]), "scatter_add", None)
    out |= {id(fn): ours for fn, ours in ((asks, get_array_module), (adds, np.add.at)) if fn is not None}
    return out


def only_elsewhere(owner: Any, name: str) -> Any:
    """What NumPy has not, and another array module has: that which stands for it, or its name."""
    if not isinstance(owner, types.ModuleType) or not owner.__name__.startswith("numpy"):
        return None
    if owner is np and name == "get_array_module":
        return get_array_module
    for m in packages():
        mod = sys.modules.get(m.name + owner.__name__.removeprefix("numpy"))
        if mod is not None and hasattr(mod, name):
            return f"{mod.__name__}.{name}"
    return None


def read_namespace(lw: Lowerer, args: Any, kwargs: Any, node: Any) -> Bound:
    """The module of some arrays: NumPy, which stands for the one that they are of."""
    return Known(np, "np")


HANDLERS: dict[Any, Any] = {get_array_module: read_namespace}
