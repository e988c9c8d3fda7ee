"""Sums of products along axes are one contraction: `np.einsum("ij,ij->j", a, b)` for `(a * b).sum(axis=0)`.

Of derivatives alone; sums along inner axes likewise.  No array of products is made, and NumPy's sums along
short axes are slow (2-4 times, of three).  The cotangent of a contraction that is a product of matrices, but
for the shapes, is `np.tensordot`: `np.einsum` goes entry by entry (3-10 times as long, from some thousand
on).  Sums come out in another order; float64 only.
"""

from __future__ import annotations

import operator
from collections import Counter
from typing import Any

from srcdiff.ir import ops
from srcdiff.ir.begun import begun_in
from srcdiff.ir.graph import Atom, Const, Graph, Op, Region, Struct, Val, kind, op_of, uses_of, walk
from srcdiff.ir.indices import ALL, display
from srcdiff.ir.kinds import Array
from srcdiff.optimise.words import Words

__all__ = ["contracted", "writes"]

LETTERS = "ijklmnpq"


def contracted(graph: Graph, words: Words) -> Graph:
    """Contract, in a graph that went through `own`."""
    if any(op.fn is words.contract or summed(op, words) for op in walk(graph.region)):
        in_region(graph.region, words, uses_of(graph.region), begun_in(graph, words.by_elements))
    return graph


def in_region(region: Region, words: Words, uses: Counter[Val], begun: set[Val]) -> None:
    at = {op: n for n, op in enumerate(region.ops)}
    gone: set[Op] = set()
    before: dict[Op, Op] = {}
    for op in region.ops:
        for r in op.regions:
            in_region(r, words, uses, begun)
        axes = summed(op, words)
        product = product_of(op.ins[0], uses) if axes else None
        if product is not None and not begun.isdisjoint(product.ins):  # (of a number the shape is not that)
            continue
        if product is not None and product in at and not any(map(writes, region.ops[at[product] : at[op]])):
            before.update(contract(op, product.ins, axes, words))
            gone.add(product)
        elif axes and are_inner(op.ins[0], axes):
            before.update(contract(op, [op.ins[0]], axes, words))
        elif op.code == "prim" and op.fn is words.contract:
            before.update(as_matrices(op, words))
    region.ops = [o for op in region.ops if op not in gone for o in (before.get(op), op) if o is not None]


def as_matrices(op: Op, words: Words) -> dict[Op, Op]:
    """Make the cotangent of a contraction a product of matrices, if it is one; what is before it, if need be.

    Of a contraction's own cotangents only: what they sum along has one size, for the contraction's result has
    it from the operand that is read here.
    """
    spec = op.ins[0]
    own = op.origin is not None and op.origin.of == words.contract.__name__ and len(op.ins) == 3
    if not own or not isinstance(spec, Const) or op.by_name or op.attrs.get("guarded"):
        return {}
    kinds = [kind(a) for a in (*op.ins[1:], op.out)]
    left, _, out = spec.value.replace(" ", "").partition("->")
    terms = [*left.split(","), out]
    if not all(isinstance(k, Array) and k.dtype == "f8" for k in kinds) or not is_product(terms, kinds):
        return {}
    a, b = (2, 1) if moved(terms[1], terms[0], out) == list(range(len(out))) else (1, 2)
    first, second = terms[a - 1], terms[b - 1]
    over = [c for c in first if c in second]
    at = tuple(map(first.index, over)), tuple(map(second.index, over))
    axes = Const(at if len(over) > 1 else (at[0][0], at[1][0]))
    order = moved(first, second, out)
    ins: list[Atom] = [op.ins[a], op.ins[b], axes]
    if order == list(range(len(out))):
        op.become(words.matrices)
        op.ins = ins
        return {}
    assert isinstance(op.out.kind, Array)
    dims = op.out.kind.dims
    before = Array("f8", tuple(dims[order.index(n)] for n in range(len(dims))))
    product = Op.applying(words.matrices, ins, before, op.origin)
    op.become(words.transpose, view=True)
    op.ins = [product.out, Const(tuple(order))]
    return {op: product}


def is_product(terms: list[str], kinds: list[Any]) -> bool:
    """Whether each index is in two of three terms, and no way of a product of matrices is of size one."""
    sets = [set(t) for t in terms]
    ways = sets[0] & sets[1], sets[0] & sets[2], sets[1] & sets[2]
    once = all(len(t) == len(s) and t.isalpha() for t, s in zip(terms, sets, strict=True))
    if not once or sets[0] ^ sets[1] != sets[2] or not all(ways):
        return False
    one = [{c for c, d in zip(t, k.dims, strict=True) if d == 1} for t, k in zip(terms, kinds, strict=True)]
    return not any(way <= one[0] | one[1] for way in ways)


def moved(first: str, second: str, out: str) -> list[int]:
    """Where the axes of a result are in the product of matrices."""
    have = [c for c in first if c not in second] + [c for c in second if c not in first]
    return list(map(have.index, out))


def summed(op: Op, words: Words) -> set[int]:
    """The axes that a derivative sums along, if it does not sum along all."""
    adjoint = op.code == "prim" and op.fn is words.total and op.adjoint
    if not adjoint or op.names not in (("", "axis"), ("", "axis", "keepdims")):
        return set()
    k = kind(op.ins[0])
    given = op.ins[1].items if isinstance(op.ins[1], Struct) else (op.ins[1],)
    if not isinstance(k, Array) or not 2 <= len(k.dims) <= len(LETTERS) or op.attrs.get("guarded"):
        return set()
    if len(op.ins) == 3 and op.ins[2] != Const(True):
        return set()
    axes = {a.value % len(k.dims) for a in given if isinstance(a, Const) and type(a.value) is int}
    return axes if len(axes) == len(given) < len(k.dims) else set()


def product_of(a: Any, uses: Counter[Val]) -> Op | None:
    """The product of two arrays that a value is, if it is wanted once."""
    op = op_of(a)
    if op is None or op.code != "prim" or op.fn is not operator.mul or uses[a] != 1:
        return None
    if op.attrs.get("inplace") or op.attrs.get("aug") or op.attrs.get("guarded"):
        return None
    kinds = [a.kind, *map(kind, op.ins)]
    flat = all(isinstance(k, Array) and k.dims and k.dtype == "f8" for k in kinds)
    return op if flat and len(op.ins) == 2 else None


def are_inner(a: Atom, axes: set[int]) -> bool:
    """Whether axes of an array are neither its first, nor its last: NumPy sums along these in small steps."""
    k = kind(a)
    return isinstance(k, Array) and k.dtype == "f8" and not axes & {0, len(k.dims) - 1}


def writes(op: Op) -> bool:
    return bool(op.attrs.get("inplace") or op.fn in ops.UPDATES or op.regions)


def contract(op: Op, factors: list[Atom], axes: set[int], words: Words) -> dict[Op, Op]:
    """Make a sum a contraction; what comes before it, if the axes are kept."""
    k = kind(op.ins[0])
    assert isinstance(k, Array)
    names = LETTERS[: len(k.dims)]
    left = "".join(c for n, c in enumerate(names) if n not in axes)
    sides = [names[len(names) - len(kind(a).dims) :] for a in factors]  # type: ignore[union-attr]
    ins: list[Atom] = [Const(f"{','.join(sides)}->{left}"), *factors]
    if len(op.ins) == 2:
        op.become(words.contract)
        op.ins = ins
        return {}
    inner = Array(k.dtype, tuple(d for n, d in enumerate(k.dims) if n not in axes))
    sums = Op.applying(words.contract, ins, inner, op.origin)
    parts = tuple(Const(None) if n in axes else ALL for n in range(len(k.dims)))
    op.become(operator.getitem, view=True)
    op.ins = [sums.out, display(parts)]
    return {op: sums}
