"""Gradients: the object that ``grad`` and ``value_and_grad`` return."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import sys
import types
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

import numpy as np

from srcdiff import cache
from srcdiff.api.backend import Compiled, checked_backend, report_on
from srcdiff.api.sizes import array_at, form, size_at
from srcdiff.api.specialise import (
    LIMIT,
    NOTES,
    PLAIN,
    Arguments,
    Specialised,
    Variant,
    as_float,
    check_argument,
    param,
)
from srcdiff.api.targets import (
    Target,
    library_rule,
    lock,
    name_of,
    refuse,
    refuse_value,
    signature_of,
    target_of,
)
from srcdiff.api.wrt import Wrt, wrt_ways
from srcdiff.errors import InternalError, SrcdiffError
from srcdiff.frontend.params import Param
from srcdiff.ir.amounts import amount
from srcdiff.ir.graph import Graph
from srcdiff.ir.kinds import UNKNOWN
from srcdiff.later import Later
from srcdiff.load import explain
from srcdiff.request import LARGE, Request
from srcdiff.signature import is_literal, key_of_value, memory_of, same

if TYPE_CHECKING:
    from srcdiff import pipeline
    from srcdiff.api import store
    from srcdiff.memory.plans import Plan
    from srcdiff.request import Made
else:
    pipeline = Later("srcdiff.pipeline")
    store = Later("srcdiff.api.store")

__all__ = ["Derivative"]

P = ParamSpec("P")
R = TypeVar("R")
WORDS = {
    "grad": "Gradient", "value_and_grad": "Value and gradient", "jacfwd": "Jacobian", "jacrev": "Jacobian",
    "jacobian": "Jacobian", "hessian": "Hessian", "derivative": "Derivative", "laplacian": "Laplacian",
    "elementwise_grad": "Gradient of the sum", "hvp": "Product of the Hessian and a vector",
    "vhp": "Product of a vector and the Hessian",
    "taylor": "Taylor coefficients", "vmap": "Map",
    "gauss_newton_vp": "Product of the Gauss-Newton matrix and a vector",
}  # fmt: skip


_NOTHING: Any = object()  # no argument


class Derivative(Specialised, Generic[P, R]):
    """A derivative of a function, called like the function itself.

    Attributes:
        primal: the function differentiated.
        source: the emitted text of the latest specialisation; before any call, for arguments of unknown kind.
    """

    __srcdiff__ = "Derivative"  # read by the front end where a derivative is called inside a function
    __name__: str
    __qualname__: str

    def __init__(
        self,
        fn: Callable[P, Any],
        mode: str,
        wrt: Wrt = None,
        has_aux: bool = False,
        option: Any = 1,
        memory: int | str | None = None,
        backend: str = "numpy",
    ) -> None:
        if not callable(fn):
            refuse(
                "argument",
                f"{mode} needs a function, not a {type(fn).__name__}",
                f"write {mode}(f), or {mode}(wrt=...)(f)",
            )
        target = target_of(fn)
        public = public_signature(fn, target)
        names, ways, single = wrt_ways(wrt, tuple(public.parameters), fn, target)
        bytes_ = None if memory is None else amount(memory)
        backend = checked_backend(backend)
        request = Request(mode, names, single, bool(has_aux), ways, bytes_, backend, option)
        super().__init__(fn, request, target)
        self.option = option
        self.has_aux = bool(has_aux)
        self._wrt_given = wrt
        self._one: dict[type, Callable[[Any], Any]] = {}
        self._several: dict[tuple[type, ...], Callable[..., Any]] = {}
        self._fast: dict[Any, Callable[..., Any]] = {}
        self._sized: dict[Any, dict[bool, Callable[..., Any]]] = {}  # by whether arrays are large
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

    if TYPE_CHECKING:

        def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...

    else:  # arguments whose types say all are looked up by these; a single one is in no tuple

        def __call__(self, first: Any = _NOTHING, /, *rest: Any, **kwargs: Any) -> Any:
            try:
                if not rest and not kwargs:
                    one = self._one.get(type(first))
                    if one is not None:
                        return one(first)
                elif self._several and not kwargs:
                    n = len(rest)
                    if n == 1:
                        (second,) = rest
                        several = self._several.get((type(first), type(second)))
                        if several is not None:
                            return several(first, second)
                    elif n == 2:
                        second, third = rest
                        several = self._several.get((type(first), type(second), type(third)))
                        if several is not None:
                            return several(first, second, third)
                    else:
                        several = self._several.get((type(first), *map(type, rest)))
                        if several is not None:
                            return several(first, *rest)
                args = () if first is _NOTHING else (first, *rest)
                if kwargs:
                    fast = self._fast.get(_keyword_key(args, kwargs))
                else:
                    fast = self._fast.get(tuple([key_of_value(a) for a in args]))
                return self._call(args, kwargs) if fast is None else fast(*args, **kwargs)
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
        r = self._request
        given = (self.primal, self.mode, self._wrt_given, self.has_aux, self.option, r.memory, r.backend)
        return (type(self), given if r.memory is not None or r.backend != "numpy" else given[:-2])

    # ---- calls
    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        bound, variant, extra = self._prepared(args, kwargs)
        self._register(args, kwargs, bound, variant)
        return variant.made.fn(*bound.args, **bound.kwargs, **extra)

    def _prepared(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[inspect.BoundArguments, Variant, dict[str, Any]]:
        """What a call comes to: the arguments, what is called, and what it is given beside them."""
        bound = self._bind(args, kwargs)
        variant, extra = self._variant(bound.arguments)
        return bound, variant, extra

    def _register(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], bound: Any, variant: Variant
    ) -> None:
        """Remember the way from a signature straight to the emitted function, where there is one."""
        runner = self._runner(args, kwargs, bound.arguments, variant)
        if runner is None:
            return
        key = _keyword_key(args, kwargs) if kwargs else tuple(map(key_of_value, args))
        with lock:
            if len(self._fast) >= 4 * LIMIT:
                self._forget()
            if variant.made.graph.info.get("by_size"):
                runner = self._by_size(args, kwargs, runner, self._sized.setdefault(key, {}))
            self._fast[key] = runner
            if not kwargs and all(key_of_value(a) is type(a) for a in args):
                if len(args) == 1:
                    self._one[type(args[0])] = runner
                else:
                    self._several[tuple(map(type, args))] = runner

    def _forget(self) -> None:
        super()._forget()
        self._fast, self._one, self._several, self._sized = {}, {}, {}, {}

    def _runner(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], arguments: Arguments, variant: Variant
    ) -> Callable[..., Any] | None:
        """What to call for arguments like these; None if each call needs a look at the arguments."""
        t = self._target
        if (
            variant.late
            or (variant.written and sum(1 for _ in memory_of(list(arguments.values()))) > 2)
            or t.kwargs
            or any(self._lengths(arguments))
            or self._planner is not None
        ):
            return None
        if variant.written and variant.captures:
            return None
        runner = self._runner_of(args, kwargs, arguments, variant)
        if runner is None or not (variant.sizes or variant.shapes or variant.forms or variant.lengths):
            return runner
        return self._of_sizes(args, kwargs, variant, runner)

    def _runner_of(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], arguments: Arguments, variant: Variant
    ) -> Callable[..., Any] | None:
        """The same for arguments whose sizes are those that it was made for."""
        t = self._target
        bound = t.signature.bind_partial(*t.args, *args, **kwargs).arguments
        given = set(bound)
        if any(as_float(bound[w]) is not bound[w] for w in self._request.wrt if w in bound):
            return (
                None
                if t.args or kwargs or variant.checks or variant.captures
                else self._converting(args, arguments, variant)
            )
        fill = self._defaults(given, variant.made)
        if fill is None:
            return None
        settled = all(n in given or p.default is p.empty for n, p in t.signature.parameters.items())
        if not (t.args or fill or variant.checks or variant.captures) and settled:
            return variant.made.fn
        return self._checked(variant, t.args, fill, settled, len(args) == 1 and not kwargs)

    def _of_sizes(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], variant: Variant, fn: Callable[..., Any]
    ) -> Callable[..., Any] | None:
        """A call that compares sizes first; None if that needs arguments that the call does not give."""
        ways = self._target.signature.parameters.values()
        own = [p.name for p in ways if p.kind in PLAIN][len(self._target.args) :]
        at: dict[str, Any] = {**dict(zip(own, range(len(args)), strict=False)), **{n: n for n in kwargs}}
        try:
            pairs = tuple(
                (at[first], to, axis, at[name], way, other)
                for (first, to, axis), *rest in variant.sizes
                for name, way, other in rest
            )
            shapes = tuple((at[name], shape) for name, shape in variant.shapes)
            forms = tuple((at[name], exact, expected) for name, exact, expected in variant.forms)
            lengths = tuple((at[place[0]], *place[1:], *limit) for place, *limit in variant.lengths)
        except KeyError:
            return None
        slow = self._call

        def differs(given: Any) -> bool:
            for i, shape in shapes:
                if given[i].shape != shape:
                    return True
            for i, exact, expected in forms:
                if form(given[i], exact) != expected:
                    return True
            for i, to, k, j, way, m in pairs:
                if array_at(given[i], to).shape[k] != array_at(given[j], way).shape[m]:
                    return True
            return any(not least <= size_at(given[i], *where) <= most for i, *where, least, most in lengths)

        if kwargs:

            def by_name(*given: Any, **named: Any) -> Any:
                if differs({**dict(enumerate(given)), **named}):
                    return slow(given, named)
                return fn(*given, **named)

            return by_name

        one = len(args) == len(lengths) == 1 and not (pairs or shapes or forms)
        if one and not lengths[0][1] and lengths[0][2] is not None:  # an array, as most calls have
            _, _, axis, least, most = lengths[0]

            def of_one(x: Any) -> Any:
                return fn(x) if least <= x.shape[axis] <= most else slow((x,), {})

            return of_one

        def run(*given: Any) -> Any:
            return slow(given, {}) if differs(given) else fn(*given)

        return run

    def _by_size(
        self,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        runner: Callable[..., Any],
        found: dict[bool, Callable[..., Any]],
    ) -> Callable[..., Any]:
        """A call that looks for large arrays: these may have a text of their own."""
        at = tuple(k for k, v in enumerate(args) if type(v) is np.ndarray)
        names = tuple(n for n, v in kwargs.items() if type(v) is np.ndarray)
        if not at and not names:
            return runner
        slow = self._call
        found[any(args[k].size >= LARGE for k in at) or any(kwargs[n].size >= LARGE for n in names)] = runner

        def run(*given: Any, **named: Any) -> Any:
            large = False
            for k in at:
                large = large or given[k].size >= LARGE
            for n in names:
                large = large or named[n].size >= LARGE
            fn = found.get(large)
            return slow(given, named) if fn is None else fn(*given, **named)

        if len(args) == 1 and not kwargs:  # one array, as most calls have

            def of_one(x: Any) -> Any:
                fn = found.get(x.size >= LARGE)
                return slow((x,), {}) if fn is None else fn(x)

            return of_one
        return run

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

    def _checked(
        self, variant: Variant, first: tuple[Any, ...], fill: dict[str, Any], settled: bool, one: bool
    ) -> Callable[..., Any]:
        """A call that looks at the world outside first; at the defaults, too, if they are not ``settled``."""
        fn, checks = variant.made.fn, tuple(variant.checks)
        if not settled:
            checks = ((self._target.is_current, True), *checks)
        captures = tuple(
            (c.parameter if c.passed else "", c.get, c.key, c.as_float)
            for c in variant.captures
            if c.get is not None
        )
        own = tuple((v, key_of_value(v)) for v in first if not isinstance(v, (float, int)))
        slow = self._call

        def look(extra: dict[str, Any]) -> bool:
            """Whether the world outside is as it was; ``extra`` gets what is taken from it."""
            try:
                for get, expected in checks:
                    if (now := get()) is not expected and not same(now, expected):
                        return False
                for name, read, key, real in captures:
                    v = as_float(read()) if real else read()
                    if type(v) is not key and key_of_value(v) != key:
                        return False
                    if name:
                        extra[name] = v
                for v, key in own:
                    if key_of_value(v) != key:
                        return False
            except (LookupError, AttributeError, ValueError, TypeError):
                return False
            return True

        if not (captures or own or fill or first):  # constants outside, the same objects as ever

            def as_before() -> bool:
                try:
                    for get, expected in checks:
                        if get() is not expected:
                            return look({})
                except (LookupError, AttributeError, ValueError, TypeError):
                    return False
                return True

            if one and checks:  # an argument by position, as most calls of numbers have
                (get, expected), *more = checks

                def of_one(x: Any) -> Any:
                    try:
                        known = get() is expected
                    except (LookupError, AttributeError, ValueError, TypeError):
                        known = False
                    if known and (not more or as_before()):
                        return fn(x)
                    return fn(x) if as_before() else slow((x,), {})

                return of_one

            def plain(*args: Any, **kwargs: Any) -> Any:
                return fn(*args, **kwargs) if as_before() else slow(args, kwargs)

            return plain

        def run(*args: Any, **kwargs: Any) -> Any:
            extra = dict(fill)
            if not look(extra):
                return slow(args, kwargs)
            return fn(*first, *args, **kwargs, **extra)

        return run

    # ---- texts between processes
    def _kept(self, arguments: Arguments, key: Any) -> Made | None:
        return store.find(self, text_name(self), arguments, key) if cache.enabled() else None

    def _keep(self, made: Made, key: Any) -> None:
        if cache.enabled():
            store.keep(self, text_name(self), key, made)

    # ---- making
    def _make(self, arguments: Arguments) -> tuple[Made, None]:
        for w in self._request.wrt:
            if w in arguments:
                check_argument(self.primal, w, arguments[w])
        params = self._params(arguments, self._all_wrt())
        return self._finish(params, arguments, self._for(arguments)), None

    def _finish(self, params: Mapping[str, Param], given: Arguments, note: str) -> Made:
        if self.mode == "grad":
            made = graph = self._primal_graph(params, given, self._request)
        else:
            graph = self._primal_graph(params, given)
            made = self._derive(graph, given)
        made.info.update({k: graph.info[k] for k in NOTES if k in graph.info})
        text = f"{self._docstring()}{note}.{self._memory(given)}"
        return pipeline.finish(made, text_name(self), text, self._backend, rowwise=True)

    def _derive(self, graph: Graph, given: Arguments) -> Graph:
        return pipeline.derivative_graph(graph, self._request, last=True)

    def _sweeps(self, graph: Graph, arguments: Arguments) -> tuple[Graph, ...]:
        return (self._derive(graph, arguments),)

    def _docstring(self) -> str:
        what = WORDS[self.mode]
        if self.mode == "derivative" and self.option != 1:
            what = f"Derivative of order {self.option}"
        if self.mode == "taylor":
            what = f"Taylor coefficients up to order {self.option}"
        return f"{what} of {name_of(self.primal)} with respect to {', '.join(self._request.wrt)}"

    def graph(self, arguments: Arguments) -> Graph:
        """The graph of the derivative, specialised to these arguments."""
        made = self._variant(arguments)[0].made
        return (self._anew(arguments)[0] if made.kept else made).graph

    def primal_graph(self, arguments: Arguments) -> Graph:
        """The graph of the function, specialised to these arguments."""
        return self._primal_graph(self._params(arguments, self._all_wrt()), arguments)

    # ---- memory
    @property
    def memory(self) -> int | None:
        """The bytes that a call may take; None for any number."""
        return self._request.memory

    @property
    def plan(self) -> Plan | None:
        """How the latest call kept to its budget of memory; None without one."""
        return self._planner.latest if self._planner is not None else None

    def plan_for(self, *args: Any, **kwargs: Any) -> Plan | None:
        """How a call with these arguments would, before it is run."""
        if self._planner is None:
            return None
        return self._planner.plan(self._bind(args, kwargs).arguments)

    # ---- backend
    def compiled(self, *args: Any, **kwargs: Any) -> Compiled:
        """What of the text for these arguments is compiled, and what is not, and why."""
        return report_on(self._made(*args, **kwargs), self._backend)

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
        with lock:
            if args or kwargs or not self._target.signature.parameters:
                variant = self._variant(self._bind(args, kwargs).arguments)[0]
            elif self._latest is not None:
                variant = self._latest
            else:
                return self._generic()
            own = self._target.signature.parameters
            graph = variant.made.graph
            text = graph.info["signature"].parameters
            captures = tuple(map(variant.as_now, graph.captures))
            as_made = all(now is then for now, then in zip(captures, graph.captures, strict=True))
            if as_made and all(
                p.default is text[n].default or same(p.default, text[n].default) for n, p in own.items()
            ):
                return variant.made
            if variant.made.kept:
                given = (args or kwargs) and self._bind(args, kwargs).arguments
                return self._anew(given)[0] if given else self._generic()
            info = {**graph.info, "signature": self._target.signature}  # other defaults than it was made for
            graph = Graph(graph.name, graph.region, graph.signature, captures, info)
            docstring = inspect.getdoc(variant.made.fn) or ""
            return pipeline.finish(graph, text_name(self), docstring, self._backend, rowwise=True)

    def _generic(self) -> Made:
        """The derivative for arguments of which nothing is known."""
        params, literals = self._unknown_params()
        return self._finish(params, {}, self._for(literals))

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
    if library_rule(target.function) is None:
        with contextlib.suppress(TypeError, ValueError):
            return inspect.signature(fn)
    return inspect.Signature([p for n, p in target.signature.parameters.items() if n not in target.bound])


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
    for n, v in made.text.unwritten.items():
        refuse_value(
            "save",
            f"the default of {n!r} in {name_of(fn)} is a {type(v).__name__}, which is not written out",
            f"use None as the default, and make the {type(v).__name__} inside",
        )
