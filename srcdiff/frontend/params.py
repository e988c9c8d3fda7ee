"""What is known of an argument before a function is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from srcdiff.ir.kinds import FLOAT, Kind, is_whole
from srcdiff.ir.records import dataclass

__all__ = ["Param", "float_param"]


@dataclass(frozen=True, slots=True)
class Param:
    """What is known of one argument: its kind, or the constant or object itself.

    With a kind, ``constant`` is a container of which the text is known: it is part of the signature.
    """

    name: str
    kind: Kind | None = None
    constant: Any = None
    path: tuple[Any, ...] | None = None  # for a function given as argument: how to reach it at each call
    whole: tuple[Kind, Any] | None = None  # what it is one example of: many, of that kind


def float_param(p: Param, wanted: bool) -> Param:
    """An integer given where a derivative is asked for counts as a real number."""
    if wanted and is_whole(p.kind):
        return replace(p, kind=FLOAT)
    return p
