"""Calls that look at names, text or objects rather than compute: resolved now, or refused."""

from __future__ import annotations

import copy
import inspect
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.frontend.expressions import content
from srcdiff.frontend.scope import Agg, Bound, Loc, Plain
from srcdiff.ir import ops
from srcdiff.ir.graph import Op, Val, kind, vals
from srcdiff.ir.kinds import OTHER, STR, UNKNOWN, Array, Map, Seq, is_active_kind

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["HANDLERS", "check_text", "holds_number"]

Args = list[Bound]
Kw = dict[str, Bound]

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
    if isinstance(k, Array) and isinstance(b, Loc):
        return lw.bind(lw.prim(np.copy, [a], method="copy"))
    if isinstance(k, Seq) and (whole or isinstance(k, Map)):
        place = lw.bind(lw.prim(ops.copied, [a], result=k))
        if isinstance(place, Loc) and whole:
            lw.own_lists.add(place.cell)
        return place
    if isinstance(k, Seq):
        return lw.bind(lw.prim(list, [a], result=k))
    if k == UNKNOWN:
        lw.stop(
            "aliasing", "what this copy shares with the original is not known", node,
            note="the length of the list, or the kind of the value, is known only at run time",
            help="copy the parts: [x.copy() for x in rows]",
        )  # fmt: skip
    return b


# ---- numbers as text --------------------------------------------------------------------------------


def holds_number(v: Any, seen: set[Any] | None = None) -> bool:
    """Whether a text or object was made from a number that may vary: to read it back loses the derivative."""
    seen = set() if seen is None else seen
    if not isinstance(v, Val) or v in seen or v.op is None:
        return False
    seen.add(v)
    k = v.kind.elem if isinstance(v.kind, Seq) else v.kind
    if k not in (STR, OTHER, UNKNOWN):
        return False
    op: Op = v.op
    if op.code in ("for", "while", "if"):  # text put together piece by piece
        parts = [*op.ins, *(a for r in op.regions for a in r.results)]
        return any(holds_number(a, seen) for a in vals(parts))
    if v not in op.outs or op.code not in ("prim", "opaque"):
        return False
    made = op.fn in (str, repr, format) or op.code == "opaque" or v.kind == STR
    return any(
        (made and is_active_kind(a.kind) and a.kind != UNKNOWN) or holds_number(a, seen) for a in vals(op.ins)
    )


def check_text(lw: Lowerer, a: Any, node: Any) -> None:
    """Refuse to read a number back from text made of one that may vary."""
    if holds_number(a):
        lw.stop(
            "text", "a number is read back from text made of a number", node,
            note="the derivative does not pass through text; it would be taken to be zero",
            help="use the number itself (to cut the derivative off on purpose: srcdiff.stop_gradient)",
        )  # fmt: skip


HANDLERS: dict[Any, Any] = {
    **{fn: refused(fn) for fn in INSTEAD},
    copy.copy: _copy, copy.deepcopy: _deepcopy,
}  # fmt: skip
