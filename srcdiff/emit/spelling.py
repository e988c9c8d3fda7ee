"""How functions and modules are called in emitted text, and the imports that make it so."""

from __future__ import annotations

import builtins
import contextlib
import copy
import enum
import importlib
import sys
import types
from collections.abc import Iterable
from typing import Any

import gast
import numpy as np

from srcdiff.backends import numpy_names
from srcdiff.backends.cupy_names import HOST
from srcdiff.ir import ops
from srcdiff.ir.checkpoints import checkpoint
from srcdiff.ir.graph import Graph, Ref, flat, walk
from srcdiff.ir.modules import NUMPY, current, module_name

__all__ = ["Spelling"]


LIBRARIES = ("numpy", "math", "scipy", "cmath", "operator", "functools", "itertools", "copy")
SCIPY = (  # its public modules
    "special", "linalg", "fft", "signal", "ndimage", "optimize", "integrate", "interpolate", "stats",
    "spatial.distance", "sparse", "sparse.linalg",
)  # fmt: skip
BY_SIGN = frozenset({*numpy_names.INFIX, *numpy_names.PREFIX})
MARKS = (ops.stop_gradient, checkpoint)  # functions of srcdiff itself that a text may call


def by_sign(fn: Any) -> bool:
    """Whether a function is printed as a sign."""
    try:
        return fn in BY_SIGN
    except TypeError:
        return False


def word_for(fn: Any) -> str:
    """A word for a function: its name, if that is one."""
    name = str(getattr(fn, "__name__", "f"))
    return name if name.isidentifier() else "f"


class Spelling:
    """Names for functions; collects the imports and objects that the text needs."""

    def __init__(self, aliases: dict[str, str], modules: Iterable[str] = ()) -> None:
        self.aliases = {"numpy": "np", **aliases}
        self.arrays = current()  # the module of the arrays that the text is for
        self.on_host = False  # whether what is being spelt is done with numbers alone
        self.modules = tuple(modules)  # of the functions that were read
        self.imports: dict[str, str] = {}
        self.objects: dict[str, Any] = {}
        self.words: dict[str, Any] = {}  # names that stand alone, and what they stand for
        self.avoid: set[str] = set()  # names that parameters have
        self.homes: dict[tuple[int, str], tuple[Any, tuple[types.ModuleType, str] | None]] = {}
        self.reserved: dict[Graph, set[str]] = {}  # names that each graph takes
        self.lifted: list[Any] = []  # functions whose text is a part of this one

    def claim(self, word: str, obj: Any) -> str:
        """A name for an object that nothing else in the text has."""
        base, n = word, 1
        while word in self.avoid or self.words.get(word, obj) is not obj:
            n += 1
            word = f"{base}_{n}"
        self.words[word] = obj
        return word

    def home(self, obj: Any, text: str) -> tuple[types.ModuleType, str] | None:
        """The module that an object can be imported from, and its name there."""
        key = id(obj), text
        if key not in self.homes:
            self.homes[key] = obj, self.look_for(obj, text)  # (kept, so that no other has its id)
        return self.homes[key][1]

    def look_for(self, obj: Any, text: str) -> tuple[types.ModuleType, str] | None:
        found = home_of(obj)
        if found is not None and found[0].__name__ != "__main__":
            return found
        return place_in(np, obj, text.rpartition(".")[2]) or next(
            (at for m in self.modules if (at := place_in(sys.modules.get(m), obj, text)) is not None), found
        )

    @staticmethod
    def builtin(obj: Any) -> bool:
        name = getattr(obj, "__name__", None)
        return isinstance(name, str) and getattr(builtins, name, None) is obj

    def alone(self, obj: Any, text: str) -> str | None:
        """The name of an object that is spelt by a name alone; None for what a library holds."""
        if isinstance(obj, (types.ModuleType, float)) or obj is None:
            return None
        if hasattr(obj, "__srcdiff_text__"):
            return self.claim(obj.__name__, obj)
        if isinstance(obj, enum.Enum) and (obj.name or "").isidentifier():
            return self.alone(type(obj), type(obj).__name__)
        if self.builtin(obj):
            return None
        home = self.home(obj, text)
        if home is not None:
            top = home[0].__name__.partition(".")[0]
            if top in LIBRARIES or top == "srcdiff":
                return None
            if top != "__main__" and "<" not in home[1]:
                return self.claim(home[1], obj)
        plain = text.replace(".", "_")
        return self.claim(plain if plain.isidentifier() else "object_", obj)

    def module(self, mod: types.ModuleType) -> str:
        """The name of a module, imported: the one that has the place of NumPy or SciPy, on a device."""
        full = mod.__name__
        alias = self.aliases.get(full, full)
        if self.arrays is not NUMPY and not self.on_host:
            package, dot, part = full.partition(".")
            if package == "numpy":
                full = self.arrays.name + dot + part
                short = self.aliases.get(self.arrays.name, self.arrays.alias)
                alias = full if short in self.avoid else short + dot + part
            elif package == "scipy":
                full = self.arrays.scipy + dot + part
                alias = full if alias == mod.__name__ else alias
        if alias == full:
            self.imports[full.partition(".")[0]] = f"import {full}"
        else:
            self.imports[alias] = f"import {full} as {alias}"
        return alias

    def helper(self, name: str) -> Any:
        """A helper of ``srcdiff.runtime``."""
        word = self.claim(name, getattr(sys.modules["srcdiff.runtime"], name))
        self.imports[word] = f"from srcdiff.runtime import {name}" + ("" if word == name else f" as {word}")
        return gast.Name(word, gast.Load(), None, None)

    def asks(self, graph: Graph, name: str) -> bool:
        """Whether a graph calls a helper of ``srcdiff.runtime``."""
        fn = getattr(sys.modules["srcdiff.runtime"], name)
        return any(op.fn is fn for op in walk(graph.region))

    def reserve(self, graph: Graph) -> set[str]:
        """Names that variables must leave alone."""
        if graph in self.reserved:
            return self.reserved[graph]
        out = self.reserved[graph] = set(self.aliases.values()) | {"np", "math", self.arrays.alias}
        seen: set[tuple[int, Any]] = set()  # functions, and words for them
        for op in walk(graph.region):
            fn = op.fn
            again = (id(fn), op.attrs.get("text"))
            if again not in seen and callable(fn):
                seen.add(again)
                if module_name(fn).startswith("srcdiff.runtime") or fn in MARKS:
                    out |= {fn.__name__, self.claim(fn.__name__, fn)}
                elif not by_sign(fn):
                    out.add(self.alone(fn, op.attrs.get("text") or word_for(fn)) or "np")
            for a in flat(op.ins):
                if isinstance(a, Ref):
                    out.add(a.text.partition(".")[0])
                    out.add(self.alone(a.obj, a.text) or "np")
        return out

    def callee(self, fn: Any, text: str) -> Any:
        """The expression that names a function."""
        return self.reference(fn, text or word_for(fn))

    def reference(self, obj: Any, text: str) -> Any:
        if isinstance(obj, types.ModuleType):
            return self.path(self.module(obj))
        if isinstance(obj, enum.Enum) and (obj.name or "").isidentifier():
            return gast.Attribute(self.reference(type(obj), type(obj).__name__), obj.name, gast.Load())
        if isinstance(obj, float) or obj is None:
            return self.free_value(obj, text)
        if hasattr(obj, "__srcdiff_text__"):
            return gast.Name(self.with_text(obj), gast.Load(), None, None)
        if self.builtin(obj):
            return gast.Name(obj.__name__, gast.Load(), None, None)
        home = self.home(obj, text)
        if home is not None:
            mod, attribute = home
            if mod.__name__.startswith("srcdiff.runtime"):
                return self.helper(attribute)
            if mod.__name__.partition(".")[0] in LIBRARIES:
                if is_hosted(obj, f"{mod.__name__}.{attribute}"):
                    return self.hosted(mod, attribute)
                if mod.__name__.startswith("numpy."):
                    return self.path(f"{self.module(np)}{mod.__name__[5:]}.{attribute}")
                return self.path(f"{self.module(mod)}.{attribute}")
            if mod.__name__ != "__main__" and "<" not in attribute:
                word = self.claim(attribute, obj)
                as_word = "" if word == attribute else f" as {word}"
                self.imports[word] = f"from {mod.__name__} import {attribute}{as_word}"
                return gast.Name(word, gast.Load(), None, None)
        plain = text.replace(".", "_")
        plain = self.claim(plain if plain.isidentifier() else "object_", obj)
        self.objects[plain] = obj
        return gast.Name(plain, gast.Load(), None, None)

    def hosted(self, mod: types.ModuleType, attribute: str) -> Any:
        """A name of a library that is the same for arrays of all modules."""
        before, self.on_host = self.on_host, True
        tree = self.path(f"{self.module(mod)}.{attribute}")
        self.on_host = before
        return tree

    def with_text(self, fn: Any) -> str:
        """The name of a function that was made with a text of its own, which becomes a part of this one."""
        word = self.claim(fn.__name__, fn)
        if fn in (f for f, _ in self.lifted):
            return word
        text = fn.__srcdiff_text__
        self.imports.update(text.imports)
        self.objects.update(text.objects)
        words = {name: self.with_text(inner) for name, inner in text.lifted.items()} | {fn.__name__: word}
        functions = [copy.deepcopy(f) for f in text.functions if f.name not in text.lifted]
        for f in functions:
            f.name = words.get(f.name, f.name)
            for node in gast.walk(f):
                if isinstance(node, gast.Name) and node.id in words and isinstance(node.ctx, gast.Load):
                    node.id = words[node.id]
        self.lifted.append((fn, functions))
        return word

    def free_value(self, obj: Any, text: str) -> Any:
        head, dot, rest = text.partition(".")
        theirs = self.aliases.get(self.arrays.name, self.arrays.alias)
        mod = np if head in ("np", "numpy", theirs) else sys.modules.get(head)
        if dot and isinstance(mod, types.ModuleType):
            return self.path(f"{self.module(mod)}.{rest}")
        for full, alias in self.aliases.items():
            if alias == head and full in sys.modules:
                return self.path(f"{self.module(sys.modules[full])}.{rest}")
        return gast.Constant(obj, None)

    def path(self, dotted: str) -> Any:
        first, *rest = dotted.split(".")
        node: Any = gast.Name(first, gast.Load(), None, None)
        for r in rest:
            node = gast.Attribute(node, r, gast.Load())
        return node


def is_hosted(obj: Any, path: str) -> bool:
    """Whether a name of NumPy's is the same for arrays of all modules: a class of results, say."""
    return path in HOST or (isinstance(obj, type) and issubclass(obj, tuple))


def place_in(mod: Any, obj: Any, text: str) -> tuple[types.ModuleType, str] | None:
    """The module in which an object stands that another calls by a name, with dots perhaps."""
    *owners, name = text.split(".")
    for owner in owners:
        mod = getattr(mod, owner, None)
    if not isinstance(mod, types.ModuleType) or mod.__name__ == "__main__":
        return None
    return (mod, name) if vars(mod).get(name) is obj else None


def home_of(obj: Any) -> tuple[types.ModuleType, str] | None:
    """The public module that holds an object under its own name."""
    if isinstance(obj, np.dtype):
        return None
    name = getattr(obj, "__name__", None)
    if not isinstance(name, str):
        return None
    for mod in (
        np,
        np.linalg,
        np.fft,
        sys.modules.get("math"),
        sys.modules.get("srcdiff.runtime"),
        *(sys.modules.get(f"scipy.{part}") for part in SCIPY),
    ):
        if mod is not None and getattr(mod, name, None) is obj:
            return mod, name
    owner = getattr(obj, "__self__", None) if isinstance(obj, types.MethodType) else None
    if owner is not None and str(type(owner).__module__).startswith("scipy."):  # (of a distribution)
        for part in SCIPY:
            mod = sys.modules.get(f"scipy.{part}")
            for word, held in vars(mod).items() if mod is not None else ():
                if held is owner:
                    return mod, f"{word}.{name}"  # type: ignore[return-value]
        return None
    full = getattr(obj, "__module__", None)
    if isinstance(full, str):
        mod = sys.modules.get(full)
        if mod is None:
            with contextlib.suppress(ImportError, ValueError):  # made by exec, under a name of no module
                mod = importlib.import_module(full)
        if mod is not None and getattr(mod, name, None) is obj:
            return mod, name
    return None
