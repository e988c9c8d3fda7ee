"""The graph: structured SSA.  Immutable values in nested regions; loops and branches are operations.

Mutation does not exist here: writing ``x[i] = v`` is ``x1 = setitem(x0, i, v)``.  Whether that is printed in
place or on a copy is decided at the very end (``optimise.inplace``), so every pass in between may reason
about values.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from typing import Any

from srcdiff.ir.kinds import (
    BOOL,
    FLOAT,
    NONE,
    OTHER,
    STR,
    UNKNOWN,
    Array,
    Kind,
    Scalar,
    Seq,
    Tree,
    same_count,
)
from srcdiff.ir.records import dataclass

__all__ = [
    "JOINS",
    "OWN",
    "UNDEF",
    "ZERO",
    "Atom",
    "Const",
    "Graph",
    "Op",
    "Origin",
    "Ref",
    "Region",
    "Slice",
    "Struct",
    "Undef",
    "Val",
    "applies",
    "first_use",
    "flat",
    "is_as_written",
    "key_of",
    "kind",
    "let_go",
    "map_atom",
    "op_of",
    "taken_apart",
    "uses_of",
    "walk",
]

_count = itertools.count()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an operation comes from: a statement of the user's."""

    file: str
    line: int
    text: str
    above: tuple[str, ...] = ()
    beside: str = ""
    blank: bool = False
    adjoint: bool = False
    of: str = field(default="", compare=False)  # of an adjoint: the operation that it goes back over
    indent: int = field(default=0, compare=False)  # of the line in the file
    function: int = field(default=0, compare=False)  # the line at which the function around it begins
    tangent: bool = field(default=False, compare=False)  # made beside the statement, going forwards

    def back(self, of: str = "") -> Origin:
        """That of what goes back over the statement."""
        return Origin(self.file, self.line, self.text, (), "", False, True, of, self.indent, self.function)


class Val:
    """A value: made once, never changed.  ``name`` is the user's word for it, a hint, never an identity.

    ``unset``: it is what another function has saved, which is None if no path there has set it; ``begun``: it
    is that, and may be a number in place of an array, or hold some (`ir/begun.py`).
    """

    __slots__ = ("begun", "id", "kind", "name", "op", "unset", "user")

    def __init__(
        self, name: str, kind: Kind, op: Op | None = None, user: bool = False, unset: bool = False
    ) -> None:
        self.id = next(_count)
        self.name = name
        self.kind = kind
        self.op = op
        self.user = user
        self.unset = unset
        self.begun = False

    def again(self, op: Op | None = None) -> Val:
        """Another value, called the same and of the same kind, that ``op`` makes."""
        return Val(self.name, self.kind, op, self.user)

    def __repr__(self) -> str:
        return f"%{self.name or 't'}.{self.id}"


@dataclass(frozen=True, slots=True, eq=False)
class Const:
    """A literal; two are equal if type and text are."""

    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Const) and key_of(self) == key_of(other)

    def __hash__(self) -> int:
        return hash(key_of(self))


@dataclass(frozen=True, slots=True, eq=False)
class Ref:
    """A thing known when the derivative is made, by object and text: a function, a module, a dtype."""

    obj: Any
    text: str

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and self.obj is other.obj


@dataclass(frozen=True, slots=True)
class Slice:
    """``lower:upper:step`` inside an index."""

    lower: Atom
    upper: Atom
    step: Atom


@dataclass(frozen=True, slots=True)
class Struct:
    """A display: tuple, list, dict, or the call of a class with its fields."""

    type: Any
    keys: tuple[Any, ...]
    items: tuple[Atom, ...]


@dataclass(frozen=True, slots=True)
class Undef:
    """The value of a variable on a path that does not set it."""


@dataclass(frozen=True, slots=True)
class Zero:
    """A derivative known to be zero; it never reaches the text."""


UNDEF = Undef()
ZERO = Zero()
Atom = Val | Const | Ref | Slice | Struct | Undef | Zero


@dataclass(slots=True, eq=False)
class Region:
    """Single entry, single exit: parameters, operations, results."""

    params: list[Val] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)
    results: list[Atom] = field(default_factory=list)


class Op:
    """One operation.

    ``prim``   ins = arguments (``names``: keyword of each, "" if positional); outs = one value
    ``if``     ins = [condition]; regions = [then, else]; outs follow the regions' results
    ``for``    ins = [start, stop, step (or a single iterable), inits..., sources...];
               body params = [index, carried..., elements...];
               body results = [carried..., collected..., exit?]
               outs = [finals..., tapes..., exit?, trips]
    ``while``  the same without header; regions = [condition, body], condition params = [carried...]
    ``try``    ins = the exceptions of each handler; regions = [body, failed]; outs follow the results of the
               body, or of ``failed`` if one of these exceptions ended the body: its params are the number of
               the handler (from 1) and the exception.  Operations of the body that may raise are ``guarded``
    ``with``   ins = [manager], or the arguments of ``fn``, which makes one; one region, with what was
               entered as its parameter; outs follow its results.  With neither it is a mere block
    ``opaque`` a Python expression over ins (``tree``, ``free`` names); pure unless ``effect``
    ``call``   a call of a graph that calls itself (``graph``, shared by all its calls); ins = its arguments,
               leaf by leaf; outs = the leaves of its result
    ``unpack`` the parts of a tuple, all at once: what a pullback saved
    ``need``   while reversing: a value of the forward sweep, to be fetched
    """

    __slots__ = ("attrs", "code", "fn", "ins", "origin", "outs", "regions")

    def __init__(
        self,
        code: str,
        ins: list[Atom],
        outs: list[Val] | None = None,
        regions: list[Region] | None = None,
        attrs: dict[str, Any] | None = None,
        origin: Origin | None = None,
    ) -> None:
        self.code = code
        self.ins = ins
        self.outs = [] if outs is None else outs
        self.regions = [] if regions is None else regions
        self.attrs = {} if attrs is None else attrs
        self.origin = origin
        self.fn: Any = self.attrs.get("fn")  # what a ``prim`` applies

    @classmethod
    def applying(
        cls, fn: Any, ins: list[Atom], k: Kind, origin: Origin | None = None, name: str = "",
        user: bool = False, /, **attrs: Any,
    ) -> Op:  # fmt: skip
        """A ``prim`` with a result of its own; it is still to be put somewhere."""
        op = cls("prim", ins, attrs={"fn": fn, **attrs}, origin=origin)
        op.outs = [Val(name, k, op, user)]
        return op

    def become(self, fn: Any, **attrs: Any) -> None:
        """Apply another function, with these attributes."""
        self.fn, self.attrs = fn, {"fn": fn, **attrs}

    @property
    def out(self) -> Val:
        return self.outs[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The keyword of each operand, "" where it is given by its place."""
        return self.attrs.get("names") or ("",) * len(self.ins)

    @property
    def by_name(self) -> bool:
        """Whether an operand is given by its keyword."""
        return any(self.attrs.get("names") or ())

    @property
    def is_loop(self) -> bool:
        return self.code in ("for", "while")

    @property
    def adjoint(self) -> bool:
        """Whether it is of a backward sweep, and not the program's own."""
        return self.origin is not None and self.origin.adjoint

    @property
    def derived(self) -> bool:
        """Whether a derivative has made it: the program itself computes nothing of the kind."""
        return self.origin is not None and (self.origin.adjoint or self.origin.tangent)

    def __repr__(self) -> str:
        name = getattr(self.fn, "__name__", "") if self.code == "prim" else ""
        return f"{self.outs} = {self.code} {name} {self.ins}"


@dataclass(slots=True, eq=False)
class Graph:
    """A function: its parameters, its one region, and what it takes from outside."""

    name: str
    region: Region
    signature: Any = None  # the primal's inspect.Signature-like parameter list, kept by the front end
    captures: tuple[Any, ...] = ()
    info: dict[str, Any] = field(default_factory=dict)

    def over(self, region: Region, **info: Any) -> Graph:
        """The same function with another region, and with more notes."""
        return Graph(self.name, region, self.signature, self.captures, {**self.info, **info})


JOINS = ("if", "try", "with")  # operations whose outs follow the results of the region that ran to its end
OWN = ("fn", "names", "aug", "inplace", "guarded")  # attributes that an operation does not hand on


def is_as_written(op: Op) -> bool:
    """Whether the function of an operation stands in the user's statement."""
    o = op.origin
    return o is not None and not o.adjoint and getattr(op.fn, "__name__", "") in o.text


def managed(op: Op) -> bool:
    """Whether a ``with`` has a manager, and is not a mere block."""
    return bool(op.ins) or op.fn is not None


def is_which(a: Atom) -> bool:
    """Whether a value says how a ``try`` ended."""
    if not isinstance(a, Val) or a.op is None or a.op.code != "try" or a not in a.op.outs:
        return False
    failed = a.op.regions[1]
    return failed.results[a.op.outs.index(a)] is failed.params[0]


def which_out(op: Op) -> Val:
    """How a ``try`` ended: 0 if its body ran to the end, else the number of the handler."""
    body, failed = op.regions
    which = failed.params[0]
    for o, a in zip(op.outs, failed.results, strict=True):
        if a is which:
            return o
    out = which.again(op)
    body.results.append(Const(0))
    failed.results.append(which)
    op.outs.append(out)
    return out


# ---- loops: the slots of their ins, params, results and outs -------------------------------------------


@dataclass(slots=True)
class LoopView:
    """A loop's slots by name."""

    op: Op

    @property
    def head(self) -> int:
        return self.op.attrs["head"]  # type: ignore[no-any-return]

    @property
    def carried(self) -> int:
        return self.op.attrs["carried"]  # type: ignore[no-any-return]

    @property
    def body(self) -> Region:
        return self.op.regions[-1]

    @property
    def has_index(self) -> int:
        return 1 if self.op.code == "for" else 0

    @property
    def header(self) -> list[Atom]:
        return self.op.ins[: self.op.attrs["head"]]

    @property
    def inits(self) -> list[Atom]:
        op = self.op
        head: int = op.attrs["head"]
        return op.ins[head : head + op.attrs["carried"]]

    @property
    def sources(self) -> list[Atom]:
        return self.op.ins[self.op.attrs["head"] + self.op.attrs["carried"] :]

    @property
    def index(self) -> Val:
        return self.op.regions[-1].params[0]

    @property
    def params(self) -> list[Val]:
        op = self.op
        k = 1 if op.code == "for" else 0
        return op.regions[-1].params[k : k + op.attrs["carried"]]

    @property
    def elements(self) -> list[Val]:
        op = self.op
        return op.regions[-1].params[(1 if op.code == "for" else 0) + op.attrs["carried"] :]

    @property
    def yields(self) -> list[Atom]:
        return self.op.regions[-1].results[: self.op.attrs["carried"]]

    @property
    def collected(self) -> list[Atom]:
        results, attrs = self.op.regions[-1].results, self.op.attrs
        return results[attrs["carried"] : -1 if attrs["exits"] else None]

    @property
    def exit_result(self) -> Atom | None:
        return self.body.results[-1] if self.op.attrs["exits"] else None

    @property
    def finals(self) -> list[Val]:
        return self.op.outs[: self.op.attrs["carried"]]

    @property
    def tapes(self) -> list[Val]:
        op = self.op
        exits = 1 if op.attrs["exits"] else 0
        return op.outs[op.attrs["carried"] : len(op.regions[-1].results) - exits]

    @property
    def runs(self) -> bool:
        """Whether there is a trip for sure, and the loop is left at its end only."""
        ends = [a.value for a in self.header if isinstance(a, Const) and type(a.value) is int]
        return self.head == 3 and len(ends) == 3 and not self.op.attrs["exits"] and len(range(*ends)) > 0

    @property
    def slots(self) -> list[tuple[Val, Atom, Atom, Val]]:
        """Of each variable that is carried: its parameter, what it begins with, is handed on, and is left."""
        return list(zip(self.params, self.inits, self.yields, self.finals, strict=True))

    @property
    def taken(self) -> list[tuple[Val, Atom]]:
        """What each trip takes, and of what."""
        return list(zip(self.elements, self.sources, strict=True))

    @property
    def kept(self) -> list[tuple[Atom, Val]]:
        """What each trip puts away, and the tape that it goes to."""
        return list(zip(self.collected, self.tapes, strict=True))

    def put_on(self, tape: Val) -> Atom:
        """What each trip puts away on a tape."""
        return self.collected[self.tapes.index(tape)]

    @property
    def exit_out(self) -> Val | None:
        return self.op.outs[-2] if self.op.attrs["exits"] else None

    @property
    def trips(self) -> Val:
        return self.op.outs[-1]

    def add_tape(self, value: Atom, name: str, kind: Kind) -> Val:
        """Collect ``value`` at the end of each trip; returns the tape."""
        k = self.carried + len(self.collected)
        tape = Val(name, Seq(kind), self.op)
        self.body.results.insert(k, value)
        self.op.outs.insert(k, tape)
        return tape

    def add_source(self, source: Atom, direction: int, element: Val) -> None:
        """Consume ``source`` element by element."""
        self.op.ins.append(source)
        self.op.attrs["dirs"] = (*self.op.attrs["dirs"], direction)
        self.body.params.append(element)


# ---- atoms ---------------------------------------------------------------------------------------------


def flat(atoms: Iterable[Atom | None]) -> Iterator[Atom]:
    """The atoms without parts inside ``atoms``."""
    for a in atoms:
        if isinstance(a, Struct):
            yield from flat(a.items)
        elif isinstance(a, Slice):
            yield from flat((a.lower, a.upper, a.step))
        elif a is not None:
            yield a


def vals(atoms: Iterable[Atom | None]) -> list[Val]:
    """The values inside ``atoms``."""
    out: list[Val] = []
    for a in atoms:
        cls = type(a)
        if cls is Val:
            out.append(a)  # type: ignore[arg-type]
        elif cls is Struct or cls is Slice:
            out += vals(a.items if cls is Struct else (a.lower, a.upper, a.step))  # type: ignore[union-attr]
    return out


def uses_of(region: Region) -> Counter[Val]:
    """How often each value is an operand, or a result of a region, at any depth."""
    uses: Counter[Val] = Counter()
    _count_uses(region, uses)
    return uses


def _count_uses(region: Region, uses: Counter[Val]) -> None:
    # (as a function of `uses_of` it would know itself, and hold all values until they are searched for)
    for op in region.ops:
        for a in op.ins:
            if type(a) is Val:
                uses[a] = uses.get(a, 0) + 1
            elif type(a) is not Const:
                for v in vals([a]):
                    uses[v] = uses.get(v, 0) + 1
        for r in op.regions:
            _count_uses(r, uses)
    for v in vals(region.results):
        uses[v] = uses.get(v, 0) + 1


def map_atom(f: Callable[[Val], Atom], a: Atom) -> Atom:
    """``a`` with its values replaced."""
    cls = type(a)
    if cls is Val:
        return f(a)  # type: ignore[arg-type]
    if cls is Const:
        return a
    if isinstance(a, Struct):
        return Struct(a.type, a.keys, tuple(map_atom(f, x) for x in a.items))
    if isinstance(a, Slice):
        return Slice(map_atom(f, a.lower), map_atom(f, a.upper), map_atom(f, a.step))
    return a


def op_of(a: Atom | None) -> Op | None:
    """The operation that makes a value."""
    return a.op if isinstance(a, Val) else None


def key_of(a: Any) -> Any:
    """A hashable identity of an atom, for sharing."""
    cls = type(a)
    if cls is Val:
        return a.id
    if cls is Const:
        return ("const", type(a.value).__name__, repr(a.value))
    if isinstance(a, Ref):
        return ("ref", id(a.obj))
    if isinstance(a, Slice):
        return ("slice", key_of(a.lower), key_of(a.upper), key_of(a.step))
    if isinstance(a, Struct):
        return ("struct", a.type, a.keys, tuple(key_of(x) for x in a.items))
    return ("zero",) if isinstance(a, Zero) else ("undef",)


def is_none(a: Atom | None) -> bool:
    """Whether an operand is None, and known to be."""
    return isinstance(a, Const) and a.value is None


def same(a: Atom, b: Atom) -> bool:
    return a is b or key_of(a) == key_of(b)


def kind(a: Atom) -> Kind:
    """The kind of an atom."""
    cls = type(a)
    if cls is Val:
        return a.kind  # type: ignore[union-attr]
    if cls is Const:
        v = a.value  # type: ignore[union-attr]
        if type(v) is float:
            return FLOAT
        if isinstance(v, bool):
            return BOOL
        if isinstance(v, int):
            return Scalar("i8", True, v)
        if isinstance(v, float):
            return FLOAT
        if isinstance(v, complex):
            return Scalar("c16")
        if isinstance(v, (str, bytes)):
            return STR
        return NONE if v is None else OTHER
    if isinstance(a, Struct):
        return Tree(a.type, a.keys, tuple(kind(x) for x in a.items))
    if isinstance(a, (Undef, Zero)):
        return UNKNOWN
    if isinstance(a, Ref) and isinstance(a.obj, float):
        return FLOAT
    return OTHER


def walk(region: Region) -> Iterator[Op]:
    """All operations, outer before inner, in program order."""
    inside = [iter(region.ops)]
    while inside:
        for op in inside[-1]:
            yield op
            if op.regions:
                inside += [iter(r.ops) for r in reversed(op.regions)]
                break
        else:
            inside.pop()


def nested(op: Op) -> Iterator[Op]:
    """All operations in the regions of one."""
    for r in op.regions:
        yield from walk(r)


def applies(region: Region, functions: Iterable[Any]) -> bool:
    """Whether an operation applies one of some functions: asked by who looks for these, before looking."""
    return _applies(region, {id(f) for f in functions})


def _applies(region: Region, wanted: set[int]) -> bool:
    for op in region.ops:
        if id(op.fn) in wanted:
            return True
        for r in op.regions:
            if _applies(r, wanted):
                return True
    return False


def rank(a: Atom) -> int | None:
    """The number of dimensions, where known."""
    k = kind(a)
    if isinstance(k, Array):
        return len(k.dims)
    return 0 if isinstance(k, Scalar) else None


def clone(graph: Graph) -> tuple[Graph, dict[Val, Val]]:
    """A copy that shares nothing that can change."""
    table: dict[Val, Val] = {}
    new = copied(graph.region, table)
    g = graph.over(new)
    if "values" in graph.info:
        g.info["values"] = {k: table[v] for k, v in graph.info["values"].items()}
    return g, table


def copied(source: Region, table: dict[Val, Val]) -> Region:
    """A copy of a region; ``table`` gives the new value for each old one, and is added to."""
    return Copy(table).region(source)


class Copy:
    """What is copied, by what it is a copy of."""

    def __init__(self, table: dict[Val, Val]) -> None:
        self.table = table

    def atom(self, a: Atom) -> Atom:
        return self.table.get(a, a) if isinstance(a, Val) else map_atom(self.atom, a)

    def val(self, v: Val, op: Op | None) -> Val:
        w = Val(v.name, v.kind, op, v.user, v.unset)
        w.begun = v.begun
        self.table[v] = w
        if isinstance(v.kind, Array) and v.kind.dtype == "b1":
            same_count(v.id, w.id)
        return w

    def region(self, r: Region) -> Region:
        out = Region([self.val(p, None) for p in r.params])
        for o in r.ops:
            out.ops.append(self.op(o))
        out.results = [self.atom(a) for a in r.results]
        return out

    def op(self, o: Op) -> Op:
        new = Op(o.code, [self.atom(a) for a in o.ins], [], [], dict(o.attrs), o.origin)
        for r in o.regions:
            new.regions.append(self.region(r))
            for p in new.regions[-1].params:
                p.op = new
        new.outs = [self.val(v, new) for v in o.outs]
        return new


def taken_apart(region: Region) -> None:
    """Let go of a region that nobody needs any more.

    A value knows what made it, which knows its values: only a search for garbage would find these.
    """
    for p in region.params:
        p.op = None
    for op in region.ops:
        let_go(op)


def let_go(op: Op) -> None:
    """The same of an operation."""
    for v in op.outs:
        v.op = None
    for r in op.regions:
        taken_apart(r)


def first_use(graph: Graph, name: str) -> Origin | None:
    """The first statement that a parameter is used in; None if there is none."""
    params = {p for p in graph.region.params if p.name == name}
    return next((op.origin for op in walk(graph.region) if op.origin and params & set(vals(op.ins))), None)
