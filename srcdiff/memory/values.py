"""What is known of a value without computing it: its type, its shape, and where its memory is made."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from srcdiff.ir.graph import Op
from srcdiff.ir.kinds import Kind, Seq, Tree
from srcdiff.ir.modules import module_of

__all__ = [
    "ARRAY", "LIST", "NONE", "NOTHING", "NUMBER", "OTHER", "SLOT", "UNKNOWN", "Arr", "Many", "Num", "Other",
    "Parts", "Piece", "Pieces", "Thing", "Value", "alone", "as_list", "bare", "dtype_of", "either", "element",
    "held_by", "known", "length_of", "listed", "of_object", "standing",
]  # fmt: skip

SLOT = 9  # bytes of a list's entry: a pointer, and what lists grow ahead
LIST = sys.getsizeof([])
ARRAY = sys.getsizeof(np.empty(0))
NUMBER = sys.getsizeof(0.5)  # a number of NumPy's takes no more
UNKNOWN: Any = object()


@dataclass(eq=False)
class Piece:
    """Memory made by one operation, as often as that is done."""

    size: int | None = 0  # of the largest
    count: int = 0
    total: int = 0
    at: Op | None = None
    per: frozenset[Op] = frozenset()  # the loops around it whose trips are not known

    def held(self, n: int | None) -> int:
        """The bytes of so many of them (of all, if None)."""
        if n is None or n >= self.count:
            return self.total
        return -(-self.total * n // self.count)


Pieces = frozenset[Piece]
NOTHING: Pieces = frozenset()


@dataclass(frozen=True)
class Thing:
    """An object that is known: text, a dtype, a tuple of sizes."""

    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Thing) and (self.value is other.value or key(self.value) == key(other.value))

    def __hash__(self) -> int:
        return hash(key(self.value))


@dataclass(frozen=True)
class Num:
    """A number; its value where that is known."""

    dtype: str
    weak: bool = True
    value: Any = None
    pieces: Pieces = NOTHING


@dataclass(frozen=True)
class Arr:
    """An array; a size that is not known is None."""

    dtype: str
    shape: tuple[int | None, ...]
    pieces: Pieces = NOTHING

    @property
    def size(self) -> int | None:
        n = np.dtype(self.dtype).itemsize
        for d in self.shape:
            if d is None:
                return None
            n *= d
        return n


@dataclass(frozen=True)
class Many:
    """A list; None as its element if it is empty, as its length if that is not known."""

    elem: Value | None
    length: int | None
    pieces: Pieces = NOTHING


@dataclass(frozen=True)
class Parts:
    """A container of known structure."""

    type: Any
    keys: tuple[Any, ...]
    items: tuple[Value, ...]


@dataclass(frozen=True)
class Other:
    """What nothing is known of."""


Value = Thing | Num | Arr | Many | Parts | Other
OTHER = Other()
NONE = Thing(None)


# ---- what is known ---------------------------------------------------------------------------------------


def known(x: Value) -> Any:
    """The object that a value is, or UNKNOWN."""
    match x:
        case Thing(value):
            return value
        case Num(value=value):
            return UNKNOWN if value is None else value
        case Parts(type_, keys, items):
            parts = [known(i) for i in items]
            if any(p is UNKNOWN for p in parts) or type_ not in (tuple, list, dict):
                return UNKNOWN
            return dict(zip(keys, parts, strict=True)) if type_ is dict else type_(parts)
    return UNKNOWN


def key(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return id(value)
    return (type(value), value)


def either(x: Value, y: Value) -> Value:
    """A value that is one of two: what both have in common."""
    if x == y:
        return x
    match x, y:
        case Num(), Num():
            dtype = (
                x.dtype if x.dtype == y.dtype else max(x.dtype, y.dtype, key=lambda d: "biufc".index(d[0]))
            )
            value = x.value if same(x.value, y.value) else None
            return Num(dtype, x.weak and y.weak, value, x.pieces | y.pieces)
        case Arr(), Arr() if len(x.shape) == len(y.shape):
            shape = tuple(a if a == b else None for a, b in zip(x.shape, y.shape, strict=True))
            return Arr(x.dtype, shape, x.pieces | y.pieces)
        case Many(), Many():
            elem = x.elem if y.elem is None else y.elem if x.elem is None else either(x.elem, y.elem)
            return Many(elem, x.length if x.length == y.length else None, x.pieces | y.pieces)
        case Parts(), Parts() if x.type is y.type and x.keys == y.keys:
            return Parts(x.type, x.keys, tuple(map(either, x.items, y.items)))
        case (Thing(value=None), z) | (z, Thing(value=None)):
            return z
    return OTHER


def same(a: Any, b: Any) -> bool:
    return a is not None and b is not None and type(a) is type(b) and bool(a == b)


def length_of(s: Value) -> int | None:
    match s:
        case Many(length=n):
            return n
        case Parts(items=items):
            return len(items)
        case Arr(shape=shape) if shape:
            return shape[0]
        case Thing(value) if isinstance(value, (str, tuple, list, range, dict)):
            return len(value)
    return None


def element(s: Value) -> Value:
    """An element of what a loop goes over."""
    match s:
        case Many(elem=e):
            return OTHER if e is None else e
        case Parts(items=items) if items:
            out = items[0]
            for x in items[1:]:
                out = either(out, x)
            return out
        case Arr(dtype, shape, pieces) if shape:
            return Arr(dtype, shape[1:], pieces) if len(shape) > 1 else Num(dtype, False)
    return OTHER


def dtype_of(value: Any) -> str:
    t = np.asarray(value).dtype
    return f"{t.kind}{t.itemsize}"


def of_object(value: Any, k: Kind, numbers: bool) -> Value:
    """What an argument is; its memory is the caller's."""
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return Num(dtype_of(value), not isinstance(value, np.generic), value)
    if isinstance(value, (float, complex, np.number)):
        return Num(dtype_of(value), not isinstance(value, np.generic), value if numbers else None)
    if module_of(value) is not None:
        t = value.dtype
        return Arr(f"{t.kind}{t.itemsize}", value.shape) if t.kind in "biufc" else OTHER
    if isinstance(value, (tuple, list)) and isinstance(k, Tree) and len(k.items) == len(value):
        items = tuple(of_object(v, x, numbers) for v, x in zip(value, k.items, strict=True))
        return Parts(k.type, k.keys, items)
    if isinstance(value, dict) and isinstance(k, Tree) and set(k.keys) == set(value):
        return Parts(
            dict, k.keys, tuple(of_object(value[n], x, numbers) for n, x in zip(k.keys, k.items, strict=True))
        )
    if isinstance(value, (list, tuple, dict)) and isinstance(k, Seq):
        elem: Value | None = None
        for v in value.values() if isinstance(value, dict) else value:
            x = of_object(v, k.elem, False)
            elem = x if elem is None else either(elem, x)
        return Many(elem, len(value))
    if isinstance(k, Tree) and not isinstance(value, (tuple, list, dict)):
        names = zip(k.keys, k.items, strict=True)
        return Parts(k.type, k.keys, tuple(of_object(getattr(value, n), x, numbers) for n, x in names))
    return Thing(value)


def standing(x: Value) -> Any:
    """Something of the type and shape of a value."""
    if isinstance(x, Arr):
        if x.size is None:
            return UNKNOWN
        one = np.zeros((), x.dtype) if x.dtype[0] in "iub" else np.ones((), x.dtype)
        return np.broadcast_to(one, [n for n in x.shape if n is not None])
    if isinstance(x, Num) and x.value is None:
        if x.dtype[0] in "iu":
            return UNKNOWN  # a size, maybe
        return np.ones((), x.dtype)[()]
    if isinstance(x, Parts) and x.type in (tuple, list):
        parts = [standing(i) for i in x.items]
        return UNKNOWN if any(p is UNKNOWN for p in parts) else x.type(parts)
    if isinstance(x, Many) and x.length is not None and x.elem is not None and x.length < 1000:
        one = standing(x.elem)
        return UNKNOWN if one is UNKNOWN else [one] * x.length
    return known(x)


def listed(x: Parts) -> Many:
    """A display as a list of any length."""
    return Many(element(x) if x.items else None, len(x.items))


def as_list(x: Value, k: Kind) -> Value:
    """A display that a list of any length starts from."""
    return listed(x) if isinstance(x, Parts) and x.type is list and isinstance(k, Seq) else x


def alone(x: Value | None) -> int:
    """The bytes of one value by itself."""
    match x:
        case Num(dtype):
            return NUMBER if dtype[0] in "fci" else 0
        case Arr():
            return ARRAY + (x.size or 0)
        case Many(elem, length):
            return LIST + (length or 0) * (SLOT + alone(elem))
        case Parts(items=items):
            return sum(map(alone, items))
    return 0


def bare(x: Value | None) -> Value | None:
    """A value whose memory is counted elsewhere."""
    match x:
        case Num() | Arr():
            return replace(x, pieces=NOTHING)
        case Many():
            return Many(bare(x.elem), x.length)
        case Parts():
            return Parts(x.type, x.keys, tuple(b for i in x.items if (b := bare(i)) is not None))
    return x


def held_by(values: Iterable[Value]) -> dict[Piece, int | None]:
    """The pieces that values hold, and how many of each (None: all there are)."""
    out: dict[Piece, int | None] = {}

    def add(pieces: Pieces, n: int | None) -> None:
        for p in pieces:
            have = out.get(p, 0)
            out[p] = None if n is None or have is None else max(n, have)

    def hold(x: Value | None, n: int | None) -> None:
        match x:
            case Num(pieces=pieces) | Arr(pieces=pieces):
                add(pieces, n)
            case Many(elem, length, pieces):
                add(pieces, n)
                hold(elem, None if n is None or length is None else n * length)
            case Parts(items=items):
                for i in items:
                    hold(i, n)

    for v in values:
        hold(v, 1)
    return out
