"""What becomes of each statement of a function: differentiated, constant, saved, recomputed or refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gast
from rich.table import Table
from rich.text import Text

from srcdiff.api import Derivative
from srcdiff.api.wrt import Wrt
from srcdiff.errors import Problem, UnsupportedSyntax
from srcdiff.ir.graph import Graph
from srcdiff.pipeline import Account, account, partial_account
from srcdiff.shown import Shown, short

__all__ = ["Report", "Row", "check_source"]

COLOURS = {
    "exact": "green", "constant": "dim", "saved": "yellow", "recomputed": "cyan", "refused": "bold red"
}  # fmt: skip


UNKNOWN = "No arguments were given: kinds are not known, and with arguments some refusals may go away."


@dataclass(frozen=True, slots=True)
class Row:
    """One statement.

    Attributes:
        file, line, text: where it is and what it says.
        status: ``exact`` (differentiated, and reverse mode keeps nothing of it), ``saved`` (differentiated;
            the backward sweep uses values of it that are kept), ``recomputed`` (such values are computed
            again), ``constant`` (no derivative flows through it) or ``refused``.
        saves: the values kept or computed again: a name, and ``once``, ``per trip``, ``recomputed`` or
            ``read again``.
        reason: why it is constant or refused.
        rewrite: what to write instead, if it is refused.
    """

    file: str
    line: int
    text: str
    status: str
    saves: tuple[tuple[str, str], ...] = ()
    reason: str = ""
    rewrite: str = ""

    @property
    def detail(self) -> str:
        """What there is to say of it, in a line."""
        if self.saves:
            return ", ".join(f"{name} {how}" for name, how in self.saves)
        return self.reason + (f"; {self.rewrite}" if self.rewrite else "")


@dataclass(frozen=True, slots=True)
class Report(Shown):
    """The statements of a function and of the helpers that are read in place.

    Attributes:
        name: the function.
        wrt: the arguments that derivatives are taken in.
        rows: one for each statement; iterating over the report gives these.
        problems: all that cannot be differentiated, as the error would say it.
        known: whether the kinds of the arguments were known (arguments were given).
    """

    name: str
    wrt: tuple[str, ...]
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]
    known: bool

    @property
    def ok(self) -> bool:
        """Whether the function can be differentiated."""
        return not self.problems

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def title(self) -> str:
        """What the report is about."""
        return f"{self.name} with respect to {', '.join(self.wrt)}"

    @property
    def footer(self) -> str:
        """The findings in a line."""
        count = {s: sum(r.status == s for r in self.rows) for s in COLOURS}
        said = ", ".join(f"{n} {s}" for s, n in count.items() if n)
        return said if self.known else f"{said}\n{UNKNOWN}"

    def __rich__(self) -> Table:
        table = Table(title=self.title, caption=self.footer, title_justify="left", caption_justify="left")
        for word in ("line", "statement", "", "saved, recomputed, or why not"):
            table.add_column(word, overflow="fold", justify="right" if word == "line" else "left")
        file = ""
        for r in self.rows:
            if r.file != file:
                file = r.file
                table.add_row("", Text(short(file), style="italic"), "", "")
            style = COLOURS[r.status]
            table.add_row(str(r.line), Text(r.text), Text(r.status, style=style), Text(r.detail, style=style))
        return table

    def plain(self) -> str:
        """The report as text without colours or frames."""
        width = max([len(r.text) for r in self.rows] + [20])
        out, file = [self.title], ""
        for r in self.rows:
            if r.file != file:
                file = r.file
                out.append(f"{short(file)}")
            out.append(f"{r.line:5}  {r.text:{min(width, 60)}}  {r.status:10}  {r.detail}".rstrip())
        out.append(self.footer)
        out += [p.render() for p in self.problems]
        return "\n".join(out)

    def below(self) -> list[str]:
        """The problems, as errors show them."""
        return [p.render() for p in self.problems]


def check_source(
    fn: Callable[..., Any],
    wrt: Wrt = None,
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
) -> Report:
    """What becomes of each statement of a function and of its helpers, and all that cannot be differentiated.

    Nothing is run but what reading the function takes; no derivative is compiled.

    Parameters:
        fn: the function (or what ``grad`` made of it).
        wrt: argument(s) to differentiate with respect to, as for :func:`grad`.
        args, kwargs: example arguments: with them kinds and shapes are known, and the report is sharper.

    Returns:
        A :class:`Report`: iterable rows, ``ok``, ``problems``; it prints as a table.

    Raises:
        SourceNotFound: there is no text to report on.
        DerivativeTypeError, DerivativeValueError: ``fn`` or ``wrt`` is not what it should be.

    Example:
        >>> import math
        >>> from srcdiff import check_source
        >>> def f(x):
        ...     n = 3
        ...     y = math.sin(x)
        ...     return n * y * y
        >>> report = check_source(f, args=(1.0,))
        >>> report.ok
        True
        >>> [(r.text, r.status) for r in report]
        [('n = 3', 'constant'), ('y = math.sin(x)', 'saved'), ('return n * y * y', 'exact')]
    """
    if isinstance(fn, Derivative) and wrt is None:
        d: Derivative[..., Any] = fn
    else:
        d = Derivative(fn, "grad", wrt)
    known = args is not None or kwargs is not None
    if known:
        bound = d._bind(tuple(args or ()), dict(kwargs or {}))
        params, given = d._params(bound.arguments, d._all_wrt()), dict(bound.arguments)
    else:
        params, given = d._unknown_params()[0], {}
    try:
        graph = d._primal_graph(params, given)
    except UnsupportedSyntax as e:
        if not isinstance(e.graph, Graph):
            raise
        graph = e.graph
        found = partial_account(graph, d.wrt_names, e.problems)
    else:
        found = account(graph, d.wrt_names)
    name = getattr(d.primal, "__name__", "f")
    return Report(name, d.wrt_names, tuple(rows(graph, found, d.wrt_names)), found.problems, known)


def rows(graph: Graph, found: Account, wrt: tuple[str, ...]) -> Iterator[Row]:
    reached = graph.info.get("reached", set())
    refused: dict[tuple[str, int], list[Problem]] = {}
    for p in found.problems:
        refused.setdefault((p.file, p.line), []).append(p)
    saves: dict[tuple[str, int], dict[tuple[str, str], None]] = {}
    for k in found.kept:
        if k.origin is not None:
            word = (k.name.rstrip("!") or "an intermediate", k.how)
            saves.setdefault((k.origin.file, k.origin.line), {})[word] = None
    for source in graph.info.get("sources", {}).values():
        names = found.names | set(wrt)
        for s in statements(source.node):
            at = (source.file, s.lineno)
            text = source.lines[s.lineno - 1].strip()
            lines = range(s.lineno, header_end(s) + 1)
            problems = [p for n in lines for p in refused.get((source.file, n), [])]
            kept = tuple(dict.fromkeys(w for n in lines for w in saves.get((source.file, n), {})))
            if problems:
                first = problems[0]
                yield Row(source.file, s.lineno, text, "refused", (), first.what, first.help)
            elif at not in reached:
                yield Row(source.file, s.lineno, text, "constant", (), why(s, False))
            elif kept:
                again = all(how == "recomputed" for _, how in kept)
                yield Row(source.file, s.lineno, text, "recomputed" if again else "saved", kept)
            elif at in found.varied or passes_on(s, names):
                yield Row(source.file, s.lineno, text, "exact")
            else:
                yield Row(source.file, s.lineno, text, "constant", (), why(s, True))


def why(s: Any, reached: bool) -> str:
    """Why no derivative flows through a statement."""
    if not reached:
        return "not reached for these arguments"
    if isinstance(s, (gast.If, gast.While)):
        return "a test: the side that runs is differentiated"
    if isinstance(s, gast.For):
        return "its trips are differentiated one by one"
    if isinstance(s, (gast.Assert, gast.Raise)):
        return "runs as it is"
    if isinstance(s, (gast.FunctionDef, gast.Import, gast.ImportFrom, gast.Pass, gast.Global, gast.Nonlocal)):
        return "defines a name"
    if isinstance(s, (gast.Break, gast.Continue)):
        return "the same trips are differentiated"
    if isinstance(s, gast.Expr):
        return "runs as it is"
    return "does not depend on what is differentiated, or is no real number"


def passes_on(s: Any, names: set[str]) -> bool:
    """Whether a statement without operations hands on a value that varies: ``y = x``, ``return x``."""
    if not isinstance(s, (gast.Assign, gast.Return, gast.AnnAssign)) or s.value is None:
        return False
    return any(isinstance(n, gast.Name) and n.id in names for n in handed(s.value))


def handed(value: Any) -> Iterable[Any]:
    """The names that an expression of names and containers hands on."""
    if isinstance(value, (gast.Tuple, gast.List)):
        for e in value.elts:
            yield from handed(e)
    elif isinstance(value, gast.Dict):
        for e in value.values:
            yield from handed(e)
    elif isinstance(value, (gast.Name, gast.Subscript, gast.Attribute)):
        yield value if isinstance(value, gast.Name) else next(iter(handed(value.value)), value)


def header_end(s: Any) -> int:
    """The last line of a statement; of a compound one, of its first line."""
    cases = getattr(s, "cases", None)
    body = cases[0].body if cases else getattr(s, "body", None)
    if cases and body and body[0].lineno == cases[0].pattern.lineno:  # case 1: return x
        return int(s.subject.end_lineno)
    if isinstance(body, list) and body:
        return max(int(s.lineno), int(body[0].lineno) - 1)
    return int(s.end_lineno or s.lineno)


def statements(node: Any) -> Iterator[Any]:
    """All statements of a function in the order of the text, without docstrings; a lambda's expression."""
    if isinstance(node, gast.Lambda):
        yield node.body
        return
    line = 0
    for s in inside(node.body):
        if s.lineno != line:  # one row for all that stands on a line
            yield s
        line = s.lineno


def inside(body: list[Any]) -> Iterator[Any]:
    for s in body:
        if not (isinstance(s, gast.Expr) and isinstance(s.value, gast.Constant)):
            yield s
        if isinstance(s, gast.ClassDef):
            continue
        for part in ("body", "handlers", "orelse", "finalbody", "cases"):
            inner = getattr(s, part, None) or []
            for h in inner if part in ("handlers", "cases") else [s]:
                yield from inside(h.body if h is not s else inner)
