"""What is compared, what is true: comparisons, membership, conditions."""

from __future__ import annotations

import enum
import operator
from functools import partial
from typing import TYPE_CHECKING, Any

from srcdiff.backends import numpy_names
from srcdiff.frontend import (
    identity,
    mappings,
    objects,
)
from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import (
    Agg,
    Bound,
    Closure,
    Either,
    Iter,
    Known,
    Loc,
    Method,
    Partial,
    Plain,
    has_objects,
)
from srcdiff.frontend.words import is_const_none, resolved
from srcdiff.ir.graph import Atom, Const, kind
from srcdiff.ir.kinds import (
    BOOL,
    NONE,
    OTHER,
    STR,
    Array,
    Map,
    Scalar,
    Tree,
    is_open,
)

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["boolop", "compare", "comparison", "condition", "ifexp", "is_member", "truth"]


def comparison(lw: Lowerer, node: Any) -> Bound:
    return compared(lw, node, lw.expr(node.left), 0)


def compared(lw: Lowerer, node: Any, left: Bound, at: int) -> Bound:
    """``left < b < c``: what comes after a comparison is evaluated if that holds."""
    right = lw.expr(node.comparators[at])
    value = compare(lw, type(node.ops[at]).__name__, left, right, node)
    if at == len(node.ops) - 1:
        return Plain(value)
    known = truth(lw, Plain(value))
    rest = partial(compared, lw, node, right, at + 1)
    if known is not None:
        return rest() if known else Plain(value)
    return lw.choose(value, rest, lambda: Plain(Const(False)), node, "and")


def which_are_none(lw: Lowerer, b: Bound, name: str, none: Bound, node: Any) -> Bound:
    """Of each of some things, whether it is (or is not) None.

    What is meant on one path alone may only be asked there: conditions below the first stand in a branch.
    """
    if not isinstance(b, Either):
        return Plain(compare(lw, name, b, none, node))
    one, other = (partial(which_are_none, lw, x, name, none, node) for x in (b.then, b.other))
    if is_none(lw, b.then) is not None and is_none(lw, b.other) is not None:
        return Either(b.test, one(), other())
    tests = [lambda s=s: Plain(condition(lw, s(), node)) for s in (one, other)]
    return lw.choose(b.test, tests[0], tests[1], node, "if")


def which_are(lw: Lowerer, b: Bound, name: str, it: Bound, node: Any) -> Bound:
    """Of each of some functions, whether it is (or is not) this one."""
    b = resolved(lw, b)
    if not isinstance(b, Either):
        return Plain(compare(lw, name, b, it, node))
    one, other = (partial(which_are, lw, x, name, it, node) for x in (b.then, b.other))
    return lw.choose(b.test, one, other, node, "if")


def compare(lw: Lowerer, name: str, left: Bound, right: Bound, node: Any) -> Atom:
    if name in ("In", "NotIn"):
        return membership(lw, name, left, right, node)
    fn = numpy_names.BINARY[name]
    if is_member(left) and is_member(right) and fn in _SAMENESS:
        return Const(bool(fn(left.obj, right.obj)))  # type: ignore[union-attr]
    got = objects.operate(lw, fn, left, right, node)
    if got is not None:
        return lw.read(got, node)
    if fn in (operator.is_, operator.is_not, operator.eq, operator.ne):
        one = objects.identical(lw, left, right)
        boxes = [content(lw, x) for x in (left, right)]
        by_value = any(isinstance(x, Loc) or (isinstance(x, Agg) and not by_identity(x.type)) for x in boxes)
        if one is not None and (fn in (operator.is_, operator.is_not) or not by_value):
            return Const(one == (fn in (operator.is_, operator.eq)))
    if fn in (operator.is_, operator.is_not):
        known = (
            is_none(lw, left) if is_const_none(right) else is_none(lw, right) if is_const_none(left) else None
        )
        if known is not None:
            return Const(known == (fn is operator.is_))
        two, none = (left, right) if isinstance(left, Either) else (right, left)
        if isinstance(two, Either) and is_const_none(none):
            return condition(lw, which_are_none(lw, two, name, none, node), node)
    if fn in _SAMENESS:
        one = objects.equal_methods(left, right) if fn in (operator.eq, operator.ne) else None
        if one is not None:
            return Const(one == (fn is operator.eq))
        two, it = (left, right) if isinstance(left, Either) else (right, left)
        if isinstance(two, Either) and isinstance(it, (Known, Closure, Partial, Either)):
            return condition(lw, which_are(lw, two, name, it, node), node)
    a, b = lw.read(left, node), lw.read(right, node)
    a, b = lw.conform(a, kind(b)), lw.conform(b, kind(a))
    ka, kb = kind(a), kind(b)
    if (
        fn in (operator.eq, operator.ne)
        and lw.frame.static
        and isinstance(ka, Scalar)
        and isinstance(kb, Scalar)
        and isinstance(ka.value, int)
        and isinstance(kb.value, int)
    ):
        return Const(bool(fn(ka.value, kb.value)))
    scalars = isinstance(ka, (Scalar,)) or ka in (OTHER, STR)
    return lw.prim(
        fn,
        [a, b],
        result=BOOL
        if (scalars and not isinstance(kb, Array)) or fn in (operator.is_, operator.is_not)
        else None,
    )


def by_identity(cls: type) -> bool:
    """Whether objects of a class are equal only to themselves."""
    return bool(getattr(cls, "__eq__", None) is object.__eq__)


_SAMENESS = (operator.is_, operator.is_not, operator.eq, operator.ne)


def is_member(b: Bound) -> bool:
    """Whether a bound is a member of an enumeration."""
    return isinstance(b, Known) and isinstance(b.obj, enum.Enum)


def is_none(lw: Lowerer, b: Bound) -> bool | None:
    if is_const_none(b) or (isinstance(b, Plain) and kind(b.atom) == NONE):
        return True
    if isinstance(b, Plain) and isinstance(kind(b.atom), (Scalar, Array, Tree)):
        return False
    b = lw.settled(b)
    if isinstance(b, Loc) and not isinstance(lw.state.cells[b.cell], Agg):
        k = kind(lw.read(b))
        return None if is_open(k) else False
    if isinstance(b, (Agg, Loc, Known, Closure, Partial, Method)):
        return False
    if isinstance(b, Either):
        first, second = is_none(lw, b.then), is_none(lw, b.other)
        return first if first == second else None
    return None


def membership(lw: Lowerer, name: str, left: Bound, right: Bound, node: Any) -> Atom:
    from srcdiff.frontend import iterators, known_items, producers

    box = content(lw, right)
    got = objects.special(lw, right, "__contains__", [left], node)
    if got is not None:
        found = lw.read(got, node)
        return found if name == "In" else lw.prim(operator.not_, [found], result=BOOL)
    if isinstance(box, Iter):
        inside = lw.range_contains(box, left, node)
        return inside if name == "In" else lw.prim(operator.not_, [inside], result=BOOL)
    under_way = isinstance(right, Loc) and isinstance(lw.state.cells.get(right.cell), Iter)
    if under_way or known_items.is_cursor(box):  # it is asked for values until one is this
        inside = lw.read(producers.text(lw, iterators.gives, [right, left], {}, node), node)
        return inside if name == "In" else lw.prim(operator.not_, [inside], result=BOOL)
    if isinstance(box, Agg) and any(objects.is_object(content(lw, x)) for x in (left, *box.items)):
        found_at = objects.places_of(lw, box, left, node) if box.type in (list, tuple) else None
        if found_at is not None:
            return Const(bool(found_at) == (name == "In"))
    listed = isinstance(box, Agg) and box.type not in (dict, set, frozenset)
    item = lw.read(left, node) if listed else identity.key_of(lw, right, left, node)
    if isinstance(box, Agg) and box.type in (set, frozenset) and has_objects((*box.keys, constant(item))):
        return Const((constant(item) in box.keys) == (name == "In"))
    if isinstance(box, Agg) and is_constant(item):
        pool = box.keys if box.type is dict else [constant(lw.read(x)) for x in box.items]
        if box.type is dict or all(is_constant(lw.read(x)) for x in box.items):
            return Const((constant(item) in pool) == (name == "In"))
    attrs: dict[str, Any] = {}
    if isinstance(box, Agg) and box.type is dict:
        value = mappings.contains(lw, box, mappings.as_key(lw, item))
    else:
        holder = lw.read(right, node)
        if kind(holder) == OTHER or isinstance(kind(holder), Map):
            item = mappings.as_key(lw, item)
        attrs = lw.asked([holder], "in", node)
        value = lw.prim(operator.contains, [holder, item], result=BOOL, **attrs)
    if isinstance(value, Const):
        return Const(value.value == (name == "In"))
    return value if name == "In" else lw.prim(operator.not_, [value], result=BOOL)


def boolop(lw: Lowerer, node: Any, at: int = 0) -> Bound:
    """``a and b and c``, from one of them on."""
    is_and = type(node.op).__name__ == "And"
    first = lw.expr(node.values[at])
    if at + 1 == len(node.values):
        return first
    follow = partial(boolop, lw, node, at + 1)
    known = truth(lw, first)
    if known is not None:
        return follow() if known == is_and else first
    a = condition(lw, first, node)

    def stay() -> Bound:
        if isinstance(first, Either):
            return first
        return Plain(Const(not is_and)) if kind(a) == BOOL else Plain(a)

    return lw.choose(a, follow, stay, node, "and") if is_and else lw.choose(a, stay, follow, node, "or")


def truth(lw: Lowerer, b: Bound) -> bool | None:
    """Whether a bound counts as true, where that is known."""
    c = content(lw, b)
    if isinstance(c, Agg):
        got = own_truth(lw, b, lw.node)
        return bool(c.items) if got is None else truth(lw, got)
    if isinstance(c, Plain) and is_constant(c.atom):
        return bool(constant(c.atom))
    if isinstance(c, Known) and isinstance(c.obj, enum.Enum):
        return bool(c.obj)
    if isinstance(c, Plain) and kind(c.atom) == NONE:
        return False
    if isinstance(c, (Known, Closure, Partial, Method)):
        return True
    if isinstance(c, Either):
        first, second = truth(lw, c.then), truth(lw, c.other)
        return first if first == second else None
    if isinstance(c, Loc) and isinstance(lw.state.cells.get(c.cell), Iter):
        return True
    return None


def condition(lw: Lowerer, b: Bound, node: Any = None) -> Atom:
    """The value to test of a bound: of two things, that of the one that is meant."""
    if not isinstance(b, Either):
        own = own_truth(lw, b, node)
        return lw.read(b if own is None else own, node)
    known = truth(lw, b.then), truth(lw, b.other)
    if known == (True, False):
        return b.test
    if known == (False, True):
        return lw.prim(operator.not_, [b.test], result=BOOL)

    def arm(x: Bound) -> Bound:
        is_true = truth(lw, x)
        return Plain(Const(is_true) if is_true is not None else condition(lw, x, node))

    return lw.read(lw.choose(b.test, lambda: arm(b.then), lambda: arm(b.other), node, "if"))


def own_truth(lw: Lowerer, b: Bound, node: Any) -> Bound | None:
    """What an object's class says of its truth; None if the bound is no such object."""
    box = content(lw, b)
    if not objects.is_object(box) or issubclass(box.type, tuple):
        return None
    for name in ("__bool__", "__len__"):
        got = objects.special(lw, b, name, [], node)
        if got is not None:
            return got
    return Plain(Const(True))


def ifexp(lw: Lowerer, node: Any) -> Bound:
    test = lw.expr(node.test)
    known = truth(lw, test)
    if known is not None:
        return lw.expr(node.body if known else node.orelse)
    return lw.choose(
        condition(lw, test, node), lambda: lw.expr(node.body), lambda: lw.expr(node.orelse), node, "if"
    )
