"""The memory that each array and list of a graph may share, and what of it is written to."""

from __future__ import annotations

import copy
import operator
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from srcdiff.analysis.memory import Known, is_update, updated_anywhere
from srcdiff.analysis.versions import Lineage
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    JOINS,
    Atom,
    Graph,
    LoopView,
    Op,
    Region,
    Struct,
    Val,
    kind,
    vals,
)
from srcdiff.ir.kinds import Array, Kind, Seq, Tree, present
from srcdiff.ir.regions import made_by
from srcdiff.optimise.holding import (
    EMPTY,
    UNSURE,
    VIEWS,
    Roots,
    depth,
    holds_arrays,
    in_memory,
    is_view,
)
from srcdiff.optimise.places import Places, Way
from srcdiff.optimise.sizes import of_shape

__all__ = ["Ownership"]


class Ownership(Places):
    """The analysis."""

    def __init__(
        self,
        graph: Graph,
        may_alias: Callable[[Any], bool],
        fresh: Callable[[Any], bool],
        shape_only: Callable[[Any], frozenset[int]] = lambda fn: frozenset(),
    ) -> None:
        self.graph, self.may_alias, self.fresh, self.shape_only = graph, may_alias, fresh, shape_only
        self.maybe: set[Val] = graph.info.setdefault("maybe", set())  # what may be None
        self.parts: dict[Val, tuple[Val, ...]] = {}  # a list -> what stands for the lists and arrays in it
        self.level: dict[Val, int] = {}  # of these: how deep the lists in them nest
        self.foreign = frozenset().union(*(self.alone(p) for p in graph.region.params))

    def alone(self, v: Val) -> Roots:
        """The memory of a value that shares none: its own, that of the lists in it, that of the arrays."""
        if isinstance(present(v.kind), Array):
            return frozenset((v,))
        if v not in self.parts:
            deep = depth(v.kind)
            self.parts[v] = tuple(Val("", Array("f8", ())) for _ in range(abs(deep)))
            self.level.update((r, n) for n, r in enumerate(self.parts[v]))
            self.level[v] = deep
        return frozenset((v, *self.parts[v]))

    def analyse(self) -> None:
        self.roots: dict[Val, Roots] = {}
        self.flows: list[tuple[Val, Roots]] = []
        self.began: dict[Val, Roots] = {}  # what a loop leaves -> what the variable began as
        self.path = {}
        self.region_path = {self.graph.region: ()}
        self.region_op = {}
        self.home = {}
        self.uses = defaultdict(list)
        self.defined = {}
        self.shapes = {}
        self.changes: Known = {}
        self.copied: list[Val] = []  # what copies were put in for since, and these
        self.stale: set[Val] = set()  # what may share memory with such
        self.around: dict[Val, list[Roots]] = {}  # memory -> what it may be one with, asked for copies only
        self.lineage = Lineage()
        self.read_values(self.graph.region, set())
        self.locate(self.graph.region, ())
        self.alive: dict[Val, tuple[int, int]] = {}
        self.near: dict[Val, dict[int, list[Val]]] = {}  # memory -> values over it, by when they are alive
        self.unchanged: dict[Val, Val] = {}  # what a value was before it was changed, until a copy is put in
        for p in self.graph.region.params:
            self.roots[p] = self.alone(p)
        self.region(self.graph.region)
        self.flow: dict[Val, Roots] = {}
        for p, held in self.flows:
            self.flow[p] = self.flow.get(p, EMPTY) | held
        self.over: dict[Val, list[Val]] = defaultdict(list)
        for v, rs in self.roots.items():
            for r in rs:
                self.over[r].append(v)
        self.inside: dict[Val, list[Val]] = defaultdict(list)  # memory -> what stands for it in lists
        for place in list(self.over):
            if self.stands_in(place):
                for lies in self.memory(frozenset((place,))):
                    self.inside[lies].append(place)
        self.turned: dict[Val, list[Val]] = defaultdict(list)  # memory -> what loops leave that may be it
        for left in [r for r in self.over if r in self.began]:
            for lies in self.memory(frozenset((left,))) - self.memory(self.began[left]) - {left}:
                self.turned[lies].append(left)
        self.updated: set[Val] = set()
        self.written: dict[Val, list[Way]] = defaultdict(list)
        self.find_updated(self.graph.region)
        size = -1
        while size != len(self.updated):  # what flows into an updated variable is updated in the next trip
            size = len(self.updated)
            for p, held in self.flows:
                if p in self.updated and not self.stands_in(p):
                    self.updated |= held
                    for r in held:
                        self.written[r].append(())  # somewhere

    def of_shape(self, op: Op) -> list[Val]:
        """The arrays of which an operation reads the shape and the type alone: no write changes these.

        What it reads as another operand too is none of them: ``cast_like(x, x)`` is ``x``.
        """
        at = of_shape(op, self.shape_only)
        others = vals([a for n, a in enumerate(op.ins) if n not in at]) if at else ()
        return [v for n in at for v in vals([op.ins[n]]) if not any(v is w for w in others)]

    def read_values(self, region: Region, read: set[Val]) -> set[Val]:
        """Values of which somebody reads more than the shape; what a view is taken of, if the view is one."""
        read.update(vals(region.results))
        for op in reversed(region.ops):
            for r in op.regions:
                self.read_values(r, read)
            shapes = self.of_shape(op)
            if is_view(op) and op.out not in read:
                shapes = [v for v in vals(op.ins[:1]) if v not in vals(op.ins[1:])]
            if not shapes:
                read.update(vals(op.ins))
            else:
                read.update(v for a in op.ins if not any(a is s for s in shapes) for v in vals([a]))
                self.shapes[op] = {s for s in shapes if sum(v is s for v in vals(op.ins)) == 1}
        return read

    def of(self, a: Atom) -> Roots:
        if isinstance(a, Val):
            return self.roots.get(a, EMPTY)
        out: Roots = EMPTY
        for v in vals([a]):
            out |= self.roots.get(v, EMPTY)
        return out

    def region(self, region: Region) -> None:
        for op in region.ops:
            self.op(op)

    def op(self, op: Op) -> None:
        if op.code in JOINS:
            for r in op.regions:
                self.region(r)
            for n, o in enumerate(op.outs):
                if in_memory(o):
                    ends = [r.results[n] for r in op.regions]
                    made = any(isinstance(a, Struct) and in_memory(a) for a in ends)  # (a list of its own)
                    self.roots[o] = frozenset().union(*map(self.of, ends), self.alone(o) if made else EMPTY)
        elif op.is_loop:
            self.loop(op)
        else:
            for o in op.outs:
                if in_memory(o):
                    self.roots[o] = self.made(op, o)

    def made(self, op: Op, o: Val) -> Roots:
        own = self.alone(o)
        if op.code == "call":
            return self.called(op, o)
        if op.code != "prim":
            return own.union(*(self.of(a) for a in op.ins))
        fn = op.fn
        if is_update(op) or op.attrs.get("inplace"):
            held = self.of(op.ins[0])
            if isinstance(o.kind, Seq):
                held = held.union(*(self.of(a) for a in op.ins[1:]))
            return held or own
        part = fn is operator.getitem and not op.attrs.get("view", True) and isinstance(o.kind, Seq)
        if fn is list or part or (fn is ops.copied and isinstance(o.kind, (Seq, Tree))):
            held = self.of(op.ins[0])
            top = 1 if fn is ops.copied else depth(o.kind)  # (a copy is one of the lists in it too)
            arrays = 0 if holds_arrays(o.kind) else 1
            inside = frozenset(r for r in held if arrays <= self.at(r) < top)
            return frozenset(r for r in own if self.at(r) >= top) | inside
        if fn is operator.concat or (isinstance(o.kind, Seq) and fn is operator.mul):
            return own.union(*(self.of(a) for a in op.ins))
        if not op.attrs.get("view", True) and isinstance(o.kind, Array):
            return own
        if fn in VIEWS:
            held = self.of(op.ins[0])
            return self.up_to(held, depth(o.kind)) or own
        if self.may_alias(fn):
            return own.union(*(self.of(a) for a in op.ins if a not in self.of_shape(op)))
        if self.fresh(fn) or fn in (ops.copied, ops.keys, ops.accumulate, copy.deepcopy, float):
            return own
        return own.union(*(self.of(a) for a in op.ins))

    def called(self, op: Op, o: Val) -> Roots:
        """A function returns arrays of its own, but what it saves may hold its arguments and its results."""
        own = self.alone(o)
        saved = op.outs.index(o) in op.attrs["graph"].info.get("saved", ())
        if isinstance(o.kind, Array) and not saved:
            return own
        return own.union(*(self.of(a) for a in op.ins), op.outs if saved else ())

    def loop(self, op: Op) -> None:
        view = LoopView(op)
        params = [p for p in view.params if in_memory(p)]
        for e, s in view.taken:
            if in_memory(e):
                self.roots[e] = self.of(s) | self.alone(e)
        start = {p: self.of(i) for p, i in zip(view.params, view.inits, strict=True) if in_memory(p)}
        loose: set[Val] = set()
        for _ in range(8):
            for p in params:
                self.roots[p] = start[p] | self.alone(p) if p in loose else self.alone(p)
            if op.code == "while":
                for p, q in zip(view.params, op.regions[0].params, strict=True):
                    if in_memory(p):
                        self.roots[q] = self.roots[p]
                self.region(op.regions[0])
            self.region(view.body)
            ends = {p: self.of(y) for p, y in zip(view.params, view.yields, strict=True) if in_memory(p)}
            bad = self.entangled(params, ends, view)
            for p in bad:
                start[p] = start[p] | ends[p]
            if bad <= loose and all(ends[p] <= start[p] | self.alone(p) for p in bad):
                break
            loose |= bad
        for p in params:
            self.flows += self.passed(p, ends[p] | start[p])
        updated = updated_anywhere(view, self.changes)
        for j, (p, f) in enumerate(zip(view.params, view.finals, strict=True)):
            if not in_memory(p):
                continue
            if p in loose:
                self.roots[f] = start[p] | ends[p] | self.alone(f)
            else:  # without a trip it is what it started from, unless that was written over
                self.roots[f] = self.alone(f) | (EMPTY if j in updated else start[p])
            self.flows += self.passed(f, self.reached(p, ends) | start[p])
            self.began[f] = start[p]
        for c, t in view.kept:
            self.roots[t] = self.of(c) | self.alone(t)

    def passed(self, to: Val, held: Roots) -> list[tuple[Val, Roots]]:
        """What a variable of a loop may stand for: memory, and the arrays in it."""
        out = []
        for r in self.alone(to):
            level = self.at(r)
            here = (h for h in held if level == UNSURE or self.at(h) in (level, UNSURE))
            out.append((r, frozenset(here)))
        return out

    def memory(self, roots: Roots) -> Roots:
        """All memory that values with these roots may be, in some trip of the loops around them."""
        out = set(roots)
        todo = list(roots)
        while todo:
            more = self.flow.get(todo.pop(), EMPTY) - out
            out |= more
            todo += more
        return frozenset(out)

    def beside(self, values: list[Val]) -> set[Val]:
        """All values and memory that are one with some values in any way, however often removed."""
        if not self.around:
            whole = ((v, frozenset(parts)) for v, parts in self.parts.items())
            for v, held in (*self.roots.items(), *self.flows, *whole):
                for r in (v, *held):
                    self.around.setdefault(r, []).append(held | {v})
        out = set(values)
        todo = list(values)
        while todo:
            for group in self.around.get(todo.pop(), ()):
                more = group - out
                out |= more
                todo += more
        return out

    def reached(self, p: Val, ends: dict[Val, Roots]) -> Roots:
        """The memory inside a loop that a variable may hold when the loop is over."""
        out = ends[p]
        size = -1
        while size != len(out):
            size = len(out)
            out = out.union(*(ends[q] for q in out if q in ends))
        return out

    def entangled(self, params: list[Val], ends: dict[Val, Roots], view: LoopView) -> set[Val]:
        """Carried variables that may share memory with one another or with something outside the loop."""
        bad: set[Val] = set()
        own = frozenset().union(*map(self.alone, params)) if params else EMPTY
        inside: set[Val] = set()
        if any(not ends[p] <= own for p in params):
            inside = {v for o in view.body.ops for v in made_by(o)}
            inside |= {r for v in inside for r in self.parts.get(v, ())}
        for i, p in enumerate(params):
            if any(r not in own and r not in inside for r in ends[p]):
                bad.add(p)
            for q in params[:i]:
                j, k = view.params.index(p), view.params.index(q)
                if self.common(view.yields[j], view.yields[k]) or self.common(view.inits[j], view.inits[k]):
                    bad |= {p, q}
        return bad

    def common(self, a: Atom, b: Atom) -> bool:
        """Whether two values may share memory; an allocation made after one of them is not in it."""
        return any(self.share(v, w) for v in vals([a]) for w in vals([b]))

    def share(self, v: Val, w: Val, memory: Callable[[Val], Roots] | None = None) -> bool:
        memory = memory or self.of
        for r in memory(v) & memory(w):
            made = self.path.get(r.op) if r.op is not None and r in r.op.outs and not r.op.regions else None
            if made is None:
                return True
            old = [x is not r and self.before(x, made) for x in (v, w)]  # of which a trip before has left it
            if old == [True, False]:
                apart = self.is_recent(w, r, made)
            elif old == [False, True]:
                apart = self.is_recent(v, r, made)
            else:
                apart = False
            if not apart:
                return True
        return False

    def is_recent(self, target: Val, root: Val, made: Way) -> bool:
        """Whether a value has memory from where it is allocated in this trip, not from a trip before."""
        todo, seen = [target], {root}
        while todo:
            v = todo.pop()
            if v in seen:
                continue
            seen.add(v)
            if v.op is None or v not in v.op.outs or self.before(v, made):
                return False
            if v.op.is_loop:
                view = LoopView(v.op)
                parts = [*view.inits, *view.yields, *view.sources]
            else:
                parts = [*v.op.ins, *(a for r in v.op.regions for a in r.results)]
            todo += [p for p in vals(parts) if root in self.of(p)]
        return True

    def find_updated(self, region: Region) -> None:
        for op in region.ops:
            targets: list[Atom] = op.ins[:1] if is_update(op) else []
            if op.is_loop:
                inits = LoopView(op).inits
                targets = [inits[j] for j in updated_anywhere(LoopView(op), self.changes)]
            for target in targets:
                memory = self.own_memory(target)
                self.updated |= memory
                for held in memory:
                    self.written[held].append(self.path[op])
            for r in op.regions:
                self.find_updated(r)

    def own_memory(self, a: Atom) -> Roots:
        """The memory that an update of ``a`` writes to: of a list, not that of the arrays in it."""
        rs = self.of(a)
        k = kind(a)
        if not isinstance(k, (Array, Seq)):
            op = a.op if isinstance(a, Val) and a in rs else None
            made = op is not None and op.code == "prim" and self.makes(op.fn, k)
            return frozenset(vals([a])) if made else rs
        levels = (depth(k), UNSURE)
        return frozenset([r for r in rs if self.at(r) in levels])

    def makes(self, fn: Any, k: Kind) -> bool:
        """Whether a function makes a new value: a container is new if it is not said to be another's."""
        return not self.may_alias(fn) and (isinstance(k, Tree) or self.fresh(fn) or fn is ops.copied)

    def own_cell(self, p: Val) -> Roots:
        """The memory that a variable itself has: of a list, not that of the arrays in it."""
        return self.own_memory(p) if in_memory(p) else EMPTY

    def written_memory(self, a: Val) -> Roots:
        """The same, where an array that lies in a list is any of those that were put there."""
        rs = self.own_memory(a)
        return rs | self.memory(frozenset(r for r in rs if self.stands_in(r)))

    def left_by_loops(self, rs: Roots) -> Roots:
        """The same, where what a loop leaves may be any memory that its variables have had in turn."""
        left = frozenset(r for r in rs if r.op is not None and r.op.is_loop and r in r.op.outs)
        return rs | self.memory(left)

    def stands_in(self, r: Val) -> bool:
        """Whether a root stands for what lies in some list."""
        return r in self.level and r not in self.parts

    def at(self, r: Val) -> int:
        """How deep the lists in some memory nest: none in an array."""
        known = self.level.get(r)
        if known is not None:
            return known
        return 0 if type(r.kind) is Array else depth(r.kind)

    def up_to(self, rs: Roots, level: int) -> Roots:
        """The part of some memory that an element of it may have."""
        return frozenset(r for r in rs if self.at(r) <= level or level == UNSURE or self.at(r) == UNSURE)

    def kept_roots(self, region: Region, kept: set[Val]) -> None:
        for op in region.ops:
            if op.is_loop:
                for c in LoopView(op).collected:
                    kept |= self.of(c)
            if op.code == "prim" and op.fn is ops.append:
                kept |= self.of(op.ins[1])
            for r in op.regions:
                self.kept_roots(r, kept)

    def twice(self, view: LoopView, j: int) -> bool:
        """Whether another variable of the loop starts from the same memory."""
        mine = view.inits[j]
        return any(
            k != j and any(self.share(v, w, self.own_memory) for v in vals([mine]) for w in vals([i]))
            for k, i in enumerate(view.inits)
            if in_memory(view.params[k])
        )
