"""Calls that look at names, text or objects rather than compute: resolved now, or refused."""

from __future__ import annotations

import copy
import inspect
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.frontend import higher, places
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Args, Bound, Kw, Loc, Plain
from srcdiff.ir import ops
from srcdiff.ir.graph import kind
from srcdiff.ir.kinds import UNKNOWN, Array, Map, Maybe, Seq

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["HANDLERS"]


INSTEAD = {
    exec: "write the statements into the function",
    eval: "write the expression into the function, or choose between functions with if",
    compile: "write the statements into the function",
    locals: "use the variables themselves, or a dict of them",
    globals: "use the variables themselves",
    vars: "use the attributes themselves, or a dict",
    dir: "compute it outside the function, and pass it as an argument",
    inspect.currentframe: "use the variables themselves",
    inspect.stack: "use the variables themselves",
    sys._getframe: "use the variables themselves",
}


def refused(fn: Any) -> Any:
    def handler(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
        lw.stop(
            "reflection", f"{fn.__name__}() cannot be read through", node,
            note="what it reads or does is known only when the program runs", help=INSTEAD[fn],
        )  # fmt: skip

    return handler


# ---- copies -----------------------------------------------------------------------------------------


def _copy(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    """``copy.copy``: a container of its own, of the same parts."""
    c = content(lw, args[0])
    if isinstance(c, Agg):
        new = Agg(c.type, c.keys, c.items)
        return Loc(lw.state.new_cell(new)) if isinstance(args[0], Loc) else new
    return duplicate(lw, args[0], node)


def _deepcopy(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    if len(args) > 1 or kwargs:
        lw.stop("option", "copy.deepcopy with a memo is not supported", node, help="leave the memo out")
    return deep(lw, args[0], node, {})


def deep(lw: Lowerer, b: Bound, node: Any, made: dict[int, Bound]) -> Bound:
    """A copy of all that can be changed; what is shared inside is shared in the copy."""
    if isinstance(b, Loc) and not b.path and b.cell in made:
        return made[b.cell]
    c = content(lw, b)
    if not isinstance(c, Agg):
        new = duplicate(lw, b, node, True)
    else:
        agg = Agg(c.type, c.keys, tuple(deep(lw, x, node, made) for x in c.items))
        new = Loc(lw.state.new_cell(agg)) if isinstance(b, Loc) else agg
    if isinstance(b, Loc) and not b.path:
        made[b.cell] = new
    return new


def duplicate(lw: Lowerer, b: Bound, node: Any, whole: bool = False) -> Bound:
    if not isinstance(b, (Loc, Plain)):
        return b
    a = lw.read(b, node)
    k = kind(a)
    if isinstance(k, Maybe):
        word = "deepcopy" if whole else "copy"
        text = f"out = None if x is None else {word}(x)"
        return higher.written(lw, node, text, {"x": b, word: getattr(copy, word)})
    if isinstance(k, Array) and isinstance(b, Loc):
        return lw.bind(lw.prim(np.copy, [a], method="copy"))
    if isinstance(k, Seq) and (whole or isinstance(k, Map)):
        place = lw.bind(lw.prim(ops.copied, [a], result=k))
        if isinstance(place, Loc) and whole:
            lw.own_lists.add(place.cell)
        return place if whole else places.share_elements(lw, place, b)
    if isinstance(k, Seq):
        return places.share_elements(lw, lw.bind(lw.prim(list, [a], result=k)), b)
    if k == UNKNOWN:
        lw.stop(
            "aliasing", "what this copy shares with the original is not known", node,
            note="the length of the list, or the kind of the value, is known only at run time",
            help="copy the parts: [x.copy() for x in rows]",
        )  # fmt: skip
    return b


HANDLERS: dict[Any, Any] = {
    **{fn: refused(fn) for fn in INSTEAD},
    copy.copy: _copy, copy.deepcopy: _deepcopy,
}  # fmt: skip
