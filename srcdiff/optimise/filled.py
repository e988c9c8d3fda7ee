"""Arrays of equal numbers are made at once: ``np.ones(A.shape)``, ``np.full(n, c)``, ``np.zeros((3, 3))``."""

from __future__ import annotations

from itertools import takewhile

from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Atom,
    Const,
    Graph,
    Op,
    Region,
    Struct,
    Val,
    applies,
    is_as_written,
    kind,
    map_atom,
    uses_of,
    vals,
    walk,
)  # fmt: skip
from srcdiff.ir.kinds import Array, Scalar
from srcdiff.optimise.dce import dce
from srcdiff.optimise.words import Words

__all__ = ["made_full", "made_of_sizes"]


def made_of_sizes(graph: Graph, words: Words) -> Graph:
    """Make zeros like an array of known sizes from these: it need not be there for its shape."""
    found = False
    for op in walk(graph.region):
        if op.code != "prim" or op.fn is not words.blanks[0] or len(op.ins) > 1 or is_as_written(op):
            continue
        k = op.out.kind
        if isinstance(k, Array) and k.dims and k.dtype == "f8" and all(isinstance(d, int) for d in k.dims):
            op.become(words.blanks[1])
            sizes = tuple(map(Const, k.dims))
            op.ins = [Struct(tuple, tuple(range(len(sizes))), sizes) if len(sizes) > 1 else sizes[0]]
            found = True
    return dce(graph) if found else graph


def made_full(graph: Graph, words: Words) -> Graph:
    """Make such arrays at once, in a graph that went through `own`."""
    if applies(graph.region, (ops.copied,)) and applies(graph.region, words.expands):
        in_region(graph.region, words, uses_of(graph.region))
    return graph


def in_region(region: Region, words: Words, uses: dict[Val, int]) -> None:
    gone: set[Op] = set()
    before: dict[Op, list[Op]] = {}
    at = {op: n for n, op in enumerate(region.ops)}
    for op in region.ops:
        for r in op.regions:
            in_region(r, words, uses)
        x = op.ins[0] if op.code == "prim" and op.fn is ops.copied else None
        made = x.op if isinstance(x, Val) else None
        if x is None or made not in at or made is None or made.fn not in words.expands:
            continue
        number, k = made.ins[0], kind(x)
        if len(made.ins) != 2 or any(made.attrs.get("names") or ()) or not isinstance(k, Array):
            continue
        kn = kind(number)
        if not isinstance(kn, Scalar) or kn.dtype != "f8" or k.dtype != "f8":
            continue
        one = number == Const(1.0)
        quiet = takewhile(lambda o: not writes(o), reversed(region.ops[: at[op]]))
        before[op], shape = asked_again(made.ins[1], set(quiet))
        for v in vals([shape]):
            uses[v] = uses.get(v, 0) + 1
        op.become(words.ones if one else words.full)
        op.ins = [shape] if one else [shape, number]
        op.origin = made.origin or op.origin
        assert isinstance(x, Val)
        uses[x] -= 1
        if not uses[x]:
            gone.add(made)
            for v in vals(made.ins[1:]):
                uses[v] -= 1
                if v.op is not None and v.op in at and v.op.fn is ops.shape_at and not uses[v]:
                    gone.add(v.op)
    region.ops = [o for op in region.ops if op not in gone for o in (*before.get(op, ()), op)]


def writes(op: Op) -> bool:
    return bool(op.attrs.get("inplace") or op.fn in ops.UPDATES or op.regions)


def asked_again(shape: Atom, quiet: set[Op]) -> tuple[list[Op], Atom]:
    """A shape, its sizes asked for anew: so it is written as the shape of what they are of.

    `quiet`: the operations since the last that wrote; an older version would want a name of its own.
    """
    made: list[Op] = []

    def again(v: Val) -> Atom:
        if v.op is None or v.op not in quiet or v.op.fn is not ops.shape_at:
            return v
        new = Val(v.name, v.kind)
        new.op = Op("prim", list(v.op.ins), [new], [], dict(v.op.attrs), v.op.origin)
        made.append(new.op)
        return new

    return made, map_atom(again, shape)
