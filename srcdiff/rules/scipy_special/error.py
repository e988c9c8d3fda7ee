r"""The error function, its relatives and inverses, and the normal distribution (DLMF 7).

.. math:: \mathrm{erf}'(x) = \tfrac{2}{\sqrt\pi} e^{-x^2}, \qquad F'(x) = 1 - 2 x F(x), \qquad
    w'(z) = -2 z w(z) + 2 i / \sqrt\pi, \qquad (\log \Phi)'(x) = \sqrt{2/\pi} \,/\, \mathrm{erfcx}(-x/\sqrt2)

Where the closed forms cancel (large arguments) their asymptotic series stand.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from srcdiff.rules.registry import differential, elementwise

# --- error functions: DLMF 7.2, 7.10, 7.17 ------------------------------------------------------------------


@elementwise(special.erf)
def erf(x: Any) -> Any:
    return 2.0 / math.sqrt(math.pi) * np.exp(-x * x)


@elementwise(special.erfc)
def erfc(x: Any) -> Any:
    return -2.0 / math.sqrt(math.pi) * np.exp(-x * x)


@elementwise(special.erfi)
def erfi(x: Any) -> Any:
    return 2.0 / math.sqrt(math.pi) * np.exp(x * x)


@elementwise(special.erfcx)
def erfcx(x: Any, *, out: Any) -> Any:
    near = 2.0 * x * out - 2.0 / math.sqrt(math.pi)
    if np.iscomplexobj(x):
        return near
    # 7.12.1: near cancels to the last digit for large x
    s = 0.5 / np.where(x > 50.0, x, 50.0) ** 2
    far = -2.0 / math.sqrt(math.pi) * s * (1.0 - 3.0 * s * (1.0 - 5.0 * s * (1.0 - 7.0 * s)))
    return np.where(x > 50.0, far, near)


@elementwise(special.dawsn)
def dawsn(x: Any, *, out: Any) -> Any:
    near = 1.0 - 2.0 * x * out
    if np.iscomplexobj(x):
        return near
    s = 0.5 / np.where(abs(x) > 50.0, x, 50.0) ** 2
    return np.where(abs(x) > 50.0, -s * (1.0 + 3.0 * s * (1.0 + 5.0 * s * (1.0 + 7.0 * s))), near)


@elementwise(special.wofz)
def wofz(x: Any, *, out: Any) -> Any:
    return 2.0j / math.sqrt(math.pi) - 2.0 * x * out


@elementwise(special.erfinv)
def erfinv(y: Any, *, out: Any) -> Any:
    return 0.5 * math.sqrt(math.pi) * np.exp(out * out)


@elementwise(special.erfcinv)
def erfcinv(y: Any, *, out: Any) -> Any:
    return -0.5 * math.sqrt(math.pi) * np.exp(out * out)


# --- the normal distribution --------------------------------------------------------------------------------


@elementwise(special.ndtr)
def ndtr(x: Any) -> Any:
    return np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


@elementwise(special.log_ndtr)
def log_ndtr(x: Any) -> Any:
    if np.iscomplexobj(x):
        return math.sqrt(2.0 / math.pi) / special.erfcx(x * -math.sqrt(0.5))
    return math.sqrt(2.0 / math.pi) / special.erfcx(np.maximum(x * -math.sqrt(0.5), -26.5))


@elementwise(special.ndtri)
def ndtri(y: Any, *, out: Any) -> Any:
    return math.sqrt(2.0 * math.pi) * np.exp(0.5 * out * out)


@elementwise(special.ndtri_exp)
def ndtri_exp(y: Any, *, out: Any) -> Any:
    return math.sqrt(0.5 * math.pi) * special.erfcx(out * -math.sqrt(0.5))


@elementwise(special.owens_t)
def owens_t(h: Any, a: Any) -> Any:
    in_a = np.exp(-0.5 * h * h * (1.0 + a * a)) / (2.0 * math.pi * (1.0 + a * a))
    return -0.5 / math.sqrt(2.0 * math.pi) * np.exp(-0.5 * h * h) * special.erf(a * h * math.sqrt(0.5)), in_a


@elementwise(special.voigt_profile)
def voigt_profile(x: Any, sigma: Any, gamma: Any, *, out: Any) -> Any:
    # 7.19: Re w(z) / (sigma sqrt(2 pi)) with z = (x + i gamma) / (sigma sqrt 2)
    z = (x + 1j * gamma) / (sigma * math.sqrt(2.0))
    slope = (1j / math.sqrt(math.pi) - z * special.wofz(z)) / (math.sqrt(math.pi) * sigma * sigma)
    in_sigma = -out / sigma - math.sqrt(2.0) * np.real(slope * z)
    return np.real(slope), in_sigma, -np.imag(slope)


# --- Fresnel integrals: DLMF 7.2.7, 7.2.8 -------------------------------------------------------------------


@differential(special.fresnel)
def fresnel(z: Any, *, z_dot: Any) -> Any:
    return np.sin(0.5 * math.pi * z * z) * z_dot, np.cos(0.5 * math.pi * z * z) * z_dot
