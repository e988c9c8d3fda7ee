"""Rules of the distributions of ``scipy.stats``: their methods, as functions of the point and all parameters.

Imported when ``scipy.stats`` is.  A rule is for the method of one distribution (``stats.norm.logpdf``), and has
the names of its shapes.  Frozen distributions are read as these methods (``frontend/frozen.py``).
"""

from srcdiff.rules.scipy_stats import constant, continuous, discrete, texts

__all__ = ["constant", "continuous", "discrete", "texts"]
