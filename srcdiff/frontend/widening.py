"""What functions that call themselves take and give: kinds that grow until they settle."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from srcdiff.ir.kinds import UNKNOWN, Array, Dim, Kind, Maybe, Scalar, Seq, Simple, Sym, Tree, fresh_sym, join

if TYPE_CHECKING:
    from srcdiff.frontend.recursion import Record

__all__ = ["cut", "instance", "own_symbols", "renamed", "settled", "widen"]


def widen(p: Kind, a: Kind, sizes: dict[int, Any]) -> Kind:
    """``p`` made wide enough for an argument of kind ``a``; ``sizes``: what parameters' sizes stand for."""
    match p, a:
        case Scalar(), Scalar():
            return Scalar(p.dtype, p.weak and a.weak)
        case Array(), Array():
            return Array(p.dtype, tuple(widen_dim(d, x, sizes) for d, x in zip(p.dims, a.dims, strict=True)))
        case Seq(x), Seq(y):
            return replace(p, elem=widen(x, y, sizes))
        case Maybe(x), Maybe(y):
            return Maybe(widen(x, y, sizes))
        case Tree(), Tree():
            return Tree(
                p.type, p.keys, tuple(widen(x, y, sizes) for x, y in zip(p.items, a.items, strict=True))
            )
    return p


def is_big(d: Dim) -> bool:
    return d != 1 if isinstance(d, int) else d.big


def widen_dim(p: Dim, a: Dim, sizes: dict[int, Any]) -> Dim:
    if isinstance(p, int):
        return p if a == p else fresh_sym(is_big(p) and is_big(a))
    if p.big and not is_big(a):
        return fresh_sym()
    base = (a.id, a.offset - p.offset) if isinstance(a, Sym) else (None, a - p.offset)
    if sizes.setdefault(p.id, base) != base:
        return fresh_sym(p.big)
    return p


def renamed(k: Kind, table: dict[int, Sym]) -> Kind:
    """A kind with sizes of its own."""

    def dim(d: Dim) -> Dim:
        if isinstance(d, int):
            return d
        if d.id not in table:
            table[d.id] = fresh_sym()
        return Sym(table[d.id].id, d.offset, d.big)

    return map_dims(k, dim)


def map_dims(k: Kind, f: Any) -> Kind:
    match k:
        case Array(dtype, dims):
            return Array(dtype, tuple(f(d) for d in dims))
        case Seq(elem):
            return replace(k, elem=map_dims(elem, f))
        case Maybe(of):
            return Maybe(map_dims(of, f))
        case Tree(type_, keys, items):
            return Tree(type_, keys, tuple(map_dims(x, f) for x in items))
        case Scalar(dtype, weak, value):
            return Scalar(dtype, weak) if value is not None else k
    return k


def symbols(k: Kind, out: set[int]) -> None:
    def dim(d: Dim) -> Dim:
        if isinstance(d, Sym):
            out.add(d.id)
        return d

    map_dims(k, dim)


def own_symbols(rec: Record) -> set[int]:
    """Sizes that mean something to whoever calls."""
    out: set[int] = set()
    for s in rec.slots:
        symbols(s.kind, out)
    for v in rec.extras:
        symbols(v.kind, out)
    return out | rec.threads.known


def settled(rec: Record, old: Kind | None, new: Kind, known: set[int], path: Any) -> Kind:
    """The kind of a result that was ``old`` so far and is ``new`` in this reading."""
    if old is not None and not alike(old, new):
        new = join(old, new)
        old = None
    match new:
        case Array(dtype, dims):
            before = (
                old.dims if isinstance(old, Array) and len(old.dims) == len(dims) else (None,) * len(dims)
            )
            out: list[Dim] = []
            for n, (d, b) in enumerate(zip(dims, before, strict=True)):
                ok = (isinstance(d, int) or d.id in known) and b in (None, d)
                out.append(d if ok else rec.tops.setdefault((path, n), fresh_sym()))
            if isinstance(old, Array) and old.dtype != dtype:
                joined = join(Array(old.dtype, tuple(out)), Array(dtype, tuple(out)))
                assert isinstance(joined, Array)
                dtype = joined.dtype
            return Array(dtype, tuple(out))
        case Seq(elem):
            inner = settled(rec, old.elem if isinstance(old, Seq) else None, elem, known, (path, "elem"))
            return replace(new, elem=inner)
        case Maybe(of):
            return Maybe(settled(rec, old.of if isinstance(old, Maybe) else None, of, known, (path, "of")))
        case Tree(type_, keys, items):
            olds = old.items if isinstance(old, Tree) else (None,) * len(items)
            return Tree(
                type_,
                keys,
                tuple(
                    settled(rec, o, x, known, (path, k)) for o, x, k in zip(olds, items, keys, strict=True)
                ),
            )
        case Scalar():
            got = new if old is None else join(old, new)
            return Scalar(got.dtype, got.weak) if isinstance(got, Scalar) else got
    return new


NESTED = 3  # containers of one structure inside one another, from where on nothing is known


def cut(k: Kind, above: dict[Any, int]) -> Kind:
    """A kind that grows inwards with each reading (a tree, of trees) without what is too deep in it."""
    match k:
        case Seq(elem):
            return replace(k, elem=cut(elem, above))
        case Maybe(of):
            inner = cut(of, above)
            return inner if inner == UNKNOWN else Maybe(inner)
        case Tree(type_, keys, items):
            depth = above.get((type_, keys), 0) + 1
            if depth > NESTED and items:
                return UNKNOWN
            return replace(k, items=tuple(cut(x, {**above, (type_, keys): depth}) for x in items))
    return k


def alike(a: Kind, b: Kind) -> bool:
    if isinstance(a, Array) and isinstance(b, Array):
        return len(a.dims) == len(b.dims)
    if isinstance(a, Tree) and isinstance(b, Tree):
        return a.type is b.type and a.keys == b.keys
    if isinstance(a, Maybe) and isinstance(b, Maybe):
        return alike(a.of, b.of)
    return type(a) is type(b) and (not isinstance(a, Simple) or a == b)


def instance(k: Kind, rec: Record, sizes: dict[int, Any]) -> Kind:
    """The kind of a result at one call."""
    outside = set(rec.threads.known)
    for v in rec.extras:
        symbols(v.kind, outside)
    new: dict[int, Sym] = {}

    def dim(d: Dim) -> Dim:
        if isinstance(d, int) or d.id in outside:
            return d
        if d.id in sizes:
            base, offset = sizes[d.id]
            return offset + d.offset if base is None else Sym(base, offset + d.offset, d.big)
        return new.setdefault(d.id, fresh_sym(d.big))

    return map_dims(k, dim)
