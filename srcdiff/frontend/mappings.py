"""Dicts whose keys are known only at run time: one kind of values, versions like those of lists."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.frontend import identity, places
from srcdiff.frontend.scope import Agg, Bound, Identity, Iter, Loc, Plain, Window, has_objects
from srcdiff.frontend.words import name_of
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Struct, Val, kind
from srcdiff.ir.indices import display
from srcdiff.ir.kinds import BOOL, OTHER, UNKNOWN, Kind, Map, Scalar, Seq, Tree, alike, join, join_all
from srcdiff.ir.unset import unset_among

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = [
    "as_key", "as_mapping", "by_key", "contains", "keys_of", "method", "of_one_sort", "seen_through",
    "update", "window",
]  # fmt: skip


def of_one_sort(kinds: list[Kind]) -> bool:
    """Whether elements may be chosen among at run time; lists may differ in length."""
    if all(alike(kinds[0], k) for k in kinds):
        return True
    whole = join_all(kinds[0], tuple(kinds[1:]))
    return isinstance(whole, Seq) and whole.elem != UNKNOWN


def as_mapping(lw: Lowerer, base: Bound, box: Agg, node: Any) -> Loc:
    """Turn a dict of known keys into one whose keys are found at run time."""
    if not isinstance(base, Loc):
        lw.stop("store", "this dict cannot be changed", node)
    if has_objects(box.keys):
        identity.unknown(lw, node)
    base = lw.moved_to(base)
    kinds = [kind(lw.read(x)) for x in box.items]
    if kinds and not of_one_sort(kinds):
        lw.stop("key", "the values of this dict differ in kind, and which of them is meant is known only at "
                "run time", node, help="use values of the same shape, or several dicts")  # fmt: skip
    elem = join_all(kinds[0], tuple(kinds[1:])) if kinds else UNKNOWN
    keys = [kind(written(k)) for k in box.keys]
    key = join_all(keys[0], tuple(keys[1:])) if keys else UNKNOWN
    parts = Struct(dict, box.keys, tuple(lw.read(x) for x in box.items))
    value = lw.prim(
        dict, [parts], result=Map(elem, without_values(key)), display=True, **unset_among(parts)
    )
    if base.path:
        lw.change(base, value, node)
        return Loc(base.cell, base.path)
    lw.state.cells[base.cell] = value
    for k, x in zip(box.keys, box.items, strict=True):
        at = written(k)
        places.put_in(lw, base, (places.element_step(at),), x, node)
    lw.own_lists.add(base.cell)
    return Loc(base.cell)


def key_bound(key: Any) -> Bound:
    """A key of a dict of known keys, as it is looped over."""
    if isinstance(key, Identity):
        return Loc(key.cell)
    if isinstance(key, tuple):
        return Agg(tuple, tuple(range(len(key))), tuple(map(key_bound, key)))
    return Plain(Const(key))


def as_key(lw: Lowerer, a: Atom) -> Atom:
    """A tuple of any length, which is a list otherwise, as what it is: something that can be a key."""
    if isinstance(a, Struct) and a.type is tuple:
        return Struct(tuple, a.keys, tuple(as_key(lw, x) for x in a.items))
    k = kind(a)
    return lw.prim(tuple, [a], result=OTHER) if isinstance(k, Seq) and k.frozen else a


def kind_of_key(a: Atom) -> Kind:
    """The kind of what is got when a dict is looped over that has a key."""
    if isinstance(a, Struct):
        return Tree(a.type, a.keys, tuple(map(kind_of_key, a.items)))
    if isinstance(a, Val) and a.op is not None and a.op.fn is tuple and a.op.code == "prim":
        return kind(a.op.ins[0])
    return without_values(kind(a))


def written(key: Any) -> Atom:
    """A key that is known, as it is written."""
    return display(map(written, key)) if isinstance(key, tuple) else Const(key)


def without_values(k: Kind) -> Kind:
    return Scalar(k.dtype, k.weak) if isinstance(k, Scalar) else k


def stored(k: Map, index: Atom, value: Atom) -> Map:
    """The kind of a mapping after an entry was set."""
    ki, kv = kind_of_key(index), kind(value)
    elem = kv if k.elem == UNKNOWN and k.key == UNKNOWN else join(k.elem, kv)
    return Map(elem, ki if k.key == UNKNOWN else join(k.key, ki))


def contains(lw: Lowerer, box: Agg, item: Atom) -> Atom:
    """``item in {...}`` for an item known only at run time: the keys are enough."""
    if not box.keys:
        return Const(False)
    return lw.prim(operator.contains, [display(map(written, box.keys)), item], result=BOOL)


def keys_of(lw: Lowerer, value: Atom) -> Bound:
    k = kind(value)
    assert isinstance(k, Map)
    return lw.bind(lw.prim(ops.keys, [value], result=Seq(k.key)))


def method(
    lw: Lowerer, owner: Bound, atom: Atom, name: str, args: list[Bound], kwargs: dict[str, Bound], node: Any
) -> Bound:
    """A method of a dict whose keys are known only at run time."""
    if not isinstance(owner, Loc):
        lw.stop("method", "this dict has no name, so changing it has no effect", node)
    handler = _METHODS.get(name)
    if handler is None or kwargs:
        lw.stop("method", f"the dict method {name!r} is not supported here", node,
                note="the keys of this dict are known only at run time",
                help="use d[k], k in d, get, setdefault, pop, keys, values, items")  # fmt: skip
    return handler(lw, lw.moved_to(owner), atom, args, node)


def read(lw: Lowerer, text: str, given: dict[str, Bound], node: Any) -> Bound:
    """Read statements of ours, which set ``result_``, over ``given``."""
    tree = gast.parse(text if "\n" in text else f"result_ = {text}")
    for n in gast.walk(tree):
        for field in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
            if hasattr(n, field):
                setattr(n, field, None)  # (they get the place of the user's own expression)
    return lw.read_synthetic(node, tree.body, given, "result_", text)


def window(how: str) -> Any:
    """``d.items()`` and the like, of a dict of known keys."""

    def method(lw: Lowerer, owner: Bound, box: Agg, args: Any, kwargs: Any, node: Any) -> Bound:
        b = Window(how, owner) if isinstance(owner, Loc) else None
        return shown(box, how) if b is None or args or kwargs else b

    return method


def shown(box: Agg, how: str) -> Agg:
    """The keys, values or items of a dict of known keys."""
    keys = tuple(map(key_bound, box.keys))
    items = tuple(Agg(tuple, (0, 1), pair) for pair in zip(keys, box.items, strict=True))
    return Agg(tuple, tuple(range(len(keys))), {"keys": keys, "values": box.items, "items": items}[how])


def seen_through(lw: Lowerer, b: Window) -> Bound:
    box = lw.content(b.owner)
    if isinstance(box, Agg):
        return shown(box, b.how)
    owner = lw.moved_to(b.owner)
    return _METHODS[b.how](lw, owner, lw.read(owner), [], lw.node)


def by_key(lw: Lowerer, b: Window, node: Any) -> Bound:
    """A view to be looped over: each value is what the dict holds when the loop comes to its key."""
    box = lw.content(b.owner)
    if not isinstance(box, Agg) or b.how == "keys":
        return seen_through(lw, b)
    text = "lambda k: (k, d_[k])" if b.how == "items" else "lambda k: d_[k]"
    return Iter("map", (read(lw, text, {"d_": b.owner}, node), shown(box, "keys")))


def _items(lw: Lowerer, owner: Loc, atom: Atom, args: list[Bound], node: Any) -> Bound:
    """A view: each value is what the dict holds when the loop comes to its key."""
    return Iter("map", (read(lw, "lambda k: (k, d_[k])", {"d_": owner}, node), owner))


def _values(lw: Lowerer, owner: Loc, atom: Atom, args: list[Bound], node: Any) -> Bound:
    return Iter("map", (read(lw, "lambda k: d_[k]", {"d_": owner}, node), owner))


def _keys(lw: Lowerer, owner: Loc, atom: Atom, args: list[Bound], node: Any) -> Bound:
    return keys_of(lw, atom)


def _get(lw: Lowerer, owner: Loc, atom: Atom, args: list[Bound], node: Any) -> Bound:
    default = args[1] if len(args) > 1 else Plain(Const(None))
    given = {"d_": owner, "k_": args[0], "default_": default}
    return read(lw, "d_[k_] if k_ in d_ else default_", given, node)


def _setdefault(lw: Lowerer, owner: Loc, atom: Atom, args: list[Bound], node: Any) -> Bound:
    default = args[1] if len(args) > 1 else Plain(Const(None))
    given: dict[str, Bound] = {"d_": owner, "k_": args[0], "default_": default}
    return read(lw, "if k_ not in d_:\n    d_[k_] = default_\nresult_ = d_[k_]", given, node)


def _pop(lw: Lowerer, owner: Loc, atom: Atom, args: list[Bound], node: Any) -> Bound:
    if len(args) > 1:
        given = {"d_": owner, "k_": args[0], "default_": args[1]}
        return read(lw, "d_.pop(k_) if k_ in d_ else default_", given, node)
    key = lw.read(args[0], node)
    places.detach(lw, owner, key, node)
    value = lw.getitem(atom, key)
    remove(lw, owner, atom, key, node)
    return places.taken_out(lw, owner, value)


def _popitem(lw: Lowerer, owner: Loc, atom: Atom, args: list[Bound], node: Any) -> Bound:
    return read(lw, POPITEM, {"d_": owner}, node)


POPITEM = """
if not d_:
    raise KeyError('popitem(): dictionary is empty')
k_ = list(d_)[-1]
result_ = (k_, d_.pop(k_))
"""


def remove(lw: Lowerer, owner: Loc, atom: Atom, key: Atom, node: Any) -> None:
    """``del d[key]``."""
    places.detach(lw, owner, key, node)
    new = lw.prim(ops.without, [atom, key], result=kind(atom), hint=name_of(atom), user=True)
    lw.write(owner, new, node)


def _copy(lw: Lowerer, owner: Loc, atom: Atom, args: list[Bound], node: Any) -> Bound:
    return places.share_elements(lw, lw.bind(lw.prim(ops.copied, [atom], result=kind(atom))), owner)


def _update(lw: Lowerer, owner: Loc, atom: Atom, args: list[Bound], node: Any) -> Bound:
    return update(lw, owner, args[0], node)


def update(lw: Lowerer, owner: Bound, other: Bound, node: Any) -> Bound:
    """``d.update(other)`` of a dict whose keys are known only at run time."""
    given = {"d_": owner, "other_": other}
    return read(lw, "for k in other_:\n    d_[k] = other_[k]\nresult_ = None", given, node)


_METHODS: dict[str, Callable[..., Bound]] = {
    "items": _items, "values": _values, "keys": _keys, "get": _get, "setdefault": _setdefault, "pop": _pop,
    "popitem": _popitem, "copy": _copy, "update": _update,
}  # fmt: skip
