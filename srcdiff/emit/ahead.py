"""What a loop finds when it begins: arrays in one piece, room for what trips make, words for distances."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.backends import numpy_names
from srcdiff.emit.parts import Part, Place, in_one_piece, index_of, run_of, side_of
from srcdiff.emit.printer import Comment
from srcdiff.emit.trees import attr, call, const, name, store
from srcdiff.ir.graph import Op, Val
from srcdiff.ir.kinds import one_shape

if TYPE_CHECKING:
    from collections.abc import Callable

    from srcdiff.emit.assemble import Assembler

__all__ = ["Ahead", "Before", "Padded"]


@dataclass(eq=False, slots=True)
class Padded:
    """An array that is zero around a value."""

    word: str
    part: Part
    like: Val  # an array of its shape
    flat: str = ""  # its name as one piece of memory


@dataclass(eq=False, slots=True)
class Before:
    """What a loop wants to find when it begins: words, and what they are."""

    words: dict[Any, str] = field(default_factory=dict)
    padded: dict[Any, Padded] = field(default_factory=dict)
    lines: list[tuple[str, Any]] = field(default_factory=list)
    parts: list[tuple[str, Any]] = field(default_factory=list)
    checks: dict[Any, dict[Any, str]] = field(default_factory=dict)  # arrays of one shape, by what is known


class Ahead:
    """The lines before each loop, and the names in them."""

    def __init__(self, asm: Assembler) -> None:
        self.asm = asm
        self.before: dict[Op, Before] = {}
        self.words: set[str] = set()

    def of(self, loop: Op) -> Before:
        return self.before.setdefault(loop, Before())

    def claim(self, before: Before, word: str) -> str:
        """A name that is free in a loop; other loops may have it too."""
        names = self.asm.names
        used = {*names.taken, *names.names.values()} - self.words
        used.update(w for w, _ in (*before.lines, *before.parts))
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
            p = before.padded[key] = Padded(self.claim(before, "padded"), part, like)
            zeros = self.asm.spelling.callee(numpy_names.ZEROS, "")
            before.lines.append((p.word, call(zeros, attr(name(self.asm.names[like]), "shape"))))
        return before.padded[key]

    def flat(self, before: Before, of: str) -> str:
        """The name of an array as one piece."""
        return self.named(before, of, f"{of}_flat", lambda: in_one_piece(name(of)))

    def named(self, before: Before, key: Any, word: str, value: Callable[[], Any]) -> str:
        """The name of something before a loop."""
        if key not in before.words:
            made = value()
            before.words[key] = self.claim(before, word)
            before.lines.append((before.words[key], made))
        return before.words[key]

    def step(self, before: Before, shape: Any, like: str, axis: int, rank: int) -> str:
        """The name of what lies between two places along an axis of arrays of a shape, such as ``like``."""

        def product() -> Any:
            of = attr(name(like), "shape")
            sizes: list[Any] = [gast.Subscript(of, const(k), gast.Load()) for k in range(axis + 1, rank)]
            return reduce(lambda a, b: gast.BinOp(a, gast.Mult(), b), sizes)

        behind = rank - axis - 2
        return self.named(before, (shape, axis), ("row", "plane")[behind] if behind < 2 else "step", product)

    def view(self, before: Before, of: str, part: Part, steps: list[Any]) -> str:
        """The name of the run of a part."""
        flat = self.flat(before, of)
        word = f"{of}_{side_of(part)}"
        return self.named(before, (of, part), word, lambda: run_of(name(flat), part, steps))

    def part(self, before: Before, of: str, place: Place) -> str:
        """The name of a part as it is."""
        key = "part", of, place
        if key not in before.words:
            before.words[key] = word = self.claim(before, f"{of}_{side_of(place)}")
            before.parts.append((word, gast.Subscript(name(of), index_of(place), gast.Load())))
        return before.words[key]

    def side(self, before: Before, of: str, tree: Any, by: list[int]) -> str:
        """The name of what is added to, or added, where one array is added to another some places further."""
        tree = gast.Subscript(tree.value, tree.slice, gast.Load())
        word = f"{of}_{side_of(tuple((max(c, 0), max(-c, 0)) for c in by))}"
        return self.named(before, ("side", of, tuple(by)), word, lambda: tree)

    def between(self, before: Before, of: str, part: Part, face: Any, side: str) -> str:
        """The name of what lies around a part on one side of it."""
        every = gast.Subscript(name(of), face, gast.Load())
        return self.named(before, ("between", of, part, side), f"{of}_{side}", lambda: every)

    def whole(self, before: Before, shape: Any, rows: Any, like: str) -> str:
        """The name of an array of a shape, in which values are made that belong to parts with these rows."""
        zeros, key = self.asm.spelling.callee(numpy_names.ZEROS, ""), ("whole", shape, rows)
        return self.named(before, key, "whole", lambda: call(zeros, attr(name(like), "shape")))

    def memory(self, before: Before, word: str, like: str) -> None:
        """Memory for a variable that each trip writes."""
        zeros = self.asm.spelling.callee(numpy_names.ZEROS, "")
        before.lines.append((word, call(zeros, attr(name(like), "shape"))))

    def run(self, before: Before, whole: str, part: Part, steps: list[Any], word: str = "run") -> str:
        """The name of the run of a part of that."""
        return self.named(before, (whole, part), word, lambda: run_of(in_one_piece(name(whole)), part, steps))

    def check(self, before: Before, shape: Any, dims: Any, word: str) -> None:
        """Have it asked that an array is of the shape that others have."""
        before.checks.setdefault(shape, {}).setdefault(dims, word)

    def written(self, loop: Op) -> list[Any]:
        """The statements before a loop."""
        if loop not in self.before:
            return []
        before = self.before[loop]
        checks = [compared(list(words.values())) for words in before.checks.values() if len(words) > 1]
        parts = [gast.Assign([store(word)], value, None) for word, value in before.parts]
        lines = [gast.Assign([store(word)], value, None) for word, value in before.lines]
        for s in (*checks, *parts, *lines):
            s.origin = loop.origin
        said = [Comment("parts of arrays in one piece, with what lies between their rows")] if lines else []
        return [*checks, *parts, *said, *lines]


def compared(words: list[str]) -> Any:
    """An error where arrays are of different shapes."""
    first, *others = (attr(name(w), "shape") for w in words)
    same = gast.Compare(first, [gast.Eq() for _ in others], others)
    error = call(name("ValueError"), const(f"{', '.join(words)}: of different shapes"))
    return gast.If(gast.UnaryOp(gast.Not(), same), [gast.Raise(error, None)], [])
