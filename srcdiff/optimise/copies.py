"""Copies: of what would change where it is kept, and of views that are read later."""

from __future__ import annotations

from srcdiff.analysis.memory import is_update
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    JOINS,
    Atom,
    LoopView,
    Op,
    Region,
    Undef,
    Val,
    map_atom,
    vals,
)
from srcdiff.ir.kinds import Array, Scalar, Seq, present
from srcdiff.ir.regions import replace_values
from srcdiff.ir.unset import may_be_unset
from srcdiff.optimise.conflicts import Conflicts
from srcdiff.optimise.holding import VIEWS

__all__ = ["Copies"]


class Copies(Conflicts):
    """What is copied, and where."""

    def is_stale(self, *atoms: Atom) -> bool:
        """Whether something was copied since the analysis that may share memory with one of these."""
        if self.copied:
            self.stale |= self.beside(self.copied)
            self.copied = []
            self.unchanged.clear()
        return bool(self.stale) and not self.stale.isdisjoint(vals(atoms))

    def is_copy(self, a: Atom) -> bool:
        """Whether a value was copied where it is set."""
        if not isinstance(a, Val) or a.op is None or a not in a.op.outs:
            return False
        if a.op.code in JOINS:
            at = a.op.outs.index(a)
            return all(isinstance(r.results[at], Undef) or self.is_copy(r.results[at]) for r in a.op.regions)
        if a.op.code != "prim" or a.op.fn is ops.copied:
            return a.op.fn is ops.copied
        uses = self.uses[a]  # nobody else has what was made for this place alone
        there = len(uses) == 1 and uses[0][0][-1][0] is self.home[a]
        flat = isinstance(a.kind, Array) or (isinstance(a.kind, Seq) and isinstance(a.kind.elem, Scalar))
        new = flat and self.fresh(a.op.fn) and not self.may_alias(a.op.fn)
        apart = getattr(a.op.fn, "__made_apart__", False)  # all that is in it is new
        return there and (new or apart or a.op.fn is list)

    def copy(self, v: Val, like: Op) -> Op:
        c = Op.applying(ops.copied, [v], v.kind, like.origin, v.name, v.user)
        self.note_unset(v, c)
        self.copied += [v, c.out]
        return c

    def copy_atom(self, a: Atom, like: Op) -> tuple[list[Op], Atom]:
        made: list[Op] = []

        def f(v: Val) -> Atom:
            if not isinstance(present(v.kind), (Array, Seq)):
                return v
            if self.partly_set(v):
                return self.copy_in_branches(v)
            c = self.copy(v, like)
            c.out.user = False
            c.out.name = ""
            made.append(c)
            return c.out

        new = map_atom(f, a)
        return made, new

    def partly_set(self, v: Val) -> bool:
        """Whether a value is the result of a branch that sets it on one path only."""
        if v.op is None or v.op.code not in JOINS or v not in v.op.outs:
            return False
        at = v.op.outs.index(v)
        results = [r.results[at] for r in v.op.regions]
        return any(isinstance(a, Undef) or (isinstance(a, Val) and self.partly_set(a)) for a in results)

    def copy_in_branches(self, v: Val) -> Val:
        """A copy of such a value, made where it is set."""
        op = v.op
        assert op is not None
        at = op.outs.index(v)
        for r in op.regions:
            a = r.results[at]
            if isinstance(a, Val) and a.op in r.ops and self.partly_set(a):
                a = self.copy_in_branches(a)
            elif isinstance(a, Val) and a.op in r.ops and a.op.fn in VIEWS and isinstance(a.kind, Array):
                self.copy_views([a], r)  # (who reads it after the array is written to needs the copy too)
                a = r.results[at]
            elif isinstance(a, Val):
                c = self.copy(a, op)
                c.out.user = False
                r.ops.append(c)
                a = c.out
            r.results.append(a)
        out = Val(v.name, v.kind, op)
        op.outs.append(out)
        self.copied += [v, out]
        self.like(v, out)
        return out

    def note_unset(self, v: Val, c: Op) -> None:
        """What a copy is made of may not be set on every path: it is None there, and so is the copy."""
        if may_be_unset(v):
            c.attrs["unset"] = True
            self.maybe.add(v)
        self.like(v, c.out)

    def like(self, v: Val, copy: Val) -> None:
        """A copy of what may be None may be None."""
        if v in self.maybe:
            self.maybe.add(copy)

    def copy_at_end(self, view: LoopView, c: Atom) -> bool:
        """Copy what a trip leaves in a variable that the first trip finds unset, not what it finds in it."""
        j = next((j for j, p in enumerate(view.params) if p is c), None)
        if j is None or not isinstance(view.inits[j], Undef):
            return False
        y = view.yields[j]
        if not isinstance(y, Val) or y is c or self.is_copy(y):
            return False
        made = self.copy(y, view.op)
        made.out.name, made.out.user = view.params[j].name, view.params[j].user
        view.body.ops.append(made)
        view.body.results[j] = made.out
        return True

    def place(self, a: Atom, body: Region) -> int:
        """Right after a collected value is made."""
        best = 0
        for v in vals([a]):
            for n, op in enumerate(body.ops):
                if v in op.outs:
                    best = max(best, n + 1)
        return best

    def copy_views(self, values: list[Val], region: Region) -> None:
        for w in values:
            assert w.op is not None
            c = self.copy(w, w.op)
            at = region.ops.index(w.op) + 1
            replace_values(self.graph.region, {w: c.out})
            region.ops.insert(at, c)

    def views_only(self, values: list[Val], target: Val, region: Region) -> bool:
        """Whether all are views made here of (part of) the target: cheaper to copy than the target."""
        for w in values:
            op = w.op
            if (
                w is target
                or op is None
                or w not in op.outs
                or op.code != "prim"
                or not isinstance(w.kind, Array)
            ):
                return False
            if (
                (op.fn not in VIEWS and not self.may_alias(op.fn))
                or self.home[w] is not region
                or is_update(op)
            ):
                return False
            if self.leads_to(target, w):
                return False
        return True

    def needs_copy(self, a: Atom) -> bool:
        """Whether a value put on a tape would change there."""
        return any(
            isinstance(present(v.kind), (Array, Seq))
            and any(
                (r in self.updated and self.changed_later(r, v)) or r in self.repeated & self.touched
                for r in self.own_memory(v)
            )
            and not self.is_copy(v)
            for v in vals([a])
        )

    def changed_later(self, r: Val, v: Val) -> bool:
        """Whether memory may be written to after ``v`` stands in it; memory of one trip may be complete."""
        made = self.path.get(r.op) if r.op is not None and r in r.op.outs and r.op.code == "prim" else None
        region, done = self.defined[v][-1]
        if made is None or made[-1][0] is not region:
            return True
        writes = (next((n for where, n in w if where is region), None) for w in self.written[r])
        return any(n is None or n > done for n in writes)
