"""Sizes of arguments: which of them are part of a text, and which are one size at a call."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from srcdiff.frontend.params import Param
from srcdiff.frontend.paths import Path
from srcdiff.ir.classes import fields_of
from srcdiff.ir.kinds import Array, Kind, Seq, Sym, Tree, kind_of
from srcdiff.ir.modules import module_of
from srcdiff.request import LARGE

__all__ = [
    "Form", "Lengths", "Place", "Shapes", "SizePlace", "array_at", "axes_known", "form", "forms_in",
    "has_large", "holds_lists", "limited", "shapes_in", "size_at", "sizes_at", "sizes_equal", "sizes_known",
    "sizes_seen", "sizes_shared", "taken_apart",
]  # fmt: skip

Way = tuple[Any, ...]  # to a part of an argument
Place = tuple[str, Way, int]  # an argument, the way to an array in it, an axis
Shapes = tuple[tuple[str, tuple[int, ...]], ...]  # arguments and their shapes
SizePlace = tuple[str, tuple[Any, ...], int | None]  # argument, keys inside of it, axis (None: of a list)
Lengths = tuple[tuple[SizePlace, int, float], ...]  # of which the size is between two numbers
Form = tuple[str, bool, Any]  # an argument, whether sizes count, and the lengths and shapes in it

FEW = 8  # elements of a list that is taken apart: what is done with each is written out
Params = dict[str, Param]
Arguments = Mapping[str, Any]


# ---- lists of arrays
def holds_arrays(value: Any) -> bool:
    """Whether arrays lie in a container."""
    return any(isinstance(x, np.ndarray) or holds_arrays(x) for x in parts_of(value))


def is_short(value: Any) -> bool:
    """Whether a list is taken apart: of a few arrays, or of containers of some."""
    return 0 < len(value) <= FEW and holds_arrays(value)


def holds_lists(value: Any) -> bool:
    """Whether a list that is taken apart lies in an argument."""
    return (type(value) is list and is_short(value)) or any(map(holds_lists, parts_of(value)))


def parts_of(value: Any) -> list[Any]:
    """What a container has in it; nothing of anything else."""
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, dict):
        return list(value.values())
    names = None if isinstance(value, (np.ndarray, float, type)) else fields_of(value)
    return [getattr(value, n) for n in names or ()]


def part(value: Any, key: Any) -> Any:
    named = not isinstance(value, (list, tuple, dict)) or (hasattr(value, "_fields") and isinstance(key, str))
    return getattr(value, key) if named else value[key]


def taken_apart(params: Params, arguments: Arguments) -> Params:
    """The same parameters, short lists of arrays being of the structure that they have at this call."""

    def opened(k: Kind, value: Any) -> Kind:
        if isinstance(k, Seq) and type(value) is list and is_short(value):
            k = Tree(list, tuple(range(len(value))), tuple(map(kind_of, value)))
        if type(k) is not Tree:
            return k
        return Tree(k.type, k.keys, tuple(map(opened, k.items, parts_of(value))), k.static)

    out = dict(params)
    for n, p in params.items():
        v = arguments.get(n)
        if isinstance(p.kind, (Seq, Tree)) and holds_arrays(v):
            out[n] = replace(p, kind=opened(p.kind, v))
    return out


def form(value: Any, exact: bool) -> Any:
    """The lengths of the lists in an argument that are taken apart, and ``exact``: the shapes of arrays."""
    if isinstance(value, np.ndarray):
        return value.shape if exact else None
    if type(value) is list and not is_short(value):
        return None
    return tuple([form(x, exact) for x in parts_of(value)])


def forms_in(params: Mapping[str, Param], arguments: Arguments) -> tuple[Form, ...]:
    """The forms of the arguments that are containers of arrays: with shapes, where all sizes are known."""
    out = []
    for n, p in params.items():
        if isinstance(p.kind, Tree) and holds_arrays(arguments.get(n)):
            exact = is_known(p, arguments)
            out.append((n, exact, form(arguments[n], exact)))
    return tuple(out)


def is_known(p: Param, arguments: Arguments) -> bool:
    """Whether every size of an argument is part of the text."""
    return all(isinstance(d, int) for _, k, _ in leaves(p.kind, arguments.get(p.name)) for d in k.dims)


# ---- sizes
def leaves(k: Kind | None, value: Any, way: Way = ()) -> Iterator[tuple[Way, Array, Any]]:
    """The arrays in an argument whose structure is known: the way to each, its kind, itself."""
    if isinstance(k, Array) and value is not None and module_of(value) is not None:
        yield way, k, value
    elif type(k) is Tree and value is not None:
        for key, item in zip(k.keys, k.items, strict=True):
            yield from leaves(item, part(value, key), (*way, key))


def array_at(value: Any, way: Way) -> Any:
    """The array at the end of a way."""
    for key in way:
        value = part(value, key)
    return value


def with_arrays(k: Any, found: Mapping[Way, Array], way: Way = ()) -> Any:
    """A kind with others for its arrays, by the ways to them."""
    if way in found:
        return found[way]
    if type(k) is not Tree:
        return k
    items = tuple(with_arrays(x, found, (*way, key)) for key, x in zip(k.keys, k.items, strict=True))
    return Tree(k.type, k.keys, items, k.static)


def sizes_shared(params: Params, arguments: Arguments) -> Params:
    """The same parameters, arrays with one symbol for all sizes that are equal at this call."""
    symbols: dict[int, Any] = {}
    out = {}
    for n, p in params.items():
        found = {}
        for way, k, v in leaves(p.kind, arguments.get(n)):
            pairs = zip(k.dims, v.shape, strict=True)
            dims = tuple(d if isinstance(d, int) else symbols.setdefault(size, d) for d, size in pairs)
            found[way] = Array(k.dtype, dims)
        out[n] = replace(p, kind=with_arrays(p.kind, found)) if found else p
    return out


def sizes_known(params: Params, arguments: Arguments, known: Container[Place]) -> Params:
    """The same parameters, with the sizes at this call of axes that are known; of empty arrays, none is."""
    out = sizes_shared(params, arguments)
    for n, p in params.items():
        found = {}
        for way, k, v in leaves(out[n].kind, arguments.get(n)):
            if isinstance(v, np.ndarray) and v.size:
                dims = (v.shape[j] if (n, way, j) in known else d for j, d in enumerate(k.dims))
                found[way] = Array(k.dtype, tuple(dims))
        if found:
            out[n] = replace(p, kind=with_arrays(out[n].kind, found))
    return out


def sizes_at(params: Mapping[str, Param], arguments: Arguments) -> dict[Place, int]:
    """All sizes of arrays at a call."""
    return {
        (n, way, axis): size
        for n, p in params.items()
        for way, _, v in leaves(p.kind, arguments.get(n))
        for axis, size in enumerate(v.shape)
    }


def axes_known(params: Mapping[str, Param], arguments: Arguments) -> Lengths:
    """The sizes that are part of a text, of arguments of which others are not."""
    return tuple(
        ((n, way, axis), d, d)
        for n, p in params.items()
        if not is_known(p, arguments)
        for way, k, _ in leaves(p.kind, arguments.get(n))
        for axis, d in enumerate(k.dims)
        if isinstance(d, int) and d != 1
    )


def shapes_in(params: Mapping[str, Param]) -> Shapes:
    """The arguments of which every size is known."""
    out = []
    for n, p in params.items():
        if isinstance(p.kind, Array) and p.kind.dims:
            shape = tuple(d for d in p.kind.dims if isinstance(d, int))
            if len(shape) == len(p.kind.dims):
                out.append((n, shape))
    return tuple(out)


def sizes_seen(params: Mapping[str, Param], arguments: Arguments) -> dict[int, int]:
    """What the sizes of arguments are at this call, by their symbols: a hint, and no more."""
    out: dict[int, int] = {}
    for n, p in params.items():
        for _, k, v in leaves(p.kind, arguments.get(n)):
            for d, size in zip(k.dims, v.shape, strict=True):
                if isinstance(d, Sym):
                    out.setdefault(d.id, size - d.offset)
    return out


def sizes_equal(params: Mapping[str, Param], arguments: Arguments) -> tuple[tuple[Place, ...], ...]:
    """The places of each symbol that several sizes have."""
    places: dict[Any, list[Place]] = {}
    for n, p in params.items():
        for way, k, _ in leaves(p.kind, arguments.get(n)):
            for axis, d in enumerate(k.dims):
                if not isinstance(d, int):
                    places.setdefault(d, []).append((n, way, axis))
    return tuple(tuple(x) for x in places.values() if len(x) > 1)


# ---- bounds
def size_at(v: Any, inside: tuple[Any, ...], axis: int | None) -> int:
    """The size of an array along an axis; of no axis, the length of a list, or a whole number itself.

    ``inside``: the keys that lead to it, in a container.
    """
    for key in inside:
        v = part(v, key)
    if axis is not None:
        return int(v.shape[axis])
    return v if isinstance(v, int) else len(v)


def limited(path: Path, expected: Any) -> tuple[SizePlace, int, float] | None:
    """The size of an argument that a guard asks for, and between what it lies where the guard holds."""
    (how, name), asked, last = path[0], path[1:], path[-1]
    limit = last[1] if last[0] in ("most", "least") else None
    asked = asked if limit is None else asked[:-1]
    axis = asked[-1][1] if asked[-2:-1] == (("attr", "shape"),) and asked[-1][0] == "item" else None
    inside = asked if axis is None else asked[:-2]
    known = axis is not None or limit is not None
    if how != "arg" or not known or not isinstance(expected, int) or any(s != "item" for s, _ in inside):
        return None
    place = name, tuple([key for _, key in inside]), axis
    if last[0] == "least":
        return (place, last[1], math.inf) if expected else (place, 0, last[1] - 1)
    if last[0] == "most" and expected == limit:
        return place, expected, math.inf
    return place, expected, expected


def has_large(arguments: Arguments) -> bool:
    """Whether an argument is a large array."""
    return any(type(v) is np.ndarray and v.size >= LARGE for v in arguments.values())
