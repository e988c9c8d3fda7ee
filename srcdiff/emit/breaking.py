"""Lines broken where they are too long: text in groups, and places where it may be cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field

from srcdiff.emit.atoms import LOW
from srcdiff.ir.records import dataclass

__all__ = ["COMMA", "INDENT", "Cut", "Group", "Layout", "Part", "flat"]


INDENT = 4


@dataclass(frozen=True, slots=True)
class Cut:
    """A place where a line may be broken; the lower the rank, the further out."""

    rank: int
    flat: str  # the text when not broken
    before: str  # what stays at the end of the line when broken
    after: str  # what opens the next line when broken


@dataclass(slots=True)
class Group:
    """Parts within brackets; or, with empty brackets, an expression that may be given parentheses."""

    opening: str
    closing: str
    parts: list[Part] = field(default_factory=list)
    text: str = ""

    @property
    def flat(self) -> str:
        """The text on one line."""
        if not self.text:
            self.text = self.opening + flat(self.parts) + self.closing
        return self.text

    @property
    def soft(self) -> bool:
        """Whether the brackets are only drawn when broken."""
        return not self.opening


Part = str | Cut | Group


def flat(parts: Iterable[Part]) -> str:
    """The text of the parts on one line."""
    return "".join([part if isinstance(part, str) else part.flat for part in parts])


def has_cut(parts: Iterable[Part]) -> bool:
    """Whether a line of these parts can be broken outside of any inner bracket."""
    return any(isinstance(part, Cut) for part in parts)


def worth_breaking(part: Part) -> bool:
    """Whether opening this bracket over several lines gains anything."""
    return isinstance(part, Group) and (
        has_cut(part.parts) or len(part.flat) > 6 * INDENT or any(map(worth_breaking, part.parts))
    )


def without_soft(parts: Iterable[Part]) -> Iterator[Part]:
    """The parts, with soft groups that have no break of their own dissolved."""
    for part in parts:
        if isinstance(part, Group) and part.soft and not has_cut(part.parts):
            yield from without_soft(part.parts)
        else:
            yield part


@dataclass(frozen=True, slots=True)
class Layout:
    """Lays the parts of one logical line out over lines of at most ``width`` columns, where that can be."""

    width: int

    def lines(self, parts: list[Part], indent: int, inside: bool = False) -> list[str]:
        """The lines; ``inside`` brackets a line may be broken anywhere."""
        text = flat(parts)
        if self.fits(text, indent):
            return [" " * indent + text]
        if inside and has_cut(parts):
            return self.at_cuts(parts, indent, INDENT)
        opened = list(without_soft(parts))
        at = self.best_group(opened, indent)
        if at < 0:
            opened, at = parts, self.short_enough(parts, indent)
        if at < 0:
            opened = list(without_soft(parts))
            at = self.best_group(opened, indent, at_need=True)
        if at < 0:
            return [" " * indent + text]
        return self.explode(opened, at, indent, inside)

    def fits(self, text: str, indent: int) -> bool:
        """Whether the text can stand on one line."""
        return indent + len(text) <= self.width

    def best_group(self, parts: list[Part], indent: int, at_need: bool = False) -> int:
        """Which bracket to open: the longest, if possible one whose surroundings then fit; or -1."""

        def open_to(part: Part) -> bool:
            return worth_breaking(part) or (at_need and isinstance(part, Group) and len(part.flat) > INDENT)

        def merit(i: int) -> tuple[bool, int]:
            return self.surroundings_fit(parts, i, indent), len(flat(parts[i : i + 1]))

        return max((i for i, part in enumerate(parts) if open_to(part)), key=merit, default=-1)

    def surroundings_fit(self, parts: list[Part], at: int, indent: int) -> bool:
        """Whether what stands before and after a group, and its brackets, fit on a line each."""
        return self.fits(flat(parts[:at]) + "(", indent) and self.fits(")" + flat(parts[at + 1 :]), indent)

    def short_enough(self, parts: list[Part], indent: int) -> int:
        """The index of a soft group that fits on a line if put in parentheses; or -1."""
        for i, part in enumerate(parts):
            may = isinstance(part, Group) and part.soft and len(part.flat) > INDENT
            if may and self.fits(flat([part]), indent + INDENT) and self.surroundings_fit(parts, i, indent):
                return i
        return -1

    def explode(self, parts: list[Part], at: int, indent: int, inside: bool) -> list[str]:
        """Up to the opening bracket; the group's body, further in; from the closing bracket on."""
        group = parts[at]
        assert isinstance(group, Group)
        head = [*parts[:at], group.opening or "("]
        tail = [group.closing or ")", *parts[at + 1 :]]
        return [
            *self.lines(head, indent, inside),
            *self.body(group.parts, indent + INDENT),
            *self.lines(tail, indent, inside),
        ]

    def body(self, parts: list[Part], indent: int) -> list[str]:
        """What stands between brackets on lines of their own."""
        if has_cut(parts) and not self.fits(flat(parts), indent):
            return self.at_cuts(parts, indent, 0)
        return self.lines(parts, indent, inside=True)

    def at_cuts(self, parts: list[Part], indent: int, hang: int) -> list[str]:
        """Broken at the outermost cuts; lines after the first hang ``hang`` columns further in."""
        items = split(parts)
        plain = not any(has_cut(item) or any(map(worth_breaking, item)) for item in items)
        if plain and all(item[-1] == "," for item in items[:-1]):
            return self.filled([flat(item) for item in items], indent, hang)
        out = self.lines(items[0], indent, inside=True)
        for item in items[1:]:
            out += self.lines(item, indent + hang, inside=True)
        return out

    def filled(self, texts: list[str], indent: int, hang: int) -> list[str]:
        """As many to a line as fit."""
        out = [" " * indent + texts[0]]
        for text in texts[1:]:
            if self.fits(" " + text, len(out[-1])):
                out[-1] += " " + text
            else:
                out.append(" " * (indent + hang) + text)
        return out


def split(parts: list[Part]) -> list[list[Part]]:
    """The parts between the cuts of lowest rank."""
    rank = min(part.rank for part in parts if isinstance(part, Cut))
    items: list[list[Part]] = [[]]
    for part in parts:
        if isinstance(part, Cut) and part.rank == rank:
            items[-1] += [part.before] if part.before else []
            items.append([part.after] if part.after else [])
        else:
            items[-1].append(part)
    return items


COMMA = Cut(LOW, ", ", ",", "")
