"""Calls of methods: of arrays, and of containers whose structure is known."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.backends import cupy_own, numpy_names
from srcdiff.frontend import (
    calls,
    displays,
    expressions,
    folds,
    generators,
    identity,
    joins,
    listing,
    lists,
    mappings,
    objects,
    opaque,
    operands,
    ruled,
    statements,
    texts,
    views,
)
from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.expressions import element, one_of, stored
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Args, Bound, Known, Kw, Loc, Plain, Step
from srcdiff.frontend.words import name_of
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Struct, Val, kind
from srcdiff.ir.indices import display
from srcdiff.ir.kinds import (
    BOOL,
    FLOAT,
    STR,
    UNKNOWN,
    Array,
    Kind,
    Map,
    Scalar,
    Seq,
    element_kind,
    is_active_kind,
    is_whole,
)
from srcdiff.ir.modules import on_device

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["method"]


SIGNS = {  # what methods of containers with special names stand for, by name and number of arguments
    ("__getitem__", 1): "out = x[a]", ("__len__", 0): "out = len(x)", ("__contains__", 1): "out = a in x",
}  # fmt: skip


def method(lw: Lowerer, owner: Bound, name: str, args: Args, kwargs: Kw, node: Any) -> Bound:
    sign = SIGNS.get((name, len(args))) if not kwargs else None
    if sign is not None and not joins.is_lazy(lw.state, owner):
        from srcdiff.frontend import higher

        return higher.written(lw, node, sign, {"x": owner, **dict(zip("a", args))})
    box = content(lw, owner)
    if isinstance(box, Agg):
        sort = box.type if box.type in (list, dict, tuple) else "namedtuple"
        handler = _CONTAINER_METHODS.get((sort, name))
        if handler is not None:
            return handler(lw, owner, box, args, kwargs, node)  # type: ignore[no-any-return]
        if box.type in (set, frozenset):
            return displays.set_method(lw, owner, box, name, args, node)
        lw.stop("method", f"the method {name!r} of {box.type.__name__} is not supported", node)
    if joins.is_lazy(lw.state, owner):
        return generators.method(lw, owner, name, args, node)  # type: ignore[arg-type]
    atom = lw.sure(lw.read(owner, node))
    k = kind(atom)
    if isinstance(k, Map):
        return mappings.method(lw, owner, atom, name, args, kwargs, node)
    if isinstance(k, Seq):
        return lists.method(lw, owner, atom, name, args, kwargs, node)
    if k == STR:
        return texts.method(lw, atom, name, args, kwargs, node)
    if isinstance(k, (Array, Scalar)) or k == UNKNOWN:
        return array_method(lw, owner, atom, name, args, kwargs, node)
    return unread_method(lw, atom, name, args, kwargs, node)


def unread_method(lw: Lowerer, atom: Atom, name: str, args: Args, kwargs: Kw, node: Any) -> Bound:
    """A method of a thing that carries no derivative (a generator of random numbers, a string, a file)."""
    from srcdiff.frontend import draws

    problem = lw.problem("no-rule", f"the method {name!r} is not known", node)
    result: Kind = UNKNOWN
    if draws.is_generator(lw, atom):
        result = draws.kind_of_draw(lw, name, args, kwargs, node)
        drawn = draws.draw(lw, Plain(atom), name, args, kwargs, node)
        if drawn is not None:
            return drawn
        problem = draws.refusal(lw, name, node) or problem
    atoms = [lw.read(a, node) for a in args] + [lw.read(v, node) for v in kwargs.values()]
    atoms = [mappings.as_key(lw, a) for a in atoms]
    if any(is_active_kind(kind(a)) and not isinstance(a, Const) for a in atoms) and not draws.is_generator(
        lw, atom
    ):
        lw.stop(
            "method",
            f"the method {name!r} of an object that is not known is given a number or an array",
            node,
            help="if it draws random numbers, make the generator in the function, or give example arguments",
        )
    if node is lw.discarded and any(isinstance(kind(a), (Array, Seq)) for a in atoms):
        lw.stop(
            "no-rule", f"the method {name!r} may change what it is given", node,
            note="what it belongs to is known only when the program runs",
            help="use a method that gives its result: rng.permutation(x) for rng.shuffle(x)",
        )  # fmt: skip
    names = ("", *("",) * len(args), *kwargs) if kwargs else ()
    fn, unread = ops.method_named(name), (name, problem)
    return Plain(lw.prim(fn, [atom, *atoms], names, result=result, method=name, unread=unread, text=name))


IN_PLACE: dict[str, Any] = {"sort": np.sort, "partition": np.partition}  # methods that change the array


def array_method(
    lw: Lowerer, owner: Bound, atom: Atom, name: str, args: Args, kwargs: Kw, node: Any
) -> Bound:
    if name == "item" and isinstance(k := kind(atom), (Array, Scalar)) and k.dtype[0] == "f":
        return Plain(lw.prim(float, [lw.read(one_item(lw, owner, k, args, node))], result=FLOAT))
    if name == "is_integer" and isinstance(kind(atom), Scalar):
        return Plain(lw.prim(float.is_integer, [atom], result=BOOL, method=name))
    if name == "fill" and isinstance(owner, Loc):
        lw.write(
            owner,
            lw.prim(
                ops.setitem,
                [atom, Const(...), lw.read(args[0])],
                result=kind(atom),
                hint=name_of(atom),
                user=True,
            ),
            node,
        )
        return Plain(Const(None))
    if name in IN_PLACE and isinstance(owner, Loc):
        atoms = [atom, *[lw.read(a, node) for a in args], *[lw.read(v, node) for v in kwargs.values()]]
        names = ("",) * (1 + len(args)) + tuple(kwargs) if kwargs else ()
        new = lw.prim(IN_PLACE[name], atoms, names, result=kind(atom), hint=name_of(atom))
        lw.write(owner, new, node)
        return Plain(Const(None))
    if name == "tolist" and isinstance(kind(atom), Array) and len(kind(atom).dims) == 1:  # type: ignore[union-attr]
        dtype = np.dtype(kind(atom).dtype)  # type: ignore[union-attr]
        if on_device():
            return lw.bind(lw.prim(list, [atom], result=Seq(element_kind(kind(atom).dtype))))  # type: ignore[union-attr]
        own = {"f": "f8", "c": "c16", "i": "i8", "u": "i8"}.get(dtype.kind, kind(atom).dtype)  # type: ignore[union-attr]
        return lw.bind(lw.prim(list, [atom], result=Seq(Scalar(own)), tolist=True))  # Python's own numbers
    if name == "tolist" and isinstance(kind(atom), Array) and len(kind(atom).dims) == 2:  # type: ignore[union-attr]
        from srcdiff.frontend import higher

        return higher.written(lw, node, "out = [row.tolist() for row in x]", {"x": owner})
    if name == "view" and not args and not kwargs and isinstance(kind(atom), Array):
        return views.view(lw, owner, Step(operator.getitem, (Const(...),)))
    if name == "flatten":
        order = [lw.read(a, node) for a in [*args, *kwargs.values()]]
        if order and order[0] in (Const("A"), Const("K")):
            flat = calls.call(lw, Known(np.ravel, "np.ravel"), [owner], {"order": Plain(order[0])}, node)
            return calls.call(lw, Known(np.copy, "np.copy"), [flat], {}, node)
        return lw.bind(lw.prim(np.ravel, [atom, *order], method="flatten"))
    if name in ("put", "compress"):  # (np.compress has the condition first)
        fn = getattr(np, name)
        first = [args[0], owner] if name == "compress" else [owner, args[0]]
        return calls.call_known(lw, fn, f"np.{name}", None, [*first, *args[1:]], kwargs, node)
    if name == "scatter_add":  # (CuPy's)
        return calls.call_known(lw, np.add.at, "np.add.at", None, [owner, *args], kwargs, node)
    fn = numpy_names.METHODS.get(name)
    if fn is None:
        if kind(atom) == UNKNOWN:
            return opaque.opaque_method(lw, atom, name, args, kwargs, node)
        said, to_do = cupy_own.METHODS.get(name, ("is not supported", ""))
        lw.stop("method", f"the array method {name!r} {said}", node, help=to_do)
    if name in numpy_names.VARARG_METHODS and args and not (len(args) == 1 and not is_index(lw, args[0])):
        items = tuple(args)
        args = [Agg(tuple, tuple(range(len(items))), items)]
    else:
        first, kwargs = operands.by_name(lw, fn, [owner, *args], kwargs)
        args = first[1:]
    if "out" in kwargs:
        return ruled.with_out(lw, fn, f"np.{name}", None, [owner, *args], kwargs, node)
    if lw.ctx.definitions(fn, 1 + len(args), kwargs):
        return calls.call_known(lw, fn, f"np.{fn.__name__}", None, [owner, *args], kwargs, node)
    return ruled.library(lw, fn, f"np.{fn.__name__}", [owner, *args], kwargs, node, method=name)


def one_item(lw: Lowerer, owner: Bound, k: Array | Scalar, args: Args, node: Any) -> Bound:
    """What ``x.item(*args)`` makes a number of Python of: an element."""
    if isinstance(k, Scalar) or (not args and not k.dims):
        return owner
    flat = calls.call(lw, Known(np.ravel, "np.ravel"), [owner], {}, node) if len(k.dims) > 1 else owner
    index = [lw.read(a, node) for a in args] or [Const(0)]
    if not args and any(d != 1 for d in k.dims):  # it raises unless there is one element
        return calls.call(lw, Known(np.squeeze, "np.squeeze"), [owner], {}, node)
    if len(index) == len(k.dims) > 1:
        flat, index = owner, [display(index)]
    if len(index) != 1 or not isinstance(index[0], (Const, Val, Struct)):
        lw.stop("method", "item(...) takes one index, or one for each dimension, here", node)
    return Plain(lw.getitem(lw.read(flat, node), index[0]))


def is_index(lw: Lowerer, b: Bound) -> bool:
    k = kind(lw.read(b))
    return is_whole(k)


def _list_append(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    items = (*box.items, stored(lw, args[0]))
    set_content(lw, owner, Agg(list, tuple(range(len(items))), items))
    return Plain(Const(None))


def _replace(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    unknown = [k for k in kwargs if k not in box.keys]
    if unknown or args:
        lw.stop("arguments", f"{box.type.__name__} has no field {', '.join(unknown)}", node)
    items = (stored(lw, kwargs[k]) if k in kwargs else x for k, x in zip(box.keys, box.items, strict=True))
    return Agg(box.type, box.keys, tuple(items))


def _asdict(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    return Loc(lw.state.new_cell(Agg(dict, box.keys, box.items)))


def set_content(lw: Lowerer, owner: Bound, agg: Agg) -> None:
    assert isinstance(owner, Loc)
    lw.change(owner, agg, lw.node)


def _list_extend(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    given, extra = listing.spread(lw, args[0], node)
    if extra is None:
        assert isinstance(owner, Loc)
        args = [given]
        return lists.of_any_length(lw, owner, box, "extend", args, node)
    items = (*box.items, *extra)
    set_content(lw, owner, Agg(list, tuple(range(len(items))), items))
    return Plain(Const(None))


def _list_pop(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    at = constant(lw.read(args[0])) if args else -1
    if not box.items:
        what = "this takes an element out of an empty list"
        expressions.raises(lw, IndexError("pop from empty list"), node, what)
    if not isinstance(at, int):
        return lists.of_any_length(lw, owner, box, "pop", args, node)
    items = list(box.items)
    if not -len(items) <= at < len(items):
        expressions.raises(lw, IndexError("pop index out of range"), node, f"index {at!r} is out of range")
    item = items.pop(at)
    return without(lw, owner, item, Agg(list, tuple(range(len(items))), tuple(items)))


def without(lw: Lowerer, owner: Bound, item: Bound, rest: Agg) -> Bound:
    """What has been taken out of a container, of which the rest is left."""
    held = lw.state.new_cell(Agg(tuple, (0,), (item,)))  # (where the item lives may change with it)
    set_content(lw, owner, rest)
    (item,) = lw.state.cells.pop(held).items
    return item


def _list_insert(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    at = constant(lw.read(args[0]))
    if not isinstance(at, int):
        return lists.of_any_length(lw, owner, box, "insert", args, node)
    items = list(box.items)
    items.insert(at, stored(lw, args[1]))
    set_content(lw, owner, Agg(list, tuple(range(len(items))), tuple(items)))
    return Plain(Const(None))


def _list_sort(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    new = folds.sort(lw, owner, kwargs, node)
    assert isinstance(new, Loc) and isinstance(owner, Loc)
    lw.change(owner, lw.state.cells[new.cell], node)
    return Plain(Const(None))


def _list_find(name: str) -> Any:
    """``index``, ``count``, ``remove``: settled now where all is known."""

    def handler(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
        members = objects.places_of(lw, box, args[0], node)
        if members is None or len(args) > 1:
            return lists.of_any_length(lw, owner, box, name, args, node)
        if name == "count":
            return Plain(Const(len(members)))
        if not members:
            error = ValueError("the value is not in the list")
            expressions.raises(lw, error, node, "this is not in the list")
        if name == "index":
            return Plain(Const(members[0]))
        items = (*box.items[: members[0]], *box.items[members[0] + 1 :])
        set_content(lw, owner, Agg(list, tuple(range(len(items))), items))
        return Plain(Const(None))

    return handler


def _list_reverse(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    set_content(lw, owner, Agg(list, box.keys, box.items[::-1]))
    return Plain(Const(None))


def _list_copy(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    return Loc(lw.state.new_cell(Agg(box.type, box.keys, box.items)))


def _dict_get(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    key = identity.key_of(lw, owner, args[0], node)
    if is_constant(key) and constant(key) in box.keys:
        return element(lw, box, key, node)
    if is_constant(key):
        return args[1] if len(args) > 1 else Plain(Const(None))
    if not all(expressions.is_value(lw, x) for x in box.items):
        return one_of(lw, box, key, args[1] if len(args) > 1 else Plain(Const(None)))
    if not box.keys:
        return args[1] if len(args) > 1 else Plain(Const(None))
    return method(lw, mappings.as_mapping(lw, owner, box, node), "get", args, kwargs, node)


def _dict_setdefault(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    key = identity.key_of(lw, owner, args[0], node)
    if not is_constant(key):
        if not box.keys and len(args) > 1:
            statements.store(lw, owner, key, args[1], node)
            return args[1]
        return method(lw, mappings.as_mapping(lw, owner, box, node), "setdefault", args, kwargs, node)
    if constant(key) not in box.keys:
        value = stored(lw, args[1]) if len(args) > 1 else Plain(Const(None))
        set_content(lw, owner, Agg(dict, (*box.keys, constant(key)), (*box.items, value)))
        return value
    return element(lw, box, key, node)


def _dict_pop(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    key = identity.key_of(lw, owner, args[0], node)
    if not is_constant(key):
        return method(lw, mappings.as_mapping(lw, owner, box, node), "pop", args, kwargs, node)
    if constant(key) not in box.keys and len(args) > 1:
        return args[1]
    value = element(lw, box, key, node)
    rest = [(k, x) for k, x in zip(box.keys, box.items, strict=True) if k != constant(key)]
    return without(lw, owner, value, Agg(dict, tuple(k for k, _ in rest), tuple(x for _, x in rest)))


def _dict_popitem(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    if not box.keys:
        expressions.raises(lw, KeyError("popitem(): dictionary is empty"), node, "the dict is empty", "key")
    key, value = box.keys[-1], box.items[-1]
    value = without(lw, owner, value, Agg(dict, box.keys[:-1], box.items[:-1]))
    return Agg(tuple, (0, 1), (mappings.key_bound(key), value))


def _clear(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    set_content(lw, owner, Agg(box.type, (), ()))
    return Plain(Const(None))


def _dict_update(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    for a in args:
        other, box = content(lw, a), content(lw, owner)
        if isinstance(other, Agg) and isinstance(box, Agg):
            merged = {k: x for d in (box, other) for k, x in zip(d.keys, d.items, strict=True)}
            set_content(lw, owner, Agg(dict, tuple(merged), tuple(merged.values())))
        elif listing.is_mapping(lw, a):
            mappings.update(lw, owner, a, node)
        else:
            lw.stop("key", "the keys of this dict are not known", node)
    for k, v in kwargs.items():
        listing.put_item(lw, owner, Const(k), stored(lw, v), node)
    return Plain(Const(None))


_CONTAINER_METHODS: dict[Any, Any] = {
    (list, "append"): _list_append, (list, "extend"): _list_extend, (list, "pop"): _list_pop,
    (list, "insert"): _list_insert, (list, "reverse"): _list_reverse, (list, "copy"): _list_copy,
    (dict, "copy"): _list_copy, **{(dict, how): mappings.window(how) for how in ("items", "keys", "values")},
    (dict, "setdefault"): _dict_setdefault, (dict, "pop"): _dict_pop, (dict, "clear"): _clear,
    (dict, "popitem"): _dict_popitem,
    (list, "clear"): _clear, ("namedtuple", "_replace"): _replace, ("namedtuple", "_asdict"): _asdict,
    (list, "sort"): _list_sort, (list, "index"): _list_find("index"), (list, "count"): _list_find("count"),
    (list, "remove"): _list_find("remove"), (tuple, "index"): _list_find("index"),
    (tuple, "count"): _list_find("count"),
    (dict, "get"): _dict_get, (dict, "update"): _dict_update,
}  # fmt: skip
