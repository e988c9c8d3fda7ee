"""Checks of derivatives against numbers: for rules of one's own, and for any function."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from srcdiff.api.forward import jvp
from srcdiff.api.gradients import grad
from srcdiff.api.reverse import is_differentiable, vjp
from srcdiff.api.targets import looked_at, name_of
from srcdiff.backends.numpy_names import canonical
from srcdiff.errors import NoRule, Problem, WrongDerivative
from srcdiff.ir.classes import fields_of
from srcdiff.rules.registry import lookup
from srcdiff.runtime.records import record

__all__ = ["check_rule"]

STEPS = (1e-3, 5e-4)  # of the central differences, which are extrapolated


def check_rule(
    fn: Callable[..., Any],
    *samples: Any,
    wrt: Any = None,
    order: int = 2,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> float:
    r"""Check the derivative of a function, by its rule or by its text, against numbers.

    Along random directions :math:`\dot x` and :math:`\bar y`, for every argument alone and all together: the
    tangent of forward mode is the central difference of the function; the dot products agree,
    :math:`\langle \bar y, f'(x)\,\dot x \rangle = \langle \bar y f'(x), \dot x \rangle`; the values of both
    modes are the function's own. Of the second order: the tangent of the gradient of
    :math:`\langle \bar y, f(x) \rangle` is its central difference.

    Parameters:
        fn: the function.
        samples: calls of it: each a tuple of positional arguments, or a single argument. Choose points away
            from kinks, arrays of several shapes, and every option that the rule covers.
        wrt: names of the arguments to check; by default all that can be differentiated (of a function with a
            rule: those that it is about).
        order: 1 to leave out the second order.
        tolerance: the largest relative difference allowed.
        seed: of the random directions.

    Returns:
        The largest relative difference found.

    Raises:
        WrongDerivative: a mode disagrees; says which, at which sample, in which argument.
        NoRule: a mode has no rule, and none can be derived from the other's.

    Example:
        >>> import math, srcdiff
        >>> def sinc(x):
        ...     return math.sin(x) / x
        >>> @srcdiff.elementwise(sinc)
        ... def sinc_rule(x, *, out):
        ...     return (math.cos(x) - out) / x
        >>> srcdiff.check_rule(sinc, 0.3, 2.0) < 1e-8
        True
    """
    if not samples:
        raise TypeError("check_rule needs at least one sample: check_rule(f, (x, y), ...)")
    rng = np.random.default_rng(seed)
    worst = 0.0
    for n, sample in enumerate(samples):
        args = sample if isinstance(sample, tuple) else (sample,)
        active = operands(fn, args, wrt)
        if not active:
            raise TypeError(f"sample {n} of {name_of(fn)} has no argument that can be differentiated")
        groups = [(i,) for i in active] + ([tuple(active)] if len(active) > 1 else [])
        for group in groups:
            check = Check(fn, args, group, tolerance, rng, f"sample {n} of {name_of(fn)}")
            worst = max(worst, check.first(), check.second() if order > 1 else 0.0)
    return worst


def operands(fn: Any, args: tuple[Any, ...], wrt: Any) -> list[int]:
    """The positions of the arguments to check."""
    names = list(looked_at(fn, "check_rule").signature.parameters)
    if wrt is not None:
        wanted = (wrt,) if isinstance(wrt, (str, int)) else tuple(wrt)
        return [w if isinstance(w, int) else names.index(w) for w in wanted]
    out = [i for i, a in enumerate(args) if is_differentiable(a)]
    entry = lookup(canonical(fn))
    if entry is None or not entry.forms:
        return out
    rules = [getattr(entry, form) for form in entry.forms]
    about = {n for r in rules for n in r.operands}
    return [i for i in out if i >= len(names) or names[i] in about]


class Check:
    """One call of a function, with directions in some of its arguments."""

    def __init__(
        self, fn: Any, args: tuple[Any, ...], at: tuple[int, ...], tolerance: float, rng: Any, where: str
    ) -> None:
        self.fn, self.args, self.at, self.tolerance, self.where = fn, args, at, tolerance, where
        self.value = fn(*args)
        self.dots = tuple(random_like(args[i], rng) if i in at else None for i in range(len(args)))
        self.bar = random_like(self.value, rng)
        names = list(looked_at(fn, "check_rule").signature.parameters)
        words = [names[i] if i < len(names) else f"argument {i}" for i in at]
        self.which = " and ".join(words)

    def moved(self, h: float) -> tuple[Any, ...]:
        return tuple(a if d is None else plus(a, d, h) for a, d in zip(self.args, self.dots, strict=True))

    def difference(self, f: Callable[[tuple[Any, ...]], Any]) -> Any:
        """The central difference of ``f`` along the direction, of two steps, extrapolated."""
        coarse, fine = (combined(f(self.moved(h)), f(self.moved(-h)), partial(slope, 2 * h)) for h in STEPS)
        return combined(fine, coarse, lambda a, b: (4 * a - b) / 3)

    def agree(self, got: Any, expected: Any, what: str) -> float:
        scale = max(1.0, size(expected))
        error = distance(got, expected) / scale
        if not error <= self.tolerance:
            raise WrongDerivative(
                Problem(
                    "rule",
                    f"{what} is wrong in {self.which}, at {self.where}",
                    note=f"it gives {shown(got)}, and should give {shown(expected)} "
                    f"(relative difference {error:.2g})",
                    help="mend the rule; if it is right, choose a point away from kinks, or set tolerance=",
                )
            )
        return error

    def first(self) -> float:
        expected = self.difference(lambda args: self.fn(*args))
        y, dot = jvp(self.fn, self.args, self.dots)
        worst = self.agree(y, self.value, "the value in forward mode")
        worst = max(worst, self.agree(dot, expected, "forward mode"))
        y, back = vjp(self.fn, *self.args, wrt=self.at)
        worst = max(worst, self.agree(y, self.value, "the value in reverse mode"))
        bars = back(self.bar)
        left, right = product(self.bar, expected), product(tuple(bars[i] for i in self.at), self.direction())
        return max(worst, self.agree(right, left, "reverse mode (the dot product with a direction)"))

    def direction(self) -> tuple[Any, ...]:
        return tuple(self.dots[i] for i in self.at)

    def second(self) -> float:
        if not isinstance(self.value, (float, complex, np.ndarray, np.inexact)):
            return 0.0
        fn, bar = self.fn, self.bar

        def weighted(*args: Any) -> Any:
            return np.sum(np.real(fn(*args) * bar))

        slopes = grad(weighted, wrt=tuple(f"args[{i}]" for i in self.at))
        expected = self.difference(lambda args: slopes(*args))
        try:
            got = jvp(slopes, self.args, self.dots)[1]
        except NoRule as e:
            why = Problem(
                "rule",
                f"so {self.where} has no derivative of second order",
                help="give what the rule calls a rule, or check with order=1",
            )
            raise NoRule(*e.problems, why) from None
        return self.agree(got, expected, "the derivative of second order")


# ---- values with parts -----------------------------------------------------------------------------------


def parts(v: Any) -> list[Any] | None:
    """What a container holds; None of other things."""
    if isinstance(v, (tuple, list)):
        return list(v)
    if isinstance(v, dict):
        return list(v.values())
    names = None if isinstance(v, type) else fields_of(v)
    return None if names is None else [getattr(v, n) for n in names]


def rebuilt(v: Any, items: list[Any]) -> Any:
    """A container like ``v`` of other parts."""
    if isinstance(v, tuple):
        return type(v)(*items) if hasattr(v, "_fields") else tuple(items)
    if isinstance(v, list):
        return items
    if isinstance(v, dict):
        return dict(zip(v, items, strict=True))
    return record(type(v), **dict(zip(fields_of(v) or (), items, strict=True)))


def number(v: Any) -> bool:
    """Whether a leaf carries a derivative."""
    return isinstance(v, (float, complex, np.inexact)) or (isinstance(v, np.ndarray) and v.dtype.kind in "fc")


def random_like(v: Any, rng: Any) -> Any:
    """A direction in the structure of a value; None where there is no derivative."""
    inner = parts(v)
    if inner is not None:
        return rebuilt(v, [random_like(x, rng) for x in inner])
    if not number(v):
        return None
    out = rng.normal(size=np.shape(v))
    if np.iscomplexobj(v):
        out = out + 1j * rng.normal(size=np.shape(v))
    dtype = getattr(v, "dtype", None)
    if dtype is None:
        return complex(out) if np.iscomplexobj(v) else float(out)
    made = np.empty_like(v) if isinstance(v, np.ndarray) else np.empty((), dtype)
    made[...] = out  # (it lies in memory like the value: order="K" would tell)
    return made[()]


def combined(a: Any, b: Any, f: Callable[[Any, Any], Any]) -> Any:
    """Two values of one structure, number by number."""
    inner = parts(a)
    if inner is not None:
        return [combined(x, y, f) for x, y in zip(inner, parts(b) or [], strict=True)]
    return f(a, b) if number(a) else None


def plus(v: Any, direction: Any, h: float) -> Any:
    """A value moved along a direction."""
    inner = parts(v)
    if inner is not None:
        return rebuilt(v, [plus(x, d, h) for x, d in zip(inner, parts(direction) or [], strict=True)])
    return v + h * direction if number(v) else v


def leaves(v: Any) -> Iterator[Any]:
    """The numbers in a value."""
    inner = parts(v)
    if inner is None:
        yield v if number(v) else None
    else:
        for x in inner:
            yield from leaves(x)


def distance(a: Any, b: Any) -> float:
    """The largest difference of two values; what is missing in one counts as zero."""
    worst = 0.0
    for x, y in itertools.zip_longest(leaves(a), leaves(b)):
        if x is None and y is None:
            continue
        gap = np.abs(np.subtract(0.0 if x is None else x, 0.0 if y is None else y))
        worst = max(worst, float(np.max(gap, initial=0.0))) if not np.isnan(gap).any() else np.inf
    return worst


def slope(h: float, a: Any, b: Any) -> Any:
    return (a - b) / h


def size(v: Any) -> float:
    """The largest number in a value."""
    return max((float(np.max(np.abs(x), initial=0.0)) for x in leaves(v) if x is not None), default=0.0)


def product(a: Any, b: Any) -> float:
    """The dot product of a cotangent and a tangent: the real part, without conjugation."""
    pairs = zip(leaves(a), leaves(b), strict=True)
    return float(sum(np.real(np.sum(x * y)) for x, y in pairs if x is not None and y is not None))


def shown(v: Any) -> str:
    """A value in a message."""
    text = f"{v:.6g}" if number(v) and not np.ndim(v) else repr(v)
    return text if len(text) <= 100 else text[:97] + "..."
