"""Products by numbers: one number, where the least is, instead of a pass over an array for each."""

from __future__ import annotations

import operator
from typing import Any

from srcdiff.ir.graph import Atom, Const, Op, Val, kind, op_of
from srcdiff.ir.kinds import Array, Kind, Scalar, of_one_size
from srcdiff.optimise.patterns import is_number, power_of_two
from srcdiff.optimise.rebuild import Rewriter

__all__ = ["Factors"]


class Factors(Rewriter):
    """What ``Algebra`` knows of products and quotients of which a factor is a number."""

    def scaled(self, op: Op, ins: list[Atom]) -> Atom | None:
        """A product, or a quotient, of which one factor is a number, or repeated."""
        k = op.out.kind
        chain = self.one_factor(op.fn, ins, k, op)
        if chain is None and isinstance(k, Array):
            return self.inside_repetition(op.fn, ins, k, op)
        return chain

    def inside_repetition(self, fn: Any, ins: list[Atom], k: Array, op: Op) -> Atom | None:
        """A number repeated to an array, times a number (the product is repeated), or times such an array."""
        for n in (0, 1) if fn is operator.mul else (0,):
            a, other = ins[n], ins[1 - n]
            made = op_of(a)
            if made is None or made.fn not in self.words.expands:
                continue
            inner = made.ins[0]
            ki, ko = kind(inner), kind(other)
            unit = fn is operator.mul and inner == Const(1.0)
            if unit and ko == kind(a) and k.dtype == "f8":
                return other
            if isinstance(inner, Const) and is_of_shape(ko, kind(a)) and k.dtype == "f8":
                return self.make(fn, [inner, other], op)
            if not isinstance(inner, Const) and not self.once(a):
                continue
            if isinstance(ki, Array) and isinstance(ko, Scalar) and ki.dtype == ko.dtype == k.dtype == "f8":
                return self.make(made.fn, [self.make_like(fn, [inner, other], ki, op), *made.ins[1:]], op)
            if ko == kind(a) and isinstance(ki, Scalar) and ki.dtype == k.dtype == "f8":
                return self.make_like(fn, [inner, other], ko, op)
            if not (isinstance(ki, Scalar) and isinstance(ko, Scalar) and ki.dtype == k.dtype == "f8"):
                continue
            if ko.dtype not in ("f8", "i8"):
                continue
            both = all(isinstance(x, Const) and type(x.value) in (int, float) for x in (inner, other))
            try:
                value: Atom = (
                    Const(fn(inner.value, other.value))  # type: ignore[union-attr]
                    if both
                    else self.make_like(fn, [self.divided_as_array(fn, inner, other, op), other], ki, op)
                )
            except ArithmeticError:
                return None
            return self.make(made.fn, [value, *made.ins[1:]], op)
        return None

    def divided_as_array(self, fn: Any, a: Atom, b: Atom, op: Op) -> Atom:
        """A number that was divided as an array: by zero it is infinite, where Python's own would raise."""
        k = kind(b)
        if fn is not operator.truediv or isinstance(b, Const) or not (isinstance(k, Scalar) and k.weak):
            return a
        return self.make_like(self.words.number, [a], Scalar("f8", False), op)

    def rescaled(self, a: Atom, b: Atom, op: Op) -> list[Atom] | None:
        """``c * (d * x)`` as one factor, where that is exact (one is a power of two), or of a derivative."""
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
            number = one_number(a, c, op.derived and b.op.derived) if isinstance(c, Const) else None
            if number is not None:
                return [number, b.op.ins[1 - n]]
        for n in (0, 1) if type(a.value) in (int, float) and power_of_two(a.value) else ():
            inner = self.rescaled(a, b.op.ins[n], op)  # c * (d * x * y)
            if inner is not None and (isinstance(kind(b.op.ins[n]), Scalar) or is_number(inner[0], 1)):
                return [self.make_like(operator.mul, inner, kind(b.op.ins[n]), op), b.op.ins[1 - n]]
        return None

    def of_both(self, a: Atom, b: Atom, op: Op) -> list[Atom] | None:
        """``(x * c) * (d * y)`` of a derivative with one number."""
        if not op.derived:
            return None
        (c, x), (d, y) = (self.numbered(v) for v in (a, b))
        number = one_number(c, d, True) if c is not None and d is not None else None
        if number is None or not (self.once(a) and self.once(b)):
            return None
        return [x, y if number.value == 1 else self.make_like(operator.mul, [number, y], kind(y), op)]

    def numbered(self, a: Atom) -> tuple[Const | None, Atom]:
        """A product of a derivative with a number that is written: this number, and the rest."""
        made = op_of(a)
        if made is None or made.fn is not operator.mul or not made.derived or made.attrs.get("aug"):
            return None, a
        c, x = made.ins if isinstance(made.ins[0], Const) else made.ins[::-1]
        k, same = kind(a), kind(x) == kind(a) and isinstance(x, Val)
        double = isinstance(k, (Array, Scalar)) and k.dtype == "f8"
        return (c, x) if isinstance(c, Const) and same and double else (None, a)

    def one_factor(self, fn: Any, ins: list[Atom], k: Any, op: Op) -> Atom | None:
        """``x * 20.0 * dt`` of a derivative as ``x * (20.0 * dt)``, up to the last digit: one pass less."""
        if not op.adjoint or not isinstance(k, Array) or k.dtype != "f8":
            return None
        x, by = ins if fn is operator.truediv or isinstance(kind(ins[1]), Scalar) else ins[::-1]
        made = x.op if isinstance(x, Val) and kind(x) == k else None
        if made is None or made.code != "prim" or made.attrs.get("aug") or made.attrs.get("guarded"):
            return None
        if made.fn not in (operator.mul, operator.truediv) or not made.adjoint:
            return None
        of, inner = made.ins
        if made.fn is operator.mul and isinstance(kind(of), Scalar):
            of, inner = inner, of
        if kind(of) != k or not (is_factor(by) and is_factor(inner)) or not self.once(x):
            return None
        if not (is_moderate(inner) or is_moderate(by)):
            return None
        signs = made.fn, fn
        if signs == (operator.truediv, operator.truediv):
            sign, factors, how = operator.truediv, [inner, by], operator.mul
        elif signs == (operator.mul, operator.mul):
            sign, factors, how = operator.mul, [inner, by], operator.mul
        elif fn is operator.truediv:
            sign, factors, how = operator.mul, [inner, by], operator.truediv
        else:
            sign, factors, how = operator.mul, [by, inner], operator.truediv
        if how is operator.truediv and not is_moderate(factors[1]):
            return None  # (by zero it would raise)
        if all(isinstance(f, Const) for f in factors):
            return self.make(sign, [of, Const(how(*(f.value for f in factors)))], op)  # type: ignore[union-attr]
        factor = self.make_like(how, factors, Scalar("f8", False), op)
        return self.make_like(sign, [of, factor], k, op)

    def moved(self, a: Atom, b: Atom, k: Array, op: Op) -> list[Atom] | None:
        """``u[:, None] * (2 * x)`` as ``(2 * u)[:, None] * x``: a power of two where there is less of it."""
        for x, other in ((a, b), (b, a)):
            made = x.op if isinstance(x, Val) and kind(x) == k else None
            if made is None or made.code != "prim" or made.fn is not operator.mul or not self.once(x):
                continue
            c, rest = made.ins if isinstance(made.ins[0], Const) else made.ins[::-1]
            if not isinstance(c, Const) or type(c.value) not in (int, float) or not power_of_two(c.value):
                continue
            lighter = self.lighter(c, other, k, op) if kind(rest) == k else None
            if lighter is not None:
                return [lighter, rest] if other is a else [rest, lighter]
        return None

    def lighter(self, c: Const, a: Atom, k: Array, op: Op) -> Atom | None:
        """``c * a`` of a factor of an array of kind ``k``, where that is less than a pass over that."""
        absorbed = self.absorbed(c, a, op)
        if absorbed is not None:
            return absorbed
        ka = kind(a)
        if not isinstance(a, Val) or not isinstance(ka, (Array, Scalar)) or ka.dtype != "f8":
            return None
        if a.op is not None and self.repeats(a.op) and self.once(a):
            inner = self.lighter(c, a.op.ins[0], k, op)
            return None if inner is None else self.repeated(a.op, inner, op)
        if isinstance(ka, Scalar) or len(ka.dims) < len(k.dims):
            return self.make_like(operator.mul, [c, a], ka, op)
        return None

    def absorbed(self, c: Const, a: Atom, op: Op) -> Atom | None:
        """``c * a`` where a constant in ``a`` takes the factor."""
        made = op_of(a)
        if made is None or made.code != "prim" or made.attrs.get("aug") or not self.once(a):
            return None
        if self.repeats(made):
            inner = self.absorbed(c, made.ins[0], op)
            return None if inner is None else self.repeated(made, inner, op)
        k, top = kind(a), made.ins[0] if made.ins else None
        if not isinstance(k, (Array, Scalar)) or k.dtype != "f8":
            return None
        if made.fn is operator.truediv and isinstance(top, Const) and type(top.value) in (int, float):
            by = kind(made.ins[1])
            if isinstance(by, Scalar) and by.weak:  # (by zero it would raise)
                return None
            return self.make_like(made.fn, [Const(c.value * top.value), made.ins[1]], k, op)
        if made.fn is operator.neg:
            inner = self.absorbed(c, made.ins[0], op)
            return None if inner is None else self.make_like(made.fn, [inner], k, op)
        if made.fn is not operator.mul:
            return None
        scaled = self.rescaled(c, a, op)
        if scaled is not None:
            return scaled[1] if is_number(scaled[0], 1) else self.make_like(made.fn, scaled, k, op)
        for n, x in enumerate(made.ins):
            inner = self.absorbed(c, x, op)
            if inner is not None:
                factors = [inner, made.ins[1]] if n == 0 else [made.ins[0], inner]
                return self.make_like(made.fn, factors, k, op)
        return None

    def repeats(self, op: Op) -> bool:
        """Whether an operation only gives a number, or an array, more axes."""
        if op.code != "prim" or not (op.fn is self.words.new_axis or op.fn in self.words.expands):
            return False
        k = kind(op.ins[0])
        return isinstance(k, (Array, Scalar)) and k.dtype == "f8"

    def repeated(self, op: Op, a: Atom, like: Op) -> Atom:
        again = self.make_like(op.fn, [a, *op.ins[1:]], op.out.kind, like)
        assert again.op is not None
        again.op.attrs.update(op.attrs)
        return again


def one_number(a: Const, b: Const, derived: bool) -> Const | None:
    """The product of two numbers: if that is exact, or of a derivative no longer than they are."""
    if type(a.value) not in (int, float) or type(b.value) not in (int, float):
        return None
    number = a.value * b.value
    if not (power_of_two(a.value) or power_of_two(b.value)):
        short = len(repr(number)) <= max(len(repr(a.value)), len(repr(b.value)))
        if not (derived and short and is_moderate(a) and is_moderate(b)):
            return None
    return Const(number)


def is_of_shape(k: Kind, other: Kind) -> bool:
    """Whether numbers of double precision, or whole ones, fill the shape of another array."""
    alike = isinstance(k, Array) and isinstance(other, Array) and k.dims == other.dims and of_one_size(k)
    return alike and k.dtype in ("f8", "i8")  # type: ignore[union-attr]


def is_factor(a: Atom) -> bool:
    """Whether a value is a number with a point, or one that is written."""
    k = kind(a)
    return isinstance(k, Scalar) and k.dtype == "f8" if isinstance(a, Val) else is_moderate(a)


def is_moderate(a: Atom) -> bool:
    """Whether a number is written, and times or by another of any usual size is neither zero nor infinite."""
    number = isinstance(a, Const) and type(a.value) in (int, float)
    return number and 1e-30 < abs(a.value) < 1e30  # type: ignore[union-attr]
