"""Loops as statements: headers, what they run over, and what they leave."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.emit import exits, stores, tapes, wording
from srcdiff.emit.trees import call, const, ends, name, store, strip
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, LoopView, Op, Region, Struct, Undef, Val, kind, same
from srcdiff.ir.kinds import Array, Tree

if TYPE_CHECKING:
    from srcdiff.emit.assemble import Assembler

__all__ = [
    "computed",
    "covers",
    "directed",
    "emit_while",
    "ends_loop",
    "enumerates",
    "find_parts",
    "header",
    "loop",
    "range_expr",
    "target_of",
    "zipped",
]


def loop(asm: Assembler, op: Op, region: Region) -> None:
    view = LoopView(op)
    if is_listing(view):
        rows = call(name("list"), asm.expr(view.sources[0]))
        stores.assign(asm, store(asm.names[view.finals[0]]), rows, op.origin)
        return
    starts = list(zip(view.params, view.inits, strict=True))
    if op.origin is not None and not op.origin.adjoint:  # as they would be read again
        starts.sort(key=lambda start: not computed(asm, start[1]))
    taped = [p for p, i in starts if isinstance(i, Undef) and exits.taped_unset(asm, p, op)]
    asm.moves([(p, Const(None) if isinstance(i, Undef) and p in taped else i) for p, i in starts], op.origin)
    ahead = len(asm.out)
    for t in view.tapes:
        if t in asm.flat:
            continue
        asm.emit(gast.Assign([store(asm.names[t])], gast.List([], gast.Load()), None), op.origin)
    out = view.exit_out
    if out is not None and asm.lay.uses.get(out):
        start = const(False) if len(op.attrs["exits"]) == 1 else const(0)
        asm.emit(gast.Assign([store(asm.names[out])], start, None), op.origin)
    count = any(user not in asm.drains for _, user in asm.lay.uses.get(view.trips, []))
    if count:
        asm.emit(gast.Assign([store(asm.names[view.trips])], const(0), None), op.origin)
    pops = [
        (e, s)
        for e, s in view.taken
        if asm.poppable.get(e) is op and asm.lay.uses.get(e)
    ]
    head = header(asm, op, view, {e for e, _ in pops})
    drained = tapes.drained(asm, op, view, pops)
    old, asm.out = asm.out, []
    if count:
        asm.emit(gast.AugAssign(store(asm.names[view.trips]), gast.Add(), const(1)), op.origin)
    for e, s in pops:
        if e in asm.elements_of:
            continue
        source = name(tapes.tape_name(asm, s)) if isinstance(s, Val) else asm.expr(s)
        asm.emit(gast.Assign([target_of(asm, e)], tapes.popped(asm, e, source), None), op.origin)
    body = asm.out
    asm.out = old
    asm.out, old = body, asm.out
    for c, t in view.kept:
        if tapes.from_outside(asm, c, view.body):  # also where the trip is left early
            tapes.append(asm, t, asm.expr(c))
    asm.out = old
    outer_if, asm.enclosing = asm.enclosing, [(op, view.body)]
    body += asm.region(view.body)
    asm.enclosing = outer_if
    asm.out, old = body, asm.out
    exits.collect_rest(asm, op)
    if not ends(asm.out):
        exits.loop_end(asm, op)
        exits.exit_test(asm, op, view)
    body, asm.out = asm.out, old
    asm.out[ahead:ahead] = asm.ahead.written(op)
    if not strip(body):
        body.append(gast.Pass())
    if op.code == "while":
        emit_while(asm, op, body)
    elif drained is not None:
        asm.emit(gast.While(asm.expr(drained), body, []), op.origin)
    else:
        target, it = head
        asm.emit(gast.For(target, it, body, [], None), op.origin)


def is_listing(view: LoopView) -> bool:
    """Whether a loop puts the rows of an array into an empty list, and does nothing else."""
    op, body = view.op, view.body
    if op.code != "for" or view.header or op.attrs["dirs"] != (1,) or len(op.outs) != 2 or len(body.ops) != 1:
        return False
    put, first = body.ops[0], view.inits[0] if view.carried else None
    empty = isinstance(first, Struct) and first.type is list and not first.items
    puts = put.code == "prim" and put.fn is ops.append and put.ins[0] is view.params[0]
    return empty and puts and put.ins[1] is view.elements[0] and isinstance(kind(view.sources[0]), Array)


def computed(asm: Assembler, a: Atom) -> bool:
    """Whether the expression of a value stands where it is used."""
    return isinstance(a, Val) and a.op is not None and a.op in asm.lay.folded


def emit_while(asm: Assembler, op: Op, body: list[Any]) -> None:
    cond = op.regions[0]
    loose = [o for o in cond.ops if o not in asm.lay.folded]
    if not loose:
        asm.emit(gast.While(asm.expr(cond.results[0]), body, []), op.origin)
        return
    stmts = asm.region(cond)
    test = gast.If(wording.negate(asm.expr(cond.results[0])), [gast.Break()], [])
    asm.emit(gast.While(const(True), [*stmts, test, *body], []), op.origin)


def header(asm: Assembler, op: Op, view: LoopView, popped: set[Val]) -> Any:
    """Target and iterable of a ``for``."""
    if op.code == "while":
        return None
    index_used = bool(asm.lay.uses.get(view.index))
    targets: list[Any] = []
    iters: list[Any] = []
    rows = [
        (s, d, e)
        for s, d, e in zip(view.sources, op.attrs["dirs"], view.elements, strict=True)
        if e not in popped
    ]
    rows = [r for r in rows if asm.lay.uses.get(r[2]) or ends_loop(asm, op, view, r[0])]
    if op.attrs["head"] == 3 and not index_used and rows and covers(asm, view, rows):
        pass
    elif op.attrs["head"] == 0 and index_used and rows and not op.attrs.get("rev"):
        return with_numbers(asm, view, rows)
    elif op.attrs["head"] == 3:
        numbered = index_used and len(rows) >= 1 and not op.attrs.get("rev") and enumerates(view, rows)
        if numbered:
            return with_numbers(asm, view, rows)
        targets.append(store(asm.names[view.index] if index_used else "_"))
        iters.append(range_expr(asm, op, view))
    for s, d, e in rows:
        targets.append(target_of(asm, e))
        iters.append(directed(asm, s, d))
    return zipped(asm, list(zip(targets, iters, strict=True)))


def with_numbers(asm: Assembler, view: LoopView, rows: list[Any]) -> Any:
    """Target and iterable of a loop over elements that counts them."""
    targets, iters = zipped(asm, [(target_of(asm, e), directed(asm, s, d)) for s, d, e in rows])
    return gast.Tuple([store(asm.names[view.index]), targets], gast.Store()), call(name("enumerate"), iters)


def ends_loop(asm: Assembler, op: Op, view: LoopView, source: Atom) -> bool:
    """Whether a source decides when the loop ends, read or not."""
    return op.attrs["head"] == 0 or not (op.attrs.get("aligned") or enumerates(view, [(source,)]))


def zipped(asm: Assembler, pairs: list[Any]) -> Any:
    if len(pairs) == 1:
        return pairs[0]
    return gast.Tuple([t for t, _ in pairs], gast.Store()), call(name("zip"), *[i for _, i in pairs])


def target_of(asm: Assembler, e: Val) -> Any:
    """What a ``for`` binds: a name, or the names of a tuple's parts."""
    if not asm.lay.uses.get(e):
        return store("_")
    parts = asm.parts.get(e)
    if parts is not None:
        return gast.Tuple([store(asm.names[p]) if p is not None else store("_") for p in parts], gast.Store())
    return store(asm.names[e])


def find_parts(asm: Assembler, region: Region) -> None:
    """Elements that are only taken apart, at the top of the body, are bound part by part."""
    for op in region.ops:
        for r in op.regions:
            find_parts(asm, r)
        if not op.is_loop:
            continue
        view = LoopView(op)
        for e in view.elements:
            k = kind(e)
            if not isinstance(k, Tree) or k.type is not tuple:
                continue
            uses = asm.lay.uses.get(e, [])
            parts: list[Val | None] = [None] * len(k.items)
            taken, takers = set(), []
            for where, user in uses:
                if (
                    where is not view.body
                    or user is None
                    or user.fn is not operator.getitem
                    or user.ins[0] is not e
                ):
                    break
                assert isinstance(user.ins[1], Const)
                if asm.lay.uses.get(user.out):
                    parts[user.ins[1].value] = user.out
                taken.add(user.ins[1].value)
                takers.append(user)
            else:
                if len(taken) == len(takers):
                    asm.parts[e] = parts
                    asm.lay.silent.update(takers)
                    asm.lay.folded.difference_update(takers)


def directed(asm: Assembler, s: Atom, d: int) -> Any:
    return asm.expr(s) if d == 1 else call(name("reversed"), asm.expr(s))


def covers(asm: Assembler, view: LoopView, rows: list[Any]) -> bool:
    """Whether the range only counts the elements of a source."""
    return counts(view, rows) and (not view.op.attrs.get("rev") or all(d == -1 for _, d, _ in rows))


def enumerates(view: LoopView, rows: list[Any]) -> bool:
    return counts(view, rows) and not view.op.attrs.get("rev")


def counts(view: LoopView, rows: list[Any]) -> bool:
    start, stop, step = view.header
    if not (same(start, Const(0)) and same(step, Const(1))) or not isinstance(stop, Val) or stop.op is None:
        return False
    s = rows[0][0]
    if stop.op.code == "prim" and stop.op.fn is len and stop.op.ins[0] is s:
        return True
    return (
        stop.op.code == "prim"
        and stop.op.fn is ops.shape_at
        and stop.op.ins[0] is s
        and same(stop.op.ins[1], Const(0))
    )


def range_expr(asm: Assembler, op: Op, view: LoopView) -> Any:
    start, stop, step = view.header
    args = [asm.expr(stop)]
    if not same(start, Const(0)) or not same(step, Const(1)):
        args.insert(0, asm.expr(start))
    if not same(step, Const(1)):
        args.append(asm.expr(step))
    r = call(name("range"), *args)
    return call(name("reversed"), r) if op.attrs.get("rev") and bool(asm.lay.uses.get(view.index)) else r
