"""Reverse mode: the graph followed by its mirror image, in which cotangents flow backwards.

Every region has a mirrored region.  A forward value that the mirror needs is asked of ``need``; where it
comes from (in scope, recomputed, read again from a rewound buffer, taped) is decided afterwards, in
``fetch``, when dead needs are gone.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import Any

from srcdiff.analysis.activity import Activity, widest
from srcdiff.analysis.settled import untouched
from srcdiff.analysis.versions import (
    backwards,
    buffer_slots,
    chain_of,
    follow,
    is_update,
    passed_round,
    versions,
)
from srcdiff.differentiate import replay
from srcdiff.differentiate.common import (
    Builder,
    arguments,
    fn_name,
    has_zero,
    is_constant_fn,
    lost,
    name_derivative,
    never_ends,
    no_rule,
    without_zeros,
)
from srcdiff.differentiate.masks import Cover, common, flat_far_down, flat_far_out
from srcdiff.differentiate.transposes import CORE, whole
from srcdiff.errors import NoRule, Problem
from srcdiff.frontend.infer import index_kind
from srcdiff.frontend.lower import Context
from srcdiff.ir import ops
from srcdiff.ir.checkpoints import is_again, is_marked
from srcdiff.ir.graph import (
    UNDEF,
    ZERO,
    Atom,
    Const,
    Graph,
    LoopView,
    Op,
    Origin,
    Region,
    Slice,
    Struct,
    Undef,
    Val,
    clone,
    is_which,
    kind,
    map_atom,
    same,
    vals,
    walk,
    which_out,
)
from srcdiff.ir.kinds import (
    BOOL,
    OTHER,
    UNKNOWN,
    Array,
    Maybe,
    Scalar,
    Seq,
    Tree,
    derivative_kind,
    fresh_sym,
    is_active_kind,
    one_shape,
    present,
)
from srcdiff.rules import vocabulary
from srcdiff.rules.registry import lookup, shape_operands

__all__ = ["Kept", "Mirror", "Reverse", "reverse"]


@dataclass(frozen=True)
class Kept:
    """A forward value that the backward sweep uses: its name, how it is had, and the statement it is of."""

    name: str
    how: str  # "once": it stays as it is; "per trip": on a tape; "recomputed"; "read again"
    origin: Origin | None


@dataclass(eq=False)
class Mirror:
    """A forward region, the reversed region under construction, and the cotangents alive in it."""

    parent: Mirror | None
    forward: Region
    op: Op | None
    reverse: Region
    bars: dict[Val, Atom] = field(default_factory=dict)
    memo: dict[Val, Val] = field(default_factory=dict)
    accumulators: dict[Val, Val] = field(default_factory=dict)
    rewound: dict[Val, Atom] = field(default_factory=dict)
    loop: Op | None = None  # the reversed loop
    index: Val | None = None
    ground: bool = False  # what is mirrored stands in the reversed region itself: all of it is in scope
    block: Op | None = None  # which says that loops here are run again from snapshots

    @property
    def is_loop(self) -> bool:
        return self.op is not None and self.op.code in ("for", "while")


def reverse(
    graph: Graph, wrt: list[Val], ctx: Context, seed: Any, finish: bool = True
) -> tuple[Graph, list[Atom], Reverse]:
    """The graph with its backward sweep: returns it, the cotangents of ``wrt`` and the builder.

    ``seed(builder, results)`` gives the cotangents of the results.  Without ``finish`` the cotangents are
    left with the builder, where those that are zero are missing.
    """
    g, table = clone(graph)
    r = Reverse(ctx, g, [table[w] for w in wrt])
    r.seed(seed(r, g.region.results))
    r.back(r.body, r.root)
    if r.refused:
        raise NoRule(*dict.fromkeys(r.refused))
    if not finish:
        return g, [], r
    bars = [r.take_final(table[w]) for w in wrt]
    return g, bars, r


class Reverse(Builder):
    """Builds the backward sweep behind the forward sweep, in the same graph."""

    def __init__(self, ctx: Context, graph: Graph, wrt: list[Val]) -> None:
        super().__init__(ctx, graph)
        found = Activity(graph, wrt, is_constant_fn)
        self.varied, self.lost = found.varied, found.lost
        self.home: dict[Val, Region] = {}
        self.locate(graph.region)
        self.body = list(graph.region.ops)
        self.root = Mirror(None, graph.region, None, graph.region, ground=True)
        self.here = self.root
        self.mirrors: list[Mirror] = []
        self.superseded = versions(graph.region)
        self.refused: list[Problem] = []
        self.again: list[tuple[Atom, Val]] = []  # what was read again, and for which value
        self.kept: list[Kept] = []  # for the report
        self.spared = set(self.body)  # what is run forwards, also again: settling needs may still want it

    def locate(self, region: Region) -> None:
        for p in region.params:
            self.home[p] = region
        for op in region.ops:
            for o in op.outs:
                self.home[o] = region
            for r in op.regions:
                self.locate(r)

    # ---- cotangents
    def seed(self, seeds: list[tuple[Atom, Atom]]) -> None:
        for value, bar in seeds:
            self.accumulate(value, bar)

    def local(self, v: Val, m: Mirror) -> bool:
        return self.home[v] is m.forward

    def peek(self, v: Val, m: Mirror) -> Atom | None:
        """The cotangent of ``v`` so far, seen from ``m``; a loop opens an accumulator for an outer value."""
        if v in m.bars:
            return m.bars[v]
        if self.local(v, m) or m.parent is None:
            return None
        if m.is_loop:
            p = Val(f"{v.name}_bar", derivative_kind(v.kind), m.loop, v.user)
            m.accumulators[v] = p
            m.bars[v] = p
            return p
        return self.peek(v, m.parent)

    def accumulate(self, value: Atom, bar: Atom) -> None:
        """Add to the cotangent of a value."""
        if bar is ZERO or (isinstance(bar, Const) and bar.value is None):
            return
        if isinstance(value, Struct):
            if isinstance(bar, Val) and bar.kind == UNKNOWN and value.type is tuple and value.items:
                bar = self.parts(bar, value)
            for n, item in enumerate(value.items):
                if any(v in self.varied for v in vals([item])):
                    self.accumulate(item, self.bar_item(bar, value, n))
            return
        if not isinstance(value, Val) or value not in self.varied or not is_active_kind(value.kind):
            return
        m = self.here
        if isinstance(value.kind, Tree) and isinstance(bar, Struct):
            old = self.peek(value, m)
            m.bars[value] = bar if old is None else self.merge(old, bar)
            return
        old = self.peek(value, m)
        k = present(value.kind)
        if kind(bar) == UNKNOWN and isinstance(k, (Array, Scalar)):
            bar = self.rule(vocabulary.real_like, {"g": bar, "x": self.need(value)})
        bar = self.fit_type(bar, value)
        if isinstance(bar, Val) and isinstance(k, Array) and isinstance(bar.kind, Array):
            if bar.kind.dtype == k.dtype and len(bar.kind.dims) == len(k.dims):
                bar.kind = k  # a cotangent has the shape of what it belongs to
        new = bar if old is None else self.plus(old, bar, "")
        name_derivative(new, value, "_bar")
        m.bars[value] = new

    def parts(self, bar: Val, value: Struct) -> Struct:
        """The cotangent of a saved tuple, part by part."""
        op = Op("unpack", [bar])
        op.outs = [Val("", kind(x) if self.active(x) else UNKNOWN, op) for x in value.items]
        self.add(op)
        return Struct(tuple, value.keys, tuple(op.outs))

    def bar_item(self, bar: Atom, value: Struct, n: int) -> Atom:
        if isinstance(bar, Struct):
            return bar.items[n]
        index = value.keys[n]
        if isinstance(bar, Val) and isinstance(bar.kind, Tree):
            return self.getitem(bar, Const(bar.kind.keys[n]))
        if value.type not in (tuple, list, dict) and not issubclass(value.type, tuple):
            return self.prim(ops.getfield, [bar, Const(index)], result=UNKNOWN, view=True)
        return self.getitem(bar, Const(index))

    def merge(self, old: Atom, new: Atom) -> Atom:
        if isinstance(old, Struct) and isinstance(new, Struct):
            return Struct(
                old.type,
                old.keys,
                tuple(
                    self.merge(a, b) if a is not ZERO and b is not ZERO else b if a is ZERO else a
                    for a, b in zip(old.items, new.items, strict=True)
                ),
            )
        return self.plus(old, new)

    def take(self, v: Val) -> Atom | None:
        """The cotangent of a value at its definition; it is used up there."""
        return self.here.bars.pop(v, None)

    def full(self, v: Val) -> Atom:
        got = self.peek(v, self.here)
        return (
            self.materialise(got, self.need(v))
            if needs_shape(v, got)
            else got
            if got is not None
            else Const(0.0)
        )

    def take_final(self, w: Val) -> Atom:
        """The cotangent of an argument when all is done."""
        got = self.root.bars.pop(w, None)
        if isinstance(w.kind, Tree) and not isinstance(got, Val):
            return self.materialise(got if got is not None else ZERO, w)
        return self.materialise(got, w)

    # ---- forward values
    def at_hand(self, v: Val) -> Atom:
        return self.need(v)

    def need(self, a: Atom) -> Atom:
        """A forward value, for use in the mirror."""
        if not isinstance(a, Val):
            return map_atom(lambda v: self.need(v), a) if isinstance(a, (Struct, Slice)) else a
        m: Mirror | None = self.here
        home = self.home.get(a)
        if home is None:
            return a  # made by the backward sweep itself
        while m is not None and m.forward is not home:
            m = m.parent
        if m is None:
            return a
        if m.ground:
            return self.ground_value(a, m)
        again = self.stored(a, m)
        if again is None:
            again = self.reread(a, m)
        if again is None:
            again = self.remade(a, m, 3)
        if again is not None:
            self.again.append((again, a))
            return again
        if a not in m.memo:
            v = Val(a.name, a.kind, None, a.user)
            v.op = Op("need", [], [v], [], {"value": a, "mirror": m}, None)
            m.reverse.ops.append(v.op)
            m.memo[a] = v
        return m.memo[a]

    def alike(self, a: Atom) -> Atom:
        """What has the shape and type of a forward value: it may be in scope where the value is not."""
        if isinstance(a, Val) and isinstance(a.kind, Array) and a.kind.dims:
            at = self.mirror_of(a)
            if at is not None and not at.ground:
                found = self.shaped(a)
                k = kind(found) if found is not None else None
                if isinstance(k, Array) and k.dtype == a.kind.dtype and len(k.dims) == len(a.kind.dims):
                    return found  # type: ignore[return-value]
        return self.need(a)

    def mirror_of(self, a: Val) -> Mirror | None:
        """The mirror of the region that a forward value is of, if that is around here."""
        home = self.home.get(a)
        m: Mirror | None = self.here if home is not None else None
        while m is not None and m.forward is not home:
            m = m.parent
        return m

    def shaped(self, a: Val) -> Atom | None:
        """A value in scope, or a part of one, of the shape and type of an array: writes change neither."""
        *_, a = backwards(a)  # the first of the versions of one array
        m = self.mirror_of(a)
        if m is None:
            return None
        if m.ground:
            return self.newest(a, m)
        op = a.op
        if op is None:
            return None
        if op.code in ("for", "while") and a not in op.outs:
            view = LoopView(op)
            if a not in view.params:
                return None
            j = view.params.index(a)
            y, start = view.yields[j], view.inits[j]
            if not isinstance(y, Val) or not isinstance(start, Val) or a not in backwards(y):
                return None
            return self.shaped(start)
        if op.code != "prim" or a not in op.outs:
            return None
        if op.fn is operator.getitem:
            base = op.ins[0]
            if not isinstance(base, Val) or not isinstance(base.kind, Array) or not op.attrs.get("view"):
                return None
            whole = self.shaped(base)
            if whole is None:
                return None
            index = map_atom(lambda v: self.need(v), op.ins[1])
            return self.prim(operator.getitem, [whole, index], result=a.kind, view=True, hint=a.name)
        entry, found = lookup(op.fn), a.kind
        if entry is None or entry.elementwise is None or not isinstance(found, Array):
            return None
        arrays = [v for v in op.ins if not isinstance(kind(v), Scalar)]
        for v in arrays:
            k = kind(v)
            if not isinstance(v, Val) or not isinstance(k, Array) or k != a.kind:
                continue
            if len(arrays) == 1 or one_shape(k, a.kind):
                return self.shaped(v)
        kinds = [kind(v) for v in arrays]
        if len(kinds) != 2 or any(not isinstance(k, Array) or k.dtype != found.dtype for k in kinds):
            return None
        if found.dtype[0] not in "fc":
            return None
        both = [self.shaped(v) if isinstance(v, Val) else None for v in arrays]
        if any(v is None for v in both):
            return None
        return self.prim(operator.add, [v for v in both if v is not None], result=a.kind)

    def newest(self, a: Val, m: Mirror) -> Val:
        """The last version of an array before the sweep turned: the one that keeps no other alive."""
        for op in self.body:
            if op.code == "prim" and is_update(op) and op.ins[0] is a:
                a = op.out
            elif op.code in ("for", "while"):
                view = LoopView(op)
                for start, f in zip(view.inits, view.finals, strict=True):
                    if start is a and a in backwards(f):
                        a = f
                        break
        return a

    def ground_value(self, a: Val, m: Mirror) -> Atom:
        """A value that is in scope: as it is, or as it was before it was written over."""
        if a in m.rewound:
            return m.rewound[a]
        again = self.reread(a, m)
        return again if again is not None else a

    def reread(self, a: Val, m: Mirror) -> Atom | None:
        """Read a value again from a buffer that has been rewound to what it was."""
        if a in m.rewound:
            return m.rewound[a]
        op = a.op
        if op is None or op.code != "prim" or op.fn is not operator.getitem or a not in op.outs:
            return None
        base = op.ins[0]
        if not isinstance(base, Val) or base not in self.superseded:
            return None
        if not m.ground and not any(base in h.rewound for h in self.upwards(m)):
            return self.lasting(a, base, op.ins[1], m)
        if m.ground and isinstance(a.kind, Scalar):
            return None
        holder: Mirror | None = m
        while holder is not None and base not in holder.rewound:
            holder = holder.parent
        if holder is None or self.home.get(base) is not holder.forward:
            return None
        if not m.ground:
            lasting = self.lasting(a, base, op.ins[1], m)
            if lasting is not None:
                return lasting
        here, self.here = self.here, m
        try:
            index = map_atom(lambda v: self.need(v), op.ins[1])
            with self.inside(m.reverse):
                return self.prim(
                    operator.getitem,
                    [holder.rewound[base], index],
                    result=a.kind,
                    view=op.attrs.get("view"),
                    hint=a.name,
                )
        finally:
            self.here = here

    def upwards(self, m: Mirror) -> list[Mirror]:
        out = [m]
        while out[-1].parent is not None:
            out.append(out[-1].parent)
        return out

    def stored(self, a: Val, m: Mirror) -> Atom | None:
        """A value that the loop has just stored is read back from where it was stored."""
        op = a.op
        if op is None or op.code != "prim" or a not in op.outs or not m.is_loop or op.fn is operator.getitem:
            return None
        for u in m.forward.ops:
            if (
                u.code == "prim"
                and u.fn is ops.setitem
                and u.ins[2] is a
                and isinstance(kind(u.ins[0]), Array)
            ):
                k, view = index_kind(kind(u.ins[0]), u.ins[1])
                same_type = (
                    isinstance(k, (Array, Scalar))
                    and isinstance(a.kind, (Array, Scalar))
                    and k.dtype == a.kind.dtype
                )
                same_size = not isinstance(k, Array) or (
                    isinstance(a.kind, Array) and len(k.dims) == len(a.kind.dims)
                )
                if view and same_type and same_size and isinstance(k, Array) == isinstance(a.kind, Array):
                    got = self.lasting(a, u.out, u.ins[1], m)
                    if got is not None:
                        return got
        return None

    def lasting(self, a: Val, version: Val, index: Atom, m: Mirror) -> Atom | None:
        """An element that is never written again is read from the buffer as the loops around it left it."""
        v: Val = version
        level: Mirror | None = m
        while level is not None and not level.ground:
            if self.home.get(v) is not level.forward:
                return None
            if level.op is None or not level.is_loop:
                return None
            view = LoopView(level.op)
            for y, param, final in zip(view.yields, view.params, view.finals, strict=True):
                if isinstance(y, Val) and v in (links := chain_of(y, view.body)):
                    first, after = param, final
                    break
            else:
                return None
            if links[-1] is not first:
                return None
            updates = [q.op for q in links[:-1] if q.op is not None]
            later = updates[: links.index(v)]
            if not untouched(index, later, updates, level.op):
                return None
            v = after
            level = level.parent
        if level is None:
            return None
        base = level.rewound.get(v, v)
        here, self.here = self.here, m
        try:
            at = map_atom(lambda w: self.need(w), index)
            with self.inside(m.reverse):
                return self.prim(operator.getitem, [base, at], result=a.kind, view=True, hint=a.name)
        finally:
            self.here = here

    def remade(self, a: Val, m: Mirror, budget: int) -> Atom | None:
        """A few operations on what is read again from rewound buffers: cheaper than taping their result."""
        op = a.op
        if (
            op is None
            or a not in op.outs
            or op.code != "prim"
            or op.fn not in _REMADE
            or self.home.get(a) is not m.forward
        ):
            return None
        parts: list[Atom] = []
        rewound = False
        for x in op.ins:
            if not isinstance(x, Val):
                parts.append(x)
                continue
            if self.home.get(x) is not m.forward:
                if isinstance(self.home.get(x), Region) and not self.outer(x, m):
                    return None
                parts.append(self.need(x))
                continue
            got = self.reread(x, m)
            if got is None and budget > 1:
                got = self.remade(x, m, budget - 1)
            if got is None:
                return None
            rewound = True
            parts.append(got)
        if not rewound:
            return None
        here, self.here = self.here, m
        try:
            with self.inside(m.reverse):
                return self.prim(op.fn, parts, result=a.kind, hint=a.name)
        finally:
            self.here = here

    def outer(self, v: Val, m: Mirror) -> bool:
        """Whether a value comes from outside the loop or branch of ``m``."""
        p = m.parent
        while p is not None:
            if p.forward is self.home.get(v):
                return True
            p = p.parent
        return False

    # ---- the sweep
    def back(self, ops_: list[Op], m: Mirror) -> None:
        for op in reversed(ops_):
            old, self.origin = self.origin, adjoint_of(op.origin, op)
            self.here = m
            with self.inside(m.reverse):
                self.step(op, m)
            self.origin = old
            self.here = m

    def step(self, op: Op, m: Mirror) -> None:
        if op.code in ("if", "try"):
            self.back_if(op, m)
        elif is_again(op):
            replay.back_block(self, op, m)
        elif op.code == "with":
            self.back_with(op, m)
        elif op.code in ("for", "while"):
            if m.block is not None:
                replay.back_loop(self, op, m, m.block)
            else:
                self.back_loop(op, m)
        elif op.code == "prim":
            self.rewind(op, m)
            if op.out in self.varied:
                bar = self.take(op.out)
                if bar is not None:
                    self.back_or_note(op, bar)
        elif op.code == "call":
            self.back_call(op, m)
        elif op.code == "unpack":
            self.back_unpack(op)

    # ---- functions that call themselves
    def back_call(self, op: Op, m: Mirror) -> None:
        """The call becomes that of the forward half of a pair; here stands that of the backward half."""
        callee = op.attrs["graph"]
        active = tuple(i for i, a in enumerate(op.ins) if is_active_kind(kind(a)) and self.active(a))
        if not active or not any(o in m.bars for o in op.outs):
            return
        for o in op.outs:
            if o in self.lost and o in m.bars:
                raise lost(op, self.lost[o])
        wide = widest(callee, active, is_constant_fn)
        forward, backward = self.ctx.pullback_of(callee, wide)
        bars: list[Atom] = []
        for o, k in zip(op.outs, callee.info["results"], strict=True):
            if is_active_kind(k):
                bar = self.take(o)
                bars.append(
                    self.materialise(bar, self.need(o)) if needs_shape(o, bar) or bar is None else bar
                )
        saved = Val(f"{callee.name}_saved", UNKNOWN, op)
        op.outs.append(saved)
        op.attrs = {**op.attrs, "graph": forward}
        self.home[saved] = m.forward
        new = Op("call", [self.need(saved), *bars], attrs={"graph": backward})
        params = callee.region.params
        new.outs = [
            Val("", derivative_kind(kind(op.ins[i] if i in active else params[i])), new) for i in wide
        ]
        self.add(new)
        for i, v in zip(wide, new.outs, strict=True):
            if i in active:
                self.accumulate(op.ins[i], v)

    def back_unpack(self, op: Op) -> None:
        bars = [self.take(o) if o in self.varied else None for o in op.outs]
        if all(b is None for b in bars):
            return
        items = tuple(
            self.materialise(b, self.need(o)) if is_active_kind(o.kind) else Const(None)
            for b, o in zip(bars, op.outs, strict=True)
        )
        self.accumulate(op.ins[0], Struct(tuple, tuple(range(len(items))), items))

    # ---- rewinding
    def rewind(self, op: Op, m: Mirror) -> None:
        """Undo an update: the version before it, from the version after it and what it overwrote."""
        if op.fn not in (ops.setitem, ops.additem) and not op.attrs.get("aug"):
            return
        before = op.ins[0]
        if not isinstance(before, Val) or before not in self.superseded or not isinstance(before.kind, Array):
            return
        after = m.rewound.get(op.out)
        if after is None:
            if not m.ground:
                return
            after = op.out
        if op.attrs.get("aug") or whole(op.ins[1]):
            m.rewound[before] = self.logged(before, op, m, None)
            return
        old = self.logged(before, op, m, op.ins[1])
        index = self.need(op.ins[1])
        back = self.prim(ops.setitem, [after, index, old], result=before.kind, hint=before.name)
        if isinstance(back, Val):
            back.name, back.user = before.name, before.user
        m.rewound[before] = back

    def logged(self, before: Val, op: Op, m: Mirror, index: Atom | None) -> Atom:
        """What an update overwrites, saved in the forward sweep just before it."""
        at = m.forward.ops.index(op)
        if index is None:
            made = Op("prim", [before], attrs={"fn": ops.copied}, origin=op.origin)
            v = Val(f"{before.name}_old", before.kind, made)
        else:
            k, view = index_kind(before.kind, index)
            made = Op("prim", [before, index], attrs={"fn": operator.getitem, "view": view}, origin=op.origin)
            v = Val(f"{before.name}_old", k, made)
        made.outs.append(v)
        m.forward.ops.insert(at, made)
        self.home[v] = m.forward
        if index is not None and isinstance(v.kind, (Array, Seq)) and made.attrs["view"]:
            copy = Op("prim", [v], attrs={"fn": ops.copied}, origin=op.origin)
            v = Val(v.name, v.kind, copy)
            copy.outs.append(v)
            m.forward.ops.insert(at + 1, copy)
            self.home[v] = m.forward
        if m.ground:
            return v
        w = Val(v.name, v.kind, None, v.user)
        w.op = Op("need", [], [w], [], {"value": v, "mirror": m, "tape": True}, None)
        m.reverse.ops.append(w.op)
        m.memo[v] = w
        return w

    def measured(self, a: Atom, op: Op) -> Atom:
        """The length of an operand, taken in the forward sweep: the operand itself need not be kept."""
        m = self.here
        made = Op("prim", [a], attrs={"fn": len}, origin=op.origin)
        v = Val("n", Scalar("i8", True, fresh_sym()), made)
        made.outs.append(v)
        m.forward.ops.insert(m.forward.ops.index(op), made)
        self.home[v] = m.forward
        return self.need(v)

    # ---- operations
    def back_prim(self, op: Op, bar: Atom) -> None:
        if op.out in self.lost:
            raise lost(op, self.lost[op.out])
        if never_ends(op):
            return
        handler = CORE.get(op.fn)
        if handler is not None and handler(self, op, bar):
            return
        entry = lookup(op.fn)
        if entry is None or not entry.forms:
            raise no_rule(
                op, f"{fn_name(op)} has no derivative rule", "give it a rule, or keep the variable out of it"
            )
        turned = entry.differential is not None and entry.forms == ("differential",)
        bar = bar if turned else self.materialise_out(op, bar)  # (the transpose takes symbolic zeros)
        if entry.pullback is not None:
            self.transposed(op, bar, entry.pullback)
        elif entry.elementwise is not None:
            self.elementwise(op, bar, entry.elementwise)
        elif entry.bilinear is not None:
            self.transposed(op, bar, entry.bilinear)
        elif entry.linear is not None:
            self.transposed(op, bar, entry.linear)
        elif entry.differential is not None:
            self.turned(op, bar, entry.differential)

    def back_or_note(self, op: Op, bar: Atom) -> None:
        """Go back through an operation; if it has no derivative, note that and look for more of the kind."""
        try:
            self.back_prim(op, bar)
        except NoRule as e:
            self.refused[:0] = e.problems
            for v in vals(op.ins):
                if v in self.varied:
                    self.accumulate(v, self.materialise(ZERO, self.need(v)))

    def materialise_out(self, op: Op, bar: Atom) -> Atom:
        if isinstance(bar, Struct) and has_zero(bar):
            out = self.need(op.out)
            return self.materialise(bar, out)
        return bar

    def active(self, a: Atom) -> bool:
        return any(v in self.varied for v in vals([a]))

    def elementwise(self, op: Op, bar: Atom, rule: Any) -> None:
        given = arguments(op, rule)
        needed = {n: self.need(a) for n, a in given.items()}
        partials = self.rule(rule.text, {**needed, "out": self.need(op.out)})
        parts = partials.items if isinstance(partials, Struct) and partials.type is tuple else (partials,)
        if (
            len(parts) == 2
            and same(parts[0], parts[1])
            and len(given) == 2
            and same(*given.values())
            and self.active(op.ins[0])
        ):
            doubled = self.times(Const(2.0), parts[0])  # op(x, x): both partials at once
            self.accumulate(op.ins[0], self.unbroadcast(bar, self.alike(op.ins[0]), doubled))
            return
        for name, p in zip(rule.operands, parts, strict=True):
            if name not in given or not self.active(given[name]):
                continue
            if isinstance(p, Const) and p.value is None:
                raise no_rule(
                    op, f"{fn_name(op)} has no derivative with respect to {name!r}", f"pass a constant {name}"
                )
            flat, low = flat_far_out(op.fn, name, needed), flat_far_down(op.fn, name, given)
            self.accumulate(given[name], self.unbroadcast(bar, self.alike(given[name]), p, flat, low))

    def transposed(self, op: Op, bar: Atom, rule: Any) -> None:
        given = arguments(op, rule)
        for name, a in given.items():
            passive = name in shape_operands(op.fn) or name == "saved"
            if name not in rule.operands and self.active(a) and not passive:
                raise no_rule(
                    op, f"{fn_name(op)} has no derivative with respect to {name!r}", f"pass a constant {name}"
                )
        needed = {n: self.need(a) for n, a in given.items()}
        bars = self.rule(rule.text, {**needed, "out": self.need(op.out), "out_bar": bar})
        several = len(rule.operands) > 1
        for n, name in enumerate(rule.operands):
            if name in given and self.active(given[name]):
                b = self.getitem(bars, Const(n)) if several else bars
                low = flat_far_down(op.fn, name, given)
                self.accumulate(given[name], b if low is None else self.weakly(b, (self.low_cover(low),)))

    def turned(self, op: Op, bar: Atom, rule: Any) -> None:
        """The cotangents from a differential: it is linear in the tangents, so its text can be transposed."""
        given = arguments(op, rule)
        active = [n for n, a in given.items() if self.active(a) and n not in shape_operands(op.fn)]
        for name in active:
            if name not in rule.operands:
                raise no_rule(
                    op, f"{fn_name(op)} has no derivative with respect to {name!r}", f"pass a constant {name}"
                )
        needed: dict[str, Atom] = {n: self.need(a) for n, a in given.items()}
        needed["out"] = self.need(op.out)
        needed.update({f"{n}_dot": ZERO for n in rule.operands if n not in active})
        unknown = {f"{n}_dot": given[n] for n in active}
        bars = self.ctx.turn(self, op, rule.text, needed, unknown, bar)
        for name in active:
            self.accumulate(given[name], bars[f"{name}_dot"])

    # ---- branches
    def back_if(self, op: Op, m: Mirror) -> None:
        bars, updates = self.coming(op, m)
        if not bars and not updates:
            return
        only = op.attrs.get("only")
        if only is not None:  # every other path raises, and what has raised is not gone back over
            branches = self.mirrored(op, [op.regions[only]], bars, updates, m)
            new = Op("with", [], [], [b.reverse for b in branches], {}, adjoint_of(op.origin))
            self.leave(op, new, branches, bars, updates, m)
            return
        cond = self.need(op.ins[0]) if op.code == "if" else self.ran(op)
        branches = self.mirrored(op, op.regions, bars, updates, m)
        new = Op("if", [cond], [], [b.reverse for b in branches], {}, adjoint_of(op.origin))
        self.leave(op, new, branches, bars, updates, m)

    def ran(self, op: Op) -> Atom:
        """Whether the body of a ``try`` ran to its end."""
        which = which_out(op)
        self.home.setdefault(which, self.home[op.outs[0]])
        return self.prim(ops.exit_is, [self.need(which), Const(0)], hint="ok")

    def back_with(self, op: Op, m: Mirror) -> None:
        """The mirror of a block: under a manager of its own if that changes how arithmetic is done."""
        bars, updates = self.coming(op, m)
        if not bars and not updates:
            return
        block = op if is_marked(op) else None
        branches = self.mirrored(op, op.regions, bars, updates, m, block)
        new = Op("with", [], [], [b.reverse for b in branches], {}, adjoint_of(op.origin))
        if op.fn is not None and block is None:
            new.ins, new.attrs = [self.need(a) for a in op.ins], dict(op.attrs)
            branches[0].reverse.params.append(Val("entered", OTHER, new))
        self.leave(op, new, branches, bars, updates, m)

    def coming(self, op: Op, m: Mirror) -> tuple[dict[int, Atom | None], list[int]]:
        """The cotangents of an operation's results, and which of these are versions to be undone."""
        bars = {n: self.take(v) for n, v in enumerate(op.outs) if v in self.varied and v in m.bars}
        updates = [
            n for n, v in enumerate(op.outs) if isinstance(v.kind, Array) and self.chain(op, n) is not None
        ]
        for n in updates:
            if op.outs[n] not in m.rewound and m.ground:
                m.rewound[op.outs[n]] = op.outs[n]
        return bars, updates

    def mirrored(
        self,
        op: Op,
        regions: list[Region],
        bars: dict[int, Atom | None],
        updates: list[int],
        m: Mirror,
        block: Op | None = None,
    ) -> list[Mirror]:
        """The mirrors of an operation's regions; ``block``: whose mark loops in them have."""
        branches: list[Mirror] = []
        for r in regions:
            body = list(r.ops)
            b = Mirror(m, r, op, Region(), block=m.block if block is None else block)
            self.mirrors.append(b)
            self.here = b
            with self.inside(b.reverse):
                for n, bar in bars.items():
                    if not isinstance(r.results[n], Undef) and bar is not None:
                        self.accumulate(r.results[n], bar)
            for n in updates:
                res = r.results[n]
                if isinstance(res, Val) and op.outs[n] in m.rewound and self.home.get(res) is r:
                    b.rewound[res] = m.rewound[op.outs[n]]
            self.back(body, b)
            branches.append(b)
        self.here = m
        return branches

    def leave(
        self,
        op: Op,
        new: Op,
        branches: list[Mirror],
        bars: dict[int, Atom | None],
        updates: list[int],
        m: Mirror,
    ) -> None:
        """What the mirrors of an operation's regions leave: cotangents, and versions undone."""
        touched = [v for b in branches for v in b.bars if self.home[v] is not b.forward]
        for v in dict.fromkeys(touched):
            base = self.peek(v, m)
            results: list[Atom] = []
            zero = [b.bars.get(v, base) is None for b in branches]
            for k, b in enumerate(branches):
                self.here = b
                with self.inside(b.reverse):
                    got = b.bars.get(v, base)
                    if got is None and len(branches) > 1 and undefined(v, op, k):
                        results.append(UNDEF)
                        continue
                    if got is None and is_none(v, op, k):
                        results.append(self.of_none(v, bars))
                        continue
                    like = self.of_kind(v, op, bars) if got is None else None
                    if like is not None:
                        got = self.zero(like)
                    results.append(
                        self.materialise(got, self.need(v)) if got is None or isinstance(got, Struct) else got
                    )
            self.here = m
            self.join(new, v, results, m)
            covers = self.left_zero(results, zero, branches)
            if new.code == "if" and zero[0] is not zero[1]:
                covers = (self.where_cover(new.ins[0], zero[1]), *covers)
            self.weakly(m.bars[v], covers)
        for n in updates:
            before = self.chain(op, n)
            if before is None or op.outs[n] not in m.rewound:
                continue
            results = [b.rewound.get(before, m.rewound[op.outs[n]]) for b in branches]
            out = Val(before.name, before.kind, new, before.user)
            for b, a in zip(branches, results, strict=True):
                b.reverse.results.append(a)
            new.outs.append(out)
            m.rewound[before] = out
        for b in branches:
            b.loop = new
        m.reverse.ops.append(new)

    def left_zero(
        self, results: list[Atom], zero: list[bool], branches: list[Mirror]
    ) -> tuple[Cover, ...]:
        """Where the cotangents that two branches leave are zero, as can be told outside them."""
        covers = common(*(self.mask(a) for a, z in zip(results, zero, strict=True) if not z))
        inside = {o for b in branches for op in walk(b.reverse) for o in op.outs}
        return tuple(c for c in covers if c.low is None and not any(v in inside for v in vals(c.on)))

    def of_none(self, v: Val, bars: dict[int, Atom | None]) -> Atom:
        """The cotangent of what is None here: never read, but of the kind that it has elsewhere."""
        k = present(v.kind)
        if isinstance(k, Seq):
            return Struct(list, (), ())
        like = (b for b in bars.values() if isinstance(b, Val) and isinstance(k, Array) and b.kind == k)
        bar = next(like, None)
        return Const(0.0) if bar is None else self.zero(bar)

    def of_kind(self, v: Val, op: Op, bars: dict[int, Atom | None]) -> Val | None:
        """A cotangent at hand of the shape of ``v``, which one of the regions hands on."""
        for n, bar in bars.items():
            passed = any(r.results[n] is v for r in op.regions)
            if passed and isinstance(bar, Val) and isinstance(v.kind, Array) and bar.kind == v.kind:
                return bar
        return None

    def join(self, new: Op, v: Val, results: list[Atom], m: Mirror) -> None:
        """A cotangent that all branches leave."""
        if all(isinstance(x, Struct) for x in results) and isinstance(v.kind, Tree):
            items: list[Atom] = []
            for n, k in enumerate(v.kind.items):
                parts = [x.items[n] for x in results if isinstance(x, Struct)]
                if all(isinstance(p, Const) and p.value is None for p in parts):
                    items.append(Const(None))
                    continue
                out = Val(f"{v.name}_{v.kind.keys[n]}_bar", derivative_kind(k), new, v.user)
                for r, p in zip(new.regions, parts, strict=True):
                    r.results.append(p)
                new.outs.append(out)
                items.append(out)
            m.bars[v] = Struct(v.kind.type, v.kind.keys, tuple(items))
            return
        out = Val(f"{v.name}_bar", derivative_kind(v.kind), new, v.user)
        for r, a in zip(new.regions, results, strict=True):
            r.results.append(a)
        new.outs.append(out)
        m.bars[v] = out

    def chain(self, op: Op, n: int) -> Val | None:
        """The version before the branch of which result ``n`` is a later version, if all branches agree."""
        starts = [follow(r.results[n], r) for r in op.regions]
        if (
            starts[0] is None
            or any(s is not starts[0] for s in starts)
            or all(r.results[n] is starts[0] for r in op.regions)
        ):
            return None
        return starts[0] if starts[0] in self.superseded else None

    # ---- loops
    def back_loop(self, op: Op, m: Mirror) -> None:
        view = LoopView(op)
        finals = {j: self.take(f) for j, f in enumerate(view.finals) if f in self.varied and f in m.bars}
        tapes = {j: self.take(t) for j, t in enumerate(view.tapes) if t in self.varied and t in m.bars}
        rewinds = sorted(buffer_slots(view))
        if not finals and not tapes and not rewinds:
            return
        carried = [j for j in range(view.carried) if view.params[j] in self.varied]
        body = list(view.body.ops)
        new = Op(
            "for",
            [],
            [],
            [],
            {"head": 3, "rev": True, "dirs": (), "exits": (), "aligned": True},
            adjoint_of(op.origin),
        )
        r = Region()
        b = Mirror(m, view.body, op, r, loop=new)
        self.mirrors.append(b)
        header, rev = self.header(op, view)
        new.attrs["rev"] = rev
        name = view.index.name if op.code == "for" and view.index.name != "_" else "k"
        index = Val(name, Scalar("i8", True, fresh_sym()), new, op.code == "for" and view.index.user)
        b.index = index
        first = {j: finals.get(j) for j in carried if left_behind(view, j)}
        carried = [j for j in carried if j not in first]
        inits = [self.materialise(finals.get(j), self.need(view.finals[j])) for j in carried]
        params = {
            j: Val(f"{p.name}_bar", derivative_kind(p.kind), new, p.user)
            for j, p in enumerate(view.params)
            if j in carried
        }
        rew_params: dict[int, Val] = {}
        rew_inits: list[Atom] = []
        known = {j for j in rewinds if view.finals[j] in m.rewound or m.ground}
        for j in sorted(passed_round(view, known)):
            f, y = view.finals[j], view.yields[j]
            assert isinstance(y, Val)
            p = Val(view.params[j].name, view.params[j].kind, new, view.params[j].user)
            rew_params[j] = p
            rew_inits.append(m.rewound.get(f, f))
            b.rewound[y] = p
        elements: list[tuple[Atom, int, Val]] = []
        self.here = b
        with self.inside(r):
            for j, p in params.items():
                y = view.yields[j]
                if isinstance(y, (Val, Struct)):
                    self.accumulate(y, p)
            flag = Val("last", BOOL, new)
            for j, final in first.items():
                self.last_only(view, j, flag, final)
            for j, bar in tapes.items():
                t = view.tapes[j]
                assert isinstance(t.kind, Seq) and bar is not None
                e = Val(f"{t.name}_bar" if t.name else "", derivative_kind(t.kind.elem), new, t.user)
                elements.append((bar, -1, e))
                self.accumulate(view.collected[j], e)
        self.back(body, b)
        self.here = b
        with self.inside(r):
            yields = [self.leave_loop(view.params[j], view.yields[j], params[j], b) for j in carried]
            rew_yields = [b.rewound[view.params[j]] for j in rew_params]
            collected = self.element_bars(op, view, b)
        self.here = m
        lead = [
            *zip(params.values(), inits, yields, strict=True),
            *zip(rew_params.values(), rew_inits, rew_yields, strict=True),
        ]
        if any(bar is not None for bar in first.values()):
            lead.append((flag, Const(True), Const(False)))
        outs = self.close_loop(b, header, lead, elements)
        bars_out = [outs.pop(0) for _ in carried]
        for j in rew_params:
            out = outs.pop(0)
            i = view.inits[j]
            if isinstance(i, Val):
                m.rewound[i] = out
        for j, out in zip(carried, bars_out, strict=True):
            if isinstance(view.inits[j], (Val, Struct)):
                self.accumulate(view.inits[j], out)
        for s, value, direction in collected:
            t = LoopView(new).add_tape(
                value, f"{s.name}_bar" if isinstance(s, Val) and s.name else "", derivative_kind(kind(value))
            )
            t.user = isinstance(s, Val) and s.user
            self.accumulate(s, t if direction == -1 else self.flipped(t))

    def close_loop(
        self,
        b: Mirror,
        header: list[Atom],
        lead: list[tuple[Val, Atom, Atom]],
        elements: list[tuple[Atom, int, Val]],
    ) -> list[Val]:
        """Give a reversed loop its variables (parameter, start, end of a trip) and the cotangents of outer
        values that it adds to; returns what the variables are after it."""
        m, new, r = b.parent, b.loop, b.reverse
        assert m is not None and new is not None and b.index is not None
        accs = [(v, p) for v, p in b.accumulators.items() if b.bars.get(v) is not p]
        acc_inits = []
        for v, _ in accs:
            outer = self.peek(v, m)
            acc_inits.append(self.materialise(outer, self.need(v)))
        r.params = [
            b.index,
            *(p for p, _, _ in lead),
            *(p for _, p in accs),
            *(e for _, _, e in elements),
        ]
        r.results = [*(y for _, _, y in lead), *(b.bars[v] for v, _ in accs)]
        new.attrs["carried"] = len(lead) + len(accs)
        new.ins = [*header, *(i for _, i, _ in lead), *acc_inits, *(s for s, _, _ in elements)]
        new.attrs["dirs"] = tuple(d for _, d, _ in elements)
        new.regions = [r]
        new.outs = [
            Val(p.name, p.kind, new, p.user) for p in [*(p for p, _, _ in lead), *(p for _, p in accs)]
        ]
        new.outs.append(Val("trips", Scalar("i8", True, fresh_sym()), new))
        rest = {v: b.accumulators[v] for v in b.accumulators if b.bars.get(v) is b.accumulators[v]}
        swap = {p: self.peek(v, m) for v, p in rest.items()}
        if any(s is not None for s in swap.values()) or rest:
            replace_values(r, {p: (s if s is not None else Const(0.0)) for p, s in swap.items()})
        m.reverse.ops.append(new)
        for (v, _), out in zip(accs, new.outs[len(lead) :], strict=False):
            m.bars[v] = out
        return new.outs[: len(lead)]

    def last_only(self, view: LoopView, j: int, flag: Val, bar: Atom | None) -> None:
        """The cotangent of what a trip leaves in a variable that no trip reads: that of the last one."""
        y, p = view.yields[j], view.params[j]
        if bar is None or not isinstance(y, Val):
            return
        like = self.need(y)
        then, other = Region(results=[bar]), Region()
        with self.inside(other):
            other.results.append(self.zero(like))
        op = Op("if", [flag], [], [then, other], {"style": "if"}, adjoint_of(view.op.origin))
        op.outs.append(Val(f"{p.name}_bar", derivative_kind(p.kind), op, p.user))
        self.here.reverse.ops.append(op)
        self.accumulate(y, op.outs[0])

    def leave_loop(self, p: Val, y: Atom, bar: Val, b: Mirror) -> Atom:
        """The cotangent of a variable at the start of a trip; ``bar`` is that of ``y``, its end."""
        got = b.bars.pop(p, None)
        if got is None and one_shape(p.kind, kind(y)):
            return self.zero(bar)
        return self.materialise(got, self.need(p)) if got is None or isinstance(got, Struct) else got

    def flipped(self, t: Val) -> Atom:
        return self.prim(
            operator.getitem,
            [t, Slice(Const(None), Const(None), Const(-1))],
            result=t.kind,
            view=False,
            hint=t.name,
        )

    def element_bars(self, op: Op, view: LoopView, b: Mirror) -> list[tuple[Atom, Atom, int]]:
        """Cotangents of the elements that the loop consumed: collected, or added in place."""
        out: list[tuple[Atom, Atom, int]] = []
        for n, (s, e) in enumerate(zip(view.sources, view.elements, strict=True)):
            if e not in self.varied or not self.active(s):
                continue
            bar = b.bars.pop(e, None)
            if op.attrs.get("aligned") or self.each_once(op, view, s, b):
                value = self.materialise(bar, self.need(e)) if bar is None or isinstance(bar, Struct) else bar
                out.append((s, value, op.attrs["dirs"][n]))
            elif bar is not None:
                at = self.element_index(op, view, op.attrs["dirs"][n])
                value = self.materialise(bar, self.need(e)) if isinstance(bar, Struct) else bar
                self.add_at(s, at, value)
        return out

    def each_once(self, op: Op, view: LoopView, s: Atom, b: Mirror) -> bool:
        """Whether the loop reads each element of a list once, and nothing else has a cotangent for it yet."""
        if (
            not isinstance(s, Val)
            or not isinstance(s.kind, Seq)
            or op.attrs["exits"]
            or len(view.sources) > 1
        ):
            return False
        if view.head == 3 and not self.counts(view):
            return False
        return s not in b.bars and b.parent is not None and self.known(s, b.parent) is None

    def known(self, v: Val, m: Mirror | None) -> Atom | None:
        while m is not None:
            if v in m.bars:
                return m.bars[v]
            m = m.parent
        return None

    def element_index(self, op: Op, view: LoopView, d: int) -> Atom:
        """The position of this trip's element in its source."""
        k: Atom = self.need(view.index)
        if view.head == 3:
            start, stop, step = (self.need(a) for a in view.header)
            if op.attrs.get("rev"):
                last = self.prim(operator.sub, [self.prim(len, [Struct(list, (0,), (start,))]), Const(1)])
                del last
                raise no_rule(
                    op,
                    "a reversed range zipped with an array cannot be differentiated",
                    "loop over indices instead",
                )
            if not (isinstance(start, Const) and start.value == 0):
                k = self.prim(operator.sub, [k, start])
            if not (isinstance(step, Const) and step.value == 1):
                k = self.prim(operator.floordiv, [k, step])
            del stop
        if d == -1:
            return self.prim(operator.sub, [Const(-1), k])
        return k

    def add_at(self, s: Atom, index: Atom, value: Atom, at: bool = False) -> None:
        """``s_bar[index] += value``."""
        if not isinstance(s, Val) or s not in self.varied:
            return
        old = self.peek(s, self.here)
        if old is None and self.add_inside(s, index, value, at):
            return
        if old is None:
            old = self.zero(self.need(s))
        new: Atom
        if s.kind == UNKNOWN and isinstance(index, Const) and not at:  # of a tuple, maybe
            new = self.rule(vocabulary.added_at, {"x": old, "index": index, "value": without_zeros(value)})
        elif (
            not at
            and (isinstance(s.kind, Seq) or s.kind == UNKNOWN)
            and not isinstance(kind(value), (Scalar, Array))
        ):
            total = self.plus(self.getitem(old, index), value)
            new = self.prim(ops.setitem, [old, index, total], result=kind(old), hint=f"{s.name}_bar")
        else:
            attrs: dict[str, Any] = {"at": True} if at else {}
            new = self.prim(ops.additem, [old, index, value], result=kind(old), hint=f"{s.name}_bar", **attrs)
        for x in (old, new):
            name_derivative(x, s, "_bar")
        self.here.bars[s] = new

    def add_inside(self, s: Val, index: Atom, value: Atom, at: bool) -> bool:
        """``rows_bar[i][index] += value`` where ``s`` is the element ``rows[i]`` of a list."""
        if s.op is None or s.op.code != "prim" or s.op.fn is not operator.getitem or at:
            return False
        rows, i = s.op.ins
        if not isinstance(rows, Val) or not isinstance(rows.kind, Seq):
            return False
        if not isinstance(s.kind, (Seq, Array)):
            return False
        if isinstance(kind(i), Array) or isinstance(i, Slice) or not isinstance(kind(value), (Scalar, Array)):
            return False
        bar = self.peek(rows, self.here)
        if rows not in self.varied or bar is None:
            return False
        i = self.need(i)
        part = self.prim(operator.getitem, [bar, i], result=s.kind, hint=f"{s.name}_bar", view=True)
        part = self.prim(ops.additem, [part, index, value], result=s.kind, hint=f"{s.name}_bar")
        new = self.prim(ops.setitem, [bar, i, part], result=kind(bar), hint=f"{rows.name}_bar")
        name_derivative(new, rows, "_bar")
        self.here.bars[rows] = new
        return True

    def header(self, op: Op, view: LoopView) -> tuple[list[Atom], bool]:
        """The range of the reversed loop."""
        if op.code == "while":
            return [Const(0), self.need(view.trips), Const(1)], True
        if view.head == 3:
            start, stop, step = (self.need(a) for a in view.header)
            rev = not op.attrs.get("rev")
            if op.attrs["exits"] or (view.sources and not op.attrs.get("aligned") and not self.counts(view)):
                trips = self.need(view.trips)
                if not rev:  # the last ones were run, and are taken upwards
                    if not same_const(step, 1):
                        raise no_rule(
                            op,
                            "a reversed range with a step that is left early cannot be differentiated",
                            "count downwards with a negative step",
                        )
                    return [self.prim(operator.sub, [stop, trips]), stop, step], rev
                length = trips if same_const(step, 1) else self.prim(operator.mul, [trips, step])
                stop = length if same_const(start, 0) else self.prim(operator.add, [start, length])
            return [start, stop, step], rev
        if op.attrs["exits"] or (len(view.sources) > 1 and not op.attrs.get("aligned")):
            return [Const(0), self.need(view.trips), Const(1)], True
        s = self.need(view.sources[0])
        n = self.prim(len, [s], result=Scalar("i8", True, size_of(s)))
        return [Const(0), n, Const(1)], True

    def counts(self, view: LoopView) -> bool:
        """Whether the range has exactly as many numbers as its one source has elements."""
        start, stop, step = view.header
        if len(view.sources) != 1 or not same_const(start, 0) or not same_const(step, 1):
            return False
        s = view.sources[0]
        if not isinstance(stop, Val) or stop.op is None or stop.op.code != "prim":
            return False
        return stop.op.fn in (len, ops.shape_at) and stop.op.ins[0] is s


def left_behind(view: LoopView, j: int) -> bool:
    """Whether a variable is set anew by each trip and read by none, and may be of another size each time."""
    p, y = view.params[j], view.yields[j]
    if view.inits[j] is not UNDEF or isinstance(p.kind, Scalar) or not isinstance(y, Val):
        return False
    if one_shape(p.kind, kind(y)):
        return False
    used = {v for op in walk(view.body) for v in vals([*op.ins, *(a for r in op.regions for a in r.results)])}
    return p not in used and p not in vals(view.body.results)


def undefined(v: Val, branch: Op, k: int) -> bool:
    """Whether a value is not set on the path through region ``k`` of a branch."""
    made = v.op
    if made is None or v not in made.outs or branch.code != "if":
        return False
    at = made.outs.index(v)
    if made.code == "if" and same(made.ins[0], branch.ins[0]):
        return made.regions[k].results[at] is UNDEF
    if made.code != "try" or made.regions[1].results[at] is not UNDEF:
        return False
    test = branch.ins[0].op if isinstance(branch.ins[0], Val) else None
    if test is None or test.code != "prim" or test.fn is not ops.exit_is:
        return False
    which = test.ins[0]
    if not is_which(which) or which not in made.outs:
        return False
    return (k == 1) == same(test.ins[1], Const(0))


def is_none(v: Val, branch: Op, k: int) -> bool:
    """Whether a value is None on the path through region ``k`` of a branch, by its condition."""
    if branch.code != "if" or not isinstance(v.kind, Maybe):
        return False
    test: Atom = branch.ins[0]
    holds = k == 0
    while isinstance(test, Val) and test.op is not None and test.op.fn is operator.not_:
        test, holds = test.op.ins[0], not holds
    op = test.op if isinstance(test, Val) else None
    if op is None or op.fn not in (operator.is_, operator.is_not) or not same(op.ins[1], Const(None)):
        return False
    return op.ins[0] is v and holds is (op.fn is operator.is_)


def size_of(s: Atom) -> Any:
    k = kind(s)
    return k.dims[0] if isinstance(k, Array) and k.dims else fresh_sym()


def same_const(a: Atom, v: int) -> bool:
    return isinstance(a, Const) and type(a.value) is int and a.value == v


def needs_shape(v: Val, got: Atom | None) -> bool:
    return got is None or isinstance(got, Struct)


def adjoint_of(o: Origin | None, op: Op | None = None) -> Origin | None:
    """The origin of what goes back over a statement, or over one operation of it."""
    if o is None:
        return None
    of = fn_name(op) if op is not None and op.fn else ""
    return Origin(o.file, o.line, o.text, (), "", False, True, of)


def replace_values(region: Region, table: dict[Val, Atom]) -> None:
    def f(v: Val) -> Atom:
        return table.get(v, v)

    for o in region.ops:
        o.ins = [map_atom(f, a) for a in o.ins]
        for r in o.regions:
            replace_values(r, table)
    region.results = [map_atom(f, a) for a in region.results]


_REMADE = {operator.add, operator.sub, operator.mul, operator.neg, operator.truediv}
