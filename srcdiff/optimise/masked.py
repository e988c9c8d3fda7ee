"""What a condition has set to zero: `np.where(c, 2 * e, 0.0)` of `e = np.where(c, x, 0.0)` is `2 * e`.

Derivatives of masked losses have such choices: what is not chosen is zero, and its cotangent with it.
"""

from __future__ import annotations

import math
import operator

from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, op_of, same
from srcdiff.optimise.patterns import is_zero
from srcdiff.optimise.words import Words

__all__ = ["is_masked"]


def is_masked(y: Atom, c: Atom, words: Words) -> bool:
    """Whether an array is zero wherever ``c`` does not hold: a choice by it, times finite numbers."""
    made = op_of(y)
    while made is not None and made.code == "prim" and not made.by_name:
        if made.attrs.get("guarded") or made.attrs.get("aug"):
            return False
        if made.fn is words.choose and len(made.ins) == 3:
            return same(made.ins[0], c) and is_zero(made.ins[2])
        if made.fn is operator.neg or (made.fn is operator.truediv and is_size(made.ins[1], words)):
            y = made.ins[0]
        elif made.fn is operator.mul and any(is_finite(a, words) for a in made.ins):
            y = made.ins[is_finite(made.ins[0], words)]
        else:
            return False
        made = op_of(y)
    return False


def is_finite(a: Atom, words: Words) -> bool:
    """Whether something is a finite number: one that is written, sizes, what is made of these."""
    if isinstance(a, Const):
        return type(a.value) in (int, float) and math.isfinite(a.value)
    made = op_of(a)
    if made is None or made.by_name or made.fn not in (operator.mul, operator.truediv):
        return is_size(a, words)
    over = made.ins[1]
    if made.fn is operator.truediv and not is_size(over, words):
        return False
    return is_finite(made.ins[0], words) and is_finite(over, words)


def is_size(a: Atom, words: Words) -> bool:
    """Whether a number says how large something is: of an array with elements, it is not zero."""
    made = op_of(a)
    return made is not None and (made.fn is ops.shape_at or made.fn in words.reads_shape)
