"""The Python function behind a callable: through partials, methods, callable objects and derivatives."""

from __future__ import annotations

import functools
import inspect
import sys
import types
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from srcdiff.backends.numpy_names import canonical, hashed
from srcdiff.deep import Behind
from srcdiff.errors import DerivativeTypeError, DerivativeValueError, Problem, SourceNotFound
from srcdiff.frontend.source import fill_placeholders, unwrap
from srcdiff.frontend.things import LIBRARIES
from srcdiff.ir.modules import package_of
from srcdiff.later import Later, loaded
from srcdiff.request import Request
from srcdiff.wrapped import by_name

registry = Later("srcdiff.rules.registry")

__all__ = ["Target", "library_rule", "lock", "looked_at", "name_of", "refuse", "refuse_value", "signature_of",
           "target_of"]  # fmt: skip

MOST_WRAPPERS = 50
MOST_TARGETS = 512

lock = Behind("making")  # behind which everything is made
_targets: OrderedDict[Any, tuple[Any, Target]] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Target:
    """What a callable comes down to: a function, arguments bound to it, and derivatives taken on the way."""

    function: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    layers: tuple[Request, ...]  # innermost first
    signature: inspect.Signature
    bound: Mapping[str, Any]  # the arguments bound for good, by name
    defaults: tuple[Any, Mapping[str, Any]] = (None, {})  # of the function, when it was looked at

    def is_current(self) -> bool:
        """Whether the defaults of the function are what they were: the signature holds them."""
        first, named = self.defaults
        now = getattr(self.function, "__kwdefaults__", None) or {}
        return getattr(self.function, "__defaults__", None) is first and (
            now is named or (now.keys() == named.keys() and all(now[n] is v for n, v in named.items()))
        )

    @property
    def code(self) -> Any:
        """What functions made anew from one text have in common.

        Those with rules may share a text (that of a decorator) and yet be different ones.
        """
        if library_rule(self.function) is not None:
            return self.function
        return getattr(self.function, "__code__", self.function)


def target_of(fn: Any) -> Target:
    """Look through partials, methods, callable objects and derivatives."""
    layers: list[Request] = []
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    f = fn
    for _ in range(MOST_WRAPPERS):
        if getattr(f, "__srcdiff__", None) == "Derivative":
            layers.insert(0, f._request)
            f = f.primal
        elif getattr(f, "__srcdiff__", None) == "Product":
            f = f.as_function()
        elif isinstance(f, functools.partial):
            args, kwargs = fill_placeholders(f.args, args, fn), {**f.keywords, **kwargs}
            f = f.func
        elif isinstance(f, types.MethodType) and library_rule(f) is None:
            args, f = (f.__self__, *args), f.__func__
        elif isinstance(f, types.FunctionType) or library_rule(f) is not None:
            break
        elif isinstance(f, type):
            refuse(
                "argument",
                f"{f.__name__} is a class, not a function",
                "differentiate a function that makes one and returns a number",
            )
        elif package_of(type(f)) in ("numpy", "scipy"):
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
    f = hashed(f)
    if not isinstance(f, types.FunctionType) and library_rule(f) is None:
        refuse(
            "not-python",
            f"{name_of(fn)} has neither a rule nor Python source",
            "give it a rule: srcdiff.elementwise, srcdiff.differential or srcdiff.pullback",
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
    defaults = getattr(f, "__defaults__", None), dict(getattr(f, "__kwdefaults__", None) or {})
    return Target(f, args, kwargs, tuple(layers), signature, own, defaults)


def library_rule(fn: Any) -> Any:
    """The rule of a function of the table, which stands for it; None if there is none."""
    if not loaded("srcdiff.rules") and is_users(fn):
        return None  # (there are rules of users' functions only where there are rules)
    entry = registry.lookup(canonical(fn))
    if entry is None:
        return None
    return entry.elementwise or entry.pullback or entry.bilinear or entry.linear or entry.differential


def is_users(fn: Any) -> bool:
    """Whether a function is one of no library that there are rules for."""
    if not isinstance(fn, types.FunctionType):
        return False
    home = package_of(fn)
    return home not in LIBRARIES and home not in sys.stdlib_module_names


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


def looked_at(fn: Any, what: str) -> Target:
    """The target of a function used by ``jvp`` or ``vjp``."""
    if not callable(fn):
        refuse("argument", f"{what} needs a function, not a {type(fn).__name__}", f"write {what}(f, ...)")
    key = (id(fn), Target)
    found = _targets.get(key)
    if found is not None and found[0] is fn and found[1].is_current():
        return found[1]
    target = target_of(fn)
    with lock:
        _targets[key] = (fn, target)
        while len(_targets) > MOST_TARGETS:
            _targets.popitem(last=False)
    return target
