"""How many trips loops inside a loop make, all together: so much room their tapes need.

Where the ends of the inner ones depend on the indices of those around (``for j in range(i)``) the trips are
counted: now, where all is known, else by loops ahead of the outermost one.  What cannot be told there
(``while``, ways out, sizes made in a trip) grows.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from srcdiff.compiled.texts import bare, range_of
from srcdiff.compiled.values import Num, Rep, Text
from srcdiff.ir.graph import Atom, Const, LoopView, Op, Val, kind, walk
from srcdiff.ir.kinds import Scalar

if TYPE_CHECKING:
    from srcdiff.compiled.control import Control

__all__ = ["NUMBER", "Trips"]

NUMBER = re.compile(r"-?\d+")
WORD = re.compile(r"[A-Za-z_]\w*")
SHAPE = re.compile(r"(\w+)\.shape\[\d+\]")
MOST = 20_000  # steps of counting that are done when the text is made


def both(a: str, sign: str, b: str) -> str:
    """A sum or a difference."""
    if NUMBER.fullmatch(a) and NUMBER.fullmatch(b):
        return str(int(a) + int(b) if sign == "+" else int(a) - int(b))
    if b == "0":
        return a
    return f"({a} {sign} {b})" if not b.startswith("-") else f"({a} {sign} ({b}))"


@dataclass(frozen=True)
class Loop:
    """The header of a loop; what stands inside may say its index, by a word that is no name of the kernel."""

    index: Val | None
    word: str
    start: str
    stop: str
    step: str
    trips: str

    @classmethod
    def of(cls, index: Val | None, word: str, start: str, stop: str, step: str) -> Loop:
        n = both(stop, "-", start)
        if step != "1":
            trips = f"len(range({bare(start)}, {bare(stop)}, {step}))"
        else:
            trips = str(max(int(n), 0)) if NUMBER.fullmatch(n) else f"max({bare(n)}, 0)"
        return cls(index, word, start, stop, step, trips)


@dataclass(frozen=True)
class Trips:
    """Loops in each other, the outermost first, as they can be told before it."""

    lw: Control
    made: frozenset[Val]  # in the outermost loop
    start: tuple[int, int]  # the line of the kernel before which all of it can be counted; how deep it is
    counted: dict[tuple[Any, ...], str]
    words: dict[Op, str]  # of their indices
    loops: tuple[Loop, ...]

    @classmethod
    def of(cls, lw: Control, outermost: LoopView, header: list[str], trips: str) -> Trips:
        index = outermost.index if outermost.has_index and outermost.head == 3 else None
        start, stop, step = header
        inside = [outermost.op, *walk(outermost.body)]
        made = frozenset(v for op in inside for v in (*op.outs, *(p for r in op.regions for p in r.params)))
        loop = Loop(index, lw.fresh("_index"), start, stop, step, trips)
        return cls(lw, made, (len(lw.out), lw.depth), {}, {}, (loop,))

    def inside(self, op: Op) -> Trips | None:
        """With a loop inside the innermost one, if its header can be told before."""
        view = LoopView(op)
        if op.code != "for" or view.head != 3 or op.attrs["exits"]:
            return None
        start, stop, step = view.header
        if not isinstance(step, Const) or type(step.value) is not int or not step.value:
            return None
        first, last = self.told(start), self.told(stop)
        if not first or not last:
            return None
        if op not in self.words:
            self.words[op] = self.lw.fresh("_index")
        loop = Loop.of(view.index, self.words[op], first, last, str(step.value))
        return replace(self, loops=(*self.loops, loop))

    def told(self, a: Atom) -> str:
        """An integer, as a text of indices and of what is there before the outermost loop; or nothing."""
        if isinstance(a, Const):
            return str(a.value) if type(a.value) is int else ""
        k = kind(a)
        if not isinstance(a, Val) or not isinstance(k, Scalar) or k.dtype[0] != "i":
            return ""
        for loop in self.loops:
            if a is loop.index:
                return loop.word
        if isinstance(k.value, int):
            return str(k.value)
        if a not in self.made:
            return self.name_of(self.lw.rep(a))
        op = a.op
        if op is None or op.code != "prim" or op.fn not in (operator.add, operator.sub):
            return ""
        left, right = self.told(op.ins[0]), self.told(op.ins[1])
        return both(left, "+" if op.fn is operator.add else "-", right) if left and right else ""

    def name_of(self, r: Rep) -> str:
        """The text of a number that has been computed."""
        if isinstance(r, Text):
            return r.text
        if not isinstance(r, Num) or r.store.again is not None or r.store.axes:
            return ""
        later = (x.store for s in self.lw.segment for x in s.writes)
        return "" if r.store in self.lw.pending or r.store in later else r.store.name

    def sized(self, size: str) -> str:
        """What an array takes that is made in the innermost loop, in the words of here; or nothing."""
        given = {name for name, _ in self.lw.kernel.params}
        rest = SHAPE.sub(lambda m: "0" if m[1] in given else m[0], size)
        inside = set(WORD.findall(rest)) - {"max", "min"}
        named = {r.store.name: v for v, r in self.lw.env.items() if isinstance(r, Num)} if inside else {}
        words = {w: self.told(named[w]) if w in named else "" for w in inside}
        if not all(words.values()) or "[" in rest:
            return ""
        return WORD.sub(lambda m: words.get(m[0], m[0]), size)

    def total(self, name: str, each: str = "1") -> str:
        """What is added up over all trips, as a text; where it has to be counted, into such a name."""
        key = *((x.word, x.start, x.stop, x.step) for x in self.loops), each
        if key not in self.counted:
            self.counted[key] = self.number(each) or self.sum(name, each)
        return self.counted[key]

    def sum(self, name: str, each: str) -> str:
        lines, factors = [], []
        words: dict[str, str] = {}

        def said(text: str) -> str:
            return WORD.sub(lambda m: words.get(m[0], m[0]), text)

        for n, loop in enumerate(self.loops):
            inner = " ".join([f"{x.start} {x.stop}" for x in self.loops[n + 1 :]] + [each])
            if loop.word not in WORD.findall(inner):
                factors.append(said(loop.trips))
                continue
            before = "    " * len(words)
            words[loop.word] = self.lw.fresh((loop.index and loop.index.name) or "i")
            header = range_of([said(loop.start), said(loop.stop), loop.step], False)
            lines.append(f"{before}for {words[loop.word]} in {header}:")
        if each != "1":
            factors.append(said(each))
        if lines:
            name = self.lw.fresh(name)
            lines = [f"{name} = 0", *lines, f"{'    ' * len(words)}{name} += {' * '.join(factors) or 1}"]
            at, depth = self.start
            self.lw.out[at:at] = ["    " * depth + x for x in lines]
        return name if lines else " * ".join(factors)

    def number(self, each: str) -> str | None:
        """The same as a number, if all is known and it is soon counted."""
        texts = [t for x in self.loops for t in (x.start, x.stop, x.step)] + [each]
        indices = {x.word for x in self.loops} | {"max", "min"}
        if any(set(WORD.findall(t)) - indices or "[" in t for t in texts):
            return None
        codes = [tuple(compile(t, "", "eval") for t in (x.start, x.stop, x.step)) for x in self.loops]
        last = compile(each, "", "eval")
        left = MOST

        def counted(n: int, values: dict[str, int]) -> int:
            nonlocal left
            left -= 1
            if left < 0:
                raise OverflowError
            if n == len(codes):
                return int(eval(last, {"max": max, "min": min}, values))
            trips = range(*(int(eval(c, {}, values)) for c in codes[n]))
            word = self.loops[n].word
            if not any(word in c.co_names for c in (*(c for x in codes[n + 1 :] for c in x), last)):
                return len(trips) * counted(n + 1, values) if trips else 0
            return sum(counted(n + 1, {**values, word: i}) for i in trips)

        try:
            return str(counted(0, {}))
        except OverflowError:
            return None
