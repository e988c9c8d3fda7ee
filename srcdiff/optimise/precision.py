"""Numbers of the library's where Python's own would not do: beside single precision, and in divisions.

By its kind a cotangent is a double, and what starts it is often a number of Python's own: the seed, a
constant of a branch, an element of a list.  With a ``np.float32`` such a number is single precision (NEP 50),
with doubles it is one of them.  So where an operation of doubles has no other operand that is surely one of
NumPy's, its operand of single precision is made a double first.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Graph, LoopView, Op, Region, Val, kind, walk
from srcdiff.ir.kinds import Array, Kind, Scalar

__all__ = ["counted_to", "has_single", "may_be_pythons", "widened"]

SINGLE = ("f2", "f4", "c8")
DOUBLE = ("f8", "c16")
MIXED = {
    operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod,
    operator.floordiv, ops.accumulate,
}  # fmt: skip
COUNTS = {len, ops.shape_at}
ALONE = {operator.neg, operator.pos, operator.abs, float, abs, complex}
TAKEN = {operator.getitem, ops.getfield, ops.poplast, ops.rest}


def widened(graph: Graph, double: Any, numpys: Callable[[Any], bool]) -> Graph:
    """Make operations double precision that are by their kinds.

    ``double``: what makes a number one of NumPy's. ``numpys(fn)``: whether a function makes such numbers of
    Python's too.
    """
    every = list(walk(graph.region))
    suspects = [op for op in every if mixes(op)]
    branches = [(op.ins[0], r.ops) for op in every if op.code == "if" for r in op.regions]
    asked = {op for test, inner in branches for op in inner if divides(op) and op.ins[1] is test}
    divisions = [op for op in every if divides(op) and op not in asked]  # (by what is known not to be zero)
    if divisions:
        loops = [(bound, op.regions[-1]) for op in every if (bound := counted_to(op)) is not None]
        known = {op for bound, body in loops for op in walk(body) if divides(op) and op.ins[1] is bound}
        divisions = [op for op in divisions if op not in known]
    if not suspects and not divisions:
        return graph
    own = may_be_pythons(graph.region, numpys, {p for p in graph.region.params if isinstance(p.kind, Scalar)})
    found = {op for op in suspects if all(is_own(a, own) for a in op.ins if size(a) not in SINGLE)}
    found |= {op for op in divisions if all(is_own(a, own) for a in op.ins)}
    if found:
        rewrite(graph.region, found, double)
    return graph


def has_single(graph: Graph) -> bool:
    """Whether there is anything of single precision."""
    made = (v for op in walk(graph.region) for v in op.outs)
    return any(size(v) in SINGLE for v in (*graph.region.params, *made))


def size(a: Atom) -> str:
    k = kind(a)
    return k.dtype if isinstance(k, (Array, Scalar)) else ""


def mixes(op: Op) -> bool:
    """Whether an operation makes doubles of two operands of which one is single precision."""
    if op.code != "prim" or op.fn not in MIXED or len(op.ins) != 2 or is_own_kind(op.out.kind):
        return False
    if op.origin is not None and not op.origin.adjoint:
        return False  # the program's own
    sizes = [size(a) for a in op.ins]
    mixed = any(s in SINGLE for s in sizes) and any(s in DOUBLE for s in sizes)
    return size(op.out) in DOUBLE and mixed and any(map(is_real, op.ins))


def divides(op: Op) -> bool:
    """Whether an operation of a backward sweep divides the library's number by one that may be Python's.

    Not where it counts elements: of none of them there is nothing to divide.
    """
    if op.code != "prim" or op.fn is not operator.truediv or not op.adjoint:
        return False
    by = op.ins[1]
    counted = isinstance(by, Val) and by.op is not None and by.op.code == "prim" and by.op.fn in COUNTS
    double = isinstance(op.out.kind, Scalar) and op.out.kind == Scalar("f8", False)
    return double and isinstance(by, Val) and is_own_kind(by.kind) and not counted


def counted_to(op: Op) -> Atom | None:
    """How many trips a loop makes that counts them from zero: in each of them this is not zero."""
    header = LoopView(op).header if op.code == "for" else ()
    return header[1] if len(header) == 3 and header[0] == Const(0) and header[2] == Const(1) else None


def is_real(a: Atom) -> bool:
    """Whether a number can be made a double."""
    return isinstance(kind(a), Scalar) and size(a)[0] == "f"


def is_own_kind(k: Kind) -> bool:
    return isinstance(k, Scalar) and k.weak


def is_own(a: Atom, own: set[Val]) -> bool:
    return is_own_kind(kind(a)) or (isinstance(a, Val) and a in own)


def may_be_pythons(region: Region, numpys: Callable[[Any], bool], first: Iterable[Val] = ()) -> set[Val]:
    """The numbers that may be Python's own, although their kind is that of NumPy's; ``first`` are known."""
    own = set(first)
    every = list(walk(region))
    kept = {t: c for op in every if op.is_loop for c, t in LoopView(op).kept}

    def from_box(a: Atom) -> bool:
        """Whether what is read from a container may be such a number."""
        return not isinstance(a, Val) or a not in kept or is_own(kept[a], own)

    def add(v: Val) -> bool:
        if v in own or not isinstance(v.kind, Scalar):
            return False
        own.add(v)
        return True

    def step(op: Op) -> bool:
        if op.code == "prim":
            if is_own_kind(op.out.kind):
                return add(op.out)
            if op.fn in TAKEN:
                return not isinstance(kind(op.ins[0]), Array) and from_box(op.ins[0]) and add(op.out)
            if op.fn in MIXED or op.fn in ALONE:
                return all(is_own(a, own) for a in op.ins) and add(op.out)
            return not numpys(op.fn) and add(op.out)
        if not op.is_loop:
            return sum(add(v) for n, v in enumerate(op.outs) if from_any(op, n, own)) > 0
        view = LoopView(op)
        new = sum(add(e) for e, a in view.taken if from_box(a))
        for n, (p, i, y, f) in enumerate(view.slots):
            if is_own(i, own) or is_own(y, own):
                new += sum(map(add, (p, f, *(r.params[n] for r in op.regions[:-1]))))
        return new > 0

    while sum(map(step, every)):
        pass
    return own


def from_any(op: Op, n: int, own: set[Val]) -> bool:
    """Whether what a branch gives may be one of Python's."""
    if op.code != "if":
        return True
    return any(n >= len(r.results) or is_own(r.results[n], own) for r in op.regions)


def rewrite(region: Region, found: set[Op], double: Any) -> None:
    out: list[Op] = []
    for op in region.ops:
        for r in op.regions:
            rewrite(r, found, double)
        if op in found:
            n = next(n for n, a in enumerate(op.ins) if is_real(a) or op.fn is operator.truediv)
            a = op.ins[n]
            made = Op.applying(double, [a], Scalar("f8", False), op.origin)
            out.append(made)
            op.ins[n] = made.out
        out.append(op)
    region.ops = out
