r"""Multivariate distributions.

With :math:`r = x - \mu` and :math:`s = \Sigma^{-1} r`, of the normal distribution and of Student's:

.. math:: \partial_x \log p = -w s, \qquad \partial_\mu \log p = w s, \qquad
    \partial_\Sigma \log p = \tfrac12 (w s s^T - \Sigma^{-1}), \qquad
    w = 1 \text{ or } \frac{\nu + d}{\nu + r^T s}

of Dirichlet's :math:`\partial_{x_i} = (\alpha_i - 1) / x_i`,
:math:`\partial_{\alpha_i} = \log x_i - \psi(\alpha_i) + \psi(\sum \alpha)`; of the multinomial
:math:`x_i / p_i`, less that of the last, which SciPy takes to be what the others leave.

Of a matrix SciPy reads the lower triangle: the derivative is in that (twice, off the diagonal, that of a
symmetric matrix).  A covariance may be a number or a diagonal, too.  ``allow_singular`` is refused.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special, stats

from srcdiff.rules.registry import definition, differential, pullback
from srcdiff.rules.scipy_stats.texts import rule_text

# --- the normal distribution, Student's ---------------------------------------------------------------------

POINTS = (  # the points as columns, whatever the shape that they come in
    "full = np.ndim({S}) == 2",
    "d = np.shape({S})[0] if full else 1 if {m} is None else np.size({m})",
    "r = np.reshape(x if {m} is None else x - {m}, (-1, d)).T",
    "inverse = np.linalg.inv({S}) if full else None",
    "s = np.linalg.solve({S}, r) if full else r / (np.expand_dims({S}, -1) if np.ndim({S}) == 1 else {S})",
)
BARS = (
    "x_bar = np.reshape(-t.T, np.shape(x))",
    "m_bar = None if {m} is None else np.reshape(np.sum(t, axis=1), np.shape({m}))",
    "total = np.sum(bar)",
    "if full:",
    "    S_bar = half_tril(s @ t.T - total * inverse)",
    "elif np.ndim({S}) == 1:",
    "    S_bar = 0.5 * (np.sum(s * t, axis=1) - total / {S})",
    "else:",
    "    S_bar = 0.5 * (np.sum(s * t) - total * d / {S})",
)


DOTS = (
    "r_dot = np.reshape(x_dot if {m} is None else x_dot - {m}_dot, (-1, d)).T",
    "if full:",
    "    half = half_tril({S}_dot)",
    "    turn = half + half.T",
    "    square, trace = np.sum(s * (turn @ s), axis=0), np.sum(inverse * turn)",
    "elif np.ndim({S}) == 1:",
    "    square = np.sum(np.expand_dims({S}_dot, -1) * s * s, axis=0)",
    "    trace = np.sum({S}_dot / {S})",
    "else:",
    "    square, trace = {S}_dot * np.sum(s * s, axis=0), {S}_dot / {S} * d",
    "change = 0.5 * square - np.sum(s * r_dot, axis=0)",
)
LEVEL = (
    "q = np.sum(r * s, axis=0)",
    "weight = (df + d) / (df + q)",
    "level = special.psi(0.5 * (df + d)) - special.psi(0.5 * df) - d / df",
    "level = level - np.log1p(q / df) + (df + d) * q / (df * (df + q))",
)


def declare_elliptical(dist: Any, mean: str, cov: str, student: bool) -> None:
    """The rules of the log density and the density, whose texts differ in a factor."""
    own, ends = (LEVEL, ["df"]) if student else ((), [])
    head = ["x", f"{mean}=None", f"{cov}=1", *(f"{e}=1" for e in ends)]
    dots = ", ".join(["out", "x_dot", f"{mean}_dot", f"{cov}_dot", *(f"{e}_dot" for e in ends)])
    t_dot = "weight * change + 0.5 * level * df_dot" if student else "change"

    def text(name: str, lines: list[str], extra: str) -> Any:
        body = [line.replace("{m}", mean).replace("{S}", cov) for line in lines]
        return rule_text(f"{'student' if student else 'normal'}_{name}", head, body, extra)

    for method, by in (("logpdf", ""), ("pdf", "out * ")):
        bar = f"bar = np.reshape({by}out_bar, (-1,))"
        t = f"t = s * {'(bar * weight)' if student else 'bar'}"
        last = "x_bar, m_bar, S_bar" + (", 0.5 * np.sum(bar * level)" if student else "")
        back = text(f"{method}_bar", [*POINTS, *own, bar, t, *BARS, last], "out, out_bar")
        pullback(getattr(dist, method), "x", mean, cov, *ends)(back)
        ahead = [*POINTS, *own, *DOTS, f"{by}np.reshape({t_dot} - 0.5 * trace, np.shape(out))"]
        differential(getattr(dist, method))(text(method, ahead, dots))


declare_elliptical(stats.multivariate_normal, "mean", "cov", student=False)
declare_elliptical(stats.multivariate_t, "loc", "shape", student=True)

# --- on the simplex -----------------------------------------------------------------------------------------


DIRICHLET = (
    # the last point may be left out: what is put behind x is cut off again where it is not
    "whole = np.concatenate([x, 1.0 - np.sum(x, axis=0, keepdims=True)])[: alpha.shape[0]].T",
    "slope = (alpha - 1.0) / np.where((alpha == 1.0) & (whole == 0.0), np.inf, whole)",
    "x_bar = (slope * bar).T",
    "x_bar = x_bar[: x.shape[0]] - (x.shape[0] < alpha.shape[0]) * x_bar[-1:]",
    "alpha_bar = (np.log(whole) - special.psi(alpha) + special.psi(np.sum(alpha))) * bar",
    "x_bar, np.sum(alpha_bar, axis=0) if np.ndim(x) == 2 else alpha_bar",
)
for _method, _bar in (("logpdf", "out_bar"), ("pdf", "out * out_bar")):
    _lines = [f"bar = np.expand_dims({_bar}, -1)", *DIRICHLET]
    _text = rule_text(f"dirichlet_{_method}", ["x", "alpha"], _lines, "out, out_bar")
    pullback(getattr(stats.dirichlet, _method), "x", "alpha")(_text)


@differential(stats.multinomial.logpmf)
def multinomial_logpmf(x: Any, n: Any, p: Any, *, p_dot: Any) -> Any:
    slope = x / np.where((x == 0.0) & (p == 0.0), np.inf, p)
    change = np.sum((slope - slope[..., -1:]) * p_dot, axis=-1)
    return np.where(np.sum(x, axis=-1) == n, change, 0.0)


@differential(stats.multinomial.pmf)
def multinomial_pmf(x: Any, n: Any, p: Any, *, out: Any, p_dot: Any) -> Any:
    slope = x / np.where((x == 0.0) & (p == 0.0), np.inf, p)
    return out * np.sum((slope - slope[..., -1:]) * p_dot, axis=-1)


# --- of matrices --------------------------------------------------------------------------------------------


def log_det(a: Any) -> Any:
    """The logarithm of the determinant by the lower triangle, as SciPy reads it."""
    return 2.0 * np.sum(np.log(np.diagonal(np.linalg.cholesky(a), axis1=-2, axis2=-1)), axis=-1)


def from_lower(a: Any) -> Any:
    """The symmetric matrix of the lower triangle."""
    return np.tril(a) + np.swapaxes(np.tril(a, -1), -1, -2)


def log_gamma(df: Any, p: Any) -> Any:
    """``special.multigammaln(df / 2, p)``, of any size p."""
    rest = 0.25 * p * (p - 1) * math.log(math.pi)
    return rest + np.sum(special.gammaln(0.5 * df - 0.5 * np.arange(p)))


@definition(stats.wishart.logpdf, "x", "scale")
def wishart_logpdf(x: Any, df: Any, scale: Any) -> Any:
    """In determinants and a trace; several matrices lie along the last axis."""
    if np.ndim(scale) != 2 or np.ndim(x) not in (2, 3):
        return NotImplemented
    p, x = np.shape(scale)[0], x if np.ndim(x) == 2 else np.moveaxis(x, -1, 0)
    trace = np.trace(np.linalg.solve(from_lower(scale), x), axis1=-2, axis2=-1)
    size = 0.5 * df * (p * math.log(2.0) + log_det(scale)) + log_gamma(df, p)
    return 0.5 * (df - p - 1) * log_det(x) - 0.5 * trace - size


@definition(stats.wishart.pdf, "x", "scale")
def wishart_pdf(x: Any, df: Any, scale: Any) -> Any:
    """By its logarithm."""
    return np.exp(stats.wishart.logpdf(x, df, scale))


@definition(stats.invwishart.logpdf, "x", "scale")
def invwishart_logpdf(x: Any, df: Any, scale: Any) -> Any:
    """In determinants and a trace; several matrices lie along the last axis."""
    if np.ndim(scale) != 2 or np.ndim(x) not in (2, 3):
        return NotImplemented
    p, x = np.shape(scale)[0], x if np.ndim(x) == 2 else np.moveaxis(x, -1, 0)
    trace = np.trace(np.linalg.solve(from_lower(x), from_lower(scale)), axis1=-2, axis2=-1)
    size = 0.5 * df * (p * math.log(2.0) - log_det(scale)) + log_gamma(df, p)
    return -0.5 * (df + p + 1) * log_det(x) - 0.5 * trace - size


@definition(stats.invwishart.pdf, "x", "scale")
def invwishart_pdf(x: Any, df: Any, scale: Any) -> Any:
    """By its logarithm."""
    return np.exp(stats.invwishart.logpdf(x, df, scale))
