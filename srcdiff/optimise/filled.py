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
    Val,
    applies,
    is_as_written,
    kind,
    map_atom,
    op_of,
    uses_of,
    vals,
    walk,
)  # fmt: skip
from srcdiff.ir.indices import alone_or_tuple
from srcdiff.ir.kinds import Array, Scalar, Sym, elements_of, one_shape
from srcdiff.ir.regions import read_by
from srcdiff.optimise.contract import writes
from srcdiff.optimise.dce import dce
from srcdiff.optimise.words import Words

__all__ = ["made_full", "made_of_sizes"]

LARGE = 1 << 14  # elements of arrays that are worth letting go


def made_of_sizes(graph: Graph, words: Words) -> Graph:
    """Make zeros like an array of known sizes from these: it need not be there for its shape."""
    found = of_arguments(graph, words)
    for op in walk(graph.region):
        if not is_like(op, words):
            continue
        k = op.out.kind
        if isinstance(k, Array) and k.dims and k.dtype == "f8" and all(isinstance(d, int) for d in k.dims):
            op.become(words.blanks[1])
            op.ins = [alone_or_tuple(list(map(Const, k.dims)))]
            found = True
    return dce(graph) if found else graph


def is_like(op: Op, words: Words) -> bool:
    """Whether an operation makes zeros like an array."""
    return op.code == "prim" and op.fn is words.blanks[0] and len(op.ins) == 1 and not is_as_written(op)


def of_arguments(graph: Graph, words: Words) -> bool:
    """The same of large arrays that nobody reads again, whose sizes are numbers and those of arguments."""
    region, found = graph.region, False
    seen = graph.info.get("seen", {})
    axes = {d: (p, n) for p in region.params if isinstance(p.kind, Array)
            for n, d in enumerate(p.kind.dims) if isinstance(d, Sym)}  # fmt: skip
    last = {v: op for op in region.ops for v in read_by(op)} | dict.fromkeys(vals(region.results))
    out: list[Op] = []
    for op in region.ops:
        x = op.ins[0] if is_like(op, words) else None
        k = kind(x) if isinstance(x, Val) and last.get(x) is op and x not in region.params else None
        if isinstance(k, Array) and one_shape(k, op.out.kind) and k.dtype == "f8":
            known = all(isinstance(d, int) or d in axes for d in k.dims)
            if known and elements_of(k, seen) >= LARGE:
                sizes: list[Atom] = []
                for d in k.dims:
                    if isinstance(d, int):
                        sizes.append(Const(d))
                        continue
                    p, axis = axes[d]
                    asked = Op.applying(ops.shape_at, [p, Const(axis)], Scalar("i8", True, d), op.origin)
                    out.append(asked)
                    sizes.append(asked.out)
                op.become(words.blanks[1])
                op.ins = [alone_or_tuple(sizes)]
                found = True
        out.append(op)
    region.ops = out
    return found


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
        made = op_of(x)
        if x is None or made not in at or made is None or made.fn not in words.expands:
            continue
        number, k = made.ins[0], kind(x)
        if len(made.ins) != 2 or made.by_name or not isinstance(k, Array):
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
