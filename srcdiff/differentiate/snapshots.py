"""Snapshots of a loop's variables that the forward sweep takes, for a loop that is run again from them.

Where the number of trips is known before the loop, they are those that the schedule of ``replay`` would take
on its first way to the last trip.  Where it is not, one is taken every ``gap`` trips; when there are as many
as there may be, every other one is dropped and the gap is doubled.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from srcdiff.analysis.memory import updated_anywhere
from srcdiff.ir import ops
from srcdiff.ir.checkpoints import is_budget
from srcdiff.ir.graph import Atom, Const, Op, Region, Slice, Undef, Val, is_none
from srcdiff.ir.kinds import BOOL, Kind, Scalar, Seq, fresh_sym
from srcdiff.ir.unset import unset_among
from srcdiff.rules import vocabulary

if TYPE_CHECKING:
    from srcdiff.differentiate.replay import Replay

__all__ = ["Ahead"]


class Ahead:
    """The lists that the forward loop fills: what they are after it, and (``build``) how."""

    def __init__(self, replay: Replay, block: Op) -> None:
        self.replay, self.r, self.m = replay, replay.r, replay.m
        self.op, self.view = replay.op, replay.view
        self.given: Atom = block.ins[0]
        self.first: list[Op] = []
        if is_budget(block):
            self.given = self.within(block.ins[0])
        self.known = replay.counted()
        self.counts = self.op.code == "while" or (self.view.head == 0 and not self.known)  # trips, itself
        updated = updated_anywhere(self.view)
        self.changed = [j in updated for j in replay.slots]
        self.saved_of = replay.of(self.view.params)
        self.marks = self.after("marks", Seq(integer()))
        self.saved = [
            self.after(f"{p.name}_saved" if p.name else "saved", Seq(p.kind)) for p in self.saved_of
        ]
        self.gap = self.after("gap", integer())
        self.number = self.after("k", integer())

    @property
    def lists(self) -> list[Val]:
        return [self.marks, *self.saved]

    @property
    def by_default(self) -> bool:
        return is_none(self.given)

    def after(self, name: str, k: Kind) -> Val:
        """A variable of the forward loop, as it is after the loop."""
        v = Val(name, k, self.op)
        self.r.home[v] = self.m.forward
        return v

    def within(self, memory: Atom) -> Atom:
        """As many as fit into so many bytes, counted before the loop."""
        state = [i for i in self.replay.of(self.view.inits) if not isinstance(i, (Const, Undef))]
        op = Op.applying(vocabulary.SNAPSHOTS_WITHIN, [memory, *state], integer(), None, "snapshots")
        self.r.home[op.out] = self.m.forward
        self.first.append(op)
        return op.out

    def count(self, trips: Atom) -> Atom:
        """How many snapshots may be held while the loop is gone back over: an atom of the reversed region."""
        r = self.r
        if not self.by_default:
            return self.replay.known(self.given)
        if self.known:
            return r.prim(vocabulary.SNAPSHOTS_FOR, [trips], result=integer(), hint="snapshots")
        more = r.prim(vocabulary.SNAPSHOTS_FOR, [r.need(self.gap)], result=integer())
        held = r.prim(len, [r.need(self.marks)], result=integer())
        return r.prim(operator.add, [held, more], result=integer(), hint="snapshots")

    def trips(self) -> Atom:
        """How often a loop was run whose trips are not known before."""
        return self.r.need(self.number if self.counts else self.view.trips)

    # ---- the forward loop
    def build(self) -> None:
        """Give the forward loop its lists."""
        r, m, view, op = self.r, self.m, self.view, self.op
        origin, r.origin = r.origin, None
        before, start = Region(ops=self.first), Region()
        with r.inside(before):
            marks = self.replay.display(Const(0), self.marks)
            lead = [(self.marks, marks)]
            lead += list(zip(self.saved, map(self.replay.display, self.starts(), self.saved), strict=True))
            if self.known:
                trips = self.trips_ahead()
                if view.head == 0:  # now the trips have numbers
                    op.ins[:0], op.attrs["head"] = [Const(0), trips, Const(1)], 3
                self.last = r.prim(operator.sub, [trips, Const(1)], result=integer(), hint="last")
                self.most = self.given
                if self.by_default:
                    self.most = r.prim(vocabulary.SNAPSHOTS_FOR, [trips], result=integer(), hint="snapshots")
                spare = r.prim(operator.sub, [self.most, Const(1)], result=integer())
                due = r.prim(vocabulary.NEXT_SNAPSHOT, [Const(0), self.last, spare], result=integer())
                lead.append((Val("stop", integer()), due))
            else:
                if not self.by_default:
                    key = self.replay.key
                    ahead = vocabulary.SNAPSHOTS_AHEAD
                    self.most = r.prim(ahead, [self.given], result=integer(), hint="most", bound=key)
                lead += [(self.gap, Const(1)), (Val("due", integer()), Const(1))]
                if self.counts:
                    lead.append((self.number, Const(0)))
        at = m.forward.ops.index(op)
        m.forward.ops[at:at] = before.ops
        for o in before.ops:
            r.home.update(dict.fromkeys(o.outs, m.forward))
        params = [v.again(op) for v, _ in lead]
        if not self.counts and view.index.name in ("_", ""):
            view.index.name, view.index.user = "k", False
        with r.inside(start):
            results = self.taken(params)
        at = view.carried
        first = view.has_index + at
        view.body.ops[:0] = start.ops
        view.body.params[first:first] = params
        view.body.results[at:at] = results
        if op.code == "while":
            op.regions[0].params[at:at] = [Val(p.name, p.kind, op) for p in params]
        r.locate(view.body)
        op.ins[view.head + at : view.head + at] = [i for _, i in lead]
        op.outs[at:at] = [v for v, _ in lead]
        for v, _ in lead:
            v.op = op
            r.home[v] = m.forward
        op.attrs["carried"] = at + len(lead)
        r.origin = origin

    def taken(self, params: list[Val]) -> list[Atom]:
        """At the start of a trip: a snapshot, if it is time for one; the variables of ``build``, after it."""
        r, n = self.r, 1 + len(self.saved)
        lists, due = params[:n], params[n] if self.known else params[n + 1]
        k: Atom = params[-1] if self.counts else self.replay.number_of(self.view.index)
        test = r.prim(operator.eq, [k, due], result=BOOL)
        branch = Op("if", [test], regions=[Region(), Region()])
        with r.inside(branch.regions[0]):
            if self.known:
                held = self.appended(lists, k)
                length = r.prim(len, [held[0]], result=integer())
                spare = r.prim(
                    operator.sub, [self.most, length], result=integer(), bound=self.replay.key
                )
                stop = r.prim(vocabulary.NEXT_SNAPSHOT, [k, self.last, spare], result=integer(), hint="stop")
                results = [*held, stop]
            else:
                thinned, gap = self.thinned(lists, params[n])
                held = self.appended(thinned, k)
                results = [*held, gap, r.prim(operator.add, [due, gap], result=integer(), hint="due")]
        changed = params[: len(results)]
        branch.regions[0].results, branch.regions[1].results = results, list(changed)
        branch.outs = [Val(p.name, p.kind, branch) for p in changed]
        r.add(branch)
        out: list[Atom] = list(branch.outs)
        if self.counts:
            out.append(r.prim(operator.add, [params[-1], Const(1)], result=integer(), hint="k"))
        return out

    def thinned(self, lists: list[Val], gap: Val) -> tuple[list[Val], Val]:
        """The lists without every other snapshot and twice the gap, if there are as many as there may be."""
        r = self.r
        most: Atom
        if self.by_default:
            most = r.prim(operator.mul, [Const(2), gap], result=integer())
        else:
            most = self.most
        length = r.prim(len, [lists[0]], result=integer())
        full = r.prim(operator.eq, [length, most], result=BOOL)
        branch = Op("if", [full], regions=[Region(), Region()])
        other = Slice(Const(None), Const(None), Const(2))
        with r.inside(branch.regions[0]):
            half: list[Atom] = [
                r.prim(operator.getitem, [s, other], result=s.kind, view=False, hint=s.name) for s in lists
            ]
            half.append(r.prim(operator.mul, [gap, Const(2)], result=integer(), hint="gap"))
        branch.regions[0].results, branch.regions[1].results = half, [*lists, gap]
        branch.outs = [Val(v.name, v.kind, branch) for v in (*lists, gap)]
        r.add(branch)
        return branch.outs[:-1], branch.outs[-1]

    def appended(self, lists: list[Val], k: Atom) -> list[Atom]:
        values = [k, *self.saved_of]
        key = self.replay.key
        return [
            self.r.prim(ops.append, [s, v], result=s.kind, hint=s.name, snapshots=key, **unset_among(v))
            for s, v in zip(lists, values, strict=True)
        ]

    def trips_ahead(self) -> Atom:
        """How often the loop will be run."""
        r, view = self.r, self.view
        if view.head == 3:
            start, stop, _ = view.header
            if isinstance(start, Const) and start.value == 0:
                return stop
            return r.prim(operator.sub, [stop, start], result=integer())
        return r.prim(len, [view.sources[0]], result=integer())

    def starts(self) -> list[Atom]:
        """The variables before the loop: of those that it writes to, copies."""
        out: list[Atom] = []
        for i, changed in zip(self.replay.of(self.view.inits), self.changed, strict=True):
            if changed and isinstance(i, Val):
                i = self.r.prim(ops.copied, [i], result=i.kind, hint=i.name)
            out.append(Const(None) if isinstance(i, Undef) else i)
        return out


def integer() -> Kind:
    return Scalar("i8", True, fresh_sym())
