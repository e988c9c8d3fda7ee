"""Large arrays are gone over some rows at a time: `for start in range(0, n, 15360): x_rows = x[start:stop]`.

With whole arrays every operation waits for memory, and temporaries of that size go back to the system and
come again (which takes two to three times as long); some thousand rows stay in the processor's cache, and
are all that is held beside the result.  Where the sizes at hand are large, and every row of a result follows
from the same row of the arguments or results are sums over rows, the text does so: what is the same for all
rows goes before the loop, what follows from the sums behind it.  Sums come out in another order.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from math import prod
from typing import Any

from srcdiff.analysis.liveness import effect
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Atom,
    Const,
    Graph,
    Op,
    Region,
    Slice,
    Struct,
    Val,
    clone,
    kind,
    map_atom,
    vals,
    walk,
)
from srcdiff.ir.indices import display
from srcdiff.ir.kinds import INT, Array, Kind, Scalar, Sym, fresh_sym, members
from srcdiff.ir.regions import made_by, read_by, replace_read
from srcdiff.optimise.dce import dce
from srcdiff.optimise.powers import powers_as_products
from srcdiff.pipeline.rowwise import COUNT, ONE, ROWWISE, TOTAL, Mixed, loop, result, said
from srcdiff.request import LARGE
from srcdiff.rules import registry
from srcdiff.rules import rows as words

__all__ = ["is_cut", "some_rows"]

NUMBERS = 15_360  # of the widest array in a block: below what `malloc` asks the system for each time (128 kB)
CACHE = 65_536  # numbers in all arrays of a block, beyond which these are fetched again with every operation
LEAST = 32  # rows at a time: a block of fewer takes longer than it saves
CHAIN = 6  # operations on arrays: a shorter one is done before it is cut
EVEN = 64  # blocks of more rows than that are of a multiple of it
AFTER = "made of sums over rows"

Sizes = Mapping[int, int]  # of symbols, as they are at this call


def some_rows(graph: Graph) -> Graph | None:
    """The graph that goes over some rows at a time; None where that is not known to be the same or to pay."""
    seen: Sizes = {**outside(graph), **graph.info.get("seen", {})}
    found = rows_of(graph, seen)
    if found is None or any(graph.info.get(word) for word in ("shapes", "written")):
        return None
    n, names = found
    lengths = [k.dims[0] for name, k in own_arrays(graph).items() if name in names]
    if any(isinstance(d, Sym) and d.id in graph.info.get("exact", {}) for d in lengths):
        return None
    block = how_many(graph, seen, n)
    if block < LEAST or n < 4 * block:
        return None
    try:
        whole = powers_as_products(clone(graph)[0])  # (while it is known what the program returns)
        return Cut(whole, names, block).run()
    except Mixed:
        return None


def is_cut(graph: Graph, seen: Sizes) -> bool:
    """Whether it would be so for arrays of these sizes."""
    there = graph.over(graph.region, seen=seen)
    return some_rows(there) is not None


def may_grow(graph: Graph) -> bool:
    """Whether larger arguments are worth another look."""
    return bool(own_arrays(graph)) and len(arrays_made(graph)) >= CHAIN


def own_arrays(graph: Graph) -> dict[str, Array]:
    """The arguments that are arrays, and the arrays that the function takes from outside."""
    own = {*graph.info["signature"].parameters} if "signature" in graph.info else set()
    own |= {c.name for c in graph.captures}
    params = graph.region.params
    return {p.name: p.kind for p in params if isinstance(p.kind, Array) and p.kind.dims and p.name in own}


def outside(graph: Graph) -> dict[int, int]:
    """The sizes of arrays from outside, by their symbols."""
    values = {c.name: c.value for c in graph.captures}
    out: dict[int, int] = {}
    for p in graph.region.params:
        shape = getattr(values.get(p.name), "shape", ())
        if isinstance(p.kind, Array) and len(shape) == len(p.kind.dims):
            for d, n in zip(p.kind.dims, shape, strict=True):
                if isinstance(d, Sym):
                    out[d.id] = n - d.offset
    return out


def arrays_made(graph: Graph) -> list[Array]:
    """The arrays that operations make; views of others are none."""
    made = [op for op in walk(graph.region) if op.code != "prim" or not registry.may_alias(op.fn)]
    return [o.kind for op in made for o in op.outs if isinstance(o.kind, Array) and o.kind.dims]


def rows_of(graph: Graph, seen: Sizes) -> tuple[int, list[str]] | None:
    """How many rows the largest argument has, and the arguments with as many."""
    shapes = {name: [size_of(d, seen) for d in k.dims] for name, k in own_arrays(graph).items()}
    if not shapes:
        return None
    n = max(shapes.values(), key=prod)[0]
    return n, [name for name, shape in shapes.items() if shape[0] == n]


def how_many(graph: Graph, seen: Sizes, n: int) -> int:
    """How many rows are worth a block: none where arrays are small, or little is done with them."""
    made = arrays_made(graph)
    widest = max((prod(size_of(d, seen) for d in k.dims) for k in made), default=0)
    if widest < LARGE or len(made) < CHAIN or not n:
        return 0
    numbers = min(NUMBERS, int(CACHE / held_at_once(graph, widest, seen)))
    rows = numbers // -(-widest // n)
    return rows - rows % EVEN if rows > EVEN else rows


def held_at_once(graph: Graph, widest: int, seen: Sizes) -> float:
    """How many arrays of the widest are wanted later on at once, with one that is being made."""
    last = {v: n for n, op in enumerate(graph.region.ops) for v in read_by(op)}
    share: dict[Val, float] = {}
    most = 0.0
    for n, op in enumerate(graph.region.ops):
        made = op.outs if op.code != "prim" or not registry.may_alias(op.fn) else []
        arrays = [(o, o.kind) for o in made if isinstance(o.kind, Array) and o.kind.dims]
        share.update({o: prod(size_of(d, seen) for d in k.dims) / widest for o, k in arrays})
        most = max(most, sum(share.values()))
        share = {v: x for v, x in share.items() if last.get(v, n) > n}
    return max(most, 1.0)


def size_of(d: Any, seen: Sizes) -> int:
    return d if isinstance(d, int) else max(1, seen.get(d.id, 1) + d.offset)


class Cut:
    """A graph in three parts: before the loop over blocks of rows, in it, and behind it."""

    def __init__(self, graph: Graph, names: list[str], block: int) -> None:
        self.graph, self.names, self.block = graph, names, block
        self.params: dict[Val, Array] = {}  # what is cut
        self.known: dict[Val, str] = dict.fromkeys(graph.region.params, ONE)
        self.inner: set[Val] = set()  # what is only there in the loop
        self.lengths: set[int] = set()  # the symbols of the number of rows
        self.n: Val | None = None  # how many rows there are
        self.before: list[Op] = []
        self.body: list[Op] = []
        self.behind: list[Op] = []

    def run(self) -> Graph | None:
        for p in self.graph.region.params:
            if p.name in self.names:
                if not isinstance(p.kind, Array) or not isinstance(p.kind.dims[0], Sym):
                    raise Mixed(f"the length of {p.name!r} is a part of the text")
                self.params[p] = p.kind
                self.known[p] = ROWWISE
                self.inner.add(p)
                self.lengths.add(p.kind.dims[0].id)
        for op in self.graph.region.ops:
            self.place(op)
        self.inline_constants()
        if sum(isinstance(o.kind, Array) for op in self.body for o in op.outs) < CHAIN:
            return None
        self.build()
        graph = dce(self.graph)
        graph.info["seen"] = {**graph.info.get("seen", {}), **{s.id: self.block for s in self.sizes.values()}}
        places = tuple((name, (), 0) for name in self.names)
        graph.info["cut"] = self.block, tuple(self.names)
        if len(places) > 1:
            graph.info["sizes"] = (*graph.info.get("sizes", ()), places)
        return graph

    # ---- what goes where
    def place(self, op: Op) -> None:
        if effect(op) or (op.code == "prim" and op.attrs.get("guarded")):
            raise Mixed(said(op))
        read = read_by(op)
        given = {self.known[v] for v in read if v in self.known}
        inner = any(v in self.inner for v in read)
        if self.is_count(op):
            self.known[op.out] = COUNT  # (of all rows where it is a number, of a block's in a shape)
            return
        if op.code == "prim" and (self.asked_of_all(op) or self.is_mean(op)):
            return
        if op.code == "prim" and COUNT in given and op.fn not in words.OF_A_SHAPE:
            self.in_numbers(op, read)
            given -= {COUNT}
            read = read_by(op)
        if AFTER in given or (TOTAL in given and not op.is_loop):
            if any(v in self.inner and self.known[v] != TOTAL for v in read):
                raise Mixed(said(op))
            self.in_numbers(op, read)
            self.behind.append(op)
            self.known.update(dict.fromkeys(made_by(op), AFTER))
            return
        if given <= {ONE}:
            self.known.update(dict.fromkeys(made_by(op), ONE))
        elif op.is_loop:
            loop(op, self.known)
        elif op.code == "prim":
            self.known[op.out] = result(op, self.known)
        else:
            raise Mixed(said(op))
        if inner or COUNT in given:
            self.inner.update(op.outs)
            self.body.append(op)
        else:
            self.before.append(op)

    def inline_constants(self) -> None:
        """What is made of nothing stays where it is read."""
        elsewhere = {v for op in (*self.before, *self.behind) for v in read_by(op)}
        elsewhere |= set(vals(self.graph.region.results))
        mine = [op for op in self.before if not read_by(op) and elsewhere.isdisjoint(op.outs)]
        self.before = [op for op in self.before if op not in mine]
        self.body[:0] = mine

    def is_count(self, op: Op) -> bool:
        """Whether an operation asks how many rows there are."""
        x = op.ins[0] if op.code == "prim" and op.ins else None
        if not isinstance(x, Val) or self.known.get(x) != ROWWISE:
            return False
        if op.fn is words.SIZE and len(op.ins) == 1:
            return isinstance(x.kind, Array) and len(x.kind.dims) == 1
        return op.fn is words.LENGTH or (op.fn is ops.shape_at and op.ins[1] == Const(0))

    def asked_of_all(self, op: Op) -> bool:
        """What is asked of the shape of a block can be asked of an argument with such rows."""
        x = op.ins[0] if op.ins else None
        asks = op.fn is ops.shape_at or (op.fn is words.SIZE and len(op.ins) == 1)
        if not asks or not isinstance(x, Val) or self.known[x] != ROWWISE or not isinstance(x.kind, Array):
            return False
        dims = x.kind.dims[1:]
        like = next((p for p, k in self.params.items() if k.dims[1:] == dims), None)
        if like is None:
            return False
        op.ins = [like, *op.ins[1:]]
        self.before.append(op)
        self.known[op.out] = ONE
        return True

    def is_mean(self, op: Op) -> bool:
        """A mean over all rows is their sum, over their number."""
        x = op.ins[0] if op.ins else None
        if op.fn is not words.MEAN or not isinstance(x, Val) or self.known[x] != ROWWISE:
            return False
        names = op.names
        axis: Atom = op.ins[1] if len(op.ins) == 2 and names[1] in ("", "axis") else Const(None)
        if len(op.ins) > 2 or axis not in (Const(None), Const(0)) or not isinstance(x.kind, Array):
            return False
        if axis == Const(0) or len(x.kind.dims) == 1:
            count = self.length()
        else:
            count = self.prim(words.SIZE, [x], INT)
            if count.op is None or not self.asked_of_all(count.op):
                return False
        method = {"method": words.SUM.__name__} if "method" in op.attrs else {}  # (as the mean was)
        total = Op("prim", list(op.ins), [], [], {**op.attrs, **method, "fn": words.SUM}, op.origin)
        total.outs = [Val("", op.out.kind, total)]
        self.place(total)
        op.become(operator.truediv)
        op.ins = [total.out, count]
        self.place(op)
        return True

    def in_numbers(self, op: Op, read: list[Val]) -> None:
        """Where a number of rows is a number, all of them are meant."""
        counts = [v for v in read if self.known.get(v) == COUNT]
        if counts:
            replace_read(op, dict.fromkeys(counts, self.length()))

    def length(self) -> Val:
        if self.n is None:
            (p, k), *_ = self.params.items()
            self.n = self.earlier(self.prim(ops.shape_at, [p, Const(0)], Scalar("i8", True, k.dims[0]), "n"))
            self.known[self.n] = ONE
        return self.n

    def earlier(self, v: Val) -> Val:
        self.before.append(v.op)  # type: ignore[arg-type]
        return v

    # ---- putting it together
    def build(self) -> None:
        made = Op("for", [Const(0), self.length(), Const(self.block)], [], [Region()])
        made.attrs = {"head": 3, "rev": False, "carried": 0, "dirs": (), "exits": (), "aligned": True}
        region = made.regions[0]
        start = Val("start", INT, made)
        region.params.append(start)
        stop = self.prim(operator.add, [start, Const(self.block)], INT, "stop")
        part = Slice(start, stop, Const(None))
        self.put(region, stop)
        self.sizes: dict[int, Sym] = {}
        now: dict[Val, Atom] = {}
        for p, k in self.params.items():
            here = self.prim(operator.getitem, [p, part], self.of_block(k), f"{p.name}_rows")
            now[p] = self.put(region, here)
        finals: dict[Val, Val] = {}
        places: dict[Val, Val] = {}
        for v in self.wanted():
            first = self.first(v)
            whole = kind(first) if self.known[v] == ROWWISE else v.kind
            places[v], finals[v] = Val(v.name, whole, made), Val(v.name, whole, made)
            made.ins.append(first)
            region.params.append(places[v])
        after = self.into_body(region, now, places, part)
        region.results = [after[v] for v in places]
        made.attrs["carried"] = len(finals)
        made.outs = [*finals.values(), Val("", INT, made)]
        for op in self.behind:
            replace_read(op, finals)
        g = self.graph.region
        g.ops = [*self.before, made, *self.behind]
        g.results = [map_atom(lambda v: finals.get(v, v), a) for a in g.results]

    def put(self, region: Region, v: Val) -> Val:
        region.ops.append(v.op)  # type: ignore[arg-type]
        return v

    def into_body(
        self, region: Region, now: dict[Val, Atom], places: Mapping[Val, Val], part: Slice
    ) -> dict[Val, Val]:
        """Operations on all rows, of a block; what is wanted of each goes to its place."""
        count: Val | None = None
        after: dict[Val, Val] = {}
        names = {v.name: v for v in places}
        for op in self.body:
            read = [v for v in read_by(op) if self.known.get(v) == COUNT]
            if read and count is None:
                (p, k), *_ = self.params.items()
                there = Scalar("i8", True, self.size(k.dims[0]))
                count = self.put(region, self.prim(ops.shape_at, [now[p], Const(0)], there))
            if count is not None:
                now.update(dict.fromkeys(read, count))
            replace_read(op, now)
            for v in made_by(op):
                v.kind = self.of_block(v.kind)
                if v.name in names and v not in places:
                    v.name = f"{v.name}_rows" if self.known[names[v.name]] == ROWWISE else ""
            region.ops.append(op)
            for v in op.outs:
                if v in places:
                    if self.known[v] == ROWWISE:
                        done = self.prim(ops.setitem, [places[v], part, v], places[v].kind, v.name)
                    else:
                        done = self.prim(ops.accumulate, [places[v], v], v.kind, v.name)
                    after[v] = self.put(region, done)
                    v.name, v.user = f"{v.name}_rows" if self.known[v] == ROWWISE and v.name else "", False
        return after

    def wanted(self) -> list[Val]:
        """What results, and what is behind the loop, take out of it."""
        out: dict[Val, None] = {}
        for a in self.graph.region.results:
            for v in vals([a]):
                if self.known[v] not in (ONE, AFTER, ROWWISE, TOTAL):
                    raise Mixed(f"a result is {self.known[v]}")
                if v in self.inner and v not in self.params:
                    out[v] = None
        for op in self.behind:
            out.update(dict.fromkeys(v for v in read_by(op) if v in self.inner))
        for v in out:
            if self.known[v] not in (ROWWISE, TOTAL):
                raise Mixed("what is the same for all rows follows from some of them")
        return list(out)

    def first(self, v: Val) -> Atom:
        """What the loop starts with: memory for all rows, or a sum of nothing."""
        k, what = v.kind, self.known[v]
        if what == TOTAL and isinstance(k, Scalar) and k.dtype[0] == "f":
            return Const(0.0)
        like = [p for p in self.graph.region.params if self.is_like(p, k, what)]
        like.sort(key=lambda p: p.kind != k)  # (of one and the same length first)
        if not like:
            return self.earlier(self.of_dims(k, what, v.name))
        p, whole = like[0], like[0].kind
        if not isinstance(whole, Array) or whole.dtype != "f8":
            return self.earlier(self.prim(words.NEW if what == ROWWISE else words.BLANK, [p], whole, v.name))
        axes = range(len(whole.dims))  # (of a shape, that is: in the machine's order of bytes)
        asked = (self.prim(ops.shape_at, [p, Const(n)], Scalar("i8", True, whole.dims[n])) for n in axes)
        sizes = tuple(map(self.earlier, asked))
        made = words.NEW_OF if what == ROWWISE else words.BLANK_OF
        return self.earlier(self.prim(made, [Struct(tuple, tuple(axes), sizes)], whole, v.name))

    def is_like(self, p: Val, k: Kind, what: str) -> bool:
        """Whether an argument has the shape and type of a result."""
        if what == TOTAL:
            return p.kind == k and p not in self.params
        return p in self.params and in_rows(p.kind) == in_rows(k)

    def of_dims(self, k: Kind, what: str, name: str) -> Val:
        """An array for a result of which every size is that of an argument."""
        if not isinstance(k, Array) or k.dtype != "f8":
            raise Mixed("a result has the type of no argument")
        places = {d: (p, at) for p in self.graph.region.params if isinstance(p.kind, Array)
                  for at, d in enumerate(p.kind.dims)}  # fmt: skip
        shape: list[Atom] = [self.length()] if what == ROWWISE else []
        for d in k.dims[len(shape) :]:
            found = next((places[m] for m in members(d) if m in places), None)
            if isinstance(d, int):
                shape.append(Const(d))
            elif found is not None and d.big:
                p, at = found
                shape.append(self.earlier(self.prim(ops.shape_at, [p, Const(at)], Scalar("i8", True, d))))
            else:
                raise Mixed("a result has the shape of no argument")
        made = words.NEW_OF if what == ROWWISE else words.BLANK_OF
        if what == ROWWISE:
            k = Array(k.dtype, (next(iter(self.params.values())).dims[0], *k.dims[1:]))
        return self.prim(made, [display(shape)], k, name)

    def of_block(self, k: Kind) -> Kind:
        """A kind of all rows, as it is of a block."""
        if isinstance(k, Array):
            return Array(k.dtype, tuple(map(self.size, k.dims)))
        if isinstance(k, Scalar) and isinstance(k.value, Sym):
            return Scalar(k.dtype, k.weak, self.size(k.value))
        return k

    def size(self, d: Any) -> Any:
        if isinstance(d, int) or d.id not in self.lengths:
            return d
        s = self.sizes.setdefault(d.id, fresh_sym(big=True))
        return Sym(s.id, d.offset, d.big)

    def prim(self, fn: Any, ins: list[Atom], k: Kind, name: str = "") -> Val:
        return Op.applying(fn, ins, k, None, name).out


def in_rows(k: Kind) -> Any:
    """What a row is like."""
    return (k.dtype, k.dims[1:]) if isinstance(k, Array) else k
