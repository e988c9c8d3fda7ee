"""The rebuild pass: constant folding, sharing, exact algebra, loop congruence, invariants moved, in one walk.

A graph is read once and written anew.  Loops are entered with the most optimistic assumption (no variable
changes) and read again when it proves wrong; that alone removes zero tangents carried through loops and
merges equal ones.  All rewrites are exact for every input.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from srcdiff.analysis.memory import Known, updated_anywhere
from srcdiff.ir import ops
from srcdiff.ir.checkpoints import is_again
from srcdiff.ir.graph import (
    UNDEF,
    Atom,
    Const,
    Graph,
    LoopView,
    Op,
    Region,
    Slice,
    Struct,
    Undef,
    Val,
    key_of,
    kind,
    managed,
    map_atom,
    same,
    vals,
)
from srcdiff.ir.kinds import Array, Map, Scalar, Seq
from srcdiff.optimise.dce import dce, effect, guarded

__all__ = ["simplify"]

SPECULATIVE = {  # may be moved out of a branch or a loop that may not run: they cannot raise
    operator.add, operator.sub, operator.mul, operator.neg, ops.shape_at, len, ops.exit_is, operator.not_,
    operator.lt, operator.le, operator.gt, operator.ge,
}  # fmt: skip


def simplify(
    graph: Graph,
    is_shareable: Callable[[Any], bool],
    expands: frozenset[Any] = frozenset(),
    sums: frozenset[Any] = frozenset(),
    blanks: tuple[Any, ...] = (),
    rounds: int = 6,
) -> Graph:
    """Rebuild and remove dead code until nothing changes.

    ``blanks``: what makes zeros, first of all what makes them in the shape of its operand.

    ``info["settled"]`` of the result: whether one more walk over it is known to change nothing.
    """
    size = -1
    read: frozenset[Op] = frozenset()
    for _ in range(rounds):
        walk = Rebuild(graph, is_shareable, expands, sums, blanks, read)
        graph = walk.run()
        before = None if walk.changed else slots(graph.region)
        dce(graph)
        graph.info["settled"] = before is not None and slots(graph.region) == before
        n = count(graph.region)
        if n == size or graph.info["settled"]:
            break
        size, read = n, frozenset(walk.loops)
    return graph


def slots(region: Region) -> int:
    """The size of all that the removal of dead code can make smaller."""
    n = len(region.params) + len(region.results)
    for op in region.ops:
        n += 1 + len(op.ins) + len(op.outs) + sum([slots(r) for r in op.regions])
    return n


def count(region: Region) -> int:
    return sum(1 + len(op.outs) + sum(count(r) for r in op.regions) for op in region.ops)


class Rebuild:
    """One walk.

    ``settled``: loops of which an earlier walk has found out what does not change and what is equal in them.
    ``changed``: whether the new graph is anything but a copy of the old one.
    """

    def __init__(
        self,
        graph: Graph,
        is_shareable: Callable[[Any], bool],
        expands: frozenset[Any],
        sums: frozenset[Any],
        blanks: tuple[Any, ...] = (),
        settled: frozenset[Op] = frozenset(),
    ) -> None:
        self.old = graph
        self.settled = settled
        self.changed = False
        self.loops: list[Op] = []  # made in this walk
        self.updated: Known = {}  # of the old graph
        self.tried: dict[Op, tuple[list[bool], list[int]]] = {}  # what held of an old loop when last read
        self.expands = expands
        self.sums, self.blanks = sums, blanks
        self.listed = sums | set(blanks)
        self.is_shareable = is_shareable
        self.shareable: dict[int, bool] = {}  # by the identity of a function
        self.env: dict[Val, Atom] = {}
        self.decided: dict[Val, bool] = {}  # conditions of the branches around
        self.regions: list[tuple[Region, dict[Any, Val], str]] = []
        self.depth: dict[Val, int] = {}
        self.uses: dict[Val, int] = {}
        self.origin_of: dict[Val, Val] = {}
        count_uses(graph.region, self.uses)

    def run(self) -> Graph:
        old = self.old
        new = Region()
        self.regions.append((new, {}, "fn"))
        for p in old.region.params:
            q = self.param(p)
            new.params.append(q)
        self.body(old.region)
        new.results = [self.atom(a) for a in old.region.results]
        self.regions.pop()
        g = Graph(old.name, new, old.signature, old.captures, dict(old.info))
        if "values" in g.info:
            g.info["values"] = {k: self.env[v] for k, v in g.info["values"].items() if v in self.env}
        return g

    # ---- helpers
    def param(self, p: Val, op: Op | None = None) -> Val:
        q = Val(p.name, p.kind, op, p.user)
        self.env[p] = q
        self.depth[q] = len(self.regions) - 1
        return q

    def atom(self, a: Atom) -> Atom:
        if isinstance(a, Val):
            return self.env.get(a, a)
        if isinstance(a, Const):
            return a
        return map_atom(lambda v: self.env.get(v, v), a)

    def level(self, atoms: list[Atom]) -> int:
        return max([self.depth.get(v, 0) for v in vals(atoms)], default=0)

    def body(self, region: Region) -> None:
        for op in region.ops:
            self.step(op)

    def step(self, op: Op) -> None:
        if op.code == "if":
            self.branch(op)
        elif op.code == "try":
            self.protected(op)
        elif op.code == "with":
            self.block(op)
        elif op.code in ("for", "while"):
            self.loop(op)
        elif op.code == "prim":
            self.prim(op)
        else:
            new = Op(op.code, [self.atom(a) for a in op.ins], attrs=dict(op.attrs), origin=op.origin)
            self.place(new, op.outs, len(self.regions) - 1)

    def place(self, new: Op, outs: list[Val], level: int) -> None:
        for o in outs:
            v = Val(o.name, o.kind, new, o.user)
            new.outs.append(v)
            self.depth[v] = level
            self.env[o] = v
            self.origin_of[v] = o
        self.regions[level][0].ops.append(new)

    def again(self, op: Op, ins: list[Atom], level: int) -> Val:
        """An operation as it was, on new operands; the two have their attributes in common."""
        o = op.out
        v = Val(o.name, o.kind, None, o.user)
        v.op = Op("prim", ins, [v], [], op.attrs, op.origin)
        self.depth[v] = level
        self.env[o] = v
        self.origin_of[v] = o
        self.regions[level][0].ops.append(v.op)
        return v

    # ---- operations
    def prim(self, op: Op) -> None:
        env, fn, attrs = self.env, op.fn, op.attrs
        ins = [
            env.get(a, a) if isinstance(a, Val) else a if isinstance(a, Const) else self.atom(a)
            for a in op.ins
        ]
        if attrs.get("unset") and ins[0] is UNDEF:
            self.changed = True
            self.env[op.out] = Const(0.0)
            return
        known = fn in _SIMPLER or (fn in self.listed and not any(attrs.get("names", ())))
        simpler = self.algebra(op, ins) if known and not attrs.get("guarded") else None
        if simpler is not None:
            self.changed = True
            self.rename(simpler, op.out)
            self.env[op.out] = simpler
            return
        here = len(self.regions) - 1
        if fn is ops.setitem and last_written(ins[0], ins[1]) is not None and not self.new_uses(ins[0]):  # type: ignore[arg-type]
            ins[0] = ins[0].op.ins[0]  # type: ignore[union-attr]  # it is overwritten at once
            self.changed = True
        if fn is ops.setitem and puts_back(ins):
            self.changed = True
            self.env[op.out] = ins[0]
            return
        if fn is ops.additem and self.doubles(ins):
            inner = ins[0].op  # type: ignore[union-attr]
            assert inner is not None
            self.changed = True
            twice = self.make_like(operator.mul, [Const(2.0), ins[2]], kind(ins[2]), op)
            attrs = {k: v for k, v in op.attrs.items() if k != "fn"}
            self.place(
                Op(
                    "prim",
                    [inner.ins[0], ins[1], twice],
                    attrs={"fn": ops.additem, **attrs},
                    origin=op.origin,
                ),
                op.outs,
                here,
            )
            return
        if fn is ops.additem and self.overwrites_zero(ins):
            inner = ins[0].op  # type: ignore[union-attr]
            assert inner is not None
            self.changed = True
            attrs = {k: v for k, v in op.attrs.items() if k not in ("fn", "at")}
            self.place(
                Op(
                    "prim",
                    [inner.ins[0], ins[1], ins[2]],
                    attrs={"fn": ops.setitem, **attrs},
                    origin=op.origin,
                ),
                op.outs,
                here,
            )
            return
        if fn in (ops.setitem, ops.additem) and isinstance(kind(ins[0]), Array):
            value = ins[2]
            if (
                isinstance(value, Val)
                and value.op is not None
                and value.op.code == "prim"
                and value.op.fn in self.expands
            ):
                inner = value.op.ins[0]
                if isinstance(kind(inner), Scalar) and isinstance(op.ins[2], Val):
                    ins[2] = inner  # an assignment broadcasts by itself
                    self.changed = True
        if (
            attrs.get("unread")
            or fn in ops.UPDATES
            or fn is ops.copied
            or attrs.get("aug")
            or not self.may_be_shared(fn)
        ):
            self.again(op, ins, here)
            return
        key = (key_of_fn(fn), attrs.get("names", ()), tuple([key_of(a) for a in self.ordered(fn, ins)]))
        for _, made, how in reversed(self.regions):
            found = made.get(key)
            if found is not None:
                self.changed = True
                self.rename(found, op.out)
                self.env[op.out] = found
                return
            if how == "with" and attrs.get("guarded"):
                break  # arithmetic outside a block may raise less than inside it
            if how == "again":
                break  # what is computed again is not to be kept
        level = self.lift(op, ins, here)
        self.changed = self.changed or level != here
        self.regions[level][1][key] = self.again(op, ins, level)

    def may_be_shared(self, fn: Any) -> bool:
        known = self.shareable.get(id(fn))
        if known is None:
            known = self.shareable[id(fn)] = self.is_shareable(fn)
        return known

    def overwrites_zero(self, ins: list[Atom]) -> bool:
        """Adding to an entry just set to zero: it is set."""
        x = ins[0]
        if (
            not isinstance(x, Val)
            or x.op is None
            or x.op.code != "prim"
            or x.op.fn is not ops.setitem
            or self.new_uses(x)
        ):
            return False
        value = ins[2]
        return (
            _is_zero(x.op.ins[2])
            and same(x.op.ins[1], ins[1])
            and (basic(ins[1]) or isinstance(kind(x), Seq))
            and isinstance(kind(x), (Array, Seq))
            and isinstance(kind(value), (Scalar, Array))
        )

    def doubles(self, ins: list[Atom]) -> bool:
        """The same amount added twice to the same entry."""
        x = ins[0]
        if (
            not isinstance(x, Val)
            or x.op is None
            or x.op.code != "prim"
            or x.op.fn is not ops.additem
            or self.new_uses(x)
        ):
            return False
        return (
            same(x.op.ins[1], ins[1])
            and same(x.op.ins[2], ins[2])
            and isinstance(kind(ins[2]), (Scalar, Array))
            and isinstance(ins[2], Val)
        )

    def make_like(self, fn: Any, ins: list[Atom], k: Any, like: Op) -> Val:
        v = Val("", k)
        new = Op("prim", ins, [v], attrs={"fn": fn}, origin=like.origin)
        v.op = new
        here = len(self.regions) - 1
        self.depth[v] = here
        self.regions[here][0].ops.append(new)
        return v

    def sum_of_negative(self, op: Op, ins: list[Atom]) -> Atom | None:
        """``(-x).sum()`` is ``-x.sum()``: one pass less over the array."""
        inner, k = negated(ins[0]), kind(ins[0])
        if inner is None or not isinstance(k, Array) or k.dtype[0] not in "fc" or kind(inner) != k:
            return None
        names = op.attrs.get("names") or ("",)
        if op.origin is None or not op.origin.adjoint or not set(names) <= {"", "axis", "keepdims"}:
            return None
        total = self.make_like(np.sum, [inner, *ins[1:]], op.out.kind, op)
        assert total.op is not None
        total.op.attrs.update({n: op.attrs[n] for n in ("names", "method") if n in op.attrs})
        return self.make(operator.neg, [total], op)

    def through_new_axes(self, op: Op, ins: list[Atom]) -> Atom | None:
        """``z[None, :] += x.sum(axis=0, keepdims=True)`` is ``z += x.sum(axis=0)``."""
        base, index, v = ins
        parts = index.items if isinstance(index, Struct) and index.type is tuple else (index,)
        axes = {n for n, p in enumerate(parts) if isinstance(p, Const) and p.value is None}
        if not axes or any(not is_all(p) for n, p in enumerate(parts) if n not in axes):
            return None
        if op.origin is None or not op.origin.adjoint or op.attrs.get("at"):
            return None
        inner = negated(v)
        total = v if inner is None else inner
        made = total.op if isinstance(total, Val) and total.op is not None and total.op.fn is np.sum else None
        if made is None or (made.attrs.get("names") or ())[1:] != ("axis", "keepdims"):
            return None
        k, kb, kx = kind(total), kind(base), kind(made.ins[0])
        if not isinstance(k, Array) or not isinstance(kb, Array) or not isinstance(kx, Array):
            return None
        if not same(made.ins[2], Const(True)) or len(parts) != len(k.dims) or len(k.dims) != len(kx.dims):
            return None
        given = made.ins[1].items if isinstance(made.ins[1], Struct) else (made.ins[1],)
        if any(not isinstance(a, Const) or type(a.value) is not int for a in given):
            return None
        if {a.value % len(kx.dims) for a in given if isinstance(a, Const)} != axes:
            return None
        if k.dtype != kb.dtype or kb.dims != tuple(d for n, d in enumerate(k.dims) if n not in axes):
            return None
        s: Atom = self.make_like(np.sum, made.ins[:2], kb, op)
        assert isinstance(s, Val) and s.op is not None
        s.op.attrs.update(names=("", "axis"), method=made.attrs.get("method", ""))
        s = s if inner is None else self.make(operator.neg, [s], op)
        return s if is_zeros(base) else self.make(ops.accumulate, [base, s], op)

    def new_uses(self, x: Val) -> bool:
        """Whether a value made in this walk is used more than once."""
        return self.uses.get(self.origin_of.get(x, x), 1) > 1

    def ordered(self, fn: Any, ins: list[Atom]) -> list[Atom]:
        if (
            fn in (operator.add, operator.mul, ops.accumulate)
            and len(ins) == 2
            and not isinstance(kind(ins[0]), Seq)
            and not isinstance(kind(ins[1]), Seq)
        ):
            a, b = ins
            if isinstance(a, Val) and isinstance(b, Val):
                return ins if a.id <= b.id else [b, a]
            return sorted(ins, key=lambda a: repr(key_of(a)))
        return ins

    def rename(self, a: Atom, old: Val) -> None:
        """A shared value takes the user's name if it has none."""
        if isinstance(a, Val) and old.user and not a.user and not a.name.endswith(("_bar", "_dot")):
            a.name, a.user = old.name, True

    def lift(self, op: Op, ins: list[Atom], here: int) -> int:
        """The outermost region where an operation may be done as well."""
        if here == 0:
            return 0
        level = max(self.level(ins), 0)
        if op.out.user or level == here:
            if op.out.user and not any(isinstance(a, Val) for a in ins):
                return here
        if isinstance(kind(op.out), Array) and op.fn is operator.getitem:
            return here
        got = here
        for d in range(here, level, -1):
            how = self.regions[d][2]
            if how in ("if", "cond", "try", "with", "again"):
                break
            if how == "while" or how == "for":
                if not isinstance(kind(op.out), Scalar):
                    break
                if op.fn not in SPECULATIVE and not computable(op, ins):
                    break
            got = d - 1
        return got

    def algebra(self, op: Op, ins: list[Atom]) -> Atom | None:
        """An equal value that is simpler."""
        fn = op.fn
        k = op.out.kind
        if (
            fn in _FOLD
            and isinstance(ins[0], Const)
            and all(isinstance(a, Const) and type(a.value) in (int, bool, float) for a in ins)
            and any(_adjoint(op, a) for a in ins)
        ):
            try:
                return Const(fn(*(a.value for a in ins)))  # type: ignore[union-attr]
            except (ArithmeticError, ValueError):
                return None
        narrow = self.unexpanded(fn, ins, k) if isinstance(k, Array) else None
        if narrow is not None:
            return self.make(fn, narrow, op)
        if fn is operator.mul and len(ins) == 2 and not isinstance(k, Seq):
            a, b = ins
            if _is(b, 1) and _kept(a, k, b):
                return a
            if _is(a, 1) and _kept(b, k, a):
                return b
            if _is(a, -1) and isinstance(b, Val):
                return self.make(operator.neg, [b], op)
            if _is(b, -1) and isinstance(a, Val):
                return self.make(operator.neg, [a], op)
            scaled = self.rescaled(a, b, op)
            if scaled is not None:
                return self.make(operator.mul, scaled, op)
            na, nb = negated(a), negated(b)
            if na is not None and self.once(a):
                if nb is not None and self.once(b):
                    return self.make(operator.mul, [na, nb], op)
                return self.make(operator.neg, [self.make(operator.mul, [na, b], op)], op)
            if nb is not None and self.once(b):
                return self.make(operator.neg, [self.make(operator.mul, [a, nb], op)], op)
            inverse = reciprocal(b)
            if inverse is not None and self.once(b):
                return self.make(operator.truediv, [a, inverse], op)
            inverse = reciprocal(a)
            if inverse is not None and self.once(a):
                return self.make(operator.truediv, [b, inverse], op)
        if fn is operator.truediv and len(ins) == 2:
            a, b = ins
            if _is(b, 1) and _kept(a, k, b) and kind_char(a) in "fc":
                return a
            na = negated(a)
            if na is not None and self.once(a):
                return self.make(operator.neg, [self.make(operator.truediv, [na, b], op)], op)
            if isinstance(b, Const) and type(b.value) in (int, float) and power_of_two(b.value):
                scaled = self.rescaled(Const(1.0 / b.value), a, op)
                if scaled is not None:
                    return self.make(operator.mul, scaled, op)
        if fn is operator.pow and len(ins) == 2 and _is(ins[1], 1) and same_kind(kind(ins[0]), k):
            return ins[0]
        if (
            fn is operator.pow
            and len(ins) == 2
            and isinstance(ins[1], Const)
            and type(ins[1].value) is int
            and ins[1].value == 0
            and isinstance(k, Scalar)
        ):
            return Const(1.0) if k.dtype[0] == "f" else None
        if fn is operator.eq and len(ins) == 2 and _is_zero(ins[1]):
            n = negated(ins[0])
            return None if n is None else self.make(fn, [n, ins[1]], op)
        if fn is operator.neg:
            n = negated(ins[0])
            if n is not None and same_kind(kind(n), k):
                return n
        if fn in (operator.add, ops.accumulate) and len(ins) == 2 and not isinstance(k, Seq):
            a, b = ins
            if fn is ops.accumulate:
                if _is_zero(b) and same_kind(kind(a), k):
                    return a
                if _is_zero(a) and same_kind(kind(b), k):
                    return b
                if same(a, b) and isinstance(a, Val):
                    return self.make(operator.mul, [Const(2.0), a], op)
                if is_zeros(a) and isinstance(b, Val) and same_kind(kind(b), k):
                    return b
                if is_zeros(b) and isinstance(a, Val) and same_kind(kind(a), k):
                    return a
        if fn in self.blanks[:1] and len(ins) == 1 and isinstance(k, Array):
            made = made_by(ins[0], *self.blanks)
            if made is not None and not made.out.user:  # (zeros_like(h) says more than the sizes again)
                return self.make(made.fn, list(made.ins), op)
        if fn is ops.shape_at:
            x = sized_like(ins[0])
            return None if x is ins[0] else self.make(fn, [x, *ins[1:]], op)
        if fn in (operator.mul, operator.truediv) and isinstance(k, Array):
            repeated = self.inside_repetition(fn, ins, k, op)
            if repeated is not None:
                return repeated
        if fn is operator.getitem and isinstance(k, Scalar):
            given = only_given(ins[0], ins[1])
            if given is not None and same_kind(kind(given), k):
                return given
        if fn is np.sum:
            return self.sum_of_negative(op, ins)
        if fn is ops.additem:
            return self.through_new_axes(op, ins)
        if fn in self.sums:
            a, b = ins
            return b if adds_nothing(a, b) else a if adds_nothing(b, a) else None
        if fn is operator.sub and len(ins) == 2:
            if _is_zero(ins[1]) and same_kind(kind(ins[0]), k):
                return ins[0]
            nb = negated(ins[1])
            if nb is not None and self.once(ins[1]):
                return self.make(operator.add, [ins[0], nb], op)
        if fn is operator.getitem and isinstance(ins[1], Slice):
            inner = flipped(ins[0])
            if inner is not None and is_flip(ins[1]):
                return inner
        if fn is operator.getitem and (written := last_written(ins[0], ins[1])) is not None:
            return None if isinstance(written, Struct) else written
        if fn in (operator.getitem, ops.getfield) and (part := displayed(*ins)) is not None:
            return None if isinstance(part, Struct) else part
        if fn in (operator.getitem, ops.getfield) and isinstance(ins[0], Val) and ins[0].op is not None:
            item = ins[0].op
            written = last_written(item.ins[0], item.ins[1]) if item.fn is operator.getitem else None
            if isinstance(written, Struct) and isinstance(ins[1], Const) and ins[1].value in written.keys:
                return written.items[written.keys.index(ins[1].value)]
        if fn is operator.not_ and isinstance(ins[0], Const):
            return Const(not ins[0].value)
        if fn is ops.exit_is and isinstance(ins[0], Const) and isinstance(ins[1], Const):
            return Const(ops.exit_is(ins[0].value, ins[1].value))
        if (
            fn is ops.poplast
            and isinstance(ins[0], Val)
            and ins[0].op is not None
            and ins[0].op.fn is ops.append
        ):
            return ins[0].op.ins[1]
        if (
            fn is ops.rest
            and isinstance(ins[0], Val)
            and ins[0].op is not None
            and ins[0].op.fn is ops.append
        ):
            return ins[0].op.ins[0]
        return None

    def unexpanded(self, fn: Any, ins: list[Atom], k: Any) -> list[Atom] | None:
        """Operands without the repetition that broadcasting does by itself."""
        if fn not in _BROADCASTS or len(ins) != 2 or not isinstance(k, Array):
            return None
        for n in (0, 1):
            a, other = ins[n], ins[1 - n]
            if isinstance(a, Val) and a.op is not None and a.op.code == "prim" and a.op.fn in self.expands:
                ko, inner = kind(other), a.op.ins[0]
                if (
                    isinstance(ko, Array)
                    and fills(kind(inner), ko, k)
                    and ko.dtype == k.dtype
                    and kind_char(inner) == kind_char(a)
                ):
                    if fn is ops.accumulate and n == 0:
                        return [other, inner]
                    return [inner, other] if n == 0 else [other, inner]
        return None

    def inside_repetition(self, fn: Any, ins: list[Atom], k: Array, op: Op) -> Atom | None:
        """A number repeated to an array, times a number (the product is repeated), or times such an array."""
        for n in (0, 1) if fn is operator.mul else (0,):
            a, other = ins[n], ins[1 - n]
            if not self.once(a) or a.op is None or a.op.fn not in self.expands:  # type: ignore[union-attr]
                continue
            inner = a.op.ins[0]  # type: ignore[union-attr]
            ki, ko = kind(inner), kind(other)
            if isinstance(ki, Array) and isinstance(ko, Scalar) and ki.dtype == ko.dtype == k.dtype == "f8":
                return self.make(a.op.fn, [self.make_like(fn, [inner, other], ki, op), *a.op.ins[1:]], op)  # type: ignore[union-attr]
            if ko == kind(a) and isinstance(ki, Scalar) and ki.dtype == k.dtype == "f8":
                unit = fn is operator.mul and inner == Const(1.0)
                return other if unit else self.make_like(fn, [inner, other], k, op)
            if not (isinstance(ki, Scalar) and isinstance(ko, Scalar) and ki.dtype == k.dtype == "f8"):
                continue
            if ko.dtype not in ("f8", "i8"):
                continue
            both = all(isinstance(x, Const) and type(x.value) in (int, float) for x in (inner, other))
            try:
                value: Atom = (
                    Const(fn(inner.value, other.value))  # type: ignore[union-attr]
                    if both
                    else self.make_like(fn, [inner, other], ki, op)
                )
            except ArithmeticError:
                return None
            return self.make(a.op.fn, [value, *a.op.ins[1:]], op)  # type: ignore[union-attr]
        return None

    def rescaled(self, a: Atom, b: Atom, op: Op) -> list[Atom] | None:
        """``c * (d * x)`` as one factor, where that is exact: one of the two is a power of two."""
        if isinstance(b, Const):
            a, b = b, a
        if (
            not isinstance(a, Const)
            or not isinstance(b, Val)
            or b.op is None
            or b.op.code != "prim"
            or b.op.fn not in (operator.mul, operator.truediv)
        ):
            return None
        if not self.once(b):
            return None
        if b.op.fn is operator.truediv:  # c * (x / d)
            by = b.op.ins[1]
            if not isinstance(by, Const) or type(by.value) not in (int, float) or not power_of_two(by.value):
                return None
            return [Const(a.value / by.value), b.op.ins[0]] if type(a.value) in (int, float) else None
        for n in (0, 1):
            c = b.op.ins[n]
            if (
                isinstance(c, Const)
                and type(c.value) in (int, float)
                and type(a.value) in (int, float)
                and (power_of_two(a.value) or power_of_two(c.value))
            ):
                return [Const(a.value * c.value), b.op.ins[1 - n]]
        for n in (0, 1) if type(a.value) in (int, float) and power_of_two(a.value) else ():
            inner = self.rescaled(a, b.op.ins[n], op)  # c * (d * x * y)
            if inner is not None and (isinstance(kind(b.op.ins[n]), Scalar) or _is(inner[0], 1)):
                return [self.make_like(operator.mul, inner, kind(b.op.ins[n]), op), b.op.ins[1 - n]]
        return None

    def once(self, a: Atom) -> bool:
        if not isinstance(a, Val) or (a.user and not a.name.endswith(("_bar", "_dot"))):
            return False
        return self.uses.get(self.source(a), 1) <= 1

    def source(self, a: Val) -> Val:
        return self.origin_of.get(a, a)

    def make(self, fn: Any, ins: list[Atom], like: Op) -> Atom:
        """A new operation beside ``like``."""
        o = Val("", like.out.kind, None)
        new = Op("prim", ins, [o], attrs={"fn": fn}, origin=like.origin)
        o.op = new
        simpler = self.algebra(new, ins)
        if simpler is not None:
            return simpler
        key = (key_of_fn(fn), (), tuple(key_of(a) for a in self.ordered(fn, ins)))
        here = len(self.regions) - 1
        for level in range(here, -1, -1):
            found = self.regions[level][1].get(key)
            if found is not None:
                return found
        self.depth[o] = here
        self.regions[here][0].ops.append(new)
        self.regions[here][1][key] = o
        return o

    # ---- branches
    def branch(self, op: Op) -> None:
        cond = self.atom(op.ins[0])
        known = self.decided.get(cond) if isinstance(cond, Val) else None
        if isinstance(cond, Const) and isinstance(cond.value, (bool, int)):
            known = bool(cond.value)
        if known is not None:
            r = op.regions[0 if known else 1]
            self.in_place_of(op, r)
            return
        if alike(*op.regions):
            self.in_place_of(op, op.regions[0])
            return
        new = Op("if", [cond], attrs=dict(op.attrs), origin=op.origin)
        results: list[list[Atom]] = []
        for taken, r in zip((True, False), op.regions, strict=True):
            region = Region()
            self.regions.append((region, {}, "if"))
            if isinstance(cond, Val):
                self.decided[cond] = taken
            self.body(r)
            results.append([self.atom(a) for a in r.results])
            self.regions.pop()
            new.regions.append(region)
        if isinstance(cond, Val):
            del self.decided[cond]
        here = len(self.regions) - 1
        made: dict[Any, Val] = {}
        for n, o in enumerate(op.outs):
            a, b = results[0][n], results[1][n]
            if same(a, b):
                self.rename(a, o)
                self.env[o] = a
                continue
            if isinstance(a, Undef) and self.visible(b, here):
                self.env[o] = b
                continue
            if isinstance(b, Undef) and self.visible(a, here):
                self.env[o] = a
                continue
            if (
                isinstance(a, Const)
                and isinstance(b, Const)
                and a.value is True
                and b.value is False
                and isinstance(cond, Val)
            ):
                self.env[o] = cond
                continue
            key = (key_of(a), key_of(b))
            if key not in made:
                v = Val(o.name, o.kind, new, o.user)
                self.depth[v] = here
                new.regions[0].results.append(a)
                new.regions[1].results.append(b)
                new.outs.append(v)
                made[key] = v
            self.env[o] = made[key]
        self.changed = self.changed or len(new.outs) != len(op.outs)
        if new.outs or effect(new) or guarded(new):
            self.regions[here][0].ops.append(new)
        else:
            self.changed = True

    def in_place_of(self, op: Op, region: Region) -> None:
        """What a region holds, in place of the operation around it."""
        self.changed = True
        self.body(region)
        for o, a in zip(op.outs, region.results, strict=True):
            got = self.atom(a)
            self.rename(got, o)
            self.env[o] = got

    def protected(self, op: Op) -> None:
        """Nothing that may raise goes into the body of a ``try``, or out of it."""
        body = op.regions[0]
        if not any(guarded(o) or effect(o) for o in body.ops):  # what might have raised turned out not to
            self.in_place_of(op, body)
            return
        new = Op("try", [self.atom(a) for a in op.ins], attrs=dict(op.attrs), origin=op.origin)
        for r in op.regions:
            region = Region()
            self.regions.append((region, {}, "try"))
            region.params = [self.param(p, new) for p in r.params]
            self.body(r)
            region.results = [self.atom(a) for a in r.results]
            self.regions.pop()
            new.regions.append(region)
        self.close(op, new)

    def block(self, op: Op) -> None:
        """The block of a ``with``; one without a manager is no block."""
        r = op.regions[0]
        if not managed(op):
            self.in_place_of(op, r)
            return
        new = Op("with", [self.atom(a) for a in op.ins], attrs=dict(op.attrs), origin=op.origin)
        region = Region()
        self.regions.append((region, {}, "again" if is_again(op) else "with"))
        region.params = [self.param(p, new) for p in r.params]
        self.body(r)
        region.results = [self.atom(a) for a in r.results]
        self.regions.pop()
        new.regions.append(region)
        self.close(op, new)

    def close(self, op: Op, new: Op) -> None:
        """Give a block its results: those that come from outside it are not its own, equal ones are one."""
        here = len(self.regions) - 1
        results = [r.results for r in new.regions]
        for r in new.regions:
            r.results = []
        made: dict[Any, Val] = {}
        for o, *parts in zip(op.outs, *results, strict=True):
            if all(same(a, parts[0]) for a in parts) and self.visible(parts[0], here):
                self.rename(parts[0], o)
                self.env[o] = parts[0]
                continue
            key = tuple([key_of(a) for a in parts])
            if key not in made:
                v = Val(o.name, o.kind, new, o.user)
                self.depth[v] = here
                for r, a in zip(new.regions, parts, strict=True):
                    r.results.append(a)
                new.outs.append(v)
                made[key] = v
            self.env[o] = made[key]
        self.changed = self.changed or len(new.outs) != len(op.outs)
        self.regions[here][0].ops.append(new)

    def visible(self, a: Atom, here: int) -> bool:
        return isinstance(a, Const) or (isinstance(a, Val) and self.depth.get(a, 0) <= here)

    # ---- loops
    def loop(self, op: Op) -> None:
        view = LoopView(op)
        here = len(self.regions) - 1
        header = [self.atom(a) for a in view.header]
        inits = [self.atom(a) for a in view.inits]
        n = view.carried
        fixed = [not isinstance(i, Undef) for i in inits]
        groups: list[int] = list(range(n))
        buffers = updated_anywhere(view, self.updated)
        for j in range(n):
            if j in buffers:
                fixed[j] = False
                continue
            for i in range(j):
                if (
                    groups[i] == i
                    and i not in buffers
                    and same(inits[i], inits[j])
                    and not isinstance(inits[i], Undef)
                    and same_kind(view.params[i].kind, view.params[j].kind)
                ):
                    groups[j] = i
                    break
        sources = self.sources(view, op)
        for j in range(n):
            if fixed[groups[j]] != fixed[j]:
                groups[j] = j
        if op in self.settled:
            fixed, groups = [False] * n, list(range(n))
        elif op in self.tried:  # read again within a loop around it, where less holds than before
            was_fixed, was = self.tried[op]
            fixed = [a and b for a, b in zip(fixed, was_fixed, strict=True)]
            groups = [g if g == was[j] and fixed[g] == fixed[j] else j for j, g in enumerate(groups)]
        changed = self.changed
        mark = [len(r[0].ops) for r in self.regions]
        keys = [dict(r[1]) for r in self.regions]
        while True:
            new, body, params, results = self.attempt(op, view, inits, fixed, groups, sources)
            bad = False
            yields = results[:n]
            for j in range(n):
                if fixed[j] and not same(yields[j], inits[j]):
                    fixed[j] = False
                    bad = True
            for j in range(n):
                g = groups[j]
                if g != j and (fixed[g] != fixed[j] or (not fixed[j] and not same(yields[j], yields[g]))):
                    groups[j] = j
                    bad = True
            if not bad:
                break
            self.changed = changed
            for (region, _, _), size in zip(self.regions, mark, strict=True):
                del region.ops[size:]
            for (_, table, _), saved in zip(self.regions, keys, strict=True):
                table.clear()
                table.update(saved)
        self.tried[op] = fixed, groups
        leaders = [j for j in range(n) if not fixed[j] and groups[j] == j]
        collected = results[n : n + len(view.collected)]
        tail = results[n + len(view.collected) :]
        body.results = [yields[j] for j in leaders]
        new.ins = [*header, *(inits[j] for j in leaders), *(s for s, _, _ in sources)]
        outs = {}
        for j in leaders:
            f = view.finals[j]
            v = Val(f.name, f.kind, new, f.user)
            self.depth[v] = here
            outs[j] = v
        for j in range(n):
            self.env[view.finals[j]] = inits[j] if fixed[j] else outs[groups[j]]
        new.outs = [outs[j] for j in leaders]
        seen: dict[Any, Val] = {}
        for c, t in zip(collected, view.tapes, strict=True):
            alias = self.same_tape(c, params, sources, new)
            if alias is not None:
                self.env[t] = alias
                continue
            if key_of(c) not in seen:
                v = Val(t.name, t.kind, new, t.user)
                self.depth[v] = here
                body.results.append(c)
                new.outs.append(v)
                seen[key_of(c)] = v
            self.env[t] = seen[key_of(c)]
        body.results += tail
        for o in op.outs[n + len(view.collected) :]:
            v = Val(o.name, o.kind, new, o.user)
            self.depth[v] = here
            new.outs.append(v)
            self.env[o] = v
        new.attrs["carried"] = len(leaders)
        new.attrs["dirs"] = tuple(d for _, d, _ in sources)
        self.loops.append(new)
        self.changed = (
            self.changed
            or len(new.outs) != len(op.outs)
            or len(leaders) != n
            or new.attrs["dirs"] != op.attrs["dirs"]
        )
        self.regions[here][0].ops.append(new)

    def sources(self, view: LoopView, op: Op) -> list[tuple[Atom, int, list[Val]]]:
        """What is consumed: reversed tapes are read the other way, equal ones once."""
        out: list[tuple[Atom, int, list[Val]]] = []
        for s, d, e in zip(view.sources, op.attrs["dirs"], view.elements, strict=True):
            a = self.atom(s)
            inner = flipped(a)
            if inner is not None:
                a, d = inner, -d
            for k, (b, dd, es) in enumerate(out):
                if same(a, b) and d == dd:
                    out[k] = (b, dd, [*es, e])
                    break
            else:
                out.append((a, d, [e]))
        return out

    def same_tape(
        self, c: Atom, params: list[Val], sources: list[tuple[Atom, int, list[Val]]], new: Op
    ) -> Atom | None:
        """A tape that collects the elements of a source is that source (or its reverse)."""
        if not new.attrs.get("aligned") or not isinstance(c, Val):
            return None
        for s, d, es in sources:
            if self.env.get(es[0]) is c:
                if d == 1:
                    return s
                return None
        return None

    def attempt(
        self, op: Op, view: LoopView, inits: list[Atom], fixed: list[bool], groups: list[int], sources: Any
    ) -> Any:
        new = Op(op.code, [], attrs=dict(op.attrs), origin=op.origin)
        if op.code == "while":
            region = Region()
            self.regions.append((region, {}, "cond"))
            cond_params: dict[int, Val] = {}
            for j, p in enumerate(op.regions[0].params):
                if fixed[j]:
                    self.env[p] = inits[j]
                elif groups[j] == j:
                    cond_params[j] = self.param(p)
                    region.params.append(cond_params[j])
                else:
                    self.env[p] = cond_params[groups[j]]
            self.body(op.regions[0])
            region.results = [self.atom(a) for a in op.regions[0].results]
            self.regions.pop()
            new.regions.append(region)
        body = Region()
        self.regions.append((body, {}, op.code))
        if op.code == "for":
            body.params.append(self.param(view.index, new))
        made: dict[int, Val] = {}
        for j, p in enumerate(view.params):
            if fixed[j]:
                self.env[p] = inits[j]
            elif groups[j] == j:
                made[j] = self.param(p, new)
                body.params.append(made[j])
            else:
                self.env[p] = made[groups[j]]
        for _, _, es in sources:
            v = self.param(es[0], new)
            for e in es[1:]:
                self.env[e] = v
            body.params.append(v)
        self.body(view.body)
        results = [self.atom(a) for a in view.body.results]
        self.regions.pop()
        new.regions.append(body)
        return new, body, body.params, results


def computable(op: Op, ins: list[Atom]) -> bool:
    """Whether an operation on numbers that are written out does not raise."""
    given = [a.value for a in ins if isinstance(a, Const) and type(a.value) in (int, float)]
    if len(given) != len(ins) or op.attrs.get("guarded") or any(op.attrs.get("names") or ()):
        return False
    if op.fn not in (operator.pow, operator.truediv) or any(abs(v) > 1e9 for v in given):
        return False
    try:
        op.fn(*given)
    except (ArithmeticError, ValueError):
        return False
    return True


def fills(a: Any, b: Any, k: Array) -> bool:
    """Whether one of two operands has the size of the result along each axis (what does not fit raises)."""
    if not isinstance(a, (Array, Scalar)) or not isinstance(b, Array):
        return False
    x, y = a.dims if isinstance(a, Array) else (), b.dims
    n = len(k.dims)
    if max(len(x), len(y)) != n:
        return False
    pairs = zip((1,) * (n - len(x)) + x, (1,) * (n - len(y)) + y, k.dims, strict=True)
    return all(d in (p, q) for p, q, d in pairs)


def not_one(d: Any) -> bool:
    """Whether a size is not one for sure."""
    return d != 1 if isinstance(d, int) else bool(d.big)


def count_uses(region: Region, uses: dict[Val, int]) -> None:
    for op in region.ops:
        for v in vals(op.ins):
            uses[v] = uses.get(v, 0) + 1
        for r in op.regions:
            count_uses(r, uses)
    for v in vals(region.results):
        uses[v] = uses.get(v, 0) + 1


_BROADCASTS = {operator.add, operator.sub, operator.mul, operator.truediv, ops.accumulate}
_FOLD = {
    operator.add,
    operator.sub,
    operator.mul,
    operator.neg,
    ops.accumulate,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
}


_SIMPLER = {
    *_BROADCASTS, *_FOLD, operator.eq, operator.pow, operator.getitem, operator.not_, ops.poplast,
    ops.rest, ops.getfield, ops.exit_is, ops.shape_at, np.sum, ops.additem,
}  # what ``algebra`` knows of  # fmt: skip


def _adjoint(op: Op, a: Atom) -> bool:
    return op.origin is None or op.origin.adjoint or (isinstance(a, Const) and type(a.value) is int)


def basic(index: Atom) -> bool:
    """An index that names every position once."""
    parts = index.items if isinstance(index, Struct) and index.type is tuple else (index,)
    return all(isinstance(p, (Slice, Const)) or isinstance(kind(p), Scalar) for p in parts)


def power_of_two(v: float) -> bool:
    return v in (0.25, 0.5, 2, 4, 8)


def key_of_fn(fn: Any) -> Any:
    return id(fn)


def _is(a: Atom, v: int) -> bool:
    return isinstance(a, Const) and type(a.value) in (int, float) and a.value == v


def displayed(x: Atom, key: Atom) -> Atom | None:
    """The part that is read of a display, or of a part of one, if it is known."""
    if isinstance(x, Val) and x.op is not None and x.op.fn in (operator.getitem, ops.getfield):
        x = displayed(*x.op.ins) or x
    if not isinstance(x, Struct) or not isinstance(key, Const) or key.value not in x.keys:
        return None
    return x.items[x.keys.index(key.value)]


def _is_zero(a: Atom) -> bool:
    return isinstance(a, Const) and type(a.value) in (int, float) and a.value == 0


def is_zeros(a: Atom) -> bool:
    """An array just made as the zero of a cotangent."""
    return (
        isinstance(a, Val)
        and a.op is not None
        and a.op.code == "prim"
        and getattr(a.op.fn, "__name__", "") in ("zeros_like", "zeros")
    )


def made_by(a: Atom, *fns: Any) -> Op | None:
    """The operation that makes a value, if it applies one of some functions, to one operand."""
    op = a.op if isinstance(a, Val) else None
    plain = op is not None and op.code == "prim" and len(op.ins) == 1 and not any(op.attrs.get("names", ()))
    return op if op is not None and plain and op.fn in fns else None


def sized_like(x: Atom) -> Atom:
    """The oldest value with the shape of one that has no name: it may be there anyway."""
    while isinstance(x, Val) and not x.user and x.op is not None and x.op.code == "prim":
        k = x.kind
        same_size = [a for a in x.op.ins if isinstance(a, Val) and isinstance(kind(a), Array)]
        same_size = [a for a in same_size if isinstance(k, Array) and kind(a).dims == k.dims]  # type: ignore
        if not same_size or x.op.fn in ops.UPDATES:
            break
        x = same_size[0]
    return x


def only_given(x: Atom, index: Atom) -> Atom | None:
    """What was added to an entry of the zero of a cotangent, if one thing was."""
    found: list[Atom] = []
    while isinstance(x, Val) and x.op is not None and x.op.fn is ops.additem:
        if not (is_place(index) and is_place(x.op.ins[1])):
            return None
        if same(x.op.ins[1], index):
            found.append(x.op.ins[2])
        x = x.op.ins[0]
    ours = is_zeros(x) and x.op.origin is not None and x.op.origin.adjoint  # type: ignore[union-attr]
    one = isinstance(kind(x), Array) and len(kind(x).dims) == 1  # type: ignore[union-attr]
    return found[0] if ours and one and len(found) == 1 and isinstance(kind(found[0]), Scalar) else None


def is_place(index: Atom) -> bool:
    return isinstance(index, Const) and type(index.value) is int and index.value >= 0


def adds_nothing(zero: Atom, other: Atom) -> bool:
    """Whether a list is the zero of what another, of as many elements, was made of by writing to it."""
    of = zeroed(zero)
    if of is None or not of_numbers(kind(other)):
        return False
    while isinstance(other, Val) and other.op is not None and other.op.fn in (ops.setitem, ops.additem):
        if isinstance(other.op.ins[1], Slice):
            return False
        other = other.op.ins[0]
    source = zeroed(other)
    return same_element(of, other) or (source is not None and same_element(of, source))


def zeroed(a: Atom) -> Atom | None:
    """What a list is the zero of; of an element of one, that element, as the list and the index."""
    if is_zeros(a) and isinstance(kind(a), Seq):
        return a.op.ins[0]  # type: ignore[union-attr]
    if isinstance(a, Val) and a.op is not None and a.op.fn is operator.getitem and is_zeros(a.op.ins[0]):
        whole = a.op.ins[0].op.ins[0]  # type: ignore[union-attr]
        if isinstance(kind(whole), Seq) and isinstance(kind(a), Seq):
            return Struct(tuple, (0, 1), (whole, a.op.ins[1]))
    return None


def of_numbers(k: Any) -> bool:
    """Whether a value is a list of numbers, or of such lists."""
    if not isinstance(k, Seq) or isinstance(k, Map):
        return False
    return isinstance(k.elem, Scalar) or of_numbers(k.elem)


def same_element(a: Atom, b: Atom) -> bool:
    """Whether two are one: a value, or an element of a list, given by itself or as the list and the index."""

    def parts(x: Atom) -> Atom:
        if isinstance(x, Val) and x.op is not None and x.op.fn is operator.getitem:
            return Struct(tuple, (0, 1), tuple(x.op.ins))
        return x

    return same(a, b) or same(parts(a), parts(b))


def alike(one: Region, other: Region) -> bool:
    """Whether two arms do the same, operation by operation, and nothing that is seen from outside."""
    if len(one.ops) != len(other.ops):
        return False
    table: dict[Val, Val] = {}

    def mapped(v: Val) -> Val:
        return table.get(v, v)

    for a, b in zip(one.ops, other.ops, strict=True):
        if a.code != "prim" or b.code != "prim" or effect(a) or guarded(a):
            return False
        if a.attrs.keys() != b.attrs.keys():
            return False
        if any(a.attrs[k] is not b.attrs[k] and not plainly_same(a.attrs[k], b.attrs[k]) for k in a.attrs):
            return False
        if len(a.ins) != len(b.ins) or not all(
            same(x, map_atom(mapped, y)) for x, y in zip(a.ins, b.ins, strict=True)
        ):
            return False
        table[b.out] = a.out
    return all(same(x, map_atom(mapped, y)) for x, y in zip(one.results, other.results, strict=True))


def plainly_same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(plainly_same, a, b))
    return isinstance(a, (bool, str, int, type(None))) and a == b


def kind_char(a: Atom) -> str:
    k = kind(a)
    return k.dtype[0] if isinstance(k, (Scalar, Array)) else "?"


def same_kind(a: Any, b: Any) -> bool:
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        return a.dtype == b.dtype
    return bool(a == b)


def _kept(a: Atom, result: Any, factor: Atom) -> bool:
    """Whether ``a * 1`` is ``a``: the kind does not change by it (what is known of the sizes may)."""
    k = kind(a)
    if isinstance(k, Array) and isinstance(result, Array) and isinstance(kind(factor), Scalar):
        return k.dtype == result.dtype and len(k.dims) == len(result.dims)
    return same_kind(k, result)


def last_written(x: Atom, index: Atom) -> Atom | None:
    """What has just been written to the element of a list that is read."""
    if not isinstance(x, Val) or x.op is None or x.op.fn is not ops.setitem or not isinstance(x.kind, Seq):
        return None
    at, value = x.op.ins[1:]
    known = isinstance(kind(index), Scalar) or isinstance(x.kind, Map)
    return value if same(at, index) and known else None


def puts_back(ins: list[Atom]) -> bool:
    """Whether an element of a list, or a part of an array, is set to what it is."""
    x, at, value = ins
    if not isinstance(x, Val) or not isinstance(x.kind, (Seq, Array)) or not isinstance(value, Val):
        return False
    made = value.op
    return made is not None and made.fn is operator.getitem and made.ins[0] is x and same(made.ins[1], at)


def negated(a: Atom) -> Atom | None:
    if isinstance(a, Val) and a.op is not None and a.op.code == "prim" and a.op.fn is operator.neg:
        return a.op.ins[0]
    return None


def reciprocal(a: Atom) -> Atom | None:
    """``x`` of ``1.0 / x``; used for derivatives, where ``g * (1 / x)`` is written ``g / x``."""
    if (
        isinstance(a, Val)
        and a.op is not None
        and a.op.code == "prim"
        and a.op.fn is operator.truediv
        and _is(a.op.ins[0], 1)
    ):
        if a.op.origin is None or a.op.origin.adjoint:
            return a.op.ins[1]
    return None


def is_all(a: Atom) -> bool:
    """Whether an index is ``:``."""
    if not isinstance(a, Slice):
        return False
    return all(isinstance(x, Const) and x.value is None for x in (a.lower, a.upper, a.step))


def is_flip(s: Slice) -> bool:
    return (
        all(isinstance(x, Const) and x.value is None for x in (s.lower, s.upper))
        and isinstance(s.step, Const)
        and s.step.value == -1
    )


def flipped(a: Atom) -> Atom | None:
    """``T`` of ``T[::-1]``, for lists."""
    if isinstance(a, Val) and a.op is not None and a.op.code == "prim" and a.op.fn is operator.getitem:
        if isinstance(a.op.ins[1], Slice) and is_flip(a.op.ins[1]) and isinstance(kind(a.op.ins[0]), Seq):
            return a.op.ins[0]
    return None
