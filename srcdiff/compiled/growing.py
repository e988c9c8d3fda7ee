"""Whole numbers that may outgrow 64 bits: products that go into what they are made of, trip by trip.

Python's whole numbers have any size, those of a kernel 64 bits. Sums of counters do not get there; a
factorial does after twenty trips, so such a product is checked.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable

from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, LoopView, Op, Val, kind, walk
from srcdiff.ir.kinds import Kind, Scalar, Seq

__all__ = ["growing"]

STEPS = {
    operator.add, operator.sub, operator.mul, operator.neg, operator.pow, operator.mod, operator.floordiv,
    ops.accumulate,
}  # fmt: skip
READS = {operator.getitem, ops.poplast}  # of a list: what the trip before has put there


def is_whole(k: Kind) -> bool:
    """Whether this is a whole number of Python's."""
    return isinstance(k, Scalar) and k.weak and k.dtype == "i8"


def growing(loop: Op) -> set[Op]:
    """The products and powers in a loop of which a later trip's are made."""
    every = list(walk(loop.regions[-1]))
    carried: set[Val] = set()
    ends: list[Atom] = []
    for op in (loop, *every):
        if op.is_loop:
            view = LoopView(op)
            carried |= {p for p in view.params if is_whole(p.kind)}
            ends += [y for p, y in zip(view.params, view.yields, strict=True) if p in carried]
        elif op.code == "prim" and op.fn in (ops.append, ops.setitem) and isinstance(kind(op.ins[0]), Seq):
            ends += [a for a in op.ins[1:] if is_whole(kind(a))]
    products = [op for op in made_of(ends) if op.fn in (operator.mul, operator.pow)]
    return {op for op in products if any(starts(made, carried) for made in (op, *made_of(op.ins)))}


def starts(op: Op, carried: set[Val]) -> bool:
    """Whether an operand is what the trip before handed on, or an element of a list."""
    reads = op.fn in READS and isinstance(kind(op.ins[0]), Seq)
    return reads or any(a in carried for a in op.ins if isinstance(a, Val))


def made_of(atoms: Iterable[Atom]) -> set[Op]:
    """The arithmetic that whole numbers are made by, branches seen through."""
    found: set[Op] = set()
    todo = list(atoms)
    while todo:
        a = todo.pop()
        if not isinstance(a, Val) or not is_whole(a.kind) or (op := a.op) is None or op in found:
            continue
        if op.code == "if":
            todo += [r.results[op.outs.index(a)] for r in op.regions]
        elif op.code == "prim" and op.fn in STEPS | READS:
            found.add(op)
            todo += op.ins
    return found
