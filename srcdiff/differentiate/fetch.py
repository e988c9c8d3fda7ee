"""Where forward values come from: the backward sweep's needs, settled region by region, inner loops first.

A needed value is, in this order: the loop's index; an element of something the loop consumed; recomputed by a
few cheap operations from what is at hand; taped.  Which of the last two is decided for all needs of a region
together.
"""

from __future__ import annotations

import operator

from srcdiff.analysis.constants import computable
from srcdiff.differentiate.common import display_of
from srcdiff.differentiate.mirrors import Kept, Mirror
from srcdiff.differentiate.outlines import outlined
from srcdiff.differentiate.postponed import Postponed
from srcdiff.differentiate.reverse import Reverse, is_item
from srcdiff.differentiate.roomy import lighter
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    OWN,
    UNDEF,
    Atom,
    Const,
    LoopView,
    Op,
    Origin,
    Region,
    Val,
    kind,
    map_atom,
    vals,
    walk,
)
from srcdiff.ir.kinds import Array, Maybe, Scalar, Seq, one_shape
from srcdiff.ir.regions import map_region, remove
from srcdiff.rules import vocabulary
from srcdiff.rules.registry import may_alias

__all__ = ["fetch"]

CHEAP = {
    operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, operator.lt, operator.le,
    operator.gt, operator.ge, operator.eq, operator.ne, operator.floordiv, operator.mod, operator.not_,
    ops.exit_is, operator.and_, operator.or_, operator.is_, operator.is_not,
}  # fmt: skip
SIZES = {ops.shape_at, len} | vocabulary.READS_SHAPE | {vocabulary.BLANK}  # what reads no elements
LIMIT = 3  # operations spent on recomputing one value


def fetch(r: Reverse) -> None:
    """Settle all needs that are still alive."""
    order: list[Mirror] = []
    for m in r.mirrors:
        order.append(m)
    depth = {m: level(m) for m in order}
    table: dict[Val, Atom] = {}
    there = {id(r.graph.region), *(id(x) for op in walk(r.graph.region) for x in op.regions)}
    for m in sorted((m for m in order if m.is_loop or m.ground), key=lambda m: -depth[m]):
        Settler(r, m, table, there).run()
    Settler(r, r.root, table, there).run()
    settle(r.graph.region, table)
    remove(r.graph.region, {op for op in walk(r.graph.region) if op.code == "need"})
    r.kept += at_hand(r)


def at_hand(r: Reverse) -> list[Kept]:
    """What the backward sweep reads as it is: values still in scope, and elements of buffers."""
    forward = {id(op) for op in r.body}
    first = [
        op for op in r.graph.region.ops if id(op) in forward or not op.adjoint
    ]
    made: dict[Val, Op] = {o: op for op in first for o in op.outs}
    used: set[Val] = set()
    before = set(first)
    for op in r.graph.region.ops:
        if op not in before:
            used.update(vals(op.ins) if op.fn not in SIZES else ())
            for inner in op.regions:
                for o in walk(inner):
                    used.update(vals(o.ins) if o.fn not in SIZES else ())
                used.update(vals(inner.results))
    out = [
        Kept(v.name, "once", op.origin)
        for v, op in made.items()
        if v in used and isinstance(v.kind, (Array, Scalar)) and v.kind.dtype[0] in "fc"
    ]
    alive = set(walk(r.graph.region))
    for got, v in r.again:
        if isinstance(got, Val) and got.op in alive and got.op is not v.op:
            out.append(Kept(v.name, "read again", v.op.origin if v.op is not None else None))
    return out


def statement(v: Val) -> Origin | None:
    return v.op.origin if v.op is not None else None


def level(m: Mirror) -> int:
    n = 0
    while m.parent is not None:
        n, m = n + 1, m.parent
    return n


def settle(region: Region, table: dict[Val, Atom]) -> None:
    """Put in what the needs are."""

    def f(v: Val) -> Atom:
        a: Atom = v
        while isinstance(a, Val) and a in table:
            a = table[a]
        return a

    map_region(f, region)


class Settler:
    """Settles the needs of one loop (or of the function itself), those under its branches included.

    ``there``: the regions, by identity, that are left of the sweep.
    """

    def __init__(self, r: Reverse, m: Mirror, table: dict[Val, Atom], there: set[int]) -> None:
        self.r, self.m, self.table, self.there = r, m, table, there
        self.group = [m] + [b for b in r.mirrors if b is not m and self.owner(b) is m]
        self.taped: dict[Val, Val] = {}
        self.neighbours: dict[Val, int] = {}
        self.wanted: frozenset[Val] = frozenset()
        self.indices: set[Val] = set()
        self.read: list[Op] = []  # needs of which the elements are read
        self.asked: list[Op] = []  # those that are asked for their shape alone
        self.forward = {id(b.forward): b for b in self.group}
        self.postponed = Postponed(self, [])
        self.moved: dict[Val, Atom] = {}
        self.tops: dict[Mirror, int] = {}  # operations put before what a mirrored region does

    def owner(self, b: Mirror) -> Mirror:
        while not b.is_loop and not b.ground:
            assert b.parent is not None
            b = b.parent
        return b

    def run(self) -> None:
        live = self.live_needs()
        if self.m.ground:
            for _, _, op in live:
                self.table[op.out] = self.at_ground(op.attrs["value"])
            return
        forced = {op.attrs["value"] for _, _, op in live if op.attrs.get("tape")}
        if self.m.is_loop:
            self.outline(forced)
        wanted = sorted((op.attrs["value"] for _, _, op in live), key=lambda v: v.id)
        self.wanted = frozenset(wanted)
        self.indices = {v for v in wanted if isinstance(v.kind, Scalar) and v.kind.dtype[0] == "i"}
        tape = self.dear(wanted, forced)
        if tape - forced:
            self.postponed = Postponed(self, [(mirror, op) for mirror, _, op in live])
            tape = self.dear(wanted, forced)
        tape = lighter(self, wanted, tape, forced)
        self.neighbours = self.find_neighbours(tape - forced)
        self.use_tapes(tape)
        for mirror, _, op in live:
            v = op.attrs["value"]
            with self.r.inside(Region()) as made:
                self.r.origin = None
                got = self.get(v, tape, mirror)
            at = mirror.reverse.ops.index(op)
            mirror.reverse.ops[at:at] = made.ops
            self.table[op.out] = got
            if isinstance(got, Val) and made.ops and got.op in made.ops and v.user:
                got.name, got.user = v.name, v.user
            if isinstance(got, Val) and not got.name:
                got.name = v.name

    def outline(self, forced: set[Val]) -> None:
        """What nothing but shapes would be taped for is asked for its outline instead."""
        wanted = sorted({op.attrs["value"] for op in self.read}, key=lambda v: v.id)
        self.wanted = frozenset(wanted)
        tape = self.dear(wanted, forced)
        there = {whole(v) for v in tape}
        made: dict[Val, Val | None] = {}
        for op in self.asked:
            v = op.attrs["value"]
            if v in self.wanted or self.given(v) or self.cost(v, tape, set()) <= LIMIT or whole(v) in there:
                continue
            if v not in made:
                made[v] = outlined(self, v)
            op.attrs["value"] = made[v] or v

    def dear(self, wanted: list[Val], forced: set[Val]) -> set[Val]:
        """What is taped where nothing dear is done again."""
        tape = set(forced)
        for v in forced:
            self.postponed.done_forwards(v)
        changed = True
        while changed:
            changed = False
            for v in wanted:
                if v in tape or self.given(v):
                    continue
                if self.cost(v, tape, set()) > LIMIT:
                    tape.add(v)
                    self.postponed.done_forwards(v)
                    changed = True
        return tape

    def use_tapes(self, tape: set[Val]) -> None:
        """What was read or made again is taken from the tape where its value lies on one anyway.

        (So that buffers need not be put back for it.)
        """
        kept = []
        for got, v in self.r.again:
            if v in tape and isinstance(got, Val) and not isinstance(v.kind, Maybe):
                self.table[got] = self.saved(v, self.m)
            else:
                kept.append((got, v))
        self.r.again = kept

    def find_neighbours(self, tape: set[Val]) -> dict[Val, int]:
        """Values that are what a taped variable is at the start of the next trip: one tape serves both."""
        op = self.m.op
        assert op is not None
        view = LoopView(op)
        out: dict[Val, int] = {}
        for j, (p, y) in enumerate(zip(view.params, view.yields, strict=True)):
            if isinstance(y, Val) and y in tape and p in tape and y is not p and y.op not in (None, op):
                out.setdefault(y, j)
        return out

    def from_neighbour(self, v: Val, j: int, mirror: Mirror) -> Atom:
        """``v`` is carried backwards: the variable's value of the trip reversed before this one."""
        if v in self.taped:
            return self.taped[v]
        op, loop = self.m.op, self.m.loop
        assert op is not None and loop is not None
        view = LoopView(op)
        start = self.from_tape(view.params[j])
        first = self.parent_need(view.finals[j])
        back = LoopView(loop)
        at = back.carried
        held = kind(start) if isinstance(kind(start), Maybe) else v.kind
        p = Val(v.name, held, loop, v.user)
        back.body.params.insert(back.has_index + at, p)
        loop.ins.insert(back.head + at, first)
        back.body.results.insert(at, start)
        loop.outs.insert(at, Val(v.name, held, loop, v.user))
        loop.attrs["carried"] = at + 1
        self.taped[v] = p
        return p

    def live_needs(self) -> list[tuple[Mirror, int, Op]]:
        """The needs in this group that something still uses."""
        group = [b for b in self.group if id(b.reverse) in self.there]
        needs = [(b, n, op) for b in group for n, op in enumerate(b.reverse.ops) if op.code == "need"]
        used: set[Val] = set()
        read: set[Val] = set()
        for region in {id(b.reverse): b.reverse for b, _, _ in needs}.values():
            collect_uses(region, used, read)  # (nothing outside of it reads what is made in it)
        out = []
        shapes: dict[Val, Atom] = {}
        for b, n, op in needs:
            if op.out in used:
                alike = None if op.out in read or op.attrs.get("tape") else self.alike(op.attrs["value"])
                if alike is None:
                    out.append((b, n, op))
                else:
                    shapes[op.out] = self.outside(alike)
        if shapes:
            settle(self.r.graph.region, shapes)
        self.asked = [op for _, _, op in out if op.out not in read and not op.attrs.get("tape")]
        self.read = [op for _, _, op in out if op not in self.asked]
        wanted = [op.attrs["value"] for op in self.read]
        for op in self.asked:
            op.attrs["value"] = self.beside(op.attrs["value"], wanted)
        return out

    def beside(self, v: Val, wanted: list[Val]) -> Val:
        """For a value of which only the shape is asked: one of that shape and type that is wanted anyway."""
        home = self.r.home.get(v)
        there = filter(self.r.has_shape, wanted)
        alike = (w for w in there if one_shape(w.kind, v.kind) and self.r.home.get(w) is home)
        return v if v in wanted else next(alike, v)

    def alike(self, v: Val) -> Val | None:
        """For a value of which only the shape is asked: one of that shape from before the loop.

        (Not what the loop leaves: symbols that are made in its body stand for another size in each trip.)
        """
        op = self.m.op
        if op is None or not self.m.is_loop or not self.inner(v):
            return None
        if not isinstance(v.kind, Array) or not v.kind.dims:
            return None
        view = LoopView(op)
        given = (a for a in view.inits if isinstance(a, Val) and a in self.r.home)
        return next((a for a in given if one_shape(a.kind, v.kind) and self.r.has_shape(a)), None)

    # ---- what is at hand
    def inner(self, v: Val) -> bool:
        """Whether a value is made inside this loop's body (not in a loop within it)."""
        home = self.r.home.get(v)
        return home is not None and id(home) in self.forward

    def given(self, v: Val) -> bool:
        """Values that cost nothing: the index, elements of what the loop consumed, values from outside."""
        if not self.inner(v):
            return True
        op = self.m.op
        assert op is not None
        view = LoopView(op)
        if op.code == "for" and v is view.index:
            return True
        return v in view.elements and self.readable(view, v)

    def readable(self, view: LoopView, v: Val) -> bool:
        """An element can be read again unless its source is written to meanwhile."""
        s = view.sources[view.elements.index(v)]
        if view.op.attrs.get("aligned"):
            return True
        return not (isinstance(s, Val) and s in self.r.superseded) and self.simple_index(view)

    def simple_index(self, view: LoopView) -> bool:
        return not (view.head == 3 and view.op.attrs.get("rev"))

    def cost(self, v: Val, tape: set[Val], seen: set[Val], wide: bool = False) -> int:
        """Operations to recompute ``v`` from what is at hand; more than the limit if it cannot be."""
        if v in tape or v in seen or self.given(v):
            return 0
        op = v.op
        n = self.price(op, wide) if op is not None and v in op.outs else None
        if op is None or n is None:
            return LIMIT + 1
        seen.add(v)
        for w in vals(op.ins):
            c = self.cost(w, tape, seen, wide)
            if c and c <= LIMIT and is_element(op) and w not in self.wanted:
                return LIMIT + 1  # an array is not made again for one of its elements
            n += 0 if c <= LIMIT and w in self.indices else c  # an index that is computed anyway
            if n > LIMIT:
                return LIMIT + 1
        return n

    def price(self, op: Op, wide: bool = True) -> int | None:
        """Operations that it is to do one again; None: it is dear. ``wide``: as for large arrays."""
        if op.code != "prim":
            return None
        if op in self.postponed:
            return 0
        if self.cheap(op):
            return 1 if not free_op(op) and vals(op.ins) else 0
        known = wide and isinstance(op.out.kind, Array) and not op.attrs.get("unread")
        return vocabulary.LIGHT.get(op.fn) if known else None

    def cheap(self, op: Op) -> bool:
        if op.attrs.get("unread"):
            return False  # it may have another answer by now
        k = op.out.kind
        if op.fn is operator.getitem or op.fn is ops.getfield:
            base = op.ins[0]
            if isinstance(base, Val) and base in self.r.superseded:
                return False
            if not isinstance(base, Val) or not isinstance(base.kind, Seq) or not self.inner(base):
                return bool(op.attrs.get("view"))
            return bool(op.attrs.get("view")) and (display_of(base) is not None or is_item(base))
        if display_of(op.out) is not None:
            return True
        if op.fn in (ops.shape_at, len, ops.given):
            return True
        if may_alias(op.fn):
            return isinstance(k, Array) and len(op.ins) <= 2
        if op.fn in CHEAP or computable(op, op.ins) or is_square(op):
            return isinstance(k, (Scalar, Array))
        return False

    # ---- getting values
    def get(self, v: Val, tape: set[Val], mirror: Mirror) -> Atom:
        """``v`` in the mirrored region, by operations added to the current region."""
        r = self.r
        if not self.inner(v):
            return self.outside(v)
        op = self.m.op
        assert op is not None
        view = LoopView(op)
        if op.code == "for" and v is view.index:
            assert self.m.index is not None
            return self.m.index
        if v in self.neighbours or v in tape:
            saved = self.saved(v, mirror)
            if isinstance(kind(saved), Maybe) and not isinstance(v.kind, Maybe):
                return r.prim(ops.given, [saved], result=v.kind)
            return saved
        if v in view.elements:
            return self.element(view, v, tape, mirror)
        assert v.op is not None
        if v.op not in self.postponed:
            return self.again(v, tape, mirror)
        if v not in self.moved:
            place, shared = self.postponed.places[v.op]
            if shared:
                with r.inside(Region()) as top:
                    self.moved[v] = self.again(v, tape, place)
                at = self.tops.get(place, 0)
                place.reverse.ops[at:at] = top.ops
                self.tops[place] = at + len(top.ops)
            else:
                self.moved[v] = self.again(v, tape, mirror)
            got = self.moved[v]
            if isinstance(got, Val) and v.user and not got.name:
                got.name, got.user = v.name, True
        return self.moved[v]

    def again(self, v: Val, tape: set[Val], mirror: Mirror) -> Atom:
        """``v`` made of its operands."""
        op = v.op
        assert op is not None
        if not free_op(op):
            self.r.kept.append(Kept(v.name, "recomputed", op.origin))
        ins = [map_atom(lambda w: self.get(w, tape, mirror), a) for a in op.ins]
        attrs = {k: x for k, x in op.attrs.items() if k not in OWN}
        return self.r.prim(op.fn, ins, op.attrs.get("names", ()), result=v.kind, **attrs)

    def outside(self, v: Val) -> Atom:
        r = self.r
        here, r.here = r.here, self.m
        try:
            return self.parent_need(v)
        finally:
            r.here = here

    def parent_need(self, v: Val) -> Atom:
        """A value from outside this loop, as needed just before the reversed loop."""
        p = self.m.parent
        home = self.r.home.get(v)
        while p is not None and p.forward is not home:
            p = p.parent
        if p is None or p.ground:
            return v
        if v not in p.memo or p.memo[v].op is None or not self.before(p, p.memo[v]):
            w = v.again()
            w.op = Op("need", [], [w], [], {"value": v, "mirror": p}, None)
            at = self.position(p)
            p.reverse.ops.insert(at, w.op)
            p.memo[v] = w
        return p.memo[v]

    def position(self, p: Mirror) -> int:
        """Where in ``p`` the reversed operation stands that holds this loop."""
        m: Mirror = self.m
        while m.parent is not p:
            assert m.parent is not None
            m = m.parent
        for n, op in enumerate(p.reverse.ops):
            if m.reverse in op.regions:
                return n
        return len(p.reverse.ops)

    def before(self, p: Mirror, v: Val) -> bool:
        try:
            return p.reverse.ops.index(v.op) < self.position(p)  # type: ignore[arg-type]
        except ValueError:
            return False

    def saved(self, v: Val, mirror: Mirror) -> Atom:
        """``v`` from the tapes: its own, or that of the variable whose value it is in the next trip."""
        j = self.neighbours.get(v)
        return self.from_tape(v) if j is None else self.from_neighbour(v, j, mirror)

    def from_tape(self, v: Val) -> Atom:
        """Collect ``v`` in the forward loop, consume it here."""
        if v in self.taped:
            return self.taped[v]
        op = self.m.op
        assert op is not None and self.m.loop is not None
        view = LoopView(op)
        source: Atom = self.exported(v)
        assert isinstance(source, Val)
        existing = next((t for c, t in view.kept if c is source), None)
        if existing is None:
            existing = view.add_tape(source, tape_name(v.name), source.kind)
            existing.user = v.user
            self.r.home[existing] = self.r.home[op.outs[-1]]
        e = Val(v.name, source.kind, self.m.loop, v.user)
        self.r.kept.append(Kept(v.name, "per trip", statement(v)))
        outer = self.parent_need(existing)
        LoopView(self.m.loop).add_source(outer, -1, e)
        self.taped[v] = e
        return e

    def exported(self, v: Val) -> Val:
        """A value made in a branch, seen from the loop's body."""
        home = self.r.home[v]
        b = self.forward[id(home)]
        while b is not self.m:
            branch = b.op
            assert branch is not None
            at = next((n for n in range(len(branch.outs)) if b.forward.results[n] is v), None)
            if at is None:
                for r in branch.regions:
                    r.results.append(v if r is b.forward else UNDEF)
                w = v.again(branch)
                branch.outs.append(w)
                assert b.parent is not None
                self.r.home[w] = b.parent.forward
            else:
                w = branch.outs[at]
            v = w
            assert b.parent is not None
            b = b.parent
        return v

    def element(self, view: LoopView, v: Val, tape: set[Val], mirror: Mirror) -> Atom:
        n = view.elements.index(v)
        s = view.sources[n]
        d = view.op.attrs["dirs"][n]
        assert self.m.loop is not None
        if view.op.attrs.get("aligned"):
            if v not in self.taped:
                e = v.again(self.m.loop)
                outer = map_atom(lambda w: self.outside(w), s)
                LoopView(self.m.loop).add_source(outer, -d, e)
                self.taped[v] = e
            return self.taped[v]
        r = self.r
        here, r.here = r.here, self.m
        try:
            at: Atom = self.m.index if self.m.index is not None else Const(0)
            if view.head == 3:
                start, _, step = (map_atom(lambda w: self.outside(w), a) for a in view.header)
                if not (isinstance(start, Const) and start.value == 0):
                    at = r.prim(operator.sub, [at, start])
                if not (isinstance(step, Const) and step.value == 1):
                    at = r.prim(operator.floordiv, [at, step])
            if d == -1:
                at = r.prim(operator.sub, [Const(-1), at])
            outer = map_atom(lambda w: self.outside(w), s)
            return r.prim(operator.getitem, [outer, at], result=v.kind, view=True, hint=v.name)
        finally:
            r.here = here

    def at_ground(self, v: Val) -> Atom:
        """A value made in a branch, where what is mirrored is in scope."""
        home = self.r.home[v]
        b = next((x for x in self.group if x.forward is home), None)
        if b is None or b is self.m:
            return v
        return self.exported_to(v)

    def exported_to(self, v: Val) -> Val:
        self.forward = {id(x.forward): x for x in self.group}
        return self.exported(v)


def tape_name(name: str) -> str:
    """A tape of tapes keeps the name of what is on it; what an update overwrote is ``x_old``."""
    if not name or name.endswith(("saved", "_old")):
        return name or "saved"
    return f"{name}_saved"


def collect_uses(region: Region, used: set[Val], read: set[Val]) -> None:
    """What is used, and of that what is used for more than its shape."""
    for op in region.ops:
        ins = vals(op.ins)
        used.update(ins)
        if op.fn in vocabulary.LIKE_SECOND:
            read.update(vals(op.ins[:1]))
        else:
            read.update(ins[1:] if op.fn in SIZES and ins and ins[0] is op.ins[0] else ins)
        for r in op.regions:
            collect_uses(r, used, read)
    results = vals(region.results)
    used.update(results)
    read.update(results)


def whole(v: Val) -> Val:
    """What a value is a part of."""
    while v.op is not None and v.op.code == "prim" and (v.op.attrs.get("view") or may_alias(v.op.fn)):
        base = v.op.ins[0]
        if not isinstance(base, Val):
            break
        v = base
    return v


def is_square(op: Op) -> bool:
    """Whether an operation is a multiplication in the guise of a power."""
    return op.fn is operator.pow and op.ins[1] in (Const(2), Const(2.0))


def is_element(op: Op) -> bool:
    """Whether a number is read of an array."""
    k = kind(op.ins[0]) if op.fn is operator.getitem else None
    return isinstance(k, Array) and isinstance(op.out.kind, Scalar)


def free_op(op: Op) -> bool:
    """Looking things up costs nothing to speak of."""
    return op.fn in (operator.getitem, ops.getfield, ops.shape_at, len, ops.given) or may_alias(op.fn)
