"""What is returned is the caller's own: no memory of arguments, nothing twice."""

from __future__ import annotations

import copy
from typing import Any

from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Atom,
    Op,
    Struct,
    Val,
    map_atom,
    vals,
)
from srcdiff.ir.kinds import Array, Seq, Tree
from srcdiff.ir.regions import replace_values
from srcdiff.optimise.copies import Copies
from srcdiff.optimise.holding import EMPTY, Roots

__all__ = ["Results"]


class Results(Copies):
    """Copies of results."""

    def results(self) -> None:
        """What is returned is the caller's own: no argument's memory, nothing twice."""
        seen: set[Val] = set()
        region = self.graph.region
        saves = self.graph.info.get("saves", False)  # the last part of the result, for the second half
        saved = self.graph.info.get("saved", ())
        for n, a in enumerate(region.results):
            if n not in saved:
                self.copy_arguments(a)
        kept: Roots = EMPTY
        if saves:
            whole = region.results[0]
            assert isinstance(whole, Struct)
            lists = [v for v in vals([whole.items[-1]]) if not isinstance(v.kind, Array)]
            kept = self.memory(frozenset().union(*map(self.of, lists)))

        def copied(v: Val, fn: Any) -> Val:
            c = Op.applying(fn, [v], v.kind)
            self.note_unset(v, c)
            region.ops.append(c)
            return c.out

        def f(v: Val, kept: Roots = EMPTY) -> Atom:
            rs = self.roots.get(v, EMPTY)
            all_of_it = self.memory(rs)
            if not isinstance(v.kind, Array):
                if all_of_it & kept:
                    return copied(v, copy.deepcopy)
                seen.update(all_of_it if saves else EMPTY)
                return v
            if all_of_it & (self.foreign | kept) or rs & seen or self.read_only(all_of_it):
                return self.copy_in_branches(v) if self.partly_set(v) else copied(v, ops.copied)
            seen.update(rs)
            return v

        def result(a: Atom) -> Atom:
            if not saves:
                return map_atom(f, a)
            assert isinstance(a, Struct)
            parts = [map_atom(lambda v: f(v, kept), x) for x in a.items[:-1]]
            return Struct(a.type, a.keys, (*parts, map_atom(f, a.items[-1])))

        region.results = [a if n in saved else result(a) for n, a in enumerate(region.results)]

    def copy_arguments(self, result: Atom) -> None:
        """Arguments that lie in lists of the result are copied first of all."""
        region = self.graph.region
        inside = [v for v in vals([result]) if not isinstance(v.kind, Array)]
        held = frozenset().union(*(self.memory(self.roots.get(v, EMPTY)) for v in inside))
        for p in region.params:
            if not held & self.alone(p) or not isinstance(p.kind, (Array, Seq, Tree)):
                continue
            fn = ops.copied if isinstance(p.kind, Array) else copy.deepcopy
            c = Op.applying(fn, [p], p.kind, None, p.name, p.user)
            self.note_unset(p, c)
            replace_values(region, {p: c.out})
            region.ops.insert(0, c)
            self.roots[c.out] = self.alone(p)  # (as of what was made of it)
