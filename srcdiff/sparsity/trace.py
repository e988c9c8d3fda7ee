"""Structural sparsity by one run of a graph on index sets.

The graph is evaluated at a point; beside each number goes the set of inputs that it depends on. Operations
applied element by element unite the sets of their operands; of linear ones it is found out, by their own
rule, which elements they take from where; everything else makes each output depend on each input (a superset
is safe). The pattern of a Hessian is that of the gradient's graph.

Index domains: A. Griewank and A. Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, section 7.1.
"""

from __future__ import annotations

import inspect
import operator
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from srcdiff.ir import ops
from srcdiff.ir.evaluate import IN_PLACE, UPDATES, Run, defined
from srcdiff.ir.flat import is_real, replaced
from srcdiff.ir.graph import Graph, Op
from srcdiff.rules.registry import Rule, lookup, shape_operands
from srcdiff.sparsity.marks import EMPTY, MOST, Marked, Marks, TooDense, everything, leaves, plain

__all__ = ["Pattern", "find_pattern"]

SMALL = 64  # operands of at most so many entries are tried one by one


@dataclass(frozen=True)
class Pattern:
    """The structure of a Jacobian: a boolean CSR matrix with a row for each output.

    ``fixed`` says that it holds at every point where the shapes are these: no branch, loop or index on the
    way depended on the inputs' values.
    """

    matrix: Any
    fixed: bool


def find_pattern(
    graph: Graph, arguments: Mapping[str, Any], wrt: Sequence[str], has_aux: bool = False
) -> Pattern:
    """What each number of a graph's result depends on, of the arguments ``wrt``.

    Parameters:
        graph: with one parameter for each of ``arguments``; its updates are in place (see ``own``).
        arguments: a value for each parameter.
        wrt: the parameters that are followed, with all real numbers in them, in their order.
        has_aux: the result is a pair of which the first is followed.

    Raises:
        TooDense: the pattern has too many entries to be of use.
    """
    inputs = sum(np.size(x) for w in wrt for x in reals(arguments[w]))
    run = Trace(inputs)
    start = run.started([arguments[w] for w in wrt])
    known = {**arguments, **dict(zip(wrt, start, strict=True))}
    given = [known[p.name] for p in graph.region.params]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        (result,) = run.region(graph.region, given)
    return Pattern(run.rows_of(result[0] if has_aux else result), run.fixed)


def reals(value: Any) -> list[Any]:
    """The real numbers and arrays in a container."""
    found: list[Any] = []
    replaced(value, lambda x: found.append(x) if is_real(x) else None)
    return found


def identity(n: int) -> Any:
    from scipy import sparse

    return sparse.identity(n, dtype=bool, format="csr")


class Trace(Run):
    """One evaluation in which numbers carry index sets."""

    def __init__(self, inputs: int) -> None:
        super().__init__(in_place=True, kinds=False)
        self.inputs = inputs
        self.fixed = True

    def started(self, values: list[Any]) -> list[Any]:
        """The arguments, each of whose numbers depends on itself."""
        whole, at = identity(self.inputs), 0

        def mark(x: Any) -> Any:
            nonlocal at
            if not is_real(x):
                return x
            first, at = at, at + np.size(x)
            return Marked(x, Marks(whole[first:at]) if np.ndim(x) else frozenset((first,)))

        return [replaced(v, mark) for v in values]

    def rows_of(self, result: Any) -> Any:
        """The sets of all numbers of a result, in their order."""
        from scipy import sparse

        rows = []

        def take(x: Any) -> None:
            if isinstance(x, Marked) and is_real(x.value):
                rows.append(x.rows(self.inputs))
            elif is_real(x):
                rows.append(Marks.none(np.size(x), self.inputs).base)

        replaced(result, take)
        return sparse.vstack(rows, format="csr") if rows else Marks.none(0, self.inputs).base

    # ---- control: what is decided by a number that depends on the inputs may be otherwise elsewhere
    def decided(self, a: Any) -> Any:
        if isinstance(a, Marked):
            self.fixed = False
            return a.value
        return a

    def called(self, graph: Graph, args: list[Any]) -> Any:
        inner = Trace(self.inputs)
        results = inner.region(graph.region, args)
        self.fixed &= inner.fixed
        return results[0] if len(results) == 1 else tuple(results)

    def shown(self, value: Any) -> Any:
        return plain(value)

    # ---- operations
    def prim(self, op: Op) -> Any:
        values = self.atoms(op.ins)
        for v in values:
            defined(v, op)
        names = op.names
        pos = [v for v, n in zip(values, names, strict=True) if not n]
        named = {n: v for v, n in zip(values, names, strict=True) if n}
        return self.apply(op.fn, pos, named, bool(op.fn in UPDATES or op.attrs.get("inplace")))

    def apply(self, fn: Any, pos: list[Any], named: dict[str, Any], in_place: bool = False) -> Any:
        handler = HANDLERS.get(fn)
        if handler is not None and not named:
            got = handler(self, *pos, in_place=in_place)
            if got is not NotImplemented:
                return got
        marked = [m for a in (*pos, *named.values()) for m in leaves(a)]
        inputs = [plain(a) for a in pos]
        run = IN_PLACE.get(fn, fn) if in_place else fn
        if in_place and marked and isinstance(inputs[0], np.ndarray):
            inputs[0] = inputs[0].copy()
        value = run(*inputs, **{n: plain(a) for n, a in named.items()})
        if not marked:
            return value
        return self.marked(fn, value, pos, named, marked)

    def marked(self, fn: Any, value: Any, pos: list[Any], named: dict[str, Any], marked: list[Marked]) -> Any:
        entry = lookup(fn)
        if entry is None or entry.constant or not entry.forms:
            if entry is None or not entry.constant:
                return everything(value, self.union(marked), self.inputs)
            return self.told(fn, value)
        if entry.elementwise is not None and not isinstance(value, (tuple, list)):
            return self.united(value, [self.array(a) for a in (*pos, *named.values()) if leaves(a)])
        for rule in (entry.linear, entry.bilinear):
            got = self.linear(fn, rule, value, pos, named) if rule is not None else None
            if got is not None:
                return got
        if entry.differential is not None and len(marked) == 1:
            got = self.tangent(fn, entry.differential, value, pos, named, marked[0])
            if got is not None:
                return got
        return everything(value, self.union(marked), self.inputs)

    def told(self, fn: Any, value: Any) -> Any:
        """A result without a derivative: what is decided by it depends on the inputs' values."""
        if shape_operands(fn) or fn in SHAPES:
            return value
        return everything(value, EMPTY, self.inputs)

    def union(self, marked: list[Marked]) -> frozenset[int]:
        return frozenset().union(*(m.union() for m in marked))

    def array(self, a: Any) -> Marked:
        """A list of numbers, some of them marked, as the array that it is made where one is meant."""
        if isinstance(a, Marked):
            return a
        rows = []

        def take(x: Any) -> None:
            if isinstance(x, Marked):
                rows.append(x.rows(self.inputs))
            else:
                rows.append(Marks.none(np.size(x), self.inputs).base)

        replaced(a, take)
        return Marked(np.array(plain(a)), Marks(self.vstack(rows)))

    def united(self, value: Any, operands: list[Marked]) -> Any:
        """Element by element, with broadcasting."""
        if np.ndim(value) == 0:
            return Marked(value, self.union(operands))
        total: Any = None
        for m in operands:
            rows = self.spread(m, np.shape(value))
            total = rows if total is None else total + rows
        return Marked(value, Marks(total))

    def spread(self, m: Marked, shape: tuple[int, ...]) -> Any:
        """The rows of an operand broadcast to a shape."""
        rows = m.rows(self.inputs)
        if np.shape(m.value) == shape:
            return rows
        places = np.arange(rows.shape[0]).reshape(np.shape(m.value))
        taken = np.broadcast_to(places, shape).ravel()
        if np.diff(rows.indptr)[taken].sum() > MOST:
            raise TooDense
        return rows[taken]

    # ---- linear operations: which elements are taken from where
    def linear(self, fn: Any, rule: Rule, value: Any, pos: list[Any], named: dict[str, Any]) -> Any | None:
        """The rows of a linear operation, one operand at a time; None if its structure is not simple."""
        if not isinstance(value, np.ndarray) and not np.isscalar(value):
            return None
        words = rule.text.__code__.co_varnames[: rule.text.__code__.co_argcount]
        given = dict(zip(words, pos, strict=False)) | named
        if len(pos) > len(words) or any(
            leaves(a) for n, a in given.items() if n not in rule.operands and n not in shape_operands(fn)
        ):
            return None
        total: Any = None
        for name in rule.operands:
            operand = given.get(name)
            found = leaves(operand)
            if not found:
                continue
            rows = self.vstack([m.rows(self.inputs) for m in found])
            taken = self.structure(fn, rule, value, given, name, found, words[: len(pos)])
            if taken is None:
                return None
            part = through(taken, rows)
            total = part if total is None else total + part
        if total is None:  # of the marked operands only the shapes matter
            return value
        total = total.astype(bool)
        return Marked(value, Marks(total) if np.ndim(value) else frozenset(total.indices.tolist()))

    def tangent(
        self, fn: Any, rule: Rule, value: Any, pos: list[Any], named: dict[str, Any], m: Marked
    ) -> Any | None:
        """The rows by the differential, if it takes elements from the same places at any values."""
        words = rule.text.__code__.co_varnames[: rule.text.__code__.co_argcount]
        given = dict(zip(words, pos, strict=False)) | named
        name = next((n for n, a in given.items() if a is m), None)
        extra = set(inspect.signature(rule.text).parameters) - set(words)
        if name is None or len(pos) > len(words) or extra > {f"{name}_dot", "out"}:
            return None
        if not isinstance(value, np.ndarray) or not isinstance(m.value, np.ndarray):
            return None
        shape = m.value.shape
        found: Any = None
        rng = np.random.default_rng(2)
        for x in (m.value, rng.normal(size=shape), -5.0 - rng.random(shape), 5.0 + rng.random(shape)):
            now = {n: plain(a) for n, a in given.items()} | {name: x}
            if "out" in extra:
                now["out"] = fn(*[now[w] for w in words[: len(pos)]], **{n: now[n] for n in named})

            def along(flat: np.ndarray, now: dict[str, Any] = now) -> np.ndarray | None:
                got = rule.text(**now, **{f"{name}_dot": flat.reshape(shape)})
                return np.ravel(got) if np.shape(got) == np.shape(value) else None

            taken = selection(along, m.value.size, value.size)
            if taken is None or (found is not None and (taken != found).nnz):
                return None
            found = taken
        return Marked(value, Marks(through(found, m.rows(self.inputs)).astype(bool)))

    def vstack(self, parts: list[Any]) -> Any:
        from scipy import sparse

        return parts[0] if len(parts) == 1 else sparse.vstack(parts, format="csr")

    def structure(
        self,
        fn: Any,
        rule: Rule,
        value: Any,
        given: dict[str, Any],
        name: str,
        found: list[Marked],
        positional: tuple[str, ...],
    ) -> Any | None:
        """The pattern of a linear map of one operand: a row for each output, a column for each input."""
        sizes = [np.size(m.value) for m in found]

        def forward(flat: np.ndarray) -> np.ndarray | None:
            now = dict(given)
            parts = iter(np.split(flat, np.cumsum(sizes)[:-1]))
            now[name] = put(given[name], parts)
            args = [plain(now.pop(w)) for w in positional]
            got = fn(*args, **{n: plain(a) for n, a in now.items()})
            return np.ravel(got) if np.shape(got) == np.shape(value) else None

        def backward(flat: np.ndarray) -> np.ndarray | None:
            bar = flat.reshape(np.shape(value)) if np.ndim(value) else flat[0]
            got = rule.text(**{n: plain(a) for n, a in given.items()}, out_bar=bar)
            if len(rule.operands) > 1:
                got = got[rule.operands.index(name)]
            flats = [np.ravel(g) for g in numbers_in(got)]
            return np.concatenate(flats) if sum(map(len, flats)) == sum(sizes) else None

        ins, outs = sum(sizes), int(np.size(value))
        if any(np.asarray(m.value).dtype.kind == "c" for m in found) or np.asarray(value).dtype.kind == "c":
            return None
        got = selection(forward, ins, outs)
        if got is not None:
            return got
        got = selection(backward, outs, ins)
        if got is not None:
            return got.T.tocsr()
        if ins <= SMALL:
            return columns(forward, ins, outs)
        if outs <= SMALL:
            got = columns(backward, outs, ins)
            return None if got is None else got.T.tocsr()
        return banded(forward, ins, outs)


def through(taken: Any, rows: Any) -> Any:
    """The rows of what is taken; there must not be too many entries."""
    if np.diff(rows.indptr)[taken.indices].sum() > MOST:
        raise TooDense
    return taken @ rows


def put(template: Any, parts: Iterator[np.ndarray]) -> Any:
    """Other numbers in the places of the marked ones; what is not marked does not change: zero."""
    if isinstance(template, Marked):
        part = next(parts)
        return part.reshape(np.shape(template.value)) if np.ndim(template.value) else float(part[0])
    if isinstance(template, (list, tuple)):
        items = [put(t, parts) for t in template]
        return type(template)(items)
    return np.zeros_like(template, dtype=float) if isinstance(template, np.ndarray) else 0.0


def numbers_in(x: Any) -> list[Any]:
    if isinstance(x, (list, tuple)):
        return [n for y in x for n in numbers_in(y)]
    return [] if x is None else [x]


Map = Callable[[np.ndarray], "np.ndarray | None"]


def tried(fn: Map, x: np.ndarray) -> np.ndarray | None:
    try:
        return fn(x)
    except (TypeError, ValueError, IndexError, AttributeError):  # not for numbers like these: not simple
        return None


def selection(fn: Map, ins: int, outs: int) -> Any | None:
    """The pattern of a linear map each of whose outputs is a multiple of one input; None if it is not.

    Each input is told from the others by a number of its own, taken twice: at random weights alone and times
    the input's number; the quotient is that number if one input is taken, and is not whole otherwise.
    """
    rng = np.random.default_rng(0)
    labels = np.arange(1, ins + 1)
    found: Any = None
    for _ in range(2):
        weights = rng.uniform(0.5, 1.5, ins)
        one, many = tried(fn, weights), tried(fn, weights * labels)
        if one is None or many is None or one.dtype.kind not in "fiu":
            return None
        if not (np.all(np.isfinite(one)) and np.all(np.isfinite(many))):
            return None
        none = (one == 0) & (many == 0)
        with np.errstate(all="ignore"):
            which = np.where(none, 0.0, many / one)
        whole = np.rint(which)
        if not np.all(np.abs(which - whole) <= 1e-9 * np.maximum(whole, 1.0)):
            return None
        if whole.size and (whole.min() < 0 or whole.max() > ins):
            return None
        if found is not None and not np.array_equal(found, whole):
            return None
        found = whole
    place = found.astype(np.int64) - 1
    rows = np.flatnonzero(place >= 0)
    return pairs(rows, place[rows], outs, ins)


def columns(fn: Map, ins: int, outs: int) -> Any | None:
    """The pattern of a small linear map, one input at a time."""
    parts = []
    for k in range(ins):
        x = np.zeros(ins)
        x[k] = 1.0
        got = tried(fn, x)
        if got is None:
            return None
        parts.append(np.flatnonzero(got != 0))
    where = np.repeat(np.arange(ins), [len(p) for p in parts])
    return pairs(np.concatenate(parts), where, outs, ins)


def banded(fn: Map, ins: int, outs: int) -> Any | None:
    """The pattern of a map whose outputs take a few neighbouring inputs; None if they take more.

    Every ``SMALL``-th input is set at once: where each output reacts to one of them at most, their places are
    told by their numbers.  That it is so is checked at random: the map must be the sum of what was found.
    """
    rng = np.random.default_rng(1)
    rows, cols, values = [], [], []
    labels = np.arange(1, ins + 1)
    for k in range(SMALL):
        x = np.zeros(ins)
        x[k::SMALL] = 1.0
        one, many = tried(fn, x), tried(fn, x * labels)
        if one is None or many is None:
            return None
        hit = np.flatnonzero((one != 0) | (many != 0))
        with np.errstate(all="ignore"):
            which = many[hit] / one[hit]
        whole = np.rint(which)
        if not np.all(np.abs(which - whole) <= 1e-9 * np.maximum(whole, 1.0)):
            return None
        place = whole.astype(np.int64) - 1
        if place.size and (place.min() < 0 or place.max() >= ins or np.any(place % SMALL != k)):
            return None
        rows.append(hit)
        cols.append(place)
        values.append(one[hit])
    r, c, v = map(np.concatenate, (rows, cols, values))
    x = rng.uniform(0.5, 1.5, ins)
    expected = tried(fn, x)
    total = np.bincount(r, v * x[c], minlength=outs)
    if expected is None or not np.allclose(total, expected, rtol=1e-9, atol=1e-9):
        return None
    return pairs(r, c, outs, ins)


def pairs(rows: Any, cols: Any, outs: int, ins: int) -> Any:
    from scipy import sparse

    return sparse.csr_matrix((np.ones(len(rows), np.int32), (rows, cols)), shape=(outs, ins))


# ---- the core operations ---------------------------------------------------------------------------------

SHAPES = {ops.shape_at, len, np.shape, np.ndim, np.size}


def _fixed(t: Trace, index: Any) -> Any:
    if leaves(index):
        t.fixed = False
    return plain(index)


def places(x: Any, index: Any) -> Any:
    return np.arange(np.size(x)).reshape(np.shape(x))[index]


def _getitem(t: Trace, x: Any, index: Any, in_place: bool) -> Any:
    index = _fixed(t, index)
    if not isinstance(x, Marked):
        return x[index]
    part = x.value[index]
    assert isinstance(x.marks, Marks)
    at = places(x.value, index)
    if np.ndim(part) == 0:
        return Marked(part, x.marks.row(int(at)))
    return Marked(part, Marks(x.marks.rows()[np.ravel(at)]))


def _written(t: Trace, x: Any, index: Any, value: Any, in_place: bool, add: bool) -> Any:
    index = _fixed(t, index)
    if not isinstance(x, (Marked, np.ndarray)):
        x = x if in_place else x.copy()
        x[index] = t.apply(operator.add, [x[index], value], {}) if add else value
        return x
    if not isinstance(x, Marked):
        x = Marked(x if in_place else x.copy(), Marks.none(x.size, t.inputs))
    elif not in_place:
        x = x.copy()
    assert isinstance(x.marks, Marks)
    at = places(x.value, index)
    if leaves(value):
        value = t.array(value)
    number = plain(value)
    if add:
        np.add.at(x.value, index, number)
    else:
        x.value[index] = number
    if np.ndim(at) == 0:
        new = value.union() if isinstance(value, Marked) else EMPTY
        x.marks.own[int(at)] = new | x.marks.row(int(at)) if add else new
        return x
    rows = x.marks.rows()
    flat = np.ravel(at)
    if isinstance(value, Marked):
        new_rows = t.spread(value, np.shape(at))
    elif add:
        return x
    else:
        new_rows = Marks.none(flat.size, t.inputs).base
    into = pairs(flat, np.arange(flat.size), rows.shape[0], flat.size)
    if not add:
        last = np.full(rows.shape[0], -1)  # the last of those written to one place stays
        last[flat] = np.arange(flat.size)
        put_at = np.flatnonzero(last >= 0)
        into = pairs(put_at, last[put_at], rows.shape[0], flat.size)
        stays = np.flatnonzero(last < 0)
        rows = pairs(stays, stays, rows.shape[0], rows.shape[0]) @ rows
    x.marks = Marks((rows + into @ new_rows).astype(bool))
    return x


def _setitem(t: Trace, x: Any, index: Any, value: Any, in_place: bool) -> Any:
    return _written(t, x, index, value, in_place, add=False)


def _additem(t: Trace, x: Any, index: Any, value: Any, in_place: bool) -> Any:
    return _written(t, x, index, value, in_place, add=True)


def _list(plainly: Callable[..., Any]) -> Callable[..., Any]:
    """Of lists and dicts, whose elements stay as they are."""

    def handler(t: Trace, *args: Any, in_place: bool) -> Any:
        return (IN_PLACE.get(plainly, plainly) if in_place else plainly)(*args)

    return handler


def _accumulate(t: Trace, a: Any, b: Any, in_place: bool) -> Any:
    marked = [m for m in (a, b) if isinstance(m, Marked)]
    if not marked or any(isinstance(x, (list, tuple, dict)) for x in (a, b)):
        return NotImplemented
    value = plain(a) + plain(b)
    return t.united(value, marked)


def _copied(t: Trace, x: Any, in_place: bool) -> Any:
    return ops.copied(x)


def _first(t: Trace, x: Any, again: Any, in_place: bool) -> Any:
    return x


def _elements(kind: type) -> Callable[..., Any]:
    def handler(t: Trace, x: Any = (), in_place: bool = False) -> Any:
        return kind(x)

    return handler


def _length(t: Trace, x: Any, in_place: bool) -> Any:
    return len(x)


def _shape_at(t: Trace, x: Any, axis: int, in_place: bool) -> Any:
    return int(np.shape(plain(x))[axis])


def _stop(t: Trace, x: Any, in_place: bool) -> Any:
    return plain(x)


def _number(t: Trace, x: Any, in_place: bool) -> Any:
    return Marked(float(x.value), x.union()) if isinstance(x, Marked) else float(x)


HANDLERS: dict[Any, Callable[..., Any]] = {
    operator.getitem: _getitem, ops.getfield: _list(ops.getfield), ops.setitem: _setitem,
    ops.additem: _additem, ops.append: _list(ops.append), ops.poplast: _list(ops.poplast),
    ops.rest: _list(ops.rest), ops.without: _list(ops.without), ops.copied: _copied,
    ops.accumulate: _accumulate, ops.stop_gradient: _stop, len: _length, ops.shape_at: _shape_at,
    float: _number, list: _elements(list), tuple: _elements(tuple), ops.linked: _first,
    ops.keys: _list(ops.keys),
}  # fmt: skip
