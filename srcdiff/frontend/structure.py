"""The structure of what a function is given: containers, functions, and the numbers and arrays in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from srcdiff.frontend import joins, objects
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Bound, Closure, Known, Loc, Partial, Plain
from srcdiff.ir.graph import Atom, Const, Ref, Struct, kind
from srcdiff.ir.kinds import Array, Kind, Maybe, Scalar, Seq, Simple, Tree

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["Leaf", "coarse", "dissect", "is_number"]

Leaf = tuple[str, Atom, tuple[Any, ...]]  # a number or array among the arguments, and the way to it


def dissect(
    lw: Lowerer,
    b: Bound,
    name: str,
    leaves: list[Leaf],
    fixed: list[Bound],
    way: tuple[Any, ...] = (),
    whole: frozenset[Any] = frozenset(),
    above: tuple[int, ...] = (),
) -> Any:
    """The structure of an argument; numbers and arrays go to ``leaves``, functions and such to ``fixed``.

    ``above``: the objects and containers that this one is in.
    """
    if way in whole and isinstance(b, Loc):
        leaves.append((name, lw.read(b), way))
        return ("whole", way)
    c = content(lw, b)
    if isinstance(c, Agg):
        both = zip(c.items, c.keys, strict=True)
        place = objects.adopt(lw, lw.settled(b))
        cell = lw.moved_to(place).cell if isinstance(place, Loc) else -1
        if cell in above:
            return ("above", len(above) - above.index(cell))
        above = (*above, cell) if cell >= 0 else above
        items = tuple(dissect(lw, x, f"{name}_{k}", leaves, fixed, (*way, k), whole, above) for x, k in both)
        return ("tree", c.type, c.keys, items, isinstance(b, Loc))
    if isinstance(c, Partial):
        fixed.append(c)
        parts = [c.fn, *c.args, *c.kwargs.values()]
        inner = (dissect(lw, x, name, leaves, fixed, above=above) for x in parts)
        return ("partial", tuple(c.kwargs), tuple(inner))
    if isinstance(c, Closure):
        fixed.append(c)
        items = tuple(dissect(lw, x, k, leaves, fixed, above=above) for k, x in c.defaults.items())
        return ("closure", id(c.node), c.frame.id, tuple(c.defaults), items)
    if isinstance(c, Known):
        fixed.append(c)
        return ("known", id(c.obj))
    if not isinstance(c, (Plain, Loc)) or joins.is_lazy(lw.state, c):
        fixed.append(c)
        return ("other", id(c))
    atom = lw.read(c)
    if isinstance(atom, Struct):
        return dissect(lw, lw.bind(atom), name, leaves, fixed, way, whole, above)
    if isinstance(atom, Ref) or (isinstance(atom, Const) and not is_number(atom)):
        fixed.append(c)
        return ("fixed", id(atom.obj) if isinstance(atom, Ref) else repr(atom.value))
    leaves.append((name, atom, way))
    return coarse(kind(atom))


def is_number(a: Const) -> bool:
    return isinstance(a.value, (int, float, complex)) and not isinstance(a.value, bool)


def coarse(k: Kind) -> Any:
    """What tells two kinds apart beyond sizes: dtype, number of dimensions, structure."""
    match k:
        case Scalar(dtype):
            return ("scalar", dtype)
        case Array(dtype, dims):
            return ("array", dtype, len(dims))
        case Seq(elem):
            return ("seq", coarse(elem))
        case Tree(type_, keys, items):
            return ("kinds", type_, keys, tuple(coarse(x) for x in items))
        case Simple(name):
            return ("simple", name)
        case Maybe(of):
            return ("maybe", coarse(of))
