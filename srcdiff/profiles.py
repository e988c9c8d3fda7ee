"""Where the time and the memory of a derivative go, by the user's lines."""

from __future__ import annotations

import copy
import html
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from srcdiff import pipeline
from srcdiff.api import Derivative
from srcdiff.api.memory import values_of
from srcdiff.api.targets import name_of, refuse
from srcdiff.emit.order import lay_out
from srcdiff.ir.amounts import written
from srcdiff.ir.graph import Graph, Op, Origin, Val, nested, vals, walk
from srcdiff.ir.modules import NUMPY
from srcdiff.lineclock import Clocked, DeviceClocked
from srcdiff.memory.sizes import Sizes
from srcdiff.memory.values import Piece
from srcdiff.shown import Shown, cut, short
from srcdiff.signature import module_for
from srcdiff.statements import COLOURS, Row, check_source
from srcdiff.tapes import Entry, entries

__all__ = ["KernelTime", "Line", "Profile", "report"]

ROUNDS, MOST_ROUNDS, BUDGET = 5, 40, 0.5  # how often a call is timed, and for how many seconds
At = tuple[str, int]  # file and line


@dataclass(frozen=True, slots=True)
class Line:
    """One statement of the user's.

    Attributes:
        file, line, text: where it is and what it says.
        forward: seconds that it takes in the forward sweep (its tangents, in forward mode, included).
        backward: seconds that going back over it takes.
        runs: how often it is run forward.
        bytes: what is kept of it between the sweeps; None where that is not known.
        status: what becomes of it, as :func:`check_source` says.
        saves: the values kept or computed again, and how.
        fused: what it is a part of: other statements (``"line 7"``) or compiled kernels, by name.
        new: on a GPU, the bytes of its memory that are asked for here, both sweeps together.
    """

    file: str
    line: int
    text: str
    forward: float
    backward: float
    runs: int
    bytes: int | None
    status: str
    saves: tuple[tuple[str, str], ...]
    fused: tuple[str, ...]
    new: int = 0

    @property
    def seconds(self) -> float:
        return self.forward + self.backward

    @property
    def detail(self) -> str:
        """What is kept, computed again or fused, in a line."""
        said = [f"{name} {how}" for name, how in self.saves]
        if not self.runs and not self.fused and self.status in ("exact", "saved", "recomputed"):
            said.append("its value is not computed")
        made = [f"{written(self.new)} new"] if self.new else []
        return ", ".join([*said, *(f"in {f}" for f in self.fused), *made])


@dataclass(frozen=True, slots=True)
class KernelTime:
    """A compiled kernel: the time of its calls, and the user's lines that are in it.

    Attributes:
        name: the function in the text.
        forward, backward: seconds; a kernel with statements of both sweeps counts as backward.
        both: whether it has statements of both sweeps.
        lines: the lines in it, by file and number.
        calls: how often it is called: on a GPU, its launches.
        new: on a GPU, the bytes of its memory that are asked for.
    """

    name: str
    forward: float
    backward: float
    both: bool
    lines: tuple[At, ...]
    calls: int = 0
    new: int = 0

    @property
    def seconds(self) -> float:
        return self.forward + self.backward


@dataclass(frozen=True, slots=True)
class Profile(Shown):
    """Where the time and the memory of a derivative go.

    Attributes:
        name: the derivative.
        wrt: the arguments that it is taken in.
        lines: one for each statement of the function and of those read in place; iterating gives these.
        kernels: with ``backend="numba"`` or ``"cupy-fused"``, the compiled functions.
        rest: seconds of statements of the text that stand for no statement of the user's.
        seconds: one call without the clock; this and the times of lines are the least of several rounds.
        primal: one call of the function itself.
        rounds: how often the call was timed.
        device: whether it runs on a GPU. Then times are those of the device's timeline (CUDA events behind
            each statement), where it waits for the host included.
        host: on a GPU, the seconds until a call has returned, when the device may be at work still.
    """

    name: str
    wrt: tuple[str, ...]
    lines: tuple[Line, ...]
    kernels: tuple[KernelTime, ...]
    rest: float
    seconds: float
    primal: float
    rounds: int
    device: bool = False
    host: float = 0.0

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def forward(self) -> float:
        """Seconds of the forward sweep."""
        return sum(x.forward for x in self.lines) + sum(k.forward for k in self.kernels)

    @property
    def backward(self) -> float:
        """Seconds of the backward sweep."""
        return sum(x.backward for x in self.lines) + sum(k.backward for k in self.kernels)

    @property
    def bytes(self) -> int | None:
        """What is kept between the sweeps; None where some of it is not known."""
        return None if any(x.bytes is None for x in self.lines) else sum(x.bytes or 0 for x in self.lines)

    @property
    def title(self) -> str:
        """What the report is about."""
        return f"{self.name} with respect to {', '.join(self.wrt)}" if self.wrt else self.name

    @property
    def footer(self) -> str:
        """The sums in a line."""
        kept = "an unknown amount" if self.bytes is None else written(self.bytes)
        ratio = f" ({self.seconds / self.primal:.1f} times the function)" if self.primal > 0 else ""
        parts = (self.forward, "forward"), (self.backward, "backward"), (self.rest, "besides")
        clock = ", ".join(f"{spelled(t) or 'nothing'} {word}" for t, word in parts)
        where = ""
        if self.device:
            bound = ", which it waits for" if self.host > 0.9 * self.seconds else ""
            where = f" on the device, {spelled(self.host)} of the host{bound}"
        return f"{spelled(self.seconds)} a call{where}{ratio}; on the clock {clock}; {kept} kept"

    def _cells(self) -> Iterator[tuple[str, tuple[str, ...], str, float]]:
        """The rows of the table: the file, the cells, the style of the last, the share of the time."""
        whole = (self.forward + self.backward + self.rest) or 1.0
        for x in self.lines:
            kept = "not known" if x.bytes is None else written(x.bytes) if x.bytes else ""
            cells = (
                str(x.line), x.text, spelled(x.forward), spelled(x.backward), share(x.seconds / whole),
                str(x.runs or ""), kept, x.detail,
            )  # fmt: skip
            yield x.file, cells, COLOURS.get(x.status, ""), x.seconds / whole
        for k in self.kernels:
            held = "lines " + ", ".join(str(n) for _, n in k.lines) + (", both sweeps" if k.both else "")
            if self.device:
                held += f", {k.calls} launches" + (f", {written(k.new)} new" if k.new else "")
            yield "", (
                "", f"kernel {k.name}", spelled(k.forward), spelled(k.backward), share(k.seconds / whole),
                "", "", held,
            ), "", k.seconds / whole  # fmt: skip

    def __rich__(self) -> Table:
        table = Table(title=self.title, caption=self.footer, title_justify="left", caption_justify="left")
        for word in HEADS:
            table.add_column(word, overflow="fold", justify="right" if word in RIGHT else "left")
        before = ""
        for file, cells, style, part in self._cells():
            if file != before:
                before = file
                table.add_row("", Text(short(file) if file else "compiled", style="italic"))
            hot = "bold red" if part >= 0.25 else "yellow" if part >= 0.1 else ""
            own = [Text(c, style=hot if n in (2, 3, 4) else "") for n, c in enumerate(cells)]
            own[-1].stylize(style)
            table.add_row(*own)
        return table

    def plain(self) -> str:
        """The report as text without colours or frames."""
        rows = list(self._cells())
        wide = [max([len(r[1][n]) for r in rows] + [len(HEADS[n])]) for n in range(len(HEADS))]
        wide[1] = min(wide[1], 48)
        out, before = [self.title], ""
        for file, cells, _, _ in [("", HEADS, "", 0.0), *rows]:
            if file != before:
                before = file
                out.append(short(file) if file else "compiled")
            own = [cells[0], cut(cells[1], wide[1]), *cells[2:]]
            columns = zip(own, wide, HEADS, strict=True)
            pad = [c.rjust(w) if h in RIGHT else c.ljust(w) for c, w, h in columns]
            out.append("  ".join(pad).rstrip())
        return "\n".join([*out, self.footer])

    def html(self) -> str:
        """The report as a table in HTML, which stands by itself; a notebook shows it."""
        head = "".join(f"<th>{html.escape(h)}</th>" for h in HEADS)
        out = [
            f'<table class="srcdiff-report" style="border-collapse:collapse">'
            f'<caption style="text-align:left">{html.escape(self.title)}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>"
        ]
        before = ""
        for file, cells, _, part in self._cells():
            if file != before:
                before = file
                word = html.escape(short(file) if file else "compiled")
                out.append(f'<tr><td colspan="{len(HEADS)}"><i>{word}</i></td></tr>')
            tds = []
            for h, c in zip(HEADS, cells, strict=True):
                side = "right" if h in RIGHT else "left"
                style = f"text-align:{side};padding:0 0.6em"
                if h == "share":
                    style += f";background:rgba(220,60,40,{min(part, 1.0):.2f})"
                text = html.escape(c)
                tds.append(f'<td style="{style}">{f"<code>{text}</code>" if h == "statement" else text}</td>')
            out.append(f"<tr>{''.join(tds)}</tr>")
        foot = html.escape(self.footer)
        out.append(f'</tbody><tfoot><tr><td colspan="{len(HEADS)}">{foot}</td></tr></tfoot></table>')
        return "\n".join(out)

    def _repr_html_(self) -> str:
        return self.html()


HEADS = ("line", "statement", "forward", "backward", "share", "runs", "kept", "saved, recomputed, fused")
RIGHT = ("line", "forward", "backward", "share", "runs", "kept")


def spelled(t: float) -> str:
    """A time in words; none at all is left out."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if t >= size:
            return f"{t / size:.3g} {unit}"
    return f"{t / 1e-9:.0f} ns" if t >= 1e-9 else ""


def share(part: float) -> str:
    return f"{100 * part:.0f} %" if part >= 0.005 else ""


def report(derivative: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Profile:
    """Where the time and the memory of a derivative go, line by line of the function.

    The emitted text is run several times with a clock behind each of its statements, whose own time is
    subtracted; each statement of the text is counted to the user's that it comes from.  With
    ``backend="numba"`` or ``"cupy-fused"`` a kernel counts as one, with the lines that are in it.  On a GPU
    the clock is an event behind each statement, and nothing waits for the device before the end of a call;
    each statement is a range of NVTX's, by the user's line, which NVIDIA's profilers show with its launches.

    Parameters:
        derivative: what :func:`grad`, :func:`value_and_grad`, :func:`jacobian` or another of these made.
        args, kwargs: the arguments of a call.

    Returns:
        A :class:`Profile`: iterable lines, ``kernels``, ``seconds``, ``bytes``; it prints as a table, and
        ``html()`` is one for a page or a notebook.

    Raises:
        DerivativeTypeError: ``derivative`` is not one.
        UnsupportedSyntax, NoRule, DerivativeValueError: as the derivative does when it is called.

    Example:
        >>> import numpy as np
        >>> from srcdiff import grad, report
        >>> def f(x, n):
        ...     for _ in range(n):
        ...         x = x + 0.1 * np.sin(x)
        ...     return np.sum(x)
        >>> found = report(grad(f), np.ones(1000), 50)
        >>> step = found.lines[1]
        >>> step.text, step.runs, 50 * 8000 > step.bytes > 49 * 8000
        ('x = x + 0.1 * np.sin(x)', 50, True)
        >>> found.forward > 0 and found.backward > 0
        True
    """
    if not isinstance(derivative, Derivative):
        refuse("argument", f"report needs a derivative, not a {type(derivative).__name__}",
               "write report(grad(f), *args)")  # fmt: skip
    d: Derivative[..., Any] = derivative
    bound, variant, extra = d._prepared(args, kwargs)
    made = d._anew(bound.arguments)[0] if variant.made.kept else variant.made
    changes = bool(variant.written)

    def arguments() -> tuple[Sequence[Any], Mapping[str, Any]]:
        own = bound.args, {**bound.kwargs, **extra}
        return copy.deepcopy(own) if changes else own

    cuda = cuda_of(bound.arguments, extra)

    def label(line: int) -> str:
        o = made.text.origin(line)
        if o is None:
            return rows[line - 1].strip()
        return f"{Path(o.file).name}:{o.line} {cut(o.text, 60)}{' (back)' * o.adjoint}"

    source = made.text.source
    rows = source.splitlines()
    clocked = Clocked(made.fn, source) if cuda is None else DeviceClocked(made.fn, source, cuda, label)
    (whole, host), rounds = timed(made.fn, arguments, cuda), []
    for _ in range(MOST_ROUNDS):
        clocked.clear()
        given, named = arguments()
        clocked(*given, **named)
        rounds.append(clocked.spent)
        if len(rounds) >= ROUNDS and sum(map(sum_of, rounds)) > 1e9 * BUDGET:
            break
    spent = {n: 1e-9 * min(r.get(n, 0.0) for r in rounds) for n in rounds[-1]}
    own_args = args[:-1] if d.mode in pipeline.PRODUCTS else args

    def own() -> tuple[Sequence[Any], Mapping[str, Any]]:
        return copy.deepcopy((own_args, kwargs)) if changes else (own_args, kwargs)

    primal = timed(d.primal, own, cuda)[0] if d.mode != "vmap" else 0.0
    backwards = any(o is not None and o.adjoint for o in map(made.text.origin, spent))
    statuses = check_source(d, args=own_args, kwargs=kwargs).rows
    places = Places(statuses)
    kept: dict[At, int | None] = {}
    outside = variant.read(bound.arguments) or {}
    values = {**bound.arguments, **{c.name: outside.get(c.parameter) for c in variant.captures}}
    for e in kept_by(made.graph, values) if backwards else ():
        at = places.of(Origin(e.file, e.line, e.text))
        so_far = kept.get(at, 0)
        unknown = so_far is None or e.bytes is None or e.trips is None
        kept[at] = None if unknown else (so_far or 0) + (e.bytes or 0)
    kernels = {k.name: k for k in made.plan.kernels.values()} if made.plan is not None else {}
    fused, last = fusions(made.graph, places) if not kernels else ({}, None)
    for k in kernels.values():
        for held in k.places:
            fused.setdefault(places.of(held), {})[k.name] = None
    forward: dict[At, float] = {}
    backward: dict[At, float] = {}
    runs: dict[At, int] = {}
    of_kernel: dict[str, list[float]] = {n: [0.0, 0.0] for n in kernels}
    calls: dict[str, int] = {}
    new: dict[At | str, int] = {}
    rest = 0.0
    text = made.text.source.splitlines()
    main = made.fn.__code__.co_firstlineno
    o: Origin | None
    for n, t in spent.items():
        called = next((name for name in kernels if f"{name}(" in text[n - 1]), None)
        o = made.text.origin(n) or (last if n >= main and text[n - 1].startswith("    return ") else None)
        asked = clocked.new.get(n, 0) if isinstance(clocked, DeviceClocked) else 0
        where: At | str | None = called if called is not None else places.of(o) if o is not None else None
        if where is not None:
            new[where] = new.get(where, 0) + asked
        if called is not None:
            of_kernel[called][any(p.adjoint for p in kernels[called].places)] += t
            calls[called] = calls.get(called, 0) + clocked.counts.get(n, 0)
        elif o is None:
            rest += t
        else:
            at, table = places.of(o), backward if o.adjoint else forward
            table[at] = table.get(at, 0.0) + t
            if not o.adjoint:
                runs[at] = max(runs.get(at, 0), clocked.counts.get(n, 0))
    lines = tuple(
        Line(
            r.file, r.line, r.text, forward.get(at, 0.0), backward.get(at, 0.0), runs.get(at, 0),
            kept.get(at, 0),
            r.status if backwards or r.status not in ("saved", "recomputed") else "exact",
            r.saves if backwards else (), tuple(fused.get(at, ())), new.get(at, 0),
        )
        for r in statuses if (at := (r.file, r.line))
    )  # fmt: skip
    known = {(x.file, x.line) for x in lines}
    rest += sum(t for table in (forward, backward) for at, t in table.items() if at not in known)
    times = tuple(
        KernelTime(
            n, of_kernel[n][0], of_kernel[n][1], len({o.adjoint for o in k.places}) == 2,
            tuple(sorted(set(map(places.of, k.places)))), calls.get(n, 0), new.get(n, 0),
        )
        for n, k in kernels.items()
    )  # fmt: skip
    name = f"{d.mode} of {name_of(d.primal)}"
    device = cuda is not None
    return Profile(name, d.wrt_names, lines, times, rest, whole, primal, len(rounds), device, host)


def sum_of(spent: Mapping[int, float]) -> float:
    return sum(spent.values())


def cuda_of(*arguments: Mapping[str, Any]) -> Any:
    """The part of the arrays' module that knows of the device; None for NumPy's."""
    module = module_for({k: v for given in arguments for k, v in given.items()})
    return None if module is NUMPY else sys.modules[module.name].cuda


def timed(fn: Callable[..., Any], arguments: Callable[[], Any], cuda: Any = None) -> tuple[float, float]:
    """Seconds of a call, the least of several: until it is done, and until it has returned."""
    taken: list[float] = []
    hosts: list[float] = []
    first, last = (cuda.Event(), cuda.Event()) if cuda is not None else (None, None)
    for _ in range(MOST_ROUNDS):
        given, named = arguments()
        if first is not None:
            first.record()
        start = time.perf_counter()
        fn(*given, **named)
        hosts.append(time.perf_counter() - start)
        taken.append(hosts[-1])
        if last is not None:
            last.record()
            last.synchronize()
            taken[-1] = 1e-3 * cuda.get_elapsed_time(first, last)
        if len(taken) >= ROUNDS and sum(taken) > BUDGET / 2:
            break
    return min(taken), min(hosts)


def kept_by(graph: Graph, arguments: Mapping[str, Any]) -> list[Entry]:
    """What the forward sweep of a derivative leaves for the backward sweep."""
    own, _ = pipeline.settled(graph, packed=False)
    sizes = Sizes()
    rows, names = graph.info.get("cut", (0, ()))  # (as many at a time)
    at_once = {n: v[:rows] if n in names else v for n, v in arguments.items()}
    sizes.run(own, values_of(own, at_once))
    first = next((n for n, op in enumerate(own.region.ops) if is_adjoint(op)), len(own.region.ops))
    params = set(own.region.params)
    before = params | {v for op in own.region.ops[:first] for v in op.outs}
    readers: dict[Val, list[Origin]] = {}
    for op in own.region.ops[first:]:
        for o in (op, *nested(op)):
            results = [v for r in o.regions for v in vals(r.results)]
            for v in (*vals(o.ins), *results):
                if v in before:
                    at = o.origin or op.origin
                    readers.setdefault(v, []).extend([at] if at is not None else [])
    seen: dict[Piece, int] = {}
    out: list[Entry] = []
    top = Origin("", 0, "")
    for v in [p for p in own.region.params if p in readers] + [v for v in readers if v not in params]:
        out += entries(sizes, v, sizes.atom(v), tuple(readers[v]), v in params, seen, top)
    return out


def is_adjoint(op: Op) -> bool:
    inside = (op, *nested(op))
    return any(o.adjoint for o in inside)


class Places:
    """Which row of the report a line of the user's belongs to: statements may go over several."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.starts: dict[str, list[int]] = {}
        for r in rows:
            self.starts.setdefault(r.file, []).append(r.line)

    def of(self, o: Origin) -> At:
        before = [n for n in self.starts.get(o.file, ()) if n <= o.line]
        return (o.file, max(before)) if before else (o.file, o.line)


def fusions(graph: Graph, places: Places) -> tuple[dict[At, dict[str, None]], Origin | None]:
    """The statements that are computed inside others, with these; the statement that is in the ``return``."""
    own, _ = pipeline.settled(graph)
    lay = lay_out(own)
    users: dict[Op, Op] = {}
    made = {v: op for op in walk(own.region) for v in op.outs}
    for op in walk(own.region):
        for v in vals(op.ins):
            if v in made and made[v] in lay.folded:
                users[made[v]] = op
    ends, last = [*own.region.results], None
    while ends and last is None:
        inner = [made[v] for v in vals(ends) if v in made and made[v] in lay.folded]
        last = next((op.origin for op in inner if op.origin is not None), None)
        ends = [a for op in inner for a in op.ins]
    out: dict[At, dict[str, None]] = {}
    for op in lay.folded:
        first = op
        while op in users and op in lay.folded:
            op = users[op]
        there = last if op in lay.folded else op.origin
        if first.origin is None or there is None or first.origin.adjoint or there.adjoint:
            continue
        here, other = places.of(first.origin), places.of(there)
        if here != other:
            out.setdefault(here, {})[f"line {other[1]}"] = None
    return out, last
