"""Numbers that are written out in a program, or made of such."""

from __future__ import annotations

import operator
from typing import Any

from srcdiff.ir.graph import Atom, Const, Op, op_of
from srcdiff.ir.kinds import Scalar

__all__ = ["computable"]

ARITHMETIC = {operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.neg}


def computable(op: Op, ins: list[Atom]) -> bool:
    """Whether an operation on numbers that are written out, or made of such, does not raise."""
    if op.attrs.get("guarded") or op.by_name:
        return False
    cast = isinstance(op.fn, type) and isinstance(op.out.kind, Scalar)  # np.float32(1.5)
    return (cast or op.fn in (operator.pow, operator.truediv)) and result_of(op.fn, ins) is not None


def result_of(fn: Any, ins: list[Atom]) -> float | None:
    """The number that a function gives for others that are known; None if it raises, or is very large."""
    given = [number(a) for a in ins]
    if any(v is None or abs(v) > 1e9 for v in given):
        return None
    try:
        return fn(*given)  # type: ignore[no-any-return]
    except (ArithmeticError, ValueError):
        return None


def number(a: Atom) -> float | None:
    """A number that is written out, or made of such by arithmetic."""
    if isinstance(a, Const):
        return a.value if type(a.value) in (int, float) else None
    op = op_of(a)
    if op is None or op.code != "prim" or op.fn not in ARITHMETIC or op.by_name:
        return None
    return result_of(op.fn, op.ins)
