"""The rebuild pass: constant folding, sharing, exact algebra, loop congruence, invariants moved, in one walk.

A graph is read once and written anew.  Loops are entered with the most optimistic assumption (no variable
changes) and read again when it proves wrong; that alone removes zero tangents carried through loops and
merges equal ones.  All rewrites are exact for every input.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from srcdiff.analysis.constants import computable
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    UNDEF,
    Atom,
    Const,
    Graph,
    Op,
    Region,
    Val,
    key_of,
    kind,
    op_of,
    same,
    taken_apart,
    uses_of,
)
from srcdiff.ir.graph import walk as every
from srcdiff.ir.kinds import Array, Scalar, Seq
from srcdiff.ir.unset import may_be_unset
from srcdiff.optimise.algebra import Algebra, rules_of
from srcdiff.optimise.blocks import Blocks
from srcdiff.optimise.congruence import Loops
from srcdiff.optimise.dce import dce
from srcdiff.optimise.patterns import alike, basic, is_zero, last_written, puts_back, sized_like, steady
from srcdiff.optimise.rebuild import key_of_fn, key_of_operands
from srcdiff.optimise.words import Words

__all__ = ["count", "simplify"]

ROUNDS = 6
SPECULATIVE = {  # may be moved out of a branch or a loop that may not run: they cannot raise
    operator.add, operator.sub, operator.mul, operator.neg, ops.shape_at, len, ops.exit_is, operator.not_,
    operator.lt, operator.le, operator.gt, operator.ge,
}  # fmt: skip


def simplify(graph: Graph, is_shareable: Callable[[Any], bool], words: Words) -> Graph:
    """Rebuild and remove dead code until nothing changes.

    ``info["settled"]`` of the result: whether one more walk over it is known to change nothing.
    """
    size = -1
    read: frozenset[Op] = frozenset()
    for _ in range(ROUNDS):
        walk, old = Rebuild(graph, is_shareable, words, read), graph
        graph = walk.run()
        taken_apart(old.region)
        dce(graph)
        graph.info["settled"] = not leaves_work(walk, graph)
        n = count(graph.region)
        if n == size or graph.info["settled"]:
            break
        size, read = n, frozenset(walk.loops)
    return graph


def leaves_work(walk: Rebuild, graph: Graph) -> bool:
    """Whether another walk may find something: all but this a walk sees as it goes."""
    if any(alike(*op.regions) for op in walk.branches):
        return True
    if walk.loose and not set(walk.loose).isdisjoint(every(graph.region)):
        return True
    if not walk.barred:
        return False
    uses = uses_of(graph.region)
    return any(uses.get(v) == 1 for v in walk.barred)


def count(region: Region) -> int:
    found = 0
    for op in region.ops:
        found += 1 + len(op.outs)
        for r in op.regions:
            found += count(r)
    return found


class Rebuild(Algebra, Blocks, Loops):
    """One walk."""

    def run(self) -> Graph:
        old = self.old
        self.rules = rules_of(self.words)
        new = Region()
        self.regions.append((new, {}, "fn"))
        for p in old.region.params:
            q = self.param(p)
            new.params.append(q)
        self.body(old.region)
        new.results = [self.atom(a) for a in old.region.results]
        self.regions.pop()
        self.moving.clear()  # (which know this walk)
        g = old.over(new)
        if "values" in g.info:
            g.info["values"] = {k: self.env[v] for k, v in g.info["values"].items() if v in self.env}
        return g

    def step(self, op: Op) -> None:
        if op.code == "if":
            self.branch(op)
        elif op.code == "try":
            self.protected(op)
        elif op.code == "with":
            self.block(op)
        elif op.is_loop:
            self.loop(op)
        elif op.code == "prim":
            self.prim(op)
        else:
            new = Op(op.code, [self.atom(a) for a in op.ins], attrs=dict(op.attrs), origin=op.origin)
            self.place(new, op.outs, len(self.regions) - 1)

    def body(self, region: Region) -> None:
        for op in region.ops:
            self.step(op)

    def prim(self, op: Op) -> None:
        env = self.env
        ins = [env.get(a, a) if isinstance(a, Val) else self.atom(a) for a in op.ins]
        if op.attrs.get("unset") and ins[0] is UNDEF:
            self.env[op.out] = Const(0.0)
            return
        words = self.words
        if len(ins) == 1 and op.fn in words.reads_shape:
            ins = [sized_like(ins[0])]
        if op.fn in self.rules and not op.attrs.get("guarded"):
            listed = op.fn in words.sums or op.fn in words.blanks
            equal = None if listed and op.by_name else self.algebra(op, ins)
            if equal is not None:
                self.rename(equal, op.out)
                self.env[op.out] = equal
                return
        fn = op.fn
        ins = self.as_taken(op, ins)
        here = len(self.regions) - 1
        if fn is ops.setitem and last_written(ins[0], ins[1]) is not None and not self.new_uses(ins[0]):  # type: ignore[arg-type]
            ins[0] = ins[0].op.ins[0]  # type: ignore[union-attr]  # it is overwritten at once
        if fn is ops.setitem and puts_back(ins):
            self.env[op.out] = ins[0]
            return
        if fn is ops.additem and self.doubles(ins):
            inner = ins[0].op  # type: ignore[union-attr]
            assert inner is not None
            twice = self.make_like(operator.mul, [Const(2.0), ins[2]], kind(ins[2]), op)
            self.prim(Op("prim", [inner.ins[0], ins[1], twice], op.outs, [], op.attrs, op.origin))
            return
        if fn is ops.additem and self.overwrites_zero(ins):
            inner = ins[0].op  # type: ignore[union-attr]
            assert inner is not None
            attrs = {"fn": ops.setitem, **{k: v for k, v in op.attrs.items() if k not in ("fn", "at")}}
            self.prim(Op("prim", [inner.ins[0], ins[1], ins[2]], op.outs, [], attrs, op.origin))
            return
        if fn in ops.WRITES and isinstance(kind(ins[0]), Array):
            value = ins[2]
            if (
                isinstance(value, Val)
                and value.op is not None
                and value.op.code == "prim"
                and value.op.fn in self.words.expands
            ):
                inner = value.op.ins[0]
                if isinstance(kind(inner), Scalar) and isinstance(op.ins[2], Val):
                    ins[2] = inner  # an assignment broadcasts by itself
        if (
            op.attrs.get("unread")
            or fn in ops.UPDATES
            or fn is ops.copied
            or op.attrs.get("aug")
            or not self.may_be_shared(fn)
        ):
            self.again(op, ins, here)
            return
        keys = [key_of(a) for a in self.ordered(fn, ins)]
        key = (key_of_fn(fn), *key_of_operands(fn, op.attrs.get("names") or (), keys))
        for level in range(here, -1, -1):
            found = self.regions[level][1].get(key)
            if found is not None:
                self.rename(found, op.out)
                self.env[op.out] = found
                return
            if self.regions[level][2] == "with" and op.attrs.get("guarded"):
                break  # arithmetic outside a block may raise less than inside it
            if self.regions[level][2] == "again":
                break  # what is computed again is not to be kept
        level = self.lift(op, ins, here)
        self.regions[level][1][key] = self.again(op, ins, level)

    def overwrites_zero(self, ins: list[Atom]) -> bool:
        """Adding to an entry just set to zero: it is set."""
        x, value, made = ins[0], ins[2], op_of(ins[0])
        return (
            made is not None
            and made.fn is ops.setitem
            and is_zero(made.ins[2])
            and same(made.ins[1], ins[1])
            and (basic(ins[1]) or isinstance(kind(x), Seq))
            and isinstance(kind(x), (Array, Seq))
            and isinstance(kind(value), (Scalar, Array))
            and not self.new_uses(made.out)
        )

    def doubles(self, ins: list[Atom]) -> bool:
        """The same amount added twice to the same entry."""
        made = op_of(ins[0])
        return (
            made is not None
            and made.fn is ops.additem
            and same(made.ins[1], ins[1])
            and same(made.ins[2], ins[2])
            and isinstance(kind(ins[2]), (Scalar, Array))
            and isinstance(ins[2], Val)
            and not self.new_uses(made.out)
        )

    def lift(self, op: Op, ins: list[Atom], here: int) -> int:
        """The outermost region where an operation may be done as well."""
        if here == 0:
            return 0
        level = max(self.level(ins), 0)
        if op.out.user or level == here:
            if op.out.user and not any(isinstance(a, Val) for a in ins):
                return here
        arrays = isinstance(kind(op.out), Array)
        if arrays and (op.attrs.get("guarded") or op.out in self.changing or not steady(op, ins, self.words)):
            return here
        got = here
        for d in range(here, level, -1):
            how = self.regions[d][2]
            if how in ("if", "cond", "try", "with", "again"):
                break
            if how == "while" or how == "for":
                if any(map(may_be_unset, op.ins)):  # (no trip may be run)
                    break
                if not arrays and not isinstance(kind(op.out), Scalar):
                    break
                if not arrays and not self.harmless(op, ins):
                    break
            got = d - 1
        return got

    def harmless(self, op: Op, ins: list[Atom]) -> bool:
        """Whether an operation that makes a number cannot raise."""
        if op.fn in SPECULATIVE or computable(op, ins):
            return True
        return not op.attrs.get("guarded") and steady(op, ins, self.words)
