"""Reading calls: library functions, Python's own, methods, and the user's functions (read in place)."""

from __future__ import annotations

import contextlib
import enum
import functools
import inspect
import operator
import sys
import types
from typing import TYPE_CHECKING, Any

import gast
import numpy as np

from srcdiff.backends import numpy_names
from srcdiff.errors import SourceNotFound
from srcdiff.frontend import (
    aliases,
    boxes,
    checkpoints,
    control,
    displays,
    effects,
    expressions,
    frozen,
    generators,
    heaps,
    iteration,
    iterators,
    lists,
    locally,
    mappings,
    masked,
    matrices,
    numeric,
    objects,
    operands,
    recursion,
    reflection,
    sequences,
    source,
    statements,
    texts,
    thrown,
    tools,
)
from srcdiff.frontend import library as library_functions
from srcdiff.frontend.core import LIBRARIES, Bottom, Stop, constant, is_constant, name_of, own_text
from srcdiff.frontend.expressions import attribute, content, element, one_of, stored
from srcdiff.frontend.infer import infer, length_of
from srcdiff.frontend.paths import default_of, with_defaults
from srcdiff.frontend.raising import Raised
from srcdiff.frontend.scope import (
    Agg,
    Bound,
    Closure,
    Derived,
    Either,
    Frame,
    Iter,
    Known,
    Loc,
    Method,
    Partial,
    Plain,
    Poison,
    Pulled,
    Spread,
    Step,
    declarations,
    nodes_in,
)
from srcdiff.frontend.sizes import at_most
from srcdiff.ir import ops
from srcdiff.ir.graph import ZERO, Atom, Const, Op, Ref, Slice, Struct, Val, kind
from srcdiff.ir.kinds import (
    BOOL,
    FLOAT,
    NONE,
    OTHER,
    STR,
    UNKNOWN,
    Array,
    Kind,
    Map,
    Scalar,
    Seq,
    Tree,
    fresh_sym,
    is_active_kind,
    present,
)

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["SPECIAL", "call", "inline", "inline_function", "synthetic"]

Args = list[Bound]
Kw = dict[str, Bound]


def call(lw: Lowerer, func: Bound, args: Args, kwargs: Kw, node: Any) -> Bound:
    """The bound of ``func(*args, **kwargs)``."""
    match func:
        case Partial(fn, first, given):
            return call(lw, fn, [*first, *args], {**given, **kwargs}, node)
        case Closure():
            return inline_closure(lw, func, args, kwargs, node)
        case Poison():
            lw.read(func, node)
        case Either() if expressions.resolved(lw, func) is not func:
            return call(lw, expressions.resolved(lw, func), args, kwargs, node)
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
            return method(lw, owner, name, args, kwargs, node)
        case Known(obj, text, path):
            return call_known(lw, obj, text, path, args, kwargs, node)
        case Plain(Ref(obj, text)):
            return call_known(lw, obj, text, None, args, kwargs, node)
    box = content(lw, func)
    if isinstance(box, Agg):
        got = objects.lookup_class(lw, func, box.type, "__call__", node)
        if got is None:
            lw.stop("call", f"an object of class {box.type.__name__} cannot be called", node)
        return call(lw, got, args, kwargs, node)
    lw.stop("call", "this is called, but which function it is is not known when the derivative is made", node)


OWN_TEXTS = frozenset(m.__name__ for m in (iterators, boxes, heaps, frozen))  # read in place of Python's


def call_known(lw: Lowerer, obj: Any, text: str, path: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    original = obj
    if isinstance(obj, locally.LocalFunction):
        return inline_closure(lw, obj.closure, args, kwargs, node, obj.cls[0])
    if isinstance(obj, types.MethodType) and isinstance(obj.__func__, locally.LocalFunction):
        bound_to = Known(obj.__self__, getattr(obj.__self__, "__name__", "cls"))
        return call_known(lw, obj.__func__, text, None, [bound_to, *args], kwargs, node)
    if isinstance(obj, types.FunctionType) and obj.__module__ in OWN_TEXTS and obj not in objects.SPECIAL:
        return inline_function(lw, obj, source.find(obj), None, args, kwargs, node)
    if not isinstance(obj, (types.FunctionType, types.MethodType, functools.partial)):
        split = split_argument(lw, obj, text, path, args, kwargs, node)
        if split is not None:
            return split
        if any(isinstance(a, Spread) for a in args):
            count = fields_taken(obj)
            if count is None:
                return call_spread(lw, obj, text, path, args, kwargs, node)
            args = taken_from_spread(lw, args, count, set(), False, text, node)
    if lw.ctx.is_known(obj):
        args, kwargs = operands.as_arrays(lw, obj, args, kwargs, node)
        args, kwargs = operands.by_name(lw, obj, args, kwargs)
    for special in lw.special(obj):
        got = special(lw, args, kwargs, node)
        if got is not None:
            return got  # type: ignore[no-any-return]
    if isinstance(obj, np.ufunc) and ("out" in kwargs or len(args) > obj.nin):
        return with_out(lw, obj, text, path, args, kwargs, node)
    method_of = lw.method_of(obj)
    if method_of is not None:
        return method_of(lw, args, kwargs, path, node)  # type: ignore[no-any-return]
    if isinstance(obj, np.ufunc) and kwargs.keys() & {"dtype", "where"}:
        return ufunc_option(lw, obj, text, path, args, kwargs, node)
    with contextlib.suppress(TypeError):
        if isinstance(obj, np.ufunc) and obj in numpy_names.CANONICAL:  # (an operator joins lists)
            args = [operands.as_array(lw, a, node) for a in args]
            args = of_numpy(lw, obj, args, node)
        obj = numpy_names.CANONICAL.get(obj, obj)
    definitions = lw.ctx.definitions(obj, len(args), kwargs)
    if definitions and "out" in kwargs:
        return with_out(lw, obj, text, path, args, kwargs, node)
    for defined in definitions:
        got = by_definition(lw, obj, defined, args, kwargs, node)
        if got is not None:
            if path is not None and not lw.frame.static:
                lw.guards[path] = original
            return got
    if lw.ctx.is_known(obj):
        if path is not None and not lw.frame.static:
            lw.guards[path] = original
        if "out" in kwargs:
            return with_out(lw, obj, text, path, args, kwargs, node)
        saving = lw.ctx.with_saved(obj)
        if saving is not None:
            return call_saving(lw, saving, text, args, kwargs, node)
        return library(lw, obj, text, args, kwargs, node)
    transform = None if isinstance(obj, types.MethodType) else lw.ctx.transform(obj)
    if transform is not None:
        if path is not None:
            kept = KEPT.get(transform, ())
            lw.guards.update({(*path, ("attr", a)): getattr(obj, a) for a in kept} or {path: obj})
        return derivative(lw, transform, obj, path, args, kwargs, node)
    tool = tools.call_tool(lw, obj, args, node)
    if tool is not None:
        return tool
    if isinstance(obj, functools.partial):
        inner = Known(
            obj.func, getattr(obj.func, "__name__", text), None if path is None else (*path, ("attr", "func"))
        )
        first = [
            lw.outside(
                v, f"{text}_arg{i}", None if path is None else (*path, ("attr", "args"), ("item", i)), node
            )
            for i, v in enumerate(obj.args)
        ]
        given = {
            k: lw.outside(v, k, None if path is None else (*path, ("attr", "keywords"), ("item", k)), node)
            for k, v in obj.keywords.items()
        }
        return call(lw, inner, [*first, *args], {**given, **kwargs}, node)
    if isinstance(obj, types.MethodType) and path is None and not lw.frame.static:
        return opaque_call(lw, obj, text, args, kwargs, node, None)
    if isinstance(obj, types.MethodType):
        own = lw.outside(
            obj.__self__,
            text.rpartition(".")[0] or "self",
            None if path is None else (*path, ("attr", "__self__")),
            node,
        )
        func_path = None if path is None else (*path, ("attr", "__func__"))
        return call_known(lw, obj.__func__, text, func_path, [own, *args], kwargs, node)
    if isinstance(obj, type):
        return construct(lw, obj, text, args, kwargs, node)
    if not isinstance(obj, types.FunctionType) and isinstance(
        getattr(type(obj), "__call__", None),  # noqa: B004  (is it written in Python?)
        types.FunctionType,
    ):
        if lw.ctx.is_freezing(obj):
            made = objects.stand_in(frozen.Frozen)
            return made(lw, [Known(obj, text, path), *args], kwargs, node)  # type: ignore[no-any-return]
        if type(obj).__module__.partition(".")[0] in ("numpy", "scipy"):
            if path is not None and not lw.frame.static:
                lw.guards[path] = obj
            return opaque_call(lw, obj, text, args, kwargs, node, None)
        call_path = None if path is None else (*path, ("attr", "__call__"), ("attr", "__func__"))
        return call_known(
            lw, type(obj).__call__, text, call_path, [Known(obj, text, path), *args], kwargs, node
        )
    if node is lw.discarded and acts_on_world(lw, obj, [*args, *kwargs.values()]):
        return opaque_call(lw, obj, text, args, kwargs, node, None)
    if isinstance(obj, functools._lru_cache_wrapper):  # results that it keeps are those of the function
        inner_path = None if path is None else (*path, ("attr", "__wrapped__"))
        return call_known(lw, obj.__wrapped__, text, inner_path, args, kwargs, node)
    if isinstance(obj, types.FunctionType) and effects.is_python_own(obj):
        if path is not None and not lw.frame.static:
            lw.guards[path] = obj
        return opaque_call(lw, obj, text, args, kwargs, node, None)
    if lw.ctx.reason(obj):
        if path is not None and not lw.frame.static:
            lw.guards[path] = obj
        return opaque_call(lw, obj, text, args, kwargs, node, None)
    try:  # a function that wraps another one is read itself: what it adds counts
        unwrapped = source.Unwrapped(obj) if isinstance(obj, types.FunctionType) else source.unwrap(obj)
        found = source.find(unwrapped.function)
    except SourceNotFound as e:
        if path is not None and not lw.frame.static:
            lw.guards[path] = obj
        return opaque_call(lw, obj, text, args, kwargs, node, e)
    if unwrapped.args or unwrapped.kwargs:
        if path is not None and not lw.frame.static:
            lw.guards[path] = obj
        return opaque_call(lw, obj, text, args, kwargs, node, None)
    inner_path = (
        path if obj is unwrapped.function else None if path is None else (*path, ("attr", "__wrapped__"))
    )
    if lw.frame.static and library_functions.is_library(found.file) and not own_text((("const", obj),)):
        return inline_library(lw, unwrapped.function, found, obj, text, args, kwargs, node)

    def read() -> Bound:
        return inline_function(lw, unwrapped.function, found, inner_path, args, kwargs, node)

    if not library_functions.begins(lw, found):
        return read()

    def refuse(why: library_functions.Unreadable) -> Bound:
        if path is not None:
            lw.guards[path] = obj
        return opaque_call(lw, obj, text, args, kwargs, node, why)

    if found.module_name in library_functions.STATEFUL:
        return refuse(library_functions.Unreadable("it draws from a hidden state, which it changes"))
    if is_numeric_library(obj) and not any(carries(lw, a, node) for a in [*args, *kwargs.values()]):
        if path is not None:
            lw.guards[path] = obj
        return opaque_call(lw, obj, text, args, kwargs, node, None)
    return library_functions.read(lw, read, refuse, node, text)


def carries(lw: Lowerer, b: Bound, node: Any) -> bool:
    """Whether something given to a library function may carry a derivative, or is not a value at all."""
    if isinstance(b, (Closure, Partial, Derived)) or objects.is_object(content(lw, b)):
        return True
    atom = lw.read(b, node)
    return not isinstance(atom, (Const, Ref)) and is_active_kind(kind(atom))


def acts_on_world(lw: Lowerer, obj: Any, given: list[Bound]) -> bool:
    """Whether a function of the standard library is called for what it does alone, with nothing of ours."""
    module = str(getattr(obj, "__module__", "")).partition(".")[0]
    inert = all(isinstance(b, (Plain, Known)) and not is_active_kind(kind(lw.read(b))) for b in given)
    return module in sys.stdlib_module_names and inert


def is_iterating(obj: Any) -> bool:
    """Whether a function calls what it is given item by item: each call is a branch then."""
    try:
        return obj in sequences.FUNCTIONS
    except TypeError:
        return False


def split_argument(
    lw: Lowerer, obj: Any, text: str, path: Any, args: Args, kwargs: Kw, node: Any
) -> Bound | None:
    """A call given one of two functions: the call with the one, or with the other."""
    at = next((i for i, a in enumerate(args) if isinstance(a, Either)), None)
    if at is None or is_iterating(obj):
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


def of_numpy(lw: Lowerer, fn: Any, args: Args, node: Any) -> Args:
    """The arguments of a function of NumPy that is read as an operator, where Python's numbers would raise.

    ``1.0 / 0.0`` is an error, ``np.divide(1.0, 0.0)`` is infinite.
    """
    if numpy_names.CANONICAL[fn] not in DIVIDES or lw.frame.static:
        return args
    kinds = [kind(lw.read(a, node)) for a in args]
    if all(isinstance(k, Scalar) and k.weak for k in kinds) and FLOAT in kinds:
        at = kinds.index(FLOAT)
        strong = lw.prim(np.float64, [lw.read(args[at], node)], result=Scalar("f8", False))
        args = [*args[:at], Plain(strong), *args[at + 1 :]]
    return args


DIVIDES = frozenset({operator.truediv, operator.floordiv, operator.mod, operator.pow})


def inline_library(
    lw: Lowerer, fobj: Any, found: Any, obj: Any, text: str, args: Args, kwargs: Kw, node: Any
) -> Bound:
    """A library's function in a rule's text: read in place; called as it is, if that cannot be done."""
    before, problems = recursion.snapshot(lw), len(lw.problems)
    got: Bound | None = None
    with contextlib.suppress(Stop):
        got = inline_function(lw, fobj, found, None, args, kwargs, node)
    if got is not None and len(lw.problems) == problems:
        return got
    recursion.recover(lw, before)
    return opaque_call(lw, obj, text, args, kwargs, node, None)


def struct_of(items: tuple[Any, ...]) -> Struct:
    """A tuple of constants."""
    return Struct(tuple, tuple(range(len(items))), tuple(map(Const, items)))


def by_definition(lw: Lowerer, fn: Any, defined: Any, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    """A function read as what it stands for; None if the definition does not cover the call.

    A problem in reading it is one of the program's, unless the function has a rule of its own, or an operand
    is of unknown kind: it is then called as it is.
    """
    before, problems = recursion.snapshot(lw), len(lw.problems)
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
        if all(isinstance(x, Const) or not is_active_kind(kind(x)) for x in atoms):
            return None
        frame = Frame(found, defined.text, (("const", defined.text),), None, True)
        values = {name: default_of(defined.text, name) for name in with_defaults(defined.text)}
        defaults = {
            name: lw.bind(struct_of(v)) if isinstance(v, tuple) else Plain(Const(v))
            for name, v in values.items()
        }
        got = enter_function(
            lw, frame, found.node, found.name, args, kwargs, defaults, node, defined.text.__code__
        )
    except Stop:
        if not otherwise:
            raise
        recursion.recover(lw, before)
        return None
    if declines(got) or (otherwise and len(lw.problems) > problems):
        recursion.recover(lw, before)
        return None
    return got


def declines(b: Bound) -> bool:
    """Whether a definition gives up, on some path at least."""
    if isinstance(b, Either):
        return declines(b.then) or declines(b.other)
    return isinstance(b, Known) and b.obj is NotImplemented


OPTIONS = ("mode", "wrt_names", "single", "has_aux", "option", "memory")
KEPT = {"Derivative": OPTIONS, "Product": OPTIONS, "checkpointed": ("__srcdiff__",)}


def derivative(lw: Lowerer, mode: str, obj: Any, path: Any, args: Args, kwargs: Kw, node: Any) -> Bound:
    """``grad(f)`` and the like inside a program, or the call of a derivative made outside it."""
    if mode == "stop_gradient":
        return _stop_gradient(lw, args, kwargs, node)
    if mode in ("varies", "can_vary"):
        return asked(lw, mode, args[0])
    if mode == "checkpoint":
        return checkpoints.marked(lw, args, kwargs, node)
    if mode == "checkpointed":
        fn = obj.__wrapped__
        inner_path = None if path is None else (*path, ("attr", "__wrapped__"))
        known = Known(fn, getattr(fn, "__name__", "f"), inner_path)
        return checkpoints.call_again(lw, known, args, kwargs, node)
    if mode in ("Derivative", "Product"):
        if obj.memory is not None:
            no_budget(lw, obj.mode, node)
        inner = Known(
            obj.primal,
            getattr(obj.primal, "__name__", "f"),
            None if path is None else (*path, ("attr", "primal")),
        )
        wrt = obj.wrt_names[0] if obj.single and obj.wrt_names else obj.wrt_names
        what = Derived(inner, obj.mode, wrt, obj.has_aux, obj.option)
        return lw.ctx.derive(lw, what, args, kwargs, node)  # type: ignore[no-any-return]
    if mode not in ("jvp", "vjp", "linearize"):
        return taken(lw, obj, mode, args, kwargs, node)
    if "memory" in kwargs:
        no_budget(lw, mode, node)
    for option in ("wrt", "has_aux"):
        if option in kwargs:
            lw.stop(
                "derivative", f"{mode} inside a function takes no {option}=", node,
                help="give it a function of what is differentiated alone: lambda x: f(x, y)[0]",
            )  # fmt: skip
    if mode == "jvp":
        primals, tangents = content(lw, args[1]), content(lw, args[2])
        if not isinstance(primals, Agg) or not isinstance(tangents, Agg):
            lw.stop("derivative", "the primals and tangents must be written as tuples here", node)
        both = [*primals.items, *tangents.items]
        return lw.ctx.derive(lw, Derived(args[0], "jvp", len(primals.items)), both, kwargs, node)  # type: ignore[no-any-return]
    return lw.ctx.derive(lw, Derived(args[0], mode), list(args[1:]), kwargs, node)  # type: ignore[no-any-return]


def asked(lw: Lowerer, mode: str, b: Bound) -> Bound:
    """What a rule's text asks of a tangent, or of an operand."""

    def some(x: Any) -> bool:
        if isinstance(x, Agg):
            return any(map(some, x.items))
        if isinstance(x, Struct):
            return any(map(some, x.items))
        if isinstance(x, Plain):
            return some(x.atom)
        return x is not ZERO and not (isinstance(x, Const) and x.value is None)

    if mode == "varies":
        return Plain(Const(some(content(lw, b))))
    a = lw.read(b)
    return Plain(Const(is_active_kind(kind(a)) and not isinstance(a, Const)))


def no_budget(lw: Lowerer, mode: str, node: Any) -> None:
    lw.stop(
        "derivative", f"{mode} inside a function takes no memory=", node,
        help="give memory= to the derivative of the whole, or mark loops: with checkpoint(memory=...):",
    )  # fmt: skip


def taken(lw: Lowerer, obj: Any, mode: str, args: Args, kwargs: Kw, node: Any) -> Bound:
    """``grad(f, wrt=..., has_aux=...)`` and its kin: which derivative of which function."""
    names = list(inspect.signature(obj).parameters)
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    function = given.pop(names[0], None)
    if given.keys() - set(names):
        lw.stop("derivative", f"{mode} has no option {min(given.keys() - set(names))}", node,
                help=f"its options are {', '.join(names[1:])}")  # fmt: skip
    if function is None:  # a decorator with options
        return Partial(Known(obj, mode), (), given)
    values = {}
    if "memory" in given:
        no_budget(lw, mode, node)
    for name, b in given.items():
        a = lw.as_constant(lw.read(b, node))
        if not is_constant(a):
            lw.stop(
                "derivative", f"{name} of {mode} is not a constant here", node,
                help="write it out: which derivative is taken is settled when the text is made",
            )  # fmt: skip
        values[name] = constant(a)
    wrt, aux = values.get("wrt"), values.get("has_aux", False)
    option = values.get("order", 1)
    if mode == "vmap":
        option = (values.get("in_axes", 0), values.get("out_axes", 0))
    return Derived(function, mode, wrt, aux is True, option)


# functions that give a view or a copy, depending on how the array lies in memory
MAY_COPY: set[Any] = {
    np.reshape, np.ravel, np.ascontiguousarray, np.asfortranarray, np.astype, np.require,
    np.asarray_chkfinite,
}  # fmt: skip
MADE_IN_ORDER: set[Any] = {
    np.zeros, np.ones, np.empty, np.full, np.copy, np.array, np.arange, np.linspace, np.eye, np.identity,
}  # fmt: skip


def certainly_view(lw: Lowerer, fn: Any, base: Bound) -> bool:
    """Whether a reshaped array is a view for certain: the array lies in memory in one piece, in order."""
    if not isinstance(base, Loc) or fn not in (np.reshape, np.ravel):
        return False
    base = lw.moved_to(base)
    content = lw.state.cells[base.cell]
    k = kind(content) if not isinstance(content, Agg) else OTHER
    if not isinstance(k, Array):
        return False
    made = lw.same_shape(content)
    fresh = isinstance(made, Val) and made.op is not None and made in made.op.outs
    in_order = fresh and (
        len(k.dims) == 1 or (isinstance(made, Val) and made.op is not None and is_made_in_order(made.op))
    )
    if len(k.dims) == 1 and fn is np.reshape:
        in_order = True  # an evenly spaced vector can be given any shape
    return in_order and all(keeps_order(s, len(k.dims)) for s in base.path)


def is_made_in_order(op: Op) -> bool:
    """Whether an operation makes an array that lies in memory row by row, whatever it is made of."""
    if op.fn not in MADE_IN_ORDER or any(n == "order" for n in op.attrs.get("names") or ()):
        return False
    if op.fn in (np.copy, np.array):  # these keep the order of an array; its method copy() does not
        return op.attrs.get("method") == "copy" or not isinstance(kind(op.ins[0]), Array)
    return True


def keeps_order(step: Step, rank: int) -> bool:
    """Whether a view of an array in one piece is in one piece."""
    if step.fn in (np.reshape, np.ravel):
        return True
    if step.fn is not operator.getitem:
        return False
    index = step.args[0]
    if isinstance(index, Slice):
        return isinstance(index.step, Const) and index.step.value in (None, 1)
    return isinstance(kind(index), Scalar)


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


# ---- library functions --------------------------------------------------------------------------------


def library(lw: Lowerer, fn: Any, text: str, args: Args, kwargs: Kw, node: Any, method: str = "") -> Bound:
    """A pure function of the table."""
    args, kwargs = operands.as_arrays(lw, fn, [objects.opened(lw, a, node) for a in args], kwargs, node)
    args, kwargs = dtype_named(fn, args, kwargs)
    if "copy" in kwargs and lw.read(kwargs["copy"]) != Const(True) and not lw.frame.static:
        lw.stop("option", f"{text}(copy=...) may or may not make a copy", node, help="leave copy= out")
    if any(isinstance(a, (Closure, Partial)) for a in [*args, *kwargs.values()]):
        lw.stop("call", f"a function is passed to {text}, which is not read through", node)
    top = str(getattr(fn, "__module__", "")).partition(".")[0]
    own = lw.frame.static or top == "srcdiff" or is_user_code(fn)  # takes any structure
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
    if lw.ctx.may_alias(fn) and args and not isinstance(content(lw, args[0]), Agg):
        step = Step(fn, tuple(atoms[1:]), names[1:], method)
        helper = top == "srcdiff"  # (it may give back what it is given, or something new)
        if not (helper or fn in MAY_COPY) or lw.frame.static or certainly_view(lw, fn, args[0]):
            arrays = [a for a in args if isinstance(a, Loc)]
            if isinstance(args[0], Loc) or not arrays:
                return lw.view(args[0], step)
    if "dtype" in kwargs and not lw.frame.static:
        check_dtype(lw, atoms[len(args) + list(kwargs).index("dtype")], text, node)
    value = lw.prim(fn, atoms, names, method=method)
    apart = getattr(fn, "__made_apart__", False) and not lw.frame.static
    if apart and all(is_plain_data(kind(a)) for a in atoms):
        new = lw.bind(value)
        if isinstance(new, Loc):
            lw.own_lists.add(new.cell)
        return new
    is_array = isinstance(value, Val) and (isinstance(value.kind, Array) or value.kind == UNKNOWN)
    if lw.ctx.may_alias(fn) and is_array and not lw.frame.static:
        new = lw.bind(value)
        cells = {a.cell for a in args if isinstance(a, Loc)}
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
    before = recursion.snapshot(lw)
    problems = len(lw.problems)
    try:
        got = content(lw, lw.call(known, args, kwargs, node))
        failed = len(lw.problems) > problems
    except Stop:
        failed = True
    if failed:  # it is called as it is: enough for the first order
        recursion.recover(lw, before)
        got = content(lw, opaque_forward(lw, known, text, args, kwargs, node))
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


def opaque_forward(lw: Lowerer, forward: Known, text: str, args: Args, kwargs: Kw, node: Any) -> Bound:
    """A forward function that cannot be read: what it saves has no derivative, needed for higher orders."""
    atoms = [lw.read(a, node) for a in args] + [lw.read(v, node) for v in kwargs.values()]
    names = ("",) * len(args) + tuple(kwargs) if kwargs else ()
    problem = lw.problem(
        "no-rule",
        f"derivatives of higher order go through {forward.text}, the forward function of the rule of {text},"
        " and it cannot be read",
        node,
        help="write it without what cannot be differentiated, or let the rule compute what it needs",
    )
    got = lw.prim(forward.obj, atoms, names, unread=(forward.text, problem), text=forward.text)
    k = kind(got)
    return lw.take_apart(got, k) if isinstance(got, Val) and isinstance(k, Tree) else Plain(got)


def is_user_code(fn: Any) -> bool:
    """Whether a function with a rule is one of the user's."""
    code = getattr(getattr(fn, "__func__", fn), "__code__", None)
    return code is not None and not library_functions.is_library(code.co_filename)


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
    nowhere = isinstance(target, Plain) and isinstance(target.atom, Const) and target.atom.value is None
    if isinstance(fn, np.ufunc) and "where" in kwargs and not nowhere:
        where = kwargs.pop("where")
        written = masked.call_where(lw, Known(fn, text, path), args, kwargs, target, where, node)
        if written is not None:
            return written
    value = call_known(lw, fn, text, path, args, kwargs, node)
    if nowhere:
        return value
    if not isinstance(target, Loc):
        lw.stop("option", "out= must be an array", node)
    current = lw.read(target)
    lw.write(
        target,
        lw.prim(
            ops.setitem,
            [current, Const(...), lw.read(value)],
            result=kind(current),
            hint=name_of(current),
            user=True,
        ),
        node,
    )
    return target


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
    value = call_known(lw, fn, text, path, cast, kwargs, node)
    return Plain(lw.prim(np.astype, [lw.read(value), lw.read(to)], method="astype"))


PLAIN = (tuple, list, dict)  # made from what they are given, part by part
NEITHER = "neither a rule nor Python source"
FLOWS = "a value that depends on the argument to differentiate with respect to flows into it"


def opaque_call(lw: Lowerer, obj: Any, text: str, args: Args, kwargs: Kw, node: Any, why: Any) -> Bound:
    """A function that cannot be read: allowed where nothing that flows in can carry a derivative."""
    unreadable = isinstance(why, library_functions.Unreadable)
    reason = f"it has no rule, and {why.why}" if unreadable else f"it has {NEITHER}"
    known = lw.ctx.reason(obj)
    if known:
        unreadable, reason = True, known
    if library_functions.calls_back([*args, *kwargs.values()], lw):
        lw.stop(
            "no-rule", f"{text} cannot be differentiated: it calls a function that is passed to it", node,
            note=reason, help="write the loop out that it stands for, or give it a rule",
        )  # fmt: skip
    atoms = [lw.read(a, node) for a in args] + [lw.read(v, node) for v in kwargs.values()]
    active = [a for a in atoms if is_active_kind(kind(a)) and not isinstance(a, Const)]
    boxes = [a for a in [*args, *kwargs.values()] if isinstance(a, Loc)]
    for b in boxes:
        held = lw.state.cells[lw.moved_to(b).cell]
        listlike = isinstance(held, Agg) or isinstance(kind(held), Seq)
        in_place = getattr(obj, "__module__", "") == "_operator"
        pure = is_numeric_library(obj) and node is not lw.discarded and not active
        if (listlike and not pure) or node is lw.discarded or in_place:
            if active and listlike:
                lw.stop(
                    "no-rule", f"{text} cannot be differentiated", node, note=reason,
                    help="write what it computes with functions that have rules, or give it a rule",
                )  # fmt: skip
            lw.stop(
                "no-rule", f"{text} may change what it is given", node, note=reason,
                help="use an indexed assignment, or give it a copy and use its result",
            )  # fmt: skip
    result = OTHER
    if active:
        result = UNKNOWN
    names = ("",) * len(args) + tuple(kwargs) if kwargs else ()
    problem = lw.problem(
        "no-rule",
        f"{text} cannot be differentiated" if unreadable else f"{text} has {NEITHER}",
        node,
        note=f"{FLOWS}; {reason}" if unreadable else FLOWS,
        help=f"give it a rule, or pass {text} a constant",
    )
    if not active and is_numeric_library(obj):
        found = infer(obj, atoms, names)
        found = OTHER if found == UNKNOWN else found
        return lw.bind(lw.prim(obj, atoms, names, result=found, unread=(text, problem), text=text))
    v = lw.prim(obj, atoms, names, result=result, unread=(text, problem), text=text)
    return Plain(v)


NUMERIC = (
    "numpy.polynomial", "numpy.fft", "numpy.linalg", "numpy.lib._function_base_impl",
    "numpy.lib._polynomial_impl", "numpy.lib._twodim_base_impl", "scipy.special", "scipy.signal",
    "scipy.linalg", "scipy.fft", "scipy.stats", "scipy.spatial", "scipy.interpolate", "scipy.integrate",
    "scipy.ndimage", "scipy.sparse",
)  # fmt: skip


def is_numeric_library(obj: Any) -> bool:
    """Whether a function only computes, so that the kinds of its results may be learnt by running it."""
    module = str(getattr(obj, "__module__", ""))
    dispatched = module == "numpy" and hasattr(obj, "__wrapped__")  # a function that NumPy shows as its own
    return dispatched or (isinstance(obj, types.FunctionType) and module.startswith(NUMERIC))


# ---- Python's own functions ---------------------------------------------------------------------------


def _len(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    box = content(lw, args[0])
    if isinstance(box, Agg):
        return Plain(Const(len(box.items)))
    if isinstance(box, Iter) and box.kind == "range":
        return Plain(sequences.range_length(lw, box, node))
    a = lw.read(sequences.listed(lw, box, node) if isinstance(args[0], Iter) else args[0], node)
    k = kind(a)
    d = k.dims[0] if isinstance(k, Array) and k.dims else length_of(a)
    a = lw.same_shape(a) if isinstance(k, Array) else a
    return Plain(lw.prim(len, [a], result=Scalar("i8", True, d)))


def _isinstance(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    box = content(lw, args[0])
    classes = lw.read(args[1], node)
    wanted = [classes] if not isinstance(classes, Struct) else list(classes.items)
    types_ = tuple(w.obj for w in wanted if isinstance(w, Ref))
    if len(types_) != len(wanted):
        return None
    if isinstance(box, Agg):
        return Plain(Const(issubclass(boxes.stands_for(box.type), types_)))
    if isinstance(box, (Closure, Partial)):
        return Plain(Const(issubclass(types.FunctionType, types_)))
    a = lw.read(args[0], node)
    if isinstance(a, (Const, Ref)):
        return Plain(Const(isinstance(a.value if isinstance(a, Const) else a.obj, types_)))
    k = kind(a)
    if isinstance(k, Array):
        return Plain(Const(issubclass(np.ndarray, types_)))
    if isinstance(k, Map):
        return Plain(Const(issubclass(dict, types_)))
    if isinstance(k, Seq):
        return Plain(Const(issubclass(tuple if k.frozen else list, types_)))
    if isinstance(k, Scalar):
        if k.weak and k.dtype in ("f8", "i8", "c16"):
            own: type = {"f8": float, "i8": int, "c16": complex}[k.dtype]
            if own is float:  # a Python float or a NumPy one: both are instances of float
                return Plain(Const(issubclass(float, types_)))
            return Plain(Const(issubclass(own, types_)))
        if not k.weak and not any(t in (float, int, complex) for t in types_):
            return Plain(Const(issubclass(np.dtype(k.dtype).type, types_)))
    if k == STR:
        return Plain(Const(issubclass(str, types_)))
    if k == NONE:
        return Plain(Const(issubclass(type(None), types_)))
    return Plain(lw.prim(isinstance, [a, classes], result=BOOL))


def made_of(lw: Lowerer, fn: Any, a: Const) -> Atom:
    """A number made of a constant, unless that raises: then it does so at each call."""
    try:
        return Const(fn(a.value))
    except (ValueError, OverflowError):
        return lw.prim(fn, [a], result=FLOAT if fn is float else Scalar("i8", True, fresh_sym()))


def _float(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    if not args:
        return Plain(Const(0.0))
    a = lw.read(args[0], node)
    k = kind(a)
    if isinstance(a, Const) and isinstance(a.value, (int, float, str)):
        return Plain(made_of(lw, float, a))
    number = present(k)
    if (isinstance(number, (Scalar, Array)) and number.dtype[0] in "fiub") or k in (UNKNOWN, STR):
        return Plain(lw.prim(float, [a], result=FLOAT))
    return None


def _int(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    a = lw.read(args[0], node) if args else Const(0)
    if isinstance(a, Const) and isinstance(a.value, (int, float, str)):
        return Plain(made_of(lw, int, a))
    return Plain(lw.prim(int, [a], result=Scalar("i8", True, fresh_sym())))


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


def _set(t: type) -> Any:
    def handler(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
        if not args:
            return None if t is set else Agg(t, (), ())
        b = lw.settled(args[0])
        if isinstance(b, Loc) and isinstance(lw.state.cells[lw.moved_to(b).cell], Val):  # a list as it is
            return displays.make_set(lw, b, t, node)
        return displays.make_set(lw, call(lw, Known(list, "list"), args, {}, node), t, node)

    return handler


def _add_at(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    target, index, value = args
    if not isinstance(target, Loc):
        lw.stop("store", "the first argument of add.at must be an array variable", node)
    current = lw.read(target)
    new = lw.prim(
        ops.additem,
        [current, lw.read(index), lw.read(value)],
        result=kind(current),
        hint=name_of(current),
        user=True,
        at=True,
    )
    lw.write(target, new, node)
    return Plain(Const(None))


def _shape(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    return attribute(lw, args[0], "shape", node)


def _ndim(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    return attribute(lw, args[0], "ndim", node)


def _iscomplex(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    k = kind(lw.read(args[0], node))
    if isinstance(k, (Scalar, Array)):
        return Plain(Const(k.dtype[0] == "c"))
    return None


def _partial(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    return Partial(args[0], tuple(args[1:]), kwargs)


def _slice(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    parts = [lw.read(a, node) for a in args]
    if len(parts) == 1:
        parts = [Const(None), *parts]
    return Plain(Slice(*parts, *[Const(None)] * (3 - len(parts))))


def _stop_gradient(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound:
    return Plain(lw.prim(ops.stop_gradient, [lw.read(args[0])], result=kind(lw.read(args[0]))))


def _fromkeys(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    """``dict.fromkeys(keys, value)``: one value under all keys."""
    _, given = sequences.spread(lw, args[0], node)
    keys = [lw.read(x, node) for x in given or ()]
    if given is None or not all(is_constant(k) for k in keys):
        lw.stop("key", "the keys of dict.fromkeys are known only at run time", node,
                help="write a loop: for k in keys: d[k] = value")  # fmt: skip
    value = stored(lw, args[1]) if len(args) > 1 else Plain(Const(None))
    entries = dict.fromkeys([constant(k) for k in keys], value)
    return Loc(lw.state.new_cell(Agg(dict, tuple(entries), tuple(entries.values()))))


SPECIAL: dict[Any, Any] = {
    **sequences.FUNCTIONS,
    slice: _slice, len: _len, isinstance: _isinstance, float: _float, int: _int,
    set: _set(set), frozenset: _set(frozenset), np.add.at: _add_at, np.shape: _shape,
    np.ndim: _ndim, np.iscomplexobj: _iscomplex, functools.partial: _partial,
    dict.fromkeys: _fromkeys,
    **texts.FUNCTIONS, **reflection.HANDLERS, **tools.FUNCTIONS, **numeric.FUNCTIONS,
    **masked.MASKED,
}  # fmt: skip


# ---- methods -------------------------------------------------------------------------------------------


SIGNS = {  # what methods of containers with special names stand for, by name and number of arguments
    ("__getitem__", 1): "out = x[a]", ("__len__", 0): "out = len(x)", ("__contains__", 1): "out = a in x",
}  # fmt: skip


def method(lw: Lowerer, owner: Bound, name: str, args: Args, kwargs: Kw, node: Any) -> Bound:
    sign = SIGNS.get((name, len(args))) if not kwargs else None
    if sign is not None and not control.is_lazy(lw.state, owner):
        from srcdiff.frontend import higher

        return higher.written(lw, node, sign, {"x": owner, **dict(zip("a", args))})
    box = content(lw, owner)
    if isinstance(box, Agg):
        sort = box.type if box.type in (list, dict, tuple) else "namedtuple"
        handler = _CONTAINER_METHODS.get((sort, name))
        if handler is not None:
            return handler(lw, owner, box, args, kwargs, node)  # type: ignore[no-any-return]
        if box.type in (set, frozenset):
            return displays.set_method(lw, owner, box, name, args, node)
        lw.stop("method", f"the method {name!r} of {box.type.__name__} is not supported", node)
    if control.is_lazy(lw.state, owner):
        return generators.method(lw, owner, name, args, node)  # type: ignore[arg-type]
    atom = lw.sure(lw.read(owner, node))
    k = kind(atom)
    if isinstance(k, Map):
        return mappings.method(lw, owner, atom, name, args, kwargs, node)
    if isinstance(k, Seq):
        return lists.method(lw, owner, atom, name, args, kwargs, node)
    if k == STR:
        return texts.method(lw, atom, name, args, kwargs, node)
    if isinstance(k, (Array, Scalar)) or k == UNKNOWN:
        return array_method(lw, owner, atom, name, args, kwargs, node)
    return unread_method(lw, atom, name, args, kwargs, node)


def unread_method(lw: Lowerer, atom: Atom, name: str, args: Args, kwargs: Kw, node: Any) -> Bound:
    """A method of a thing that carries no derivative (a generator of random numbers, a string, a file)."""
    from srcdiff.frontend import draws

    problem = lw.problem("no-rule", f"the method {name!r} is not known", node)
    result: Kind = UNKNOWN
    if draws.is_generator(lw, atom):
        result = draws.kind_of_draw(lw, name, args, kwargs, node)
        drawn = draws.draw(lw, Plain(atom), name, args, kwargs, node)
        if drawn is not None:
            return drawn
        problem = draws.refusal(lw, name, node) or problem
    atoms = [lw.read(a, node) for a in args] + [lw.read(v, node) for v in kwargs.values()]
    atoms = [mappings.as_key(lw, a) for a in atoms]
    if any(is_active_kind(kind(a)) and not isinstance(a, Const) for a in atoms) and not draws.is_generator(
        lw, atom
    ):
        lw.stop(
            "method",
            f"the method {name!r} of an object that is not known is given a number or an array",
            node,
            help="if it draws random numbers, make the generator in the function, or give example arguments",
        )
    if node is lw.discarded and any(isinstance(kind(a), (Array, Seq)) for a in atoms):
        lw.stop(
            "no-rule", f"the method {name!r} may change what it is given", node,
            note="what it belongs to is known only when the program runs",
            help="use a method that gives its result: rng.permutation(x) for rng.shuffle(x)",
        )  # fmt: skip
    names = ("", *("",) * len(args), *kwargs) if kwargs else ()
    fn, unread = ops.method_named(name), (name, problem)
    return Plain(lw.prim(fn, [atom, *atoms], names, result=result, method=name, unread=unread, text=name))


IN_PLACE: dict[str, Any] = {"sort": np.sort, "partition": np.partition}  # methods that change the array


def array_method(
    lw: Lowerer, owner: Bound, atom: Atom, name: str, args: Args, kwargs: Kw, node: Any
) -> Bound:
    if name == "item" and isinstance(k := kind(atom), (Array, Scalar)) and k.dtype[0] == "f":
        return Plain(lw.prim(float, [lw.read(one_item(lw, owner, k, args, node))], result=FLOAT))
    if name == "is_integer" and isinstance(kind(atom), Scalar):
        return Plain(lw.prim(float.is_integer, [atom], result=BOOL, method=name))
    if name == "fill" and isinstance(owner, Loc):
        lw.write(
            owner,
            lw.prim(
                ops.setitem,
                [atom, Const(...), lw.read(args[0])],
                result=kind(atom),
                hint=name_of(atom),
                user=True,
            ),
            node,
        )
        return Plain(Const(None))
    if name in IN_PLACE and isinstance(owner, Loc):
        atoms = [atom, *[lw.read(a, node) for a in args], *[lw.read(v, node) for v in kwargs.values()]]
        names = ("",) * (1 + len(args)) + tuple(kwargs) if kwargs else ()
        new = lw.prim(IN_PLACE[name], atoms, names, result=kind(atom), hint=name_of(atom))
        lw.write(owner, new, node)
        return Plain(Const(None))
    if name == "tolist" and isinstance(kind(atom), Array) and len(kind(atom).dims) == 1:  # type: ignore[union-attr]
        return lw.bind(lw.prim(list, [atom], result=Seq(Scalar(kind(atom).dtype, False))))  # type: ignore[union-attr]
    if name == "flatten":
        order = [lw.read(a, node) for a in [*args, *kwargs.values()]]
        if order and order[0] in (Const("A"), Const("K")):
            flat = call(lw, Known(np.ravel, "np.ravel"), [owner], {"order": Plain(order[0])}, node)
            return call(lw, Known(np.copy, "np.copy"), [flat], {}, node)
        return lw.bind(lw.prim(np.ravel, [atom, *order], method="flatten"))
    if name in ("put", "compress"):  # (np.compress has the condition first)
        fn = getattr(np, name)
        first = [args[0], owner] if name == "compress" else [owner, args[0]]
        return call_known(lw, fn, f"np.{name}", None, [*first, *args[1:]], kwargs, node)
    fn = numpy_names.METHODS.get(name)
    if fn is None:
        if kind(atom) == UNKNOWN:
            return opaque_method(lw, atom, name, args, kwargs, node)
        lw.stop("method", f"the array method {name!r} is not supported", node)
    if name in numpy_names.VARARG_METHODS and args and not (len(args) == 1 and not is_index(lw, args[0])):
        items = tuple(args)
        args = [Agg(tuple, tuple(range(len(items))), items)]
    else:
        first, kwargs = operands.by_name(lw, fn, [owner, *args], kwargs)
        args = first[1:]
    if "out" in kwargs:
        return with_out(lw, fn, f"np.{name}", None, [owner, *args], kwargs, node)
    if lw.ctx.definitions(fn, 1 + len(args), kwargs):
        return call_known(lw, fn, f"np.{fn.__name__}", None, [owner, *args], kwargs, node)
    return library(lw, fn, f"np.{fn.__name__}", [owner, *args], kwargs, node, method=name)


def one_item(lw: Lowerer, owner: Bound, k: Array | Scalar, args: Args, node: Any) -> Bound:
    """What ``x.item(*args)`` makes a number of Python of: an element."""
    if isinstance(k, Scalar) or (not args and not k.dims):
        return owner
    flat = call(lw, Known(np.ravel, "np.ravel"), [owner], {}, node) if len(k.dims) > 1 else owner
    index = [lw.read(a, node) for a in args] or [Const(0)]
    if not args and any(d != 1 for d in k.dims):  # it raises unless there is one element
        return call(lw, Known(np.squeeze, "np.squeeze"), [owner], {}, node)
    if len(index) == len(k.dims) > 1:
        flat, index = owner, [Struct(tuple, tuple(range(len(index))), tuple(index))]
    if len(index) != 1 or not isinstance(index[0], (Const, Val, Struct)):
        lw.stop("method", "item(...) takes one index, or one for each dimension, here", node)
    return Plain(lw.getitem(lw.read(flat, node), index[0]))


def opaque_method(lw: Lowerer, atom: Atom, name: str, args: Args, kwargs: Kw, node: Any) -> Bound:
    if node is lw.discarded:
        lw.stop(
            "method", f"the method {name!r} may change what it belongs to, whose kind is not known", node,
            help="start from a value of the kind that it has later: an empty list, say, not None",
        )  # fmt: skip
    atoms = [lw.read(a, node) for a in args] + [lw.read(v, node) for v in kwargs.values()]
    names = ("", *("",) * len(args), *kwargs) if kwargs else ()
    problem = lw.problem("no-rule", f"the method {name!r} of a value of unknown kind", node)
    fn, unread = ops.method_named(name), (name, problem)
    return Plain(lw.prim(fn, [atom, *atoms], names, result=UNKNOWN, method=name, unread=unread, text=name))


def is_index(lw: Lowerer, b: Bound) -> bool:
    k = kind(lw.read(b))
    return isinstance(k, Scalar) and k.dtype[0] in "iu"


def _list_append(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    items = (*box.items, stored(lw, args[0]))
    set_content(lw, owner, Agg(list, tuple(range(len(items))), items))
    return Plain(Const(None))


def _replace(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    unknown = [k for k in kwargs if k not in box.keys]
    if unknown or args:
        lw.stop("arguments", f"{box.type.__name__} has no field {', '.join(unknown)}", node)
    items = (stored(lw, kwargs[k]) if k in kwargs else x for k, x in zip(box.keys, box.items, strict=True))
    return Agg(box.type, box.keys, tuple(items))


def _asdict(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    return Loc(lw.state.new_cell(Agg(dict, box.keys, box.items)))


def set_content(lw: Lowerer, owner: Bound, agg: Agg) -> None:
    assert isinstance(owner, Loc)
    lw.change(owner, agg, lw.node)


def _list_extend(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    given, extra = sequences.spread(lw, args[0], node)
    if extra is None:
        assert isinstance(owner, Loc)
        args = [given]
        return lists.of_any_length(lw, owner, box, "extend", args, node)
    items = (*box.items, *extra)
    set_content(lw, owner, Agg(list, tuple(range(len(items))), items))
    return Plain(Const(None))


def _list_pop(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    at = constant(lw.read(args[0])) if args else -1
    if not box.items:
        what = "this takes an element out of an empty list"
        expressions.raises(lw, IndexError("pop from empty list"), node, what)
    if not isinstance(at, int):
        return lists.of_any_length(lw, owner, box, "pop", args, node)
    items = list(box.items)
    if not -len(items) <= at < len(items):
        expressions.raises(lw, IndexError("pop index out of range"), node, f"index {at!r} is out of range")
    item = items.pop(at)
    set_content(lw, owner, Agg(list, tuple(range(len(items))), tuple(items)))
    return item


def _list_insert(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    at = constant(lw.read(args[0]))
    if not isinstance(at, int):
        return lists.of_any_length(lw, owner, box, "insert", args, node)
    items = list(box.items)
    items.insert(at, stored(lw, args[1]))
    set_content(lw, owner, Agg(list, tuple(range(len(items))), tuple(items)))
    return Plain(Const(None))


def _list_sort(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    new = sequences.sort(lw, owner, kwargs, node)
    assert isinstance(new, Loc) and isinstance(owner, Loc)
    lw.change(owner, lw.state.cells[new.cell], node)
    return Plain(Const(None))


def _list_find(name: str) -> Any:
    """``index``, ``count``, ``remove``: settled now where all is known."""

    def handler(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
        members = objects.places_of(lw, box, args[0], node)
        if members is None or len(args) > 1:
            return lists.of_any_length(lw, owner, box, name, args, node)
        if name == "count":
            return Plain(Const(len(members)))
        if not members:
            error = ValueError("the value is not in the list")
            expressions.raises(lw, error, node, "this is not in the list")
        if name == "index":
            return Plain(Const(members[0]))
        items = (*box.items[: members[0]], *box.items[members[0] + 1 :])
        set_content(lw, owner, Agg(list, tuple(range(len(items))), items))
        return Plain(Const(None))

    return handler


def _list_reverse(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    set_content(lw, owner, Agg(list, box.keys, box.items[::-1]))
    return Plain(Const(None))


def _list_copy(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    return Loc(lw.state.new_cell(Agg(box.type, box.keys, box.items)))


def _dict_get(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    key = lw.read(args[0])
    if is_constant(key) and constant(key) in box.keys:
        return element(lw, box, key, node)
    if is_constant(key):
        return args[1] if len(args) > 1 else Plain(Const(None))
    if not all(expressions.is_value(lw, x) for x in box.items):
        return one_of(lw, box, key, args[1] if len(args) > 1 else Plain(Const(None)))
    if not box.keys:
        return args[1] if len(args) > 1 else Plain(Const(None))
    return method(lw, mappings.as_mapping(lw, owner, box, node), "get", args, kwargs, node)


def _dict_setdefault(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    key = lw.read(args[0])
    if not is_constant(key):
        if not box.keys and len(args) > 1:
            statements.store(lw, owner, key, args[1], node)
            return args[1]
        return method(lw, mappings.as_mapping(lw, owner, box, node), "setdefault", args, kwargs, node)
    if constant(key) not in box.keys:
        value = stored(lw, args[1]) if len(args) > 1 else Plain(Const(None))
        set_content(lw, owner, Agg(dict, (*box.keys, constant(key)), (*box.items, value)))
        return value
    return element(lw, box, key, node)


def _dict_pop(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    key = lw.read(args[0])
    if not is_constant(key):
        return method(lw, mappings.as_mapping(lw, owner, box, node), "pop", args, kwargs, node)
    if constant(key) not in box.keys and len(args) > 1:
        return args[1]
    value = element(lw, box, key, node)
    rest = [(k, x) for k, x in zip(box.keys, box.items, strict=True) if k != constant(key)]
    set_content(lw, owner, Agg(dict, tuple(k for k, _ in rest), tuple(x for _, x in rest)))
    return value


def _clear(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    set_content(lw, owner, Agg(box.type, (), ()))
    return Plain(Const(None))


def _dict_update(lw: Lowerer, owner: Bound, box: Agg, args: Args, kwargs: Kw, node: Any) -> Bound:
    merged = dict(zip(box.keys, box.items, strict=True))
    for a in args:
        other = content(lw, a)
        if not isinstance(other, Agg):
            lw.stop("key", "the keys of this dict are not known", node)
        merged.update(zip(other.keys, other.items, strict=True))
    merged.update({k: stored(lw, v) for k, v in kwargs.items()})
    set_content(lw, owner, Agg(dict, tuple(merged), tuple(merged.values())))
    return Plain(Const(None))


_CONTAINER_METHODS: dict[Any, Any] = {
    (list, "append"): _list_append, (list, "extend"): _list_extend, (list, "pop"): _list_pop,
    (list, "insert"): _list_insert, (list, "reverse"): _list_reverse, (list, "copy"): _list_copy,
    (dict, "copy"): _list_copy, **{(dict, how): mappings.window(how) for how in ("items", "keys", "values")},
    (dict, "setdefault"): _dict_setdefault, (dict, "pop"): _dict_pop, (dict, "clear"): _clear,
    (list, "clear"): _clear, ("namedtuple", "_replace"): _replace, ("namedtuple", "_asdict"): _asdict,
    (list, "sort"): _list_sort, (list, "index"): _list_find("index"), (list, "count"): _list_find("count"),
    (list, "remove"): _list_find("remove"), (tuple, "index"): _list_find("index"),
    (tuple, "count"): _list_find("count"),
    (dict, "get"): _dict_get, (dict, "update"): _dict_update,
}  # fmt: skip


# ---- the user's functions ------------------------------------------------------------------------------


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
        return opaque_call(lw, cls, text, args, kwargs, node, None)
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
        if library_functions.is_library_class(cls) and not dataclass and cls not in PLAIN:
            return opaque_call(lw, cls, text, args, kwargs, node, None)
        return objects.construct(lw, cls, args, kwargs, node)
    named: Any = cls
    given = dict(zip(named._fields, args, strict=False))
    given.update(kwargs)
    items = []
    for f in named._fields:
        if f in given:
            items.append(stored(lw, given[f]))
        elif f in named._field_defaults:
            items.append(lw.outside(named._field_defaults[f], f, None, node, library=True))
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
    if frame.ours or fobj.__module__ == matrices.__name__:  # what goes wrong is told at the caller's line
        frame.site = lw.frame, node if node is not None else lw.node
    defaults: Kw = {}
    for name in with_defaults(fobj):  # (as they are now: they may have been changed)
        value = default_of(fobj, name)
        known = None if path is None else lw.at_place((*path, ("default", name)))
        if known is not None:
            defaults[name] = known
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            if path is not None and not lw.frame.static:
                key = (*path, ("default", name))
                lw.guards[key] = value
            defaults[name] = Plain(Const(value))
        else:
            defaults[name] = lw.outside(
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
        return iteration.lazy(lw, "generator", frame, fnode, name, bound)
    site = recursion.site_of(lw, frame, fnode, name, bound, node, ident)
    if recursion.repeats(lw, site):
        return recursion.enter(lw, site)
    entry, start = recursion.Entry(site, lw.region, lw.statement), recursion.snapshot(lw)
    try:
        return read_in_place(lw, frame, fnode, name, bound, entry)
    except recursion.Again as again:
        if again.entry is not entry:
            raise
    recursion.recover(lw, start)
    return recursion.enter(lw, site)


def read_in_place(lw: Lowerer, frame: Frame, fnode: Any, name: str, bound: Kw, entry: Any) -> Bound:
    body = fnode.body if isinstance(fnode, gast.FunctionDef) else None
    frame.locals = frozenset(bound)
    if body is not None:
        lw.declare(frame, fnode, bound)
    old, old_origin, old_jumps, found = lw.frame, lw.origin, lw.jumps, len(lw.problems)
    lw.frame, lw.jumps = frame, control.Jumps()
    lw.stack.append(entry)
    try:
        for k, b in bound.items():
            lw.state.names[frame.id, k] = stored(lw, b)
        if body is None:
            mark = recursion.snapshot(lw)
            try:
                return lw.expr(fnode.body)
            except thrown.Lift as lift:
                if not any(n is lift.node for n in nodes_in(fnode.body)):
                    raise
            recursion.recover(lw, mark)
            back = gast.copy_location(gast.Return(fnode.body), fnode.body)
            body = lw.tree_once(fnode, "body", lambda: [back])
        code = lw.block(body)
        if len(lw.problems) > found:
            raise Stop(None)
        thrown.hand_on(lw, code, entry.site.node)
        if isinstance(code, int) and code == control.RAISE and lw.attempts:
            raise Raised
        result = lw.state.names.get((frame.id, control.RETURNED), Plain(Const(None)))
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
    first = [lw.view(base, Step(operator.getitem, (Const(i),))) for i in range(fills)]
    if not variadic or fills < count - at:
        return [*args[:at], *first]
    rest = lw.getitem(lw.read(base), Slice(Const(count - at), Const(None), Const(None)))
    return [*args[:at], *first, Spread(lw.bind(rest))]


def runs(lw: Lowerer, args: Args, node: Any) -> list[Any]:
    """Arguments as runs of known ones, and sequences between them."""
    parts: list[Any] = [[]]
    for a in args:
        if isinstance(a, Spread):
            parts += [call(lw, Known(list, "list"), [a.sequence], {}, node), []]
        else:
            parts[-1].append(a)
    return parts


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
                else lw.outside(value, p, None, None, library=True)
            )
    if a.vararg is not None:
        v = given[a.vararg.id]
        bound[a.vararg.id] = lw.bind(v)
    frame.locals = declarations(found.node)[0] | frozenset(bound)
    old, lw.frame = lw.frame, frame
    old_jumps, lw.jumps = lw.jumps, control.Jumps()
    try:
        for k, b in bound.items():
            lw.state.names[frame.id, k] = b
        lw.block(found.node.body)
        result = lw.state.names.get((frame.id, control.RETURNED), Plain(Const(None)))
        for key in [k for k in lw.state.names if k[0] == frame.id]:
            del lw.state.names[key]
        return result
    finally:
        lw.frame, lw.jumps = old, old_jumps
