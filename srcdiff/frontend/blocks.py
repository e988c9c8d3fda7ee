"""Leaving a region: its values become results of its operation, and the variables are told."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from srcdiff.frontend.scope import (
    Agg,
    Closure,
    Derived,
    Either,
    Forward,
    Iter,
    Loc,
    Method,
    Partial,
    Plain,
    Pulled,
    State,
    Step,
    Super,
    Window,
)
from srcdiff.ir.graph import UNDEF, Atom, Op, Struct, Val, map_atom
from srcdiff.ir.kinds import Array, Map, Seq
from srcdiff.ir.regions import read_in, replace_values

__all__ = ["Opened", "exported"]


class Opened:
    """What is made inside a region of an operation, seen from outside: as results of the operation."""

    def __init__(self, op: Op, which: int = 0) -> None:
        self.op, self.region = op, op.regions[which]
        self.inside = {o for x in self.region.ops for o in x.outs} | set(self.region.params)
        self.made: dict[Val, Val] = {}
        self.steps: dict[Step, Step] = {}

    def val(self, v: Val, otherwise: Atom = UNDEF) -> Val:
        if v not in self.inside:
            return v
        if v not in self.made:
            out = v.again(self.op)
            for r in self.op.regions:
                r.results.append(v if r is self.region else otherwise)
            self.op.outs.append(out)
            self.made[v] = out
        return self.made[v]

    def atom(self, a: Atom) -> Atom:
        return map_atom(self.val, a)

    def step(self, s: Step) -> Step:
        if s not in self.steps:
            args = tuple(self.atom(a) for a in s.args)
            same = all(x is y for x, y in zip(args, s.args, strict=True))
            self.steps[s] = s if same else Step(s.fn, args, s.names, s.method)
        return self.steps[s]

    def bound(self, b: Any) -> Any:
        match b:
            case Plain(atom):
                return Plain(self.atom(atom))
            case Loc(cell, path, val, seen):
                first = None if val is None else self.val(val)
                return Loc(
                    cell,
                    tuple(self.step(s) for s in path),
                    first,
                    self.atom(seen) if isinstance(seen, Val) else seen,
                )
            case Agg(type, keys, items, whole):
                return Agg(
                    type,
                    keys,
                    tuple(self.bound(x) for x in items),
                    None if whole is None else self.atom(whole),
                )
            case Partial(fn, args, kwargs):
                return Partial(
                    self.bound(fn),
                    tuple(self.bound(x) for x in args),
                    {k: self.bound(x) for k, x in kwargs.items()},
                )
            case Closure(node, frame, name, defaults):
                return Closure(node, frame, name, {k: self.bound(x) for k, x in defaults.items()})
            case Method(owner, name):
                return Method(self.bound(owner), name)
            case Super(owner, cls):
                return Super(self.bound(owner), cls)
            case Forward(cell, path, last):
                return Forward(cell, tuple(self.step(s) for s in path), self.bound(last))
            case Either(test, then, other):
                return Either(self.atom(test), self.bound(then), self.bound(other))
            case Window(how, owner):
                return Window(how, self.bound(owner))
            case Iter(kind_, items):
                return Iter(kind_, tuple(self.bound(x) for x in items))
            case Derived(fn, mode, wrt, has_aux, option):
                return Derived(self.bound(fn), mode, wrt, has_aux, option)
            case Pulled(graph, wrt, names, given, mode):
                used = dict.fromkeys(read_in(graph.region))
                replace_values(graph.region, {v: self.val(v) for v in used if v in self.inside})
                return Pulled(graph, wrt, names, {k: self.atom(a) for k, a in given.items()}, mode)
            case Val() | Struct():
                return self.atom(b)
        return b


def exported(
    opened: Opened, start: State, end: State, unsure: Collection[int] = ()
) -> tuple[State, list[int]]:
    """The variables at the end of a region, as they are seen after it, and the cells written in it.

    An array that was there before is itself where the region did not run to its end (but for those in
    ``unsure``, of which nothing is known then): its memory is one on all paths.
    """
    written: list[int] = []
    for cell, now in end.cells.items():
        old = start.cells.get(cell)
        if isinstance(now, Val) and isinstance(old, Val) and now is not old and cell not in unsure:
            if isinstance(old.kind, (Array, Seq, Map)):
                opened.val(now, old)
                written.append(cell)
    names = {k: b if start.names.get(k) is b else opened.bound(b) for k, b in end.names.items()}
    cells = {c: x if start.cells.get(c) is x else opened.bound(x) for c, x in end.cells.items()}
    return State(names, cells, end.shares), written
