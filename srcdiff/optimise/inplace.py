"""Ownership: updates are done in place where nobody else can see it, and on a copy where somebody can.

The graph knows values only.  Here every array and list gets the set of allocations it may share memory with;
an update of ``t`` may be printed in place if ``t``'s memory is ours (not an argument's) and no other value
over it is read afterwards.  Where that does not hold, a ``copied`` operation is put in: the answer stays
right and only time is lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from srcdiff.analysis.memory import is_update, updated_anywhere
from srcdiff.errors import InternalError
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Atom,
    Graph,
    LoopView,
    Op,
    Region,
    Struct,
    Val,
    vals,
    walk,
)
from srcdiff.ir.kinds import Map, Seq
from srcdiff.ir.unset import unset_among
from srcdiff.optimise.accumulate import Sums
from srcdiff.optimise.holding import (
    EMPTY,
    Roots,
)
from srcdiff.optimise.results import Results
from srcdiff.optimise.sizes import newest_versions

__all__ = ["memory_of", "own"]


def own(
    graph: Graph,
    may_alias: Callable[[Any], bool],
    fresh: Callable[[Any], bool],
    shape_only: Callable[[Any], frozenset[int]] = lambda fn: frozenset(),
) -> Graph:
    """Insert copies where needed and mark updates that are printed in place.

    `shape_only` says of which operands of a function only the shape and the type matter, by position.
    """
    Owner(graph, may_alias, fresh, shape_only).run()
    return graph


def memory_of(
    graph: Graph,
    may_alias: Callable[[Any], bool],
    fresh: Callable[[Any], bool],
    shape_only: Callable[[Any], frozenset[int]],
) -> tuple[Callable[[Val], Roots], Roots]:
    """Of a graph that went through ``own``: the memory that a value may have, and all that is written to."""
    owner = Owner(graph, may_alias, fresh, shape_only)
    owner.analyse()

    def memory(v: Val) -> Roots:
        return owner.memory(owner.roots.get(v, EMPTY) | owner.alone(v))

    written = frozenset().union(
        *(memory(v) for op in walk(graph.region) if op.attrs.get("inplace") for v in vals(op.ins[:1]))
    )
    return memory, written


def read_sizes(region: Region) -> None:
    """Sizes are read where that keeps no older version alive, which would cost a copy.

    A write to entries changes no size, so the newest version has it too; the length of a list is read before
    the list grows or shrinks.
    """
    newest: dict[Val, Val] = {}
    grown: dict[Val, Op] = {}
    late: dict[Op, list[Op]] = defaultdict(list)
    for op in region.ops:
        for r in op.regions:
            read_sizes(r)
        x = op.ins[0] if op.code == "prim" and op.ins else None
        if not isinstance(x, Val):
            continue
        if op.fn in (len, ops.shape_at):
            while x in newest:
                x = newest[x]
            op.ins[0] = x
            if x in grown and not vals(op.ins[1:]):
                late[grown[x]].append(op)
        elif op.fn in (ops.setitem, ops.additem) and not isinstance(x.kind, Map) and x not in grown:
            newest.setdefault(x, op.out)
        elif op.fn in ops.UPDATES or op.fn is ops.poplast:  # (one statement with what leaves the rest)
            grown.setdefault(x, op)
    moved = {op for group in late.values() for op in group}
    if moved:
        region.ops = [o for op in region.ops if op not in moved for o in (*late.get(op, ()), op)]


class Owner(Results, Sums):
    """The analysis, and the copies it puts in."""

    def run(self) -> None:
        name_displays(self.graph.region)
        newest_versions(self.graph, self.shape_only, self.is_copy_of)
        read_sizes(self.graph.region)
        self.fine: set[Op] = set()  # updates that need no copy: they need none of what is copied later either
        for _ in range(500):
            self.analyse()
            all_of_them = not self.fine
            if not self.mend(self.graph.region):
                if all_of_them:
                    break
                self.fine.clear()
        else:
            raise InternalError("the ownership of the arrays of this function does not settle")
        self.optional(self.graph.region)
        self.results()

    def is_copy_of(self, fn: Any) -> bool:
        return fn is ops.copied or getattr(fn, "__name__", "") == "copy"

    def mend(self, region: Region) -> bool:
        """Put in copies that are missing; whether any was.

        What was found of memory holds until a copy of it is made: what may be that memory waits for the
        next time.
        """
        done = False
        for op in list(region.ops):
            if op.code in ("for", "while"):
                done |= self.mend_loop(op, region)
            elif is_update(op) and isinstance(op.ins[0], Val):
                done |= self.mend_update(op, op.ins[0], region)
            for r in op.regions:
                done |= self.mend(r)
        return done

    def mend_loop(self, op: Op, region: Region) -> bool:
        done = False
        view = LoopView(op)
        written = {j for j, p in enumerate(view.params) if self.own_cell(p) & self.updated}
        first = updated_anywhere(view, self.changes)  # (once these are copied, others need none)
        for j in (*sorted(first), *sorted(written - first)):
            i = view.inits[j]
            if not isinstance(i, Val) or self.is_stale(i, view.params[j]):
                continue
            clash = self.conflict(i, None, self.path[op])
            if clash and self.copied:
                continue
            if not self.owned(i) or clash or self.twice(view, j):
                copied = self.copy(i, op)
                region.ops.insert(region.ops.index(op), copied)
                op.ins[view.head + j] = copied.out
                self.has_copies(i, view.params[j])
                done = True
        for k, c in enumerate(view.collected):
            if self.is_stale(*vals([c])) or not self.needs_copy(c):
                continue
            self.has_copies(*vals([c]))
            done = True
            if isinstance(c, Val) and self.partly_set(c):
                view.body.results[view.carried + k] = self.copy_in_branches(c)
            elif not self.copy_at_end(view, c):
                at = self.place(c, view.body)
                made, view.body.results[view.carried + k] = self.copy_atom(c, op)
                view.body.ops[at:at] = made
        return done

    def mend_update(self, op: Op, t: Val, region: Region) -> bool:
        if op in self.fine or self.is_stale(t, *vals(op.ins[1:])):
            return False
        if not op.attrs.get("aug") and op.fn is ops.append and self.needs_copy(op.ins[1]):
            made, op.ins[1] = self.copy_atom(op.ins[1], op)
            at = region.ops.index(op)
            region.ops[at:at] = made
            self.has_copies(*vals(op.ins))
            return True
        clash = self.conflict(t, op.out, self.path[op])
        if clash and self.owned(t) and self.views_only(clash, t, region):
            if any(self.is_of_copies(w) for w in clash):
                return False
            self.copy_views(clash, region)
            self.copied.update(clash)
            return True
        if clash and self.copied:
            return False
        if not self.owned(t) or clash:
            copied = self.copy(t, op)
            region.ops.insert(region.ops.index(op), copied)
            op.ins[0] = copied.out
            self.has_copies(t, op.out)
            return True
        self.fine.add(op)
        return False

    def is_of_copies(self, v: Atom) -> bool:
        """Whether a value is a version or a view of a copy that was made since the analysis."""
        while isinstance(v, Val) and v in self.defined:
            if v.op is None or v.op.code != "prim" or not v.op.ins:
                return False
            v = v.op.ins[0]
        return isinstance(v, Val)

    def has_copies(self, *values: Val) -> None:
        """Copies of values were made: what was found of their memory does not hold any more."""
        self.stale |= self.all_memory(values)

    def is_stale(self, *values: Val) -> bool:
        """Whether copies made since the analysis may change what it found of some values."""
        if not self.stale and not self.copied:
            return False
        return any(map(self.is_of_copies, values)) or bool(self.stale & self.all_memory(values))

    def all_memory(self, values: Iterable[Val]) -> Roots:
        return self.memory(frozenset().union(*map(self.of, values)))


def name_displays(region: Region) -> None:
    """A list as it is written that is written to is made first: ``[a, b].append(c)`` changes nothing."""
    for n, op in reversed(list(enumerate(region.ops))):
        for r in op.regions:
            name_displays(r)
        if not is_update(op) or not isinstance(op.out.kind, Seq):
            continue
        shown = op.ins[0]
        if isinstance(shown, Struct) and shown.type is list:
            attrs = {"fn": list, "display": True, **unset_among(shown)}
            made = Op("prim", [shown], attrs=attrs, origin=op.origin)
            made.outs.append(Val(op.out.name, op.out.kind, made, op.out.user))
            op.ins = [made.out, *op.ins[1:]]
            region.ops.insert(n, made)
