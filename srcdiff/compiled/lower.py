"""From a part of the graph to the text of a kernel: numbers as numbers, arrays as loops over elements.

A value of the graph is represented by what is known of it here: a number in a variable, a *view* of a store
(slices, transposes and new axes are ways of indexing, and cost nothing), something that is computed where it
is read (zeros, an identity), or a tape.  Straight-line operations become statements (``nests``), put into loops
when something else comes: a loop, a branch, the end.
"""

from __future__ import annotations

import math
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from srcdiff.compiled import tables
from srcdiff.compiled.bounds import Bounds
from srcdiff.compiled.nests import Access, Nest, Size, Statement, Store, Way, contract, same_size, schedule
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Atom,
    Const,
    LoopView,
    Op,
    Ref,
    Region,
    Slice,
    Struct,
    Undef,
    Val,
    kind,
    same,
    vals,
)
from srcdiff.ir.kinds import Array, Dim, Kind, Scalar, Seq

__all__ = ["Kernel", "Lowerer", "Unsupported"]

DTYPES = ("f8", "f4", "i8", "b1")
LONGEST = 400  # statements that are put into loops together
ZERO_OF = {"f8": "0.0", "f4": "np.float32(0.0)", "i8": "0", "b1": "False"}
NUMPY_DTYPE = {"f8": "np.float64", "f4": "np.float32", "i8": "np.int64", "b1": "np.bool_"}


class Unsupported(Exception):
    """An operation that has no compiled form, and why."""

    def __init__(self, op: Op | None, reason: str) -> None:
        super().__init__(reason)
        self.op, self.reason = op, reason


@dataclass(slots=True)
class View:
    """An array: a store, and how each of its axes is gone along (an axis of the view or none, start, step)."""

    store: Store
    axes: tuple[tuple[int | None, str, int], ...]
    sizes: tuple[Size, ...]

    @property
    def dtype(self) -> str:
        return self.store.dtype

    @property
    def whole(self) -> bool:
        own = self.store.sizes
        return (
            len(self.axes) == len(self.sizes)
            and all(a == (k, "", 1) for k, a in enumerate(self.axes))
            and all(map(same_size, self.sizes, own))
        )


@dataclass(slots=True)
class Lazy:
    """An array whose elements are computed where they are read."""

    dtype: str
    sizes: tuple[Size, ...]
    element: Callable[[list[str]], str]


@dataclass(slots=True)
class Num:
    """A number in a variable."""

    store: Store

    @property
    def dtype(self) -> str:
        return self.store.dtype

    @property
    def sizes(self) -> tuple[Size, ...]:
        return ()


@dataclass(slots=True)
class Text:
    """A number that is written where it is used."""

    text: str
    dtype: str
    weak: bool = True

    @property
    def sizes(self) -> tuple[Size, ...]:
        return ()


@dataclass(slots=True)
class Gather:
    """Elements of a view at places that an array of integers holds, along one axis."""

    view: View
    axis: int
    places: View
    sizes: tuple[Size, ...]

    @property
    def dtype(self) -> str:
        return self.view.dtype


@dataclass(slots=True)
class Tape:
    """What a loop saves, trip by trip: numbers, or rows that say where in the next tape an element lies."""

    name: str
    elem: Kind
    inner: Tape | None = None
    count: str = ""
    known: str = ""  # the number of trips, where it is known before
    shapes: bool = False  # of its arrays only the shapes are asked for


@dataclass(slots=True)
class Tapes:
    """A list of the graph: a tape, where it starts, how many elements it has."""

    tape: Tape
    start: str
    count: str


@dataclass(slots=True)
class Static:
    """A thing known when the text is made."""

    value: Any


Rep = View | Lazy | Num | Text | Gather | Tapes | Static
Elements = View | Lazy | Num | Text | Gather


@dataclass(slots=True)
class Kernel:
    """A compiled function: its text, what it takes and gives."""

    name: str
    lines: list[str] = field(default_factory=list)
    params: list[tuple[str, Val]] = field(default_factory=list)
    made: list[tuple[str, str, Val]] = field(default_factory=list)  # arrays made outside: name, text, result
    returned: list[Val] = field(default_factory=list)
    inplace: dict[Val, Val] = field(default_factory=dict)  # results that are arguments, changed in place
    helpers: set[str] = field(default_factory=set)
    words: list[str] = field(default_factory=list)
    loops: int = 0
    statements: int = 0


class Lowerer:
    """The making of one kernel."""

    def __init__(
        self,
        name: str,
        total: Counter[Val],
        memory: Callable[[Val], frozenset[Any]],
        written: frozenset[Any],
        taken: Iterable[str],
    ) -> None:
        self.kernel = Kernel(name)
        self.total, self.memory, self.written = total, memory, written
        self.seen: Counter[Val] = Counter()
        self.taken = {*taken, name, "np", "math", "njit"}
        self.env: dict[Val, Rep] = {}
        self.stores: dict[Store, list[Val]] = {}
        self.out: list[str] = []
        self.head: list[str] = []  # what is made before all else
        self.depth = 1
        self.segment: list[Statement] = []
        self.pending: dict[Store, tuple[str, set[Store]]] = {}
        self.reading: set[Store] = set()
        self.bounds = Bounds()
        self.variables: list[str] = []  # of the loops over elements, by depth
        self.op: Op | None = None
        self.results: set[Val] = set()
        self.outer = 0  # loops of the program around what is being lowered
        self.users: dict[Val, list[Op | None]] = {}
        self.checked: dict[tuple[Atom, str], str] = {}  # indices known to be inside their axes, from here on
        self.unsure: set[Val] = set()  # of the kind of arrays, but perhaps the number zero
        self.starts: set[Val] = set()  # arrays that become results
        self.family: dict[Val, Tape] = {}  # tapes of inner loops, which an outer loop keeps
        self.positions: dict[Op, str] = {}  # of loops whose tapes are made beforehand: the trip

    # ---- text
    def fresh(self, hint: str) -> str:
        word = re.sub(r"\W", "_", hint or "t") or "t"
        word = word if not word[0].isdigit() else f"t{word}"
        name, n = word, 0
        while name in self.taken or name in tables_names:
            n += 1
            name = f"{word}{n}"
        self.taken.add(name)
        return name

    def line(self, text: str) -> None:
        self.out.append("    " * self.depth + text)

    def helper(self, name: str) -> str:
        self.kernel.helpers.add(name)
        return name

    def no(self, reason: str) -> Unsupported:
        return Unsupported(self.op, reason)

    # ---- values
    def rep(self, a: Atom) -> Rep:
        match a:
            case Val():
                if a not in self.env:
                    self.parameter(a)
                return self.env[a]
            case Const(value):
                return self.constant(value)
            case Ref(obj):
                if isinstance(obj, float):
                    return self.constant(obj)
                return Static(obj)
            case Undef():
                raise self.no("a variable that is not set on every path")
        raise self.no("a container")

    def constant(self, v: Any) -> Rep:
        if isinstance(v, bool):
            return Text(repr(v), "b1")
        if isinstance(v, int):
            if not -(2**62) < v < 2**62:
                raise self.no("a large integer")
            return Text(repr(v) if v >= 0 else f"({v!r})", "i8")
        if isinstance(v, float):
            if math.isnan(v) or math.isinf(v):
                return Text("np.nan" if v != v else "np.inf" if v > 0 else "(-np.inf)", "f8")
            return Text(repr(v) if not math.copysign(1, v) < 0 else f"({v!r})", "f8")
        return Static(v)

    def parameter(self, v: Val) -> None:
        """A value from outside the kernel is a parameter of it."""
        k = v.kind
        if isinstance(k, Scalar):
            if k.dtype not in DTYPES:
                raise self.no(f"a number of type {k.dtype}")
            name = self.fresh(v.name)
            self.env[v] = Num(Store(name, k.dtype, ()))
        elif isinstance(k, Array):
            if v in self.unsure:
                raise self.no("an array that may be a number")
            if k.dtype not in (*DTYPES, "i4") or not k.dims:
                raise self.no(f"an array of {k.dtype}" if k.dims else "an array without axes")
            name = self.fresh(v.name)
            self.env[v] = self.array(name, k, self.memory(v))
        else:
            raise self.no("a value that is neither number nor array")
        self.kernel.params.append((name, v))

    def array(self, name: str, k: Array, roots: frozenset[Any]) -> View:
        self.bounds.array(k.dims)
        sizes = tuple(Size(f"{name}.shape[{n}]", 0, d) for n, d in enumerate(k.dims))
        return whole(Store(name, k.dtype, sizes, roots))

    def elements(self, a: Atom) -> Elements:
        r = self.rep(a)
        if isinstance(r, (Tapes, Static)):
            raise self.no("a value that is neither number nor array")
        return r

    def view(self, a: Atom) -> View:
        """An array in memory."""
        r = self.elements(a)
        if isinstance(r, (Lazy, Gather)):
            r = self.materialised(r, a.name if isinstance(a, Val) else "t")
            if isinstance(a, Val):
                self.bind(a, r)
        if not isinstance(r, View):
            raise self.no("a number where an array is meant")
        return r

    def bind(self, v: Val, r: Rep) -> None:
        self.env[v] = r
        if isinstance(r, View):
            self.stores.setdefault(r.store, []).append(v)
            if isinstance(v.kind, Array):
                self.bounds.array(v.kind.dims)

    def scalar(self, a: Atom, dtype: str = "") -> str:
        """The text of a number, known now."""
        r = self.elements(a)
        if isinstance(r, Num) and any(r.store is x.store for s in self.segment for x in s.writes):
            self.flush()
        if isinstance(r, Num):
            text = self.read(r.store, [])
        elif isinstance(r, Text):
            text = r.text
        elif isinstance(r, View) and all(s.is_one for s in r.sizes) and not r.sizes:
            text = self.element(r, [])
        else:
            raise self.no("an array where a number is meant")
        self.reading.clear()
        return cast(text, r.dtype, dtype or r.dtype)

    # ---- reading and writing elements
    def read(self, store: Store, index: list[str]) -> str:
        if store in self.pending:
            text, reads = self.pending[store]
            if store.uses == 1:
                del self.pending[store]
                self.reading |= reads
                return text
        if not store.axes:
            return store.name
        self.reading.add(store)
        return f"{store.name}[{', '.join(index[k] for k in store.axes)}]"

    def put(self, store: Store, index: list[str], text: str, loads: bool = True) -> None:
        reads, self.reading = self.reading, set()
        if not store.axes:
            if store.uses == 1 and not store.escapes:
                self.pending[store] = (text, reads)
                return
            self.line(f"{store.name} = {bare(text)}")
            return
        self.settle(store)
        self.line(f"{store.name}[{', '.join(index[k] for k in store.axes)}] = {bare(text)}")

    def settle(self, store: Store | None = None) -> None:
        """Give names to what waits to be written into the text that uses it, and reads a store."""
        for s, (text, reads) in list(self.pending.items()):
            if store is None or any(r is store or r.roots & store.roots for r in reads):
                self.pending.pop(s)
                self.line(f"{s.name} = {bare(text)}")

    def element(self, r: Elements, ix: list[str]) -> str:
        """The text of one element."""
        match r:
            case Num():
                return self.read(r.store, [])
            case Text():
                return r.text
            case Lazy():
                return r.element(ix)
            case View():
                return self.read(
                    r.store, [along(start, step, "" if k is None else ix[k]) for k, start, step in r.axes]
                )
            case Gather():
                at = self.element(r.places, [ix[r.axis]])
                n = str(r.view.sizes[r.axis])
                at = f"{self.helper('place')}({at}, {n})"
                return self.element(r.view, [*ix[: r.axis], at, *ix[r.axis + 1 :]])

    def access(self, r: Elements, loops: list[Any]) -> list[Access]:
        """What is read for one element; ``loops``: by axis, the loop that moves along it, a text, or None."""
        match r:
            case Num():
                return [Access(r.store, ())]
            case View():
                ways: list[Way] = []
                for k, start, step in r.axes:
                    at: Any = "" if k is None else loops[k]
                    if at is None:
                        ways.append(None)
                    elif isinstance(at, int):
                        ways.append((at, start, step))
                    else:
                        ways.append(("", f"{start}+{step}*{at}" if at not in ("", "0") else start or "0", 0))
                return [Access(r.store, tuple(ways))]
            case Gather():
                first = self.access(r.view, [*loops[: r.axis], None, *loops[r.axis + 1 :]])
                return first + self.access(r.places, [loops[r.axis]])
        return []

    def against(self, r: Elements, space: tuple[Size, ...]) -> tuple[list[Any], Callable[[list[str]], str]]:
        """An operand in a space by the rules of broadcasting: the loop of each of its axes, the text of an element."""
        lead = len(space) - len(r.sizes)
        loops: list[Any] = []
        forms: list[str] = []
        for k, own in enumerate(r.sizes):
            p = lead + k
            if same_size(own, space[p]) or own.never_one:
                loops.append(p)
                forms.append("{}")
            elif own.is_one:
                loops.append("0")
                forms.append("0")
            else:
                loops.append(None)
                forms.append(f"({{}} if {own} != 1 else 0)")

        def text(ix: list[str]) -> str:
            return self.element(r, [f.format(i) for f, i in zip(forms, ix[lead:], strict=True)])

        return loops, text

    # ---- statements
    def add(self, s: Statement) -> None:
        self.segment.append(s)
        self.kernel.statements += bool(s.space)
        if len(self.segment) >= LONGEST:
            self.flush()

    def broadcast(self, reps: list[Elements], dims: tuple[Dim, ...] | None = None) -> tuple[Size, ...]:
        """The sizes of arrays put together; those that are not known to agree are compared at run time."""
        rank = max((len(r.sizes) for r in reps), default=0)
        out = []
        for p in range(rank):
            own = [r.sizes[p - rank + len(r.sizes)] for r in reps if p - rank + len(r.sizes) >= 0]
            big = [s for s in own if not s.is_one]
            first = big[0] if big else own[0]
            for s in big[1:]:
                if same_size(first, s):
                    continue
                key = (Const("size"), f"{first}, {s}")
                if key not in self.checked:
                    self.checked[key] = self.fresh("n")
                    self.early(f"{self.checked[key]} = {self.helper('one_size')}({first}, {s})")
                first = Size(self.checked[key], 0, s.dim if s.never_one else dims[p] if dims else None)
            out.append(first)
        return tuple(out)

    def check(self, how: str, a: Size, b: Size) -> None:
        """Compare two sizes at run time, once."""
        key = (Const(how), f"{a}, {b}")
        if key not in self.checked:
            self.early(f"{self.helper(how)}({a}, {b})")
            self.checked[key] = ""

    def early(self, text: str) -> None:
        """A line before the statements that wait."""
        self.line(text)

    def map(
        self,
        name: str,
        dtype: str,
        operands: list[Elements],
        spell: Callable[[list[str]], str],
        dims: tuple[Dim, ...] | None = None,
        space: tuple[Size, ...] | None = None,
        uses: int = 0,
    ) -> View | Num:
        """A new array (or number), computed element by element."""
        space = self.broadcast(operands, dims) if space is None else space
        store = Store(self.fresh(name), dtype, space, fresh=True, uses=uses)
        views = [self.against(r, space) for r in operands]
        reads = [a for r, (loops, _) in zip(operands, views, strict=True) for a in self.access(r, loops)]

        def write(ix: list[str]) -> None:
            self.put(store, ix, spell([text(ix) for _, text in views]))

        loops = [(p, "", 1) for p in range(len(space))]
        self.add(Statement(space, write, reads, [Access(store, tuple(loops))]))
        return whole(store) if space else Num(store)

    def materialised(self, r: Elements, name: str) -> View:
        out = self.map(name, r.dtype, [r], lambda t: t[0], space=r.sizes)
        assert isinstance(out, View)
        return out

    def write_to(
        self,
        target: View,
        operands: list[Elements],
        spell: Callable[[list[str]], str],
        reading: bool,
        adds: bool = False,
    ) -> None:
        """Write to a part of an array, element by element; ``reading``: the first text is the old element."""
        safe: list[Elements] = []
        for r in operands:
            lead = len(target.sizes) - len(r.sizes)
            if lead < 0:
                raise self.no("a value with more axes than what it is written to")
            for k, size in enumerate(r.sizes):
                to = target.sizes[lead + k]
                if not (same_size(size, to) or size.is_one):
                    self.check("more", size, to)
            if self.overlaps(target, r):
                r = self.materialised(r, "t")
            safe.append(r)
        space = target.sizes
        views = [self.against(r, space) for r in safe]
        own = self.access(target, list(range(len(space))))
        reads = [a for r, (loops, _) in zip(safe, views, strict=True) for a in self.access(r, loops)]

        def write(ix: list[str]) -> None:
            old = [self.element(target, ix)] if reading else []
            text = spell([*old, *(t(ix) for _, t in views)])
            index = [along(start, step, "" if k is None else ix[k]) for k, start, step in target.axes]
            self.put(target.store, index, text)

        alone = (
            reading
            and adds
            and all(a.store is not target.store and not a.store.roots & target.store.roots for a in reads)
        )
        s = Statement(space, write, [*reads, *(own if reading else [])], own)
        s.adds = target.store if alone else None
        self.add(s)

    def overlaps(self, target: View, r: Elements) -> bool:
        """Whether what is read may be what has been written a trip before."""
        if isinstance(r, Gather):
            return self.overlaps(target, r.view)
        if not isinstance(r, View):
            return False
        if r.store is not target.store:
            return bool(r.store.roots & target.store.roots)
        loops, _ = self.against(r, target.sizes)
        (mine,) = self.access(r, loops)
        (own,) = self.access(target, list(range(len(target.sizes))))
        return mine.ways != own.ways

    # ---- loops over elements
    def flush(self) -> None:
        """Write the statements that wait."""
        segment, self.segment = self.segment, []
        if not segment:
            return
        nodes = schedule(segment)
        counts: Counter[Store] = Counter()
        for s in segment:
            counts.update(a.store for a in s.reads)
        stores = {a.store: None for s in segment for a in s.writes if a.store.fresh}
        for store in stores:
            owners = self.stores.get(store, [])
            store.escapes = any(self.seen[v] < self.total[v] for v in owners)
        contract(nodes)
        for store in stores:
            if store.sizes:
                store.uses = counts[store] if not store.axes else 0
                if sum(a.store is store for s in segment for a in s.writes) > 1:
                    store.uses = 0  # a sum: it is written again
            if store.axes and store.sizes:
                self.allocate(store)
        self.nodes(nodes, [])
        for store in stores:  # from now on an array like any other
            if store.axes and store.fresh:
                store.fresh = False
                store.roots = frozenset().union(*(self.memory(v) for v in self.stores.get(store, [])))

    def allocate(self, store: Store) -> None:
        sizes = [store.sizes[k] for k in store.axes]
        shape = ", ".join(atleast(s) for s in sizes)
        shape = f"({shape})" if len(sizes) > 1 else shape
        owners = [v for v in self.stores.get(store, []) if v in self.starts]
        text = f"np.{'zeros' if store.fill == '0' else 'empty'}({shape}, {NUMPY_DTYPE[store.dtype]})"
        if owners and store.escapes and not self.outer and self.is_outside(shape):
            self.kernel.made.append((store.name, text, owners[-1]))
        elif self.outer and not store.escapes and self.is_outside(shape):
            self.head.append(f"    {store.name} = {text}")  # one for all trips
        else:
            self.line(f"{store.name} = {text}")

    def is_outside(self, shape: str) -> bool:
        """Whether a shape can be computed before the kernel is called."""
        params = {n for n, _ in self.kernel.params}
        return all(w in params or w in ("max", "shape") for w in re.findall(r"[A-Za-z_]\w*", shape))

    def nodes(self, nodes: list[Nest | Statement], loops: list[str]) -> None:
        for node in nodes:
            if isinstance(node, Statement):
                node.write([*loops, *["0"] * (len(node.space) - len(loops))])
                continue
            self.settle()
            if len(loops) == len(self.variables):
                self.variables.append(self.fresh("ijkl"[len(loops)] if len(loops) < 4 else "m"))
            var = self.variables[len(loops)]
            if node.size.is_one:
                self.nodes(node.body, [*loops, "0"])
                continue
            self.kernel.loops += 1
            self.line(f"for {var} in range({bare(str(node.size))}):")
            self.depth += 1
            self.nodes(node.body, [*loops, var])
            self.settle()
            self.depth -= 1

    # ---- regions
    def region(self, region: Region) -> None:
        for op in region.ops:
            self.op = op
            self.operation(op)

    def operation(self, op: Op) -> None:
        if op.code == "prim":
            self.prim(op)
            for v in vals(op.ins):
                self.seen[v] += 1
            return
        if op.code in ("for", "while", "if"):
            if op.attrs.get("guarded"):
                raise self.no("an operation that a handler guards")
            self.flush()
            {"for": self.for_op, "while": self.while_op, "if": self.if_op}[op.code](op)
            for v in vals(op.ins):
                self.seen[v] += 1
            return
        raise self.no(WORDS.get(op.code, f"an operation {op.code!r}"))

    # ---- branches
    def if_op(self, op: Op) -> None:
        test = self.scalar(op.ins[0])
        if self.elements(op.ins[0]).dtype != "b1":
            test = f"{test} != 0"
        self.settle()
        names: dict[Val, str] = {}
        for n, o in enumerate(op.outs):
            if not self.total[o]:
                continue
            if isinstance(o.kind, Array) and o.kind.dims:
                stays = self.stays(o)
                if stays is not None:
                    continue
            elif isinstance(o.kind, Seq):
                continue
            names[o] = self.fresh(o.name)
        arms: list[list[str]] = []
        joined: dict[Val, list[Rep]] = {}
        for r in op.regions:
            before, self.out = self.out, []
            self.depth += 1
            checked = dict(self.checked)
            self.region(r)
            self.flush()
            moves = []
            for o, a in zip(op.outs, r.results, strict=True):
                self.op = op
                if o in names:
                    moves.append((names[o], self.value_for(a, o.kind)))
                elif self.total[o]:
                    joined.setdefault(o, []).append(self.tape_or_store(a, o))
            self.settle()
            self.moves(moves)
            self.count_results(r)
            self.checked = checked
            self.depth -= 1
            arms.append(self.out)
            self.out = before
        then, other = arms
        if not then and not other:
            pass
        elif len(names) == 1 and is_move(then, names) and is_move(other, names):
            (name,) = names.values()
            self.line(f"{name} = {value_of(then)} if {bare(test)} else {value_of(other)}")
        elif not then:
            self.line(f"if not ({bare(test)}):")
            self.out += other
        else:
            self.line(f"if {bare(test)}:")
            self.out += then
            if other:
                self.line("else:")
                self.out += other
        for o in op.outs:
            if o in names:
                self.bind(o, self.named(names[o], o))
            elif self.total[o]:
                self.bind(o, joined[o][0])

    def tape_or_store(self, a: Atom, o: Val) -> Rep:
        if isinstance(o.kind, Seq):
            raise self.no("a tape that one path of a branch fills")
        return self.rep(a)

    def count_results(self, r: Region) -> None:
        for v in vals(r.results):
            self.seen[v] += 1

    def named(self, name: str, v: Val) -> Rep:
        """A value that is in a variable."""
        if isinstance(v.kind, Array) and v.kind.dims:
            return self.array(name, v.kind, self.memory(v))
        return Num(Store(name, self.dtype_of(v.kind), ()))

    def dtype_of(self, k: Kind) -> str:
        if isinstance(k, (Scalar, Array)) and k.dtype in DTYPES:
            return k.dtype
        raise self.no(
            "a value of unknown kind" if not isinstance(k, (Scalar, Array)) else f"numbers of type {k.dtype}"
        )

    def value_for(self, a: Atom, k: Kind) -> str:
        """The text of a value that is put into a variable of a kind."""
        if isinstance(k, Array) and k.dims:
            if isinstance(a, Undef):
                raise self.no("an array that is not set on every path")
            r = self.rep(a)
            if isinstance(r, View) and r.whole and r.store.kept is None:
                return r.store.name
            if isinstance(r, (Tapes, Static)):
                raise self.no("a value that is neither number nor array")
            if r.dtype != k.dtype:
                raise self.no("arrays of two types in one variable")
            if isinstance(r, (Num, Text)):
                raise self.no("a number or an array in one variable")
            got = self.whole_copy(r, a.name if isinstance(a, Val) else "t")
            return got.store.name
        dtype = self.dtype_of(k)
        if isinstance(a, Undef):
            return ZERO_OF[dtype]
        return self.scalar(a, dtype)

    def whole_copy(self, r: Elements, name: str) -> View:
        """An array of its own, at once."""
        self.flush()
        got = self.materialised(r, name)
        (s,) = self.segment
        self.segment = []
        got.store.escapes = True
        self.allocate(got.store)
        self.nodes(schedule([s]), [])
        return got

    def moves(self, pairs: list[tuple[str, str]]) -> None:
        """Assignments that happen together."""
        todo = [(t, v, set(re.findall(r"[A-Za-z_]\w*", v))) for t, v in pairs if bare(v) != t]
        while todo:
            for k, (t, v, _) in enumerate(todo):
                if not any(t in reads for j, (_, _, reads) in enumerate(todo) if j != k):
                    self.line(f"{t} = {bare(v)}")
                    del todo[k]
                    break
            else:
                targets, values = zip(*((t, v) for t, v, _ in todo), strict=True)
                self.line(f"{', '.join(targets)} = {', '.join(values)}")
                return

    # ---- memory that stays
    def start_of(self, v: Atom, until: Val | None = None) -> Val | None:
        """The value whose memory an array has, through updates in place, loops and branches."""
        while isinstance(v, Val) and v is not until:
            op = v.op
            if op is None or v not in op.outs:
                return v
            if op.code == "prim" and op.attrs.get("inplace"):
                v = op.ins[0]
            elif op.code in ("for", "while"):
                view = LoopView(op)
                j = op.outs.index(v)
                if j >= view.carried or self.start_of(view.yields[j], view.params[j]) is not view.params[j]:
                    return v
                v = view.inits[j]
            elif op.code == "if":
                n = op.outs.index(v)
                ends = [self.start_of(r.results[n], until) for r in op.regions]
                if ends[0] is None or ends[0] is not ends[1]:
                    return v
                v = ends[0]
            else:
                return v
        return v if isinstance(v, Val) else None

    def stays(self, o: Val) -> Val | None:
        """Of a branch's result: the array that both paths leave, perhaps changed in place."""
        v = self.start_of(o)
        return v if v is not o else None

    # ---- loops
    def for_op(self, op: Op) -> None:
        view = LoopView(op)
        if view.head not in (0, 3):
            raise self.no("a loop over something that is no range, array or list")
        self.loop(op, view)

    def while_op(self, op: Op) -> None:
        self.loop(op, LoopView(op))

    def loop(self, op: Op, view: LoopView) -> None:
        header = [self.scalar(a) for a in view.header]
        sources: list[tuple[Rep, int, Val]] = []
        for s, d, e in zip(view.sources, op.attrs["dirs"], view.elements, strict=True):
            r = self.rep(s)
            if isinstance(r, (Lazy, Gather)):
                r = self.view(s)
                self.flush()
            if not isinstance(r, (View, Tapes)):
                raise self.no("a loop over something that is no array or list")
            sources.append((r, d, e))
        carried, moves = self.carried(op, view)
        self.settle()
        self.moves(moves)
        plain = view.head == 3 and header[0] == "0" and header[2] == "1" and not op.attrs.get("rev")
        aligned = bool(op.attrs.get("aligned"))
        trips = bool(self.total[view.trips])
        used = bool(self.total[view.index]) if view.has_index else False
        tapes = self.tapes_of(op, view, header)
        read = [x for x in sources if self.total[x[2]] or not aligned]
        counter = ""
        position = ""
        index = self.fresh(view.index.name or "i") if used or (plain and (read or trips)) else "_"
        if plain and not trips and (used or read or any(t is not None and t.tape.known for t in tapes)):
            position = index = self.fresh(view.index.name or "i") if index == "_" else index
        elif read or trips or op.code == "while" or any(t is not None and t.tape.known for t in tapes):
            counter = position = self.fresh("trip")
            self.line(f"{counter} = -1")
        code = self.exit_variable(op, view)
        if op.code == "while" or view.head == 0:
            self.line("while True:")
        else:
            back = bool(op.attrs.get("rev")) and used
            self.line(f"for {index} in {range_of(header, back)}:")
        self.depth += 1
        self.outer += 1
        checked = dict(self.checked)
        if counter and op.code == "while":
            self.condition(op, view, carried)
        for r, _, _ in read:
            if not (aligned or self.covers(view, r)):
                at = position if not counter else f"{counter} + 1"
                self.line(f"if {at} >= {count_of(r)}:")
                self.line("    break")
        if counter:
            self.line(f"{counter} += 1")
        if view.has_index and view.head == 3:
            self.bind(view.index, Num(Store(index, "i8", ())))
            self.bounds.loop(view.index, *view.header)
        elif view.has_index:
            self.bind(view.index, Num(Store(position or "_", "i8", ())))
        for p, c in zip(view.params, carried, strict=True):
            self.bind(p, c)
        for r, d, e in sources:
            if self.total[e]:
                self.take(r, d, e, position)
        self.region(view.body)
        self.flush()
        self.op = op
        self.positions[op] = position
        self.save(view, tapes)
        self.hand_on(op, view, carried)
        self.count_results(view.body)
        if code:
            exit = self.scalar(view.exit_result) if view.exit_result is not None else "0"
            self.line(f"{code} = {bare(exit)}")
            tests = " or ".join(f"{code} == {c}" for c in op.attrs["exits"])
            self.line(f"if {tests}:")
            self.line("    break")
        self.settle()
        if not self.out or self.out[-1].endswith(":"):
            self.line("pass")
        self.outer -= 1
        self.depth -= 1
        self.checked = checked
        self.bounds.range.pop(view.index, None) if view.has_index else None
        for f, c in zip(view.finals, carried, strict=True):
            self.bind(f, c)
        for t, tape in zip(view.tapes, tapes, strict=True):
            if tape is not None:
                self.bind(t, tape)
                tape.count = self.fresh(f"{tape.tape.name}_n") if not tape.tape.known else tape.tape.known
                if not tape.tape.known:
                    start = f" - {tape.start}" if tape.start != "0" else ""
                    self.line(f"{tape.count} = {tape.tape.count}{start}")
        if view.exit_out is not None and code:
            if self.total[view.exit_out]:
                inside = " or ".join(f"{code} == {c}" for c in op.attrs["exits"])
                self.line(f"{code} = {code} if {inside} else 0")
            self.bind(view.exit_out, Num(Store(code, "i8", ())))
        if trips:
            self.bind(view.trips, Text(f"({counter} + 1)", "i8"))

    def condition(self, op: Op, view: LoopView, carried: list[Rep]) -> None:
        cond = op.regions[0]
        for p, c in zip(cond.params, carried, strict=True):
            self.bind(p, c)
        self.region(cond)
        self.flush()
        test = self.scalar(cond.results[0])
        if self.elements(cond.results[0]).dtype != "b1":
            test = f"{test} != 0"
        self.settle()
        self.count_results(cond)
        self.line(f"if not ({bare(test)}):")
        self.line("    break")

    def covers(self, view: LoopView, r: Rep) -> bool:
        """Whether a range ends no later than a source."""
        if view.head != 3 or not isinstance(r, View):
            return False
        return (
            self.bounds.form(view.header[1]) is not None
            and same(view.header[0], Const(0))
            and (self.bounds.within(view.header[1], r.sizes[0].dim))
        )

    def exit_variable(self, op: Op, view: LoopView) -> str:
        if not op.attrs["exits"]:
            return ""
        name = self.fresh("left")
        self.line(f"{name} = 0")
        return name

    def carried(self, op: Op, view: LoopView) -> tuple[list[Rep], list[tuple[str, str]]]:
        """What a loop's variables are inside it, and what they start from."""
        out: list[Rep] = []
        moves: list[tuple[str, str]] = []
        for p, i, y in zip(view.params, view.inits, view.yields, strict=True):
            if isinstance(p.kind, Array) and p.kind.dims:
                if self.start_of(y, p) is p and not isinstance(i, Undef):
                    got = self.view(i)
                    self.flush()
                    out.append(got)
                    continue
                text = self.value_for(i, p.kind)
            elif isinstance(p.kind, Seq):
                raise self.no("a list that a loop changes")
            else:
                text = self.value_for(i, p.kind)
            name = self.fresh(p.name)
            moves.append((name, text))
            out.append(self.named(name, p))
        return out, moves

    def hand_on(self, op: Op, view: LoopView, carried: list[Rep]) -> None:
        moves = []
        for c, p, y in zip(carried, view.params, view.yields, strict=True):
            if isinstance(c, View) and self.start_of(y, p) is p:
                continue
            assert isinstance(c, (View, Num))
            moves.append((c.store.name, self.value_for(y, p.kind)))
        self.settle()
        self.moves(moves)

    def take(self, r: Rep, d: int, e: Val, position: str) -> None:
        """The element of a source in a trip."""
        if isinstance(r, View):
            n = r.sizes[0]
            at = position if d == 1 else f"({n.plus(-1)} - {position})"
            got = self.picked(r, 0, at)
            if not got.sizes:
                self.bind(e, self.loaded(got, e))
            else:
                self.bind(e, got)
            return
        assert isinstance(r, Tapes)
        at = position if d == 1 else f"{r.count} - 1 - {position}"
        at = at if r.start == "0" else f"{r.start} + {at}"
        k = r.tape.elem
        if isinstance(k, Scalar):
            name = self.fresh(e.name)
            self.line(f"{name} = {r.tape.name}[{at}]")
            self.bind(e, Num(Store(name, self.dtype_of(k), ())))
            return
        inner = r.tape.inner
        assert inner is not None
        if isinstance(k, Seq):
            start, count = self.fresh(f"{e.name}_at"), self.fresh(f"{e.name}_n")
            self.line(f"{start} = {r.tape.name}[{at}, 0]")
            self.line(f"{count} = {r.tape.name}[{at}, 1]")
            self.bind(e, Tapes(inner, start, count))
            return
        assert isinstance(k, Array)
        sizes = []
        dims = e.kind.dims if isinstance(e.kind, Array) else k.dims
        for m, dim in enumerate(dims):
            word = self.fresh(f"{e.name}_n")
            self.line(f"{word} = {r.tape.name}[{at}, {m + 1}]")
            sizes.append(Size(word, 0, dim))
        if r.tape.shapes:
            self.bind(e, Lazy(k.dtype, tuple(sizes), lambda ix: ZERO_OF["f8"]))
            return
        start = self.fresh(f"{e.name}_at")
        self.line(f"{start} = {r.tape.name}[{at}, 0]")
        total = " * ".join(map(str, sizes))
        name = self.fresh(e.name)
        shape = f".reshape(({', '.join(map(str, sizes))}))" if len(sizes) > 1 else ""
        self.line(f"{name} = {inner.name}[{start} : {start} + {total}]{shape}")
        v = whole(Store(name, k.dtype, tuple(sizes), self.memory(e)))
        self.bind(e, v)

    def shape_only(self, v: Val) -> bool:
        """Whether only the shape of a value is asked for."""
        users = self.users.get(v, [])
        return bool(users) and all(
            u is not None
            and u.code == "prim"
            and (
                (u.fn in SHAPES and u.ins[0] is v)
                or (is_unbroadcast(u.fn) and u.ins[1] is v and u.ins[0] is not v)
            )
            for u in users
        )

    def asked_for_shapes(self, t: Val) -> bool:
        """Whether of the arrays on a tape only the shapes are asked for."""
        for u in self.users.get(t, []):
            if u is None or u.code != "for":
                return False
            view = LoopView(u)
            for s, e in zip(view.sources, view.elements, strict=True):
                if s is t and self.total[e] and not self.shape_only(e):
                    return False
            if any(a is t for a in u.ins[: len(u.ins) - len(view.sources)]):
                return False
        return True

    def loaded(self, got: View, v: Val) -> Num:
        """An element, read at once."""
        name = self.fresh(v.name)
        self.line(f"{name} = {cast(self.element(got, []), got.dtype, self.dtype_of(v.kind))}")
        self.reading.clear()
        return Num(Store(name, self.dtype_of(v.kind), ()))

    # ---- tapes
    def tapes_of(self, op: Op, view: LoopView, header: list[str]) -> list[Tapes | None]:
        """What a loop collects: the tapes are made before the outermost loop that keeps them."""
        out: list[Tapes | None] = []
        for t in view.tapes:
            if not self.total[t]:
                out.append(None)
                continue
            tape = self.family.get(t)
            if tape is None:
                known = ""
                if view.head == 3 and not op.attrs["exits"] and not self.outer:
                    known = self.trip_count(view, header, t)
                tape = self.make_tape(t, t.kind, known)
            out.append(Tapes(tape, "0", tape.count))
            if not tape.known and self.kept_outside(t):
                start = self.fresh(f"{tape.name}_from")
                self.line(f"{start} = {tape.count}")
                out[-1] = Tapes(tape, start, "")
            elif not tape.known:
                self.line(f"{tape.count} = 0")
        return out

    def kept_outside(self, t: Val) -> bool:
        return t in self.family

    def trip_count(self, view: LoopView, header: list[str], t: Val) -> str:
        start, stop, step = header
        name = self.fresh("n")
        if step == "1":
            less = "" if start == "0" else f" - {start}"
            self.line(f"{name} = max({bare(stop)}{less}, 0)")
        else:
            self.line(f"{name} = len(range({bare(start)}, {bare(stop)}, {bare(step)}))")
        return name

    def make_tape(self, t: Val, k: Kind, known: str) -> Tape:
        """A tape, and those that it points into, empty."""
        assert isinstance(k, Seq)
        elem = k.elem
        name = self.fresh(t.name or "saved")
        tape = Tape(name, elem, None, self.fresh(f"{name}_end"), known)
        if isinstance(elem, Scalar):
            dtype = NUMPY_DTYPE[self.dtype_of(elem)]
            self.line(f"{name} = np.empty({known or '64'}, {dtype})")
        elif isinstance(elem, Seq):
            self.line(f"{name} = np.empty(({known or '16'}, 2), np.int64)")
            inner_val = self.collected_in(t)
            tape.inner = self.make_tape(inner_val, elem, "")
            self.line(f"{tape.inner.count} = 0")
            self.family[inner_val] = tape.inner
        elif isinstance(elem, Array) and elem.dims:
            dtype = NUMPY_DTYPE[self.dtype_of(elem)]
            self.line(f"{name} = np.empty(({known or '16'}, {1 + len(elem.dims)}), np.int64)")
            data = self.fresh(f"{name}_data")
            tape.inner = Tape(data, Scalar(elem.dtype), None, self.fresh(f"{data}_end"))
            tape.shapes = self.asked_for_shapes(t)
            if not tape.shapes:
                self.line(f"{data} = np.empty(64, {dtype})")
                self.line(f"{tape.inner.count} = 0")
        else:
            raise self.no("a tape of something that is no number or array")
        self.line(f"{tape.count} = 0") if not known else None
        return tape

    def collected_in(self, t: Val) -> Val:
        """The tape of an inner loop that one of an outer loop is made of."""
        op = t.op
        assert op is not None
        view = LoopView(op)
        inner = view.collected[view.tapes.index(t)]
        made = inner.op if isinstance(inner, Val) else None
        if made is None or made.code not in ("for", "while") or made not in view.body.ops:
            raise self.no("a tape of lists that are not one loop's")
        if inner not in LoopView(made).tapes:
            raise self.no("a tape of lists that are not one loop's")
        assert isinstance(inner, Val)
        return inner

    def save(self, view: LoopView, tapes: list[Tapes | None]) -> None:
        """Put what a trip saves on the tapes."""
        for c, t in zip(view.collected, tapes, strict=True):
            if t is None:
                continue
            tape = t.tape
            end = tape.count
            if tape.known:
                end = self.position_of(view)
            k = tape.elem
            if isinstance(k, Scalar):
                text = self.value_for(c, k)
                if not tape.known:
                    self.line(f"if {end} == {tape.name}.size:")
                    self.line(f"    {tape.name} = {self.helper('grown')}({tape.name}, {end} + 1)")
                self.line(f"{tape.name}[{end}] = {bare(text)}")
            else:
                self.save_row(c, tape, end)
            if not tape.known:
                self.line(f"{end} += 1")

    def position_of(self, view: LoopView) -> str:
        got = self.positions.get(view.op)
        if got is None:
            raise self.no("a tape without a position")
        return got

    def save_row(self, c: Atom, tape: Tape, end: str) -> None:
        if not tape.known:
            self.line(f"if {end} == {tape.name}.shape[0]:")
            self.line(f"    {tape.name} = {self.helper('grown_rows')}({tape.name})")
        inner = tape.inner
        assert inner is not None
        if isinstance(tape.elem, Seq):
            r = self.rep(c)
            if not isinstance(r, Tapes) or r.tape is not inner:
                raise self.no("a tape of lists that are not one loop's")
            self.line(f"{tape.name}[{end}, 0] = {r.start}")
            self.line(f"{tape.name}[{end}, 1] = {r.count}")
            return
        assert isinstance(tape.elem, Array)
        r = self.elements(c)
        if r.dtype != tape.elem.dtype or len(r.sizes) != len(tape.elem.dims):
            raise self.no("a tape of arrays that are not alike")
        start = inner.count
        if not tape.shapes:
            self.line(f"{tape.name}[{end}, 0] = {start}")
        for n, s in enumerate(r.sizes):
            self.line(f"{tape.name}[{end}, {n + 1}] = {atleast(s)}")
        if not tape.shapes:
            total = " * ".join(map(atleast, r.sizes))
            self.line(f"{inner.name} = {self.helper('grown')}({inner.name}, {start} + {total})")
            target = self.fresh("row")
            shape = f".reshape(({', '.join(map(atleast, r.sizes))}))" if len(r.sizes) > 1 else ""
            self.line(f"{target} = {inner.name}[{start} : {start} + {total}]{shape}")
            store = Store(target, r.dtype, r.sizes, frozenset((target,)))
            self.write_to(whole(store), [r], lambda t: t[0], False)
            self.flush()
            self.line(f"{start} += {total}")

    # ---- operations
    def prim(self, op: Op) -> None:
        fn = op.fn
        if op.attrs.get("guarded"):
            raise self.no("an operation that a handler guards")
        names = op.attrs.get("names") or ("",) * len(op.ins)
        try:
            handler = HANDLERS.get(fn)
        except TypeError:
            handler = None
        if handler is not None:
            handler(self, op, names)
            return
        if fn in tables.IDENTITY and len(op.ins) == 1:
            self.same_or_copy(op)
            return
        if is_unbroadcast(fn):
            self.unbroadcast(op)
            return
        template = tables.spelled(fn)
        if template is None:
            raise self.no(f"{word_for(fn)} has no compiled form")
        if any(names):
            raise self.no(f"{word_for(fn)} with options")
        self.elementwise(op, template)

    def elementwise(self, op: Op, template: str) -> None:
        fn, k = op.fn, op.out.kind
        wanted = template_arity(template)
        if len(op.ins) != wanted:
            raise self.no(f"{word_for(fn)} with {len(op.ins)} arguments")
        dtype = self.dtype_of(k)
        reps = [self.elements(a) for a in op.ins]
        kinds = [kind(a) for a in op.ins]
        common = dtype
        if fn in tables.COMPARE:
            common = common_dtype(kinds)
        elif fn in tables.LOGIC:
            if fn in (operator.not_, np.logical_not, np.logical_and, np.logical_or):
                common = "b1"
            elif dtype != "b1" or any(r.dtype != "b1" for r in reps):
                raise self.no(f"{word_for(fn)} of integers")
        elif dtype in ("i8", "b1") and fn not in tables.TAKES_INTEGERS and fn is not bool:
            template = self.of_integers(op, template)
            if fn is math.floor or fn is math.ceil or fn is int:
                common = reps[0].dtype
        if fn in (int, math.floor, math.ceil):
            common = "f8" if reps[0].dtype[0] == "f" else "i8"
            template = "{0}" if common == "i8" else template
        if dtype == "b1" and fn in (operator.add, operator.sub, operator.mul, operator.neg, ops.accumulate):
            raise self.no(f"{word_for(fn)} of truth values")
        if fn is bool:
            common = reps[0].dtype
        if common not in DTYPES:
            raise self.no(f"numbers of type {common}")
        if fn is operator.pow:
            template = power(op.ins[1], template)
        froms = [r.dtype for r in reps]
        tos = [common] * len(reps)
        if fn is np.where:
            tos[0] = "b1"
        inside = spell_maths(template, self, any(r.sizes for r in reps))
        repeated = [template.count(f"{{{n}}}") > 1 for n in range(wanted)]

        def spell(texts: list[str]) -> str:
            args = [cast(t, f, to) for t, f, to in zip(texts, froms, tos, strict=True)]
            args = [self.name_of(a) if twice else a for a, twice in zip(args, repeated, strict=True)]
            return inside.format(*args)

        if op.attrs.get("inplace"):
            self.augmented(op, spell, reps)
            return
        self.result(op, reps, spell)

    def name_of(self, text: str) -> str:
        """A text that is written twice is given a name first."""
        if re.fullmatch(r"\w+(\.\w+)?(\[[\w, ]*\])?", text):
            return text
        name = self.fresh("t")
        self.line(f"{name} = {bare(text)}")
        return name

    def of_integers(self, op: Op, template: str) -> str:
        fn = op.fn
        if fn in (operator.floordiv, operator.mod) and isinstance(op.ins[1], Const) and op.ins[1].value:
            return template
        if fn is operator.pow and isinstance(op.ins[1], Const) and 0 <= op.ins[1].value < 8:
            return template
        raise self.no(f"{word_for(fn)} of integers")

    def result(
        self,
        op: Op,
        reps: list[Elements],
        spell: Callable[[list[str]], str],
        space: tuple[Size, ...] | None = None,
    ) -> None:
        """The result of an operation done element by element."""
        o = op.out
        dims = o.kind.dims if isinstance(o.kind, Array) else None
        got = self.map(o.name, self.dtype_of(o.kind), reps, spell, dims, space, self.total[o])
        if isinstance(got, View) and dims is not None:
            got = self.with_dims(got, dims)
        if isinstance(got, Num) and not self.total[o]:
            self.segment.pop()
        self.bind(o, got)

    def with_dims(self, v: View, dims: tuple[Dim, ...]) -> View:
        """A view with the symbols of its sizes as they were inferred, where they were not known."""
        sizes = tuple(
            s if s.dim is not None else Size(s.text, s.offset, d) for s, d in zip(v.sizes, dims, strict=True)
        )
        return View(v.store, v.axes, sizes)

    def augmented(self, op: Op, spell: Callable[[list[str]], str], reps: list[Elements]) -> None:
        """An operation done in place, on its first operand."""
        if isinstance(reps[0], (Num, Text)):
            self.result(op, reps, spell)
            return
        target = self.view(op.ins[0])
        self.write_to(target, reps[1:], spell, True)
        self.bind(op.out, target)

    def same_or_copy(self, op: Op) -> None:
        r = self.rep(op.ins[0])
        if isinstance(r, Static):
            self.bind(op.out, r)
            return
        r = self.elements(op.ins[0])
        shared = isinstance(r, View) and r.store.roots & self.memory(op.out)
        if isinstance(r, (Num, Text)) or (
            isinstance(r, View) and (shared or (r.store.fresh and not self.is_written(op.out)))
        ):
            if r.dtype == self.dtype_of(op.out.kind):
                self.bind(op.out, r)
                return
        self.result(op, [r], lambda t: cast(t[0], r.dtype, self.dtype_of(op.out.kind)))

    def is_written(self, v: Val) -> bool:
        return bool(self.memory(v) & self.written)

    def picked(self, r: View, k: int, at: str) -> View:
        """A view with one axis fixed."""
        axes: list[tuple[int | None, str, int]] = []
        for j, start, step in r.axes:
            if j == k:
                axes.append((None, along(start, step, at), 0))
            else:
                axes.append((j - 1 if j is not None and j > k else j, start, step))
        return View(r.store, tuple(axes), (*r.sizes[:k], *r.sizes[k + 1 :]))

    def sliced(self, r: View, k: int, p: Slice) -> View:
        """A view with a slice along one axis."""
        n = r.sizes[k]
        step = p.step.value if isinstance(p.step, Const) else 0
        step = 1 if step is None else step
        if type(step) is not int or not step:
            raise self.no("a slice with a step that is not known")
        if step < 0:
            if step == -1 and same(p.lower, Const(None)) and same(p.upper, Const(None)):
                return self.stepped(r, k, n.plus(-1), -1, n)
            raise self.no("a slice that goes backwards")
        low, high = self.end(p.lower, n, True), self.end(p.upper, n, False)
        if step != 1:
            size = Size(f"(({high} - {low} + {step - 1}) // {step})", 0, None)
            if str(low) == "0":
                size = Size(f"(({high} + {step - 1}) // {step})", 0, None)
            return self.stepped(r, k, low, step, size)
        return self.stepped(r, k, low, 1, minus(high, low, n))

    def end(self, a: Atom, n: Size, lower: bool) -> Size:
        """An end of a slice, from the start."""
        if isinstance(a, Const):
            if a.value is None:
                return Size("", 0) if lower else n
            if type(a.value) is not int:
                raise self.no("a slice that is not of integers")
            if a.value < 0:
                if not n.text:
                    low = max(n.offset + a.value, 0)
                    return Size("", low, low)
                if lower:  # of an array shorter than this, all
                    return Size(f"max({n.plus(a.value)}, 0)", 0)
                return n.plus(a.value)
            if not lower and not (n.text and self.bounds.within(a, n.dim)):
                return Size(f"min({a.value}, {n})", 0)
            return Size("", a.value, a.value)
        text = self.scalar(a)
        if self.bounds.within(a, n.dim):
            return Size(self.name_of_number(text), 0)
        name = self.fresh("end")
        self.early(f"{name} = {self.helper('bound')}({bare(text)}, {n})")
        return Size(name, 0)

    def name_of_number(self, text: str) -> str:
        if re.fullmatch(r"\w+(\.shape\[\d+\])?", text):
            return text
        name = self.fresh("t")
        self.line(f"{name} = {bare(text)}")
        return name

    def stepped(self, r: View, k: int, low: Size, step: int, size: Size) -> View:
        axes: list[tuple[int | None, str, int]] = []
        for j, start, own in r.axes:
            if j == k:
                first = start if str(low) == "0" else along(start, own, str(low))
                axes.append((j, first, own * step))
            else:
                axes.append((j, start, own))
        return View(r.store, tuple(axes), (*r.sizes[:k], size, *r.sizes[k + 1 :]))

    def indexed(self, r: View, index: Atom, dims: tuple[Dim, ...] | None) -> View | Gather:
        """A part of an array."""
        parts = list(index.items) if isinstance(index, Struct) and index.type is tuple else [index]
        taken = sum(not same(p, Const(None)) and not is_ellipsis(p) for p in parts)
        full = Slice(Const(None), Const(None), Const(None))
        for n, p in enumerate(parts):
            if is_ellipsis(p):
                parts[n : n + 1] = [full] * (len(r.sizes) - taken)
                break
        else:
            parts += [full] * (len(r.sizes) - taken)
        k = 0
        gather: tuple[int, View] | None = None
        for p in parts:
            if isinstance(p, Const) and p.value is None:
                r = self.new_axis(r, k)
                k += 1
            elif isinstance(p, Slice):
                if not p == full and not all(same(x, Const(None)) for x in (p.lower, p.upper, p.step)):
                    r = self.sliced(r, k, p)
                k += 1
            elif isinstance(kind(p), Scalar) and kind(p).dtype in ("i8", "i4"):  # type: ignore[union-attr]
                r = self.picked(r, k, self.index_text(p, r.sizes[k]))
            elif isinstance(kind(p), Array) and kind(p).dtype in ("i8", "i4") and gather is None:  # type: ignore[union-attr]
                places = self.view(p)
                if len(places.sizes) != 1:
                    raise self.no("an index of several axes")
                gather = (k, places)
                k += 1
            else:
                raise self.no("an index that is a mask, or several arrays")
        if dims is not None and len(dims) == len(r.sizes) and gather is None:
            r = self.with_dims(r, dims)
        if gather is not None:
            if sum(isinstance(kind(p), Scalar) for p in parts if not isinstance(p, (Slice, Const))):
                raise self.no("an index that is an array, and numbers beside it")
            at, places = gather
            return Gather(r, at, places, (*r.sizes[:at], places.sizes[0], *r.sizes[at + 1 :]))
        return r

    def index_text(self, p: Atom, n: Size) -> str:
        """An index inside its axis: from the start, and checked if that is needed."""
        if isinstance(p, Const):
            if p.value >= 0:
                if isinstance(n.dim, int) and p.value < n.dim:
                    return str(p.value)
                self.check("place", Size("", p.value), n)
                return str(p.value)
            if isinstance(n.dim, int) and -p.value <= n.dim:
                return str(n.dim + p.value)
            self.check("place", Size("", p.value), n)
            return str(n.plus(p.value))
        text = self.scalar(p)
        if self.bounds.inside(p, n.dim):
            return text
        key = (p, str(n))
        if key not in self.checked:
            name = self.fresh("at")
            self.early(f"{name} = {self.helper('place')}({bare(text)}, {n})")
            self.checked[key] = name
        return self.checked[key]

    def new_axis(self, r: View, k: int) -> View:
        axes = tuple((j + 1 if j is not None and j >= k else j, start, step) for j, start, step in r.axes)
        return View(r.store, axes, (*r.sizes[:k], Size("", 1, 1), *r.sizes[k:]))

    def unbroadcast(self, op: Op) -> None:
        g, like = self.elements(op.ins[0]), self.elements(op.ins[1])
        dtype = self.dtype_of(op.out.kind)
        if g.dtype != dtype or like.dtype[0] != "f" or (like.dtype == "f4" and dtype != "f4"):
            raise self.no("a sum over axes that changes the type")
        lead = len(g.sizes) - len(like.sizes)
        if lead < 0:
            raise self.no("a sum over axes of something smaller")
        drop = [
            k
            for k in range(len(g.sizes))
            if k < lead or (like.sizes[k - lead].is_one and not g.sizes[k].is_one)
        ]
        unsure = [
            k
            for k in range(lead, len(g.sizes))
            if k not in drop
            and not same_size(g.sizes[k], like.sizes[k - lead])
            and not like.sizes[k - lead].never_one
        ]
        if not drop and not unsure:
            self.same_or_copy(op)
            return
        space = like.sizes
        if not space:
            self.reduced(op.out, g, "sum", list(range(len(g.sizes))), False, dtype)
            return
        store = Store(self.fresh(op.out.name), dtype, space, fresh=True)
        own = [(p, "", 1) for p in range(len(space))]
        self.add(
            Statement(space, lambda ix: self.put(store, ix, ZERO_OF[dtype]), [], [Access(store, tuple(own))])
        )
        ways: list[Way] = []
        forms: list[str] = []
        for j, s in enumerate(space):
            k = j + lead
            if k in drop:
                ways.append(("", "0", 0))
                forms.append("0")
            elif k in unsure:
                ways.append(None)
                forms.append(f"({{}} if {s} != 1 else 0)")
            else:
                ways.append((k, "", 1))
                forms.append("{}")
        at = Access(store, tuple(ways))
        reads = self.access(g, list(range(len(g.sizes))))

        def write(ix: list[str]) -> None:
            index = [f.format(i) for f, i in zip(forms, ix[lead:], strict=True)]
            old = self.read(store, index)
            self.put(store, index, f"{self.helper('plus')}({old}, {self.element(g, ix)})")

        self.add(Statement(g.sizes, write, [*reads, at], [at]))
        self.bind(op.out, whole(store))

    def reduced(self, o: Val, r: Elements, how: str, axes: list[int], keep: bool, dtype: str) -> None:
        """A reduction along axes."""
        left = [k for k in range(len(r.sizes)) if k not in axes]
        source = r.dtype
        if how in ("max", "min") and source[0] != "f":
            raise self.no(f"the {how} of integers")
        if how in ("sum", "prod", "mean") and dtype[0] != "f" and not (how == "sum" and dtype == "i8"):
            raise self.no(f"the {how} as {dtype}")
        if how in ("any", "all") and source != "b1":
            raise self.no(f"{how} of numbers")
        acc = "f8" if dtype == "f4" else dtype
        one = Size("", 1, 1)
        shape = tuple(r.sizes[k] if k in left else one for k in range(len(r.sizes))) if keep and left else ()
        shape = shape or tuple(r.sizes[k] for k in left)
        kept = (
            list(range(len(r.sizes))) if keep and left else left
        )  # the axis of the operand for each of the result
        store = Store(self.fresh(o.name), acc, shape, fresh=True)
        if how in ("max", "min"):
            for k in axes:
                if not isinstance(r.sizes[k].dim, int):
                    self.early(f"{self.helper('some')}({r.sizes[k]})")
        own: tuple[Way, ...] = tuple((n, "", 1) for n in range(len(shape)))
        start = START[how] if how in START else ZERO_OF[acc]

        def begin(ix: list[str]) -> None:
            store.uses = 0
            self.put(store, ix, start)

        self.add(Statement(shape, begin, [], [Access(store, own)]))
        at = Access(store, tuple((k, "", 1) if k in left else ("", "0", 0) for k in kept))
        reads = self.access(r, list(range(len(r.sizes))))

        def write(ix: list[str]) -> None:
            index = [ix[k] if k in left else "0" for k in kept]
            old = self.read(store, index)
            x = cast(self.element(r, ix), source, "b1" if how in ("any", "all") else acc)
            self.put(store, index, self.step(how, acc).format(old, x))

        self.add(Statement(r.sizes, write, [*reads, at], [at]))
        got: Elements = whole(store) if left else Num(store)
        count = " * ".join(atleast(r.sizes[k]) for k in axes)
        if how == "mean" or acc != dtype:
            divide = f" / float({count})" if how == "mean" else ""
            uses = 0 if left or keep else self.total[o]
            got = self.map(
                o.name, dtype, [got], lambda t: cast(f"({t[0]}{divide})", acc, dtype), space=shape, uses=uses
            )
        if keep and not left:
            got = self.map(o.name, dtype, [got], lambda t: t[0], space=tuple(one for _ in r.sizes))
        self.bind(o, got)

    def step(self, how: str, acc: str) -> str:
        """The text of a step of a reduction."""
        if how in ("sum", "mean"):
            return f"{self.helper('plus')}({{0}}, {{1}})" if acc[0] == "f" else "({0} + {1})"
        if how in ("max", "min"):
            return f"{self.helper('larger' if how == 'max' else 'smaller')}({{0}}, {{1}})"
        return {"prod": "({0} * {1})", "any": "({0} or {1})", "all": "({0} and {1})"}[how]


START = {"prod": "1.0", "max": "-np.inf", "min": "np.inf", "any": "False", "all": "True"}
WORDS = {
    "opaque": "a statement that acts on the world", "try": "a try", "with": "a with",
    "call": "a function that calls itself", "unpack": "what a pullback saved", "need": "a need",
}  # fmt: skip
SHAPES = (ops.shape_at, len, np.size, np.shape)


def is_unbroadcast(fn: Any) -> bool:
    return getattr(fn, "__name__", "") == "unbroadcast" and getattr(fn, "__module__", "").startswith(
        "srcdiff.runtime"
    )


def is_ellipsis(p: Atom) -> bool:
    return (isinstance(p, Const) and p.value is ...) or (isinstance(p, Ref) and p.obj is ...)


def whole(store: Store) -> View:
    return View(store, tuple((k, "", 1) for k in range(len(store.sizes))), store.sizes)


def along(start: str, step: int, at: str) -> str:
    """``start + step * at``."""
    if not at or at == "0" or not step:
        return start or "0"
    if step == 1:
        return f"{start} + {at}" if start else at
    if step == -1:
        return f"{start} - {wrapped(at)}" if start else f"-{wrapped(at)}"
    return f"{start} + {step} * {wrapped(at)}" if start else f"{step} * {wrapped(at)}"


def wrapped(text: str) -> str:
    return text if re.fullmatch(r"\w+", text) else f"({text})"


def minus(high: Size, low: Size, n: Size) -> Size:
    """The size of a slice."""
    if not low.text:
        return high.plus(-low.offset)
    if high.text == low.text:
        d = high.offset - low.offset
        return Size("", d, d)
    return Size(f"({high} - {low})", 0, None)


def atleast(s: Size) -> str:
    """A size as a number that is not negative."""
    if s.offset >= 0 and re.fullmatch(r"(\w+\.shape\[\d+\]|\d*)", s.text):
        return bare(str(s))
    return f"max({bare(str(s))}, 0)"


def bare(text: str) -> str:
    """A text without parentheses around the whole of it."""
    while text.startswith("(") and text.endswith(")"):
        level = 0
        for n, c in enumerate(text):
            level += (c == "(") - (c == ")")
            if not level and n < len(text) - 1:
                return text
        if "," in text and not re.search(r"\w\(", text):
            return text
        text = text[1:-1]
    return text


def cast(text: str, of: str, to: str) -> str:
    """A number of one dtype as one of another."""
    if of == to:
        return text
    if to == "f8":
        if re.fullmatch(r"\(?-?\d+\)?", text):
            return text.rstrip(")") + ".0" + (")" if text.endswith(")") else "")
        return f"(1.0 if {bare(text)} else 0.0)" if of == "b1" else f"float({bare(text)})"
    if to == "f4":
        return f"np.float32({bare(text)})"
    if to == "i8":
        return f"int({bare(text)})"
    return f"({text} != 0)"


def power(exponent: Atom, template: str) -> str:
    """Powers by small constants, as NumPy does them."""
    if isinstance(exponent, Const):
        if exponent.value == 2:
            return "({0} * {0})"
        if exponent.value == 1:
            return "{0}"
        if exponent.value == 0.5:
            return template
    return template


def template_arity(template: str) -> int:
    return 1 + max(int(n) for n in re.findall(r"\{(\d)\}", template))


def common_dtype(kinds: list[Kind]) -> str:
    """The dtype in which numbers are compared, Python's own being weak."""
    strong = [k.dtype for k in kinds if isinstance(k, Array) or (isinstance(k, Scalar) and not k.weak)]
    weak = [k.dtype for k in kinds if isinstance(k, Scalar) and k.weak]
    if not strong:
        return "f8" if "f8" in weak else "i8" if "i8" in weak else "b1"
    d = np.result_type(*map(np.dtype, strong))
    if d.kind in "ib" and "f8" in weak:
        return "f8"
    if d.kind == "b" and "i8" in weak:
        return "i8"
    return f"{d.kind}{d.itemsize}"


def spell_maths(template: str, lw: Lowerer, many: bool) -> str:
    """The helpers that a template calls, imported; ``many``: for the elements of arrays."""
    found = re.match(r"math\.(\w+)\(", template)
    if found and many and found[1] in tables.VECTOR_MATHS:
        lw.helper(found[1])
        return template[5:]
    first = re.match(r"(\w+)\(", template)
    if first and first[1] in HELPERS:
        lw.helper(first[1])
    return template


HELPERS = ("where", "maximum", "minimum", "clip", "sign", "logaddexp")
tables_names = frozenset({
    "where", "maximum", "minimum", "clip", "sign", "logaddexp", "plus", "place", "bound", "one_size", "more",
    "agree", "grown", "grown_rows", "larger", "smaller", "some", "range", "len", "max", "min", "abs", "float", "int",
    *tables.VECTOR_MATHS, "kernel", "for", "in", "is", "if", "lambda", "def",
    "not", "and", "or", "else", "print", "math", "np",
})  # fmt: skip


def range_of(header: list[str], rev: bool) -> str:
    start, stop, step = map(bare, header)
    if not rev:
        if step != "1":
            return f"range({start}, {stop}, {step})"
        return f"range({stop})" if start == "0" else f"range({start}, {stop})"
    if step == "1":
        return f"range({stop} - 1, {int(start) - 1 if start.isdigit() else f'{start} - 1'}, -1)"
    return f"range({start} + (len(range({start}, {stop}, {step})) - 1) * ({step}), {start} - ({step}), -({step}))"


def count_of(r: Rep) -> str:
    return str(r.sizes[0]) if isinstance(r, View) else r.count  # type: ignore[union-attr]


def is_move(lines: list[str], names: dict[Val, str]) -> bool:
    (name,) = names.values()
    return len(lines) == 1 and lines[0].strip().startswith(f"{name} = ")


def value_of(lines: list[str]) -> str:
    return lines[0].strip().split(" = ", 1)[1]


def word_for(fn: Any) -> str:
    module = (getattr(fn, "__module__", "") or "").partition(".")[0]
    name = getattr(fn, "__name__", str(fn))
    return f"np.{name}" if module == "numpy" else name


# ---- operations with a form of their own --------------------------------------------------------------


def getitem(lw: Lowerer, op: Op, names: Any) -> None:
    r = lw.rep(op.ins[0])
    if isinstance(r, Static) and isinstance(r.value, tuple) and isinstance(op.ins[1], Const):
        lw.bind(op.out, r.value[op.ins[1].value])
        return
    k = op.out.kind
    if isinstance(r, Lazy):
        part = lw.indexed(
            whole(Store("", r.dtype, r.sizes)), op.ins[1], k.dims if isinstance(k, Array) else None
        )
        if isinstance(part, View) and part.sizes:
            lw.bind(op.out, Lazy(r.dtype, part.sizes, elsewhere(r, part)))
            return
    view = lw.view(op.ins[0])
    got = lw.indexed(view, op.ins[1], k.dims if isinstance(k, Array) else None)
    if isinstance(got, Gather) or got.sizes:
        lw.bind(op.out, got)
        return
    lw.result(op, [got], lambda t: cast(t[0], got.dtype, lw.dtype_of(k)))


def elsewhere(r: Lazy, part: View) -> Callable[[list[str]], str]:
    """The elements of a part of something that is computed where it is read."""
    return lambda ix: r.element(
        [along(start, step, "" if k is None else ix[k]) for k, start, step in part.axes]
    )


def setitem(lw: Lowerer, op: Op, names: Any) -> None:
    write_item(lw, op, lambda t: t[0], False)


def additem(lw: Lowerer, op: Op, names: Any) -> None:
    write_item(lw, op, lambda t: f"({t[0]} + {t[1]})", True)


def write_item(lw: Lowerer, op: Op, spell: Callable[[list[str]], str], adds: bool) -> None:
    if not isinstance(kind(op.ins[0]), Array):
        raise lw.no("a list or dict that is changed")
    if not op.attrs.get("inplace"):
        raise lw.no("an update that is done on a copy")
    base = lw.view(op.ins[0])
    value = lw.elements(op.ins[2])
    target = lw.indexed(base, op.ins[1], None)
    v = value
    if isinstance(target, Gather):
        scatter(lw, target, v, spell, adds)
    else:
        to = target.dtype
        if v.dtype[0] == "f" and to[0] != "f":
            raise lw.no("real numbers written to an array of integers")
        form = lambda t: spell([*t[:-1], cast(t[-1], v.dtype, to)])  # noqa: E731
        lw.write_to(target, [v], form, adds, adds)
    lw.bind(op.out, base)


def scatter(lw: Lowerer, to: Gather, v: Elements, spell: Callable[[list[str]], str], adds: bool) -> None:
    """Write to places that an array of integers names, one after the other."""
    if lw.overlaps(to.view, v):
        v = lw.materialised(v, "t")
    if lw.overlaps(to.view, to.places):
        raise lw.no("an index that is written to")
    space = to.sizes
    lead = len(space) - len(v.sizes)
    if lead < 0:
        raise lw.no("a value with more axes than what it is written to")
    for k, size in enumerate(v.sizes):
        if not (same_size(size, space[lead + k]) or size.is_one):
            lw.check("more", size, space[lead + k])
    loops, text = lw.against(v, space)
    own = lw.access(to, list(range(len(space))))

    def write(ix: list[str]) -> None:
        at = lw.fresh("at")
        place = lw.element(to.places, [ix[to.axis]])
        lw.line(f"{at} = {lw.helper('place')}({place}, {to.view.sizes[to.axis]})")
        index = [*ix[: to.axis], at, *ix[to.axis + 1 :]]
        old = [lw.element(to.view, index)] if adds else []
        new = cast(text(ix), v.dtype, to.dtype)
        target = [along(start, step, "" if k is None else index[k]) for k, start, step in to.view.axes]
        lw.put(to.view.store, target, spell([*old, new]))

    lw.add(Statement(space, write, [*lw.access(v, loops), *own], [own[0]]))


def shape_at(lw: Lowerer, op: Op, names: Any) -> None:
    r = lw.elements(op.ins[0])
    axis = op.ins[1]
    if not isinstance(axis, Const) or not r.sizes:
        raise lw.no("a size along an axis that is not known")
    lw.bind(op.out, Text(atleast(r.sizes[axis.value]), "i8"))


def length(lw: Lowerer, op: Op, names: Any) -> None:
    r = lw.rep(op.ins[0])
    if isinstance(r, Tapes):
        lw.bind(op.out, Text(r.count, "i8"))
        return
    r = lw.elements(op.ins[0])
    if not r.sizes:
        raise lw.no("the length of something that is no array")
    lw.bind(op.out, Text(atleast(r.sizes[0]), "i8"))


def size(lw: Lowerer, op: Op, names: Any) -> None:
    r = lw.elements(op.ins[0])
    if len(op.ins) != 1:
        raise lw.no("the size along an axis")
    lw.bind(op.out, Text(wrapped(" * ".join(atleast(s) for s in r.sizes) or "1"), "i8"))


def dtype_attribute(lw: Lowerer, op: Op, names: Any) -> None:
    k = kind(op.ins[0])
    if same(op.ins[1], Const("dtype")) and isinstance(k, Array):
        lw.bind(op.out, Static(np.dtype(k.dtype)))
        return
    raise lw.no("an attribute")


def copied(lw: Lowerer, op: Op, names: Any) -> None:
    if not isinstance(op.out.kind, (Array, Scalar)):
        raise lw.no("a copy of a list")
    r = lw.elements(op.ins[0])
    lw.result(op, [r], lambda t: cast(t[0], r.dtype, lw.dtype_of(op.out.kind)), r.sizes)
    keep(lw, op.out)


def keep(lw: Lowerer, v: Val) -> None:
    """A new array that is changed later: it is not one statement's alone."""
    r = lw.env[v]
    if isinstance(r, View) and lw.is_written(v):
        r.store.fresh = False
        r.store.roots = lw.memory(v)
        allocated(lw, r.store)


def allocated(lw: Lowerer, store: Store) -> None:
    """Make the memory of an array that is changed later, before the statements that wait."""
    store.escapes = True
    lw.allocate(store)


def create(lw: Lowerer, op: Op, names: Any) -> None:
    fn, args = op.fn, dict(zip(names, op.ins, strict=True))
    like = fn in (np.zeros_like, np.ones_like, np.empty_like)
    if set(args) - {"", "dtype"} or sum(not n for n in names) > 1:
        raise lw.no(f"{word_for(fn)} with options")
    o = op.out
    sizes = lw.elements(op.ins[0]).sizes if like else shape(lw, op.ins[0], o.kind)
    text = {"0": "0.0", "1": "1.0"}[tables.CREATE[fn]]
    made(lw, op, sizes, text, tables.CREATE[fn])


def full(lw: Lowerer, op: Op, names: Any) -> None:
    if any(n not in ("", "dtype") for n in names) or len([n for n in names if not n]) != 2:
        raise lw.no("np.full with options")
    r = lw.elements(op.ins[1])
    value = cast(lw.scalar(op.ins[1]), r.dtype, lw.dtype_of(op.out.kind))
    made(lw, op, shape(lw, op.ins[0], op.out.kind), lw.name_of_number(value), "")


def made(lw: Lowerer, op: Op, sizes: tuple[Size, ...], text: str, fill: str) -> None:
    """An array of one number: computed where it is read, unless it is changed."""
    o = op.out
    dtype = lw.dtype_of(o.kind)
    text = cast(text, "f8", dtype) if fill else text
    if dtype == "i8" and fill:
        text = fill
    if not sizes:
        lw.bind(o, Text(text, dtype))
        return
    if isinstance(o.kind, Array) and len(o.kind.dims) == len(sizes):
        sizes = tuple(
            Size(s.text, s.offset, d) if s.dim is None else s for s, d in zip(sizes, o.kind.dims, strict=True)
        )
    if not lw.is_written(o):
        lw.bind(o, Lazy(dtype, sizes, lambda ix: text))
        return
    store = Store(lw.fresh(o.name), dtype, sizes, lw.memory(o), fill=fill)
    lw.stores.setdefault(store, []).append(o)
    lw.bind(o, whole(store))
    outside_before = len(lw.kernel.made)
    allocated(lw, store)
    if fill != "0" or (len(lw.kernel.made) > outside_before and fill != "0"):
        own = tuple((p, "", 1) for p in range(len(sizes)))
        lw.add(Statement(sizes, lambda ix: lw.put(store, ix, text), [], [Access(store, own)]))


def shape(lw: Lowerer, a: Atom, k: Kind) -> tuple[Size, ...]:
    """The sizes that a shape names."""
    parts = a.items if isinstance(a, Struct) else (a,)
    dims = k.dims if isinstance(k, Array) else ()
    if isinstance(a, Val) and not isinstance(a.kind, Scalar):
        raise lw.no("a shape that is no tuple of numbers")
    out = []
    for n, p in enumerate(parts):
        d = dims[n] if n < len(dims) else None
        if isinstance(p, Const) and type(p.value) is int:
            out.append(Size("", p.value, p.value))
        else:
            out.append(Size(lw.scalar(p), 0, d))
    return tuple(out)


def broadcast_to(lw: Lowerer, op: Op, names: Any) -> None:
    r = lw.elements(op.ins[0])
    sizes = shape(lw, op.ins[1], op.out.kind)
    dtype = lw.dtype_of(op.out.kind)
    if isinstance(r, (Num, Text)):
        text = (
            lw.name_of_number(lw.scalar(op.ins[0], dtype))
            if isinstance(r, Num)
            else cast(r.text, r.dtype, dtype)
        )
        lw.bind(op.out, Lazy(dtype, sizes, lambda ix: text))
        return
    if isinstance(r, (Lazy, Gather)):
        r = lw.view(op.ins[0])
    lead = len(sizes) - len(r.sizes)
    axes: list[tuple[int | None, str, int]] = []
    for j, start, step in r.axes:
        if j is None:
            axes.append((j, start, step))
        elif r.sizes[j].is_one and not sizes[j + lead].is_one:
            axes.append((None, along(start, step, "0"), 0))
        elif same_size(r.sizes[j], sizes[j + lead]) or r.sizes[j].never_one:
            axes.append((j + lead, start, step))
        else:
            raise lw.no("an array broadcast along axes that may be of size one")
    lw.bind(op.out, View(r.store, tuple(axes), sizes))


def expand_dims(lw: Lowerer, op: Op, names: Any) -> None:
    r = lw.elements(op.ins[0])
    axes = constant_axes(lw, op.ins[1], len(r.sizes) + 1, 1)
    if isinstance(r, (Num, Text)) or len(axes) != 1:
        raise lw.no("np.expand_dims of a number")
    lw.bind(op.out, lw.new_axis(lw.view(op.ins[0]), axes[0]))


def transpose(lw: Lowerer, op: Op, names: Any) -> None:
    r = lw.view(op.ins[0])
    n = len(r.sizes)
    order = list(range(n))[::-1] if len(op.ins) == 1 else constant_axes(lw, op.ins[1], n)
    permuted(lw, op, r, order)


def swapaxes(lw: Lowerer, op: Op, names: Any) -> None:
    r = lw.view(op.ins[0])
    i, j = (constant_axes(lw, a, len(r.sizes))[0] for a in op.ins[1:])
    order = list(range(len(r.sizes)))
    order[i], order[j] = order[j], order[i]
    permuted(lw, op, r, order)


def permuted(lw: Lowerer, op: Op, r: View, order: list[int]) -> None:
    axes = tuple((order.index(k) if k is not None else None, start, step) for k, start, step in r.axes)
    lw.bind(op.out, View(r.store, axes, tuple(r.sizes[k] for k in order)))


def constant_axes(lw: Lowerer, a: Atom, rank: int, few: int = 0) -> list[int]:
    parts = a.items if isinstance(a, Struct) else (a,)
    out = []
    for p in parts:
        if not isinstance(p, Const) or type(p.value) is not int:
            raise lw.no("an axis that is not known")
        out.append(p.value % rank)
    return out


def reduction(lw: Lowerer, op: Op, names: Any) -> None:
    how = tables.REDUCE[op.fn]
    words = ["a", "axis"] if "" in names else []
    given: dict[str, Atom] = {}
    for n, a in zip(names, op.ins, strict=True):
        word = n or (words.pop(0) if words else "?")
        given[word] = a
    if set(given) - {"a", "axis", "keepdims", "dtype"} or "a" not in given:
        raise lw.no(f"{word_for(op.fn)} with options")
    r = lw.elements(given["a"])
    axis, keeps = given.get("axis", Const(None)), given.get("keepdims", Const(False))
    if not isinstance(keeps, Const) or isinstance(r, (Num, Text)):
        raise lw.no(f"{word_for(op.fn)} of a number")
    rank = len(r.sizes)
    axes = list(range(rank)) if same(axis, Const(None)) else constant_axes(lw, axis, rank)
    if isinstance(given["a"], Val):
        lw.seen[given["a"]] += 0
    lw.reduced(op.out, r, how, axes, bool(keeps.value), lw.dtype_of(op.out.kind))


def dot(lw: Lowerer, op: Op, names: Any) -> None:
    if len(op.ins) != 2 or any(names):
        raise lw.no("a product with options")
    a, b = lw.elements(op.ins[0]), lw.elements(op.ins[1])
    if op.attrs.get("inplace"):
        raise lw.no("a product of matrices in place")
    ranks = len(a.sizes), len(b.sizes)
    dtype = lw.dtype_of(op.out.kind)
    if dtype not in ("f8", "f4") or a.dtype != dtype or b.dtype != dtype:
        raise lw.no(f"a product of {a.dtype} and {b.dtype}")
    if ranks == (1, 1) or (op.fn is np.vdot and ranks[0] == ranks[1]):
        if op.fn is np.vdot and ranks[0] > 1 and not all(map(same_size, a.sizes, b.sizes)):
            raise lw.no("np.vdot of arrays that may be of two shapes")
        summed(
            lw, op, a, b, a.sizes, list(range(ranks[0])), list(range(ranks[0])), list(range(ranks[0])), dtype
        )
    elif ranks == (2, 1) and op.fn in (np.dot, operator.matmul):
        check_equal(lw, a.sizes[1], b.sizes[0])
        summed(lw, op, a, b, a.sizes, [0, 1], [1], [1], dtype)
    elif ranks == (1, 2) and op.fn in (np.dot, operator.matmul):
        check_equal(lw, a.sizes[0], b.sizes[0])
        summed(lw, op, a, b, b.sizes, [0], [0, 1], [0], dtype)
    elif ranks == (2, 2) and op.fn in (np.dot, operator.matmul) and lw.outer:
        check_equal(lw, a.sizes[1], b.sizes[0])
        space = (a.sizes[0], a.sizes[1], b.sizes[1])
        summed(lw, op, a, b, space, [0, 1], [1, 2], [1], dtype)
    else:
        raise lw.no("a product of matrices is BLAS's")


def check_equal(lw: Lowerer, a: Size, b: Size) -> None:
    if not same_size(a, b):
        lw.check("agree", a, b)


def summed(
    lw: Lowerer,
    op: Op,
    a: Elements,
    b: Elements,
    space: tuple[Size, ...],
    at_a: list[int],
    at_b: list[int],
    over: list[int],
    dtype: str,
) -> None:
    """A sum of products over some of the loops of a space; each operand moves with the loops that are named."""
    left = [k for k in range(len(space)) if k not in over]
    if len(a.sizes) == len(b.sizes) == 1:
        check_equal(lw, a.sizes[0], b.sizes[0])
    o = op.out
    acc = "f8" if dtype == "f4" and not left else dtype
    sizes = tuple(space[k] for k in left)
    store = Store(lw.fresh(o.name), acc, sizes, fresh=True)
    own: tuple[Way, ...] = tuple((n, "", 1) for n in range(len(left)))

    def begin(ix: list[str]) -> None:
        store.uses = 0
        lw.put(store, ix, ZERO_OF[acc])

    lw.add(Statement(sizes, begin, [], [Access(store, own)]))
    at = Access(store, tuple((k, "", 1) for k in left))
    reads = [*lw.access(a, list(at_a)), *lw.access(b, list(at_b))]

    def write(ix: list[str]) -> None:
        index = [ix[k] for k in left]
        old = lw.read(store, index)
        x = cast(lw.element(a, [ix[k] for k in at_a]), dtype, acc)
        y = cast(lw.element(b, [ix[k] for k in at_b]), dtype, acc)
        inner = max(over) == len(space) - 1
        text = f"{lw.helper('plus')}({old}, {x} * {y})" if inner else f"({old} + {x} * {y})"
        lw.put(store, index, text)

    lw.add(Statement(space, write, [*reads, at], [at]))
    got: Elements = whole(store) if left else Num(store)
    if acc != dtype:
        got = lw.map(o.name, dtype, [got], lambda t: cast(t[0], acc, dtype), space=(), uses=lw.total[o])
    lw.bind(o, got)


def outer(lw: Lowerer, op: Op, names: Any) -> None:
    a, b = lw.view(op.ins[0]), lw.view(op.ins[1])
    if len(a.sizes) != 1 or len(b.sizes) != 1 or any(names):
        raise lw.no("np.outer of matrices")
    lw.result(op, [lw.new_axis(a, 1), lw.new_axis(b, 0)], lambda t: f"({t[0]} * {t[1]})")


def eye(lw: Lowerer, op: Op, names: Any) -> None:
    if len(op.ins) != 1 or any(names):
        raise lw.no("np.eye with options")
    n = Size(lw.name_of_number(lw.scalar(op.ins[0])), 0, op.out.kind.dims[0])  # type: ignore[union-attr]
    if lw.is_written(op.out):
        raise lw.no("an identity that is changed")
    lw.bind(op.out, Lazy("f8", (n, n), lambda ix: f"where({ix[0]} == {ix[1]}, 1.0, 0.0)"))
    lw.helper("where")


def exit_is(lw: Lowerer, op: Op, names: Any) -> None:
    lw.result(op, [lw.elements(a) for a in op.ins], lambda t: f"({t[0]} == {t[1]})")


HANDLERS: dict[Any, Any] = {
    operator.getitem: getitem, ops.setitem: setitem, ops.additem: additem, ops.shape_at: shape_at, len: length,
    np.size: size, getattr: dtype_attribute, ops.copied: copied, np.copy: copied, np.full: full,
    np.broadcast_to: broadcast_to, np.expand_dims: expand_dims, np.transpose: transpose,
    np.swapaxes: swapaxes, np.dot: dot, operator.matmul: dot, np.vdot: dot, np.inner: dot, np.outer: outer,
    np.eye: eye, ops.exit_is: exit_is,
    **dict.fromkeys(tables.CREATE, create), **dict.fromkeys(tables.REDUCE, reduction),
}  # fmt: skip
