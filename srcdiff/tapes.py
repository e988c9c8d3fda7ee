"""What reverse mode keeps between its two sweeps, in bytes, before anything is run."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from srcdiff import pipeline
from srcdiff.api import Derivative
from srcdiff.api.memory import values_of
from srcdiff.api.wrt import Wrt
from srcdiff.differentiate.problems import fn_name
from srcdiff.ir import ops
from srcdiff.ir.amounts import written
from srcdiff.ir.graph import Graph, LoopView, Origin, Region, Struct, Val, vals
from srcdiff.memory.sizes import Sizes
from srcdiff.memory.values import Arr, Many, Num, Other, Parts, Piece, Value, held_by
from srcdiff.shown import Shown, cut, short

__all__ = ["Entry", "Tape", "tape"]

SIGNS = {
    "mul": "*", "add": "+", "sub": "-", "truediv": "/", "pow": "**", "matmul": "@", "neg": "-",
    "getitem": "an index", "abs": "abs", "setitem": "a write", "additem": "a write",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One value that is kept.

    Attributes:
        file, line, text: the statement that makes it, or is the first to use it.
        name: the variable; an expression has none.
        what: its type and shape: ``float``, ``float64 (100, 3)``.
        trips: how many are kept: 1 but in loops; None if that is known at run time only.
        bytes: how much memory that is; of one trip, if their number is not known; None if a size is not.
        held: whose memory it is: ``"ours"``; ``"argument"`` (the caller's: no bytes); ``"shared"`` (that of
            an entry before: no bytes).
        why: the operations whose derivatives read it.
    """

    file: str
    line: int
    text: str
    name: str
    what: str
    trips: int | None
    bytes: int | None
    held: str
    why: str

    @property
    def amount(self) -> str:
        """Its bytes in words."""
        if self.held != "ours":
            return self.held
        if self.bytes is None:
            return "not known"
        return written(self.bytes) + (" per trip" if self.trips is None else "")


@dataclass(frozen=True, slots=True)
class Tape(Shown):
    """What the pullback of a function keeps between the forward and the backward sweep.

    Attributes:
        name: the function.
        wrt: the arguments that derivatives are taken in.
        entries: one for each value kept; iterating over the tape gives these.
        at_most: whether branches are taken to go the way that keeps more, loops to be run to their end.
    """

    name: str
    wrt: tuple[str, ...]
    entries: tuple[Entry, ...]
    at_most: bool

    @property
    def bytes(self) -> int | None:
        """All of it; None if that is known at run time only."""
        if not self.known:
            return None
        return sum(e.bytes or 0 for e in self.entries)

    @property
    def known(self) -> bool:
        """Whether the number of trips and all sizes follow from the arguments."""
        return all(e.bytes is not None and e.trips is not None for e in self.entries)

    @property
    def lines(self) -> dict[tuple[str, int], int]:
        """The bytes kept of each line, by file and number."""
        out: dict[tuple[str, int], int] = {}
        for e in self.entries:
            out[e.file, e.line] = out.get((e.file, e.line), 0) + (e.bytes or 0)
        return out

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def title(self) -> str:
        """What the tape is of."""
        return f"Tape of {self.name} with respect to {', '.join(self.wrt)}"

    @property
    def footer(self) -> str:
        """The sum in a line."""
        fixed = sum(e.bytes or 0 for e in self.entries if e.trips is not None)
        said = ("at most " if self.at_most else "") + written(fixed)
        moving = sum(e.bytes or 0 for e in self.entries if e.trips is None)
        if moving:
            said += f", and {written(moving)} per trip of loops whose trips are known at run time only"
        if any(e.bytes is None for e in self.entries):
            said += ", and what is not known"
        return f"{said} in all"

    def __rich__(self) -> Table:
        table = Table(title=self.title, caption=self.footer, title_justify="left", caption_justify="left")
        for word in ("line", "statement", "kept", "of type", "times", "bytes", "for"):
            right = word in ("line", "times", "bytes")
            table.add_column(word, overflow="fold", justify="right" if right else "left")
        file = ""
        for e in self.entries:
            if e.file != file:
                file = e.file
                table.add_row("", Text(short(file), style="italic"))
            style = "yellow" if e.held == "ours" else "dim"
            amount = Text(e.amount, style=style)
            table.add_row(str(e.line), Text(e.text), e.name, e.what, times(e), amount, Text(e.why))
        return table

    def plain(self) -> str:
        """The report as text without colours or frames."""
        out, file = [self.title], ""
        wide = min(48, max([len(e.text) for e in self.entries] + [20]))
        names = max([len(e.name) for e in self.entries] + [4])
        kinds = max([len(e.what) for e in self.entries] + [8])
        for e in self.entries:
            if e.file != file:
                file = e.file
                out.append(short(file))
            row = f"{e.line:5}  {cut(e.text, wide):{wide}}  {e.name:{names}}  {e.what:{kinds}}  {times(e):>8}"
            out.append(f"{row}  {e.amount:>18}  {e.why}".rstrip())
        out.append(self.footer)
        return "\n".join(out)


def times(e: Entry) -> str:
    return "? trips" if e.trips is None else f"x {e.trips}" if e.trips != 1 else ""


def tape(fn: Callable[..., Any], *args: Any, wrt: Wrt = None, **kwargs: Any) -> Tape:
    """What the pullback of a function keeps for these arguments, line by line, before it is run.

    Kept are the values that the backward sweep reads: between the two sweeps of ``vjp``, and while a gradient
    is computed.  Sizes and numbers of trips follow from the arguments where they can; nothing is run.

    Parameters:
        fn: the function (or what ``grad`` made of it).
        args, kwargs: its arguments.
        wrt: argument(s) to differentiate with respect to, as for :func:`grad`.

    Returns:
        A :class:`Tape`: iterable entries, ``bytes``, ``lines``; it prints as a table.

    Raises:
        UnsupportedSyntax, NoRule, DerivativeTypeError, DerivativeValueError: as :func:`grad` does.

    Example:
        >>> import numpy as np
        >>> from srcdiff import tape
        >>> def f(x, n):
        ...     for _ in range(n):
        ...         x = x + 0.1 * np.sin(x)
        ...     return np.sum(x)
        >>> [(e.name, e.what, e.trips, e.why) for e in tape(f, np.ones(1000), 50)]
        [('x', 'float64 (1000,)', 50, 'sin')]
    """
    d: Derivative[..., Any] = (
        fn if isinstance(fn, Derivative) and wrt is None else Derivative(fn, "grad", wrt)
    )
    bound = d._bind(args, kwargs)
    arguments = dict(bound.arguments)
    primal = d.primal_graph(arguments)
    pair = pipeline.pullback_pair(primal, d.wrt_names, d.has_aux)
    forward, _ = pipeline.settled(pair.forward)
    sizes = Sizes()
    (result,) = sizes.run(forward, values_of(forward, arguments))
    whole = forward.region.results[0]
    assert isinstance(whole, Struct) and isinstance(result, Parts)
    kept, amounts = whole.items[1], result.items[1]
    assert isinstance(kept, Struct) and isinstance(amounts, Parts)
    readers = list(map(read_by(pair.backward), pair.backward.region.params))
    own = set(forward.region.params)
    code = d._target.function.__code__
    top = Origin(code.co_filename, code.co_firstlineno, f"def {code.co_name}")
    rows: list[Entry] = []
    seen: dict[Piece, int] = {}  # the bytes that entries before have of each
    for a, x, why in zip(kept.items, amounts.items, readers, strict=False):
        if isinstance(a, Val):
            rows += entries(sizes, a, x, why, a in own, seen, top)
    rows.sort(key=lambda e: (e.file, e.line))
    name = getattr(d.primal, "__name__", "f")
    return Tape(name, d.wrt_names, tuple(rows), sizes.at_most)


def entries(
    sizes: Sizes,
    a: Val,
    x: Value,
    why: tuple[Origin, ...],
    given: bool,
    seen: dict[Piece, int],
    top: Origin,
) -> Iterator[Entry]:
    """The entries of one value that is kept; what is no more than a number known by itself is none."""
    source: Any = maker(a)
    origin = source.op.origin if source.op is not None else None
    if origin is None and why:
        origin = why[0]
    leaf = x
    while isinstance(leaf, Many) and leaf.elem is not None:
        leaf = leaf.elem
    held = held_by([x])
    trips: int | None = 1
    if isinstance(x, Many):
        inside = held_by([leaf])
        most = [p.count if (n := held[p]) is None else min(n, p.count) for p in inside if p in held]
        trips = max(most) if most else x.length
    unknown = any(p.per for p in held)
    new = {p: p.held(n) - seen.get(p, 0) for p, n in held.items() if p not in seen or p.held(n) > seen[p]}
    for p, more in new.items():
        seen[p] = seen.get(p, 0) + more
    total: int | None = sum(new.values())
    if any(p.size is None for p in new) or isinstance(leaf, Other):
        total = None
    if copy_of_argument(sizes, source):  # of a pullback, which is called later: a gradient reads the argument
        given, source = True, source.op.ins[0]
        total = 0
    whose = (
        "argument"
        if given or not (held or isinstance(leaf, Other))
        else "ours"
        if new or total is None
        else "shared"
    )
    if whose == "argument" and (isinstance(leaf, Num) or not isinstance(leaf, (Arr, Many, Parts))):
        if not (isinstance(leaf, Num) and leaf.dtype[0] in "fc"):
            return
    if isinstance(leaf, Num) and leaf.dtype[0] in "iub" and trips == 1:
        return  # a length or a number of trips
    where = origin or top
    yield Entry(
        where.file,
        where.line,
        where.text.strip().split("\n")[0],
        named(source),
        described(leaf),
        None if unknown else trips,
        total if whose == "ours" else 0,
        whose,
        reasons(why, where),
    )


def copy_of_argument(sizes: Sizes, v: Val) -> bool:
    """Whether a value is the copy of one whose memory is the caller's."""
    if v.op is None or v.op.fn is not ops.copied:
        return False
    x = sizes.atom(v.op.ins[0])
    return isinstance(x, Arr) and not x.pieces


def named(v: Val) -> str:
    """The user's word for a value, or the operation that makes it."""
    name = v.name.replace("!", "")
    if v.user or v.op is None or (name and not name.endswith("saved")):
        return name
    if v.op.fn is None:
        return name.removesuffix("_saved") if name != "saved" else ""
    base = v.op.ins[0] if v.op.ins else None
    if v.op.fn is operator.getitem and isinstance(base, Val):
        return f"{named(base)}[...]"
    if v.op.fn is ops.copied and isinstance(base, Val):
        return named(base)
    word = fn_name(v.op)
    return f"... {SIGNS[word]} ..." if word in SIGNS and len(SIGNS[word]) < 3 else f"{word}(...)"


def described(x: Value) -> str:
    match x:
        case Num(dtype, weak):
            word = {"f": "float", "i": "int", "b": "bool", "c": "complex"}.get(dtype[0], dtype)
            return word if weak or dtype[0] == "b" else np.dtype(dtype).name
        case Arr(dtype, shape):
            name = np.dtype(dtype).name
            sizes = ", ".join("?" if n is None else str(n) for n in shape)
            return f"{name} ({sizes}{',' if len(shape) == 1 else ''})"
        case Parts(type_, _, items):
            return f"{type_.__name__} of {', '.join(map(described, items))}"
        case Many(elem, _, _):
            return "list" if elem is None else f"list of {described(elem)}"
    return "?"


def reasons(why: tuple[Origin, ...], where: Origin) -> str:
    """The operations that read a value: those of other lines with their line."""
    words: dict[str, None] = {}
    for o in why:
        sign = SIGNS.get(o.of, o.of)
        if not sign and o.line == where.line:
            continue
        at = "" if o.line == where.line else f"line {o.line}"
        words[" in ".join(filter(None, (sign, at)))] = None
    said = list(words)
    return ", ".join(said[:3]) + (" and more" if len(said) > 3 else "")


def maker(v: Val) -> Val:
    """The value that a tape collects, or that a branch hands on."""
    op = v.op
    while op is not None and v in op.outs and op.regions:
        at = op.outs.index(v)
        inner: Any = None
        if op.is_loop:
            view = LoopView(op)
            if v in view.tapes:
                inner = view.put_on(v)
        else:
            inner = next((r.results[at] for r in op.regions if isinstance(r.results[at], Val)), None)
        if not isinstance(inner, Val):
            break
        v, op = inner, inner.op
        if op is not None and v not in op.outs:  # a loop's variable: made at the end of the trip before
            if op.is_loop and v in LoopView(op).params:
                last = LoopView(op).yields[LoopView(op).params.index(v)]
                if isinstance(last, Val) and last.op is not None and last.op is not op:
                    return v.again(last.op)
    return v


def read_by(graph: Graph) -> Callable[[Val], tuple[Origin, ...]]:
    """For the parameters of the backward sweep: the statements gone back over where they are read."""
    readers: dict[Val, dict[Origin, None]] = {}
    leads: dict[Val, list[Val]] = {}

    def look(region: Region) -> None:
        for op in region.ops:
            for a in vals(op.ins):
                if op.code == "prim":
                    if op.origin is not None:
                        readers.setdefault(a, {})[op.origin] = None
            if op.is_loop:
                view = LoopView(op)
                for e, s in view.taken:
                    for v in vals([s]):
                        leads.setdefault(v, []).append(e)
                for i, p in zip(view.inits, view.params, strict=True):
                    for v in vals([i]):
                        leads.setdefault(v, []).append(p)
            elif op.code == "unpack":
                for v in vals(op.ins):
                    leads.setdefault(v, []).extend(op.outs)
            elif op.code != "prim" and op.origin is not None:
                for v in vals(op.ins):
                    readers.setdefault(v, {})[op.origin] = None
            for r in op.regions:
                look(r)

    look(graph.region)

    def found(v: Val) -> tuple[Origin, ...]:
        out: dict[tuple[Origin, str], Origin] = {}
        todo, seen = [v], {v}
        while todo:
            w = todo.pop(0)
            for o in readers.get(w, ()):
                out[o, o.of] = o
            for u in leads.get(w, ()):
                if u not in seen:
                    seen.add(u)
                    todo.append(u)
        return tuple(out.values())

    return found
