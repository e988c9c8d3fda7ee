"""What the trips of a loop will hand on, guessed from its text: the names it binds, the arrays it writes to.

A guess that the reading confirms saves a reading.  One that it does not confirm is dropped.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.frontend import joins
from srcdiff.frontend.scope import Loc, Plain, State, assigned_names, nodes_in
from srcdiff.ir.graph import Const, Val, kind
from srcdiff.ir.kinds import Array, Kind, Scalar

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["Misjudged", "check", "in_order", "likely"]


class Misjudged(Exception):
    """A guess was wrong."""


@lru_cache(maxsize=1024)
def changes(loop: Any) -> tuple[frozenset[str], frozenset[str]]:
    """The names that a loop binds, and those of the arrays to whose elements it writes."""
    stores = [n for n in nodes_in(loop) if isinstance(n, gast.Subscript) and isinstance(n.ctx, gast.Store)]
    written = frozenset(n.value.id for n in stores if isinstance(n.value, gast.Name))
    return assigned_names([loop]), written


def likely(lw: Lowerer, node: Any) -> dict[Any, Kind]:
    """What a loop will carry, if that is numbers and arrays alone; nothing if it is not."""
    if not isinstance(node, (gast.For, gast.While)):
        return {}
    start, own = lw.state, lw.frame.id
    bound, written = changes(node)
    names: dict[Any, Kind] = {}
    cells: set[int] = set()
    arrays = any(isinstance(x, Val) and isinstance(x.kind, Array) for x in start.cells.values())
    for key, b in start.names.items():
        if key[0] != own or key[1] not in bound | written:
            continue
        b = lw.settled(b)
        place = isinstance(b, Loc) and not b.path
        content = start.cells[b.cell] if place else b.atom if isinstance(b, Plain) else None
        if not isinstance(content, (Val, Const)) or not isinstance(k := kind(content), (Scalar, Array)):
            return {}
        if key[1] in bound:
            if arrays and isinstance(content, Const):
                return {}  # (a sum may become one)
            names["name", key, False] = Scalar(k.dtype, k.weak) if isinstance(k, Scalar) else k
        elif place:
            cells.add(b.cell)
    return {**{("cell", c): kind(x) for c, x in start.cells.items() if c in cells}, **names}


def check(
    lw: Lowerer, carried: dict[Any, Kind], wanted: dict[Any, Kind], before: State, end: State
) -> None:
    """Whether all that was guessed did change in the trip that was read, and is of the kind guessed."""
    for key, k in carried.items():
        if key[0] == "cell":
            same = end.cells[key[1]] is before.cells[key[1]]
        else:
            same = joins.same_bound(lw, end.names[key[1]], before.names.get(key[1]))
        other = not joins.similar(wanted[key], k) and not isinstance(wanted[key], Scalar)
        if same or other:  # (of what kind a number is, is found as without a guess)
            raise Misjudged


def in_order(wanted: dict[Any, Kind], start: State, end: State) -> dict[Any, Kind]:
    """What a loop carries, in the order in which it is found without a guess."""
    cells, names = list(start.cells), list(end.names)

    def place(key: Any) -> tuple[int, int]:
        if key[0] == "name":
            return 2, names.index(key[1])
        return (0, cells.index(key[1])) if key[0] == "cell" else (1, 0)

    return {key: wanted[key] for key in sorted(wanted, key=place)}
