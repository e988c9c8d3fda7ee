"""What is a list on one path and an array on another: ``+`` joins the one and adds the other.

Which it does is known only at run time, and the two have different derivatives: such a sum is refused.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable

from srcdiff.errors import Problem, UnsupportedSyntax
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Graph, LoopView, Op, Val, kind, walk
from srcdiff.ir.kinds import UNKNOWN, Maybe, Seq, Tree, is_whole
from srcdiff.ir.modules import package_of

__all__ = ["check"]

LIST, NUMBERS = 1, 2


def check(graph: Graph) -> None:
    """Refuse ``+``, and ``*`` by a whole number, of what may be a list or an array."""
    doubtful = [
        op for op in walk(graph.region)
        if op.fn in (operator.add, operator.mul) and any(kind(a) is UNKNOWN for a in op.ins)
    ]  # fmt: skip
    if not doubtful:
        return
    found = Ways(graph)
    for op in doubtful:
        of = [found.of(a) for a in op.ins]
        if op.fn is operator.add:
            torn = LIST | NUMBERS in of and all(way & LIST for way in of)
        else:
            whole = [is_whole(kind(a)) for a in op.ins]
            torn = any(way == LIST | NUMBERS and w for way, w in zip(of, reversed(whole), strict=True))
        if torn:
            raise_problem(op)


def raise_problem(op: Op) -> None:
    adds = op.fn is operator.add
    what = "this may be a list or an array, depending on the path taken"
    note = ("lists are joined by +" if adds else "lists are repeated by *") + ", arrays are computed with"
    help = "make an array of it on both paths (np.array), or do this inside the branches"
    o = op.origin
    if o is None:
        raise UnsupportedSyntax(Problem("branches", what, note=note, help=help))
    raise UnsupportedSyntax(Problem("branches", what, o.file, o.line, 0, len(o.text), o.text, "", note, help))


class Ways:
    """Of each value, as far as is known: whether it may be a list, and whether numbers or an array."""

    def __init__(self, graph: Graph) -> None:
        self.begins: dict[Val, tuple[Atom, Atom]] = {}  # of what a loop carries: at first, and then
        for op in walk(graph.region):
            if op.is_loop:
                loop = LoopView(op)
                for param, init, then, _ in loop.slots:
                    self.begins[param] = init, then

    def of(self, a: Atom) -> int:
        seen: set[Val] = set()
        ways, todo = 0, [a]
        while todo:
            a = todo.pop()
            k = kind(a)
            k = k.of if isinstance(k, Maybe) else k
            if k is not UNKNOWN:
                listed = isinstance(k, Seq) or (isinstance(k, Tree) and k.type in (list, tuple))
                ways |= LIST if listed else NUMBERS
            elif isinstance(a, Val) and a not in seen:
                seen.add(a)
                todo += self.ends(a)
        return ways

    def ends(self, v: Val) -> Iterable[Atom]:
        """What a value of unknown kind is, on one path or another."""
        if v in self.begins:
            return self.begins[v]
        op = v.op
        if op is None:
            return ()
        if op.code == "prim":
            if op.fn in (operator.add, operator.mul):
                return op.ins
            if op.fn in ops.WRITES:
                return op.ins[:1]
            ours = op.fn is operator.getitem or package_of(op.fn) == "srcdiff"
            return () if ours else (Const(0.0),)  # (functions of numbers give numbers)
        if v not in op.outs:  # (the loop was read anew, and this is of before)
            return ()
        at = op.outs.index(v)
        if op.is_loop:
            carried = LoopView(op).slots
            return carried[at][1:3] if at < len(carried) else ()
        if op.code not in ("if", "try", "with"):
            return ()
        return [r.results[at] for r in op.regions if at < len(r.results)]
