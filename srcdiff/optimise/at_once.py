"""What the trips of a loop do to parts of arrays, each to its own, is done to all parts at once.

Two things wait for no other trip.  *Ahead*: arithmetic on parts of arrays that the loop only reads (`c * u[j]
+ d * u[j, 1:]`) is done before the loop, on `u[1:n]`, and a trip takes its row of that.  *Behind*: multiples
of one array that the trips add to parts of a cotangent (`v_bar[j] += g * c`, `v_bar[j, 1:] -= g * d`) are
added when the loop is over; a trip puts `g` away, as a row (Allen and Kennedy, *Optimizing Compilers for
Modern Architectures*, chapter 2: distribution of loops).  A loop over short rows takes its time by the number
of operations, not of elements; so rows are short, by the sizes of the call that the text is made for.

Arithmetic on all parts gives what it gives on each.  Sums of cotangents come out in another order.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Set
from typing import Any

from srcdiff.analysis.settled import form, made_in, parts
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Graph, LoopView, Op, Region, Slice, Struct, Val, kind, uses_of, vals
from srcdiff.ir.kinds import Array, Dim, Kind, Scalar, Sym, at_least, elements_of, fresh_sym, is_joined
from srcdiff.ir.records import dataclass
from srcdiff.optimise.dce import dce
from srcdiff.optimise.holding import replace_uses
from srcdiff.optimise.patterns import is_zeros, not_one
from srcdiff.optimise.words import Words

__all__ = ["done_at_once"]

ARITHMETIC = (operator.add, operator.sub, operator.mul, operator.truediv, operator.neg)
ROW = 512  # elements of a part at most,
COLUMN = 128  # where they do not lie one after the other
ALL = 1 << 17  # and of the array that it is a part of
FEW = 4  # trips that are not worth it

NOTHING = Const(None)


def done_at_once(graph: Graph, words: Words) -> Graph:
    """Take out of loops what is done to parts of arrays, in a graph that did not go through `own`."""
    return dce(graph) if AtOnce(graph, words).region(graph.region) else graph


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


class AtOnce:
    """One walk, from the inside out."""

    def __init__(self, graph: Graph, words: Words) -> None:
        self.words, self.seen = words, graph.info.get("seen", {})
        self.uses: Counter[Val] = Counter()
        self.graph = graph

    def region(self, region: Region) -> bool:
        changed = False
        for op in list(region.ops):
            for r in op.regions:
                changed |= self.region(r)
            if op.code == "for" and (trips := trips_of(op)) is not None:
                changed |= self.ahead(region, op, trips) | self.behind(region, op, trips)
        return changed

    # ---- ahead ------------------------------------------------------------------------------------------

    def ahead(self, region: Region, loop: Op, trips: Trips) -> bool:
        """Arithmetic on parts of what a loop only reads, before it."""
        body = LoopView(loop).body
        inside = set(made_in(body))
        found: dict[Val, tuple[int, frozenset[Place]]] = {}  # the axis of the trips, and what it is made of
        for op in body.ops:
            if op.code != "prim" or op.attrs.get("guarded") or any(op.attrs.get("names") or ()):
                continue
            if op.fn is operator.getitem:
                place = self.place(op.ins[0], op.ins[1], op.out.kind, trips, inside)
                if place is not None:
                    found[op.out] = place.axis, frozenset((place,))
            elif op.fn in ARITHMETIC and not op.attrs.get("aug"):
                made_of = self.together(op, found, inside, trips)
                if made_of is not None:
                    found[op.out] = made_of
        made = {v for v in found if v.op is not None and v.op.fn is not operator.getitem}
        if not made:
            return False
        wanted = {v for v in vals(body.results) if v in made}
        for op in body.ops:
            if not made.intersection(op.outs):
                wanted.update(made.intersection(operands(op)))
        new: list[Op] = []
        table: dict[Val, Val] = {}
        ahead = {
            v: self.whole(v, found, new, table, trips) for op in body.ops for v in op.outs if v in wanted
        }
        for v, whole in ahead.items():
            old = v.op
            assert old is not None
            at = trips.number(body, body.ops.index(old))
            ins: list[Atom] = [whole, place_at(at, found[v][0])]
            row = Val(v.name, v.kind, None, v.user)
            row.op = Op("prim", ins, [row], [], {"fn": operator.getitem, "view": True}, old.origin)
            body.ops[body.ops.index(old)] = row.op
            replace_uses(body, v, row)
        n = region.ops.index(loop)
        region.ops[n:n] = new
        return True

    def together(
        self, op: Op, found: dict[Val, tuple[int, frozenset[Place]]], inside: Set[Val], trips: Trips
    ) -> tuple[int, frozenset[Place]] | None:
        """What arithmetic in a trip is made of, if it can be done on all parts, and takes no more memory."""
        k = op.out.kind
        if not isinstance(k, Array) or not k.dims:
            return None
        given = [found[a] for a in op.ins if isinstance(a, Val) and a in found]
        places = frozenset(p for _, made_of in given for p in made_of)
        axes = {axis for axis, _ in given}
        if len(axes) != 1 or not all(p.small for p in places):
            return None
        if not all(p.sure for p in places) and not trips.raises(places):
            return None
        (axis,) = axes
        full = False
        for a in op.ins:
            of = kind(a)
            if isinstance(a, Val) and a in found:
                if not isinstance(of, Array) or len(of.dims) != len(k.dims):
                    return None
                full |= of.dims == k.dims
            elif not inside.isdisjoint(vals([a])) or not (is_number(of) or (axis == 0 and is_row(of, k))):
                return None
        return (axis, places) if full else None

    def whole(
        self,
        v: Val,
        found: dict[Val, tuple[int, frozenset[Place]]],
        new: list[Op],
        table: dict[Val, Val],
        trips: Trips,
    ) -> Val:
        """What a value is in all trips."""
        if v not in table:
            axis, places = found[v]
            op = v.op
            assert op is not None and isinstance(v.kind, Array)
            k = Array(v.kind.dtype, (*v.kind.dims[:axis], trips.dim, *v.kind.dims[axis:]))
            ins = op.ins
            if op.fn is operator.getitem:
                (place,) = places
                ins = [place.array, trips.everywhere(place, new)]
            else:
                ins = [self.whole(a, found, new, table, trips) if a in found else a for a in ins]  # type: ignore
            out = Val(f"{v.name}_rows" if v.name.strip("_") else "rows", k)
            out.op = Op("prim", ins, [out], [], {**op.attrs}, op.origin)
            new.append(out.op)
            table[v] = out
        return table[v]

    # ---- behind -----------------------------------------------------------------------------------------

    def behind(self, region: Region, loop: Op, trips: Trips) -> bool:
        """What the trips add to parts of a cotangent, when the loop is over."""
        changed = False
        for slot in range(LoopView(loop).carried):
            self.uses = uses_of(self.graph.region)
            changed |= self.added(region, loop, slot, trips)
        return changed

    def added(self, region: Region, loop: Op, slot: int, trips: Trips) -> bool:
        view = LoopView(loop)
        inside = set(made_in(view.body))
        here = set(view.body.ops)
        links = self.links(view.yields[slot], view.params[slot], here)
        groups: dict[Any, list[tuple[Op, Place, list[Op]]]] = {}
        for link in links or ():
            into, index, g = link.ins
            if not isinstance(g, Val) or not isinstance(g.kind, Array) or g.op not in here:
                continue
            place = self.place(into, index, g.kind, trips, inside | {view.params[slot]} - {into}, into)
            if place is None or not place.small:
                continue
            root, moved = self.root(g, inside, here)
            where = None if place.sure else place.key[1:]  # (where all are as many as there are trips)
            groups.setdefault((root, place.axis, where), []).append((link, place, moved))
        groups = {k: g for k, g in groups.items() if len(g) > 1 or any(map(costs, g[0][2]))}
        for (root, axis, _), group in groups.items():
            self.put_behind(region, loop, slot, trips, root, axis, group)
        return bool(groups)

    def links(self, a: Atom, start: Val, here: Set[Op]) -> list[Op] | None:
        """What is added to parts of an array that nobody looks at, first to last."""
        out: list[Op] = []
        if self.uses[start] != 1:
            return None
        while a is not start:
            op = a.op if isinstance(a, Val) and self.uses[a] == 1 else None
            if op is None or op not in here or op.fn is not ops.additem or op.attrs.get("guarded"):
                return None
            if op.origin is None or not op.origin.adjoint:
                return None
            out.append(op)
            a = op.ins[0]
        return out[::-1]

    def root(self, g: Val, inside: Set[Val], here: Set[Op]) -> tuple[Val, list[Op]]:
        """What a value is a multiple of, and the arithmetic between, last to first."""
        moved: list[Op] = []
        while True:
            op = g.op
            varying = [a for a in op.ins if isinstance(a, Val) and a in inside] if op is not None else []
            rest = [a for a in op.ins if a not in varying] if op is not None else []
            plain = op is not None and op in here and op.code == "prim" and op.fn in ARITHMETIC
            if op is None or not plain or self.uses[g] != 1 or len(varying) != 1 or not adjoint(op):
                return g, moved
            if not all(is_number(kind(a)) for a in rest) or len(varying) + len(rest) != len(op.ins):
                return g, moved
            if varying[0].kind != g.kind or varying[0].op not in here:
                return g, moved
            if any(op.attrs.get("names") or ()) or op.attrs.get("guarded"):
                return g, moved
            if not all(not_one(d) for d in g.kind.dims):  # type: ignore[union-attr]
                return g, moved
            moved.append(op)
            g = varying[0]

    def put_behind(
        self,
        region: Region,
        loop: Op,
        slot: int,
        trips: Trips,
        root: Val,
        axis: int,
        group: list[tuple[Op, Place, list[Op]]],
    ) -> None:
        view = LoopView(loop)
        first, place, _ = group[0]
        assert isinstance(root.kind, Array)
        k = Array(root.kind.dtype, (*root.kind.dims[:axis], trips.dim, *root.kind.dims[axis:]))
        new: list[Op] = []
        like = made(
            new, first, operator.getitem, [view.inits[slot], trips.everywhere(place, new)], k, view=True
        )
        zeros = made(new, first, self.words.blanks[0], [like], k)
        n = region.ops.index(loop)
        region.ops[n:n] = new
        # a trip puts its part away
        body = view.body
        name = f"{root.name}_rows" if root.name.strip("_") else "rows"
        rows, written, final = Val(name, k), Val(name, k), Val(name, k, loop)
        at = trips.number(body, body.ops.index(root.op) + 1)  # type: ignore[arg-type]
        index = place_at(at, axis)
        written.op = Op("prim", [rows, index, root], [written], [], {"fn": ops.setitem}, first.origin)
        body.ops.insert(max(body.ops.index(o) for o in body.ops if {root, at} & {*o.outs}) + 1, written.op)
        for link, *_ in group:
            before = link.ins[0]
            assert isinstance(before, Val)
            replace_uses(body, link.out, before)
        c = view.carried
        loop.ins.insert(view.head + c, zeros)
        body.params.insert(1 + c, rows)
        body.results.insert(c, written)
        loop.outs.insert(c, final)
        loop.attrs["carried"] = c + 1
        # and behind the loop all are added
        total = view.finals[slot]
        out = Val(total.name, total.kind, None, total.user)
        replace_uses(region, total, out)
        after: list[Op] = []
        value: Val = total
        bare = view.yields[slot] is view.params[slot] and is_zeros(view.inits[slot])
        for link, place, moved in group:
            g = final
            varying = {root, *(op.out for op in moved)}
            for op in reversed(moved):
                g = made(after, op, op.fn, [g if a in varying else a for a in op.ins], k)
            fn, bare = ops.setitem if bare else ops.additem, False
            value = made(after, link, fn, [value, trips.everywhere(place, after), g], total.kind)
        after[-1].outs, out.op = [out], after[-1]
        n = region.ops.index(loop) + 1
        region.ops[n:n] = after

    # ---- both -------------------------------------------------------------------------------------------

    def place(
        self, x: Atom, index: Atom, k: Kind, trips: Trips, inside: Set[Val], carried: Atom = NOTHING
    ) -> Place | None:
        """The part of an array that an index with the number of the trip in it names."""
        if not isinstance(x, Val) or (x in inside and x is not carried) or not isinstance(x.kind, Array):
            return None
        if not isinstance(k, Array) or not k.dims or len(parts(index)) > len(x.kind.dims):
            return None
        at, axis, shift = -1, 0, 0
        for n, p in enumerate(parts(index)):
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
        slices = sum(isinstance(p, Slice) for p in parts(index))
        if len(k.dims) != slices + len(x.kind.dims) - len(parts(index)):
            return None
        row, size = elements_of(k, self.seen), elements_of(x.kind, self.seen)
        many = elements_of(Array("f8", x.kind.dims[at : at + 1]), self.seen) >= FEW
        sure, small = (
            trips.inside(x.kind.dims[at], shift),
            many and 0 < row <= (COLUMN if axis else ROW) and 0 < size <= ALL,
        )
        return Place(x, tuple(parts(index)), at, shift, axis, sure, small)


def costs(op: Op) -> bool:
    return op.fn is not operator.neg


def reaches(p: Atom, index: Val) -> bool:
    """Whether a part of an index is made of the index of a loop by sums."""
    f = form(p) if isinstance(p, Val) else None
    return f is not None and index in f


def adjoint(op: Op) -> bool:
    return op.origin is not None and op.origin.adjoint


def operands(op: Op) -> set[Val]:
    """What an operation reads, in its regions too."""
    out = set(vals(op.ins))
    for r in op.regions:
        out.update(vals(r.results))
        for o in r.ops:
            out |= operands(o)
    return out


def is_row(of: Kind, k: Array) -> bool:
    """Whether an array goes along with what has the trips first, and a part of kind ``k`` behind that."""
    return isinstance(of, Array) and len(of.dims) <= len(k.dims)


def is_number(k: Kind) -> bool:
    return isinstance(k, Scalar) and k.dtype[0] in "fi"


def is_plain(p: Atom) -> bool:
    """Whether a part of an index is a whole number or a slice."""
    if isinstance(p, Slice):
        return isinstance(p.step, Const)
    k = kind(p)
    return isinstance(k, Scalar) and k.dtype[0] in "iu"


def place_at(at: Atom, axis: int) -> Atom:
    """The index of a place along an axis."""
    if not axis:
        return at
    items = (*[Slice(NOTHING, NOTHING, NOTHING)] * axis, at)
    return Struct(tuple, tuple(range(len(items))), items)


def made(new: list[Op], like: Op, fn: Any, ins: list[Atom], k: Kind, **attrs: Any) -> Val:
    v = Val("", k)
    v.op = Op("prim", ins, [v], [], {"fn": fn, **attrs}, like.origin)
    new.append(v.op)
    return v


@dataclass(frozen=True)
class Trips:
    """The numbers that the index of a loop is, one after the other or the other way round."""

    index: Val
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
    if view.head != 3 or loop.attrs["exits"]:
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
        return Trips(view.index, low, last, more, last.value + more, last.value + more - low)
    k = kind(last)
    if not isinstance(k, Scalar) or k.dtype[0] not in "iu":
        return None
    end = k.value
    if isinstance(end, int):
        end = end + more
    elif isinstance(end, Sym):
        end = Sym(end.id, end.offset + more)
    return Trips(view.index, low, last, more, end, fresh_sym())
