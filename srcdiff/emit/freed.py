"""Where arrays are let go: a variable that nobody reads again holds its memory until the function returns.

What a text holds at most is estimated statement by statement: for the sizes of the call that it is made for
where arrays are large there; else for sizes that are all alike where they are not known, and for each of
these much larger than the others.  Where that is less if variables that are done with are gone, ``del``
stands before the statement that needs the room.  A line more has to save its share: what is held at most,
times the lines of the text, gets less.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from srcdiff.emit.held import Choosing, Guess, Memory, Tenure, find_tenures, held
from srcdiff.emit.trees import deletions
from srcdiff.emit.trips import find_trips
from srcdiff.ir.graph import Op

if TYPE_CHECKING:
    from srcdiff.emit.assemble import Assembler

__all__ = ["let_go"]

LEVELS = 16  # of what may be held, that are tried
LINE = 1.0  # lines of others that a line of these weighs
IN_LOOP = 0.5  # the same, of a line at the end of a loop's body
GUESSED = 0.85, 0.04  # what has to be left of that product; of what is held, what is not worth a word
SURE = 0.98, 0.01  # the same, for the sizes of the call
SMALL = 10_000  # bytes that are not worth a line: some vectors

Gone = dict[int, list[Tenure]]  # by the statement before which


def let_go(asm: Assembler, stmts: list[Any], starts: list[tuple[int, Op]]) -> list[Any]:
    """The statements of a function, with ``del`` where it pays; ``starts``: where operations begin."""
    shares = asm.graph.info.get("frees")
    if shares is None or not starts:
        return stmts
    ops = [op for _, op in starts]
    memory = Memory(asm, shares)
    guesses = memory.guesses(ops)
    if asm.graph.info.get("by_size") and not guesses[0].sure:
        return stmts  # (large arrays have a text of their own)
    if memory.most(ops, guesses[0]) < SMALL:
        return stmts
    made = made_for(stmts, starts)
    gone = chosen(asm, stmts, made, memory, guesses)
    out: list[Any] = []
    for n, s in enumerate(stmts):
        if n in gone:
            words = sorted((t.name for t in gone[n]), key=lambda word: word in asm.ahead.words)
            around = {getattr(x, "origin", None) for x in (s, *stmts[max(n - 1, 0) : n])}
            origin = around.pop() if len(around) == 1 else None  # (inside a group of statements)
            out += deletions(words, origin)
        out.append(s)
    return out


def chosen(
    asm: Assembler, stmts: list[Any], made: list[Op | None], memory: Memory, guesses: list[Guess]
) -> Gone:
    """What a function lets go; its loops as well, where less is held then."""

    def choice() -> Choice:
        for g in guesses:
            g.takes.clear()
        return Choice(*find_tenures(asm, stmts, made, memory), stmts, made, memory, guesses)

    inside = find_trips(asm, stmts, memory, guesses, memory.most([op for op in made if op], guesses[0]))
    first = choice()
    gone, price = first.best()
    inside = [t for t in inside if t.options]
    if not inside:
        return gone

    def tried(weighed: bool = True) -> tuple[Gone, float]:
        lines = sum(len(t.gone) for t in inside) if weighed else 0
        then, left = choice().best(first.before)
        return then, left * (1.0 + IN_LOOP * lines / first.lines)

    for t in inside:
        t.let_go(t.options[0])
    then, least = tried(weighed=False)
    if least >= first.worth * price:
        for t in inside:
            t.let_go({})
        return gone
    then, least = tried()
    for t in inside:
        for fewer in t.fewer():
            there = t.gone
            t.let_go(fewer)
            without, left = tried()
            if left <= least:
                then, least = without, left
            else:
                t.let_go(there)
    if least < first.worth * price:
        return then
    for t in inside:
        t.let_go({})
    return gone


def made_for(stmts: list[Any], starts: list[tuple[int, Op]]) -> list[Op | None]:
    """The operation that each statement is printed for; none for the last, which returns."""
    made: list[Op | None] = [None] * len(stmts)
    ends = [n for n, _ in starts[1:]] + [len(stmts) - 1]
    for (first, op), end in zip(starts, ends, strict=True):
        made[first:end] = [op] * (end - first)
    return made


class Choice(Choosing):
    """Which variables to let go, and before which statements."""

    def __init__(
        self,
        tenures: list[Tenure],
        lines: int,
        stmts: list[Any],
        made: list[Op | None],
        memory: Memory,
        guesses: list[Guess],
    ) -> None:
        super().__init__(tenures, stmts, made, memory)
        self.guesses, self.lines = guesses, lines
        self.guess = guesses[0]
        self.worth, self.few = SURE if self.guess.sure else GUESSED

    def best(self, before: list[float] | None = None) -> tuple[Gone, float]:
        """What is worth it, and what is left of what is held at most, times the lines of the text.

        ``before``: what would be held else, by each of the guesses.
        """
        ends = {t: t.end for held in self.holders.values() for t in held}
        taken, spans = self.taken(self.guess), self.spans(ends)
        now = held(self.guess, taken, spans)
        needed = held(self.guess, taken, self.spans({t: t.read for t in ends}))
        most, least = max(now), max(needed)
        self.before = before or [max(held(g, self.taken(g), spans)) for g in self.guesses]
        if most < SMALL:
            return {}, 1.0
        limits = [least + (most - least) * k / LEVELS for k in range(LEVELS)]
        tried = [self.within(limit, now) for limit in limits]
        guesses = self.guesses
        takes = [self.taken(g) for g in guesses]
        prices: dict[Any, float] = {}

        def price(gone: Gone) -> float:
            key = tuple((n, tuple(group)) for n, group in gone.items())
            if key not in prices:
                after = self.spans(ends | {t: n - 1 for n, group in gone.items() for t in group})
                each = zip(guesses, takes, self.before, strict=True)
                left = math.fsum(max(held(g, t, after)) / b for g, t, b in each) / len(guesses)
                prices[key] = left * (1.0 + LINE * len(gone) / self.lines)
            return prices[key]

        if not any(tried):
            return {}, price({})
        best = min(tried, key=price)
        for n in sorted(best):
            best = min(best, {m: group for m, group in best.items() if m != n}, key=price)
        return (best, price(best)) if price(best) < self.worth * price({}) else ({}, price({}))

    def within(self, limit: float, now: list[float]) -> Gone:
        """What is let go so that no more is held, as far as that can be; a line has all that is done with."""
        gone: Gone = {}
        over: set[Tenure] = set()
        now = list(now)
        for n in range(len(now)):
            if now[n] <= limit:
                continue
            for root in self.roots:
                size = self.guess.of(root)
                if size <= self.few * limit:
                    continue
                here = [t for t in self.holders[root] if t.start < n <= t.end and t not in over]
                if here and all(t.is_bound and t.read < n for t in here):
                    over.update(here)
                    gone.setdefault(n, []).extend(here)
                    for m in range(n, min(max(t.end for t in here) + 1, len(now))):
                        now[m] -= size
        return gone
