"""A graph that is written anew: where operations of the new one go, and which values stand for which."""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable
from operator import itemgetter
from typing import Any

from srcdiff.analysis.memory import Known, is_update
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Atom,
    Const,
    Graph,
    LoopView,
    Op,
    Region,
    Val,
    key_of,
    kind,
    map_atom,
    uses_of,
    vals,
)
from srcdiff.ir.kinds import Seq
from srcdiff.optimise.moving import Moving
from srcdiff.optimise.words import Words

__all__ = ["Rewriter", "key_of_operands"]


class Rewriter:
    """A graph that is read, and the regions of the new one that are open.

    ``settled``: loops of which an earlier walk has found out what does not change and what is equal in them.
    ``loose``: operations that were written, and that another walk may do better, or elsewhere.
    ``barred``: values that something else could stand for if they were used only once.
    """

    def __init__(
        self,
        graph: Graph,
        is_shareable: Callable[[Any], bool],
        words: Words,
        settled: frozenset[Op] = frozenset(),
    ) -> None:
        self.old = graph
        self.settled = settled
        self.loose: list[Op] = []
        self.barred: list[Val] = []
        self.loops: list[Op] = []  # made in this walk
        self.branches: list[Op] = []
        self.updated: Known = {}  # of the old graph
        self.tried: dict[Op, tuple[list[bool], list[int]]] = {}  # what held of an old loop when last read
        self.moving: dict[Op, Moving] = {}  # what was seen of loops with the one around them
        self.words = words
        self.is_shareable = is_shareable
        self.shareable: dict[int, bool] = {}  # by the identity of a function
        self.env: dict[Val, Atom] = {}
        self.decided: dict[Val, bool] = {}  # conditions of the branches around
        self.regions: list[tuple[Region, dict[Any, Val], str]] = []
        self.depth: dict[Val, int] = {}
        self.uses: dict[Val, int] = uses_of(graph.region)
        self.origin_of: dict[Val, Val] = {}
        self.on_tape: dict[Val, Val] = {}  # elements of tapes that a loop consumes -> the tape
        self.changing = changing(graph.region, set())  # of the old graph: what a trip writes to, or leaves

    def param(self, p: Val, op: Op | None = None) -> Val:
        q = Val(p.name, p.kind, op, p.user, p.unset)
        self.env[p] = q
        self.depth[q] = len(self.regions) - 1
        return q

    def atom(self, a: Atom) -> Atom:
        if isinstance(a, Val):
            return self.env.get(a, a)
        if isinstance(a, Const):
            return a
        return map_atom(lambda v: self.env.get(v, v), a)

    def may_be_shared(self, fn: Any) -> bool:
        known = self.shareable.get(id(fn))
        if known is None:
            known = self.shareable[id(fn)] = self.is_shareable(fn)
        return known

    def level(self, atoms: list[Atom]) -> int:
        depth = self.depth
        return max([depth.get(v, 0) for v in vals(atoms)], default=0)

    def place(self, new: Op, outs: list[Val], level: int) -> None:
        for o in outs:
            v = Val(o.name, o.kind, new, o.user, o.unset)
            new.outs.append(v)
            self.depth[v] = level
            self.env[o] = v
            self.origin_of[v] = o
        self.regions[level][0].ops.append(new)

    def again(self, op: Op, ins: list[Atom], level: int) -> Val:
        """An operation as it was, on new operands; the two have their attributes in common."""
        o = op.out
        v = o.again()
        v.op = Op("prim", ins, [v], [], op.attrs, op.origin)
        self.depth[v] = level
        self.env[o] = v
        self.origin_of[v] = o
        self.regions[level][0].ops.append(v.op)
        return v

    def make_like(self, fn: Any, ins: list[Atom], k: Any, like: Op) -> Val:
        v = Val("", k)
        new = Op("prim", ins, [v], attrs={"fn": fn}, origin=like.origin)
        v.op = new
        self.loose.append(new)
        here = len(self.regions) - 1
        self.depth[v] = here
        self.regions[here][0].ops.append(new)
        return v

    def new_uses(self, x: Val) -> bool:
        """Whether a value made in this walk is used more than once."""
        if self.uses.get(self.origin_of.get(x, x), 1) <= 1:
            return False
        self.barred.append(x)
        return True

    def ordered(self, fn: Any, ins: list[Atom]) -> list[Atom]:
        if (
            fn in (operator.add, operator.mul, ops.accumulate)
            and len(ins) == 2
            and not isinstance(kind(ins[0]), Seq)
            and not isinstance(kind(ins[1]), Seq)
        ):
            a, b = ins
            if isinstance(a, Val) and isinstance(b, Val):
                return ins if a.id <= b.id else [b, a]
            return sorted(ins, key=lambda a: repr(key_of(a)))
        return ins

    def rename(self, a: Atom, old: Val) -> None:
        """A shared value takes the user's name if it has none."""
        if isinstance(a, Val) and old.user and not a.user and not a.name.endswith(("_bar", "_dot")):
            a.name, a.user = old.name, True

    def once(self, a: Atom) -> bool:
        if not isinstance(a, Val) or (a.user and not a.name.endswith(("_bar", "_dot"))):
            return False
        return not self.new_uses(a)

    def make(self, fn: Any, ins: list[Atom], like: Op) -> Atom:
        """A new operation beside ``like``."""
        o = Val("", like.out.kind, None)
        new = Op("prim", ins, [o], attrs={"fn": fn}, origin=like.origin)
        o.op = new
        simpler = self.algebra(new, ins)
        if simpler is not None:
            return simpler
        return self.share(new)

    def make_of(self, fn: Any, ins: list[Atom], k: Any, like: Op, attrs: dict[str, Any]) -> Val:
        """A new operation with these attributes, which no rule makes simpler."""
        v = Val("", k)
        v.op = Op("prim", ins, [v], attrs={"fn": fn, **attrs}, origin=like.origin)
        return self.share(v.op)

    def share(self, new: Op) -> Val:
        """Put a new operation here, if it is not done already."""
        fn, ins, o = new.fn, new.ins, new.out
        keys = [key_of(a) for a in self.ordered(fn, ins)]
        key = (key_of_fn(fn), *key_of_operands(fn, new.attrs.get("names", ()), keys))
        here = len(self.regions) - 1
        for level in range(here, -1, -1):
            found = self.regions[level][1].get(key)
            if found is not None:
                return found
        if self.level(ins) < here and self.lift(new, ins, here) < here:
            self.loose.append(new)
        self.depth[o] = here
        self.regions[here][0].ops.append(new)
        self.regions[here][1][key] = o
        return o

    def visible(self, a: Atom, here: int) -> bool:
        return isinstance(a, Const) or (isinstance(a, Val) and self.depth.get(a, 0) <= here)

    def algebra(self, op: Op, ins: list[Atom]) -> Atom | None:
        """An equal value that is simpler."""
        raise NotImplementedError

    def lift(self, op: Op, ins: list[Atom], here: int) -> int:
        """The outermost region where an operation may be done as well."""
        raise NotImplementedError

    def body(self, region: Region) -> None:
        """Write the operations of a region."""
        raise NotImplementedError


def changing(region: Region, found: set[Val]) -> set[Val]:
    """Values that are written to, or that loops and branches hand on: they may be one's own in each trip."""
    for op in region.ops:
        if is_update(op) or op.fn is ops.copied:
            found.update(vals(op.ins[:1]))
        if op.is_loop:
            view = LoopView(op)
            found.update(vals([*view.inits, *view.yields]))
        elif op.regions:
            for r in op.regions:
                found.update(vals(r.results))
        for r in op.regions:
            changing(r, found)
    return found


def key_of_fn(fn: Any) -> Any:
    return id(fn)


def key_of_operands(fn: Any, names: tuple[str, ...], keys: list[Any]) -> tuple[Any, ...]:
    """What two applications of a function have in common if they are one, however operands are given."""
    words = parameters(fn) if any(names) or (len(keys) > 1 and hasattr(fn, "__wrapped__")) else ()
    if not words or len(words) < len(keys):
        return names, tuple(keys)
    given = zip(names or ("",) * len(keys), keys, strict=True)
    return tuple(sorted(((name or words[n], key) for n, (name, key) in enumerate(given)), key=itemgetter(0)))


@functools.lru_cache(maxsize=1024)
def parameters(fn: Any) -> tuple[str, ...]:
    """The names of a function's parameters; none where it takes any number of them."""
    try:
        found = inspect.signature(fn).parameters
    except (TypeError, ValueError):
        return ()
    return () if any(p.kind is p.VAR_POSITIONAL for p in found.values()) else tuple(found)
