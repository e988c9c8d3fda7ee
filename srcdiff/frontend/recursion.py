"""Functions that call themselves: read as graphs of their own, and called.

A function is read in place until it is met again, with arguments of the same structure, under a condition
known only at run time.  Then it is read once more as a graph of its own.  What it takes from outside becomes
further arguments (closure conversion); the kinds of its arguments and of its result are found by reading it
until they settle, from those paths that return without calling themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.frontend import control
from srcdiff.frontend.blocks import substitute
from srcdiff.frontend.core import Bottom, Stop
from srcdiff.frontend.expressions import content, stored
from srcdiff.frontend.scope import (
    Agg,
    Bound,
    Closure,
    Frame,
    Known,
    Loc,
    Partial,
    Plain,
    Poison,
)
from srcdiff.ir.graph import Atom, Const, Graph, Op, Ref, Region, Struct, Val, kind, vals, walk
from srcdiff.ir.kinds import Array, Dim, Kind, Scalar, Seq, Simple, Sym, Tree, fresh_sym, join

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["Again", "Entry", "Recursions", "Site", "enter", "recover", "repeats", "site_of", "snapshot"]

DEEPEST = 40  # functions read in place inside one another
PASSES = 16


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

    def fits(self, a: Atom, sizes: dict[int, Any]) -> Kind | None:
        """The kind wide enough for ``a`` too; None if nothing has to change."""
        if self.const is not None:
            return None if isinstance(a, Const) and a == self.const else self.kind
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
    returns_arguments: bool = False
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
    leaves: list[tuple[str, Atom]] = []
    with lw.inside(Region()):
        shape = tuple((k, dissect(lw, b, k, leaves, [])) for k, b in bound.items())
    exact = tuple(a if isinstance(a, Const) else None for _, a in leaves)
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
    if len(lw.stack) > DEEPEST or (again > 3 and "closure" in str(site.shape)):
        lw.stop("recursion", f"{site.name} calls itself with arguments of ever new structure", site.node,
                help="write it as a loop")  # fmt: skip
    return False


def snapshot(lw: Lowerer) -> Any:
    return (lw.state.copy(), lw.region, len(lw.region.ops), lw.frame, lw.origin, lw.node, len(lw.problems))


def recover(lw: Lowerer, mark: Any) -> None:
    """Forget what has been read since."""
    state, lw.region, size, lw.frame, lw.origin, lw.node, problems = mark
    lw.state = state
    del lw.region.ops[size:]
    del lw.problems[problems:]


def dissect(lw: Lowerer, b: Bound, name: str, leaves: list[tuple[str, Atom]], fixed: list[Bound]) -> Any:
    """The structure of an argument; numbers and arrays go to ``leaves``, functions and such to ``fixed``."""
    c = content(lw, b)
    if isinstance(c, Agg):
        items = tuple(
            dissect(lw, x, f"{name}_{k}", leaves, fixed) for x, k in zip(c.items, c.keys, strict=True)
        )
        return ("tree", c.type, c.keys, items, isinstance(b, Loc))
    if isinstance(c, Partial):
        fixed.append(c)
        parts = [c.fn, *c.args, *c.kwargs.values()]
        return ("partial", tuple(c.kwargs), tuple(dissect(lw, x, name, leaves, fixed) for x in parts))
    if isinstance(c, Closure):
        fixed.append(c)
        items = tuple(dissect(lw, x, k, leaves, fixed) for k, x in c.defaults.items())
        return ("closure", id(c.node), c.frame.id, tuple(c.defaults), items)
    if isinstance(c, Known):
        fixed.append(c)
        return ("known", id(c.obj))
    if not isinstance(c, (Plain, Loc)) or control.is_lazy(lw.state, c):
        fixed.append(c)
        return ("other", id(c))
    atom = lw.read(c)
    if isinstance(atom, Struct):
        return dissect(lw, lw.bind(atom), name, leaves, fixed)
    if isinstance(atom, Ref) or (isinstance(atom, Const) and not is_number(atom)):
        fixed.append(c)
        return ("fixed", id(atom.obj) if isinstance(atom, Ref) else repr(atom.value))
    leaves.append((name, atom))
    return coarse(kind(atom))


def reopen(
    lw: Lowerer, shape: Any, slots: Iterator[Slot], fixed: Iterator[Bound], params: list[Val]
) -> Bound:
    """A bound of the structure ``shape`` over new parameters."""
    match shape:
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
    v = Val(slot.name, control.with_fresh(slot.kind), user=True)
    params.append(v)
    return lw.bind(v)


def is_number(a: Const) -> bool:
    return isinstance(a.value, (int, float, complex)) and not isinstance(a.value, bool)


def coarse(k: Kind) -> Any:
    """What tells two kinds apart beyond sizes: dtype, number of dimensions, structure."""
    match k:
        case Scalar(dtype):
            return ("scalar", dtype)
        case Array(dtype, dims):
            return ("array", dtype, len(dims))
        case Seq(elem):
            return ("seq", coarse(elem))
        case Tree(type_, keys, items):
            return ("kinds", type_, keys, tuple(coarse(x) for x in items))
        case Simple(name):
            return ("simple", name)


# ---- kinds of arguments and results --------------------------------------------------------------------


def widen(p: Kind, a: Kind, sizes: dict[int, Any]) -> Kind:
    """``p`` made wide enough for an argument of kind ``a``; ``sizes``: what parameters' sizes stand for."""
    match p, a:
        case Scalar(), Scalar():
            return Scalar(p.dtype, p.weak and a.weak)
        case Array(), Array():
            return Array(p.dtype, tuple(widen_dim(d, x, sizes) for d, x in zip(p.dims, a.dims, strict=True)))
        case Seq(x), Seq(y):
            return replace(p, elem=widen(x, y, sizes))
        case Tree(), Tree():
            return Tree(
                p.type, p.keys, tuple(widen(x, y, sizes) for x, y in zip(p.items, a.items, strict=True))
            )
    return p


def is_big(d: Dim) -> bool:
    return d != 1 if isinstance(d, int) else d.big


def widen_dim(p: Dim, a: Dim, sizes: dict[int, Any]) -> Dim:
    if isinstance(p, int):
        return p if a == p else fresh_sym(is_big(p) and is_big(a))
    if p.big and not is_big(a):
        return fresh_sym()
    base = (a.id, a.offset - p.offset) if isinstance(a, Sym) else (None, a - p.offset)
    if sizes.setdefault(p.id, base) != base:
        return fresh_sym(p.big)
    return p


def renamed(k: Kind, table: dict[int, Sym]) -> Kind:
    """A kind with sizes of its own."""

    def dim(d: Dim) -> Dim:
        if isinstance(d, int):
            return d
        if d.id not in table:
            table[d.id] = fresh_sym()
        return Sym(table[d.id].id, d.offset, d.big)

    return map_dims(k, dim)


def map_dims(k: Kind, f: Any) -> Kind:
    match k:
        case Array(dtype, dims):
            return Array(dtype, tuple(f(d) for d in dims))
        case Seq(elem):
            return replace(k, elem=map_dims(elem, f))
        case Tree(type_, keys, items):
            return Tree(type_, keys, tuple(map_dims(x, f) for x in items))
        case Scalar(dtype, weak, value):
            return Scalar(dtype, weak) if value is not None else k
    return k


def symbols(k: Kind, out: set[int]) -> None:
    def dim(d: Dim) -> Dim:
        if isinstance(d, Sym):
            out.add(d.id)
        return d

    map_dims(k, dim)


def own_symbols(rec: Record) -> set[int]:
    """Sizes that mean something to whoever calls."""
    out: set[int] = set()
    for s in rec.slots:
        symbols(s.kind, out)
    for v in rec.extras:
        symbols(v.kind, out)
    return out


def settled(rec: Record, old: Kind | None, new: Kind, known: set[int], path: Any) -> Kind:
    """The kind of a result that was ``old`` so far and is ``new`` in this reading."""
    if old is not None and not alike(old, new):
        new = join(old, new)
        old = None
    match new:
        case Array(dtype, dims):
            before = (
                old.dims if isinstance(old, Array) and len(old.dims) == len(dims) else (None,) * len(dims)
            )
            out: list[Dim] = []
            for n, (d, b) in enumerate(zip(dims, before, strict=True)):
                ok = (isinstance(d, int) or d.id in known) and b in (None, d)
                out.append(d if ok else rec.tops.setdefault((path, n), fresh_sym()))
            if isinstance(old, Array) and old.dtype != dtype:
                joined = join(Array(old.dtype, tuple(out)), Array(dtype, tuple(out)))
                assert isinstance(joined, Array)
                dtype = joined.dtype
            return Array(dtype, tuple(out))
        case Seq(elem):
            inner = settled(rec, old.elem if isinstance(old, Seq) else None, elem, known, (path, "elem"))
            return replace(new, elem=inner)
        case Tree(type_, keys, items):
            olds = old.items if isinstance(old, Tree) else (None,) * len(items)
            return Tree(
                type_,
                keys,
                tuple(
                    settled(rec, o, x, known, (path, k)) for o, x, k in zip(olds, items, keys, strict=True)
                ),
            )
        case Scalar():
            got = new if old is None else join(old, new)
            return Scalar(got.dtype, got.weak) if isinstance(got, Scalar) else got
    return new


def alike(a: Kind, b: Kind) -> bool:
    if isinstance(a, Array) and isinstance(b, Array):
        return len(a.dims) == len(b.dims)
    if isinstance(a, Tree) and isinstance(b, Tree):
        return a.type is b.type and a.keys == b.keys
    return type(a) is type(b) and (not isinstance(a, Simple) or a == b)


def instance(k: Kind, rec: Record, sizes: dict[int, Any]) -> Kind:
    """The kind of a result at one call."""
    outside: set[int] = set()
    for v in rec.extras:
        symbols(v.kind, outside)
    new: dict[int, Sym] = {}

    def dim(d: Dim) -> Dim:
        if isinstance(d, int) or d.id in outside:
            return d
        if d.id in sizes:
            base, offset = sizes[d.id]
            return offset + d.offset if base is None else Sym(base, offset + d.offset, d.big)
        return new.setdefault(d.id, fresh_sym(d.big))

    return map_dims(k, dim)


# ---- reading and calling -------------------------------------------------------------------------------


def environment(lw: Lowerer, frame: Frame, fixed: list[Bound]) -> dict[Any, Any]:
    """What the functions around see of their variables: a function read for one of these serves no other."""
    frames: set[int] = set()
    todo = [frame.parent, *(c.frame for c in fixed if isinstance(c, Closure))]
    while todo:
        f = todo.pop()
        while f is not None and f.id not in frames:
            frames.add(f.id)
            f = f.parent
    out: dict[Any, Any] = {}
    for key, b in lw.state.names.items():
        if key[0] in frames and key[1] != control.RETURNED:
            out[key] = (b, lw.state.cells.get(b.cell) if isinstance(b, Loc) else None)
    return out


def same_environment(lw: Lowerer, a: dict[Any, Any], b: dict[Any, Any]) -> bool:
    return a.keys() == b.keys() and all(
        x[1] is b[k][1] and control.same_bound(lw, x[0], b[k][0]) for k, x in a.items()
    )


def enter(lw: Lowerer, site: Site) -> Bound:
    """Call a function that calls itself."""
    table = lw.recursions
    leaves: list[tuple[str, Atom]] = []
    fixed: list[Bound] = []
    for k, b in site.bound.items():
        if isinstance(b, Poison):
            lw.read(b, site.node)
        dissect(lw, b, k, leaves, fixed)
    rec = find(lw, site, leaves, fixed)
    sizes: dict[int, Any] = {}
    for slot, (_, a) in zip(rec.slots, leaves, strict=True):
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
    sizes = {}
    for slot, (_, a) in zip(rec.slots, leaves, strict=True):
        if slot.const is None:
            widen(slot.kind, kind(a), sizes)
    ins: list[Atom] = [a for slot, (_, a) in zip(rec.slots, leaves, strict=True) if slot.const is None]
    op = Op("call", [*ins, *rec.extras], attrs={"graph": rec.graph})
    result = instance(rec.result, rec, sizes)
    op.outs = [Val("", control.with_fresh(x), op) for x in control.leaves_of(result)]
    lw.add(op)
    before = set(lw.state.cells)
    got = control.rebuild(result, list(op.outs), lw)
    if rec.returns_arguments:
        made = set(lw.state.cells) - before
        given = {c for b in site.bound.values() for c in cells_of(lw, b)}
        lw.state.shares |= {frozenset((c, d)) for c in made for d in given}
    return got


def find(lw: Lowerer, site: Site, leaves: list[tuple[str, Atom]], fixed: list[Bound]) -> Record:
    """The record of a function for arguments like these: one at hand, or a new one."""
    table = lw.recursions
    around = environment(lw, site.frame, fixed)
    key = (site.ident, site.shape)
    for rec in table.records.setdefault(key, []):
        if rec.reading:
            return rec
        if not same_environment(lw, rec.environment, around):
            continue
        sizes: dict[int, Any] = {}
        if not rec.done or all(s.fits(a, sizes) is None for s, (_, a) in zip(rec.slots, leaves, strict=True)):
            return rec
    names: dict[int, Sym] = {}
    slots = [Slot(n, renamed(kind(a), names), a if isinstance(a, Const) else None) for n, a in leaves]
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
    problems = len(lw.problems)
    for _ in range(PASSES):
        del lw.problems[problems:]
        table.passes += 1
        version = table.version
        read(lw, rec, fixed)
        if table.version == version:
            break
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
    before, names = dict(lw.state.cells), dict(lw.state.names)
    lw.region = region
    lw.attempts, lw.handling = [], []
    lw.stack = [Entry(site, region)]
    f = site.frame
    lw.frame = frame = Frame(f.source, f.fobj, f.path, f.parent, f.static)
    lw.origin = None
    try:
        slots, rest = iter(rec.slots), iter(fixed)
        bound = {k: reopen(lw, s, slots, rest, region.params) for k, s in site.shape}
        before.update((c, x) for c, x in lw.state.cells.items() if c not in before)
        mine = {c for b in bound.values() for c in cells_of(lw, b)}
        try:
            result = body(lw, frame, site, bound)
            atom = lw.read(result)
        except Bottom:
            return
        check_writes(lw, site, before)
        check_names(lw, site, names)
        finish(lw, rec, region, result, atom, mine)
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
    if frame.outer or frame.worldly:
        lw.stop(
            "recursion",
            f"{site.name} calls itself and assigns to variables of the functions around it",
            site.node,
            help="pass them as arguments and return them",
        )
    for k, b in bound.items():
        lw.state.names[frame.id, k] = stored(lw, b)
    old, lw.jumps = lw.jumps, control.Jumps()
    try:
        code = lw.block(node.body)
    finally:
        lw.jumps = old
    if isinstance(code, int) and code == control.RAISE:
        raise Bottom
    return lw.state.names.get((frame.id, control.RETURNED), Plain(Const(None)))


def check_writes(lw: Lowerer, site: Site, before: dict[int, Any]) -> None:
    """Refuse a function that changes what it was given."""
    for cell, x in before.items():
        if lw.state.cells.get(cell, x) is not x:
            lw.stop(
                "recursion",
                f"{site.name} calls itself and changes an array, list or dict that it was given",
                site.node,
                help="work on a copy, and return it",
            )


def check_names(lw: Lowerer, site: Site, before: dict[Any, Bound]) -> None:
    """Refuse a function that, by another one, assigns to variables around it."""
    for key, b in lw.state.names.items():
        if key in before and control.same_bound(lw, b, before[key]):
            continue
        if key in before or key[0] < 0:
            lw.stop(
                "recursion",
                f"{site.name} calls itself, and {key[1]!r} is assigned to on the way",
                site.node,
                help="pass it as an argument and return it",
            )


def finish(lw: Lowerer, rec: Record, region: Region, result: Bound, atom: Atom, mine: set[int]) -> None:
    """The graph of what was read; whatever it learns of the function makes for another reading."""
    table = lw.recursions
    defined = (
        set(region.params)
        | {v for op in walk(region) for v in op.outs}
        | {p for op in walk(region) for r in op.regions for p in r.params}
    )
    used = [v for op in walk(region) for v in vals([*op.ins, *(a for r in op.regions for a in r.results)])]
    for v in dict.fromkeys([*used, *vals([atom])]):
        if v not in defined and v not in rec.extras:
            rec.extras.append(v)
            table.version += 1
    k = settled(rec, rec.result, kind(atom), own_symbols(rec), ())
    if rec.result is None or k != rec.result:
        rec.result = k
        table.version += 1
    region.results = split(lw, atom, k)
    back = cells_of(lw, result)
    groups = [g for g in lw.state.shares if g & back]
    outer = mine | set(lw.graph.info.get("cells", ()))
    if not rec.returns_arguments and (back & outer or any(g & outer for g in groups)):
        rec.returns_arguments = True
        table.version += 1
    effect = any(has_effect(op) for op in walk(region))
    if effect and not rec.graph.info["effect"]:
        rec.graph.info["effect"] = True
        table.version += 1
    params = [Val(v.name, v.kind, user=True) for v in rec.extras]
    substitute(region, dict(zip(rec.extras, params, strict=True)))
    region.params += params
    rec.graph.region = region
    rec.graph.info["results"] = tuple(control.leaves_of(k))


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
