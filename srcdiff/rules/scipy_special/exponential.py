r"""Exponential, sine and cosine integrals, and elementary functions of SciPy's own (DLMF 4, 6, 8.19).

.. math:: E_n' = -E_{n-1}, \qquad \mathrm{Si}' = \sin x / x, \qquad \mathrm{Li}_2(1 - x)' = \log x / (1 - x),
    \qquad W' = e^{-W} / (1 + W)

What is ``0 / 0`` somewhere is written as a hypergeometric function that is not.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from srcdiff.rules.registry import differential, elementwise

# --- exponential integrals: DLMF 6.2, 8.19.13 ---------------------------------------------------------------


@elementwise(special.exp1)
def exp1(z: Any) -> Any:
    return -np.exp(-z) / z


@elementwise(special.expi)
def expi(x: Any) -> Any:
    return np.exp(x) / x


@elementwise(special.expn)
def expn(n: Any, x: Any) -> Any:
    if isinstance(n, int):
        return None, -special.expn(n - 1, x) if n > 0 else -np.exp(-x) * (1.0 + 1.0 / x) / x
    lowest = -np.exp(-x) * (1.0 + 1.0 / x) / x
    return None, np.where(n > 0, -special.expn(np.maximum(n - 1, 0), x), lowest)


@differential(special.sici)
def sici(x: Any, *, x_dot: Any) -> Any:
    if np.iscomplexobj(x):
        return np.sin(x) / x * x_dot, np.cos(x) / x * x_dot
    return np.sinc(x / np.pi) * x_dot, np.cos(x) / x * x_dot


@differential(special.shichi)
def shichi(x: Any, *, x_dot: Any) -> Any:
    return special.hyp0f1(1.5, 0.25 * x * x) * x_dot, np.cosh(x) / x * x_dot  # 10.39.9: sinh(x) / x


@elementwise(special.spence)
def spence(z: Any) -> Any:
    return -special.hyp2f1(1.0, 1.0, 2.0, 1.0 - z)  # 15.4.1: log(z) / (z - 1), and 1 at 1


@elementwise(special.lambertw)
def lambertw(z: Any, k: Any = 0, tol: Any = 1e-8, *, out: Any) -> Any:
    return np.exp(-out) / (1.0 + out), None, None  # 4.13.4


@elementwise(special.wrightomega)
def wrightomega(z: Any, *, out: Any) -> Any:
    return out / (1.0 + out)


# --- elementary functions -----------------------------------------------------------------------------------


@elementwise(special.exp2)
def exp2(x: Any, *, out: Any) -> Any:
    return out * math.log(2.0)


@elementwise(special.exp10)
def exp10(x: Any, *, out: Any) -> Any:
    return out * math.log(10.0)


@elementwise(special.expm1)
def expm1(x: Any) -> Any:
    return np.exp(x)


@elementwise(special.log1p)
def log1p(x: Any) -> Any:
    plain = not isinstance(x, (np.ndarray, np.generic))
    if plain:
        x = np.asarray(x)
    return 1.0 / (1.0 + x)


@elementwise(special.exprel)
def exprel(x: Any) -> Any:
    return 0.5 * special.hyp1f1(2.0, 3.0, x)  # 13.6.1: exprel is 1F1(1; 2; x)


@elementwise(special.cosm1)
def cosm1(x: Any) -> Any:
    return -np.sin(x)


@elementwise(special.powm1)
def powm1(x: Any, y: Any) -> Any:
    slope = y * np.float_power(x, y - (y != 0))
    return slope, np.float_power(x, y) * np.log(np.where(x > 0.0, x, 1.0))


@elementwise(special.cbrt)
def cbrt(x: Any, *, out: Any) -> Any:
    root = np.where(out == 0.0, np.inf, out)
    return 1.0 / (3.0 * root * root)


@elementwise(special.radian)
def radian(d: Any, m: Any, s: Any) -> Any:
    return np.pi / 180.0, np.pi / 10800.0, np.pi / 648000.0


@elementwise(special.sindg)
def sindg(x: Any) -> Any:
    return special.cosdg(x) * (np.pi / 180.0)


@elementwise(special.cosdg)
def cosdg(x: Any) -> Any:
    return special.sindg(x) * (-np.pi / 180.0)


@elementwise(special.tandg)
def tandg(x: Any, *, out: Any) -> Any:
    return (1.0 + out * out) * (np.pi / 180.0)


@elementwise(special.cotdg)
def cotdg(x: Any, *, out: Any) -> Any:
    return (1.0 + out * out) * (-np.pi / 180.0)


@elementwise(special.agm)
def agm(a: Any, b: Any, *, out: Any) -> Any:
    # 19.8.5: pi a / (2 K(m)) with m = 1 - (b / a)**2; homogeneous of degree 1
    m = 1.0 - (b / a) ** 2
    in_b = out * 0.25 * np.pi * special.hyp2f1(0.5, 0.5, 2.0, m) / (b * special.ellipkm1((b / a) ** 2))
    return (out - b * in_b) / a, in_b
