"""Calls of functions that have a rule, or a definition in terms of those that have."""

from __future__ import annotations

import contextlib
import functools
import inspect
import operator
from typing import TYPE_CHECKING, Any

import gast
import numpy as np

from srcdiff.backends import numpy_names
from srcdiff.frontend import (
    aliases,
    calls,
    captures,
    entering,
    exits,
    layouts,
    masked,
    objects,
    opaque,
    operands,
    source,
    views,
)
from srcdiff.frontend.constants import constant
from srcdiff.frontend.core import Stop
from srcdiff.frontend.objects import content
from srcdiff.frontend.paths import default_of, with_defaults
from srcdiff.frontend.scope import (
    Agg,
    Args,
    Bound,
    Closure,
    Either,
    Frame,
    Known,
    Kw,
    Loc,
    Partial,
    Plain,
    Step,
    declarations,
)
from srcdiff.frontend.trial import recover, snapshot
from srcdiff.frontend.words import is_const_none
from srcdiff.ir.graph import Atom, Const, Struct, Val, kind
from srcdiff.ir.indices import display
from srcdiff.ir.kinds import FLOAT, UNKNOWN, Array, Kind, Scalar, Seq, Tree, is_active_kind
from srcdiff.ir.modules import package_of

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = [
    "by_definition",
    "call_saving",
    "inline",
    "inline_library",
    "library",
    "of_numpy",
    "ufunc_option",
    "with_out",
]


def of_numpy(lw: Lowerer, fn: Any, args: Args, node: Any) -> Args:
    """The arguments of a function of NumPy that is read as an operator: of Python's numbers it makes NumPy's.

    ``1.0 / 0.0`` is an error, ``np.divide(1.0, 0.0)`` is infinite, and so is ``np.abs(1.0) / 0``.
    """
    if numpy_names.CANONICAL[fn] not in ARITHMETIC or lw.frame.static:
        return args
    kinds = [kind(lw.read(a, node)) for a in args]
    if all(isinstance(k, Scalar) and k.weak for k in kinds) and FLOAT in kinds:
        at = kinds.index(FLOAT)
        strong = lw.prim(np.float64, [lw.read(args[at], node)], result=Scalar("f8", False))
        args = [*args[:at], Plain(strong), *args[at + 1 :]]
    return args


ARITHMETIC = frozenset({
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow,
    operator.neg, operator.pos, operator.abs,
})  # fmt: skip


def inline_library(
    lw: Lowerer, fobj: Any, found: Any, obj: Any, text: str, args: Args, kwargs: Kw, node: Any
) -> Bound:
    """A library's function in a rule's text: read in place; called as it is, if that cannot be done."""
    before, problems = snapshot(lw), len(lw.problems)
    got: Bound | None = None
    with contextlib.suppress(Stop):
        got = entering.inline_function(lw, fobj, found, None, args, kwargs, node)
    if got is not None and len(lw.problems) == problems:
        return got
    recover(lw, before)
    return opaque.opaque_call(lw, obj, text, args, kwargs, node, None)


def struct_of(items: tuple[Any, ...]) -> Struct:
    """A tuple of constants."""
    return display(map(Const, items))


def of_operator(lw: Lowerer, text: str, kwargs: Kw, node: Any) -> Kw:
    """The keywords of a ufunc that is an operator by another name, without those that change no value."""
    rest = {n: b for n, b in kwargs.items() if n not in ("casting", "subok")}
    if "order" in rest and constant(lw.read(rest["order"], node)) in ("C", "K"):
        del rest["order"]
    for n in rest.keys() - {"out", "where", "dtype"}:
        lw.stop(
            "option", f"{text}({n}=...) is not supported", node,
            help=f"leave {n}= out, and turn or copy its operands or its result instead",
        )  # fmt: skip
    return rest


def by_definition(lw: Lowerer, fn: Any, defined: Any, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    """A function read as what it stands for; None if the definition does not cover the call.

    A problem in reading it is one of the program's, unless the function has a rule of its own, or an operand
    is of unknown kind: it is then called as it is.
    """
    before, problems = snapshot(lw), len(lw.problems)
    found = source.find(defined.text)
    if lw.frame.fobj is defined.text:
        return None
    a = found.node.args
    names, star = [p.id for p in a.args], a.vararg.id if a.vararg is not None else ""
    if (len(args) > len(names) and not star) or kwargs.keys() - {*names, *(p.id for p in a.kwonlyargs)}:
        return None
    places = [*names[: len(args)], *[star] * (len(args) - len(names))]
    otherwise = lw.ctx.is_known(fn)
    try:
        args = [
            operands.as_array(lw, b, node) if name in defined.operands else b
            for name, b in zip(places, args, strict=True)
        ]
        kwargs = {
            name: operands.as_array(lw, b, node) if name in defined.operands else b
            for name, b in kwargs.items()
        }
        given = [*zip(places, args, strict=True), *kwargs.items()]
        atoms = [lw.read(b, node) for name, b in given if name in defined.operands]
        otherwise = otherwise or any(kind(x) == UNKNOWN for x in atoms)
        if defined.operands and all(isinstance(x, Const) or not is_active_kind(kind(x)) for x in atoms):
            return None
        frame = Frame(found, defined.text, (("const", defined.text),), None, True)
        values = {name: default_of(defined.text, name) for name in with_defaults(defined.text)}
        defaults = {
            name: lw.bind(struct_of(v)) if isinstance(v, tuple) else Plain(Const(v))
            for name, v in values.items()
        }
        got = entering.enter_function(
            lw, frame, found.node, found.name, args, kwargs, defaults, node, defined.text.__code__
        )
    except Stop:
        if not otherwise:
            raise
        recover(lw, before)
        return None
    if declines(got) or (otherwise and len(lw.problems) > problems):
        recover(lw, before)
        return None
    return got


def declines(b: Bound) -> bool:
    """Whether a definition gives up, on some path at least."""
    if isinstance(b, Either):
        return declines(b.then) or declines(b.other)
    return isinstance(b, Known) and b.obj is NotImplemented


BUILT_IN: dict[Any, tuple[str, ...]] = {  # functions that cannot say what their arguments are called
    np.array: ("object", "dtype"), np.asarray: ("a", "dtype", "order"), np.ascontiguousarray: ("a", "dtype"),
    np.asanyarray: ("a", "dtype", "order"), np.asfortranarray: ("a", "dtype"),
    np.frombuffer: ("buffer", "dtype"),
}  # fmt: skip


@functools.cache
def places_of(fn: Any) -> tuple[str, ...]:
    """The names of the arguments that may be given by position or by name; those before as empty text."""
    if fn in BUILT_IN:
        return BUILT_IN[fn]
    try:
        params = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return ()
    plain = [p for p in params if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return tuple(p.name if p.kind is p.POSITIONAL_OR_KEYWORD else "" for p in plain)


def dtype_named(fn: Any, args: Args, kwargs: Kw) -> tuple[Args, Kw]:
    """A dtype that is given by position, and what is behind it, by name: rules do without it."""
    if len(args) < 2 or getattr(fn, "__module__", None) != "numpy":
        return args, kwargs
    names = places_of(fn)
    if "dtype" not in names or (at := names.index("dtype")) >= len(args) or len(args) > len(names):
        return args, kwargs
    return args[:at], {**dict(zip(names[at:], args[at:], strict=False)), **kwargs}


def library(lw: Lowerer, fn: Any, text: str, args: Args, kwargs: Kw, node: Any, method: str = "") -> Bound:
    """A pure function of the table."""
    args, kwargs = operands.as_arrays(lw, fn, [objects.opened(lw, a, node) for a in args], kwargs, node)
    args, kwargs = dtype_named(fn, args, kwargs)
    if not lw.frame.static and (same := layouts.given_back(lw, fn, args, kwargs)) is not None:
        return same
    if "copy" in kwargs and lw.read(kwargs["copy"]) != Const(True) and not lw.frame.static:
        lw.stop("option", f"{text}(copy=...) may or may not make a copy", node, help="leave copy= out")
    if any(isinstance(a, (Closure, Partial)) for a in [*args, *kwargs.values()]):
        lw.stop("call", f"a function is passed to {text}, which is not read through", node)
    top = package_of(fn)
    own = lw.frame.static or top == "srcdiff" or opaque.is_user_code(fn)  # takes any structure
    for a in [] if own else [*args, *kwargs.values()]:
        box = content(lw, a)
        if objects.is_object(box) and not issubclass(box.type, tuple):
            lw.stop(
                "value", f"{text} is given an object of class {box.type.__name__}", node,
                note="what is done with it is decided by its class",
                help="pass the number or array that it holds",
            )  # fmt: skip
    atoms = [lw.read(a, node) for a in args] + [lw.read(v, node) for v in kwargs.values()]
    if top == "scipy":  # (a permission to destroy what it is given, of which no use is made)
        kwargs = {k: v for k, v in kwargs.items() if not k.startswith("overwrite_")}
        atoms = [lw.read(a, node) for a in (*args, *kwargs.values())]
    names = ("",) * len(args) + tuple(kwargs) if kwargs else ()
    several = sum(isinstance(kind(a), Array) for a in atoms) > 1
    apart = lw.ctx.alias_of_one(fn) and several
    may_alias = lw.ctx.may_alias(fn) and not apart and fn not in layouts.COPIES
    copied = may_alias and not lw.frame.static and bool(args) and layouts.is_copy(lw, fn, args, kwargs)
    if copied:
        may_alias, apart = False, True
    if may_alias and args and not isinstance(content(lw, args[0]), Agg):
        step = Step(fn, tuple(atoms[1:]), names[1:], method)
        helper = top == "srcdiff"  # (it may give back what it is given, or something new)
        if not (helper or fn in layouts.MAY_COPY) or lw.frame.static or layouts.is_view(lw, fn, args[0]):
            arrays = [a for a in args if isinstance(a, Loc)]
            if isinstance(args[0], Loc) or not arrays:
                return views.view(lw, args[0], step)
    if "dtype" in kwargs and not lw.frame.static:
        check_dtype(lw, atoms[len(args) + list(kwargs).index("dtype")], text, node)
    new_memory: dict[str, Any] = {"view": False} if apart else {}
    value = lw.prim(fn, atoms, names, method=method, **new_memory)
    if copied:
        return lw.bind(value)
    made_apart = getattr(fn, "__made_apart__", False) and not lw.frame.static
    if made_apart and all(is_plain_data(kind(a)) for a in atoms):
        new = lw.bind(value)
        if isinstance(new, Loc):
            lw.own_lists.add(new.cell)
        return new
    is_array = isinstance(value, Val) and (isinstance(value.kind, Array) or value.kind == UNKNOWN)
    if may_alias and is_array and not lw.frame.static:
        new = lw.bind(value)
        alike = lw.ctx.shape_positions(fn)
        cells = {a.cell for n, a in enumerate(args) if isinstance(a, Loc) and n not in alike}
        if cells and isinstance(new, Loc):
            # a view or a copy: neither may be written to while the other is used
            aliases.may_be(lw.state, {new.cell}, cells)
        return new
    if isinstance(value, Val) and isinstance(value.kind, (Tree,)):
        return lw.take_apart(value, value.kind)
    if isinstance(value, Struct):
        return lw.bind(value)
    return Plain(value)


def is_plain_data(k: Kind) -> bool:
    """Whether a kind is a number, an array, or a list of these."""
    while isinstance(k, Seq):
        k = k.elem
    return isinstance(k, (Array, Scalar))


def call_saving(lw: Lowerer, saving: Any, text: str, args: Args, kwargs: Kw, node: Any) -> Bound:
    """A function whose rule saves: what computes it is read in place, and the rule attached to its value."""
    forward, joined = saving
    known = Known(forward, getattr(forward, "__name__", text), (("const", forward),))
    before = snapshot(lw)
    problems = len(lw.problems)
    try:
        got = content(lw, lw.call(known, args, kwargs, node))
        failed = len(lw.problems) > problems
    except Stop:
        failed = True
    if failed:  # it is called as it is: enough for the first order
        recover(lw, before)
        got = content(lw, opaque.opaque_forward(lw, known, text, args, kwargs, node))
    if isinstance(got, Plain) and kind(got.atom) == UNKNOWN:
        items = [lw.prim(operator.getitem, [got.atom, Const(i)], result=UNKNOWN) for i in (0, 1)]
    elif isinstance(got, Agg) and got.type is tuple and len(got.items) == 2:
        items = [lw.read(x, node) for x in got.items]
    else:
        lw.stop("rule", f"the forward function of the rule of {text} must return (value, saved)", node,
                help="return value, saved, with saved a tuple of what the pullback needs")  # fmt: skip
    value, saved = items
    atoms = [lw.read(a, node) for a in args] + [lw.read(v, node) for v in kwargs.values()]
    names = (*("",) * len(args), *kwargs, "saved", "value")
    return lw.bind(lw.prim(joined, [*atoms, saved, value], names, result=kind(value), text=text))


def with_out(lw: Lowerer, fn: Any, text: str, path: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    """``f(..., out=x)`` is ``x[...] = f(...)``."""
    kwargs = dict(kwargs)
    if isinstance(fn, np.ufunc) and len(args) > fn.nin:
        target, args = args[fn.nin], args[: fn.nin]
    else:
        target = kwargs.pop("out")
    box = content(lw, target)
    if isinstance(box, Agg) and len(box.items) == 1:
        target = box.items[0]
    if isinstance(target, Plain) and isinstance(kind(target.atom), Array):
        target = lw.bind(target.atom)  # made in the call itself
    nowhere = is_const_none(target)
    if isinstance(fn, np.ufunc) and "where" in kwargs and not nowhere:
        where = kwargs.pop("where")
        written = masked.call_where(lw, Known(fn, text, path), args, kwargs, target, where, node)
        if written is not None:
            return written
    value = calls.call_known(lw, fn, text, path, args, kwargs, node)
    return value if nowhere else put_out(lw, target, value, node)


def put_out(lw: Lowerer, target: Bound, value: Bound, node: Any) -> Bound:
    if not isinstance(target, Loc):
        lw.stop("option", "out= must be an array", node)
    current = lw.read(target)
    lw.write(
        target,
        views.written(lw, current, Const(...), lw.read(value), kind(current), user=True),
        node,
    )
    return target


def with_outs(lw: Lowerer, fn: Any, text: str, path: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    """The same of a function of several results (``np.modf``), each of which may be given a place."""
    args, targets, kwargs = args[: fn.nin], list(args[fn.nin :]), dict(kwargs)
    if "out" in kwargs:
        out = kwargs.pop("out")
        box = content(lw, out)  # (the first of them, where it was given by position)
        targets = [*(box.items if isinstance(box, Agg) else [out]), *targets]
    whole = calls.call_known(lw, fn, text, path, args, kwargs, node)
    box = content(lw, whole)
    if isinstance(box, Agg):
        items = list(box.items)
    else:
        items = [lw.bind(lw.getitem(lw.read(whole), Const(n))) for n in range(fn.nout)]
    for n, target in enumerate(targets):
        if not is_const_none(target):
            items[n] = put_out(lw, target, items[n], node)
    return Agg(tuple, tuple(range(len(items))), tuple(items))


def check_dtype(lw: Lowerer, dtype: Atom, text: str, node: Any) -> None:
    """Refuse arrays of records and objects: numbers in them cannot be followed."""
    value = constant(dtype)
    known = value is None or isinstance(value, (type, str, np.dtype))
    if isinstance(dtype, Struct) or (known and np.dtype(value).kind in "OV"):
        lw.stop(
            "dtype", f"{text} makes an array of records or objects here, which has no derivative", node,
            note="numbers that are put into it cannot be followed",
            help="use one array of floats for each field (dtype=float)",
        )  # fmt: skip


def ufunc_option(lw: Lowerer, fn: Any, text: str, path: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    """``f(..., dtype=t)`` computes in that type."""
    if "where" in kwargs:
        lw.stop(
            "option", f"{text}(where=...) is not supported", node,
            note="it leaves the other elements of its result unset",
            help=f"np.where(mask, {text}(...), other)",
        )  # fmt: skip
    kwargs = dict(kwargs)
    to = kwargs.pop("dtype")
    cast = [
        Plain(lw.prim(np.astype, [lw.read(a, node), lw.read(to, node)], method="astype"))
        if isinstance(kind(lw.read(a, node)), Array)
        else a
        for a in args
    ]
    value = calls.call_known(lw, fn, text, path, cast, kwargs, node)
    return Plain(lw.prim(np.astype, [lw.read(value), lw.read(to)], method="astype"))


def inline(lw: Lowerer, rule: Any, given: dict[str, Atom]) -> Bound:
    """Read a rule's text in place, on values of the graph."""
    found = source.find(rule)
    frame = Frame(found, rule, (("const", rule),), None, True)
    a = found.node.args

    params = [p.id for p in a.posonlyargs + a.args + a.kwonlyargs]
    bound: Kw = {}
    for p in params:
        if p in given:
            bound[p] = lw.bind(given[p])
        else:
            value = default_of(rule, p)
            bound[p] = (
                Plain(Const(value))
                if isinstance(value, (int, float))
                else captures.outside(lw, value, p, None, None, library=True)
            )
    if a.vararg is not None:
        v = given[a.vararg.id]
        bound[a.vararg.id] = lw.bind(v)
    written = isinstance(found.node, gast.FunctionDef)
    frame.locals = (declarations(found.node)[0] if written else frozenset()) | frozenset(bound)
    old, lw.frame = lw.frame, frame
    old_jumps, lw.jumps = lw.jumps, exits.Jumps()
    try:
        for k, b in bound.items():
            lw.state.names[frame.id, k] = b
        if not written:  # a lambda
            return lw.expr(found.node.body)
        lw.block(found.node.body)
        result = lw.state.names.get((frame.id, exits.RETURNED), Plain(Const(None)))
        for key in [k for k in lw.state.names if k[0] == frame.id]:
            del lw.state.names[key]
        return result
    finally:
        lw.frame, lw.jumps = old, old_jumps
