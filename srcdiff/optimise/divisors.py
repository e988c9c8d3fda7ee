"""What is divided and meets a quotient by the same divisor is not divided: softmax keeps one array.

Of ``p = e / t``, where a derivative is ``(g / t - sum(g / t * p)) * e``, it is ``(g - sum(g * p)) * p``: a
division less, and neither ``e`` nor ``t`` is kept.  The divisor goes out of sums along axes that it is the
same along, which it has the size one for.  Of derivatives alone, up to the last digits.
"""

from __future__ import annotations

import functools
import operator
from collections import defaultdict

from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Graph, Op, Region, Struct, Val, kind, op_of, vals, walk
from srcdiff.ir.kinds import Array, Scalar, one_shape
from srcdiff.ir.regions import readers_of
from srcdiff.optimise.words import Words

__all__ = ["without_divisors"]

SUMS = (ops.accumulate, operator.add, operator.sub)


def without_divisors(graph: Graph, words: Words) -> bool:
    """Rewrite, in place; whether anything was."""
    divided = [op for op in walk(graph.region) if op.code == "prim" and op.fn is operator.truediv]
    return len(divided) > 1 and Divisors(graph.region, words).region(graph.region)


class Divisors:
    """One walk."""

    def __init__(self, region: Region, words: Words) -> None:
        self.words, self.whole = words, region

    @functools.cached_property
    def readers(self) -> dict[Val, list[Op | None]]:
        """Who reads what, before anything is rewritten: asked for where there is something to rewrite."""
        return readers_of(self.whole)

    def region(self, region: Region) -> bool:
        changed = False
        quotients: dict[Atom, list[Op]] = defaultdict(list)  # by what is divided
        for op in list(region.ops):
            for r in op.regions:
                changed = self.region(r) or changed
            if op.code != "prim" or is_marked(op):
                continue
            if op.fn is operator.truediv and isinstance(op.ins[0], Val):
                quotients[op.ins[0]].append(op)
            elif op.fn is operator.mul and op.adjoint:
                changed = any(
                    self.undivided(op, at, p, region)
                    for at in (0, 1)
                    for p in quotients.get(op.ins[1 - at], ())
                ) or changed
        return changed

    def undivided(self, op: Op, at: int, p: Op, region: Region) -> bool:
        """Multiply with the quotient ``p`` what ``op`` multiplies with what is divided there, undivided."""
        x, t = op.ins[at], p.ins[1]
        if not isinstance(x, Val) or not isinstance(t, Val) or not one_shape(p.out.kind, op.out.kind):
            return False
        if x.kind != op.out.kind or kind(op.ins[1 - at]) != op.out.kind:
            return False
        index = {o: n for n, o in enumerate(region.ops)}
        tree: dict[Val, Op] = {}
        if not self.is_over(x, t, tree, index):
            return False
        mine = {*tree.values(), op}
        if any(reader not in mine for v in tree for reader in self.readers[v]):
            return False
        now: dict[Val, Atom] = {}
        made: list[Op] = []
        for o in sorted(tree.values(), key=index.__getitem__):
            if o.fn is operator.truediv:
                now[o.out] = o.ins[0]
                continue
            ins = [now.get(a, a) if isinstance(a, Val) else a for a in o.ins]
            new = Op("prim", ins, [], [], dict(o.attrs), o.origin)
            new.outs = [Val(op.out.name if o.out is x else "", o.out.kind, new)]
            now[o.out] = new.out
            made.append(new)
        op.ins = [now[x], p.out] if at == 0 else [p.out, now[x]]
        n = index[op]
        region.ops[n:n] = made
        for o in (*made, op):
            for v in vals(o.ins):
                self.readers[v].append(o)
        return True

    def is_over(self, a: Atom, t: Val, tree: dict[Val, Op], index: dict[Op, int]) -> bool:
        """Whether a value is another over ``t``; ``tree``: the operations that say so."""
        op = op_of(a)
        if not isinstance(a, Val) or op is None or op not in index:
            return False
        if a in tree:
            return True
        if op.code != "prim" or is_marked(op) or not op.adjoint or not one_shape(a.kind, a.kind):
            return False
        if op.fn is operator.truediv:
            over = op.ins[1] is t and kind(op.ins[0]) == a.kind
        elif op.fn in SUMS and len(op.ins) == 2:
            over = all(self.is_over(b, t, tree, index) for b in op.ins)
        elif op.fn is operator.neg:
            over = self.is_over(op.ins[0], t, tree, index)
        elif op.fn is operator.mul and len(op.ins) == 2:
            over = any(self.is_over(b, t, tree, index) for b in op.ins)
        elif op.fn is self.words.total:
            over = self.is_one_along(op, t) and self.is_over(op.ins[0], t, tree, index)
        else:
            over = False
        if over:
            tree[a] = op
        return over

    def is_one_along(self, op: Op, t: Val) -> bool:
        """Whether a divisor is the same for all that a sum adds up, and goes with what it gives."""
        if isinstance(t.kind, Scalar):
            return True
        of = kind(op.ins[0])
        if op.names != ("", "axis", "keepdims") or op.ins[2] != Const(True):
            return False
        if not isinstance(of, Array) or not isinstance(t.kind, Array) or len(of.dims) != len(t.kind.dims):
            return False
        axes = op.ins[1].items if isinstance(op.ins[1], Struct) else (op.ins[1],)
        ints = [a.value for a in axes if isinstance(a, Const) and type(a.value) is int]
        return len(ints) == len(axes) and all(t.kind.dims[n] == 1 for n in ints)


def is_marked(op: Op) -> bool:
    return bool(op.attrs.get("guarded") or op.attrs.get("aug") or op.attrs.get("inplace"))
