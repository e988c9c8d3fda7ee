"""Functions that change from trip to trip of a loop: one of a few, carried as flags that say which.

``self.state = self.run`` in a trip makes ``self.state`` one of the methods that it is before the loop and
after some trip.  A loop carries no functions, but for each of them except for the last whether it is the one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from srcdiff.frontend.joins import same_bound
from srcdiff.frontend.scope import Agg, Bound, Closure, Either, Known, Loc, Method, Partial, Plain
from srcdiff.ir.graph import Atom, Const, Struct
from srcdiff.ir.kinds import BOOL, Kind, Tree
from srcdiff.ir.records import dataclass

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["ChoiceType", "common_choice", "which"]

MOST = 8  # functions that a variable of a loop may be


@dataclass(frozen=True, slots=True, eq=False)
class ChoiceType:
    """What a variable may be; a loop carries flags, not the thing."""

    options: tuple[Bound, ...]

    def place(self, flags: list[Any]) -> Bound:
        b = self.options[-1]
        for flag, option in zip(reversed(flags), reversed(self.options[:-1]), strict=True):
            b = Either(flag, option, b)
        return b


def common_choice(lw: Lowerer, start: Any, first: Bound | None, last: Bound, k: Any = None) -> Kind | None:
    """How a loop carries what is ``first`` before it and ``last`` after a trip; ``k``: how it does by now."""
    found: list[Bound] = list(k.type.options) if k is not None else []
    for b in (first, last):
        for option in ends(lw, b):
            if not is_still(lw, start, option):
                return None
            if not any(same_bound(lw, option, x) for x in found):
                found.append(option)
    if k is not None and len(found) == len(k.type.options):
        return k  # type: ignore[no-any-return]
    if len(found) < 2 or len(found) > MOST:
        return None
    names = tuple(named(b) or str(n) for n, b in enumerate(found[:-1]))
    keys = names if len(set(names)) == len(names) else tuple(map(str, range(len(names))))
    return Tree(ChoiceType(tuple(found)), keys, (BOOL,) * len(keys))


def ends(lw: Lowerer, b: Bound | None) -> list[Bound]:
    """All that a bound may be."""
    b = lw.settled(b)
    if isinstance(b, Either):
        return [*ends(lw, b.then), *ends(lw, b.other)]
    return [] if b is None else [b]


def is_still(lw: Lowerer, start: Any, b: Bound) -> bool:
    """Whether something is the same in every trip: nothing that a trip has made is in it."""
    b = lw.settled(b)
    if isinstance(b, Loc):
        return not b.path and b.cell in start.cells
    if isinstance(b, Partial):  # (a bound method is one of its function)
        return all(is_still(lw, start, x) for x in (b.fn, *b.args, *b.kwargs.values()))
    if isinstance(b, Method):
        return is_still(lw, start, b.owner)
    if isinstance(b, Closure):
        made_before = any(frame == b.frame.id for frame, _ in start.names)
        return made_before and all(is_still(lw, start, x) for x in b.defaults.values())
    return isinstance(b, Known) or (isinstance(b, Plain) and isinstance(b.atom, Const))


def named(b: Bound) -> str:
    if isinstance(b, Partial):
        return named(b.fn)
    name = b.name if isinstance(b, (Method, Closure)) else getattr(getattr(b, "obj", None), "__name__", "")
    return name if str(name).isidentifier() else ""


def which(lw: Lowerer, k: Any, b: Bound | None, node: Any) -> Atom:
    """The flags of what a bound is, as a value of the kind that stands for it."""
    flags = lw.settled(flags_of(lw, k.type.options, b, node))
    return Struct(k.type, k.keys, tuple(lw.read(x) for x in flags.items))


def flags_of(lw: Lowerer, options: tuple[Bound, ...], b: Any, node: Any) -> Bound:
    b = lw.settled(b)
    if isinstance(b, Either):  # (the test of what is meant on one path only is not to be asked on the other)
        then, other = b.then, b.other
        return lw.choose(
            b.test, lambda: flags_of(lw, options, then, node), lambda: flags_of(lw, options, other, node),
            node, "if",
        )  # fmt: skip
    at = tuple(Plain(Const(same_bound(lw, b, x))) for x in options[:-1])
    return Agg(tuple, tuple(range(len(at))), at)
