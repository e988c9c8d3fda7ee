"""What the trips of a loop do to parts of arrays, each to its own, is done to all parts at once.

Two things wait for no other trip.  *Ahead*: arithmetic on parts of arrays that the loop only reads (`c * u[j]
+ d * u[j, 1:]`) is done before the loop, on `u[1:n]`, and a trip takes its row of that.  *Behind*: multiples
of one array that the trips add to parts of a cotangent (`v_bar[j] += g * c`, `v_bar[j, 1:] -= g * d`) are
added when the loop is over; a trip puts `g` away, as a row (Allen and Kennedy, *Optimizing Compilers for
Modern Architectures*, chapter 2: distribution of loops).  A loop over short rows takes its time by the number
of operations, not of elements; so rows are short, by the sizes of the call that the text is made for.
What lies in an array that other trips leave alone is not put away (`left_there.py`).

Arithmetic on all parts gives what it gives on each (functions of elements do up to the last digit: those of
derivatives alone are taken along).  Sums of cotangents come out in another order.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Set
from typing import Any

from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Graph, LoopView, Op, Region, Slice, Struct, Val, kind, op_of, uses_of, vals
from srcdiff.ir.kinds import Array, Kind, Scalar
from srcdiff.ir.regions import made_in, replace_values
from srcdiff.optimise.by_trip import NOTHING, Place, Trips, made, place_of, trips_of
from srcdiff.optimise.dce import dce
from srcdiff.optimise.left_there import Left, left_there, unseen
from srcdiff.optimise.patterns import is_zeros, not_one
from srcdiff.optimise.words import Words

__all__ = ["done_at_once"]

ARITHMETIC = (operator.add, operator.sub, operator.mul, operator.truediv, operator.neg)


def done_at_once(graph: Graph, words: Words) -> Graph:
    """Take out of loops what is done to parts of arrays, in a graph that did not go through `own`."""
    return dce(graph) if AtOnce(graph, words).region(graph.region) else graph


class AtOnce:
    """One walk, from the inside out."""

    def __init__(self, graph: Graph, words: Words) -> None:
        self.words, self.seen = words, graph.info.get("seen", {})
        self.counted: Counter[Val] | None = None
        self.graph = graph
        self.left: dict[Val, Left | None] = {}  # what trips read of arrays, and leave there

    @property
    def uses(self) -> Counter[Val]:
        """How often values are used: counted again after a change."""
        if self.counted is None:
            self.counted = uses_of(self.graph.region)
        return self.counted

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
            if op.code != "prim" or op.attrs.get("guarded") or op.by_name:
                continue
            if op.fn is operator.getitem:
                place = place_of(op.ins[0], op.ins[1], op.out.kind, trips, inside, self.seen)
                if place is not None:
                    found[op.out] = place.axis, frozenset((place,))
            elif self.is_each(op) and not op.attrs.get("aug"):
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
            row = v.again()
            row.op = Op("prim", ins, [row], [], {"fn": operator.getitem, "view": True}, old.origin)
            body.ops[body.ops.index(old)] = row.op
            replace_values(body, {v: row})
        n = region.ops.index(loop)
        region.ops[n:n] = new
        self.counted = None
        return True

    def is_each(self, op: Op) -> bool:
        """Whether an operation gives for all parts what it gives for each; in derivatives, nearly."""
        return op.fn in ARITHMETIC or (adjoint(op) and self.words.by_elements(op.fn))

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
            out = Val(rows_name(v), k)
            out.op = Op("prim", ins, [out], [], {**op.attrs}, op.origin)
            new.append(out.op)
            table[v] = out
        return table[v]

    # ---- behind -----------------------------------------------------------------------------------------

    def behind(self, region: Region, loop: Op, trips: Trips) -> bool:
        """What the trips add to parts of a cotangent, when the loop is over."""
        changed = False
        for slot in range(LoopView(loop).carried):
            changed |= self.added(region, loop, slot, trips)
        return changed

    def added(self, region: Region, loop: Op, slot: int, trips: Trips) -> bool:
        view = LoopView(loop)
        here = set(view.body.ops)
        links = self.links(view.yields[slot], view.params[slot], here)
        if not links:
            return False
        inside = set(made_in(view.body))
        groups: dict[Any, list[tuple[Op, Place, list[Op]]]] = {}
        for link in links:
            into, index, g = link.ins
            if not isinstance(g, Val) or not isinstance(g.kind, Array) or g.op not in here:
                continue
            place = place_of(into, index, g.kind, trips, inside - {into}, self.seen)
            if place is None or not place.small:
                continue
            root, moved = self.root(g, inside, here)
            where = None if place.sure else place.key[1:]  # (where all are as many as there are trips)
            groups.setdefault((root, place.axis, where), []).append((link, place, moved))
        groups = {k: g for k, g in groups.items() if len(g) > 1 or any(map(costs, g[0][2]))}
        for (root, axis, _), group in groups.items():
            self.put_behind(region, loop, slot, trips, root, axis, group)
            self.counted = None
        return bool(groups)

    def links(self, a: Atom, start: Val, here: Set[Op]) -> list[Op] | None:
        """What is added to parts of an array that nobody looks at, first to last."""
        out: list[Op] = []
        last = op_of(a)
        if last is None or last.fn is not ops.additem or self.uses[start] != 1:
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
            if op.by_name or op.attrs.get("guarded"):
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
        assert isinstance(root.kind, Array)
        k = Array(root.kind.dtype, (*root.kind.dims[:axis], trips.dim, *root.kind.dims[axis:]))
        if root not in self.left:
            self.left[root] = left_there(loop, root, trips, set(made_in(view.body)), self.uses, self.seen)
        left = self.left[root]
        for link, *_ in group:
            before = link.ins[0]
            assert isinstance(before, Val)
            replace_values(view.body, {link.out: before})
        after: list[Op] = []
        if left is None or left.place.axis != axis:
            final = self.put_away(region, loop, slot, trips, root, axis, group[0], k)
        else:
            where = trips.everywhere(left.place, after)
            total = self.left_lying(region, loop, left, where)
            final = made(after, left.zero, operator.getitem, [total, where], k, view=True)
            final.name = rows_name(root)
        self.add_behind(region, loop, slot, trips, root, group, final, after)

    def left_lying(self, region: Region, loop: Op, left: Left, where: Atom) -> Val:
        """The array that trips leave parts in, which are set to zero then, if anyone sees them."""
        view, zero = LoopView(loop), left.zero
        total = view.finals[left.slot]
        if zero not in view.body.ops:
            return total  # (for the second time)
        replace_values(view.body, {zero.out: zero.ins[0]})
        view.body.ops.remove(zero)
        if not unseen(total, where, region, uses_of(self.graph.region)):
            out = Val(total.name, total.kind, None, total.user)
            replace_values(region, {total: out})
            out.op = Op("prim", [total, where, *zero.ins[2:]], [out], [], {**zero.attrs}, zero.origin)
            region.ops.insert(region.ops.index(loop) + 1, out.op)
        return total

    def put_away(
        self,
        region: Region,
        loop: Op,
        slot: int,
        trips: Trips,
        root: Val,
        axis: int,
        one: tuple[Op, Place, list[Op]],
        k: Array,
    ) -> Val:
        """What a value is in each trip, in an array."""
        view = LoopView(loop)
        first, place, _ = one
        new: list[Op] = []
        like = made(
            new, first, operator.getitem, [view.inits[slot], trips.everywhere(place, new)], k, view=True
        )
        zeros = made(new, first, self.words.blanks[0], [like], k)
        n = region.ops.index(loop)
        region.ops[n:n] = new
        # a trip puts its part away
        body = view.body
        name = rows_name(root)
        rows, written, final = Val(name, k), Val(name, k), Val(name, k, loop)
        at = trips.number(body, body.ops.index(root.op) + 1)  # type: ignore[arg-type]
        index = place_at(at, axis)
        written.op = Op("prim", [rows, index, root], [written], [], {"fn": ops.setitem}, first.origin)
        body.ops.insert(max(body.ops.index(o) for o in body.ops if {root, at} & {*o.outs}) + 1, written.op)
        c = view.carried
        loop.ins.insert(view.head + c, zeros)
        body.params.insert(1 + c, rows)
        body.results.insert(c, written)
        loop.outs.insert(c, final)
        loop.attrs["carried"] = c + 1
        return final

    def add_behind(
        self,
        region: Region,
        loop: Op,
        slot: int,
        trips: Trips,
        root: Val,
        group: list[tuple[Op, Place, list[Op]]],
        final: Val,
        after: list[Op],
    ) -> None:
        """Add all, behind the loop."""
        view = LoopView(loop)
        k = final.kind
        total = view.finals[slot]
        out = total.again()
        replace_values(region, {total: out})
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


def rows_name(v: Val) -> str:
    return f"{v.name}_rows" if v.name.strip("_") else "rows"


def costs(op: Op) -> bool:
    return op.fn is not operator.neg


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


def place_at(at: Atom, axis: int) -> Atom:
    """The index of a place along an axis."""
    if not axis:
        return at
    items = (*[Slice(NOTHING, NOTHING, NOTHING)] * axis, at)
    return Struct(tuple, tuple(range(len(items))), items)
