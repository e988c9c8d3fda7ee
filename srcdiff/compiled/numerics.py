"""Functions of arrays with loops of their own: sums by letters, spreads, recurrences, what is taken."""

from __future__ import annotations

from typing import Any

import numpy as np

from srcdiff.compiled.arrangements import HELPERS, new, number, options, part, put, whole_call
from srcdiff.compiled.lower import Lowerer
from srcdiff.compiled.nests import Access, Fold, Size, Statement, Store, Way, same_size
from srcdiff.compiled.operations import (
    HANDLERS,
    block_of,
    constant_axes,
    has_blas,
    is_small,
    line,
    reordered,
    scatter,
)
from srcdiff.compiled.texts import along, atleast, bare, cast
from srcdiff.compiled.values import (
    ZERO_OF,
    Elements,
    Gather,
    Lazy,
    Num,
    Text,
    View,
    whole,
    word_for,
)
from srcdiff.ir.graph import Atom, Const, Op, Ref, Val, is_none, kind, same
from srcdiff.ir.kinds import Array, Scalar

__all__ = ["HELPERS"]

DEEPEST = 6  # loops of a sum by letters


def value(lw: Lowerer, name: str, dtype: str) -> Val:
    """A value on the way to a result, which nobody else reads."""
    return Val(name, Scalar(dtype))


# --- sums


def einsum(lw: Lowerer, op: Op, names: Any) -> None:
    """A sum of products over letters that the result has not."""
    spec = op.ins[0]
    if any(names) or not isinstance(spec, Const) or not isinstance(spec.value, str):
        raise lw.no("np.einsum with options")
    text = spec.value.replace(" ", "")
    left, arrow, out = text.partition("->")
    words = left.split(",")
    letters = list(dict.fromkeys("".join(words)))
    if not arrow:
        out = "".join(sorted(c for c in letters if left.count(c) == 1))
    reps = [lw.elements(a) for a in op.ins[1:]]
    dtype = lw.dtype_of(op.out.kind)
    plain = "." not in text and len(words) == len(reps) and dtype in ("f8", "f4", "c16")
    if not plain or any(len(w) != len(r.sizes) for w, r in zip(words, reps, strict=True)):
        raise lw.no("np.einsum of stacks, or of other types")
    if len(letters) > DEEPEST or len(set(out)) != len(out):
        raise lw.no("np.einsum over many axes")
    sizes: dict[str, Size] = {}
    for w, r in zip(words, reps, strict=True):
        for c, n in zip(w, r.sizes, strict=True):
            if not same_size(sizes.setdefault(c, n), n):
                if not (n.never_one and sizes[c].never_one):
                    raise lw.no("np.einsum of arrays that may be broadcast")
                lw.check("agree", n, sizes[c])
    over = [c for c in letters if c not in out]
    order = [*out, *over] if len(reps) == 1 or not out else letters
    space = tuple(sizes[c] for c in order)
    at = [order.index(c) for c in out]
    if is_product(words, out) and has_blas() and not is_small(space):
        if all(r.dtype == dtype for r in reps):
            product_of_matrices(lw, op, words, out, over[0])
            return
    acc = "f8" if dtype == "f4" and not out else dtype
    inner = bool(over) and order[-1] in over

    def product(ix: list[str]) -> str:
        of = zip(words, reps, strict=True)
        texts = [cast(lw.element(r, [ix[order.index(c)] for c in w]), r.dtype, acc) for w, r in of]
        return texts[0] if len(texts) == 1 else f"({' * '.join(texts)})"

    reads = [a for w, r in zip(words, reps, strict=True) for a in lw.access(r, [order.index(c) for c in w])]
    store = Store(lw.fresh(op.out.name), acc, tuple(sizes[c] for c in out), fresh=True)
    own: tuple[Way, ...] = tuple((n, "", 1) for n in range(len(out)))
    place = Access(store, tuple((k, "", 1) for k in at))
    if not over:

        def write(ix: list[str]) -> None:
            lw.put(store, [ix[k] for k in at], product(ix))

        lw.add(Statement(space, write, reads, [place]))
    else:

        def begin(ix: list[str]) -> None:
            store.uses = 0
            lw.put(store, ix, ZERO_OF[acc])

        def step(ix: list[str]) -> None:
            index = [ix[k] for k in at]
            old, x = lw.read(store, index), product(ix)
            lw.put(store, index, f"{lw.helper('plus')}({old}, {x})" if inner else f"({old} + {x})")

        lw.add(Statement(store.sizes, begin, [], [Access(store, own)]))
        s = Statement(space, step, [*reads, place], [place])
        s.folds = Fold(store, ZERO_OF[acc], "plus({0}, {1})")
        lw.add(s)
    got: Elements = whole(store) if out else Num(store)
    if acc != dtype:
        got = lw.map(op.out.name, dtype, [got], lambda t: cast(t[0], acc, dtype), space=())
    lw.bind(op.out, got)


def is_product(words: list[str], out: str) -> bool:
    """Whether letters say a product of two matrices, either of them turned perhaps."""
    if len(words) != 2 or len(out) != 2 or any(len(set(w)) != 2 or len(w) != 2 for w in words):
        return False
    return len(set(words[0]) & set(words[1])) == 1 and set(out) == set(words[0]) ^ set(words[1])


def product_of_matrices(lw: Lowerer, op: Op, words: list[str], out: str, over: str) -> None:
    """The same by BLAS."""
    texts = []
    for letter, wanted in zip(out, (out[0] + over, over + out[1]), strict=True):
        n = 0 if letter in words[0] else 1
        r = lw.view(op.ins[1 + n])
        texts.append(block_of(lw, r if words[n] == wanted else reordered(r, [1, 0])))
    lw.flush()
    rows, columns = (lw.view(op.ins[1 + (c in words[1])]).sizes[words[c in words[1]].index(c)] for c in out)
    to = new(lw, op.out, (rows, columns))
    lw.line(f"np.dot({', '.join(texts)}, {to.store.name})")
    lw.bind(op.out, to)


def spread(lw: Lowerer, op: Op, names: Any) -> None:
    """The variance along axes, or its root."""
    given = options(lw, op, names, ("a", "axis", "dtype", "out", "ddof", "keepdims"))
    ddof, keeps = given.get("ddof", Const(0)), given.get("keepdims", Const(False))
    r, o = lw.elements(given["a"]), op.out
    if set(given) & {"dtype", "out"} or not isinstance(ddof, Const) or not isinstance(keeps, Const):
        raise lw.no(f"{word_for(op.fn)} with options")
    if isinstance(r, (Num, Text)) or r.dtype != "f8" or lw.dtype_of(o.kind) != "f8":
        raise lw.no(f"{word_for(op.fn)} of other types")
    rank, axis = len(r.sizes), given.get("axis", Const(None))
    axes = list(range(rank)) if is_none(axis) else constant_axes(lw, axis, rank)
    count = " * ".join(atleast(r.sizes[k]) for k in axes)
    middle = value(lw, "mean", "f8")
    lw.reduced(middle, r, "mean", axes, True, "f8")
    away = lw.map("t", "f8", [r, lw.elements(middle)], lambda t: f"({t[0]} - {t[1]})", space=r.sizes)
    square = lw.map("t", "f8", [away], lambda t: f"({lw.name_of(t[0])} * {lw.name_of(t[0])})", space=r.sizes)
    total = value(lw, o.name, "f8")
    lw.reduced(total, square, "sum", axes, bool(keeps.value), "f8")
    divisor = f"float({count})" if not ddof.value else f"max({count} - {ddof.value!r}, 0)"
    form = "({0} / {1})" if op.fn is np.var else "math.sqrt({0} / {1})"
    lw.result(op, [lw.elements(total)], lambda t: form.format(t[0], divisor))


# --- made of numbers


def linspace(lw: Lowerer, op: Op, names: Any) -> None:
    given = options(lw, op, names, ("start", "stop", "num", "endpoint"))
    k, num, ends = op.out.kind, given.get("num", Const(50)), given.get("endpoint", Const(True))
    if not isinstance(k, Array) or k.dtype != "f8" or len(k.dims) != 1 or not isinstance(ends, Const):
        raise lw.no("np.linspace with options")
    if not isinstance(num, Const) or type(num.value) is not int or num.value < 2 or lw.is_written(op.out):
        raise lw.no("np.linspace of an unknown number of elements, or changed later")
    n = num.value
    start, stop = (lw.name_of_number(lw.scalar(given[w], "f8")) for w in ("start", "stop"))
    parts = n - 1 if ends.value else n
    step = lw.name_of_number(f"(({stop} - {start}) / {parts}.0)")

    def element(ix: list[str]) -> str:
        text = f"(float({ix[0]}) * {step} + {start})"
        if not ends.value or ix[0].isdigit():
            return stop if ends.value and ix[0] == str(n - 1) else text
        return f"({text} if {ix[0]} < {n - 1} else {stop})"

    lw.bind(op.out, Lazy("f8", (Size("", n, n),), element))


# --- by places


def taken(lw: Lowerer, op: Op, of: View, given: dict[str, Atom]) -> Gather:
    """The elements of an array at places along an axis."""
    axis, rank = given.get("axis", Const(None)), len(of.sizes)
    if not same(given.get("mode", Const("raise")), Const("raise")) or "out" in given:
        raise lw.no(f"{word_for(op.fn)} with options")
    if rank != 1 and is_none(axis):
        raise lw.no(f"{word_for(op.fn)} of all elements of a matrix")
    at = 0 if is_none(axis) else constant_axes(lw, axis, rank)[0]
    k = kind(given["indices"])
    if not isinstance(k, Array) or k.dtype not in ("i8", "i4") or not k.dims:
        raise lw.no(f"{word_for(op.fn)} at places that are no array of integers")
    return lw.gathered(of, {at: lw.still(given["indices"])}, at)


def take(lw: Lowerer, op: Op, names: Any) -> None:
    given = options(lw, op, names, ("a", "indices", "axis", "out", "mode"))
    base = given["a"]
    got = taken(lw, op, lw.view(base), given)
    sure = isinstance(base, Val) and not lw.is_written(base)
    lw.bind(op.out, got if sure else lw.materialised(got, op.out.name))


def untake(lw: Lowerer, op: Op, names: Any) -> None:
    """The transpose of ``np.take``: what was taken is added up where it came from."""
    given = options(lw, op, names, ("g", "a", "indices", "axis", "mode"))
    g, like = lw.elements(given["g"]), lw.elements(given["a"])
    dtype = lw.dtype_of(op.out.kind)
    if g.dtype != dtype or dtype not in ("f8", "c16") or like.dtype != dtype:
        raise lw.no("a sum at places of another type")
    still = taken(lw, op, whole(Store("", dtype, like.sizes)), given)
    to = new(lw, op.out, like.sizes, "0")
    own = tuple((p, "", 1) for p in range(len(like.sizes)))
    s = Statement(like.sizes, lambda ix: lw.put(to.store, ix, ZERO_OF[dtype]), [], [Access(to.store, own)])
    s.fills = to.store
    lw.add(s)
    places = Gather(to, still.places, still.at, still.rank, still.sizes)
    scatter(lw, places, g, lambda t: f"({t[0]} + {t[1]})", True)
    lw.bind(op.out, to)


def interp(lw: Lowerer, op: Op, names: Any) -> None:
    given = options(lw, op, names, ("x", "xp", "fp"))
    x, xp, fp = (lw.elements(given[w]) for w in ("x", "xp", "fp"))
    if any(r.dtype != "f8" for r in (x, xp, fp)) or len(xp.sizes) != 1 or len(fp.sizes) != 1:
        raise lw.no("np.interp of other types")
    lw.check_some(xp.sizes[0])
    if not same_size(xp.sizes[0], fp.sizes[0]):
        lw.check("agree", fp.sizes[0], xp.sizes[0])
    at, of = line(lw, given["xp"]), line(lw, given["fp"])
    if len(x.sizes) == 1:
        whole_call(lw, op, "all_interpolated", f"{line(lw, given['x'])}, {at}, {of}", x.sizes)
        return
    lw.helper("interpolated")
    tables = [Access(lw.view(given[w]).store, (None,)) for w in ("xp", "fp")]
    before = len(lw.segment)
    lw.result(op, [x], lambda t: f"interpolated({t[0]}, {at}, {of})", x.sizes)
    for s in lw.segment[before:]:
        s.reads += tables


def shifted(lw: Lowerer, op: Op, names: Any) -> None:
    """An array moved by one place along an axis, a number at the place left free."""
    given = options(lw, op, names, ("a", "axis", "by", "fill"))
    r = lw.view(given["a"])
    axis = constant_axes(lw, given.get("axis", Const(-1)), len(r.sizes))[0]
    by, n = number(lw, given.get("by"), 1), r.sizes[axis]
    if not isinstance(n.dim, int) or n.dim < 1 or by not in (1, -1):
        raise lw.no("an array of unknown size that is moved")
    text = lw.scalar(given.get("fill", Const(0.0)), r.dtype)
    to, one, rest = new(lw, op.out, r.sizes), Size("", 1, 1), n.plus(-1)
    low, high = (Size("", 0, 0), one) if by > 0 else (one, Size("", 0, 0))
    put(lw, part(lw, to, axis, high, rest), part(lw, r, axis, low, rest))
    edge = part(lw, to, axis, low if by > 0 else rest, one)
    lw.write_to(edge, [Text(text, r.dtype)], lambda t: t[0], False)
    lw.bind(op.out, to)


def recurrence(lw: Lowerer, op: Op, names: Any) -> None:
    """Numbers each of which is made of the one before: ``s[i] = b[i] + a[i] * s[i - 1]``."""
    given = options(lw, op, names, ("a", "b", "axis", "reverse"))
    a, b = lw.view(given["a"]), lw.view(given["b"])
    back, dtype, rank = given.get("reverse", Const(False)), lw.dtype_of(op.out.kind), len(b.sizes)
    if not isinstance(back, Const) or a.dtype != dtype or b.dtype != dtype or len(a.sizes) != rank:
        raise lw.no("a recurrence of other types")
    if not all(map(same_size, a.sizes, b.sizes)):
        raise lw.no("a recurrence of arrays that may be broadcast")
    k = constant_axes(lw, given.get("axis", Const(-1)), rank)[0]
    rest = [j for j in range(rank) if j != k]
    n = b.sizes[k]
    last = Store(lw.fresh("last"), dtype, tuple(b.sizes[j] for j in rest), fresh=True)
    out = new(lw, op.out, b.sizes)
    if back.value:
        a, b, to = (lw.stepped(v, k, n.plus(-1), -1, n) for v in (a, b, out))
    else:
        to = out

    def begin(ix: list[str]) -> None:
        last.uses = 0
        lw.put(last, ix, ZERO_OF[dtype])

    lw.add(Statement(last.sizes, begin, [], [Access(last, tuple((m, "", 1) for m in range(len(rest))))]))
    at = Access(last, tuple((j, "", 1) for j in rest))
    every = list(range(rank))

    def write(ix: list[str]) -> None:
        index = [ix[j] for j in rest]
        x, y = lw.name_of(lw.element(b, ix)), lw.element(a, ix)
        lw.put(last, index, f"({x} + {y} * {lw.read(last, index)} if {ix[k]} > 0 else {x})")
        place = [along(start, step, "" if j is None else ix[j]) for j, start, step in to.axes]
        lw.put(out.store, place, lw.read(last, index))

    reads = [*lw.access(a, every), *lw.access(b, every), at]
    lw.add(Statement(b.sizes, write, reads, [at, *lw.access(to, every)], in_turn=k))
    lw.bind(op.out, out)


def ravel(lw: Lowerer, op: Op, names: Any) -> None:
    r = lw.view(op.ins[0])
    if len(op.ins) != 1:
        raise lw.no("np.ravel with options")
    if len(r.sizes) == 1:
        lw.same_or_copy(op)
    else:
        op = Op("prim", [op.ins[0], Const(-1)], list(op.outs), attrs={"fn": np.reshape})
        HANDLERS[np.reshape](lw, op, ("", ""))


# --- what a value is


def is_instance(lw: Lowerer, op: Op, names: Any) -> None:
    """Whether a number is of a type: its kind says so."""
    k, of = kind(op.ins[0]), op.ins[1]
    if not isinstance(k, Scalar) or not isinstance(of, Ref) or not isinstance(of.obj, type):
        raise lw.no("isinstance of other things than numbers")
    own = WEAK[k.dtype] if k.weak else np.dtype(k.dtype).type
    lw.bind(op.out, Text(repr(issubclass(own, of.obj)), "b1"))


def check_set(lw: Lowerer, op: Op, names: Any) -> None:
    text = lw.scalar(op.ins[0])
    lw.flush()
    lw.line(f"{lw.helper('check_set')}({bare(text)})")


WEAK: dict[str, type] = {"f8": float, "i8": int, "b1": bool, "c16": complex}

HANDLERS.update({
    np.einsum: einsum, np.var: spread, np.std: spread, np.linspace: linspace, np.take: take,
    np.interp: interp, np.ravel: ravel, isinstance: is_instance,
})  # fmt: skip
HELPERS.update({"untake": untake, "shifted": shifted, "recurrence": recurrence, "check_set": check_set})
