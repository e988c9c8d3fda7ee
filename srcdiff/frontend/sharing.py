"""Lists that lie in several places: a write that another name would miss is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from srcdiff.frontend import aliases
from srcdiff.frontend.scope import ELEMENTS, Agg, Bound, Loc
from srcdiff.frontend.words import parts_of
from srcdiff.ir.graph import UNDEF, kind
from srcdiff.ir.kinds import Seq

if TYPE_CHECKING:
    from srcdiff.frontend.core import Core

__all__ = ["cells_of", "check_shared", "holds", "is_list", "one_sort"]


def check_shared(lw: Core, cell: int, node: Any, itself: bool = True) -> None:
    """Refuse a write to what another live name or field may hold too, depending on the path taken."""
    longer = itself and is_list(lw, cell)  # its length changes, or which elements it has
    shares = lw.state.shares
    linked = aliases.near_to(shares, {cell}) if longer else aliases.linked(shares, cell)
    if longer:  # what it may lie in changes with it; lists that have elements in common with it do not
        among = {c for g in shares if cell in g and ELEMENTS in g for c in g - {ELEMENTS}}
        linked |= {c for c in among if depth_of(lw, c) > depth_of(lw, cell)}
    if len(linked) == 1:
        return
    after = lw.names_after()
    live = [(n, b) for (f, n), b in lw.state.names.items() if f not in after or n in after[f]]
    live += [("what is looped over", Loc(c)) for c in sorted(lw.looped) if c in lw.state.cells]
    for n, b in [*live, *lw.capture_vals.items()]:  # (what lies outside may be read again by any path)
        for label, c in holds(lw, n, b, set()):
            if c != cell and c in linked and one_sort(lw, c, cell, itself):
                lw.stop(
                    "aliasing", f"this may or may not change {label!r} as well", node,
                    note="two names may hold the same array or object here, depending on the path taken",
                    help="write into a copy (x = x.copy()), so that only one of them changes",
                )  # fmt: skip


def depth_of(lw: Core, cell: int) -> int:
    """How many lists of unknown length lie in one another in a cell."""
    k = kind(lw.state.cells.get(cell, UNDEF))
    n = 0
    while isinstance(k, Seq):
        k, n = k.elem, n + 1
    return n


def is_list(lw: Core, cell: int) -> bool:
    """Whether a list or the like lives in a cell, not an array."""
    held = lw.state.cells.get(cell, UNDEF)
    return isinstance(held, Agg) or isinstance(kind(held), Seq)


def one_sort(lw: Core, a: int, written: int, itself: bool) -> bool:
    """Whether a change of one cell may change another: a list that gets longer changes no array."""
    return is_list(lw, a) or not (itself and is_list(lw, written))


def holds(lw: Core, label: str, b: Bound, seen: set[int]) -> Iterator[tuple[str, int]]:
    """The cells that can be reached from a bound, and how."""
    if isinstance(b, Loc):
        b = lw.moved_to(b)
        yield label, b.cell
        if b.cell in seen or b.path:
            return
        seen.add(b.cell)
        b = lw.state.cells.get(b.cell, b)
    for part in parts_of(b):
        yield from holds(lw, label, part, seen)
    if isinstance(b, Agg):
        sort = "{}[{!r}]" if b.type in (tuple, list, dict) else "{}.{}"
        for k, item in zip(b.keys, b.items, strict=True):
            yield from holds(lw, sort.format(label, k), item, seen)


def cells_of(lw: Core, b: Bound) -> Iterator[int]:
    """The cells of an argument: its arrays, and its containers that can be changed."""
    if isinstance(b, Loc):
        yield b.cell
        b = lw.state.cells[b.cell]
    if isinstance(b, Agg):
        for item in b.items:
            yield from cells_of(lw, item)
