"""The sizes of a graph's values for arguments at hand, by walking it: nothing large is computed.

A value stands for its type, shape and *pieces*: the places in the graph where memory is made.  How often a
piece is made is counted through loops, so a list of the values of all trips holds as much as it does when the
program runs.  Numbers that follow from the arguments are followed, so trips are counted where these say so.
"""

from __future__ import annotations

import copy
import operator
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Atom,
    Const,
    Graph,
    LoopView,
    Op,
    Ref,
    Region,
    Slice,
    Struct,
    Val,
    vals,
)
from srcdiff.ir.kinds import Array, Kind, Map, Maybe, Scalar, Seq, Sym, Tree
from srcdiff.memory.values import (
    ARRAY,
    LIST,
    NONE,
    NOTHING,
    NUMBER,
    OTHER,
    SLOT,
    UNKNOWN,
    Arr,
    Many,
    Num,
    Other,
    Parts,
    Piece,
    Pieces,
    Thing,
    Value,
    alone,
    as_list,
    bare,
    dtype_of,
    either,
    element,
    known,
    length_of,
    listed,
    of_object,
    standing,
)
from srcdiff.rules import vocabulary
from srcdiff.rules.registry import is_known, may_alias

__all__ = ["Sizes"]

SLOWEST = 200_000  # trips that are gone through to count them, or for sizes that differ by trip
LARGEST = 50_000_000  # bytes that may be made to learn the shape of one result
INDEX = Num("i8")


READS = (getattr, ops.attribute, ops.getfield, operator.getitem)
CORE = (operator.getitem, *(getattr(operator, n) for n in ("add", "sub", "mul", "truediv", "neg", "pow")))


class TooLong(Exception):
    """Trips cannot be gone through one by one."""


@dataclass
class Sizes:
    """One walk over a graph; ``numbers``: whether floats given as arguments are followed too."""

    numbers: bool = True
    env: dict[Val, Value] = field(default_factory=dict)
    pieces: dict[Val, Piece] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)  # of symbols
    missing: int = 0  # sizes and trips that are not known so far
    at_most: bool = False  # a branch is taken that needs more than another
    unknown: set[Op] = field(default_factory=set)  # loops of whose trips the number is not known
    trips: dict[Op, int] = field(default_factory=dict)
    work: int = 0  # bytes made, all in all
    bounds: dict[Any, int | None] = field(default_factory=dict)  # snapshots of a loop that is run again
    limits: dict[Any, int] = field(default_factory=dict)  # its trips: it needs no more snapshots
    stacks: dict[Any, Piece] = field(default_factory=dict)  # the lists that hold them
    once: dict[Op, int] = field(default_factory=dict)  # the most trips of a loop when it is run once
    _replayed: bool = False
    _times: int = 1
    _around: frozenset[Op] = frozenset()
    _steps: int = 0

    def run(self, graph: Graph, given: dict[str, Any], values: dict[str, Value] | None = None) -> list[Value]:
        """The results of a graph, for the arguments of these names; ``values``: those known as such."""
        for p in graph.region.params:
            if values is not None and p.name in values:
                self.env[p] = values[p.name]
                continue
            value = (
                of_object(given[p.name], p.kind, self.numbers) if p.name in given else self.of_kind(p.kind)
            )
            self.bind(value, p.kind)
            self.env[p] = value
        return self.region(graph.region)

    def bind(self, value: Value, k: Kind) -> None:
        """Learn what the symbols in the kind of an argument stand for."""
        if isinstance(value, Arr) and isinstance(k, Array) and len(k.dims) == len(value.shape):
            for d, n in zip(k.dims, value.shape, strict=True):
                if isinstance(d, Sym) and n is not None:
                    self.sizes.setdefault(d.id, n - d.offset)
        elif isinstance(value, Num) and isinstance(k, Scalar) and isinstance(k.value, Sym):
            if isinstance(value.value, int):
                self.sizes.setdefault(k.value.id, value.value - k.value.offset)
        elif isinstance(value, Many) and isinstance(k, Seq) and value.elem is not None:
            self.bind(value.elem, k.elem)
        elif isinstance(value, Parts) and isinstance(k, Tree):
            for x, y in zip(value.items, k.items, strict=False):
                self.bind(x, y)

    # ---- values
    def atom(self, a: Atom) -> Value:
        match a:
            case Val():
                return self.env.get(a, OTHER)
            case Const(value):
                if isinstance(value, (bool, int, float, complex)):
                    return Num(dtype_of(value), True, value)
                return Thing(value)
            case Ref(obj):
                return Thing(obj)
            case Slice(lower, upper, step):
                ends = [self.atom(x) for x in (lower, upper, step)]
                if any(known(e) is UNKNOWN for e in ends):
                    return OTHER
                return Thing(slice(*map(known, ends)))
            case Struct(type_, keys, items):
                return Parts(type_, keys, tuple(self.atom(x) for x in items))
        return OTHER

    def made(self, v: Val, size: int | None, op: Op | None = None) -> Pieces:
        """New memory for ``v``."""
        if size == 0:
            return NOTHING
        piece = self.pieces.setdefault(v, Piece(at=op or v.op))
        if size is None:
            self.missing += 1
        if not self._times:
            return frozenset((piece,))
        piece.size = None if size is None or piece.size is None else max(piece.size, size)
        if size is not None:
            piece.total += size * self._times
            self.work += size * self._times
        piece.count += self._times
        piece.per |= self._around & frozenset(self.unknown)
        return frozenset((piece,))

    def of_kind(self, k: Kind, v: Val | None = None) -> Value:
        """What a kind says of a value; with ``v`` in memory of its own."""
        match k:
            case Maybe(of):  # at most what it is where it is there
                return self.of_kind(of, v)
            case Scalar(dtype, weak):
                size = NUMBER if dtype[0] in "fci" else 0
                return Num(dtype, weak, self.dim(k.value), self.made(v, size) if v is not None else NOTHING)
            case Array(dtype, dims):
                shape = tuple(map(self.dim, dims))
                a = Arr(dtype, shape)
                if v is None:
                    return a
                return self.own(a, v)
            case Map() | Seq():
                return Many(self.of_kind(k.elem), None)
            case Tree(type_, keys, items):
                return Parts(type_, keys, tuple(self.of_kind(x) for x in items))
        return NONE if k.name == "None" else OTHER

    def own(self, a: Arr, v: Val) -> Arr:
        """An array in memory of its own."""
        n = a.size
        return replace(a, pieces=self.made(v, None if n is None else ARRAY + n))

    def dim(self, d: Any) -> int | None:
        if isinstance(d, Sym):
            n = self.sizes.get(d.id)
            return None if n is None else n + d.offset
        return d if isinstance(d, int) else None

    # ---- operations
    def region(self, region: Region) -> list[Value]:
        for op in region.ops:
            self.op(op)
        return [self.atom(a) for a in region.results]

    def op(self, op: Op) -> None:
        match op.code:
            case "prim":
                self.env[op.out] = self.prim(op)
            case "if":
                self.branch(op)
            case "try":
                body = self.region(op.regions[0])
                self.env.update(dict.fromkeys(op.regions[1].params, OTHER))
                failed = self.region(op.regions[1])
                for o, x, y in zip(op.outs, body, failed, strict=True):
                    self.env[o] = self.joined(x, y)
            case "with":
                self.env.update(dict.fromkeys(op.regions[0].params, OTHER))
                for o, x in zip(op.outs, self.region(op.regions[0]), strict=True):
                    self.env[o] = x
            case "for" | "while":
                self.loop(op)
            case "unpack":
                whole = self.atom(op.ins[0])
                parts = (
                    whole.items if isinstance(whole, Parts) else [self.of_kind(o.kind, o) for o in op.outs]
                )
                self.env.update(zip(op.outs, parts, strict=False))
            case _:
                for o in op.outs:
                    if op.code == "call":
                        self.missing += 1
                    self.env[o] = self.of_kind(o.kind, o)

    def branch(self, op: Op) -> None:
        test = known(self.atom(op.ins[0]))
        if test is not UNKNOWN:
            found = self.region(op.regions[0 if test else 1])
        else:
            before = self.work
            sides = []
            for r in op.regions:
                sides.append(self.region(r))
            self.at_most = self.at_most or self.work != before
            found = [self.one_of(o, x, y) for o, x, y in zip(op.outs, *sides, strict=True)]
        self.env.update(zip(op.outs, found, strict=True))

    def one_of(self, v: Val, x: Value, y: Value) -> Value:
        """What one of two branches made: memory for the larger."""
        got = self.joined(x, y)
        if isinstance(x, Arr) and isinstance(y, Arr) and isinstance(got, Arr) and x.pieces and y.pieces:
            if x.pieces != y.pieces and x.size is not None and y.size is not None:
                return replace(got, pieces=self.made(v, ARRAY + max(x.size, y.size)))
        return got

    def joined(self, x: Value, y: Value) -> Value:
        """A value that is one of two: as large as the larger."""
        match x, y:
            case (Other(), z) | (z, Other()):
                return z
            case Many(), Many():
                elem = x.elem if y.elem is None else y.elem if x.elem is None else self.joined(x.elem, y.elem)
                known_ = x.length is not None and y.length is not None
                length = max(x.length or 0, y.length or 0) if known_ else None
                return Many(elem, length, x.pieces | y.pieces)
        return either(x, y)

    # ---- single operations
    def prim(self, op: Op) -> Value:
        ins = [self.atom(a) for a in op.ins]
        fn, out = op.fn, op.out
        if "bound" in op.attrs:
            count = known(ins[0])
            self.bounds[op.attrs["bound"]] = count if isinstance(count, int) else None
        first = ins[0] if ins else OTHER
        special = LISTS.get(fn)
        if special is not None:
            got = special(self, op, ins)
            if got is not None:
                return got
        if op.attrs.get("inplace") and isinstance(first, (Arr, Many, Parts)):
            return first
        plain = [known(x) for x in ins]
        value = UNKNOWN
        if (
            not op.attrs.get("unread")
            and all(p is not UNKNOWN for p in plain)
            and not isinstance(out.kind, Array)
        ):
            value = self.called(op, plain)
        if value is not UNKNOWN:
            if not isinstance(value, (np.ndarray, list, dict)):
                return self.number(op, value)
            if op.fn in READS:  # from outside: the memory is not ours
                return of_object(value, out.kind, self.numbers)
        shared = self.shared(op, first)
        match out.kind:
            case Array(dtype, dims):
                shape = tuple(map(self.dim, dims))
                if None in shape:
                    learnt = self.tried(op, ins)
                    shape = tuple(learnt.shape) if isinstance(learnt, np.ndarray) else shape
                a = Arr(dtype, shape)
                if shared is not None:
                    return replace(a, pieces=shared)
                return self.own(a, out)
            case Scalar(dtype) if fn is vocabulary.SNAPSHOTS_WITHIN:
                count = self.tried(op, ins)
                return Num(dtype, True, count if isinstance(count, int) else None)
            case Scalar() | Tree():
                return self.of_kind(out.kind, out)
            case Seq():
                return Many(self.of_kind(out.kind.elem), None, self.made(out, LIST))
        learnt = self.tried(op, ins)
        if learnt is UNKNOWN:
            return OTHER
        got = of_object(learnt, out.kind, False)
        if isinstance(got, Arr):
            return replace(
                got, pieces=shared if shared is not None else self.made(out, ARRAY + (got.size or 0))
            )
        return replace(got, pieces=self.made(out, NUMBER)) if isinstance(got, Num) else got

    def shared(self, op: Op, first: Value) -> Pieces | None:
        """The memory that a result shares with the first operand; None if it has its own."""
        if not isinstance(first, Arr):
            return self.made(op.out, ARRAY) if op.fn in vocabulary.EXPANDS else None  # (a number, repeated)
        if "view" in op.attrs:
            return first.pieces if op.attrs["view"] else None
        return first.pieces if may_alias(op.fn) else None

    def number(self, op: Op, value: Any) -> Value:
        """A result that is known."""
        if isinstance(value, (bool, np.bool_)):
            return Num("b1", True, value)
        if isinstance(value, (int, float, complex, np.number)):
            weak = not isinstance(value, np.generic)
            small = isinstance(value, int) and -6 < value < 257
            pieces = NOTHING if small else self.made(op.out, NUMBER)
            return Num(dtype_of(value), weak, value, pieces)
        return Thing(value)

    def called(self, op: Op, values: list[Any]) -> Any:
        names = op.names
        pos = [v for v, n in zip(values, names, strict=True) if not n]
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                return op.fn(*pos, **{n: v for v, n in zip(values, names, strict=True) if n})
        except Exception:  # the program will raise it, or what is tried does not fit
            return UNKNOWN

    def tried(self, op: Op, ins: list[Value]) -> Any:
        """The result of a known function on operands of the right shapes."""
        if op.attrs.get("unread") or not (is_known(op.fn) or may_alias(op.fn) or op.fn in CORE):
            return UNKNOWN
        size = sum(x.size or 0 for x in ins if isinstance(x, Arr))
        if size > LARGEST:
            return UNKNOWN
        stand = [standing(x) for x in ins]
        return UNKNOWN if any(s is UNKNOWN for s in stand) else self.called(op, stand)

    # ---- loops
    def loop(self, op: Op) -> None:
        view = LoopView(op)
        state = [as_list(self.atom(a), p.kind) for a, p in zip(view.inits, view.params, strict=True)]
        sources = [self.atom(a) for a in view.sources]
        n, exact = self.count(op, view, state, sources)
        before = self._replayed
        if n is None and any(self.snapshots(view, f) is not None for f in view.finals):
            self._replayed = True  # going on from a snapshot: how far is of no account
        try:
            self.trips_of(op, view, state, sources, n, exact)
        finally:
            self._replayed = before

    def trips_of(
        self, op: Op, view: LoopView, state: list[Value], sources: list[Value], n: int | None, exact: bool
    ) -> None:
        """All trips of a loop: as one whose variables are what they are in any, or one by one."""
        with self.apart():
            before = self.missing
            moving, growth = self.settle(op, view, state, sources)
            self.trip(op, view, INDEX, moving, sources)
            missed = self.missing > before
        if missed and n is not None and exact:
            try:
                with self.apart():
                    before = self.missing
                    self.stepwise(op, view, state, sources, n)
                    better = self.missing == before
                if better:
                    self.leave(op, view, *self.stepwise(op, view, state, sources, n), n)
                    return
            except TooLong:
                pass
        if n is None:
            self.unknown.add(op)
            self.missing += not self._replayed
        elif not exact:
            self.at_most = True
        times, around = self._times, self._around
        self._times, self._around = times * (1 if n is None else n), around | {op}
        try:
            last, collected = self.trip(op, view, INDEX, moving, sources)
        finally:
            self._times, self._around = times, around
        if n is not None:
            self.once[op] = max(self.once.get(op, 0), n)
        finals: list[Value] = []
        for o, i, y, d in zip(view.finals, state, last, growth, strict=True):
            x = i if n == 0 else y if n else either(i, y)
            if isinstance(x, Many) and isinstance(i, Many):
                length = None
                if d == 0 or (d is not None and n is not None):
                    length = None if i.length is None else max(0, i.length + d * (n or 0))
                nth = sum(f.name == o.name for f in view.finals[: len(finals)])
                x = self.list_left(op, view, o, nth, x, length, d)
            finals.append(x)
        self.leave(op, view, finals, [(c, n) for c in collected], n)

    def list_left(
        self, op: Op, view: LoopView, o: Val, nth: int, x: Many, length: int | None, grown: int | None
    ) -> Many:
        """A list as a loop leaves it."""
        where = self.snapshots(view, o)
        if where is not None:
            return self.bounded(x, op, where, (o.name, nth))
        if grown == 0:
            return replace(x, length=length)
        slots = self.made(o, LIST + SLOT * (length or 1), op)
        if length is None and self._times:
            for p in slots:
                p.per |= {op}
        return replace(x, length=length, pieces=slots)

    def leave(
        self,
        op: Op,
        view: LoopView,
        finals: list[Value],
        tapes: list[tuple[Value | None, int | None]],
        n: int | None,
    ) -> None:
        self.env.update(zip(view.finals, finals, strict=True))
        for t, (elem, length) in zip(view.tapes, tapes, strict=True):
            slots = self.made(t, LIST + SLOT * (1 if length is None else length), op)
            if length is None and self._times:
                for p in slots:
                    p.per |= {op}
            self.env[t] = Many(elem, length, slots)
        if view.exit_out is not None:
            self.env[view.exit_out] = INDEX
        self.env[view.trips] = replace(INDEX, value=n if n is not None and not op.attrs["exits"] else None)
        if n is not None:
            self.once[op] = max(self.once.get(op, 0), n)
            self.trips[op] = self.trips.get(op, 0) + n * self._times

    def snapshots(self, view: LoopView, final: Val) -> Any:
        """Of which loop a list holds snapshots; None if it holds none."""
        at = view.finals.index(final)
        for o in walk_updates(view.body, view.params[at]):
            if "snapshots" in o.attrs:
                return o.attrs["snapshots"]
        return None

    def bounded(self, x: Many, op: Op, loop: Any, which: Any) -> Many:
        """A list of snapshots: the forward and the reversed loop hold one list together, at most so long."""
        most = self.bounds.get(loop)
        if op.code == "for" and op in self.once:
            self.limits[loop] = self.once[op]
        if most is not None:
            most = min(most, self.limits.get(loop, most))
        piece = self.stacks.setdefault((loop, which), Piece(at=op))
        if most is None:
            self.missing += 1
            piece.per |= {op}
        elif self._times:
            size = LIST + (most + 1) * (SLOT + alone(x.elem))
            piece.size, piece.count, piece.total = size, 1, max(size, piece.total)
        return Many(bare(x.elem), None if most is None else most + 1, frozenset((piece,)))

    @contextmanager
    def apart(self) -> Iterator[None]:
        """What is made meanwhile does not count."""
        times, work, at_most, missing = self._times, self.work, self.at_most, self.missing
        unknown, trips = set(self.unknown), dict(self.trips)
        self._times = 0
        try:
            yield
        finally:
            self._times, self.work, self.at_most, self.missing = times, work, at_most, missing
            self.unknown, self.trips = unknown, trips

    def trip(
        self, op: Op, view: LoopView, index: Value, state: list[Value], sources: list[Value]
    ) -> tuple[list[Value], list[Value]]:
        """One trip: what variables are at its end, what is collected."""
        if op.code == "while":
            self.env.update(zip(op.regions[0].params, state, strict=True))
            self.region(op.regions[0])
        elements = [element(s) for s in sources]
        self.env.update(zip(view.body.params, [*[index][: view.has_index], *state, *elements], strict=True))
        got = self.region(view.body)
        return got[: view.carried], got[view.carried : view.carried + len(view.tapes)]

    def settle(
        self, op: Op, view: LoopView, state: list[Value], sources: list[Value]
    ) -> tuple[list[Value], list[int | None]]:
        """What variables are in any trip, and by how much lists grow in one."""
        growth: list[int | None] = [0] * len(state)
        now = state
        for rounds in range(8):
            got, _ = self.trip(op, view, INDEX, now, sources)
            if rounds == 0:
                for j, (x, y) in enumerate(zip(state, got, strict=True)):
                    if isinstance(x, Many) and isinstance(y, Many):
                        grown = None if x.length is None or y.length is None else y.length - x.length
                        growth[j] = grown
            new = [either(x, y) for x, y in zip(now, got, strict=True)]
            if new == now:
                break
            now = new
        return now, growth

    def stepwise(
        self, op: Op, view: LoopView, state: list[Value], sources: list[Value], n: int
    ) -> tuple[list[Value], list[tuple[Value | None, int | None]]]:
        """Trip by trip, with the index of each."""
        numbers: Any = range(n)
        if view.head == 3:
            ends = [known(self.atom(a)) for a in view.header]
            numbers = range(*ends)
            if op.attrs.get("rev"):
                numbers = reversed(numbers)
        elems: list[Value | None] = [None] * len(view.tapes)
        for _, k in zip(range(n), numbers, strict=False):
            self._steps += len(view.body.ops) + 1
            if self._steps > 4 * SLOWEST:
                raise TooLong
            state, collected = self.trip(op, view, Num("i8", True, k), state, sources)
            elems = [c if e is None else either(e, c) for e, c in zip(elems, collected, strict=True)]
        return state, [(e, n) for e in elems]

    def count(
        self, op: Op, view: LoopView, state: list[Value], sources: list[Value]
    ) -> tuple[int | None, bool]:
        """How many trips there are, and whether it is known that there are not fewer."""
        lengths: list[int | None] = [length_of(s) for s in sources]
        if op.code == "while":
            return self.counted(op, view, state), True
        if view.head == 3:
            ends = [known(self.atom(a)) for a in view.header]
            lengths.append(None if any(e is UNKNOWN for e in ends) else len(range(*ends)))
        if op.attrs.get("aligned") and any(x is not None for x in lengths):
            return next(x for x in lengths if x is not None), True
        if not lengths or any(x is None for x in lengths):
            least = [x for x in lengths if x is not None]
            return (min(least), False) if least else (None, False)
        return min(x for x in lengths if x is not None), not op.attrs["exits"]

    def counted(self, op: Op, view: LoopView, state: list[Value]) -> int | None:
        """The trips of a ``while``, where its test follows from numbers that are known."""
        test, body = op.regions
        if op.attrs["exits"] or known_test(self, test, state) is UNKNOWN:
            return None
        wanted = sliced(view, test)
        if wanted is None:
            return None
        slots, steps = wanted
        now = {j: state[j] for j in slots}
        with self.apart():
            for n in range(SLOWEST):
                full = [now.get(j, OTHER) for j in range(len(state))]
                going = known_test(self, test, full)
                if going is UNKNOWN:
                    return None
                if not going:
                    return n
                self.env.update(zip(body.params, full, strict=True))
                for o in steps:
                    self.op(o)
                now = {j: self.atom(view.yields[j]) for j in slots}
        return None


# ---- loops that count --------------------------------------------------


def known_test(sizes: Sizes, test: Region, state: list[Value]) -> Any:
    sizes.env.update(zip(test.params, state, strict=True))
    return known(sizes.region(test)[0])


def sliced(view: LoopView, test: Region) -> tuple[list[int], list[Op]] | None:
    """The variables that the test of a ``while`` depends on, and the operations that make them."""
    slots = {test.params.index(v) for v in region_reads(test) if v in test.params}
    made = {o: op for op in view.body.ops for o in op.outs}
    size = -1
    steps: set[Op] = set()
    while size != len(slots):
        size = len(slots)
        todo = [v for j in slots for v in vals([view.yields[j]])]
        while todo:
            v = todo.pop()
            if v in view.params:
                slots.add(view.params.index(v))
            elif v in view.elements:
                return None
            elif v in made and made[v] not in steps:
                steps.add(made[v])
                todo += vals(made[v].ins) + [w for r in made[v].regions for w in region_reads(r)]
    return sorted(slots), [o for o in view.body.ops if o in steps]


def region_reads(region: Region) -> list[Val]:
    out = vals(region.results)
    for op in region.ops:
        out += vals(op.ins)
        for r in op.regions:
            out += region_reads(r)
    return out


def walk_updates(region: Region, start: Val) -> Iterator[Op]:
    """The operations that make longer or shorter lists of a variable."""
    versions = {start}
    for op in region.ops:
        if op.code == "prim" and op.fn in (ops.append, ops.rest) and op.ins[0] in versions:
            versions.add(op.out)
            yield op
        elif op.is_loop:
            view = LoopView(op)
            for i, p, o in zip(view.inits, view.params, view.finals, strict=True):
                if i in versions:
                    yield from walk_updates(view.body, p)
                    versions.add(o)
        elif op.code == "if":
            for r in op.regions:
                for v in list(versions):
                    yield from walk_updates(r, v)
            for n, o in enumerate(op.outs):
                if isinstance(o.kind, Seq) and any(r.results[n] in versions for r in op.regions):
                    versions.add(o)


# ---- lists -----------------------------------------------------------------------------------------------


def _append(s: Sizes, op: Op, ins: list[Value]) -> Value | None:
    x, y = ins
    if isinstance(x, Parts) and x.type is list:
        x = listed(x)
    if not isinstance(x, Many):
        return None
    length = None if x.length is None else x.length + 1
    elem = y if x.elem is None else either(x.elem, y)
    return Many(elem, length, x.pieces)


def _rest(s: Sizes, op: Op, ins: list[Value]) -> Value | None:
    x = listed(ins[0]) if isinstance(ins[0], Parts) else ins[0]
    if not isinstance(x, Many):
        return None
    return replace(x, length=None if x.length is None else max(0, x.length - 1))


def _poplast(s: Sizes, op: Op, ins: list[Value]) -> Value | None:
    return element(ins[0]) if isinstance(ins[0], (Many, Parts)) else None


def _len(s: Sizes, op: Op, ins: list[Value]) -> Value | None:
    if isinstance(ins[0], Thing):
        return None
    return Num("i8", True, length_of(ins[0]))


def _shape(s: Sizes, op: Op, ins: list[Value]) -> Value | None:
    x = ins[0]
    if not isinstance(x, Arr):
        return None
    return Parts(tuple, tuple(range(len(x.shape))), tuple(Num("i8", True, n) for n in x.shape))


def _shape_at(s: Sizes, op: Op, ins: list[Value]) -> Value | None:
    x, axis = ins[0], known(ins[1])
    if not isinstance(x, Arr) or not isinstance(axis, int) or not -len(x.shape) <= axis < len(x.shape):
        return None
    return Num("i8", True, x.shape[axis])


def _getitem(s: Sizes, op: Op, ins: list[Value]) -> Value | None:
    x, index = ins
    at = known(index)
    match x:
        case Parts(keys=keys, items=items):
            if isinstance(at, (str, int, float, tuple)) and at in keys:
                return items[keys.index(at)]
            if isinstance(at, int) and -len(items) <= at < len(items):
                return items[at]
            return element(x) if items and not isinstance(at, slice) else None
        case Many() if isinstance(op.out.kind, Seq) and isinstance(op.ins[1], Slice):
            length = None
            if x.length is not None and isinstance(at, slice):
                length = len(range(x.length)[at])
            return Many(x.elem, length, s.made(op.out, LIST + SLOT * (length or 0)))
        case Many():
            return element(x)
    return None


def _getfield(s: Sizes, op: Op, ins: list[Value]) -> Value | None:
    x, name = ins[0], known(ins[1])
    if isinstance(x, Parts) and name in x.keys:
        return x.items[x.keys.index(name)]
    return None


def _setitem(s: Sizes, op: Op, ins: list[Value]) -> Value | None:
    x, _, value = ins
    if isinstance(x, Many):
        return replace(x, elem=value if x.elem is None else either(x.elem, value))
    return x if isinstance(x, Arr) and op.attrs.get("inplace") else None


def _list(s: Sizes, op: Op, ins: list[Value]) -> Value | None:
    if not isinstance(op.out.kind, Seq):
        return None
    if not ins:
        return Many(None, 0, s.made(op.out, LIST))
    x = ins[0]
    if isinstance(x, Parts):
        x = listed(x)
    if isinstance(x, Arr):
        x = Many(element(x), length_of(x))
    if not isinstance(x, Many):
        return None
    return replace(x, pieces=s.made(op.out, LIST + SLOT * (x.length or 0)))


def _copied(s: Sizes, op: Op, ins: list[Value]) -> Value | None:
    x = ins[0]
    if isinstance(x, Arr):
        return s.own(x, op.out)
    if isinstance(x, Many):
        return replace(x, pieces=s.made(op.out, LIST + SLOT * (x.length or 0)))
    return x


def _deeply(s: Sizes, op: Op, ins: list[Value]) -> Value | None:
    """A copy of a container and of all arrays in it: memory of one operation."""
    x = bare(ins[0])
    pieces = s.made(op.out, bytes_in(x))

    def first(x: Value) -> Value:
        if isinstance(x, (Arr, Many)):
            return replace(x, pieces=pieces)
        if isinstance(x, Parts) and x.items:
            return replace(x, items=(first(x.items[0]), *x.items[1:]))
        return x

    return None if x is None else first(x)


def bytes_in(x: Value | None) -> int | None:
    """The bytes of a container and of the arrays in it."""
    match x:
        case Arr():
            return None if x.size is None else ARRAY + x.size
        case Many(elem, length):
            each = bytes_in(elem) if elem is not None else 0
            return None if each is None or length is None else LIST + (SLOT + each) * length
        case Parts(items=items):
            parts = [bytes_in(i) for i in items]
            return None if None in parts else sum(n for n in parts if n is not None)
    return 0


def _same(s: Sizes, op: Op, ins: list[Value]) -> Value | None:
    return ins[0]


LISTS: dict[Any, Callable[[Sizes, Op, list[Value]], Value | None]] = {
    ops.append: _append, ops.rest: _rest, ops.poplast: _poplast, len: _len, ops.shape_at: _shape_at,
    np.shape: _shape, operator.getitem: _getitem, ops.getfield: _getfield,
    ops.setitem: _setitem, ops.additem: _setitem, list: _list,
    ops.copied: _copied, copy.deepcopy: _deeply, ops.given: _same, ops.linked: _same,
}  # fmt: skip
