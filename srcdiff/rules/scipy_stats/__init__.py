"""Rules of the distributions of ``scipy.stats``: their methods, as functions of the point and all parameters.

Imported when ``scipy.stats`` is.  A rule is for the method of one distribution (``stats.norm.logpdf``), and
has the names of its shapes.  Frozen distributions are read as these methods (``frontend/frozen.py``).
"""

from scipy import stats

from srcdiff.rules.registry import freezes
from srcdiff.rules.scipy_stats import continuous, descriptive, discrete, multivariate, texts

freezes(
    stats.rv_continuous,
    stats.rv_discrete,
    *(type(d) for d in (stats.multivariate_normal, stats.multivariate_t, stats.dirichlet, stats.multinomial)),
)

__all__ = ["continuous", "descriptive", "discrete", "multivariate", "texts"]
