"""Methods of lists whose length is known only at run time."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from srcdiff.frontend import definitions, folds, iterators, listing, places, producers
from srcdiff.frontend.scope import Agg, Args, Bound, Kw, Loc, Plain
from srcdiff.frontend.words import name_of
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Slice, kind
from srcdiff.ir.indices import display
from srcdiff.ir.kinds import Array, Seq, Tree, join

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["extend", "method", "of_any_length", "replace"]

NOTHING = Plain(Const(None))


def method(lw: Lowerer, owner: Bound, atom: Atom, name: str, args: Args, kwargs: Kw, node: Any) -> Bound:
    """``xs.name(...)``."""
    asks = _ASKS.get(name)
    if asks is not None:
        return asks(lw, owner, atom, args, node)
    if not isinstance(owner, Loc):
        lw.stop("method", "this list has no name, so changing it has no effect", node)
    handler = _CHANGES.get(name)
    if handler is None:
        what = f"the list method {name!r} is not supported on a list whose length is not known"
        lw.stop("method", what, node)
    return handler(lw, lw.moved_to(owner), atom, args, kwargs, node)


def of_any_length(lw: Lowerer, owner: Bound, box: Agg, name: str, args: Args, node: Any) -> Bound:
    """A method of a list of known structure that depends on values: it becomes one of unknown length."""
    from srcdiff.frontend import statements

    place = statements.as_sequence(lw, owner, box, node) if box.type is list else owner
    atom = lw.read(place, node) if box.type is list else statements.to_sequence(lw, box)
    return method(lw, place, atom, name, args, {}, node)


def put(lw: Lowerer, owner: Loc, new: Atom, node: Any) -> Bound:
    lw.write(owner, new, node)
    return NOTHING


def _append(lw: Lowerer, owner: Loc, atom: Atom, args: Args, kwargs: Kw, node: Any) -> Bound:
    k, v = kind(atom), lw.read(args[0], node)
    places.hold_still(lw, owner)
    new = lw.prim(ops.append, [atom, v], result=Seq(join(k.elem, kind(v))), hint=name_of(atom), user=True)  # type: ignore[union-attr]
    lw.write(owner, new, node)
    if places.changeable(kind(v)):
        at = places.length(lw, atom)
        places.put_in(lw, owner, (*owner.path, places.element_step(at)), args[0], node)
    return NOTHING


def _pop(lw: Lowerer, owner: Loc, atom: Atom, args: Args, kwargs: Kw, node: Any) -> Bound:
    k: Any = kind(atom)
    index = lw.read(args[0], node) if args else Const(-1)
    if index == Const(-1):
        places.detach(lw, owner, None, node)
        last = lw.prim(ops.poplast, [atom], result=k.elem)
        lw.write(owner, lw.prim(ops.rest, [atom], result=k, hint=name_of(atom), user=True), node)
        return places.taken_out(lw, owner, last)
    value = lw.getitem(atom, index)
    definitions.delete_item(lw, owner, index, node)
    return places.taken_out(lw, owner, value)


def _insert(lw: Lowerer, owner: Loc, atom: Atom, args: Args, kwargs: Kw, node: Any) -> Bound:
    """The elements before, the new one, those behind: new places for all of these."""
    k: Any = kind(atom)
    at, v = lw.read(args[0], node), lw.read(args[1], node)
    k = Seq(join(k.elem, kind(v)))
    places.detach(lw, owner, None, node)
    one = display((v,), list)
    if at == Const(0):
        put(lw, owner, joined(lw, [one, atom], k, atom), node)
    else:
        head = lw.getitem(atom, Slice(Const(None), at, Const(None)))
        tail = lw.getitem(atom, Slice(at, Const(None), Const(None)))
        put(lw, owner, joined(lw, [joined(lw, [head, one], k), tail], k, atom), node)
    if places.changeable(kind(v)):
        places.share_elements(lw, owner, args[1])
    return NOTHING


def joined(lw: Lowerer, parts: list[Atom], k: Seq, old: Atom | None = None) -> Atom:
    hint = name_of(old) if old is not None else ""
    return lw.prim(operator.concat, parts, result=k, hint=hint, user=old is not None)


def replace(lw: Lowerer, owner: Loc, atom: Atom, index: Slice, value: Bound, node: Any) -> None:
    """``xs[i:j] = value``: what is before, the new elements, what is behind."""
    places.detach(lw, owner, None, node)
    given = listing.call_list(lw, value, node)
    other = lw.read(given, node)
    k: Any = join(kind(atom), kind(other))
    if index.lower in (Const(None), Const(0)) and index.upper == Const(None):
        put(lw, owner, other, node)
        places.share_elements(lw, owner, value, given)
        return
    before, after = definitions.bounds(lw, atom, index, node)
    head = lw.getitem(atom, Slice(Const(None), before, Const(None)))
    tail = lw.getitem(atom, Slice(after, Const(None), Const(None)))
    put(lw, owner, joined(lw, [joined(lw, [head, other], k), tail], k, atom), node)
    places.share_elements(lw, owner, value, given)


def extend(lw: Lowerer, owner: Loc, atom: Atom, args: Args, kwargs: Kw, node: Any) -> Bound:
    given = listing.sequence(lw, args[0], node)
    other = lw.read(given, node)
    if isinstance(kind(other), Array):
        given = listing.call_list(lw, given, node)
        other = lw.read(given, node)
    k: Any = join(kind(atom), kind(other))
    places.hold_still(lw, owner)
    put(lw, owner, joined(lw, [atom, other], k, atom), node)
    places.share_elements(lw, owner, args[0], given)
    return NOTHING


def _sort(lw: Lowerer, owner: Loc, atom: Atom, args: Args, kwargs: Kw, node: Any) -> Bound:
    return put(lw, owner, lw.read(folds.sort(lw, lw.bind(atom), kwargs, node)), node)


def _reverse(lw: Lowerer, owner: Loc, atom: Atom, args: Args, kwargs: Kw, node: Any) -> Bound:
    places.detach(lw, owner, None, node)
    backwards = Slice(Const(None), Const(None), Const(-1))
    new = lw.prim(
        operator.getitem, [atom, backwards], result=kind(atom), hint=name_of(atom), view=False
    )
    return put(lw, owner, new, node)


def _clear(lw: Lowerer, owner: Loc, atom: Atom, args: Args, kwargs: Kw, node: Any) -> Bound:
    places.detach(lw, owner, None, node)
    none = Slice(Const(None), Const(0), Const(None))
    new = lw.prim(operator.getitem, [atom, none], result=kind(atom), hint=name_of(atom), view=False)
    return put(lw, owner, new, node)


def _remove(lw: Lowerer, owner: Loc, atom: Atom, args: Args, kwargs: Kw, node: Any) -> Bound:
    at = _index(lw, owner, atom, args, node)
    definitions.delete_item(lw, owner, lw.read(at), node)
    return NOTHING


# ---- what changes nothing ------------------------------------------------------------------------------


def _copy(lw: Lowerer, owner: Bound, atom: Atom, args: Args, node: Any) -> Bound:
    return places.share_elements(lw, lw.bind(lw.prim(list, [atom], result=kind(atom))), owner)


def _index(lw: Lowerer, owner: Bound, atom: Atom, args: Args, node: Any) -> Bound:
    check_comparable(lw, atom, node)
    return producers.text(lw, iterators.index_of, [Plain(atom), *args], {}, node)


def _count(lw: Lowerer, owner: Bound, atom: Atom, args: Args, node: Any) -> Bound:
    check_comparable(lw, atom, node)
    return producers.text(lw, iterators.count_of, [Plain(atom), *args], {}, node)


def check_comparable(lw: Lowerer, atom: Atom, node: Any) -> None:
    """Refuse to look for an object among others: which of them it is, is not told by values."""
    k: Any = kind(atom)
    if isinstance(k.elem, Tree) and k.elem.type not in (tuple, list, dict):
        lw.stop("method", "which element of this list is this object is known only at run time", node,
                help="look for it by an index or a number that it holds")  # fmt: skip


_ASKS: dict[str, Callable[..., Bound]] = {"copy": _copy, "index": _index, "count": _count}
_CHANGES: dict[str, Callable[..., Bound]] = {
    "append": _append, "pop": _pop, "insert": _insert, "extend": extend, "sort": _sort, "clear": _clear,
    "reverse": _reverse, "remove": _remove,
}  # fmt: skip
