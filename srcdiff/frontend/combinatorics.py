"""The functions of ``itertools``, and NumPy's iterators."""

from __future__ import annotations

import itertools
import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.frontend import headers, heaps, iterators, known_items, producers
from srcdiff.frontend.constants import constant, is_constant, left_out
from srcdiff.frontend.expressions import stored
from srcdiff.frontend.iterables import by_text, iterator_of
from srcdiff.frontend.listing import is_iterator, listed, make_tuple, sequence
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Args, Bound, Iter, Known, Kw, Plain
from srcdiff.ir.graph import Const, kind, same
from srcdiff.ir.kinds import Array, Scalar, fresh_sym

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer


# ---- itertools -----------------------------------------------------------------------------------------


def ahead(lw: Lowerer, it: Bound, node: Any) -> Bound:
    """A sequence of what an iterator gives, where that may be known before it is asked for."""
    taken: dict[int, bool] = {}
    tree = known_items.take(lw, it, node, taken)
    if producers.by_generator(tree):
        return producers.listed_ahead(lw, producers.as_generator(lw, tree, node), node)
    return listed(lw, tree, node) if isinstance(tree, Iter) and tree.kind != "range" else tree


def snapshot(lw: Lowerer, it: Bound, node: Any) -> Bound:
    """What ``tuple(it)`` is now, whatever happens to the list later; the rows of an array are parts of it."""
    it = sequence(lw, it, node) if not (isinstance(it, Iter) and it.kind == "range") else it
    box = content(lw, it)
    if isinstance(box, Agg):
        return make_tuple(box.items)
    if isinstance(it, Iter):
        return it
    now = lw.read(it, node)
    k = kind(now)
    return it if isinstance(k, Array) and len(k.dims) > 1 else lw.bind(now)


def option(args: Args, kwargs: Kw, at: int, name: str) -> Bound | None:
    got = args[at] if len(args) > at else kwargs.get(name)
    return None if left_out(got) else got


def _count(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    start = option(args, kwargs, 0, "start") or Plain(Const(0))
    step = option(args, kwargs, 1, "step") or Plain(Const(1))
    a, b = lw.read(start), lw.read(step)
    if all(isinstance(kind(x), Scalar) and kind(x).dtype[0] == "i" for x in (a, b)):  # type: ignore[union-attr]
        return known_items.lazy(lw, "count", a, b)
    return producers.text(lw, iterators.count, [start, step], {}, node)


def _repeat(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    times = option(args, kwargs, 1, "times")
    return known_items.lazy(lw, "repeat", stored(lw, args[0]), lw.read(times) if times is not None else None)


def _cycle(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    return producers.text(lw, iterators.cycle, [snapshot(lw, args[0], node)], {}, node)


def _islice(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    it, *rest = args
    zero, one = Plain(Const(0)), Plain(Const(1))
    start = zero if len(rest) == 1 or left_out(rest[0]) else rest[0]
    stop = rest[0] if len(rest) == 1 else rest[1]
    step = one if len(rest) < 3 or left_out(rest[2]) else rest[2]
    if isinstance(it, Iter) or not is_iterator(lw, it):
        seq = sequence(lw, it, node) if not isinstance(it, Iter) else it
        fixed = known_items.fixed_items(lw, seq, node)
        bounds = [constant(lw.read(b)) for b in (start, stop, step)]
        if fixed is not None and all(b is None or isinstance(b, int) for b in bounds):
            return iterator_of(lw, [make_tuple(fixed[slice(*bounds)])], {}, node)
        size = headers.leaf_length(lw, seq, node)
        assert size is not None
        end = (
            size
            if left_out(stop)
            else lw.prim(min, [lw.read(stop), size], result=Scalar("i8", True, fresh_sym()))
        )
        return producers.text(lw, iterators.indexed_slice, [seq, start, Plain(end), step], {}, node)
    if same(lw.read(start), Const(0)) and same(lw.read(step), Const(1)) and not left_out(stop):
        return producers.text(lw, iterators.islice_to, [it, stop], {}, node)
    return producers.text(lw, iterators.islice, [it, start, stop, step], {}, node)


def _accumulate(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    fn = option(args, kwargs, 1, "func") or Known(operator.add, "operator.add")
    initial = option(args, kwargs, 2, "initial")
    if initial is not None:
        return producers.text(lw, iterators.accumulated_from, [args[0], fn, initial], {}, node)
    return producers.text(lw, iterators.accumulated, [ahead(lw, args[0], node), fn], {}, node)


def _pairwise(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    return producers.text(lw, iterators.pairwise, [ahead(lw, args[0], node)], {}, node)


def _zip_longest(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    if len(args) != 2:
        lw.stop("iterate", "zip_longest of other than two iterables is not supported", node)
    fill = kwargs.get("fillvalue", Plain(Const(None)))
    both = [ahead(lw, a, node) for a in args]
    fixed = [x for x in (known_items.fixed_items(lw, b, node) for b in both) if x is not None]
    if len(fixed) == 2:
        pairs = itertools.zip_longest(*fixed, fillvalue=fill)
        return iterator_of(lw, [make_tuple([make_tuple(p) for p in pairs])], {}, node)
    return producers.text(lw, iterators.zip_longest, [*both, fill], {}, node)


def _groupby(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    key = option(args, kwargs, 1, "key") or Known(iterators.itself, "itself")
    items = ahead(lw, args[0], node)
    if isinstance(items, Iter) and items.kind == "range":
        items = listed(lw, items, node)
    fixed = known_items.fixed_items(lw, items, node)
    if fixed is not None:
        keys = [lw.read(lw.call(key, [b], {}, node)) for b in fixed]
        if all(is_constant(k) for k in keys):
            pairs = itertools.groupby(range(len(keys)), key=lambda n: constant(keys[n]))
            made = [(k, make_tuple([fixed[n] for n in ns])) for k, ns in pairs]
            groups = make_tuple([make_tuple((Plain(Const(k)), g)) for k, g in made])
            return iterator_of(lw, [groups], {}, node)
    return producers.text(lw, iterators.groupby, [items, key], {}, node)


def _tee(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    n = option(args, kwargs, 1, "n")
    times = constant(lw.read(n)) if n is not None else 2
    seq = ahead(lw, args[0], node)
    return make_tuple([iterator_of(lw, [seq], {}, node) for _ in range(times)])


def known_pools(lw: Lowerer, pools: list[Bound], node: Any) -> list[list[Bound]] | None:
    out = []
    for p in pools:
        fixed = known_items.fixed_items(lw, p, node)
        if fixed is None:
            return None
        out.append(fixed)
    return out


def _product(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    times = constant(lw.read(kwargs["repeat"])) if "repeat" in kwargs else 1
    if not isinstance(times, int):
        lw.stop("iterate", "product(repeat=...) needs a number known when the derivative is made", node)
    pools = [snapshot(lw, a, node) for a in args] * times
    known = known_pools(lw, pools, node)
    if known is not None and math.prod(map(len, known)) <= known_items.LONGEST:
        return iterator_of(lw, [make_tuple([make_tuple(t) for t in itertools.product(*known)])], {}, node)
    return producers.text(lw, iterators.product, pools, {}, node)


def _choices(fn: Any, places: Any) -> Any:
    """combinations, permutations: of the items by those of their places."""

    def handler(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
        pool = snapshot(lw, args[0], node)
        given = option(args, kwargs, 1, "r")
        fixed = known_items.fixed_items(lw, pool, node)
        size = headers.leaf_length(lw, pool, node)
        r = constant(lw.read(given)) if given is not None else constant(size) if size is not None else None
        if not isinstance(r, int):
            what = f"{fn.__name__} needs a number of items known when the derivative is made"
            lw.stop("iterate", what, node, help="write the loops out")
        if fixed is not None:
            rows = list(itertools.islice(fn(fixed, r), known_items.LONGEST + 1))
            if len(rows) <= known_items.LONGEST:
                return iterator_of(lw, [make_tuple([make_tuple(t) for t in rows])], {}, node)
        assert size is not None
        last: Bound = make_tuple(()) if places is iterators.orders else Plain(Const(0))
        indices = producers.text(lw, places, [Plain(size), Plain(Const(r)), last], {}, node)
        if isinstance(pool, Iter) and len(pool.parts) == 1:
            return indices
        return producers.text(lw, iterators.chosen, [pool, indices], {}, node)

    return handler


# ---- arrays --------------------------------------------------------------------------------------------


def _ndindex(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    if len(args) == 1:
        fixed = known_items.fixed_items(lw, args[0], node)
        args = fixed if fixed is not None else args
    return producers.text(lw, iterators.product, [Iter("range", (lw.read(a, node),)) for a in args], {}, node)


def indices_of(lw: Lowerer, x: Bound, node: Any) -> Bound:
    value = lw.read(x, node)
    k = kind(value)
    if not isinstance(k, Array):
        lw.stop("iterate", "the number of dimensions of this array is not known", node)
    return _ndindex(lw, [Plain(lw.shape_of(value, n)) for n in range(len(k.dims))], {}, node)


def _ndenumerate(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    x = stored(lw, args[0])
    return producers.text(lw, iterators.ndenumerated, [x, indices_of(lw, x, node)], {}, node)


def _nditer(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    order = kwargs.get("order")
    if len(args) != 1 or order is None or constant(lw.read(order)) != "C" or len(kwargs) > 1:
        lw.stop(
            "iterate", "np.nditer is supported for one array, read in the order of its indices", node,
            note="without order='C' the order depends on how the array lies in memory",
            help="np.nditer(x, order='C'), x.flat or np.ndenumerate(x)",
        )  # fmt: skip
    return entries(lw, args[0], node)


def entries(lw: Lowerer, x: Bound, node: Any) -> Bound:
    """All entries of an array, in the order of their indices."""
    x = stored(lw, x)
    return producers.text(lw, iterators.entries, [x, indices_of(lw, x, node)], {}, node)


FUNCTIONS: dict[Any, Any] = {
    np.ndindex: _ndindex, np.ndenumerate: _ndenumerate, np.nditer: _nditer,
    itertools.count: _count, itertools.repeat: _repeat, itertools.cycle: _cycle, itertools.islice: _islice,
    itertools.chain: by_text(iterators.chain),
    itertools.chain.from_iterable: by_text(iterators.from_iterable),
    itertools.accumulate: _accumulate, itertools.zip_longest: _zip_longest,
    itertools.groupby: _groupby, itertools.tee: _tee, itertools.product: _product,
    itertools.takewhile: by_text(iterators.takewhile), itertools.dropwhile: by_text(iterators.dropwhile),
    itertools.filterfalse: by_text(iterators.filterfalse, iterators.filterfalse_truth),
    itertools.starmap: by_text(iterators.mapped_rows), itertools.compress: by_text(iterators.compress),
    itertools.combinations: _choices(itertools.combinations, iterators.places),
    itertools.combinations_with_replacement: _choices(
        itertools.combinations_with_replacement, iterators.places_again
    ),
    itertools.permutations: _choices(itertools.permutations, iterators.orders),
}  # fmt: skip
FUNCTIONS.update({f: by_text(text) for f, text in heaps.TEXTS.items()})
if hasattr(itertools, "pairwise"):
    FUNCTIONS[itertools.pairwise] = _pairwise
