"""Parts of values as places of their own: what is written to them is written to the whole."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.frontend import constants
from srcdiff.frontend.scope import Agg, Bound, Loc, Plain, Step
from srcdiff.frontend.things import mutable
from srcdiff.frontend.words import name_of
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Slice, Struct, Val, kind
from srcdiff.ir.indices import ALL, parts_of
from srcdiff.ir.kinds import Array, Kind, Map, Seq, Tree, has_cell, join

if TYPE_CHECKING:
    from srcdiff.frontend.core import Core

__all__ = ["apply_step", "element_bound", "element_parts", "put", "version", "view"]




def apply_step(lw: Core, step: Step, base: Atom) -> Atom:
    if step.fn is operator.getitem:
        return lw.getitem(base, step.args[0])
    return lw.prim(step.fn, [base, *step.args], ("", *step.names) if step.names else (), method=step.method)


def view(lw: Core, b: Bound, step: Step) -> Bound:
    """The bound of ``step`` applied to ``b``: a view of its cell, if it lives in one."""
    b = lw.settled(b)
    base = lw.read(b)
    val = apply_step(lw, step, base)
    if not isinstance(val, Val) or not (isinstance(val.kind, Tree) or has_cell(val.kind)):
        return Plain(val)
    inside = isinstance(b, Loc) and not isinstance(lw.state.cells[b.cell], Agg)
    if isinstance(val.kind, Tree) and (not inside or lw.frame.static):
        return lw.take_apart(val, val.kind)
    if isinstance(b, Loc) and isinstance(val.kind, Tree):
        place = Loc(b.cell, (*b.path, step), val, lw.state.cells[b.cell])
        return element_bound(lw, place, val, val.kind)
    if isinstance(b, Loc) and inside:
        return Loc(b.cell, (*b.path, step), val, lw.state.cells[b.cell])
    return lw.bind(val)


def element_bound(lw: Core, place: Loc, val: Atom, k: Tree) -> Bound:
    """An element of a list that has parts: a place if it can be changed, else its parts."""
    return place if mutable(k.type) else element_parts(lw, place, val, k)


def element_parts(lw: Core, place: Loc, val: Atom, k: Tree) -> Agg:
    """The parts of an element of a list, each at its place."""
    items: list[Bound] = []
    for key in k.keys:
        sub = lw.getitem(val, Const(key))
        at = Loc(place.cell, (*place.path, Step(operator.getitem, (Const(key),))), None, place.seen)
        ks = kind(sub)
        if isinstance(ks, Tree):
            items.append(element_bound(lw, at, sub, ks))
        elif isinstance(sub, Val) and has_cell(ks):
            items.append(Loc(at.cell, at.path, sub, place.seen))
        else:
            items.append(Plain(sub))
    return Agg(k.type, k.keys, tuple(items), val)


def put(lw: Core, step: Step, base: Atom, new: Atom, node: Any) -> Atom:
    """``base`` with its view ``step(base)`` replaced by ``new``."""
    kb = kind(base)
    if step.fn is operator.getitem and isinstance(kb, Tree):
        key = constants.constant(step.args[0])
        items = tuple(new if k == key else lw.getitem(base, Const(k)) for k in kb.keys)
        return Struct(kb.type, kb.keys, items)
    if step.fn is operator.getitem:
        result: Kind = kb
        if isinstance(kb, Seq):
            elem = join(kb.elem, kind(new))
            result = Map(elem, kb.key) if isinstance(kb, Map) else Seq(elem)
        return written(lw, base, step.args[0], new, result)
    if step.fn in (np.reshape, np.ravel, np.squeeze, np.expand_dims):
        shape = lw.shape_struct(base)
        return version(
            lw,
            base,
            lw.prim(np.reshape, [new, shape], result=kind(base), hint=name_of(base), method="reshape"),
        )
    if step.fn is np.transpose and step.args and (axes := constants.constant_axes(step)) is not None:
        places = range(len(axes))
        turned = Struct(tuple, tuple(places), tuple(Const(axes.index(n)) for n in places))
        back = lw.prim(np.transpose, [new, turned], result=kind(base), hint=name_of(base))
        return version(lw, base, back)
    if step.fn is np.transpose and not step.args:
        back = lw.prim(np.transpose, [new], result=kind(base), hint=name_of(base), method="T")
        return version(lw, base, back)
    moved = step.fn is np.moveaxis and not any(step.names)
    if moved or step.fn in (np.swapaxes, np.flip, np.fliplr, np.flipud):
        args = step.args[::-1] if moved else step.args
        back = lw.prim(step.fn, [new, *args], step.names and ("", *step.names), result=kind(base),
                         hint=name_of(base))  # fmt: skip
        return version(lw, base, back)
    lw.stop(
        "view-write",
        f"writing through the result of {getattr(step.fn, '__name__', step.fn)} is not supported",
        node,
        note="whether it is a view of the array or a copy is not known here",
        help="write to the array itself, by an index",
    )


def written(lw: Core, base: Atom, index: Atom, value: Atom, result: Kind, user: bool = False) -> Atom:
    """``base`` after ``base[index] = value``.

    Where all of an array is written, and with what was made for that, nothing is left of it but its shape: it
    *is* what was made.  What it was need not be kept, nor anything be put back.
    """
    if is_all(index, base) and kind(base) == kind(value) and made_for_it(lw, value):
        assert isinstance(value, Val)
        if not lw.quiet():
            value.name, value.user = name_of(base), True
        return version(lw, base, value)
    return lw.prim(ops.setitem, [base, index, value], result=result, hint=name_of(base), user=user)


def is_all(index: Atom, base: Atom) -> bool:
    """Whether an index takes all there is of an array."""
    k = kind(base)
    parts = parts_of(index)
    whole = [isinstance(p, Slice) and p == ALL for p in parts]
    dots = [isinstance(p, Const) and p.value is ... for p in parts]
    fits = isinstance(k, Array) and sum(whole) <= len(k.dims) and sum(dots) <= 1
    return fits and sum(whole) + sum(dots) == len(parts)


def made_for_it(lw: Core, value: Atom) -> bool:
    """Whether a value is the result of an operation, in memory of its own, that nothing else is bound to."""
    op = value.op if isinstance(value, Val) and not value.user else None
    plain = op is not None and op.code == "prim" and not op.attrs.get("view") and not op.attrs.get("aug")
    return plain and not lw.ctx.may_alias(op.fn)  # type: ignore[union-attr]


def version(lw: Core, base: Atom, new: Atom) -> Atom:
    """``new`` is what ``base`` is after a write through a view: the same array, of the same shape."""
    if isinstance(new, Val) and isinstance(base, Val):
        lw.shapes[new] = base
    return new
