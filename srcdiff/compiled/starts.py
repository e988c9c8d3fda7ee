"""Numbers that a loop makes arrays: ``s = 0.0``, then ``s = s + a`` in each trip, with an array ``a``.

Such a variable is an array from the start, filled with the number, where nobody can tell: the loop does run,
the number is a constant, and all that is done with it is done element by element with an array of the shape
that it gets.  (The sum of a number is that number, and not as many times it as there are elements.)
"""

from __future__ import annotations

from collections.abc import Container

from srcdiff.compiled.tables import spelled
from srcdiff.compiled.values import is_unbroadcast
from srcdiff.ir.graph import Atom, Const, LoopView, Op, Val, kind
from srcdiff.ir.kinds import Array, Kind

__all__ = ["among_arrays", "array_from_the_start"]

Users = dict[Val, list[Op | None]]


def shape_of(k: Kind) -> tuple[int, ...] | None:
    if not isinstance(k, Array) or not k.dims or not all(isinstance(d, int) for d in k.dims):
        return None
    return tuple(d for d in k.dims if isinstance(d, int))


def among_arrays(op: Op, unsure: Container[Val]) -> bool:
    """Whether the result of a function of elements is an array because one operand is one of its shape."""
    shape = shape_of(op.out.kind) if op.outs else None
    if shape is None or op.code != "prim" or spelled(op.fn) is None:
        return False
    return any(isinstance(a, Val) and a not in unsure and shape_of(a.kind) == shape for a in op.ins)


def array_from_the_start(view: LoopView, k: int, users: Users, unsure: Container[Val]) -> bool:
    """Whether variable ``k`` of a loop, which starts as a number, may be taken to be an array."""
    p, start, y = view.params[k], view.inits[k], view.yields[k]
    shape = shape_of(p.kind)
    if not isinstance(start, Const) or type(start.value) not in (int, float) or shape is None:
        return False
    if shape_of(kind(y)) != shape or not view.runs:
        return False
    if not all(unread(u, p, shape, unsure) for u in users.get(p, []) if u is not None):
        return False
    for saved, tape in view.kept:
        if saved is p and not all(read_so(u, tape, shape, users, unsure) for u in users.get(tape, [])):
            return False
    return y is not p and all(r is not p for r in other_results(view, k))


def other_results(view: LoopView, k: int) -> list[Atom]:
    return [y for j, y in enumerate(view.yields) if j != k]


def unread(u: Op, v: Val, shape: tuple[int, ...], unsure: Container[Val]) -> bool:
    """Whether an operation does the same with a number as with an array of it."""
    if u.code != "prim":
        return False
    if is_unbroadcast(u.fn):
        return u.ins[1] is v and u.ins[0] is not v and shape_of(kind(u.ins[0])) == shape
    if spelled(u.fn) is None or shape_of(u.out.kind) != shape:
        return False
    return any(
        isinstance(a, Val) and a is not v and a not in unsure and shape_of(a.kind) == shape for a in u.ins
    )


def read_so(u: Op | None, tape: Val, shape: tuple[int, ...], users: Users, unsure: Container[Val]) -> bool:
    """Whether a loop that reads a tape does the same with numbers on it."""
    if u is None or u.code != "for":
        return False
    view = LoopView(u)
    sources = sum(s is tape for s in view.sources)
    if sum(a is tape for a in u.ins) != sources:
        return False
    return all(
        w is not None and unread(w, e, shape, unsure)
        for e, s in view.taken
        if s is tape
        for w in users.get(e, [])
    )
