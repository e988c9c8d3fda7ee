"""Reading calls: library functions, Python's own, methods, and the user's functions (read in place)."""

from __future__ import annotations

import contextlib
import functools
import inspect
import types
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.backends import numpy_names
from srcdiff.errors import SourceNotFound
from srcdiff.frontend import (
    captures,
    checkpoints,
    derived,
    effects,
    entering,
    expressions,
    frozen,
    locally,
    methods,
    objects,
    opaque,
    operands,
    ruled,
    sequences,
    source,
    tools,
    unordered,
    words,
)
from srcdiff.frontend import library as library_functions
from srcdiff.frontend.captures import own_text
from srcdiff.frontend.core import Bottom
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import (
    Agg,
    Args,
    Bound,
    Closure,
    Derived,
    Either,
    Known,
    Kw,
    Loc,
    Method,
    Partial,
    Plain,
    Poison,
    Pulled,
    Spread,
)
from srcdiff.ir.graph import Const, Ref, Val, op_of
from srcdiff.ir.modules import package_of

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["call", "call_known"]


def call(lw: Lowerer, func: Bound, args: Args, kwargs: Kw, node: Any) -> Bound:
    """The bound of ``func(*args, **kwargs)``."""
    match func:
        case Partial(fn, first, given):
            return call(lw, fn, [*first, *args], {**given, **kwargs}, node)
        case Closure():
            return entering.inline_closure(lw, func, args, kwargs, node)
        case Poison():
            lw.read(func, node)
        case Either() if words.resolved(lw, func) is not func:
            return call(lw, words.resolved(lw, func), args, kwargs, node)
        case Plain(Const(None)):
            lw.add_raise("TypeError", "'NoneType' object is not callable")
            raise Bottom
        case Either(test, first_fn, other_fn):
            return lw.choose(
                test,
                lambda: call(lw, first_fn, args, kwargs, node),
                lambda: call(lw, other_fn, args, kwargs, node),
                node,
                "if",
            )
        case Derived(fn, "checkpointed"):
            return checkpoints.call_again(lw, fn, args, kwargs, node)
        case Derived() | Pulled():
            return lw.ctx.derive(lw, func, args, kwargs, node)  # type: ignore[no-any-return]
        case Method(owner, name):
            if name != "append":
                lw.shows(owner, *args, *kwargs.values())
            return methods.method(lw, owner, name, args, kwargs, node)
        case Known(obj, text, path):
            lw.shows(*args, *kwargs.values())
            return call_known(lw, obj, text, path, args, kwargs, node)
        case Plain(Ref(obj, text)):
            lw.shows(*args, *kwargs.values())
            return call_known(lw, obj, text, None, args, kwargs, node)
    box = content(lw, func)
    if isinstance(box, Agg):
        got = objects.lookup_class(lw, func, box.type, "__call__", node)
        if got is None:
            lw.stop("call", f"an object of class {box.type.__name__} cannot be called", node)
        return call(lw, got, args, kwargs, node)
    maker = maker_of(func)
    if maker:
        lw.stop(
            "call", f"an object that {maker} makes of numbers that vary is called: it has no rule", node,
            help="call a function of arrays (np.polyval, interpolate.make_interp_spline), or add a rule",
        )  # fmt: skip
    lw.stop("call", "this is called, but which function it is is not known when the derivative is made", node)


def maker_of(func: Bound) -> str:
    """The class that made an object of which nothing else is known."""
    v = func.atom if isinstance(func, Plain) else func.val if isinstance(func, Loc) else None
    op = op_of(v)
    while op is not None and op.code == "prim" and op.attrs.get("method") and op.ins:
        first = op.ins[0]
        op = first.op if isinstance(first, Val) and first.op is not None else None
    if op is None or op.code != "prim" or not isinstance(op.fn, type):
        return ""
    return op.attrs.get("unread", ("",))[0] or op.fn.__name__


def dispatched(obj: Any) -> Any:
    """By class, the functions behind one of ``functools.singledispatch``."""
    return obj.__dict__.get("registry") if "dispatch" in obj.__dict__ else None


def call_dispatched(
    lw: Lowerer, obj: Any, text: str, path: Any, args: Args, kwargs: Kw, node: Any, at: int = 0
) -> Bound:
    """The function for the class of the first argument, or another: classes below others come first."""
    from srcdiff.frontend import builtin

    found = dispatched(obj)
    if path is not None:
        lw.guards[path] = obj
        count = (*path, ("attr", "registry"), ("most", len(found) + 1))
        lw.guards[count] = len(found)

    def call_of(cls: type) -> Bound:
        return call_known(lw, found[cls], text, None, args, kwargs, node)

    def chosen(classes: list[type]) -> Bound:
        cls, *others = classes
        if cls is object:
            return call_of(cls)
        is_one = builtin.is_instance(lw, args[at], cls, node)
        if isinstance(is_one, Const):
            return call_of(cls) if is_one.value else chosen(others)
        return lw.choose(is_one, lambda: call_of(cls), lambda: chosen(others), node, "if")

    return chosen(sorted(found, key=lambda c: -len(c.__mro__)))


def call_known(lw: Lowerer, obj: Any, text: str, path: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    original = obj
    if (slot := numpy_names.hashed(obj)) is not obj:
        if path is not None and not lw.frame.static:
            lw.guards[path] = obj
        obj, path = slot, None
    if isinstance(obj, locally.LocalFunction):
        return entering.inline_closure(lw, obj.closure, args, kwargs, node, obj.cls[0])
    if isinstance(obj, types.MethodType) and isinstance(obj.__func__, locally.LocalFunction):
        bound_to = Known(obj.__self__, getattr(obj.__self__, "__name__", "cls"))
        return call_known(lw, obj.__func__, text, None, [bound_to, *args], kwargs, node)
    if (
        isinstance(obj, types.FunctionType)
        and obj.__module__ in entering.OWN_TEXTS
        and obj not in objects.SPECIAL
    ):
        return entering.inline_function(lw, obj, source.find(obj), None, args, kwargs, node)
    if not isinstance(obj, (types.FunctionType, types.MethodType, functools.partial)):
        split = split_argument(lw, obj, text, path, args, kwargs, node)
        if split is not None:
            return split
        if any(isinstance(a, Spread) for a in args):
            count = fields_taken(obj)
            if count is None:
                return call_spread(lw, obj, text, path, args, kwargs, node)
            args = entering.taken_from_spread(lw, args, count, set(), False, text, node)
    if isinstance(obj, types.BuiltinFunctionType) and not kwargs and not lw.frame.static:
        got = expressions.of_sign(lw, obj, args, node)
        if got is not None:
            return got
    if lw.ctx.is_known(obj):
        args, kwargs = operands.as_arrays(lw, obj, args, kwargs, node)
        args, kwargs = operands.by_name(lw, obj, args, kwargs)
    kwargs = operands.without_nones(lw, obj, kwargs)
    into = isinstance(obj, np.ufunc) and ("out" in kwargs or len(args) > obj.nin)
    if into and obj.nout > 1:
        return ruled.with_outs(lw, obj, text, path, args, kwargs, node)
    if unordered.goes_through(obj) and len(args) == 1:
        args = [unordered.gone_through(lw, args[0], node)]
    for special in lw.special(obj):
        got = special(lw, args, kwargs, node)
        if got is not None:
            return got  # type: ignore[no-any-return]
    if into:
        return ruled.with_out(lw, obj, text, path, args, kwargs, node)
    method_of = lw.method_of(obj)
    if method_of is not None:
        return method_of(lw, args, kwargs, path, node)  # type: ignore[no-any-return]
    if isinstance(obj, np.ufunc) and kwargs.keys() & {"dtype", "where"}:
        return ruled.ufunc_option(lw, obj, text, path, args, kwargs, node)
    with contextlib.suppress(TypeError):
        if isinstance(obj, np.ufunc) and obj in numpy_names.CANONICAL:  # (an operator joins lists)
            args = [operands.as_array(lw, a, node) for a in args]
            args = ruled.of_numpy(lw, obj, args, node)
            kwargs = ruled.of_operator(lw, text, kwargs, node)
        obj = numpy_names.CANONICAL.get(obj, obj)
    definitions = lw.ctx.definitions(obj, len(args), kwargs)
    if definitions and "out" in kwargs:
        return ruled.with_out(lw, obj, text, path, args, kwargs, node)
    for defined in definitions:
        got = ruled.by_definition(lw, obj, defined, args, kwargs, node)
        if got is not None:
            if path is not None and not lw.frame.static:
                lw.guards[path] = original
            return got
    if lw.ctx.is_known(obj):
        if path is not None and not lw.frame.static:
            lw.guards[path] = original
        if "out" in kwargs:
            return ruled.with_out(lw, obj, text, path, args, kwargs, node)
        saving = lw.ctx.with_saved(obj)
        if saving is not None:
            return ruled.call_saving(lw, saving, text, args, kwargs, node)
        return ruled.library(lw, obj, text, args, kwargs, node)
    transform = None if isinstance(obj, types.MethodType) else lw.ctx.transform(obj)
    if transform is not None:
        if path is not None:
            kept = derived.KEPT.get(transform, ())
            lw.guards.update({(*path, ("attr", a)): getattr(obj, a) for a in kept} or {path: obj})
        return derived.derivative(lw, transform, obj, path, args, kwargs, node)
    tool = tools.call_tool(lw, obj, args, node)
    if tool is not None:
        return tool
    if isinstance(obj, functools.partial):
        inner = Known(
            obj.func, getattr(obj.func, "__name__", text), None if path is None else (*path, ("attr", "func"))
        )
        first = [
            captures.outside(lw,
                v, f"{text}_arg{i}", None if path is None else (*path, ("attr", "args"), ("item", i)), node
            )
            for i, v in enumerate(obj.args)
        ]
        given = {
            k: captures.outside(
                lw, v, k, None if path is None else (*path, ("attr", "keywords"), ("item", k)), node
            )
            for k, v in obj.keywords.items()
        }
        return call(lw, inner, [*first, *args], {**given, **kwargs}, node)
    if isinstance(obj, types.MethodType) and path is None and not lw.frame.static:
        return opaque.opaque_call(lw, obj, text, args, kwargs, node, None)
    if isinstance(obj, types.MethodType):
        own = captures.outside(lw,
            obj.__self__,
            text.rpartition(".")[0] or "self",
            None if path is None else (*path, ("attr", "__self__")),
            node,
        )
        func_path = None if path is None else (*path, ("attr", "__func__"))
        return call_known(lw, obj.__func__, text, func_path, [own, *args], kwargs, node)
    if isinstance(obj, type):
        return entering.construct(lw, obj, text, args, kwargs, node)
    if not isinstance(obj, types.FunctionType) and isinstance(
        getattr(type(obj), "__call__", None),  # noqa: B004  (is it written in Python?)
        types.FunctionType,
    ):
        if lw.ctx.is_freezing(obj):
            made = objects.stand_in(frozen.Frozen)
            return made(lw, [Known(obj, text, path), *args], kwargs, node)  # type: ignore[no-any-return]
        if package_of(type(obj)) in ("numpy", "scipy"):
            if path is not None and not lw.frame.static:
                lw.guards[path] = obj
            return opaque.opaque_call(lw, obj, text, args, kwargs, node, None)
        call_path = None if path is None else (*path, ("attr", "__call__"), ("attr", "__func__"))
        return call_known(
            lw, type(obj).__call__, text, call_path, [Known(obj, text, path), *args], kwargs, node
        )
    if node is lw.discarded and opaque.acts_on_world(lw, obj, [*args, *kwargs.values()]):
        return opaque.opaque_call(lw, obj, text, args, kwargs, node, None)
    if isinstance(obj, functools._lru_cache_wrapper):  # results that it keeps are those of the function
        inner_path = None if path is None else (*path, ("attr", "__wrapped__"))
        return call_known(lw, obj.__wrapped__, text, inner_path, args, kwargs, node)
    if isinstance(obj, functools.singledispatchmethod) and len(args) > 1:
        inner_path = None if path is None else (*path, ("attr", "dispatcher"))
        return call_dispatched(lw, obj.dispatcher, text, inner_path, args, kwargs, node, 1)
    if isinstance(obj, types.FunctionType) and args and isinstance(dispatched(obj), types.MappingProxyType):
        return call_dispatched(lw, obj, text, path, args, kwargs, node)
    if isinstance(obj, types.FunctionType) and effects.is_python_own(obj):
        if path is not None and not lw.frame.static:
            lw.guards[path] = obj
        return opaque.opaque_call(lw, obj, text, args, kwargs, node, None)
    if lw.ctx.reason(obj):
        if path is not None and not lw.frame.static:
            lw.guards[path] = obj
        return opaque.opaque_call(lw, obj, text, args, kwargs, node, None)
    try:  # a function that wraps another one is read itself: what it adds counts
        unwrapped = source.Unwrapped(obj) if isinstance(obj, types.FunctionType) else source.unwrap(obj)
        found = source.find(unwrapped.function)
    except SourceNotFound as e:
        if path is not None and not lw.frame.static:
            lw.guards[path] = obj
        return opaque.opaque_call(lw, obj, text, args, kwargs, node, e)
    if unwrapped.args or unwrapped.kwargs:
        if path is not None and not lw.frame.static:
            lw.guards[path] = obj
        return opaque.opaque_call(lw, obj, text, args, kwargs, node, None)
    inner_path = (
        path if obj is unwrapped.function else None if path is None else (*path, ("attr", "__wrapped__"))
    )
    if lw.frame.static and library_functions.is_library(found.file) and not own_text((("const", obj),)):
        return ruled.inline_library(lw, unwrapped.function, found, obj, text, args, kwargs, node)

    def read() -> Bound:
        return entering.inline_function(lw, unwrapped.function, found, inner_path, args, kwargs, node)

    if not library_functions.begins(lw, found):
        return read()

    def refuse(why: library_functions.Unreadable) -> Bound:
        if path is not None:
            lw.guards[path] = obj
        return opaque.opaque_call(lw, obj, text, args, kwargs, node, why)

    if found.module_name in library_functions.STATEFUL:
        return refuse(library_functions.Unreadable("it draws from a hidden state, which it changes"))
    if opaque.is_numeric_library(obj) and not any(
        opaque.carries(lw, a, node) for a in [*args, *kwargs.values()]
    ):
        if path is not None:
            lw.guards[path] = obj
        return opaque.opaque_call(lw, obj, text, args, kwargs, node, None)
    return library_functions.read(lw, read, refuse, node, text)


def split_argument(
    lw: Lowerer, obj: Any, text: str, path: Any, args: Args, kwargs: Kw, node: Any
) -> Bound | None:
    """A call given one of two functions: the call with the one, or with the other."""
    at = next((i for i, a in enumerate(args) if isinstance(a, Either)), None)
    if at is None or sequences.is_iterating(obj):
        return None
    chosen: Any = args[at]

    def arm(b: Bound) -> Any:
        return lambda: call_known(lw, obj, text, path, [*args[:at], b, *args[at + 1 :]], kwargs, node)

    return lw.choose(chosen.test, arm(chosen.then), arm(chosen.other), node, "if")


def fields_taken(obj: Any) -> int | None:
    """How many arguments a class takes, if that is one number and it is written in Python; or a ufunc."""
    if isinstance(obj, np.ufunc):
        return obj.nin
    if not isinstance(obj, type) or obj.__module__ == "builtins":
        return None
    try:
        params = list(inspect.signature(obj).parameters.values())
    except (TypeError, ValueError):
        return None
    fixed = all(p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty for p in params)
    return len(params) if fixed else None


def call_spread(lw: Lowerer, obj: Any, text: str, path: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    """``max(*xs)``: a function that takes a sequence as well as its elements."""
    if obj in (max, min) and len(args) == 1:
        return call_known(lw, obj, text, path, [args[0].sequence], kwargs, node)  # type: ignore[union-attr]
    lw.stop("starred", f"how many arguments {text} gets is known only at run time", node,
            help="give it the arguments one by one")  # fmt: skip
