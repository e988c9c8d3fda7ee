"""Loops over elements: statements on whole arrays, put together into as few loops as their order allows.

A statement has a *space*, the loops that it stands in.  It reads and writes *stores*, and says of each access
how the place depends on its loops.  Two statements may share a loop if every pair of accesses to one store,
of which one writes, is apart in different trips: both move with that loop along one axis in one way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from srcdiff.ir.kinds import Dim, Sym, is_top, members

__all__ = [
    "Access", "Fold", "Nest", "Size", "Statement", "Store", "apart", "conflict", "paths", "running",
    "same_size", "schedule", "touch",
]  # fmt: skip


MANY = 32  # elements in a loop: of less, no loop of its own is worth it


@dataclass(frozen=True, slots=True)
class Size:
    """The size of an axis: a text and a number to add to it; its symbol, where that is known."""

    text: str
    offset: int = 0
    dim: Dim | None = None

    def __str__(self) -> str:
        if not self.text:
            return str(self.offset)
        if not self.offset:
            return self.text
        return f"({self.text} {'+' if self.offset > 0 else '-'} {abs(self.offset)})"

    @classmethod
    def of(cls, text: str, dim: Dim | None = None) -> Size:
        """The size that a text names: a number is one."""
        return cls("", int(text), int(text)) if text.isdigit() else cls(text, 0, dim)

    def plus(self, n: int) -> Size:
        d = self.dim
        dim = (
            d + n
            if isinstance(d, int)
            else Sym(d.id, d.offset + n, d.big and not n)
            if d is not None
            else None
        )
        return Size(self.text, self.offset + n, dim)

    @property
    def is_one(self) -> bool:
        return self.dim == 1 or (not self.text and self.offset == 1)

    @property
    def never_one(self) -> bool:
        d = self.dim
        return (isinstance(d, int) and d != 1) or (isinstance(d, Sym) and d.big and not d.offset)


def settled(d: Dim | None) -> bool:
    return d is not None and not (isinstance(d, Sym) and (is_top(d) or len(members(d)) > 1))


def same_size(a: Size, b: Size) -> bool:
    """Whether two sizes are equal for sure."""
    return (a.text == b.text and a.offset == b.offset) or (a.dim == b.dim and settled(a.dim))


@dataclass(eq=False, slots=True)
class Store:
    """Numbers in memory: an array of the kernel, or one number."""

    name: str
    dtype: str
    sizes: tuple[Size, ...]
    roots: frozenset[Any] = frozenset()
    fresh: bool = False  # made by one statement, and changed by none but those that make it
    escapes: bool = False
    kept: tuple[int, ...] | None = None  # of a fresh one: the axes that it needs
    uses: int = 0
    fill: str = ""
    again: Callable[[list[str]], str] | None = None  # computed where it is read, instead
    born: int = field(default_factory=count().__next__)
    new: bool = False  # memory of its own, made here: what was in variables before lies elsewhere
    apart: set[Store] = field(default_factory=set)  # what lies elsewhere in all trips

    @property
    def axes(self) -> tuple[int, ...]:
        return tuple(range(len(self.sizes))) if self.kept is None else self.kept


# How an axis of a store is gone along: (loop, start, step), or ("", text, 0) for a fixed place, or None.
Way = tuple[Any, str, int] | None


@dataclass(slots=True)
class Access:
    store: Store
    ways: tuple[Way, ...]
    turns: tuple[tuple[int, int], ...] = ()  # loops along which it is moved round, and where the ends meet


@dataclass(frozen=True, slots=True)
class Fold:
    """What a statement does with a number: a step that takes what was there, and what it started from."""

    store: Store
    start: str
    step: str  # {0} is the number, {1} what comes to it


@dataclass(eq=False, slots=True)
class Statement:
    space: tuple[Size, ...]
    write: Callable[[list[str]], None]  # given the names of the loops
    reads: list[Access] = field(default_factory=list)
    writes: list[Access] = field(default_factory=list)
    adds: Store | None = None  # what it does nothing to but add: such statements may change places
    fills: Store | None = None  # of an array of zeros: memory may come with them instead
    value: Callable[[list[str]], str] | None = None  # of an array that is made: the text of an element
    folds: Fold | None = None  # of a sum, or the like: it may be made in parts
    weight: int = 99  # what the value of an element costs, in operations
    takes_whole: bool = False  # whether it is a call that takes arrays: they are made in memory
    in_turn: int = -1  # the loop whose trips are done one by one (running sums, places that are looked up)
    is_dear: bool = False  # whether it is quick where many elements are done at once, else slow (exp, sin)


@dataclass(eq=False, slots=True)
class Nest:
    """A loop, with what stands in it."""

    size: Size
    members: list[Statement]
    body: list[Nest | Statement] = field(default_factory=list)


def touch(a: Store, b: Store) -> bool:
    """Whether two arrays may lie in the same memory.

    Roots hold for all trips of a loop. A variable set before an array is made has what earlier trips made.
    """
    if a is b:
        return True
    if a.fresh or b.fresh or not a.roots & b.roots or b in a.apart or a in b.apart:
        return False
    return not (a if a.born > b.born else b).new


def conflict(s: Statement, t: Statement, depth: int | None) -> bool:
    """Whether two statements must keep their order; with a depth: also inside one loop there.

    Sums into one array may be done in any order.
    """
    free = s.adds if s.adds is not None and s.adds is t.adds else None
    for a, b in meetings(s, t):
        if free is not None and a.store is free and b.store is free:
            continue
        if depth is None or not apart(a, b, depth):
            return True
    return False


def meetings(s: Statement, t: Statement) -> Iterator[tuple[Access, Access]]:
    """Accesses of two statements to one store, of which one writes."""
    for mine, theirs in ((s.writes, t.reads), (s.writes, t.writes), (s.reads, t.writes)):
        for a in mine:
            for b in theirs:
                if touch(a.store, b.store):
                    yield a, b


def elsewhere(s: Statement, t: Statement) -> bool:
    """Whether two statements meet in one store at different places: their loop would be no vector loop."""
    return any(a.ways != b.ways for a, b in meetings(s, t))


def slows(s: Statement, t: Statement, depth: int) -> bool:
    """Whether one of two statements would be done element by element in a loop, because of the other."""
    n = s.space[depth].dim
    if isinstance(n, int) and n < MANY:
        return False
    return (s.in_turn == depth and t.is_dear) or (t.in_turn == depth and s.is_dear)


def apart(a: Access, b: Access, depth: int) -> bool:
    """Whether different trips of the loop at a depth never meet at one place."""
    if a.store is not b.store:
        return False
    return any(
        x is not None and x == y and x[0] == depth and x[2] for x, y in zip(a.ways, b.ways, strict=True)
    )


def schedule(statements: list[Statement], depth: int = 0) -> list[Nest | Statement]:
    """Statements that share all loops outside ``depth``, put into loops."""
    out: list[Nest | Statement] = []
    for s in statements:
        loops = any(not n.is_one for n in s.space[depth:])
        inner = len(s.space) == depth + 1
        at, target = -1, None
        for n in range(len(out) - 1, -1, -1):
            node = out[n]
            group = node.members if isinstance(node, Nest) else [node]
            fits = loops and isinstance(node, Nest) and same_size(node.size, s.space[depth])
            fits = fits and not (inner and any(elsewhere(s, t) or slows(s, t, depth) for t in group))
            if any(conflict(s, t, None) for t in group):
                at = n
                if fits and not any(conflict(s, t, depth) for t in group):
                    target = n
                break
            if fits:
                target = n
        if target is not None:
            node = out[target]
            assert isinstance(node, Nest)
            node.members.append(s)
        elif loops:
            out.insert(len(out) if s.reads else at + 1, Nest(s.space[depth], [s]))
        else:
            out.insert(at + 1, s)
    for node in out:
        if isinstance(node, Nest):
            node.body = schedule(node.members, depth + 1)
    return out


def paths(nodes: list[Nest | Statement], prefix: tuple[Nest, ...] = ()) -> dict[Statement, tuple[Nest, ...]]:
    """The loops around each statement."""
    out: dict[Statement, tuple[Nest, ...]] = {}
    for node in nodes:
        if isinstance(node, Nest):
            out.update(paths(node.body, (*prefix, node)))
        else:
            out[node] = prefix
    return out


def contract(nodes: list[Nest | Statement]) -> None:
    """What is made and used in the same trip of a loop needs no axis for that loop."""
    where = paths(nodes)
    found: dict[Store, list[tuple[Access, tuple[Nest, ...]]]] = {}
    for s, path in where.items():
        for a in (*s.reads, *s.writes):
            if a.store.fresh:
                found.setdefault(a.store, []).append((a, path))
    for store, accesses in found.items():
        if store.escapes:
            store.kept = None
            continue
        first, path = accesses[0]
        common = 0
        while common < len(path) and all(len(p) > common and p[common] is path[common] for _, p in accesses):
            common += 1
        kept = []
        for k in range(len(store.sizes)):
            w = first.ways[k]
            bound = w is not None and isinstance(w[0], int) and w[0] < common and w[2]
            if not (bound and all(a.ways[k] == w for a, _ in accesses)) and not store.sizes[k].is_one:
                kept.append(k)
        store.kept = tuple(kept)


def running(node: Nest, depth: int) -> list[tuple[Store, tuple[Way, ...]]]:
    """The elements that an innermost loop reads and writes in every trip: variables in the meantime."""
    if any(isinstance(s, Nest) for s in node.body):
        return []
    accesses = [a for s in node.members for a in (*s.reads, *s.writes)]
    out: dict[Store, tuple[Way, ...]] = {}
    for s in node.members:
        for a in s.writes:
            store = a.store
            if store.dtype not in ("f8", "c16") or not store.axes or store in out or None in a.ways:
                continue
            fixed = all(w is not None and (w[0] == "" or w[0] < depth or not w[2]) for w in a.ways)
            again = any(b.store is store for b in s.reads)
            if fixed and again and all(b.ways == a.ways for b in accesses if touch(b.store, store)):
                out[store] = a.ways
    return list(out.items())
