"""Small questions about values and their kinds, and small answers."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from srcdiff.backends import numpy_names
from srcdiff.frontend.scope import (
    Bound,
    Closure,
    Either,
    Method,
    Partial,
    Plain,
    Window,
)
from srcdiff.ir import ops
from srcdiff.ir.graph import ZERO, Atom, Const, Struct, Val, is_none, key_of, op_of
from srcdiff.ir.kinds import (
    NONE,
    Kind,
    Scalar,
    Simple,
    fresh_sym,
)

__all__ = [
    "as_atom",
    "describe",
    "filled",
    "is_const_none",
    "is_numeric",
    "name_of",
    "name_of_value",
    "parts_of",
    "refusing_none",
    "resolved",
    "with_value",
]


def parts_of(b: Any) -> tuple[Bound, ...]:
    """What a thing that is no value goes with: the arguments of a partial function, the owner of a method."""
    match b:
        case Either(_, then, other):
            return then, other
        case Partial(fn, args, kwargs):
            return fn, *args, *kwargs.values()
        case Method(owner) | Window(_, owner):
            return (owner,)
        case Closure(defaults=defaults):
            return tuple(defaults.values())
    return ()


def with_value(k: Kind) -> Kind:
    """An integer stands for a size of its own."""
    if isinstance(k, Scalar) and k.dtype[0] == "i" and k.value is None:
        return Scalar(k.dtype, k.weak, fresh_sym())
    return k


def is_const_none(b: Any) -> bool:
    """Whether a bound is None, and known to be."""
    return isinstance(b, Plain) and is_none(b.atom)


def resolved(lw: Any, b: Bound) -> Bound:
    """Of two things, the one that is meant, on a path where that has been tested."""
    while isinstance(b, Either) and isinstance(b.test, Val) and b.test in lw.facts:
        b = b.then if lw.facts[b.test] else b.other
    return b


def as_atom(v: Any) -> Atom | None:
    if v is None or isinstance(v, (bool, int, float, complex, str)) or v is Ellipsis:
        return Const(v)
    if isinstance(v, np.bool_):
        return Const(bool(v))
    if type(v) in (tuple, list):
        items = tuple(as_atom(x) for x in v)
        if all(x is not None for x in items):
            return Struct(type(v), tuple(range(len(v))), items)  # type: ignore[arg-type]
    return None


def filled(a: Atom) -> Atom:
    """A display of numbers with its symbolic zeros written out."""
    if isinstance(a, Struct):
        return Struct(a.type, a.keys, tuple(Const(0.0) if x is ZERO else filled(x) for x in a.items))
    return a


def refusing_none(fn: Any, args: Sequence[Atom], names: Sequence[str] = ()) -> list[int]:
    """Which arguments of a function raise an exception if they are None: operands, not ``axis=None``."""
    everything = range(len(args))
    if fn in numpy_names.INFIX or fn in numpy_names.PREFIX:
        return [] if fn in _TAKES_NONE else [*everything]
    if isinstance(fn, np.ufunc):
        return [] if fn in _TAKES_NONE else [n for n in everything[: fn.nin] if not names or not names[n]]
    if getattr(fn, "__module__", "") in ("math", "cmath") or fn in (operator.abs, float):
        return [*everything]
    operands = _REFUSES_NONE.get(fn)
    if operands is None:
        return []
    words = [name or operands[n : n + 1] for n, name in enumerate(names or ("",) * len(args))]
    return [n for n, word in enumerate(words) if word and word in operands]


def is_numeric(k: Kind) -> bool:
    """Whether values are None, numbers, or made of numbers: nothing with operators of its own."""
    return k == NONE or not isinstance(k, Simple)


_TAKES_NONE = frozenset({
    operator.is_, operator.is_not, operator.eq, operator.ne, operator.not_, np.logical_not, np.logical_and,
    np.logical_or, np.logical_xor, np.equal, np.not_equal,
})  # fmt: skip


_REFUSES_NONE: dict[Any, str] = {  # (of None np.sum makes None)
    np.mean: "a", np.dot: "ab", np.outer: "ab",
}  # fmt: skip


def name_of_value(a: Atom) -> Any:
    """What two atoms have in common that are the same value: an element read twice is."""
    op = op_of(a)
    if op is not None and a in op.outs and op.fn in (operator.getitem, ops.getfield):
        return (op.fn, *(name_of_value(x) for x in op.ins))
    return key_of(a)


def name_of(a: Atom) -> str:
    return a.name if isinstance(a, Val) else ""


def describe(b: Bound) -> str:
    names = {
        "Closure": "a function",
        "Iter": "an iterator",
        "Method": "a method",
        "Partial": "a partial function",
    }
    return names.get(type(b).__name__, "this")
