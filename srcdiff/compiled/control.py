"""Branches and loops of the program, and the tapes that loops fill and read."""

from __future__ import annotations

import re

import numpy as np

from srcdiff.compiled import lists, rotations
from srcdiff.compiled.indexing import Indexing
from srcdiff.compiled.nests import Size, Store, same_size
from srcdiff.compiled.texts import (
    atleast,
    bare,
    is_move,
    range_of,
    value_of,
)
from srcdiff.compiled.trips import NUMBER, Trips
from srcdiff.compiled.values import (
    NUMPY_DTYPE,
    ZERO_OF,
    Elements,
    Gather,
    Growing,
    Lazy,
    Num,
    Rep,
    Rolled,
    Tape,
    Tapes,
    Text,
    View,
    as_array,
    is_shape_of,
    is_unbroadcast,
    whole,
)
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, LoopView, Op, Region, Struct, Undef, Val, op_of, same, vals
from srcdiff.ir.kinds import Array, Kind, Scalar, Seq

SHAPES = (ops.shape_at, len, np.size, np.shape)


def count_of(r: Rep) -> str:
    return str(r.sizes[0]) if isinstance(r, View) else r.count  # type: ignore[union-attr]


class Control(Indexing):
    """What has regions."""

    def region(self, region: Region) -> None:
        raise NotImplementedError

    def if_op(self, op: Op) -> None:
        test = self.truth(op.ins[0])
        self.settle()
        names: dict[Val, str] = {}
        for o in op.outs:
            if not self.total[o]:
                continue
            if as_array(o.kind) is not None:
                stays = self.stays(o)
                if stays is not None:
                    continue
            elif isinstance(o.kind, Seq):
                continue
            names[o] = self.fresh(o.name)
        arms: list[list[str]] = []
        joined: dict[Val, list[Rep]] = {}
        for r in op.regions:
            before, self.out = self.out, []
            self.depth += 1
            checked = dict(self.checked)
            self.region(r)
            self.flush()
            moves = []
            for o, a in zip(op.outs, r.results, strict=True):
                self.op = op
                if o in names:
                    moves.append((names[o], self.value_for(a, o.kind)))
                elif self.total[o]:
                    joined.setdefault(o, []).append(self.tape_or_store(a, o))
            self.settle()
            self.moves(moves)
            self.count_results(r)
            self.checked = checked
            self.depth -= 1
            arms.append(self.out)
            self.out = before
        then, other = arms
        if not then and not other:
            pass
        elif len(names) == 1 and is_move(then, names) and is_move(other, names):
            (name,) = names.values()
            self.line(f"{name} = {value_of(then)} if {bare(test)} else {value_of(other)}")
        elif not then:
            self.line(f"if not ({bare(test)}):")
            self.out += other
        else:
            self.line(f"if {bare(test)}:")
            self.out += then
            if other:
                self.line("else:")
                self.out += other
        for o in op.outs:
            if o in names:
                self.bind(o, self.named(names[o], o))
            elif self.total[o]:
                if any(isinstance(r, Growing) and r is not joined[o][0] for r in joined[o]):
                    raise self.no("two lists that paths of a branch leave")
                self.bind(o, joined[o][0])

    def truth(self, a: Atom) -> str:
        """What a branch or a loop asks for: whether a number is not zero, whether a list has elements."""
        r = self.rep(a) if isinstance(a, Val) else None
        if isinstance(r, Growing):
            self.flush()
            return f"{r.count} > 0"
        text = self.scalar(a)
        return text if self.elements(a).dtype == "b1" else f"{text} != 0"

    def tape_or_store(self, a: Atom, o: Val) -> Rep:
        if isinstance(a, Val) and isinstance(self.rep(a), Growing):
            return self.rep(a)
        if isinstance(o.kind, Seq) and as_array(o.kind) is None:
            raise self.no("a tape that one path of a branch fills")
        return self.rep(a)

    def count_results(self, r: Region) -> None:
        for v in vals(r.results):
            self.seen[v] += 1

    def start_of(self, v: Atom, until: Val | None = None) -> Val | None:
        """The value whose memory an array has, through updates in place, loops and branches."""
        if not isinstance(v, Val):
            return None
        key = v, until  # (asked once: branches behind branches lead back to the same ones)
        if key not in self.origins:
            self.origins[key] = self.found_start(v, until)
        return self.origins[key]

    def found_start(self, v: Atom, until: Val | None) -> Val | None:
        while isinstance(v, Val) and v is not until:
            op = v.op
            if op is None or v not in op.outs:
                return v
            if op.code == "prim" and op.attrs.get("inplace"):
                v = op.ins[0]
            elif op.is_loop:
                view = LoopView(op)
                j = op.outs.index(v)
                if j >= view.carried or self.start_of(view.yields[j], view.params[j]) is not view.params[j]:
                    return v
                v = view.inits[j]
            elif op.code == "if":
                n = op.outs.index(v)
                ends = [self.start_of(r.results[n], until) for r in op.regions]
                if ends[0] is None or ends[0] is not ends[1]:
                    return v
                v = ends[0]
            else:
                return v
        return v if isinstance(v, Val) else None

    def stays(self, o: Val) -> Val | None:
        """Of a branch's result: the array that both paths leave, perhaps changed in place."""
        v = self.start_of(o)
        return v if v is not o else None

    def for_op(self, op: Op) -> None:
        view = LoopView(op)
        if view.head not in (0, 3):
            raise self.no("a loop over something that is no range, array or list")
        self.loop(op, view)

    def while_op(self, op: Op) -> None:
        self.loop(op, LoopView(op))

    def loop(self, op: Op, view: LoopView) -> None:
        header = [self.scalar(a) for a in view.header]
        sources: list[tuple[Rep, int, Val]] = []
        for s, d, e in zip(view.sources, op.attrs["dirs"], view.elements, strict=True):
            r = self.rep(s)
            if isinstance(r, (Lazy, Gather, Rolled)):
                r = self.view(s)
                self.flush()
            if isinstance(r, Growing):
                r = lists.as_view(self, r, e.name)
            if not isinstance(r, (View, Tapes)):
                raise self.no("a loop over something that is no array or list")
            sources.append((r, d, e))
        aligned = bool(op.attrs.get("aligned"))
        through = op.code == "for" and view.head == 0 and bool(sources)  # as many trips as there are elements
        if through:
            counts = list(dict.fromkeys(count_of(r) for r, _, _ in sources))
            known = [n for n in counts if n.isdigit()]
            least = sorted(known, key=int)[:1] + [n for n in counts if n not in known]
            least = least if not aligned else counts[:1]
            header = ["0", least[0] if len(least) == 1 else f"min({', '.join(least)})", "1"]
        carried, moves = self.carried(op, view)
        rotations.told_apart(self, view, carried)
        self.settle()
        self.moves(moves)
        plain = bool(header) and header[0] == "0" and header[2] == "1" and not op.attrs.get("rev")
        trips = bool(self.total[view.trips])
        used = bool(self.total[view.index]) if view.has_index else False
        tapes = self.tapes_of(op, view, header)
        read = [x for x in sources if self.total[x[2]] or not aligned]
        counter = ""
        position = ""
        index = self.fresh(view.index.name or "i") if used or (plain and (read or trips)) else "_"
        if plain and not trips and (used or read or any(t is not None and t.tape.known for t in tapes)):
            position = index = self.fresh(view.index.name or "i") if index == "_" else index
        elif read or trips or op.code == "while" or any(t is not None and t.tape.known for t in tapes):
            counter = position = self.fresh("trip")
            self.line(f"{counter} = -1")
        code = self.exit_variable(op)
        if not header:
            self.line("while True:")
        else:
            back = bool(op.attrs.get("rev")) and used
            self.line(f"for {index} in {range_of(header, back)}:")
        self.depth += 1
        self.outer += 1
        checked = dict(self.checked)
        if counter and op.code == "while":
            self.condition(op, view, carried)
        for r, _, _ in read:
            if not (aligned or through or self.covers(view, r)):
                at = position if not counter else f"{counter} + 1"
                self.line(f"if {at} >= {count_of(r)}:")
                self.line("    break")
        if counter:
            self.line(f"{counter} += 1")
        if view.has_index and view.head == 3:
            self.bind(view.index, Num(Store(index, "i8", ())))
            self.bounds.loop(view.index, *view.header)
        elif view.has_index:
            self.bind(view.index, Num(Store(position or "_", "i8", ())))
        for p, c in zip(view.params, carried, strict=True):
            self.bind(p, c)
        for r, d, e in sources:
            if self.total[e]:
                self.take(r, d, e, position)
        self.region(view.body)
        self.flush()
        self.op = op
        self.positions[op] = position
        self.save(view, tapes)
        self.hand_on(op, view, carried)
        self.count_results(view.body)
        if code:
            exit = self.scalar(view.exit_result) if view.exit_result is not None else "0"
            self.line(f"{code} = {bare(exit)}")
            tests = " or ".join(f"{code} == {c}" for c in op.attrs["exits"])
            self.line(f"if {tests}:")
            self.line("    break")
        self.settle()
        if not self.out or self.out[-1].endswith(":"):
            self.line("pass")
        self.outer -= 1
        self.depth -= 1
        self.checked = checked
        self.bounds.range.pop(view.index, None) if view.has_index else None
        for f, p, y, c in zip(view.finals, view.params, view.yields, carried, strict=True):
            is_other = isinstance(c, View) and c.whole and as_array(f.kind) != as_array(p.kind)
            if is_other and self.start_of(y, p) is not p:  # (without a trip it is what it began with)
                self.bind(f, self.named(c.store.name, f))  # type: ignore[union-attr]
            else:
                self.bind(f, c)
        for t, tape in zip(view.tapes, tapes, strict=True):
            if tape is not None:
                self.bind(t, tape)
                tape.count = self.fresh(f"{tape.tape.name}_n") if not tape.tape.known else tape.tape.known
                if not tape.tape.known:
                    start = f" - {tape.start}" if tape.start != "0" else ""
                    self.line(f"{tape.count} = {tape.tape.count}{start}")
        if view.exit_out is not None and code:
            if self.total[view.exit_out]:
                inside = " or ".join(f"{code} == {c}" for c in op.attrs["exits"])
                self.line(f"{code} = {code} if {inside} else 0")
            self.bind(view.exit_out, Num(Store(code, "i8", ())))
        if trips:
            self.bind(view.trips, Text(f"({counter} + 1)", "i8"))

    def condition(self, op: Op, view: LoopView, carried: list[Rep]) -> None:
        cond = op.regions[0]
        for p, c in zip(cond.params, carried, strict=True):
            self.bind(p, c)
        self.region(cond)
        self.flush()
        test = self.truth(cond.results[0])
        self.settle()
        self.count_results(cond)
        self.line(f"if not ({bare(test)}):")
        self.line("    break")

    def covers(self, view: LoopView, r: Rep) -> bool:
        """Whether a range ends no later than a source."""
        if view.head != 3 or not isinstance(r, View):
            return False
        return (
            self.bounds.form(view.header[1]) is not None
            and same(view.header[0], Const(0))
            and (self.bounds.within(view.header[1], r.sizes[0].dim))
        )

    def exit_variable(self, op: Op) -> str:
        if not op.attrs["exits"]:
            return ""
        name = self.fresh("left")
        self.line(f"{name} = 0")
        return name

    def carried(self, op: Op, view: LoopView) -> tuple[list[Rep], list[tuple[str, str]]]:
        """What a loop's variables are inside it, and what they start from."""
        out: list[Rep] = []
        moves: list[tuple[str, str]] = []
        for p, i, y in zip(view.params, view.inits, view.yields, strict=True):
            growing = self.list_for(p, i, y)
            if growing is not None:
                out.append(growing)
                continue
            if as_array(p.kind) is not None:
                if isinstance(i, Const):  # a number: the array is filled with it
                    name = self.filled(i, p)
                    if self.start_of(y, p) is p:
                        out.append(self.named(name, p))
                        continue
                    moves.append((self.fresh(p.name), name))
                    out.append(self.named(moves[-1][0], p))
                    continue
                if self.start_of(y, p) is p and not isinstance(i, Undef):
                    got = self.view(i)
                    self.flush()
                    out.append(got)
                    continue
                text = self.value_for(i, p.kind)
            elif isinstance(p.kind, Seq):
                raise self.no("a list that a loop changes")
            else:
                text = self.value_for(i, p.kind)
            name = self.fresh(p.name)
            moves.append((name, text))
            out.append(self.named(name, p))
        return out, moves

    def list_for(self, p: Val, i: Atom, y: Atom) -> Growing | None:
        """The list that a loop changes in place, if that is what a variable of it is."""
        if not lists.is_list(p.kind) or self.start_of(y, p) is not p:
            return None
        if isinstance(i, Struct):
            return lists.started(self, i, p.kind, p.name)
        if isinstance(i, Val):
            r = self.rep(i)
            if isinstance(r, Growing):
                return r
            if isinstance(p.kind, Seq) and self.changes_length(y, p):
                return lists.started(self, i, p.kind, p.name)
        return None

    def changes_length(self, y: Atom, p: Val) -> bool:
        while isinstance(y, Val) and y is not p:
            op = y.op
            if op is None or op.code != "prim" or op.fn in (ops.append, ops.rest):
                return True
            y = op.ins[0]
        return False

    def filled(self, a: Atom, p: Val) -> str:
        """An array filled with a number, for a variable that is an array from the start."""
        k = as_array(p.kind)
        if k is None or p in self.unsure or not all(isinstance(d, int) for d in k.dims):
            raise self.no("a number or an array in one variable")
        text = self.scalar(a, k.dtype)
        sizes = tuple(Size("", d, d) for d in k.dims if isinstance(d, int))
        return self.whole_copy(Lazy(k.dtype, sizes, lambda ix: text), p.name).store.name

    def hand_on(self, op: Op, view: LoopView, carried: list[Rep]) -> None:
        moves = []
        for c, p, y in zip(carried, view.params, view.yields, strict=True):
            if isinstance(c, Growing) or (isinstance(c, View) and self.start_of(y, p) is p):
                continue
            assert isinstance(c, (View, Num))
            moves.append((c.store.name, self.value_for(y, p.kind)))
        self.settle()
        self.moves(moves)

    def take(self, r: Rep, d: int, e: Val, position: str) -> None:
        """The element of a source in a trip."""
        if isinstance(r, View):
            n = r.sizes[0]
            at = position if d == 1 else f"({n.plus(-1)} - {position})"
            got = self.picked(r, 0, at)
            if not got.sizes:
                self.bind(e, self.loaded(got, e))
            else:
                self.bind(e, got)
            return
        assert isinstance(r, Tapes)
        at = position if d == 1 else f"{r.count} - 1 - {position}"
        at = at if r.start == "0" else f"{r.start} + {at}"
        k = r.tape.elem
        if isinstance(k, Scalar):
            name = self.fresh(e.name)
            self.line(f"{name} = {r.tape.name}[{at}]")
            self.bind(e, Num(Store(name, self.dtype_of(k), ())))
            return
        inner = r.tape.inner
        assert inner is not None
        if isinstance(k, Seq):
            start, count = self.fresh(f"{e.name}_at"), self.fresh(f"{e.name}_n")
            self.line(f"{start} = {r.tape.name}[{at}, 0]")
            self.line(f"{count} = {r.tape.name}[{at}, 1]")
            self.bind(e, Tapes(inner, start, count))
            return
        assert isinstance(k, Array)
        if r.tape.sizes is not None:
            self.bind(e, self.one_of(r.tape, e, k.dtype, at))
            return
        sizes = []
        dims = e.kind.dims if isinstance(e.kind, Array) else k.dims
        for m, dim in enumerate(dims):
            word = self.fresh(f"{e.name}_n")
            self.line(f"{word} = {r.tape.name}[{at}, {m + 1}]")
            sizes.append(Size(word, 0, dim))
        if r.tape.shapes:
            self.bind(e, Lazy(k.dtype, tuple(sizes), lambda ix: ZERO_OF["f8"]))
            return
        start = self.fresh(f"{e.name}_at")
        self.line(f"{start} = {r.tape.name}[{at}, 0]")
        total = " * ".join(map(str, sizes))
        name = self.fresh(e.name)
        shape = f".reshape(({', '.join(map(str, sizes))}))" if len(sizes) > 1 else ""
        self.line(f"{name} = {inner.name}[{start} : {start} + {total}]{shape}")
        v = whole(Store(name, k.dtype, tuple(sizes), self.memory(e)))
        self.bind(e, v)

    def one_of(self, tape: Tape, e: Val, dtype: str, at: str) -> Rep:
        """An array of a tape, all of which are of one size."""
        sizes = tape.sizes
        assert sizes is not None and tape.inner is not None
        if tape.shapes:
            return Lazy(dtype, sizes, lambda ix: ZERO_OF["f8"])
        name = self.fresh(e.name)
        self.line(f"{name} = {self.place_on(tape, at)}")
        return whole(Store(name, dtype, sizes, self.memory(e)))

    def place_on(self, tape: Tape, at: str) -> str:
        """Where the array of a trip lies, on a tape of arrays of one size."""
        assert tape.sizes is not None and tape.inner is not None
        if tape.rows:
            return f"{tape.inner.name}[{at}]"
        total = " * ".join(map(atleast, tape.sizes))
        at = at if re.fullmatch(r"\w+", at) else f"({at})"
        shape = f".reshape(({', '.join(map(atleast, tape.sizes))}))" if len(tape.sizes) > 1 else ""
        return f"{tape.inner.name}[{at} * {total} : ({at} + 1) * {total}]{shape}"

    def settled(self, tape: Tape, sizes: tuple[Size, ...]) -> bool:
        """Whether all arrays of a tape are of these sizes, known beforehand: it is made for them."""
        inner = tape.inner
        if inner is None or not all(not s.text or self.is_outside(str(s)) for s in sizes):
            return False
        start = [f"{tape.name} = np.empty(("]
        if not tape.shapes:
            start += [f"{inner.name} = np.empty(64, ", f"{inner.count} = 0"]
        lines = [next((n for n, x in enumerate(self.out) if x.strip().startswith(w)), -1) for w in start]
        if -1 in lines:
            return False
        if not tape.shapes and tape.room:
            shape = ", ".join([bare(tape.room), *map(atleast, sizes)])
            self.out[lines[1]] = self.out[lines[1]].replace("(64, ", f"(({shape}), ", 1)
            tape.rows = True
        for n in sorted((lines[0], *lines[2:]), reverse=True):
            del self.out[n]
        tape.sizes = sizes
        return True

    def counted(self, tape: Tape, total: str) -> bool:
        """Whether a tape is made as large as its arrays will be together: what a trip adds is told ahead."""
        inner = tape.inner
        each = tape.trips.sized(total) if tape.trips is not None else ""
        if inner is None or tape.trips is None or not each:
            return False
        made = f"{inner.name} = np.empty(64, "
        if not any(x.strip().startswith(made) for x in self.out):
            return False
        room = tape.trips.total(f"{inner.name}_room", each)
        at = next(n for n, x in enumerate(self.out) if x.strip().startswith(made))
        self.out[at] = self.out[at].replace("(64, ", f"({room}, ", 1)
        return True

    def shape_only(self, v: Val) -> bool:
        """Whether only the shape of a value is asked for."""
        users = self.users.get(v, [])
        return bool(users) and all(
            u is not None
            and u.code == "prim"
            and (
                (u.fn in SHAPES and u.ins[0] is v)
                or (is_unbroadcast(u.fn) and u.ins[1] is v and u.ins[0] is not v)
                or [k for k, a in enumerate(u.ins) if a is v] == [is_shape_of(u.fn)]
            )
            for u in users
        )

    def asked_for_shapes(self, t: Val) -> bool:
        """Whether of the arrays on a tape only the shapes are asked for."""
        for u in self.users.get(t, []):
            if u is None or u.code != "for":
                return False
            view = LoopView(u)
            for e, s in view.taken:
                if s is t and self.total[e] and not self.shape_only(e):
                    return False
            if any(a is t for a in u.ins[: len(u.ins) - len(view.sources)]):
                return False
        return True

    def tapes_of(self, op: Op, view: LoopView, header: list[str]) -> list[Tapes | None]:
        """What a loop collects: the tapes are made before the outermost loop that keeps them."""
        out: list[Tapes | None] = []
        trips = None
        for t in view.tapes:
            if not self.total[t]:
                out.append(None)
                continue
            tape = self.family.get(t)
            if tape is None:
                if trips is None and header and not op.attrs["exits"]:
                    trips = Trips.of(self, view, header, self.trip_count(header))
                known = trips.loops[0].trips if trips is not None else ""
                tape = self.make_tape(t, t.kind, known, known, trips)
            out.append(Tapes(tape, "0", tape.count))
            if not tape.known and self.kept_outside(t):
                start = self.fresh(f"{tape.name}_from")
                self.line(f"{start} = {tape.count}")
                out[-1] = Tapes(tape, start, "")
            elif not tape.known:
                self.line(f"{tape.count} = 0")
        return out

    def kept_outside(self, t: Val) -> bool:
        return t in self.family

    def trip_count(self, header: list[str]) -> str:
        start, stop, step = header
        if all(map(NUMBER.fullmatch, header)):
            return str(len(range(*map(int, header))))
        name = self.fresh("n")
        if step == "1":
            count = bare(stop) if start == "0" else f"{stop} - {start}"
            self.once(name, f"max({count}, 0)")
        else:
            self.line(f"{name} = len(range({bare(start)}, {bare(stop)}, {bare(step)}))")
        return name

    def once(self, name: str, text: str, of: str = "") -> None:
        """A name for what is the same in all trips, if it (or what it is made of) is told before."""
        if self.outer and ((of or text) in self.ahead or self.is_outside(of or text)):
            self.head.append(f"    {name} = {text}")
            self.ahead.add(name)
        else:
            self.line(f"{name} = {text}")

    def make_tape(self, t: Val, k: Kind, known: str, room: str, trips: Trips | None) -> Tape:
        """A tape, and those that it points into, empty."""
        assert isinstance(k, Seq)
        elem = k.elem
        name = self.fresh(t.name or "saved")
        tape = Tape(name, elem, None, self.fresh(f"{name}_end"), known, room, trips)
        row = as_array(elem) if isinstance(elem, Seq) and self.collected_in(t) is None else None
        if row is not None:  # lists of the program's, as arrays of some length
            tape.elem, tape.lists, elem = row, True, row
        if isinstance(elem, Scalar):
            dtype = NUMPY_DTYPE[self.dtype_of(elem)]
            made = f"np.empty({room or '64'}, {dtype})"
            self.once(name, made, room) if room else self.line(f"{name} = {made}")
        elif isinstance(elem, Seq):
            found = self.collected_in(t)
            if found is None:
                raise self.no("a tape of lists that are not one loop's")
            inner_val, loop = found
            within = trips.inside(loop) if trips is not None else None
            most = within.total(f"{name}_room") if within is not None else ""
            self.line(f"{name} = np.empty(({room or '16'}, 2), np.int64)")
            tape.inner = self.make_tape(inner_val, elem, "", most, within)
            self.family[inner_val] = tape.inner
        elif isinstance(elem, Array) and elem.dims:
            dtype = NUMPY_DTYPE[self.dtype_of(elem)]
            self.line(f"{name} = np.empty(({room or '16'}, {1 + len(elem.dims)}), np.int64)")
            data = self.fresh(f"{name}_data")
            tape.inner = Tape(data, Scalar(elem.dtype), None, self.fresh(f"{data}_end"))
            tape.shapes = self.asked_for_shapes(t)
            if not tape.shapes:
                self.line(f"{data} = np.empty(64, {dtype})")
                self.line(f"{tape.inner.count} = 0")
        else:
            raise self.no("a tape of something that is no number or array")
        self.line(f"{tape.count} = 0") if not known else None
        return tape

    def collected_in(self, t: Val) -> tuple[Val, Op] | None:
        """The tape of an inner loop that one of an outer loop is made of, and that loop."""
        op = t.op
        assert op is not None
        view = LoopView(op)
        inner = view.put_on(t)
        made = op_of(inner)
        if made is None or not made.is_loop or made not in view.body.ops:
            return None
        if not isinstance(inner, Val) or inner not in LoopView(made).tapes:
            return None
        return inner, made

    def save(self, view: LoopView, tapes: list[Tapes | None]) -> None:
        """Put what a trip saves on the tapes."""
        for c, t in zip(view.collected, tapes, strict=True):
            if t is None:
                continue
            tape = t.tape
            end = tape.count
            if tape.known:
                end = self.position_of(view)
            k = tape.elem
            if isinstance(k, Scalar):
                text = self.value_for(c, k)
                if not tape.room:
                    self.line(f"if {end} == {tape.name}.size:")
                    self.line(f"    {tape.name} = {self.helper('grown')}({tape.name}, {end} + 1)")
                self.line(f"{tape.name}[{end}] = {bare(text)}")
            else:
                self.save_row(view, c, tape, end)
            if not tape.known:
                self.line(f"{end} += 1")

    def position_of(self, view: LoopView) -> str:
        got = self.positions.get(view.op)
        if got is None:
            raise self.no("a tape without a position")
        return got

    def save_row(self, view: LoopView, c: Atom, tape: Tape, end: str) -> None:
        if isinstance(tape.elem, Array):
            r = self.elements(c)
            if r.dtype != tape.elem.dtype or len(r.sizes) != len(tape.elem.dims):
                raise self.no("a tape of arrays that are not alike")
            if self.settled(tape, r.sizes):
                if not tape.shapes:
                    self.save_one(r, tape, end, self.handed_out(view, r))
                return
        if not tape.room:
            self.line(f"if {end} == {tape.name}.shape[0]:")
            self.line(f"    {tape.name} = {self.helper('grown_rows')}({tape.name})")
        inner = tape.inner
        assert inner is not None
        if isinstance(tape.elem, Seq):
            of = self.rep(c)
            if not isinstance(of, Tapes) or of.tape is not inner:
                raise self.no("a tape of lists that are not one loop's")
            self.line(f"{tape.name}[{end}, 0] = {of.start}")
            self.line(f"{tape.name}[{end}, 1] = {of.count}")
            return
        assert isinstance(tape.elem, Array)
        r = self.elements(c)
        start = inner.count
        if not tape.shapes:
            self.line(f"{tape.name}[{end}, 0] = {start}")
        for n, s in enumerate(r.sizes):
            self.line(f"{tape.name}[{end}, {n + 1}] = {atleast(s)}")
        if not tape.shapes:
            total = " * ".join(map(atleast, r.sizes))
            if not self.counted(tape, total):
                self.line(f"{inner.name} = {self.helper('grown')}({inner.name}, {start} + {total})")
            target = self.fresh("row")
            shape = f".reshape(({', '.join(map(atleast, r.sizes))}))" if len(r.sizes) > 1 else ""
            self.line(f"{target} = {inner.name}[{start} : {start} + {total}]{shape}")
            store = Store(target, r.dtype, r.sizes, frozenset((target,)))
            self.write_to(whole(store), [r], lambda t: t[0], False)
            self.flush()
            self.line(f"{start} += {total}")

    def made_there(self, store: Store, tape: Tape, end: str, grow: str) -> bool:
        """Whether an array that a trip makes and saves is made on the tape: nobody writes to it later."""
        start = "    " * self.depth + f"{store.name} = np.empty("
        at = next((n for n in range(len(self.out) - 1, -1, -1) if self.out[n].startswith(start)), -1)
        if at < 0 or not all(map(same_size, store.sizes, tape.sizes or ())):
            return False
        if not all(x.startswith("    " * self.depth) for x in self.out[at:]):  # in a branch
            return False
        self.out[at] = "    " * self.depth + f"{store.name} = {self.place_on(tape, end)}"
        if grow:
            self.out.insert(at, "    " * self.depth + grow)
        return True

    def handed_out(self, view: LoopView, r: Elements) -> bool:
        """Whether an array is, after the last trip, a result of the kernel: it would keep the tape."""
        return isinstance(r, View) and any(
            f in self.results and isinstance(y, Val) and getattr(self.env.get(y), "store", None) is r.store
            for y, f in zip(view.yields, view.finals, strict=True)
        )

    def save_one(self, r: Elements, tape: Tape, end: str, out: bool) -> None:
        """Save an array, on a tape of arrays of one size."""
        inner, sizes = tape.inner, tape.sizes
        assert inner is not None and sizes is not None
        grow = ""
        if not tape.room:
            total = " * ".join(map(atleast, sizes))
            grow = f"{inner.name} = {self.helper('grown')}({inner.name}, ({end} + 1) * {total})"
        if isinstance(r, View) and r.whole and r.store.kept is None and not out:
            if self.made_there(r.store, tape, end, grow):
                return
        if grow:
            self.line(grow)
        target = self.fresh("row")
        self.line(f"{target} = {self.place_on(tape, end)}")
        store = Store(target, r.dtype, sizes, frozenset((target,)))
        self.write_to(whole(store), [r], lambda t: t[0], False)
        self.flush()
