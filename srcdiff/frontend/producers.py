"""Loops over generators, generators beside other iterables, and those that stand for Python's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gast

from srcdiff.frontend import iterators, known_items
from srcdiff.frontend.scope import Agg, Bound, Closure, Frame, Iter, Loc, Plain, nodes_in, own_names
from srcdiff.ir.graph import Const

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["as_generator", "by_generator", "text"]


def text(lw: Lowerer, fn: Any, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound:
    """A call of one of our own generator texts (or functions): read like the user's functions."""
    return lw.read_in_place(fn, args, kwargs, node)


def by_generator(it: Bound) -> bool:
    """Whether something can only be looped over by reading a generator."""
    return has_generator(it) or endless(it)


def has_generator(it: Any) -> bool:
    if not isinstance(it, Iter):
        return False
    if it.kind in ("zip", "map", "enumerate", "reversed"):
        return any(has_generator(p) for p in it.parts[known_items.SKIP.get(it.kind, 0) :])
    return it.kind in ("generator", "genexp", "suspended")


def endless(it: Any) -> bool:
    """Whether a tree never ends: it counts or repeats for ever."""
    if not isinstance(it, Iter):
        return False
    if it.kind in ("zip", "map", "enumerate"):
        parts = it.parts[:1] if it.kind == "enumerate" else it.parts[1:]
        return bool(parts) and all(endless(p) for p in parts)
    return it.kind == "count" or (it.kind == "repeat" and it.parts[1] is None)


def as_generator(lw: Lowerer, it: Any, node: Any) -> Iter:
    """A tree with generators among its leaves, as one generator."""
    if it.kind in ("generator", "genexp", "suspended"):
        return it  # type: ignore[no-any-return]
    if it.kind == "count":
        made = text(lw, iterators.count, [Plain(a) for a in it.parts], {}, node)
        return lw.state.cells[made.cell]  # type: ignore[union-attr,no-any-return]
    if it.kind == "repeat":
        made = text(lw, iterators.repeat, [it.parts[0]], {}, node)
        return lw.state.cells[made.cell]  # type: ignore[union-attr,no-any-return]
    if it.kind == "reversed":
        lw.stop("iterate", "a generator cannot be reversed", node, help="make a list of it")
    if it.kind == "enumerate":
        made = text(lw, iterators.enumerated, [it.parts[0], it.parts[1]], {}, node)
    elif it.kind == "map" and len(it.parts) == 2:
        made = text(lw, iterators.mapped, list(it.parts), {}, node)
    elif it.kind == "map":
        made = text(lw, iterators.mapped_rows, [it.parts[0], Iter("zip", (False, *it.parts[1:]))], {}, node)
    else:
        made = zipped(lw, list(it.parts[1:]), node)
    got: Any = lw.state.cells[made.cell] if isinstance(made, Loc) else made
    return got  # type: ignore[no-any-return]


def zipped(lw: Lowerer, parts: list[Any], node: Any) -> Bound:
    """``zip`` with a generator among its parts: the generator leads, the others are indexed."""
    for n, p in enumerate(parts):
        if endless(p) and not has_generator(p) and len(parts) > 1:  # it never decides when the zip ends
            rest = zipped(lw, [*parts[:n], *parts[n + 1 :]], node)
            if p.kind == "count":
                numbers = map(Plain, p.parts)
                return text(lw, iterators.count_among, [rest, *numbers, Plain(Const(n))], {}, node)
            if p.kind == "repeat":
                return text(lw, iterators.repeat_among, [rest, p.parts[0], Plain(Const(n))], {}, node)
            lw.stop("iterate", "this zip is too involved", node, help="zip less at a time")
    leaders = [n for n, p in enumerate(parts) if by_generator(p)]
    if not leaders:
        return Loc(lw.state.new_cell(Iter("zip", (False, *parts))))
    for n in leaders[:-1]:  # the last one is read as it goes, those before are listed
        parts[n] = listed_ahead(lw, parts[n], node)
    at = leaders[-1]
    around = [indexable(lw, p, node) for n, p in enumerate(parts) if n != at]
    tuples = [Agg(tuple, tuple(range(len(x))), tuple(x)) for x in (around[:at], around[at:])]
    return text(lw, iterators.zipped, [tuples[0], parts[at], tuples[1]], {}, node)


def indexable(lw: Lowerer, p: Any, node: Any) -> Bound:
    """A part of a zip as something with a length and an index."""
    if not isinstance(p, Iter) or p.kind in ("range", "count"):
        return p  # type: ignore[no-any-return]
    from srcdiff.frontend import listing

    return listing.listed(lw, p, node)


def listed_ahead(lw: Lowerer, gen: Any, node: Any) -> Bound:
    """The values of a generator, listed before they are asked for: allowed where nobody can tell."""
    from srcdiff.frontend import listing

    name = gen.parts[2] if gen.kind == "generator" else "the generator"
    if gen.kind == "suspended" or any(
        isinstance(n, gast.While) for t, _ in reached_trees(lw, gen) for n in nodes_in(t)
    ):
        lw.stop(
            "generator", "two generators are zipped, and the first may never end", node,
            note="its values would be listed before the other one is asked",
            help="make lists of them, or use one generator that yields pairs",
        )  # fmt: skip
    seen: list[Bound] = list(gen.parts[3].values() if gen.kind == "generator" else gen.parts[2:])
    for tree, frame in reached_trees(lw, gen):
        for free, b in outer_names(lw, tree, frame):
            if not bound_once(frame, free):
                lw.stop(
                    "generator", f"{name} reads {free!r} while it is zipped with another generator", node,
                    note=f"the value of {free!r} may change before it is read",
                    help=f"give {free!r} to the generator as an argument, or yield pairs from one generator",
                )  # fmt: skip
            seen.append(b)
    before = dict(lw.state.cells)
    got = listing.listed(lw, gen, node)
    if any(lw.state.cells.get(c) is not x for c, x in before.items()):
        lw.stop(
            "generator", f"{name} changes an array or a list while it is zipped with another generator", node,
            help="use one generator that yields pairs",
        )  # fmt: skip
    for b in seen:  # what it has looked at must stay as it is
        lw.freeze(b)
    return got


def reached_trees(lw: Lowerer, gen: Iter) -> list[tuple[Any, Frame]]:
    """The text of a generator and of the inner functions that it may call, each with the frame around it."""
    tree, frame = (gen.parts[1], gen.parts[0].parent) if gen.kind == "generator" else gen.parts[:2]
    out = [(tree, frame)]
    for t, f in out:
        for _, b in outer_names(lw, t, f):
            if isinstance(b, Closure) and all(b.node is not known for known, _ in out):
                out.append((b.node, b.frame))
    return out


def outer_names(lw: Lowerer, tree: Any, frame: Frame | None) -> list[tuple[str, Bound]]:
    """Variables of the functions around a text that it reads."""
    own = own_names(tree) if isinstance(tree, (gast.FunctionDef, gast.Lambda)) else frozenset()
    names = {n.id for n in nodes_in(tree) if isinstance(n, gast.Name)} - own
    out = []
    for name in sorted(names):
        f = frame
        while f is not None and (f.id, name) not in lw.state.names:
            f = f.parent
        if f is not None:
            out.append((name, lw.state.names[f.id, name]))
    return out


def bound_once(frame: Frame | None, name: str) -> bool:
    """Whether a variable of the functions around has one binding for good."""
    while frame is not None and frame.fobj is None and frame.parent is not None:
        frame = frame.parent
    root = frame.source.node if frame is not None and frame.source is not None else None
    if not isinstance(root, gast.FunctionDef):
        return True
    a = root.args
    params = [*a.posonlyargs, *a.args, *a.kwonlyargs, *(p for p in (a.vararg, a.kwarg) if p is not None)]
    bindings = sum(p.id == name for p in params)
    for n in nodes_in(*root.body):
        bindings += isinstance(n, gast.Name) and n.id == name and not isinstance(n.ctx, gast.Load)
        bindings += isinstance(n, gast.FunctionDef) and n.name == name
    return bool(bindings <= 1)
