"""Loops over the elements of arrays whose trips may be done in any order, or at once: a thread for each.

Which loops these are is proved by their indices.  The trips of a loop are apart if every array that is
written to in it is reached, in all of its accesses, along one axis at one and the same distance from the
loop's index; or if nothing is done to the array but sums into it, which are atomic then.  An index must be
inside of its array for sure, since no thread can raise an exception.
"""

from __future__ import annotations

import operator
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from srcdiff.compiled.texts import bare
from srcdiff.cuda.groups import dims_of
from srcdiff.cuda.kernels import Kernel, definition
from srcdiff.cuda.loops import Recurrence
from srcdiff.cuda.tables import C_TYPES, FUNCTIONS, PARAMS
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, LoopView, Op, Region, Val, kind, vals, walk
from srcdiff.ir.indices import parts_of
from srcdiff.ir.kinds import Array, Kind, Scalar, Seq, fresh_sym

__all__ = ["Nest"]

Form = dict[Hashable, int]


def is_number_kind(k: Kind) -> bool:
    plain = isinstance(k, Scalar) or (isinstance(k, Array) and not k.dims)
    return plain and k.dtype in C_TYPES  # type: ignore[union-attr]


def is_integer(a: Atom) -> bool:
    k = kind(a)
    return isinstance(k, Scalar) and k.dtype[0] == "i"


@dataclass(frozen=True, slots=True)
class Access:
    """An access to an element: of which array, how, where along each axis."""

    of: Val
    how: str  # "read", "write", "add"
    at: tuple[Form | None, ...]


class Nest(Recurrence):
    """The kernel of loops over elements."""

    # ---- which array a value is
    def alias(self, v: Val, of: Atom) -> bool:
        if not dims_of(v):
            return False
        if not isinstance(of, Val):
            raise self.no("an array that is not set on every path")
        self.home[v] = self.array(of)
        return True

    def array(self, v: Val) -> Val:
        """The array from outside that a version of it is in the memory of."""
        got = self.home.get(v, v)
        k = got.kind
        if got in self.unsure or not isinstance(k, Array) or k.dtype not in C_TYPES:
            raise self.no("a value that is neither a number nor an array of numbers")
        self.bounds.array(k.dims)
        return got

    # ---- the proof
    def find(self, region: Region) -> None:
        """The accesses of a region."""
        for op in region.ops:
            self.op = op
            if op.code == "for":
                view = LoopView(op)
                if view.head != 3:
                    raise self.no("a loop over a list")
                if view.sources or any(self.used_in(t) for t in view.tapes):
                    self.saving(view)
                self.bounds.loop(view.index, *view.header)
                for p, a in zip(view.params, view.inits, strict=True):
                    self.alias(p, a)
                self.find(view.body)
                for f, a in zip(view.finals, view.inits, strict=True):
                    self.alias(f, a)
            elif op.code == "if":
                for r in op.regions:
                    self.find(r)
                for o, a in zip(op.outs, op.regions[0].results, strict=True):
                    self.alias(o, a)
            elif op.code == "prim" and op.fn in (operator.getitem, ops.setitem, ops.additem):
                x, index = op.ins[:2]
                if not isinstance(x, Val) or not dims_of(x):
                    raise self.no("a part of something that is no array")
                parts = parts_of(index)
                how = {operator.getitem: "read", ops.setitem: "write", ops.additem: "add"}[op.fn]
                if how != "read":
                    if not op.attrs.get("inplace"):
                        raise self.no("an update that is done on a copy")
                    self.alias(op.out, x)
                of = self.array(x)
                whole = len(parts) == len(dims_of(of))
                if not whole or not all(map(is_integer, parts)):
                    raise self.no("a part of an array that is no element")
                self.accesses.append(Access(of, how, tuple(map(self.bounds.form, parts))))

    def saving(self, view: LoopView) -> None:
        """A loop that saves numbers for the way back, or reads such: a thread has the place of its trip."""
        self.alone = True
        if view.op is not self.loop or (view.sources and not view.op.attrs.get("aligned")):
            raise self.no("a loop inside of another that saves numbers for the way back, or reads such")
        for s in view.sources:
            of = self.tapes.get(s) if isinstance(s, Val) else None
            if of is None or len(dims_of(of)) != 1:
                raise self.no("a loop over a list")
        for t in view.tapes:
            if self.used_in(t) and not (isinstance(t.kind, Seq) and is_number_kind(t.kind.elem)):
                raise self.no("a loop that saves what is no number")

    def used_in(self, v: Val) -> bool:
        return bool(self.uses[v]) or self.used(v)

    def apart(self, view: LoopView) -> bool:
        """Whether the trips of a loop may be done in any order."""
        i = view.index
        by_array: dict[Val, list[Access]] = {}
        for a in self.accesses:
            by_array.setdefault(a.of, []).append(a)
        for of, accesses in by_array.items():
            if all(a.how == "read" for a in accesses):
                continue
            if not self.distinct(i, accesses):
                if any(a.how != "add" for a in accesses) or of.kind.dtype[0] != "f":  # type: ignore[union-attr]
                    return False
        return True

    def distinct(self, i: Val, accesses: list[Access]) -> bool:
        """Whether different trips reach different elements."""
        for axis in range(len(accesses[0].at)):
            forms = [a.at[axis] for a in accesses]
            first = forms[0]
            if first is None or set(first) - {i, None} or first.get(i) not in (1, -1):
                continue
            if all(f == first for f in forms):
                return True
        return False

    def chain(self) -> list[LoopView]:
        """The loops around each other with nothing between them but numbers."""
        out = [LoopView(self.loop)]
        while True:
            inner = [o for o in out[-1].body.ops if o.code != "prim"]
            writes = any(o.fn in ops.WRITES for o in out[-1].body.ops)
            if len(inner) != 1 or inner[0].code != "for" or writes or inner[0].attrs["exits"]:
                return out
            changed = {a.of for a in self.accesses if a.how != "read"}
            reads = [o for o in out[-1].body.ops if o.fn is operator.getitem]
            if any(self.home.get(x, x) in changed for o in reads for x in vals(o.ins[:1])):
                return out
            out.append(LoopView(inner[0]))

    # ---- the whole
    def write(self) -> Kernel:
        self.home: dict[Val, Val] = {}
        self.accesses: list[Access] = []
        self.alone = False  # whether only the outermost loop's trips are threads
        self.op = self.loop
        self.space = self.group.space = ()
        everything = list(walk(Region([], [self.loop], [])))
        for o in everything:
            self.uses.update(vals(o.ins))
            for r in o.regions:
                self.uses.update(vals(r.results))
        self.kernel.stands_for(everything)
        self.find(Region([], [self.loop], []))
        changed = dict.fromkeys(a.of for a in self.accesses if a.how != "read")
        if not changed and not self.alone:
            raise self.no("a loop that writes to no array")
        roots = [self.memory(v) for v in {a.of: None for a in self.accesses}]
        if sum(map(len, roots)) != len(frozenset[Any]().union(*roots)):
            raise self.no("arrays that may share memory")
        made = {v for o in everything for v in o.outs} | {
            p for o in everything for r in o.regions for p in r.params
        }
        free = [
            view
            for view in self.chain()[: 1 if self.alone else None]
            if self.apart(view)
            and not set(vals(view.header)) & made
            and isinstance(view.header[2], Const)
            and all(dims_of(p) for p in view.params)
            and not view.op.attrs["exits"]
        ]
        if not free:
            self.op = self.loop
            raise self.no("a loop whose trips depend on each other")
        self.free = {view.op: view for view in free}
        self.atomic = set()
        for of in changed:
            accesses = [a for a in self.accesses if a.of is of]
            inside = next((p.name for p in LoopView(self.loop).params if self.home.get(p) is of), "")
            self.raw[of] = self.fresh(of.name or inside)
            if not all(self.distinct(view.index, accesses) for view in free):
                self.atomic.add(self.raw[of])
        self.changed = list(changed)
        self.bounds.range.clear()
        self.threads(free)
        self.nest(LoopView(self.loop))
        self.finish_nest(free)
        return self.kernel

    def threads(self, free: list[LoopView]) -> None:
        """The indices of a thread."""
        self.counts: list[str] = []
        rest = "i"
        for n, view in enumerate(reversed(free)):
            count = self.fresh("trips")
            self.counts.insert(0, count)
            first, by = view.header[0], view.header[2].value  # type: ignore[union-attr]
            at = f"{rest} % {count}" if n < len(free) - 1 else rest
            rest = f"{rest} / {count}" if rest == "i" else f"({rest}) / {count}"
            at = at if by == 1 else f"{by} * ({at})"
            start = self.text(first, "i8")
            text = at if start == "0" else f"{start} + {at}"
            name = self.fresh(view.index.name or "k")
            self.line(f"const long long {name} = {text};")
            self.env[view.index] = name, "i8"
            self.local.add(view.index)

    def nest(self, view: LoopView) -> None:
        """A loop of the chain: its trips are threads, or one thread does them in order."""
        if view.op in self.free:
            self.bounds.loop(view.index, *view.header)
            for p, a in zip(view.params, view.inits, strict=True):
                self.alias(p, a)
            k = f"({self.counts[0]} - 1 - i)" if view.op.attrs.get("rev") else "i"
            for s, d, e in zip(view.sources, view.op.attrs["dirs"], view.elements, strict=True):
                if self.uses[e]:
                    name = self.raw_name(self.tapes[s])  # type: ignore[index]
                    at = k if d == 1 else f"{name}.shape()[0] - 1 - {k}"
                    self.env[e] = self.named(f"{name}[{bare(at)}]", self.checked(e), e.name), self.checked(e)
                    self.local.add(e)
            self.region(view.body)
            for c, t in view.kept:
                if self.used(t):
                    dtype = self.tape_dtype(t)
                    self.stored[t] = self.fresh(t.name or "saved")
                    self.line(f"{self.stored[t]}[{bare(k)}] = {bare(self.text(c, dtype))};")
        else:
            self.run(view)

    def region(self, region: Region) -> None:
        for op in region.ops:
            if op.code == "for" and op in self.free:
                before = Region([], region.ops[: region.ops.index(op)], list(op.ins))
                super().region(before)
                self.nest(LoopView(op))
                return
        super().region(region)

    def prim(self, op: Op, inside: set[Val]) -> None:
        if op.fn in ops.WRITES:
            x, index, value = op.ins
            assert isinstance(x, Val)
            self.alias(op.out, x)
            of = self.array(x)
            text = bare(self.text(value, self.dtype(of)))
            place = self.element_at(of, index)
            if self.raw[of] in self.atomic:
                self.line(f"atomicAdd(&{place}, {text});")
            else:
                self.line(f"{place} {'+=' if op.fn is ops.additem else '='} {text};")
            return
        if op.fn in (ops.shape_at, len) and isinstance(op.ins[0], Val):
            of = self.array(op.ins[0])
            axis = op.ins[1].value if op.fn is ops.shape_at else 0  # type: ignore[union-attr]
            self.bounds.length(op.out, dims_of(of)[axis])
            self.env[op.out] = f"{self.raw_name(of)}.shape()[{axis}]", "i8"
            self.local.add(op.out)
            return
        super().prim(op, inside)

    def part(self, op: Op) -> str:
        x, index = op.ins
        assert isinstance(x, Val)
        return self.element_at(self.array(x), index)

    def raw_name(self, of: Val) -> str:
        if of not in self.raw:
            self.raw[of] = self.fresh(of.name)
        return self.raw[of]

    def element_at(self, of: Val, index: Atom) -> str:
        parts = parts_of(index)
        name = self.raw_name(of)
        at = ""
        for n, (p, d) in enumerate(zip(parts, dims_of(of), strict=True)):
            if not self.bounds.inside(p, d):
                raise self.no("an index that is not known to be inside of its array")
            own = self.text(p, "i8")
            at = own if not at else f"({at} * {name}.shape()[{n}] + {own})"
        return f"{name}[{bare(at)}]"

    def outside(self, v: Val) -> None:
        k = v.kind
        if not isinstance(k, Scalar) or not k.weak:
            raise self.no("a number that may be on the device")
        super().outside(v)

    def again(self, v: Val) -> bool:
        return False

    # ---- the text of the module
    def finish_nest(self, free: list[LoopView]) -> None:
        k = self.kernel
        k.form = "one thread for each trip of independent loops"
        cuda = f"{k.name}_cuda"
        read = [v for v in self.raw if v not in self.changed]
        k.text = definition(
            cuda,
            [
                *(f"{PARAMS[d]} {n}" for n, d in self.params.values()),
                *(f"raw {PARAMS[self.dtype(v)]} {self.raw[v]}" for v in read),
                *(f"int64 {n}" for n in self.counts),
            ],
            [
                *(f"raw {PARAMS[self.tape_dtype(t)]} {n}" for t, n in self.stored.items()),
                *(f"raw {PARAMS[self.dtype(v)]} {self.raw[v]}" for v in self.changed),
            ],
            self.lines,
            k.words,
            preamble="\n".join(FUNCTIONS[w] for w in FUNCTIONS if w in self.helpers).splitlines(),
        )
        counted = []
        for name, view in zip(self.counts, free, strict=True):
            first, last = (self.on_host(a) for a in view.header[:2])
            by = view.header[2].value  # type: ignore[union-attr]
            count = f"{last} - {first}" if first != "0" else last
            count = f"max({count}, 0)" if by == 1 else f"len(range({first}, {last}, {by}))"
            counted.append(f"{name} = {count}")
        own = [*(n for n, _ in self.params.values()), *(self.raw[v] for v in read)]
        targets = [self.raw[v] for v in self.changed]
        lines = [f"def {k.name}({', '.join([*own, *self.ends.values(), *targets])}):"]
        lines += [f"    {x}" for x in counted]
        size = " * ".join(self.counts)
        saved = list(self.stored.values())
        for t, n in self.stored.items():
            lines.append(f"    {n} = cp.empty({size}, cp.{PARAMS[self.tape_dtype(t)]})")
        lines.append(f"    {cuda}({', '.join([*own, *self.counts, *saved, *targets])}, size={size})")
        if saved:
            lines.append(f"    return {', '.join(saved)}")
        for t in self.stored:
            k.tapes[t] = Val(t.name, Array(self.tape_dtype(t), (fresh_sym(),)))
            k.outs.append(k.tapes[t])
        k.host = "\n".join(lines)
        k.ins = [*self.params, *read, *self.ends]
        k.targets = [(v, None) for v in self.changed]
        for f, a in zip(LoopView(self.loop).finals, LoopView(self.loop).inits, strict=True):
            assert isinstance(a, Val)
            k.same[f] = a
            a.name = a.name or f.name
