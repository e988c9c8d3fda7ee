"""Large arrays are let go of where nobody reads them any more: ``del`` in the body of a function.

What a function holds to its end is as many pages of memory that the system makes anew in each call, which for
large arrays takes longer than the arithmetic.  What is let go of is used again by the arrays made after it.
A name says nothing of sizes: arrays of three dimensions and more are taken to be large.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gast

from srcdiff.emit.printer import Blank, Comment
from srcdiff.ir.kinds import Array

if TYPE_CHECKING:
    from srcdiff.emit.assemble import Assembler

__all__ = ["released"]

LARGE = 3  # dimensions


def released(asm: Assembler, stmts: list[Any]) -> list[Any]:
    """The statements of a function, with those that let go of arrays."""
    large = {word for v, word in asm.names.names.items() if is_large(v.kind)}
    large -= {word for v, word in asm.names.names.items() if not is_large(v.kind)}
    large -= {p.name for p in asm.graph.region.params} | asm.ahead.viewed
    if not large or "rows" not in asm.graph.info:
        return stmts
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    kept: set[str] = set()
    for n, s in enumerate(stmts):
        if isinstance(s, (Blank, Comment)):
            continue
        for node in gast.walk(s):
            if isinstance(node, (gast.FunctionDef, gast.Lambda, gast.Delete)):
                kept |= names_in(node)
        for word in names_in(s) & large:
            first.setdefault(word, n)
            last[word] = n
    made = [n for n in first.values() if is_made(stmts[n])]
    ends = {w: n for w, n in last.items() if w not in kept and w in assigned(stmts[first[w]])}
    for word, n in sorted(ends.items(), key=lambda e: -e[1]):
        heir = assigned(stmts[n])
        if isinstance(getattr(stmts[n], "value", None), gast.Name) and heir:
            ends[word] = max(ends.get(h, len(stmts)) for h in heir)  # (another name for the same array)
    out: list[Any] = []
    for n, s in enumerate(stmts):
        out.append(s)
        words = sorted(w for w, at in ends.items() if at == n)
        if words and any(at > n for at in made):
            gone = gast.Delete([gast.Name(w, gast.Del(), None, None) for w in words])
            gone.origin = getattr(s, "origin", None)
            out.append(gone)
    return out


def is_large(k: Any) -> bool:
    return isinstance(k, Array) and len(k.dims) >= LARGE


def names_in(tree: Any) -> set[str]:
    return {n.id for n in gast.walk(tree) if isinstance(n, gast.Name)}


def assigned(s: Any) -> set[str]:
    """The names that a plain assignment binds."""
    targets = s.targets if isinstance(s, gast.Assign) else []
    return {t.id for t in targets if isinstance(t, gast.Name)}


def is_made(s: Any) -> bool:
    """Whether a statement makes an array, and does not only name one."""
    return isinstance(s, gast.Assign) and not isinstance(s.value, (gast.Name, gast.Subscript))
