"""A ``try`` statement in parts: each of its statements in a ``try`` of its own, then the handlers.

Written this way a handler knows which statements have been done.  What was raised is a number in a variable
(0: nothing so far, else the handler's), and what it was in another; names with a ``!`` are ours.
"""

from __future__ import annotations

import contextlib
import copy
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.backends import numpy_names
from srcdiff.frontend.checkpoints import is_checkpoint
from srcdiff.frontend.exits import jumps
from srcdiff.frontend.scope import Known, nodes_in
from srcdiff.frontend.trial import foreseen
from srcdiff.ir.records import dataclass

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["around_in_parts", "harmless", "in_parts"]


@dataclass(frozen=True, slots=True)
class Group:
    """The handlers of one statement, and the variables that say how it went."""

    flag: str
    error: str
    handlers: list[Any]

    @property
    def keeps_error(self) -> bool:
        return any(h.name is not None or raises_again(h.body) for h in self.handlers)


def load(name: str) -> Any:
    return gast.Name(name, gast.Load(), None, None)


def store(name: str, value: Any) -> Any:
    return gast.Assign([gast.Name(name, gast.Store(), None, None)], value, None)


def const(v: Any) -> Any:
    return gast.Constant(v, None)


def is_code(name: str, k: int) -> Any:
    return gast.Compare(load(name), [gast.Eq()], [const(k)])


def located(stmts: list[Any], place: Any) -> list[Any]:
    """Give nodes made here the place of the statement that they stand for."""
    for s in stmts:
        for n in gast.walk(s):
            for field in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
                if getattr(n, field, None) is None:
                    setattr(n, field, getattr(place, field, 0))
    return stmts


def group_of(lw: Lowerer, handlers: list[Any]) -> Group:
    lw.groups += 1
    return Group("failed" + "!" * lw.groups, "error" + "!" * lw.groups, handlers)


def in_parts(lw: Lowerer, s: Any) -> list[Any]:
    """The statements that a ``try`` without ``finally`` stands for."""
    g = group_of(lw, s.handlers)
    return located([*begin(g), *Splitter(lw, (g,)).block(s.body), *handled(lw, g, s.orelse, ())], s)


def around_in_parts(lw: Lowerer, s: Any, body: list[Any]) -> tuple[list[Any], str, str]:
    """A body of which any exception is held back for a while, and the names of what says so."""
    g = group_of(lw, [every()])
    return located([*begin(g), *Splitter(lw, (g,)).block(body)], s), g.flag, g.error


def suppressing(s: Any, call: Any, body: list[Any]) -> Any:
    """The ``try`` that ``with suppress(...)`` is."""
    return catching(s, call.args[0] if len(call.args) == 1 else gast.Tuple(call.args, gast.Load()), body)


def catching(s: Any, caught: Any, body: list[Any]) -> Any:
    """A block that holds back some exceptions."""
    made = gast.Try(body, [gast.ExceptHandler(caught, None, [gast.Pass()])], [], [])
    located([gast.copy_location(made, s)], s)
    made.tag = f"suppress {getattr(s, 'tag', '')}"
    return made


def every() -> Any:
    return gast.ExceptHandler(None, gast.Name("caught!", gast.Store(), None, None), [])


def begin(g: Group) -> list[Any]:
    return [store(g.flag, const(0)), *([store(g.error, const(None))] if g.keeps_error else [])]


def handled(lw: Lowerer, g: Group, orelse: list[Any], outer: tuple[Group, ...]) -> list[Any]:
    """The handlers, as branches; ``outer``: the statements around, when they are in parts too."""

    def split(stmts: list[Any]) -> list[Any]:
        return Splitter(lw, outer).block(stmts) if outer else stmts

    chain: list[Any] = []
    for k, h in reversed(list(enumerate(g.handlers, 1))):
        body = again_as(h.body, g.error) if raises_again(h.body) else h.body
        if h.name is not None:
            gone = gast.Delete([gast.Name(h.name.id, gast.Del(), None, None)])
            body = [store(h.name.id, load(g.error)), *body, gone]
        only = len(g.handlers) == 1 and not orelse
        chain = [gast.If(load(g.flag) if only else is_code(g.flag, k), split(body), chain)]
    if orelse:
        chain = [gast.If(gast.UnaryOp(gast.Not(), load(g.flag)), split(orelse), chain)]
    return chain


def raises_again(stmts: list[Any]) -> bool:
    return any(isinstance(n, gast.Raise) and n.exc is None for n in nodes_in(*stmts))


def again_as(stmts: list[Any], name: str) -> list[Any]:
    """``raise`` by itself names what it raises."""

    class Naming(gast.NodeTransformer):  # type: ignore[misc]
        def visit_Raise(self, node: Any) -> Any:
            if node.exc is not None:
                return node
            return gast.copy_location(gast.Raise(load(name), None), node)

        def visit_ExceptHandler(self, node: Any) -> Any:
            return node

        visit_FunctionDef = visit_Lambda = visit_ExceptHandler

    return [Naming().visit(copy.deepcopy(s)) for s in stmts]


def harmless(stmts: list[Any]) -> bool:
    """Whether statements only set variables, so that nobody sees them where an exception goes on."""
    for s in stmts:
        if isinstance(s, gast.Pass):
            continue
        if not isinstance(s, (gast.Assign, gast.AugAssign, gast.AnnAssign)):
            return False
        targets = s.targets if isinstance(s, gast.Assign) else [s.target]
        if not all(isinstance(t, gast.Name) for t in targets):
            return False
        acting = (gast.Call, gast.NamedExpr, gast.Subscript, gast.Attribute)
        if any(isinstance(n, acting) for n in nodes_in(s)):
            return False
    return True


_FREE = (
    gast.Pass, gast.Break, gast.Continue, gast.Global, gast.Nonlocal, gast.FunctionDef,
)  # fmt: skip


class Splitter:
    """Statements within the ``try`` statements that ``groups`` stand for, innermost first."""

    def __init__(self, lw: Lowerer, groups: tuple[Group, ...]) -> None:
        self.lw, self.groups = lw, groups

    def going(self) -> Any:
        """Whether nothing was raised so far."""
        tests = [gast.UnaryOp(gast.Not(), load(g.flag)) for g in self.groups]
        return tests[0] if len(tests) == 1 else gast.BoolOp(gast.And(), tests)

    def stopped(self) -> Any:
        tests = [load(g.flag) for g in self.groups]
        return tests[0] if len(tests) == 1 else gast.BoolOp(gast.Or(), tests)

    def block(self, stmts: list[Any]) -> list[Any]:
        out: list[Any] = []
        for n, s in enumerate(stmts):
            if isinstance(s, _FREE) or (isinstance(s, gast.Return) and s.value is None):
                out.append(s)
                continue
            out += located(self.statement(s), s)
            rest = self.block(stmts[n + 1 :])
            if rest:
                out += located([gast.If(self.going(), rest, [])], rest[0])
            break
        return out

    def statement(self, s: Any) -> list[Any]:
        handler = getattr(self, f"split_{type(s).__name__}", None)
        return handler(s) if handler is not None else [self.alone(s)]

    def alone(self, s: Any) -> Any:
        """One statement in a ``try`` of its own."""
        handlers = []
        for g in self.groups:
            for k, h in enumerate(g.handlers, 1):
                body = [store(g.flag, const(k))]
                if g.keeps_error:
                    body.append(store(g.error, load("caught!")))
                caught = gast.Name("caught!", gast.Store(), None, None) if g.keeps_error else None
                handlers.append(gast.ExceptHandler(h.type, caught, body))
        made = gast.copy_location(gast.Try([s], handlers, [], []), s)
        made.part = True
        return made

    def word(self, name: str) -> str:
        """A name of our own that no other statement uses."""
        self.lw.groups += 1
        return name + "!" * self.lw.groups

    def valued(self, name: str, value: Any) -> Any:
        return self.alone(gast.copy_location(store(name, value), value))

    # ---- statements with parts
    def split_With(self, s: Any) -> list[Any]:
        first, *others = s.items
        body = [gast.copy_location(gast.With(others, s.body, None), s)] if others else s.body
        call = first.context_expr
        func = foreseen(self.lw, call.func) if isinstance(call, gast.Call) else None
        made = func.obj if isinstance(func, Known) and isinstance(func.obj, type) else None
        if made is contextlib.suppress:
            return self.split_Try(suppressing(s, call, body))
        if made in numpy_names.MODES or made is contextlib.nullcontext or is_checkpoint(func):
            return [gast.copy_location(gast.With([first], self.block(body), None), s)]
        return [self.alone(s)]  # a manager has to see what is raised in its block

    def split_Return(self, s: Any) -> list[Any]:
        value = self.word("value")
        back = gast.copy_location(gast.Return(load(value)), s)
        return [self.valued(value, s.value), gast.If(self.going(), [back], [])]

    def split_If(self, s: Any) -> list[Any]:
        body, orelse = self.block(s.body), self.block(s.orelse)
        if isinstance(s.test, gast.Name):
            return [gast.copy_location(gast.If(s.test, body, orelse), s)]
        word = self.word("test")
        test = gast.copy_location(gast.If(load(word), body, orelse), s)
        return [self.valued(word, s.test), gast.If(self.going(), [test], [])]

    def split_For(self, s: Any) -> list[Any]:
        leave = gast.If(self.stopped(), [gast.Break()], [])
        body = [*self.block(s.body), leave]
        if isinstance(s.iter, gast.Name):
            return [self.loop(s, s.iter, body)]
        items = self.word("items")
        loop = self.loop(s, load(items), body)
        return [self.valued(items, s.iter), gast.If(self.going(), [loop], [])]

    def loop(self, s: Any, items: Any, body: list[Any]) -> Any:
        made = gast.copy_location(gast.For(s.target, items, body, self.block(s.orelse), None), s)
        made.split = True
        return made

    def split_While(self, s: Any) -> list[Any]:
        leave = gast.If(self.stopped(), [gast.Break()], [])
        word, end = self.word("test"), self.word("done")
        test = self.valued(word, s.test)
        done = gast.If(gast.UnaryOp(gast.Not(), load(word)), [gast.Break()], [])
        loop: list[Any] = []
        if s.orelse:
            done.body.insert(0, store(end, const(True)))
            loop.append(store(end, const(False)))
        body = [test, copy.deepcopy(leave), done, *self.block(s.body), leave]
        loop.append(gast.copy_location(gast.While(const(True), body, []), s))
        if s.orelse:
            loop.append(gast.If(load(end), self.block(s.orelse), []))
        return loop

    def split_Try(self, s: Any) -> list[Any]:
        if s.finalbody:
            return self.final(s)
        g = group_of(self.lw, s.handlers)
        body = Splitter(self.lw, (g, *self.groups)).block(s.body)
        after = handled(self.lw, g, s.orelse, self.groups)
        return [*begin(g), *body, *([gast.If(self.going(), after, [])] if after else [])]

    def final(self, s: Any) -> list[Any]:
        inner = s.body
        if s.handlers:
            inner = [gast.copy_location(gast.Try(s.body, s.handlers, s.orelse, []), s)]
        if jumps(inner):
            self.lw.stop(
                "try",
                "this try with finally is left by return, break or continue, inside another try",
                s,
                note="which of its statements were done has to be known here when an exception is raised",
                help="compute into new variables inside the try, and assign or store them after it",
            )
        g = group_of(self.lw, [every()])
        again = self.alone(gast.copy_location(gast.Raise(load(g.error), None), s))
        return [
            *begin(g),
            *Splitter(self.lw, (g, *self.groups)).block(inner),
            *self.block(s.finalbody),
            gast.If(is_code(g.flag, 1), [again], []),
        ]
