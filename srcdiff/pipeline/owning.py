"""The graph as it is written: writes in place where memory is the graph's own, parts and captures read."""

from __future__ import annotations

import operator
from typing import Any

from srcdiff.differentiate.common import Builder
from srcdiff.ir import ops
from srcdiff.ir.begun import begun_in
from srcdiff.ir.graph import Atom, Const, Graph, LoopView, Op, Region, Undef, Val, kind, map_atom, walk
from srcdiff.ir.kinds import FLOAT, OTHER, Array, Maybe, Scalar, Seq, Tree, present
from srcdiff.ir.modules import on_device
from srcdiff.ir.regions import made_in, read_in, replace_values
from srcdiff.optimise.arrange import arrange
from srcdiff.optimise.dce import dce
from srcdiff.optimise.hosted import on_device_throughout
from srcdiff.optimise.inplace import own
from srcdiff.optimise.passes import noted
from srcdiff.pipeline import context
from srcdiff.rules import registry, vocabulary

__all__ = ["detach", "owned", "read_captures", "read_parts"]


def owned(graph: Graph) -> Graph:
    """The order of operations, and what is done in place."""
    graph = on_device_throughout(graph) if on_device() else graph
    return noted(
        "own",
        own(
            arrange(graph, context.is_fresh), registry.may_alias, context.is_fresh, context.shape_positions,
            context.CONTEXT.is_elementwise,
        ),
    )


def read_parts(g: Graph) -> None:
    """Parts of arguments that a derivative is taken in are read out of the arguments, first of all."""
    parts = g.info.get("parts", {})
    hidden = [p for p in g.region.params if p.name in parts]
    if not hidden:
        return
    b = Builder(context.CONTEXT, g)
    first = Region()
    table: dict[Val, Atom] = {}
    with b.inside(first):
        for p in hidden:
            root, keys = parts[p.name]
            at: Atom = next(q for q in g.region.params if q.name == root)
            for key in keys:
                k = kind(at)
                assert isinstance(k, Tree)
                at = b.tree_item(at, k, Const(key))
            if kind(at) != p.kind and isinstance(kind(at), Scalar):
                at = b.prim(float, [at], result=FLOAT)
            if isinstance(at, Val):
                at.name, at.user = p.name, True
            table[p] = at
    replace_values(g.region, table)
    g.region.params = [p for p in g.region.params if p not in table]
    g.region.ops[:0] = first.ops


def read_captures(g: Graph) -> frozenset[str]:
    """Captures that need not be passed: nothing reads them, or they are read out of an argument first.

    Memory is settled by now, as that of arguments.
    """
    signature = g.info.get("signature")
    if signature is None:
        return frozenset()
    used = set(read_in(g.region))
    roots = {p.name: p for p in g.region.params}
    first: list[Op] = []
    gone: dict[Val, str] = {}
    for c in g.captures:
        p = roots.get(c.name)
        (how, root), *steps = c.path
        if p is None or c.name in signature.parameters:
            continue
        if p in used:
            if how != "arg" or root not in signature.parameters or not all(map(is_readable, steps)):
                continue
            at = roots.setdefault(root, Val(root, OTHER, user=True))
            if at not in g.region.params:
                g.region.params.append(at)
            reads = [(operator.getitem if how == "item" else getattr, Const(key)) for how, key in steps]
            for n, (fn, key) in enumerate(reads, 1):
                last = n == len(reads) and not c.real
                first.append(Op("prim", [at, key], [p if last else Val("", OTHER)], attrs={"fn": fn}))
                at = first[-1].out
                at.op = first[-1]
            if c.real:
                p.op = Op("prim", [at], [p], attrs={"fn": float})
                first.append(p.op)
        gone[p] = c.name
    g.region.params = [p for p in g.region.params if p not in gone]
    g.region.ops[:0] = first
    return frozenset(gone.values())


def is_readable(step: tuple[str, Any]) -> bool:
    """Whether a step of a path can be written behind what it starts from."""
    how, key = step
    return (how == "item" and isinstance(key, (str, int, float, bool))) or (
        how == "attr" and key.isidentifier()
    )


def numbers_at_first(g: Graph) -> set[Val]:
    """What a loop carries as an array that is a number to begin with (``p = 1.0``, then ``p *= row``)."""
    out: set[Val] = set()
    for o in walk(g.region):
        if o.is_loop:
            view = LoopView(o)
            for init, p, final in zip(view.inits, view.params, view.finals):
                if isinstance(init, Const) and isinstance(p.kind, Array):
                    out |= {p, final}
    return out


def spread_none(region: Region, maybe: set[Val]) -> None:
    """Add to what may be None the zeros of it, and of lists that a path leaves unset, and who has these."""
    unset = {
        out
        for op in walk(region) if op.code == "if"
        for out, *ways in zip(op.outs, *(r.results for r in op.regions), strict=True)
        if any(isinstance(w, Undef) for w in ways)
    }  # fmt: skip
    if not maybe and not unset:
        return
    hand_on(region, unset)
    size = -1
    while size < len(maybe):
        size = len(maybe)
        for op in walk(region):
            if op.code == "prim" and op.fn in vocabulary.BLANKS and isinstance(op.out.kind, Seq):
                if isinstance(op.ins[0], Val) and (op.ins[0] in maybe or op.ins[0] in unset):
                    maybe.add(op.out)
        hand_on(region, maybe)


def hand_on(region: Region, values: set[Val]) -> None:
    """Add to some values where branches, loops and tapes hand them on to."""
    tapes: set[Val] = set()
    size = -1
    while values and size < len(values) + len(tapes):
        size = len(values) + len(tapes)
        for op in walk(region):
            if op.code == "if":
                for out, *ways in zip(op.outs, *(r.results for r in op.regions), strict=True):
                    if any(isinstance(w, Val) and w in values for w in ways):
                        values.add(out)
            elif op.is_loop:
                view = LoopView(op)
                for p, init, y, final in view.slots:
                    if any(isinstance(x, Val) and x in values for x in (init, y)):
                        values |= {p, final}
                tapes.update(t for c, t in view.kept if isinstance(c, Val) and c in values)
                values.update(e for e, s in view.taken if isinstance(s, Val) and s in tapes)
            elif op.code == "prim" and op.fn is ops.poplast and op.ins[0] in tapes:
                values.add(op.out)


def detach(g: Graph) -> Graph:
    """Calls whose rule has done its work are their values; what is linked, or there, is what it is."""
    table: dict[Val, Atom] = {}
    take_out(g.region, table)
    made = made_in(g.region)
    g.info["maybe"] = {v for v in made if isinstance(v.kind, Maybe)} | numbers_at_first(g)
    g.info["begun"] = begun_in(g, context.CONTEXT.is_elementwise)
    g.info["maybe"] |= g.info["begun"]
    spread_none(g.region, g.info["maybe"])
    for v in made:
        v.kind = present(v.kind)
    if table:
        replace_values(g.region, {v: stands_for(v, table) for v in table})
        dce(g)
    return g


def take_out(region: Region, table: dict[Val, Atom]) -> None:
    """Take such operations out; ``table`` gets what stands for their values."""
    for o in region.ops:
        if o.code == "prim" and registry.is_joined(o.fn):
            table[o.out] = o.ins[-1]
        elif o.code == "prim" and o.fn in (ops.linked, ops.given):
            table[o.out] = o.ins[0]
        for r in o.regions:
            take_out(r, table)
    region.ops = [o for o in region.ops if o.code != "prim" or o.out not in table]


def stands_for(v: Val, table: dict[Val, Atom]) -> Atom:
    return map_atom(lambda w: stands_for(w, table), table[v]) if v in table else v
