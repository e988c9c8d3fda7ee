"""Which classes are containers: dataclasses by themselves, others when they are registered."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["cycle_in", "fields_of", "register_class", "registered", "static_of"]

MOST_PARTS = 100_000  # looked at for a cycle

Names = Callable[[Any], tuple[str, ...]]

_REGISTERED: dict[type, tuple[Names, Names]] = {}


def register_class(cls: type, names: Names, static: Names) -> None:
    """Make instances of a class containers: the attributes of an instance, and those held constant."""
    _REGISTERED[cls] = (names, static)


def registered(cls: type) -> Names | None:
    """How the attributes of an instance of a registered class are named; None if it is not registered."""
    found = _REGISTERED.get(cls)
    return None if found is None else found[0]


def fields_of(value: Any) -> tuple[str, ...] | None:
    """The attributes of a dataclass, a namespace, an object of a registered class; or None."""
    t = type(value)
    found = _REGISTERED.get(t)
    if found is not None:
        return found[0](value)
    if t is types.SimpleNamespace:
        return tuple(vars(value))
    if not hasattr(t, "__dataclass_fields__"):
        return None
    own = [f.name for f in dataclasses.fields(value) if hasattr(value, f.name)]
    more = getattr(value, "__dict__", None)
    return tuple(own if more is None else dict.fromkeys([*own, *more]))


def cycle_in(value: Any, name: str) -> tuple[str, str] | None:
    """Two ways to one container or object, the second through the first; None if there are none."""
    todo: list[tuple[Any, str, dict[int, str]]] = [(value, name, {})]
    for _ in range(MOST_PARTS):
        if not todo:
            break
        v, way, above = todo.pop()
        if id(v) in above:
            return above[id(v)], way
        parts = list(parts_of(v))
        if parts:
            inner = {**above, id(v): way}
            todo += [(x, way + part, inner) for part, x in reversed(parts)]
    return None


def parts_of(value: Any) -> Iterator[tuple[str, Any]]:
    """What a container or an object of a class written in Python holds, and how it is written."""
    if isinstance(value, (list, tuple)):
        yield from ((f"[{k}]", x) for k, x in enumerate(value))
    elif isinstance(value, dict):
        yield from ((f"[{k!r}]", x) for k, x in value.items())
    elif not isinstance(value, (type, types.FunctionType, types.ModuleType)):
        names = fields_of(value) or tuple(getattr(value, "__dict__", ()))
        yield from ((f".{n}", getattr(value, n)) for n in names if isinstance(n, str))


def static_of(value: Any) -> tuple[str, ...]:
    """The attributes that are held constant, whatever they are, and kept in a gradient."""
    found = _REGISTERED.get(type(value))
    return () if found is None else found[1](value)
