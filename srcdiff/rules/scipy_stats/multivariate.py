r"""Multivariate distributions.

The normal distribution, with :math:`s = \Sigma^{-1} (x - \mu)`:

.. math:: \partial_x \log p = -s, \qquad \partial_\mu \log p = s, \qquad
    \partial_\Sigma \log p = \tfrac12 (s s^T - \Sigma^{-1})

A covariance is read by SciPy in its lower triangle, and has its derivatives there (twice those off the diagonal
that a symmetric matrix would have).  Covariances without full rank, and those given as a number or a diagonal
for several dimensions, are for constants only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special, stats

from srcdiff.rules.registry import differential, pullback
from srcdiff.runtime import half_tril

# --- the normal distribution --------------------------------------------------------------------------------


@differential(stats.multivariate_normal.logpdf)
def normal_logpdf(
    x: Any, mean: Any = None, cov: Any = 1, *, out: Any, x_dot: Any, mean_dot: Any, cov_dot: Any
) -> Any:
    return np.zeros_like(out)
