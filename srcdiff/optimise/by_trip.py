"""Parts of arrays that the trips of a loop go over: one place along an axis, the next in the next trip."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Set
from typing import Any

from srcdiff.analysis.settled import form
from srcdiff.ir.graph import Atom, Const, LoopView, Op, Region, Slice, Struct, Val, kind, vals
from srcdiff.ir.indices import parts_of
from srcdiff.ir.kinds import (
    Array,
    Dim,
    Kind,
    Scalar,
    Sym,
    at_least,
    elements_of,
    fresh_sym,
    is_joined,
    is_whole,
)
from srcdiff.ir.records import dataclass

__all__ = ["NOTHING", "Place", "Trips", "made", "place_of", "trips_of"]

ROW = 512  # elements of a part at most that is small,
COLUMN = 128  # where they do not lie one after the other
ALL = 1 << 17  # and of the array that it is a part of
FEW = 4  # trips that are not worth it

NOTHING = Const(None)


@dataclass(frozen=True)
class Place:
    """A part of an array in each trip: one place along an axis, the next in the next.

    ``sure``: the parts of all trips are inside of the array, if there are trips.
    """

    array: Val
    parts: tuple[Atom, ...]  # of the index
    at: int  # which of them is the number of the trip,
    shift: int  # and how far from it
    axis: int  # of the places of the trips, where those are taken at once
    sure: bool
    small: bool

    @property
    def key(self) -> tuple[Val, int, int]:
        return self.array, self.at, self.shift


@dataclass(frozen=True)
class Trips:
    """The numbers that the index of a loop is, one after the other or the other way round."""

    index: Val
    step: int  # one, or minus one
    low: int
    high: Atom
    more: int  # the last is ``high + more - 1``
    end: Dim | None  # ``high + more``, if that is the size of something
    dim: Dim

    def inside(self, size: Dim, shift: int) -> bool:
        """Whether all places are inside of an axis of some size, and a slice names these."""
        if isinstance(size, int):
            return isinstance(self.end, int) and self.end + shift <= size
        if not isinstance(self.end, Sym) or self.end.id != size.id or is_joined(size):
            return False
        short = size.offset - self.end.offset - shift
        # (where the end of the slice is below zero, and counts from the back, it names nothing then)
        return short >= 0 and (short - 2 <= self.low + shift or at_least(size) >= short)

    def raises(self, places: Set[Place]) -> bool:
        """Whether parts of arrays that are too short for the trips are never put together into what is not.

        One of a single place would be repeated along another: of one array, it lies too near for that.
        """
        shifts = [p.shift for p in places]
        apart = max(shifts) - min(shifts)
        one = len({(p.array, p.at) for p in places}) == 1
        return one and (not apart or (isinstance(self.dim, int) and self.dim > apart + 1))

    def everywhere(self, place: Place, new: list[Op]) -> Atom:
        """The index of the places of all trips."""
        low, high = Const(self.low + place.shift), self.upper(place.shift, new)
        items = list(place.parts)
        items[place.at] = Slice(low, high, NOTHING)
        return Struct(tuple, tuple(range(len(items))), tuple(items)) if len(items) > 1 else items[0]

    def upper(self, shift: int, new: list[Op]) -> Atom:
        c = self.more + shift
        if isinstance(self.high, Const):
            return Const(self.high.value + c)
        return self.high if not c else moved_by(self.high, c, new)

    def number(self, body: Region, before: int) -> Atom:
        """Which place it is, among those of all trips."""
        if not self.low:
            return self.index
        wanted = {self.index: 1, None: -self.low}
        for op in body.ops[:before]:
            if op.code == "prim" and op.fn is operator.sub and form(op.out) == wanted:
                return op.out
        new: list[Op] = []
        at = moved_by(self.index, -self.low, new)
        body.ops[:0] = new
        return at


def moved_by(a: Atom, c: int, new: list[Op]) -> Val:
    v = Val("", Scalar("i8"))
    v.op = Op("prim", [a, Const(abs(c))], [v], [], {"fn": operator.add if c > 0 else operator.sub})
    new.append(v.op)
    return v


def trips_of(loop: Op) -> Trips | None:
    """The trips of a loop that counts by one from a known number, and is not left early."""
    view = LoopView(loop)
    if view.head != 3 or loop.attrs["exits"] or (view.sources and not loop.attrs.get("aligned")):
        return None
    start, stop, step = view.header
    if not isinstance(step, Const) or step.value not in (1, -1):
        return None
    first, last = (start, stop) if step.value == 1 else (stop, start)
    more = 0 if step.value == 1 else 1
    if not isinstance(first, Const) or type(first.value) is not int:
        return None
    low = first.value + more
    if isinstance(last, Const):
        if type(last.value) is not int or last.value + more - low < FEW:
            return None
        return Trips(view.index, step.value, low, last, more, last.value + more, last.value + more - low)
    k = kind(last)
    if not isinstance(k, Scalar) or k.dtype[0] not in "iu":
        return None
    end = k.value
    if isinstance(end, int):
        end = end + more
    elif isinstance(end, Sym):
        end = Sym(end.id, end.offset + more)
    return Trips(view.index, step.value, low, last, more, end, fresh_sym())


def place_of(
    x: Atom, index: Atom, k: Kind, trips: Trips, inside: Set[Val], seen: Mapping[int, int]
) -> Place | None:
    """The part of an array that an index with the number of the trip in it names."""
    if not isinstance(x, Val) or x in inside or not isinstance(x.kind, Array):
        return None
    if not isinstance(k, Array) or not k.dims or len(parts_of(index)) > len(x.kind.dims):
        return None
    at, axis, shift = -1, 0, 0
    for n, p in enumerate(parts_of(index)):
        if reaches(p, trips.index):
            f = form(p) if not isinstance(p, Slice) else None
            if at >= 0 or f is None or {v: c for v, c in f.items() if v is not None} != {trips.index: 1}:
                return None
            at, shift = n, f.get(None, 0)
        elif any(v in inside for v in vals([p])) or not is_plain(p):
            return None
        else:
            axis += isinstance(p, Slice) and at < 0
    if at < 0 or trips.low + shift < 0:
        return None
    slices = sum(isinstance(p, Slice) for p in parts_of(index))
    if len(k.dims) != slices + len(x.kind.dims) - len(parts_of(index)):
        return None
    row, size = elements_of(k, seen), elements_of(x.kind, seen)
    many = elements_of(Array("f8", x.kind.dims[at : at + 1]), seen) >= FEW
    sure, small = (
        trips.inside(x.kind.dims[at], shift),
        many and 0 < row <= (COLUMN if axis else ROW) and 0 < size <= ALL,
    )
    return Place(x, tuple(parts_of(index)), at, shift, axis, sure, small)


def reaches(p: Atom, index: Val) -> bool:
    """Whether a part of an index is made of the index of a loop by sums."""
    f = form(p) if isinstance(p, Val) else None
    return f is not None and index in f


def is_plain(p: Atom) -> bool:
    """Whether a part of an index is a whole number or a slice."""
    if isinstance(p, Slice):
        return isinstance(p.step, Const)
    k = kind(p)
    return is_whole(k)


def made(new: list[Op], like: Op, fn: Any, ins: list[Atom], k: Kind, **attrs: Any) -> Val:
    v = Val("", k)
    v.op = Op("prim", ins, [v], [], {"fn": fn, **attrs}, like.origin)
    new.append(v.op)
    return v
