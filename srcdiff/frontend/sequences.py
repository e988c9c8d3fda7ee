"""Python's functions on iterables, and itertools: each by what it gives, or as a text read in its place."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gast
import numpy as np

from srcdiff.frontend import (
    generators,
    headers,
    heaps,
    iteration,
    iterators,
    known_items,
    mappings,
    objects,
    places,
    producers,
    views,
)
from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.expressions import binary, content, element, stored, truth
from srcdiff.frontend.scope import Agg, Args, Bound, Iter, Known, Kw, Loc, Method, Plain, Step
from srcdiff.frontend.trial import Trial
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Struct, kind, same
from srcdiff.ir.kinds import (
    BOOL,
    INT,
    OTHER,
    UNKNOWN,
    Array,
    Map,
    Scalar,
    Seq,
    Tree,
    fresh_sym,
    is_active_kind,
)

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["FUNCTIONS", "listed", "range_contains", "range_item", "sort", "spread", "sum_of"]

FEW = 16  # rows of an array that are named one by one
load, store = generators.load, generators.store


# ---- iterables as lists --------------------------------------------------------------------------------


def synthetic(
    lw: Lowerer, node: Any, stmts: list[Any], given: dict[str, Bound], result: str, tag: str
) -> Bound:
    """Read statements made here, in a scope of their own."""
    from srcdiff.frontend.entering import synthetic as read

    return read(lw, node, stmts, given, result, tag)


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
    return synthetic(lw, node, [first, loop], {"seq": it}, "out_", "list")


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
    fixed = known_items.fixed_items(lw, it, node) or rows_in(lw, it, node)
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
    fixed = fixed or rows_in(lw, seq, node)
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
        synthetic(lw, node, [loop], {"made_": made, "pairs_": a}, "made_", "dict")
    for k, v in kwargs.items():
        put_item(lw, made, Const(k), stored(lw, v), node)
    return made


def is_mapping(lw: Lowerer, b: Bound) -> bool:
    """Whether a bound is a dict whose keys are known only at run time."""
    return isinstance(lw.settled(b), Loc) and not is_iterator(lw, b) and isinstance(kind(lw.read(b)), Map)


def put_item(lw: Lowerer, box: Bound, key: Atom, value: Bound, node: Any) -> None:
    from srcdiff.frontend.statements import store as put

    put(lw, box, key, value, node)


# ---- things to loop over -------------------------------------------------------------------------------


def _range(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    parts = tuple(lw.read(a, node) for a in args)
    if not 1 <= len(parts) <= 3:
        lw.stop("arguments", "range() takes one to three numbers", node)
    return Iter("range", parts)


def _zip(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    strict = "strict" in kwargs and constant(lw.read(kwargs["strict"])) is True
    if len({b.cell for b in args if isinstance(b, Loc) and is_iterator(lw, b)}) < sum(
        isinstance(b, Loc) and is_iterator(lw, b) for b in args
    ):
        lw.stop(
            "iterator",
            "one iterator is given to zip() twice",
            node,
            help="take slices of a list: zip(xs[::2], xs[1::2])",
        )
    return known_items.lazy(lw, "zip", strict, *args)


def _enumerate(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    start = kwargs.get("start", args[1] if len(args) > 1 else Plain(Const(0)))
    return known_items.lazy(lw, "enumerate", args[0], start)


def _reversed(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    args = [objects.opened(lw, args[0], node)]
    if is_iterator(lw, args[0]):
        box = content(lw, args[0])
        if isinstance(box, Agg) and hasattr(box.type, "__reversed__"):
            return lw.call(_attribute(lw, args[0], "__reversed__", node), [], {}, node)
        lw.stop("iterate", "an iterator cannot be reversed", node, help="make a list of it first")
    return known_items.lazy(lw, "reversed", args[0])


def _attribute(lw: Lowerer, b: Bound, name: str, node: Any) -> Bound:
    from srcdiff.frontend.expressions import attribute

    return attribute(lw, b, name, node)


def _map(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    return known_items.lazy(lw, "map", *args)


def _text(fn: Any, plain: Any = None) -> Callable[..., Bound]:
    """A function read as the text ``fn``; as ``plain``, without its first argument, where that is None."""

    def handler(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
        if plain is not None and is_none(args[0]):
            return producers.text(lw, plain, args[1:], kwargs, node)
        return producers.text(lw, fn, args, kwargs, node)

    return handler


def is_none(b: Bound | None) -> bool:
    return b is None or (isinstance(b, Plain) and isinstance(b.atom, Const) and b.atom.value is None)


def _iter(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    if len(args) > 1:
        lw.stop(
            "iterator",
            "iter() with a sentinel is not supported",
            node,
            help="write it as while True, with a break",
        )
    it = objects.opened(lw, args[0], node)
    if isinstance(it, Iter):
        return known_items.lazy(lw, it.kind, *it.parts)
    box = content(lw, it)
    if known_items.is_cursor(box):
        return it
    if is_iterator(lw, it):
        if isinstance(box, Agg):
            own = known_items.protocol(lw, it, box, node)
            assert own is not None
            return _iter(lw, [own], {}, node)
        return it
    seq = sequence(lw, it, node)
    if isinstance(seq, Plain):  # text
        fixed = known_items.fixed_items(lw, seq, node)
        if fixed is None:
            lw.stop("iterator", "this cannot be iterated over", node)
        seq = make_tuple(fixed)
    return Loc(lw.state.new_cell(known_items.cursor(seq)))


def _next(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    it = args[0]
    value = next_of(lw, it, node, args[1] if len(args) > 1 else None)
    if value is None:
        lw.stop("iterator", "this iterator has no further value here: next() raises StopIteration", node)
    return value


def next_of(lw: Lowerer, it: Bound, node: Any, default: Bound | None) -> Bound | None:
    """The next value of an iterator, which is moved on; None if there is none for certain."""
    box = content(lw, it)
    if known_items.is_cursor(box):
        assert isinstance(it, Loc)
        return next_item(lw, it, box, node, default)
    state = lw.state.cells.get(it.cell) if isinstance(it, Loc) else None
    if not isinstance(it, Loc) or not isinstance(state, Iter):
        lw.stop(
            "iterator", "next() is given something that is not an iterator", node, help="use next(iter(...))"
        )
    if state.kind == "left":
        lw.stop(
            "iterator", "how far this iterator has come is known only at run time", node, note=state.parts[0]
        )
    trial = Trial(lw)
    try:
        value, lw.state.cells[it.cell] = advanced(lw, state, node)
    except generators.Unknown:
        trial.undo()
        return first_found(lw, it, node, default)
    return default if value is None else value


def first_found(lw: Lowerer, it: Loc, node: Any, default: Bound | None) -> Bound:
    """The next value of an iterator by a loop that it ends."""
    inline = isinstance(node, gast.Call) and node.args and isinstance(node.args[0], gast.GeneratorExp)
    again = None if inline else iteration.resumable(lw, it, node)
    if default is None:
        value = producers.text(lw, iterators.first_of, [it], {}, node)
    else:
        value = producers.text(lw, iterators.first_or, [it, default], {}, node)
    why = "next() has gone on to a value found at run time"
    lw.state.cells[it.cell] = again or Iter("left", (why,))
    return value


def next_item(lw: Lowerer, it: Loc, box: Agg, node: Any, default: Bound | None) -> Bound | None:
    seq, (at,) = box.type.seq, box.items
    place = lw.read(at)
    known = content(lw, seq)
    if isinstance(known, Agg) and is_constant(place):
        if constant(place) >= len(known.items):
            return default
        lw.state.cells[it.cell] = Agg(box.type, box.keys, (Plain(Const(constant(place) + 1)),))
        return known.items[constant(place)]  # type: ignore[no-any-return]
    if default is None and any(a.catches(StopIteration) for a in lw.attempts):
        return producers.text(lw, iterators.next_in, [it, seq], {}, node)
    after = Plain(lw.prim(operator.add, [place, Const(1)]))
    if default is None:
        lw.state.cells[it.cell] = Agg(box.type, box.keys, (after,))
        return item_at(lw, seq, place, node)
    size = headers.leaf_length(lw, seq, node)
    assert size is not None
    more = lw.prim(operator.lt, [place, size], result=BOOL)

    def take() -> Bound:
        return make_tuple((item_at(lw, seq, place, node), after))

    got = content(lw, lw.choose(more, take, lambda: make_tuple((default, at)), node, "if"))
    lw.state.cells[it.cell] = Agg(box.type, box.keys, (got.items[1],))
    return got.items[0]  # type: ignore[no-any-return]


def advanced(lw: Lowerer, it: Iter, node: Any) -> tuple[Bound | None, Iter]:
    """The next value of what an iterator describes, and the description behind it."""
    match it.kind:
        case "generator" | "genexp" | "suspended":
            return generators.step(lw, it, node)
        case "spent":
            return None, it
        case "count":
            first, by = it.parts
            return Plain(first), Iter("count", (lw.prim(operator.add, [first, by]), by))
        case "repeat" if it.parts[1] is None:
            return it.parts[0], it
        case "range" if all(is_constant(a) for a in it.parts):
            r = range(*(constant(a) for a in it.parts))
            rest = r[1:]
            after = Iter("range", (Const(rest.start), Const(rest.stop), Const(rest.step)))
            return (Plain(Const(r[0])), after) if len(r) else (None, Iter("spent", ()))
        case "zip" | "map" | "enumerate":
            skip = 0 if it.kind == "enumerate" else 1
            count = 1 if it.kind == "enumerate" else len(it.parts) - 1
            parts = [_iter(lw, [p], {}, node) for p in it.parts[skip : skip + count]]
            values = []
            for p in parts:
                v = next_of(lw, p, node, None)
                if v is None:
                    return None, Iter("spent", ())
                values.append(v)
            if it.kind == "map":
                return stored(lw, lw.call(it.parts[0], values, {}, node)), Iter("map", (it.parts[0], *parts))
            if it.kind == "zip":
                return make_tuple(values), Iter("zip", (it.parts[0], *parts))
            n = lw.read(it.parts[1])
            after = Iter("enumerate", (parts[0], Plain(lw.prim(operator.add, [n, Const(1)]))))
            return make_tuple((Plain(n), values[0])), after
    lw.stop(
        "iterator", f"next() of this {it.kind} object is not supported", node,
        help="loop over it, or make a list of it",
    )  # fmt: skip


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


# ---- sums, extremes, tests -----------------------------------------------------------------------------


def _sum(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    start = kwargs.get("start", args[1] if len(args) > 1 else Plain(Const(0)))
    items = known_items.fixed_items(lw, args[0], node)
    if items is not None:
        total = start
        for item in items:
            zero = total is start and isinstance(total, Plain) and isinstance(total.atom, Const)
            if zero and total.atom.value == 0:  # type: ignore[union-attr]
                total = item
            else:
                total = binary(lw, operator.add, total, item, node)
        return total
    first = gast.Assign([store("total")], load("start"), None)
    add = gast.Assign([store("total")], gast.BinOp(load("total"), gast.Add(), load("item")), None)
    loop = gast.For(store("item"), load("seq"), [add], [], None)
    return synthetic(lw, node, [first, loop], {"seq": args[0], "start": start}, "total", "sum")


def sum_of(lw: Lowerer, node: Any) -> Bound:
    """``sum(e for t in it if c)``: the loop it stands for."""
    gen = node.args[0]
    added = gast.BinOp(load("total_"), gast.Add(), gen.elt)
    body: list[Any] = [gast.Assign([store("total_")], added, None)]
    for g in reversed(gen.generators):
        for c in reversed(g.ifs):
            body = [gast.If(c, body, [])]
        body = [gast.For(g.target, g.iter, body, [], None)]
    start = lw.expr(node.args[1]) if len(node.args) > 1 else Plain(Const(0))
    return synthetic(lw, node, body, {"total_": start}, "total_", "sum")


def _minmax(fn: Any) -> Any:
    place = iterators.best_place if fn is max else iterators.least_place

    def handler(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
        key = kwargs.get("key")
        key = None if is_none(key) else key
        if len(args) > 1:
            return extreme(lw, fn, list(args), key, node)
        seq, fixed = spread(lw, args[0], node)
        if fixed is not None:
            if not fixed and "default" in kwargs:
                return kwargs["default"]
            if not fixed:
                lw.stop(
                    "arguments",
                    f"{fn.__name__}() of nothing",
                    node,
                    help=f"give it a default: {fn.__name__}(xs, default=...)",
                )
            return extreme(lw, fn, fixed, key, node)

        def best() -> Bound:
            if key is None:
                return reduce_sequence(lw, fn, seq, node)
            keys = listed(lw, Iter("map", (key, seq)), node)
            at = producers.text(lw, place, [keys], {}, node)
            return lw.freeze(item_at(lw, seq, lw.read(at), node))

        if "default" not in kwargs:
            return best()
        size = headers.leaf_length(lw, seq, node)
        assert size is not None
        some = lw.prim(operator.gt, [size, Const(0)], result=BOOL)
        return lw.choose(some, best, lambda: kwargs["default"], node, "if")

    return handler


def extreme(lw: Lowerer, fn: Any, items: list[Bound], key: Bound | None, node: Any) -> Bound:
    """The first of the largest (or smallest) of some items."""
    if key is None and all(isinstance(content(lw, b), (Plain, Loc)) for b in items):
        atoms = [lw.read(b, node) for b in items]
        if not any(is_active_kind(kind(a)) for a in atoms):
            return Plain(lw.prim(fn, atoms)) if len(atoms) > 1 else items[0]
        best = items[0]
        for other in items[1:]:
            best = pick(lw, fn, best, other, node)
        return best
    values = [lw.call(key, [b], {}, node) for b in items] if key is not None else items
    best, value = items[0], values[0]
    for b, v in zip(items[1:], values[1:], strict=True):
        test = lw.prim(operator.gt if fn is max else operator.lt, [lw.read(v), lw.read(value)], result=BOOL)
        if isinstance(test, Const):
            best, value = (b, v) if test.value else (best, value)
            continue
        new, old = make_tuple((b, v)), make_tuple((best, value))
        both = content(lw, lw.choose(test, lambda x=new: x, lambda x=old: x, node, "if"))  # type: ignore[misc]
        best, value = both.items
    return best


def pick(lw: Lowerer, fn: Any, best: Bound, other: Bound, node: Any) -> Bound:
    """Python's ``max(a, b)``: ``b if b > a else a``."""
    a, b = lw.read(best, node), lw.read(other, node)
    if not is_active_kind(kind(a)) and not is_active_kind(kind(b)):
        return Plain(lw.prim(fn, [a, b]))
    test = lw.prim(operator.gt if fn is max else operator.lt, [b, a], result=BOOL)
    if isinstance(test, Const):
        return other if test.value else best
    return lw.choose(test, lambda: other, lambda: best, node, "if")


def reduce_sequence(lw: Lowerer, fn: Any, seq: Bound, node: Any) -> Bound:
    """min or max over a sequence, as the loop that Python runs."""
    test = gast.Compare(load("x"), [gast.Gt() if fn is max else gast.Lt()], [load("best")])
    body = [gast.If(test, [gast.Assign([store("best")], load("x"), None)], [])]
    first = gast.Assign(
        [store("best")], gast.Subscript(load("seq"), gast.Constant(0, None), gast.Load()), None
    )
    rest = gast.Subscript(load("seq"), gast.Slice(gast.Constant(1, None), None, None), gast.Load())
    loop = gast.For(store("x"), rest, body, [], None)
    return synthetic(lw, node, [first, loop], {"seq": seq}, "best", "reduce")


def _tests(is_and: bool) -> Any:
    fn = iterators.all_of if is_and else iterators.any_of

    def handler(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
        items = known_items.fixed_items(lw, args[0], node)
        if items is None:
            return producers.text(lw, fn, args, {}, node)

        def rest(k: int) -> Bound:
            if k == len(items):
                return Plain(Const(is_and))
            known = truth(lw, items[k])
            if known is not None:
                return rest(k + 1) if known == is_and else Plain(Const(not is_and))
            a = lw.read(items[k], node)
            a = a if kind(a) == BOOL else lw.prim(bool, [a], result=BOOL)
            if k == len(items) - 1:
                return Plain(a)
            stop = lambda: Plain(Const(not is_and))  # noqa: E731
            go = lambda: rest(k + 1)  # noqa: E731
            return lw.choose(a, go, stop, node, "and") if is_and else lw.choose(a, stop, go, node, "or")

        return rest(0)

    return handler


def _reduce(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    fn, it, *initial = args
    initial += [kwargs["initial"]] if "initial" in kwargs else []
    items = known_items.fixed_items(lw, it, node)
    if items is not None:
        items = [*initial, *items]
        if not items:
            lw.stop("arguments", "reduce() of nothing needs an initial value", node)
        total = items[0]
        for item in items[1:]:
            total = stored(lw, lw.call(fn, [total, item], {}, node))
        return total
    if not initial:
        it = sequence(lw, it, node)
    step = gast.Assign([store("acc_")], gast.Call(load("f_"), [load("acc_"), load("item")], []), None)
    seq: Any = load("seq")
    given = {"f_": fn, "seq": it}
    stmts: list[Any] = []
    if initial:
        given["acc_"] = initial[0]
    else:
        stmts.append(
            gast.Assign([store("acc_")], gast.Subscript(seq, gast.Constant(0, None), gast.Load()), None)
        )
        seq = gast.Subscript(load("seq"), gast.Slice(gast.Constant(1, None), None, None), gast.Load())
    stmts.append(gast.For(store("item"), seq, [step], [], None))
    return synthetic(lw, node, stmts, given, "acc_", "reduce" if initial else "reduce_first")


# ---- sorting -------------------------------------------------------------------------------------------


def _sorted(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    return sort(lw, sequence(lw, args[0], node), kwargs, node)


def sort(lw: Lowerer, seq: Bound, kwargs: Kw, node: Any) -> Bound:
    """A new list, sorted: its items by a permutation that is known only at run time."""
    key = kwargs.get("key")
    backwards = kwargs.get("reverse")
    flag = lw.read(backwards) if backwards is not None else Const(False)
    fixed = known_items.fixed_items(lw, seq, node)
    if fixed is not None:
        values = fixed if is_none(key) else [lw.call(key, [b], {}, node) for b in fixed]  # type: ignore[arg-type]
        keys = deciding(lw, values)
        if keys is not None and is_constant(flag):
            order = sorted(range(len(keys)), key=keys.__getitem__, reverse=bool(constant(flag)))
            return make_list([fixed[k] for k in order], lw)
        atoms = [lw.read(v, node) for v in values]
        whole: Atom = Struct(list, tuple(range(len(atoms))), tuple(atoms))
        order_ = lw.prim(ops.order, [whole, flag], result=Seq(INT))
        box = make_tuple(fixed)
        at = [lw.prim(operator.getitem, [order_, Const(k)], result=INT) for k in range(len(fixed))]
        return make_list([element(lw, box, k, node) for k in at], lw)
    if isinstance(seq, Iter):
        seq = listed(lw, seq, node)
    keys_ = seq if is_none(key) else listed(lw, Iter("map", (key, seq)), node)
    order_ = lw.prim(ops.order, [lw.read(keys_), flag], result=Seq(INT))
    return listed(lw, producers.text(lw, iterators.picked, [seq, lw.bind(order_)], {}, node), node)


def deciding(lw: Lowerer, values: list[Bound]) -> list[Any] | None:
    """Constants by which values are sorted: they themselves, or the first items of tuples, all different."""
    boxes = [content(lw, v) for v in values]
    if all(isinstance(b, Plain) and is_constant(b.atom) for b in boxes):
        return [constant(b.atom) for b in boxes]
    firsts = [content(lw, b.items[0]) for b in boxes if isinstance(b, Agg) and b.type is tuple and b.items]
    if len(firsts) < len(boxes) or not all(isinstance(b, Plain) and type(b.atom) is Const for b in firsts):
        return None
    keys = [constant(b.atom) for b in firsts]
    return keys if len(set(keys)) == len(keys) else None


# ---- itertools -----------------------------------------------------------------------------------------


def ahead(lw: Lowerer, it: Bound, node: Any) -> Bound:
    """A sequence of what an iterator gives, where that may be known before it is asked for."""
    taken: list[int] = []
    tree = known_items.take(lw, it, node, taken)
    if producers.by_generator(lw, tree):
        return producers.listed_ahead(lw, producers.as_generator(lw, tree, node), node)
    return listed(lw, tree, node) if isinstance(tree, Iter) and tree.kind != "range" else tree


def snapshot(lw: Lowerer, it: Bound, node: Any) -> Bound:
    """What ``tuple(it)`` is now, whatever happens to the list later."""
    it = sequence(lw, it, node) if not (isinstance(it, Iter) and it.kind == "range") else it
    box = content(lw, it)
    if isinstance(box, Agg):
        return make_tuple(box.items)
    return it if isinstance(it, Iter) else lw.bind(lw.read(it, node))


def option(args: Args, kwargs: Kw, at: int, name: str) -> Bound | None:
    got = args[at] if len(args) > at else kwargs.get(name)
    return None if is_none(got) else got


def _count(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    start = option(args, kwargs, 0, "start") or Plain(Const(0))
    step = option(args, kwargs, 1, "step") or Plain(Const(1))
    a, b = lw.read(start), lw.read(step)
    if all(isinstance(kind(x), Scalar) and kind(x).dtype[0] == "i" for x in (a, b)):  # type: ignore[union-attr]
        return known_items.lazy(lw, "count", a, b)
    return producers.text(lw, iterators.count, [start, step], {}, node)


def _repeat(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    times = option(args, kwargs, 1, "times")
    return known_items.lazy(lw, "repeat", stored(lw, args[0]), lw.read(times) if times is not None else None)


def _cycle(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    return producers.text(lw, iterators.cycle, [snapshot(lw, args[0], node)], {}, node)


def _islice(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    it, *rest = args
    zero, one = Plain(Const(0)), Plain(Const(1))
    start = zero if len(rest) == 1 or is_none(rest[0]) else rest[0]
    stop = rest[0] if len(rest) == 1 else rest[1]
    step = one if len(rest) < 3 or is_none(rest[2]) else rest[2]
    if isinstance(it, Iter) or not is_iterator(lw, it):
        seq = sequence(lw, it, node) if not isinstance(it, Iter) else it
        fixed = known_items.fixed_items(lw, seq, node)
        bounds = [constant(lw.read(b)) for b in (start, stop, step)]
        if fixed is not None and all(b is None or isinstance(b, int) for b in bounds):
            return _iter(lw, [make_tuple(fixed[slice(*bounds)])], {}, node)
        size = headers.leaf_length(lw, seq, node)
        assert size is not None
        end = (
            size
            if is_none(stop)
            else lw.prim(min, [lw.read(stop), size], result=Scalar("i8", True, fresh_sym()))
        )
        return producers.text(lw, iterators.indexed_slice, [seq, start, Plain(end), step], {}, node)
    if same(lw.read(start), Const(0)) and same(lw.read(step), Const(1)) and not is_none(stop):
        return producers.text(lw, iterators.islice_to, [it, stop], {}, node)
    return producers.text(lw, iterators.islice, [it, start, stop, step], {}, node)


def _accumulate(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    fn = option(args, kwargs, 1, "func") or Known(operator.add, "operator.add")
    initial = option(args, kwargs, 2, "initial")
    if initial is not None:
        return producers.text(lw, iterators.accumulated_from, [args[0], fn, initial], {}, node)
    return producers.text(lw, iterators.accumulated, [ahead(lw, args[0], node), fn], {}, node)


def _pairwise(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    return producers.text(lw, iterators.pairwise, [ahead(lw, args[0], node)], {}, node)


def _zip_longest(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    if len(args) != 2:
        lw.stop("iterate", "zip_longest of other than two iterables is not supported", node)
    fill = kwargs.get("fillvalue", Plain(Const(None)))
    both = [ahead(lw, a, node) for a in args]
    fixed = [x for x in (known_items.fixed_items(lw, b, node) for b in both) if x is not None]
    if len(fixed) == 2:
        pairs = itertools.zip_longest(*fixed, fillvalue=fill)
        return _iter(lw, [make_tuple([make_tuple(p) for p in pairs])], {}, node)
    return producers.text(lw, iterators.zip_longest, [*both, fill], {}, node)


def _groupby(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    key = option(args, kwargs, 1, "key") or Known(iterators.itself, "itself")
    items = ahead(lw, args[0], node)
    if isinstance(items, Iter) and items.kind == "range":
        items = listed(lw, items, node)
    fixed = known_items.fixed_items(lw, items, node)
    if fixed is not None:
        keys = [lw.read(lw.call(key, [b], {}, node)) for b in fixed]
        if all(is_constant(k) for k in keys):
            pairs = itertools.groupby(range(len(keys)), key=lambda n: constant(keys[n]))
            made = [(k, make_tuple([fixed[n] for n in ns])) for k, ns in pairs]
            return _iter(lw, [make_tuple([make_tuple((Plain(Const(k)), g)) for k, g in made])], {}, node)
    return producers.text(lw, iterators.groupby, [items, key], {}, node)


def _tee(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    n = option(args, kwargs, 1, "n")
    times = constant(lw.read(n)) if n is not None else 2
    seq = ahead(lw, args[0], node)
    return make_tuple([_iter(lw, [seq], {}, node) for _ in range(times)])


def known_pools(lw: Lowerer, pools: list[Bound], node: Any) -> list[list[Bound]] | None:
    out = []
    for p in pools:
        fixed = known_items.fixed_items(lw, p, node)
        if fixed is None:
            return None
        out.append(fixed)
    return out


def _product(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    times = constant(lw.read(kwargs["repeat"])) if "repeat" in kwargs else 1
    if not isinstance(times, int):
        lw.stop("iterate", "product(repeat=...) needs a number known when the derivative is made", node)
    pools = [snapshot(lw, a, node) for a in args] * times
    known = known_pools(lw, pools, node)
    if known is not None and math.prod(map(len, known)) <= known_items.LONGEST:
        return _iter(lw, [make_tuple([make_tuple(t) for t in itertools.product(*known)])], {}, node)
    return producers.text(lw, iterators.product, pools, {}, node)


def _choices(fn: Any, places: Any) -> Any:
    """combinations, permutations: of the items by those of their places."""

    def handler(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
        pool = snapshot(lw, args[0], node)
        given = option(args, kwargs, 1, "r")
        fixed = known_items.fixed_items(lw, pool, node)
        size = headers.leaf_length(lw, pool, node)
        r = constant(lw.read(given)) if given is not None else constant(size) if size is not None else None
        if not isinstance(r, int):
            what = f"{fn.__name__} needs a number of items known when the derivative is made"
            lw.stop("iterate", what, node, help="write the loops out")
        if fixed is not None:
            rows = list(itertools.islice(fn(fixed, r), known_items.LONGEST + 1))
            if len(rows) <= known_items.LONGEST:
                return _iter(lw, [make_tuple([make_tuple(t) for t in rows])], {}, node)
        assert size is not None
        last: Bound = make_tuple(()) if places is iterators.orders else Plain(Const(0))
        indices = producers.text(lw, places, [Plain(size), Plain(Const(r)), last], {}, node)
        if isinstance(pool, Iter) and len(pool.parts) == 1:
            return indices
        return producers.text(lw, iterators.chosen, [pool, indices], {}, node)

    return handler


# ---- arrays --------------------------------------------------------------------------------------------


def _ndindex(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    if len(args) == 1:
        fixed = known_items.fixed_items(lw, args[0], node)
        args = fixed if fixed is not None else args
    return producers.text(lw, iterators.product, [Iter("range", (lw.read(a, node),)) for a in args], {}, node)


def indices_of(lw: Lowerer, x: Bound, node: Any) -> Bound:
    value = lw.read(x, node)
    k = kind(value)
    if not isinstance(k, Array):
        lw.stop("iterate", "the number of dimensions of this array is not known", node)
    return _ndindex(lw, [Plain(lw.shape_of(value, n)) for n in range(len(k.dims))], {}, node)


def _ndenumerate(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    x = stored(lw, args[0])
    return producers.text(lw, iterators.ndenumerated, [x, indices_of(lw, x, node)], {}, node)


def _nditer(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    order = kwargs.get("order")
    if len(args) != 1 or order is None or constant(lw.read(order)) != "C" or len(kwargs) > 1:
        lw.stop(
            "iterate", "np.nditer is supported for one array, read in the order of its indices", node,
            note="without order='C' the order depends on how the array lies in memory",
            help="np.nditer(x, order='C'), x.flat or np.ndenumerate(x)",
        )  # fmt: skip
    return entries(lw, args[0], node)


def entries(lw: Lowerer, x: Bound, node: Any) -> Bound:
    """All entries of an array, in the order of their indices."""
    x = stored(lw, x)
    return producers.text(lw, iterators.entries, [x, indices_of(lw, x, node)], {}, node)


def _whole(fn: Any) -> Any:
    """A function that takes all items at once: it is given a list."""

    def handler(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
        if not args or not (isinstance(args[0], Iter) or is_iterator(lw, args[0])):
            return None
        return lw.call(Known(fn, fn.__name__), [listed(lw, args[0], node), *args[1:]], kwargs, node)

    return handler


FUNCTIONS: dict[Any, Any] = {
    range: _range, zip: _zip, enumerate: _enumerate, reversed: _reversed, map: _map, iter: _iter, next: _next,
    filter: _text(iterators.filtered, iterators.filtered_truth), list: _list, tuple: _tuple, dict: _dict,
    sum: _sum, min: _minmax(min), max: _minmax(max), any: _tests(False), all: _tests(True), sorted: _sorted,
    functools.reduce: _reduce, math.fsum: _whole(math.fsum), math.prod: _whole(math.prod),
    np.ndindex: _ndindex, np.ndenumerate: _ndenumerate, np.nditer: _nditer,
    itertools.count: _count, itertools.repeat: _repeat, itertools.cycle: _cycle, itertools.islice: _islice,
    itertools.chain: _text(iterators.chain), itertools.chain.from_iterable: _text(iterators.from_iterable),
    itertools.accumulate: _accumulate, itertools.zip_longest: _zip_longest,
    itertools.groupby: _groupby, itertools.tee: _tee, itertools.product: _product,
    itertools.takewhile: _text(iterators.takewhile), itertools.dropwhile: _text(iterators.dropwhile),
    itertools.filterfalse: _text(iterators.filterfalse, iterators.filterfalse_truth),
    itertools.starmap: _text(iterators.mapped_rows), itertools.compress: _text(iterators.compress),
    itertools.combinations: _choices(itertools.combinations, iterators.places),
    itertools.combinations_with_replacement: _choices(
        itertools.combinations_with_replacement, iterators.places_again
    ),
    itertools.permutations: _choices(itertools.permutations, iterators.orders),
}  # fmt: skip
FUNCTIONS.update({f: _text(text) for f, text in heaps.TEXTS.items()})
if hasattr(itertools, "pairwise"):
    FUNCTIONS[itertools.pairwise] = _pairwise
