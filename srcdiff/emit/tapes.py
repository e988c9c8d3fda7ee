"""Tapes as they are written: appended where values are made, popped or read where the sweep comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gast

from srcdiff.emit.trees import attr, call, name
from srcdiff.ir.graph import Atom, Const, LoopView, Op, Region, Struct, Val, kind, vals
from srcdiff.ir.kinds import Tree

if TYPE_CHECKING:
    from srcdiff.emit.assemble import Assembler

__all__ = [
    "append",
    "as_bytes",
    "collects_of",
    "drained",
    "find_drains",
    "find_flat",
    "find_pops",
    "from_outside",
    "holds_flat",
    "is_tape",
    "names_defined_in",
    "popped",
    "read_flat",
    "scan_collectors",
    "tape_name",
    "whole_tape",
]


FEWEST, MOST = 3, 12  # numbers that are put away as bytes


def find_pops(asm: Assembler, region: Region) -> None:
    """Tapes whose only reader runs backwards are emptied as they are read."""
    for op in region.ops:
        if op.code == "for":
            view = LoopView(op)
            for s, d, e in zip(view.sources, op.attrs["dirs"], view.elements, strict=True):
                if (
                    isinstance(s, Val)
                    and s.op is not None
                    and s.op.is_loop
                    and s in LoopView(s.op).tapes
                ):
                    if (
                        d == -1
                        and view.head  # otherwise it says how long the loop is
                        and len(asm.lay.uses.get(s, [])) == 1
                        and asm.lay.home.get(s.op) is region
                    ):
                        asm.poppable[e] = op
        for r in op.regions:
            find_pops(asm, r)


def find_flat(asm: Assembler, region: Region) -> None:
    """A tape of tapes that is read in the mirrored order is one list: last in, first out."""
    for op in region.ops:
        if op.is_loop:
            view = LoopView(op)
            for c, t in view.kept:
                if (
                    isinstance(c, Val)
                    and c.op in view.body.ops
                    and is_tape(c)
                    and read_flat(asm, c, t, region)
                ):
                    asm.flat[c] = t
        for r in op.regions:
            find_flat(asm, r)


def is_tape(v: Val) -> bool:
    return v.op is not None and v.op.is_loop and v in LoopView(v.op).tapes


def read_flat(asm: Assembler, inner: Val, outer: Val, region: Region) -> bool:
    """Whether both tapes are read once, backwards, by a loop in a loop."""
    if len(asm.lay.uses.get(inner, [])) != 1 or len(asm.lay.uses.get(outer, [])) != 1:
        return False
    where, reader = asm.lay.uses[outer][0]
    if reader is None or reader.code != "for" or (where is not region and outer not in asm.elements_of):
        return False
    view = LoopView(reader)
    for s, d, e in zip(view.sources, reader.attrs["dirs"], view.elements, strict=True):
        if s is not outer or d != -1:
            continue
        uses = asm.lay.uses.get(e, [])
        if len(uses) != 1 or uses[0][0] is not view.body:
            return False
        second = uses[0][1]
        if second is None or second.code != "for":
            return False
        inner_view = LoopView(second)
        for s2, d2, e2 in zip(inner_view.sources, second.attrs["dirs"], inner_view.elements, strict=True):
            if s2 is e and d2 == -1 and second.attrs.get("aligned"):
                asm.elements_of[e] = outer
                asm.poppable[e2] = second
                asm.poppable[e] = reader
                return True
    return False


def tape_name(asm: Assembler, t: Val) -> str:
    while t in asm.flat or t in asm.elements_of:  # follow to the outermost
        t = asm.flat.get(t) or asm.elements_of[t]
    return str(asm.names[t])


def find_drains(asm: Assembler, region: Region) -> None:
    """Loops that run until a tape is empty need no count of trips."""
    for op in region.ops:
        if op.code == "for":
            view = LoopView(op)
            pops = [
                (e, s)
                for e, s in view.taken
                if asm.poppable.get(e) is op and asm.lay.uses.get(e)
            ]
            if drained(asm, op, view, pops) is not None:
                asm.drains.add(op)
        for r in op.regions:
            find_drains(asm, r)


def collects_of(asm: Assembler, v: Val, region: Region) -> None:
    """Append a value to the tapes that collect it, as soon as it is there."""
    for loop_op, tape in asm.collectors.get(v, []):
        if loop_op.regions[-1] is region and v not in asm.flat:
            append(asm, tape, asm.expr(v))


def scan_collectors(asm: Assembler, region: Region) -> None:
    for op in region.ops:
        if op.is_loop:
            view = LoopView(op)
            for c, t in view.kept:
                if isinstance(c, Val) and names_defined_in(asm, c, view.body):
                    asm._collectors.setdefault(c, []).append((op, t))
        for r in op.regions:
            scan_collectors(asm, r)


def from_outside(asm: Assembler, a: Atom, body: Region) -> bool:
    """Whether a value is not made in a loop's body: it may be put on a tape as a trip begins."""
    if isinstance(a, Struct):
        return all(v in body.params or not names_defined_in(asm, v, body) for v in vals([a]))
    return isinstance(a, Const) or (isinstance(a, Val) and not names_defined_in(asm, a, body))


def names_defined_in(asm: Assembler, v: Val, region: Region) -> bool:
    return asm.names.defined[v][0] is region


def as_bytes(asm: Assembler) -> dict[Val, int]:
    """Tapes of numbers that are put away as bytes, and what is read of these."""
    found: dict[Val, int] = {}
    for tape, e in asm.graph.info.get("bytes", {}).items():
        k = kind(e)
        if e in asm.poppable and isinstance(k, Tree) and FEWEST <= len(k.items) <= MOST:
            found[tape] = found[e] = len(k.items)
    return found


def popped(asm: Assembler, e: Val, source: Any) -> Any:
    """The last of a tape, as it was before it was put there."""
    value = call(attr(source, "pop"))
    return call(asm.spelling.helper(f"unpack_{asm.bytes[e]}"), value) if e in asm.bytes else value


def append(asm: Assembler, tape: Val, value: Any) -> None:
    if tape in asm.bytes:
        value = call(asm.spelling.helper(f"pack_{asm.bytes[tape]}"), *value.elts)
    asm.emit(gast.Expr(call(attr(name(tape_name(asm, tape)), "append"), value)))


def drained(asm: Assembler, op: Op, view: LoopView, pops: list[tuple[Val, Atom]]) -> Val | None:
    """A tape that is emptied trip by trip counts the trips: ``while tape:``."""
    if op.attrs.get("head") != 3 or asm.lay.uses.get(view.index):
        return None
    popped = {e for e, _ in pops}
    if any(asm.lay.uses.get(e) and e not in popped for e in view.elements):
        return None  # a source that others read too is walked through, not emptied
    stop = view.header[1]
    for e, s in pops:
        if e in asm.elements_of:
            continue
        if isinstance(s, Val) and (s in asm.elements_of or holds_flat(asm, s)):
            continue
        if isinstance(s, Val) and isinstance(stop, Val) and stop.op is s.op and whole_tape(s):
            return s
    return None


def holds_flat(asm: Assembler, s: Val) -> bool:
    return s in asm.flat.values()


def whole_tape(s: Val) -> bool:
    return s.op is not None and s.op.is_loop
