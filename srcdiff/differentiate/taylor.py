"""Taylor mode: every statement is followed by those of its Taylor coefficients along a line.

A value ``y`` that varies has coefficients ``y_1 ... y_n`` beside itself: ``y(t) = y + y_1 t + y_2 t**2 ...``
All structure (loops, branches, containers) and all that is linear is forward mode, order by order. Of the
rest a product is a convolution, and everything else goes by its tangent: forward mode makes the operations of
``y' = D(x, y, x')``, whose coefficients are computed in turn, as far as each is asked for. The coefficient of
order ``k - 1`` of ``D`` needs those of ``y`` below ``k`` only, and is ``k`` times the next of ``y``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from srcdiff.analysis.activity import varied
from srcdiff.differentiate import masks
from srcdiff.differentiate.common import arguments, is_constant_fn, one, parameter_names
from srcdiff.differentiate.forward import CORE, Forward
from srcdiff.differentiate.masks import Mask, alike, finite
from srcdiff.differentiate.problems import no_rule
from srcdiff.frontend.lower import Context
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    OWN,
    ZERO,
    Atom,
    Const,
    Graph,
    Op,
    Region,
    Struct,
    Val,
    clone,
    copied,
    key_of,
    kind,
    map_atom,
    vals,
    walk,
)
from srcdiff.ir.kinds import Seq, Tree, is_active_kind
from srcdiff.ir.regions import replace_values
from srcdiff.rules import recurrences, vocabulary
from srcdiff.rules.registry import lookup, passive_operands

__all__ = ["taylor"]

Plan = Callable[[int], Atom]
LARGEST = 64  # natural exponents up to this are products


def taylor(
    graph: Graph, seeds: Mapping[Val, Sequence[Atom]], ctx: Context, orders: int
) -> tuple[Graph, list[list[Atom]]]:
    """The graph with Taylor coefficients; ``seeds``: those of arguments from the first order on (zero then).

    Returns it, and for each result its coefficients from the first order on.
    """
    g, table = clone(graph)
    if orders == 0:
        return g, [[] for _ in g.region.results]
    f = Taylor(ctx, g, [table[w] for w in seeds], orders)
    for w, given in seeds.items():
        for layer, t in zip(f.layers, given, strict=False):
            layer[table[w]] = t
    f.walk(g.region)
    with f.inside(g.region):
        found = [[f.dot(a) for _ in f.orders()] for a in g.region.results]
    replace_values(g.region, {v: f.settled(v) for v in f.stands_for})
    return g, [[f.settled(t) for t in each] for each in found]


@dataclass(slots=True)
class Series:
    """The coefficients of a value, as far as they are known, and how to get the next."""

    op: Op | None
    known: list[Atom] = field(default_factory=list)
    plan: Plan | None = None
    busy: bool = False


def rate(x: Any) -> Any:
    """The derivative of ``x`` along the curve: a marker of values that are replaced in the end."""
    return x


masks.PASSES.add(rate)


class Taylor(Forward):
    """Adds Taylor coefficients to a graph in place."""

    def __init__(self, ctx: Context, graph: Graph, wrt: list[Val], orders: int) -> None:
        super().__init__(ctx, graph, wrt, orders)
        self.series: dict[Val, Series] = {}  # of what is made while one operation is done
        self.same: dict[Any, Val] = {}  # these values, by function and operands
        self.rates: dict[Val, Atom] = {}
        self.by_rate = False  # whether tangents are rates
        self.limit = orders  # how many coefficients are needed at most
        self.known: dict[Atom, int] = {}  # conditions -> the side that this is on
        self.stands_for: dict[Val, Atom] = {}  # rates -> coefficients of the first order

    @property
    def suffix(self) -> str:
        return f"_{self.order}"

    @property
    def count(self) -> int:
        return len(self.layers)

    # ---- coefficients
    def dot(self, a: Atom) -> Atom:
        return self.rate(a) if self.by_rate else self.at(a, self.order)

    def at(self, a: Atom, k: int) -> Atom:
        """The coefficient of order ``k``."""
        if k == 0:
            return a
        if isinstance(a, Val) and a in self.series:
            return self.next(self.series[a], k)
        if isinstance(a, Val):
            if a in self.failed:
                raise self.failed[a]
            return self.layers[k - 1].get(a, ZERO)
        if isinstance(a, Struct):
            items = tuple(self.at(x, k) for x in a.items)
            return ZERO if all(x is ZERO for x in items) else Struct(a.type, a.keys, items)
        return ZERO

    def next(self, s: Series, k: int) -> Atom:
        """The coefficient of order ``k`` of a series, all up to it computed."""
        while len(s.known) < k:
            if s.busy:
                assert s.op is not None
                raise no_rule(s.op, "no recurrence for its Taylor coefficients", "use derivative or jvp")
            s.busy = True
            try:
                if s.plan is None:
                    assert s.op is not None
                    s.plan = self.planned(s.op)
                else:
                    s.known.append(s.plan(len(s.known) + 1))
            finally:
                s.busy = False
        return s.known[k - 1]

    def varies(self, a: Atom) -> bool:
        return any(v in self.varied for v in vals([a]))

    def tangent(self, op: Op) -> None:
        before = self.order, self.region
        self.limit, self.known = len(self.layers), {}
        self.series = {op.out: Series(op)}
        self.same, self.rates = {key_of_op(op): op.out}, {}
        try:
            found = [self.at(op.out, k) for k in self.orders()]
        finally:
            self.series = {}
            self.order, self.region = before
        for k in self.orders():
            self.set(op.out, self.settled(found[k - 1]))

    # ---- how the coefficients of an operation follow from one another
    def planned(self, op: Op) -> Plan:
        if is_constant_fn(op.fn) or not is_active_kind(op.out.kind) or not any(map(self.varies, op.ins)):
            return lambda k: ZERO
        linear = CORE.get(op.fn) if op.fn is not operator.mul else None
        if linear is not None or isinstance(op.out.kind, Seq):
            return self.each(op, lambda: Forward.prim_dot(self, op))
        entry = lookup(op.fn)
        if op.fn in recurrences.PRODUCTS and all(map(self.varies, op.ins)):
            return lambda k: self.shaped(self.convolved(op.ins[0], op.ins[1], k), op)
        if op.fn in recurrences.QUOTIENTS and self.varies(op.ins[1]):
            return lambda k: self.shaped(self.quotient(op, k), op)
        if op.fn in recurrences.QUOTIENTS:
            return self.each(op, lambda: self.shaped(self.divided(self.dot(op.ins[0]), op.ins[1]), op))
        if op.fn in recurrences.POWERS and (plan := self.power(op)) is not None:
            return plan
        if entry is not None and entry.elementwise is not None:
            return self.by_partials(op, entry.elementwise)
        if entry is not None and entry.linear is not None:
            places = parameter_names(op, entry.linear)
            ours = {*entry.linear.operands, *passive_operands(op.fn)}
            if not any(self.varies(a) for n, a in zip(places, op.ins, strict=True) if n not in ours):
                return self.each(op, lambda: Forward.prim_dot(self, op))
        elif entry is not None and entry.bilinear is not None:
            places = parameter_names(op, entry.bilinear)
            if all(self.varies(op.ins[places.index(n)]) for n in entry.bilinear.operands):
                return lambda k: self.bilinear_at(op, entry.bilinear, k)
            return self.each(op, lambda: Forward.prim_dot(self, op))
        return self.by_tangent(op, lambda: Forward.prim_dot(self, op))

    def each(self, op: Op, make: Callable[[], Atom]) -> Plan:
        """What is linear: forward mode, order by order."""

        def plan(k: int) -> Atom:
            before = self.order, self.by_rate
            self.order, self.by_rate = k, False
            try:
                return ZERO if all(self.dot(a) is ZERO for a in op.ins) else make()
            finally:
                self.order, self.by_rate = before

        return plan

    def by_partials(self, op: Op, rule: Any) -> Plan:
        """Element by element: linear, if the partials are constant."""
        scratch = Region()
        with self.inside(scratch):
            parts = self.partials(op, rule)
        given = arguments(op, rule)
        asked = [p for n, p in zip(rule.operands, parts, strict=True) if n in given and self.varies(given[n])]
        moving = varied(Graph("", scratch), self.varied, is_constant_fn)
        if not any(v in moving for v in vals(asked)):
            alias = self.placed(scratch.ops)
            parts = tuple(map_atom(lambda v: alias.get(v, v), p) for p in parts)
            return self.each(op, lambda: self.along(op, rule, parts))
        return self.by_tangent(op, lambda: self.along(op, rule, parts), scratch.ops)

    def by_tangent(self, op: Op, make: Callable[[], Atom], before: list[Op] | None = None) -> Plan:
        """By ``y' = D(x, y, x')``; ``make`` gives ``D`` from the rates of the operands."""
        for v in vals(op.ins):
            self.rate(v)
        scratch = Region([], before or [])
        old, self.by_rate = self.by_rate, True
        try:
            with self.inside(scratch):
                t = make()
        finally:
            self.by_rate = old
        return self.integrated(op, scratch.ops, t)

    def integrated(self, op: Op, made: list[Op], t: Atom, count: int | None = None) -> Plan:
        """The plan of a value whose rate is ``t``, made by these operations."""
        made = needed(made, t)
        moving = varied(Graph("", Region([], made)), self.varied, is_constant_fn)
        choices = [n for n, o in enumerate(made) if o.code != "prim" and any(v in moving for v in o.outs)]
        if choices:
            if count is None:  # of an operand of the rate one less is needed
                count = self.limit - (next(iter(self.series)) is not op.out)
            return self.branched(op, made, choices[0], t, count)
        alias = self.placed(made)
        t = map_atom(lambda v: alias.get(v, v), t)
        return lambda k: self.divided(self.at(t, k - 1), Const(float(k))) if k > 1 else t

    def branched(self, op: Op, made: list[Op], n: int, t: Atom, count: int) -> Plan:
        """A rate that is made in one way or another: all coefficients in either way, in a branch."""
        choice = made[n]
        if choice.code != "if":
            raise no_rule(op, "no recurrence for its Taylor coefficients", "use derivative or jvp")
        alias = self.placed(made[:n])
        (test,) = (map_atom(lambda v: alias.get(v, v), a) for a in choice.ins)

        def on_side(way: Region) -> Plan:
            table: dict[Val, Any] = dict(alias)
            side = copied(Region([], way.ops, way.results), table)
            table |= dict(zip(choice.outs, side.results, strict=True))
            rest = [*side.ops, *self.remade(made[n + 1 :], table)]
            return self.integrated(op, rest, map_atom(lambda v: table.get(v, v), t), count)

        if isinstance(test, Const):
            return on_side(choice.regions[0 if test.value else 1])
        if test in self.known:
            return on_side(choice.regions[self.known[test]])
        new = Op("if", [test], [], [Region(), Region()], {}, self.origin)
        sides = []
        for which, into in enumerate(new.regions):
            kept = self.series, self.same, self.rates, self.varied, self.limit, self.known
            self.series = {v: replace(s, known=list(s.known)) for v, s in self.series.items()}
            self.same, self.rates, self.varied = dict(self.same), dict(self.rates), set(self.varied)
            self.limit, self.known = count, {**self.known, test: which}
            with self.inside(into):
                s = self.series[op.out]
                s.busy = False
                s.plan = on_side(choice.regions[which])
                sides.append([self.next(s, k) for k in range(1, count + 1)])
            self.series, self.same, self.rates, self.varied, self.limit, self.known = kept
        found: list[Atom] = []
        for both in zip(*sides, strict=True):
            if all(a is ZERO for a in both):
                found.append(ZERO)
                continue
            for a, into in zip(both, new.regions, strict=True):
                with self.inside(into):
                    into.results.append(self.materialise(a, op.out))
            new.outs.append(Val("", op.out.kind, new))
            found.append(new.outs[-1])
        self.region.ops.append(new)
        return lambda k: found[k - 1]  # (more is never asked for)

    def remade(self, made: list[Op], table: dict[Val, Any]) -> list[Op]:
        """Operations on other operands, which may be zero now; ``table`` gets their results."""
        out = Region()
        with self.inside(out):
            for o in made:
                ins = [map_atom(lambda v: table.get(v, v), a) for a in o.ins]
                if o.code != "prim":
                    (copy,) = copied(Region([], [o]), table).ops
                    out.ops.append(copy)
                elif o.fn in recurrences.PRODUCTS and any(one(a, 0) for a in ins):
                    table[o.out] = ZERO
                elif o.fn is ops.accumulate:
                    table[o.out] = self.plus(ins[0], ins[1])
                else:
                    attrs = {k: v for k, v in o.attrs.items() if k not in OWN}
                    table[o.out] = self.prim(o.fn, ins, o.attrs.get("names", ()), result=o.out.kind, **attrs)
        return out.ops

    def placed(self, made: list[Op]) -> dict[Val, Val]:
        """Put operations here, with coefficients to be had; what is there already is told."""
        alias: dict[Val, Val] = {}
        for o in made:
            o.ins = [map_atom(lambda v: alias.get(v, v), a) for a in o.ins]
            self.region.ops.append(o)
            if o.code != "prim":
                continue
            key = key_of_op(o)
            if key in self.same:
                self.region.ops.pop()
                alias[o.out] = self.same[key]
                continue
            self.same[key] = o.out
            if any(map(self.varies, o.ins)) and not is_constant_fn(o.fn) and is_active_kind(o.out.kind):
                self.varied.add(o.out)
                self.series[o.out] = Series(o)
        return alias

    # ---- rates
    def rate(self, a: Atom) -> Atom:
        """The derivative along the curve: its coefficients are ``x_1, 2 x_2, 3 x_3 ...``"""
        if isinstance(a, Struct):
            items = tuple(self.rate(x) for x in a.items)
            return ZERO if all(x is ZERO for x in items) else Struct(a.type, a.keys, items)
        if not isinstance(a, Val) or not self.varies(a):
            return ZERO
        if a not in self.rates:
            self.rates[a] = self.new_rate(a)
        return self.rates[a]

    def new_rate(self, v: Val) -> Atom:
        first = self.at(v, 1)
        if v not in self.series:  # all of its coefficients are there
            rest = [self.at(v, k) for k in range(2, len(self.layers) + 1)]
            if all(a is ZERO for a in rest) and not self.varies(first):
                return first
            mask = self.mask(first)
            if mask is not None and mask.strong and isinstance(mask.inner, Val):
                others = [self.mask(a) for a in rest if a is not ZERO]
                if all(m is not None and alike(mask, m) and m.holds == mask.holds for m in others):
                    inner = [ZERO if a is ZERO else self.mask(a).inner for a in rest]  # type: ignore[union-attr]
                    x = self.symbol(v, mask.inner, lambda m: self.scaled(inner[m - 1], m + 1))
                    scratch = Region()
                    with self.inside(scratch):
                        chosen = self.chosen(mask.condition, x, mask.holds)
                    alias = self.placed(scratch.ops)
                    return map_atom(lambda w: alias.get(w, w), chosen)
        if isinstance(first, Struct) or isinstance(v.kind, (Seq, Tree)):
            self.no_container(v)
        if first is ZERO:
            first = self.zero(v)
        x = self.symbol(v, first, lambda m: self.scaled(self.at(v, m + 1), m + 1))
        mask = self.mask(first)
        if mask is not None and not mask.strong:
            self.masks[x] = Mask(x, mask.covers)
        return x

    def no_container(self, v: Val) -> NoReturn:
        op = v.op or Op("prim", [v], [v], [], {"fn": rate}, self.origin)
        raise no_rule(op, "no recurrence for Taylor coefficients of containers", "use derivative or jvp")

    def symbol(self, v: Val, first: Atom, plan: Plan) -> Val:
        """A value to make operations of, in the place of a coefficient of the first order."""
        op = Op.applying(rate, [first], kind(first), self.origin)
        x = op.out
        self.varied.add(x)
        self.series[x] = Series(op, [], plan)
        self.stands_for[x] = first
        return x

    def settled(self, a: Atom) -> Atom:
        """An atom without rates."""
        if not any(v in self.stands_for for v in vals([a])):
            return a
        return self.settled(map_atom(lambda v: self.stands_for.get(v, v), a))

    # ---- arithmetic on series
    def total(self, terms: list[Atom]) -> Atom:
        t: Atom = ZERO
        for x in terms:
            t = self.plus(t, x)
        return t

    def convolved(self, a: Atom, b: Atom, k: int) -> Atom:
        """The coefficient of order ``k`` of the product ``a b``."""
        if a is b:
            half = self.total([self.multiplied(a, j, b, k - j) for j in range((k + 1) // 2)])
            twice = self.scaled(half, 2)
            return self.plus(twice, self.multiplied(a, k // 2, b, k // 2)) if k % 2 == 0 else twice
        return self.total([self.multiplied(a, j, b, k - j) for j in range(k + 1)])

    def multiplied(self, a: Atom, i: int, b: Atom, j: int) -> Atom:
        x, y = self.at(a, i), self.at(b, j)
        return self.times(x, y) if i >= j else self.times(y, x)

    def quotient(self, op: Op, k: int) -> Atom:
        """From ``y b = a``: ``y_k = (a_k - y_0 b_k - y_1 b_(k-1) - ...) / b``."""
        a, b = op.ins
        less = self.not_far(b, self.total([self.multiplied(op.out, j, b, k - j) for j in range(k)]))
        t = self.at(a, k)
        if less is not ZERO:
            t = self.prim(operator.neg, [less]) if t is ZERO else self.prim(operator.sub, [t, less])
        return self.divided(t, b)

    def not_far(self, x: Atom, t: Atom) -> Atom:
        """``t``, zero where ``x`` has overflowed."""
        if t is ZERO or finite(x, self.born, vocabulary.OVERFLOWS):
            return t
        return self.overflowed(x, t)

    def divided(self, t: Atom, by: Atom) -> Atom:
        return self.under(t, lambda x: self.prim(operator.truediv, [x, by]))

    def scaled(self, t: Atom, by: float) -> Atom:
        if by == 0:
            return ZERO
        return self.under(t, lambda x: self.prim(operator.mul, [Const(float(by)), x])) if by != 1 else t

    def under(self, t: Atom, make: Callable[[Atom], Atom]) -> Atom:
        """A function linear in a coefficient, under the coefficient's mask."""
        if t is ZERO:
            return ZERO
        if isinstance(t, Struct):
            return Struct(t.type, t.keys, tuple(self.under(x, make) for x in t.items))
        if isinstance(t, Val) and isinstance(t.kind, (Seq, Tree)):
            self.no_container(t)
        mask = self.mask(t)
        if mask is None:
            return make(t)
        if mask.strong:
            return mask.cover(self.under(mask.inner, make))
        return self.weakly(make(t), mask.covers)

    def power(self, op: Op) -> Plan | None:
        """A power with a constant exponent: products if that is natural, a recurrence if it is negative."""
        b = op.ins[1] if len(op.ins) == 2 else None
        n = b.value if isinstance(b, Const) else None
        if isinstance(n, bool) or not isinstance(n, (int, float)) or op.by_name:
            return None
        if 2 <= n <= LARGEST and n == int(n):
            low, high = self.lesser(op, int(n) // 2), self.lesser(op, int(n) - int(n) // 2)
            return lambda k: self.shaped(self.convolved(low, high, k), op)
        if n < 0:
            return lambda k: self.shaped(self.negative_power(op, float(n), k), op)
        return None

    def lesser(self, op: Op, n: int) -> Atom:
        """A smaller power of the same base."""
        if n == 1:
            return op.ins[0]
        scratch = Region()
        with self.inside(scratch):
            v = self.prim(op.fn, [op.ins[0], Const(n)], result=op.out.kind)
        assert isinstance(v, Val)
        return self.placed(scratch.ops).get(v, v)

    def negative_power(self, op: Op, n: float, k: int) -> Atom:
        """From ``a y' = n y a'``: ``k a y_k`` is the sum of ``(n j - (k - j)) a_j y_(k-j)``."""
        a = op.ins[0]
        terms = [self.scaled(self.multiplied(a, j, op.out, k - j), n * j - (k - j)) for j in range(1, k + 1)]
        return self.divided(self.divided(self.not_far(a, self.total(terms)), a), Const(float(k)))

    def bilinear_at(self, op: Op, rule: Any, k: int) -> Atom:
        """The same of any operation that is linear in each of two operands."""
        places = parameter_names(op, rule)
        i, j = (places.index(n) for n in rule.operands)
        attrs = {key: v for key, v in op.attrs.items() if key not in OWN}
        t: Atom = ZERO
        for m in range(k + 1):
            x, y = self.at(op.ins[i], m), self.at(op.ins[j], k - m)
            if x is ZERO or y is ZERO:
                continue
            args = list(op.ins)
            args[i], args[j] = self.materialise(x, op.ins[i]), self.materialise(y, op.ins[j])
            t = self.plus(t, self.prim(op.fn, args, op.attrs.get("names", ()), result=op.out.kind, **attrs))
        return t


def needed(made: list[Op], t: Atom) -> list[Op]:
    """The operations that ``t`` is made by."""
    wanted, out = set(vals([t])), []
    for o in reversed(made):
        if any(v in wanted for v in o.outs):
            out.append(o)
            wanted.update(vals(o.ins))
            for inner in walk(Region([], [o] if o.regions else [])):
                wanted.update(vals([*inner.ins, *(a for r in inner.regions for a in r.results)]))
    return out[::-1]


def key_of_op(op: Op) -> Any:
    """The same for the same function of the same operands."""
    return op.fn, tuple(map(key_of, op.ins)), op.attrs.get("names", ())
