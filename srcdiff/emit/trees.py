"""The small words of syntax trees."""

from __future__ import annotations

import functools
import textwrap
from typing import Any

import gast

from srcdiff.emit.printer import Blank, Comment
from srcdiff.ir.graph import Op, Ref

__all__ = [
    "attr",
    "blocks",
    "call",
    "const",
    "deletions",
    "ends",
    "filled",
    "finals",
    "is_name",
    "name",
    "named_in",
    "nodes_of",
    "spells_none",
    "store",
    "strip",
]


COLUMNS = 80  # of words in a line, less their commas
LEAVES = (gast.Name, gast.Constant)
LOAD, STORE = gast.Load(), gast.Store()  # (these say nothing of where they stand)


def name(id: str, ctx: Any = LOAD) -> Any:
    made = gast.Name()
    made.id, made.ctx, made.annotation, made.type_comment = id, ctx, None, None  # (there are many of them)
    return made


def store(id: str) -> Any:
    return name(id, STORE)


def const(v: Any) -> Any:
    return gast.Constant(v, None)


def call(fn: Any, *args: Any, **kw: Any) -> Any:
    return gast.Call(fn, list(args), [gast.keyword(k, v) for k, v in kw.items()])


def attr(x: Any, a: str) -> Any:
    return gast.Attribute(x, a, LOAD)


def strip(stmts: list[Any]) -> list[Any]:
    return [s for s in stmts if not isinstance(s, (Blank, Comment, gast.Pass))]


def is_name(node: Any, id: str) -> bool:
    return isinstance(node, gast.Name) and node.id == id


def spells_none(s: Any) -> bool:
    return isinstance(s, gast.Assign) and isinstance(s.value, gast.Constant) and s.value.value is None


def ends(stmts: list[Any]) -> bool:
    real = strip(stmts)
    return bool(real) and isinstance(real[-1], (gast.Break, gast.Continue, gast.Return, gast.Raise))


def filled(stmts: list[Any]) -> list[Any]:
    return stmts if strip(stmts) else [*stmts, gast.Pass()]


def finals(handlers: list[Any], op: Op, orelse: list[Any]) -> list[Any] | None:
    """The statements of a ``finally``: done after any exception, which goes on, and after the body."""
    if len(handlers) != 1 or not isinstance(op.ins[0], Ref) or op.ins[0].obj is not BaseException:
        return None
    *stmts, end = strip(handlers[0].body) or [None]
    if not isinstance(end, gast.Raise) or end.exc is not None or handlers[0].name is not None:
        return None
    first = orelse[: len(stmts)]
    if [gast.dump(s) for s in first] != [gast.dump(s) for s in stmts]:
        return None
    return first


def named_in(stmts: list[Any], caught: str) -> Any:
    """The name of a handler's exception, if its statements use it; raising it again takes none."""
    for s in stmts:
        for n in gast.walk(s):
            if isinstance(n, gast.Raise) and n.cause is None and is_name(n.exc, caught):
                n.exc = None
    used = any(is_name(n, caught) for s in stmts for n in gast.walk(s))
    return store(caught) if used else None


def blocks(s: Any) -> list[tuple[Any, str]]:
    """The lists of statements inside a statement: who holds them, and as what."""
    if isinstance(s, gast.FunctionDef):
        return []
    holders = [s, *getattr(s, "handlers", ())]
    found = [(h, f) for h in holders for f in ("body", "orelse", "finalbody")]
    return [(h, f) for h, f in found if isinstance(getattr(h, f, None), list) and getattr(h, f)]


def deletions(words: list[str], origin: Any) -> list[Any]:
    """The lines that let variables go."""
    lines = textwrap.wrap(" ".join(words), COLUMNS)
    out = [gast.Delete([store(word) for word in line.split()]) for line in lines]
    for s in out:
        s.origin = origin
    return out


def nodes_of(tree: Any) -> list[Any]:
    """A tree and the trees in it, but no operators, and not what a name or a constant is made of."""
    nodes = [tree]
    for node in nodes:  # (which grow)
        cls: Any = type(node)
        if cls in LEAVES:
            continue
        held = vars(node)
        for name in parts_of(cls):
            part = held.get(name)
            if type(part) is list:
                nodes += [p for p in part if isinstance(p, gast.AST)]
            elif isinstance(part, gast.AST):
                nodes.append(part)
    return nodes


@functools.cache
def parts_of(cls: Any) -> tuple[str, ...]:
    return tuple(f for f in cls._fields if f not in ("ctx", "op", "ops"))
