"""Values that go together: what holds of one of them holds of all."""

from __future__ import annotations

from collections.abc import Iterable

from srcdiff.ir.graph import Val

__all__ = ["Groups"]


class Groups:
    """At first each value is a group of its own."""

    def __init__(self, values: Iterable[Val] = ()) -> None:
        self.of = {v: v for v in values}

    def __contains__(self, a: object) -> bool:
        return a in self.of

    def top(self, v: Val) -> Val:
        """The one that stands for the group of a value."""
        while self.of.setdefault(v, v) is not v:
            v = self.of[v]
        return v

    def join(self, a: Val, b: Val) -> None:
        self.of[self.top(a)] = self.top(b)
