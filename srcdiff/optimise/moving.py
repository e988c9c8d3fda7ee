"""Which variables of a loop surely change, which are surely not equal: told before the loop is written anew.

The writer begins with the assumption that nothing changes in a loop and that what may be equal is, and writes
the loop again where that turns out wrong; for most loops it does, and this look is much cheaper than writing.
It only says what is plain.  Said in error, a variable stays that might have gone: values are never at stake.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

from srcdiff.ir import ops
from srcdiff.ir.graph import JOINS, Atom, Const, LoopView, Op, Slice, Struct, Undef, Val, same
from srcdiff.optimise.patterns import is_zero
from srcdiff.optimise.words import Words

__all__ = ["Moving"]

SOLID, LOCAL = 1, 2  # of a value: no zero that is left out; one of its trip
BOTH = SOLID | LOCAL
SUMS = (operator.add, operator.sub, ops.accumulate, ops.setitem, ops.additem, ops.append)
PARTS = (operator.getitem, ops.getfield, ops.given, ops.poplast, ops.rest, float, int)  # may be what it is of
DEEP = 5  # how far two values are compared


class Moving:
    """One loop; ``atom`` gives what stands for a value from outside it."""

    def __init__(self, view: LoopView, inits: list[Atom], atom: Callable[[Atom], Atom], words: Words) -> None:
        self.view, self.inits, self.atom, self.words = view, inits, atom, words
        self.about: dict[Val, int] = {}
        self.starts: dict[Val, Atom] = {}  # of what does not change, as far as is known: what it is
        self.decided: dict[Atom | None, bool] = {}  # conditions of the branches around
        self.found: dict[Op, list[bool]] = {}  # of the loops inside: which of their variables may be fixed
        self.outer: dict[Val, int] = {}

    def fixed(self, fixed: list[bool], elements: set[Val]) -> list[bool]:
        """Those variables that may be fixed, of those that were thought to be."""
        view = self.view
        self.about.update((e, BOTH) for e in elements)
        if view.has_index:
            self.about[view.index] = BOTH
        return self.settle(view, self.inits, fixed)

    def settle(self, view: LoopView, inits: list[Atom], fixed: list[bool]) -> list[bool]:
        while True:
            for p, i, f in zip(view.params, inits, fixed, strict=True):
                self.note(p, i if f else None, BOTH)
            self.body(view.body.ops)
            yields = view.yields
            now = [f and not self.moves(y, i) for f, y, i in zip(fixed, yields, inits, strict=True)]
            if now == fixed:
                return fixed
            fixed = now

    def note(self, v: Val, same_as: Atom | None, about: int) -> None:
        if same_as is None:
            self.about[v] = about
            self.starts.pop(v, None)
        else:
            self.about[v] = self.of(same_as)
            self.starts[v] = same_as

    def now(self, a: Atom) -> Atom:
        """What a value is at the start of the loop, if it does not change, or what stands for it."""
        while isinstance(a, Val) and a in self.starts:
            a = self.starts[a]
        return a if isinstance(a, Val) and a in self.about else self.atom(a)

    def of(self, a: Atom) -> int:
        cls = type(a)
        if cls is Val:
            known = self.about.get(a)  # type: ignore[arg-type]
            if known is None:
                known = self.outer.get(a)  # type: ignore[arg-type]
            if known is None:
                b = self.atom(a)
                known = 0 if is_zero(b) or isinstance(b, Undef) else SOLID
                self.outer[a] = known  # type: ignore[index]
            return known
        if cls is Const:
            return SOLID if a.value or not isinstance(a.value, (int, float)) else 0  # type: ignore[union-attr]
        if isinstance(a, (Struct, Slice)):
            items = a.items if isinstance(a, Struct) else (a.lower, a.upper, a.step)
            found = [BOTH & self.of(x) for x in items]
            return SOLID | (LOCAL if LOCAL & max(found, default=0) else 0)
        return 0 if isinstance(a, Undef) else SOLID

    def body(self, ops_: list[Op]) -> None:
        about = self.about
        for op in ops_:
            if op.code == "prim":
                about[op.outs[0]] = self.made(op)
            elif op.code in JOINS:
                self.joins(op)
            elif op.is_loop:
                self.loop(LoopView(op))
            else:
                about.update(dict.fromkeys(op.outs, BOTH))

    def made(self, op: Op) -> int:
        fn, about, words = op.fn, self.about, self.words
        if fn is ops.shape_at or fn is len:
            return SOLID
        if fn in words.reads_shape or fn in words.blanks:
            return 0
        solid, local, needed = 0, 0, len(op.ins)
        for a in op.ins:
            found = about.get(a) if type(a) is Val else None
            if found is None:
                found = self.of(a)
            if found & SOLID:
                solid += 1
                local |= found
        if solid < needed and (not solid or fn not in SUMS):
            return 0
        return SOLID | (local & LOCAL)

    def joins(self, op: Op) -> None:
        cond = op.ins[0] if op.code == "if" else None
        known = self.decided.get(cond)
        regions = op.regions if known is None else [op.regions[0 if known else 1]]
        for r in regions:
            self.about.update(dict.fromkeys(r.params, BOTH))
            if cond is not None and known is None:
                self.decided[cond] = r is op.regions[0]
            self.body(r.ops)
        if known is None:
            self.decided.pop(cond, None)
        for n, o in enumerate(op.outs):
            self.join(o, [r.results[n] for r in regions])

    def join(self, out: Val, ends: list[Atom]) -> None:
        """What a branch, or a block, leaves."""
        ends = [self.now(a) for a in ends if not isinstance(a, Undef)] or ends
        found = [self.of(a) for a in ends]
        if all(same(a, ends[0]) for a in ends):
            self.note(out, ends[0], 0)
            return
        apart = any(isinstance(a, Const) or self.is_made(a) for a in ends)
        self.note(out, None, BOTH if apart or any(f & LOCAL for f in found) else 0)

    def is_made(self, a: Atom) -> bool:
        """Whether a value is computed in a trip, and no part of something."""
        if not isinstance(a, Val) or a.op is None or a.op.code != "prim" or a.op.fn in PARTS:
            return False
        return bool(self.about.get(a, 0) & SOLID) and all(self.of(x) & SOLID for x in a.op.ins)

    def loop(self, view: LoopView) -> None:
        if view.has_index:
            self.about[view.index] = BOTH
        self.about.update(dict.fromkeys(view.elements, BOTH))
        inits = view.inits
        fixed = self.settle(view, inits, [not isinstance(i, Undef) for i in inits])
        self.found[view.op] = fixed
        for f, out, i in zip(fixed, view.finals, inits, strict=True):
            self.note(out, i if f else None, BOTH)
        for c, t in view.kept:
            self.about[t] = self.of(c)
        self.about.update(dict.fromkeys(view.op.outs[len(view.finals) + len(view.tapes) :], SOLID))

    def moves(self, end: Atom, start: Atom) -> bool:
        """Whether what a trip ends with is surely not what it began with, if that is ``start``."""
        about = self.of(end)
        end, start = self.now(end), self.now(start)
        if same(end, start):
            return False
        if about == BOTH and not isinstance(end, (Struct, Slice)):
            return True
        if not isinstance(end, Val):
            return isinstance(end, Const)
        op = end.op
        if op is None or op.code != "prim" or op.fn in PARTS or end not in self.about:
            return False
        more = [a for a in op.ins if op.fn not in SUMS or not same(self.now(a), start)]
        if not more or not all(self.of(a) & SOLID for a in more):
            return False
        return not (isinstance(start, Val) and start.op is not None and start.op.fn is op.fn)

    def apart(self, a: Atom, b: Atom, group: dict[Val, int], deep: int = DEEP) -> bool:
        """Whether two values of a trip are surely not one; ``group``: of variables, those that may be one."""
        if a is b:
            return False
        a, b = self.now(a), self.now(b)
        if not isinstance(a, Val) or not isinstance(b, Val):
            plain = not isinstance(a, (Struct, Slice)) and not isinstance(b, (Struct, Slice))
            return plain and not same(a, b) and bool((self.of(a) | self.of(b)) & SOLID)
        if a in group or b in group:
            return a is not b and (a not in group or b not in group or group[a] != group[b])
        if a not in self.about or b not in self.about or a.op is None or b.op is None:
            return a is not b
        if a.op is b.op and a.op.is_loop and deep:
            return self.apart_behind(LoopView(a.op), a, b, group, deep - 1)
        if a.op.code != "prim" or b.op.code != "prim" or not deep:
            return False
        if a.op.fn is not b.op.fn:
            return BOTH in (self.of(a), self.of(b)) and a.op.fn not in PARTS and b.op.fn not in PARTS
        if len(a.op.ins) != len(b.op.ins):
            return False
        x, y = a.op.ins, b.op.ins
        found = any(self.apart(p, q, group, deep - 1) for p, q in zip(x, y, strict=True))
        if found and len(x) == 2 and a.op.fn in (operator.add, operator.mul, ops.accumulate):
            return any(self.apart(p, q, group, deep - 1) for p, q in zip(x, reversed(y), strict=True))
        return found

    def apart_behind(self, view: LoopView, a: Val, b: Val, group: dict[Val, int], deep: int) -> bool:
        """The same of what a loop leaves of two variables."""
        outs = view.finals
        if a not in outs or b not in outs:
            return False
        j, k = outs.index(a), outs.index(b)
        if self.apart(view.inits[j], view.inits[k], group, deep):
            return True
        inner = {p: -1 - n for n, p in enumerate(view.params)}
        inner[view.params[k]] = inner[view.params[j]]
        return self.apart(view.yields[j], view.yields[k], {**group, **inner}, deep)
