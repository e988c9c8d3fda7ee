"""Write-once facts: an element read inside a loop that no later write of the loop can touch.

Such an element is still there when the loop is over, so the backward sweep reads it again and nothing is
saved: tables of dynamic programming, time stepping, recurrent nets, factorisations.  Indices are compared as
linear forms in the loop indices (the strong single-index-variable test of dependence analysis; Allen and
Kennedy, *Optimizing Compilers for Modern Architectures*, section 3.3).
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Set
from itertools import takewhile

from srcdiff.analysis.versions import backwards
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, LoopView, Op, Slice, Val, is_none, kind
from srcdiff.ir.indices import parts_of
from srcdiff.ir.kinds import is_whole
from srcdiff.ir.records import dataclass
from srcdiff.ir.regions import made_in

__all__ = ["separate", "untouched"]

Form = dict[Val | None, int]  # coefficients; None: the constant


def untouched(
    index: Atom,
    later: list[Val],
    every: list[Val],
    loop: Op,
    inside: tuple[Op, ...] = (),
    around: tuple[Op, ...] = (),
) -> bool:
    """Whether ``x[index]``, read in a trip of ``loop``, is not written by ``later`` (the rest of the trip)
    nor by ``every`` update in the trips that follow (given as the versions that they make).

    ``inside``: the loops in ``loop`` that the read is in, from the outermost on; ``around``: those that
    ``loop`` is in.
    """
    view = LoopView(loop)
    if loop.code != "for" or view.head != 3 or loop.attrs.get("rev") or not is_positive(view.header[2]):
        return False
    outer = (*around, loop)
    below = {v for op in view.body.ops for r in op.regions for v in made_in(r)}
    here = below | {v for op in view.body.ops for v in op.outs} | set(view.body.params)
    same_trip = Reading(index, inside, outer, None, below)
    next_trips = Reading(index, inside, outer, view.index, here - {view.index})
    anywhere = Reading(index, (loop, *inside), around, None, here)  # in any two trips
    for versions, reading in ((later, same_trip), (every, next_trips)):
        for v in versions:
            if not all(reading.apart(w, at) or anywhere.apart(w, (loop, *at)) for w, at in writes(v, ())):
                return False
    return True


def is_positive(a: Atom) -> bool:
    return isinstance(a, Const) and type(a.value) is int and a.value > 0


def writes(v: Val, loops: tuple[Op, ...]) -> Iterator[tuple[Atom | None, tuple[Op, ...]]]:
    """The indices written to in what makes a version of the one before, with the loops that this runs in."""
    op = v.op
    if op is None or op.code == "prim":
        yield (op.ins[1] if op is not None and op.fn in ops.WRITES else None), loops
    elif op.is_loop:
        view = LoopView(op)
        at = op.outs.index(v)
        for q in takewhile(lambda q: q is not view.params[at], backwards(view.yields[at])):  # type: ignore[arg-type]
            yield from writes(q, (*loops, op))
    else:
        at = op.outs.index(v)
        for r in op.regions:
            inside = {o for other in r.ops for o in other.outs}
            end = r.results[at]
            for q in takewhile(inside.__contains__, backwards(end) if isinstance(end, Val) else ()):
                yield from writes(q, loops)


@dataclass(frozen=True)
class Reading:
    """An index that is read, as it is compared with those that are written.

    ``index``: that of a loop of which the write happens in a later trip, if it does.
    ``varying``: what may stand for one number where it is read and for another where it is written.
    """

    at: Atom
    inside: tuple[Op, ...]  # the loops around the read, whose indices are any
    around: tuple[Op, ...]  # the loops around both
    index: Val | None
    varying: Set[Val]

    def apart(self, write: Atom | None, loops: tuple[Op, ...]) -> bool:
        """Whether two indices are apart in some dimension; ``loops``: those around the write."""
        if write is None or any(o.code != "for" for o in (*loops, *self.inside)):
            return False
        a, b = parts_of(self.at), parts_of(write)
        for p in (*a, *b):
            if isinstance(p, Const) and not isinstance(p.value, int):
                return False
            k = kind(p)
            if not isinstance(p, Slice) and not is_whole(k):
                return False
        ran = (*self.around, *self.inside, *loops)
        for r, w in zip(a, b, strict=False):
            low, high = bounds(r)
            first, last = bounds(w)
            found = False
            if first is not None and high is not None:
                found = self.positive(lowest(first, loops), highest(high, self.inside), self.index)
            if not found and last is not None and low is not None and self.index is None:
                found = self.positive(lowest(low, self.inside), highest(last, loops), None)
            if found and from_the_front(r, (*self.around, *self.inside), ran):
                if from_the_front(w, (*self.around, *loops), ran):
                    return True
        return False

    def positive(self, a: Form | None, b: Form | None, index: Val | None) -> bool:
        """Whether ``a - b >= 1``, where ``a`` belongs to a later value of ``index`` if one is given."""
        if a is None or b is None or any(v in self.varying for v in (*a, *b)):
            return False
        if index is not None:
            c = a.get(index, 0)
            if c < 0:
                return False
            a = plus(a, {None: c})  # at least one trip later
        d: Form | None = plus(a, {k: -v for k, v in b.items()})
        if index is None and d is not None:
            d = lowest(d, self.around)  # (in one trip of these, an index is one number in both)
        return d is not None and all(v == 0 for k, v in d.items() if k is not None) and d.get(None, 0) >= 1


def bounds(p: Atom) -> tuple[Form | None, Form | None]:
    """The smallest and the largest position that an index names."""
    if isinstance(p, Slice):
        if not (isinstance(p.step, Const) and p.step.value in (None, 1)):
            return None, None
        low: Form | None = {None: 0}
        if not is_none(p.lower):
            low = form(p.lower)
        high = form(p.upper) if not is_none(p.upper) else None
        return low, (plus(high, {None: -1}) if high is not None else None)
    f = form(p)
    return f, f


def from_the_front(p: Atom, loops: tuple[Op, ...], ran: tuple[Op, ...]) -> bool:
    """Whether an index counts from the front for sure, in all trips: `x[i - 1]` is the last where i is 0."""
    ends = [p.lower, p.upper] if isinstance(p, Slice) else [p]
    floors = {v: n for o in ran for v, n in at_least(o)}
    for a in ends:
        if is_none(a):
            continue
        f = form(a)
        f = lowest(f, loops) if f is not None else None
        if f is None:
            return False
        total = 0
        for v, c in f.items():
            if v is None:
                total += c
            elif c < 0 or (v not in floors and not is_size(v)):
                return False
            else:
                total += c * max(floors.get(v, 0), 0 if is_size(v) else floors[v])
        if total < 0:
            return False
    return True


def is_size(v: Val) -> bool:
    return v.op is not None and v.op.code == "prim" and v.op.fn in (len, ops.shape_at)


def at_least(loop: Op) -> Iterator[tuple[Val, int]]:
    """What the end of a loop that counts upwards is at least, once there has been a trip."""
    view = LoopView(loop)
    if loop.code != "for" or view.head != 3 or not is_positive(view.header[2]):
        return
    start, stop = form(view.header[0]), form(view.header[1])
    if start is None or stop is None or list(start) != [None]:
        return
    symbols = [v for v in stop if v is not None]
    if len(symbols) == 1 and stop[symbols[0]] == 1:
        yield symbols[0], start[None] + 1 - stop.get(None, 0)


def form(a: Atom, signed: bool = False) -> Form | None:
    """An integer expression as a linear form; None if it is not one, or may be counted from the end."""
    if isinstance(a, Const):
        return {None: a.value} if type(a.value) is int and (signed or a.value >= 0) else None
    if not isinstance(a, Val):
        return None
    op = a.op
    if (
        op is not None
        and a in op.outs
        and op.code == "prim"
        and op.fn in (operator.add, operator.sub)
        and len(op.ins) == 2
    ):
        left = form(op.ins[0])
        right = form(op.ins[1])
        if left is not None and right is not None:
            return plus(left, right if op.fn is operator.add else {k: -v for k, v in right.items()})
    return {a: 1, None: 0}


def plus(a: Form, b: Form) -> Form:
    out = dict(a)
    for k, v in b.items():
        out[k] = out.get(k, 0) + v
    return {k: v for k, v in out.items() if v or k is None}


def lowest(f: Form, loops: tuple[Op, ...]) -> Form | None:
    """A lower bound, with the indices of loops replaced by the least, or the greatest, that they are."""
    for o in reversed(loops):
        view = LoopView(o)
        if o.code != "for" or not f.get(view.index, 0):
            continue
        c = f[view.index]
        step = view.header[2] if view.head == 3 else None
        if not isinstance(step, Const) or type(step.value) is not int or step.value == 0:
            return None
        up = step.value > 0
        start, stop = form(view.header[0], True), form(view.header[1], True)
        end = plus(stop, {None: -1 if up else 1}) if stop is not None else None
        bound = start if up == (c > 0) else end
        if bound is None:
            return None
        f = plus({k: v for k, v in f.items() if k is not view.index}, {k: c * v for k, v in bound.items()})
    return f


def highest(f: Form, loops: tuple[Op, ...]) -> Form | None:
    low = lowest({k: -v for k, v in f.items()}, loops)
    return {k: -v for k, v in low.items()} if low is not None else None


def separate(index: Atom, write: Atom, around: tuple[Op, ...], inside: tuple[Op, ...] = ()) -> bool:
    """Whether two indices into one array name no element in common.

    ``around``: the loops around both, in one trip; ``inside``: those that the second is in besides.
    """
    return Reading(index, (), around, None, frozenset()).apart(write, inside)
