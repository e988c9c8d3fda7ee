"""Iterables as lists, tuples and dicts; ranges as values."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.frontend import (
    headers,
    iterators,
    known_items,
    mappings,
    objects,
    places,
    producers,
    views,
)
from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.expressions import element, stored
from srcdiff.frontend.generators import load, store
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Args, Bound, Iter, Kw, Loc, Method, Plain, Step
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, kind, same
from srcdiff.ir.kinds import OTHER, UNKNOWN, Array, Map, Scalar, Seq, Tree, fresh_sym

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer


FEW = 16  # rows of an array that are named one by one


# ---- iterables as lists --------------------------------------------------------------------------------


def is_iterator(lw: Lowerer, b: Bound) -> bool:
    """Whether a bound is no sequence: it must be looped over to be known."""
    if isinstance(b, Iter):
        return b.kind != "range"
    b = objects.opened(lw, b, None)
    box = content(lw, b)
    return (isinstance(b, Loc) and isinstance(lw.state.cells.get(b.cell), Iter)) or (
        isinstance(box, Agg)
        and not (isinstance(box.type, type) and issubclass(box.type, (tuple, list, dict, set, frozenset)))
    )


def listed(lw: Lowerer, it: Bound, node: Any) -> Bound:
    """``list(it)``."""
    first = gast.Assign([store("out_")], gast.List([], gast.Load()), None)
    push = gast.Expr(gast.Call(gast.Attribute(load("out_"), "append", gast.Load()), [load("item")], []))
    loop = gast.For(store("item"), load("seq"), [push], [], None)
    return lw.read_synthetic(node, [first, loop], {"seq": it}, "out_", "list")


def sequence(lw: Lowerer, it: Bound, node: Any) -> Bound:
    """Something with a length and an index, for functions that take all items at once."""
    it = objects.opened(lw, it, node)
    if isinstance(it, Iter) or is_iterator(lw, it):
        return listed(lw, it, node)
    box = content(lw, it)
    if isinstance(box, Agg) and box.type is dict:
        return Agg(tuple, tuple(range(len(box.keys))), tuple(map(mappings.key_bound, box.keys)))
    if isinstance(box, Loc) and isinstance(kind(value := lw.read(box, node)), Map):
        return mappings.keys_of(lw, value)
    return it


def spread(lw: Lowerer, it: Bound, node: Any) -> tuple[Bound, list[Bound] | None]:
    """A sequence of all items (an iterator is used up), and the items where their number is known."""
    it = sequence(lw, it, node)
    return it, known_items.fixed_items(lw, it, node)


def columns(lw: Lowerer, rows: Bound, node: Any) -> Bound | None:
    """What ``zip(*rows)`` gives: the columns."""
    a = lw.read(sequence(lw, rows, node), node)
    k = kind(a)
    seq = lw.bind(a)
    rows_of_any_length = isinstance(k, Seq) and (isinstance(k.elem, Seq) or k.elem == UNKNOWN)
    if rows_of_any_length or (isinstance(k, Array) and len(k.dims) == 2):
        return producers.text(lw, iterators.turned, [seq], {}, node)
    if not isinstance(k, Seq) or not isinstance(k.elem, Tree) or k.elem.type is dict:
        return None
    columns_ = [
        listed(lw, producers.text(lw, iterators.column, [seq, Plain(Const(n))], {}, node), node)
        for n in range(len(k.elem.items))
    ]
    return make_tuple(columns_)


def make_list(items: list[Bound], lw: Lowerer) -> Bound:
    return Loc(lw.state.new_cell(Agg(list, tuple(range(len(items))), tuple(items))))


def make_tuple(items: Any) -> Agg:
    return Agg(tuple, tuple(range(len(items))), tuple(items))


def item_at(lw: Lowerer, seq: Bound, index: Atom, node: Any) -> Bound:
    """``seq[index]``, of something that can be indexed."""
    box = content(lw, seq)
    if isinstance(seq, Iter):
        return range_item(lw, seq, index, node)
    if isinstance(box, Agg):
        return element(lw, box, index, node)
    if isinstance(seq, Loc):
        return views.view(lw, seq, Step(operator.getitem, (index,)))
    return lw.bind(lw.getitem(lw.read(seq), index))


def _list(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    if not args:
        return make_list([], lw)
    it = objects.opened(lw, args[0], node)
    if isinstance(it, Iter) or is_iterator(lw, it):
        return listed(lw, it, node)
    fixed = known_items.fixed_items(lw, it, node)
    fixed = rows_in(lw, it, node) if fixed is None else fixed
    if fixed is not None:
        return make_list(fixed, lw)
    a = lw.read(sequence(lw, it, node), node)
    k = kind(a)
    if isinstance(kind(lw.read(it, node)), Map):
        return lw.bind(a)  # its keys: a list made just now
    if isinstance(k, Seq):
        return places.share_elements(lw, lw.bind(lw.prim(list, [a], result=Seq(k.elem))), it)
    return listed(lw, it, node)


def rows_in(lw: Lowerer, it: Bound, node: Any) -> list[Bound] | None:
    """The rows of an array that has few of them, and always as many; in rules, where this is known."""
    if not lw.frame.static:
        return None
    a = lw.read(it, node)
    k = kind(a)
    if not isinstance(k, Array) or not k.dims or not isinstance(k.dims[0], int) or k.dims[0] > FEW:
        return None
    return [lw.bind(lw.getitem(a, Const(n))) for n in range(k.dims[0])]


def call_list(lw: Lowerer, it: Bound, node: Any) -> Bound:
    """``list(it)``, of any sort."""
    got = _list(lw, [it], {}, node)
    return got if got is not None else listed(lw, it, node)


def _tuple(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    if not args:
        return make_tuple(())
    seq, fixed = spread(lw, args[0], node)
    fixed = rows_in(lw, seq, node) if fixed is None else fixed
    if fixed is not None:
        return make_tuple(fixed)
    a = lw.read(_list(lw, [seq], kwargs, node) or seq, node)
    k = kind(a)
    if not isinstance(k, Seq):
        lw.stop("iterate", "a tuple cannot be made of this", node)
    return places.share_elements(lw, lw.bind(lw.prim(list, [a], result=Seq(k.elem, frozen=True))), seq)


def _dict(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    """``dict(other, name=value)``: the entries of ``other``, or its pairs, one by one."""
    made = Loc(lw.state.new_cell(Agg(dict, (), ())))
    for a in args:
        a = objects.opened(lw, a, node)
        box = content(lw, a)
        known = isinstance(box, Agg) and box.type is dict
        if known or (not isinstance(box, Agg) and is_mapping(lw, a)):
            lw.call(Method(made, "update"), [a], {}, node)
            continue
        entry = gast.Tuple([store("key_"), store("value_")], gast.Store())
        place = gast.Subscript(load("made_"), load("key_"), gast.Store())
        loop = gast.For(entry, load("pairs_"), [gast.Assign([place], load("value_"), None)], [], None)
        lw.read_synthetic(node, [loop], {"made_": made, "pairs_": a}, "made_", "dict")
    for k, v in kwargs.items():
        put_item(lw, made, Const(k), stored(lw, v), node)
    return made


def is_mapping(lw: Lowerer, b: Bound) -> bool:
    """Whether a bound is a dict whose keys are known only at run time."""
    return isinstance(lw.settled(b), Loc) and not is_iterator(lw, b) and isinstance(kind(lw.read(b)), Map)


def put_item(lw: Lowerer, box: Bound, key: Atom, value: Bound, node: Any) -> None:
    from srcdiff.frontend.statements import store as put

    put(lw, box, key, value, node)


# ---- ranges as values ----------------------------------------------------------------------------------


def range_item(lw: Lowerer, r: Iter, index: Atom, node: Any) -> Bound:
    """``range(...)[index]``."""
    start, stop, step = parts = headers.range_parts(r)
    if not isinstance(kind(index), Scalar):
        lw.stop(
            "index", "a range cannot be sliced here", node,
            help="make it a list first, or write the range out",
        )  # fmt: skip
    if lw.frame.ours:  # our texts count from zero, up to what there is
        by = index if same(step, Const(1)) else lw.prim(operator.mul, [step, index])
        return Plain(by if same(start, Const(0)) else lw.prim(operator.add, [start, by]))
    if all(map(is_constant, (*parts, index))):
        numbers = range(constant(start), constant(stop), constant(step))
        if -len(numbers) <= constant(index) < len(numbers):
            return Plain(Const(numbers[constant(index)]))
    whole = lw.prim(range, list(r.parts), result=OTHER)
    return Plain(lw.prim(operator.getitem, [whole, index], result=Scalar("i8", True, fresh_sym()), view=True))


def range_length(lw: Lowerer, r: Iter, node: Any) -> Atom:
    """``len(range(...))``: never below zero."""
    n = headers.leaf_length(lw, r, node)
    assert n is not None
    if isinstance(n, Const):
        return Const(max(n.value, 0))
    if n.op is not None and n.op.fn in (len, ops.shape_at):  # type: ignore[union-attr]
        return n
    return lw.prim(max, [n, Const(0)], result=Scalar("i8", True, fresh_sym()))


def range_contains(lw: Lowerer, r: Iter, item: Bound, node: Any) -> Atom:
    start, stop, step = headers.range_parts(r)
    if not isinstance(kind(lw.read(item)), Scalar):
        return Const(False)
    if same(step, Const(1)):
        fn: Any = iterators.between
        return lw.read(producers.text(lw, fn, [item, Plain(start), Plain(stop)], {}, node))
    return lw.read(
        producers.text(lw, iterators.within, [item, Plain(start), Plain(stop), Plain(step)], {}, node)
    )


FUNCTIONS: dict[Any, Any] = {list: _list, tuple: _tuple, dict: _dict}
