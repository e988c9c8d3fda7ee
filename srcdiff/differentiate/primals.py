"""Values of the forward sweep as the backward sweep finds them: in scope, read again, made again, or kept."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from srcdiff.analysis.settled import untouched
from srcdiff.analysis.versions import backwards, chain_of, is_update
from srcdiff.differentiate.mirrors import Mirror
from srcdiff.frontend.shapes import index_kind
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, LoopView, Op, Region, Val, kind, map_atom
from srcdiff.ir.kinds import Array, Scalar, one_shape
from srcdiff.rules.registry import lookup

if TYPE_CHECKING:
    from srcdiff.differentiate.reverse import Reverse

__all__ = [
    "ground_value",
    "lasting_item",
    "newest",
    "outer",
    "remade",
    "reread",
    "shaped",
    "stored",
    "upwards",
]

_REMADE = {operator.add, operator.sub, operator.mul, operator.neg, operator.truediv}


def shaped(sweep: Reverse, a: Val) -> Atom | None:
    """A value in scope, or a part of one, of the shape and type of an array: writes change neither."""
    *_, a = backwards(a)  # the first of the versions of one array
    m = sweep.mirror_of(a)
    if m is None:
        return None
    if m.ground:
        return newest(sweep, a, m)
    op = a.op
    if op is None:
        return None
    if op.is_loop and a not in op.outs:
        view = LoopView(op)
        if a not in view.params:
            return None
        j = view.params.index(a)
        y, start = view.yields[j], view.inits[j]
        if not isinstance(y, Val) or not isinstance(start, Val) or a not in backwards(y):
            return None
        return shaped(sweep, start)
    if op.code != "prim" or a not in op.outs:
        return None
    if op.fn is operator.getitem:
        base = op.ins[0]
        if not isinstance(base, Val) or not isinstance(base.kind, Array) or not op.attrs.get("view"):
            return None
        whole = shaped(sweep, base)
        if whole is None:
            return None
        index = map_atom(lambda v: sweep.need(v), op.ins[1])
        return sweep.prim(operator.getitem, [whole, index], result=a.kind, view=True, hint=a.name)
    entry, found = lookup(op.fn), a.kind
    if entry is None or entry.elementwise is None or not isinstance(found, Array):
        return None
    arrays = [v for v in op.ins if not isinstance(kind(v), Scalar)]
    for v in arrays:
        k = kind(v)
        if not isinstance(v, Val) or not isinstance(k, Array) or k != a.kind or not sweep.has_shape(v):
            continue
        if len(arrays) == 1 or one_shape(k, a.kind):
            return shaped(sweep, v)
    kinds = [kind(v) for v in arrays]
    if len(kinds) != 2 or any(not isinstance(k, Array) or k.dtype != found.dtype for k in kinds):
        return None
    if found.dtype[0] not in "fc":
        return None
    both = [shaped(sweep, v) if isinstance(v, Val) else None for v in arrays]
    if any(v is None for v in both):
        return None
    return sweep.prim(operator.add, [v for v in both if v is not None], result=a.kind)


def newest(sweep: Reverse, a: Val, m: Mirror) -> Val:
    """The last version of an array before the sweep turned: the one that keeps no other alive."""
    for op in sweep.body:
        if op.code == "prim" and is_update(op) and op.ins[0] is a:
            a = op.out
        elif op.is_loop:
            view = LoopView(op)
            for start, f in zip(view.inits, view.finals, strict=True):
                if start is a and a in backwards(f):
                    a = f
                    break
    return a


def ground_value(sweep: Reverse, a: Val, m: Mirror) -> Atom:
    """A value that is in scope: as it is, or as it was before it was written over."""
    if a in m.rewound:
        return m.rewound[a]
    again = reread(sweep, a, m)
    return again if again is not None else a


def reread(sweep: Reverse, a: Val, m: Mirror) -> Atom | None:
    """Read a value again from a buffer that has been rewound to what it was."""
    if a in m.rewound:
        return m.rewound[a]
    op = a.op
    if op is None or op.code != "prim" or op.fn is not operator.getitem or a not in op.outs:
        return None
    base = op.ins[0]
    if not isinstance(base, Val) or base not in sweep.superseded:
        return None
    if not m.ground and not any(base in h.rewound for h in upwards(m)):
        return lasting_item(sweep, a, base, op.ins[1], m)
    if m.ground and isinstance(a.kind, Scalar):
        return None
    holder: Mirror | None = m
    while holder is not None and base not in holder.rewound:
        holder = holder.parent
    if holder is None or (holder.is_loop and sweep.home.get(base) is not holder.forward):
        return None  # (a branch undoes what it wrote to an array from outside of it)
    if not m.ground:
        lasting = lasting_item(sweep, a, base, op.ins[1], m)
        if lasting is not None:
            return lasting
    here, sweep.here = sweep.here, m
    try:
        index = map_atom(lambda v: sweep.need(v), op.ins[1])
        with sweep.inside(m.reverse):
            return sweep.prim(
                operator.getitem,
                [holder.rewound[base], index],
                result=a.kind,
                view=op.attrs.get("view"),
                hint=a.name,
            )
    finally:
        sweep.here = here


def upwards(m: Mirror) -> list[Mirror]:
    out = [m]
    while out[-1].parent is not None:
        out.append(out[-1].parent)
    return out


def stored(sweep: Reverse, a: Val, m: Mirror) -> Atom | None:
    """A value that the loop has just stored is read back from where it was stored."""
    op = a.op
    if op is None or op.code != "prim" or a not in op.outs or not m.is_loop or op.fn is operator.getitem:
        return None
    if m.forward not in sweep.stores:
        sweep.stores[m.forward] = stores_in(m.forward)
    for u in sweep.stores[m.forward].get(a, ()):
        k, view = index_kind(kind(u.ins[0]), u.ins[1])
        same_type = (
            isinstance(k, (Array, Scalar)) and isinstance(a.kind, (Array, Scalar)) and k.dtype == a.kind.dtype
        )
        same_size = not isinstance(k, Array) or (
            isinstance(a.kind, Array) and len(k.dims) == len(a.kind.dims)
        )
        if view and same_type and same_size and isinstance(k, Array) == isinstance(a.kind, Array):
            got = lasting_item(sweep, a, u.out, u.ins[1], m)
            if got is not None:
                return got
    return None


def stores_in(region: Region) -> dict[Atom, list[Op]]:
    """The values that a region writes to arrays, and where."""
    found: dict[Atom, list[Op]] = {}
    for u in region.ops:
        if u.code == "prim" and u.fn is ops.setitem and isinstance(kind(u.ins[0]), Array):
            if isinstance(u.ins[2], Val):
                found.setdefault(u.ins[2], []).append(u)
    return found


def lasting_item(sweep: Reverse, a: Val, version: Val, index: Atom, m: Mirror) -> Atom | None:
    """An element that is never written again is read from the buffer as the loops around it left it."""
    v: Val = version
    level: Mirror | None = m
    inside: tuple[Op, ...] = ()  # the loops that the read is in, of which it is outside now
    while level is not None and level.is_loop and sweep.home.get(v) is not level.forward:
        assert level.op is not None  # (it reads what stands still while the inner loop runs)
        inside, level = (level.op, *inside), level.parent
    if inside and (level is None or level.ground):
        return None
    while level is not None and not level.ground:
        if sweep.home.get(v) is not level.forward:
            return None
        if level.op is None or not level.is_loop:
            return None
        view = LoopView(level.op)
        for y, param, final in zip(view.yields, view.params, view.finals, strict=True):
            if isinstance(y, Val) and v in (links := chain_of(y)):
                first, after = param, final
                break
        else:
            return None
        if links[-1] is not first:
            return None
        updates = links[:-1]
        later = updates[: links.index(v)]
        around = tuple(h.op for h in upwards(level)[:0:-1] if h.op is not None and h.is_loop)
        if not untouched(index, later, updates, level.op, inside, around):
            return None
        inside = (level.op, *inside)
        v = after
        level = level.parent
    if level is None:
        return None
    base = level.rewound.get(v, v)
    here, sweep.here = sweep.here, m
    try:
        at = map_atom(lambda w: sweep.need(w), index)
        with sweep.inside(m.reverse):
            return sweep.prim(operator.getitem, [base, at], result=a.kind, view=True, hint=a.name)
    finally:
        sweep.here = here


def remade(sweep: Reverse, a: Val, m: Mirror, budget: int) -> Atom | None:
    """A few operations on what is read again from rewound buffers: cheaper than taping their result."""
    op = a.op
    if (
        op is None
        or a not in op.outs
        or op.code != "prim"
        or op.fn not in _REMADE
        or sweep.home.get(a) is not m.forward
    ):
        return None
    parts: list[Atom] = []
    rewound = False
    for x in op.ins:
        if not isinstance(x, Val):
            parts.append(x)
            continue
        if sweep.home.get(x) is not m.forward:
            if isinstance(sweep.home.get(x), Region) and not outer(sweep, x, m):
                return None
            parts.append(sweep.need(x))
            continue
        got = reread(sweep, x, m)
        if got is None and budget > 1:
            got = remade(sweep, x, m, budget - 1)
        if got is None:
            return None
        rewound = True
        parts.append(got)
    if not rewound:
        return None
    here, sweep.here = sweep.here, m
    try:
        with sweep.inside(m.reverse):
            return sweep.prim(op.fn, parts, result=a.kind, hint=a.name)
    finally:
        sweep.here = here


def outer(sweep: Reverse, v: Val, m: Mirror) -> bool:
    """Whether a value comes from outside the loop or branch of ``m``."""
    p = m.parent
    while p is not None:
        if p.forward is sweep.home.get(v):
            return True
        p = p.parent
    return False
