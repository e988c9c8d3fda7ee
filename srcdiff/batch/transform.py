"""Batching: the graph of a function of one example becomes that of many, side by side.

Every value is in one of three ways, which the old graph's values are looked up by (``Batch.how``):

``ONE``   the same for all examples; it is as it was, and computed once
``MANY``  an array whose first axis counts the examples; a list of such arrays, for a list
``EACH``  a Python list with the value of each example: what need not have one shape

An operation on values that are ``ONE`` stays.  One on ``MANY`` is a single operation on arrays wherever
something says how (``batch.structure``, ``rules.batching``).  What is left waits, and becomes one loop over
the examples with the operations as they were, as late as somebody needs their results.

The old graph is only read: an attempt that fails leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from srcdiff.batch.apply import CORE, Many, Unbatched, Wanted
from srcdiff.differentiate.common import display_of
from srcdiff.differentiate.halves import uses
from srcdiff.frontend.lower import Context
from srcdiff.ir.checkpoints import is_marked
from srcdiff.ir.graph import (
    Atom,
    Const,
    Graph,
    LoopView,
    Op,
    Region,
    Struct,
    Undef,
    Val,
    copied,
    kind,
    managed,
    map_atom,
    vals,
    walk,
)
from srcdiff.ir.kinds import INT, OTHER, UNKNOWN, Array, Dim, Kind, Maybe, Scalar, Seq, Sym, Tree, fresh_sym
from srcdiff.ir.regions import read_by, replace_values
from srcdiff.ir.unset import may_be_unset
from srcdiff.rules import batching, columns

__all__ = ["EACH", "MANY", "ONE", "How", "batched", "lifted"]

ONE, MANY, EACH = "one", "many", "each"
How = Any  # one of these, or a tuple of them for the parts of a container
MOST_READINGS = 12  # of a loop, until it is known which of its variables differ between examples


def lifted(k: Kind, how: How, dim: Dim) -> Kind:
    """The kind of the values of many examples."""
    if how == ONE:
        return k
    if isinstance(how, tuple) and not isinstance(k, Tree):
        raise Unbatched("containers of other structures")
    match k:
        case Tree():
            hows = how if isinstance(how, tuple) else (how,) * len(k.items)
            items = tuple(lifted(x, h, dim) for x, h in zip(k.items, hows, strict=True))
            return Tree(k.type, k.keys, items, k.static)
        case _ if how == EACH:
            return Seq(k)
        case Scalar(dtype):
            return Array(dtype, (dim,))
        case Array(dtype, dims):
            return Array(dtype, (dim, *dims))
        case Seq() if type(k) is Seq:
            return Seq(lifted(k.elem, how, dim), frozen=k.frozen)
    raise Unbatched(f"values of kind {k}")


def same_for_all(how: How) -> bool:
    return how == ONE or (isinstance(how, tuple) and all(map(same_for_all, how)))


def batched(
    ctx: Context,
    graph: Graph,
    mapped: Mapping[Val, How],
    dim: Dim,
    of: Val | None = None,
    axes: Mapping[Val, Any] = MappingProxyType({}),
    in_turn: bool = False,
) -> tuple[Graph, list[How], dict[Val, Val]]:
    """The graph for many examples.

    ``in_turn``: one after the other, in one loop around all that differs between them.

    ``mapped``: how the parameters come; ``axes``: where the examples lie in parameters, in place of that;
    ``dim``: how many examples there are: as many as ``of``, a vector of the graph, has elements.  Returns the
    graph, how its results are, and the new parameters by the old ones.
    """
    new = graph.over(Region())
    b = Batch(ctx, new, dim, of)
    b.in_turn = in_turn
    table: dict[Val, Val] = {}
    for p in graph.region.params:
        how = mapped.get(p, ONE)
        k = along(p.kind, axes[p], dim) if p in axes else lifted(p.kind, how, dim)
        v = table[p] = Val(p.name, k, user=p.user)
        new.region.params.append(v)
        if p in axes:
            with b.inside(new.region):
                b.stand(p, *b.moved(v, p.kind, axes[p]))
        else:
            b.stand(p, v, how)
    if axes:
        with b.inside(new.region):
            new.info["count"] = b.count()
    if "values" in graph.info:
        new.info["values"] = {k: table.get(v, v) for k, v in graph.info["values"].items()}
    hows = b.walk(graph.region, last=True)
    return new, hows, table


def along(k: Kind, axes: Any, dim: Dim) -> Kind:
    """The kind of the values of many examples, where these lie along axes of their own."""
    if axes is None:
        return k
    if isinstance(k, Tree):
        parts = zip(k.items, parts_of(k, axes), strict=True)
        return Tree(k.type, k.keys, tuple(along(x, a, dim) for x, a in parts), k.static)
    if isinstance(k, Array):
        at = axes % (len(k.dims) + 1)
        return Array(k.dtype, (*k.dims[:at], dim, *k.dims[at:]))
    return lifted(k, MANY, dim)


def parts_of(k: Tree, axes: Any) -> list[Any]:
    """Axes, part by part."""
    if isinstance(axes, dict):
        return [axes.get(key) for key in k.keys]
    if isinstance(axes, (tuple, list)):
        return list(axes)
    return [axes if isinstance(x, (Array, Scalar, Seq, Tree)) else None for x in k.items]


class Batch(Many):
    """Builds the graph for many examples beside that for one."""

    def __init__(self, ctx: Context, graph: Graph, dim: Dim, of: Val | None = None) -> None:
        super().__init__(ctx, graph)
        self.dim = dim
        self.of = of
        self.now: dict[Val, Atom] = {}  # old value -> what stands for it
        self.how: dict[Val, How] = {}  # where it is not ONE
        self.waiting: list[Op] = []
        self.inner: dict[Val, list[Val]] = {}  # the parts of containers that come out of a loop over examples
        self.loops = 0  # around this place
        self.in_turn = False

    # ---- values
    def stand(self, old: Val, new: Atom, how: How) -> None:
        self.now[old] = new
        if not same_for_all(how):
            self.how[old] = by_parts(old.kind, how)

    def named(self, new: Atom, k: Kind, how: How) -> Val:
        """A value of the old graph for what is there in the new one alone: a part of another value."""
        old = Val("", k)
        self.stand(old, new, how)
        return old

    def at(self, a: Atom) -> Atom:
        """What stands for an atom of the old graph."""
        return map_atom(lambda v: self.now.get(v, v), a)

    def way(self, a: Atom) -> How:
        """How the value of an atom is."""
        if isinstance(a, Val):
            return self.how.get(a, ONE)
        if isinstance(a, Struct):
            hows = tuple(map(self.way, a.items))
            return ONE if same_for_all(hows) else hows
        return MANY if any(v in self.how for v in vals([a])) else ONE

    def count(self) -> Atom:
        """How many examples there are."""
        if isinstance(self.dim, int):
            return Const(self.dim)
        if self.of is not None and self.of in self.now:
            return self.shape_of(self.now[self.of], 0)
        for v, how in self.how.items():
            a = self.now[v]
            if how == MANY and isinstance(a, Val) and isinstance(a.kind, Array) and a.op is None:
                if a in self.graph.region.params:
                    return self.shape_of(a, 0)
        for v, how in self.how.items():
            found = self.counted(self.now[v], how) if v.op is None else None
            if found is not None:
                return found
        raise Unbatched("no argument to count")

    def counted(self, a: Atom, how: How) -> Atom | None:
        """The number of examples, from a part of an argument."""
        k = kind(a)
        if isinstance(k, Tree) and not same_for_all(how):
            hows = how if isinstance(how, tuple) else (how,) * len(k.items)
            for n, h in enumerate(hows):
                got = None if same_for_all(h) else self.counted(self.part(a, k, n), h)
                if got is not None:
                    return got
        if how == MANY and isinstance(k, Array):
            return self.shape_of(a, 0)
        if how == EACH:
            return self.prim(len, [a], result=Scalar("i8", True, self.dim))
        if how == MANY and isinstance(k, Seq) and isinstance(k.elem, Array):
            return self.shape_of(self.getitem(a, Const(0)), 0)
        return None

    def moved(self, a: Atom, k: Kind, axes: Any) -> tuple[Atom, How]:
        """An argument with its examples first, and how it is."""
        if axes is None:
            return a, ONE
        if isinstance(k, Tree):
            each = parts_of(k, axes)
            got = [self.moved(self.part(a, tree(a), n), x, each[n]) for n, x in enumerate(k.items)]
            return Struct(k.type, k.keys, tuple(x for x, _ in got)), tuple(h for _, h in got)
        if axes in (0, -len(k.dims) - 1 if isinstance(k, Array) else -1):
            return a, MANY
        return self.rule(columns.to_first, {"x": a, "axis": Const(axes)}), MANY

    # ---- regions
    def walk(self, old: Region, last: bool = False, loop: bool = False) -> list[How]:
        """The operations and results of a region, into the current one; how the results are."""
        outer, self.waiting = self.waiting, []
        self.loops += loop
        needed = last_uses(old)
        try:
            for n, op in enumerate(old.ops):
                self.origin = op.origin
                self.step(op, n, needed)
            self.flush(len(old.ops) - 1, needed)
        finally:
            self.waiting = outer
            self.loops -= loop
        hows = [self.way(a) for a in old.results]
        self.region.results = [self.at(a) for a in old.results]
        if last:
            done = [self.side_by_side(a, r, h) for a, r, h in
                    zip(old.results, self.region.results, hows, strict=True)]  # fmt: skip
            self.region.results, hows = [a for a, _ in done], [h for _, h in done]
        return hows

    def side_by_side(self, old: Atom, new: Atom, how: How) -> tuple[Atom, How]:
        """A result as an array where it is a list of what each example gives."""
        if isinstance(how, tuple):
            k = kind(old)
            assert isinstance(k, Tree)
            parts = [
                self.side_by_side(self.old_part(old, n), self.part(new, tree(new), n), h)
                for n, h in enumerate(how)
            ]
            return Struct(k.type, k.keys, tuple(a for a, _ in parts)), tuple(h for _, h in parts)
        if how == EACH and isinstance(kind(old), (Scalar, Array)):
            return self.stacked(new, kind(old)), MANY
        if how == EACH and (isinstance(kind(old), Seq) or kind(old) == UNKNOWN):
            return self.rule(batching.structured, {"xs": new}), MANY
        return new, how

    def old_part(self, old: Atom, n: int) -> Atom:
        if isinstance(old, Struct):
            return old.items[n]
        k = kind(old)
        assert isinstance(k, Tree)
        return Val("", k.items[n])

    def step(self, op: Op, n: int, needed: Mapping[Val, int]) -> None:
        held = {o for w in self.waiting for o in w.outs}
        behind = uses(op, held)
        made_anew = self.in_turn and (not is_pure(op) or any(o.kind in (OTHER, UNKNOWN) for o in op.outs))
        if made_anew or (self.in_turn and (behind or uses(op, set(self.how)))):
            self.waiting.append(op)
            return
        if not behind and not uses(op, set(self.how)):
            if not is_pure(op) and not all(map(is_pure, self.waiting)):
                self.flush(n - 1, needed)
            self.keep(op)
            return
        if not is_pure(op):
            self.waiting.append(op)
            return
        if behind:
            if not self.would(op, held) or any(needed.get(v, -1) >= n and may_be_unset(v) for v in held):
                self.waiting.append(op)
                return
            self.flush(n - 1, needed)
        if not self.attempt(op):
            self.waiting.append(op)

    def would(self, op: Op, held: set[Val]) -> bool:
        """Whether an operation on what is still waiting could be one on arrays."""
        known = self.known()
        with self.restored():
            for v in read_by(op):
                if v in held:
                    if not self.stackable(v, known):
                        return False
                    self.stand(v, Val("", lifted(v.kind, MANY, self.dim)), MANY)
            return self.attempt(op)

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Whatever is done inside is undone."""
        now, how, size = dict(self.now), dict(self.how), len(self.region.ops)
        try:
            yield
        finally:
            self.now, self.how = now, how
            del self.region.ops[size:]

    def attempt(self, op: Op) -> bool:
        """Do an operation on arrays, if there is a way."""
        now, how, size = dict(self.now), dict(self.how), len(self.region.ops)
        region = self.region
        try:
            self.many(op)
        except Unbatched:
            self.now, self.how, self.region = now, how, region
            del region.ops[size:]
            return False
        return True

    def keep(self, op: Op) -> None:
        """An operation that is the same for all examples."""
        table: dict[Val, Val] = {}
        whole = copied(Region([], [op]), table)
        replace_values(whole, {v: self.at(v) for v in read_by(op) if v in self.now})
        self.region.ops += whole.ops
        for o in op.outs:
            self.now[o] = table[o]

    # ---- operations on many examples at once
    def many(self, op: Op) -> None:
        if op.code == "prim":
            self.many_prim(op)
        elif op.code == "if":
            self.many_branch(op)
        elif op.is_loop:
            self.many_loop(op)
        elif op.code == "with" and (not managed(op) or is_marked(op)):
            self.many_block(op)
        else:
            raise Unbatched(op.code)

    def many_prim(self, op: Op) -> None:
        handler = CORE.get(op.fn)
        if handler is not None:
            atom, how = handler(self, op)
        else:
            atom, how = self.by_rule(op), MANY
        if how == MANY:
            atom = self.fitted(atom, op.out)
        if isinstance(atom, Val) and not atom.user and op.out.name and atom.op is not None:
            atom.name, atom.user = op.out.name, op.out.user
        self.stand(op.out, atom, how)

    def fitted(self, a: Atom, old: Val) -> Atom:
        """A result with the kind that it must have: a rule that gives another one is not used."""
        expected, k = lifted(old.kind, MANY, self.dim), kind(a)
        if isinstance(expected, Array):
            if not isinstance(k, Array) or len(k.dims) != len(expected.dims):
                raise Unbatched("a result of another rank")
            if k.dtype != expected.dtype:
                if k.dtype[0] != expected.dtype[0]:
                    raise Unbatched("a result of another type")
                a = self.cast(a, expected.dtype)
        if isinstance(a, Val):
            a.kind = expected
        return a

    def many_block(self, op: Op) -> None:
        new = Op("with", [self.at(a) for a in op.ins], [], [Region()], dict(op.attrs), op.origin)
        for p in op.regions[0].params:  # what was entered
            v = p.again(new)
            new.regions[0].params.append(v)
            self.stand(p, v, ONE)
        with self.inside(new.regions[0]):
            hows = self.walk(op.regions[0])
        self.leave(op, new, hows)

    def leave(self, op: Op, new: Op, hows: list[How]) -> None:
        self.region.ops.append(new)
        for o, how in zip(op.outs, hows, strict=True):
            v = Val(o.name, lifted(o.kind, how, self.dim), new, o.user)
            new.outs.append(v)
            self.stand(o, v, how)

    def many_branch(self, op: Op) -> None:
        """A branch that all examples take together; one for each is a choice, if it is of numbers."""
        if self.way(op.ins[0]) != ONE:
            self.choice(op)
            return
        new = Op("if", [self.at(op.ins[0])], [], [Region(), Region()], dict(op.attrs), op.origin)
        got = []
        for r, old in zip(new.regions, op.regions, strict=True):
            with self.inside(r):
                got.append(self.walk(old))
        hows = [joined(a, b) for a, b in zip(*got, strict=True)]
        for r, old, own in zip(new.regions, op.regions, got, strict=True):
            with self.inside(r):
                r.results = [
                    self.as_way(a, x, h, want, o.kind)
                    for a, x, h, want, o in zip(old.results, r.results, own, hows, op.outs, strict=True)
                ]
        self.leave(op, new, hows)

    def choice(self, op: Op) -> None:
        """``a if test else b`` for each example: both, if no harm can come of it, and ``np.where``."""
        for r in op.regions:
            if any(o.code != "prim" or o.fn not in batching.HARMLESS for o in r.ops):
                raise Unbatched("a branch on what differs between examples")
        for o, a, b in zip(op.outs, *(r.results for r in op.regions), strict=True):
            if not isinstance(o.kind, (Scalar, Array)) or o.kind.dtype[0] == "O":
                raise Unbatched("a choice of what is no number")
            if isinstance(a, Undef) or isinstance(b, Undef):
                raise Unbatched("a variable that is not set on one path")
        got = []
        for old in op.regions:
            inner = Region()
            with self.inside(inner):
                self.walk(old)
            got.append(old.results)
            self.region.ops += inner.ops
        for o, a, b in zip(op.outs, *got, strict=True):
            rank = len(o.kind.dims) if isinstance(o.kind, Array) else 0
            args = [self.aligned(x, rank) for x in (op.ins[0], a, b)]
            v = self.fitted(self.prim(batching.CHOOSE, args), o)
            assert isinstance(v, Val)
            v.name, v.user = o.name, o.user
            self.stand(o, v, MANY)

    # ---- loops
    def many_loop(self, op: Op) -> None:
        view = LoopView(op)
        if any(self.way(a) != ONE for a in view.header):
            raise Unbatched("a loop that is of another length for each example")
        hows = [self.way(a) for a in view.inits]
        for n, p in enumerate(view.params):  # a list that begins as a display
            if type(p.kind) is Seq and isinstance(hows[n], tuple) and flat_hows(hows[n]) <= {ONE, MANY}:
                hows[n] = MANY
        for _ in range(MOST_READINGS):
            now, how = dict(self.now), dict(self.how)
            try:
                found = self.read_loop(op, view, hows)
            except Wanted as e:
                at = [n for n, p in enumerate(view.params) if self.now.get(p) is e.variable]
                if not at:
                    raise
                found = [MANY if n in at else h for n, h in enumerate(hows)]
            if found is None:
                return
            self.now, self.how, hows = now, how, found
        raise Unbatched("a loop whose variables do not settle")

    def read_loop(self, op: Op, view: LoopView, hows: list[How]) -> list[How] | None:
        """The loop, if its variables are as ``hows`` says; otherwise what they are found to be."""
        inits = [
            self.as_way(a, self.at(a), self.way(a), h, p.kind)
            for a, h, p in zip(view.inits, hows, view.params, strict=True)
        ]
        sources = [self.across(a) for a in view.sources]
        attrs = dict(op.attrs)
        new = Op(op.code, [*map(self.at, view.header), *inits, *(s for s, _ in sources)], [],
                 [Region() for _ in op.regions], attrs, op.origin)  # fmt: skip
        body = new.regions[-1]
        if view.has_index:
            i = view.index.again(new)
            body.params.append(i)
            self.stand(view.index, i, ONE)
        elements = [h for _, h in sources]
        for p, h in zip([*view.params, *view.elements], [*hows, *elements], strict=True):
            v = Val(p.name, lifted(p.kind, h, self.dim), new, p.user)
            body.params.append(v)
            self.how.pop(p, None)
            self.stand(p, v, h)
        if op.code == "while":
            first = op.regions[0]
            for p, h in zip(first.params, hows, strict=True):
                v = Val(p.name, lifted(p.kind, h, self.dim), new, p.user)
                new.regions[0].params.append(v)
                self.how.pop(p, None)
                self.stand(p, v, h)
            with self.inside(new.regions[0]):
                if self.walk(first, loop=True) != [ONE]:
                    raise Unbatched("a loop that ends at another trip for each example")
        with self.inside(body):
            got = self.walk(view.body, loop=True)
            n = view.carried
            found = [joined(a, b) for a, b in zip(hows, got[:n], strict=True)]
            if found != hows:
                return found
            if view.exit_result is not None and got[-1] != ONE:
                raise Unbatched("a loop that is left at another trip for each example")
            collected = got[n : n + len(view.collected)]
            if any(EACH in flat_hows(h) for h in collected):
                raise Unbatched("a tape of what each example has by itself")
            for at, (a, h) in enumerate(zip(view.collected, collected, strict=True), n):
                if isinstance(h, tuple) and not same_for_all(h):  # all of what a list holds is in one way
                    body.results[at] = self.as_way(a, body.results[at], h, MANY)
            collected = [ONE if same_for_all(h) else MANY for h in collected]
            body.results[:n] = [
                self.as_way(a, x, h, want, p.kind)
                for a, x, h, want, p in zip(
                    view.yields, body.results[:n], got[:n], hows, view.params, strict=True
                )
            ]
        self.region.ops.append(new)
        rest = [ONE] * (len(op.outs) - n - len(collected))
        for o, h in zip(op.outs, [*hows, *collected, *rest], strict=True):
            v = Val(o.name, lifted(o.kind, h, self.dim), new, o.user)
            new.outs.append(v)
            self.stand(o, v, h)
        return None

    def across(self, source: Atom) -> tuple[Atom, How]:
        """What a loop runs over: its elements are those of all examples."""
        how = self.way(source)
        new = self.at(source)
        if how == ONE:
            return new, ONE
        k = kind(source)
        if how == MANY and isinstance(k, Array) and k.dims:
            return self.rule(batching.elements, {"x": new}), MANY
        if how == MANY and type(k) is Seq:
            return new, MANY
        raise Unbatched("a loop over something else for each example")

    def as_way(self, old: Atom, new: Atom, how: How, want: How, meant: Kind | None = None) -> Atom:
        """A value as it has to be where paths meet; ``meant`` is the kind of what is there on any of them."""
        if isinstance(old, Undef):  # nobody looks
            return new
        how, want = by_parts(kind(old), how), by_parts(kind(old), want)
        if how == want and want in (MANY, EACH):
            return self.meant_rank(new, kind(old), meant) if want == MANY else new
        if same_for_all(how) and same_for_all(want):
            return new
        if isinstance(want, tuple):
            k = kind(old)
            if not isinstance(k, Tree):
                raise Unbatched("a container on one path only")
            hows = how if isinstance(how, tuple) else (how,) * len(want)
            kinds = parts_meant(meant, len(want))
            items = [
                self.as_way(self.old_part(old, n), self.part(new, tree(new), n), h, w, kinds[n])
                for n, (h, w) in enumerate(zip(hows, want, strict=True))
            ]
            return Struct(k.type, k.keys, tuple(items))
        if want == MANY and how == ONE:
            if isinstance(meant, Scalar) and meant.dtype == "f8" and isinstance(new, Const):
                if type(new.value) is int:  # an array does not become one of floats by itself
                    new = Const(float(new.value))
            if isinstance(meant, (Scalar, Array)) and meant.dtype[0] == "c" and isinstance(new, Const):
                if type(new.value) in (int, float):
                    new = Const(complex(new.value))
            if type(kind(old)) is Seq and (shown := display_of(new)) and shown.items:
                each = tuple(self.expanded(x, kind(x)) for x in shown.items)
                made = Struct(shown.type, shown.keys, each)
                return self.prim(list, [made], result=Seq(kind(each[0])), display=True)
            return self.meant_rank(self.expanded(new, kind(old)), kind(old), meant)
        raise Unbatched("values that are arrays on one path only")

    def meant_rank(self, new: Atom, k: Kind, meant: Kind | None) -> Atom:
        """What has fewer axes than is meant (a number that stands for an array): its examples stay first."""
        own = len(k.dims) if isinstance(k, Array) else 0
        if not isinstance(meant, Array) or not isinstance(k, (Array, Scalar)) or own >= len(meant.dims):
            return new
        return self.before(new, own, len(meant.dims))

    def as_many(self, a: Atom, meant: Kind | None = None) -> Atom:
        """A value of the old graph with the examples first, all parts of it."""
        return self.as_way(a, self.at(a), self.way(a), MANY, meant)

    # ---- the loop over the examples
    def read_by_waiting(self) -> list[Val]:
        """What is there already of that which waiting operations read."""
        return list(dict.fromkeys(v for op in self.waiting for v in read_by(op) if v in self.now))

    def known(self) -> set[int]:
        """The sizes known by name that waiting operations start from, and that all examples share."""
        return {s.id for v in self.read_by_waiting() for s in shared_sizes(v.kind, self.way(v))}

    def stackable(self, v: Val, known: set[int]) -> bool:
        """Whether a value is there, and has one shape, for all examples."""
        if may_be_unset(v):
            return False
        if isinstance(v.kind, Scalar):
            return v.kind.dtype[0] in "fcib"
        if isinstance(v.kind, Array):
            return all(not isinstance(d, Sym) or d.id in known for d in v.kind.dims)
        return False

    def flush(self, n: int, needed: Mapping[Val, int]) -> None:
        """What waits becomes a loop over the examples."""
        if not self.waiting:
            return
        if self.loops:
            raise Unbatched("something in a loop that examples do one by one: they run the loop one by one")
        free, known = self.read_by_waiting(), self.known()
        waiting, self.waiting = self.waiting, []
        made = [o for op in waiting for o in op.outs]
        things = [v for v in free if v.kind in (OTHER, UNKNOWN) and same_for_all(self.way(v))]
        if things and any(acts_on_things(op) for op in walk(Region([], waiting))):
            raise Unbatched("an object is changed that would have to be made anew for each example")
        table: dict[Val, Val] = {}
        body = copied(Region([], waiting), table)
        attrs: dict[str, Any] = {"head": 0, "carried": 0, "dirs": (), "exits": ()}
        loop = Op("for", [], [], [body], attrs, waiting[0].origin)
        body.params.append(Val("", INT, loop))
        body.results = []
        view = LoopView(loop)
        replace_values(body, {v: self.example(v, view) for v in free})
        outs: list[tuple[Val, Atom]] = []  # what is needed later, container by container
        whole: list[Val] = []
        with self.inside(body):
            for o in made:
                if needed.get(o, -1) > n:
                    whole.append(o)
                    outs += self.leaves(o, table[o])
        tapes = {o: view.add_tape(a, o.name, o.kind) for o, a in outs}
        loop.outs.append(Val("", INT, loop))
        self.region.ops.append(loop)
        for o, tape in tapes.items():
            if self.stackable(o, known):
                self.stand(o, self.stacked(tape, o.kind), MANY)
            else:
                self.stand(o, tape, EACH)
        for o in whole:
            if o not in tapes:
                self.stand(o, *self.gathered(o))

    def leaves(self, old: Val, new: Atom) -> Iterator[tuple[Val, Atom]]:
        """The parts of what one example makes, each with a stand-in that is kept in ``inner``."""
        if not isinstance(old.kind, Tree) or may_be_unset(old):
            yield old, new
            return
        named = zip(old.kind.keys, old.kind.items, strict=True)
        parts = [Val(f"{old.name}_{key}" if old.name else "", k) for key, k in named]
        self.inner[old] = parts
        for n, part in enumerate(parts):
            yield from self.leaves(part, self.part(new, old.kind, n))

    def gathered(self, old: Val) -> tuple[Atom, How]:
        """A container of what became of its parts."""
        if old not in self.inner:
            return self.now[old], self.way(old)
        got = [self.gathered(x) for x in self.inner.pop(old)]
        k = tree(old)
        return Struct(k.type, k.keys, tuple(a for a, _ in got)), tuple(h for _, h in got)

    def example(self, v: Val, view: LoopView) -> Atom:
        """A value as one example has it, inside the loop over them."""
        if type(v.kind) is Seq and may_be_unset(v):
            raise Unbatched("a list with places that nothing stands in")
        if not same_for_all(self.way(v)) and may_be_unset(v):
            raise Unbatched("what no path has to set, of each example")
        return self.one_of(self.now[v], v.kind, self.way(v), v.name, view)

    def one_of(self, new: Atom, k: Kind, how: How, name: str, view: LoopView) -> Atom:
        if same_for_all(how):
            return new
        if isinstance(k, Tree) and how != EACH:
            hows = how if isinstance(how, tuple) else (how,) * len(k.items)
            items = [self.one_of(self.part(new, tree(new), n), x, h, str(k.keys[n]), view) for n, (x, h) in
                     enumerate(zip(k.items, hows, strict=True))]  # fmt: skip
            return Struct(k.type, k.keys, tuple(items))
        if how == MANY and isinstance(k, Seq):
            if type(k) is not Seq or not isinstance(k.elem, (Scalar, Array)):
                raise Unbatched("a list of containers")
            if isinstance(k.elem, Array):  # which may be of several shapes
                element = Val(f"{name.rstrip('!')}_i" if name else "", k, view.op, True)
                view.add_source(self.apart(new, k.elem), 1, element)
                return element
            rows = self.rule(batching.rows, {"xs": new, "n": self.count()})
            inner = lifted(k.elem, MANY, fresh_sym())
            row = Val(f"{name.rstrip('!')}_i" if name else "", inner, view.op, True)
            view.add_source(rows, 1, row)
            listed = Op.applying(list, [row], k)
            view.body.ops.insert(0, listed)
            return listed.out
        element = Val(f"{name.rstrip('!')}_i" if name else "", k, view.op, True)
        view.add_source(new, 1, element)
        return element

    def apart(self, new: Atom, k: Array) -> Atom:
        """A list of arrays with the examples first, as the list that each example has."""
        outer, inner = (Op("for", [], [], [Region()], {}, self.origin) for _ in range(2))
        i, x = Val("", INT, outer), Val("", lifted(k, MANY, self.dim), inner)
        for loop, xs in ((outer, [Const(0), self.count(), Const(1)]), (inner, [])):
            head = len(xs)
            loop.attrs = {"head": head, "rev": False, "carried": 0, "dirs": (), "exits": ()}
            loop.ins = list(xs)
        outer.regions[0].params.append(i)
        inner.regions[0].params.append(Val("", INT, inner))
        LoopView(inner).add_source(new, 1, x)
        with self.inside(inner.regions[0]):
            own = self.getitem(x, i)
        own_kind = kind(own)
        one = LoopView(inner).add_tape(own, "", own_kind)
        inner.outs.append(Val("", INT, inner))
        outer.regions[0].ops.append(inner)
        each = LoopView(outer).add_tape(one, "", Seq(own_kind))
        outer.outs.append(Val("", INT, outer))
        self.region.ops.append(outer)
        return each

    def stacked(self, tape: Atom, k: Kind) -> Atom:
        out = self.rule(batching.stacked, {"xs": tape})
        if isinstance(out, Val):
            out.kind = lifted(k, MANY, self.dim)
        return out


def tree(a: Atom) -> Tree:
    """The kind of a container of known structure."""
    k = kind(a)
    assert isinstance(k, Tree)
    return k


def by_parts(k: Kind, how: How) -> How:
    """How a container of known structure is: part by part."""
    if not isinstance(k, Tree) or how in (ONE, EACH):
        return how
    hows = how if isinstance(how, tuple) else (how,) * len(k.items)
    return tuple(map(by_parts, k.items, hows))


def parts_meant(meant: Kind | None, n: int) -> list[Kind | None]:
    """The kinds that the parts of a container are to have."""
    if isinstance(meant, Tree) and len(meant.items) == n:
        return list(meant.items)
    return [meant.elem if type(meant) is Seq else None] * n


def joined(a: How, b: How) -> How:
    """How a value is that comes in one way or another."""
    if a == b or (same_for_all(a) and same_for_all(b)):
        return a
    if isinstance(a, tuple) and isinstance(b, tuple) and len(a) != len(b):
        raise Unbatched("containers of other structures")
    if isinstance(a, tuple) or isinstance(b, tuple):
        n = len(a) if isinstance(a, tuple) else len(b)
        both = (x if isinstance(x, tuple) else (x,) * n for x in (a, b))
        return tuple(joined(x, y) for x, y in zip(*both, strict=True))
    if EACH in (a, b):
        raise Unbatched("a value that each example has by itself")
    return MANY


def flat_hows(how: How) -> set[str]:
    return set().union(*map(flat_hows, how)) if isinstance(how, tuple) else {how}


def is_pure(op: Op) -> bool:
    """Whether an operation only computes."""
    effect = op.attrs.get("effect") or op.attrs.get("unread")
    return not effect and all(is_pure(o) for r in op.regions for o in r.ops)


def acts_on_things(op: Op) -> bool:
    """Whether an operation may change an object (a set, a random generator, a manager)."""
    acts = op.code == "with" or op.attrs.get("effect") or op.attrs.get("unread")
    return bool(acts) and any(v.kind in (OTHER, UNKNOWN) for v in vals(op.ins))


def last_uses(region: Region) -> dict[Val, int]:
    """The last operation of a region that reads each value; beyond its end for results."""
    out = {v: n for n, op in enumerate(region.ops) for v in read_by(op)}
    out.update(dict.fromkeys(vals(region.results), len(region.ops)))
    return out


def shared_sizes(k: Kind, how: How) -> Iterator[Sym]:
    """The sizes known by name in a kind that are the same for all examples."""
    if isinstance(k, Tree) and isinstance(how, tuple):
        for x, h in zip(k.items, how, strict=True):
            yield from shared_sizes(x, h)
    elif how == ONE or same_for_all(how):
        yield from symbols(k)
    elif how == MANY:
        yield from symbols(k, numbers=False)


def symbols(k: Kind, numbers: bool = True) -> Iterator[Sym]:
    """The sizes known by name in a kind; ``numbers``: those that are values of integers, too."""
    match k:
        case Array(dims=dims):
            yield from (d for d in dims if isinstance(d, Sym))
        case Scalar(value=Sym() as s) if numbers:
            yield s
        case Seq(elem) | Maybe(elem):
            yield from symbols(elem, numbers)
        case Tree(items=items):
            for x in items:
                yield from symbols(x, numbers)
