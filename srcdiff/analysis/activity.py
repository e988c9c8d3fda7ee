"""Which values vary with the arguments that a derivative is taken in, and where the derivative is lost.

A derivative does not pass through text, nor through the keys of a dict.  What is read back from these would
count as constant without a word: such values vary, and ``lost`` says that nothing can be known of how.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

from srcdiff.ir import ops
from srcdiff.ir.graph import JOINS, Atom, Graph, LoopView, Op, Region, Val, kind, vals, walk
from srcdiff.ir.kinds import OTHER, STR, UNKNOWN, Array, Kind, Map, Maybe, Scalar, Seq, Tree, is_active_kind

__all__ = ["Activity", "varied", "widest"]

TEXTS = {str, repr, ascii, format}
BY_INDEX = {operator.getitem, ops.getfield, ops.setitem, ops.additem, ops.without}
HOLDERS = {
    *BY_INDEX, ops.append, ops.poplast, ops.rest, ops.copied, ops.keys, ops.linked, list, tuple, dict,
    operator.concat,
}  # fmt: skip


def varied(graph: Graph, seeds: Iterable[Val], constant: Callable[[Any], bool]) -> set[Val]:
    """The values through which a change of ``seeds`` may flow; integers, flags and text never vary."""
    return Activity(graph, seeds, constant).varied


def widest(callee: Graph, active: Iterable[int], constant: Callable[[Any], bool]) -> tuple[int, ...]:
    """The arguments that vary in some call that a function makes of itself, where ``active`` do in the first.

    One derivative serves all these calls then.
    """
    found = set(active)
    while True:
        moving = varied(callee, [callee.region.params[i] for i in sorted(found)], constant)
        calls = (op for op in walk(callee.region) if op.code == "call" and op.attrs["graph"] is callee)
        more = {
            i
            for op in calls
            for i, a in enumerate(op.ins)
            if is_active_kind(kind(a)) and any(v in moving for v in vals([a]))
        }
        if more <= found:
            return tuple(sorted(found))
        found |= more


class Activity:
    """What a change of ``seeds`` reaches: values that vary, dicts with such keys, text that tells of them."""

    def __init__(self, graph: Graph, seeds: Iterable[Val], constant: Callable[[Any], bool]) -> None:
        self.constant = constant
        self.varied = set(seeds)
        self.keyed = {p for p in graph.region.params if by_number(p.kind)}  # what was put there is not known
        self.told: set[Val] = set()
        self.raised: set[Val] = set()  # of these, the exceptions
        self.filled: set[Val] = set()  # dicts with entries from before the call
        self.lost: dict[Val, str] = {}  # a value -> what it was read back from
        self.spreads = (
            (self.varied, is_active_kind), (self.told, has_text), (self.raised, has_text),
            (self.keyed, has_keys), (self.filled, has_keys),
        )  # fmt: skip
        self.region(graph.region)

    def size(self) -> int:
        return sum(map(len, (self.varied, self.keyed, self.told, self.raised, self.filled)))

    def into(self, atoms: Iterable[Atom], *to: Val) -> None:
        """What is so of something in ``atoms`` is so of ``to``, as far as its kind allows."""
        seen = vals(atoms)
        for reached, may in self.spreads:
            if reached and not reached.isdisjoint(seen):
                reached.update(v for v in to if may(v.kind))

    def region(self, region: Region) -> None:
        for op in region.ops:
            self.op(op)

    def op(self, op: Op) -> None:
        if op.code == "prim":
            self.prim(op)
        elif op.code == "call":
            self.into(op.ins, *op.outs)
            if self.moved(op.ins):  # (what it does is not looked into)
                self.keyed.update(v for v in op.outs if has_keys(v.kind))
                self.told.update(v for v in op.outs if has_text(v.kind) and not is_active_kind(v.kind))
                if not self.filled.isdisjoint(vals(op.ins)):
                    for v in op.outs:
                        if is_active_kind(v.kind):
                            self.lose(v, "entry")
        elif op.code == "unpack":
            self.into(op.ins, *op.outs)
        elif op.code == "opaque":
            if self.moved(op.ins):
                self.told.update(v for v in op.outs if has_text(v.kind))
        elif op.code in JOINS:
            for r in op.regions:
                self.region(r)
                if op.code == "try" and r is op.regions[0] and any(map(self.raises_number, walk(r))):
                    self.told.add(op.regions[1].params[1])
                    self.raised.add(op.regions[1].params[1])
            for n, v in enumerate(op.outs):
                self.into([r.results[n] for r in op.regions], v)
        elif op.is_loop:
            self.loop(op)

    def loop(self, op: Op) -> None:
        view = LoopView(op)
        size = -1
        while size != self.size():
            size = self.size()
            for e, s in view.taken:
                self.into([s], e)
            for p, i, y, f in view.slots:
                self.into([i, y], p, f)
            self.region(view.body)
            for c, t in view.kept:
                self.into([c], t)

    def prim(self, op: Op) -> None:
        fn, out = op.fn, op.out
        if fn is ops.keys:
            if op.ins[0] in self.keyed and is_active_kind(out.kind):
                self.lose(out, "key")
            if op.ins[0] in self.keyed and has_text(out.kind):
                self.told.add(out)
            return
        if self.constant(fn):
            tells = (self.varied, self.told) if fn in TEXTS else (self.told,)
            if has_text(out.kind) and not all(t.isdisjoint(vals(op.ins)) for t in tells):
                self.told.add(out)
                if not self.raised.isdisjoint(vals(op.ins)):
                    self.raised.add(out)
            return
        error = isinstance(fn, type) and issubclass(fn, BaseException)
        if (out.kind == STR or error or (fn is tuple and out.kind == OTHER)) and self.moved(op.ins):
            self.told.add(out)
            if error or not self.raised.isdisjoint(vals(op.ins)):
                self.raised.add(out)
        self.into(op.ins, out)
        if fn is dict and has_keys(out.kind) and any(v not in self.varied for v in vals(op.ins)):
            self.filled.add(out)
        if fn is operator.getitem and op.ins[0] in self.filled and self.moved(op.ins[1:2]):
            if is_active_kind(out.kind):
                self.lose(out, "entry")
        if fn is ops.setitem and has_keys(out.kind) and self.moved(op.ins[1:2]):
            self.keyed.add(out)
        if self.reads_text(op):
            self.lose(out, "text" if self.raised.isdisjoint(vals(op.ins)) else "exception")

    def raises_number(self, op: Op) -> bool:
        """Whether an exception may leave here that tells of a number that varies."""
        if op.code == "call":
            return self.moved(op.ins) and bool(op.attrs["graph"].info.get("effect"))
        if op.code != "opaque" or not self.moved(op.ins):
            return False
        tree = op.attrs["tree"]
        said = getattr(tree, "msg", None)
        return type(tree).__name__ == "Raise" or (said is not None and type(said).__name__ != "Constant")

    def lose(self, v: Val, how: str) -> None:
        self.varied.add(v)
        self.lost[v] = how

    def moved(self, atoms: Iterable[Atom]) -> bool:
        seen = vals(atoms)
        return not (self.varied.isdisjoint(seen) and self.told.isdisjoint(seen))

    def reads_text(self, op: Op) -> bool:
        """Whether numbers are made of text that tells of one that varies."""
        if not self.told:
            return False
        k = op.out.kind
        if not is_active_kind(k) or (has_text(k) and (k != UNKNOWN or op.fn in HOLDERS)):
            return False
        given = op.ins[:1] if op.fn in BY_INDEX else op.ins
        return any(v in self.told and (v.kind == UNKNOWN or not is_active_kind(v.kind)) for v in vals(given))


def has_text(k: Kind) -> bool:
    """Whether values of this kind may be or hold text."""
    match k:
        case Scalar(dtype) | Array(dtype):
            return dtype[0] not in "fciub"
        case Seq(elem):
            return has_text(elem)
        case Tree(items=items):
            return any(map(has_text, items))
        case Maybe(of):
            return has_text(of)
    return k in (STR, OTHER, UNKNOWN)


def has_keys(k: Kind) -> bool:
    """Whether values of this kind are or hold dicts whose keys may be numbers or text."""
    return any(is_active_kind(key) or has_text(key) for key in keys_in(k))


def by_number(k: Kind) -> bool:
    return any(map(is_active_kind, keys_in(k)))


def keys_in(k: Kind) -> list[Kind]:
    match k:
        case Map(elem, key):
            return [key, *keys_in(elem)]
        case Seq(elem):
            return keys_in(elem)
        case Tree(items=items):
            return [key for x in items for key in keys_in(x)]
    return []
