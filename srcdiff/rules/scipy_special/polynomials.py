r"""Orthogonal polynomials in ``x``, and spherical harmonics in the angles (DLMF 14, 18).

.. math:: P_n^{(a,b)\prime} = \tfrac12 (n + a + b + 1) P_{n-1}^{(a+1,b+1)}, \qquad
    T_n' = n U_{n-1}, \qquad L_n^{(a)\prime} = -L_{n-1}^{(a+1)}, \qquad H_n' = 2 n H_{n-1}

(18.9.15 to 18.9.26).  A polynomial of degree -1 is 0.  Degrees and parameters are constants.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from srcdiff.rules.registry import elementwise

# --- Jacobi polynomials and their special cases -------------------------------------------------------------


@elementwise(special.eval_jacobi)
def eval_jacobi(n: Any, alpha: Any, beta: Any, x: Any) -> Any:
    slope = 0.5 * (n + alpha + beta + 1.0) * special.eval_jacobi(n - 1, alpha + 1.0, beta + 1.0, x)
    return None, None, None, slope


@elementwise(special.eval_sh_jacobi)
def eval_sh_jacobi(n: Any, p: Any, q: Any, x: Any) -> Any:
    if isinstance(n, int):
        return None, None, None, n * special.eval_sh_jacobi(n - 1, p + 2.0, q + 1.0, x) if n > 0 else 0.0
    lower = special.eval_sh_jacobi(np.maximum(n - 1, 0), p + 2.0, q + 1.0, x)
    return None, None, None, n * lower


@elementwise(special.eval_gegenbauer)
def eval_gegenbauer(n: Any, alpha: Any, x: Any) -> Any:
    return None, None, 2.0 * alpha * special.eval_gegenbauer(n - 1, alpha + 1.0, x)


@elementwise(special.eval_legendre)
def eval_legendre(n: Any, x: Any) -> Any:
    return None, special.eval_gegenbauer(n - 1, 1.5, x)


@elementwise(special.eval_sh_legendre)
def eval_sh_legendre(n: Any, x: Any) -> Any:
    return None, 2.0 * special.eval_gegenbauer(n - 1, 1.5, 2.0 * x - 1.0)


@elementwise(special.eval_chebyt)
def eval_chebyt(n: Any, x: Any) -> Any:
    return None, n * special.eval_chebyu(n - 1, x)


@elementwise(special.eval_chebyu)
def eval_chebyu(n: Any, x: Any) -> Any:
    return None, 2.0 * special.eval_gegenbauer(n - 1, 2.0, x)


@elementwise(special.eval_chebyc)
def eval_chebyc(n: Any, x: Any) -> Any:
    return None, n * special.eval_chebys(n - 1, x)


@elementwise(special.eval_chebys)
def eval_chebys(n: Any, x: Any) -> Any:
    return None, special.eval_gegenbauer(n - 1, 2.0, 0.5 * x)


@elementwise(special.eval_sh_chebyt)
def eval_sh_chebyt(n: Any, x: Any) -> Any:
    return None, 2.0 * n * special.eval_sh_chebyu(n - 1, x)


@elementwise(special.eval_sh_chebyu)
def eval_sh_chebyu(n: Any, x: Any) -> Any:
    return None, 4.0 * special.eval_gegenbauer(n - 1, 2.0, 2.0 * x - 1.0)


# --- Hermite and Laguerre polynomials -----------------------------------------------------------------------


@elementwise(special.eval_hermite)
def eval_hermite(n: Any, x: Any) -> Any:
    if isinstance(n, int):
        return None, 2.0 * n * special.eval_hermite(n - 1, x) if n > 0 else 0.0
    return None, 2.0 * n * special.eval_hermite(np.maximum(n - 1, 0), x)


@elementwise(special.eval_hermitenorm)
def eval_hermitenorm(n: Any, x: Any) -> Any:
    if isinstance(n, int):
        return None, n * special.eval_hermitenorm(n - 1, x) if n > 0 else 0.0
    return None, n * special.eval_hermitenorm(np.maximum(n - 1, 0), x)


@elementwise(special.eval_laguerre)
def eval_laguerre(n: Any, x: Any) -> Any:
    return None, -special.eval_genlaguerre(n - 1, 1.0, x)


@elementwise(special.eval_genlaguerre)
def eval_genlaguerre(n: Any, alpha: Any, x: Any) -> Any:
    return None, None, -special.eval_genlaguerre(n - 1, alpha + 1.0, x)


# --- Legendre functions and spherical harmonics: DLMF 14.10.5, 14.30.1, 14.10.1 -----------------------------


@elementwise(special.lpmv)
def lpmv(m: Any, v: Any, x: Any, *, out: Any) -> Any:
    return None, None, (v * x * out - (v + m) * special.lpmv(m, v - 1, x)) / (x * x - 1.0)


if hasattr(special, "sph_harm_y"):

    @elementwise(special.sph_harm_y)
    def sph_harm_y(n: Any, m: Any, theta: Any, phi: Any, *, out: Any) -> Any:
        # orders beyond the degree have the factor 0; outside of [0, pi] SciPy's theta is that of its cosine
        a, b = np.maximum((n - m) * (n + m + 1.0), 0.0), np.maximum((n + m) * (n - m + 1.0), 0.0)
        up = np.sqrt(a) * np.exp(-1j * phi) * special.sph_harm_y(n, m + 1, theta, phi)
        down = np.sqrt(b) * np.exp(1j * phi) * special.sph_harm_y(n, m - 1, theta, phi)
        side = np.where(np.sin(theta) < 0.0, -0.5, 0.5)
        return None, None, side * (up - down), 1j * m * out


# --- a quotient of sines ------------------------------------------------------------------------------------


@elementwise(special.diric)
def diric(x: Any, n: Any, *, out: Any) -> Any:
    half = 0.5 * x
    below = np.sin(half)
    slope = 0.5 * (np.cos(n * half) - out * np.cos(half)) / np.where(below == 0.0, np.inf, below)
    return slope, None
