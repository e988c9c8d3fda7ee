"""Tapes that take less room: what several taped arrays are made of lies there in their place.

A tape of large arrays is memory that is new in each trip, the dearest there is: asked of the system, written,
read once, when it has long left the cache.  An operation or two on what has just been read cost less.  So
where arrays are large (at the call that the text is made for, which decides about nothing but speed and
memory), a set of arrays to tape is exchanged for a lighter one from which the same values are made again:
``un`` in the place of ``un[1:]`` and ``un[1:] - un[:-1]``.  What is on a tape holds all of the array that it
is a part of.

What is made again counts once, whoever else is made of it.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from srcdiff.ir.graph import Op, Val, vals
from srcdiff.ir.kinds import elements_of
from srcdiff.rules.registry import may_alias

if TYPE_CHECKING:
    from srcdiff.differentiate.fetch import Settler

__all__ = ["lighter"]

LARGE = 2048  # elements: below, calls cost more than what they do
PASS = 0.3  # of what an array on a tape costs, is what an operation on one does
LIMIT = 3  # operations spent on making a value again
ROUNDS = 8  # times that arrays are exchanged for another
MOST = 64  # arrays that are looked at for it


def lighter(settler: Settler, wanted: list[Val], tape: set[Val], forced: set[Val]) -> set[Val]:
    """What to tape, in the place of a set that does."""
    return Exchange(settler, wanted, forced).best(tape)


class Exchange:
    """What the tapes of one loop weigh, in elements, with what is made again for want of others."""

    def __init__(self, settler: Settler, wanted: list[Val], forced: set[Val]) -> None:
        self.settler, self.wanted, self.forced = settler, wanted, forced
        self.seen: dict[int, int] = settler.r.graph.info.get("seen", {})

    def best(self, tape: set[Val]) -> set[Val]:
        if not any(map(self.is_large, tape - self.forced)):
            return tape
        now = self.weight(tape)
        for _ in range(ROUNDS):
            tried = [self.pruned(tape), *(self.pruned(tape | {c}) for c in self.candidates(tape))]
            weights = [self.weight(t) for t in tried]
            if min(weights) >= now:
                break
            now = min(weights)
            tape = tried[weights.index(now)]
        return tape

    def candidates(self, tape: set[Val]) -> list[Val]:
        """Arrays that large taped ones are made of, and that nobody writes over."""
        settler, out = self.settler, set[Val]()
        todo = list(filter(self.is_large, tape - self.forced))
        while todo and len(out) < MOST:
            v = todo.pop()
            if v.op is None or settler.price(v.op) is None or v not in v.op.outs:
                continue
            for w in vals(v.op.ins):
                if w not in out and settler.inner(w) and not settler.given(w):
                    out.add(w)
                    todo.append(w)
        superseded = settler.r.superseded
        fit = (v for v in out - tape if self.size(v) and self.memory(v) not in superseded)
        return sorted(fit, key=lambda v: v.id)

    def pruned(self, tape: set[Val]) -> set[Val]:
        """A set of what to tape without what can be made again from the others."""
        left = set(tape)
        for v in sorted(filter(self.is_large, tape - self.forced), key=lambda v: v.id):
            if self.settler.cost(v, tape - {v}, set(), wide=True) <= LIMIT:
                left.discard(v)
        return left

    def weight(self, tape: set[Val]) -> float:
        """What lies on tapes, and what is done to make the rest again."""
        held = {self.memory(v) for v in tape}
        out, there = float(sum(map(self.size, held))), set(tape)
        for v in sorted(self.wanted, key=lambda v: v.id):
            if v not in there:
                if self.is_large(v):
                    out += PASS * self.settler.cost(v, there, set(), wide=True) * self.size(v)
                there.add(v)
        return out

    def memory(self, v: Val) -> Val:
        """The array that a value is a part of."""
        settler = self.settler
        while v.op is not None and v in v.op.outs and v.op.code == "prim" and is_part(v.op):
            base = v.op.ins[0]
            if not isinstance(base, Val) or not settler.inner(base) or settler.given(base):
                break
            v = base
        return v

    def is_large(self, v: Val) -> bool:
        return self.size(v) >= LARGE

    def size(self, v: Val) -> int:
        """How many elements an array had at the call; 0 where nobody knows."""
        return elements_of(v.kind, self.seen)


def is_part(op: Op) -> bool:
    """Whether a result is, or may be, in the memory of what it is made of."""
    return may_alias(op.fn) or (op.fn is operator.getitem and bool(op.attrs.get("view")))
