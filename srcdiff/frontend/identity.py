"""Objects as keys of dicts and elements of sets: which one is meant is known by the place where it lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from srcdiff.frontend import objects
from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.scope import Agg, Args, Bound, Identity, Loc, Plain, has_objects
from srcdiff.ir.graph import Atom, Const, Struct

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["key_of", "set_method", "set_of", "unknown"]


def by_identity(lw: Lowerer, b: Bound) -> bool:
    """Whether a bound is an object of a class that leaves equality to identity."""
    box = lw.content(b)
    if not objects.is_object(box) or box.type.__hash__ is not object.__hash__:
        return False
    return bool(box.type.__eq__ is object.__eq__) and not issubclass(box.type, BaseException)


def key_of(lw: Lowerer, holder: Bound, b: Bound, node: Any) -> Atom:
    """A bound as a key of ``holder``: an object by its identity, anything else by its value."""
    box = lw.content(b)
    if isinstance(box, Agg) and box.type is tuple and any(holds(lw, x) for x in box.items):
        parts = [key_of(lw, holder, x, node) for x in box.items]
        if all(is_constant(p) for p in parts):
            return Const(tuple(constant(p) for p in parts))
        unknown(lw, node)
    if not by_identity(lw, b):
        return lw.read(b, node)
    kept = lw.content(holder)
    if not isinstance(kept, Agg):
        atom = lw.read(b, node)
        if isinstance(atom, Struct):  # (it would be made anew at each use)
            unknown(lw, node)
        return atom
    at = objects.adopt(lw, lw.settled(b))
    at = lw.moved_to(at) if isinstance(at, Loc) else at
    if not isinstance(at, Loc) or at.path:
        unknown(lw, node)
    for cell in cells_in(kept.keys):
        if objects.identical(lw, Loc(cell), at) is None:
            unknown(lw, node)
    return Const(Identity(at.cell))


def holds(lw: Lowerer, b: Bound) -> bool:
    box = lw.content(b)
    nested = isinstance(box, Agg) and box.type is tuple and any(holds(lw, x) for x in box.items)
    return nested or by_identity(lw, b)


def cells_in(keys: Any) -> list[int]:
    """The places of the objects among keys."""
    out = []
    for k in keys:
        out += [k.cell] if isinstance(k, Identity) else cells_in(k) if isinstance(k, tuple) else []
    return out


def unknown(lw: Lowerer, node: Any) -> NoReturn:
    lw.stop(
        "key", "which object this key is, is known only at run time", node,
        note="objects of a class without an equality of its own are told apart by identity",
        help="give the objects numbers or names, and use these as keys",
    )  # fmt: skip


# ---- sets of objects -----------------------------------------------------------------------------------


def set_of(lw: Lowerer, items: tuple[Bound, ...], t: type, node: Any) -> Bound | None:
    """A set that holds objects; None if there are none among ``items``."""
    if not any(holds(lw, x) for x in items):
        return None
    made = Loc(lw.state.new_cell(Agg(set, (), ())))
    for x in items:
        add(lw, made, x, node)
    box = lw.content(made)
    assert isinstance(box, Agg)
    return made if t is set else Agg(t, box.keys, box.items)


def add(lw: Lowerer, owner: Loc, x: Bound, node: Any) -> None:
    key = constant_key(lw, owner, x, node)
    box = lw.content(owner)
    assert isinstance(box, Agg)
    if key not in box.keys:
        lw.change(owner, Agg(set, (*box.keys, key), (*box.items, x)), node)


def constant_key(lw: Lowerer, owner: Bound, x: Bound, node: Any) -> Any:
    key = key_of(lw, owner, x, node)
    if not is_constant(key):
        unknown(lw, node)
    return constant(key)


def set_method(lw: Lowerer, owner: Bound, box: Agg, name: str, args: Args, node: Any) -> Bound | None:
    """A method of a set with objects in it, or that is given one; None if it is of another sort."""
    if not has_objects(box.keys) and not any(holds(lw, a) for a in args):
        return None
    if not isinstance(owner, Loc):
        return None
    if name == "add":
        add(lw, owner, args[0], node)
        return Plain(Const(None))
    if name in ("discard", "remove"):
        key = constant_key(lw, owner, args[0], node)
        if key not in box.keys and name == "remove":
            lw.add_raise("KeyError", "this is not in the set")
        kept = [(k, x) for k, x in zip(box.keys, box.items, strict=True) if k != key]
        lw.change(owner, Agg(set, tuple(k for k, _ in kept), tuple(x for _, x in kept)), node)
        return Plain(Const(None))
    if name == "clear":
        lw.change(owner, Agg(set, (), ()), node)
        return Plain(Const(None))
    if name == "copy":
        return Loc(lw.state.new_cell(Agg(set, box.keys, box.items)))
    lw.stop("method", f"the method {name!r} of a set of objects is not supported", node,
            help="write a loop: for x in xs: seen.add(x)")  # fmt: skip
