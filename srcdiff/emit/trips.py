"""What a trip of a loop leaves to the next one: a variable holds its array until it is set again.

So the next trip computes beside it, and what follows the loop does.  Where less is held without, ``del``
stands in the body: behind the statement that reads last, or at the end.  The body is looked at as two trips,
one after the other: what is held in the second is what is held in any.  Nothing is let go that is read later
on any way (`Alive`), or that may not be set there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.emit.alive import Alive, bound_by
from srcdiff.emit.held import Choosing, Guess, Memory, Tenure, find_tenures, held, hidden
from srcdiff.emit.trees import deletions
from srcdiff.ir.graph import LoopView, Op, Val, nested

if TYPE_CHECKING:
    from srcdiff.emit.assemble import Assembler

__all__ = ["Trip", "find_trips"]

LEVELS = 6  # of what may be held, that are tried
PART = 0.1  # of what a function holds, below which loops are not looked at
LITTLE = 0.02  # of what is held, that is not worth a word


def find_trips(
    asm: Assembler, stmts: list[Any], memory: Memory, guesses: list[Guess], most: float
) -> list[Trip]:
    """The loops of a function in which something may be let go, those inside others first.

    ``most``: what the function holds at most.
    """
    found: list[Trip] = []
    loops = {op for _, op in asm.made.values() if op.is_loop}
    if all(guesses[0].in_trip(op) < most * PART for op in loops):
        return found
    alive, apart = Alive(stmts), hidden(stmts)

    def look(block: list[Any]) -> None:
        for s in block:
            if isinstance(s, (gast.If, gast.For, gast.While)):
                look(s.body)
                look(s.orelse)
            op = asm.made.get(id(s), (None, None))[1]
            if isinstance(s, (gast.For, gast.While)) and op is not None and op.is_loop:
                found.append(Trip(asm, s, op, memory, alive, apart))
                memory.in_trips[op] = found[-1].in_trip

    look(stmts)
    for t in found:
        t.find(guesses[0])
    return found


class Trip:
    """The body of a loop, and what it lets go."""

    def __init__(
        self, asm: Assembler, loop: Any, op: Op, memory: Memory, alive: Alive, apart: set[str]
    ) -> None:
        self.loop, self.op, self.memory, self.alive = loop, op, memory, alive
        self.body = list(loop.body)
        made = [asm.made.get(id(s), (None, None))[1] for s in self.body]
        tenures, _ = find_tenures(asm, self.body * 2, made * 2, memory)
        self.n = len(self.body)
        at = {(t.name, t.start): t for t in tenures}
        self.twins = {t: at.get((t.name, t.start + self.n)) for t in tenures if 0 <= t.start < self.n}
        self.reach = {t: t.roots for t in self.twins}  # the memory that they are in, whoever made it
        self.free = {t for t in self.twins if self.may_go(t, apart)}
        own = made_in(memory, op)
        for t in tenures:
            t.roots &= own
        self.both = Choosing([t for t in tenures if t.roots], self.body * 2, made * 2, memory)
        self.carried = [f for f in LoopView(op).finals if memory.is_own(f)]
        self.options: list[dict[int, list[Tenure]]] = []
        self.gone: dict[int, list[Tenure]] = {}

    def in_trip(self, guess: Guess) -> float:
        """What a trip holds, beside what it hands on."""
        at = {t: n for n, group in self.gone.items() for t in group}
        return max(self.most(guess, at) - sum(map(guess.of, self.carried)), 0.0)

    def find(self, guess: Guess) -> None:
        """What may be let go, all of it first."""
        self.options = self.best(guess) if self.free else []

    def may_go(self, t: Tenure, apart: set[str]) -> bool:
        """Whether a variable is surely set in a trip, and not read in the next."""
        return t.name in bound_by(self.body[t.start]) and t.read < self.n and t.name not in apart

    def dead(self, t: Tenure, n: int) -> bool:
        """Whether a variable may go before a statement of the body (behind the last one, too)."""
        return max(t.read, t.start) < n <= t.end and t.name not in self.alive.behind[id(self.body[n - 1])]

    # ---- the choice
    def now(self, guess: Guess, gone: dict[Tenure, int], taken: list[float] | None = None) -> list[float]:
        ends = {t: t.end for group in self.both.holders.values() for t in group}
        for t, n in gone.items():
            ends[t] = min(n - 1, t.end)
            twin = self.twins[t]
            if twin is not None:
                ends[twin] = min(n - 1 + self.n, twin.end)
        return held(guess, taken or self.both.taken(guess), self.both.spans(ends))

    def most(self, guess: Guess, gone: dict[Tenure, int]) -> float:
        return max(self.now(guess, gone)[self.n :], default=0.0)

    def best(self, guess: Guess) -> list[dict[int, list[Tenure]]]:
        """What is let go before which statements: all that may be, or so that least is held in a trip."""
        most = self.most(guess, {})
        least = self.most(guess, self.within(guess, 0.0))
        tried = [self.within(guess, least + (most - least) * k / LEVELS) for k in range(LEVELS)]
        prices = [self.most(guess, gone) * (1.0 + len({*gone.values()}) / (self.n + 1)) for gone in tried]
        price, k = min(zip(prices, range(LEVELS), strict=True))
        best = tried[k] if price < most else {}
        worth = most * LITTLE
        large = (t for t in self.free if sum(map(guess.of, self.reach[t])) > worth)
        ends = {t: self.n for t in large if t not in best and self.dead(t, self.n)}
        return [grouped(gone) for gone in ({**best, **ends}, best) if gone]

    def within(self, guess: Guess, limit: float) -> dict[Tenure, int]:
        """What is let go so that no more is held, as far as that can be."""
        gone: dict[Tenure, int] = {}
        taken = self.both.taken(guess)
        now = self.now(guess, gone, taken)
        few = limit * LITTLE
        first = {twin: t for t, twin in self.twins.items() if twin is not None}
        for n in range(self.n, 2 * self.n):
            if now[n] <= limit:
                continue
            before = dict(gone)
            for root in sorted(self.both.roots, key=lambda r: r.id):  # (a set: the text is to be the same)
                if guess.of(root) <= few:
                    continue
                here = [t for t in self.both.holders[root] if t.start < n <= t.end]
                places = {first.get(t, t): (n - self.n if t in first else self.n) for t in here}
                if here and all(t in self.free and self.dead(t, at) for t, at in places.items()):
                    gone.update((t, at) for t, at in places.items() if at < gone.get(t, self.n + 1))
            if gone != before:
                now = self.now(guess, gone, taken)
        return gone

    # ---- the text
    def let_go(self, gone: dict[int, list[Tenure]]) -> None:
        """Write it into the loop."""
        self.gone = {n: group for n, group in gone.items() if group}
        out: list[Any] = []
        for n in range(self.n + 1):
            around = {getattr(s, "origin", None) for s in self.body[max(n - 1, 0) : n + 1]}
            origin = around.pop() if len(around) == 1 else None
            out += deletions([t.name for t in self.gone.get(n, ())], origin)
            out += self.body[n : n + 1]
        self.loop.body[:] = out

    def fewer(self) -> Iterator[dict[int, list[Tenure]]]:
        """The same without some of it: other ways first, then without each."""
        yield {}
        yield from self.options[1:]
        for n, t in [(n, t) for n, group in self.gone.items() for t in group]:
            if t in self.gone.get(n, ()):
                yield {**self.gone, n: [u for u in self.gone[n] if u is not t]}


def grouped(gone: dict[Tenure, int]) -> dict[int, list[Tenure]]:
    """By the statements before which; in the order in which they came to be."""
    order = sorted(gone, key=lambda t: (t.start, t.name))
    return {n: [t for t in order if gone[t] == n] for n in sorted({*gone.values()})}


def made_in(memory: Memory, loop: Op) -> frozenset[Val]:
    """The arrays that a trip makes anew and that are on no tape."""
    inside = list(nested(loop))
    kept = {
        root
        for op in (loop, *inside)
        if op.is_loop
        for root in memory.under(*LoopView(op).collected)
    }
    own = (o for op in inside if not memory.is_ahead(op) for o in op.outs if memory.is_own(o))
    return frozenset(own) - kept
