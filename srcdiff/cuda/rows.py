"""What is done to the rows of arrays: reductions along the last axis, and all between them.

A softmax, a normalisation and their adjoints are operations on the elements of a matrix, and sums of its rows
that the next of these operations ask for.  Each such sum would end a kernel.  Here they are found; in the
kernel (``rowtext.py``) a *team* of threads does all of a row.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from srcdiff.cuda.groups import Group, Node, Space, Total, conflict, dims_of, fits, is_constant
from srcdiff.cuda.tables import C_TYPES
from srcdiff.ir.graph import Atom, Const, Op, Ref, Slice, Val, kind, same
from srcdiff.ir.indices import parts_of
from srcdiff.ir.kinds import Array, Scalar, Sym

__all__ = ["Rows", "Sum", "find_rows"]

HOW: dict[Any, str] = {np.sum: "sum", np.mean: "sum", np.max: "max", np.min: "min"}
FEW, LONG = 64, 4096  # so few rows that are so long are better done by many blocks
VIEWS = (np.expand_dims, np.broadcast_to, operator.getitem)


@dataclass(frozen=True, slots=True)
class Sum:
    """A reduction of each row."""

    of: Val
    how: str
    mean: bool


@dataclass(eq=False, slots=True)
class Rows(Node):
    space: Space = ()
    sums: dict[Op, Sum] = field(default_factory=dict)
    totals: dict[Op, Total] = field(default_factory=dict)
    views: dict[Val, Val] = field(default_factory=dict)  # of numbers of rows made here
    level: dict[Val, bool] = field(default_factory=dict)  # whether it is one for each element, not each row
    parts: list[Node] = field(default_factory=list)


def row_sum(op: Op) -> Sum | None:
    """An operation as a reduction of rows."""
    k = op.out.kind if op.code == "prim" and len(op.outs) == 1 else None
    if not isinstance(k, Array) or k.dtype not in ("f8", "f4") or op.fn not in HOW:
        return None
    names = op.names
    given = dict(zip(names, op.ins, strict=True))
    of = op.ins[0]
    if set(names) - {"", "axis", "keepdims", "dtype"} or sum(not n for n in names) != 1:
        return None
    rank = len(dims_of(of))
    axis = given.get("axis", Const(None))
    if not isinstance(of, Val) or rank < 2 or not isinstance(axis, Const) or type(axis.value) is not int:
        return None
    dtype = kind(of).dtype  # type: ignore[union-attr]
    if axis.value % rank != rank - 1 or dtype not in C_TYPES:
        return None
    if dtype != k.dtype and ("dtype" not in given or HOW[op.fn] != "sum"):
        return None
    return Sum(of, HOW[op.fn], op.fn is np.mean)


def is_plain(index: Atom) -> bool:
    """Whether an index adds axes, and does nothing else."""
    parts = parts_of(index)
    none = Const(None)
    return all(
        (isinstance(p, Slice) and same(p.lower, none) and same(p.upper, none) and same(p.step, none))
        or (isinstance(p, Const) and (p.value is None or p.value is ...))
        or (isinstance(p, Ref) and p.obj is ...)
        for p in parts
    )


class Finder:
    """The operations of one space that follow each other."""

    def __init__(self, space: Space, memory: Callable[[Val], frozenset[Any]]) -> None:
        self.rows = Rows(space=space)
        self.memory = memory
        self.wide, self.thin = space, space[:-1]
        self.groups = 0

    def take(self, node: Node) -> bool:
        """Whether an operation, or a group, is one of these; then it is added."""
        rows = self.rows
        if isinstance(node, Group):
            if not self.fitting(node):
                return False
            wide = fits(node.space, self.wide)
            self.groups += wide
            rows.level.update({v: wide for op in node.ops for v in op.outs if v in node.elements})
            rows.totals.update({t.op: t for t in node.totals})
        elif len(node.ops) == 1 and not node.ops[0].regions:
            (op,) = node.ops
            if any(op.attrs.get(m) for m in ("inplace", "guarded", "unread", "effect")):
                return False
            found = row_sum(op)
            if found is not None and fits(dims_of(found.of), self.wide):
                if not self.loads(found.of, True):
                    return False
                rows.sums[op] = found
                rows.level[op.out] = False
            elif not self.view(op):
                return False
        else:
            return False
        rows.parts.append(node)
        rows.ops += node.ops
        rows.uses |= node.uses - rows.makes
        rows.makes |= node.makes
        rows.reads |= node.reads
        rows.writes |= node.writes
        return True

    def view(self, op: Op) -> bool:
        """A view of numbers of rows that are made here: the same numbers."""
        if op.code != "prim" or op.fn not in VIEWS or not isinstance(op.ins[0], Val):
            return False
        x = op.ins[0]
        if self.rows.level.get(x, True) or (op.fn is operator.getitem and not is_plain(op.ins[1])):
            return False
        before, after = dims_of(x), dims_of(op.out)
        column = (*self.thin, 1)
        if fits(before, self.thin) and op.fn is not np.broadcast_to:
            ok = fits(after, column)
        else:
            ok = fits(before, column) and op.fn is np.broadcast_to and fits(after, self.wide)
        if ok:
            self.rows.level[op.out] = False
            self.rows.views[op.out] = x
        return ok

    def fitting(self, g: Group) -> bool:
        if g.scatters or g.anywhere or g.sums:
            return False
        wide = fits(g.space, self.wide)
        if not wide and not fits(g.space, self.thin) and not fits(g.space, (*self.thin, 1)):
            return False
        made = {**self.rows.level, **dict.fromkeys(g.elements, wide)}
        for base, index in g.targets.values():  # arrays made here, and changed here
            if index is not None or base not in made or made[base] != wide or base in self.rows.views:
                return False
        used = {v for v in g.uses if v not in g.makes}
        return all(self.loads(v, wide) for v in used)

    def loads(self, v: Val, wide: bool) -> bool:
        """Whether an operand of an element (of a row) is at hand in a team."""
        level = self.rows.level.get(v)
        dims = dims_of(v)
        column = (*self.thin, 1)
        if level is not None:
            if level:
                return wide
            return fits(dims, column) or v in self.rows.views if wide else True
        if v in self.rows.makes:
            return False  # a sum of all
        if not isinstance(v.kind, (Array, Scalar)) or v.kind.dtype not in C_TYPES:
            return False
        if not dims or is_constant(v):
            return True
        if not wide:
            return fits(dims, self.thin) or fits(dims, column)
        return fits(dims, self.wide) or fits(dims, column) or self.is_line(dims)

    def is_line(self, dims: Space) -> bool:
        """Whether an array is the same for all rows."""
        return fits(dims[-1:], self.wide[-1:]) and all(d == 1 for d in dims[:-1])


def find_rows(
    nodes: list[Node],
    users: dict[Val, list[Op | None]],
    memory: Callable[[Val], frozenset[Any]],
    seen: dict[Any, int],
) -> list[Node]:
    """The nodes, with those that are better done row by row put together."""
    out = list(nodes)
    n = 0
    while n < len(out):
        space = space_of(out[n])
        if space is None or not worth(space, seen):
            n += 1
            continue
        finder = Finder(space, memory)
        before: list[Node] = []
        after: list[Node] = []
        for node in out[n:]:
            blocked = any(conflict(node, s) for s in after)
            if not blocked and finder.take(node):
                continue
            quiet = len(node.ops) == 1 and not node.writes and not node.ops[0].regions and not node.reads
            if quiet and not blocked and not conflict(node, finder.rows):
                before.append(node)
            else:
                after.append(node)
        if pays(finder, users):
            out[n:] = [*before, finder.rows, *after]
            n += len(before)
        n += 1
    return out


def space_of(node: Node) -> Space | None:
    """What a node goes over, if it has rows."""
    if isinstance(node, Group):
        return node.space if len(node.space) > 1 else None
    found = row_sum(node.ops[0]) if len(node.ops) == 1 and not node.ops[0].regions else None
    return dims_of(found.of) if found is not None else None


def worth(space: Space, seen: dict[Any, int]) -> bool:
    """Whether the rows are not few and long, as far as the first call tells; every size is settled."""
    if not fits(space, space):
        return False
    rows, *known = 1, *(size_of(d, seen) for d in space)
    for size in known[:-1]:
        rows *= size or FEW
    return rows >= FEW or (known[-1] or 0) <= LONG


def size_of(d: Any, seen: dict[Any, int]) -> int | None:
    if isinstance(d, int):
        return d
    found = seen.get(d.id) if isinstance(d, Sym) else None
    return None if found is None else found + d.offset


def pays(finder: Finder, users: dict[Val, list[Op | None]]) -> bool:
    """Whether something is saved: rows are gone over once where they would be more often."""
    rows = finder.rows
    if not rows.sums or len(rows.sums) + finder.groups < 2:
        return False
    if len(rows.sums) > 1 or finder.groups > 1:
        return True
    (found,) = rows.sums.values()
    kept = [v for v, wide in rows.level.items() if wide and any(u not in rows.ops for u in users.get(v, ()))]
    return bool(kept) or rows.level.get(found.of) is None
