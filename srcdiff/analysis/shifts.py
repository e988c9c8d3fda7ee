"""What is taken off and makes no difference: ``m`` in ``e = exp(x - m)``, ``e / e.sum()``.

People subtract the largest element before they exponentiate, and add it again, or divide it out.  The
result does not depend on it, whatever it is: so the derivative in it is zero, to every order, and need not
be computed.

A value is followed from where it is made.  If it were larger by ``d``, what is made of it would be larger by
``c * d`` (a *shift*), or ``exp(c * d)`` times as large (a *scale*), or what it is (``c`` is 0); ``d`` varies
along some axes.  If all that is made of it is what it is in the end, it makes no difference.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Any

from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Graph, Op, Region, Slice, Struct, Val, key_of, rank, vals
from srcdiff.ir.indices import parts_of
from srcdiff.ir.kinds import Array, Scalar, is_active_kind
from srcdiff.ir.records import dataclass

__all__ = ["Words", "idle"]

NONE = Const(None)


@dataclass(frozen=True)
class Words:
    """The functions of an array library that matter here."""

    exponentials: frozenset[Any]
    logarithms: frozenset[Any]
    sums: frozenset[Any]  # over axes
    extremes: frozenset[Any]  # over axes: the largest, the mean; of what is shifted they are
    expands: frozenset[Any]  # new axes, of which the number is the second operand


@dataclass(frozen=True)
class State:
    """What becomes of a value if ``d`` is added to the one followed; along which axes ``d`` varies."""

    scale: bool
    c: float
    axes: tuple[int, ...]


class Differs(Exception):
    """It makes a difference, or nobody knows."""


def idle(graph: Graph, varied: set[Val], words: Words) -> set[Val]:
    """The values among ``varied`` that make no difference to what the graph computes."""
    found: set[Val] = set()
    if any(op.fn in words.exponentials for op in prims(graph.region)):
        in_region(graph.region, varied, words, found)
    return found


def prims(region: Region) -> Iterator[Op]:
    for op in region.ops:
        if op.code == "prim" and callable(op.fn) and getattr(op.fn, "__hash__", None) is not None:
            yield op
        for r in op.regions:
            yield from prims(r)


def in_region(region: Region, varied: set[Val], words: Words, found: set[Val]) -> None:
    place = {op: n for n, op in enumerate(region.ops)}
    uses: dict[Val, list[Op | None]] | None = None
    for op in region.ops:
        for r in op.regions:
            in_region(r, varied, words, found)
        if op.code != "prim" or op.fn is not operator.sub or len(op.ins) != 2:
            continue
        m = root(op.ins[1], words)
        if m is None or m not in varied or m in found or m.op is None or m.op not in place:
            continue
        if uses is None:
            uses = {}
            count(region, uses, True)
        follower = Follower(region, place, uses, varied, words)
        try:
            follower.follow(m)
        except Differs:
            continue
        if follower.exponentials:
            found |= follower.views


def root(a: Atom, words: Words) -> Val | None:
    """What a value is a view of with new axes."""
    while isinstance(a, Val) and a.op is not None and a.op.code == "prim":
        if not adds_axes(a.op, words):
            return a
        a = a.op.ins[0]
    return None


def adds_axes(op: Op, words: Words) -> bool:
    """Whether an operation gives its operand new axes, and nothing else."""
    return op.fn in words.expands or (op.fn is operator.getitem and new_axes(op.ins[1]) is not None)


def new_axes(index: Atom) -> list[bool] | None:
    """Which axes of the result are new, of an index that does nothing else (up to the last that it names)."""
    parts = parts_of(index)
    if not all(p == NONE or (isinstance(p, Slice) and p.lower == p.upper == p.step == NONE) for p in parts):
        return None
    return [p == NONE for p in parts]


def count(region: Region, uses: dict[Val, list[Op | None]], own: bool) -> None:
    """Who reads what: operations of the region itself; None for all else."""
    for op in region.ops:
        plain = own and op.code == "prim"
        for v in vals(op.ins):
            uses.setdefault(v, []).append(op if plain else None)
        for r in op.regions:
            count(r, uses, False)
    for v in vals(region.results):
        uses.setdefault(v, []).append(None)


class Follower:
    """Follows one value."""

    def __init__(
        self,
        region: Region,
        place: dict[Op, int],
        uses: dict[Val, list[Op | None]],
        varied: set[Val],
        words: Words,
    ) -> None:
        self.region, self.place, self.uses, self.varied, self.words = region, place, uses, varied, words
        self.states: dict[Val, State] = {}
        self.views: set[Val] = set()  # the value itself, and views of it
        self.exponentials = 0

    def follow(self, m: Val) -> None:
        for v, axes in self.same(m):
            self.states[v] = State(False, 1.0, axes)
            self.views.add(v)
        todo = [n for v in self.states for n in self.readers(v)]
        heapify(todo)
        while todo:  # in the order of the region
            op = self.region.ops[heappop(todo)]
            new = op.outs[0] not in self.states
            self.step(op)
            if new and op.outs[0] in self.states:
                for n in self.readers(op.outs[0]):
                    heappush(todo, n)
        for v, s in self.states.items():
            if s.c and None in self.uses.get(v, ()):
                raise Differs

    def readers(self, v: Val) -> list[int]:
        """Where the region's own operations that read a value are."""
        return [self.place[op] for op in self.uses.get(v, ()) if op is not None]

    def same(self, m: Val) -> list[tuple[Val, tuple[int, ...]]]:
        """The value, and others that are made in the same way, with the axes along which they vary."""
        n, op = rank(m), m.op
        if n is None or op is None:
            raise Differs
        if op.fn not in self.words.extremes or not (isinstance(op.ins[0], Val) and rank(op.ins[0])):
            k = m.kind
            dims = k.dims if isinstance(k, Array) else ()
            return [(m, tuple(j for j, d in enumerate(dims) if d != 1))]
        x, axes, _ = self.reduced(op)
        kept = [j for j in range(rank(x) or 0) if j not in axes]
        out = []
        for o in self.region.ops:
            if o.code != "prim" or o.fn is not op.fn or not o.ins or key_of(o.ins[0]) != key_of(x):
                continue
            try:
                _, theirs, keeps = self.reduced(o)
            except Differs:
                if o is op:
                    raise
                continue
            if theirs == axes and o.out in self.varied:
                out.append((o.out, tuple(kept if keeps else range(len(kept)))))
        return out

    def reduced(self, op: Op) -> tuple[Atom, tuple[int, ...], bool]:
        """The operand of a reduction, its axes, and whether they are kept."""
        names = op.names
        n = rank(op.ins[0])
        axis: Atom = NONE
        keeps: Atom = Const(False)
        for k, (a, name) in enumerate(zip(op.ins, names, strict=True)):
            if name == "axis" or (k == 1 and not name):
                axis = a
            elif name == "keepdims":
                keeps = a
            elif k:
                raise Differs
        if n is None or not isinstance(keeps, Const) or not isinstance(keeps.value, bool):
            raise Differs
        if axis == NONE:
            return op.ins[0], tuple(range(n)), keeps.value
        parts = axis.items if isinstance(axis, Struct) else (axis,)
        if not n or not all(isinstance(p, Const) and type(p.value) is int for p in parts):
            raise Differs
        return op.ins[0], tuple(sorted(p.value % n for p in parts)), keeps.value  # type: ignore[union-attr]

    def step(self, op: Op) -> None:
        out = op.outs[0]
        if out in self.states:
            return
        if not is_active_kind(out.kind) or out not in self.varied or self.settled(op):
            return
        s = self.made(op)
        if rank(out) is None or not isinstance(out.kind, (Array, Scalar)):
            raise Differs
        self.states[out] = s
        if adds_axes(op, self.words) and op.ins[0] in self.views:
            self.views.add(out)

    def settled(self, op: Op) -> bool:
        """Whether all that an operation reads is what it is, whatever is added."""
        return all(not self.states[v].c for v in vals(op.ins) if v in self.states)

    def state(self, a: Atom, n: int) -> State:
        """That of an operand, whose axes are among ``n`` after broadcasting."""
        if not isinstance(a, Val) or a not in self.states or not self.states[a].c:
            return State(False, 0.0, ())
        s = self.states[a]
        lead = n - (rank(a) or 0)
        return State(s.scale, s.c, tuple(j + lead for j in s.axes))

    def made(self, op: Op) -> State:
        fn, n = op.fn, rank(op.outs[0])
        words = self.words
        inside = vals([a for a in op.ins if not isinstance(a, Val)])
        if n is None or any(v in self.states for v in inside):
            raise Differs
        if adds_axes(op, words):
            return self.viewed(op)
        if fn in words.sums or fn in words.extremes:
            if len(op.ins) > 1 and any(v in self.states for v in vals(op.ins[1:])):
                raise Differs
            _, axes, keeps = self.reduced(op)
            s = self.states[op.ins[0]]  # type: ignore[index]
            if set(axes) & set(s.axes) or (not s.scale and fn in words.sums):
                raise Differs
            return s if keeps else State(s.scale, s.c, tuple(j - sum(k < j for k in axes) for j in s.axes))
        if op.by_name:
            raise Differs
        first = self.state(op.ins[0], n)
        if len(op.ins) == 1:
            if fn is operator.neg:
                return first if first.scale else State(False, -first.c, first.axes)
            if fn in words.exponentials and not first.scale:
                self.exponentials += 1
                return State(True, first.c, first.axes)
            if fn in words.logarithms and first.scale:
                return State(False, first.c, first.axes)
            if fn is ops.copied:
                return first
            raise Differs
        if len(op.ins) != 2:
            raise Differs
        second = self.state(op.ins[1], n)
        axes = first.axes if first.c else second.axes
        if first.c and second.c and (first.axes != second.axes or first.scale != second.scale):
            raise Differs
        scale = first.scale if first.c else second.scale
        if fn in (operator.add, operator.sub):
            sign = 1.0 if fn is operator.add else -1.0
            if not scale:
                return State(False, first.c + sign * second.c, axes)
            if first.c == second.c:
                return first
        elif scale and fn in (operator.mul, operator.truediv):
            return State(True, first.c + (1.0 if fn is operator.mul else -1.0) * second.c, axes)
        raise Differs

    def viewed(self, op: Op) -> State:
        s, n = self.states[op.ins[0]], rank(op.outs[0]) or 0  # type: ignore[index]
        if op.fn is operator.getitem:
            new = new_axes(op.ins[1]) or []
        else:
            at = op.ins[1] if len(op.ins) == 2 else NONE
            if not isinstance(at, Const) or type(at.value) is not int or not -n <= at.value < n:
                raise Differs
            new = [j == at.value % n for j in range(n)]
        own = [j for j in range(n) if j >= len(new) or not new[j]]
        return State(s.scale, s.c, tuple(own[j] for j in s.axes))
