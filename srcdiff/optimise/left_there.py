"""A part of a cotangent that a trip reads, and sets to zero, may lie there until the loop is over.

``for ...: t = b[i]; b[i + 1] += t * c; b[i] = 0.0`` looks at ``b[i]`` in one trip only, if what trips touch
lies ahead of them.  So nothing need be put away of what ``t`` is in all trips: it is ``b[:n]`` behind the
loop, which is set to zero then.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Mapping, Set

from srcdiff.analysis.settled import separate
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, LoopView, Op, Region, Val, same, vals
from srcdiff.ir.kinds import Array
from srcdiff.ir.records import dataclass
from srcdiff.optimise.by_trip import Place, Trips, place_of
from srcdiff.optimise.scatter import is_nothing

__all__ = ["Left", "left_there", "unseen"]

PARTS = (operator.getitem, ops.setitem, ops.additem)


@dataclass(frozen=True)
class Left:
    """What a trip reads of a variable of the loop, by its slot, and sets to zero."""

    slot: int
    place: Place
    zero: Op


def left_there(
    loop: Op, root: Val, trips: Trips, inside: Set[Val], uses: Counter[Val], seen: Mapping[int, int]
) -> Left | None:
    """What sets ``root``, a part of a variable, to zero, if no other trip looks at it after its own."""
    view, op = LoopView(loop), root.op
    body = view.body.ops
    if op is None or op.fn is not operator.getitem or op.attrs.get("guarded"):
        return None
    found = next(((n, c) for n in range(view.carried) if op.ins[0] in (c := versions(view, n))), None)
    if found is None:
        return None
    slot, chain = found
    own = touched(op.ins[0], op.ins[1], root, trips, inside, seen)
    if own is None or not own.sure:
        return None
    ahead = trips.step * (-1 if loop.attrs.get("rev") else 1)
    when = chain.index(op.ins[0])  # type: ignore[arg-type]
    zero: Op | None = None
    for n, v in enumerate(chain):
        reads = [o for o in body if o.fn is operator.getitem and o.ins[0] is v]
        if uses[v] != len(reads) + 1:
            return None
        write = None if n == 0 else v.op
        if write is not None and n > when and zero is None and is_zeroing(write, op.ins[1]):
            zero, write = write, None
        for o in reads if write is None else (*reads, write):
            place = touched(v, o.ins[1], root, trips, inside, seen)
            if o.attrs.get("guarded") or place is None or place.at != own.at:
                return None
            far = (place.shift - own.shift) * ahead
            late = n > when if o is write else zero is not None
            if far < 0 or (late and not far):
                return None
    return None if zero is None else Left(slot, own, zero)


def unseen(v: Val, where: Atom, region: Region, uses: Counter[Val]) -> bool:
    """Whether nobody reads a part of an array, neither of this version nor of later ones."""
    todo = [v]
    while todo:
        v = todo.pop()
        known = [op for op in region.ops if op.fn in PARTS and op.ins[0] is v and v not in vals(op.ins[1:])]
        if uses[v] != len(known) or not all(separate(op.ins[1], where, ()) for op in known):
            return False
        todo += [op.out for op in known if op.fn is not operator.getitem]
    return True


def versions(view: LoopView, slot: int) -> list[Val]:
    """A variable as a trip finds it, and after each of its writes to parts; none if more is done."""
    out: list[Val] = []
    here = set(view.body.ops)
    v: Atom = view.yields[slot]
    while isinstance(v, Val):
        out.append(v)
        if v is view.params[slot]:
            return out[::-1]
        if v.op not in here or v.op.fn not in (ops.setitem, ops.additem):
            break
        v = v.op.ins[0]
    return []


def is_zeroing(op: Op, index: Atom) -> bool:
    return op.fn is ops.setitem and op.adjoint and same(op.ins[1], index) and is_nothing(op.ins[2])


def touched(
    v: Atom, index: Atom, root: Val, trips: Trips, inside: Set[Val], seen: Mapping[int, int]
) -> Place | None:
    """The place of a trip that an index names, of a part as ``root`` is one."""
    assert isinstance(v, Val) and isinstance(root.kind, Array)
    return place_of(v, index, root.kind, trips, inside - {v}, seen)
