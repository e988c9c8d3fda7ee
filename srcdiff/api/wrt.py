"""What a derivative is taken with respect to: names, positions and ways, settled against a function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from srcdiff.api.targets import Target, name_of, refuse, refuse_value
from srcdiff.frontend.paths import MOST_SHOWN, Way, is_value, nameable, names_read, parse, readers

__all__ = ["Wrt", "wrt_ways"]

Wrt = str | int | Sequence[str | int] | None


def wrt_ways(
    wrt: Wrt, names: tuple[str, ...], fn: Any, target: Target
) -> tuple[tuple[str, ...], tuple[Way, ...], bool]:
    """The names that ``wrt`` stands for, the ways that they are, and whether it is a single one."""
    what = name_of(fn)
    if wrt is None:
        if not names:
            refuse_value("wrt", f"{what} has no arguments", "name a variable that it captures: wrt='w'")
        return (names[0],), (Way(names[0]),), True

    def one(w: Any) -> tuple[str, Way]:
        if isinstance(w, (int, np.integer)) and not isinstance(w, bool):
            if not -len(names) <= w < len(names):
                count = f"{len(names)} argument{'s' if len(names) != 1 else ''}"
                refuse_value("wrt", f"{what} has {count}; there is no argument {w}", can_be(names, target))
            return names[int(w)], Way(names[int(w)])
        if isinstance(w, str):
            return w, way_of(w, names, what, target)
        refuse(
            "wrt",
            f"wrt must be names or positions, not a {type(w).__name__}",
            "write wrt='w', wrt=0 or wrt=('w', 'b')",
        )

    if isinstance(wrt, (str, int, np.integer)):
        text, way = one(wrt)
        return (text,), (way,), True
    if not isinstance(wrt, (tuple, list)):
        one(wrt)
    got = [one(w) for w in wrt]
    if not got:
        refuse_value("wrt", "wrt is empty", can_be(names, target))
    for i, (text, way) in enumerate(got):
        for other, longer in got[:i] + got[i + 1 :]:
            if way == longer:
                refuse_value("wrt", f"wrt names {text!r} twice", can_be(names, target))
            if way.root == longer.root and way.tokens == longer.tokens[: len(way.tokens)]:
                both = f"{other!r} is a part of {text!r}, and both are named"
                refuse_value("wrt", both, f"name {text!r} alone")
    return tuple(t for t, _ in got), tuple(w for _, w in got), False


def way_of(text: str, names: tuple[str, ...], what: str, target: Target) -> Way:
    """The way that a text stands for."""
    way = parse(text)
    if way is None:
        refuse_value(
            "wrt",
            f"{text!r} is not a name",
            "write a name, or a way to a part: 'w', 'params.w', \"params['w']\", 'layers[0].w'",
        )
    if way.root in names or way.root in target.signature.parameters or reads(target.function, way.root):
        return way
    if not way.tokens and hasattr(target.function, "__code__"):
        found = list(readers(target.function, way.root))
        if len({place for _, place in found}) == 1:
            (_, first), *rest = found[0][0]
            return Way(first, (*(("name", n) for _, n in rest), ("name", way.root)))
        if found:
            there = ", ".join(repr(".".join(str(n) for _, n in (*path, ("var", text)))) for path, _ in found)
            refuse_value(
                "wrt",
                f"{what} reads no variable {text!r} itself; several functions that it calls read one each",
                f"say which: {there}",
            )
    if way.tokens:
        refuse_value(
            "wrt", f"{text!r}: {what} has no argument {way.root!r}, and reads no variable of that name",
            can_be(names, target),
        )  # fmt: skip
    refuse_value(
        "wrt",
        f"{what} has no argument {text!r}, and reads no variable of that name",
        can_be(names, target),
    )


def can_be(names: tuple[str, ...], target: Target) -> str:
    """What there is to name."""
    f = target.function
    out = f"its arguments are {', '.join(names)}" if names else "it has no arguments"
    for n, v in target.bound.items():
        there = [n + x for x in nameable(v)[:MOST_SHOWN]]
        if there:
            out += f"; bound to it: {', '.join(there)}"
    code = getattr(f, "__code__", None)
    captured = [] if code is None else [n for n in names_read(code) if is_value(f, n)]
    return out + (f"; it reads {', '.join(captured[:MOST_SHOWN])}" if captured else "")


def reads(fn: Any, name: str) -> bool:
    """Whether a function, or one within it, reads a variable from outside."""
    code = getattr(fn, "__code__", None)
    if code is None or name not in names_read(code):
        return False
    return name in code.co_freevars or name in fn.__globals__
