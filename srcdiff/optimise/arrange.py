"""The order of operations, where another saves a copy or a temporary: the values stay what they are.

- What is made of a view alone is made at once, before the array is written to: `g = x_bar[1:-1] * c` needs no
  copy of the view.
- A negation is done where it is added: `x_bar[i] -= g`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from srcdiff.ir import ops
from srcdiff.ir.graph import Graph, Op, Region, Val, kind, vals
from srcdiff.ir.kinds import Array

__all__ = ["arrange"]


def arrange(graph: Graph, fresh: Callable[[Any], bool]) -> Graph:
    """Put operations where they cost less; `fresh`: whether a function's result is an array of its own."""
    users: dict[Val, list[tuple[Region, Op | None]]] = {}
    find_users(graph.region, users)
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
    made = x.op if isinstance(x, Val) else None
    if made is None or made.code != "prim" or not fresh(made.fn) or negation.attrs.get("guarded"):
        return
    start, end = region.ops.index(negation), region.ops.index(user)
    between = region.ops[start + 1 : end]
    if any(writes(o, x) for o in between):
        return
    del region.ops[start]
    region.ops.insert(end - 1, negation)


def is_write(op: Op) -> bool:
    return op.code == "prim" and op.fn in (ops.setitem, ops.additem) and isinstance(kind(op.ins[0]), Array)


def writes(op: Op, x: Any) -> bool:
    """Whether an operation may take the memory of a value for its result."""
    if op.code != "prim":
        return any(v is x for v in vals(op.ins)) or any(uses(r, x) for r in op.regions)
    return (is_write(op) or bool(op.attrs.get("aug"))) and op.ins[0] is x


def uses(region: Region, x: Any) -> bool:
    read = [v for op in region.ops for v in vals(op.ins)] + vals(region.results)
    return any(v is x for v in read) or any(uses(r, x) for op in region.ops for r in op.regions)
