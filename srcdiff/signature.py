"""Call signatures: which specialisation of a derivative a call wants, found in well under a microsecond."""

from __future__ import annotations

import enum
import functools
import types
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from srcdiff.backends.numpy_names import hashed
from srcdiff.errors import DerivativeTypeError, DerivativeValueError, Problem, problem_at
from srcdiff.frontend.paths import Path, lookup_free, step
from srcdiff.frontend.things import mutable
from srcdiff.ir.classes import cycle_in, fields_of, static_of
from srcdiff.ir.modules import NUMPY, ArrayModule, module_of

if TYPE_CHECKING:
    from srcdiff.ir.graph import Origin

__all__ = [
    "Getter", "check_memory", "getter", "is_literal", "key_of_value", "memory_of", "mixed", "module_for",
    "same",
]  # fmt: skip

Getter = Callable[[Mapping[str, Any]], Any]

_PLAIN: frozenset[type] = frozenset({float, int, complex})
_LITERAL: frozenset[type] = frozenset({bool, str, bytes, type(None)})
_MOST_WORK = 10_000  # solutions tried for whether two arrays share memory exactly


def is_literal(v: Any) -> bool:
    """Whether a value is part of the signature itself: a derivative is made for this very value."""
    return type(v) in _LITERAL


def key_of_value(v: Any) -> Any:
    """What of an argument a derivative is specialised on: type, dtype, rank, which dimensions are one."""
    t = type(v)
    if t in _PLAIN:
        return t
    if t is np.ndarray:
        return (v.dtype.char, tuple([n == 1 for n in v.shape]))
    if t in _LITERAL:
        return (t, v)
    try:
        if t is list:
            return _key_of_list(v)
        if t is types.FunctionType:
            return (v.__code__, _keys(v.__defaults__ or ()), _keys((v.__kwdefaults__ or {}).items()))
        return _key_of_other(t, v)
    except RecursionError:
        raise endless(v, "the argument") from None


def endless(v: Any, name: str) -> DerivativeTypeError:
    """A container that leads back to itself, or nests too deeply."""
    found = cycle_in(v, "x")
    if found is None:
        what, note = f"{name} nests too deeply", f"it is of type {type(v).__name__}"
    else:
        what = f"{name} leads back to itself: {found[1]} is {found[0]}"
        note = f"where x is an object of type {type(v).__name__}"
    text = "pass the numbers in arrays or lists, and what belongs together as indices"
    return DerivativeTypeError(Problem("cycle", what, note=note, help=text))


def _keys(values: Any) -> tuple[Any, ...]:
    return tuple([key_of_value(x) for x in values])


def _key_of_list(v: list[Any]) -> Any:
    """Lists of any length whose elements look alike have one key."""
    kinds = set(map(type, v))
    if kinds == {float}:
        return (list, float)
    keys = _keys(v)
    alike = len(set(map(_rough, keys))) == 1 and not any(map(_has_static, keys))
    return (list, frozenset(keys) if alike else keys)


_STATIC = object()  # marks the key of an object that has attributes which a gradient keeps


def _has_static(k: Any) -> bool:
    return k is _STATIC or (isinstance(k, tuple) and any(map(_has_static, k)))


def _rough(k: Any) -> Any:
    """The key of an element, without which dimensions are one."""
    is_array = isinstance(k, tuple) and len(k) in (2, 3) and isinstance(k[0], str) and isinstance(k[1], tuple)
    return (k[0], len(k[1]), *k[2:]) if is_array else k


def _key_of_other(t: type, v: Any) -> Any:
    if isinstance(v, np.generic):
        return t
    if isinstance(v, enum.Enum):
        return (t, v)
    if isinstance(v, tuple):
        return (t, _keys(v))
    if isinstance(v, dict):
        return (dict, tuple([(type(k), k, key_of_value(x)) for k, x in v.items()]))
    if isinstance(v, np.ndarray):
        return _key_of_subclass(t, v)
    module = module_of(v)
    if module is not None:
        return (v.dtype.char, tuple([n == 1 for n in v.shape]), module.name)
    names = None if t is type else fields_of(v)
    if names is not None:
        parts = tuple([key_of_value(getattr(v, n)) for n in names])
        return (t, names, parts, _STATIC) if static_of(v) else (t, names, parts)
    if isinstance(v, np.dtype):
        return ("dtype", v.str)
    if callable(v):
        return _key_of_callable(t, v)
    return t


def _key_of_subclass(t: type, v: Any) -> Any:
    """Arrays of another class: their operators may mean something else."""
    if t is not np.memmap:
        what = f"an array of class {t.__name__} is not a plain NumPy array"
        raise DerivativeTypeError(Problem("argument", what, help="pass np.asarray(x)"))
    return (v.dtype.char, tuple([n == 1 for n in v.shape]))


def _key_of_callable(t: type, v: Any) -> Any:
    if t is functools.partial:
        return (t, key_of_value(v.func), _keys(v.args), key_of_value(v.keywords))
    if t is types.MethodType:
        own = v.__self__
        return (t, key_of_value(v.__func__), ("object", own) if callable(own) else key_of_value(own))
    v = hashed(v)
    try:
        hash(v)
    except TypeError:
        what = f"a callable of type {t.__name__} cannot be hashed"
        raise DerivativeTypeError(
            Problem("argument", what, help="make it a dataclass, or give its class a __hash__")
        ) from None
    return ("callable", v)


# ---- values from outside ------------------------------------------------------------------------------


def getter(root: Any, path: Path, fixed: Mapping[str, Any]) -> tuple[Getter | None, Callable[[], Any] | None]:
    """How to read the end of a capture's path anew: with the arguments of the call, or without any.

    The path starts at a variable of ``root``, or at an argument; of these, ``fixed`` are bound for good.
    Exactly one of the two functions is given.
    """
    (how, name), rest = path[0], path[1:]
    if how == "arg" and name not in fixed:

        def late(arguments: Mapping[str, Any]) -> Any:
            return _walk(arguments[name], rest)

        return late, None
    if how == "arg":
        own = fixed[name]
        first: Callable[[], Any] = lambda: own  # noqa: E731
    elif how == "const":
        first = lambda: name  # noqa: E731
    else:
        first, rest = _first(root, name, rest)
    for one in rest:
        first = _step(first, *one)
    return None, first


def _first(root: Any, name: str, rest: Path) -> tuple[Callable[[], Any], Path]:
    """Reads a variable of the function itself, or the code of one; and what is left of the path."""
    code = root.__code__
    wants_code = rest == (("attr", "__code__"),)
    if name in code.co_freevars:
        cell = root.__closure__[code.co_freevars.index(name)]
        if wants_code:
            return (lambda: cell.cell_contents.__code__), ()
        return (lambda: cell.cell_contents), rest
    table = root.__globals__
    if wants_code:
        return (lambda: table[name].__code__), ()
    if name in table:
        return (lambda: table[name]), rest
    return (lambda: lookup_free(root, name)), rest


def _step(get: Callable[[], Any], how: str, name: Any) -> Callable[[], Any]:
    if how == "attr":
        return lambda: getattr(get(), name)
    return lambda: step(get(), how, name)


def _walk(obj: Any, path: Path) -> Any:
    get: Callable[[], Any] = lambda: obj  # noqa: E731
    for how, name in path:
        get = _step(get, how, name)
    return get()


def same(now: Any, expected: Any) -> bool:
    """Whether a guarded value is what it was when the derivative was made."""
    if now is expected:
        return True
    if type(now) is not type(expected):
        return False
    if isinstance(now, types.CodeType):
        return bool(now == expected)
    if isinstance(now, (int, float, complex)):
        return repr(now) == repr(expected)
    if isinstance(now, types.BuiltinMethodType | types.MethodType):  # made anew at each access
        return bool(now.__self__ is expected.__self__ and now == expected)
    if isinstance(now, tuple):
        return len(now) == len(expected) and all(map(same, now, expected))
    return isinstance(now, (str, bytes)) and bool(now == expected)


# ---- array modules -------------------------------------------------------------------------------------


def modules_of(values: Mapping[str, Any]) -> dict[ArrayModule, str]:
    """The modules that arrays among some values are of, and the name of one that is of it."""
    found: dict[ArrayModule, str] = {}
    for name, v in values.items():
        for leaf in memory_of(v):
            module = module_of(leaf)
            if module is not None:
                found.setdefault(module, name)
    return found


def module_for(
    values: Mapping[str, Any],
    outside: Mapping[str, Any] = MappingProxyType({}),
    origin: Callable[[str], Origin | None] = lambda name: None,
) -> ArrayModule:
    """The module that the arrays of a call are of, those it reads from outside included; all are of one.

    ``origin``: which statement reads what is outside, by its name.
    """
    found = modules_of(values)
    for module, name in modules_of(outside).items():
        found.setdefault(module, name)
    if len(found) > 1:
        mixed(found, origin)
    return next(iter(found), NUMPY)


def mixed(
    found: Mapping[ArrayModule, str], origin: Callable[[str], Origin | None] = lambda name: None
) -> NoReturn:
    """Refuse arrays of several modules in one call."""
    words = [f"{name!r} is an array of {m.name}" for m, name in found.items()]
    to = next(m for m in found if m is not NUMPY)
    host = found.get(NUMPY) or list(found.values())[-1]
    o = next(filter(None, map(origin, found.values())), None)
    file, line, text = (o.file, o.line, o.text) if o is not None else ("", 0, "")
    raise DerivativeTypeError(
        problem_at(
            "array-module", "arrays of several modules in one call: " + ", ".join(words), file, line, text,
            note="nothing is copied from one memory to another behind your back",
            help=f"pass {to.name}.asarray({host})" if o is None
            else f"make it one of {to.name}'s, once and outside: {host} = {to.name}.asarray({host})",
        )
    )  # fmt: skip


# ---- memory -------------------------------------------------------------------------------------------


def memory_of(v: Any) -> Iterator[Any]:
    """The arrays and changeable containers inside a value."""
    if module_of(v) is not None:
        yield v
        return
    if isinstance(v, (float, int, complex, str, bytes, np.generic)) or v is None:
        return
    if isinstance(v, (tuple, list)):
        if isinstance(v, list):
            yield v
        parts: Any = v
    elif isinstance(v, dict):
        yield v
        parts = v.values()
    else:
        names = None if isinstance(v, type) else fields_of(v)
        if names is None:
            return
        if mutable(type(v)):
            yield v
        parts = [getattr(v, n) for n in names]
    for x in parts:
        yield from memory_of(x)


def check_memory(values: Mapping[str, Any], written: frozenset[str], what: str) -> None:
    """Refuse arguments that share memory with one that the function writes to."""
    leaves = [(name, leaf) for name, v in values.items() for leaf in memory_of(v)]
    for (n, a), (m, b) in combinations(leaves, 2):
        if not (n in written or m in written) or not _shares(a, b):
            continue
        changed, other = (n, m) if n in written else (m, n)
        where = f"parts of {n!r} share" if n == m else f"{n!r} and {m!r} share"
        copy = f"{other}.copy()" if module_of(b) is not None else f"copy.deepcopy({other})"
        raise DerivativeValueError(
            Problem(
                "shared", f"{where} memory, and {what} writes to {changed!r} in place",
                note="what is written to the one would be read from the other",
                help=f"pass {copy}, if they are to be independent",
            )
        )  # fmt: skip


def _shares(a: Any, b: Any) -> bool:
    module = module_of(a)
    if module is None or module is not module_of(b):
        return a is b
    if module is not NUMPY:
        return _overlap(a, b)
    if not np.may_share_memory(a, b):
        return False
    try:
        return bool(np.shares_memory(a, b, max_work=_MOST_WORK))  # type: ignore[arg-type]
    except (np.exceptions.TooHardError, OverflowError):
        return True


def _overlap(a: Any, b: Any) -> bool:
    """Whether arrays on a device may share memory: the bytes between the first and the last of each meet."""
    (first, last), (start, end) = _extent(a), _extent(b)
    return first < end and start < last


def _extent(x: Any) -> tuple[int, int]:
    """The addresses of an array's first byte, and of the one behind its last."""
    if not x.size:
        return 0, 0
    at = x.__cuda_array_interface__["data"][0]
    reach = [(n - 1) * s for n, s in zip(x.shape, x.strides, strict=True)]
    return at + sum(r for r in reach if r < 0), at + sum(r for r in reach if r > 0) + x.itemsize
