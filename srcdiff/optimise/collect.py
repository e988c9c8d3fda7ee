"""What terms of a sum have in common is taken out once: ``v * a + v * b`` is ``v * (a + b)``.

Multiples of the same are one: ``0.5 * p + 0.5 * p`` is ``p``.

Sums that a derivative makes, of numbers of double precision: the rule for a product gives a term for each
operand, and in `r * x * (1.0 - x)` both are multiples of one tangent.  That is a product less, and what a
loop carries waits for one product in a trip, not for the whole chain.  What the program itself computes is
left as it stands there, to the last bit.  Terms of different statements, or of different calls of a
function, stay apart: they read beside what they come from.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import field
from typing import Any

from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Graph, Op, Region, Val, key_of, kind, same, vals, walk
from srcdiff.ir.kinds import Scalar
from srcdiff.ir.records import dataclass
from srcdiff.ir.regions import readers_of

__all__ = ["common_factors"]

Readers = dict[Val, list[Op | None]]
SUMS = (operator.add, operator.sub, ops.accumulate)


@dataclass(frozen=True)
class Term:
    """A product with its sign; ``of``: what it is the product of, from the left."""

    minus: bool
    of: tuple[Atom, ...]

    def has(self, factor: Atom) -> bool:
        return any(same(f, factor) for f in self.of)

    def without(self, factor: Atom) -> Term:
        at = next(n for n, f in enumerate(self.of) if same(f, factor))
        return Term(self.minus, (*self.of[:at], *self.of[at + 1 :]))


def common_factors(graph: Graph) -> Graph:
    """The graph, changed: sums of products that a derivative has made are products of sums."""
    if any(op.fn in SUMS and is_plain(op) for op in walk(graph.region)):
        Collect(readers_of(graph.region)).in_region(graph.region)
    return graph


@dataclass()
class Collect:
    readers: Readers
    run: dict[Op, int] = field(default_factory=dict)  # which stretch of a statement's each operation is of
    carried: frozenset[Val] = frozenset()

    def in_region(self, region: Region) -> None:
        for op in region.ops:
            for r in op.regions:
                self.in_region(r)
        self.run, self.carried = stretches(region.ops), frozenset(region.params)
        out: list[Op] = []
        gone: set[Op] = set()
        for op in region.ops:
            if self.is_sum(op) and not self.is_part(op):
                self.collect(op, out, gone)
            out.append(op)
        region.ops = [op for op in out if op not in gone] if gone else out

    def is_sum(self, op: Op) -> bool:
        return op.fn in SUMS and is_plain(op)

    def is_part(self, op: Op) -> bool:
        """Whether an operation is a term of another sum of the same statement."""
        above = self.readers.get(op.out, ())
        reader = above[0] if len(above) == 1 else None
        if reader is None or self.run.get(reader) != self.run[op]:
            return False
        if reader.fn is operator.neg:
            return is_plain(reader) and self.is_part(reader)
        return self.is_sum(reader)

    def within(self, a: Atom, op: Op) -> Op | None:
        """What makes an operand, where that is for this reader alone and may be written otherwise."""
        made = a.op if isinstance(a, Val) else None
        if made is None or self.run.get(made) != self.run[op] or not is_arithmetic(made):
            return None
        return made if len(self.readers.get(made.out, ())) == 1 else None

    # ---- what a sum is made of
    def terms(self, a: Atom, op: Op, minus: bool, parts: list[Op]) -> list[Term]:
        made = self.within(a, op)
        if made is not None and made.fn in SUMS and made.derived:
            parts.append(made)
            second = minus is not (made.fn is operator.sub)
            x, y = made.ins
            return [*self.terms(x, made, minus, parts), *self.terms(y, made, second, parts)]
        if made is not None and made.fn is operator.neg:
            parts.append(made)
            return self.terms(made.ins[0], made, not minus, parts)
        signs: list[bool] = []
        of = self.product(a, op, parts, signs)
        return [Term(minus is not (len(signs) % 2 == 1), tuple(of))]

    def product(self, a: Atom, op: Op, parts: list[Op], signs: list[bool]) -> list[Atom]:
        made = self.within(a, op)
        if made is None or made.fn not in (operator.mul, operator.neg):
            return [a]
        parts.append(made)
        if made.fn is operator.neg:
            signs.append(True)
        return [f for x in made.ins for f in self.product(x, made, parts, signs)]

    # ---- what is made of it
    def collect(self, op: Op, out: list[Op], gone: set[Op]) -> None:
        """Write a sum anew, where that saves a product."""
        parts: list[Op] = []
        x, y = op.ins
        terms = self.terms(x, op, False, parts)
        terms += self.terms(y, op, op.fn is operator.sub, parts)
        known, terms = len(terms), like_terms(terms)
        found = self.shared(terms)
        if (found is None and len(terms) == known) or (len(terms) == 1 and is_atom(terms[0])):
            return
        gone.update(parts)
        new = Writer(op, out)
        begin = len(out)
        while found is not None:
            factors, members = found
            inner = [(terms[n].minus, new.product(rest(terms[n], factors))) for n in members]
            minus = all(m for m, _ in inner)
            total = new.total([(m is not minus, a) for m, a in inner])
            one = Term(minus, (*factors, total))
            terms = [one if n == members[0] else t for n, t in enumerate(terms) if n not in members[1:]]
            found = self.shared(terms)
        new.end(new.total([(t.minus, new.product(t.of)) for t in terms]))
        for made in (*out[begin:], op):
            self.run[made] = self.run[op]
            for v in vals(made.ins):
                self.readers[v].append(made)

    def shared(self, terms: list[Term]) -> tuple[list[Atom], list[int]] | None:
        """Factors that terms have in common, and which terms."""
        where: dict[Any, list[int]] = {}
        known: dict[Any, Atom] = {}
        for n, t in enumerate(terms):
            if len(t.of) > 1:
                keys = {key_of(f): f for f in t.of}
                known |= keys
                for key in keys:
                    where.setdefault(key, []).append(n)
        many = [(known[key], at) for key, at in where.items() if len(at) > 1]
        if not many:
            return None
        factor, members = max(many, key=lambda each: self.worth(*each))
        left = [terms[n].without(factor) for n in members]
        factors = [factor]
        for f in left[0].of:
            if all(t.has(f) and len(t.of) > 1 for t in left):
                factors.append(f)
                left = [t.without(f) for t in left]
        return factors, members

    def worth(self, factor: Atom, members: list[int]) -> tuple[bool, int, bool, int]:
        """What loops carry comes first, then what many terms have, then variables."""
        return factor in self.carried, len(members), isinstance(factor, Val), -members[0]


@dataclass()
class Writer:
    """Writes what takes the place of a sum, before it."""

    op: Op
    out: list[Op]

    def prim(self, fn: object, *ins: Atom) -> Val:
        weak = all(is_weak(a) for a in ins)
        made = Op.applying(fn, list(ins), Scalar("f8", weak), self.op.origin)
        self.out.append(made)
        return made.out

    def product(self, of: Sequence[Atom]) -> Atom:
        a, *more = of
        for b in more:
            a = self.prim(operator.mul, a, b)
        return a

    def total(self, terms: list[tuple[bool, Atom]]) -> Atom:
        """The sum of terms with their signs."""
        lead = next((n for n, (minus, _) in enumerate(terms) if not minus), 0)
        (minus, a), *more = terms[lead], *terms[:lead], *terms[lead + 1 :]
        for negative, b in more:
            a = self.prim(operator.sub if negative is not minus else operator.add, a, b)
        return self.prim(operator.neg, a) if minus else a

    def end(self, a: Atom) -> None:
        """The operation itself does what was written last."""
        assert isinstance(a, Val) and a.op is self.out[-1]
        made = self.out.pop()
        adds = made.fn is operator.add and self.op.fn is ops.accumulate
        self.op.become(ops.accumulate if adds else made.fn)
        self.op.ins = made.ins


def like_terms(terms: list[Term]) -> list[Term]:
    """Multiples of the same are one: ``0.5 * p + 0.5 * p`` is ``p``."""
    out: dict[Any, tuple[float, tuple[Atom, ...]]] = {}
    for n, t in enumerate(terms):
        number = -1.0 if t.minus else 1.0
        values = []
        for f in t.of:
            if isinstance(f, Const):
                number *= f.value
            else:
                values.append(f)
        key = tuple(sorted(v.id for v in vals(values))) or n
        before = out[key][0] if key in out else 0.0
        if key in out and before + number != 0.0:
            out[key] = before + number, out[key][1]
        else:
            out[n if key in out else key] = number, tuple(values)
    if len(out) == len(terms):
        return terms
    return [
        Term(c < 0.0, values if values and abs(c) == 1.0 else (Const(abs(c)), *values))
        for c, values in out.values()
    ]


def is_atom(t: Term) -> bool:
    return not t.minus and len(t.of) == 1


def stretches(every: list[Op]) -> dict[Op, int]:
    """Numbers for operations: the same for those of one statement that no other comes between."""
    out: dict[Op, int] = {}
    last, n = None, 0
    for op in every:
        if op.origin is not None and op.origin != last:
            last, n = op.origin, n + 1
        out[op] = n
    return out


def rest(term: Term, factors: Sequence[Atom]) -> tuple[Atom, ...]:
    for f in factors:
        term = term.without(f)
    return term.of


def is_plain(op: Op) -> bool:
    return op.derived and is_arithmetic(op)


def is_arithmetic(op: Op) -> bool:
    """Whether all that an operation works on, and makes, are numbers of double precision."""
    if op.code != "prim" or op.attrs.get("aug") or op.attrs.get("guarded"):
        return False
    return all(is_double(a) for a in op.ins) and is_double(op.out)


def is_double(a: Atom) -> bool:
    k = kind(a)
    return isinstance(k, Scalar) and k.dtype == "f8"


def is_weak(a: Atom) -> bool:
    k = kind(a)
    return isinstance(k, Scalar) and k.weak
