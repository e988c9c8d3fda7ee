"""From a callable to the one syntax tree it was compiled from.

``inspect.getsource`` returns the lines a function starts on, which for lambdas is not the function, and reads
whatever the file holds by now.  Here a function is found by name and first line, told from its neighbours by
its bytecode and its columns, and refused if the text is not what is running.

No Python text leaves this module unverified: a derivative of other text would be silently wrong.
"""

from __future__ import annotations
import __future__

import ast
import functools
import inspect
import io
import linecache
import re
import threading
import tokenize
import types
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from srcdiff.errors import Problem, SourceNotFound
from srcdiff.later import Later

if TYPE_CHECKING:
    import gast
else:
    gast = Later("gast")

__all__ = ["FunctionSource", "Unwrapped", "find", "unwrap"]

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Span = tuple[int, int, int, int]
CodeIndex = dict[tuple[str, int], list[types.CodeType]]  # by name and first line

MOST_WRAPPERS = 50
MOST_FUNCTIONS = 1024
MOST_FILES = 64
FAR = 1_000_000  # more lines than any file has
MOST_APART = 2_000  # line numbers end at 2**31


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """A Python function and the arguments that were bound to it on the way."""

    function: types.FunctionType
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class FunctionSource:
    """The source of one function.  Shared between all who ask: nobody may change the node."""

    node: gast.FunctionDef | gast.Lambda  # or gast.AsyncFunctionDef; positions are those of the file
    file: str
    module_name: str
    line: int  # of the ``def`` or the ``lambda``
    lines: tuple[str, ...]  # of the whole file, without line ends; line n is lines[n - 1]
    name: str
    span: tuple[int, int]  # of these, the first and last of the function

    @functools.cached_property
    def comments(self) -> Mapping[int, tuple[str, bool]]:
        """By line: the text, and whether it stands alone on its line."""
        return types.MappingProxyType(comments_within(self.lines, *self.span))


# ------------------------------------------------------------------------------------------------- unwrapping


def unwrap(callable: Callable[..., Any]) -> Unwrapped:
    """The Python function behind a callable; a class stands for its ``__init__``, without the ``self``."""
    f: Any = callable
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    for _ in range(MOST_WRAPPERS):
        match f:
            case functools.partial() | functools.partialmethod():
                args, kwargs = fill_placeholders(f.args, args, callable), {**f.keywords, **kwargs}
                f = f.func
            case types.MethodType():
                args, f = (f.__self__, *args), f.__func__
            case staticmethod() | classmethod():
                f = f.__func__
            case types.FunctionType() if "__wrapped__" not in f.__dict__:
                return Unwrapped(f, args, kwargs)
            case type():
                f = inspect.getattr_static(f, "__init__")
            case _:
                inner = wrapped_in(f)
                if inner is None:
                    inner = inspect.getattr_static(type(f), "__call__", None)
                    if not callable_in_python(inner):
                        raise not_python(callable)
                    args = (f, *args)
                f = inner
    raise not_python(callable, "it is wrapped more than fifty times, or in itself")


def wrapped_in(f: Any) -> Any:
    """What functools.wraps, lru_cache, numba and np.vectorize keep of the function they wrap; or None."""
    for name in ("__wrapped__", "py_func", "pyfunc"):
        if inspect.getattr_static(f, name, None) is not None:
            return getattr(f, name)
    return None


def callable_in_python(f: Any) -> bool:
    """Whether the ``__call__`` of a class leads on, rather than into C."""
    return isinstance(f, (types.FunctionType, functools.partial)) or wrapped_in(f) is not None


def fill_placeholders(bound: tuple[Any, ...], given: tuple[Any, ...], f: object) -> tuple[Any, ...]:
    """The arguments of a partial, then of its caller; functools.Placeholder (3.14) takes some of these."""
    placeholder = getattr(functools, "Placeholder", None)
    if placeholder is None or not any(a is placeholder for a in bound):
        return (*bound, *given)
    rest = list(given)
    if len(rest) < sum(a is placeholder for a in bound):
        raise not_python(f, "it is a functools.partial with a Placeholder that is filled when called")
    filled = tuple(rest.pop(0) if a is placeholder else a for a in bound)
    return (*filled, *rest)


def not_python(f: object, why: str = "") -> SourceNotFound:
    """The refusal of builtins, ufuncs and the like."""
    return SourceNotFound(
        Problem(
            "not-python",
            f"{f!r} is not a Python function",
            note=why or f"a {type(f).__name__} has no Python source to differentiate",
            help="wrap it in a Python function: lambda x: f(x), with a rule for f if it has none",
        )
    )


# ------------------------------------------------------------------------------------------------------ files


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A tree of a file or of some lines of it, and the functions in it by name and first line."""

    name: str
    tree: ast.Module
    nodes: dict[tuple[str, int], list[FunctionNode]]
    codes: dict[int, CodeIndex] = field(default_factory=dict)  # by the flags it was compiled with

    def code_index(self, flags: int) -> CodeIndex:
        """The code objects of the piece, compiled once."""
        if flags not in self.codes:
            self.codes[flags] = self.compile(flags)
        return self.codes[flags]

    def compile(self, flags: int) -> CodeIndex:
        """The code objects of the tree as it is now."""
        index: CodeIndex = {}
        try:
            module = compile(self.tree, self.name, "exec", flags | AWAIT_ANYWHERE, dont_inherit=True)
        except (SyntaxError, ValueError):
            return index
        for code in inner_codes(module):
            index.setdefault((code.co_name, code.co_firstlineno), []).append(code)
        return index


def parsed(name: str, text: str) -> Piece:
    """Parse a text."""
    tree = ast.parse(text)
    nodes: dict[tuple[str, int], list[FunctionNode]] = {}
    for node in ast.walk(tree):
        if isinstance(node, FunctionNode):
            nodes.setdefault((name_of(node), first_line(node)), []).append(node)
    return Piece(name, tree, nodes)


@dataclass(slots=True, eq=False)
class SourceFile:
    """The text of a file; all of it is parsed only if it must be."""

    name: str
    text: str
    lines: tuple[str, ...]
    found: dict[tuple[int, int], Piece] = field(default_factory=dict)  # by first and last line
    blank: list[str] | None = None  # the lines of imports: calls of what these bring have other code

    def pieces(self, line: int) -> Iterator[Piece]:
        """Where a function that starts on a line may be: in the statement there, else in the whole file."""
        everything = (1, len(self.lines))
        if everything not in self.found and line <= len(self.lines):
            try:
                piece = self.piece(*statement_around(self.lines, line))
            except (SyntaxError, ValueError):
                piece = None  # the margin lies within a text, or within brackets
            if piece is not None:
                yield piece
        if everything not in self.found:
            self.found[everything] = parsed(self.name, self.text)
        yield self.found[everything]

    def piece(self, start: int, end: int) -> Piece:
        """Some lines of it, parsed where they stand, behind the imports."""
        piece = self.found.get((start, end))
        if piece is None:
            if self.blank is None:
                self.blank = imports_alone(self.lines)
            text = "\n".join((*self.blank[: start - 1], *self.lines[start - 1 : end], *self.blank[end:], ""))
            piece = self.found[start, end] = parsed(self.name, text)
        return piece


def imports_alone(lines: tuple[str, ...]) -> list[str]:
    """The lines of imports at the margin, and empty ones in the place of all others."""
    out = [""] * len(lines)
    for n, line in enumerate(lines, 1):
        if line.startswith(("import ", "from ")):
            start, end = statement_around(lines, n)
            out[start - 1 : end] = lines[start - 1 : end]
    return out


def statement_around(lines: tuple[str, ...], line: int) -> tuple[int, int]:
    """The first and last line of what looks, by its margin, like the outermost statement around a line."""
    start = line
    while start > 1 and not AT_MARGIN.match(lines[start - 1]):
        start -= 1
    end, heading = line, lines[start - 1].startswith("@")
    while end < len(lines) and (heading or not AT_MARGIN.match(lines[end])):
        heading = heading and not DEFINES.match(lines[end])
        end += 1
    return start, end


AT_MARGIN, DEFINES = re.compile(r"[^\s#)\]}]"), re.compile(r"(async\s|def\s|class\s)")


def split_lines(text: str) -> tuple[str, ...]:
    """Lines as Python counts them: a form feed ends none."""
    return tuple(line.rstrip("\r\n") for line in io.StringIO(text))


def name_of(node: FunctionNode) -> str:
    """The name its code object bears."""
    return "<lambda>" if isinstance(node, ast.Lambda) else node.name


def first_line(node: FunctionNode) -> int:
    """The first line its code object gives: that of the first decorator, if any."""
    decorators = () if isinstance(node, ast.Lambda) else node.decorator_list
    return min([node.lineno, *(d.lineno for d in decorators)])


def source_text(function: types.FunctionType) -> str:
    """The text of the file (or notebook cell, or doctest) as it is now; empty if there is none."""
    name, module_globals = function.__code__.co_filename, function.__globals__
    text = text_of(name, module_globals)
    if not text and not name.startswith("<"):  # compiled elsewhere, or before a change of directory
        text = text_of(str(module_globals.get("__file__", "")), module_globals)
    return text or str(module_globals.get("__text__", ""))  # (what was cached may have been cleared)


def text_of(name: str, module_globals: dict[str, Any]) -> str:
    """What linecache has under a name; it asks the module's loader too, for those in zip files."""
    linecache.checkcache(name)
    return "".join(linecache.getlines(name, module_globals))


# --------------------------------------------------------------------------------------------- code objects

FUTURES = functools.reduce(
    int.__or__,
    (
        getattr(__future__, name).compiler_flag
        for name in __future__.all_feature_names
        if name not in ("nested_scopes", "generators")
    ),
)


KIND_FLAGS = (
    inspect.CO_VARARGS
    | inspect.CO_VARKEYWORDS
    | inspect.CO_GENERATOR
    | inspect.CO_COROUTINE
    | inspect.CO_ASYNC_GENERATOR
)
AWAIT_ANYWHERE = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT  # in notebooks; changes nothing within functions


def inner_codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """All code objects within one."""
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            yield from inner_codes(constant)


def signature_of_code(c: types.CodeType) -> tuple[object, ...]:
    """What two code objects have in common if they do the same, constants aside."""
    counts = (c.co_argcount, c.co_posonlyargcount, c.co_kwonlyargcount, c.co_flags & KIND_FLAGS)
    names = (c.co_name, c.co_names, c.co_varnames, c.co_freevars, c.co_cellvars)
    return (*counts, *names, c.co_code, getattr(c, "co_exceptiontable", b""))


def same_code(a: types.CodeType, b: types.CodeType) -> bool:
    """Whether two code objects do the same, wherever they stand."""
    return (
        signature_of_code(a) == signature_of_code(b)
        and len(a.co_consts) == len(b.co_consts)
        and all(map(same_constant, a.co_consts, b.co_consts))
    )


def same_constant(a: object, b: object) -> bool:
    """Whether two constants are the same: 1, 1.0, True, 0.0 and -0.0 are five."""
    if isinstance(a, types.CodeType) and isinstance(b, types.CodeType):
        return same_code(a, b)
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(same_constant, a, b))
    if isinstance(a, frozenset) and isinstance(b, frozenset):  # its order depends on how it was made
        return sorted(map(repr, a)) == sorted(map(repr, b))
    return repr(a) == repr(b)


def spans(code: types.CodeType) -> frozenset[Span]:
    """The source spans of the instructions; empty before Python 3.11 and under ``-X no_debug_ranges``."""
    positions: Iterable[tuple[Any, Any, Any, Any]] = getattr(code, "co_positions", tuple)()
    return frozenset(
        (line, column, end_line, end_column)
        for line, end_line, column, end_column in positions
        if None not in (line, end_line, column, end_column) and (column, end_column) != (0, 0)
    )


# ------------------------------------------------------------------------------------ telling functions apart


def body_span(node: FunctionNode) -> Span:
    """From the start to the end of the body."""
    body: list[Any] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
    return body[0].lineno, body[0].col_offset, body[-1].end_lineno, body[-1].end_col_offset


def by_columns(nodes: list[FunctionNode], code: types.CodeType) -> list[FunctionNode]:
    """The nodes whose body holds all the code's columns; of lambdas within lambdas, the right one."""
    where = spans(code)
    if not where:
        return nodes

    def holds(node: FunctionNode) -> bool:
        line, column, end_line, end_column = body_span(node)
        return all((line, column) <= s[:2] and s[2:] <= (end_line, end_column) for s in where)

    holding = [node for node in nodes if holds(node)]
    exact = [node for node in holding if body_span(node) in where]
    return exact or holding or nodes


def by_bytecode(piece: Piece, nodes: list[FunctionNode], code: types.CodeType) -> list[FunctionNode]:
    """The nodes that compile to this code: the piece is compiled with each of them on lines of its own."""
    with apart(nodes[:MOST_APART]) as tags:
        index = piece.compile(code.co_flags & FUTURES)
        return [
            node
            for line, node in tags.items()
            if any(same_code(c, code) for c in index.get((code.co_name, line), ()))
        ]


@contextmanager
def apart(nodes: list[FunctionNode]) -> Iterator[dict[int, FunctionNode]]:
    """Each node, whole, on far lines of its own (outer ones first), and back again; the nodes by line."""
    shifts = []
    try:
        for i, node in enumerate(nodes, 1):
            shifts.append((node, FAR * i - first_line(node)))
            ast.increment_lineno(*shifts[-1])
        yield {FAR * i: node for i, node in enumerate(nodes, 1)}
    finally:
        for node, shift in reversed(shifts):
            ast.increment_lineno(node, -shift)


def was_rewritten(function: types.FunctionType, node: FunctionNode) -> bool:
    """Whether pytest has rewritten assertions within the function, so that its code cannot be compared."""
    return "@pytest_ar" in function.__globals__ and any(isinstance(n, ast.Assert) for n in ast.walk(node))


def choose(piece: Piece, function: types.FunctionType) -> FunctionNode | None:
    """The node the function was compiled from, verified; None if none of them."""
    code = function.__code__
    nodes = piece.nodes.get((code.co_name, code.co_firstlineno), [])
    if not nodes:
        return None
    index = piece.code_index(code.co_flags & FUTURES)
    twins = [c for c in index.get((code.co_name, code.co_firstlineno), ()) if same_code(c, code)]
    if len(nodes) == 1:
        return nodes[0] if twins or was_rewritten(function, nodes[0]) else None
    if not twins:
        return None
    where = spans(code)
    if where and any(spans(c) == where for c in twins):
        chosen = by_columns(nodes, code)
        if len(chosen) == 1:
            return chosen[0]
    chosen = by_bytecode(piece, nodes, code)
    if len(chosen) > 1:
        chosen = by_columns(chosen, code)
    return chosen[0] if chosen else None  # if several are left, they do the same


# ---------------------------------------------------------------------------------------------------- finding


def comments_within(lines: tuple[str, ...], first: int, last: int) -> dict[int, tuple[str, bool]]:
    """The comments of some lines: of a lambda, the lines need not be whole statements."""
    out: dict[int, tuple[str, bool]] = {}
    if not any("#" in line for line in lines[first - 1 : last]):
        return out
    part = io.StringIO("".join(line + "\n" for line in lines[first - 1 : last]))
    try:
        for token in tokenize.generate_tokens(part.readline):
            if token.type == tokenize.COMMENT:
                text = token.string[1:].removeprefix(" ").rstrip()
                alone = not token.line[: token.start[1]].strip()
                out[first + token.start[0] - 1] = text, alone
    except (tokenize.TokenError, SyntaxError):
        pass  # the end of a bracket opened within the lines lies beyond them
    return out


def no_text(function: types.FunctionType) -> SourceNotFound:
    """The refusal of functions that were not made from a file."""
    code = function.__code__
    return SourceNotFound(
        Problem(
            "no-source",
            f"the source of {function.__qualname__} cannot be had",
            file=code.co_filename,
            line=code.co_firstlineno,
            note=why_no_text(code.co_filename),
            help="define it in a file or a notebook; for exec and eval, compile the text under a name of its "
            "own, and tell linecache: "
            "linecache.cache[name] = (len(text), None, text.splitlines(True), name)",
        )
    )


def why_no_text(name: str) -> str:
    """Why there is no text under a file's name."""
    if name == "<stdin>":
        return "it came by standard input or Python's prompt, which keep no text before Python 3.13"
    if name == "<string>":
        return "it was made by exec or eval (before Python 3.13: python -c), which keep no text"
    return f"there is no text for {name!r}"


def not_it(function: types.FunctionType, lines: tuple[str, ...]) -> SourceNotFound:
    """The refusal where a file's text is not the function's.

    Under ``<string>`` is the text of ``python -c`` (from Python 3.13 on), not that of an ``exec`` in it.
    """
    return no_text(function) if function.__code__.co_filename == "<string>" else edited(function, lines)


def edited(function: types.FunctionType, lines: tuple[str, ...]) -> SourceNotFound:
    """The refusal of text that is not what is running."""
    code = function.__code__
    number = code.co_firstlineno
    text = lines[number - 1] if number <= len(lines) else ""
    return SourceNotFound(
        Problem(
            "source-edited",
            f"the source of {function.__qualname__} is not what is running",
            file=code.co_filename,
            line=number,
            column=len(text) - len(text.lstrip()),
            end_column=len(text),
            text=text,
            label="does not compile to the function",
            note="the file was edited after it was imported, or a tool changed the function's code",
            help="restart Python, or importlib.reload the module and take the function from it again",
        )
    )


def locate(function: types.FunctionType) -> FunctionSource:
    """Find a function; not cached."""
    code = function.__code__
    text = source_text(function)
    if not text:
        raise no_text(function)
    file = files.get((code.co_filename, text)) or SourceFile(code.co_filename, text, split_lines(text))
    try:
        chosen = (choose(piece, function) for piece in file.pieces(code.co_firstlineno))
        node = next((node for node in chosen if node is not None), None)
    except (SyntaxError, ValueError):
        raise not_it(function, file.lines) from None
    files.put((code.co_filename, text), file)
    if node is None:
        raise not_it(function, file.lines)
    return FunctionSource(
        node=gast.ast_to_gast(node),
        file=code.co_filename,
        module_name=module_of(function),
        line=node.lineno,
        lines=file.lines,
        name=code.co_name,
        span=(first_line(node), node.end_lineno or node.lineno),
    )


def module_of(function: types.FunctionType) -> str:
    """The name of the module whose globals the function sees."""
    return str(function.__globals__.get("__name__", function.__module__))


def find(function: types.FunctionType) -> FunctionSource:
    """The source of a Python function; SourceNotFound if there is none, or not what is running."""
    key = id(function.__code__), module_of(function)
    with lock:
        known = functions.get(key)
        if known is None:
            known = function.__code__, locate(function)  # the code is kept, lest its id be given to another
            functions.put(key, known)
        return known[1]


K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """The last so many entries; use it behind a lock."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """An entry, which is thereby the most recent."""
        if key in self._entries:
            self._entries.move_to_end(key)
        return self._entries.get(key)

    def put(self, key: K, value: V) -> None:
        """Add an entry, and forget the oldest if there are too many."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)


lock = threading.RLock()
files: Recent[tuple[str, str], SourceFile] = Recent(MOST_FILES)
functions: Recent[tuple[int, str], tuple[types.CodeType, FunctionSource]] = Recent(MOST_FUNCTIONS)
