"""Arrays whose elements a loop reads and writes one at a time are lists for that loop.

An element of a list is there several times as fast as that of an array, and it is a number of Python's own.
The values are the same.  A loop takes all arrays as lists of which only elements are read or written in it,
where its trips are as many as the elements (`worth`), and where what is done with the elements is the same
for Python's numbers (`pythonic`): before it ``x.tolist()``, after it an array again, for who reads one.

After ownership, whose answers hold for lists too: what is written in place here is seen by nobody else.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from dataclasses import replace

from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Graph, LoopView, Op, Region, Val, kind, map_atom, vals, walk
from srcdiff.ir.indices import parts_of
from srcdiff.ir.kinds import FLOAT, OTHER, Array, Kind, Scalar, Seq
from srcdiff.ir.records import dataclass
from srcdiff.ir.regions import made_in, remove
from srcdiff.ir.unset import may_be_unset
from srcdiff.optimise.groups import Groups
from srcdiff.optimise.pythonic import Numbers, Pythonic, is_double
from srcdiff.optimise.small_shapes import is_hashable
from srcdiff.optimise.worth import Worth

__all__ = ["as_lists"]

NUMBER = Scalar("f8", False)
MOST = 3  # dimensions of an array that is made a list


def as_lists(graph: Graph, numbers: Numbers) -> Graph:
    """Make lists, in a graph that went through `own`; ``numbers``: what takes the place of what."""
    if not any(op.is_loop for op in walk(graph.region)):
        return graph
    lists = Lists(graph, numbers)
    lists.region(graph.region)
    if lists.changed:
        lists.settle()
    lists.numbers_of_arrays()
    if lists.elements:
        lists.count()
        flow = lists.flow(dict.fromkeys(lists.elements))
        flow.rewrite()
        graph.info["pythons"] = frozenset(flow.parts)  # numbers that may be Python's: all is done as for such
    return graph


def walk_op(op: Op) -> Iterator[Op]:
    for r in op.regions:
        yield from walk(r)


def listed(k: Kind) -> bool:
    """Whether an array of a kind may be a list: of doubles, or of whole numbers and truths that are read."""
    return isinstance(k, Array) and k.dtype in ("f8", "i8", "b1") and 1 <= len(k.dims) <= MOST


def number_loops(region: Region) -> list[tuple[Op, Region]]:
    """The loops in which there is nothing but numbers, and arrays of which elements are taken."""
    found: list[tuple[Op, Region]] = []
    find_number_loops(region, found)
    return found


def find_number_loops(region: Region, found: list[tuple[Op, Region]]) -> bool:
    """Add those of a region; whether there is nothing else in all of it."""
    alone = True
    for op in region.ops:
        if not op.regions:
            alone = alone and of_elements(op)
            continue
        before = len(found)
        inside = [find_number_loops(r, found) for r in op.regions]
        if op.is_loop and inside[-1]:
            found[before:] = [(op, region)]
        alone = alone and all(inside)
    return alone


def put_in(loop: Op, table: dict[Val, Val]) -> None:
    """Others where a loop reads or starts from some values."""
    start = loop.attrs["head"]
    loop.ins[start:] = [table.get(a, a) if isinstance(a, Val) else a for a in loop.ins[start:]]
    for r in loop.regions:
        replace_in(r, table)


def first_numbers(loop: Op) -> list[Val]:
    """Numbers of the library that a loop starts from."""
    starts = (a for a in LoopView(loop).inits if isinstance(a, Val) and a.kind == NUMBER)
    return [v for v in dict.fromkeys(starts) if is_of_library(v, set()) and not may_be_unset(v)]


def is_of_library(a: Atom, seen: set[Val]) -> bool:
    """Whether a number may be one of the library's: not what branches and loops make of constants."""
    if not isinstance(a, Val) or a.kind != NUMBER or a in seen:
        return False
    seen.add(a)
    if a.op is None or a not in a.op.outs or not a.op.regions:
        return a.op is None or a in a.op.outs
    if a.op.is_loop:
        view = LoopView(a.op)
        if a not in view.finals:
            return True
        j = view.finals.index(a)
        return is_of_library(view.inits[j], seen) or is_of_library(view.yields[j], seen)
    return any(is_of_library(r.results[a.op.outs.index(a)], seen) for r in a.op.regions)


def captured_numbers(loop: Op) -> list[Val]:
    """Numbers of the library that a loop reads, and that are there before it."""
    own = {v for r in regions(Region([], [loop])) for v in r.params}
    own |= {v for o in walk_op(loop) for v in o.outs}
    read = (v for o in walk_op(loop) for v in vals(o.ins))
    numbers = dict.fromkeys(v for v in read if v not in own and v.kind == NUMBER)
    return [v for v in numbers if not may_be_unset(v)]


def takes_elements(op: Op) -> bool:
    """Whether elements are read or written where there is nothing but numbers: it pays nowhere else."""
    inside = (o for loop, _ in number_loops(Region([], [op])) for o in walk_op(loop))
    return any(reads_element(o) or writes_element(o) for o in inside)


def of_elements(op: Op) -> bool:
    if op.regions or op.fn is ops.shape_at or op.fn is len:
        return True
    if reads_element(op) or takes_row(op):
        return True
    if op.fn in ops.WRITES and isinstance(kind(op.ins[0]), Array):
        return writes_element(op)
    return not any(isinstance(v.kind, Array) for v in (*vals(op.ins), *op.outs))


def places(op: Op) -> int:
    """How many dimensions an index settles by whole numbers, if it does nothing else; else none."""
    items = parts_of(op.ins[1])
    good = all(isinstance(k := kind(i), Scalar) and k.dtype == "i8" for i in items)
    return len(items) if good else 0


def reads_element(op: Op) -> bool:
    if op.code != "prim" or op.fn is not operator.getitem or op.attrs.get("guarded"):
        return False
    k = kind(op.ins[0])
    whole = listed(k) and isinstance(k, Array) and places(op) == len(k.dims)
    return whole and isinstance(op.out.kind, Scalar)


def takes_row(op: Op) -> bool:
    if op.code != "prim" or op.fn is not operator.getitem or op.attrs.get("guarded"):
        return False
    k = kind(op.ins[0])
    return listed(k) and isinstance(k, Array) and 0 < places(op) < len(k.dims) and listed(op.out.kind)


def writes_element(op: Op) -> bool:
    if op.code != "prim" or op.fn not in ops.WRITES:
        return False
    if not op.attrs.get("inplace") or op.attrs.get("guarded") or op.attrs.get("at"):
        return False
    k = kind(op.ins[0])
    if not isinstance(k, Array) or k.dtype != "f8" or places(op) != len(k.dims):
        return False
    value = op.ins[2]
    if isinstance(value, Const):
        return type(value.value) in (int, float)
    kv = kind(value)
    return isinstance(value, Val) and isinstance(kv, Scalar) and kv.dtype == "f8"


@dataclass(frozen=True, slots=True)
class Use:
    """Where a value is read: an operand, or (``result``) what a region hands on to the one around it."""

    region: Region
    op: Op | None
    at: int
    direct: bool
    result: bool


def find_uses(region: Region, owner: Op | None, uses: dict[Val, list[Use]]) -> None:
    for op in region.ops:
        for n, a in enumerate(op.ins):
            if type(a) is Val:
                uses.setdefault(a, []).append(Use(region, op, n, True, False))
                continue
            for v in vals([a]):
                uses.setdefault(v, []).append(Use(region, op, n, False, False))
        for r in op.regions:
            find_uses(r, op, uses)
    for n, a in enumerate(region.results):
        for v in vals([a]):
            uses.setdefault(v, []).append(Use(region, owner, n, a is v, True))


class Lists:
    """One graph: its loops from the outermost in."""

    def __init__(self, graph: Graph, numbers: Numbers) -> None:
        self.graph, self.numbers = graph, numbers
        self.uses: dict[Val, list[Use]] = {}
        self.changed, self.stale = False, True  # whether `uses` is to be found anew
        self.list_of: dict[Val, tuple[Val, Region]] = {}  # of an array: where it is a list
        self.back: dict[Op, tuple[Val, Atom]] = {}  # what makes an array again: of which list, and its start
        self.open: list[Region] = []  # regions around
        self.elements: set[Val] = set()  # numbers of Python's own that were NumPy's
        self.refused: set[Val] = set()
        self.ours: set[Val] = set()  # the lists made here

    def flow(self, sources: dict[Val, Val | None]) -> Pythonic:
        return Pythonic(self.graph, self.numbers, sources, self.uses, self.ours)

    def count(self) -> None:
        self.uses = {}
        find_uses(self.graph.region, None, self.uses)

    # ---- loops
    def region(self, region: Region) -> None:
        self.open.append(region)
        for op in list(region.ops):
            if op.regions and takes_elements(op):
                if op.is_loop:
                    self.loop(op, region)
                for r in op.regions:
                    self.region(r)
        self.open.pop()

    def loop(self, op: Op, region: Region) -> None:
        if self.stale:
            self.count()
            self.stale = False
        while True:
            found = Found(self, op)
            if not found.members:
                return
            elements = {o.out: found.part[a] for o in found.reads if isinstance(a := o.ins[0], Val)}
            clash = self.flow({**dict.fromkeys(self.elements), **elements}).clash()
            if not clash:
                break
            self.refused |= {v for part in clash if part is not None for v in found.parts[part]}
        self.changed = self.stale = True
        self.rewrite(op, region, found)

    def rewrite(self, op: Op, region: Region, found: Found) -> None:
        view = LoopView(op)
        before: list[Op] = []
        table = {v: self.listing(v, region, before, op) for v in sorted(found.outside, key=lambda v: v.id)}
        inits = {j: self.listing(view.inits[j], region, before, op) for j in sorted(found.slots)}
        finals = {j: view.finals[j] for j in inits}
        starts = {j: view.inits[j] for j in found.slots}
        for r in op.regions:
            replace_in(r, table)
        for j, v in inits.items():
            op.ins[view.head + j] = v
        for v in found.inside:
            v.kind = list_kind(v.kind)
        self.ours |= found.inside
        for o in found.reads:
            assert isinstance(o.out.kind, Scalar)
            o.out.kind = replace(o.out.kind, weak=True)
        self.elements |= {o.out for o in found.reads}
        for o in walk_op(op):
            if o.fn in ops.WRITES and isinstance(kind(o.ins[0]), Seq):
                value = o.ins[2]
                if isinstance(value, Const) and type(value.value) is int:
                    o.ins[2] = Const(float(value.value))
        after: list[Op] = []
        for j, f in finals.items():
            if not any(not u.result or u.region not in found.regions for u in self.uses.get(f, ())):
                continue
            start = starts[j]
            if isinstance(start, Val) and start.op in self.back:
                start = self.back[start.op][1]
            again = Op.applying(self.numbers.array, [f], kind(start), op.origin, f.name, f.user)
            swap(self.uses[f], f, again.out)
            self.list_of[again.out] = f, region
            self.back[again] = f, start
            after.append(again)
        at = region.ops.index(op)
        region.ops[at : at + 1] = [*before, op, *after]

    def listing(self, v: Atom, region: Region, before: list[Op], like: Op) -> Val:
        """An array as a list, made before a loop if it is not there."""
        assert isinstance(v, Val)
        known = self.list_of.get(v)
        if known is not None and known[1] in self.open:
            there = known[0].op
            if there is not None and there in region.ops and region.ops.index(there) > region.ops.index(like):
                region.ops.remove(there)  # (made for a later loop until now)
                before.append(there)
            return known[0]
        made = Op.applying(list, [v], list_kind(v.kind), like.origin, v.name, v.user, tolist=True)
        before.append(made)
        self.ours.add(made.out)
        self.list_of[v] = made.out, region
        return made.out

    # ---- at the end
    def settle(self) -> None:
        """What is left of arrays again: those that somebody reads; numbers of Python's own."""
        self.count()
        for again, (final, start) in self.back.items():
            self.read_list(again, final, start)
        self.count()
        gone = {o for o in self.back if not self.uses.get(o.out)}
        lost = {v for v, _ in self.list_of.values() if v.op is not None and v.op.attrs.get("tolist")}
        gone |= {v.op for v in lost if v.op is not None and not self.uses.get(v)}
        for again, (_, start) in self.back.items():
            if again not in gone:
                self.shaped(again, start)
        remove(self.graph.region, gone)
        self.count()
        self.copy_once()
        self.written_as_lists()

    def copy_once(self) -> None:
        """A copy that is only made a list is not made: the list is a copy."""
        for region in regions(self.graph.region):
            made: dict[Val, Op] = {}
            for op in list(region.ops):
                if op.fn is ops.copied:
                    made[op.out] = op
                    continue
                if not op.attrs.get("tolist"):
                    made = {}
                    continue
                before = made.get(op.ins[0])  # type: ignore[arg-type]
                if before is not None and op.out in self.ours and len(self.uses[before.out]) == 1:
                    op.ins[0] = before.ins[0]
                    region.ops.remove(before)

    def written_as_lists(self) -> None:
        """Constants are written to a list, not to the array before it, which has no name then."""
        for region in regions(self.graph.region):
            for op in [o for o in region.ops if o.attrs.get("tolist") and o.out in self.ours]:
                writes: list[Op] = []
                v = op.ins[0]
                while isinstance(v, Val) and self.only_here(v, region):
                    made = v.op
                    if made is None or not writes_element(made) or not isinstance(made.ins[2], Const):
                        if made is not None and made.fn not in (ops.setitem, ops.additem):
                            v.user = False  # (it is made and used in one line)
                            op.origin = made.origin
                        break
                    writes.append(made)
                    v = made.ins[0]
                else:
                    continue
                if writes:
                    self.write_to_list(region, op, writes)

    def only_here(self, v: Val, region: Region) -> bool:
        if may_be_unset(v) or v.op is None:
            return False
        return len(self.uses[v]) == 1 and v.op in region.ops and v.op.code == "prim"

    def write_to_list(self, region: Region, op: Op, writes: list[Op]) -> None:
        """Make a list before the first of some writes; these are given last to first."""
        first, last = writes[-1], op.out
        region.ops.remove(op)
        made = Op.applying(list, [first.ins[0]], last.kind, op.origin, last.name, last.user, tolist=True)
        region.ops.insert(region.ops.index(first), made)
        first.ins[0] = made.out
        for o in writes:
            o.ins[2] = Const(float(o.ins[2].value))  # type: ignore[union-attr]
            o.out.kind = last.kind
        swap(self.uses[last], last, writes[0].out)
        self.ours |= {made.out, *(o.out for o in writes)}
        self.count()

    def numbers_of_arrays(self) -> None:
        """Numbers that loops get out of arrays are Python's own, where they meet such numbers only.

        Elements that are read; those of a vector that a loop runs over; numbers that are there before.
        """
        loops = number_loops(self.graph.region)
        if not loops:
            return
        reads: dict[Val, Op] = {}
        runs: dict[Val, Op] = {}
        quick: dict[Val, Op] = {}
        strong: dict[Val, Op] = {}
        given: dict[Val, tuple[Val, Op, Region]] = {}
        for loop, region in loops:
            every = [loop, *walk_op(loop)]
            reads.update((o.out, o) for o in every if reads_element(o))
            quick.update((o.out, o) for o in every if self.is_quick(o))
            strong.update((o.out, o) for o in every if o.fn is self.numbers.strong and is_double(o.ins[0]))
            runs.update((e, o) for o in every if o.is_loop for e in self.runs_over(o))
            numbers = dict.fromkeys((*captured_numbers(loop), *first_numbers(loop)))
            table = {v: self.plain(v, loop, region) for v in numbers}
            put_in(loop, table)
            given.update((w, (v, loop, region)) for v, w in table.items())
        if not (reads or runs or given or quick or strong):
            return
        self.count()

        def meets(v: Val, flow: Pythonic) -> bool:
            starts = LoopView(given[v][1]) if v in given else None
            firsts = [p for p, i in zip(starts.params, starts.inits, strict=True) if i is v] if starts else []
            return any(map(flow.meets_its_own, (v, *firsts)))

        news = {v: v for v in (*reads, *runs, *given, *quick, *strong) if v.kind == NUMBER}
        while news:
            flow = self.flow({**dict.fromkeys(self.elements), **news})
            easy = {**quick, **strong}
            bad = flow.clash() | {v for v in news if v not in easy and not meets(v, flow)}
            bad |= {v for v in news if v in given and given[v][0] in flow.parts}  # (it is one of Python's)
            bad |= {v for v in news if v in easy and not all(map(flow.may_be_plain, easy[v].ins))}
            if not bad:
                break
            news = {v: v for v in news if v not in bad}
        for v, (old, _, region) in given.items():
            if v not in news and v.op is not None and v.op in region.ops:
                swap(self.uses.get(v, []), v, old)
                region.ops.remove(v.op)
        for v in news:
            if v in reads:
                self.read_as_item(reads[v])
            elif v in runs:
                self.run_over_list(runs[v], v)
            v.kind = Scalar("f8")
        self.elements |= set(news)
        same: dict[Val, Atom] = {}
        for v in strong:
            if v in news:
                a = strong[v].ins[0]
                own = isinstance(a, Val) and a.op is not None and a.op.fn is float  # (Python's already)
                if isinstance(a, Const) or a in flow.parts or own:
                    same[v] = a
                else:  # (what is Python's in the program divides as that; this one as NumPy's)
                    strong[v].become(float)
        for v, (old, _, _) in given.items():  # what was made NumPy's only to be made Python's again
            if v in news and old.op is not None and old.op.fn is self.numbers.strong and v.op is not None:
                a = old.op.ins[0]
                if isinstance(a, Const) or kind(a) == FLOAT:
                    same[v] = Const(float(a.value)) if isinstance(a, Const) else a
            elif v in news and old.op is not None and self.is_read_once(old.op):
                self.read_as_item(old.op)
                old.kind, same[v] = Scalar("f8"), old
        if same:
            self.instead(self.graph.region, same)

    def is_read_once(self, op: Op) -> bool:
        """Whether an operation reads an element of an array, for one other alone."""
        return reads_element(op) and len(self.uses.get(op.out, ())) == 1

    def read_as_item(self, op: Op) -> None:
        """``x.item(i, j)`` for ``x[i, j]``."""
        items = parts_of(op.ins[1])
        op.become(self.numbers.item, method="item", names=("",) * (1 + len(items)))
        op.ins = [op.ins[0], *items]

    def instead(self, region: Region, same: dict[Val, Atom]) -> None:
        """Other atoms in the place of values, whose operations go."""

        def now(v: Val) -> Atom:
            while v in same:
                a = same[v]
                if not isinstance(a, Val):
                    return a
                v = a
            return v

        for r in regions(region):
            for o in r.ops:
                o.ins = [map_atom(now, a) for a in o.ins]
            r.results = [map_atom(now, a) for a in r.results]
            gone = [o for o in r.ops if o.outs and o.outs[0] in same]
            r.ops = [o for o in r.ops if o not in gone]
        self.count()
        unread = [o for r in regions(region) for o in r.ops if o.fn is self.numbers.strong]
        remove(region, {o for o in unread if not self.uses.get(o.out)})

    def plain(self, v: Val, loop: Op, region: Region) -> Val:
        """A number that is there before a loop, for the loop as one of Python's."""
        known = self.list_of.get(v)
        if known is not None and known[1] is region:
            return known[0]
        made = Op.applying(float, [v], NUMBER, loop.origin, v.name, v.user)
        region.ops.insert(region.ops.index(loop), made)
        self.list_of[v] = made.out, region
        return made.out

    def is_quick(self, op: Op) -> bool:
        """Whether there is a quick way to an operation of numbers."""
        if op.code != "prim" or op.attrs.get("guarded") or op.by_name:
            return False
        numbers = all(isinstance(kind(a), Scalar) and kind(a).dtype == "f8" for a in op.ins)  # type: ignore[union-attr]
        return numbers and op.out.kind == NUMBER and is_hashable(op.fn) and op.fn in self.numbers.quick

    def runs_over(self, op: Op) -> Iterator[Val]:
        view = LoopView(op)
        for e, s in view.taken:
            k = kind(s)
            if isinstance(s, Val) and isinstance(k, Array) and k.dtype == "f8" and len(k.dims) == 1:
                yield e

    def run_over_list(self, loop: Op, e: Val) -> None:
        view = LoopView(loop)
        at = view.head + view.carried + view.elements.index(e)
        region = next(r for r in regions(self.graph.region) if loop in r.ops)
        before: list[Op] = []
        self.open = [region]
        loop.ins[at] = self.listing(loop.ins[at], region, before, loop)
        place = region.ops.index(loop)
        region.ops[place:place] = before

    def read_list(self, again: Op, final: Val, start: Atom) -> None:
        """An element is read of the list, a size is asked of the array that was there before."""
        for u in self.uses.get(again.out, ()):
            o = u.op
            if u.result or o is None or not u.direct or o.code != "prim":
                continue
            if u.at == 0 and reads_element(o):
                if self.only_stored(o.out):
                    o.ins[0] = final
                    continue
                number = Op.applying(operator.getitem, [final, o.ins[1]], Scalar("f8"), o.origin)
                u.region.ops.insert(u.region.ops.index(o), number)
                o.become(self.numbers.strong)
                o.ins = [number.out]
            elif o.fn is ops.shape_at or u.at in self.numbers.shape_only(o.fn):
                o.ins[u.at] = start

    def only_stored(self, v: Val) -> bool:
        """Whether a number is written into arrays, and no more is done with it."""
        return all(
            u.op is not None and not u.result and u.at == 2 and u.op.fn in ops.WRITES
            and isinstance(kind(u.op.ins[0]), Array)
            for u in self.uses.get(v, ())
        )  # fmt: skip

    def shaped(self, again: Op, start: Atom) -> None:
        """An array of rows that may be none is given its shape."""
        k = kind(start)
        assert isinstance(k, Array)
        if len(k.dims) == 1 or all(isinstance(d, int) and d > 0 for d in k.dims):
            return
        region = next(r for r in regions(self.graph.region) if again in r.ops)
        rows = Op.applying(self.numbers.array, list(again.ins), k, again.origin)
        shape = Op.applying(getattr, [start, Const("shape")], OTHER, again.origin)
        region.ops[region.ops.index(again) : region.ops.index(again)] = [rows, shape]
        again.become(self.numbers.reshape, method="reshape")
        again.ins = [rows.out, shape.out]


def regions(region: Region) -> Iterator[Region]:
    yield region
    for op in region.ops:
        for r in op.regions:
            yield from regions(r)


class Found:
    """What one loop may have as lists."""

    def __init__(self, lists: Lists, op: Op) -> None:
        self.lists, self.op = lists, op
        self.view = view = LoopView(op)
        self.regions: set[Region] = set(op.regions)
        for o in walk_op(op):
            self.regions.update(o.regions)
        self.owner: dict[Val, tuple[Op, str, int]] = {}
        made = {v for r in op.regions for v in made_in(r)}
        every = list(walk_op(op))
        captured = {v for o in every for v in vals(o.ins) if v not in made}
        self.note(op)
        for o in every:
            if o.regions:
                self.note(o)
        start = {v for v in (*captured, *made) if listed(v.kind) and v not in lists.refused}
        self.made = made
        self.members = {v for v in start if (self.is_defined(v) if v in made else not may_be_unset(v))}
        self.written = {o.out for o in every if writes_element(o)}
        todo = True
        while todo:
            bad = {v for v in self.members if not self.holds(v)}
            self.members -= bad
            todo = bool(bad)
        self.join()
        self.choose()
        self.slots = [j for j, p in enumerate(view.params) if p in self.members]
        self.outside = {v for v in self.members if v not in made and v not in view.finals}
        self.inside = {v for v in self.members if v not in self.outside}
        self.inside |= {view.finals[j] for j in self.slots}
        self.reads = [o for o in every if reads_element(o) and o.ins[0] in self.members]

    def note(self, op: Op) -> None:
        """What the values of a loop or a branch are, by their places."""
        if op.is_loop:
            view = LoopView(op)
            for r in op.regions:
                lead = view.has_index if r is view.body else 0
                for j in range(view.carried):
                    if lead + j < len(r.params):
                        self.owner[r.params[lead + j]] = op, "slot", j
            for j, f in enumerate(view.finals):
                self.owner[f] = op, "slot", j
        elif op.code == "if":
            for j, f in enumerate(op.outs):
                self.owner[f] = op, "branch", j

    def is_defined(self, v: Val) -> bool:
        """Whether a value made in the loop may be a list: a variable, an updated array, or a row."""
        if v in self.owner:
            return True
        return v.op is not None and v.op.code == "prim" and (writes_element(v.op) or takes_row(v.op))

    def together(self, v: Val) -> Iterable[Atom]:
        """What must be a list where ``v`` is one."""
        if v in self.owner:
            op, what, j = self.owner[v]
            if what == "branch":
                return [op.outs[j], *(r.results[j] for r in op.regions)]
            view = LoopView(op)
            start = [view.inits[j]] if op is not self.op else []
            heads = [r.params[j] for r in op.regions[:-1]]
            return [view.params[j], view.yields[j], view.finals[j], *heads, *start]
        if v in self.made and v.op is not None and v.op.code == "prim":
            return [v.op.ins[0]]
        return []

    def holds(self, v: Val) -> bool:
        if not all(isinstance(a, Val) and self.is_one(a) for a in self.together(v)):
            return False
        if v in self.owner and self.owner[v][0] is self.op:
            start = self.view.inits[self.owner[v][2]]
            if not isinstance(start, Val) or may_be_unset(start):
                return False
            if start.kind != v.kind and not listed(start.kind):
                return False
        outer = v in self.view.finals
        return outer or all(self.allows(u, v) for u in self.lists.uses.get(v, ()) if u.region in self.regions)

    def is_one(self, v: Val) -> bool:
        if v in self.view.finals:  # outside of the loop it is an array again
            return self.view.params[self.view.finals.index(v)] in self.members
        return v in self.members

    def allows(self, u: Use, v: Val) -> bool:
        op = u.op
        assert op is not None
        if not u.direct:
            return False
        if u.result:
            if op.code == "if":
                return op.outs[u.at] in self.members
            return op.is_loop and u.at < op.attrs["carried"] and self.is_one(LoopView(op).params[u.at])
        if op.code == "prim":
            if u.at != 0:
                return False
            if reads_element(op):
                return True
            return (writes_element(op) or takes_row(op)) and op.out in self.members
        if op.is_loop:
            view = LoopView(op)
            j = u.at - view.head
            return 0 <= j < view.carried and view.params[j] in self.members
        return False

    def join(self) -> None:
        """The members that are lists together or not at all."""
        groups = Groups(self.members)
        for v in self.members:
            for a in self.together(v):
                if isinstance(a, Val) and a in groups:
                    groups.join(a, v)
        self.part = {v: groups.top(v) for v in self.members}
        self.parts: dict[Val, list[Val]] = {}
        for v, t in self.part.items():
            self.parts.setdefault(t, []).append(v)

    def choose(self) -> None:
        """Leave those that are not worth it."""
        worth = Worth(self.op, self.lists.graph.info.get("seen", {}))
        uses: dict[Val, list[Op]] = {}
        for o in walk_op(self.op):
            a = o.ins[0] if o.ins else None
            if isinstance(a, Val) and a in self.part and (reads_element(o) or writes_element(o)):
                uses.setdefault(self.part[a], []).append(o)
        numbers = {o for loop, _ in number_loops(Region([], [self.op])) for o in walk_op(loop)}
        for t, group in self.parts.items():
            roots = [v for v in group if v not in self.made]
            for v in group:
                if self.owner.get(v, (None,))[0] is self.op and v in self.view.params:
                    start = self.view.inits[self.view.params.index(v)]
                    assert isinstance(start, Val)
                    roots.append(start)
            touched = [o for o in uses.get(t, []) if o in numbers or takes_row(o)]
            if not roots or not touched or not all(worth.pays(r.kind, touched) for r in roots):
                self.members -= set(group)


def list_kind(k: Kind) -> Kind:
    """The kind of an array as a list."""
    if not isinstance(k, Array):
        return k
    out: Kind = Scalar(k.dtype)
    for _ in k.dims:
        out = Seq(out)
    return out


def replace_in(region: Region, table: dict[Val, Val]) -> None:
    if not table:
        return
    for op in region.ops:
        keep = op.fn is ops.shape_at
        if not keep:
            op.ins = [map_atom(lambda v: table.get(v, v), a) for a in op.ins]
        for r in op.regions:
            replace_in(r, table)
    region.results = [map_atom(lambda v: table.get(v, v), a) for a in region.results]


def swap(uses: list[Use], old: Val, new: Val) -> None:
    """``new`` where ``old`` is read."""

    def now(v: Val) -> Atom:
        return new if v is old else v

    for u in uses:
        if u.result:
            u.region.results[u.at] = map_atom(now, u.region.results[u.at])
        elif u.op is not None:
            u.op.ins[u.at] = map_atom(now, u.op.ins[u.at])
