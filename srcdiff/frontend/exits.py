"""How a block is left: its exit code, and what follows where the code is known only at run time.

A block is read to an *exit code*: 0 falls through, 1 break, 2 return, 3 continue, 4 raise; 5 and up leave the
body of a loop over a generator, through all loops of the generator (``generators.drive``).  The code is a
constant where every path agrees, else a value.  What follows a branch that always leaves is moved into the
other branch.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.frontend import control
from srcdiff.frontend.scope import is_exhaustive, nodes_in
from srcdiff.ir import ops
from srcdiff.ir.graph import JOINS, UNDEF, Atom, Const, Op, Val, op_of, same
from srcdiff.ir.kinds import BOOL, INT
from srcdiff.ir.records import dataclass

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = [
    "BREAK",
    "CONTINUE",
    "FALL",
    "RAISE",
    "RETURNED",
    "Jumps",
    "Pending",
    "always_leaves",
    "codes",
    "go_on",
    "jumps",
    "leave_by",
    "merge_exits",
]


FALL, BREAK, RETURN, CONTINUE, RAISE = range(5)


OUTWARD = 5  # the first code that leaves the body of a loop over a generator


RETURNED = "result!"  # no Python name: the value that a return gives


@dataclass(frozen=True, slots=True)
class Jumps:
    """The codes that ``break`` and ``return`` have at a place."""

    brk: int = BREAK
    ret: int = RETURN


@dataclass(frozen=True, slots=True)
class Pending:
    """How a statement was left, where that is known only at run time: what follows depends on it."""

    code: Atom
    leave: tuple[tuple[int, int], ...]  # codes with which the block is left, and the block's code then
    broke: tuple[int, ...]  # codes with which the ``else`` of the loop is left out
    orelse: list[Any]


def always_leaves(stmts: list[Any]) -> bool:
    """Whether no path through the statements reaches their end."""
    for s in stmts:
        if isinstance(s, (gast.Return, gast.Break, gast.Continue, gast.Raise)):
            return True
        if isinstance(s, gast.If) and s.orelse and always_leaves(s.body) and always_leaves(s.orelse):
            return True
        if isinstance(s, gast.Try) and (
            always_leaves(s.finalbody)
            or (always_leaves([*s.body, *s.orelse]) and all(always_leaves(h.body) for h in s.handlers))
        ):
            return True
        if isinstance(s, gast.Match) and is_exhaustive(s) and all(always_leaves(c.body) for c in s.cases):
            return True
    return False


def jumps(stmts: list[Any]) -> bool:
    """Whether some path may leave by break, continue, return or raise."""
    for s in stmts:
        if isinstance(s, (gast.Return, gast.Break, gast.Continue, gast.Raise)):
            return True
        away: tuple[Any, ...] = (gast.Yield, gast.YieldFrom)  # whoever reads what is yielded may leave
        rest = [s]  # what the blocks in it do not hold
        if isinstance(s, gast.If):
            blocks, rest = [s.body, s.orelse], [s.test]
        elif isinstance(s, gast.With):
            blocks, rest = [s.body], s.items
        elif isinstance(s, gast.Try):
            blocks = [s.body, s.orelse, s.finalbody, *(h.body for h in s.handlers)]
            rest = [h.type for h in s.handlers if h.type is not None]
        elif isinstance(s, gast.Match):
            blocks = [c.body for c in s.cases]
            rest = [s.subject, *(x for c in s.cases for x in (c.pattern, c.guard) if x is not None)]
        else:
            blocks = []
            if isinstance(s, (gast.For, gast.While)):
                away = (*away, gast.Return)
        if any(map(jumps, blocks)) or any(isinstance(n, away) for n in nodes_in(*rest)):
            return True
    return False


def merge_exits(
    lw: Lowerer, cond: Atom, then: Callable[[], Any], other: Callable[[], Any], rest: list[Any]
) -> Any:
    if isinstance(cond, Const):
        code = then() if cond.value else other()
        return go_on(lw, code, lambda: lw.block(rest)) if rest else code
    e0, e1, joiner = control.branch(lw, cond, then, other)
    if isinstance(e0, int) and e0 == e1:
        return lw.block(rest) if e0 == FALL else e0
    if RAISE in (e0, e1) and isinstance(e0, int) and isinstance(e1, int):
        taken = e1 if e0 == RAISE else e0
        return lw.block(rest) if taken == FALL else taken
    e0 = FALL if isinstance(e0, int) and e0 == RAISE else e0
    e1 = FALL if isinstance(e1, int) and e1 == RAISE else e1
    x = Const(e0) if isinstance(e0, int) else e0
    y = Const(e1) if isinstance(e1, int) else e1
    code = joiner.val(x, y, "left")
    if isinstance(code, Const):
        return lw.block(rest) if code.value == FALL else code.value
    assert isinstance(code, Val)
    code.kind, code.user = INT, False
    if not rest:
        return code
    test = exit_test(lw, code, FALL)
    return merge_exits(lw, test, lambda: lw.block(rest), lambda: code, [])


def codes(exit: Any) -> set[int]:
    """The exit codes that a value may be."""
    if isinstance(exit, int):
        return {exit}
    if isinstance(exit, Const):
        return {int(exit.value)}
    if exit is UNDEF:
        return set()
    if isinstance(exit, Val) and exit.op is not None and exit.op.code in JOINS:
        at = exit.op.outs.index(exit)
        return {c for r in exit.op.regions for c in codes(r.results[at])}
    if isinstance(exit, Val) and exit.op is not None and exit.op.is_loop:
        return set(exit.op.attrs["exits"]) | {FALL}
    return {FALL}


def go_on(lw: Lowerer, code: Any, then: Callable[[], Any], swallow: frozenset[int] = frozenset()) -> Any:
    """What follows a statement left with ``code``: ``then``, if it fell through or left with such a code."""
    if isinstance(code, int):
        return then() if code == FALL or code in swallow else code
    return leave_by(lw, code, [(c, c) for c in sorted(codes(code) - swallow - {FALL, RAISE})], then)


def leave_by(lw: Lowerer, code: Atom, ways: Sequence[tuple[int, int]], then: Callable[[], Any]) -> Any:
    """Leave with the second code of a pair where ``code`` is the first, else go on with ``then``."""
    if not ways:
        return then()
    (which, left), rest = ways[0], ways[1:]
    test = exit_test(lw, code, which)
    if isinstance(test, Const):
        return left if test.value else leave_by(lw, code, rest, then)
    return merge_exits(lw, test, lambda: left, lambda: leave_by(lw, code, rest, then), [])


def exit_test(lw: Lowerer, code: Atom, which: int) -> Atom:
    """Whether ``code`` is ``which``: the condition itself, where a branch sets it to constants."""
    if isinstance(code, Const):
        return Const(code.value == which)
    op = op_of(code)
    if op is not None and op.code == "if":
        at = op.outs.index(code)  # type: ignore[arg-type]
        first, second = (r.results[at] for r in op.regions)
        if isinstance(first, Const) and isinstance(second, Const):
            one, other = first.value == which, second.value == which
            if one == other:
                return Const(one)
            return op.ins[0] if one else lw.prim(operator.not_, [op.ins[0]], result=BOOL)
        if isinstance(first, Const) and first.value != which and second in known_codes(op):
            inner, cond = exit_test(lw, second, which), op.ins[0]
            if isinstance(cond, Val) and cond.op is not None and cond.op.fn is operator.not_:
                if same(cond.op.ins[0], inner):
                    return inner
    return lw.prim(ops.exit_is, [code, Const(which)])


def known_codes(branch: Op) -> list[Val]:
    """The exit codes from before a branch that one of its paths hands on."""
    made = {v for r in branch.regions for o in r.ops for v in o.outs}
    out = [a for r in branch.regions for a in r.results if isinstance(a, Val) and a not in made]
    return [v for v in out if v.op is not None and v.op.code == "if"]


def pending(lw: Lowerer, p: Pending, rest: list[Any]) -> Any:
    """What follows a loop, and its ``else``, happen only if it was not left for good."""

    plain = isinstance(p.code, Val) and p.code.op is not None and p.code.op.code == "if"
    if plain and not rest and not p.orelse and not p.broke and all(a == b for a, b in p.leave):
        return p.code

    def follow() -> Any:
        if not p.orelse or not p.broke:
            return lw.block([*p.orelse, *rest])
        tests = [exit_test(lw, p.code, c) for c in p.broke]
        broke = tests[0]
        for t in tests[1:]:
            broke = lw.prim(operator.or_, [broke, t], result=BOOL)
        return merge_exits(lw, broke, lambda: FALL, lambda: lw.block(p.orelse), rest)

    return leave_by(lw, p.code, p.leave, follow)
