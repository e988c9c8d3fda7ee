"""The text of a kernel: what each thread does to one element of a group's space, as CUDA C."""

from __future__ import annotations

import math
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from srcdiff.compiled import tables as shared
from srcdiff.compiled.lower import common_dtype
from srcdiff.compiled.texts import bare
from srcdiff.compiled.values import is_zeros_like
from srcdiff.cuda.groups import Group, dims_of, fits, is_constant, is_masked, is_number, is_placed
from srcdiff.cuda.tables import BLOCKS, C_TYPES, ELEMENTWISE, FUNCTIONS, PARAMS, spelled
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Op, Origin, Ref, Val, kind, vals
from srcdiff.ir.indices import ALL, display, parts_of
from srcdiff.ir.kinds import Array, Scalar
from srcdiff.ir.origins import in_order

__all__ = ["BLOCK", "Kernel", "Writer", "cast", "literal"]

BLOCK = 256  # threads of a block that reduces
WORDS = frozenset({
    "auto", "bool", "break", "case", "char", "class", "const", "continue", "default", "delete", "do",
    "double", "else", "enum", "extern", "false", "float", "for", "goto", "if", "inline", "int", "long",
    "new", "operator", "private", "public", "register", "return", "short", "signed", "sizeof", "static",
    "struct", "switch", "template", "this", "true", "try", "typename", "union", "unsigned", "using",
    "void", "volatile", "while", "and", "or", "not", "xor", "catch", "throw", "namespace", "friend",
    "mutable", "virtual", "explicit", "n", "i", "T", "threadIdx", "blockIdx", "blockDim", "gridDim",
    "parts", "cp", "math", "shape", "size", "len", "max", "range", "a", "b",
})  # fmt: skip
CALLED = frozenset(w for t in ELEMENTWISE.values() for w in re.findall(r"(\w+)\(", t))


@dataclass(slots=True)
class Kernel:
    """A kernel: its text in the module, the arguments of its call, what the call gives."""

    name: str
    form: str = ""
    text: str = ""  # the statement that makes the kernel
    host: str = ""  # the function that calls it, where it is not called itself
    ins: list[Val] = field(default_factory=list)
    targets: list[tuple[Val, Atom | None]] = field(default_factory=list)  # parts of arrays that are changed
    outs: list[Val] = field(default_factory=list)
    same: dict[Val, Val] = field(default_factory=dict)  # results that are arrays changed in place
    tapes: dict[Val, Val] = field(default_factory=dict)  # lists that a loop fills, as arrays
    before: list[Op] = field(default_factory=list)  # views that are made for it
    inlined: set[Op] = field(default_factory=set)  # operations that were done again in it
    words: list[str] = field(default_factory=list)
    places: list[Origin] = field(default_factory=list)  # of the statements in it
    statements: int = 0
    loops: int = 1

    def stands_for(self, ops: Iterable[Op]) -> None:
        """Note the user's statements that operations come from."""
        self.places = list(dict.fromkeys(o for op in ops if (o := op.origin) is not None))
        self.words = in_order(self.places)


def literal(v: Any, dtype: str) -> str:
    """A number as a literal of a type."""
    if dtype == "b1":
        return "true" if v else "false"
    if dtype == "i8":
        return f"{int(v)}" if abs(int(v)) < 2**31 else f"{int(v)}LL"
    v = float(v)
    f = "f" if dtype == "f4" else ""
    if math.isnan(v) or math.isinf(v):
        return f"({'0.0' if v != v else '1.0' if v > 0 else '-1.0'}{f} / 0.0{f})"
    text = str(np.float32(v)) if f else repr(v)
    text = text if re.search(r"[.e]", text) else f"{text}.0"
    return f"({text}{f})" if text.startswith("-") else f"{text}{f}"


def cast(text: str, of: str, to: str) -> str:
    """A number of one type as one of another."""
    if of == to:
        return text
    if to == "b1":
        return f"({text} != 0)"
    simple = re.fullmatch(r"\w+", text) or bare(text) != text
    return f"({C_TYPES[to]}){text}" if simple else f"({C_TYPES[to]})({text})"


class Writer:
    """The making of one kernel from a group.

    Attributes:
        written: all memory that is ever written to: what is in it is read when it is asked for, not later.
    """

    written: frozenset[Any] = frozenset()

    def __init__(
        self,
        name: str,
        group: Group,
        escapes: Callable[[Val], bool],
        memory: Callable[[Val], frozenset[Any]],
    ) -> None:
        self.kernel = Kernel(name)
        self.group, self.escapes, self.memory = group, escapes, memory
        self.taken = {*WORDS, *CALLED, name}
        self.params: dict[Val, tuple[str, str]] = {}  # name and type
        self.env: dict[Val, tuple[str, str]] = {}  # text and type
        self.uses: Counter[Val] = Counter()
        self.lines: list[str] = []
        self.depth = 0
        self.helpers: set[str] = set()
        self.raw: dict[Val, str] = {}  # arrays that are read at any place
        self.atomic: set[str] = set()  # arrays that are summed into
        self.tall: dict[Val, Val] = {}  # places as a column, one for each row
        self.op: Op | None = None
        self.wanted: list[Op] = []  # operations that somebody asks for

    # ---- names and numbers
    def fresh(self, hint: str) -> str:
        word = re.sub(r"\W", "_", hint or "t") or "t"
        word = word if word.isascii() and not word[0].isdigit() and word[0] != "_" else f"t{word}"
        word = word if word.isascii() else "t"
        name, n = word, 0
        while name in self.taken:
            n += 1
            name = f"{word}{n}"
        self.taken.add(name)
        return name

    def named(self, text: str, dtype: str, hint: str = "t") -> str:
        if re.fullmatch(r"\w+", text):
            return text
        name = self.fresh(hint)
        self.line(f"const {C_TYPES[dtype]} {name} = {bare(text)};")
        return name

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def dtype(self, a: Atom) -> str:
        k = kind(a)
        assert isinstance(k, (Array, Scalar))
        return k.dtype

    def text(self, a: Atom, to: str) -> str:
        """The text of an atom's element, as a type."""
        if isinstance(a, Const):
            return literal(a.value, to)
        if isinstance(a, Ref):
            return literal(a.obj, to)
        assert isinstance(a, Val)
        if a not in self.env:
            self.outside(a)
        if a not in self.env:  # a constant, written in the type that is asked for
            return self.constant(a, to)
        text, dtype = self.env[a]
        return cast(text, dtype, to)

    def outside(self, v: Val) -> None:
        """A value from outside of the group: done again here if it is a mere number, else a parameter."""
        op = v.op
        if isinstance(v.kind, Array) and v.kind.dims and is_constant(v):
            assert op is not None
            self.kernel.inlined.add(op)
            return
        if is_number(v) and self.again(v):
            return
        k = v.kind
        assert isinstance(k, (Array, Scalar))
        name = self.fresh(v.name)
        self.params[v] = self.env[v] = name, k.dtype

    def again(self, v: Val) -> bool:
        """Whether a number of the device is computed here once more, and has its text."""
        op = v.op
        k = v.kind
        assert isinstance(k, (Array, Scalar))
        strong = isinstance(k, Array) or not k.weak
        if op is None or op.code != "prim" or v not in op.outs or not strong or not op.ins:
            return False
        marks = ("inplace", "guarded", "unread", "effect")
        if any(op.attrs.get(m) for m in marks) or op.by_name or spelled(op.fn) is None:
            return False
        if k.dtype not in ("f8", "f4") or op in self.group.ops or op.fn in (operator.getitem,):
            return False
        if not all(is_number(a) and self.dtype(a) in C_TYPES for a in op.ins):
            return False
        if any(self.memory(a) & self.written for a in vals(op.ins)):
            return False
        self.uses.update(vals(op.ins))
        text = self.element(op)
        self.kernel.inlined.add(op)
        self.env[v] = self.named(text, k.dtype, v.name), k.dtype
        return True

    def constant(self, v: Val, to: str) -> str:
        """The element of an array that is made of one number."""
        op = v.op
        assert op is not None
        name = getattr(op.fn, "__name__", "")
        if is_zeros_like(op.fn) or name.startswith("zeros"):
            return literal(0, to)
        if name.startswith("ones"):
            return literal(1, to)
        value = op.ins[0] if op.fn is np.broadcast_to else op.ins[1]
        text = self.text(value, self.dtype(v))
        return literal(value.value, to) if isinstance(value, Const) else cast(text, self.dtype(v), to)

    # ---- one operation
    def element(self, op: Op) -> str:
        """The text of an operation on one element."""
        fn = op.fn
        template = spelled(fn) or ""
        if fn is operator.getitem:
            x = op.ins[0]
            assert isinstance(x, Val)
            if x not in self.raw:
                self.raw[x] = self.fresh(x.name)
            return self.at(self.raw[x], x, op.ins[1])
        dtype = self.dtype(op.out)
        if is_masked(op):
            old, mask = self.text(op.ins[0], dtype), self.text(op.ins[1], "b1")
            old = old if op.fn is ops.setitem else self.named(old, dtype)
            new = self.text(op.ins[2], dtype)
            return f"({mask} ? {new if op.fn is ops.setitem else f'{old} + {new}'} : {old})"
        kinds = [kind(a) for a in op.ins]
        common = dtype
        if fn in shared.COMPARE:
            common = common_dtype(kinds)
            common = "i8" if common == "i4" else common
        elif fn in shared.LOGIC:
            common = "b1"
        elif fn is bool:
            common = self.dtype(op.ins[0])
        tos = [common] * len(op.ins)
        if fn is np.where:
            tos[0] = "b1"
        if fn in (operator.pow, math.pow) and isinstance(op.ins[1], Const):
            n = op.ins[1].value
            if n in (2, 3, 4):
                template = "(" + " * ".join(["{0}"] * int(n)) + ")"
            elif n == 1:
                template = "{0}"
            elif n == 0.5:
                template = "sqrt({0})"
        args = [self.text(a, to) for a, to in zip(op.ins, tos, strict=True)]
        for k, (a, to) in enumerate(zip(args, tos, strict=True)):
            if template.count(f"{{{k}}}") > 1:
                args[k] = self.named(a, to)
        if fn is operator.mul and (one := next((a for a in args if a in ("1.0", "1.0f")), None)) is not None:
            return args[1 - args.index(one)]
        self.need(template)
        return template.format(*(args if template[0] in "({" else map(bare, args)))

    def at(self, name: str, x: Val, index: Atom) -> str:
        """An element of an array at a place known at run time."""
        parts = parts_of(index)
        rows = len(dims_of(x)) > len(parts)
        self.helpers.add("place")
        if rows and isinstance(index, Val) and index not in self.tall and index not in self.group.elements:
            column = Val(index.name, Array(self.dtype(index), (*dims_of(index), 1)))
            ins: list[Atom] = [index, display((ALL, Const(None)))]
            column.op = Op("prim", ins, [column], attrs={"fn": operator.getitem})
            self.kernel.before.append(column.op)
            self.tall[index] = column
        out = ""
        for axis, p in enumerate(parts):
            one = self.tall.get(p, p) if isinstance(p, Val) else p
            at = f"place({bare(self.text(one, 'i8'))}, {name}.shape()[{axis}])"
            out = f"({out}) * {name}.shape()[{axis}] + {at}" if " + " in out else (
                f"{out} * {name}.shape()[{axis}] + {at}" if out else at
            )
        return f"{name}[{out} * {name}.shape()[1] + i % {name}.shape()[1]]" if rows else f"{name}[{out}]"

    def need(self, template: str) -> None:
        for word in re.findall(r"(\w+)\(", template):
            if word in FUNCTIONS:
                self.helpers.add(word)

    # ---- the whole
    def write(self) -> Kernel | None:
        """The kernel, or None where it would do no more than one call does."""
        g, k = self.group, self.kernel
        results = [v for op in g.ops for v in op.outs if v in g.elements and self.escapes(v)]
        final = self.last_of_targets()
        self.wanted = needed = self.needed([*results, *final])
        k.statements = len(needed)
        if not g.scatters and len(needed) + sum(len(t.of) > 1 or t.of[0] in g.elements for t in g.totals) < 2:
            return None
        for op in needed:
            self.uses.update(v for v in vals(op.ins))
        for t in g.totals:
            self.uses.update(vals(t.of))
        targets = self.name_targets(needed)
        new = [v for v in results if v not in final]
        names = {v: self.fresh(v.name) for v in new}
        writes: list[tuple[str, str, str, str]] = []  # to, sign, text, type
        totals: list[tuple[str, str]] = []
        scattered: list[str] = []
        for op in needed:
            self.op = op
            if op in g.scatters:
                name = targets[op][0]
                x = g.scatters[op]
                value = bare(self.text(op.ins[2], self.dtype(x)))
                scattered.append(f"atomicAdd(&{self.at(name, x, op.ins[1])}, {value});")
                k.same[op.out] = x
                continue
            if is_placed(op):
                name, dtype = targets[op]
                sign = "+=" if op.fn is ops.additem else "="
                writes.append((name, sign, self.text(op.ins[2], dtype), dtype))
                k.same[op.out] = op.ins[0]  # type: ignore[assignment]
                continue
            total = next((t for t in g.totals if t.op is op), None)
            if total is not None:
                totals.append(self.total(total.of, total.how))
                continue
            self.bind(op, op.out in names)
        for v, target in final.items():
            name, dtype = targets[target]
            writes.append((name, "=", self.text(v, dtype), dtype))
            k.same[v] = g.targets[target][0]
        for v, name in names.items():
            writes.append((name, "=", self.text(v, self.dtype(v)), self.dtype(v)))
        changed = {n for n, _ in targets.values()}
        changed |= {n for v, (n, _) in self.params.items() if self.memory(v) & g.writes}
        self.lines += scattered
        self.put(writes, changed)
        if not targets and not any(fits(dims_of(v), g.space) for v in self.params) and not self.covered():
            return None
        if not targets and not names and not totals:
            return None
        k.ins = [*self.params, *self.raw]
        first = self.first_scatters()
        k.targets = [
            g.targets[op] if op in g.targets else (g.scatters[op], None)
            for op in targets
            if op in g.targets or op in first
        ]
        k.outs = [*new, *(t.op.out for t in g.totals)]
        self.finish(list(dict.fromkeys(targets.values())), names, totals)
        return k

    def first_scatters(self) -> dict[Op, None]:
        """Of the sums into each array, the first."""
        results = {op.out for op in self.group.scatters}
        return {op: None for op, x in self.group.scatters.items() if x not in results}

    def covered(self) -> bool:
        """Whether the arrays at hand have the shape of the space, put together by broadcasting."""
        rank = len(self.group.space)
        shapes = [dims_of(v) for v in self.params]
        return all(
            any(len(s) >= rank - p and s[p - rank] == d for s in shapes)
            for p, d in enumerate(self.group.space)
        )

    def last_of_targets(self) -> dict[Val, Op]:
        """Of arrays changed in place by operations on elements: the last value, and the first operation."""
        out: dict[Val, Op] = {}
        first: dict[Val, Op] = {}
        for op in self.group.ops:
            if op in self.group.targets and not is_placed(op):
                base = self.group.targets[op][0]
                start = first.get(base, op if base not in self.group.elements else None)
                if start is None:
                    continue  # of an array that is made here
                first[op.out] = start
                out.pop(base, None)
                out[op.out] = start
        return out

    def needed(self, results: list[Val]) -> list[Op]:
        g = self.group
        made = {v: op for op in g.ops for v in op.outs}
        todo = [*results, *(v for t in g.totals for v in vals(t.of))]
        keep: set[Op] = {t.op for t in g.totals} | set(g.scatters)
        for op in g.scatters:
            todo += vals(op.ins[1:])
        for op in g.targets:
            if is_placed(op):
                keep.add(op)
                todo += vals([op.ins[2]])
        while todo:
            op = made.get(todo.pop())  # type: ignore[assignment]
            if op is not None and op not in keep:
                keep.add(op)
                todo += vals(op.ins)
        return [op for op in g.ops if op in keep]

    def name_targets(self, needed: list[Op]) -> dict[Op, tuple[str, str]]:
        """The parameters that are written to, by the operation that does it first."""
        g = self.group
        out: dict[Op, tuple[str, str]] = {}
        for op in needed:
            if op in g.scatters:
                x = g.scatters[op]
                first = next((o for o in out if o.out is x), None)
                out[op] = out[first] if first is not None else (self.fresh(x.name), self.dtype(x))
                self.atomic.add(out[op][0])
                continue
            if op not in g.targets:
                continue
            base, index = g.targets[op]
            if index is None and base in g.elements:
                continue
            name = self.fresh(base.name)
            dtype = self.dtype(base)
            out[op] = name, dtype
            if index is None:
                self.env[base] = name, dtype
        return out

    def bind(self, op: Op, out: bool) -> None:
        """A value of the group: folded into its one use, or in a variable."""
        v = op.out
        dtype = self.dtype(v)
        text = self.element(op)
        if self.uses[v] + out > 1:
            text = self.named(text, dtype, v.name if not out else "t")
        self.env[v] = text, dtype

    def total(self, of: tuple[Atom, ...], how: str) -> tuple[str, str]:
        """What a thread adds up: the variable, and how it is put together."""
        texts = [self.text(a, self.dtype(a)) for a in of]
        text = " * ".join(texts) if len(texts) == 1 or texts[0] != texts[1] else ""
        if not text:
            one = self.named(texts[0], self.dtype(of[0]))
            text = f"{one} * {one}"
        name = self.fresh({"sum": "total", "max": "largest", "min": "smallest"}[how])
        if how == "sum":
            self.lines.append(f"{name} += {bare(text)};")
        else:
            step = "larger" if how == "max" else "smaller"
            self.helpers.add(step)
            self.lines.append(f"{name} = {step}({name}, (double)({bare(text)}));")
        return name, how

    def put(self, writes: list[tuple[str, str, str, str]], targets: set[str]) -> None:
        """What is written, last of all: nothing is read after it was written to."""
        later: list[str] = []
        for name, sign, text, dtype in writes:
            if len(writes) > 1 and set(re.findall(r"\w+", text)) & targets:
                text = self.named(f"({text})", dtype)  # (parameters are places in memory)
            later.append(f"{name} {sign} {bare(text)};")
        self.lines += later

    def finish(
        self, targets: list[tuple[str, str]], names: dict[Val, str], totals: list[tuple[str, str]]
    ) -> None:
        """The statements of the module: the kernel, and the function around it if there is one."""
        k, g = self.kernel, self.group
        k.stands_for(g.ops)
        k.form = "element-wise" if not totals else "element-wise and totals" if names or targets else "totals"
        outs = [*((n, self.dtype(v)) for v, n in names.items()), *targets]
        if self.atomic:
            k.form += ", sums at places that are given"
        around = bool(totals) or bool(names and targets)
        cuda = f"{k.name}_cuda" if around else k.name
        before, after = [], []
        for row, (name, how) in enumerate(totals):
            start = {"sum": "0.0", "max": "-1.0 / 0.0", "min": "1.0 / 0.0"}[how]
            before.append(f"double {name} = {start};")
            after.append(f"{name} = block_{how}({name});")
            at = "blockIdx.x" if not row else f"{row} * gridDim.x + blockIdx.x"
            after.append(f"if (threadIdx.x == 0) parts[{at}] = {name};")
        blocks = [BLOCKS[how] for how in dict.fromkeys(how for _, how in totals)]
        preamble = "\n".join([*(FUNCTIONS[w] for w in FUNCTIONS if w in self.helpers), *blocks])
        k.text = definition(
            cuda,
            [f"{PARAMS[d]} {n}" for n, d in self.params.values()]
            + [f"raw {PARAMS[self.dtype(v)]} {n}" for v, n in self.raw.items()],
            [f"{'raw ' if n in self.atomic else ''}{PARAMS[d]} {n}" for n, d in outs]
            + (["raw float64 parts"] if totals else []),
            self.lines,
            k.words,
            preamble=preamble.splitlines(),
            loop_prep=before,
            after_loop=after,
        )
        if around:
            k.host = self.around(cuda, targets, names, totals)

    def around(
        self, cuda: str, targets: list[tuple[str, str]], names: dict[Val, str], totals: list[tuple[str, str]]
    ) -> str:
        """The function that makes room for what a kernel gives, calls it, and adds up the parts."""
        k, g = self.kernel, self.group
        own = [*(n for n, _ in self.params.values()), *self.raw.values()]
        given = own + [n for n, _ in targets]
        full = [n for v, (n, _) in self.params.items() if fits(dims_of(v), g.space)]
        full += [n for n, _ in targets if n not in self.atomic]
        lines = [f"def {k.name}({', '.join(given)}):"]
        if full:
            shape, size = f"{full[0]}.shape", f"{full[0]}.size"
        else:
            arrays = [f"{n}.shape" for v, (n, _) in self.params.items() if dims_of(v)]
            lines.append(f"    shape = cp.broadcast_shapes({', '.join(arrays)})")
            shape, size = "shape", "math.prod(shape)"
        for v, n in names.items():
            lines.append(f"    {n} = cp.empty({shape}, cp.{PARAMS[self.dtype(v)]})")
        passed = [*own, *names.values(), *(n for n, _ in targets)]
        results = list(names.values())
        if totals:
            rows = f"({len(totals)}, -(-{size} // {BLOCK}))"
            lines.append(f"    parts = cp.empty({rows}, cp.float64)")
            lines.append(f"    {cuda}({', '.join(passed)}, parts, block_size={BLOCK})")
            for row, ((_, how), t) in enumerate(zip(totals, g.totals, strict=True)):
                value = f"parts[{row}].{how}()"
                value = f"{value} / {size}" if t.mean else value
                if self.dtype(t.op.out) == "f4":
                    value = f"({value}).astype(cp.float32)" if t.mean else f"{value}.astype(cp.float32)"
                results.append(value)
        else:
            lines.append(f"    {cuda}({', '.join(passed)})")
        lines.append(f"    return {', '.join(results)}")
        return "\n".join(lines)


def definition(
    name: str, ins: list[str], outs: list[str], lines: list[str], words: list[str], **more: list[str]
) -> str:
    """The statement that makes a kernel; a comment over it says what of the user's it does."""
    out = comment(words)
    out += [f"{name} = cp.ElementwiseKernel("]
    out += wrapped_params(ins) + wrapped_params(outs)
    out += block(lines)
    out[-1] += ","
    out.append(f'    "{name}",')
    for word, text in more.items():
        if text:
            first, *rest = block(text)
            out += [f"    {word}={first.strip()}", *rest]
            out[-1] += ","
    return "\n".join([*out, ")"])


def comment(words: list[str]) -> list[str]:
    """Which lines of the user's a kernel stands for."""
    shown = words if len(words) <= 8 else [*words[:4], "...", *words[-3:]]
    shown = [" " * (len(w) - len(w.lstrip())) + " ".join(w.split()) for w in shown]
    shown = [w if len(w) <= 80 else w[:76] + " ..." for w in shown]
    return ["# Stands for:", *(f"#     {w}" for w in shown)] if words else []


def wrapped_params(params: list[str]) -> list[str]:
    """A list of parameters as a string, on lines of at most 100 columns."""
    lines, line = [], ""
    for n, p in enumerate(params):
        more = p + (", " if n < len(params) - 1 else "")
        if line and len(line) + len(more) > 88:
            lines.append(line)
            line = ""
        line += more
    lines = [f'    "{x}"' for x in (*lines, line)]
    lines[-1] += ","
    return lines


def block(lines: list[str]) -> list[str]:
    """Lines of CUDA C as a string in triple quotes."""
    return ['    """', *(f"    {x}" for x in lines), '    """']
