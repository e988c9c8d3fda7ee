"""The backward sweep through branches and blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from srcdiff.analysis.versions import follow
from srcdiff.differentiate.masks import Cover, common
from srcdiff.differentiate.mirrors import Mirror, adjoint_of, none_on, undefined
from srcdiff.ir import ops
from srcdiff.ir.checkpoints import is_marked
from srcdiff.ir.graph import (
    UNDEF,
    Atom,
    Const,
    LoopView,
    Op,
    Region,
    Struct,
    Undef,
    Val,
    is_none,
    kind,
    vals,
    walk,
    which_out,
)
from srcdiff.ir.indices import display
from srcdiff.ir.kinds import OTHER, Array, Maybe, Scalar, Seq, Tree, derivative_kind, one_shape, present
from srcdiff.ir.regions import read_in

if TYPE_CHECKING:
    from srcdiff.differentiate.reverse import Reverse

__all__ = [
    "back_if",
    "back_with",
    "chain",
    "coming",
    "join",
    "leave",
    "left_behind",
    "left_zero",
    "mirrored",
    "of_kind",
    "of_none",
    "ran",
]


def back_if(sweep: Reverse, op: Op, m: Mirror) -> None:
    bars, updates = coming(sweep, op, m)
    if not bars and not updates:
        return
    only = op.attrs.get("only")
    if only is not None:  # every other path raises, and what has raised is not gone back over
        branches = mirrored(sweep, op, [op.regions[only]], bars, updates, m)
        new = Op("with", [], [], [b.reverse for b in branches], {}, adjoint_of(op.origin))
        leave(sweep, op, new, branches, bars, updates, m)
        return
    cond = sweep.need(op.ins[0]) if op.code == "if" else ran(sweep, op)
    branches = mirrored(sweep, op, op.regions, bars, updates, m)
    new = Op("if", [cond], [], [b.reverse for b in branches], {}, adjoint_of(op.origin))
    leave(sweep, op, new, branches, bars, updates, m)


def ran(sweep: Reverse, op: Op) -> Atom:
    """Whether the body of a ``try`` ran to its end."""
    which = which_out(op)
    sweep.home.setdefault(which, sweep.home[op.outs[0]])
    return sweep.prim(ops.exit_is, [sweep.need(which), Const(0)], hint="ok")


def back_with(sweep: Reverse, op: Op, m: Mirror) -> None:
    """The mirror of a block: under a manager of its own if that changes how arithmetic is done."""
    bars, updates = coming(sweep, op, m)
    if not bars and not updates:
        return
    block = op if is_marked(op) else None
    branches = mirrored(sweep, op, op.regions, bars, updates, m, block)
    own = op.fn is not None and block is None
    ins, attrs = ([sweep.need(a) for a in op.ins], dict(op.attrs)) if own else ([], {})
    new = Op("with", ins, [], [b.reverse for b in branches], attrs, adjoint_of(op.origin))
    if own:
        branches[0].reverse.params.append(Val("entered", OTHER, new))
    leave(sweep, op, new, branches, bars, updates, m)


def coming(sweep: Reverse, op: Op, m: Mirror) -> tuple[dict[int, Atom | None], list[int]]:
    """The cotangents of an operation's results, and which of these are versions to be undone."""
    bars = {n: sweep.take(v) for n, v in enumerate(op.outs) if v in sweep.varied and v in m.bars}
    updates = [
        n for n, v in enumerate(op.outs) if isinstance(v.kind, Array) and chain(sweep, op, n) is not None
    ]
    for n in updates:
        if op.outs[n] not in m.rewound and m.ground:
            m.rewound[op.outs[n]] = op.outs[n]
    return bars, updates


def mirrored(
    sweep: Reverse,
    op: Op,
    regions: list[Region],
    bars: dict[int, Atom | None],
    updates: list[int],
    m: Mirror,
    block: Op | None = None,
) -> list[Mirror]:
    """The mirrors of an operation's regions; ``block``: whose mark loops in them have."""
    branches: list[Mirror] = []
    for r in regions:
        body = list(r.ops)
        b = Mirror(m, r, op, Region(), block=m.block if block is None else block)
        sweep.mirrors.append(b)
        sweep.here = b
        with sweep.inside(b.reverse):
            for n, bar in bars.items():
                if not isinstance(r.results[n], Undef) and bar is not None:
                    sweep.accumulate(r.results[n], bar, len(regions) > 1)
        for n in updates:
            res = r.results[n]
            if isinstance(res, Val) and op.outs[n] in m.rewound and sweep.home.get(res) is r:
                b.rewound[res] = m.rewound[op.outs[n]]
        sweep.back(body, b)
        branches.append(b)
    sweep.here = m
    return branches


def leave(
    sweep: Reverse,
    op: Op,
    new: Op,
    branches: list[Mirror],
    bars: dict[int, Atom | None],
    updates: list[int],
    m: Mirror,
) -> None:
    """What the mirrors of an operation's regions leave: cotangents, and versions undone."""
    touched = [v for b in branches for v in b.bars if sweep.home[v] is not b.forward]
    for v in dict.fromkeys(touched):
        base = sweep.peek(v, m)
        results: list[Atom] = []
        zero = [b.bars.get(v, base) is None for b in branches]
        for k, b in enumerate(branches):
            sweep.here = b
            with sweep.inside(b.reverse):
                got = b.bars.get(v, base)
                if got is None and len(branches) > 1 and undefined(v, op, k):
                    results.append(UNDEF)
                    continue
                if got is None and none_on(v, op, k):
                    results.append(of_none(sweep, v, bars))
                    continue
                like = of_kind(sweep, v, op, bars) if got is None else None
                if like is not None:
                    got = sweep.zero(like)
                results.append(
                    sweep.materialise(got, sweep.need(v)) if got is None or isinstance(got, Struct) else got
                )
        sweep.here = m
        join(sweep, new, v, results, m)
        covers = left_zero(sweep, results, zero, branches)
        if new.code == "if" and zero[0] is not zero[1]:
            covers = (sweep.where_cover(new.ins[0], zero[1]), *covers)
        sweep.weakly(m.bars[v], covers)
    for n in updates:
        before = chain(sweep, op, n)
        if before is None or op.outs[n] not in m.rewound:
            continue
        results = [b.rewound.get(before, m.rewound[op.outs[n]]) for b in branches]
        out = before.again(new)
        for b, a in zip(branches, results, strict=True):
            b.reverse.results.append(a)
        new.outs.append(out)
        m.rewound[before] = out
    for b in branches:
        b.loop = new
    m.reverse.ops.append(new)


def left_zero(
    sweep: Reverse, results: list[Atom], zero: list[bool], branches: list[Mirror]
) -> tuple[Cover, ...]:
    """Where the cotangents that two branches leave are zero, as can be told outside them."""
    covers = common(*(sweep.mask(a) for a, z in zip(results, zero, strict=True) if not z))
    inside = {o for b in branches for op in walk(b.reverse) for o in op.outs}
    return tuple(c for c in covers if c.low is None and not any(v in inside for v in vals(c.on)))


def of_none(sweep: Reverse, v: Val, bars: dict[int, Atom | None]) -> Atom:
    """The cotangent of what is None here: never read, but of the kind that it has elsewhere."""
    k = present(v.kind)
    if isinstance(k, Seq):
        return display((), list)
    like = (b for b in bars.values() if isinstance(b, Val) and one_shape(b.kind, k))
    bar = next(like, None)
    return Const(0.0) if bar is None else sweep.zero(bar)


def of_kind(sweep: Reverse, v: Val, op: Op, bars: dict[int, Atom | None]) -> Val | None:
    """A cotangent at hand of the shape of ``v``, which one of the regions hands on.

    Where the other one gives None it may be a mere number.
    """
    for n, bar in bars.items():
        passed = any(r.results[n] is v for r in op.regions) and not isinstance(op.outs[n].kind, Maybe)
        if passed and isinstance(bar, Val) and one_shape(bar.kind, v.kind):
            return bar
    return None


def join(sweep: Reverse, new: Op, v: Val, results: list[Atom], m: Mirror) -> None:
    """A cotangent that all branches leave."""
    if all(isinstance(x, Struct) for x in results) and isinstance(v.kind, Tree):
        items: list[Atom] = []
        for n, k in enumerate(v.kind.items):
            parts = [x.items[n] for x in results if isinstance(x, Struct)]
            if all(is_none(p) for p in parts):
                items.append(Const(None))
                continue
            out = Val(f"{v.name}_{v.kind.keys[n]}_bar", derivative_kind(k), new, v.user)
            for r, p in zip(new.regions, parts, strict=True):
                r.results.append(p)
            new.outs.append(out)
            items.append(out)
        m.bars[v] = Struct(v.kind.type, v.kind.keys, tuple(items))
        return
    out = Val(f"{v.name}_bar", derivative_kind(v.kind), new, v.user)
    for r, a in zip(new.regions, results, strict=True):
        r.results.append(a)
    new.outs.append(out)
    m.bars[v] = out


def chain(sweep: Reverse, op: Op, n: int) -> Val | None:
    """The version before the branch of which result ``n`` is a later version, if all branches agree."""
    starts = [follow(r.results[n], r) for r in op.regions]
    if (
        starts[0] is None
        or any(s is not starts[0] for s in starts)
        or all(r.results[n] is starts[0] for r in op.regions)
    ):
        return None
    return starts[0] if starts[0] in sweep.superseded else None


def left_behind(view: LoopView, j: int) -> bool:
    """Whether a variable is set anew by each trip and read by none, and may be of another size each time."""
    p, y = view.params[j], view.yields[j]
    if view.inits[j] is not UNDEF or isinstance(p.kind, Scalar) or not isinstance(y, Val):
        return False
    if one_shape(p.kind, kind(y)):
        return False
    return p not in read_in(view.body)
