"""Texts of rules that have been read: kept, and copied for the next operands of the same kinds.

A text is read once on operands of which nothing is known but their kinds; what it comes to is right for all
operands of such kinds.  Only texts of srcdiff's own are kept: nothing else matters to them but which
functions have rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from srcdiff.errors import SrcdiffError
from srcdiff.frontend.lower import Context, read_rule
from srcdiff.ir.graph import ZERO, Atom, Const, Op, Origin, Region, Struct, Val, key_of, map_atom, vals, walk
from srcdiff.ir.kinds import (
    Array,
    Dim,
    Kind,
    Scalar,
    Seq,
    Simple,
    Sym,
    at_least,
    fresh_sym,
    is_at_least,
    is_joined,
)
from srcdiff.ir.modules import current
from srcdiff.rules.registry import extent

__all__ = ["instance"]

Key = tuple[Any, ...]
Sizes = dict[int, int]  # the symbols of one in the place of those of another


class Template:
    """What a text comes to: operations on operands of its own, and the result."""

    def __init__(self, params: list[Atom], region: Region, result: Atom, sizes: list[int]) -> None:
        self.params, self.ops, self.result = params, region.ops, result
        self.sizes = sizes  # in the order in which the operands bring them

    def copy(
        self, given: Iterable[Atom], sizes: Iterable[int], region: Region, origin: Origin | None
    ) -> Atom:
        """The operations once more, on these operands."""
        table: dict[Val, Atom] = {}
        for p, a in zip(self.params, given, strict=True):
            if isinstance(p, Val):
                table[p] = a
            elif isinstance(p, Struct):
                table.update(zip(vals([p]), vals([a]), strict=True))
        to = dict(zip(self.sizes, sizes, strict=True))
        region.ops += [copied(o, table, to, origin) for o in self.ops]
        return map_atom(table.__getitem__, self.result)


def copied(o: Op, table: dict[Val, Atom], to: Sizes, origin: Origin | None) -> Op:
    """An operation on other operands; ``table`` has what stands for each value."""
    new = Op(o.code, [map_atom(table.__getitem__, a) for a in o.ins], [], [], dict(o.attrs), origin)
    for r in o.regions:
        ops = [copied(x, table, to, origin) for x in r.ops]
        new.regions.append(Region([], ops, [map_atom(table.__getitem__, a) for a in r.results]))
    for v in o.outs:
        w = table[v] = Val(v.name, renamed(v.kind, to), new, v.user)
        new.outs.append(w)
    return new


_kept: dict[Key, Template | None] = {}
MOST_KEPT = 4096


def instance(
    ctx: Context, text: Any, region: Region, given: dict[str, Atom], origin: Origin | None
) -> Atom | None:
    """What a text comes to on operands, if it is kept for their kinds; None where it must be read."""
    if not text.__module__.startswith("srcdiff."):
        return None
    sizes: Sizes = {}
    met: dict[Val, int] = {}
    key: list[Any] = [text, current(), extent()]
    for name, a in given.items():
        k = key_of_operand(a, sizes, met)
        if k is None:
            return None
        key += (name, k)
    try:
        found = _kept[tuple(key)]
    except KeyError:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        found = _kept[tuple(key)] = read(ctx, text, given)
    return None if found is None else found.copy(given.values(), sizes, region, origin)


def key_of_operand(a: Atom, sizes: Sizes, met: dict[Val, int]) -> Any:
    """What a text may know of an operand; None where that may be more than a kind."""
    if isinstance(a, Struct):
        items = [key_of_operand(x, sizes, met) for x in a.items]
        return None if None in items or isinstance(a.type, str) else (a.type, a.keys, *items)
    if not isinstance(a, Val):
        return key_of(a) if isinstance(a, Const) or a is ZERO else None
    if a in met:
        return met[a]
    met[a] = len(met)
    return key_of_kind(a.kind, sizes)


def key_of_kind(k: Kind, sizes: Sizes) -> Any:
    if isinstance(k, Scalar):
        value = None if k.value is None else key_of_size(k.value, sizes)
        return (k.dtype, k.weak, value) if value is not None or k.value is None else None
    if isinstance(k, Array):
        dims = [key_of_size(d, sizes) for d in k.dims]
        return None if None in dims else (Array, k.dtype, *dims)
    if type(k) is Seq:
        inner = key_of_kind(k.elem, sizes)
        return None if inner is None else (Seq, k.frozen, inner)
    return None


def key_of_size(d: Dim, sizes: Sizes) -> Any:
    if isinstance(d, int):
        return d
    return None if is_joined(d) else (sizes.setdefault(d.id, len(sizes)), d.offset, d.big, at_least(d))


def read(ctx: Context, text: Any, given: dict[str, Atom]) -> Template | None:
    """A text read on operands of these kinds; None where something else tells what it comes to."""
    sizes: Sizes = {}
    of: dict[Val, Val] = {}

    def own(v: Val) -> Val:
        if v not in of:
            of[v] = Val("", stand_in(v.kind, sizes))
        return of[v]

    params = {name: map_atom(own, a) for name, a in given.items()}
    region = Region()
    info: dict[str, Any] = {}
    try:
        result = read_rule(ctx, text, region, params, None, info)
    except SrcdiffError:
        return None
    made = Template(list(params.values()), region, result, list(sizes.values()))
    return None if info or not is_plain(made) else made


def stand_in(k: Kind, sizes: Sizes) -> Kind:
    """The same kind with sizes of its own."""
    if isinstance(k, Seq):
        return replace(k, elem=stand_in(k.elem, sizes))
    for d in k.dims if isinstance(k, Array) else (k.value,) if isinstance(k, Scalar) else ():
        if isinstance(d, Sym) and d.id not in sizes:
            sizes[d.id] = fresh_sym().id
            is_at_least(Sym(sizes[d.id]), at_least(Sym(d.id)))
    return renamed(k, sizes)


def renamed(k: Kind, to: Sizes) -> Kind:
    """A kind with its sizes called otherwise."""
    if to and isinstance(k, Seq):
        return replace(k, elem=renamed(k.elem, to))
    if to and isinstance(k, Scalar) and isinstance(k.value, Sym):
        return replace(k, value=size_in(k.value, to))
    if not to or not isinstance(k, Array):
        return k
    return Array(k.dtype, tuple([size_in(d, to) if isinstance(d, Sym) else d for d in k.dims]))


def size_in(d: Sym, to: Sizes) -> Sym:
    return Sym(to[d.id], d.offset, d.big)


def is_plain(made: Template) -> bool:
    """Whether all that a template is made of, and knows of sizes, is what its operands bring."""
    ops = list(walk(Region(ops=made.ops)))
    regions = [r for o in ops for r in o.regions]
    if any(o.code not in ("prim", "if") for o in ops) or any(r.params for r in regions):
        return False
    values = {v for o in ops for v in o.outs} | {*vals(made.params)}
    used = [*(a for o in ops for a in o.ins), *(a for r in regions for a in r.results), made.result]
    if not values.issuperset(vals(used)):
        return False
    return all(follows(v.kind, made.sizes) for v in values)


def follows(k: Kind, sizes: list[int]) -> bool:
    if isinstance(k, Scalar):
        return not isinstance(k.value, Sym) or k.value.id in sizes
    if isinstance(k, Array):
        return all(isinstance(d, int) or d.id in sizes for d in k.dims)
    if type(k) is Seq:
        return follows(k.elem, sizes)
    return isinstance(k, Simple)
