"""Products of matrices that cost less written in another way, and sizes that cost nothing to ask for.

Of derivatives alone; what the user wrote is left as it is.  Sums may come out in another order.

- A matrix of equal rows (or columns, or numbers) times another is one row (or column) of it, repeated:
  `broadcast_to(c, (n, k)) @ m` is `broadcast_to(c * m.sum(axis=0), (n, j))`.
- A matrix of equal numbers times a vector is its sum, repeated; the outer product with equal numbers is the
  other vector, repeated.
- `a.T.T` is `a`, and `(a @ b.T).T` is `b @ a.T`.
- A number repeated twice is repeated once.
- The size of an array that is not wanted otherwise is the size of an argument that it follows from; one that
  gives nothing but its shape is an argument, or an operand, of the same shape.
- An array times a number, made for one product with a vector or one sum, is not made: `(c * a) @ v` is
  `a @ (c * v)`.
- `a @ b + a @ c` is `a @ (b + c)`.
- `np.where(c, 0.0, -x)` is `-np.where(c, 0.0, x)`.
- `np.flip(x)` of a vector is `x[::-1]`, likewise.
- `np.expand_dims(x, 1)` of a known rank is `x[:, None]`, which takes a tenth of the time.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from typing import Any

from srcdiff.analysis.liveness import Liveness, effect
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Atom,
    Const,
    Graph,
    LoopView,
    Op,
    Region,
    Slice,
    Struct,
    Val,
    is_none,
    kind,
    map_atom,
    op_of,
    same,
    uses_of,
    vals,
    walk,
)
from srcdiff.ir.indices import ALL, display, parts_of
from srcdiff.ir.kinds import Array, Dim, Kind, Scalar, Sym, elements_of
from srcdiff.optimise.masked import is_masked
from srcdiff.optimise.patterns import is_zero, not_one
from srcdiff.optimise.sizes import of_shape
from srcdiff.optimise.words import Words

__all__ = ["cheaper_products"]


def cheaper_products(graph: Graph, words: Words, shape_only: Callable[[Any], frozenset[int]]) -> bool:
    """Rewrite, in place; whether anything was."""
    return Products(graph, words, shape_only).run()


class Products:
    """One walk."""

    def __init__(self, graph: Graph, words: Words, shape_only: Callable[[Any], frozenset[int]]) -> None:
        self.graph, self.words, self.shape_only = graph, words, shape_only
        self.arguments = [p for p in graph.region.params if p.name not in graph.info.get("late", ())]
        self.uses: Counter[Val] = Counter()
        self.read: set[Val] = set()  # values of which results and effects need more than the shape
        self.counted = False
        self.looked_for = {
            words.transpose, words.new_axis, words.flip, words.choose, words.outer, *words.expands,
            words.total, operator.matmul, operator.add, ops.accumulate,
        }  # fmt: skip
        self.new: list[Op] = []
        self.here: set[int] = set()
        self.changed = False

    def run(self) -> bool:
        self.region(self.graph.region)
        return self.changed

    def count(self) -> None:
        """What is read, and how often, before anything is rewritten: found when it is first asked."""
        if self.counted:
            return
        self.counted = True
        self.read = Liveness(self.graph, but=self.of_shapes).live
        self.uses = uses_of(self.graph.region)
        for op in walk(self.graph.region):  # (what only shapes are asked of will not be there)
            if op.code == "prim" and op.out not in self.read and not effect(op):
                self.uses.subtract(vals(op.ins))

    def region(self, region: Region) -> None:
        out: list[Op] = []
        here = {id(o) for o in region.ops}
        for op in region.ops:
            for r in op.regions:
                self.region(r)
            self.here = here
            self.new = []
            if op.code == "prim" and not op.attrs.get("guarded") and not op.attrs.get("aug"):
                if op.fn is not ops.shape_at:
                    for n in self.of_shapes(op):
                        self.count()
                        op.ins[n] = map_atom(self.of_this_shape, op.ins[n])
                if op.fn is ops.shape_at:
                    self.count()
                    self.size(op)
                elif op.adjoint and op.fn in self.looked_for:
                    self.rewrite(op)
            out += [*self.new, op]
        region.ops = out

    # ---- making
    def prim(self, like: Op, fn: Any, ins: list[Atom], k: Kind, **attrs: Any) -> Val:
        op = Op.applying(fn, ins, k, like.origin, **attrs)
        self.new.append(op)
        return op.out

    def become(self, op: Op, fn: Any, ins: list[Atom], **attrs: Any) -> None:
        """Give an operation another text; its result stays the same value."""
        op.ins = ins
        op.become(fn, **attrs)
        self.changed = True

    def repeated(self, op: Op, x: Atom, sizes: list[tuple[Atom, int]]) -> None:
        """``x``, repeated to the shape of a result that has its sizes from these arrays and axes."""
        k = kind(op.out)
        assert isinstance(k, Array)
        shape = [self.size_of(op, *(self.argument(d) or at)) for d, at in zip(k.dims, sizes, strict=True)]
        self.become(op, self.words.repeat, [x, display(shape)])

    def size_of(self, op: Op, x: Atom, axis: int) -> Atom:
        k = kind(x)
        assert isinstance(k, Array)
        made = op_of(x)
        if made is not None and made.fn in self.words.expands and isinstance(made.ins[1], Struct):
            return made.ins[1].items[axis]
        if made is not None and made.fn is self.words.transpose and len(made.ins) == 1:
            return self.size_of(op, made.ins[0], len(k.dims) - 1 - axis)
        got = self.prim(op, ops.shape_at, [x, Const(axis)], Scalar("i8", True, k.dims[axis]))
        assert got.op is not None
        self.size(got.op)
        return got

    def total(self, op: Op, m: Atom, axis: int, factor: Atom) -> Val:
        """The sums of a matrix along an axis, times a number."""
        made = op_of(m)
        if made is not None and made.fn is self.words.transpose and len(made.ins) == 1:
            m, axis = made.ins[0], 1 - axis
        m, number = self.without_number(m)
        k = kind(m)
        assert isinstance(k, Array)
        sums = Array(k.dtype, (k.dims[1 - axis],))
        s = self.prim(op, self.words.total, [m, Const(axis)], sums, names=("", "axis"), method="sum")
        s = s if number is None else self.prim(op, operator.mul, [s, number], sums)
        return s if is_one(factor) else self.prim(op, operator.mul, [s, factor], sums)

    def without_number(self, m: Atom) -> tuple[Atom, Atom | None]:
        """An array, and the number that it is multiplied by for this one use."""
        made, k = op_of(m), kind(m)
        if made is None or made.code != "prim" or made.fn is not operator.mul or not self.is_once(m):
            return m, None
        if any(made.attrs.get("names") or ()) or made.attrs.get("guarded") or made.attrs.get("aug"):
            return m, None
        for a, c in (made.ins, made.ins[::-1]):
            kc = kind(c)
            if kind(a) == k and isinstance(kc, Scalar) and kc.dtype in ("f8", "i8"):
                return a, c
        return m, None

    def is_once(self, a: Atom) -> bool:
        return isinstance(a, Val) and self.uses.get(a) == 1

    def scaled_total(self, op: Op) -> None:
        """``(c * a).sum(axis=0)`` is ``a.sum(axis=0) * c``."""
        k, (x, c) = op.out.kind, self.without_number(op.ins[0])
        if c is not None and isinstance(k, (Array, Scalar)) and k.dtype == "f8":
            attrs = {n: v for n, v in op.attrs.items() if n != "fn"}
            self.become(op, operator.mul, [self.prim(op, op.fn, [x, *op.ins[1:]], k, **attrs), c])

    def scaled_vector(self, op: Op, m: Atom, v: Atom, at: int) -> None:
        """``(c * a).T @ v`` is ``a.T @ (c * v)``."""
        inner = m.op.ins[0] if self.is_transposed(m) else m  # type: ignore[union-attr]
        if inner is not m and not self.is_once(m):
            return
        a, c = self.without_number(inner)
        if c is None:
            return
        if inner is not m:
            a = self.prim(op, self.words.transpose, [a], kind(m), method="T")
        pair = [a, self.prim(op, operator.mul, [v, c], kind(v))]
        self.become(op, operator.matmul, pair if at == 0 else pair[::-1])

    def whole(self, op: Op, x: Atom, factor: Atom) -> Val:
        """The sum of a vector, times a number."""
        number = Scalar("f8", False)
        s = self.prim(op, self.words.total, [x], number)
        return s if is_one(factor) else self.prim(op, operator.mul, [s, factor], number)

    # ---- rewriting
    def expanded(self, a: Atom) -> Atom | None:
        """What a value repeats along all axes but the last, if it does nothing else."""
        op = op_of(a)
        if op is None or op.code != "prim" or op.fn not in self.words.expands or len(op.ins) != 2:
            return None
        inner, k = op.ins[0], kind(a)
        ki = kind(inner)
        if not isinstance(k, Array) or not isinstance(ki, (Scalar, Array)) or ki.dtype != k.dtype:
            return None
        return inner if isinstance(ki, Scalar) or (len(ki.dims) == 1 and not_one(ki.dims[0])) else None

    def rewrite(self, op: Op) -> None:
        fn = op.fn
        named = op.by_name
        if fn in (ops.accumulate, operator.add):
            if len(op.ins) == 2 and not named and all(map(is_product, op.ins)):
                self.count()
                self.sum_of_products(op)
            return
        self.count()
        if fn is self.words.transpose and len(op.ins) == 1:
            self.transposed(op)
        elif fn is self.words.new_axis and len(op.ins) == 2:
            self.new_axis(op)
        elif fn is self.words.flip and isinstance(kind(op.ins[0]), Array):
            self.turned_round(op)
        elif fn in self.words.expands and len(op.ins) == 2:
            self.repeated_again(op)
        elif fn is self.words.choose and len(op.ins) == 3 and not named:
            if not self.where_zero(op):
                self.where_negative(op)
        elif fn is self.words.total and op.ins:
            self.scaled_total(op)
        elif fn in (operator.matmul, self.words.outer) and len(op.ins) == 2 and not named:
            self.untwisted(op)
            a, b = op.ins
            ka, kb, k = kind(a), kind(b), kind(op.out)
            if isinstance(ka, Array) and isinstance(kb, Array) and isinstance(k, Array):
                if {ka.dtype, kb.dtype, k.dtype} == {"f8"} and not self.subtracted(op):
                    (self.outer if fn is self.words.outer else self.product)(
                        op, a, b, len(ka.dims), len(kb.dims)
                    )

    def sum_of_products(self, op: Op) -> None:
        """``a @ b + a @ c`` is ``a @ (b + c)``, and ``b @ a + c @ a`` is ``(b + c) @ a``, of matrices."""
        made = [x.op for x in op.ins if isinstance(x, Val) and x.op is not None and self.uses.get(x) == 1]
        if len(made) < 2 or not all(o.code == "prim" and o.fn is operator.matmul for o in made):
            return
        if any(o.attrs.get("aug") or o.attrs.get("guarded") or id(o) not in self.here for o in made):
            return
        if not all(o.adjoint for o in made):
            return
        for common, rest in ((0, 1), (1, 0)):
            x, y, z = made[0].ins[common], made[0].ins[rest], made[1].ins[rest]
            k = kind(y)
            if not same(x, made[1].ins[common]) or not isinstance(k, Array) or kind(z) != k:
                continue
            if len(k.dims) == 2 and isinstance(kind(x), Array) and len(kind(x).dims) == 2:  # type: ignore[union-attr]
                total = self.prim(op, operator.add, [y, z], k)
                self.become(op, operator.matmul, [x, total] if common == 0 else [total, x])
                return

    def product(self, op: Op, a: Atom, b: Atom, na: int, nb: int) -> None:
        left, right = self.expanded(a), self.expanded(b)
        if (na, nb) == (2, 2):
            shape = [(a, 0), (b, 1)]
            if left is not None:
                kb = kind(b)
                assert isinstance(kb, Array)
                row = (
                    self.total(op, b, 0, left)
                    if isinstance(kind(left), Scalar)
                    else self.prim(op, operator.matmul, [left, b], Array("f8", kb.dims[1:]))
                )
                self.repeated(op, row, shape)
            elif right is not None and isinstance(kind(right), Scalar):
                column = self.column(op, self.total(op, a, 1, right))
                self.repeated(op, column, shape)
            elif right is not None:
                self.become(op, self.words.outer, [self.total(op, a, 1, Const(1.0)), right])
        elif (na, nb) == (2, 1) and right is not None and isinstance(kind(right), Scalar):
            self.same(op, self.total(op, a, 1, right))
        elif (na, nb) == (1, 2) and left is not None and isinstance(kind(left), Scalar):
            self.same(op, self.total(op, b, 0, left))
        elif (na, nb) == (2, 1) and left is not None and isinstance(kind(left), Scalar):
            self.repeated(op, self.whole(op, b, left), [(a, 0)])
        elif (na, nb) == (1, 2) and right is not None and isinstance(kind(right), Scalar):
            self.repeated(op, self.whole(op, a, right), [(b, 1)])
        elif (na, nb) == (2, 1):
            self.scaled_vector(op, a, b, 0)
        elif (na, nb) == (1, 2):
            self.scaled_vector(op, b, a, 1)

    def outer(self, op: Op, a: Atom, b: Atom, na: int, nb: int) -> None:
        left, right = self.expanded(a), self.expanded(b)
        if (na, nb) != (1, 1):
            return
        shape = [(a, 0), (b, 0)]
        if right is not None and isinstance(kind(right), Scalar):
            self.repeated(op, self.column(op, self.scaled(op, a, right)), shape)
        elif left is not None and isinstance(kind(left), Scalar):
            self.repeated(op, self.scaled(op, b, left), shape)

    def scaled(self, op: Op, x: Atom, factor: Atom) -> Atom:
        return x if is_one(factor) else self.prim(op, operator.mul, [x, factor], kind(x))

    def column(self, op: Op, x: Atom) -> Val:
        k = kind(x)
        assert isinstance(k, Array)
        index = display((ALL, Const(None)))
        return self.prim(op, operator.getitem, [x, index], Array(k.dtype, (*k.dims, 1)), view=True)

    def same(self, op: Op, made: Val) -> None:
        """An operation is one just made for it."""
        assert made.op is not None
        self.new.remove(made.op)
        self.become(op, made.op.fn, made.op.ins, **{k: v for k, v in made.op.attrs.items() if k != "fn"})

    def transposed(self, op: Op) -> None:
        x = op.ins[0]
        made, k = op_of(x), kind(x)
        if not isinstance(x, Val) or made is None or made.code != "prim" or not isinstance(k, Array):
            return
        if made.fn is operator.matmul and len(k.dims) == 2 and self.uses.get(x) == 1 and not x.user:
            a, b = made.ins
            if not (self.is_transposed(a) or self.is_transposed(b)):
                return
            if any(not isinstance(kind(x), Array) or len(kind(x).dims) != 2 for x in (a, b)):  # type: ignore[union-attr]
                return
            self.become(op, operator.matmul, [self.turned(op, b), self.turned(op, a)])

    def untwisted(self, op: Op) -> None:
        """``a.T.T`` in a product is ``a``."""
        for n, a in enumerate(op.ins):
            if self.is_transposed(a) and self.is_transposed(a.op.ins[0]):  # type: ignore[union-attr]
                op.ins[n] = a.op.ins[0].op.ins[0]  # type: ignore[union-attr]
                self.changed = True

    def subtracted(self, op: Op) -> bool:
        """``(-a) @ b`` is ``-(a @ b)``, of matrices, where that is no larger: it may be subtracted."""
        k, seen = op.out.kind, self.graph.info.get("seen", {})
        if op.fn is not operator.matmul or not isinstance(k, Array) or len(k.dims) != 2:
            return False
        if any(self.expanded(a) is not None for a in op.ins):
            return False  # (a sum)
        for n, a in enumerate(op.ins):
            made = op_of(a)
            if made is None or made.fn is not operator.neg or not made.adjoint or id(made) not in self.here:
                continue
            if self.uses.get(made.out) == 1 and elements_of(kind(a), seen) >= max(elements_of(k, seen), 1):
                ins = [*op.ins[:n], made.ins[0], *op.ins[n + 1 :]]
                self.become(op, operator.neg, [self.prim(op, operator.matmul, ins, k)])
                return True
        return False

    def is_transposed(self, a: Atom) -> bool:
        op = op_of(a)
        return op is not None and op.code == "prim" and op.fn is self.words.transpose and len(op.ins) == 1

    def turned(self, op: Op, a: Atom) -> Atom:
        if self.is_transposed(a):
            return a.op.ins[0]  # type: ignore[union-attr]
        k = kind(a)
        assert isinstance(k, Array)
        return self.prim(op, self.words.transpose, [a], Array(k.dtype, k.dims[::-1]), method="T")

    def new_axis(self, op: Op) -> None:
        x, at = op.ins
        k = kind(x)
        if not isinstance(k, Array) or not k.dims or not isinstance(at, Const) or type(at.value) is not int:
            return
        n = len(k.dims)
        axis = at.value % (n + 1)
        if not -n - 1 <= at.value <= n or n > 3:
            return
        rest = (ALL,) * (n - axis) if axis == 0 else ()  # x[None, :], but x[:, None] of a matrix as well
        parts: tuple[Atom, ...] = (*(ALL,) * axis, Const(None), *rest)
        self.become(op, operator.getitem, [x, display(parts)], view=True)

    def turned_round(self, op: Op) -> None:
        x, *axis = op.ins
        k = kind(x)
        if isinstance(k, Array) and len(k.dims) == 1 and axis in ([], [Const(None)], [Const(0)], [Const(-1)]):
            self.become(op, operator.getitem, [x, Slice(Const(None), Const(None), Const(-1))], view=True)

    def repeated_again(self, op: Op) -> None:
        """What is repeated of a number that is repeated is the number."""
        x = op.ins[0]
        made = op_of(x)
        if made is not None and made.code == "prim" and made.fn is operator.getitem and is_new_axes(made):
            x = made.ins[0]
            made = op_of(x)
        if made is None or made.code != "prim" or made.fn not in self.words.expands or len(made.ins) != 2:
            return
        k, inner = kind(op.out), kind(made.ins[0])
        if isinstance(k, Array) and isinstance(inner, Scalar) and inner.dtype == k.dtype:
            op.ins = [made.ins[0], op.ins[1]]
            self.changed = True

    def where_zero(self, op: Op) -> bool:
        """`np.where(c, y, 0.0)` is `y`, where that is zero wherever `c` does not hold."""
        c, y, other = op.ins
        made = op_of(y)
        if made is None or not is_zero(other) or not is_masked(y, c, self.words):
            return False
        k, m = op.out.kind, kind(y)  # (of one shape when they are there: that of the choice within)
        if not isinstance(k, Array) or not isinstance(m, Array) or k.dtype != m.dtype:
            return False
        self.become(op, made.fn, list(made.ins), **{k: v for k, v in made.attrs.items() if k != "fn"})
        return True

    def where_negative(self, op: Op) -> None:
        """`np.where(c, 0.0, -x)` is `-np.where(c, 0.0, x)`, which is there perhaps, or is subtracted."""
        for n in (1, 2):
            x, other = op.ins[n], op.ins[3 - n]
            made = op_of(x)
            if made is None or made.code != "prim" or made.fn is not operator.neg or kind(x) != op.out.kind:
                continue
            if is_zero(other):
                parts = [op.ins[0], made.ins[0], other] if n == 1 else [op.ins[0], other, made.ins[0]]
                attrs = {k: v for k, v in op.attrs.items() if k != "fn"}
                self.become(op, operator.neg, [self.prim(op, self.words.choose, parts, op.out.kind, **attrs)])
                return

    # ---- sizes
    def size(self, op: Op) -> None:
        """A size asked of what is not wanted otherwise is asked of an argument."""
        x, axis = op.ins
        k = kind(x)
        if not isinstance(x, Val) or x in self.read or not isinstance(k, Array) or x.op is None:
            return
        if not isinstance(axis, Const) or not self.is_spared(x, x.op):
            return
        d = k.dims[axis.value]
        found = self.argument(d)
        if found is not None:
            op.ins = [found[0], Const(found[1])]
            self.changed = True
        elif isinstance(d, Sym) and d.offset and (found := self.argument(Sym(d.id))) is not None:
            whole = self.prim(op, ops.shape_at, [found[0], Const(found[1])], Scalar("i8", True, Sym(d.id)))
            sign = operator.add if d.offset > 0 else operator.sub
            self.become(op, sign, [whole, Const(abs(d.offset))])

    def is_spared(self, x: Val, op: Op) -> bool:
        """Whether an array is made or kept for its size, or a part of one that is: not one of an argument."""
        if x in op.outs and op.code != "prim":
            return self.read.isdisjoint(op.outs)
        if op.code == "for":
            return x in LoopView(op).elements
        return op.code == "prim" and (
            op.fn is not operator.getitem or op.ins[0] not in self.graph.region.params
        )

    def of_shapes(self, op: Op) -> list[int]:
        """The operands, arrays and containers, of which an operation reads shapes and types alone."""
        if op.code != "prim":
            return []
        wanted = self.shape_only(op.fn)
        found = of_shape(op, self.shape_only)
        if not wanted:
            return found
        names = op.names
        return found + [
            n for n, a in enumerate(op.ins) if n in wanted and not names[n] and isinstance(a, Struct)
        ]

    def of_this_shape(self, v: Val) -> Atom:
        """An argument, or an operand, of the shape and type of an array that is not wanted otherwise."""
        while v not in self.read and v.op is not None and v.op.code == "prim" and isinstance(v.kind, Array):
            if any(isinstance(d, Sym) and not d.big for d in v.kind.dims):
                break
            among = (*self.arguments, *(a for a in v.op.ins if isinstance(a, Val)))
            found = next((p for p in among if p.kind == v.kind), None)
            if found is None:
                break
            self.changed = True
            v = found
        return v

    def argument(self, d: Dim) -> tuple[Atom, int] | None:
        """An argument, and its axis, that has a size."""
        if not isinstance(d, Sym) or d.offset:
            return None
        for p in self.arguments:
            if isinstance(p.kind, Array):
                for n, of in enumerate(p.kind.dims):
                    if of == d:
                        return p, n
        return None


def is_new_axes(op: Op) -> bool:
    """Whether an index takes all there is, along old and new axes."""
    index = op.ins[1]
    parts = parts_of(index)
    return all(is_none(p) or (isinstance(p, Slice) and p == ALL) for p in parts)


def is_product(a: Atom) -> bool:
    return isinstance(a, Val) and a.op is not None and a.op.fn is operator.matmul


def is_one(a: Atom) -> bool:
    return isinstance(a, Const) and type(a.value) is float and a.value == 1.0
