"""Stencils: arithmetic on shifted parts of arrays is done on whole runs of memory, the borders with it.

NumPy takes ``A[1:-1, 2:] + A[1:-1, :-2]`` row by row, three times slower than memory that lies in one piece.
So in loops such arithmetic is written for *runs*: of an array in rows, all that lies between the first
element of a part and its last, in one piece.  Parts of one size, of arrays of one shape, have runs of one
length, and what belongs together stands at one place in these; between the rows of the parts stand elements
of the borders, whose results nobody reads.  What comes out is made in a run of an array of that shape, and
goes from there to where it belongs; or, if it is added, the borders are set to zero and all of it is added.

A run that is the same memory in all trips has a name before the loop, which says where it lies: ``A_left``.
The graph says nothing of this: the same statements over the same memory are spelt otherwise.

What must hold: the rows of the arrays that are read lie one after the other (`Lying.in_rows`); arithmetic on
borders raises nothing that it would not raise inside (sums, products, division by a number); nobody else
reads what is made.  That arrays are of one shape is known by their sizes, or follows from their being added:
then it is asked before the loop.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.backends import numpy_names
from srcdiff.emit.comments import shortened
from srcdiff.emit.lying import FRESH
from srcdiff.emit.parts import Part, cuts, faces, in_one_piece, index_of, part_of, run_of
from srcdiff.emit.printer import Comment
from srcdiff.emit.trees import attr, call, const, name, store
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, LoopView, Op, Region, Struct, Val, kind, op_of
from srcdiff.ir.kinds import Array, Dim, Scalar, Sym, at_least, of_one_size

if TYPE_CHECKING:
    from collections.abc import Iterable

    from srcdiff.emit.ahead import Before, Padded
    from srcdiff.emit.assemble import Assembler

__all__ = ["Runs"]

SIGNS = {operator.add, operator.sub, operator.mul}  # that raise nothing on borders
TURNS = {operator.add, operator.mul}  # whose operands may change places
FEWEST = 2  # operations of a statement: below, it stays as it is
Dims = tuple[Dim, ...]


@dataclass(eq=False, slots=True)
class Run:
    """A value of which the elements stand in a run: the shape of the array, and what the part leaves out."""

    dims: Dims
    cut: tuple[int, ...]
    base: Val | None = None  # of a part: the array, and where it lies in that
    part: Part = ()


@dataclass(eq=False, slots=True)
class Sink:
    """A statement that puts such a value into an array, or adds it."""

    op: Op
    run: Run
    part: Part | None  # of an array of that shape; None: of another

    @property
    def place(self) -> Part:
        """Where it is made in an array of that shape."""
        return self.part or tuple((c - c // 2, c // 2) for c in self.run.cut)


class Runs:
    """Which statements of loops are done on runs, and how they are written."""

    def __init__(self, asm: Assembler) -> None:
        self.asm, self.lying, self.ahead = asm, asm.lying, asm.ahead
        self.around: dict[Op, tuple[Op, ...]] = {}  # the loops around an operation, outermost first
        self.branched: set[Op] = set()
        self.leaves: dict[Val, Run] = {}
        self.made: dict[Val, Run] = {}
        self.placed: dict[Val, Run] = {}  # what `Rows` puts inside arrays that are zero around it
        self.first: dict[Val, Op] = {}  # what made such a value first, before it was written over
        self.taped: dict[Val, Run] = {}  # values that come from a tape
        self.tapes: dict[Val, list[Val]] = {}  # a value -> what it is called where the tape is read
        self.sinks: dict[Op, Sink] = {}
        self.scratch: dict[tuple[Op, Dims], list[Sink]] = {}  # what may be made in one array before a loop
        self.silent: set[Op] = set()
        self.roomy: set[Val] = set()  # those that have
        self.rooms: dict[Val, Op] = {}  # copies that may have their memory before a loop
        self.shapes: dict[Dims, Dims] = {}  # what is of one shape with something, and with what
        self.checked: list[set[Dims]] = []  # what has been asked for, by loops that come first
        if asm.in_rows:
            self.look(asm.graph.region, (), False)
            self.settle()

    # ---- what is done on runs
    def look(self, region: Region, around: tuple[Op, ...], branched: bool) -> None:
        for op in region.ops:
            looped = op.is_loop
            if looped:
                self.receive(op, (*around, op))
            for r in op.regions:
                self.look(r, (*around, op) if looped else around, branched or not looped)
            if around and op.code == "prim" and not op.attrs.get("guarded"):
                self.around[op] = around
                if branched:
                    self.branched.add(op)
                self.consider(op)

    def consider(self, op: Op) -> None:
        k = op.out.kind
        if not isinstance(k, Array) or k.dtype != "f8" or len(k.dims) < 2:
            return
        if is_copy(op) and self.run_of(op.ins[0]) is not None:
            run = self.arithmetic(op)
            if run is not None:
                self.made[op.out] = run
        elif is_copy(op):
            loop = self.room(op)
            if loop is not None:
                self.rooms[op.out] = loop
        elif op.fn is operator.getitem and len(op.ins) == 2:
            run = self.leaf(op)
            if run is not None:
                self.leaves[op.out] = run
        elif op.fn in ops.WRITES:
            run = self.run_of(op.ins[2])
            if run is not None and self.takes(op):
                self.sinks[op] = Sink(op, run, self.same_part(op, run))
        elif op.attrs.get("inplace"):
            self.written_over(op)
        elif is_arithmetic(op):
            run = self.arithmetic(op)
            if run is not None and op not in self.asm.rows.padded:
                self.made[op.out] = run
            elif run is not None and self.fits(op, run):
                self.placed[op.out], self.first[op.out] = run, op

    def written_over(self, op: Op) -> None:
        """What is done in the memory of such a value."""
        old = op.ins[0]
        run = self.arithmetic(op) if is_arithmetic(op) and isinstance(old, Val) else None
        if run is None or not isinstance(old, Val):
            return
        if old in self.made and old.op not in self.asm.lay.folded:
            self.made[op.out] = run
        elif old in self.placed and self.asm.lay.home[op] is self.asm.lay.home[self.first[old]]:
            self.placed[op.out], self.first[op.out] = run, self.first[old]

    def receive(self, loop: Op, around: tuple[Op, ...]) -> None:
        """What a loop takes from tapes that an earlier one filled with such values."""
        asm, view = self.asm, LoopView(loop)
        for e, s in view.taken:
            filled = op_of(s)
            if filled is None or not filled.is_loop or len(asm.lay.uses[s]) != 1:  # type: ignore[index]
                continue
            before = LoopView(filled)
            if s not in before.tapes:
                continue
            c = next(c for c, t in before.kept if t is s)
            pairs = (
                zip(asm.parts[e], c.items, strict=True)
                if isinstance(c, Struct) and e in asm.parts
                else [(e, c)]
            )
            for here, there in pairs:
                if here is None or not isinstance(there, Val) or there not in self.made:
                    continue
                run = self.made[there]
                like = self.ruler(run.dims, around, exact=True)
                handed = [region for region, user in asm.lay.uses[there] if user is None]
                if like is not None and handed == [before.body] and there not in before.yields:
                    self.taped[here] = Run(run.dims, run.cut, like[0])
                    self.tapes[there] = [here]

    def room(self, op: Op) -> Op | None:
        """The loop before which there may be memory for a copy that each trip makes, and nobody keeps."""
        k, names = op.out.kind, self.asm.names.names
        if op in self.branched or op.out not in names or not isinstance(k, Array) or not of_one_size(k):
            return None
        if not self.lying.in_rows(op.out):
            return None
        ruler = self.ruler(k.dims, self.around[op], [a for a in op.ins if isinstance(a, Val)])
        if ruler is None or not self.stays(op.out):
            return None
        inside = self.lying.inside[ruler[1]]
        others = (v for v, word in names.items() if word == names[op.out] and self.root(v) is not op.out)
        if any(v.op in inside or self.lying.loops.get(v) in {ruler[1], *inside} for v in others):
            return None
        return ruler[1]

    def root(self, v: Val) -> Val:
        """The array that a value is, or is written over."""
        before = self.lying.back(v)
        while before is not None:
            v, before = before, self.lying.back(before)
        return v

    def stays(self, v: Val) -> bool:
        """Whether nobody has an array, or a part of it, beyond the trip that made it."""
        for _, user in self.asm.lay.uses.get(v, ()):
            if user is None or user.code != "prim" or user.attrs.get("guarded"):
                return False
            over = bool(user.attrs.get("inplace")) and user.ins[0] is v
            if over or (user.fn is operator.getitem and user.ins[0] is v):
                if not self.stays(user.out):
                    return False
            elif user.fn in ops.WRITES:
                if user.ins[2] is not v or not isinstance(kind(user.ins[0]), Array):
                    return False
            elif user.fn not in FRESH and not user.attrs.get("inplace"):
                return False
        return True

    def leaf(self, op: Op) -> Run | None:
        base, kb = op.ins[0], kind(op.ins[0])
        if not isinstance(base, Val) or not isinstance(kb, Array) or kb.dtype != "f8":
            return None
        part = part_of(op.ins[1], kb.dims)
        if part is None or len(part) != len(kb.dims) or not any(cuts(part)[1:]):
            return None
        if not self.lying.in_rows(base) or not of_one_size(kb):
            return None
        if self.home(base, op) is None:
            if op not in self.asm.lay.folded or self.ruler(kb.dims, self.around[op]) is None:
                return None  # (its name may be that of another array by the time it is read)
        return Run(kb.dims, tuple(cuts(part)), base, part)

    def fits(self, op: Op, run: Run) -> bool:
        """Whether a result lies in its array that is zero around it as the run does in others."""
        padded, _ = self.asm.rows.padded[op]
        ruler, loop = self.ruler(run.dims, self.around[op]), self.around[op][0]
        if ruler is None or ruler[1] is not loop or tuple(cuts(padded.part)) != run.cut:
            return False
        one = self.shape(self.dims_of(padded.like)) == self.shape(run.dims)
        return one and all(self.there(*each, loop) for each in self.unlike(op, padded.like).items())

    def run_of(self, a: Atom) -> Run | None:
        if not isinstance(a, Val):
            return None
        return self.made.get(a) or self.placed.get(a) or self.leaves.get(a) or self.taped.get(a)

    def arithmetic(self, op: Op) -> Run | None:
        """The run of a result, if all operands are runs of one sort, or numbers."""
        found: Run | None = None
        for a in op.ins:
            if isinstance(kind(a), Scalar):
                continue
            run = self.run_of(a)
            if run is None or (found is not None and not self.alike(found, run, op)):
                return None
            found = found or run
        return Run(found.dims, found.cut) if found is not None else None

    def alike(self, a: Run, b: Run, op: Op) -> bool:
        """Whether two runs are of one length, of arrays of one shape."""
        if a.cut != b.cut or len(a.dims) != len(b.dims):
            return False
        if self.shape(a.dims) == self.shape(b.dims):
            return True
        if op in self.branched:
            return False
        for x, y, c in zip(a.dims, b.dims, a.cut, strict=True):
            known = isinstance(x, int) and isinstance(y, int)
            if x != y and (known or min(left(x, c), left(y, c)) < 2):
                return False  # (one of them may be repeated along the other)
        self.shapes[self.shape(b.dims)] = self.shape(a.dims)
        return True

    def shape(self, dims: Dims) -> Dims:
        while dims in self.shapes:
            dims = self.shapes[dims]
        return dims

    def takes(self, op: Op) -> bool:
        """Whether a statement writes numbers into an array in place."""
        if op in self.asm.rows.added or op.attrs.get("at") or not op.attrs.get("inplace"):
            return False
        k = kind(op.ins[0])
        return isinstance(k, Array) and k.dtype == "f8" and len(k.dims) == len(self.dims_of(op.ins[2]))

    def dims_of(self, a: Atom) -> Dims:
        k = kind(a)
        return k.dims if isinstance(k, Array) else ()

    def same_part(self, op: Op, run: Run) -> Part | None:
        """The part that is written to, if it lies in its array as the run does in others."""
        kx = kind(op.ins[0])
        assert isinstance(kx, Array)
        part = part_of(op.ins[1], kx.dims)
        if part is None or tuple(cuts(part)) != run.cut or not of_one_size(kx):
            return None
        return part if self.alike(run, Run(kx.dims, run.cut), op) else None

    def settle(self) -> None:
        """Leave out what somebody reads otherwise, and statements that it does not pay for."""
        asm, again = self.asm, True
        while again:
            again = False
            for v in list(self.made):
                if not all(self.reads_run(user, v) for _, user in asm.lay.uses.get(v, ())):
                    del self.made[v]
                    again = True
            for there, here in self.tapes.items():
                for v in here:
                    uses = asm.lay.uses.get(v, ())
                    if v in self.taped and not (
                        there in self.made and all(self.reads_run(user, v) for _, user in uses)
                    ):
                        del self.taped[v]
                        again = True
            for values in (self.made, self.placed):
                for v in list(values):
                    assert v.op is not None
                    if any(isinstance(kind(a), Array) and self.run_of(a) is None for a in v.op.ins):
                        del values[v]
                        again = True
            for op, sink in list(self.sinks.items()):
                if self.run_of(op.ins[2]) is None or not self.pays(op) or self.place(sink) is None:
                    del self.sinks[op]
                    again = True
        for sink in self.sinks.values():
            placed = self.place(sink)
            assert placed is not None
            self.scratch.setdefault((placed[1], self.shape(sink.run.dims)), []).append(sink)
        for v, leaf in self.leaves.items():
            assert v.op is not None and leaf.base is not None
            root = self.root(leaf.base)
            if root in self.rooms and any(self.reads_run(user, v) for _, user in asm.lay.uses.get(v, ())):
                self.roomy.add(root)
            uses = asm.lay.uses.get(v, ())
            if v.op not in asm.lay.folded and uses and all(self.reads_run(user, v) for _, user in uses):
                self.silent.add(v.op)

    def reads_run(self, user: Op | None, v: Val) -> bool:
        if user is None:
            return v in self.tapes and all(here in self.taped for here in self.tapes[v])
        if user.code != "prim":
            return False
        if user in self.asm.rows.added:
            return v in self.placed
        if user.fn is operator.neg and user in self.asm.lay.folded and v in self.placed:
            return all(then in self.asm.rows.added for _, then in self.asm.lay.uses.get(user.out, ()))
        if user in self.sinks:
            return user.ins[2] is v and v is not user.ins[0]
        return bool(user.outs) and (user.out in self.made or user.out in self.placed)

    def pays(self, op: Op) -> bool:
        few = op.fn is ops.additem and len(self.dims_of(op.ins[0])) < 3  # (little to set to zero)
        return self.count(op.ins[2], set()) >= (1 if few else FEWEST)

    def count(self, a: Atom, seen: set[Val]) -> int:
        """How many operations a value is made by."""
        if not isinstance(a, Val) or a in seen or a not in self.made or a.op is None:
            return 0
        seen.add(a)
        return (a.op.fn is not operator.neg and not is_copy(a.op)) + sum(
            self.count(x, seen) for x in a.op.ins
        )

    # ---- where things lie
    def home(self, base: Val, op: Op) -> tuple[Val, Op] | None:
        """An array before the outermost loop in all of whose trips it is one object, and that loop."""
        for loop in self.around[op]:
            found = self.lying.before_loop(base, loop)
            if found is not None:
                return found, loop
        root = self.root(base)
        return (root, self.rooms[root]) if root in self.rooms else None

    def ruler(
        self, dims: Dims, around: tuple[Op, ...], among: Iterable[Val] = (), exact: bool = False
    ) -> tuple[Val, Op] | None:
        """An array of a shape that is there before the outermost loop that has one."""
        shape = self.shape(dims)
        for loop in around:
            view = LoopView(loop)
            starts = zip(view.params, view.inits, strict=True)
            params = [p for p, start in starts if isinstance(start, Val) and self.is_like(p, shape)]
            arrays = [self.lying.before_loop(base, loop) for base in among]
            found = next(
                (
                    v
                    for v in (*arrays, *params)
                    if v in self.asm.names.names and (not exact or self.dims_of(v) == dims)
                ),
                None,
            )
            if found is not None:
                return found, loop
        return None

    def is_like(self, v: Val, shape: Dims) -> bool:
        return isinstance(v.kind, Array) and of_one_size(v.kind) and self.shape(v.kind.dims) == shape

    def place(self, sink: Sink) -> tuple[Val, Op] | None:
        """The shape in which a statement's values are made, and before which loop."""
        bases = list(self.bases(sink.op.ins[2], {}))
        placed = self.ruler(sink.run.dims, self.around[sink.op], bases)
        target = sink.op.ins[0] if sink.part is not None else None
        if placed is None:
            return None
        ok = all(self.there(*each, placed[1]) for each in self.unlike(sink.op, target).items())
        return placed if ok else None

    def unlike(self, op: Op, target: Atom | None) -> dict[Dims, list[Val]]:
        """Arrays that must be of one shape, where their sizes do not say so, by what is known of these."""
        found: dict[Dims, list[Val]] = {}
        values = [op.ins[2]] if op in self.sinks else op.ins
        bases = [b for a in values for b in self.bases(a, {})]
        for base in (*bases, *((target,) if isinstance(target, Val) else ())):
            found.setdefault(self.dims_of(base), []).append(base)
        return found if len(found) > 1 else {}

    def there(self, dims: Dims, arrays: list[Val], loop: Op) -> Val | None:
        """One of some arrays, or one of their sizes, that is there before a loop."""
        found = (self.lying.before_loop(v, loop) for v in arrays)
        like = self.ruler(dims, (loop,), exact=True)
        return next((v for v in found if v is not None), like[0] if like is not None else None)

    def bases(self, a: Atom, found: dict[Val, None]) -> dict[Val, None]:
        """The arrays of which a value reads parts."""
        if isinstance(a, Val) and a in self.leaves:
            base = self.leaves[a].base
            assert base is not None
            found[base] = None
        elif isinstance(a, Val) and a in self.taped:
            like = self.taped[a].base
            assert like is not None
            found[like] = None
        elif isinstance(a, Val) and (a in self.made or a in self.placed) and a.op is not None:
            for x in a.op.ins:
                self.bases(x, found)
        return found

    # ---- statements
    def printed(self, op: Op) -> bool:
        """Write an operation, if it is one of those."""
        if op in self.silent:
            return True
        if op.outs and op.outs[0] in self.roomy:
            self.copy(op)
            return True
        if op in self.sinks:
            self.sink(self.sinks[op])
        elif op.code == "prim" and op.attrs.get("inplace") and (op.out in self.made or op.out in self.placed):
            self.over(op)
        elif op.code == "prim" and op.out in self.made:
            target = store(self.asm.names[op.out])
            self.asm.emit(gast.Assign([target], self.tree(op.out, op, True), None), op.origin)
        else:
            return False
        return True

    def copy(self, op: Op) -> None:
        """Write a copy into memory that is there before the loop."""
        asm, word = self.asm, self.asm.names[op.out]
        ruler = self.ruler(self.dims_of(op.out), self.around[op], [a for a in op.ins if isinstance(a, Val)])
        assert ruler is not None
        self.ahead.memory(self.ahead.of(ruler[1]), word, asm.names[ruler[0]])
        every = gast.Subscript(name(word), gast.Slice(None, None, None), gast.Store())
        asm.emit(gast.Assign([every], asm.expr(op.ins[0]), None), op.origin)

    def over(self, op: Op) -> None:
        """Write what is done in the memory of a value."""
        asm, old = self.asm, op.ins[0]
        assert isinstance(old, Val)
        value = self.tree(op.ins[1], op)
        word = sign_of(op)
        if op.fn is ops.accumulate and isinstance(value, gast.UnaryOp):
            word, value = gast.Sub(), value.operand
        if op.out in self.placed:
            asm.emit(gast.AugAssign(store(self.padded_run(op.out)), word, value), op.origin)
            self.clear_padded(op.out, op)
            return
        if asm.names[old] != asm.names[op.out]:
            asm.emit(gast.Assign([store(asm.names[op.out])], name(asm.names[old]), None), op.origin)
        asm.emit(gast.AugAssign(store(asm.names[op.out]), word, value), op.origin)

    def sink(self, sink: Sink) -> None:
        asm, op = self.asm, sink.op
        placed = self.place(sink)
        assert placed is not None
        like, loop = placed
        before = self.ahead.of(loop)
        self.check(op, op.ins[0] if sink.part is not None else None, loop)
        part, shape = sink.place, self.shape(sink.run.dims)
        steps = self.steps(before, like, shape)
        in_one = self.in_one(loop, shape)
        whole = self.ahead.whole(before, shape, None if in_one else part[0], asm.names[like])
        run = self.ahead.run(before, whole, part, steps)
        if op.origin is not None and not op.origin.adjoint and op.origin.text:
            asm.out.append(Comment(shortened(op.origin.text)))
        value, sign = op.ins[2], gast.Add()
        if op.fn is ops.additem and self.is_negative(value):
            value, sign = value.op.ins[0], gast.Sub()  # type: ignore[union-attr]
        self.into(value, name(run), op)
        base = asm.expr(op.ins[0])
        if op.fn is ops.additem and sink.part is not None:
            several = in_one and len(self.scratch[loop, shape]) > 1
            self.clear(before, whole, part, sink.run.dims, op, several)
            asm.emit(gast.AugAssign(store(base.id), sign, name(whole)), op.origin)
            return
        inside = gast.Subscript(name(whole), index_of(part), gast.Load())
        target = gast.Subscript(base, asm.index(op.ins[1]), gast.Store())
        if op.fn is ops.additem:
            asm.emit(gast.AugAssign(target, sign, inside), op.origin)
        else:
            asm.emit(gast.Assign([target], inside, None), op.origin)

    def in_one(self, loop: Op, shape: Dims) -> bool:
        """Whether all that is made in arrays of a shape is made in one.

        Parts with the same rows leave nothing in others; where these differ, rows have to be set to zero.
        """
        sinks = self.scratch[loop, shape]
        added = [s for s in sinks if s.op.fn is ops.additem and s.part is not None]
        rows = sum(end > 0 for s in added for end in s.place[0])
        return rows < len({s.place[0] for s in sinks})

    def is_negative(self, a: Atom) -> bool:
        op = a.op if isinstance(a, Val) and a in self.made else None
        return op is not None and op.fn is operator.neg and op in self.asm.lay.folded

    def clear(
        self, before: Before, whole: str, part: Part, dims: Dims, op: Op, all_around: bool = False
    ) -> None:
        """Set to zero what was computed between the rows of a part, or what there may be all around it."""
        for face, side in faces(part, dims, all_around):
            word = self.ahead.between(before, whole, part, face, side)
            zero = call(attr(name(word), "fill"), const(0.0))
            self.asm.emit(gast.Expr(zero), op.origin)

    def place_padded(self, op: Op, padded: Padded, needed: bool) -> bool:
        """Write an operation whose result lies inside an array that is zero around it."""
        if op.out not in self.placed:
            return False
        asm = self.asm
        self.check(op, padded.like, self.around[op][0])
        self.into(op.out, name(self.padded_run(op.out)), op)
        self.clear_padded(op.out, op)
        versions = [v for v, first in self.first.items() if first is op and v in self.placed]
        readers = [(user, v) for v in versions for _, user in asm.lay.uses.get(v, ())]
        if needed and not all(self.reads_run(*each) for each in readers):
            inside = gast.Subscript(name(padded.word), index_of(padded.part), gast.Load())
            asm.emit(gast.Assign([store(asm.names[op.out])], inside, None), op.origin)
        return True

    def clear_padded(self, v: Val, op: Op) -> None:
        """Set to zero what lies around a value, if it is not about to be written over."""
        users = [user for _, user in self.asm.lay.uses.get(v, ())]
        if len(users) != 1 or users[0] is None or users[0].out not in self.placed or users[0].ins[0] is not v:
            padded, _ = self.asm.rows.padded[self.first[v]]
            before = self.ahead.of(self.around[self.first[v]][0])
            self.clear(before, padded.word, padded.part, self.placed[v].dims, op)

    def padded_run(self, v: Val) -> str:
        """The run of such an array that is a value."""
        assert v.op is not None
        padded, _ = self.asm.rows.padded[self.first[v]]
        ruler = self.ruler(self.placed[v].dims, self.around[v.op])
        assert ruler is not None
        loop = self.around[v.op][0]
        steps = self.steps(self.ahead.of(ruler[1]), ruler[0], self.placed[v].dims)
        return self.ahead.run(self.ahead.of(loop), padded.word, padded.part, steps, f"{padded.word}_run")

    def check(self, op: Op, target: Atom | None, loop: Op) -> None:
        """Have it asked that arrays are of one shape, where their sizes do not say so."""
        unlike = self.unlike(op, target)
        sizes = set(unlike)
        if any(sizes <= checked for checked in self.checked):
            return
        for dims, arrays in unlike.items():
            found = self.there(dims, arrays, loop)
            assert found is not None
            self.ahead.check(self.ahead.of(loop), self.shape(dims), dims, self.asm.names[found])
        if op not in self.branched:
            joined = sizes.union(*(c for c in self.checked if c & sizes))
            self.checked = [*(c for c in self.checked if not c & sizes), joined]

    def steps(self, before: Before, like: Val, dims: Dims) -> list[Any]:
        """How far it is to the next element along each axis; None: one."""
        word, shape, rank = self.asm.names[like], self.shape(dims), len(dims)
        return [*(name(self.ahead.step(before, shape, word, k, rank)) for k in range(rank - 1)), None]

    def into(self, a: Atom, out: Any, at: Op) -> None:
        """Have a value made in a run: statements that go on from one another."""
        asm = self.asm
        if not (self.is_part(a) or a in self.placed):
            every = gast.Subscript(out, gast.Slice(None, None, None), gast.Store())
            asm.emit(gast.Assign([every], self.tree(a, at), None), at.origin)
            return
        assert isinstance(a, Val) and a.op is not None
        op = a.op
        first, second = op.ins
        if not self.is_part(first) and self.is_part(second) and op.fn in TURNS:
            first, second = second, first
        if self.is_part(first):
            self.into(first, out, at)
            asm.emit(gast.AugAssign(store(out.id), sign_of(op), self.tree(second, at)), at.origin)
            return
        operands = [self.tree(first, at), self.tree(second, at)]
        if self.is_part(second):
            self.into(second, out, at)
            operands[1] = out
        into = asm.spelling.callee(numpy_names.INTO[op.fn], "")
        asm.emit(gast.Expr(call(into, *operands, out=out)), at.origin)

    def is_part(self, a: Atom) -> bool:
        """Whether a value is a part of an expression, and can be told where to go."""
        op = a.op if isinstance(a, Val) and a in self.made else None
        return op is not None and op in self.asm.lay.folded and op.fn in numpy_names.INTO

    def tree(self, a: Atom, at: Op, whole: bool = False) -> Any:
        """The expression of a value as a run."""
        asm = self.asm
        if not isinstance(a, Val) or self.run_of(a) is None:
            return asm.expr(a)
        if a in self.leaves:
            return self.piece(self.leaves[a], at)
        if a in self.placed and not whole:
            return name(self.padded_run(a))
        op = a.op
        assert op is not None
        if not whole and op not in asm.lay.folded:
            return name(asm.names[a])
        args = [self.tree(x, at) for x in op.ins]
        if op.fn is operator.neg:
            return gast.UnaryOp(gast.USub(), args[0])
        if is_copy(op):
            return call(attr(args[0], "copy"))
        return gast.BinOp(args[0], sign_of(op), args[1])

    def piece(self, leaf: Run, at: Op) -> Any:
        """The run of a part: its name before a loop, or how it is had here."""
        asm = self.asm
        assert leaf.base is not None
        found = self.home(leaf.base, at)
        if found is not None:
            base, loop = found
            before = self.ahead.of(loop)
            steps = self.steps(before, base, leaf.dims)
            return name(self.ahead.view(before, asm.names[base], leaf.part, steps))
        ruler = self.ruler(leaf.dims, self.around[at])
        assert ruler is not None
        like, loop = ruler
        steps = self.steps(self.ahead.of(loop), like, leaf.dims)
        return run_of(in_one_piece(asm.expr(leaf.base)), leaf.part, steps)


def is_copy(op: Op) -> bool:
    return op.fn is ops.copied or (op.attrs.get("method") == "copy" and len(op.ins) == 1)


def is_arithmetic(op: Op) -> bool:
    """Whether an operation is arithmetic that raises nothing on borders."""
    if op.by_name or op.attrs.get("method"):
        return False
    if op.fn is operator.truediv:
        return isinstance(kind(op.ins[1]), Scalar)
    if op.fn is operator.pow:
        return isinstance(op.ins[1], Const) and type(op.ins[1].value) is int and op.ins[1].value > 0
    return op.fn in SIGNS or op.fn in (operator.neg, ops.accumulate)


def sign_of(op: Op) -> Any:
    return getattr(gast, numpy_names.INFIX[operator.add if op.fn is ops.accumulate else op.fn])()


def left(d: Dim, cut: int) -> int:
    return at_least(d - cut if isinstance(d, int) else Sym(d.id, d.offset - cut))
