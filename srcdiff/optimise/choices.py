"""A choice between two numbers is Python's own: `np.inf if t == 0.0 else t`.

`np.where(t == 0.0, np.inf, t)` is made for arrays, and takes thirty times as long.  It gives an array without
axes: so this is done where all that is done with it is arithmetic, beside something of the library's or with
two numbers that are the library's (a constant is made one of them).
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Graph, Op, Region, Val, kind, uses_of, vals, walk
from srcdiff.ir.kinds import Array, Scalar
from srcdiff.optimise.precision import is_own, may_be_pythons
from srcdiff.optimise.words import Words

__all__ = ["choices_of_numbers"]

ARITHMETIC = {operator.add, operator.sub, operator.mul, operator.truediv, ops.accumulate}


def choices_of_numbers(graph: Graph, words: Words) -> Graph:
    """Make such choices, in a graph that went through `own`."""
    every = list(walk(graph.region))
    found = [op for op in every if op.code == "prim" and op.fn is words.choose and is_of_numbers(op)]
    if not found:
        return graph
    given = {p for p in graph.region.params if isinstance(p.kind, Scalar)}
    own = may_be_pythons(graph.region, words.gives_numbers, given)
    readers: dict[Val, list[Op]] = {}
    for op in every:
        for v in vals(op.ins):
            readers.setdefault(v, []).append(op)
    results = (r.results for r in (graph.region, *(r for op in every for r in op.regions)))
    kept = {v for atoms in results for v in vals(atoms)}
    chosen: set[Op] = set()
    for op in found:
        around = readers.get(op.out, ())
        beside = all(meets(u, op, own, found) for u in around)
        if op.out not in kept and (beside or (is_librarys_own(op, own) and all(map(is_arithmetic, around)))):
            test, *arms = op.ins
            op.code, op.fn, op.ins, op.attrs = "if", None, [test], {"style": "ifexp"}
            op.regions = [Region([], [], [a]) if beside else arm(a, words.number) for a in arms]
            op.out.kind = Scalar("f8", False)
            chosen.add(op)
    if chosen:
        read = uses_of(graph.region)
        sink(graph.region, chosen, read)
    return graph


def sink(region: Region, chosen: set[Op], read: Mapping[Val, int]) -> None:
    """What only one of the two numbers is made of is computed where that is chosen."""
    made = {op.out: op for op in region.ops if op.code == "prim" and is_plain(op)}
    gone: set[Op] = set()
    for op in region.ops:
        for r in op.regions:
            if op not in chosen:
                sink(r, chosen, read)
                continue
            todo = list(r.results)
            while todo:
                inner = made.get(v) if isinstance(v := todo.pop(), Val) and read[v] == 1 else None
                if inner is not None:
                    r.ops.insert(0, inner)
                    gone.add(inner)
                    todo += inner.ins
    region.ops = [op for op in region.ops if op not in gone]


def is_plain(op: Op) -> bool:
    """Whether numbers alone are computed with: so it makes no difference when."""
    numbers = all(isinstance(kind(a), Scalar) for a in (*op.ins, op.out))
    return numbers and not op.out.user and not op.attrs.get("guarded") and op.fn not in ops.UPDATES


def is_of_numbers(op: Op) -> bool:
    """Whether a condition that is a number chooses one of two doubles."""
    if len(op.ins) != 3 or op.by_name or op.attrs.get("guarded"):
        return False
    test, *arms = map(kind, op.ins)
    truth = isinstance(test, Scalar) and test.dtype == "b1" and isinstance(op.ins[0], Val)
    return truth and all(isinstance(k, Scalar) and k.dtype == "f8" for k in arms)


def meets(user: Op, op: Op, own: set[Val], others: list[Op]) -> bool:
    """Whether an operation takes what ``op`` chooses together with what is surely the library's.

    So what is computed is, too: nothing raises where the library goes on.
    """
    v = op.out
    if not is_arithmetic(user):
        return False
    if user.ins[1] is v and user.fn is operator.truediv and Const(0.0) in op.ins:
        return False
    beside = user.ins[0] if user.ins[1] is v else user.ins[1]
    if beside is v or (isinstance(beside, Val) and beside.op in others):
        return False
    return is_librarys(beside, own)


def is_arithmetic(user: Op) -> bool:
    """Whether a number takes the place of an array without axes."""
    plain = user.code == "prim" and user.fn in ARITHMETIC and len(user.ins) == 2
    return plain and not user.attrs.get("inplace")


def is_librarys_own(op: Op, own: set[Val]) -> bool:
    """Whether the choice is between numbers of the library's, and constants that can be made such."""
    arms = [a for a in op.ins[1:] if isinstance(a, Val)]
    return bool(arms) and all(is_librarys(a, own) for a in arms)


def arm(a: Atom, number: Any) -> Region:
    """One of the two, a number of the library's: in a region, so that it is made only where it is chosen."""
    if isinstance(a, Val):
        return Region([], [], [a])
    made = Op.applying(number, [a], Scalar("f8", False))
    return Region([], [made], [made.out])


def is_librarys(a: Atom, own: set[Val]) -> bool:
    return isinstance(kind(a), (Array, Scalar)) and not is_own(a, own)
