"""Small whole powers of arrays as products: NumPy has quick ways for squares and reciprocals alone.

``x**3`` of an array calls a function of C's for each element: that takes ten times as long as ``x * x * x``,
and a hundred times where ``x`` is negative.  The last digit may be another one: so what the program itself
returns, beside derivatives, and what it decides by is left alone.
"""

from __future__ import annotations

import operator

from srcdiff.ir.graph import Atom, Const, Graph, Op, Region, Val, kind, vals, walk
from srcdiff.ir.kinds import Array

__all__ = ["MOST", "powers_as_products"]

MOST = 12  # by four products at most


def powers_as_products(graph: Graph) -> Graph:
    """Write out such powers, in a graph that did not go through `own`."""
    every = list(walk(graph.region))
    if any(map(exponent, every)):
        in_region(graph.region, shown(graph, every))
    return graph


def shown(graph: Graph, every: list[Op]) -> set[Val]:
    """What values of the program depend on that are returned, or that it decides by."""
    around = {p: op for op in every for r in op.regions for p in r.params}
    todo = [v for v in vals(graph.region.results) if v.op is None or not v.op.adjoint]
    for op in every:
        if op.code in ("if", "opaque"):
            todo += vals(op.ins)
        elif op.code == "while":
            todo += vals(op.regions[0].results)
    out: set[Val] = set()
    while todo:
        v = todo.pop()
        if v in out:
            continue
        out.add(v)
        made = v.op or around.get(v)
        if made is not None:
            todo += vals(made.ins)
            todo += [u for r in made.regions for u in (*r.params, *vals(r.results))]
    return out


def in_region(region: Region, left: set[Val]) -> None:
    out: list[Op] = []
    for op in region.ops:
        for r in op.regions:
            in_region(r, left)
        n = 0 if op.outs and op.outs[0] in left else exponent(op)
        if not n:
            out.append(op)
            continue
        x = power(op, op.ins[0], abs(n), out)
        last = out.pop() if n > 0 else Op("prim", [Const(1.0), x], attrs={"fn": operator.truediv})
        op.become(last.fn)
        op.ins = last.ins
        out.append(op)
    region.ops = out


def exponent(op: Op) -> int:
    """The exponent of an array of numbers, if it is whole and small, and has no quick way; else 0."""
    if op.code != "prim" or op.fn is not operator.pow or op.attrs.get("aug") or op.attrs.get("guarded"):
        return 0
    x, n = op.ins
    k = kind(x)
    if not isinstance(k, Array) or not k.dims or k.dtype not in ("f8", "f4") or k != op.out.kind:
        return 0
    if not isinstance(n, Const) or type(n.value) not in (int, float) or n.value != int(n.value):
        return 0
    return int(n.value) if 2 < n.value <= MOST or -MOST <= n.value < -1 else 0


def power(op: Op, x: Atom, n: int, out: list[Op]) -> Atom:
    """``x**n``, by the operations that are appended to ``out``."""
    if n == 1:
        return x
    if n % 3 == 0 and n % 2:
        x = power(op, x, n // 3, out)
        return times(op, times(op, x, x, out), x, out)
    half = power(op, x, n // 2, out)
    square = times(op, half, half, out)
    return times(op, square, x, out) if n % 2 else square


def times(op: Op, a: Atom, b: Atom, out: list[Op]) -> Atom:
    made = Op.applying(operator.mul, [a, b], op.out.kind, op.origin)
    out.append(made)
    return made.out
