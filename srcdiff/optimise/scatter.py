"""Cotangents that are added to parts of arrays: fewer passes over them.  Sums may come out in another order.

- The first that is added to zeros is written: `z = zeros_like(x); z[i] = g`.
- What is added to a part that was just set to zero is written there, whatever else is added in between:
  `a[i] = 0.0; a[j] += g; a[i] += h` is `a[i] = h; a[j] += g`.
- What is added to a part that was set to zero is written there, if what happens in between is elsewhere:
  `a[i] = 0.0; b = a[i - 1]; a[i] += b` is `b = a[i - 1]; a[i] = b`.
- What is added to zeros that are then added to another array is added to that at once.
- Two numbers that are added to one element are added to each other first, if nothing in between is there.
- Multiples of one array that are added to one part are added as one multiple.
- A row that is set to zero after it was added to another is set to zero after that: no copy of it.
"""

from __future__ import annotations

import operator
from collections import Counter
from typing import Any

from srcdiff.analysis.settled import separate
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Atom,
    Const,
    Graph,
    Op,
    Region,
    Val,
    key_of,
    kind,
    map_atom,
    op_of,
    same,
    uses_of,
    vals,
)
from srcdiff.ir.indices import parts_of
from srcdiff.ir.kinds import Array, Scalar, one_shape
from srcdiff.ir.regions import map_region, readers_of
from srcdiff.optimise.patterns import apart, basic, is_zeros

__all__ = ["fewer_passes"]


def fewer_passes(graph: Graph) -> bool:
    """Rewrite, in place; whether anything was of which more may be made simpler."""
    return Scatter(graph).run()


class Scatter:
    """One walk."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.uses = uses_of(graph.region)
        self.readers = readers_of(graph.region)
        self.table: dict[Val, Atom] = {}
        self.places: dict[Op, tuple[int, ...] | None] = {}
        self.filled: dict[Val, set[tuple[int, ...]]] = {}  # zeros of which only these elements were written
        self.changed = False

    def run(self) -> bool:
        self.region(self.graph.region, ())
        if self.table:
            map_region(self.now, self.graph.region)
        return self.changed

    def now(self, v: Val) -> Atom:
        return map_atom(self.now, self.table[v]) if v in self.table else v

    def region(self, region: Region, loops: tuple[Op, ...]) -> None:
        for op in region.ops:
            for r in op.regions:
                self.region(r, (*loops, op) if op.is_loop else loops)
        at = {op: n for n, op in enumerate(region.ops)}
        self.survey(region)
        gone: set[Op] = set()
        late: dict[Op, Op] = {}  # what is done just before what
        made: dict[Op, list[Op]] = {}  # what is computed just before what
        for op in region.ops:
            if op.code != "prim":
                continue
            if op in gone or not op.adjoint:
                pass
            elif op.fn is ops.accumulate:
                if any(self.at_once(op, k, at, gone) for k in (1, 0)):
                    gone.add(op)
            elif is_sum(op):
                self.into_zeroed(op, at, gone, late)
                if op not in gone:
                    self.added_once(op, at, gone, late, loops, made)
                    self.instead_of_zero(op, at, gone, late, loops)
            if op.fn in ops.WRITES:
                self.earlier.add(key_of(op.ins[1]))
        after: dict[Op, Op] = {}
        for op in reversed(region.ops):
            if op not in gone and is_sum(op) and op.adjoint:
                self.multiples(op, at, gone, made)
        for op in region.ops:
            if op not in gone and is_sum(op) and op.adjoint:
                self.zero_after(op, at, gone, late, after)
                self.first(op, at)
            elif op not in gone and is_masked(op) and is_zeros(op.ins[0]):
                self.first(op, at)
        if gone or late or made or after:
            moved = {*late.values(), *after.values()}
            out: list[Op] = []
            for op in region.ops:
                for o in (late.get(op), op if op not in gone and op not in moved else None, after.get(op)):
                    out += [*made.get(o, ()), o] if o is not None else []
            region.ops = out

    def survey(self, region: Region) -> None:
        """What is written where: there is nothing to look for where a part is written to once."""
        self.zeroed: set[Any] = set()
        self.earlier: set[Any] = set()  # what was written to before the operation at hand
        self.written: Counter[Any] = Counter()
        self.sums = set(filter(is_sum, region.ops))
        self.elements: Counter[Any] = Counter()
        for op in region.ops:
            if op.code == "prim" and op.fn in ops.WRITES:
                _, index, value = op.ins
                self.elements[key_of(index)] += isinstance(kind(value), Scalar)
                self.written[key_of(index), key_of(multiple(value)[1])] += 1
                if op.fn is ops.setitem and is_nothing(value):
                    self.zeroed.add(key_of(index))

    def once(self, a: Atom) -> bool:
        return isinstance(a, Val) and self.uses.get(a, 0) == 1

    def first(self, op: Op, at: dict[Op, int]) -> None:
        """What is added to zeros first of all is written; what is added beside that, too."""
        base, _, value = op.ins
        k, kv = kind(base), kind(value)
        here, filled = self.place(op), self.filled.get(base) if isinstance(base, Val) else None
        if here is None or not filled or len(here) != len(next(iter(filled))) or not self.once(base):
            filled = self.beside_zeros(op, at)
        elif here in filled:
            return
        if filled is None:
            return
        if isinstance(k, Array) and isinstance(kv, (Array, Scalar)) and kv.dtype == k.dtype:
            op.become(ops.setitem, **{n: v for n, v in op.attrs.items() if n not in ("fn", "at")})
            self.changed = self.changed or is_nothing(value)
            if here is not None and (filled or is_zeros(base)):
                filled.add(here)
                self.filled[op.out] = filled

    def beside_zeros(self, op: Op, at: dict[Op, int]) -> set[tuple[int, ...]] | None:
        """Whether something is added to zeros, and to other parts of these: a set, which is empty."""
        base, index, _ = op.ins
        while isinstance(base, Val) and base.op in at and self.once(base) and not is_zeros(base):
            before = base.op
            if before is None or before.code != "prim" or before.fn is not ops.setitem:
                return None
            if not apart(before.ins[1], index):
                return None
            base = before.ins[0]
        if not isinstance(base, Val) or not is_zeros(base) or not self.once(base) or base.op not in at:
            return None
        return set()

    def place(self, op: Op) -> tuple[int, ...] | None:
        """The element that an operation reads or writes, counted from the front, if its index is constant."""
        if op not in self.places:
            parts = parts_of(op.ins[1])
            ends = [p.value for p in parts if isinstance(p, Const)]
            at = tuple([n for n in ends if type(n) is int and n >= 0])
            self.places[op] = at if len(at) == len(parts) else None
        return self.places[op]

    def into_zeroed(self, op: Op, at: dict[Op, int], gone: set[Op], late: dict[Op, Op]) -> None:
        """What is added to a part that was set to zero some additions ago is written there."""
        if key_of(op.ins[1]) not in self.zeroed:
            return
        chain: list[Op] = [op]
        base = op.ins[0]
        while True:
            made = op_of(base)
            if made is None or made not in at or made in gone or not self.once(base) or made in late.values():
                return
            if made.code != "prim" or not (made in self.sums or made.fn is ops.setitem):
                return
            if made.fn is ops.setitem:
                break
            chain.append(made)
            base = made.ins[0]
        first, value = chain[-1], op.ins[2]
        if len(chain) < 2 or first in late or not same(made.ins[1], op.ins[1]) or not is_nothing(made.ins[2]):
            return
        k, kv = kind(made.out), kind(value)
        if not isinstance(k, Array) or not isinstance(kv, (Array, Scalar)) or kv.dtype != k.dtype:
            return
        for v in vals([value, op.ins[1]]):
            if v.op in at and at[v.op] >= at[first]:
                return
        made.ins, made.origin = [made.ins[0], made.ins[1], value], op.origin
        late[first] = made
        self.table[op.out] = op.ins[0]
        gone.add(op)
        self.changed = True

    def instead_of_zero(
        self, op: Op, at: dict[Op, int], gone: set[Op], late: dict[Op, Op], loops: tuple[Op, ...]
    ) -> None:
        """What is added to a part that was set to zero is written, and the part not set to zero."""
        index, value = op.ins[1:]
        k, kv = kind(op.out), kind(value)
        if key_of(index) not in self.zeroed or not isinstance(k, Array):
            return
        if not isinstance(kv, (Array, Scalar)) or kv.dtype != k.dtype:
            return
        made, after = self.same_part_before(op, at, gone, late, loops)
        if made is None or made.fn is not ops.setitem or not is_nothing(made.ins[2]):
            return
        self.leave_out(made, after, gone)
        op.become(ops.setitem, **{n: v for n, v in op.attrs.items() if n not in ("fn", "at")})
        self.changed = True

    def added_once(
        self,
        op: Op,
        at: dict[Op, int],
        gone: set[Op],
        late: dict[Op, Op],
        loops: tuple[Op, ...],
        made: dict[Op, list[Op]],
    ) -> None:
        """Two numbers that are added to one element are added to each other first."""
        value, number = op.ins[2], kind(op.ins[2])
        if not isinstance(number, Scalar) or self.elements[key_of(op.ins[1])] < 2:
            return
        first, after = self.same_part_before(op, at, gone, late, loops)
        if first is None or is_nothing(first.ins[2]) or not is_number(first.ins[2], number.dtype):
            return
        before = first.ins[2]
        less, more = self.negative(value), self.negative(before)
        fn, ins = operator.add, [before, value]
        if less is not None:
            fn, ins = operator.sub, [before, less]
        elif more is not None:
            fn, ins = operator.sub, [value, more]
        total = Op.applying(fn, ins, number, op.origin)
        self.uses[total.out] = 1
        made[op] = [*made.pop(first, ()), total]
        self.leave_out(first, after, gone)
        op.ins = [*op.ins[:2], total.out]
        if first.fn is ops.setitem:
            op.become(ops.setitem, **{n: v for n, v in op.attrs.items() if n not in ("fn", "at")})
        self.changed = True

    def negative(self, a: Atom) -> Atom | None:
        """What a value is the negative of, if it is nothing else."""
        op = a.op if isinstance(a, Val) and self.once(a) else None
        return op.ins[0] if op is not None and op.code == "prim" and op.fn is operator.neg else None

    def same_part_before(
        self, op: Op, at: dict[Op, int], gone: set[Op], late: dict[Op, Op], loops: tuple[Op, ...]
    ) -> tuple[Op | None, Op]:
        """The update before of the part that is updated, if all that is read or written in between is apart.

        Whatever the indices are in a trip of the loops.  With the update that follows on it.
        """
        index, here = op.ins[1], self.place(op)
        if key_of(index) not in self.earlier:
            return None, op

        def is_apart(o: Op) -> bool:
            there, other = self.place(o), o.ins[1]
            if here is not None and there is not None and len(here) == len(there) and here != there:
                return True
            return basic(other) and (apart(index, other) or separate(index, other, loops))

        base, before = op.ins[0], op
        while isinstance(base, Val) and base.op in at and base.op not in gone:
            made = base.op
            assert made is not None
            if made.code != "prim" or made.fn not in ops.WRITES or made.attrs.get("guarded"):
                return None, op
            if made in late or made in late.values() or not made.adjoint:
                return None, op
            for o in self.readers[base]:
                if o is before or o in gone:
                    continue
                if o is None or o.code != "prim" or o.fn is not operator.getitem or not is_apart(o):
                    return None, op
            if same(made.ins[1], index):
                return (None if made.attrs.get("at") else made), before
            if made.attrs.get("at") or not is_apart(made):
                return None, op
            base, before = made.ins[0], made
        return None, op

    def leave_out(self, made: Op, after: Op, gone: set[Op]) -> None:
        """Leave out an update: what follows on it follows on what was before."""
        before = made.ins[0]
        self.table[made.out] = before
        after.ins = [before, *after.ins[1:]]
        if isinstance(before, Val):
            left = [o for o in self.readers[before] if o is not made]
            self.readers[before] = [*left, *self.readers[made.out]]
            self.uses[before] += self.uses[made.out] - 1
        gone.add(made)

    def multiples(self, op: Op, at: dict[Op, int], gone: set[Op], made: dict[Op, list[Op]]) -> None:
        """Multiples of one array, added to one part among other additions, are added as one."""
        index, value = op.ins[1:]
        k = kind(op.out)
        total, of = multiple(value)
        if self.written[key_of(index), key_of(of)] < 2:
            return
        if not isinstance(k, Array) or kind(of) != kind(value) or getattr(kind(of), "dtype", "") != k.dtype:
            return
        base, found, between = op.ins[0], [], [op]
        into = op
        while isinstance(base, Val) and base.op in at and self.once(base) and base.op not in gone:
            before = base.op
            assert before is not None
            if before.code != "prim" or not before.adjoint:
                break
            written = before.fn is ops.setitem
            if not written and before not in self.sums:
                break
            if same(before.ins[1], index) and kind(before.ins[2]) == kind(value):
                c, other = multiple(before.ins[2])
                if same(other, of):
                    total += c
                    found.append(before)
                    into = before if written else op
            if written:
                break
            between.append(before)
            base = before.ins[0]
        if not found:
            return
        for before in found:
            if before is not into:
                self.skip(before, between)
                gone.add(before)
        if into is not op:
            self.table[op.out] = op.ins[0]
            gone.add(op)
        self.changed = True
        new = of
        if total != 1.0:
            fn, ins = (operator.neg, [of]) if total == -1.0 else (operator.mul, [of, Const(total)])
            times = Op.applying(fn, ins, kind(of), op.origin)
            new = times.out
            made[into] = [*made.get(into, ()), times]
        into.ins = [into.ins[0], index, new]

    def skip(self, gone: Op, among: list[Op]) -> None:
        """Leave one addition out: the next is made to what it was made to."""
        for o in among:
            if o.ins[0] is gone.out:
                o.ins = [gone.ins[0], *o.ins[1:]]

    def zero_after(
        self, op: Op, at: dict[Op, int], gone: set[Op], late: dict[Op, Op], after: dict[Op, Op]
    ) -> None:
        """What was in a part that is set to zero, added to another part: first add, then set."""
        base, index, value = op.ins
        made = op_of(base)
        view = op_of(value)
        if made is None or made not in at or made in gone or made.code != "prim" or not self.once(base):
            return
        if made.fn is not ops.setitem or made in late.values() or made in after.values():
            return
        if not is_nothing(made.ins[2]) or op in late or not apart(made.ins[1], index):
            return
        if view is None or view not in at or view.code != "prim" or view.fn is not operator.getitem:
            return
        if not self.once(value) or view.ins[0] is not made.ins[0] or not same(view.ins[1], made.ins[1]):
            return
        old = made.out
        op.ins = [made.ins[0], index, value]
        new, last = op.out.again(op), op.out
        op.outs, made.ins, made.outs = [new], [new, *made.ins[1:]], [last]
        last.op = made
        self.uses[new] = 1
        self.table[old] = new
        after[op] = made
        self.changed = True

    def at_once(self, op: Op, k: int, at: dict[Op, int], gone: set[Op]) -> bool:
        """What is added to zeros that are added to another array is added to that."""
        chained, other = op.ins[k], op.ins[1 - k]
        if not isinstance(chained, Val) or not isinstance(other, Val) or is_zeros(other):
            return False
        if not one_shape(kind(chained), kind(other)) or kind(chained) != op.out.kind:
            return False
        base: Atom = chained
        chain: list[Op] = []
        while isinstance(base, Val) and not is_zeros(base):
            made = base.op
            if made is None or made not in at or made in gone or not is_sum(made) or not self.once(base):
                return False
            chain.append(made)
            base = made.ins[0]
        if not chain or not isinstance(base, Val) or not self.once(base) or base.op not in at:
            return False
        first = chain[-1]
        if other.op in at and at[other.op] >= at[first]:
            return False
        first.ins = [other, *first.ins[1:]]
        for made in chain:
            made.out.name, made.out.user = op.out.name, op.out.user
        self.table[op.out] = chained
        self.changed = True
        return True


def is_sum(op: Op) -> bool:
    """Whether something is added to a part of an array, each entry of it once."""
    if op.code != "prim" or op.fn is not ops.additem or op.attrs.get("at"):
        return False
    k = kind(op.ins[0])
    return isinstance(k, Array) and k.dtype[0] in "fc" and basic(op.ins[1])


def is_number(a: Atom, dtype: str) -> bool:
    k = kind(a)
    return dtype[0] in "fc" and isinstance(k, Scalar) and k.dtype == dtype


def is_masked(op: Op) -> bool:
    """Whether something is added where a mask is true."""
    k = kind(op.ins[1]) if op.code == "prim" and op.fn is ops.additem else None
    added = op.adjoint and not op.attrs.get("at")
    return added and isinstance(k, Array) and k.dtype == "b1"


def multiple(a: Atom) -> tuple[float, Atom]:
    """A value as a number times another."""
    c = 1.0
    while isinstance(a, Val) and a.op is not None and a.op.code == "prim":
        op = a.op
        if op.fn is operator.neg:
            c, a = -c, op.ins[0]
        elif op.fn is operator.mul and any(map(is_factor, op.ins)):
            n = 0 if is_factor(op.ins[0]) else 1
            c, a = c * op.ins[n].value, op.ins[1 - n]  # type: ignore[union-attr]
        else:
            break
    return c, a


def is_factor(a: Atom) -> bool:
    return isinstance(a, Const) and type(a.value) in (int, float)


def is_nothing(a: Atom) -> bool:
    return isinstance(a, Const) and type(a.value) is float and a.value == 0.0
