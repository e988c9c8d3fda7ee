"""What srcdiff does not take yet: strike a line when its program works; the test says when."""

from __future__ import annotations

import dataclasses

FIRST = ("first", "text", "second", "peer")


@dataclasses.dataclass(frozen=True)
class Pending:
    """Why a program is expected to fail, and at which stages."""

    reason: str
    stages: tuple[str, ...] = FIRST
    bug: bool = False  # it fails by something else than an honest refusal


PENDING = {
    "goertzel_bank_closures": Pending("value: functions in a list of unknown length"),
    "linked_list_class": Pending("loop: a linked list grown in a loop of unknown length"),
    "quadtree_barnes_hut": Pending("no-rule: a tree of tuples of any depth, in a list that differs in kind"),
}
