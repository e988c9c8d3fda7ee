"""What the trips of a loop will hand on, guessed from its text: names it binds, arrays and lists it changes.

A guess that the reading confirms saves a reading.  One that it does not confirm is dropped.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.frontend import joins
from srcdiff.frontend.scope import Agg, Loc, Plain, State, assigned_names, children, nodes_in
from srcdiff.ir.graph import Const, Val, kind
from srcdiff.ir.kinds import NOTHING, Array, Kind, Scalar, Seq, join_all

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["Misjudged", "check", "in_order", "likely"]


class Misjudged(Exception):
    """A guess was wrong."""


@lru_cache(maxsize=1024)
def changes(loop: Any) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """The names that a loop binds, those of what it writes to elements of, and of lists it appends to."""
    written, grown = set(), set()
    for n in nodes_in(loop):
        if isinstance(n, gast.Subscript) and isinstance(n.ctx, gast.Store):
            while isinstance(n, gast.Subscript):
                n = n.value
            if isinstance(n, gast.Name):
                written.add(n.id)
        elif isinstance(n, gast.Call) and isinstance(n.func, gast.Attribute) and n.func.attr == "append":
            if isinstance(n.func.value, gast.Name):
                grown.add(n.func.value.id)
    return assigned_names([loop]), frozenset(written), frozenset(grown)


def likely(lw: Lowerer, node: Any) -> dict[Any, Kind]:
    """What a loop will carry, if that is numbers and arrays alone; nothing if it is not."""
    if not isinstance(node, (gast.For, gast.While)):
        return {}
    start, own = lw.state, lw.frame.id
    bound, written, grown = changes(node)
    changed = bound | written | grown
    names: dict[Any, Kind] = {}
    cells: dict[int, Kind] = {}
    for key, b in start.names.items():
        if key[0] != own or key[1] not in changed:
            continue
        b = lw.settled(b)
        place = isinstance(b, Loc) and not b.path
        content = start.cells[b.cell] if place else b.atom if isinstance(b, Plain) else None
        k: Kind | None = None
        if isinstance(content, Agg) and key[1] not in bound | written:
            k = as_any_length(lw, content)
        elif isinstance(content, (Val, Const)) and is_plain(kind(content), True):
            k = kind(content)
        if k is None:
            return {}
        if isinstance(content, Const) and key[1] in bound and becomes_array(lw, node, key[1]):
            return {}
        if key[1] in bound:
            names["name", key, False] = Scalar(k.dtype, k.weak) if isinstance(k, Scalar) else k
        elif place:
            cells[b.cell] = k
    return {**{("cell", c): cells[c] for c in start.cells if c in cells}, **names}


def becomes_array(lw: Lowerer, loop: Any, name: str) -> bool:
    """Whether a number to begin with is, by the looks of it, an array after a trip."""
    seen, todo = {name}, list(sources(loop).get(name, ()))
    while todo:
        e = todo.pop()
        if isinstance(e, gast.Name) and e.id not in seen:
            seen.add(e.id)
            todo += sources(loop).get(e.id, ())
            if rank_of(lw, e.id) > 0:
                return True
        elif isinstance(e, gast.Subscript) and isinstance(e.value, gast.Name):
            index = e.slice.elts if isinstance(e.slice, gast.Tuple) else [e.slice]
            taken = 0 if any(isinstance(i, gast.Slice) for i in index) else len(index)
            if rank_of(lw, e.value.id) > taken:
                return True
        elif isinstance(e, gast.For) and isinstance(e.iter, gast.Name):
            if rank_of(lw, e.iter.id) > 1:
                return True
        elif not isinstance(e, (gast.Call, gast.For)):
            todo += children(e)
    return False


@lru_cache(maxsize=1024)
def sources(loop: Any) -> dict[str, list[Any]]:
    """Of the names that a loop binds: the expressions, and the loops, that these are bound to."""
    out: dict[str, list[Any]] = {}
    for n in nodes_in(loop):
        if isinstance(n, (gast.Assign, gast.AugAssign, gast.For)):
            targets = n.targets if isinstance(n, gast.Assign) else [n.target]
            for t in (x for target in targets for x in nodes_in(target) if isinstance(x, gast.Name)):
                out.setdefault(t.id, []).append(n if isinstance(n, gast.For) else n.value)
    return out


def rank_of(lw: Lowerer, name: str) -> int:
    """The number of dimensions of what a name of the function is bound to; 0 if it is no array."""
    b = lw.settled(lw.state.names.get((lw.frame.id, name)))
    content = lw.state.cells[b.cell] if isinstance(b, Loc) and not b.path else None
    k = kind(content) if isinstance(content, Val) else None
    return len(k.dims) if isinstance(k, Array) else 0


def is_plain(k: Kind, listed: bool) -> bool:
    """Whether something is a number or an array, or, if that may be, a list of these."""
    if listed and type(k) is Seq:
        return k.elem == NOTHING or is_plain(k.elem, True)
    return isinstance(k, (Scalar, Array))


def as_any_length(lw: Lowerer, box: Agg) -> Kind | None:
    """The kind of a list of known numbers and arrays that will be appended to."""
    if box.type is not list:
        return None
    kinds = []
    for x in map(lw.settled, box.items):
        here = lw.state.cells[x.cell] if isinstance(x, Loc) and not x.path else x
        atom = here.atom if isinstance(here, Plain) else here
        if not isinstance(atom, (Val, Const)) or not is_plain(kind(atom), False):
            return None
        kinds.append(kind(atom))
    return Seq(join_all(kinds[0], tuple(kinds[1:])) if kinds else NOTHING)


def check(
    lw: Lowerer, carried: dict[Any, Kind], wanted: dict[Any, Kind], before: tuple[State, State], end: State
) -> None:
    """Whether all that was guessed did change in the trip that was read: of what kind it is, is found out.

    ``before``: the loop, and this trip. What is bound anew to what it was before the loop has not changed.
    """
    for key in carried:
        if key[0] == "cell":
            same = end.cells[key[1]] is before[1].cells[key[1]]
        else:
            now = end.names.get(key[1])  # (none: every path leaves before it is bound)
            same = now is None or any(joins.same_bound(lw, now, s.names.get(key[1])) for s in before)
        found = is_plain(wanted[key], True) or joins.similar(wanted[key], carried[key])
        if same or not found:
            raise Misjudged


def in_order(wanted: dict[Any, Kind], start: State, end: State) -> dict[Any, Kind]:
    """What a loop carries, in the order in which it is found without a guess."""
    cells, names = list(start.cells), list(end.names)

    def place(key: Any) -> tuple[int, int]:
        if key[0] == "name":
            return 2, names.index(key[1])
        return (0, cells.index(key[1])) if key[0] == "cell" else (1, 0)

    return {key: wanted[key] for key in sorted(wanted, key=place)}
