"""Memory that nobody needs any more is written over: `t *= b` in place of `t * b`, `np.exp(t, out=t)`,
`t[t == 0.0] = np.inf` in place of `np.where(t == 0.0, np.inf, t)`.

Temporaries of large arrays go back to the system and fault in again, which costs more than the arithmetic; in
place, the next operation finds its memory warm.  Where NumPy does so by itself, inside an expression, the
expression is left whole; it does not for arrays of less than 256 kB, so that of those that are not small an
expression is taken apart.  What is on a tape, an argument's, or read again, is left alone; so are numbers,
and functions in loops, whose arrays are mostly small; to set few elements takes less time than to choose.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from srcdiff.ir import ops
from srcdiff.ir.begun import begun_in
from srcdiff.ir.graph import Atom, Const, Graph, LoopView, Op, Ref, Region, Val, kind, op_of, vals
from srcdiff.ir.kinds import Array, elements_of, of_one_size, one_shape
from srcdiff.ir.modules import on_device
from srcdiff.optimise.conflicts import Conflicts
from srcdiff.optimise.words import Words

__all__ = ["reuse"]

SIGNS = {operator.add, operator.sub, operator.mul, operator.truediv}
RANK = 3  # from this on arrays are mostly large: memory goes from a name of the user's to another
LARGE = 4096  # elements of those that are large at the call that the text is made for
ELIDED = 1 << 18  # bytes, from which on NumPy reuses the temporaries of an expression
EITHER = {operator.add, operator.mul}  # whose operands may change places


def reuse(
    graph: Graph,
    may_alias: Callable[[Any], bool],
    fresh: Callable[[Any], bool],
    shape_only: Callable[[Any], frozenset[int]],
    words: Words,
) -> Graph:
    """Mark operations that write over their operand, in a graph that went through `own`."""
    Reuse(graph, may_alias, fresh, shape_only, words).run()
    return graph


class Reuse(Conflicts):
    """The analysis of ownership, asked once more."""

    def __init__(
        self,
        graph: Graph,
        may_alias: Callable[[Any], bool],
        fresh: Callable[[Any], bool],
        shape_only: Callable[[Any], frozenset[int]],
        words: Words,
    ) -> None:
        super().__init__(graph, may_alias, fresh, shape_only)
        self.writes_over, self.choose = words.writes_over, words.choose
        self.seen: dict[int, int] = graph.info.get("seen", {})
        self.by_elements = words.by_elements

    def run(self) -> None:
        if not any(self.concerns(op) for op in every(self.graph.region)):
            return
        self.analyse()
        self.begun = begun_in(self.graph, self.by_elements)
        self.kept: set[Val] = set()
        self.set_over: set[Op] = set()  # choices until now
        self.kept_roots(self.graph.region, self.kept)
        self.kept |= self.memory(frozenset(self.kept))
        self.over_region(self.graph.region, False)

    def over_region(self, region: Region, looped: bool) -> None:
        written = -1  # where memory was last written to: no expression reaches across
        index = {op: n for n, op in enumerate(region.ops)}
        readers = {v: op for op in region.ops for v in vals(op.ins)}
        for n, op in enumerate(region.ops):
            if op.code == "try":
                continue  # its handlers may see what its body left
            for r in op.regions:
                self.over_region(r, looped or op.is_loop)
            may = wanted(op, self.writes_over) or self.turns_result(op)
            apart = may and not looped and op.fn is not operator.neg and self.in_parts(op, readers)
            if may and (apart or self.pays(op, looped)):
                for at in self.places(op):
                    t = op.ins[at]
                    whole = not (apart and isinstance(t, Val) and self.one_side(op, t))
                    if isinstance(t, Val) and not (whole and self.elided(op, t, index, written)):
                        if self.can_take(op, t):
                            op.ins = [t, *op.ins[:at], *op.ins[at + 1 :]]
                            op.attrs = {**op.attrs, "inplace": True, "renamed": renamed(t, op.out)}
                            break
            if not may and self.sets_few(op):
                c, few, t = op.ins
                if isinstance(t, Val) and not named_apart(t, op.out) and self.can_take(op, t):
                    op.become(ops.setitem, inplace=True)
                    op.ins = [t, c, few]
                    self.set_over.add(op)
            if op.regions or op.attrs.get("inplace") or op.fn in ops.UPDATES:
                written = n
        for op in region.ops:
            if "renamed" in op.attrs and self.lies(op, region):
                op.attrs["renamed"] = True

    def concerns(self, op: Op) -> bool:
        return wanted(op, self.writes_over) or self.turns_result(op) or self.sets_few(op)

    def turns_result(self, op: Op) -> bool:
        """Whether an operation is the sign of a result."""
        if op.code != "prim" or op.fn is not operator.neg or op.attrs.get("guarded"):
            return False
        return isinstance(op.out.kind, Array) and op.out in vals(self.graph.region.results)

    def sets_few(self, op: Op) -> bool:
        """Whether an operation of a derivative is an array, but a number where something holds of it."""
        if op.code != "prim" or op.fn is not self.choose or len(op.ins) != 3 or self.theirs(op):
            return False
        if on_device() or any(op.attrs.get("names") or ()) or op.attrs.get("guarded"):
            return False
        (c, _, t), k = map(kind, op.ins), op.out.kind
        if not isinstance(c, Array) or not isinstance(k, Array) or not k.dims or k.dtype[0] != "f" or k != t:
            return False
        asked = op_of(op.ins[0])  # of the array as it is, which so is one for all that comes
        if asked is None or asked.code != "prim" or op.ins[2] not in asked.ins:
            return False
        return c.dtype == "b1" and c.dims == k.dims and of_one_size(c) and is_float(op.ins[1])

    def lies(self, op: Op, region: Region) -> bool:
        """Whether a number of the forward sweep would be called the cotangent that is written over it."""
        t = op.ins[0]
        if not isinstance(t, Val) or t.name or t.op is None or not self.theirs(t.op) or self.theirs(op):
            return False
        over = {o.ins[0]: o.out for o in region.ops if o.attrs.get("inplace") and isinstance(o.ins[0], Val)}
        v = op.out
        while not v.name and v in over:
            v = over[v]
        return v.name.endswith("_bar")

    def pays(self, op: Op, looped: bool) -> bool:
        """Whether it is worth a statement of its own: what the user wrote in signs is left whole."""
        if op.fn in SIGNS or op.fn is operator.neg:
            return not self.theirs(op)
        large = not self.theirs(op) or self.is_large(op.out)
        return large and not looped and (op.out.user or len(self.uses[op.out]) > 1)

    def in_parts(self, op: Op, readers: dict[Val, Op]) -> bool:
        """Whether an array that NumPy does nothing for goes element by element to a name.

        It does nothing for arrays of less than some size, nor where a function is called on a temporary.
        """
        v, k = op.out, op.out.kind
        elements = elements_of(k, self.seen)
        if not isinstance(k, Array) or elements < LARGE:
            return False
        called = elements < ELIDED // int(k.dtype[1:]) or self.goes_on(op)
        while not v.user and len(self.uses[v]) == 1:
            called = called or op.fn not in SIGNS
            reader = readers.get(v)
            if reader is None or not wanted(reader, self.writes_over) or not one_shape(k, reader.out.kind):
                return False
            if all(reader.ins[at] is not v for at in self.places(reader)):
                return False
            op, v = reader, reader.out
        return called or op.fn not in SIGNS

    def goes_on(self, op: Op) -> bool:
        """Whether an operand is what an operation done in place has made for this one."""
        temporaries = (t.op for t in vals(op.ins) if not t.user and len(self.uses[t]) == 1)
        return any(o is not None and o.attrs.get("inplace") for o in temporaries)

    def one_side(self, op: Op, t: Val) -> bool:
        """Whether both are of the user's program, or of its derivative."""
        return t.op is None or self.theirs(t.op) == self.theirs(op)

    def places(self, op: Op) -> tuple[int, ...]:
        """Which operands a result may take the place of; of the user's own the first that is an array."""
        if op.fn not in EITHER:
            return (0,)
        if not self.theirs(op):
            return (0, 1)
        return (0,) if isinstance(kind(op.ins[0]), Array) else (1,)

    def is_large(self, v: Val) -> bool:
        rank = len(v.kind.dims) if isinstance(v.kind, Array) else 0
        return rank >= RANK or elements_of(v.kind, self.seen) >= LARGE

    def theirs(self, op: Op) -> bool:
        """Whether an operation is one of the user's own."""
        return op.origin is not None and not op.origin.adjoint

    def elided(self, op: Op, t: Val, index: dict[Op, int], written: int) -> bool:
        """Whether ``t`` is a part of the expression, of which NumPy reuses the memory by itself."""
        if op.fn not in SIGNS and op.fn is not operator.neg:
            return False
        if t.user or t.op not in index or len(self.uses[t]) != 1:
            return False
        return index[t.op] > written and not t.op.attrs.get("inplace")

    def can_take(self, op: Op, t: Val) -> bool:
        """Whether the result may lie where ``t`` does: in memory of ours, which nobody reads after."""
        if not one_shape(t.kind, op.out.kind):
            return False
        if t in self.begun and any(isinstance(kind(a), Array) for a in op.ins if a is not t):
            return False  # (it may have one entry in place of many)
        if named_apart(t, op.out) and (self.theirs(op) or not self.is_large(t)):
            return False
        forward = t.op is not None and self.theirs(t.op)  # (read here for the last time, as a part of more)
        if forward and not self.is_large(t) and not op.out.user and len(self.uses[op.out]) < 2:
            return False
        mine = self.own_memory(t)
        memory = self.memory(mine)
        if len(mine) != 1 or any(not self.whole(r, t) for r in (memory if t in mine else mine)):
            return False
        if t in mine and t.op is not None and t.op.code != "prim" and t.name != op.out.name:
            return False  # (a variable of a loop: its next value is written over it, nothing else)
        if memory & self.kept or memory & self.foreign or self.read_only(memory):
            return False
        return not self.conflict(t, op.out, self.path[op])

    def whole(self, root: Val, t: Val) -> bool:
        """Whether a piece of memory was made here, as large as ``t``; of a loop's variable, all it may be."""
        op = root.op
        if op is None or not one_shape(root.kind, t.kind):
            return False
        if op.is_loop and root not in op.outs:
            return self.handed(root, op)
        made = op.code == "prim" and root in op.outs
        return made and (op in self.set_over or self.makes(op.fn, root.kind))

    def handed(self, p: Val, loop: Op) -> bool:
        """Whether what a variable of a loop starts from is nobody else's from there on."""
        view = LoopView(loop)
        if p not in view.params:
            return False
        j = view.params.index(p)
        i = view.inits[j]
        if not isinstance(i, Val) or not self.owned(i) or self.own_memory(i) != {i} or not self.whole(i, p):
            return False
        return not self.twice(view, j) and not self.conflict(i, None, self.path[loop])


def wanted(op: Op, writes_over: Callable[[Any], bool]) -> bool:
    """Whether an operation is one of elements, on an array, and makes one."""
    if op.code != "prim" or op.attrs.get("guarded") or op.attrs.get("unread") or op.attrs.get("inplace"):
        return False
    if not (len(op.ins) == 1 and writes_over(op.fn)) and not (op.fn in SIGNS and len(op.ins) == 2):
        return False
    k = op.out.kind
    if op.by_name or not isinstance(k, Array) or not k.dims or k.dtype[0] != "f":
        return False  # (what is complex as far as is known may be real when it runs: `np.linalg.eig`)
    return any(isinstance(kind(v), Array) for v in vals(op.ins))


def is_float(a: Atom) -> bool:
    """Whether something is a number that is written: `1.0`, `np.inf`."""
    return type(a.value if isinstance(a, Const) else a.obj if isinstance(a, Ref) else None) is float


def named_apart(t: Val, out: Val) -> bool:
    """Whether two values have names of their own, or one would go by a name that the user gave the other."""
    words = ("", "_bar", "_dot", "saved", out.name)
    mine = t.user and not t.name.endswith(("_bar", "_dot"))
    return t.name not in words and (mine or out.name not in words[:-1])


def renamed(t: Val, out: Val) -> bool:
    """Whether a value is called otherwise than the one in whose memory it lies."""
    return named_apart(t, out) and out.name not in ("", "_bar", "_dot", "saved")


def every(region: Region) -> Any:
    for op in region.ops:
        yield op
        for r in op.regions:
            yield from every(r)
