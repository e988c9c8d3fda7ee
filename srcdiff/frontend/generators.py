"""Generators: the body of whoever consumes one is read at its ``yield``.

A generator is never run ahead: where a loop asks it for values, its body is read as if it stood in the
place of the loop, and at each ``yield`` the body of the loop follows, in the loop's own frame.  What comes
after the ``yield`` is the rest of that body (``Resume``), so effects on both sides happen in Python's order,
and a ``break`` leaves all loops of the generator.  Where values are asked for one by one (``next``), the
generator is read from ``yield`` to ``yield`` as far as its path is known when the derivative is made.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.frontend import exits
from srcdiff.frontend.comparisons import truth
from srcdiff.frontend.core import Stop
from srcdiff.frontend.expressions import stored
from srcdiff.frontend.scope import Bound, Frame, Iter, Loc, Plain, children, nodes_in
from srcdiff.frontend.words import is_const_none
from srcdiff.ir.graph import Const, Val

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = [
    "Consumer",
    "Do",
    "Resume",
    "Unknown",
    "contains_yield",
    "drive",
    "method",
    "resume",
    "step",
    "yield_statement",
    "yields",
]

DEEPEST = 40  # generators that read one another


@dataclass(slots=True, eq=False)
class Consumer:
    """Who reads what a generator yields: ``take(value, rest)`` reads its body, and then ``rest``."""

    frame: Frame
    node: Any
    jumps: exits.Jumps  # what break and return are in its body
    take: Callable[[Bound, list[Any]], Any]
    throws: bool = False


class Resume:
    """A statement of ours: here a generator goes on behind its ``yield``."""

    _fields = ()

    def __init__(self, frame: Frame, jumps: exits.Jumps, stmts: list[Any]) -> None:
        self.frame, self.jumps, self.stmts = frame, jumps, stmts


class Do:
    """A statement of ours: ``read`` does it, and returns the exit code."""

    _fields = ()

    def __init__(self, read: Callable[[], Any]) -> None:
        self.read = read


def yields(s: Any) -> bool:
    """Whether a statement is a ``yield``, alone or as the value of an assignment."""
    return isinstance(s, (gast.Expr, gast.Assign, gast.AnnAssign)) and isinstance(
        s.value, (gast.Yield, gast.YieldFrom)
    )


def contains_yield(s: Any) -> bool:
    todo = [s]
    while todo:
        n = todo.pop()
        if isinstance(n, (gast.Yield, gast.YieldFrom)):
            return True
        if not isinstance(n, (gast.FunctionDef, gast.Lambda)):
            todo += children(n)
    return False


def located(stmts: list[Any], node: Any) -> list[Any]:
    """Statements made here, placed where ``node`` stands."""
    for n in nodes_in(*stmts):
        for field in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
            if getattr(n, field, None) is None:
                setattr(n, field, getattr(node, field, 0))
    return stmts


def load(name: str) -> Any:
    return gast.Name(name, gast.Load(), None, None)


def store(name: str) -> Any:
    return gast.Name(name, gast.Store(), None, None)


# ---- a whole generator ---------------------------------------------------------------------------------


def drive(
    lw: Lowerer,
    node: Any,
    gen: Iter,
    take: Callable[[Bound, list[Any]], Any],
    orelse: list[Any] | None = None,
    throws: bool = False,
) -> Any:
    """Read a generator, and at each ``yield`` the body of its consumer, which stands at ``node``.

    Returns the exit code of the whole, as a loop does.  ``throws``: what the consumer raises is raised at the
    ``yield``, as a ``with`` does whose manager is a generator.
    """
    depth, after = lw.driven, lw.jumps.ret
    if depth > DEEPEST:
        lw.stop("generator", "generators that read one another nest too deeply", node, help="write a loop")
    inner = after if after >= exits.OUTWARD else exits.OUTWARD + 2 * depth + 1
    jumps = exits.Jumps(exits.OUTWARD + 2 * depth, inner)
    consumer = Consumer(lw.frame, node, jumps, take, throws)
    lw.driven += 1
    try:
        code = start(lw, node, gen, consumer)
    finally:
        lw.driven = depth
    rest = orelse or []
    if isinstance(code, int):
        if code in (exits.FALL, exits.RETURN):
            return lw.block(rest) if rest else exits.FALL
        return {jumps.brk: exits.FALL, jumps.ret: after}.get(code, code)
    ways = exits.codes(code)
    leave = [(c, after if c == jumps.ret else c) for c in sorted(ways) if c >= exits.OUTWARD]
    leave = [(c, d) for c, d in leave if c != jumps.brk]
    broke = (jumps.brk,) if jumps.brk in ways else ()
    if not leave and not rest:
        return exits.FALL
    return exits.Pending(code, tuple(leave), broke, rest)


def start(lw: Lowerer, node: Any, gen: Iter, consumer: Consumer) -> Any:
    """Read a generator from where it stands; returns the code with which its body is left."""
    if gen.kind == "suspended":
        frame, where = gen.parts
        if where and where[-1][0] == "sent":  # a loop sends nothing
            where = (*where[:-1], ("block", tuple(given(lw, where[-1][1], "None")), 0))
        frame.consumer = consumer
        return within(lw, frame, lambda: go_on_from(lw, where, len(where) - 1, exits.FALL))
    frame, body = opened(lw, gen, node, consumer.throws)
    frame.consumer = consumer
    try:
        return within(lw, frame, lambda: lw.block(body))
    finally:
        forget(lw, frame)


def within(lw: Lowerer, frame: Frame, read: Callable[[], Any]) -> Any:
    """Read in a generator's frame."""
    old = lw.frame, lw.jumps, lw.origin, lw.node
    lw.frame, lw.jumps = frame, exits.Jumps()
    try:
        return read()
    finally:
        lw.frame, lw.jumps, lw.origin, lw.node = old


def opened(lw: Lowerer, gen: Iter, node: Any, throws: bool = False) -> tuple[Frame, list[Any]]:
    """A generator's frame with its arguments bound, and its body."""
    if gen.kind == "genexp":
        tree, outer, first = gen.parts
        frame = outer.inner(inline=True)
        lw.state.names[frame.id, "first_"] = first
        return frame, lw.cached_tree((tree, "genexp"), expanded(tree))
    frame, fnode, _, bound = gen.parts
    if not throws:
        check_blocks(lw, fnode)
    for key in [k for k in lw.state.names if k[0] == frame.id]:
        del lw.state.names[key]
    lw.declare(frame, fnode, bound)
    for k, b in bound.items():
        lw.state.names[frame.id, k] = b
    return frame, fnode.body


def check_blocks(lw: Lowerer, fnode: Any) -> None:
    """Refuse a ``yield`` inside ``try`` or ``with``: what its consumer raises is not the generator's."""
    for n in nodes_in(*fnode.body):
        if isinstance(n, (gast.Try, gast.With)) and contains_yield(n):
            word = "try" if isinstance(n, gast.Try) else "with"
            lw.stop(
                "generator", f"a yield inside {word} is not supported", n,
                note="whoever asks for the value goes on while the block is open",
                help=f"compute the value inside the {word}, and yield it after",
            )  # fmt: skip


def forget(lw: Lowerer, frame: Frame) -> None:
    """A generator's names go, unless a function made in it lives on."""
    if not any(getattr(b, "frame", None) is frame for b in lw.state.names.values()):
        for key in [k for k in lw.state.names if k[0] == frame.id]:
            del lw.state.names[key]


def expanded(node: Any) -> list[Any]:
    """The body of the generator that a generator expression stands for."""
    element = gast.Yield(copy.deepcopy(node.elt))
    body: list[Any] = [gast.Expr(gast.copy_location(element, node.elt))]
    for n, g in reversed(list(enumerate(node.generators))):
        for c in reversed(g.ifs):
            body = [gast.If(copy.deepcopy(c), body, [])]
        it = copy.deepcopy(g.iter) if n else load("first_")
        body = [gast.For(copy.deepcopy(g.target), it, body, [], None)]
    return located(body, node)


# ---- yield ---------------------------------------------------------------------------------------------


def yield_statement(lw: Lowerer, s: Any, rest: list[Any]) -> Any:
    """``yield`` and all that follows it in its block; returns the exit code of the block."""
    frame, consumer = lw.frame, lw.frame.consumer
    if consumer is None:
        lw.stop("generator", "a yield is read here, but nobody asks this generator for values", s)
    if isinstance(s.value, gast.YieldFrom):
        return lw.block([*delegated(lw, s), *rest])
    value = lw.expr(s.value.value) if s.value.value is not None else Plain(Const(None))
    value = stored(lw, value)
    if not isinstance(s, gast.Expr):  # nobody sends anything
        rest = [*given(lw, s, "None"), *rest]
    here = Resume(frame, lw.jumps, rest)
    old = lw.frame, lw.jumps, lw.origin, lw.node
    lw.frame, lw.jumps = consumer.frame, consumer.jumps
    try:
        return consumer.take(value, [here] if rest else [])
    finally:
        lw.frame, lw.jumps, lw.origin, lw.node = old


def resume(lw: Lowerer, s: Resume) -> Any:
    old = lw.frame, lw.jumps, lw.origin, lw.node
    lw.frame, lw.jumps = s.frame, s.jumps
    try:
        return lw.block(s.stmts)
    finally:
        lw.frame, lw.jumps, lw.origin, lw.node = old


def given(lw: Lowerer, s: Any, sent: str) -> list[Any]:
    """What a ``yield`` whose value is assigned does when the generator goes on: None, or what was sent."""
    targets = s.targets if isinstance(s, gast.Assign) else [s.target]
    value = gast.Constant(None, None) if sent == "None" else load(sent)
    return lw.cached_tree((s, sent), located([gast.Assign(copy.deepcopy(targets), value, None)], s))  # type: ignore[no-any-return]


def delegated(lw: Lowerer, s: Any) -> list[Any]:
    """``yield from it``: a loop that passes each value on."""
    if not isinstance(s, gast.Expr):
        lw.stop("generator", "the value of a yield from is not supported", s,
                help="let the inner generator be a loop here, or return its result another way")  # fmt: skip
    element = gast.Expr(gast.Yield(load("item_")))
    loop = gast.For(store("item_"), copy.deepcopy(s.value.value), [element], [], None)
    return lw.cached_tree((s, "delegated"), located([loop], s))  # type: ignore[no-any-return]


# ---- one value after the other -------------------------------------------------------------------------

# Where a generator stands: its open blocks and loops, outermost first.  Immutable, so that two paths may each
# go on from one place.
Place = tuple[Any, ...]


def step(lw: Lowerer, gen: Iter, node: Any, sent: Bound | None = None) -> tuple[Bound | None, Iter]:
    """The next value of a generator, and the generator behind it; None if there is no further value.

    ``sent`` is the value of the ``yield`` at which it stands.
    """
    if gen.kind == "suspended":
        frame, where = gen.parts
    else:
        frame, body = opened(lw, gen, node)
        where = (("block", tuple(body), 0),)
    frame.consumer = None
    if where and where[-1][0] == "sent":
        name = "None" if sent is None else "sent_"
        if sent is not None:
            lw.state.names[frame.id, name] = stored(lw, sent)
        where = (*where[:-1], ("block", tuple(given(lw, where[-1][1], name)), 0))
    value, where = within(lw, frame, lambda: advance(lw, where, node))
    if value is None:
        forget(lw, frame)
        return None, Iter("spent", ())
    return value, Iter("suspended", (frame, where))


def method(lw: Lowerer, it: Loc, name: str, args: list[Bound], node: Any) -> Bound:
    """``g.send(v)``, ``g.close()``."""
    gen: Any = lw.state.cells.get(it.cell)
    known = isinstance(gen, Iter) and gen.kind in ("generator", "genexp", "suspended", "spent")
    if name == "close" and known and not args:
        lw.state.cells[it.cell] = Iter("spent", ())
        return Plain(Const(None))
    if isinstance(gen, Iter) and gen.kind == "left":
        lw.stop(
            "iterator", "how far this generator has come is known only at run time", node,
            note=gen.parts[0], help="send on every path, or write the steps of the generator as a class",
        )  # fmt: skip
    if name != "send" or not known or len(args) != 1:
        lw.stop("generator", f"the method {name!r} of a generator is not supported", node,
                help="hand values over in a variable or an object that both read")  # fmt: skip
    nothing = is_const_none(args[0])
    if gen.kind in ("generator", "genexp") and not nothing:
        lw.stop("generator", "a value is sent to a generator that has not come to a yield yet", node,
                help="start it first: next(g)")  # fmt: skip
    value, after = step(lw, gen, node, args[0]) if gen.kind != "spent" else (None, gen)
    if value is None:
        lw.stop("iterator", "this generator ends here: send() raises StopIteration", node)
    lw.state.cells[it.cell] = after
    return value


class Unknown(Stop):
    """How far a generator goes until its next value is known only at run time."""


def unknown(lw: Lowerer, node: Any) -> Any:
    try:
        lw.stop(
            "generator", "how far this generator goes until its next value is known only at run time", node,
            help="loop over the generator (for x in g), or zip it with what the loop runs over",
        )  # fmt: skip
    except Stop as e:
        raise Unknown(e.problem) from None


def advance(lw: Lowerer, where: Place, node: Any) -> tuple[Bound | None, Place]:
    while where:
        *outer, top = where
        if top[0] == "block":
            _, stmts, at = top
            if at == len(stmts):
                where = tuple(outer)
                continue
            s = stmts[at]
            where = (*outer, ("block", stmts, at + 1))
            if yields(s) and isinstance(s.value, gast.Yield):
                value = lw.expr(s.value.value) if s.value.value is not None else Plain(Const(None))
                if not isinstance(s, gast.Expr):
                    where = (*where, ("sent", s))
                return stored(lw, value), where
            where = statement(lw, s, where, node)
        elif top[0] == "for":
            _, loop, items, at = top
            if at == len(items):
                where = (*outer, ("block", tuple(loop.orelse), 0))
                continue
            lw.assign(loop.target, items[at]())
            where = (*outer, ("for", loop, items, at + 1), ("block", tuple(loop.body), 0))
        else:
            loop = top[1]
            known = truth(lw, lw.expr(loop.test))
            if known is None:
                unknown(lw, node)
            where = (
                (*where, ("block", tuple(loop.body), 0))
                if known
                else (*outer, ("block", tuple(loop.orelse), 0))
            )
    return None, ()


def statement(lw: Lowerer, s: Any, where: Place, node: Any) -> Place:
    """Read one statement on the way to the next value."""
    from srcdiff.frontend import known_items

    if yields(s):
        return (*where, ("block", tuple(delegated(lw, s)), 0))
    if not contains_yield(s):
        code = lw.block([s])
        if not isinstance(code, int):
            unknown(lw, node)
        if code == exits.RETURN:
            return ()
        if code in (exits.BREAK, exits.CONTINUE):
            at = max(n for n, p in enumerate(where) if p[0] != "block")
            return where[: at + (code == exits.CONTINUE)]
        return where
    if isinstance(s, gast.If):
        known = truth(lw, lw.expr(s.test))
        if known is None:
            unknown(lw, node)
        return (*where, ("block", tuple(s.body if known else s.orelse), 0))
    if isinstance(s, gast.While):
        return (*where, ("while", s))
    if isinstance(s, gast.For):
        tree = known_items.take(lw, lw.expr(s.iter), s, {})
        items = known_items.items_of(lw, tree, s) or known_items.numbers_of(tree)
        if items is None:
            return unknown(lw, node)  # type: ignore[no-any-return]
        return (*where, ("for", s, tuple(items), 0))
    return unknown(lw, node)  # type: ignore[no-any-return]


def go_on_from(lw: Lowerer, where: Place, n: int, code: Any) -> Any:
    """Read what is left of a generator; ``code``: how the blocks further in were left."""
    from srcdiff.frontend import iteration

    if n < 0:
        return code
    top = where[n]
    if top[0] != "block" and isinstance(code, int) and code == exits.BREAK:
        return go_on_from(lw, where, n - 1, exits.FALL)
    if isinstance(code, Val) and exits.BREAK in exits.codes(code):
        unknown(lw, None)

    def follow() -> Any:
        if top[0] == "block":
            got = lw.block(list(top[1][top[2] :]))
        elif top[0] == "for":
            _, loop, items, at = top
            got = lw.block([Do(lambda: iteration.unroll(lw, loop, list(items[at:])))])
        else:
            got = lw.block([top[1]])
        return go_on_from(lw, where, n - 1, got)

    swallow = frozenset() if top[0] == "block" else frozenset({exits.CONTINUE})
    if isinstance(code, int) and code != exits.FALL and code not in swallow:
        return go_on_from(lw, where, n - 1, code)
    return exits.go_on(lw, code, follow, swallow)
