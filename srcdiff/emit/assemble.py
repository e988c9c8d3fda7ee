"""From a graph to the syntax tree of a function."""

from __future__ import annotations

import ast
import copy
import enum
import functools
import inspect
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gast
import numpy as np

from srcdiff.backends import numpy_names
from srcdiff.emit import devices
from srcdiff.emit.literals import written
from srcdiff.emit.names import Namer, safe
from srcdiff.emit.order import Layout, lay_out
from srcdiff.emit.printer import Blank, Comment, Verbatim, render
from srcdiff.emit.spelling import Spelling, home_of
from srcdiff.errors import InternalError
from srcdiff.ir import ops
from srcdiff.ir.checkpoints import checkpoint
from srcdiff.ir.graph import (
    Atom,
    Const,
    Graph,
    LoopView,
    Op,
    Origin,
    Ref,
    Region,
    Slice,
    Struct,
    Undef,
    Val,
    is_which,
    kind,
    same,
    vals,
)
from srcdiff.ir.kinds import UNKNOWN, Array, Kind, Map, Scalar, Seq, Tree, takes_fields
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
    functions: list[Any] = field(default_factory=list)  # what was printed
    lines: dict[int, Origin] | None = None
    lifted: dict[str, Any] = field(default_factory=dict)  # functions that came with a text of their own

    def origin(self, line: int) -> Origin | None:
        """The user's statement that a line of the text comes from."""
        if self.lines is None:
            self.lines = {}
            printed = [n for n in ast.parse(self.source).body if isinstance(n, ast.FunctionDef)]
            for ours, theirs in zip(self.functions, printed, strict=True):
                note_lines(ours.body, theirs.body, self.lines)
        return self.lines.get(line)


def note_lines(ours: list[Any], printed: list[ast.stmt], lines: dict[int, Origin]) -> None:
    """The origins of statements by the lines on which they were printed, outer ones first."""
    ours = [s for s in ours if not isinstance(s, (Blank, Comment))]
    for s, p in zip(ours, printed, strict=False):
        origin = getattr(s, "origin", None)
        if origin is not None:
            lines.update(dict.fromkeys(range(p.lineno, (p.end_lineno or p.lineno) + 1), origin))
        for part in ("body", "orelse"):
            note_lines(getattr(s, part, []), getattr(p, part, []), lines)


LONGEST_COMMENT = 70
UNTOLD = ("def ", "lambda", "return lambda", "for ", "while ", "if ", "elif ", "else", "try", "with ")


def name(id: str) -> Any:
    return gast.Name(id, gast.Load(), None, None)


def store(id: str) -> Any:
    return gast.Name(id, gast.Store(), None, None)


def const(v: Any) -> Any:
    return gast.Constant(v, None)


def call(fn: Any, *args: Any, **kw: Any) -> Any:
    return gast.Call(fn, list(args), [gast.keyword(k, v) for k, v in kw.items()])


POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def attr(x: Any, a: str) -> Any:
    return gast.Attribute(x, a, gast.Load())


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
        functions.append(gast.FunctionDef(names[callee], f.arguments(), body, [], None, None, []))
    a = Assembler(graph, fname, spelling, names)
    body = a.function_body(docstring)
    only = " and ".join(graph.info.get("only_for", ()))
    if only:
        said = f"this text is for {only} alone"
        body[1 if docstring else 0 : 0] = gast.parse(f"if not ({only}):\n    raise ValueError({said!r})").body
    functions.append(gast.FunctionDef(fname, a.arguments(), body, [], None, None, []))
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
        self.find_parts(graph.region)
        self.poppable: dict[Val, Op] = {}
        self.drains: set[Op | None] = set()
        self.flat: dict[
            Val, Val
        ] = {}  # a tape of an inner loop -> the tape of the outer loop that it is part of
        self.elements_of: dict[Val, Val] = {}  # an element of a flat tape -> the tape
        self.find_flat(graph.region)
        self.find_pops(graph.region)
        self.find_drains(graph.region)
        signature = graph.info.get("signature")
        own = set(signature.parameters) if signature is not None else set()
        self.defaults: dict[str, Any] = {}  # by parameter, as they are written
        self.unwritten: dict[str, Any] = {}  # those that cannot be
        self.find_defaults(signature)
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
        self.printed: set[Origin] = set()
        self.top: list[Any] = []
        self.labelled: Origin | None = None
        self.enclosing: list[tuple[Op, Region]] = []
        self.by_memory = spelling.asks(graph, "layout")  # how an array lies in memory
        self.paired: set[Op] = set()  # branches printed as the handlers of a try
        self.unwanted: set[Val] = set()  # results of a try that its handlers need not be told

    # ---- the function
    def arguments(self) -> Any:
        """The primal's own parameters with their defaults; a vector; by keyword, what comes from outside."""
        signature = self.graph.info.get("signature")
        params = list(self.graph.region.params)
        if signature is None:
            return gast.arguments([name(self.names[p]) for p in params], [], None, [], [], None, [])
        out = gast.arguments([], [], None, [], [], None, [])
        own = set()
        for p in signature.parameters.values():
            own.add(p.name)
            self.add_parameter(out, p)
        required = (q.default is q.empty and q.kind in POSITIONAL for q in signature.parameters.values())
        last = self.graph.info.get("vector") if all(required) else None  # as it is called: f_hvp(x, v)
        for p in params:
            if p.name not in own and p.name == last:
                out.args.append(name(self.names[p]))
            elif p.name not in own:
                out.kwonlyargs.append(name(self.names[p]))
                out.kw_defaults.append(self.defaults.get(p.name))
        return out

    def find_defaults(self, signature: Any) -> None:
        """The defaults of the function's own parameters, and of those of functions that it calls."""
        own = [] if signature is None else signature.parameters.values()
        for p in own:
            if p.default is not p.empty:
                self.defaults[p.name] = written(p.default, self.spelling)
                if self.defaults[p.name] is None:
                    self.unwritten[p.name] = p.default
                    self.defaults[p.name] = const(None)
        for c in self.graph.captures:
            if c.nameless:
                self.defaults[c.name] = written(c.value, self.spelling)

    def add_parameter(self, out: Any, p: Any) -> None:
        default = self.defaults.get(p.name)
        if p.kind is p.VAR_POSITIONAL:
            out.vararg = name(p.name)
        elif p.kind is p.VAR_KEYWORD:
            out.kwarg = name(p.name)
        elif p.kind is p.KEYWORD_ONLY:
            out.kwonlyargs.append(name(p.name))
            out.kw_defaults.append(default)
        else:
            (out.posonlyargs if p.kind is p.POSITIONAL_ONLY else out.args).append(name(p.name))
            if default is not None:
                out.defaults.append(default)

    def function_body(self, docstring: str) -> list[Any]:
        body: list[Any] = [gast.Expr(const(docstring))] if docstring else []
        stmts = self.region(self.graph.region)
        result = (
            self.graph.region.results[0]
            if len(self.graph.region.results) == 1
            else Struct(tuple, tuple(range(len(self.graph.region.results))), tuple(self.graph.region.results))
        )
        stmts.append(gast.Return(self.expr(result)))
        self.top = stmts
        return body + self.comment(stmts)

    def comment(self, stmts: list[Any]) -> list[Any]:
        """Head each group of the backward sweep with the primal statement it belongs to."""
        out: list[Any] = []
        n = 0
        began = False
        while n < len(stmts):
            s = stmts[n]
            origin = getattr(s, "origin", None)
            for holder, field_ in blocks(s):
                labelled, self.labelled = self.labelled, None
                setattr(holder, field_, self.comment(getattr(holder, field_)))
                self.labelled = labelled
            if origin is None or not origin.adjoint or isinstance(s, (Blank, Comment)):
                out.append(s)
                n += 1
                continue
            if (
                not began
                and out
                and self.depth_zero(stmts)
                and any(not isinstance(x, (Blank, Comment)) for x in out)
            ):
                out.append(Blank())
            began = True
            group = [s]
            while (
                n + len(group) < len(stmts)
                and self.joins(stmts[n + len(group)], origin)
                and not self.compound(s)
            ):
                group.append(stmts[n + len(group)])
            if not self.compound(s):
                self.label(group, origin, out)
            out.extend(group)
            for g in group[1:]:
                for holder, field_ in blocks(g):
                    setattr(holder, field_, self.comment(getattr(holder, field_)))
            n += len(group)
        return out

    def depth_zero(self, stmts: list[Any]) -> bool:
        return stmts is self.top

    def compound(self, s: Any) -> bool:
        return isinstance(s, (gast.For, gast.While, gast.If, gast.Try, gast.With))

    def joins(self, s: Any, origin: Origin) -> bool:
        return getattr(s, "origin", None) == origin and not self.compound(s)

    def label(self, group: list[Any], origin: Origin, out: list[Any]) -> None:
        """Name the primal statement: beside a single line, above a group."""
        text = shortened(origin.text)
        if not text or text.startswith(UNTOLD) or origin == self.labelled:
            return
        self.labelled = origin
        if (
            len(group) == 1
            and len(render(group[0]).rstrip()) + len(text) + 12 <= 92
            and "\n" not in render(group[0]).rstrip()
        ):
            group[0].comment = text
        else:
            out.append(Comment(text))

    # ---- pops
    def find_pops(self, region: Region) -> None:
        """Tapes whose only reader runs backwards are emptied as they are read."""
        for op in region.ops:
            if op.code == "for":
                view = LoopView(op)
                for s, d, e in zip(view.sources, op.attrs["dirs"], view.elements, strict=True):
                    if (
                        isinstance(s, Val)
                        and s.op is not None
                        and s.op.code in ("for", "while")
                        and s in LoopView(s.op).tapes
                    ):
                        if (
                            d == -1
                            and view.head  # otherwise it says how long the loop is
                            and len(self.lay.uses.get(s, [])) == 1
                            and self.lay.home.get(s.op) is region
                        ):
                            self.poppable[e] = op
            for r in op.regions:
                self.find_pops(r)

    def find_flat(self, region: Region) -> None:
        """A tape of tapes that is read in the mirrored order is one list: last in, first out."""
        for op in region.ops:
            if op.code in ("for", "while"):
                view = LoopView(op)
                for c, t in zip(view.collected, view.tapes, strict=True):
                    if (
                        isinstance(c, Val)
                        and c.op in view.body.ops
                        and self.is_tape(c)
                        and self.read_flat(c, t, op, region)
                    ):
                        self.flat[c] = t
            for r in op.regions:
                self.find_flat(r)

    def is_tape(self, v: Val) -> bool:
        return v.op is not None and v.op.code in ("for", "while") and v in LoopView(v.op).tapes

    def read_flat(self, inner: Val, outer: Val, op: Op, region: Region) -> bool:
        """Whether both tapes are read once, backwards, by a loop in a loop."""
        if len(self.lay.uses.get(inner, [])) != 1 or len(self.lay.uses.get(outer, [])) != 1:
            return False
        where, reader = self.lay.uses[outer][0]
        if reader is None or reader.code != "for" or (where is not region and outer not in self.elements_of):
            return False
        view = LoopView(reader)
        for s, d, e in zip(view.sources, reader.attrs["dirs"], view.elements, strict=True):
            if s is not outer or d != -1:
                continue
            uses = self.lay.uses.get(e, [])
            if len(uses) != 1 or uses[0][0] is not view.body:
                return False
            second = uses[0][1]
            if second is None or second.code != "for":
                return False
            inner_view = LoopView(second)
            for s2, d2, e2 in zip(inner_view.sources, second.attrs["dirs"], inner_view.elements, strict=True):
                if s2 is e and d2 == -1 and second.attrs.get("aligned"):
                    self.elements_of[e] = outer
                    self.poppable[e2] = second
                    self.poppable[e] = reader
                    return True
        return False

    def tape_name(self, t: Val) -> str:
        while t in self.flat or t in self.elements_of:  # follow to the outermost
            t = self.flat.get(t) or self.elements_of[t]
        return str(self.names[t])

    def find_drains(self, region: Region) -> None:
        """Loops that run until a tape is empty need no count of trips."""
        for op in region.ops:
            if op.code == "for":
                view = LoopView(op)
                pops = [
                    (e, s)
                    for e, s in zip(view.elements, view.sources, strict=True)
                    if self.poppable.get(e) is op and self.lay.uses.get(e)
                ]
                if self.drained(op, view, pops) is not None:
                    self.drains.add(op)
            for r in op.regions:
                self.find_drains(r)

    # ---- regions
    def region(self, region: Region) -> list[Any]:
        old, self.out = self.out, []
        for p in region.params:
            self.collects_of(p, region)
        for op in region.ops:
            self.op(op, region)
        got, self.out = self.out, old
        return got

    def collects_of(self, v: Val, region: Region) -> None:
        """Append a value to the tapes that collect it, as soon as it is there."""
        for loop_op, tape in self.collectors.get(v, []):
            if loop_op.regions[-1] is region and v not in self.flat:
                self.append(tape, self.expr(v))

    @property
    def collectors(self) -> dict[Val, list[tuple[Op, Val]]]:
        if not hasattr(self, "_collectors"):
            self._collectors: dict[Val, list[tuple[Op, Val]]] = {}
            self.scan_collectors(self.graph.region)
        return self._collectors

    def scan_collectors(self, region: Region) -> None:
        for op in region.ops:
            if op.code in ("for", "while"):
                view = LoopView(op)
                for c, t in zip(view.collected, view.tapes, strict=True):
                    if isinstance(c, Val) and self.names_defined_in(c, view.body):
                        self._collectors.setdefault(c, []).append((op, t))
            for r in op.regions:
                self.scan_collectors(r)

    def from_outside(self, a: Atom, body: Region) -> bool:
        """Whether a value is not made in a loop's body: it may be put on a tape as a trip begins."""
        if isinstance(a, Struct):
            return all(v in body.params or not self.names_defined_in(v, body) for v in vals([a]))
        return isinstance(a, Const) or (isinstance(a, Val) and not self.names_defined_in(a, body))

    def names_defined_in(self, v: Val, region: Region) -> bool:
        return self.names.defined[v][0] is region

    def append(self, tape: Val, value: Any) -> None:
        self.emit(gast.Expr(call(attr(name(self.tape_name(tape)), "append"), value)))

    def emit(self, s: Any, origin: Origin | None = None) -> None:
        s.origin = origin
        self.out.append(s)

    def op(self, op: Op, region: Region) -> None:
        if op in self.lay.folded:
            for loop_op, tape in self.collectors.get(op.out, []):
                if loop_op.regions[-1] is region:
                    self.above(op)
                    self.append(tape, self.expr(op.out))
            return
        if op not in self.paired:
            self.above(op)
        if op.code == "if":
            if op not in self.paired:
                self.if_op(op, region)
        elif op.code == "try":
            self.try_op(op, region)
        elif op.code == "with":
            self.with_op(op)
        elif op.code in ("for", "while"):
            self.loop(op, region)
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
            self.collects_of(o, region)

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
            self.assign(store(self.names[op.out]), value, op.origin)
        else:
            self.emit(gast.Assign([self.targets(op)], value, None), op.origin)

    def targets(self, op: Op) -> Any:
        return gast.Tuple(
            [store(self.names[o] if self.lay.uses.get(o) else "_") for o in op.outs], gast.Store()
        )

    def call_expr(self, op: Op) -> Any:
        return gast.Call(name(self.called[op.attrs["graph"]]), [self.expr(a) for a in op.ins], [])

    def prim(self, op: Op, region: Region) -> None:
        if op in self.lay.silent:
            return
        fn = op.fn
        if fn is ops.setitem and op.attrs.get("there"):
            return
        if fn is ops.setitem:
            target = gast.Subscript(self.expr(op.ins[0]), self.index(op.ins[1]), gast.Store())
            stored = self.stored(op.ins[0], op.ins[2])
            self.emit(gast.Assign([target], stored, None), op.origin)
        elif fn is ops.additem:
            self.add_item(op)
        elif fn is ops.append:
            self.emit(gast.Expr(call(attr(self.expr(op.ins[0]), "append"), self.expr(op.ins[1]))), op.origin)
        elif fn is ops.without:
            target = gast.Subscript(self.expr(op.ins[0]), self.index(op.ins[1]), gast.Del())
            self.emit(gast.Delete([target]), op.origin)
        elif fn is ops.rest:
            self.emit(gast.Expr(call(attr(self.expr(op.ins[0]), "pop"))), op.origin)
        elif fn is ops.poplast and self.pairs_with_rest(op, region):
            self.emit(
                gast.Assign([store(self.names[op.out])], call(attr(self.expr(op.ins[0]), "pop")), None),
                op.origin,
            )
        elif op.attrs.get("inplace"):
            self.augmented(op)
        else:
            value = self.prim_expr(op)
            if not self.lay.uses.get(op.out) and (op.attrs.get("unread") or op.attrs.get("guarded")):
                self.emit(gast.Expr(value), op.origin)
                return
            target = store(self.names[op.out])
            self.assign(target, value, op.origin)

    def assign(self, target: Any, value: Any, origin: Origin | None) -> None:
        if isinstance(target, gast.Name) and isinstance(value, gast.Name) and target.id == value.id:
            return
        if (
            isinstance(value, gast.BinOp)
            and isinstance(value.left, gast.Name)
            and isinstance(target, gast.Name)
        ):
            if (
                value.left.id == target.id
                and isinstance(value.op, (gast.Add, gast.Sub, gast.Mult, gast.Div))
                and origin is not None
                and origin.adjoint
                and getattr(value, "scalar", False)
            ):
                self.emit(gast.AugAssign(target, value.op, value.right), origin)
                return
        self.emit(gast.Assign([target], value, None), origin)

    def pairs_with_rest(self, op: Op, region: Region) -> bool:
        for o in region.ops[region.ops.index(op) + 1 :]:
            if o.code == "prim" and o.fn is ops.rest and o.ins[0] is op.ins[0]:
                self.lay.silent.add(o)
                return True
        return False

    def augmented(self, op: Op) -> None:
        """``x op= v``: an operator whose result takes the place of its first operand."""
        infix = numpy_names.INFIX.get(op.fn if op.fn is not ops.accumulate else operator.add)
        if infix is None and isinstance(op.fn, np.ufunc):
            self.written_over(op)
            return
        if infix is None:
            raise InternalError(f"{op.fn} cannot be printed in place")
        self.assign(store(self.names[op.out]), self.expr(op.ins[0]), op.origin)
        value = self.expr(op.ins[1])
        word = getattr(gast, infix)()
        if op.fn is ops.accumulate and isinstance(value, gast.UnaryOp) and isinstance(value.op, gast.USub):
            word, value = gast.Sub(), value.operand
        self.emit(gast.AugAssign(store(self.names[op.out]), word, value), op.origin)

    def stored(self, base: Atom, value: Atom) -> Any:
        """What is written into an array or a list."""
        if on_device() and isinstance(kind(base), Array):
            return devices.stored(self, value)
        return self.expr(value)

    def written_over(self, op: Op) -> None:
        """``np.exp(x, out=x)``: a function whose result takes the place of its operand."""
        x = self.expr(op.ins[0])
        value = call(self.spelling.callee(op.fn, op.attrs.get("text", "")), x, out=x)
        word = self.names[op.out]
        if is_name(x, word):
            self.emit(gast.Expr(value), op.origin)
        else:
            self.emit(gast.Assign([store(word)], value, None), op.origin)

    def add_item(self, op: Op) -> None:
        base, index, value = op.ins
        if op.attrs.get("at") or not self.plain_index(base, index):
            np_add = attr(attr(name(self.spelling.module(np)), "add"), "at")
            self.emit(
                gast.Expr(call(np_add, self.expr(base), self.expr(index), self.expr(value))), op.origin
            )
            return
        target = gast.Subscript(self.expr(base), self.index(index), gast.Store())
        k = kind(base)
        v = self.stored(base, value)
        numbers = isinstance(k, Array) or (isinstance(k, Seq) and isinstance(k.elem, Scalar))
        if not numbers:  # an element that is an array itself may be somebody else's
            old = gast.Subscript(self.expr(base), self.index(index), gast.Load())
            self.emit(gast.Assign([target], gast.BinOp(old, gast.Add(), v), None), op.origin)
        elif isinstance(v, gast.UnaryOp) and isinstance(v.op, gast.USub):
            self.emit(gast.AugAssign(target, gast.Sub(), v.operand), op.origin)
        else:
            self.emit(gast.AugAssign(target, gast.Add(), v), op.origin)

    def plain_index(self, base: Atom, index: Atom) -> bool:
        """No position is named twice: basic indices and masks."""
        if isinstance(kind(base), Seq):
            return True
        parts = index.items if isinstance(index, Struct) and index.type is tuple else (index,)
        for p in parts:
            k = kind(p)
            if (
                isinstance(p, (Slice, Const))
                or isinstance(k, Scalar)
                or (isinstance(k, Array) and (k.dtype == "b1" or not k.dims))
            ):
                continue
            return False
        return True

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
            self.assign(store(self.names[op.out]), self.if_expr(op), op.origin)
            return
        test = self.expr(op.ins[0])
        then, other = (self.arm(op, r) for r in op.regions)
        if not strip(then) and not strip(other):
            return
        if not strip(then):
            self.emit(gast.If(negate(test), other, []), op.origin)
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
        return self.leave(op, r, stmts)

    # ---- blocks
    def with_op(self, op: Op) -> None:
        stmts = self.arm(op, op.regions[0])
        entered = op.regions[0].params[0]
        target = store(self.names[entered]) if self.lay.uses.get(entered) else None
        manager = self.prim_expr(op) if op.fn is not None else self.expr(op.ins[0])
        item = gast.withitem(manager, target)
        self.emit(gast.With([item], filled(stmts), None), op.origin)

    def try_op(self, op: Op, region: Region) -> None:
        """A ``try``; the branch on how it ended that follows at once is its handlers and its ``else``."""
        failed = op.regions[1]
        error = next((o for o, a in zip(op.outs, failed.results, strict=True) if a is failed.params[1]), None)
        chain = self.paired_with(op, region, error)
        for o, a in zip(op.outs, failed.results, strict=True):
            if chain and ((a is failed.params[0] and self.asked_only_by(o, chain)) or o is error):
                self.unwanted.add(o)
        body = self.arm(op, op.regions[0])
        arms = self.arms(chain) if chain else [[] for _ in op.ins]
        orelse = self.arm(chain[0], chain[0].regions[0]) if chain else []
        caught = error if chain else failed.params[1]
        handlers = []
        for k, (a, arm) in enumerate(zip(op.ins, arms, strict=True), 1):
            old, self.out = self.out, []
            self.failed_moves(op, k, gone=bool(strip(arm)) and isinstance(strip(arm)[-1], gast.Raise))
            stmts, self.out = [*self.out, *arm], old
            as_ = None if caught is None else named_in(stmts, self.names[caught])
            handlers.append(gast.ExceptHandler(self.expr(a), as_, filled(stmts)))
        self.emit_try(op, body, handlers, orelse)

    def emit_try(self, op: Op, body: list[Any], handlers: list[Any], orelse: list[Any]) -> None:
        final = finals(handlers, op, orelse)
        if final is not None:
            orelse = orelse[len(final) :]
            inner = strip(body)
            if not final:
                self.out.extend(body)
            elif len(inner) == 1 and isinstance(inner[0], gast.Try) and not inner[0].finalbody:
                inner[0].finalbody = final
                self.out.extend(body)
            else:
                self.emit(gast.Try(filled(body), [], [], final), op.origin)
            self.out.extend(orelse)
        elif all(ends(h.body) for h in handlers):
            self.emit(gast.Try(filled(body), handlers, [], []), op.origin)
            self.out.extend(orelse)
        else:
            self.emit(
                gast.Try(filled(body), handlers, orelse if strip(orelse) else [], []), op.origin
            )

    def failed_moves(self, op: Op, k: int, gone: bool) -> None:
        """What the results of a ``try`` are where handler ``k`` caught something; ``gone``: and raises."""
        which = op.regions[1].params[0]
        pairs = [
            (o, Const(k) if a is which else a)
            for o, a in zip(op.outs, op.regions[1].results, strict=True)
            if self.wanted(o) and not (isinstance(a, Undef) and (gone or self.read_if_well(o, op)))
        ]
        self.moves(pairs, op.origin, op)

    def read_if_well(self, v: Val, block: Op) -> bool:
        """Whether a result of a ``try`` is read only where its body ran to its end."""
        for where, user in self.lay.uses.get(v, []):
            r: Region | None = where
            while r is not None and user is None:
                parent = self.names.parents[r]
                if parent is None or parent[1].code in ("for", "while"):
                    return False
                if self.asks(parent[1], block, 0) and r is parent[1].regions[0]:
                    break
                r = parent[0]
        return True

    def arms(self, chain: list[Op]) -> list[list[Any]]:
        """The statements of the handlers: branches, each in the ``else`` of the one before."""
        first, *rest = chain
        if not rest:
            return [self.arm(first, first.regions[1])]
        other = first.regions[1]
        self.enclosing.append((first, other))
        got = [self.arm(rest[0], rest[0].regions[0]), *self.arms(rest)]
        self.enclosing.pop()
        return [self.finished(first, other, stmts) for stmts in got]

    def paired_with(self, op: Op, region: Region, error: Val | None) -> list[Op]:
        """The branches that are the handlers of a ``try``; none if they do not follow at once."""
        if any(self.collectors.get(o) for o in op.outs):
            return []  # what is put on a tape is put there before
        after = region.ops[region.ops.index(op) + 1 :]
        chain: list[Op] = []
        for k in range(len(op.ins)):
            real = [o for o in after if o not in self.lay.folded and o not in self.lay.silent]
            if not real or not self.asks(real[0], op, k) or (chain and len(real) > 1):
                return []
            chain.append(real[0])
            after = real[0].regions[1].ops
        if error is not None and not self.used_within(error, chain[0].regions[1]):
            return []
        self.paired.update(chain)
        return chain

    def asks(self, op: Op, block: Op, k: int) -> bool:
        """Whether a branch asks if ``block`` ended in the way ``k``."""
        cond = op.ins[0] if op.code == "if" else None
        if not isinstance(cond, Val) or cond.op not in self.lay.folded or op in self.lay.inline_ifs:
            return False
        test = cond.op
        if test is None or test.code != "prim" or test.fn is not ops.exit_is:
            return False
        which, number = test.ins
        return is_which(which) and which in block.outs and same(number, Const(k))

    def asked_only_by(self, which: Val, chain: list[Op]) -> bool:
        tests = {op.ins[0] for op in chain}
        users = [user for _, user in self.lay.uses.get(which, [])]
        return all(user is not None and user.outs and user.out in tests for user in users)

    def used_within(self, v: Val, region: Region) -> bool:
        for where, _ in self.lay.uses.get(v, []):
            r = where
            while r is not region:
                parent = self.names.parents[r]
                if parent is None:
                    return False
                r = parent[0]
        return True

    def wanted(self, v: Val) -> bool:
        return bool(self.lay.uses.get(v)) and not self.is_exit_code(v) and v not in self.unwanted

    def is_exit_code(self, v: Val) -> bool:
        """Exit codes that are printed as ``break`` need no variable."""
        return v in self.silent_codes

    @property
    def silent_codes(self) -> set[Val]:
        if not hasattr(self, "_silent"):
            self._silent: set[Val] = set()
            self._tails: dict[Region, tuple[Op, Atom]] = {}
            self.scan_exits(self.graph.region)
        return self._silent

    def scan_exits(self, region: Region) -> None:
        for op in region.ops:
            if op.code in ("for", "while") and op.attrs["exits"]:
                view = LoopView(op)
                exit = view.exit_result
                if isinstance(exit, Val):
                    self.follow_exit(exit, view.body, op)
            for r in op.regions:
                self.scan_exits(r)

    def can_follow(self, code: Atom, region: Region) -> bool:
        """Whether a code is set by a region's last ``if``, down to constants, and used for nothing else."""
        if isinstance(code, Const):
            return True
        if not isinstance(code, Val):
            return False
        op = code.op
        if (
            op is None
            or op.code != "if"
            or not region.ops
            or region.ops[-1] is not op
            or op in self.lay.inline_ifs
        ):
            return False
        if len(self.lay.uses.get(code, [])) != 1:
            return False
        at = op.outs.index(code)
        return all(self.can_follow(r.results[at], r) for r in op.regions)

    def follow_exit(self, code: Val, region: Region, loop: Op) -> None:
        """Such a code is printed as a ``break`` in the branches that set it."""
        if not self.can_follow(code, region):
            return
        self.silence(code, loop)

    def silence(self, code: Val, loop: Op) -> None:
        op = code.op
        assert op is not None
        at = op.outs.index(code)
        self._silent.add(code)
        for r in op.regions:
            a = r.results[at]
            self._tails[r] = (loop, a)
            if isinstance(a, Val):
                self.silence(a, loop)

    def leave(self, op: Op, region: Region, stmts: list[Any]) -> list[Any]:
        """Add the ``break`` (or ``continue``) of a branch in which a trip ends early."""
        self.silent_codes  # noqa: B018
        if region not in self._tails:
            return stmts
        loop, code = self._tails[region]
        if (
            not isinstance(code, Const)
            or not (code.value in loop.attrs["exits"] or code.value == 3)
            or ends(stmts)
        ):
            return stmts
        body = LoopView(loop).body
        old, self.out = self.out, list(stmts)
        self.collects_in(op.outs, loop)
        for outer, r in reversed(self.enclosing):
            if r is body:
                break
            self.moves(
                [(o, a) for o, a in zip(outer.outs, r.results, strict=True) if self.wanted(o)],
                op.origin,
                outer,
            )
            self.collects_in(outer.outs, loop)
        self.collect_rest(loop)
        self.loop_end(loop, body)
        if code.value == 3:
            self.emit(gast.Continue(), op.origin)
        else:
            out = LoopView(loop).exit_out
            if out is not None and self.lay.uses.get(out):
                self.emit(
                    gast.Assign([store(self.names[out])], self.exit_const(loop, code.value), None), op.origin
                )
            self.emit(gast.Break(), op.origin)
        stmts, self.out = self.out, old
        return stmts

    def collects_in(self, values: list[Val], loop: Op) -> None:
        """Append values to the tapes of ``loop``, before a trip ends early."""
        for v in values:
            for loop_op, tape in self.collectors.get(v, []):
                if loop_op is loop and v not in self.flat:
                    self.append(tape, self.expr(v))

    def collect_rest(self, loop: Op) -> None:
        """Append what is not one value of a trip: tuples of several."""
        view = LoopView(loop)
        for c, t in zip(view.collected, view.tapes, strict=True):
            inside = isinstance(c, Val) and self.names_defined_in(c, view.body)
            if not inside and not self.from_outside(c, view.body):
                self.append(t, self.expr(c))

    def exit_const(self, loop: Op, code: int) -> Any:
        return const(True) if len(loop.attrs["exits"]) == 1 else const(code)

    def loop_end(self, op: Op, body: Region) -> None:
        """What happens at the end of every trip: the carried variables take their new values."""
        view = LoopView(op)
        self.moves(
            [(p, y) for p, y in zip(view.params, view.yields, strict=True) if self.live_param(op, p)],
            op.origin,
        )

    def live_param(self, op: Op, p: Val) -> bool:
        return True

    def kept(self, v: Val) -> bool:
        """Whether a value is put away (taped, carried on) on every path, also where it has not been set."""
        return any(user is None or user.attrs.get("unset") for _, user in self.lay.uses.get(v, []))

    def taped_unset(self, p: Val, loop: Op) -> bool:
        """Whether a variable that is not set before a loop may be put on a tape before it is set."""
        todo: list[tuple[Val, Op | None]] = [(p, loop)]
        seen = set()
        while todo:
            v, op = todo.pop()
            if v in seen:
                continue
            seen.add(v)
            view = LoopView(op) if op is not None else None
            if op is not None and view is not None and v in view.params:
                todo.append((view.finals[view.params.index(v)], op))
            for where, user in self.lay.uses.get(v, []):
                parent = self.names.parents[where]
                if user is None and parent is None:
                    return True
                if user is None and parent is not None:
                    owner = parent[1]
                    if owner.code in ("for", "while"):
                        around = LoopView(owner)
                        if v in vals(around.collected):
                            return True
                        todo += [(q, owner) for q, y in zip(around.params, around.yields) if y is v]
                    else:  # on a path of a branch it is what it was
                        todo += [(o, None) for o, a in zip(owner.outs, where.results) if a is v]
                if user is not None and user.attrs.get("unset"):
                    return True
                if user is not None and user.code in ("for", "while"):
                    inner = LoopView(user)
                    todo += [(q, user) for q, i in zip(inner.params, inner.inits, strict=True) if i is v]
        return False

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
        while todo:
            for k, (target, _, _) in enumerate(todo):
                if not any(target in reads for j, (_, _, reads) in enumerate(todo) if j != k):
                    break
            else:
                targets = [store(t) for t, _, _ in todo]
                values = [v for _, v, _ in todo]
                self.emit(
                    gast.Assign([gast.Tuple(targets, gast.Store())], gast.Tuple(values, gast.Load()), None),
                    origin,
                )
                return
            target, value, _ = todo.pop(k)
            self.assign(store(target), value, origin)
        self.none_at_once()

    def none_at_once(self) -> None:
        """``a = None``, ``b = None`` and so on, one after the other, are one statement."""
        n = len(self.out)
        while n and is_none(self.out[n - 1]):
            n -= 1
        run = self.out[n:]
        if len(run) >= FEW_NONES:
            one = gast.Assign([t for s in run for t in s.targets], const(None), None)
            one.origin = run[0].origin
            self.out[n:] = [one]

    # ---- loops
    def loop(self, op: Op, region: Region) -> None:
        view = LoopView(op)
        starts = list(zip(view.params, view.inits, strict=True))
        if op.origin is not None and not op.origin.adjoint:  # as they would be read again
            starts.sort(key=lambda start: not self.computed(start[1]))
        taped = [p for p, i in starts if isinstance(i, Undef) and self.taped_unset(p, op)]
        self.moves(
            [(p, Const(None) if isinstance(i, Undef) and p in taped else i) for p, i in starts], op.origin
        )
        for t in view.tapes:
            if t in self.flat:
                continue
            self.emit(gast.Assign([store(self.names[t])], gast.List([], gast.Load()), None), op.origin)
        out = view.exit_out
        if out is not None and self.lay.uses.get(out):
            start = const(False) if len(op.attrs["exits"]) == 1 else const(0)
            self.emit(gast.Assign([store(self.names[out])], start, None), op.origin)
        count = any(user not in self.drains for _, user in self.lay.uses.get(view.trips, []))
        if count:
            self.emit(gast.Assign([store(self.names[view.trips])], const(0), None), op.origin)
        pops = [
            (e, s)
            for e, s in zip(view.elements, view.sources, strict=True)
            if self.poppable.get(e) is op and self.lay.uses.get(e)
        ]
        head = self.header(op, view, {e for e, _ in pops})
        drained = self.drained(op, view, pops)
        old, self.out = self.out, []
        if count:
            self.emit(gast.AugAssign(store(self.names[view.trips]), gast.Add(), const(1)), op.origin)
        for e, s in pops:
            if e in self.elements_of:
                continue
            source = name(self.tape_name(s)) if isinstance(s, Val) else self.expr(s)
            self.emit(gast.Assign([self.target(e)], call(attr(source, "pop")), None), op.origin)
        body = self.out
        self.out = old
        self.out, old = body, self.out
        for c, t in zip(view.collected, view.tapes, strict=True):
            if self.from_outside(c, view.body):  # also where the trip is left early
                self.append(t, self.expr(c))
        self.out = old
        outer_if, self.enclosing = self.enclosing, [(op, view.body)]
        body += self.region(view.body)
        self.enclosing = outer_if
        self.out, old = body, self.out
        self.collect_rest(op)
        if not ends(self.out):
            self.loop_end(op, view.body)
            self.exit_test(op, view)
        body, self.out = self.out, old
        if not strip(body):
            body.append(gast.Pass())
        if op.code == "while":
            self.emit_while(op, view, body)
        elif drained is not None:
            self.emit(gast.While(self.expr(drained), body, []), op.origin)
        else:
            target, it = head
            self.emit(gast.For(target, it, body, [], None), op.origin)

    def computed(self, a: Atom) -> bool:
        """Whether the expression of a value stands where it is used."""
        return isinstance(a, Val) and a.op is not None and a.op in self.lay.folded

    def drained(self, op: Op, view: LoopView, pops: list[tuple[Val, Atom]]) -> Val | None:
        """A tape that is emptied trip by trip counts the trips: ``while tape:``."""
        if op.attrs.get("head") != 3 or self.lay.uses.get(view.index):
            return None
        popped = {e for e, _ in pops}
        if any(self.lay.uses.get(e) and e not in popped for e in view.elements):
            return None  # a source that others read too is walked through, not emptied
        stop = view.header[1]
        for e, s in pops:
            if e in self.elements_of:
                continue
            if isinstance(s, Val) and (s in self.elements_of or self.holds_flat(s)):
                continue
            if isinstance(s, Val) and isinstance(stop, Val) and stop.op is s.op and self.whole_tape(s):
                return s
        return None

    def holds_flat(self, s: Val) -> bool:
        return s in self.flat.values()

    def whole_tape(self, s: Val) -> bool:
        return s.op is not None and s.op.code in ("for", "while")

    def exit_test(self, op: Op, view: LoopView) -> None:
        """A loop left by a code that is not the last ``if`` of its body."""
        exit = view.exit_result
        if exit is None or (isinstance(exit, Val) and exit in self.silent_codes):
            return
        out = view.exit_out
        value = self.expr(exit)
        if out is not None and self.lay.uses.get(out):
            code = (
                value
                if len(op.attrs["exits"]) > 1
                else gast.Compare(value, [gast.Eq()], [const(op.attrs["exits"][0])])
            )
            self.emit(gast.Assign([store(self.names[out])], code, None), op.origin)
        tests = [gast.Compare(self.expr(exit), [gast.Eq()], [const(c)]) for c in op.attrs["exits"]]
        test = tests[0] if len(tests) == 1 else gast.BoolOp(gast.Or(), tests)
        self.emit(gast.If(test, [gast.Break()], []), op.origin)

    def emit_while(self, op: Op, view: LoopView, body: list[Any]) -> None:
        cond = op.regions[0]
        loose = [o for o in cond.ops if o not in self.lay.folded]
        if not loose:
            self.emit(gast.While(self.expr(cond.results[0]), body, []), op.origin)
            return
        stmts = self.region(cond)
        test = gast.If(negate(self.expr(cond.results[0])), [gast.Break()], [])
        self.emit(gast.While(const(True), [*stmts, test, *body], []), op.origin)

    def header(self, op: Op, view: LoopView, popped: set[Val]) -> Any:
        """Target and iterable of a ``for``."""
        if op.code == "while":
            return None
        index_used = bool(self.lay.uses.get(view.index))
        targets: list[Any] = []
        iters: list[Any] = []
        rows = [
            (s, d, e)
            for s, d, e in zip(view.sources, op.attrs["dirs"], view.elements, strict=True)
            if e not in popped
        ]
        rows = [r for r in rows if self.lay.uses.get(r[2]) or self.ends_loop(op, view, r[0])]
        if op.attrs["head"] == 3 and not index_used and rows and self.covers(view, rows):
            pass
        elif op.attrs["head"] == 3:
            numbered = (
                index_used and len(rows) >= 1 and not op.attrs.get("rev") and self.enumerates(view, rows)
            )
            if numbered:
                inner_t, inner_i = self.zipped([(self.target(e), self.directed(s, d)) for s, d, e in rows])
                return (
                    gast.Tuple([store(self.names[view.index]), inner_t], gast.Store()),
                    call(name("enumerate"), inner_i),
                )
            targets.append(store(self.names[view.index] if index_used else "_"))
            iters.append(self.range_expr(op, view))
        for s, d, e in rows:
            targets.append(self.target(e))
            iters.append(self.directed(s, d))
        return self.zipped(list(zip(targets, iters, strict=True)))

    def ends_loop(self, op: Op, view: LoopView, source: Atom) -> bool:
        """Whether a source decides when the loop ends, read or not."""
        return op.attrs["head"] == 0 or not (op.attrs.get("aligned") or self.enumerates(view, [(source,)]))

    def zipped(self, pairs: list[Any]) -> Any:
        if len(pairs) == 1:
            return pairs[0]
        return gast.Tuple([t for t, _ in pairs], gast.Store()), call(name("zip"), *[i for _, i in pairs])

    def target(self, e: Val) -> Any:
        """What a ``for`` binds: a name, or the names of a tuple's parts."""
        if not self.lay.uses.get(e):
            return store("_")
        parts = self.parts.get(e)
        if parts is not None:
            return gast.Tuple(
                [store(self.names[p]) if p is not None else store("_") for p in parts], gast.Store()
            )
        return store(self.names[e])

    def find_parts(self, region: Region) -> None:
        """Elements that are only taken apart, at the top of the body, are bound part by part."""
        for op in region.ops:
            for r in op.regions:
                self.find_parts(r)
            if op.code not in ("for", "while"):
                continue
            view = LoopView(op)
            for e in view.elements:
                k = kind(e)
                if not isinstance(k, Tree) or k.type is not tuple:
                    continue
                uses = self.lay.uses.get(e, [])
                parts: list[Val | None] = [None] * len(k.items)
                taken, takers = set(), []
                for where, user in uses:
                    if (
                        where is not view.body
                        or user is None
                        or user.fn is not operator.getitem
                        or user.ins[0] is not e
                    ):
                        break
                    assert isinstance(user.ins[1], Const)
                    if self.lay.uses.get(user.out):
                        parts[user.ins[1].value] = user.out
                    taken.add(user.ins[1].value)
                    takers.append(user)
                else:
                    if len(taken) == len(takers):
                        self.parts[e] = parts
                        self.lay.silent.update(takers)
                        self.lay.folded.difference_update(takers)

    def directed(self, s: Atom, d: int) -> Any:
        return self.expr(s) if d == 1 else call(name("reversed"), self.expr(s))

    def covers(self, view: LoopView, rows: list[Any]) -> bool:
        """Whether the range only counts the elements of a source."""
        return self.enumerates(view, rows)

    def enumerates(self, view: LoopView, rows: list[Any]) -> bool:
        start, stop, step = view.header
        if (
            not (same(start, Const(0)) and same(step, Const(1)))
            or not isinstance(stop, Val)
            or stop.op is None
        ):
            return False
        if view.op.attrs.get("rev"):
            return False
        s = rows[0][0]
        if stop.op.code == "prim" and stop.op.fn is len and stop.op.ins[0] is s:
            return True
        return (
            stop.op.code == "prim"
            and stop.op.fn is ops.shape_at
            and stop.op.ins[0] is s
            and same(stop.op.ins[1], Const(0))
        )

    def range_expr(self, op: Op, view: LoopView) -> Any:
        start, stop, step = view.header
        args = [self.expr(stop)]
        if not same(start, Const(0)) or not same(step, Const(1)):
            args.insert(0, self.expr(start))
        if not same(step, Const(1)):
            args.append(self.expr(step))
        r = call(name("range"), *args)
        return call(name("reversed"), r) if op.attrs.get("rev") and bool(self.lay.uses.get(view.index)) else r

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
                None if isinstance(x, Const) and x.value is None else self.expr(x)
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
        return attr(self.expr(base), "shape")

    def index(self, a: Atom) -> Any:
        if isinstance(a, Slice):
            parts = [
                None if isinstance(x, Const) and x.value is None else self.expr(x)
                for x in (a.lower, a.upper, a.step)
            ]
            return gast.Slice(*parts)
        if isinstance(a, Struct) and a.type is tuple:
            return gast.Tuple([self.index(x) for x in a.items], gast.Load())
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
        fn = op.fn
        args = op.ins
        names = op.attrs.get("names") or ("",) * len(args)
        handler = _SPELLED.get(fn)
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
        if method and isinstance(args[0], Const) and home_of(fn) is not None:
            method = None  # a number that is known by now has no methods of arrays
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


def _getitem(self: Assembler, op: Op) -> Any:
    return gast.Subscript(self.expr(op.ins[0]), self.index(op.ins[1]), gast.Load())


def _getfield(self: Assembler, op: Op) -> Any:
    assert isinstance(op.ins[1], Const)
    return attr(self.expr(op.ins[0]), op.ins[1].value)


def _shape_at(self: Assembler, op: Op) -> Any:
    return gast.Subscript(attr(self.expr(op.ins[0]), "shape"), self.expr(op.ins[1]), gast.Load())


def _getattr(self: Assembler, op: Op) -> Any:
    assert isinstance(op.ins[1], Const)
    return attr(self.expr(op.ins[0]), op.ins[1].value)


def _copied(self: Assembler, op: Op) -> Any:
    k = kind(op.ins[0])
    x = self.expr(op.ins[0])
    if op.ins[0] in self.graph.info.get("maybe", ()):  # copy.copy(None) is None
        k = UNKNOWN
    row = k.elem if isinstance(k, Seq) and not isinstance(k, Map) else None
    flat = isinstance(row, Seq) and not isinstance(row, Map) and not holds_list(row.elem)
    if flat or (isinstance(row, Tree) and row.type is list and not any(map(holds_list, row.items))):
        target = gast.Name("row", gast.Store(), None, None)
        each = gast.comprehension(target, x, [], 0)
        return gast.ListComp(call(attr(name("row"), "copy")), [each])
    if isinstance(k, Array) or (isinstance(k, Seq) and not holds_list(k.elem)):
        rows = [gast.Constant("K", None)] if self.by_memory and isinstance(k, Array) else []
        return call(attr(x, "copy"), *rows)
    deep = holds_list(k)
    return call(self.spelling.reference(copy.deepcopy if deep else copy.copy, "copy"), x)


def holds_list(k: Kind) -> bool:
    """Whether values of a kind are lists, or hold some: these are copied with what holds them."""
    if isinstance(k, Tree):
        return k.type in (list, dict) or any(map(holds_list, k.items))
    return isinstance(k, Seq)


def _accumulate(self: Assembler, op: Op) -> Any:
    left, right = self.expr(op.ins[0]), self.expr(op.ins[1])
    if isinstance(right, gast.UnaryOp) and isinstance(right.op, gast.USub):
        node = gast.BinOp(left, gast.Sub(), right.operand)
    else:
        node = gast.BinOp(left, gast.Add(), right)
    node.scalar = isinstance(kind(op.ins[0]), Scalar) and isinstance(kind(op.ins[1]), Scalar)
    return node


def _poplast(self: Assembler, op: Op) -> Any:
    return gast.Subscript(self.expr(op.ins[0]), gast.UnaryOp(gast.USub(), const(1)), gast.Load())


def _exit_is(self: Assembler, op: Op) -> Any:
    code, which = op.ins
    value = self.expr(code)
    assert isinstance(which, Const)
    if (
        isinstance(code, Val)
        and code.op is not None
        and code.op.code in ("for", "while")
        and len(code.op.attrs["exits"]) == 1
    ):
        return value if which.value else gast.UnaryOp(gast.Not(), value)
    if isinstance(code, Val) and code.name == "failed" and which.value == 0:
        return gast.UnaryOp(gast.Not(), value)
    return gast.Compare(value, [gast.Eq()], [const(which.value)])


def _order(self: Assembler, op: Op) -> Any:
    """``sorted(range(len(keys)), key=keys.__getitem__)``."""
    keys = self.expr(op.ins[0])
    options = {"key": attr(keys, "__getitem__")}
    if op.ins[1] != Const(False):
        options["reverse"] = self.expr(op.ins[1])
    return call(name("sorted"), call(name("range"), call(name("len"), keys)), **options)


def _transpose(self: Assembler, op: Op) -> Any:
    k = kind(op.ins[0])
    if len(op.ins) == 1 and (
        (op.attrs.get("method") in ("T", "transpose", "", None)
        and isinstance(k, Array))
        or op.attrs.get("method") == "T"
    ):
        return attr(self.expr(op.ins[0]), "T")
    pos = [self.expr(a) for a in op.ins]
    return gast.Call(self.spelling.callee(np.transpose, ""), pos, [])


def _abs(self: Assembler, op: Op) -> Any:
    if isinstance(kind(op.ins[0]), Scalar):
        return call(name("abs"), self.expr(op.ins[0]))
    return call(attr(name(self.spelling.module(np)), "abs"), self.expr(op.ins[0]))


def _mark(self: Assembler, op: Op) -> Any:
    """A function of srcdiff itself: ``stop_gradient``, ``checkpoint``."""
    word = op.fn.__name__
    self.spelling.imports[word] = f"from srcdiff import {word}"
    names = op.attrs.get("names") or ("",) * len(op.ins)
    given = [(n, self.expr(a)) for n, a in zip(names, op.ins, strict=True)]
    return gast.Call(name(word), [e for n, e in given if not n], [gast.keyword(n, e) for n, e in given if n])


def _list(self: Assembler, op: Op) -> Any:
    if op.attrs.get("display") and isinstance(op.ins[0], Struct):
        return gast.List([self.expr(x) for x in op.ins[0].items], gast.Load())
    if op.attrs.get("tolist"):
        return call(attr(self.expr(op.ins[0]), "tolist"))
    return call(name("list"), self.expr(op.ins[0]))


def _dict(self: Assembler, op: Op) -> Any:
    return self.expr(op.ins[0])


def _contains(self: Assembler, op: Op) -> Any:
    return gast.Compare(self.expr(op.ins[1]), [gast.In()], [self.expr(op.ins[0])])


def _concat(self: Assembler, op: Op) -> Any:
    return gast.BinOp(self.expr(op.ins[0]), gast.Add(), self.expr(op.ins[1]))


_SPELLED: dict[Any, Any] = {
    operator.getitem: _getitem, ops.getfield: _getfield, ops.shape_at: _shape_at, getattr: _getattr,
    dict: _dict, ops.copied: _copied, ops.attribute: _getattr,
    ops.accumulate: _accumulate, ops.poplast: _poplast, ops.exit_is: _exit_is,
    ops.order: _order,
    np.transpose: _transpose, operator.abs: _abs, ops.stop_gradient: _mark, checkpoint: _mark, list: _list,
    ops.keys: _list,
    operator.contains: _contains, operator.concat: _concat,
}  # fmt: skip


def shortened(text: str) -> str:
    """The beginning of a long statement, for a comment."""
    if len(text) <= LONGEST_COMMENT:
        return text
    at = text.rfind(" ", 0, LONGEST_COMMENT - 3)
    return text[: at if at > 0 else LONGEST_COMMENT - 4] + " ..."


def strip(stmts: list[Any]) -> list[Any]:
    return [s for s in stmts if not isinstance(s, (Blank, Comment, gast.Pass))]


def filled(stmts: list[Any]) -> list[Any]:
    return stmts if strip(stmts) else [*stmts, gast.Pass()]


def blocks(s: Any) -> list[tuple[Any, str]]:
    """The lists of statements inside a statement: who holds them, and as what."""
    if isinstance(s, gast.FunctionDef):
        return []
    holders = [s, *getattr(s, "handlers", ())]
    found = [(h, f) for h in holders for f in ("body", "orelse", "finalbody")]
    return [(h, f) for h, f in found if isinstance(getattr(h, f, None), list) and getattr(h, f)]


def named_in(stmts: list[Any], caught: str) -> Any:
    """The name of a handler's exception, if its statements use it; raising it again takes none."""
    for s in stmts:
        for n in gast.walk(s):
            if isinstance(n, gast.Raise) and n.cause is None and is_name(n.exc, caught):
                n.exc = None
    used = any(is_name(n, caught) for s in stmts for n in gast.walk(s))
    return store(caught) if used else None


FEW_NONES = 3


def is_none(s: Any) -> bool:
    return isinstance(s, gast.Assign) and isinstance(s.value, gast.Constant) and s.value.value is None


def is_name(node: Any, id: str) -> bool:
    return isinstance(node, gast.Name) and node.id == id


def finals(handlers: list[Any], op: Op, orelse: list[Any]) -> list[Any] | None:
    """The statements of a ``finally``: done after any exception, which goes on, and after the body."""
    if len(handlers) != 1 or not isinstance(op.ins[0], Ref) or op.ins[0].obj is not BaseException:
        return None
    *stmts, end = strip(handlers[0].body) or [None]
    if not isinstance(end, gast.Raise) or end.exc is not None or handlers[0].name is not None:
        return None
    first = orelse[: len(stmts)]
    if [gast.dump(s) for s in first] != [gast.dump(s) for s in stmts]:
        return None
    return first


def ends(stmts: list[Any]) -> bool:
    real = strip(stmts)
    return bool(real) and isinstance(real[-1], (gast.Break, gast.Continue, gast.Return, gast.Raise))


def negate(test: Any) -> Any:
    flip = {
        "Eq": gast.NotEq,
        "NotEq": gast.Eq,
        "Is": gast.IsNot,
        "IsNot": gast.Is,
        "In": gast.NotIn,
        "NotIn": gast.In,
    }
    if isinstance(test, gast.Compare) and len(test.ops) == 1 and type(test.ops[0]).__name__ in flip:
        return gast.Compare(test.left, [flip[type(test.ops[0]).__name__]()], test.comparators)
    if isinstance(test, gast.UnaryOp) and isinstance(test.op, gast.Not):
        return test.operand
    return gast.UnaryOp(gast.Not(), test)
