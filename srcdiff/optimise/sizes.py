"""Where only the shape and the type of an array are asked for, the array is the first of its versions.

Writes change neither, so a loop that does nothing but write to it need not be run for `np.zeros_like(x)` or
for the shape that a cotangent is summed to: the gradient of what is linear runs no primal.  And what would be
computed of one array and numbers, for its shape alone, is not: that array has it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from srcdiff.analysis.versions import backwards
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Graph, LoopView, Op, Region, Val, kind, op_of, vals
from srcdiff.ir.kinds import Array, Scalar

__all__ = ["first_versions", "newest_versions", "of_shape"]

Positions = Callable[[Any], frozenset[int]]
FIRST = frozenset({0})


def of_shape(op: Op, shape_only: Positions) -> list[int]:
    """The operands of an operation, arrays, of which it reads the shape and the type alone."""
    if op.code != "prim":
        return []
    wanted = FIRST if op.fn in (ops.shape_at, len) else shape_only(op.fn)
    if not wanted:
        return []
    names = op.names
    return [n for n, a in enumerate(op.ins) if n in wanted and not names[n] and isinstance(kind(a), Array)]


def alike(a: Atom, b: Atom) -> bool:
    """Whether two values are arrays of one type and rank."""
    k, m = kind(a), kind(b)
    return isinstance(k, Array) and isinstance(m, Array) and k.dtype == m.dtype and len(k.dims) == len(m.dims)


def first(v: Val, is_copy: Callable[[Any], bool]) -> Val:
    """The first version of an array, or what that is a copy of."""
    while True:
        start = v
        *_, v = backwards(v)
        op = v.op
        if op is not None and op.is_loop and v not in op.outs:
            before = carried_from(op, v)
            v = before if before is not None else v
        elif op is not None and op.code == "prim" and is_copy(op.fn) and isinstance(op.ins[0], Val):
            v = op.ins[0] if len(op.ins) == 1 else v
        if v is start or not alike(v, start):
            return start


def carried_from(op: Op, p: Val) -> Val | None:
    """What a variable of a loop starts from, if each trip leaves a version of it."""
    view = LoopView(op)
    if p not in view.params:
        return None
    j = view.params.index(p)
    start, y = view.inits[j], view.yields[j]
    if not isinstance(start, Val) or not isinstance(y, Val) or not alike(start, p):
        return None
    return start if any(q is p for q in backwards(y)) else None


def first_versions(
    graph: Graph, shape_only: Positions, is_copy: Callable[[Any], bool], is_elementwise: Callable[[Any], bool]
) -> Graph:
    """Ask the first version of an array for its shape; or what it is computed from, number by number."""
    computed = ask_first(graph.region, shape_only, is_copy, is_elementwise)
    if not computed:
        return graph
    read: set[Val] = set()
    note_read(graph.region, shape_only, is_elementwise, read)
    for op, n in computed:
        v: Atom | None = op.ins[n]
        while isinstance(v, Val):
            op.ins[n] = v = first(v, is_copy)
            v = of_one_array(op_of(v), is_elementwise) if v not in read else None
    return graph


def note_read(
    region: Region, shape_only: Positions, is_elementwise: Callable[[Any], bool], read: set[Val]
) -> None:
    """The values of which something else than the shape is asked; users are seen before what they use."""
    read.update(vals(region.results))
    for op in reversed(region.ops):
        for inner in reversed(op.regions):
            note_read(inner, shape_only, is_elementwise, read)
        if of_one_array(op, is_elementwise) is not None and op.out not in read:
            continue
        shapes = of_shape(op, shape_only)
        read.update(vals([a for n, a in enumerate(op.ins) if n not in shapes]))


def of_one_array(op: Op | None, is_elementwise: Callable[[Any], bool]) -> Val | None:
    """The array whose shape and type the result has: all else that it is computed from are numbers."""
    if op is None or op.code != "prim" or len(op.outs) != 1 or any(op.attrs.get("names") or ()):
        return None
    arrays = [a for a in op.ins if not isinstance(kind(a), Scalar)]
    if len(arrays) != 1 or not isinstance(arrays[0], Val) or not alike(arrays[0], op.out):
        return None
    return arrays[0] if is_elementwise(op.fn) else None


def ask_first(
    region: Region,
    shape_only: Positions,
    is_copy: Callable[[Any], bool],
    is_elementwise: Callable[[Any], bool],
) -> list[tuple[Op, int]]:
    """Where what is asked is computed of one array."""
    computed = []
    for op in region.ops:
        for n in of_shape(op, shape_only):
            v = op.ins[n]
            if isinstance(v, Val):
                op.ins[n] = v = first(v, is_copy)
                if of_one_array(v.op, is_elementwise) is not None:
                    computed.append((op, n))
        for inner in op.regions:
            computed += ask_first(inner, shape_only, is_copy, is_elementwise)
    return computed


def newest_versions(graph: Graph, shape_only: Positions, is_copy: Callable[[Any], bool]) -> None:
    """Ask the last version there is: an older one would want a name of its own."""
    Newest(set(graph.region.params), shape_only, is_copy).region(graph.region, {})


class Newest:
    """One walk."""

    def __init__(self, params: set[Val], shape_only: Positions, is_copy: Callable[[Any], bool]) -> None:
        self.params, self.shape_only, self.is_copy = params, shape_only, is_copy

    def region(self, r: Region, newest: dict[Val, Val]) -> None:
        for op in r.ops:
            for n in of_shape(op, self.shape_only):
                v = op.ins[n]
                while isinstance(v, Val) and v in newest:
                    v = newest[v]
                op.ins[n] = v
            loop = op.is_loop
            view = LoopView(op) if loop else None
            for inner in op.regions:
                below = dict(newest)
                if view is not None and inner is view.body:
                    for p in view.params:
                        start = carried_from(op, p)
                        if start is not None:
                            below[start] = p
                self.region(inner, below)
            if view is not None:
                for p, f in zip(view.params, view.finals, strict=True):
                    start = carried_from(op, p)
                    if start is not None and alike(start, f):
                        newest[start] = f
            elif (
                op.code == "prim"
                and self.is_copy(op.fn)
                and op.ins[0] in self.params
                and alike(op.ins[0], op.out)
            ):
                newest.setdefault(op.ins[0], op.out)  # type: ignore[arg-type]
            elif op.code == "prim" and op.fn in ops.WRITES:
                base = op.ins[0]
                if isinstance(base, Val) and alike(base, op.out):
                    newest[base] = op.out
