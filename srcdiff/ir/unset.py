"""Values that no path has to set: what a branch or a loop binds first may not be there after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from srcdiff.ir.graph import Atom, LoopView, Struct, Undef, Val

__all__ = ["may_be_unset", "unset_among"]


def is_unset(a: Atom) -> bool:
    return isinstance(a, Undef)


def may_be_unset(a: Atom, unset: Callable[[Atom], bool] = is_unset) -> bool:
    """Whether there is a path on which nothing stands for a value: nobody may look at it then.

    Operations that a pass puts in, where the program has none of that value, look at it on all paths.
    """
    todo, seen = [a], set()
    while todo:
        a = todo.pop()
        if unset(a):
            return True
        if isinstance(a, Struct):
            todo += a.items
        elif isinstance(a, Val) and a not in seen:
            if a.unset:
                return True
            seen.add(a)
            todo += stands_for(a)
    return False


def unset_among(a: Atom) -> dict[str, Any]:
    """The attribute of an operation that puts away what may not be set."""
    return {"unset": True} if may_be_unset(a) else {}


def stands_for(v: Val) -> list[Atom]:
    """What a result of a branch, or a variable, element or result of a loop, is on the paths there are."""
    op = v.op
    if op is None:
        return []
    if op.code == "need":
        return [op.attrs["value"]]
    if op.code == "prim":  # the zero of what is not set is a number, a copy of it is none
        return op.ins if op.attrs.get("unset") else []
    at = op.outs.index(v) if v in op.outs else -1
    if not op.is_loop:
        return [r.results[at] for r in op.regions] if at >= 0 else []
    if not op.regions:
        return []
    view = LoopView(op)
    if v in view.elements:
        return [view.sources[view.elements.index(v)]]
    lists = [view.params, *(r.params for r in op.regions[:-1])]
    at = next((names.index(v) for names in lists if v in names), at)
    made = [*view.yields, *view.collected]
    return [*view.inits[at : at + 1], *made[at : at + 1]] if at >= 0 else []
