"""Small arrays in loops are their numbers: ``y + h * k`` of two numbers each is two sums.

An array of a few numbers costs as much as one of hundreds: most of that is the call.  Where a loop carries or
makes arrays of a size that the program knows, does arithmetic with them, and reads their elements at constant
places, each element is a value of its own.  The values are the same; sums come out in the same order up to
eight terms.  Done before a function is differentiated, so that its derivative is one of numbers.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

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
    kind,
    map_atom,
    nested,
    vals,
    walk,
)
from srcdiff.ir.indices import alone_or_tuple
from srcdiff.ir.kinds import FLOAT, Array, Scalar, Sym, members
from srcdiff.ir.records import dataclass
from srcdiff.ir.regions import made_in
from srcdiff.optimise.groups import Groups
from srcdiff.optimise.small_shapes import (
    applied,
    broadcast,
    constant_index,
    display_shape,
    displayed,
    is_hashable,
    keeps_shape,
    part_of,
    plain_index,
    shape_of,
    small,
)

__all__ = ["Small", "written_out"]

NUMBER = Scalar("f8", False)


@dataclass(frozen=True)
class Small:
    """Functions of the library that are written out, by what they do."""

    display: Any  # an array of numbers as they are written
    zeros: Any
    ones: Any
    strong: Any  # a number of the library's
    products: frozenset[Any]  # of vectors, and of matrices too:
    of_matrices: frozenset[Any]
    total: Any
    cross: Any
    transpose: Any
    by_element: Callable[[Any], bool]
    eye: Any
    outer: Any
    most: int = 9  # elements of an array
    most_products: int = 9  # that a product of arrays takes
    moves: frozenset[Any] = frozenset()  # what puts elements elsewhere, and does nothing else
    whole: frozenset[Any] = frozenset()  # what takes such an array as one that is made for it
    reads: bool = False  # whether elements of other arrays may be read: no call each


def written_out(graph: Graph, words: Small) -> Graph:
    """The graph with the small arrays of its loops written out; the graph itself where there are none."""
    loops = [o for o in walk(graph.region) if o.is_loop]
    if not any(small(v.kind, words.most) for o in loops for r in o.regions for v in made_in(r)):
        return graph
    found = implied(graph, words)
    if not found and not Chosen(graph, words).members:
        return graph
    new = clone(graph)[0]
    if found:
        settle(new, found)
    chosen = Chosen(new, words)
    if not chosen.members:
        return graph
    Writer(new, words, chosen).run()
    return new


def implied(graph: Graph, words: Small) -> dict[int, int]:
    """Sizes of arguments that follow from arithmetic with small arrays in loops: it fails for all others."""
    vectors = [p.kind for p in graph.region.params if isinstance(p.kind, Array) and len(p.kind.dims) == 1]
    sizes = {d.id for k in vectors for d in k.dims if isinstance(d, Sym) and is_plain(d)}
    out: dict[int, int] = {}
    inside = (o for loop in walk(graph.region) if loop.is_loop for o in nested(loop))
    for o in inside:
        if o.code != "prim" or len(o.ins) != 2 or not is_hashable(o.fn) or not words.by_element(o.fn):
            continue
        kinds = [k for k in map(kind, o.ins) if isinstance(k, Array) and len(k.dims) == 1 and k.dtype == "f8"]
        for a, b in (kinds, kinds[::-1]) if len(kinds) == 2 else ():
            d, n = a.dims[0], b.dims[0]
            if not isinstance(d, Sym) or not isinstance(n, int) or not 1 < n <= words.most:
                continue
            either = members(d) - {n}  # (an argument's size at first, that of the sum then)
            if all(isinstance(m, Sym) and is_plain(m) and m.id in sizes for m in either):
                out.update({m.id: n for m in (d, *either) if isinstance(m, Sym)})
    return out


def is_plain(d: Sym) -> bool:
    """Whether a size has a name of its own, and is not one."""
    return d.offset == 0 and d.big


def settle(graph: Graph, sizes: dict[int, int]) -> None:
    """Put sizes into the kinds; the text says of which arguments they are."""

    def settled(k: Any) -> Any:
        if not isinstance(k, Array):
            return k
        dims = tuple(sizes.get(d.id, d) if isinstance(d, Sym) and d.offset == 0 else d for d in k.dims)
        return Array(k.dtype, dims)

    only = list(graph.info.get("only_for", ()))
    for p in graph.region.params:
        if isinstance(p.kind, Array) and settled(p.kind) != p.kind and len(p.kind.dims) == 1:
            only.append(f"{p.name}.shape == ({settled(p.kind).dims[0]},)")
    graph.info["only_for"] = tuple(only)
    for v in list(made_in(graph.region)):
        v.kind = settled(v.kind)


class Chosen:
    """The arrays that are written out: all or none of those that go together."""

    def __init__(self, graph: Graph, words: Small) -> None:
        self.words = words
        self.depth: dict[Op, int] = {}
        self.uses: dict[Val, list[tuple[Op | None, Region, int, bool]]] = {}
        self.maker: dict[Val, tuple[Op, int]] = {}  # of a variable: its loop or branch, and place
        self.elements: set[Val] = set()  # of what loops go through
        self.scan(graph.region, None, 0)
        self.params = set(graph.region.params)
        self.members = {v for v in made_in(graph.region) if self.small(v) and self.is_made(v)}
        todo = bool(self.members)
        while todo:
            bad = {v for v in self.members if not self.holds(v)}
            self.members -= bad
            todo = bool(bad)
        self.in_loops()

    def small(self, v: Val) -> bool:
        return small(v.kind, self.words.most)

    def read(self, a: Any) -> bool:
        """Whether an array is none of those that are written out, but its elements are read one by one."""
        if not self.words.reads or not isinstance(a, Val) or not self.small(a) or a in self.members:
            return False
        if a in self.params or a in self.elements:
            return True
        op = a.op
        if op is None or op.code != "prim" or a not in op.outs or not is_hashable(op.fn):
            return False
        return op.fn in self.words.whole or (op.fn is operator.getitem and plain_index(op.ins[1]))

    def apart(self, op: Op) -> bool:
        """Whether an operation is written out, if its result is."""
        if op.code != "prim" or not self.writes(op):
            return False
        arrays = [v for v in vals(op.ins) if isinstance(v.kind, Array)]
        return all(v in self.members or self.read(v) for v in arrays)

    def scan(self, region: Region, owner: Op | None, depth: int) -> None:
        for op in region.ops:
            self.depth[op] = depth
            for n, a in enumerate(op.ins):
                for v in vals([a]):
                    self.uses.setdefault(v, []).append((op, region, n, False))
            if op.is_loop:
                view = LoopView(op)
                for r in op.regions:
                    lead = view.has_index if r is view.body else 0
                    for j in range(view.carried):
                        self.maker[r.params[lead + j]] = op, j
                for j, f in enumerate(view.finals):
                    self.maker[f] = op, j
                self.elements.update(view.elements)
            elif op.code == "if":
                for j, f in enumerate(op.outs):
                    self.maker[f] = op, j
            for r in op.regions:
                self.scan(r, op, depth + op.is_loop)
        for n, a in enumerate(region.results):
            for v in vals([a]):
                self.uses.setdefault(v, []).append((owner, region, n, True))

    def is_made(self, v: Val) -> bool:
        if v in self.maker:
            return True
        return v.op is not None and v in v.op.outs and self.writes(v.op)

    def writes(self, op: Op) -> bool:
        """Whether the result of an operation can be written out, if its operands are."""
        if op.code != "prim" or op.attrs.get("guarded"):
            return False
        named = op.by_name
        fn, w = op.fn, self.words
        if not is_hashable(fn):
            return False
        if fn in w.moves or fn is w.total:
            plain = fn in w.moves or not set(op.names) - {"", "axis", "keepdims"}
            return plain and keeps_shape(op)
        if fn is w.eye and not named and len(op.ins) == 1:
            return constant_index(op.ins[0]) is not None and shape_of(op.out) is not None
        if fn is w.display and not named and len(op.ins) == 1:
            return display_shape(op.ins[0]) == shape_of(op.out)
        if fn in (w.zeros, w.ones) and not named and len(op.ins) == 1:
            return constant_index(op.ins[0]) is not None
        if named:
            return False
        if fn is operator.getitem:
            return part_of(*op.ins) == shape_of(op.out) is not None
        if fn in ops.WRITES:
            part, value = part_of(*op.ins[:2]), shape_of(op.ins[2])
            fits = part is not None and value is not None and broadcast([part, value]) == part
            return fits and not op.attrs.get("at")
        if fn is ops.copied or fn is w.transpose:
            return len(op.ins) == 1 and shape_of(op.ins[0]) is not None
        shapes = [shape_of(a) for a in op.ins]
        if any(s is None for s in shapes):
            return False
        if fn in w.products and len(op.ins) == 2:
            a, b = (s for s in shapes if s is not None)
            if not a or not b:
                return fn is not operator.matmul
            if len(a) + len(b) > 2 and fn not in w.of_matrices:
                return False
            if a[-1] != (b[-2] if len(b) > 1 else b[0]):  # (it is never done)
                return False
            return math.prod(a) * (b[-1] if len(b) > 1 else 1) <= w.most_products
        if fn is w.outer and len(op.ins) == 2:
            return [len(s or ()) for s in shapes] == [1, 1]
        if fn is w.cross and len(op.ins) == 2:
            return shapes == [(3,), (3,)]
        return w.by_element(fn) and broadcast(shapes) == shape_of(op.out)

    def holds(self, v: Val) -> bool:
        if v in self.maker:
            op, j = self.maker[v]
            if op.is_loop:
                view = LoopView(op)
                heads = [r.params[j] for r in op.regions[:-1]]
                there = [view.params[j], view.yields[j], view.finals[j], *heads]
                if not self.enters(view.inits[j], v, op):
                    there.append(view.inits[j])
            else:
                there = [op.outs[j], *(r.results[j] for r in op.regions)]
            there = [a for a in there if not (self.read(a) and kind(a) == v.kind)]
            if not all(isinstance(a, Val) and a in self.members and a.kind == v.kind for a in there):
                return False
        else:
            assert v.op is not None
            if not self.apart(v.op):
                return False
        leaves = self.leaves(v)
        return all(leaves or self.takes(v, *use) for use in self.uses.get(v, ()))

    def enters(self, a: Atom, v: Val, op: Op) -> bool:
        """Whether an array that is not written out itself is, where an outermost loop starts from it."""
        alike = isinstance(a, Val) and self.small(a) and a.kind == v.kind
        return alike and a not in self.members and not self.depth[op]

    def leaves(self, v: Val) -> bool:
        """Whether a value is what an outermost loop leaves: an array again for who wants one."""
        return v in self.maker and self.maker[v][0].is_loop and not self.depth[self.maker[v][0]] and (
            v in self.maker[v][0].outs
        )

    def takes(self, v: Val, op: Op | None, region: Region, at: int, result: bool) -> bool:
        if op is None:
            return False
        if result:
            if op.code == "if":
                return op.outs[at] in self.members
            return op.is_loop and region is LoopView(op).body and at < op.attrs["carried"] and (
                LoopView(op).params[at] in self.members
            )
        if op.is_loop:
            view = LoopView(op)
            j = at - view.head
            return 0 <= j < view.carried and view.params[j] in self.members
        if op.code == "prim" and is_hashable(op.fn) and op.fn in self.words.whole:
            return True
        return self.apart(op) and (op.out in self.members or isinstance(op.out.kind, Scalar))

    def in_loops(self) -> None:
        """Leave what has no part in a loop."""
        groups = Groups(self.members)

        def join(a: Atom, b: Atom) -> None:
            if isinstance(a, Val) and isinstance(b, Val) and a in groups and b in groups:
                groups.join(a, b)

        looped: set[Val] = set()
        for v in self.members:
            if v in self.maker:
                op, j = self.maker[v]
                if op.is_loop:
                    looped.add(v)
                    view = LoopView(op)
                    for a in (view.inits[j], view.params[j], view.yields[j], view.finals[j]):
                        join(v, a)
                else:
                    for r in op.regions:
                        join(v, r.results[j])
            elif v.op is not None:
                if self.depth.get(v.op, 0):
                    looped.add(v)
                for w in vals(v.op.ins):
                    join(v, w)
            for op_, _, _, result in self.uses.get(v, ()):
                if op_ is not None and not result and op_.code == "prim":
                    for w in vals(op_.ins):
                        join(v, w)
        kept = {groups.top(v) for v in looped}
        self.members = {v for v in self.members if groups.top(v) in kept}


class Writer:
    """Puts the numbers in the place of the arrays."""

    def __init__(self, graph: Graph, words: Small, chosen: Chosen) -> None:
        self.graph, self.words, self.members, self.chosen = graph, words, chosen.members, chosen
        self.parts: dict[Val, Any] = {}  # arrays of atoms
        self.now: dict[Val, Atom] = {}  # numbers that are others now
        self.out: list[Op] = []
        self.opened: set[Val] = set()

    def run(self) -> None:
        self.find_opened(self.graph.region)
        self.region(self.graph.region)

    # ---- regions
    def region(self, region: Region) -> None:
        old, self.out = self.out, []
        for p in region.params:
            if p in self.opened:
                self.taken_apart(p, None)
        for op in region.ops:
            self.op(op)
        region.ops, self.out = self.out, old
        region.results = [map_atom(self.read, a) for a in region.results]

    def read(self, v: Val) -> Atom:
        return self.now.get(v, v)

    def op(self, op: Op) -> None:
        if op.is_loop:
            self.loop(op)
            return
        if op.code == "if":
            self.branch(op)
            return
        if self.is_apart(op):
            got = self.prim(op)
            if op.out in self.members:
                self.parts[op.out] = self.named(op.out, got)
            else:
                if isinstance(got, Const):
                    got = self.put(self.words.strong, [got], op.origin, NUMBER)
                self.now[op.out] = self.named_one(op.out, got)
            return
        if any(v in self.members for v in vals(op.ins)):
            op.ins = [map_atom(lambda v: self.shown(v, op), a) for a in op.ins]
        op.ins = [map_atom(self.read, a) for a in op.ins]
        for r in op.regions:
            self.region(r)
        self.out.append(op)
        for v in op.outs:
            if v in self.opened:
                self.taken_apart(v, op)

    def is_apart(self, op: Op) -> bool:
        if op.code != "prim" or len(op.outs) != 1:
            return False
        if op.out in self.members:
            return True
        some = any(v in self.members for v in vals(op.ins))
        return some and isinstance(op.out.kind, Scalar) and self.chosen.apart(op)

    def find_opened(self, region: Region) -> None:
        """Arrays that are read element by element, once each."""
        for op in region.ops:
            if self.is_apart(op):
                self.opened.update(v for v in vals(op.ins) if self.chosen.read(v))
            elif op.is_loop or op.code == "if":
                starts = LoopView(op).inits if op.is_loop else []
                for j, a in enumerate(starts):
                    if self.chosen.read(a) and LoopView(op).params[j] in self.members:
                        self.opened.update(vals([a]))
                for r in op.regions:
                    inner = LoopView(op).params if op.is_loop else op.outs
                    for j, a in enumerate(r.results):
                        if self.chosen.read(a) and j < len(inner) and inner[j] in self.members:
                            self.opened.update(vals([a]))
            for r in op.regions:
                self.find_opened(r)

    def taken_apart(self, v: Val, op: Op | None) -> None:
        self.parts[v] = self.elements_of(v, self.read(v), op.origin if op is not None else None)

    def elements_of(self, like: Val, x: Atom, origin: Any) -> Any:
        out = np.empty(shape_of(like) or (), dtype=object)
        for i in np.ndindex(out.shape):
            at = alone_or_tuple(list(map(Const, i)))
            out[i] = self.put(operator.getitem, [x, at], origin, NUMBER)
        return out

    def whole(self, v: Val, op: Op) -> Atom:
        """What is read of a value, an array as one."""
        return self.now[v] if v in self.now else self.shown(v, op)

    def shown(self, v: Val, op: Op) -> Atom:
        """An array that is written out, made for who takes it whole."""
        if v not in self.members:
            return v
        out = self.put(self.words.display, [displayed(self.parts[v])], op.origin, v.kind)
        out.name, out.user = v.name, v.user
        return out

    def fresh(self, like: Val, index: tuple[int, ...], op: Op | None) -> Val:
        name = "_".join([like.name, *map(str, index)]) if like.name else ""
        return Val(name, NUMBER, op, like.user)

    def apart(self, v: Val, op: Op | None) -> Any:
        """New values for the elements of an array."""
        shape = shape_of(v)
        assert shape is not None
        out = np.empty(shape, dtype=object)
        for i in np.ndindex(shape):
            out[i] = self.fresh(v, i, op)
        self.parts[v] = out
        return out

    def strengthened(self, a: Atom, origin: Any) -> Atom:
        """A number of the library's."""
        if isinstance(a, Const):
            return Const(float(a.value))
        return a if kind(a) == NUMBER else self.put(self.words.strong, [a], origin, NUMBER)

    def certain(self, a: Atom, origin: Any) -> Atom:
        """A number of the library's, also if it is a constant."""
        return a if kind(a) == NUMBER else self.put(self.words.strong, [a], origin, NUMBER)

    def at_end(self, region: Region, x: Any, op: Op) -> Any:
        """Elements as numbers of the library's, at the end of a region."""
        old, self.out = self.out, region.ops
        got = self.each(lambda a: self.certain(a, op.origin), x)
        self.out = old
        return got

    def loop(self, op: Op) -> None:
        view = LoopView(op)
        chosen = [j for j, p in enumerate(view.params) if p in self.members]
        starts = {j: self.started(view.inits[j], op) for j in chosen}
        apart = {view.head + j for j in chosen}
        op.ins = [a if n in apart else map_atom(lambda v: self.whole(v, op), a) for n, a in enumerate(op.ins)]
        inner: dict[int, list[Any]] = {}
        for j in chosen:
            inner[j] = [self.apart(p, op) for p in (view.params[j], *(r.params[j] for r in op.regions[:-1]))]
        for r in op.regions:
            self.region(r)
        last = {j: self.at_end(view.body, self.parts[view.yields[j]], op) for j in chosen}  # type: ignore[index]
        old_finals = {j: view.finals[j] for j in chosen}
        finals = {j: self.apart(view.finals[j], op) for j in chosen}
        carried, head = view.carried, view.head
        lead = view.has_index
        ins, params, results, outs = [], [], [], []
        heads: list[list[Val]] = [[] for _ in op.regions[:-1]]
        for j in range(carried):
            if j in inner:
                ins += [self.certain(a, op.origin) for a in starts[j].flat]
                params += list(inner[j][0].flat)
                results += list(last[j].flat)
                outs += list(finals[j].flat)
                for n in range(len(heads)):
                    heads[n] += list(inner[j][1 + n].flat)
            else:
                ins.append(op.ins[head + j])
                params.append(view.body.params[lead + j])
                results.append(view.body.results[j])
                outs.append(op.outs[j])
                for n, r in enumerate(op.regions[:-1]):
                    heads[n].append(r.params[j])
        op.ins[head : head + carried] = ins
        view.body.params[lead : lead + carried] = params
        view.body.results[:carried] = results
        op.outs[:carried] = outs
        for n, r in enumerate(op.regions[:-1]):
            r.params[:carried] = heads[n]
        op.attrs = {**op.attrs, "carried": len(params)}
        self.out.append(op)
        for j in chosen:
            self.array_again(old_finals[j], finals[j], op)

    def started(self, a: Atom, op: Op) -> Any:
        """The elements of what a loop starts from."""
        assert isinstance(a, Val)
        return self.parts[a] if a in self.parts else self.elements_of(a, self.read(a), op.origin)

    def array_again(self, v: Val, parts: Any, op: Op) -> None:
        """What a loop leaves is an array for who wants one."""
        if all(self.chosen.takes(v, *use) for use in self.chosen.uses.get(v, ())):
            return

        out = self.put(self.words.display, [displayed(parts)], op.origin, v.kind)
        out.name, out.user = v.name, v.user
        self.now[v] = out
        self.parts[out] = parts

    def branch(self, op: Op) -> None:
        op.ins = [map_atom(self.read, a) for a in op.ins]
        for r in op.regions:
            self.region(r)
        outs: list[Val] = []
        results: list[list[Atom]] = [[] for _ in op.regions]
        for j, o in enumerate(op.outs):
            if o not in self.members:
                outs.append(o)
                for n, r in enumerate(op.regions):
                    results[n].append(r.results[j])
                continue
            outs += list(self.apart(o, op).flat)
            for n, r in enumerate(op.regions):
                results[n] += list(self.at_end(r, self.parts[r.results[j]], op).flat)  # type: ignore[index]
        op.outs = outs
        if len(outs) != 1:
            op.attrs = {k: v for k, v in op.attrs.items() if k != "style"}
        for n, r in enumerate(op.regions):
            r.results = results[n]
        self.out.append(op)

    # ---- operations
    def put(self, fn: Any, ins: list[Atom], origin: Any, k: Any = None, **attrs: Any) -> Val:
        if k is None:
            k = NUMBER if any(kind(a) == NUMBER for a in ins) else FLOAT
        op = Op.applying(fn, ins, k, origin, **attrs)
        self.out.append(op)
        return op.out

    def named(self, v: Val, got: Any) -> Any:
        """Elements called after their array."""
        for i in np.ndindex(got.shape):
            got[i] = self.named_one(v, got[i], i)
        return got

    def named_one(self, v: Val, a: Atom, index: tuple[int, ...] = ()) -> Atom:
        here = isinstance(a, Val) and a.op is not None and self.out and a.op in self.out and not a.name
        if here and v.name:
            assert isinstance(a, Val)
            a.name, a.user = "_".join([v.name, *map(str, index)]), v.user
        return a

    def array(self, a: Atom) -> Any:
        """An operand as an array of atoms."""
        if isinstance(a, Struct):
            return np.array([self.array(x) for x in a.items], dtype=object)
        if isinstance(a, Val) and a in self.parts:
            return self.parts[a]
        assert not isinstance(k := kind(a), Array) or not k.dims, "an array that is read whole"
        out = np.empty((), dtype=object)
        out[()] = map_atom(self.read, a)
        return out

    def prim(self, op: Op) -> Any:
        fn, w = op.fn, self.words
        if fn is w.display:
            return self.each(lambda a: self.strengthened(a, op.origin), self.display(op.ins[0]))
        if fn in (w.zeros, w.ones):
            out = self.blank(op)
            out.fill(Const(0.0 if fn is w.zeros else 1.0))
            return out
        if fn is w.eye:
            return self.each(self.element, np.eye(len(self.blank(op))))
        if fn in w.moves:
            return self.each(self.element, applied(op, fn, self.parts.__getitem__))
        if fn is w.total:
            return self.totals(op)
        x = self.array(op.ins[0])
        if fn is operator.getitem:
            return x[constant_index(op.ins[1])]
        if fn in ops.WRITES:
            index, value = constant_index(op.ins[1]), self.array(op.ins[2])
            out = x.copy()
            if fn is ops.setitem:
                value = self.each(lambda a: self.strengthened(a, op.origin), value)
            else:
                value = self.elementwise(operator.add, [self.wrap(x[index]), value], op)
            out[index] = value if value.shape else value[()]
            return out
        if fn is ops.copied:
            return x.copy()
        if fn is w.transpose:
            return x.T
        if fn is w.outer:
            return self.elementwise(operator.mul, [x[:, None], self.array(op.ins[1])[None]], op)
        if fn in w.products:
            return self.product(x, self.array(op.ins[1]), op)
        if fn is w.cross:
            return self.cross(x, self.array(op.ins[1]), op)
        return self.elementwise(fn, [self.array(a) for a in op.ins], op)

    @staticmethod
    def blank(op: Op) -> Any:
        return np.empty(shape_of(op.out) or (), dtype=object)

    @staticmethod
    def element(a: Any) -> Atom:
        """What stands for an element: numbers that a function puts between others are constants."""
        return a if isinstance(a, Val) else Const(float(a.value if isinstance(a, Const) else a))

    def totals(self, op: Op) -> Any:
        """Sums along axes: of tuples of one element each they are what belongs together."""

        def tuples(v: Val) -> Any:
            x = self.parts[v]
            out = np.empty(x.shape, dtype=object)
            for i in np.ndindex(x.shape):
                out[i] = (x[i],)
            return out

        got = applied(op, op.fn, tuples)
        if not isinstance(got, np.ndarray):
            return self.chain(list(got), op)
        out = self.blank(op)
        for i in np.ndindex(out.shape):
            out[i] = self.chain(list(got[i]), op)
        return out

    def display(self, a: Atom) -> Any:
        if isinstance(a, Struct):
            rows = [self.display(x) for x in a.items]
            out = np.empty((len(rows), *rows[0].shape), dtype=object)
            for n, row in enumerate(rows):
                out[n] = row if row.shape else row[()]
            return out
        return self.array(a)

    def wrap(self, a: Any) -> Any:
        if isinstance(a, np.ndarray):
            return a
        out = np.empty((), dtype=object)
        out[()] = a
        return out

    def each(self, f: Callable[[Atom], Atom], x: Any) -> Any:
        out = np.empty(x.shape, dtype=object)
        for i in np.ndindex(x.shape):
            out[i] = f(x[i])
        return out

    def elementwise(self, fn: Any, operands: list[Any], op: Op) -> Any:
        shape = np.broadcast_shapes(*(x.shape for x in operands))
        spread = [np.broadcast_to(x, shape) for x in operands]
        out = np.empty(shape, dtype=object)
        for i in np.ndindex(shape):
            out[i] = self.one(fn, [x[i] for x in spread], op)
        return out

    def one(self, fn: Any, ins: list[Atom], op: Op) -> Atom:
        """A function of numbers, one of which is the library's if that makes a difference."""
        if fn in (operator.truediv, operator.pow) and not any(kind(a) == NUMBER for a in ins):
            ins = [self.put(self.words.strong, [ins[0]], op.origin, NUMBER), *ins[1:]]
        attrs = {k: v for k, v in op.attrs.items() if k == "text" and fn is op.fn}
        known = fn in (operator.add, operator.sub, operator.mul, operator.neg)
        return self.put(fn, ins, op.origin, None if known else NUMBER, **attrs)

    def chain(self, terms: list[Atom], op: Op) -> Atom:
        out = terms[0]
        for t in terms[1:]:
            out = self.put(operator.add, [out, t], op.origin)
        return out

    def dot(self, a: Any, b: Any, op: Op) -> Atom:
        terms = [self.put(operator.mul, [x, y], op.origin) for x, y in zip(a, b, strict=True)]
        return self.chain(list(terms), op)

    def product(self, a: Any, b: Any, op: Op) -> Any:
        if not a.shape or not b.shape:
            return self.elementwise(operator.mul, [a, b], op)
        if b.ndim == 1:
            rows = a if a.ndim == 2 else a[None]
            out = np.empty(len(rows), dtype=object)
            for i, row in enumerate(rows):
                out[i] = self.dot(row, b, op)
            return out if a.ndim == 2 else out[0]
        rows = a if a.ndim == 2 else a[None]
        out = np.empty((len(rows), b.shape[1]), dtype=object)
        for i, j in np.ndindex(out.shape):
            out[i, j] = self.dot(rows[i], b[:, j], op)
        return out if a.ndim == 2 else out[0]

    def cross(self, a: Any, b: Any, op: Op) -> Any:
        out = np.empty(3, dtype=object)
        for n in range(3):
            i, j = (n + 1) % 3, (n + 2) % 3
            left = self.put(operator.mul, [a[i], b[j]], op.origin)
            right = self.put(operator.mul, [a[j], b[i]], op.origin)
            out[n] = self.put(operator.sub, [left, right], op.origin)
        return out
