"""Liveness: the values that results and effects depend on, through branches, loops and tapes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from srcdiff.ir import ops
from srcdiff.ir.graph import JOINS, Atom, Const, Graph, LoopView, Op, Region, Slice, Struct, Val, same, vals
from srcdiff.ir.regions import read_by

__all__ = ["Liveness", "deciding", "effect", "ends_loop", "guarded"]


def effect(op: Op) -> bool:
    """Whether an operation acts on the world."""
    if op.code == "opaque":
        return bool(op.attrs.get("effect"))
    if op.code == "prim":
        return bool(op.attrs.get("unread"))
    if op.code == "call":
        return bool(op.attrs["graph"].info.get("effect"))
    return bool(op.attrs.get("effect")) or any(any(map(effect, r.ops)) for r in op.regions)


def guarded(op: Op) -> bool:
    """Whether an operation, or one inside it, may decide how the ``try`` around it ends."""
    return bool(op.attrs.get("guarded") or (op.regions and any(any(map(guarded, r.ops)) for r in op.regions)))


def deciding(op: Op, live: set[Val]) -> bool:
    """The same, where that ``try`` is live."""
    if op.attrs.get("guarded") and not live.isdisjoint(op.outs):
        return True
    return bool(op.regions) and any(deciding(o, live) for r in op.regions for o in r.ops)


class Liveness:
    """Values that results and effects depend on.

    ``needs``: what the results of some ``need`` operations depend on, in the place of their values.
    ``but``: the operands of an operation that are not to count.
    """

    def __init__(
        self,
        graph: Graph,
        spare: frozenset[Op] = frozenset(),
        needs: Mapping[Val, list[Atom]] | None = None,
        but: Callable[[Op], Collection[int]] | None = None,
    ) -> None:
        self.spare, self.needs, self.but = spare, needs or {}, but
        self.acting: set[Op] = set()  # operations with regions that act on the world
        self.deps: dict[Val, Sequence[Atom]] = {}
        self.roots: list[Val] = list(vals(graph.region.results))
        self.region(graph.region, (), [])
        self.live = live = set(self.roots)
        todo, deps = list(live), self.deps
        while todo:
            for a in deps.get(todo.pop(), ()):
                cls = type(a)
                if cls is Val:
                    if a not in live:
                        live.add(a)  # type: ignore[arg-type]
                        todo.append(a)  # type: ignore[arg-type]
                elif cls is Struct or cls is Slice:
                    new = [w for w in vals((a,)) if w not in live]
                    live.update(new)
                    todo += new

    def acts(self, op: Op) -> bool:
        """Whether an operation acts on the world."""
        return op in self.acting if op.regions else effect(op)

    def counting(self, op: Op, but: Collection[int]) -> list[Atom]:
        return [a for n, a in enumerate(op.ins) if n not in but] if but else op.ins

    def need(self, v: Val, atoms: Sequence[Atom]) -> None:
        known = self.deps.get(v)
        self.deps[v] = atoms if known is None else [*known, *atoms]

    def region(self, region: Region, control: tuple[Atom, ...], guards: list[Val]) -> bool:
        """``control``: what decides whether this region runs; ``guards``: gets what may raise in it.

        Whether anything in it acts on the world.
        """
        acting = False
        for op in region.ops:
            if op in self.spare:  # it stays, and what it reads with it
                self.roots.extend(read_by(op))
            if op.code == "prim" and not op.attrs.get("guarded"):
                self.deps[op.outs[0]] = op.ins if self.but is None else self.counting(op, self.but(op))
                if op.attrs.get("unread"):
                    acting = True
                    self.roots.extend(vals([*op.ins, *control]))
                continue
            if op.attrs.get("guarded"):
                guards.extend(op.outs)
                for o in op.outs:
                    self.need(o, list(control))
            if op.code in ("prim", "opaque", "need", "call", "unpack"):
                for o in op.outs:
                    of = self.needs.get(o, [op.attrs["value"]]) if op.code == "need" else op.ins
                    self.need(o, of)
                if effect(op):
                    acting = True
                    self.roots.extend(vals([*op.ins, *control]))
            else:
                if op.code == "try":
                    inside = self.protected(op, control, guards)
                elif op.code in JOINS:
                    inside = self.joined(op, control, guards)
                else:
                    inside = self.loop(op, control, guards)
                acting = acting or inside
        return acting

    def noted(self, op: Op, inside: bool, roots: Sequence[Atom]) -> bool:
        """Whether an operation acts on the world, if anything in it does; then ``roots`` are needed."""
        if inside or op.attrs.get("effect"):
            self.acting.add(op)
            self.roots.extend(vals(roots))
            return True
        return False

    def joined(self, op: Op, control: tuple[Atom, ...], guards: list[Val]) -> bool:
        for n, o in enumerate(op.outs):
            self.need(o, [*op.ins, *(r.results[n] for r in op.regions)])
        inside = [self.region(r, (*control, *op.ins), guards) for r in op.regions]
        return self.noted(op, any(inside), op.ins)

    def protected(self, op: Op, control: tuple[Atom, ...], guards: list[Val]) -> bool:
        """How a ``try`` ends depends on all that may raise in its body."""
        inside: list[Val] = []
        body, failed = op.regions
        acting = [self.region(body, control, inside), self.region(failed, control, guards)]
        for n, o in enumerate(op.outs):
            self.need(o, [*inside, body.results[n], failed.results[n]])
        if op.attrs.get("guarded"):
            guards.extend(inside)
        return self.noted(op, any(acting), inside)

    def loop(self, op: Op, control: tuple[Atom, ...], guards: list[Val]) -> bool:
        view = LoopView(op)
        runs: list[Atom] = list(view.header)
        if op.code == "while":
            runs += op.regions[0].results
        elif not view.header:
            runs += view.sources
        else:
            runs += [s for j, s in enumerate(view.sources) if ends_loop(op, view, j)]
        if view.exit_result is not None:
            runs.append(view.exit_result)
        for p, i, y, f in view.slots:
            self.need(p, [i, y])
            self.need(f, [i, y, *runs])
        if op.code == "while":
            for p, q in zip(view.params, op.regions[0].params, strict=True):
                self.need(q, [p])
        for e, s in view.taken:
            self.need(e, [s])
        for c, t in view.kept:
            self.need(t, [c, *runs])
        for o in op.outs[view.carried + len(view.collected) :]:
            self.need(o, runs)
        asks = op.code == "while" and self.region(op.regions[0], control, guards)
        acts = self.region(view.body, (*control, *runs), guards)
        return self.noted(op, asks or acts, runs)


def ends_loop(op: Op, view: LoopView, j: int) -> bool:
    """Whether the number of trips depends on a source, read or not."""
    if op.code != "for":
        return False
    if op.attrs.get("aligned"):
        return view.head == 0 and j == 0
    if view.head == 0:
        return True
    start, stop, step = view.header
    if (
        isinstance(stop, Val)
        and stop.op is not None
        and stop.op.code == "prim"
        and stop.op.fn in (len, ops.shape_at)
    ):
        if stop.op.ins[0] is view.sources[j] and same(start, Const(0)) and same(step, Const(1)):
            return False
    return True
