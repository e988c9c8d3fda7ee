"""Which names of a function may still be read after a loop, and at the start of its next trip.

The classical backward analysis (Aho, Lam, Sethi, Ullman: Compilers, 9.2.5), over the syntax tree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gast

from srcdiff.frontend.scope import children, nodes_in

__all__ = ["Live", "liveness"]

Names = frozenset[str]
NONE: Names = frozenset()


@dataclass
class Live:
    """By the identity of nodes: names alive after a loop, at the start of its trips, after any statement."""

    after: dict[int, Names] = field(default_factory=dict)
    again: dict[int, Names] = field(default_factory=dict)
    behind: dict[int, Names] = field(default_factory=dict)


def liveness(function: Any) -> Live:
    """The live names around every loop of a function definition."""
    walker = _Walker()
    inner = [n for n in nodes_in(*function.body) if isinstance(n, (gast.FunctionDef, gast.Lambda))]
    walker.always = frozenset().union(*(_loads(n) | _added(n) for n in inner)) if inner else NONE
    walker.block(function.body, NONE, NONE, NONE)
    return walker.live


def _loads(node: Any) -> Names:
    """Names that an expression (or anything below a node) may read."""
    names = (n for n in nodes_in(node) if isinstance(n, gast.Name))
    return frozenset(n.id for n in names if isinstance(n.ctx, gast.Load))


def _added(node: Any) -> Names:
    """Names that are read because something is added to them."""
    sums = (n.target for n in nodes_in(node) if isinstance(n, gast.AugAssign))
    return frozenset(t.id for t in sums if isinstance(t, gast.Name))


def _read(node: Any) -> Names:
    """The same, without the names that comprehensions bind for themselves."""
    if isinstance(node, (gast.ListComp, gast.SetComp, gast.DictComp, gast.GeneratorExp)):
        own = frozenset(n.id for g in node.generators for n in nodes_in(g.target) if isinstance(n, gast.Name))
        below = frozenset().union(*map(_read, children(node)))
        return (below - own) | _read(node.generators[0].iter)
    if isinstance(node, gast.Name):
        return frozenset((node.id,)) if isinstance(node.ctx, gast.Load) else NONE
    return frozenset().union(*map(_read, children(node)))


def _bound(target: Any) -> Names:
    """Names that a target certainly binds."""
    if isinstance(target, gast.Name):
        return frozenset((target.id,))
    if isinstance(target, (gast.Tuple, gast.List)):
        return frozenset().union(*map(_bound, target.elts))
    return _bound(target.value) if isinstance(target, gast.Starred) else NONE


class _Walker:
    def __init__(self) -> None:
        self.live = Live()
        self.always = NONE

    def block(self, stmts: list[Any], out: Names, leave: Names, again: Names) -> Names:
        """Names alive before statements; ``leave``: alive where a break leads, ``again``: a continue."""
        for s in reversed(stmts):
            self.live.behind[id(s)] = out | self.always
            out = self.statement(s, out, leave, again)
        return out

    def statement(self, s: Any, out: Names, leave: Names, again: Names) -> Names:
        if isinstance(s, gast.If):
            then = self.block(s.body, out, leave, again)
            return _read(s.test) | then | self.block(s.orelse, out, leave, again)
        if isinstance(s, (gast.For, gast.While)):
            return self.loop(s, out, leave, again)
        if isinstance(s, (gast.Return, gast.Raise)):
            return _read(s)
        if isinstance(s, gast.Break):
            return leave
        if isinstance(s, gast.Continue):
            return again
        if isinstance(s, gast.Assign):
            return (out - frozenset().union(*map(_bound, s.targets))) | _read(s)
        if isinstance(s, gast.AnnAssign):
            return (out - _bound(s.target) if s.value is not None else out) | _read(s)
        if isinstance(s, gast.AugAssign):
            return out | _read(s) | _bound(s.target)
        if isinstance(s, (gast.Expr, gast.Assert, gast.Pass, gast.FunctionDef)):
            return out | _read(s)
        below = [n for n in nodes_in(s) if isinstance(n, (gast.For, gast.While))]
        everything = out | leave | again | _loads(s) | _added(s)
        for n in below:  # (inside a statement of another kind: all that it or what follows may read)
            self.live.after[id(n)] = self.live.again[id(n)] = everything | self.always
        return everything

    def loop(self, s: Any, out: Names, leave: Names, again: Names) -> Names:
        after = self.block(s.orelse, out, leave, again)
        is_for = isinstance(s, gast.For)
        bound = _bound(s.target) if is_for else NONE
        test = (_read(s.target) if is_for else _read(s.test)) - bound
        head = after | test
        while True:
            body = self.block(s.body, head, out, head)
            new = head | (body - bound)
            if new == head:
                break
            head = new
        self.live.after[id(s)] = after | out | self.always
        self.live.again[id(s)] = head | self.always
        return head | (_read(s.iter) if is_for else NONE)
