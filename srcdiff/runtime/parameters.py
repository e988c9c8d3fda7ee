r"""Special functions differentiated in their parameters: series and fractions, in Taylor polynomials.

There are no closed forms in the shapes of the incomplete gamma and beta functions, in the argument of the
zeta function and in the parameters of the hypergeometric ones.  What computes the function is done here with
truncated Taylor polynomials of the parameters in the place of numbers, which gives all mixed derivatives.
Sections named are those of NIST's Digital Library of Mathematical Functions.  What has not converged is NaN.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["beta_slope", "gamma_slope", "hyp1f1_slope", "hyp2f1_slope", "zeta_slope"]

_MOST = 100000  # terms
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798)


class _Jet:
    """A Taylor polynomial in a few variables: coefficients by orders, each an array of the places."""

    __slots__ = ("c",)
    __array_ufunc__ = None  # array * jet is the jet's

    def __init__(self, c: dict[tuple[int, ...], Any]) -> None:
        self.c = c

    @property
    def first(self) -> Any:
        return self.c[min(self.c)]

    def __add__(self, other: Any) -> Any:
        if isinstance(other, _Jet):
            return _Jet({k: v + other.c[k] for k, v in self.c.items()})
        low = min(self.c)
        return _Jet({k: v + other if k == low else v for k, v in self.c.items()})

    __radd__ = __add__

    def __neg__(self) -> Any:
        return self * -1.0

    def __sub__(self, other: Any) -> Any:
        return self + -1.0 * other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, _Jet):
            return _Jet({k: v * other for k, v in self.c.items()})
        return _Jet({k: sum(self.c[a] * other.c[b] for a, b in _ways(k)) for k in self.c})

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self * (1.0 / other)

    def __rtruediv__(self, other: Any) -> Any:
        return _of(self, lambda f, n: (-1.0) ** n / f ** (n + 1)) * other

    def keep(self, taken: Any, other: _Jet) -> _Jet:
        """This one where ``taken``, else the other."""
        return _Jet({k: np.where(taken, v, other.c[k]) for k, v in self.c.items()})


@functools.cache
def _ways(k: tuple[int, ...]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The pairs of orders that add up to ``k``."""
    below = itertools.product(*(range(n + 1) for n in k))
    return [(a, tuple(n - m for n, m in zip(k, a, strict=True))) for a in below]


def _of(jet: _Jet, coefficient: Callable[[Any, int], Any]) -> Any:
    """A function of a polynomial, by its Taylor coefficients at the value."""
    f, low = jet.first, min(jet.c)
    rest = _Jet({k: 0.0 * v if k == low else v for k, v in jet.c.items()})
    most = sum(max(jet.c))
    out: _Jet = rest * 0.0 + coefficient(f, most)
    for n in range(most - 1, -1, -1):
        out = out * rest + coefficient(f, n)
    return out


def _exp(jet: _Jet) -> Any:
    whole = np.exp(jet.first)
    return _of(jet, lambda f, n: whole / math.factorial(n))


def _log(jet: _Jet) -> Any:
    return _of(jet, lambda f, n: np.log(f) if n == 0 else (-1.0) ** (n - 1) / (n * f**n))


def _gammaln(jet: _Jet) -> Any:
    from scipy import special

    def coefficient(f: Any, n: int) -> Any:
        return special.gammaln(f) if n == 0 else special.polygamma(n - 1, f) / math.factorial(n)

    return _of(jet, coefficient)


def _variables(values: Any, orders: tuple[int, ...]) -> list[_Jet]:
    """The parameters as polynomials: each its value, and one of its own variable."""
    grid = list(itertools.product(*(range(n + 1) for n in orders)))
    places = [np.asarray(x, dtype=float) for x in values]
    zero = np.zeros(np.broadcast_shapes(*(x.shape for x in places)))
    out = []
    for at, x in enumerate(places):
        own = tuple(int(k == at) for k in range(len(orders)))
        out.append(_Jet({k: x + zero if not any(k) else zero + float(k == own) for k in grid}))
    return out


def _derivative(jet: _Jet, orders: tuple[int, ...]) -> Any:
    return jet.c[orders] * math.prod(math.factorial(n) for n in orders)


def _together(*values: Any) -> Any:
    return np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in values))


def _as(out: Any, *given: Any) -> Any:
    """Of the precision of the operands."""
    return np.asarray(out).astype(np.result_type(1.0, *given))[()]


class _Sum:
    """A sum of polynomials that watches whether further terms still matter."""

    def __init__(self, first: _Jet) -> None:
        self.total = first
        self.size = {k: abs(v) for k, v in first.c.items()}

    def add(self, term: _Jet) -> bool:
        """Whether this term was too small to matter, everywhere."""
        self.total = self.total + term
        small: Any = True
        for k, v in term.c.items():
            self.size[k] = np.maximum(self.size[k], abs(v))
            small = small & (abs(v) <= 1e-18 * self.size[k])
        self.small = small
        return bool(np.all(small))

    def result(self) -> _Jet:
        return self.total.keep(self.small, self.total * np.nan)


# --- incomplete gamma and beta functions --------------------------------------------------------------------


def gamma_slope(a: Any, x: Any, n: int = 1, m: int = 0) -> Any:
    r"""The derivative of the regularised incomplete gamma function :math:`P(a, x)`, of order n in a, m in x.

    Below :math:`x = a + 1` term by term, where all terms are of one sign; above by the continued fraction of
    :math:`1 - P` (DLMF 8.7.1, 8.9.2).
    """
    with np.errstate(all="ignore"):
        if m:
            s, t = _variables((a, x), (n, m - 1))
            return _as(_derivative(_exp((s - 1.0) * _log(t) - t - _gammaln(s)), (n, m - 1)), a, x)
        given = a, x
        a, x = _together(a, x)
        near = x < a + 1.0
        inner, outer = np.where(near & (x > 0.0), x, 0.5), np.where(near, 2.5, x)
        below = _derivative(_gamma_series(np.where(x > 0.0, a, 1.0), inner, n), (n,))
        above = _derivative(_gamma_fraction(np.where(near, 1.0, a), outer, n), (n,))
    out = np.where(near, below, -above)
    return _as(np.where((x > 0.0) & (x < np.inf), out, np.where(x >= 0.0, 0.0, np.nan)), *given)


def _gamma_series(a: Any, x: Any, n: int) -> _Jet:
    x = np.minimum(x, a + 1.0)
    (s,) = _variables((a,), (n,))
    term = _exp(s * np.log(x) - x - _gammaln(s + 1.0))
    total = _Sum(term)
    for k in range(1, _MOST):
        term = term * x / (s + float(k))
        if total.add(term) and k > n:
            break
    return total.result()


def _gamma_fraction(a: Any, x: Any, n: int) -> Any:
    (s,) = _variables((a,), (n,))

    def parts(k: int) -> tuple[Any, Any]:
        return -k * (k - s), x + 1.0 - s + 2.0 * k

    return _exp(s * np.log(x) - x - _gammaln(s)) * _fraction(x + 1.0 - s, parts)


def _fraction(first: _Jet, parts: Callable[[int], tuple[Any, Any]]) -> Any:
    """``1 / (first + n1 / (b1 + n2 / (b2 + ...)))`` for ``parts(k) == (nk, bk)``, by Lentz's method."""
    d = 1.0 / first
    c = first * 0.0 + 1e150
    h, size = d, {key: abs(v) for key, v in d.c.items()}
    low = min(d.c)
    more = -1
    small: Any = False
    for k in range(1, _MOST):
        num, b = parts(k)
        d = 1.0 / (num * d + b)
        c = num / c + b
        change = h * (c * d - 1.0)
        h = h + change
        small = True
        for key, v in change.c.items():
            size[key] = np.maximum(size[key], abs(h.c[key]))
            small = small & (abs(v) <= 1e-15 * (size[key] + size[low]))
        if more < 0 and np.all(small):
            more = 2 + k // 4  # rounding keeps the change from vanishing
        if more == 0:
            break
        more -= more > 0
    return h.keep(small, h * np.nan)


def beta_slope(a: Any, b: Any, x: Any, i: int = 1, j: int = 0, m: int = 0) -> Any:
    r"""The derivative of the incomplete beta function :math:`I_x(a, b)`, of orders i, j, m in a, b, x.

    By its continued fraction on the side where that converges: :math:`I_x(a, b) = 1 - I_{1-x}(b, a)`
    (DLMF 8.17.4, 8.17.22).
    """
    with np.errstate(all="ignore"):
        if m:
            s, t, u = _variables((a, b, x), (i, j, m - 1))
            ends = _gammaln(s) + _gammaln(t) - _gammaln(s + t)
            density = _exp((s - 1.0) * _log(u) + (t - 1.0) * _log(1.0 - u) - ends)
            return _as(_derivative(density, (i, j, m - 1)), a, b, x)
        given = a, b, x
        a, b, x = _together(a, b, x)
        inside = (x > 0.0) & (x < 1.0)
        z = np.where(inside, x, 0.5)
        left = z * (a + b + 2.0) < a + 1.0
        lower = np.where(left, z, 0.5 * (a + 1.0) / (a + b + 2.0))
        upper = np.where(left, 0.5 * (b + 1.0) / (a + b + 2.0), 1.0 - z)
        below = _derivative(_beta_fraction(a, b, lower, i, j), (i, j))
        above = _derivative(_beta_fraction(b, a, upper, j, i), (j, i))
    return _as(np.where(inside, np.where(left, below, -above), np.where(np.isnan(x), np.nan, 0.0)), *given)


def _beta_fraction(a: Any, b: Any, x: Any, i: int, j: int) -> Any:
    s, t = _variables((a, b), (i, j))

    def parts(k: int) -> tuple[Any, Any]:
        n = k // 2
        if k % 2:
            return -(s + n) * (s + t + n) * x / ((s + 2.0 * n) * (s + 2.0 * n + 1.0)), 1.0
        return n * (t - n) * x / ((s + 2.0 * n - 1.0) * (s + 2.0 * n)), 1.0

    ends = _gammaln(s) + _gammaln(t) - _gammaln(s + t)
    front = _exp(s * np.log(x) + t * np.log1p(-x) - ends) / s
    return front * _fraction(s * 0.0 + 1.0, parts)


# --- the zeta function --------------------------------------------------------------------------------------


def zeta_slope(s: Any, q: Any, n: int = 1, m: int = 0) -> Any:
    r"""The derivative of Hurwitz' zeta function :math:`\zeta(s, q)`, of order n in s, m in q: s > 1, q > 0.

    By the formula of Euler and Maclaurin (DLMF 25.11.28); that of Riemann, q = 1, also left of 1, where
    negative s are reflected (25.4.1).
    """
    with np.errstate(all="ignore"):
        u, v = _variables((s, q), (n, m))
        left = u.first < 0.0
        value = _euler_maclaurin((1.0 - u).keep(left, u), v)
        if np.any(left):
            turn = _of(0.5 * math.pi * u, lambda f, k: np.sin(f + 0.5 * math.pi * k) / math.factorial(k))
            mirrored = 2.0 * _exp((u - 1.0) * math.log(2.0 * math.pi) + _gammaln((1.0 - u).keep(left, u)))
            value = (mirrored * turn * value).keep(left, value)
        out = _derivative(value, (n, m))
        known = (u.first > 1.0) | ((v.first == 1.0) & (u.first != 1.0) & (m == 0))
    return _as(np.where(known, out, np.nan), s, q)


def _euler_maclaurin(u: _Jet, v: _Jet) -> Any:
    total = u * 0.0
    for k in range(15):
        total = total + _exp(-u * _log(v + float(k)))
    end = v + 15.0
    power = _exp(-u * _log(end))
    total = total + power * end / (u - 1.0) + 0.5 * power
    rising = u
    for k, number in enumerate(_BERNOULLI, 1):
        power = power / end if k == 1 else power / (end * end)
        total = total + number / math.factorial(2 * k) * rising * power
        rising = rising * (u + (2.0 * k - 1.0)) * (u + 2.0 * k)
    return total


# --- hypergeometric functions -------------------------------------------------------------------------------


def _rising(u: _Jet, m: int) -> Any:
    out = u * 0.0 + 1.0
    for k in range(m):
        out = out * (u + float(k))
    return out


def hyp1f1_slope(a: Any, b: Any, x: Any, i: int = 1, j: int = 0, m: int = 0) -> Any:
    r"""The derivative of Kummer's function :math:`{}_1F_1(a; b; x)`, of orders i, j, m in a, b, x.

    By its series; left of 0 that of :math:`e^x {}_1F_1(b - a; b; -x)` (DLMF 13.2.2, 13.2.39, 13.3.16).
    """
    with np.errstate(all="ignore"):
        given = a, b, x
        a, b, x = _together(a, b, x)
        s, t = _variables((a, b), (i, j))
        scale = _rising(s, m) / _rising(t, m)
        s, t = s + float(m), t + float(m)
        right = x >= 0.0
        series = _confluent(s.keep(right, t - s), t, abs(x))
        return _as(_derivative(scale * series * np.where(right, 1.0, np.exp(x)), (i, j)), *given)


def _confluent(s: _Jet, t: _Jet, x: Any) -> Any:
    term = s * 0.0 + 1.0
    total = _Sum(term)
    for k in range(_MOST):
        term = term * (s + float(k)) / (t + float(k)) * (x / (k + 1.0))
        if total.add(term) and k > sum(max(s.c)) and np.all(abs(s.first + k) > 0.0):
            break
    return total.result()


def hyp2f1_slope(a: Any, b: Any, c: Any, z: Any, i: int = 1, j: int = 0, k: int = 0, m: int = 0) -> Any:
    r"""The derivative of :math:`{}_2F_1(a, b; c; z)`, of orders i, j, k, m in a, b, c, z, for z < 1.

    By its series up to 1/2, and its differential equation step by step beyond; left of 0 by
    :math:`(1 - z)^{-a} {}_2F_1(a, c - b; c; z / (z - 1))` (DLMF 15.2.1, 15.5.4, 15.8.1, 15.10.1).
    """
    with np.errstate(all="ignore"):
        given = a, b, c, z
        a, b, c, z = _together(a, b, c, z)
        s, t, u = _variables((a, b, c), (i, j, k))
        scale = _rising(s, m) * _rising(t, m) / _rising(u, m)
        s, t, u = s + float(m), t + float(m), u + float(m)
        left = z < 0.0
        scale = scale * _exp(s * np.where(left, -np.log1p(-z), 0.0))
        t = (u - t).keep(left, t)
        at = np.where(left, z / (z - 1.0), z)
        known = at < 1.0
        value = _gauss(s, t, u, np.where(known, at, 0.25))
        return _as(np.where(known, _derivative(scale * value, (i, j, k)), np.nan), *given)


def _gauss(s: _Jet, t: _Jet, u: _Jet, z: Any) -> _Jet:
    at = np.minimum(z, 0.5)
    term = s * 0.0 + 1.0
    total, slope = _Sum(term), _Sum(term * 0.0)
    for k in range(_MOST):
        term = term * (s + float(k)) * (t + float(k)) / (u + float(k)) / (k + 1.0)
        powers = at**k
        done = slope.add(term * ((k + 1.0) * powers))
        done = total.add(term * (powers * at)) and done and k > sum(max(s.c))
        if done and np.all((s.first + k) * (t.first + k)):
            break
    value, change = total.result(), slope.result()
    product, both = s * t, s + t + 1.0
    while np.any(at < z):
        h = np.minimum(z - at, 0.5 * (1.0 - at))
        here, middle, first = at * (1.0 - at), 1.0 - 2.0 * at, u - both * at
        one, two = value, change * h  # coefficients times powers of h
        new, newer = _Sum(one), _Sum(two)
        new.add(two)
        for n in range(_MOST):
            three = (one * (n * (n - 1.0)) + (both * n + product) * one) * (h * h)
            three = (three - (first + middle * n) * two * ((n + 1.0) * h)) / (here * ((n + 1.0) * (n + 2.0)))
            done = newer.add(three * (n + 2.0))
            if new.add(three) and done and n > 4:
                break
            one, two = two, three
        value = new.result().keep(h > 0.0, value)
        change = (newer.result() / np.where(h > 0.0, h, 1.0)).keep(h > 0.0, change)
        at = at + h
    return value
