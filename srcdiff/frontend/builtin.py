"""Python's own functions, and the few of NumPy that ask about an argument rather than compute."""

from __future__ import annotations

import functools
import types
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.frontend import (
    boxes,
    calls,
    displays,
    listing,
    masked,
    numeric,
    reflection,
    sequences,
    texts,
    tools,
)
from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.expressions import attribute, stored
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Args, Bound, Closure, Iter, Known, Kw, Loc, Partial, Plain
from srcdiff.frontend.shapes import length_of
from srcdiff.frontend.words import name_of
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Ref, Slice, Struct, Val, kind
from srcdiff.ir.kinds import BOOL, FLOAT, NONE, STR, UNKNOWN, Array, Map, Scalar, Seq, fresh_sym, present

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["SPECIAL"]


def _len(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    box = content(lw, args[0])
    if isinstance(box, Agg):
        return Plain(Const(len(box.items)))
    if isinstance(box, Iter) and box.kind == "range":
        return Plain(listing.range_length(lw, box, node))
    a = lw.read(listing.listed(lw, box, node) if isinstance(args[0], Iter) else args[0], node)
    k = kind(a)
    d = k.dims[0] if isinstance(k, Array) and k.dims else length_of(a)
    if isinstance(d, int):
        return Plain(Const(d))
    a = lw.same_shape(a) if isinstance(k, Array) else a
    return Plain(lw.prim(len, [a], result=Scalar("i8", True, d), **lw.asked([a], "len", node)))


def _isinstance(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    box = content(lw, args[0])
    classes = lw.read(args[1], node)
    wanted = [classes] if not isinstance(classes, Struct) else list(classes.items)
    types_ = tuple(w.obj for w in wanted if isinstance(w, Ref))
    if len(types_) != len(wanted):
        return None
    if isinstance(box, Agg):
        return Plain(Const(issubclass(boxes.stands_for(box.type), types_)))
    if isinstance(box, (Closure, Partial)):
        return Plain(Const(issubclass(types.FunctionType, types_)))
    a = lw.read(args[0], node)
    if isinstance(a, (Const, Ref)):
        return Plain(Const(isinstance(a.value if isinstance(a, Const) else a.obj, types_)))
    k = kind(a)
    if isinstance(k, Array):
        return Plain(Const(issubclass(np.ndarray, types_)))
    if isinstance(k, Map):
        return Plain(Const(issubclass(dict, types_)))
    if isinstance(k, Seq):
        return Plain(Const(issubclass(tuple if k.frozen else list, types_)))
    if isinstance(k, Scalar):
        if k.weak and k.dtype in ("f8", "i8", "c16"):
            own: type = {"f8": float, "i8": int, "c16": complex}[k.dtype]
            if own is float:  # a Python float or a NumPy one: both are instances of float
                return Plain(Const(issubclass(float, types_)))
            return Plain(Const(issubclass(own, types_)))
        if not k.weak and not any(t in (float, int, complex) for t in types_):
            return Plain(Const(issubclass(np.dtype(k.dtype).type, types_)))
    if k == STR:
        return Plain(Const(issubclass(str, types_)))
    if k == NONE:
        return Plain(Const(issubclass(type(None), types_)))
    return Plain(lw.prim(isinstance, [a, classes], result=BOOL))


def is_instance(lw: Lowerer, b: Bound, cls: type, node: Any) -> Atom:
    """Whether a bound is of a class."""
    got = _isinstance(lw, [b, Known(cls, cls.__name__)], {}, node)
    assert isinstance(got, Plain)
    return got.atom


def made_of(lw: Lowerer, fn: Any, a: Const) -> Atom:
    """A number made of a constant, unless that raises: then it does so at each call."""
    try:
        return Const(fn(a.value))
    except (ValueError, OverflowError):
        return lw.prim(fn, [a], result=FLOAT if fn is float else Scalar("i8", True, fresh_sym()))


def _float(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    if not args:
        return Plain(Const(0.0))
    a = lw.read(args[0], node)
    k = kind(a)
    if isinstance(a, Const) and isinstance(a.value, (int, float, str)):
        return Plain(made_of(lw, float, a))
    number = present(k)
    if (isinstance(number, (Scalar, Array)) and number.dtype[0] in "fiub") or k in (UNKNOWN, STR):
        return Plain(lw.prim(float, [a], result=FLOAT))
    return None


def _int(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    a = lw.read(args[0], node) if args else Const(0)
    if isinstance(a, Const) and isinstance(a.value, (int, float, str)):
        return Plain(made_of(lw, int, a))
    return Plain(lw.prim(int, [a], result=Scalar("i8", True, fresh_sym())))


def _set(t: type) -> Any:
    def handler(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
        if not args:
            return Loc(lw.state.new_cell(Agg(set, (), ()))) if t is set else Agg(t, (), ())
        b = lw.settled(args[0])
        if isinstance(b, Loc) and isinstance(lw.state.cells[lw.moved_to(b).cell], Val):  # a list as it is
            return displays.make_set(lw, b, t, node)
        return displays.make_set(lw, calls.call(lw, Known(list, "list"), args, {}, node), t, node)

    return handler


def _add_at(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    target, index, value = args
    if not isinstance(target, Loc):
        lw.stop("store", "the first argument of add.at must be an array variable", node)
    current = lw.read(target)
    new = lw.prim(
        ops.additem,
        [current, lw.read(index), lw.read(value)],
        result=kind(current),
        hint=name_of(current),
        user=True,
        at=True,
    )
    lw.write(target, new, node)
    return Plain(Const(None))


def _shape(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    return attribute(lw, args[0], "shape", node)


def _isscalar(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    """Whether a value is a number, as its kind says where a rule's text asks."""
    k = kind(lw.read(args[0], node))
    known = lw.frame.static and isinstance(k, (Scalar, Array))
    return Plain(Const(isinstance(k, Scalar))) if known else None


def _ndim(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    return attribute(lw, args[0], "ndim", node)


def _iscomplex(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    k = kind(lw.read(args[0], node))
    if isinstance(k, (Scalar, Array)):
        return Plain(Const(k.dtype[0] == "c"))
    return None


def _partial(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    return Partial(args[0], tuple(args[1:]), kwargs)


def _slice(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    parts = [lw.read(a, node) for a in args]
    if len(parts) == 1:
        parts = [Const(None), *parts]
    return Plain(Slice(*parts, *[Const(None)] * (3 - len(parts))))


def _fromkeys(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    """``dict.fromkeys(keys, value)``: one value under all keys."""
    _, given = listing.spread(lw, args[0], node)
    keys = [lw.read(x, node) for x in given or ()]
    if given is None or not all(is_constant(k) for k in keys):
        lw.stop("key", "the keys of dict.fromkeys are known only at run time", node,
                help="write a loop: for k in keys: d[k] = value")  # fmt: skip
    value = stored(lw, args[1]) if len(args) > 1 else Plain(Const(None))
    entries = dict.fromkeys([constant(k) for k in keys], value)
    return Loc(lw.state.new_cell(Agg(dict, tuple(entries), tuple(entries.values()))))


SPECIAL: dict[Any, Any] = {
    **sequences.FUNCTIONS,
    slice: _slice, len: _len, isinstance: _isinstance, float: _float, int: _int,
    set: _set(set), frozenset: _set(frozenset), np.add.at: _add_at, np.shape: _shape,
    np.ndim: _ndim, np.isscalar: _isscalar, np.iscomplexobj: _iscomplex, functools.partial: _partial,
    dict.fromkeys: _fromkeys,
    **texts.FUNCTIONS, **reflection.HANDLERS, **tools.FUNCTIONS, **numeric.FUNCTIONS,
    **masked.MASKED,
}  # fmt: skip
