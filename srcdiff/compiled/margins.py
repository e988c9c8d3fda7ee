"""Margins around arrays (``np.pad``), and what comes back from them."""

from __future__ import annotations

from typing import Any

import numpy as np

from srcdiff.compiled.arrangements import new, options, part, put
from srcdiff.compiled.arrangements import number as known
from srcdiff.compiled.lower import Lowerer
from srcdiff.compiled.nests import Size, Store
from srcdiff.compiled.numerics import HELPERS
from srcdiff.compiled.operations import HANDLERS, allocated
from srcdiff.compiled.texts import cast
from srcdiff.compiled.values import View, whole
from srcdiff.ir.graph import Atom, Const, Op, Struct, same
from srcdiff.ir.kinds import at_least

__all__ = ["HELPERS"]

Margin = tuple[Size, int, Size, int]  # where it lies, how wide it is; where it is from, in which direction


def pad(lw: Lowerer, op: Op, names: Any) -> None:
    given = options(lw, op, names, ("array", "pad_width", "mode"))
    mode = given.get("mode", Const("constant"))
    r = lw.elements(given["array"])
    ends = widths(lw, given["pad_width"], len(r.sizes))
    if not same(mode, Const("constant")):
        every = [margins(lw, mode, s, *two) for s, two in zip(r.sizes, ends, strict=True)]
    to = new(lw, op.out, tuple(s.plus(a + b) for s, (a, b) in zip(r.sizes, ends, strict=True)), "0")
    inner = to
    for k, (s, (low, _)) in enumerate(zip(r.sizes, ends, strict=True)):
        inner = part(lw, inner, k, Size("", low), s)
    put(lw, inner, r)
    if not same(mode, Const("constant")):
        for k, found in enumerate(every):
            row = to  # along axes that come later nothing but the middle is there so far
            for j in range(k + 1, len(ends)):
                row = part(lw, row, j, Size("", ends[j][0]), r.sizes[j])
            for at, width, source, step in found:
                margin = lw.stepped(row, k, source, step, Size("", width, width))
                put(lw, part(lw, row, k, at, Size("", width, width)), margin)
    lw.bind(op.out, to)


def unpad(lw: Lowerer, op: Op, names: Any) -> None:
    """The transpose, axis by axis: each margin is added to where it is from."""
    if len(op.ins) != 4 or any(names):
        raise lw.no("unpad with options")
    g: View = lw.view(op.ins[0])
    sizes = lw.elements(op.ins[1]).sizes
    ends = widths(lw, op.ins[2], len(sizes))
    for k, (n, (low, high)) in enumerate(zip(sizes, ends, strict=True)):
        found = margins(lw, op.ins[3], n, low, high)
        last = k == len(sizes) - 1
        if not found and not last:
            g = part(lw, g, k, Size("", low), n)
            continue
        core = new(lw, op.out, sizes) if last else between(lw, (*g.sizes[:k], n, *g.sizes[k + 1 :]), g.dtype)
        put(lw, core, part(lw, g, k, Size("", low), n))
        for at, width, source, step in found:
            for one in range(width) if not step else (None,):  # (an edge takes them all, one by one)
                first, size = (at, Size("", width, width)) if one is None else (at.plus(one), Size("", 1, 1))
                to = lw.stepped(core, k, source.plus(-low), step or 1, size)
                margin = part(lw, g, k, first, size)
                lw.write_to(to, [margin], added(g.dtype, core.dtype), True, True)
        g = core
    lw.bind(op.out, g)


def between(lw: Lowerer, sizes: tuple[Size, ...], dtype: str) -> View:
    """Memory for what is done along one axis, and not along the next."""
    name = lw.fresh("core")
    store = Store(name, dtype, sizes, frozenset((name,)))
    allocated(lw, store)
    return whole(store)


def added(own: str, to: str) -> Any:
    return lambda t: f"({t[0]} + {cast(t[1], own, to)})"


def widths(lw: Lowerer, width: Atom, rank: int) -> list[tuple[int, int]]:
    """How wide the margins are, axis by axis."""
    rows = list(width.items) if isinstance(width, Struct) else [width]
    if all(not isinstance(x, Struct) for x in rows):
        rows = [width] * rank
    elif len(rows) == 1:
        rows *= rank
    ends = []
    for x in rows:
        two = x.items if isinstance(x, Struct) else (x,)
        low, high = (known(lw, p, 0) for p in (two if len(two) == 2 else (two[0], two[0])))
        ends.append((low, high))
    return ends


def margins(lw: Lowerer, mode: Atom, size: Size, low: int, high: int) -> list[Margin]:
    """The margins of an axis that are not empty, at places of the wider array."""
    word = mode.value if isinstance(mode, Const) else ""
    skip = 1 if word == "reflect" else 0
    if word not in ("edge", "wrap", "symmetric", "reflect"):
        raise lw.no("np.pad with values that are not zero")
    if not low and not high:
        return []
    least = 1 if word == "edge" else max(low, high) + skip
    known = 0 if size.dim is None else at_least(size.dim)
    if known < least and (word != "edge" or isinstance(size.dim, int)):
        raise lw.no("np.pad along an axis whose size is not known, or with wide margins")
    if known < least:
        lw.check_some(size)
    end = size.plus(low)
    before, after = {
        "edge": ((Size("", low), 0), (end.plus(-1), 0)),
        "wrap": ((size, 1), (Size("", low), 1)),
    }.get(word, ((Size("", 2 * low - 1 + skip), -1), (end.plus(-1 - skip), -1)))
    both = [(Size("", 0), low, *before), (end, high, *after)]
    return [m for m in both if m[1]]


HANDLERS[np.pad] = pad
HELPERS["unpad"] = unpad
