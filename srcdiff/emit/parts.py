"""Parts of arrays that are slices between constants: where they lie, and how that is written."""

from __future__ import annotations

from typing import Any

import gast

from srcdiff.emit.trees import attr, call, const, name
from srcdiff.ir.graph import Atom, Const, Slice
from srcdiff.ir.indices import parts_of
from srcdiff.ir.kinds import Dim, Sym, at_least

__all__ = [
    "Part", "Place", "beside", "cuts", "distance", "faces", "in_one_piece", "index_of", "one_size", "part_of",
    "place_of", "run_of", "shift", "side_of", "subscript",
]  # fmt: skip

Part = tuple[tuple[int, int], ...]  # what is left out before and behind, for each axis
Place = tuple[tuple[int, int] | int, ...]  # the same, or which one is taken


def place_of(index: Atom, dims: tuple[Dim, ...]) -> Place | None:
    """What an index takes of each axis, if it is made of constants."""
    taken = parts_of(index)
    if len(taken) > len(dims):
        return None
    out: list[tuple[int, int] | int] = []
    for d, s in zip(dims, taken, strict=False):
        if isinstance(s, Const) and type(s.value) is int:
            out.append(s.value)
            continue
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


def part_of(index: Atom, dims: tuple[Dim, ...]) -> Part | None:
    """What an index leaves out of each axis, if it is made of slices alone, all of constants."""
    place = place_of(index, dims)
    return None if place is None or any(isinstance(n, int) for n in place) else place  # type: ignore[return-value]


def cuts(part: Part) -> list[int]:
    return [before + behind for before, behind in part]


def one_size(whole: Dim, cut: int, size: Dim) -> bool:
    """Whether what is left of an axis is as long as another, if the two can be added."""
    left = whole - cut if isinstance(whole, int) else Sym(whole.id, whole.offset - cut)
    return (
        left == size
        if isinstance(left, int) and isinstance(size, int)
        else (min(at_least(left), at_least(size)) > 1)
    )


def shift(part: Part, other: Part) -> list[int]:
    """How far a part lies from another, along each axis."""
    return [to[0] - at[0] for to, at in zip(part, other, strict=True)]


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


def index_of(place: Place) -> Any:
    last = max(k for k, each in enumerate(place) if each not in ((0, 0),)) + 1
    return subscript([taken(each) for each in place[:last]])


def taken(of: tuple[int, int] | int) -> Any:
    """What is taken along an axis."""
    if isinstance(of, int):
        return const(of) if of >= 0 else gast.UnaryOp(gast.USub(), const(-of))
    before, behind = of
    end = gast.UnaryOp(gast.USub(), const(behind)) if behind else None
    return gast.Slice(const(before) if before else None, end, None)


def along(ends: list[int], steps: list[Any]) -> Any:
    """How many elements of an array in one piece lie before a part, or behind it; None: none."""
    out: Any = None
    for n, step in zip(ends, steps, strict=True):
        if n:
            term = const(n) if step is None else step if n == 1 else gast.BinOp(const(n), gast.Mult(), step)
            out = term if out is None else gast.BinOp(out, gast.Add(), term)
    return out


def in_one_piece(array: Any) -> Any:
    """An array in rows as one piece of memory."""
    return call(attr(array, "reshape"), gast.UnaryOp(gast.USub(), const(1)))


def run_of(piece: Any, part: Part, steps: list[Any]) -> Any:
    """From the first element of a part to its last, of an array in one piece."""
    before, behind = (along([ends[k] for ends in part], steps) for k in (0, 1))
    return gast.Subscript(
        piece, gast.Slice(before, None if behind is None else minus(behind), None), gast.Load()
    )


def faces(part: Part, dims: tuple[Dim, ...], all_around: bool = False) -> list[tuple[Any, str]]:
    """What lies between the rows of a part (or all around it), as indices, and in words."""
    out = []
    for axis, (ends, d) in enumerate(zip(part, dims, strict=True)):
        one = at_least(d) > 0  # (there may be none to name)
        sides: list[tuple[Any, int]] = []
        if ends[0]:
            sides.append((const(0) if ends[0] == 1 and one else gast.Slice(None, const(ends[0]), None), 0))
        if ends[1]:
            last = gast.UnaryOp(gast.USub(), const(ends[1]))
            sides.append((last if ends[1] == 1 and one else gast.Slice(last, None, None), 1))
        if axis or all_around:  # (what is left out of the first is before the run, or behind it)
            words = SIDES[len(dims) - 1 - axis] if len(dims) - 1 - axis < len(SIDES) else ("low", "high")
            every = [gast.Slice(None, None, None)] * axis
            out += [(subscript([*every, side]), f"{words[end]}_edge") for side, end in sides]
    return out


SIDES = (("left", "right"), ("up", "down"), ("front", "back"))  # along the last axis, the one before that ...


FACES = ("column", "row", "plane")


def side_of(place: Place) -> str:
    """Where a part lies in an array, in words."""
    words = []
    for axis, each in enumerate(reversed(place)):
        if isinstance(each, int):
            at = f"{each}" if each >= 0 else "last" if each == -1 else f"last{-each}"
            words.append(f"{FACES[axis] if axis < len(FACES) else f'at{axis}'}_{at}")
            continue
        sides = SIDES[axis] if axis < len(SIDES) else (f"low{axis}", f"high{axis}")
        if each[0] != each[1]:
            words.append(sides[each[0] > each[1]])
    return "_".join(reversed(words)) or "mid"
