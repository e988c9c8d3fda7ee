"""``for``: over ranges and sequences by one loop of the graph, over known containers by unrolling, over
generators by reading them.

What is looped over is a tree of descriptions (``Iter``): zip, enumerate, map ... of sequences and ranges.  If
all its leaves can be indexed, a ``Header`` makes one counted loop of it.  If a leaf is a generator, the tree
becomes a generator itself (the texts in ``iterators``), and ``generators.drive`` reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.frontend import checkpoints, exits, generators, headers, iterators, known_items, loops, producers
from srcdiff.frontend.constants import is_constant
from srcdiff.frontend.core import Stop
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Bound, Iter, Known, Loc, Plain, nodes_in
from srcdiff.frontend.trial import Trial, foreseen
from srcdiff.ir.graph import Const, Region, kind, same
from srcdiff.ir.kinds import OTHER, STR, Seq, alike

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["body_of", "for_loop", "iterate", "unroll"]


def for_loop(lw: Lowerer, node: Any) -> Any:
    if isinstance(node.iter, gast.Call) and isinstance(node.iter.func, (gast.Name, gast.Attribute)):
        if checkpoints.is_checkpoint(foreseen(lw, node.iter.func)):
            return checkpoints.marked_loop(lw, node.iter, partial(iterate, lw, node))
    return iterate(lw, node, lw.expr(node.iter))


def iterate(lw: Lowerer, node: Any, it: Bound) -> Any:
    """The loop ``node`` over ``it``; returns the exit code."""
    box = content(lw, it)
    if known_items.is_cursor(box) and leaves_early(node):
        return iterate(lw, node, producers.text(lw, iterators.rest_of, [it, box.type.seq], {}, node))
    taken: dict[int, bool] = {}
    left = leaves_early(node)
    again = resumable(lw, it, node) if left and isinstance(node.iter, gast.Name) else None
    tree = known_items.take(lw, it, node, taken)

    def finish() -> None:
        known_items.used_up(lw, taken, left)
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
    outer = lw.looped
    lw.looped |= known_items.looked_at(lw, it) | known_items.looked_at(lw, tree)
    try:
        code = read_loop(lw, node, it, tree, orelse)
    finally:
        lw.looped = outer
    finish()
    return code


def resumable(lw: Lowerer, it: Bound, node: Any) -> Iter | None:
    """Make a generator expression one that can be left and gone on with: by what it runs over."""
    state = lw.state.cells.get(it.cell) if isinstance(it, Loc) else None
    if not isinstance(it, Loc) or not isinstance(state, Iter) or state.kind != "genexp":
        return None
    tree, outer, first = state.parts
    if len(tree.generators) != 1:
        return None
    if not known_items.is_cursor(content(lw, first)):
        first = lw.call(Known(iter, "iter"), [first], {}, node)
    if not known_items.is_cursor(content(lw, first)):
        return None
    again = lw.state.cells[it.cell] = Iter("genexp", (tree, outer, first))
    return again


def runs_code(it: Any) -> bool:
    """Whether the items of a tree are computed when they are asked for."""
    if not isinstance(it, Iter):
        return False
    return it.kind in ("map", "generator", "genexp", "suspended") or any(map(runs_code, it.parts))


@lru_cache(maxsize=1024)
def leaves_early(node: Any) -> bool:
    """Whether the loop may end before what it runs over does, and the program go on."""
    leaving = (gast.Break, gast.Return, gast.Yield, gast.YieldFrom)
    return any(isinstance(n, leaving) for s in node.body for n in nodes_in(s))


def read_loop(lw: Lowerer, node: Any, it: Bound, tree: Bound, orelse: list[Any]) -> Any:
    items = known_items.items_of(lw, tree, node)
    if items is not None and len(items) <= known_items.LONGEST:
        few = FEW_LETTERS if has_text(lw, tree) else FEW
        if not lw.frame.static and few < len(items) * lw.copies:
            whole = rolled(lw, tree, node)
            if whole is not None:
                return counted_or_unrolled(lw, node, whole, orelse, items)
        live = known_items.live_list(lw, it)
        held = [] if live is not None else known_items.lists_in(lw, tree)
        return unroll(lw, node, items, orelse, live, held)
    if items is not None:
        before = {
            c: lw.state.cells[c] for c in known_items.looked_at(lw, it) | known_items.looked_at(lw, tree)
        }
        code = homogeneous(lw, node, items, orelse)
        if any(lw.state.cells[c] is not x for c, x in before.items()):
            note = f"it has more than {known_items.LONGEST} elements"
            lw.stop("iterate", "this container is changed while it is looped over", node, note=note,
                    help="loop over a copy: list(...)")  # fmt: skip
        return code
    tree = as_lists(lw, tree, node)
    if producers.by_generator(tree):
        gen = producers.as_generator(lw, tree, node)
        return generators.drive(lw, node, gen, partial(body_of, lw, node), orelse)
    trips = known_items.few_trips(tree)
    if trips is None:
        return headers.counted(lw, node, tree, orelse)
    return counted_or_unrolled(lw, node, tree, orelse, trips)


def as_lists(lw: Lowerer, tree: Bound, node: Any) -> Bound:
    """What is looped over, with the containers of numbers in a zip as lists of any length."""
    from srcdiff.frontend import statements

    if isinstance(tree, Iter) and tree.kind in ("zip", "enumerate", "reversed"):
        return Iter(tree.kind, tuple(as_lists(lw, p, node) for p in tree.parts))
    if not isinstance(tree, (Plain, Loc, Agg)) or not known_items.holds_numbers(lw, tree):
        return tree
    box = content(lw, tree)
    assert isinstance(box, Agg)
    return lw.bind(statements.to_sequence(lw, Agg(list, box.keys, box.items)))


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
        skip, end = known_items.SKIP.get(tree.kind, 0), 1 if tree.kind == "enumerate" else len(tree.parts)
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
            return lw.bind(statements.to_sequence(lw, as_list))
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


def counted_or_unrolled(
    lw: Lowerer, node: Any, it: Bound, orelse: list[Any], trips: list[known_items.Item]
) -> Any:
    """A loop over a few known numbers: as a loop, or trip by trip where it cannot be read as one.

    Trips differ in what is known of them: which function, or which shape, an index stands for.
    """
    few = len(trips) <= known_items.SHORT and lw.unrolling * len(trips) <= known_items.MOST_UNROLLED
    if lw.by_trips and few:
        return by_trips(lw, node, orelse, trips)
    trial = Trial(lw)
    failed: Stop | None = None
    try:
        code = headers.counted(lw, node, it, orelse)
    except Stop as stop:
        failed, code = stop, exits.FALL
    found = trial.found
    told = [*found, failed.problem if failed is not None else None]
    again = lw.unrolling * len(trips) <= known_items.MOST_UNROLLED and not lw.frame.static
    again = again and not any(p is not None and p.slug == "recursion" for p in told)
    if (failed is None and not found) or not again:
        if failed is not None:
            raise failed
        return code
    trial.undo()
    try:
        code = by_trips(lw, node, orelse, trips)
        if not trial.found and not (isinstance(code, int) and code == exits.RAISE):
            return code
    except Stop:
        pass  # the problems of the loop itself are told
    lw.problems[trial.problems :] = found
    if failed is not None:
        raise failed
    return code


def by_trips(lw: Lowerer, node: Any, orelse: list[Any], trips: list[known_items.Item]) -> Any:
    """A loop over a few known numbers, read trip by trip."""
    lw.unrolling *= max(len(trips), 1)
    try:
        return unroll(lw, node, trips, orelse)
    finally:
        lw.unrolling //= max(len(trips), 1)


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


def strict_check(lw: Lowerer, node: Any, tree: Bound) -> list[Any]:
    """What ``zip(..., strict=True)`` adds at its end: an error if the lengths differ."""
    if not isinstance(tree, Iter) or tree.kind != "zip" or tree.parts[0] is not True:
        return []
    parts = tree.parts[1:]
    fixed = [known_items.items_of(lw, p, node) for p in parts]
    if all(f is not None for f in fixed):
        if len({len(f) for f in fixed if f is not None}) > 1:
            lw.stop("iterate", "the arguments of zip(strict=True) differ in length", node)
        return []
    if any(producers.by_generator(p) for p in parts):
        lw.stop(
            "iterate",
            "zip(strict=True) of a generator is not supported",
            node,
            help="leave strict out, or make a list of it",
        )

    def read() -> Any:
        sizes = [Plain(headers.leaf_length(lw, p, node) or Const(0)) for p in parts]
        for other in sizes[1:]:
            if not same(sizes[0].atom, other.atom) and not headers.same_length(sizes[0].atom, other.atom):
                producers.text(lw, iterators.check_lengths, [sizes[0], other], {}, node)
        return exits.FALL

    return [generators.Do(read)]


def unroll(
    lw: Lowerer,
    node: Any,
    items: list[known_items.Item],
    orelse: list[Any] | None = None,
    live: Loc | None = None,
    held: Sequence[tuple[Loc, int]] = (),
) -> Any:
    """A loop over a container of known structure: its body once for each element.

    ``live``: the list itself, which may grow; ``held``: lists in a zip or the like, which may not.
    """
    orelse = node.orelse if orelse is None else orelse
    if len(items) > known_items.LONGEST:
        return homogeneous(lw, node, items, orelse)
    if lw.copies == 1:
        lw.made = 0
    nested = lw.copies * len(items) > known_items.LONGEST

    def go(k: int) -> Any:
        if nested and lw.made > known_items.MOST_MADE:
            lw.stop("unroll", "nested loops that are written out trip by trip come to too much here", node,
                    note=f"more than {known_items.MOST_MADE} operations")  # fmt: skip
        item = items[k] if k < len(items) else None
        if live is not None:
            now = lw.state.cells[live.cell]
            if not isinstance(now, Agg) or len(now.items) > known_items.LONGEST:
                lw.stop("iterate", "this list changes its length while it is looped over", node,
                        help="loop over a copy: list(xs)")  # fmt: skip
            item = known_items.given(now.items[k]) if k < len(now.items) else None
        if item is None:
            for at, size in held:
                known_items.still_long(lw, at, size, node)
            return lw.block(orelse)
        lw.assign(node.target, item())
        lw.copies *= len(items)
        try:
            e = loops.in_loop(lw, lambda region: lw.block(node.body), lw.region)
        finally:
            lw.copies //= len(items)
        if isinstance(e, int):
            return go(k + 1) if e in (exits.FALL, exits.CONTINUE) else exits.FALL if e == exits.BREAK else e
        ways = sorted(exits.codes(e) - {exits.FALL, exits.CONTINUE, exits.RAISE})
        leave = [(c, exits.FALL if c == exits.BREAK else c) for c in ways]
        return exits.leave_by(lw, e, leave, lambda: go(k + 1))

    return go(0)


def homogeneous(lw: Lowerer, node: Any, items: list[known_items.Item], orelse: list[Any]) -> Any:
    """A long container whose elements look alike: one loop."""
    from srcdiff.frontend import statements

    bounds = tuple(item() for item in items)
    kinds = [kind(lw.read(b)) for b in bounds]
    if not all(alike(kinds[0], k) for k in kinds):
        lw.stop("unroll", f"a loop over {len(items)} elements of different kinds is too long", node)
    box = Agg(list, tuple(range(len(bounds))), bounds)
    return headers.counted(lw, node, lw.bind(statements.to_sequence(lw, box)), orelse)
