r"""Entropies, divergences, losses and power transformations.

.. math:: \partial_x\, x \log y = \log y, \quad \partial_y\, x \log y = x / y; \qquad
    \partial_\lambda \frac{x^\lambda - 1}{\lambda} = \tfrac12 \log^2 x \;{}_1F_1(2; 3; \lambda \log x)

``x / y`` is 0 where both are: the convention of ``xlogy`` itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from srcdiff.rules.registry import elementwise

# --- entropies and divergences ------------------------------------------------------------------------------


@elementwise(special.xlogy)
def xlogy(x: Any, y: Any) -> Any:
    return np.log(y), x / np.where((x == 0.0) & (y == 0.0), np.inf, y)


@elementwise(special.xlog1py)
def xlog1py(x: Any, y: Any) -> Any:
    return np.log1p(y), x / np.where((x == 0.0) & (y == -1.0), np.inf, 1.0 + y)


@elementwise(special.entr)
def entr(x: Any) -> Any:
    return -1.0 - np.log(x)


@elementwise(special.rel_entr)
def rel_entr(x: Any, y: Any) -> Any:
    ratio = x / np.where((x == 0.0) & (y == 0.0), np.inf, y)
    return 1.0 + np.log(ratio), -ratio


@elementwise(special.kl_div)
def kl_div(x: Any, y: Any) -> Any:
    ratio = x / np.where((x == 0.0) & (y == 0.0), np.inf, y)
    return np.log(ratio), 1.0 - ratio


# --- losses -------------------------------------------------------------------------------------------------


@elementwise(special.huber)
def huber(delta: Any, r: Any) -> Any:
    return np.maximum(abs(r) - delta, 0.0), np.clip(r, -delta, delta)


@elementwise(special.pseudo_huber)
def pseudo_huber(delta: Any, r: Any) -> Any:
    radius = np.hypot(delta, r)
    excess = r * (r / (radius + delta))  # radius - delta, without cancellation
    return excess * (excess / radius), delta * (r / radius)


# --- transformations by powers ------------------------------------------------------------------------------


@elementwise(special.boxcox)
def boxcox(x: Any, lmbda: Any) -> Any:
    log = np.log(x)
    return np.exp((lmbda - 1.0) * log), 0.5 * log * log * special.hyp1f1(2.0, 3.0, lmbda * log)


@elementwise(special.boxcox1p)
def boxcox1p(x: Any, lmbda: Any) -> Any:
    log = np.log1p(x)
    return np.exp((lmbda - 1.0) * log), 0.5 * log * log * special.hyp1f1(2.0, 3.0, lmbda * log)


@elementwise(special.inv_boxcox)
def inv_boxcox(y: Any, lmbda: Any, *, out: Any) -> Any:
    return out / (1.0 + lmbda * y), -0.5 * out * y * y * special.hyp2f1(2.0, 2.0, 3.0, -lmbda * y)


@elementwise(special.inv_boxcox1p)
def inv_boxcox1p(y: Any, lmbda: Any, *, out: Any) -> Any:
    x = 1.0 + out
    return x / (1.0 + lmbda * y), -0.5 * x * y * y * special.hyp2f1(2.0, 2.0, 3.0, -lmbda * y)
