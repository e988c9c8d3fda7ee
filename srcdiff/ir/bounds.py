"""Which indices are inside their axes for sure: linear forms in sizes and in the indices of loops."""

from __future__ import annotations

import operator
from collections.abc import Hashable, Iterable

from srcdiff.ir.graph import Atom, Const, Val, kind, op_of
from srcdiff.ir.kinds import Dim, Scalar, Sym, is_top, members

__all__ = ["Bounds"]

Form = dict[Hashable, int]  # coefficients by symbol or value; under None the constant
Ends = list[Form | None]  # each of them is one


def plus(a: Form | None, b: Form | None, by: int = 1) -> Form | None:
    if a is None or b is None:
        return None
    out = dict(a)
    for k, c in b.items():
        out[k] = out.get(k, 0) + by * c
        if not out[k]:
            del out[k]
    return out


class Bounds:
    """What is known of integers in the region at hand."""

    def __init__(self) -> None:
        self.range: dict[Val, tuple[Ends, Ends]] = {}  # of a loop's index: what it is at least, at most
        self.lengths: dict[Val, Form] = {}  # integers that are sizes of arrays
        self.sizes: set[int] = set()  # symbols that are sizes of arrays at hand, and so not negative

    def array(self, dims: Iterable[Dim | None]) -> None:
        self.sizes.update(d.id for d in dims if isinstance(d, Sym))

    def loop(self, index: Val, start: Atom, stop: Atom, step: Atom) -> None:
        if isinstance(step, Const) and step.value in (1, -1):
            up = step.value == 1
            first = [self.form(start)]
            last = [plus(self.form(a), {None: -step.value}) for a in (least_of(stop) if up else [stop])]
            self.range[index] = (first, last) if up else (last, first)

    def length(self, v: Val, d: Dim | None) -> None:
        """An integer is a size."""
        f = self.of_dim(d)
        if f is not None:
            self.lengths[v] = f

    def form(self, a: Atom) -> Form | None:
        if isinstance(a, Const):
            return {None: a.value} if type(a.value) is int else None
        k = kind(a)
        if not isinstance(a, Val) or not isinstance(k, Scalar) or k.dtype[0] != "i":
            return None
        if a in self.lengths:
            return self.lengths[a]
        if a in self.range:
            return {a: 1}
        op = a.op
        if op is not None and op.code == "prim" and len(op.ins) == 2:
            if op.fn in (operator.add, operator.sub):
                sign = 1 if op.fn is operator.add else -1
                return plus(self.form(op.ins[0]), self.form(op.ins[1]), sign)
        if k.value is not None:
            got = self.of_dim(k.value)
            if got is not None:
                return got
        return {a: 1}

    @staticmethod
    def of_dim(d: Dim | None) -> Form | None:
        if isinstance(d, int):
            return {None: d}
        if d is None or is_top(d) or len(members(d)) > 1:
            return None
        out: Form = {("size", d.id): 1}
        if d.offset:
            out[None] = d.offset
        return out

    def nonnegative(self, f: Form | None, depth: int = 0) -> bool:
        """Whether a form is zero or more: each index is taken at the end where the form is least."""
        if f is None or depth > 8:
            return False
        moving = next((k for k in reversed(self.range) if k in f), None)
        if moving is not None:
            first, last = self.range[moving]
            c = f[moving]
            rest = {k: n for k, n in f.items() if k is not moving}
            ends = first if c > 0 else last
            return any(e is not None and self.nonnegative(plus(rest, e, c), depth + 1) for e in ends)
        return all(
            n >= 0 and (k is None or (isinstance(k, tuple) and k[1] in self.sizes)) for k, n in f.items()
        )

    def inside(self, index: Atom, dim: Dim | None) -> bool:
        """Whether 0 <= index < dim for sure."""
        f = self.form(index)
        return self.nonnegative(f) and self.nonnegative(plus(plus(self.of_dim(dim), f, -1), {None: -1}))

    def within(self, end: Atom, dim: Dim | None) -> bool:
        """Whether 0 <= end <= dim for sure: an end of a slice."""
        f = self.form(end)
        return self.nonnegative(f) and self.nonnegative(plus(self.of_dim(dim), f, -1))

    def ordered(self, low: Atom, high: Atom, dim: Dim | None) -> bool:
        """Whether 0 <= low <= high <= dim for sure: the ends of a slice."""
        f = self.form(low)
        on = plus(self.form(high), f, -1)
        return self.nonnegative(f) and self.nonnegative(on) and self.within(high, dim)

    def distance(self, low: Atom, high: Atom, dim: Dim | None) -> tuple[bool, int] | None:
        """``high - low``, if it is a number or a number more than ``dim``: whether the second, the number."""
        f = plus(self.form(high), self.form(low), -1)
        if f is None:
            return None
        if set(f) <= {None}:
            return False, f.get(None, 0)
        more = plus(f, self.of_dim(dim), -1)
        if more is not None and set(more) <= {None} and self.nonnegative(f):
            return True, more.get(None, 0)
        return None


def least_of(a: Atom) -> list[Atom]:
    """Numbers of which one is no more than any."""
    op = op_of(a)
    found = op is not None and op.code == "prim" and op.fn is min and len(op.ins) > 1 and not op.by_name
    return op.ins if found and op is not None else [a]
