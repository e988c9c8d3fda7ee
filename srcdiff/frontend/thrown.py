"""Exceptions of the program's own that carry numbers: handed to their handlers by a jump.

Where a handler asks what is in an exception that the program raises itself, that ``raise`` is no exception
of Python's: the exception is an object like those of the user's classes, its fields are in a variable, and
the way to the handler is an exit code, as ``break`` and ``return`` have them.  So its numbers are values like
any others, and loops, branches and functions on the way know nothing of it.  A call that may end so has to be
a statement of its own: ``lifted`` makes one of it.  What others raise still arrives as an exception.
"""

from __future__ import annotations

import builtins
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.frontend import exits, loops, objects
from srcdiff.frontend.expressions import stored
from srcdiff.frontend.objects import content
from srcdiff.frontend.parts import load, located, store
from srcdiff.frontend.raising import Attempt
from srcdiff.frontend.scope import Agg, Bound, Either, Known, Loc, Plain, nodes_in
from srcdiff.frontend.trial import foreseen, recover
from srcdiff.ir.graph import Atom, Const, Val
from srcdiff.ir.kinds import OTHER
from srcdiff.ir.records import dataclass

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["Catch", "Lift", "Thrown", "as_value", "asked", "hand_on", "instead", "is_exception", "throw"]

FIRST = 100  # the first code of a jump to a handler: nobody else's are so large
VARIABLE = "thrown!"  # no Python names: where an exception is
MADE = "made!"  # what an exception was made from, beside its attributes


class Thrown(Exception):
    """What is being read ends at a handler, whatever the values are."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__()


class Lift(Exception):
    """A call inside an expression may end at a handler: it has to be a statement of its own."""

    def __init__(self, node: Any) -> None:
        self.node = node
        super().__init__()


@dataclass(frozen=True, slots=True)
class Catch:
    """Where exceptions of the program's own go: of each sort a code, and a variable for what is in it."""

    frame: int
    first: int  # the code of the first sort
    sorts: list[tuple[type, tuple[Any, ...], int]] = field(default_factory=list)  # class, fields, handler

    def sort(self, cls: type, fields: tuple[Any, ...], handler: int) -> int:
        """The code of a sort."""
        one = (cls, fields, handler)
        if one not in self.sorts:
            self.sorts.append(one)
        return self.first + self.sorts.index(one)

    def variable(self, code: int) -> tuple[int, str]:
        return self.frame, f"{VARIABLE}{code}"

    def forget(self, lw: Lowerer) -> None:
        for n in range(len(self.sorts)):
            lw.state.names.pop(self.variable(self.first + n), None)

    @property
    def codes(self) -> range:
        return range(self.first, self.first + FIRST)


class Held(gast.stmt):  # type: ignore[misc]
    """``name = call``, where the call may end at a handler; ``steady``: a name that it must leave alone."""

    _fields = ("name", "call", "steady")


def new_catch(lw: Lowerer) -> Catch:
    depth = sum(a.catch is not None for a in lw.attempts)
    return Catch(lw.frame.id, FIRST * (depth + 1))


def catching(lw: Lowerer) -> bool:
    return any(a.catch is not None for a in lw.attempts)


def asked(s: Any) -> bool:
    """Whether a handler of a ``try`` may look into what it caught: it does more than raise it again."""
    for h in s.handlers:
        if h.name is None:
            continue
        shown = [n for n in nodes_in(*h.body) if isinstance(n, gast.Raise)]
        idle = {id(x) for r in shown for x in (r.exc, r.cause) if isinstance(x, gast.Name)}
        names = (n for n in nodes_in(*h.body) if isinstance(n, gast.Name) and n.id == h.name.id)
        if any(id(n) not in idle for n in names):
            return True
    return False


# ---- raising -----------------------------------------------------------------------------------------------


def is_exception(box: Any) -> bool:
    return isinstance(box, Agg) and isinstance(box.type, type) and issubclass(box.type, BaseException)


def make(lw: Lowerer, cls: type, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
    """An exception as an object with fields, while there is a handler that may look into it."""
    if not catching(lw):
        return None
    given = as_tuple(stored(lw, x) for x in args)
    every = as_tuple([*given.items, *(stored(lw, x) for x in kwargs.values())])
    made = Loc(lw.state.new_cell(Agg(cls, (MADE + ",".join(kwargs), "args"), (every, given))))
    lw.graph.info.setdefault("classes", {})[cls.__name__] = cls
    if issubclass(cls, (StopIteration, SystemExit)) and len(args) == 1:
        objects.put_field(lw, made, "value" if issubclass(cls, StopIteration) else "code", args[0], node)
    objects.initialise(lw, cls, made, args, kwargs, node)
    return made


def as_tuple(items: Any) -> Agg:
    items = tuple(items)
    return Agg(tuple, tuple(range(len(items))), items)


def set_args(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
    """``Exception.__init__(self, ...)``."""
    if not args or not is_exception(content(lw, args[0])):
        return None
    objects.put_field(lw, args[0], "args", as_tuple(stored(lw, x) for x in args[1:]), node)
    return Plain(Const(None))


def shown(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
    """``str(e)``: that of the exception as Python has it."""
    box = content(lw, args[0]) if len(args) == 1 else None
    if not isinstance(box, Agg) or not is_exception(box):
        return None
    own = objects.special(lw, args[0], "__str__", [], node)
    return own if own is not None else lw.call(Known(str, "str"), [Plain(as_value(lw, box, node))], {}, node)


SPECIAL: dict[Any, Any] = {str: shown}
for _e in vars(builtins).values():
    if isinstance(_e, type) and issubclass(_e, BaseException):
        SPECIAL[_e.__init__] = set_args


def as_value(lw: Lowerer, box: Agg, node: Any) -> Atom:
    """An exception as Python has it: made anew, from what it was made from."""
    atoms = [lw.read(x, node) for x in box.items[0].items]  # type: ignore[union-attr]
    words = tuple(filter(None, box.keys[0].removeprefix(MADE).split(",")))
    names = ("",) * (len(atoms) - len(words)) + words if words else ()
    cls: Any = box.type
    return lw.prim(cls, atoms, names, result=OTHER, text=cls.__name__)


def throw(lw: Lowerer, s: Any) -> Any:
    """The exit code of ``raise X``; None where that is an exception of Python's."""
    if not catching(lw):
        return None
    if isinstance(s.exc, gast.IfExp):
        ways = [gast.copy_location(gast.Raise(x, s.cause), s) for x in (s.exc.body, s.exc.orelse)]
        made = gast.copy_location(gast.If(s.exc.test, ways[:1], ways[1:]), s)
        return lw.block([lw.tree_once(s, "either", lambda: made)])
    made_by = foreseen(lw, s.exc.func) if isinstance(s.exc, gast.Call) else None
    known = isinstance(made_by, Known) and isinstance(made_by.obj, type)
    if known and catcher(lw, made_by.obj) is None:  # type: ignore[union-attr]
        return None
    return throw_again(lw, lw.expr(s.exc), s)


def throw_again(lw: Lowerer, error: Bound, s: Any) -> Any:
    """The same for an exception that has been made."""
    error = lw.settled(error)
    if isinstance(error, Either):
        arms = [partial(way, lw, b, s) for b in (error.then, error.other)]
        return exits.merge_exits(lw, error.test, arms[0], arms[1], [])
    if isinstance(error, Known) and isinstance(error.obj, type):
        if catcher(lw, error.obj) is None:
            return None
        error = lw.call(error, [], {}, s)
    box = content(lw, error)
    if not is_exception(box):
        return None
    a = catcher(lw, box.type)
    if a is None or a.catch is None:
        return None
    k = next(k for k, classes in enumerate(a.handlers) if issubclass(box.type, classes))
    code = a.catch.sort(box.type, box.keys, k)
    lw.state.names[a.catch.variable(code)] = as_tuple(box.items)
    return code


def way(lw: Lowerer, error: Bound, s: Any) -> Any:
    from srcdiff.frontend import protect

    code = throw_again(lw, error, s)
    return protect.raise_again(lw, error, s) if code is None else code


def catcher(lw: Lowerer, cls: type) -> Attempt | None:
    """The ``try`` being read in which an exception ends, if that is by a jump."""
    found = next((a for a in reversed(lw.attempts) if a.catches(cls)), None)
    return found if found is not None and found.catch is not None else None


# ---- catching ----------------------------------------------------------------------------------------------


def sort_out(lw: Lowerer, code: Any, catch: Catch, handlers: list[Any], orelse: list[Any]) -> Any:
    """What follows a body that was left with ``code``: a handler, or the ``else``."""
    code = code.value if isinstance(code, Const) else code

    def well() -> Any:
        catch.forget(lw)
        return lw.block(orelse)

    if isinstance(code, int):
        if code in catch.codes:
            return handled(lw, catch, code, handlers)
        return well() if code == exits.FALL else code

    def go(ways: list[int]) -> Any:
        if not ways:
            others = exits.codes(code) - set(catch.codes)
            if others == {exits.FALL}:
                return well()
            left = [(c, c) for c in sorted(others - {exits.FALL, exits.RAISE})]
            return exits.leave_by(lw, code, left, well)
        test = exits.exit_test(lw, code, ways[0])
        first = partial(handled, lw, catch, ways[0], handlers)
        return exits.merge_exits(lw, test, first, lambda: go(ways[1:]), [])

    return go(sorted(c for c in exits.codes(code) if c in catch.codes))


def handled(lw: Lowerer, catch: Catch, code: int, handlers: list[Any]) -> Any:
    """A handler that has been jumped to."""
    cls, fields, k = catch.sorts[code - catch.first]
    h, inside = handlers[k], content(lw, lw.state.names[catch.variable(code)])
    error = Loc(lw.state.new_cell(Agg(cls, fields, inside.items)))
    catch.forget(lw)
    if h.name is not None:
        lw.set_name(h.name.id, error)
    lw.handling.append(error)
    try:
        code = lw.block(h.body)
    finally:
        lw.handling.pop()
    if h.name is not None:
        lw.bind_name(lw.frame, h.name.id, None)
    return code


# ---- on the way --------------------------------------------------------------------------------------------


def jumps_in(code: Any) -> list[int]:
    """The codes of jumps to handlers that a code may be."""
    return sorted(c for c in exits.codes(code) if c >= FIRST) if isinstance(code, (int, Val, Const)) else []


def hand_on(lw: Lowerer, code: Any, node: Any) -> None:
    """A function, or statements that stand for an expression, is left with ``code``: so is their caller."""
    ways = jumps_in(code) if catching(lw) else []
    if not ways:
        return
    if node is None or lw.direct is None or lw.direct[0] is not node:
        raise Lift(node)
    if lw.direct[1] is not lw.region:  # it is one of several calls
        raise Lift(None)
    if isinstance(code, int):
        raise Thrown(code)
    lw.jumped = exits.leave_by(lw, code, [(c, c) for c in ways], lambda: exits.FALL)


def held(lw: Lowerer, s: Any) -> Any:
    """Read ``name = call``; returns the exit code."""
    before = lw.state.names.get((lw.frame.id, s.steady)) if s.steady else None
    old = lw.direct, lw.jumped
    lw.direct, lw.jumped = (s.call, lw.region), exits.FALL
    try:
        lw.state.names[lw.frame.id, s.name] = stored(lw, lw.expr(s.call))
        code = lw.jumped
    except Thrown as t:
        return t.code
    finally:
        lw.direct, lw.jumped = old
    if s.steady and lw.state.names.get((lw.frame.id, s.steady)) is not before:
        lw.stop("exception-value", f"{s.steady!r} is changed by a call in the statement that adds to it", s,
                help="call the function in a statement of its own")  # fmt: skip
    return code


def instead(lw: Lowerer, s: Any, lift: Lift, mark: Any) -> list[Any]:
    """The statements to be read in the place of one of which a call may end at a handler."""
    inside = lift.node is not None and not isinstance(s, Held) and any(n is lift.node for n in nodes_in(s))
    made: list[Any] | None = None
    if inside:
        made = lw.tree_once(s, f"lifted {id(lift.node)}", lambda: lifted(lw, s, lift.node))
    if made is None:
        raise lift
    recover(lw, mark)
    return made


def lifted(lw: Lowerer, s: Any, call: Any) -> list[Any] | None:
    """A statement with one of its calls, and what is evaluated before it, as statements before it."""
    lifter = Lifter(lw, call)
    fields = {f: getattr(s, f, None) for f in s._fields}
    order = {"Assign": ("value", "targets"), "AugAssign": ("value",), "AnnAssign": ("value",),
             "Return": ("value",), "Expr": ("value",), "If": ("test",), "For": ("iter",), "Assert": ("test",),
             "Raise": ("exc",), "Match": ("subject",), "While": ()}  # fmt: skip
    kind = type(s).__name__
    if kind == "While" and any(n is call for n in nodes_in(s.test)):
        return loops.test_inside(lw, s)
    for f in order.get(kind, ()):
        if isinstance(fields[f], gast.AST):
            fields[f] = lifter.visit(fields[f])
        if lifter.done:
            break
    if not lifter.done:
        return None
    if kind == "AugAssign":
        if not isinstance(s.target, gast.Name) or not isinstance(lifter.before[-1], Held):
            return None
        lifter.before[-1].steady = s.target.id
    new = gast.copy_location(type(s)(**fields), s)
    for flag in ("part", "split", "tag"):
        if hasattr(s, flag):
            setattr(new, flag, getattr(s, flag))
    return located([*lifter.before, new], s)


class Lifter:
    """Takes an expression apart up to one call in it."""

    def __init__(self, lw: Lowerer, call: Any) -> None:
        self.lw, self.call = lw, call
        self.before: list[Any] = []
        self.done = False

    def word(self) -> str:
        self.lw.groups += 1
        return "value" + "!" * self.lw.groups

    def keep(self, node: Any) -> Any:
        """An operand that is evaluated before the call."""
        if not isinstance(node, gast.expr) or isinstance(node, (gast.Constant, gast.Slice)):
            return node
        word = self.word()
        self.before.append(gast.copy_location(store(word, node), node))
        return gast.copy_location(load(word), node)

    def visit(self, node: Any) -> Any:
        if self.done or not any(n is self.call for n in nodes_in(node)):
            return node
        if node is self.call:
            self.done = True
            word = self.word()
            self.before.append(gast.copy_location(Held(word, node, ""), node))
            return gast.copy_location(load(word), node)
        if isinstance(node, (gast.IfExp, gast.BoolOp)):
            return self.branch(node)
        if isinstance(node, gast.Compare) and len(node.ops) > 1:
            return node
        if not isinstance(node, STRICT):
            return node
        fields = {}
        for f in node._fields:
            v = getattr(node, f, None)
            fields[f] = [self.part(node, x) for x in v] if isinstance(v, list) else self.part(node, v)
        return gast.copy_location(type(node)(**fields), node)

    def part(self, node: Any, x: Any) -> Any:
        if not isinstance(x, gast.AST) or self.done:
            return x
        if isinstance(x, (gast.keyword, gast.Starred, gast.FormattedValue)):
            value = self.part(x, x.value)
            made = {f: value if f == "value" else getattr(x, f, None) for f in x._fields}
            return gast.copy_location(type(x)(**made), x)
        if any(n is self.call for n in nodes_in(x)):
            return self.visit(x)
        called = isinstance(node, gast.Call) and x is node.func
        return x if called and isinstance(x, (gast.Name, gast.Attribute)) else self.keep(x)

    def branch(self, node: Any) -> Any:
        """An operand that is evaluated on one path only: the branch that it is."""
        if isinstance(node, gast.IfExp):
            if any(n is self.call for n in nodes_in(node.test)):
                return gast.copy_location(gast.IfExp(self.visit(node.test), node.body, node.orelse), node)
            word = self.word()
            arms = [[store(word, x)] for x in (node.body, node.orelse)]
            self.before.append(gast.If(node.test, arms[0], arms[1]))
        else:
            word = self.word()
            self.before.append(store(word, node.values[0]))
            for x in node.values[1:]:
                test = load(word) if isinstance(node.op, gast.And) else gast.UnaryOp(gast.Not(), load(word))
                self.before.append(gast.If(test, [store(word, x)], []))
        self.done = True
        return gast.copy_location(load(word), node)


STRICT = (
    gast.BinOp, gast.UnaryOp, gast.Compare, gast.Call, gast.Attribute, gast.Subscript, gast.Tuple, gast.List,
    gast.Dict, gast.JoinedStr,
)  # fmt: skip
