r"""Hypergeometric functions (DLMF 13, 15, 16).

.. math:: {}_2F_1(a, b; c; z)' = \frac{a b}{c}\,{}_2F_1(a + 1, b + 1; c + 1; z)

and so on (15.5.1, 13.3.15, 13.3.22, 16.3.1).  In their parameters those of Gauss and Kummer have derivatives
without a closed form, for real arguments (`runtime.parameters`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from srcdiff.rules.registry import elementwise
from srcdiff.runtime.parameters import hyp1f1_slope, hyp2f1_slope


@elementwise(special.hyp0f1)
def hyp0f1(v: Any, z: Any) -> Any:
    return None, special.hyp0f1(v + 1.0, z) / v


@elementwise(special.hyp1f1)
def hyp1f1(a: Any, b: Any, x: Any) -> Any:
    slope = a / b * special.hyp1f1(a + 1.0, b + 1.0, x)
    if np.iscomplexobj(x):
        return None, None, slope
    return hyp1f1_slope(a, b, x), hyp1f1_slope(a, b, x, 0, 1), slope


@elementwise(hyp1f1_slope)
def hyp1f1_slopes(a: Any, b: Any, x: Any, i: Any = 1, j: Any = 0, m: Any = 0) -> Any:
    in_a, in_b = hyp1f1_slope(a, b, x, i + 1, j, m), hyp1f1_slope(a, b, x, i, j + 1, m)
    return in_a, in_b, hyp1f1_slope(a, b, x, i, j, m + 1), None, None, None


@elementwise(special.hyp2f1)
def hyp2f1(a: Any, b: Any, c: Any, z: Any) -> Any:
    slope = a * b / c * special.hyp2f1(a + 1.0, b + 1.0, c + 1.0, z)
    if np.iscomplexobj(z):
        return None, None, None, slope
    in_a, in_b = hyp2f1_slope(a, b, c, z), hyp2f1_slope(a, b, c, z, 0, 1)
    return in_a, in_b, hyp2f1_slope(a, b, c, z, 0, 0, 1), slope


@elementwise(hyp2f1_slope)
def hyp2f1_slopes(a: Any, b: Any, c: Any, z: Any, i: Any = 1, j: Any = 0, k: Any = 0, m: Any = 0) -> Any:
    in_a, in_b = hyp2f1_slope(a, b, c, z, i + 1, j, k, m), hyp2f1_slope(a, b, c, z, i, j + 1, k, m)
    in_c, in_z = hyp2f1_slope(a, b, c, z, i, j, k + 1, m), hyp2f1_slope(a, b, c, z, i, j, k, m + 1)
    return in_a, in_b, in_c, in_z, None, None, None, None


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
