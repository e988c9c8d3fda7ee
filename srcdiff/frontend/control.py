"""Branches: both sides are read, and what they leave is joined."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from srcdiff.frontend import exits, joins
from srcdiff.frontend.blocks import Opened, exported
from srcdiff.frontend.comparisons import condition, truth
from srcdiff.frontend.core import Bottom
from srcdiff.frontend.raising import Raised
from srcdiff.frontend.scope import Bound, Plain, Poison, State
from srcdiff.frontend.words import name_of_value
from srcdiff.ir.graph import Atom, Const, Op, Region, Val, is_none, kind, nested
from srcdiff.ir.kinds import Array, Maybe, present

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["branch", "choose", "seed_world"]


def seed_world(lw: Lowerer, states: tuple[State, ...], key: Any) -> None:
    """A variable of the world outside that one path writes to has its old value on the others."""
    current = lw.state
    try:
        for state in states:
            lw.state = state
            b = lw.world(key)
            if b is not None:
                state.names.setdefault(key, b)
    finally:
        lw.state = current


def branch(
    lw: Lowerer, cond: Atom, then: Callable[[], Any], other: Callable[[], Any], name: str = ""
) -> tuple[Any, Any, joins.Joiner]:
    """An ``if``: read both branches, join what they bind; returns what each callable did, and the joiner."""
    regions = [Region(), Region()]
    op = Op("if", [cond], [], regions, {"style": name})
    start = lw.state
    states: list[State] = []
    got: list[Any] = []
    there: list[dict[Any, Atom]] = []
    facts = lw.facts
    for region, read, holds in zip(regions, (then, other), (True, False), strict=True):
        lw.state = start.copy()
        learnt = known_by(cond, holds)
        lw.facts = {**facts, **learnt}
        passes, lw.passes = lw.passes, lw.unsettled
        with lw.inside(region):
            there_is(lw, learnt)
            try:
                got.append(read())
            except (Bottom, Raised):
                got.append(exits.RAISE)
            finally:
                lw.facts, lw.passes = facts, passes
            there.append(lw.there)
        states.append(lw.state)
    joiner = joins.Joiner(lw, op, (states[0], states[1]), there)
    dead = [g == exits.RAISE if isinstance(g, int) else False for g in got]
    lw.add(op)
    if dead[0] != dead[1]:  # of a path that raises nothing is seen
        which = 1 if dead[0] else 0
        lw.state, _ = exported(Opened(op, which), start, states[which])
    else:
        joiner.all()
    return got[0], got[1], joiner


def there_is(lw: Lowerer, learnt: dict[Val, bool]) -> None:
    """Of conditions that hold or do not: what is None by them, and what is not."""
    within = {o for c in learnt if c.op is not None for op in nested(c.op) for o in op.outs}
    for c, holds in learnt.items():
        v, none = tested_for_none(c)
        if v is None or v in within:  # (made for the test alone)
            continue
        if isinstance(v.kind, Maybe) and (none is not None or holds):
            lw.there[name_of_value(v)] = Const(None) if none is holds else lw.not_none(v)


def tested_for_none(c: Val) -> tuple[Val | None, bool | None]:
    """The value that a condition asks for, and whether it asks for None; None: it is the value itself."""
    op = c.op
    if op is None or op.fn not in (operator.is_, operator.is_not, operator.eq, operator.ne):
        return c, None
    for x, y in (op.ins, op.ins[::-1]):
        of_array = isinstance(present(kind(x)), Array) and op.fn in (operator.eq, operator.ne)
        if isinstance(x, Val) and is_none(y) and not of_array:
            return x, op.fn in (operator.is_, operator.eq)
    return None, None


def known_by(cond: Atom, holds: bool) -> dict[Val, bool]:
    """What is known on the path where a condition holds, or does not."""
    out: dict[Val, bool] = {}
    todo = [(cond, holds)]
    while todo:
        c, h = todo.pop()
        if not isinstance(c, Val):
            continue
        out[c] = h
        op = c.op
        if op is None or c not in op.outs:
            continue
        if op.fn is operator.not_:
            todo.append((op.ins[0], not h))
        elif op.code == "if":  # a and b, a or b
            at = op.outs.index(c)
            yes, no = (r.results[at] for r in op.regions)
            if no == Const(False) and h:
                todo += [(op.ins[0], True), (yes, True)]
            elif yes == Const(True) and not h:
                todo += [(op.ins[0], False), (no, False)]
    return out


def choose(
    lw: Lowerer, cond: Atom, then: Callable[[], Bound], other: Callable[[], Bound], node: Any, name: str
) -> Bound:
    """A conditional expression."""
    a, b, joiner = branch(lw, cond, then, other, name)
    if isinstance(a, int) or isinstance(b, int):  # a call whose result is not known yet
        if isinstance(a, int) and isinstance(b, int):
            raise Bottom
        a, b = (None, b) if isinstance(a, int) else (a, None)
    result = joiner.bound(a, b, "")
    if result is None or isinstance(result, Poison):
        lw.stop("branches", "the two values differ in structure", node)
    if isinstance(result, Plain) and isinstance(result.atom, Val) and result.atom.op is joiner.op:
        result.atom.user = False
    return result


def if_statement(lw: Lowerer, test: Bound, body: list[Any], orelse: list[Any], rest: list[Any]) -> Any:
    """An ``if`` and what follows it, where a path may leave; returns the exit code."""
    known = truth(lw, test)
    if known is not None:
        return lw.block([*(body if known else orelse), *rest])
    if exits.always_leaves(body):
        orelse, rest = [*orelse, *rest], []
    elif exits.always_leaves(orelse):
        body, rest = [*body, *rest], []
    return exits.merge_exits(lw, condition(lw, test), lambda: lw.block(body), lambda: lw.block(orelse), rest)
