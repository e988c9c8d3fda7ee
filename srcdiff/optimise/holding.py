"""What has memory: values that can be written to, and values that hold such."""

from __future__ import annotations

import operator

from srcdiff.analysis.memory import is_update
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Op, Val, kind, op_of, same
from srcdiff.ir.kinds import Array, Kind, Scalar, Seq, Simple, Tree, present

__all__ = [
    "EMPTY",
    "UNSURE",
    "VIEWS",
    "Roots",
    "changed_there",
    "depth",
    "has_memory",
    "holds_arrays",
    "in_memory",
    "is_view",
    "smaller",
]


Roots = frozenset[Val]
EMPTY: Roots = frozenset()
VIEWS = (operator.getitem, ops.getfield, ops.poplast, ops.stop_gradient)
UNSURE = -1  # the nesting of a value whose kind is not known


def depth(k: Kind) -> int:
    """How deep lists nest in a value."""
    if isinstance(k, (Array, Scalar)):
        return 0
    k = present(k)
    if isinstance(k, Seq):
        return 1 + max(depth(k.elem), 0)
    if isinstance(k, Tree):
        return max([depth(x) for x in k.items], default=0) if UNSURE not in map(depth, k.items) else UNSURE
    return UNSURE if isinstance(k, Simple) and k.name in ("unknown", "other") else 0


def in_memory(v: Atom) -> bool:
    return has_memory(kind(v))


def has_memory(k: Kind) -> bool:
    """Whether a value of this kind is or holds what can be written to: a tuple of numbers does not."""
    if isinstance(k, (Array, Scalar)):
        return isinstance(k, Array)
    k = present(k)
    if isinstance(k, Tree) and isinstance(k.type, type) and issubclass(k.type, tuple):
        return any(has_memory(x) for x in k.items)
    return isinstance(k, (Array, Seq, Tree)) or (isinstance(k, Simple) and k.name in ("unknown", "other"))


def is_view(op: Op) -> bool:
    return (
        op.code == "prim"
        and op.fn is operator.getitem
        and bool(op.attrs.get("view"))
        and isinstance(kind(op.ins[0]), Array)
    )


def holds_arrays(k: Kind) -> bool:
    """Whether what lies innermost in a value is memory: numbers are none."""
    k = present(k)
    if isinstance(k, Seq):
        return holds_arrays(k.elem)
    if isinstance(k, Tree):
        return any(map(holds_arrays, k.items))
    return isinstance(k, Array) or (isinstance(k, Simple) and k.name in ("unknown", "other"))


def changed_there(rows: Atom, index: Atom, value: Atom) -> bool:
    """Whether an element of a list, changed in place, is put back where it was taken from: nothing to do."""
    changed = False
    while isinstance(value, Val) and value.op is not None and is_update(value.op):
        value, changed = value.op.ins[0], True
    taken = op_of(value)
    if not changed or taken is None or taken.fn is not operator.getitem:
        return False
    return taken.ins[0] is rows and isinstance(kind(rows), Seq) and same(taken.ins[1], index)


def smaller(a: Kind, b: Kind) -> bool:
    """Whether arrays of one kind lack axes, entries or imaginary parts that those of another have."""
    if not isinstance(a, Array) or not isinstance(b, Array):
        return False
    if len(a.dims) != len(b.dims) or (a.dtype[0] != "c" and b.dtype[0] == "c"):
        return True
    return any(m == 1 and n != 1 for m, n in zip(a.dims, b.dims, strict=True))


