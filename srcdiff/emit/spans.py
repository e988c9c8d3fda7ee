"""Sets of spans between positions of a text: when variables are alive."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable

__all__ = ["Span", "Spans"]

Span = tuple[int, int]


class Spans:
    """Spans ``(start, end)``; two meet where they have a part in common, or start at one position.

    Those that overlap are kept as one, all in order: whether two sets meet takes a search in the larger one
    for each span of the smaller.
    """

    __slots__ = ("begins", "ends", "points", "starts")

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self.begins: list[int] = []
        self.ends: list[int] = []
        self.points: list[int] = []  # empty ones: they meet what begins before and ends after
        begins, ends, reached = self.begins, self.ends, -1
        apart = set(spans)
        for start, end in sorted(apart) if len(apart) > 1 else apart:
            if start >= end:
                self.points.append(start)
            elif start >= reached or not ends:
                begins.append(start)
                ends.append(end)
                reached = end
            elif end > reached:
                ends[-1] = reached = end
        self.starts = {start for start, _ in apart}

    def add(self, start: int, end: int) -> None:
        """One more span, which is one with those that it has a part in common with."""
        first, last = bisect_right(self.ends, start), bisect_left(self.begins, end)
        if first < last:
            start, end = min(start, self.begins[first]), max(end, self.ends[last - 1])
        self.begins[first:last] = [start]
        self.ends[first:last] = [end]

    def update(self, other: Spans) -> None:
        self.starts |= other.starts
        for start, end in zip(other.begins, other.ends, strict=True):
            self.add(start, end)
        for at in other.points:
            insort(self.points, at)

    def with_those(self, other: Spans) -> Spans:
        """Both, in a set of its own."""
        new = Spans()
        new.starts, new.begins, new.ends = set(self.starts), list(self.begins), list(self.ends)
        new.points = list(self.points)
        new.update(other)
        return new

    def meets(self, other: Spans) -> bool:
        if not self.starts or not other.starts:
            return False
        few, many = (self, other) if len(self.starts) <= len(other.starts) else (other, self)
        if not few.starts.isdisjoint(many.starts):
            return True
        for start, end in zip(few.begins, few.ends, strict=True):
            if many.has_part(start, end):
                return True
            n = bisect_right(many.points, start)
            if n < len(many.points) and many.points[n] < end:
                return True
        return any(many.has_part(at, at) for at in few.points)

    def around(self, at: int) -> Span:
        """The span that a position lies in, or begins; one that is empty if there is none."""
        n = bisect_right(self.ends, at)
        return (self.begins[n], self.ends[n]) if n < len(self.ends) and self.begins[n] <= at else (0, 0)

    def has_part(self, start: int, end: int) -> bool:
        """Whether a span begins before an end and ends after a start."""
        n = bisect_right(self.ends, start)
        return n < len(self.ends) and self.begins[n] < end
