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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.backends import numpy_names
from srcdiff.emit.ahead import Padded
from srcdiff.emit.lying import FRESH
from srcdiff.emit.parts import Part, beside, cuts, distance, index_of, one_size, part_of, shift, subscript
from srcdiff.emit.trees import call, const, name, store
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, LoopView, Op, Region, Val, kind, op_of
from srcdiff.ir.kinds import Array, at_least, one_shape

if TYPE_CHECKING:
    from srcdiff.emit.assemble import Assembler

__all__ = ["Rows"]

FEWEST = 2  # parts that a value is added to: below, it stays as it is


@dataclass(eq=False, slots=True)
class Addition:
    """A value added to a part of an array (or taken off it)."""

    op: Op
    sign: type[Any]
    part: Part = ()
    padded: Padded | None = None
    base: Val | None = None  # the array as it is before the loop, if that is one object in all trips
    loop: Op | None = None
    flat: str = ""
    steps: tuple[str, ...] = ()  # from one place along an axis to the next, where that is asked


class Rows:
    """Which values of loops are added in whole rows, and how that is written."""

    def __init__(self, asm: Assembler) -> None:
        self.asm = asm
        self.padded: dict[Op, tuple[Padded, bool]] = {}  # by what makes the value; whether it needs a name
        self.added: dict[Op, Addition] = {}
        self.lying, self.ahead = asm.lying, asm.ahead
        if asm.in_rows:
            self.look(asm.graph.region, [])

    # ---- what is done
    def look(self, region: Region, around: list[Op]) -> None:
        for op in region.ops:
            if op.regions:
                looped = op.is_loop
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
        taken = [a for a in taken if not shift(a.part, part)[-1] or self.lying.before_loop(a.op.ins[0], loop)]
        if min(map(at_least, k.dims[1:])) < 1:  # (``row - 1`` may be nothing where there is nothing in a row)
            taken = [a for a in taken if not shift(a.part, part)[-1] or is_one_way(shift(a.part, part))]
        if len(taken) < FEWEST:
            return
        like = self.alike(taken[0].op.ins[0], loop)
        assert like is not None
        before = self.ahead.of(loop)
        padded = self.ahead.room(before, self.asm.names[op.out], part, like)
        for a in taken:
            a.padded = padded
            self.added[a.op] = a
            self.lying.settle(a.op.ins[0], set())
            by = shift(a.part, part)
            base = a.base = self.lying.before_loop(a.op.ins[0], loop)
            a.loop = loop
            if by[-1] and base is not None:
                a.flat = self.ahead.flat(before, self.asm.names[base])
                padded.flat = self.ahead.flat(before, padded.word)
                word = self.asm.names[like]
                a.steps = tuple(
                    self.ahead.step(before, word, word, axis, len(by)) if c else ""
                    for axis, c in enumerate(by[:-1])
                )
        self.padded[op] = padded, needed or len(taken) < len(additions)

    def additions(self, op: Op) -> tuple[list[Addition], bool] | None:
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
        return self.lying.in_rows(base) and self.alike(base, loop) is not None

    def part_read(self, atom: Atom) -> Part | None:
        op = op_of(atom)
        k = kind(op.ins[0]) if op is not None and op.code == "prim" and op.fn is operator.getitem else None
        return part_of(op.ins[1], k.dims) if isinstance(k, Array) and op is not None else None

    def alike(self, base: Atom, loop: Op) -> Val | None:
        """An array of the same shape that is there before the loop: the same one, or another."""
        found = self.lying.before_loop(base, loop)
        if found is None:
            found = next((p for p in LoopView(loop).params if one_shape(p.kind, kind(base))), None)
        return found

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

    def make(self, op: Op) -> None:
        asm = self.asm
        padded, needed = self.padded[op]
        if asm.runs.place_padded(op, padded, needed):
            return
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
        by = shift(a.part, padded.part)
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
            if a.base is not None and self.asm.views.is_small(a.base.kind):
                before = self.ahead.of(a.loop)  # type: ignore[arg-type]
                target = store(self.ahead.side(before, self.asm.names[a.base], target, by))
                value = name(self.ahead.side(before, padded.word, value, [-c for c in by]))
        else:
            target = store(target.id)
        self.asm.emit(gast.AugAssign(target, a.sign(), value), op.origin)


def is_one_way(by: list[int]) -> bool:
    return min(by) >= 0 or max(by) <= 0


def is_added(op: Op, v: Val) -> bool:
    if op.fn is not ops.additem or op.attrs.get("at") or op.attrs.get("guarded"):
        return False
    return bool(op.attrs.get("inplace")) and op.ins[2] is v and op.ins[0] is not v
