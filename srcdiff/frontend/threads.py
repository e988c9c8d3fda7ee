"""What a function that calls itself changes of its caller's: passed in, and handed back.

The graph is pure, so an array, list, dict or object that such a function writes to, and a variable around it
that it assigns to, is one more argument and one more result of it.  Which these are is found by reading: they
are added, and the function is read again, until there are no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from srcdiff.frontend import aliases, exits, joins, loops, mappings, sharing
from srcdiff.frontend.objects import content
from srcdiff.frontend.raising import Reread
from srcdiff.frontend.scope import Agg, Bound, Forward, Frame, Iter, Loc, Plain, Poison, State
from srcdiff.ir.graph import UNDEF, Atom, Const, Region, Val, kind
from srcdiff.ir.kinds import Array, Kind, Map, Scalar, Seq, Sym, Tree

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer
    from srcdiff.frontend.recursion import Site

__all__ = ["Key", "Threads", "wholes", "widen_arguments"]

# ("cell", c): what lives in a cell; ("item", c, k): one part of it; ("name", key): a variable around the
# function; ("arg", way): what lives in an argument, or in a container in it; ("part", way, k): a part of that
Key = tuple[Any, ...]


@dataclass(slots=True, eq=False)
class Threads:
    """What one function changes, and the kinds of it."""

    kinds: dict[Key, Kind] = field(default_factory=dict)
    returns: set[Any] = field(default_factory=set)  # ways and cells that its results may share memory with
    passed: tuple[Key, ...] = ()  # those in the graph as it was read last
    known: set[int] = field(default_factory=set)  # sizes of the caller's

    def cells(self) -> set[int]:
        return {key[1] for key in self.kinds if key[0] in ("cell", "item")}


def place_of(frame: Frame, node: Any) -> Any:
    """An identity of a function that lasts from one reading to the next."""
    return (getattr(frame.source, "file", ""), getattr(node, "lineno", 0), getattr(node, "col_offset", 0))


def ways(lw: Lowerer, bound: dict[str, Bound]) -> Iterator[tuple[tuple[Any, ...], Loc]]:
    """The places in the arguments that can be changed, and how each is reached."""
    todo: list[tuple[tuple[Any, ...], Bound]] = [((name,), b) for name, b in bound.items()]
    while todo:
        way, b = todo.pop(0)
        b = lw.settled(b)
        if isinstance(b, Loc) and not joins.is_lazy(lw.state, b):
            yield way, b
        box = content(lw, b)
        if isinstance(box, Agg):
            todo += [((*way, k), x) for k, x in zip(box.keys, box.items, strict=True)]


def wholes(lw: Lowerer, frame: Frame, node: Any) -> frozenset[Any]:
    """The ways to the lists and dicts that a function makes longer: they are passed as such, not in parts."""
    place = place_of(frame, node)
    return frozenset(k[2] for k in lw.split if k[0] == "whole" and k[1] == place)


def widen_arguments(lw: Lowerer, whole: frozenset[Any], bound: dict[str, Bound], node: Any) -> None:
    """Lists and dicts that the function makes longer get elements that are found at run time."""
    for way, b in list(ways(lw, bound)) if whole else ():
        box = lw.state.cells.get(b.cell)
        if way in whole and not b.path and isinstance(box, Agg) and (box.items or box.type is dict):
            convert(lw, b, box, node)


def spread_out(lw: Lowerer, cell: int, k: Kind, node: Any) -> None:
    """A list or dict of known parts is passed as one whose elements are found at run time."""
    box = lw.state.cells[cell]
    if not isinstance(box, Agg):
        return
    if (box.type is dict and isinstance(k, Map)) or (box.type is list and box.items and isinstance(k, Seq)):
        convert(lw, Loc(cell), box, node)


def is_moved(old: dict[int, Any], cell: int, now: Any) -> bool:
    """Whether what lives in a cell was a part of a list, and is an element of the same list now."""
    if not isinstance(now, Forward):
        return False
    box = old.get(now.cell)
    return isinstance(box, Agg) and any(isinstance(x, Loc) and x.cell == cell for x in box.items)


def convert(lw: Lowerer, b: Loc, box: Agg, node: Any) -> None:
    if box.type is dict:
        mappings.as_mapping(lw, b, box, node)
    elif box.type is list:
        lw.as_sequence(b, box, node)


# ---- while the function is read -----------------------------------------------------------------------


def open_all(lw: Lowerer, threads: Threads, params: list[Val]) -> int:
    """The function starts: what it changes is what it was given.  Returns how much changed."""
    lw.complete(lw.state)
    with lw.inside(Region()):
        for key, k in threads.kinds.items():
            if key[0] == "cell":
                spread_out(lw, key[1], k, None)
    inside = [
        key for key in threads.kinds if key[0] == "cell" and isinstance(lw.state.cells[key[1]], Forward)
    ]
    for key in inside:  # an element of a list that is passed
        del threads.kinds[key]
    threads.passed = tuple(k for k in threads.kinds if k[0] not in ("arg", "part"))
    for key in threads.passed:
        k = threads.kinds[key]
        if key[0] == "cell":
            got = loops.Slots(lw).open(UNDEF, k, joins.held_as(lw.state, key[1]), params)
            lw.state.cells[key[1]] = loops.content_of(lw, got)
        elif key[0] == "item":
            hint = joins.item_hint(lw.state, key[1], key[2])
            joins.set_part(lw.state, key[1], key[2], loops.Slots(lw).open(UNDEF, k, hint, params))
        else:
            lw.state.names[key[1]] = loops.Slots(lw).open(UNDEF, k, key[1][1], params)
    return len(inside)


def changes(
    lw: Lowerer, site: Site, before: State, inner: dict[tuple[Any, ...], int], threads: Threads
) -> dict[Key, tuple[Bound | None, Bound]]:
    """What the function has changed at its end: what each was before, and is now."""
    out: dict[Key, tuple[Any, Any]] = {}
    way_of = {c: way for way, c in inner.items()}
    for cell, old in before.cells.items():
        now = lw.state.cells.get(cell, old)
        if now is old or is_moved(before.cells, cell, now):
            continue
        way = way_of.get(cell)
        if isinstance(now, (Forward, Iter)) or isinstance(old, (Forward, Iter)):
            refuse(lw, site, "puts what it was given into a list, or uses up an iterator of its caller's")
        if isinstance(old, Agg) and joins.fixed_shape(old, now):
            for k, b in zip(now.keys, now.items, strict=True):
                first = joins.part_of(old, k)
                if first is None or not joins.same_bound(lw, b, first):
                    if not loops.carriable(lw, b):
                        refuse_thing(lw, site, b, f"sets {k!r} to a function or the like")
                    out[("item", cell, k) if way is None else ("part", way, k)] = (first, b)
            continue
        if way is not None and isinstance(old, Agg) and way not in wholes(lw, site.frame, site.fnode):
            if old.type not in (list, dict):
                refuse(lw, site, "changes the structure of what it was given")
            raise Reread(("whole", place_of(site.frame, site.fnode), way))
        key: Key = ("cell", cell) if way is None else ("arg", way)
        out[key] = (as_bound(old), as_bound(now))
    for name, b in lw.state.names.items():
        old_b = before.names.get(name)
        if name[1] == exits.RETURNED or (old_b is None and name[0] >= 0):
            continue
        if old_b is None or not joins.same_bound(lw, b, old_b):
            if not loops.carriable(lw, b):
                refuse_thing(lw, site, b, f"assigns a function or the like to {name[1]!r}")
            out["name", name] = (old_b, b)
    for key in threads.passed:  # what another path changes
        if key not in out:
            b = here(lw, key)
            out[key] = (b, b)
    return out


def as_bound(x: Any) -> Bound:
    return x if isinstance(x, (Agg, Poison)) else Plain(x)


def refuse_thing(lw: Lowerer, site: Site, b: Bound, what: str) -> None:
    if isinstance(b, Poison):
        lw.read(b, site.node)
    refuse(lw, site, what)


def refuse(lw: Lowerer, site: Site, what: str) -> None:
    lw.stop("recursion", f"{site.name} calls itself and {what}", site.node,
            help="work on a copy, and return it")  # fmt: skip


def here(lw: Lowerer, key: Key) -> Bound:
    """What a thing that is not an argument is at this point."""
    if key[0] == "cell":
        return as_bound(lw.state.cells[key[1]])
    if key[0] == "item":
        got = joins.part_of(lw.state.cells[key[1]], key[2])
    else:
        got = lw.state.names.get(key[1]) or lw.world(key[1])
    return got if got is not None else Plain(UNDEF)


def note(
    lw: Lowerer,
    threads: Threads,
    found: dict[Key, tuple[Bound | None, Bound]],
    before: State,
    settle: Callable[[Kind, Key], Kind],
) -> int:
    """Remember what was found; how much of it is new.  ``settle`` gives up sizes of one reading only."""
    new = 0
    for key, (first, last) in found.items():
        k = kind(lw.read(last))
        old = threads.kinds.get(key)
        if old is not None:
            k = joins.joined(old, k, Const(None))
        elif key[0] in ("cell", "item", "name") and first is not None:
            a0 = loops.in_state(lw, before, first)
            symbols(kind(a0), threads.known)
            k = joins.joined(kind(a0), k, a0)
        k = settle(plain(k), key)
        if old is None or not joins.similar(old, k):
            threads.kinds[key] = k
            new += 1
    return new


def add(
    lw: Lowerer, threads: Threads, keys: list[Key], seen: dict[Key, Any], settle: Callable[[Kind, Key], Kind]
) -> int:
    """Pass what is another thing here than where the function was read (``seen``)."""
    for key in keys:
        if key[0] == "cell":
            first: Any = as_bound(seen[key])
        else:
            first = joins.part_of(seen["cell", key[1]], key[2]) if key[0] == "item" else seen.get(key)
        a = lw.read(here(lw, key))
        k = kind(a)
        if first is not None and not isinstance(first, Poison):
            with lw.inside(Region()):
                a0 = lw.read(first)
            symbols(kind(a0), threads.known)
            k = joins.joined(kind(a0), k, a0)
        threads.kinds[key] = settle(plain(k), key)
    return len(keys)


def symbols(k: Kind, out: set[int]) -> None:
    """The sizes that a kind mentions."""
    match k:
        case Array(_, dims):
            out.update(d.id for d in dims if isinstance(d, Sym))
        case Seq(elem):
            symbols(elem, out)
        case Tree(_, _, items):
            for x in items:
                symbols(x, out)


def plain(k: Kind) -> Kind:
    return Scalar(k.dtype, k.weak) if isinstance(k, Scalar) else k


def ends(lw: Lowerer, threads: Threads, found: dict[Key, tuple[Bound | None, Bound]],
         inner: dict[tuple[Any, ...], int]) -> list[Atom]:  # fmt: skip
    """The values to hand back, in order."""
    out = []
    for key, k in threads.kinds.items():
        if key in found:
            atom = lw.read(found[key][1])
        elif key[0] in ("arg", "part"):
            b: Any = as_bound(lw.state.cells[inner[key[1]]])
            part = b if key[0] == "arg" else joins.part_of(b, key[2])
            atom = lw.read(part if part is not None else Plain(UNDEF))
        else:
            atom = lw.read(here(lw, key))
        out.append(lw.conform(loops.spread(lw, atom, k), k))
    return out


# ---- at a call ----------------------------------------------------------------------------------------


def given(
    lw: Lowerer, threads: Threads, node: Any, settle: Callable[[Kind, Key], Kind]
) -> tuple[list[Atom], int]:
    """The values to pass beside the arguments; how many kinds had to be made wider for them."""
    out: list[Atom] = []
    wider = 0
    lw.complete(lw.state)
    for key, k in list(threads.kinds.items()):
        if key[0] in ("arg", "part"):
            continue
        if key[0] == "cell":
            if isinstance(lw.state.cells[key[1]], Forward):
                lw.stop("aliasing", "a function that calls itself changes what was put into a list", node,
                        help="put a copy (x.copy()) into the list")  # fmt: skip
            spread_out(lw, key[1], k, node)
        atom = lw.read(here(lw, key))
        wide = settle(plain(joins.joined(k, kind(atom), Const(None))), key) if atom is not UNDEF else k
        if not joins.similar(wide, k):
            threads.kinds[key] = k = wide
            wider += 1
        if key in threads.passed:
            out += loops.leaves(lw.conform(loops.spread(lw, atom, k), k), k)
    return out, wider


def fits(lw: Lowerer, threads: Threads, settle: Callable[[Kind, Key], Kind]) -> bool:
    """Whether what is there now may be passed to a function that has been read."""
    with lw.inside(Region()):
        for key in threads.passed:
            k = threads.kinds[key]
            atom = lw.read(here(lw, key))
            if atom is UNDEF:
                continue
            if not joins.similar(settle(plain(joins.joined(k, kind(atom), Const(None))), key), k):
                return False
    return True


def take_back(lw: Lowerer, site: Site, threads: Threads, made: list[Bound], node: Any) -> set[int]:
    """After a call: what it has changed; returns the cells."""
    outer = dict(ways(lw, site.bound))
    written: set[int] = set()
    for key, b in zip(threads.kinds, made, strict=True):
        if key[0] == "cell":
            sharing.check_shared(lw, key[1], node)
            lw.state.cells[key[1]] = loops.content_of(lw, b)
            written.add(key[1])
        elif key[0] == "item":
            sharing.check_shared(lw, key[1], node)
            joins.set_part(lw.state, key[1], key[2], b)
            written.add(key[1])
        elif key[0] == "name":
            lw.state.names[key[1]] = b
        else:
            at = outer.get(key[1])
            if at is None:
                continue  # made for the call: nobody else holds it
            written.add(at.cell)
            if key[0] == "part":
                box = content(lw, at)
                keys = (*box.keys, *(() if key[2] in box.keys else (key[2],)))
                old = dict(zip(box.keys, box.items, strict=True)) | {key[2]: b}
                lw.change(at, Agg(box.type, keys, tuple(old[k] for k in keys)), node)
            elif isinstance(lw.state.cells[at.cell], Agg) and not at.path:
                lw.change(at, lw.state.cells[b.cell] if isinstance(b, Loc) else b, node)
            else:
                lw.write(at, lw.read(b), node)
    return written


def share(lw: Lowerer, outer: dict[Any, Loc], threads: Threads, made: set[int]) -> None:
    """The results of a call may be what it was given."""
    for r in threads.returns:
        cell = outer[r].cell if isinstance(r, tuple) and r in outer else r
        if isinstance(cell, int):
            aliases.may_be(lw.state, made, {cell})


def check_apart(lw: Lowerer, site: Site, threads: Threads, extras: list[Val], node: Any) -> None:
    """What a function changes must be nothing else that it sees: it is read as if all were different."""
    seen: dict[Any, int] = {way: at.cell for way, at in ways(lw, site.bound)}
    seen |= {("cell", c): c for c in threads.cells()}
    written: dict[Any, int] = {}
    for key in threads.kinds:
        if key[0] in ("arg", "part"):
            if key[1] in seen:
                written[key[1]] = seen[key[1]]
        elif key[0] != "name":
            written["cell", key[1]] = key[1]
    roots = {root(v) for v in extras}
    for name, w in written.items():
        near = aliases.near_to(lw.state.shares, {w})
        twice = any(c in near for other, c in seen.items() if other != name)
        held = lw.state.cells.get(w)
        if twice or (name[0] != "cell" and isinstance(held, Val) and root(held) in roots):
            lw.stop(
                "aliasing", f"{site.name} calls itself and changes an array or list that it sees twice", node,
                note="two of its arguments, or one and a variable around it, are or may be the same",
                help="pass it once, or pass a copy",
            )  # fmt: skip


def root(v: Val) -> Val:
    """The array that a view is one of."""
    while v.op is not None and v.op.code == "prim" and v.op.attrs.get("view"):
        base = v.op.ins[0]
        if not isinstance(base, Val):
            break
        v = base
    return v
