"""Code written for another array module: its functions are read as NumPy's and SciPy's of the same names."""

from __future__ import annotations

import functools
import importlib
import sys
import types
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from srcdiff.backends import cupy_names, cupy_own
from srcdiff.frontend.scope import Bound, Known
from srcdiff.ir.modules import on_device, package_of, packages

if TYPE_CHECKING:
    from srcdiff.frontend.core import Core
    from srcdiff.frontend.lower import Lowerer

__all__ = ["HANDLERS", "asnumpy", "check", "counterpart", "get_array_module", "only_elsewhere"]

SUBSTITUTES = "srcdiff.runtime.substitutes"
PARTS = ("", ".linalg", ".fft", ".random", ".lib.stride_tricks")
SCIPY = (
    "special", "linalg", "fft", "signal", "ndimage", "interpolate", "stats", "spatial.distance", "sparse",
    "sparse.linalg",
)  # fmt: skip


def get_array_module(*args: Any) -> Any:
    """Stands for CuPy's function of this name, and for ``array_api_compat.array_namespace``."""
    raise NotImplementedError


def asnumpy(a: Any, *args: Any, **kwargs: Any) -> Any:
    """Stands for CuPy's function of this name, which leaves NumPy's arrays alone."""
    raise NotImplementedError


def rsqrt(x: Any) -> Any:
    """Stands for CuPy's function of this name."""
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
    if home == SUBSTITUTES:
        return substituted().get(obj)
    root = home.partition(".")[0] if isinstance(home, str) else ""
    if root == "array_api_compat" and getattr(obj, "__name__", "") in ("array_namespace", "get_namespace"):
        return get_array_module
    kernel = package_of(type(obj))
    for m in packages():
        if {root, kernel} & {m.name, m.scipy.partition(".")[0]}:
            return by_identity(m.name, m.scipy).get(id(obj))
    return None


@functools.cache
def substituted() -> dict[Any, Any]:
    """NumPy's functions by what stands for them in texts for another array module, which are read again."""
    out: dict[Any, Any] = {}
    for path, word in cupy_names.INSTEAD.items():
        place, _, name = path.rpartition(".")
        thing = getattr(importlib.import_module(place), name, None) if place.startswith("numpy") else None
        if thing is not None:
            out.setdefault(getattr(sys.modules[SUBSTITUTES], word), thing)
    return out


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
    here, there = sys.modules.get(name), sys.modules.get(scipy.partition(".")[0])
    known = [(here, "get_array_module", get_array_module), (here, "asnumpy", asnumpy),
             (there, "scatter_add", np.add.at), (there, "rsqrt", rsqrt)]  # fmt: skip
    known += [(here, word, getattr(np, own)) for word, own in cupy_own.RENAMED.items() if hasattr(np, own)]
    for mod, word, own in known:
        if (thing := getattr(mod, word, None)) is not None and callable(thing):
            out.setdefault(id(thing), own)
    return out


def only_elsewhere(lw: Core, owner: Any, name: str, node: Any) -> Any:
    """What NumPy has not, and another array module has: that which stands for it; None if none has it."""
    if not isinstance(owner, types.ModuleType) or not owner.__name__.startswith("numpy"):
        return None
    if owner is np:
        known: dict[str, Any] = {"get_array_module": get_array_module, "asnumpy": asnumpy}
        found = known.get(name) or getattr(np, cupy_own.RENAMED.get(name, ""), None)
        if found is not None:
            return found
    for m in packages():
        mod = sys.modules.get(m.name + owner.__name__.removeprefix("numpy"))
        if mod is not None and hasattr(mod, name):
            thing = getattr(mod, name)
            if isinstance(thing, types.ModuleType):
                return thing
            refuse(lw, f"{mod.__name__}.{name}", cupy_own.refusal(name, thing), node)
    return None


def check(lw: Core, obj: Any, text: str, node: Any) -> None:
    """Refuse a thing of another array module that is neither read nor stood for."""
    home = getattr(obj, "__module__", None)
    home = home if isinstance(home, str) else type(obj).__module__
    for m in packages():
        root = m.scipy.partition(".")[0]
        if home.partition(".")[0] in (m.name, root, f"{m.name}_backends") and not lw.ctx.is_known(obj):
            why = cupy_own.refusal(getattr(obj, "__name__", "").rpartition(".")[2], obj)
            if why is not None:
                refuse(lw, text, why, node)


def refuse(lw: Core, what: str, why: tuple[str, str] | None, node: Any) -> NoReturn:
    said, to_do = why or ("has no derivative, and NumPy has nothing of its name", cupy_own.RULE)
    lw.stop("array-module", f"{what} {said}", node, help=to_do)


def read_namespace(lw: Lowerer, args: Any, kwargs: Any, node: Any) -> Bound:
    """The module of some arrays: NumPy, which stands for the one that they are of."""
    return Known(np, "np")


def read_asnumpy(lw: Lowerer, args: Any, kwargs: Any, node: Any) -> Bound:
    """An array of NumPy's as it is; of another module's it would leave the device."""
    if on_device():
        refuse(lw, "asnumpy", cupy_own.refusal("asnumpy"), node)
    return lw.call(Known(np.asarray, "np.asarray"), args[:1], {}, node)


def read_rsqrt(lw: Lowerer, args: Any, kwargs: Any, node: Any) -> Bound:
    from srcdiff.frontend.higher import written

    return written(lw, node, "out = 1.0 / np.sqrt(x)", {"x": args[0]})


HANDLERS: dict[Any, Any] = {get_array_module: read_namespace, asnumpy: read_asnumpy, rsqrt: read_rsqrt}
