"""Outer products that are added up are one product of matrices: `np.array((u, v)).T @ np.array((x, y))`.

Of derivatives, in double precision, and of large matrices of the program's that it neither returns nor
decides by: the sum is written once, not once for each, and no other array of its size is made (2 to 5 times
as fast, of two).  Where two have a factor in common there is one: `np.outer(u, x + y)`.  A column or a row
that is added everywhere is an outer product with ones; the two alone are `u[:, None] + v` where that is
small (what is repeated goes through buffers, and takes two to three times as long as a product from some
ten thousand numbers on).  Sums may come out in another order.
"""

from __future__ import annotations

import operator
from collections import Counter
from dataclasses import dataclass

from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Atom,
    Const,
    Graph,
    Op,
    Region,
    Struct,
    Val,
    applies,
    kind,
    op_of,
    same,
    uses_of,
    walk,
)
from srcdiff.ir.indices import ALL, display
from srcdiff.ir.kinds import Array, Dim, Kind, Scalar, elements_of
from srcdiff.optimise.dce import dce
from srcdiff.optimise.patterns import not_one
from srcdiff.optimise.powers import shown
from srcdiff.optimise.words import Words

__all__ = ["outers_at_once"]

COLUMN, ROW = (ALL, Const(None)), (Const(None), ALL)
LARGE = 4096  # numbers in a matrix of the program's, from which on that is done
WIDE = 1 << 14  # numbers, from which on a product is quicker than a column and a row


@dataclass
class Outer:
    """One of the sum: the vectors of an outer product; ones are left out."""

    left: Atom | None
    right: Atom | None

    @property
    def transposed(self) -> Outer:
        return Outer(self.right, self.left)


def outers_at_once(graph: Graph, words: Words) -> Graph:
    """The graph, changed."""
    adds = applies(graph.region, (words.outer,)) and applies(graph.region, (operator.add,))
    left = shown(graph, list(walk(graph.region))) if adds else None
    outers = Outers(words, uses_of(graph.region), graph.info.get("seen", {}), left)
    outers.region(graph.region)
    return dce(graph) if outers.changed else graph


class Outers:
    """One walk."""

    def __init__(self, words: Words, uses: Counter[Val], seen: dict[int, int], left: set[Val] | None) -> None:
        self.words, self.uses, self.seen, self.left = words, uses, seen, left
        self.here: set[Op] = set()
        self.new: list[Op] = []
        self.changed = False

    def region(self, region: Region) -> None:
        out: list[Op] = []
        for op in region.ops:
            for r in op.regions:
                self.region(r)
        self.here = set(region.ops)
        inner = {p for op in region.ops if self.is_sum(op) for p in map(self.sum_of, op.ins) if p is not None}
        for op in region.ops:
            self.new = []
            if self.is_sum(op) and op not in inner:
                self.rewrite(op)
            out += [*self.new, op]
        region.ops = out

    # ---- finding
    def is_sum(self, op: Op) -> bool:
        """Whether an operation adds two cotangents of one matrix, or two large ones of the program's."""
        if op.code != "prim" or len(op.ins) != 2 or not is_matrix(op.out.kind) or is_marked(op):
            return False
        if op.fn is ops.accumulate:
            return True
        if op.fn is not operator.add or self.left is None or op.out in self.left:
            return False
        large = elements_of(op.out.kind, self.seen) >= LARGE
        return large and all(is_matrix(k) and all(map(not_one, k.dims)) for k in map(kind, op.ins))  # type: ignore[union-attr]

    def sum_of(self, a: Atom) -> Op | None:
        """The sum that a value is, if it is wanted once."""
        op = self.once(a)
        return op if op is not None and self.is_sum(op) else None

    def once(self, a: Atom) -> Op | None:
        op = a.op if isinstance(a, Val) and self.uses[a] == 1 else None
        return op if op is not None and op in self.here and op.code == "prim" and not is_marked(op) else None

    def parts(self, op: Op) -> list[Atom]:
        """What a sum adds up."""
        found: list[Atom] = []
        for a in op.ins:
            inner = self.sum_of(a)
            found += [a] if inner is None else self.parts(inner)
        return found

    def outer(self, a: Atom) -> Outer | None:
        """A part as an outer product; a vector is added to each row."""
        if is_vector(kind(a)):
            return Outer(None, a)
        op = self.once(a)
        if op is None or op.by_name:
            return None
        if op.fn is self.words.outer and len(op.ins) == 2:
            return Outer(*op.ins) if all(map(is_vector, map(kind, op.ins))) else None
        if op.fn is self.words.transpose and len(op.ins) == 1:
            of = self.outer(op.ins[0])
            return None if of is None else of.transposed
        index = op.ins[1] if op.fn is operator.getitem else None
        if isinstance(index, Struct) and index.type is tuple and is_vector(kind(op.ins[0])):
            if index.items == COLUMN:
                return Outer(op.ins[0], None)
            return Outer(None, op.ins[0]) if index.items == ROW else None
        if op.fn in self.words.expands and len(op.ins) == 2 and is_matrix(kind(a)):
            if is_vector(kind(op.ins[0])):
                return Outer(None, op.ins[0])
            return self.outer(op.ins[0])  # (a column or a row of a matrix)
        return None

    # ---- making
    def rewrite(self, op: Op) -> None:
        rest: list[Atom] = []
        outers: list[Outer] = []
        for a in self.parts(op):
            found = self.outer(a)
            if found is None:
                rest.append(a)
            else:
                outers.append(found)
        proper = any(o.left is not None and o.right is not None for o in outers)
        alone = not proper and not rest and sorted(o.left is None for o in outers) == [False, True]
        if alone and elements_of(op.out.kind, self.seen) < WIDE:
            self.changed = True
            op.become(operator.add)
            op.ins = [self.narrow(a) for a in op.ins]
            return
        if len(outers) < 2 or not (proper or alone):
            return
        self.changed = True
        outers = self.joined(op, self.joined(op, outers, "left", "right"), "right", "left")
        product = self.product(op, outers)
        if not rest:
            assert product.op is not None
            self.new.remove(product.op)
            op.become(product.op.fn, **{k: v for k, v in product.op.attrs.items() if k != "fn"})
            op.ins = product.op.ins
            return
        total: Atom = rest[0]
        for a in rest[1:]:
            total = self.prim(op, ops.accumulate, [total, a], op.out.kind)
        op.ins = [total, product]

    def narrow(self, a: Atom) -> Atom:
        """A column or a row that is repeated; added to each other they are of the whole shape as they are."""
        op = op_of(a)
        return op.ins[0] if op is not None and op.code == "prim" and op.fn in self.words.expands else a

    def joined(self, op: Op, outers: list[Outer], by: str, other: str) -> list[Outer]:
        """Those that have a factor in common are one."""
        kept: list[Outer] = []
        for o in outers:
            x = getattr(o, by)
            twin = next((k for k in kept if alike(getattr(k, by), x)), None)
            y = getattr(o, other)
            z = None if twin is None else getattr(twin, other)
            if twin is None or x is None or y is None or z is None:
                kept.append(o)
            else:
                setattr(twin, other, self.prim(op, operator.add, [z, y], kind(z)))
        return kept

    def product(self, op: Op, outers: list[Outer]) -> Val:
        k = op.out.kind
        if len(outers) == 1:
            (o,) = outers
            assert o.left is not None and o.right is not None
            return self.prim(op, self.words.outer, [o.left, o.right], k)
        left = self.stacked(op, [o.left for o in outers])
        right = self.stacked(op, [o.right for o in outers])
        assert isinstance(left.kind, Array)
        turned = self.prim(
            op, self.words.transpose, [left], Array("f8", left.kind.dims[::-1]), method="T", view=True
        )
        return self.prim(op, operator.matmul, [turned, right], k)

    def stacked(self, op: Op, given: list[Atom | None]) -> Val:
        """Vectors as the rows of a matrix; None is one of ones."""
        like = next(a for a in given if a is not None)
        of = kind(like)
        assert isinstance(of, Array)
        if None in given:
            size = self.prim(op, ops.shape_at, [like, Const(0)], Scalar("i8", True, of.dims[0]))
            ones = self.prim(op, self.words.ones, [size], of)
        rows = tuple(ones if a is None else a for a in given)
        parts = display(rows)
        dims: tuple[Dim, ...] = (len(rows), of.dims[0])
        return self.prim(op, self.words.array, [parts], Array("f8", dims))

    def prim(self, like: Op, fn: object, ins: list[Atom], k: Kind, **attrs: object) -> Val:
        op = Op.applying(fn, ins, k, like.origin, **attrs)
        self.new.append(op)
        return op.out


def alike(a: Atom | None, b: Atom | None) -> bool:
    return a is not None and b is not None and same(a, b)


def is_marked(op: Op) -> bool:
    return bool(op.attrs.get("guarded") or op.attrs.get("aug"))


def is_matrix(k: Kind) -> bool:
    return isinstance(k, Array) and k.dtype == "f8" and len(k.dims) == 2


def is_vector(k: Kind) -> bool:
    """Whether a value is a vector of more than one number: added to each other, such are of one size."""
    return isinstance(k, Array) and k.dtype == "f8" and len(k.dims) == 1 and not_one(k.dims[0])
