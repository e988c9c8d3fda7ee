"""Loops of the program whose trips do one thing to each element of some shape: one thread does all trips.

A recurrence over a batch (steps of an integrator, an RNN without products of matrices) is one kernel so: what
the loop carries is in registers, what it saves lies in arrays with the trips along the first axis.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from srcdiff.compiled.texts import bare
from srcdiff.compiled.values import Unsupported, is_boxed, is_unbroadcast, word_for
from srcdiff.cuda.groups import (
    Group,
    Space,
    broadcasts,
    dims_of,
    fits,
    is_constant,
    is_elementwise,
    is_number,
)
from srcdiff.cuda.kernels import Kernel, Writer, definition, literal
from srcdiff.cuda.tables import C_TYPES, FUNCTIONS, PARAMS
from srcdiff.ir import ops
from srcdiff.ir.bounds import Bounds
from srcdiff.ir.graph import Atom, Const, LoopView, Op, Region, Undef, Val, is_none, kind, vals, walk
from srcdiff.ir.indices import parts_of
from srcdiff.ir.kinds import Array, Scalar, Seq, fresh_sym, present

__all__ = ["Recurrence"]


class Recurrence(Writer):
    """The kernel of a loop over a batch."""

    def __init__(
        self,
        name: str,
        loop: Op,
        memory: Callable[[Val], frozenset[Any]],
        used: Callable[[Val], bool],
        unsure: set[Val],
        tapes: Mapping[Val, Val],
    ) -> None:
        super().__init__(name, Group(), lambda v: True, memory)
        self.loop, self.used, self.unsure, self.tapes = loop, used, unsure, tapes
        self.local: set[Val] = set()
        self.bounds = Bounds()
        self.stored: dict[Val, str] = {}  # tapes that are filled
        self.ends: dict[Val, str] = {}  # what says how many trips there are
        self.header = ("0", "0", 1)
        self.length = ""

    def no(self, why: str) -> Unsupported:
        return Unsupported(self.op, why)

    # ---- the whole
    def write(self) -> Kernel:
        view = LoopView(self.loop)
        self.op = self.loop
        self.space = self.group.space = self.space_of(view)
        for o in walk(Region([], [self.loop], [])):
            self.uses.update(vals(o.ins))
            for r in o.regions:
                self.uses.update(vals(r.results))
        self.kernel.stands_for(walk(Region([], [self.loop], [])))
        finals = {f: self.fresh(f.name) for f in view.finals if self.used(f)}
        carried = self.run(view, outermost=True)
        for f, (name, _) in zip(view.finals, carried, strict=True):
            if f in finals:
                if not dims_of(f):
                    raise self.no("a number that a loop over a batch ends with")
                self.line(f"{finals[f]} = {name};")
        if not finals and not self.stored:
            raise self.no("a loop of which no array is used")
        if not any(fits(dims_of(v), self.space) for v in self.params) and not self.covered():
            raise self.no("a loop over a batch whose size no array says")
        self.finish_loop(finals)
        return self.kernel

    def space_of(self, view: LoopView) -> Space:
        for v in (*view.params, *view.collected):
            if isinstance(v, Val) and self.dims(v):
                return self.dims(v)
        raise self.no("a loop that carries no array")

    def checked(self, v: Val) -> str:
        """The type of a value that each thread has one of."""
        k = present(v.kind)
        if not isinstance(k, (Array, Scalar)) or k.dtype not in C_TYPES:
            raise self.no("a value that is neither a number nor an array of numbers")
        if self.dims(v) and not fits(self.dims(v), self.space):
            raise self.no("arrays of several shapes in a loop")
        return k.dtype

    def dims(self, a: Atom) -> Space:
        k = present(kind(a))
        return k.dims if isinstance(k, Array) else ()

    def text(self, a: Atom, to: str) -> str:
        unset = isinstance(a, Undef) or is_none(a)  # on this path nobody asks for it
        return literal(0, to) if unset else super().text(a, to)

    def on_host(self, a: Atom) -> str:
        """An end of the loop, for the function around the kernel."""
        if isinstance(a, Const):
            return str(a.value)
        if not isinstance(a, Val) or not isinstance(a.kind, Scalar) or a.kind.dtype[0] != "i":
            raise self.no("a loop that does not count")
        self.ends.setdefault(a, self.fresh(a.name))
        return self.ends[a]

    def outside(self, v: Val) -> None:
        if v in self.unsure or not isinstance(v.kind, (Array, Scalar)):
            raise self.no("a value that is neither a number nor an array of numbers")
        if v.kind.dtype not in C_TYPES or not broadcasts(dims_of(v), self.space):
            raise self.no("an array of another shape")
        super().outside(v)

    # ---- loops
    def run(self, view: LoopView, outermost: bool = False) -> list[tuple[str, str]]:
        """A loop; gives the variables that it carries."""
        op = view.op
        if op.code != "for" or op.attrs["exits"] or op.attrs.get("guarded") or self.used(view.trips):
            raise self.no("a loop that may be left early")
        over = view.head == 0 and len(view.sources) == 1 and outermost
        if not over and (view.head != 3 or not isinstance(view.header[2], Const)):
            raise self.no("a loop of unknown step")
        carried: list[tuple[str, str]] = []
        for p, a in zip(view.params, view.inits, strict=True):
            if self.alias(p, a):
                carried.append(("", ""))
                continue
            dtype = self.checked(p)
            name = self.fresh(p.name)
            self.line(f"{C_TYPES[dtype]} {name} = {bare(self.text(a, dtype))};")
            carried.append((name, dtype))
            self.env[p] = name, dtype
            self.local.add(p)
        start, stop, step = view.header if not over else (Const(0), Const(0), Const(1))
        by = step.value  # type: ignore[union-attr]
        trips = self.fresh("trips")
        first = self.text(start, "i8") if self.uses[view.index] or not outermost else "0"
        if outermost:
            self.trips = trips
            if not over:
                self.header = (self.on_host(start), self.on_host(stop), by)
        else:
            last = self.text(stop, "i8")
            count = f"{last} - {first}" if first != "0" else last
            if by != 1:
                count = count if by > 0 else f"{first} - {last}"
                count = f"({count} + {abs(by) - 1}) / {abs(by)}"
            self.line(f"const long long {trips} = {count};")
        k = self.fresh("k")
        env = dict(self.env)
        self.line(f"for (long long {k} = 0; {k} < {trips}; ++{k}) {{")
        self.depth += 1
        if self.uses[view.index]:
            at = f"{trips} - 1 - {k}" if op.attrs.get("rev") else k
            at = at if by == 1 else f"{by} * ({at})"
            text = at if first == "0" else f"{first} + {at}"
            self.env[view.index] = self.named(f"({text})" if text != k else k, "i8", view.index.name), "i8"
            self.local.add(view.index)
        if not over:
            self.bounds.loop(view.index, *view.header)
        self.take(view, k, outermost)
        self.region(view.body)
        self.save(view, k, outermost)
        self.hand_on(view, carried)
        self.bounds.range.pop(view.index, None)
        self.depth -= 1
        self.line("}")
        self.env = {v: t for v, t in self.env.items() if v in env or v in self.params}
        for f, c, a in zip(view.finals, carried, view.inits, strict=True):
            if not self.alias(f, a):
                self.env[f] = c
                self.local.add(f)
        return carried

    def alias(self, v: Val, of: Atom) -> bool:
        """Whether a value is an array in memory, and so the same one as another."""
        return False

    def take(self, view: LoopView, k: str, outermost: bool) -> None:
        """The elements of sources."""
        op = view.op
        if view.sources and not (op.attrs.get("aligned") or (view.head == 0 and len(view.sources) == 1)):
            raise self.no("a loop over lists of several lengths")
        if view.sources and not outermost:
            raise self.no("a loop over a list inside of another")
        for s, d, e in zip(view.sources, op.attrs["dirs"], view.elements, strict=True):
            if not self.uses[e] and view.head:
                continue
            of = self.tapes.get(s, s) if isinstance(s, Val) else None
            if of is None or not isinstance(of.kind, Array) or of in self.unsure:
                raise self.no("a loop over a list")
            dtype = self.checked(e)
            if not fits(of.kind.dims[1:], self.dims(e)):
                raise self.no("a loop over an array of several shapes")
            name = self.raw.setdefault(of, "") or self.fresh(of.name)
            self.raw[of] = name
            at = k if d == 1 else f"({name}.shape()[0] - 1 - {k})"
            text = f"{name}[{at} * _ind.size() + i]" if self.dims(e) else f"{name}[{bare(at)}]"
            if not view.head:
                self.length = f"len({name})"
            self.env[e] = self.named(text, dtype, e.name), dtype
            self.local.add(e)

    def save(self, view: LoopView, k: str, outermost: bool) -> None:
        """What a trip saves."""
        for c, t in view.kept:
            if not self.used(t):
                continue
            k_ = present(t.kind.elem) if isinstance(t.kind, Seq) else None
            if not outermost or not isinstance(k_, Array) or not k_.dims:
                raise self.no("a loop over a batch that saves numbers, or lists")
            dtype = k_.dtype
            if not fits(k_.dims, self.space) or dtype not in C_TYPES:
                raise self.no("a loop that saves arrays of several shapes")
            self.stored[t] = name = self.fresh(t.name or "saved")
            self.line(f"{name}[{k} * _ind.size() + i] = {bare(self.text(c, dtype))};")

    def hand_on(self, view: LoopView, carried: list[tuple[str, str]]) -> None:
        """What the next trip starts from: all of it is there before any of it changes."""
        names = {n for n, _ in carried}
        moves = []
        for (name, dtype), y in zip(carried, view.yields, strict=True):
            if not name:
                continue
            text = self.text(y, dtype)
            if bare(text) != name:
                moves.append((name, text, dtype))
        if len(moves) > 1:
            moves = [(n, self.kept(t, d, names - {n}), d) for n, t, d in moves]
        for name, text, _ in moves:
            self.line(f"{name} = {bare(text)};")

    def kept(self, text: str, dtype: str, changing: set[str]) -> str:
        """A text whose value does not change when some variables do."""
        if not set(re.findall(r"\w+", text)) & changing:
            return text
        name = self.fresh("t")
        self.line(f"const {C_TYPES[dtype]} {name} = {bare(text)};")
        return name

    # ---- operations
    def region(self, region: Region) -> None:
        inside = {v for o in region.ops for v in vals(o.ins)} | set(vals(region.results))
        for op in region.ops:
            self.op = op
            if op.attrs.get("guarded") or op.attrs.get("unread") or op.attrs.get("effect"):
                raise self.no("an operation that acts on the world")
            if op.code == "for":
                self.run(LoopView(op))
            elif op.code == "if":
                self.branch(op)
            elif op.code == "prim":
                self.prim(op, inside)
            else:
                raise self.no(f"an operation {op.code!r}")

    def prim(self, op: Op, inside: set[Val]) -> None:
        fn, v = op.fn, op.out
        if not self.uses[v]:
            return
        if is_constant(v):
            if dims_of(v) and not fits(dims_of(v), self.space):
                raise self.no("arrays of several shapes in a loop")
            return
        dtype = self.checked(v)
        if op.attrs.get("inplace") and op.ins[0] not in self.local:
            raise self.no("an array from outside that a loop changes")
        if fn is operator.getitem:
            text = self.part(op)
        elif is_boxed(op) or fn is ops.given or (is_unbroadcast(fn) and fits(dims_of(op.ins[0]), dims_of(v))):
            text = self.text(op.ins[0], dtype)
        elif is_elementwise(op):
            text = self.element(op)
        else:
            raise self.no(f"{word_for(fn)} in a loop")
        if self.uses[v] > 1 or v not in inside or fn is operator.getitem:
            text = self.named(text, dtype, v.name)
        self.env[v] = text, dtype
        self.local.add(v)

    def part(self, op: Op) -> str:
        """An element of an array for the whole batch, or for this one."""
        x, index = op.ins
        if not isinstance(x, Val) or not isinstance(x.kind, Array) or x in self.local or x in self.unsure:
            raise self.no("a part of an array that the loop makes")
        parts = parts_of(index)
        dims = x.kind.dims
        if x.kind.dtype not in C_TYPES or not all(
            isinstance(k := kind(p), Scalar) and k.dtype[0] == "i" for p in parts
        ):
            raise self.no("an index that is no number")
        rest = dims[len(parts) :]
        if rest and not fits(rest, self.space):
            raise self.no("a part of an array of another shape")
        self.bounds.array(dims)
        for p, d in zip(parts, dims, strict=False):
            if not self.bounds.inside(p, d):
                raise self.no("an index that is not known to be inside of its array")
        if x not in self.raw:
            self.raw[x] = self.fresh(x.name)
        name = self.raw[x]
        at = ""
        for n, p in enumerate(parts):
            own = self.text(p, "i8")
            at = own if not at else f"({at} * {name}.shape()[{n}] + {own})"
        return f"{name}[{at} * _ind.size() + i]" if rest else f"{name}[{bare(at)}]"

    def branch(self, op: Op) -> None:
        if not is_number(op.ins[0]):
            raise self.no("a branch on an array")
        test = self.text(op.ins[0], "b1")
        names = {}
        for o, a in zip(op.outs, op.regions[0].results, strict=True):
            if self.uses[o] and not self.alias(o, a):
                dtype = self.checked(o)
                names[o] = self.fresh(o.name), dtype
                self.line(f"{C_TYPES[dtype]} {names[o][0]};")
        for n, r in enumerate(op.regions):
            self.line(f"if ({bare(test)}) {{" if not n else "} else {")
            self.depth += 1
            env = dict(self.env)
            self.region(r)
            for o, a in zip(op.outs, r.results, strict=True):
                if o in names:
                    self.line(f"{names[o][0]} = {bare(self.text(a, names[o][1]))};")
            self.env = {v: t for v, t in self.env.items() if v in env or v in self.params}
            self.depth -= 1
        self.line("}")
        self.env.update(names)
        self.local.update(names)

    # ---- the text of the module
    def finish_loop(self, finals: dict[Val, str]) -> None:
        k = self.kernel
        k.form = "one thread for all trips of a loop, for each element"
        cuda = f"{k.name}_cuda"
        k.text = definition(
            cuda,
            [
                *(f"{PARAMS[d]} {n}" for n, d in self.params.values()),
                *(f"raw {PARAMS[self.dtype(v)]} {n}" for v, n in self.raw.items()),
                f"int64 {self.trips}",
            ],
            [
                *(f"{PARAMS[self.dtype(v)]} {n}" for v, n in finals.items()),
                *(f"raw {PARAMS[self.tape_dtype(t)]} {n}" for t, n in self.stored.items()),
            ],
            self.lines,
            k.words,
            preamble="\n".join(FUNCTIONS[w] for w in FUNCTIONS if w in self.helpers).splitlines(),
        )
        own = [*(n for n, _ in self.params.values()), *self.raw.values()]
        first, last, by = self.header
        lines = [f"def {k.name}({', '.join([*own, *self.ends.values()])}):"]
        count = f"{last} - {first}" if first != "0" else last
        count = f"max({count}, 0)" if by == 1 else f"len(range({first}, {last}, {by}))"
        count = self.length or count
        lines.append(f"    {self.trips} = {count}")
        full = [n for v, (n, _) in self.params.items() if fits(dims_of(v), self.space)]
        shape = f"{full[0]}.shape" if full else "shape"
        if not full:
            arrays = [f"{n}.shape" for v, (n, _) in self.params.items() if dims_of(v)]
            lines.append(f"    shape = cp.broadcast_shapes({', '.join(arrays)})")
        for v, n in finals.items():
            lines.append(f"    {n} = cp.empty({shape}, cp.{PARAMS[self.dtype(v)]})")
        for t, n in self.stored.items():
            lines.append(f"    {n} = cp.empty(({self.trips}, *{shape}), cp.{PARAMS[self.tape_dtype(t)]})")
        results = [*finals.values(), *self.stored.values()]
        lines.append(f"    {cuda}({', '.join([*own, self.trips, *results])})")
        lines.append(f"    return {', '.join(results)}")
        k.host = "\n".join(lines)
        k.ins = [*self.params, *self.raw, *self.ends]
        k.outs = list(finals)
        for t in self.stored:
            raw = Val(t.name, Array(self.tape_dtype(t), (fresh_sym(), *self.space)))
            k.tapes[t] = raw
            k.outs.append(raw)

    def tape_dtype(self, t: Val) -> str:
        k = present(t.kind.elem) if isinstance(t.kind, Seq) else None
        assert isinstance(k, (Array, Scalar))
        return k.dtype
