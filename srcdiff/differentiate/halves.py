"""Splitting reverse mode in two functions: the forward sweep with what it saves, and the backward sweep."""

from __future__ import annotations

from srcdiff.ir.graph import Atom, Graph, Op, Region, Val, same, vals, walk
from srcdiff.ir.indices import display
from srcdiff.ir.kinds import UNKNOWN
from srcdiff.ir.regions import read_by, read_in, replace_values
from srcdiff.ir.unset import may_be_unset

__all__ = ["halves", "saved_names", "uses"]


def halves(g: Graph, seeds: list[Val], n: int) -> tuple[Region, Region]:
    """Split a function where the cotangents of its results come in; ``n``: the number of its results."""
    late: set[Val] = set(seeds)
    first: list[Op] = []
    second: list[Op] = []
    for op in g.region.ops:
        if uses(op, late):
            second.append(op)
            late.update(op.outs)
        else:
            first.append(op)
    own_params = [p for p in g.region.params if p not in late]
    early = {o for op in first for o in op.outs} | set(own_params)
    primal, bars = g.region.results[:n], g.region.results[n:]
    needed = dict.fromkeys(v for op in [*second, Op("", bars)] for v in read_by(op) if v in early)
    saved = nest(first, list(needed), second, set(vals(bars)))
    whole = Val("saved", UNKNOWN, user=True)
    back = Region([whole, *seeds], second, bars)
    unpack(back, whole, saved, {s.name for s in seeds})
    return Region(own_params, first, [*primal, display(saved)]), back


def nest(first: list[Op], saved: list[Val], second: list[Op], last: set[Val]) -> list[Val]:
    """What one branch saves for its mirror image alone goes as one tuple."""
    for op in first:
        mirrored = [o for o in second if o.code == "if" and op.code == "if" and same(o.ins[0], op.ins[0])]
        if len(mirrored) != 1:
            continue
        back = mirrored[0]
        elsewhere = last | {v for o in second if o is not back for v in read_by(o)}
        sides = [moved(op, back, k, saved, elsewhere) for k in (0, 1)]
        if sum(map(len, sides)) < 2:
            continue
        whole = Val("saved", UNKNOWN, op, user=True)
        for region, mirror, side in zip(op.regions, back.regions, sides, strict=True):
            replace_values(mirror, dict(side))
            inside = {v for o in walk(region) for v in o.outs}
            inner = list(dict.fromkeys(v for _, a in side for v in vals([a]) if v in inside))
            saved += [v for _, a in side for v in vals([a]) if v not in inside and v not in saved]
            inner = nest(region.ops, inner, mirror.ops, set(vals(mirror.results)))
            unpack(mirror, whole, inner, set())
            region.results.append(display(inner))
        op.outs.append(whole)
        gone = {o for side in sides for o, _ in side}
        saved = [v for v in saved if v not in gone] + [whole]
    return saved


def moved(op: Op, back: Op, k: int, saved: list[Val], elsewhere: set[Val]) -> list[tuple[Val, Atom]]:
    """Results of a branch that only region ``k`` of its mirror image reads, and what they are there."""
    here, other = (set(read_in(back.regions[i])) for i in (k, 1 - k))
    out: list[tuple[Val, Atom]] = []
    for o, a in zip(op.outs, op.regions[k].results, strict=True):
        if o in saved and o in here and o not in other and o not in elsewhere and isinstance(a, Val):
            out.append((o, a))
    return out


def unpack(region: Region, whole: Val, saved: list[Val], taken: set[str]) -> None:
    """Take what was saved apart at the start of a region."""
    if not saved:
        return
    op = Op("unpack", [whole])
    op.outs = saved_names(tuple(saved), {"saved", *taken})
    for v, o in zip(saved, op.outs, strict=True):
        o.op, o.user = op, v.user
    replace_values(region, dict(zip(saved, op.outs, strict=True)))
    region.ops.insert(0, op)


def saved_names(saved: tuple[Val, ...], taken: set[str]) -> list[Val]:
    """A parameter for each value saved, under a name of its own."""
    params = []
    for v in saved:
        base, n = v.name.replace("!", "") or "saved", 0
        name = base
        while name in taken or not name.isidentifier():
            n += 1
            name = f"{base}{n}"
        taken.add(name)
        params.append(Val(name, v.kind, user=True, unset=may_be_unset(v)))
    return params


def uses(op: Op, late: set[Val]) -> bool:
    return any(v in late for v in read_by(op))
