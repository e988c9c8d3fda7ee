"""Entries of arrays of which a derivative asks nothing else: the array is not made.

- An entry of the cotangent of `np.array([[a, b], [c, d]])`, which has the shape of the lists, is the array's.
- An entry of a product of arrays is the product of entries: `(-(p / s))[k]` is `-(p[k] / s)`.
- The sum of zeros to which one entry was added is this entry.
"""

from __future__ import annotations

import operator

from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Op, Struct, kind, op_of
from srcdiff.ir.indices import alone_or_tuple, parts_of
from srcdiff.ir.kinds import Array, Scalar, one_shape
from srcdiff.optimise.patterns import is_zeros
from srcdiff.optimise.rebuild import Rewriter

__all__ = ["entry_alone", "sum_of_entry"]

ARITHMETIC = (operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, ops.accumulate)


def entry_alone(r: Rewriter, op: Op, ins: list[Atom]) -> Atom | None:
    """What an operation that reads an entry reads, without the array around it."""
    return entry_of_lists(r, op, ins) or entry_of_arithmetic(r, op, ins)


def entry_of_lists(r: Rewriter, op: Op, ins: list[Atom]) -> Atom | None:
    path, of = [ins[1]], op_of(ins[0])
    while of is not None and of.fn is operator.getitem and isinstance(of.ins[1], Const):
        path.insert(0, of.ins[1])
        of = op_of(of.ins[0])
    if of is None or of.fn is not r.words.entries:
        return None
    array, at = of.ins
    for step in path:
        if not isinstance(at, Struct) or not isinstance(step, Const) or step.value not in at.keys:
            return None
        at = at.items[at.keys.index(step.value)]
    if isinstance(at, Struct) or not isinstance(op.out.kind, (Scalar, Array)):
        return None
    view = {"view": True} if isinstance(op.out.kind, Array) else {}
    return r.make_of(op.fn, [array, alone_or_tuple(path)], op.out.kind, op, view)


def entry_of_arithmetic(r: Rewriter, op: Op, ins: list[Atom]) -> Atom | None:
    """The same of arithmetic that a derivative does for one entry alone."""
    array, index = ins
    made = op_of(array)
    if made is None or not made.derived or made.fn not in ARITHMETIC or not is_entry(array, index):
        return None
    if made.attrs.get("guarded") or op.attrs.get("guarded"):
        return None
    parts = [kind(a) for a in made.ins]
    if not all(one_shape(k, kind(array)) or isinstance(k, Scalar) for k in parts) or not r.once(array):
        return None
    entries: list[Atom] = []
    for a, k in zip(made.ins, parts, strict=True):
        entries.append(a if isinstance(k, Scalar) else r.make_of(op.fn, [a, index], op.out.kind, op, {}))
    return r.make_of(made.fn, entries, op.out.kind, op, {})


def is_entry(a: Atom, index: Atom) -> bool:
    """Whether an index has a whole number for each axis of an array of double precision."""
    k, at = kind(a), [kind(p) for p in parts_of(index)]
    whole = all(isinstance(p, Scalar) and p.dtype == "i8" for p in at)
    return isinstance(k, Array) and k.dtype == "f8" and whole and len(at) == len(k.dims)


def sum_of_entry(op: Op, ins: list[Atom]) -> Atom | None:
    """The sum of all entries of zeros to which a number was added, or in which one was put."""
    put = op_of(ins[0])
    if len(ins) > 1 or not op.derived or put is None or put.fn not in (ops.additem, ops.setitem):
        return None
    base, index, number = put.ins
    same = isinstance(kind(number), Scalar) and kind(number) == op.out.kind
    return number if same and is_zeros(base) and is_entry(base, index) else None
