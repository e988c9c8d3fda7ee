"""``with``: managers.

A manager that only touches the world (a lock, a file, a timer), or changes how arithmetic is done
(``np.errstate``), stays what it is: its block is a region of its own, and the latter surrounds the mirror of
the block as well.  One that is an object known here has its methods read; one made of a generator is read
with the block in the place of its ``yield``.  ``contextlib.suppress`` is the ``try`` that it stands for.
"""

from __future__ import annotations

import contextlib
import inspect
import types
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.backends import numpy_names
from srcdiff.errors import SourceNotFound
from srcdiff.frontend import (
    checkpoints,
    exits,
    expressions,
    generators,
    objects,
    parts,
    protect,
    source,
)
from srcdiff.frontend.blocks import Opened, exported
from srcdiff.frontend.comparisons import truth
from srcdiff.frontend.expressions import attribute
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Bound, Closure, Iter, Known, Loc, Partial, Plain, nodes_in
from srcdiff.frontend.trial import Trial
from srcdiff.frontend.words import name_of
from srcdiff.ir import ops
from srcdiff.ir.graph import Atom, Const, Op, Ref, Region, Val, kind, op_of
from srcdiff.ir.kinds import OTHER, UNKNOWN, is_active_kind

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["with_statement"]


def with_statement(lw: Lowerer, s: Any) -> Any:
    """A ``with``; returns the exit code of its body."""
    first, *others = s.items
    body = s.body
    if others:
        made = gast.copy_location(gast.With(others, s.body, None), s)
        made.tag = f"item {others[0].context_expr.col_offset}"
        body = lw.tree_once(s, "items", lambda: [made])
    trial = Trial(lw)
    func = lw.expr(first.context_expr.func) if isinstance(first.context_expr, gast.Call) else None
    if func is not None and checkpoints.is_checkpoint(func):
        lw.read(func)
        return checkpoints.block(lw, first.context_expr, body)
    made = generator_of(lw, func)
    if made is not None:
        args, kwargs = expressions.arguments(lw, first.context_expr)
        given = [*args, *kwargs.values()]
        if not (isinstance(func, Known) and only_acts(lw, func.obj, given)):
            return generator_block(lw, s, first, made, args, kwargs, body)
        names = (*("" for _ in args), *kwargs) if kwargs else ()
        atoms = [lw.read(b) for b in given]
        lw.read(func)
        manager = lw.prim(func.obj, atoms, names, result=OTHER, text=func.text)
        return plain_block(lw, first, manager, func.obj, body)
    if isinstance(func, Known):
        special = _SPECIAL.get(func.obj) if isinstance(func.obj, type) else None
        if special is not None:
            return special(lw, s, first, body)
        if isinstance(func.obj, type) and not lw.can_make(func.obj):
            atoms, names = arguments(lw, func, first.context_expr)
            attrs = {"fn": func.obj, "text": func.text, **({"names": names} if any(names) else {})}
            if func.obj in numpy_names.MODES:
                return block(lw, first, Op("with", atoms, attrs=attrs), body)
            manager = lw.prim(func.obj, atoms, names, result=OTHER, text=func.text)
            return plain_block(lw, first, manager, func.obj, body)
    if func is not None:
        trial.undo()  # (what reading the function did, it does again here)
    b = lw.settled(lw.expr(first.context_expr))
    if isinstance(b, Known) and lw.can_make(type(b.obj)):
        b = objects.adopt(lw, b)
    if isinstance(content(lw, b), Agg):
        return object_block(lw, s, first, b, body)
    atom = lw.read(b, first.context_expr)
    if kind(atom) not in (OTHER, UNKNOWN):
        lw.stop("with", "this is not a context manager", first.context_expr,
                help="give it the methods __enter__ and __exit__")  # fmt: skip
    return held_manager(lw, s, first, atom, body)


def behind(lw: Lowerer, atom: Any) -> Any:
    """The class of a manager that was made before, or what made it; None if that is not known."""
    if isinstance(atom, Ref):
        return type(atom.obj)
    made = op_of(atom)
    if made is not None and atom in made.outs:
        known = isinstance(made.fn, (type, types.BuiltinFunctionType))  # the latter: open, say
        return made.fn if made.code == "prim" and known else None
    found = [c for c in lw.captures.values() if c.name == name_of(atom)]
    return type(found[0].value) if found else None


def held_manager(lw: Lowerer, s: Any, item: Any, atom: Atom, body: list[Any]) -> Any:
    """The block of a manager that was made before it."""
    made = behind(lw, atom)
    given = atom.op.ins if isinstance(atom, Val) and atom.op is not None and atom in atom.op.outs else []
    if made is contextlib.suppress and all(isinstance(a, Ref) for a in given):
        name = f"suppressed {s.lineno}!"  # not a name of Python's
        classes = tuple(Known(a.obj, a.text) for a in given if isinstance(a, Ref))
        lw.set_name(name, Agg(tuple, tuple(range(len(classes))), classes))
        return lw.block(lw.tree_once(s, "suppress", lambda: [parts.catching(s, parts.load(name), body)]))
    if made is contextlib.nullcontext:
        if item.optional_vars is not None:
            lw.assign(item.optional_vars, lw.bind(given[0]) if given else Plain(Const(None)))
        return lw.block(body)
    if made is None or made is contextlib.suppress:
        lw.stop(
            "with", "which manager this is is not known when the derivative is made", item.context_expr,
            note="it may hold an exception back",
            help="make it in the with statement itself",
        )  # fmt: skip
    return plain_block(lw, item, atom, made, body)


def suppress(lw: Lowerer, s: Any, item: Any, body: list[Any]) -> Any:
    """``with suppress(E): body`` is ``try: body``, ``except E: pass``."""

    return lw.block(lw.tree_once(s, "suppress", lambda: [parts.suppressing(s, item.context_expr, body)]))


def null(lw: Lowerer, s: Any, item: Any, body: list[Any]) -> Any:
    """``with nullcontext(x) as y`` binds ``y``."""
    args = [*item.context_expr.args, *(k.value for k in item.context_expr.keywords)]
    value = lw.expr(args[0]) if args else Plain(Const(None))
    if item.optional_vars is not None:
        lw.assign(item.optional_vars, value)
    return lw.block(body)


_SPECIAL: dict[type, Any] = {contextlib.suppress: suppress, contextlib.nullcontext: null}


# ---- managers that stay what they are -----------------------------------------------------------------


def is_generator_manager(obj: Any) -> bool:
    """Whether a function was made a manager by ``contextlib.contextmanager``."""
    inner = getattr(obj, "__wrapped__", None)
    return isinstance(obj, types.FunctionType) and inner is not None and inspect.isgeneratorfunction(inner)


def managed() -> None:
    """Stands for what ``contextlib.contextmanager`` makes of a function defined in the program."""


def make_manager(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
    return Partial(Known(managed, "contextmanager"), tuple(args), {}) if len(args) == 1 else None


def made_before(lw: Lowerer, args: list[Bound], kwargs: dict[str, Bound], node: Any) -> Bound | None:
    lw.stop(
        "with", "a manager made of a generator is called outside a with statement", node,
        note="its block stands where its yield is",
        help="make it in the with statement itself: with manager(...) as x:",
    )  # fmt: skip


SPECIAL: dict[Any, Any] = {contextlib.contextmanager: make_manager, managed: made_before}


def generator_of(lw: Lowerer, func: Bound | None) -> Bound | None:
    """The generator function behind a function of ``contextlib.contextmanager``, or a method of such."""
    if isinstance(func, Known) and is_generator_manager(func.obj):
        path = None if func.path is None else (*func.path, ("attr", "__wrapped__"))
        return Known(func.obj.__wrapped__, func.text, path)
    if not isinstance(func, Partial):
        return None
    if isinstance(func.fn, Known) and func.fn.obj is managed:
        return func.args[0]
    inner = generator_of(lw, func.fn)
    return None if inner is None else Partial(inner, func.args, func.kwargs)


def only_acts(lw: Lowerer, fn: Any, given: list[Bound]) -> bool:
    """Whether a manager gives nothing, and is given nothing that the program computes or changes."""
    for b in given:
        c = content(lw, b)
        if isinstance(c, (Closure, Partial, Agg)) or not isinstance(c, (Plain, Known)):
            return False
        if isinstance(c, Plain) and is_active_kind(kind(c.atom)) and not isinstance(c.atom, Const):
            return False
    try:
        nodes = body_of(fn.__wrapped__)
    except SourceNotFound:
        return True
    if any(isinstance(n, gast.ExceptHandler) for n in nodes):
        return False
    if fn.__wrapped__.__closure__ or any(isinstance(n, (gast.Global, gast.Nonlocal)) for n in nodes):
        return False
    acts = any(isinstance(n, gast.Attribute) and isinstance(n.ctx, gast.Store) for n in nodes)
    return not acts and all(n.value is None for n in nodes if isinstance(n, gast.Yield))


def generator_block(
    lw: Lowerer, s: Any, item: Any, made: Bound, args: list[Bound], kwargs: dict[str, Bound], body: list[Any]
) -> Any:
    """The block of a manager made of a generator: it stands where the ``yield`` is, and what it raises too.

    How the block ended is kept in a variable while the generator runs to its end.
    """
    gen = lw.call(made, args, kwargs, item.context_expr)
    made_of = lw.state.cells[gen.cell] if isinstance(gen, Loc) else None
    if not isinstance(made_of, Iter):
        lw.stop("with", "this is not a context manager", item.context_expr,
                help="make it with contextlib.contextmanager, of a function with one yield")  # fmt: skip
    assert isinstance(gen, Loc)
    lw.state.cells[gen.cell] = Iter("spent", ())
    where = item.context_expr
    frame, own, left = lw.frame, lw.jumps, f"left {where.lineno} {where.col_offset}!"
    lw.state.names[frame.id, left] = Plain(Const(exits.FALL))
    inside = [0]

    def take(value: Bound, rest: list[Any]) -> Any:
        if inside[0]:
            lw.stop("with", "the generator of this manager yields twice", item.context_expr,
                    help="let it have one yield")  # fmt: skip
        old, lw.jumps = lw.jumps, own
        try:
            if item.optional_vars is not None:
                lw.assign(item.optional_vars, value)
            code = lw.block(body)
        finally:
            lw.jumps = old
        if isinstance(code, int) and code == exits.RAISE:
            return code
        if not (isinstance(code, int) and code == exits.FALL):
            lw.state.names[frame.id, left] = Plain(Const(code) if isinstance(code, int) else code)
        inside[0] += 1
        try:
            return lw.block(rest)
        finally:
            inside[0] -= 1

    code = generators.drive(lw, s, made_of, take, throws=True)
    if isinstance(code, int) and code != exits.FALL:
        return code
    after = lw.state.names.pop((frame.id, left))
    atom = lw.read(after)
    return atom.value if isinstance(atom, Const) else atom


def arguments(lw: Lowerer, func: Known, node: Any) -> tuple[list[Atom], tuple[str, ...]]:
    """The arguments, and their names, of the call that makes a manager which carries no derivative."""
    if any(isinstance(a, gast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
        lw.stop("with", "the arguments of this manager must be written out", node)
    atoms = [lw.read(lw.expr(a), a) for a in [*node.args, *(k.value for k in node.keywords)]]
    for a in atoms:
        if isinstance(a, Val) and is_active_kind(a.kind):
            lw.stop(
                "with", f"the manager {func.text} is given a number or an array", node,
                note="what it does with it cannot be differentiated here",
                help="use the value inside the block instead, or make the manager a dataclass",
            )  # fmt: skip
    lw.read(func)
    return atoms, (*("" for _ in node.args), *(k.arg for k in node.keywords))


def plain_block(lw: Lowerer, item: Any, manager: Atom, made: Any, body: list[Any]) -> Any:
    """The block of a manager that only touches the world."""
    if holds_back(made):
        lw.stop(
            "with", "this manager may hold an exception back", item.context_expr,
            note="whether the block ran to its end is not known after it",
            help="use contextlib.suppress, or try and except",
        )  # fmt: skip
    return block(lw, item, Op("with", [manager], attrs={"effect": True}), body)


def block(lw: Lowerer, item: Any, op: Op, body: list[Any]) -> Any:
    """Read a block into a region of its own; returns the exit code."""
    start, target = lw.state, item.optional_vars
    entered = Val(target.id if isinstance(target, gast.Name) else "entered", OTHER, op)
    op.origin, op.regions = lw.origin, [Region([entered])]
    lw.state = start.copy()
    with lw.inside(op.regions[0]):
        if target is not None:
            lw.assign(target, Plain(entered))
        code = lw.block(body)
    end = lw.state
    lw.point(op)
    lw.region.ops.append(op)
    opened = Opened(op)
    lw.state, _ = exported(opened, start, end)
    return opened.val(code) if isinstance(code, Val) else code


def holds_back(made: Any) -> bool:
    """Whether a manager may swallow exceptions, as far as its source tells."""
    if isinstance(made, types.FunctionType):
        return any(isinstance(n, gast.ExceptHandler) for n in body_of(made.__wrapped__))  # type: ignore[attr-defined]
    leave = getattr(made, "__exit__", None)
    if not isinstance(leave, types.FunctionType):
        return False  # locks and files, written in C, do not
    try:
        nodes = body_of(leave)
    except SourceNotFound:
        return True
    given = [n.value for n in nodes if isinstance(n, gast.Return) and n.value is not None]
    return any(not (isinstance(v, gast.Constant) and not v.value) for v in given)


def body_of(fn: Any) -> list[Any]:
    return nodes_in(*source.find(fn).node.body)


# ---- objects --------------------------------------------------------------------------------------------


def object_block(lw: Lowerer, s: Any, item: Any, b: Bound, body: list[Any]) -> Any:
    """The block of an object whose methods can be read."""
    node = item.context_expr
    for name in ("__enter__", "__exit__"):
        if not isinstance(attribute(lw, b, name, node), Partial):
            lw.stop("with", "this is not a context manager", node, help=f"give it a method {name}")
    value = lw.call(attribute(lw, b, "__enter__", node), [], {}, node)
    if item.optional_vars is not None:
        lw.assign(item.optional_vars, value)

    def leave(args: list[Bound]) -> Bound:
        return lw.call(attribute(lw, b, "__exit__", node), args, {}, node)

    def well(code: Any) -> Any:
        if code != exits.RAISE:
            leave([Plain(Const(None))] * 3)
        return code

    def raised(error: Bound) -> Any:
        e = lw.read(error)
        trace = lw.prim(ops.attribute, [e, Const("__traceback__")], result=OTHER)
        got = leave([Plain(lw.prim(type, [e], result=OTHER)), error, Plain(trace)])
        known = truth(lw, got)
        if known is not None:
            return exits.FALL if known else protect.raise_again(lw, error, s)
        return exits.merge_exits(
            lw, lw.read(got), lambda: exits.FALL, lambda: protect.raise_again(lw, error, s), []
        )

    return protect.around(lw, s, body, well, raised)

