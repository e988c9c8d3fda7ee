"""Breaks, continues and returns in the place of the codes that the graph keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gast

from srcdiff.emit import tapes
from srcdiff.emit.trees import const, ends, store
from srcdiff.ir.graph import Atom, Const, LoopView, Op, Region, Struct, Val, vals

if TYPE_CHECKING:
    from srcdiff.emit.assemble import Assembler

__all__ = [
    "can_follow",
    "collect_rest",
    "collects_in",
    "exit_const",
    "exit_test",
    "follow_exit",
    "is_exit_code",
    "leave",
    "loop_end",
    "scan_exits",
    "silence",
    "starts_unset",
    "taped_unset",
]


def is_exit_code(asm: Assembler, v: Val) -> bool:
    """Exit codes that are printed as ``break`` need no variable."""
    return v in asm.silent_codes


def scan_exits(asm: Assembler, region: Region) -> None:
    for op in region.ops:
        if op.is_loop and op.attrs["exits"]:
            view = LoopView(op)
            exit = view.exit_result
            if isinstance(exit, Val):
                follow_exit(asm, exit, view.body, op)
        for r in op.regions:
            scan_exits(asm, r)


def can_follow(asm: Assembler, code: Atom, region: Region) -> bool:
    """Whether a code is set by a region's last ``if``, down to constants, and used for nothing else."""
    if isinstance(code, Const):
        return True
    if not isinstance(code, Val):
        return False
    op = code.op
    if (
        op is None
        or op.code != "if"
        or not region.ops
        or region.ops[-1] is not op
        or op in asm.lay.inline_ifs
    ):
        return False
    if len(asm.lay.uses.get(code, [])) != 1:
        return False
    at = op.outs.index(code)
    return all(can_follow(asm, r.results[at], r) for r in op.regions)


def follow_exit(asm: Assembler, code: Val, region: Region, loop: Op) -> None:
    """Such a code is printed as a ``break`` in the branches that set it."""
    if not can_follow(asm, code, region):
        return
    silence(asm, code, loop)


def silence(asm: Assembler, code: Val, loop: Op) -> None:
    op = code.op
    assert op is not None
    at = op.outs.index(code)
    asm._silent.add(code)
    for r in op.regions:
        a = r.results[at]
        asm._tails[r] = (loop, a)
        if isinstance(a, Val):
            silence(asm, a, loop)


def leave(asm: Assembler, op: Op, region: Region, stmts: list[Any]) -> list[Any]:
    """Add the ``break`` (or ``continue``) of a branch in which a trip ends early."""
    asm.silent_codes  # noqa: B018
    if region not in asm._tails:
        return stmts
    loop, code = asm._tails[region]
    if (
        not isinstance(code, Const)
        or not (code.value in loop.attrs["exits"] or code.value == 3)
        or ends(stmts)
    ):
        return stmts
    body = LoopView(loop).body
    old, asm.out = asm.out, list(stmts)
    collects_in(asm, op.outs, loop)
    for outer, r in reversed(asm.enclosing):
        if r is body:
            break
        asm.moves(
            [(o, a) for o, a in zip(outer.outs, r.results, strict=True) if asm.wanted(o)],
            op.origin,
            outer,
        )
        collects_in(asm, outer.outs, loop)
    collect_rest(asm, loop)
    loop_end(asm, loop)
    if code.value == 3:
        asm.emit(gast.Continue(), op.origin)
    else:
        out = LoopView(loop).exit_out
        if out is not None and asm.lay.uses.get(out):
            asm.emit(gast.Assign([store(asm.names[out])], exit_const(loop, code.value), None), op.origin)
        asm.emit(gast.Break(), op.origin)
    stmts, asm.out = asm.out, old
    return stmts


def collects_in(asm: Assembler, values: list[Val], loop: Op) -> None:
    """Append values to the tapes of ``loop``, before a trip ends early."""
    for v in values:
        for loop_op, tape in asm.collectors.get(v, []):
            if loop_op is loop and v not in asm.flat:
                tapes.append(asm, tape, asm.expr(v))


def collect_rest(asm: Assembler, loop: Op) -> None:
    """Append what is not one value of a trip: tuples of several."""
    view = LoopView(loop)
    for c, t in view.kept:
        inside = isinstance(c, Val) and tapes.names_defined_in(asm, c, view.body)
        if not inside and not tapes.from_outside(asm, c, view.body):
            tapes.append(asm, t, asm.expr(c))


def exit_const(loop: Op, code: int) -> Any:
    return const(True) if len(loop.attrs["exits"]) == 1 else const(code)


def loop_end(asm: Assembler, op: Op) -> None:
    """What happens at the end of every trip: the carried variables take their new values."""
    view = LoopView(op)
    asm.moves(list(zip(view.params, view.yields, strict=True)), op.origin)


def taped_unset(asm: Assembler, p: Val, loop: Op) -> bool:
    """Whether a variable that is not set before a loop may be put on a tape before it is set."""
    todo: list[tuple[Val, Op | None]] = [(p, loop)]
    seen = set()
    while todo:
        v, op = todo.pop()
        if v in seen:
            continue
        seen.add(v)
        view = LoopView(op) if op is not None else None
        if op is not None and view is not None and v in view.params:
            todo.append((view.finals[view.params.index(v)], op))
        for where, user in asm.lay.uses.get(v, []):
            parent = asm.names.parents[where]
            if user is None and parent is None and asm.hands_on:
                return True
            if user is None and parent is not None:
                owner = parent[1]
                if owner.is_loop:
                    around = LoopView(owner)
                    if v in vals(around.collected):
                        return True
                    todo += [(q, owner) for q, y in zip(around.params, around.yields) if y is v]
                else:  # on a path of a branch it is what it was
                    todo += [(o, None) for o, a in zip(owner.outs, where.results) if a is v]
            if user is not None and user.attrs.get("unset"):
                return True
            if user is not None and user.is_loop:
                inner = LoopView(user)
                todo += [(q, user) for q, i in zip(inner.params, inner.inits, strict=True) if i is v]
    return False


def starts_unset(asm: Assembler, v: Val, loop: Op) -> bool:
    """Whether a loop starts from a value that may not be set, under another name or to put it away."""
    view = LoopView(loop)
    if any(isinstance(i, Struct) and v in vals([i]) for i in view.inits):
        return True
    started = [p for p, i in zip(view.params, view.inits, strict=True) if i is v]
    return any(asm.names[p] != asm.names[v] or taped_unset(asm, p, loop) for p in started)


def exit_test(asm: Assembler, op: Op, view: LoopView) -> None:
    """A loop left by a code that is not the last ``if`` of its body."""
    exit = view.exit_result
    if exit is None or (isinstance(exit, Val) and exit in asm.silent_codes):
        return
    out = view.exit_out
    value = asm.expr(exit)
    if out is not None and asm.lay.uses.get(out):
        code = (
            value
            if len(op.attrs["exits"]) > 1
            else gast.Compare(value, [gast.Eq()], [const(op.attrs["exits"][0])])
        )
        asm.emit(gast.Assign([store(asm.names[out])], code, None), op.origin)
    tests = [gast.Compare(asm.expr(exit), [gast.Eq()], [const(c)]) for c in op.attrs["exits"]]
    test = tests[0] if len(tests) == 1 else gast.BoolOp(gast.Or(), tests)
    asm.emit(gast.If(test, [gast.Break()], []), op.origin)
