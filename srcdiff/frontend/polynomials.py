"""Polynomials as objects: `np.poly1d`, `numpy.polynomial.Polynomial`, read as the classes here.

Leading coefficients that happen to be zero are not cut off: values, slopes, sums and products do not depend
on them, and ``order`` does not count them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.polynomial.polynomial as series

from srcdiff.frontend import objects
from srcdiff.frontend.objects import content
from srcdiff.frontend.scope import Agg, Args, Bound, Known, Kw

if TYPE_CHECKING:
    from srcdiff.frontend.lower import Lowerer

__all__ = ["SPECIAL"]


class Falling:
    """``np.poly1d``: the highest power first."""

    def __init__(self, c_or_r: Any, r: Any = False, variable: Any = None) -> None:
        self.coeffs: Any = np.poly(c_or_r) if r else np.atleast_1d(np.asarray(c_or_r))

    @property
    def c(self) -> Any:
        return self.coeffs

    @property
    def coef(self) -> Any:
        return self.coeffs

    @property
    def coefficients(self) -> Any:
        return self.coeffs

    @property
    def order(self) -> Any:
        return max(len(np.trim_zeros(self.coeffs, "f")) - 1, 0)

    @property
    def o(self) -> Any:
        return self.order

    @property
    def roots(self) -> Any:
        return np.roots(self.coeffs)

    @property
    def r(self) -> Any:
        return np.roots(self.coeffs)

    def __call__(self, val: Any) -> Any:
        if isinstance(val, Falling):
            out = np.zeros(1)
            for c in self.coeffs:
                out = np.polyadd(np.polymul(out, val.coeffs), np.atleast_1d(c))
            return Falling(out)
        return np.polyval(self.coeffs, val)

    def __len__(self) -> Any:
        return self.order

    def __iter__(self) -> Any:
        return iter(self.coeffs)

    def __eq__(self, other: Any) -> Any:
        if not isinstance(other, Falling):
            return False
        mine, others = np.trim_zeros(self.coeffs, "f"), np.trim_zeros(other.coeffs, "f")
        return len(mine) == len(others) and bool(np.all(mine == others))

    def __getitem__(self, k: Any) -> Any:
        n = len(self.coeffs)
        return self.coeffs[n - 1 - k] if 0 <= k < n else 0.0

    def deriv(self, m: Any = 1) -> Any:
        return Falling(np.polyder(self.coeffs, m))

    def integ(self, m: Any = 1, k: Any = 0) -> Any:
        return Falling(np.polyint(self.coeffs, m, k))

    def __neg__(self) -> Any:
        return Falling(-self.coeffs)

    def __add__(self, other: Any) -> Any:
        return Falling(np.polyadd(self.coeffs, falling(other)))

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __sub__(self, other: Any) -> Any:
        return Falling(np.polysub(self.coeffs, falling(other)))

    def __rsub__(self, other: Any) -> Any:
        return Falling(np.polysub(falling(other), self.coeffs))

    def __mul__(self, other: Any) -> Any:
        return Falling(np.polymul(self.coeffs, falling(other)))

    def __rmul__(self, other: Any) -> Any:
        return self * other

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, Falling):
            quotient, remainder = divided(self.coeffs, other.coeffs)
            return Falling(quotient), Falling(remainder)
        return Falling(self.coeffs / other)

    def __pow__(self, n: Any) -> Any:
        out = Falling(np.ones(1))
        for _ in range(n):
            out = out * self
        return out


class Rising:
    """``Polynomial``: the lowest power first, of what its domain is mapped to."""

    def __init__(self, coef: Any, domain: Any = None, window: Any = None, symbol: Any = "x") -> None:
        self.coef: Any = np.atleast_1d(np.asarray(coef))
        self.limits: Any = None  # (the domain and the window that change nothing)
        if domain is not None or window is not None:
            first, last = (-1.0, 1.0) if domain is None else domain
            left, right = (-1.0, 1.0) if window is None else window
            self.limits = (first, last, left, right)

    def like(self, coef: Any) -> Any:
        """A polynomial of the same domain."""
        out = Rising(coef)
        out.limits = self.limits
        return out

    @property
    def domain(self) -> Any:
        return np.array([-1.0, 1.0] if self.limits is None else self.limits[:2])

    @property
    def window(self) -> Any:
        return np.array([-1.0, 1.0] if self.limits is None else self.limits[2:])

    def mapparms(self) -> Any:
        if self.limits is None:
            return 0.0, 1.0
        first, last, left, right = self.limits
        return (last * left - first * right) / (last - first), (right - left) / (last - first)

    def __call__(self, arg: Any) -> Any:
        if isinstance(arg, Rising):
            offset, scale = self.mapparms()
            inner = offset + scale * arg
            out = self.like(self.coef[-1:])
            for k in range(len(self.coef) - 1):
                last = len(self.coef) - 2 - k
                out = inner * rising(out, out) + self.coef[last : last + 1]
            return out
        if self.limits is None:
            return series.polyval(arg, self.coef)
        offset, scale = self.mapparms()
        return series.polyval(offset + scale * arg, self.coef)

    def __len__(self) -> Any:
        return len(self.coef)

    def __iter__(self) -> Any:
        return iter(self.coef)

    def __eq__(self, other: Any) -> Any:
        if not isinstance(other, Rising) or len(self.coef) != len(other.coef):
            return False
        alike = np.all(self.domain == other.domain) and np.all(self.window == other.window)
        return bool(alike and np.all(self.coef == other.coef))

    def copy(self) -> Any:
        return self.like(self.coef.copy())

    def truncate(self, size: Any) -> Any:
        return self.like(self.coef[:size])

    def trim(self, tol: Any = 0) -> Any:
        n = len(self.coef)
        while n > 1 and abs(self.coef[n - 1]) <= tol:
            n -= 1
        return self.like(self.coef[:n])

    def cutdeg(self, deg: Any) -> Any:
        return self.like(self.coef[: deg + 1])

    def convert(self, domain: Any = None, kind: Any = None, window: Any = None) -> Any:
        out = Rising([0.0], domain, window)
        offset, scale = self.mapparms()
        start, slope = out.mapparms()
        step = np.stack([offset - scale * start / slope, scale / slope])  # this variable, by the new one
        out.coef = self.coef[-1:]
        for k in range(len(self.coef) - 1):
            last = len(self.coef) - 2 - k
            out.coef = series.polyadd(series.polymul(out.coef, step), self.coef[last : last + 1])
        return out

    def deriv(self, m: Any = 1) -> Any:
        if self.limits is None:
            return Rising(series.polyder(self.coef, m))
        return self.like(series.polyder(self.coef, m) * self.mapparms()[1] ** m)

    def integ(self, m: Any = 1, k: Any = (), lbnd: Any = None) -> Any:
        constants = [*k] if isinstance(k, (tuple, list)) else [k]
        if self.limits is None:
            return Rising(series.polyint(self.coef, m, constants, 0.0 if lbnd is None else lbnd))
        offset, scale = self.mapparms()
        start = 0.0 if lbnd is None else offset + scale * lbnd
        return self.like(series.polyint(self.coef, m, constants, start, 1.0 / scale))

    def linspace(self, n: Any = 100, domain: Any = None) -> Any:
        first, last = self.domain if domain is None else domain
        x = np.linspace(first, last, n)
        return x, self(x)

    def degree(self) -> Any:
        return len(self.coef) - 1

    def roots(self) -> Any:
        if self.limits is None:
            return series.polyroots(self.coef)
        offset, scale = self.mapparms()
        return (series.polyroots(self.coef) - offset) / scale

    def __neg__(self) -> Any:
        return self.like(-self.coef)

    def __add__(self, other: Any) -> Any:
        return self.like(series.polyadd(self.coef, rising(other, self)))

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __sub__(self, other: Any) -> Any:
        return self.like(series.polysub(self.coef, rising(other, self)))

    def __rsub__(self, other: Any) -> Any:
        return self.like(series.polysub(rising(other, self), self.coef))

    def __mul__(self, other: Any) -> Any:
        return self.like(series.polymul(self.coef, rising(other, self)))

    def __rmul__(self, other: Any) -> Any:
        return self * other

    def __truediv__(self, other: Any) -> Any:
        return self.like(self.coef / other)

    def __floordiv__(self, other: Any) -> Any:
        return self.like(divided(self.coef[::-1], rising(other, self)[::-1])[0][::-1])

    def __mod__(self, other: Any) -> Any:
        return self.like(divided(self.coef[::-1], rising(other, self)[::-1])[1][::-1])

    def __pow__(self, other: Any) -> Any:
        out = self.like(np.ones(1))
        for _ in range(other):
            out = out * self
        return out


def fitted(x: Any, y: Any, deg: Any, domain: Any = None, w: Any = None, window: Any = None) -> Any:
    """``Polynomial.fit``: least squares in what the points are mapped to."""
    out = Rising([0.0], [np.min(x), np.max(x)] if domain is None else domain, window)
    offset, scale = out.mapparms()
    out.coef = np.polyfit(offset + scale * np.asarray(x), y, deg, w=w)[::-1]
    return out


def of_roots(roots: Any, domain: Any = False, window: Any = None) -> Any:
    """``Polynomial.fromroots``; without a domain (None is the span of the roots) that of every polynomial."""
    if domain is None:
        domain = [np.min(roots), np.max(roots)]
    out = Rising([0.0], None if domain is False else domain, window)
    offset, scale = out.mapparms()
    out.coef = np.poly(offset + scale * np.asarray(roots))[::-1] / scale ** len(roots)
    return out


Falling.__name__, Rising.__name__ = "np.poly1d", "Polynomial"  # as errors speak of them


def divided(u: Any, v: Any) -> Any:
    """Quotient and remainder, the highest power first; a remainder of the divisor's length less one."""
    rest = np.array(u, dtype=float)
    many = len(u) - len(v) + 1
    quotient = np.zeros(max(many, 1))
    for k in range(many):
        quotient[k] = rest[k] / v[0]
        rest[k : k + len(v)] = rest[k : k + len(v)] - quotient[k] * v
    return quotient, rest[max(many, 0) :]


def falling(x: Any) -> Any:
    """The coefficients of a polynomial, or of a number as one."""
    return x.coeffs if isinstance(x, Falling) else np.atleast_1d(np.asarray(x))


def rising(x: Any, like: Rising) -> Any:
    """The same, the lowest power first; of a polynomial of the same domain as another one."""
    if not isinstance(x, Rising):
        return np.atleast_1d(np.asarray(x))
    if (x.limits is not None or like.limits is not None) and x.limits is not like.limits:
        if np.any(x.domain != like.domain):
            raise TypeError("Domains differ")
        if np.any(x.window != like.window):
            raise TypeError("Windows differ")
    return x.coef


def read_as(cls: type, options: int) -> Any:
    """The making of a polynomial; one of another is that. ``options``: how many arguments are understood."""
    make = objects.stand_in(cls)

    def handler(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
        if len(args) > options:
            return None
        box = content(lw, args[0]) if args else None
        if isinstance(box, Agg) and box.type is cls:
            return args[0]
        return make(lw, args, kwargs, node)  # type: ignore[no-any-return]

    return handler


def fit(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    """``Polynomial.fit``: of points and a degree; what else it may be asked for is by name."""
    known = {"x", "y", "deg", "domain", "w", "window"}
    if len(args) > 4 or not kwargs.keys() <= known:
        return None
    return lw.call(Known(fitted, "Polynomial.fit"), args, kwargs, node)


def from_roots(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
    if len(args) > 3 or not kwargs.keys() <= {"roots", "domain", "window"}:
        return None
    return lw.call(Known(of_roots, "Polynomial.fromroots"), args, kwargs, node)


SPECIAL: dict[Any, Any] = {
    np.poly1d: read_as(Falling, 3), np.polynomial.Polynomial: read_as(Rising, 4),
    np.polynomial.Polynomial.fit: fit, np.polynomial.Polynomial.fromroots: from_roots,
    Falling: objects.stand_in(Falling), Rising: objects.stand_in(Rising),
}  # fmt: skip
