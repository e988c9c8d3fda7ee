"""What is cheap is computed again where it is read, instead of being kept in an array for a later loop."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

import numpy as np

from srcdiff.compiled.nests import Access, Statement, Store, Way, contract, schedule, touch
from srcdiff.compiled.texts import along
from srcdiff.ir import ops

if TYPE_CHECKING:
    from srcdiff.compiled.elements import Statements

__all__ = ["lightened", "weight_of"]

LIGHT = (
    operator.add, operator.sub, operator.mul, operator.neg, operator.pos, ops.accumulate, np.where, np.outer,
)  # fmt: skip
MOST = 3  # operations that are done again
ROUNDS = 3


def weight_of(fn: object) -> int:
    """What a function of elements costs, in operations that are done again."""
    return 1 if any(fn is f for f in LIGHT) else 99


def lightened(lw: Statements, segment: list[Statement]) -> list[Statement]:
    """The same statements without those whose arrays are cheap, and would need memory."""
    for _ in range(ROUNDS):
        light = [
            s
            for s in segment
            if s.value is not None and s.weight <= MOST and s.in_turn < 0 and s.writes[0].store.sizes
        ]
        if not light:
            return segment
        for store in {a.store: None for s in segment for a in s.writes if a.store.fresh}:
            store.escapes = lw.is_asked_for(store)
        contract(schedule(segment))
        light = [s for s in light if s.writes[0].store.axes and not s.writes[0].store.escapes]
        done = [s for s in light if put_in(lw, segment, s)]
        if not done:
            return segment
        segment = [s for s in segment if s not in done]
    return segment


def put_in(lw: Statements, segment: list[Statement], s: Statement) -> bool:
    """Compute what a statement makes where it is read; False if that cannot be, or costs more."""
    store = s.writes[0].store
    at = segment.index(s)
    after = segment[at + 1 :]
    users = [t for t in after if any(a.store is store for a in t.reads)]
    if not users or any(t.takes_whole for t in users):
        return False
    if any(a.store is store for t in segment if t is not s for a in t.writes):
        return False
    of = [a.store for a in s.reads if a.store.sizes]
    if len(of) > 1 and sum(a.store is store for t in users for a in t.reads) > 2:
        return False
    if len(newly_kept(segment, s)) > 1:
        return False
    last = after.index(users[-1])
    if any(touch(a.store, b) for t in after[: last + 1] for a in t.writes for b in of):
        return False
    for t in users:
        weight = sum(s.weight for a in t.reads if a.store is store)
        t.weight += weight
        t.reads = [b for a in t.reads for b in (through(a, s) if a.store is store else [a])]
    for a in s.reads:
        a.store.uses = 0  # it may be read more than once now, and needs a name
        lw.name_now(a.store)
    store.again = s.value
    return True


def newly_kept(segment: list[Statement], s: Statement) -> set[Store]:
    """What would need an array of its own if a statement's number were computed where it is read."""
    made = {t.writes[0].store: t for t in segment if t.value is not None}
    out: set[Store] = set()
    todo = [a.store for a in s.reads]
    while todo:
        store = todo.pop()
        if not store.fresh or not store.sizes or store.axes or store in out:
            continue
        t = made.get(store)
        if t is not None and t.weight <= MOST:  # that is computed again, too
            todo += [a.store for a in t.reads]
        else:
            out.add(store)
    return out


def through(a: Access, s: Statement) -> list[Access]:
    """What is read for an element that is read."""
    out = []
    for r in s.reads:
        ways: list[Way] = []
        for w in r.ways:
            if w is None or not isinstance(w[0], int):
                ways.append(w)
                continue
            loop, start, step = w
            own = a.ways[loop]
            if own is None:
                ways.append(None)
            elif own[0] == "":
                ways.append(("", along(start, step, own[1] or "0"), 0))
            else:
                ways.append((own[0], along(start, step, own[1]) if own[1] else start, step * own[2]))
        turns = [(own[0], n) for k, n in r.turns if (own := a.ways[k]) is not None and own[1:] == ("", 1)]
        out.append(Access(r.store, tuple(ways), (*a.turns, *turns)))
    return out
