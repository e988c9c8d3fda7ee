"""``try``, ``raise`` and their like.

The body of a ``try`` is a region of its own; its operation says how it ended (``which``: 0, or the number of
the handler) and what was raised.  Handlers, ``else`` and what follows are ordinary branches on that.  What a
handler may know of the variables is told by ``raising.Attempt``; where it reads more, the function is read
again with this statement in parts (``parts.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.frontend import exits, iterators, parts, recursion, thrown
from srcdiff.frontend.blocks import Opened, exported
from srcdiff.frontend.expressions import lookup
from srcdiff.frontend.objects import content
from srcdiff.frontend.raising import Attempt, Reread
from srcdiff.frontend.scope import (
    Agg,
    Bound,
    Known,
    Loc,
    Plain,
    Poison,
    State,
    name_of_flag,
)
from srcdiff.frontend.trial import recover, snapshot
from srcdiff.ir import ops
from srcdiff.ir.graph import UNDEF, Atom, Const, Op, Ref, Region, Struct, Val, walk
from srcdiff.ir.indices import alone_or_tuple
from srcdiff.ir.kinds import INT, OTHER

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["Outcome", "around", "protected", "raise_again", "try_statement"]

EVERY = Ref(BaseException, "BaseException")


@dataclass(slots=True, eq=False)
class Outcome:
    """How a protected body ended."""

    code: Any  # the exit code of the body
    ok: State  # the variables when it ran to its end
    failed: State  # and when an exception was caught
    which: Val | None = None  # None: it can end in one way only
    error: Val | None = None
    sure: int = 0  # the handler that is entered whatever the values are


def place_of(lw: Lowerer, node: Any) -> Any:
    """An identity of a statement that lasts from one reading to the next."""
    source = lw.frame.source
    tag = getattr(node, "tag", "")
    return (getattr(source, "file", ""), node.lineno, node.col_offset, type(node).__name__, tag)


def protected(
    lw: Lowerer, node: Any, caught: list[Atom], body: Callable[[], Any], catch: thrown.Catch | None = None
) -> Outcome:
    """Read a body of which the exceptions ``caught`` are handled."""
    start = lw.state
    region = Region()
    place = None if getattr(node, "part", False) else place_of(lw, node)
    attempt = Attempt(start, place, tuple(c for a in caught for c in classes(a)))
    attempt.ours = getattr(lw.frame.source, "file", "") == iterators.__file__
    attempt.catch, attempt.handlers = catch, tuple(map(classes, caught))
    origin = lw.origin
    lw.state = start.copy()
    lw.attempts.append(attempt)
    try:
        with lw.inside(region):
            code = body()
    finally:
        lw.attempts.pop()
    end = lw.state
    if not attempt.raises:
        lw.region.ops.extend(region.ops)
        return Outcome(code, end, end)
    if len(region.ops) == 1 and "certain" in region.ops[0].attrs:
        sure = surely(region.ops[0].attrs["certain"], caught, node)
        if sure:
            return Outcome(code, end, before(lw, attempt, end), sure=sure)
    which, error = Val("failed", INT), Val("exception", OTHER)
    op = Op("try", caught, [], [region, Region([which, error])], {}, origin)
    which.op = error.op = op
    lw.region.ops.append(op)
    lw.point(op)
    op.attrs["handlers"] = len(caught)
    failed = before(lw, attempt, end)
    opened = Opened(op)
    ok, written = exported(opened, start, end, attempt.cells)
    failed.cells.update((c, ok.cells[c]) for c in written)
    if isinstance(code, Val):
        code = opened.val(code)
    outs = [Val("failed", INT, op), Val(handler_name(node), OTHER, op, user=True)]
    op.outs += outs
    op.regions[0].results += [Const(0), UNDEF]
    op.regions[1].results += [which, error]
    if attempt.payload and isinstance(node, gast.Try) and place is not None and thrown.asked(node):
        by_jump, real = ("thrown", place), ("raised", place)
        if by_jump not in lw.split and real not in lw.split:
            raise Reread(by_jump)
    return Outcome(code, ok, failed, outs[0], outs[1])


def classes(a: Atom) -> tuple[Any, ...]:
    return tuple(x.obj for x in (a.items if isinstance(a, Struct) else (a,)))  # type: ignore[union-attr]


def surely(error: type, caught: list[Atom], node: Any) -> int:
    """The handler that an exception ends in, if that does not ask for the exception itself."""
    for k, (a, h) in enumerate(zip(caught, getattr(node, "handlers", ()), strict=False), 1):
        if issubclass(error, classes(a)):
            return 0 if h.name is not None or parts.raises_again(h.body) else k
    return 0


def before(lw: Lowerer, attempt: Attempt, end: State) -> State:
    """The variables where a handler begins: as before the body, or not known."""
    start = attempt.start
    names, cells = dict(start.names), dict(start.cells)
    frames = {f for f, _ in start.names} | {lw.frame.id}
    names.update((key, b) for key, b in attempt.same.items() if key[0] in frames)
    for key in attempt.names:
        if key[0] in frames and key[1] != exits.RETURNED:
            names[key] = unknown(key[1], attempt)
    for cell in attempt.cells:
        held = [n for (_, n), b in start.names.items() if isinstance(b, Loc) and b.cell == cell]
        cells[cell] = unknown(held[0] if held else "an array", attempt)
    return State(names, cells, start.shares | end.shares)


def unknown(name: str, attempt: Attempt) -> Poison:
    word = name if name == "an array" else repr(name_of_flag(name).rstrip("!"))
    if attempt.ours:
        return Poison(
            "what this iterator holds when it ends depends on where its __next__ raises StopIteration",
            retry=attempt.key,
            slug="iterator",
            help="in __next__, raise StopIteration before anything is changed",
        )
    return Poison(
        f"what {word} holds here depends on where in a try statement an exception was raised",
        retry=attempt.key,
        slug="try",
        help="compute into new variables inside the try, and assign or store them after it (in its else)",
    )


# ---- the statement -----------------------------------------------------------------------------------


def try_statement(lw: Lowerer, s: Any, rest: list[Any]) -> Any:
    """A ``try`` and what follows it; returns the exit code."""
    if s.finalbody:
        return with_final(lw, s, rest)
    if place_of(lw, s) in lw.split and not getattr(s, "part", False):
        tree = lw.tree_once(s, "parts", lambda: parts.in_parts(lw, s))
        return lw.block([*tree, *rest])
    caught = [classes_of(lw, h.type, h) for h in s.handlers]
    place = place_of(lw, s)
    if ("thrown", place) in lw.split and ("raised", place) not in lw.split:
        return by_jumps(lw, s, caught, rest)
    out = protected(lw, s, caught, partial(lw.block, s.body))
    if out.sure:
        return handler(lw, out, s.handlers[out.sure - 1], rest)()
    if out.which is None:
        lw.state = out.ok
        return follow(lw, out.code, [*s.orelse, *rest])
    after: list[Any] = []
    if all(exits.always_leaves(h.body) for h in s.handlers):
        after, rest = rest, []
    elif len(s.handlers) == 1 and exits.always_leaves([*s.body, *s.orelse]):
        s_rest, rest = rest, []
        return meet(lw, out, [*s.orelse], [handler(lw, out, s.handlers[0], s_rest)], rest)
    return meet(lw, out, [*s.orelse, *after], [handler(lw, out, h, []) for h in s.handlers], rest)


def by_jumps(lw: Lowerer, s: Any, caught: list[Atom], rest: list[Any]) -> Any:
    """A ``try`` of which the handlers may look into exceptions that the program raises itself."""
    orelse, after = s.orelse, rest
    if all(exits.always_leaves(h.body) for h in s.handlers):
        orelse, after = [*s.orelse, *rest], []
    catch = thrown.new_catch(lw)
    try:
        out = protected(lw, s, caught, partial(lw.block, s.body), catch)
    except thrown.Lift:  # a call inside something that is no statement of its own
        raise Reread(("raised", place_of(lw, s))) from None
    if out.sure:
        return handler(lw, out, s.handlers[out.sure - 1], rest)()

    def ok() -> Any:
        lw.state = out.ok.copy()
        return thrown.sort_out(lw, out.code, catch, s.handlers, orelse)

    if out.which is None:
        return follow(lw, ok(), after)
    handlers = [handler(lw, out, h, []) for h in s.handlers]

    def failing(k: int) -> Any:
        if k == len(handlers):
            return handlers[k - 1]()
        return exits.merge_exits(lw, ended(lw, out, k), handlers[k - 1], partial(failing, k + 1), [])

    if isinstance(out.code, int) and out.code == exits.RAISE:
        return follow(lw, failing(1), after)
    return part_ways(lw, out, ok, partial(failing, 1), after)


def handler(lw: Lowerer, out: Outcome, h: Any, rest: list[Any]) -> Callable[[], Any]:
    def read() -> Any:
        lw.state = out.failed.copy()
        error = Plain(out.error if out.error is not None else UNDEF)
        if h.name is not None:
            lw.set_name(h.name.id, error)
        lw.handling.append(error)
        try:
            code = lw.block([*h.body, *rest])
        finally:
            lw.handling.pop()
        if h.name is not None:
            lw.state.names.pop((lw.frame.id, h.name.id), None)
        return code

    return read


def meet(
    lw: Lowerer, out: Outcome, orelse: list[Any], handlers: list[Callable[[], Any]], rest: list[Any]
) -> Any:
    """Where the paths of a ``try`` meet again: branches on how it ended."""

    def ok() -> Any:
        lw.state = out.ok.copy()
        return follow(lw, out.code, orelse)

    def failing(k: int) -> Any:
        if k == len(handlers):
            return handlers[k - 1]()
        return exits.merge_exits(
            lw, ended(lw, out, k), handlers[k - 1], partial(failing, k + 1), []
        )

    if isinstance(out.code, int) and out.code == exits.RAISE:
        return follow(lw, failing(1), rest)
    return part_ways(lw, out, ok, partial(failing, 1), rest)


def part_ways(
    lw: Lowerer, out: Outcome, ok: Callable[[], Any], failing: Callable[[], Any], rest: list[Any]
) -> Any:
    """The branch on how a protected body ended."""
    lw.state = out.ok.copy()
    cond, here = ended(lw, out, 0), lw.region
    left: list[Any] = []

    def failed() -> Any:
        left.append(failing())
        return left[0]

    code = exits.merge_exits(lw, cond, ok, failed, rest)
    if left and isinstance(left[0], int) and left[0] == exits.RAISE and out.which is not None:
        block = out.which.op  # where it failed an exception goes on: nothing comes after
        for op in here.ops:
            if op is block or (op.code == "if" and op.ins[0] is cond):
                op.attrs["only"] = 0
    return code


def ended(lw: Lowerer, out: Outcome, k: int) -> Atom:
    assert out.which is not None
    return lw.prim(ops.exit_is, [out.which, Const(k)])


def follow(lw: Lowerer, code: Any, stmts: list[Any]) -> Any:
    """What comes after a block that ended with ``code``."""
    if isinstance(code, Const):
        code = code.value
    if isinstance(code, int):
        return lw.block(stmts) if code == exits.FALL else code
    if not stmts:
        return code
    test = lw.prim(ops.exit_is, [code, Const(exits.FALL)])
    return exits.merge_exits(lw, test, lambda: lw.block(stmts), lambda: code, [])


def classes_of(lw: Lowerer, node: Any, place: Any) -> Atom:
    """The exceptions that a handler catches, known when the derivative is made."""
    if node is None:
        return EVERY
    b = lw.expr(node)
    c = content(lw, b)
    parts_ = c.items if isinstance(c, Agg) and c.type is tuple else (c,)
    atoms = [lw.read(p, node) if isinstance(p, (Known, Plain)) else UNDEF for p in parts_]
    for a in atoms:
        if not (isinstance(a, Ref) and isinstance(a.obj, type) and issubclass(a.obj, BaseException)):
            lw.stop(
                "except", "which exceptions are caught here is not known when the derivative is made", node,
                help="name the exception classes: except (ValueError, ZeroDivisionError):",
            )  # fmt: skip
    return alone_or_tuple(atoms)


def handler_name(node: Any) -> str:
    names = [h.name.id for h in getattr(node, "handlers", ()) if h.name is not None]
    return str(names[0]).rstrip("!") if names else "error"


def raise_again(lw: Lowerer, error: Bound, s: Any) -> int:
    """Raise an exception that was caught."""
    tree = gast.copy_location(gast.Raise(gast.Name("error!", gast.Load(), None, None), None), s)
    attrs = {"tree": tree, "free": ("error!",), "effect": True}
    lw.add(Op("opaque", [lw.read(error, s)], attrs=attrs))
    return exits.RAISE


# ---- finally -----------------------------------------------------------------------------------------


def with_final(lw: Lowerer, s: Any, rest: list[Any]) -> Any:
    """``try ... finally``: the last part runs on every path; an exception is raised again after it."""
    inner = s.body
    if s.handlers:
        made = gast.copy_location(gast.Try(s.body, s.handlers, s.orelse, []), s)
        inner = lw.tree_once(s, "inner", lambda: [made])
    if not lw.attempts and parts.harmless(s.finalbody):
        code = lw.block(inner)
        return last(lw, code, s.finalbody, rest)
    if not lw.attempts and not exits.jumps(s.finalbody) and recursion.unprotected(lw):
        found = unseen(lw, inner, s.finalbody)
        if found is not None:
            return follow(lw, found, rest)
    mark = gast.copy_location(gast.Try([], [], [], s.finalbody), s)
    mark.tag = "finally"
    return around(
        lw,
        lw.tree_once(s, "mark", lambda: mark),
        inner,
        lambda code: last(lw, code, s.finalbody, rest),
        lambda error: again_after(lw, error, s),
    )


def unseen(lw: Lowerer, inner: list[Any], final: list[Any]) -> Any:
    """The exit code of a block and its ``finally``, if nobody sees the latter where an exception goes on.

    What it changes are things of the program, and the program ends there; None if it acts on the world.
    """
    before = snapshot(lw)
    code = lw.block(inner)
    if not (isinstance(code, int) and code == exits.RAISE):
        size = len(lw.region.ops)
        after = lw.block(final)
        made = Region(ops=lw.region.ops[size:])
        if after == exits.FALL and not any(recursion.has_effect(op) for op in walk(made)):
            return code
    recover(lw, before)
    return None


def around(
    lw: Lowerer,
    node: Any,
    body: list[Any],
    ended_well: Callable[[Any], Any],
    raised: Callable[[Bound], Any],
) -> Any:
    """Read statements with something to be done after them whatever happens.

    ``ended_well(code)`` reads what comes after a body that ended with the exit code ``code``;
    ``raised(error)`` what comes after any exception.  Both return exit codes.  Managers are built on this.
    """

    def failed(error: Bound) -> Any:
        lw.handling.append(error)
        try:
            return raised(error)
        finally:
            lw.handling.pop()

    if place_of(lw, node) in lw.split:
        tree, flag, error = lw.tree_once(node, "parts", lambda: parts.around_in_parts(lw, node, body))
        code = lw.block(tree)
        test = lw.prim(ops.exit_is, [lw.read(lookup(lw, flag)), Const(0)])
        return exits.merge_exits(
            lw, test, lambda: ended_well(code), lambda: failed(lookup(lw, error)), []
        )
    out = protected(lw, node, [EVERY], partial(lw.block, body))
    if out.which is None:
        lw.state = out.ok
        return ended_well(out.code)

    def ok() -> Any:
        lw.state = out.ok.copy()
        return ended_well(out.code)

    def not_ok() -> Any:
        lw.state = out.failed.copy()
        return failed(Plain(out.error))  # type: ignore[arg-type]

    return part_ways(lw, out, ok, not_ok, [])


def last(lw: Lowerer, code: Any, final: list[Any], rest: list[Any]) -> Any:
    """The ``finally`` after a block that ended with ``code``; what it leaves by itself counts more."""
    if isinstance(code, int) and code == exits.RAISE:
        return code
    after = lw.block(final)
    if isinstance(after, int):
        return follow(lw, code, rest) if after == exits.FALL else after
    test = lw.prim(ops.exit_is, [after, Const(exits.FALL)])
    return exits.merge_exits(lw, test, lambda: follow(lw, code, rest), lambda: after, [])


def again_after(lw: Lowerer, error: Bound, s: Any) -> Any:
    after = lw.block(s.finalbody)
    if isinstance(after, int):
        return raise_again(lw, error, s) if after == exits.FALL else after
    test = lw.prim(ops.exit_is, [after, Const(exits.FALL)])
    return exits.merge_exits(lw, test, lambda: raise_again(lw, error, s), lambda: after, [])

