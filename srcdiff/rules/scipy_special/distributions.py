r"""Distribution functions that ``scipy.special`` has under names of its own.

The slope of a distribution function is the density; of its inverse, the reciprocal of the density at the
result.  In degrees of freedom it is that of an incomplete gamma or beta function in its shapes
(`runtime.parameters`); counts are integers, and have none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from srcdiff.rules.registry import elementwise
from srcdiff.runtime.parameters import beta_slope, gamma_slope

# --- discrete: in the probability or the mean (DLMF 8.17.5, 8.4.10) -----------------------------------------


@elementwise(special.bdtr)
def bdtr(k: Any, n: Any, p: Any) -> Any:
    whole = np.floor(k)
    log = special.xlogy(whole, p) + special.xlog1py(n - whole - 1.0, -p)
    return None, None, -np.exp(log - special.betaln(n - whole, whole + 1.0))


@elementwise(special.bdtrc)
def bdtrc(k: Any, n: Any, p: Any) -> Any:
    whole = np.floor(k)
    log = special.xlogy(whole, p) + special.xlog1py(n - whole - 1.0, -p)
    return None, None, np.exp(log - special.betaln(n - whole, whole + 1.0))


@elementwise(special.nbdtr)
def nbdtr(k: Any, n: Any, p: Any) -> Any:
    whole = np.floor(k)
    log = special.xlogy(n - 1.0, p) + special.xlog1py(whole, -p)
    return None, None, np.exp(log - special.betaln(n, whole + 1.0))


@elementwise(special.nbdtrc)
def nbdtrc(k: Any, n: Any, p: Any) -> Any:
    whole = np.floor(k)
    log = special.xlogy(n - 1.0, p) + special.xlog1py(whole, -p)
    return None, None, -np.exp(log - special.betaln(n, whole + 1.0))


@elementwise(special.pdtr)
def pdtr(k: Any, m: Any) -> Any:
    whole = np.floor(k)
    return None, -np.exp(special.xlogy(whole, m) - m - special.gammaln(whole + 1.0))


@elementwise(special.pdtrc)
def pdtrc(k: Any, m: Any) -> Any:
    whole = np.floor(k)
    return None, np.exp(special.xlogy(whole, m) - m - special.gammaln(whole + 1.0))


# --- continuous ---------------------------------------------------------------------------------------------


@elementwise(special.chdtr)
def chdtr(v: Any, x: Any) -> Any:
    density = 0.5 * np.exp(special.xlogy(0.5 * v - 1.0, 0.5 * x) - 0.5 * x - special.gammaln(0.5 * v))
    return 0.5 * gamma_slope(0.5 * v, 0.5 * x), density


@elementwise(special.chdtrc)
def chdtrc(v: Any, x: Any) -> Any:
    density = 0.5 * np.exp(special.xlogy(0.5 * v - 1.0, 0.5 * x) - 0.5 * x - special.gammaln(0.5 * v))
    return -0.5 * gamma_slope(0.5 * v, 0.5 * x), -density


@elementwise(special.chdtri)
def chdtri(v: Any, p: Any, *, out: Any) -> Any:
    width = -2.0 * np.exp(special.gammaln(0.5 * v) + 0.5 * out - special.xlogy(0.5 * v - 1.0, 0.5 * out))
    return 0.5 * gamma_slope(0.5 * v, 0.5 * out) * width, width


@elementwise(special.gdtr)
def gdtr(a: Any, b: Any, x: Any) -> Any:
    density = np.exp(special.xlogy(b - 1.0, a * x) - a * x - special.gammaln(b))
    return x * density, gamma_slope(b, a * x), a * density


@elementwise(special.gdtrc)
def gdtrc(a: Any, b: Any, x: Any) -> Any:
    density = np.exp(special.xlogy(b - 1.0, a * x) - a * x - special.gammaln(b))
    return -x * density, -gamma_slope(b, a * x), -a * density


def f_slopes(dfn: Any, dfd: Any, x: Any) -> Any:
    """The derivatives of the distribution function of F in all three."""
    ratio = dfn * x / dfd
    log = special.xlogy(0.5 * dfn - 1.0, ratio) - 0.5 * (dfn + dfd) * np.log1p(ratio)
    density = dfn / dfd * np.exp(log - special.betaln(0.5 * dfn, 0.5 * dfd))
    part = ratio / (1.0 + ratio)
    in_n = 0.5 * beta_slope(0.5 * dfn, 0.5 * dfd, part) + density * x / dfn
    return in_n, 0.5 * beta_slope(0.5 * dfn, 0.5 * dfd, part, 0, 1) - density * x / dfd, density


@elementwise(special.fdtr)
def fdtr(dfn: Any, dfd: Any, x: Any) -> Any:
    in_n, in_d, density = f_slopes(dfn, dfd, x)
    return in_n, in_d, density


@elementwise(special.fdtrc)
def fdtrc(dfn: Any, dfd: Any, x: Any) -> Any:
    in_n, in_d, density = f_slopes(dfn, dfd, x)
    return -in_n, -in_d, -density


@elementwise(special.fdtri)
def fdtri(dfn: Any, dfd: Any, p: Any, *, out: Any) -> Any:
    in_n, in_d, density = f_slopes(dfn, dfd, out)
    return -in_n / density, -in_d / density, 1.0 / density


def t_slopes(df: Any, t: Any) -> Any:
    """The derivatives of Student's distribution function in both."""
    log = -0.5 * (df + 1.0) * np.log1p(t * t / df) - special.betaln(0.5 * df, 0.5)
    density = np.exp(log) / np.sqrt(df)
    in_df = -0.25 * np.sign(t) * beta_slope(0.5 * df, 0.5, df / (df + t * t)) - 0.5 * density * t / df
    return in_df, density


@elementwise(special.stdtr)
def stdtr(df: Any, t: Any) -> Any:
    in_df, density = t_slopes(df, t)
    return in_df, density


@elementwise(special.stdtrit)
def stdtrit(df: Any, p: Any, *, out: Any) -> Any:
    in_df, density = t_slopes(df, out)
    return -in_df / density, 1.0 / density
