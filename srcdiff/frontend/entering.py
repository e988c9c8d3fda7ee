"""Functions and classes of the user's, read where they are called."""

from __future__ import annotations

import enum
import operator
import sys
from typing import TYPE_CHECKING, Any

import gast
import numpy as np

from srcdiff.frontend import (
    boxes,
    calls,
    captures,
    displays,
    exits,
    frozen,
    heaps,
    iterators,
    known_items,
    objects,
    opaque,
    recursion,
    thrown,
    views,
)
from srcdiff.frontend import library as library_functions
from srcdiff.frontend.captures import own_text
from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.core import Stop
from srcdiff.frontend.expressions import stored
from srcdiff.frontend.objects import content
from srcdiff.frontend.paths import default_of, with_defaults
from srcdiff.frontend.raising import Raised
from srcdiff.frontend.scope import (
    Agg,
    Args,
    Bound,
    Closure,
    Frame,
    Iter,
    Known,
    Kw,
    Loc,
    Partial,
    Plain,
    Spread,
    Step,
    nodes_in,
)
from srcdiff.frontend.sizes import at_most
from srcdiff.frontend.things import LIBRARIES
from srcdiff.frontend.trial import recover, snapshot
from srcdiff.ir.graph import Const, Ref, Slice, kind
from srcdiff.ir.kinds import STR, Array, Scalar

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = [
    "OWN_TEXTS",
    "construct",
    "enter_function",
    "inline_closure",
    "inline_function",
    "synthetic",
    "taken_from_spread",
]


OWN_TEXTS = frozenset(m.__name__ for m in (iterators, boxes, heaps, frozen))  # read in place of Python's


def synthetic(
    lw: Lowerer, node: Any, stmts: list[Any], given: dict[str, Bound], result: str, tag: str
) -> Bound:
    """Read statements made here, in a scope of their own."""
    tree = gast.Module(stmts, [])
    for n in gast.walk(tree):
        for field in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
            if getattr(n, field, None) is None:
                setattr(n, field, getattr(node, field, 0))
    frame = lw.frame.inner(inline=True)
    old, lw.frame = lw.frame, frame
    try:
        for k, b in given.items():
            lw.state.names[frame.id, k] = b
        frame.text, frame.result = lw.cached_tree((node, tag), tree), result
        thrown.hand_on(lw, lw.block(frame.text.body), node)
        got = lw.state.names[frame.id, result]
        if not escapes(lw, got):
            for key in [k for k in lw.state.names if k[0] == frame.id]:
                del lw.state.names[key]
    finally:
        lw.frame = old
    return got


def can_make(cls: type) -> bool:
    """Whether a class is one of the user's, so that ``construct`` reads the making of an object."""
    home = cls.__module__.partition(".")[0]
    return bool(cls.__flags__ & (1 << 9)) and home not in LIBRARIES and home not in sys.stdlib_module_names


def construct(lw: Lowerer, cls: type, text: str, args: Args, kwargs: Kw, node: Any) -> Bound:
    """What calling a class gives."""
    if issubclass(cls, enum.Enum) and len(args) == 1:
        value = lw.read(args[0], node)
        if not is_constant(value):
            lw.stop("class", f"which member of {text} is meant is known only at run time", node,
                    help="use if/elif on the value itself")  # fmt: skip
        return Known(cls(constant(value)), text)
    if issubclass(cls, BaseException):
        own = thrown.make(lw, cls, args, kwargs, node)
        if own is not None:
            return own
    if issubclass(cls, BaseException) or cls in (set, frozenset, object, bytes, slice, np.random.Generator):
        return opaque.opaque_call(lw, cls, text, args, kwargs, node, None)
    if issubclass(cls, np.generic) and len(args) == 1:
        a = lw.read(args[0], node)
        k = kind(a)
        if isinstance(k, (Scalar, Array)) or (k == STR and issubclass(cls, np.number)):
            return Plain(
                lw.prim(np.astype, [a, Ref(cls, text)])
                if isinstance(k, Array)
                else lw.prim(cls, [a], result=Scalar(np.dtype(cls).str[1:], False))
            )
    if not (issubclass(cls, tuple) and hasattr(cls, "_fields")):
        dataclass = hasattr(cls, "__dataclass_fields__")
        if library_functions.is_library_class(cls) and not dataclass and cls not in opaque.PLAIN:
            return opaque.opaque_call(lw, cls, text, args, kwargs, node, None)
        return objects.construct(lw, cls, args, kwargs, node)
    named: Any = cls
    given = dict(zip(named._fields, args, strict=False))
    given.update(kwargs)
    items = []
    for f in named._fields:
        if f in given:
            items.append(stored(lw, given[f]))
        elif f in named._field_defaults:
            items.append(captures.outside(lw, named._field_defaults[f], f, None, node, library=True))
        else:
            lw.stop("arguments", f"{cls.__name__}() needs {f!r}", node)
    lw.graph.info.setdefault("classes", {})[cls.__name__] = cls
    return Agg(cls, named._fields, tuple(items))


def inline_closure(
    lw: Lowerer, c: Closure, args: Args, kwargs: Kw, node: Any, home: type | None = None
) -> Bound:
    frame = c.frame.inner()
    given = [*c.node.args.posonlyargs, *c.node.args.args]
    frame.home, frame.first = home, given[0].id if home is not None and given else ""
    return enter_function(
        lw, frame, c.node, c.name, args, kwargs, dict(c.defaults), node, (id(c.node), c.frame.id)
    )


def inline_function(
    lw: Lowerer, fobj: Any, found: Any, path: Any, args: Args, kwargs: Kw, node: Any
) -> Bound:
    frame = Frame(found, fobj, path, None, lw.frame.static)
    if fobj.__module__ in OWN_TEXTS:
        frame.ours = True
    if str(fobj.__module__).startswith(__package__ + "."):  # what goes wrong is told at the caller's line
        frame.site = lw.frame, node if node is not None else lw.node
    defaults: Kw = {}
    for name in with_defaults(fobj):  # (as they are now: they may have been changed)
        value = default_of(fobj, name)
        known = None if path is None else captures.at_place(lw, (*path, ("default", name)))
        if known is not None:
            defaults[name] = known
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            if path is not None and not lw.frame.static:
                key = (*path, ("default", name))
                lw.guards[key] = value
            defaults[name] = Plain(Const(value))
        else:
            defaults[name] = captures.outside(lw,
                value,
                name,
                None if path is None else (*path, ("default", name)),
                node,
                library=lw.frame.static,
            )
    if path is not None and not (lw.frame.static and own_text(path)):
        lw.guards[path] = fobj.__code__
    return enter_function(lw, frame, found.node, found.name, args, kwargs, defaults, node, fobj.__code__)


def enter_function(
    lw: Lowerer,
    frame: Frame,
    fnode: Any,
    name: str,
    args: Args,
    kwargs: Kw,
    defaults: Kw,
    node: Any,
    ident: Any,
) -> Bound:
    """Read a function in place: its body runs in a frame of its own, on the caller's values."""
    if isinstance(fnode, gast.AsyncFunctionDef):
        lw.stop(
            "async", f"{name} is a coroutine function", node,
            note="what runs when, and how often, is decided by the event loop",
            help="write an ordinary function (def), and await its result outside",
        )  # fmt: skip
    bound = bind_arguments(lw, fnode.args, name, args, kwargs, defaults, node)
    if isinstance(fnode, gast.FunctionDef) and lw.is_generator(fnode):
        bound = {k: stored(lw, b) for k, b in bound.items()}
        return known_items.lazy(lw, "generator", frame, fnode, name, bound)
    site = recursion.site_of(lw, frame, fnode, name, bound, node, ident)
    if recursion.repeats(lw, site):
        return recursion.enter(lw, site)
    entry, start = recursion.Entry(site, lw.region, lw.statement), snapshot(lw)
    try:
        return read_in_place(lw, frame, fnode, bound, entry)
    except recursion.Again as again:
        if again.entry is not entry:
            raise
    recover(lw, start)
    return recursion.enter(lw, site)


def read_in_place(lw: Lowerer, frame: Frame, fnode: Any, bound: Kw, entry: Any) -> Bound:
    body = fnode.body if isinstance(fnode, gast.FunctionDef) else None
    frame.locals = frozenset(bound)
    if body is not None:
        lw.declare(frame, fnode, bound)
    old, old_origin, old_jumps, found = lw.frame, lw.origin, lw.jumps, len(lw.problems)
    lw.frame, lw.jumps = frame, exits.Jumps()
    lw.stack.append(entry)
    try:
        for k, b in bound.items():
            lw.state.names[frame.id, k] = stored(lw, b)
        if body is None:
            mark = snapshot(lw)
            try:
                return lw.expr(fnode.body)
            except thrown.Lift as lift:
                if not any(n is lift.node for n in nodes_in(fnode.body)):
                    raise
            recover(lw, mark)
            back = gast.copy_location(gast.Return(fnode.body), fnode.body)
            body = lw.tree_once(fnode, "body", lambda: [back])
        code = lw.block(body)
        if len(lw.problems) > found:
            raise Stop(None)
        thrown.hand_on(lw, code, entry.site.node)
        if isinstance(code, int) and code == exits.RAISE and lw.attempts:
            raise Raised
        result = lw.state.names.get((frame.id, exits.RETURNED), Plain(Const(None)))
        for key in [k for k in lw.state.names if k[0] == frame.id]:
            if (
                not frame.kept
                and not any(isinstance(b, Closure) and b.frame is frame for b in lw.state.names.values())
                and not escapes(lw, result)
            ):
                del lw.state.names[key]
        return result
    finally:
        lw.stack.pop()
        lw.frame, lw.origin, lw.jumps = old, old_origin, old_jumps


def escapes(lw: Lowerer, b: Bound) -> bool:
    """Whether a function or a generator goes out with ``b``: the scope it was made in lives on."""
    if isinstance(b, Loc) and isinstance(lw.state.cells.get(b.cell), Iter):
        return True
    b = content(lw, b)
    if isinstance(b, Closure):
        return True
    if isinstance(b, Iter):
        return b.kind != "range"
    if isinstance(b, Partial):
        return any(escapes(lw, x) for x in (b.fn, *b.args, *b.kwargs.values()))
    if isinstance(b, Agg):
        return any(escapes(lw, x) for x in b.items)
    return False


def bind_arguments(lw: Lowerer, a: Any, name: str, args: Args, kwargs: Kw, defaults: Kw, node: Any) -> Kw:
    pos = [p.id for p in a.posonlyargs + a.args]
    open_ = {n for n, p in enumerate(pos) if p in defaults and p not in kwargs}
    args = taken_from_spread(lw, args, len(pos), open_, a.vararg is not None, name, node)
    kwonly = [p.id for p in a.kwonlyargs]
    out: Kw = dict(zip(pos, args, strict=False))
    extra = args[len(pos) :]
    spread = any(isinstance(x, Spread) for x in extra)
    if extra and a.vararg is None:
        lw.stop("arguments", f"{name}() takes {len(pos)} arguments, {len(args)} given", node)
    if a.vararg is not None:
        whole = Agg(tuple, tuple(range(len(extra))), tuple(extra))
        out[a.vararg.id] = displays.joined(lw, runs(lw, extra, node), node) if spread else whole
    rest: Kw = {}
    for k, v in kwargs.items():
        if k in pos or k in kwonly:
            if k in out:
                lw.stop("arguments", f"{name}() got {k!r} twice", node)
            out[k] = v
        elif a.kwarg is not None:
            rest[k] = v
        else:
            lw.stop("arguments", f"{name}() has no parameter {k!r}", node)
    if a.kwarg is not None:
        out[a.kwarg.id] = Loc(lw.state.new_cell(Agg(dict, tuple(rest), tuple(rest.values()))))
    for p in pos + kwonly:
        if p not in out:
            if p not in defaults:
                lw.stop("arguments", f"{name}() needs the argument {p!r}", node)
            out[p] = defaults[p]
    return out


def taken_from_spread(
    lw: Lowerer, args: Args, count: int, optional: set[int], variadic: bool, name: str, node: Any
) -> Args:
    """Positional parameters that a starred sequence of unknown length fills, taken from it one by one.

    Where some have defaults (``optional``), it is known only for the length at hand which these are.
    """
    at = next((i for i, x in enumerate(args) if isinstance(x, Spread)), None)
    if at is None or (at >= count and variadic):
        return args
    if at < len(args) - 1:
        lw.stop("starred", f"which parameters of {name} the starred argument fills is known only at run time",
                node, help="give it the arguments one by one")  # fmt: skip
    seq = args[at].sequence  # type: ignore[union-attr]
    base = seq if isinstance(seq, Loc) else lw.bind(lw.read(seq))
    fills = count - at
    if any(n >= at for n in optional):
        found = at_most(lw, lw.read(base), fills + 1)
        if found is None:
            lw.stop("starred", f"which parameters of {name} have their defaults is known only at run time",
                    node, help="give it the arguments one by one")  # fmt: skip
        if found > fills and not variadic:
            lw.stop("arguments", f"{name}() takes {count} arguments, more are given", node)
        fills = min(found, fills)
    first = [views.view(lw, base, Step(operator.getitem, (Const(i),))) for i in range(fills)]
    if not variadic or fills < count - at:
        return [*args[:at], *first]
    rest = lw.getitem(lw.read(base), Slice(Const(count - at), Const(None), Const(None)))
    return [*args[:at], *first, Spread(lw.bind(rest))]


def runs(lw: Lowerer, args: Args, node: Any) -> list[Any]:
    """Arguments as runs of known ones, and sequences between them."""
    parts: list[Any] = [[]]
    for a in args:
        if isinstance(a, Spread):
            parts += [calls.call(lw, Known(list, "list"), [a.sequence], {}, node), []]
        else:
            parts[-1].append(a)
    return parts
