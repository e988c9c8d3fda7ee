"""Cotangents of what a list of places picks out of an array: `z[np.arange(n), y]`, `E[words]`.

`np.add.at` looks at one element after the other.  Where no place can come twice, because one of the lists is
`np.arange(n)`, it is added at once, and to zeros it is written.  Of rows that are picked the cotangent is
that of `np.take`, whose helper counts; it is added to what is there already, but in loops, whose trips may
pick few rows of many.
"""

from __future__ import annotations

from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Graph, Op, Region, Struct, Val, kind, uses_of, walk
from srcdiff.ir.kinds import Array, Scalar
from srcdiff.optimise.dce import dce
from srcdiff.optimise.patterns import is_zeros, not_one
from srcdiff.optimise.words import Words

__all__ = ["picked_at_once"]


def picked_at_once(graph: Graph, words: Words) -> Graph:
    """Write such cotangents, in a graph that did not go through `own`."""
    if not any(op.fn is ops.additem and op.attrs.get("at") for op in walk(graph.region)):
        return graph
    uses = uses_of(graph.region)
    return dce(graph) if in_region(graph.region, words, uses) else graph


def in_region(region: Region, words: Words, uses: dict[Val, int], looped: bool = False) -> bool:
    changed, here = False, set(region.ops)
    for op in list(region.ops):
        for r in op.regions:
            changed |= in_region(r, words, uses, looped or op.is_loop)
        if op.code != "prim" or op.fn is not ops.additem or not op.attrs.get("at"):
            continue
        base, index, value = op.ins
        k, kv = kind(base), kind(value)
        if not isinstance(k, Array) or not isinstance(kv, (Array, Scalar)) or not k.dtype == kv.dtype == "f8":
            continue
        made = base.op if isinstance(base, Val) and is_zeros(base) and uses[base] == 1 else None
        if are_apart(index, words):
            attrs = {n: v for n, v in op.attrs.items() if n not in ("fn", "at")}
            if made in here:
                op.become(ops.setitem, **attrs)
            else:
                op.become(ops.additem, at=True, apart=True, **attrs)
            changed = True
        elif is_list(index) and is_full(op) and len(k.dims) > 1:
            zeros = made if made in here and made is not None and made.fn is words.blanks[0] else None
            if zeros is None and looped:
                continue
            taken = {"names": ("",) * 4, "text": words.untake.__name__}
            if zeros is not None:
                op.become(words.untake, **taken)
                op.ins = [value, zeros.ins[0], index, Const(0)]
            else:
                rows = Val("", k)
                ins = [value, base, index, Const(0)]
                rows.op = Op("prim", ins, [rows], [], {"fn": words.untake, **taken}, op.origin)
                region.ops.insert(region.ops.index(op), rows.op)
                op.become(ops.accumulate)
                op.ins = [base, rows]
            changed = True
    return changed


def is_full(op: Op) -> bool:
    """Whether what is added has the shape of what was picked: as a cotangent has."""
    return op.adjoint and isinstance(kind(op.ins[2]), Array)


def is_list(a: Atom) -> bool:
    """Whether an index is an array of whole numbers."""
    k = kind(a)
    return isinstance(a, Val) and isinstance(k, Array) and len(k.dims) > 0 and k.dtype[0] in "iu"


def are_apart(index: Atom, words: Words) -> bool:
    """Whether each place of an index, lists of numbers, is another one (a list of one may be repeated)."""
    if not isinstance(index, Struct) or index.type is not tuple or not all(map(is_list, index.items)):
        return False
    dims = [k.dims for a in index.items if isinstance(k := kind(a), Array)]
    if any(len(d) != 1 for d in dims):
        return False
    made = (a.op for a in index.items if isinstance(a, Val) and a.op is not None and a.op.code == "prim")
    counts = (c.out.kind for c in made if c.fn is words.counted and len(c.ins) == 1)
    lengths = [k.dims for k in counts if isinstance(k, Array)]
    return any(not_one(length[0]) or all(d == length for d in dims) for length in lengths)
