"""What is computed again in the backward sweep: blocks and loops marked by ``checkpoint``.

Their forward operations are copied into the reversed region, and the copy is mirrored there: it is the ground
of a sweep of its own, in which everything is in scope.  A reversed loop holds snapshots of the forward one's
variables, the first of which the forward sweep takes (``snapshots.py``); each trip starts from the last of
them, runs forwards to the trip that it goes back over (taking snapshots on the way, where
``runtime.next_snapshot`` says so), does this one again, and then its mirror.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from srcdiff.analysis.versions import buffer_slots
from srcdiff.differentiate import branching, looping, rewinding, scattered
from srcdiff.differentiate.mirrors import same_const
from srcdiff.differentiate.problems import no_rule
from srcdiff.differentiate.snapshots import Ahead, integer
from srcdiff.frontend.words import name_of
from srcdiff.ir import ops
from srcdiff.ir.checkpoints import is_budget
from srcdiff.ir.graph import (
    UNDEF,
    Atom,
    Const,
    LoopView,
    Op,
    Origin,
    Region,
    Struct,
    Undef,
    Val,
    copied,
    is_none,
    kind,
    map_atom,
    vals,
    walk,
)
from srcdiff.ir.indices import display
from srcdiff.ir.kinds import BOOL, OTHER, Kind, Seq
from srcdiff.ir.regions import read_by, remove, replace_values
from srcdiff.ir.unset import unset_among
from srcdiff.rules import vocabulary

if TYPE_CHECKING:
    from srcdiff.differentiate.mirrors import Mirror
    from srcdiff.differentiate.reverse import Reverse

__all__ = ["back_block", "back_loop"]

Outer = Callable[[Val], Atom]
T = TypeVar("T")


# ---- blocks
def back_block(r: Reverse, op: Op, m: Mirror) -> None:
    """The block again, and behind it, in the same region, its mirror."""
    bars, updates = branching.coming(r, op, m)
    for n in updates:
        before = branching.chain(r, op, n)
        assert before is not None
        m.rewound[before] = rewinding.logged(r, before, op, m, None)
    if not bars:
        return
    check(op, op.regions[0])
    once = {v: exported(r, op, v, m) for v in drawn(op.regions[0])}
    new = Op("with", [], [], [], dict(op.attrs), adjoint(op.origin))
    table: dict[Val, Val] = {}
    region = copied(op.regions[0], table)
    results, region.results = region.results, []
    region.params = [Val("entered", OTHER, new)]
    new.regions = [region]
    tidy(region)
    b = type(m)(m, region, op, region, ground=True)
    grounded(r, b, table)
    again = list(region.ops)
    with r.inside(region):
        for n, bar in bars.items():
            if bar is not None:
                r.accumulate(results[n], bar)
    outer = seen_from(r, b)
    mirror(r, b, again, outer)
    r.here = m
    branching.leave(r, op, new, [b], bars, [], m)
    substitute(region, {table[v]: outer(w) for v, w in once.items()})


def exported(r: Reverse, op: Op, v: Val, m: Mirror) -> Val:
    """A value of a block, seen from outside."""
    out = v.again(op)
    op.regions[0].results.append(v)
    op.outs.append(out)
    r.home[out] = m.forward
    return out


# ---- loops
def back_loop(r: Reverse, op: Op, m: Mirror, block: Op) -> None:
    """The reversed loop, with as many snapshots of the forward one's variables as its block says."""
    view = LoopView(op)
    bars = {j: r.take(f) for j, f in enumerate(view.finals) if f in r.varied and f in m.bars}
    tapes = [(j, t, r.take(t)) for j, t in enumerate(view.tapes) if t in r.varied and t in m.bars]
    for j in sorted(buffer_slots(view)):
        i = view.inits[j]
        if isinstance(i, Val):
            m.rewound[i] = rewinding.logged(r, i, op, m, None)
    if not bars and not tapes:
        return
    check(op, view.body)
    Replay(r, op, m).run(block, bars, tapes)


class Replay:
    """The reversed loop of a loop that is run again from snapshots."""

    def __init__(self, r: Reverse, op: Op, m: Mirror) -> None:
        self.r, self.op, self.m = r, op, m
        self.view = LoopView(op)
        self.key = object()  # what the snapshots of this loop are known by
        self.once = {v: self.on_tape(v) for v in drawn(self.view.body)}
        attrs = {"head": 3, "rev": True, "dirs": (), "exits": (), "aligned": True}
        self.new = Op("for", [], [], [], attrs, adjoint(op.origin))
        self.b = type(m)(m, Region(), op, Region(), loop=self.new, ground=True)
        self.b.forward = self.b.reverse
        named = op.code == "for" and self.direct()
        index = self.view.index if named else None
        self.at = self.number("k" if index is None or index.name == "_" else index.name, self.new)
        self.at.user = index is not None and index.user
        self.b.index = self.at
        self.outer = seen_from(r, self.b)
        read = {v for o in self.view.body.ops for v in read_by(o)} | set(vals(self.view.yields))
        self.slots = [  # the variables of which snapshots are taken: not those that each trip sets anew
            j
            for j, (p, i) in enumerate(zip(self.view.params, self.view.inits, strict=True))
            if p in read or not isinstance(i, Undef)
        ]

    def on_tape(self, v: Val) -> Val:
        """What is not to be had again goes on a tape."""
        tape = self.view.add_tape(v, f"{v.name or 'value'}_saved", v.kind)
        self.r.home[tape] = self.m.forward
        return tape

    def run(self, block: Op, bars: dict[int, Atom | None], tapes: list[tuple[int, Val, Atom | None]]) -> None:
        r, view, b, region = self.r, self.view, self.b, self.b.reverse
        ahead = Ahead(self, block) if self.in_scope() else None
        trips = self.trips() if ahead is None or self.counted() else ahead.trips()
        marks = self.listed("marks", integer())
        saved = [self.listed(f"{p.name}_saved" if p.name else "saved", p.kind) for p in self.of(view.params)]
        if ahead is not None:
            count = ahead.count(trips)
            first = list(map(r.need, ahead.lists))
        else:
            count = self.known(block.ins[0])
            if is_none(count):
                count = r.prim(vocabulary.SNAPSHOTS_FOR, [trips], result=integer(), hint="snapshots")
            starts = [Const(None) if isinstance(i, Undef) else self.known(i) for i in self.of(view.inits)]
            if is_budget(block):
                state = [a for a in starts if not isinstance(a, Const)]
                within = vocabulary.SNAPSHOTS_WITHIN
                count = r.prim(within, [count, *state], result=integer(), hint="snapshots")
            first = [self.display(Const(0), marks), *(map(self.display, starts, saved))]
        carried = [j for j, p in enumerate(view.params) if p in r.varied]
        bar_of = {j: self.bar(view.params[j]) for j in carried}
        bar_inits = [r.materialise(bars.get(j), r.need(view.finals[j])) for j in carried]

        r.here = b
        table: dict[Val, Val] = {}
        with r.inside(region):
            start, left = self.popped(marks, "mark", False)
            values, rest = [], []
            for p, s in zip(self.of(view.params), saved, strict=True):
                value, others = self.popped(s, p.name, p.user)
                values.append(value)
                rest.append(others)
            forwards = self.descend(count, [start, *values, left, *rest])
            marks_now, *saved_now = forwards.outs[1 + len(values) : -1]
            now = dict(zip(self.slots, forwards.outs[1 : 1 + len(values)], strict=True))
            body, bound = self.body_at(self.at, list(now.values()), table)
            table.update({view.params[j]: v for j, v in now.items()})
            for e in view.elements:
                got = bound[table[e]]
                if isinstance(got, Val):
                    table[e] = got
            region.params = [self.at, marks, *saved]
            before = {v for o in region.ops for v in o.outs} | set(region.params)
            region.ops += body.ops
            results = body.results
        grounded(r, b, table)
        elements: list[tuple[Atom, int, Val]] = []
        with r.inside(region):
            for j, p in bar_of.items():
                y = results[j]
                if isinstance(y, (Val, Struct)):
                    r.accumulate(y, p)
            for j, t, bar in tapes:
                assert isinstance(t.kind, Seq) and bar is not None
                e = Val(f"{t.name}_bar" if t.name else "", t.kind.elem, self.new, t.user)
                elements.append((bar, -1, e))
                r.accumulate(results[view.carried + j], e)
        mirror(r, b, list(body.ops), self.outer, before)
        r.here = b
        with r.inside(region):
            yields = [
                looping.leave_loop(r, now[j], results[j], bar_of[j], b) if j in now else r.zero(bar_of[j])
                for j in carried
            ]
            for n, e in enumerate(view.elements):
                bar = b.bars.pop(table[e], None)
                if bar is not None:
                    value = r.materialise(bar, table[e]) if isinstance(bar, Struct) else bar
                    scattered.add_at(r, view.sources[n], self.place(n, self.at), value)
            tapes_at = {table[v]: self.element(r.need(t), self.at, v) for v, t in self.once.items()}
        r.here = self.m
        lead = [
            (marks, first[0], marks_now),
            *zip(saved, first[1:], saved_now, strict=True),
            *zip(bar_of.values(), bar_inits, yields, strict=True),
        ]
        if tapes_at:
            made = [a.op for a in tapes_at.values() if isinstance(a, Val) and a.op is not None]
            region.ops = [*made, *(o for o in region.ops if o not in made)]
        outs = looping.close_loop(r, b, [Const(0), trips, Const(1)], lead, elements)
        substitute(region, tapes_at)
        if ahead is not None:
            ahead.build()
        for j, out in zip(carried, outs[1 + len(saved) :], strict=True):
            if isinstance(view.inits[j], (Val, Struct)):
                r.accumulate(view.inits[j], out)

    # ---- parts
    def of(self, slots: Sequence[T]) -> list[T]:
        """Of something for each variable, that for those of which snapshots are taken."""
        return [slots[j] for j in self.slots]

    def bar(self, p: Val) -> Val:
        return Val(f"{p.name}_bar", p.kind, self.new, p.user)

    def known(self, a: Atom) -> Atom:
        """An atom from outside the loop, before it."""
        return map_atom(self.outer, a)

    def number(self, name: str, op: Op) -> Val:
        return Val(name, integer(), op)

    def direct(self) -> bool:
        """Whether the loop's index is the number of the trip."""
        if self.view.head == 0:
            return True
        start, _, step = self.view.header
        return same_const(start, 0) and same_const(step, 1) and not self.op.attrs.get("rev")

    def in_scope(self) -> bool:
        """Whether the forward loop is run once for the reversed one: what it leaves is at hand then."""
        m: Mirror | None = self.m
        while m is not None and not m.ground:
            if m.is_loop:
                return False
            m = m.parent
        return True

    def counted(self) -> bool:
        """Whether the number of trips is known before the loop."""
        view, op = self.view, self.op
        if op.attrs["exits"] or op.code == "while" or len(view.sources) > 1:
            return False
        if view.head == 0:
            return True
        return same_const(view.header[2], 1) and (not view.sources or looping.counts(self.r, view))

    def trips(self) -> Atom:
        """How often the loop was run."""
        r, view, op = self.r, self.view, self.op
        if not self.counted():
            return r.need(view.trips)
        (start, stop, _), _ = looping.header_of(r, op, view)
        return stop if same_const(start, 0) else r.prim(operator.sub, [stop, start], result=integer())

    def index(self, k: Atom) -> Atom:
        """The loop's index in trip ``k``."""
        r = self.r
        if self.direct():
            return k
        start, stop, step = map(self.known, self.view.header)
        if self.op.attrs.get("rev"):
            if not same_const(step, 1):
                why = "a reversed range with a step cannot be run again"
                raise no_rule(self.op, why, "count downwards with a negative step")
            return r.prim(operator.sub, [r.prim(operator.sub, [stop, Const(1)]), k])
        far = k if same_const(step, 1) else r.prim(operator.mul, [k, step])
        return far if same_const(start, 0) else r.prim(operator.add, [start, far])

    def number_of(self, index: Val) -> Atom:
        """The trip with this index."""
        r = self.r
        if self.direct():
            return index
        start, stop, step = self.view.header
        if self.op.attrs.get("rev"):
            return r.prim(operator.sub, [r.prim(operator.sub, [stop, Const(1)]), index], result=integer())
        far = index if same_const(start, 0) else r.prim(operator.sub, [index, start], result=integer())
        return far if same_const(step, 1) else r.prim(operator.floordiv, [far, step], result=integer())

    def place(self, n: int, k: Atom) -> Atom:
        """Where in source ``n`` the element of trip ``k`` stands."""
        if self.op.attrs["dirs"][n] == 1:
            return k
        return self.r.prim(operator.sub, [Const(-1), k])

    def element(self, source: Atom, k: Atom, like: Val) -> Atom:
        return self.r.prim(operator.getitem, [source, k], result=like.kind, view=True, hint=like.name)

    def body_at(self, k: Val, values: list[Atom], table: dict[Val, Val]) -> tuple[Region, dict[Val, Atom]]:
        """A copy of the body for trip ``k`` on given values of the variables, and what its parameters are."""
        view = self.view
        body = copied(view.body, table)
        copy = LoopView(Op(self.op.code, [], [], [body], self.op.attrs))
        bound: dict[Val, Atom] = dict.fromkeys(copy.params, UNDEF)
        bound.update(zip(self.of(copy.params), values, strict=True))
        if view.has_index:
            bound[copy.index] = self.index(k)
        for n, e in enumerate(copy.elements):
            bound[e] = self.element(self.known(view.sources[n]), self.place(n, k), e)
        tidy(body)
        substitute(body, bound)
        return body, bound

    def descend(self, count: Atom, start: list[Atom]) -> Op:
        """Run forwards to trip ``self.at``, taking snapshots: a ``while`` over the mark, variables, lists."""
        r, n = self.r, len(self.slots)
        loop = Op("while", start, attrs={"head": 0, "carried": len(start), "dirs": (), "exits": ()})
        loop.regions = [Region(), Region()]
        test, body = loop.regions
        for q in loop.regions:
            q.params = [Val(name_of(a), kind(a), loop, user_of(a)) for a in start]
        with r.inside(test):
            test.results = [r.prim(operator.lt, [test.params[0], self.at], result=BOOL)]
        with r.inside(body):
            mark, *rest = body.params
            values, marks, saved = rest[:n], rest[n], rest[n + 1 :]
            key = self.key
            marks1 = r.prim(ops.append, [marks, mark], result=marks.kind, hint=marks.name, snapshots=key)
            saved1 = [
                r.prim(
                    ops.append, [s, v], result=s.kind, hint=s.name, user=s.user,
                    snapshots=key, **unset_among(v),
                )
                for s, v in zip(saved, values, strict=True)
            ]  # fmt: skip
            held = r.prim(len, [marks1], result=integer())
            spare = r.prim(operator.sub, [count, held], result=integer(), bound=self.key)
            stop = r.prim(vocabulary.NEXT_SNAPSHOT, [mark, self.at, spare], result=integer(), hint="stop")
            run = self.advance(mark, stop, list(values))
            body.results = [stop, *run.outs[:n], marks1, *saved1]
        loop.outs = [p.again(loop) for p in body.params]
        loop.outs.append(self.number("trips", loop))
        r.add(loop)
        return loop

    def advance(self, start: Atom, stop: Atom, values: list[Atom]) -> Op:
        """Trips run forwards again, of which nothing is kept."""
        r, n = self.r, len(self.slots)
        loop = Op("for", [start, stop, Const(1), *values])
        loop.attrs = {"head": 3, "rev": False, "carried": n, "dirs": (), "exits": ()}
        k = self.number(self.at.name, loop)
        k.user = self.at.user
        params = [p.again(loop) for p in self.of(self.view.params)]
        region = Region([k, *params])
        table: dict[Val, Val] = {}
        with r.inside(region):
            body, _ = self.body_at(k, list(params), table)
            kept = {table[v]: self.element(r.need(t), k, v) for v, t in self.once.items()}
        substitute(body, kept)
        again = {table[v] for v in self.once}
        region.ops += [o for o in body.ops if not again.intersection(o.outs)]
        region.results = self.of(body.results)
        made = {v for o in walk(region) for v in o.outs} | set(region.params)
        read_outer(body.ops, self.outer, made)
        region.results = [a if isinstance(a, Val) and a in made else self.known(a) for a in region.results]
        loop.regions = [region]
        loop.outs = [p.again(loop) for p in params]
        loop.outs.append(self.number("trips", loop))
        r.add(loop)
        return loop

    def listed(self, name: str, k: Kind) -> Val:
        return Val(name, Seq(k), self.new)

    def display(self, a: Atom, like: Val) -> Atom:
        """A list of one."""
        one = display((a,), list)
        return self.r.prim(list, [one], result=like.kind, display=True, hint=like.name, **unset_among(a))

    def popped(self, s: Val, name: str, user: bool) -> tuple[Atom, Atom]:
        assert isinstance(s.kind, Seq)
        last = self.r.prim(ops.poplast, [s], result=s.kind.elem, hint=name, user=user)
        return last, self.r.prim(ops.rest, [s], result=s.kind, hint=s.name)


# ---- what both share
def grounded(r: Reverse, b: Mirror, table: dict[Val, Val]) -> None:
    """Make known the copy that stands in the reversed region of ``b``; ``table``: what it is a copy of."""
    r.mirrors.append(b)
    r.locate(b.reverse)
    for known in (r.varied, r.superseded):
        known.update([new for old, new in table.items() if old in known])
    r.here = b


def mirror(r: Reverse, b: Mirror, again: list[Op], outer: Outer, before: set[Val] | None = None) -> None:
    """Go back over operations that stand in the reversed region; then they read what is at hand there."""
    first = b.reverse.ops.index(again[0]) if again else 0
    r.back(again, b)
    last = b.reverse.ops.index(again[-1]) + 1 if again else 0
    forward = b.reverse.ops[first:last]  # with what the mirror has saved among them
    r.spared.update(b.reverse.ops[:last])
    r.here = b
    read_outer(forward, outer, before or set())


def seen_from(r: Reverse, b: Mirror) -> Outer:
    """Values from outside the copy, as they were when the original was computed."""
    seen: dict[Val, Atom] = {}

    def outer(v: Val) -> Atom:
        if v not in seen:
            seen[v] = rewound(v)
        return seen[v]

    def rewound(v: Val) -> Atom:
        m = b.parent
        while m is not None:
            if v in m.rewound:
                return m.rewound[v]
            if r.home.get(v) is m.forward:
                break
            m = m.parent
        return r.need(v)

    return outer


def read_outer(forward: list[Op], outer: Outer, inside: set[Val]) -> None:
    """Replace the values that come from outside some operations."""

    def f(v: Val) -> Atom:
        return v if v in inside else outer(v)

    for op in forward:
        op.ins = [map_atom(f, a) for a in op.ins]
        for region in op.regions:
            inside.update(region.params)
            read_outer(region.ops, outer, inside)
            region.results = [map_atom(f, a) for a in region.results]
        inside.update(op.outs)


def substitute(region: Region, table: dict[Val, Atom]) -> None:
    """Replace values; the operations that made them are not done."""
    remove(region, {o for o in walk(region) if any(v in table for v in o.outs)})
    replace_values(region, table)


def drawn(region: Region) -> list[Val]:
    """Values that would be others if they were computed again: random numbers, say."""
    return [o.out for o in region.ops if o.code == "prim" and o.attrs.get("unread")]


def check(op: Op, region: Region) -> None:
    """Refuse what cannot be done twice."""
    top = set(map(id, region.ops))
    for o in walk(region):
        called = o.code == "call" and o.attrs["graph"].info.get("effect")
        manager = o.code == "with" and o.attrs.get("effect")
        if called or manager or (o.attrs.get("unread") and id(o) not in top):
            raise no_rule(
                Op(o.code, [], origin=o.origin or op.origin),
                "this is to be computed again in the backward sweep, and may have another answer then",
                "compute it outside of what is checkpointed, and pass it in",
            )


def tidy(region: Region, guarded: bool = False) -> None:
    """A copy does not act on the world, and raises nothing but for handlers of its own (``guarded``)."""
    region.ops = [
        o
        for o in region.ops
        if o.code != "opaque" or not o.attrs.get("effect") or (guarded and o.attrs.get("guarded"))
    ]
    for o in region.ops:
        if not guarded:
            o.attrs = {k: v for k, v in o.attrs.items() if k != "guarded"}
        for inner in o.regions:
            tidy(inner, guarded or o.code == "try")


def adjoint(o: Origin | None) -> Origin | None:
    return o.back() if o is not None else None


def user_of(a: Atom) -> bool:
    return isinstance(a, Val) and a.user
