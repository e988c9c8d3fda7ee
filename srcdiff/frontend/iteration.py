"""``for``: over ranges and sequences by one loop of the graph, over known containers by unrolling, over
generators by reading them.

What is looped over is a tree of descriptions (``Iter``): zip, enumerate, map ... of sequences and ranges.  If
all its leaves can be indexed, a ``Header`` makes one counted loop of it.  If a leaf is a generator, the tree
becomes a generator itself (the texts in ``iterators``), and ``generators.drive`` reads it.
"""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.frontend import (
    checkpoints,
    entering,
    exits,
    generators,
    iterators,
    joins,
    loops,
    mappings,
    objects,
    places,
    recursion,
    source,
)
from srcdiff.frontend.core import Stop, constant, is_constant
from srcdiff.frontend.expressions import attribute, content
from srcdiff.frontend.infer import index_kind
from srcdiff.frontend.scope import (
    Agg,
    Bound,
    Closure,
    Frame,
    Iter,
    Known,
    Loc,
    Plain,
    Step,
    Window,
    nodes_in,
    own_names,
)
from srcdiff.frontend.sizes import at_most
from srcdiff.frontend.trial import Trial
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Op, Region, Struct, Val, kind, same, vals, walk
from srcdiff.ir.kinds import OTHER, STR, UNKNOWN, Array, Map, Scalar, Seq, Tree, alike, fresh_sym

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["SeqIterator", "fixed_items", "for_loop", "items_of", "iterate", "lazy", "range_parts", "unroll"]

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


def for_loop(lw: Lowerer, node: Any) -> Any:
    if isinstance(node.iter, gast.Call) and isinstance(node.iter.func, (gast.Name, gast.Attribute)):
        if checkpoints.is_checkpoint(lw.settled(lw.expr(node.iter.func))):
            return checkpoints.marked_loop(lw, node.iter, partial(iterate, lw, node))
    return iterate(lw, node, lw.expr(node.iter))


def iterate(lw: Lowerer, node: Any, it: Bound) -> Any:
    """The loop ``node`` over ``it``; returns the exit code."""
    box = content(lw, it)
    if is_cursor(box) and leaves_early(node):
        return iterate(lw, node, text(lw, iterators.rest_of, [it, box.type.seq], {}, node))
    taken: list[int] = []
    left = leaves_early(node)
    again = resumable(lw, it, node) if left and isinstance(node.iter, gast.Name) else None
    tree = take(lw, it, node, taken)

    def finish() -> None:
        for cell in taken:
            why = "a loop over it may have stopped before its end"
            lw.state.cells[cell] = Iter("left", (why,)) if left else Iter("spent", ())
        if again is not None and isinstance(it, Loc):
            lw.state.cells[it.cell] = again

    if getattr(node, "split", False) and runs_code(tree):
        lw.stop(
            "try", "an iterator that computes its values is read inside this try", node,
            note="which of its steps were done has to be known here when an exception is raised",
            help="make a list of it before the loop: list(...)",
        )  # fmt: skip
    strict = strict_check(lw, node, tree)
    orelse = [*strict, *node.orelse]
    code = read_loop(lw, node, it, tree, orelse)
    finish()
    return code


def resumable(lw: Lowerer, it: Bound, node: Any) -> Iter | None:
    """Make a generator expression one that can be left and gone on with: by what it runs over."""
    from srcdiff.frontend import sequences

    state = lw.state.cells.get(it.cell) if isinstance(it, Loc) else None
    if not isinstance(it, Loc) or not isinstance(state, Iter) or state.kind != "genexp":
        return None
    tree, outer, first = state.parts
    if len(tree.generators) != 1:
        return None
    if not is_cursor(content(lw, first)):
        first = sequences.FUNCTIONS[iter](lw, [first], {}, node)
    if not is_cursor(content(lw, first)):
        return None
    again = lw.state.cells[it.cell] = Iter("genexp", (tree, outer, first))
    return again


def runs_code(it: Any) -> bool:
    """Whether the items of a tree are computed when they are asked for."""
    if not isinstance(it, Iter):
        return False
    return it.kind in ("map", "generator", "genexp", "suspended") or any(map(runs_code, it.parts))


def leaves_early(node: Any) -> bool:
    """Whether the loop may end before what it runs over does, and the program go on."""
    leaving = (gast.Break, gast.Return, gast.Yield, gast.YieldFrom)
    return any(isinstance(n, leaving) for s in node.body for n in nodes_in(s))


def read_loop(lw: Lowerer, node: Any, it: Bound, tree: Bound, orelse: list[Any]) -> Any:
    items = items_of(lw, tree, node)
    if items is not None and len(items) <= LONGEST:
        few = FEW_LETTERS if has_text(lw, tree) else FEW
        if not lw.frame.static and few < len(items) * lw.copies:
            whole = rolled(lw, tree, node)
            if whole is not None:
                return counted_or_unrolled(lw, node, whole, orelse, items)
        return unroll(lw, node, items, orelse, live_list(lw, it))
    if items is not None:
        before = {c: lw.state.cells[c] for c in looked_at(lw, it) | looked_at(lw, tree)}
        code = homogeneous(lw, node, items, orelse)
        if any(lw.state.cells[c] is not x for c, x in before.items()):
            note = f"it has more than {LONGEST} elements"
            lw.stop("iterate", "this container is changed while it is looped over", node, note=note,
                    help="loop over a copy: list(...)")  # fmt: skip
        return code
    tree = as_lists(lw, tree, node)
    if by_generator(lw, tree):
        gen = as_generator(lw, tree, node)
        return generators.drive(lw, node, gen, partial(body_of, lw, node), orelse)
    trips = few_trips(tree)
    if trips is None:
        return counted(lw, node, tree, orelse)
    return counted_or_unrolled(lw, node, tree, orelse, trips)


def as_lists(lw: Lowerer, tree: Bound, node: Any) -> Bound:
    """What is looped over, with the containers of numbers in a zip as lists of any length."""
    from srcdiff.frontend import statements

    if isinstance(tree, Iter) and tree.kind in ("zip", "enumerate", "reversed"):
        return Iter(tree.kind, tuple(as_lists(lw, p, node) for p in tree.parts))
    if not isinstance(tree, (Plain, Loc, Agg)) or not holds_numbers(lw, tree):
        return tree
    box = content(lw, tree)
    assert isinstance(box, Agg)
    return lw.bind(statements.to_sequence(lw, Agg(list, box.keys, box.items), node))


FEW = 16  # copies of a body that runs over constants; where there are more it stays a loop if it can
FEW_LETTERS = 4  # the same for the characters of a text: these are compared rather than looked up


def has_text(lw: Lowerer, tree: Bound) -> bool:
    """Whether the characters of a text are looped over."""
    if isinstance(tree, Iter):
        return any(has_text(lw, p) for p in tree.parts if isinstance(p, (Plain, Loc, Iter)))
    box = content(lw, tree) if isinstance(tree, (Plain, Loc)) else tree
    return isinstance(box, Plain) and isinstance(box.atom, Const) and isinstance(box.atom.value, str)


def rolled(lw: Lowerer, tree: Bound, node: Any) -> Bound | None:
    """What is looped over, with the constants in it as lists whose elements are found at run time.

    None if something in it is no constant, so that its structure may matter.
    """
    if isinstance(tree, Iter) and tree.kind in ("zip", "enumerate", "reversed"):
        skip, end = SKIP.get(tree.kind, 0), 1 if tree.kind == "enumerate" else len(tree.parts)
        parts = [rolled(lw, p, node) for p in tree.parts[skip:end]]
        if any(p is None for p in parts):
            return None
        return Iter(tree.kind, (*tree.parts[:skip], *parts, *tree.parts[end:]))
    if isinstance(tree, Iter):
        return tree if tree.kind == "range" else None
    box = content(lw, tree)
    if isinstance(box, Plain) and isinstance(box.atom, Const) and isinstance(box.atom.value, str):
        return letters(lw, box.atom)
    if isinstance(box, Agg) and box.type is tuple and len(box.items) > 1:
        from srcdiff.frontend import statements

        atoms = [lw.read(b) for b in box.items]
        if all(is_constant(a) and alike(kind(atoms[0]), kind(a)) for a in atoms) and kind(atoms[0]) != OTHER:
            as_list = Agg(list, box.keys, box.items)
            return lw.bind(statements.to_sequence(lw, as_list, node))
        return None
    return tree if box is None or not isinstance(box, Agg) else None


def letters(lw: Lowerer, text: Const) -> Bound:
    """The characters of a text, made once, where the function begins."""
    made = lw.letters.get(text.value)
    if made is None:
        with lw.inside(Region()) as entry:
            made = lw.letters[text.value] = lw.prim(list, [text], result=Seq(STR))
        lw.graph.info.setdefault("entry", []).extend(entry.ops)
    return Plain(made)


MOST_UNROLLED = 512  # trips of nested loops read one by one


def few_trips(it: Bound) -> list[Item] | None:
    """The items of a range of few numbers that are known."""
    numbers = numbers_of(it)
    return numbers if numbers is not None and len(numbers) <= LONGEST else None


def counted_or_unrolled(lw: Lowerer, node: Any, it: Bound, orelse: list[Any], trips: list[Item]) -> Any:
    """A loop over a few known numbers: as a loop, or trip by trip where it cannot be read as one.

    Trips differ in what is known of them: which function, or which shape, an index stands for.
    """
    trial = Trial(lw)
    failed: Stop | None = None
    try:
        code = counted(lw, node, it, orelse)
    except Stop as stop:
        failed, code = stop, exits.FALL
    found = trial.found
    told = [*found, failed.problem if failed is not None else None]
    again = lw.unrolling * len(trips) <= MOST_UNROLLED and not lw.frame.static
    again = again and not any(p is not None and p.slug == "recursion" for p in told)
    if (failed is None and not found) or not again:
        if failed is not None:
            raise failed
        return code
    trial.undo()
    lw.unrolling *= max(len(trips), 1)
    try:
        code = unroll(lw, node, trips, orelse)
        if not trial.found and not (isinstance(code, int) and code == exits.RAISE):
            return code
    except Stop:
        pass  # the problems of the loop itself are told
    finally:
        lw.unrolling //= max(len(trips), 1)
    lw.problems[trial.problems :] = found
    if failed is not None:
        raise failed
    return code


def body_of(lw: Lowerer, node: Any, value: Bound, rest: list[Any]) -> Any:
    """The body of a loop over a generator, for one value; then the rest of the generator."""
    lw.assign(node.target, value)
    if any(continues(s) for s in node.body):
        code = lw.block(node.body)
        return exits.go_on(lw, code, lambda: lw.block(rest), frozenset({exits.CONTINUE}))
    return lw.block([*node.body, *rest])


def continues(s: Any) -> bool:
    """Whether a statement of a loop's body may ``continue`` that loop."""
    todo = [s]
    while todo:
        n = todo.pop()
        if isinstance(n, gast.Continue):
            return True
        if isinstance(n, (gast.For, gast.While)):
            todo += n.orelse
        elif isinstance(n, gast.stmt):
            todo += [x for x in gast.iter_child_nodes(n) if not isinstance(x, gast.expr)]
    return False


# ---- what is looped over -------------------------------------------------------------------------------


def lazy(lw: Lowerer, kind_: str, *parts: Any) -> Bound:
    """An iterator: a thing that can be looped over once."""
    return Loc(lw.state.new_cell(Iter(kind_, parts)))


def take(lw: Lowerer, it: Bound, node: Any, taken: list[int]) -> Bound:
    """The description behind an iterator, which is used up from here on."""
    c = lw.state.cells.get(it.cell) if isinstance(it, Loc) else it
    if isinstance(c, Iter) and isinstance(it, Loc):
        if c.kind == "left":
            lw.stop(
                "iterator", "how far this iterator has come is known only at run time", node,
                note=c.parts[0], help="make a list of it, or a new iterator",
            )  # fmt: skip
        if c.kind == "spent":
            return Agg(tuple, (), ())
        taken.append(it.cell)
        lw.state.cells[it.cell] = Iter("left", ("a loop over it is under way",))
        return take(lw, c, node, taken)
    it = objects.opened(lw, it, node)
    if isinstance(it, Window):
        return take(lw, mappings.by_key(lw, it, node), node, taken)
    if isinstance(it, Iter):
        if it.kind in ("zip", "map", "enumerate", "reversed"):
            nested = [
                take(lw, p, node, taken) if n >= SKIP.get(it.kind, 0) else p for n, p in enumerate(it.parts)
            ]
            return Iter(it.kind, tuple(nested))
        return it
    box = content(lw, it)
    if isinstance(box, Agg):
        if is_cursor(box):
            assert isinstance(it, Loc)
            taken.append(it.cell)
            lw.state.cells[it.cell] = Iter("left", ("a loop over it is under way",))
            seq, at = content(lw, box.type.seq), constant(lw.read(box.items[0]))
            if isinstance(seq, Agg) and isinstance(at, int):
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
            return text(lw, iterators.by_next, [got], {}, node)
        return got
    if hasattr(box.type, "__getitem__") and hasattr(box.type, "__len__"):
        return text(lw, iterators.by_index, [it], {}, node)
    lw.stop("iterate", f"an object of class {box.type.__name__} cannot be looped over", node)


def text(lw: Lowerer, fn: Any, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound:
    """A call of one of our own generator texts (or functions): read like the user's functions."""

    return entering.inline_function(lw, fn, source.find(fn), None, args, kwargs, node)


def strict_check(lw: Lowerer, node: Any, tree: Bound) -> list[Any]:
    """What ``zip(..., strict=True)`` adds at its end: an error if the lengths differ."""
    if not isinstance(tree, Iter) or tree.kind != "zip" or tree.parts[0] is not True:
        return []
    parts = tree.parts[1:]
    fixed = [items_of(lw, p, node) for p in parts]
    if all(f is not None for f in fixed):
        if len({len(f) for f in fixed if f is not None}) > 1:
            lw.stop("iterate", "the arguments of zip(strict=True) differ in length", node)
        return []
    if any(by_generator(lw, p) for p in parts):
        lw.stop(
            "iterate",
            "zip(strict=True) of a generator is not supported",
            node,
            help="leave strict out, or make a list of it",
        )

    def read() -> Any:
        sizes = [Plain(leaf_length(lw, p, node) or Const(0)) for p in parts]
        for other in sizes[1:]:
            if not same(sizes[0].atom, other.atom) and not same_length(sizes[0].atom, other.atom):
                text(lw, iterators.check_lengths, [sizes[0], other], {}, node)
        return exits.FALL

    return [generators.Do(read)]


# ---- containers of known structure ---------------------------------------------------------------------


def fixed_items(lw: Lowerer, it: Bound, node: Any = None) -> list[Bound] | None:
    """The items of something over containers of known structure, all at once; an iterator is used up."""
    taken: list[int] = []
    before = dict(lw.state.cells)
    tree = take(lw, it, node, taken) if not isinstance(it, Agg) else it
    items = items_of(lw, tree, node)
    if items is None:
        if taken:
            lw.state.cells.update({c: before[c] for c in taken if c in before})
        return None
    for cell in taken:
        lw.state.cells[cell] = Iter("spent", ())
    return [item() for item in items]


def given(b: Bound) -> Item:
    return lambda: b


def items_of(lw: Lowerer, it: Bound, node: Any) -> list[Item] | None:
    """How to get each item, where their number and structure are known."""
    c = content(lw, it)
    if isinstance(c, Plain) and isinstance(c.atom, Struct):
        c = lw.bind(c.atom)
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
    if c.kind == "repeat" and c.parts[1] is not None and isinstance(constant(c.parts[1]), int):
        return [given(c.parts[0])] * constant(c.parts[1])
    return numbers_of(c) if lw.frame.static else None


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
            return [partial(lw.view, it, Step(operator.getitem, (Const(i),))) for i in range(n)]
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
    box = content(lw, it)
    return it if isinstance(it, Loc) and isinstance(box, Agg) and box.type is list else None


def unroll(
    lw: Lowerer, node: Any, items: list[Item], orelse: list[Any] | None = None, live: Loc | None = None
) -> Any:
    """A loop over a container of known structure: its body once for each element."""
    orelse = node.orelse if orelse is None else orelse
    if len(items) > LONGEST:
        return homogeneous(lw, node, items, orelse)

    def go(k: int) -> Any:
        item = items[k] if k < len(items) else None
        if live is not None:
            now = lw.state.cells[live.cell]
            if not isinstance(now, Agg) or len(now.items) > LONGEST:
                lw.stop("iterate", "this list changes its length while it is looped over", node,
                        help="loop over a copy: list(xs)")  # fmt: skip
            item = given(now.items[k]) if k < len(now.items) else None
        if item is None:
            return lw.block(orelse)
        lw.assign(node.target, item())
        lw.copies *= len(items)
        try:
            e = loops.in_loop(lw, lambda region: lw.block(node.body), lw.region)
        finally:
            lw.copies //= len(items)
        if isinstance(e, int):
            return (
                go(k + 1)
                if e in (exits.FALL, exits.CONTINUE)
                else exits.FALL
                if e == exits.BREAK
                else e
            )
        ways = sorted(exits.codes(e) - {exits.FALL, exits.CONTINUE, exits.RAISE})
        leave = [(c, exits.FALL if c == exits.BREAK else c) for c in ways]
        return exits.leave_by(lw, e, leave, lambda: go(k + 1))

    return go(0)


def homogeneous(lw: Lowerer, node: Any, items: list[Item], orelse: list[Any]) -> Any:
    """A long container whose elements look alike: one loop."""
    from srcdiff.frontend import statements

    bounds = tuple(item() for item in items)
    kinds = [kind(lw.read(b)) for b in bounds]
    if not all(alike(kinds[0], k) for k in kinds):
        lw.stop("unroll", f"a loop over {len(items)} elements of different kinds is too long", node)
    box = Agg(list, tuple(range(len(bounds))), bounds)
    return counted(lw, node, lw.bind(statements.to_sequence(lw, box, node)), orelse)


# ---- counted loops -------------------------------------------------------------------------------------


def by_generator(lw: Lowerer, it: Bound) -> bool:
    """Whether something can only be looped over by reading a generator."""
    return has_generator(it) or endless(it)


def has_generator(it: Any) -> bool:
    if not isinstance(it, Iter):
        return False
    if it.kind in ("zip", "map", "enumerate", "reversed"):
        return any(has_generator(p) for p in it.parts[SKIP.get(it.kind, 0) :])
    return it.kind in ("generator", "genexp", "suspended")


def endless(it: Any) -> bool:
    """Whether a tree never ends: it counts or repeats for ever."""
    if not isinstance(it, Iter):
        return False
    if it.kind in ("zip", "map", "enumerate"):
        parts = it.parts[:1] if it.kind == "enumerate" else it.parts[1:]
        return bool(parts) and all(endless(p) for p in parts)
    return it.kind == "count" or (it.kind == "repeat" and it.parts[1] is None)


def as_generator(lw: Lowerer, it: Any, node: Any) -> Iter:
    """A tree with generators among its leaves, as one generator."""
    if it.kind in ("generator", "genexp", "suspended"):
        return it  # type: ignore[no-any-return]
    if it.kind == "count":
        made = text(lw, iterators.count, [Plain(a) for a in it.parts], {}, node)
        return lw.state.cells[made.cell]  # type: ignore[union-attr,no-any-return]
    if it.kind == "repeat":
        made = text(lw, iterators.repeat, [it.parts[0]], {}, node)
        return lw.state.cells[made.cell]  # type: ignore[union-attr,no-any-return]
    if it.kind == "reversed":
        lw.stop("iterate", "a generator cannot be reversed", node, help="make a list of it")
    if it.kind == "enumerate":
        made = text(lw, iterators.enumerated, [it.parts[0], it.parts[1]], {}, node)
    elif it.kind == "map" and len(it.parts) == 2:
        made = text(lw, iterators.mapped, list(it.parts), {}, node)
    elif it.kind == "map":
        made = text(lw, iterators.mapped_rows, [it.parts[0], Iter("zip", (False, *it.parts[1:]))], {}, node)
    else:
        made = zipped(lw, list(it.parts[1:]), node)
    got: Any = lw.state.cells[made.cell] if isinstance(made, Loc) else made
    return got  # type: ignore[no-any-return]


def zipped(lw: Lowerer, parts: list[Any], node: Any) -> Bound:
    """``zip`` with a generator among its parts: the generator leads, the others are indexed."""
    for n, p in enumerate(parts):
        if endless(p) and not has_generator(p) and len(parts) > 1:  # it never decides when the zip ends
            rest = zipped(lw, [*parts[:n], *parts[n + 1 :]], node)
            if p.kind == "count":
                numbers = map(Plain, p.parts)
                return text(lw, iterators.count_among, [rest, *numbers, Plain(Const(n))], {}, node)
            if p.kind == "repeat":
                return text(lw, iterators.repeat_among, [rest, p.parts[0], Plain(Const(n))], {}, node)
            lw.stop("iterate", "this zip is too involved", node, help="zip less at a time")
    leaders = [n for n, p in enumerate(parts) if by_generator(lw, p)]
    if not leaders:
        return Loc(lw.state.new_cell(Iter("zip", (False, *parts))))
    for n in leaders[:-1]:  # the last one is read as it goes, those before are listed
        parts[n] = listed_ahead(lw, parts[n], node)
    at = leaders[-1]
    around = [indexable(lw, p, node) for n, p in enumerate(parts) if n != at]
    tuples = [Agg(tuple, tuple(range(len(x))), tuple(x)) for x in (around[:at], around[at:])]
    return text(lw, iterators.zipped, [tuples[0], parts[at], tuples[1]], {}, node)


def indexable(lw: Lowerer, p: Any, node: Any) -> Bound:
    """A part of a zip as something with a length and an index."""
    if not isinstance(p, Iter) or p.kind in ("range", "count"):
        return p  # type: ignore[no-any-return]
    from srcdiff.frontend import sequences

    return sequences.listed(lw, p, node)


def listed_ahead(lw: Lowerer, gen: Any, node: Any) -> Bound:
    """The values of a generator, listed before they are asked for: allowed where nobody can tell."""
    from srcdiff.frontend import sequences

    name = gen.parts[2] if gen.kind == "generator" else "the generator"
    if gen.kind == "suspended" or any(
        isinstance(n, gast.While) for t, _ in reached_trees(lw, gen) for n in nodes_in(t)
    ):
        lw.stop(
            "generator", "two generators are zipped, and the first may never end", node,
            note="its values would be listed before the other one is asked",
            help="make lists of them, or use one generator that yields pairs",
        )  # fmt: skip
    seen: list[Bound] = list(gen.parts[3].values() if gen.kind == "generator" else gen.parts[2:])
    for tree, frame in reached_trees(lw, gen):
        for free, b in outer_names(lw, tree, frame):
            if not bound_once(frame, free):
                lw.stop(
                    "generator", f"{name} reads {free!r} while it is zipped with another generator", node,
                    note=f"the value of {free!r} may change before it is read",
                    help=f"give {free!r} to the generator as an argument, or yield pairs from one generator",
                )  # fmt: skip
            seen.append(b)
    before = dict(lw.state.cells)
    got = sequences.listed(lw, gen, node)
    if any(lw.state.cells.get(c) is not x for c, x in before.items()):
        lw.stop(
            "generator", f"{name} changes an array or a list while it is zipped with another generator", node,
            help="use one generator that yields pairs",
        )  # fmt: skip
    for b in seen:  # what it has looked at must stay as it is
        lw.freeze(b)
    return got


def reached_trees(lw: Lowerer, gen: Iter) -> list[tuple[Any, Frame]]:
    """The text of a generator and of the inner functions that it may call, each with the frame around it."""
    tree, frame = (gen.parts[1], gen.parts[0].parent) if gen.kind == "generator" else gen.parts[:2]
    out = [(tree, frame)]
    for t, f in out:
        for _, b in outer_names(lw, t, f):
            if isinstance(b, Closure) and all(b.node is not known for known, _ in out):
                out.append((b.node, b.frame))
    return out


def outer_names(lw: Lowerer, tree: Any, frame: Frame | None) -> list[tuple[str, Bound]]:
    """Variables of the functions around a text that it reads."""
    own = own_names(tree) if isinstance(tree, (gast.FunctionDef, gast.Lambda)) else frozenset()
    names = {n.id for n in nodes_in(tree) if isinstance(n, gast.Name)} - own
    out = []
    for name in sorted(names):
        f = frame
        while f is not None and (f.id, name) not in lw.state.names:
            f = f.parent
        if f is not None:
            out.append((name, lw.state.names[f.id, name]))
    return out


def bound_once(frame: Frame | None, name: str) -> bool:
    """Whether a variable of the functions around has one binding for good."""
    while frame is not None and frame.fobj is None and frame.parent is not None:
        frame = frame.parent
    root = frame.source.node if frame is not None and frame.source is not None else None
    if not isinstance(root, gast.FunctionDef):
        return True
    a = root.args
    params = [*a.posonlyargs, *a.args, *a.kwonlyargs, *(p for p in (a.vararg, a.kwarg) if p is not None)]
    bindings = sum(p.id == name for p in params)
    for n in nodes_in(*root.body):
        bindings += isinstance(n, gast.Name) and n.id == name and not isinstance(n.ctx, gast.Load)
        bindings += isinstance(n, gast.FunctionDef) and n.name == name
    return bool(bindings <= 1)


class Header:
    """What a counted ``for`` runs over: an index, and sources consumed element by element."""

    def __init__(self, lw: Lowerer, node: Any, indexed: frozenset[int] = frozenset()) -> None:
        self.lw, self.node = lw, node
        self.indexed = indexed  # lists whose elements are taken by index, as places
        self.lists: dict[int, Val] = {}  # lists consumed element by element: what stands for the index
        self.range: list[Atom] = []
        self.reverse = False
        self.sources: list[tuple[Atom, int, Val]] = []
        self.cells: list[int] = []  # of the sources: nobody may write to them in the loop
        self.by_index = False
        self.named = False  # the index is the user's
        self.index = Val("k", Scalar("i8", True, fresh_sym()))

    # ---- the shape of the loop
    def open(self, it: Bound, live: bool) -> Item:
        """Settle the header for ``it``; the result gives an item's bound inside the body."""
        ranges: list[Iter] = []
        seqs: list[tuple[Bound, int]] = []
        numbered = self.survey(it, 1, ranges, seqs)
        written = live or any(self.written(b) for b, _ in seqs)
        if len(ranges) == 1 and not seqs and not numbered and ranges[0].kind == "range":
            return self.over_range(it)
        if seqs and not ranges and not written:
            if numbered:
                if any(d < 0 for _, d in seqs):
                    return self.over_index(it)
                self.range = [Const(0), self.length(seqs[0][0]), Const(1)]
                self.named = True
            return self.binder(it, 1)
        return self.over_index(it)

    def survey(self, it: Bound, d: int, ranges: list[Iter], seqs: list[tuple[Bound, int]]) -> bool:
        """Collect the leaves; returns whether items are numbered by an ``enumerate``."""
        if not isinstance(it, Iter):
            seqs.append((it, d))
            return False
        match it.kind:
            case "range" | "count" | "tail":
                ranges.append(it)
                return False
            case "repeat":
                if it.parts[1] is not None:
                    ranges.append(Iter("range", (it.parts[1],)))
                return False
            case "enumerate":
                self.survey(it.parts[0], d, ranges, seqs)
                return True
            case "reversed":
                return self.survey(it.parts[0], -d, ranges, seqs)
            case "zip" | "map":
                numbered = [self.survey(p, d, ranges, seqs) for p in it.parts[1:]]
                return any(numbered)
        self.lw.stop("iterate", f"looping over {it.kind} is not supported", self.node)

    def written(self, b: Bound) -> bool:
        """Whether the loop may write to the array: rows are views then."""
        if not isinstance(b, Loc):
            return False
        if self.lw.settled(b).cell in self.indexed:
            return True
        k = kind(self.lw.read(b))
        if isinstance(k, Array) and len(k.dims) < 2:  # numbers: whether it is written to shows afterwards
            return False
        if any(generators.contains_yield(s) for s in self.node.body):  # whoever reads the rows may
            return isinstance(k, Array)
        return self.lw.written_in(self.node, b)

    def over_range(self, it: Bound) -> Item:
        d = 1
        tree: Any = it
        while tree.kind == "reversed":
            tree, d = tree.parts[0], -d
        wrapped = tree.kind in ("zip", "map")
        if wrapped:
            return self.over_index(it)
        start, stop, step = range_parts(tree)
        if d < 0 and not same(step, Const(1)):  # downwards, from the last
            lw = self.lw
            n = self.length(tree)
            last = lw.prim(
                operator.add, [start, lw.prim(operator.mul, [lw.prim(operator.sub, [n, Const(1)]), step])]
            )
            start, stop, step, d = (
                last,
                lw.prim(operator.sub, [start, step]),
                lw.prim(operator.neg, [step]),
                1,
            )
        self.range, self.reverse, self.named = [start, stop, step], d < 0, True
        return lambda: Plain(self.index)

    def over_index(self, it: Bound) -> Item:
        """Count from zero up to the shortest length; every leaf is indexed."""
        self.by_index = True
        stop = self.shortest(it)
        if stop is None:
            self.lw.stop("iterate", "this loop never ends by itself", self.node,
                         help="write it as while True, with a break")  # fmt: skip
        self.range = [Const(0), stop, Const(1)]
        return self.binder(it, 1)

    def shortest(self, it: Bound) -> Atom | None:
        """The number of items: that of the shortest leaf; None if there is no end."""
        lw = self.lw
        if isinstance(it, Iter) and it.kind in ("zip", "map"):
            found: list[Atom] = []
            for p in it.parts[1:]:
                n = self.shortest(p)
                if n is not None and not any(same_length(n, m) for m in found):
                    found.append(n)
            if len(found) <= 1:
                return found[0] if found else None
            return lw.prim(min, found, result=Scalar("i8", True, fresh_sym()))
        if isinstance(it, Iter) and it.kind in ("enumerate", "reversed"):
            return self.shortest(it.parts[0])
        return leaf_length(lw, it, self.node)

    def length(self, b: Bound) -> Atom:
        n = leaf_length(self.lw, b, self.node)
        assert n is not None
        return n

    # ---- items
    def binder(self, it: Bound, d: int) -> Item:
        """How to get the item of this trip."""
        lw = self.lw
        if not isinstance(it, Iter):
            return self.leaf(it, d)
        match it.kind:
            case "range":
                start, _, step = range_parts(it)
                if d < 0:
                    n = self.length(it)
                    return lambda: Plain(self.counted(start, step, self.back(n)))
                return lambda: Plain(self.counted(start, step, self.index))
            case "count":
                first, by = it.parts
                return lambda: Plain(self.counted(first, by, self.index))
            case "tail":
                from srcdiff.frontend import sequences

                seq, at = it.parts
                return lambda: sequences.item_at(
                    lw, seq, self.counted(lw.read(at), Const(1), self.index), self.node
                )
            case "repeat":
                return given(it.parts[0])
            case "zip":
                binders = [self.binder(p, d) for p in it.parts[1:]]
                return lambda: Agg(tuple, tuple(range(len(binders))), tuple(b() for b in binders))
            case "map":
                fn, *parts = it.parts
                rows = tuple(self.binder(p, d) for p in parts)
                return partial(applied, lw, fn, rows, self.node)
            case "reversed":
                return self.binder(it.parts[0], -d)
        inner = self.binder(it.parts[0], d)
        first = lw.read(it.parts[1])
        return lambda: Agg(tuple, (0, 1), (Plain(self.counted(first, Const(1), self.index)), inner()))

    def counted(self, start: Atom, step: Atom, k: Atom) -> Atom:
        """``start + step * k``."""
        lw = self.lw
        if same(step, Const(-1)):
            return lw.prim(operator.sub, [start, k])
        by = k if same(step, Const(1)) else lw.prim(operator.mul, [step, k])
        return by if same(start, Const(0)) else lw.prim(operator.add, [start, by])

    def back(self, n: Atom) -> Atom:
        return self.lw.prim(operator.sub, [self.lw.prim(operator.sub, [n, Const(1)]), self.index])

    def leaf(self, it: Bound, d: int) -> Item:
        """An item of a sequence: a row taken by index where the loop counts, else an element consumed."""
        lw = self.lw
        box = content(lw, it)
        if isinstance(box, Agg):  # of known structure, beside something longer
            from srcdiff.frontend.expressions import element

            size: Atom = Const(len(box.items))
            keys = Agg(tuple, tuple(range(len(box.keys))), tuple(Plain(Const(k)) for k in box.keys))
            known = keys if box.type is dict else box
            return lambda: element(lw, known, self.index if d > 0 else self.back(size), self.node)
        value = lw.read(it, self.node)
        k = kind(value)
        if self.by_index and isinstance(k, (Array, Seq)):
            n = self.length(it) if d < 0 else None

            def row() -> Bound:
                at = self.index if n is None else self.back(n)
                if isinstance(it, Loc):
                    home = lw.settled(it)
                    return lw.view(Loc(home.cell, home.path), Step(operator.getitem, (at,)))
                return lw.bind(lw.getitem(value, at))

            return row
        elem = UNKNOWN if k == UNKNOWN else k if k in (OTHER, STR) else index_kind(k, self.index)[0]
        v = Val(element_name(self.node.target), joins.with_fresh(elem), user=not lw.quiet())
        self.sources.append((value, d, v))
        if isinstance(it, Loc):
            home = lw.settled(it)
            self.cells.append(home.cell)
            if isinstance(k, Seq) and places.changeable(k.elem) and not lw.frame.static:
                return self.place(home, v)
        return lambda: lw.freeze(lw.bind(v))

    def place(self, home: Loc, v: Val) -> Item:
        """An element that can be changed: a place in its list, at an index that nobody may need."""
        lw = self.lw
        at = self.lists.setdefault(home.cell, Val("k", Scalar("i8", True, fresh_sym())))
        step = places.element_step(at)

        def element() -> Bound:
            spot = Loc(home.cell, (*home.path, step), v, lw.state.cells[home.cell])
            return lw.element_bound(spot, v, v.kind) if isinstance(v.kind, Tree) else spot

        return element

    def changed(self, op: Op, made: list[Op]) -> frozenset[int]:
        """The lists whose elements the loop takes by index, or that it changes."""
        inner = [x for o in [*made, op] for x in walk(Region(ops=[o]))]
        used = {v for x in inner for v in vals([*x.ins, *(a for r in x.regions for a in r.results)])}
        changes = set(op.attrs.get("changes", ()))
        return frozenset(c for c, marker in self.lists.items() if marker in used or c in changes)


def range_parts(it: Iter) -> tuple[Atom, Atom, Atom]:
    """Start, stop and step of a range."""
    parts = it.parts
    if len(parts) == 1:
        return Const(0), parts[0], Const(1)
    return parts[0], parts[1], parts[2] if len(parts) > 2 else Const(1)


def leaf_length(lw: Lowerer, it: Bound, node: Any) -> Atom | None:
    """The number of items of a leaf; None if it never ends."""
    result = Scalar("i8", True, fresh_sym())
    if isinstance(it, Iter):
        if it.kind == "count":
            return None
        if it.kind == "repeat":
            return it.parts[1]  # type: ignore[no-any-return]
        if it.kind == "tail":
            whole = leaf_length(lw, it.parts[0], node)
            return lw.prim(operator.sub, [whole or Const(0), lw.read(it.parts[1])])
        if it.kind != "range":
            lw.stop("iterate", f"the length of {it.kind} is not known here", node, help="make a list of it")
        start, stop, step = range_parts(it)
        if same(step, Const(1)):
            return stop if same(start, Const(0)) else lw.prim(operator.sub, [stop, start])
        if same(step, Const(-1)):
            if isinstance(stop, Const) and stop.value < 0:
                return lw.prim(operator.add, [start, Const(-stop.value)])
            return lw.prim(operator.sub, [start, stop])
        if all(is_constant(a) for a in (start, stop, step)):
            return Const(len(range(constant(start), constant(stop), constant(step))))
        return lw.prim(len, [lw.prim(range, [start, stop, step], result=OTHER)], result=result)
    box = content(lw, it)
    if isinstance(box, Agg):
        return Const(len(box.items))
    value = lw.sure(lw.read(it, node))
    k = kind(value)
    if isinstance(k, Array):
        if not k.dims:
            lw.stop("iterate", "a 0-d array cannot be looped over", node)
        return lw.shape_of(value, 0)
    if not isinstance(k, Seq) and k not in (UNKNOWN, OTHER, STR):
        lw.stop("iterate", "this cannot be looped over", node)
    return lw.prim(len, [value], result=result)


def same_length(a: Atom, b: Atom) -> bool:
    """Whether two lengths are equal for certain."""
    if same(a, b):
        return True
    ka, kb = kind(a), kind(b)
    if isinstance(ka, Scalar) and isinstance(kb, Scalar) and ka.value is not None and ka.value == kb.value:
        return True
    pairs = [
        v.op for v in (a, b) if isinstance(v, Val) and v.op is not None and v.op.fn in (len, ops.shape_at)
    ]
    return len(pairs) == 2 and same(pairs[0].ins[0], pairs[1].ins[0])


def element_name(target: Any) -> str:
    if isinstance(target, gast.Name):
        return str(target.id)
    if isinstance(target, (gast.Tuple, gast.List)) and target.elts:
        return (
            element_name(target.elts[-1])
            if not isinstance(target.elts[-1], (gast.Tuple, gast.List))
            else "item"
        )
    return "item"


def index_name(target: Any) -> str:
    if isinstance(target, gast.Name):
        return str(target.id)
    if isinstance(target, (gast.Tuple, gast.List)) and target.elts:
        return index_name(target.elts[0])
    return "i"


def counted(
    lw: Lowerer,
    node: Any,
    it: Bound,
    orelse: list[Any],
    live: bool = False,
    indexed: frozenset[int] = frozenset(),
) -> Any:
    """A loop over things that can be indexed: one loop of the graph."""
    mark, size = recursion.snapshot(lw), len(lw.region.ops)
    check_loopable(lw, it, node)
    header = Header(lw, node, indexed)
    binder = header.open(it, live)
    if header.named:
        header.index.name, header.index.user = index_name(node.target), not lw.quiet()
    elements = [e for _, _, e in header.sources]
    name_elements(node.target, elements)
    op = Op("for", list(header.range), attrs={"head": len(header.range), "rev": header.reverse})
    op.attrs["dirs"] = tuple(d for _, d, _ in header.sources)
    op.ins.extend(s for s, _, _ in header.sources)
    before = {c: lw.state.cells[c] for c in header.cells}

    def body(region: Region) -> Any:
        region.params = [header.index, *elements]
        lw.assign(node.target, binder())
        return lw.block(node.body)

    stopped = None
    try:
        code = loops.loop(lw, node, op, body, None, orelse)
    except Stop as stop:
        stopped = stop
    again = header.changed(op, lw.region.ops[size:]) - indexed
    rewritten = not live and any(lw.state.cells[c] is not x for c, x in before.items())
    if not again and not rewritten:
        if stopped is not None:
            raise stopped
        return code
    # the loop changes what it runs over: read it as Python does, by index
    longer = any(
        o.fn in LENGTH_CHANGES for top in [*lw.region.ops[size:], op] for o in walk(Region(ops=[top]))
    )
    recursion.recover(lw, mark)
    if longer and any(isinstance(kind(x), Seq) for x in before.values() if not isinstance(x, (Agg, Iter))):
        return changing(lw, node, it, orelse)
    return counted(lw, node, it, orelse, live or rewritten, indexed | again)


LENGTH_CHANGES = (ops.append, ops.rest, operator.concat)


def changing(lw: Lowerer, node: Any, it: Bound, orelse: list[Any]) -> Any:
    """A loop over a list that changes its length meanwhile: up to the length of the moment."""
    if not isinstance(it, Loc):
        lw.stop("iterate", "this list is changed while it is looped over", node,
                help="loop over a copy: list(xs)")  # fmt: skip
    gen = text(lw, iterators.by_index, [it], {}, node)
    assert isinstance(gen, Loc)
    return generators.drive(lw, node, lw.state.cells[gen.cell], partial(body_of, lw, node), orelse)


def check_loopable(lw: Lowerer, it: Bound, node: Any) -> None:
    if isinstance(it, Iter):
        return
    value = lw.sure(lw.read(it, node))
    k = kind(value)
    if isinstance(k, Array) and not k.dims:
        lw.stop("iterate", "a 0-d array cannot be looped over", node)
    if not isinstance(k, (Array, Seq)) and k not in (UNKNOWN, OTHER, STR):
        lw.stop("iterate", "this cannot be looped over", node)


def name_elements(target: Any, elements: list[Val]) -> None:
    """Give the elements of a zip the names of their targets."""
    if len(elements) == 1 or not isinstance(target, (gast.Tuple, gast.List)):
        return
    names = [t.id for t in target.elts if isinstance(t, gast.Name)]
    if len(names) == len(target.elts):
        names = names[len(names) - len(elements) :]
        for v, n in zip(elements, names, strict=False):
            v.name = n
