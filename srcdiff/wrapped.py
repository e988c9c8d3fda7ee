"""Functions that wrap others (``functools.wraps``), called by the names of what they wrap."""

from __future__ import annotations

import functools
import inspect
import itertools
import linecache
import types
from typing import Any

__all__ = ["by_name", "calling"]

_numbers = itertools.count(1)
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def by_name(function: types.FunctionType) -> types.FunctionType:
    """A function with the parameters of what ``function`` wraps, which calls ``function``.

    ``wrapper(*args, **kwargs)`` has no names to differentiate with respect to; what it wraps has.

    Parameters:
        function: any function; only one that ``functools.wraps`` has marked, and that takes whatever it is
            given, is replaced.

    Returns:
        The function itself, or the one that calls it.

    Example:
        >>> def twice(f):
        ...     @functools.wraps(f)
        ...     def wrapper(*args):
        ...         return 2 * f(*args)
        ...     return wrapper
        >>> inspect.signature(by_name(twice(lambda x, y=1: x * y)), follow_wrapped=False)
        <Signature (x, y=1)>
    """
    if "__wrapped__" not in function.__dict__:
        return function
    own = inspect.signature(function, follow_wrapped=False).parameters.values()
    if not own or any(p.kind not in _VARIADIC for p in own):
        return function
    return make(function)


@functools.lru_cache(maxsize=256)
def make(function: types.FunctionType) -> types.FunctionType:
    """A function with the parameters of what is wrapped, where it has any by name."""
    try:
        params = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return function
    if all(p.kind in _VARIADIC for p in params):
        return function
    names = {p.name for p in params}
    call = next(n for n in ("wrapper", "wrapper_", "wrapper__") if n not in names)
    blank = [
        p.replace(annotation=p.empty, default=None if p.default is not p.empty else p.empty) for p in params
    ]
    shown = str(inspect.Signature(blank))
    name = function.__name__ if function.__name__.isidentifier() else "f"
    given = ", ".join(map(argument, params))
    text = f"def make({call}):\n    def {name}{shown}:\n        return {call}({given})\n\n    return {name}\n"
    out = written(text, name, function)
    with_defaults(out, params)
    functools.update_wrapper(out, function, ("__module__", "__qualname__", "__doc__"), ())
    del out.__wrapped__
    return out  # type: ignore[no-any-return]


def calling(call: Any, name: str, params: list[inspect.Parameter]) -> types.FunctionType:
    """A function of these parameters, which calls ``call`` with them."""
    taken = {p.name for p in params}
    word = next(n for n in (f"{name}_", f"{name}__", f"{name}___") if n not in taken)
    blank = [
        p.replace(annotation=p.empty, default=None if p.default is not p.empty else p.empty) for p in params
    ]
    given = ", ".join(map(argument, params))
    shown = inspect.Signature(blank)
    lines = f"def make({word}):\n    def {name}{shown}:\n        return {word}({given})\n    return {name}\n"
    out: types.FunctionType = written(lines, name, call)
    with_defaults(out, params)
    return out


def written(text: str, name: str, call: Any) -> Any:
    """The function that a text makes, whose source can be found."""
    file = f"<srcdiff {name} {next(_numbers)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    namespace: dict[str, Any] = {"__name__": getattr(call, "__module__", ""), "__text__": text}
    exec(compile(text, file, "exec"), namespace)
    return namespace["make"](call)


def with_defaults(out: Any, params: list[inspect.Parameter]) -> None:
    out.__defaults__ = tuple(
        p.default for p in params if p.default is not p.empty and p.kind is not p.KEYWORD_ONLY
    )
    out.__kwdefaults__ = {
        p.name: p.default for p in params if p.default is not p.empty and p.kind is p.KEYWORD_ONLY
    }


def argument(p: inspect.Parameter) -> str:
    """How a parameter is handed on."""
    if p.kind is p.VAR_POSITIONAL:
        return f"*{p.name}"
    if p.kind is p.VAR_KEYWORD:
        return f"**{p.name}"
    return f"{p.name}={p.name}" if p.kind is p.KEYWORD_ONLY else p.name
