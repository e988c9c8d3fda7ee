"""Branches and loops: where paths meet, what a loop carries, how it is left.

A block is read to an *exit code*: 0 falls through, 1 break, 2 return, 3 continue, 4 raise; 5 and up leave the
body of a loop over a generator, through all loops of the generator (``generators.drive``).  The code is a
constant where every path agrees, else a value.  What follows a branch that always leaves is moved into the
other branch.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.errors import InternalError
from srcdiff.frontend import aliases, mappings, places, recursion
from srcdiff.frontend.blocks import Opened, exported, substitute
from srcdiff.frontend.core import Bottom, cyclic, mutable, name_of_value
from srcdiff.frontend.expressions import condition, content, is_member, truth
from srcdiff.frontend.raising import Raised
from srcdiff.frontend.scope import (
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
    nodes_in,
)
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    JOINS,
    UNDEF,
    Atom,
    Const,
    LoopView,
    Op,
    Ref,
    Region,
    Struct,
    Val,
    key_of,
    kind,
    same,
    walk,
)
from srcdiff.ir.kinds import (
    BOOL,
    INT,
    UNKNOWN,
    Array,
    Kind,
    Map,
    Maybe,
    Scalar,
    Seq,
    Tree,
    fresh_sym,
    has_cell,
    join,
    present,
    widened,
)

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["Jumps", "Pending", "always_leaves", "branch", "choose", "go_on", "jumps", "loop", "while_loop"]

FALL, BREAK, RETURN, CONTINUE, RAISE = range(5)
OUTWARD = 5  # the first code that leaves the body of a loop over a generator
RETURNED = "result!"  # no Python name: the value that a return gives


@dataclass(frozen=True, slots=True)
class Jumps:
    """The codes that ``break`` and ``return`` have at a place."""

    brk: int = BREAK
    ret: int = RETURN


@dataclass(frozen=True, slots=True)
class Pending:
    """How a statement was left, where that is known only at run time: what follows depends on it."""

    code: Atom
    leave: tuple[tuple[int, int], ...]  # codes with which the block is left, and the block's code then
    broke: tuple[int, ...]  # codes with which the ``else`` of the loop is left out
    orelse: list[Any]


def always_leaves(stmts: list[Any]) -> bool:
    """Whether no path through the statements reaches their end."""
    for s in stmts:
        if isinstance(s, (gast.Return, gast.Break, gast.Continue, gast.Raise)):
            return True
        if isinstance(s, gast.If) and s.orelse and always_leaves(s.body) and always_leaves(s.orelse):
            return True
        if isinstance(s, gast.Try) and (
            always_leaves(s.finalbody)
            or (always_leaves([*s.body, *s.orelse]) and all(always_leaves(h.body) for h in s.handlers))
        ):
            return True
        if isinstance(s, gast.Match) and is_exhaustive(s) and all(always_leaves(c.body) for c in s.cases):
            return True
    return False


def is_exhaustive(s: Any) -> bool:
    """Whether the last case of a ``match`` takes whatever comes."""
    last = s.cases[-1]
    return last.guard is None and isinstance(last.pattern, gast.MatchAs) and last.pattern.pattern is None


def jumps(stmts: list[Any]) -> bool:
    """Whether some path may leave by break, continue, return or raise."""
    for s in stmts:
        if isinstance(s, (gast.Return, gast.Break, gast.Continue, gast.Raise)):
            return True
        if isinstance(s, gast.If) and (jumps(s.body) or jumps(s.orelse)):
            return True
        if isinstance(s, gast.With) and jumps(s.body):
            return True
        if isinstance(s, gast.Try) and jumps(
            [*s.body, *s.orelse, *s.finalbody, *(x for h in s.handlers for x in h.body)]
        ):
            return True
        if isinstance(s, gast.Match) and any(jumps(c.body) for c in s.cases):
            return True
        if isinstance(s, (gast.For, gast.While)) and any(isinstance(n, gast.Return) for n in gast.walk(s)):
            return True
        if any(isinstance(n, (gast.Yield, gast.YieldFrom)) for n in nodes_in(s)):
            return True  # whoever reads what is yielded may leave
    return False


# ---- joining ----------------------------------------------------------------------------------------


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
        if any(is_thing(x) and issubclass(x.type, BaseException) for x in (ca, cb)) and nothing(ca, cb):
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
                return self.merged(a, b, v)
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

    def merged(self, a: Bound | None, b: Bound | None, content: Any) -> Bound:
        cells = ({a.cell} if isinstance(a, Loc) else set(), {b.cell} if isinstance(b, Loc) else set())
        at = tuple((x.cell, *map(id, x.path)) if isinstance(x, Loc) else () for x in (a, b))
        if at not in self.cells or not all(cells):
            cell = self.lw.state.new_cell(content)
            self.cells[at] = Loc(cell, (), content if isinstance(content, Val) else None, content)
            self.meeting.add(self.lw.state, {cell}, cells)
        return self.cells[at]

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
                moved = {z.cell for z in (x, y) if isinstance(z, Forward)}
                if moved:  # it lives in a list on one of the paths
                    lw.state.shares |= {frozenset({cell, c}) for c in moved}
        for key in [k for k in s0.names.keys() ^ s1.names.keys() if k[0] < 0]:
            seed_world(lw, (s0, s1), key)
        for key in [*s0.names, *(k for k in s1.names if k not in s0.names)]:
            got = self.bound(s0.names.get(key), s1.names.get(key), key[1])
            if got is not None:
                lw.state.names[key] = got

    def fields(self, x: Agg, y: Agg, hint: str) -> Agg:
        """The fields of one object at the end of two paths, each of which may have set some of its own."""
        keys = (*x.keys, *(k for k in y.keys if k not in x.keys))
        sort = "{1}" if x.type not in (tuple, list, dict) else "{0}_{1}" if hint else "{1}"
        items = []
        for k in keys:
            p, q = (c.items[c.keys.index(k)] if k in c.keys else None for c in (x, y))
            got = self.bound(p, q, sort.format(hint, k))
            items.append(got if got is not None else Poison(f"{k!r} differs between the paths"))
        return Agg(x.type, keys, tuple(items))

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
    return any(isinstance(b, Plain) and b.atom == Const(None) for b in bounds)


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


def seed_world(lw: Lowerer, states: tuple[State, ...], key: Any) -> None:
    """A variable of the world outside that one path writes to has its old value on the others."""
    current = lw.state
    try:
        for state in states:
            lw.state = state
            b = lw.world(key)
            if b is not None:
                state.names.setdefault(key, b)
    finally:
        lw.state = current


def with_fresh(k: Kind) -> Kind:
    if isinstance(k, Scalar) and k.dtype[0] == "i" and k.value is None:
        return Scalar(k.dtype, k.weak, fresh_sym())
    return Maybe(with_fresh(k.of)) if isinstance(k, Maybe) else k


def branch(
    lw: Lowerer, cond: Atom, then: Callable[[], Any], other: Callable[[], Any], name: str = ""
) -> tuple[Any, Any, Joiner]:
    """An ``if``: read both branches, join what they bind; returns what each callable did, and the joiner."""
    regions = [Region(), Region()]
    op = Op("if", [cond], [], regions, {"style": name})
    start = lw.state
    states: list[State] = []
    got: list[Any] = []
    there: list[dict[Any, Atom]] = []
    facts = lw.facts
    for region, read, holds in zip(regions, (then, other), (True, False), strict=True):
        lw.state = start.copy()
        learnt = known_by(cond, holds)
        lw.facts = {**facts, **learnt}
        passes, lw.passes = lw.passes, lw.unsettled
        with lw.inside(region):
            there_is(lw, learnt)
            try:
                got.append(read())
            except (Bottom, Raised):
                got.append(RAISE)
            finally:
                lw.facts, lw.passes = facts, passes
            there.append(lw.there)
        states.append(lw.state)
    joiner = Joiner(lw, op, (states[0], states[1]), there)
    dead = [g == RAISE if isinstance(g, int) else False for g in got]
    lw.add(op)
    if dead[0] != dead[1]:  # of a path that raises nothing is seen
        which = 1 if dead[0] else 0
        lw.state, _ = exported(Opened(op, which), start, states[which])
    else:
        joiner.all()
    return got[0], got[1], joiner


def there_is(lw: Lowerer, learnt: dict[Val, bool]) -> None:
    """Of conditions that hold or do not: what is None by them, and what is not."""
    within = {o for c in learnt if c.op is not None for r in c.op.regions for op in walk(r) for o in op.outs}
    for c, holds in learnt.items():
        v, is_none = tested_for_none(c)
        if v is None or v in within:  # (made for the test alone)
            continue
        if isinstance(v.kind, Maybe) and (is_none is not None or holds):
            lw.there[name_of_value(v)] = Const(None) if is_none is holds else lw.not_none(v)


def tested_for_none(c: Val) -> tuple[Val | None, bool | None]:
    """The value that a condition asks for, and whether it asks for None; None: it is the value itself."""
    op = c.op
    if op is None or op.fn not in (operator.is_, operator.is_not, operator.eq, operator.ne):
        return c, None
    for x, y in (op.ins, op.ins[::-1]):
        of_array = isinstance(present(kind(x)), Array) and op.fn in (operator.eq, operator.ne)
        if isinstance(x, Val) and y == Const(None) and not of_array:
            return x, op.fn in (operator.is_, operator.eq)
    return None, None


def known_by(cond: Atom, holds: bool) -> dict[Val, bool]:
    """What is known on the path where a condition holds, or does not."""
    out: dict[Val, bool] = {}
    todo = [(cond, holds)]
    while todo:
        c, h = todo.pop()
        if not isinstance(c, Val):
            continue
        out[c] = h
        op = c.op
        if op is None or c not in op.outs:
            continue
        if op.fn is operator.not_:
            todo.append((op.ins[0], not h))
        elif op.code == "if":  # a and b, a or b
            at = op.outs.index(c)
            yes, no = (r.results[at] for r in op.regions)
            if no == Const(False) and h:
                todo += [(op.ins[0], True), (yes, True)]
            elif yes == Const(True) and not h:
                todo += [(op.ins[0], False), (no, False)]
    return out


def choose(
    lw: Lowerer, cond: Atom, then: Callable[[], Bound], other: Callable[[], Bound], node: Any, name: str
) -> Bound:
    """A conditional expression."""
    a, b, joiner = branch(lw, cond, then, other, name)
    if isinstance(a, int) or isinstance(b, int):  # a call whose result is not known yet
        if isinstance(a, int) and isinstance(b, int):
            raise Bottom
        a, b = (None, b) if isinstance(a, int) else (a, None)
    result = joiner.bound(a, b, "")
    if result is None or isinstance(result, Poison):
        lw.stop("branches", "the two values differ in structure", node)
    if isinstance(result, Plain) and isinstance(result.atom, Val) and result.atom.op is joiner.op:
        result.atom.user = False
    return result


def if_statement(lw: Lowerer, test: Bound, body: list[Any], orelse: list[Any], rest: list[Any]) -> Any:
    """An ``if`` and what follows it, where a path may leave; returns the exit code."""
    known = truth(lw, test)
    if known is not None:
        return lw.block([*(body if known else orelse), *rest])
    if always_leaves(body):
        orelse, rest = [*orelse, *rest], []
    elif always_leaves(orelse):
        body, rest = [*body, *rest], []
    return merge_exits(lw, condition(lw, test), lambda: lw.block(body), lambda: lw.block(orelse), rest)


def merge_exits(
    lw: Lowerer, cond: Atom, then: Callable[[], Any], other: Callable[[], Any], rest: list[Any]
) -> Any:
    if isinstance(cond, Const):
        code = then() if cond.value else other()
        return go_on(lw, code, lambda: lw.block(rest)) if rest else code
    e0, e1, joiner = branch(lw, cond, then, other)
    if isinstance(e0, int) and e0 == e1:
        return lw.block(rest) if e0 == FALL else e0
    if RAISE in (e0, e1) and isinstance(e0, int) and isinstance(e1, int):
        taken = e1 if e0 == RAISE else e0
        return lw.block(rest) if taken == FALL else taken
    e0 = FALL if isinstance(e0, int) and e0 == RAISE else e0
    e1 = FALL if isinstance(e1, int) and e1 == RAISE else e1
    x = Const(e0) if isinstance(e0, int) else e0
    y = Const(e1) if isinstance(e1, int) else e1
    code = joiner.val(x, y, "left")
    if isinstance(code, Const):
        return lw.block(rest) if code.value == FALL else code.value
    assert isinstance(code, Val)
    code.kind, code.user = INT, False
    if not rest:
        return code
    test = exit_test(lw, code, FALL)
    return merge_exits(lw, test, lambda: lw.block(rest), lambda: code, [])


def codes(exit: Any) -> set[int]:
    """The exit codes that a value may be."""
    if isinstance(exit, int):
        return {exit}
    if isinstance(exit, Const):
        return {int(exit.value)}
    if exit is UNDEF:
        return set()
    if isinstance(exit, Val) and exit.op is not None and exit.op.code in JOINS:
        at = exit.op.outs.index(exit)
        return {c for r in exit.op.regions for c in codes(r.results[at])}
    if isinstance(exit, Val) and exit.op is not None and exit.op.code in ("for", "while"):
        return set(exit.op.attrs["exits"]) | {FALL}
    return {FALL}


def go_on(lw: Lowerer, code: Any, then: Callable[[], Any], swallow: frozenset[int] = frozenset()) -> Any:
    """What follows a statement left with ``code``: ``then``, if it fell through or left with such a code."""
    if isinstance(code, int):
        return then() if code == FALL or code in swallow else code
    return leave_by(lw, code, [(c, c) for c in sorted(codes(code) - swallow - {FALL, RAISE})], then)


def leave_by(lw: Lowerer, code: Atom, ways: Sequence[tuple[int, int]], then: Callable[[], Any]) -> Any:
    """Leave with the second code of a pair where ``code`` is the first, else go on with ``then``."""
    if not ways:
        return then()
    (which, left), rest = ways[0], ways[1:]
    test = exit_test(lw, code, which)
    if isinstance(test, Const):
        return left if test.value else leave_by(lw, code, rest, then)
    return merge_exits(lw, test, lambda: left, lambda: leave_by(lw, code, rest, then), [])


def exit_test(lw: Lowerer, code: Atom, which: int) -> Atom:
    """Whether ``code`` is ``which``: the condition itself, where a branch sets it to constants."""
    if isinstance(code, Const):
        return Const(code.value == which)
    op = code.op if isinstance(code, Val) else None
    if op is not None and op.code == "if":
        at = op.outs.index(code)  # type: ignore[arg-type]
        first, second = (r.results[at] for r in op.regions)
        if isinstance(first, Const) and isinstance(second, Const):
            one, other = first.value == which, second.value == which
            if one == other:
                return Const(one)
            return op.ins[0] if one else lw.prim(operator.not_, [op.ins[0]], result=BOOL)
        if isinstance(first, Const) and first.value != which and second in known_codes(op):
            inner, cond = exit_test(lw, second, which), op.ins[0]
            if isinstance(cond, Val) and cond.op is not None and cond.op.fn is operator.not_:
                if same(cond.op.ins[0], inner):
                    return inner
    return lw.prim(ops.exit_is, [code, Const(which)])


def known_codes(branch: Op) -> list[Val]:
    """The exit codes from before a branch that one of its paths hands on."""
    made = {v for r in branch.regions for o in r.ops for v in o.outs}
    out = [a for r in branch.regions for a in r.results if isinstance(a, Val) and a not in made]
    return [v for v in out if v.op is not None and v.op.code == "if"]


def pending(lw: Lowerer, p: Pending, rest: list[Any]) -> Any:
    """What follows a loop, and its ``else``, happen only if it was not left for good."""

    plain = isinstance(p.code, Val) and p.code.op is not None and p.code.op.code == "if"
    if plain and not rest and not p.orelse and not p.broke and all(a == b for a, b in p.leave):
        return p.code

    def follow() -> Any:
        if not p.orelse or not p.broke:
            return lw.block([*p.orelse, *rest])
        tests = [exit_test(lw, p.code, c) for c in p.broke]
        broke = tests[0]
        for t in tests[1:]:
            broke = lw.prim(operator.or_, [broke, t], result=BOOL)
        return merge_exits(lw, broke, lambda: FALL, lambda: lw.block(p.orelse), rest)

    return leave_by(lw, p.code, p.leave, follow)


# ---- loops ------------------------------------------------------------------------------------------


class Slots:
    """The carried variables of a loop, leaf by leaf."""

    def __init__(self, lw: Lowerer) -> None:
        self.lw = lw
        self.inits: list[Atom] = []
        self.kinds: list[Kind] = []
        self.hints: list[str] = []

    def open(self, init: Atom, k: Kind, hint: str, params: list[Val]) -> Bound:
        """A bound of new parameters of kind ``k``, started from ``init``."""
        if isinstance(k, Tree) and isinstance(k.type, places.PlaceType):
            indices: list[Val] = []
            for a in self.parts(init, k):
                self.open(a, INT, "k", indices)
            params += indices
            return k.type.place(indices)
        if isinstance(k, Tree):
            parts = self.parts(init, k)
            items = tuple(
                self.open(a, x, f"{hint}_{key}" if hint else str(key), params)
                for a, x, key in zip(parts, k.items, k.keys, strict=True)
            )
            agg = Agg(k.type, k.keys, items)

            return Loc(self.lw.state.new_cell(agg)) if mutable(k.type) else agg
        init = self.lw.conform(init, k)
        v = Val(hint, with_fresh(k), user=not self.lw.quiet())
        if (
            isinstance(init, Val)
            and isinstance(k, Array)
            and isinstance(init.kind, Array)
            and init.kind.dims == k.dims
        ):
            self.lw.shapes[v] = init
        params.append(v)
        self.inits.append(init)
        self.kinds.append(k)
        self.hints.append(hint)
        if has_cell(k):
            cell = self.lw.state.new_cell(v)
            return Loc(cell, (), v, v)
        return Plain(v)

    def parts(self, init: Atom, k: Tree) -> list[Atom]:
        if init is UNDEF:
            return [UNDEF] * len(k.keys)
        return [self.lw.getitem(init, Const(key)) for key in k.keys]


def spread(lw: Lowerer, a: Atom, k: Kind) -> Atom:
    """A value that has parts, as its parts."""
    if not isinstance(k, Tree) or a is UNDEF:
        return a
    if isinstance(a, Struct):
        items = tuple(spread(lw, x, kk) for x, kk in zip(a.items, k.items, strict=True))
        return Struct(a.type, a.keys, items)
    if not isinstance(kind(a), Tree):
        return a
    items = tuple(spread(lw, lw.getitem(a, Const(n)), kk) for n, kk in zip(k.keys, k.items, strict=True))
    return Struct(k.type, k.keys, items)


def leaves(a: Atom, k: Kind) -> list[Atom]:
    """The leaves of an atom that has the structure of ``k``."""
    if not isinstance(k, Tree):
        return [a]
    if isinstance(a, Struct):
        return [x for item, kk in zip(a.items, k.items, strict=True) for x in leaves(item, kk)]
    if a is not UNDEF:
        raise InternalError(f"{a!r} is not of the structure {k!r}")
    return [x for kk in k.items for x in leaves(UNDEF, kk)]


def rebuild(k: Kind, values: list[Val], lw: Lowerer) -> Bound:
    if isinstance(k, Tree) and isinstance(k.type, places.PlaceType):
        return k.type.place([values.pop(0) for _ in k.items])
    if isinstance(k, Tree):
        agg = Agg(k.type, k.keys, tuple(rebuild(x, values, lw) for x in k.items))
        return Loc(lw.state.new_cell(agg)) if mutable(k.type) else agg
    return lw.bind(values.pop(0))


_ORDER = {"cell": 0, "item": 1, "name": 2}


def joined(a: Kind, b: Kind, init: Atom) -> Kind:
    """The kind of a carried variable: a constant zero to start from takes the kind of what follows."""
    if init is UNDEF:
        return b
    if isinstance(init, Const) and isinstance(init.value, (int, float)) and isinstance(b, Array):
        return b
    return join(a, b)


def loop(
    lw: Lowerer,
    node: Any,
    op: Op,
    body: Callable[[Region], Any],
    test: Any,
    orelse: list[Any],
) -> Any:
    """The common part of ``for`` and ``while``: ``body`` reads a trip; returns the exit code."""
    start = lw.state
    origin = lw.origin
    memo_key = (id(node), tuple(f for f, _ in list(start.names)[:1]) and lw.frame.source and lw.frame.id)
    carried: dict[Any, Kind] = {}
    changing: dict[Any, Poison] = {}  # names of what is another function, say, in each trip
    seeded: set[Any] = set()
    known_changing: set[Any] = set()
    for key, k in lw.loop_memo.get(memo_key, {}).items():
        if key[0] == "name" and (key[1] in start.names or key[2]):
            carried[key] = k
    one = aliases.Loops()
    for attempt in range(12):
        mark = len(lw.element_writes)
        lw.state = start
        for key, k in carried.items():
            box = start.cells[key[1]] if key[0] == "cell" else None
            if isinstance(box, Agg) and isinstance(k, Map):
                mappings.as_mapping(lw, Loc(key[1]), box, node)
            elif isinstance(box, Agg) and isinstance(k, Seq):
                if box.whole is not None or any(places.reached(lw, x) for x in box.items):
                    lw.as_sequence(Loc(key[1]), box, node)
        carried = {k: carried[k] for k in sorted(carried, key=lambda k: _ORDER[k[0]])}
        lw.state = start.copy()
        slots = Slots(lw)
        params: list[Val] = []
        body_region, cond_region = Region(), Region()
        opened: dict[Any, Bound] = {}
        for key, k in carried.items():
            if key[0] == "cell":
                hint = held_as(start, key[1])
                init = start.cells[key[1]]
                init = read_at(lw, start, init) if isinstance(init, Agg) else init
                got = slots.open(init, k, hint, params)
                lw.state.cells[key[1]] = content_of(lw, got)
                opened[key] = got
        for key, k in carried.items():
            if key[0] == "item":
                cell, part = key[1]
                b0 = part_of(start.cells[cell], part)
                init = read_at(lw, start, b0) if b0 is not None else UNDEF
                opened[key] = slots.open(init, k, item_hint(lw, start, cell, part), params)
                set_part(lw.state, cell, part, opened[key])
        for key, k in carried.items():
            if key[0] == "name":
                b0 = start.names.get(key[1])
                init = read_at(lw, start, b0, k) if b0 is not None else UNDEF
                hint = "" if key[1][1] == "_" else key[1][1]
                opened[key] = lw.state.names[key[1]] = slots.open(init, k, hint, params)
                if key[1][1] == RETURNED or key[1][1].startswith("thrown!"):  # set in the last trip only
                    del lw.state.names[key[1]]
        ways = aliases.parts_of(
            lw, lw.state, [(k, Loc(k[1]) if k[0] == "cell" else b) for k, b in opened.items()]
        )
        for (key, _), cells in ways.items():
            if key[0] != "cell":
                lw.pinned |= cells
        one.add(start.shares, aliases.parts_of(lw, start, held_by(lw, start, opened), ways), start.cells)
        one.put(lw.state, ways)
        head_state = lw.state.copy()
        cond: Atom = Const(True)
        if test is not None:
            with lw.inside(cond_region):
                b = lw.expr(test)
                known = truth(lw, b)
                cond = Const(known) if known is not None else condition(lw, b)
            if lw.state.cells != head_state.cells or lw.state.names.keys() != head_state.names.keys():
                if any(lw.state.cells.get(c) is not v for c, v in head_state.cells.items()):
                    lw.stop(
                        "while-test",
                        "the test of this loop changes an array",
                        node,
                        help="move the change into the body",
                    )
            lw.state = head_state.copy()
        for key in changing:  # a function that is another one in each trip
            lw.state.names[key] = changing[key]
        before = lw.state.copy()
        with lw.inside(body_region):
            outer, lw.passed = (lw.unsettled, lw.passes, lw.passed), False
            lw.unsettled = lw.unsettled or attempt == 0
            try:
                exit = in_loop(lw, body, body_region)
            finally:
                left_out = lw.passed
                lw.unsettled, lw.passes, lw.passed = outer
            if lw.unsettled and left_out:  # a loop around this one will read it again
                lw.passed, left_out = True, False
            end = lw.state
            wanted = dict(carried)
            ends: dict[Any, Atom] = {}
            reads = end.copy()
            for state in (start, before, end):
                lw.complete(state)
            put_away(lw, node, before, end, lw.element_writes[mark:])
            size = one.size()
            one.add(end.shares, aliases.parts_of(lw, end, held_by(lw, end, opened), ways), start.cells)
            for cell, content0 in start.cells.items():
                now: Any = end.cells.get(cell)
                base = before.cells.get(cell)
                if isinstance(now, Iter) and now.stands_as(base):
                    continue
                if now is not base and (isinstance(now, Iter) or isinstance(content0, Iter)):
                    lw.stop(
                        "iterator", "an iterator made outside this loop is used up inside it", node,
                        note="from the second trip on it gives nothing, or goes on where it stopped",
                        help="make the iterator inside the loop, make a list of it before the loop, or loop "
                        "over both together: zip(range(n), iterator)",
                    )  # fmt: skip
                if now is not base and ("cell", cell) not in carried:
                    if isinstance(now, Agg) and fixed_shape(content0, now):
                        changed_parts(lw, node, start, cell, base, now, carried, wanted)
                        continue
                    for old in [key for key in wanted if key[0] == "item" and key[1][0] == cell]:
                        del wanted[old]
                    a0 = lw.read(content0) if isinstance(content0, Agg) else content0
                    a1 = lw.read(now) if isinstance(now, (Agg, Poison)) else now
                    assert a1 is not None
                    wanted["cell", cell] = joined(kind(a0), kind(a1), a0)
            for key, b in end.names.items():
                k0 = ("name", key, key not in start.names)
                if k0 in carried:
                    continue
                if key in start.names:
                    if not same_bound(lw, b, before.names.get(key)):
                        if not carriable(lw, b) or not carriable(lw, start.names[key]):
                            told(lw, b, start.names[key])
                            own = b if isinstance(b, Poison) else other_each_trip(key[1])
                            changing.setdefault(key, own)
                            continue
                        place = places.common_place(lw, start, start.names[key], b)
                        if place is not None:
                            wanted[k0] = place
                            continue
                        a0, a1 = in_state(lw, start, start.names[key]), lw.read(b)
                        wanted[k0] = joined(kind(a0), kind(a1), a0)
                elif carriable(lw, b) and lw.outlives(node, key):
                    wanted[k0] = places.common_place(lw, start, None, b) or kind(lw.read(b))
            for key in [k for k in carried if k in wanted]:
                b1 = end.cells[key[1]] if key[0] == "cell" else end.names.get(key[1])
                if key[0] == "item":
                    b1 = part_of(end.cells[key[1][0]], key[1][1])
                last: Atom = UNDEF if b1 is None else lw.read(b1) if not isinstance(b1, Val) else b1
                if is_place(carried[key]):
                    indices = places.at_place(lw, carried[key], b1)
                    if indices is None:  # it is something else on some path
                        b0 = start.names.get(key[1])
                        first = UNDEF if b0 is None else in_state(lw, start, b0)
                        wanted[key] = joined(kind(first), kind(last), first)
                        continue
                    last = indices
                ends[key] = lw.conform(spread(lw, last, carried[key]), carried[key])
                init = start_atom(lw, start, key, carried[key])
                wanted[key] = joined(carried[key], kind(last), init) if last is not UNDEF else carried[key]
            lw.state = reads
        new_world = [k for k in end.names if k[0] < 0 and k not in start.names and k not in seeded]
        for key in new_world:
            seed_world(lw, (start,), key)
            seeded.add(key)
        if changing.keys() != known_changing or new_world:
            known_changing = set(changing)
            continue
        settled = wanted.keys() == carried.keys() and all(similar(wanted[k], carried[k]) for k in carried)
        if settled and not left_out and one.size() == size:
            break
        before_kinds = carried
        carried = {
            k: widened(v, before_kinds[k], id(node), k) if attempt > 3 and k in before_kinds else v
            for k, v in wanted.items()
        }
    else:
        lw.stop("loop", "the kinds of the variables of this loop do not settle", node,
                help="start the variables from values of the kind that they have later")  # fmt: skip
    for key, k in carried.items():
        if k == UNKNOWN and key in ends and key in opened:
            check_nesting(lw, node, ends[key], lw.read(opened[key]))
    op.attrs["changes"] = tuple(key[1] for key in carried if key[0] == "cell")
    lw.loop_memo[memo_key] = {k: v for k, v in carried.items() if k[0] == "name"}
    exits = sorted(codes(exit) - {FALL, CONTINUE, RAISE})
    op.attrs.update(carried=len(params), exits=tuple(exits), dirs=tuple(op.attrs.get("dirs", ())))
    if op.code == "while":
        mapping = {}
        for p in params:
            q = Val(p.name, p.kind, user=p.user)
            mapping[p] = q
            cond_region.params.append(q)
        substitute(cond_region, mapping)
        cond_region.results = [mapping.get(cond, cond) if isinstance(cond, Val) else cond]
        op.regions = [cond_region, body_region]
    else:
        op.regions = [body_region]
    lead = 1 if op.code == "for" else 0
    body_region.params[lead:lead] = params
    results: list[Atom] = []
    for key, k in carried.items():
        results += leaves(ends[key], k)
    if exits:
        results.append(exit if isinstance(exit, Val) else Const(exit))
    body_region.results = results
    head = op.attrs["head"]
    op.ins[head:head] = slots.inits
    outs = [Val(p.name, p.kind, op, user=p.user) for p in params]
    op.outs = list(outs)
    if exits:
        op.outs.append(Val("left", INT, op))
    op.outs.append(Val("trips", Scalar("i8", True, fresh_sym()), op))
    op.origin = origin
    lw.region.ops.append(op)
    for p in [*params, *body_region.params]:
        p.op = op
    lw.point(op)
    lw.state = start.copy()
    lw.state.shares |= end.shares
    finals: dict[Any, Bound] = {}
    for key, k in carried.items():
        values = [outs.pop(0) for _ in leaves_of(k)]
        if key[0] == "cell":
            b = rebuild(k, list(values), lw)
            lw.state.cells[key[1]] = content_of(lw, b)
            finals[key] = Loc(key[1])
        else:
            b = rebuild(k, list(values), lw)
            if key[0] == "item":
                set_part(lw.state, key[1][0], key[1][1], b)
            else:
                lw.state.names[key[1]] = b
            finals[key] = b
    one.put(lw.state, aliases.parts_of(lw, lw.state, finals.items(), ways))
    for key, b in end.names.items():
        if key in changing or (key not in lw.state.names and not carriable(lw, b)):
            poison = changing.get(key, other_each_trip(key[1]))
            lw.state.names[key] = poison if key in changing or holds_values(b) else b
    return after_loop(lw, op, exits, orelse, cond)


def check_nesting(lw: Lowerer, node: Any, last: Atom, first: Atom) -> None:
    """Refuse a variable that holds, after each trip, what it held before and a list or the like around it.

    (Dicts of unknown depth are what they are when the program runs.)
    """
    parts = [last] if isinstance(last, Struct) else []
    for part in parts:
        if part.type is not dict and any(x is first for x in part.items):
            what = f"each trip of this loop puts a {part.type.__name__} around what the trip before made"
            lw.stop(
                "loop", what, node,
                note="how deep they lie in one another is known only at run time",
                help="keep the elements in a list: append() and pop(), and a number for which one comes next",
            )  # fmt: skip
        parts += [x for x in part.items if isinstance(x, Struct)]


def content_of(lw: Lowerer, b: Bound) -> Any:
    """What the cell of a carried thing holds."""
    return lw.state.cells[b.cell] if isinstance(b, Loc) else b.atom if isinstance(b, Plain) else b


def other_each_trip(name: str) -> Poison:
    return Poison(f"what {name!r} is differs from trip to trip of a loop")


def holds_values(b: Bound) -> bool:
    """Whether a function goes with values that may be of one trip of a loop only."""
    if isinstance(b, (Plain, Loc, Agg)):
        return not (isinstance(b, Plain) and isinstance(b.atom, Const))
    if isinstance(b, Partial):
        return any(map(holds_values, (b.fn, *b.args, *b.kwargs.values())))
    if isinstance(b, Closure):
        return any(map(holds_values, b.defaults.values()))
    if isinstance(b, Method):
        return holds_values(b.owner)
    return isinstance(b, Either)


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


def item_hint(lw: Lowerer, state: State, cell: int, key: Any) -> str:
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


def changed_parts(
    lw: Lowerer, node: Any, start: State, cell: int, base: Any, now: Agg, carried: Any, wanted: Any
) -> None:
    """The parts of a container that a trip of the loop changes are carried, one by one."""
    for key, b in zip(now.keys, now.items, strict=True):
        if ("item", (cell, key)) in carried:
            continue
        old = part_of(base, key)
        if old is not None and same_bound(lw, b, old):
            continue
        first = part_of(start.cells[cell], key)
        if not carriable(lw, b) or (first is not None and not carriable(lw, first)):
            told(lw, b)
            if b is not first:
                changes_each_trip(lw, node, str(key))
            continue
        a0 = UNDEF if first is None else in_state(lw, start, first)
        a1 = lw.read(b)
        wanted["item", (cell, key)] = kind(a1) if first is None else joined(kind(a0), kind(a1), a0)


def told(lw: Lowerer, *bounds: Bound) -> None:
    """Refuse what is not known, or read again so that it is."""
    for b in bounds:
        if isinstance(b, Poison):
            lw.read(b)


def changes_each_trip(lw: Lowerer, node: Any, name: str) -> None:
    lw.stop("loop", f"{name!r} holds a function or the like, and is another one after each trip of this loop",
            node, help="choose by an if on a flag, or loop over a tuple of functions")  # fmt: skip


def put_away(lw: Lowerer, node: Any, before: State, end: State, writes: list[int]) -> None:
    """Arrays from before a trip that it puts into a list: the next trip puts the same one there again."""
    for cell, now in end.cells.items():
        old = before.cells.get(cell)
        if isinstance(now, Forward) and old is not None and not isinstance(old, Forward):
            if isinstance(before.cells.get(now.cell), Agg):
                end.cells[cell] = old  # (its list is read as a sequence now: next time before the loop)
                continue
            if now.last is not old or now.cell in writes:
                lw.stop("aliasing", "an array is put into a list and changed in the next trip of this loop",
                        node, note="all the elements that it has become would change with it",
                        help="append a copy (x.copy()) to the list")  # fmt: skip
            end.cells[cell] = old
            lw.frozen.add(cell)
            lw.mixed.add(now.cell)


def held_by(lw: Lowerer, state: State, keys: Iterable[Any]) -> list[tuple[Any, Bound | None]]:
    """The variables of a loop, as a state holds them."""
    out: list[tuple[Any, Bound | None]] = []
    for key in keys:
        if key[0] == "cell":
            out.append((key, Loc(key[1])))
        elif key[0] == "item":
            out.append((key, part_of(state.cells[key[1][0]], key[1][1])))
        else:
            out.append((key, state.names.get(key[1])))
    return out


def is_place(k: Kind) -> bool:
    return isinstance(k, Tree) and isinstance(k.type, places.PlaceType)


def read_at(lw: Lowerer, state: State, b: Bound, k: Kind = UNKNOWN) -> Atom:
    """The value of a bound before the loop; for a place in an array or list, its indices."""
    old, lw.state = lw.state, state
    try:
        at = places.at_place(lw, k, b) if is_place(k) else None
        return at if at is not None else lw.read(b)
    finally:
        lw.state = old


def in_state(lw: Lowerer, state: State, b: Bound) -> Atom:
    old, lw.state = lw.state, state
    try:
        with lw.inside(Region()):
            return lw.read(b)
    finally:
        lw.state = old


def start_atom(lw: Lowerer, start: State, key: Any, k: Kind) -> Atom:
    if key[0] == "cell":
        c = start.cells[key[1]]
        return in_state(lw, start, c) if isinstance(c, Agg) else c
    if key[0] == "item":
        part = part_of(start.cells[key[1][0]], key[1][1])
        return UNDEF if part is None else in_state(lw, start, part)
    b = start.names.get(key[1])
    if b is not None and is_place(k):
        return read_at(lw, start, b, k)
    return UNDEF if b is None else in_state(lw, start, b)


def leaves_of(k: Kind) -> list[Kind]:
    return [x for item in k.items for x in leaves_of(item)] if isinstance(k, Tree) else [k]


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


def carriable(lw: Lowerer, b: Bound, above: frozenset[int] = frozenset()) -> bool:
    b = lw.settled(b)
    if isinstance(b, Agg):
        return all(carriable(lw, x, above) for x in b.items)
    if isinstance(b, Loc) and isinstance(lw.state.cells.get(b.cell), Agg):
        if b.cell in above:
            cyclic(lw, None)
        return carriable(lw, lw.state.cells[b.cell], above | {b.cell})
    return isinstance(b, Plain) or is_member(b) or (isinstance(b, Loc) and not is_lazy(lw.state, b))


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


class Unpeelable(Exception):
    """The trips of a loop are not known when the derivative is made."""


def in_box(lw: Lowerer, name: str) -> bool:
    b = lw.state.names.get((lw.frame.id, name))
    return b is not None and isinstance(content(lw, b), Agg)


def structure(lw: Lowerer, name: str) -> Any:
    b = lw.state.names.get((lw.frame.id, name))
    with lw.inside(Region()):
        return None if b is None else recursion.dissect(lw, b, name, [], [])


def peeled(lw: Lowerer, node: Any, boxes: list[str], trip: int) -> Any:
    """A loop that takes a container of known structure apart: ``while t is not None: a, t = t``."""
    known = truth(lw, lw.expr(node.test))
    if known is None or trip > MOST_PEELED:
        raise Unpeelable
    if not known:
        return lw.block(node.orelse)
    before = [structure(lw, n) for n in boxes]
    code = in_loop(lw, lambda region: lw.block(node.body), lw.region)
    if [structure(lw, n) for n in boxes] == before and not (isinstance(code, int) and code == BREAK):
        raise Unpeelable
    if isinstance(code, int):
        if code in (FALL, CONTINUE):
            return peeled(lw, node, boxes, trip + 1)
        return FALL if code == BREAK else code
    ways = sorted(codes(code) - {FALL, CONTINUE, RAISE})
    leave = [(c, FALL if c == BREAK else c) for c in ways]
    return leave_by(lw, code, leave, lambda: peeled(lw, node, boxes, trip + 1))


def in_loop(lw: Lowerer, body: Callable[[Region], Any], region: Region) -> Any:
    """Read a loop's body: ``break`` is its own there."""
    old, lw.jumps = lw.jumps, Jumps(BREAK, lw.jumps.ret)
    try:
        return body(region)
    finally:
        lw.jumps = old


def after_loop(lw: Lowerer, op: Op, exits: list[int], orelse: list[Any], cond: Atom) -> Any:
    """The ``else`` of a loop and the ways out of it that do not end with it."""
    forever = op.code == "while" and isinstance(cond, Const) and cond.value is True
    if forever:
        orelse = []
        if len(exits) == 1 and exits[0] != BREAK:
            return exits[0]
    out = LoopView(op).exit_out
    if not exits:
        return lw.block(orelse) if orelse else FALL
    assert out is not None
    leave = tuple((c, c) for c in exits if c != BREAK)
    broke = (BREAK,) if BREAK in exits else ()
    if not leave and not orelse:
        return FALL
    return Pending(out, leave, broke, orelse)


MOST_PEELED = 64  # trips of a while that takes a container of known structure apart


def while_loop(lw: Lowerer, node: Any) -> Any:
    if any(isinstance(n, gast.NamedExpr) for n in gast.walk(node.test)):
        return while_loop(lw, test_inside(lw, node))
    boxes = [n.id for n in nodes_in(node.test) if isinstance(n, gast.Name) and in_box(lw, n.id)]
    if boxes:
        mark = recursion.snapshot(lw)
        try:
            return peeled(lw, node, boxes, 0)
        except Unpeelable:
            recursion.recover(lw, mark)
    op = Op("while", [], attrs={"head": 0, "dirs": ()})
    return loop(lw, node, op, lambda region: lw.block(node.body), node.test, node.orelse)


def test_inside(lw: Lowerer, node: Any) -> Any:
    """A ``while`` whose test changes something, as an endless loop that tests at the start of each trip."""
    if jumps(node.orelse):
        lw.stop("while-test", "the test of this loop changes something, and its else leaves", node,
                help="move the change into the body")  # fmt: skip
    leave = gast.If(gast.UnaryOp(gast.Not(), node.test), [*node.orelse, gast.Break()], [])
    loop = gast.While(gast.Constant(True, None), [leave, *node.body], [])
    for n in (loop, leave, leave.test, leave.body[-1], loop.test):
        gast.copy_location(n, node)
    return lw.cached_tree((node, "while"), loop)
