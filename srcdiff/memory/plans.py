"""Which loops keep what their pullback needs, and which are run again, so that a derivative fits into memory.

A loop *stores*; or each trip is run *again* once, from the loop's variables, which are kept for every trip;
or it is run again from *snapshots* of these.  Plans are tried by what they cost more, and the memory that
each of them takes is foreseen from the derivative that it gives.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from math import comb, inf

from srcdiff.errors import DerivativeValueError, Problem
from srcdiff.ir.amounts import written
from srcdiff.ir.checkpoints import checkpoint, is_marked
from srcdiff.ir.graph import (
    Atom,
    Const,
    Graph,
    LoopView,
    Op,
    Origin,
    Region,
    Val,
    clone,
    map_atom,
    vals,
    walk,
)
from srcdiff.ir.kinds import INT, OTHER
from srcdiff.ir.regions import replace_read
from srcdiff.memory.sizes import Sizes

__all__ = ["Choice", "Foreseen", "Loop", "Marks", "Plan", "find", "loops_of", "mark"]

AGAIN, SNAPSHOTS = "again", "snapshots"
Marks = tuple[tuple[int, str, int], ...]  # loops by number: how, and from how many snapshots
MOST = 3  # loops that are chosen for one by one; more of them are treated alike
STEP = 400  # bytes whose making takes as long as an operation by itself


# ---- the loops of a function
@dataclass
class Loop:
    """A loop: its number in the order of the text, the one around it, and what is known of its trips."""

    number: int
    around: Loop | None
    op: Op
    trips: int | None
    work: float
    inside: list[Loop] = field(default_factory=list)

    @property
    def origin(self) -> Origin | None:
        return self.op.origin


def loops_of(graph: Graph, sizes: Sizes) -> list[Loop]:
    """The loops that may be marked: none is in a block that is marked by the user."""
    out: list[Loop] = []

    def look(region: Region, around: Loop | None) -> None:
        for op in region.ops:
            here = around
            if is_marked(op):
                continue
            if op.is_loop:
                trips = sizes.once.get(op) if op not in sizes.unknown else None
                here = Loop(numbers[op], around, op, trips, work(op, sizes))
                out.append(here)
                if around is not None:
                    around.inside.append(here)
            for r in op.regions:
                look(r, here)

    numbers = {op: n for n, op in enumerate(o for o in walk(graph.region) if o.is_loop)}
    look(graph.region, None)
    return out


def work(loop: Op, sizes: Sizes) -> float:
    """How long all trips of a loop take, as bytes that are made."""
    inside = set(walk(LoopView(loop).body))
    made = sum(p.total for p in sizes.pieces.values() if p.at in inside)
    for op in (loop, *inside):
        if op.is_loop:
            made += STEP * len(LoopView(op).body.ops) * sizes.trips.get(op, 1)
    return float(made)


def mark(graph: Graph, marks: Marks, counts: dict[int, Val] | None = None) -> Graph:
    """The graph with the loops that are to be run again in blocks that say so.

    ``counts`` gets for each loop a parameter of the graph in the place of its number of snapshots.
    """
    new = clone(graph)[0]
    wanted = {number: (how, c) for number, how, c in marks}
    numbers = {op: n for n, op in enumerate(o for o in walk(new.region) if o.is_loop)}

    def look(region: Region) -> None:
        for n, op in enumerate(list(region.ops)):
            for r in op.regions:
                look(r)
            how, c = wanted.get(numbers.get(op, -1), ("", 0))
            if how == AGAIN:
                body = op.regions[-1]
                inside = {o for x in body.ops for o in x.outs}
                outs = [v for v in dict.fromkeys(vals(body.results)) if v in inside]
                whole = block(body.ops, outs, [], op.origin)
                body.ops = [whole]
                exchange(body, 1, dict(zip(outs, whole.outs, strict=True)))
            elif how == SNAPSHOTS:
                count: Atom = Const(c)
                if counts is not None:
                    count = counts[numbers[op]] = Val(f"snapshots{numbers[op]}", INT)
                    new.region.params.append(count)
                whole = block([op], op.outs, [count], op.origin)
                region.ops[n] = whole
                exchange(region, n + 1, dict(zip(op.outs, whole.outs, strict=True)))

    look(new.region)
    return new


def block(made: list[Op], outs: list[Val], ins: list[Atom], origin: Origin | None) -> Op:
    names = {"names": ("snapshots",)} if ins else {}
    op = Op("with", ins, attrs={"fn": checkpoint, "text": "checkpoint", **names}, origin=origin)
    op.outs = [o.again(op) for o in outs]
    op.regions = [Region([Val("entered", OTHER, op)], made, list(outs))]
    return op


def exchange(region: Region, start: int, table: dict[Val, Val]) -> None:
    """Read other values from operation ``start`` of a region on."""
    for op in region.ops[start:]:
        replace_read(op, table)
    region.results = [map_atom(lambda v: table.get(v, v), a) for a in region.results]


# ---- plans
@dataclass(frozen=True, slots=True)
class Choice:
    """What becomes of one loop.

    Attributes:
        file, line, text: the loop.
        how: ``"store"``, ``"again"`` (each trip is run again once) or ``"snapshots"``.
        snapshots: how many snapshots of its variables are held at most.
        trips: how many trips it has, if that is known.
        passes: how often each trip is run again, at most; None if the trips are not known.
    """

    file: str
    line: int
    text: str
    how: str
    snapshots: int
    trips: int | None
    passes: int | None

    @property
    def words(self) -> str:
        """What becomes of it, in words."""
        if self.how == "store":
            return "stores what it needs"
        if self.how == AGAIN:
            return "each trip is run again, from variables kept for each"
        many = f"{self.snapshots} snapshot{'s' if self.snapshots != 1 else ''}"
        if self.passes is None:
            return f"is run again from {many}, as often as its trips ask for"
        return f"is run again from {many}, each trip at most {self.passes} times"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a derivative is kept within a budget of memory.

    Attributes:
        budget: the bytes that it may take.
        foreseen: those that it will take, at most.
        stored: those that it would take if every loop stored what it needs; None if that is not known ahead.
        choices: what becomes of each loop; iterating over the plan gives these.
        marks: the same for the machine.
    """

    budget: int
    foreseen: int
    stored: int | None
    choices: tuple[Choice, ...]
    marks: Marks = ()

    def __iter__(self) -> Iterator[Choice]:
        return iter(self.choices)

    def __len__(self) -> int:
        return len(self.choices)

    def __str__(self) -> str:
        without = "not known ahead" if self.stored is None else written(self.stored)
        first = f"Memory: {written(self.foreseen)} of {written(self.budget)} (storing everything: {without})"
        return "\n".join([first, *(f"  line {c.line}: {c.text}: {c.words}" for c in self.choices)])


@dataclass
class Foreseen:
    """The memory of the derivative that marked loops give, from given numbers of snapshots."""

    peak: Callable[[dict[int, int]], int | None]  # by loop


def find(loops: list[Loop], budget: int, name: str, foresee: Callable[[Marks], Foreseen | None]) -> Plan:
    """The plan that costs least among those within the budget.

    ``foresee`` derives with some loops marked; None where that cannot be done.
    """
    nothing = foresee(())
    stored = nothing.peak({}) if nothing is not None else None
    if stored is not None and stored <= budget:
        return made(loops, budget, stored, stored, ())
    best: tuple[float, int, Marks] | None = None
    least = inf if stored is None else stored
    for ways in sorted(candidates(loops), key=lambda w: cost(loops, w)):
        if best is not None and cost(loops, ways) >= best[0]:
            break
        seen = foresee(ways)
        if seen is None:
            continue
        ones = {n: 1 for n, how, _ in ways if how == SNAPSHOTS}
        lowest = seen.peak(ones)
        if lowest is None:
            continue
        least = min(least, lowest)
        if lowest > budget:
            continue
        counts = as_many(loops, ones, budget, lowest, seen)
        peak = seen.peak(counts) if counts else lowest
        marks = tuple((n, how, counts.get(n, 0)) for n, how, _ in ways)
        total = cost(loops, marks)
        if peak is not None and peak <= budget and (best is None or total < best[0]):
            best = total, peak, marks
    if best is None:
        raise too_little(name, budget, least)
    return made(loops, budget, best[1], stored, best[2])


def too_little(name: str, budget: int, least: float) -> DerivativeValueError:
    if least == inf:
        return DerivativeValueError(
            Problem(
                "memory",
                f"how much memory the derivative of {name} takes is not known before it is run",
                help="leave memory= out, and mark its loops: for t in checkpoint(range(n), snapshots=c):",
            )
        )
    return DerivativeValueError(
        Problem(
            "memory",
            f"the derivative of {name} does not fit into {written(budget)}: it takes {written(int(least))}"
            " at least",
            note="that is with every loop run again that can be",
            help=f'give memory="{written(int(least * 1.05) + 1)}" or more',
        )
    )


def made(loops: list[Loop], budget: int, peak: int, stored: int | None, marks: Marks) -> Plan:
    ways = {n: (how, c) for n, how, c in marks}
    choices = []
    for x in loops:
        how, c = ways.get(x.number, ("store", 0))
        o = x.origin or Origin("", 0, "")
        again = None if x.trips is None and how == SNAPSHOTS else passes(x, how, c, ways)
        text = o.text.strip().split("\n")[0].rstrip(":")
        choices.append(Choice(o.file, o.line, text, how, c, x.trips, again))
    return Plan(budget, peak, stored, tuple(choices), marks)


def candidates(loops: list[Loop]) -> Iterator[Marks]:
    """Ways to treat loops: the innermost, the outermost, all of them."""
    inner = [x for x in loops if not x.inside]
    outer = [x for x in loops if x.around is None]
    seen: set[Marks] = set()
    for group in (inner, outer, loops):
        each: Iterable[tuple[str, ...]] = [(how,) * len(group) for how in (AGAIN, SNAPSHOTS)]
        if len(group) <= MOST:
            each = itertools.product(("", AGAIN, SNAPSHOTS), repeat=len(group))
        for ways in each:
            marks = tuple((x.number, how, 0) for x, how in zip(group, ways, strict=True) if how)
            if marks and marks not in seen:
                seen.add(marks)
                yield marks


Ways = dict[int, tuple[str, int]]


def passes(x: Loop, how: str, c: int, ways: Ways) -> int:
    """How often each trip of a loop is run again, at most."""
    if how != SNAPSHOTS:
        return 1 if how == AGAIN else 0
    n = x.trips if x.trips is not None else 2
    least = 1 if c == 0 else bisect_left(range(1, n + 1), n, key=lambda r: comb(c + r, r)) + 1
    alone = x.around is None or x.around.number in ways
    return least if alone else least + 1  # in a loop that stores, the forward sweep takes no snapshots


def cost(loops: list[Loop], marks: Marks) -> float:
    """What is computed again; without numbers of snapshots, at least."""
    ways = {n: (how, c) for n, how, c in marks}
    total = 0.0
    for x in loops:
        how, c = ways.get(x.number, ("", 0))
        if not how:
            continue
        often = float(passes(x, how, c, ways)) + (0.01 if how == SNAPSHOTS else 0.0)
        around = x.around
        while around is not None:
            often *= 1 + passes(around, *ways.get(around.number, ("", 0)), ways)
            around = around.around
        total += often * x.work
    return total


def as_many(
    loops: list[Loop], ones: dict[int, int], budget: int, lowest: int, seen: Foreseen
) -> dict[int, int]:
    """As many snapshots of each loop as are of use and fit."""
    by = {x.number: x for x in loops}
    each: dict[int, int] = {}
    for n in ones:
        two = seen.peak({**ones, n: 2 if (by[n].trips or 3) > 2 else 1})
        each[n] = max(1, (two or lowest) - lowest)
    left = budget - lowest
    counts = dict(ones)
    known = [n for n in ones if by[n].trips is not None]
    unknown = [n for n in ones if by[n].trips is None]
    for n in unknown:
        counts[n] = rounded(1 + left // (len(ones) * each[n]))
    left -= sum((counts[n] - 1) * each[n] for n in unknown)
    for r in range(1, 64):
        wanted = {n: fewest(by[n].trips or 1, r) for n in known}
        if sum((c - 1) * each[n] for n, c in wanted.items()) <= left:
            more = {n: rounded(c, up=True) for n, c in wanted.items()}
            fits = sum((c - 1) * each[n] for n, c in more.items()) <= left
            counts.update(more if fits else wanted)
            return counts
    for n in known:
        counts[n] = 1 + left // (len(known) * each[n])
    return counts


def fewest(n: int, r: int) -> int:
    """The fewest snapshots with which no trip of ``n`` is run again more than ``r`` times."""
    return bisect_left(range(1, n + 1), n, key=lambda c: comb(c + r, r)) + 1


def rounded(c: int, up: bool = False) -> int:
    """A number with two digits that count: derivatives for nearly the same sizes are the same."""
    digits: int = 10 ** max(0, len(str(c)) - 2)
    return (c + digits - 1 if up else c) // digits * digits
