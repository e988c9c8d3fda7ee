"""A part of a cotangent that each trip of a loop finds zero, adds to, and sets to zero again: it is written.

``for ...: b[:-2] += t; b[1:-1] += t; ...; b[1:-1] = 0.0`` of zeros ``b`` is ``for ...: b[1:-1] = t;
b[:-2] += t; ...`` and one ``b[1:-1] = 0.0`` behind the loop.  Sums may come out in another order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from srcdiff.ir import ops
from srcdiff.ir.graph import Graph, LoopView, Op, Region, Val, kind, op_of, same, uses_of, vals, walk
from srcdiff.ir.kinds import Array, Scalar
from srcdiff.optimise.patterns import is_zeros
from srcdiff.optimise.scatter import is_nothing, is_sum

__all__ = ["written_each_trip"]


def written_each_trip(graph: Graph) -> bool:
    """Rewrite, in place; whether anything was."""
    loops = (LoopView(op) for op in walk(graph.region) if op.code == "for" and not op.attrs["exits"])
    found = any(set_to_zero(view, k) for view in loops for k in range(view.carried))
    return found and over_region(graph.region, uses_of(graph.region))


def over_region(region: Region, uses: Counter[Val]) -> bool:
    changed = False
    out: list[Op] = []
    for op in region.ops:
        for r in op.regions:
            changed |= over_region(r, uses)
        out.append(op)
        if op.code == "for" and not op.attrs["exits"]:
            view = LoopView(op)
            for k in range(view.carried):
                last = rewritten(view, k, uses)
                if last is not None:
                    changed = True
                    out.append(behind(op, k, last))
    region.ops = out
    return changed


def set_to_zero(view: LoopView, k: int) -> Op | None:
    """The operation of the derivative that sets a part of a variable to zero as the last of a trip."""
    last = op_of(view.yields[k])
    if last is None or last.fn is not ops.setitem or not last.adjoint or not is_nothing(last.ins[2]):
        return None
    return last


def rewritten(view: LoopView, k: int, uses: Counter[Val]) -> Op | None:
    """Write what is added first to what a trip finds zero; the operation that set it to zero, left out."""
    p, last = view.params[k], set_to_zero(view, k)
    body = view.body.ops
    if last is None or last not in body:
        return None
    base, index, _ = last.ins
    if vals([index]) or uses[last.out] != 1 or not is_zeros(view.inits[k]):
        return None
    start = base
    while isinstance(start, Val) and start.op in body and start.op.fn in (ops.setitem, ops.additem):
        start = start.op.ins[0]
    if start is not p:
        return None  # (another array, which changes places with this one)
    chain = list(sums_from(p, body, uses))
    found = next((op for op in chain if same(op.ins[1], index)), None)
    if found is None or found is last:
        return None
    first, new, origin = chain[0], found.ins[2], found.origin
    kp, kn = kind(p), kind(new)
    if not isinstance(kp, Array) or not isinstance(kn, (Array, Scalar)) or kn.dtype != kp.dtype:
        return None
    at = {op: n for n, op in enumerate(body)}
    if any(v.op in at and at[v.op] >= at[first] for v in vals([new])):
        return None
    for op, before in zip(reversed(chain[1 : chain.index(found) + 1]), reversed(chain[: chain.index(found)])):
        op.ins, op.origin = [op.ins[0], *before.ins[1:]], before.origin
    first.become(ops.setitem, **{n: v for n, v in first.attrs.items() if n not in ("fn", "at")})
    first.ins, first.origin = [p, index, new], origin
    body.remove(last)
    view.body.results[k] = base
    return last


def behind(loop: Op, k: int, last: Op) -> Op:
    """The same done once, to what a loop leaves."""
    final = loop.outs[k]
    op = Op("prim", [final, *last.ins[1:]], [final], [], dict(last.attrs), last.origin)
    loop.outs[k] = Val(final.name, final.kind, loop, final.user)
    op.ins[0], final.op = loop.outs[k], op
    return op


def sums_from(p: Val, body: list[Op], uses: Counter[Val]) -> Iterator[Op]:
    """The additions to what a trip begins with, of which nobody reads what comes between."""
    v = p
    while uses[v] == 1:
        op = next((op for op in body if op.ins and op.ins[0] is v and is_sum(op)), None)
        if op is None or v in vals(op.ins[1:]):
            return
        yield op
        v = op.out
