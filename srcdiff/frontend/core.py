"""What all parts of the reader share: the region being filled, making operations, places and versions."""

from __future__ import annotations

import contextlib
import enum
import operator
import re
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import gast
import numpy as np

from srcdiff.backends import numpy_names
from srcdiff.errors import Problem, UnsupportedSyntax
from srcdiff.frontend import aliases, boxes
from srcdiff.frontend.advice import ADVICE
from srcdiff.frontend.elsewhere import counterpart
from srcdiff.frontend.infer import index_kind
from srcdiff.frontend.paths import Path, Unbound, layout, leads_to, lookup_free, place_of
from srcdiff.frontend.raising import Attempt, Raised, Reread, raisable
from srcdiff.frontend.scope import (
    Agg,
    Bound,
    Closure,
    Either,
    Field,
    Forward,
    Frame,
    Iter,
    Known,
    Loc,
    Method,
    Partial,
    Plain,
    Poison,
    State,
    Step,
    Window,
    has_objects,
    world_key,
)
from srcdiff.frontend.sizes import inferred, note_sizes, settle_slices
from srcdiff.frontend.things import (
    holds_things,
    is_code,
    is_foreign,
    is_instance,
    mutable,
)
from srcdiff.ir import ops
from srcdiff.ir.classes import cycle_in, fields_of
from srcdiff.ir.graph import (
    UNDEF,
    ZERO,
    Atom,
    Const,
    Graph,
    Op,
    Origin,
    Ref,
    Region,
    Slice,
    Struct,
    Val,
    key_of,
    kind,
    walk,
)
from srcdiff.ir.kinds import (
    FLOAT,
    NONE,
    OTHER,
    UNKNOWN,
    Array,
    Kind,
    Map,
    Maybe,
    Scalar,
    Seq,
    Simple,
    Tree,
    fresh_sym,
    has_cell,
    join,
    present,
)

__all__ = ["MOST_PROBLEMS", "WITHIN", "Bottom", "Capture", "Context", "Core", "Declined", "Stop"]

MOST_PROBLEMS = 20  # reported at once
WITHIN = "it has no rule, and inside it are functions or options that have none either"
MEMORY = frozenset({"flags", "itemsize", "nbytes", "strides"})  # attributes of an array that hold no elements


class Stop(Exception):
    """A problem was found in the statement being read; None if it only follows from one found before."""

    def __init__(self, problem: Problem | None) -> None:
        self.problem = problem
        super().__init__(problem.what if problem is not None else "")


class Declined(Stop):
    """The text of a rule raises NotImplementedError, which says what it does not cover."""


class Bottom(Exception):
    """A call whose result is not known yet: its path is left out of this reading."""


@dataclass(frozen=True)
class Context:
    """What the pipeline tells the front end of the world above it."""

    is_known: Callable[[Any], bool]  # pure functions, callable on samples
    is_pure: Callable[[Any], bool]  # evaluated ahead of time on constants
    may_alias: Callable[[Any], bool]
    alias_of_one: Callable[[Any], bool] = lambda fn: False  # of several arrays it makes something new
    shape_positions: Callable[[Any], frozenset[int]] = lambda fn: frozenset()  # read for shape and type alone
    keeps_zero: Callable[..., bool] = lambda fn, where, names=(): False
    fills_zero: Callable[[Any], bool] = lambda fn: False
    is_product: Callable[[Any], bool] = lambda fn: False  # zero if any operand is, or part of one
    transform: Callable[[Any], Any] = lambda obj: None  # obj -> a description, if obj makes derivatives
    derive: Callable[..., Any] = lambda *a: None
    # of a function that calls itself
    tangent_of: Callable[[Graph, tuple[int, ...], int], Graph] = lambda *a: a[0]
    array_operands: Callable[[Any], Any] = lambda fn: None  # which operands of a function are arrays
    is_freezing: Callable[[Any], bool] = lambda obj: False  # whether a call only gives its methods arguments
    compiled: Callable[[Graph], Any] = lambda graph: None  # a graph as a function with a text
    implicit: Callable[[str], Any] = lambda name: None  # how the result of a solver depends
    options: Callable[[Any], tuple[int, tuple[str, ...]]] = lambda fn: (0, ())  # see operands.by_name
    definitions: Callable[..., list[Any]] = lambda fn, count, names: []  # what a function stands for
    reason: Callable[[Any], str] = lambda fn: ""  # why a function is refused
    with_saved: Callable[[Any], Any] = lambda fn: None  # what runs instead of a function, and saves
    turn: Callable[..., Any] = lambda *a: None  # a rule's text, transposed
    pullback_of: Callable[[Graph, tuple[int, ...]], tuple[Graph, Graph]] = lambda *a: (a[0], a[0])


@dataclass(frozen=True, slots=True)
class Capture:
    """A value from outside that the function reads: parameter name, and the way to it at each call."""

    name: str
    path: Path
    kind: Kind
    value: Any
    real: bool = False  # an integer to differentiate with respect to: it counts as a real number

    @property
    def nameless(self) -> bool:
        """Whether no variable leads to it: a default, or an attribute of the class of some object."""
        return self.path[-1][0] == "default" or self.path[0][0] == "const"


@dataclass
class Core:
    """State of one reading."""

    ctx: Context
    graph: Graph
    region: Region
    state: State = field(default_factory=State)
    problems: list[Problem] = field(default_factory=list)
    frame: Frame = field(default_factory=lambda: Frame(None))
    origin: Origin | None = None
    node: Any = None
    statement: Any = None
    captures: dict[tuple[Any, ...], Capture] = field(default_factory=dict)
    capture_vals: dict[str, Bound] = field(default_factory=dict)
    guards: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    function: Any = None  # the one whose variables and arguments the paths start from
    given: dict[str, Any] = field(default_factory=dict)  # the arguments that are looked into by path
    places: dict[Any, Path] = field(default_factory=dict)  # what is captured, by the place itself
    twins: list[tuple[Path, Path]] = field(default_factory=list)  # two ways to one place
    wanted: set[Any] = field(default_factory=set)  # the places outside that a derivative is taken in
    on_way: set[int] = field(default_factory=set)  # objects that hold what is differentiated
    opened: dict[int, tuple[Path, Bound]] = field(default_factory=dict)  # containers of things from outside
    stack: list[Any] = field(default_factory=list)
    letters: dict[str, Atom] = field(default_factory=dict)  # texts that loops run over
    reading: set[int] = field(default_factory=set)  # cells that are being made one value
    loop_memo: dict[Any, Any] = field(default_factory=dict)
    discarded: Any = None  # the expression of the statement being read, if its value is not used
    shapes: dict[Val, Val] = field(
        default_factory=dict
    )  # a loop's array -> an array of its shape from before the loop
    calls: dict[Any, Any] = field(default_factory=dict)
    adopted: dict[int, tuple[Known, int]] = field(default_factory=dict)  # objects from outside: their cells
    boundary: tuple[Frame, Any, str] | None = None  # the user's call of the library function being read
    attempts: list[Attempt] = field(default_factory=list)  # bodies of try statements being read
    handling: list[Bound] = field(default_factory=list)  # exceptions of the handlers being read
    direct: Any = None  # the call of which a statement of our own is made, and the region it is read in
    jumped: Any = 0  # the exit code that it left with
    facts: dict[Val, bool] = field(default_factory=dict)  # conditions known on the path being read
    sizes: dict[int, tuple[int, Path]] = field(default_factory=dict)  # small ones, and where they come from
    lengths: dict[int | Val, tuple[int, Path]] = field(default_factory=dict)  # all, and those of lists
    there: dict[Any, Atom] = field(default_factory=dict)  # on it: what is None, and what is not
    unsettled: bool = False  # a loop is read for the first time: what it carries is not known yet
    passes: bool = False  # in a branch of one: not every trip comes here
    passed: bool = False  # what cannot be done with None has been left out of this reading

    # ---- problems
    def stop(
        self, slug: str, what: str, node: Any = None, note: str = "", help: str = "", label: str = ""
    ) -> NoReturn:
        raise Stop(self.problem_here(slug, what, node, note, help, label))

    def raised(
        self, error: type[Exception], slug: str, what: str, node: Any = None, note: str = "", help: str = ""
    ) -> NoReturn:
        """What is read raises ``error`` whatever the values are: a problem, unless a handler waits for it."""
        if not any(a.catches(error) for a in self.attempts):
            self.stop(slug, what, node, note, help)
        self.add_raise(error.__name__, what, certain=error)
        raise Raised

    def add_raise(self, name: str, text: Any, **attrs: Any) -> None:
        """What Python raises here, whatever the values are."""
        call = gast.Call(gast.Name(name, gast.Load(), None, None), [gast.Constant(text, None)], [])
        attrs |= {"tree": gast.Raise(call, None), "free": (), "effect": True}
        self.add(Op("opaque", [], attrs=attrs))

    def problem(
        self, slug: str, what: str, node: Any = None, note: str = "", help: str = "", label: str = ""
    ) -> Problem:
        """A problem that may be raised later; inside a library function it is one of the user's call."""
        if self.boundary is None:
            return self.problem_here(slug, what, node, note, help, label)
        frame, call, text = self.boundary
        here, self.frame = self.frame, frame
        try:
            what = f"{text} cannot be differentiated"
            return self.problem_here(slug, what, call, WITHIN, f"write out what {text} computes", label)
        finally:
            self.frame = here

    def problem_here(
        self, slug: str, what: str, node: Any = None, note: str = "", help: str = "", label: str = ""
    ) -> Problem:
        frame = self.frame
        node = node if node is not None and hasattr(node, "lineno") else self.node
        while frame.site is not None:
            frame, node = frame.site
        help = help or ADVICE.get(slug, "")
        source = frame.source
        if source is None or node is None or not hasattr(node, "lineno"):
            return Problem(slug, what, note=note, help=help)
        line = node.lineno
        text = source.lines[line - 1].rstrip("\n") if 0 < line <= len(source.lines) else ""
        end = node.end_col_offset if getattr(node, "end_lineno", line) == line else len(text)
        return Problem(
            slug, what, source.file, line, node.col_offset, end or len(text), text, label, note, help
        )

    def fail(self) -> None:
        if self.problems:
            error = UnsupportedSyntax(*dict.fromkeys(self.problems))
            error.graph = self.graph
            raise error

    # ---- operations
    def add(self, op: Op) -> Op:
        op.origin = self.origin
        if self.boundary is not None:
            op.attrs["within"] = self.boundary[2]
        self.region.ops.append(op)
        self.point(op)
        return op

    def point(self, op: Op) -> None:
        """An operation is made: if it may raise, a handler may be entered from here."""
        if not self.attempts:
            return
        errors = raisable(op)
        for a in self.attempts:
            if errors and a.may_catch(errors, op):
                op.attrs["guarded"] = True
                a.note(self.state, op)

    def adopt(self, made: list[Op]) -> None:
        """Take over operations made elsewhere."""
        self.region.ops.extend(made)
        for op in made:
            for inner in (op, *(o for r in op.regions for o in walk(r))):
                self.point(inner)

    def prim(
        self,
        fn: Any,
        args: list[Atom],
        names: tuple[str, ...] = (),
        hint: str = "",
        result: Kind | None = None,
        **attrs: Any,
    ) -> Atom:
        """An application of a pure function."""
        if self.frame.static:
            if any(isinstance(a, Struct) and ZERO in a.items for a in args) and self.ctx.is_product(fn):
                return ZERO  # a factor is
            args = [filled(a) if isinstance(a, Struct) else a for a in args]
        if refuses_none(fn) and all(is_numeric(kind(a)) for a in args):
            self.needs_value(*args)
            args = [self.sure(a) for a in args]
        if any(a is ZERO for a in args):
            return self.with_zero(fn, args, names)
        folded = self.fold(fn, args, names)
        if folded is not None:
            return folded
        k = result if result is not None else inferred(self, fn, args, names)
        if isinstance(k, Scalar) and k.dtype == "i8" and k.weak and k.value is None:
            k = Scalar("i8", True, fresh_sym())
        if any(names):
            attrs["names"] = names
        op = Op("prim", args, attrs={"fn": fn, **attrs})
        val = Val(hint, k, op)
        op.outs.append(val)
        self.add(op)
        return val

    def with_zero(self, fn: Any, args: list[Atom], names: tuple[str, ...]) -> Atom:
        """An operation on a symbolic zero (in a rule's text): zero, or what the zero leaves."""
        if fn in (operator.add, operator.sub) and len(args) == 2:
            if args[0] is ZERO:
                return (
                    args[1] if fn is operator.add or args[1] is ZERO else self.prim(operator.neg, [args[1]])
                )
            return args[0]
        if fn is np.where and args[1] is ZERO and args[2] in (ZERO, Const(0.0)):
            return ZERO
        if fn is np.where and args[0] is not ZERO:  # nothing is added where the arm is taken
            return self.prim(fn, [Const(0.0) if a is ZERO else a for a in args], names)
        if fn in _ZERO_KEEPS or self.ctx.keeps_zero(fn, [a is ZERO for a in args], names):
            return ZERO
        if self.ctx.fills_zero(fn):  # linear in several operands together: the others still count
            return self.prim(fn, [Const(0.0) if a is ZERO else a for a in args], names)
        self.stop("rule", f"a rule applies {getattr(fn, '__name__', fn)} to a tangent that is zero",
            help="test for it first, or use functions that are linear in the tangent",
       )

    def fold(self, fn: Any, args: list[Atom], names: tuple[str, ...]) -> Atom | None:
        """Evaluate on constants: integers, text and flags always; numbers only in a rule's text."""
        values = []
        for a in args:
            v = constant(a)
            if v is _NOT and fn in _COMPARES:
                v = infinity(a)
            if v is _NOT:
                return None
            values.append(v)
        exact = all(_exact(v) or (isinstance(v, float) and abs(v) == np.inf) for v in values)
        foldable = (
            fn in numpy_names.INFIX or fn in numpy_names.PREFIX or self.ctx.is_pure(fn) or fn in _FOLDABLE
        )
        if not foldable or not (exact or self.frame.static):
            return None
        pos = [v for v, n in zip(values, names or ("",) * len(values), strict=True) if not n]
        kw = {n: v for v, n in zip(values, names or ("",) * len(values), strict=True) if n}
        try:
            got = fn(*pos, **kw)
        except Exception:  # left to happen at run time, where the primal would raise it
            return None
        return as_atom(got)

    def getitem(self, base: Atom, index: Atom, hint: str = "") -> Atom:
        if base is ZERO:
            return ZERO
        self.needs_value(base)
        base = self.sure(base)
        if isinstance(kind(base), Seq) and not isinstance(kind(base), Map):
            index = self.sure(index)
        if isinstance(base, Struct) and isinstance(index, Const) and index.value in base.keys:
            return base.items[base.keys.index(index.value)]
        k = kind(base)
        if isinstance(k, Tree):
            return self.tree_item(base, k, index)
        if isinstance(k, Map) and k.key == UNKNOWN:
            self.taken_from_empty()
        settle_slices(self, k, index)
        got, view = index_kind(k, index)
        if isinstance(got, Scalar) and got.dtype == "i8":
            got = Scalar("i8", got.weak, fresh_sym())
        return self.prim(operator.getitem, [base, index], hint=hint, result=got, view=view)

    def taken_from_empty(self) -> None:
        """An entry of a dict is read of which no entries are known (yet)."""

    def tree_item(self, base: Atom, k: Tree, index: Atom) -> Atom:
        v = constant(index)
        if v is _NOT:
            return self.prim(operator.getitem, [base, index], result=UNKNOWN, view=True)
        if isinstance(v, int) and k.type in (tuple, list) and -len(k.items) <= v < 0:
            v += len(k.items)
        if v in k.keys:
            at = k.keys.index(v)
        elif (
            isinstance(v, int)
            and isinstance(k.type, type)
            and issubclass(k.type, tuple)
            and abs(v) < len(k.items)
        ):
            at = v
        else:
            self.stop("key", f"there is no element {v!r} in this {k.type.__name__}")
        field = k.type not in (tuple, list, dict)
        item = k.items[at]
        if isinstance(item, Scalar) and item.dtype == "i8" and item.value is None:
            item = Scalar("i8", item.weak, fresh_sym())
        hint = str(k.keys[at]) if str(k.keys[at]).isidentifier() else ""
        fn = ops.getfield if field else operator.getitem
        return self.prim(fn, [base, Const(k.keys[at])], hint=hint, result=item, view=True)

    # ---- places
    def bind(self, value: Atom, hint: str = "") -> Bound:
        """A bound for a new value: one that can be written to gets a cell of its own."""
        k = kind(value)
        if isinstance(value, Struct):
            items = tuple(self.bind(x) for x in value.items)
            agg = Agg(value.type, value.keys, items)
            return Loc(self.state.new_cell(agg)) if mutable(value.type) else agg
        if isinstance(value, Val) and isinstance(k, Tree):
            return self.take_apart(value, k)
        if isinstance(value, Val) and has_cell(k):
            cell = self.state.new_cell(value)
            return Loc(cell, (), value, value)
        return Plain(value)

    def take_apart(self, value: Val, k: Tree) -> Bound:
        items = tuple(self.bind(self.tree_item(value, k, Const(key))) for key in k.keys)
        agg = Agg(k.type, k.keys, items, value)
        return Loc(self.state.new_cell(agg)) if mutable(k.type) else agg

    def settled(self, b: Any) -> Any:
        """A bound, looked up: an attribute that nobody has read yet; what has moved into a list."""
        if isinstance(b, Loc):
            return self.moved_to(b)
        if isinstance(b, Window):
            return self.seen_through(b)
        if not isinstance(b, Field):
            return b
        owner = b.owner
        path = None if owner.path is None else (*owner.path, ("attr", b.name))
        return self.outside(getattr(owner.obj, b.name), f"{owner.text}.{b.name}", path)

    def moved_to(self, b: Loc) -> Loc:
        """The place that a place stands for now: what was put into a list lives there."""
        held = self.state.cells.get(b.cell)
        while isinstance(held, Forward):
            b = Loc(held.cell, (*held.path, *b.path))
            held = self.state.cells.get(b.cell)
        return b

    def complete(self, state: State) -> None:
        """Give a state the cells of what has come from outside since it was copied."""
        for cell, content in self.graph.info.get("cells", {}).items():
            state.cells.setdefault(cell, content)

    def change(self, place: Loc, content: Any, node: Any = None) -> None:
        """Give a list, a dict or an object of known structure new content."""
        place = self.moved_to(place)
        if place.path:
            inside = kind(self.read(place))
            if isinstance(content, Agg) and isinstance(inside, Tree) and inside.keys != content.keys:
                self.stop("store", "the elements of this list would no longer have the same parts", node,
                          help="give all of them the same keys or attributes when they are made")  # fmt: skip
            self.write(place, self.read(content) if isinstance(content, Agg) else content, node)
            return
        self.check_shared(place.cell, node)
        self.state.cells[place.cell] = content

    def tested(self, a: Atom) -> Atom:
        """What a value that may be None is on the path being read, where that has been tested."""
        return self.there.get(name_of_value(a), a) if isinstance(kind(a), Maybe) else a

    def needs_value(self, *atoms: Atom) -> None:
        """What cannot be done with None: where a loop has yet to set it, this is not its first trip."""
        if self.passes and not self.attempts and any(a == Const(None) for a in atoms):
            self.passed = True
            raise Bottom

    def sure(self, a: Atom) -> Atom:
        """A value that may be None, where the program stops unless it is there."""
        a = self.tested(a)
        k = kind(a)
        if not isinstance(k, Maybe) or self.attempts:  # (where a handler waits, the program goes on)
            return a
        return self.there.setdefault(name_of_value(a), self.not_none(a))

    def not_none(self, a: Atom) -> Atom:
        """A value that is not None here."""
        v = self.prim(ops.given, [a], result=present(kind(a)), hint=name_of(a))
        assert isinstance(a, Val) and isinstance(v, Val)
        v.user = a.user
        return v

    def read(self, b: Bound, node: Any = None) -> Atom:
        """The value of a bound now."""
        return self.tested(self.value(b, node))

    def value(self, b: Bound, node: Any = None) -> Atom:
        """The value of a bound, whatever has been tested."""
        b = self.settled(b)
        match b:
            case Plain(atom):
                return atom
            case Loc():
                b = self.moved_to(b)
                content = self.state.cells[b.cell]
                if isinstance(content, Agg):
                    if b.cell in self.reading:
                        cyclic(self, node)
                    self.reading.add(b.cell)
                    try:
                        return self.read(content)
                    finally:
                        self.reading.discard(b.cell)
                if isinstance(content, Poison):
                    return self.read(content)
                if isinstance(content, (Iter, Poison)):
                    self.stop("iterator", "an iterator is used where a value is needed", node,
                              help="make a list of it: list(...)")  # fmt: skip
                if b.val is not None and b.seen is content:
                    return b.val
                if b.val is not None and b.val.kind == UNKNOWN and b.path:
                    self.stop(
                        "view",
                        "whether this is a view of the array or a copy of an element is not known here",
                        node,
                        note="it was read before the array was written to, and is used after",
                        help="give example arguments: srcdiff.source(derivative, *args)",
                    )
                value: Atom = content
                for step in b.path:
                    value = self.apply_step(step, value)
                return value
            case Agg(type, keys, items, whole):
                if keys and str(keys[0]).startswith("made!"):
                    return self.exception_value(b, node)
                if type is boxes.attributes:
                    held = self.content(items[0])
                    return self.read(Agg(dict, held.keys, held.items))
                if boxes.is_box(type):
                    self.box_as_value(type, node)
                if type in (dict, set, frozenset) and has_objects(keys):
                    self.stop(
                        "key", f"a {type.__name__} whose keys are objects is used as a value", node,
                        note="it is known by what the program does with it, and never made",
                        help="hand on what is in it, or use numbers or names as keys",
                    )  # fmt: skip
                got = tuple(self.read(x, node) for x in items)
                if type in (set, frozenset):
                    return self.prim(type, [Struct(tuple, tuple(range(len(got))), got)], result=OTHER)
                if (
                    whole is not None
                    and isinstance(whole, Val)
                    and all(_is_part(g, whole, key) for g, key in zip(got, keys, strict=True))
                ):
                    return whole
                return Struct(type, keys, got)
            case Known(obj, text, path):
                if self.wanted and not self.frame.static and self.hides_wanted(obj, path):
                    self.stop(
                        "wrt",
                        f"{text!r} is used as a whole here, and leads to what the derivative is taken in",
                        node,
                        note="what is done with it is not followed",
                        help="pass what it holds as an argument, and name that in wrt=",
                    )
                if path is not None and not self.frame.static:
                    self.guards[path] = obj  # it is part of the text: another one makes another derivative
                if isinstance(obj, enum.Enum) and isinstance(obj, (int, str, float)):
                    return Const(obj.value)
                return Ref(obj, text)
            case Either():
                return self.either(b, node)
            case Poison(why, follows, retry, slug, help):
                if follows:
                    raise Stop(None)
                if retry is not None:
                    raise Reread(retry)
                self.stop(slug, why, node, help=help)
        if isinstance(b, Method):
            return self.read_attribute(b, node)
        self.stop(
            "value", f"{describe(b)} is used where a number or an array is needed", node,
            help="call it, or keep it in a variable, a tuple or a list of functions that the program calls",
        )  # fmt: skip

    def box_as_value(self, cls: type, node: Any) -> NoReturn:
        plain = boxes.held_as(cls)
        self.stop(
            "value", f"a {cls.__name__} is used as a value here", node,
            note="it is put into a list of unknown length, returned, or given to a function that is not read",
            help=f"hand over a {plain}: {plain}(...)",
        )  # fmt: skip

    def read_attribute(self, b: Method, node: Any) -> Atom:
        """An attribute of a thing that carries no derivative: read when the program runs."""
        owner = self.read(b.owner, node)
        if kind(owner) == OTHER or (isinstance(kind(owner), Array) and b.name in MEMORY):
            return self.prim(getattr, [owner, Const(b.name)], result=UNKNOWN, method=b.name)
        if kind(owner) == UNKNOWN:
            problem = self.problem("no-rule", f"what the attribute {b.name!r} is here is not known", node)
            unread = (b.name, problem)
            return self.prim(ops.attribute, [owner, Const(b.name)], result=UNKNOWN, unread=unread)
        self.stop(
            "attribute", f"what the attribute {b.name!r} is here is not known", node,
            note="it is used as a value, and what it belongs to may carry a derivative",
            help="keep the value in a variable of its own",
        )  # fmt: skip

    def exception_value(self, b: Agg, node: Any) -> Atom:
        """An exception that is read as an object, as a value."""
        raise NotImplementedError

    def seen_through(self, b: Window) -> Bound:
        """What a view of a dict shows now."""
        raise NotImplementedError

    def either(self, b: Either, node: Any) -> Atom:
        """The value of the one of two things that is meant."""
        raise NotImplementedError

    def conform(self, a: Atom, k: Kind) -> Atom:
        """A tuple as a value of kind ``k``: one of any length is a list."""
        if isinstance(k, Seq) and k.frozen and isinstance(kind(a), Tree):
            if isinstance(a, Struct):
                return Struct(list, a.keys, a.items)
            return self.prim(list, [a], result=k)
        if isinstance(k, Tree) and isinstance(a, Struct) and len(a.items) == len(k.items):
            return Struct(a.type, a.keys, tuple(map(self.conform, a.items, k.items)))
        return a

    def apply_step(self, step: Step, base: Atom) -> Atom:
        if step.fn is operator.getitem:
            return self.getitem(base, step.args[0])
        return self.prim(
            step.fn, [base, *step.args], ("", *step.names) if step.names else (), method=step.method
        )

    def view(self, b: Bound, step: Step) -> Bound:
        """The bound of ``step`` applied to ``b``: a view of its cell, if it lives in one."""
        b = self.settled(b)
        base = self.read(b)
        val = self.apply_step(step, base)
        if not isinstance(val, Val) or not (isinstance(val.kind, Tree) or has_cell(val.kind)):
            return Plain(val)
        inside = isinstance(b, Loc) and not isinstance(self.state.cells[b.cell], Agg)
        if isinstance(val.kind, Tree) and (not inside or self.frame.static):
            return self.take_apart(val, val.kind)
        if isinstance(b, Loc) and isinstance(val.kind, Tree):
            place = Loc(b.cell, (*b.path, step), val, self.state.cells[b.cell])
            return self.element_bound(place, val, val.kind)
        if isinstance(b, Loc) and inside:
            return Loc(b.cell, (*b.path, step), val, self.state.cells[b.cell])
        return self.bind(val)

    def element_bound(self, place: Loc, val: Atom, k: Tree) -> Bound:
        """An element of a list that has parts: a place if it can be changed, else its parts."""
        return place if mutable(k.type) else self.element_parts(place, val, k)

    def element_parts(self, place: Loc, val: Atom, k: Tree) -> Agg:
        """The parts of an element of a list, each at its place."""
        items: list[Bound] = []
        for key in k.keys:
            sub = self.getitem(val, Const(key))
            at = Loc(place.cell, (*place.path, Step(operator.getitem, (Const(key),))), None, place.seen)
            ks = kind(sub)
            if isinstance(ks, Tree):
                items.append(self.element_bound(at, sub, ks))
            elif isinstance(sub, Val) and has_cell(ks):
                items.append(Loc(at.cell, at.path, sub, place.seen))
            else:
                items.append(Plain(sub))
        return Agg(k.type, k.keys, tuple(items), val)

    def content(self, b: Any) -> Any:
        """The container of known structure that a bound stands for, or the bound."""
        b = self.settled(b)
        if not isinstance(b, Loc):
            return b
        held = self.state.cells[b.cell]
        if isinstance(held, Agg):
            return b if b.path else held
        if b.path and not self.frame.static:
            val = b.val if b.val is not None and b.seen is held else self.read(b)
            if isinstance(kind(val), Tree):
                seen = Loc(b.cell, b.path, val if isinstance(val, Val) else None, held)
                return self.element_parts(seen, val, kind(val))  # type: ignore[arg-type]
        return b

    def write(self, b: Loc, new: Atom, node: Any = None) -> None:
        """Make ``new`` the content of the place ``b``."""
        values: list[Atom] = [self.sure(self.state.cells[b.cell]) if b.path else self.state.cells[b.cell]]
        for step in b.path[:-1]:
            values.append(self.apply_step(step, values[-1]))
        for step, base in zip(reversed(b.path), reversed(values), strict=True) if b.path else ():
            new = self.put(step, base, new, node)
        self.check_shared(b.cell, node, not b.path)
        self.state.cells[b.cell] = new

    def put(self, step: Step, base: Atom, new: Atom, node: Any) -> Atom:
        """``base`` with its view ``step(base)`` replaced by ``new``."""
        kb = kind(base)
        if step.fn is operator.getitem and isinstance(kb, Tree):
            key = constant(step.args[0])
            items = tuple(new if k == key else self.getitem(base, Const(k)) for k in kb.keys)
            return Struct(kb.type, kb.keys, items)
        if step.fn is operator.getitem:
            result: Kind = kb
            if isinstance(kb, Seq):
                elem = join(kb.elem, kind(new))
                result = Map(elem, kb.key) if isinstance(kb, Map) else Seq(elem)
            return self.prim(ops.setitem, [base, step.args[0], new], result=result, hint=name_of(base))
        if step.fn in (np.reshape, np.ravel, np.squeeze, np.expand_dims):
            shape = self.shape_struct(base)
            return self.version(
                base,
                self.prim(np.reshape, [new, shape], result=kind(base), hint=name_of(base), method="reshape"),
            )
        if step.fn is np.transpose and step.args and (axes := constant_axes(step)) is not None:
            places = range(len(axes))
            turned = Struct(tuple, tuple(places), tuple(Const(axes.index(n)) for n in places))
            back = self.prim(np.transpose, [new, turned], result=kind(base), hint=name_of(base))
            return self.version(base, back)
        if step.fn is np.transpose and not step.args:
            back = self.prim(np.transpose, [new], result=kind(base), hint=name_of(base), method="T")
            return self.version(base, back)
        moved = step.fn is np.moveaxis and not any(step.names)
        if moved or step.fn in (np.swapaxes, np.flip, np.fliplr, np.flipud):
            args = step.args[::-1] if moved else step.args
            back = self.prim(step.fn, [new, *args], step.names and ("", *step.names), result=kind(base),
                             hint=name_of(base))  # fmt: skip
            return self.version(base, back)
        self.stop(
            "view-write",
            f"writing through the result of {getattr(step.fn, '__name__', step.fn)} is not supported",
            node,
            note="whether it is a view of the array or a copy is not known here",
            help="write to the array itself, by an index",
        )

    def version(self, base: Atom, new: Atom) -> Atom:
        """``new`` is what ``base`` is after a write through a view: the same array, of the same shape."""
        if isinstance(new, Val) and isinstance(base, Val):
            self.shapes[new] = base
        return new

    def check_shared(self, cell: int, node: Any, itself: bool = True) -> None:
        """Refuse a write to what another live name or field may hold too, depending on the path taken."""
        longer = itself and self.is_list(cell)  # its length changes, or which elements it has
        shares = self.state.shares
        linked = aliases.near_to(shares, {cell}) if longer else aliases.linked(shares, cell)
        if len(linked) == 1:
            return
        after = self.names_after()
        for (f, n), b in self.state.names.items():
            if f in after and n not in after[f]:
                continue
            for label, c in self.holds(n, b, set()):
                if c != cell and c in linked and self.one_sort(c, cell, itself):
                    self.stop(
                        "aliasing", f"this may or may not change {label!r} as well", node,
                        note="two names may hold the same array or object here, depending on the path taken",
                        help="write into a copy (x = x.copy()), so that only one of them changes",
                    )  # fmt: skip

    def is_list(self, cell: int) -> bool:
        """Whether a list or the like lives in a cell, not an array."""
        held = self.state.cells.get(cell, UNDEF)
        return isinstance(held, Agg) or isinstance(kind(held), Seq)

    def one_sort(self, a: int, written: int, itself: bool) -> bool:
        """Whether a change of one cell may change another: a list that gets longer changes no array."""
        return self.is_list(a) or not (itself and self.is_list(written))

    def holds(self, label: str, b: Bound, seen: set[int]) -> Iterator[tuple[str, int]]:
        """The cells that can be reached from a bound, and how."""
        if isinstance(b, Loc):
            b = self.moved_to(b)
            yield label, b.cell
            if b.cell in seen or b.path:
                return
            seen.add(b.cell)
            b = self.state.cells.get(b.cell, b)
        for part in parts_of(b):
            yield from self.holds(label, part, seen)
        if isinstance(b, Agg):
            sort = "{}[{!r}]" if b.type in (tuple, list, dict) else "{}.{}"
            for k, item in zip(b.keys, b.items, strict=True):
                yield from self.holds(sort.format(label, k), item, seen)

    def names_after(self) -> dict[int, frozenset[str]]:
        """Of each function being read, by its frame: the names that it may read from here on."""
        return {}

    def shape_struct(self, base: Atom) -> Atom:
        base = self.same_shape(base)
        k = kind(base)
        if isinstance(k, Array):
            return Struct(
                tuple, tuple(range(len(k.dims))), tuple(self.shape_of(base, i) for i in range(len(k.dims)))
            )
        return self.prim(np.shape, [base], result=OTHER)

    def same_shape(self, base: Atom) -> Atom:
        """The oldest value that has the shape of ``base``: updates in place do not change shapes."""
        while isinstance(base, Val):
            if base in self.shapes:
                base = self.shapes[base]
            elif (
                base.op is not None
                and base in base.op.outs
                and base.op.code == "prim"
                and (base.op.fn in (ops.setitem, ops.additem) or base.op.attrs.get("aug"))
                and isinstance(base.kind, Array)
            ):
                base = base.op.ins[0]
            else:
                break
        return base

    def shape_of(self, base: Atom, axis: int) -> Atom:
        base = self.same_shape(base)
        k = kind(base)
        d = k.dims[axis] if isinstance(k, Array) else None
        if isinstance(d, int):
            return Const(d)
        return self.prim(
            ops.shape_at, [base, Const(axis)], result=Scalar("i8", True, d if d is not None else fresh_sym())
        )

    # ---- regions
    @contextlib.contextmanager
    def inside(self, region: Region) -> Iterator[Region]:
        """Fill ``region`` instead of the current one; what is learnt in it is known in it alone."""
        old, self.region = self.region, region
        there, self.there = self.there, dict(self.there)
        try:
            yield region
        finally:
            self.region, self.there = old, there

    def quiet(self) -> bool:
        """Whether names bound now are ours, not the user's."""
        f = self.frame
        return f.static or f.ours or (f.fobj is None and f.path is None and not f.locals)

    # ---- names
    def free(self, name: str, frame: Frame, node: Any = None) -> Bound:
        """A name that the function being read takes from outside."""
        f = frame
        while f.fobj is None and f.parent is not None:
            f = f.parent
        if f.fobj is None:
            self.stop("name", f"the name {name!r} is not defined", node)
        written = self.state.names.get(world_key(f.fobj, name))
        if written is not None:
            return written
        try:
            obj = lookup_free(f.fobj, name)
        except Unbound:
            self.stop("name", f"the name {name!r} is not defined", node)
        inner = name in f.fobj.__code__.co_freevars
        builtin = not inner and name not in f.fobj.__globals__
        if not (inner or builtin or frame.static):
            self.graph.info.setdefault("modules", {})[f.fobj.__globals__.get("__name__")] = None
        path = None if f.path is None or builtin else (*f.path, ("var", name))
        return self.outside(obj, name, path, node)

    def outside(
        self, obj: Any, text: str, path: tuple[Any, ...] | None, node: Any = None, library: bool = False
    ) -> Bound:
        known = self.at_place(path)
        if known is not None:
            return known
        if is_code(obj) and (there := counterpart(obj)) is not None:
            if path is not None and not self.frame.static:
                self.guards[path] = obj
            return Known(there, text)
        if is_code(obj) or obj is NotImplemented or isinstance(obj, enum.Enum):
            if path is not None and not self.frame.static and isinstance(obj, (*_FIXED, enum.Enum)):
                self.guards[path] = obj
            return Known(obj, text, path)
        if obj is None or isinstance(obj, (str, bytes, bool)) or obj is Ellipsis:
            if path is not None:
                self.guards[path] = obj
            return Plain(Const(obj))
        if self.frame.static and path is not None and not own_text(path):
            self.guards[path] = obj  # a constant of a rule is part of the text
        if library or self.frame.static:
            return (
                Plain(Ref(obj, text)) if not isinstance(obj, (int, float)) or library else Plain(Const(obj))
            )
        on_way = id(obj) in self.on_way  # it holds what is differentiated
        if is_instance(obj) or (on_way and fields_of(obj) is not None):
            return Known(obj, text, path)
        if path is None:
            self.stop(
                "capture", f"{text!r} is read from a place that cannot be reached again at each call", node
            )
        if is_foreign(obj):
            thing = f"{type(obj).__module__.partition('.')[0]} {type(obj).__name__}"
            self.stop("argument", f"{text!r} is a {thing}, not a NumPy array", node,
                      help=f"convert it outside the function: np.asarray({text})")  # fmt: skip
        try:
            if on_way or holds_things(obj):
                return self.look_into(obj, text, path, node)
            return self.captured(obj, text, path)
        except RecursionError:
            found = cycle_in(obj, text)
            if found is None:
                raise
        self.stop(
            "cycle", f"{text!r} leads back to itself: {found[1]} is {found[0]}", node,
            help="keep the nodes in a list, and let them name each other by index; or use an ordinary class, "
            "whose parts are read one by one",
        )  # fmt: skip

    def hides_wanted(self, obj: Any, path: Path | None) -> bool:
        """Whether something that is not looked into leads to what a derivative is taken in."""
        if isinstance(obj, _FIXED) or self.ctx.is_known(obj) or (path is None and not callable(obj)):
            return False
        return leads_to(obj, frozenset(self.wanted), frozenset(self.on_way))

    def at_place(self, path: Path | None) -> Bound | None:
        """What is captured already from the place where a path ends, by this path or another."""
        if path is None or not path or not self.places or self.frame.static:
            return None
        first = self.places.get(place_of(self.function, path, self.given))
        if first is None:
            return None
        if first != path and (first, path) not in self.twins:
            self.twins.append((first, path))
        self.complete(self.state)
        return self.capture_vals[self.captures[first].name]

    def captured(self, obj: Any, text: str, path: Path, real: bool = False) -> Bound:
        """A value from outside: it becomes one more argument, read anew at each call."""
        if path not in self.captures:
            k = FLOAT if real else self.capture_kind(obj)
            name = text.rpartition(".")[2]
            if not name.isidentifier():  # an entry of a container
                name = re.sub(r"\W+", "_", text).strip("_")
            taken = {c.name for c in self.captures.values()} | {p.name for p in self.graph.region.params}
            taken |= set(self.graph.info.get("parameters", ()))
            while name in taken:
                name += "_"
            self.captures[path] = Capture(name, path, k, obj, real)
            place = place_of(self.function, path, self.given) if self.function is not None else None
            if place is not None:
                self.places[place] = path
            val = Val(name, with_value(k), user=True)
            note_sizes(self, val.kind, obj, path, val)
            self.graph.region.params.append(val)
            before = set(self.state.cells)
            with self.inside(Region()) as entry:
                self.capture_vals[name] = self.with_text(self.bind(val), obj, path)
            self.graph.info.setdefault("entry", []).extend(entry.ops)
            made = {c: x for c, x in self.state.cells.items() if c not in before}
            self.graph.info.setdefault("cells", {}).update(made)
        self.complete(self.state)
        return self.capture_vals[self.captures[path].name]

    def as_constant(self, a: Atom) -> Atom:
        """A value from outside as it is now, if it is text or whole numbers; at each call it is looked at."""
        if isinstance(a, Struct):
            return replace(a, items=tuple(map(self.as_constant, a.items)))
        if not isinstance(a, Val):
            return a
        steps: list[Any] = []
        v: Atom = a
        while isinstance(v, Val) and v.op is not None and v.op.fn is operator.getitem:
            key = v.op.ins[1]
            if not isinstance(key, Const):
                return a
            steps.insert(0, key.value)
            v = v.op.ins[0]
        if not isinstance(v, Val) or v not in self.graph.region.params:
            return a
        found = next((c for c in self.captures.values() if c.name == v.name), None)
        if found is None:
            return a
        obj = found.value
        for step in steps:
            if type(obj) not in (tuple, list, dict):
                return a
            obj = obj[step]
        value = as_atom(obj) if _exact(obj) else None
        if value is None:
            return a
        self.guards[found.path + tuple(("item", step) for step in steps)] = obj
        return value

    def with_text(self, b: Bound, obj: Any, path: Path | None = None) -> Bound:
        """A container from outside in which text and flags are known: they steer the program.

        ``path``: where to look for changes at each call; None for an argument, whose text is in its key.
        """
        box = self.state.cells[b.cell] if isinstance(b, Loc) else b
        if not isinstance(box, Agg) or len(box.keys) > 256:
            return b
        by_key = isinstance(obj, dict) or type(obj) in (tuple, list)
        items: list[Bound] = []
        for k, item in zip(box.keys, box.items, strict=True):
            value = obj[k] if by_key else getattr(obj, k)
            at = None if path is None else (*path, ("item" if by_key else "attr", k))
            if isinstance(value, (str, bool)) or value is None:
                if at is not None:
                    self.guards[at] = value
                items.append(Plain(Const(value)))
            else:
                items.append(self.with_text(item, value, at))
        agg = Agg(box.type, box.keys, tuple(items), box.whole)
        if not isinstance(b, Loc):
            return agg
        self.state.cells[b.cell] = agg
        return b
    def look_into(self, box: Any, text: str, path: Path, node: Any = None) -> Bound:
        """A container from outside that holds functions or objects: known by structure, its parts by path."""
        if id(box) not in self.opened:
            shape = (*path, ("layout", None))
            self.guards[shape] = layout(box)
            keys = tuple(box) if isinstance(box, dict) else tuple(range(len(box)))
            names = [f"{text}.{k}" if str(k).isidentifier() else f"{text}_{k}" for k in keys]
            cell = -1
            if not isinstance(box, tuple):  # what it holds may lead back to it
                cell = self.state.new_cell(Agg(type(box), (), ()))
                self.opened[id(box)] = path, Loc(cell)
            items = tuple(
                self.outside(box[k], n, (*path, ("item", k)), node) for k, n in zip(keys, names, strict=True)
            )
            agg = Agg(type(box), getattr(box, "_fields", keys), items)
            if cell < 0:
                self.opened[id(box)] = path, agg
            else:
                self.state.cells[cell] = self.graph.info.setdefault("cells", {})[cell] = agg
        self.complete(self.state)
        first, b = self.opened[id(box)]
        if first != path:  # one container reached in two ways
            self.guards[first] = self.guards[path] = box
        return b

    def capture_kind(self, obj: Any) -> Kind:
        from_outside = self.graph.info.get("kind_of")
        return from_outside(obj) if from_outside else UNKNOWN


def parts_of(b: Any) -> tuple[Bound, ...]:
    """What a thing that is no value goes with: the arguments of a partial function, the owner of a method."""
    match b:
        case Either(_, then, other):
            return then, other
        case Partial(fn, args, kwargs):
            return fn, *args, *kwargs.values()
        case Method(owner) | Window(_, owner):
            return (owner,)
        case Closure(defaults=defaults):
            return tuple(defaults.values())
    return ()


def with_value(k: Kind) -> Kind:
    """An integer stands for a size of its own."""
    if isinstance(k, Scalar) and k.dtype[0] == "i" and k.value is None:
        return Scalar(k.dtype, k.weak, fresh_sym())
    return k


_FIXED = (types.ModuleType, type, np.ufunc, np.dtype, types.BuiltinFunctionType)
_ZERO_KEEPS = {operator.mul, operator.matmul, operator.neg, operator.truediv, operator.getitem, operator.pos}
_NOT = object()
_COMPARES = {operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge}
_FOLDABLE = {len, isinstance, min, max, abs, int, bool, str, float, round, divmod, np.ndim}


def constant(a: Atom) -> Any:
    """The Python value of a constant atom, or the marker ``_NOT``."""
    if isinstance(a, Const):
        return a.value
    if isinstance(a, Ref) and isinstance(a.obj, (type, np.dtype, enum.Enum)):
        return a.obj
    if isinstance(a, Struct) and a.type in (tuple, list):
        items = [constant(x) for x in a.items]
        return _NOT if any(x is _NOT for x in items) else a.type(items)
    if isinstance(a, Slice):
        parts = [constant(x) for x in (a.lower, a.upper, a.step)]
        return _NOT if any(x is _NOT for x in parts) else slice(*parts)
    return _NOT


def infinity(a: Atom) -> Any:
    """The value of an infinity by name (a norm's order, a bound), or the marker ``_NOT``."""
    if isinstance(a, Ref):
        return a.obj if isinstance(a.obj, float) and abs(a.obj) == np.inf else _NOT
    op = a.op if isinstance(a, Val) else None
    if op is None or op.code != "prim" or op.fn not in (operator.neg, operator.abs, abs):
        return _NOT
    v = infinity(op.ins[0])
    return v if v is _NOT else op.fn(v)


def constant_axes(step: Step) -> tuple[int, ...] | None:
    """The order in which a transposition takes the axes, if that is known."""
    if any(step.names) or not all(map(is_constant, step.args)):
        return None
    got = [constant(a) for a in step.args]
    axes = got[0] if len(got) == 1 and isinstance(got[0], (tuple, list)) else got
    if not all(isinstance(a, int) for a in axes):
        return None
    axes = tuple(a % len(axes) for a in axes)
    return axes if sorted(axes) == list(range(len(axes))) else None


def is_constant(a: Atom) -> bool:
    return constant(a) is not _NOT


def _exact(v: Any) -> bool:
    if isinstance(v, (tuple, list)):
        return all(_exact(x) for x in v)
    return v is None or isinstance(v, (bool, int, str, type, slice, np.dtype)) or v is Ellipsis


def as_atom(v: Any) -> Atom | None:
    if v is None or isinstance(v, (bool, int, float, complex, str)) or v is Ellipsis:
        return Const(v)
    if isinstance(v, np.bool_):
        return Const(bool(v))
    if type(v) in (tuple, list):
        items = tuple(as_atom(x) for x in v)
        if all(x is not None for x in items):
            return Struct(type(v), tuple(range(len(v))), items)  # type: ignore[arg-type]
    return None


def own_text(path: Path) -> bool:
    """Whether a path starts from a rule of ours, whose constants stay what they are."""
    return path[0][0] == "const" and str(getattr(path[0][1], "__module__", "")).startswith("srcdiff.")


def cyclic(lw: Core, node: Any) -> NoReturn:
    """Refuse an object that leads back to itself, where it would have to be one value."""
    lw.stop(
        "cycle", "an object or list that leads back to itself is needed as a value here", node,
        note="it is read part by part, and has no value of its own that could be returned, carried by a loop "
        "or put into a list of unknown length",
        help="hand on the parts that are needed; or keep the nodes in a list, and let them name each other "
        "by index",
    )  # fmt: skip


def _is_part(a: Atom, whole: Val, key: Any) -> bool:
    if isinstance(a, Const):
        return a.value is None or isinstance(a.value, (str, bool))  # known now, and there all the same
    if isinstance(a, Struct):
        return False
    if isinstance(a, Val) and a.op is not None and a.op.fn is ops.given:
        a = a.op.ins[0]
    if not isinstance(a, Val) or a.op is None or a.op.fn not in (operator.getitem, ops.getfield):
        return False
    return a.op.ins[0] is whole and a.op.ins[1] == Const(key)


def filled(a: Atom) -> Atom:
    """A display of numbers with its symbolic zeros written out."""
    if isinstance(a, Struct):
        return Struct(a.type, a.keys, tuple(Const(0.0) if x is ZERO else filled(x) for x in a.items))
    return a


def refuses_none(fn: Any) -> bool:
    """Whether a function raises an exception if it is given None for an operand."""
    if fn in numpy_names.INFIX or fn in numpy_names.PREFIX:
        return fn not in _TAKES_NONE
    if isinstance(fn, np.ufunc):
        return fn not in _TAKES_NONE
    return getattr(fn, "__module__", "") in ("math", "cmath") or fn in (operator.abs, float)


def is_numeric(k: Kind) -> bool:
    """Whether values are None, numbers, or made of numbers: nothing with operators of its own."""
    return k == NONE or not isinstance(k, Simple)


_TAKES_NONE = frozenset({
    operator.is_, operator.is_not, operator.eq, operator.ne, operator.not_, np.logical_not, np.logical_and,
    np.logical_or, np.logical_xor, np.equal, np.not_equal,
})  # fmt: skip


def name_of_value(a: Atom) -> Any:
    """What two atoms have in common that are the same value: an element read twice is."""
    op = a.op if isinstance(a, Val) else None
    if op is not None and a in op.outs and op.fn in (operator.getitem, ops.getfield):
        return (op.fn, *(name_of_value(x) for x in op.ins))
    return key_of(a)


def name_of(a: Atom) -> str:
    return a.name if isinstance(a, Val) else ""


def describe(b: Bound) -> str:
    names = {
        "Closure": "a function",
        "Iter": "an iterator",
        "Method": "a method",
        "Partial": "a partial function",
    }
    return names.get(type(b).__name__, "this")
