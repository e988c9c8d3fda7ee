"""Arrays put together, taken apart, turned round; and functions that numba has itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from srcdiff.compiled import lists
from srcdiff.compiled.indexing import is_whole
from srcdiff.compiled.lower import Lowerer
from srcdiff.compiled.nests import Access, Size, Statement, Store, Way, same_size
from srcdiff.compiled.operations import (
    HANDLERS,
    allocated,
    block,
    constant_axes,
    half_tril,
    has_blas,
    line,
    permuted,
    shape,
)
from srcdiff.compiled.texts import bare, cast
from srcdiff.compiled.values import (
    ZERO_OF,
    Elements,
    Growing,
    Lazy,
    Num,
    Rep,
    Rolled,
    Static,
    Text,
    View,
    as_array,
    whole,
    word_for,
)
from srcdiff.ir.graph import Atom, Const, Op, Struct, Val, is_none, kind, same
from srcdiff.ir.kinds import Array, Scalar

STARTS = {"f8": "1.0", "i8": "1", "c16": "complex(1.0, 0.0)"}  # of products
MOST = 64  # numbers that are put into an array one by one


def options(lw: Lowerer, op: Op, names: Any, words: tuple[str, ...]) -> dict[str, Atom]:
    """The arguments by their names; any other is refused."""
    given: dict[str, Atom] = {}
    free = iter(words)
    for n, a in zip(names, op.ins, strict=True):
        word = n or next(free, "")
        if word not in words:
            raise lw.no(f"{word_for(op.fn)} with options")
        given[word] = a
    return given


def number(lw: Lowerer, a: Atom | None, default: int) -> int:
    """An integer that is known now."""
    if a is None:
        return default
    if not isinstance(a, Const) or type(a.value) is not int:
        raise lw.no("an axis or a distance that is not known")
    return a.value


def new(lw: Lowerer, o: Val, sizes: tuple[Size, ...], fill: str = "") -> View:
    """Memory for a value that several statements write to; with ``fill`` zeros."""
    store = Store(lw.fresh(o.name), lw.dtype_of(o.kind), sizes, lw.memory(o), fill=fill)
    lw.stores.setdefault(store, []).append(o)
    allocated(lw, store)
    return whole(store)


def put(lw: Lowerer, to: View, v: Elements) -> None:
    lw.write_to(to, [v], lambda t: cast(t[0], v.dtype, to.dtype), False)


def part(lw: Lowerer, r: View, axis: int, low: Size, size: Size) -> View:
    return lw.stepped(r, axis, low, 1, size)


# --- put together


def array(lw: Lowerer, op: Op, names: Any) -> None:
    given = options(lw, op, names, ("object", "dtype"))
    source = given["object"]
    if not isinstance(source, Struct):
        r = lw.elements(source)
        lw.result(op, [r], lambda t: cast(t[0], r.dtype, lw.dtype_of(op.out.kind)), r.sizes)
        return
    sizes = nested(lw, source)
    to = new(lw, op.out, sizes)
    fill(lw, to, source)
    lw.bind(op.out, to)


def nested(lw: Lowerer, a: Atom) -> tuple[Size, ...]:
    """The shape of lists in lists."""
    if not isinstance(a, Struct):
        return lw.elements(a).sizes
    if a.type not in (list, tuple) or not 0 < len(a.items) <= MOST:
        raise lw.no("a container")
    inner = [nested(lw, p) for p in a.items]
    first = inner[0]
    alike(lw, inner)
    return (Size("", len(a.items), len(a.items)), *first)


def alike(lw: Lowerer, shapes: list[tuple[Size, ...]], but: int = -1) -> None:
    """Shapes that must agree, but for one axis: compared at run time where it is not known."""
    first = shapes[0]
    if any(len(s) != len(first) for s in shapes):
        raise lw.no("arrays of several ranks put together")
    for s in shapes:
        for k, (a, b) in enumerate(zip(s, first, strict=True)):
            if k != but and not same_size(a, b):
                lw.check("agree", a, b)


def fill(lw: Lowerer, to: View, a: Atom) -> None:
    if isinstance(a, Struct):
        for n, p in enumerate(a.items):
            fill(lw, lw.picked(to, 0, str(n)), p)
        return
    put(lw, to, lw.elements(a))


def items(lw: Lowerer, a: Atom) -> list[Elements]:
    if not isinstance(a, Struct) or a.type not in (list, tuple) or not 0 < len(a.items) <= MOST:
        raise lw.no("a container")
    return [lw.elements(p) for p in a.items]


def stack(lw: Lowerer, op: Op, names: Any) -> None:
    given = options(lw, op, names, ("arrays", "axis"))
    if isinstance(given["arrays"], Val) and number(lw, given.get("axis"), 0) == 0:  # of a list
        r = lw.elements(given["arrays"])
        lw.result(op, [r], lambda t: t[0], r.sizes)
        return
    parts = items(lw, given["arrays"])
    axis = number(lw, given.get("axis"), 0) % (len(parts[0].sizes) + 1)
    stacked(lw, op, parts, axis)


def stacked(lw: Lowerer, op: Op, parts: list[Elements], axis: int) -> None:
    first = parts[0].sizes
    alike(lw, [p.sizes for p in parts])
    to = new(lw, op.out, (*first[:axis], Size("", len(parts), len(parts)), *first[axis:]))
    for n, p in enumerate(parts):
        put(lw, lw.picked(to, axis, str(n)), p)
    lw.bind(op.out, to)


def concatenate(lw: Lowerer, op: Op, names: Any) -> None:
    given = options(lw, op, names, ("arrays", "axis"))
    parts = items(lw, given["arrays"])
    joined(lw, op, parts, number(lw, given.get("axis"), 0) % max(len(parts[0].sizes), 1))


def joined(lw: Lowerer, op: Op, parts: list[Elements], axis: int) -> None:
    first = parts[0].sizes
    if not first:
        raise lw.no(f"{word_for(op.fn)} of numbers")
    alike(lw, [p.sizes for p in parts], axis)
    starts = places(lw, [p.sizes[axis] for p in parts])
    dims = op.out.kind.dims if isinstance(op.out.kind, Array) else ()
    total = starts[-1] if isinstance(starts[-1].dim, int) else Size(starts[-1].text, 0, dims[axis])
    to = new(lw, op.out, (*first[:axis], total, *first[axis + 1 :]))
    for p, start in zip(parts, starts, strict=False):
        put(lw, part(lw, to, axis, start, p.sizes[axis]), p)
    lw.bind(op.out, to)


def places(lw: Lowerer, sizes: list[Size]) -> list[Size]:
    """Where pieces of some sizes begin, one after the other, and where the last one ends."""
    out = [Size("", 0, 0)]
    for s in sizes:
        last = out[-1]
        if not s.text and not last.text:
            out.append(Size("", last.offset + s.offset, last.offset + s.offset))
        else:
            out.append(Size(lw.name_of_number(f"{last} + {s}"), 0, None))
    return out


def hstack(lw: Lowerer, op: Op, names: Any) -> None:
    parts = items(lw, op.ins[0])
    if len(op.ins) != 1:
        raise lw.no("np.hstack with options")
    joined(lw, op, parts, 0 if len(parts[0].sizes) == 1 else 1)


def vstack(lw: Lowerer, op: Op, names: Any) -> None:
    parts = items(lw, op.ins[0])
    if len(op.ins) != 1:
        raise lw.no("np.vstack with options")
    if all(len(p.sizes) == 1 for p in parts):
        stacked(lw, op, parts, 0)
    else:
        joined(lw, op, parts, 0)


# --- taken apart


def own(lw: Lowerer, source: Atom, r: View, o: Val) -> Rep:
    """A part of an array as a value: a number is read now, an array that is written to later is copied."""
    if not r.sizes:
        return lw.map(o.name, r.dtype, [r], lambda t: t[0], space=())
    if not isinstance(source, Val) or lw.is_written(source):
        r = lw.materialised(r, o.name)
    lw.stores.setdefault(r.store, []).append(o)  # it is asked for until the container is
    return r


def unarray(lw: Lowerer, op: Op, names: Any) -> None:
    if len(op.ins) != 2:
        raise lw.no("unarray with options")
    source = op.ins[0]
    g = lw.view(source)

    def pieces(r: View, like: Atom) -> Rep:
        if isinstance(like, Struct):
            if like.type not in (list, tuple):
                raise lw.no("a container")
            return Static(tuple(pieces(lw.picked(r, 0, str(n)), p) for n, p in enumerate(like.items)))
        return own(lw, source, r, op.out)

    if isinstance(op.ins[1], Struct):
        lw.bind(op.out, pieces(g, op.ins[1]))
        return
    like = lw.rep(op.ins[1])
    if not isinstance(like, (Growing, View)) or not lists.is_list(op.out.kind):
        raise lw.no("a container")
    lw.bind(op.out, lists.of_rows(lw, g, like, op.out.name))


def unconcatenate(lw: Lowerer, op: Op, names: Any) -> None:
    like = items(lw, op.ins[1])
    axis = number(lw, op.ins[2] if len(op.ins) > 2 else None, 0) % len(like[0].sizes)
    cut(lw, op, axis, [x.sizes[axis] for x in like], [len(x.sizes) for x in like])


def unhstack(lw: Lowerer, op: Op, names: Any) -> None:
    like = items(lw, op.ins[1])
    axis = 0 if len(lw.elements(op.ins[0]).sizes) == 1 else 1
    one = Size("", 1, 1)  # (of a number)
    cut(lw, op, axis, [x.sizes[axis] if x.sizes else one for x in like], [len(x.sizes) for x in like])


def unvstack(lw: Lowerer, op: Op, names: Any) -> None:
    like = items(lw, op.ins[1])
    one = Size("", 1, 1)
    cut(lw, op, 0, [x.sizes[0] if len(x.sizes) > 1 else one for x in like], [len(x.sizes) for x in like])


def cut(lw: Lowerer, op: Op, axis: int, sizes: list[Size], ranks: list[int]) -> None:
    source = op.ins[0]
    g = lw.view(source)
    out = []
    for start, size, rank in zip(places(lw, sizes), sizes, ranks, strict=False):
        piece = part(lw, g, axis, start, size)
        if rank < len(piece.sizes):
            piece = lw.picked(piece, axis, "0")
        out.append(own(lw, source, piece, op.out))
    lw.bind(op.out, Static(tuple(out)))


# --- turned round


def roll(lw: Lowerer, op: Op, names: Any) -> None:
    given = options(lw, op, names, ("a", "shift", "axis"))
    source, by, axis = given["a"], given["shift"], given.get("axis", Const(None))
    r: Elements = lw.elements(source)
    rank = len(r.sizes)
    if is_none(axis):
        if rank != 1:
            raise lw.no("np.roll of all elements of a matrix")
        axis = Const(0)
    axes = constant_axes(lw, axis, rank)
    shifts = list(by.items) if isinstance(by, Struct) else [by] * len(axes)
    if len(shifts) != len(axes):
        raise lw.no("np.roll with one axis and several distances")
    if isinstance(r, (Num, Text)):
        raise lw.no("np.roll of a number")
    for k, s in zip(axes, shifts, strict=True):
        if isinstance(s, Const) and type(s.value) is int:
            text: int | str = s.value
        else:
            size = str(r.sizes[k])
            size = size if size.isdigit() and size != "0" else f"max({size}, 1)"
            text = lw.name_of_number(f"({bare(lw.scalar(s, 'i8'))}) % {size}")
        n = r.sizes[k]
        if isinstance(text, int) and isinstance(n.dim, int):
            text = text % max(n.dim, 1)
        if text != 0:
            r = Rolled(r, k, text, r.sizes)
    sure = isinstance(source, Val) and not lw.is_written(source) and not lw.is_written(op.out)
    if isinstance(r, Rolled) and sure:
        lw.bind(op.out, r)
    else:
        lw.result(op, [r], lambda t: t[0], r.sizes)


def reshape(lw: Lowerer, op: Op, names: Any) -> None:
    if len(op.ins) != 2 or any(n not in ("", "shape", "newshape") for n in names):
        raise lw.no("np.reshape with options")
    k = as_array(op.out.kind)
    if k is None:
        raise lw.no("np.reshape to a number")
    r = lw.view(op.ins[0])
    wanted = op.ins[1]
    parts = list(wanted.items) if isinstance(wanted, Struct) else [wanted]
    left = [n for n, p in enumerate(parts) if same(p, Const(-1))]
    sizes = tuple(
        Size("", d, d) if isinstance(d, int) else Size("", -1) if n in left else shape(lw, p, k)[0]
        for n, (p, d) in enumerate(zip(parts, k.dims, strict=True))
    )
    for n in left:
        if sizes[n].offset == -1:
            others = [s for m, s in enumerate(sizes) if m != n]
            known = [s.dim for s in (*r.sizes, *others)]
            if not all(isinstance(d, int) for d in known):
                raise lw.no("np.reshape to a size that is not known")
            count, rest = (math.prod(s.offset for s in x) for x in (r.sizes, others))
            size = Size("", count // max(rest, 1), count // max(rest, 1))
            sizes = (*sizes[:n], size, *sizes[n + 1 :])
    lw.flush()
    if not (r.whole and r.store.kept is None):
        r = lw.whole_copy(r, op.out.name)
    name = lw.fresh(op.out.name)
    lw.line(f"{name} = {lw.in_one_piece(r.store)}.reshape(({', '.join(map(str, sizes))},))")
    store = Store(name, r.dtype, sizes, r.store.roots | lw.memory(op.out))
    lw.stores.setdefault(store, []).append(op.out)
    lw.bind(op.out, whole(store))


def moveaxis(lw: Lowerer, op: Op, names: Any) -> None:
    given = options(lw, op, names, ("a", "source", "destination"))
    r = lw.view(given["a"])
    rank = len(r.sizes)
    source, to = (constant_axes(lw, given[w], rank) for w in ("source", "destination"))
    order = [k for k in range(rank) if k not in source]
    for d, s in sorted(zip(to, source, strict=True)):
        order.insert(d, s)
    permuted(lw, op, r, order)


def diagonal(lw: Lowerer, r: View, offset: int) -> View:
    """The diagonal of a matrix, as a view of it."""
    if len(r.sizes) != 2:
        raise lw.no("the diagonals of stacks")
    n, m = (s.dim for s in r.sizes)
    if isinstance(n, int) and isinstance(m, int):
        count = max(min(n + min(offset, 0), m - max(offset, 0)), 0)
        size = Size("", count, count)
    elif same_size(*r.sizes) and not offset:
        size = r.sizes[0]
    else:
        raise lw.no("a diagonal whose length is not known")
    r = lw.stepped(r, 0, Size("", max(-offset, 0)), 1, size)
    r = lw.stepped(r, 1, Size("", max(offset, 0)), 1, size)
    return View(r.store, tuple((0 if k == 1 else k, start, step) for k, start, step in r.axes), (size,))


def diag(lw: Lowerer, op: Op, names: Any) -> None:
    words = ("v", "k") if op.fn is np.diag else ("a", "offset", "axis1", "axis2")
    given = options(lw, op, names, words)
    offset = number(lw, given.get(words[1]), 0)
    if number(lw, given.get("axis1"), 0) != 0 or number(lw, given.get("axis2"), 1) != 1:
        raise lw.no("a diagonal along other axes")
    source = given[words[0]]
    r = lw.view(source)
    if len(r.sizes) == 1 and op.fn is np.diag:
        n = r.sizes[0].plus(abs(offset))
        to = new(lw, op.out, (n, n), "0")
        put(lw, diagonal(lw, to, offset), r)
        lw.bind(op.out, to)
        return
    if len(r.sizes) == 2 and not offset and not same_size(*r.sizes):
        n, m = r.sizes
        if not (isinstance(n.dim, int) and isinstance(m.dim, int)):
            least = Size.of(lw.name_of_number(f"min({n}, {m})"))
            r = lw.stepped(lw.stepped(r, 0, Size("", 0), 1, least), 1, Size("", 0), 1, least)
    lw.result(op, [diagonal(lw, r, offset)], lambda t: cast(t[0], r.dtype, lw.dtype_of(op.out.kind)))


def undiagonal(lw: Lowerer, op: Op, names: Any) -> None:
    given = options(lw, op, names, ("g", "a", "offset", "axis1", "axis2"))
    if number(lw, given.get("axis1"), 0) != 0 or number(lw, given.get("axis2"), 1) != 1:
        raise lw.no("a diagonal along other axes")
    to = new(lw, op.out, lw.elements(given["a"]).sizes, "0")
    put(lw, diagonal(lw, to, number(lw, given.get("offset"), 0)), lw.elements(given["g"]))
    lw.bind(op.out, to)


def trace(lw: Lowerer, op: Op, names: Any) -> None:
    if len(op.ins) != 1:
        raise lw.no("np.trace with options")
    r = diagonal(lw, lw.view(op.ins[0]), 0)
    lw.reduced(op.out, r, "sum", [0], False, lw.dtype_of(op.out.kind))


# --- made of nothing, or of one number


def arange(lw: Lowerer, op: Op, names: Any) -> None:
    given = options(lw, op, names, ("start", "stop", "step", "dtype"))
    k = op.out.kind
    if real_range(lw, op, given):
        return
    if "dtype" in given or not isinstance(k, Array) or k.dtype != "i8" or lw.is_written(op.out):
        raise lw.no("np.arange of real numbers, or changed later")
    ends = [given[w] for w in ("start", "stop", "step") if w in given]
    first, last = (Const(0), ends[0]) if len(ends) == 1 else (ends[0], ends[1])
    step = number(lw, given.get("step"), 1)
    begin, end = (lw.name_of_number(lw.scalar(a, "i8")) for a in (first, last))
    begin = "" if begin == "0" else begin
    (d,) = k.dims
    if isinstance(d, int):
        size = Size("", d, d)
    elif not begin and step == 1:
        size = Size(lw.name_of_number(f"max({end}, 0)"), 0, d)
    else:
        size = Size(lw.name_of_number(f"len(range({begin or 0}, {end}, {step}))"), 0, d)

    def element(ix: list[str]) -> str:
        at = ix[0] if step == 1 else f"{step} * ({ix[0]})"
        return f"({begin} + {at})" if begin else f"({at})"

    lw.bind(op.out, Lazy("i8", (size,), element))


def real_range(lw: Lowerer, op: Op, given: dict[str, Atom]) -> bool:
    """``np.arange`` of real numbers, where the number of elements is known; False if it is none."""
    k = op.out.kind
    if not isinstance(k, Array) or k.dtype != "f8" or not isinstance(k.dims[0], int) or "dtype" in given:
        return False
    if lw.is_written(op.out):
        return False
    ends = [given[w] for w in ("start", "stop", "step") if w in given]
    first = lw.name_of_number(lw.scalar(ends[0], "f8")) if len(ends) > 1 else "0.0"
    by = lw.name_of_number(lw.scalar(given["step"], "f8")) if "step" in given else "1.0"
    delta = lw.name_of_number(f"(({first} + {by}) - {first})")
    size = Size("", k.dims[0], k.dims[0])
    lw.bind(op.out, Lazy("f8", (size,), lambda ix: f"({first} + float({ix[0]}) * {delta})"))
    return True


def astype(lw: Lowerer, op: Op, names: Any) -> None:
    dtype = lw.dtype_of(op.out.kind)
    r = lw.elements(op.ins[0])
    if any(n not in ("", "dtype") for n in names) or len(op.ins) != 2:
        raise lw.no("astype with options")
    lw.result(op, [r], lambda t: cast(t[0], r.dtype, dtype), r.sizes)


def cast_like(lw: Lowerer, op: Op, names: Any) -> None:
    r, like = (lw.elements(a) for a in op.ins)
    dtype = lw.dtype_of(op.out.kind)
    if like.dtype[0] == "f" and dtype != like.dtype:
        raise lw.no("a cast to another type")
    lw.result(op, [r], lambda t: cast(t[0], r.dtype, dtype), r.sizes)


def fit(lw: Lowerer, op: Op, names: Any) -> None:
    g, like = (lw.elements(a) for a in op.ins)
    if g.dtype == like.dtype == lw.dtype_of(op.out.kind) and len(g.sizes) == len(like.sizes):
        if all(map(same_size, g.sizes, like.sizes)):
            lw.same_or_copy(op)
            return
    raise lw.no("a sum over axes that are not known")


def reduced_size(lw: Lowerer, op: Op, names: Any) -> None:
    r = lw.elements(op.ins[0])
    axes = range(len(r.sizes))
    if not is_none(op.ins[1]):
        axes = constant_axes(lw, op.ins[1], len(r.sizes))  # type: ignore[assignment]
    text = " * ".join(str(r.sizes[k]) for k in axes) or "1"
    lw.bind(op.out, Text(text if text.isdigit() else f"({text})", "i8"))


def norm(lw: Lowerer, op: Op, names: Any) -> None:
    given = options(lw, op, names, ("x", "ord", "axis", "keepdims"))
    r = lw.elements(given["x"])
    axis, keeps = given.get("axis", Const(None)), given.get("keepdims", Const(False))
    euclid = same(given.get("ord", Const(None)), Const(None))
    if not euclid or r.dtype[0] != "f" or not r.sizes or not isinstance(keeps, Const):
        raise lw.no("np.linalg.norm with options")
    rank = len(r.sizes)
    axes = list(range(rank)) if is_none(axis) else constant_axes(lw, axis, rank)
    squares = lw.map(op.out.name, r.dtype, [r], lambda t: f"({t[0]} * {t[0]})", space=r.sizes, weight=1)
    lw.reduced(op.out, squares, "sum", axes, bool(keeps.value), lw.dtype_of(op.out.kind))
    lw.result(op, [lw.elements(op.out)], lambda t: f"math.sqrt({t[0]})")


def cumsum(lw: Lowerer, op: Op, names: Any) -> None:
    given = options(lw, op, names, ("a", "axis"))
    r = lw.elements(given["a"])
    dtype = lw.dtype_of(op.out.kind)
    axis, rank = given.get("axis", Const(None)), len(r.sizes)
    if (rank != 1 and is_none(axis)) or r.dtype != dtype or dtype not in STARTS:
        raise lw.no(f"{word_for(op.fn)} of all elements of a matrix, or of another type")
    k = 0 if is_none(axis) else constant_axes(lw, axis, rank)[0]
    sign, start = ("+", ZERO_OF[dtype]) if op.fn is np.cumsum else ("*", STARTS[dtype])
    rest = [j for j in range(rank) if j != k]
    total = Store(lw.fresh("total"), dtype, tuple(r.sizes[j] for j in rest), fresh=True)
    out = Store(lw.fresh(op.out.name), dtype, r.sizes, fresh=True)

    def begin(ix: list[str]) -> None:
        total.uses = 0
        lw.put(total, ix, start)

    lw.add(Statement(total.sizes, begin, [], [Access(total, tuple((n, "", 1) for n in range(len(rest))))]))
    at = Access(total, tuple((j, "", 1) for j in rest))
    every: tuple[Way, ...] = tuple((j, "", 1) for j in range(rank))

    def write(ix: list[str]) -> None:
        index = [ix[j] for j in rest]
        lw.put(total, index, f"({lw.read(total, index)} {sign} {lw.element(r, ix)})")
        lw.put(out, ix, lw.read(total, index))

    reads = lw.access(r, list(range(rank)))
    lw.add(Statement(r.sizes, write, [*reads, at], [at, Access(out, every)], in_turn=k))
    lw.bind(op.out, whole(out))


# --- what numba has itself


NATIVE: dict[Any, tuple[int, ...]] = {  # by function the ranks of its operands
    np.linalg.inv: (2,), np.linalg.det: (2,), np.linalg.cholesky: (2,),
    np.argmax: (1,), np.argmin: (1,),
}  # fmt: skip


def native(lw: Lowerer, op: Op, names: Any) -> None:
    """A function of whole arrays, called as it is."""
    ranks = NATIVE.get(op.fn)
    if op.fn is np.linalg.solve:
        ranks = (2, len(lw.elements(op.ins[1]).sizes))
    if ranks is None or len(op.ins) != len(ranks) or any(names):
        raise lw.no(f"{word_for(op.fn)} with options")
    linear = word_for(op.fn) in LINEAR
    if linear and not (has_blas() and lw.outer):
        raise lw.no(f"{word_for(op.fn)} is LAPACK's")
    given = [lw.elements(a) for a in op.ins]
    if any(len(g.sizes) != n or g.dtype != "f8" for g, n in zip(given, ranks, strict=True)):
        raise lw.no(f"{word_for(op.fn)} of stacks, or of other types")
    if linear and not same_size(*given[0].sizes):
        lw.check("agree", *given[0].sizes)
    if not linear:
        lw.check_some(given[0].sizes[0])
    texts = [block(lw, a) if n == 2 else line(lw, a) for a, n in zip(op.ins, ranks, strict=True)]
    lw.flush()
    name = lw.fresh(op.out.name)
    module = "np.linalg." if linear else "np."
    text = f"{module}{op.fn.__name__}({', '.join(texts)})"
    size = given[0].sizes[0].dim
    if linear and isinstance(size, int) and size <= BY_HAND:
        text = by_hand(lw, op.fn, texts, size, ranks[-1]) or text
    lw.line(f"{name} = {text}")
    k = op.out.kind
    if isinstance(k, Scalar) or not getattr(k, "dims", ()):
        lw.bind(op.out, Num(Store(name, lw.dtype_of(k), ())))
        return
    store = Store(name, lw.dtype_of(k), given[-1].sizes, lw.memory(op.out), new=True)
    lw.stores.setdefault(store, []).append(op.out)
    lw.bind(op.out, whole(store))


BY_HAND = 8  # rows of matrices that are solved sooner than LAPACK is called


def by_hand(lw: Lowerer, fn: Any, texts: list[str], n: int, rank: int) -> str:
    """What LAPACK does, for a small matrix; nothing if it is better at it."""
    if fn is np.linalg.det:
        return f"{lw.helper('determinant')}({texts[0]})"
    if fn is np.linalg.inv:
        return f"{lw.helper('solved')}({texts[0]}, np.eye({n}))"
    if fn is np.linalg.cholesky:
        return f"{lw.helper('lower_factor')}({texts[0]})"
    if fn is np.linalg.solve:
        vector = rank == 1
        b = f"{texts[1]}[:, None]" if vector else texts[1]  # (which may lie in steps: no reshape)
        return f"{lw.helper('solved')}({texts[0]}, {b})" + (".ravel()" if vector else "")
    return ""


def cofactors(lw: Lowerer, op: Op, names: Any) -> None:
    """The derivative of a determinant."""
    r = lw.elements(op.ins[0])
    if len(r.sizes) != 2 or r.dtype != "f8" or not (has_blas() and lw.outer):
        raise lw.no("cofactors are LAPACK's")
    if not same_size(*r.sizes):
        lw.check("agree", *r.sizes)
    whole_call(lw, op, "cofactors_of", block(lw, op.ins[0]), r.sizes)


LINEAR = frozenset(f"np.{w}" for w in ("inv", "det", "cholesky", "solve"))


def whole_call(lw: Lowerer, op: Op, helper: str, arguments: str, sizes: tuple[Size, ...]) -> None:
    """A new array that a helper makes of whole arrays."""
    lw.flush()
    name = lw.fresh(op.out.name)
    lw.line(f"{name} = {lw.helper(helper)}({arguments})")
    store = Store(name, lw.dtype_of(op.out.kind), sizes, lw.memory(op.out), new=True)
    lw.stores.setdefault(store, []).append(op.out)
    lw.bind(op.out, whole(store))


def searchsorted(lw: Lowerer, op: Op, names: Any) -> None:
    given = options(lw, op, names, ("a", "v", "side"))
    side = given.get("side", Const("left"))
    if not isinstance(side, Const) or side.value not in ("left", "right"):
        raise lw.no("np.searchsorted with options")
    a = lw.elements(given["a"])
    v = lw.elements(given["v"])
    if len(a.sizes) != 1 or a.dtype != v.dtype:
        raise lw.no("np.searchsorted of two types")
    where = line(lw, given["a"])
    right = side.value == "right"
    if len(v.sizes) == 1:
        whole_call(lw, op, "all_searched", f"{where}, {line(lw, given['v'])}, {right}", v.sizes)
        return
    lw.helper("searched")
    table = Access(lw.view(given["a"]).store, (None,))
    before = len(lw.segment)
    lw.result(op, [v], lambda t: f"searched({where}, {t[0]}, {right})", v.sizes)
    for s in lw.segment[before:]:
        s.reads.append(table)


def last_write(lw: Lowerer, op: Op, names: Any) -> None:
    """Which rows survive where some are written that may be named twice."""
    index, shape = op.ins
    k = kind(index)
    alone = index.type is list if isinstance(index, Struct) else isinstance(k, Array) and k.dtype == "i8"
    if not isinstance(shape, Struct) or not alone:
        raise lw.no("what is written last, at places along several axes")
    if isinstance(index, Struct):
        if not all(map(is_whole, index.items)):
            raise lw.no("an index that is no number, slice or array")
        places = lw.listed(index)
    else:
        places = lw.view(index)
        places = places if places.whole else lw.materialised(places, "places")
    if len(places.sizes) != 1:
        raise lw.no("what is written last, at places along several axes")
    sizes = [Size.of(lw.name_of_number(lw.scalar(n, "i8"))) for n in shape.items]
    lw.flush()
    name = lw.fresh("last")
    lw.line(f"{name} = {lw.helper('last_of_each')}({places.store.name}, {sizes[0]})")
    rows = Store(name, "b1", places.sizes, frozenset((name,)), new=True)
    lw.bind(op.out, Lazy("b1", (*places.sizes, *sizes[1:]), lambda ix: lw.read(rows, ix[:1])))


Handler = Callable[[Lowerer, Op, Any], None]

HANDLERS.update({
    np.array: array, np.stack: stack, np.concatenate: concatenate, np.hstack: hstack, np.vstack: vstack,
    np.roll: roll, np.reshape: reshape, np.moveaxis: moveaxis, np.diag: diag, np.diagonal: diag,
    np.trace: trace, np.arange: arange, np.astype: astype, np.cumsum: cumsum,
    np.cumprod: cumsum, np.searchsorted: searchsorted, np.linalg.norm: norm,
    np.linalg.solve: native, **dict.fromkeys(NATIVE, native),
})  # fmt: skip

HELPERS: dict[str, Handler] = {  # of the library's own, by name
    "unarray": unarray, "unconcatenate": unconcatenate, "unhstack": unhstack, "unvstack": unvstack,
    "undiagonal": undiagonal, "cast_like": cast_like, "fit": fit, "reduced_size": reduced_size,
    "add": lists.summed, "cofactors": cofactors, "last_write": last_write, "half_tril": half_tril,
}  # fmt: skip

Lowerer.helpers = HELPERS
