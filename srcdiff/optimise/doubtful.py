"""Sums of numbers that are complex as far as is known, and may be real when they run.

Eigenvalues of a real matrix are complex or real, as it happens. A real array cannot be added to in place by
a complex one, nor hold what is. So in a text with such a function the sums of complex cotangents make new
arrays, and the zeros that they begin with say that they are complex.
"""

from __future__ import annotations

import operator
from collections.abc import Collection
from typing import Any

import numpy as np

from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Graph, Ref, Val, kind, walk
from srcdiff.ir.kinds import Array
from srcdiff.ir.regions import remove, replace_values

__all__ = ["apart_where_doubtful"]


def apart_where_doubtful(graph: Graph, blanks: Collection[Any]) -> Graph:
    """Make sums of complex arrays safe, in a graph with a function whose type depends on values.

    ``blanks``: the functions that make an array like their argument.
    """
    types: dict[Val, Atom] = {}  # what is asked of such an array: its type
    for op in walk(graph.region):
        asked = op.ins[0] if op.code == "prim" and op.fn in (getattr, *blanks) else None
        k = kind(asked) if asked is not None else kind(op.outs[0]) if op.outs else None
        if op.code != "prim" or not isinstance(k, Array) or k.dtype[0] != "c":
            continue
        dtype = Ref(complex if k.dtype == "c16" else np.complex64, "complex")
        if op.fn is ops.accumulate:
            op.become(operator.add, **{k: v for k, v in op.attrs.items() if k != "fn"})
        elif op.origin is not None and not op.origin.adjoint:
            continue  # the program's own
        elif op.fn in blanks and len(op.ins) == 1:
            op.ins = [*op.ins, dtype]
            op.attrs = {**op.attrs, "names": ("", "dtype")}
        elif op.fn is getattr and op.ins[1] == Const("dtype"):
            types[op.out] = dtype
    if types:  # they are written out where they were asked for
        remove(graph.region, {op for op in walk(graph.region) if op.outs and op.outs[0] in types})
        replace_values(graph.region, types)
    return graph
