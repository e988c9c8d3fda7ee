"""What the variables of a text hold: from which statement to which, in whose memory, how much.

What is there while a statement runs is estimated: for the sizes of the call that a text is made for where
arrays are large there; else for sizes that are all alike where they are not known, and for each of these much
larger than the others.
"""

from __future__ import annotations

import math
import operator
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.emit.trees import nodes_of
from srcdiff.ir import ops
from srcdiff.ir.graph import JOINS, Atom, Const, LoopView, Op, Region, Val, kind, nested, vals
from srcdiff.ir.kinds import Array, Kind, Scalar, Seq, Sym, Tree, present

if TYPE_CHECKING:
    from srcdiff.emit.assemble import Assembler

__all__ = ["Choosing", "Guess", "Memory", "Roots", "Spans", "Tenure", "find_tenures", "held", "hidden"]

SIZE = 64  # of a dimension, or a list, of which nothing is known
LARGE = 512  # of one that is larger than the others
GUESSES = 4  # dimensions that are tried as such
MUCH = 100_000  # bytes held at the call, from which on its sizes are those that count

PARTS = (
    operator.getitem,
    ops.getfield,
    ops.attribute,
    ops.given,
    getattr,
)  # whose results are parts of their operands

COMMUTE = {operator.add, operator.mul, ops.accumulate}
ELIDES = {*COMMUTE, operator.sub, operator.truediv}  # into the memory of an operand that nobody else has
ELIDED = 1 << 18  # bytes, from which on NumPy does so
BUFFER = 1 << 16  # bytes at most

HIDING = (gast.Lambda, gast.FunctionDef, gast.ExceptHandler, gast.GeneratorExp)

Roots = frozenset[Val]
NOTHING: Roots = frozenset()
Spans = list[tuple[Val, int, int]]  # memory, and between which statements it is held


@dataclass(eq=False)
class Tenure:
    """A value in a variable: from which statement to which, read last where; the memory that it is in."""

    name: str
    start: int
    roots: Roots
    is_bound: bool  # surely, by now
    read: int = -1
    end: int = -1


# ---- variables
def find_tenures(
    asm: Assembler, stmts: list[Any], made: list[Op | None], memory: Memory
) -> tuple[list[Tenure], int]:
    """What the variables of a function hold, in turn; how many statements it has."""
    now = {p.name: Tenure(p.name, -1, frozenset(), True) for p in asm.graph.region.params}
    found = list(now.values())
    unclear: set[str] = set()
    lines = 0
    for n, (s, op) in enumerate(zip(stmts, made, strict=True)):
        nodes = nodes_of(s)
        lines += len([node for node in nodes if isinstance(node, gast.stmt)])
        read, bound, inside = names_in(s, nodes)
        unclear |= hiding(nodes)
        gone = [x for node in nodes if type(node) is gast.Delete for x in node.targets]
        left = {x.id for x in gone if type(x) is gast.Name}
        same = {word for word in inside & asm.ahead.words if word in now}  # (``run += a``, in a loop)
        read, inside = read | same, inside - same
        values = {asm.names[o]: o for o in op.outs if asm.lay.uses.get(o)} if op is not None else {}
        if op is not None and op.is_loop:
            params = {asm.names[p]: p for p in LoopView(op).params if p in asm.names.names}
            values = params | left_by(asm, s) | values
        for name in (read | inside) & now.keys():
            now[name].read = n
        for name in sorted(bound | inside):
            old = now.get(name)
            if old is not None:
                old.end = n
            roots = memory.under(values[name]) if name in values else room(s, name, now, asm)
            if name in left:  # (in a loop)
                now[name] = Tenure(name, n, NOTHING, False)
            else:
                now[name] = Tenure(name, n, roots, name in bound or (old is not None and old.is_bound))
            found.append(now[name])
    for t in now.values():
        t.end = len(stmts)
    return [t for t in found if t.name not in unclear], lines


def left_by(asm: Assembler, loop: Any) -> dict[str, Val]:
    """What the variables set in a loop hold when it has ended."""
    found: dict[str, Val] = {}
    blocks = [loop]
    for b in blocks:  # (which grow)
        for s in (*getattr(b, "body", ()), *getattr(b, "orelse", ())):
            if isinstance(s, (gast.For, gast.While, gast.If)):
                blocks.append(s)
            op = asm.made[id(s)][1] if id(s) in asm.made else None
            if op is not None and isinstance(s, gast.Assign):
                bound = {t.id for t in s.targets if isinstance(t, gast.Name)}
                made = [o for o in op.outs if asm.lay.uses.get(o)]
                found.update({asm.names[o]: o for o in made if asm.names[o] in bound})
    return found


def hidden(stmts: list[Any]) -> set[str]:
    """Variables that others see, or unbind, or that are read who knows when."""
    return set().union(*(hiding(nodes_of(s)) for s in stmts))


def hiding(nodes: list[Any]) -> set[str]:
    found = [node for node in nodes if type(node) in HIDING]
    return {x.id for node in found for x in nodes_of(node) if isinstance(x, gast.Name)}


def names_in(s: Any, nodes: list[Any]) -> tuple[set[str], set[str], set[str]]:
    """What a statement reads, binds, may bind."""
    read: set[str] = set()
    bound: set[str] = set()
    inside: set[str] = set()
    if isinstance(s, gast.Assign):
        parts = (p for t in s.targets for p in (t.elts if isinstance(t, gast.Tuple) else [t]))
        bound |= {p.id for p in parts if isinstance(p, gast.Name)}
    elif isinstance(s, gast.AugAssign) and isinstance(s.target, gast.Name):
        read.add(s.target.id)
    for node in nodes:
        cls = type(node)
        if cls is gast.Name:
            (read if type(node.ctx) is gast.Load else inside).add(node.id)
    return read, bound, inside - bound - (read if isinstance(s, gast.AugAssign) else set())


def room(s: Any, name: str, now: dict[str, Tenure], asm: Assembler) -> Roots:
    """The memory of what a loop finds when it begins: a part of an array, or one of its shape."""
    if not isinstance(s, gast.Assign):
        return frozenset()
    tree = s.value
    if isinstance(tree, gast.Name) and tree.id in now:
        return now[tree.id].roots
    if name not in asm.ahead.words:
        return frozenset()
    while isinstance(tree, gast.Subscript) or (isinstance(tree, gast.Call) and is_of(tree.func, "reshape")):
        tree = tree.value if isinstance(tree, gast.Subscript) else tree.func.value
    if isinstance(tree, gast.Name):
        return now[tree.id].roots if tree.id in now else frozenset()
    if not (isinstance(tree, gast.Call) and len(tree.args) == 1 and is_of(tree.args[0], "shape")):
        return frozenset()
    like = getattr(tree.args[0].value, "id", "")
    kinds = (v.kind for v, word in asm.names.names.items() if word == like and isinstance(v.kind, Array))
    return frozenset(Val(name, k) for k in [*kinds][:1])


def is_of(tree: Any, word: str) -> bool:
    return isinstance(tree, gast.Attribute) and tree.attr == word


def held(guess: Guess, taken: list[float], spans: Spans) -> list[float]:
    """What there is while each statement runs."""
    steps = [0.0] * (len(taken) + 1)
    end = len(taken)
    for root, first, last in spans:
        size = guess.of(root)
        steps[first] += size
        steps[min(last + 1, end)] -= size
    out, sum_ = [], 0.0
    for step, more in zip(steps, taken, strict=False):
        sum_ += step
        out.append(sum_ + more)
    return out


def together(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The same positions in spans that are apart."""
    first, last = 0, -1
    for start, end in sorted(spans):
        if start > last + 1 or last < first:
            if last >= first:
                yield first, last
            first, last = start, end
        else:
            last = max(last, end)
    if last >= first:
        yield first, last


class Choosing:
    """What variables hold while the statements of a block run."""

    def __init__(
        self, tenures: list[Tenure], stmts: list[Any], made: list[Op | None], memory: Memory
    ) -> None:
        self.stmts, self.made, self.memory = stmts, made, memory
        self.silent = [op is None or (not op.regions and memory.is_ahead(op)) for op in made]
        self.holders: dict[Val, list[Tenure]] = defaultdict(list)
        for t in tenures:
            for root in t.roots:
                self.holders[root].append(t)
        self.since = {r: min(t.start for t in held) for r, held in self.holders.items()}
        self.roots = sorted(self.holders, key=lambda r: (self.since[r], r.id))

    def taken(self, guess: Guess) -> list[float]:
        """What each statement takes beside what variables hold; of a loop, not what stands before it."""
        out = []
        for n, (op, s) in enumerate(zip(self.made, self.stmts, strict=True)):
            if op is None or self.silent[n]:
                out.append(0.0)
            elif not op.regions:
                out.append(guess.taken(op))
            elif hasattr(s, "body"):
                there = (o for o in op.outs if any(t.start < n for t in self.holders.get(o, ())))
                out.append(guess.taken(op) - sum(map(guess.of, there)))
            else:
                out.append(sum(guess.of(r) for r in self.roots if self.since[r] == n))
        return out

    def spans(self, ends: dict[Tenure, int]) -> Spans:
        """Where memory is held, if variables are gone after these statements."""
        return [
            (root, first, last)
            for root in self.roots
            for first, last in together((t.start + 1, ends[t]) for t in self.holders[root])
        ]


# ---- memory
class Memory:
    """In whose memory values are."""

    def __init__(self, asm: Assembler, shares: Callable[[Any], bool]) -> None:
        self.asm, self.shares, self.folded = asm, shares, asm.lay.folded
        self.roots: dict[Val, Roots] = {}
        self.trips: dict[Val, int] = {}  # that lists are filled in
        self.in_trips: dict[Op, Callable[[Guess], float]] = {}  # what loops hold, where that is known better
        self.region(asm.graph.region)
        for p in asm.graph.region.params:
            self.roots[p] = NOTHING

    def guesses(self, ops: list[Op]) -> list[Guess]:
        """How much values may take; for sure, where the sizes of the call make that much."""
        there = Guess(self, self.asm.graph.info.get("seen", {}), True)
        if self.most(ops, there) >= MUCH:
            return [there]
        return [Guess(self, {}), *(Guess(self, {d: LARGE}) for d in self.unknown())]

    def unknown(self) -> list[int]:
        """The sizes that occur most often of those that are not known."""
        kinds = (present(r.kind) for r, held in self.roots.items() if r in held)
        found = Counter(d.id for k in kinds if isinstance(k, Array) for d in k.dims if isinstance(d, Sym))
        return [d for d, _ in found.most_common(GUESSES)] if len(found) > 1 else []

    def most(self, ops: list[Op], guess: Guess) -> float:
        """No less than what a function of these operations holds at any time."""
        roots = self.roots
        ops = [op for op in ops if op not in self.folded]
        there = NOTHING.union(*(roots.get(o, NOTHING) for op in ops for o in op.outs))
        return sum(map(guess.of, there)) + max(map(guess.taken, ops), default=0.0)

    def under(self, *atoms: Atom) -> Roots:
        """The memory that values are in; numbers, taken out of an array, are not in it."""
        found = [self.roots.get(v, NOTHING) for v in vals(atoms) if not isinstance(v.kind, Scalar)]
        return found[0] if len(found) == 1 else NOTHING.union(*found)

    def has_room(self, op: Op) -> bool:
        """Whether an operation is done inside an expression, or in memory that is there before its loop."""
        runs, rows = self.asm.runs, self.asm.rows
        if op in self.folded or op in runs.sinks or op in rows.padded or op in rows.added:
            return True
        return any(o in runs.made or o in runs.placed or o in runs.rooms for o in op.outs)

    def is_ahead(self, op: Op) -> bool:
        """Whether an operation is done in memory that is there before its loop."""
        return self.has_room(op) and op not in self.folded

    def is_own(self, v: Val) -> bool:
        """Whether a value is in memory that it came with."""
        return v in self.roots.get(v, NOTHING)

    def region(self, region: Region) -> None:
        for op in region.ops:
            if op.code in JOINS:
                for r in op.regions:
                    self.region(r)
                for k, o in enumerate(op.outs):
                    self.roots[o] = self.under(*(r.results[k] for r in op.regions))
            elif op.is_loop:
                self.loop(LoopView(op))
            else:
                self.roots.update((o, self.made(op, o)) for o in op.outs)

    def made(self, op: Op, o: Val) -> Roots:
        if op.code == "prim" and op.ins:
            if op.attrs.get("inplace") or op.fn in ops.UPDATES:
                return self.under(*op.ins) if isinstance(o.kind, Seq) else self.under(op.ins[0])
            if self.shares(op.fn) or op.fn in PARTS:
                return self.under(*op.ins)
        if op.code == "unpack":
            return self.under(*op.ins)
        return frozenset((o,))

    def loop(self, view: LoopView) -> None:
        for p, a in zip((*view.params, *view.elements), (*view.inits, *view.sources), strict=True):
            self.roots[p] = self.under(a)
        for r in view.op.regions:
            self.region(r)
        for f, a, y in zip(view.finals, view.inits, view.yields, strict=True):
            start, end = self.under(a), self.under(y)
            self.roots[f] = start if end <= start else frozenset((f,))
        trips = known_trips(view)
        for c, t in view.kept:
            self.roots[t] = frozenset((t,)) | self.under(c)
            if trips is not None:
                self.trips[t] = trips


def known_trips(view: LoopView) -> int | None:
    """How many trips a loop makes, where its header has numbers."""
    if view.op.code != "for" or view.head != 3 or view.op.attrs["exits"]:
        return None
    ends = [a.value for a in view.header if isinstance(a, Const) and type(a.value) is int]
    return len(range(*ends)) if len(ends) == 3 and ends[2] else None


class Guess:
    """How much values take, if sizes are these (for sure?); others are all alike."""

    def __init__(self, memory: Memory, sizes: Mapping[int, int], sure: bool = False) -> None:
        self.memory, self.sizes, self.sure = memory, sizes, sure
        self.known: dict[Val, float] = {}
        self.takes: dict[Op, float] = {}
        self.results: dict[Op, tuple[float, float]] = {}

    def of(self, root: Val) -> float:
        if root not in self.known:
            size = self.bytes_of(root.kind)
            self.known[root] = size * self.memory.trips.get(root, SIZE) / SIZE
        return self.known[root]

    def bytes_of(self, k: Kind) -> float:
        k = present(k)
        if isinstance(k, Array):
            return math.prod(map(self.size, k.dims)) * width(k.dtype)
        if isinstance(k, Seq):
            return SIZE * self.bytes_of(k.elem)
        if isinstance(k, Tree):
            return sum(map(self.bytes_of, k.items))
        return 8.0

    def size(self, d: int | Sym) -> int:
        return d if isinstance(d, int) else self.sizes[d.id] + d.offset if d.id in self.sizes else SIZE

    def taken(self, op: Op) -> float:
        """What a statement takes besides what is there: its result, what lies in between."""
        if op not in self.takes:
            taken = self.in_trip(op) + self.new(op) if op.regions else self.result(op)[0]
            self.takes[op] = taken + sum(map(self.bytes_of, op.attrs.get("room", ())))
        return self.takes[op]

    def new(self, op: Op) -> float:
        return sum([self.of(o) for o in op.outs if self.memory.is_own(o)])

    def in_trip(self, op: Op) -> float:
        """What a region takes: all that it makes, and what a statement in it needs beside that.

        In a loop that is what it makes, too: a variable holds what the trip before made until then.
        """
        if op in self.memory.in_trips:
            return self.memory.in_trips[op](self)
        ops = [o for o in nested(op) if not self.memory.has_room(o)]
        anew = op.is_loop
        most = max((self.result(o)[0] - (not anew) * self.new(o) for o in ops if not o.regions), default=0.0)
        return sum(map(self.new, ops)) + max(most, 0.0)

    def result(self, op: Op) -> tuple[float, float]:
        """What evaluating an operation with all in its expression takes at most, and what its value takes."""
        if op not in self.results:
            self.results[op] = self.evaluated(op)
        return self.results[op]

    def evaluated(self, op: Op) -> tuple[float, float]:
        most = held = 0.0
        left: dict[Atom, float] = {}  # of values in the expression
        for v in self.read(op):
            if v.op is not None and v.op in self.memory.folded and not v.op.regions:
                inner, left[v] = self.result(v.op)
                if op in self.memory.asm.straight and v is op.ins[2]:  # (no array is made for it)
                    inner, left[v] = inner - left[v], 0.0
                most, held = max(most, held + inner), held + left[v]
        made = self.new(op)
        between = self.buffers(op) if self.sure else 0.0
        if not made:
            return max(most, held + between), held
        reused = made >= (ELIDED if self.sure else 0) and any(
            left.get(a) == made for n, a in enumerate(op.ins) if op.fn in (COMMUTE if n else ELIDES)
        )
        return max(most, held + between + (0.0 if reused else made)), made

    def read(self, op: Op) -> list[Val]:
        """What an operation reads; what is taken off (``a -= b``) is not negated before."""
        found = vals(op.ins)
        if op.code != "prim" or op.fn not in (ops.additem, ops.accumulate):
            return found
        less = {v: v.op.ins for v in found if v.op in self.memory.folded and v.op.fn is operator.neg}
        return [w for v in found for w in (vals(less[v]) if v in less else [v])]

    def buffers(self, op: Op) -> float:
        """What NumPy goes through for operands that it repeats."""
        if op.code != "prim" or op.fn not in ELIDES or not isinstance(op.out.kind, Array):
            return 0.0
        dims = op.out.kind.dims
        kinds = (kind(a) for a in op.ins)
        repeated = [k for k in kinds if isinstance(k, Array) and k.dims and k.dims != dims]
        return len(repeated) * min(self.bytes_of(op.out.kind), BUFFER)


def width(dtype: str) -> int:
    return int(dtype[1:]) if dtype[1:].isdigit() else 8
