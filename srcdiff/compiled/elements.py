"""Statements on elements: values, what is read and written for one element, loops over elements, views."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

from srcdiff.compiled import again, diagonals, gathers, lists, shifts, tables, threads
from srcdiff.compiled.handed import Handed
from srcdiff.compiled.nests import (
    Access,
    Nest,
    Size,
    Statement,
    Store,
    Way,
    contract,
    running,
    same_size,
    schedule,
    settled,
    touch,
)
from srcdiff.compiled.texts import (
    along,
    atleast,
    bare,
    cast,
    nesting,
)
from srcdiff.compiled.values import (
    DTYPES,
    NUMPY_DTYPE,
    ZERO_OF,
    Elements,
    Gather,
    Growing,
    Kernel,
    Lazy,
    Num,
    Rep,
    Rolled,
    Static,
    Tape,
    Tapes,
    Text,
    Unsupported,
    View,
    as_array,
    is_looked_up,
    whole,
)
from srcdiff.ir.bounds import Bounds
from srcdiff.ir.graph import (
    Atom,
    Const,
    LoopView,
    Op,
    Ref,
    Struct,
    Undef,
    Val,
)
from srcdiff.ir.kinds import Array, Dim, Kind, Scalar, Seq

LONGEST = 400  # statements that are put into loops together
DEEPEST = 50  # parentheses in each other: Python reads 200 of them


tables_names = frozenset({
    "where", "maximum", "minimum", "clip", "sign", "logaddexp", "plus", "place", "bound", "one_size", "more",
    "searched", "found", "agree", "grown", "grown_rows",
    "prange", "share", "all_searched", "all_interpolated",
    "divided", "divisor", "whole_product", "interpolated", "exp_of_complex", "power_of_complex", "complex",
    "larger", "smaller", "some", "times", "times_turned", "range", "len", "max", "min", "abs", "float",
    "int",
    *tables.VECTOR_MATHS, "kernel", "for", "in", "is", "if", "lambda", "def",
    "not", "and", "or", "else", "print", "math", "np",
})  # fmt: skip


class Statements:
    """A kernel as far as its straight lines go."""

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
        self.numbers: dict[str, int] = {}  # of the last name that was made of a word
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
        self.ahead: set[str] = set()  # names of what is known before the first statement
        self.outer = 0  # loops of the program around what is being lowered
        self.users: dict[Val, list[Op | None]] = {}
        self.checked: dict[tuple[Atom, str], str] = {}  # indices known to be inside their axes, from here on
        self.outgrow: set[Op] = set()  # products of whole numbers of which a later trip's are made
        self.lists: set[Val] = set()  # lists that hold numbers for sure: they are passed as arrays
        self.level: dict[Val, int] = {}  # how deep in loops and branches each value is known
        self.handed: dict[Val, Handed] = {}  # tapes that kernels before this one have filled
        self.nested = False  # whether the kernel is called in a loop or branch
        self.unsure: set[Val] = set()  # of the kind of arrays, but perhaps the number zero
        self.origins: dict[tuple[Val, Val | None], Val | None] = {}  # whose memory arrays have
        self.starts: set[Val] = set()  # arrays that become results
        self.family: dict[Val, Tape] = {}  # tapes of inner loops, which an outer loop keeps
        self.positions: dict[Op, str] = {}  # of loops whose tapes are made beforehand: the trip
        self.diagonals = False  # whether something is read that is one at a diagonal and zero elsewhere
        self.parts: dict[str, tuple[int, int]] = {}  # of loops that are done in parts: the part at hand
        self.threads = False  # whether loops may be shared by threads
        self.part: tuple[str, str, str] | None = None  # what the loops over parts of loops call them
        self.far: list[tuple[str, str]] | None = None  # away from diagonals: those that were asked for

    def fresh(self, hint: str) -> str:
        word = re.sub(r"\W", "_", hint)
        word = word if word.strip("_") else "t"  # the name of loops whose number nobody reads is _
        word = word if not word[0].isdigit() else f"t{word}"
        n = self.numbers.get(word, 0)  # (those below are taken)
        name = f"{word}{n}" if n else word
        while name in self.taken or name in tables_names:
            n += 1
            name = f"{word}{n}"
        self.numbers[word] = n
        self.taken.add(name)
        return name

    def line(self, text: str) -> None:
        self.out.append("    " * self.depth + text)

    def helper(self, name: str) -> str:
        self.kernel.helpers.add(name)
        return name

    def no(self, reason: str) -> Unsupported:
        return Unsupported(self.op, reason)

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
        if isinstance(v, complex):
            if repr(v.real) == "0.0" and 0 <= v.imag < math.inf and repr(v)[0] != "-":
                return Text(repr(v), "c16")
            parts = (self.constant(x) for x in (v.real, v.imag))
            return Text(f"complex({', '.join(bare(p.text) for p in parts if isinstance(p, Text))})", "c16")
        if isinstance(v, float):
            if math.isnan(v) or math.isinf(v):
                return Text("np.nan" if v != v else "np.inf" if v > 0 else "(-np.inf)", "f8")
            return Text(repr(v) if not math.copysign(1, v) < 0 else f"({v!r})", "f8")
        return Static(v)

    def parameter(self, v: Val) -> None:
        """A value from outside the kernel is a parameter of it."""
        k = v.kind
        if v in self.handed:

            def named(hint: str, of: Val) -> str:
                name = self.fresh(hint)
                self.kernel.params.append((name, of))
                return name

            self.env[v] = self.handed[v].inside(named, self.fresh)
            return
        if v.op is not None and v.op.is_loop and v is LoopView(v.op).exit_out:
            raise self.no("how a loop of NumPy's ended")  # (a truth value in the text, a number in the graph)
        if isinstance(k, Scalar):
            if k.dtype not in DTYPES:
                raise self.no(f"a number of type {k.dtype}")
            name = self.fresh(v.name)
            self.env[v] = Num(Store(name, k.dtype, ()))
        elif as_array(k) is not None or isinstance(k, Array):
            if isinstance(k, Seq) and v not in self.lists and (self.nested or self.is_written(v)):
                raise self.no("a list")  # (it would be made an array in each trip, or changed for nobody)
            k = as_array(k) or k
            assert isinstance(k, Array)
            if v in self.unsure:
                raise self.no("an array that may be a number, or of another type")
            if k.dtype not in (*DTYPES, "i4") or not k.dims:
                raise self.no(f"an array of {k.dtype}" if k.dims else "an array without axes")
            name = self.fresh(v.name)
            self.env[v] = self.array(name, k, self.memory(v))
            for n, d in enumerate(k.dims):
                if isinstance(d, int) and d != 1:  # the text is for this size
                    self.head.append(f"    {self.helper('agree')}({name}.shape[{n}], {d})")
        else:
            raise self.no("a value that is neither number nor array")
        self.kernel.params.append((name, v))

    def array(self, name: str, k: Array, roots: frozenset[Any]) -> View:
        self.bounds.array(k.dims)
        sizes = tuple(
            Size("", d, d) if isinstance(d, int) else Size(f"{name}.shape[{n}]", 0, d)
            for n, d in enumerate(k.dims)
        )
        return whole(Store(name, k.dtype, sizes, roots))

    def elements(self, a: Atom) -> Elements:
        r = self.rep(a)
        if isinstance(r, Tapes) and isinstance(a, Val):
            return self.list_of(a, r) if isinstance(r.tape.elem, Scalar) else self.rows_of(a, r)
        if isinstance(r, Growing):
            return lists.as_view(self, r, a.name if isinstance(a, Val) else "t")
        if isinstance(r, (Tapes, Static)):
            raise self.no("a value that is neither number nor array")
        return r

    def list_of(self, v: Val, r: Tapes) -> View:
        """What a loop has collected, as an array."""
        self.flush()
        name = self.fresh(v.name)
        first = f"{r.start} : {r.start} + {r.count}" if r.start != "0" else f": {r.count}"
        self.line(f"{name} = {r.tape.name}[{first}].copy()")
        k = as_array(v.kind)
        assert k is not None
        got = self.array(name, k, self.memory(v))
        if self.depth == self.level[v]:
            self.bind(v, got)
        return got

    def rows_of(self, v: Val, r: Tapes) -> View:
        """The arrays that a loop has collected, all of one size, as an array of one axis more."""
        inner, shape = r.tape.inner, r.tape.sizes
        if inner is None or shape is None or r.tape.shapes or not isinstance(r.tape.elem, Array):
            raise self.no("a list of arrays that may be of several sizes")
        self.flush()
        name = self.fresh(v.name)
        total = " * ".join(map(atleast, shape))
        first = f"{r.start} * {total}" if r.start != "0" else ""
        last = f"({r.start} + {r.count}) * {total}" if first else f"{r.count} * {total}"
        sizes = ", ".join([r.count, *map(atleast, shape)])
        self.line(f"{name} = {inner.name}[{first}:{last}].copy().reshape(({sizes}))")
        axes = (Size(f"{name}.shape[0]", 0, None), *shape)
        store = Store(name, r.tape.elem.dtype, axes, frozenset((name,)))
        return whole(store)

    def view(self, a: Atom) -> View:
        """An array in memory."""
        r = self.elements(a)
        if isinstance(r, (Lazy, Gather, Rolled)):
            name = a.name if isinstance(a, Val) else "t"
            if isinstance(a, Val) and self.depth == self.level[a]:
                r = self.materialised(r, name)
                self.bind(a, r)
            else:  # known in there only
                r = self.whole_copy(r, name)
        if not isinstance(r, View):
            raise self.no("a number where an array is meant")
        return r

    def bind(self, v: Val, r: Rep) -> None:
        self.env[v] = r
        self.level[v] = self.depth
        if isinstance(r, (Gather, Rolled)):  # what it is taken from is asked for where it is read
            for a in self.access(r, [None] * len(r.sizes)):
                self.stores.setdefault(a.store, []).append(v)
        if isinstance(r, View):
            self.stores.setdefault(r.store, []).append(v)
            k = as_array(v.kind)
            if k is not None:
                self.bounds.array(k.dims)

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

    def read(self, store: Store, index: list[str]) -> str:
        if store.again is not None:
            return store.again(index)
        if store in self.pending:
            text, reads = self.pending[store]
            if store.uses == 1:
                del self.pending[store]
                self.reading |= reads
                return text
        self.reading.add(store)
        if not store.axes:
            return store.name
        return f"{store.name}[{', '.join(index[k] for k in store.axes)}]"

    def put(self, store: Store, index: list[str], text: str, loads: bool = True) -> None:
        reads, self.reading = self.reading, set()
        if not store.axes:
            if store.uses == 1 and not store.escapes and nesting(text) < DEEPEST:
                self.pending[store] = (text, reads)
                return
            self.settle(store)
            self.line(f"{store.name} = {bare(text)}")
            return
        self.settle(store)
        self.line(f"{store.name}[{', '.join(index[k] for k in store.axes)}] = {bare(text)}")

    def settle(self, store: Store | None = None) -> None:
        """Give names to what waits to be written into the text that uses it, and reads a store."""
        for s, (_, reads) in list(self.pending.items()):
            if store is None or any(touch(r, store) for r in reads):
                self.name_now(s)

    def name_now(self, store: Store) -> None:
        """Give a name to a number that waits to be written into the text that uses it."""
        if store in self.pending:
            self.line(f"{store.name} = {bare(self.pending.pop(store)[0])}")

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
                found = [""] * len(r.view.sizes)
                for k, p in r.places.items():
                    one = self.element(p, r.inner(ix, k))
                    found[k] = f"{self.helper('place')}({bare(one)}, {r.view.sizes[k]})"
                return self.element(r.view, r.taken(found, ix))
            case Rolled():
                at = self.turned(ix[r.axis], r.by, str(r.sizes[r.axis]))
                return self.element(r.of, [*ix[: r.axis], at, *ix[r.axis + 1 :]])

    def turned(self, at: str, by: int | str, n: str) -> str:
        """``(at - by) % n``; without a test where the loop's part is known."""
        if isinstance(by, str) or not n.isdigit():  # (a text is in 0 ... n)
            if isinstance(by, int):
                return f"(({at} - {by}) % {n})"
            return f"({at} - {by} if {at} >= {by} else {n} - {by} + {at})"
        if at.isdigit():
            return str((int(at) - by) % int(n))
        first, last = self.parts.get(at, (0, int(n)))
        if first >= by:
            return f"{at} - {by}"
        if last <= by:
            return f"{int(n) - by} + {at}"
        return f"({at} - {by} if {at} >= {by} else {int(n) - by} + {at})"

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
                out = self.access(r.view, r.taken([None] * len(r.view.sizes), loops))
                for k, p in r.places.items():
                    out += self.access(p, r.inner(loops, k))
                return out
            case Rolled():
                loop = loops[r.axis]
                of = self.access(r.of, [*loops[: r.axis], None, *loops[r.axis + 1 :]])
                if isinstance(loop, int) and isinstance(r.by, int) and isinstance(r.sizes[r.axis].dim, int):
                    of = [Access(a.store, a.ways, (*a.turns, (loop, r.by))) for a in of]
                return of
        return []

    def against(self, r: Elements, space: tuple[Size, ...]) -> tuple[list[Any], Callable[[list[str]], str]]:
        """An operand in a space, broadcast: the loop of each of its axes, the text of an element."""
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

    def add(self, s: Statement) -> None:
        self.segment.append(s)
        self.kernel.statements += bool(s.space)

    def check_some(self, n: Size) -> None:
        """Check at run time that there is an element."""
        if not isinstance(n.dim, int) or n.dim < 1:
            self.early(f"{self.helper('some')}({n})")

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
        weight: int = 99,
        dear: bool = False,
    ) -> View | Num:
        """A new array (or number), computed element by element; ``weight``: what an element costs."""
        space = self.broadcast(operands, dims) if space is None else space
        if dear:
            operands = [self.materialised(r, name) if is_looked_up(r) else r for r in operands]
        store = Store(self.fresh(name), dtype, space, fresh=True, uses=uses)
        views = [self.against(r, space) for r in operands]
        reads = [a for r, (loops, _) in zip(operands, views, strict=True) for a in self.access(r, loops)]

        def value(ix: list[str]) -> str:
            return spell([text(ix) for _, text in views])

        loops = [(p, "", 1) for p in range(len(space))]
        s = Statement(space, lambda ix: self.put(store, ix, value(ix)), reads, [Access(store, tuple(loops))])
        s.value, s.weight, s.is_dear = value, weight, dear
        s.in_turn = len(space) - 1 if any(map(is_looked_up, operands)) else -1
        self.add(s)
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
            and not any(touch(a.store, target.store) for a in reads)
        )
        s = Statement(space, write, [*reads, *(own if reading else [])], own)
        s.adds = target.store if alone else None
        self.add(s)

    def overlaps(self, target: View, r: Elements) -> bool:
        """Whether what is read may be what has been written a trip before."""
        if isinstance(r, Gather):
            return self.overlaps(target, r.view)
        if isinstance(r, Rolled):
            read = [a.store for a in self.access(r, [None] * len(r.sizes))]
            return any(touch(x, target.store) for x in read)
        if not isinstance(r, View):
            return False
        if r.store is not target.store:
            return touch(r.store, target.store)
        loops, _ = self.against(r, target.sizes)
        (mine,) = self.access(r, loops)
        (own,) = self.access(target, list(range(len(target.sizes))))
        return mine.ways != own.ways

    def flush(self) -> None:
        """Write the statements that wait."""
        segment, self.segment = self.segment, []
        if not segment:
            return
        if not self.diagonals:
            segment = again.lightened(self, gathers.grouped(self, segment))
        nodes = self.scheduled(segment)
        counts: Counter[Store] = Counter()
        for s in segment:
            counts.update(a.store for a in s.reads)
        stores = {a.store: None for s in segment for a in s.writes if a.store.fresh}
        for store in stores:
            store.escapes = self.is_asked_for(store)
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

    def is_asked_for(self, store: Store) -> bool:
        """Whether an array is read later than in the statements that wait."""
        return any(self.seen[v] < self.total[v] for v in self.stores.get(store, []))

    def scheduled(self, segment: list[Statement]) -> list[Nest | Statement]:
        """The loops of a segment; arrays of zeros are filled in there if it is along with something else."""
        fills = [s for s in segment if s.fills is not None]
        nodes = schedule(segment)
        along: set[Statement] = set()
        for node in nodes:
            group = node.members if isinstance(node, Nest) else []
            if any(s.fills is None for s in group):
                along.update(s for s in group if s.fills is not None)
        for s in fills:
            if s not in along:
                segment.remove(s)
            elif s.fills is not None:
                self.unfilled(s.fills)
        return nodes if len(along) == len(fills) else schedule(segment)

    def unfilled(self, store: Store) -> None:
        """The memory of an array of zeros that a loop fills is made without them."""
        start = f"{store.name} = np.zeros("
        for lines in (self.out, self.head):
            for n, line in enumerate(lines):
                if line.strip().startswith(start):
                    lines[n] = line.replace("np.zeros(", "np.empty(", 1)
        self.kernel.made = [
            (name, text.replace("np.zeros(", "np.empty(", 1) if name == store.name else text, v)
            for name, text, v in self.kernel.made
        ]

    def allocate(self, store: Store) -> None:
        store.new = True
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
        for node in shifts.gathered(nodes, len(loops)):
            if isinstance(node, Statement):
                node.write([*loops, *["0"] * (len(node.space) - len(loops))])
                continue
            self.settle()
            if len(loops) == len(self.variables):
                self.variables.append(self.fresh("ijkl"[len(loops)] if len(loops) < 4 else "m"))
            var = self.variables[len(loops)]
            if isinstance(node, shifts.Shifts):
                node.emit(self, loops, var)
                continue
            if node.size.is_one:
                self.nodes(node.body, [*loops, "0"])
                continue
            if self.diagonals and not loops:
                if len(self.variables) == 1:
                    self.variables.append(self.fresh("j"))
                if diagonals.rows(self, node, (var, self.variables[1])):
                    continue
            if self.threads and not loops and threads.shared(self, node, var):
                continue
            self.kernel.loops += 1
            sums = [(s, s.name, s.kept, self.place_of(s, w, loops)) for s, w in running(node, len(loops))]
            for s, name, _, place in sums:
                s.name, s.kept = self.fresh(f"{name}_sum"), ()
                self.line(f"{s.name} = {place}")
            for first, last in self.ranges(node, len(loops)):
                self.line(f"for {var} in range({f'{first}, ' if first else ''}{bare(last)}):")
                self.parts[var] = (first, int(last)) if last.isdigit() else (first, 2**62)
                self.depth += 1
                self.nodes(node.body, [*loops, var])
                self.settle()
                self.depth -= 1
                del self.parts[var]
            for s, name, kept, place in sums:
                self.line(f"{place} = {s.name}")
                s.name, s.kept = name, kept

    @staticmethod
    def ranges(node: Nest, depth: int) -> list[tuple[int, str]]:
        """The parts that an innermost loop is done in: where it reads what is moved round, the ends meet."""
        size = str(node.size)
        if not size.isdigit() or any(isinstance(s, Nest) for s in node.body):
            return [(0, size)]
        turns = {n for s in node.members for a in s.reads for k, n in a.turns if k == depth}
        ends = sorted({0, *(n for n in turns if n < int(size)), int(size)})
        return [(a, str(b)) for a, b in pairwise(ends)] or [(0, size)]

    def place_of(self, store: Store, ways: tuple[Way, ...], loops: list[str]) -> str:
        """The text of the element that a sum is in."""
        texts = [along(w[1], w[2], loops[w[0]] if isinstance(w[0], int) else "") for w in ways if w]
        return f"{store.name}[{', '.join(texts[k] for k in store.axes)}]"

    def named(self, name: str, v: Val) -> Rep:
        """A value that is in a variable."""
        k = as_array(v.kind)
        if k is not None:
            return self.array(name, k, self.memory(v))
        return Num(Store(name, self.dtype_of(v.kind), ()))

    def dtype_of(self, k: Kind) -> str:
        k = as_array(k) or k
        if isinstance(k, (Scalar, Array)) and k.dtype in DTYPES:
            return k.dtype
        raise self.no(
            "a value of unknown kind" if not isinstance(k, (Scalar, Array)) else f"numbers of type {k.dtype}"
        )

    def value_for(self, a: Atom, k: Kind) -> str:
        """The text of a value that is put into a variable of a kind."""
        array = as_array(k)
        if array is not None:
            if isinstance(a, Undef):
                return self.unset(array)
            if isinstance(a, Struct):
                a_list = lists.started(self, a, k, "t")
                return lists.as_view(self, a_list, "t").store.name
            r = self.elements(a)
            if r.dtype != array.dtype:
                raise self.no("arrays of two types in one variable")
            if isinstance(r, View) and r.whole and r.store.kept is None:
                return r.store.name
            if isinstance(r, (Num, Text)):
                raise self.no("a number or an array in one variable")
            got = self.whole_copy(r, a.name if isinstance(a, Val) else "t")
            return got.store.name
        dtype = self.dtype_of(k)
        if isinstance(a, Undef):
            return ZERO_OF[dtype]
        return self.scalar(a, dtype)

    def unset(self, k: Array) -> str:
        """Memory for a variable on a path that does not set it: it may be saved there, and nobody asks."""
        sizes = []
        for d in k.dims:
            same = (
                f"{n}.shape[{j}]"
                for n, v in self.kernel.params
                for j, own in enumerate(v.kind.dims if isinstance(v.kind, Array) else ())
                if own == d and settled(d)
            )
            text = str(d) if isinstance(d, int) else next(same, "")
            if not text:
                raise self.no("an array that is not set on every path")
            sizes.append(text)
        shape = sizes[0] if len(sizes) == 1 else f"({', '.join(sizes)})"
        name = self.fresh("unset")
        self.head.append(f"    {name} = np.empty({shape}, {NUMPY_DTYPE[k.dtype]})")
        return name

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

    def in_one_piece(self, store: Store) -> str:
        """The text of an array that may be given another shape: what a caller gives may lie in steps."""
        given = any(name == store.name for name, _ in self.kernel.params)
        return f"np.ascontiguousarray({store.name})" if given else store.name

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

    def loaded(self, got: View, v: Val) -> Num:
        """An element, read at once."""
        name = self.fresh(v.name)
        self.line(f"{name} = {cast(self.element(got, []), got.dtype, self.dtype_of(v.kind))}")
        self.reading.clear()
        return Num(Store(name, self.dtype_of(v.kind), ()))

    def with_dims(self, v: View, dims: tuple[Dim, ...]) -> View:
        """A view with the symbols of its sizes as they were inferred, where they were not known."""
        sizes = tuple(
            s if s.dim is not None else Size(s.text, s.offset, d) for s, d in zip(v.sizes, dims, strict=True)
        )
        return View(v.store, v.axes, sizes)

    def is_written(self, v: Val) -> bool:
        return bool(self.memory(v) & self.written)
