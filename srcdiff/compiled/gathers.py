"""Stencils: what is added to one array at shifted places, read at shifted places instead, in one sweep.

``s[:-2] += a; s[1:-1] += b; s[2:] += c`` is ``s[i] += a[i] + b[i - 1] + c[i - 2]`` wherever all three have
something to say.  Elements near the edges get what falls on them one part after the other.  What is added to
an element is added in the order of the program, so no number differs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from srcdiff.compiled import threads
from srcdiff.compiled.nests import Access, Size, Statement, Store, Way, conflict, touch

if TYPE_CHECKING:
    from srcdiff.compiled.elements import Statements

__all__ = ["grouped"]

MOST = 48  # statements in one sweep

Box = tuple[tuple[int, int], ...]  # of each axis that is gone along: from, to


@dataclass(frozen=True, slots=True)
class Part:
    """A statement that writes to a box of an array, element by element."""

    statement: Statement
    loops: tuple[int, ...]  # the loop along each axis
    box: Box

    def at(self, place: list[tuple[str, int]]) -> list[str]:
        """The loops' own indices, for a place: of each axis a variable and what is added to it."""
        out = ["0"] * len(self.statement.space)
        for loop, (first, _), (var, n) in zip(self.loops, self.box, place, strict=True):
            out[loop] = moved(var, n - first)
        return out


def moved(var: str, n: int) -> str:
    """``var + n``."""
    if var == "0":
        return str(n)
    return var if not n else f"{n} + {var}" if n > 0 else f"{var} - {-n}"


@dataclass(eq=False, slots=True)
class Sweep:
    """Parts that write to one array, in the order of the program."""

    store: Store
    axes: tuple[int, ...]
    fixed: tuple[Way, ...]
    parts: list[Part] = field(default_factory=list)

    @property
    def union(self) -> Box:
        return tuple((min(a for a, _ in x), max(b for _, b in x)) for x in self.ranges())

    @property
    def inner(self) -> Box:
        return tuple((max(a for a, _ in x), min(b for _, b in x)) for x in self.ranges())

    def ranges(self) -> list[list[tuple[int, int]]]:
        return [[p.box[k] for p in self.parts] for k in range(len(self.axes))]

    @property
    def pays(self) -> bool:
        adders = [p for p in self.parts if p.statement.fills is None]
        return (
            2 <= len(adders) <= MOST
            and len({p.box for p in adders}) > 1
            and all(b - a > d - c - (b - a) for (a, b), (c, d) in zip(self.inner, self.union, strict=True))
        )

    def emit(self, lw: Statements) -> None:
        depth = len(self.axes)
        while len(lw.variables) < depth:
            lw.variables.append(lw.fresh("ijkl"[len(lw.variables)] if len(lw.variables) < 4 else "m"))
        lw.settle()
        names = lw.variables[:depth]
        start = lw.depth
        union, inner = self.union, self.inner
        lw.kernel.loops += depth
        part = self.part(lw) if depth > 1 else None
        if part is not None:
            a, b = union[0]
            part.begin(str(a), str(b))
            lw.line(f"for {names[0]} in range({part.first}, {part.last}):")
            lw.depth += 1
        for name, (a, b) in list(zip(names[:-1], union[:-1], strict=True))[part is not None :]:
            lw.line(f"for {name} in range({a}, {b}):" if a else f"for {name} in range({b}):")
            lw.depth += 1
        tests = within(names[:-1], inner[:-1], union[:-1])
        if tests:
            lw.line(f"if {tests}:")
            lw.depth += 1
        self.row(lw, names)
        if tests:
            lw.depth -= 1
            lw.line("else:")
            lw.depth += 1
            conditions = [within(names[:-1], p.box[:-1], union[:-1]) for p in self.parts]
            for own, parts in groupby(zip(conditions, self.parts, strict=True), lambda x: x[0]):
                if own:
                    lw.line(f"if {own}:")
                    lw.depth += 1
                for _, p in parts:
                    self.some(lw, p, names, *p.box[-1])
                if own:
                    lw.depth -= 1
        lw.depth = start

    def part(self, lw: Statements) -> threads.Part | None:
        """The loop over parts that threads share, if rows are worth it: each writes to its own."""
        if not lw.threads:
            return None
        spaces = [tuple(Size("", b - a, b - a) for a, b in p.box) for p in self.parts]
        looked_up = any(w is None for p in self.parts for a in p.statement.reads for w in a.ways)
        why = "it reads at places that an array holds" if looked_up else ""
        why = why or threads.small(self.union[0][1] - self.union[0][0], spaces)
        if why:
            lw.kernel.serial.append(why)
            return None
        return threads.Part(lw)

    def row(self, lw: Statements, names: list[str]) -> None:
        """A row on which every part has its say; its ends are done part by part."""
        first, last = self.inner[-1]
        for p in self.parts:
            self.some(lw, p, names, p.box[-1][0], first)
        var = names[-1]
        lw.line(f"for {var} in range({last - first}):")
        lw.depth += 1
        s = self.store
        place = lw.place_of(s, self.place([*names[:-1], moved(var, first)]), [])
        name, kept, uses = s.name, s.kept, s.uses
        s.name, s.kept, s.uses = lw.fresh(f"{name}_sum"), (), 0
        if not self.begins:
            lw.line(f"{s.name} = {place}")
        begun = [k for k, p in enumerate(self.parts) if p.statement.adds is None]
        for p in self.parts[max(begun, default=0) :]:  # what is written over before is not written
            p.statement.write(p.at([*((n, 0) for n in names[:-1]), (var, first)]))
        lw.settle()
        lw.line(f"{place} = {s.name}")
        s.name, s.kept, s.uses = name, kept, uses
        lw.depth -= 1
        for p in self.parts:
            self.some(lw, p, names, last, p.box[-1][1])

    @property
    def begins(self) -> bool:
        """Whether a part does not read what was there."""
        return any(p.statement.adds is None for p in self.parts)

    def place(self, names: list[str]) -> tuple[Way, ...]:
        ways: list[Way] = list(self.fixed)
        for k, n in zip(self.axes, names, strict=True):
            ways[k] = ("", n, 0)
        return tuple(ways)

    def some(self, lw: Statements, p: Part, names: list[str], first: int, last: int) -> None:
        """One part alone, along the last axis."""
        if first >= last:
            return
        var = names[-1]
        before = [(n, 0) for n in names[:-1]]
        if last == first + 1:
            p.statement.write(p.at([*before, ("0", first)]))
            lw.settle()
            return
        lw.line(f"for {var} in range({last - first}):")
        lw.depth += 1
        p.statement.write(p.at([*before, (var, first)]))
        lw.settle()
        lw.depth -= 1


def within(names: list[str], box: Box, union: Box) -> str:
    """The test whether a place is in a box, as far as it is not anyway."""
    out = []
    for n, (a, b), (c, d) in zip(names, box, union, strict=True):
        if a > c and b < d:
            out.append(f"{a} <= {n} < {b}")
        elif a > c:
            out.append(f"{n} >= {a}")
        elif b < d:
            out.append(f"{n} < {b}")
    return " and ".join(out)


def part_of(s: Statement) -> tuple[Sweep, Part] | None:
    """What a statement writes to, if that is a box of an array of known size."""
    if len(s.writes) != 1 or s.writes[0].store.dtype != "f8":
        return None
    w = s.writes[0]
    store = w.store
    others = [a.store for a in s.reads if a.store is not store]
    if any(touch(o, store) for o in others) or (s.adds is not store and len(others) < len(s.reads)):
        return None
    axes: list[int] = []
    loops: list[int] = []
    box: list[tuple[int, int]] = []
    fixed: list[Way] = []
    for k, way in enumerate(w.ways):
        if way is None:
            return None
        loop, start, step = way
        fixed.append(way)
        if loop == "" or not step:
            continue
        n = s.space[loop].dim
        first = int(start) if start.isdigit() else 0 if not start else -1
        if step != 1 or not isinstance(n, int) or first < 0 or loop in loops:
            return None
        axes.append(k)
        loops.append(loop)
        box.append((first, first + n))
        fixed[k] = None
    if not axes or any(not n.is_one and k not in loops for k, n in enumerate(s.space)):
        return None
    return Sweep(store, tuple(axes), tuple(fixed)), Part(s, tuple(loops), tuple(box))


def grouped(lw: Statements, segment: list[Statement]) -> list[Statement]:
    """The same statements, those that add to one array at shifted places put into one."""
    found: dict[tuple[Store, tuple[int, ...], tuple[Way, ...]], Sweep] = {}
    if all(s.adds is None for s in segment):
        return segment
    sweeps: list[Sweep] = []
    for s in segment:
        got = part_of(s)
        for open_key in list(found):  # what reads an array, or writes to it in another way, comes between
            if any(touch(a.store, open_key[0]) and s.adds is not open_key[0] for a in (*s.reads, *s.writes)):
                if got is None or got[0].store is not open_key[0]:
                    del found[open_key]
        if got is None:
            continue
        sweep, p = got
        key = sweep.store, sweep.axes, sweep.fixed
        if s.adds is None or key not in found:  # a new beginning
            before = found.get(key)
            if before is not None and all(q.statement.fills is not None for q in before.parts):
                sweep.parts += before.parts  # zeros, and what is put there first
                sweeps.remove(before)
            found[key] = sweep
            sweeps.append(sweep)
        found[key].parts.append(p)
    for sweep in sweeps:
        if sweep.pays:
            segment = together(lw, segment, sweep)
    return segment


def together(lw: Statements, segment: list[Statement], sweep: Sweep) -> list[Statement]:
    members = [p.statement for p in sweep.parts]
    inside = set(members)
    places = [n for n, s in enumerate(segment) if s in inside]
    first, last = places[0], places[-1] + 1
    between = segment[first:last]
    needed: set[Statement] = set()
    later: list[Statement] = []
    for s in reversed(between):
        if s not in inside:
            if any(conflict(s, t, None) for t in later):
                needed.add(s)
        if s in inside or s in needed:
            later.append(s)
    earlier: list[Statement] = []
    for s in between:
        if s in inside:
            earlier.append(s)
        elif any(conflict(t, s, None) for t in earlier):
            if s in needed:
                return segment
            earlier.append(s)
    for s in members:
        if s.fills is not None:
            lw.unfilled(s.fills)
    sweep_over = Statement((), lambda ix: sweep.emit(lw))
    sweep_over.reads = [Access(a.store, (None,) * len(a.ways)) for s in members for a in s.reads]
    sweep_over.writes = [Access(sweep.store, (None,) * len(sweep.fixed))]
    order = [s for s in between if s in needed]
    rest = [s for s in between if s not in needed and s not in inside]
    return [*segment[:first], *order, sweep_over, *rest, *segment[last:]]
