"""Which lists of numbers, and tables of these, keep their length: they can be arrays (``tables.py``).

Lists of which each may be any other are one family; what is not known to keep a family's length, or does
with a list what is not done with an array, makes lists of all of it.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import Any

from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Atom,
    Const,
    Graph,
    LoopView,
    Op,
    Region,
    Slice,
    Struct,
    Val,
    flat,
    key_of,
    kind,
    op_of,
    same,
    uses_of,
    vals,
    walk,
)  # fmt: skip
from srcdiff.ir.kinds import Array, Dim, Kind, Scalar, Seq, Tree, fresh_sym
from srcdiff.optimise.words import Words

__all__ = ["Growth", "Lengths", "depth", "is_place", "is_single"]

SIZES = (operator.add, operator.sub, operator.mul, operator.floordiv, len, ops.shape_at, max, min)


def is_single(k: Kind) -> bool:
    """Whether numbers of a kind are in single precision: beside these Python's own are, too."""
    return isinstance(k, (Array, Scalar)) and k.dtype == "f4"


def depth(k: Kind) -> int:
    """1 of a list of numbers, 2 of a list of such lists, else 0."""
    if isinstance(k, Tree):
        return int(k.type is list and bool(k.items) and all(is_number(x) for x in k.items))
    if type(k) is not Seq or k.frozen:
        return 0
    if is_number(k.elem):
        return 1
    return 2 if depth(k.elem) == 1 else 0


def is_number(k: Kind) -> bool:
    return isinstance(k, Scalar) and k.dtype == "f8"


def is_place(a: Atom) -> bool:
    k = kind(a)
    return isinstance(k, Scalar) and k.dtype == "i8"


@dataclass(eq=False, slots=True)
class Family:
    """Lists of which each may be any other: they are arrays of one size, or all of them stay lists."""

    depth: int
    stays: bool = False
    repeats: bool = False  # whether one is made as ``[c] * n``
    sizes: dict[Any, Dim] = field(default_factory=dict)  # the lengths that they are made with
    row: Family | None = None
    into: Family | None = None  # what this one has become part of

    def top(self) -> Family:
        return self if self.into is None else self.into.top()

    def join(self, other: Family) -> None:
        a, b = self.top(), other.top()
        if a is b:
            return
        b.into = a
        a.stays = a.stays or b.stays or a.depth != b.depth
        a.repeats = a.repeats or b.repeats
        a.sizes.update(b.sizes)
        if a.row is not None and b.row is not None:
            a.row.join(b.row)
        a.row = a.row or b.row

    def rows(self) -> Family:
        top = self.top()
        if top.row is None:
            top.row = Family(top.depth - 1)
        return top.row.top()


@dataclass(eq=False, slots=True)
class Growth:
    """A loop that makes a list, an element a trip."""

    op: Op
    slot: int
    append: Op
    trips: Atom


class Lengths:
    """The lists of a graph: which may be arrays, and how long they are."""

    def __init__(self, graph: Graph, words: Words) -> None:
        self.graph, self.words = graph, words
        self.uses = uses_of(graph.region)
        self.outer = set(graph.region.params) | {v for op in graph.region.ops for v in op.outs}
        self.family: dict[Val, Family] = {}
        self.shown: dict[Struct, tuple[Family, int]] = {}
        self.parts: list[tuple[Family, Family]] = []
        self.grown: dict[Op, Growth] = {}  # by what appends
        self.symbols: dict[Any, Dim] = {}
        for p in graph.region.params:
            self.keep(p)
        for op in reversed(list(walk(graph.region))):  # inner loops first
            if op.code == "for":
                for k in range(op.attrs["carried"]):
                    self.find_growth(op, LoopView(op), k)
        self.region(graph.region)
        for a in graph.region.results:
            self.keep(a)

    # ---- which lists may be arrays
    def of(self, v: Val) -> Family | None:
        if v in self.family:
            return self.family[v].top()
        n = depth(v.kind)
        if not n:
            return None
        self.family[v] = Family(n)
        return self.family[v]

    def keep(self, a: Atom | None) -> None:
        """What is in here stays a list."""
        for v in vals([a]):
            family = self.of(v)
            if family is not None:
                family.stays = True

    def joined(self, family: Family, a: Atom) -> None:
        """Whatever an atom is, it is one of a family."""
        if isinstance(a, Val):
            other = self.of(a)
            if other is None:
                family.top().stays = True
            else:
                family.join(other)
            return
        if not (isinstance(a, Struct) and self.is_display(a, family.top().depth)):
            self.keep(a)
            family.top().stays = True
            return
        family.top().sizes[len(a.items)] = len(a.items)
        if family.top().depth == 2:
            for x in a.items:
                self.joined(family.rows(), x)

    def is_display(self, a: Struct, n: int) -> bool:
        if a.type is not list or not a.items:
            return False
        if n == 1:
            return all(is_number(kind(x)) for x in a.items)
        return all(isinstance(x, Struct) and self.is_display(x, 1) for x in a.items)

    def region(self, region: Region) -> None:
        for op in region.ops:
            for r in op.regions:
                self.region(r)
            if op.code == "prim":
                self.prim(op)
            elif op.is_loop:
                self.loop(op)
            elif op.code == "if":
                for n, o in enumerate(op.outs):
                    family = self.of(o)
                    for r in op.regions:
                        if family is not None:
                            self.joined(family, r.results[n])
                        else:
                            self.keep(r.results[n])
            else:
                for a in (*op.ins, *op.outs, *(x for r in op.regions for x in (*r.results, *r.params))):
                    self.keep(a)

    def prim(self, op: Op) -> None:
        x = op.ins[0] if op.ins else None
        family = self.of(x) if isinstance(x, Val) else None
        own = self.of(op.out)
        if op.fn is operator.mul and own is not None and self.repeats(op, own):
            return
        if op.fn is list and own is not None and len(op.ins) == 1 and isinstance(x, Struct):
            self.joined(own, Struct(list, x.keys, x.items) if x.type is tuple else x)
            return
        if family is None or op.attrs.get("guarded"):
            for a in (*op.ins, op.out):
                self.keep(a)
            return
        if op.fn is operator.getitem and isinstance(op.ins[1], Slice) and own is not None:
            self.part(op, family, own)
            return
        if op.fn is operator.getitem and is_place(op.ins[1]):
            if own is not None and family.depth == 2:
                family.rows().join(own)
            elif not is_number(op.out.kind):
                family.stays = True
                self.keep(op.out)
            return
        if op.fn is ops.setitem and own is not None and is_place(op.ins[1]):
            family.join(own)
            if family.top().depth == 2:
                self.joined(family.rows(), op.ins[2])
            elif not isinstance(kind(op.ins[2]), Scalar):
                family.top().stays = True
            return
        if op.fn in (ops.copied, list) and len(op.ins) == 1 and own is not None:
            family.join(own)
            return
        if op.fn is len or (
            op.fn is self.words.array and len(op.ins) == 1 and isinstance(op.out.kind, Array)
        ):
            return
        if op in self.grown:
            return
        for a in (*op.ins, op.out):
            self.keep(a)

    def part(self, op: Op, family: Family, own: Family) -> None:
        """What a slice takes: of another length, an array if what it is taken of is one."""
        index, sizes = op.ins[1], list(family.sizes.values())
        assert isinstance(index, Slice)
        limits: list[Any] = [a.value if isinstance(a, Const) else a for a in flat((index,))]
        n: Dim = fresh_sym()
        if all(a is None for a in limits):
            family.join(own)
            return
        if len(sizes) == 1 and isinstance(sizes[0], int) and all(a is None or type(a) is int for a in limits):
            n = len(range(sizes[0])[slice(*limits)])
        own.sizes["part", op.out.id] = n
        self.parts.append((family, own))
        if family.depth == own.depth == 2:
            family.rows().join(own.rows())

    def repeats(self, op: Op, own: Family) -> bool:
        """``[c] * n``."""
        a, n = op.ins if isinstance(op.ins[0], Struct) else op.ins[::-1]
        size = self.size(n) if is_place(n) else None
        if own.depth != 1 or size is None or not isinstance(a, Struct):
            return False
        if a.type is not list or len(a.items) != 1 or not is_number(kind(a.items[0])):
            return False
        own.repeats = True
        own.sizes[size] = self.symbol(n, size)
        return True

    def size(self, a: Atom) -> Any:
        """What a length is known by, if it is the same wherever it is computed; else None."""
        if isinstance(a, Const):
            return a.value if type(a.value) is int and a.value >= 0 else None
        if not isinstance(a, Val):
            return None
        if a in self.outer:
            k = a.kind
            known = k.value if isinstance(k, Scalar) else None
            return known if known is not None else ("value", a.id)
        op = a.op
        if op is None or op.code != "prim" or op.fn not in SIZES or op.attrs.get("guarded"):
            return None
        if op.fn in (len, ops.shape_at):
            ok = op.ins[0] in self.outer and isinstance(kind(op.ins[0]), (Array, Seq))
            k = a.kind
            known = k.value if ok and isinstance(k, Scalar) else None
            return known if known is not None else (op.fn, *map(key_of, op.ins)) if ok else None
        parts = [self.size(x) for x in op.ins]
        if None in parts:
            return None
        k = a.kind
        known = k.value if isinstance(k, Scalar) else None
        return known if known is not None else (op.fn, *parts)

    def symbol(self, a: Atom, size: Any) -> Dim:
        if not isinstance(size, tuple):
            return size  # type: ignore[no-any-return]
        return self.symbols.setdefault(size, fresh_sym())

    def loop(self, op: Op) -> None:
        view = LoopView(op)
        for k, (p, i, y, f) in enumerate(view.slots):
            family = self.of(p)
            also = [op.regions[0].params[k]] if op.code == "while" else []
            if family is None:
                for a in (i, y, f, *also):
                    self.keep(a)
                continue
            for a in (f, *also):
                self.joined(family, a)
            self.joined(family, y)
            growth = self.growth(op, y)
            if growth is None:
                self.joined(family, i)
                continue
            size = self.size(growth.trips)
            family.top().sizes[size] = self.symbol(growth.trips, size)
            family.top().repeats = family.top().repeats or family.top().depth == 2
            value = growth.append.ins[1]
            if family.top().depth == 2:
                self.joined(family.rows(), value)
        for e, s in view.taken:
            family = self.of(s) if isinstance(s, Val) else None
            own = self.of(e)
            if family is None:
                self.keep(s)
                self.keep(e)
            elif own is not None and family.depth == 2:
                family.rows().join(own)
            elif not is_number(e.kind):
                family.stays = True
                self.keep(e)
        for a in (*view.collected, *view.tapes):
            self.keep(a)
        if op.code == "while":
            for a in op.regions[0].results:
                self.keep(a)

    def growth(self, op: Op, y: Atom) -> Growth | None:
        """How a loop makes a list that a trip hands on, if it makes one."""
        growth = self.grown.get(y.op) if isinstance(y, Val) and y.op is not None else None
        return growth if growth is not None and growth.op is op else None

    def find_growth(self, op: Op, view: LoopView, k: int) -> None:
        """See whether a loop makes a list of an empty one: each trip appends to it, and that is all."""
        p, start, y = view.params[k], view.inits[k], view.yields[k]
        if not (isinstance(start, Struct) and start.type is list and not start.items):
            return
        if not isinstance(y, Val):
            return
        append, family = y.op, self.of(p)
        if op.attrs["exits"] or append is None or append not in view.body.ops:
            return
        if append.fn is not ops.append or append.ins[0] is not p or self.uses[y] != 1 or family is None:
            return
        lengths = [o for o in view.body.ops if o.fn is len and o.ins[0] is p and not self.uses[o.out]]
        if self.uses[p] != 1 + len(lengths):
            return
        value = append.ins[1]
        if not is_number(kind(value)) if family.top().depth == 1 else self.length_of(value) is None:
            return
        if view.head == 3:
            first, last, step = view.header
            trips = last
            if not same(step, Const(1)) or not (isinstance(first, Const) and first.value == 0):
                return
        elif view.head == 0 and len(view.sources) == 1 and isinstance(kind(view.sources[0]), (Array, Seq)):
            trips = self.length(view.sources[0])
        else:
            return
        if self.size(trips) is None:
            return
        self.grown[append] = Growth(op, k, append, trips)

    def length(self, source: Atom) -> Atom:
        k = kind(source)
        if not isinstance(k, Array):
            op = Op("prim", [source], [Val("n", Scalar("i8", True, fresh_sym()))], attrs={"fn": len})
            op.out.op = op
            return op.out
        n = k.dims[0]
        if isinstance(n, int):
            return Const(n)
        op = Op("prim", [source, Const(0)], [Val("n", Scalar("i8", True, n))], attrs={"fn": ops.shape_at})
        op.out.op = op
        return op.out

    def found(self) -> bool:
        """Settle which families become arrays; whether some do."""
        families = {f.top() for f in self.family.values()}
        changed = True
        while changed:
            changed = False
            for f in families:
                bad = f.stays or len(f.sizes) != 1
                row = f.row.top() if f.row is not None else None
                if row is not None:
                    bad = bad or row.stays or len(row.sizes) != 1
                    if bad and not row.stays:
                        row.stays = changed = True
                elif f.depth == 2:
                    bad = True
                if bad and not f.stays:
                    f.stays = changed = True
            for a, b in ((a.top(), b.top()) for a, b in self.parts):
                if a.stays != b.stays or (a is b and not a.stays):
                    a.stays = b.stays = changed = True
        within = {f.row.top() for f in families if f.row is not None}
        parts = {b.top() for _, b in self.parts}
        for f in families:
            if not f.repeats and f.depth == 1 and f not in within | parts:
                f.stays = True
        for _ in self.parts:  # (of a part there may be a part)
            for a, b in self.parts:
                b.top().stays = b.top().stays or a.top().stays
        return any(not f.stays for f in families)

    def length_of(self, a: Atom) -> Atom | None:
        """The length that a list is made with, if it has just been made."""
        if isinstance(a, Struct):
            return Const(len(a.items)) if self.is_display(a, 1) else None
        op = op_of(a)
        if op is None or (op.code == "prim" and op.fn is not operator.mul):
            return None
        if op.code == "prim":
            n = op.ins[1] if isinstance(op.ins[0], Struct) else op.ins[0]
            return n if self.size(n) is not None else None
        grown = (g for g in self.grown.values() if g.op is op and LoopView(op).finals[g.slot] is a)
        return next((g.trips for g in grown), None)
