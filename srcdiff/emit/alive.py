"""Which variables are read later on, statement by statement, on any way that a function may take."""

from __future__ import annotations

from typing import Any

import gast

from srcdiff.emit.trees import nodes_of

__all__ = ["Alive", "bound_by"]

JUMPS = (gast.Break, gast.Continue)
ENDS = (gast.Return, gast.Raise)


class Alive:
    """What is read behind each statement of a function, and of the loops and branches in it."""

    def __init__(self, stmts: list[Any]) -> None:
        self.behind: dict[int, set[str]] = {}  # by the identity of a statement
        self.trips: dict[int, set[str]] = {}  # behind the last statement of a loop's body
        self.block(stmts, set(), set())

    def block(self, stmts: list[Any], live: set[str], jumps: set[str]) -> set[str]:
        """What is read from the first of some statements on; ``jumps``: where a loop goes on, or ends."""
        for s in reversed(stmts):
            self.behind[id(s)] = live
            live = self.before(s, live, jumps)
        return live

    def before(self, s: Any, live: set[str], jumps: set[str]) -> set[str]:
        if isinstance(s, JUMPS):
            return jumps
        if isinstance(s, ENDS):
            return loads(s)
        if isinstance(s, gast.Assign):
            return (live - bound_by(s)) | loads(s)
        if isinstance(s, gast.If):
            then, other = self.block(s.body, live, jumps), self.block(s.orelse, live, jumps)
            return then | other | loads(s.test)
        if isinstance(s, (gast.For, gast.While)):
            return self.loop(s, live, jumps)
        return live | names(s) | (jumps if hasattr(s, "body") else set())

    def loop(self, s: Any, live: set[str], jumps: set[str]) -> set[str]:
        is_for = isinstance(s, gast.For)
        head = live | self.block(s.orelse, live, jumps) | (set() if is_for else loads(s.test))
        while True:
            first = self.block(s.body, head, head) - (names(s.target) if is_for else set())
            if first <= head:
                break
            head = head | first
        self.trips[id(s)] = head
        return head | loads(s.iter) if is_for else head


def bound_by(s: Any) -> set[str]:
    """The variables that an assignment surely sets."""
    if not isinstance(s, gast.Assign):
        return set()
    parts = (p for t in s.targets for p in (t.elts if isinstance(t, gast.Tuple) else [t]))
    return {p.id for p in parts if isinstance(p, gast.Name)}


def loads(tree: Any) -> set[str]:
    return {x.id for x in nodes_of(tree) if type(x) is gast.Name and type(x.ctx) is gast.Load}


def names(tree: Any) -> set[str]:
    """All names in a tree: of what is not looked into, each may be read."""
    return {x.id for x in nodes_of(tree) if type(x) is gast.Name}
