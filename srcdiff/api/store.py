"""Emitted texts between processes: under which key they are kept, and when one may be used again.

Within a process, a derivative made for one function is used for another of the same code if all that was met
while it was made (``Outside``: guards and captures) is what it was.  Between processes the same holds with
*descriptions* in the place of identities: of code, of classes with all that their bodies hold, of modules, of
values.  What has no description that says all (an object made at run time, say) is not kept.
"""

from __future__ import annotations

import enum
import functools
import hashlib
import json
import linecache
import os
import platform
import sys
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff import cache, signature
from srcdiff.frontend.paths import Path as Way
from srcdiff.ir.graph import Graph, Origin, Region, Val
from srcdiff.ir.kinds import UNKNOWN
from srcdiff.later import Later
from srcdiff.load import load
from srcdiff.request import Made

if TYPE_CHECKING:
    import tempfile

    from srcdiff.api.derivative import Derivative
else:
    tempfile = Later("tempfile")

__all__ = ["Unkept", "find", "keep"]

MODES = frozenset({
    "grad", "value_and_grad", "jacfwd", "jacrev", "jacobian", "hessian", "derivative", "laplacian",
    "elementwise_grad",
})  # fmt: skip
LIBRARIES = frozenset({"numpy", "scipy", "srcdiff"})  # known by their versions, as Python's own
DEEP = 12  # functions that hold functions
MOST = 16  # texts under one key: they differ in what lies outside
# of the body of a class: what says nothing of what its instances do
SILENT = frozenset({
    "__doc__", "__module__", "__annotations__", "__dict__", "__weakref__", "__abstractmethods__", "_abc_impl",
    "__firstlineno__", "__static_attributes__", "__annotate__", "__annotate_func__", "__annotations_cache__",
    "__orig_bases__", "__parameters__", "__match_args__", "__hash__", "__qualname__",
    "__dataclass_params__", "__dataclass_fields__",
})  # fmt: skip


class Unkept(Exception):
    """Something has no description that says all of it."""


class Text:
    """A text that was kept, with what is asked of one."""

    def __init__(self, name: str, source: str, lines: Mapping[str, Any]) -> None:
        self.name, self.source = name, source
        self.objects: dict[str, Any] = {}
        self.unwritten: dict[str, Any] = {}
        self._lines = lines

    def origin(self, line: int) -> Origin | None:
        """The user's statement that a line of the text comes from."""
        found = self._lines.get(str(line))
        if found is None:
            return None
        file, number, text, adjoint = found
        return Origin(file, number, text, adjoint=adjoint)


# ---- descriptions ---------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=1)
def fingerprint() -> str:
    """Which srcdiff, Python, NumPy and platform these are; the files of srcdiff by size and time."""
    own = sorted(own_files(str(Path(__file__).parents[1])))
    return repr((own, sys.version, sys.implementation.cache_tag, platform.machine(), np.__version__))


def own_files(folder: str, below: str = "") -> Iterator[tuple[str, int, int]]:
    """The texts in a folder, with their sizes and times."""
    for entry in os.scandir(folder):
        if entry.is_dir():
            yield from own_files(entry.path, f"{below}{entry.name}/")
        elif entry.name.endswith(".py"):
            s = entry.stat()
            yield f"{below}{entry.name}", s.st_size, s.st_mtime_ns


def versions() -> str:
    """The same, and which SciPy."""
    scipy = sys.modules.get("scipy")
    return fingerprint() + str(getattr(scipy, "__version__", None))


def is_library(module: str) -> bool:
    """Whether a module is known by its version."""
    first = module.partition(".")[0]
    return first in LIBRARIES or (first in sys.stdlib_module_names and first != "__main__")


def named(x: Any, module: Any, name: Any) -> str:
    """The name of something in a module, where it is found under this name."""
    found: Any = sys.modules.get(module) if isinstance(module, str) else None
    for part in str(name).split("."):
        found = getattr(found, part, None)
    if found is not x:
        raise Unkept(f"{module}.{name}")
    return f"{module}.{name}"


def describe(x: Any, deep: int = 0) -> str:
    """All that a derivative may depend on in a value, in words that are the same in another process."""
    if deep > DEEP:
        raise Unkept("nests too deeply")
    down = functools.partial(describe, deep=deep + 1)
    t = type(x)
    if x is None or t in (bool, int, float, complex, str, bytes):
        return f"{t.__name__} {x!r}"
    if x is signature._STATIC:
        return "static"
    if t in (tuple, list):
        return f"{t.__name__}({', '.join(map(down, x))})"
    if t is frozenset:
        return f"frozenset({', '.join(sorted(map(down, x)))})"
    if t in (dict, types.MappingProxyType):
        return f"dict({', '.join(f'{down(k)}: {down(v)}' for k, v in x.items())})"
    if t is types.CodeType:
        return f"code {code_of(x)}"
    if t is types.ModuleType:
        return module_of(x)
    if isinstance(x, type):
        return class_of(x, deep)
    if t is types.FunctionType:
        return function_of(x, deep)
    if isinstance(x, types.MethodType):
        return f"method {down(x.__func__)} of {down(x.__self__)}"
    if isinstance(x, np.ufunc):
        home = "numpy" if getattr(np, x.__name__, None) is x else "scipy.special"
        return f"ufunc {named(x, home, x.__name__)}"
    if t is types.BuiltinFunctionType:
        owner = x.__self__
        if owner is None or isinstance(owner, (types.ModuleType, type)):
            home = owner.__name__ if isinstance(owner, types.ModuleType) else x.__module__
            return f"builtin {named(x, home, x.__name__)}"
        raise Unkept(x.__name__)
    if isinstance(x, (types.MethodDescriptorType, types.WrapperDescriptorType, types.MemberDescriptorType,
                      types.GetSetDescriptorType)):  # fmt: skip
        return f"descriptor {x.__objclass__.__qualname__}.{x.__name__}"
    if isinstance(x, np.dtype):
        return f"dtype {x.str}"
    if isinstance(x, enum.Enum):
        return f"member {class_of(t, deep + 1)}.{x.name} {down(x.value)}"
    if is_dataclass(x) and t.__module__.startswith("srcdiff."):
        return f"{t.__qualname__}({', '.join(down(getattr(x, f.name)) for f in fields(x))})"
    raise Unkept(t.__name__)


def code_of(code: types.CodeType) -> str:
    """The digest of a code object: what it does, and where it stands."""
    h = hashlib.sha256()
    parts: list[Any] = [
        code.co_code, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_flags,
        code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_name, code.co_filename,
        code.co_firstlineno, list(code.co_lines()),
    ]  # fmt: skip
    for p in parts:
        h.update(repr(p).encode())
    for c in code.co_consts:
        h.update((code_of(c) if isinstance(c, types.CodeType) else constant_of(c)).encode())
    return h.hexdigest()


def constant_of(c: Any) -> str:
    if isinstance(c, frozenset):
        return f"frozenset{sorted(map(constant_of, c))}"
    if isinstance(c, tuple):
        return f"({', '.join(map(constant_of, c))})"
    return f"{type(c).__name__} {c!r}"


def module_of(m: types.ModuleType) -> str:
    """A module by its name; what is read of it has descriptions of its own."""
    if sys.modules.get(m.__name__) is not m:
        raise Unkept(m.__name__)
    return f"module {m.__name__}" + ("" if is_library(m.__name__) else f" {getattr(m, '__version__', '')}")


def function_of(f: types.FunctionType, deep: int) -> str:
    """A Python function: its code and what it holds."""
    if is_library(f.__module__ or ""):
        return f"function {f.__module__}.{f.__qualname__} {code_of(f.__code__)}"
    try:
        held = [c.cell_contents for c in f.__closure__ or ()]
    except ValueError:  # a variable that is not set yet
        raise Unkept(f.__qualname__) from None
    inner = describe((f.__defaults__, f.__kwdefaults__, tuple(held)), deep + 1)
    return f"function {f.__module__}.{f.__qualname__} {code_of(f.__code__)} {inner}"


def class_of(c: type, deep: int) -> str:
    """A class: its name, and for one of no library all that its body and those of its bases hold."""
    if is_library(c.__module__):
        return f"class {c.__module__}.{c.__qualname__}"
    word = named(c, c.__module__, c.__qualname__)
    if word in _inside:
        return f"class {word}"
    _inside.append(word)
    try:
        bodies = []
        for base in c.__mro__:
            if is_library(base.__module__):
                bodies.append(f"{base.__module__}.{base.__qualname__}")
                continue
            body = {n: v for n, v in vars(base).items() if n not in SILENT}
            made = getattr(base, "__dataclass_fields__", {})
            rest = [(n, f.default, f.default_factory, f.init, f.kw_only) for n, f in made.items()]
            members = ", ".join(f"{n}: {member_of(v, deep + 1)}" for n, v in sorted(body.items()))
            held = f"{annotations_of(base)} {described_fields(rest, deep)} {members}"
            bodies.append(f"{base.__module__}.{base.__qualname__} {held}")
    finally:
        _inside.pop()
    return f"class {word} of {type(c).__qualname__}: {'; '.join(bodies)}"


_inside: list[str] = []  # classes that are being described: their methods may name them


def annotations_of(c: type) -> str:
    return repr(list(vars(c).get("__annotations__", ())))


def described_fields(rest: list[Any], deep: int) -> str:
    return ", ".join(
        f"{name} {member_of(default, deep)} {member_of(factory, deep)} {init} {only}"
        for name, default, factory, init, only in rest
    )


def member_of(v: Any, deep: int) -> str:
    """What stands in the body of a class."""
    if isinstance(v, (staticmethod, classmethod)):
        return f"{type(v).__name__} {describe(v.__func__, deep + 1)}"
    if isinstance(v, property):
        return f"property {[describe(f, deep + 1) for f in (v.fget, v.fset, v.fdel)]}"
    if isinstance(v, functools.cached_property):
        return f"cached {describe(v.func, deep + 1)}"
    if type(v).__name__ == "_MISSING_TYPE":
        return "missing"
    if type(v).__module__ in ("_collections", "collections") and type(v).__name__ == "_tuplegetter":
        return f"field {v.__reduce__()[1][0]}"
    return describe(v, deep + 1)


def digest(file: str) -> str:
    """What the text of a file is now; it stands in comments, and its lines in notes on errors."""
    linecache.checkcache(file)
    lines = linecache.getlines(file)
    if not lines:
        raise Unkept(file)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def written_way(path: Way) -> list[Any]:
    out: list[Any] = []
    for n, (how, name) in enumerate(path):
        if n == 0 and how == "const":
            if not isinstance(name, type) or is_library(name.__module__):
                raise Unkept(str(name))
            class_of(name, 0)
            out.append([how, [name.__module__, name.__qualname__]])
        elif type(name) in (str, int, float, bool, type(None)):
            out.append([how, name])
        else:
            raise Unkept(str(name))
    return out


def read_way(written: Any) -> Way:
    out: list[tuple[str, Any]] = []
    for n, (how, name) in enumerate(written):
        if n == 0 and how == "const":
            module, dotted = name
            name = sys.modules[module]
            for part in dotted.split("."):
                name = getattr(name, part)
        out.append((how, name))
    return tuple(out)


# ---- keys -----------------------------------------------------------------------------------------------


def key_for(d: Derivative[Any, Any], word: str, key: Any) -> str:
    """The name under which texts for a function, a request and a signature are kept."""
    t = d._target
    f = t.function
    defaults = {n: p.default for n, p in t.signature.parameters.items()}
    kinds = [(n, p.kind.name) for n, p in t.signature.parameters.items()]
    about = (
        word, f.__module__, f.__qualname__, f.__code__, defaults, kinds, tuple(t.bound), t.layers, d._request,
        key, getattr(d.primal, "__qualname__", ""),
    )  # fmt: skip
    whole = "\n".join((versions(), describe(about), digest(f.__code__.co_filename)))
    return hashlib.sha256(whole.encode()).hexdigest()


def is_kept(d: Derivative[Any, Any]) -> bool:
    """Whether texts of a derivative are kept at all."""
    return (
        cache.enabled()
        and d.mode in MODES
        and d._backend == "numpy"
        and d._planner is None
        and type(d._target.function) is types.FunctionType
        and not is_library(d._target.function.__module__ or "")
    )


# ---- finding and keeping --------------------------------------------------------------------------------


def find(d: Derivative[Any, Any], word: str, arguments: Mapping[str, Any], key: Any) -> Made | None:
    """A text that was kept for these arguments, if all that it was made from is as it was."""
    if not is_kept(d):
        return None
    try:
        place = cache.folder() / key_for(d, word, key)
        files = sorted(os.scandir(place), key=lambda e: e.name)
    except (Unkept, OSError):
        return None
    for file in files:
        if not file.name.endswith(".json"):
            continue
        try:
            kept = json.loads(Path(file.path).read_text(encoding="utf-8"))
            made = used(d, word, arguments, kept)
        except (Unkept, OSError, ValueError, LookupError, AttributeError, TypeError):
            continue  # not whole, or something on the way to what it was made from is not there
        if made is not None:
            return made
    return None


def used(d: Derivative[Any, Any], word: str, arguments: Mapping[str, Any], kept: Any) -> Made | None:
    """The derivative of a kept text; None if something is not as it was."""
    source = kept["source"]
    if hashlib.sha256(source.encode()).hexdigest() != kept["digest"]:
        return None
    if any(digest(file) != was for file, was in kept["files"].items()):
        return None
    t = d._target
    guards = {}
    for path, expected in kept["guards"]:
        way = read_way(path)
        now = value_at(d, way, arguments)
        if expected.startswith("code "):
            now = now.__code__
        if describe(now) != expected:
            return None
        guards[way] = now
    captures, extra = [], {}
    for name, path, real, expected, nameless in kept["captures"]:
        way = read_way(path)
        value = value_at(d, way, arguments)
        own = signature.key_of_value(as_real(value) if real else value)
        if describe(own) != expected or (nameless and describe(value) != nameless):
            return None
        captures.append(Captured(name, way, value, real, bool(nameless)))
        extra[name] = own
    text = Text(word, source, kept["lines"])
    params = [Val(n, UNKNOWN) for n in kept["params"]]
    info = {
        "guards": guards, "written": frozenset(kept["written"]), "opened": frozenset(kept["opened"]),
        "signature": t.signature, "by_size": kept["by_size"],
    }  # fmt: skip
    graph = Graph(kept["name"], Region(params), captures=tuple(captures), info=info)
    fn = load(source, word, {}, text.origin)
    return Made(fn, text, graph, frozenset(kept["read"]), extra, kept=True)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Captured:
    """A value from outside that a kept text reads, as the front end tells of one."""

    name: str
    path: Way
    value: Any
    real: bool
    nameless: bool


def as_real(v: Any) -> Any:
    return float(v) if type(v) is int or isinstance(v, np.integer) else v


def value_at(d: Derivative[Any, Any], way: Way, arguments: Mapping[str, Any]) -> Any:
    late, get = signature.getter(d._target.function, way, d._target.bound)
    return get() if get is not None else late(arguments) if late is not None else None


def keep(d: Derivative[Any, Any], word: str, key: Any, made: Made) -> bool:
    """Keep a text for other processes; whether that could be done."""
    if not is_kept(d) or made.kept:
        return False
    try:
        entry, place = entry_of(made), cache.folder() / key_for(d, word, key)
        place.mkdir(parents=True, exist_ok=True)
        text = json.dumps(entry)
        name = hashlib.sha256(json.dumps([entry["guards"], entry["captures"]]).encode()).hexdigest()[:16]
        if len(os.listdir(place)) >= MOST:
            return False
        handle, temporary = tempfile.mkstemp(dir=place, suffix=".tmp")
        with os.fdopen(handle, "w", encoding="utf-8") as f:
            f.write(text)
        os.replace(temporary, place / f"{name}.json")
    except (Unkept, OSError):
        return False
    return True


def entry_of(made: Made) -> dict[str, Any]:
    """What is written down of a text: itself, and all that has to be as it was."""
    graph, text = made.graph, made.text
    info = graph.info
    if text.objects or text.lifted or text.unwritten or made.plan is not None:
        raise Unkept("objects that no import reaches")
    if any(info.get(n) for n in ("twins", "named", "parts", "sizes", "tangents", "vector")):
        raise Unkept("parts of arguments")
    for line in text.imports.values():
        if not is_library(line.split()[1]):
            raise Unkept(line)
    guards = [[written_way(p), describe(v)] for p, v in info.get("guards", {}).items()]
    captures = []
    for c in graph.captures:
        own = signature.key_of_value(as_real(c.value) if c.real else c.value)
        value = describe(c.value) if c.nameless else ""  # it is written into the text
        captures.append([c.name, written_way(c.path), bool(c.real), describe(own), value])
    lines: dict[str, Any] = {}
    for n in range(1, text.source.count("\n") + 2):
        o = text.origin(n)
        if o is not None:
            lines[str(n)] = [o.file, o.line, o.text, o.adjoint]
    sources = {s.file for s in info.get("sources", {}).values()}
    sources |= {o[0] for o in lines.values()}
    return {
        "source": text.source, "digest": hashlib.sha256(text.source.encode()).hexdigest(),
        "files": {file: digest(file) for file in sorted(sources)}, "guards": guards, "captures": captures,
        "name": graph.name, "params": [p.name for p in graph.region.params], "read": sorted(made.read),
        "written": sorted(info.get("written", ())), "opened": sorted(info.get("opened") or ()),
        "lines": lines, "by_size": bool(info.get("by_size")),
    }  # fmt: skip
