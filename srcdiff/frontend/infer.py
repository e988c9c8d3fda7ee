"""The kind of an operation's result, learnt by running it on small samples of its arguments' kinds.

Every symbolic size gets a number, twice and differently; a size of the result that follows the same symbol in
both runs is that symbol (plus a constant), one that does not is a new unknown.  So shapes and dtypes of all
pure array functions are known without a table of their shape rules.
"""

from __future__ import annotations

import functools
import operator
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import Enum
from typing import Any

import numpy as np

from srcdiff.backends import numpy_names
from srcdiff.backends.result_kinds import (
    follows_longer,
    is_counted,
    is_ranked_by_sizes,
    is_ranked_by_values,
    is_sized_by_values,
    is_sparse,
    is_typed_by_values,
)
from srcdiff.frontend.shapes import (
    array_of,
    broadcast_dims,
    broadcast_to,
    multiplied,
    reshaped,
)
from srcdiff.ir import ops
from srcdiff.ir.classes import fields_of, static_of
from srcdiff.ir.graph import Atom, Const, Ref, Slice, Struct, Val, key_of, kind
from srcdiff.ir.kinds import (
    BOOL,
    FLOAT,
    NONE,
    OTHER,
    STR,
    UNKNOWN,
    Array,
    Dim,
    Kind,
    Map,
    Scalar,
    Seq,
    Simple,
    Sym,
    Tree,
    at_least,
    attributes_of,
    dtype_name,
    element_kind,
    fresh_sym,
    made,
    memo_sym,
)
from srcdiff.ir.modules import on_device

__all__ = ["infer"]

_ARITHMETIC = {operator.add, operator.sub, operator.mul}
_OF_NUMBERS = {*_ARITHMETIC, operator.truediv, ops.accumulate}
_COMPARE = {operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne}


class Unsampled(Exception):
    """The kind of an argument has no sample."""


_SIZES = (
    (7, 19, 30, 38, 52, 57),
    (21, 13, 9, 42, 54, 65),
)  # none is half, twice or a third of others, or a sum of two, in both; the smaller of two is not one of them

# many numbers divide these
_DIVISIBLE = ((120, 360, 600, 840), (480, 720, 1320, 1560))
_LOOSE = (12, 120, 840)  # sizes, where any that are equal will do


_OF_TYPES = (np.result_type, np.promote_types)  # what they give follows from types alone

ENDS, SMALL = (0.3, 0.7), 4096
# the keys of samples of dicts that are keyed at run time, by whole numbers or by anything
NUMBERED: frozenset[Any] = frozenset({3, 5, 7})
LETTERED: frozenset[Any] = frozenset({"a", "b", "c"})


@functools.lru_cache(maxsize=256)
def _numbers(n: int) -> Any:
    """The elements of a sample, which are copied for each."""
    return np.linspace(*ENDS, n)


class _Sampler:
    def __init__(
        self,
        run: int,
        alike: bool = False,
        fixed: int = 0,
        at: int = 0,
        whole: int = 0,
        loose: int = 0,
        apart: frozenset[int] = frozenset(),
        real: float = 0.625,
        known: dict[int, int] | None = None,
        number: int = 0,
    ) -> None:
        self.run, self.real = run, real
        self.number = number  # what whole numbers are that are no sizes
        self.fixed, self.at = fixed, at  # a size that another must be equal to, and which it is
        self.alike = alike  # sizes that are not one are taken to be equal, as an operation on both demands
        self.apart = apart  # but for these
        self.whole = whole  # sizes are such that they can be split, as an operation demands
        self.loose = loose  # all sizes are this one, and nothing is learnt of those of the result
        self.table: dict[int, int] = dict(known or {})
        self.parts: dict[tuple[int, int], Sym] = {}  # sizes of the result that follow no size of an argument

    def base(self, index: int) -> int:
        if self.whole:
            return _DIVISIBLE[self.run][index] if index < len(_DIVISIBLE[self.run]) else self.no()
        if self.fixed and index == self.at:
            return self.fixed
        table = _SIZES[self.run]
        return table[index] if index < len(table) else 83 + (17, 23)[self.run] * index + (index * index) % 7

    def size(self, dim: Dim) -> int:
        if isinstance(dim, int):
            return dim
        if self.loose:
            return self.loose
        if dim.id not in self.table:
            one = self.alike and dim.big and dim.id not in self.apart
            self.table[dim.id] = self.base(0 if one else len(self.table) + self.alike)
        return self.table[dim.id] + dim.offset

    def atom(self, a: Atom) -> Any:
        if isinstance(a, Const):
            return a.value
        if isinstance(a, Ref):
            return a.obj
        if isinstance(a, Slice):
            return slice(self.atom(a.lower), self.atom(a.upper), self.atom(a.step))
        if isinstance(a, Struct):
            items = [self.atom(x) for x in a.items]
            return (
                dict(zip(a.keys, items, strict=True))
                if a.type is dict
                else a.type(items)
                if a.type in (tuple, list)
                else self.no()
            )
        if isinstance(a, Val) and a.op is not None and a.op.fn is getattr:
            k = kind(a.op.ins[0])
            if isinstance(k, (Array, Scalar)):
                return np.dtype(k.dtype)
        if isinstance(a, Val) and a.op is not None and a.op.fn in _OF_TYPES:
            return a.op.fn(*map(self.atom, a.op.ins))
        return self.kind(kind(a))

    def no(self) -> Any:
        raise Unsampled

    def kind(self, k: Kind) -> Any:
        match k:
            case Scalar("b1", _):
                return True
            case Scalar(dtype, weak, value):
                if dtype[0] == "i":
                    sized = isinstance(value, int) or (isinstance(value, Sym) and value.id in self.table)
                    if self.number and not sized:
                        return self.number if weak else np.dtype(dtype).type(self.number)
                    if self.whole and isinstance(value, Sym) and not value.offset:
                        self.table.setdefault(value.id, (4, 6)[self.run])  # a number of parts, if no size
                    n = self.size(value) if value is not None else (3, 5)[self.run]
                    return n if weak else np.dtype(dtype).type(n)
                x = self.real
                return np.dtype(dtype).type(x) if not weak else x if dtype == "f8" else complex(x)
            case Array(dtype, dims):
                shape = tuple(self.size(d) for d in dims)
                n = int(np.prod(shape, dtype=np.int64))
                if n > 2_000_000:
                    raise Unsampled
                if dtype[0] == "b":
                    return np.ones(shape, dtype)
                if dtype[0] in "iu":
                    return np.zeros(shape, dtype)
                numbers = (_numbers(n) if n <= SMALL else np.linspace(*ENDS, n)).reshape(shape)
                if len(shape) >= 2 and shape[-1] == shape[-2]:
                    numbers = numbers + max(10.0, shape[-1]) * np.eye(shape[-1])  # positive definite
                return numbers.astype(dtype)
            case Map(elem, key):
                keys = NUMBERED if isinstance(key, Scalar) else LETTERED
                return {k: self.kind(elem) for k in sorted(keys)}
            case Seq(elem):
                return [self.kind(elem) for _ in range((5, 7)[self.run])]
            case Tree(type=t, keys=keys, items=items):
                values = [self.kind(x) for x in items]
                return (
                    dict(zip(keys, values, strict=True))
                    if t is dict
                    else t(values)
                    if t in (tuple, list)
                    else made(t, dict(zip(keys, values, strict=True)))
                )
            case Simple("None"):
                return None
        return self.no()


def _dim(n0: int, n1: int, s0: _Sampler, s1: _Sampler, big: dict[int, bool]) -> Dim:
    if n0 == n1:
        return n0
    for ident, b0 in s0.table.items():
        offset = n0 - b0
        if abs(offset) <= 6 and n1 - s1.table[ident] == offset:
            known = not offset and big.get(ident, False)
            return Sym(ident, offset, known or at_least(Sym(ident, offset)) > 1)
    one, other = (next((i for i, b in s.table.items() if b == n), None) for s, n in ((s0, n0), (s1, n1)))
    if one is not None and other is not None and big.get(one) and big.get(other):  # the smaller of two
        return Sym(memo_sym("smaller", frozenset((one, other))).id, 0, True)
    if s0.whole:  # parts that are equal are so whatever the size is
        return s0.parts.setdefault((n0, n1), fresh_sym())
    return fresh_sym()


def _kind(r0: Any, r1: Any, s0: _Sampler, s1: _Sampler, big: dict[int, bool]) -> Kind:
    if isinstance(r0, np.ndarray):
        if r0.ndim != r1.ndim:
            return UNKNOWN
        name = dtype_name(r0.dtype)
        if name == "O":
            return UNKNOWN
        return Array(name, tuple(_dim(a, b, s0, s1, big) for a, b in zip(r0.shape, r1.shape, strict=True)))
    if isinstance(r0, (bool, np.bool_)):
        return BOOL
    if isinstance(r0, np.generic):
        return Scalar(dtype_name(r0.dtype), False)
    if isinstance(r0, int):
        return Scalar("i8", True)
    if isinstance(r0, float):
        return FLOAT
    if isinstance(r0, complex):
        return Scalar("c16")
    if r0 is None:
        return NONE
    if isinstance(r0, str):
        return STR
    if isinstance(r0, dict) and set(r0) in (NUMBERED, LETTERED, NUMBERED | LETTERED):  # (made from samples)
        one, other = (next(iter(r.values())) for r in (r0, r1))
        return Map(_kind(one, other, s0, s1, big), Scalar("i8") if set(r0) == NUMBERED else OTHER)
    if isinstance(r0, (tuple, list)):
        if len(r0) != len(r1):
            return Seq(_kind(r0[0], r1[0], s0, s1, big)) if r0 and isinstance(r0, list) else UNKNOWN
        t = list if isinstance(r0, list) else type(r0)
        keys = tuple(getattr(r0, "_fields", range(len(r0))))
        return Tree(t, keys, tuple(_kind(a, b, s0, s1, big) for a, b in zip(r0, r1, strict=True)))
    if type(r0) is dict and tuple(r0) == tuple(r1):
        return Tree(dict, tuple(r0), tuple(_kind(r0[k], r1[k], s0, s1, big) for k in r0))
    if is_sparse(r0):  # one thing, whatever it is made of
        return OTHER
    names = None if isinstance(r0, type) else fields_of(r0)
    if names is not None and names == fields_of(r1):
        parts = tuple(_kind(getattr(r0, n), getattr(r1, n), s0, s1, big) for n in names)
        return Tree(type(r0), names, parts, static_of(r0))
    own = attributes_of(r0)
    if own and type(r0) is type(r1) and own.keys() == attributes_of(r1).keys():
        items = tuple(_kind(v, getattr(r1, n), s0, s1, big) for n, v in own.items())
        return Tree(type(r0), tuple(own), items)
    return UNKNOWN if isinstance(r0, dict) or names is not None or is_made(r0) else OTHER


def is_made(v: Any) -> bool:
    """Whether a thing is an object of some class, which may hold numbers."""
    plain = (np.dtype, np.random.Generator, np.ndindex, slice, range, bytes, Enum)
    return not callable(v) and not isinstance(v, plain)


def _bigs(kinds: Iterable[Kind], out: dict[int, bool]) -> dict[int, bool]:
    for k in kinds:
        if isinstance(k, Array):
            for d in k.dims:
                if isinstance(d, Sym) and d.offset == 0:
                    out[d.id] = d.big
        elif isinstance(k, Tree):
            _bigs(k.items, out)
        elif isinstance(k, Seq):
            _bigs((k.elem,), out)
        elif isinstance(k, Scalar) and isinstance(k.value, Sym) and k.value.offset == 0:
            out.setdefault(k.value.id, k.value.big)
    return out


def infer(fn: Callable[..., Any], args: list[Atom], names: tuple[str, ...] = ()) -> Kind:
    """The kind of ``fn(*args)``; the last ``len(names)`` arguments go by keyword where a name is given."""
    fast = _fast(fn, args) if not any(names) else None
    if fast is not None:
        return fast
    key = _numbers_key(fn, args, names)
    if key is not None and key in _of_numbers:
        return _of_numbers[key]
    got = _learnt(fn, args, names or ("",) * len(args))
    if key is not None and isinstance(got, Scalar) and got.value is None:
        if len(_of_numbers) >= _MOST_OF_NUMBERS:
            _of_numbers.clear()
        _of_numbers[key] = got
    return got


def _learnt(fn: Callable[..., Any], args: list[Atom], names: tuple[str, ...]) -> Kind:
    """The kind of a result, learnt from samples."""
    got = _sampled(fn, args, names, False)
    if got is None:
        got = _tied(fn, args, names)
    if got is None:
        got = _forced(fn, args, names)
    if is_ranked_by_values(fn):
        return UNKNOWN
    if has_sizes(got) and any(map(is_number_of_things, args)) and not same_for_others(fn, args, names, got):
        got = forget_lengths(got)
    got = held_beside_numbers(fn, args, names, got)
    k = kind(args[0]) if is_ranked_by_sizes(fn) and len(args) == 1 else None
    if isinstance(k, Array) and any(isinstance(d, Sym) and not d.big for d in k.dims):
        return UNKNOWN
    if is_typed_by_values(fn):
        return complexified(got)
    sizes = [d for a in args for d in getattr(kind(a), "dims", ())]
    between = follows_longer(fn) and all(isinstance(d, Sym) for d in sizes)
    counted = is_counted(fn) and any(is_one_float(kind(a)) and isinstance(a, Val) for a in args)
    return forget_sizes(got) if between or counted or is_sized_by_values(fn, len(args)) else got


def is_number_of_things(a: Atom) -> bool:
    """Whether an operand is a whole number that only a run tells."""
    k = kind(a)
    if not isinstance(a, Val) or not isinstance(k, Scalar):
        return False
    return k.dtype[0] in "iu" and not isinstance(k.value, int)


def has_sizes(k: Kind) -> bool:
    """Whether something is known of sizes: a number, or the length of a list."""
    if isinstance(k, Array):
        return any(isinstance(d, int) for d in k.dims)
    if isinstance(k, Seq):
        return has_sizes(k.elem)
    return isinstance(k, Tree) and (k.type is list or any(map(has_sizes, k.items)))


def same_for_others(fn: Callable[..., Any], args: list[Atom], names: tuple[str, ...], got: Kind) -> bool:
    """Whether what was learnt of sizes holds for other whole numbers as well: they may say how many parts."""
    for n in (1, 2):
        for alike in (False, True):
            s = _Sampler(0, alike, number=n)
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                try:
                    pos = [s.atom(a) for a, w in zip(args, names, strict=True) if not w]
                    r = fn(*pos, **{w: s.atom(a) for a, w in zip(args, names, strict=True) if w})
                except Exception:  # (as in `_sampled`)
                    continue
            if not fits(r, got):
                return False
    return True


def fits(r: Any, k: Kind) -> bool:
    """Whether a result has the sizes that a kind says."""
    if isinstance(k, Array):
        return np.ndim(r) == len(k.dims) and all(
            d == n for d, n in zip(k.dims, np.shape(r), strict=True) if isinstance(d, int)
        )
    if isinstance(k, Seq):
        return isinstance(r, list) and all(fits(x, k.elem) for x in r)
    if isinstance(k, Tree) and k.type in (list, tuple):
        return len(r) == len(k.items) and all(map(fits, r, k.items))
    return True


def held_beside_numbers(fn: Callable[..., Any], args: list[Atom], names: tuple[str, ...], got: Kind) -> Kind:
    """What was learnt, without the sizes that follow the smaller or longer of a symbol and a known number."""
    numbers = _numbers_in(map(kind, args)) | {length_of_literal(a) for a in args} - {0, 1}
    symbols = {d.id for a in args for d in _dims_of(kind(a)) if isinstance(d, Sym)}
    if fn is operator.getitem or not numbers or not symbols or not any(_dims_of(got)):
        return got  # (what a slice cuts off is known by other means)
    for n in (2, 3, max(numbers) + 31):
        s = _Sampler(0, known=dict.fromkeys(symbols, n))
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                pos = [s.atom(a) for a, w in zip(args, names, strict=True) if not w]
                r = fn(*pos, **{w: s.atom(a) for a, w in zip(args, names, strict=True) if w})
            except Exception:  # (as in `_sampled`)
                continue
        got = _where_it_fits(r, got, s)
    return got


def _dims_of(k: Kind) -> tuple[Dim, ...]:
    if isinstance(k, Tree):
        return tuple(d for x in k.items for d in _dims_of(x))
    return k.dims if isinstance(k, Array) else ()


def _where_it_fits(r: Any, k: Kind, s: _Sampler) -> Kind:
    """A kind, with new symbols where another sample has other sizes."""
    if isinstance(k, Array):
        if np.ndim(r) != len(k.dims):
            return UNKNOWN
        pairs = zip(k.dims, np.shape(r), strict=True)
        unknown = {d for d in k.dims if isinstance(d, Sym) and d.id not in s.table}
        return replace(k, dims=tuple(d if d in unknown or s.size(d) == n else fresh_sym() for d, n in pairs))
    if isinstance(k, Tree) and isinstance(r, tuple | list) and len(r) == len(k.items):
        items = zip(r, k.items, strict=True)
        return replace(k, items=tuple(_where_it_fits(x, item, s) for x, item in items))
    return k


def forget_lengths(k: Kind) -> Kind:
    """The kind with nothing known of its sizes, nor of the lengths of lists."""
    if isinstance(k, Seq):
        return replace(k, elem=forget_lengths(k.elem))
    if isinstance(k, Tree) and k.type is list and k.items:
        return Seq(forget_lengths(k.items[0]))
    return forget_sizes(k)


def is_one_float(k: Kind) -> bool:
    """Whether a value is a float, or an array of no dimensions that holds one."""
    return is_float_scalar(k) or (isinstance(k, Array) and not k.dims and k.dtype[0] == "f")


def complexified(k: Kind) -> Kind:
    """The kind where the type depends on values: what holds for complex numbers holds for all."""
    if isinstance(k, Array) and k.dtype[0] == "f":
        return replace(k, dtype="c8" if k.dtype == "f4" else "c16")
    if isinstance(k, Tree):
        return replace(k, items=tuple(map(complexified, k.items)))
    return k


def _tied(fn: Callable[..., Any], args: list[Atom], names: tuple[str, ...]) -> Kind | None:
    """The kind where an operation demands that sizes are equal: those that it demands it of, no others."""
    got = _sampled(fn, args, names, True)
    apart: frozenset[int] = frozenset()
    for ident in _bigs((kind(a) for a in args), {}) if got is not None else ():
        now = _sampled(fn, args, names, True, apart=apart | {ident})
        if now is not None:
            got, apart = now, apart | {ident}
    return got


def _forced(fn: Callable[..., Any], args: list[Atom], names: tuple[str, ...]) -> Kind:
    """The kind of an operation that demands something of the sizes of its arguments."""
    got = _sampled(fn, args, names, False, whole=1)
    if got is None:  # it may be of numbers from one on
        got = _sampled(fn, args, names, False, real=2.5)
    if got is not None:
        return got
    known = _as_known(args)
    if known:
        got = _sampled(fn, args, names, False, known=known)
        if got is not None:
            others = (known | {d: m} for d, n in known.items() for m in (n - 1, 60 * n))
            same = all(_sampled(fn, args, names, False, known=k) in (None, got) for k in others)
            return got if same else forget_sizes(got)  # (what others are refused, or make no difference)
    numbers = sorted(_numbers_in(map(kind, args)) | {n for a in args if (n := length_of_literal(a))})
    for size in numbers:  # a size written as a number may be what another has to be
        for at in range(MOST_FORCED):
            got = _sampled(fn, args, names, False, fixed=size, at=at)
            multiple = got is not None and _sampled(fn, args, names, False, fixed=60 * size, at=at)
            if got is not None and not multiple:
                return got
    for size in (*numbers, *_LOOSE):
        got = _sampled(fn, args, names, False, loose=size)
        if got is not None:
            return forget_sizes(got)
    at = getattr(fn, "__shaped_like__", 0)
    return shaped(kind(args[0]), kind(args[at])) if at and not any(names[: at + 1]) else UNKNOWN


def _as_known(args: list[Atom]) -> dict[int, int]:
    """Sizes that an operand of known shape gives another of its rank, where both are to have one shape."""
    shapes = [k.dims for k in map(kind, args) if isinstance(k, Array) and k.dims]
    whole = next((s for s in shapes if all(isinstance(d, int) for d in s)), ())
    pairs = (p for s in shapes if len(s) == len(whole) for p in zip(s, whole, strict=True))
    return {d.id: n - d.offset for d, n in pairs if isinstance(d, Sym) and isinstance(n, int)}


def shaped(first: Kind, like: Kind) -> Kind:
    """The kind of a result of the dtype of one argument and the shapes of another, an array or several."""
    if not isinstance(first, Array) or first.dtype[0] not in "fc":
        return UNKNOWN
    if isinstance(like, Array):
        return Array(first.dtype, like.dims) if like.dims else element_kind(first.dtype)
    if isinstance(like, Scalar):
        return element_kind(first.dtype)
    if type(like) is Seq and isinstance(like.elem, Array) and like.elem.dims:
        return Seq(shaped(first, like.elem))
    if isinstance(like, Tree) and like.type in (list, tuple):
        if like.items and all(isinstance(x, Scalar) for x in like.items):
            return UNKNOWN  # numbers in a list are an array
        return Tree(like.type, like.keys, tuple(shaped(first, x) for x in like.items))
    return UNKNOWN


MOST_FORCED = 3  # sizes of which one is tried to be a number that is written
_MOST_OF_NUMBERS = 1024
_of_numbers: dict[Any, Kind] = {}  # results of functions of floats and literals


def is_float_scalar(k: Kind) -> bool:
    """Whether a value is a number with a point: what is counted up to it has any size."""
    return isinstance(k, Scalar) and k.dtype[0] == "f"


def _numbers_key(fn: Any, args: list[Atom], names: tuple[str, ...]) -> Any:
    """What the kind of a function of numbers and literals depends on; None if other things are among them."""
    out: list[Any] = [fn, names]
    for a in args:
        if isinstance(a, Const) and type(a.value) in (int, float):
            out.append(key_of(a))
        elif isinstance(a, Val) and is_any_number(a.kind) and (a.op is None or a.op.fn is not getattr):
            out.append(a.kind)
        else:
            return None
    try:
        hash(fn)
    except TypeError:
        return None
    return tuple(out)


def is_any_number(k: Kind) -> bool:
    """Whether a value is a number of which nothing is known but its type."""
    return isinstance(k, Scalar) and k.value is None


def forget_sizes(k: Kind) -> Kind:
    """The kind with nothing known of its sizes."""
    if isinstance(k, Array):
        return Array(k.dtype, tuple(fresh_sym() for _ in k.dims))
    if isinstance(k, Tree):
        return Tree(k.type, k.keys, tuple(forget_sizes(x) for x in k.items), k.static)
    return k


def length_of_literal(a: Atom) -> int:
    """How many numbers a list that is written out has."""
    if isinstance(a, Struct) and a.type in (list, tuple) and all(isinstance(x, Const) for x in a.items):
        return len(a.items)
    return 0


def _numbers_in(kinds: Iterable[Kind]) -> set[int]:
    out: set[int] = set()
    for k in kinds:
        if isinstance(k, Array):
            out |= {d for d in k.dims if isinstance(d, int) and d > 1}
        elif isinstance(k, Tree):
            out |= _numbers_in(k.items)
            if k.type in (list, tuple) and len(k.items) > 1 and all(isinstance(x, Scalar) for x in k.items):
                out.add(len(k.items))
    return out


def _sampled(
    fn: Callable[..., Any],
    args: list[Atom],
    names: tuple[str, ...],
    alike: bool,
    **options: Any,
) -> Kind | None:
    """The kind learnt from two runs; None if the samples do not fit the operation."""
    results = []
    fn = getattr(fn, "__outline__", fn)  # what the result looks like, where samples do not fit each other
    samplers = (_Sampler(0, alike, **options), _Sampler(1, alike, **options))
    boxes = on_device() and any(holds_array(kind(a)) for a in args)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for s in samplers:
            try:
                pos = [s.atom(a) for a, n in zip(args, names, strict=True) if not n]
                kw = {n: s.atom(a) for a, n in zip(args, names, strict=True) if n}
                results.append(boxed(fn(*pos, **kw)) if boxes else fn(*pos, **kw))
            except Exception:  # whatever a sample provokes, it only means that nothing is learnt from it
                return None
    big = _bigs((kind(a) for a in args), {})
    if alike and isinstance(results[0], np.ndarray):
        for a in args:
            k = kind(a)
            if isinstance(k, Array) and tuple(samplers[0].size(d) for d in k.dims) == results[0].shape:
                return Array(dtype_name(results[0].dtype), k.dims)
    return _kind(results[0], results[1], samplers[0], samplers[1], big)


def holds_array(k: Kind) -> bool:
    """Whether a value is an array, or holds one."""
    if isinstance(k, Tree):
        return any(map(holds_array, k.items))
    return isinstance(k, Array) or (isinstance(k, Seq) and holds_array(k.elem))


def boxed(result: Any) -> Any:
    """A result of NumPy's as another module gives it: arrays of no dimensions for its numbers."""
    if isinstance(result, np.generic):
        return np.asarray(result)
    if isinstance(result, (tuple, list)):
        items = [boxed(x) for x in result]
        return type(result)(*items) if hasattr(result, "_fields") else type(result)(items)
    return result


def _of_doubles(a: Kind, b: Kind) -> Kind | None:
    """The kind of a sum, difference, product or quotient of two numbers, a double among them."""
    if not isinstance(a, Scalar) or not isinstance(b, Scalar):
        return None
    types = (a.dtype, b.dtype)
    if types not in (("f8", "f8"), ("f8", "i8"), ("i8", "f8")):
        return None
    return FLOAT if a.weak and b.weak else Scalar("f8", False)


def _fast(fn: Any, args: list[Atom]) -> Kind | None:
    if fn in _OF_NUMBERS and len(args) == 2:
        number = _of_doubles(kind(args[0]), kind(args[1]))
        if number is not None:
            return number
    if fn is operator.neg:
        k = kind(args[0])
        if isinstance(k, (Scalar, Array)) and k.dtype == "f8" and k != FLOAT:
            return Scalar("f8", k.weak) if isinstance(k, Scalar) else k if k.dims else None
    if fn in _ARITHMETIC and len(args) == 2:
        a, b = kind(args[0]), kind(args[1])
        if (
            isinstance(a, Scalar)
            and isinstance(b, Scalar)
            and a.weak
            and b.weak
            and {a.dtype, b.dtype} <= {"f8", "i8"}
        ):
            if a.dtype == b.dtype == "i8":
                return Scalar("i8", True, _int_value(fn, a.value, b.value))
            return FLOAT
        if (
            isinstance(a, Array)
            and isinstance(b, Scalar)
            and a.dtype == "f8"
            and b.dtype in ("f8", "i8")
            and a.dims
        ):
            return a
        if (
            isinstance(b, Array)
            and isinstance(a, Scalar)
            and b.dtype == "f8"
            and a.dtype in ("f8", "i8")
            and b.dims
        ):
            return b
        if isinstance(a, Array) and a == b and a.dtype == "f8" and a.dims:
            return a
    if fn in (operator.truediv, operator.pow) and len(args) == 2:
        a, b = kind(args[0]), kind(args[1])
        if isinstance(a, Array) and isinstance(b, Scalar) and a.dims:
            if a.dtype == "f8" and b.dtype in ("f8", "i8"):
                return a
    if fn is numpy_names.RESHAPE and len(args) == 2:
        return reshaped(kind(args[0]), args[1])
    if fn is numpy_names.BROADCAST and len(args) == 2:
        return broadcast_to(kind(args[0]), args[1])
    if fn is numpy_names.ARRAY and len(args) == 1 and isinstance(args[0], Val):
        return array_of(args[0], args[0].kind)
    if fn is operator.matmul:
        return multiplied(kind(args[0]), kind(args[1]))
    if fn in _ARITHMETIC or fn is operator.truediv:
        a, b = kind(args[0]), kind(args[1])
        if isinstance(a, Array) and isinstance(b, Array) and a.dtype == b.dtype == "f8":
            dims = broadcast_dims(a.dims, b.dims)
            return Array("f8", dims) if dims else None
    if isinstance(fn, np.ufunc) and fn.signature is None and fn.nout == 1 and fn.nin == len(args):
        return _ufunc(fn, [kind(a) for a in args])
    if fn in _COMPARE and len(args) == 2:
        a, b = kind(args[0]), kind(args[1])
        if isinstance(a, Scalar) and isinstance(b, Scalar):
            return BOOL
        if all(isinstance(k, (Array, Scalar)) and k.dtype[0] in "biuf" for k in (a, b)):
            dims = broadcast_dims(*(k.dims if isinstance(k, Array) else () for k in (a, b)))
            return Array("b1", dims) if dims else None
    return None


def _ufunc(fn: np.ufunc, kinds: list[Kind]) -> Kind | None:
    """The kind of a function of elements, of arrays of which one at least has dimensions."""
    dims: tuple[Dim, ...] = ()
    types: list[Any] = []
    for k in kinds:
        if not isinstance(k, (Array, Scalar)) or k.dtype[0] not in "biufc":
            return None
        weak = isinstance(k, Scalar) and k.weak and {"f8": float, "i8": int, "c16": complex}.get(k.dtype)
        types.append(weak or np.dtype(k.dtype))
        if isinstance(k, Array):
            dims = broadcast_dims(dims, k.dims)
    if not dims:
        return None
    try:
        dtype = fn.resolve_dtypes((*types, None))[-1]
    except TypeError:
        return None
    return Array(dtype_name(dtype), dims)


def _int_value(fn: Any, a: Dim | None, b: Dim | None) -> Dim | None:
    if isinstance(a, int) and isinstance(b, int):
        return int(fn(a, b))
    if isinstance(a, Sym) and isinstance(b, int) and fn in (operator.add, operator.sub):
        return Sym(a.id, int(fn(a.offset, b)), a.big and b == 0)
    if isinstance(b, Sym) and isinstance(a, int) and fn is operator.add:
        return Sym(b.id, a + b.offset, b.big and a == 0)
    if a is None or b is None:
        return fresh_sym()
    return memo_sym("int", fn, a, b)

