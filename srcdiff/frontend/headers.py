"""The head of a loop that stays a loop: its count, and its elements as operations on an index."""

from __future__ import annotations

import operator
from functools import partial
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.frontend import (
    generators,
    iteration,
    iterators,
    joins,
    known_items,
    loops,
    places,
    producers,
    unordered,
    views,
)
from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.core import Stop
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Bound, Iter, Loc, Plain, Step
from srcdiff.frontend.shapes import index_kind
from srcdiff.frontend.trial import recover, snapshot
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, LoopView, Op, Region, Val, kind, same, vals, walk
from srcdiff.ir.kinds import OTHER, STR, UNKNOWN, Array, Scalar, Seq, Tree, fresh_sym

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["counted", "leaf_length", "range_parts", "same_length"]


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
        self.over: set[int] = set()  # of all that is looped over
        self.by_index = False
        self.named = False  # the index is the user's
        self.index = Val("k", Scalar("i8", True, fresh_sym()))

    # ---- the shape of the loop
    def open(self, it: Bound, live: bool) -> known_items.Item:
        """Settle the header for ``it``; the result gives an item's bound inside the body."""
        ranges: list[Iter] = []
        seqs: list[tuple[Bound, int]] = []
        numbered = self.survey(it, 1, ranges, seqs)
        self.over = {self.lw.settled(b).cell for b, _ in seqs if isinstance(b, Loc)}
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

    def over_range(self, it: Bound) -> known_items.Item:
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

    def over_index(self, it: Bound) -> known_items.Item:
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
    def binder(self, it: Bound, d: int) -> known_items.Item:
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
                from srcdiff.frontend import listing

                seq, at = it.parts
                return lambda: listing.item_at(
                    lw, seq, self.counted(lw.read(at), Const(1), self.index), self.node
                )
            case "repeat":
                return known_items.given(it.parts[0])
            case "zip":
                binders = [self.binder(p, d) for p in it.parts[1:]]
                return lambda: Agg(tuple, tuple(range(len(binders))), tuple(b() for b in binders))
            case "map":
                fn, *parts = it.parts
                rows = tuple(self.binder(p, d) for p in parts)
                return partial(known_items.applied, lw, fn, rows, self.node)
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

    def leaf(self, it: Bound, d: int) -> known_items.Item:
        """An item of a sequence: a row taken by index where the loop counts, else an element consumed."""
        lw = self.lw
        box = content(lw, it)
        if isinstance(box, Agg):  # of known structure, beside something longer
            from srcdiff.frontend.expressions import element

            size: Atom = Const(len(box.items))
            keys = Agg(tuple, tuple(range(len(box.keys))), tuple(Plain(Const(k)) for k in box.keys))
            known = keys if box.type is dict else box
            return lambda: element(lw, known, self.index if d > 0 else self.back(size), self.node)
        it = unordered.gone_through(lw, it, self.node)
        value = lw.read(it, self.node)
        k = kind(value)
        if self.by_index and isinstance(k, (Array, Seq)):
            n = self.length(it) if d < 0 else None

            def row() -> Bound:
                at = self.index if n is None else self.back(n)
                if isinstance(it, Loc):
                    home = lw.settled(it)
                    return views.view(lw, Loc(home.cell, home.path), Step(operator.getitem, (at,)))
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
        if isinstance(it, Loc) and isinstance(v.kind, Array):
            return lambda: self.part(lw.settled(it), v)
        return lambda: lw.freeze(lw.bind(v))

    def part(self, home: Loc, v: Val) -> Bound:
        """A row of an array, which changes with it."""
        row = self.lw.freeze(self.lw.bind(v))
        if isinstance(row, Loc) and isinstance(kind(self.lw.state.cells[home.cell]), Array):
            self.lw.state.shares |= {frozenset({row.cell, home.cell})}
        return row

    def place(self, home: Loc, v: Val) -> known_items.Item:
        """An element that can be changed: a place in its list, at an index that nobody may need."""
        lw = self.lw
        at = self.lists.setdefault(home.cell, Val("k", Scalar("i8", True, fresh_sym())))
        step = places.element_step(at)

        def element() -> Bound:
            spot = Loc(home.cell, (*home.path, step), v, lw.state.cells[home.cell])
            return views.element_bound(lw, spot, v, v.kind) if isinstance(v.kind, Tree) else spot

        return element

    def changed(self, op: Op, made: list[Op]) -> frozenset[int]:
        """The lists whose elements the loop takes by index, or that it changes."""
        if not self.lists:
            return frozenset()
        inner = [x for o in [*made, op] for x in walk(Region(ops=[o]))]
        used = {v for x in inner for v in vals([*x.ins, *(a for r in x.regions for a in r.results)])}
        changes = set(op.attrs.get("changes", ()))
        return frozenset(c for c, marker in self.lists.items() if marker in used or c in changes)


    def keeps_rows(self, op: Op) -> bool:
        """Whether a variable is a row, or a part of one, when a trip is over: it changes with the array."""
        rows = {e for s, _, e in self.sources if isinstance(kind(s), Array) and isinstance(e.kind, Array)}
        if not rows or not op.regions:
            return False
        self.follow(op.regions[-1], rows)
        return any(v in rows for v in vals(LoopView(op).yields))

    def follow(self, region: Region, rows: set[Val]) -> None:
        """Add to ``rows`` what is made of them in a region and may be a part of them."""
        for o in region.ops:
            if o.is_loop:
                view = LoopView(o)
                rows |= {p for p, i in zip(view.params, view.inits, strict=True) if i in rows}
            for r in o.regions:
                self.follow(r, rows)
            if o.code == "prim":
                if o.ins and (o.attrs.get("view") or self.lw.ctx.may_alias(o.fn)) and o.ins[0] in rows:
                    rows.update(x for x in o.outs if isinstance(x.kind, Array))
            else:
                ends = zip(o.outs, *(r.results for r in o.regions), strict=False)
                rows |= {out for out, *found in ends if any(a in rows for a in found)}


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
    mark, size = snapshot(lw), len(lw.region.ops)
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
    held = {c: lw.state.cells[c] for c in header.over}

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
    rewritten = not live and (
        any(lw.state.cells[c] is not x for c, x in before.items()) or header.keeps_rows(op)
    )
    if not again and not rewritten:
        if stopped is not None:
            raise stopped
        lists = {kind(x) for c, x in held.items() if isinstance(x, Val) and lw.state.cells[c] is not x}
        made = (o for top in [*lw.region.ops[size:], op] for o in walk(Region(ops=[top])))
        if not lists or not any(o.fn in LENGTH_CHANGES and kind(o.ins[0]) in lists for o in made):
            return code
        recover(lw, mark)
        return changing(lw, node, it, orelse)
    # the loop changes what it runs over: read it as Python does, by index
    longer = any(
        o.fn in LENGTH_CHANGES for top in [*lw.region.ops[size:], op] for o in walk(Region(ops=[top]))
    )
    recover(lw, mark)
    if longer and any(isinstance(kind(x), Seq) for x in before.values() if not isinstance(x, (Agg, Iter))):
        return changing(lw, node, it, orelse)
    return counted(lw, node, it, orelse, live or rewritten, indexed | again)


LENGTH_CHANGES = (ops.append, ops.rest, operator.concat)


def changing(lw: Lowerer, node: Any, it: Bound, orelse: list[Any]) -> Any:
    """A loop over a list that changes its length meanwhile: up to the length of the moment."""
    if not isinstance(it, Loc):
        lw.stop("iterate", "this list is changed while it is looped over", node,
                help="loop over a copy: list(xs)")  # fmt: skip
    gen = producers.text(lw, iterators.by_index, [it], {}, node)
    assert isinstance(gen, Loc)
    return generators.drive(lw, node, lw.state.cells[gen.cell], partial(iteration.body_of, lw, node), orelse)


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
