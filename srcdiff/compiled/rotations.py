"""Arrays that a loop hands round (``u_prev, u = u, u_next``): which of its variables never are one array."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from srcdiff.compiled.nests import Store, touch
from srcdiff.compiled.values import Rep, View
from srcdiff.ir.graph import Atom, LoopView, Val

if TYPE_CHECKING:
    from srcdiff.compiled.control import Control

__all__ = ["told_apart"]


def told_apart(lw: Control, view: LoopView, carried: list[Rep]) -> None:
    """Mark the arrays of a loop's variables that lie apart before the first trip and after each.

    Taken to be apart at the start of a trip, two are apart at its end if they hold then what two others
    held, or what the trip made.
    """
    stores = {k: c.store for k, c in enumerate(carried) if isinstance(c, View)}
    ends = {k: lw.start_of(view.yields[k]) for k in stores}
    stay = {k for k in stores if ends[k] is view.params[k]}
    starts = {k: stores[k] if k in stay else start(lw, view.inits[k]) for k in stores}
    made = {v for k, v in ends.items() if v is not None and is_made(lw, v, view)}
    place = {p: k for k, p in enumerate(view.params)}

    def at_first(p: int, q: int) -> bool:
        a, b = starts[p], starts[q]
        return stores[p] is not stores[q] and (a is None or b is None or not touch(a, b))

    def after(p: int, q: int) -> bool:
        a, b = ends[p], ends[q]
        if a is b or not all(v in made or v in place for v in (a, b)):
            return False
        return a in made or b in made or frozenset((place[a], place[b])) in pairs  # type: ignore[index]

    pairs = {frozenset((p, q)) for p, q in combinations(stores, 2) if at_first(p, q)}
    while True:
        wrong = {pair for pair in pairs if not after(*pair)}
        if not wrong:
            break
        pairs -= wrong
    for p, q in pairs:
        stores[p].apart.add(stores[q])


def start(lw: Control, a: Atom) -> Store | None:
    """The memory that a variable starts with; None for a copy made for it."""
    if not isinstance(a, Val):
        return None
    r = lw.rep(a)
    if isinstance(r, View):
        return r.store if r.whole and r.store.kept is None else None
    return None


def is_made(lw: Control, v: Val, view: LoopView) -> bool:
    """Whether each trip makes a value anew, in memory of its own."""
    return v.op is not None and v.op in view.body.ops and lw.memory(v) == {v}
