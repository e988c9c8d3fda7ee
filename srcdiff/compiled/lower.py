"""From a part of the graph to the text of a kernel: numbers as numbers, arrays as loops over elements.

A value of the graph is represented by what is known of it here: a number in a variable, a *view* of a store
(slices, transposes and new axes are ways of indexing, and cost nothing), something that is computed where it
is read (zeros, an identity), or a tape.  Straight-line operations become statements (``nests``), put into
loops when something else comes: a loop, a branch, the end.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from srcdiff.compiled import again, elements, lists, tables
from srcdiff.compiled.control import Control
from srcdiff.compiled.growing import growing
from srcdiff.compiled.nests import Access, Fold, Size, Statement, Store, Way, same_size
from srcdiff.compiled.texts import (
    atleast,
    bare,
    cast,
    power,
    template_arity,
)
from srcdiff.compiled.values import (
    DTYPES,
    ZERO_OF,
    Elements,
    Kernel,
    Num,
    Static,
    Text,
    Unsupported,
    View,
    as_array,
    from_runtime,
    is_unbroadcast,
    is_zeros_like,
    whole,
    word_for,
)
from srcdiff.ir import ops
from srcdiff.ir.graph import (
    Const,
    Op,
    Region,
    Val,
    kind,
    vals,
)
from srcdiff.ir.kinds import Array, Kind, Scalar, Seq

__all__ = ["Kernel", "Lowerer", "Unsupported"]

START = {"prod": "1.0", "max": "-np.inf", "min": "np.inf", "any": "False", "all": "True"}


WORDS = {
    "opaque": "a statement that acts on the world", "try": "a try", "with": "a with",
    "call": "a function that calls itself", "unpack": "what a pullback saved", "need": "a need",
}  # fmt: skip


HELPERS = ("where", "maximum", "minimum", "clip", "sign", "logaddexp")


def common_dtype(kinds: list[Kind]) -> str:
    """The dtype in which numbers are compared, Python's own being weak."""
    strong = [k.dtype for k in kinds if isinstance(k, Array) or (isinstance(k, Scalar) and not k.weak)]
    weak = [k.dtype for k in kinds if isinstance(k, Scalar) and k.weak]
    if not strong:
        if "c16" in weak:
            return "c16"
        return "f8" if "f8" in weak else "i8" if "i8" in weak else "b1"
    d = np.result_type(*map(np.dtype, strong))
    if "c16" in weak:
        return "c16"
    if d.kind in "ib" and "f8" in weak:
        return "f8"
    if d.kind == "b" and "i8" in weak:
        return "i8"
    return f"{d.kind}{d.itemsize}"


def spell_maths(template: str, lw: Lowerer, many: bool) -> str:
    """The helpers that a template calls, imported; ``many``: for the elements of arrays."""
    found = re.match(r"math\.(\w+)\(", template)
    if found and many and found[1] in tables.VECTOR_MATHS:
        lw.helper(found[1])
        return template[5:]
    first = re.match(r"(\w+)\(", template)
    if first and first[1] in HELPERS:
        lw.helper(first[1])
    return template


class Lowerer(Control):
    """The making of one kernel."""

    handlers: dict[Any, Callable[[Lowerer, Op, Any], None]]
    helpers: dict[str, Callable[[Lowerer, Op, Any], None]]  # of the library's own functions, by name

    def region(self, region: Region) -> None:
        for op in region.ops:
            self.op = op
            self.operation(op)

    def operation(self, op: Op) -> None:
        if len(self.segment) >= elements.LONGEST:  # between operations: what one makes has its owner then
            self.flush()
        if op.code == "prim":
            self.prim(op)
            for v in vals(op.ins):
                self.seen[v] += 1
            return
        if op.code in ("for", "while", "if"):
            if op.attrs.get("guarded"):
                raise self.no("an operation that a handler guards")
            self.flush()
            if op.code != "if":
                self.outgrow |= growing(op)
            {"for": self.for_op, "while": self.while_op, "if": self.if_op}[op.code](op)
            for v in vals(op.ins):
                self.seen[v] += 1
            return
        raise self.no(WORDS.get(op.code, f"an operation {op.code!r}"))

    def prim(self, op: Op) -> None:
        fn = op.fn
        if op.attrs.get("guarded"):
            raise self.no("an operation that a handler guards")
        names = op.names
        try:
            handler = self.handlers.get(fn)
        except TypeError:
            handler = None
        if handler is not None:
            handler(self, op, names)
            return
        of = kind(op.ins[0]) if op.ins else None
        complex_parts = fn in tables.COMPLEX and isinstance(of, (Array, Scalar)) and of.dtype == "c16"
        if fn in tables.IDENTITY and len(op.ins) == 1 and not complex_parts:
            self.same_or_copy(op)
            return
        if is_unbroadcast(fn):
            self.unbroadcast(op)
            return
        if is_zeros_like(fn) and len(op.ins) == 1:
            self.handlers[np.zeros_like](self, op, names)
            return
        helper = self.helpers.get(from_runtime(fn))
        if helper is not None:
            helper(self, op, names)
            return
        if fn is operator.mul and isinstance(op.out.kind, Seq):
            lists.repeated(self, op)
            return
        template = tables.spelled(fn) or tables.COMPLEX.get(fn)
        if template is None:
            raise self.no(f"{word_for(fn)} has no compiled form")
        if any(names):
            raise self.no(f"{word_for(fn)} with options")
        self.elementwise(op, template)

    def elementwise(self, op: Op, template: str) -> None:
        fn, k = op.fn, op.out.kind
        wanted = template_arity(template)
        if len(op.ins) != wanted:
            raise self.no(f"{word_for(fn)} with {len(op.ins)} arguments")
        dtype = self.dtype_of(k)
        kinds = [kind(a) for a in op.ins]
        if any(isinstance(x, Seq) for x in kinds):
            raise self.no(f"{word_for(fn)} of a list")
        reps = [self.elements(a) for a in op.ins]
        common = dtype
        if "c16" in (dtype, *(r.dtype for r in reps)):
            common, template = self.of_complex(op)
        elif fn in tables.COMPARE:
            common = common_dtype(kinds)
        elif fn in tables.LOGIC:
            if fn in (operator.not_, np.logical_not, np.logical_and, np.logical_or):
                common = "b1"
            elif dtype != "b1" or any(r.dtype != "b1" for r in reps):
                if dtype != "i8":
                    raise self.no(f"{word_for(fn)} of numbers of two types")
                template = "(~{0})" if fn is operator.invert else template
        elif op in self.outgrow:
            if fn is operator.pow:
                raise self.no("a power of whole numbers that grows from trip to trip")
            template = f"{self.helper('whole_product')}({{0}}, {{1}})"
        elif dtype in ("i8", "b1") and fn not in tables.TAKES_INTEGERS and fn is not bool:
            template = self.of_integers(op, template)
            if fn is math.floor or fn is math.ceil or fn is int:
                common = reps[0].dtype
        if fn in (int, math.floor, math.ceil) and common != "c16":
            common = "f8" if reps[0].dtype[0] == "f" else "i8"
            template = "{0}" if common == "i8" else template
        if dtype == "b1" and fn in (operator.add, operator.sub, operator.mul, operator.neg, ops.accumulate):
            raise self.no(f"{word_for(fn)} of truth values")
        if fn is bool:
            common = reps[0].dtype
        if common not in DTYPES:
            raise self.no(f"numbers of type {common}")
        if fn is operator.pow and common != "c16":
            template = power(op.ins[1], template, any(r.sizes for r in reps) and dtype == "f8")
        froms = [r.dtype for r in reps]
        tos = [common] * len(reps)
        if fn is np.where:
            tos[0] = "b1"
        inside = spell_maths(template, self, any(r.sizes for r in reps))
        repeated = [template.count(f"{{{n}}}") > 1 for n in range(wanted)]

        def spell(texts: list[str]) -> str:
            args = [cast(t, f, to) for t, f, to in zip(texts, froms, tos, strict=True)]
            args = [self.name_of(a) if twice else a for a, twice in zip(args, repeated, strict=True)]
            return inside.format(*args)

        if op.attrs.get("inplace"):
            self.augmented(op, spell, reps)
            return
        self.result(op, reps, spell)

    def of_complex(self, op: Op) -> tuple[str, str]:
        """The type that the operands of a function of complex numbers have, and its text."""
        template = tables.COMPLEX.get(op.fn)
        if op.fn is operator.pow and isinstance(op.ins[1], Const):
            e = op.ins[1].value
            if isinstance(e, (int, float)) and e == int(e) and 0 <= e <= 100:
                template = "{0}" if e == 1 else f"power_of_complex({{0}}, {int(e)})"
        if template is None:
            raise self.no(f"{word_for(op.fn)} of complex numbers")
        found = re.match(r"(\w+)\(", template)
        if found and found[1] in tables.OF_COMPLEX:
            self.helper(found[1])
        return "c16", template

    def name_of(self, text: str) -> str:
        """A text that is written twice is given a name first."""
        if re.fullmatch(r"\w+(\.\w+)?(\[[\w, ]*\])?", text):
            return text
        name = self.fresh("t")
        self.line(f"{name} = {bare(text)}")
        return name

    def of_integers(self, op: Op, template: str) -> str:
        fn = op.fn
        if fn in (operator.floordiv, operator.mod):
            if isinstance(op.ins[1], Const) and op.ins[1].value:
                return template
            if isinstance(op.out.kind, Scalar) and op.out.kind.weak and op.out.kind.dtype == "i8":
                self.helper("divisor")
                return template.replace("{1}", "divisor({1})")
        if fn in (operator.lshift, operator.rshift) and isinstance(op.ins[1], Const):
            if type(op.ins[1].value) is int and 0 <= op.ins[1].value < 64:
                return template
        if fn is operator.pow and isinstance(op.ins[1], Const) and 0 <= op.ins[1].value < 8:
            return template
        raise self.no(f"{word_for(fn)} of integers")

    def result(
        self,
        op: Op,
        reps: list[Elements],
        spell: Callable[[list[str]], str],
        space: tuple[Size, ...] | None = None,
    ) -> None:
        """The result of an operation done element by element."""
        o = op.out
        k = as_array(o.kind)
        dims = k.dims if k is not None else None
        weight = again.weight_of(op.fn)
        dear = tables.is_dear(op.fn)
        got = self.map(o.name, self.dtype_of(o.kind), reps, spell, dims, space, self.total[o], weight, dear)
        if isinstance(got, View) and dims is not None:
            got = self.with_dims(got, dims)
        if isinstance(got, Num) and not self.total[o]:
            self.segment.pop()
        self.bind(o, got)

    def augmented(self, op: Op, spell: Callable[[list[str]], str], reps: list[Elements]) -> None:
        """An operation done in place, on its first operand."""
        if isinstance(reps[0], (Num, Text)):
            self.result(op, reps, spell)
            return
        target = self.view(op.ins[0])
        self.write_to(target, reps[1:], spell, True)
        self.bind(op.out, target)

    def same_or_copy(self, op: Op) -> None:
        r = self.rep(op.ins[0])
        if isinstance(r, Static):
            self.bind(op.out, r)
            return
        r = self.elements(op.ins[0])
        shared = isinstance(r, View) and r.store.roots & self.memory(op.out)
        if isinstance(r, (Num, Text)) or (
            isinstance(r, View) and (shared or (r.store.fresh and not self.is_written(op.out)))
        ):
            if r.dtype == self.dtype_of(op.out.kind):
                self.bind(op.out, r)
                return
        self.result(op, [r], lambda t: cast(t[0], r.dtype, self.dtype_of(op.out.kind)))

    def unbroadcast(self, op: Op) -> None:
        g, like = self.elements(op.ins[0]), self.elements(op.ins[1])
        dtype = self.dtype_of(op.out.kind)
        if g.dtype != dtype or like.dtype[0] not in "fc" or (like.dtype == "f4" and dtype != "f4"):
            raise self.no("a sum over axes that changes the type")
        lead = len(g.sizes) - len(like.sizes)
        if lead < 0:
            raise self.no("a sum over axes of something smaller")
        drop = [
            k
            for k in range(len(g.sizes))
            if k < lead or (like.sizes[k - lead].is_one and not g.sizes[k].is_one)
        ]
        unsure = [
            k
            for k in range(lead, len(g.sizes))
            if k not in drop
            and not same_size(g.sizes[k], like.sizes[k - lead])
            and not like.sizes[k - lead].never_one
        ]
        if not drop and not unsure:
            self.same_or_copy(op)
            return
        space = like.sizes
        if not space:
            self.reduced(op.out, g, "sum", list(range(len(g.sizes))), False, dtype)
            return
        store = Store(self.fresh(op.out.name), dtype, space, fresh=True)
        own = [(p, "", 1) for p in range(len(space))]
        self.add(
            Statement(space, lambda ix: self.put(store, ix, ZERO_OF[dtype]), [], [Access(store, tuple(own))])
        )
        ways: list[Way] = []
        forms: list[str] = []
        for j, s in enumerate(space):
            k = j + lead
            if k in drop:
                ways.append(("", "0", 0))
                forms.append("0")
            elif k in unsure:
                ways.append(None)
                forms.append(f"({{}} if {s} != 1 else 0)")
            else:
                ways.append((k, "", 1))
                forms.append("{}")
        at = Access(store, tuple(ways))
        reads = self.access(g, list(range(len(g.sizes))))

        def write(ix: list[str]) -> None:
            index = [f.format(i) for f, i in zip(forms, ix[lead:], strict=True)]
            old = self.read(store, index)
            self.put(store, index, f"{self.helper('plus')}({old}, {self.element(g, ix)})")

        self.add(Statement(g.sizes, write, [*reads, at], [at]))
        self.bind(op.out, whole(store))

    def reduced(self, o: Val, r: Elements, how: str, axes: list[int], keep: bool, dtype: str) -> None:
        """A reduction along axes."""
        left = [k for k in range(len(r.sizes)) if k not in axes]
        source = r.dtype
        if how in ("max", "min") and source[0] != "f":
            raise self.no(f"the {how} of integers")
        if how in ("sum", "prod", "mean") and dtype[0] not in "fc" and not (how == "sum" and dtype == "i8"):
            raise self.no(f"the {how} as {dtype}")
        if how in ("any", "all") and source != "b1":
            raise self.no(f"{how} of numbers")
        acc = "f8" if dtype == "f4" else dtype
        one = Size("", 1, 1)
        shape = tuple(r.sizes[k] if k in left else one for k in range(len(r.sizes))) if keep and left else ()
        shape = shape or tuple(r.sizes[k] for k in left)
        kept = (
            list(range(len(r.sizes))) if keep and left else left
        )  # the axis of the operand for each of the result
        store = Store(self.fresh(o.name), acc, shape, fresh=True)
        if how in ("max", "min"):
            for k in axes:
                if not isinstance(r.sizes[k].dim, int):
                    self.early(f"{self.helper('some')}({r.sizes[k]})")
        own: tuple[Way, ...] = tuple((n, "", 1) for n in range(len(shape)))
        start = cast(START[how], "f8", acc) if how == "prod" else START.get(how, ZERO_OF[acc])

        def begin(ix: list[str]) -> None:
            store.uses = 0
            self.put(store, ix, start)

        self.add(Statement(shape, begin, [], [Access(store, own)]))
        at = Access(store, tuple((k, "", 1) if k in left else ("", "0", 0) for k in kept))
        reads = self.access(r, list(range(len(r.sizes))))

        def write(ix: list[str]) -> None:
            index = [ix[k] if k in left else "0" for k in kept]
            old = self.read(store, index)
            x = cast(self.element(r, ix), source, "b1" if how in ("any", "all") else acc)
            self.put(store, index, self.step(how, acc).format(old, x))

        s = Statement(r.sizes, write, [*reads, at], [at])
        s.folds = Fold(store, start, self.step(how, acc))
        if how in START and len(r.sizes) - 1 in axes:  # (sums are made in any order, no other)
            s.in_turn = len(r.sizes) - 1
        self.add(s)
        got: Elements = whole(store) if left else Num(store)
        count = " * ".join(atleast(r.sizes[k]) for k in axes)
        if how == "mean" or acc != dtype:
            divide = f" / float({count})" if how == "mean" else ""
            uses = 0 if left or keep else self.total[o]
            got = self.map(
                o.name, dtype, [got], lambda t: cast(f"({t[0]}{divide})", acc, dtype), space=shape, uses=uses
            )
        if keep and not left:
            got = self.map(o.name, dtype, [got], lambda t: t[0], space=tuple(one for _ in r.sizes))
        self.bind(o, got)

    def step(self, how: str, acc: str) -> str:
        """The text of a step of a reduction."""
        if how in ("sum", "mean"):
            return f"{self.helper('plus')}({{0}}, {{1}})" if acc[0] in "fc" else "({0} + {1})"
        if how in ("max", "min"):
            return f"{self.helper('larger' if how == 'max' else 'smaller')}({{0}}, {{1}})"
        return {"prod": "({0} * {1})", "any": "({0} or {1})", "all": "({0} and {1})"}[how]
