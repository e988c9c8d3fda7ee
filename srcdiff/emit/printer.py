"""Print gast trees as Python text that reads as if written by hand.

The only module that knows astunparse: :class:`Printer` is its ``Unparser`` with precedence-aware parentheses,
comments, blank lines, the newer statements and line breaking.  A logical line is first collected as *parts*
(text, places to break, bracketed groups), then laid out within the width by :class:`Layout`.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import astunparse
import gast

from srcdiff.emit.atoms import (
    AND,
    ATOM,
    AWAIT,
    BINARY,
    BIT_OR,
    COMPARE,
    FACTOR,
    LOW,
    NAMED,
    NOT,
    OR,
    POWER,
    TEST,
    TUPLE,
    YIELD,
    Node,
    constant_text,
    docstring,
    hugs_exponent,
    hugs_power,
    is_negative,
    is_string,
)
from srcdiff.emit.breaking import COMMA, INDENT, Cut, Group, Layout, Part, flat

__all__ = ["Blank", "Comment", "Printer", "render"]


class Comment(ast.stmt):
    """A comment on lines of its own: a statement the parser never makes."""

    _fields: ClassVar[tuple[str, ...]] = ("text",)
    _attributes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, text: str = "") -> None:
        self.text = text


class Blank(ast.stmt):
    """An empty line."""

    _fields: ClassVar[tuple[str, ...]] = ()
    _attributes: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        """Nothing to hold."""


class Verbatim(ast.stmt):
    """A statement of which the text is there already, on lines of its own."""

    _fields: ClassVar[tuple[str, ...]] = ("text",)
    _attributes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, text: str = "") -> None:
        self.text = text


def render(tree: Node | Sequence[Node], *, width: int = 100) -> str:
    """The text of a tree or of a list of statements, ending in a newline; of an expression, without one."""
    if isinstance(tree, (ast.expr, gast.Expression)):
        return Printer(width).expression(tree)
    if isinstance(tree, gast.Module):
        return Printer(width).module(tree.body)
    return Printer(width).module(list(tree) if isinstance(tree, Sequence) else [tree])


DEFINITIONS = (gast.FunctionDef, gast.AsyncFunctionDef, gast.ClassDef)


IMPORTS = (gast.Import, gast.ImportFrom)


class Within:
    """What is written meanwhile goes into a group, if there is one, where ``precedence`` may stand."""

    __slots__ = ("group", "outer", "precedence", "printer")

    def __init__(self, printer: Printer, group: Group | None, precedence: int | None) -> None:
        self.printer, self.group, self.precedence = printer, group, precedence

    def __enter__(self) -> None:
        p = self.printer
        self.outer = p._parts, p._p
        if self.group is not None:
            p._parts.append(self.group)
            p._parts = self.group.parts
        if self.precedence is not None:
            p._p = self.precedence

    def __exit__(self, *error: object) -> None:
        if self.group is not None:
            self.printer._parts = self.outer[0]
        if self.precedence is not None:
            self.printer._p = self.outer[1]


class Printer(astunparse.Unparser):  # type: ignore[misc]
    """One use: an instance prints one tree."""

    def __init__(self, width: int = 100) -> None:
        # The base class would print from its constructor, straight to a file.
        self._indent = 0
        self._layout = Layout(width)
        self._lines: list[str] = []
        self._line: list[Part] = []
        self._parts = self._line  # where text goes: the line, or the innermost open group
        self._p = LOW  # how tightly the surroundings of the expression bind
        self._comment = ""  # to stand at the end of the current line
        self._bare: Node = None  # a tuple that needs no parentheses where it stands
        self._in_pattern = False

    def module(self, body: Sequence[Node]) -> str:
        """The text of a module with this body."""
        self._statements(body, documented=True)
        return "".join(line + "\n" for line in self._lines)

    def expression(self, tree: Node) -> str:
        """The text of an expression, on one line."""
        self._ex(tree.body if isinstance(tree, gast.Expression) else tree, NAMED)
        return flat(self._line)

    # ---- text

    def write(self, text: str) -> None:
        """Append text to the current line."""
        self._parts.append(text)

    def fill(self, text: str = "") -> None:
        """Start a line."""
        self._finish()
        self._parts.append(text)

    def enter(self) -> None:
        """End the header of a block, and go further in."""
        self.write(":")
        self._finish(self._comment)
        self._comment = ""
        self._indent += 1

    def leave(self) -> None:
        """End a block."""
        self._finish()
        self._indent -= 1

    def _finish(self, comment: str = "") -> None:
        """Lay the current line out; the comment goes at its end or, for want of room, above it."""
        if not self._line:
            return
        lines = self._layout.lines(self._line, INDENT * self._indent)
        self._line.clear()
        if comment:
            remark = "  # " + comment.replace("\n", " ")
            if self._layout.fits(lines[-1].rpartition("\n")[2] + remark, 0):
                lines[-1] += remark
            else:
                self._remark(comment)
        self._lines += lines

    def _remark(self, text: str) -> None:
        """Lines of comment."""
        start = " " * (INDENT * self._indent) + "# "
        for line in text.split("\n"):
            whole = (start + line).rstrip()
            if self._layout.fits(whole, 0):
                self._lines.append(whole)
                continue
            lead = start + line[: len(line) - len(line.lstrip())]
            self._lines += textwrap.wrap(
                line.strip(),
                max(self._layout.width, len(lead) + 20),
                initial_indent=lead,
                subsequent_indent=lead + " " * INDENT,
                break_long_words=False,
                break_on_hyphens=False,
            )

    def _group(self, opening: str, closing: str) -> Within:
        """What is written within goes between these brackets."""
        return Within(self, Group(opening, closing), None)

    def _soft(self, node: Node, precedence: int) -> None:
        """An expression that may be put in parentheses to break it."""
        with self._group("", ""):
            self._ex(node, precedence)

    def _wrapped(self, on: bool) -> Within:
        """Parentheses if ``on``."""
        return Within(self, Group("(", ")") if on else None, LOW if on else None)

    def _binding(self, own: int) -> Any:
        """Parentheses if the surroundings bind more tightly than this expression."""
        return self._wrapped(own < self._p)

    def _ex(self, node: Node, precedence: int) -> None:
        """An expression where ``precedence`` says what may stand without parentheses."""
        old, self._p = self._p, precedence
        self.dispatch(node)
        self._p = old

    def _each(self, nodes: Iterable[Any], show: Callable[[Any], None]) -> None:
        """Separated by commas where the line may be broken."""
        for i, node in enumerate(nodes):
            if i:
                self._parts.append(COMMA)
            show(node)

    def _operator(self, text: str, rank: int) -> None:
        """An infix operator, before which the line may be broken."""
        self._parts.append(Cut(rank, f" {text} ", "", f"{text} "))

    # ---- statements in a row

    def dispatch(self, tree: Node) -> None:
        """Print any node."""
        if isinstance(tree, list):
            return self._statements(tree)
        show = getattr(self, "_" + type(tree).__name__)
        if not isinstance(tree, ast.stmt):
            show(tree)
            return
        old, self._p = self._p, LOW
        self._comment = getattr(tree, "comment", None) or ""
        show(tree)
        self._finish(self._comment)
        self._comment, self._p = "", old

    def _statements(self, body: Sequence[Node], documented: bool = False) -> None:
        """Statements, with the blank lines between them; the first may be a docstring."""
        previous: Node = None
        blanks = 0
        for i, statement in enumerate(body):
            if isinstance(statement, Blank):
                blanks += 1
                continue
            if previous is not None:
                self._lines += [""] * max(blanks, self._gap(previous, body[i:]))
            blanks = 0
            documented = documented and (previous is None or isinstance(previous, Comment))
            if documented and is_string(statement):
                self._lines += [" " * (INDENT * self._indent) + docstring(statement.value.value)]
            else:
                self.dispatch(statement)
            previous = statement

    def _gap(self, previous: Node, rest: Sequence[Node]) -> int:
        """How many blank lines belong between a statement and the next."""
        following = next((s for s in rest if not isinstance(s, Comment)), None)
        if isinstance(previous, DEFINITIONS):
            return 1 if self._indent else 2
        if isinstance(previous, Comment):
            return 0
        if isinstance(following, DEFINITIONS):
            return 1 if self._indent else 2
        if self._indent == 0 and isinstance(previous, IMPORTS) and not isinstance(following, IMPORTS):
            return 1
        return int(self._indent == 0 and is_string(previous))

    def _block(self, body: Sequence[Node], documented: bool = False) -> None:
        """The colon and the indented statements; ``pass`` if there is none."""
        self.enter()
        self._statements(body, documented)
        if all(isinstance(s, (Comment, Blank)) for s in body):
            self.fill("pass")
        self.leave()

    def _Comment(self, t: Comment) -> None:
        self._remark(t.text)

    def _Verbatim(self, t: Verbatim) -> None:
        self._lines += t.text.splitlines()

    def _Blank(self, t: Blank) -> None:
        self._lines.append("")

    def _Module(self, t: Node) -> None:
        self._statements(t.body, documented=True)

    # ---- simple statements

    def _Expr(self, t: Node) -> None:
        self.fill()
        self._soft(t.value, YIELD)

    def _target(self, t: Node) -> None:
        """A target; bare tuples may be broken if put in parentheses."""
        if isinstance(t, gast.Tuple) and len(t.elts) > 1:
            self._soft(t, TUPLE)
        else:
            self._ex(t, TUPLE)

    def _value(self, t: Node) -> None:
        """The right-hand side of an assignment."""
        self._soft(t, YIELD if isinstance(t, (gast.Yield, gast.YieldFrom)) else TUPLE)

    def _Assign(self, t: Node) -> None:
        self.fill()
        for target in t.targets:
            self._target(target)
            self.write(" = ")
        self._value(t.value)

    def _AugAssign(self, t: Node) -> None:
        self.fill()
        self._ex(t.target, ATOM)
        self.write(f" {BINARY[type(t.op).__name__][0]}= ")
        self._value(t.value)

    def _AnnAssign(self, t: Node) -> None:
        self.fill()
        with self._wrapped(not t.simple and isinstance(t.target, gast.Name)):
            self._ex(t.target, ATOM)
        self.write(": ")
        self._ex(t.annotation, TEST)
        if t.value is not None:
            self.write(" = ")
            self._value(t.value)

    def _TypeAlias(self, t: Node) -> None:
        self.fill("type ")
        self._ex(t.name, ATOM)
        self._type_params(t)
        self.write(" = ")
        self._soft(t.value, TEST)

    def _Return(self, t: Node) -> None:
        self.fill("return")
        if t.value is not None:
            self.write(" ")
            self._soft(t.value, TUPLE)

    def _Delete(self, t: Node) -> None:
        self.fill("del ")
        for i, target in enumerate(t.targets):
            self.write(", " if i else "")
            self._ex(target, TEST)

    def _Assert(self, t: Node) -> None:
        self.fill("assert ")
        self._soft(t.test, TEST)
        if t.msg is not None:
            self.write(", ")
            self._soft(t.msg, TEST)

    def _Raise(self, t: Node) -> None:
        self.fill("raise")
        if t.exc is not None:
            self.write(" ")
            self._soft(t.exc, TEST)
        if t.cause is not None:
            self.write(" from ")
            self._soft(t.cause, TEST)

    def _ImportFrom(self, t: Node) -> None:
        self.fill(f"from {'.' * (t.level or 0)}{t.module or ''} import ")
        if t.names[0].name == "*":
            self.write("*")
            return
        with self._group("", ""):
            self._each(t.names, self.dispatch)

    # ---- compound statements

    def _branch(self, word: str, t: Node) -> None:
        """``if test: body`` and its like."""
        self.fill(word)
        self._soft(t.test, NAMED)
        self._block(t.body)

    def _else(self, body: Sequence[Node], word: str = "else") -> None:
        """A last branch, if there is one."""
        if body:
            self.fill(word)
            self._block(body)

    def _If(self, t: Node) -> None:
        self._branch("if ", t)
        while len(t.orelse) == 1 and isinstance(t.orelse[0], gast.If):
            t = t.orelse[0]
            self._comment = getattr(t, "comment", None) or ""
            self._branch("elif ", t)
        self._else(t.orelse)

    def _While(self, t: Node) -> None:
        self._branch("while ", t)
        self._else(t.orelse)

    def _loop(self, word: str, t: Node) -> None:
        """A ``for`` of either kind."""
        self.fill(word)
        self._target(t.target)
        self.write(" in ")
        self._soft(t.iter, TUPLE)
        self._block(t.body)
        self._else(t.orelse)

    def _For(self, t: Node) -> None:
        self._loop("for ", t)

    def _AsyncFor(self, t: Node) -> None:
        self._loop("async for ", t)

    def _with(self, word: str, t: Node) -> None:
        """A ``with`` of either kind; a lone tuple in parentheses would read as several managers."""
        self.fill(word)
        first = t.items[0]
        lone = (
            len(t.items) == 1 and isinstance(first.context_expr, gast.Tuple) and first.optional_vars is None
        )
        with self._wrapped(True) if lone else self._group("", ""):
            self._each(t.items, self.dispatch)
        self._block(t.body)

    def _With(self, t: Node) -> None:
        self._with("with ", t)

    def _AsyncWith(self, t: Node) -> None:
        self._with("async with ", t)

    def _withitem(self, t: Node) -> None:
        self._ex(t.context_expr, TEST)
        if t.optional_vars is not None:
            self.write(" as ")
            self._ex(t.optional_vars, ATOM)

    def _Try(self, t: Node, word: str = "except") -> None:
        self.fill("try")
        self._block(t.body)
        for handler in t.handlers:
            self._handler(handler, word)
        self._else(t.orelse)
        self._else(t.finalbody, "finally")

    def _TryStar(self, t: Node) -> None:
        self._Try(t, "except*")

    def _handler(self, t: Node, word: str) -> None:
        """One ``except``; gast makes its name a Name."""
        self.fill(word)
        self._comment = getattr(t, "comment", None) or ""
        if t.type is not None:
            self.write(" ")
            self._ex(t.type, TEST)
        if t.name:
            self.write(f" as {getattr(t.name, 'id', t.name)}")
        self._block(t.body)

    def _ExceptHandler(self, t: Node) -> None:
        self._handler(t, "except")

    def _decorators(self, t: Node) -> None:
        """A line each."""
        for decorator in t.decorator_list:
            self.fill("@")
            self._ex(decorator, NAMED)

    def _function(self, word: str, t: Node) -> None:
        """A ``def`` of either kind."""
        self._decorators(t)
        self.fill(f"{word} {t.name}")
        self._type_params(t)
        with self._group("(", ")"):
            self._parameters(t.args)
        if t.returns is not None:
            self.write(" -> ")
            self._ex(t.returns, TEST)
        self._block(t.body, documented=True)

    def _FunctionDef(self, t: Node) -> None:
        self._function("def", t)

    def _AsyncFunctionDef(self, t: Node) -> None:
        self._function("async def", t)

    def _ClassDef(self, t: Node) -> None:
        self._decorators(t)
        self.fill(f"class {t.name}")
        self._type_params(t)
        if t.bases or t.keywords:
            with self._group("(", ")"):
                self._each([*t.bases, *t.keywords], self._argument)
        self._block(t.body, documented=True)

    def _type_params(self, t: Node) -> None:
        """``[T: bound = default, *Ts, **P]``."""
        if getattr(t, "type_params", None):
            with self._group("[", "]"):
                self._each(t.type_params, self.dispatch)

    def _type_param(self, t: Node, stars: str = "") -> None:
        """One type parameter."""
        self.write(stars + t.name)
        if getattr(t, "bound", None) is not None:
            self.write(": ")
            self._ex(t.bound, TEST)
        if getattr(t, "default_value", None) is not None:
            self.write(" = ")
            self._ex(t.default_value, LOW if stars == "*" else TEST)

    def _TypeVar(self, t: Node) -> None:
        self._type_param(t)

    def _TypeVarTuple(self, t: Node) -> None:
        self._type_param(t, "*")

    def _ParamSpec(self, t: Node) -> None:
        self._type_param(t, "**")

    # ---- match

    def _Match(self, t: Node) -> None:
        self.fill("match ")
        self._soft(t.subject, TUPLE if isinstance(t.subject, gast.Tuple) else NAMED)
        self.enter()
        for case in t.cases:
            self.dispatch(case)
        self.leave()

    def _match_case(self, t: Node) -> None:
        self.fill("case ")
        self._comment = getattr(t, "comment", None) or ""
        self._in_pattern = True
        self._soft(t.pattern, LOW)
        self._in_pattern = False
        if t.guard is not None:
            self.write(" if ")
            self._soft(t.guard, NAMED)
        self._block(t.body)

    def _MatchValue(self, t: Node) -> None:
        self._ex(t.value, LOW)

    def _MatchSingleton(self, t: Node) -> None:
        self.write(repr(t.value))

    def _pattern(self, t: Node) -> None:
        """A pattern within brackets."""
        self._ex(t, LOW)

    def _MatchSequence(self, t: Node) -> None:
        with self._group("[", "]"):
            self._each(t.patterns, self._pattern)

    def _MatchStar(self, t: Node) -> None:
        self.write(f"*{t.name or '_'}")

    def _MatchMapping(self, t: Node) -> None:
        def item(pair: tuple[Node, Node]) -> None:
            if pair[0] is None:
                self.write(f"**{t.rest}")
                return
            self._ex(pair[0], LOW)
            self.write(": ")
            self._pattern(pair[1])

        rest = [(None, None)] if t.rest else []
        with self._group("{", "}"):
            self._each([*zip(t.keys, t.patterns, strict=True), *rest], item)

    def _MatchClass(self, t: Node) -> None:
        def item(pair: tuple[str, Node]) -> None:
            self.write(f"{pair[0]}=" if pair[0] else "")
            self._pattern(pair[1])

        self._ex(t.cls, ATOM)
        keywords = zip(t.kwd_attrs, t.kwd_patterns, strict=True)
        with self._group("(", ")"):
            self._each([*(("", p) for p in t.patterns), *keywords], item)

    def _MatchAs(self, t: Node) -> None:
        if t.pattern is None:
            self.write(t.name or "_")
            return
        with self._binding(TEST):
            self._ex(t.pattern, OR)
            self.write(f" as {t.name}")

    def _MatchOr(self, t: Node) -> None:
        with self._binding(BIT_OR):
            for i, pattern in enumerate(t.patterns):
                if i:
                    self._operator("|", BIT_OR)
                self._ex(pattern, BIT_OR + 1)

    # ---- parameters and arguments

    def _parameter(self, t: Node, default: Node = None, stars: str = "") -> None:
        """One parameter: in gast, a Name."""
        self.write(stars + t.id)
        annotation = getattr(t, "annotation", None)
        if annotation is not None:
            self.write(": ")
            self._ex(annotation, LOW if stars == "*" else TEST)
        if default is not None:
            self.write(" = " if annotation is not None else "=")
            self._ex(default, TEST)

    def _parameters(self, t: Node, comma: Part = COMMA) -> None:
        """All parameters of a function."""

        def separate(following: bool) -> None:
            if following:
                self._parts.append(comma)

        positional = [*t.posonlyargs, *t.args]
        defaults = [None] * (len(positional) - len(t.defaults)) + list(t.defaults)
        for i, (parameter, default) in enumerate(zip(positional, defaults, strict=True)):
            separate(i > 0)
            self._parameter(parameter, default)
            if i + 1 == len(t.posonlyargs):
                separate(True)
                self.write("/")
        if t.vararg is not None or t.kwonlyargs:
            separate(bool(positional))
            if t.vararg is not None:
                self._parameter(t.vararg, stars="*")
            else:
                self.write("*")
        for parameter, default in zip(t.kwonlyargs, t.kw_defaults, strict=True):
            separate(True)
            self._parameter(parameter, default)
        if t.kwarg is not None:
            separate(bool(positional or t.vararg is not None or t.kwonlyargs))
            self._parameter(t.kwarg, stars="**")

    def _argument(self, t: Node) -> None:
        """One argument of a call."""
        self._ex(t, LOW if isinstance(t, (gast.keyword, gast.Starred)) else NAMED)

    def _keyword(self, t: Node) -> None:
        self.write("**" if t.arg is None else f"{t.arg}=")
        self._ex(t.value, TEST)

    def _Call(self, t: Node) -> None:
        self._ex(t.func, ATOM)
        if len(t.args) == 1 and not t.keywords and isinstance(t.args[0], gast.GeneratorExp):
            self._ex(t.args[0], LOW)  # its own parentheses serve
            return
        with self._group("(", ")"):
            self._each([*t.args, *t.keywords], self._argument)

    # ---- operators

    def _Lambda(self, t: Node) -> None:
        with self._binding(TEST):
            a = t.args
            some = a.posonlyargs or a.args or a.vararg is not None or a.kwonlyargs or a.kwarg is not None
            self.write("lambda " if some else "lambda")
            self._parameters(a, ", ")
            self.write(": ")
            self._ex(t.body, TEST)

    def _NamedExpr(self, t: Node) -> None:
        with self._binding(NAMED):
            self._ex(t.target, ATOM)
            self.write(" := ")
            self._ex(t.value, TEST)

    def _IfExp(self, t: Node) -> None:
        with self._binding(TEST):
            self._ex(t.body, OR)
            self._operator("if", TEST)
            self._ex(t.test, OR)
            self._operator("else", TEST)
            self._ex(t.orelse, TEST)

    def _BoolOp(self, t: Node) -> None:
        word, own = ("and", AND) if isinstance(t.op, gast.And) else ("or", OR)
        with self._binding(own):
            for i, value in enumerate(t.values):
                if i:
                    self._operator(word, own)
                self._ex(value, own + 1)

    def _UnaryOp(self, t: Node) -> None:
        own = NOT if isinstance(t.op, gast.Not) else FACTOR
        with self._binding(own):
            self.write(self.unop[type(t.op).__name__] + (" " if own == NOT else ""))
            self._ex(t.operand, own)

    def _BinOp(self, t: Node) -> None:
        own = BINARY[type(t.op).__name__][1]
        with self._binding(own):
            if own == POWER:
                self._power(t)
                return
            chain = [t]  # long sums nest to the left: no recursion there
            while (
                isinstance(chain[-1].left, gast.BinOp) and BINARY[type(chain[-1].left.op).__name__][1] == own
            ):
                chain.append(chain[-1].left)
            self._ex(chain[-1].left, own)
            for node in reversed(chain):
                self._operator(BINARY[type(node.op).__name__][0], own)
                self._ex(node.right, own + 1)

    def _power(self, t: Node) -> None:
        """``x**2``, or ``f(x) ** 2``."""
        self._ex(t.left, POWER + 1)
        if hugs_power(t.left) and hugs_exponent(t.right):
            self.write("**")
        else:
            self._operator("**", POWER)
        self._ex(t.right, FACTOR)

    def _Compare(self, t: Node) -> None:
        with self._binding(COMPARE):
            self._ex(t.left, COMPARE + 1)
            for op, right in zip(t.ops, t.comparators, strict=True):
                self._operator(self.cmpops[type(op).__name__], COMPARE)
                self._ex(right, COMPARE + 1)

    def _Await(self, t: Node) -> None:
        with self._binding(AWAIT):
            self.write("await ")
            self._ex(t.value, ATOM)

    def _Yield(self, t: Node) -> None:
        with self._wrapped(self._p != YIELD):
            self.write("yield")
            if t.value is not None:
                self.write(" ")
                self._ex(t.value, TUPLE)

    def _YieldFrom(self, t: Node) -> None:
        with self._wrapped(self._p != YIELD):
            self.write("yield from ")
            self._ex(t.value, TEST)

    def _Starred(self, t: Node) -> None:
        self.write("*")
        self._ex(t.value, BIT_OR)

    # ---- atoms

    def _Name(self, t: Node) -> None:
        self.write(t.id)

    def _element(self, t: Node) -> None:
        """One element of a list or set."""
        self._ex(t, LOW if isinstance(t, gast.Starred) else NAMED)

    def _List(self, t: Node) -> None:
        with self._group("[", "]"):
            self._each(t.elts, self._element)

    def _Set(self, t: Node) -> None:
        with self._group("{", "}"):
            self._each(t.elts, self._element)
            self.write("" if t.elts else "*()")

    def _Tuple(self, t: Node) -> None:
        bare = self._bare is t or (bool(t.elts) and self._p == TUPLE)
        with self._wrapped(not bare):
            self._each(t.elts, lambda e: self._ex(e, LOW if isinstance(e, gast.Starred) else TEST))
            self.write("," if len(t.elts) == 1 else "")

    def _Dict(self, t: Node) -> None:
        def item(pair: tuple[Node, Node]) -> None:
            if pair[0] is None:
                self.write("**")
                self._ex(pair[1], BIT_OR)
                return
            self._ex(pair[0], TEST)
            self.write(": ")
            self._ex(pair[1], TEST)

        with self._group("{", "}"):
            self._each(zip(t.keys, t.values, strict=True), item)

    def _comprehension_of(self, brackets: str, t: Node) -> None:
        """A comprehension of any kind but a dict's."""
        with self._group(brackets[0], brackets[1]):
            self._ex(t.elt, NAMED)
            self._clauses(t)

    def _ListComp(self, t: Node) -> None:
        self._comprehension_of("[]", t)

    def _SetComp(self, t: Node) -> None:
        self._comprehension_of("{}", t)

    def _GeneratorExp(self, t: Node) -> None:
        self._comprehension_of("()", t)

    def _DictComp(self, t: Node) -> None:
        with self._group("{", "}"):
            self._ex(t.key, TEST)
            self.write(": ")
            self._ex(t.value, TEST)
            self._clauses(t)

    def _clauses(self, t: Node) -> None:
        """The ``for`` and ``if`` of a comprehension."""
        for clause in t.generators:
            self._operator("async for" if clause.is_async else "for", LOW)
            with self._group("", ""):
                self._ex(clause.target, TUPLE)
            self.write(" in ")
            self._ex(clause.iter, OR)
            for condition in clause.ifs:
                self._operator("if", LOW)
                self._ex(condition, OR)

    def _Attribute(self, t: Node) -> None:
        value = t.value.value if isinstance(t.value, gast.Constant) else None
        with self._wrapped(type(value) is int and value >= 0):
            self._ex(t.value, ATOM)
        self.write("." + t.attr)

    def _Subscript(self, t: Node) -> None:
        index = t.slice
        starred = slices = False
        if isinstance(index, gast.Tuple):
            starred = any(isinstance(e, gast.Starred) for e in index.elts)
            slices = any(isinstance(e, gast.Slice) for e in index.elts)
        self._ex(t.value, ATOM)
        with self._group("[", "]"):
            old, self._bare = self._bare, None
            if isinstance(index, gast.Tuple) and index.elts and (slices or not starred):
                self._bare = index  # x[*a] is new in 3.11, x[(*a,)] is not
            self._ex(index, NAMED)
            self._bare = old

    def _Slice(self, t: Node) -> None:
        if t.lower is not None:
            self._ex(t.lower, TEST)
        self.write(":")
        if t.upper is not None:
            self._ex(t.upper, TEST)
        if t.step is not None:
            self.write(":")
            self._ex(t.step, TEST)

    def _Constant(self, t: Node) -> None:
        with self._binding(FACTOR if is_negative(t.value) else ATOM):
            self.write(constant_text(t.value, not self._in_pattern))

    def _JoinedStr(self, t: Node) -> None:
        # The quoting of f-strings is a science; the standard library has it right.
        self.write(ast.unparse(gast.gast_to_ast(t)))

    _FormattedValue = _JoinedStr
    _TemplateStr = _JoinedStr
    _Interpolation = _JoinedStr
