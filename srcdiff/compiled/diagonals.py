"""Loops over the rows of what is one at a diagonal and zero elsewhere, as directions of all inputs are.

Away from the diagonals every row is the same, if nothing else tells the rows apart: that row is computed
once, and each trip copies it and computes what lies near the diagonals.  The text is the same in both
places but for the diagonal, so that 0 * NaN is what it is in NumPy.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from srcdiff.compiled.nests import Access, Nest, Size, Statement, Store, conflict, same_size, touch
from srcdiff.compiled.texts import atleast, bare
from srcdiff.compiled.values import NUMPY_DTYPE

if TYPE_CHECKING:
    from srcdiff.compiled.elements import Statements

__all__ = ["Span", "equal", "rows"]

Span = tuple[int, int]  # columns, from the number of the row on: first, last
WIDEST = 16


def equal(lw: Statements, a: str, b: str) -> str:
    """One where two indices are equal."""
    if lw.far is None:
        return f"{lw.helper('where')}({a} == {b}, 1.0, 0.0)"
    lw.far.append((a, b))
    return "0.0"


def rows(lw: Statements, node: Nest, loops: tuple[str, str]) -> bool:
    """Write a loop over rows so, if it is one of these; False if it is not."""
    inner = [n for n in node.body if isinstance(n, Nest)]
    rest = [n for n in node.body if isinstance(n, Statement)]
    if not inner or node.size.is_one or any(n.size.is_one for n in inner):
        return False
    if any(not isinstance(s, Statement) for n in inner for s in n.body):
        return False
    if any(conflict(s, t, None) for s in rest for n in inner for t in n.members):
        return False
    found = Rows.of(inner)
    if found is None or not found.emit(lw, node, inner, loops):
        return False
    if rest:
        lw.nodes([Nest(node.size, rest, list(rest))], [])
    return True


class Rows:
    """Which arrays have a row for each trip, and what is read and written of it."""

    def __init__(self, axis: dict[Store, int]) -> None:
        self.axis = axis  # the one that goes along the row

    @classmethod
    def of(cls, inner: list[Nest]) -> Rows | None:
        members = [s for n in inner for s in straight(n)]
        written = {a.store for s in members for a in s.writes}
        axis: dict[Store, int] = {}
        for s in members:
            for a in (*s.reads, *s.writes):
                if None in a.ways:
                    return None
                turned = [w for w in a.ways if w is not None and w[0] == 0]
                if not turned:
                    if any(touch(a.store, t) for t in written):
                        return None
                    continue
                along = column(a)
                if along is None or a.store not in written or axis.setdefault(a.store, along) != along:
                    return None
        if any(x is not y and touch(x, y) for x in axis for y in axis):
            return None
        begun: set[Store] = set()
        for n in inner:
            for s in straight(n):
                reads = {a.store for a in s.reads}
                for a in s.writes:
                    if a.store in begun:
                        continue
                    size = a.store.sizes[axis[a.store]]
                    if a.store in reads or start(a, axis[a.store]) or not same_size(n.size, size):
                        return None
                    begun.add(a.store)
                if any(t in axis and t not in begun for t in reads):
                    return None
        return cls(axis)

    def emit(self, lw: Statements, node: Nest, inner: list[Nest], loops: tuple[str, str]) -> bool:
        full = [s for s in self.axis if len(s.axes) == 2]
        taken, helpers, uses = set(lw.taken), set(lw.kernel.helpers), {s: s.uses for s in self.axis}
        out, lw.out = lw.out, []
        before = {s: (s.name, s.kept) for s in full}
        for s in full:
            s.name = lw.fresh(f"{s.name}_far")
            s.kept = (self.axis[s],)
            size = s.sizes[self.axis[s]]
            lw.line(f"{s.name} = np.empty({bare(atleast(size))}, {NUMPY_DTYPE[s.dtype]})")
        masks: dict[Statement, set[int] | None] = {}
        for n in inner:
            self.loop(lw, n, loops, f"range({bare(str(n.size))})", masks)
        far, lw.out = lw.out, out
        copies = {s: s.name for s in full}
        for s in full:
            s.name, s.kept = before[s]
        plan = None
        if not any(re.search(rf"\b{loops[0]}\b", x) for x in far) and None not in masks.values():
            plan = self.spans(inner, {s: m for s, m in masks.items() if m}, full)
        if plan is None:
            lw.taken, lw.kernel.helpers = taken, helpers
            lw.numbers.clear()
            for s, count in uses.items():
                s.uses = count
            return False
        near, changed = plan
        lw.out += far
        lw.kernel.loops += len(inner) + 1
        i, j = loops
        lw.line(f"for {i} in range({bare(str(node.size))}):")
        lw.depth += 1
        places = {s: f"{s.name}[{', '.join(j if k == self.axis[s] else i for k in (0, 1))}]" for s in full}
        for s in full:
            lw.line(f"for {j} in range({bare(str(s.sizes[self.axis[s]]))}):")
            lw.line(f"    {places[s]} = {copies[s]}[{j}]")
        for n in inner:
            if n in near:
                self.loop(lw, n, loops, between(i, near[n], node.size, n.size), None)
        for s in full:
            for x in self.spoilt(s, near, changed.get(s)):
                lw.line(f"for {j} in {between(i, x, node.size, s.sizes[self.axis[s]])}:")
                lw.line(f"    {places[s]} = {copies[s]}[{j}]")
        lw.depth -= 1
        return True

    def loop(
        self,
        lw: Statements,
        n: Nest,
        loops: tuple[str, str],
        over: str,
        masks: dict[Statement, set[int] | None] | None,
    ) -> None:
        """One loop along a row; ``masks``: the diagonals of each statement are put there, and left out."""
        lw.line(f"for {loops[1]} in {over}:")
        lw.depth += 1
        for s in straight(n):
            lw.far = [] if masks is not None else None
            s.write(list(loops))
            if masks is not None:
                found = {diagonal(p, loops) for p in lw.far or ()}
                masks[s] = None if None in found else {c for c in found if c is not None}
        lw.far = None if masks is None else []
        lw.settle()
        lw.far = None
        lw.depth -= 1

    def spans(
        self, inner: list[Nest], masks: dict[Statement, set[int]], full: list[Store]
    ) -> tuple[dict[Nest, Span], dict[Store, Span]] | None:
        """The columns that each loop must go over near the diagonals, and those that it is right in then."""
        changed: dict[Store, Span] = {}
        for n in inner:
            for s in straight(n):
                own = [(c, c) for c in masks.get(s, ())]
                own += [moved(changed[a.store], -self.start(a)) for a in s.reads if a.store in changed]
                for a in s.writes:
                    here = [moved(x, self.start(a)) for x in own]
                    if here:
                        changed[a.store] = hull([*here, *([changed[a.store]] if a.store in changed else [])])
        changed = {s: x for s, x in changed.items() if s in full}
        if not changed:
            return None
        need = dict(changed)
        near: dict[Nest, Span] = {}
        for n in reversed(inner):
            members = straight(n)
            wanted = [
                moved(need[a.store], -self.start(a)) for s in members for a in s.writes if a.store in need
            ]
            if not wanted:
                continue
            near[n] = hull(wanted)
            for s in members:
                for a in s.reads:
                    if a.store in self.axis:
                        x = moved(near[n], self.start(a))
                        need[a.store] = hull([x, need[a.store]]) if a.store in need else x
        if any(b - a >= WIDEST for a, b in near.values()):
            return None
        return near, changed

    def spoilt(self, store: Store, near: dict[Nest, Span], right: Span | None) -> list[Span]:
        """The columns of an array that the loops near the diagonals write and do not get right."""
        wrote = [
            moved(x, self.start(a))
            for n, x in near.items()
            for s in straight(n)
            for a in s.writes
            if a.store is store
        ]
        if not wrote:
            return []
        a, b = hull(wrote)
        if right is None:
            return [(a, b)]
        return [x for x in ((a, right[0] - 1), (right[1] + 1, b)) if x[0] <= x[1]]

    def start(self, a: Access) -> int:
        return start(a, self.axis[a.store])


def straight(n: Nest) -> list[Statement]:
    return [s for s in n.body if isinstance(s, Statement)]


def column(a: Access) -> int | None:
    """The axis that goes along the rows, of what has one row in each trip."""
    if len(a.ways) != 2:
        return None
    for k in (0, 1):
        row, along = a.ways[1 - k], a.ways[k]
        if row == (0, "", 1) and along is not None and along[0] == 1 and along[2] == 1:
            return k if re.fullmatch(r"\d*", along[1]) else None
    return None


def start(a: Access, axis: int) -> int:
    way = a.ways[axis]
    assert way is not None
    return int(way[1] or "0")


def moved(x: Span, by: int) -> Span:
    return x[0] + by, x[1] + by


def hull(spans: list[Span]) -> Span:
    return min(a for a, _ in spans), max(b for _, b in spans)


def between(i: str, x: Span, rows: Size, columns: Size) -> str:
    """The columns of a span."""
    first = plus(i, x[0]) if x[0] >= 0 else f"max({plus(i, x[0])}, 0)"
    stop = plus(i, x[1] + 1)
    return f"range({first}, {stop if below(rows, columns, x[1]) else f'min({stop}, {bare(str(columns))})'})"


def plus(i: str, n: int) -> str:
    return i if not n else f"{i} {'+' if n > 0 else '-'} {abs(n)}"


def below(rows: Size, columns: Size, by: int) -> bool:
    """Whether there are at least as many columns as rows and ``by`` more."""
    if rows.text == columns.text:
        return rows.offset + by <= columns.offset
    return by <= 0 and same_size(rows, columns)


def diagonal(pair: tuple[str, str], loops: tuple[str, str]) -> int | None:
    """The column where two indices are equal, from the number of the row on."""
    seen: Counter[str] = Counter()
    total = 0
    for text in pair:
        m = re.fullmatch(r"\(?(?:(\d+) \+ )?(\w+)\)?", text)
        if m is None or m[2] not in loops:
            return None
        seen[m[2]] += 1
        offset = int(m[1] or "0")
        total += offset if m[2] == loops[0] else -offset
    return total if len(seen) == 2 else None
