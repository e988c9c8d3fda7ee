"""Names that some paths do not bind, and that are read where such a path may lead.

The classical forward analysis of definite assignment, over the syntax tree.  For each of these names the
reader keeps a flag beside the variable, and looks at it where the name is not bound for sure.
"""

from __future__ import annotations

import operator
import sys
import types
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.frontend.scope import (
    Agg,
    Frame,
    Plain,
    assigned_names,
    children,
    declared,
    flag_of,
    is_exhaustive,
    nodes_in,
    own_names,
    parameters,
)
from srcdiff.ir.graph import Atom, Const, LoopView, Op, Val
from srcdiff.ir.kinds import BOOL, INT

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["Unsure", "check", "is_set", "names_unsure", "part_flag", "runs", "truth_of"]

Names = frozenset[str]
NONE: Names = frozenset()


def check(lw: Lowerer, frame: Frame, name: str, node: Any) -> None:
    """A name is read that may have no value here: raise as Python does."""
    if name not in frame.unsure.names or key_of(node, name) in frame.unsure.sure:
        return
    if (frame.id, name) not in lw.state.names and (frame.id, flag_of(name)) not in lw.state.names:
        return  # the function has ended, and so have its names
    flag = lw.read(lw.state.names[frame.id, flag_of(name)], node)
    known = truth_of(lw, flag)
    error, text = says(name, key_of(node, name) in frame.unsure.free)
    if known is None:
        lw.raise_unless(flag, error, text)
        lw.state.names[frame.id, flag_of(name)] = Plain(Const(True))
    elif not known:
        if lw.region is lw.graph.region and not lw.attempts:
            lw.stop("unbound", f"{name!r} may be used before it has a value", node)
        lw.raise_here(error, text)


def truth_of(lw: Lowerer, flag: Atom) -> bool | None:
    """What a flag is on the path being read, where that is known."""
    if isinstance(flag, Const):
        return bool(flag.value)
    return lw.facts.get(flag) if isinstance(flag, Val) else None


def is_set(lw: Lowerer, box: Agg, name: str, node: Any) -> bool:
    """Whether an object has a field of its own; where only some paths set it, Python raises on the others."""
    flag = part_flag(lw, box, name, node)
    known = truth_of(lw, flag)
    said = [vars(c)[word] for c in box.type.__mro__ for word in (name, "__getattr__") if word in vars(c)]
    said = [x for x in said if not isinstance(x, types.MemberDescriptorType)]  # (a slot says nothing)
    text = f"{box.type.__name__!r} object has no attribute {name!r}"
    if known is False and not said and lw.region is not lw.graph.region:
        lw.raise_here(AttributeError, text)
    if known is not None:
        return known
    if said:
        lw.stop("attribute", f"only some of the paths that lead here set the attribute {name!r}", node,
                note="on the others it is what the class says", help="set it on all of them")  # fmt: skip
    lw.raise_unless(flag, AttributeError, text)
    return True


def part_flag(lw: Lowerer, box: Agg, name: str, node: Any) -> Atom:
    """Whether a field of an object is set."""
    if name not in box.keys or flag_of(name) not in box.keys:
        return Const(name in box.keys)
    return lw.read(box.items[box.keys.index(flag_of(name))], node)


def runs(lw: Lowerer, loop: Op) -> Atom | None:
    """Whether a loop has a trip, where that is asked beside it."""
    view = LoopView(loop)
    if loop.code != "for":
        return None
    step = view.header[2] if view.head == 3 and not view.sources else None
    if isinstance(step, Const):
        ends = view.header[:2] if step.value > 0 else view.header[1::-1]
        return lw.prim(operator.lt, ends, result=BOOL)
    if view.head == 0 and len(view.sources) == 1:
        return lw.prim(operator.lt, [Const(0), lw.prim(len, view.sources, result=INT)], result=BOOL)
    return None


def says(name: str, free: bool, since: bool = sys.version_info >= (3, 11)) -> tuple[type[Exception], str]:
    """What Python raises for a name that is not bound (``since``: since Python 3.11)."""
    if since:
        end = " in enclosing scope" if free else ""
        sort = "free" if free else "local"
        text = f"cannot access {sort} variable {name!r} where it is not associated with a value{end}"
    elif free:
        text = f"free variable {name!r} referenced before assignment in enclosing scope"
    else:
        text = f"local variable {name!r} referenced before assignment"
    return (NameError if free else UnboundLocalError), text


def looked_at(s: Any) -> str | None:
    """The name of which an emitted text has seen, in an ``if`` that raises, that it is bound."""
    match s:
        case gast.If(body=[gast.Raise(exc=gast.Call(func=gast.Name(id=error), args=[c]))], orelse=[]):
            said = str(getattr(c, "value", ""))
            name = said.split("'")[1] if said.count("'") == 2 else ""
            ways = [says(name, free, since) for free in (False, True) for since in (False, True)]
            return name if (error, said) in [(e.__name__, text) for e, text in ways] else None
    return None


Key = tuple[str, int, int]


def key_of(node: Any, name: str) -> Key:
    """Where a name is read: trees that stand for the user's know the same places."""
    return name, getattr(node, "lineno", -1), getattr(node, "col_offset", -1)


@dataclass
class Unsure:
    """Of one function: the names that need a flag, where they are bound for sure, and where they are free."""

    names: Names = NONE
    sure: frozenset[Key] = frozenset()
    free: frozenset[Key] = frozenset()


@lru_cache(maxsize=1024)
def names_unsure(function: Any) -> Unsure:
    """What is not known to be bound in a function definition."""
    walker = _Walker(function)
    walker.block(function.body, Point(walker.given, walker.given | walker.elsewhere))
    names = frozenset(n for n, _, _ in walker.unsure)
    return Unsure(names, frozenset(walker.sure - walker.unsure), frozenset(walker.free))


@dataclass(frozen=True, slots=True)
class Point:
    """What is bound at a point of the program: on all paths, on some."""

    all: Names
    some: Names

    def bind(self, *names: str) -> Point:
        return Point(self.all.union(names), self.some.union(names))

    def free(self, *names: str) -> Point:
        return Point(self.all.difference(names), self.some.difference(names))


At = Point | None  # None: no path leads here


def both(a: Point, b: Point) -> Point:
    return Point(a.all & b.all, a.some | b.some)


def meet(a: At, b: At) -> At:
    return both(a, b) if a is not None and b is not None else a or b


@dataclass
class Jumps:
    """The points from which a loop is left, and from which its next trip begins."""

    left: At = None
    again: At = None


@dataclass
class _Walker:
    function: Any
    unsure: set[Key] = field(default_factory=set)
    sure: set[Key] = field(default_factory=set)
    free: set[Key] = field(default_factory=set)

    def __post_init__(self) -> None:
        f = self.function
        nodes = nodes_in(*f.body)
        inner = [n for n in nodes if isinstance(n, (gast.FunctionDef, gast.Lambda, gast.ClassDef))]
        self.given = parameters(f)
        self.own = own_names(f) - declared(f.body, gast.Global)
        # what functions inside this one bind is bound at any time; what is deleted may go at any time
        self.elsewhere = frozenset().union(*(declared([n], gast.Nonlocal) for n in inner)) & self.own
        self.fleeting = deleted(nodes)

    def read(self, name: str, node: Any, at: Point, later: bool = False) -> None:
        if name not in self.own:
            return
        bound = name in at.all and not (later and name in self.fleeting)
        if not bound and not later and name not in at.some:
            return  # on no path: a problem of its own
        (self.sure if bound else self.unsure).add(key_of(node, name))

    def inside(self, node: Any, at: Point, own: Names, later: bool = True) -> None:
        """What a function or a comprehension reads that stands here; ``later``: whenever it is called."""
        for n in nodes_in(node):
            if isinstance(n, gast.Name) and n.id not in own and not isinstance(n.ctx, gast.Store):
                self.read(n.id, n, at, later)
                if later or sys.version_info < (3, 12):  # (comprehensions are functions there)
                    self.free.add(key_of(n, n.id))

    def expr(self, n: Any, at: Point) -> Point:
        if n is None:
            return at
        if isinstance(n, gast.Name):
            if isinstance(n.ctx, gast.Load):
                self.read(n.id, n, at)
            elif isinstance(n.ctx, gast.Store):
                return at.bind(n.id)
            elif isinstance(n.ctx, gast.Del):
                self.read(n.id, n, at)
                return at.free(n.id)
            return at
        if isinstance(n, gast.Lambda):
            for d in (*n.args.defaults, *(d for d in n.args.kw_defaults if d is not None)):
                at = self.expr(d, at)
            self.inside(n.body, at, own_names(n))
            return at
        if isinstance(n, (gast.ListComp, gast.SetComp, gast.DictComp, gast.GeneratorExp)):
            at = self.expr(n.generators[0].iter, at)
            targets = nodes_in(*(g.target for g in n.generators))
            own = frozenset(m.id for m in targets if isinstance(m, gast.Name))
            first, *rest = n.generators
            result = [n.key, n.value] if isinstance(n, gast.DictComp) else [n.elt]
            for part in (*first.ifs, *rest, *result):
                self.inside(part, at, own, isinstance(n, gast.GeneratorExp))
            named = frozenset(m.target.id for m in nodes_in(n) if isinstance(m, gast.NamedExpr))
            return Point(at.all, at.some | named)
        if isinstance(n, gast.NamedExpr):
            return self.expr(n.value, at).bind(n.target.id)
        if isinstance(n, gast.IfExp):
            at = self.expr(n.test, at)
            return both(self.expr(n.body, at), self.expr(n.orelse, at))
        if isinstance(n, (gast.BoolOp, gast.Compare)):
            parts = n.values if isinstance(n, gast.BoolOp) else [n.left, *n.comparators]
            first = 1 if isinstance(n, gast.BoolOp) else 2
            for p in parts[:first]:
                at = self.expr(p, at)
            on = at
            for p in parts[first:]:
                on = self.expr(p, on)
                at = both(at, on)
            return at
        for c in children(n):
            at = self.expr(c, at)
        return at

    def block(self, stmts: list[Any], at: At, jumps: Jumps | None = None) -> At:
        for s in stmts:
            if at is None:
                return None
            at = self.statement(s, at, jumps or Jumps())
        return at

    def statement(self, s: Any, at: Point, jumps: Jumps) -> At:
        if isinstance(s, gast.If):
            at = self.expr(s.test, at)
            name = looked_at(s)
            if name is not None:
                return at.bind(name)
            return meet(self.block(s.body, at, jumps), self.block(s.orelse, at, jumps))
        if isinstance(s, (gast.For, gast.While)):
            return self.loop(s, at, jumps)
        if isinstance(s, gast.Break):
            jumps.left = meet(jumps.left, at)
            return None
        if isinstance(s, gast.Continue):
            jumps.again = meet(jumps.again, at)
            return None
        if isinstance(s, (gast.Return, gast.Raise)):
            for c in children(s):
                at = self.expr(c, at)
            return None
        if isinstance(s, gast.Assign):
            at = self.expr(s.value, at)
            for t in s.targets:
                at = self.expr(t, at)
            return at
        if isinstance(s, gast.AnnAssign):
            return at if s.value is None else self.expr(s.target, self.expr(s.value, at))
        if isinstance(s, gast.AugAssign):
            if isinstance(s.target, gast.Name):
                self.read(s.target.id, s.target, at)
            return self.expr(s.target, self.expr(s.value, at))
        if isinstance(s, (gast.FunctionDef, gast.ClassDef)):
            for d in s.decorator_list:
                at = self.expr(d, at)
            own: Names = NONE
            if isinstance(s, gast.FunctionDef):
                for d in (*s.args.defaults, *(d for d in s.args.kw_defaults if d is not None)):
                    at = self.expr(d, at)
                own = own_names(s)
            at = at.bind(s.name)
            for part in s.body:
                self.inside(part, at, own)
            return at
        if isinstance(s, (gast.Import, gast.ImportFrom)):
            return at.bind(*assigned_names([s]))
        if isinstance(s, gast.With):
            for item in s.items:
                at = self.expr(item.optional_vars, self.expr(item.context_expr, at))
            end = self.block(s.body, at, jumps)
            return meet(end, self.within(s.body, at))  # (a manager may stop an exception)
        if isinstance(s, gast.Try):
            return self.attempt(s, at, jumps)
        if isinstance(s, gast.Match):
            return self.match(s, at, jumps)
        if isinstance(s, (gast.Global, gast.Nonlocal)):
            return at
        for c in children(s):
            at = self.expr(c, at)
        return at

    def loop(self, s: Any, at: Point, jumps: Jumps) -> At:
        is_for = isinstance(s, gast.For)
        if is_for:
            at = self.expr(s.iter, at)
        head: Point = at
        while True:
            own = Jumps()
            test = head if is_for else self.expr(s.test, head)
            inside = self.expr(s.target, test) if is_for else test
            end = meet(self.block(s.body, inside, own), own.again)
            new = both(at, end) if end is not None else at
            if new == head:
                break
            head = new
        over: At = end if is_for and goes_round(s.iter) else test
        if not is_for and isinstance(s.test, gast.Constant) and s.test.value:
            over = None
        return meet(self.block(s.orelse, over, jumps), own.left)

    def within(self, body: list[Any], at: Point) -> Point:
        """What is bound somewhere in statements, or where they fail."""
        gone = deleted(nodes_in(*body))
        return Point(at.all - gone, at.some | assigned_names(body))

    def attempt(self, s: Any, at: Point, jumps: Jumps) -> At:
        failed = self.within(s.body, at)
        end = self.block(s.orelse, self.block(s.body, at, jumps), jumps)
        for h in s.handlers:
            start = self.expr(h.type, failed)
            if h.name is not None:
                start = start.bind(h.name.id)
            done = self.block(h.body, start, jumps)
            if done is not None and h.name is not None:
                done = done.free(h.name.id)
            end = meet(end, done)
        if not s.finalbody:
            return end
        whole = [*s.body, *s.orelse, *(x for h in s.handlers for x in h.body)]
        self.block(s.finalbody, self.within(whole, at), jumps)
        return self.block(s.finalbody, end, jumps)

    def match(self, s: Any, at: Point, jumps: Jumps) -> At:
        at = self.expr(s.subject, at)
        end: At = None
        for case in s.cases:
            for n in nodes_in(case.pattern):
                if isinstance(n, gast.Name):
                    self.expr(n, at)
            names = assigned_names([case.pattern])
            inside = self.expr(case.guard, at.bind(*names))
            end = meet(end, self.block(case.body, inside, jumps))
            at = Point(at.all, at.some | inside.some)
        return end if is_exhaustive(s) else meet(end, at)


def deleted(nodes: list[Any]) -> Names:
    """Names that are taken away again somewhere."""
    out = {n.id for n in nodes if isinstance(n, gast.Name) and isinstance(n.ctx, gast.Del)}
    caught = (n.name for n in nodes if isinstance(n, gast.ExceptHandler))
    return frozenset(out | {n.id for n in caught if n is not None})


def goes_round(over: Any) -> bool:
    """Whether a loop over an expression has a trip for sure."""
    if isinstance(over, (gast.Tuple, gast.List)):
        return any(not isinstance(e, gast.Starred) for e in over.elts)
    if not isinstance(over, gast.Call) or not isinstance(over.func, gast.Name) or over.func.id != "range":
        return False
    sizes = [a.value for a in over.args if isinstance(a, gast.Constant) and isinstance(a.value, int)]
    return len(sizes) == len(over.args) and not over.keywords and len(range(*sizes)) > 0
