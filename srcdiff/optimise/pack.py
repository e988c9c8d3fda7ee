"""What a trip of a loop saves in many places goes on one tape, as a tuple: one list to fill and to empty.

The last pass before the text: tapes that are filled by one loop and read by one other, through the same
loops and branches on the way, are one tape of tuples.  Few of them stay apart, each with a name of its own.
Where all are numbers that may as well be Python's, the text may put them away as bytes (`info["bytes"]`): a
float in a tuple takes four times the memory of its digits.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, field

from srcdiff.ir.graph import (
    UNDEF,
    Atom,
    Const,
    Graph,
    LoopView,
    Op,
    Region,
    Undef,
    Val,
    kind,
    vals,
    walk,
)
from srcdiff.ir.indices import display
from srcdiff.ir.kinds import Kind, Scalar, Seq, Tree
from srcdiff.ir.unset import may_be_unset

__all__ = ["pack"]

MOST_APART = 4

Use = tuple[Region, Op | None, int]  # where a value is used: an operand, or (no operation) a result


@dataclass(slots=True)
class Way:
    """How a tape goes from the loop that fills it to what reads its elements."""

    steps: list[tuple[str, Op, int]] = field(default_factory=list)  # what happens, where; in which branch
    places: list[int] = field(default_factory=list)  # of each step: the result, or source
    element: Val | None = None

    @property
    def key(self) -> tuple[tuple[str, int, int], ...]:
        return tuple((what, id(op), which) for what, op, which in self.steps)


def pack(graph: Graph) -> Graph:
    """Pack, in place."""
    packer = Packer(graph.info.get("pythons", frozenset()))
    if any(op.is_loop and len(LoopView(op).tapes) > MOST_APART for op in walk(graph.region)):
        packer.scan(graph.region, None)
        packer.region(graph.region)
    graph.info["bytes"] = packer.bytes
    return graph


class Packer:
    def __init__(self, pythons: frozenset[Val]) -> None:
        self.pythons = pythons
        self.bytes: dict[Val, Val] = {}  # a tape of tuples of numbers -> its element, where it is read
        self.uses: dict[Val, list[Use | None]] = {}  # None: as a part of something
        self.owner: dict[Region, Op | None] = {}

    def scan(self, region: Region, owner: Op | None) -> None:
        self.owner[region] = owner
        for op in region.ops:
            self.note(region, op, op.ins)
            for r in op.regions:
                self.scan(r, op)
        self.note(region, None, region.results)

    def note(self, region: Region, op: Op | None, atoms: Sequence[Atom]) -> None:
        for k, a in enumerate(atoms):
            if isinstance(a, Val):
                self.uses.setdefault(a, []).append((region, op, k))
            else:
                for v in vals([a]):
                    self.uses.setdefault(v, []).append(None)

    def region(self, region: Region) -> None:
        for op in list(region.ops):
            for r in op.regions:
                self.region(r)
            while op.is_loop and self.joined(op):
                pass

    def joined(self, op: Op) -> bool:
        """Make one tape of those of a loop that go one way, if there are such."""
        view = LoopView(op)
        groups: dict[object, list[tuple[Val, Way]]] = {}
        for t in view.tapes:
            way = self.way(t)
            if way is not None:
                groups.setdefault(way.key, []).append((t, way))
        for members in groups.values():
            if len(members) <= MOST_APART:
                continue
            early = [m for m in members if self.given(view, m[0])]  # put away as a trip begins
            for part in (early, [m for m in members if m not in early]):
                if len(part) > 1:
                    self.join(op, sorted(part, key=lambda m: self.since(view, m[0])))
                    return True
        return False

    def since(self, view: LoopView, tape: Val) -> float:
        """Where in a trip that is made which is put on a tape."""
        c = view.put_on(tape)
        params = view.body.params
        if not isinstance(c, Val) or c in params:
            return params.index(c) - len(params) if isinstance(c, Val) else -len(params)
        at = [k + o.outs.index(c) / len(o.outs) for k, o in enumerate(view.body.ops) if c in o.outs]
        return at[0] if at else -len(params)

    def given(self, view: LoopView, tape: Val) -> bool:
        """Whether what is put on a tape is there when a trip begins."""
        c = view.put_on(tape)
        body = view.body
        return all(v in body.params or v.op is None or not within(v.op, body) for v in vals([c]))

    def way(self, tape: Val) -> Way | None:
        """How a tape is read, if it is read in one place only; None if it is not."""
        out = Way()
        v, depth = tape, 1
        while depth:
            used = self.uses.get(v, [])
            if len(used) != 1 or used[0] is None:
                return None
            region, op, k = used[0]
            if op is not None:
                if op.code != "for" or k < op.attrs["head"] + op.attrs["carried"]:
                    return None
                view = LoopView(op)
                at = k - view.head - view.carried
                out.steps.append(("read", op, op.attrs["dirs"][at]))
                out.places.append(at)
                v, depth = view.elements[at], depth - 1
                continue
            owner = self.owner[region]
            if owner is None:
                return None
            if owner.code == "if":
                which = owner.regions.index(region)
                if not isinstance(owner.regions[1 - which].results[k], Undef):
                    return None
                out.steps.append(("if", owner, which))
                out.places.append(k)
                v = owner.outs[k]
            elif owner.is_loop and LoopView(owner).body is region:
                view = LoopView(owner)
                at = k - view.carried
                if not 0 <= at < len(view.collected):
                    return None
                out.steps.append(("tape", owner, 0))
                out.places.append(at)
                v, depth = view.tapes[at], depth + 1
            else:
                return None
        out.element = v
        return out if self.uses.get(v) else None  # one that is not read only says how long the loop is

    def join(self, loop: Op, members: list[tuple[Val, Way]]) -> None:
        """Make one tape of several."""
        view = LoopView(loop)
        ways = [w for _, w in members]
        elements = [w.element for w in ways if w.element is not None]
        at = [view.tapes.index(t) for t, _ in members]
        inner = tuple_of([kind(e) for e in elements])
        both = (*(view.collected[k] for k in at), *elements)
        plain = not loop.attrs["exits"] and all(map(self.is_plain, both))
        packed = display(view.collected[k] for k in at)
        remove(loop.regions[-1].results, loop.outs, [view.carried + k for k in at])
        v = filled = view.add_tape(packed, "saved", inner)
        for n, (what, op, which) in enumerate(ways[0].steps):
            places = [w.places[n] for w in ways]
            if what == "if":
                for k, r in enumerate(op.regions):
                    r.results = [a for j, a in enumerate(r.results) if j not in places]
                    r.results.append(v if k == which else UNDEF)
                op.outs = [o for j, o in enumerate(op.outs) if j not in places]
                v = Val("saved", v.kind, op)
                op.outs.append(v)
            elif what == "tape":
                outer = LoopView(op)
                remove(op.regions[-1].results, op.outs, [outer.carried + k for k in places])
                v = outer.add_tape(v, "saved", v.kind)
            else:
                reader = LoopView(op)
                lead, first = reader.head + reader.carried, reader.has_index + reader.carried
                dirs = op.attrs["dirs"]
                remove(op.ins, reader.body.params, [lead + k for k in places], first - lead)
                op.attrs["dirs"] = tuple(d for k, d in enumerate(dirs) if k not in places)
                assert isinstance(v.kind, Seq)
                e = Val("saved", v.kind.elem, op)
                reader.add_source(v, which, e)
                v = e
                if n == len(ways[0].steps) - 1:
                    self.take_apart(reader.body, e, elements)
                    if plain:
                        self.bytes[filled] = e
        self.uses.clear()
        self.scan(self.top(), None)

    def is_plain(self, a: Atom) -> bool:
        """Whether a value is a double that may as well be Python's, and is there on every path."""
        k = kind(a)
        return a in self.pythons and isinstance(k, Scalar) and k.dtype == "f8" and not may_be_unset(a)

    def top(self) -> Region:
        return next(r for r, owner in self.owner.items() if owner is None)

    def take_apart(self, body: Region, packed: Val, elements: list[Val]) -> None:
        made = []
        for k, e in enumerate(elements):
            e.op = Op("prim", [packed, Const(k)], [e], [], {"fn": operator.getitem})
            made.append(e.op)
        body.ops[:0] = made


def within(op: Op, region: Region) -> bool:
    return any(o is op or any(within(op, r) for r in o.regions) for o in region.ops)


def tuple_of(kinds: list[Kind]) -> Tree:
    return Tree(tuple, tuple(range(len(kinds))), tuple(kinds))


def remove(first: list[Atom], second: list[Val], places: list[int], shift: int = 0) -> None:
    """Take some places out of two lists that go together."""
    for k in sorted(places, reverse=True):
        del first[k], second[k + shift]
