"""Small sizes of arguments that decide what kind a result has: these are settled for the call at hand.

A derivative is made for arrays of any size, as a rule.  Where the rank of a result depends on a size (the
cross product of two vectors, say) it is made for the size that the argument has, and anew for another.

Of slices it is settled that they lie inside of their arrays, and are longer than one, where that is so:
nothing is cut off or repeated then, and no derivative has to ask at run time what was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from srcdiff.frontend.infer import infer
from srcdiff.frontend.paths import Path
from srcdiff.frontend.shapes import index_parts
from srcdiff.ir.graph import Atom, Const, Slice, Struct, Val, is_none, kind
from srcdiff.ir.kinds import UNKNOWN, Array, Dim, Kind, Seq, Sym, Tree, is_at_least
from srcdiff.ir.modules import module_of

if TYPE_CHECKING:
    from srcdiff.frontend.core import Core

__all__ = ["IN_ORDER", "SMALL", "at_most", "exact", "inferred", "note_sizes", "other_than", "settle_slices"]

SMALL = 4  # sizes up to this are settled
IN_ORDER: Path = (("attr", "flags"), ("attr", "c_contiguous"))  # whether an array lies row by row


def note_sizes(lw: Core, k: Kind, value: Any, path: Path, whole: Val | None = None) -> None:
    """Remember where the sizes of a value come from, and what they are; ``whole``: the value itself.

    Of an array, where that is asked for, also whether it lies in memory row by row.
    """
    if isinstance(k, Array) and module_of(value) is not None and value.ndim == len(k.dims):
        if lw.by_layout and whole is not None:
            lw.layouts[whole] = bool(value.flags.c_contiguous), (*path, *IN_ORDER)
        for axis, (d, n) in enumerate(zip(k.dims, value.shape, strict=True)):
            if isinstance(d, Sym):
                found = n - d.offset, (*path, ("attr", "shape"), ("item", axis))
                lw.lengths[d.id] = found
                if n <= SMALL:
                    lw.sizes[d.id] = found
    elif isinstance(k, Seq) and whole is not None and isinstance(value, (list, tuple)):
        lw.lengths[whole] = len(value), path
    elif isinstance(k, Tree) and k.type is dict and isinstance(value, dict):
        for key, inner in zip(k.keys, k.items, strict=True):
            if key in value:
                note_sizes(lw, inner, value[key], (*path, ("item", key)))
    elif isinstance(k, Tree) and k.type in (tuple, list) and isinstance(value, (tuple, list)):
        for n, (inner, x) in enumerate(zip(k.items, value, strict=False)):
            note_sizes(lw, inner, x, (*path, ("item", n)))


def other_than(lw: Core, of: Atom, n: int) -> int | None:
    """The length of an array or a list, at most ``n + 1``, where it is not ``n`` in the call at hand."""
    found = at_most(lw, of, n + 1)
    return None if found == n else found


def at_most(lw: Core, of: Atom, n: int) -> int | None:
    """The length of an array or a list if it is less than ``n``, else ``n``, settled for the call at hand."""
    k = kind(of)
    d = k.dims[0] if isinstance(k, Array) and k.dims else None
    if isinstance(d, int):
        return min(n, d)
    key, offset = (d.id, d.offset) if isinstance(d, Sym) else (of, 0)
    if not isinstance(key, (int, Val)) or key not in lw.lengths:
        return None
    size, path = lw.lengths[key]
    limit = max(n - offset, 0)
    at: Path = (*path, ("most", limit))
    lw.guards[at] = min(size, limit)
    return max(min(size + offset, n), 0)


def settle_slices(lw: Core, k: Kind, index: Atom) -> None:
    """Of the axes that are sliced between constants: that they are as long as it takes, if they are."""
    if not isinstance(k, Array) or not lw.lengths:
        return
    axis = 0
    for p in index_parts(index):
        if isinstance(p, Const) and p.value is Ellipsis:
            return
        if is_none(p):
            continue
        if axis < len(k.dims) and isinstance(p, Slice):
            settle_slice(lw, k.dims[axis], p)
        m = kind(p)
        axis += len(m.dims) if isinstance(m, Array) and m.dtype == "b1" else 1


def settle_slice(lw: Core, d: Dim, s: Slice) -> None:
    if not isinstance(d, Sym) or d.id not in lw.lengths:
        return
    given: list[int | None] = []
    for x in (s.lower, s.upper, s.step):
        if not isinstance(x, Const) or (x.value is not None and type(x.value) is not int):
            return
        given.append(x.value)
    start, end = given[0] or 0, given[1] or 0
    cut = given[1] is None or end < 0  # from the end of the axis
    step = 1 if given[2] is None else given[2]
    if step < 1 or (start < 0 and not cut) or (step > 1 and (start < 0 or not cut)):
        return
    need = -start if start < 0 else start - end + step + 1 if cut else end  # (more than one is left)
    size, path = lw.lengths[d.id]
    least = need - d.offset
    if least <= 0:
        return
    holds = size >= least
    if holds:
        is_at_least(d, need)
    for g in [g for g in lw.guards if g[:-1] == path and g[-1][0] == "least" and lw.guards[g] == holds]:
        least = max(least, g[-1][1]) if holds else min(least, g[-1][1])
        del lw.guards[g]
    here: Path = (*path, ("least", least))
    lw.guards[here] = holds  # (a text for short ones is right for long ones, but slower)


def inferred(lw: Core, fn: Any, args: list[Atom], names: tuple[str, ...]) -> Kind:
    """The kind of a result; where it is not known for all sizes, for those at hand."""
    k = infer(fn, args, names)
    if k != UNKNOWN or not lw.sizes:
        return k
    settled = [settle(lw, a) for a in args]
    used = set().union(*(ids for _, ids in settled))
    if not used:
        return k
    got = infer(fn, [a for a, _ in settled], names)
    if got != UNKNOWN:
        lw.guards.update((lw.sizes[i][1], lw.sizes[i][0]) for i in used)
    return got


def exact(lw: Core) -> dict[int, int]:
    """The sizes that were settled: the symbol of each, and what it is whenever the text is called."""
    return {i: n for i, (n, path) in lw.sizes.items() if lw.guards.get(path) == n}


def settle(lw: Core, a: Atom) -> tuple[Atom, set[int]]:
    """A stand-in for an operand, of which the small sizes are known, and which these are."""
    if isinstance(a, Struct):
        parts = [settle(lw, x) for x in a.items]
        return replace(a, items=tuple(x for x, _ in parts)), set().union(*(ids for _, ids in parts))
    if not isinstance(a, Val) or not isinstance(a.kind, Array):
        return a, set()
    ids = {d.id for d in a.kind.dims if isinstance(d, Sym) and d.id in lw.sizes}
    if not ids:
        return a, ids
    return Val(a.name, Array(a.kind.dtype, tuple(known(lw, a.kind.dims)))), ids


def known(lw: Core, dims: tuple[Dim, ...]) -> Iterator[Dim]:
    for d in dims:
        yield lw.sizes[d.id][0] + d.offset if isinstance(d, Sym) and d.id in lw.sizes else d
