"""Exact algebra: values that are equal to others, for every input, and cost less."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Op, Slice, Struct, Val, kind, op_of, same
from srcdiff.ir.indices import ALL, parts_of
from srcdiff.ir.kinds import Array, Scalar, Seq
from srcdiff.optimise.entries import entry_alone, sum_of_entry
from srcdiff.optimise.factors import Factors
from srcdiff.optimise.patterns import (
    adds_nothing,
    as_precise,
    copied_from,
    displayed,
    fills,
    fits_already,
    flipped,
    foldable,
    is_flip,
    is_number,
    is_zero,
    is_zeros,
    kind_char,
    last_written,
    made_by,
    negated,
    only_given,
    power_of_two,
    reciprocal,
    same_kind,
    sized_like,
    unchanged,
)
from srcdiff.optimise.words import Words

__all__ = ["Algebra", "rules_of"]

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


def no_rule(a: Algebra, op: Op, ins: list[Atom]) -> Atom | None:
    """Nothing but constants are known to be simpler."""
    return None


class Algebra(Factors):
    """Simpler values, asked for when an operation is written."""

    rules: dict[Any, Rule]

    def algebra(self, op: Op, ins: list[Atom]) -> Atom | None:
        """An equal value that is simpler."""
        fn = op.fn
        rule = self.rules.get(fn)
        if rule is None:
            return None
        if (
            fn in _FOLD
            and isinstance(ins[0], Const)
            and all(isinstance(a, Const) and type(a.value) in (int, bool, float) for a in ins)
            and any(foldable(op, a) for a in ins)
        ):
            try:
                return Const(fn(*(a.value for a in ins)))  # type: ignore[union-attr]
            except (ArithmeticError, ValueError):
                return None
        if fn in _BROADCASTS and len(ins) == 2:
            bare = self.without_number(ins)
            if bare is not None:
                return self.make(fn, bare, op)
            k = op.out.kind
            narrow = self.unexpanded(fn, ins, k) if isinstance(k, Array) else None
            if narrow is not None:
                return self.make(fn, narrow, op)
        return rule(self, op, ins)

    # ---- by function
    def product(self, op: Op, ins: list[Atom]) -> Atom | None:
        k = op.out.kind
        if len(ins) == 2 and not isinstance(k, Seq):
            a, b = ins
            if is_number(b, 1) and unchanged(a, k, b):
                return a
            if is_number(a, 1) and unchanged(b, k, a):
                return b
            if is_number(a, -1) and isinstance(b, Val):
                return self.make(operator.neg, [b], op)
            if is_number(b, -1) and isinstance(a, Val):
                return self.make(operator.neg, [a], op)
            scaled = self.rescaled(a, b, op) or self.of_both(a, b, op)
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
            if inverse is not None and as_precise(k, a, inverse) and self.once(b):
                return self.make(operator.truediv, [a, inverse], op)
            inverse = reciprocal(a)
            if inverse is not None and as_precise(k, b, inverse) and self.once(a):
                return self.make(operator.truediv, [b, inverse], op)
            if isinstance(k, Array) and k.dtype == "f8" and (moved := self.moved(a, b, k, op)) is not None:
                return self.make(operator.mul, moved, op)
        return self.scaled(op, ins)

    def quotient(self, op: Op, ins: list[Atom]) -> Atom | None:
        if len(ins) == 2:
            a, b = ins
            if is_number(b, 1) and unchanged(a, op.out.kind, b) and kind_char(a) in "fc":
                return a
            na = negated(a)
            if na is not None and self.once(a):
                return self.make(operator.neg, [self.make(operator.truediv, [na, b], op)], op)
            if isinstance(b, Const) and type(b.value) in (int, float) and power_of_two(b.value):
                scaled = self.rescaled(Const(1.0 / b.value), a, op)
                if scaled is not None:
                    return self.make(operator.mul, scaled, op)
        return self.scaled(op, ins)

    def power(self, op: Op, ins: list[Atom]) -> Atom | None:
        k = op.out.kind
        if len(ins) != 2:
            return None
        x, n = ins
        if is_number(n, 1) and same_kind(kind(x), k):
            return x
        if isinstance(n, Const) and type(n.value) is int and n.value == 0 and isinstance(k, Scalar):
            return Const(1.0) if k.dtype[0] == "f" else None
        return None

    def equals(self, op: Op, ins: list[Atom]) -> Atom | None:
        n = negated(ins[0]) if len(ins) == 2 and is_zero(ins[1]) else None
        return None if n is None else self.make(op.fn, [n, ins[1]], op)

    def negative(self, op: Op, ins: list[Atom]) -> Atom | None:
        n = negated(ins[0])
        return n if n is not None and unchanged(n, op.out.kind, Const(1.0)) else None

    def accumulated(self, op: Op, ins: list[Atom]) -> Atom | None:
        k = op.out.kind
        if len(ins) != 2 or isinstance(k, Seq):
            return None
        a, b = ins
        if is_zero(b) and same_kind(kind(a), k):
            return a
        if is_zero(a) and same_kind(kind(b), k):
            return b
        if same(a, b) and isinstance(a, Val):
            return self.make(operator.mul, [Const(2.0), a], op)
        if is_zeros(a) and isinstance(b, Val) and same_kind(kind(b), k):
            return b
        if is_zeros(b) and isinstance(a, Val) and same_kind(kind(a), k):
            return a
        return None

    def difference(self, op: Op, ins: list[Atom]) -> Atom | None:
        if len(ins) != 2:
            return None
        if is_zero(ins[1]) and same_kind(kind(ins[0]), op.out.kind):
            return ins[0]
        nb = negated(ins[1])
        if nb is not None and self.once(ins[1]):
            return self.make(operator.add, [ins[0], nb], op)
        return None

    def blank(self, op: Op, ins: list[Atom]) -> Atom | None:
        if len(ins) != 1 or not isinstance(op.out.kind, Array):
            return None
        made = made_by(ins[0], *self.words.blanks)
        if made is None or made.out.user:  # (zeros_like(h) says more than the sizes again)
            return None
        return self.make(made.fn, list(made.ins), op)

    def fitted(self, op: Op, ins: list[Atom]) -> Atom | None:
        unsure = op.attrs.get("firm")  # (a number, though of an array's kind)
        return ins[0] if not unsure and len(ins) == 2 and fits_already(*map(kind, ins)) else None

    def size(self, op: Op, ins: list[Atom]) -> Atom | None:
        x = sized_like(ins[0])
        return None if x is ins[0] else self.make(op.fn, [x, *ins[1:]], op)

    def sum_of_trees(self, op: Op, ins: list[Atom]) -> Atom | None:
        a, b = ins
        return b if adds_nothing(a, b) else a if adds_nothing(b, a) else None

    def element(self, op: Op, ins: list[Atom]) -> Atom | None:
        k = op.out.kind
        if isinstance(k, Scalar):
            given = only_given(ins[0], ins[1])
            if given is not None and same_kind(kind(given), k):
                return given
        if isinstance(ins[1], Slice):
            inner = flipped(ins[0])
            if inner is not None and is_flip(ins[1]):
                return inner
        if (narrowed := self.without_new_axes(op, ins)) is not None:
            return narrowed
        if (written := last_written(ins[0], ins[1])) is not None:
            return None if isinstance(written, Struct) else written
        if (of := copied_from(ins[0])) is not None:
            out = self.make_like(op.fn, [of, ins[1]], kind(op.out), op)
            out.op.attrs["view"] = True  # type: ignore[union-attr]
            return out
        return self.part(op, ins)

    def part(self, op: Op, ins: list[Atom]) -> Atom | None:
        if (entry := entry_alone(self, op, ins)) is not None:
            return entry
        if (part := displayed(*ins)) is not None:
            return None if isinstance(part, Struct) else part
        if isinstance(ins[0], Val) and ins[0].op is not None:
            item = ins[0].op
            written = last_written(item.ins[0], item.ins[1]) if item.fn is operator.getitem else None
            if isinstance(written, Struct) and isinstance(ins[1], Const) and ins[1].value in written.keys:
                return written.items[written.keys.index(ins[1].value)]
        return None

    def opposite(self, op: Op, ins: list[Atom]) -> Atom | None:
        return Const(not ins[0].value) if isinstance(ins[0], Const) else None

    def exit(self, op: Op, ins: list[Atom]) -> Atom | None:
        if isinstance(ins[0], Const) and isinstance(ins[1], Const):
            return Const(ops.exit_is(ins[0].value, ins[1].value))
        return None

    def last_appended(self, op: Op, ins: list[Atom]) -> Atom | None:
        made = ins[0].op if isinstance(ins[0], Val) else None
        return made.ins[1] if made is not None and made.fn is ops.append else None

    def without_last(self, op: Op, ins: list[Atom]) -> Atom | None:
        made = ins[0].op if isinstance(ins[0], Val) else None
        return made.ins[0] if made is not None and made.fn is ops.append else None

    def unexpanded(self, fn: Any, ins: list[Atom], k: Any) -> list[Atom] | None:
        """Operands without the repetition that broadcasting does by itself."""
        if fn not in _BROADCASTS or len(ins) != 2 or not isinstance(k, Array):
            return None
        for n in (0, 1):
            a, other = ins[n], ins[1 - n]
            if (
                isinstance(a, Val)
                and a.op is not None
                and a.op.code == "prim"
                and a.op.fn in self.words.expands
            ):
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

    def without_number(self, ins: list[Atom]) -> list[Atom] | None:
        """Operands of which one is a constant made the library's, where the other is that anyway."""
        for n, other in ((0, ins[1]), (1, ins[0])):
            cast = made_by(ins[n], self.words.number)
            if cast is not None and isinstance(cast.ins[0], Const) and self.is_of_library(other):
                return [cast.ins[0], other] if n == 0 else [other, cast.ins[0]]
        return None

    def is_of_library(self, a: Atom) -> bool:
        """Whether a value is an array of doubles, or surely a number of the library's."""
        k, op = kind(a), op_of(a)
        if isinstance(k, Array) or op is None or op.code != "prim":
            return isinstance(k, Array) and k.dtype == "f8"
        if not isinstance(k, Scalar) or k.dtype != "f8":
            return False
        if op.fn is operator.getitem:
            return isinstance(kind(op.ins[0]), Array)
        if op.fn in _BROADCASTS or op.fn is operator.neg:
            return any(map(self.is_of_library, op.ins))
        return bool(self.words.gives_numbers(op.fn))

    def as_taken(self, op: Op, ins: list[Atom]) -> list[Atom]:
        """The operands, where a function makes the library's number of whatever number it is given."""
        if op.fn is self.words.number or len(ins) != 1 or not isinstance(op.out.kind, Scalar):
            return ins
        cast = made_by(ins[0], self.words.number)
        given = None if cast is None else kind(cast.ins[0])
        plain = isinstance(given, Scalar) and given.dtype == "f8" and self.words.gives_numbers(op.fn)
        return list(cast.ins) if plain and cast is not None else ins

    def total(self, op: Op, ins: list[Atom]) -> Atom | None:
        entry = sum_of_entry(op, ins)
        return self.sum_of_negative(op, ins) if entry is None else entry

    def sum_of_negative(self, op: Op, ins: list[Atom]) -> Atom | None:
        """``(-x).sum()`` is ``-x.sum()``: one pass less over the array."""
        inner, k = negated(ins[0]), kind(ins[0])
        if inner is None or not isinstance(k, Array) or k.dtype[0] not in "fc" or kind(inner) != k:
            return None
        if not op.adjoint or not set(op.names) <= {"", "axis", "keepdims"}:
            return None
        attrs: dict[str, Any] = {n: op.attrs[n] for n in ("names", "method") if n in op.attrs}
        total = self.make_of(self.words.total, [inner, *ins[1:]], op.out.kind, op, attrs)
        return self.make(operator.neg, [total], op)

    def without_new_axes(self, op: Op, ins: list[Atom]) -> Atom | None:
        """``x.sum(axis=0, keepdims=True)[0, :]`` is ``x.sum(axis=0)``, and ``y[:, None][:, 0]`` is ``y``."""
        v, index = ins
        parts = parts_of(index)
        axes = {n for n, p in enumerate(parts) if is_first(p)}
        if not axes or any(p != ALL for n, p in enumerate(parts) if n not in axes):
            return None
        if isinstance(k := kind(v), Array):  # (what an index does not say is all)
            parts += (ALL,) * (len(k.dims) - len(parts))
        if not op.adjoint or not isinstance(v, Val) or v.op is None:
            return None
        if v.op.code == "prim" and v.op.fn is operator.getitem:
            added = v.op.ins[1]
            given = parts_of(added)
            twin = tuple(Const(None) if is_first(p) else p for p in parts)
            return v.op.ins[0] if given == twin and kind(v.op.ins[0]) == op.out.kind else None
        inner = negated(v)
        total = v if inner is None else inner
        made = (
            total.op
            if isinstance(total, Val) and total.op is not None and total.op.fn is self.words.total
            else None
        )
        if made is None or made.names[1:] != ("axis", "keepdims"):
            return None
        k, kb, kx = kind(total), op.out.kind, kind(made.ins[0])
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
        attrs = {"names": ("", "axis"), "method": made.attrs.get("method", "")}
        s = self.make_of(self.words.total, made.ins[:2], kb, op, attrs)
        return s if inner is None else self.make(operator.neg, [s], op)


def is_first(p: Any) -> bool:
    return isinstance(p, Const) and type(p.value) is int and p.value == 0


Rule = Callable[[Algebra, Op, list[Atom]], Atom | None]


@functools.lru_cache(maxsize=8)
def rules_of(words: Words) -> dict[Any, Rule]:
    """What ``algebra`` knows, by the function that an operation applies."""
    found: dict[Any, Rule] = {
        **dict.fromkeys(words.fits, Algebra.fitted),
        **dict.fromkeys(words.sums, Algebra.sum_of_trees),
        words.blanks[0]: Algebra.blank,
        words.total: Algebra.total,
        operator.mul: Algebra.product,
        operator.truediv: Algebra.quotient,
        operator.pow: Algebra.power,
        operator.eq: Algebra.equals,
        operator.neg: Algebra.negative,
        operator.sub: Algebra.difference,
        operator.getitem: Algebra.element,
        operator.not_: Algebra.opposite,
        ops.accumulate: Algebra.accumulated,
        ops.shape_at: Algebra.size,
        ops.getfield: Algebra.part,
        ops.exit_is: Algebra.exit,
        ops.poplast: Algebra.last_appended,
        ops.rest: Algebra.without_last,
    }
    return {**dict.fromkeys(_BROADCASTS | _FOLD, no_rule), **found}
