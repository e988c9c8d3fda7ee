"""Ways to values: what ``wrt`` names, and how a value from outside is found again at each call.

A *path* is a tuple of steps, each ``(how, name)``: a variable of a function (``var``), an argument
(``arg``), an attribute, an element (``item``), a default (``default``), an object held for good (``const``).
A *way* is a path as the user writes it, ``layers[0].w``: what its dots mean (attribute, key, variable of a
function) is seen when it is walked.  A *place* is where a path ends, whichever path led there.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import re
import types
from collections.abc import Iterator, Mapping
from typing import Any

from srcdiff.ir.records import dataclass

__all__ = [
    "MOST_SHOWN",
    "Path",
    "Unbound",
    "Way",
    "default_of",
    "leads_to",
    "lookup_free",
    "nameable",
    "names_read",
    "parse",
    "place_of",
    "reach",
    "readers",
    "settle",
    "step",
    "with_defaults",
]

Path = tuple[tuple[str, Any], ...]
MOST_FUNCTIONS = 200
MOST_LOOKED_AT = 5000
MOST_SHOWN = 12  # names of what there is, in a problem


class Unbound(LookupError):
    """A free name that has no value."""


# ---- walking -------------------------------------------------------------------------------------------


def lookup_free(fn: Any, name: str) -> Any:
    """The value of a free variable of a function: cell, global or builtin."""
    code = fn.__code__
    if name in code.co_freevars:
        try:
            return fn.__closure__[code.co_freevars.index(name)].cell_contents
        except ValueError:
            raise Unbound(name) from None
    if name in fn.__globals__:
        return fn.__globals__[name]
    b = fn.__globals__.get("__builtins__", {})
    b = b if isinstance(b, dict) else vars(b)
    if name in b:
        return b[name]
    raise Unbound(name)


def default_of(fn: Any, name: str) -> Any:
    """The default of a parameter."""
    code = fn.__code__
    names = code.co_varnames[: code.co_argcount]
    if name in names and name not in (fn.__kwdefaults__ or {}):
        k = names.index(name) - len(names)
        given = fn.__defaults__ or ()
        if len(given) + k < 0:
            raise Unbound(name)  # it was taken away
        return given[k]
    return (fn.__kwdefaults__ or {})[name]


def step(obj: Any, how: str, name: Any) -> Any:
    """What one step of a path leads to."""
    if how == "var":
        return lookup_free(obj, name)
    if how == "const":
        return name
    if how == "attr":
        return getattr(obj, name)
    if how == "default":
        return default_of(obj, name)
    if how == "layout":
        return layout(obj)
    if how == "most":
        return min(obj if isinstance(obj, int) else len(obj), name)
    if how == "least":
        return obj >= name
    return obj[name]


def reach(root: Any, path: Path, given: Mapping[str, Any] | None = None) -> Any:
    """Follow a path from a function, or from the arguments of a call of it."""
    obj = root
    for how, name in path:
        obj = (given or {})[name] if how == "arg" else step(obj, how, name)
    return obj


def layout(box: Any) -> Any:
    """What a container of things looks like from outside: its type and its keys."""
    return (type(box), tuple(box) if isinstance(box, Mapping) else len(box))


def place_of(root: Any, path: Path, given: Mapping[str, Any] | None = None) -> Any:
    """Where a path ends: the variable, attribute or element itself, by identity; None if it leads nowhere."""
    how, name = path[-1]
    if how == "arg":
        return ("arg", name)
    try:
        owner = reach(root, path[:-1], given)
    except (LookupError, AttributeError, TypeError, ValueError):
        return None
    if how == "var":
        code = owner.__code__
        if name in code.co_freevars:
            return ("cell", id(owner.__closure__[code.co_freevars.index(name)]))
        return ("var", id(owner.__globals__), name)
    if how == "attr":
        if isinstance(owner, types.ModuleType):
            return ("var", id(vars(owner)), name)
        return ("attr", id(holder(owner, name)), name)
    if how == "item" and isinstance(name, int) and name < 0 and not isinstance(owner, Mapping):
        name += len(owner)
    try:
        hash(name)
    except TypeError:
        return None
    return (how, id(owner), name)


def holder(obj: Any, name: str) -> Any:
    """The object or class that has an attribute: the object where it is made for each, as by a property."""
    if name in getattr(obj, "__dict__", ()) and not isinstance(obj, type):
        return obj
    for c in (obj if isinstance(obj, type) else type(obj)).__mro__:
        if name in vars(c):
            return obj if hasattr(type(vars(c)[name]), "__get__") else c
    return obj


# ---- as the user writes it -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Way:
    """``layers[0].w``: the name it starts from, then names and keys."""

    root: str
    tokens: tuple[tuple[str, Any], ...] = ()


_TOKEN = re.compile(r"\.\s*(?P<name>[^\W\d]\w*|\d+)\s*|\[(?P<key>[^\[\]]+)\]\s*")


def parse(text: str) -> Way | None:
    """A way from its text; None if it is none."""
    head = re.match(r"\s*([^\W\d]\w*)\s*", text)
    if head is None:
        return None
    tokens: list[tuple[str, Any]] = []
    at = head.end()
    while at < len(text):
        m = _TOKEN.match(text, at)
        if m is None:
            return None
        name, key = m["name"], m["key"]
        if name is not None:
            tokens.append(("key", int(name)) if name.isdigit() else ("name", name))
        else:
            try:
                value = ast.literal_eval(key.strip())
                hash(value)
            except (ValueError, SyntaxError, TypeError):
                return None
            tokens.append(("key", value))
        at = m.end()
    return Way(head[1], tuple(tokens))


def settle(obj: Any, token: tuple[str, Any]) -> tuple[str, Any]:
    """The step that a name or key stands for at an object; LookupError if there is nothing of that name."""
    how, name = token
    if how == "key":
        obj[name]
        return "item", name
    if isinstance(obj, types.FunctionType):
        if name in names_read(obj.__code__):
            lookup_free(obj, name)
            return "var", name
        if name in with_defaults(obj):
            return "default", name
    if isinstance(obj, Mapping) and name in obj:
        return "item", name
    if hasattr(obj, name):
        return "attr", name
    raise LookupError(name)


def nameable(obj: Any) -> list[str]:
    """What can be named within an object, as it is written behind its own name."""
    if isinstance(obj, types.MethodType):
        obj = obj.__func__
    if isinstance(obj, types.FunctionType):
        names = [n for n in names_read(obj.__code__) if is_value(obj, n)]
        return [f".{n}" for n in (*names, *with_defaults(obj))]
    if isinstance(obj, Mapping):
        return [f".{k}" if isinstance(k, str) and k.isidentifier() else f"[{k!r}]" for k in obj]
    if isinstance(obj, (list, tuple)):
        fields = getattr(obj, "_fields", None)
        return [f".{f}" for f in fields] if fields else [f"[{i}]" for i in range(len(obj))]
    own = [n for n in getattr(obj, "__dict__", ()) if not n.startswith("__")]
    slots = [s for c in type(obj).__mro__ for s in slots_of(c) if hasattr(obj, s)]
    return [f".{n}" for n in dict.fromkeys([*slots, *own])]


def slots_of(cls: type) -> tuple[str, ...]:
    """The attributes that a class has slots for."""
    s = vars(cls).get("__slots__", ())
    return (s,) if isinstance(s, str) else tuple(n for n in s if n not in ("__dict__", "__weakref__"))


def with_defaults(fn: types.FunctionType) -> list[str]:
    """The parameters of a function that have defaults."""
    code = fn.__code__
    names = code.co_varnames[: code.co_argcount]
    return [*names[len(names) - len(fn.__defaults__ or ()) :], *(fn.__kwdefaults__ or ())]


def names_read(code: types.CodeType) -> list[str]:
    """The variables that a function reads from outside, functions within it included (and its attributes)."""
    inner = [c for c in code.co_consts if isinstance(c, types.CodeType)]
    theirs = [
        n for c in inner for n in names_read(c) if n not in code.co_varnames and n not in code.co_cellvars
    ]
    return list(dict.fromkeys([*code.co_freevars, *code.co_names, *theirs]))


def is_value(fn: Any, name: str) -> bool:
    """Whether a name that a function reads is a variable that holds a value, not a function or a module."""
    try:
        obj = lookup_free(fn, name)
    except Unbound:
        return False
    if name not in fn.__code__.co_freevars and name not in fn.__globals__:
        return False
    return not isinstance(obj, types.ModuleType) and not callable(obj)


LIBRARIES = ("numpy", "scipy", "srcdiff", "builtins", "functools", "itertools", "operator", "math")


def readers(fn: Any, name: str) -> Iterator[tuple[Path, Any]]:
    """The functions mentioned by ``fn`` that read a variable: the way to each, and the variable."""
    seen: set[int] = set()
    todo: list[tuple[Path, Any]] = [((), fn)]
    for path, f in todo:
        if id(f) in seen or len(seen) > MOST_FUNCTIONS:
            continue
        seen.add(id(f))
        names = names_read(f.__code__)
        if path and name in names and (name in f.__code__.co_freevars or name in f.__globals__):
            yield path, place_of(f, (("var", name),))
        for n in names:
            try:
                obj = lookup_free(f, n)
            except Unbound:
                continue
            if isinstance(obj, types.FunctionType) and obj.__module__.partition(".")[0] not in LIBRARIES:
                todo.append(((*path, ("var", n)), obj))


def leads_to(obj: Any, places: frozenset[Any], objects: frozenset[int]) -> bool:
    """Whether some variables (by place) or objects (by identity) can be reached from a thing."""
    todo: list[Any] = [obj]
    seen: set[int] = set()
    for x in todo:
        if id(x) in objects:
            return True
        if id(x) in seen or len(seen) > MOST_LOOKED_AT:
            continue
        seen.add(id(x))
        if isinstance(x, types.FunctionType):
            for n in names_read(x.__code__):
                if place_of(x, (("var", n),)) in places:
                    return True
                with contextlib.suppress(Unbound):
                    todo.append(lookup_free(x, n))
            todo += [*(x.__defaults__ or ()), *(x.__kwdefaults__ or {}).values()]
        elif isinstance(x, types.MethodType):
            todo += [x.__self__, x.__func__]
        elif isinstance(x, functools.partial):
            todo += [x.func, *x.args, *x.keywords.values()]
        elif isinstance(x, Mapping):
            todo += list(x.values())
        elif isinstance(x, (tuple, list, set, frozenset)):
            todo += list(x)
        elif not isinstance(x, (type, types.ModuleType)):
            todo += list(getattr(x, "__dict__", {}).values())
    return False
