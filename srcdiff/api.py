"""Derivatives of Python functions: ``grad``, ``value_and_grad``, ``jvp``, ``vjp``."""

from __future__ import annotations

import dataclasses
import enum
import functools
import inspect
import os
import sys
import threading
import types
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NoReturn, ParamSpec, TypeVar, overload

import numpy as np

from srcdiff.errors import (
    DerivativeTypeError,
    DerivativeValueError,
    InternalError,
    NoRule,
    Problem,
    SourceNotFound,
    SrcdiffError,
)
from srcdiff.frontend.lower import Param
from srcdiff.frontend.source import fill_placeholders, unwrap
from srcdiff.ir.graph import Graph, Struct, Val, kind
from srcdiff.ir.kinds import OTHER, UNKNOWN, is_active_kind, kind_of
from srcdiff.ir.ops import stop_gradient
from srcdiff.load import explain, explained
from srcdiff.pipeline import (
    Made,
    Request,
    canonical,
    derivative_graph,
    finish,
    float_param,
    primal_graph,
    pullback_pair,
)
from srcdiff.rules.registry import lookup
from srcdiff.signature import Getter, check_memory, getter, is_literal, key_of_value, memory_of, same
from srcdiff.wrapped import by_name

__all__ = ["Derivative", "grad", "jvp", "source", "stop_gradient", "value_and_grad", "vjp"]

P = ParamSpec("P")
R = TypeVar("R")
Wrt = str | int | Sequence[str | int] | None
Arguments = Mapping[str, Any]

LIMIT = 64  # signatures that one derivative is kept for
MOST_SHARED = 512  # signatures kept for functions made anew
MOST_ALIKE = 16  # derivatives kept for one signature: they differ in what the function reads from outside
MOST_WRAPPERS = 50

_lock = threading.RLock()


# ---- the function behind a callable -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Target:
    """What a callable comes down to: a function, arguments bound to it, and derivatives taken on the way."""

    function: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    layers: tuple[Request, ...]  # innermost first
    signature: inspect.Signature
    bound: Mapping[str, Any]  # the arguments bound for good, by name

    @property
    def code(self) -> Any:
        """What functions made anew from one text have in common."""
        return getattr(self.function, "__code__", self.function)


def target_of(fn: Any) -> Target:
    """Look through partials, methods, callable objects and derivatives."""
    layers: list[Request] = []
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    f = fn
    for _ in range(MOST_WRAPPERS):
        if isinstance(f, Derivative):
            layers.insert(0, f._request)
            f = f.primal
        elif isinstance(f, functools.partial):
            args, kwargs = fill_placeholders(f.args, args, fn), {**f.keywords, **kwargs}
            f = f.func
        elif isinstance(f, types.MethodType):
            args, f = (f.__self__, *args), f.__func__
        elif isinstance(f, types.FunctionType) or library_rule(f) is not None:
            break
        elif isinstance(f, type):
            refuse(
                "argument",
                f"{f.__name__} is a class, not a function",
                "differentiate a function that makes one and returns a number",
            )
        elif type(f).__module__.partition(".")[0] in ("numpy", "scipy"):
            break
        elif isinstance(inspect.getattr_static(type(f), "__call__", None), types.FunctionType):
            args, f = (f, *args), type(f).__call__
        else:
            try:
                inner = unwrap(f)
            except SourceNotFound:
                break
            args, kwargs, f = (*inner.args, *args), {**inner.kwargs, **kwargs}, inner.function
            break
    if not isinstance(f, types.FunctionType) and library_rule(f) is None:
        refuse(
            "not-python",
            f"{name_of(fn)} has neither a rule nor Python source",
            "wrap it: lambda x: f(x), with a rule for f",
        )
    if isinstance(f, types.FunctionType) and library_rule(f) is None:
        f = by_name(f)
    signature = signature_of(f)
    try:
        bound = dict(signature.bind_partial(*args, **kwargs).arguments)
    except TypeError as e:
        refuse("arguments", f"{name_of(fn)}: {e}", f"the function is {name_of(f)}{signature}")
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    own = {n: v for n, v in bound.items() if n not in kwargs and signature.parameters[n].kind not in variadic}
    return Target(f, args, kwargs, tuple(layers), signature, own)


def library_rule(fn: Any) -> Any:
    """The rule of a function of the table, which stands for it; None if there is none."""
    entry = lookup(canonical(fn))
    if entry is None:
        return None
    return entry.elementwise or entry.pullback or entry.bilinear or entry.linear or entry.differential


def signature_of(fn: Any) -> inspect.Signature:
    """The signature of a function itself (not of one that it wraps), or of the rule that stands for it."""
    rule = library_rule(fn)
    if rule is not None:
        code = rule.text.__code__
        names = code.co_varnames[: code.co_argcount]
        full = inspect.signature(rule.text).parameters
        return inspect.Signature([full[n].replace(annotation=inspect.Parameter.empty) for n in names])
    try:
        return inspect.signature(fn, follow_wrapped=not isinstance(fn, types.FunctionType))
    except (TypeError, ValueError):
        refuse("not-python", f"the signature of {fn!r} is not known", "wrap it: lambda x: f(x)")


def name_of(fn: Any) -> str:
    """A word for a function in messages and texts."""
    while not hasattr(fn, "__name__") and isinstance(fn, functools.partial):
        fn = fn.func
    return str(getattr(fn, "__name__", type(fn).__name__))


def refuse(slug: str, what: str, help: str) -> NoReturn:
    """Refuse what has a wrong type."""
    raise DerivativeTypeError(Problem(slug, what, help=help))


def refuse_value(slug: str, what: str, help: str) -> NoReturn:
    """Refuse what has a wrong value."""
    raise DerivativeValueError(Problem(slug, what, help=help))


# ---- what was made for one signature ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Capture:
    """A value from outside: the parameter it is passed as, how to read it anew, and its looks."""

    parameter: str
    get: Callable[[], Any] | None
    late: Getter | None
    key: Any
    as_float: bool


@dataclass(slots=True)
class Variant:
    """A derivative made for one signature, as it applies to one function."""

    made: Made
    checks: list[tuple[Callable[[], Any], Any]] = field(default_factory=list)
    late_checks: list[tuple[Getter, Any]] = field(default_factory=list)  # on arguments
    captures: list[Capture] = field(default_factory=list)
    pair: Pair | None = None

    @property
    def late(self) -> bool:
        """Whether something is read out of the arguments themselves."""
        return bool(self.late_checks) or any(c.get is None for c in self.captures)

    @property
    def written(self) -> frozenset[str]:
        """The parameters and captures that the function writes to in place."""
        got: frozenset[str] = self.made.graph.info.get("written", frozenset())
        return got

    def read(self, arguments: Arguments) -> dict[str, Any] | None:
        """The values from outside; None if the derivative was made for something else."""
        try:
            for get, expected in self.checks:
                if get() is not expected and not same(get(), expected):
                    return None
            for late, expected in self.late_checks:
                if not same(late(arguments), expected):
                    return None
            out = {}
            for c in self.captures:
                v = c.get() if c.get is not None else c.late(arguments) if c.late is not None else None
                if c.as_float:
                    v = as_float(v)
                if key_of_value(v) != c.key:
                    return None
                out[c.parameter] = v
        except (LookupError, AttributeError, ValueError, TypeError):
            return None
        return out


@dataclass(frozen=True, slots=True)
class Pair:
    """The second half of a pullback."""

    backward: Made
    active: tuple[str, ...]
    seeds: Any  # the structure of the result: where cotangents go in


_shared: OrderedDict[Any, tuple[tuple[Made, Pair | None], ...]] = OrderedDict()


def as_float(v: Any) -> Any:
    """An integer given where a derivative is asked for counts as a real number."""
    if type(v) is int or isinstance(v, np.integer):
        return float(v)
    return v


def param(name: str, value: Any, fixed: bool) -> Param:
    """What is known of an argument; ``fixed``: it is the same object at each call."""
    if is_literal(value):
        return Param(name, None, value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return Param(name, kind_of(value))
    if callable(value) or isinstance(value, (np.dtype, enum.Enum)) or (fixed and kind_of(value) == OTHER):
        return Param(name, None, value, (("arg", name),))
    return Param(name, kind_of(value))


def extra_names(made: Made, signature: inspect.Signature) -> dict[str, str]:
    """The emitted function's own words for the parameters that the primal does not have."""
    code = made.fn.__code__
    own = sum(p.kind is p.KEYWORD_ONLY for p in signature.parameters.values())
    words = code.co_varnames[code.co_argcount + own : code.co_argcount + code.co_kwonlyargcount]
    names = [p.name for p in made.graph.region.params if p.name not in signature.parameters]
    return dict(zip(names, words, strict=True))


class Specialised:
    """Derivatives of one function in one mode, kept by signature."""

    def __init__(self, fn: Any, request: Request, target: Target) -> None:
        self.primal = fn
        self.mode = request.mode
        self._request = request
        self._target = target
        self._variants: dict[Any, tuple[Variant, ...]] = {}
        self._latest: Variant | None = None

    # ---- arguments
    def _bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> inspect.BoundArguments:
        """All arguments by name, integers to differentiate with respect to made real."""
        t = self._target
        try:
            bound = t.signature.bind(*t.args, *args, **{**t.kwargs, **kwargs})
        except TypeError as e:
            refuse(
                "arguments",
                f"{name_of(self.primal)}(): {e}",
                f"call it like {name_of(t.function)}{t.signature}",
            )
        bound.apply_defaults()
        for w in self._request.wrt:
            if w in bound.arguments:
                bound.arguments[w] = as_float(bound.arguments[w])
        return bound

    # ---- variants
    def _variant(self, arguments: Arguments) -> tuple[Variant, dict[str, Any]]:
        """The derivative for these arguments, and the values it takes from outside."""
        key = tuple(map(key_of_value, arguments.values()))
        for variant in self._variants.get(key, ()):
            extra = variant.read(arguments)
            if extra is not None:
                self._guard_memory(variant, arguments, extra)
                return variant, extra
        with _lock:
            variant, extra = self._find(arguments, key)
            if len(self._variants) >= LIMIT and key not in self._variants:
                self._forget()
            self._variants[key] = (variant, *self._variants.get(key, ()))[:MOST_ALIKE]
            self._latest = variant
        self._guard_memory(variant, arguments, extra)
        return variant, extra

    def _forget(self) -> None:
        self._variants = {}

    def _guard_memory(self, variant: Variant, arguments: Arguments, extra: Mapping[str, Any]) -> None:
        if variant.written:
            check_memory({**extra, **arguments}, variant.written, name_of(self.primal))

    def _find(self, arguments: Arguments, key: Any) -> tuple[Variant, dict[str, Any]]:
        """A derivative made before for the same text, or a new one."""
        shared_key = (self._target.code, self._target.layers, self._request, key)
        for made, pair in _shared.get(shared_key, ()):
            variant = self._apply(made, pair)
            extra = variant.read(arguments)
            if extra is not None:
                return variant, extra
        made, pair = self._make(arguments)
        variant = self._apply(made, pair)
        extra = variant.read(arguments)
        if extra is None:  # what it was made from changes while it is made
            refuse_value(
                "changed", f"what {name_of(self.primal)} reads from outside is not the same twice",
                "read it into a variable first, and pass that",
            )  # fmt: skip
        _shared[shared_key] = ((made, pair), *_shared.get(shared_key, ()))[:MOST_ALIKE]
        while len(_shared) > MOST_SHARED:
            _shared.popitem(last=False)
        return variant, extra

    def _apply(self, made: Made, pair: Pair | None) -> Variant:
        """A derivative, with this function's own ways to the values from outside."""
        t = self._target
        variant = Variant(made, pair=pair)
        for path, expected in made.graph.info.get("guards", {}).items():
            if isinstance(expected, types.CodeType):  # this is what functions made anew have in common
                path = (*path, ("attr", "__code__"))
            late, get = getter(t.function, path, t.bound)
            if get is not None:
                variant.checks.append((get, expected))
            elif late is not None:
                variant.late_checks.append((late, expected))
        words = extra_names(made, t.signature)
        wrt = {w for r in (*t.layers, self._request) for w in r.wrt}
        for c in made.graph.captures:
            if c.name not in words:
                continue
            late, get = getter(t.function, c.path, t.bound)
            real = len(c.path) == 1 and c.path[0][1] in wrt
            if c.name not in made.extra:
                made.extra[c.name] = key_of_value(as_float(c.value) if real else c.value)
            variant.captures.append(Capture(words[c.name], get, late, made.extra[c.name], real))
        return variant

    # ---- making
    def _make(self, arguments: Arguments) -> tuple[Made, Pair | None]:
        raise NotImplementedError

    def _params(self, arguments: Arguments, wrt: Iterable[str]) -> dict[str, Param]:
        fixed = self._target.bound
        wanted = set(wrt)
        return {n: float_param(param(n, v, n in fixed), n in wanted) for n, v in arguments.items()}

    def _primal_graph(self, params: Mapping[str, Param], wrt: tuple[str, ...]) -> Graph:
        """The graph of the function to differentiate: derivatives taken already are in it."""
        t = self._target
        every = frozenset(w for r in t.layers for w in r.wrt) | frozenset(wrt)
        defaults = {n: p.default for n, p in t.signature.parameters.items() if p.default is not p.empty}
        graph = primal_graph(t.function, params, every, defaults)
        notes: dict[str, Any] = {k: graph.info[k] for k in ("guards", "written") if k in graph.info}
        for layer in t.layers:
            graph = derivative_graph(graph, layer)
        graph.info.update({**notes, "signature": t.signature})
        return graph

    def _all_wrt(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(w for r in (*self._target.layers, self._request) for w in r.wrt))

    def _for(self, arguments: Arguments) -> str:
        """A note on the arguments that are part of the text."""
        fixed = [f"{n}={v!r}" for n, v in arguments.items() if is_literal(v)]
        fixed += [
            f"{n}={name_of(v)}"
            for n, v in arguments.items()
            if callable(v) and param(n, v, False).kind is None
        ]
        return f", for {', '.join(fixed)}" if fixed else ""


def check_argument(fn: Any, name: str, value: Any) -> None:
    """Refuse arguments that cannot be differentiated."""
    what = name_of(fn)
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind not in "fc":
        cast = f"pass {name}.astype(float)" if isinstance(value, np.ndarray) else f"pass float({name})"
        thing = "an array of " if isinstance(value, np.ndarray) else ""
        refuse("wrt", f"{what}: {name!r} is {thing}{value.dtype}, which has no derivative", cast)
    if (
        is_literal(value)
        or (callable(value)
        and not dataclasses.is_dataclass(value))
        or isinstance(value, type)
    ):
        refuse(
            "wrt",
            f"{what}: {name!r} is {described(value)}, which has no derivative",
            "name another argument with wrt=",
        )
    k = kind_of(value)
    if k == OTHER:
        refuse(
            "wrt", f"{what}: {name!r} is an object of class {type(value).__name__}, which has no derivative",
            "name another argument with wrt=, or make the class a dataclass",
        )  # fmt: skip
    if not is_active_kind(k):
        refuse(
            "wrt",
            f"{what}: {name!r} holds no floating-point number",
            f"put floats into {name}, or name another argument with wrt=",
        )


def described(v: Any) -> str:
    return "None" if v is None else f"{v!r}" if isinstance(v, bool) else f"a {type(v).__name__}"


# ---- gradients ----------------------------------------------------------------------------------


class Derivative(Specialised, Generic[P, R]):
    """A derivative of a function, called like the function itself.

    Attributes:
        primal: the function differentiated.
        source: the emitted text of the latest specialisation; before any call, for arguments of unknown kind.
    """

    __srcdiff__ = "derivative"  # read by the front end where a derivative is called inside a function
    __name__: str
    __qualname__: str

    def __init__(self, fn: Callable[P, Any], mode: str, wrt: Wrt = None, has_aux: bool = False) -> None:
        if not callable(fn):
            refuse(
                "argument",
                f"{mode} needs a function, not a {type(fn).__name__}",
                f"write {mode}(f), or {mode}(wrt=...)(f)",
            )
        target = target_of(fn)
        public = public_signature(fn, target)
        names, single = wrt_names(wrt, tuple(public.parameters), fn, target)
        super().__init__(fn, Request(mode, names, single, bool(has_aux)), target)
        self.has_aux = bool(has_aux)
        self._wrt_given = wrt
        self._one: dict[type, Callable[[Any], Any]] = {}
        self._fast: dict[Any, Callable[..., Any]] = {}
        functools.update_wrapper(self, fn if hasattr(fn, "__name__") else target.function, updated=())
        self.__wrapped__ = fn
        self.__signature__ = public

    @property
    def wrt_names(self) -> tuple[str, ...]:
        """The names of the arguments that the derivative is taken in."""
        return self._request.wrt

    @property
    def single(self) -> bool:
        """Whether the result is one gradient (not a tuple of them)."""
        return self._request.single

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            if not kwargs:
                if len(args) == 1:
                    one = self._one.get(type(args[0]))
                    if one is not None:
                        return one(args[0])  # type: ignore[no-any-return]
                fast = self._fast.get(tuple([key_of_value(a) for a in args]))
            else:
                fast = self._fast.get(_keyword_key(args, kwargs))
            if fast is not None:
                return fast(*args, **kwargs)  # type: ignore[no-any-return]
            return self._call(args, kwargs)  # type: ignore[no-any-return]
        except InternalError:
            raise
        except SrcdiffError as e:  # where in srcdiff it was found is of no use to the user
            raise e.with_traceback(None) from None
        except Exception as e:
            explain(e)
            raise

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __repr__(self) -> str:
        what = getattr(self.primal, "__qualname__", None) or name_of(self.primal)
        return f"<{self.mode} of {what} with respect to {', '.join(self.wrt_names)}>"

    def __reduce__(self) -> Any:
        if is_global(self):
            return self.__qualname__  # the decorated function of a module: found under its name
        return (Derivative, (self.primal, self.mode, self._wrt_given, self.has_aux))

    # ---- calls
    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        bound = self._bind(args, kwargs)
        variant, extra = self._variant(bound.arguments)
        self._register(args, kwargs, bound, variant)
        return variant.made.fn(*bound.args, **bound.kwargs, **extra)

    def _register(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], bound: Any, variant: Variant
    ) -> None:
        """Remember the way from a signature straight to the emitted function, where there is one."""
        runner = self._runner(args, kwargs, bound.arguments, variant)
        if runner is None:
            return
        with _lock:
            if len(self._fast) >= 4 * LIMIT:
                self._forget()
            self._fast[_keyword_key(args, kwargs) if kwargs else tuple(map(key_of_value, args))] = runner
            if not kwargs and len(args) == 1 and key_of_value(args[0]) is type(args[0]):
                self._one[type(args[0])] = runner

    def _forget(self) -> None:
        super()._forget()
        self._fast, self._one = {}, {}

    def _runner(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], arguments: Arguments, variant: Variant
    ) -> Callable[..., Any] | None:
        """What to call for arguments like these; None if each call needs a look at the arguments."""
        t = self._target
        if (
            variant.late
            or (variant.written
            and sum(1 for _ in memory_of(list(arguments.values()))) > 2)
            or t.kwargs
        ):
            return None
        if variant.written and variant.captures:
            return None
        given = set(t.signature.bind_partial(*t.args, *args, **kwargs).arguments)
        if any(as_float(v) is not v for v in (*args, *kwargs.values())) and set(self._request.wrt) & given:
            return (
                None
                if t.args or kwargs or variant.checks or variant.captures
                else self._converting(args, arguments, variant)
            )
        fill = self._defaults(given, variant.made)
        if fill is None:
            return None
        if not (t.args or fill or variant.checks or variant.captures):
            return variant.made.fn
        return self._checked(variant, t.args, fill)

    def _converting(
        self, args: tuple[Any, ...], arguments: Arguments, variant: Variant
    ) -> Callable[..., Any] | None:
        """A call with integers to differentiate with respect to, all arguments by position."""
        if len(args) != len(arguments) or any(
            p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD, p.KEYWORD_ONLY)
            for p in self._target.signature.parameters.values()
        ):
            return None
        fn, at = variant.made.fn, [n in self._request.wrt for n in arguments]
        if at == [True]:
            return lambda x: fn(float(x))
        return lambda *given: fn(*[as_float(v) if w else v for v, w in zip(given, at, strict=True)])

    def _defaults(self, given: set[str], made: Made) -> dict[str, Any] | None:
        """The defaults to pass by name; None if that cannot be done once for all."""
        out = {}
        written = made.graph.info["signature"].parameters
        for n, p in self._target.signature.parameters.items():
            if n in given or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
                continue
            if n in self._request.wrt and as_float(p.default) is not p.default:
                return None
            if is_simple(p.default) and same(written[n].default, p.default):
                continue
            if p.kind is p.POSITIONAL_ONLY or next(memory_of(p.default), None) is not None:
                return None
            out[n] = p.default
        return out

    def _checked(self, variant: Variant, first: tuple[Any, ...], fill: dict[str, Any]) -> Callable[..., Any]:
        """A call that looks at the world outside first."""
        fn, checks = variant.made.fn, tuple(variant.checks)
        captures = tuple(
            (c.parameter, c.get, c.key, c.as_float) for c in variant.captures if c.get is not None
        )
        own = tuple((v, key_of_value(v)) for v in first if not isinstance(v, (float, int)))
        slow = self._call

        def look(extra: dict[str, Any]) -> bool:
            """Whether the world outside is as it was; ``extra`` gets what is taken from it."""
            try:
                for get, expected in checks:
                    if get() is not expected:
                        return False
                for name, read, key, real in captures:
                    v = as_float(read()) if real else read()
                    if type(v) is not key and key_of_value(v) != key:
                        return False
                    extra[name] = v
                for v, key in own:
                    if key_of_value(v) != key:
                        return False
            except (LookupError, AttributeError, ValueError, TypeError):
                return False
            return True

        def run(*args: Any, **kwargs: Any) -> Any:
            extra = dict(fill)
            if not look(extra):
                return slow(args, kwargs)
            return fn(*first, *args, **kwargs, **extra)

        return run

    # ---- making
    def _make(self, arguments: Arguments) -> tuple[Made, None]:
        for w in self._request.wrt:
            if w in arguments:
                check_argument(self.primal, w, arguments[w])
        return self._finish(self._params(arguments, self._all_wrt()), self._for(arguments)), None

    def _finish(self, params: Mapping[str, Param], note: str) -> Made:
        graph = self._primal_graph(params, self._request.wrt)
        made = derivative_graph(graph, self._request)
        made.info.update({k: graph.info[k] for k in ("guards", "written", "signature") if k in graph.info})
        return finish(made, text_name(self), self._docstring() + note + ".")

    def _docstring(self) -> str:
        what = {"grad": "Gradient", "value_and_grad": "Value and gradient"}[self.mode]
        return f"{what} of {name_of(self.primal)} with respect to {', '.join(self._request.wrt)}"

    # ---- text
    @property
    def source(self) -> str:
        """The emitted text: of the latest specialisation, or for arguments of unknown kind."""
        return self._made().text.source

    def source_for(self, *args: Any, **kwargs: Any) -> str:
        """The text specialised to these arguments."""
        return self._made(*args, **kwargs).text.source

    def save(self, path: str | os.PathLike[str], *args: Any, **kwargs: Any) -> None:
        """Write the text specialised to these arguments (or the latest) to a file, as a module.

        Raises:
            DerivativeValueError: the text needs what no import reaches: a lambda, a function of ``__main__``.
        """
        made = self._made(*args, **kwargs)
        check_importable(self.primal, made)
        with open(path, "w", encoding="utf-8") as f:
            f.write(made.text.source)

    def _made(self, *args: Any, **kwargs: Any) -> Made:
        """The derivative for these arguments; without any, the latest, or one for unknown kinds."""
        with _lock:
            if args or kwargs or not self._target.signature.parameters:
                variant = self._variant(self._bind(args, kwargs).arguments)[0]
            elif self._latest is not None:
                variant = self._latest
            else:
                return self._generic()
            own = self._target.signature.parameters
            text = variant.made.graph.info["signature"].parameters
            if all(p.default is text[n].default or same(p.default, text[n].default) for n, p in own.items()):
                return variant.made
            graph = variant.made.graph  # made for a function of the same text with other defaults
            graph = Graph(
                graph.name,
                graph.region,
                graph.signature,
                graph.captures,
                {**graph.info, "signature": self._target.signature},
            )
            return finish(graph, text_name(self), inspect.getdoc(variant.made.fn) or "")

    def _generic(self) -> Made:
        """The derivative for arguments of which nothing is known."""
        params, literals = self._unknown_params()
        return self._finish(params, self._for(literals))

    def _unknown_params(self) -> tuple[dict[str, Param], dict[str, Any]]:
        """The parameters where no argument is known; the defaults that are part of the text."""
        t = self._target
        params: dict[str, Param] = {}
        literals: dict[str, Any] = {}
        for n, p in t.signature.parameters.items():
            params[n] = Param(n, UNKNOWN)
            if n in t.bound:
                params[n] = param(n, t.bound[n], True)
            elif (
                p.default is not p.empty
                and (is_literal(p.default) or callable(p.default))
                and n not in self._request.wrt
            ):
                params[n] = param(n, p.default, False)
                literals[n] = p.default
        return params, literals


def _keyword_key(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    return (tuple([key_of_value(a) for a in args]), tuple([(k, key_of_value(v)) for k, v in kwargs.items()]))


def is_simple(v: Any) -> bool:
    """Whether a default can be written as a literal."""
    return v is None or isinstance(v, (bool, int, float, str))


def is_global(d: Derivative[Any, Any]) -> bool:
    """Whether a derivative stands in its module under its function's name, as decorators leave it."""
    found: Any = sys.modules.get(getattr(d, "__module__", None) or "")
    for part in str(getattr(d, "__qualname__", "")).split("."):
        found = getattr(found, part, None)
    return found is d


def public_signature(fn: Any, target: Target) -> inspect.Signature:
    """The signature that the derivative shows: the primal's."""
    if library_rule(fn) is not None or isinstance(fn, types.FunctionType):
        return signature_of(target.function if not (target.args or target.kwargs) else fn)
    if isinstance(fn, Derivative):
        return fn.__signature__
    try:
        return inspect.signature(fn)
    except (TypeError, ValueError):
        left = [p for n, p in target.signature.parameters.items() if n not in target.bound]
        return inspect.Signature(left)


def text_name(d: Derivative[Any, Any]) -> str:
    """The name of the emitted function."""
    name = text_name(d.primal) if isinstance(d.primal, Derivative) else name_of(d.primal)
    return f"{name if name.isidentifier() else 'f'}_{d.mode}"


def check_importable(fn: Any, made: Made) -> None:
    """Refuse to write a module that could not be imported, or would not do the same."""
    if made.text.objects:
        names = ", ".join(made.text.objects)
        refuse_value(
            "save", f"the derivative of {name_of(fn)} calls {names}, which no import reaches",
            "define it by name in a module (not __main__, not a lambda), and import it from there",
        )  # fmt: skip
    for n, p in made.graph.info["signature"].parameters.items():
        if p.default is not p.empty and not is_simple(p.default):
            refuse_value(
                "save",
                f"the default of {n!r} in {name_of(fn)} is a {type(p.default).__name__}, not a literal",
                f"use None as the default, and make the {type(p.default).__name__} inside",
            )  # fmt: skip


def wrt_names(wrt: Wrt, names: tuple[str, ...], fn: Any, target: Target) -> tuple[tuple[str, ...], bool]:
    """The names that ``wrt`` stands for, and whether it is a single one."""
    what = name_of(fn)
    if wrt is None:
        if not names:
            refuse_value("wrt", f"{what} has no arguments", "name a variable that it captures: wrt='w'")
        return (names[0],), True

    def one(w: Any) -> str:
        if isinstance(w, (int, np.integer)) and not isinstance(w, bool):
            if not -len(names) <= w < len(names):
                count = f"{len(names)} argument{'s' if len(names) != 1 else ''}"
                refuse_value(
                    "wrt",
                    f"{what} has {count}; there is no argument {w}",
                    f"its arguments are {', '.join(names)}",
                )
            return names[int(w)]
        if isinstance(w, str):
            if w not in names and w not in target.signature.parameters and not reads(target.function, w):
                refuse_value(
                    "wrt",
                    f"{what} has no argument {w!r}, and reads no variable of that name",
                    f"its arguments are {', '.join(names)}",
                )
            return w
        refuse(
            "wrt",
            f"wrt must be names or positions, not a {type(w).__name__}",
            "write wrt='w', wrt=0 or wrt=('w', 'b')",
        )

    if isinstance(wrt, (str, int, np.integer)):
        return (one(wrt),), True
    if not isinstance(wrt, (tuple, list)):
        one(wrt)
    got = tuple(one(w) for w in wrt)
    if len(set(got)) != len(got) or not got:
        twice = "names an argument twice" if got else "is empty"
        refuse_value("wrt", f"wrt {twice}", f"the arguments of {what} are {', '.join(names)}")
    return got, False


def reads(fn: Any, name: str) -> bool:
    """Whether a function reads a variable from outside."""
    code = getattr(fn, "__code__", None)
    if code is None:
        return False
    return name in code.co_freevars or (name in code.co_names and name in fn.__globals__)


@overload
def grad(fn: Callable[P, Any], /, wrt: Wrt = None, has_aux: bool = False) -> Derivative[P, Any]: ...
@overload
def grad(*, wrt: Wrt = None, has_aux: bool = False) -> Callable[[Callable[P, Any]], Derivative[P, Any]]: ...
def grad(fn: Any = None, /, wrt: Wrt = None, has_aux: bool = False) -> Any:
    r"""Gradient of a scalar-valued function.

    For a function :math:`f` with a single number as its result, ``grad(f)(x, ...)`` is
    :math:`\partial f / \partial x` in the structure and shape of ``x``
    (Griewank and Walther, *Evaluating Derivatives*, SIAM 2008, chapter 3).  For a complex argument
    :math:`z = x + iy` it is :math:`\partial f / \partial x - i\,\partial f / \partial y`, whose conjugate
    is the direction of steepest ascent.

    Parameters:
        fn: the function; left out when used as a decorator with options.
        wrt: argument(s) to differentiate with respect to: a name, a position, or a sequence of these (then
            the result is a tuple); by default the first. A name may also be a variable that the function
            captures.
        has_aux: the function returns ``(value, aux)``; the result is then ``(gradient, aux)``.

    Returns:
        A :class:`Derivative`, called with the arguments of ``fn``.

    Raises:
        UnsupportedSyntax: the function uses what cannot be differentiated; names file, line and a way out.
        NoRule: a value that matters flows through a function with neither a rule nor Python source.
        DerivativeTypeError: an argument in ``wrt`` or the result is not a real number or array.
        DerivativeValueError: ``wrt`` names what is not there; arguments share memory that the function
            writes to.

    Example:
        >>> from srcdiff import grad
        >>> def f(x):
        ...     return x**3 + 2 * x**2 + x
        >>> grad(f)(2.0)
        21.0
    """
    if fn is None:
        return lambda f: Derivative(f, "grad", wrt, has_aux)
    return Derivative(fn, "grad", wrt, has_aux)


@overload
def value_and_grad(fn: Callable[P, Any], /, wrt: Wrt = None, has_aux: bool = False) -> Derivative[P, Any]: ...
@overload
def value_and_grad(
    *, wrt: Wrt = None, has_aux: bool = False
) -> Callable[[Callable[P, Any]], Derivative[P, Any]]: ...
def value_and_grad(fn: Any = None, /, wrt: Wrt = None, has_aux: bool = False) -> Any:
    """The value of a scalar-valued function together with its gradient.

    Parameters and errors as for :func:`grad`.

    Returns:
        A function with the result ``(value, gradient)``; with ``has_aux``: ``((value, aux), gradient)``.

    Example:
        >>> from srcdiff import value_and_grad
        >>> value_and_grad(lambda x: x * x)(3.0)
        (9.0, 6.0)
    """
    if fn is None:
        return lambda f: Derivative(f, "value_and_grad", wrt, has_aux)
    return Derivative(fn, "value_and_grad", wrt, has_aux)


# ---- forward mode and pullbacks -----------------------------------------------------------------

_kept: OrderedDict[Any, Specialised] = OrderedDict()  # by the identity of the function


def kept(make: type[Specialised], fn: Any, request: Request, target: Target) -> Specialised:
    """The specialisations of a function used before."""
    key = (id(fn), make, request)
    found = _kept.get(key)
    if found is not None and found.primal is fn:
        return found
    with _lock:
        made = _kept[key] = make(fn, request, target)
        while len(_kept) > MOST_SHARED:
            _kept.popitem(last=False)
    return made


def looked_at(fn: Any, what: str) -> Target:
    """The target of a function used by ``jvp`` or ``vjp``."""
    if not callable(fn):
        refuse("argument", f"{what} needs a function, not a {type(fn).__name__}", f"write {what}(f, ...)")
    key = (id(fn), Target)
    found = _targets.get(key)
    if found is not None and found[0] is fn:
        return found[1]
    target = target_of(fn)
    with _lock:
        _targets[key] = (fn, target)
        while len(_targets) > MOST_SHARED:
            _targets.popitem(last=False)
    return target


_targets: OrderedDict[Any, tuple[Any, Target]] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Places:
    """Where positional arguments stand: names of parameters, and how many follow in ``*args``."""

    names: tuple[str, ...]
    star: str | None

    def split(self, values: Sequence[Any]) -> dict[str, Any]:
        """Positional values by the name of their parameter."""
        out: dict[str, Any] = dict(zip(self.names, values, strict=False))
        if self.star is not None and len(values) > len(self.names):
            out[self.star] = tuple(values[len(self.names) :])
        return out

    def join(self, table: Mapping[str, Any], count: int) -> tuple[Any, ...]:
        """Values by name, in the order of the arguments."""
        first = [table.get(n) for n in self.names[:count]]
        if len(first) < count:
            rest = table.get(self.star) if self.star is not None else None
            first += rest if rest is not None else [None] * (count - len(first))
        return tuple(first)


def places(target: Target) -> Places:
    """The positional parameters that are not bound yet."""
    names = []
    star = None
    for n, p in target.signature.parameters.items():
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and n not in target.bound:
            names.append(n)
        elif p.kind is p.VAR_POSITIONAL:
            star = n
    return Places(tuple(names), star)


class Forward(Specialised):
    """Forward mode of one function."""

    def _make(self, arguments: Arguments) -> tuple[Made, None]:
        wrt = self._request.wrt
        for w in wrt:
            check_argument(self.primal, w, arguments[w])
        graph = self._primal_graph(self._params(arguments, self._all_wrt()), wrt)
        made = derivative_graph(graph, self._request)
        made.info.update({k: graph.info[k] for k in ("guards", "written", "signature") if k in graph.info})
        name = name_of(self.primal)
        text = f"Value of {name} and its change along the tangents of {', '.join(wrt)}{self._for(arguments)}."
        return finish(made, f"{name if name.isidentifier() else 'f'}_jvp", text), None

    def push(self, bound: inspect.BoundArguments, tangents: Mapping[str, Any]) -> tuple[Any, Any]:
        """Value and tangent."""
        variant, extra = self._variant(bound.arguments)
        made = variant.made
        words = extra_names(made, self._target.signature)
        dots = {}
        for w, p in zip(self._request.wrt, made.graph.info["tangents"], strict=True):
            dots[words[p]] = tangent(tangents[w], bound.arguments[w], w)
        with explained():
            y, y_dot = made.fn(*bound.args, **bound.kwargs, **extra, **dots)
        return y, y_dot


def jvp(
    fn: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], **kwargs: Any
) -> tuple[Any, Any]:
    r"""Value and directional derivative: forward mode.

    Computes :math:`(f(x), f'(x)\,\dot x)` (Griewank and Walther 2008, section 3.1).

    Parameters:
        fn: the function.
        primals: its positional arguments.
        tangents: a tangent for each of them, of its structure and shape; ``None`` for one held fixed.
        kwargs: further arguments, held fixed.

    Returns:
        ``(y, y_dot)``; both in the structure of the function's result.

    Raises:
        DerivativeValueError: the numbers of primals and tangents differ, or a tangent has another shape.

    Example:
        >>> from srcdiff import jvp
        >>> jvp(lambda x, y: x * y, (3.0, 2.0), (1.0, 0.0))
        (6.0, 2.0)
    """
    both = (primals, tangents)
    if not all(isinstance(x, (tuple, list)) for x in both) or len(primals) != len(tangents):
        refuse_value(
            "tangents", "jvp needs one tangent for each positional argument, both as tuples",
            "write jvp(f, (x, y), (x_dot, y_dot)), with None for an argument held fixed",
        )  # fmt: skip
    target = looked_at(fn, "jvp")
    at = places(target)
    if all(t is None for t in tangents):
        refuse_value("tangents", "every tangent is None", "call the function itself, or give a tangent")
    if len(primals) > len(at.names) and at.star is None:
        refuse(
            "arguments",
            f"{name_of(fn)} takes {len(at.names)} positional arguments, {len(primals)} given",
            f"its arguments are {', '.join(at.names)}",
        )
    dots = {n: t for n, t in at.split(tuple(tangents)).items() if t is not None}
    if at.star in dots and all(t is None for t in dots[at.star]):
        del dots[at.star]
    request = Request("jvp", tuple(dots))
    d = kept(Forward, fn, request, target)
    assert isinstance(d, Forward)
    return d.push(d._bind(tuple(primals), kwargs), dots)


def tangent(t: Any, x: Any, name: str) -> Any:
    """A tangent in the structure and the dtypes of its argument."""
    if isinstance(x, np.ndarray):
        if x.dtype.kind not in "fc":
            return None
        got = np.zeros_like(x) if t is None else np.asarray(t)
        if got.dtype.kind == "c" and x.dtype.kind == "f":
            refuse_value(
                "tangents", f"the tangent of {name!r} is complex, and {name!r} is not", "give a real tangent"
            )
        if got.shape != x.shape:
            refuse_value(
                "tangents",
                f"the tangent of {name!r} has shape {got.shape}, not {x.shape}",
                f"give an array of shape {x.shape}",
            )
        return got.astype(x.dtype, copy=False)
    if isinstance(x, (float, complex, np.inexact)):
        if t is None:
            return type(x)(0.0)
        if isinstance(t, np.ndarray) and t.ndim == 0:
            t = t[()]
        if not isinstance(t, (int, float, complex, np.number)) or isinstance(t, bool):
            refuse_value(
                "tangents",
                f"the tangent of {name!r} is a {type(t).__name__}, and {name!r} a number",
                "give a number",
            )
        return x.dtype.type(t) if isinstance(x, np.generic) else float(t) if not isinstance(t, complex) else t
    if isinstance(x, (tuple, list)):
        if t is not None and (not isinstance(t, (tuple, list)) or len(t) != len(x)):
            refuse_value(
                "tangents",
                f"the tangent of {name!r} is not a {type(x).__name__} of {len(x)}",
                "give it the structure of the argument",
            )
        parts = [
            tangent(a, b, f"{name}[{i}]")
            for i, (a, b) in enumerate(zip(t or [None] * len(x), x, strict=True))
        ]
        return type(x)(*parts) if hasattr(x, "_fields") else tuple(parts) if isinstance(x, tuple) else parts
    if isinstance(x, dict):
        if t is not None and (not isinstance(t, dict) or not set(t) <= set(x)):
            refuse_value(
                "tangents",
                f"the tangent of {name!r} is not a dict with its keys",
                "give it the structure of the argument",
            )
        return {k: tangent((t or {}).get(k), v, f"{name}[{k!r}]") for k, v in x.items()}
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        new = object.__new__(type(x))
        for f in dataclasses.fields(x):
            part = tangent(getattr(t, f.name, None), getattr(x, f.name), f"{name}.{f.name}")
            object.__setattr__(new, f.name, part)
        return new
    return None


class Pullback:
    """The transposed derivative at a point: cotangents of the arguments from the cotangent of the result.

    Attributes:
        source: the emitted text of both sweeps.
    """

    def __init__(self, variant: Variant, saved: tuple[Any, ...], value: Any, at: Places, count: int) -> None:
        assert variant.pair is not None
        self._pair, self._saved, self._value, self._places, self._count = (
            variant.pair,
            saved,
            value,
            at,
            count,
        )
        self.source = variant.made.text.source + "\n\n" + variant.pair.backward.text.source

    def __call__(self, y_bar: Any) -> tuple[Any, ...]:
        leaves: list[Any] = []
        cotangents(self._pair.seeds, self._value, y_bar, "the result", leaves)
        with explained():
            bars = self._pair.backward.fn(*self._saved, *leaves)
        return self._places.join(dict(zip(self._pair.active, bars, strict=True)), self._count)

    def __repr__(self) -> str:
        return f"<pullback with respect to {', '.join(self._pair.active)}>"


def seeds_of(result: Any) -> Any:
    """The structure of a result: True for a part that takes a cotangent, False for one that takes none."""
    if isinstance(result, Struct):
        return (result.type, result.keys, tuple(seeds_of(x) for x in result.items))
    return isinstance(result, Val) and is_active_kind(kind(result))


def cotangents(seeds: Any, y: Any, bar: Any, name: str, out: list[Any]) -> None:
    """The parts of a cotangent that the pullback takes, in order, in the shapes and dtypes of the result."""
    if seeds is False:
        return
    if seeds is True:
        out.append(cotangent(y, bar, name))
        return
    cls, keys, items = seeds
    for k, s in zip(keys, items, strict=True):
        if cls in (tuple, list):
            if bar is not None and (not isinstance(bar, (tuple, list)) or len(bar) != len(keys)):
                refuse_value(
                    "cotangent",
                    f"the cotangent of {name} is not a {cls.__name__} of {len(keys)}",
                    "give it the structure of the result",
                )
            cotangents(s, y[k], None if bar is None else bar[k], f"{name}[{k}]", out)
        elif cls is dict:
            if bar is not None and (not isinstance(bar, dict) or not set(bar) <= set(keys)):
                refuse_value(
                    "cotangent",
                    f"the cotangent of {name} is not a dict with its keys",
                    "give it the structure of the result",
                )
            cotangents(s, y[k], None if bar is None else bar.get(k), f"{name}[{k!r}]", out)
        else:
            cotangents(s, getattr(y, str(k)), getattr(bar, str(k), None), f"{name}.{k}", out)


def cotangent(y: Any, bar: Any, name: str) -> Any:
    """One part of a cotangent; None stands for zero."""
    try:
        return tangent(bar, y, name)
    except DerivativeValueError as e:
        p = e.problems[0]
        what = p.what.replace("the tangent of", "the cotangent of").replace(repr(name), name)
        raise DerivativeValueError(dataclasses.replace(p, slug="cotangent", what=what)) from None


class Reverse(Specialised):
    """Pullbacks of one function."""

    explicit = False

    def _make(self, arguments: Arguments) -> tuple[Made, Pair]:
        wrt = self._request.wrt
        if self._request.single:  # named by the caller
            for w in wrt:
                if w in arguments:
                    check_argument(self.primal, w, arguments[w])
        try:
            return self._pair(arguments, wrt)
        except NoRule:
            if self._request.single or len(wrt) < 2:
                raise
        works = [w for w in wrt if self._has_rules(arguments, w)]
        return self._pair(arguments, tuple(works) or wrt)

    def _has_rules(self, arguments: Arguments, w: str) -> bool:
        try:
            pullback_pair(self._primal_graph(self._params(arguments, (w,)), (w,)), (w,))
        except NoRule:
            return False
        return True

    def _pair(self, arguments: Arguments, wrt: tuple[str, ...]) -> tuple[Made, Pair]:
        graph = self._primal_graph(self._params(arguments, (*self._all_wrt(), *wrt)), wrt)
        seeds = seeds_of(graph.region.results[0])
        pair = pullback_pair(graph, wrt)
        pair.forward.info.update(
            {k: graph.info[k] for k in ("guards", "written", "signature") if k in graph.info}
        )
        name = name_of(self.primal)
        word = name if name.isidentifier() else "f"
        note = self._for(arguments)
        forward = finish(pair.forward, f"{word}_fwd", f"Value of {name} and what its pullback needs{note}.")
        backward = finish(
            pair.backward, f"{word}_bwd", f"Pullback of {name}: cotangents of {', '.join(wrt)}{note}."
        )
        return forward, Pair(backward, wrt, seeds)


def vjp(fn: Callable[..., Any], *args: Any, wrt: Wrt = None, **kwargs: Any) -> tuple[Any, Pullback]:
    r"""Value and pullback: reverse mode.

    Computes :math:`y = f(x)` and the function :math:`\bar y \mapsto \bar y\, f'(x)`
    (Griewank and Walther 2008, section 3.2).

    Parameters:
        fn: the function.
        args, kwargs: its arguments.
        wrt: positional arguments to differentiate with respect to; by default all that can be.

    Returns:
        ``(y, pullback)``; ``pullback(y_bar)`` gives one cotangent per positional argument, ``None`` where
        there is none (text, functions, integers, arguments whose operation has no rule).

    Raises:
        DerivativeValueError: by the pullback, if the cotangent has not the structure and shape of the result.

    Example:
        >>> from srcdiff import vjp
        >>> y, pullback = vjp(lambda x, y: x * y, 3.0, 2.0)
        >>> pullback(1.0)
        (2.0, 3.0)
    """
    target = looked_at(fn, "vjp")
    at = places(target)
    given = at.split(args)
    if wrt is None:
        active = tuple(n for n, v in given.items() if is_differentiable(v))
    else:
        active, _ = wrt_names(wrt, (*at.names, *((at.star,) if at.star else ())), fn, target)
        for w in active:
            if w not in given:
                refuse_value(
                    "wrt",
                    f"{w!r} is not given as a positional argument",
                    f"pass {w} by position, or name another in wrt=",
                )
    if not active:
        refuse_value(
            "wrt",
            f"no argument given to {name_of(fn)} can be differentiated",
            "pass a float or an array of floats",
        )
    d = kept(Reverse, fn, Request("vjp", active, wrt is not None), target)
    bound = d._bind(args, kwargs)
    variant, extra = d._variant(bound.arguments)
    with explained():
        y, saved = variant.made.fn(*bound.args, **bound.kwargs, **extra)
    return y, Pullback(variant, saved, y, at, len(args))


def is_differentiable(v: Any) -> bool:
    """Whether an argument takes part if ``wrt`` is not given."""
    if is_literal(v) or (callable(v) and not dataclasses.is_dataclass(v)) or isinstance(v, type):
        return False
    k = kind_of(v)
    return k != UNKNOWN and is_active_kind(k)


def source(derivative: Any, *args: Any, **kwargs: Any) -> str:
    """The emitted text of a derivative, specialised to example arguments.

    Parameters:
        derivative: what ``grad`` or ``value_and_grad`` returned.
        args, kwargs: arguments of the kinds to specialise on; without any, the latest text.

    Returns:
        Python source that can be saved as a module.

    Example:
        >>> from srcdiff import grad, source
        >>> print(source(grad(lambda x: x * x), 1.0))
        def f_grad(x):
            \"\"\"Gradient of <lambda> with respect to x.\"\"\"
            return 2.0 * x
        <BLANKLINE>
    """
    own: tuple[Any, ...] = ()
    if isinstance(derivative, types.MethodType):
        derivative, own = derivative.__func__, (derivative.__self__,)
    if not isinstance(derivative, Derivative):
        refuse(
            "argument", "source() needs what grad or value_and_grad returned", "write source(grad(f), 1.0)"
        )
    return derivative.source_for(*own, *args, **kwargs) if args or kwargs else derivative.source


for _fn in (grad, value_and_grad, jvp, vjp, stop_gradient):
    vars(_fn)["__srcdiff__"] = _fn.__name__
