r"""Multivariate distributions.

With :math:`r = x - \mu` and :math:`s = \Sigma^{-1} r`, of the normal distribution and of Student's:

.. math:: \partial_x \log p = -w s, \qquad \partial_\mu \log p = w s, \qquad
    \partial_\Sigma \log p = \tfrac12 (w s s^T - \Sigma^{-1}), \qquad
    w = 1 \text{ or } \frac{\nu + d}{\nu + r^T s}

of Dirichlet's :math:`\partial_{x_i} = (\alpha_i - 1) / x_i`,
:math:`\partial_{\alpha_i} = \log x_i - \psi(\alpha_i) + \psi(\sum \alpha)`; of the multinomial :math:`x_i / p_i`,
less that of the last, which SciPy takes to be what the others leave.

Of a matrix SciPy reads the lower triangle: the derivative is in that (twice, off the diagonal, that of a
symmetric matrix).  A covariance may be a number or a diagonal, too.  ``allow_singular`` is refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from srcdiff.rules.registry import differential, pullback
from srcdiff.rules.scipy_stats.texts import rule_text

# --- the normal distribution, Student's ---------------------------------------------------------------------

POINTS = (  # the points as columns, whatever the shape that they come in
    "full = np.ndim({S}) == 2",
    "d = np.shape({S})[0] if full else 1 if {m} is None else np.size({m})",
    "r = np.reshape(x if {m} is None else x - {m}, (-1, d)).T",
    "inverse = np.linalg.inv({S}) if full else 1.0 / np.expand_dims({S}, -1) if np.ndim({S}) == 1 else 1.0 / {S}",
    "s = np.linalg.solve({S}, r) if full else inverse * r",
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


def declare_elliptical() -> None:
    """The rules of the log densities and densities, whose texts differ in a factor."""
    for method, bar in (("logpdf", "bar = np.reshape(out_bar, (-1,))"), ("pdf", "bar = np.reshape(out_bar * out, (-1,))")):
        normal = [*POINTS, bar, "t = s * bar", *BARS, "x_bar, m_bar, S_bar"]
        student = [
            *POINTS,
            bar,
            "q = np.sum(r * s, axis=0)",
            "t = s * (bar * (df + d) / (df + q))",
            *BARS,
            "level = special.psi(0.5 * (df + d)) - special.psi(0.5 * df) - d / df",
            "change = level - np.log1p(q / df) + (df + d) * q / (df * (df + q))",
            "x_bar, m_bar, S_bar, 0.5 * np.sum(bar * change)",
        ]
        for dist, mean, cov, lines, ends in (
            (stats.multivariate_normal, "mean", "cov", normal, ()),
            (stats.multivariate_t, "loc", "shape", student, ("df",)),
        ):
            name = f"{'normal' if not ends else 'student'}_{method}"
            body = [line.replace("{m}", mean).replace("{S}", cov) for line in lines]
            head = ["x", f"{mean}=None", f"{cov}=1", *(f"{e}=1" for e in ends)]
            text = rule_text(name, head, body, "out, out_bar")
            pullback(getattr(dist, method), "x", mean, cov, *ends)(text)


declare_elliptical()

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
