"""Things to loop over: ``range``, ``zip``, ``map``, iterators and what ``next`` gives of them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.frontend import generators, headers, iteration, iterators, known_items, objects, producers
from srcdiff.frontend.constants import constant, is_constant, left_out
from srcdiff.frontend.expressions import stored
from srcdiff.frontend.listing import is_iterator, item_at, make_tuple, sequence
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Args, Bound, Iter, Kw, Loc, Plain
from srcdiff.frontend.trial import Trial
from srcdiff.ir.graph import Const
from srcdiff.ir.kinds import BOOL

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer


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


def by_text(fn: Any, plain: Any = None) -> Callable[..., Bound]:
    """A function read as the text ``fn``; as ``plain``, without its first argument, where that is None."""

    def handler(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
        if plain is not None and left_out(args[0]):
            return producers.text(lw, plain, args[1:], kwargs, node)
        return producers.text(lw, fn, args, kwargs, node)

    return handler


def iterator_of(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
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
            return iterator_of(lw, [own], {}, node)
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
            parts = [iterator_of(lw, [p], {}, node) for p in it.parts[skip : skip + count]]
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


FUNCTIONS: dict[Any, Any] = {
    range: _range, zip: _zip, enumerate: _enumerate, reversed: _reversed, map: _map, iter: iterator_of,
    next: _next, filter: by_text(iterators.filtered, iterators.filtered_truth),
}  # fmt: skip
