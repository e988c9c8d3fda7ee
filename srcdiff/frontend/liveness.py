"""Which names of a function may still be read after a loop, and at the start of its next trip.

The classical backward analysis (Aho, Lam, Sethi, Ullman: Compilers, 9.2.5), over the syntax tree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gast

from srcdiff.frontend.scope import children, inner_functions, nodes_in, own_names

__all__ = ["Live", "liveness"]

Names = frozenset[str]
NONE: Names = frozenset()


@dataclass
class Live:
    """By the identity of nodes: names alive after a loop, at the start of its trips, after any statement."""

    after: dict[int, Names] = field(default_factory=dict)
    again: dict[int, Names] = field(default_factory=dict)
    behind: dict[int, Names] = field(default_factory=dict)
    inner: Names = frozenset()  # which functions inside the function may read at any time

    def during(self, statement: Any) -> Names:
        """Names whose values may be read after a statement has begun: not those that it binds anew."""
        names = self.behind[id(statement)]
        if isinstance(statement, gast.Assign) and len(statement.targets) == 1:
            names -= _bound(statement.targets[0]) - self.inner
        return names | _loads(statement)


def liveness(function: Any, result: str = "") -> Live:
    """The live names around every loop of a function definition, or of statements that leave a ``result``."""
    walker = _Walker()
    inner, _ = inner_functions(function)
    free = [(_loads(n) | _added(n)) - own_names(n) for n in inner]  # a name of its own is another one
    walker.always = walker.live.inner = frozenset().union(*free) if free else NONE
    walker.block(function.body, frozenset((result,)) if result else NONE, NONE, NONE)
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
    out: set[str] = set()
    todo = [node]
    while todo:
        n = todo.pop()
        if isinstance(n, gast.Name):
            if isinstance(n.ctx, gast.Load):
                out.add(n.id)
        elif isinstance(n, (gast.ListComp, gast.SetComp, gast.DictComp, gast.GeneratorExp)):
            targets = (m for g in n.generators for m in nodes_in(g.target))
            own = frozenset(m.id for m in targets if isinstance(m, gast.Name))
            out |= frozenset().union(*map(_read, children(n))) - own
            todo.append(n.generators[0].iter)
        else:
            todo += children(n)
    return frozenset(out)


def _bound(target: Any) -> Names:
    """Names that a target certainly binds."""
    if isinstance(target, gast.Name):
        return frozenset((target.id,))
    if isinstance(target, (gast.Tuple, gast.List)):
        return frozenset().union(*map(_bound, target.elts))
    return _bound(target.value) if isinstance(target, gast.Starred) else NONE


def _named(node: Any) -> Names:
    """Names that an expression certainly binds (by a walrus), before it reads them."""
    out: set[str] = set()
    _name(node, True, out, set())
    return frozenset(out)


def _name(n: Any, certain: bool, out: set[str], read: set[str]) -> None:
    if isinstance(n, (gast.Lambda, gast.ListComp, gast.SetComp, gast.DictComp, gast.GeneratorExp)):
        read.update(_read(n) - out)
    elif isinstance(n, gast.NamedExpr):
        _name(n.value, certain, out, read)
        if certain and n.target.id not in read:
            out.add(n.target.id)
    elif isinstance(n, gast.Name):
        if isinstance(n.ctx, gast.Load) and n.id not in out:
            read.add(n.id)
    elif isinstance(n, (gast.BoolOp, gast.IfExp)):
        parts = n.values if isinstance(n, gast.BoolOp) else [n.test, n.body, n.orelse]
        _name(parts[0], certain, out, read)
        for p in parts[1:]:
            _name(p, False, out, read)
    elif isinstance(n, gast.Compare):
        for i, p in enumerate([n.left, *n.comparators]):
            _name(p, certain and i < 2, out, read)
    else:
        for c in children(n):
            _name(c, certain, out, read)


def _captured(pattern: Any) -> Names:
    """Names that a pattern binds where it matches."""
    found = (getattr(n, "name", None) or getattr(n, "rest", None) for n in nodes_in(pattern))
    return frozenset(n for n in found if n)


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
            bound = _named(s.test)
            then = self.block(s.body, out, leave, again)
            both = then | self.block(s.orelse, out, leave, again)
            return (_read(s.test) | both) - bound
        if isinstance(s, gast.Match):
            before = out
            for case in s.cases:
                body = self.block(case.body, out, leave, again)
                guard = _read(case.guard) if case.guard is not None else NONE
                before |= ((body | guard) - _captured(case.pattern)) | _read(case.pattern)
            return _read(s.subject) | (before - _named(s.subject))
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
        if not is_for:
            bound = _named(s.test)
            after -= bound
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
