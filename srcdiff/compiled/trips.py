"""How many trips loops inside a loop make at most, all together: so much room their tapes need.

A triangular loop (``for j in range(i)``) gets the room of a square: memory that is never touched is never
taken. What cannot be told before the outermost loop (``while``, ways out, sizes made in a trip) grows.
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING

from srcdiff.compiled.texts import bare
from srcdiff.compiled.values import Num, Rep, Text
from srcdiff.ir.graph import Atom, Const, LoopView, Op, Val, kind
from srcdiff.ir.kinds import Scalar

if TYPE_CHECKING:
    from srcdiff.compiled.control import Control

__all__ = ["Trips", "product"]

Ends = tuple[str, str]  # the least and the largest that an integer can be, as texts
NUMBER = re.compile(r"-?\d+")


def both(a: str, sign: str, b: str) -> str:
    """A sum or a difference."""
    if NUMBER.fullmatch(a) and NUMBER.fullmatch(b):
        return str(int(a) + int(b) if sign == "+" else int(a) - int(b))
    if b == "0":
        return a
    return f"({a} {sign} {b})" if not b.startswith("-") else f"({a} {sign} ({b}))"


def product(a: str, b: str) -> str:
    return str(int(a) * int(b)) if a.isdigit() and b.isdigit() else f"{a} * {b}"


class Trips:
    """What is known, before an outermost loop, of the loops inside it."""

    def __init__(self, lw: Control, outermost: LoopView) -> None:
        self.lw = lw
        self.around: dict[Val, Ends] = {}  # the least and the largest index of each loop
        self.found: dict[Op, str] = {}
        self.index(outermost)

    def at_most(self, op: Op) -> str:
        """The number of trips of a loop inside, each time that it runs, as a text; or nothing."""
        if op not in self.found:
            self.found[op] = self.count(LoopView(op))
        return self.found[op]

    def count(self, view: LoopView) -> str:
        got = self.index(view)
        if got is None:
            return ""
        (low, high), step = got
        n = both(both(high, "-", low), "+", "1")
        if NUMBER.fullmatch(n):
            return str(max(-(-int(n) // step), 0))
        name = self.lw.fresh("most")
        self.lw.line(f"{name} = max({bare(n)}, 0)" if step == 1 else f"{name} = max(-(-{n} // {step}), 0)")
        return name

    def index(self, view: LoopView) -> tuple[Ends, int] | None:
        """The least and the largest index of a loop over numbers, and its step."""
        if view.op.code != "for" or view.head != 3 or view.op.attrs["exits"]:
            return None
        start, stop, step = view.header
        if not isinstance(step, Const) or type(step.value) is not int or not step.value:
            return None
        first, last = self.ends(start), self.ends(stop)
        if first is None or last is None:
            return None
        if step.value > 0:
            between = (first[0], both(last[1], "-", "1"))
        else:
            between = (both(last[0], "+", "1"), first[1])
        self.around[view.index] = between
        return between, abs(step.value)

    def ends(self, a: Atom) -> Ends | None:
        """The least and the largest that an integer can be."""
        if isinstance(a, Const):
            return (str(a.value), str(a.value)) if type(a.value) is int else None
        k = kind(a)
        if not isinstance(a, Val) or not isinstance(k, Scalar) or k.dtype[0] != "i":
            return None
        if a in self.around:
            return self.around[a]
        if isinstance(k.value, int):
            return str(k.value), str(k.value)
        r = self.lw.env.get(a)
        if r is not None:
            text = self.name_of(r)
            return (text, text) if text else None
        op = a.op
        if op is None or op.code != "prim" or op.fn not in (operator.add, operator.sub):
            return None
        left, right = self.ends(op.ins[0]), self.ends(op.ins[1])
        if left is None or right is None:
            return None
        if op.fn is operator.add:
            return both(left[0], "+", right[0]), both(left[1], "+", right[1])
        return both(left[0], "-", right[1]), both(left[1], "-", right[0])

    def name_of(self, r: Rep) -> str:
        """The text of a number that has been computed."""
        if isinstance(r, Text):
            return r.text
        if not isinstance(r, Num) or r.store.again is not None or r.store.axes:
            return ""
        later = (x.store for s in self.lw.segment for x in s.writes)
        return "" if r.store in self.lw.pending or r.store in later else r.store.name
