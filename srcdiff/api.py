"""Derivatives of Python functions: ``grad``, ``value_and_grad``, ``jvp``, ``vjp``."""

from __future__ import annotations

import functools
import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar, overload

import numpy as np

from srcdiff.errors import DerivativeTypeError, DerivativeValueError, NoRule, Problem, SourceNotFound
from srcdiff.frontend.lower import Param
from srcdiff.frontend.source import unwrap
from srcdiff.ir.graph import Graph
from srcdiff.ir.kinds import UNKNOWN, kind_of
from srcdiff.pipeline import Made, Request, canonical, derivative_graph, finish, float_param, primal_graph, pullback_pair
from srcdiff.rules.registry import lookup
from srcdiff.signature import getter, key_of_value

__all__ = ["Derivative", "grad", "jvp", "source", "stop_gradient", "value_and_grad", "vjp"]

P = ParamSpec("P")
R = TypeVar("R")
Wrt = str | int | Sequence[str] | Sequence[int] | None
LIMIT = 64  # specialisations kept for one derivative


@dataclass
class Variant:
    """A derivative made for one signature."""

    made: Made
    checks: tuple[tuple[Callable[[], Any], Any], ...]  # functions that were read in place, and constants
    captures: tuple[tuple[str, Callable[[], Any], Any], ...]  # values from outside: name, getter, key
    simple: bool

    def valid(self) -> bool:
        for get, expected in self.checks:
            now = get()
            if now is not expected and getattr(now, "__code__", now) is not expected and not _equal(now, expected):
                return False
        return all(key_of_value(get()) == key for _, get, key in self.captures)


def _equal(a: Any, b: Any) -> bool:
    return type(a) is type(b) and isinstance(a, (str, bytes, bool, int)) and bool(a == b)


_shared: OrderedDict[Any, list[Any]] = OrderedDict()  # (code, request, signature) -> made text, for functions made anew
_lock = threading.RLock()


class Derivative(Generic[P, R]):
    """A derivative of a function, called like the function itself.

    Attributes:
        primal: the function differentiated.
        source: the emitted text of the latest specialisation (made for arguments of unknown kind before the first
            call).
    """

    def __init__(self, fn: Callable[P, Any], mode: str, wrt: Wrt = None, has_aux: bool = False) -> None:
        if not callable(fn):
            raise DerivativeTypeError(Problem("argument", f"{mode} needs a function, not {type(fn).__name__}"))
        self.primal = fn
        self.mode = mode
        self.has_aux = has_aux
        self._wrt_given = wrt
        self._root, self._first, self._given = _root(fn)
        self._signature = _signature(fn)
        self._names = tuple(self._signature.parameters)
        self._wrt, self._single = _wrt_names(wrt, self._names, fn)
        self._plain = all(p.kind is p.POSITIONAL_OR_KEYWORD for p in self._signature.parameters.values())
        self._count = len(self._names)
        self._variants: dict[Any, Variant] = {}
        self._fast: dict[Any, Callable[..., Any]] = {}
        self._latest: Made | None = None
        functools.update_wrapper(self, _named(fn), updated=())
        self.__wrapped__ = fn

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if not kwargs:
            fast = self._fast.get(tuple(map(key_of_value, args)))
            if fast is not None:
                return fast(*args)  # type: ignore[no-any-return]
        return self._call(args, kwargs)  # type: ignore[no-any-return]

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __repr__(self) -> str:
        return f"<{self.mode} of {getattr(self.primal, '__qualname__', self.primal)} with respect to {', '.join(self._wrt)}>"

    def __reduce__(self) -> Any:
        return (Derivative, (self.primal, self.mode, self._wrt_given, self.has_aux))

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        bound = self._bind(args, kwargs)
        variant = self._variant(bound)
        extra = {name: get() for name, get, _ in variant.captures}
        return variant.made.fn(*bound.args, **bound.kwargs, **extra)

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> inspect.BoundArguments:
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as e:
            raise TypeError(f"{self.__name__}(): {e}") from None  # type: ignore[attr-defined]
        bound.apply_defaults()
        return bound

    def _variant(self, bound: inspect.BoundArguments) -> Variant:
        key = tuple(map(key_of_value, bound.arguments.values()))
        variant = self._variants.get(key)
        if variant is not None and variant.valid():
            return variant
        with _lock:
            variant = self._make(bound, key)
            if len(self._variants) > LIMIT:
                self._variants.clear()
                self._fast.clear()
            self._variants[key] = variant
            self._latest = variant.made
            if variant.simple and self._plain:
                self._fast[key] = variant.made.fn
        return variant

    def _make(self, bound: inspect.BoundArguments, key: Any) -> Variant:
        request = self._request()
        shared_key = (getattr(self._root, "__code__", self._root), request, key, self._depth())
        for made, codes in _shared.get(shared_key, ()):
            variant = self._wrap(made)
            if variant is not None and variant.valid() and codes == self._given_codes():
                return variant
        graph = self._graph(bound.arguments)
        made = finish(graph, _text_name(self), self._docstring(bound.arguments))
        variant = self._wrap(made)
        assert variant is not None
        _shared.setdefault(shared_key, []).append((made, self._given_codes()))
        while len(_shared) > 512:
            _shared.popitem(last=False)
        return variant

    def _depth(self) -> Any:
        out = []
        f = self.primal
        while isinstance(f, Derivative):
            out.append((f.mode, f._wrt, f._single, f.has_aux))
            f = f.primal
        return tuple(out)

    def _given_codes(self) -> Any:
        return ()

    def _wrap(self, made: Made) -> Variant | None:
        """The made text with this function's own captured values."""
        checks = []
        for path, expected in made.graph.info.get("guards", {}).items():
            checks.append((getter(self._root, path), expected))
        captures = []
        for c in made.graph.captures:
            captures.append((c.name, getter(self._root, c.path), made.extra.setdefault(c.name, key_of_value(c.value))))
        return Variant(made, tuple(checks), tuple(captures), not checks and not captures)

    def _request(self) -> Request:
        return Request(self.mode, self._wrt, self._single, self.has_aux)

    def _params(self, arguments: Mapping[str, Any], wrt: tuple[str, ...]) -> dict[str, Param]:
        out = {}
        for name, value in arguments.items():
            out[name] = float_param(param(name, value), name in wrt)
        return out

    def _graph(self, arguments: Mapping[str, Any]) -> Graph:
        for w in self._wrt:
            if w in arguments:
                check_argument(self.primal, w, arguments[w])
        graph = self._primal_graph(arguments, self._wrt)
        made = derivative_graph(graph, self._request())
        made.info["signature"] = self._signature
        made.info.setdefault("guards", {}).update(graph.info.get("guards", {}))
        return made

    def _primal_graph(self, arguments: Mapping[str, Any], wrt: tuple[str, ...]) -> Graph:
        inner = self.primal
        if isinstance(inner, Derivative):
            params = tuple(dict.fromkeys((*inner._wrt, *wrt)))
            graph = inner._primal_graph(arguments, params)
            g = derivative_graph(graph, inner._request())
            g.info.setdefault("guards", {}).update(graph.info.get("guards", {}))
            return g
        graph = primal_graph(self._root, self._params(dict(zip(_names(self._root), arguments.values(), strict=False)) if self._first else arguments, wrt))
        graph.info["signature"] = self._signature
        return graph

    def _docstring(self, arguments: Mapping[str, Any]) -> str:
        name = getattr(self.primal, "__name__", "f")
        what = {"grad": "Gradient", "value_and_grad": "Value and gradient"}[self.mode]
        return f"{what} of {name} with respect to {', '.join(self._wrt)}."

    @property
    def source(self) -> str:
        """The emitted text: of the latest specialisation, or for arguments of unknown kind."""
        if self._latest is None:
            params = {n: Param(n, UNKNOWN) for n in self._names}
            graph = primal_graph(self._root, params)
            made = derivative_graph(graph, self._request())
            made.info["signature"] = self._signature
            return finish(made, _text_name(self), self._docstring({})).text.source
        return self._latest.text.source

    def source_for(self, *args: Any, **kwargs: Any) -> str:
        """The text specialised to these arguments."""
        return self._variant(self._bind(args, kwargs)).made.text.source

    def save(self, path: str, *args: Any, **kwargs: Any) -> None:
        """Write the text specialised to these arguments (or the latest) to a file."""
        text = self.source_for(*args, **kwargs) if args or kwargs else self.source
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)


def param(name: str, value: Any) -> Param:
    """What is known of an argument."""
    if value is None or isinstance(value, (bool, str, bytes)):
        return Param(name, None, value)
    if callable(value) or isinstance(value, np.dtype):
        return Param(name, None, value, (("arg", name),))
    return Param(name, kind_of(value))


def check_argument(fn: Any, name: str, value: Any) -> None:
    """Refuse arguments that cannot be differentiated."""
    what = getattr(fn, "__name__", "the function")
    if isinstance(value, np.ndarray) and value.dtype.kind not in "fc":
        raise DerivativeTypeError(Problem("wrt", f"{what}: {name!r} is an array of {value.dtype}, which has no derivative", help=f"pass {name}.astype(float)"))
    if value is None or isinstance(value, (bool, str, bytes)) or callable(value):
        raise DerivativeTypeError(Problem("wrt", f"{what}: {name!r} is {type(value).__name__}, which has no derivative", help="name another argument with wrt="))


def _root(fn: Any) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    f = fn
    while isinstance(f, Derivative):
        f = f.primal
    try:
        u = unwrap(f)
    except SourceNotFound:
        return f, (), {}
    if u.args or u.kwargs:
        return f, (), {}
    return u.function, (), {}


def _names(fn: Any) -> tuple[str, ...]:
    return tuple(inspect.signature(fn).parameters)


def _signature(fn: Any) -> inspect.Signature:
    rule = _library_rule(fn)
    if rule is not None:
        code = rule.text.__code__
        names = code.co_varnames[: code.co_argcount]
        full = inspect.signature(rule.text)
        return inspect.Signature([full.parameters[n].replace(annotation=inspect.Parameter.empty) for n in names])
    try:
        return inspect.signature(fn)
    except (TypeError, ValueError):
        raise DerivativeTypeError(Problem("argument", f"the signature of {fn!r} is not known")) from None


def _library_rule(fn: Any) -> Any:
    """The rule of a function that has no Python source of its own to read."""
    entry = lookup(canonical(fn))
    if entry is None:
        return None
    return entry.elementwise or entry.pullback or entry.bilinear or entry.linear or entry.differential


def _named(fn: Any) -> Any:
    return fn if hasattr(fn, "__name__") else functools.partial(fn)


def _text_name(d: Derivative[Any, Any]) -> str:
    name = getattr(d.primal, "__name__", "f")
    if isinstance(d.primal, Derivative):
        name = _text_name(d.primal)
    name = name if name.isidentifier() else "f"
    return f"{name}_{d.mode}" if d.mode != "value_and_grad" else f"{name}_value_and_grad"


def _wrt_names(wrt: Wrt, names: tuple[str, ...], fn: Any) -> tuple[tuple[str, ...], bool]:
    """The names that ``wrt`` stands for, and whether it is a single one."""
    what = getattr(fn, "__name__", "the function")
    if wrt is None:
        if not names:
            raise DerivativeValueError(Problem("wrt", f"{what} has no arguments", help="name a captured variable with wrt="))
        return (names[0],), True

    def one(w: Any) -> str:
        if isinstance(w, (int, np.integer)) and not isinstance(w, bool):
            if not -len(names) <= w < len(names):
                raise DerivativeValueError(Problem("wrt", f"{what} has {len(names)} arguments; there is no argument {w}"))
            return names[int(w)]
        if isinstance(w, str):
            if w not in names and not _captures(fn, w):
                raise DerivativeValueError(Problem("wrt", f"{what} has no argument {w!r}", help=f"its arguments are {', '.join(names)}"))
            return w
        raise DerivativeTypeError(Problem("wrt", f"wrt must be names or positions, not {type(w).__name__}"))

    if isinstance(wrt, (str, int, np.integer)):
        return (one(wrt),), True
    got = tuple(one(w) for w in wrt)
    if len(set(got)) != len(got) or not got:
        raise DerivativeValueError(Problem("wrt", "wrt names an argument twice, or none"))
    return got, False


def _captures(fn: Any, name: str) -> bool:
    code = getattr(fn, "__code__", None)
    return code is not None and (name in code.co_freevars or name in code.co_names and name in fn.__globals__)


@overload
def grad(fn: Callable[P, Any], /, *, wrt: Wrt = None, has_aux: bool = False) -> Derivative[P, Any]: ...
@overload
def grad(fn: Callable[P, Any], /, wrt: Wrt, has_aux: bool = False) -> Derivative[P, Any]: ...
@overload
def grad(*, wrt: Wrt = None, has_aux: bool = False) -> Callable[[Callable[P, Any]], Derivative[P, Any]]: ...
def grad(fn: Any = None, /, wrt: Wrt = None, has_aux: bool = False) -> Any:
    r"""Gradient of a scalar-valued function.

    For a function :math:`f` with a single number as its result, ``grad(f)(x, ...)`` is
    :math:`\partial f / \partial x` in the structure and shape of ``x``
    (Griewank and Walther, *Evaluating Derivatives*, SIAM 2008, chapter 3).

    Parameters:
        fn: the function; left out when used as a decorator with options.
        wrt: argument(s) to differentiate with respect to: a name, a position, or a sequence of these (then the
            result is a tuple); by default the first. A name may also be a variable that the function captures.
        has_aux: the function returns ``(value, aux)``; the result is then ``(gradient, aux)``.

    Returns:
        A :class:`Derivative`, called with the arguments of ``fn``.

    Raises:
        UnsupportedSyntax: the function uses what cannot be differentiated; names file, line and a way out.
        NoRule: a value that matters flows through a function with neither a rule nor Python source.
        DerivativeTypeError: an argument in ``wrt`` or the result is not a real number or array.

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


class Linear(Derivative[Any, Any]):
    """Forward mode and pullbacks of one function, specialised like a gradient."""

    def __init__(self, fn: Any, mode: str, wrt: tuple[str, ...]) -> None:
        super().__init__(fn, mode, wrt or None)
        self._wrt = wrt

    def _docstring(self, arguments: Mapping[str, Any]) -> str:
        name = getattr(self.primal, "__name__", "f")
        return f"Value of {name} and its change along the tangents of {', '.join(self._wrt)}."


@functools.lru_cache(maxsize=512)
def _jvp_of(fn: Any, wrt: tuple[str, ...]) -> Linear:
    return Linear(fn, "jvp", wrt)


def jvp(fn: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], **kwargs: Any) -> tuple[Any, Any]:
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
        DerivativeValueError: the numbers of primals and tangents differ.

    Example:
        >>> from srcdiff import jvp
        >>> jvp(lambda x, y: x * y, (3.0, 2.0), (1.0, 0.0))
        (6.0, 2.0)
    """
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)) or len(primals) != len(tangents):
        raise DerivativeValueError(Problem("tangents", "jvp needs one tangent for each positional argument", help="give None for an argument held fixed"))
    names = tuple(_signature(fn).parameters)
    active = tuple(n for n, t in zip(_expand(fn, names, len(primals)), tangents, strict=True) if t is not None)
    if not active:
        raise DerivativeValueError(Problem("tangents", "every tangent is None"))
    d = _jvp_of(fn, active) if _hashable(fn) else Linear(fn, "jvp", active)
    bound = d._bind(tuple(primals), kwargs)
    variant = d._variant(bound)
    extra = {name: get() for name, get, _ in variant.captures}
    dots = {f"{n}_dot": _tangent(t, bound.arguments[n], n) for n, t in zip(active, (t for t in tangents if t is not None), strict=True)}
    return variant.made.fn(*bound.args, **bound.kwargs, **extra, **dots)  # type: ignore[no-any-return]


def _hashable(fn: Any) -> bool:
    try:
        hash(fn)
    except TypeError:
        return False
    return True


def _expand(fn: Any, names: tuple[str, ...], n: int) -> tuple[str, ...]:
    if len(names) < n:
        raise DerivativeValueError(Problem("tangents", f"{getattr(fn, '__name__', 'the function')} takes {len(names)} arguments, {n} given"))
    return names[:n]


def _tangent(t: Any, x: Any, name: str) -> Any:
    if isinstance(x, np.ndarray):
        t = np.asarray(t, dtype=x.dtype if x.dtype.kind in "fc" else float)
        if t.shape != x.shape:
            raise DerivativeValueError(Problem("tangents", f"the tangent of {name!r} has shape {t.shape}, not {x.shape}"))
    return t


class Pullback:
    """The transposed derivative at a point: cotangents of the arguments from the cotangent of the result."""

    def __init__(self, backward: Callable[..., Any], saved: tuple[Any, ...], active: tuple[str, ...], names: tuple[str, ...], source: str, leaves: Callable[[Any], list[Any]]) -> None:
        self._backward, self._saved, self._active, self._names, self.source, self._leaves = backward, saved, active, names, source, leaves

    def __call__(self, y_bar: Any) -> tuple[Any, ...]:
        bars = self._backward(*self._saved, *self._leaves(y_bar))
        table = dict(zip(self._active, bars, strict=True))
        return tuple(table.get(n) for n in self._names)


_pairs: OrderedDict[Any, Any] = OrderedDict()


def vjp(fn: Callable[..., Any], *args: Any, wrt: Wrt = None, **kwargs: Any) -> tuple[Any, Pullback]:
    r"""Value and pullback: reverse mode.

    Computes :math:`y = f(x)` and the function :math:`\bar y \mapsto \bar y\, f'(x)`
    (Griewank and Walther 2008, section 3.2).

    Parameters:
        fn: the function.
        args, kwargs: its arguments.
        wrt: arguments to differentiate with respect to; by default all that can be.

    Returns:
        ``(y, pullback)``; ``pullback(y_bar)`` gives one cotangent per positional argument, ``None`` where there is
        none (text, functions, integers, arguments whose operation has no rule).

    Example:
        >>> from srcdiff import vjp
        >>> y, pullback = vjp(lambda x, y: x * y, 3.0, 2.0)
        >>> pullback(1.0)
        (2.0, 3.0)
    """
    signature = _signature(fn)
    names = tuple(signature.parameters)
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    positional = names[: len(args)]
    if wrt is None:
        active = tuple(n for n in names if n in bound.arguments and _differentiable(bound.arguments[n]))
        explicit = False
    else:
        active, _ = _wrt_names(wrt, names, fn)
        explicit = True
    d = Linear(fn, "vjp", active or names[:1])
    key = (getattr(d._root, "__code__", d._root), d._depth(), active, tuple(map(key_of_value, bound.arguments.values())))
    variant = None
    for entry in _pairs.get(key, ()):
        candidate = d._wrap(entry[0])
        if candidate is not None and candidate.valid():
            variant, back, active = candidate, entry[1], entry[2]
            break
    if variant is None:
        with _lock:
            made, back, active = _make_pair(d, bound.arguments, active, explicit)
        _pairs.setdefault(key, []).append((made, back, active))
        while len(_pairs) > 512:
            _pairs.popitem(last=False)
        variant = d._wrap(made)
        assert variant is not None
    extra = {name: get() for name, get, _ in variant.captures}
    y, saved = variant.made.fn(*bound.args, **bound.kwargs, **extra)
    text = variant.made.text.source + "\n\n" + back.text.source
    return y, Pullback(back.fn, saved, active, positional, text, functools.partial(_leaves_of, y))


def _leaves_of(y: Any, y_bar: Any) -> list[Any]:
    """The cotangent of a result, leaf by leaf, in the order of the result's parts."""
    if isinstance(y, dict):
        return [x for k in y for x in _leaves_of(y[k], y_bar[k])]
    if isinstance(y, tuple) or isinstance(y, list) and not (y and isinstance(y[0], (float, np.generic, np.ndarray)) and False):
        if isinstance(y, list):
            return [y_bar]
        return [x for a, b in zip(y, y_bar, strict=True) for x in _leaves_of(a, b)]
    if isinstance(y, np.ndarray) and y.dtype.kind in "fc":
        bar = np.asarray(y_bar, dtype=y.dtype)
        if bar.shape != y.shape:
            raise DerivativeValueError(Problem("cotangent", f"the cotangent has shape {bar.shape}, the result {y.shape}"))
        return [bar]
    if isinstance(y, (float, complex, np.floating, np.complexfloating)) :
        return [y_bar]
    return []


def _differentiable(v: Any) -> bool:
    if isinstance(v, (float, complex, np.floating, np.complexfloating)):
        return True
    if isinstance(v, int) and not isinstance(v, bool):
        return False
    if isinstance(v, np.ndarray):
        return v.dtype.kind in "fc"
    if isinstance(v, (tuple, list)):
        return any(_differentiable(x) for x in v)
    if isinstance(v, dict):
        return any(_differentiable(x) for x in v.values())
    from srcdiff.ir.kinds import is_active_kind

    k = kind_of(v)
    return k != UNKNOWN and is_active_kind(k)


def _make_pair(d: Linear, arguments: Mapping[str, Any], active: tuple[str, ...], explicit: bool) -> tuple[Made, Made, tuple[str, ...]]:
    def attempt(names: tuple[str, ...]) -> tuple[Made, Made]:
        graph = d._primal_graph(arguments, names)
        graph.info["signature"] = d._signature
        pair = pullback_pair(graph, names)
        pair.forward.info["signature"] = d._signature
        name = getattr(d.primal, "__name__", "f")
        name = name if name.isidentifier() else "f"
        fwd = finish(pair.forward, f"{name}_fwd", f"Value of {name} and what its pullback needs.")
        bwd = finish(pair.backward, f"{name}_bwd", f"Pullback of {name}: cotangents of {', '.join(names)}.")
        return fwd, bwd

    try:
        fwd, bwd = attempt(active)
        return fwd, bwd, active
    except NoRule:
        if explicit or len(active) < 2:
            raise
    works = []
    for n in active:
        try:
            attempt((n,))
            works.append(n)
        except NoRule:
            continue
    if not works:
        fwd, bwd = attempt(active)
        return fwd, bwd, active
    fwd, bwd = attempt(tuple(works))
    return fwd, bwd, tuple(works)


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
    if not isinstance(derivative, Derivative):
        raise DerivativeTypeError(Problem("argument", "source() needs what grad or value_and_grad returned"))
    return derivative.source_for(*args, **kwargs) if args or kwargs else derivative.source


def stop_gradient(x: Any) -> Any:
    """``x``, held constant by every derivative taken through it.

    Example:
        >>> from srcdiff import grad, stop_gradient
        >>> grad(lambda x: x * stop_gradient(x))(3.0)
        3.0
    """
    return x
