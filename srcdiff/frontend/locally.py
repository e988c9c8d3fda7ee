"""``class`` in a function: a class is made while the function is read; its methods are read like closures.

The class is one of Python's, so that bases, ``super``, ``isinstance`` and ``@dataclass`` mean what they mean.
What stands for a method in it is a ``LocalFunction``, which leads to the closure; other attributes are what
the program has written to attributes of the class (``class_key``).  No text can name such a class, so that
its objects are never values (``check``).
"""

from __future__ import annotations

import dataclasses
import functools
import types
from typing import TYPE_CHECKING, Any

import gast

from srcdiff.errors import Problem, UnsupportedSyntax
from srcdiff.frontend.constants import constant, is_constant
from srcdiff.frontend.scope import Bound, Closure, Frame, Known, class_key, nodes_in
from srcdiff.ir.graph import Atom, Graph, Op, Ref, Slice, Struct, walk

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["LocalFunction", "LocalValue", "check", "class_statement", "is_function", "is_local"]

MARK = "__made_while_reading__"


@dataclasses.dataclass(frozen=True, eq=False)
class LocalFunction:
    """What stands for a method of a class that is defined in the function being read."""

    closure: Closure
    cls: list[Any]  # the class, once it is made

    def __call__(self) -> None:
        raise TypeError("a class of a function that is only read")


@dataclasses.dataclass(frozen=True, eq=False)
class LocalValue:
    """The default of a field of such a class."""

    bound: Bound


def is_local(cls: Any) -> bool:
    return isinstance(cls, type) and MARK in vars(cls)


_DECORATORS = {property: property, staticmethod: staticmethod, classmethod: classmethod,
               functools.cached_property: functools.cached_property}  # fmt: skip


_OPTIONS = frozenset({"init", "repr", "eq", "order", "unsafe_hash", "frozen", "match_args", "kw_only"})


def class_statement(lw: Lowerer, s: Any) -> None:
    from srcdiff.frontend.expressions import default_bounds, stored

    def unfit(why: str, node: Any = s) -> None:
        lw.stop("syntax", f"a class statement is not supported here: {why}", node,
                help="define the class outside the function")  # fmt: skip

    if s.keywords:
        unfit("its metaclass or its base decides how it is made")
    bases = tuple(known(lw, b, unfit) for b in s.bases)
    if any(type(b) is not type or "__init_subclass__" in dir_of(b) or "__slots__" in vars(b) for b in bases):
        unfit("its base decides how it is made")
    if any(b in (tuple, list, dict, set, str, int, float) or hasattr(b, "_fields") for b in bases):
        unfit("its base is built in")
    home: list[Any] = []
    made: dict[str, Any] = {MARK: True, "__module__": module_of(lw), "__qualname__": s.name}
    values: dict[str, Bound] = {}
    annotations: dict[str, Any] = {}
    for n in s.body:
        if isinstance(n, gast.Assign) and isinstance(n.value, gast.Name) and n.value.id in {**made, **values}:
            where = made if n.value.id in made else values
            where.update((t.id, where[n.value.id]) for t in n.targets if isinstance(t, gast.Name))
            continue
        own = {x.id for e in at_once(n) for x in nodes_in(e) if isinstance(x, gast.Name)}
        if own & (made.keys() | values.keys()):
            unfit("an attribute is computed from another one", n)
        if isinstance(n, gast.FunctionDef):
            closure = Closure(n, lw.frame, n.name, default_bounds(lw, n.args))
            made[n.name] = method(lw, n, closure, home, made, unfit)
        elif isinstance(n, gast.Assign) and all(isinstance(t, gast.Name) for t in n.targets):
            values.update((t.id, stored(lw, lw.expr(n.value))) for t in n.targets)
        elif isinstance(n, gast.AnnAssign) and isinstance(n.target, gast.Name):
            annotations[n.target.id] = object
            if n.value is not None:
                values[n.target.id] = stored(lw, lw.expr(n.value))
        elif not isinstance(n, gast.Pass) and not isinstance(getattr(n, "value", None), gast.Constant):
            unfit("there is more in it than methods and attributes", n)
    as_dataclass = [known(lw, d.func if isinstance(d, gast.Call) else d, unfit) for d in s.decorator_list]
    if any(d is not dataclasses.dataclass for d in as_dataclass):
        unfit("it has a decorator", s.decorator_list[0])
    calls = [d for d in s.decorator_list if isinstance(d, gast.Call)]
    options = {k.arg: lw.read(lw.expr(k.value)) for d in calls for k in d.keywords}
    if any(d.args for d in calls) or not all(k in _OPTIONS and is_constant(a) for k, a in options.items()):
        unfit("its decorator is given options that decide how it is made", s.decorator_list[0])
    if as_dataclass:
        made["__annotations__"] = annotations
        made.update((k, LocalValue(b)) for k, b in values.items())
    cls = lw.tree_once(s, f"class {lw.frame.id}", lambda: type(s.name, bases, {}))
    for k in [k for k in vars(cls) if k not in ("__dict__", "__weakref__", "__doc__")]:
        delattr(cls, k) if k != "__module__" else None
    for k, v in made.items():
        setattr(cls, k, v)
        if hasattr(v, "__set_name__"):
            v.__set_name__(cls, k)
    home.append(cls)
    lw.frame.kept = True
    if as_dataclass:
        dataclasses.dataclass(**{k: constant(a) for k, a in options.items()})(cls)
    before = {k: lw.state.names.get(class_key(cls, k)) for k in values}
    for k, b in values.items():
        old = before[k]
        if old is not None and old is not b:
            unfit("it is run more than once, and its attributes may differ")
        lw.state.names[class_key(cls, k)] = b
    lw.set_name(s.name, Known(cls, s.name))


def at_once(n: Any) -> list[Any]:
    """The expressions that are evaluated where a statement of a class stands."""
    if isinstance(n, gast.FunctionDef):
        return [*n.args.defaults, *(d for d in n.args.kw_defaults if d is not None)]
    return [n.value] if isinstance(n, (gast.Assign, gast.AnnAssign)) and n.value is not None else []


def dir_of(cls: type) -> set[str]:
    return {k for c in cls.__mro__ if c is not object for k in vars(c)}


def known(lw: Lowerer, node: Any, unfit: Any) -> Any:
    b = lw.settled(lw.expr(node))
    if not isinstance(b, Known):
        unfit("what it is made from is not known when the derivative is made", node)
    return b.obj


def module_of(lw: Lowerer) -> str:
    f: Frame | None = lw.frame
    while f is not None and f.fobj is None:
        f = f.parent
    return str(f.fobj.__globals__.get("__name__")) if f is not None else "__main__"


def method(lw: Lowerer, n: Any, closure: Closure, home: list[Any], made: dict[str, Any], unfit: Any) -> Any:
    """What stands in the class for a ``def``, with its decorators."""
    fn: Any = LocalFunction(closure, home)
    for d in reversed(n.decorator_list):
        if isinstance(d, gast.Attribute) and isinstance(d.value, gast.Name) and d.attr == "setter":
            first = made.get(d.value.id)
            if isinstance(first, property):
                fn = property(first.fget, fn)
                continue
        kind = known(lw, d, unfit)
        if kind not in _DECORATORS or not isinstance(fn, LocalFunction):
            unfit("a method of it has a decorator", d)
        fn = _DECORATORS[kind](fn)
    return fn


def is_function(x: Any) -> bool:
    """Whether something in a class is a method that can be read."""
    return isinstance(x, (types.FunctionType, LocalFunction))


def check(graph: Graph) -> None:
    """Refuse what would have to name such a class in the text."""
    for op in walk(graph.region):
        for a in op.ins:
            cls = named(a)
            if cls is not None:
                raise_problem(op, cls)


def raise_problem(op: Op, cls: type) -> None:
    what = f"an object of class {cls.__name__}, or the class itself, is used as a value"
    note = "the class is defined in the function, so that the derivative cannot name it"
    help = "define the class outside the function"
    o = op.origin
    if o is None:
        raise UnsupportedSyntax(Problem("class", what, note=note, help=help))
    raise UnsupportedSyntax(Problem("class", what, o.file, o.line, 0, len(o.text), o.text, "", note, help))


def named(a: Atom) -> type | None:
    if isinstance(a, Ref):
        return a.obj if is_local(a.obj) else None
    if isinstance(a, Struct):
        if is_local(a.type):
            return a.type  # type: ignore[no-any-return]
        return next((c for x in a.items if (c := named(x)) is not None), None)
    if isinstance(a, Slice):
        return next((c for x in (a.lower, a.upper, a.step) if (c := named(x)) is not None), None)
    return None
