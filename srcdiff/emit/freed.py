"""Where arrays are let go: a variable that nobody reads again holds its memory until the function returns.

What a text holds at most is estimated statement by statement: for the sizes of the call that it is made for
where arrays are large there; else for sizes that are all alike where they are not known, and for each of
these much larger than the others.  Where that is less if variables that are done with are gone, ``del``
stands before the statement that needs the room.  A line more has to save its share: what is held at most,
times the lines of the text, gets less.
"""

from __future__ import annotations

import functools
import math
import operator
import textwrap
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.emit.trees import store
from srcdiff.ir import ops
from srcdiff.ir.graph import JOINS, Atom, Const, LoopView, Op, Region, Val, kind, vals, walk
from srcdiff.ir.kinds import Array, Kind, Seq, Sym, Tree, present

if TYPE_CHECKING:
    from srcdiff.emit.assemble import Assembler

__all__ = ["let_go"]

COLUMNS = 80  # of words in a line, less their commas
SIZE = 64  # of a dimension, or a list, of which nothing is known
LARGE = 512  # of one that is larger than the others
GUESSES = 4  # dimensions that are tried as such
LEVELS = 16  # of what may be held, that are tried
LINE = 1.0  # lines of others that a line of these weighs
GUESSED = 0.85, 0.04  # what has to be left of that product; of what is held, what is not worth a word
SURE = 0.98, 0.01  # the same, for the sizes of the call
SMALL = 10_000  # bytes that are not worth a line: some vectors
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

LEAVES = (gast.Name, gast.Constant)
HIDING = (gast.Lambda, gast.FunctionDef, gast.ExceptHandler, gast.Delete)

Roots = frozenset[Val]
NOTHING: Roots = frozenset()
Gone = dict[int, list["Tenure"]]  # by the statement before which
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


def let_go(asm: Assembler, stmts: list[Any], starts: list[tuple[int, Op]]) -> list[Any]:
    """The statements of a function, with ``del`` where it pays; ``starts``: where operations begin."""
    shares = asm.graph.info.get("frees")
    if shares is None or not starts:
        return stmts
    ops = [op for _, op in starts]
    memory = Memory(asm, shares)
    guesses = memory.guesses(ops)
    if memory.most(ops, guesses[0]) < SMALL:
        return stmts
    made = made_for(stmts, starts)
    tenures, lines = find_tenures(asm, stmts, made, memory)
    gone = Choice(tenures, stmts, made, guesses, lines).best()
    out: list[Any] = []
    for n, s in enumerate(stmts):
        if n in gone:
            words = sorted((t.name for t in gone[n]), key=lambda word: word in asm.ahead.words)
            around = {getattr(x, "origin", None) for x in (s, *stmts[max(n - 1, 0) : n])}
            origin = around.pop() if len(around) == 1 else None  # (inside a group of statements)
            for line in textwrap.wrap(" ".join(words), COLUMNS):
                out.append(gast.Delete([store(word) for word in line.split()]))
                out[-1].origin = origin
        out.append(s)
    return out


def made_for(stmts: list[Any], starts: list[tuple[int, Op]]) -> list[Op | None]:
    """The operation that each statement is printed for; none for the last, which returns."""
    made: list[Op | None] = [None] * len(stmts)
    ends = [n for n, _ in starts[1:]] + [len(stmts) - 1]
    for (first, op), end in zip(starts, ends, strict=True):
        made[first:end] = [op] * (end - first)
    return made


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
        read, bound, inside = names_in(s, nodes, unclear)
        same = {word for word in inside & asm.ahead.words if word in now}  # (``run += a``, in a loop)
        read, inside = read | same, inside - same
        values = {asm.names[o]: o for o in op.outs if asm.lay.uses.get(o)} if op is not None else {}
        if op is not None and op.code in ("for", "while"):
            values = {asm.names[p]: p for p in LoopView(op).params if p in asm.names.names} | values
        for name in (read | inside) & now.keys():
            now[name].read = n
        for name in sorted(bound | inside):
            old = now.get(name)
            if old is not None:
                old.end = n
            roots = memory.under(values[name]) if name in values else room(s, name, now, asm)
            now[name] = Tenure(name, n, roots, name in bound or (old is not None and old.is_bound))
            found.append(now[name])
    for t in now.values():
        t.end = len(stmts)
    return [t for t in found if t.name not in unclear], lines


def nodes_of(tree: Any) -> list[Any]:
    """A tree and the trees in it, but no operators, and not what a name or a constant is made of."""
    nodes = [tree]
    for node in nodes:  # (which grow)
        cls: Any = type(node)
        if cls in LEAVES:
            continue
        held = vars(node)
        for name in parts_of(cls):
            part = held.get(name)
            if type(part) is list:
                nodes += [p for p in part if isinstance(p, gast.AST)]
            elif isinstance(part, gast.AST):
                nodes.append(part)
    return nodes


@functools.cache
def parts_of(cls: Any) -> tuple[str, ...]:
    return tuple(f for f in cls._fields if f not in ("ctx", "op", "ops"))


def names_in(s: Any, nodes: list[Any], unclear: set[str]) -> tuple[set[str], set[str], set[str]]:
    """What a statement reads, binds, may bind; ``unclear``: variables that others see, or unbind."""
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
        elif cls in HIDING:
            unclear |= {x.id for x in nodes_of(node) if isinstance(x, gast.Name)}
    return read, bound, inside - bound - (read if isinstance(s, gast.AugAssign) else set())


def room(s: Any, name: str, now: dict[str, Tenure], asm: Assembler) -> Roots:
    """The memory of what a loop finds when it begins: a part of an array, or one of its shape."""
    if name not in asm.ahead.words or not isinstance(s, gast.Assign):
        return frozenset()
    tree = s.value
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


# ---- the choice
class Choice:
    """Which variables to let go, and before which statements."""

    def __init__(
        self, tenures: list[Tenure], stmts: list[Any], made: list[Op | None], guesses: list[Guess], lines: int
    ) -> None:
        self.stmts, self.made, self.guesses, self.lines = stmts, made, guesses, lines
        self.holders: dict[Val, list[Tenure]] = defaultdict(list)
        for t in tenures:
            for root in t.roots:
                self.holders[root].append(t)
        self.since = {r: min(t.start for t in held) for r, held in self.holders.items()}
        self.roots = sorted(self.holders, key=lambda r: (self.since[r], r.id))
        self.guess = guesses[0]
        self.memory = self.guess.memory
        self.worth, self.few = SURE if self.guess.sure else GUESSED

    def best(self) -> Gone:
        """What is worth it: what is held at most is weighed against the lines that it takes."""
        ends = {t: t.end for held in self.holders.values() for t in held}
        taken, spans = self.taken(self.guess), self.spans(ends)
        now = held(self.guess, taken, spans)
        needed = held(self.guess, taken, self.spans({t: t.read for t in ends}))
        most, least = max(now), max(needed)
        if most < SMALL:
            return {}
        limits = [least + (most - least) * k / LEVELS for k in range(LEVELS)]
        tried = [self.within(limit, now) for limit in limits]
        if not any(tried):
            return {}
        guesses = self.guesses
        takes = [self.taken(g) for g in guesses]
        before = [max(held(g, t, spans)) for g, t in zip(guesses, takes, strict=True)]
        prices: dict[Any, float] = {}

        def price(gone: Gone) -> float:
            key = tuple((n, tuple(group)) for n, group in gone.items())
            if key not in prices:
                after = self.spans(ends | {t: n - 1 for n, group in gone.items() for t in group})
                each = zip(guesses, takes, before, strict=True)
                left = math.fsum(max(held(g, t, after)) / b for g, t, b in each) / len(guesses)
                prices[key] = left * (1.0 + LINE * len(gone) / self.lines)
            return prices[key]

        best = min(tried, key=price)
        for n in sorted(best):
            best = min(best, {m: group for m, group in best.items() if m != n}, key=price)
        return best if price(best) < self.worth else {}

    def taken(self, guess: Guess) -> list[float]:
        """What each statement takes beside what variables hold; of a loop, not what stands before it."""
        out = []
        for n, (op, s) in enumerate(zip(self.made, self.stmts, strict=True)):
            if op is None:
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

    def within(self, limit: float, now: list[float]) -> Gone:
        """What is let go so that no more is held, as far as that can be; a line has all that is done with."""
        gone: Gone = {}
        over: set[Tenure] = set()
        now = list(now)
        for n in range(len(now)):
            if now[n] <= limit:
                continue
            for root in self.roots:
                size = self.guess.of(root)
                if size <= self.few * limit:
                    continue
                here = [t for t in self.holders[root] if t.start < n <= t.end and t not in over]
                if here and all(t.is_bound and t.read < n for t in here):
                    over.update(here)
                    gone.setdefault(n, []).extend(here)
                    for m in range(n, min(max(t.end for t in here) + 1, len(now))):
                        now[m] -= size
        return gone


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


# ---- memory
class Memory:
    """In whose memory values are."""

    def __init__(self, asm: Assembler, shares: Callable[[Any], bool]) -> None:
        self.asm, self.shares, self.folded = asm, shares, asm.lay.folded
        self.roots: dict[Val, Roots] = {}
        self.trips: dict[Val, int] = {}  # that lists are filled in
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
        found = [self.roots.get(v, NOTHING) for v in vals(atoms)]
        return found[0] if len(found) == 1 else NOTHING.union(*found)

    def has_room(self, op: Op) -> bool:
        """Whether an operation is done inside an expression, or in memory that is there before its loop."""
        runs, rows = self.asm.runs, self.asm.rows
        if op in self.folded or op in runs.sinks or op in rows.padded or op in rows.added:
            return True
        return any(o in runs.made or o in runs.placed or o in runs.rooms for o in op.outs)

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
            elif op.code in ("for", "while"):
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
        for c, t in zip(view.collected, view.tapes, strict=True):
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
        ops = [o for r in op.regions for o in walk(r) if not self.memory.has_room(o)]
        anew = op.code in ("for", "while")
        most = max((self.result(o)[0] - (not anew) * self.new(o) for o in ops if not o.regions), default=0.0)
        return sum(map(self.new, ops)) + max(most, 0.0)

    def result(self, op: Op) -> tuple[float, float]:
        """What evaluating an operation with all in its expression takes at most, and what its value takes."""
        most = held = 0.0
        left: dict[Atom, float] = {}  # of values in the expression
        for v in self.read(op):
            if v.op is not None and v.op in self.memory.folded and not v.op.regions:
                inner, left[v] = self.result(v.op)
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
