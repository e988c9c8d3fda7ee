r"""Univariate discrete distributions, in their real parameters.

.. math:: \partial_\theta\, p = p\; \partial_\theta \log p, \qquad
    \partial_\mu \sum_{j \le k} e^{-\mu} \mu^j / j! = -e^{-\mu} \mu^k / k!

and the like (DLMF 8.17).  Points, counts and shifts are integers, and have no derivative; the inverses are
integers, too.  Between the integers and outside of the support all slopes are 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scipy import stats

from srcdiff.rules.registry import elementwise, nondifferentiable, real_only
from srcdiff.rules.scipy_stats.texts import rule_text

__all__ = ["DISTRIBUTIONS", "Discrete"]


@dataclass(frozen=True)
class Discrete:
    """The formulas of a distribution, in ``k`` and its parameters; ``m`` is the integer part of ``k``."""

    shapes: tuple[str, ...]
    slopes: tuple[str | None, ...]  # of the log of the probability
    inside: str  # where the probability is not 0, beside that k is an integer
    below: tuple[str | None, ...] = ()  # the derivatives of the distribution function


DISTRIBUTIONS: dict[str, Discrete] = {
    "poisson": Discrete(
        ("mu",),
        ("k / np.where((k == 0.0) & (mu == 0.0), np.inf, mu) - 1.0",),
        "k >= 0",
        ("-np.exp(special.xlogy(m, mu) - mu - special.gammaln(m + 1.0))",),
    ),
    "bernoulli": Discrete(
        ("p",),
        ("np.where(k == 1, 1.0 / p, -1.0 / (1.0 - p))",),
        "(k >= 0) & (k <= 1)",
        ("np.where(m == 0.0, -1.0, 0.0)",),
    ),
    "binom": Discrete(
        ("n", "p"),
        (
            None,
            "k / np.where((k == 0.0) & (p == 0.0), np.inf, p)"
            " - (n - k) / np.where((k == n) & (p == 1.0), np.inf, 1.0 - p)",
        ),
        "(k >= 0) & (k <= n)",
        (
            None,
            "-n * np.exp(special.xlogy(m, p) + special.xlog1py(n - 1.0 - m, -p) - special.gammaln(m + 1.0)"
            " - special.gammaln(np.maximum(n - m, 1.0)) + special.gammaln(n)) * (m < n)",
        ),
    ),
    "nbinom": Discrete(
        ("n", "p"),
        (
            "special.psi(n + k) - special.psi(n) + np.log(p)",
            "n / p - k / np.where((k == 0.0) & (p == 1.0), np.inf, 1.0 - p)",
        ),
        "k >= 0",
        (
            "beta_slope(n, m + 1.0, p)",
            "np.exp(special.xlogy(n - 1.0, p) + special.xlog1py(m, -p) - special.betaln(n, m + 1.0))",
        ),
    ),
    "geom": Discrete(
        ("p",),
        ("1.0 / p - (k - 1.0) / np.where((k == 1.0) & (p == 1.0), np.inf, 1.0 - p)",),
        "k >= 1",
        ("m * np.exp(special.xlog1py(m - 1.0, -p))",),
    ),
    "betabinom": Discrete(
        ("n", "a", "b"),
        (
            None,
            "special.psi(k + a) - special.psi(n + a + b) - special.psi(a) + special.psi(a + b)",
            "special.psi(n - k + b) - special.psi(n + a + b) - special.psi(b) + special.psi(a + b)",
        ),
        "(k >= 0) & (k <= n)",
    ),
}


def declare(name: str, d: Discrete) -> None:
    """The rules of all methods of one distribution."""
    dist: Any = getattr(stats, name)
    ends = [*d.shapes, "loc=0"]
    sure = [
        "k = k - loc",
        f"inside = ({d.inside}) & (k == np.floor(k))",
        "k = np.where(inside, k, 1.0)",
    ]

    def put(method: str, lines: list[str], partials: list[str | None], extra: str = "") -> None:
        words = ["None", *("None" if p is None else p for p in partials), "None"]
        text = rule_text(f"{name}_{method}", ["k", *ends], [*lines, ", ".join(words)], extra)
        elementwise(getattr(dist, method))(text)
        real_only(getattr(dist, method))

    def masked(p: str | None, factor: str = "") -> str | None:
        return None if p is None else f"np.where(inside, {factor}({p}), 0.0)"

    put("logpmf", sure, [masked(s) for s in d.slopes])
    put("pmf", sure, [masked(s, "out * ") for s in d.slopes], extra="out")
    lowest = "1.0" if name == "geom" else "0.0"
    reached = [f"inside = k - loc >= {lowest}", f"m = np.where(inside, np.floor(k - loc), {lowest})"]
    if d.below:
        put("cdf", reached, [masked(b) for b in d.below])
        put("sf", reached, [masked(b, "-") for b in d.below])
        # where nothing is left, the slope is 0
        reached.append("inverse = np.exp(-np.where(np.isinf(out), np.inf, out))")
        put("logcdf", reached, [masked(b, "inverse * ") for b in d.below], extra="out")
        put("logsf", reached, [masked(b, "-inverse * ") for b in d.below], extra="out")
    nondifferentiable(dist.ppf, dist.isf)


for _name, _formulas in DISTRIBUTIONS.items():
    declare(_name, _formulas)
