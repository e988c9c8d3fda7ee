"""Where paths meet: the one state that both may go on from."""

from __future__ import annotations

import operator
from functools import partial
from typing import TYPE_CHECKING, Any

from srcdiff.frontend import aliases, control, places
from srcdiff.frontend.comparisons import is_member
from srcdiff.frontend.scope import (
    ELEMENTS,
    Agg,
    Bound,
    Closure,
    Either,
    Forward,
    Iter,
    Known,
    Loc,
    Method,
    Partial,
    Plain,
    Poison,
    State,
    flag_of,
    is_flag,
    name_of_flag,
)
from srcdiff.frontend.words import is_const_none, name_of_value
from srcdiff.ir.graph import UNDEF, Atom, Const, Op, Ref, Struct, Val, key_of, kind, same
from srcdiff.ir.kinds import BOOL, Array, Kind, Maybe, Scalar, Seq, Tree, fresh_sym, has_cell, join

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = [
    "Joiner",
    "fixed_shape",
    "held_as",
    "is_lazy",
    "is_thing",
    "item_hint",
    "joined",
    "part_of",
    "same_bound",
    "set_part",
    "similar",
    "with_fresh",
]


class Joiner:
    """Joins the bindings of two paths into the results of an ``if``."""

    def __init__(
        self, lw: Lowerer, op: Op, states: tuple[State, State], there: list[dict[Any, Atom]]
    ) -> None:
        self.lw, self.op, self.states, self.there = lw, op, states, there
        self.made: dict[Any, Val] = {}
        self.cells: dict[Any, Bound] = {}
        self.meeting = aliases.Meeting(*states)

    def val(self, a: Atom, b: Atom, hint: str) -> Atom:
        if same(a, b):
            return a

        key = (key_of(a), key_of(b))
        if key not in self.made:
            ka, kb = kind(a), kind(b)
            k = kb if a is UNDEF else ka if b is UNDEF else join(ka, kb)
            with self.lw.inside(self.op.regions[0]):
                a = self.lw.conform(a, k)
            with self.lw.inside(self.op.regions[1]):
                b = self.lw.conform(b, k)
            v = Val(hint, with_fresh(k), self.op, user=not self.lw.quiet())
            self.op.regions[0].results.append(a)
            self.op.regions[1].results.append(b)
            self.op.outs.append(v)
            self.made[key] = v
        return self.made[key]

    def read(self, which: int, b: Bound | None) -> Atom:
        if b is None:
            return UNDEF
        lw = self.lw
        old, lw.state = lw.state, self.states[which]
        try:
            with lw.inside(self.op.regions[which]):
                lw.there = self.there[which]
                return lw.read(b)
        finally:
            lw.state = old

    def both(self, a: Bound | None, b: Bound | None) -> tuple[Atom, Atom]:
        """The values at the end of the two paths; of what neither has changed, the value that it is."""
        x, y = self.read(0, a), self.read(1, b)
        tested = self.there
        self.there = [{}, {}]
        try:
            before = self.read(0, a)
            return (before, before) if same(before, self.read(1, b)) else (x, y)
        finally:
            self.there = tested

    def bound(self, a: Bound | None, b: Bound | None, hint: str) -> Bound | None:
        if a is b:
            return a
        a, b = self.settled(0, a), self.settled(1, b)
        for side in (a, b):
            if isinstance(side, Poison) and (side.follows or side.retry is not None):
                return side
        if isinstance(a, Loc) and isinstance(b, Loc) and a.cell == b.cell and not a.path and not b.path:
            return Loc(a.cell)
        if is_lazy(self.states[0], a) or is_lazy(self.states[1], b):
            one = a if b is None else b if a is None else None
            return one or Poison(f"{hint!r} is an iterator, and a different one on each path")
        ca, cb = self.inside(0, a), self.inside(1, b)
        if isinstance(ca, Agg) and isinstance(cb, Agg) and ca.type is cb.type and ca.keys == cb.keys:
            pairs = zip(ca.items, cb.items, ca.keys, strict=True)
            items = [self.bound(x, y, f"{hint}_{k}" if hint else "") for x, y, k in pairs]
            if any(x is None for x in items):
                return Poison(f"{hint!r} differs between the paths")
            agg = Agg(ca.type, ca.keys, tuple(x for x in items if x is not None))
            if isinstance(a, Loc) and isinstance(b, Loc):
                return self.merged(a, b, agg)
            return agg
        if is_thing(ca) and is_thing(cb) and ca.type is not cb.type:
            return self.either(a, b, hint)  # type: ignore[arg-type]
        if nothing(ca, cb) and any(self.holds_thing(n, x) for n, x in enumerate((ca, cb))):
            return self.either(a, b, hint)  # type: ignore[arg-type]
        one = a if b is None else b if a is None else None
        if one is not None and not isinstance(one, (Plain, Loc, Agg)):
            return self.half(one, 0 if b is None else 1, hint)
        shape = places.shape_of_path(a)
        if shape is not None and shape == places.shape_of_path(b):  # two places in one array or list
            both = zip(places.indices_of(a), places.indices_of(b), strict=True)
            return shape.place([self.val(x, y, "k") for x, y in both])
        if isinstance(a, (Plain, Loc, Agg, type(None))) and isinstance(b, (Plain, Loc, Agg, type(None))):
            if one is not None and isinstance(self.inside(0 if b is None else 1, one), Agg):
                return self.half(one, 0 if b is None else 1, hint)
            v = self.val(*self.both(a, b), hint)
            k = kind(v)
            if isinstance(v, Val) and has_cell(k):
                both_in = self.merged(a, b, v)
                if isinstance(ca, Agg) or isinstance(cb, Agg):  # what was in a list may still be there
                    self.meeting.add(self.lw.state, {both_in.cell}, (self.reached(0, a), self.reached(1, b)))
                return both_in
            new = self.lw.bind(v) if isinstance(v, (Val, Struct)) else Plain(v)
            were = (self.reached(0, a), self.reached(1, b))
            self.meeting.add(self.lw.state, places.reached(self.lw, new), were)  # it is the one or the other
            return new

        if a is None or b is None:
            return Poison(f"{hint!r} has no value on one of the paths")
        if same_bound(self.lw, a, b):
            return a
        if all(isinstance(x, (Plain, Loc, Agg)) or is_member(x) for x in (a, b)):
            return Plain(self.val(*self.both(a, b), hint))
        return self.either(a, b, hint)

    def either(self, a: Bound, b: Bound, hint: str) -> Bound:
        """The one or the other."""
        two = Either(self.op.ins[0], self.half(a, 0, hint), self.half(b, 1, hint))
        many = f"{hint!r} may be one of too many functions"
        return two if choices(two) <= MOST_CHOICES else Poison(many)

    def was_there(self, b: Loc) -> bool:
        """Whether what a place is in was made before the paths parted."""
        return all(b.cell in state.cells for state in self.states)

    def half(self, b: Bound, which: int, hint: str) -> Bound:
        c = self.inside(which, b)
        if isinstance(c, Agg) and isinstance(b, Loc):
            if self.was_there(b):
                return b
            at = ("half", which, b.cell)
            if at not in self.cells:
                cell = self.lw.state.new_cell(c)
                self.cells[at] = Loc(cell)
                parts = zip(c.keys, c.items, strict=True)
                items = tuple(self.half(x, which, item_of(c, k, hint)) for k, x in parts)
                self.lw.state.cells[cell] = Agg(c.type, c.keys, items)
            return self.cells[at]
        if isinstance(c, Agg):
            return Agg(c.type, c.keys, tuple(self.half(x, which, hint) for x in c.items))
        if isinstance(b, Plain) and isinstance(b.atom, (Const, Ref)):
            return b
        if isinstance(b, Loc) and not b.path and self.was_there(b):
            return b
        if isinstance(b, (Plain, Loc)):
            place = ("half", which, b.cell, *map(id, b.path)) if isinstance(b, Loc) else None
            if place in self.cells:
                return self.cells[place]
            x = self.read(which, b)
            v = self.val(x, UNDEF, hint) if which == 0 else self.val(UNDEF, x, hint)
            new = self.lw.bind(v) if isinstance(v, Val) else Plain(v)
            if isinstance(b, Loc) and isinstance(new, Loc):  # (another name may hold it, or a part of it)
                self.cells[place] = self.copied(new, which, b)
            return new
        half = partial(self.half, which=which, hint="")
        if isinstance(b, Partial):
            return Partial(half(b.fn), tuple(map(half, b.args)), {k: half(x) for k, x in b.kwargs.items()})
        if isinstance(b, Closure):
            return Closure(b.node, b.frame, b.name, {k: half(x) for k, x in b.defaults.items()})
        if isinstance(b, Method):
            return Method(half(b.owner), b.name)
        if isinstance(b, Either):
            test = half(Plain(b.test))
            return Either(self.lw.read(test), half(b.then), half(b.other))
        return b

    def copied(self, new: Bound, which: int, b: Bound) -> Bound:
        """``new`` is ``b`` on the one path."""
        cells = {b.cell} if isinstance(b, Loc) else set()
        if isinstance(new, Loc):
            self.meeting.add(self.lw.state, {new.cell}, (cells, set()) if which == 0 else (set(), cells))
        return new

    def settled(self, which: int, b: Bound | None) -> Bound | None:
        lw = self.lw
        old, lw.state = lw.state, self.states[which]
        try:
            return lw.settled(b)  # type: ignore[no-any-return]
        finally:
            lw.state = old

    def reached(self, which: int, b: Bound | None) -> set[int]:
        lw = self.lw
        old, lw.state = lw.state, self.states[which]
        try:
            return places.reached(lw, b) if b is not None else set()
        finally:
            lw.state = old

    def inside(self, which: int, b: Bound | None) -> Any:
        if isinstance(b, Loc) and not b.path and isinstance(self.states[which].cells.get(b.cell), Agg):
            return self.states[which].cells[b.cell]
        return b

    def holds_thing(self, which: int, box: Any) -> bool:
        """Whether a container is an object, or a tuple or list with one in it."""
        if is_thing(box) or not isinstance(box, Agg):
            return is_thing(box)
        return any(self.holds_thing(which, self.inside(which, x)) for x in box.items)

    def merged(self, a: Bound | None, b: Bound | None, content: Any) -> Loc:
        cells = ({a.cell} if isinstance(a, Loc) else set(), {b.cell} if isinstance(b, Loc) else set())
        at = tuple((x.cell, *map(id, x.path)) if isinstance(x, Loc) else () for x in (a, b))
        if at not in self.cells or not all(cells):
            cell = self.lw.state.new_cell(content)
            self.cells[at] = Loc(cell, (), content if isinstance(content, Val) else None, content)
            self.meeting.add(self.lw.state, {cell}, cells)
        got = self.cells[at]
        assert isinstance(got, Loc)
        return got

    def all(self) -> None:
        lw = self.lw
        s0, s1 = self.states
        lw.complete(s0)
        lw.complete(s1)
        lw.state = State({}, {}, s0.shares | s1.shares)
        for cell in [c for c in s0.cells if c in s1.cells]:
            x, y = s0.cells[cell], s1.cells[cell]
            if x is y or (isinstance(x, Iter) and x.stands_as(y)):
                lw.state.cells[cell] = x
        for cell in s0.cells.keys() ^ s1.cells.keys():
            lw.state.cells[cell] = s0.cells.get(cell, s1.cells.get(cell))
        for cell in [c for c in s0.cells if c in s1.cells and c not in lw.state.cells]:
            x, y = s0.cells[cell], s1.cells[cell]
            if isinstance(x, Iter) or isinstance(y, Iter):
                lw.state.cells[cell] = Iter("left", ("it was used on one path only",))
                continue
            hint = held_as(s0, cell)
            if isinstance(x, Poison) or isinstance(y, Poison):
                lw.state.cells[cell] = x if isinstance(x, Poison) else y
            elif isinstance(x, Agg) and isinstance(y, Agg) and x.type is y.type and same_keys(x, y):
                lw.state.cells[cell] = self.fields(x, y, hint)
            else:
                ends = self.content(0, x), self.content(1, y)
                one, other = map(self.tested, (0, 1), ends)
                lw.state.cells[cell] = ends[0] if same(*ends) else self.val(one, other, hint)
                self.still_hold(cell, x, y)
                moved = {z.cell for z in (x, y) if isinstance(z, Forward)}
                if moved:  # it lives in a list on one of the paths
                    lw.state.shares |= {frozenset({cell, c}) for c in moved}
        for key in [k for k in s0.names.keys() ^ s1.names.keys() if k[0] < 0]:
            control.seed_world(lw, (s0, s1), key)
        for key in [*s0.names, *(k for k in s1.names if k not in s0.names)]:
            meet = self.flag if is_flag(key[1]) else self.bound
            got = meet(s0.names.get(key), s1.names.get(key), key[1])
            if got is not None:
                lw.state.names[key] = got

    def flag(self, a: Bound | None, b: Bound | None, hint: str) -> Bound | None:
        """Whether a name is bound: where one path alone binds it, that is what the branch asks."""
        test = self.op.ins[0]
        if isinstance(a, Plain) and isinstance(b, Plain) and kind(test) == BOOL:
            if (a.atom, b.atom) == (Const(True), Const(False)):
                return Plain(test)
            if (a.atom, b.atom) == (Const(False), Const(True)):
                return Plain(self.lw.prim(operator.not_, [test], result=BOOL))
        return self.bound(a, b, hint)

    def still_hold(self, cell: int, *were: Any) -> None:
        """A container has become a value: arrays and objects that it held as such may be in it still."""
        lw = self.lw
        for which, box in enumerate(were):
            others: frozenset[int] = frozenset()  # what the elements before may be
            for item in box.items if isinstance(box, Agg) else ():
                at = self.settled(which, item)
                inner = self.reached(which, at)
                lw.state.shares |= {frozenset({cell, c, ELEMENTS}) for c in inner if c != cell}
                part = isinstance(at, Loc) and (at.path or inner & (lw.pinned | lw.frozen))
                if inner & others or (inner and part):
                    lw.mixed.add(cell)
                others |= aliases.near_to(self.states[which].shares, inner)

    def fields(self, x: Agg, y: Agg, hint: str) -> Agg:
        """The fields of one object at the end of two paths, each of which may have set some of its own."""
        if is_thing(x):
            x, y = self.with_class(0, x, y), self.with_class(1, y, x)
        keys = (*x.keys, *(k for k in y.keys if k not in x.keys))
        if is_thing(x):
            some = (flag_of(k) for k in keys if (k in x.keys) != (k in y.keys) and not is_flag(k))
            keys = (*keys, *(f for f in some if f not in keys))
        sort = "{1}" if x.type not in (tuple, list, dict) else "{0}_{1}" if hint else "{1}"
        items = []
        for k in keys:
            p, q = part_of(x, k), part_of(y, k)
            if is_thing(x) and is_flag(k):
                ends = (Plain(Const(name_of_flag(k) in c.keys)) for c in (x, y))
                p, q = (b or end for b, end in zip((p, q), ends, strict=True))
                items.append(self.flag(p, q, k) or p)
                continue
            got = self.bound(p, q, sort.format(hint, k))
            items.append(got if got is not None else Poison(f"{k!r} differs between the paths"))
        return Agg(x.type, keys, tuple(items))

    def with_class(self, which: int, box: Agg, other: Agg) -> Agg:
        """An object, with what its class says of the fields that only the other path has set."""
        lw = self.lw
        old, lw.state = lw.state, self.states[which]
        try:
            with lw.inside(self.op.regions[which]):
                added = {k: lw.of_class(box.type, k) for k in other.keys if k not in box.keys}
        finally:
            lw.state = old
        found = {k: b for k, b in added.items() if b is not None}
        return Agg(box.type, (*box.keys, *found), (*box.items, *found.values()))

    def tested(self, which: int, a: Atom) -> Atom:
        return self.there[which].get(name_of_value(a), a)

    def content(self, which: int, x: Any) -> Atom:
        if isinstance(x, Forward):
            x = Loc(x.cell, x.path)
        return self.read(which, x) if isinstance(x, (Agg, Loc)) else x


def is_thing(box: Any) -> bool:
    """Whether a container is an object of a class of the user's (which class makes a difference)."""
    return isinstance(box, Agg) and box.type not in (tuple, list, dict, set, frozenset)


def nothing(*bounds: Any) -> bool:
    """Whether one of some bounds is None."""
    return any(map(is_const_none, bounds))


def item_of(box: Agg, key: Any, hint: str) -> str:
    """A name for a part of a container that has no name of its own."""
    return str(key) if is_thing(box) else hint


def held_as(state: State, cell: int) -> str:
    """The name, or the attribute, that holds what lives in a cell."""
    for (_, n), b in state.names.items():
        if isinstance(b, Loc) and b.cell == cell and not b.path:
            return n
    for box in state.cells.values():
        if isinstance(box, Agg) and box.type not in (list, tuple):
            for k, b in zip(box.keys, box.items, strict=True):
                if isinstance(b, Loc) and b.cell == cell and not b.path and isinstance(k, str):
                    return k
    return ""


def same_keys(x: Agg, y: Agg) -> bool:
    """Whether two states of a container can be joined part by part."""
    return x.keys == y.keys or x.type not in (tuple, list, dict)


MOST_CHOICES = 32


def choices(b: Bound) -> int:
    """Of how many things a bound is one."""
    return choices(b.then) + choices(b.other) if isinstance(b, Either) else 1


def with_fresh(k: Kind) -> Kind:
    if isinstance(k, Scalar) and k.dtype[0] == "i" and k.value is None:
        return Scalar(k.dtype, k.weak, fresh_sym())
    return Maybe(with_fresh(k.of)) if isinstance(k, Maybe) else k


def joined(a: Kind, b: Kind, init: Atom, begun: bool = False) -> Kind:
    """The kind of a carried variable: a constant zero to start from takes the kind of what follows.

    Not so where it matters that it is a number to begin with (``begun``; see `ir/begun.py`).
    """
    if init is UNDEF:
        return b
    number = isinstance(init, Const) and isinstance(init.value, (int, float))
    if number and not begun and isinstance(b, Array):
        return b
    return join(a, b)


def part_of(box: Any, key: Any) -> Bound | None:
    return box.items[box.keys.index(key)] if isinstance(box, Agg) and key in box.keys else None


def set_part(state: State, cell: int, key: Any, b: Bound) -> None:
    """Give one part of a container of known structure a new bound."""
    box = state.cells[cell]
    if key in box.keys:
        at = box.keys.index(key)
        state.cells[cell] = Agg(box.type, box.keys, (*box.items[:at], b, *box.items[at + 1 :]))
    else:
        state.cells[cell] = Agg(box.type, (*box.keys, key), (*box.items, b))


def item_hint(state: State, cell: int, key: Any) -> str:
    """A name for what a loop carries for a part of a container."""
    if isinstance(state.cells[cell], Agg) and state.cells[cell].type not in (list, dict, tuple):
        return str(key)
    name = held_as(state, cell)
    return f"{name}_{key}" if name else str(key)


def fixed_shape(before: Any, now: Any) -> bool:
    """Whether a container keeps its parts through a loop (an object may get attributes)."""
    if not isinstance(before, Agg) or not isinstance(now, Agg) or before.type is not now.type:
        return False
    if before.type in (list, dict, tuple):
        return before.keys == now.keys
    return set(before.keys) <= set(now.keys)


def similar(a: Kind, b: Kind) -> bool:
    """Equal but for the sizes that integers stand for."""
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        return (a.dtype, a.weak) == (b.dtype, b.weak)
    if isinstance(a, Tree) and isinstance(b, Tree):
        return (
            a.type is b.type
            and a.keys == b.keys
            and all(similar(x, y) for x, y in zip(a.items, b.items, strict=True))
        )
    if isinstance(a, Seq) and isinstance(b, Seq):
        return similar(a.elem, b.elem)
    if isinstance(a, Maybe) and isinstance(b, Maybe):
        return similar(a.of, b.of)
    return a == b


def is_lazy(state: State, b: Any) -> bool:
    """Whether a bound is an iterator."""
    return isinstance(b, Loc) and isinstance(state.cells.get(b.cell), Iter)


def same_bound(lw: Lowerer, a: Bound, b: Bound | None) -> bool:
    if a is b:
        return True
    a, b = lw.settled(a), lw.settled(b)
    if isinstance(a, Known) and isinstance(b, Known):
        return a.obj is b.obj
    if isinstance(a, Closure) and isinstance(b, Closure):
        mine, other = (Agg(tuple, tuple(c.defaults), tuple(c.defaults.values())) for c in (a, b))
        return a.node is b.node and a.frame is b.frame and same_bound(lw, mine, other)
    if isinstance(a, Plain) and isinstance(b, Plain):
        return same(a.atom, b.atom)
    if isinstance(a, Loc) and isinstance(b, Loc):
        return (
            a.cell == b.cell
            and len(a.path) == len(b.path)
            and all(x is y for x, y in zip(a.path, b.path, strict=True))
        )
    if isinstance(a, Agg) and isinstance(b, Agg):
        return (
            a.type is b.type
            and a.keys == b.keys
            and len(a.items) == len(b.items)
            and all(same_bound(lw, x, y) for x, y in zip(a.items, b.items, strict=True))
        )
    if isinstance(a, Partial) and isinstance(b, Partial):
        if len(a.args) != len(b.args) or a.kwargs.keys() != b.kwargs.keys():
            return False
        pairs = [(a.fn, b.fn), *zip(a.args, b.args, strict=True)]
        pairs += [(x, b.kwargs[k]) for k, x in a.kwargs.items()]
        return all(same_bound(lw, x, y) for x, y in pairs)
    if isinstance(a, Method) and isinstance(b, Method):
        return a.name == b.name and same_bound(lw, a.owner, b.owner)
    if isinstance(a, Either) and isinstance(b, Either):
        return same(a.test, b.test) and same_bound(lw, a.then, b.then) and same_bound(lw, a.other, b.other)
    if isinstance(a, Iter) and isinstance(b, Iter):  # ranges: all else that is looped over lives in a cell
        alike = a.kind == b.kind and len(a.parts) == len(b.parts)
        return alike and all(x is y or same(x, y) for x, y in zip(a.parts, b.parts, strict=True))
    return isinstance(a, Poison) and isinstance(b, Poison)
