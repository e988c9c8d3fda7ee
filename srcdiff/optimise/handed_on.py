"""What a trip of a loop computes last, and the next one again, is handed on: `acc(x)` of a leapfrog step.

    for _ in range(n):                      a = np.sin(q)
        p = p - h * np.sin(q)               for _ in range(n):
        q = q + h * p                           p = p - h * a
        p = p - h * np.sin(q)                   q = q + h * p
                                                a = np.sin(q)
                                                p = p - h * a

Done before a function is differentiated: its derivative has half to do as well.  The values are the same.
Where no trip may be run, only functions that cannot fail, nor their slopes: what comes before the loop is
then computed for nothing.  (In compilers: predictive commoning, O'Brien 1990.)
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Atom,
    Graph,
    LoopView,
    Op,
    Region,
    Val,
    clone,
    key_of,
    kind,
    map_atom,
    vals,
    walk,
)
from srcdiff.ir.kinds import Array, Kind, Scalar
from srcdiff.ir.regions import made_in, readers_of, remove, replace_values
from srcdiff.ir.unset import may_be_unset
from srcdiff.optimise.invariant import ARITHMETIC, is_run, loops_in
from srcdiff.optimise.patterns import steady
from srcdiff.optimise.words import Words

__all__ = ["handed_on"]

def handed_on(graph: Graph, words: Words, is_pure: Callable[[Any], bool]) -> Graph:
    """The graph with loops that hand on what they have computed; the graph itself where none does."""
    if not any(op.is_loop for op in walk(graph.region)):
        return graph
    if not any(Loop(op, around, words, is_pure).found() for op, around, _ in loops_in(graph.region, (), 0)):
        return graph
    graph = clone(graph)[0]
    in_region(graph.region, (), words, is_pure)
    return graph


def in_region(region: Region, around: tuple[Op, ...], words: Words, is_pure: Callable[[Any], bool]) -> None:
    out: list[Op] = []
    for op in region.ops:
        for r in op.regions:
            in_region(r, (*around, op) if op.is_loop else around, words, is_pure)
        if op.is_loop:
            loop = Loop(op, around, words, is_pure)
            loop.hand_on(loop.found(), out)
        out.append(op)
    region.ops = out


class Loop:
    """A loop; ``next_of``: of operations of its body, those that are the same a trip later."""

    def __init__(
        self, op: Op, around: tuple[Op, ...], words: Words, is_pure: Callable[[Any], bool]
    ) -> None:
        self.op, self.view, self.words, self.is_pure = op, LoopView(op), words, is_pure
        self.runs = is_run(op, around)
        self.inside: set[Val] = set()
        self.next_of: dict[Op, Op] = {}
        self.readers: dict[Val, list[Op | None]] = {}
        self.start = dict(zip(self.view.params, self.view.inits, strict=True))

    def found(self) -> list[Op]:
        """The operations whose results are to be handed on."""
        view = self.view
        heavy = Counter(id(op.fn) for op in view.body.ops if op.code == "prim" and self.is_heavy(op))
        if max(heavy.values(), default=0) < 2:
            return []
        self.inside = set(made_in(view.body))
        later: dict[Val, Val] = {}  # what stands there a trip later
        for p, a in zip(view.params, view.yields, strict=True):
            if isinstance(a, Val) and self.is_kept(p, a):
                later[p] = a
        if all(p is a for p, a in later.items()):
            return []
        first: dict[Val, Val] = {}  # of equal ones
        table: dict[Any, Op] = {}
        mine = [op for op in view.body.ops if self.may_move(op)]
        for op in mine:
            first[op.out] = table.setdefault(self.key(op, lambda v: first.get(v, v)), op).out
        for op in mine:
            if all(v in later or v not in self.inside for v in vals(op.ins)):
                other = table.get(self.key(op, lambda v: first.get(w := later.get(v, v), w)))
                if other is not None and other.out.kind == op.out.kind:
                    later[op.out] = other.out
                    if other is not op:
                        self.next_of[op] = other
        return self.chosen(first)

    def chosen(self, first: dict[Val, Val]) -> list[Op]:
        """The last in each chain, where it has a function in it; where these are more, the functions."""
        readers = self.readers = readers_of(self.view.body)
        heavy: dict[Op, set[Op]] = {}  # the functions that an operation hangs on
        for op in self.next_of:
            of = {f for v in vals(op.ins) if v.op in self.next_of for f in heavy[v.op]}
            if self.is_heavy(op) and first[op.out] is op.out:
                of = of | {op}
            heavy[op] = of
        last = (op for op in self.next_of if any(o not in self.next_of for o in readers[op.out]))
        ends = [op for op in last if heavy[op] and not self.is_view(op)]
        needed = {f for op in ends for f in heavy[op]}
        return ends if len(ends) <= len(needed) else [op for op in self.next_of if op in needed]

    def hand_on(self, found: list[Op], before: list[Op]) -> None:
        """Carry the results of operations; what they start from goes to ``before``."""
        view, body = self.view, self.view.body
        table: dict[Val, Atom] = {}
        for op in found:
            init = self.started(op, before)
            other, at = self.next_of[op].out, view.carried
            named = op.out.name or other.name or called(op, self.readers[op.out])
            p, final = (Val(named, op.out.kind, self.op, op.out.user) for _ in range(2))
            self.op.ins.insert(view.head + at, init)
            body.params.insert(view.has_index + at, p)
            body.results.insert(at, other)
            self.op.outs.insert(at, final)
            if self.op.code == "while":
                self.op.regions[0].params.insert(at, Val(named, op.out.kind, self.op, op.out.user))
            self.op.attrs["carried"] = at + 1
            table[op.out] = p
        replace_values(body, table)
        while True:
            readers = readers_of(body)
            gone = {op for op in self.next_of if not readers[op.out] and op in body.ops}
            if not gone:
                break
            remove(body, gone)

    def started(self, op: Op, before: list[Op]) -> Atom:
        """What an operation gives of that with which the loop begins."""
        made: dict[Val, Atom] = {}

        def start(v: Val) -> Atom:
            if v in self.start:
                return self.start[v]
            if v not in self.inside:
                return v
            if v not in made:
                old = v.op
                assert old is not None
                ins = [map_atom(start, a) for a in old.ins]
                attrs = {k: a for k, a in old.attrs.items() if k != "aug"}
                new = Op("prim", ins, [], [], attrs, old.origin)
                name = old.out.name or called(old, self.readers[old.out])
                new.outs = [Val(name, started_kind(old, ins), new, old.out.user)]
                before.append(new)
                made[v] = new.out
            return made[v]

        return start(op.out)

    # ---- what may be handed on
    def is_kept(self, p: Val, a: Val) -> bool:
        """Whether a variable is of one kind all along, so that what is made of it is."""
        k, init = p.kind, kind(self.start[p])
        if may_be_unset(p) or may_be_unset(self.start[p]) or not isinstance(k, (Scalar, Array)):
            return False
        return alike(k, init) and alike(k, a.kind)

    def may_move(self, op: Op) -> bool:
        k = op.out.kind if op.code == "prim" else None
        if not isinstance(k, (Array, Scalar)) or k.dtype != "f8" or op.fn in ops.UPDATES:
            return False
        if any(op.attrs.get(a) for a in ("guarded", "unread")) or any(map(may_be_unset, op.ins)):
            return False
        if op.fn in ARITHMETIC and (isinstance(k, Scalar) or steady(op, op.ins, self.words)):
            return True
        return self.is_pure(op.fn) and (self.runs or op.fn in self.words.smooth)

    def is_heavy(self, op: Op) -> bool:
        """Whether an operation is worth a variable: it is no arithmetic of numbers, and no view."""
        if isinstance(op.out.kind, Scalar) and op.fn in (*ARITHMETIC, operator.truediv):
            return False
        return not self.is_view(op)

    def is_view(self, op: Op) -> bool:
        return op.fn is operator.getitem or op.fn is self.words.transpose

    def key(self, op: Op, stands_for: Callable[[Val], Val]) -> Any:
        ins = (map_atom(stands_for, a) for a in op.ins)
        return op.fn, tuple(map(key_of, ins)), op.attrs.get("names")


def alike(a: Kind, b: Kind) -> bool:
    """Whether two kinds are one, but for whose number it is."""
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        return a.dtype == b.dtype
    return a == b


def started_kind(op: Op, ins: list[Atom]) -> Kind:
    """The kind of what an operation makes of other numbers: arithmetic of Python's is Python's."""
    k = op.out.kind
    if isinstance(k, Scalar) and op.fn in (*ARITHMETIC, operator.truediv, operator.pow):
        return Scalar(k.dtype, all(isinstance(x, Scalar) and x.weak for x in map(kind, ins)))
    return k


def called(op: Op, readers: Sequence[Op | None] = ()) -> str:
    """A name: of a function of one variable, both; of a term, the sum's."""
    word = getattr(op.fn, "__name__", "")
    v = op.ins[0] if len(op.ins) == 1 else None
    if word.isidentifier() and isinstance(v, Val) and v.name:
        return f"{word}_{v.name}"
    sums = [o.out.name for o in readers if o is not None and o.fn in (operator.add, operator.sub)]
    return f"{sums[0]}_term" if sums and sums[0] else ""
