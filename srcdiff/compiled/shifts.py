"""Sums into shifted places of one array: one loop that reads them all, instead of one that adds for each.

``s[i] += a[i]; s[i + 1] += b[i]; s[i + 2] += c[i]``, a loop each, is for all but the ends
``s[i + 2] += a[i + 2] + b[i + 1] + c[i]``.  Sums into an array may be done in any order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from srcdiff.compiled.nests import Nest, Statement, Store, Way, conflict

if TYPE_CHECKING:
    from srcdiff.compiled.elements import Statements

__all__ = ["Shifts", "gathered"]

Key = tuple[Store, tuple[Way, ...], int]  # what is added to, where but for the shift, along which axis


@dataclass(eq=False, slots=True)
class Shifts:
    """Statements that add along one loop, each with its shift."""

    size: int
    key: Key
    parts: list[tuple[Statement, int]] = field(default_factory=list)

    @property
    def width(self) -> int:
        shifts = [o for _, o in self.parts]
        return max(shifts) - min(shifts)

    def emit(self, lw: Statements, loops: list[str], var: str) -> None:
        first, last = min(o for _, o in self.parts), max(o for _, o in self.parts)
        for s, o in self.parts:
            self.edge(lw, s, [*loops, var], f"range({last - o})", last - o)
        store, ways, axis = self.key
        here: list[Way] = list(ways)
        here[axis] = (len(loops), str(last) if last else "", 1)
        place = lw.place_of(store, tuple(here), [*loops, var])
        lw.kernel.loops += 1
        lw.line(f"for {var} in range({self.size - self.width}):")
        lw.depth += 1
        name, kept, uses = store.name, store.kept, store.uses
        store.name, store.kept, store.uses = lw.fresh(f"{name}_sum"), (), 0
        lw.line(f"{store.name} = {place}")
        for s, o in self.parts:
            s.write([*loops, f"{last - o} + {var}" if last > o else var])
        lw.settle()
        lw.line(f"{place} = {store.name}")
        store.name, store.kept, store.uses = name, kept, uses
        lw.depth -= 1
        for s, o in self.parts:
            self.edge(lw, s, [*loops, var], f"range({first + self.size - o}, {self.size})", o - first)

    def edge(self, lw: Statements, s: Statement, loops: list[str], over: str, size: int) -> None:
        if not size:
            return
        lw.line(f"for {loops[-1]} in {over}:")
        lw.depth += 1
        s.write(loops)
        lw.settle()
        lw.depth -= 1


def gathered(nodes: list[Nest | Statement], depth: int) -> list[Nest | Statement | Shifts]:
    """The same loops, those that add to one array along it put together."""
    out: list[Nest | Statement | Shifts] = []
    run: list[Nest] = []
    for node in nodes:
        size = node.size.dim if isinstance(node, Nest) else None
        inner = isinstance(node, Nest) and all(isinstance(x, Statement) for x in node.body)
        fits = inner and isinstance(size, int) and size > 1
        if run and not (fits and run[0].size.dim == size):
            out += together(run, depth)
            run = []
        if fits:
            assert isinstance(node, Nest)
            run.append(node)
        else:
            out.append(node)
    return out + together(run, depth)


def together(run: list[Nest], depth: int) -> list[Nest | Statement | Shifts]:
    if not run:
        return []
    size = run[0].size.dim
    assert isinstance(size, int)
    found: dict[Key, Shifts] = {}
    for nest in run:
        for s in nest.body:
            assert isinstance(s, Statement)
            got = shift(s, depth)
            if got is not None and can_wait(s, nest, depth):
                key, o = got
                found.setdefault(key, Shifts(size, key)).parts.append((s, o))
    groups = [g for g in found.values() if len({o for _, o in g.parts}) > 1 and size > 2 * g.width]
    out: list[Nest | Statement | Shifts] = list(run)
    for g in groups:
        members = {s for s, _ in g.parts}
        order = [s for nest in run for s in nest.body if isinstance(s, Statement)]
        begin = min(order.index(s) for s in members)
        last = max(n for n, nest in enumerate(run) if members & set(nest.members))
        end = max(k for k, s in enumerate(order) if s in set(run[last].members))
        between = [s for s in order[begin : end + 1] if s not in members]
        if any(conflict(s, t, None) and order.index(t) > order.index(s) for s in members for t in between):
            continue
        at = out.index(run[last])
        out.insert(at + 1, g)
        for nest in run:
            nest.body = [s for s in nest.body if s not in members]
            nest.members = [s for s in nest.members if s not in members]
    return [n for n in out if not isinstance(n, Nest) or n.body]


def shift(s: Statement, depth: int) -> tuple[Key, int] | None:
    """What a statement adds to along a loop, and how far it is shifted."""
    if s.adds is None or len(s.writes) != 1 or s.writes[0].store is not s.adds or s.adds.dtype != "f8":
        return None
    ways = s.writes[0].ways
    axes = [k for k, w in enumerate(ways) if w is None or w[0] == depth]
    if len(axes) != 1 or axes[0] not in s.adds.axes:
        return None
    way = ways[axes[0]]
    if way is None or way[2] != 1 or not (way[1] or "0").isdigit():
        return None
    rest = tuple(None if k == axes[0] else w for k, w in enumerate(ways))
    return (s.adds, rest, axes[0]), int(way[1] or "0")


def can_wait(s: Statement, nest: Nest, depth: int) -> bool:
    """Whether what a statement reads of the others in its loop is still there after the loop."""
    made = {a.store for t in nest.body if isinstance(t, Statement) and t is not s for a in t.writes}
    return all(
        any(w is not None and w[0] == depth and k in a.store.axes for k, w in enumerate(a.ways))
        for a in s.reads
        if a.store is not s.adds and a.store in made
    )
