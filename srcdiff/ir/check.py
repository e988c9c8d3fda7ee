"""The checker: what every pass may rely on, and must leave as it found it.

Run after each pass in the tests; a fault is ours, never the user's.
"""

from __future__ import annotations

import typing

from srcdiff.errors import InternalError
from srcdiff.ir.graph import (
    Atom,
    Const,
    Graph,
    LoopView,
    Op,
    Ref,
    Region,
    Slice,
    Struct,
    Undef,
    Val,
    Zero,
    flat,
    managed,
    vals,
)
from srcdiff.ir.kinds import Kind, Seq

__all__ = ["check", "faults"]

KINDS = typing.get_args(Kind)
ATOMS = (Val, Const, Ref, Slice, Struct, Undef)
LIMIT = 12  # faults reported at once


def check(graph: Graph) -> None:
    """Raise ``InternalError`` unless the graph is well formed."""
    found = faults(graph)
    if found:
        more = [f"... and {len(found) - LIMIT} more"] if len(found) > LIMIT else []
        raise InternalError(
            "\n".join([f"the graph of {graph.name} is not well formed:", *found[:LIMIT], *more])
        )


def faults(graph: Graph) -> list[str]:
    """Everything that is wrong with a graph, and with those that it calls, in words."""
    graphs, found = [graph], []
    for g in graphs:  # grows while it is walked
        checker = Checker()
        checker.region(g.region, "the function", None)
        for name, v in g.info.get("values", {}).items():
            if isinstance(v, Val) and v not in checker.defined:
                checker.fault(None, f"info['values'][{name!r}] is {v}, which the graph does not define")
        found += checker.found
        graphs += [c for c in checker.calls if c not in graphs]
    return found


class Checker:
    """One walk, with the values that are visible at each point."""

    def __init__(self) -> None:
        self.defined: set[Val] = set()
        self.visible: set[Val] = set()
        self.ops: set[int] = set()
        self.calls: list[Graph] = []
        self.found: list[str] = []

    def fault(self, op: Op | None, what: str) -> None:
        where = "" if op is None or op.origin is None else f"  [line {op.origin.line}: {op.origin.text}]"
        self.found.append(f"{what}{'' if op is None else f' in {op!r}'}{where}")

    # ---- values
    def define(self, v: Val, op: Op | None) -> None:
        if not isinstance(v, Val):
            self.fault(op, f"{v!r} is defined, but is not a value")
            return
        if v in self.defined:
            self.fault(op, f"{v} is defined twice")
        if not isinstance(v.kind, KINDS):
            self.fault(op, f"{v} has no kind but {v.kind!r}")
        self.defined.add(v)
        self.visible.add(v)

    def use(self, atoms: list[Atom], op: Op | None, where: str, undefined: bool = True) -> None:
        for a in flat(atoms):
            if isinstance(a, Zero):
                self.fault(op, f"a symbolic zero is left {where}")
            elif not isinstance(a, ATOMS):
                self.fault(op, f"{a!r} is no atom, {where}")
            elif isinstance(a, Undef) and not undefined:
                self.fault(op, f"an undefined value is read {where}")
        for v in vals(atoms):
            if v not in self.visible:
                why = (
                    "outside the region that defines it, or before that"
                    if v in self.defined
                    else "and never defined before"
                )
                self.fault(op, f"{v} is used {where}, {why}")

    # ---- regions and operations
    def region(self, region: Region, where: str, op: Op | None) -> None:
        outside = set(self.visible)
        for p in region.params:
            self.define(p, op)
            if p.op is not None and p.op is not op:
                self.fault(op, f"the parameter {p} of {where} points to {p.op!r}")
        for o in region.ops:
            if id(o) in self.ops:
                self.fault(o, "an operation stands in two places")
            self.ops.add(id(o))
            self.op(o)
        self.use(region.results, op, f"as a result of {where}")
        self.visible = outside

    def op(self, op: Op) -> None:
        shape = _SHAPES.get(op.code)
        if shape is None:
            self.fault(
                op,
                f"an operation {op.code!r} is left"
                if op.code == "need"
                else f"an unknown operation {op.code!r}",
            )
        else:
            shape(self, op)
        unset = op.is_loop or bool(op.attrs.get("unset"))
        self.use(op.ins, op, "as an operand", unset)
        for n, r in enumerate(op.regions):
            self.region(r, f"region {n} of {op.code}", op)
        for o in op.outs:
            self.define(o, op)
            if o.op is not op:
                self.fault(op, f"{o} is made here, but points to {o.op!r}")

    def expect(self, op: Op, what: str, got: int, wanted: int) -> None:
        if got != wanted:
            self.fault(op, f"{got} {what}, {wanted} expected,")

    # ---- the shape of each operation
    def prim(self, op: Op) -> None:
        self.expect(op, "results", len(op.outs), 1)
        self.expect(op, "regions", len(op.regions), 0)
        if op.attrs.get("fn") is not op.fn:
            self.fault(op, f"its attributes speak of {op.attrs.get('fn')!r}")
        if not callable(op.fn):
            self.fault(op, f"{op.fn!r} cannot be called")
        names = op.attrs.get("names")
        if names:
            self.expect(op, "argument names", len(names), len(op.ins))
            if any(not n for n in names[len(list(_until_named(names))) :]):
                self.fault(op, "a positional argument after one by keyword")

    def opaque(self, op: Op) -> None:
        self.expect(op, "free names", len(op.attrs.get("free", ())), len(op.ins))
        self.expect(op, "results", len(op.outs), 0 if op.attrs.get("effect") else 1)
        if op.attrs.get("tree") is None:
            self.fault(op, "an opaque operation without its tree")

    def call(self, op: Op) -> None:
        if not isinstance(op.attrs.get("graph"), Graph):
            self.fault(op, "a call without a graph")
            return
        self.calls.append(op.attrs["graph"])
        callee = op.attrs["graph"].region
        if not callee.results:
            return  # still being made
        self.expect(op, "arguments", len(op.ins), len(callee.params))
        self.expect(op, "results", len(op.outs), len(callee.results))

    def unpack(self, op: Op) -> None:
        self.expect(op, "operands", len(op.ins), 1)

    def branch(self, op: Op) -> None:
        self.expect(op, "operands", len(op.ins), 1)
        self.expect(op, "regions", len(op.regions), 2)
        for r in op.regions:
            self.expect(op, "parameters of a branch", len(r.params), 0)
            self.expect(op, "results of a branch", len(r.results), len(op.outs))

    def protected(self, op: Op) -> None:
        self.expect(op, "regions", len(op.regions), 2)
        body, failed = op.regions
        if not op.ins:
            self.fault(op, "a try without handlers")
        self.expect(op, "parameters of the body", len(body.params), 0)
        self.expect(op, "parameters of the other region", len(failed.params), 2)
        for r in op.regions:
            self.expect(op, "results of a region", len(r.results), len(op.outs))

    def block(self, op: Op) -> None:
        self.expect(op, "regions", len(op.regions), 1)
        if op.fn is None and len(op.ins) > 1:
            self.fault(op, f"{len(op.ins)} managers")
        self.expect(op, "parameters of the body", len(op.regions[0].params), int(managed(op)))
        self.expect(op, "results of the body", len(op.regions[0].results), len(op.outs))

    def loop(self, op: Op) -> None:
        missing = {"head", "carried", "dirs", "exits"} - op.attrs.keys()
        if missing:
            self.fault(op, f"a loop without {', '.join(sorted(missing))}")
            return
        view, is_for = LoopView(op), op.code == "for"
        self.expect(op, "regions", len(op.regions), 1 if is_for else 2)
        if view.head not in ((0, 3) if is_for else (0,)):
            self.fault(op, f"a header of {view.head} parts")
        sources = len(op.attrs["dirs"])
        exits = 1 if op.attrs["exits"] else 0
        self.expect(op, "operands", len(op.ins), view.head + view.carried + sources)
        self.expect(
            op, "parameters of the body", len(view.body.params), view.has_index + view.carried + sources
        )
        if len(view.body.results) < view.carried + exits:
            self.fault(op, f"{len(view.body.results)} results of the body for {view.carried} variables")
            return
        collected = len(view.body.results) - view.carried - exits
        self.expect(op, "results", len(op.outs), view.carried + collected + exits + 1)
        if any(d not in (1, -1) for d in op.attrs["dirs"]):
            self.fault(op, f"directions {op.attrs['dirs']}")
        if is_for and not view.head and not sources:
            self.fault(op, "a loop over nothing")
        if not is_for:
            self.expect(op, "parameters of the test", len(op.regions[0].params), view.carried)
            self.expect(op, "results of the test", len(op.regions[0].results), 1)
        for a in (*view.header, *view.sources):
            if isinstance(a, Undef):
                self.fault(op, "an undefined value decides how often a loop runs")
        for t in op.outs[view.carried : view.carried + collected]:
            if not isinstance(t.kind, Seq):
                self.fault(op, f"the tape {t} is of kind {t.kind}")


def _until_named(names: tuple[str, ...]) -> typing.Iterator[str]:
    for n in names:
        if n:
            return
        yield n


_SHAPES: dict[str, typing.Callable[[Checker, Op], None]] = {
    "prim": Checker.prim, "opaque": Checker.opaque, "call": Checker.call, "unpack": Checker.unpack,
    "if": Checker.branch, "try": Checker.protected, "with": Checker.block,
    "for": Checker.loop, "while": Checker.loop,
}  # fmt: skip
