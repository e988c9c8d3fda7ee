"""What may be one thing: pairs of cells, of which two names may hold one at run time.

``State.shares`` is this relation, whole: what may be one thing is in it as a pair, however it came about.
A group with ``ELEMENTS`` in it says less: what lives *in* its cells may be shared.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from srcdiff.frontend import sharing
from srcdiff.frontend.scope import ELEMENTS, Bound, State

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["Loops", "Meeting", "linked", "may_be", "near_to", "parts_of"]

Shares = frozenset[frozenset[int]]
Part = tuple[Any, str]  # a variable of a loop, and the way to a cell in it


def near_to(shares: Shares, cells: Iterable[int]) -> frozenset[int]:
    """Some cells, and what may be one of them."""
    found = frozenset(cells)
    return found.union(*(g for g in shares if ELEMENTS not in g and g & found))


def linked(shares: Shares, cell: int) -> frozenset[int]:
    """What a write to a cell may change: what may be the same; where elements are shared, all these are."""
    around = {g for g in shares if cell in g}
    found = frozenset({cell}).union(*around)
    direct, rest = found, set(shares)
    while more := {g for g in rest - around if (g & found) - {ELEMENTS}}:
        around |= more
        found = found.union(*more)
    return found if any(ELEMENTS in g for g in around) else direct


def may_be(state: State, new: Iterable[int], cells: Iterable[int]) -> None:
    """Each of some new cells may be what some cells hold."""
    near = near_to(state.shares, cells)
    state.shares |= pairs(itertools.product(new, near))


def pairs(both: Iterable[tuple[int, int]]) -> Shares:
    return frozenset(frozenset(p) for p in both if p[0] != p[1])


class Meeting:
    """Two paths that meet: what is new after them, and what it is on each.

    Two new cells may be one thing if they are on one of the paths: names that change places never are.
    """

    def __init__(self, *states: State) -> None:
        self.states = states
        self.made: dict[int, tuple[set[int], set[int]]] = {}

    def add(self, state: State, new: Iterable[int], were: tuple[set[int], set[int]]) -> None:
        """``new`` cells of ``state``, after the paths, are what ``were`` is on each of them."""
        near = [near_to(s.shares, cells) for s, cells in zip(self.states, were, strict=True)]
        for m in new:
            others = (n for n, both in self.made.items() if near[0] & both[0] or near[1] & both[1])
            state.shares |= pairs((m, c) for c in itertools.chain(near[0] | near[1], others))
            self.made[m] = were


class Loops:
    """What the variables of a loop may be: of its trips together, so found by reading the body again."""

    def __init__(self) -> None:
        self.before: set[tuple[Part, int]] = set()  # a variable, and a cell from before the loop
        self.among: set[frozenset[Part]] = set()  # two variables
        self.inside: set[tuple[Part, int]] = set()  # a variable that lies in a list from before the loop
        self.kept: Shares = frozenset()  # of what was there before the loop

    def size(self) -> int:
        """What is known; it only grows."""
        return len(self.before) + len(self.among) + len(self.inside) + len(self.kept)

    def add(self, shares: Shares, held: dict[Part, set[int]], known: Collection[int]) -> None:
        """What holds where a trip begins: after the statements before the loop, or after a trip."""
        near = {p: near_to(shares, cells) for p, cells in held.items()}
        for p, cells in near.items():
            self.before |= {(p, c) for c in cells if c in known}
            among = {c for g in shares if ELEMENTS in g and g & cells for c in g - cells}
            self.inside |= {(p, c) for c in among if c in known}
        for p, q in itertools.combinations(held, 2):
            if near[p] & held[q]:
                self.among.add(frozenset({p, q}))
        self.kept |= {g for g in shares if all(c in known for c in g - {ELEMENTS})}

    def put(self, state: State, cells: dict[Part, set[int]]) -> None:
        """The relation of the variables, as ``cells`` hold them."""
        found = [(c, o) for p, o in self.before for c in cells.get(p, ())]
        for p, q in self.among:
            found += itertools.product(cells.get(p, ()), cells.get(q, ()))
        inside = {frozenset({c, o, ELEMENTS}) for p, o in self.inside for c in cells.get(p, ()) if c != o}
        state.shares |= pairs(found) | inside | self.kept


def parts_of(
    lw: Lowerer,
    state: State,
    bounds: Iterable[tuple[Any, Bound | None]],
    like: Collection[Part] | None = None,
) -> dict[Part, set[int]]:
    """The cells in some variables, by the way to each.

    What lies deeper than the parts ``like`` is in these: what a list holds is in the list.
    """
    old, lw.state = lw.state, state
    out: dict[Part, set[int]] = {}
    try:
        for key, b in bounds:
            for way, cell in sharing.holds(lw, "", b, set()) if b is not None else ():
                part = (key, way)
                if like is not None and part not in like:
                    around = [p for p in like if p[0] == key and way.startswith(p[1])]
                    if not around:
                        continue
                    part = max(around, key=lambda p: len(p[1]))
                if key[0] != "cell" or part[1]:  # a cell that a loop changes is itself, always
                    out.setdefault(part, set()).add(cell)
    finally:
        lw.state = old
    return out
