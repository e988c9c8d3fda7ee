"""Functions that call themselves: read as graphs of their own, and called.

A function is read in place until it is met again, with arguments of the same structure, under a condition
known only at run time.  Then it is read once more as a graph of its own.  What it takes from outside becomes
further arguments (closure conversion); the kinds of its arguments and of its result are found by reading it
until they settle, from those paths that return without calling themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.frontend import exits, joins, loops, sharing, threads
from srcdiff.frontend.captures import cyclic
from srcdiff.frontend.core import Bottom, Stop
from srcdiff.frontend.expressions import stored
from srcdiff.frontend.objects import content
from srcdiff.frontend.raising import Reread
from srcdiff.frontend.scope import (
    Agg,
    Bound,
    Closure,
    Frame,
    Loc,
    Partial,
    Plain,
    Poison,
    State,
)
from srcdiff.frontend.structure import Leaf, dissect
from srcdiff.frontend.threads import Key, Threads
from srcdiff.frontend.widening import cut, instance, own_symbols, renamed, settled, widen
from srcdiff.ir.graph import UNDEF, Atom, Const, Graph, Op, Region, Struct, Val, kind, vals, walk
from srcdiff.ir.kinds import Kind, Sym, Tree
from srcdiff.ir.records import dataclass
from srcdiff.ir.regions import replace_values

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["Again", "Entry", "Recursions", "Site", "enter", "repeats", "site_of"]

DEEPEST = 40  # functions read in place inside one another
PASSES = 16
CAUGHT = ("caught",)  # the reading is one that knows of calls inside a try


class Again(Exception):
    """A function being read in place was met again: it has to be called instead."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        super().__init__()


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A call of one of the user's functions, its arguments bound."""

    frame: Frame
    fnode: Any
    name: str
    bound: dict[str, Bound]
    node: Any
    ident: Any
    shape: Any  # structure and coarse kinds of the arguments
    exact: Any  # and the constants among them


@dataclass(slots=True, eq=False)
class Entry:
    """A function that is being read."""

    site: Site
    region: Region
    statement: Any = None  # of the caller


@dataclass(slots=True, eq=False)
class Slot:
    """One number or array among the arguments: a parameter, or a constant while all calls agree on it."""

    name: str
    kind: Kind
    const: Const | None
    way: tuple[Any, ...] = ()
    whole: bool = False  # a list or dict that gets longer

    def fits(self, a: Atom, sizes: dict[int, Any]) -> Kind | None:
        """The kind wide enough for ``a`` too; None if nothing has to change."""
        if self.const is not None:
            return None if isinstance(a, Const) and a == self.const else self.kind
        if self.whole:
            both = joins.joined(self.kind, kind(a), Const(None))
            return None if joins.similar(both, self.kind) else both
        wide = widen(self.kind, kind(a), sizes)
        return None if wide == self.kind else wide


@dataclass(slots=True, eq=False)
class Record:
    """A function that calls itself, for arguments of one structure."""

    graph: Graph
    site: Site
    slots: list[Slot]
    environment: dict[Any, Any]
    extras: list[Val] = field(default_factory=list)  # what it takes from outside
    result: Kind | None = None
    threads: Threads = field(default_factory=Threads)  # what it changes of its caller's
    same: Any = None  # what it always returns: an argument, by the way to it, or a cell
    reading: bool = False
    done: bool = False
    seen: int = -1  # the pass that read it last
    tops: dict[Any, Sym] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Recursions:
    """All functions that call themselves, as far as one reading has met them."""

    known: set[Any] = field(default_factory=set)
    records: dict[Any, list[Record]] = field(default_factory=dict)
    depth: int = 0
    passes: int = 0
    version: int = 0
    waited: bool = False  # a path was left out in this pass, as it reads a dict that has no entries so far
    final: bool = False  # no path is left out for that
    caught: bool = False  # one of the functions is called inside a try
    careless: bool = False  # in one, what a finally does is left out where an exception goes on


# ---- meeting a function again --------------------------------------------------------------------------


def site_of(
    lw: Lowerer, frame: Frame, fnode: Any, name: str, bound: dict[str, Bound], node: Any, ident: Any
) -> Site:
    a = fnode.args
    order = [
        p.id
        for p in (
            *a.posonlyargs,
            *a.args,
            *([a.vararg] if a.vararg else []),
            *a.kwonlyargs,
            *([a.kwarg] if a.kwarg else []),
        )
    ]
    bound = {k: bound[k] for k in order if k in bound}
    leaves: list[Leaf] = []
    whole = threads.wholes(lw, frame, fnode)
    threads.widen_arguments(lw, whole, bound, node)
    with lw.inside(Region()):
        shape = tuple((k, dissect(lw, b, k, leaves, [], (k,), whole)) for k, b in bound.items())
    exact = tuple(a if isinstance(a, Const) else None for _, a, _ in leaves)
    return Site(frame, fnode, name, bound, node, (ident, id(frame.fobj)), shape, exact)


def repeats(lw: Lowerer, site: Site) -> bool:
    """Whether a function has to be called, not read in place."""
    table = lw.recursions
    if (site.ident, site.shape) in table.known:
        return True
    for e in reversed(lw.stack):
        if e.site.ident == site.ident and e.site.shape == site.shape:
            if e.site.exact == site.exact or e.region is not lw.region or len(lw.stack) > DEEPEST:
                table.known.add((site.ident, site.shape))
                raise Again(e)
    again = sum(e.site.ident == site.ident and e.region is not lw.region for e in lw.stack)
    own = sum(e.site.ident == site.ident for e in lw.stack)
    if (own and len(lw.stack) > DEEPEST) or (again > 3 and "closure" in str(site.shape)):
        lw.stop("recursion", f"{site.name} calls itself with arguments of ever new structure", site.node,
                help="write it as a loop")  # fmt: skip
    return False


def unprotected(lw: Lowerer) -> bool:
    """Whether an exception raised here ends the program: no ``try`` is around a call of the function read."""
    table = lw.recursions
    if not table.depth:
        return True
    if table.caught or CAUGHT in lw.split:
        return False
    table.careless = True
    return True


def wait_for_entries(lw: Lowerer) -> None:
    """A dict without entries is read: another path, in another call of the function, may fill it."""
    table = lw.recursions
    if table.depth and not table.final:
        table.waited = True
        raise Bottom


def reopen(
    lw: Lowerer, shape: Any, slots: Iterator[Slot], fixed: Iterator[Bound], params: list[Val]
) -> Bound:
    """A bound of the structure ``shape`` over new parameters."""
    match shape:
        case ("above", _):
            cyclic(lw, None)
        case ("tree", type_, keys, items, is_loc):
            agg = Agg(type_, keys, tuple(reopen(lw, x, slots, fixed, params) for x in items))
            return Loc(lw.state.new_cell(agg)) if is_loc else agg
        case ("partial", keys, parts):
            old = next(fixed)
            assert isinstance(old, Partial)
            fn, *rest = [reopen(lw, x, slots, fixed, params) for x in parts]
            n = len(old.args)
            return Partial(fn, tuple(rest[:n]), dict(zip(keys, rest[n:], strict=True)))
        case ("closure", _, _, keys, items):
            old = next(fixed)
            assert isinstance(old, Closure)
            return Closure(
                old.node,
                old.frame,
                old.name,
                dict(zip(keys, (reopen(lw, x, slots, fixed, params) for x in items), strict=True)),
            )
        case ("known", _) | ("other", _) | ("fixed", _):
            return next(fixed)
    slot = next(slots)
    if slot.const is not None:
        return Plain(slot.const)
    if slot.whole:
        return loops.Slots(lw).open(UNDEF, slot.kind, slot.name, params)
    v = Val(slot.name, joins.with_fresh(slot.kind), user=True)
    params.append(v)
    return lw.bind(v)


# ---- reading and calling -------------------------------------------------------------------------------


def environment(lw: Lowerer, frame: Frame, fixed: list[Bound]) -> dict[Key, Any]:
    """What a function sees around it: a function read where these are so serves no other place.

    The variables of the functions around it, what lives in them, and what comes from outside.
    """
    frames: set[int] = set()
    todo = [frame.parent, *(c.frame for c in fixed if isinstance(c, Closure))]
    while todo:
        f = todo.pop()
        while f is not None and f.id not in frames:
            frames.add(f.id)
            f = f.parent
    out: dict[Key, Any] = {}
    lw.complete(lw.state)
    cells = set(lw.graph.info.get("cells", ()))
    for key, b in lw.state.names.items():
        if (key[0] in frames and key[1] != exits.RETURNED) or key[0] < 0:
            out["name", key] = b
            cells |= {c for _, c in sharing.holds(lw, "", b, set())}
    for c in sorted(cells):
        out["cell", c] = lw.state.cells.get(c)
    return out


def differing(lw: Lowerer, rec: Record, around: dict[Key, Any]) -> list[Key] | None:
    """What is not as it was where a function was read, and is not passed to it; None if it cannot be."""
    out: list[Key] = []
    passed = rec.threads.kinds
    for key in dict.fromkeys([*rec.environment, *around]):
        old, now = rec.environment.get(key), around.get(key)
        if old is now or key in passed:
            continue
        if key[0] == "cell":
            if old is None or now is None:  # reached from there only
                continue
            if threads.is_moved({c: x for (s, c), x in rec.environment.items() if s == "cell"}, key[1], now):
                continue
            if isinstance(old, Agg) and joins.fixed_shape(old, now):
                for k, x in zip(now.keys, now.items, strict=True):
                    first = joins.part_of(old, k)
                    if ("item", key[1], k) not in passed and not (
                        first is not None and joins.same_bound(lw, x, first)
                    ):
                        out.append(("item", key[1], k))
            else:
                out.append(key)
        elif old is None or now is None or not joins.same_bound(lw, now, old):
            if key[1][0] < 0 and old is None:  # a variable of the world, looked at since
                continue
            out.append(key)
    for key in out:
        b = threads.here(lw, key)
        if isinstance(lw.settled(b), Poison) or not loops.carriable(lw, b):
            return None
    return out


def enter(lw: Lowerer, site: Site) -> Bound:
    """Call a function that calls itself."""
    table = lw.recursions
    leaves: list[Leaf] = []
    fixed: list[Bound] = []
    for k, b in site.bound.items():
        if isinstance(b, Poison):
            lw.read(b, site.node)
        dissect(lw, b, k, leaves, fixed, (k,), threads.wholes(lw, site.frame, site.fnode))
    if lw.attempts and CAUGHT not in lw.split:
        if table.careless:
            raise Reread(CAUGHT)
        table.caught = True
    rec = find(lw, site, leaves, fixed)
    sizes: dict[int, Any] = {}
    for slot, (_, a, _) in zip(rec.slots, leaves, strict=True):
        wide = slot.fits(a, sizes)
        if wide is not None:
            slot.const, slot.kind = None, wide
            table.version += 1
    if not rec.reading and not rec.done and rec.seen != table.passes:
        if table.depth:
            read(lw, rec, fixed)
        else:
            settle(lw, rec, fixed)
    if rec.result is None:
        raise Bottom
    threads.check_apart(lw, site, rec.threads, rec.extras, site.node)
    sizes = {}
    for slot, (_, a, _) in zip(rec.slots, leaves, strict=True):
        if slot.const is None and not slot.whole:
            widen(slot.kind, kind(a), sizes)
    ins: list[Atom] = []
    for slot, (_, a, _) in zip(rec.slots, leaves, strict=True):
        if slot.whole:
            ins += loops.leaves(lw.conform(loops.spread(lw, a, slot.kind), slot.kind), slot.kind)
        elif slot.const is None:
            ins.append(a)
    passed, wider = threads.given(lw, rec.threads, site.node, settler(rec))
    table.version += wider
    op = Op("call", [*ins, *passed, *rec.extras], attrs={"graph": rec.graph})
    kinds = [instance(k, rec, sizes) for k in (rec.result, *rec.threads.kinds.values())]
    op.outs = [Val("", joins.with_fresh(x), op) for k in kinds for x in loops.leaves_of(k)]
    lw.add(op)
    before = set(lw.state.cells)
    outs = list(op.outs)
    got, *changed = [loops.rebuild(k, outs, lw) for k in kinds]
    made = set(lw.state.cells) - before
    outer = dict(threads.ways(lw, site.bound))
    written = threads.take_back(lw, site, rec.threads, changed, site.node)
    for attempt in lw.attempts if op.attrs.get("guarded") else ():  # it may raise halfway
        attempt.cells |= written & attempt.start.cells.keys()
        attempt.names |= {key[1] for key in rec.threads.kinds if key[0] == "name"}
    threads.share(lw, outer, rec.threads, made)
    if rec.same is not None:
        return outer.get(rec.same, got) if isinstance(rec.same, tuple) else Loc(rec.same)
    return got


def settler(rec: Record) -> Callable[[Kind, Any], Kind]:
    def settle(k: Kind, key: Any) -> Kind:
        return settled(rec, None, k, own_symbols(rec), ("thread", key))

    return settle


def find(lw: Lowerer, site: Site, leaves: list[Leaf], fixed: list[Bound]) -> Record:
    """The record of a function for arguments like these: one at hand, or a new one."""
    table = lw.recursions
    around = environment(lw, site.frame, fixed)
    key = (site.ident, site.shape)
    for rec in table.records.setdefault(key, []):
        other = differing(lw, rec, around)
        if not rec.done and other is not None:
            table.version += threads.add(lw, rec.threads, other, rec.environment, settler(rec))
            return rec
        if other is None or other:
            continue
        sizes: dict[int, Any] = {}
        fit = all(s.fits(a, sizes) is None for s, (_, a, _) in zip(rec.slots, leaves, strict=True))
        if fit and threads.fits(lw, rec.threads, settler(rec)):
            return rec
    names: dict[int, Sym] = {}
    slots = [Slot(n, renamed(kind(a), names), a if isinstance(a, Const) else None, w) for n, a, w in leaves]
    whole = threads.wholes(lw, site.frame, site.fnode)
    for s in slots:
        s.whole = s.way in whole
    name = site.name if site.name.isidentifier() else "f"
    graph = Graph(
        name, Region(), info={k: v for k, v in lw.graph.info.items() if k in ("aliases", "kind_of", "lines")}
    )
    graph.info.update(results=(), effect=False, docstring=f"Value of {name}.")
    rec = Record(graph, site, slots, around)
    table.records[key].append(rec)
    return rec


def settle(lw: Lowerer, rec: Record, fixed: list[Bound]) -> None:
    """Read a function, and those that call themselves through it, until all kinds agree."""
    table = lw.recursions
    problems, table.final = len(lw.problems), False
    for _ in range(PASSES):
        del lw.problems[problems:]
        table.passes += 1
        version, table.waited = table.version, False
        read(lw, rec, fixed)
        if table.version != version:
            continue
        if not table.waited:
            break
        table.final = True
    else:
        lw.stop(
            "recursion",
            f"the kinds of what {rec.site.name} takes and returns do not settle",
            rec.site.node,
            help="return values of one kind on all paths",
        )
    if rec.result is None:
        if len(lw.problems) > problems:
            raise Stop(lw.problems.pop())
        lw.stop("recursion", f"{rec.site.name} calls itself on every path", rec.site.node)
    for records in table.records.values():
        for r in records:
            r.done = r.done or r.seen == table.passes


def read(lw: Lowerer, rec: Record, fixed: list[Bound]) -> None:
    """Read a function's body as a graph of its own."""
    table, site = lw.recursions, rec.site
    rec.seen, rec.reading = table.passes, True
    table.depth += 1
    kept = (lw.state, lw.stack, lw.frame, lw.origin, lw.node, lw.region, lw.attempts, lw.handling)
    problems, guess = len(lw.problems), rec.result is None
    region = Region()
    lw.state = lw.state.copy()
    lw.region = region
    lw.attempts, lw.handling = [], []
    lw.stack = [Entry(site, region)]
    f = site.frame
    lw.frame = frame = Frame(f.source, f.fobj, f.path, f.parent, f.static)
    lw.origin = None
    try:
        slots, rest = iter(rec.slots), iter(fixed)
        bound = {k: reopen(lw, s, slots, rest, region.params) for k, s in site.shape}
        inner = {way: b.cell for way, b in threads.ways(lw, bound)}
        table.version += threads.open_all(lw, rec.threads, region.params)
        before = lw.state.copy()
        try:
            result = body(lw, frame, site, bound)
        except Bottom:
            return
        lw.complete(before)
        found = threads.changes(lw, site, before, inner, rec.threads)
        for slot in rec.slots:
            if slot.whole and ("arg", slot.way) in found:
                wide = slot.fits(lw.read(found["arg", slot.way][1]), {})
                slot.kind = slot.kind if wide is None else wide
                table.version += wide is not None
            if slot.const is not None and ("part", slot.way[:-1], slot.way[-1]) in found:
                slot.const = None
                table.version += 1
        table.version += threads.note(lw, rec.threads, found, before, settler(rec))
        same = same_place(lw, result, before, inner)
        if same != rec.same:
            rec.same, rec.result = same, None
            table.version += 1
        atom = lw.read(result) if same is None else Const(None)
        handed = threads.ends(lw, rec.threads, found, inner)
        finish(lw, rec, region, result, atom, handed, inner, before)
    finally:
        if guess:
            del lw.problems[problems:]
        rec.reading = False
        table.depth -= 1
        lw.state, lw.stack, lw.frame, lw.origin, lw.node, lw.region, lw.attempts, lw.handling = kept


def body(lw: Lowerer, frame: Frame, site: Site, bound: dict[str, Bound]) -> Bound:
    node = site.fnode
    if not isinstance(node, gast.FunctionDef):
        frame.locals = frozenset(bound)
        for k, b in bound.items():
            lw.state.names[frame.id, k] = stored(lw, b)
        return lw.expr(node.body)
    lw.declare(frame, node, bound)
    for k, b in bound.items():
        lw.state.names[frame.id, k] = stored(lw, b)
    old, lw.jumps = lw.jumps, exits.Jumps()
    try:
        code = lw.block(node.body)
    finally:
        lw.jumps = old
    if isinstance(code, int) and code == exits.RAISE:
        raise Bottom
    return lw.state.names.get((frame.id, exits.RETURNED), Plain(Const(None)))


def same_place(lw: Lowerer, result: Bound, before: State, inner: dict[Any, int]) -> Any:
    """The argument, or the thing outside, that a function returns as it is."""
    result = lw.settled(result)
    if not isinstance(result, Loc) or result.path:
        return None
    way = next((w for w, c in inner.items() if c == result.cell), None)
    return way if way is not None else result.cell if result.cell in before.cells else None


def finish(
    lw: Lowerer,
    rec: Record,
    region: Region,
    result: Bound,
    atom: Atom,
    handed: list[Atom],
    inner: dict[Any, int],
    before: State,
) -> None:
    """The graph of what was read; whatever it learns of the function makes for another reading."""
    table = lw.recursions
    defined = (
        set(region.params)
        | {v for op in walk(region) for v in op.outs}
        | {p for op in walk(region) for r in op.regions for p in r.params}
    )
    used = [v for op in walk(region) for v in vals([*op.ins, *(a for r in op.regions for a in r.results)])]
    for v in dict.fromkeys([*used, *vals([atom, *handed])]):
        if v not in defined and v not in rec.extras:
            rec.extras.append(v)
            table.version += 1
    k = cut(settled(rec, rec.result, kind(atom), own_symbols(rec), ()), {})
    if rec.result is None or k != rec.result:
        rec.result = k
        table.version += 1
    region.results = split(lw, atom, k)
    kinds = [k, *rec.threads.kinds.values()]
    for x, kk in zip(handed, rec.threads.kinds.values(), strict=True):
        region.results += loops.leaves(x, kk)
    if rec.same is None:
        returned = may_return(lw, result, inner, before) - rec.threads.returns
        if returned:
            rec.threads.returns |= returned
            table.version += 1
    effect = any(has_effect(op) for op in walk(region))
    if effect and not rec.graph.info["effect"]:
        rec.graph.info["effect"] = True
        table.version += 1
    params = [Val(v.name, v.kind, user=True) for v in rec.extras]
    replace_values(region, dict(zip(rec.extras, params, strict=True)))
    region.params += params
    rec.graph.region = region
    rec.graph.info["results"] = tuple(x for kk in kinds for x in loops.leaves_of(kk))


def may_return(lw: Lowerer, result: Bound, inner: dict[Any, int], before: State) -> set[Any]:
    """What a function is given, or sees outside, that its result may share memory with."""
    back = cells_of(lw, result)
    near = back.union(*(g for g in lw.state.shares if g & back))
    ways = {way for way, c in inner.items() if c in near}
    return ways | {c for c in near if c in before.cells and c not in inner.values()}


def has_effect(op: Op) -> bool:
    if op.code == "call":
        return bool(op.attrs["graph"].info.get("effect"))
    return bool(op.attrs.get("effect") or op.attrs.get("unread"))


def split(lw: Lowerer, a: Atom, k: Kind) -> list[Atom]:
    """The leaves of a value that has the structure of ``k``."""
    if not isinstance(k, Tree):
        return [a]
    items = a.items if isinstance(a, Struct) else [lw.getitem(a, Const(key)) for key in k.keys]
    return [x for item, kk in zip(items, k.items, strict=True) for x in split(lw, item, kk)]


def cells_of(lw: Lowerer, b: Bound) -> set[int]:
    """The places that a bound holds."""
    c = content(lw, b)
    out = {b.cell} if isinstance(b, Loc) else set()
    if isinstance(c, Agg):
        for x in c.items:
            out |= cells_of(lw, x)
    return out
