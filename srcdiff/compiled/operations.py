"""Operations with a form of their own: indices, writes, shapes, reductions, products."""

from __future__ import annotations

import functools
import importlib.util
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from srcdiff.compiled import lists, tables
from srcdiff.compiled.diagonals import equal
from srcdiff.compiled.lower import Lowerer
from srcdiff.compiled.nests import Access, Fold, Size, Statement, Store, Way, same_size, touch
from srcdiff.compiled.texts import (
    along,
    atleast,
    bare,
    cast,
    wrapped,
)
from srcdiff.compiled.values import (
    ZERO_OF,
    Elements,
    Gather,
    Growing,
    Lazy,
    Num,
    Static,
    Tapes,
    Text,
    View,
    as_array,
    is_looked_up,
    whole,
    word_for,
)
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Op, Struct, Val, is_none, kind, same
from srcdiff.ir.kinds import Array, Kind, Scalar, Seq

__all__ = ["HANDLERS"]

SMALL = 512  # multiplications
NO_CALL = 2**17  # of a product that costs little more than a call of NumPy's: it is no reason to end a kernel
SHORT, LARGE = 64, 16384  # of matrices whose products with vectors are done by BLAS: rows, elements
FEWEST, MIDDLING = 8, (256, 32768)  # of matrices that stay in the cache: rows and columns, elements
REAL = {"b": 0, "i": 0, "f": 1, "c": 2}  # what is written into what


def getitem(lw: Lowerer, op: Op, names: Any) -> None:
    r = lw.rep(op.ins[0])
    if isinstance(r, Static) and isinstance(r.value, tuple) and isinstance(op.ins[1], Const):
        lw.bind(op.out, r.value[op.ins[1].value])
        return
    k = op.out.kind
    if isinstance(r, Growing) and isinstance(kind(op.ins[1]), Scalar):
        lists.item(lw, op, r)
        return
    if isinstance(r, Lazy):
        part = lw.indexed(
            whole(Store("", r.dtype, r.sizes)), op.ins[1], k.dims if isinstance(k, Array) else None
        )
        if isinstance(part, View):
            of = Lazy(r.dtype, part.sizes, elsewhere(r, part))
            if part.sizes:
                lw.bind(op.out, of)
            else:
                lw.result(op, [of], lambda t: cast(t[0], of.dtype, lw.dtype_of(k)))
            return
    if isinstance(kind(op.ins[0]), Seq) and not isinstance(kind(op.ins[1]), Scalar):
        lists.part_of(lw, op)
        return
    view = lw.view(op.ins[0])
    got = lw.indexed(view, op.ins[1], k.dims if isinstance(k, Array) else None)
    if isinstance(got, Gather):  # a copy: what it is taken from may be written to before it is read
        base = op.ins[0]
        sure = isinstance(base, Val) and not lw.is_written(base)
        lw.bind(op.out, got if sure else lw.materialised(got, op.out.name))
        return
    if got.sizes:
        lw.bind(op.out, got)
        return
    lw.result(op, [got], lambda t: cast(t[0], got.dtype, lw.dtype_of(k)))


def elsewhere(r: Lazy, part: View) -> Callable[[list[str]], str]:
    """The elements of a part of something that is computed where it is read."""
    return lambda ix: r.element(
        [along(start, step, "" if k is None else ix[k]) for k, start, step in part.axes]
    )


def setitem(lw: Lowerer, op: Op, names: Any) -> None:
    write_item(lw, op, lambda t: t[0], False)


def additem(lw: Lowerer, op: Op, names: Any) -> None:
    write_item(lw, op, lambda t: f"({t[0]} + {t[1]})", True)


def write_item(lw: Lowerer, op: Op, spell: Callable[[list[str]], str], adds: bool) -> None:
    grows = lw.rep(op.ins[0]) if isinstance(op.ins[0], Val) else None
    part = isinstance(kind(op.ins[0]), Seq) and not isinstance(kind(op.ins[1]), Scalar)
    if part and not (lists.is_list(kind(op.ins[0])) and (adds or lists.keeps_length(op))):
        raise lw.no("a part of a list that is changed")
    if isinstance(grows, Growing) and not part:
        lists.item_put(lw, op, grows, adds)
        return
    alike = part or (as_array(kind(op.ins[0])) is not None and isinstance(kind(op.ins[2]), (Scalar, Array)))
    if not alike:
        raise lw.no("a list or dict that is changed")
    if not op.attrs.get("inplace"):
        raise lw.no("an update that is done on a copy")
    base = lw.view(op.ins[0])
    value = lw.elements(op.ins[2])
    if chosen(lw, op, base, value, spell, adds):
        lw.bind(op.out, base)
        return
    target = lw.indexed(base, op.ins[1], None) if not part else lists.known_part(lw, op)
    v = value
    if isinstance(target, Gather):
        scatter(lw, target, v, spell, adds)
    else:
        to = target.dtype
        if REAL[v.dtype[0]] > REAL[to[0]]:
            raise lw.no("real numbers written to an array of integers, or complex ones to one of these")
        form = lambda t: spell([*t[:-1], cast(t[-1], v.dtype, to)])  # noqa: E731
        lw.write_to(target, [v], form, adds, adds)
    lw.bind(op.out, base)


def chosen(
    lw: Lowerer, op: Op, base: View, value: Elements, spell: Callable[[list[str]], str], adds: bool
) -> bool:
    """Write a number where a mask is true: element by element, with no places."""
    k = kind(op.ins[1])
    if not isinstance(k, Array) or k.dtype != "b1" or value.sizes or len(k.dims) != len(base.sizes):
        return False
    mask = lw.elements(op.ins[1])
    if not all(map(same_size, mask.sizes, base.sizes)) or REAL[value.dtype[0]] > REAL[base.dtype[0]]:
        return False
    lw.helper("where")
    to = base.dtype

    def form(t: list[str]) -> str:
        new = cast(t[2], value.dtype, to)
        return f"where({t[1]}, {spell([t[0], new] if adds else [new])}, {t[0]})"

    lw.write_to(base, [mask, value], form, True)
    return True


def touches(to: View, r: Elements) -> bool:
    """Whether what is read lies in memory that is written to, at whatever place."""
    if isinstance(r, Gather):
        return touches(to, r.view) or any(touches(to, p) for p in r.places.values())
    return isinstance(r, View) and touch(r.store, to.store)


def scatter(lw: Lowerer, to: Gather, v: Elements, spell: Callable[[list[str]], str], adds: bool) -> None:
    """Write to places that an array of integers names, one after the other."""
    if touches(to.view, v):
        v = lw.materialised(v, "t")
    if any(touches(to.view, p) for p in to.places.values()):
        raise lw.no("an index that is written to")
    space = to.sizes
    lead = len(space) - len(v.sizes)
    if lead < 0:
        raise lw.no("a value with more axes than what it is written to")
    for k, size in enumerate(v.sizes):
        if not (same_size(size, space[lead + k]) or size.is_one):
            lw.check("more", size, space[lead + k])
    loops, text = lw.against(v, space)
    own = lw.access(to, list(range(len(space))))

    def write(ix: list[str]) -> None:
        found = [""] * len(to.view.sizes)
        for k, p in to.places.items():
            found[k] = lw.fresh("at")
            place = bare(lw.element(p, to.inner(ix, k)))
            lw.line(f"{found[k]} = {lw.helper('place')}({place}, {to.view.sizes[k]})")
        index = to.taken(found, ix)
        old = [lw.element(to.view, index)] if adds else []
        new = cast(text(ix), v.dtype, to.dtype)
        target = [along(start, step, "" if k is None else index[k]) for k, start, step in to.view.axes]
        lw.put(to.view.store, target, spell([*old, new]))

    in_turn = len(space) - 1 if is_looked_up(to) else -1
    lw.add(Statement(space, write, [*lw.access(v, loops), *own], [own[0]], in_turn=in_turn))


def shape_at(lw: Lowerer, op: Op, names: Any) -> None:
    r = lw.elements(op.ins[0])
    axis = op.ins[1]
    if not isinstance(axis, Const) or not r.sizes:
        raise lw.no("a size along an axis that is not known")
    lw.bounds.length(op.out, r.sizes[axis.value].dim)
    lw.bind(op.out, Text(atleast(r.sizes[axis.value]), "i8"))


def length(lw: Lowerer, op: Op, names: Any) -> None:
    r = lw.rep(op.ins[0])
    if isinstance(r, Tapes):
        lw.bind(op.out, Text(r.count, "i8"))
        return
    if isinstance(r, Growing):
        lists.length_of(lw, op, r)
        return
    r = lw.elements(op.ins[0])
    if not r.sizes:
        raise lw.no("the length of something that is no array")
    lw.bounds.length(op.out, r.sizes[0].dim)
    lw.bind(op.out, Text(atleast(r.sizes[0]), "i8"))


def size(lw: Lowerer, op: Op, names: Any) -> None:
    r = lw.elements(op.ins[0])
    if len(op.ins) != 1:
        raise lw.no("the size along an axis")
    lw.bind(op.out, Text(wrapped(" * ".join(atleast(s) for s in r.sizes) or "1"), "i8"))


def dtype_attribute(lw: Lowerer, op: Op, names: Any) -> None:
    k = kind(op.ins[0])
    if same(op.ins[1], Const("dtype")) and isinstance(k, Array):
        lw.bind(op.out, Static(np.dtype(k.dtype)))
        return
    raise lw.no("an attribute")


def copied(lw: Lowerer, op: Op, names: Any) -> None:
    if isinstance(op.out.kind, Seq) and (
        as_array(op.out.kind) is None or isinstance(lw.rep(op.ins[0]), Growing)
    ):
        lists.copy_of(lw, op)
        return
    if not isinstance(op.out.kind, (Array, Scalar)) and as_array(op.out.kind) is None:
        raise lw.no("a copy of a list")
    r = lw.elements(op.ins[0])
    lw.result(op, [r], lambda t: cast(t[0], r.dtype, lw.dtype_of(op.out.kind)), r.sizes)
    keep(lw, op.out)


def keep(lw: Lowerer, v: Val) -> None:
    """A new array that is changed later: it is not one statement's alone."""
    r = lw.env[v]
    if isinstance(r, View) and lw.is_written(v):
        r.store.fresh = False
        r.store.roots = lw.memory(v)
        allocated(lw, r.store)


def allocated(lw: Lowerer, store: Store) -> None:
    """Make the memory of an array that is changed later, before the statements that wait."""
    store.escapes = True
    lw.allocate(store)


def create(lw: Lowerer, op: Op, names: Any) -> None:
    fn, args = op.fn, dict(zip(names, op.ins, strict=True))
    like = getattr(fn, "__name__", "").endswith("_like")
    if set(args) - {"", "dtype"} or sum(not n for n in names) > 1:
        raise lw.no(f"{word_for(fn)} with options")
    o = op.out
    if like and isinstance(op.ins[0], Struct) and isinstance(o.kind, Seq):
        lists.zeros_of(lw, op, op.ins[0])
        return
    if like and isinstance(op.ins[0], Val) and isinstance(o.kind, Seq):
        r = lw.rep(op.ins[0])
        if isinstance(r, Growing) and tables.CREATE.get(fn, "0") == "0":
            lists.zeros(lw, op, r)
            return
    if as_array(o.kind) is None and not (isinstance(o.kind, Scalar) and like):
        raise lw.no("zeros of an unknown kind")
    sizes = lw.elements(op.ins[0]).sizes if like else shape(lw, op.ins[0], o.kind)
    fill = tables.CREATE.get(fn, "0")
    made(lw, op, sizes, {"0": "0.0", "1": "1.0"}[fill], fill)


def full(lw: Lowerer, op: Op, names: Any) -> None:
    if any(n not in ("", "dtype") for n in names) or len([n for n in names if not n]) != 2:
        raise lw.no("np.full with options")
    r = lw.elements(op.ins[1])
    value = cast(lw.scalar(op.ins[1]), r.dtype, lw.dtype_of(op.out.kind))
    made(lw, op, shape(lw, op.ins[0], op.out.kind), lw.name_of_number(value), "")


def made(lw: Lowerer, op: Op, sizes: tuple[Size, ...], text: str, fill: str) -> None:
    """An array of one number: computed where it is read, unless it is changed."""
    o = op.out
    dtype = lw.dtype_of(o.kind)
    text = cast(text, "f8", dtype) if fill else text
    if dtype == "i8" and fill:
        text = fill
    if not sizes:
        lw.bind(o, Text(text, dtype))
        return
    if isinstance(o.kind, Array) and len(o.kind.dims) == len(sizes):
        sizes = tuple(
            Size(s.text, s.offset, d) if s.dim is None else s for s, d in zip(sizes, o.kind.dims, strict=True)
        )
    if not lw.is_written(o):
        lw.bind(o, Lazy(dtype, sizes, lambda ix: text))
        return
    store = Store(lw.fresh(o.name), dtype, sizes, lw.memory(o), fill=fill)
    lw.stores.setdefault(store, []).append(o)
    lw.bind(o, whole(store))
    allocated(lw, store)
    own = tuple((p, "", 1) for p in range(len(sizes)))
    s = Statement(sizes, lambda ix: lw.put(store, ix, text), [], [Access(store, own)])
    s.fills = store if fill == "0" else None
    lw.add(s)


def shape(lw: Lowerer, a: Atom, k: Kind) -> tuple[Size, ...]:
    """The sizes that a shape names."""
    parts = a.items if isinstance(a, Struct) else (a,)
    dims = k.dims if isinstance(k, Array) else ()
    if isinstance(a, Val) and not isinstance(a.kind, Scalar):
        raise lw.no("a shape that is no tuple of numbers")
    out = []
    for n, p in enumerate(parts):
        d = dims[n] if n < len(dims) else None
        if isinstance(p, Const) and type(p.value) is int:
            out.append(Size("", p.value, p.value))
        else:
            out.append(Size.of(lw.scalar(p), d))
    return tuple(out)


def broadcast_to(lw: Lowerer, op: Op, names: Any) -> None:
    r = lw.elements(op.ins[0])
    sizes = shape(lw, op.ins[1], op.out.kind)
    dtype = lw.dtype_of(op.out.kind)
    if isinstance(r, (Num, Text)):
        text = (
            lw.name_of_number(lw.scalar(op.ins[0], dtype))
            if isinstance(r, Num)
            else cast(r.text, r.dtype, dtype)
        )
        lw.bind(op.out, Lazy(dtype, sizes, lambda ix: text))
        return
    if not isinstance(r, View):
        r = lw.view(op.ins[0])
    lead = len(sizes) - len(r.sizes)
    axes: list[tuple[int | None, str, int]] = []
    for j, start, step in r.axes:
        if j is None:
            axes.append((j, start, step))
        elif r.sizes[j].is_one and not sizes[j + lead].is_one:
            axes.append((None, along(start, step, "0"), 0))
        elif same_size(r.sizes[j], sizes[j + lead]) or r.sizes[j].never_one:
            axes.append((j + lead, start, step))
        else:
            raise lw.no("an array broadcast along axes that may be of size one")
    lw.bind(op.out, View(r.store, tuple(axes), sizes))


def expand_dims(lw: Lowerer, op: Op, names: Any) -> None:
    r = lw.elements(op.ins[0])
    count = len(op.ins[1].items) if isinstance(op.ins[1], Struct) else 1
    axes = constant_axes(lw, op.ins[1], len(r.sizes) + count)
    if isinstance(r, (Num, Text)):
        raise lw.no("np.expand_dims of a number")
    view = lw.view(op.ins[0])
    for k in sorted(axes):
        view = lw.new_axis(view, k)
    lw.bind(op.out, view)


def transpose(lw: Lowerer, op: Op, names: Any) -> None:
    r = lw.view(op.ins[0])
    n = len(r.sizes)
    order = list(range(n))[::-1] if len(op.ins) == 1 else constant_axes(lw, op.ins[1], n)
    permuted(lw, op, r, order)


def flip(lw: Lowerer, op: Op, names: Any) -> None:
    r = lw.view(op.ins[0])
    if len(op.ins) > 2 or set(names) - {"", "axis"}:
        raise lw.no("np.flip with options")
    axes = list(range(len(r.sizes)))
    if len(op.ins) == 2 and not is_none(op.ins[1]):
        axes = constant_axes(lw, op.ins[1], len(r.sizes))
    for k in axes:
        r = lw.stepped(r, k, r.sizes[k].plus(-1), -1, r.sizes[k])
    lw.bind(op.out, r)


def swapaxes(lw: Lowerer, op: Op, names: Any) -> None:
    r = lw.view(op.ins[0])
    i, j = (constant_axes(lw, a, len(r.sizes))[0] for a in op.ins[1:])
    order = list(range(len(r.sizes)))
    order[i], order[j] = order[j], order[i]
    permuted(lw, op, r, order)


def permuted(lw: Lowerer, op: Op, r: View, order: list[int]) -> None:
    lw.bind(op.out, reordered(r, order))


def reordered(r: View, order: list[int]) -> View:
    """A view with its axes in another order."""
    axes = tuple((order.index(k) if k is not None else None, start, step) for k, start, step in r.axes)
    return View(r.store, axes, tuple(r.sizes[k] for k in order))


def constant_axes(lw: Lowerer, a: Atom, rank: int) -> list[int]:
    parts = a.items if isinstance(a, Struct) else (a,)
    out = []
    for p in parts:
        if not isinstance(p, Const) or type(p.value) is not int:
            raise lw.no("an axis that is not known")
        out.append(p.value % rank)
    return out


def reduction(lw: Lowerer, op: Op, names: Any) -> None:
    how = tables.REDUCE[op.fn]
    words = ["a", "axis"] if "" in names else []
    given: dict[str, Atom] = {}
    for n, a in zip(names, op.ins, strict=True):
        word = n or (words.pop(0) if words else "?")
        given[word] = a
    if set(given) - {"a", "axis", "keepdims", "dtype"} or "a" not in given:
        raise lw.no(f"{word_for(op.fn)} with options")
    r = lw.elements(given["a"])
    axis, keeps = given.get("axis", Const(None)), given.get("keepdims", Const(False))
    if not isinstance(keeps, Const) or isinstance(r, (Num, Text)):
        raise lw.no(f"{word_for(op.fn)} of a number")
    rank = len(r.sizes)
    axes = list(range(rank)) if is_none(axis) else constant_axes(lw, axis, rank)
    if isinstance(given["a"], Val):
        lw.seen[given["a"]] += 0
    lw.reduced(op.out, r, how, axes, bool(keeps.value), lw.dtype_of(op.out.kind))


def dot(lw: Lowerer, op: Op, names: Any) -> None:
    if len(op.ins) != 2 or any(names):
        raise lw.no("a product with options")
    a, b = lw.elements(op.ins[0]), lw.elements(op.ins[1])
    if op.attrs.get("inplace"):
        raise lw.no("a product of matrices in place")
    ranks = len(a.sizes), len(b.sizes)
    dtype = lw.dtype_of(op.out.kind)
    if op.fn is np.vdot and dtype == "c16":
        raise lw.no("np.vdot of complex numbers")
    alike = a.dtype == b.dtype == dtype
    a, b = (as_complex(lw, r) if dtype == "c16" else r for r in (a, b))
    if dtype not in ("f8", "f4", "c16") or a.dtype != dtype or b.dtype != dtype:
        raise lw.no(f"a product of {a.dtype} and {b.dtype}")
    if ranks == (1, 1) or (op.fn is np.vdot and ranks[0] == ranks[1]):
        if op.fn is np.vdot and ranks[0] > 1 and not all(map(same_size, a.sizes, b.sizes)):
            raise lw.no("np.vdot of arrays that may be of two shapes")
        summed(
            lw, op, a, b, a.sizes, list(range(ranks[0])), list(range(ranks[0])), list(range(ranks[0])), dtype
        )
    elif ranks == (2, 1) and op.fn in (np.dot, operator.matmul):
        check_equal(lw, a.sizes[1], b.sizes[0])
        if alike and has_blas() and has_short_rows(a):
            multiplied(lw, op, (a.sizes[0],), dtype)
            return
        if alike and is_middling(lw, a):
            times(lw, op, a, op.ins[1], by_columns(a))
            return
        if by_columns(a):
            summed(lw, op, a, b, a.sizes[::-1], [1, 0], [0], [0], dtype)
            return
        summed(lw, op, a, b, a.sizes, [0, 1], [1], [1], dtype)
    elif ranks == (1, 2) and op.fn in (np.dot, operator.matmul):
        check_equal(lw, a.sizes[0], b.sizes[0])
        if alike and has_blas() and has_short_rows(b):
            multiplied(lw, op, (b.sizes[1],), dtype)
            return
        if alike and is_middling(lw, b):
            times(lw, op, b, op.ins[0], not by_columns(b))
            return
        if by_columns(b):
            summed(lw, op, a, b, b.sizes[::-1], [1], [1, 0], [1], dtype)
            return
        summed(lw, op, a, b, b.sizes, [0], [0, 1], [0], dtype)
    elif ranks == (2, 2) and op.fn in (np.dot, operator.matmul) and (
        lw.outer or is_small(space := (a.sizes[0], a.sizes[1], b.sizes[1]), NO_CALL)
    ):
        check_equal(lw, a.sizes[1], b.sizes[0])
        space = (a.sizes[0], a.sizes[1], b.sizes[1])
        if alike and has_blas() and not is_small(space):
            multiplied(lw, op, (space[0], space[2]), dtype)
            return
        summed(lw, op, a, b, space, [0, 1], [1, 2], [1], dtype)
    elif (
        (ranks[0] > 2 and ranks[1] == 2 and op.fn is operator.matmul and alike and has_blas())
        and (lw.outer or is_small((*a.sizes, b.sizes[1]), NO_CALL))
    ):
        check_equal(lw, a.sizes[-1], b.sizes[0])
        rows_multiplied(lw, op, dtype)
    else:
        raise lw.no("a product of matrices is BLAS's")


def by_columns(r: Elements) -> bool:
    """Whether a matrix lies in memory column by column."""
    places = [k for k, _, step in r.axes if k is not None and step] if isinstance(r, View) else []
    return places == [1, 0]


def has_short_rows(r: Elements) -> bool:
    """Whether a large matrix has rows in memory that are too short for loops over them."""
    if not isinstance(r, View) or not all(isinstance(s.dim, int) for s in r.sizes):
        return False
    n, m = (int(str(s)) for s in (r.sizes[::-1] if by_columns(r) else r.sizes))
    return m <= SHORT and n * m >= LARGE


def is_middling(lw: Lowerer, r: Elements) -> bool:
    """Whether products of a matrix with vectors are done some rows at a time: it stays in the cache."""
    if lw.diagonals or not isinstance(r, View) or r.dtype != "f8":
        return False
    if not all(isinstance(s.dim, int) for s in r.sizes):
        return False
    n, m = (int(s.dim) for s in r.sizes)  # type: ignore[arg-type]
    return min(n, m) >= FEWEST and MIDDLING[0] <= n * m <= MIDDLING[1] and len(in_memory(r)) > 0


def times(lw: Lowerer, op: Op, a: Elements, x: Atom, turned: bool) -> None:
    """A product of a matrix in memory, or of that matrix turned, with a vector."""
    assert isinstance(a, View)
    v = lw.view(x)
    v = v if v.whole else lw.materialised(v, "t")
    size = a.sizes[0] if x is op.ins[1] else a.sizes[1]
    store = Store(lw.fresh(op.out.name), "f8", (size,), fresh=True)
    matrix, helper = in_memory(a).removesuffix(".T"), lw.helper("times_turned" if turned else "times")

    def write(ix: list[str]) -> None:
        lw.settle()
        lw.line(f"{helper}({matrix}, {v.store.name}, {store.name})")

    reads = [*lw.access(a, [None, None]), *lw.access(v, [None])]
    s = Statement((), write, reads, [Access(store, (None,))])
    s.takes_whole = True
    lw.add(s)
    lw.bind(op.out, whole(store))


@functools.cache
def has_blas() -> bool:
    """Whether kernels can call BLAS: numba asks SciPy for it."""
    return importlib.util.find_spec("scipy") is not None


def is_small(space: tuple[Size, ...], most: int = SMALL) -> bool:
    """Whether a product is done sooner than BLAS is called (or than ``most`` multiplications are)."""
    sizes = [s.dim for s in space if isinstance(s.dim, int)]
    return len(sizes) == len(space) and math.prod(sizes) <= most


def multiplied(lw: Lowerer, op: Op, sizes: tuple[Size, ...], dtype: str) -> None:
    """A product of matrices by BLAS, inside a loop."""
    a, b = (block(lw, x) if len(lw.elements(x).sizes) == 2 else line(lw, x) for x in op.ins)
    lw.flush()
    store = Store(lw.fresh(op.out.name), dtype, sizes, lw.memory(op.out))
    lw.stores.setdefault(store, []).append(op.out)
    allocated(lw, store)
    lw.line(f"np.dot({a}, {b}, {store.name})")
    lw.bind(op.out, whole(store))


def rows_multiplied(lw: Lowerer, op: Op, dtype: str) -> None:
    """A product of a stack of matrices and one matrix: of all their rows."""
    a = lw.view(op.ins[0])
    b = block(lw, op.ins[1])
    lw.flush()
    if not (a.whole and a.store.kept is None):
        a = lw.whole_copy(a, "t")
    columns = lw.elements(op.ins[1]).sizes[1]
    store = Store(lw.fresh(op.out.name), dtype, (*a.sizes[:-1], columns), lw.memory(op.out))
    lw.stores.setdefault(store, []).append(op.out)
    allocated(lw, store)
    rows = " * ".join(map(str, a.sizes[:-1]))
    left = f"{lw.in_one_piece(a.store)}.reshape(({rows}, {a.sizes[-1]}))"
    lw.line(f"np.dot({left}, {b}, {store.name}.reshape(({rows}, {columns})))")
    lw.bind(op.out, whole(store))


def block(lw: Lowerer, a: Atom) -> str:
    """The text of a matrix that lies in memory in one piece, by rows or by columns."""
    return block_of(lw, lw.elements(a))


def block_of(lw: Lowerer, r: Elements) -> str:
    if isinstance(r, View):
        lw.flush()
        if r.store.kept is None and (text := in_memory(r)):
            return text
    return lw.whole_copy(r, "t").store.name


def in_memory(r: View) -> str:
    """The text of a matrix that is all of an array, or of its last axes at a fixed place; or nothing."""
    first = [start for k, start, _ in r.axes if k is None]
    free = r.axes[len(first) :]
    sizes = r.store.sizes[len(first) :]
    if (
        sorted(k for k, _, _ in free if k is not None) == [0, 1]
        and all(start in ("", "0") and step == 1 for _, start, step in free)
        and all(same_size(r.sizes[a[0] or 0], n) for a, n in zip(free, sizes, strict=True))
    ):
        text = f"{r.store.name}[{', '.join(x or '0' for x in first)}]" if first else r.store.name
        return text if free[0][0] == 0 else f"{text}.T"
    return ""


def check_equal(lw: Lowerer, a: Size, b: Size) -> None:
    if not same_size(a, b):
        lw.check("agree", a, b)


def as_complex(lw: Lowerer, r: Elements) -> Elements:
    """The same numbers as complex ones."""
    if r.dtype == "c16":
        return r
    return lw.map("t", "c16", [r], lambda t: cast(t[0], r.dtype, "c16"), space=r.sizes)


def summed(
    lw: Lowerer,
    op: Op,
    a: Elements,
    b: Elements,
    space: tuple[Size, ...],
    at_a: list[int],
    at_b: list[int],
    over: list[int],
    dtype: str,
) -> None:
    """A sum of products over some loops of a space; each operand moves with the loops that are named."""
    left = [k for k in range(len(space)) if k not in over]
    if len(a.sizes) == len(b.sizes) == 1:
        check_equal(lw, a.sizes[0], b.sizes[0])
    o = op.out
    acc = "f8" if dtype == "f4" and not left else dtype
    sizes = tuple(space[k] for k in left)
    store = Store(lw.fresh(o.name), acc, sizes, fresh=True)
    own: tuple[Way, ...] = tuple((n, "", 1) for n in range(len(left)))

    def begin(ix: list[str]) -> None:
        store.uses = 0
        lw.put(store, ix, ZERO_OF[acc])

    lw.add(Statement(sizes, begin, [], [Access(store, own)]))
    at = Access(store, tuple((k, "", 1) for k in left))
    reads = [*lw.access(a, list(at_a)), *lw.access(b, list(at_b))]

    def write(ix: list[str]) -> None:
        index = [ix[k] for k in left]
        old = lw.read(store, index)
        x = cast(lw.element(a, [ix[k] for k in at_a]), dtype, acc)
        y = cast(lw.element(b, [ix[k] for k in at_b]), dtype, acc)
        inner = max(over) == len(space) - 1
        text = f"{lw.helper('plus')}({old}, {x} * {y})" if inner else f"({old} + {x} * {y})"
        lw.put(store, index, text)

    s = Statement(space, write, [*reads, at], [at])
    s.folds = Fold(store, ZERO_OF[acc], "plus({0}, {1})")
    lw.add(s)
    got: Elements = whole(store) if left else Num(store)
    if acc != dtype:
        got = lw.map(o.name, dtype, [got], lambda t: cast(t[0], acc, dtype), space=(), uses=lw.total[o])
    lw.bind(o, got)


def line(lw: Lowerer, a: Atom) -> str:
    """The text of a vector that lies in memory in one piece."""
    r = lw.view(a)
    lw.flush()
    if isinstance(r, View) and r.whole and r.store.kept is None:
        return r.store.name
    return lw.whole_copy(r, "t").store.name


def outer(lw: Lowerer, op: Op, names: Any) -> None:
    a, b = lw.view(op.ins[0]), lw.view(op.ins[1])
    if len(a.sizes) != 1 or len(b.sizes) != 1 or any(names):
        raise lw.no("np.outer of matrices")
    lw.result(op, [lw.new_axis(a, 1), lw.new_axis(b, 0)], lambda t: f"({t[0]} * {t[1]})")


def eye(lw: Lowerer, op: Op, names: Any) -> None:
    given = dict(zip((n or "NMk"[k : k + 1] for k, n in enumerate(names)), op.ins, strict=True))
    square = same(given.get("M", Const(None)), Const(None)) or lw.scalar(given["M"]) == lw.scalar(given["N"])
    k = given.get("k", Const(0))
    k = k.value if isinstance(k, Const) and type(k.value) is int else None
    if not square or k is None or set(given) - {"N", "M", "k", "dtype"}:
        raise lw.no("np.eye with options")
    dtype = lw.dtype_of(op.out.kind)
    if dtype not in ("f8", "c16"):
        raise lw.no("np.eye of another type")
    dim = op.out.kind.dims[0]  # type: ignore[union-attr]
    text = lw.scalar(op.ins[0])
    n = Size("", dim, dim) if isinstance(dim, int) else Size.of(lw.name_of_number(text), dim)
    if k:
        if lw.is_written(op.out):
            raise lw.no("np.eye beside the diagonal, changed in place")
        by = f"{{}} {'+' if k > 0 else '-'} {abs(k)} == {{}}"
        lw.bind(op.out, Lazy(dtype, (n, n), lambda ix: cast(f"({by.format(*ix)})", "b1", dtype)))
        return
    if lw.is_written(op.out):
        store = Store(lw.fresh(op.out.name), dtype, (n, n), lw.memory(op.out), fill="0")
        lw.stores.setdefault(store, []).append(op.out)
        lw.bind(op.out, whole(store))
        allocated(lw, store)
        one, zero = cast("1.0", "f8", dtype), ZERO_OF[dtype]
        form = f"{lw.helper('where')}({{}} == {{}}, {one}, {zero})"
        places = Access(store, ((0, "", 1), (1, "", 1)))
        lw.add(Statement((n, n), lambda ix: lw.put(store, ix, form.format(*ix)), [], [places]))
        return
    lw.diagonals = dtype == "f8"
    lw.bind(op.out, Lazy(dtype, (n, n), lambda ix: cast(equal(lw, ix[0], ix[1]), "f8", dtype)))


def triangle(lw: Lowerer, op: Op, names: Any) -> None:
    r = lw.elements(op.ins[0])
    k = op.ins[1] if len(op.ins) > 1 else Const(0)
    if len(r.sizes) != 2 or not isinstance(k, Const) or type(k.value) is not int or len(op.ins) > 2:
        raise lw.no(f"{word_for(op.fn)} of stacks")
    sign = "<=" if op.fn is np.tril else ">="
    by = "" if not k.value else f" + {k.value}"
    triangular(lw, op, r, lambda i, j, x, zero: f"where({j} {sign} {i}{by}, {x}, {zero})")


def half_tril(lw: Lowerer, op: Op, names: Any) -> None:
    """The lower triangle, with half of the diagonal: of derivatives of factors."""
    r = lw.elements(op.ins[0])
    if len(r.sizes) != 2 or r.dtype != "f8":
        raise lw.no("triangles of stacks, or of other types")
    form = "where({1} < {0}, {2}, where({1} == {0}, 0.5 * {2}, {3}))"
    triangular(lw, op, r, form.format)


def triangular(lw: Lowerer, op: Op, r: Elements, spell: Callable[[str, str, str, str], str]) -> None:
    """A matrix whose elements are chosen by where they are; ``spell``: of row, column, element, zero."""
    dtype, space = lw.dtype_of(op.out.kind), r.sizes
    store = Store(lw.fresh(op.out.name), dtype, space, fresh=True)
    loops, text = lw.against(r, space)
    lw.helper("where")

    def write(ix: list[str]) -> None:
        lw.put(store, ix, spell(ix[0], ix[1], cast(text(ix), r.dtype, dtype), ZERO_OF[dtype]))

    own: list[Way] = [(0, "", 1), (1, "", 1)]
    lw.add(Statement(space, write, lw.access(r, loops), [Access(store, tuple(own))]))
    lw.bind(op.out, whole(store))
    keep(lw, op.out)


def exit_is(lw: Lowerer, op: Op, names: Any) -> None:
    lw.result(op, [lw.elements(a) for a in op.ins], lambda t: f"({t[0]} == {t[1]})")


HANDLERS: dict[Any, Any] = {
    operator.getitem: getitem, ops.setitem: setitem, ops.additem: additem, ops.shape_at: shape_at,
    len: length,
    np.size: size, getattr: dtype_attribute, ops.copied: copied, np.copy: copied, np.full: full,
    np.broadcast_to: broadcast_to, np.expand_dims: expand_dims, np.transpose: transpose,
    np.swapaxes: swapaxes, np.flip: flip, np.dot: dot, operator.matmul: dot, np.vdot: dot, np.inner: dot,
    ops.append: lists.append, ops.poplast: lists.poplast, ops.rest: lists.rest, list: lists.copy_of,
    operator.concat: lists.joined,
    operator.contains: lists.contains, set: lists.constant_set, frozenset: lists.constant_set,
    np.outer: outer, np.eye: eye, np.tril: triangle, np.triu: triangle, ops.exit_is: exit_is,
    **dict.fromkeys(tables.CREATE, create), **dict.fromkeys(tables.REDUCE, reduction),
}  # fmt: skip

Lowerer.handlers = HANDLERS
