"""Python's functions that ask what a thing is (getattr, callable, type), and tools that give functions."""

from __future__ import annotations

import functools
import operator
import types
from collections import namedtuple
from typing import TYPE_CHECKING, Any

import numpy as np

from srcdiff.frontend import boxes, objects, unsure
from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.expressions import attribute, element
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Args, Bound, Closure, Either, Known, Kw, Loc, Method, Partial, Plain
from srcdiff.ir.graph import Atom, Const, Val, kind
from srcdiff.ir.kinds import BOOL, NONE, OTHER, STR, Array, Kind, Scalar, Seq

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["FUNCTIONS", "call_tool"]



def classes_of(lw: Lowerer, b: Bound) -> tuple[type, ...]:
    """The classes that a thing may be of; none if that is not known."""
    c = content(lw, b)
    if isinstance(c, Agg):
        return (boxes.stands_for(c.type),)
    if isinstance(c, Closure):
        return (types.FunctionType,)
    if isinstance(c, Partial):
        return (functools.partial,)
    if isinstance(c, Known):
        return (type(c.obj),)
    if not isinstance(c, (Plain, Loc)):
        return ()
    a = lw.read(c)
    if isinstance(a, Const):
        return (type(a.value),)
    return classes_of_kind(kind(a))


def classes_of_kind(k: Kind) -> tuple[type, ...]:
    match k:
        case Array():
            return (np.ndarray,)
        case Seq():
            return (list,)
        case Scalar("b1", _):
            return (bool, np.bool_)
        case Scalar(dtype, weak):
            own = {"f": float, "i": int, "c": complex}.get(dtype[0])
            numpys = np.dtype(dtype).type
            return (own, numpys) if weak and own is not None else (numpys,)
    if k == STR:
        return (str, bytes)
    return (type(None),) if k == NONE else ()


def defines(cls: type, name: str) -> bool:
    """Whether instances of a class have an attribute (not the class itself)."""
    return any(name in vars(c) for c in cls.__mro__)


def has(lw: Lowerer, b: Bound, name: str) -> bool | None:
    """Whether a thing has an attribute, where that is known."""
    c = content(lw, objects.adopt(lw, b))
    if isinstance(c, Known):
        return hasattr(c.obj, name)
    flag = own_field(lw, c, name)
    if flag is not None and (not isinstance(flag, Const) or flag.value):
        return unsure.truth_of(lw, flag)
    found = {defines(t, name) for t in classes_of(lw, b)}
    return found.pop() if len(found) == 1 else None


def own_field(lw: Lowerer, c: Any, name: str) -> Atom | None:
    """Whether a field of an object is set, if it is one that the class has not."""
    if not isinstance(c, Agg) or name not in c.keys or c.type in (tuple, list, dict):
        return None
    flag = unsure.part_flag(lw, c, name, lw.node)
    return Const(True) if isinstance(flag, Val) and defines(c.type, name) else flag


def text_of(lw: Lowerer, b: Bound, what: str, node: Any) -> str:
    a = lw.read(b, node)
    if not is_constant(a) or not isinstance(constant(a), str):
        lw.stop(
            "reflection", f"which attribute {what}() reads is known only at run time", node,
            help="choose between the attributes with if, or put the values into a list",
        )  # fmt: skip
    return str(constant(a))


def _getattr(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    name = text_of(lw, args[1], "getattr", node)
    if len(args) > 2:
        known = has(lw, args[0], name)
        flag = own_field(lw, content(lw, objects.adopt(lw, args[0])), name)
        if known is None and isinstance(flag, Val):
            return lw.choose(flag, lambda: attribute(lw, args[0], name, node), lambda: args[2], node, "if")
        if known is None:
            return None
        if not known:
            return args[2]
    got = attribute(lw, args[0], name, node)
    return None if isinstance(got, Method) and kind(lw.read(args[0], node)) == OTHER else got


def _hasattr(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    name = text_of(lw, args[1], "hasattr", node)
    known = has(lw, args[0], name)
    flag = own_field(lw, content(lw, objects.adopt(lw, args[0])), name)
    if known is not None:
        return Plain(Const(known))
    if flag is not None:
        return Plain(flag)
    return Plain(lw.prim(hasattr, [lw.read(args[0], node), Const(name)], result=BOOL))


def _callable(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    c = content(lw, args[0])
    if isinstance(c, Known):
        return Plain(Const(callable(c.obj)))
    if isinstance(c, (Closure, Partial, Method)):
        return Plain(Const(True))
    if isinstance(c, Agg):
        return Plain(Const(defines(c.type, "__call__")))
    found = {defines(t, "__call__") for t in classes_of(lw, args[0])}
    if len(found) == 1:
        return Plain(Const(found.pop()))
    return Plain(lw.prim(callable, [lw.read(args[0], node)], result=BOOL))


def _type(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    if len(args) != 1:
        lw.stop("class", "making a class in a differentiated function is not supported", node,
                help="define the class outside the function")  # fmt: skip
    found = classes_of(lw, args[0])
    if len(found) == 1:
        return Known(found[0], found[0].__name__)
    return Plain(lw.prim(type, [lw.read(args[0], node)], result=OTHER))


# ---- tools that give functions -------------------------------------------------------------------------


def the_same(f: Any) -> Any:
    """What a decorator that changes nothing here comes down to."""
    return f


def _given_back(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    return args[0]


def _cached(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    """``lru_cache`` keeps results; what it returns computes the same."""
    if args and isinstance(args[0], (Closure, Known, Partial, Either)):
        return args[0]
    return Known(the_same, "lru_cache")


def _wraps(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    return Partial(Known(functools.update_wrapper, "update_wrapper"), (), {"wrapped": args[0]})


def _update_wrapper(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    wrapper = args[0]
    wrapped = kwargs.get("wrapped", args[1] if len(args) > 1 else None)
    if isinstance(wrapper, Closure) and wrapped is not None:
        name = name_of_function(wrapped) or wrapper.name
        return Closure(wrapper.node, wrapper.frame, name, wrapper.defaults)
    return wrapper


def name_of_function(b: Bound) -> str:
    if isinstance(b, Closure):
        return b.name
    return str(getattr(b.obj, "__name__", "")) if isinstance(b, Known) else ""


def _tool(make: Any) -> Any:
    """``itemgetter(1)`` and the like: made now, from what is known."""

    def handler(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
        atoms = [lw.read(a, node) for a in args]
        if kwargs or not all(is_constant(a) for a in atoms):
            lw.stop("class", f"the arguments of {make.__name__} are known only at run time", node)
        return Known(make(*map(constant, atoms)), make.__name__)

    return handler


def _namedtuple(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    values = [constant(lw.read(a, node)) for a in args]
    options = {k: constant(lw.read(v, node)) for k, v in kwargs.items()}
    if not all(isinstance(v, (str, list, tuple, bool, int, float)) for v in [*values, *options.values()]):
        lw.stop("class", "the fields of this namedtuple are known only at run time", node)
    return Known(namedtuple(*values, **options), str(values[0]))


def call_tool(lw: Lowerer, obj: Any, args: Args, node: Any) -> Bound | None:
    """The call of an itemgetter, attrgetter or methodcaller; None if it is none."""
    if not isinstance(obj, (operator.itemgetter, operator.attrgetter, operator.methodcaller)):
        return None
    parts: tuple[Any, ...] = obj.__reduce__()[1]  # type: ignore[assignment]
    if isinstance(obj, operator.methodcaller):
        return lw.call(attribute(lw, args[0], parts[0], node), [Plain(Const(p)) for p in parts[1:]], {}, node)
    take = item if isinstance(obj, operator.itemgetter) else dotted
    got = tuple(take(lw, args[0], p, node) for p in parts)
    return got[0] if len(got) == 1 else Agg(tuple, tuple(range(len(got))), got)


def item(lw: Lowerer, b: Bound, key: Any, node: Any) -> Bound:
    box = content(lw, b)
    if isinstance(box, Agg):
        return element(lw, box, Const(key), node)
    return lw.bind(lw.getitem(lw.read(b, node), Const(key)))


def dotted(lw: Lowerer, b: Bound, path: str, node: Any) -> Bound:
    for name in path.split("."):
        b = attribute(lw, b, name, node)
    return b


def of_function(lw: Lowerer, owner: Bound, name: str) -> Bound | None:
    """An attribute of a function made in the function being read."""
    if name in ("__name__", "__qualname__") and isinstance(owner, Closure):
        return Plain(Const(owner.name))
    if isinstance(owner, Partial):
        if name == "func":
            return owner.fn
        if name == "args":
            return Agg(tuple, tuple(range(len(owner.args))), owner.args)
        if name == "keywords":
            return Loc(lw.state.new_cell(Agg(dict, tuple(owner.kwargs), tuple(owner.kwargs.values()))))
    return None


FUNCTIONS: dict[Any, Any] = {
    getattr: _getattr, hasattr: _hasattr, callable: _callable, type: _type,
    functools.lru_cache: _cached, functools.cache: _cached, functools.wraps: _wraps,
    functools.update_wrapper: _update_wrapper, the_same: _given_back, namedtuple: _namedtuple,
    **{f: _tool(f) for f in (operator.itemgetter, operator.attrgetter, operator.methodcaller)},
}  # fmt: skip
