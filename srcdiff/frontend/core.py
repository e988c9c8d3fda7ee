"""What all parts of the reader share: the region being filled, making operations, places and versions."""

from __future__ import annotations

import contextlib
import enum
import operator
from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Any, NoReturn

import gast
import numpy as np

from srcdiff.errors import Problem, UnsupportedSyntax, which_raises
from srcdiff.frontend import boxes, captures, constants, sharing, views
from srcdiff.frontend.advice import ADVICE
from srcdiff.frontend.paths import Path
from srcdiff.frontend.raising import Attempt, Raised, Reread, raisable
from srcdiff.frontend.scope import (
    Agg,
    Bound,
    Either,
    Field,
    Forward,
    Frame,
    Iter,
    Known,
    Loc,
    Method,
    Plain,
    Poison,
    State,
    Window,
    has_objects,
    is_flag,
)
from srcdiff.frontend.shapes import index_kind
from srcdiff.frontend.sizes import inferred, settle_slices
from srcdiff.frontend.things import (
    mutable,
)
from srcdiff.frontend.words import describe, filled, is_numeric, name_of, name_of_value, refusing_none
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    ZERO,
    Atom,
    Const,
    Graph,
    Op,
    Origin,
    Ref,
    Region,
    Struct,
    Val,
    kind,
    nested,
)
from srcdiff.ir.indices import display
from srcdiff.ir.kinds import (
    OTHER,
    UNKNOWN,
    Array,
    Kind,
    Map,
    Maybe,
    Scalar,
    Seq,
    Sym,
    Tree,
    fresh_sym,
    has_cell,
    present,
)
from srcdiff.ir.records import dataclass

__all__ = ["MOST_PROBLEMS", "WITHIN", "Bottom", "Context", "Core", "Declined", "Stop"]

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
    is_elementwise: Callable[[Any], bool] = lambda fn: False  # done to arrays as to each of their elements
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


@dataclass()
class Core:
    """State of one reading."""

    ctx: Context
    graph: Graph
    region: Region
    state: State = field(default_factory=State)
    problems: list[Problem] = field(default_factory=list)
    made: int = 0  # operations, since a loop began to be written out
    certain: dict[Problem, type[Exception]] = field(default_factory=dict)  # of what raises, whatever is given
    frame: Frame = field(default_factory=lambda: Frame(None))
    origin: Origin | None = None
    node: Any = None
    statement: Any = None
    captures: dict[tuple[Any, ...], captures.Capture] = field(default_factory=dict)
    capture_vals: dict[str, Bound] = field(default_factory=dict)
    guards: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    function: Any = None  # the one whose variables and arguments the paths start from
    given: dict[str, Any] = field(default_factory=dict)  # the arguments that are looked into by path
    own_lists: set[int] = field(default_factory=set)  # lists made here: their elements are different arrays
    places: dict[Any, Path] = field(default_factory=dict)  # what is captured, by the place itself
    twins: list[tuple[Path, Path]] = field(default_factory=list)  # two ways to one place
    wanted: set[Any] = field(default_factory=set)  # the places outside that a derivative is taken in
    on_way: set[int] = field(default_factory=set)  # objects that hold what is differentiated
    opened: dict[int, tuple[Path, Bound]] = field(default_factory=dict)  # containers of things from outside
    stack: list[Any] = field(default_factory=list)
    letters: dict[str, Atom] = field(default_factory=dict)  # texts that loops run over
    reading: set[int] = field(default_factory=set)  # cells that are being made one value
    loop_memo: dict[Any, Any] = field(default_factory=dict)
    begun: set[Any] = field(default_factory=set)  # variables of loops, numbers first and then arrays, as such
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
    by_layout: bool = False  # how arrays from outside lie in memory may be settled for the call at hand
    layouts: dict[Val, tuple[bool, Path]] = field(default_factory=dict)  # whether row by row, and who says
    there: dict[Any, Atom] = field(default_factory=dict)  # on it: what is None, and what is not
    shown: set[Val] = field(default_factory=set)  # numbers whose types somebody may have asked for
    looped: frozenset[int] = frozenset()  # the cells of what the loops around this place run over
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

    def check_fields(self, box: Agg, node: Any) -> None:
        """Which fields an object has must be known where all of them are asked for."""
        if any(isinstance(k, str) and is_flag(k) for k in box.keys):
            self.stop("attribute", "which attributes this object has is known only at run time", node,
                      help="set them on all paths")  # fmt: skip

    def raise_here(self, error: type[Exception], text: Any) -> NoReturn:
        """What is read raises: this path ends here."""
        self.add_raise(error.__name__, text, certain=error)
        raise Raised if any(a.catches(error) for a in self.attempts) else Bottom

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
            advice = f"write out what {text} computes"
            return self.problem_here(slug, what, call, WITHIN, advice, label)
        finally:
            self.frame = here

    def asked(self, atoms: list[Atom], word: str, node: Any) -> dict[str, Any]:
        """The attributes of a question to something of which little is known.

        It is asked again each time: a set, say, may change between two questions.
        """
        if not any(isinstance(a, Val) and a.kind == OTHER for a in atoms):
            return {}
        return {"unread": (word, self.problem("no-rule", "what this holds is not known", node))}

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
            found = tuple(dict.fromkeys(self.problems))
            always = [self.certain[p] for p in found if p in self.certain]
            alone = len(found) == len(always) == 1
            error = (which_raises(always[0]) if alone else UnsupportedSyntax)(*found)
            error.graph = self.graph
            raise error

    # ---- operations
    def shows(self, *given: Bound) -> None:
        """A function is given values: it may do another thing with numbers of another type."""
        for b in map(self.settled, given):
            if isinstance(b, Plain) and isinstance(b.atom, Val):
                self.shown.add(b.atom)

    def add(self, op: Op) -> Op:
        op.origin = self.origin
        if self.boundary is not None:
            op.attrs["within"] = self.boundary[2]
        self.region.ops.append(op)
        self.made += 1
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
            for inner in (op, *nested(op)):
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
        operands = refusing_none(fn, args, names)
        if operands and all(is_numeric(kind(a)) for a in args):
            self.needs_value(*(args[n] for n in operands))
            args = [self.sure(a) if n in operands else a for n, a in enumerate(args)]
        for a in args:
            if a is ZERO:
                return constants.with_zero(self, fn, args, names)
        folded = constants.fold(self, fn, args, names)
        if folded is not None:
            return folded
        k = result if result is not None else inferred(self, fn, args, names)
        if isinstance(k, Scalar) and k.dtype == "i8" and k.weak and k.value is None:
            k = Scalar("i8", True, fresh_sym())
        if any(names):
            attrs["names"] = names
        op = Op.applying(fn, args, k, None, hint, **attrs)
        self.add(op)
        return op.out


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
        if views.is_all(index, base):
            return base  # (a place of its own all the same: `views.view`)
        settle_slices(self, k, index)
        got, view = index_kind(k, index)
        if isinstance(got, Scalar) and got.dtype == "i8":
            got = Scalar("i8", got.weak, fresh_sym())
        return self.prim(operator.getitem, [base, index], hint=hint, result=got, view=view)

    def taken_from_empty(self) -> None:
        """An entry of a dict is read of which no entries are known (yet)."""

    def tree_item(self, base: Atom, k: Tree, index: Atom) -> Atom:
        v = constants.constant(index)
        if v is constants._NOT:
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
        if isinstance(b, Plain):
            return b
        if isinstance(b, Loc):
            return self.moved_to(b)
        if isinstance(b, Window):
            return self.seen_through(b)
        if not isinstance(b, Field):
            return b
        owner = b.owner
        path = None if owner.path is None else (*owner.path, ("attr", b.name))
        return captures.outside(self, getattr(owner.obj, b.name), f"{owner.text}.{b.name}", path)

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
        sharing.check_shared(self, place.cell, node)
        self.state.cells[place.cell] = content

    def tested(self, a: Atom) -> Atom:
        """What a value that may be None is on the path being read, where that has been tested."""
        if type(a) is not Val or not isinstance(a.kind, Maybe):
            return a
        return self.there.get(name_of_value(a), a)

    def needs_value(self, *atoms: Atom) -> None:
        """What cannot be done with None: where a loop has yet to set it, this is not its first trip."""
        if Const(None) in atoms:
            self.leave_out()

    def leave_out(self) -> None:
        """What is not there yet is read: where a loop has yet to set it, this is not its first trip."""
        if self.passes and not self.attempts:
            self.passed = True
            raise Bottom

    def sure(self, a: Atom) -> Atom:
        """A value that may be None, where the program stops unless it is there."""
        a = self.tested(a)
        if type(a) is not Val or not isinstance(a.kind, Maybe) or self.attempts:
            return a  # (where a handler waits, the program goes on)
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
                        captures.cyclic(self, node)
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
                    value = views.apply_step(self, step, value)
                return value
            case Agg(type, keys, items, whole):
                if keys and str(keys[0]).startswith("made!"):
                    return self.exception_value(b, node)
                self.check_fields(b, node)
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
                    return self.prim(type, [display(got)], result=OTHER)
                if (
                    whole is not None
                    and isinstance(whole, Val)
                    and all(captures.is_part(g, whole, key) for g, key in zip(got, keys, strict=True))
                ):
                    return whole
                return Struct(type, keys, got)
            case Known(obj, text, path):
                if self.wanted and not self.frame.static and captures.hides_wanted(self, obj, path):
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
                return views.element_parts(self, seen, val, kind(val))  # type: ignore[arg-type]
        return b

    def write(self, b: Loc, new: Atom, node: Any = None) -> None:
        """Make ``new`` the content of the place ``b``."""
        values: list[Atom] = [self.sure(self.state.cells[b.cell]) if b.path else self.state.cells[b.cell]]
        for step in b.path[:-1]:
            values.append(views.apply_step(self, step, values[-1]))
        for step, base in zip(reversed(b.path), reversed(values), strict=True) if b.path else ():
            new = views.put(self, step, base, new, node)
        sharing.check_shared(self, b.cell, node, not b.path)
        self.state.cells[b.cell] = new


    def names_after(self) -> dict[int, frozenset[str]]:
        """Of each function being read, by its frame: the names that it may read from here on."""
        return {}

    def shape_struct(self, base: Atom) -> Atom:
        base = self.same_shape(base)
        k = kind(base)
        if isinstance(k, Array):
            return display(self.shape_of(base, i) for i in range(len(k.dims)))
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
                and (base.op.fn in ops.WRITES or base.op.attrs.get("aug"))
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
        settled = self.graph.info.get("exact", {})  # (for the text of a rule: the program is read to its end)
        if isinstance(d, Sym) and d.id in settled:
            return Const(settled[d.id] + d.offset)
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
