"""Forward mode: every statement is followed by the statement of its tangent."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from srcdiff.analysis.activity import Activity
from srcdiff.analysis.shifts import idle
from srcdiff.differentiate.common import (
    SHIFTS,
    Builder,
    arguments,
    display_of,
    is_constant_fn,
    is_count,
    name_derivative,
    never_ends,
    parameter_names,
)
from srcdiff.differentiate.masks import flat_far_down, flat_far_out, grows
from srcdiff.differentiate.problems import lost, no_partial, no_rule, told
from srcdiff.errors import NoRule
from srcdiff.frontend.lower import Context
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    JOINS,
    OWN,
    UNDEF,
    ZERO,
    Atom,
    Const,
    Graph,
    LoopView,
    Op,
    Origin,
    Region,
    Struct,
    Val,
    clone,
    copied,
    is_none,
    kind,
    map_atom,
    vals,
    walk,
    which_out,
)
from srcdiff.ir.indices import alone_or_tuple, display
from srcdiff.ir.kinds import (
    UNKNOWN,
    Array,
    Kind,
    Maybe,
    Scalar,
    Seq,
    Tree,
    derivative_kind,
    is_active_kind,
)
from srcdiff.ir.regions import map_region, read_in
from srcdiff.rules import vocabulary
from srcdiff.rules.registry import is_split, lookup, passive_operands

__all__ = ["CORE", "Forward", "forward"]


def forward(
    graph: Graph, wrt: list[Val], ctx: Context, seeds: dict[Val, Atom] | None = None
) -> tuple[Graph, list[Atom], list[Val]]:
    """The graph with tangents: returns it, the tangents of its results, and the new parameters.

    ``seeds`` gives a tangent to start from for an argument (a constant, say); every other argument of ``wrt``
    gets a new parameter ``x_dot``.
    """
    g, table = clone(graph)
    f = Forward(ctx, g, [table[w] for w in wrt])
    params: list[Val] = []
    for w in wrt:
        v = table[w]
        if seeds and w in seeds:
            f.dots[v] = map_atom(lambda s: table.get(s, s), seeds[w])
        else:
            word = f"{v.name}_dot"
            while any(p.name == word for p in (*g.region.params, *params)) or word in g.info.get(
                "parameters", ()
            ):
                word += "_"
            p = Val(word, derivative_kind(v.kind), user=True)
            params.append(p)
            f.dots[v] = p
    f.walk(g.region)
    with f.inside(g.region):
        tangents = [f.whole(f.dot(a)) for a in g.region.results]
    g.region.params.extend(params)
    return g, tangents, params


class Forward(Builder):
    """Adds tangents to a graph in place: one for each value that varies, or one of each of several orders."""

    outward = True

    def __init__(self, ctx: Context, graph: Graph, wrt: list[Val], orders: int = 1) -> None:
        super().__init__(ctx, graph)
        found = Activity(graph, wrt, is_constant_fn)
        self.varied, self.lost = found.varied - idle(graph, found.varied, SHIFTS), found.lost
        self.layers: list[dict[Val, Atom]] = [{} for _ in range(orders)]
        self.order = 1  # of the tangents that are being made
        self.failed: dict[Val, NoRule] = {}

    @property
    def dots(self) -> dict[Val, Atom]:
        return self.layers[self.order - 1]

    def orders(self) -> Iterator[int]:
        """Each order in turn."""
        before = self.order
        for n in range(1, len(self.layers) + 1):
            self.order = n
            yield n
        self.order = before

    @property
    def suffix(self) -> str:
        return "_dot"

    @property
    def count(self) -> int:
        """How many orders; none where there are tangents alone."""
        return 0

    def dot(self, a: Atom) -> Atom:
        """The tangent of an atom; ZERO if it does not vary."""
        if isinstance(a, Val):
            if a in self.failed:
                raise self.failed[a]
            return self.dots.get(a, ZERO)
        if isinstance(a, Struct):
            items = tuple(self.dot(x) for x in a.items)
            return ZERO if all(x is ZERO for x in items) else Struct(a.type, a.keys, items)
        return ZERO

    def moves(self, a: Atom) -> bool:
        """Whether an atom has a tangent of any order."""
        found = [self.dot(a) for _ in self.orders()]
        return any(t is not ZERO for t in found)

    def settled(self, a: Atom) -> Atom:
        """What an atom will be when all is made."""
        return a

    def full(self, a: Atom) -> Atom:
        """The tangent of an atom as a value."""
        return self.materialise(self.dot(a), a)

    def numeric(self, a: Atom) -> Atom:
        """The tangent of a display of numbers: a number for each, also where it is a count."""
        if isinstance(a, Struct) and a.type in (tuple, list):
            return Struct(a.type, a.keys, tuple(self.numeric(x) for x in a.items))
        return Const(0.0) if isinstance(kind(a), Scalar) and self.dot(a) is ZERO else self.full(a)

    def room(self, x: Atom) -> Atom:
        """The tangent of an array that is written to, with room for numbers as wide as its own."""
        t, k = self.full(x), kind(x)
        kt = kind(t)
        if isinstance(k, Array) and isinstance(kt, Array) and kt.dtype != k.dtype and is_active_kind(k):
            return self.rule(vocabulary.cast, {"g": t, "x": x})
        return t

    def written(self, x: Atom, v: Atom) -> Atom:
        """The tangent of what is written into ``x``: counts written into an array are numbers."""
        into = kind(x)
        if isinstance(into, Array):
            return Const(0.0) if self.dot(v) is ZERO else self.with_idle(self.numeric(v), v)
        return self.fit(v, element(into))

    def fit(self, a: Atom, k: Kind) -> Atom:
        """The tangent of one of the values of a kind: where that may be a number, a count is one."""
        return self.fitted(self.dot(a), a, k)

    def fitted(self, t: Atom, a: Atom, k: Kind) -> Atom:
        ka = kind(a)
        if not is_active_kind(k) or isinstance(t, Val):
            return self.materialise(t, a)
        if isinstance(k, Maybe):
            if is_none(a):
                return Const(0.0) if isinstance(k.of, (Scalar, Array)) else display((), list)
            k = k.of
        if isinstance(ka, Tree) and ka.type in (list, tuple, dict):
            each = (element(k),) * len(ka.items)
            inside = k.items if isinstance(k, Tree) and k.keys == ka.keys else each
            dots = t.items if isinstance(t, Struct) else (ZERO,) * len(ka.items)
            idle = [d is ZERO and isinstance(k, Tree) and is_count(i, k) for d, i in zip(dots, inside)]
            parts = (
                Const(None) if idle[n] else self.fitted(d, self.part(a, ka, n), i)
                for n, (d, i) in enumerate(zip(dots, inside))
            )
            return Struct(ka.type, ka.keys, tuple(parts))
        if t is ZERO and isinstance(ka, Scalar):
            return Const(0.0)
        if t is ZERO and (shown := display_of(a)) is not None:
            parts = (self.fitted(ZERO, x, element(ka)) for x in shown.items)
            zeros = Struct(shown.type, shown.keys, tuple(parts))
            return self.prim(list, [zeros], result=ka, display=True)
        if t is ZERO and isinstance(ka, Array) and not is_active_kind(ka):
            return self.rule(vocabulary.zeros_of_counts, {"x": a})
        return self.materialise(t, a)

    def set(self, v: Val, t: Atom) -> None:
        if t is ZERO or not is_active_kind(v.kind):
            return
        k = v.kind
        if isinstance(t, Struct) and t.type is tuple and isinstance(k, Tree) and k.type is not tuple:
            t = Struct(k.type, k.keys, t.items)  # a rule gives a tuple where NumPy gives a named one
        kt = kind(t)
        if isinstance(k, Array) and k.dtype[0] == "c" and isinstance(kt, Array) and kt.dtype[0] == "f":
            t = self.rule(vocabulary.cast, {"g": t, "x": v})  # x + 1j: what follows may write complex numbers
        self.dots[v] = t
        name_derivative(t, v, self.suffix)

    def walk(self, region: Region) -> None:
        todo, region.ops = region.ops, []
        with self.inside(region):
            for op in todo:
                self.origin = tangent_of(op.origin)
                if op.is_loop:
                    self.loop(op)
                else:
                    region.ops.append(op)
                    self.step(op)

    def step(self, op: Op) -> None:
        if op.code in ("if", "with"):
            for r in op.regions:
                self.walk(r)
            self.leave(op, results_of(op))
        elif op.code == "try":
            self.protected(op)
        elif op.code == "call":
            self.call_dot(op)
        elif op.code == "unpack":
            self.unpack_dot(op)
        elif op.code == "prim" and op.out in self.varied:
            try:
                self.tangent(op)
            except NoRule as e:  # no matter, if nobody asks for the tangent
                self.failed[op.out] = e

    # ---- operations
    def tangent(self, op: Op) -> None:
        self.set(op.out, self.prim_dot(op))

    def prim_dot(self, op: Op) -> Atom:
        if op.out in self.lost:
            raise lost(op, self.lost[op.out])
        if never_ends(op):
            return ZERO
        handler = CORE.get(op.fn)
        if handler is not None:
            return handler(self, op)  # type: ignore[no-any-return]
        entry = lookup(op.fn)
        if entry is None or not entry.forms:
            raise no_rule(
                op, f"{told(op)} has no derivative rule", "give it a rule, or keep the variable out of it"
            )
        if entry.elementwise is not None:
            return self.elementwise(op, entry.elementwise)
        if entry.linear is not None:
            got = self.linear(op, entry.linear)
            if got is not None:
                return got
        if entry.bilinear is not None:
            return self.bilinear(op, entry.bilinear)
        if entry.differential is not None:
            rule = entry.differential
            given = arguments(op, rule)
            full = dict(given)
            for name in rule.operands:
                full[f"{name}_dot"] = self.dot(given[name]) if name in given else ZERO
                low = flat_far_down(op.fn, name, given)
                if low is not None and full[f"{name}_dot"] is not ZERO and grows(full[f"{name}_dot"], low):
                    full[f"{name}_dot"] = self.above(low, full[f"{name}_dot"])
            self.refuse_others(op, given, rule.operands)
            if all(full[f"{name}_dot"] is ZERO for name in rule.operands):
                return ZERO
            full["out"] = op.out
            return self.of_rank(rule, self.rule(rule.text, full), op.out, "out")
        assert entry.pullback is not None
        return self.turned(op, entry.pullback)

    def turned(self, op: Op, rule: Any) -> Atom:
        """The tangent from a pullback: it is linear in the cotangent, so its text can be transposed."""
        given = arguments(op, rule)
        self.refuse_others(op, {n: a for n, a in given.items() if n != "saved"}, rule.operands)
        dots = tuple(self.dot(given[n]) if n in given else ZERO for n in rule.operands)
        if all(d is ZERO for d in dots):
            return ZERO
        bar = alone_or_tuple(dots)
        got = self.ctx.turn(self, op, rule, {**given, "out": op.out}, {"out_bar": op.out}, bar)
        return got["out_bar"]  # type: ignore[no-any-return]

    def whole(self, t: Atom) -> Atom:
        """A tangent that is a result: an error in place of what has no derivative."""
        if isinstance(t, Struct):
            return Struct(t.type, t.keys, tuple(self.whole(x) for x in t.items))
        seen: set[Op] = set()
        todo = [v.op for v in vals([t])]
        while todo:
            op = todo.pop()
            if op is None or op in seen:
                continue
            seen.add(op)
            if op.code == "prim" and op.fn in vocabulary.LEAVES_OUT:
                return self.prim(vocabulary.LEAVES_OUT[op.fn], [t], result=kind(t))
            todo += [v.op for v in vals(op.ins)]
            for r in op.regions:
                todo += [*r.ops, *(v.op for v in vals(r.results))]
        return t

    def refuse_others(self, op: Op, given: dict[str, Atom], operands: tuple[str, ...]) -> None:
        for name, a in given.items():
            if name not in operands and self.dot(a) is not ZERO and name not in passive_operands(op.fn):
                raise no_partial(op, name)

    def elementwise(self, op: Op, rule: Any) -> Atom:
        return self.along(op, rule, self.partials(op, rule))

    def partials(self, op: Op, rule: Any) -> tuple[Atom, ...]:
        """The derivatives of an operation in each of its operands, element by element."""
        return self.returned(rule, self.rule(rule.text, {**arguments(op, rule), "out": op.out}))

    def along(self, op: Op, rule: Any, parts: tuple[Atom, ...]) -> Atom:
        """The tangent of an operation element by element, from its partials."""
        given = arguments(op, rule)
        if is_split(op.fn) and all(self.dot(a) is not ZERO for a in op.ins):
            parts = self.shares(parts)
        t: Atom = ZERO
        for name, p in zip(rule.operands, parts, strict=True):
            if name not in given or (d := self.dot(given[name])) is ZERO:
                continue
            if is_none(p):
                raise no_partial(op, name)
            far, low = flat_far_out(op.fn, name, given), flat_far_down(op.fn, name, given)
            cover = None if low is None else self.low_cover(low)
            t = self.plus(t, self.times(d, self.of_library(p, op.out), far, cover))
        return self.shaped(self.over_all(t, op), op)

    def over_all(self, t: Atom, op: Op) -> Atom:
        """A sum over the operands that vary has the shape of all, also where nothing is known of that."""
        if t is ZERO or UNKNOWN not in (kind(op.out), kind(t)) or not any(map(self.may_be_wider, op.ins)):
            return t
        return self.rule(vocabulary.fit, {"t": t, "out": op.out})

    def shaped(self, t: Atom, op: Op) -> Atom:
        """A tangent has the shape and the type of its value."""
        t = self.widen(t, op.out)
        ko = kind(op.out)
        if isinstance(ko, (Array, Scalar)) and ko.dtype[0] == "f" and kind_char(t) == "c":
            t = self.rule(vocabulary.real, {"g": t})
        elif op.fn in vocabulary.REAL_RESULT and t is not ZERO and UNKNOWN in (ko, kind(t)):
            t = self.rule(vocabulary.real_like, {"g": t, "x": op.out})
        return self.fit_type(t, op.out)

    def widen(self, t: Atom, out: Val) -> Atom:
        """A tangent has the shape of its value."""
        ko, kt = kind(out), kind(t)
        if t is not ZERO and isinstance(ko, Array) and ko.dims:
            if isinstance(kt, Scalar) or (
                isinstance(kt, Array)
                and kt.dims != ko.dims
                and (len(kt.dims) < len(ko.dims) or any(d == 1 for d in kt.dims))
            ):
                return self.rule(vocabulary.expand, {"t": t, "out": out})
        return t

    def may_be_wider(self, a: Atom) -> bool:
        """Whether the others may be broadcast to an operand, which their tangents then do not know of."""
        k = kind(a)
        number = isinstance(k, Scalar) or (isinstance(k, Array) and not k.dims)
        return not isinstance(a, Const) and not number and self.dot(a) is ZERO

    def linear(self, op: Op, rule: Any) -> Atom | None:
        given = arguments(op, rule)
        skipped = passive_operands(op.fn)
        others = {k: a for k, a in given.items() if k not in rule.operands and k not in skipped}
        if any(self.dot(a) is not ZERO for a in others.values()):
            entry = lookup(op.fn)
            if entry is not None and (entry.bilinear or entry.differential or entry.pullback):
                return None
            self.refuse_others(op, given, rule.operands)
        places = parameter_names(op, rule)
        several = sum(p in rule.operands for p in places) > 1
        args = []
        for a, place in zip(op.ins, places, strict=True):
            if place in rule.operands:
                whole = several or isinstance(a, Struct)
                args.append(self.with_idle(self.numeric(a), a) if whole else self.dot(a))
            else:
                args.append(a)
        attrs = {k: v for k, v in op.attrs.items() if k not in OWN}
        k = op.out.kind
        joins = several or any(isinstance(a, Struct) for a in args)
        if joins and isinstance(k, Array) and k.dtype[0] == "c" and not any(map(has_complex, args)):
            k = replace(k, dtype="f8")  # what made the result complex does not vary
        return self.prim(op.fn, args, op.attrs.get("names", ()), result=k, **attrs)

    def with_idle(self, t: Atom, a: Atom) -> Atom:
        """A tangent with zeros for arrays of integers, too: an operation on several takes arrays only."""
        k = kind(a)
        if isinstance(t, Struct) and isinstance(k, Tree):
            parts = (self.with_idle(x, self.part(a, k, n)) for n, x in enumerate(t.items))
            return Struct(t.type, t.keys, tuple(parts))
        idle = isinstance(k, Array) and k.dtype[0] in "iub" and is_none(t)
        return self.rule(vocabulary.zeros, {"x": a}) if idle else t

    def bilinear(self, op: Op, rule: Any) -> Atom:
        given = arguments(op, rule)
        self.refuse_others(op, given, rule.operands)
        t: Atom = ZERO
        places = parameter_names(op, rule)
        attrs = {k: v for k, v in op.attrs.items() if k not in OWN}
        for name in rule.operands:
            a = given[name]
            d = self.dot(a)
            if d is ZERO:
                continue
            d = self.materialise(d, a)
            at = places.index(name)
            args = [d if i == at else x for i, x in enumerate(op.ins)]
            t = self.plus(t, self.prim(op.fn, args, op.attrs.get("names", ()), result=op.out.kind, **attrs))
        return t

    def call_dot(self, op: Op) -> None:
        """The call becomes that of the function with its tangents."""
        active = tuple(i for i, a in enumerate(op.ins) if is_active_kind(kind(a)) and self.moves(a))
        if not active:
            return
        for o in op.outs:
            if o in self.lost:
                raise lost(op, self.lost[o])
        self.region.ops.pop()
        dots = [self.declared(op.ins[i]) for _ in self.orders() for i in active]
        kinds = op.attrs["graph"].info["results"]
        callee = self.ctx.tangent_of(op.attrs["graph"], active, self.count)
        op.attrs = {**op.attrs, "graph": callee}
        op.ins = [*op.ins, *dots]
        self.region.ops.append(op)
        outs = list(op.outs)
        for _ in self.orders():
            for o, k in zip(outs, kinds, strict=True):
                if is_active_kind(k):
                    t = Val("", derivative_kind(o.kind), op)
                    op.outs.append(t)
                    self.set(o, t)

    def declared(self, a: Atom) -> Atom:
        """The tangent of an argument, of the type that the function is made for: complex, if that is."""
        t = self.full(a)
        kt, ka = kind(t), kind(a)
        if isinstance(kt, Array) and isinstance(ka, Array) and (kt.dtype[0], ka.dtype[0]) == ("f", "c"):
            return self.rule(vocabulary.cast, {"g": t, "x": a})
        return t

    def unpack_dot(self, op: Op) -> None:
        for _ in self.orders():
            d = self.dot(op.ins[0])
            if d is ZERO:
                continue
            new = Op("unpack", [d], attrs=dict(op.attrs))
            kinds = (derivative_kind(o.kind) if is_active_kind(o.kind) else UNKNOWN for o in op.outs)
            new.outs = [Val("", k, new) for k in kinds]
            self.add(new)
            for o, t in zip(op.outs, new.outs, strict=True):
                if is_active_kind(o.kind):
                    self.set(o, t)

    # ---- regions
    def leave(self, new: Op, results: list[tuple[Val, tuple[Atom, ...]]]) -> None:
        """Tangents of an operation's results, as results of ``new``; ``results``: region by region."""
        for _ in self.orders():
            for v, parts in results:
                if v not in self.varied or all(self.dot(a) is ZERO for a in parts):
                    continue
                for r, a in zip(new.regions, parts, strict=True):
                    with self.inside(r):
                        r.results.append(UNDEF if a is UNDEF else self.fit(a, v.kind))
                t = Val("", derivative_kind(v.kind), new)
                new.outs.append(t)
                self.set(v, t)

    # ---- what is protected: a tangent may raise where its value does not, so none is made inside a ``try``
    def protected(self, op: Op) -> None:
        """Behind a ``try`` whose body ran to its end come the tangents of what it did."""
        if not any(v in self.varied for v in op.outs):
            return
        test = self.prim(ops.exit_is, [which_out(op), Const(0)])
        new = Op("if", [test], [], [Region(), Region()], {}, op.origin)
        results = results_of(op)
        with self.inside(new.regions[0]):
            self.behind(op.regions[0])
        self.leave(new, results)
        self.origin = tangent_of(op.origin)
        self.region.ops.append(new)
        reach(op, new)

    def behind(self, region: Region) -> None:
        """The tangents of a region's operations, into another region."""
        for op in list(region.ops):
            self.origin = tangent_of(op.origin)
            if op.code in ("if", "with"):
                self.behind_branch(op)
            elif op.code in ("for", "while", "call"):
                self.behind_copy(op)
            else:
                self.step(op)

    def behind_branch(self, op: Op) -> None:
        if not any(v in self.varied for v in op.outs):
            return
        new = Op(op.code, list(op.ins), [], [Region() for _ in op.regions], {}, op.origin)
        if op.code == "with":
            new.ins = []
        for r, old in zip(new.regions, op.regions, strict=True):
            with self.inside(r):
                self.behind(old)
        self.leave(new, results_of(op))
        self.region.ops.append(new)

    def behind_copy(self, op: Op) -> None:
        """Loops are run once more, with tangents beside their values."""
        if not any(v in self.varied for v in op.outs):
            return
        if any(o.attrs.get("unread") for o in walk(Region([], [op]))):
            raise no_rule(
                op,
                "this loop inside a try uses what cannot be done twice (a random number, say)",
                "use reverse mode (vjp), or put the try inside the loop",
            )
        table: dict[Val, Val] = {}
        (copy,) = copied(Region([], [op]), table).ops
        for o in walk(Region([], [copy])):
            o.attrs = {k: v for k, v in o.attrs.items() if k != "guarded"}
            for r in o.regions:
                r.ops = [x for x in r.ops if not x.attrs.get("effect") or x.code != "opaque"]
        self.varied |= {new for old, new in table.items() if old in self.varied}
        self.lost |= {new: self.lost[old] for old, new in table.items() if old in self.lost}
        if copy.code == "call":
            self.region.ops.append(copy)
            self.call_dot(copy)
        else:
            self.loop(copy)
        for _ in self.orders():
            for v in op.outs:
                if self.dot(table[v]) is not ZERO:
                    self.dots[v] = self.dot(table[v])

    def loop(self, op: Op) -> None:
        view = LoopView(op)
        n = view.carried
        active = [(k, j) for k in self.orders() for j, p in enumerate(view.params) if p in self.varied]
        inits: list[Atom] = []
        params: list[Val] = []
        extra = []
        for _ in self.orders():
            for j, p in enumerate(view.params):
                if p in self.varied:
                    inits.append(UNDEF if view.inits[j] is UNDEF else self.fit(view.inits[j], p.kind))
                    params.append(Val(f"{p.name}{self.suffix}", derivative_kind(p.kind), op, p.user))
            for j, e in enumerate(view.elements):
                if e in self.varied and self.dot(view.sources[j]) is not ZERO:
                    d = Val(f"{e.name}{self.suffix}", derivative_kind(e.kind), op, e.user)
                    extra.append((self.dot(view.sources[j]), op.attrs["dirs"][j], d))
                    self.dots[e] = d
        self.region.ops.append(op)
        for (k, j), p in zip(active, params, strict=True):
            self.layers[k - 1][view.params[j]] = p
        body = view.body
        self.walk(body)
        yields: list[Atom] = []
        tapes = []
        with self.inside(body):
            for k in self.orders():
                for at, j in active:
                    if at == k:
                        y = view.yields[j]
                        yields.append(UNDEF if y is UNDEF else self.fit(y, view.params[j].kind))
                tapes += [
                    (k, t, self.fit(c, element(t.kind)), f"{t.name}{self.suffix}" if t.name else "")
                    for c, t in view.kept
                    if t in self.varied and self.dot(c) is not ZERO
                ]
        i = view.has_index
        body.params[i + n : i + n] = params
        op.ins[view.head + n : view.head + n] = inits
        body.results[n:n] = yields
        finals = [p.again(op) for p in params]
        op.outs[n:n] = finals
        if op.code == "while":
            op.regions[0].params.extend(Val(p.name, p.kind, user=p.user) for p in params)
        op.attrs["carried"] = n + len(active)
        view = LoopView(op)
        read = set(read_in(body)) if extra else set()
        read |= set(vals([tangent for _, _, tangent, _ in tapes]))
        read |= {v for r in read for v in vals([self.settled(r)])}
        for s, d, e in extra:
            if e in read:  # (one that nobody reads would still count the trips)
                view.add_source(s, d, e)
        for (k, j), f in zip(active, finals, strict=True):
            self.layers[k - 1][view.finals[j]] = f
        for k, t, tangent, name in tapes:
            seq = derivative_kind(t.kind)
            assert isinstance(seq, Seq)
            self.layers[k - 1][t] = LoopView(op).add_tape(tangent, name, seq.elem)


def tangent_of(o: Origin | None) -> Origin | None:
    """The origin of what is made beside a statement."""
    return replace(o, tangent=True) if o is not None else None


def element(k: Kind) -> Kind:
    """The kind of an element of a list; unknown of what is none, or has parts of several kinds."""
    return k.elem if isinstance(k, Seq) else UNKNOWN


def results_of(op: Op) -> list[tuple[Val, tuple[Atom, ...]]]:
    return list(zip(op.outs, zip(*(r.results for r in op.regions), strict=True), strict=True))


def reach(block: Op, user: Op) -> None:
    """Let the regions of ``user`` read what is made inside ``block``: as further results of it."""
    home: dict[Val, Op] = {}  # a value -> the operation in whose region it is made

    def locate(op: Op) -> None:
        for r in op.regions:
            for p in r.params:
                home[p] = op
            for o in r.ops:
                for v in o.outs:
                    home[v] = op
                if o.code in JOINS:
                    locate(o)

    locate(block)
    table: dict[Val, Val] = {}

    def outside(v: Val) -> Val:
        if v not in home:
            return v
        if v not in table:
            op = home[v]
            for r in op.regions:
                r.results.append(v if any(v in o.outs for o in r.ops) or v in r.params else UNDEF)
            out = v.again(op)
            op.outs.append(out)
            if op is not block:
                home[out] = next(o for o in walk(Region([], [block])) if any(op in r.ops for r in o.regions))
            table[v] = outside(out)
        return table[v]

    for r in user.regions:
        map_region(outside, r)


def kind_char(a: Atom) -> str:
    k = kind(a)
    return k.dtype[0] if isinstance(k, (Array, Scalar)) else ""


def has_complex(a: Atom) -> bool:
    return any(map(has_complex, a.items)) if isinstance(a, Struct) else kind_char(a) == "c"


# ---- the core operations ---------------------------------------------------------------------------


def _getitem(f: Forward, op: Op) -> Atom:
    d = f.dot(op.ins[0])
    if d is ZERO:
        return ZERO
    if isinstance(d, Struct) and isinstance(op.ins[1], Const) and op.ins[1].value not in d.keys:
        k, at = kind(op.ins[0]), op.ins[1].value
        assert isinstance(k, Tree)
        from_end = type(at) is int and at < 0 and k.type in (tuple, list)
        return d.items[at if from_end else k.keys.index(at)]
    if isinstance(d, Struct) and not isinstance(op.ins[1], Const):
        d = f.numeric(op.ins[0])  # which element is known only at run time: each needs a tangent
    if (isinstance(d, Val) and isinstance(d.kind, Tree)) or isinstance(d, Struct):
        return f.getitem(f.materialise(d, op.ins[0]) if not isinstance(d, Struct) else d, op.ins[1])
    return f.prim(op.fn, [d, op.ins[1]], result=op.out.kind, view=op.attrs.get("view"))


def _setitem(f: Forward, op: Op) -> Atom:
    x, index, v = op.ins
    if f.dot(x) is ZERO and f.dot(v) is ZERO:
        return ZERO
    t = f.prim(
        op.fn,
        [f.room(x), index, f.written(x, v)],
        result=op.out.kind,
        **{k: a for k, a in op.attrs.items() if k == "at"},
    )
    if f.dot(v) is ZERO:
        f.blanked(t)
    return t


def _additem(f: Forward, op: Op) -> Atom:
    x, index, v = op.ins
    if f.dot(v) is ZERO:
        return f.dot(x)
    return f.prim(
        op.fn,
        [f.room(x), index, f.full(v)],
        result=op.out.kind,
        **{k: a for k, a in op.attrs.items() if k == "at"},
    )


def _append(f: Forward, op: Op) -> Atom:
    x, v = op.ins
    if f.dot(x) is ZERO and f.dot(v) is ZERO:
        return ZERO
    attrs = {k: a for k, a in op.attrs.items() if k in ("snapshots", "unset")}
    return f.prim(op.fn, [f.fit(x, op.out.kind), f.fit(v, element(op.out.kind))], result=op.out.kind, **attrs)


def _same(f: Forward, op: Op) -> Atom:
    d = f.dot(op.ins[0])
    if d is ZERO:
        return ZERO
    d = f.materialise(d, op.ins[0])
    attrs = {k: a for k, a in op.attrs.items() if k in ("display", "unset")}
    return f.prim(op.fn, [d, *op.ins[1:]], result=op.out.kind, **attrs)


def _accumulate(f: Forward, op: Op) -> Atom:
    return f.widen(f.over_all(f.plus(f.dot(op.ins[0]), f.dot(op.ins[1])), op), op.out)


def _linked(f: Forward, op: Op) -> Atom:
    a, b = (f.dot(x) for x in op.ins)
    if a is ZERO or b is ZERO:
        return b if a is ZERO else a
    return f.plus(f.full(op.ins[0]), f.full(op.ins[1]))


def _given(f: Forward, op: Op) -> Atom:
    return f.dot(op.ins[0])


def _concat(f: Forward, op: Op) -> Atom:
    return f.prim(op.fn, [f.fit(a, op.out.kind) for a in op.ins], result=op.out.kind)


def _mul_list(f: Forward, op: Op) -> Atom | None:
    return f.prim(op.fn, [f.fit(op.ins[0], op.out.kind), op.ins[1]], result=op.out.kind)


def _mul(f: Forward, op: Op) -> Atom:
    if isinstance(op.out.kind, Seq):
        got = _mul_list(f, op)
        assert got is not None
        return got
    entry = lookup(op.fn)
    assert entry is not None and entry.elementwise is not None
    return f.elementwise(op, entry.elementwise)


CORE: dict[Any, Any] = {
    operator.getitem: _getitem, ops.getfield: _getitem, ops.setitem: _setitem, ops.additem: _additem,
    ops.append: _append, ops.poplast: _same, ops.rest: _same,
    ops.without: _same, dict: _same, ops.copied: _same, list: _same, float: _same,
    ops.accumulate: _accumulate, ops.linked: _linked, ops.given: _given,
    operator.concat: _concat, operator.mul: _mul,
}  # fmt: skip
