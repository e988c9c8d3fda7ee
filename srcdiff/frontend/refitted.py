"""Kinds of what a trip of a loop made, found again where its numbers turn out wider than they began.

A sum that starts from ``0`` is a whole number before the first trip and one of NumPy's after it, a list is
empty and then one of numbers.  Where all that a trip does with these is arithmetic and appending, it would be
read again to the same operations with other kinds.
"""

from __future__ import annotations

import operator
from typing import Any

from srcdiff.frontend import joins
from srcdiff.frontend.infer import infer
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, LoopView, Op, Region, Undef, Val, kind, nested, vals
from srcdiff.ir.kinds import Array, Kind, Scalar, Seq, fresh_sym, join, join_all

__all__ = ["refitted"]

ARITHMETIC = {
    operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, operator.pos,
    operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne,
}  # fmt: skip
MOST = 4  # times that a body is gone through


class Differs(Exception):
    """With these kinds a trip might be read to other operations."""


class Refit:
    """Values of a body that have new kinds."""

    def __init__(self, shown: set[Val]) -> None:
        self.shown = shown  # to functions that may have asked for their types
        self.new: set[Val] = set()

    def give(self, v: Val, k: Kind) -> None:
        """Give a value a kind that is as wide as the one it has, or wider."""
        if isinstance(k, Scalar) and k.dtype == "i8" and k.weak and k.value is None:
            k = Scalar("i8", True, fresh_sym())
        if not joins.similar(k, v.kind):
            numbers = isinstance(k, Scalar) and isinstance(v.kind, Scalar)
            if v in self.shown or not (numbers or type(k) is type(v.kind) is Seq):
                raise Differs
            v.kind = k
            self.new.add(v)

    def region(self, region: Region) -> None:
        for op in region.ops:
            self.op(op)

    def op(self, op: Op) -> None:
        if op.code == "if":
            self.branch(op)
        elif op.is_loop:
            self.loop(op)
        elif not self.new.isdisjoint(vals(op.ins)):
            if op.code != "prim" or op.by_name:
                raise Differs
            self.prim(op)
        elif any(not self.new.isdisjoint(vals(read(o))) for o in nested(op)):
            raise Differs

    def prim(self, op: Op) -> None:
        kinds = list(map(kind, op.ins))
        if op.fn in ARITHMETIC and all(isinstance(k, (Scalar, Array)) for k in kinds):
            self.give(op.out, infer(op.fn, op.ins))
        elif op.fn is ops.append and type(kinds[0]) is Seq:
            self.give(op.out, Seq(join(kinds[0].elem, kinds[1])))
        elif op.fn is operator.getitem and type(kinds[0]) is Seq and isinstance(kinds[1], Scalar):
            if op.ins[1] in self.new or not isinstance(op.out.kind, Scalar):
                raise Differs
            self.give(op.out, kinds[0].elem)
        elif op.fn is not len:
            raise Differs

    def branch(self, op: Op) -> None:
        for r in op.regions:
            self.region(r)
        for out, *ends in zip(op.outs, *(r.results for r in op.regions), strict=True):
            if not self.new.isdisjoint(vals(ends)):
                there = [kind(a) for a in ends if not isinstance(a, Undef)]
                self.give(out, join_all(there[0], tuple(there[1:])))

    def loop(self, op: Op) -> None:
        view = LoopView(op)
        if not self.new.isdisjoint(vals(view.header)):
            raise Differs
        inner = [a for a in (*view.inits, *view.yields) if not isinstance(a, Val)]
        if any(not self.new.isdisjoint(vals([a])) for a in inner):
            raise Differs
        rows = view.slots
        for _ in range(MOST):
            for n, (p, init, _, _) in enumerate(rows):
                if init in self.new:
                    self.give(p, joins.joined(p.kind, kind(init), init))
                if p in self.new and op.code == "while":
                    self.give(op.regions[0].params[n], p.kind)
            for r in op.regions:
                self.region(r)
            again = False
            for p, init, y, _ in rows:
                k = joins.joined(p.kind, kind(y), init) if y in self.new else p.kind
                if not joins.similar(k, p.kind):
                    self.give(p, k)
                    again = True
            if not again:
                break
        else:
            raise Differs
        for p, _, _, final in rows:
            if p in self.new:
                self.give(final, p.kind)


def read(op: Op) -> list[Atom]:
    """What an operation reads, and what its regions hand on."""
    return [*op.ins, *(a for r in op.regions for a in r.results)]


def refitted(
    regions: list[Region], variables: dict[Any, Any], inits: dict[Any, Atom], ends: dict[Any, Atom],
    carried: dict[Any, Kind], wanted: dict[Any, Kind], shown: set[Val],
) -> dict[Any, Kind] | None:
    """The kinds of what a loop carries, if they settle without another reading; what was read has them then.

    If they do not, what was read is of no use any more.
    """  # fmt: skip
    fit, now = Refit(shown), dict(carried)
    try:
        for _ in range(MOST):
            for key, k in wanted.items():
                if not joins.similar(k, now[key]):
                    if not isinstance(variables[key], Val):
                        return None
                    fit.give(variables[key], joins.with_fresh(k))
                    now[key] = k
            for r in regions:
                fit.region(r)
            other = [key for key, end in ends.items() if not fit.new.isdisjoint(vals([end]))]
            wanted = {**now, **{k: joins.joined(now[k], kind(ends[k]), inits[k]) for k in other}}
            if all(joins.similar(k, now[key]) for key, k in wanted.items()):
                return now
    except Differs:
        pass
    return None
