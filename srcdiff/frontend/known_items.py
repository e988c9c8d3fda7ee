"""What a sequence holds, where that is known element by element while a loop over it is read."""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from srcdiff.frontend import generators, iterators, mappings, objects, producers, views
from srcdiff.frontend.constants import constant
from srcdiff.frontend.expressions import attribute
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Bound, Closure, Frame, Iter, Known, Loc, Plain, Step, Window
from srcdiff.frontend.sizes import at_most
from srcdiff.ir.graph import Const, Struct, kind
from srcdiff.ir.kinds import Array, Map, Scalar, Seq

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = [
    "LONGEST",
    "MOST_MADE",
    "MOST_UNROLLED",
    "SKIP",
    "Item",
    "SeqIterator",
    "applied",
    "few_trips",
    "fixed_items",
    "given",
    "holds_numbers",
    "is_cursor",
    "items_of",
    "lazy",
    "lists_in",
    "live_list",
    "looked_at",
    "still_long",
    "take",
    "used_up",
]


LONGEST = 64  # containers of known structure longer than this are not unrolled


Item = Callable[[], Bound]


class SeqIterator:
    """``iter(seq)``: an object with the position, of a class of its own for each sequence."""

    seq: Bound


def cursor(seq: Bound) -> Agg:
    """A new iterator over ``seq``."""
    return Agg(type("SeqIterator", (SeqIterator,), {"seq": seq}), ("at",), (Plain(Const(0)),))


def is_cursor(box: Any) -> bool:
    return isinstance(box, Agg) and isinstance(box.type, type) and issubclass(box.type, SeqIterator)


MOST_UNROLLED = 512  # trips of nested loops read one by one
MOST_MADE = 3000  # operations that nested loops read so come to: with more, a derivative is not made in time


def few_trips(it: Bound) -> list[Item] | None:
    """The items of a range of few numbers that are known."""
    numbers = numbers_of(it)
    return numbers if numbers is not None and len(numbers) <= LONGEST else None


def lazy(lw: Lowerer, kind_: str, *parts: Any) -> Bound:
    """An iterator: a thing that can be looped over once."""
    return Loc(lw.state.new_cell(Iter(kind_, parts)))


def take(lw: Lowerer, it: Bound, node: Any, taken: dict[int, bool]) -> Bound:
    """The description behind an iterator, which is used up from here on.

    ``taken`` gets the iterators in it, and whether each is gone through to its end: of several side by side
    the shortest ends the loop, and the others may have more.
    """
    c = lw.state.cells.get(it.cell) if isinstance(it, Loc) else it
    if isinstance(c, Iter) and isinstance(it, Loc):
        if c.kind == "left":
            lw.stop(
                "iterator", "how far this iterator has come is known only at run time", node,
                note=c.parts[0], help="make a list of it, or a new iterator",
            )  # fmt: skip
        if c.kind == "spent":
            return Agg(tuple, (), ())
        taken[it.cell] = True
        lw.state.cells[it.cell] = Iter("left", ("a loop over it is under way",))
        return take(lw, c, node, taken)
    it = objects.opened(lw, it, node)
    if isinstance(it, Window):
        return take(lw, mappings.by_key(lw, it, node), node, taken)
    if isinstance(it, Iter):
        if it.kind in ("zip", "map", "enumerate", "reversed"):
            skip, inner = SKIP.get(it.kind, 0), dict[int, bool]()
            nested = [take(lw, p, node, inner) if n >= skip else p for n, p in enumerate(it.parts)]
            alone = it.kind not in SKIP or len(nested) == skip + 1
            taken.update({c: whole and alone for c, whole in inner.items()})
            return Iter(it.kind, tuple(nested))
        return it
    box = content(lw, it)
    if isinstance(box, Agg):
        if is_cursor(box):
            assert isinstance(it, Loc)
            taken[it.cell] = True
            lw.state.cells[it.cell] = Iter("left", ("a loop over it is under way",))
            seq, at = content(lw, box.type.seq), constant(lw.read(box.items[0]))
            if isinstance(seq, Agg) and seq.type is not list and isinstance(at, int):
                return Agg(tuple, tuple(range(len(seq.items) - at)), seq.items[at:])
            return Iter("tail", (box.type.seq, box.items[0]))
        own = protocol(lw, it, box, node)
        return it if own is None else take(lw, own, node, taken)
    if isinstance(box, Loc) and isinstance(kind(value := lw.read(box, node)), Map):
        return mappings.keys_of(lw, value)
    return it


SKIP = {"map": 1, "zip": 1}  # parts before these are no iterables


def protocol(lw: Lowerer, it: Bound, box: Agg, node: Any) -> Bound | None:
    """The iterator of an object of the user's own class."""
    if isinstance(box.type, type) and issubclass(box.type, (tuple, list, dict, set, frozenset)):
        return None
    if hasattr(box.type, "__iter__"):
        got = lw.call(attribute(lw, it, "__iter__", node), [], {}, node)
        own = content(lw, got)
        if objects.is_object(own) and not is_cursor(own) and hasattr(own.type, "__next__"):
            return producers.text(lw, iterators.by_next, [got], {}, node)
        return got
    if hasattr(box.type, "__getitem__") and hasattr(box.type, "__len__"):
        return producers.text(lw, iterators.by_index, [it], {}, node)
    lw.stop("iterate", f"an object of class {box.type.__name__} cannot be looped over", node)


def fixed_items(lw: Lowerer, it: Bound, node: Any = None) -> list[Bound] | None:
    """The items of something over containers of known structure, all at once; an iterator is used up."""
    taken: dict[int, bool] = {}
    before = dict(lw.state.cells)
    tree = take(lw, it, node, taken) if not isinstance(it, Agg) else it
    items = items_of(lw, tree, node)
    if items is None:
        if taken:
            lw.state.cells.update({c: before[c] for c in taken if c in before})
        return None
    used_up(lw, taken)
    return [item() for item in items]


def used_up(lw: Lowerer, taken: dict[int, bool], left: bool = False) -> None:
    """What was looped over has nothing more to give; ``left``: unless the loop was left before its end."""
    for cell, whole in taken.items():
        why = "a loop over it may have stopped before its end"
        lw.state.cells[cell] = Iter("spent", ()) if whole and not left else Iter("left", (why,))


def given(b: Bound) -> Item:
    return lambda: b


SHORT = 16  # the most that sizes and whole numbers are settled to, where a function cannot be read for any


def items_of(lw: Lowerer, it: Bound, node: Any) -> list[Item] | None:
    """How to get each item, where their number and structure are known."""
    c = content(lw, it)
    if lw.by_trips and isinstance(c, Loc):
        k = kind(lw.read(c, node))
        n = k.dims[0] if isinstance(k, Array) and k.dims else None
        return indexed_items(lw, c, n) if isinstance(n, int) and n <= SHORT else None
    if isinstance(c, Plain) and isinstance(c.atom, Struct):
        c = lw.bind(c.atom)
    at = live_list(lw, it)
    if at is not None:
        size = len(content(lw, at).items)
        return [partial(item_now, lw, at, k, size, node) for k in range(size)]
    if isinstance(c, Agg):
        if c.type is dict:
            return [given(mappings.key_bound(k)) for k in c.keys]
        if is_cursor(c):
            return None
        return [given(x) for x in c.items]
    if isinstance(c, Plain) and isinstance(c.atom, Const) and isinstance(c.atom.value, (str, bytes)):
        return [given(Plain(Const(x))) for x in c.atom.value]
    if isinstance(c, Known) and isinstance(c.obj, enum.EnumMeta):
        members: Any = list(c.obj)
        return [given(attribute(lw, c, m.name, node)) for m in members]
    if not isinstance(c, Iter):
        return None
    if c.kind == "spent":
        return []
    if c.kind == "zip":
        lists = [items_of(lw, p, node) for p in c.parts[1:]]
        if not lists:
            return []
        if all(x is None for x in lists):
            return None
        n = shortest(lw, c.parts[1:], lists)
        if n is None:
            return None
        full = [
            x if x is not None else indexed_items(lw, p, n) for x, p in zip(lists, c.parts[1:], strict=True)
        ]
        if any(x is None for x in full):
            return None
        rows = list(zip(*[x for x in full if x is not None], strict=False))
        return [partial(together, row) for row in rows]
    if c.kind == "enumerate":
        items = items_of(lw, c.parts[0], node)
        first = constant(lw.read(c.parts[1]))
        if items is not None and isinstance(first, int):
            return [partial(together, (given(Plain(Const(first + i))), x)) for i, x in enumerate(items)]
        return None
    if c.kind == "reversed":
        items = items_of(lw, c.parts[0], node)
        return items[::-1] if items is not None else None
    if c.kind == "map":
        fn, *parts = c.parts
        lists = [items_of(lw, p, node) for p in parts]
        if all(x is not None for x in lists):
            rows = list(zip(*[x for x in lists if x is not None], strict=False))
            return [partial(applied, lw, fn, row, node) for row in rows]
        return None
    if c.kind == "genexp":
        tree, outer, first = c.parts
        head = tree.generators[0]
        items = items_of(lw, first, node) if len(tree.generators) == 1 and not head.ifs else None
        if items is None or head.is_async:
            return None
        frame = outer.inner(inline=True)
        return [partial(element_of, lw, frame, tree, item) for item in items]
    if c.kind == "tail":
        items = items_of(lw, c.parts[0], node)
        first = constant(lw.read(c.parts[1]))
        return items[first:] if items is not None and isinstance(first, int) else None
    if c.kind == "repeat" and c.parts[1] is not None and isinstance(constant(c.parts[1]), int):
        return [given(c.parts[0])] * constant(c.parts[1])
    return numbers_of(c) if lw.frame.static else None


def item_now(lw: Lowerer, at: Loc, k: int, size: int, node: Any) -> Bound:
    """An item of a list when the loop comes to it: what the trips before have made of it."""
    return still_long(lw, at, size, node).items[k]


def still_long(lw: Lowerer, at: Loc, size: int, node: Any) -> Agg:
    """What is in a list that is looped over, of which nothing was added or taken away."""
    now = content(lw, at)
    if not isinstance(now, Agg) or len(now.items) != size:
        lw.stop("iterate", "this list changes its length while it is looped over", node,
                help="loop over a copy: list(xs)")  # fmt: skip
    return now


def lists_in(lw: Lowerer, tree: Any) -> list[tuple[Loc, int]]:
    """The lists that a loop runs over as they are, and how long they are."""
    if isinstance(tree, Iter):
        return [x for p in tree.parts if isinstance(p, (Loc, Iter)) for x in lists_in(lw, p)]
    at = live_list(lw, tree)
    return [] if at is None else [(at, len(content(lw, at).items))]


def numbers_of(it: Any) -> list[Item] | None:
    """The numbers of a range known now."""
    if isinstance(it, Iter) and it.kind == "range":
        bounds = [constant(a) for a in it.parts]
        if all(isinstance(b, int) for b in bounds):
            return [given(Plain(Const(i))) for i in range(*bounds)]
    return None


def together(row: tuple[Item, ...]) -> Bound:
    return Agg(tuple, tuple(range(len(row))), tuple(x() for x in row))


def element_of(lw: Lowerer, frame: Frame, tree: Any, item: Item) -> Bound:
    """One value of a generator expression over a container of known structure."""
    from srcdiff.frontend.expressions import stored

    def read() -> Bound:
        lw.assign(tree.generators[0].target, item())
        return stored(lw, lw.expr(tree.elt))

    return generators.within(lw, frame, read)  # type: ignore[no-any-return]


def applied(lw: Lowerer, fn: Bound, row: tuple[Item, ...], node: Any) -> Bound:
    from srcdiff.frontend.expressions import stored

    return stored(lw, lw.call(fn, [x() for x in row], {}, node))


def shortest(lw: Lowerer, parts: tuple[Bound, ...], lists: list[list[Item] | None]) -> int | None:
    """How many items a zip of containers of known length and others has.

    None if that is known only at run time, and the containers hold nothing but numbers: these can be lists.
    """
    n = min(len(x) for x in lists if x is not None)
    for p, known in zip(parts, lists, strict=True):
        if known is not None or not isinstance(p, Loc):
            continue
        whole = lw.state.cells[p.cell] if not p.path else lw.read(p)
        most = at_most(lw, whole, n) if isinstance(kind(whole), (Array, Seq)) else None
        fixed = (q for q, x in zip(parts, lists, strict=True) if x is not None)
        if most is None and all(holds_numbers(lw, q) for q in fixed):
            return None
        n = n if most is None else most
    return n


def holds_numbers(lw: Lowerer, it: Bound) -> bool:
    """Whether a container holds numbers only."""
    box = content(lw, it) if not isinstance(it, Iter) else None
    return isinstance(box, Agg) and all(
        isinstance(x, Plain) and isinstance(kind(x.atom), Scalar) for x in box.items
    )


def indexed_items(lw: Lowerer, it: Bound, n: int) -> list[Item] | None:
    """The first ``n`` items of something unrolled beside a container of known length."""
    if isinstance(it, Iter):
        numbers = numbers_of(it)
        if numbers is not None:
            return numbers[:n]
        if it.kind == "count" and all(isinstance(constant(a), int) for a in it.parts):
            first, by = (constant(a) for a in it.parts)
            return [given(Plain(Const(first + i * by))) for i in range(n)]
        if it.kind == "repeat" and it.parts[1] is None:
            return [given(it.parts[0])] * n
        return None
    if isinstance(it, Loc) and not isinstance(lw.state.cells[it.cell], Agg):
        if isinstance(kind(lw.state.cells[it.cell]), (Array, Seq)):
            return [partial(views.view, lw, it, Step(operator.getitem, (Const(i),))) for i in range(n)]
    return None


def looked_at(lw: Lowerer, it: Any) -> set[int]:
    """The cells of the containers of known structure that a loop runs over."""
    if isinstance(it, Iter):
        return set().union(*(looked_at(lw, p) for p in it.parts))
    if isinstance(it, Closure):  # of a view (mappings.by_key)
        it = lw.state.names.get((it.frame.id, "d_"))
    at = lw.settled(it.owner if isinstance(it, Window) else it) if isinstance(it, (Loc, Window)) else None
    if not isinstance(at, Loc):
        return set()
    held = lw.state.cells[at.cell]
    return looked_at(lw, held) if isinstance(held, Iter) else {at.cell}


def live_list(lw: Lowerer, it: Bound) -> Loc | None:
    """A list that is looped over itself, so that the loop sees what is done to it."""
    box, at = content(lw, it), lw.settled(it)
    if not isinstance(at, Loc) or not isinstance(box, Agg) or box.type is not list:
        return None
    return at if lw.state.cells[at.cell] is box else None  # (parts of an array are no list of their own)
