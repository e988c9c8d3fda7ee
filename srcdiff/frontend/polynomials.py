"""Polynomials as objects: `np.poly1d`, `numpy.polynomial.Polynomial`, read as the classes here.

Leading coefficients that happen to be zero are not cut off: values, slopes, sums and products do not depend
on them, and ``order`` does not count them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.polynomial.polynomial as series

from srcdiff.frontend import objects
from srcdiff.frontend.expressions import content
from srcdiff.frontend.scope import Agg, Args, Bound, Kw

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
    """``Polynomial``: the lowest power first, with the domain that changes nothing."""

    def __init__(self, coef: Any, domain: Any = None, window: Any = None, symbol: Any = "x") -> None:
        self.coef: Any = np.atleast_1d(np.asarray(coef))

    def __call__(self, arg: Any) -> Any:
        return series.polyval(arg, self.coef)

    def deriv(self, m: Any = 1) -> Any:
        return Rising(series.polyder(self.coef, m))

    def integ(self, m: Any = 1, k: Any = (), lbnd: Any = None) -> Any:
        return Rising(series.polyint(self.coef, m, [*k] if isinstance(k, (tuple, list)) else [k],
                                     0.0 if lbnd is None else lbnd))  # fmt: skip

    def degree(self) -> Any:
        return len(self.coef) - 1

    def roots(self) -> Any:
        return series.polyroots(self.coef)

    def __neg__(self) -> Any:
        return Rising(-self.coef)

    def __add__(self, other: Any) -> Any:
        return Rising(series.polyadd(self.coef, rising(other)))

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __sub__(self, other: Any) -> Any:
        return Rising(series.polysub(self.coef, rising(other)))

    def __rsub__(self, other: Any) -> Any:
        return Rising(series.polysub(rising(other), self.coef))

    def __mul__(self, other: Any) -> Any:
        return Rising(series.polymul(self.coef, rising(other)))

    def __rmul__(self, other: Any) -> Any:
        return self * other

    def __truediv__(self, other: Any) -> Any:
        return Rising(self.coef / other)

    def __floordiv__(self, other: Any) -> Any:
        return Rising(divided(self.coef[::-1], rising(other)[::-1])[0][::-1])

    def __mod__(self, other: Any) -> Any:
        return Rising(divided(self.coef[::-1], rising(other)[::-1])[1][::-1])

    def __pow__(self, other: Any) -> Any:
        out = Rising(np.ones(1))
        for _ in range(other):
            out = out * self
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


def rising(x: Any) -> Any:
    """The same, the lowest power first."""
    return x.coef if isinstance(x, Rising) else np.atleast_1d(np.asarray(x))


def read_as(cls: type, options: int) -> Any:
    """The making of a polynomial; one of another is that. ``options``: how many arguments are understood."""
    make = objects.stand_in(cls)

    def handler(lw: Lowerer, args: Args, kwargs: Kw, node: Any) -> Bound | None:
        if len(args) > options or {"domain", "window"} & kwargs.keys():
            return None
        box = content(lw, args[0]) if args else None
        if isinstance(box, Agg) and box.type is cls:
            return args[0]
        return make(lw, args, kwargs, node)  # type: ignore[no-any-return]

    return handler


SPECIAL: dict[Any, Any] = {
    np.poly1d: read_as(Falling, 3), np.polynomial.Polynomial: read_as(Rising, 1),
    Falling: objects.stand_in(Falling), Rising: objects.stand_in(Rising),
}  # fmt: skip
