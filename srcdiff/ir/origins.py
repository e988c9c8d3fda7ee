"""Statements of the user's, as they stand in the user's file."""

from __future__ import annotations

from collections.abc import Iterable

from srcdiff.ir.graph import Origin

__all__ = ["in_order"]


def in_order(places: Iterable[Origin]) -> list[str]:
    """Lines in the order of the user's file, indented as there; functions in the order of their calls."""
    some = [o for o in places if o.text]
    forward = [o for o in some if not o.adjoint]
    functions: dict[tuple[str, int], dict[int, Origin]] = {}
    for o in [*forward, *(o for o in reversed(some) if o.adjoint)]:
        functions.setdefault((o.file, o.function), {}).setdefault(o.line, o)
    out: dict[str, None] = {}
    for lines in functions.values():
        least = min(o.indent for o in lines.values())
        out |= dict.fromkeys(" " * (lines[n].indent - least) + lines[n].text for n in sorted(lines))
    return list(out)
