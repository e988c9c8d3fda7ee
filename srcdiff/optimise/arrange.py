"""The order of operations, where another saves a copy or a temporary: the values stay what they are.

- What is made of a view alone is made at once, before the array is written to: `g = x_bar[1:-1] * c` needs no
  copy of the view.
- A negation is done where it is added: `x_bar[i] -= g`; one that is added to several is done at none.
- A part of an array is set to zero when what was there has been read: no copy of it.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from typing import Any

from srcdiff.analysis.settled import separate
from srcdiff.ir import ops
from srcdiff.ir.graph import Const, Graph, Op, Region, Val, applies, kind, op_of, vals
from srcdiff.ir.kinds import Array
from srcdiff.ir.regions import read_by
from srcdiff.optimise.patterns import apart, basic

__all__ = ["arrange"]


def arrange(graph: Graph, fresh: Callable[[Any], bool]) -> Graph:
    """Put operations where they cost less; `fresh`: whether a function's result is an array of its own."""
    if not applies(graph.region, ops.WRITES):
        return graph  # (all this is about what is written to)
    negate_each(graph.region)
    users: dict[Val, list[tuple[Region, Op | None]]] = {}
    find_users(graph.region, users)
    zero_late(graph.region, users)
    blocks(graph.region, users, fresh)
    return graph


def find_users(region: Region, users: dict[Val, list[tuple[Region, Op | None]]]) -> None:
    for op in region.ops:
        for v in set(vals(op.ins)):
            users.setdefault(v, []).append((region, op))
        for r in op.regions:
            find_users(r, users)
    for v in set(vals(region.results)):
        users.setdefault(v, []).append((region, None))


def negate_each(region: Region) -> None:
    """Give each that a negation is added to a negation of its own, which is printed as a subtraction."""
    for op in region.ops:
        for r in op.regions:
            negate_each(r)
    at = {o: op for op in region.ops if op.code == "prim" and op.fn is operator.neg for o in op.outs}
    out: list[Op] = []
    for op in region.ops:
        made = at.get(op.ins[2]) if op.code == "prim" and op.fn is ops.additem else None  # type: ignore[arg-type]
        if made is not None and op.adjoint and isinstance(made.out.kind, Array) and not made.out.user:
            twice = at.get(made.ins[0])  # type: ignore[arg-type]
            if twice is not None:
                op.ins = [*op.ins[:2], twice.ins[0]]
            else:
                v = Val(made.out.name, made.out.kind)
                v.op = Op("prim", list(made.ins), [v], [], dict(made.attrs), op.origin)
                out.append(v.op)
                op.ins = [*op.ins[:2], v]
        out.append(op)
    if at:
        left = Counter([*vals(region.results), *(v for op in out for v in read_by(op))])
        gone = set()
        for op in reversed(list(at.values())):  # (a value that nobody reads has no variable of its own)
            if not left[op.out]:
                gone.add(op)
                left.subtract(vals(op.ins))
        region.ops = [op for op in out if op not in gone]


def zero_late(
    region: Region, users: dict[Val, list[tuple[Region, Op | None]]], loops: tuple[Op, ...] = ()
) -> None:
    """Set a part to zero after views of it are read, if nobody asks for it before."""
    for op in region.ops:
        for r in op.regions:
            zero_late(r, users, (*loops, op) if op.is_loop else loops)
    views: dict[Val, list[Op]] = {}
    for o in region.ops:
        if o.code == "prim" and o.fn is operator.getitem and o.attrs.get("view"):
            if isinstance(o.out.kind, Array) and isinstance(o.ins[0], Val):
                views.setdefault(o.ins[0], []).append(o)
    index = {o: n for n, o in enumerate(region.ops)}
    for op in list(region.ops):
        if op.code != "prim" or op.fn is not ops.setitem or not isinstance(op.ins[2], Const):
            continue
        if not op.adjoint or op.attrs.get("guarded"):
            continue
        where = users.get(op.out, [])
        if len(where) != 1 or where[0][0] is not region:
            continue
        user = where[0][1]
        past: list[Op] = []  # updates of other parts, which may as well be done before
        while user is not None and user.ins and is_apart(op, user, past, loops):
            following = users.get(user.out, [])
            if len(following) != 1 or following[0][0] is not region:
                break
            past.append(user)
            user = following[0][1]
        end = index[user] if user is not None else len(region.ops)
        last = index[op]
        for o in views.get(op.ins[0], ()) if isinstance(op.ins[0], Val) else ():
            if index[o] > index[op]:
                continue
            reads = [u for r, u in users.get(o.out, []) if r is region and u is not None]
            if len(reads) != len(users.get(o.out, [])) or any(index[u] >= end for u in reads):
                last = -1
                break
            last = max([last, *(index[u] for u in reads if not u.regions)])
        if last <= index[op]:
            continue
        for u in past:  # (what it adds is read for it alone: they stay one statement)
            if index[u] > last and any(o in vals(u.ins) for o in region.ops[last].outs):
                last = index[u]
        before = [u for u in past if index[u] <= last]
        if before:
            old, new = before[-1].out, Val(before[-1].out.name, before[-1].out.kind, before[-1], False)
            before[0].ins = [op.ins[0], *before[0].ins[1:]]
            before[-1].outs, op.outs = [new], [old]
            op.ins, old.op = [new, *op.ins[1:]], op
            users[new] = [(region, op)]
            base = before[0].ins[0]
            users[base] = [(r, before[0] if u is op else u) for r, u in users.get(base, [])]  # type: ignore
        region.ops.remove(op)
        region.ops.insert(last, op)
        index = {o: n for n, o in enumerate(region.ops)}


def is_apart(zero: Op, user: Op, past: list[Op], loops: tuple[Op, ...]) -> bool:
    """Whether an operation updates the array in another part than the one that is set to zero."""
    base = past[-1].out if past else zero.out
    if not is_write(user) or user.ins[0] is not base or user.attrs.get("at") or user.attrs.get("guarded"):
        return False
    here, there = zero.ins[1], user.ins[1]
    return basic(here) and basic(there) and (apart(here, there) or separate(here, there, loops))


def blocks(
    region: Region, users: dict[Val, list[tuple[Region, Op | None]]], fresh: Callable[[Any], bool]
) -> None:
    for op in region.ops:
        for r in op.regions:
            blocks(r, users, fresh)
    for op in list(region.ops):
        if op.code != "prim" or len(op.outs) != 1 or not isinstance(op.out.kind, Array):
            continue
        where = users.get(op.out, [])
        if len(where) != 1 or where[0][0] is not region or where[0][1] is None:
            continue
        user = where[0][1]
        if op.fn is operator.getitem and op.attrs.get("view"):
            make_early(op, user, region, fresh)
        elif op.fn is operator.neg and user.code == "prim" and user.fn is ops.additem:
            if user.ins[2] is op.out:
                add_late(op, user, region, fresh)


def make_early(view: Op, user: Op, region: Region, fresh: Callable[[Any], bool]) -> None:
    """Move what is made of a view to where that is taken, if the array is written to in between."""
    if user.code != "prim" or not fresh(user.fn) or user.attrs.get("guarded") or user.attrs.get("unread"):
        return
    start, end = region.ops.index(view), region.ops.index(user)
    between = region.ops[start + 1 : end]
    if not any(is_write(o) and o.ins[0] is view.ins[0] for o in between):
        return
    made = {o for op in between for o in op.outs}
    if any(v in made for v in vals(user.ins)):
        return
    del region.ops[end]
    region.ops.insert(start + 1, user)


def add_late(negation: Op, user: Op, region: Region, fresh: Callable[[Any], bool]) -> None:
    """Move a negation to where its result is added, if nothing is written to what it negates."""
    x = negation.ins[0]
    made = op_of(x)
    if made is None or made.code != "prim" or not fresh(made.fn) or negation.attrs.get("guarded"):
        return
    start, end = region.ops.index(negation), region.ops.index(user)
    between = region.ops[start + 1 : end]
    if any(writes(o, x) for o in between):
        return
    del region.ops[start]
    region.ops.insert(end - 1, negation)


def is_write(op: Op) -> bool:
    return op.code == "prim" and op.fn in ops.WRITES and isinstance(kind(op.ins[0]), Array)


def writes(op: Op, x: Any) -> bool:
    """Whether an operation may take the memory of a value for its result."""
    if op.code != "prim":
        return x in read_by(op)
    return (is_write(op) or bool(op.attrs.get("aug"))) and op.ins[0] is x
