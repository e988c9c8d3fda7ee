"""Lists that grow and shrink: a buffer that doubles, and how many elements are in it.

Of numbers, or of arrays of one shape that is known.  The graph's lists are values; what is done with them
here is done in place, as the pass that looks after memory has found that it may be.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

from srcdiff.compiled.nests import Size, Store, same_size
from srcdiff.compiled.texts import atleast, bare
from srcdiff.compiled.values import (
    DTYPES,
    NUMPY_DTYPE,
    ZERO_OF,
    Growing,
    Num,
    Static,
    Text,
    View,
    from_runtime,
    whole,
)
from srcdiff.ir.graph import Atom, Const, Op, Slice, Struct, Val, kind, op_of, same
from srcdiff.ir.kinds import Array, Kind, Scalar, Seq

if TYPE_CHECKING:
    from collections.abc import Callable

    from srcdiff.compiled.elements import Statements
    from srcdiff.compiled.indexing import Indexing
    from srcdiff.compiled.values import Elements

__all__ = [
    "append", "as_view", "constant_set", "contains", "copy_of", "is_list", "item", "item_put", "joined",
    "keeps_length", "known_part", "length_of", "of_rows", "part_of", "poplast", "repeated", "rest", "started",
    "summed", "zeros", "zeros_of",
]  # fmt: skip

MOST = 64  # numbers that one is compared with, one by one
ROOM = 16  # elements that a list has room for at first


def is_list(k: Kind) -> bool:
    """Whether a kind is a list that can be had in a kernel."""
    if type(k) is not Seq:
        return False
    e = k.elem
    if isinstance(e, Array) and e.dims:
        return e.dtype == "f8" and all(isinstance(d, int) for d in e.dims)
    return isinstance(e, Scalar) and e.dtype in DTYPES


def shape_of(k: Kind) -> tuple[str, tuple[Size, ...]]:
    assert isinstance(k, Seq)
    e = k.elem
    if isinstance(e, Array):
        return e.dtype, tuple(Size("", d, d) for d in e.dims if isinstance(d, int))
    assert isinstance(e, Scalar)
    return e.dtype, ()


def count(r: Growing) -> int:
    """How many numbers an element has."""
    return math.prod(s.offset for s in r.shape)


def started(lw: Statements, a: Atom, k: Kind, hint: str) -> Growing:
    """A list of its own, with the elements that it starts with."""
    if not is_list(k):
        raise lw.no("a list of something that is no number, and no array of a known shape")
    dtype, shape = shape_of(k)
    lw.flush()
    if isinstance(a, Struct) and a.type in (list, tuple):
        r = Growing(lw.fresh(hint), lw.fresh(f"{hint}_n"), dtype, shape)
        room = max(ROOM, len(a.items)) * count(r)
        lw.line(f"{r.name} = np.empty({room}, {NUMPY_DTYPE[dtype]})")
        for n, p in enumerate(a.items):
            put(lw, r, str(n), p)
        lw.line(f"{r.count} = {len(a.items)}")
        return r
    got = lw.elements(a)
    if not isinstance(got, View) or len(got.sizes) != 1 + len(shape) or got.dtype != dtype:
        raise lw.no("a list that is made elsewhere")
    if not all(map(same_size, got.sizes[1:], shape)):
        raise lw.no("a list of arrays of several shapes")
    copy = lw.whole_copy(got, hint).store.name
    if shape:
        r = Growing(lw.fresh(hint), lw.fresh(f"{hint}_n"), dtype, shape)
        lw.line(f"{r.name} = {copy}.reshape(-1)")
        lw.line(f"{r.count} = {copy}.shape[0]")
        return r
    r = Growing(copy, lw.fresh(f"{hint}_n"), dtype, ())
    lw.line(f"{r.count} = {copy}.shape[0]")
    return r


def of_rows(lw: Statements, g: View, like: Growing | View, hint: str) -> Growing:
    """A list of the rows of an array, as long as another list."""
    shape, own = g.sizes[1:], like.shape if isinstance(like, Growing) else like.sizes[1:]
    if g.dtype != like.dtype or len(shape) != len(own) or not all(map(same_size, shape, own)):
        raise lw.no("a list of arrays of several shapes")
    copy = lw.whole_copy(g, hint).store.name
    r = Growing(lw.fresh(hint), lw.fresh(f"{hint}_n"), like.dtype, own)
    lw.line(f"{r.name} = {copy}.reshape(-1)")
    lw.line(f"{r.count} = {copy}.shape[0]")
    return r


def copy_of(lw: Statements, op: Op, names: Any = ()) -> None:
    """A list of its own with what another holds."""
    a = op.ins[0]
    if len(op.ins) != 1 or not is_list(op.out.kind):
        raise lw.no("a copy of a list")
    r = lw.rep(a) if isinstance(a, Val) else None
    if isinstance(r, Growing):
        lw.bind(op.out, copied(lw, op.out, r))
    else:
        lw.bind(op.out, started(lw, a, op.out.kind, op.out.name))


def copied(lw: Statements, o: Val, r: Growing) -> Growing:
    lw.flush()
    to = Growing(lw.fresh(o.name), lw.fresh(f"{o.name}_n"), r.dtype, r.shape)
    lw.line(f"{to.name} = {r.name}.copy()")
    lw.line(f"{to.count} = {r.count}")
    return to


def summed(lw: Statements, op: Op, names: Any) -> None:
    """Two lists, added element by element."""
    if not is_list(op.out.kind):
        raise lw.no("a sum of containers")
    dtype, shape = shape_of(op.out.kind)
    a, b = (lw.view(x) for x in op.ins)
    if any(len(x.sizes) != 1 + len(shape) or x.dtype != dtype for x in (a, b)):
        raise lw.no("a sum of containers")
    for x, y in zip(a.sizes, b.sizes, strict=True):
        if not same_size(x, y):
            lw.check("agree", x, y)
    made(lw, op.out, [a, b], lambda t: f"({t[0]} + {t[1]})")


def made(lw: Statements, o: Val, operands: list[View], spell: Callable[[list[str]], str]) -> None:
    """A list that is computed from arrays of one length, element by element."""
    lw.flush()
    dtype, shape = shape_of(o.kind)
    to = Growing(lw.fresh(o.name), lw.fresh(f"{o.name}_n"), dtype, shape)
    n = count(to)
    lw.line(f"{to.count} = {atleast(operands[0].sizes[0])}")
    lw.line(f"{to.name} = np.empty({to.count if n == 1 else f'{to.count} * {n}'}, {NUMPY_DTYPE[dtype]})")
    long = Size(to.count, 0, None)
    alike: list[Elements] = [View(x.store, x.axes, (long, *x.sizes[1:])) for x in operands]
    lw.write_to(rows_of(lw, to, to.name, long), alike, spell, False)
    lw.flush()
    settle(lw, o, to)


def settle(lw: Statements, o: Val, to: Growing) -> None:
    """A list that is made: one that nobody changes is an array."""
    if lw.is_written(o) or to.shape:
        lw.bind(o, to)
    else:
        lw.bind(o, whole(Store(to.name, to.dtype, (Size(to.count, 0, None),), lw.memory(o))))


def repeated(lw: Statements, op: Op) -> None:
    """``[a, b] * n``."""
    if not is_list(op.out.kind):
        raise lw.no("a list of something that is no number, and no array of a known shape")
    dtype, shape = shape_of(op.out.kind)
    k = 0 if isinstance(kind(op.ins[1]), Scalar) else 1
    one, times = op.ins[k], op.ins[1 - k]
    of = started(lw, one, op.out.kind, op.out.name) if isinstance(one, Struct) else lw.rep(one)
    source = as_view(lw, of, "one") if isinstance(of, Growing) else lw.view(one)
    if source.dtype != dtype or not all_alike(source.sizes[1:], shape):
        raise lw.no("a sum of lists that are not alike")
    n = lw.scalar(times, "i8")
    lw.flush()
    to = Growing(lw.fresh(op.out.name), lw.fresh(f"{op.out.name}_n"), dtype, shape)
    long, trip = source.sizes[0], lw.fresh("k")
    lw.line(f"{to.count} = max({bare(n)}, 0) * {long}")
    room = to.count if count(to) == 1 else f"{to.count} * {count(to)}"
    lw.line(f"{to.name} = np.empty({room}, {NUMPY_DTYPE[dtype]})")
    lw.line(f"for {trip} in range(max({bare(n)}, 0)):")
    lw.depth += 1
    each = f"{long} * {count(to)}" if count(to) != 1 else str(long)
    part = lw.fresh("part")
    lw.line(f"{part} = {to.name}[{trip} * {each} : ({trip} + 1) * {each}]")
    lw.write_to(rows_of(lw, to, part, long), [source], lambda t: t[0], False)
    lw.flush()
    lw.depth -= 1
    settle(lw, op.out, to)


def rows_of(lw: Statements, r: Growing, name: str, long: Size) -> View:
    """The memory of a list, or a part of it, as an array."""
    if r.shape:
        rows = lw.fresh(f"{name}_rows")
        lw.line(f"{rows} = {name}.reshape(({', '.join([str(long), *map(str, r.shape)])}))")
        name = rows
    return whole(Store(name, r.dtype, (long, *r.shape), frozenset((name,))))


def part_of(lw: Indexing, op: Op) -> None:
    """``list[1:]``, ``list[::-1]``: copies."""
    part = op.ins[1]
    if not isinstance(part, Slice) or not is_list(op.out.kind):
        raise lw.no("a part of a list")
    r = lw.view(op.ins[0])
    if len(r.sizes) != 1 + len(shape_of(op.out.kind)[1]) or r.dtype != shape_of(op.out.kind)[0]:
        raise lw.no("a part of a list")
    made(lw, op.out, [lw.sliced(r, 0, part)], lambda t: t[0])


def joined(lw: Statements, op: Op, names: Any = ()) -> None:
    """``[a] + rows + [b]``: a list of its own, which its parts are put into one after the other."""
    if not is_list(op.out.kind):
        raise lw.no("a list of something that is no number, and no array of a known shape")
    dtype, shape = shape_of(op.out.kind)
    parts: list[Struct | View] = []
    counts: list[str] = []
    for a in op.ins:
        if isinstance(a, Struct):
            parts.append(a)
            counts.append(str(len(a.items)))
            continue
        v = lw.elements(a)
        if not isinstance(v, View) or v.dtype != dtype or not all_alike(v.sizes[1:], shape):
            raise lw.no("a sum of lists that are not alike")
        parts.append(v)
        counts.append(atleast(v.sizes[0]))
    lw.flush()
    to = Growing(lw.fresh(op.out.name), lw.fresh(f"{op.out.name}_n"), dtype, shape)
    n, end = count(to), lw.fresh(f"{op.out.name}_end")
    room = " + ".join(counts)
    lw.line(f"{to.name} = np.empty({room if n == 1 else f'({room}) * {n}'}, {NUMPY_DTYPE[dtype]})")
    lw.line(f"{end} = 0")
    for part, length in zip(parts, counts, strict=True):
        if isinstance(part, Struct):
            for k, p in enumerate(part.items):
                put(lw, to, f"{end} + {k}" if k else end, p)
        else:
            name = lw.fresh("part")
            ends = (end, f"{end} + {length}") if n == 1 else (f"{end} * {n}", f"({end} + {length}) * {n}")
            lw.line(f"{name} = {to.name}[{ends[0]} : {ends[1]}]")
            target = rows_of(lw, to, name, part.sizes[0])
            lw.write_to(target, [part], lambda t: t[0], False)
            lw.flush()
        lw.line(f"{end} += {length}")
    lw.line(f"{to.count} = {end}")
    settle(lw, op.out, to)


def all_alike(a: tuple[Size, ...], b: tuple[Size, ...]) -> bool:
    return len(a) == len(b) and all(map(same_size, a, b))


def known_part(lw: Indexing, op: Op) -> View:
    """The part of a list that is changed: of no elements, where the list is shorter."""
    if not isinstance(op.ins[1], Slice):
        raise lw.no("a part of a list that is changed")
    got = lw.sliced(lw.view(op.ins[0]), 0, op.ins[1])
    return View(got.store, got.axes, (Size(atleast(got.sizes[0]), 0, None), *got.sizes[1:]))


def keeps_length(op: Op) -> bool:
    """Whether what is put into a part of a list is that part with something added: as long as it was."""
    total = op_of(op.ins[2])
    part = op_of(total.ins[0]) if total is not None and from_runtime(total.fn) == "add" else None
    if part is None or part.fn is not operator.getitem:
        return False
    return same(part.ins[0], op.ins[0]) and same(part.ins[1], op.ins[1])


def contains(lw: Indexing, op: Op, names: Any = ()) -> None:
    """``x in xs`` of whole numbers, or of any number among constants.

    Of other numbers Python finds a NaN that is the same object, which no kernel can tell.
    """
    box, a = op.ins
    r = lw.elements(a)
    items = box.items if isinstance(box, Struct) else ()
    held = box.value if isinstance(box, Const) else lw.rep(box) if isinstance(box, Val) else None
    held = held.value if isinstance(held, Static) else held
    shown = isinstance(held, (tuple, list, set, frozenset, range))
    if shown:
        items = tuple(map(Const, held))  # type: ignore[arg-type]
    if not isinstance(r, (Num, Text)) or r.dtype not in ("i8", "f8"):
        raise lw.no("membership of what is no number")
    if shown or not isinstance(box, Val):
        if len(items) > MOST or not all(is_comparable(p, r.dtype) for p in items):
            raise lw.no("membership in what holds other than numbers")
        x = lw.name_of_number(lw.scalar(a)) if items else ""
        text = " or ".join(f"{x} == {lw.scalar(p)}" for p in items)
        lw.bind(op.out, Text(f"({text})" if items else "False", "b1"))
        return
    of = lw.elements(box)
    if r.dtype != "i8" or of.dtype != "i8" or len(of.sizes) != 1:
        raise lw.no("membership in what holds other than whole numbers")
    view = lw.view(box)
    view = view if view.whole else lw.materialised(view, "t")
    text = lw.scalar(a)
    lw.flush()
    lw.bind(op.out, Text(f"{lw.helper('is_among')}({bare(text)}, {view.store.name})", "b1"))


def constant_set(lw: Statements, op: Op, names: Any = ()) -> None:
    """``{1, 2}``, to be asked what is in it."""
    source = op.ins[0] if len(op.ins) == 1 else None
    if not isinstance(source, Struct) or not all(isinstance(p, Const) for p in source.items):
        raise lw.no("a set")
    lw.bind(op.out, Static(tuple(p.value for p in source.items if isinstance(p, Const))))


def is_comparable(p: Atom, dtype: str) -> bool:
    """Whether an element of a display is found by its number alone."""
    if isinstance(p, Const):
        return type(p.value) in (int, float) and p.value == p.value
    return dtype == "i8" and isinstance(k := kind(p), Scalar) and k.dtype in ("i8", "f8")


def row(r: Growing, at: str) -> str:
    """The text of an element that is an array."""
    n = count(r)
    at = at if at.isidentifier() or at.isdigit() else f"({at})"
    shape = f".reshape(({', '.join(map(str, r.shape))}))" if len(r.shape) > 1 else ""
    return f"{r.name}[{at} * {n} : ({at} + 1) * {n}]{shape}"


def put(lw: Statements, r: Growing, at: str, a: Atom) -> None:
    """Write an element; what waits has been written."""
    if not r.shape:
        text = lw.scalar(a, r.dtype)
        lw.settle()
        lw.line(f"{r.name}[{at}] = {bare(text)}")
        return
    v = lw.elements(a)
    if v.dtype != r.dtype or len(v.sizes) != len(r.shape) or not all(map(same_size, v.sizes, r.shape)):
        raise lw.no("a list of arrays of several shapes")
    name = lw.fresh("row")
    lw.line(f"{name} = {row(r, at)}")
    lw.write_to(whole(Store(name, r.dtype, r.shape, frozenset((name,)))), [v], lambda t: t[0], False)
    lw.flush()


def as_view(lw: Statements, r: Growing, hint: str) -> View:
    """The elements at hand as an array, which is the list's own memory."""
    lw.flush()
    name = lw.fresh(hint)
    n = count(r)
    end = r.count if not r.shape else f"{r.count} * {n}"
    shape = f".reshape(({', '.join([r.count, *map(str, r.shape)])}))" if r.shape else ""
    lw.line(f"{name} = {r.name}[:{end}]{shape}")
    sizes = (Size(f"{name}.shape[0]", 0, None), *r.shape)
    return whole(Store(name, r.dtype, sizes, frozenset((r.name,))))


def of(lw: Statements, op: Op) -> Growing:
    """The list that an operation changes: one that was known as an array becomes one that grows."""
    a = op.ins[0]
    if isinstance(a, Struct):
        return started(lw, a, op.out.kind, op.out.name)
    r = lw.rep(a)
    if isinstance(r, View) and isinstance(a, Val) and lw.level[a] == lw.depth and is_list(a.kind):
        r = started(lw, a, a.kind, a.name)
        lw.bind(a, r)
    if not isinstance(r, Growing):
        raise lw.no("a list that is made elsewhere")
    return r


def append(lw: Statements, op: Op, names: Any) -> None:
    if not op.attrs.get("inplace"):
        raise lw.no("a list that grows in a copy")
    r = of(lw, op)
    lw.flush()
    n = count(r)
    wanted = f"({r.count} + 1) * {n}" if n != 1 else f"{r.count} + 1"
    lw.line(f"{r.name} = {lw.helper('grown')}({r.name}, {wanted})")
    put(lw, r, r.count, op.ins[1])
    lw.line(f"{r.count} += 1")
    lw.bind(op.out, r)


def last(lw: Statements, r: Growing) -> str:
    return f"{lw.helper('place')}(-1, {r.count})"


def taken(lw: Statements, r: Growing, o: Val, at: str) -> None:
    """An element as a value: a list may change afterwards, so it is read now."""
    lw.flush()
    name = lw.fresh(o.name)
    if not r.shape:
        lw.line(f"{name} = {r.name}[{at}]")
        lw.bind(o, Num(Store(name, r.dtype, ())))
        return
    lw.line(f"{name} = {row(r, at)}.copy()")
    store = Store(name, r.dtype, r.shape, lw.memory(o), new=True)
    lw.stores.setdefault(store, []).append(o)
    lw.bind(o, whole(store))


def poplast(lw: Statements, op: Op, names: Any) -> None:
    r = of(lw, op)
    taken(lw, r, op.out, last(lw, r))


def rest(lw: Statements, op: Op, names: Any) -> None:
    if not op.attrs.get("inplace"):
        raise lw.no("a list that shrinks in a copy")
    r = of(lw, op)
    lw.flush()
    lw.line(f"{r.count} = {last(lw, r)}")
    lw.bind(op.out, r)


def index(lw: Statements, r: Growing, a: Atom) -> str:
    text = repr(a.value) if isinstance(a, Const) and type(a.value) is int else lw.scalar(a, "i8")
    lw.settle()
    return f"{lw.helper('place')}({bare(text)}, {r.count})"


def item(lw: Statements, op: Op, r: Growing) -> None:
    """``list[index]``."""
    taken(lw, r, op.out, index(lw, r, op.ins[1]))


def item_put(lw: Statements, op: Op, r: Growing, adds: bool) -> None:
    """``list[index] = value``, or ``+=``."""
    if not op.attrs.get("inplace"):
        raise lw.no("an update that is done on a copy")
    lw.flush()
    at = lw.fresh("at")
    lw.line(f"{at} = {index(lw, r, op.ins[1])}")
    if not adds:
        put(lw, r, at, op.ins[2])
    elif not r.shape:
        text = lw.scalar(op.ins[2], r.dtype)
        lw.settle()
        lw.line(f"{r.name}[{at}] = {r.name}[{at}] + {text}")
    else:
        v = lw.elements(op.ins[2])
        name = lw.fresh("row")
        lw.line(f"{name} = {row(r, at)}")
        target = whole(Store(name, r.dtype, r.shape, frozenset((name,))))
        if v.dtype != r.dtype:
            raise lw.no("a sum of two types")
        lw.write_to(target, [v], lambda t: f"({t[0]} + {t[1]})", True, True)
        lw.flush()
    lw.bind(op.out, r)


def length_of(lw: Statements, op: Op, r: Growing) -> None:
    lw.flush()
    name = lw.fresh("n")
    lw.line(f"{name} = {r.count}")
    lw.bind(op.out, Num(Store(name, "i8", ())))


def zeros(lw: Statements, op: Op, r: Growing) -> None:
    """A list of zeros as long as another."""
    lw.flush()
    to = Growing(lw.fresh(op.out.name), lw.fresh(f"{op.out.name}_n"), r.dtype, r.shape)
    lw.line(f"{to.name} = np.full({r.name}.size, {ZERO_OF[r.dtype]}, {NUMPY_DTYPE[r.dtype]})")
    lw.line(f"{to.count} = {r.count}")
    lw.bind(op.out, to)


def zeros_of(lw: Statements, op: Op, shown: Struct) -> None:
    """A list of zeros as long as a display of numbers."""
    if not isinstance(op.out.kind, Seq) or not all(isinstance(kind(p), Scalar) for p in shown.items):
        raise lw.no("zeros of an unknown kind")
    zero = Struct(list, shown.keys, tuple(Const(0.0) for _ in shown.items))
    lw.bind(op.out, started(lw, zero, op.out.kind, op.out.name))
