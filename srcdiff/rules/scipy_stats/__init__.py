"""Rules of the distributions of ``scipy.stats``: their methods, as functions of the point and all parameters.

Imported when ``scipy.stats`` is.  A rule is for the method of one distribution (``stats.norm.logpdf``), and
has the names of its shapes.  Frozen distributions are read as these methods (``frontend/frozen.py``).
"""

from scipy import stats

from srcdiff.rules import scipy_reasons
from srcdiff.rules.registry import definitions_of, freezes, lookup, reason_of, refused
from srcdiff.rules.scipy_stats import continuous, descriptive, discrete, multivariate, texts

freezes(
    stats.rv_continuous,
    stats.rv_discrete,
    *(type(d) for d in (stats.multivariate_normal, stats.multivariate_t, stats.dirichlet, stats.multinomial)),
    type(stats.wishart), type(stats.invwishart),
)  # fmt: skip

__all__ = ["continuous", "descriptive", "discrete", "multivariate", "texts"]

scipy_reasons.declare("stats", stats)
DENSITIES = ("logpdf", "pdf", "logpmf", "pmf")
_kinds = (stats.rv_continuous, stats.rv_discrete, type(stats.multivariate_normal).__mro__[1])
for _dist in vars(stats).values():
    if (
        isinstance(_dist, _kinds)
        and not reason_of(_dist)
        and not any(
            lookup(getattr(_dist, m, None)) or definitions_of(getattr(_dist, m, None)) for m in DENSITIES
        )
    ):
        refused(scipy_reasons.WEIGHTS, _dist)
