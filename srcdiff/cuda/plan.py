"""Kernels in the place of what they do, in a graph; what stays as it is, and why."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import gast
import numpy as np

from srcdiff.compiled import tables as shared
from srcdiff.compiled.partition import Left, Partition, movable
from srcdiff.compiled.values import Unsupported, is_unbroadcast, word_for
from srcdiff.cuda.dtypes import as_elements
from srcdiff.cuda.groups import Group, Grouper, Node, dims_of, is_constant
from srcdiff.cuda.kernels import Kernel, Writer
from srcdiff.cuda.loops import Recurrence
from srcdiff.cuda.nests import Nest
from srcdiff.cuda.rows import Rows, find_rows
from srcdiff.cuda.rowtext import RowWriter
from srcdiff.cuda.shifts import Shifts, find_shifts, gathered, write_shifts
from srcdiff.cuda.sums import Expression, find_reductions, write_reduction
from srcdiff.cuda.tables import spelled
from srcdiff.ir import ops
from srcdiff.ir.graph import Graph, Op, Region, Val, vals, walk
from srcdiff.ir.kinds import Array
from srcdiff.ir.regions import map_region, remove

__all__ = ["Plan", "fused"]

W = TypeVar("W", bound=Writer)

FREE = (ops.shape_at, len, getattr, np.size, np.transpose, np.swapaxes, np.expand_dims, np.broadcast_to)
QUIET = (*FREE, operator.getitem)  # views and sizes


@dataclass(slots=True)
class Plan:
    """The kernels of a graph, and what is none."""

    kernels: dict[Graph, Kernel] = field(default_factory=dict)  # by what stands for each in the graph
    left: list[Left] = field(default_factory=list)
    again: dict[int, str] = field(default_factory=dict)  # loops, by their places, that are better left alone

    @property
    def words(self) -> tuple[str, ...]:
        """Names that the text must leave alone."""
        return ("cp", *(w for k in self.kernels.values() for w in (k.name, f"{k.name}_cuda")))

    def functions(self) -> tuple[dict[Graph, tuple[str, Any]], dict[str, str]]:
        """The functions that call kernels, by what stands for each, and the imports that they need."""
        out: dict[Graph, tuple[str, Any]] = {}
        imports: dict[str, str] = {}
        for stub, k in self.kernels.items():
            out[stub] = k.name, gast.parse(k.host).body[0] if k.host else None
            imports["cp"] = "import cupy as cp"
            if "math." in k.host:
                imports["math"] = "import math"
        return out, imports

    def above(self) -> list[str]:
        """The statements that make the kernels."""
        return [k.text for k in self.kernels.values()]


def fused(
    graph: Graph, memory: Callable[[Val], frozenset[Any]], written: frozenset[Any], banned: dict[int, str]
) -> Plan:
    """Put kernels in the place of what they do; ``banned``: loops, by their places, to be left alone."""
    as_elements(graph.region)
    return Fusion(graph, memory, written, banned).run()


class Fusion(Partition):
    """The regions of a graph, one after the other."""

    def __init__(
        self,
        graph: Graph,
        memory: Callable[[Val], frozenset[Any]],
        written: frozenset[Any],
        banned: dict[int, str],
    ) -> None:
        super().__init__(graph, memory, written, banned)
        self.numbers: dict[Op, Op] = {}  # lists of numbers of the device, and the loops that made them
        self.fusion = Plan()
        self.reductions: dict[Op, list[Op]] = {}  # along axes, with what they do by themselves
        self.tapes: dict[Val, Val] = {}  # lists that a kernel fills, and their arrays
        self.spare: set[Op] = set()  # operations that kernels do again

    def run(self) -> Plan:  # type: ignore[override]
        self.region(self.graph.region)
        if self.used:
            map_region(self.used_now, self.graph.region)
        self.drop(self.graph.region)
        for made in walk(self.graph.region):
            if made in self.numbers:  # they would be numbers of the host: each a wait for the device
                why = "what it saves for the way back is read by no kernel"
                self.fusion.again[self.place[self.numbers[made]]] = why
        return self.fusion

    def region(self, region: Region) -> None:
        shifts = find_shifts(region.ops)
        grouper = Grouper(self.memory, self.written, self.unsure, self.users, shifts)
        for op in region.ops:
            if not op.regions:
                grouper.put(op)
                continue
            node = grouper.node_of(op)  # before kernels stand in it
            grouper.nodes.append(node)
            if op.code == "for" and self.loop(op, node):
                continue
            for r in op.regions:
                if not (op.code == "while" and r is op.regions[0]):
                    self.region(r)
        out: list[Op] = []
        nodes = gathered(grouper.nodes, shifts)
        nodes = find_rows(nodes, self.users, self.memory, self.graph.info.get("seen", {}))
        reductions = find_reductions(nodes, self.users)
        for op, found in reductions.items():
            own = Group(ops=list(found.chain), space=found.group.space)
            k = write_reduction(self.writer(Expression, own, always), found)
            if k is not None:
                self.reductions[op] = self.call(k)
        for node in nodes:
            out += self.ops_of(node)
        region.ops = out

    def loop(self, op: Op, node: Node) -> bool:
        """Put a kernel in the place of a loop, where it can be one; ``node``: the loop, and what it uses."""
        inside = set(walk(Region([], [op], [])))

        def used(v: Val) -> bool:
            return any(u not in inside for u in self.users.get(v, ()))

        lookups = [o for o in inside if o.fn is operator.getitem]
        over_elements = any(dims_of(o.ins[0]) and not dims_of(o.out) for o in lookups)
        sorts: list[type[Recurrence]] = [Nest, Recurrence] if over_elements else [Recurrence, Nest]
        problems: list[Unsupported] = []
        if op in self.banned:
            problems.append(Unsupported(op, self.banned[op]))
            sorts = []
        for sort in sorts:
            try:
                w = sort(self.name(), op, self.memory, used, self.unsure, self.tapes)
                w.written = self.written
                k = w.write()
                break
            except Unsupported as e:
                problems.append(e)
        else:
            first = problems[0]
            at = (first.op.origin if first.op is not None else None) or op.origin
            left = Left("a for", first.reason, at.text if at is not None else "")
            if left not in self.fusion.left:
                self.fusion.left.append(left)
            return False
        call = self.call(k)
        for t, raw in k.tapes.items():
            self.tapes[t] = raw
            tree = gast.parse("list(raw)").body[0].value
            t.op = Op("opaque", [raw], [t], attrs={"tree": tree, "free": ["raw"]})
            self.spare.add(t.op)
            if len(dims_of(raw)) == 1:
                self.numbers[t.op] = op
            call.append(t.op)
        node.ops = call
        return True

    def name(self) -> str:
        n = len(self.fusion.kernels) + 1
        return f"{self.graph.info.get('word', self.graph.name)}_kernel{n if n > 1 else ''}"

    def ops_of(self, node: Node) -> list[Op]:
        if isinstance(node, Shifts) and (len(node.ops) > 1):
            return self.call(write_shifts(self.writer(Writer, Group(), always), node))
        if isinstance(node, Rows):
            rows = RowWriter(self.name(), node, self.used_outside(node.ops), self.memory)
            kernel = rows.write()
            return [*self.call(kernel), *rows.views] if kernel is not None else []
        if not isinstance(node, Group):
            if node.ops[0] in self.reductions:
                return self.reductions[node.ops[0]]
            for op in node.ops:
                self.note(op)
                if op.code == "prim" and movable(op) and (is_constant(op.out) or op.fn in FREE):
                    self.spare.add(op)
            return node.ops
        writer = self.writer(Writer, node, self.used_outside([*node.ops, *self.reductions]))
        kernel = writer.write()
        return self.call(kernel) if kernel is not None else writer.wanted

    def writer(self, sort: type[W], group: Group, escapes: Callable[[Val], bool]) -> W:
        out = sort(self.name(), group, escapes, self.memory)
        out.written = self.written
        return out

    def used_outside(self, ops: Iterable[Op]) -> Callable[[Val], bool]:
        """Whether others than some operations use a value."""
        inside = set(ops)
        return lambda v: any(u not in inside for u in self.users.get(v, ()))

    def call(self, k: Kernel) -> list[Op]:
        """The call of a kernel."""
        before: list[Op] = list(k.before)
        targets: list[Val] = []
        for base, index in k.targets:
            if index is None:
                targets.append(base)
                continue
            k_ = base.kind
            assert isinstance(k_, Array)
            before.append(Op.applying(operator.getitem, [base, index], k_, None, base.name))
            targets.append(before[-1].out)
        stub = Graph(k.name, Region(), info={"effect": True})
        call = Op("call", [*k.ins, *targets], list(k.outs), attrs={"graph": stub, "kernel": k})
        for v in k.outs:
            v.op = call
        self.used.update(k.same)
        self.spare |= k.inlined
        self.fusion.kernels[stub] = k
        return [*before, call]

    def note(self, op: Op) -> None:
        """What of an array stays with CuPy."""
        arrays = any(isinstance(v.kind, Array) and v.kind.dims for v in (*op.outs, *vals(op.ins)))
        if op.code != "prim" or not arrays or spelled(op.fn) is not None or op.fn in QUIET:
            return
        if is_constant(op.out) and not op.attrs.get("inplace"):
            return
        why = "it is no function of elements"
        if op.fn in (np.dot, operator.matmul, np.tensordot, np.einsum):
            why = "a product of matrices is cuBLAS's"
        elif op.fn in shared.REDUCE or is_unbroadcast(op.fn):
            why = "a sum along some axes is a kernel of CuPy's"
        elif op.attrs.get("inplace"):
            why = "what is written is one number, or where it goes is not known beforehand"
        left = Left(word_for(op.fn), why, op.origin.text if op.origin is not None else "")
        if left not in self.fusion.left:
            self.fusion.left.append(left)

    def drop(self, region: Region) -> None:
        """What kernels do again, and nobody else asks for, is not done."""
        while True:
            used: set[Val] = set(vals(region.results))
            for op in walk(region):
                used.update(vals(op.ins))
                for r in op.regions:
                    used.update(vals(r.results))
            gone = {op for op in self.spare if not used & set(op.outs)}
            if not gone:
                return
            self.spare -= gone
            remove(region, gone)


def always(v: Val) -> bool:
    return True
