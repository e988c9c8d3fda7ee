"""A loop backwards whose trips do not wait for one another becomes part of the loop that it goes back over.

What the trips of such a loop hand on are sums alone: ``x_bar[i] += ...``, ``a_bar += ...``.  So their order
is free (sums come out as in another order).  Where it reads, of what that other loop makes, what it has
taped trip by trip and nothing else, it is done there: there are no tapes, and the numbers are at hand.  Else
it goes forwards.  Of loops that a transform has made alone.
"""

from __future__ import annotations

import operator
from collections import Counter, defaultdict

from srcdiff.analysis.liveness import effect, ends_loop, guarded
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Atom,
    Const,
    Graph,
    LoopView,
    Op,
    Region,
    Struct,
    Val,
    kind,
    op_of,
    same,
    uses_of,
    vals,
    walk,
)
from srcdiff.ir.kinds import Array, Kind, Scalar, Seq
from srcdiff.ir.regions import read_by, replace_values
from srcdiff.optimise.dce import dce
from srcdiff.optimise.patterns import made_alike
from srcdiff.optimise.scatter import is_nothing

__all__ = ["in_one_loop"]


def in_one_loop(graph: Graph) -> Graph:
    """Put loops backwards into those that they go back over, in place; returns the graph."""
    if any(map(is_backward, graph.region.ops)):
        loops = Loops(graph)
        if loops.region(graph.region):
            if loops.joined:
                graph.info["settled"] = False  # (branches and invariants of the two may be one)
            return dce(graph)
    return graph


def is_backward(op: Op) -> bool:
    """Whether a loop goes back over another one, all of its trips."""
    if op.code != "for" or not op.adjoint or op.attrs["exits"]:
        return False
    view = LoopView(op)
    return view.head == 3 and not view.tapes and bool(op.attrs.get("aligned") or not view.sources)


def users_in(region: Region) -> dict[Val, list[Op]]:
    """The operations of a region that read each value, or in which one does."""
    users: dict[Val, list[Op]] = defaultdict(list)
    for op in region.ops:
        for v in set(read_by(op)):
            users[v].append(op)
    return users


class Loops:
    """One walk."""

    def __init__(self, graph: Graph) -> None:
        self.uses: Counter[Val] = uses_of(graph.region)
        self.joined = False  # whether one was put into another

    def region(self, region: Region) -> bool:
        changed = False
        for op in list(region.ops):
            if is_backward(op) and not effect(op):
                changed |= self.not_set_to_zero(op)
                if self.are_sums(op):
                    changed |= self.taken_in(region, op) or turned(op)
        for op in region.ops:
            for r in op.regions:
                changed |= self.region(r)
        return changed

    # ---- what is done in vain
    def not_set_to_zero(self, loop: Op) -> bool:
        """Leave an element as it is that no other trip reads: ``g = y_bar[i]; y_bar[i] = 0.0``."""
        view, changed = LoopView(loop), False
        for p, start, final in zip(view.params, view.inits, view.finals, strict=True):
            versions = self.read_once(loop, p, ()) if self.uses[final] == 0 and self.uses[p] else None
            if versions is not None:
                replace_values(view.body, dict.fromkeys(versions, start))
                self.uses.subtract({v: self.uses[v] for v in versions})
                changed = True
        return changed

    def read_once(self, loop: Op, p: Val, nest: tuple[Val, ...]) -> list[Val] | None:
        """The versions of an array of which each trip reads one part, its own, and sets it to zero."""
        view = LoopView(loop)
        if loop.attrs["exits"] or view.head != 3 or not all(map(is_whole, view.header[::2], (0, 1))):
            return None  # (negative numbers count from the end)
        nest = (*nest, view.index)
        end = view.yields[view.params.index(p)]
        if isinstance(p.kind, Scalar):
            return None
        users = [op for op in view.body.ops if p in vals(op.ins) and op.fn is not operator.getitem]
        last = users[0] if len(users) == 1 else None
        if last is None or not isinstance(end, Val) or end.op is not last or self.uses[end] != 1:
            return None
        if last.code == "for" and last.ins.count(p) == 1 and self.uses[p] == 1:
            inner = LoopView(last)
            at = inner.finals.index(end) if end in inner.finals else None
            if at is None or inner.inits[at] is not p:
                return None
            found = self.read_once(last, inner.params[at], nest)
            return None if found is None else [p, *found, end]
        if last.fn is not ops.setitem or last.ins[0] is not p or not is_nothing(last.ins[2]):
            return None
        index = last.ins[1]
        reads = [op for op in walk(view.body) if op.fn is operator.getitem and op.ins[0] is p]
        parts = index.items if isinstance(index, Struct) else (index,)
        own = all(any(a is i for a in parts) for i in nest) and all(same(op.ins[1], index) for op in reads)
        return [p, end] if own and self.uses[p] == len(reads) + 1 else None

    # ---- what the trips hand on
    def are_sums(self, op: Op) -> bool:
        """Whether the variables of a loop are sums that nobody reads meanwhile."""
        view = LoopView(op)
        lead = zip(view.params, view.yields, view.finals, strict=True)
        pairs = [(p, y) for p, y, f in lead if self.uses[p] or self.uses[f]]
        if self.uses[view.trips] or not pairs:
            return not self.uses[view.trips]
        users = users_in(view.body)
        return all(self.is_sum(view.body, p, y, users) for p, y in pairs)

    def is_sum(self, region: Region, v: Val, end: Atom, users: dict[Val, list[Op]] | None = None) -> bool:
        """Whether ``end`` is ``v`` with something added, and nobody else reads what is on the way."""
        users = users_in(region) if users is None else users
        results = vals(region.results)
        while v is not end:
            if v in results or len(users[v]) != 1:
                return False
            after = self.added(users[v][0], v)
            if after is None:
                return False
            v = after
        return not users[v] and results.count(v) == 1

    def added(self, op: Op, v: Val) -> Val | None:
        """``v`` with what an operation adds to it."""
        if op.code == "prim":
            if vals(op.ins).count(v) != 1 or op.attrs.get("guarded"):
                return None
            either = op.fn in (ops.accumulate, operator.add)
            first = op.fn in (ops.additem, operator.sub) and op.ins[0] is v
            return op.out if (either or first) and alike(op.out, v) else None
        if op.code == "if" and v not in vals(op.ins):
            for n, o in enumerate(op.outs):
                if alike(o, v) and all(self.is_sum(r, v, r.results[n]) for r in op.regions):
                    return o
        if op.code == "for" and read_by(op).count(v) == 1:
            view = LoopView(op)
            at = next((j for j, a in enumerate(view.inits) if a is v), None)
            if at is not None and self.is_sum(view.body, view.params[at], view.yields[at]):
                return view.finals[at]
        return None

    # ---- into the loop forwards
    def taken_in(self, region: Region, back: Op) -> bool:
        """Make a loop part of the one before it whose tapes it reads."""
        view, at = LoopView(back), region.ops.index(back)
        loop = self.gone_over(region.ops[:at], back)
        if loop is None or loop.attrs["exits"] or guarded(loop):
            return False
        first, start = LoopView(loop), region.ops.index(loop)
        if not all(s in first.tapes for s in view.sources) or set(back.attrs["dirs"]) - {-1}:
            return False
        if bool(back.attrs.get("rev")) is bool(loop.attrs.get("rev")):
            return False
        table: dict[Val, Atom] = {view.index: first.index}
        for e, s in view.taken:
            table[e] = first.put_on(s)  # type: ignore[arg-type]
        again = read_again(first, view)
        numbered = self.uses[view.index] > len(again)
        if not self.same_trips(first, view, numbered):
            return False
        wanted = self.before(region.ops[start + 1 : at], loop, back)
        if wanted is None:
            return False
        if numbered and first.head == 0:
            first.index.name, first.index.user = view.index.name, view.index.user
        replace_values(view.body, table | again)
        self.join(loop, back)
        region.ops.remove(back)
        self.joined = True
        region.ops[start:start] = wanted
        for op in wanted:
            del region.ops[region.ops.index(op, start + len(wanted))]
        return True

    def gone_over(self, before: list[Op], back: Op) -> Op | None:
        """The loop that another one goes back over: whose tapes it reads, or of the same statement."""
        taped = {s.op for s in LoopView(back).sources if isinstance(s, Val) and s.op is not None}
        if taped:
            (loop,) = taped if len(taped) == 1 else (None,)
            return loop if loop in before and loop is not None and loop.code == "for" else None
        for op in reversed(before):
            if op.code == "for" and not is_backward(op) and same_statement(op, back):
                return op
        return None

    def same_trips(self, first: LoopView, back: LoopView, numbered: bool) -> bool:
        """Whether two loops go over the same trips, with the same numbers if these are read."""
        start, stop, step = back.header
        counted = same(start, Const(0)) and same(step, Const(1))
        if first.head == 3:
            if stop is first.trips:
                return counted and not numbered
            early = any(ends_loop(first.op, first, j) for j in range(len(first.sources)))
            return not early and all(map(made_alike, first.header, back.header))
        if not counted or first.op.attrs.get("rev"):
            return False
        if stop is first.trips:
            return not numbered
        parts = stop.op.ins if isinstance(stop, Val) and stop.op is not None and stop.op.fn is min else [stop]
        alone = len(first.sources) == 1 or first.op.attrs.get("aligned")
        sources = first.sources[:1] if alone else first.sources
        return all(any(counts(a, s) for a in parts) for s in sources) and all(
            any(counts(a, s) for s in sources) for a in parts
        )

    def before(self, between: list[Op], loop: Op, back: Op) -> list[Op] | None:
        """What has to be done before both: what ``back`` reads that does not come from ``loop``.

        None: it reads more of that than its tapes.
        """
        later: set[Val] = set(loop.outs)
        moved: dict[Val, Op] = {}
        for op in between:
            if any(v in later for v in read_by(op)) or effect(op) or guarded(op):
                later.update(op.outs)
            else:
                moved.update(dict.fromkeys(op.outs, op))
        acts = effect(loop)  # (on what it changes, which no longer is what it was behind it)
        read = vals(LoopView(back).inits)
        for r in back.regions:
            read += vals(r.results)
            for o in r.ops:
                read += read_by(o)
        wanted: set[Op] = set()
        todo = list(read)
        while todo:
            v = todo.pop()
            if v in later or (acts and not is_numbers(v.kind)):
                return None
            if v in moved and moved[v] not in wanted:
                wanted.add(moved[v])
                todo += read_by(moved[v])
        return [op for op in between if op in wanted]

    def join(self, loop: Op, back: Op) -> None:
        first, view = LoopView(loop), LoopView(back)
        ins = [*first.header, *first.inits, *view.inits, *first.sources]
        params = [first.index, *first.params, *view.params, *first.elements]
        results = [*first.yields, *view.yields, *first.collected]
        outs = [*first.finals, *view.finals, *first.tapes, first.trips]
        body = first.body
        body.ops += view.body.ops
        body.params, body.results = params, results
        for v in (*view.params, *view.finals):
            v.op = loop
        for s in view.sources:
            self.uses[s] -= 1  # type: ignore[index]
        loop.attrs = {**loop.attrs, "carried": first.carried + view.carried}
        loop.ins, loop.outs = ins, outs


def same_statement(one: Op, other: Op) -> bool:
    a, b = one.origin, other.origin
    return a is not None and b is not None and (a.file, a.line) == (b.file, b.line)


def read_again(first: LoopView, back: LoopView) -> dict[Val, Atom]:
    """What ``back`` reads by its number, of what the loop goes through anyway."""
    counted = not first.header or (same(first.header[0], Const(0)) and same(first.header[2], Const(1)))
    if not counted or first.op.attrs.get("rev"):
        return {}
    given = zip(first.sources, first.elements, first.op.attrs["dirs"], strict=True)
    at = {s: e for s, e, d in given if d == 1}
    out: dict[Val, Atom] = {}
    for op in walk(back.body):
        if op.code == "prim" and op.fn is operator.getitem and op.ins[1] is back.index and op.ins[0] in at:
            out[op.out] = at[op.ins[0]]
    return out


def alike(a: Val, b: Val) -> bool:
    """Whether two values are numbers of one precision, or arrays of one shape."""
    numbers = isinstance(a.kind, Scalar) and isinstance(b.kind, Scalar)
    return a.kind.dtype == b.kind.dtype if numbers else a.kind == b.kind  # type: ignore[union-attr]


def is_numbers(k: Kind) -> bool:
    """Whether a value is a number, an array, or a list of these, which nothing changes."""
    return isinstance(k, (Scalar, Array)) or (type(k) is Seq and is_numbers(k.elem))


def is_whole(a: Atom, least: int) -> bool:
    return isinstance(a, Const) and type(a.value) is int and a.value >= least


def counts(a: Atom, source: Atom) -> bool:
    """Whether a number is how many elements something has."""
    op = op_of(a)
    if op is not None and op.fn in (len, ops.shape_at) and op.ins[0] is source:
        return op.fn is len or same(op.ins[1], Const(0))
    k, n = kind(source), kind(a)
    return isinstance(k, Array) and isinstance(n, Scalar) and bool(k.dims) and n.value == k.dims[0]


def turned(op: Op) -> bool:
    """Let a loop backwards go forwards, if it empties no tape."""
    view = LoopView(op)
    if not op.attrs.get("rev") or any(isinstance(kind(s), Seq) for s in view.sources):
        return False
    op.attrs = {**op.attrs, "rev": False, "dirs": tuple(-d for d in op.attrs["dirs"])}
    return True
