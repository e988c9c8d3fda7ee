"""Loops written anew, on the assumption that nothing changes in them and all that may be equal is."""

from __future__ import annotations

from typing import Any

from srcdiff.analysis.memory import updated_anywhere
from srcdiff.ir.graph import Atom, Const, LoopView, Op, Region, Undef, Val, key_of, op_of, same
from srcdiff.optimise.moving import Moving
from srcdiff.optimise.patterns import flipped, same_kind
from srcdiff.optimise.rebuild import Rewriter

__all__ = ["Loops"]


class Loops(Rewriter):
    """Loops: which variables are fixed, which are one, which tapes."""

    def loop(self, op: Op) -> None:
        view = LoopView(op)
        here = len(self.regions) - 1
        header = [self.atom(a) for a in view.header]
        inits = [self.atom(a) for a in view.inits]
        n = view.carried
        fixed = [not isinstance(i, Undef) for i in inits]
        groups: list[int] = list(range(n))
        buffers = updated_anywhere(view, self.updated)
        for j in range(n):
            if j in buffers:
                fixed[j] = False
                continue
            for i in range(j):
                if (
                    groups[i] == i
                    and i not in buffers
                    and same(inits[i], inits[j])
                    and not isinstance(inits[i], Undef)
                    and same_kind(view.params[i].kind, view.params[j].kind)
                ):
                    groups[j] = i
                    break
        sources = self.sources(view, op)
        if op in self.settled:
            fixed, groups = [False] * n, list(range(n))
        elif any(fixed) or groups != list(range(n)):
            elements = {e for _, _, es in sources for e in es}
            moving = self.moving.get(op)
            if moving is None or len(elements) < len(view.elements):
                moving = Moving(view, inits, self.atom, self.words)
                moved = moving.fixed(fixed, elements)
                self.moving.update(dict.fromkeys(moving.found, moving))
            else:  # (it was looked at with the loop around it)
                moved = moving.found[op]
            fixed = [f and m for f, m in zip(fixed, moved, strict=True)]
            leader = {view.params[j]: groups[j] for j in range(n) if not fixed[j]}
            for j, g in enumerate(groups):
                if g == j:
                    continue
                other = view.params[j].name != view.params[g].name  # (a tangent taken twice has one name)
                apart = other and moving.apart(view.yields[j], view.yields[g], leader)
                if apart or fixed[g] != fixed[j]:
                    groups[j] = j
        if op in self.tried:  # read again within a loop around it, where less holds than before
            was_fixed, was = self.tried[op]
            fixed = [a and b for a, b in zip(fixed, was_fixed, strict=True)]
            groups = [g if g == was[j] and fixed[g] == fixed[j] else j for j, g in enumerate(groups)]
        mark = [len(r[0].ops) for r in self.regions]
        keys = [dict(r[1]) for r in self.regions]
        while True:
            new, body, results = self.attempt(op, view, inits, fixed, groups, sources)
            bad = False
            yields = results[:n]
            for j in range(n):
                if fixed[j] and not same(yields[j], inits[j]):
                    fixed[j] = False
                    bad = True
            for j in range(n):
                g = groups[j]
                if g != j and (fixed[g] != fixed[j] or (not fixed[j] and not same(yields[j], yields[g]))):
                    groups[j] = j
                    bad = True
            if not bad:
                break
            for (region, _, _), size in zip(self.regions, mark, strict=True):
                del region.ops[size:]
            for (_, table, _), saved in zip(self.regions, keys, strict=True):
                table.clear()
                table.update(saved)
        self.tried[op] = fixed, groups
        leaders = [j for j in range(n) if not fixed[j] and groups[j] == j]
        collected = results[n : n + len(view.collected)]
        tail = results[n + len(view.collected) :]
        body.results = [yields[j] for j in leaders]
        new.ins = [*header, *(inits[j] for j in leaders), *(s for s, _, _ in sources)]
        outs = {}
        for j in leaders:
            f = view.finals[j]
            v = f.again(new)
            self.depth[v] = here
            outs[j] = v
        for j in range(n):
            self.env[view.finals[j]] = inits[j] if fixed[j] else outs[groups[j]]
        new.outs = [outs[j] for j in leaders]
        seen: dict[Any, Val] = {}
        for c, t in zip(collected, view.tapes, strict=True):
            alias = self.same_tape(c, sources, new)
            if alias is not None:
                self.env[t] = alias
                continue
            if key_of(c) not in seen:
                v = t.again(new)
                self.depth[v] = here
                body.results.append(c)
                new.outs.append(v)
                seen[key_of(c)] = v
            self.env[t] = seen[key_of(c)]
        body.results += tail
        for o in op.outs[n + len(view.collected) :]:
            v = o.again(new)
            self.depth[v] = here
            new.outs.append(v)
            self.env[o] = v
        new.attrs["carried"] = len(leaders)
        new.attrs["dirs"] = tuple(d for _, d, _ in sources)
        self.loops.append(new)
        self.regions[here][0].ops.append(new)

    def sources(self, view: LoopView, op: Op) -> list[tuple[Atom, int, list[Val]]]:
        """What is consumed: reversed tapes are read the other way, equal ones once."""
        out: list[tuple[Atom, int, list[Val]]] = []
        for s, d, e in zip(view.sources, op.attrs["dirs"], view.elements, strict=True):
            a = self.atom(s)
            always = self.same_in_all(a) if view.head == 3 else None
            if always is not None:
                self.env[e] = always
                continue
            inner = flipped(a)
            if inner is not None:
                a, d = inner, -d
            for k, (b, dd, es) in enumerate(out):
                if same(a, b) and d == dd:
                    out[k] = (b, dd, [*es, e])
                    break
            else:
                out.append((a, d, [e]))
        return out

    def same_in_all(self, tape: Atom) -> Atom | None:
        """What a tape holds in each place, if a loop put there what no trip of it changes."""
        seen = len(self.regions) - 1
        while True:
            if not isinstance(tape, Val) or tape not in self.depth:
                return None
            seen = min(seen, self.depth[tape])
            loop = tape.op
            if loop is None or not loop.is_loop:
                return None
            if tape in loop.outs:
                view = LoopView(loop)
                if tape not in view.tapes:
                    return None
                a = view.put_on(tape)
                good = isinstance(a, Const) or (isinstance(a, Val) and self.depth.get(a, 0) <= seen)
                return a if good else None
            whole = self.on_tape.get(tape)  # a tape of tapes: what was collected in one trip
            made = op_of(whole)
            if whole is None or made is None or not made.is_loop or whole not in made.outs:
                return None
            around = LoopView(made)
            if whole not in around.tapes:
                return None
            seen = min(seen, self.depth.get(whole, 0))
            tape = around.put_on(whole)

    def same_tape(self, c: Atom, sources: list[tuple[Atom, int, list[Val]]], new: Op) -> Atom | None:
        """A tape that collects the elements of a source is that source (or its reverse)."""
        if not new.attrs.get("aligned") or not isinstance(c, Val):
            return None
        for s, d, es in sources:
            if self.env.get(es[0]) is c:
                if d == 1:
                    return s
                return None
        return None

    def attempt(
        self, op: Op, view: LoopView, inits: list[Atom], fixed: list[bool], groups: list[int], sources: Any
    ) -> Any:
        new = Op(op.code, [], attrs=dict(op.attrs), origin=op.origin)
        if op.code == "while":
            region = Region()
            self.regions.append((region, {}, "cond"))
            cond_params: dict[int, Val] = {}
            for j, p in enumerate(op.regions[0].params):
                if fixed[j]:
                    self.env[p] = inits[j]
                elif groups[j] == j:
                    cond_params[j] = self.param(p)
                    region.params.append(cond_params[j])
                else:
                    self.env[p] = cond_params[groups[j]]
            self.body(op.regions[0])
            region.results = [self.atom(a) for a in op.regions[0].results]
            self.regions.pop()
            new.regions.append(region)
        body = Region()
        self.regions.append((body, {}, op.code))
        if op.code == "for":
            body.params.append(self.param(view.index, new))
        made: dict[int, Val] = {}
        for j, p in enumerate(view.params):
            if fixed[j]:
                self.env[p] = inits[j]
            elif groups[j] == j:
                made[j] = self.param(p, new)
                body.params.append(made[j])
            else:
                self.env[p] = made[groups[j]]
        for s, _, es in sources:
            v = self.param(es[0], new)
            if isinstance(s, Val):
                self.on_tape[v] = s
            for e in es[1:]:
                self.env[e] = v
            body.params.append(v)
        self.body(view.body)
        results = [self.atom(a) for a in view.body.results]
        self.regions.pop()
        new.regions.append(body)
        return new, body, results
