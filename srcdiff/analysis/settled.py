"""Write-once facts: an element read inside a loop that no later write of the loop can touch.

Such an element is still there when the loop is over, so the backward sweep reads it again and nothing is
saved: tables of dynamic programming, time stepping, recurrent nets, factorisations.  Indices are compared as
linear forms in the loop indices (the strong single-index-variable test of dependence analysis; Allen and
Kennedy, *Optimizing Compilers for Modern Architectures*, section 3.3).
"""

from __future__ import annotations

import operator
from collections.abc import Iterator

from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, LoopView, Op, Slice, Struct, Val, kind, vals
from srcdiff.ir.kinds import Scalar

__all__ = ["untouched"]

Form = dict[Val | None, int]  # coefficients; None: the constant


def untouched(index: Atom, later: list[Op], every: list[Op], loop: Op) -> bool:
    """Whether ``x[index]``, read in a trip of ``loop``, is not written by ``later`` (the rest of the trip)
    nor by ``every`` update in the trips that follow."""
    view = LoopView(loop)
    if loop.code != "for" or view.head != 3 or loop.attrs.get("rev") or not is_one(view.header[2]):
        return False
    for op in later:
        if not all(
            apart(index, w, loops, None) or beyond(index, w, loops, loop) for w, loops in writes(op, ())
        ):
            return False
    for op in every:
        if not all(
            apart(index, w, loops, view.index) or beyond(index, w, loops, loop) for w, loops in writes(op, ())
        ):
            return False
    return True


def beyond(index: Atom, w: Atom | None, loops: tuple[Op, ...], loop: Op) -> bool:
    """Whether no trip of the loop at all writes there (the index does not move with the loop)."""
    if any(v is LoopView(loop).index for v in vals(parts(index))):
        return False
    return apart(index, w, (loop, *loops), None)


def is_one(a: Atom) -> bool:
    return isinstance(a, Const) and a.value == 1


def writes(op: Op, loops: tuple[Op, ...]) -> Iterator[tuple[Atom | None, tuple[Op, ...]]]:
    """The indices that an operation writes to, with the loops inside it that they run in."""
    if op.code == "prim":
        yield (op.ins[1] if op.fn in (ops.setitem, ops.additem) else None), loops
        return
    inner = (*loops, op) if op.code in ("for", "while") else loops
    for r in op.regions:
        for o in r.ops:
            if (o.code == "prim" and (o.fn in (ops.setitem, ops.additem) or o.attrs.get("aug"))) or o.regions:
                yield from writes(o, inner)


def parts(index: Atom) -> list[Atom]:
    return list(index.items) if isinstance(index, Struct) and index.type is tuple else [index]


def apart(read: Atom, write: Atom | None, loops: tuple[Op, ...], index: Val | None) -> bool:
    """Whether two indices are apart in some dimension; ``index``: the write happens in a later trip."""
    if write is None or any(o.code != "for" for o in loops):
        return False
    a, b = parts(read), parts(write)
    for p in (*a, *b):
        if isinstance(p, Const) and not isinstance(p.value, int):
            return False
        if not isinstance(p, Slice) and not isinstance(kind(p), Scalar):
            return False
    for r, w in zip(a, b, strict=False):
        low, high = bounds(r)
        first, last = bounds(w)
        if first is not None and high is not None and positive(lowest(first, loops), high, index):
            return True
        if (
            last is not None
            and low is not None
            and index is None
            and positive(low, highest(last, loops), None)
        ):
            return True
    return False


def bounds(p: Atom) -> tuple[Form | None, Form | None]:
    """The smallest and the largest position that an index names."""
    if isinstance(p, Slice):
        if not (isinstance(p.step, Const) and p.step.value in (None, 1)):
            return None, None
        low: Form | None = {None: 0}
        if not (isinstance(p.lower, Const) and p.lower.value is None):
            low = form(p.lower)
        high = form(p.upper) if not (isinstance(p.upper, Const) and p.upper.value is None) else None
        return low, (plus(high, {None: -1}) if high is not None else None)
    f = form(p)
    return f, f


def form(a: Atom) -> Form | None:
    """An integer expression as a linear form; None if it is not one, or may be counted from the end."""
    if isinstance(a, Const):
        return {None: a.value} if isinstance(a.value, int) and a.value >= 0 else None
    if not isinstance(a, Val):
        return None
    op = a.op
    if (
        op is not None
        and a in op.outs
        and op.code == "prim"
        and op.fn in (operator.add, operator.sub)
        and len(op.ins) == 2
    ):
        left = form(op.ins[0])
        right = form(op.ins[1])
        if left is not None and right is not None:
            return plus(left, right if op.fn is operator.add else {k: -v for k, v in right.items()})
    return {a: 1, None: 0}


def plus(a: Form, b: Form) -> Form:
    out = dict(a)
    for k, v in b.items():
        out[k] = out.get(k, 0) + v
    return {k: v for k, v in out.items() if v or k is None}


def lowest(f: Form, loops: tuple[Op, ...]) -> Form | None:
    """A lower bound, with the indices of inner loops replaced by where they start."""
    for o in reversed(loops):
        view = LoopView(o)
        c = f.get(view.index, 0)
        if not c:
            continue
        if view.head != 3 or not is_one(view.header[2]):
            return None
        bound = form(view.header[0]) if c > 0 else minus_one(view.header[1])
        if bound is None:
            return None
        f = plus({k: v for k, v in f.items() if k is not view.index}, {k: c * v for k, v in bound.items()})
    return f


def minus_one(stop: Atom) -> Form | None:
    f = form(stop)
    return plus(f, {None: -1}) if f is not None else None


def highest(f: Form, loops: tuple[Op, ...]) -> Form | None:
    low = lowest({k: -v for k, v in f.items()}, loops)
    return {k: -v for k, v in low.items()} if low is not None else None


def positive(a: Form | None, b: Form | None, index: Val | None) -> bool:
    """Whether ``a - b >= 1``, where ``a`` belongs to a later value of ``index`` if one is given."""
    if a is None or b is None:
        return False
    if index is not None:
        c = a.get(index, 0)
        if c < 0:
            return False
        a = plus(a, {None: c})  # at least one trip later
    d = plus(a, {k: -v for k, v in b.items()})
    return all(v == 0 for k, v in d.items() if k is not None) and d.get(None, 0) >= 1
