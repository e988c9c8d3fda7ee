"""What forward and reverse mode share: applying rules, zeros, broadcasting."""

from __future__ import annotations

import operator
from dataclasses import replace
from functools import partial, reduce
from typing import Any

from srcdiff.analysis.shifts import Words
from srcdiff.differentiate import read, templates
from srcdiff.differentiate.masks import (
    BEGUN,
    Condition,
    Cover,
    Mask,
    alike,
    are_numbers,
    are_truths,
    common,
    condition,
    conditions_of,
    contributions,
    finite,
    grows,
    infinite_operand,
    lows,
    meant,
    nothing_at,
    place_of,
    scattered,
    spread,
    weight,
    where_mask,
    written_endless,
)
from srcdiff.differentiate.problems import check_count, check_rank, no_rule, told
from srcdiff.differentiate.quotients import divided, factors, negated, quotient, twice_divided
from srcdiff.frontend.lower import Context, Lowerer, read_rule
from srcdiff.frontend.scope import Frame
from srcdiff.frontend.shapes import broadcast_dims
from srcdiff.frontend.words import refusing_none
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    ZERO,
    Atom,
    Const,
    Graph,
    Op,
    Struct,
    Val,
    is_none,
    key_of,
    kind,
    op_of,
    same,
    vals,
)
from srcdiff.ir.indices import alone_or_tuple, display
from srcdiff.ir.kinds import (
    FLOAT,
    NONE,
    UNKNOWN,
    Array,
    Kind,
    Map,
    Maybe,
    Scalar,
    Seq,
    Tree,
    derivative_kind,
    is_active_kind,
    join_dtypes,
    may_hold_none,
    present,
)
from srcdiff.ir.unset import may_be_unset
from srcdiff.rules import vocabulary
from srcdiff.rules.registry import Rule, is_default, is_multilinear, is_real_only, lookup

__all__ = [
    "SHIFTS",
    "Builder",
    "arguments",
    "display_of",
    "fills_zero",
    "is_constant_fn",
    "is_count",
    "keeps_zero",
    "name_derivative",
    "never_ends",
]

SHIFTS = Words(*vocabulary.SHIFTS)

# operations whose result carries no derivative whatever flows in
CONSTANT = {
    len,
    int,
    bool,
    str,
    isinstance,
    range,
    ops.shape_at,
    ops.exit_is,
    ops.order,
    ops.stop_gradient,
    getattr,
    operator.not_,
    operator.contains,
}


def is_constant_fn(fn: Any) -> bool:
    """Whether the result of ``fn`` carries no derivative."""
    try:
        if fn in CONSTANT:
            return True
    except TypeError:
        return False
    entry = lookup(fn)
    return entry is not None and entry.constant


def display_of(a: Atom) -> Struct | None:
    """What a list was made of, if it is as it was written."""
    if not isinstance(a, Val) or type(a.kind) is not Seq or a.op is None or a.op.fn is not list:
        return None
    made = a.op.ins[0] if a.op.ins else None
    return made if isinstance(made, Struct) and a.op.attrs.get("display") else None


def keeps_zero(fn: Any, where: list[bool], names: tuple[str, ...] = ()) -> bool:
    """Whether ``fn`` of a zero tangent is zero: it is linear in that operand, and is given no other."""
    entry = lookup(fn)
    if entry is None:
        return False
    if entry.bilinear is not None or fn in vocabulary.MULTILINEAR or is_multilinear(fn):
        return True
    if entry.linear is None:
        return fn in vocabulary.LINEAR_IN and where[vocabulary.LINEAR_IN[fn]]
    code = entry.linear.text.__code__
    words = code.co_varnames[: code.co_argcount]
    rest = [""] * (len(where) - len(names))
    places = [n or (words[at] if at < len(words) else "*") for at, n in enumerate((*names, *rest))]
    operands = {*entry.linear.operands, "*"}
    return len(operands) == 2 or all(z for z, n in zip(where, places, strict=True) if n in operands)


def fills_zero(fn: Any) -> bool:
    """Whether ``fn`` is linear in several operands together, so that a zero among them may be written out."""
    entry = lookup(fn)
    return entry is not None and entry.linear is not None and len(entry.linear.operands) > 1


def never_ends(op: Op) -> bool:
    """Whether an operation raises an exception whatever its other arguments are: an operand is None."""
    return any(is_none(op.ins[n]) for n in refusing_none(op.fn, op.ins, op.names))


def arguments(op: Op, rule: Rule) -> dict[str, Atom]:
    """The operation's arguments by the names of the rule's parameters."""
    if op.fn in vocabulary.REAL_ONLY or is_real_only(op.fn):
        for v in vals(op.ins):
            k = v.kind
            if isinstance(k, (Array, Scalar)) and k.dtype[0] == "c":
                why = f"{told(op)} of complex numbers has no derivative rule"
                raise no_rule(op, why, "write it in real and imaginary parts")
    code = rule.text.__code__
    params = code.co_varnames[: code.co_argcount]
    star = code.co_varnames[code.co_argcount + code.co_kwonlyargcount] if code.co_flags & 4 else None
    names = op.names
    pos = [a for a, n in zip(op.ins, names, strict=True) if not n]
    out: dict[str, Atom] = dict(zip(params, pos, strict=False))
    extra = pos[len(params) :]
    if star is not None:
        out[star] = display(extra)
    elif extra:
        raise no_rule(
            op, f"{told(op)} is called with more arguments than its rule knows", "pass fewer arguments"
        )
    for a, n in zip(op.ins, names, strict=True):
        if not n:
            continue
        if n in params or (n == "saved" and rule.forward is not None):
            out[n] = a
        elif n == "value" and rule.forward is not None:
            continue
        elif not harmless(n, a) and not (isinstance(a, Const) and is_default(op.fn, n, a.value)):
            raise no_rule(op, f"{told(op)}({n}=...) cannot be differentiated", f"leave {n}= out")
    return out


def takes(text: Any, name: str) -> bool:
    """Whether the text of a rule has a parameter."""
    code = text.__code__
    return name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def parameter_names(op: Op, rule: Rule) -> list[str]:
    """The parameter of the rule that each argument of the operation goes to."""
    code = rule.text.__code__
    params = code.co_varnames[: code.co_argcount]
    star = code.co_varnames[code.co_argcount + code.co_kwonlyargcount] if code.co_flags & 4 else ""
    names = op.names
    out: list[str] = []
    for n in names:
        at = len(out)
        out.append(n if n else params[at] if at < len(params) else star)
    return out


def harmless(name: str, a: Atom) -> bool:
    """Keywords that do not change a derivative."""
    if name in ("optimize", "subok", "copy", "order", "casting", "stable", "kind", "check_finite", "workers",
                "dtype"):  # fmt: skip
        return True
    return is_none(a)


def is_of_library(k: Kind) -> bool:
    """Whether this is a double of the array library's, or an array of them."""
    return isinstance(k, (Array, Scalar)) and k.dtype == "f8" and not (isinstance(k, Scalar) and k.weak)


class Builder(Lowerer):
    """Makes operations of derivative code."""

    outward = False  # derivatives meet the partials of a chain from the inside out

    def __init__(self, ctx: Context, graph: Graph) -> None:
        super().__init__(ctx, graph, graph.region)
        self.frame = Frame(None, static=True)
        self.born = Val("", UNKNOWN).id  # what is made from now on is derivative
        self.masks: dict[Val, Mask] = {}
        self.sums: dict[Val, tuple[Atom, Atom]] = {}  # of parts that are zero in different places
        self.unlike: dict[Val, tuple[Atom, Atom]] = {}  # the same of parts that no one cover is known for
        self.running: dict[Atom, Mask] = {}  # where a sum over trips so far is zero, if it began so
        self.ends: dict[tuple[Val, int], bool] = {}  # numbers that are made with an infinity, or not

    def rule(self, text: Any, given: dict[str, Atom]) -> Atom:
        """The result of a rule's text."""
        made = templates.instance(self.ctx, text, self.region, given, self.origin)
        if made is not None:
            return made
        return read_rule(self.ctx, text, self.region, given, self.origin, self.graph.info)

    def returned(self, rule: Rule, got: Atom) -> tuple[Atom, ...]:
        """What the text of a rule returns: a part for each of its operands."""
        count, k = len(rule.operands), kind(got)
        check_count(rule, got)
        if count == 1 and rule.form != "elementwise":
            return (got,)
        if isinstance(got, Struct) and got.type in (tuple, list):
            parts = got.items
        elif (k == UNKNOWN and count > 1) or isinstance(k, Tree):
            parts = tuple(self.getitem(got, Const(n)) for n in range(count))
        else:
            parts = (got,)
        return parts

    def shares(self, parts: tuple[Atom, ...]) -> tuple[Atom, ...]:
        """The partials in two operands that vary, which have all of a derivative together, also of NaN."""
        return self.prim(operator.sub, [Const(1.0), parts[1]]), parts[1]

    def of_rank(self, rule: Rule, got: Atom, like: Atom, name: str) -> Atom:
        """A derivative that a rule's text returns, which has the shape of what it belongs to."""
        check_rank(rule, got, like, name)
        return got

    # ---- arithmetic on derivatives
    def times(self, g: Atom, p: Atom, flat: Atom | None = None, low: Cover | None = None) -> Atom:
        """``g * p`` without factors of one.

        ``p`` is zero where the operand ``flat`` has overflowed, and in the places of ``low``.
        """
        if g is ZERO or p is ZERO or one(p, 0):
            return ZERO
        if one(p):
            return g
        mask = self.mask(g)
        if mask is not None and mask.strong:
            return mask.cover(self.times(mask.inner, p, flat, low))
        chosen = where_mask(p, self.born)
        if chosen is not None:
            condition, inner, holds = chosen
            return self.covered(condition, self.times(g, inner), holds)
        if not isinstance(p, Val) and written_endless(p, self.ends):
            return ZERO  # what is infinite stays so: it does not change
        if isinstance(p, Val) and are_numbers(g, p) and written_endless(p, self.ends):
            x = p.op.ins[0] if p.op is not None and p.op.fn is operator.neg else p
            return self.rule(vocabulary.if_ended, {"x": x, "g": self.product(g, p)})
        uniform = isinstance(kind(p), Scalar) and isinstance(kind(g), Array)
        if not uniform and not finite(p, self.born, vocabulary.INFINITE):
            there = self.scattered_product(g, p)
            if there is not None:
                return there if low is None else self.weakly(there, (low,))
            if isinstance(g, Val) and g in self.unlike:
                first, second = (self.times(a, p, flat, low) for a in self.unlike[g])
                return self.plus(first, second)
        under = factors(g, self.born) if self.outward and flat is not None and mask is None else None
        if under is not None:  # the slope of what is flat far out is taken before the division
            negative, parts, b = under
            above = self.times(reduce(self.product, parts), p, flat, low)
            return self.of_quotient(above, negative, Const(1.0), b)
        product = self.product(g, p)
        covers = mask.covers if mask is not None else ()
        for c in covers if not uniform else ():
            if not finite(p, self.born, c.against):
                product = c.put(product)
        if mask is not None and are_numbers(g, p):  # (of arrays where it is summed up)
            ended = [v for v in lows(mask) if isinstance(kind(v), Scalar) and grows(p, v)]
            product = self.still_zero(mask, ended[0], product) if ended else product
        new = self.where_cover(p, True) if weight(p, self.born) else None
        if flat is not None:
            new = self.far_cover(flat)
        if self.outward and (new is not None or low is not None):
            if new is not None and not finite(g, self.born, new.against):
                return new.put(product)
            down = low is not None and low.low is not None and grows(g, low.low)
            return low.put(product) if low is not None and down else product
        covers = covers if new is None else (*covers, new)
        return self.weakly(product, covers if low is None else (*covers, low))

    def weakly(self, g: Atom, covers: tuple[Cover, ...]) -> Atom:
        """``g``, which is zero in places: it stays so beside a factor that is infinite."""
        if isinstance(g, Val) and covers and self.mask(g) is None:
            self.masks[g] = Mask(g, covers)
        return g

    def where_cover(self, test: Atom, holds: bool) -> Cover:
        found = condition(test, holds, self.ctx.is_elementwise)
        among = (found,) if are_truths(test) else ()
        return Cover(("where", *found.key), partial(self.chosen, test, holds=holds), (test,), among=among)

    def among_cover(self, among: tuple[Condition, ...]) -> Cover:
        """Where none of some conditions holds."""
        on = tuple(c.value for c in among)
        key = "among", frozenset(c.key for c in among)
        return Cover(key, partial(self.any_chosen, among), on, among=among)

    def any_chosen(self, among: tuple[Condition, ...], g: Atom) -> Atom:
        """``g`` where one of some conditions holds, zero elsewhere."""
        tests = [c.value if c.direct else self.prim(operator.invert, [c.value]) for c in among]
        return self.chosen(reduce(lambda a, b: self.prim(operator.or_, [a, b]), tests), g)

    def far_cover(self, x: Atom) -> Cover:
        return Cover(("inf", key_of(x)), partial(self.overflowed, x), (x,), vocabulary.OVERFLOWS)

    def low_cover(self, x: Val, out: Val | None = None) -> Cover:
        """Where ``x`` is minus infinity; ``out``: a result that is zero there, to ask instead."""
        low = meant(x)
        assert isinstance(low, Val)
        if out is None:
            return Cover(("low", low.id), partial(self.above, low), (low,), frozenset(), low)
        return Cover(("low", low.id, out.id), partial(self.nonzero, low, out), (out,), frozenset(), low)

    def nonzero(self, x: Val, out: Val, g: Atom) -> Atom:
        """``g``, zero where ``out`` is, as it is where ``x`` is minus infinity."""
        if not spread(g):
            return self.above(x, g)
        return self.rule(vocabulary.where_nonzero, {"x": self.at_hand(out), "g": g})

    def still_zero(self, m: Mask, x: Val, g: Atom) -> Atom:
        """``g``, zero where ``x`` is minus infinity, where the mask ``m`` says so."""
        told = [c for c in m.covers if c.low is x]
        return told[0].put(g) if told else self.above(x, g)

    def above(self, x: Val, g: Atom) -> Atom:
        """``g``, zero where ``x`` is minus infinity."""
        text = vocabulary.if_above if are_numbers(x, g) else vocabulary.where_above
        return self.rule(text, {"x": self.at_hand(x), "g": g})

    def at_hand(self, v: Val) -> Atom:
        """A value of the program, where the derivative is being made."""
        return v

    def overflowed(self, x: Atom, g: Atom) -> Atom:
        """``g``, zero where ``x`` is infinite."""
        return self.rule(vocabulary.where_finite, {"x": x, "g": g})

    def taken(self, a: Atom) -> Atom:
        """A part of what a rule returns: an element of a cotangent is zero for sure where none was read."""
        if isinstance(a, Struct):
            return replace(a, items=tuple(map(self.taken, a.items)))
        op = op_of(a)
        if op is None or op.fn is not operator.getitem or not isinstance(k := kind(op.ins[0]), Array):
            return a
        at = place_of(op.ins[1])
        unread = at is not None and len(at) == len(k.dims) and nothing_at(op.ins[0], at, self.born)
        return ZERO if unread else a

    def in_places(self, g: Atom) -> bool:
        """Whether a cotangent is zero, for not having been read or under a mask, in some of its places."""
        if not isinstance(g, Val) or not (scattered(g, self.born) or read.on_paths(g, self.born)):
            return False
        added = contributions(g)
        if added is None:
            return True
        return any(self.mask(x) is not None or self.in_places(x) for values in added.values() for x in values)

    def scattered_product(self, g: Atom, p: Atom) -> Atom | None:
        """The product of a cotangent that is zero in places, or of one with a factor, where it is not."""
        if self.in_places(g):
            return self.scatter(g, p)
        op = g.op if isinstance(g, Val) and g.id >= self.born else None
        if op is None or op.fn is not operator.mul or self.mask(g) is not None:
            return None
        for whole, by in (op.ins, op.ins[::-1]):
            if kind(whole) == kind(g) and kind(p) == kind(g) and self.in_places(whole):
                return self.scatter(whole, self.product(by, p))
        return None

    def scatter(self, g: Atom, p: Atom) -> Atom | None:
        """The product with ``p`` of a cotangent that is zero but for some entries, of these alone."""
        assert isinstance(g, Val) and g.op is not None
        k = g.kind
        if not isinstance(k, Array) or not isinstance(kp := kind(p), Array) or kp.dims != k.dims:
            return None
        if g.op.fn is not ops.additem:
            return self.product_where_read(g, p)
        base, index, value = g.op.ins
        if self.in_places(base):
            found = self.product_above(base, p) or self.scatter(base, p)
            if found is None:
                return None
            base = found
        elif join_dtypes(k.dtype, kp.dtype) != k.dtype:  # a real cotangent times something complex
            base = self.rule(vocabulary.zeros, {"x": p})
        there = self.times(value, self.getitem(p, index))
        attrs = {a: b for a, b in g.op.attrs.items() if a == "at"}
        k = replace(k, dtype=join_dtypes(k.dtype, kp.dtype))
        return self.prim(ops.additem, [base, index, there], result=k, hint=g.name, **attrs)

    def product_where_read(self, g: Val, p: Atom) -> Atom | None:
        """The product of a cotangent of which branches and loops have read some elements."""
        return None

    def product(self, g: Atom, p: Atom) -> Atom:
        if one(g):
            if isinstance(p, Const) and isinstance(p.value, (int, float)):
                return Const(float(p.value))
            k = kind(p)
            if not isinstance(k, (Scalar, Array)) or k.dtype[0] not in "iub":
                return p  # (one times an integer is not an integer)
        if one(p, -1):
            return self.prim(operator.neg, [g])
        if one(g, -1) and not isinstance(p, Const):
            return self.prim(operator.neg, [p])
        found = twice_divided(p, self.born)
        if found is not None and (self.outward or found[1] != Const(1.0)):
            got = self.of_quotient(g, *found)
            return self.of_library(got, p) if isinstance(kind(g), Scalar) else got
        return self.prim(operator.mul, [g, p])

    def of_library(self, x: Atom, like: Atom) -> Atom:
        """A quotient of which the one that it belongs to is the library's number: it is one, by its kind."""
        k, inner = kind(x), negated(x, self.born)
        divided = quotient(x if inner is None else inner, self.born) is not None
        if divided and isinstance(k, Scalar) and k.weak and is_of_library(kind(like)):
            for v in (x, inner):
                if isinstance(v, Val):
                    v.kind = Scalar("f8", False)
        return x

    def of_quotient(self, g: Atom, negative: bool, x: Atom, b: Atom) -> Atom:
        """``g`` times the slope ``x / b`` of a quotient by ``b``."""
        if self.outward:
            got = self.prim(operator.truediv, [self.product(x, g) if one(x) else self.product(g, x), b])
        else:
            got = self.prim(operator.mul, [self.prim(operator.truediv, [g, b]), x])
        return self.prim(operator.neg, [got]) if negative else got

    def plus(self, a: Atom, b: Atom, hint: str = "") -> Atom:
        """The sum of two derivatives."""
        if a is ZERO:
            return b
        if b is ZERO:
            return a
        if is_none(a) or is_none(b):
            return b if is_none(a) else a
        k = kind(a)
        x, y = self.mask(a), self.mask(b)
        if x is not None and y is not None and alike(x, y):
            if x.holds == y.holds:
                return x.cover(self.plus(x.inner, y.inner))
            return self.cover_of_two(x, y)
        if isinstance(a, Struct) and isinstance(b, Struct):
            return Struct(
                a.type, a.keys, tuple(self.plus(x, y) for x, y in zip(a.items, b.items, strict=True))
            )
        if isinstance(a, Struct) or isinstance(b, Struct):
            of = a if isinstance(a, Struct) else b
            assert isinstance(of, Struct)
            if all(isinstance(x, Struct) or same_parts(kind(x), of) for x in (a, b)):
                pairs = zip(self.parts_of(a), self.parts_of(b), strict=True)
                return Struct(of.type, of.keys, tuple(self.plus(x, y) for x, y in pairs))
        if not {type(k), type(kind(b))} & {Array, Scalar}:  # lists, or what may be lists
            total = self.rule(vocabulary.add_any, {"a": without_zeros(a), "b": without_zeros(b)})
            if isinstance(total, Val) and (total.kind == UNKNOWN or {type(k), type(kind(b))} & {Map}):
                total.kind = k if k == kind(b) else UNKNOWN  # (a sample knows the keys of one dict alone)
            return total
        if self.outward and x is None and y is None and a not in self.sums and b not in self.sums:
            first, second = divided(a, self.born), divided(b, self.born)
            if first is not None and second is not None and same(first[2], second[2]):
                m, n = (self.prim(operator.neg, [n]) if neg else n for neg, n, _ in (first, second))
                return self.prim(operator.truediv, [self.plus(m, n), first[2]], hint=hint)
        total = self.prim(ops.accumulate, [a, b], result=sum_kind(k, kind(b)), hint=hint)
        covers = self.nowhere(x, y)
        if x is not None and y is not None and not covers and isinstance(total, Val):
            self.unlike[total] = a, b
        if a in self.running or b in self.running:
            self.runs_on(total, self.running.get(a, x), self.running.get(b, y))
        low = [v for v in lows(x) if v in lows(y)]
        if low and not any(c.low is not None for c in covers):
            covers = (*covers, self.low_cover(low[-1]))
        elif (lows(x) or lows(y)) and isinstance(total, Val):
            self.sums[total] = a, b
        return self.weakly(total, covers)

    def nowhere(self, *masks: Mask | None) -> tuple[Cover, ...]:
        """Where a sum of derivatives is zero."""
        covers = common(*masks)
        if covers:
            return covers
        among = conditions_of(*masks)
        return (self.among_cover(among),) if among else ()

    def runs_on(self, total: Atom, *masks: Mask | None) -> tuple[Cover, ...]:
        """Note of a sum over the trips of a loop where it is zero: where what each trip adds is."""
        parts = [m for m in masks if m is not BEGUN]
        covers = self.nowhere(*parts)
        if covers or not parts:
            self.running[total] = Mask(total, covers) if parts else BEGUN
        return covers

    def parts_of(self, a: Atom) -> tuple[Atom, ...]:
        """The parts of a structured derivative."""
        if isinstance(a, Struct):
            return a.items
        k = kind(a)
        assert isinstance(k, Tree)
        return tuple(self.tree_item(a, k, Const(key)) for key in k.keys)

    # ---- masks
    def mask(self, g: Atom) -> Mask | None:
        """The mask that a derivative is under, if any."""
        if isinstance(g, Val) and g in self.masks:
            return self.masks[g]
        found = where_mask(g, self.born)
        return None if found is None else self.strong(*found)

    def strong(self, condition: Atom, inner: Atom, holds: bool) -> Mask:
        covers = [self.where_cover(condition, holds)]
        far = infinite_operand(condition)
        if far is not None and not holds:
            covers.append(self.far_cover(far))
        within = self.mask(inner)
        if within is not None:
            covers += within.covers
        return Mask(inner, tuple(covers), True, condition, holds)

    def covered(self, condition: Atom, g: Atom, holds: bool = True) -> Atom:
        """``g`` where the condition holds (or does not), zero elsewhere."""
        if g is ZERO:
            return ZERO
        if isinstance(condition, Const):
            return g if bool(condition.value) is holds else ZERO
        outer = self.mask(g)
        if outer is not None and outer.strong:  # the mask that was there first stays outside
            return outer.cover(self.covered(condition, outer.inner, holds))
        return self.chosen(condition, g, holds)

    def chosen(self, condition: Atom, g: Atom, holds: bool = True) -> Atom:
        if g is ZERO:
            return ZERO
        g = unexpanded(g, condition)
        given = {"g": g, "condition": condition}
        if are_numbers(g, condition):
            v = self.rule(vocabulary.if_true if holds else vocabulary.if_false, given)
            if isinstance(v, Val):
                self.masks[v] = self.strong(condition, g, holds)
            return v
        return self.rule(vocabulary.where_true if holds else vocabulary.where_false, given)

    def blanked(self, t: Atom) -> None:
        """``t`` has just been set to zero in places: it is to stay so."""
        assert isinstance(t, Val) and t.op is not None
        index, none = t.op.ins[1:]
        k = t.kind

        key: tuple[Any, ...] = "blank", t.id
        among: tuple[Condition, ...] = ()
        if are_truths(index) and has_rank(index, t):
            among = (condition(index, False, self.ctx.is_elementwise),)
            key = "where", *among[0].key

        def cover(g: Atom) -> Atom:
            kg = kind(g)
            if isinstance(kg, Array) and isinstance(k, Array) and kg.dims == k.dims:
                return self.prim(ops.setitem, [g, index, none], result=kg)
            return self.chosen(index, g, False) if among else g

        self.masks[t] = Mask(t, (Cover(key, cover, (index,), among=among),))

    def cover_of_two(self, x: Mask, y: Mask) -> Atom:
        """The sum of the two sides of one condition."""
        a, b = (x.inner, y.inner) if x.holds else (y.inner, x.inner)
        given = {"condition": x.condition, "a": a, "b": b}
        numbers = are_numbers(*given.values())
        return self.rule(vocabulary.if_else if numbers else vocabulary.where_else, given)

    def zero(self, x: Atom) -> Atom:
        """The zero of a value's kind."""
        k = kind(x)
        if isinstance(present(k), Scalar):
            return Const(0.0)
        if (isinstance(k, Array) and is_active_kind(k)) or k == UNKNOWN:
            if may_be_unset(x):
                return self.zero_if_set(x, k)
            if k != UNKNOWN:
                return self.rule(vocabulary.zeros, {"x": x})
        if isinstance(k, Tree):
            if not is_active_kind(k) and k.type not in (list, dict):
                return Const(None)
            parts = (
                x.items[i] if isinstance(x, Struct) else self.tree_item(x, k, Const(key))
                for i, key in enumerate(k.keys)
            )
            zeros = (
                self.zero(p) if is_active_kind(i) or not is_count(i, k) else Const(None)
                for p, i in zip(parts, k.items)
            )
            return Struct(k.type, k.keys, tuple(zeros))
        if isinstance(k, Seq) and (k.elem == NONE or may_hold_none(k.elem)):
            v = self.rule(vocabulary.zeros_in, {"x": x})
            if isinstance(v, Val):
                v.kind = replace(k, elem=FLOAT) if k.elem == NONE else derivative_kind(k)
            return v
        if isinstance(k, Seq) or k == UNKNOWN:
            if may_be_unset(x):
                return self.zero_if_set(x, derivative_kind(k))
            return self.rule(vocabulary.zeros_any, {"x": x})
        if isinstance(k, Maybe) and is_active_kind(k):
            several = isinstance(k.of, Seq)
            v = self.rule(vocabulary.zeros_of_list if several else vocabulary.zeros_there, {"x": x})
            if isinstance(v, Val):
                v.kind = derivative_kind(k)  # (of None, no derivative is ever read)
            return v
        return Const(None)

    def zero_if_set(self, x: Atom, k: Kind) -> Atom:
        """The zero of what no path has to set."""
        v = self.rule(vocabulary.zeros_if_set, {"x": x})
        if isinstance(v, Val) and v.op is not None:
            v.kind = k  # (where it is not set, its zero is added to others like it, and never read)
            v.op.attrs = {**v.op.attrs, "unset": True}
        return v

    def materialise(self, t: Atom | None, x: Atom) -> Atom:
        """A tangent or cotangent of ``x`` as a value."""
        if t is None or t is ZERO:
            return self.zero(x)
        if isinstance(t, Struct) and has_zero(t):
            k = kind(x)
            if not isinstance(k, Tree):  # (a rule knows more of the result than its kind says)
                k = Tree(t.type, t.keys, (UNKNOWN,) * len(t.keys))
            idle = [is_count(i, k) for i in k.items]
            parts = (
                Const(None) if none and i is ZERO else self.materialise(i, self.part(x, k, n))
                for n, (i, none) in enumerate(zip(t.items, idle))
            )
            return Struct(t.type, t.keys, tuple(parts))
        return t

    def part(self, x: Atom, k: Tree, n: int) -> Atom:
        return x.items[n] if isinstance(x, Struct) else self.tree_item(x, k, Const(k.keys[n]))

    def unbroadcast(
        self, g: Atom, x: Atom, p: Atom | None = None, flat: Atom | None = None, low: Cover | None = None
    ) -> Atom:
        """``g * p`` summed over the axes along which ``x`` was broadcast."""
        kx = kind(x)
        if p is not None and spread(g) and spread(p) and kx != kind(g):
            above = self.product_above(g, p)
            if above is not None:
                g, p = above, None
        kg, kp = kind(g), kind(p) if p is not None else None
        if p is not None:
            if (
                isinstance(kx, Scalar)
                and isinstance(kg, Array)
                and isinstance(kp, Array)
                and kg.dims == kp.dims
                and kg.dims
                and self.mask(g) is None
            ):
                if kg.dtype[0] == kp.dtype[0] == "f" and not isinstance(p, Const):
                    return self.total_product(g, p)
            g = self.times(g, p, flat, low)
            kg = kind(g)
        if g is ZERO:
            return ZERO
        if isinstance(kx, Scalar):
            mask = self.mask(g)
            if isinstance(kg, Array) and not kg.dims and mask is not None and mask.strong:
                g = mask.cover(self.unbroadcast(mask.inner, x))
                kg = kind(g)
            if isinstance(kg, Array):
                g = self.rule(vocabulary.total, {"g": g})
            elif kg == UNKNOWN:
                g = self.rule(vocabulary.unbroadcast, {"g": g, "x": x})
        elif isinstance(kx, Array) and isinstance(kg, Array):
            g = self.sum_to(g, kg, kx, x)
        elif isinstance(kx, Array) and isinstance(kg, Scalar) and not kx.dims:
            return g
        elif isinstance(kx, Array) and isinstance(kg, Scalar):
            g = self.rule(vocabulary.expand, {"t": g, "out": x})
        elif not isinstance(kg, (Seq, Tree)):
            g = self.rule(vocabulary.unbroadcast, {"g": g, "x": x})
        return self.fit_type(g, x)

    def total_product(self, g: Atom, p: Atom) -> Atom:
        """The sum of ``g * p``; a sign, and numbers that the slope was divided by, are taken out of it."""
        found = divided(p, self.born)
        if found is not None and isinstance(kind(found[2]), Scalar) and kind(found[1]) == kind(p):
            total = self.prim(operator.truediv, [self.total_product(g, found[1]), found[2]])
            return self.prim(operator.neg, [total]) if found[0] else total
        x = negated(p, self.born)
        if x is not None and kind(x) == kind(p):
            return self.prim(operator.neg, [self.total_product(g, x)])
        return self.rule(vocabulary.total_product, {"g": g, "p": p})

    def product_above(self, g: Atom, p: Atom) -> Atom | None:
        """``g * p``, to be summed, if ``g`` is zero in places where ``p`` may be infinite."""
        low = [v for v in lows(self.mask(g)) if grows(p, v)]
        if low:
            mask = self.mask(g)
            if mask is None or mask.strong:
                return self.times(g, p)
            return self.still_zero(mask, low[0], self.times(g, p))
        there = self.scattered_product(g, p)
        if there is not None:
            return there
        if not isinstance(g, Val) or g not in self.sums:
            return None
        parts = [(a, self.product_above(a, p)) for a in self.sums[g]]
        if all(b is None for _, b in parts):
            return None
        first, second = (self.times(a, p) if b is None else b for a, b in parts)
        return self.plus(first, second)

    def sum_to(self, g: Atom, kg: Array, kx: Array, x: Atom) -> Atom:
        lead = len(kg.dims) - len(kx.dims)
        if lead < 0:
            return self.rule(vocabulary.unbroadcast, {"g": g, "x": x})
        kept = []
        for n, (dx, dg) in enumerate(zip(kx.dims, kg.dims[lead:], strict=True)):
            if dx == dg:
                continue
            if dx == 1:
                kept.append(lead + n)
            elif isinstance(dx, int) or dx.big:
                continue
            else:
                return self.rule(vocabulary.unbroadcast, {"g": g, "x": x})
        if kept:
            axes = [Const(i) for i in kept]
            g = self.rule(vocabulary.sum_axes_kept, {"g": g, "axes": alone_or_tuple(axes)})
        if lead:
            axes = [Const(i) for i in range(lead)]
            g = self.rule(vocabulary.sum_axes, {"g": g, "axes": alone_or_tuple(axes)})
        return g

    def fit_type(self, g: Atom, x: Atom) -> Atom:
        """A cotangent has the dtype of what it belongs to."""
        kx, kg = kind(x), kind(g)
        if isinstance(kx, (Array, Scalar)) and isinstance(kg, (Array, Scalar)):
            mask = self.mask(g)
            if mask is not None and mask.strong and kx.dtype != kg.dtype:
                inner = self.fit_type(mask.inner, x)
                return g if inner is mask.inner else mask.cover(inner)
            if kg.dtype[0] == "c" and kx.dtype[0] == "f":
                return self.rule(vocabulary.real, {"g": g})
            if (
                isinstance(kx, Array)
                and isinstance(kg, Array)
                and kg.dtype != kx.dtype
                and (kg.dtype[0], kx.dtype[0]) in (("f", "f"), ("c", "c"), ("f", "c"))
            ):
                if not self.has_shape(x):  # (nor a type: no path has to bind it, or it begins as a number)
                    return self.rule(vocabulary.real_like, {"g": g, "x": self.need(x)})
                return self.rule(vocabulary.cast, {"g": g, "x": self.need(x)})
        return g

    def has_shape(self, a: Atom) -> bool:
        """Whether a value is surely there."""
        return not may_be_unset(a)

    def need(self, a: Atom) -> Atom:
        """A value of the function, for use where derivatives are computed."""
        return a


def is_count(item: Kind, box: Tree) -> bool:
    """Whether a part of a container has no derivative; in a list, a count beside numbers is a number."""
    numbers = box.type is list and any(map(is_active_kind, box.items))
    return isinstance(item, Scalar) and not is_active_kind(item) and not (numbers and item.dtype[0] in "iu")


def has_rank(a: Atom, of: Atom) -> bool:
    """Whether an array has as many axes as another."""
    k, kof = kind(a), kind(of)
    return isinstance(k, Array) and isinstance(kof, Array) and len(k.dims) == len(kof.dims)


def unexpanded(g: Atom, condition: Atom) -> Atom:
    """``g`` without the repetition that a condition of its shape brings about by itself."""
    if not isinstance(g, Val) or g.op is None or g.op.code != "prim" or g.op.fn not in vocabulary.EXPANDS:
        return g
    k, kc = g.kind, kind(condition)
    inner = g.op.ins[0]
    fits = isinstance(k, Array) and isinstance(kc, Array) and k.dims == kc.dims
    return inner if fits and isinstance(kind(inner), Scalar) else g


def has_zero(t: Atom) -> bool:
    """Whether a part of a structured derivative is still a symbolic zero."""
    return t is ZERO or (isinstance(t, Struct) and any(has_zero(x) for x in t.items))


def one(a: Atom, value: float = 1) -> bool:
    return (
        isinstance(a, Const)
        and isinstance(a.value, (int, float))
        and not isinstance(a.value, bool)
        and a.value == value
    )


def sum_kind(a: Kind, b: Kind) -> Kind | None:
    """The kind of a sum of cotangents of one value."""
    if isinstance(a, Array) and isinstance(b, Array) and a.dtype == b.dtype:
        return Array(a.dtype, broadcast_dims(a.dims, b.dims))
    return None


def name_derivative(v: Atom, of: Val, suffix: str) -> None:
    """Name a value ``x_bar`` or ``x_dot`` if it has no name of its own."""
    named = of.user or keyed(of)
    if isinstance(v, Val) and not v.user and of.name and (named or not v.name):
        if v.op is not None and not v.name.endswith(suffix):
            v.name = f"{of.name.rstrip('!')}{suffix}" if named else ""
            v.user = named


def keyed(v: Val) -> bool:
    """Whether a value is the named part of a container: ``params["W1"]``."""
    op = v.op
    if op is None or op.code != "prim" or v not in op.outs or op.fn not in (operator.getitem, ops.getfield):
        return False
    key = op.ins[1]
    return isinstance(key, Const) and isinstance(key.value, str) and v.name == key.value


def same_parts(k: Kind, of: Struct) -> bool:
    """Whether values of a kind have the parts of a structure, each with a derivative."""
    return (
        isinstance(k, Tree)
        and (k.type, k.keys) == (of.type, of.keys)
        and all(is_active_kind(i) for i in k.items)
    )


def without_zeros(a: Atom) -> Atom:
    """``a`` with None for the symbolic zeros among its parts, as the helpers take them."""
    if a is ZERO:
        return Const(None)
    return Struct(a.type, a.keys, tuple(map(without_zeros, a.items))) if isinstance(a, Struct) else a
