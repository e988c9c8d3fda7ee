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
    "quadtree_barnes_hut": Pending(
        "recursion: what build returns holds a list of what it returns, as deep as the data say; a kind is a "
        "finite tree"
    ),
}
