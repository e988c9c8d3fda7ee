"""From a graph to the syntax tree of a function."""

from __future__ import annotations

import ast
import copy
import enum
import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gast
import numpy as np

from srcdiff.backends import numpy_names
from srcdiff.emit import comments, devices, exits, freed, loops, parameters, stores, tapes, tries, wording
from srcdiff.emit.ahead import Ahead
from srcdiff.emit.lying import Lying
from srcdiff.emit.names import Namer, safe
from srcdiff.emit.order import Layout, lay_out
from srcdiff.emit.printer import Blank, Comment, Verbatim, render
from srcdiff.emit.rows import Rows
from srcdiff.emit.runs import Runs
from srcdiff.emit.spelling import Spelling, home_of
from srcdiff.emit.trees import (
    attr,
    call,
    const,
    ends,
    name,
    spells_none,
    store,
    strip,
)
from srcdiff.emit.views import Views
from srcdiff.errors import InternalError
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Atom,
    Const,
    Graph,
    Op,
    Origin,
    Ref,
    Region,
    Slice,
    Struct,
    Undef,
    Val,
    is_none,
    kind,
    same,
)
from srcdiff.ir.indices import display
from srcdiff.ir.kinds import Array, Scalar, takes_fields
from srcdiff.ir.modules import on_device

__all__ = ["Text", "emit", "variables"]


@dataclass(slots=True)
class Text:
    """Emitted source, and what its free names stand for."""

    source: str
    name: str
    imports: dict[str, str] = field(default_factory=dict)  # bound name -> import statement
    objects: dict[str, Any] = field(default_factory=dict)  # bound name -> object that no import reaches
    unwritten: dict[str, Any] = field(default_factory=dict)  # parameter -> default that is not written out
    functions: list[Any] = field(default_factory=list)  # what was printed, for who takes it into a text
    outlines: list[tuple[Outline, ...]] = field(default_factory=list)  # of each function
    lines: dict[int, Origin] | None = None
    lifted: dict[str, Any] = field(default_factory=dict)  # functions that came with a text of their own

    def origin(self, line: int) -> Origin | None:
        """The user's statement that a line of the text comes from."""
        if self.lines is None:
            self.lines = {}
            printed = [n for n in ast.parse(self.source).body if isinstance(n, ast.FunctionDef)]
            for ours, theirs in zip(self.outlines, printed, strict=True):
                note_lines(ours, theirs.body, self.lines)
        return self.lines.get(line)


Outline = tuple[Origin | None, tuple[Any, ...], tuple[Any, ...]]  # of a statement: origin, body, what is else


def outlined(stmts: Sequence[Any]) -> tuple[Outline, ...]:
    """What is kept of statements that were printed."""
    return tuple([
        (getattr(s, "origin", None), outlined(getattr(s, "body", ())), outlined(getattr(s, "orelse", ())))
        for s in stmts if not isinstance(s, (Blank, Comment))
    ])  # fmt: skip


def note_lines(ours: Sequence[Outline], printed: list[ast.stmt], lines: dict[int, Origin]) -> None:
    """The origins of statements by the lines on which they were printed, outer ones first."""
    for (origin, body, orelse), p in zip(ours, printed, strict=False):
        if origin is not None:
            lines.update(dict.fromkeys(range(p.lineno, (p.end_lineno or p.lineno) + 1), origin))
        note_lines(body, getattr(p, "body", []), lines)
        note_lines(orelse, getattr(p, "orelse", []), lines)


def emit(
    graph: Graph,
    fname: str,
    docstring: str = "",
    called: Mapping[Graph, Graph] | None = None,
    header: bool = True,
    kernels: Mapping[Graph, tuple[str, Any]] | None = None,
    imports: Mapping[str, str] | None = None,
    above: Sequence[str] = (),
) -> Text:
    """The Python text of a graph; ``called``: the functions that it calls, as they are to be printed.

    ``kernels``: those of which the text is there already, by what stands for them, with their ``imports``.
    ``above``: statements of the module, as they are.
    """
    called = called or {}
    spelling = Spelling(graph.info.get("aliases", {}), graph.info.get("modules", ()))
    names = function_names(graph, fname, called, spelling)
    functions: list[Any] = []
    names.update({stub: word for stub, (word, _) in (kernels or {}).items()})
    spelling.imports.update(imports or {})
    functions += [tree for _, tree in (kernels or {}).values() if tree is not None]
    for callee, g in called.items():
        f = Assembler(g, names[callee], spelling, names)
        body = f.function_body(g.info.get("docstring", ""))
        functions.append(gast.FunctionDef(names[callee], parameters.arguments(f), body, [], None, None, []))
    a = Assembler(graph, fname, spelling, names)
    body = a.function_body(docstring)
    only = " and ".join(graph.info.get("only_for", ()))
    if only:
        said = f"this text is for {only} alone"
        body[1 if docstring else 0 : 0] = gast.parse(f"if not ({only}):\n    raise ValueError({said!r})").body
    functions.append(gast.FunctionDef(fname, parameters.arguments(a), body, [], None, None, []))
    functions[:0] = [f for _, own in spelling.lifted for f in own]
    text = Text("", fname, spelling.imports, spelling.objects, a.unwritten, functions)
    text.lifted = {spelling.claim(fn.__name__, fn): fn for fn, _ in spelling.lifted}
    tree: list[Any] = []
    if header:
        for line in sorted(set(spelling.imports.values())):
            tree += imported(line)
    for statement in above:
        tree += [Blank(), Verbatim(statement)]
    text.source = render(gast.Module([*tree, *functions], []))
    text.outlines = [outlined(f.body) for f in functions]
    vars(a).clear()  # (its parts know it: only a search for garbage would find them)
    return text


def variables(graph: Graph) -> dict[Val, str]:
    """The variable of the text that each value of a graph is put in; parts of expressions have none."""
    a = Assembler(graph, graph.name, Spelling(graph.info.get("aliases", {}), ()), {})
    inside = {o for op in a.lay.folded for o in op.outs}
    return {v: name for v, name in a.names.names.items() if v not in inside}


@functools.lru_cache(maxsize=256)
def imported(line: str) -> list[Any]:
    """The statement of an import, which is only ever printed."""
    return list(gast.parse(line).body)


def function_names(
    graph: Graph, fname: str, called: Mapping[Graph, Graph], spelling: Spelling
) -> dict[Graph, str]:
    """A name for each function of the text, which no parameter or library has; parameters come apart."""
    signature = graph.info.get("signature")
    taken = {fname, *(signature.parameters if signature is not None else ())}
    spelling.avoid |= taken | {p.name for g in (graph, *called.values()) for p in g.region.params}
    for g in (graph, *called.values()):
        taken |= {p.name for p in g.region.params} | spelling.reserve(g)
    out: dict[Graph, str] = {}
    for callee, g in called.items():
        n, word = 0, callee.name
        while word in taken:
            n += 1
            word = f"{callee.name}{n}"
        taken.add(word)
        out[callee] = word
        own: set[str] = set()
        for p in g.region.params:
            n, base = 0, safe(p.name.rstrip("!") or "x")
            p.name = base
            while p.name in own:
                n += 1
                p.name = f"{base}{n}"
            own.add(p.name)
    return out


class Assembler:
    """Statements and expressions of one function."""

    def __init__(self, graph: Graph, fname: str, spelling: Spelling, called: Mapping[Graph, str]) -> None:
        self.graph = graph
        self.spelling = spelling
        self.called = called
        self.lay: Layout = lay_out(graph)
        self.parts: dict[Val, list[Val | None]] = {}
        loops.find_parts(self, graph.region)
        self.poppable: dict[Val, Op] = {}
        self.drains: set[Op | None] = set()
        self.flat: dict[Val, Val] = {}  # a tape of an inner loop -> that of the outer one around it
        self.elements_of: dict[Val, Val] = {}  # an element of a flat tape -> the tape
        tapes.find_flat(self, graph.region)
        tapes.find_pops(self, graph.region)
        tapes.find_drains(self, graph.region)
        self.bytes: dict[Val, int] = tapes.as_bytes(self)  # of how many numbers each
        signature = graph.info.get("signature")
        own = set(signature.parameters) if signature is not None else set()
        self.defaults: dict[str, Any] = {}  # by parameter, as they are written
        self.unwritten: dict[str, Any] = {}  # those that cannot be
        parameters.find_defaults(self, signature)
        read = [n for d in self.defaults.values() if d is not None for n in gast.walk(d)]
        imported = [n.id for n in read if isinstance(n, gast.Name)]
        taken = {
            fname,
            *called.values(),
            *own,
            *imported,
            *self.spelling.reserve(graph),
            *graph.info.get("reserved", ()),
        }
        self.names = Namer(graph, self.lay, set(taken), self.parts)
        self.out: list[Any] = []
        self.starts: list[tuple[int, Op]] = []  # with which statement an operation of the function begins
        self.made: dict[int, tuple[Any, Op]] = {}  # statements, by identity, and what they are printed for
        self.printed: set[Origin] = set()
        self.top: list[Any] = []
        self.labelled: Origin | None = None
        self.enclosing: list[tuple[Op, Region]] = []
        self.by_memory = spelling.asks(graph, "layout")  # how an array lies in memory
        self.paired: set[Op] = set()  # branches printed as the handlers of a try
        self.unwanted: set[Val] = set()  # results of a try that its handlers need not be told
        self.lying = Lying(graph)
        self.ahead = Ahead(self)
        self.in_rows = bool(graph.info.get("rows") and self.lying.loops and not self.by_memory)
        self.rows = Rows(self)
        self.runs = Runs(self)
        self.views = Views(self)
        self.straight: set[Op] = stores.find_straight(self)  # what is computed where it is to lie

    def function_body(self, docstring: str) -> list[Any]:
        body: list[Any] = [gast.Expr(const(docstring))] if docstring else []
        stmts = self.region(self.graph.region)
        result = (
            self.graph.region.results[0]
            if len(self.graph.region.results) == 1
            else display(self.graph.region.results)
        )
        stmts.append(gast.Return(self.expr(result)))
        self.top = stmts = freed.let_go(self, stmts, self.starts)
        return body + comments.comment(self, stmts)

    # ---- regions
    def region(self, region: Region) -> list[Any]:
        old, self.out = self.out, []
        for p in region.params:
            tapes.collects_of(self, p, region)
        for op in region.ops:
            if region is self.graph.region:
                self.starts.append((len(self.out), op))
            first = len(self.out)
            self.op(op, region)
            self.made.update((id(s), (s, op)) for s in self.out[first:])
        got, self.out = self.out, old
        return got

    @property
    def collectors(self) -> dict[Val, list[tuple[Op, Val]]]:
        if not hasattr(self, "_collectors"):
            self._collectors: dict[Val, list[tuple[Op, Val]]] = {}
            tapes.scan_collectors(self, self.graph.region)
        return self._collectors

    def emit(self, s: Any, origin: Origin | None = None) -> None:
        s.origin = origin
        self.out.append(s)

    def op(self, op: Op, region: Region) -> None:
        if op in self.lay.folded:
            for loop_op, tape in self.collectors.get(op.out, []):
                if loop_op.regions[-1] is region:
                    self.above(op)
                    tapes.append(self, tape, self.expr(op.out))
            return
        if op not in self.paired:
            self.above(op)
        if op.code == "if":
            if op not in self.paired:
                self.if_op(op, region)
        elif op.code == "try":
            tries.try_op(self, op, region)
        elif op.code == "with":
            tries.with_op(self, op)
        elif op.is_loop:
            loops.loop(self, op, region)
        elif op.code == "opaque":
            self.opaque(op)
        elif op.code == "prim":
            self.prim(op, region)
        elif op.code == "call":
            self.call(op)
        elif op.code == "unpack":
            self.emit(gast.Assign([self.targets(op)], self.expr(op.ins[0]), None), op.origin)
        else:
            raise InternalError(f"an operation {op.code!r} reached the emitter")
        for o in op.outs:
            tapes.collects_of(self, o, region)

    def above(self, op: Op) -> None:
        """Comments and blank lines before the user's statement; the primal statement before its adjoint."""
        o = op.origin
        if o is None or o in self.printed:
            return
        if o.adjoint:
            return
        self.printed.add(o)
        if o.blank and self.out and not isinstance(self.out[-1], Blank):
            self.out.append(Blank())
        for line in o.above:
            self.out.append(Comment(line))

    # ---- statements
    def call(self, op: Op) -> None:
        """The call of a function of this text."""
        value = self.call_expr(op)
        if not any(self.lay.uses.get(o) for o in op.outs):
            self.emit(gast.Expr(value), op.origin)
        elif len(op.outs) == 1:
            stores.assign(self, store(self.names[op.out]), value, op.origin)
        else:
            self.emit(gast.Assign([self.targets(op)], value, None), op.origin)

    def targets(self, op: Op) -> Any:
        return gast.Tuple(
            [store(self.names[o] if self.lay.uses.get(o) else "_") for o in op.outs], gast.Store()
        )

    def call_expr(self, op: Op) -> Any:
        return gast.Call(name(self.called[op.attrs["graph"]]), [self.expr(a) for a in op.ins], [])

    def prim(self, op: Op, region: Region) -> None:
        if op in self.lay.silent or self.rows.printed(op) or self.runs.printed(op):
            return
        fn = op.fn
        if fn is ops.setitem and op.attrs.get("there"):
            return
        if op in self.straight:
            stores.straight(self, op)
            return
        if fn is ops.setitem:
            target = stores.place(self, op)
            stored = stores.stored(self, op.ins[0], op.ins[2])
            self.emit(gast.Assign([target], stored, None), op.origin)
        elif fn is ops.additem:
            stores.add_item(self, op)
        elif fn is ops.append:
            self.emit(gast.Expr(call(attr(self.expr(op.ins[0]), "append"), self.expr(op.ins[1]))), op.origin)
        elif fn is ops.without:
            target = gast.Subscript(self.expr(op.ins[0]), self.index(op.ins[1]), gast.Del())
            self.emit(gast.Delete([target]), op.origin)
        elif fn is ops.rest:
            self.emit(gast.Expr(call(attr(self.expr(op.ins[0]), "pop"))), op.origin)
        elif op.attrs.get("inplace"):
            stores.augmented(self, op)
        else:
            value = self.prim_expr(op)
            if not self.lay.uses.get(op.out) and (op.attrs.get("unread") or op.attrs.get("guarded")):
                self.emit(gast.Expr(value), op.origin)
                return
            target = store(self.names[op.out])
            stores.assign(self, target, value, op.origin)

    def opaque(self, op: Op) -> None:
        tree = self.opaque_tree(op)
        if op.attrs.get("effect"):
            self.emit(tree, op.origin)
        else:
            self.emit(gast.Assign([store(self.names[op.out])], tree, None), op.origin)

    def opaque_tree(self, op: Op) -> Any:
        table = dict(zip(op.attrs["free"], op.ins, strict=True))
        tree = copy.deepcopy(op.attrs["tree"])
        outer = self

        class Rename(gast.NodeTransformer):  # type: ignore[misc]
            def visit_Name(self, node: Any) -> Any:
                if node.id in table and isinstance(node.ctx, gast.Load):
                    return outer.expr(table[node.id])
                return node

        return Rename().visit(tree)

    # ---- branches
    def if_op(self, op: Op, region: Region) -> None:
        if op in self.lay.inline_ifs:
            stores.assign(self, store(self.names[op.out]), self.if_expr(op), op.origin)
            return
        test = self.expr(op.ins[0])
        then, other = (self.arm(op, r) for r in op.regions)
        if not strip(then) and not strip(other):
            return
        if not strip(then):
            self.emit(gast.If(wording.negate(test), other, []), op.origin)
            return
        if ends(then) and strip(other):
            self.emit(gast.If(test, then, []), op.origin)
            self.out.extend(other)
            return
        self.emit(gast.If(test, then, other if strip(other) else []), op.origin)

    def arm(self, op: Op, r: Region) -> list[Any]:
        """The statements of one region of a branch or block."""
        self.enclosing.append((op, r))
        stmts = self.region(r)
        self.enclosing.pop()
        return self.finished(op, r, stmts)

    def finished(self, op: Op, r: Region, stmts: list[Any]) -> list[Any]:
        """The same, with what it hands on at its end."""
        old, self.out = self.out, stmts
        if not ends(stmts):
            self.moves(
                [(o, a) for o, a in zip(op.outs, r.results, strict=True) if self.wanted(o)], op.origin, op
            )
        stmts, self.out = self.out, old
        return exits.leave(self, op, r, stmts)

    def wanted(self, v: Val) -> bool:
        return bool(self.lay.uses.get(v)) and not exits.is_exit_code(self, v) and v not in self.unwanted

    @property
    def silent_codes(self) -> set[Val]:
        if not hasattr(self, "_silent"):
            self._silent: set[Val] = set()
            self._tails: dict[Region, tuple[Op, Atom]] = {}
            exits.scan_exits(self, self.graph.region)
        return self._silent

    def kept(self, v: Val) -> bool:
        """Whether a value is put away (taped, carried on) on every path, also where it has not been set."""

        def puts_away(where: Region, user: Op | None) -> bool:
            if user is None:
                return where is not self.graph.region or self.hands_on
            loop = user.is_loop
            return bool(user.attrs.get("unset")) or (loop and exits.starts_unset(self, v, user))

        return any(puts_away(where, user) for where, user in self.lay.uses.get(v, []))

    @property
    def hands_on(self) -> bool:
        """Whether results may be unset: what a half saves, or an inner function; else Python raises then."""
        return bool(self.graph.info.get("saves")) or "results" in self.graph.info

    def moves(self, pairs: list[tuple[Val, Atom]], origin: Origin | None, branch: Op | None = None) -> None:
        """Assignments that happen together."""
        todo: list[tuple[str, Any, set[str]]] = []
        for v, a in pairs:
            if isinstance(a, Undef):
                if branch is None or not self.kept(v):
                    continue
                a = Const(None)
            target = self.names[v]
            value = self.expr(a)
            if isinstance(value, gast.Name) and value.id == target:
                continue
            todo.append((target, value, {n.id for n in gast.walk(value) if isinstance(n, gast.Name)}))
        readers = Counter(n for _, _, reads in todo for n in reads)
        while todo:
            free = (k for k, (target, _, reads) in enumerate(todo) if readers[target] == (target in reads))
            k = next(free, -1)  # one whose old value no other reads
            if k < 0:
                targets = [store(t) for t, _, _ in todo]
                values = [v for _, v, _ in todo]
                self.emit(
                    gast.Assign([gast.Tuple(targets, gast.Store())], gast.Tuple(values, gast.Load()), None),
                    origin,
                )
                return
            target, value, reads = todo.pop(k)
            readers.subtract(reads)
            stores.assign(self, store(target), value, origin)
        self.none_at_once()

    def none_at_once(self) -> None:
        """``a = None``, ``b = None`` and so on, one after the other, are one statement."""
        n = len(self.out)
        while n and spells_none(self.out[n - 1]):
            n -= 1
        run = self.out[n:]
        if len(run) >= FEW_NONES:
            one = gast.Assign([t for s in run for t in s.targets], const(None), None)
            one.origin = run[0].origin
            self.out[n:] = [one]

    # ---- expressions
    def expr(self, a: Atom) -> Any:
        """The expression of an atom."""
        if isinstance(a, Val):
            if a.op is not None and a.op in self.lay.folded:
                return (
                    self.if_expr(a.op)
                    if a.op.code == "if"
                    else self.opaque_tree(a.op)
                    if a.op.code == "opaque"
                    else self.prim_expr(a.op)
                )
            return name(self.names[a])
        if isinstance(a, Const):
            return self.constant(a.value)
        if isinstance(a, Ref):
            return self.spelling.reference(a.obj, a.text)
        if isinstance(a, Slice):
            lower, upper, step = (
                None if is_none(x) else self.expr(x)
                for x in (a.lower, a.upper, a.step)
            )
            given = [x if x is not None else const(None) for x in (lower, upper, step)]
            if step is None:
                given = given[1:2] if lower is None else given[:2]
            return call(name("slice"), *given)
        if isinstance(a, Struct):
            return self.display(a)
        return const(None)

    def constant(self, v: Any) -> Any:
        if isinstance(v, (int, float)) and not isinstance(v, bool) and v < 0:
            return gast.UnaryOp(gast.USub(), const(-v))
        if isinstance(v, float) and (v != v or v in (float("inf"), float("-inf"))):
            return attr(name(self.spelling.module(np)), "nan" if v != v else "inf")
        if isinstance(v, enum.Enum):
            return self.spelling.reference(v, str(v))
        return const(v)

    def display(self, a: Struct) -> Any:
        shape = self.whole_shape(a)
        if shape is not None:
            return shape
        items = [self.expr(x) for x in a.items]
        if a.type is tuple:
            return gast.Tuple(items, gast.Load())
        if a.type is list:
            return gast.List(items, gast.Load())
        if a.type is dict:
            return gast.Dict([self.constant(k) for k in a.keys], items)
        cls = self.spelling.reference(a.type, a.type.__name__)
        fields = dict(zip(a.keys, items, strict=True))
        if takes_fields(a.type, a.keys):
            return call(cls, **fields)
        return call(self.spelling.helper("record"), cls, **fields)

    def whole_shape(self, a: Struct) -> Any:
        """``(x.shape[0], x.shape[1])`` of a matrix is ``x.shape``."""
        base: Atom | None = None
        for n, x in enumerate(a.items):
            if not (
                isinstance(x, Val) and x.op is not None and x.op.code == "prim" and x.op.fn is ops.shape_at
            ):
                return None
            if x.op not in self.lay.folded:  # the array itself may be gone by now
                return None
            if not same(x.op.ins[1], Const(n)) or (base is not None and x.op.ins[0] is not base):
                return None
            base = x.op.ins[0]
        k = kind(base) if base is not None else None
        if base is None or not isinstance(k, Array) or len(k.dims) != len(a.items) or a.type is not tuple:
            return None
        return self.sized(base, "shape")

    def may_be_number(self, a: Atom) -> bool:
        return isinstance(a, Val) and a in self.graph.info.get("begun", ())

    def sized(self, base: Atom, word: str) -> Any:
        """The shape or size of an array, or of what may be a number in its place (`ir/begun.py`)."""
        if self.may_be_number(base):
            fn = numpy_names.SHAPE if word == "shape" else numpy_names.SIZE
            return call(self.spelling.callee(fn, ""), self.expr(base))
        return attr(self.expr(base), word)

    def index(self, a: Atom) -> Any:
        if isinstance(a, Slice):
            parts = [
                None if is_none(x) else devices.bound(self, x)
                for x in (a.lower, a.upper, a.step)
            ]
            return gast.Slice(*parts)
        if isinstance(a, Struct) and a.type is tuple:
            return gast.Tuple([self.index(x) for x in a.items], gast.Load())
        if on_device() and isinstance(a, Struct) and devices.holds_array(kind(a)):
            return devices.stored(self, a)  # (places in a list, some of them on the device)
        return self.expr(a)

    def if_expr(self, op: Op) -> Any:
        test = self.expr(op.ins[0])
        then, other = (r.results[0] for r in op.regions)
        cond = op.ins[0]
        if same(other, cond) or (same(other, Const(False)) and op.attrs.get("style") == "and"):
            return gast.BoolOp(gast.And(), [test, self.expr(then)])
        if same(then, cond) or (same(then, Const(True)) and op.attrs.get("style") == "or"):
            return gast.BoolOp(gast.Or(), [test, self.expr(other)])
        return gast.IfExp(test, self.expr(then), self.expr(other))

    def prim_expr(self, op: Op) -> Any:
        if op.code == "call":
            return self.call_expr(op)
        if not on_device():
            return self.spelt(op)
        before, self.spelling.on_host = self.spelling.on_host, devices.on_host(op)
        tree = devices.spelt(self, op) or self.spelt(op)
        self.spelling.on_host = before
        return tree

    def spelt(self, op: Op) -> Any:
        """The expression of an operation, as NumPy has it."""
        if self.lying.is_plain(op):
            zeros = self.spelling.callee(numpy_names.ZEROS, "")
            return call(zeros, attr(self.expr(op.ins[0]), "shape"))
        fn = op.fn
        args = op.ins
        names = op.names
        handler = wording.SPELLED.get(fn)
        if handler is not None:
            return handler(self, op)
        infix = numpy_names.INFIX.get(fn)
        if infix is not None and len(args) == 2:
            left, right = self.expr(args[0]), self.expr(args[1])
            word = getattr(gast, infix)()
            if isinstance(word, gast.cmpop):
                return gast.Compare(left, [word], [right])
            if (
                infix == "Add"
                and isinstance(right, gast.UnaryOp)
                and isinstance(right.op, gast.USub)
                and not isinstance(right.operand, gast.Constant)
            ):
                word, right = gast.Sub(), right.operand
            node = gast.BinOp(left, word, right)
            node.scalar = isinstance(kind(args[0]), Scalar) and isinstance(kind(args[1]), Scalar)
            return node
        prefix = numpy_names.PREFIX.get(fn)
        if prefix is not None:
            return gast.UnaryOp(getattr(gast, prefix)(), self.expr(args[0]))
        pos = [self.expr(a) for a, n in zip(args, names, strict=True) if not n]
        kws = [gast.keyword(n, self.expr(a)) for a, n in zip(args, names, strict=True) if n]
        method = op.attrs.get("method")
        adjoint = op.origin is not None and op.origin.adjoint
        number = method and (isinstance(args[0], Const) or (adjoint and self.may_be_number(args[0])))
        if number and home_of(fn) is not None:
            method = None  # what is, or may be, a number has no methods of arrays
        if method in numpy_names.ATTRIBUTES and len(args) == 1:
            return attr(pos[0], str(method))
        if method:
            first = pos[1:]
            if (
                method in numpy_names.VARARG_METHODS
                and len(first) == 1
                and isinstance(first[0], gast.Tuple)
                and first[0].elts
            ):
                first = first[0].elts
            return gast.Call(attr(pos[0], str(method)), first, kws)
        return gast.Call(self.spelling.callee(fn, op.attrs.get("text", "")), pos, kws)


FEW_NONES = 3
