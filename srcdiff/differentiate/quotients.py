"""Slopes of quotients, where a small denominator makes them infinite and what multiplies them is zero.

Where ``b`` is small the slope ``-(a / b) / b`` may be infinite although ``a / b`` is not, and what multiplies
it exactly zero, because the quotient has gone where the next function is flat: ``tanh(a / b)``. The product
is zero then, not NaN, if the zero meets the quotient before the last division: ``g / b * (a / b)`` going back
(where ``g / b`` is the cotangent of ``a``, too), ``(a_dot - b_dot * (a / b)) * slope / b`` going forward.
"""

from __future__ import annotations

import operator

from srcdiff.differentiate.masks import meant
from srcdiff.ir.graph import Atom, Const, Val, same

__all__ = ["divided", "factors", "negated", "quotient", "twice_divided"]


def quotient(a: Atom, born: int = 0) -> tuple[Atom, Atom] | None:
    """Numerator and denominator of what is a quotient, made since ``born``."""
    op = a.op if isinstance(a, Val) and a.id >= born else None
    plain = op is not None and op.code == "prim" and op.fn is operator.truediv
    return (op.ins[0], op.ins[1]) if plain and op is not None and not op.attrs.get("aug") else None


def negated(a: Atom, born: int) -> Atom | None:
    """What ``a`` is the negative of, if it was made so since ``born``."""
    op = a.op if isinstance(a, Val) and a.id >= born else None
    return op.ins[0] if op is not None and op.code == "prim" and op.fn is operator.neg else None


def divided(a: Atom, born: int) -> tuple[bool, Atom, Atom] | None:
    """Of a derivative ``n / b``, or ``-(n / b)``: whether it is negative, ``n`` and ``b``."""
    inner = negated(a, born)
    found = quotient(a if inner is None else inner, born)
    if found is None:
        return None
    above = negated(found[0], born)
    if inner is None and above is not None:
        return True, above, found[1]
    return inner is not None, *found


def twice_divided(p: Atom, born: int) -> tuple[bool, Atom, Atom] | None:
    """The same of a slope of which ``n`` is 1, or a quotient by ``b`` itself."""
    found = divided(p, born)
    if found is None or found[1] == Const(1.0):
        return found
    within = quotient(meant(found[1]))
    return found if within is not None and same(meant(within[1]), meant(found[2])) else None


def factors(a: Atom, born: int, most: int = 4) -> tuple[bool, list[Atom], Atom] | None:
    """The same of a product of which one factor is a quotient; of ``n`` all factors."""
    found = divided(a, born)
    if found is not None:
        return found[0], [found[1]], found[2]
    inner = negated(a, born)
    if inner is not None:
        within = factors(inner, born, most - 1) if most else None
        return None if within is None else (not within[0], *within[1:])
    op = a.op if isinstance(a, Val) and a.id >= born else None
    if op is None or op.code != "prim" or op.fn is not operator.mul or not most:
        return None
    for x, other in (op.ins, op.ins[::-1]):
        within = factors(x, born, most - 1)
        if within is not None:
            return within[0], [*within[1], other], within[2]
    return None
