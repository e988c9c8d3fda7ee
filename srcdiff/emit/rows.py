"""Stencils: what is added to shifted parts of an array is added in whole rows, with zeros around it.

NumPy takes ``x_bar[1:-1, 2:] += t`` row by row, three times slower than memory that lies in one piece.  So a
value that a loop adds to several parts of arrays of one shape is put inside an array of that shape that is
zero around it (``out=``), and all of that is added: ``x_bar[1:] += padded[:-1]`` along the first axis,
``x_bar_flat[1:] += padded_flat[:-1]`` along the last (what passes the end of a row is zero).  The graph says
nothing of this: the same statements over the same memory are spelt otherwise.

What must hold: the rows of the array lie one after the other, wherever it may have been made (`in_rows`);
nobody keeps the value beyond its trip (`additions`).  What is one object in all trips (`before_loop`) has its
name as one piece before the loop.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.backends import numpy_names
from srcdiff.emit.printer import Comment
from srcdiff.emit.trees import attr, call, const, name, store
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, LoopView, Op, Region, Slice, Struct, Val, kind, walk
from srcdiff.ir.kinds import Array, Dim, Scalar, Sym, at_least, one_shape

if TYPE_CHECKING:
    from srcdiff.emit.assemble import Assembler

__all__ = ["Rows"]

FRESH = {operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, operator.pow}
FEWEST = 2  # parts that a value is added to: below, it stays as it is
Part = tuple[tuple[int, int], ...]  # what is left out before and behind, for each axis


@dataclass(eq=False, slots=True)
class Padded:
    """An array that is zero around a value."""

    word: str
    part: Part
    flat: str = ""  # its name as one piece of memory


@dataclass(eq=False, slots=True)
class Addition:
    """A value added to a part of an array (or taken off it)."""

    op: Op
    sign: type[Any]
    part: Part = ()
    padded: Padded | None = None
    flat: str = ""
    steps: tuple[str, ...] = ()  # from one place along an axis to the next, where that is asked


@dataclass(eq=False, slots=True)
class Before:
    """What a loop wants to find when it begins: words, and what they are."""

    words: dict[Any, str] = field(default_factory=dict)
    padded: dict[Any, Padded] = field(default_factory=dict)
    lines: list[tuple[str, Any]] = field(default_factory=list)


class Rows:
    """Which values of loops are added in whole rows, and how that is written."""

    def __init__(self, asm: Assembler) -> None:
        self.asm = asm
        self.padded: dict[Op, tuple[Padded, bool]] = {}  # by what makes the value; whether it needs a name
        self.added: dict[Op, Addition] = {}
        self.before: dict[Op, Before] = {}
        self.plain: set[Op] = set()  # zeros in the shape of something, that must lie in rows
        self.roots: dict[Val, frozenset[Val] | None] = {}
        self.loops: dict[Val, Op] = {}  # what a trip begins with -> its loop
        self.steady: dict[Val, bool] = {}
        self.inside: dict[Op, set[Op]] = {}
        self.words: set[str] = set()
        if asm.graph.info.get("rows") and not asm.by_memory:
            loops = [op for op in walk(asm.graph.region) if op.code in ("for", "while")]
            self.loops.update((p, op) for op in loops for r in op.regions for p in r.params)
            if loops:
                self.look(asm.graph.region, [])

    # ---- what is done
    def look(self, region: Region, around: list[Op]) -> None:
        for op in region.ops:
            if op.regions:
                looped = op.code in ("for", "while")
                for r in op.regions:
                    self.look(r, [*around, op] if looped else around)
            elif around and op.code == "prim" and (op.fn in numpy_names.INTO or op.fn is operator.getitem):
                self.consider(op, around[0])

    def consider(self, op: Op, loop: Op) -> None:
        """Put the result of an operation (a copy of it, of a part) inside an array of zeros, if that pays."""
        k = op.out.kind
        if not isinstance(k, Array) or len(k.dims) < 2 or k.dtype != "f8" or len(op.ins) != 2:
            return
        if op in self.asm.lay.folded or op.attrs.get("inplace") or op.attrs.get("guarded"):
            return
        found = self.additions(op)
        if found is None or len(found[0]) < FEWEST:
            return
        additions, needed = found
        fitting = [a for a in additions if self.fits(a, k, loop)]
        cut = cuts(fitting[0].part) if fitting else ()
        taken = [a for a in fitting if cuts(a.part) == cut]
        if len(taken) < FEWEST or not any(cut[1:]):
            return
        read = [self.part_read(a) for a in (op.out, *op.ins)]
        part = next((p for p in read if p and cuts(p) == cut), taken[0].part)
        taken = [a for a in taken if not shift(a, part)[-1] or self.before_loop(a.op.ins[0], loop)]
        if len(taken) < FEWEST:
            return
        like = self.alike(taken[0].op.ins[0], loop)
        assert like is not None
        before = self.before.setdefault(loop, Before())
        padded = self.room(before, self.asm.names[op.out], part, like)
        for a in taken:
            a.padded = padded
            self.added[a.op] = a
            self.settle(a.op.ins[0], set())
            by = shift(a, part)
            base = self.before_loop(a.op.ins[0], loop)
            if by[-1] and base is not None:
                a.flat = self.flat(before, self.asm.names[base])
                padded.flat = self.flat(before, padded.word)
                a.steps = tuple(
                    self.step(before, self.asm.names[like], axis, len(by)) if c else ""
                    for axis, c in enumerate(by[:-1])
                )
        self.padded[op] = padded, needed or len(taken) < len(additions)

    def additions(self, op: Op) -> tuple[list[Addition], bool]  | None:
        """Where a value is added to parts, and whether it is read otherwise; None if somebody may keep it."""
        uses = self.asm.lay.uses
        found: list[Addition] = []
        needed = False
        versions = [op.out]
        for v in versions:
            for _, user in uses.get(v, ()):
                if user is not None and user.code == "prim" and is_added(user, v):
                    found.append(Addition(user, gast.Add))
                elif op.fn is operator.getitem:
                    needed = True  # (it stays where it is)
                elif user is None or user.code != "prim" or user.attrs.get("guarded"):
                    return None
                elif user.fn is operator.neg and user in self.asm.lay.folded:
                    for _, then in uses.get(user.out, ()):
                        if then is not None and is_added(then, user.out):
                            found.append(Addition(then, gast.Sub))
                        else:
                            needed = True
                elif user.fn in FRESH or (user.fn is ops.accumulate and user.attrs.get("inplace")):
                    needed = True
                    if user.attrs.get("inplace") and user.ins[0] is v:
                        versions.append(user.out)
                elif user.fn is ops.setitem and user.ins[2] is v and isinstance(kind(user.ins[0]), Array):
                    needed = True  # (a list would hold it)
                else:
                    return None
        return found, needed

    def fits(self, a: Addition, k: Array, loop: Op) -> bool:
        """Whether an addition is to a plain part, as large as the value, of an array that lies in rows."""
        base = a.op.ins[0]
        kb = kind(base)
        if not isinstance(base, Val) or not isinstance(kb, Array) or kb.dtype != "f8":
            return False
        part = part_of(a.op.ins[1], kb.dims)
        if part is None or len(kb.dims) != len(k.dims):
            return False
        a.part = part
        if not all(map(one_size, kb.dims, cuts(part), k.dims)):
            return False
        return self.in_rows(base) and self.alike(base, loop) is not None

    def part_read(self, atom: Atom) -> Part | None:
        op = atom.op if isinstance(atom, Val) else None
        k = kind(op.ins[0]) if op is not None and op.code == "prim" and op.fn is operator.getitem else None
        return part_of(op.ins[1], k.dims) if isinstance(k, Array) and op is not None else None

    def alike(self, base: Atom, loop: Op) -> Val | None:
        """An array of the same shape that is there before the loop: the same one, or another."""
        found = self.before_loop(base, loop)
        if found is None:
            found = next((p for p in LoopView(loop).params if one_shape(p.kind, kind(base))), None)
        return found

    # ---- what is there before a loop
    def claim(self, before: Before, word: str) -> str:
        """A name that is free in a loop; other loops may have it too."""
        names = self.asm.names
        used = {*names.taken, *names.names.values()} - self.words
        used.update(w for w, _ in before.lines)
        n, free = 0, word
        while free in used:
            n += 1
            free = f"{word}{n}"
        names.taken.add(free)
        self.words.add(free)
        return free

    def room(self, before: Before, word: str, part: Part, like: Val) -> Padded:
        """Zeros around a value; those of one name are never alive together."""
        key = word, part, like.kind if one_shape(like.kind, like.kind) else self.asm.names[like]
        if key not in before.padded:
            p = before.padded[key] = Padded(self.claim(before, "padded"), part)
            zeros = self.asm.spelling.callee(numpy_names.ZEROS, "")
            before.lines.append((p.word, call(zeros, attr(name(self.asm.names[like]), "shape"))))
        return before.padded[key]

    def flat(self, before: Before, of: str) -> str:
        """The name of an array as one piece."""
        if of not in before.words:
            word = before.words[of] = self.claim(before, f"{of}_flat")
            piece = call(attr(name(of), "reshape"), gast.UnaryOp(gast.USub(), const(1)))
            before.lines.append((word, piece))
        return before.words[of]

    def step(self, before: Before, like: str, axis: int, rank: int) -> str:
        """The name of what lies between two places along an axis."""
        if (like, axis) not in before.words:
            behind = rank - axis - 2
            word = self.claim(before, ("row", "plane")[behind] if behind < 2 else "step")
            before.words[like, axis] = word
            shape = attr(name(like), "shape")
            sizes: list[Any] = [
                gast.Subscript(shape, const(k), gast.Load()) for k in range(axis + 1, rank)
            ]
            before.lines.append((word, reduce(lambda a, b: gast.BinOp(a, gast.Mult(), b), sizes)))
        return before.words[like, axis]

    def begin(self, loop: Op) -> None:
        """Write what is there before a loop."""
        if loop in self.before:
            self.asm.out.append(Comment("what goes to parts is added in whole rows, with zeros around it"))
            for word, value in self.before[loop].lines:
                self.asm.emit(gast.Assign([store(word)], value, None), loop.origin)

    # ---- what an array is
    def back(self, v: Val) -> Val | None:
        """The value before in the same object, if any."""
        op = v.op
        if v in self.loops:
            view = LoopView(self.loops[v])
            return self.begun(view, view.params.index(v)) if v in view.params else None
        if op is None:
            return None
        if op.code in ("for", "while"):
            view = LoopView(op)
            return self.begun(view, view.finals.index(v)) if v in view.finals else None
        first = op.ins[0] if op.code == "prim" and op.attrs.get("inplace") else None
        return first if isinstance(first, Val) else None

    def begun(self, view: LoopView, k: int) -> Val | None:
        """What a variable of a loop begins as, if it is one object in all trips."""
        key = view.params[k]
        if key not in self.steady:
            self.steady[key] = False  # (while it is asked)
            y: Atom | None = view.yields[k]
            while isinstance(y, Val) and y is not key:
                y = self.back(y)
            self.steady[key] = y is key
        first = view.inits[k]
        return first if self.steady[key] and isinstance(first, Val) else None

    def made(self, v: Val) -> frozenset[Val] | None:
        """What an array may have been made as, by whichever trip; None if it is not ours for sure."""
        if v not in self.roots:
            out: set[Val] = set()
            seen: dict[Val, None] = {v: None}
            todo: list[Atom] = [v]
            while todo:
                w = todo.pop()
                before = self.sources(w) if isinstance(w, Val) else None
                if before is None:
                    self.roots[v] = None
                    break
                if not before and isinstance(w, Val):
                    out.add(w)
                todo += [x for x in before if not isinstance(x, Val) or x not in seen]
                seen.update((x, None) for x in before if isinstance(x, Val))
            else:
                self.roots[v] = frozenset(out)
        return self.roots[v]

    def sources(self, v: Val) -> list[Atom] | None:
        """The values that a value is, or is written over; none of what is made; None of what is not ours."""
        op = self.loops.get(v, v.op)
        if op is None:
            return None
        if op.code in ("for", "while"):
            view = LoopView(op)
            for values in (view.params, view.finals):
                if v in values:
                    k = values.index(v)
                    return [view.inits[k], view.yields[k]]
            return None
        if op.code != "prim":
            return None
        return [op.ins[0]] if op.attrs.get("inplace") else []

    def before_loop(self, v: Atom, loop: Op) -> Val | None:
        """The value that an array has when a loop begins; None if it is made in there."""
        if loop not in self.inside:
            self.inside[loop] = {o for r in loop.regions for o in walk(r)}
        inside = self.inside[loop]
        w = v if isinstance(v, Val) else None
        while w is not None:
            if w not in self.loops and w.op not in inside:
                return w
            before = self.back(w)
            if self.loops.get(w) is loop:
                return w if before is not None else None  # (another one in each trip, where not)
            w = before
        return None

    def in_rows(self, v: Atom, seen: set[Val] | None = None) -> bool:
        """Whether the rows of an array lie one after the other, whatever trip made it, or can be made so."""
        seen = set() if seen is None else seen
        made = self.made(v) if isinstance(v, Val) else None
        if made is None:
            return False
        todo = made - seen
        seen |= made
        return all(self.is_made_in_rows(m.op, seen) for m in todo if m.op is not None)

    def is_made_in_rows(self, op: Op, seen: set[Val]) -> bool:
        if any(op.attrs.get("names") or ()):
            return False
        if op.fn is ops.copied or (op.attrs.get("method") == "copy" and len(op.ins) == 1):
            return op.ins[0] not in self.asm.graph.info.get("maybe", ())
        if op.fn is numpy_names.BROADCAST:  # (which leaves the order to what it is multiplied by)
            return isinstance(kind(op.ins[0]), Scalar)
        if op.fn in FRESH:
            return all(self.in_rows(a, seen) for a in op.ins if isinstance(kind(a), Array))
        floats = isinstance(op.out.kind, Array) and op.out.kind.dtype == "f8"
        return op.fn in numpy_names.IN_ROWS or (op.fn is numpy_names.ZEROS_OF and floats)

    def settle(self, v: Atom, seen: set[Val]) -> None:
        """Have zeros made in rows, for all to see, that would be made in the order of something else."""
        made = (self.made(v) if isinstance(v, Val) else None) or frozenset()
        todo = made - seen
        seen |= made
        for op in (m.op for m in todo):
            if op is not None and op.fn is numpy_names.ZEROS_OF:
                self.plain.add(op)
            elif op is not None and op.fn in FRESH:
                for a in op.ins:
                    self.settle(a, seen)

    # ---- statements
    def printed(self, op: Op) -> bool:
        """Write an operation, if it is one of those."""
        if op in self.padded:
            self.make(op)
        elif op in self.added:
            self.add(op, self.added[op])
        else:
            return False
        return True

    def plainly(self, op: Op) -> Any:
        """Zeros that lie in rows, whatever they have their shape from."""
        zeros = self.asm.spelling.callee(numpy_names.ZEROS, "")
        return call(zeros, attr(self.asm.expr(op.ins[0]), "shape"))

    def make(self, op: Op) -> None:
        asm = self.asm
        padded, needed = self.padded[op]
        out = gast.Subscript(name(padded.word), index_of(padded.part), gast.Load())
        if op.fn is operator.getitem:
            value = asm.spelt(op)
            if needed:
                asm.emit(gast.Assign([store(asm.names[op.out])], value, None), op.origin)
                value = name(asm.names[op.out])
            asm.emit(gast.Assign([out], value, None), op.origin)
            return
        value = call(asm.spelling.callee(numpy_names.INTO[op.fn], ""), *map(asm.expr, op.ins), out=out)
        if needed:
            asm.emit(gast.Assign([store(asm.names[op.out])], value, None), op.origin)
        else:
            asm.emit(gast.Expr(value), op.origin)

    def add(self, op: Op, a: Addition) -> None:
        padded = a.padded
        assert padded is not None
        base = self.asm.expr(op.ins[0])
        by = shift(a, padded.part)
        if by[-1]:
            ahead = next(c for c in by if c) > 0
            target, value = name(a.flat), name(padded.flat)
            sides = [beside(distance(by, a.steps), ahead)]
        else:
            target, value = base, name(padded.word)
            last = max((k for k, c in enumerate(by) if c), default=-1)
            sides = [beside(const(abs(c)) if c else None, c > 0) for c in by[: last + 1]]
        if sides:
            value = gast.Subscript(value, subscript([of for _, of in sides]), gast.Load())
            target = gast.Subscript(target, subscript([to for to, _ in sides]), gast.Store())
        else:
            target = store(target.id)
        self.asm.emit(gast.AugAssign(target, a.sign(), value), op.origin)


# ---- parts
def is_added(op: Op, v: Val) -> bool:
    if op.fn is not ops.additem or op.attrs.get("at") or op.attrs.get("guarded"):
        return False
    return bool(op.attrs.get("inplace")) and op.ins[2] is v and op.ins[0] is not v


def part_of(index: Atom, dims: tuple[Dim, ...]) -> Part | None:
    """What an index leaves out of each axis, if it is made of slices alone, all of constants."""
    slices = index.items if isinstance(index, Struct) and index.type is tuple else (index,)
    if len(slices) > len(dims):
        return None
    out = []
    for d, s in zip(dims, slices, strict=False):
        if not isinstance(s, Slice):
            return None
        ends: list[Any] = [x.value if isinstance(x, Const) else "" for x in (s.lower, s.upper, s.step)]
        if any(x is not None and type(x) is not int for x in ends) or ends[2] not in (None, 1):
            return None
        lower, upper = ends[0] or 0, ends[1]
        if upper is not None and upper >= 0:
            if not isinstance(d, int) or upper > d:
                return None
            upper -= d
        if lower < 0:
            return None
        out.append((lower, -(upper or 0)))
    return (*out, *((0, 0),) * (len(dims) - len(out)))


def cuts(part: Part) -> list[int]:
    return [before + behind for before, behind in part]


def one_size(whole: Dim, cut: int, size: Dim) -> bool:
    """Whether what is left of an axis is as long as another, if the two can be added."""
    left = whole - cut if isinstance(whole, int) else Sym(whole.id, whole.offset - cut)
    return left == size if isinstance(left, int) and isinstance(size, int) else (
        min(at_least(left), at_least(size)) > 1
    )


def shift(a: Addition, part: Part) -> list[int]:
    """How far a value lies from where it is added, along each axis."""
    return [to[0] - at[0] for to, at in zip(a.part, part, strict=True)]


def distance(by: list[int], steps: tuple[str, ...]) -> Any:
    """How many elements that is, without its sign."""
    sign = 1 if next(c for c in by if c) > 0 else -1
    out: Any = None
    for c, word in zip(by, (*steps, ""), strict=True):
        if c:
            term: Any = name(word) if word else const(abs(c))
            if word and abs(c) > 1:
                term = gast.BinOp(const(abs(c)), gast.Mult(), term)
            plus = gast.Add() if c * sign > 0 else gast.Sub()
            out = term if out is None else gast.BinOp(out, plus, term)
    return out


def beside(n: Any, ahead: bool) -> tuple[Any, Any]:
    """The slices of what is added to, and of what is added, ``n`` apart."""
    if n is None:
        return gast.Slice(None, None, None), gast.Slice(None, None, None)
    end = gast.Slice(None, minus(n), None)
    start = gast.Slice(n, None, None)
    return (start, end) if ahead else (end, start)


def minus(n: Any) -> Any:
    if isinstance(n, gast.BinOp) and isinstance(n.op, (gast.Add, gast.Sub)):
        turned = gast.Sub() if isinstance(n.op, gast.Add) else gast.Add()
        return gast.BinOp(minus(n.left), turned, n.right)
    return gast.UnaryOp(gast.USub(), n)


def subscript(slices: list[Any]) -> Any:
    return slices[0] if len(slices) == 1 else gast.Tuple(slices, gast.Load())


def index_of(part: Part) -> Any:
    last = max(k for k, each in enumerate(part) if any(each)) + 1
    return subscript(
        [
            gast.Slice(
                const(before) if before else None,
                gast.UnaryOp(gast.USub(), const(behind)) if behind else None,
                None,
            )
            for before, behind in part[:last]
        ]
    )
