r"""Distribution functions that ``scipy.special`` has under names of its own.

The slope of a distribution function is the density; of its inverse, the reciprocal of the density at the
result.  There is no closed derivative in degrees of freedom and counts, except where one is given.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from srcdiff.rules.registry import elementwise
from srcdiff.runtime.special import gamma_slope

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
    return None, -2.0 * np.exp(special.gammaln(0.5 * v) + 0.5 * out - special.xlogy(0.5 * v - 1.0, 0.5 * out))


@elementwise(special.gdtr)
def gdtr(a: Any, b: Any, x: Any) -> Any:
    density = np.exp(special.xlogy(b - 1.0, a * x) - a * x - special.gammaln(b))
    return x * density, gamma_slope(b, a * x), a * density


@elementwise(special.gdtrc)
def gdtrc(a: Any, b: Any, x: Any) -> Any:
    density = np.exp(special.xlogy(b - 1.0, a * x) - a * x - special.gammaln(b))
    return -x * density, -gamma_slope(b, a * x), -a * density


@elementwise(special.fdtr)
def fdtr(dfn: Any, dfd: Any, x: Any) -> Any:
    ratio = dfn * x / dfd
    log = special.xlogy(0.5 * dfn - 1.0, ratio) - 0.5 * (dfn + dfd) * np.log1p(ratio)
    return None, None, dfn / dfd * np.exp(log - special.betaln(0.5 * dfn, 0.5 * dfd))


@elementwise(special.fdtrc)
def fdtrc(dfn: Any, dfd: Any, x: Any) -> Any:
    ratio = dfn * x / dfd
    log = special.xlogy(0.5 * dfn - 1.0, ratio) - 0.5 * (dfn + dfd) * np.log1p(ratio)
    return None, None, -dfn / dfd * np.exp(log - special.betaln(0.5 * dfn, 0.5 * dfd))


@elementwise(special.fdtri)
def fdtri(dfn: Any, dfd: Any, p: Any, *, out: Any) -> Any:
    ratio = dfn * out / dfd
    log = special.xlogy(0.5 * dfn - 1.0, ratio) - 0.5 * (dfn + dfd) * np.log1p(ratio)
    return None, None, dfd / dfn * np.exp(special.betaln(0.5 * dfn, 0.5 * dfd) - log)


@elementwise(special.stdtr)
def stdtr(df: Any, t: Any) -> Any:
    log = -0.5 * (df + 1.0) * np.log1p(t * t / df) - special.betaln(0.5 * df, 0.5)
    return None, np.exp(log) / np.sqrt(df)


@elementwise(special.stdtrit)
def stdtrit(df: Any, p: Any, *, out: Any) -> Any:
    log = 0.5 * (df + 1.0) * np.log1p(out * out / df) + special.betaln(0.5 * df, 0.5)
    return None, np.exp(log) * np.sqrt(df)
