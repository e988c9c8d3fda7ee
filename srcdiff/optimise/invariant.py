"""What no trip of a loop changes is computed before it: `np.exp(W @ x)`, `x[i]` in a loop over `j`.

Done before a function is differentiated: what goes to such a value is added up in the loop, and goes on from
there once.  Where no trip may be run, only what cannot raise.  What costs nothing stays where it is, unless
more is made of it: a product of numbers, a view of which all is read (what goes to it goes to the array as
well).  The values are the same.

What a choice that stays in the loop reads stays with it (``left_out``): its slope may be infinite or NaN
where it is not chosen, and behind the loop nothing is known of that.  Conditions
go before the loop.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from srcdiff.ir import ops
from srcdiff.ir.bounds import Bounds
from srcdiff.ir.graph import Atom, Const, Graph, Op, Region, Val, clone, key_of, kind, same, vals, walk
from srcdiff.ir.indices import parts_of
from srcdiff.ir.kinds import Array, Scalar
from srcdiff.ir.regions import readers_of, replace_values
from srcdiff.ir.unset import may_be_unset
from srcdiff.optimise.patterns import is_slice, steady
from srcdiff.optimise.simplify import SPECULATIVE
from srcdiff.optimise.words import Words

__all__ = ["before_loops"]

ADDS = (operator.add, operator.sub, operator.neg)  # slopes of one
ARITHMETIC = (operator.add, operator.sub, operator.mul, operator.neg)  # has no poles


def before_loops(graph: Graph, words: Words, is_pure: Callable[[Any], bool]) -> Graph:
    """The graph with such values before their loops; the graph itself where there are none."""
    if not any(op.is_loop for op in walk(graph.region)) or not Invariants(graph, words, is_pure).there_are():
        return graph
    graph = clone(graph)[0]
    Invariants(graph, words, is_pure).move()
    return graph


class Invariants:
    """One walk, the innermost loops first."""

    def __init__(self, graph: Graph, words: Words, is_pure: Callable[[Any], bool]) -> None:
        self.words, self.is_pure = words, is_pure
        self.root = graph.region
        self.level: dict[Val, int] = {}  # how many regions are around a value
        self.readers = readers_of(graph.region)
        self.bounds = Bounds()
        self.look(self.root, 0)

    def there_are(self) -> bool:
        return any(self.found(op, around, deep) for op, around, deep in loops_in(self.root, (), 0))

    def move(self) -> None:
        self.region(self.root, (), 0)

    def look(self, region: Region, deep: int) -> None:
        for v in region.params:
            self.level[v] = deep
        for op in region.ops:
            for v in op.outs:
                self.level[v] = deep
            if op.code == "for" and op.attrs["head"] == 3:
                self.bounds.loop(op.regions[-1].params[0], *op.ins[:3])
            for r in op.regions:
                self.look(r, deep + 1)

    def region(self, region: Region, around: tuple[Op, ...], deep: int) -> None:
        out: list[Op] = []
        for op in region.ops:
            inner = (*around, op) if op.is_loop else around
            for r in op.regions:
                self.region(r, inner, deep + 1)
            if op.is_loop and (found := self.found(op, around, deep)):
                body, gone = op.regions[-1], set(found)
                body.ops = [o for o in body.ops if o not in gone]
                out += self.shared(found, body)
                for o in found:
                    self.level[o.out] = deep
                    name(o)
            out.append(op)
        region.ops = out

    def shared(self, found: list[Op], body: Region) -> list[Op]:
        """Operations moved, of equal ones the first."""
        first: dict[Any, Op] = {}
        for op in found:
            key = (op.fn, tuple(map(key_of, op.ins)), op.attrs.get("names"))
            other = first.setdefault(key, op)
            if other is not op:
                for o in found:
                    o.ins = [a if a is not op.out else other.out for a in o.ins]
                replace_values(body, {op.out: other.out})
                self.readers[other.out] += self.readers[op.out]
        return list(first.values())

    def found(self, loop: Op, around: tuple[Op, ...], deep: int) -> list[Op]:
        """What of the body of a loop can be done before it, and is better done there."""
        out: dict[Op, None] = {}
        runs = is_run(loop, around)
        for op in loop.regions[-1].ops:
            # (values that have no level are of a function around this one)
            there = (self.level.get(v, 0) <= deep or v.op in out for v in vals(op.ins))
            if all(there) and self.may_move(op, runs):
                out[op] = None
        bent: set[Op] = set()  # of arrays made by elements, by more than arithmetic of what goes with them
        for op in out:
            if self.is_each(op) and (op.fn not in ARITHMETIC or any(v.op in bent for v in vals(op.ins))):
                bent.add(op)
        kept: set[Op] = set()
        for op in reversed(out):
            readers = self.readers[op.out]
            taken = any(is_part(o, op.out) for o in readers)
            wanted = taken if self.is_cheap(op) else not self.in_parts(op, op in bent)
            if wanted or any(o in kept for o in readers):
                kept.add(op)
        while left := {op for op in kept if self.left_out(op, kept) or waits(op, out, kept)}:
            kept -= left
        return [op for op in out if op in kept]

    def left_out(self, op: Op, gone: set[Op]) -> bool:
        """Whether something that stays in the loop does not take all of what is made by elements.

        The cotangent is zero there, whatever the slope is: that shows where the choice is.
        """
        if op.fn in ADDS or not self.words.by_elements(op.fn):
            return False
        todo, seen = [op], {op}
        while todo:
            op = todo.pop()
            for o in self.readers[op.out]:
                if o is None or o.code != "prim" or o in seen:
                    continue
                if o not in gone and self.leaves(o, op.out):
                    return True
                if self.words.by_elements(o.fn) or o.fn in self.words.copies or o.fn is ops.copied:
                    seen.add(o)
                    todo.append(o)
        return False

    def leaves(self, op: Op, v: Val) -> bool:
        """Whether an operation does not take all entries of an operand: it chooses, or writes over some."""
        if op.fn is ops.setitem:
            return op.ins[0] is v
        if op.fn is self.words.choose:
            return any(a is v for a in op.ins[1:])
        return op.fn in self.words.leaves or "where" in op.names

    def is_each(self, op: Op) -> bool:
        """Whether an operation makes an array by elements."""
        return op.code == "prim" and isinstance(op.out.kind, Array) and bool(self.words.by_elements(op.fn))

    def in_parts(self, op: Op, bent: bool) -> bool:
        """Whether parts are read of a function of an array by elements, or of what such is made of it.

        What is not read has no derivative, not even at a pole: that shows where the trip reads (`read.py`).
        """
        todo, seen = [(op, bent)], set()
        while todo:
            op, bent = todo.pop()
            if (op, bent) in seen or not self.is_each(op):
                continue
            seen.add((op, bent))
            bent = bent or op.fn not in ARITHMETIC
            readers = [o for o in self.readers[op.out] if o is not None]
            if bent and any(is_part(o, op.out) for o in readers):
                return True
            todo += [(o, bent) for o in readers]
        return False

    def is_cheap(self, op: Op) -> bool:
        """Whether an operation makes a view, or is arithmetic of two numbers."""
        if isinstance(op.out.kind, Scalar):
            return op.fn in SPECULATIVE or op.fn is operator.truediv
        return op.fn is operator.getitem or op.fn is self.words.transpose

    def may_move(self, op: Op, runs: bool) -> bool:
        k = op.out.kind if op.code == "prim" else None
        if not isinstance(k, (Array, Scalar)) or k.dtype[0] not in "fcb":
            return False
        if k.dtype[0] == "b" and not self.is_each(op):
            return False
        if op.fn in ops.UPDATES or any(op.attrs.get(a) for a in ("guarded", "unread", "aug")):
            return False
        if not self.is_pure(op.fn) or any(map(may_be_unset, op.ins)):
            return False
        turned = op.fn is self.words.transpose and len(op.ins) == 1
        return runs or turned or op.fn in SPECULATIVE or self.is_there(op) or steady(op, op.ins, self.words)

    def is_there(self, op: Op) -> bool:
        """Whether an operation takes a part that an array has: loops count as far as that."""
        if op.fn is not operator.getitem or not isinstance(of := kind(op.ins[0]), Array):
            return False
        parts = parts_of(op.ins[1])
        if len(parts) > len(of.dims):
            return False
        pairs = zip(parts, of.dims, strict=False)
        return all(is_slice(a) or self.bounds.inside(a, d) for a, d in pairs)


def waits(op: Op, found: dict[Op, None], kept: set[Op]) -> bool:
    """Whether an operand of an operation could go before the loop, and does not."""
    return any(v.op in found and v.op not in kept for v in vals(op.ins))


def loops_in(region: Region, around: tuple[Op, ...], deep: int) -> list[tuple[Op, tuple[Op, ...], int]]:
    out = []
    for op in region.ops:
        if op.is_loop:
            out.append((op, around, deep))
        inner = (*around, op) if op.is_loop else around
        for r in op.regions:
            out += loops_in(r, inner, deep + 1)
    return out


def name(op: Op) -> None:
    """An element that has no name of its own is called after its place."""
    if op.fn is not operator.getitem or op.out.name or not isinstance(op.out.kind, Scalar):
        return
    base, at = op.ins
    place = at.name if isinstance(at, Val) else str(at.value) if isinstance(at, Const) else ""
    if isinstance(base, Val) and base.name and (place.isidentifier() or place.isdecimal()):
        op.out.name = f"{base.name}_{place}"


def is_part(op: Op | None, of: Val) -> bool:
    """Whether an operation takes a part of an array, or a loop goes over it."""
    if op is None or op.code == "prim":
        return op is not None and op.fn is operator.getitem and op.ins[0] is of
    return op.is_loop and any(a is of for a in op.ins)


def is_run(loop: Op, around: tuple[Op, ...]) -> bool:
    """Whether at least one trip is run: it counts so far, or as far as a loop around it that runs."""
    if loop.code != "for" or loop.attrs["head"] != 3 or len(loop.ins) > 3 + loop.attrs["carried"]:
        return False
    start, stop, step = loop.ins[:3]
    if not same(step, Const(1)):
        return False
    if isinstance(start, Const) and isinstance(stop, Const):
        return bool(start.value < stop.value)
    return any(o.code == "for" and o.attrs["head"] == 3 and same_range(o, loop) for o in around)


def same_range(a: Op, b: Op) -> bool:
    return all(same_size(x, y) for x, y in zip(a.ins[:3], b.ins[:3], strict=True))


def same_size(a: Atom, b: Atom) -> bool:
    p, q = kind(a), kind(b)
    if not isinstance(p, Scalar) or not isinstance(q, Scalar) or p.value is None:
        return same(a, b)
    return p.value == q.value
