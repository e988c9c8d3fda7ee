"""``try`` and ``with`` as statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gast

from srcdiff.emit.trees import ends, filled, finals, named_in, store, strip
from srcdiff.ir import ops
from srcdiff.ir.graph import Const, Op, Region, Undef, Val, is_which, same

if TYPE_CHECKING:
    from srcdiff.emit.assemble import Assembler

__all__ = [
    "arms_of",
    "asked_only_by",
    "asks",
    "emit_try",
    "failed_moves",
    "paired_with",
    "read_if_well",
    "try_op",
    "used_within",
    "with_op",
]


def with_op(asm: Assembler, op: Op) -> None:
    stmts = asm.arm(op, op.regions[0])
    entered = op.regions[0].params[0]
    target = store(asm.names[entered]) if asm.lay.uses.get(entered) else None
    manager = asm.prim_expr(op) if op.fn is not None else asm.expr(op.ins[0])
    item = gast.withitem(manager, target)
    asm.emit(gast.With([item], filled(stmts), None), op.origin)


def try_op(asm: Assembler, op: Op, region: Region) -> None:
    """A ``try``; the branch on how it ended that follows at once is its handlers and its ``else``."""
    failed = op.regions[1]
    error = next((o for o, a in zip(op.outs, failed.results, strict=True) if a is failed.params[1]), None)
    chain = paired_with(asm, op, region, error)
    for o, a in zip(op.outs, failed.results, strict=True):
        if chain and ((a is failed.params[0] and asked_only_by(asm, o, chain)) or o is error):
            asm.unwanted.add(o)
    body = asm.arm(op, op.regions[0])
    arms = arms_of(asm, chain) if chain else [[] for _ in op.ins]
    orelse = asm.arm(chain[0], chain[0].regions[0]) if chain else []
    caught = error if chain else failed.params[1]
    handlers = []
    for k, (a, arm) in enumerate(zip(op.ins, arms, strict=True), 1):
        old, asm.out = asm.out, []
        failed_moves(asm, op, k, gone=bool(strip(arm)) and isinstance(strip(arm)[-1], gast.Raise))
        stmts, asm.out = [*asm.out, *arm], old
        as_ = None if caught is None else named_in(stmts, asm.names[caught])
        handlers.append(gast.ExceptHandler(asm.expr(a), as_, filled(stmts)))
    emit_try(asm, op, body, handlers, orelse)


def emit_try(asm: Assembler, op: Op, body: list[Any], handlers: list[Any], orelse: list[Any]) -> None:
    final = finals(handlers, op, orelse)
    if final is not None:
        orelse = orelse[len(final) :]
        inner = strip(body)
        if not final:
            asm.out.extend(body)
        elif len(inner) == 1 and isinstance(inner[0], gast.Try) and not inner[0].finalbody:
            inner[0].finalbody = final
            asm.out.extend(body)
        else:
            asm.emit(gast.Try(filled(body), [], [], final), op.origin)
        asm.out.extend(orelse)
    elif all(ends(h.body) for h in handlers):
        asm.emit(gast.Try(filled(body), handlers, [], []), op.origin)
        asm.out.extend(orelse)
    else:
        asm.emit(gast.Try(filled(body), handlers, orelse if strip(orelse) else [], []), op.origin)


def failed_moves(asm: Assembler, op: Op, k: int, gone: bool) -> None:
    """What the results of a ``try`` are where handler ``k`` caught something; ``gone``: and raises."""
    which = op.regions[1].params[0]
    pairs = [
        (o, Const(k) if a is which else a)
        for o, a in zip(op.outs, op.regions[1].results, strict=True)
        if asm.wanted(o) and not (isinstance(a, Undef) and (gone or read_if_well(asm, o, op)))
    ]
    asm.moves(pairs, op.origin, op)


def read_if_well(asm: Assembler, v: Val, block: Op) -> bool:
    """Whether a result of a ``try`` is read only where its body ran to its end."""
    for where, user in asm.lay.uses.get(v, []):
        r: Region | None = where
        while r is not None and user is None:
            parent = asm.names.parents[r]
            if parent is None or parent[1].is_loop:
                return False
            if asks(asm, parent[1], block, 0) and r is parent[1].regions[0]:
                break
            r = parent[0]
    return True


def arms_of(asm: Assembler, chain: list[Op]) -> list[list[Any]]:
    """The statements of the handlers: branches, each in the ``else`` of the one before."""
    first, *rest = chain
    if not rest:
        return [asm.arm(first, first.regions[1])]
    other = first.regions[1]
    asm.enclosing.append((first, other))
    got = [asm.arm(rest[0], rest[0].regions[0]), *arms_of(asm, rest)]
    asm.enclosing.pop()
    return [asm.finished(first, other, stmts) for stmts in got]


def paired_with(asm: Assembler, op: Op, region: Region, error: Val | None) -> list[Op]:
    """The branches that are the handlers of a ``try``; none if they do not follow at once."""
    if any(asm.collectors.get(o) for o in op.outs):
        return []  # what is put on a tape is put there before
    after = region.ops[region.ops.index(op) + 1 :]
    chain: list[Op] = []
    for k in range(len(op.ins)):
        real = [o for o in after if o not in asm.lay.folded and o not in asm.lay.silent]
        if not real or not asks(asm, real[0], op, k) or (chain and len(real) > 1):
            return []
        chain.append(real[0])
        after = real[0].regions[1].ops
    if error is not None and not used_within(asm, error, chain[0].regions[1]):
        return []
    asm.paired.update(chain)
    return chain


def asks(asm: Assembler, op: Op, block: Op, k: int) -> bool:
    """Whether a branch asks if ``block`` ended in the way ``k``."""
    cond = op.ins[0] if op.code == "if" else None
    if not isinstance(cond, Val) or cond.op not in asm.lay.folded or op in asm.lay.inline_ifs:
        return False
    test = cond.op
    if test is None or test.code != "prim" or test.fn is not ops.exit_is:
        return False
    which, number = test.ins
    return is_which(which) and which in block.outs and same(number, Const(k))


def asked_only_by(asm: Assembler, which: Val, chain: list[Op]) -> bool:
    tests = {op.ins[0] for op in chain}
    users = [user for _, user in asm.lay.uses.get(which, [])]
    return all(user is not None and user.outs and user.out in tests for user in users)


def used_within(asm: Assembler, v: Val, region: Region) -> bool:
    for where, _ in asm.lay.uses.get(v, []):
        r = where
        while r is not region:
            parent = asm.names.parents[r]
            if parent is None:
                return False
            r = parent[0]
    return True
