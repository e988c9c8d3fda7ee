"""Rules of one's own: the forms of ``srcdiff.rules``, checked and taken up at once."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import numpy as np

from srcdiff import cache
from srcdiff.api.specialise import forget_all
from srcdiff.api.targets import lock, name_of, refuse, refuse_value
from srcdiff.backends.numpy_names import canonical
from srcdiff.errors import DerivativeValueError, Problem
from srcdiff.frontend import source
from srcdiff.later import Later

if TYPE_CHECKING:
    from srcdiff.rules import registry
else:
    registry = Later("srcdiff.rules.registry")

__all__ = ["bilinear", "differential", "elementwise", "linear", "nondifferentiable", "pullback"]

Fn = Callable[..., Any]
T = TypeVar("T", bound=Fn)

_own: set[tuple[Any, str]] = set()  # what was given here, and may be given anew


def elementwise(*fns: Fn) -> Callable[[T], T]:
    r"""A rule for functions applied element by element (with broadcasting): their partial derivatives.

    The text has the parameters of the function, and after ``*`` may take ``out``, its result. It returns
    :math:`\partial f / \partial x` for one operand, a tuple of partials for several, with ``None`` for an
    operand that has no derivative. One text serves forward and reverse mode.

    Parameters:
        fns: the functions that the rule is for.

    Returns:
        A decorator for the text of the rule.

    Raises:
        DerivativeValueError: the text does not fit the function; the function has such a rule already.
        SourceNotFound: the text cannot be read.

    Example:
        >>> import math, srcdiff
        >>> def sinc(x):
        ...     return math.sin(x) / x
        >>> @srcdiff.elementwise(sinc)
        ... def sinc_rule(x, *, out):
        ...     return (math.cos(x) - out) / x
        >>> round(srcdiff.grad(sinc)(1.0), 6)
        -0.301169
    """
    return lambda text: put("elementwise", fns, None, text, ("out",))


def linear(fn: Fn, *operands: str) -> Callable[[T], T]:
    r"""A rule for an operation linear in some of its operands together: its transpose.

    Forward mode is the operation itself, applied to the tangents. The text returns the cotangents of
    ``operands`` (a tuple if several), from ``out_bar``: :math:`\bar x = A^T \bar y` for :math:`y = A x`.

    Parameters:
        fn: the function.
        operands: the names of the operands; by default the first.

    Returns:
        A decorator for the text of the rule.

    Raises:
        DerivativeValueError, SourceNotFound: as for :func:`elementwise`.

    Example:
        >>> import numpy as np, srcdiff
        >>> def twice(x):
        ...     return np.concatenate([x, x])
        >>> @srcdiff.linear(twice, "x")
        ... def twice_rule(x, *, out_bar):
        ...     n = x.shape[0]
        ...     return out_bar[:n] + out_bar[n:]
        >>> srcdiff.grad(lambda x: twice(x) @ np.arange(4.0))(np.ones(2))
        array([2., 4.])
    """
    return lambda text: put("linear", (fn,), operands or first(text), text, ("out", "out_bar"))


def bilinear(fn: Fn, a: str, b: str) -> Callable[[T], T]:
    r"""A rule for an operation linear in each of two operands (a product): the pair of cotangents.

    Forward mode is :math:`f(\dot a, b) + f(a, \dot b)`. The text returns the cotangents of both operands,
    from ``out_bar``; the one that nobody asks for is not computed.

    Parameters:
        fn: the function.
        a, b: the names of the operands.

    Returns:
        A decorator for the text of the rule.

    Raises:
        DerivativeValueError, SourceNotFound: as for :func:`elementwise`.

    Example:
        >>> import numpy as np, srcdiff
        >>> def scaled(k, x):
        ...     return k * x
        >>> @srcdiff.bilinear(scaled, "k", "x")
        ... def scaled_rule(k, x, *, out_bar):
        ...     return np.sum(out_bar * x), k * out_bar
        >>> srcdiff.grad(lambda k, x: np.sum(scaled(k, x)))(2.0, np.array([1.0, 5.0]))
        np.float64(6.0)
    """
    return lambda text: put("bilinear", (fn,), (a, b), text, ("out", "out_bar"))


def differential(fn: Fn) -> Callable[[T], T]:
    r"""A rule for forward mode: the tangent of the result.

    The text takes after ``*`` the tangents ``<operand>_dot`` of the operands that have derivatives, and may
    take ``out``. It returns :math:`\dot y = f'(x)\,\dot x`. Reverse mode transposes the text, unless there is
    a :func:`pullback` beside it.

    Parameters:
        fn: the function.

    Returns:
        A decorator for the text of the rule.

    Raises:
        DerivativeValueError, SourceNotFound: as for :func:`elementwise`.
        NoRule: (in reverse mode) the text calls what has no rule, or is not linear in the tangents.

    Example:
        >>> import numpy as np, srcdiff
        >>> def solve(A, b):
        ...     return np.linalg.solve(A, b)
        >>> @srcdiff.differential(solve)
        ... def solve_rule(A, b, *, out, A_dot, b_dot):
        ...     return np.linalg.solve(A, b_dot - A_dot @ out)
        >>> A, b = np.array([[2.0, 0.0], [1.0, 4.0]]), np.array([2.0, 5.0])
        >>> srcdiff.grad(lambda b: solve(A, b).sum())(b)
        array([0.375, 0.25 ])
    """

    def decorate(text: T) -> T:
        dots = [n for n in keyword_only(text) if n.endswith("_dot")]
        own = positional(text)
        for n in dots:
            if n[:-4] not in own:
                refuse_text(
                    text, f"it takes {n!r}, but has no operand {n[:-4]!r}", f"name the operands {own}"
                )
        if not dots:
            refuse_text(text, "it takes no tangent", "after *, write <operand>_dot for each operand")
        return put("differential", (fn,), tuple(n[:-4] for n in dots), text, ("out", *dots))

    return decorate


def pullback(fn: Fn, *operands: str, forward: Fn | None = None) -> Callable[[T], T]:
    r"""A rule for reverse mode: the cotangents of the operands.

    The text takes ``out_bar`` after ``*``, and may take ``out``. It returns :math:`\bar x = \bar y\, f'(x)`
    for each of ``operands`` (a tuple if several). Forward mode transposes the text, unless there is another
    form beside it.

    Parameters:
        fn: the function.
        operands: the names of the operands that have derivatives; by default the first.
        forward: a function of the same arguments that returns ``(value, saved)``. It runs instead of ``fn``
            in a function that is differentiated, and the text may take ``saved`` after ``*``. It is read like
            your own code, so that derivatives of higher order see how ``saved`` depends on the operands.

    Returns:
        A decorator for the text of the rule.

    Raises:
        DerivativeValueError, SourceNotFound: as for :func:`elementwise`.
        NoRule: (in forward mode) the text calls what has no rule.

    Example:
        >>> import numpy as np, srcdiff
        >>> def softplus(x):
        ...     return np.logaddexp(0.0, x)
        >>> def softplus_saving(x):
        ...     e = np.exp(-np.abs(x))
        ...     return np.maximum(x, 0.0) + np.log1p(e), e
        >>> @srcdiff.pullback(softplus, "x", forward=softplus_saving)
        ... def softplus_rule(x, *, saved, out_bar):
        ...     return out_bar * np.where(x > 0.0, 1.0, saved) / (1.0 + saved)
        >>> srcdiff.grad(lambda x: softplus(x).sum())(np.array([0.0, 1.0])).round(6)
        array([0.5     , 0.731059])
    """
    extra = ("out", "out_bar", "saved") if forward is not None else ("out", "out_bar")
    return lambda text: put("pullback", (fn,), operands or first(text), text, extra, forward)


def nondifferentiable(*fns: T) -> T:
    """Functions whose results carry no derivative: integers, flags, piecewise constant values.

    Parameters:
        fns: the functions; also as a decorator.

    Returns:
        The (first) function.

    Raises:
        DerivativeValueError: the function has a rule.

    Example:
        >>> import srcdiff
        >>> @srcdiff.nondifferentiable
        ... def bucket(x):
        ...     return float(int(x))
        >>> srcdiff.grad(lambda x: x * bucket(x))(3.5)
        3.0
    """
    for fn in fns:
        key = key_of(fn)
        entry = registry.lookup(key)
        if entry is not None and entry.forms:
            refuse_value("rule", f"{name_of(fn)} has a derivative rule", "leave out one of the two")
        with lock:
            registry.nondifferentiable(key)
            cache.suspend()
            forget_all()
    return fns[0]


# ---- what a rule must look like --------------------------------------------------------------------------


def put(
    form: str,
    fns: tuple[Fn, ...],
    operands: tuple[str, ...] | None,
    text: T,
    extra: tuple[str, ...],
    forward: Fn | None = None,
) -> T:
    """Check a rule, and put it into the table; a rule given before for the same function gives way."""
    check_text(text, operands, extra)
    if not fns:
        refuse_text(text, "it is for no function", f"write @srcdiff.{form}(f)")
    keys = [key_of(fn) for fn in fns]
    for fn in fns:
        check_names(fn, text)
    if forward is not None:
        check_names(forward, text)
    with lock:
        for key, fn in zip(keys, fns, strict=True):
            entry = registry.lookup(key)
            if entry is not None and getattr(entry, form) is not None:
                if (key, form) not in _own:
                    refuse_value(
                        "rule", f"{name_of(fn)} has such a rule already", "give another function the rule"
                    )
                drop(key, form)
            _own.add((key, form))
        if form == "elementwise":
            registry.elementwise(*keys)(text)
        elif form == "differential":
            registry.differential(keys[0])(text)
        elif form == "pullback":
            registry.pullback(keys[0], *(operands or ()), forward=forward)(text)
        elif form == "linear":
            registry.linear(keys[0], *(operands or ()))(text)
        else:
            a, b = operands or ("", "")
            registry.bilinear(keys[0], a, b)(text)
        cache.suspend()
        forget_all()
    return text


def drop(key: Any, form: str) -> None:
    """Take a rule out of the table."""
    entry = registry.lookup(key)
    assert entry is not None
    setattr(entry, form, None)
    entry.forms = tuple(f for f in entry.forms if f != form)
    if form == "pullback":
        entry.joined = None


def key_of(fn: Any) -> Any:
    """What the table knows a function by."""
    if isinstance(fn, (staticmethod, classmethod)):
        fn = fn.__func__
    if not callable(fn):
        refuse(
            "rule",
            f"a rule is for a function, not for a {type(fn).__name__}",
            "write @srcdiff.elementwise(f)",
        )
    key = canonical(fn)
    try:
        hash(key)
    except TypeError:
        refuse(
            "rule",
            f"{name_of(fn)} cannot be hashed, so no rule can be found for it",
            "wrap it in a function, and give that the rule",
        )
    return key


def positional(text: Any) -> tuple[str, ...]:
    """The operands of a rule's text."""
    return text.__code__.co_varnames[: text.__code__.co_argcount]  # type: ignore[no-any-return]


def keyword_only(text: Any) -> tuple[str, ...]:
    """What a rule's text takes after ``*``."""
    code = text.__code__
    return code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]  # type: ignore[no-any-return]


def first(text: Any) -> tuple[str, ...]:
    """The first operand of a rule's text."""
    return positional(text)[:1] if isinstance(text, types.FunctionType) else ()


def check_text(text: Any, operands: tuple[str, ...] | None, extra: tuple[str, ...]) -> None:
    """Refuse texts that cannot be read, or take what there is not."""
    if not isinstance(text, types.FunctionType):
        refuse(
            "rule",
            f"the text of a rule is a Python function, not a {type(text).__name__}",
            "write it with def below",
        )
    source.find(text)
    own = positional(text)
    for n in keyword_only(text):
        if n not in extra:
            refuse_text(text, f"it takes {n!r} after *", f"there is {', '.join(extra)}")
    for n in operands or ():
        if n not in own:
            refuse_text(text, f"it has no operand {n!r}", f"its operands are {', '.join(own)}")


def check_names(fn: Any, text: Any) -> None:
    """Refuse a text whose operands are not those of the function, where these can be seen."""
    if isinstance(fn, (np.ufunc, type)):
        return
    try:
        params = list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError):
        return
    if any(p.kind is p.VAR_POSITIONAL for p in params):
        return
    names = [p.name for p in params if p.kind is not p.VAR_KEYWORD]
    own = positional(text)
    if len(own) > len(names) and any(p.kind is p.VAR_KEYWORD for p in params):
        return
    wrong = [
        n
        for i, n in enumerate(own)
        if i >= len(names)
        or (names[i] != n and params[i].kind is not inspect.Parameter.POSITIONAL_ONLY and n not in names)
    ]
    order = [names.index(n) for n in own if n in names]
    if wrong or order != sorted(order):
        refuse_text(
            text,
            f"its operands are {', '.join(own)}, and those of {name_of(fn)} are {', '.join(names)}",
            f"give it the names of {name_of(fn)}, in their order",
        )


def refuse_text(text: Any, why: str, help: str) -> NoReturn:
    """Refuse a rule's text, at its place."""
    code = text.__code__
    raise DerivativeValueError(
        Problem("rule", f"{text.__name__}: {why}", code.co_filename, code.co_firstlineno, help=help)
    )
