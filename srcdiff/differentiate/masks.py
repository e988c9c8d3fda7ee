"""Masks: where a derivative is zero because a value was not chosen, it stays zero whatever multiplies it.

``np.where(c, g, 0.0) * p`` is NaN where ``c`` is false and ``p`` infinite or NaN, as the partials of what
was not chosen may well be.  So a product with a masked derivative is taken under the mask,
``np.where(c, g * p, 0.0)``, and a sum of two under one mask, too: the mask sinks down the chain as far as
that is elementwise, and is written once, where it ends.  Where ``c`` holds, the numbers are the same bit for
bit.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterable
from typing import Any

from srcdiff.differentiate import read
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    UNDEF,
    Atom,
    Const,
    LoopView,
    Ref,
    Slice,
    Struct,
    Val,
    key_of,
    kind,
    op_of,
    same,
)
from srcdiff.ir.indices import ALL, parts_of
from srcdiff.ir.kinds import Array, Scalar, is_active_kind
from srcdiff.ir.records import dataclass
from srcdiff.rules import registry, vocabulary

__all__ = [
    "BEGUN",
    "Condition",
    "Cover",
    "Mask",
    "alike",
    "are_numbers",
    "are_truths",
    "common",
    "condition",
    "conditions_of",
    "contributions",
    "finite",
    "flat_far_down",
    "flat_far_out",
    "grows",
    "infinite_operand",
    "lows",
    "meant",
    "nothing_at",
    "place_of",
    "scattered",
    "spread",
    "weight",
    "where_mask",
    "written_endless",
]

MOST_PLACES = 64  # of a cotangent, of which each is looked at
# operations of the graph's own that hand infinite values on
PASSES: set[Any] = {ops.setitem, ops.additem, ops.accumulate, ops.copied}


@dataclass(frozen=True)
class Condition:
    """Where an array of truths holds, or does not."""

    place: Any  # equal for what is computed alike
    holds: bool
    value: Atom  # the condition, or (if not ``direct``) its contrary
    direct: bool

    @property
    def key(self) -> tuple[Any, bool]:
        return self.place, self.holds


@dataclass(frozen=True)
class Cover:
    """Where a derivative is zero, and how to make a product zero there again."""

    key: tuple[Any, ...]  # equal for one place
    put: Callable[[Atom], Atom]
    on: tuple[Atom, ...] = ()  # what it refers to
    against: frozenset[Any] = vocabulary.INFINITE  # functions that may make a factor infinite there
    low: Val | None = None  # what is minus infinity in some of these places, and nowhere else
    among: tuple[Condition, ...] = ()  # it is zero where none of these holds


@dataclass(frozen=True)
class Mask:
    """A derivative that is zero in places.

    ``strong``: it is ``np.where(condition, inner, 0.0)`` (or, if not ``holds``, with its sides exchanged): a
    product with it is taken under the mask.  Otherwise ``inner`` is the derivative itself, and the covers
    need be put on again only where a factor may be infinite.
    """

    inner: Atom
    covers: tuple[Cover, ...]
    strong: bool = False
    condition: Atom = UNDEF
    holds: bool = True

    def cover(self, g: Atom) -> Atom:
        """``g`` under the strong mask."""
        return self.covers[0].put(g)


BEGUN = Mask(UNDEF, ())  # of what a loop begins to add up: zero everywhere


def common(*masks: Mask | None) -> tuple[Cover, ...]:
    """The places where all of some derivatives are zero."""
    if not masks or None in masks:
        return ()
    places = [{c.key: c for c in m.covers} for m in masks if m is not None]
    return tuple(c for k, c in places[0].items() if all(k in p for p in places))


def conditions_of(*masks: Mask | None) -> tuple[Condition, ...]:
    """Conditions of which one holds wherever a sum of derivatives is not zero, if that can be told."""
    found: dict[Any, Condition] = {}
    for m in masks:
        among = next((c.among for c in m.covers if c.among), ()) if m is not None else ()
        if not among:
            return ()
        found.update({c.key: c for c in among if c.key not in found})
    everywhere = any((place, not holds) in found for place, holds in found)
    return () if everywhere else tuple(found.values())


def condition(a: Atom, holds: bool, is_elementwise: Callable[[Any], bool]) -> Condition:
    """A condition, or what it is the contrary of."""
    place, direct = computed(a, is_elementwise), holds
    while isinstance(place, tuple) and place[0] is operator.invert:
        place, holds = place[2], not holds
    return Condition(place, holds, a, direct)


def computed(a: Atom, is_elementwise: Callable[[Any], bool], depth: int = 6) -> Any:
    """What a value is computed by: equal for two that are made of one thing by the same operations."""
    v = meant(a)
    op = op_of(v)
    if depth == 0 or op is None or op.code != "prim" or v not in op.outs or not is_elementwise(op.fn):
        return key_of(v)
    if not all(isinstance(kind(x), (Array, Scalar)) for x in op.ins):
        return key_of(v)
    return op.fn, op.attrs.get("names"), *(computed(x, is_elementwise, depth - 1) for x in op.ins)


def are_truths(a: Atom) -> bool:
    """Whether a value is an array of truths."""
    k = kind(a)
    return isinstance(k, Array) and k.dtype == "b1"


def where_mask(v: Atom, born: int) -> tuple[Atom, Atom, bool] | None:
    """Condition, value and whether it is chosen where the condition holds, of ``np.where(c, value, 0.0)``.

    Only of what a transform made (``born``: the first of its values): a program's own zeros are numbers.
    """
    if not isinstance(v, Val) or v.id < born or v.op is None or v.op.code != "prim":
        return None
    if v.op.fn is not vocabulary.CHOOSES or len(v.op.ins) != 3 or v.op.by_name:
        return None
    condition, x, y = v.op.ins
    if zero(y) and not zero(x):
        return condition, x, True
    return (condition, y, False) if zero(x) and not zero(y) else None


def zero(a: Atom) -> bool:
    return isinstance(a, Const) and type(a.value) is float and a.value == 0.0


def alike(a: Mask | None, b: Mask | None) -> bool:
    """Whether two masks depend on one condition (so that a sum can go under it)."""
    if a is None or b is None or not a.strong or not b.strong:
        return False
    if same(a.condition, b.condition):
        return True
    p, q = a.covers[0].key, b.covers[0].key
    return p[1] == q[1] and (p[2] == q[2]) is (a.holds == b.holds)


def infinite_operand(condition: Atom) -> Atom | None:
    """The operand of a condition that asks whether it is infinite."""
    op = op_of(condition)
    return op.ins[0] if op is not None and op.fn in vocabulary.IS_INFINITE else None


def weight(p: Atom, born: int) -> bool:
    """Whether a partial is made of comparisons and constants: finite, and zero where nothing is chosen."""
    if not isinstance(p, Val) or p.id < born or p.op is None or p.op.code != "prim":
        return False
    k = p.kind
    if isinstance(k, (Array, Scalar)) and k.dtype == "b1":
        return True
    parts = [a for a in p.op.ins if not isinstance(a, Const)]
    return p.op.fn in vocabulary.WEIGHS and bool(parts) and all(weight(a, born) for a in parts)


def finite(p: Atom, born: int, infinite: frozenset[Any], depth: int = 8) -> bool:
    """Whether a derivative is finite where the program's values are: no function in ``infinite`` makes it."""
    if not isinstance(p, Val) or p.op is None:
        return True
    if isinstance(p.kind, (Array, Scalar)) and p.kind.dtype == "b1":
        return True
    op = p.op
    if op.code == "need":
        return finite(op.attrs["value"], born, infinite, depth)
    if depth == 0:
        return True
    if op.code == "if":
        n = op.outs.index(p)
        return all(finite(r.results[n], born, infinite, depth - 1) for r in op.regions)
    if op.code != "prim":
        return True
    parts = op.ins
    if op.fn in infinite:
        if op.fn not in vocabulary.DIVIDES or not steady(op.ins[1], p, op.fn is operator.pow):
            return False
        parts = parts[:1]
    return all(finite(a, born, infinite, depth - 1) for a in parts)


def steady(b: Atom, out: Val, is_power: bool) -> bool:
    """Whether a second operand makes nothing infinite: it is not zero, or one number for all elements."""
    if isinstance(b, Const) and isinstance(b.value, (int, float)):
        return b.value > 0 if is_power else b.value != 0
    return not is_power and isinstance(kind(b), Scalar) and isinstance(out.kind, Array)


def scattered(v: Atom, born: int) -> bool:
    """Whether a cotangent is zero but for the entries that were read."""
    if not isinstance(v, Val) or v.id < born or v.op is None or v.op.fn is not ops.additem:
        return False
    base = v.op.ins[0]
    blank = isinstance(base, Val) and base.op is not None and base.op.fn is vocabulary.BLANK
    return blank or scattered(base, born) or read.on_paths(base, born)


def place_of(index: Atom) -> tuple[int, ...] | None:
    """The place of one element, counted from the front."""
    parts = parts_of(index)
    at = tuple(p.value for p in parts if isinstance(p, Const) and type(p.value) is int and p.value >= 0)
    return at if len(at) == len(parts) else None


def nothing_at(v: Atom, place: tuple[int, ...], born: int) -> bool:
    """Whether a cotangent is zero at a place for sure: it was not read, whatever it was made of."""
    if not isinstance(v, Val) or v.id < born or v.op is None or v.op.fn is None:
        return False
    if v.op.fn is vocabulary.BLANK:
        return True
    if v.op.fn is not ops.additem or v.op.attrs.get("at"):
        return False
    at = place_of(v.op.ins[1])
    return at is not None and at != place and len(at) == len(place) and nothing_at(v.op.ins[0], place, born)


def contributions(v: Val) -> dict[tuple[int, ...], list[Atom]] | None:
    """What was added at each place of a cotangent of known sizes; None if some place had nothing."""
    k, found = v.kind, dict[tuple[int, ...], list[Atom]]()
    sizes = [d for d in k.dims if isinstance(d, int)] if isinstance(k, Array) else []
    if not isinstance(k, Array) or len(sizes) < len(k.dims) or math.prod(sizes) > MOST_PLACES:
        return None
    base: Atom = v
    while isinstance(base, Val) and base.op is not None and base.op.fn is ops.additem:
        base, index, value = base.op.ins
        at = places_in(index, sizes)
        if at is None:
            return None
        for place in at:
            found.setdefault(place, []).append(value)
    return found if len(found) == math.prod(sizes) else None


def places_in(index: Atom, sizes: list[int]) -> list[tuple[int, ...]] | None:
    """The places that an index between constants names, in an array of these sizes."""
    parts = (*parts_of(index), *(ALL,) * (len(sizes) - len(parts_of(index))))
    if len(parts) != len(sizes):
        return None
    axes: list[Iterable[int]] = []
    for p, n in zip(parts, sizes, strict=True):
        if isinstance(p, Slice):
            ends = (p.lower, p.upper, p.step)
            if not all(isinstance(e, Const) for e in ends):
                return None
            axes.append(range(*slice(*(e.value for e in ends)).indices(n)))  # type: ignore[union-attr]
        elif isinstance(p, Const) and type(p.value) is int and -n <= p.value < n:
            axes.append((p.value % n,))
        else:
            return None
    return list(itertools.product(*axes))


def flat_far_out(fn: Any, name: str, given: dict[str, Atom]) -> Atom | None:
    """The operand of this name, if ``fn`` is flat where that has overflowed: the partial is zero there."""
    if vocabulary.VANISHES.get(fn) != name:
        return None
    power = given.get("b") if fn is operator.pow else Const(-1)
    flat = isinstance(power, Const) and isinstance(power.value, (int, float)) and power.value < 0
    return given[name] if flat else None


def are_numbers(*atoms: Atom) -> bool:
    return all(isinstance(kind(a), Scalar) for a in atoms)


# ---- values that are minus infinity: masked logits and the like


def flat_far_down(fn: Any, name: str, given: dict[str, Atom]) -> Val | None:
    """The operand of this name, if ``fn`` is flat where that is minus infinity: an array, or of elements."""
    x = given.get(name, UNDEF)
    flat = name in vocabulary.FLAT.get(fn, ()) or name in registry.flat_operands(fn)
    return x if flat and (spread(x) or picked(x)) else None  # type: ignore[return-value]


def picked(a: Atom) -> bool:
    """Whether a number may be infinite with elements of an array that the program made."""
    if not isinstance(a, Val) or not isinstance(a.kind, Scalar) or a.kind.dtype[0] != "f":
        return False
    return any(spread(v) and v.op is not None and v.op.code == "prim" and endless(v) for v in carried(a))


def spread(a: Atom) -> bool:
    return isinstance(a, Val) and isinstance(a.kind, Array) and bool(a.kind.dims)


def meant(a: Atom) -> Atom:
    """The forward value that a placeholder stands for."""
    while isinstance(a, Val) and a.op is not None and a.op.code == "need":
        a = a.op.attrs["value"]
    return a


def lows(m: Mask | None) -> list[Val]:
    """What is minus infinity only where a derivative under this mask is zero, the plainest last.

    ``z - m`` is minus infinity where ``z`` is; and where it is, ``z == y`` does not hold for a ``y`` that is
    not.
    """
    out: list[Val] = []
    todo: list[Atom] = [c.low for c in m.covers if c.low is not None] if m is not None else []
    if m is not None and m.strong and m.holds:
        todo += equal_in(m.condition)
    while todo:
        x = meant(todo.pop(0))
        if not isinstance(x, Val) or not (spread(x) or picked(x)) or x in out:
            continue
        out.append(x)
        if x.op is not None and x.op.fn in (operator.add, operator.sub):
            todo += [a for a in x.op.ins if kind(a) == x.kind][: 1 if x.op.fn is operator.sub else 2]
    return out


def equal_in(condition: Atom) -> list[Atom]:
    """The two operands of a condition that asks whether they are equal, or one is not beyond the other."""
    op = op_of(condition)
    if op is not None and op.fn is operator.invert:
        beyond = op_of(op.ins[0])
        return beyond.ins if beyond is not None and beyond.fn in (operator.lt, operator.gt) else []
    return op.ins if op is not None and op.fn is operator.eq else []


def grows(p: Atom, low: Val) -> bool:
    """Whether a factor may be infinite where ``low`` is minus infinity: made of an array that may be."""
    makers = {v for v in carried(low) if spread(v)}
    return any(v in makers and endless(v) for v in carried(p))


def carried(a: Atom, most: int = 40) -> dict[Val, None]:
    """What a value is infinite with, as far as can be seen."""
    found: dict[Val, None] = {}
    todo = [a]
    while todo and len(found) < most:
        x = todo.pop(0)
        if isinstance(x, Struct):
            todo += x.items
        x = meant(x)
        if not isinstance(x, Val) or x in found or not is_active_kind(x.kind):
            continue
        found[x] = None
        op = x.op
        if op is not None and op.code == "for" and op.regions:  # an element that it reads
            view = LoopView(op)
            todo += [s for e, s in zip(view.elements, view.sources) if e is x]
        if op is None or op.code != "prim":
            continue
        if op.fn in (operator.truediv, operator.pow, operator.getitem):
            todo += op.ins[:1]
        elif op.fn in vocabulary.CARRIES or op.fn in PASSES:
            todo += op.ins
    return found


def written_endless(a: Atom, known: dict[tuple[Val, int], bool], depth: int = 4) -> bool:
    """Whether a number is made with an infinity that is written in the program, on some path.

    ``known``: what was found before; branches behind one another are many paths.
    """
    k = kind(a)
    if not isinstance(k, Scalar) or k.dtype[0] != "f":
        return False
    if is_infinite(a):
        return True
    if depth == 0 or not isinstance(a, Val):
        return False
    found = known.get((a, depth))
    if found is None:
        found = known[a, depth] = made_endless(a, known, depth)
    return found


def made_endless(a: Val, known: dict[tuple[Val, int], bool], depth: int) -> bool:
    for x in carried(a):
        op = x.op
        if op is not None and op.code == "if" and x in op.outs:
            n = op.outs.index(x)
            if any(written_endless(r.results[n], known, depth - 1) for r in op.regions):
                return True
        elif op is not None and op.code == "prim" and any(map(is_infinite, op.ins)):
            return op.fn in vocabulary.CARRIES
    return False


def is_infinite(a: Atom) -> bool:
    value = a.value if isinstance(a, Const) else a.obj if isinstance(a, Ref) else None
    return isinstance(value, float) and math.isinf(value)


def endless(v: Val) -> bool:
    """Whether something that a value is infinite with may be so: given, or written with an infinity in it."""
    for x in carried(v):
        op = x.op
        if op is None or op.code != "prim" or op.fn in vocabulary.LOGARITHMS:
            return True
        if any(map(is_infinite, op.ins)):
            return True
    return False
