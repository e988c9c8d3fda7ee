"""Groups of statements headed by the user's line that they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gast

from srcdiff.emit.printer import Blank, Comment, render
from srcdiff.emit.trees import blocks
from srcdiff.ir.graph import Origin

if TYPE_CHECKING:
    from srcdiff.emit.assemble import Assembler

__all__ = ["LONGEST_COMMENT", "UNTOLD", "comment", "compound", "depth_zero", "joins", "label", "shortened"]


LONGEST_COMMENT = 70


UNTOLD = ("def ", "lambda", "return lambda", "for ", "while ", "if ", "elif ", "else", "try", "with ")


def comment(asm: Assembler, stmts: list[Any]) -> list[Any]:
    """Head each group of the backward sweep with the primal statement it belongs to."""
    out: list[Any] = []
    n = 0
    began = False
    while n < len(stmts):
        s = stmts[n]
        origin = getattr(s, "origin", None)
        for holder, field_ in blocks(s):
            labelled = asm.labelled
            asm.labelled = None if isinstance(s, (gast.For, gast.While)) else labelled
            setattr(holder, field_, comment(asm, getattr(holder, field_)))
            asm.labelled = labelled
        if origin is None or not origin.adjoint or isinstance(s, (Blank, Comment)):
            out.append(s)
            n += 1
            continue
        if (
            not began
            and out
            and depth_zero(asm, stmts)
            and any(not isinstance(x, (Blank, Comment)) for x in out)
        ):
            out.append(Blank())
        began = True
        group = [s]
        while (
            n + len(group) < len(stmts) and joins(asm, stmts[n + len(group)], origin) and not compound(s)
        ):
            group.append(stmts[n + len(group)])
        if not compound(s):
            label(asm, group, origin, out)
        out.extend(group)
        for g in group[1:]:
            for holder, field_ in blocks(g):
                setattr(holder, field_, comment(asm, getattr(holder, field_)))
        n += len(group)
    return out


def depth_zero(asm: Assembler, stmts: list[Any]) -> bool:
    return stmts is asm.top


def compound(s: Any) -> bool:
    return isinstance(s, (gast.For, gast.While, gast.If, gast.Try, gast.With))


def joins(asm: Assembler, s: Any, origin: Origin) -> bool:
    return getattr(s, "origin", None) == origin and not compound(s)


def label(asm: Assembler, group: list[Any], origin: Origin, out: list[Any]) -> None:
    """Name the primal statement: beside a single line, above a group."""
    text = shortened(origin.text)
    if not text or text.startswith(UNTOLD) or origin == asm.labelled:
        return
    asm.labelled = origin
    line = render(group[0]).rstrip() if len(group) == 1 and len(text) + 12 <= 92 else "\n"
    if "\n" not in line and len(line) + len(text) + 12 <= 92:
        group[0].comment = text
    else:
        out.append(Comment(text))


def shortened(text: str) -> str:
    """The beginning of a long statement, for a comment."""
    if len(text) <= LONGEST_COMMENT:
        return text
    at = text.rfind(" ", 0, LONGEST_COMMENT - 3)
    return text[: at if at > 0 else LONGEST_COMMENT - 4] + " ..."
