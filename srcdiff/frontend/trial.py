"""Reading something in the hope that it can be read: all that the attempt did is taken back if it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gast

if TYPE_CHECKING:
    from srcdiff.errors import Problem
    from srcdiff.frontend.lower import Lowerer
    from srcdiff.frontend.scope import Bound

__all__ = ["Trial", "foreseen", "recover", "snapshot"]


class Trial:
    """What reading changes, as it was when the trial was made."""

    def __init__(self, lw: Lowerer) -> None:
        self.lw = lw
        self.problems, self.ops, self.state = len(lw.problems), len(lw.region.ops), lw.state.copy()
        self.marks: list[Any] = [x.copy() for x in (lw.own_lists, lw.mixed, lw.pinned, lw.frozen, lw.adopted)]
        self.writes = list(lw.element_writes)
        self.made = lw.made

    @property
    def found(self) -> list[Problem]:
        """Problems found since."""
        return self.lw.problems[self.problems :]

    def undo(self) -> None:
        lw = self.lw
        del lw.problems[self.problems :], lw.region.ops[self.ops :]
        lw.state = self.state
        lw.own_lists, lw.mixed, lw.pinned, lw.frozen, lw.adopted = self.marks
        lw.element_writes = self.writes
        lw.made = self.made


def foreseen(lw: Lowerer, tree: Any) -> Bound:
    """What an expression will be, for whoever has to know before it is read: what it does is done once."""
    b: Bound
    if isinstance(tree, gast.Name):
        b = lw.settled(lw.expr(tree))
        return b
    trial = Trial(lw)
    b = lw.settled(lw.expr(tree))
    trial.undo()
    return b


def snapshot(lw: Lowerer) -> Any:
    return (lw.state.copy(), lw.region, len(lw.region.ops), lw.frame, lw.origin, lw.node, len(lw.problems))


def recover(lw: Lowerer, mark: Any) -> None:
    """Forget what has been read since."""
    state, lw.region, size, lw.frame, lw.origin, lw.node, problems = mark
    lw.state = state
    del lw.region.ops[size:]
    del lw.problems[problems:]
