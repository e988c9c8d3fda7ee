"""What values are and how they were made, as the rewrites of `algebra.py` and other passes ask."""

from __future__ import annotations

import math
import operator
from typing import Any

from srcdiff.analysis.liveness import effect, guarded
from srcdiff.ir import ops
from srcdiff.ir.begun import is_begun
from srcdiff.ir.graph import (
    Atom,
    Const,
    LoopView,
    Op,
    Region,
    Slice,
    Struct,
    Val,
    is_none,
    kind,
    map_atom,
    op_of,
    same,
)
from srcdiff.ir.indices import display, parts_of
from srcdiff.ir.kinds import Array, Kind, Map, Scalar, Seq, Tree, is_whole, of_one_size
from srcdiff.optimise.words import Words

__all__ = [
    "adds_nothing",
    "alike",
    "apart",
    "basic",
    "copied_from",
    "displayed",
    "fills",
    "fits_already",
    "flipped",
    "foldable",
    "is_flip",
    "is_number",
    "is_place",
    "is_zero",
    "is_zeros",
    "kind_char",
    "last_written",
    "made_alike",
    "made_by",
    "negated",
    "not_one",
    "of_numbers",
    "only_given",
    "plainly_same",
    "power_of_two",
    "puts_back",
    "reciprocal",
    "same_element",
    "same_kind",
    "sized_like",
    "steady",
    "unchanged",
    "zeroed",
]


def steady(op: Op, ins: list[Atom], words: Words) -> bool:
    """Whether an operation on arrays cannot raise: slices of known rank; what works on arrays of one shape
    element by element; products of those that fit; sums."""
    k = op.out.kind
    if op.fn is words.total:
        settled = all(isinstance(a, Const) for a in ins[1:]) and set(op.names) <= {"", "axis", "keepdims"}
        return settled and isinstance(kind(ins[0]), Array)
    if not isinstance(k, Array) or op.by_name:
        return False
    if op.fn is operator.matmul:
        return meet(kind(ins[0]), kind(ins[1]))
    if op.fn is operator.getitem:
        base, index = kind(ins[0]), ins[1]
        parts = parts_of(index)
        if not isinstance(base, Array) or len(parts) > len(base.dims) or not op.attrs.get("view"):
            return False
        return all(map(is_slice, parts))
    shapes = [x.dims for x in map(kind, ins) if isinstance(x, Array)]
    numbers = all(isinstance(x, (Array, Scalar)) and x.dtype[0] in "fciub" for x in map(kind, ins))
    alike = bool(shapes) and all(s == shapes[0] for s in shapes)
    return numbers and alike and k.dtype[0] in "fcb" and words.by_elements(op.fn)


def is_slice(a: Atom) -> bool:
    """Whether an index is a slice that takes a part of any axis, whatever the numbers in it are."""
    if not isinstance(a, Slice) or not isinstance(a.step, Const) or a.step.value == 0:
        return False
    for x in (a.lower, a.upper):
        k = kind(x)
        whole = is_whole(k)
        if not whole and not is_none(x):
            return False
    return True


def meet(a: Any, b: Any) -> bool:
    """Whether two arrays of numbers, each a vector or a matrix, have a product."""
    if not isinstance(a, Array) or not isinstance(b, Array) or {a.dtype[0], b.dtype[0]} - {*"fc"}:
        return False
    return 0 < len(a.dims) <= 2 and 0 < len(b.dims) <= 2 and a.dims[-1] == b.dims[0]


def fills(a: Any, b: Any, k: Array) -> bool:
    """Whether one of two operands has the size of the result along each axis (what does not fit raises)."""
    if not isinstance(a, (Array, Scalar)) or not isinstance(b, Array):
        return False
    x, y = a.dims if isinstance(a, Array) else (), b.dims
    n = len(k.dims)
    if max(len(x), len(y)) != n:
        return False
    pairs = zip((1,) * (n - len(x)) + x, (1,) * (n - len(y)) + y, k.dims, strict=True)
    return all(d in (p, q) for p, q, d in pairs)


def not_one(d: Any) -> bool:
    """Whether a size is not one for sure."""
    return d != 1 if isinstance(d, int) else bool(d.big)


def fits_already(a: Any, like: Any) -> bool:
    """Whether what was made of an array of doubles, perhaps repeated, is of its shape and type for sure."""
    if not isinstance(a, Array) or not isinstance(like, Array) or not a.dtype == like.dtype == "f8":
        return False
    if len(a.dims) != len(like.dims):
        return False
    return (a == like and of_one_size(like)) or all(map(not_one, like.dims))


def foldable(op: Op, a: Atom) -> bool:
    return op.origin is None or op.origin.adjoint or (isinstance(a, Const) and type(a.value) is int)


def basic(index: Atom) -> bool:
    """An index that names every position once."""
    parts = parts_of(index)
    return all(isinstance(p, (Slice, Const)) or isinstance(kind(p), Scalar) for p in parts)


def power_of_two(v: float) -> bool:
    return v in (0.25, 0.5, 2, 4, 8)


def is_number(a: Atom, v: int) -> bool:
    return isinstance(a, Const) and type(a.value) in (int, float) and a.value == v


def copied_from(a: Atom) -> Val | None:
    """The list or tuple of which a list is a copy."""
    if not isinstance(a, Val) or a.op is None or a.op.fn is not list or len(a.op.ins) != 1:
        return None
    of = a.op.ins[0]
    k = kind(of)
    known = type(k) is Seq or (isinstance(k, Tree) and k.type in (list, tuple))
    return of if isinstance(of, Val) and known else None


def displayed(x: Atom, key: Atom) -> Atom | None:
    """The part that is read of a display, or of a part of one, if it is known."""
    if isinstance(x, Val) and x.op is not None and x.op.fn in (operator.getitem, ops.getfield):
        x = displayed(*x.op.ins) or x
    if not isinstance(x, Struct) or not isinstance(key, Const) or key.value not in x.keys:
        return None
    return x.items[x.keys.index(key.value)]


def is_zero(a: Atom) -> bool:
    return isinstance(a, Const) and type(a.value) in (int, float) and a.value == 0


def is_zeros(a: Atom) -> bool:
    """An array just made as the zero of a cotangent."""
    return (
        isinstance(a, Val)
        and a.op is not None
        and a.op.code == "prim"
        and getattr(a.op.fn, "__name__", "") in ("zeros_like", "zeros")
    )


def made_by(a: Atom, *fns: Any) -> Op | None:
    """The operation that makes a value, if it applies one of some functions, to one operand."""
    op = op_of(a)
    plain = op is not None and op.code == "prim" and len(op.ins) == 1 and not op.by_name
    return op if op is not None and plain and op.fn in fns else None


def sized_like(x: Atom) -> Atom:
    """The oldest value with the shape of one that has no name: it may be there anyway."""
    while isinstance(x, Val) and not x.user and x.op is not None and x.op.code == "prim":
        k = x.kind
        same_size = [a for a in x.op.ins if isinstance(a, Val) and isinstance(kind(a), Array)]
        same_size = [a for a in same_size if isinstance(k, Array) and kind(a).dims == k.dims]  # type: ignore
        firm = [a for a in same_size if not begins_as_number(a)]
        if not firm or x.op.fn in ops.UPDATES:
            break
        x = firm[0]
    return x


def begins_as_number(v: Val) -> bool:
    """Whether a loop leaves an array that begins as a number, or it is made of such alone (`ir/begun.py`)."""
    todo, seen = [v], {v}
    while todo:
        v = todo.pop()
        op = v.op
        if op is not None and op.code == "prim":
            arrays = [a for a in op.ins if isinstance(kind(a), Array)]
            k = v.kind
            alike = [a for a in arrays if isinstance(k, Array) and kind(a).dims == k.dims]  # type: ignore
            found = [a for a in alike or arrays if isinstance(a, Val)]
            if not found or (not alike and len(found) > 1):
                return False
            todo += [a for a in found if a not in seen]
            seen.update(found)
            continue
        if op is None or not op.is_loop or not op.regions:
            return False
        slots = LoopView(op).slots
        if not any((v is f or v is p) and is_begun(p, i) for p, i, _, f in slots):
            return False
    return True


def only_given(x: Atom, index: Atom) -> Atom | None:
    """What was added to an entry of the zero of a cotangent, if one thing was."""
    found: list[Atom] = []
    while isinstance(x, Val) and x.op is not None and x.op.fn is ops.additem:
        if not (is_place(index) and is_place(x.op.ins[1])):
            return None
        if same(x.op.ins[1], index):
            found.append(x.op.ins[2])
        x = x.op.ins[0]
    ours = is_zeros(x) and x.op.origin is not None and x.op.origin.adjoint  # type: ignore[union-attr]
    one = isinstance(kind(x), Array) and len(kind(x).dims) == 1  # type: ignore[union-attr]
    return found[0] if ours and one and len(found) == 1 and isinstance(kind(found[0]), Scalar) else None


def is_place(index: Atom) -> bool:
    return isinstance(index, Const) and type(index.value) is int and index.value >= 0


def adds_nothing(zero: Atom, other: Atom) -> bool:
    """Whether a list is the zero of what another, of as many elements, was made of by writing to it."""
    of = zeroed(zero)
    if of is None or not of_numbers(kind(other)):
        return False
    first, start = before_writes(of), before_writes(other)
    if first is None or start is None:
        return False
    source = zeroed(start)
    return same_element(first, start) or (source is not None and same_element(of, source))


def before_writes(a: Atom) -> Atom | None:
    """What a list was before elements of it were written to; None where its length may be another now."""
    while isinstance(a, Val) and a.op is not None and a.op.fn in ops.WRITES:
        if isinstance(a.op.ins[1], Slice):
            return None
        a = a.op.ins[0]
    return a


def zeroed(a: Atom) -> Atom | None:
    """What a list is the zero of; of an element of one, that element, as the list and the index."""
    if is_zeros(a) and isinstance(kind(a), Seq):
        return a.op.ins[0]  # type: ignore[union-attr]
    if isinstance(a, Val) and a.op is not None and a.op.fn is operator.getitem and is_zeros(a.op.ins[0]):
        whole = a.op.ins[0].op.ins[0]  # type: ignore[union-attr]
        if isinstance(kind(whole), Seq) and isinstance(kind(a), Seq):
            return display((whole, a.op.ins[1]))
    return None


def of_numbers(k: Any) -> bool:
    """Whether a value is a list of numbers, or of such lists."""
    if not isinstance(k, Seq) or isinstance(k, Map):
        return False
    return isinstance(k.elem, Scalar) or of_numbers(k.elem)


def same_element(a: Atom, b: Atom) -> bool:
    """Whether two are one: a value, or an element of a list, given by itself or as the list and the index."""

    def parts(x: Atom) -> Atom:
        if isinstance(x, Val) and x.op is not None and x.op.fn is operator.getitem:
            return Struct(tuple, (0, 1), tuple(x.op.ins))
        return x

    return same(a, b) or same(parts(a), parts(b))


def alike(one: Region, other: Region) -> bool:
    """Whether two arms do the same, operation by operation, and nothing that is seen from outside."""
    if len(one.ops) != len(other.ops):
        return False
    table: dict[Val, Val] = {}

    def mapped(v: Val) -> Val:
        return table.get(v, v)

    for a, b in zip(one.ops, other.ops, strict=True):
        if a.code != "prim" or b.code != "prim" or effect(a) or guarded(a):
            return False
        if a.attrs.keys() != b.attrs.keys():
            return False
        if any(a.attrs[k] is not b.attrs[k] and not plainly_same(a.attrs[k], b.attrs[k]) for k in a.attrs):
            return False
        if len(a.ins) != len(b.ins) or not all(
            same(x, map_atom(mapped, y)) for x, y in zip(a.ins, b.ins, strict=True)
        ):
            return False
        table[b.out] = a.out
    return all(same(x, map_atom(mapped, y)) for x, y in zip(one.results, other.results, strict=True))


def made_alike(a: Atom, b: Atom, depth: int = 4) -> bool:
    """Whether two values are one, or made of the same alike (``i + 1`` forwards, and backwards)."""
    one, other = (op_of(v) for v in (a, b))
    if same(a, b) or one is None or other is None or not depth:
        return same(a, b)
    if one.code != "prim" or one.fn is not other.fn or effect(one) or guarded(one):
        return False
    if len(one.ins) != len(other.ins) or one.attrs.get("names") != other.attrs.get("names"):
        return False
    return all(made_alike(x, y, depth - 1) for x, y in zip(one.ins, other.ins, strict=True))


def plainly_same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(plainly_same, a, b))
    return isinstance(a, (bool, str, int, type(None))) and a == b


def kind_char(a: Atom) -> str:
    k = kind(a)
    return k.dtype[0] if isinstance(k, (Scalar, Array)) else "?"


def same_kind(a: Any, b: Any) -> bool:
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        return a.dtype == b.dtype
    return bool(a == b)


def unchanged(a: Atom, result: Any, factor: Atom) -> bool:
    """Whether ``a * 1`` is ``a``: the kind does not change by it (what is known of the sizes may)."""
    k = kind(a)
    if isinstance(k, Array) and isinstance(result, Array) and isinstance(kind(factor), Scalar):
        return k.dtype == result.dtype and len(k.dims) == len(result.dims)
    return same_kind(k, result)


def last_written(x: Atom, index: Atom) -> Atom | None:
    """What has just been written to the element of a list that is read."""
    if not isinstance(x, Val) or x.op is None or x.op.fn is not ops.setitem or not isinstance(x.kind, Seq):
        return None
    at, value = x.op.ins[1:]
    known = isinstance(kind(index), Scalar) or isinstance(x.kind, Map)
    return value if same(at, index) and known else None


def puts_back(ins: list[Atom]) -> bool:
    """Whether an element of a list, or a part of an array, is set to what it is."""
    x, at, value = ins
    if not isinstance(x, Val) or not isinstance(x.kind, (Seq, Array)) or not isinstance(value, Val):
        return False
    made = value.op
    return made is not None and made.fn is operator.getitem and made.ins[0] is x and same(made.ins[1], at)


def as_precise(k: Kind, *operands: Atom) -> bool:
    """Whether numbers are computed of operands as precisely as ``k`` says: not of single precision alone."""
    numbers = [o for o in map(kind, operands) if isinstance(o, (Array, Scalar))]
    found = [o for o in numbers if not (isinstance(o, Scalar) and o.weak)]
    double = isinstance(k, (Array, Scalar)) and k.dtype in ("f8", "c16")
    return not double or not found or any(o.dtype not in ("f2", "f4", "c8") for o in found)


def negated(a: Atom) -> Atom | None:
    if isinstance(a, Val) and a.op is not None and a.op.code == "prim" and a.op.fn is operator.neg:
        return a.op.ins[0]
    return None


def reciprocal(a: Atom) -> Atom | None:
    """``x`` of ``1.0 / x``; used for derivatives, where ``g * (1 / x)`` is written ``g / x``."""
    if (
        isinstance(a, Val)
        and a.op is not None
        and a.op.code == "prim"
        and a.op.fn is operator.truediv
        and is_number(a.op.ins[0], 1)
    ):
        if a.op.origin is None or a.op.origin.adjoint:
            return a.op.ins[1]
    return None


def is_flip(s: Slice) -> bool:
    return (
        all(is_none(x) for x in (s.lower, s.upper))
        and isinstance(s.step, Const)
        and s.step.value == -1
    )


def flipped(a: Atom) -> Atom | None:
    """``T`` of ``T[::-1]``, for lists."""
    if isinstance(a, Val) and a.op is not None and a.op.code == "prim" and a.op.fn is operator.getitem:
        if isinstance(a.op.ins[1], Slice) and is_flip(a.op.ins[1]) and isinstance(kind(a.op.ins[0]), Seq):
            return a.op.ins[0]
    return None


def apart(one: Atom, other: Atom) -> bool:
    """Whether two indices name no position in common, as can be seen along one axis."""
    for a, b in zip(parts_of(one), parts_of(other), strict=False):
        if any(isinstance(x, Const) and type(x.value) is not int for x in (a, b)):
            return False  # a new axis, or several
        here, there = span(a), span(b)
        if here is None or there is None:
            continue
        (lo, hi), (start, end) = here, there
        if (lo < 0) == (start < 0) and (hi <= start or end <= lo):
            return True
    return False


def span(a: Atom) -> tuple[int, float] | None:
    """From where to where an index between constants reaches, from the front or from the end."""
    if isinstance(a, Const) and type(a.value) is int:
        return a.value, a.value + 1
    if not isinstance(a, Slice) or a.step not in (Const(None), Const(1)):
        return None
    ends = [x.value if isinstance(x, Const) else "?" for x in (a.lower, a.upper)]
    lo, hi = 0 if ends[0] is None else ends[0], ends[1]
    if type(lo) is not int or (hi is not None and type(hi) is not int):
        return None
    if hi is None:
        return lo, math.inf if lo >= 0 else 0
    return (lo, hi) if (lo < 0) == (hi < 0) else None
