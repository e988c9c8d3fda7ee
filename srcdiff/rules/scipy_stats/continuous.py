r"""Univariate continuous distributions: densities, distribution functions, their logarithms and inverses.

With :math:`z = (x - \mathrm{loc}) / \mathrm{scale}`, the standard log density :math:`\ell(z; \theta)` and
distribution function :math:`F(z; \theta)`:

.. math:: \partial_x = \ell_z / \mathrm{scale}, \qquad \partial_{\mathrm{loc}} = -\ell_z / \mathrm{scale},
    \qquad \partial_{\mathrm{scale}} = -(1 + z \ell_z) / \mathrm{scale}, \qquad \partial_\theta = \ell_\theta

of the log density; of :math:`F`: the density, times :math:`1, -1, -z`, and :math:`F_\theta`, where that has a
closed form; of the inverse at a probability: the reciprocal of the density at the result, by the implicit
function theorem.  Outside of the support all slopes are 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from scipy import stats

from srcdiff.rules.registry import elementwise, real_only
from srcdiff.rules.scipy_stats.texts import rule_text

__all__ = ["DISTRIBUTIONS", "Continuous"]


@dataclass(frozen=True)
class Continuous:
    """The formulas of a distribution, in ``z`` and its shapes."""

    log: str  # the log density
    score: str  # its derivative in z
    slopes: tuple[str, ...] = ()  # and in the shapes
    spread: str = ""  # -(1 + z * score), where that is simpler
    inside: str = ""  # where the density is not 0, if not everywhere
    middle: str = "1.0"  # a point inside
    shapes: tuple[str, ...] = ()
    below: tuple[str | None, ...] = ()  # the derivatives of the distribution function in the shapes
    share: tuple[str, str] = (
        "",
        "",
    )  # the density by what is below, by what is above, where there is a stable form


LOG_2PI = "0.5 * math.log(2.0 * math.pi)"
STUDENT = "-0.5 * (df + 1.0) * np.log1p(z * z / df) - 0.5 * np.log(df) - special.betaln(0.5 * df, 0.5)"
FISHER = (
    "0.5 * dfn * np.log(dfn) + 0.5 * dfd * np.log(dfd) + (0.5 * dfn - 1.0) * np.log(z)"
    " - 0.5 * (dfn + dfd) * np.log(dfd + dfn * z) - special.betaln(0.5 * dfn, 0.5 * dfd)"
)
DISTRIBUTIONS: dict[str, Continuous] = {
    # on the whole line
    "norm": Continuous(
        f"-0.5 * z * z - {LOG_2PI}",
        "-z",
        spread="z * z - 1.0",
        share=(
            "math.sqrt(2.0 / math.pi) / special.erfcx(z * -math.sqrt(0.5))",
            "math.sqrt(2.0 / math.pi) / special.erfcx(z * math.sqrt(0.5))",
        ),
    ),
    "cauchy": Continuous("-np.log1p(z * z) - math.log(math.pi)", "-2.0 * z / (1.0 + z * z)"),
    "laplace": Continuous("-abs(z) - math.log(2.0)", "-np.sign(z)", spread="abs(z) - 1.0"),
    "logistic": Continuous(
        "special.log_expit(z) + special.log_expit(-z)",
        "-np.tanh(0.5 * z)",
        share=("special.expit(-z)", "special.expit(z)"),
    ),
    "hypsecant": Continuous("-np.logaddexp(z, -z) - math.log(0.5 * math.pi)", "-np.tanh(z)"),
    "gumbel_r": Continuous("-z - np.exp(-z)", "np.expm1(-z)"),
    "gumbel_l": Continuous("z - np.exp(z)", "-np.expm1(z)"),
    "moyal": Continuous(f"-0.5 * (z + np.exp(-z)) - {LOG_2PI}", "0.5 * np.expm1(-z)"),
    "t": Continuous(
        STUDENT,
        "-(df + 1.0) * z / (df + z * z)",
        (
            "0.5 * (special.psi(0.5 * (df + 1.0)) - special.psi(0.5 * df)"
            " - np.log1p(z * z / df) + (z * z - 1.0) / (df + z * z))",
        ),
        spread="df * (z * z - 1.0) / (df + z * z)",
        shapes=("df",),
        below=(
            "-0.25 * np.sign(z) * beta_slope(0.5 * df, 0.5, df / (df + z * z))"
            f" - 0.5 * z / df * np.exp({STUDENT})",
        ),
    ),
    "skewnorm": Continuous(
        f"-0.5 * z * z + special.log_ndtr(a * z) + math.log(2.0) - {LOG_2PI}",
        "-z + a * math.sqrt(2.0 / math.pi) / special.erfcx(a * z * -math.sqrt(0.5))",
        ("z * math.sqrt(2.0 / math.pi) / special.erfcx(a * z * -math.sqrt(0.5))",),
        shapes=("a",),
        below=("-np.exp(-0.5 * z * z * (1.0 + a * a)) / (math.pi * (1.0 + a * a))",),
    ),
    "gennorm": Continuous(
        "np.log(0.5 * beta) - special.gammaln(1.0 / beta) - abs(z) ** beta",
        "-np.sign(z) * beta * abs(z) ** (beta - 1.0)",
        ("1.0 / beta + special.psi(1.0 / beta) / (beta * beta) - special.xlogy(abs(z) ** beta, abs(z))",),
        spread="beta * abs(z) ** beta - 1.0",
        shapes=("beta",),
        below=(
            "0.5 * np.sign(z) * (special.xlogy(abs(z), abs(z)) * np.exp(-abs(z) ** beta"
            " - special.gammaln(1.0 / beta)) - gamma_slope(1.0 / beta, abs(z) ** beta) / (beta * beta))",
        ),
    ),
    "vonmises": Continuous(
        "kappa * special.cosm1(z) - np.log(2.0 * math.pi * special.i0e(kappa))",
        "-kappa * np.sin(z)",
        ("np.cos(z) - special.i1e(kappa) / special.i0e(kappa)",),
        shapes=("kappa",),
    ),
    # on a half line
    "expon": Continuous("-z", "-1.0", spread="z - 1.0", inside="z >= 0.0"),
    "halfnorm": Continuous(
        "-0.5 * z * z + 0.5 * math.log(2.0 / math.pi)", "-z", spread="z * z - 1.0", inside="z >= 0.0"
    ),
    "halfcauchy": Continuous(
        "-np.log1p(z * z) + math.log(2.0 / math.pi)", "-2.0 * z / (1.0 + z * z)", inside="z >= 0.0"
    ),
    "halflogistic": Continuous(
        "special.log_expit(z) + special.log_expit(-z) + math.log(2.0)", "-np.tanh(0.5 * z)", inside="z >= 0.0"
    ),
    "rayleigh": Continuous("np.log(z) - 0.5 * z * z", "1.0 / z - z", spread="z * z - 2.0", inside="z > 0.0"),
    "maxwell": Continuous(
        "2.0 * np.log(z) - 0.5 * z * z + 0.5 * math.log(2.0 / math.pi)",
        "2.0 / z - z",
        spread="z * z - 3.0",
        inside="z > 0.0",
    ),
    "levy": Continuous(
        f"-0.5 / z - 1.5 * np.log(z) - {LOG_2PI}",
        "(0.5 / z - 1.5) / z",
        spread="0.5 - 0.5 / z",
        inside="z > 0.0",
    ),
    "gamma": Continuous(
        "(a - 1.0) * np.log(z) - z - special.gammaln(a)",
        "(a - 1.0) / z - 1.0",
        ("np.log(z) - special.psi(a)",),
        spread="z - a",
        inside="z > 0.0",
        shapes=("a",),
        below=("gamma_slope(a, z)",),
    ),
    "chi2": Continuous(
        "(0.5 * df - 1.0) * np.log(z) - 0.5 * z - 0.5 * df * math.log(2.0) - special.gammaln(0.5 * df)",
        "(0.5 * df - 1.0) / z - 0.5",
        ("0.5 * (np.log(0.5 * z) - special.psi(0.5 * df))",),
        spread="0.5 * (z - df)",
        inside="z > 0.0",
        shapes=("df",),
        below=("0.5 * gamma_slope(0.5 * df, 0.5 * z)",),
    ),
    "chi": Continuous(
        "(df - 1.0) * np.log(z) - 0.5 * z * z - (0.5 * df - 1.0) * math.log(2.0) - special.gammaln(0.5 * df)",
        "(df - 1.0) / z - z",
        ("np.log(z) - 0.5 * math.log(2.0) - 0.5 * special.psi(0.5 * df)",),
        spread="z * z - df",
        inside="z > 0.0",
        shapes=("df",),
        below=("0.5 * gamma_slope(0.5 * df, 0.5 * z * z)",),
    ),
    "invgamma": Continuous(
        "-(a + 1.0) * np.log(z) - 1.0 / z - special.gammaln(a)",
        "(1.0 / z - a - 1.0) / z",
        ("-np.log(z) - special.psi(a)",),
        spread="a - 1.0 / z",
        inside="z > 0.0",
        shapes=("a",),
        below=("-gamma_slope(a, 1.0 / z)",),
    ),
    "lognorm": Continuous(
        f"-0.5 * (np.log(z) / s) ** 2 - np.log(s * z) - {LOG_2PI}",
        "-(1.0 + np.log(z) / (s * s)) / z",
        ("((np.log(z) / s) ** 2 - 1.0) / s",),
        spread="np.log(z) / (s * s)",
        inside="z > 0.0",
        shapes=("s",),
        below=(f"-np.log(z) / (s * s) * np.exp(-0.5 * (np.log(z) / s) ** 2 - {LOG_2PI})",),
    ),
    "weibull_min": Continuous(
        "np.log(c) + (c - 1.0) * np.log(z) - z**c",
        "((c - 1.0) - c * z**c) / z",
        ("1.0 / c + np.log(z) * (1.0 - z**c)",),
        spread="c * (z**c - 1.0)",
        inside="z > 0.0",
        shapes=("c",),
        below=("np.log(z) * z**c * np.exp(-(z**c))",),
    ),
    "lomax": Continuous(
        "np.log(c) - (c + 1.0) * np.log1p(z)",
        "-(c + 1.0) / (1.0 + z)",
        ("1.0 / c - np.log1p(z)",),
        inside="z >= 0.0",
        shapes=("c",),
        below=("np.log1p(z) * (1.0 + z) ** -c",),
    ),
    "pareto": Continuous(
        "np.log(b) - (b + 1.0) * np.log(z)",
        "-(b + 1.0) / z",
        ("1.0 / b - np.log(z)",),
        spread="b",
        inside="z >= 1.0",
        middle="2.0",
        shapes=("b",),
        below=("np.log(z) * z**-b",),
    ),
    "invgauss": Continuous(
        f"-1.5 * np.log(z) - (z / mu - 1.0) ** 2 / (2.0 * z) - {LOG_2PI}",
        "0.5 * (1.0 / (z * z) - 1.0 / (mu * mu)) - 1.5 / z",
        ("(z - mu) / mu**3",),
        inside="z > 0.0",
        shapes=("mu",),
        below=("-2.0 / (mu * mu) * np.exp(2.0 / mu + special.log_ndtr(-(z / mu + 1.0) / np.sqrt(z)))",),
    ),
    "f": Continuous(
        FISHER,
        "(0.5 * dfn - 1.0) / z - 0.5 * (dfn + dfd) * dfn / (dfd + dfn * z)",
        (
            "0.5 * (np.log(dfn * z / (dfd + dfn * z)) + dfd * (1.0 - z) / (dfd + dfn * z)"
            " - special.psi(0.5 * dfn) + special.psi(0.5 * (dfn + dfd)))",
            "0.5 * (np.log(dfd / (dfd + dfn * z)) + dfn * (z - 1.0) / (dfd + dfn * z)"
            " - special.psi(0.5 * dfd) + special.psi(0.5 * (dfn + dfd)))",
        ),
        inside="z > 0.0",
        shapes=("dfn", "dfd"),
        below=(
            f"0.5 * beta_slope(0.5 * dfn, 0.5 * dfd, dfn * z / (dfn * z + dfd)) + z / dfn * np.exp({FISHER})",
            "0.5 * beta_slope(0.5 * dfn, 0.5 * dfd, dfn * z / (dfn * z + dfd), 0, 1)"
            f" - z / dfd * np.exp({FISHER})",
        ),
    ),
    "betaprime": Continuous(
        "(a - 1.0) * np.log(z) - (a + b) * np.log1p(z) - special.betaln(a, b)",
        "(a - 1.0) / z - (a + b) / (1.0 + z)",
        (
            "np.log(z) - np.log1p(z) - special.psi(a) + special.psi(a + b)",
            "-np.log1p(z) - special.psi(b) + special.psi(a + b)",
        ),
        inside="z > 0.0",
        shapes=("a", "b"),
        below=(
            "beta_slope(a, b, z / (1.0 + z))",
            "beta_slope(a, b, z / (1.0 + z), 0, 1)",
        ),
    ),
    # on an interval
    "uniform": Continuous(
        "0.0 * z", "0.0 * z", spread="-1.0", inside="(z >= 0.0) & (z <= 1.0)", middle="0.5"
    ),
    "arcsine": Continuous(
        "-0.5 * np.log(z * (1.0 - z)) - math.log(math.pi)",
        "(z - 0.5) / (z * (1.0 - z))",
        inside="(z > 0.0) & (z < 1.0)",
        middle="0.5",
    ),
    "semicircular": Continuous(
        "0.5 * np.log(1.0 - z * z) + math.log(2.0 / math.pi)",
        "-z / (1.0 - z * z)",
        inside="abs(z) < 1.0",
        middle="0.5",
    ),
    "powerlaw": Continuous(
        "np.log(a) + (a - 1.0) * np.log(z)",
        "(a - 1.0) / z",
        ("1.0 / a + np.log(z)",),
        spread="-a",
        inside="(z > 0.0) & (z <= 1.0)",
        middle="0.5",
        shapes=("a",),
        below=("np.log(z) * z**a",),
    ),
    "beta": Continuous(
        "(a - 1.0) * np.log(z) + (b - 1.0) * np.log1p(-z) - special.betaln(a, b)",
        "(a - 1.0) / z - (b - 1.0) / (1.0 - z)",
        (
            "np.log(z) - special.psi(a) + special.psi(a + b)",
            "np.log1p(-z) - special.psi(b) + special.psi(a + b)",
        ),
        inside="(z > 0.0) & (z < 1.0)",
        middle="0.5",
        shapes=("a", "b"),
        below=(
            "beta_slope(a, b, z)",
            "beta_slope(a, b, z, 0, 1)",
        ),
    ),
    # cut off, and others
    "truncnorm": Continuous(
        f"-0.5 * z * z - {LOG_2PI} - ({{mass}})",
        "-z",
        (f"np.exp(-0.5 * a * a - {LOG_2PI} - ({{mass}}))", f"-np.exp(-0.5 * b * b - {LOG_2PI} - ({{mass}}))"),
        inside="(z >= a) & (z <= b)",
        middle="np.where(a > 0.0, a, np.where(b < 0.0, b, 0.0))",
        shapes=("a", "b"),
        below=(
            f"-np.exp(-0.5 * a * a - {LOG_2PI} - 2.0 * ({{mass}})) * ({{rest}})",
            f"-np.exp(-0.5 * b * b - {LOG_2PI} - 2.0 * ({{mass}})) * ({{part}})",
        ),
    ),
    "wrapcauchy": Continuous(
        "np.log1p(-c * c) - math.log(2.0 * math.pi) - np.log1p(c * c - 2.0 * c * np.cos(z))",
        "-2.0 * c * np.sin(z) / (1.0 + c * c - 2.0 * c * np.cos(z))",
        ("-2.0 * c / (1.0 - c * c) - 2.0 * (c - np.cos(z)) / (1.0 + c * c - 2.0 * c * np.cos(z))",),
        inside="(z >= 0.0) & (z <= 2.0 * math.pi)",
        middle="1.0",
        shapes=("c",),
        below=("np.sin(z) / (math.pi * (1.0 + c * c - 2.0 * c * np.cos(z)))",),
    ),
    "loguniform": Continuous(
        "-np.log(z) - np.log(np.log(b / a))",
        "-1.0 / z",
        ("1.0 / (a * np.log(b / a))", "-1.0 / (b * np.log(b / a))"),
        spread="0.0 * z",
        inside="(z >= a) & (z <= b)",
        middle="a",
        shapes=("a", "b"),
        below=(
            "-np.log(b / z) / (a * np.log(b / a) ** 2)",
            "-np.log(z / a) / (b * np.log(b / a) ** 2)",
        ),
    ),
    "exponnorm": Continuous(
        "0.5 / (K * K) - z / K + special.log_ndtr(z - 1.0 / K) - np.log(K)",
        "-1.0 / K + math.sqrt(2.0 / math.pi) / special.erfcx((z - 1.0 / K) * -math.sqrt(0.5))",
        (
            "(math.sqrt(2.0 / math.pi) / special.erfcx((z - 1.0 / K) * -math.sqrt(0.5)) + z - 1.0 / K)"
            " / (K * K) - 1.0 / K",
        ),
        shapes=("K",),
        below=(
            "-((z - 1.0 / K) * np.exp(0.5 / (K * K) - z / K + special.log_ndtr(z - 1.0 / K))"
            f" + np.exp(-0.5 * z * z - {LOG_2PI})) / (K * K)",
        ),
    ),
    "rice": Continuous(
        "np.log(z) - 0.5 * (z - b) ** 2 + np.log(special.i0e(z * b))",
        "1.0 / z - z + b * special.i1e(z * b) / special.i0e(z * b)",
        ("z * special.i1e(z * b) / special.i0e(z * b) - b",),
        inside="z > 0.0",
        shapes=("b",),
        below=("-z * np.exp(-0.5 * (z - b) ** 2) * special.i1e(z * b)",),
    ),
    "gengamma": Continuous(
        "np.log(abs(c)) + (c * a - 1.0) * np.log(z) - z**c - special.gammaln(a)",
        "(c * a - 1.0) / z - c * z ** (c - 1.0)",
        ("c * np.log(z) - special.psi(a)", "1.0 / c + a * np.log(z) - z**c * np.log(z)"),
        inside="z > 0.0",
        shapes=("a", "c"),
        below=(
            "np.sign(c) * gamma_slope(a, z**c)",
            "np.sign(c) * np.log(z) * np.exp(a * c * np.log(z) - z**c - special.gammaln(a))",
        ),
    ),
}
MASS = {  # of the normal distribution between two points: from the side where it is small
    "mass": "np.where(a > 0.0,"
    " special.log_ndtr(-a) + np.log1p(-np.exp(special.log_ndtr(-b) - special.log_ndtr(-a))),"
    " special.log_ndtr(b) + np.log1p(-np.exp(special.log_ndtr(a) - special.log_ndtr(b))))",
    "part": "np.where(a > 0.0, special.ndtr(-a) - special.ndtr(-z), special.ndtr(z) - special.ndtr(a))",
    "rest": "np.where(z > 0.0, special.ndtr(-z) - special.ndtr(-b), special.ndtr(b) - special.ndtr(z))",
}


def filled(d: Continuous) -> Continuous:
    """The formulas with the words of `MASS` written out."""
    if "{mass}" not in d.log:
        return d
    return replace(
        d,
        log=d.log.format(**MASS),
        slopes=tuple(s.format(**MASS) for s in d.slopes),
        below=tuple(s and s.format(**MASS) for s in d.below),
    )


DISTRIBUTIONS = {name: filled(d) for name, d in DISTRIBUTIONS.items()}


def declare(name: str, d: Continuous) -> None:
    """The rules of all methods of one distribution."""
    dist: Any = getattr(stats, name)
    ends = [*d.shapes, "loc=0", "scale=1"]
    standard = ["z = (x - loc) / scale"]
    if d.inside:
        standard += [f"inside = {d.inside}", f"z = np.where(inside, z, {d.middle})"]

    def put(method: str, first: str, lines: list[str], partials: list[str], extra: str = "") -> None:
        """Give the method a rule; what a text computes and does not use is left out of what is emitted."""
        text = rule_text(f"{name}_{method}", [first, *ends], [*lines, ", ".join(partials)], extra)
        elementwise(getattr(dist, method))(text)
        real_only(getattr(dist, method))

    def masked(*partials: str | None) -> list[str]:
        return [bare(p if p is None or not d.inside else f"np.where(inside, {p}, 0.0)") for p in partials]

    def bare(p: str | None) -> str:
        return "None" if p is None else p

    spread = d.spread or "-(1.0 + z * score)"
    below = d.below or (None,) * len(d.shapes)

    # densities
    score = [*standard, f"score = {d.score}"]
    slopes = [f"({s})" for s in d.slopes]
    put("logpdf", "x", score, masked("score / scale", *d.slopes, "-score / scale", f"({spread}) / scale"))
    put(
        "pdf",
        "x",
        [*score, "share = out / scale"],
        masked("score * share", *(f"out * {s}" for s in slopes), "-score * share", f"({spread}) * share"),
        extra="out",
    )

    # distribution functions
    def sided(factor: str, sign: str, p: str | None) -> str | None:
        return None if p is None else f"{sign}({p}){factor}"

    for side, method, sign in ((0, "cdf", ""), (1, "sf", "-")):
        other = "" if sign else "-"
        density = [*standard, f"density = np.exp({d.log}) / scale"]
        put(
            method,
            "x",
            density,
            masked(
                f"{sign}density",
                *(sided("", sign, b) for b in below),
                f"{other}density",
                f"{other}z * density",
            ),
        )
        share = d.share[side] or f"np.exp({d.log} - out)"
        ratio = [*standard, f"ratio = {share} / scale"]
        put(
            f"log{method}",
            "x",
            ratio,
            masked(
                f"{sign}ratio",
                *(sided(" * np.exp(-out)", sign, b) for b in below),
                f"{other}ratio",
                f"{other}z * ratio",
            ),
            extra="out",
        )

    # their inverses
    for method, sign in (("ppf", ""), ("isf", "-")):
        inverse = ["z = (out - loc) / scale", f"width = scale * np.exp(-({d.log}))"]
        turned = [bare(sided(" * width", "-", b)) for b in below]
        put(method, "q", inverse, [f"{sign}width", *turned, "1.0", "z"], extra="out")


for _name, _formulas in DISTRIBUTIONS.items():
    declare(_name, _formulas)
