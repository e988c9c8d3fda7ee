"""Ownership: updates are done in place where nobody else can see it, and on a copy where somebody can.

The graph knows values only.  Here every array and list gets the set of allocations it may share memory with;
an update of ``t`` may be printed in place if ``t``'s memory is ours (not an argument's) and no other value
over it is read afterwards.  Where that does not hold, a ``copied`` operation is put in: the answer stays
right and only time is lost.
"""

from __future__ import annotations

import copy
import operator
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from srcdiff.analysis.memory import Known, is_update, updated_anywhere
from srcdiff.errors import InternalError
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    JOINS,
    Atom,
    Graph,
    LoopView,
    Op,
    Region,
    Struct,
    Undef,
    Val,
    kind,
    map_atom,
    same,
    vals,
    walk,
)
from srcdiff.ir.kinds import Array, Kind, Map, Scalar, Seq, Simple, Tree, present
from srcdiff.optimise.sizes import newest_versions, of_shape

__all__ = ["memory_of", "own"]

Roots = frozenset[Val]
EMPTY: Roots = frozenset()
NEVER = (0, -1)  # when a value is alive that nobody reads
VIEWS = (operator.getitem, ops.getfield, ops.poplast, ops.stop_gradient)


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


UNSURE = -1  # the nesting of a value whose kind is not known


def depth(k: Kind) -> int:
    """How deep lists nest in a value."""
    if isinstance(k, (Array, Scalar)):
        return 0
    k = present(k)
    if isinstance(k, Seq):
        return 1 + max(depth(k.elem), 0)
    if isinstance(k, Tree):
        return max([depth(x) for x in k.items], default=0) if UNSURE not in map(depth, k.items) else UNSURE
    return UNSURE if isinstance(k, Simple) and k.name in ("unknown", "other") else 0


def in_memory(v: Atom) -> bool:
    return has_memory(kind(v))


def has_memory(k: Kind) -> bool:
    """Whether a value of this kind is or holds what can be written to: a tuple of numbers does not."""
    k = present(k)
    if isinstance(k, Tree) and isinstance(k.type, type) and issubclass(k.type, tuple):
        return any(has_memory(x) for x in k.items)
    return isinstance(k, (Array, Seq, Tree)) or (isinstance(k, Simple) and k.name in ("unknown", "other"))


def is_view(op: Op) -> bool:
    return (
        op.code == "prim"
        and op.fn is operator.getitem
        and bool(op.attrs.get("view"))
        and isinstance(kind(op.ins[0]), Array)
    )


def holds_arrays(k: Kind) -> bool:
    """Whether what lies innermost in a value is memory: numbers are none."""
    k = present(k)
    if isinstance(k, Seq):
        return holds_arrays(k.elem)
    if isinstance(k, Tree):
        return any(map(holds_arrays, k.items))
    return isinstance(k, Array) or (isinstance(k, Simple) and k.name in ("unknown", "other"))


class Owner:
    """The analysis, and the copies it puts in."""

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

    def run(self) -> None:
        name_displays(self.graph.region)
        newest_versions(self.graph, self.shape_only, self.is_copy_of)
        read_sizes(self.graph.region)
        for _ in range(500):
            self.analyse()
            if not self.mend(self.graph.region):
                break
        else:
            raise InternalError("the ownership of the arrays of this function does not settle")
        self.optional(self.graph.region)
        self.results()

    def is_copy_of(self, fn: Any) -> bool:
        return fn is ops.copied or getattr(fn, "__name__", "") == "copy"

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

    # ---- analysis
    def analyse(self) -> None:
        self.roots: dict[Val, Roots] = {}
        self.flows: list[tuple[Val, Roots]] = []
        self.began: dict[Val, Roots] = {}  # what a loop leaves -> what the variable began as
        self.path: dict[Op, tuple[tuple[Region, int], ...]] = {}
        self.region_path: dict[Region, tuple[tuple[Region, int], ...]] = {self.graph.region: ()}
        self.region_op: dict[Region, Op] = {}
        self.home: dict[Val, Region] = {}
        self.uses: dict[Val, list[tuple[tuple[tuple[Region, int], ...], str]]] = defaultdict(list)
        self.defined: dict[Val, tuple[tuple[Region, int], ...]] = {}
        self.shapes: dict[Op, set[Val]] = {}
        self.changes: Known = {}
        self.read_values(self.graph.region, set())
        self.locate(self.graph.region, ())
        # of a value: in which operations of the function itself it is made, and read last
        self.alive = {
            v: (self.defined[v][0][1], max([path[0][1] for path, _ in uses]))
            for v, uses in self.uses.items()
            if v in self.defined
        }
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
        self.written: dict[Val, list[tuple[tuple[Region, int], ...]]] = defaultdict(list)
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
        """The arrays of which an operation reads the shape and the type alone: no write changes these."""
        return [v for n in of_shape(op, self.shape_only) for v in vals([op.ins[n]])]

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

    def locate(self, region: Region, prefix: tuple[tuple[Region, int], ...]) -> None:
        self.region_path[region] = prefix
        for p in region.params:
            self.home[p] = region
            self.defined[p] = (*prefix, (region, -1))
        for n, op in enumerate(region.ops):
            here = (*prefix, (region, n))
            self.path[op] = here
            for o in op.outs:
                self.home[o] = region
                self.defined[o] = here
            how = "use"
            if op.code in ("for", "while"):
                view = LoopView(op)
                for v in vals([*view.header, *view.inits]):
                    self.uses[v].append((here, "start"))
                for v in vals(view.sources):
                    self.uses[v].append((here, "source"))
            else:
                shapes = self.shapes.get(op, ())
                for v in vals(op.ins):
                    if v not in shapes:
                        self.uses[v].append((here, how))
            for r in op.regions:
                self.region_op[r] = op
                self.locate(r, here)
        end = (*prefix, (region, len(region.ops)))
        for v in vals(region.results):
            self.uses[v].append((end, "result"))

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
        elif op.code in ("for", "while"):
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
        for e, s in zip(view.elements, view.sources, strict=True):
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
            bad = self.entangled(params, ends, start, view, loose)
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
        for c, t in zip(view.collected, view.tapes, strict=True):
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

    def reached(self, p: Val, ends: dict[Val, Roots]) -> Roots:
        """The memory inside a loop that a variable may hold when the loop is over."""
        out = ends[p]
        size = -1
        while size != len(out):
            size = len(out)
            out = out.union(*(ends[q] for q in out if q in ends))
        return out

    def entangled(
        self,
        params: list[Val],
        ends: dict[Val, Roots],
        start: dict[Val, Roots],
        view: LoopView,
        loose: set[Val],
    ) -> set[Val]:
        """Carried variables that may share memory with one another or with something outside the loop."""
        bad: set[Val] = set()
        own = frozenset().union(*map(self.alone, params)) if params else EMPTY
        inside = self.inside_roots(view.body)
        inside |= {r for v in inside for r in self.parts.get(v, ())}
        for i, p in enumerate(params):
            if any(r not in own and r not in inside for r in ends[p]):
                bad.add(p)
            for q in params[:i]:
                j, k = view.params.index(p), view.params.index(q)
                if self.common(view.yields[j], view.yields[k]) or self.common(view.inits[j], view.inits[k]):
                    bad |= {p, q}
        return bad

    def inside_roots(self, region: Region) -> set[Val]:
        out: set[Val] = set()
        for op in region.ops:
            out.update(op.outs)
            for r in op.regions:
                out |= self.inside_roots(r)
                out.update(r.params)
        return out

    def find_updated(self, region: Region) -> None:
        for op in region.ops:
            if is_update(op):
                self.updated |= self.own_memory(op.ins[0])
                for held in self.own_memory(op.ins[0]):
                    self.written[held].append(self.path[op])
            if op.code in ("for", "while"):
                view = LoopView(op)
                for j in updated_anywhere(view, self.changes):
                    self.updated |= self.own_memory(view.inits[j])
                    for held in self.own_memory(view.inits[j]):
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
        loops = ("for", "while")
        return rs | self.memory(
            frozenset(r for r in rs if r.op is not None and r.op.code in loops and r in r.op.outs)
        )

    def stands_in(self, r: Val) -> bool:
        """Whether a root stands for what lies in some list."""
        return r in self.level and r not in self.parts

    def at(self, r: Val) -> int:
        """How deep the lists in some memory nest: none in an array."""
        return self.level[r] if r in self.level else depth(r.kind)

    def up_to(self, rs: Roots, level: int) -> Roots:
        """The part of some memory that an element of it may have."""
        return frozenset(r for r in rs if self.at(r) <= level or level == UNSURE or self.at(r) == UNSURE)

    # ---- conflicts
    def after(
        self, use: tuple[tuple[Region, int], ...], how: str, at: tuple[tuple[Region, int], ...], w: Val
    ) -> bool:
        """Whether a use of ``w`` may come after the point ``at``."""
        for n in range(max(len(use), len(at))):
            if n >= len(at):
                return True  # inside the operation that updates
            if n >= len(use):
                return how == "source" or self.wraps(at[:n], w)
            (ru, iu), (ra, ia) = use[n], at[n]
            if ru is not ra:
                op = self.region_op[ru]
                if op.code == "while":
                    return True
                return self.wraps(at[:n], w)
            if iu > ia:
                return True
            if iu < ia:
                return self.wraps(at[: n + 1], w)
        return how == "source"

    def wraps(self, common: tuple[tuple[Region, int], ...], w: Val) -> bool:
        """Whether a loop around both points runs again over a ``w`` from outside it."""
        home = self.home[w]
        for region, _ in common:
            if region is home:
                continue
            op = self.region_op.get(region)
            if op is not None and op.code in ("for", "while") and not self.within(home, region):
                return True
        return False

    def within(self, home: Region, region: Region) -> bool:
        """Whether ``home`` is ``region`` or inside it."""
        if home is region:
            return True
        return any(r is region for r, _ in self.region_path[home])

    def before(self, w: Val, at: tuple[tuple[Region, int], ...]) -> bool:
        """Whether ``w`` is made before the point ``at``."""
        d = self.defined[w]
        for (rd, i), (ra, j) in zip(d, at, strict=False):
            if rd is not ra:
                return False
            if i != j:
                return i < j
        return False  # made by the operation that holds the point

    def conflict(self, target: Val, out: Val | None, at: tuple[tuple[Region, int], ...]) -> list[Val]:
        """The values over the target's memory that are read after it is written to."""
        found: dict[Val, None] = {}
        back = self.put_back(target, out)
        here = at[0][1] if len(at) == 1 else -1  # (there no loop leads back to what was before)
        for root in self.left_by_loops(self.written_memory(target)):
            made = (
                self.path.get(root.op)
                if root.op is not None and root in root.op.outs and not root.op.regions
                else None
            )
            others = (*self.inside.get(root, ()), *self.turned.get(root, ()))
            for w in [*self.over[root], *(w for r in others for w in self.over[r])]:
                if here >= 0:
                    start, last = self.alive.get(w, NEVER)
                    if not start < here <= last:
                        continue
                if w is out or w in found or not self.before(w, at):
                    continue
                if made is not None and w is not root and self.before(w, made):
                    continue  # older than this allocation: what it holds is one of an earlier trip
                uses = (x for x in self.uses.get(w, ()) if (w, x[0]) not in back)
                if any(self.wraps(at, w) if u == at else self.after(u, how, at, w) for u, how in uses):
                    found[w] = None
        return list(found)

    def put_back(self, target: Val, out: Val | None) -> set[tuple[Val, tuple[tuple[Region, int], ...]]]:
        """``rows[i][j] = v``: where the changed row is put back into the place that it was taken from."""
        found: set[tuple[Val, tuple[tuple[Region, int], ...]]] = set()
        taken = target.op
        while out is not None and taken is not None and target in taken.outs and taken.fn is operator.getitem:
            rows = taken.ins[0]
            if not isinstance(rows, Val) or not isinstance(rows.kind, Seq):
                break
            last = out
            put = None
            for op in self.home[out].ops:
                if op.code == "prim" and is_update(op) and op.ins[0] is last:
                    last = op.out
                if op.fn is ops.setitem and op.ins[0] is rows and op.ins[2] is last:
                    put = op if same(op.ins[1], taken.ins[1]) else None
                    break
            if put is None:
                break
            found.add((rows, self.path[put]))
            target, out, taken = rows, put.out, rows.op
        return found

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
                (op.fn not in VIEWS
                and not self.may_alias(op.fn))
                or self.home[w] is not region
                or is_update(op)
            ):
                return False
            if self.leads_to(target, w):
                return False
        return True

    def leads_to(self, target: Val, w: Val) -> bool:
        """Whether the target is itself a view or a version of ``w``."""
        v: Atom = target
        while isinstance(v, Val) and v.op is not None and v in v.op.outs and v.op.code == "prim" and v.op.ins:
            if v is w:
                return True
            v = v.op.ins[0]
        return v is w

    def copy_views(self, values: list[Val], region: Region) -> None:
        for w in values:
            assert w.op is not None
            c = self.copy(w, w.op)
            at = region.ops.index(w.op) + 1
            replace_uses(self.graph.region, w, c.out)
            region.ops.insert(at, c)

    def owned(self, target: Val) -> bool:
        roots = self.written_memory(target)
        return not roots & self.foreign and not self.read_only(roots)

    def read_only(self, roots: Roots) -> bool:
        """Results of ``broadcast_to`` and the like cannot be written to."""
        for r in roots:
            if (
                r.op is not None
                and r.op.code == "prim"
                and getattr(r.op.fn, "__name__", "")
                in (
                    "broadcast_to",
                    "diagonal",
                    "broadcast_arrays",
                    "sliding_window_view",
                    "real",
                    "imag",
                    "diag",
                )
            ):
                return True
        return False

    # ---- mending
    def mend(self, region: Region) -> bool:
        """Put in one copy that is missing; whether one was put in."""
        for n, op in enumerate(region.ops):
            if op.code in ("for", "while"):
                view = LoopView(op)
                written = {j for j, p in enumerate(view.params) if self.own_cell(p) & self.updated}
                for j in sorted(updated_anywhere(view, self.changes) | written):
                    i = view.inits[j]
                    if isinstance(i, Val) and (
                        not self.owned(i) or self.conflict(i, None, self.path[op]) or self.twice(view, j)
                    ):
                        copied = self.copy(i, op)
                        region.ops.insert(n, copied)
                        op.ins[view.head + j] = copied.out
                        return True
                for k, c in enumerate(view.collected):
                    if self.needs_copy(c):
                        if isinstance(c, Val) and self.partly_set(c):
                            view.body.results[view.carried + k] = self.copy_in_branches(c)
                            return True
                        if self.copy_at_end(view, c):
                            return True
                        at = self.place(c, view.body)
                        made, view.body.results[view.carried + k] = self.copy_atom(c, op)
                        view.body.ops[at:at] = made
                        return True
            elif is_update(op) and isinstance(op.ins[0], Val):
                t = op.ins[0]
                if not op.attrs.get("aug") and op.fn is ops.append and self.needs_copy(op.ins[1]):
                    made, op.ins[1] = self.copy_atom(op.ins[1], op)
                    region.ops[n:n] = made
                    return True
                clash = self.conflict(t, op.out, self.path[op])
                if clash and self.owned(t) and self.views_only(clash, t, region):
                    self.copy_views(clash, region)
                    return True
                if not self.owned(t) or clash:
                    copied = self.copy(t, op)
                    region.ops.insert(n, copied)
                    op.ins[0] = copied.out
                    return True
            for r in op.regions:
                if self.mend(r):
                    return True
        return False

    def twice(self, view: LoopView, j: int) -> bool:
        """Whether another variable of the loop starts from the same memory."""
        mine = view.inits[j]
        return any(
            k != j and any(self.share(v, w, self.own_memory) for v in vals([mine]) for w in vals([i]))
            for k, i in enumerate(view.inits)
            if in_memory(view.params[k])
        )

    def common(self, a: Atom, b: Atom) -> bool:
        """Whether two values may share memory; an allocation made after one of them is not in it."""
        return any(self.share(v, w) for v in vals([a]) for w in vals([b]))

    def share(self, v: Val, w: Val, memory: Callable[[Val], Roots] | None = None) -> bool:
        memory = memory or self.of
        for r in memory(v) & memory(w):
            made = self.path.get(r.op) if r.op is not None and r in r.op.outs and not r.op.regions else None
            if made is None or not any(x is not r and self.before(x, made) for x in (v, w)):
                return True
        return False

    def needs_copy(self, a: Atom) -> bool:
        """Whether a value put on a tape would change there."""
        return any(
            isinstance(present(v.kind), (Array, Seq))
            and any(r in self.updated and self.changed_later(r, v) for r in self.own_memory(v))
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
        c = Op("prim", [v], attrs={"fn": ops.copied}, origin=like.origin)
        c.outs.append(Val(v.name, v.kind, c, v.user))
        self.like(v, c.out)
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

    def may_be_unset(self, v: Val, seen: frozenset[Val] = frozenset()) -> bool:
        """Whether there is a path on which a loop or a branch leaves a variable unset."""
        if v.op is None or v in seen or not v.op.regions:
            return False
        if v.op.code in ("for", "while"):
            view = LoopView(v.op)
            names = view.finals if v in view.finals else view.params
            if v not in names:
                return False
            at = names.index(v)
            stands: list[Atom] = [view.inits[at], view.yields[at]]
        elif v in v.op.outs:
            stands = [r.results[v.op.outs.index(v)] for r in v.op.regions]
        else:
            return False
        seen |= {v}
        inner = [a for a in stands if isinstance(a, Val)]
        return any(isinstance(a, Undef) for a in stands) or any(self.may_be_unset(a, seen) for a in inner)

    def copy_in_branches(self, v: Val) -> Val:
        """A copy of such a value, made where it is set."""
        op = v.op
        assert op is not None
        at = op.outs.index(v)
        for r in op.regions:
            a = r.results[at]
            if isinstance(a, Val) and a.op in r.ops and self.partly_set(a):
                a = self.copy_in_branches(a)
            elif isinstance(a, Val):
                c = self.copy(a, op)
                c.out.user = False
                r.ops.append(c)
                a = c.out
            r.results.append(a)
        out = Val(v.name, v.kind, op)
        op.outs.append(out)
        self.like(v, out)
        return out

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

    # ---- sums in place
    def optional(self, region: Region) -> None:
        """Sums of cotangents are accumulated in place where that is safe."""
        kept: set[Val] = set()
        self.kept_roots(self.graph.region, kept)
        kept |= self.memory(frozenset(kept))
        self.mark(region, kept)

    def kept_roots(self, region: Region, kept: set[Val]) -> None:
        for op in region.ops:
            if op.code in ("for", "while"):
                for c in LoopView(op).collected:
                    kept |= self.of(c)
            if op.code == "prim" and op.fn is ops.append:
                kept |= self.of(op.ins[1])
            for r in op.regions:
                self.kept_roots(r, kept)

    def mark(self, region: Region, kept: set[Val]) -> None:
        for op in region.ops:
            for r in op.regions:
                self.mark(r, kept)
            if op.code != "prim":
                continue
            if op.attrs.get("aug"):
                op.attrs = {**op.attrs, "inplace": True}
            if is_update(op):
                op.attrs = {**op.attrs, "inplace": True}
                if op.fn is ops.setitem and changed_there(*op.ins):
                    op.attrs["there"] = True
                continue
            if op.fn is ops.accumulate:
                for at in (0, 1):
                    if self.can_accumulate(op, at, kept):
                        ins = [op.ins[at], op.ins[1 - at]]
                        op.ins = ins
                        op.attrs = {**op.attrs, "inplace": True}
                        break

    def can_accumulate(self, op: Op, at: int, kept: set[Val]) -> bool:
        t, g = op.ins[at], op.ins[1 - at]
        k = kind(t)
        if not isinstance(t, Val) or not isinstance(k, Array) or k != op.out.kind or not k.dims:
            return False
        kg = kind(g)
        if isinstance(kg, Array):
            lead = len(k.dims) - len(kg.dims)
            repeated = lead >= 0 and all(m in (1, n) for m, n in zip(kg.dims, k.dims[lead:], strict=True))
            if kg.dtype != k.dtype or not (repeated or lead > 0):
                return False
        elif not (isinstance(kg, Scalar) and kg.dtype == k.dtype):
            return False
        if t.user and op.out.user and t.name != op.out.name:  # two of the user's variables stay two
            return False
        memory = self.memory(self.own_memory(t))
        if memory & kept or memory & self.foreign or self.read_only(memory):
            return False
        if any(self.loop_parameter(r) for r in self.own_memory(t)):
            return False
        return not self.conflict(t, op.out, self.path[op])

    def loop_parameter(self, t: Val) -> bool:
        """A carried cotangent: its start must be ours, and nobody else's."""
        op = t.op
        if op is None or t in op.outs or op.code not in ("for", "while"):
            return False
        view = LoopView(op)
        if t not in view.params:
            return True
        i = view.inits[view.params.index(t)]
        if not isinstance(i, Val) or smaller(i.kind, t.kind):
            return True
        if not self.owned(i) or self.twice(view, view.params.index(t)) or self.loop_parameter(i):
            return True
        return bool(self.conflict(i, None, self.path[op]))

    # ---- results
    def results(self) -> None:
        """What is returned is the caller's own: no argument's memory, nothing twice."""
        seen: set[Val] = set()
        region = self.graph.region
        saves = self.graph.info.get("saves", False)  # the last part of the result, for the second half
        saved = self.graph.info.get("saved", ())
        for n, a in enumerate(region.results):
            if n not in saved:
                self.copy_arguments(a)
        kept: Roots = EMPTY
        if saves:
            whole = region.results[0]
            assert isinstance(whole, Struct)
            lists = [v for v in vals([whole.items[-1]]) if not isinstance(v.kind, Array)]
            kept = self.memory(frozenset().union(*map(self.of, lists)))

        def copied(v: Val, fn: Any) -> Val:
            c = Op("prim", [v], attrs={"fn": fn})
            if self.may_be_unset(v):
                c.attrs["unset"] = True
                self.maybe.add(v)
            c.outs.append(Val("", v.kind, c))
            self.like(v, c.out)
            region.ops.append(c)
            return c.out

        def f(v: Val, kept: Roots = EMPTY) -> Atom:
            rs = self.roots.get(v, EMPTY)
            all_of_it = self.memory(rs)
            if not isinstance(v.kind, Array):
                if all_of_it & kept:
                    return copied(v, copy.deepcopy)
                seen.update(all_of_it if saves else EMPTY)
                return v
            if all_of_it & (self.foreign | kept) or rs & seen or self.read_only(all_of_it):
                return self.copy_in_branches(v) if self.partly_set(v) else copied(v, ops.copied)
            seen.update(rs)
            return v

        def result(a: Atom) -> Atom:
            if not saves:
                return map_atom(f, a)
            assert isinstance(a, Struct)
            parts = [map_atom(lambda v: f(v, kept), x) for x in a.items[:-1]]
            return Struct(a.type, a.keys, (*parts, map_atom(f, a.items[-1])))

        region.results = [a if n in saved else result(a) for n, a in enumerate(region.results)]

    def copy_arguments(self, result: Atom) -> None:
        """Arguments that lie in lists of the result are copied first of all."""
        region = self.graph.region
        inside = [v for v in vals([result]) if not isinstance(v.kind, Array)]
        held = frozenset().union(*(self.memory(self.roots.get(v, EMPTY)) for v in inside))
        for p in region.params:
            if not held & self.alone(p) or not isinstance(p.kind, (Array, Seq, Tree)):
                continue
            fn = ops.copied if isinstance(p.kind, Array) else copy.deepcopy
            c = Op("prim", [p], attrs={"fn": fn})
            c.outs.append(Val(p.name, p.kind, c, p.user))
            replace_uses(region, p, c.out)
            region.ops.insert(0, c)
            self.roots[c.out] = self.alone(p)  # (as of what was made of it)


def name_displays(region: Region) -> None:
    """A list as it is written that is written to is made first: ``[a, b].append(c)`` changes nothing."""
    for n, op in reversed(list(enumerate(region.ops))):
        for r in op.regions:
            name_displays(r)
        if not is_update(op) or not isinstance(op.out.kind, Seq):
            continue
        shown = op.ins[0]
        if isinstance(shown, Struct) and shown.type is list:
            made = Op("prim", [shown], attrs={"fn": list, "display": True}, origin=op.origin)
            made.outs.append(Val(op.out.name, op.out.kind, made, op.out.user))
            op.ins = [made.out, *op.ins[1:]]
            region.ops.insert(n, made)


def smaller(a: Kind, b: Kind) -> bool:
    """Whether arrays of one kind lack axes, entries or imaginary parts that those of another have."""
    if not isinstance(a, Array) or not isinstance(b, Array):
        return False
    if len(a.dims) != len(b.dims) or (a.dtype[0] != "c" and b.dtype[0] == "c"):
        return True
    return any(m == 1 and n != 1 for m, n in zip(a.dims, b.dims, strict=True))


def changed_there(rows: Atom, index: Atom, value: Atom) -> bool:
    """Whether an element of a list, changed in place, is put back where it was taken from: nothing to do."""
    changed = False
    while isinstance(value, Val) and value.op is not None and is_update(value.op):
        value, changed = value.op.ins[0], True
    taken = value.op if isinstance(value, Val) else None
    if not changed or taken is None or taken.fn is not operator.getitem:
        return False
    return taken.ins[0] is rows and isinstance(kind(rows), Seq) and same(taken.ins[1], index)


def replace_uses(region: Region, old: Val, new: Val) -> None:
    f = lambda v: new if v is old else v  # noqa: E731
    for op in region.ops:
        op.ins = [map_atom(f, a) for a in op.ins]
        for r in op.regions:
            replace_uses(r, old, new)
    region.results = [map_atom(f, a) for a in region.results]
