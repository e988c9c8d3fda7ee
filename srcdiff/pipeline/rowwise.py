"""Whether rows are computed each from the same row of the arguments: the proof on a graph.

Every value is said to be the same for all rows, row by row, a number of rows, a sum over rows, or rows that
stand as columns; what takes several rows together is refused, with the operation that does.
"""

from __future__ import annotations

import operator
from typing import Any

from srcdiff.analysis.liveness import effect
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Graph, LoopView, Op, Region, Slice, Struct, Val, flat, kind, op_of
from srcdiff.ir.indices import parts_of
from srcdiff.ir.kinds import Array, Scalar, Seq, Sym
from srcdiff.ir.regions import made_by, read_by
from srcdiff.rules import batching, rows, vocabulary

__all__ = ["COUNT", "ONE", "ROWWISE", "TOTAL", "Mixed", "loop", "result", "results", "said"]

ONE, ROWWISE, COUNT, TOTAL = "the same for all rows", "row by row", "the number of rows", "a sum over rows"
ACROSS = "rows as columns"
COPIES: frozenset[Any] = rows.COPIES | {ops.copied, ops.accumulate}


class Mixed(Exception):
    """An operation takes several rows together."""


def results(graph: Graph, cut: frozenset[str]) -> Any:
    """What the results of a graph are, if some arguments are cut into rows."""
    known: dict[Val, str] = {}
    for p in graph.region.params:
        known[p] = ROWWISE if p.name in cut else ONE
        if p.name in cut and not isinstance(p.kind, Array):
            raise Mixed(f"{p.name!r} is not an array")
        if isinstance(p.kind, Array) and p.name in cut and not isinstance(p.kind.dims[0], Sym):
            raise Mixed(f"the length of {p.name!r} is a part of the text")
    if graph.info.get("exact"):
        raise Mixed("sizes are a part of the text")
    region(graph.region, known)

    def of(a: Atom) -> Any:
        if isinstance(a, Struct):
            if a.type is not tuple:
                raise Mixed("the results are in a container")
            return tuple(map(of, a.items))
        what = what_is(a, known)
        if what not in (ROWWISE, TOTAL):
            raise Mixed(f"a result is {what}")
        return what

    found = tuple(map(of, graph.region.results))
    return found[0] if len(found) == 1 else found


def region(r: Region, known: dict[Val, str]) -> None:
    for op in r.ops:
        if effect(op):
            raise Mixed(said(op))
        if all(known.get(v, ONE) == ONE for v in read_by(op)):
            known.update((v, ONE) for v in made_by(op))
        elif op.is_loop:
            loop(op, known)
        elif op.code != "prim" or op.attrs.get("guarded"):
            raise Mixed(said(op))
        else:
            known[op.out] = result(op, known)


def loop(op: Op, known: dict[Val, str]) -> None:
    """A loop whose variables are what they are in all trips, and whose trips are those of all rows."""
    view = LoopView(op)
    pairs = zip(view.params, view.inits, strict=True)
    zeros = [v for v, a in pairs if isinstance(a, Const) and type(a.value) is float and a.value == 0.0]
    try:
        trips(op, view, known, [])
    except Mixed:  # (what sums over rows are added to, and starts at zero, is one itself)
        if not zeros:
            raise
        trips(op, view, known, zeros)


def trips(op: Op, view: LoopView, known: dict[Val, str], sums: list[Val]) -> None:
    for v, a in zip((*view.params, *view.elements), (*view.inits, *view.sources), strict=True):
        known[v] = what_is(a, known)
    known.update(dict.fromkeys(sums, TOTAL))
    sources = view.taken
    same = [*view.header]
    if view.has_index:
        known[view.index] = ONE
    else:
        test = op.regions[0]
        known.update((p, known[q]) for p, q in zip(test.params, view.params, strict=True))
        region(test, known)
        same += test.results
    region(view.body, known)
    same += [view.exit_result] if view.exit_result is not None else []
    if any(what_is(a, known) != ONE for a in same):
        raise Mixed(said(op))
    if any(known[e] != ONE and not isinstance(kind(s), Seq) for e, s in sources):
        raise Mixed(said(op))
    for v, y, out in zip(view.params, view.yields, view.finals, strict=True):
        if what_is(y, known) != known[v]:
            raise Mixed(said(op))
        known[out] = known[v]
    known.update((t, what_is(c, known)) for c, t in view.kept)
    known.update((v, ONE) for v in (view.exit_out, view.trips) if v is not None)


def what_is(a: Atom, known: dict[Val, str]) -> str:
    if isinstance(a, Val):
        return known[a]
    found = {known[v] for v in flat((a,)) if isinstance(v, Val)}
    if found <= {ONE}:
        return ONE
    if found <= {ONE, COUNT}:
        return COUNT
    raise Mixed("rows are put in a container")


def result(op: Op, known: dict[Val, str]) -> str:
    """What the result of an operation is that some operand of is not the same for all rows."""
    fn, ins = op.fn, op.ins
    given = [what_is(a, known) for a in ins]
    names = op.names
    if fn is ops.shape_at and isinstance(ins[1], Const):
        return COUNT if given[0] == ROWWISE and ins[1].value == 0 else ONE
    if fn is getattr and isinstance(ins[1], Const) and ins[1].value in ("dtype", "ndim"):
        return ONE
    if fn in rows.ALIKE and len(ins) == 1:
        return given[0] if given[0] != TOTAL else ONE
    if any(names) and fn not in batching.ALONG:
        raise Mixed(said(op))
    if COUNT in given:
        return of_a_shape(op, given)
    if TOTAL in given:
        return of_sums(op, given)
    if fn in batching.ALONG:
        return along_axes(op, given, names)
    if fn is operator.matmul and len(ins) == 2:
        return product(op, given)
    if fn is rows.DOTS and len(ins) == 2 and rank(ins[0]) == rank(ins[1]) == 1:
        return product(op, given)
    if fn is rows.VDOT and given == [ROWWISE, ROWWISE] and rank(ins[0]) == rank(ins[1]):
        return TOTAL
    if fn is rows.OUTER and given == [ROWWISE, ONE] and rank(ins[0]) == rank(ins[1]) == 1:
        return ROWWISE
    if fn in rows.OF_ROWS and len(ins) == 2:
        most = max(rank(a) for a in ins)
        if most > 1 and all(aligned(a, g, most) for a, g in zip(ins, given, strict=True)):
            return ROWWISE
    if fn is batching.SUMS:
        return subscripts(op, given)
    if fn is vocabulary.TRANSPOSES and given == [ROWWISE] and rank(ins[0]) == 2:
        return ACROSS
    if ACROSS in given:
        raise Mixed(said(op))
    if fn in rows.UNBROADCASTS and len(ins) == 2:
        return unbroadcast(op, given)
    if fn is operator.getitem and given[1] == ONE and keeps_rows(ins[1]):
        return ROWWISE
    if fn in ops.WRITES and given[:2] == [ROWWISE, ONE] and keeps_rows(ins[1]):
        places = [i for i in parts_of(ins[1]) if isinstance(i, Const)]
        part = rank(ins[0]) - len(places) if all(type(i.value) is int for i in places) else 0
        if rank(ins[2]) < part + (given[2] == ROWWISE) and (given[2] == ONE or rank(ins[2]) == part):
            return ROWWISE
    if (fn in COPIES or batching.is_elementwise(fn)) and isinstance(op.out.kind, Array):
        if all(aligned(a, g, rank(op.out)) for a, g in zip(ins, given, strict=True)):
            return ROWWISE
    raise Mixed(said(op))


def aligned(a: Atom, what: str, rank_of_result: int) -> bool:
    """Whether an operand goes with the rows of the result, or is the same for all of them."""
    k = kind(a)
    if what == ROWWISE:
        return isinstance(k, Array) and len(k.dims) == rank_of_result
    return not isinstance(k, Array) or len(k.dims) < rank_of_result or k.dims[0] == 1


def of_a_shape(op: Op, given: list[str]) -> str:
    """An array that is made in a shape of as many rows."""
    at = rows.OF_A_SHAPE.get(op.fn)
    shape = op.ins[at] if at is not None and at < len(op.ins) else None
    if shape is None or not isinstance(op.out.kind, Array):
        raise Mixed(said(op))
    sizes = parts_of(shape)
    for k, (a, what) in enumerate(zip(op.ins, given, strict=True)):
        repeated = op.fn is rows.REPEATS and aligned(a, what, len(sizes))
        if k != at and not isinstance(kind(a), Scalar) and not repeated:
            raise Mixed(said(op))
    if not isinstance(sizes[0], Val) or any(isinstance(s, Val) and is_count(s) for s in sizes[1:]):
        raise Mixed(said(op))
    return ROWWISE


def is_count(v: Val) -> bool:
    op = v.op
    return op is None or op.fn is not ops.shape_at or not isinstance(op.ins[1], Const) or op.ins[1].value == 0


def of_sums(op: Op, given: list[str]) -> str:
    """What is linear in sums over rows is one, too."""
    fn = op.fn
    if fn in (operator.add, operator.sub, ops.accumulate) and given == [TOTAL, TOTAL]:
        return TOTAL
    if fn in (operator.neg, float, ops.copied) and given == [TOTAL]:
        return TOTAL
    if fn in ops.WRITES and given[1:] == [ONE, TOTAL]:
        made = op_of(op.ins[0])
        if given[0] == TOTAL or (made is not None and made.fn in rows.ZEROS):
            return TOTAL
    if fn is operator.mul and sorted(given) == sorted([TOTAL, ONE]):
        return TOTAL
    if fn in (operator.truediv, operator.getitem, rows.UNBROADCASTS) and given == [TOTAL, ONE]:
        return TOTAL
    raise Mixed(said(op))


def along_axes(op: Op, given: list[str], names: tuple[str, ...]) -> str:
    """What goes along axes: of each row, or (sums) of all rows."""
    entry = batching.ALONG[op.fn]
    places = entry.text.__code__.co_varnames
    operands = {n or places[k]: k for k, n in enumerate(names)}
    whole = operands.get(entry.operand)
    if whole is None or given[whole] != ROWWISE or given.count(ROWWISE) > 1 or entry.axes != ("axis",):
        raise Mixed(said(op))
    axis: Atom = op.ins[operands["axis"]] if "axis" in operands else Const(entry.default["axis"])
    axes = [a.value if isinstance(a, Const) else "" for a in parts_of(axis)]
    total = op.fn is vocabulary.TOTAL and set(operands) <= {entry.operand, "axis", "keepdims"}
    if axes == [None] and total:
        return TOTAL
    if not all(type(a) is int for a in axes):
        raise Mixed(said(op))
    along = {int(a) % rank(op.ins[whole]) for a in axes}
    if 0 not in along:
        return ROWWISE
    if total:
        return TOTAL
    raise Mixed(said(op))


def product(op: Op, given: list[str]) -> str:
    """Products of matrices: of each row with the same, or sums over rows."""
    a, b = op.ins
    shapes = rank(a), rank(b)
    if given == [ROWWISE, ONE] and shapes[0] >= 2 and shapes[1] in (1, 2):
        return ROWWISE
    if given == [ROWWISE, ROWWISE] and shapes in ((1, 1), (1, 2)):
        return TOTAL
    if given == [ACROSS, ROWWISE] and shapes[1] in (1, 2):
        return TOTAL
    raise Mixed(said(op))


def subscripts(op: Op, given: list[str]) -> str:
    """A sum of products by subscripts: the letter of the rows stands first, or is summed over."""
    text = op.ins[0].value if isinstance(op.ins[0], Const) else None
    if not isinstance(text, str) or text.count("->") != 1 or "." in text:
        raise Mixed(said(op))
    operands, _, out = text.replace(" ", "").partition("->")
    pairs = list(zip(operands.split(","), given[1:], strict=True))
    letters = {names[:1] for names, what in pairs if what == ROWWISE}
    letter = letters.pop() if len(letters) == 1 else ""
    elsewhere = [names[1:] if what == ROWWISE else names for names, what in pairs] + [out[1:]]
    if not letter or any(letter in names for names in elsewhere) or {w for _, w in pairs} - {ROWWISE, ONE}:
        raise Mixed(said(op))
    return ROWWISE if out[:1] == letter else TOTAL


def unbroadcast(op: Op, given: list[str]) -> str:
    g, like = op.ins
    if given == [ONE, ROWWISE] and rank(g) < rank(like):
        return ROWWISE
    if given[0] != ROWWISE:
        raise Mixed(said(op))
    if given[1] == ROWWISE and rank(g) == rank(like):
        return ROWWISE
    k = kind(like)
    if given[1] == ONE and (rank(like) < rank(g) or (isinstance(k, Array) and k.dims[0] == 1)):
        return TOTAL
    raise Mixed(said(op))


def rank(a: Atom) -> int:
    k = kind(a)
    return len(k.dims) if isinstance(k, Array) else 0


def keeps_rows(index: Atom) -> bool:
    """Whether an index leaves the first axis whole."""
    first, *rest = parts_of(index)
    whole = isinstance(first, Slice) and all(
        isinstance(x, Const) and x.value in (None, other)
        for x, other in zip((first.lower, first.upper, first.step), (0, None, 1), strict=True)
    )
    return whole and all(
        isinstance(i, Slice) or (isinstance(i, Const) and not isinstance(i.value, bool)) for i in rest
    )


def said(op: Op) -> str:
    word = getattr(op.fn, "__name__", op.code)
    where = f" (line {op.origin.line}: {op.origin.text})" if op.origin is not None else ""
    return f"{word}{where}"
