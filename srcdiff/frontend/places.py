"""Arrays, lists and objects that live inside a list of unknown length.

An array that is put into such a list lives there from then on: its cell forwards to the place, a path that
starts at the list.  Writing through any name that holds it makes a new version of the list.  The elements of
a list are taken to be different objects; where that cannot be told the list is *mixed*, and its elements may
be read and replaced, not changed.
"""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from srcdiff.frontend import aliases, sharing
from srcdiff.frontend.scope import ELEMENTS, Agg, Bound, Forward, Loc, Plain, Step
from srcdiff.frontend.things import mutable
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Struct, Val, kind, same
from srcdiff.ir.kinds import INT, UNKNOWN, Kind, Scalar, Seq, Tree, fresh_sym, has_cell
from srcdiff.ir.records import dataclass

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = [
    "changeable", "detach", "element_step", "exchange", "from_start", "hold_still", "is_place", "put_in",
    "reached", "replaced", "share_elements", "taken_out",
]  # fmt: skip


def changeable(k: Kind) -> bool:
    """Whether values of a kind can be changed, or hold something that can."""
    if isinstance(k, Tree):
        return mutable(k.type) or any(changeable(x) for x in k.items)
    return has_cell(k)


def element_step(index: Atom) -> Step:
    return Step(operator.getitem, (index,))


def length(lw: Lowerer, seq: Atom) -> Atom:
    return lw.prim(len, [seq], result=Scalar("i8", True, fresh_sym()))


@dataclass(frozen=True, slots=True)
class PlaceType:
    """Places in one array or list that differ in their indices only; a loop carries these, not a value."""

    cell: int
    steps: tuple[Any, ...]  # of each step: the function, and the constant arguments (None where it varies)

    def place(self, indices: list[Any]) -> Loc:
        left = list(indices)
        path = tuple(
            Step(fn, tuple(left.pop(0) if a is None else a for a in args), names, method)
            for fn, args, names, method in self.steps
        )
        return Loc(self.cell, path)


def shape_of_path(b: Bound | None) -> PlaceType | None:
    """What places that differ in their indices only have in common."""
    if not isinstance(b, Loc) or not b.path:
        return None
    steps = []
    for s in b.path:
        args: list[Any] = []
        for a in s.args:
            if isinstance(kind(a), Scalar) and kind(a).dtype[0] == "i":  # type: ignore[union-attr]
                args.append(None)
            elif isinstance(a, Const):
                args.append(a)
            else:
                return None
        steps.append((s.fn, tuple(args), s.names, s.method))
    return PlaceType(b.cell, tuple(steps))


def indices_of(b: Any) -> list[Atom]:
    return [a for s in b.path for a in s.args if not isinstance(a, Const) or isinstance(kind(a), Scalar)]


def common_place(lw: Lowerer, start: Any, first: Bound | None, last: Bound) -> Kind | None:
    """How a loop carries a variable that is a place before it (if it is anything) and after each trip."""
    a = shape_of_path(lw.settled(last))
    if first is not None:
        old, lw.state = lw.state, start
        before = shape_of_path(lw.settled(first))
        lw.state = old
        a = a if a == before else None
    if a is None or a.cell not in start.cells:
        return None
    n = sum(x is None for _, args, _, _ in a.steps for x in args)
    return Tree(a, tuple(range(n)), (INT,) * n) if n else None


def at_place(lw: Lowerer, k: Any, b: Any) -> Atom | None:
    """The indices of a place, as a value of the kind that stands for it."""
    b = lw.settled(b)
    if shape_of_path(b) != k.type:
        return None
    return Struct(k.type, k.keys, tuple(indices_of(b)))


def put_in(lw: Lowerer, box: Loc, path: tuple[Step, ...], item: Bound, node: Any) -> None:
    """What ``item`` holds lives in the list ``box`` from now on, at ``path``."""
    if lw.frame.static:
        return
    item = lw.settled(item)
    if isinstance(item, Agg):
        for k, x in zip(item.keys, item.items, strict=True):
            put_in(lw, box, (*path, element_step(Const(k))), x, node)
    if not isinstance(item, Loc):
        return
    if item.cell == box.cell and not item.path:
        lw.stop("aliasing", "a list is put into itself", node)
    if item.path or item.cell in lw.pinned:  # a view of an array, an element of some list, an array of a loop
        lw.mixed.add(box.cell)
        lw.state.shares |= {frozenset({box.cell, item.cell, ELEMENTS})}
        return
    if any({item.cell, box.cell} <= g for g in lw.state.shares):  # it may be in there already
        lw.mixed.add(box.cell)
    held = lw.state.cells[item.cell]
    lw.state.cells[item.cell] = Forward(box.cell, path, held)
    lw.state.shares |= {g | {box.cell} for g in lw.state.shares if item.cell in g and ELEMENTS in g}
    aliases.may_be(lw.state, {box.cell}, aliases.near_to(lw.state.shares, {item.cell}) - {item.cell})
    if item.cell in lw.frozen:
        lw.mixed.add(box.cell)
    if isinstance(held, Agg):
        put_in(lw, box, path, Agg(held.type, held.keys, held.items), node)


def share_elements(lw: Lowerer, made: Bound, *sources: Bound) -> Bound:
    """A list has been made of the elements of others: arrays and objects in it are in these as well."""
    if lw.frame.static or not isinstance(made, Loc):
        return made
    held = lw.state.cells[lw.moved_to(made).cell]
    k = UNKNOWN if isinstance(held, Agg) else kind(held)
    if isinstance(k, Seq) and not changeable(k.elem):
        return made
    group = {lw.moved_to(made).cell, ELEMENTS}
    for source in sources:
        group |= reached(lw, source)
    if len(group) > 2:
        linked = [g for g in lw.state.shares if ELEMENTS in g and (g & group) - {ELEMENTS}]
        lw.state.shares |= {frozenset(group.union(*linked))}
        lw.mixed.add(lw.moved_to(made).cell)
    return made


def reached(lw: Lowerer, b: Bound) -> set[int]:
    """The cells that can be reached from a bound."""
    return {c for _, c in sharing.holds(lw, "", b, set())}


def detach(lw: Lowerer, box: Loc, index: Atom | None, node: Any) -> None:
    """An element of a list is replaced or taken out: names that hold one keep what they hold."""
    if lw.frame.static or isinstance(lw.state.cells[box.cell], Agg):
        return
    k = kind(lw.read(box))
    if not isinstance(k, Seq) or not changeable(k.elem):
        return
    depth, after = len(box.path), lw.names_after()
    for key, b in list(lw.state.names.items()):
        at = lw.settled(b)
        if not isinstance(at, Loc) or at.cell != box.cell or len(at.path) <= depth:
            if not isinstance(at, Loc) and any(c == box.cell for c in reached(lw, at)):
                lw.mixed.add(box.cell)
                lw.state.names[key] = apart(lw, box, at)
            continue
        if key[0] in after and key[1] not in after[key[0]]:
            continue
        kept = lw.bind(lw.read(at))
        if index is not None and not depth and len(at.path) == 1 and same(at.path[0].args[0], index):
            lw.state.names[key] = kept  # the very element: it is the name's alone now
            continue
        lw.mixed.add(box.cell)
        lw.state.names[key] = lw.freeze(kept)
    for cell, held in list(lw.state.cells.items()):  # lists and objects of known structure
        if isinstance(held, Agg) and cell != box.cell:
            now = apart(lw, box, held)
            if now is not held:
                lw.mixed.add(box.cell)
                lw.state.cells[cell] = now


def apart(lw: Lowerer, box: Loc, b: Bound) -> Bound:
    """A container of known structure: what of it lives in a list is a copy from now on."""
    if not isinstance(b, Agg):
        at = lw.settled(b)
        if isinstance(at, Loc) and at.cell == box.cell and len(at.path) > len(box.path):
            return lw.freeze(lw.bind(lw.read(at)))
        if not isinstance(at, Agg):
            return b
        b = at
    items = tuple(apart(lw, box, x) for x in b.items)
    if all(x is y for x, y in zip(items, b.items, strict=True)):
        return b
    return replace(b, items=items)


def hold_still(lw: Lowerer, box: Loc) -> None:
    """A list is about to grow at its end: places in it that are counted from there are so from its start."""
    if lw.frame.static:
        return
    after, depth = lw.names_after(), len(box.path)
    old = lw.read(box)
    if not isinstance(kind(old), Seq) or not changeable(kind(old).elem):  # type: ignore[union-attr]
        return

    def still(b: Bound) -> Bound:
        if isinstance(b, Agg):
            items = tuple(map(still, b.items))
            return b if all(x is y for x, y in zip(items, b.items, strict=True)) else replace(b, items=items)
        at = lw.settled(b) if isinstance(b, Loc) else b
        if not isinstance(at, Loc) or at.cell != box.cell or len(at.path) <= depth:
            return b
        if any(not same_step(s, t) for s, t in zip(at.path, box.path)):
            return b
        step = at.path[depth]
        index = from_start(lw, old, step.args[0])
        if index is step.args[0]:
            return b
        return replace(at, path=(*at.path[:depth], element_step(index), *at.path[depth + 1 :]))

    for key, b in list(lw.state.names.items()):
        if key[0] not in after or key[1] in after[key[0]]:
            lw.state.names[key] = still(b)
    for cell, held in list(lw.state.cells.items()):
        if isinstance(held, Agg):
            lw.state.cells[cell] = still(held)


def replaced(lw: Lowerer, place: Loc, old: Agg, new: Agg) -> Agg:
    """An element of a list gets other parts: who holds one that it had, holds it alone from now on.

    The new content, with what was a part of the element and still is, elsewhere in it, as such.
    """
    for key, item in zip(old.keys, old.items, strict=True):
        if key in new.keys and is_place(lw, new.items[new.keys.index(key)], item):
            continue
        if changeable(kind(lw.read(item))):
            new = left_behind(lw, Loc(place.cell, (*place.path, element_step(Const(key)))), new)
    return new


def is_place(lw: Lowerer, a: Bound, b: Bound) -> bool:
    """Whether two bounds are one place, surely."""
    a, b = lw.settled(a), lw.settled(b)
    if isinstance(a, Agg) and isinstance(b, Agg):
        alike = a.type is b.type and a.keys == b.keys
        return alike and all(is_place(lw, x, y) for x, y in zip(a.items, b.items, strict=True))
    if isinstance(a, Plain) and isinstance(b, Plain):
        return same(a.atom, b.atom)
    if not isinstance(a, Loc) or not isinstance(b, Loc):
        return a is b
    return a.cell == b.cell and len(a.path) == len(b.path) and all(map(same_step, a.path, b.path))


def left_behind(lw: Lowerer, spot: Loc, new: Agg) -> Agg:
    """What lives at a place of a list lives on without it, in a cell of its own, where somebody holds it."""
    after, depth = lw.names_after(), len(spot.path)
    home: Bound | None = None
    moving = False  # what has moved into a list, which nobody may hold: who does has been seen to

    def moved(b: Bound) -> Bound:
        nonlocal home
        if isinstance(b, Agg):
            items = tuple(map(moved, b.items))
            return b if all(x is y for x, y in zip(items, b.items, strict=True)) else replace(b, items=items)
        at = lw.settled(b) if isinstance(b, Loc) else b
        if not isinstance(at, Loc) or at.cell != spot.cell or len(at.path) < depth:
            return b
        if any(map(apart_steps, at.path, spot.path)):
            return b
        if not all(map(same_step, at.path, spot.path)):  # of this element or of another one
            if moving:
                return b
            lw.mixed.add(spot.cell)
            return lw.freeze(lw.bind(lw.read(at)))
        if home is None:
            home = lw.bind(lw.read(spot))
        return part_of(home, at.path[depth:])

    for key, b in list(lw.state.names.items()):
        if key[0] not in after or key[1] in after[key[0]]:
            lw.state.names[key] = moved(b)
    holders = list(lw.state.cells.items())
    for cell, held in holders:
        if isinstance(held, Agg):
            lw.state.cells[cell] = moved(held)
    found = moved(new)
    moving = True
    for cell, held in holders:
        if isinstance(held, Forward):
            now = moved(place := Loc(held.cell, held.path))
            if isinstance(now, Loc) and now is not place:
                lw.state.cells[cell] = replace(held, cell=now.cell, path=now.path)
            elif now is not place:
                lw.state.cells[cell] = now
    assert isinstance(found, Agg)
    return found


def part_of(b: Bound, path: tuple[Step, ...]) -> Bound:
    """What some steps from a bound lead to."""
    for n, s in enumerate(path):
        if not isinstance(b, Agg):
            assert isinstance(b, Loc)
            return Loc(b.cell, (*b.path, *path[n:]))
        key = s.args[0]
        assert isinstance(key, Const)
        b = b.items[b.keys.index(key.value)]
    return b


def apart_steps(s: Step, t: Step) -> bool:
    """Whether two steps lead to different parts, whatever the values are."""
    a, b = s.args[:1], t.args[:1]
    if s.fn is not t.fn or not a or not b or not isinstance(a[0], Const) or not isinstance(b[0], Const):
        return False
    x, y = a[0].value, b[0].value
    return x != y and not (isinstance(x, int) and isinstance(y, int) and (x < 0) != (y < 0))


def same_step(s: Step, t: Step) -> bool:
    return s.fn is t.fn and len(s.args) == len(t.args) and all(map(same, s.args, t.args))


def from_start(lw: Lowerer, seq: Atom, index: Atom) -> Atom:
    """The place of an element, counted from the start of a list."""
    if isinstance(index, Const):
        if isinstance(index.value, int) and index.value < 0:
            return lw.prim(operator.sub, [length(lw, seq), Const(-index.value)], result=INT)
        return index
    counted = isinstance(index, Val) and isinstance(index.kind, Scalar)
    if not counted or (isinstance(index, Val) and index.op is not None and index.op.fn is len):
        return index
    return lw.prim(operator.mod, [index, length(lw, seq)], result=INT)


def taken_out(lw: Lowerer, box: Loc, value: Atom) -> Bound:
    """The bound of an element that has just been taken out of a list."""
    b = lw.bind(value)
    if box.cell not in lw.own_lists or box.cell in lw.mixed:
        lw.freeze(b)
    return b


def exchange(lw: Lowerer, target: Any, items: list[Bound]) -> bool:
    """``rows[i], rows[j] = rows[j], rows[i]``: the elements stay different ones."""
    places = []
    for t in target.elts:
        if type(t).__name__ != "Subscript" or type(t.slice).__name__ in ("Slice", "Tuple"):
            return False
        places.append(t)
    got = [lw.settled(x) for x in items]
    if not all(isinstance(x, Loc) and len(x.path) == 1 for x in got):
        return False
    cells = {x.cell for x in got}
    content = lw.state.cells[got[0].cell]
    if len(cells) != 1 or isinstance(content, Agg) or not isinstance(kind(content), Seq):
        return False
    bases = [lw.settled(lw.expr(t.value)) for t in places]
    if not all(isinstance(b, Loc) and not b.path and b.cell in cells for b in bases):
        return False
    indices = [lw.read(lw.expr(t.slice)) for t in places]
    sources = [x.path[0].args[0] for x in got]
    left = list(sources)
    for i in indices:
        match = next((s for s in left if same(s, i)), None)
        if match is None:
            return False
        left.remove(match)
    values = [lw.read(x) for x in got]
    box = Loc(got[0].cell)
    was_mixed = box.cell in lw.mixed
    for i in indices:
        detach(lw, box, i, target)
    if not was_mixed and not any_place(lw):
        lw.mixed.discard(box.cell)
    for i, v in zip(indices, values, strict=True):
        now = lw.read(box)
        lw.write(box, lw.prim(ops.setitem, [now, i, v], result=kind(now), user=True), target)
    return True


def any_place(lw: Lowerer) -> bool:
    """Whether a live name holds what may be an element of a list."""
    after = lw.names_after()
    return any(
        isinstance(b, Loc) and b.cell in lw.frozen and (f not in after or n in after[f])
        for (f, n), b in lw.state.names.items()
    )
