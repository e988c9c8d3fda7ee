"""From a Python function to a graph."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import gast
import numpy as np

from srcdiff.errors import NoRule, UnsupportedSyntax, problem_at
from srcdiff.frontend import (
    built_matrices,
    builtin,
    calls,
    captures,
    control,
    draws,
    effects,
    elsewhere,
    entering,
    exits,
    expressions,
    folds,
    generators,
    higher,
    listing,
    liveness,
    locally,
    longhand,
    managers,
    mappings,
    matrices,
    objects,
    places,
    recursion,
    ruled,
    scipy_longhand,
    sharing,
    sizes,
    solvers,
    source,
    statements,
    thrown,
    tools,
    torn,
)
from srcdiff.frontend.core import Context, Core, Declined, Stop
from srcdiff.frontend.params import Param
from srcdiff.frontend.paths import Way
from srcdiff.frontend.raising import Reread
from srcdiff.frontend.scope import (
    Agg,
    Bound,
    Closure,
    Either,
    Frame,
    Iter,
    Known,
    Loc,
    Partial,
    Plain,
    Poison,
    Window,
    assigned_names,
    children,
    declarations,
    inner_functions,
    nodes_in,
    own_names,
    world_key,
)
from srcdiff.frontend.sharing import cells_of
from srcdiff.frontend.sizes import note_sizes
from srcdiff.frontend.trial import recover, snapshot
from srcdiff.frontend.wanted import find_wanted, open_code
from srcdiff.frontend.words import with_value
from srcdiff.ir.graph import Atom, Const, Graph, Origin, Ref, Region, Val, kind
from srcdiff.ir.kinds import Kind, Seq
from srcdiff.ir.modules import module_name
from srcdiff.later import Later

if TYPE_CHECKING:
    from srcdiff.frontend import averages, polynomials
else:
    averages = Later("srcdiff.frontend.averages")
    polynomials = Later("srcdiff.frontend.polynomials")

__all__ = ["Context", "Lowerer", "Param", "lower", "lower_library", "read_rule"]

# what may only seem wrong where a statement before was refused: its effect is missing
FOLLOWING = frozenset({"branches", "index", "key", "loop", "unbound", "unpack"})


def seldom_read(obj: Any) -> tuple[Any, ...]:
    """The tables for what comes from modules of Python's and NumPy's that few import."""
    home = module_name(obj)
    if home == "statistics":
        return (averages.HANDLERS,)
    return (polynomials.SPECIAL,) if obj is np.poly1d or "polynomial" in home else ()


@dataclass
class Lowerer(Core):
    """One reading of one function (and of all that is read in place)."""

    trees: dict[Any, Any] = field(default_factory=dict)
    mixed: set[int] = field(default_factory=set)  # lists of which one array may be two elements
    pinned: set[int] = field(default_factory=set)  # arrays that a loop hands on from trip to trip
    element_writes: list[int] = field(default_factory=list)  # lists of which an element was changed, in order
    frozen: set[int] = field(default_factory=set)  # arrays that are, or may be, part of something else
    worlds: dict[Any, Frame | Known] = field(default_factory=dict)  # variables outside that are written
    unrolling: int = 1  # how many trips of loops are being read one by one
    by_trips: bool = False  # loops of few trips are read trip by trip first
    copies: int = 1  # how many copies of the body being read there are, so far
    recursions: recursion.Recursions = field(default_factory=recursion.Recursions)
    split: frozenset[Any] = frozenset()  # try statements that are read in parts
    groups: int = 0  # of them so far, for names of our own
    jumps: exits.Jumps = field(default_factory=exits.Jumps)  # what break and return mean here
    driven: int = 0  # loops over generators around this place

    def expr(self, node: Any) -> Bound:
        old, self.node = self.node, node
        try:
            b = expressions.evaluate(self, node)
            return Plain(self.tested(b.atom)) if isinstance(b, Plain) else b
        finally:
            self.node = old

    def block(self, stmts: list[Any]) -> Any:
        return statements.block(self, stmts)

    def assign(self, target: Any, value: Bound) -> None:
        statements.assign(self, target, value)

    def as_sequence(self, base: Bound, box: Agg, node: Any) -> Loc:
        return statements.as_sequence(self, base, box, node)

    def read_synthetic(
        self, node: Any, stmts: list[Any], given: dict[str, Bound], result: str, tag: str
    ) -> Bound:
        return entering.synthetic(self, node, stmts, given, result, tag)

    def read_in_place(self, fn: Any, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound:
        return entering.inline_function(self, fn, source.find(fn), None, args, kwargs, node)

    def call(self, func: Bound, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound:
        return calls.call(self, func, args, kwargs, node)

    def matrices_beside(self, left: Bound, right: Bound, node: Any) -> tuple[Bound, Bound]:
        return matrices.varies_beside(self, left, right, node)

    def special(self, obj: Any) -> list[Any]:
        """How the call of a function may be read that is more than an operation: the first that gives."""
        try:
            tables = (thrown.SPECIAL, objects.SPECIAL, builtin.SPECIAL, higher.HANDLERS, managers.SPECIAL,
                      longhand.HANDLERS, draws.HANDLERS, matrices.SPECIAL, scipy_longhand.SPECIAL,
                      elsewhere.HANDLERS, built_matrices.SPECIAL, *seldom_read(obj))  # fmt: skip
            found = [t[obj] for t in tables if obj in t]
        except TypeError:
            return []
        solver = solvers.handler(obj)
        return found if solver is None else [*found, solver]

    def method_of(self, obj: Any) -> Any:
        """How the call of a ufunc's method, or of an object of NumPy's, is read; None if there is nothing."""
        if type(obj) in higher.INSTANCES:
            read = higher.INSTANCES[type(obj)]
            return lambda lw, args, kwargs, path, node: read(lw, obj, path, args, kwargs, node)
        if scipy_longhand.is_curve(obj):
            return lambda lw, args, kwargs, path, node: scipy_longhand.at(lw, obj, path, args, kwargs, node)
        owner = getattr(obj, "__self__", None)
        if isinstance(owner, np.ufunc) and obj.__name__ in higher.METHODS_OF:
            read = higher.METHODS_OF[obj.__name__]
            return lambda lw, args, kwargs, path, node: read(lw, owner, args, kwargs, node)
        return None

    def taken_from_empty(self) -> None:
        recursion.wait_for_entries(self)

    def can_make(self, cls: type) -> bool:
        return entering.can_make(cls)

    def sum_of(self, node: Any) -> Bound:
        return folds.sum_of(self, node)

    def spread(self, b: Bound, node: Any) -> tuple[Bound, list[Bound] | None]:
        return listing.spread(self, b, node)

    def sequence(self, b: Bound, node: Any) -> Bound:
        return listing.sequence(self, b, node)

    def columns(self, b: Bound, node: Any) -> Bound | None:
        return listing.columns(self, b, node)

    def range_item(self, r: Iter, index: Atom, node: Any) -> Bound:
        return listing.range_item(self, r, index, node)

    def range_contains(self, r: Iter, item: Bound, node: Any) -> Atom:
        return listing.range_contains(self, r, item, node)

    def exception_value(self, b: Agg, node: Any) -> Atom:
        return thrown.as_value(self, b, node)

    def seen_through(self, b: Window) -> Bound:
        return mappings.seen_through(self, b)

    def either(self, b: Either, node: Any) -> Atom:
        if any(objects.is_object(self.content(x)) for x in (b.then, b.other)):
            self.stop(
                "class", "of which class this object is is known only at run time, and it is used as a value",
                node, note="it is put into a list of unknown length, carried by a loop, or returned",
                help="keep it in a variable, and use its methods; or one class with a flag",
            )  # fmt: skip
        arms = [lambda x=x: Plain(self.read(x, node)) for x in (b.then, b.other)]
        return self.read(self.choose(b.test, arms[0], arms[1], node, "if"), node)

    def attribute_of_function(self, owner: Bound, name: str) -> Bound | None:
        if not isinstance(owner, (Closure, Partial)):
            return None
        return tools.of_function(self, owner, name) or scipy_longhand.method_of_curve(owner, name)

    def declare(self, frame: Frame, fnode: Any, bound: Iterable[str]) -> None:
        """Settle which of the names that a function binds are its own."""
        assigned, nonlocals, globals_ = declarations(fnode)
        outside = nonlocals if frame.parent is None else frozenset()
        frame.outer = nonlocals - outside
        frame.worldly = globals_ | outside
        frame.locals = (assigned | frozenset(bound)) - frame.outer - frame.worldly

    def world(self, key: Any) -> Bound | None:
        """What a variable of the world outside holds before the program writes to it."""
        home = self.worlds.get(key)
        if home is None:
            return None
        kept = self.state.names.pop(key, None)
        try:
            if isinstance(home, Known):
                return expressions.attribute(self, home, key[1], self.node)
            return captures.free(self, key[1], home)
        except Stop:
            return None  # it has none
        finally:
            if kept is not None:
                self.state.names[key] = kept

    def acts(self, func: Bound, node: Any) -> bool:
        return effects.acts(self, func, node)

    def choose(
        self, cond: Atom, then: Callable[[], Bound], other: Callable[[], Bound], node: Any, name: str
    ) -> Bound:
        return control.choose(self, cond, then, other, node, name)

    def bind_shape(self, atom: Atom) -> Bound:
        shape = self.shape_struct(atom)
        items = tuple(Plain(x) for x in shape.items)  # type: ignore[union-attr]
        return Agg(tuple, tuple(range(len(items))), items)

    def set_name(self, name: str, value: Bound) -> None:
        frame = self.frame
        if name in frame.outer and frame.parent is not None:
            frame = frame.parent
            while name not in frame.locals and frame.fobj is None and frame.parent is not None:
                frame = frame.parent
        free = frame.fobj.__code__.co_freevars if frame.fobj is not None else ()
        if name in frame.worldly or (name not in frame.locals and name in free):
            home = frame
            while home.fobj is None and home.parent is not None:
                home = home.parent
            key = world_key(home.fobj, name)
            self.worlds[key] = home
            self.state.names[key] = value
            return
        self.state.names[frame.id, name] = value

    def enter(self, s: Any) -> None:
        """A statement begins: what is made from here on comes from it."""
        self.node = self.statement = s
        found = self.frame.source
        ours = self.frame.static or self.frame.site is not None or self.boundary is not None
        if ours or found is None or not hasattr(s, "lineno"):
            return
        line = s.lineno
        self.graph.info.setdefault("reached", set()).add((found.file, line))
        self.graph.info.setdefault("sources", {}).setdefault((found.file, found.line), found)
        above: list[str] = []
        n = line - 1
        while n in found.comments and found.comments[n][1]:
            above.insert(0, found.comments[n][0])
            n -= 1
        blank = n > found.node.lineno and n <= len(found.lines) and not found.lines[n - 1].strip()
        own = found.comments.get(line)
        beside = own[0] if own and not own[1] else ""
        simple = not hasattr(s, "body")
        end = s.end_lineno if simple and s.end_lineno else line
        text = " ".join(x.strip() for x in found.lines[line - 1 : end])
        if own and not own[1]:
            text = text.rpartition("#")[0].rstrip() if end == line else text
        first = "".join(found.lines[line - 1 : line])
        indent = len(first) - len(first.lstrip())
        self.origin = Origin(
            found.file, line, text, tuple(above), beside, blank, indent=indent, function=found.node.lineno
        )

    def poison(self, s: Any) -> None:
        for name in assigned_names([s]):
            self.set_name(name, Poison(f"the value of {name!r} is not known", True))

    def found(self, stop: Stop) -> None:
        """Note a problem, unless it may follow from one that was found before."""
        problem = stop.problem
        if problem is not None and not (self.problems and problem.slug in FOLLOWING):
            self.problems.append(problem)

    def cached_tree(self, node: Any, tree: Any) -> Any:
        key = tuple(
            id(x) if not isinstance(x, str) else x for x in (node if isinstance(node, tuple) else (node, ""))
        )
        return self.trees.setdefault(key, (node, tree))[1]

    def tree_once(self, node: Any, tag: str, make: Callable[[], Any]) -> Any:
        """What stands for a node, made when first asked for."""
        key = (id(node), tag)
        if key not in self.trees:
            self.trees[key] = (node, make())
        return self.trees[key][1]

    def used_outside(self, loop: Any, name: str) -> bool:
        """Whether a name that a loop sets is read after it, or in its next trip before it is set again."""
        own = self.frame.text
        root = own if own is not None else self.function_node()
        if root is None:
            return True
        if isinstance(root, (gast.FunctionDef, gast.Module)):
            live = self.liveness(root, self.frame.result)
            if id(loop) in live.after:
                return name in live.after[id(loop)] or name in live.again[id(loop)]
        counts = self.trees.get(("loads", id(root)))
        if counts is None:
            counts = loads(root)
            self.trees["loads", id(root)] = counts
        inner = self.trees.get(("loads", id(loop)))
        if inner is None:
            inner = loads(loop)
            self.trees["loads", id(loop)] = inner
        return (
            counts.get(name, 0) > inner.get(name, 0)
            or name.endswith("_")
            or name.startswith("_")
            or name in self.names_of_functions(loop)
            or self.first_use(loop, name)
        )

    def names_of_functions(self, loop: Any) -> frozenset[str]:
        """Names read by functions that are defined in a loop: these may be called after it."""
        key = ("functions", id(loop))
        if key not in self.trees:
            inner = [n for n in nodes_in(loop) if isinstance(n, (gast.Lambda, gast.FunctionDef))]
            self.trees[key] = frozenset(n.id for n in nodes_in(*inner) if isinstance(n, gast.Name))
        return self.trees[key]  # type: ignore[no-any-return]

    def outlives(self, loop: Any, key: tuple[int, str]) -> bool:
        """Whether a name first bound in a loop may be read after it, here or by a generator's consumer."""
        if key[0] < 0:  # of the world
            return True
        frame, node = self.frame, loop
        around: set[int] = set()  # a walrus in a comprehension binds names out there
        while frame.id != key[0]:
            outer = frame.parent
            while outer is not None:
                around.add(outer.id)
                outer = outer.parent
            if frame.consumer is None:
                return key[0] in around
            frame, node = frame.consumer.frame, frame.consumer.node
        if key[1] == exits.RETURNED or key[1].startswith(thrown.VARIABLE):
            return True
        old, self.frame = self.frame, frame
        try:
            return self.used_outside(node, key[1])
        finally:
            self.frame = old

    def first_use(self, loop: Any, name: str) -> bool:
        """Whether the loop's body may read ``name`` before setting it."""
        first: dict[str, bool] | None = self.trees.get(("first", id(loop)))
        if first is None:
            first = self.trees["first", id(loop)] = {}
            for n in in_order(loop.body if isinstance(loop, gast.While) else [loop.target, *loop.body]):
                first.setdefault(n.id, isinstance(n.ctx, gast.Load))
        return first.get(name, False)

    def function_node(self) -> Any:
        f: Frame | None = self.frame
        while f is not None and f.parent is not None and f.fobj is None and not f.locals:
            f = f.parent
        return f.source.node if f is not None and f.source is not None else None

    def written_in(self, node: Any, it: Loc) -> bool:
        """Whether the loop may write to the array it runs over."""
        names = {n for (_, n), b in self.state.names.items() if isinstance(b, Loc) and b.cell == it.cell}
        names |= {n.id for n in gast.walk(node.target) if isinstance(n, gast.Name)}
        return bool(names & stored_names(node.body))

    def is_generator(self, node: Any) -> bool:
        return inner_functions(node)[1] and any(map(generators.contains_yield, node.body))

    def freeze(self, b: Bound) -> Bound:
        """What may be part of something else as well may be read, not changed."""
        if not self.frame.static:
            self.frozen |= {c for _, c in sharing.holds(self, "", b, set())}
        return b

    def check_elements(self, cell: int, node: Any) -> None:
        """Writing to an element's array: no other element may be the same array."""
        if not self.frame.static and (cell not in self.own_lists or cell in self.mixed):
            self.stop(
                "aliasing",
                "this writes to an array inside a list",
                node,
                note="whether another element of the list, or another name, is the same array "
                "is not known here",
                help="put copies into the list (x.copy()), or assign the whole element: "
                "rows[k] = rows[k] * 2",
            )

    def names_after(self) -> dict[int, frozenset[str]]:
        """Of each function being read: the names that it may read from here on."""
        out: dict[int, frozenset[str]] = {}
        if self.driven:  # a generator and its consumer are read by turns
            return out
        at = [*((e.site.node, e.statement) for e in self.stack[1:]), (self.node, self.statement)]
        for entry, (node, statement) in zip(self.stack, at, strict=False):
            root = entry.site.fnode
            line = getattr(node, "lineno", None)
            if line is None or root is None:
                continue
            live = self.liveness(root) if isinstance(root, gast.FunctionDef) else None
            if live is not None and id(statement) in live.behind:
                out[entry.site.frame.id] = live.during(statement)
            else:
                out[entry.site.frame.id] = loads_from(root, line)
        return out

    def liveness(self, root: Any, result: str = "") -> liveness.Live:
        live: liveness.Live | None = self.trees.get(("live", id(root)))
        if live is None:
            live = self.trees["live", id(root)] = liveness.liveness(root, result)
        return live

    def write(self, b: Loc, new: Atom, node: Any = None) -> None:
        b = self.moved_to(b)
        self.check_frozen(b, node)
        content = self.state.cells[b.cell]
        if b.path and not isinstance(content, Agg) and isinstance(kind(content), Seq):
            self.check_elements(b.cell, node)
            self.element_writes.append(b.cell)
        super().write(b, new, node)

    def change(self, place: Loc, content: Any, node: Any = None) -> None:
        place = self.moved_to(place)
        self.check_frozen(place, node)
        if not place.path or not isinstance(content, Agg):
            super().change(place, content, node)
            return
        old = None if self.frame.static else objects.content(self, place)
        parts = places.replaced(self, place, old, content) if isinstance(old, Agg) else content
        if parts.type is list:  # lists inside a list may have any length
            super().change(place, statements.to_sequence(self, parts), node)
        else:
            super().change(place, parts, node)
        for key, x in zip(parts.keys, parts.items, strict=True):
            here = (*place.path, places.element_step(Const(key)))
            if not places.is_place(self, x, Loc(place.cell, here)):
                places.put_in(self, Loc(place.cell), here, x, node)

    def check_frozen(self, b: Loc, node: Any) -> None:
        if b.cell in self.frozen:
            self.stop(
                "aliasing", "this was taken out of a container, and is changed now", node,
                note="the container's element would change with it; which one is known only at run time",
                help="write through an index (rows[k] *= 2 becomes rows[k] = rows[k] * 2), or into a copy",
            )  # fmt: skip


def loads_from(root: Any, line: int) -> frozenset[str]:
    """Names that a function may read from a line on (loops around it and inner functions count)."""
    out: set[str] = set()
    for n in nodes_in(root):
        again = isinstance(n, (gast.For, gast.While)) and n.lineno <= line <= (n.end_lineno or line)
        inner = n is not root and isinstance(n, (gast.FunctionDef, gast.Lambda))
        if again or inner:
            out |= loads(n).keys()
        elif isinstance(n, gast.Name) and isinstance(n.ctx, gast.Load) and n.lineno >= line:
            out.add(n.id)
        elif isinstance(n, gast.AugAssign) and isinstance(n.target, gast.Name) and n.lineno >= line:
            out.add(n.target.id)
    return frozenset(out)


def in_order(stmts: list[Any]) -> Any:
    """Names in an order close to that of execution: a statement's value before its targets."""
    for s in stmts:
        if isinstance(s, gast.Assign):
            yield from in_order([s.value])
            yield from in_order(s.targets)
        elif isinstance(s, gast.AugAssign):
            yield from in_order([s.value])
            for n in gast.walk(s.target):
                if isinstance(n, gast.Name):
                    yield gast.Name(n.id, gast.Load(), None, None)
        elif isinstance(s, gast.For):
            yield from in_order([s.iter])
            yield from in_order([s.target])
            yield from in_order(s.body)
        elif isinstance(s, (gast.MatchAs, gast.MatchStar, gast.MatchMapping)):
            yield from in_order(children(s))
            for name in assigned_names([s]):
                yield gast.Name(name, gast.Store(), None, None)
        elif isinstance(s, gast.Name):
            yield s
        else:
            yield from in_order(children(s))


def loads(node: Any) -> dict[str, int]:
    """How often names are read below a node."""
    out: dict[str, int] = {}
    todo = [node]
    for n in todo:
        if isinstance(n, (gast.FunctionDef, gast.Lambda)) and n is not node:
            own = own_names(n)  # names of an inner function are others
            for name, times in loads(n).items():
                if name not in own:
                    out[name] = out.get(name, 0) + times
            continue
        todo += children(n)
        if isinstance(n, gast.Name) and (isinstance(n.ctx, gast.Load)):
            out[n.id] = out.get(n.id, 0) + 1
        if isinstance(n, gast.AugAssign) and isinstance(n.target, gast.Name):
            out[n.target.id] = out.get(n.target.id, 0) + 1
    return out


def stored_names(stmts: list[Any]) -> set[str]:
    """Names of arrays that statements may write to."""
    out: set[str] = set()
    for s in stmts:
        for n in gast.walk(s):
            if isinstance(n, gast.Subscript) and isinstance(n.ctx, gast.Store):
                out.update(m.id for m in gast.walk(n.value) if isinstance(m, gast.Name))
            if isinstance(n, gast.AugAssign):
                out.update(m.id for m in gast.walk(n.target) if isinstance(m, gast.Name))
            if isinstance(n, gast.keyword) and n.arg == "out":
                out.update(m.id for m in gast.walk(n.value) if isinstance(m, gast.Name))
            if isinstance(n, gast.Call) and isinstance(n.func, (gast.Name,)):
                out.update(a.id for a in n.args if isinstance(a, gast.Name))
    return out


def lower(
    fn: Any,
    params: Mapping[str, Param],
    ctx: Context,
    kind_of: Callable[[Any], Kind],
    ways: Mapping[str, Way] = MappingProxyType({}),
    given: Mapping[str, Any] = MappingProxyType({}),
    by_trips: bool = False,
    by_layout: bool = False,
) -> Graph:
    """The graph of a Python function for arguments of the given kinds.

    ``ways``: what the derivative will be taken with respect to; ``given``: the arguments themselves;
    ``by_trips``: loops over a few known numbers are read trip by trip; ``by_layout``: how arrays lie in
    memory is settled for the call at hand.
    """
    split: frozenset[Any] = frozenset()
    while True:
        try:
            return read_function(fn, params, ctx, kind_of, ways, given, split, by_trips, by_layout)
        except Reread as again:
            split |= {again.key}


def read_function(
    fn: Any,
    params: Mapping[str, Param],
    ctx: Context,
    kind_of: Callable[[Any], Kind],
    ways: Mapping[str, Way],
    given: Mapping[str, Any],
    split: frozenset[Any],
    by_trips: bool,
    by_layout: bool,
) -> Graph:
    """One reading of a function; ``split``: its ``try`` statements that are read in parts."""
    unwrapped = source.Unwrapped(fn) if isinstance(fn, types.FunctionType) else source.unwrap(fn)
    found = source.find(unwrapped.function)
    graph = Graph(found.name if found.name.isidentifier() else "f", Region())
    graph.info.update(kind_of=kind_of, parameters=tuple(params))
    lw = Lowerer(ctx, graph, graph.region, function=unwrapped.function, given=dict(given), split=split)
    lw.by_trips, lw.by_layout = by_trips, by_layout
    frame = Frame(found, unwrapped.function, ())
    lw.frame = frame
    node = found.node
    if isinstance(node, gast.FunctionDef) and lw.is_generator(node):
        what = f"{found.name} is a generator function: it has no derivative itself"
        help = "differentiate a function that uses its values, as in sum(g(x))"
        lw.problems.append(lw.problem("generator", what, node, help=help))
        lw.fail()
    if isinstance(node, gast.AsyncFunctionDef):
        lw.problems.append(
            lw.problem(
                "async", f"{found.name} is a coroutine function", node,
                note="what runs when, and how often, is decided by the event loop",
                help="write an ordinary function (def), and await its result outside",
            )
        )  # fmt: skip
        lw.fail()
    body = node.body if isinstance(node, gast.FunctionDef) else None
    frame.locals = frozenset(params)
    if body is not None:
        lw.declare(frame, node, params)
    values: dict[str, Val] = {}
    for p in params.values():
        if p.kind is not None:
            val = Val(p.name, with_value(p.kind), user=True)
            graph.region.params.append(val)
            values[p.name] = val
    graph.info["values"] = values
    graph.info["source"] = found
    for p in params.values():
        if p.kind is not None:
            bound = lw.bind(values[p.name])
            known = p.constant is not None
            lw.state.names[frame.id, p.name] = captures.with_text(lw, bound, p.constant) if known else bound
            if p.whole is not None:
                note_sizes(lw, *p.whole, (("arg", p.name),))
            if p.name in lw.given:
                note_sizes(lw, values[p.name].kind, lw.given[p.name], (("arg", p.name),), values[p.name])
                own = lw.state.names[frame.id, p.name]
                lw.state.names[frame.id, p.name] = open_code(
                    lw, own, lw.given[p.name], p.name, (("arg", p.name),)
                )
    find_wanted(lw, ways, frame, values)
    for p in params.values():
        if p.kind is not None:
            continue
        if p.path is not None:
            box = isinstance(p.constant, (tuple, list, dict))
            lw.state.names[frame.id, p.name] = (
                captures.outside(lw, p.constant, p.name, p.path) if box else Known(p.constant, p.name, p.path)
            )
        elif isinstance(p.constant, (bool, str, bytes, int, type(None))):
            lw.state.names[frame.id, p.name] = Plain(Const(p.constant))
        else:
            lw.state.names[frame.id, p.name] = Plain(Ref(p.constant, p.name))
    entry = list(graph.region.ops)
    before = dict(lw.state.cells)
    owners = {name: set(cells_of(lw, b)) for (_, name), b in lw.state.names.items()}
    start = {p: lw.state.names[frame.id, p] for p in params}
    lw.own_lists |= {c for cells in owners.values() for c in cells}  # checked at each call (check_memory)
    site = recursion.site_of(lw, frame, node, found.name, start, node, unwrapped.function.__code__)
    mark = snapshot(lw)
    lw.stack.append(recursion.Entry(site, lw.region, lw.statement))
    result: Atom = Const(None)
    try:
        try:
            if body is None:
                lw.node = node.body
                lw.enter(node.body)
                result = lw.read(lw.expr(node.body))
            else:
                code = lw.block(body)
                lw.fail()
                if isinstance(code, int) and code == exits.RAISE:
                    if lw.certain:
                        raise Stop([*lw.certain][-1])
                    lw.stop("raises", f"{found.name} raises an exception whatever its arguments are", node,
                            help="there is no value to differentiate")  # fmt: skip
                b = lw.state.names.get((frame.id, exits.RETURNED), Plain(Const(None)))
                result = lw.read(b)
        except recursion.Again:  # the function calls itself, and so do we
            recover(lw, mark)
            lw.stack.clear()
            result = lw.read(recursion.enter(lw, site))
            lw.fail()
    except Stop as stop:
        lw.found(stop)
        lw.fail()
    lw.fail()
    extra = graph.info.pop("entry", [])
    graph.region.ops[len(entry) : len(entry)] = extra
    graph.region.results = [result]
    graph.captures = tuple(lw.captures.values())
    graph.info["twins"] = tuple(lw.twins)
    graph.info["opened"] = frozenset(p.name for p in params.values() if p.kind is None and p.path is not None)
    graph.info["lines"] = found.lines
    before.update(graph.info.get("cells", {}))
    lw.state.cells, after = before, lw.state.cells
    owners.update({name: set(cells_of(lw, b)) for name, b in lw.capture_vals.items()})
    changed = {c for c, content in before.items() if after.get(c, content) is not content}
    graph.info["written"] = frozenset(name for name, cells in owners.items() if cells & changed)
    objects.guard_written(lw, changed)
    graph.info["guards"] = dict(lw.guards)
    graph.info["exact"] = sizes.exact(lw)
    locally.check(graph)
    torn.check(graph)
    vars(lw).clear()  # (what was read knows it: only a search for garbage would find it)
    return graph


def lower_library(
    fn: Any,
    params: Mapping[str, Param],
    ctx: Context,
    kind_of: Callable[[Any], Kind],
    defaults: Mapping[str, Any],
) -> Graph:
    """The graph of a library function called on its arguments."""
    text = getattr(fn, "__name__", "f")
    graph = Graph(text, Region())
    graph.info.update(kind_of=kind_of, lines=(), guards={})
    lw = Lowerer(ctx, graph, graph.region)
    graph.info["parameters"] = tuple(params)
    values: dict[str, Val] = {}
    args: list[Bound] = []
    options: dict[str, Bound] = {}
    for p in params.values():
        b: Bound
        if p.kind is not None:
            v = Val(p.name, with_value(p.kind), user=True)
            values[p.name] = v
            graph.region.params.append(v)
            b = lw.bind(v)
        elif p.name in defaults and p.constant is defaults[p.name]:
            continue  # an option left at its default
        else:
            fixed = isinstance(p.constant, (bool, str, int, type(None)))
            b = Plain(Const(p.constant)) if fixed else Plain(Ref(p.constant, p.name))
        if p.name in defaults:
            options[p.name] = b
        else:
            args.append(b)
    graph.info["values"] = values
    try:
        result = lw.read(lw.call(Known(fn, text), args, options, None))
    except Stop as stop:
        lw.found(stop)
        raise UnsupportedSyntax(*lw.problems) from None
    graph.region.results = [result]
    return graph


def read_rule(
    ctx: Context,
    rule: Any,
    region: Region,
    given: dict[str, Atom],
    origin: Origin | None,
    info: dict[str, Any],
) -> Atom:
    """The text of a rule, read into ``region`` on the values given."""
    lw = Lowerer(ctx, Graph(rule.__name__, region, info=info), region)
    lw.origin = origin
    try:
        return lw.read(ruled.inline(lw, rule, given))
    except Declined as why:
        file, line, line_text = (origin.file, origin.line, origin.text) if origin else ("", 0, "")
        note = "the rule of this function does not cover it"
        advice = "leave that option out, or write out what the function computes"
        raise NoRule(problem_at("option", str(why), file, line, line_text, note, advice)) from None
    except Stop as stop:
        lw.found(stop)
        raise UnsupportedSyntax(*lw.problems) from None
    finally:
        if lw.guards:
            info.setdefault("guards", {}).update(lw.guards)
        vars(lw).clear()  # (as above)
