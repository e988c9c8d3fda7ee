"""Names: which values share a variable, and what the variable is called.

Values that are joined by loops, branches and updates in place want one variable; they get it where their live
ranges allow.  A variable is called what the user called it; a number is added only while two values of one
name are alive together.
"""

from __future__ import annotations

import builtins
import keyword
import operator
import re
import sys
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from srcdiff.backends import numpy_names
from srcdiff.emit.order import Layout
from srcdiff.emit.spans import Span, Spans
from srcdiff.ir.graph import JOINS, Atom, Const, Graph, LoopView, Op, Region, Val, vals
from srcdiff.ir.kinds import Scalar

__all__ = ["Namer"]

NEVER, ALWAYS = (0, 0), (-1, sys.maxsize)
UNNAMED = ("", "_bar", "_dot", "saved")  # of values without a name
LONGEST = 20  # of a name that is made up
NUMBERED = re.compile(r"(.+)(_\d+)")  # x_2 of a second x is x1_2
DERIVATIVE = re.compile(r"_+(_bar|_dot|_saved)$")  # of `total_`: `total_bar`
GENERIC = re.compile(r"(t|g|v|temp)\d*")


class Namer:
    """Live ranges, classes of values, names."""

    def __init__(
        self, graph: Graph, lay: Layout, taken: set[str], parts: dict[Val, list[Val | None]]
    ) -> None:
        self.graph, self.lay = graph, lay
        self.taken = taken
        self.apart = parts  # elements that a loop binds part by part as a trip begins
        self.at_head = {p for ps in parts.values() for p in ps if p is not None}
        self.clock = 0
        self.at: dict[Op, int] = {}
        self.span: dict[Region, Span] = {}
        self.parents: dict[Region, tuple[Region, Op] | None] = {graph.region: None}
        self.defined: dict[Val, tuple[Region, int]] = {}
        self.spans: dict[Val, list[Span]] = defaultdict(list)
        self.group: dict[Val, Val] = {}
        self.members: dict[Val, list[Val]] = {}
        self.alive: dict[Val, Spans] = {}  # of a class, by the value that it is found by
        self.number(graph.region)
        self.ranges(graph.region)
        self.coalesce(graph.region)
        self.kept: dict[Val, Val] = {}
        self.find_kept(graph.region)
        self.names: dict[Val, str] = {}
        self.name_all()

    # ---- positions
    def tick(self) -> int:
        self.clock += 2
        return self.clock

    def number(self, region: Region) -> None:
        start = self.tick()
        for p in region.params:
            self.defined[p] = (region, start + 1)
        for op in region.ops:
            self.at[op] = self.tick()
            for r in op.regions:
                self.parents[r] = (region, op)
                self.number(r)
            end = self.tick() if op.regions else self.at[op]
            if op.attrs.get("inplace") and op.attrs.get("renamed"):
                end -= 2  # (`new = old` comes first, and what else there is must be alive then)
            for o in op.outs:
                self.defined[o] = (region, (start if o in self.at_head else end) + 1)
            if op.is_loop:
                for t in LoopView(op).tapes:
                    self.defined[t] = (region, self.at[op] - 1)
        self.span[region] = (start, self.tick())

    def point(self, op: Op) -> int:
        """Where the expression of ``op`` is evaluated."""
        while op in self.lay.folded:
            uses = self.lay.uses.get(op.out, [])
            if not uses:
                return self.at[op]
            where, user = uses[0]
            if user is None:
                parent = self.parents[where]
                if (
                    parent is not None
                    and parent[1].is_loop
                    and where is parent[1].regions[-1]
                ):
                    if any(a is op.out for a in LoopView(parent[1]).collected):
                        return self.at[op]
                if parent is not None and parent[1] in self.lay.inline_ifs:
                    op = parent[1]
                    continue
                return self.span[where][1]
            if user.is_loop and not any(a is op.out for a in vals(LoopView(user).inits)):
                return self.at[user] + 2
            op = user
        return self.at[op]

    def use(self, v: Val, where: Region, position: int) -> None:
        """``v`` is read at ``position`` inside ``where``."""
        home, start = self.defined[v]
        r: Region | None = where
        while r is not None and r is not home:
            parent = self.parents[r]
            if parent is None:
                break
            if parent[1].is_loop:
                position = max(position, self.end(parent[1]))
            else:  # the other branch is another path: nothing is alive there on this account
                self.spans[v].append((self.span[r][0], position))
                position = self.at[parent[1]]
            r = parent[0]
        self.spans[v].append((start, max(start, position)))

    def end(self, op: Op) -> int:
        return max((self.span[r][1] for r in op.regions), default=self.at[op]) + 2

    def ranges(self, region: Region) -> None:
        for op in region.ops:
            position = self.point(op)
            if op.is_loop:
                self.loop_ranges(op, region, position)
            else:
                for v in vals(op.ins):
                    self.use(v, region, position)
            for r in op.regions:
                self.ranges(r)
            if op.code in JOINS:
                inline = op in self.lay.inline_ifs
                for r in op.regions:
                    for v in vals(r.results):
                        self.use(v, r, position if inline else self.span[r][1])
            if op.code == "try":
                self.kept_through(op)
        if self.parents[region] is None:
            for v in vals(region.results):
                self.use(v, region, self.span[region][1])

    def kept_through(self, op: Op) -> None:
        """What is read where a ``try`` failed is alive while its body may raise."""
        body, failed = op.regions
        risky = [self.end(o) if o.regions else self.at[o] for o in body.ops if raises(o)]
        for v in self.read_in(failed):
            if v in self.defined and self.defined[v][0] is not failed:
                self.spans[v].append((self.at[op], max(risky, default=self.at[op])))

    def read_in(self, region: Region) -> list[Val]:
        out = list(vals(region.results))
        for o in region.ops:
            out += vals(o.ins)
            for r in o.regions:
                out += self.read_in(r)
        return out

    def loop_ranges(self, op: Op, region: Region, position: int) -> None:
        view = LoopView(op)
        inits = vals(view.inits)
        for v in inits:
            self.use(v, region, position)
        for v in vals(view.header):  # the range is read after the variables have got their first values
            self.use(v, region, position if v in inits else position + 2)
        body = view.body
        for v in vals(view.sources):
            self.use(v, body, self.span[body][0])
        end = self.span[body][1]
        for p, f in zip(view.params, view.finals, strict=True):
            self.spans[p].append((self.defined[p][1], self.defined[p][1]))
            if op.code == "while":
                self.spans[p].append((self.at[op], self.defined[p][1]))
            self.spans[p].append((end, end + 2))
            if self.lay.uses.get(f) or self.lay.uses.get(p):
                self.spans[p].append((self.at[op] + 1, self.at[op] + 1))
        for a in view.yields:
            for v in vals([a]):
                self.use(v, body, end)
        for a in view.collected:
            for v in vals([a]):
                home, start = self.defined[v]
                if a is not v:  # put together at the end of the trip
                    self.use(v, body, end)
                    continue
                self.use(v, body, start + 1 if home is body else self.span[body][0] + 1)
        if view.exit_result is not None:
            for v in vals([view.exit_result]):
                self.use(v, body, end)
        if op.code == "while":
            cond = op.regions[0]
            for v in vals(cond.results):
                self.use(v, cond, self.span[cond][1])
            for p, q in zip(view.params, cond.params, strict=True):
                self.join(p, q, force=True)
        for p, f in zip(view.params, view.finals, strict=True):
            self.join(p, f, force=True)
        for t in view.tapes:
            start = self.defined[t][1]
            self.spans[t].append((start, self.end(op)))
        for w in (view.trips, view.exit_out):
            if w is not None and self.lay.uses.get(w):
                self.spans[w].append((self.at[op] - 1, self.end(op)))

    # ---- classes
    def find(self, v: Val) -> Val:
        while v in self.group:
            v = self.group[v]
        return v

    def class_of(self, v: Val) -> list[Val]:
        return self.members.get(self.find(v), [v])

    def join(self, a: Val, b: Val, force: bool = False) -> None:
        ra, rb = self.find(a), self.find(b)
        if ra is rb:
            return
        if force:
            self.alive.pop(ra, None)
        else:
            ours, theirs = self.living(ra), self.living(rb)
            if ours.meets(theirs):
                return
            ours.update(theirs)
        self.group[rb] = ra
        self.members.setdefault(ra, [ra]).extend(self.members.pop(rb, [rb]))

    def living(self, c: Val) -> Spans:
        """When the members of a class are alive."""
        got = self.alive.get(c)
        if got is None:
            members = self.class_of(c)
            spans = self.spans[c] if len(members) == 1 else [s for m in members for s in self.spans[m]]
            got = self.alive[c] = Spans(spans)
        return got

    def visible(self, v: Atom) -> bool:
        return isinstance(v, Val) and not (v.op is not None and v.op in self.lay.folded)

    def coalesce(self, region: Region) -> None:
        pairs: list[tuple[int, Val, Val]] = []
        self.wishes(region, pairs)
        given = {self.find(p) for p in self.graph.region.params}  # classes with a parameter
        for _, a, b in sorted(pairs, key=lambda t: t[0]):
            ra, rb = self.find(a), self.find(b)
            if ra in given and rb in given:
                continue
            if a.user and b.user and a.name != b.name:
                continue
            self.join(a, b)
            if rb in given and self.find(b) is ra:
                given.add(ra)

    def wishes(self, region: Region, pairs: list[tuple[int, Val, Val]]) -> None:
        for op in region.ops:
            if op.code == "prim" and op.attrs.get("inplace") and not op.attrs.get("renamed"):
                target = op.ins[0]
                if isinstance(target, Val):
                    self.join(target, op.out, force=True)
            if op.code in JOINS and op not in self.lay.inline_ifs:
                for r in op.regions:
                    for out, a in zip(op.outs, r.results, strict=True):
                        if isinstance(a, Val) and self.visible(a) and not is_caught(a):
                            pairs.append((0 if a.name == out.name else 1, out, a))
            if op.is_loop:
                view = LoopView(op)
                for p, init, y in zip(view.params, view.inits, view.yields, strict=True):
                    if isinstance(y, Val) and self.visible(y):
                        pairs.append((0 if y.name == p.name else 2, p, y))
                    if isinstance(init, Val) and self.visible(init):
                        pairs.append((0 if init.name == p.name else 2, p, init))
            for r in op.regions:
                self.wishes(r, pairs)

    # ---- names
    def name_all(self) -> None:
        seen: dict[Val, None] = {}
        for p in self.graph.region.params:
            self.names[self.find(p)] = p.name
            self.taken.add(p.name)
        for v in self.all_values(self.graph.region):
            seen.setdefault(self.find(v))
        used: dict[str, Spans] = {}  # when a name is in use
        for p in self.graph.region.params:
            self.note(used, p.name, self.living(self.find(p)))
        user = {m.name for c in seen for m in self.class_of(c) if m.user}
        spare = next((w for w in ("t", "g", "v", "temp") if w not in user and w not in self.taken), "temp")

        def turn(c: Val) -> tuple[bool, bool, int]:
            """Names of the user first; what is kept on tapes is called like what is kept."""
            members = self.class_of(c)
            named = any(m.user for m in members)
            kept = not named and any(m in self.kept for m in members)
            return not named, kept, min([self.defined[m][1] for m in members])

        known: dict[str, list[Span]] = {}
        order = sorted(seen, key=turn)
        for c in order:
            if c in self.names:
                continue
            members = self.class_of(c)
            hint = first(m.name for m in members if m.user and m.name not in UNNAMED)
            hint = hint or first(m.name for m in members if m.name not in UNNAMED)
            hint = hint or first(w for m in members if (w := self.word(m)) not in user)
            hint = safe(hint or first(m.name for m in members if m.name not in UNNAMED[:3]) or spare)
            self.names[c] = name = self.free(hint, self.living(c), used, known.setdefault(hint, []))
            self.note(used, name, self.living(c))

    def free(self, hint: str, living: Spans, used: dict[str, Spans], known: list[Span]) -> str:
        """The first name that is free; ``known``: spans that the names tried are in use, by their numbers.

        (Where some hundred values of one name live together, these say of most that they are not free.)
        """
        ordered = NUMBERED.fullmatch(hint)
        start = living.begins[0] if living.begins else -1
        n = 0
        while True:
            while n < len(known) and known[n][0] <= start < known[n][1]:
                n += 1
            name = hint if n == 0 else f"{hint}{n}" if ordered is None else f"{ordered[1]}{n}{ordered[2]}"
            if n == len(known):
                known.append(NEVER)
            if name not in used:
                if name not in self.taken:
                    break
                known[n] = ALWAYS
            elif not used[name].meets(living):
                break
            else:
                known[n] = used[name].around(start)
            n += 1
        if living.begins:
            known[n] = living.begins[0], living.ends[0]
        return name

    def note(self, used: dict[str, Spans], name: str, living: Spans) -> None:
        used[name] = used[name].with_those(living) if name in used else living

    def find_kept(self, region: Region) -> None:
        """Tapes and what is read from them, with the values that they keep."""
        for op in region.ops:
            if op.is_loop:
                view = LoopView(op)
                for c, t in view.kept:
                    if isinstance(c, Val):
                        self.kept[t] = c
                for e, s in view.taken:
                    if isinstance(s, Val) and s in self.kept:
                        self.kept[e] = s
            for r in op.regions:
                self.find_kept(r)

    def word(self, v: Val) -> str:
        """A name for a value that has none: after what it is an element or a function of."""
        if v in self.kept:
            return self.word_of_kept(v)
        op = v.op
        if op is None or op.code != "prim" or v is not op.out or not op.ins:
            return ""
        base = self.name_so_far(op.ins[0]).rstrip("_")
        if GENERIC.fullmatch(base):
            return ""
        word = ""
        if op.fn is operator.getitem and base:
            index = op.ins[1]
            if isinstance(index, Const) and type(index.value) is int and index.value >= 0:
                word = f"{base}_{index.value}"
            elif isinstance(index, Const) and isinstance(index.value, str) and index.value.isidentifier():
                word = index.value
            elif isinstance(index, Val) and index.user and isinstance(index.kind, Scalar):
                word = f"{base}_{index.name}"
        elif base and len(op.ins) == 1 and op.ins[0].user:  # type: ignore[union-attr]
            function = str(getattr(op.fn, "__name__", ""))
            word = f"{function}_{base}" if function in numpy_names.SHORT else ""
        return word if len(word) <= LONGEST else ""

    def word_of_kept(self, v: Val) -> str:
        """Of a tape: the name of what it keeps; of an element read from it: that name."""
        at = self.kept[v]
        if at in self.kept:
            name = self.name_so_far(at)
            return name.removesuffix("_saved") if name.endswith("_saved") else ""
        name = self.name_so_far(at)
        if name.rstrip("0123456789") == "saved":
            return "saved"
        return f"{name}_saved" if name and not GENERIC.fullmatch(name) else ""

    def name_so_far(self, a: Atom) -> str:
        if not isinstance(a, Val) or (a.op is not None and a.op in self.lay.folded):
            return ""
        return self.names.get(self.find(a), "")

    def all_values(self, region: Region) -> Any:
        for p in region.params:
            if p not in self.apart and (self.spans.get(p) or self.lay.uses.get(p)):
                yield p
        for op in region.ops:
            if op not in self.lay.folded:
                for o in op.outs:
                    if self.spans.get(o) or op.code == "prim":
                        yield o
            if op.is_loop:
                yield LoopView(op).trips
            for r in op.regions:
                yield from self.all_values(r)

    def __getitem__(self, v: Val) -> str:
        c = self.find(v)
        if c not in self.names:
            self.names[c] = safe(v.name or "t_")
        return self.names[c]


def first(words: Iterable[str]) -> str:
    """The first that is not empty, if any is."""
    return next(filter(None, words), "")


def is_caught(v: Val) -> bool:
    """An exception that a handler caught: Python forgets its name at the handler's end."""
    op = v.op
    if op is None or op.code != "try":
        return False
    failed = op.regions[1]
    return v in failed.params or (v in op.outs and failed.results[op.outs.index(v)] is failed.params[1])


def raises(op: Op) -> bool:
    return bool(op.attrs.get("guarded")) or any(raises(o) for r in op.regions for o in r.ops)


def safe(name: str) -> str:
    name = DERIVATIVE.sub(r"\1", name.replace("!", ""))
    if not name.isidentifier() or keyword.iskeyword(name) or hasattr(builtins, name):
        return f"{name}_" if name.isidentifier() else "t"
    return name
