"""The kernel of what is done to rows: a team of threads for each.

A team is a part of a warp, or a block.  It goes over its row once for each sum that it has to wait for; what
is needed again is computed again, or read back if it is a result, and nothing but results is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from srcdiff.compiled.texts import bare
from srcdiff.cuda.groups import Group, Total, dims_of, fits, is_constant
from srcdiff.cuda.kernels import Kernel, Writer, cast, definition
from srcdiff.cuda.rows import Rows
from srcdiff.cuda.tables import C_TYPES, FUNCTIONS, PARAMS, TEAMS
from srcdiff.ir.graph import Atom, Op, Val, vals
from srcdiff.ir.kinds import Array, Scalar

__all__ = ["RowWriter"]

STARTS = {"sum": "0.0", "max": "-1.0 / 0.0", "min": "1.0 / 0.0"}


class RowWriter(Writer):
    """The kernel of what is done to rows."""

    def __init__(
        self, name: str, rows: Rows, escapes: Callable[[Val], bool], memory: Callable[[Val], frozenset[Any]]
    ) -> None:
        super().__init__(name, Group(ops=rows.ops, space=rows.space), escapes, memory)
        self.rows = rows
        self.taken |= {"row", "j", "lane", "team", "rows"}
        self.made = {v: op for op in rows.ops for v in op.outs}
        self.phase: dict[Val, int] = {}
        self.whole = True  # whether an element is at hand, not a row
        self.loop: dict[Val, tuple[str, str]] = {}  # what there is in the loop at hand
        self.stored: dict[Val, tuple[str, int]] = {}  # results of elements, and when they are there
        self.now = 0
        self.asked: list[Op] = []  # operations whose values are asked for
        self.views: list[Op] = []  # views of results, that others ask for

    # ---- what an operand is
    def text(self, a: Atom, to: str) -> str:
        if not isinstance(a, Val):
            return super().text(a, to)
        v = a
        while v in self.rows.views:
            v = self.rows.views[v]
        if v in self.env:
            return cast(*self.env[v], to)
        if v not in self.loop:
            if v in self.made:
                self.make(v)
            elif isinstance(v.kind, Array) and v.kind.dims and is_constant(v):
                assert v.op is not None
                self.kernel.inlined.add(v.op)
                return self.constant(v, to)
            else:
                self.load(v)
        return cast(*(self.loop.get(v) or self.env[v]), to)

    def load(self, v: Val) -> None:
        """An element of an array from outside, or a number."""
        k = v.kind
        assert isinstance(k, (Array, Scalar))
        if isinstance(k, Scalar):
            self.params[v] = self.env[v] = self.fresh(v.name), k.dtype
            return
        if v not in self.raw:
            self.raw[v] = self.fresh(v.name)
        name, thin = self.raw[v], self.rows.space[:-1]
        if not k.dims:
            at = "0"
        elif not self.whole or fits(k.dims, (*thin, 1)):
            at = "row"
        else:
            at = "row * n + j" if fits(k.dims, self.rows.space) else "j"
        local = self.fresh(f"{name}_{'j' if 'j' in at else 'row'}" if k.dims else f"{name}_0")
        self.line(f"const {C_TYPES[k.dtype]} {local} = {name}[{at}];")
        self.loop[v] = local, k.dtype

    def make(self, v: Val) -> None:
        """A value made here, once more in this loop, or read back from where it was stored."""
        dtype = self.dtype(v)
        name, when = self.stored.get(v, ("", 0))
        if name and when < self.now and self.whole:
            local = self.fresh(v.name or "t")
            self.line(f"const {C_TYPES[dtype]} {local} = {name}[row * n + j];")
            self.loop[v] = local, dtype
            return
        text = self.element(self.made[v])
        self.loop[v] = (self.named(text, dtype, v.name) if self.uses[v] > 1 else text), dtype

    # ---- when what is there
    def plan(self) -> int:
        """In which of the rounds over its row a team has each value."""
        last = 0
        for op in self.rows.ops:
            ready = max((self.when(a) for a in vals(op.ins)), default=0)
            for v in op.outs:
                self.phase[v] = ready + (op in self.rows.sums)
                last = max(last, self.phase[v])
        return last

    def when(self, v: Val) -> int:
        return self.phase.get(v, 0)

    # ---- the whole
    def write(self) -> Kernel | None:
        rows, k = self.rows, self.kernel
        outs: dict[Val, str] = {}
        for v in rows.level:
            if self.escapes(v):
                if v in rows.views:
                    self.views.append(self.made[v])
                while v in rows.views:
                    v = rows.views[v]
                outs.setdefault(v, "")
        for v in outs:
            outs[v] = self.fresh(v.name)
        totals = list(rows.totals.values())
        if not outs and not totals:
            return None
        self.asked = self.reached([*outs, *(v for t in totals for v in vals(t.of))])
        for op in self.asked:
            self.uses.update(vals(op.ins))
        for t in totals:
            self.uses.update(vals(t.of))
        self.uses.update(list(outs))
        for now in range(self.plan() + 1):
            self.now = now
            self.of_rows(outs)
            self.round(outs, totals)
        for n, t in enumerate(totals):
            if not self.is_wide(t):
                self.whole, self.loop = False, {}
                value = bare(self.product(t))
                self.line(f"if (lane == 0) {part(n)} = {value};")
        k.stands_for(rows.ops)
        k.statements = len(self.asked)
        k.form = "a team of threads for each row"
        self.finish_rows(outs, totals)
        return k

    def reached(self, results: list[Val]) -> list[Op]:
        """The operations that results are made by, in their order."""
        keep: set[Op] = set()
        todo = list(results)
        while todo:
            op = self.made.get(todo.pop())
            if op is not None and op not in keep:
                keep.add(op)
                todo += vals(op.ins)
        return [op for op in self.rows.ops if op in keep]

    def is_wide(self, t: Total) -> bool:
        return fits(dims_of(t.of[0]), self.rows.space)

    def product(self, t: Total) -> str:
        texts = [self.text(a, self.dtype(a)) for a in t.of]
        if len(texts) > 1 and texts[0] == texts[1]:
            one = self.named(texts[0], self.dtype(t.of[0]))
            texts = [one, one]
        return " * ".join(texts)

    def of_rows(self, outs: dict[Val, str]) -> None:
        """The numbers of each row that are there by now; every thread of a team has them."""
        self.whole, self.loop = False, {}
        for op in self.asked:
            v = op.out
            if self.rows.level.get(v, True) or v in self.rows.views or op in self.rows.sums:
                continue
            if self.phase[v] == self.now:
                self.env[v] = self.named(self.element(op), self.dtype(v), v.name), self.dtype(v)
        self.env.update(self.loop)
        for v, name in outs.items():
            if not self.rows.level[v] and self.phase[v] == self.now and self.made[v] not in self.rows.sums:
                self.line(f"if (lane == 0) {name}[row] = {bare(self.text(v, self.dtype(v)))};")

    def round(self, outs: dict[Val, str], totals: list[Total]) -> None:
        """One time over the row: what is summed, and what is stored."""
        now, rows = self.now, self.rows
        summed = [op for op in self.asked if op in rows.sums and self.phase[op.out] == now + 1]
        wide = [n for n, t in enumerate(totals) if self.is_wide(t)]
        added = [n for n in wide if max(map(self.when, vals(totals[n].of))) == now]
        kept = [v for v in outs if rows.level[v] and self.phase[v] == now]
        if not summed and not added and not kept:
            return
        names: dict[Any, tuple[str, str]] = {}
        for op in summed:
            names[op] = self.fresh("total"), rows.sums[op].how
        for n in added:
            names[n] = self.fresh("total"), totals[n].how
        for name, how in names.values():
            self.line(f"double {name} = {STARTS[how]};")
        self.line("for (long long j = lane; j < n; j += team) {")
        self.depth += 1
        self.whole, self.loop = True, {}
        for key, (name, how) in names.items():
            if isinstance(key, int):
                text = bare(self.product(totals[key]))
                text = f"(double)({text})" if how != "sum" and self.dtype(totals[key].of[0]) != "f8" else text
            else:
                of = rows.sums[key].of
                text = bare(self.text(of, "f8" if how != "sum" else self.dtype(of)))
            if how == "sum":
                self.line(f"{name} += {text};")
            else:
                step = "larger" if how == "max" else "smaller"
                self.helpers.add(step)
                self.line(f"{name} = {step}({name}, {text});")
        for v in kept:
            self.line(f"{outs[v]}[row * n + j] = {bare(self.text(v, self.dtype(v)))};")
            self.stored[v] = outs[v], now
        self.depth -= 1
        self.line("}")
        for key, (name, how) in names.items():
            self.helpers.add(f"team_{how}")
            whole = f"team_{how}({name}, team)"
            if isinstance(key, int):
                self.line(f"{name} = {whole};")
                self.line(f"if (lane == 0) {part(key)} = {name};")
                continue
            v = key.out
            text = f"({whole} / n)" if rows.sums[key].mean else whole
            self.env[v] = self.named(cast(text, "f8", self.dtype(v)), self.dtype(v), v.name), self.dtype(v)
            if v in outs:
                self.line(f"if (lane == 0) {outs[v]}[row] = {self.env[v][0]};")

    # ---- the text of the module
    def finish_rows(self, outs: dict[Val, str], totals: list[Total]) -> None:
        k, space = self.kernel, self.rows.space
        self.lines.insert(0, "const long long row = i / team, lane = i % team;")
        cuda = f"{k.name}_cuda"
        preamble = "\n".join({**FUNCTIONS, **TEAMS}[w] for w in (*FUNCTIONS, *TEAMS) if w in self.helpers)
        k.text = definition(
            cuda,
            [
                *(f"{PARAMS[d]} {n}" for n, d in self.params.values()),
                *(f"raw {PARAMS[self.dtype(v)]} {n}" for v, n in self.raw.items()),
                "int64 rows, int64 n, int64 team",
            ],
            [f"raw {PARAMS[self.dtype(v)]} {n}" for v, n in outs.items()]
            + (["raw float64 parts"] if totals else []),
            self.lines,
            k.words,
            preamble=preamble.splitlines(),
        )
        own = [*(n for n, _ in self.params.values()), *self.raw.values()]
        full = next((n for v, n in self.raw.items() if fits(dims_of(v), space)), None)
        lines = [f"def {k.name}({', '.join(own)}):"]
        if full is not None:
            lines.append(f"    *shape, n = {full}.shape")
        else:
            arrays = [f"{n}.shape" for v, n in self.raw.items() if dims_of(v)]
            lines.append(f"    *shape, n = cp.broadcast_shapes({', '.join(arrays)})")
        lines.append("    rows = math.prod(shape)")
        for v, n in outs.items():
            size = "(*shape, n)" if self.rows.level[v] else "(*shape, 1)"
            if not self.rows.level[v] and fits(dims_of(v), space[:-1]):
                size = "tuple(shape)"
            lines.append(f"    {n} = cp.empty({size}, cp.{PARAMS[self.dtype(v)]})")
        if totals:
            lines.append(f"    parts = cp.empty(({len(totals)}, rows), cp.float64)")
        lines.append("    team = min(256, 1 << max((n - 1).bit_length() - 2, 0))  # threads for each row")
        given = ", ".join([*own, "rows", "n", "team", *outs.values(), *(["parts"] if totals else [])])
        lines.append(f"    {cuda}({given}, size=rows * team, block_size=team if team > 32 else 128)")
        results = list(outs.values())
        for row, t in enumerate(totals):
            value = f"parts[{row}].{t.how}()"
            wide = self.is_wide(t)
            value = f"{value} / {'(rows * n)' if wide else 'rows'}" if t.mean else value
            if self.dtype(t.op.out) == "f4":
                value = f"({value}).astype(cp.float32)" if t.mean else f"{value}.astype(cp.float32)"
            results.append(value)
        lines.append(f"    return {', '.join(results)}")
        k.host = "\n".join(lines)
        k.ins = [*self.params, *self.raw]
        k.outs = [*outs, *(t.op.out for t in totals)]


def part(n: int) -> str:
    return f"parts[{n} * rows + row]" if n else "parts[row]"
