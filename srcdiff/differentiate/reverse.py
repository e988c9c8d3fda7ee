"""Reverse mode: the graph followed by its mirror image, in which cotangents flow backwards.

Every region has a mirrored region.  A forward value that the mirror needs is asked of ``need``; where it
comes from (in scope, recomputed, read again from a rewound buffer, taped) is decided afterwards, in
``fetch``, when dead needs are gone.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from srcdiff.analysis.activity import Activity, widest
from srcdiff.analysis.shifts import idle
from srcdiff.analysis.useful import deciding
from srcdiff.analysis.versions import (
    versions,
)
from srcdiff.differentiate import branching, looping, primals, read, rewinding
from srcdiff.differentiate.common import (
    SHIFTS,
    Builder,
    arguments,
    has_zero,
    is_constant_fn,
    name_derivative,
    never_ends,
    takes,
    unexpanded,
)
from srcdiff.differentiate.masks import BEGUN, Cover, finite, flat_far_down, flat_far_out, spread, weight
from srcdiff.differentiate.mirrors import (
    Kept,
    Mirror,
    adjoint_of,
    needs_shape,
)
from srcdiff.differentiate.problems import lost, no_partial, no_rule, told
from srcdiff.differentiate.transposes import CORE
from srcdiff.errors import NoRule, Problem
from srcdiff.frontend.lower import Context
from srcdiff.ir import ops
from srcdiff.ir.begun import begun_in
from srcdiff.ir.checkpoints import is_again
from srcdiff.ir.graph import (
    ZERO,
    Atom,
    Const,
    Graph,
    Op,
    Region,
    Slice,
    Struct,
    Val,
    clone,
    is_none,
    kind,
    map_atom,
    op_of,
    same,
    vals,
)
from srcdiff.ir.indices import display
from srcdiff.ir.kinds import (
    UNKNOWN,
    Array,
    Scalar,
    Tree,
    derivative_kind,
    is_active_kind,
    of_one_size,
    present,
)
from srcdiff.ir.unset import may_be_unset
from srcdiff.later import Later
from srcdiff.rules import vocabulary
from srcdiff.rules.registry import is_of_sequence, is_split, lookup, passive_operands

if TYPE_CHECKING:
    from srcdiff.differentiate import replay
else:
    replay = Later("srcdiff.differentiate.replay")

__all__ = ["Kept", "Mirror", "Reverse", "is_item", "reverse"]


def as_tuple(a: Atom) -> Atom:
    """A display of a list as one of a tuple: rules know how many elements that has."""
    return Struct(tuple, a.keys, a.items) if isinstance(a, Struct) and a.type is list else a


def is_item(v: Val) -> bool:
    """Whether a value is an element or a part of another."""
    return v.op is not None and v.op.code == "prim" and v.op.fn is operator.getitem


def computed_alike(a: Atom, b: Atom) -> bool:
    """Whether two values are one, or made of such by the same operations."""
    one, other = (op_of(x) for x in (a, b))
    if one is None or other is None or same(a, b):
        return same(a, b)
    if one.code == other.code == "need":
        return same(one.attrs["value"], other.attrs["value"])
    if not one.code == other.code == "prim" or one.fn is not other.fn or len(one.ins) != len(other.ins):
        return False
    words = one.attrs.get("names"), one.attrs.get("method")
    if words != (other.attrs.get("names"), other.attrs.get("method")):
        return False
    return all(map(computed_alike, one.ins, other.ins))


def reverse(
    graph: Graph, wrt: list[Val], ctx: Context, seed: Any, finish: bool = True
) -> tuple[Graph, list[Atom], Reverse]:
    """The graph with its backward sweep: returns it, the cotangents of ``wrt`` and the builder.

    ``seed(builder, results)`` gives the cotangents of the results.  Without ``finish`` the cotangents are
    left with the builder, where those that are zero are missing.
    """
    g, table = clone(graph)
    r = Reverse(ctx, g, [table[w] for w in wrt])
    r.seed(seed(r, g.region.results))
    r.back(r.body, r.root)
    if r.refused:
        raise NoRule(*dict.fromkeys(r.refused))
    if not finish:
        return g, [], r
    bars = [r.take_final(table[w]) for w in wrt]
    return g, bars, r


class Reverse(Builder):
    """Builds the backward sweep behind the forward sweep, in the same graph."""

    def __init__(self, ctx: Context, graph: Graph, wrt: list[Val]) -> None:
        super().__init__(ctx, graph)
        found = Activity(graph, wrt, is_constant_fn)
        zero = idle(graph, found.varied, SHIFTS) | deciding(graph, found.varied, is_constant_fn)
        self.varied, self.lost = found.varied - (zero - found.lost.keys()), found.lost
        self.home: dict[Val, Region] = {}
        self.locate(graph.region)
        self.body = list(graph.region.ops)
        self.root = Mirror(None, graph.region, None, graph.region, ground=True)
        self.here = self.root
        self.mirrors: list[Mirror] = []
        self.superseded = versions(graph.region)
        self.begun = begun_in(graph, ctx.is_elementwise)
        self.stores: dict[Region, dict[Atom, list[Op]]] = {}  # what regions write to arrays, when asked for
        self.refused: list[Problem] = []
        self.again: list[tuple[Atom, Val]] = []  # what was read again, and for which value
        self.kept: list[Kept] = []  # for the report
        self.spared = set(self.body)  # what is run forwards, also again: settling needs may still want it

    def locate(self, region: Region) -> None:
        for p in region.params:
            self.home[p] = region
        for op in region.ops:
            for o in op.outs:
                self.home[o] = region
            for r in op.regions:
                self.locate(r)

    # ---- cotangents
    def seed(self, seeds: list[tuple[Atom, Atom]]) -> None:
        for value, bar in seeds:
            self.accumulate(value, bar)

    def local(self, v: Val, m: Mirror) -> bool:
        return self.home[v] is m.forward

    def peek(self, v: Val, m: Mirror) -> Atom | None:
        """The cotangent of ``v`` so far, seen from ``m``; a loop opens an accumulator for an outer value."""
        if v in m.bars:
            return m.bars[v]
        if self.local(v, m) or m.parent is None:
            return None
        if m.is_loop:
            p = Val(f"{v.name}_bar", derivative_kind(v.kind), m.loop, v.user)
            m.accumulators[v] = p
            m.bars[v] = p
            self.running[p] = BEGUN
            return p
        return self.peek(v, m.parent)

    def accumulate(self, value: Atom, bar: Atom, shared: bool = False) -> None:
        """Add to the cotangent of a value; ``shared``: it is that of other values, too, on other paths."""
        if bar is ZERO or is_none(bar):
            return
        if isinstance(value, Struct):
            if isinstance(bar, Val) and bar.kind == UNKNOWN and value.type is tuple and value.items:
                bar = self.parts(bar, value)
            for n, item in enumerate(value.items):
                if any(v in self.varied for v in vals([item])):
                    self.accumulate(item, self.bar_item(bar, value, n), shared)
            return
        if not isinstance(value, Val) or value not in self.varied or not is_active_kind(value.kind):
            return
        m = self.here
        if isinstance(value.kind, Tree) and isinstance(bar, Struct):
            old = self.peek(value, m)
            m.bars[value] = bar if old is None else self.merge(old, bar)
            return
        old = self.peek(value, m)
        k = present(value.kind)
        if kind(bar) == UNKNOWN and isinstance(k, (Array, Scalar)):
            bar = self.rule(vocabulary.real_like, {"g": bar, "x": self.need(value)})
        bar = self.fit_type(bar, value)
        if isinstance(bar, Val) and isinstance(k, Array) and isinstance(bar.kind, Array):
            like = bar.kind.dtype == k.dtype and len(bar.kind.dims) == len(k.dims)
            if like and (not shared or of_one_size(bar.kind)):
                bar.kind = k  # a cotangent has the shape of what it belongs to
        new = bar if old is None else self.plus(old, bar, "")
        name_derivative(new, value, "_bar")
        m.bars[value] = new

    def parts(self, bar: Val, value: Struct) -> Struct:
        """The cotangent of a saved tuple, part by part."""
        op = Op("unpack", [bar])
        op.outs = [Val("", kind(x) if self.active(x) else UNKNOWN, op) for x in value.items]
        self.add(op)
        return Struct(tuple, value.keys, tuple(op.outs))

    def bar_item(self, bar: Atom, value: Struct, n: int) -> Atom:
        if isinstance(bar, Struct):
            return bar.items[n]
        index = value.keys[n]
        if isinstance(bar, Val) and isinstance(bar.kind, Tree):
            return self.getitem(bar, Const(bar.kind.keys[n]))
        if value.type not in (tuple, list, dict) and not issubclass(value.type, tuple):
            return self.prim(ops.getfield, [bar, Const(index)], result=UNKNOWN, view=True)
        return self.getitem(bar, Const(index))

    def merge(self, old: Atom, new: Atom) -> Atom:
        if isinstance(old, Struct) and isinstance(new, Struct):
            return Struct(
                old.type,
                old.keys,
                tuple(
                    self.merge(a, b) if a is not ZERO and b is not ZERO else b if a is ZERO else a
                    for a, b in zip(old.items, new.items, strict=True)
                ),
            )
        return self.plus(old, new)

    def take(self, v: Val) -> Atom | None:
        """The cotangent of a value at its definition; it is used up there."""
        return self.here.bars.pop(v, None)

    def full(self, v: Val) -> Atom:
        got = self.peek(v, self.here)
        return (
            self.materialise(got, self.need(v))
            if needs_shape(got)
            else got
            if got is not None
            else Const(0.0)
        )

    def take_final(self, w: Val) -> Atom:
        """The cotangent of an argument when all is done."""
        got = self.root.bars.pop(w, None)
        if isinstance(w.kind, Tree) and not isinstance(got, Val):
            return self.materialise(got if got is not None else ZERO, w)
        return self.materialise(got, w)

    # ---- forward values
    def at_hand(self, v: Val) -> Atom:
        return self.need(v)

    def need(self, a: Atom) -> Atom:
        """A forward value, for use in the mirror."""
        if not isinstance(a, Val):
            return map_atom(lambda v: self.need(v), a) if isinstance(a, (Struct, Slice)) else a
        m: Mirror | None = self.here
        home = self.home.get(a)
        if home is None:
            return a  # made by the backward sweep itself
        while m is not None and m.forward is not home:
            m = m.parent
        if m is None:
            return a
        if m.ground:
            return primals.ground_value(self, a, m)
        again = primals.stored(self, a, m)
        if again is None:
            again = primals.reread(self, a, m)
        if again is None:
            again = primals.remade(self, a, m, 3)
        if again is not None:
            self.again.append((again, a))
            return again
        if a not in m.memo:
            v = a.again()
            v.op = Op("need", [], [v], [], {"value": a, "mirror": m}, None)
            m.reverse.ops.append(v.op)
            m.memo[a] = v
        return m.memo[a]

    def product_where_read(self, g: Val, p: Atom) -> Atom | None:
        return read.multiplied(self, g, p)

    def alike(self, a: Atom) -> Atom:
        """What has the shape and type of a forward value: it may be in scope where the value is not."""
        if isinstance(a, Val) and isinstance(a.kind, Array) and a.kind.dims:
            at = self.mirror_of(a)
            if at is not None and not at.ground:
                found = primals.shaped(self, a)
                k = kind(found) if found is not None else None
                if isinstance(k, Array) and k.dtype == a.kind.dtype and len(k.dims) == len(a.kind.dims):
                    return found  # type: ignore[return-value]
        return self.need(a)

    def has_shape(self, a: Atom) -> bool:
        """Whether a value is surely there, and has the shape that its kind says."""
        made = op_of(a)
        of = made.attrs["value"] if made is not None and made.code == "need" else a
        return of not in self.begun and super().has_shape(a)

    def mirror_of(self, a: Val) -> Mirror | None:
        """The mirror of the region that a forward value is of, if that is around here."""
        home = self.home.get(a)
        m: Mirror | None = self.here if home is not None else None
        while m is not None and m.forward is not home:
            m = m.parent
        return m

    # ---- the sweep
    def back(self, ops_: list[Op], m: Mirror) -> None:
        for op in reversed(ops_):
            old, self.origin = self.origin, adjoint_of(op.origin, op)
            self.here = m
            with self.inside(m.reverse):
                self.step(op, m)
            self.origin = old
            self.here = m

    def step(self, op: Op, m: Mirror) -> None:
        if op.code in ("if", "try"):
            branching.back_if(self, op, m)
        elif is_again(op):
            replay.back_block(self, op, m)
        elif op.code == "with":
            branching.back_with(self, op, m)
        elif op.is_loop:
            if m.block is not None:
                replay.back_loop(self, op, m, m.block)
            else:
                looping.back_loop(self, op, m)
        elif op.code == "prim":
            rewinding.rewind(self, op, m)
            if op.out in self.varied:
                bar = self.take(op.out)
                if bar is not None:
                    self.back_or_note(op, bar)
        elif op.code == "call":
            self.back_call(op, m)
        elif op.code == "unpack":
            self.back_unpack(op)

    # ---- functions that call themselves
    def back_call(self, op: Op, m: Mirror) -> None:
        """The call becomes that of the forward half of a pair; here stands that of the backward half."""
        callee = op.attrs["graph"]
        active = tuple(i for i, a in enumerate(op.ins) if is_active_kind(kind(a)) and self.active(a))
        if not active or not any(o in m.bars for o in op.outs):
            return
        for o in op.outs:
            if o in self.lost and o in m.bars:
                raise lost(op, self.lost[o])
        wide = widest(callee, active, is_constant_fn)
        forward, backward = self.ctx.pullback_of(callee, wide)
        bars: list[Atom] = []
        for o, k in zip(op.outs, callee.info["results"], strict=True):
            if is_active_kind(k):
                bar = self.take(o)
                bars.append(
                    self.materialise(bar, self.need(o)) if needs_shape(bar) or bar is None else bar
                )
        saved = Val(f"{callee.name}_saved", UNKNOWN, op)
        op.outs.append(saved)
        op.attrs = {**op.attrs, "graph": forward}
        self.home[saved] = m.forward
        new = Op("call", [self.need(saved), *bars], attrs={"graph": backward})
        params = callee.region.params
        new.outs = [
            Val("", derivative_kind(kind(op.ins[i] if i in active else params[i])), new) for i in wide
        ]
        self.add(new)
        for i, v in zip(wide, new.outs, strict=True):
            if i in active:
                self.accumulate(op.ins[i], v)

    def back_unpack(self, op: Op) -> None:
        bars = [self.take(o) if o in self.varied else None for o in op.outs]
        if all(b is None for b in bars):
            return
        items = tuple(
            self.materialise(b, self.need(o)) if is_active_kind(o.kind) else Const(None)
            for b, o in zip(bars, op.outs, strict=True)
        )
        self.accumulate(op.ins[0], display(items))

    # ---- operations
    def back_prim(self, op: Op, bar: Atom) -> None:
        if op.out in self.lost:
            raise lost(op, self.lost[op.out])
        if never_ends(op):
            return
        handler = CORE.get(op.fn)
        if handler is not None and handler(self, op, bar):
            return
        entry = lookup(op.fn)
        if entry is None or not entry.forms:
            raise no_rule(
                op, f"{told(op)} has no derivative rule", "give it a rule, or keep the variable out of it"
            )
        turned = entry.differential is not None and entry.forms == ("differential",)
        bar = bar if turned else self.materialise_out(op, bar)  # (the transpose takes symbolic zeros)
        if entry.pullback is not None:
            self.transposed(op, bar, entry.pullback)
        elif entry.elementwise is not None:
            self.elementwise(op, bar, entry.elementwise)
        elif entry.bilinear is not None:
            self.transposed(op, bar, entry.bilinear)
        elif entry.linear is not None:
            self.transposed(op, bar, entry.linear)
        elif entry.differential is not None:
            self.turned(op, bar, entry.differential)

    def back_or_note(self, op: Op, bar: Atom) -> None:
        """Go back through an operation; if it has no derivative, note that and look for more of the kind."""
        try:
            self.back_prim(op, bar)
        except NoRule as e:
            self.refused[:0] = e.problems
            for v in vals(op.ins):
                if v in self.varied:
                    self.accumulate(v, self.materialise(ZERO, self.need(v)))

    def materialise_out(self, op: Op, bar: Atom) -> Atom:
        if isinstance(bar, Struct) and has_zero(bar):
            out = self.need(op.out)
            return self.materialise(bar, out)
        return bar

    def active(self, a: Atom) -> bool:
        return any(v in self.varied for v in vals([a]))

    def elementwise(self, op: Op, bar: Atom, rule: Any) -> None:
        if (found := self.scaled_square(op)) is not None:
            x, by = found  # (by * x) * x: both partials at once
            slope = self.times(self.times(Const(2.0), self.need(by)), self.need(x))
            self.accumulate(x, self.unbroadcast(bar, self.alike(x), self.of_library(slope, op.out)))
            return
        given = arguments(op, rule)
        needed = {n: self.need(a) for n, a in given.items()}
        parts = self.returned(rule, self.rule(rule.text, {**needed, **self.result_for(rule, op)}))
        if (
            len(parts) == 2
            and same(parts[0], parts[1])
            and len(given) == 2
            and same(*given.values())
            and self.active(op.ins[0])
        ):
            doubled = self.times(Const(2.0), parts[0])  # op(x, x): both partials at once
            self.accumulate(op.ins[0], self.unbroadcast(bar, self.alike(op.ins[0]), doubled))
            return
        if is_split(op.fn) and all(map(self.active, op.ins)):
            if self.shared_out(op, bar, *parts):
                return
            parts = self.shares(parts)
        for name, p in zip(rule.operands, parts, strict=True):
            if name not in given or not self.active(given[name]):
                continue
            if is_none(p):
                raise no_partial(op, name)
            flat, low = flat_far_out(op.fn, name, needed), self.flat_cover(op, bar, name, given)
            p, like = self.of_library(p, op.out), self.alike(given[name])
            loose = not self.begun.isdisjoint(given.values())
            if given[name] in self.begun:  # (the slope says how many there are, if it is an array)
                loose = op.out not in self.begun and isinstance(kind(p), Scalar)
            if loose and repeated(bar, self.ctx.is_elementwise):
                self.accumulate(given[name], self.held(self.times(bar, p, flat, low), like))
                continue
            if op.out in self.begun:  # (the slope is a number in the first trip, the cotangent is none)
                self.accumulate(given[name], self.to_shape(self.times(bar, p, flat, low), like))
                continue
            self.accumulate(given[name], self.unbroadcast(bar, like, p, flat, low))

    def to_shape(self, g: Atom, like: Atom) -> Atom:
        """What may have fewer dimensions than its kind says, summed to the shape of what it belongs to."""
        k, kg = kind(like), kind(g)
        if isinstance(k, Array) and isinstance(kg, Array) and len(k.dims) != len(kg.dims):
            g = self.rule(vocabulary.unbroadcast, {"g": g, "x": like})
        return self.unbroadcast(g, like)

    def held(self, g: Atom, like: Atom) -> Atom:
        """What may be a number, though of an array's kind, in the shape of what it belongs to."""
        if g is ZERO:
            return ZERO
        g = self.rule(vocabulary.fit, {"t": g, "out": like})
        made = op_of(g)
        if made is not None:
            made.become(**{**made.attrs, "firm": True})
        return g

    def zero(self, x: Atom) -> Atom:
        """The zero of a value's kind; of what may be a whole number, it is a floating one."""
        if isinstance(kind(x), Array) and not self.has_shape(x) and not may_be_unset(x):
            return self.rule(vocabulary.zeros_of_counts, {"x": x})
        return super().zero(x)

    def result_for(self, rule: Any, op: Op) -> dict[str, Atom]:
        """The result of an operation, for a rule that reads it."""
        return {"out": self.need(op.out)} if takes(rule.text, "out") else {}

    def scaled_square(self, op: Op) -> tuple[Val, Atom] | None:
        """``x`` and a number, if an operation is ``(number * x) * x``."""
        for n in (0, 1) if op.fn is operator.mul else ():
            scaled, x = op.ins[n], op.ins[1 - n]
            made = op_of(scaled)
            if made is None or made.code != "prim" or made.fn is not operator.mul or not isinstance(x, Val):
                continue
            for by, of in (made.ins, made.ins[::-1]):
                k = kind(by)
                number = isinstance(k, Scalar) and k.dtype in ("f8", "i8") and not self.active(by)
                if number and (of is x or (is_item(x) and computed_alike(of, x))):
                    return x, by
        return None

    def flat_cover(self, op: Op, bar: Atom, name: str, given: dict[str, Atom]) -> Cover | None:
        """Where an operand is minus infinity, and ``op`` flat.

        Where that may be seen in the result, it is: the result is wanted for the derivative in any case.
        """
        low = flat_far_down(op.fn, name, given)
        if low is None:
            return None
        seen = op.fn in vocabulary.BOTTOM and spread(op.out) and self.home.get(low) is self.home[op.out]
        # (an infinite cotangent times a result that has merely become too small is no zero)
        seen = seen and finite(bar, self.born, vocabulary.INFINITE)
        return self.low_cover(low, op.out if seen else None)

    def shared_out(self, op: Op, bar: Atom, p: Atom, q: Atom) -> bool:
        """Give ``q`` of a cotangent to the second operand and the rest to the first; whether that can be."""
        x, y = op.ins
        if not spread(bar) or self.mask(bar) is not None or same(x, y):
            return False
        part = self.times(bar, q)
        self.accumulate(y, self.unbroadcast(part, self.alike(y)))
        rest: Atom = self.prim(operator.sub, [unexpanded(bar, part), part])
        if weight(p, self.born):
            rest = self.weakly(rest, (self.where_cover(p, True),))
        self.accumulate(x, self.unbroadcast(rest, self.alike(x)))
        return True

    def transposed(self, op: Op, bar: Atom, rule: Any) -> None:
        given = arguments(op, rule)
        if is_of_sequence(op.fn):
            given = {n: as_tuple(a) for n, a in given.items()}
        for name, a in given.items():
            passive = name in passive_operands(op.fn) or name == "saved"
            if name not in rule.operands and self.active(a) and not passive:
                raise no_partial(op, name)
        needed = {n: self.need(a) for n, a in given.items()} | self.result_for(rule, op)
        with self.of_no_shape(given.values()):
            text = self.rule(rule.text, {**needed, "out_bar": bar})
        bars = tuple(map(self.taken, self.returned(rule, text)))
        twice = rule.form == "bilinear" and len(given) == 2 == len(bars) and same(*given.values())
        if twice and computed_alike(*bars):
            doubled = self.times(Const(2.0), bar)  # op(x, x): both cotangents at once
            bars = (self.returned(rule, self.rule(rule.text, {**needed, "out_bar": doubled}))[0], ZERO)
        for name, b in zip(rule.operands, bars, strict=True):
            if name in given and self.active(given[name]) and b is not ZERO:
                if is_none(b):
                    raise no_partial(op, name)
                b = self.of_rank(rule, b, given[name], name)
                low = flat_far_down(op.fn, name, given)
                self.accumulate(given[name], b if low is None else self.weakly(b, (self.low_cover(low),)))

    @contextmanager
    def of_no_shape(self, given: Iterable[Atom]) -> Iterator[None]:
        """Have a rule ask at run time what may be a number, where a kind would tell it sizes."""
        begun = [v for a in given if a in self.begun for v in vals([self.need(a)])]
        kinds = {v: k for v in begun if isinstance(k := v.kind, Array)}
        try:
            for v in kinds:
                v.kind = UNKNOWN
            yield
        finally:
            for v, k in kinds.items():
                v.kind = k

    def turned(self, op: Op, bar: Atom, rule: Any) -> None:
        """The cotangents from a differential: it is linear in the tangents, so its text can be transposed."""
        given = arguments(op, rule)
        active = [n for n, a in given.items() if self.active(a) and n not in passive_operands(op.fn)]
        for name in active:
            if name not in rule.operands:
                raise no_partial(op, name)
        needed: dict[str, Atom] = {n: self.need(a) for n, a in given.items()}
        needed["out"] = self.need(op.out)
        needed.update({f"{n}_dot": ZERO for n in rule.operands if n not in active})
        unknown = {f"{n}_dot": given[n] for n in active}
        bars = self.ctx.turn(self, op, rule, needed, unknown, bar)
        for name in active:
            self.accumulate(given[name], bars[f"{name}_dot"])


def repeated(bar: Atom, elementwise: Callable[[Any], bool]) -> bool:
    """Whether a cotangent has but one number, for each entry: a number repeated, and what is made of it."""
    made = op_of(bar)
    if made is None or made.code != "prim" or made.fn in vocabulary.EXPANDS:
        return made is not None and made.code == "prim"
    if not elementwise(made.fn):
        return False
    return all(isinstance(kind(a), Scalar) or repeated(a, elementwise) for a in made.ins)
