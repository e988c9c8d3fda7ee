"""Variables that are None at first are numbers or arrays, and a truth beside them: are they there.

Done before a function is differentiated, for kernels, which have no None.  ``q is None`` asks the truth;
where the program takes ``q`` to be there and no branch says so, it is looked at, and a ``TypeError`` raised
as the program would.  Until then the variable holds zeros, which nobody reads.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator

from srcdiff.errors import Problem
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Atom,
    Const,
    Graph,
    LoopView,
    Op,
    Region,
    Struct,
    Val,
    clone,
    flat,
    kind,
    op_of,
    vals,
    walk,
)
from srcdiff.ir.indices import alone_or_tuple, display
from srcdiff.ir.kinds import BOOL, NONE, Array, Dim, Kind, Maybe, Scalar
from srcdiff.optimise.groups import Groups
from srcdiff.optimise.words import Words

__all__ = ["flagged"]

NOTHING = Const(None)
WHY = "whether a variable is None is not known"
START = {"f8": Const(0.0), "i8": Const(0), "b1": Const(False), "f4": Const(0.0)}


def flagged(graph: Graph, words: Words) -> Graph:
    """The graph with truths beside such variables; the graph itself where there are none."""
    if not any(isinstance(o.kind, Maybe) for op in walk(graph.region) for o in op.outs):
        return graph
    graph = clone(graph)[0]
    variables = Variables(graph, words)
    if not variables.flags:
        return graph
    variables.change(graph.region, frozenset())
    return graph


def slots(op: Op) -> Iterator[tuple[Val, list[Atom]]]:
    """The values that an operation joins, each with what it may be."""
    if op.code == "if":
        for n, o in enumerate(op.outs):
            yield o, [r.results[n] for r in op.regions]
    elif op.is_loop:
        view = LoopView(op)
        for k, (p, i, y, f) in enumerate(view.slots):
            yield f, [i, y, p]
            yield p, [i, y]
            if op.code == "while":
                yield op.regions[0].params[k], [p, i, y]


def is_test(op: Op) -> bool:
    return op.fn in (operator.is_, operator.is_not) and op.ins[1] == NOTHING


class Variables:
    def __init__(self, graph: Graph, words: Words) -> None:
        self.graph, self.words = graph, words
        self.groups = Groups()
        self.bad: set[Val] = set()
        self.sizes: dict[Dim, Atom] = {}
        for p in graph.region.params:
            self.refuse([p])
            for k, d in enumerate(p.kind.dims if isinstance(p.kind, Array) else ()):
                self.sizes.setdefault(d, display((p, Const(k))))
        self.refuse(graph.region.results)
        self.region(graph.region)
        top = self.groups.top
        bad = set(map(top, self.bad))
        self.flags: dict[Val, Val] = {
            v: Val(f"has_{v.name}" if v.name else "there", BOOL) for v in self.groups.of if top(v) not in bad
        }

    # ---- which variables
    def refuse(self, atoms: Iterable[Atom | None]) -> None:
        self.bad.update(self.groups.top(v) for v in vals(atoms) if isinstance(v.kind, Maybe))

    def region(self, region: Region) -> None:
        for op in region.ops:
            for r in op.regions:
                self.region(r)
            if op.code == "prim":
                plain = not op.attrs.get("guarded")
                asks = is_test(op) or op.fn is ops.given or op.fn is self.words.check_there
                known = plain and asks and isinstance(op.ins[0], Val)
                self.refuse(op.ins[1:] if known else op.ins)
                self.refuse(op.outs)
                continue
            for o, atoms in slots(op):
                self.joined(o, atoms)
            if op.is_loop:
                view = LoopView(op)
                elsewhere = (*view.header, *view.sources, *view.elements, *view.collected, *view.tapes)
                self.refuse(elsewhere)
                self.refuse([view.exit_result, *(op.regions[0].results if op.code == "while" else [])])
            elif op.code == "if":
                self.refuse(op.ins)
            else:
                within = (x for r in op.regions for x in (*r.params, *r.results))
                self.refuse([*op.ins, *op.outs, *within])

    def joined(self, o: Val, atoms: list[Atom]) -> None:
        if not isinstance(o.kind, Maybe):
            self.refuse(atoms)
            return
        if not self.can_start(o.kind.of):
            self.refuse([o])
        self.groups.top(o)
        for a in atoms:
            k = kind(a)
            if isinstance(a, Val) and isinstance(k, Maybe):
                self.groups.join(a, o)
            elif a != NOTHING and not alike(k, o.kind.of):
                self.refuse([o, *flat((a,))])

    def can_start(self, k: Kind) -> bool:
        if isinstance(k, Array):
            return k.dtype == "f8" and all(isinstance(d, int) or d in self.sizes for d in k.dims)
        return isinstance(k, Scalar) and k.dtype in START

    # ---- numbers and truths in their place
    def change(self, region: Region, there: frozenset[Val]) -> None:
        """``there``: what is known to be there in this region."""
        out: list[Op] = []
        for op in region.ops:
            if op.code == "prim":
                there |= self.prim(op, there, out)
            elif op.code == "if":
                self.branch(op, there)
            elif op.is_loop:
                self.loop(op, there, out)
            else:
                for r in op.regions:
                    self.change(r, there)
            out.append(op)
        region.ops = out
        self.settle([*region.params, *(o for op in out for o in op.outs)])

    def settle(self, found: Iterable[Val]) -> None:
        for v in found:
            if v in self.flags and isinstance(v.kind, Maybe):
                v.kind = v.kind.of

    def prim(self, op: Op, there: frozenset[Val], out: list[Op]) -> frozenset[Val]:
        """Put an operation on such a variable right; what is there from then on."""
        v = op.ins[0] if op.ins else None
        if not isinstance(v, Val) or v not in self.flags:
            return frozenset()
        if is_test(op):
            op.become(operator.not_ if op.fn is operator.is_ else bool)
            op.ins = [self.flags[v]]
            return frozenset()
        if op.fn is self.words.check_there:
            op.become(self.words.check_set, unread=op.attrs.get("unread"))
            op.ins = [self.flags[v], op.ins[1]]
            return frozenset((v,))
        if v not in there:
            attrs = {"fn": self.words.check_set, "unread": ("", Problem("no-rule", WHY))}
            test = Op("prim", [self.flags[v], Const(v.name)], [Val("", NONE)], attrs=attrs, origin=op.origin)
            test.out.op = test
            out.append(test)
        return frozenset((v,))

    def branch(self, op: Op, there: frozenset[Val]) -> None:
        for n, r in enumerate(op.regions):
            self.change(r, there | self.shown(op.ins[0], n == 0))
        for o, atoms in list(slots(op)):
            if o not in self.flags:
                continue
            for r, a in zip(op.regions, atoms, strict=True):
                r.results[op.outs.index(o)] = self.start(a, o.kind, r.ops)
                r.results.append(self.flag(a))
            op.outs.append(self.made(o, op))

    def loop(self, op: Op, there: frozenset[Val], out: list[Op]) -> None:
        view, body = LoopView(op), op.regions[-1]
        for r in op.regions:
            self.change(r, there)
        for k, p in enumerate(list(view.params)):
            if p not in self.flags:
                continue
            init, result, final = view.inits[k], view.yields[k], view.finals[k]
            op.ins[view.head + k] = self.start(init, p.kind, out)
            body.results[k] = self.start(result, p.kind, body.ops)
            at = view.carried
            op.ins.insert(view.head + at, self.flag(init))
            body.params.insert(view.has_index + at, self.flags[p])
            body.results.insert(at, self.flag(result))
            op.outs.insert(at, self.made(final, op))
            self.flags[p].op = op
            if op.code == "while":
                q = op.regions[0].params[k]
                op.regions[0].params.insert(at, self.flags[q])
            op.attrs["carried"] = at + 1

    def made(self, v: Val, op: Op) -> Val:
        self.flags[v].op = op
        return self.flags[v]

    def flag(self, a: Atom) -> Atom:
        if isinstance(a, Val) and a in self.flags:
            return self.flags[a]
        return Const(a != NOTHING)

    def start(self, a: Atom, k: Kind, before: list[Op]) -> Atom:
        """What stands for None."""
        k = k.of if isinstance(k, Maybe) else k
        if a != NOTHING:
            return a
        if isinstance(k, Scalar):
            return START[k.dtype]
        assert isinstance(k, Array)
        sizes: list[Atom] = []
        for d in k.dims:
            of = self.sizes.get(d)
            if isinstance(d, int) or not isinstance(of, Struct):
                sizes.append(Const(d))
                continue
            size = Op("prim", list(of.items), [Val("n", Scalar("i8", True, d))], attrs={"fn": ops.shape_at})
            size.out.op = size
            before.append(size)
            sizes.append(size.out)
        shape = alone_or_tuple(sizes)
        zeros = Op("prim", [shape], [Val("", k)], attrs={"fn": self.words.blanks[1]})
        zeros.out.op = zeros
        before.append(zeros)
        return zeros.out

    def shown(self, test: Atom, holds: bool) -> frozenset[Val]:
        """What is there where a test holds, or does not."""
        op = op_of(test)
        if op is None:
            return frozenset()
        flags = {f: v for v, f in self.flags.items()}
        first = op.ins[0]
        asked = flags.get(first) if op.fn in (operator.not_, bool) and isinstance(first, Val) else None
        if asked is not None:
            return frozenset((asked,)) if holds is (op.fn is bool) else frozenset()
        if op.code == "if" and isinstance(test, Val):  # ``a or b``, ``a and b``
            n = op.outs.index(test)
            settled = [r.results[n] == Const(not holds) for r in op.regions]
            if settled[0] is not settled[1]:
                return self.shown(op.ins[0], not settled[0])
        return frozenset()


def alike(k: Kind, of: Kind) -> bool:
    """Whether what is there is of the kind that is known of it."""
    if isinstance(k, Array) and isinstance(of, Array):
        return k.dtype == of.dtype and len(k.dims) == len(of.dims)
    return isinstance(k, Scalar) and isinstance(of, Scalar) and k.dtype == of.dtype
