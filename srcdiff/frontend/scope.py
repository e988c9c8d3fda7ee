"""What a name is bound to while a function is read: values, places in buffers, containers, functions.

Python's references are settled here.  An array or list that a name holds lives in a *cell*; a view of it is a
path from the cell; writing through either makes a new version of the cell.  The graph itself sees versions
only.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from dataclasses import field
from typing import Any

import gast

from srcdiff.ir.graph import Atom, Val
from srcdiff.ir.records import dataclass

__all__ = [
    "Agg",
    "Args",
    "Bound",
    "Closure",
    "Derived",
    "Either",
    "Field",
    "Forward",
    "Frame",
    "Identity",
    "Iter",
    "Known",
    "Kw",
    "Loc",
    "Method",
    "Partial",
    "Plain",
    "Poison",
    "Pulled",
    "Spread",
    "State",
    "Step",
    "Super",
    "Window",
    "flag_of",
    "has_objects",
    "is_exhaustive",
    "is_flag",
    "name_of_flag",
]

_cells = itertools.count(1)
ELEMENTS = 0  # in a group of State.shares: what they may share is what lives in them, not themselves


@dataclass(frozen=True, slots=True)
class Plain:
    """A value that nobody can change."""

    atom: Atom


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step of a view's path: ``fn(base, *args)``."""

    fn: Any
    args: tuple[Atom, ...]
    names: tuple[str, ...] = ()
    method: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Loc:
    """A place: a cell, a view's path from it; ``val`` is its value while the cell's version is ``seen``."""

    cell: int
    path: tuple[Step, ...] = ()
    val: Val | None = None
    seen: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class Forward:
    """The content of a cell whose array or object lives in a list now: where to find it."""

    cell: int
    path: tuple[Step, ...]
    last: Any  # what the cell held before


@dataclass(frozen=True, slots=True, eq=False)
class Agg:
    """A container of known structure."""

    type: Any
    keys: tuple[Any, ...]
    items: tuple[Bound, ...]
    whole: Atom | None = None  # the value it was taken apart from


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A Python object known now (function, module, class), how it is spelt, how to reach it at each call."""

    obj: Any
    text: str
    path: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """An attribute, not looked at yet, of an object from outside."""

    owner: Known
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Super:
    """``super()``: an object, looked at from behind one of its classes."""

    owner: Bound
    cls: type


@dataclass(frozen=True, slots=True, eq=False)
class Closure:
    """A function defined inside the function being read."""

    node: Any
    frame: Frame
    name: str
    defaults: Mapping[str, Bound]


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """An attribute that is about to be called."""

    owner: Bound
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Partial:
    """A function with some of its arguments given."""

    fn: Bound
    args: tuple[Bound, ...]
    kwargs: Mapping[str, Bound]


@dataclass(frozen=True, slots=True, eq=False)
class Either:
    """One of two things that are no values (functions, say), by a condition known at run time."""

    test: Atom
    then: Bound
    other: Bound


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Arguments given by ``*sequence``, whose number is not known."""

    sequence: Bound


@dataclass(frozen=True, slots=True, eq=False)
class Iter:
    """Something to loop over, by what it gives: range, zip, enumerate, reversed, map, generator ...

    A range is a bound itself; anything that can be looped over only once lives in a cell.
    """

    kind: str
    parts: tuple[Any, ...]

    def stands_as(self, other: Any) -> bool:
        """Whether a generator stands at the ``yield`` at which it stood."""
        if self is other:
            return True
        if not isinstance(other, Iter) or not self.kind == other.kind == "suspended":
            return False
        return self.parts[0] is other.parts[0] and bool(self.parts[1] == other.parts[1])


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The keys, values or items of a dict: what it holds whenever somebody looks."""

    how: str
    owner: Loc


@dataclass(frozen=True, slots=True, eq=False)
class Poison:
    """A name whose value cannot be told; using it is an error.

    ``retry``: the ``try`` statement that could tell it if it were read in parts.
    """

    why: str
    follows: bool = False  # its statement was refused already: using it is no problem of its own
    retry: Any = None
    slug: str = "branches"
    help: str = "make both paths bind it to values of the same structure"


@dataclass(frozen=True, slots=True, eq=False)
class Derived:
    """A derivative taken inside the function being read: of what, in which mode, with respect to what."""

    fn: Bound
    mode: str
    wrt: Any = None
    has_aux: bool = False
    option: Any = 1  # the order of a derivative, the axes of a map


@dataclass(frozen=True, slots=True, eq=False)
class Pulled:
    """The pullback of a call: waits for the cotangent of its result; a pushforward, for the tangents."""

    graph: Any
    wrt: tuple[str, ...]
    names: tuple[str, ...]
    given: Mapping[str, Atom]
    mode: str = "vjp"


@dataclass(frozen=True, slots=True)
class Identity:
    """Stands for an object among the keys of a dict or set of known structure, never in a text."""

    cell: int

    def __repr__(self) -> str:
        return "<object>"


def has_objects(keys: Any) -> bool:
    """Whether there are objects among keys."""
    return any(isinstance(k, Identity) or (isinstance(k, tuple) and has_objects(k)) for k in keys)


Bound = (
    Derived
    | Pulled
    | Plain
    | Loc
    | Agg
    | Known
    | Field
    | Super
    | Closure
    | Method
    | Partial
    | Either
    | Spread
    | Iter
    | Window
    | Poison
)
Args = list[Bound]
Kw = dict[str, Bound]

_frames = itertools.count(1)


@dataclass(slots=True, eq=False)
class Frame:
    """One function being read: where its names come from."""

    source: Any  # FunctionSource
    fobj: Any = None  # the function object, for globals and cells
    path: tuple[Any, ...] | None = ()  # how to reach it at call time
    parent: Frame | None = None
    static: bool = False  # a rule's text: facts of rank and constants are settled
    locals: frozenset[str] = frozenset()
    outer: frozenset[str] = frozenset()  # nonlocal names
    unsure: Any = None  # which of its own may be read where they are not bound (unsure.Unsure)
    worldly: frozenset[str] = frozenset()  # names declared global, or nonlocal to what was made outside
    inline: bool = False  # the scope of a comprehension, or of statements made by us
    ours: bool = False  # a text of srcdiff's own: its names are not the user's
    site: tuple[Frame, Any] | None = None  # of such a text: where the user asked for it
    consumer: Any = None  # of a generator: who reads what it yields
    text: Any = None  # of such statements: all of them, as a module
    result: str = ""  # and the name that is read after them
    home: type | None = None  # of a method of a class defined in a function: that class
    first: str = ""  # and the name of its first parameter
    kept: bool = False  # it has defined a class, whose methods may be called later
    id: int = field(default_factory=lambda: next(_frames))

    def inner(self, inline: bool = False) -> Frame:
        """A scope within this one."""
        return Frame(
            self.source, None, None, self, self.static, inline=inline, ours=self.ours, site=self.site
        )


Key = tuple[int, str]
FLAG = "_bound!"  # no Python name


def flag_of(name: str) -> str:
    """The variable that says whether another one is bound."""
    return name + FLAG


def name_of_flag(flag: str) -> str:
    return flag.removesuffix(FLAG)


def is_flag(name: str) -> bool:
    return name.endswith(FLAG)


def world_key(fobj: Any, name: str) -> Key:
    """The key of a variable that lives outside the program: of its module, or of its cell."""
    code = fobj.__code__
    if name in code.co_freevars:
        return -id(fobj.__closure__[code.co_freevars.index(name)]), name
    return -id(fobj.__globals__), name


def class_key(cls: type, name: str) -> Key:
    """The key of an attribute of a class that the program writes to."""
    return -id(cls), name


@dataclass(slots=True)
class State:
    """All bindings at one point of the program."""

    names: dict[Key, Bound] = field(default_factory=dict)
    cells: dict[int, Any] = field(
        default_factory=dict
    )  # cell -> Atom, or Agg for a list or dict of known structure
    shares: frozenset[frozenset[int]] = frozenset()

    def copy(self) -> State:
        return State(dict(self.names), dict(self.cells), self.shares)

    def new_cell(self, content: Any) -> int:
        cell = next(_cells)
        self.cells[cell] = content
        return cell


NO_NODES = frozenset(("ctx", "op", "ops", "type_comment", "conversion", "kind"))  # what nobody looks into
_fields: dict[type, tuple[str, ...]] = {}  # of each class of nodes: the others


def children(node: Any) -> list[Any]:
    """The nodes right below one, operators and those that say how a name is used left out."""
    cls = type(node)
    fields = _fields.get(cls)
    if fields is None:
        fields = _fields[cls] = tuple(f for f in cls._fields if f not in NO_NODES)
    out: list[Any] = []
    held = vars(node)
    for f in fields:
        v = held.get(f)
        if v is None or type(v) is str:
            continue
        if type(v) is list:
            out += [x for x in v if isinstance(x, gast.AST)]
        elif isinstance(v, gast.AST):
            out.append(v)
    return out


def nodes_in(*roots: Any) -> list[Any]:
    """All nodes of some trees, in no order that matters."""
    out = list(roots)
    for n in out:
        out += children(n)
    return out


@functools.lru_cache(maxsize=1024)
def inner_functions(fnode: Any) -> tuple[tuple[Any, ...], bool]:
    """The functions in the body of another, and whether anything there is a ``yield``."""
    nodes = nodes_in(*fnode.body)
    inner = tuple(n for n in nodes if isinstance(n, (gast.FunctionDef, gast.Lambda)))
    return inner, any(isinstance(n, (gast.Yield, gast.YieldFrom)) for n in nodes)


def assigned_names(nodes: list[Any]) -> frozenset[str]:
    """Names that statements bind, not looking into nested functions."""
    out: set[str] = set()
    todo: list[Any] = list(nodes)
    while todo:
        n = todo.pop()
        if isinstance(n, (gast.FunctionDef, gast.ClassDef)):
            out.add(n.name)
            continue
        if isinstance(n, gast.Lambda):
            continue
        if isinstance(n, (gast.ListComp, gast.SetComp, gast.DictComp, gast.GeneratorExp)):
            todo.extend(g.iter for g in n.generators)
            out.update(m.target.id for m in nodes_in(n) if isinstance(m, gast.NamedExpr))
            continue
        if isinstance(n, gast.Name) and isinstance(n.ctx, gast.Store):
            out.add(n.id)
        if isinstance(n, (gast.MatchAs, gast.MatchStar, gast.MatchMapping)):
            out.update(filter(None, [getattr(n, "name", None), getattr(n, "rest", None)]))
        if isinstance(n, (gast.Import, gast.ImportFrom)):
            out.update((a.asname or a.name.split(".")[0]) for a in n.names)
        todo += children(n)
    return frozenset(out)


@functools.lru_cache(maxsize=1024)
def declarations(fnode: Any) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Of a ``def``: the names that it binds, those that are nonlocal, and those that are global."""
    body = fnode.body
    return assigned_names(body), declared(body, gast.Nonlocal), declared(body, gast.Global)


def declared(nodes: list[Any], kind: Any) -> frozenset[str]:
    """Names declared nonlocal or global."""
    out: set[str] = set()
    todo = list(nodes)
    while todo:
        n = todo.pop()
        if isinstance(n, kind):
            out.update(n.names)
        if not isinstance(n, (gast.FunctionDef, gast.Lambda, gast.ClassDef)):
            todo += children(n)
    return frozenset(out)


def is_exhaustive(s: Any) -> bool:
    """Whether the last case of a ``match`` takes whatever comes."""
    last = s.cases[-1]
    return last.guard is None and isinstance(last.pattern, gast.MatchAs) and last.pattern.pattern is None


def parameters(f: Any) -> frozenset[str]:
    """The parameters of a function."""
    a = f.args
    params = [*a.posonlyargs, *a.args, *a.kwonlyargs, *(p for p in (a.vararg, a.kwarg) if p is not None)]
    return frozenset(p.id for p in params)


def own_names(f: Any) -> frozenset[str]:
    """The parameters and local variables of a function."""
    own = parameters(f)
    if isinstance(f, gast.Lambda):
        return own
    return own | (assigned_names(f.body) - declared(f.body, gast.Nonlocal))
