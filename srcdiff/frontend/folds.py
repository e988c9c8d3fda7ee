"""One value of many: ``sum``, ``min``, ``any``, ``reduce``; and what is sorted."""

from __future__ import annotations

import functools
import math
import operator
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.frontend import headers, iterators, known_items, producers
from srcdiff.frontend.comparisons import truth
from srcdiff.frontend.constants import constant, is_constant, left_out
from srcdiff.frontend.expressions import binary, element, stored
from srcdiff.frontend.generators import load, store
from srcdiff.frontend.listing import (
    is_iterator,
    item_at,
    listed,
    make_list,
    make_tuple,
    sequence,
    spread,
)
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Args, Bound, Iter, Known, Kw, Loc, Plain
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, kind
from srcdiff.ir.indices import display
from srcdiff.ir.kinds import BOOL, INT, Seq, is_active_kind

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer


# ---- sums, extremes, tests -----------------------------------------------------------------------------


def _sum(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    start = kwargs.get("start", args[1] if len(args) > 1 else Plain(Const(0)))
    items = known_items.fixed_items(lw, args[0], node)
    if items is not None:
        total = start
        for item in items:
            zero = total is start and isinstance(total, Plain) and isinstance(total.atom, Const)
            if zero and total.atom.value == 0:  # type: ignore[union-attr]
                total = item
            else:
                total = binary(lw, operator.add, total, item, node)
        return total
    first = gast.Assign([store("total")], load("start"), None)
    add = gast.Assign([store("total")], gast.BinOp(load("total"), gast.Add(), load("item")), None)
    loop = gast.For(store("item"), load("seq"), [add], [], None)
    return lw.read_synthetic(node, [first, loop], {"seq": args[0], "start": start}, "total", "sum")


def sum_of(lw: Lowerer, node: Any) -> Bound:
    """``sum(e for t in it if c)``: the loop it stands for."""
    gen = node.args[0]
    added = gast.BinOp(load("total_"), gast.Add(), gen.elt)
    body: list[Any] = [gast.Assign([store("total_")], added, None)]
    for g in reversed(gen.generators):
        for c in reversed(g.ifs):
            body = [gast.If(c, body, [])]
        body = [gast.For(g.target, g.iter, body, [], None)]
    start = lw.expr(node.args[1]) if len(node.args) > 1 else Plain(Const(0))
    return lw.read_synthetic(node, body, {"total_": start}, "total_", "sum")


def _minmax(fn: Any) -> Any:
    place = iterators.best_place if fn is max else iterators.least_place

    def handler(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
        key = kwargs.get("key")
        key = None if left_out(key) else key
        if len(args) > 1:
            return extreme(lw, fn, list(args), key, node)
        seq, fixed = spread(lw, args[0], node)
        if fixed is not None:
            if not fixed and "default" in kwargs:
                return kwargs["default"]
            if not fixed:
                lw.stop(
                    "arguments",
                    f"{fn.__name__}() of nothing",
                    node,
                    help=f"give it a default: {fn.__name__}(xs, default=...)",
                )
            return extreme(lw, fn, fixed, key, node)

        def best() -> Bound:
            if key is None:
                return reduce_sequence(lw, fn, seq, node)
            keys = listed(lw, Iter("map", (key, seq)), node)
            at = producers.text(lw, place, [keys], {}, node)
            return lw.freeze(item_at(lw, seq, lw.read(at), node))

        if "default" not in kwargs:
            return best()
        size = headers.leaf_length(lw, seq, node)
        assert size is not None
        some = lw.prim(operator.gt, [size, Const(0)], result=BOOL)
        return lw.choose(some, best, lambda: kwargs["default"], node, "if")

    return handler


def extreme(lw: Lowerer, fn: Any, items: list[Bound], key: Bound | None, node: Any) -> Bound:
    """The first of the largest (or smallest) of some items."""
    if key is None and all(isinstance(content(lw, b), (Plain, Loc)) for b in items):
        atoms = [lw.read(b, node) for b in items]
        if not any(is_active_kind(kind(a)) for a in atoms):
            return Plain(lw.prim(fn, atoms)) if len(atoms) > 1 else items[0]
        best = items[0]
        for other in items[1:]:
            best = pick(lw, fn, best, other, node)
        return best
    values = [lw.call(key, [b], {}, node) for b in items] if key is not None else items
    best, value = items[0], values[0]
    for b, v in zip(items[1:], values[1:], strict=True):
        test = lw.prim(operator.gt if fn is max else operator.lt, [lw.read(v), lw.read(value)], result=BOOL)
        if isinstance(test, Const):
            best, value = (b, v) if test.value else (best, value)
            continue
        new, old = make_tuple((b, v)), make_tuple((best, value))
        both = content(lw, lw.choose(test, lambda x=new: x, lambda x=old: x, node, "if"))  # type: ignore[misc]
        best, value = both.items
    return best


def pick(lw: Lowerer, fn: Any, best: Bound, other: Bound, node: Any) -> Bound:
    """Python's ``max(a, b)``: ``b if b > a else a``."""
    a, b = lw.read(best, node), lw.read(other, node)
    if not is_active_kind(kind(a)) and not is_active_kind(kind(b)):
        return Plain(lw.prim(fn, [a, b]))
    test = lw.prim(operator.gt if fn is max else operator.lt, [b, a], result=BOOL)
    if isinstance(test, Const):
        return other if test.value else best
    return lw.choose(test, lambda: other, lambda: best, node, "if")


def reduce_sequence(lw: Lowerer, fn: Any, seq: Bound, node: Any) -> Bound:
    """min or max over a sequence, as the loop that Python runs."""
    test = gast.Compare(load("x"), [gast.Gt() if fn is max else gast.Lt()], [load("best")])
    body = [gast.If(test, [gast.Assign([store("best")], load("x"), None)], [])]
    first = gast.Assign(
        [store("best")], gast.Subscript(load("seq"), gast.Constant(0, None), gast.Load()), None
    )
    rest = gast.Subscript(load("seq"), gast.Slice(gast.Constant(1, None), None, None), gast.Load())
    loop = gast.For(store("x"), rest, body, [], None)
    return lw.read_synthetic(node, [first, loop], {"seq": seq}, "best", "reduce")


def _tests(is_and: bool) -> Any:
    fn = iterators.all_of if is_and else iterators.any_of

    def handler(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
        items = known_items.fixed_items(lw, args[0], node)
        if items is None:
            return producers.text(lw, fn, args, {}, node)

        def rest(k: int) -> Bound:
            if k == len(items):
                return Plain(Const(is_and))
            known = truth(lw, items[k])
            if known is not None:
                return rest(k + 1) if known == is_and else Plain(Const(not is_and))
            a = lw.read(items[k], node)
            a = a if kind(a) == BOOL else lw.prim(bool, [a], result=BOOL)
            if k == len(items) - 1:
                return Plain(a)
            stop = lambda: Plain(Const(not is_and))  # noqa: E731
            go = lambda: rest(k + 1)  # noqa: E731
            return lw.choose(a, go, stop, node, "and") if is_and else lw.choose(a, stop, go, node, "or")

        return rest(0)

    return handler


def _reduce(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    fn, it, *initial = args
    initial += [kwargs["initial"]] if "initial" in kwargs else []
    items = known_items.fixed_items(lw, it, node)
    if items is not None:
        items = [*initial, *items]
        if not items:
            lw.stop("arguments", "reduce() of nothing needs an initial value", node)
        total = items[0]
        for item in items[1:]:
            total = stored(lw, lw.call(fn, [total, item], {}, node))
        return total
    if not initial:
        it = sequence(lw, it, node)
    step = gast.Assign([store("acc_")], gast.Call(load("f_"), [load("acc_"), load("item")], []), None)
    seq: Any = load("seq")
    given = {"f_": fn, "seq": it}
    stmts: list[Any] = []
    if initial:
        given["acc_"] = initial[0]
    else:
        stmts.append(
            gast.Assign([store("acc_")], gast.Subscript(seq, gast.Constant(0, None), gast.Load()), None)
        )
        seq = gast.Subscript(load("seq"), gast.Slice(gast.Constant(1, None), None, None), gast.Load())
    stmts.append(gast.For(store("item"), seq, [step], [], None))
    return lw.read_synthetic(node, stmts, given, "acc_", "reduce" if initial else "reduce_first")


# ---- sorting -------------------------------------------------------------------------------------------


def _sorted(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    return sort(lw, sequence(lw, args[0], node), kwargs, node)


def sort(lw: Lowerer, seq: Bound, kwargs: Kw, node: Any) -> Bound:
    """A new list, sorted: its items by a permutation that is known only at run time."""
    key = kwargs.get("key")
    backwards = kwargs.get("reverse")
    flag = lw.read(backwards) if backwards is not None else Const(False)
    fixed = known_items.fixed_items(lw, seq, node)
    if fixed is not None:
        values = fixed if left_out(key) else [lw.call(key, [b], {}, node) for b in fixed]  # type: ignore[arg-type]
        keys = deciding(lw, values)
        if keys is not None and is_constant(flag):
            order = sorted(range(len(keys)), key=keys.__getitem__, reverse=bool(constant(flag)))
            return make_list([fixed[k] for k in order], lw)
        atoms = [lw.read(v, node) for v in values]
        whole: Atom = display(atoms, list)
        order_ = lw.prim(ops.order, [whole, flag], result=Seq(INT))
        box = make_tuple(fixed)
        at = [lw.prim(operator.getitem, [order_, Const(k)], result=INT) for k in range(len(fixed))]
        return make_list([element(lw, box, k, node) for k in at], lw)
    if isinstance(seq, Iter):
        seq = listed(lw, seq, node)
    keys_ = seq if left_out(key) else listed(lw, Iter("map", (key, seq)), node)
    order_ = lw.prim(ops.order, [lw.read(keys_), flag], result=Seq(INT))
    return listed(lw, producers.text(lw, iterators.picked, [seq, lw.bind(order_)], {}, node), node)


def deciding(lw: Lowerer, values: list[Bound]) -> list[Any] | None:
    """Constants by which values are sorted: they themselves, or the first items of tuples, all different."""
    boxes = [content(lw, v) for v in values]
    if all(isinstance(b, Plain) and is_constant(b.atom) for b in boxes):
        return [constant(b.atom) for b in boxes]
    firsts = [content(lw, b.items[0]) for b in boxes if isinstance(b, Agg) and b.type is tuple and b.items]
    if len(firsts) < len(boxes) or not all(isinstance(b, Plain) and type(b.atom) is Const for b in firsts):
        return None
    keys = [constant(b.atom) for b in firsts]
    return keys if len(set(keys)) == len(keys) else None


def _whole(fn: Any) -> Any:
    """A function that takes all items at once: it is given a list."""

    def handler(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
        if not args or not (isinstance(args[0], Iter) or is_iterator(lw, args[0])):
            return None
        return lw.call(Known(fn, fn.__name__), [listed(lw, args[0], node), *args[1:]], kwargs, node)

    return handler


FUNCTIONS: dict[Any, Any] = {
    sum: _sum, min: _minmax(min), max: _minmax(max), any: _tests(False), all: _tests(True), sorted: _sorted,
    functools.reduce: _reduce, math.fsum: _whole(math.fsum), math.prod: _whole(math.prod),
}  # fmt: skip
