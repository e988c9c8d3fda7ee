"""Ownership: updates are done in place where nobody else can see it, and on a copy where somebody can.

The graph knows values only.  Here every array and list gets the set of allocations it may share memory with;
an update of ``t`` may be printed in place if ``t``'s memory is ours (not an argument's) and no other value
over it is read afterwards.  Where that does not hold, a ``copied`` operation is put in: the answer stays
right and only time is lost.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from srcdiff.analysis.memory import is_update, updated_anywhere
from srcdiff.errors import InternalError
from srcdiff.ir import ops
from srcdiff.ir.begun import begun_in
from srcdiff.ir.graph import (
    Graph,
    LoopView,
    Op,
    Region,
    Struct,
    Val,
    kind,
    vals,
    walk,
)
from srcdiff.ir.kinds import Array, Map, Scalar, Seq, one_shape
from srcdiff.ir.unset import unset_among
from srcdiff.optimise.accumulate import Sums
from srcdiff.optimise.holding import (
    EMPTY,
    Roots,
)
from srcdiff.optimise.results import Results
from srcdiff.optimise.sizes import newest_versions

__all__ = ["memory_of", "own"]

ANEW = (operator.add, operator.sub, operator.mul, operator.truediv)


def own(
    graph: Graph,
    may_alias: Callable[[Any], bool],
    fresh: Callable[[Any], bool],
    shape_only: Callable[[Any], frozenset[int]] = lambda fn: frozenset(),
    elementwise: Callable[[Any], bool] = lambda fn: False,
) -> Graph:
    """Insert copies where needed and mark updates that are printed in place.

    `shape_only` says of which operands of a function only the shape and the type matter, by position;
    `elementwise` what is done to arrays as to each of their elements.
    """
    owner = Owner(graph, may_alias, fresh, shape_only)
    owner.begun = begun_in(graph, elementwise)
    owner.run()
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
        elif op.fn in ops.WRITES and not isinstance(x.kind, Map) and x not in grown:
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
        changed = True
        for _ in range(500):
            if changed:
                self.analyse()
            all_of_them = not self.fine
            changed = self.mend(self.graph.region)
            if not changed:
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
        """Put in copies that are missing; whether one was put in.

        What a copy was put in for is looked at again first: the analysis holds for memory apart from that.
        """
        changed = False
        for op in list(region.ops):
            if op.is_loop:
                changed |= self.mend_loop(op, region)
            elif is_update(op) and isinstance(op.ins[0], Val) and op not in self.fine:
                if not self.is_stale(op.out, *op.ins):
                    changed |= self.mend_update(op, region)
            for r in op.regions:
                changed |= self.mend(r)
        return changed

    def mend_loop(self, op: Op, region: Region) -> bool:
        """Copies of what a loop begins with, and of what it collects."""
        changed = False
        view = LoopView(op)
        written = {j for j, p in enumerate(view.params) if self.own_cell(p) & self.updated}
        first = updated_anywhere(view, self.changes)  # (once these are copied, others need none)
        for j in (*sorted(first), *sorted(written - first)):
            i = view.inits[j]
            if not isinstance(i, Val) or self.is_stale(i, view.params[j]):
                continue
            several = self.in_several(i) or self.twice(view, j)
            if not self.owned(i) or several or self.conflict(i, None, self.path[op]):
                copied = self.copy(i, op)
                n = region.ops.index(op)
                later = {a.op for a in view.inits[j + 1 :] if isinstance(a, Val)}
                while n and region.ops[n - 1].fn is ops.copied and region.ops[n - 1] in later:
                    n -= 1  # (in the order of the variables)
                region.ops.insert(n, copied)
                op.ins[view.head + j] = copied.out
                changed = True
        for k, c in enumerate(view.collected):
            if not self.needs_copy(c) or self.is_stale(c):
                continue
            changed = True
            if isinstance(c, Val) and self.partly_set(c):
                view.body.results[view.carried + k] = self.copy_in_branches(c)
            elif not self.copy_at_end(view, c):
                at = self.place(c, view.body)
                made, view.body.results[view.carried + k] = self.copy_atom(c, op)
                view.body.ops[at:at] = made
        return changed

    def mend_update(self, op: Op, region: Region) -> bool:
        """A copy of what is written to, of views of it, or of what is put into it."""
        t = op.ins[0]
        assert isinstance(t, Val)
        if not op.attrs.get("aug") and op.fn is ops.append and self.needs_copy(op.ins[1]):
            made, op.ins[1] = self.copy_atom(op.ins[1], op)
            n = region.ops.index(op)
            region.ops[n:n] = made
            return True
        clash = self.conflict(t, op.out, self.path[op])
        if clash and self.owned(t) and self.views_only(clash, t, region):
            self.copy_views(clash, region)
        elif not self.owned(t) or clash or self.in_several(t):
            if is_new_anyway(op):  # (`p = p / s`, no copy that is divided)
                op.become(op.fn)
                self.copied += [t, op.out]
                return True
            copied = self.copy(t, op)
            region.ops.insert(region.ops.index(op), copied)
            op.ins[0] = copied.out
        else:
            self.fine.add(op)
            return False
        return True


def is_new_anyway(op: Op) -> bool:
    """Whether an operation in place makes the same array when it is not done in place."""
    if op.fn not in ANEW:
        return False
    k, by = kind(op.ins[0]), kind(op.ins[1])
    number = isinstance(by, Scalar) and (by.dtype == "f8" or (by.weak and by.dtype == "i8"))
    double = isinstance(k, Array) and k.dtype == "f8" and one_shape(k, op.out.kind)
    return double and (number or one_shape(k, by))


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
            made.outs.append(op.out.again(made))
            op.ins = [made.out, *op.ins[1:]]
            region.ops.insert(n, made)
