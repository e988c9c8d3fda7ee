"""Kinds: what is known of a value before it exists (type, dtype, rank, which dimensions are equal or one)."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import Any, TypeGuard

import numpy as np

from srcdiff.ir.classes import fields_of, static_of
from srcdiff.ir.modules import NUMPY, module_of, on_device
from srcdiff.ir.records import dataclass

__all__ = [
    "BOOL",
    "FLOAT",
    "INT",
    "NONE",
    "NOTHING",
    "OTHER",
    "STR",
    "UNKNOWN",
    "Array",
    "Dim",
    "Kind",
    "Map",
    "Maybe",
    "Scalar",
    "Seq",
    "Simple",
    "Sym",
    "Tree",
    "at_least",
    "attributes_of",
    "common_size",
    "derivative_kind",
    "element_kind",
    "elements_of",
    "fresh_sym",
    "has_cell",
    "is_active_kind",
    "is_at_least",
    "is_open",
    "is_whole",
    "join",
    "kind_of",
    "made",
    "may_hold_none",
    "present",
    "takes_fields",
]


@dataclass(frozen=True, slots=True)
class Sym:
    """A size known by name only: symbol plus offset; ``big`` says that it is not one."""

    id: int
    offset: int = 0
    big: bool = field(default=False, compare=False)


Dim = int | Sym
_ids = itertools.count(1)


def fresh_sym(big: bool = False) -> Sym:
    """A size of which nothing is known but (perhaps) that it is not one."""
    return Sym(next(_ids), 0, big)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number: Python's own (weak, in the sense of NEP 50) or a NumPy scalar."""

    dtype: str
    weak: bool = True
    value: Dim | None = None  # the size an integer stands for, where known


@dataclass(frozen=True, slots=True)
class Array:
    """An array with its dtype and the sizes of its dimensions."""

    dtype: str
    dims: tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class Seq:
    """A Python list of any length whose elements are of one kind.

    A tuple of any length is one that is ``frozen``: a list at run time, which nobody changes.
    """

    elem: Kind
    frozen: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Map(Seq):
    """A dict of any keys whose values are of one kind; it goes where lists go."""

    key: Kind


@dataclass(frozen=True, slots=True)
class Tree:
    """A container of known structure: tuple, list, dict, namedtuple, dataclass, a registered class."""

    type: Any
    keys: tuple[Any, ...]
    items: tuple[Kind, ...]
    static: tuple[str, ...] = ()  # attributes that are held constant, and kept in a gradient


@dataclass(frozen=True, slots=True, eq=False)
class Simple:
    """Kinds without parts: None, text, things that carry no derivative, and the unknown; one of each."""

    name: str


@dataclass(frozen=True, slots=True)
class Maybe:
    """None, or a value of the kind ``of``: a number, an array or a list.

    What is done with one before it is known to be there is done with an unknown; ``ops.given`` is the value
    where it is there.  Its derivatives are of the kind ``of``: those of None are zeros that nobody reads.
    """

    of: Kind


Kind = Scalar | Array | Seq | Tree | Simple | Maybe

FLOAT = Scalar("f8")
INT = Scalar("i8")
BOOL = Scalar("b1")
NONE = Simple("None")
STR = Simple("str")
OTHER = Simple("other")
UNKNOWN = Simple("unknown")
NOTHING = Simple("nothing")  # of the elements of a list that has none yet


def element_kind(dtype: str) -> Kind:
    """The kind of an element of an array, or of a sum of one: a number; on a device, an array of its own."""
    return Array(dtype, ()) if on_device() else Scalar(dtype, False)


def takes_fields(cls: Any, keys: tuple[Any, ...]) -> bool:
    """Whether calling a class with its fields by name makes the object that has them, and no more."""
    if issubclass(cls, tuple):
        return True
    if not dataclasses.is_dataclass(cls) or hasattr(cls, "__post_init__"):
        return False
    code = getattr(vars(cls).get("__init__"), "__code__", None)
    names = tuple(f.name for f in dataclasses.fields(cls) if f.init)
    return code is not None and code.co_filename == "<string>" and set(names) == set(keys)


def attributes_of(value: Any) -> dict[str, Any]:
    """The attributes of an object of a class made by a class statement; none of anything else."""
    if isinstance(value, type) or not type(value).__flags__ & (1 << 9) or hasattr(value, "__array__"):
        return {}
    slots = (n for c in type(value).__mro__ for n in vars(c).get("__slots__", ()) if hasattr(value, n))
    return {**{n: getattr(value, n) for n in slots}, **getattr(value, "__dict__", {})}


def made(cls: Any, fields: dict[str, Any]) -> Any:
    """The object of a class that has these fields."""
    if takes_fields(cls, tuple(fields)):
        return cls(**fields)
    own = cls.__new__ is not object.__new__ and not hasattr(cls.__new__, "__code__")  # of a class built in
    new = cls.__new__(cls) if own else object.__new__(cls)
    for name, value in fields.items():
        object.__setattr__(new, name, value)
    return new


def is_whole(k: Any) -> TypeGuard[Scalar]:
    """Whether it is the kind of a whole number."""
    return isinstance(k, Scalar) and k.dtype[0] in "iu"


def is_active_kind(kind: Kind) -> bool:
    """Whether values of this kind may carry a derivative."""
    match kind:
        case Scalar(dtype) | Array(dtype):
            return dtype[0] in "fc"
        case Seq(elem):
            return is_active_kind(elem)
        case Tree(items=items):
            return any(is_active_kind(k) for k in items)
        case Simple(name):
            return name in ("unknown", "nothing")
        case Maybe(of):
            return is_active_kind(of)


def present(k: Kind) -> Kind:
    """The kind of a value that is there."""
    return k.of if isinstance(k, Maybe) else k


def may_hold_none(k: Kind) -> bool:
    """Whether a value may be None, or hold it, where numbers are."""
    match k:
        case Maybe(of):
            return is_active_kind(of)
        case Seq(elem):
            return may_hold_none(elem)
        case Tree(items=items):
            return any(map(may_hold_none, items))
    return False


def derivative_kind(k: Kind) -> Kind:
    """The kind of a tangent or cotangent of a value of kind ``k``."""
    match k:
        case Maybe(of):
            return derivative_kind(of)
        case Seq(elem):
            return replace(k, elem=derivative_kind(elem))
        case Tree(items=items):
            return replace(k, items=tuple(map(derivative_kind, items)))
    return k


def has_cell(k: Kind) -> bool:
    """Whether a value of this kind may be written to, or may be of a kind that is."""
    return isinstance(present(k), (Array, Seq)) or k == UNKNOWN


def is_open(k: Kind) -> bool:
    """Whether values of this kind may be None, or anything else."""
    return k in (UNKNOWN, OTHER) or isinstance(k, Maybe)


_memo: dict[tuple[Any, ...], Sym] = {}


def memo_sym(*key: Any) -> Sym:
    """The same unknown size for the same question."""
    if len(_memo) > 20_000:
        _memo.clear()
    if key not in _memo:
        _memo[key] = fresh_sym()
    return _memo[key]


_common: dict[int, frozenset[Sym]] = {}  # a size that several have, or one instead -> these


def common_size(a: Sym, b: Sym) -> Sym:
    """The size of what is made element by element of arrays of two: they are equal, or one of them is one."""
    x, y = (_common.get(d.id, {d}) if not d.offset else {d} for d in (a, b))
    if x >= y:
        return a
    if y >= x:
        return b
    both = frozenset(x | y)
    if len(_common) > 20_000:
        _common.clear()
    out = memo_sym("common", both)
    _common[out.id] = both
    return out


def same_count(mask: object, copy: object) -> None:
    """A copy of a mask selects as many elements as the mask."""
    if ("mask", mask) in _memo:
        _memo["mask", copy] = _memo["mask", mask]


_least: dict[int, int] = {}  # a size of an argument -> what it is at least, checked at each call


def at_least(d: Dim) -> int:
    """What a size is at least (one that is not one may be zero)."""
    return d if isinstance(d, int) else max(_least.get(d.id, 0) + d.offset, 0)


def is_at_least(d: Sym, n: int) -> None:
    """A size is known to be ``n`` or more from here on."""
    _least[d.id] = max(_least.get(d.id, 0), n - d.offset)


_members: dict[int, frozenset[Dim]] = {}  # a joined size -> the sizes it may be


def members(d: Dim) -> frozenset[Dim]:
    return _members.get(d.id, frozenset((d,))) if isinstance(d, Sym) and d.offset == 0 else frozenset((d,))


def join_dims(a: Dim, b: Dim) -> Dim:
    """A size that is ``a`` or ``b``."""
    if a == b:
        return a
    if is_top(a) or is_top(b):
        return a if is_top(a) else b
    both = members(a) | members(b)
    for d in (a, b):
        if members(d) == both:
            return d
    big = all((isinstance(d, Sym) and d.big) or (isinstance(d, int) and d != 1) for d in both)
    out = fresh_sym(big)  # two such are not equal: one may be the first when the other is the second
    _members[out.id] = both
    return out


_tops: set[int] = set()


def is_top(d: Dim) -> bool:
    return isinstance(d, Sym) and d.id in _tops


def is_joined(d: Sym) -> bool:
    """Whether a size is one of several, or any."""
    return d.id in _tops or d.id in _members


def elements_of(k: Kind, seen: Mapping[int, int]) -> int:
    """How many elements an array has if its symbols are these numbers; 0 where that cannot be told."""
    if not isinstance(k, Array) or not k.dims:
        return 0
    return math.prod(d if isinstance(d, int) else seen.get(d.id, -d.offset) + d.offset for d in k.dims)


def one_shape(a: Kind, b: Kind) -> bool:
    """Whether two arrays are of one shape for sure: a size that is one of several differs by time."""
    return isinstance(a, Array) and a == b and of_one_size(a)


def of_one_size(k: Array) -> bool:
    """Whether no size is one of several."""
    return not any(isinstance(d, Sym) and is_joined(d) for d in k.dims)


def widened(new: Kind, old: Kind, *key: Any) -> Kind:
    """``new``, with the sizes in which it differs from ``old`` given up."""
    match new, old:
        case Array(dtype, dims), Array(_, before) if len(dims) == len(before):
            out = []
            for n, (a, b) in enumerate(zip(dims, before, strict=True)):
                if a == b:
                    out.append(a)
                    continue
                top = memo_sym("widened", n, *key)
                _tops.add(top.id)
                out.append(top)
            return Array(dtype, tuple(out))
        case Map(x, k), Map(y, _):
            return Map(widened(x, y, "elem", *key), k)
        case Seq(x), Seq(y):
            return Seq(widened(x, y, "elem", *key), frozen=new.frozen)
        case Maybe(x), Maybe(y):
            return Maybe(widened(x, y, "of", *key))
        case Tree(), Tree() if new.type is old.type and new.keys == old.keys:
            items = tuple(
                widened(a, b, n, *key) for n, (a, b) in enumerate(zip(new.items, old.items, strict=True))
            )
            return Tree(new.type, new.keys, items, new.static)
    return new


def join_dtypes(a: str, b: str) -> str:
    return a if a == b else np.result_type(np.dtype(a), np.dtype(b)).str.lstrip("<>|=")


def met_dtype(number: Scalar, dtype: str) -> str:
    """The dtype of what is a number on one path, and an array of no dimensions on another."""
    width = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}
    if number.weak and width[number.dtype[0]] <= width[dtype[0]]:
        return dtype  # (numbers of Python take the width of what they meet)
    return join_dtypes(number.dtype, dtype)


def join(a: Kind, b: Kind) -> Kind:
    """The kind of a value that is of kind ``a`` or ``b``."""
    if a == b or b == NOTHING:
        return a
    if a == NOTHING:
        return b
    match a, b:
        case Scalar(), Scalar():
            if a.dtype[0] == b.dtype[0] == "i" or a.dtype == b.dtype:
                return Scalar(a.dtype, a.weak and b.weak, None if a.value != b.value else a.value)
            if a.weak != b.weak and a.dtype[0] in "if" and b.dtype[0] in "if":
                strong, weak = (b, a) if a.weak else (a, b)
                return Scalar(
                    strong.dtype if strong.dtype[0] == "f" else "f8",
                    weak.dtype[0] == "f" and strong.dtype[0] == "i",
                )
            return Scalar(join_dtypes(a.dtype, b.dtype), a.weak and b.weak)
        case Array(), Array() if len(a.dims) == len(b.dims):
            dims = tuple(join_dims(x, y) for x, y in zip(a.dims, b.dims, strict=True))
            return Array(join_dtypes(a.dtype, b.dtype), dims)
        case (Scalar() as n, Array(dtype, ())) | (Array(dtype, ()), Scalar() as n) if on_device():
            return Array(met_dtype(n, dtype), ())
        case Map(x, k), Map(y, q):
            if UNKNOWN in (k, q):  # an empty one
                return b if k == UNKNOWN else a
            return Map(join(x, y), join(k, q))
        case (Map() as m, Tree() as t) | (Tree() as t, Map() as m) if t.type is dict:
            return Map(join_all(m.elem, t.items), m.key) if t.items else m
        case (Map(), _) | (_, Map()):
            return UNKNOWN
        case Seq(elem=x, frozen=frozen), Seq(elem=y, frozen=also) if frozen == also:
            return Seq(join(x, y), frozen=frozen)
        case Seq(elem=x, frozen=frozen), Tree() if b.type is (tuple if frozen else list):
            return Seq(join_all(x, b.items), frozen=frozen)
        case Tree(), Seq(elem=y, frozen=frozen) if a.type is (tuple if frozen else list):
            return Seq(join_all(y, a.items), frozen=frozen)
        case Tree(), Tree() if a.type is b.type and a.keys == b.keys:
            items = tuple(join(x, y) for x, y in zip(a.items, b.items, strict=True))
            return Tree(a.type, a.keys, items, a.static)
        case Tree(), Tree() if a.type is b.type is dict and (a.items or b.items):
            values = a.items + b.items
            if all(alike(values[0], k) for k in values):  # which keys there are is known at run time
                return Map(join_all(values[0], values[1:]), key_kind((*a.keys, *b.keys)))
        case Tree(), Tree() if a.type is b.type and a.type in (list, tuple):
            items = a.items + b.items
            if a.type is list or all(alike(items[0], x) for x in items):
                return Seq(join_all(items[0], items[1:]), frozen=a.type is tuple)
    if NONE in (a, b) or Maybe in (type(a), type(b)):
        a, b = grown(present(a)), grown(present(b))
        of = a if b == NONE else b if a == NONE else join(a, b)
        if isinstance(of, (Scalar, Array)) or type(of) is Seq:
            return Maybe(of)
    if is_active_kind(a) or is_active_kind(b) or may_grow(a) or may_grow(b):
        return UNKNOWN
    return OTHER


def grown(k: Kind) -> Kind:
    """A list of numbers, or one without elements, as one of any length."""
    if isinstance(k, Tree) and k.type is list and all(isinstance(x, Scalar) for x in k.items):
        return Seq(join_all(k.items[0], k.items[1:]) if k.items else NOTHING)
    return k


def may_grow(k: Kind) -> bool:
    """Whether a value is a list or a dict, or holds one, that may get numbers yet."""
    return isinstance(k, Tree) and (k.type in (list, dict) or any(map(may_grow, k.items)))


def key_kind(keys: tuple[Any, ...]) -> Kind:
    """The kind of the keys of a dict."""
    if all(type(k) is str for k in keys):
        return STR
    return INT if all(type(k) is int for k in keys) else OTHER


def join_all(first: Kind, rest: tuple[Kind, ...]) -> Kind:
    for k in rest:
        first = join(first, k)
    return first


def dtype_name(dtype: np.dtype[Any]) -> str:
    return f"{dtype.kind}{dtype.itemsize}" if dtype.kind in "biufc" else "O"


def kind_of(value: Any, sizes: Iterator[int] | None = None) -> Kind:
    """The kind of a value at hand: this is what a derivative is specialised on.

    Sizes become symbols (a dimension of one stays one), so that derivatives are not made anew for every size.
    """
    t = type(value)
    if t is float:
        return FLOAT
    if t is bool or t is np.bool_:
        return BOOL
    if t is int:
        return INT
    if isinstance(value, np.ndarray) or module_of(value) not in (None, NUMPY):
        name = dtype_name(value.dtype)
        if name == "O":
            return OTHER
        return Array(name, tuple(1 if n == 1 else fresh_sym(big=True) for n in value.shape))
    if isinstance(value, np.generic):
        name = dtype_name(value.dtype)
        return OTHER if name == "O" else Scalar(name, False)
    if value is None:
        return NONE
    if t is complex:
        return Scalar("c16")
    if isinstance(value, (str, bytes)):
        return STR
    if isinstance(value, tuple):
        keys: tuple[Any, ...] = tuple(getattr(value, "_fields", range(len(value))))
        return Tree(t if hasattr(value, "_fields") else tuple, keys, tuple(kind_of(v) for v in value))
    if t is list:
        return list_kind([kind_of(v) for v in value])
    if isinstance(value, dict) and all(isinstance(k, (str, int, float, bool, tuple)) for k in value):
        return Tree(dict, tuple(value), tuple(kind_of(v) for v in value.values()))
    names = None if isinstance(value, type) else fields_of(value)
    if names is not None:
        return Tree(t, names, tuple(kind_of(getattr(value, n)) for n in names), static_of(value))
    if isinstance(value, (float, int)) and not isinstance(value, bool):
        return FLOAT if isinstance(value, float) else INT
    return OTHER


def list_kind(items: list[Kind]) -> Kind:
    """A list whose elements look alike is a sequence of any length; otherwise its structure is known."""
    if items:
        first = items[0]
        if all(alike(first, k) for k in items[1:]) and not any(map(has_static, items)):
            return Seq(join_all(first, tuple(items[1:])))
    return Tree(list, tuple(range(len(items))), tuple(items))


def has_static(k: Kind) -> bool:
    """Whether an object in a value of this kind has attributes that a gradient takes from it."""
    if isinstance(k, Seq):
        return has_static(k.elem)
    return isinstance(k, Tree) and (bool(k.static) or any(map(has_static, k.items)))


def alike(a: Kind, b: Kind) -> bool:
    match a, b:
        case Array(), Array():
            return a.dtype == b.dtype and len(a.dims) == len(b.dims)
        case Scalar(), Scalar():
            return (a.dtype[0] in "if" and b.dtype[0] in "if") or a.dtype == b.dtype
        case Tree(), Tree():
            same = a.type is b.type and a.keys == b.keys
            return same and all(alike(x, y) for x, y in zip(a.items, b.items, strict=True))
        case Seq(elem=x, frozen=frozen), Seq(elem=y, frozen=also):
            return type(a) is type(b) and frozen == also and alike(x, y)
        case Maybe(x), Maybe(y):
            return alike(x, y)
    return a == b
