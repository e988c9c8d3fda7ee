r"""Hypergeometric functions, in their last argument (DLMF 13, 15, 16).

.. math:: {}_2F_1(a, b; c; z)' = \frac{a b}{c}\,{}_2F_1(a + 1, b + 1; c + 1; z)

and so on (15.5.1, 13.3.15, 13.3.22, 16.3.1); there is no closed derivative in the parameters.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from srcdiff.rules.registry import elementwise


@elementwise(special.hyp0f1)
def hyp0f1(v: Any, z: Any) -> Any:
    return None, special.hyp0f1(v + 1.0, z) / v


@elementwise(special.hyp1f1)
def hyp1f1(a: Any, b: Any, x: Any) -> Any:
    return None, None, a / b * special.hyp1f1(a + 1.0, b + 1.0, x)


@elementwise(special.hyp2f1)
def hyp2f1(a: Any, b: Any, c: Any, z: Any) -> Any:
    return None, None, None, a * b / c * special.hyp2f1(a + 1.0, b + 1.0, c + 1.0, z)


@elementwise(special.hyperu)
def hyperu(a: Any, b: Any, x: Any) -> Any:
    return None, None, -a * special.hyperu(a + 1.0, b + 1.0, x)


if hasattr(special, "wright_bessel"):

    @elementwise(special.wright_bessel)
    def wright_bessel(a: Any, b: Any, x: Any) -> Any:
        return None, None, special.wright_bessel(a, a + b, x)  # 10.46.1, term by term


if hasattr(special, "log_wright_bessel"):

    @elementwise(special.log_wright_bessel)
    def log_wright_bessel(a: Any, b: Any, x: Any, *, out: Any) -> Any:
        return None, None, np.exp(special.log_wright_bessel(a, a + b, x) - out)
