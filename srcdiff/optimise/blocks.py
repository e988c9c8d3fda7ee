"""Branches and blocks written anew: taken where they are decided, results that are equal one."""

from __future__ import annotations

from typing import Any

from srcdiff.analysis.liveness import effect, guarded
from srcdiff.ir.checkpoints import is_again
from srcdiff.ir.graph import (
    Atom,
    Const,
    Op,
    Region,
    Undef,
    Val,
    key_of,
    managed,
    same,
)
from srcdiff.optimise.patterns import alike
from srcdiff.optimise.rebuild import Rewriter

__all__ = ["Blocks"]


class Blocks(Rewriter):
    """Regions that are run once, or not."""

    def branch(self, op: Op) -> None:
        cond = self.atom(op.ins[0])
        known = self.decided.get(cond) if isinstance(cond, Val) else None
        if isinstance(cond, Const) and isinstance(cond.value, (bool, int)):
            known = bool(cond.value)
        if known is not None:
            r = op.regions[0 if known else 1]
            self.in_place_of(op, r)
            return
        if alike(*op.regions):
            self.in_place_of(op, op.regions[0])
            return
        new = Op("if", [cond], attrs=dict(op.attrs), origin=op.origin)
        results: list[list[Atom]] = []
        for taken, r in zip((True, False), op.regions, strict=True):
            region = Region()
            self.regions.append((region, {}, "if"))
            if isinstance(cond, Val):
                self.decided[cond] = taken
            self.body(r)
            results.append([self.atom(a) for a in r.results])
            self.regions.pop()
            new.regions.append(region)
        if isinstance(cond, Val):
            del self.decided[cond]
        here = len(self.regions) - 1
        made: dict[Any, Val] = {}
        for n, o in enumerate(op.outs):
            a, b = results[0][n], results[1][n]
            if same(a, b):
                self.rename(a, o)
                self.env[o] = a
                continue
            if isinstance(a, Undef) and self.visible(b, here):
                self.env[o] = b
                continue
            if isinstance(b, Undef) and self.visible(a, here):
                self.env[o] = a
                continue
            if (
                isinstance(a, Const)
                and isinstance(b, Const)
                and a.value is True
                and b.value is False
                and isinstance(cond, Val)
            ):
                self.env[o] = cond
                continue
            key = (key_of(a), key_of(b))
            if key not in made:
                v = o.again(new)
                self.depth[v] = here
                new.regions[0].results.append(a)
                new.regions[1].results.append(b)
                new.outs.append(v)
                made[key] = v
            self.env[o] = made[key]
        if new.outs or effect(new) or guarded(new):
            self.regions[here][0].ops.append(new)
            self.branches.append(new)

    def in_place_of(self, op: Op, region: Region) -> None:
        """What a region holds, in place of the operation around it."""
        self.body(region)
        for o, a in zip(op.outs, region.results, strict=True):
            got = self.atom(a)
            self.rename(got, o)
            self.env[o] = got

    def protected(self, op: Op) -> None:
        """Nothing that may raise goes into the body of a ``try``, or out of it."""
        body = op.regions[0]
        if not any(guarded(o) or effect(o) for o in body.ops):  # what might have raised turned out not to
            self.in_place_of(op, body)
            return
        new = Op("try", [self.atom(a) for a in op.ins], attrs=dict(op.attrs), origin=op.origin)
        for r in op.regions:
            region = Region()
            self.regions.append((region, {}, "try"))
            region.params = [self.param(p, new) for p in r.params]
            self.body(r)
            region.results = [self.atom(a) for a in r.results]
            self.regions.pop()
            new.regions.append(region)
        self.close(op, new)

    def block(self, op: Op) -> None:
        """The block of a ``with``; one without a manager is no block."""
        r = op.regions[0]
        if not managed(op):
            self.in_place_of(op, r)
            return
        new = Op("with", [self.atom(a) for a in op.ins], attrs=dict(op.attrs), origin=op.origin)
        region = Region()
        self.regions.append((region, {}, "again" if is_again(op) else "with"))
        region.params = [self.param(p, new) for p in r.params]
        self.body(r)
        region.results = [self.atom(a) for a in r.results]
        self.regions.pop()
        new.regions.append(region)
        self.close(op, new)

    def close(self, op: Op, new: Op) -> None:
        """Give a block its results: those that come from outside it are not its own, equal ones are one."""
        here = len(self.regions) - 1
        results = [r.results for r in new.regions]
        for r in new.regions:
            r.results = []
        made: dict[Any, Val] = {}
        for o, *parts in zip(op.outs, *results, strict=True):
            if all(same(a, parts[0]) for a in parts) and self.visible(parts[0], here):
                self.rename(parts[0], o)
                self.env[o] = parts[0]
                continue
            key = tuple([key_of(a) for a in parts])
            if key not in made:
                v = o.again(new)
                self.depth[v] = here
                for r, a in zip(new.regions, parts, strict=True):
                    r.results.append(a)
                new.outs.append(v)
                made[key] = v
            self.env[o] = made[key]
        self.regions[here][0].ops.append(new)
