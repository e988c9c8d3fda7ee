"""The backward sweep through loops."""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import TYPE_CHECKING

from srcdiff.analysis.versions import buffer_slots, passed_round
from srcdiff.differentiate import branching, scattered
from srcdiff.differentiate.masks import BEGUN, Cover, Mask, meant
from srcdiff.differentiate.mirrors import Mirror, adjoint_of, same_const, size_of
from srcdiff.differentiate.problems import no_rule
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Atom,
    Const,
    LoopView,
    Op,
    Region,
    Slice,
    Struct,
    Val,
    kind,
    op_of,
    vals,
)
from srcdiff.ir.kinds import BOOL, Array, Scalar, Seq, Tree, derivative_kind, fresh_sym, one_shape
from srcdiff.ir.regions import made_in, read_in, replace_values

if TYPE_CHECKING:
    from srcdiff.differentiate.reverse import Reverse

__all__ = [
    "back_loop",
    "close_loop",
    "counts",
    "each_once",
    "element_bars",
    "flipped",
    "header_of",
    "known",
    "last_only",
    "leave_loop",
]


def back_loop(sweep: Reverse, op: Op, m: Mirror) -> None:
    view = LoopView(op)
    finals = {j: sweep.take(f) for j, f in enumerate(view.finals) if f in sweep.varied and f in m.bars}
    tapes = {j: sweep.take(t) for j, t in enumerate(view.tapes) if t in sweep.varied and t in m.bars}
    rewinds = sorted(buffer_slots(view))
    if not finals and not tapes and not rewinds:
        return
    read = set(read_in(view.body))
    carried = [j for j in range(view.carried) if view.params[j] in sweep.varied]
    carried = [j for j in carried if j in finals or view.params[j] in read]  # (else nothing is made of it)
    body = list(view.body.ops)
    new = Op(
        "for",
        [],
        [],
        [],
        {"head": 3, "rev": True, "dirs": (), "exits": (), "aligned": True},
        adjoint_of(op.origin),
    )
    r = Region()
    b = Mirror(m, view.body, op, r, loop=new)
    sweep.mirrors.append(b)
    header, rev = header_of(sweep, op, view)
    new.attrs["rev"] = rev
    name = view.index.name if op.code == "for" and view.index.name != "_" else "k"
    index = Val(name, Scalar("i8", True, fresh_sym()), new, op.code == "for" and view.index.user)
    b.index = index
    first = {j: finals.get(j) for j in carried if branching.left_behind(view, j)}
    carried = [j for j in carried if j not in first]
    inits = [sweep.materialise(finals.get(j), sweep.need(view.finals[j])) for j in carried]
    params = {
        j: Val(f"{p.name}_bar", derivative_kind(p.kind), new, p.user)
        for j, p in enumerate(view.params)
        if j in carried
    }
    rew_params: dict[int, Val] = {}
    rew_inits: list[Atom] = []
    known = {j for j in rewinds if view.finals[j] in m.rewound or m.ground}
    for j in sorted(passed_round(view, known)):
        f, y = view.finals[j], view.yields[j]
        assert isinstance(y, Val)
        p = Val(view.params[j].name, view.params[j].kind, new, view.params[j].user)
        rew_params[j] = p
        rew_inits.append(m.rewound.get(f, f))
        b.rewound[y] = p
    elements: list[tuple[Atom, int, Val]] = []
    sweep.here = b
    with sweep.inside(r):
        for j, p in params.items():
            y = view.yields[j]
            if isinstance(y, (Val, Struct)):
                sweep.accumulate(y, p)
        flag = Val("last", BOOL, new)
        for j, final in first.items():
            last_only(sweep, view, j, flag, final)
        for j, bar in tapes.items():
            t = view.tapes[j]
            assert isinstance(t.kind, Seq) and bar is not None
            e = Val(f"{t.name}_bar" if t.name else "", derivative_kind(t.kind.elem), new, t.user)
            elements.append((bar, -1, e))
            sweep.accumulate(view.collected[j], e)
    sweep.back(body, b)
    sweep.here = b
    with sweep.inside(r):
        yields = [leave_loop(sweep, view.params[j], view.yields[j], params[j], b) for j in carried]
        rew_yields = [b.rewound[view.params[j]] for j in rew_params]
        collected = element_bars(sweep, op, view, b)
    sweep.here = m
    lead = [
        *zip(params.values(), inits, yields, strict=True),
        *zip(rew_params.values(), rew_inits, rew_yields, strict=True),
    ]
    if any(bar is not None for bar in first.values()):
        lead.append((flag, Const(True), Const(False)))
    outs = close_loop(sweep, b, header, lead, elements)
    bars_out = [outs.pop(0) for _ in carried]
    for j in rew_params:
        out = outs.pop(0)
        i = view.inits[j]
        if isinstance(i, Val):
            m.rewound[i] = out
    for j, out in zip(carried, bars_out, strict=True):
        if isinstance(view.inits[j], (Val, Struct)):
            sweep.accumulate(view.inits[j], out)
    for s, value, direction in collected:
        t = LoopView(new).add_tape(
            value, f"{s.name}_bar" if isinstance(s, Val) and s.name else "", derivative_kind(kind(value))
        )
        t.user = isinstance(s, Val) and s.user
        sweep.accumulate(s, t if direction == -1 else flipped(sweep, t))


def close_loop(
    sweep: Reverse,
    b: Mirror,
    header: list[Atom],
    lead: list[tuple[Val, Atom, Atom]],
    elements: list[tuple[Atom, int, Val]],
) -> list[Val]:
    """Give a reversed loop its variables (parameter, start, end of a trip) and the cotangents of outer
    values that it adds to; returns what the variables are after it."""
    m, new, r = b.parent, b.loop, b.reverse
    assert m is not None and new is not None and b.index is not None
    accs = [(v, p) for v, p in b.accumulators.items() if b.bars.get(v) is not p]
    acc_inits = []
    for v, _ in accs:
        outer = sweep.peek(v, m)
        acc_inits.append(sweep.materialise(outer, sweep.need(v)))
    r.params = [
        b.index,
        *(p for p, _, _ in lead),
        *(p for _, p in accs),
        *(e for _, _, e in elements),
    ]
    r.results = [*(y for _, _, y in lead), *(b.bars[v] for v, _ in accs)]
    new.attrs["carried"] = len(lead) + len(accs)
    new.ins = [*header, *(i for _, i, _ in lead), *acc_inits, *(s for s, _, _ in elements)]
    new.attrs["dirs"] = tuple(d for _, d, _ in elements)
    new.regions = [r]
    new.outs = [p.again(new) for p in [*(p for p, _, _ in lead), *(p for _, p in accs)]]
    new.outs.append(Val("trips", Scalar("i8", True, fresh_sym()), new))
    rest = {v: b.accumulators[v] for v in b.accumulators if b.bars.get(v) is b.accumulators[v]}
    swap = {p: sweep.peek(v, m) for v, p in rest.items()}
    if any(s is not None for s in swap.values()) or rest:
        replace_values(r, {p: (s if s is not None else Const(0.0)) for p, s in swap.items()})
    m.reverse.ops.append(new)
    for (v, _), out in zip(accs, new.outs[len(lead) :], strict=False):
        stays_zero(sweep, b, v, out)
        m.bars[v] = out
    return new.outs[: len(lead)]


def stays_zero(sweep: Reverse, b: Mirror, v: Val, out: Val) -> None:
    """Note where the sum of what the trips add to a cotangent is zero: as far as it shows behind the loop."""
    assert b.parent is not None
    added, before = sweep.running.get(b.bars[v]), sweep.peek(v, b.parent)
    if added is None:
        return
    inside = {*made_in(b.reverse), *made_in(b.forward)}
    covers: list[Cover] = []
    for c in added.covers:
        if c.low is None and not any(a in inside for a in vals(c.on)):
            covers.append(c)
        elif c.among:
            values = [computed_here(sweep, x.value, inside) for x in c.among]
            known = [replace(x, value=a) for x, a in zip(c.among, values, strict=True) if a is not None]
            covers += [sweep.among_cover(tuple(known))] if len(known) == len(values) else []
    start = BEGUN if before is None else sweep.running.get(before) or sweep.mask(before)
    found = sweep.runs_on(out, Mask(out, tuple(covers)), start)
    if before not in sweep.running:
        sweep.running.pop(out, None)
        sweep.weakly(out, found)


def computed_here(sweep: Reverse, a: Atom, inside: set[Val], depth: int = 6) -> Atom | None:
    """A condition of the trips behind their loop: computed once more, if of what no trip changes."""
    v = meant(a)
    if not isinstance(v, Val) or v not in inside:
        return sweep.need(v)
    op = op_of(v)
    if depth == 0 or op is None or op.code != "prim" or not sweep.ctx.is_elementwise(op.fn) or op.by_name:
        return None
    ins = [computed_here(sweep, x, inside, depth - 1) for x in op.ins]
    return None if None in ins else sweep.prim(op.fn, ins, result=kind(v))  # type: ignore[arg-type]


def last_only(sweep: Reverse, view: LoopView, j: int, flag: Val, bar: Atom | None) -> None:
    """The cotangent of what a trip leaves in a variable that no trip reads: that of the last one."""
    y, p = view.yields[j], view.params[j]
    if bar is None or not isinstance(y, Val):
        return
    like = sweep.need(y)
    then, other = Region(results=[bar]), Region()
    with sweep.inside(other):
        other.results.append(sweep.zero(like))
    op = Op("if", [flag], [], [then, other], {"style": "if"}, adjoint_of(view.op.origin))
    op.outs.append(Val(f"{p.name}_bar", derivative_kind(p.kind), op, p.user))
    sweep.here.reverse.ops.append(op)
    sweep.accumulate(y, op.outs[0])


def leave_loop(sweep: Reverse, p: Val, y: Atom, bar: Val, b: Mirror) -> Atom:
    """The cotangent of a variable at the start of a trip; ``bar`` is that of ``y``, its end."""
    got = b.bars.pop(p, None)
    if got is None and one_shape(p.kind, kind(y)):
        return sweep.zero(bar)
    return sweep.materialise(got, sweep.need(p)) if got is None or isinstance(got, Struct) else got


def flipped(sweep: Reverse, t: Val) -> Atom:
    return sweep.prim(
        operator.getitem,
        [t, Slice(Const(None), Const(None), Const(-1))],
        result=t.kind,
        view=False,
        hint=t.name,
    )


def element_bars(sweep: Reverse, op: Op, view: LoopView, b: Mirror) -> list[tuple[Atom, Atom, int]]:
    """Cotangents of the elements that the loop consumed: collected, or added in place."""
    out: list[tuple[Atom, Atom, int]] = []
    for n, (s, e) in enumerate(zip(view.sources, view.elements, strict=True)):
        if e not in sweep.varied or not sweep.active(s):
            continue
        bar = b.bars.pop(e, None)
        if op.attrs.get("aligned") or each_once(sweep, op, view, s, b):
            value = sweep.materialise(bar, sweep.need(e)) if bar is None or isinstance(bar, Struct) else bar
            out.append((s, value, op.attrs["dirs"][n]))
        elif bar is not None:
            at = scattered.element_index(sweep, op, view, op.attrs["dirs"][n])
            value = sweep.materialise(bar, sweep.need(e)) if isinstance(bar, Struct) else bar
            scattered.add_at(sweep, s, at, value)
    return out


def each_once(sweep: Reverse, op: Op, view: LoopView, s: Atom, b: Mirror) -> bool:
    """Whether the loop reads each element of a list once, and nothing else has a cotangent for it yet."""
    if not isinstance(s, Val) or not isinstance(s.kind, Seq) or op.attrs["exits"] or len(view.sources) > 1:
        return False
    if view.head == 3 and not counts(sweep, view):
        return False
    return s not in b.bars and b.parent is not None and known(sweep, s, b.parent) is None


def known(sweep: Reverse, v: Val, m: Mirror | None) -> Atom | None:
    while m is not None:
        if v in m.bars:
            return m.bars[v]
        m = m.parent
    return None


def header_of(sweep: Reverse, op: Op, view: LoopView) -> tuple[list[Atom], bool]:
    """The range of the reversed loop."""
    if op.code == "while":
        return [Const(0), sweep.need(view.trips), Const(1)], True
    if view.head == 3:
        start, stop, step = (sweep.need(a) for a in view.header)
        rev = not op.attrs.get("rev")
        if op.attrs["exits"] or (view.sources and not op.attrs.get("aligned") and not counts(sweep, view)):
            trips = sweep.need(view.trips)
            if not rev:  # the last ones were run, and are taken upwards
                if not same_const(step, 1):
                    raise no_rule(
                        op,
                        "a reversed range with a step that is left early cannot be differentiated",
                        "count downwards with a negative step",
                    )
                return [sweep.prim(operator.sub, [stop, trips]), stop, step], rev
            length = trips if same_const(step, 1) else sweep.prim(operator.mul, [trips, step])
            stop = length if same_const(start, 0) else sweep.prim(operator.add, [start, length])
        return [start, stop, step], rev
    if op.attrs["exits"] or not all(isinstance(kind(s), (Array, Seq, Tree)) for s in view.sources[1:]):
        return [Const(0), sweep.need(view.trips), Const(1)], True
    sources = map(sweep.need, dict.fromkeys(view.sources[: 1 if op.attrs.get("aligned") else None]))
    sizes = [sweep.prim(len, [s], result=Scalar("i8", True, size_of(s))) for s in sources]
    n = sizes[0] if len(sizes) == 1 else sweep.prim(min, sizes, result=Scalar("i8", True, fresh_sym()))
    return [Const(0), n, Const(1)], True


def counts(sweep: Reverse, view: LoopView) -> bool:
    """Whether the range has exactly as many numbers as its one source has elements."""
    start, stop, step = view.header
    if len(view.sources) != 1 or not same_const(start, 0) or not same_const(step, 1):
        return False
    s = view.sources[0]
    if not isinstance(stop, Val) or stop.op is None or stop.op.code != "prim":
        return False
    return stop.op.fn in (len, ops.shape_at) and stop.op.ins[0] is s
