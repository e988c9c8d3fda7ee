"""Loops: what the trips hand on, and how a loop is left."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.errors import InternalError
from srcdiff.frontend import aliases, choices, control, exits, guesses, joins, mappings, places, unsure
from srcdiff.frontend.captures import cyclic
from srcdiff.frontend.comparisons import condition, is_member, truth
from srcdiff.frontend.core import Stop
from srcdiff.frontend.objects import content
from srcdiff.frontend.refitted import refitted
from srcdiff.frontend.scope import (
    Agg,
    Bound,
    Closure,
    Either,
    Forward,
    Iter,
    Loc,
    Method,
    Partial,
    Plain,
    Poison,
    State,
    flag_of,
    is_flag,
    name_of_flag,
    nodes_in,
)
from srcdiff.frontend.structure import dissect
from srcdiff.frontend.things import mutable
from srcdiff.frontend.trial import recover, snapshot
from srcdiff.ir.begun import Begun, is_begun
from srcdiff.ir.graph import UNDEF, Atom, Const, LoopView, Op, Region, Struct, Val, kind, walk
from srcdiff.ir.kinds import (
    BOOL,
    INT,
    UNKNOWN,
    Array,
    Kind,
    Map,
    Scalar,
    Seq,
    Tree,
    fresh_sym,
    has_cell,
    join,
    widened,
)
from srcdiff.ir.regions import replace_values

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["loop", "while_loop"]

WIDENED = 3  # readings of a loop after which sizes that still differ are given up


class Slots:
    """The carried variables of a loop, leaf by leaf."""

    def __init__(self, lw: Lowerer) -> None:
        self.lw = lw
        self.inits: list[Atom] = []
        self.kinds: list[Kind] = []
        self.hints: list[str] = []

    def open(self, init: Atom, k: Kind, hint: str, params: list[Val]) -> Bound:
        """A bound of new parameters of kind ``k``, started from ``init``."""
        if isinstance(k, Tree) and isinstance(k.type, places.PlaceType):
            indices: list[Val] = []
            for a in self.parts(init, k):
                self.open(a, INT, "k", indices)
            params += indices
            return k.type.place(indices)
        if isinstance(k, Tree) and isinstance(k.type, choices.ChoiceType):
            flags: list[Val] = []
            for a, key in zip(self.parts(init, k), k.keys, strict=True):
                self.open(a, BOOL, f"{hint}_{key}", flags)
            params += flags
            return k.type.place(flags)
        if isinstance(k, Tree):
            parts = self.parts(init, k)
            items = tuple(
                self.open(a, x, f"{hint}_{key}" if hint else str(key), params)
                for a, x, key in zip(parts, k.items, k.keys, strict=True)
            )
            agg = Agg(k.type, k.keys, items)

            return Loc(self.lw.state.new_cell(agg)) if mutable(k.type) else agg
        init = self.lw.conform(init, k)
        v = Val(hint, joins.with_fresh(k), user=not self.lw.quiet())
        if (
            isinstance(init, Val)
            and isinstance(k, Array)
            and isinstance(init.kind, Array)
            and init.kind.dims == k.dims
        ):
            self.lw.shapes[v] = init
        params.append(v)
        self.inits.append(init)
        self.kinds.append(k)
        self.hints.append(hint)
        if has_cell(k):
            cell = self.lw.state.new_cell(v)
            return Loc(cell, (), v, v)
        return Plain(v)

    def parts(self, init: Atom, k: Tree) -> list[Atom]:
        if init is UNDEF:
            return [UNDEF] * len(k.keys)
        return [self.lw.getitem(init, Const(key)) for key in k.keys]


def spread(lw: Lowerer, a: Atom, k: Kind) -> Atom:
    """A value that has parts, as its parts."""
    if not isinstance(k, Tree) or a is UNDEF:
        return a
    if isinstance(a, Struct):
        items = tuple(spread(lw, x, kk) for x, kk in zip(a.items, k.items, strict=True))
        return Struct(a.type, a.keys, items)
    if not isinstance(kind(a), Tree):
        return a
    items = tuple(spread(lw, lw.getitem(a, Const(n)), kk) for n, kk in zip(k.keys, k.items, strict=True))
    return Struct(k.type, k.keys, items)


def leaves(a: Atom, k: Kind) -> list[Atom]:
    """The leaves of an atom that has the structure of ``k``."""
    if not isinstance(k, Tree):
        return [a]
    if isinstance(a, Struct):
        return [x for item, kk in zip(a.items, k.items, strict=True) for x in leaves(item, kk)]
    if a is not UNDEF:
        raise InternalError(f"{a!r} is not of the structure {k!r}")
    return [x for kk in k.items for x in leaves(UNDEF, kk)]


def rebuild(k: Kind, values: list[Val], lw: Lowerer) -> Bound:
    if isinstance(k, Tree) and isinstance(k.type, (places.PlaceType, choices.ChoiceType)):
        return k.type.place([values.pop(0) for _ in k.items])
    if isinstance(k, Tree):
        agg = Agg(k.type, k.keys, tuple(rebuild(x, values, lw) for x in k.items))
        return Loc(lw.state.new_cell(agg)) if mutable(k.type) else agg
    return lw.bind(values.pop(0))


_ORDER = {"cell": 0, "item": 1, "name": 2}


def loop(
    lw: Lowerer,
    node: Any,
    op: Op,
    body: Callable[[Region], Any],
    test: Any,
    orelse: list[Any],
) -> Any:
    """The common part of ``for`` and ``while``: ``body`` reads a trip; returns the exit code.

    What is carried is guessed first, so that one reading of the body will mostly do.
    """
    guess = guesses.likely(lw, node)
    if guess:
        before = lw.loop_memo.get(key_of_loop(lw, node), {})  # what it carried when it was read last
        guess = {**guess, **{k: v for k, v in before.items() if k[0] == "cell" and k[1] in lw.state.cells}}
        mark, memo = snapshot(lw), dict(lw.loop_memo)
        try:
            return trips(lw, node, op, body, test, orelse, guess)
        except (Stop, guesses.Misjudged):
            recover(lw, mark)
            lw.loop_memo = memo
    return trips(lw, node, op, body, test, orelse, {})


def key_of_loop(lw: Lowerer, node: Any) -> Any:
    return id(node), tuple(f for f, _ in list(lw.state.names)[:1]) and lw.frame.source and lw.frame.id


def trips(
    lw: Lowerer,
    node: Any,
    op: Op,
    body: Callable[[Region], Any],
    test: Any,
    orelse: list[Any],
    guess: dict[Any, Kind],
) -> Any:
    """Read the body until what it hands on stands still; ``guess``: what that may be."""
    start = lw.state
    origin = lw.origin
    problems = len(lw.problems)
    memo_key = key_of_loop(lw, node)
    carried: dict[Any, Kind] = {}
    changing: dict[Any, Poison] = {}  # names of what is another function, say, in each trip
    seeded: set[Any] = set()
    known_changing: set[Any] = set()
    for key, k in lw.loop_memo.get(memo_key, {}).items():
        if key[0] == "name" and (key[1] in start.names or key[2]):
            carried[key] = k
    carried |= {key: k for key, k in guess.items() if key[0] == "cell" or not carried}
    carried = {key: begun_as(lw, start, key, k) for key, k in carried.items() if not is_gone(start, k)}
    one = aliases.Loops()
    for attempt in range(12):
        mark = len(lw.element_writes)
        lw.state = start
        for key, k in carried.items():
            box = start.cells[key[1]] if key[0] == "cell" else None
            if isinstance(box, Agg) and isinstance(k, Map):
                mappings.as_mapping(lw, Loc(key[1]), box, node)
            elif isinstance(box, Agg) and isinstance(k, Seq):
                if box.whole is not None or any(places.reached(lw, x) for x in box.items):
                    lw.as_sequence(Loc(key[1]), box, node)
        # (an object or a dict that lies in a list by now is carried with it)
        kept = [k for k in carried if not lies_in_a_list(start, k)]
        carried = {k: carried[k] for k in sorted(kept, key=lambda k: _ORDER[k[0]])}
        lw.state = start.copy()
        slots = Slots(lw)
        params: list[Val] = []
        body_region, cond_region = Region(), Region()
        opened: dict[Any, Bound] = {}
        for key, k in carried.items():
            if key[0] == "cell":
                hint = joins.held_as(start, key[1])
                init = start.cells[key[1]]
                init = read_at(lw, start, init) if isinstance(init, Agg) else init
                got = slots.open(init, k, hint, params)
                lw.state.cells[key[1]] = content_of(lw, got)
                opened[key] = got
        for key, k in carried.items():
            if key[0] == "item":
                cell, part = key[1]
                b0 = joins.part_of(start.cells[cell], part)
                init = read_at(lw, start, b0, k) if b0 is not None else UNDEF
                opened[key] = slots.open(init, k, joins.item_hint(start, cell, part), params)
                joins.set_part(lw.state, cell, part, opened[key])
        for key, k in carried.items():
            if key[0] == "name":
                b0 = start.names.get(key[1])
                init = read_at(lw, start, b0, k) if b0 is not None else UNDEF
                hint = "" if key[1][1] == "_" else key[1][1]
                opened[key] = lw.state.names[key[1]] = slots.open(init, k, hint, params)
                if key[1][1] == exits.RETURNED or key[1][1].startswith("thrown!"):  # (set in the last trip)
                    del lw.state.names[key[1]]
        ways = aliases.parts_of(
            lw, lw.state, [(k, Loc(k[1]) if k[0] == "cell" else b) for k, b in opened.items()]
        )
        for (key, _), cells in ways.items():
            if key[0] != "cell":
                lw.pinned |= cells
        one.add(start.shares, aliases.parts_of(lw, start, held_by(lw, start, opened), ways), start.cells)
        one.put(lw.state, ways)
        head_state = lw.state.copy()
        cond: Atom = Const(True)
        if test is not None:
            with lw.inside(cond_region):
                b = lw.expr(test)
                known = truth(lw, b)
                cond = Const(known) if known is not None else condition(lw, b)
            if changes(lw.state.cells, head_state.cells) or changes(lw.state.names, head_state.names):
                raise TestChanges
            lw.state = head_state.copy()
        for key in changing:  # a function that is another one in each trip
            lw.state.names[key] = changing[key]
        before = lw.state.copy()
        with lw.inside(body_region):
            outer, lw.passed = (lw.unsettled, lw.passes, lw.passed), False
            lw.unsettled = lw.unsettled or (attempt == 0 and not guess)
            try:
                exit = in_loop(lw, body, body_region)
            finally:
                left_out = lw.passed
                lw.unsettled, lw.passes, lw.passed = outer
            if guess and len(lw.problems) > problems:
                raise guesses.Misjudged
            if lw.unsettled and left_out:  # a loop around this one will read it again
                lw.passed, left_out = True, False
            end = lw.state
            wanted = dict(carried)
            ends: dict[Any, Atom] = {}
            begun: dict[Any, Atom] = {}
            reads = end.copy()
            for state in (start, before, end):
                lw.complete(state)
            put_away(lw, node, before, end, lw.element_writes[mark:])
            size = one.size()
            one.add(end.shares, aliases.parts_of(lw, end, held_by(lw, end, opened), ways), start.cells)
            for cell, content0 in list(start.cells.items()):
                now: Any = end.cells.get(cell)
                base = before.cells.get(cell)
                if isinstance(now, Iter) and now.stands_as(base):
                    continue
                if now is not base and (isinstance(now, Iter) or isinstance(content0, Iter)):
                    lw.stop(
                        "iterator", "an iterator made outside this loop is used up inside it", node,
                        note="from the second trip on it gives nothing, or goes on where it stopped",
                        help="make the iterator inside the loop, make a list of it before the loop, or loop "
                        "over both together: zip(range(n), iterator)",
                    )  # fmt: skip
                if now is not base and ("cell", cell) not in carried:
                    if isinstance(now, Agg) and joins.fixed_shape(content0, now):
                        changed_parts(lw, node, start, cell, base, now, carried, wanted)
                        continue
                    for old in [key for key in wanted if key[0] == "item" and key[1][0] == cell]:
                        del wanted[old]
                    a0 = lw.read(content0) if isinstance(content0, Agg) else content0
                    a1 = lw.read(now) if isinstance(now, (Agg, Poison)) else now
                    assert a1 is not None
                    wanted["cell", cell] = joins.joined(kind(a0), kind(a1), a0)
            for key, b in end.names.items():
                k0 = ("name", key, key not in start.names)
                if k0 in carried:
                    continue
                if key in start.names:
                    if not joins.same_bound(lw, b, before.names.get(key)):
                        if not carriable(lw, b) or not carriable(lw, start.names[key]):
                            told(lw, b, start.names[key])
                            choice = choices.common_choice(lw, start, start.names[key], b)
                            if choice is not None:
                                wanted[k0] = choice
                                continue
                            own = b if isinstance(b, Poison) else other_each_trip(key[1])
                            changing.setdefault(key, own)
                            continue
                        place = places.common_place(lw, start, start.names[key], b)
                        if place is not None:
                            wanted[k0] = place
                            continue
                        a0, a1 = in_state(lw, start, start.names[key]), lw.read(b)
                        wanted[k0] = joins.joined(kind(a0), kind(a1), a0)
                elif carriable(lw, b) and lw.outlives(node, key):
                    wanted[k0] = places.common_place(lw, start, None, b) or kind(lw.read(b))
            for key in [k for k in carried if k in wanted]:
                b1 = end.cells[key[1]] if key[0] == "cell" else end.names.get(key[1])
                if key[0] == "item":
                    b1 = joins.part_of(end.cells[key[1][0]], key[1][1])
                if is_choice(carried[key]):
                    assert b1 is not None
                    told(lw, b1)
                    now = choices.common_choice(lw, start, None, b1, carried[key])
                    if now is not carried[key]:  # it is one more function, or something else
                        if now is None:
                            changes_each_trip(lw, node, name_of_key(key))
                        wanted[key] = now
                        continue
                    ends[key] = choices.which(lw, now, b1, node)
                    continue
                last: Atom = UNDEF if b1 is None else lw.read(b1) if not isinstance(b1, Val) else b1
                if is_place(carried[key]):
                    indices = places.at_place(lw, carried[key], b1)
                    if indices is None:  # it is something else on some path
                        b0 = start.names.get(key[1])
                        first = UNDEF if b0 is None else in_state(lw, start, b0)
                        wanted[key] = joins.joined(kind(first), kind(last), first)
                        continue
                    last = indices
                ends[key] = lw.conform(spread(lw, last, carried[key]), carried[key])
                init = begun[key] = start_atom(lw, start, key, carried[key])
                if last is UNDEF:
                    wanted[key] = carried[key]
                elif init is UNDEF and attempt > WIDENED:  # of a size that has been given up
                    wanted[key] = join(carried[key], kind(last))
                else:
                    begins = (memo_key, key) in lw.begun
                    wanted[key] = joins.joined(carried[key], kind(last), init, begins)
            lw.state = reads
        if guess and attempt == 0:
            guesses.check(lw, carried, wanted, (start, before), end)
            wanted = guesses.in_order(wanted, start, end)
            for made in walk(Region(ops=[*cond_region.ops, *body_region.ops])):
                if made.origin is origin:  # what a trip begins with is told with what ended the last one
                    made.origin = lw.origin
        new_world = [k for k in end.names if k[0] < 0 and k not in start.names and k not in seeded]
        for key in new_world:
            control.seed_world(lw, (start,), key)
            seeded.add(key)
        if changing.keys() != known_changing or new_world:
            known_changing = set(changing)
            continue
        settled = wanted.keys() == carried.keys() and all(
            joins.similar(wanted[k], carried[k]) for k in carried
        )
        done = not left_out and one.size() == size
        if done and not settled and begun.keys() == wanted.keys() == carried.keys() and not lw.attempts:
            held = {k: before.cells[k[1]] if k[0] == "cell" else b for k, b in opened.items()}
            variables = {k: b.atom if isinstance(b, Plain) else b for k, b in held.items()}
            found = refitted([cond_region, body_region], variables, begun, ends, carried, wanted, lw.shown)
            carried, settled = (found, True) if found is not None else (carried, False)
        if settled and done:
            numbers = asked_as_numbers(lw, [cond_region, body_region], opened, begun, ends)
            if not numbers:
                break
            lw.begun |= {(memo_key, key) for key in numbers}
            wanted |= dict.fromkeys(numbers, UNKNOWN)
        before_kinds = carried
        carried = {
            k: widened(v, before_kinds[k], id(node), k) if attempt > WIDENED and k in before_kinds else v
            for k, v in wanted.items()
        }
    else:
        lw.stop("loop", "the kinds of the variables of this loop do not settle", node,
                help="start the variables from values of the kind that they have later")  # fmt: skip
    for key, k in carried.items():
        if k == UNKNOWN and key in ends and key in opened:
            check_nesting(lw, node, ends[key], lw.read(opened[key]))
    op.attrs["changes"] = tuple(key[1] for key in carried if key[0] == "cell")
    lw.loop_memo[memo_key] = {k: v for k, v in carried.items() if k[0] != "item"}
    jumps = sorted(exits.codes(exit) - {exits.FALL, exits.CONTINUE, exits.RAISE})
    op.attrs.update(carried=len(params), exits=tuple(jumps), dirs=tuple(op.attrs.get("dirs", ())))
    if op.code == "while":
        mapping = {}
        for p in params:
            q = Val(p.name, p.kind, user=p.user)
            mapping[p] = q
            cond_region.params.append(q)
        replace_values(cond_region, mapping)
        cond_region.results = [mapping.get(cond, cond) if isinstance(cond, Val) else cond]
        op.regions = [cond_region, body_region]
    else:
        op.regions = [body_region]
    lead = 1 if op.code == "for" else 0
    body_region.params[lead:lead] = params
    results: list[Atom] = []
    for key, k in carried.items():
        results += leaves(ends[key], k)
    if jumps:
        results.append(exit if isinstance(exit, Val) else Const(exit))
    body_region.results = results
    head = op.attrs["head"]
    op.ins[head:head] = slots.inits
    outs = [Val(p.name, p.kind, op, user=p.user) for p in params]
    op.outs = list(outs)
    if jumps:
        op.outs.append(Val("left", INT, op))
    op.outs.append(Val("trips", Scalar("i8", True, fresh_sym()), op))
    op.origin = origin
    lw.region.ops.append(op)
    for p in [*params, *body_region.params]:
        p.op = op
    lw.point(op)
    lw.state = start.copy()
    lw.state.shares |= end.shares
    finals: dict[Any, Bound] = {}
    for key, k in carried.items():
        values = [outs.pop(0) for _ in leaves_of(k)]
        if key[0] == "cell":
            b = rebuild(k, list(values), lw)
            lw.state.cells[key[1]] = content_of(lw, b)
            finals[key] = Loc(key[1])
        else:
            b = rebuild(k, list(values), lw)
            if key[0] == "item":
                joins.set_part(lw.state, key[1][0], key[1][1], b)
            else:
                lw.state.names[key[1]] = b
            finals[key] = b
    for key in carried:
        if key[0] == "name" and is_flag(key[1][1]) and (begun[key], ends[key]) == (Const(False), Const(True)):
            runs = unsure.runs(lw, op)
            if runs is not None:
                lw.state.names[key[1]] = finals[key] = Plain(runs)
    one.put(lw.state, aliases.parts_of(lw, lw.state, finals.items(), ways))
    for key, b in end.names.items():
        if key in changing or (key not in lw.state.names and not carriable(lw, b)):
            poison = changing.get(key, other_each_trip(key[1]))
            lw.state.names[key] = poison if key in changing or holds_values(b) else b
    return after_loop(lw, op, jumps, orelse, cond)


def asked_as_numbers(
    lw: Lowerer,
    regions: list[Region],
    opened: dict[Any, Bound],
    begun: dict[Any, Atom],
    ends: dict[Any, Atom],
) -> list[Any]:
    """The variables that are arrays, begin as numbers, and are first asked for what numbers have not."""
    held = {key: b.val for key, b in opened.items() if key in ends and isinstance(b, Loc)}
    params = {key: p for key, p in held.items() if p is not None}
    starts = [key for key, p in params.items() if is_begun(p, begun[key])]
    slots = [(params[key], end) for key, end in ends.items() if key in params]

    def reach(keys: list[Any]) -> Begun:
        found = Begun(lw.ctx.is_elementwise, [params[key] for key in keys])
        found.settle(regions, slots)
        return found

    return [key for key in starts if reach([key]).asked] if starts and reach(starts).asked else []


def check_nesting(lw: Lowerer, node: Any, last: Atom, first: Atom) -> None:
    """Refuse a variable that holds, after each trip, what it held before and a list or the like around it.

    (Dicts of unknown depth are what they are when the program runs.)
    """
    parts = [last] if isinstance(last, Struct) else []
    for part in parts:
        if part.type is not dict and any(x is first for x in part.items):
            what = f"each trip of this loop puts a {part.type.__name__} around what the trip before made"
            lw.stop(
                "loop", what, node,
                note="how deep they lie in one another is known only at run time",
                help="keep the elements in a list: append() and pop(), and a number for which one comes next",
            )  # fmt: skip
        parts += [x for x in part.items if isinstance(x, Struct)]


def content_of(lw: Lowerer, b: Bound) -> Any:
    """What the cell of a carried thing holds."""
    return lw.state.cells[b.cell] if isinstance(b, Loc) else b.atom if isinstance(b, Plain) else b


def other_each_trip(name: str) -> Poison:
    return Poison(f"what {name_of_flag(name)!r} is differs from trip to trip of a loop")


def holds_values(b: Bound) -> bool:
    """Whether a function goes with values that may be of one trip of a loop only."""
    if isinstance(b, (Plain, Loc, Agg)):
        return not (isinstance(b, Plain) and isinstance(b.atom, Const))
    if isinstance(b, Partial):
        return any(map(holds_values, (b.fn, *b.args, *b.kwargs.values())))
    if isinstance(b, Closure):
        return any(map(holds_values, b.defaults.values()))
    if isinstance(b, Method):
        return holds_values(b.owner)
    return isinstance(b, Either)


def changed_parts(
    lw: Lowerer, node: Any, start: State, cell: int, base: Any, now: Agg, carried: Any, wanted: Any
) -> None:
    """The parts of a container that a trip of the loop changes are carried, one by one."""
    for key, b in zip(now.keys, now.items, strict=True):
        if ("item", (cell, key)) in carried:
            continue
        old = joins.part_of(base, key)
        if old is not None and joins.same_bound(lw, b, old):
            continue
        first = joins.part_of(start.cells[cell], key)
        if first is None and joins.is_thing(now):
            first = set_before(lw, start, cell, key)
        if not carriable(lw, b) or (first is not None and not carriable(lw, first)):
            told(lw, b)
            choice = choices.common_choice(lw, start, first, b) if first is not None else None
            if choice is not None:
                wanted["item", (cell, key)] = choice
                continue
            if b is not first:
                changes_each_trip(lw, node, str(key))
            continue
        a0 = UNDEF if first is None else in_state(lw, start, first)
        a1 = lw.read(b)
        wanted["item", (cell, key)] = kind(a1) if first is None else joins.joined(kind(a0), kind(a1), a0)


def set_before(lw: Lowerer, start: State, cell: int, key: str) -> Bound | None:
    """What a field is before a loop that is the first to set it; the next reading knows whether it is set."""
    box = start.cells[cell]
    flag = key if is_flag(key) else flag_of(key)
    found = None if is_flag(key) else lw.of_class(box.type, key)
    if found is not None:
        joins.set_part(start, cell, key, found)
    elif joins.part_of(box, flag) is None:
        joins.set_part(start, cell, flag, Plain(Const(name_of_flag(flag) in box.keys)))
    return joins.part_of(start.cells[cell], key)


def told(lw: Lowerer, *bounds: Bound) -> None:
    """Refuse what is not known, or read again so that it is."""
    for b in bounds:
        if isinstance(b, Poison):
            lw.read(b)


def changes_each_trip(lw: Lowerer, node: Any, name: str) -> None:
    lw.stop("loop", f"{name!r} holds a function or the like, and is another one after each trip of this loop",
            node, help="choose by an if on a flag, or loop over a tuple of functions")  # fmt: skip


def put_away(lw: Lowerer, node: Any, before: State, end: State, writes: list[int]) -> None:
    """Arrays from before a trip that it puts into a list: the next trip puts the same one there again."""
    for cell, now in end.cells.items():
        old = before.cells.get(cell)
        if isinstance(now, Forward) and old is not None and not isinstance(old, Forward):
            if isinstance(before.cells.get(now.cell), Agg):
                end.cells[cell] = old  # (its list is read as a sequence now: next time before the loop)
                continue
            if now.last is not old or now.cell in writes:
                lw.stop("aliasing", "an array is put into a list and changed in the next trip of this loop",
                        node, note="all the elements that it has become would change with it",
                        help="append a copy (x.copy()) to the list")  # fmt: skip
            end.cells[cell] = old
            lw.frozen.add(cell)
            lw.mixed.add(now.cell)


def held_by(lw: Lowerer, state: State, keys: Iterable[Any]) -> list[tuple[Any, Bound | None]]:
    """The variables of a loop, as a state holds them."""
    out: list[tuple[Any, Bound | None]] = []
    for key in keys:
        if key[0] == "cell":
            out.append((key, Loc(key[1])))
        elif key[0] == "item":
            out.append((key, joins.part_of(state.cells[key[1][0]], key[1][1])))
        else:
            out.append((key, state.names.get(key[1])))
    return out


def is_choice(k: Kind) -> bool:
    return isinstance(k, Tree) and isinstance(k.type, choices.ChoiceType)


def name_of_key(key: Any) -> str:
    return str(key[1][1])


def is_gone(start: State, k: Kind) -> bool:
    """Whether a variable was a place in what another reading of the statements before had made."""
    return isinstance(k, Tree) and isinstance(k.type, places.PlaceType) and k.type.cell not in start.cells


def is_place(k: Kind) -> bool:
    return isinstance(k, Tree) and isinstance(k.type, places.PlaceType)


def read_at(lw: Lowerer, state: State, b: Bound, k: Kind = UNKNOWN) -> Atom:
    """The value of a bound before the loop; for a place in an array or list, its indices."""
    old, lw.state = lw.state, state
    try:
        if is_choice(k):
            return choices.which(lw, k, b, lw.node)
        at = places.at_place(lw, k, b) if is_place(k) else None
        return at if at is not None else lw.read(b)
    finally:
        lw.state = old


def in_state(lw: Lowerer, state: State, b: Bound) -> Atom:
    old, lw.state = lw.state, state
    try:
        with lw.inside(Region()):
            return lw.read(b)
    finally:
        lw.state = old


def lies_in_a_list(start: State, key: Any) -> bool:
    """Whether what a loop would carry on its own is an element of a list, or in one, before the loop."""
    if key[0] == "item":
        return not isinstance(start.cells[key[1][0]], Agg)
    return key[0] == "cell" and isinstance(start.cells[key[1]], Forward)


def begun_as(lw: Lowerer, start: State, key: Any, k: Kind) -> Kind:
    """The kind of what a loop carried when it was read last; what it begins with may be of another now."""
    if is_place(k) or is_choice(k):
        return k
    init = start_atom(lw, start, key, k)
    if init is UNDEF or not isinstance(init, (Val, Const, Struct)):
        return k
    return joins.joined(kind(init), k, init)


def start_atom(lw: Lowerer, start: State, key: Any, k: Kind) -> Atom:
    if key[0] == "cell":
        c = start.cells[key[1]]
        return in_state(lw, start, c) if isinstance(c, Agg) else c
    if key[0] == "item":
        part = joins.part_of(start.cells[key[1][0]], key[1][1])
        return UNDEF if part is None else in_state(lw, start, part)
    b = start.names.get(key[1])
    if b is not None and is_place(k):
        return read_at(lw, start, b, k)
    return UNDEF if b is None else in_state(lw, start, b)


def leaves_of(k: Kind) -> list[Kind]:
    return [x for item in k.items for x in leaves_of(item)] if isinstance(k, Tree) else [k]


def carriable(lw: Lowerer, b: Bound, above: frozenset[int] = frozenset()) -> bool:
    b = lw.settled(b)
    if isinstance(b, Agg):
        return all(carriable(lw, x, above) for x in b.items)
    if isinstance(b, Loc) and isinstance(lw.state.cells.get(b.cell), Agg):
        if b.cell in above:
            cyclic(lw, None)
        return carriable(lw, lw.state.cells[b.cell], above | {b.cell})
    return isinstance(b, Plain) or is_member(b) or (isinstance(b, Loc) and not joins.is_lazy(lw.state, b))


class Unpeelable(Exception):
    """The trips of a loop are not known when the derivative is made."""


def in_box(lw: Lowerer, name: str) -> bool:
    b = lw.state.names.get((lw.frame.id, name))
    return b is not None and isinstance(content(lw, b), Agg)


def structure(lw: Lowerer, name: str) -> Any:
    b = lw.state.names.get((lw.frame.id, name))
    with lw.inside(Region()):
        return None if b is None else dissect(lw, b, name, [], [])


def peeled(lw: Lowerer, node: Any, boxes: list[str], trip: int) -> Any:
    """A loop that takes a container of known structure apart: ``while t is not None: a, t = t``."""
    known = truth(lw, lw.expr(node.test))
    if known is None or trip > MOST_PEELED:
        raise Unpeelable
    if not known:
        return lw.block(node.orelse)
    before = [structure(lw, n) for n in boxes]
    code = in_loop(lw, lambda region: lw.block(node.body), lw.region)
    if [structure(lw, n) for n in boxes] == before and not (isinstance(code, int) and code == exits.BREAK):
        raise Unpeelable
    if isinstance(code, int):
        if code in (exits.FALL, exits.CONTINUE):
            return peeled(lw, node, boxes, trip + 1)
        return exits.FALL if code == exits.BREAK else code
    ways = sorted(exits.codes(code) - {exits.FALL, exits.CONTINUE, exits.RAISE})
    leave = [(c, exits.FALL if c == exits.BREAK else c) for c in ways]
    return exits.leave_by(lw, code, leave, lambda: peeled(lw, node, boxes, trip + 1))


def in_loop(lw: Lowerer, body: Callable[[Region], Any], region: Region) -> Any:
    """Read a loop's body: ``break`` is its own there."""
    old, lw.jumps = lw.jumps, exits.Jumps(exits.BREAK, lw.jumps.ret)
    try:
        return body(region)
    finally:
        lw.jumps = old


def after_loop(lw: Lowerer, op: Op, jumps: list[int], orelse: list[Any], cond: Atom) -> Any:
    """The ``else`` of a loop and the ways out of it that do not end with it."""
    forever = op.code == "while" and isinstance(cond, Const) and cond.value is True
    if forever:
        orelse = []
        if len(jumps) == 1 and jumps[0] != exits.BREAK:
            return jumps[0]
    out = LoopView(op).exit_out
    if not jumps:
        return lw.block(orelse) if orelse else exits.FALL
    assert out is not None
    leave = tuple((c, c) for c in jumps if c != exits.BREAK)
    broke = (exits.BREAK,) if exits.BREAK in jumps else ()
    if not leave and not orelse:
        return exits.FALL
    return exits.Pending(out, leave, broke, orelse)


MOST_PEELED = 64  # trips of a while that takes a container of known structure apart


class TestChanges(Exception):
    """The test of a loop changes what the program knows of."""


def changes(now: Any, before: Any) -> bool:
    """Whether something that was there is another thing now."""
    return now != before and any(now.get(key) != v for key, v in before.items())


def while_loop(lw: Lowerer, node: Any) -> Any:
    if not any(isinstance(n, gast.NamedExpr) for n in gast.walk(node.test)):
        mark = snapshot(lw)
        try:
            return tested_loop(lw, node)
        except TestChanges:
            recover(lw, mark)
    loop, *after = test_inside(lw, node)
    return lw.block([loop, *after]) if after else while_loop(lw, loop)


def tested_loop(lw: Lowerer, node: Any) -> Any:
    boxes = [n.id for n in nodes_in(node.test) if isinstance(n, gast.Name) and in_box(lw, n.id)]
    if boxes:
        mark = snapshot(lw)
        try:
            return peeled(lw, node, boxes, 0)
        except Unpeelable:
            recover(lw, mark)
    op = Op("while", [], attrs={"head": 0, "dirs": ()})
    return loop(lw, node, op, lambda region: lw.block(node.body), node.test, node.orelse)


def test_inside(lw: Lowerer, node: Any) -> list[Any]:
    """A ``while`` whose test changes something, as an endless loop that tests at the start of each trip.

    An ``else`` that leaves a loop around it comes behind the loop.
    """
    ended, leaves_too = f"ended_{node.lineno}_{node.col_offset}", exits.jumps(node.orelse)

    def flag(value: bool) -> Any:
        target = gast.Name(ended, gast.Store(), None, None)
        return gast.Assign([target], gast.Constant(value, None), None)

    last = [flag(True)] if leaves_too else node.orelse
    test = gast.If(gast.UnaryOp(gast.Not(), node.test), [*last, gast.Break()], [])
    made: list[Any] = [gast.While(gast.Constant(True, None), [test, *node.body], [])]
    if leaves_too:
        asked = gast.Name(ended, gast.Load(), None, None)
        made = [flag(False), *made, gast.If(asked, node.orelse, [])]
    theirs = {id(n) for part in (node.test, *node.body, *node.orelse) for n in gast.walk(part)}
    for n in (n for s in made for n in gast.walk(s)):
        if id(n) not in theirs:
            gast.copy_location(n, node)
    return lw.cached_tree((node, "while"), made)  # type: ignore[no-any-return]
