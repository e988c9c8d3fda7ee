r"""The gamma and beta functions and their incomplete relatives (DLMF 5, 8, 25).

.. math:: \Gamma' = \Gamma \psi, \qquad \psi^{(n)\prime} = \psi^{(n+1)}, \qquad
    \partial_x P(a, x) = x^{a-1} e^{-x} / \Gamma(a), \qquad
    \partial_x I_x(a, b) = x^{a-1} (1 - x)^{b-1} / B(a, b)

An inverse has the reciprocal slope, at the result.  The derivatives in the shapes of the incomplete
functions, and in the first argument of the zeta function, have no closed form: `runtime.parameters` computes
them, and those of all orders, by series and continued fractions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from srcdiff.rules.registry import differential, elementwise, pullback, real_only
from srcdiff.runtime.parameters import beta_slope, gamma_slope, zeta_slope

# --- gamma functions: DLMF 5.2, 5.15 ------------------------------------------------------------------------


@elementwise(special.gamma)
def gamma(x: Any, *, out: Any) -> Any:
    return out * special.psi(x)


@elementwise(special.gammaln)
def gammaln(x: Any) -> Any:
    return special.psi(x)


@elementwise(special.loggamma)
def loggamma(x: Any) -> Any:
    return special.psi(x)


@elementwise(special.rgamma)
def rgamma(x: Any, *, out: Any) -> Any:
    if np.iscomplexobj(x):
        return -out * special.psi(x)
    # by reflection (5.5.1, 5.5.4) on the left: at the poles of gamma both factors are finite
    y = 1.0 - np.where(x < 0.5, x, 0.5)
    left = special.gamma(y) * (np.cos(np.pi * x) - np.sin(np.pi * x) / np.pi * special.psi(y))
    return np.where(x < 0.5, left, -out * special.psi(np.where(x < 0.5, 0.5, x)))


real_only(special.psi)  # special.polygamma takes real numbers only


@elementwise(special.psi)
def psi(x: Any) -> Any:
    return special.polygamma(1, x)


@elementwise(special.polygamma)
def polygamma(n: Any, x: Any) -> Any:
    return None, special.polygamma(n + 1, x)


@elementwise(special.poch)
def poch(z: Any, m: Any, *, out: Any) -> Any:
    right = special.psi(z + m)
    return out * (right - special.psi(z)), out * right


@elementwise(special.zeta)
def zeta(x: Any, q: Any = None) -> Any:
    if np.iscomplexobj(x):
        return None, None
    if q is None:
        return zeta_slope(x, 1.0), None
    return zeta_slope(x, q), -x * special.zeta(x + 1.0, q)  # 25.11.17


@elementwise(special.zetac)
def zetac(x: Any) -> Any:
    return zeta_slope(x, 1.0)


@elementwise(zeta_slope)
def zeta_slopes(s: Any, q: Any, n: Any = 1, m: Any = 0) -> Any:
    return zeta_slope(s, q, n + 1, m), zeta_slope(s, q, n, m + 1), None, None


@differential(special.multigammaln)
def multigammaln(a: Any, d: Any, *, a_dot: Any) -> Any:
    return np.sum(special.psi(np.expand_dims(a, -1) - 0.5 * np.arange(d)), axis=-1) * a_dot  # 35.3.4


@pullback(special.multigammaln, "a")
def multigammaln_bar(a: Any, d: Any, *, out_bar: Any) -> Any:
    return np.sum(special.psi(np.expand_dims(a, -1) - 0.5 * np.arange(d)), axis=-1) * out_bar


@elementwise(special.factorial)
def factorial(n: Any, exact: Any = False, extend: Any = "zero") -> Any:
    return special.gamma(n + 1.0) * special.psi(n + 1.0), None, None


# --- beta functions and binomial coefficients: DLMF 5.12, 1.2 -----------------------------------------------


@elementwise(special.beta)
def beta(a: Any, b: Any, *, out: Any) -> Any:
    both = special.psi(a + b)
    return out * (special.psi(a) - both), out * (special.psi(b) - both)


@elementwise(special.betaln)
def betaln(a: Any, b: Any) -> Any:
    both = special.psi(a + b)
    return special.psi(a) - both, special.psi(b) - both


@elementwise(special.binom)
def binom(n: Any, k: Any, *, out: Any) -> Any:
    rest = special.psi(n - k + 1.0)
    return out * (special.psi(n + 1.0) - rest), out * (rest - special.psi(k + 1.0))


# --- incomplete gamma functions: DLMF 8.2, 8.8.13 -----------------------------------------------------------


@elementwise(special.gammainc)
def gammainc(a: Any, x: Any) -> Any:
    return gamma_slope(a, x), np.exp(special.xlogy(a - 1.0, x) - x - special.gammaln(a))


@elementwise(special.gammaincc)
def gammaincc(a: Any, x: Any) -> Any:
    return -gamma_slope(a, x), -np.exp(special.xlogy(a - 1.0, x) - x - special.gammaln(a))


@elementwise(special.gammaincinv)
def gammaincinv(a: Any, y: Any, *, out: Any) -> Any:
    width = np.exp(special.gammaln(a) + out - special.xlogy(a - 1.0, out))
    return -gamma_slope(a, out) * width, width


@elementwise(special.gammainccinv)
def gammainccinv(a: Any, y: Any, *, out: Any) -> Any:
    width = np.exp(special.gammaln(a) + out - special.xlogy(a - 1.0, out))
    return -gamma_slope(a, out) * width, -width


@elementwise(gamma_slope)
def gamma_slopes(a: Any, x: Any, n: Any = 1, m: Any = 0) -> Any:
    if n == 1 and m == 0:
        density = np.exp(special.xlogy(a - 1.0, x) - x - special.gammaln(a))
        return gamma_slope(a, x, 2), density * (np.log(x) - special.psi(a)), None, None
    return gamma_slope(a, x, n + 1, m), gamma_slope(a, x, n, m + 1), None, None


# --- incomplete beta functions: DLMF 8.17 -------------------------------------------------------------------


@elementwise(special.betainc)
def betainc(a: Any, b: Any, x: Any) -> Any:
    density = np.exp(special.xlogy(a - 1.0, x) + special.xlog1py(b - 1.0, -x) - special.betaln(a, b))
    return beta_slope(a, b, x), beta_slope(a, b, x, 0, 1), density


@elementwise(special.betaincc)
def betaincc(a: Any, b: Any, x: Any) -> Any:
    density = np.exp(special.xlogy(a - 1.0, x) + special.xlog1py(b - 1.0, -x) - special.betaln(a, b))
    return -beta_slope(a, b, x), -beta_slope(a, b, x, 0, 1), -density


@elementwise(special.betaincinv)
def betaincinv(a: Any, b: Any, y: Any, *, out: Any) -> Any:
    width = np.exp(special.betaln(a, b) - special.xlogy(a - 1.0, out) - special.xlog1py(b - 1.0, -out))
    return -beta_slope(a, b, out) * width, -beta_slope(a, b, out, 0, 1) * width, width


@elementwise(special.betainccinv)
def betainccinv(a: Any, b: Any, y: Any, *, out: Any) -> Any:
    width = np.exp(special.betaln(a, b) - special.xlogy(a - 1.0, out) - special.xlog1py(b - 1.0, -out))
    return -beta_slope(a, b, out) * width, -beta_slope(a, b, out, 0, 1) * width, -width


@elementwise(beta_slope)
def beta_slopes(a: Any, b: Any, x: Any, i: Any = 1, j: Any = 0, m: Any = 0) -> Any:
    in_a, in_b = beta_slope(a, b, x, i + 1, j, m), beta_slope(a, b, x, i, j + 1, m)
    if i + j == 1 and m == 0:
        density = np.exp(special.xlogy(a - 1.0, x) + special.xlog1py(b - 1.0, -x) - special.betaln(a, b))
        log = np.log(x) - special.psi(a) if i == 1 else np.log1p(-x) - special.psi(b)
        return in_a, in_b, density * (log + special.psi(a + b)), None, None, None
    return in_a, in_b, beta_slope(a, b, x, i, j, m + 1), None, None, None


@elementwise(special.comb)
def comb(N: Any, k: Any, exact: Any = False, repetition: Any = False, *, out: Any) -> Any:
    n = N + k - 1.0 if repetition else N
    top, rest = special.psi(n + 1.0), special.psi(n - k + 1.0)
    in_k = rest - special.psi(k + 1.0)
    if repetition:
        in_k = top - special.psi(k + 1.0)  # the number rises with k
    return out * (top - rest), out * in_k, None, None


@elementwise(special.perm)
def perm(N: Any, k: Any, exact: Any = False, *, out: Any) -> Any:
    rest = special.psi(N - k + 1.0)
    return out * (special.psi(N + 1.0) - rest), out * rest, None
