r"""Bessel functions and their relatives: Airy, Kelvin, Struve, parabolic cylinder functions (DLMF 9 to 12).

.. math:: J_\nu' = \tfrac12 (J_{\nu-1} - J_{\nu+1}), \qquad I_\nu' = \tfrac12 (I_{\nu-1} + I_{\nu+1}), \qquad
    j_n' = \frac{n\, j_{n-1} - (n + 1)\, j_{n+1}}{2 n + 1}

in ``z``; there is no closed derivative in the order (DLMF 10.15: series of digamma functions, which lose all
digits to cancellation where ``z`` is large).  None divides by ``z`` where the function is smooth
at 0.
"""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np
from scipy import special

from srcdiff.rules.registry import differential, elementwise, real_only, without

ORDERS = "v is the order; the derivative in the order has no closed form, and its series lose all digits"
without(
    "v", ORDERS, special.jv, special.yv, special.iv, special.kv, special.hankel1, special.hankel2,
    special.jve, special.yve, special.ive, special.kve, special.hankel1e, special.hankel2e, special.jvp,
    special.yvp, special.ivp, special.kvp, special.h1vp, special.h2vp, special.struve, special.modstruve,
)  # fmt: skip

# --- cylinder functions: DLMF 10.6.1, 10.29.1 ---------------------------------------------------------------


@elementwise(special.jv)
def jv(v: Any, z: Any) -> Any:
    if isinstance(v, int) and v == 0:
        return None, -special.jv(1, z)
    return None, 0.5 * (special.jv(v - 1, z) - special.jv(v + 1, z))


@elementwise(special.yv)
def yv(v: Any, z: Any) -> Any:
    if isinstance(v, int) and v == 0:
        return None, -special.yv(1, z)
    return None, 0.5 * (special.yv(v - 1, z) - special.yv(v + 1, z))


@elementwise(special.yn)
def yn(n: Any, x: Any) -> Any:
    return None, 0.5 * (special.yn(n - 1, x) - special.yn(n + 1, x))


@elementwise(special.iv)
def iv(v: Any, z: Any) -> Any:
    if isinstance(v, int) and v == 0:
        return None, special.iv(1, z)
    return None, 0.5 * (special.iv(v - 1, z) + special.iv(v + 1, z))


@elementwise(special.kv)
def kv(v: Any, z: Any) -> Any:
    if isinstance(v, int) and v == 0:
        return None, -special.kv(1, z)
    return None, -0.5 * (special.kv(v - 1, z) + special.kv(v + 1, z))


@elementwise(special.kn)
def kn(n: Any, x: Any) -> Any:
    return None, -0.5 * (special.kn(abs(n - 1), x) + special.kn(n + 1, x))


@elementwise(special.hankel1)
def hankel1(v: Any, z: Any) -> Any:
    return None, 0.5 * (special.hankel1(v - 1, z) - special.hankel1(v + 1, z))


@elementwise(special.hankel2)
def hankel2(v: Any, z: Any) -> Any:
    return None, 0.5 * (special.hankel2(v - 1, z) - special.hankel2(v + 1, z))


# --- their derivatives of order n ---------------------------------------------------------------------------


@elementwise(special.jvp)
def jvp(v: Any, z: Any, n: Any = 1) -> Any:
    return None, special.jvp(v, z, n + 1), None


@elementwise(special.yvp)
def yvp(v: Any, z: Any, n: Any = 1) -> Any:
    return None, special.yvp(v, z, n + 1), None


@elementwise(special.ivp)
def ivp(v: Any, z: Any, n: Any = 1) -> Any:
    return None, special.ivp(v, z, n + 1), None


@elementwise(special.kvp)
def kvp(v: Any, z: Any, n: Any = 1) -> Any:
    return None, special.kvp(v, z, n + 1), None


@elementwise(special.h1vp)
def h1vp(v: Any, z: Any, n: Any = 1) -> Any:
    return None, special.h1vp(v, z, n + 1), None


@elementwise(special.h2vp)
def h2vp(v: Any, z: Any, n: Any = 1) -> Any:
    return None, special.h2vp(v, z, n + 1), None


# --- of order 0 and 1: DLMF 10.6.3, 10.29.3 -----------------------------------------------------------------


@elementwise(special.j0)
def j0(x: Any) -> Any:
    return -special.j1(x)


@elementwise(special.j1)
def j1(x: Any) -> Any:
    return 0.5 * (special.j0(x) - special.jv(2, x))


@elementwise(special.y0)
def y0(x: Any) -> Any:
    return -special.y1(x)


@elementwise(special.y1)
def y1(x: Any) -> Any:
    return 0.5 * (special.y0(x) - special.yn(2, x))


@elementwise(special.i0)
def i0(x: Any) -> Any:
    return special.i1(x)


@elementwise(special.i1)
def i1(x: Any) -> Any:
    return 0.5 * (special.i0(x) + special.iv(2, x))


@elementwise(special.k0)
def k0(x: Any) -> Any:
    return -special.k1(x)


@elementwise(special.k1)
def k1(x: Any) -> Any:
    return -0.5 * (special.k0(x) + special.kn(2, x))


# --- scaled by exponentials ---------------------------------------------------------------------------------

real_only(special.jve, special.yve, special.ive, special.airye)  # of complex numbers they are not holomorphic


@elementwise(special.jve)
def jve(v: Any, z: Any) -> Any:
    return None, 0.5 * (special.jve(v - 1, z) - special.jve(v + 1, z))


@elementwise(special.yve)
def yve(v: Any, z: Any) -> Any:
    return None, 0.5 * (special.yve(v - 1, z) - special.yve(v + 1, z))


@elementwise(special.ive)
def ive(v: Any, z: Any, *, out: Any) -> Any:
    return None, 0.5 * (special.ive(v - 1, z) + special.ive(v + 1, z)) - np.sign(z) * out


@elementwise(special.kve)
def kve(v: Any, z: Any, *, out: Any) -> Any:
    return None, out - 0.5 * (special.kve(v - 1, z) + special.kve(v + 1, z))


@elementwise(special.hankel1e)
def hankel1e(v: Any, z: Any, *, out: Any) -> Any:
    return None, 0.5 * (special.hankel1e(v - 1, z) - special.hankel1e(v + 1, z)) - 1j * out


@elementwise(special.hankel2e)
def hankel2e(v: Any, z: Any, *, out: Any) -> Any:
    return None, 0.5 * (special.hankel2e(v - 1, z) - special.hankel2e(v + 1, z)) + 1j * out


@elementwise(special.i0e)
def i0e(x: Any, *, out: Any) -> Any:
    return special.i1e(x) - np.sign(x) * out


@elementwise(special.i1e)
def i1e(x: Any, *, out: Any) -> Any:
    return 0.5 * (special.i0e(x) + special.ive(2, x)) - np.sign(x) * out


@elementwise(special.k0e)
def k0e(x: Any, *, out: Any) -> Any:
    return out - special.k1e(x)


@elementwise(special.k1e)
def k1e(x: Any, *, out: Any) -> Any:
    return out - 0.5 * (special.k0e(x) + special.kve(2, x))


# --- spherical: DLMF 10.51.2 --------------------------------------------------------------------------------


@elementwise(special.spherical_jn)
def spherical_jn(n: Any, z: Any, derivative: Any = False) -> Any:
    if isinstance(n, int) and n == 0:
        return None, -special.spherical_jn(1, z, derivative), None
    below, above = special.spherical_jn(abs(n - 1), z, derivative), special.spherical_jn(n + 1, z, derivative)
    return None, (n * below - (n + 1) * above) / (2 * n + 1), None


@elementwise(special.spherical_yn)
def spherical_yn(n: Any, z: Any, derivative: Any = False) -> Any:
    if isinstance(n, int) and n == 0:
        return None, -special.spherical_yn(1, z, derivative), None
    below, above = special.spherical_yn(abs(n - 1), z, derivative), special.spherical_yn(n + 1, z, derivative)
    return None, (n * below - (n + 1) * above) / (2 * n + 1), None


@elementwise(special.spherical_in)
def spherical_in(n: Any, z: Any, derivative: Any = False) -> Any:
    if isinstance(n, int) and n == 0:
        return None, special.spherical_in(1, z, derivative), None
    below, above = special.spherical_in(abs(n - 1), z, derivative), special.spherical_in(n + 1, z, derivative)
    return None, (n * below + (n + 1) * above) / (2 * n + 1), None


@elementwise(special.spherical_kn)
def spherical_kn(n: Any, z: Any, derivative: Any = False) -> Any:
    if isinstance(n, int) and n == 0:
        return None, -special.spherical_kn(1, z, derivative), None
    below, above = special.spherical_kn(abs(n - 1), z, derivative), special.spherical_kn(n + 1, z, derivative)
    return None, -(n * below + (n + 1) * above) / (2 * n + 1), None


# --- Airy functions: DLMF 9.2.1 -----------------------------------------------------------------------------


@differential(special.airy)
def airy(z: Any, *, out: Any, z_dot: Any) -> Any:
    return out[1] * z_dot, z * out[0] * z_dot, out[3] * z_dot, z * out[2] * z_dot


@differential(special.airye)
def airye(z: Any, *, out: Any, z_dot: Any) -> Any:
    root = np.sqrt(np.maximum(z, 0.0))
    return (
        (out[1] + root * out[0]) * z_dot,
        (z * out[0] + root * out[1]) * z_dot,
        (out[3] - root * out[2]) * z_dot,
        (z * out[2] - root * out[3]) * z_dot,
    )


# --- Kelvin functions: DLMF 10.61.1, of the Bessel functions at x exp(i pi / 4) -----------------------------


@elementwise(special.ber)
def ber(x: Any) -> Any:
    return special.berp(x)


@elementwise(special.bei)
def bei(x: Any) -> Any:
    return special.beip(x)


@elementwise(special.ker)
def ker(x: Any) -> Any:
    return special.kerp(x)


@elementwise(special.kei)
def kei(x: Any) -> Any:
    return special.keip(x)


TURN = cmath.exp(0.25j * math.pi)


@elementwise(special.berp)
def berp(x: Any) -> Any:
    return -0.5 * np.imag(special.iv(0, TURN * x) + special.iv(2, TURN * x))


@elementwise(special.beip)
def beip(x: Any) -> Any:
    return 0.5 * np.real(special.iv(0, TURN * x) + special.iv(2, TURN * x))


@elementwise(special.kerp)
def kerp(x: Any) -> Any:
    return -0.5 * np.imag(special.kv(0, TURN * x) + special.kv(2, TURN * x))


@elementwise(special.keip)
def keip(x: Any) -> Any:
    return 0.5 * np.real(special.kv(0, TURN * x) + special.kv(2, TURN * x))


# --- Struve functions: DLMF 11.4.29 to 11.4.32 --------------------------------------------------------------


@elementwise(special.struve)
def struve(v: Any, x: Any) -> Any:
    power = np.exp(special.xlogy(v, 0.5 * x) - special.gammaln(v + 1.5)) / math.sqrt(math.pi)
    return None, 0.5 * (special.struve(v - 1, x) - special.struve(v + 1, x) + power)


@elementwise(special.modstruve)
def modstruve(v: Any, x: Any) -> Any:
    power = np.exp(special.xlogy(v, 0.5 * x) - special.gammaln(v + 1.5)) / math.sqrt(math.pi)
    return None, 0.5 * (special.modstruve(v - 1, x) + special.modstruve(v + 1, x) + power)


# --- parabolic cylinder functions: DLMF 12.2.2, 12.2.3 ------------------------------------------------------


@differential(special.pbdv)
def pbdv(v: Any, x: Any, *, out: Any, x_dot: Any) -> Any:
    return out[1] * x_dot, (0.25 * x * x - v - 0.5) * out[0] * x_dot


@differential(special.pbvv)
def pbvv(v: Any, x: Any, *, out: Any, x_dot: Any) -> Any:
    return out[1] * x_dot, (0.25 * x * x - v - 0.5) * out[0] * x_dot


@differential(special.pbwa)
def pbwa(a: Any, x: Any, *, out: Any, x_dot: Any) -> Any:
    return out[1] * x_dot, (a - 0.25 * x * x) * out[0] * x_dot


# --- integrals: DLMF 10.22, 10.43, 9.10 ---------------------------------------------------------------------


@differential(special.itairy)
def itairy(x: Any, *, x_dot: Any) -> Any:
    right, left = special.airy(x), special.airy(-x)
    return right[0] * x_dot, right[2] * x_dot, left[0] * x_dot, left[2] * x_dot


@differential(special.itj0y0)
def itj0y0(x: Any, *, x_dot: Any) -> Any:
    return special.j0(x) * x_dot, special.y0(x) * x_dot


@differential(special.iti0k0)
def iti0k0(x: Any, *, x_dot: Any) -> Any:
    return special.i0(x) * x_dot, special.k0(x) * x_dot


@differential(special.it2j0y0)
def it2j0y0(x: Any, *, x_dot: Any) -> Any:
    return (1.0 - special.j0(x)) / x * x_dot, -special.y0(x) / x * x_dot


@differential(special.it2i0k0)
def it2i0k0(x: Any, *, x_dot: Any) -> Any:
    return (special.i0(x) - 1.0) / x * x_dot, -special.k0(x) / x * x_dot


@elementwise(special.itstruve0)
def itstruve0(x: Any) -> Any:
    return special.struve(0, x)


@elementwise(special.it2struve0)
def it2struve0(x: Any) -> Any:
    return -special.struve(0, x) / x


@elementwise(special.itmodstruve0)
def itmodstruve0(x: Any) -> Any:
    return special.modstruve(0, x)


@elementwise(special.besselpoly)
def besselpoly(a: Any, lmb: Any, nu: Any) -> Any:
    return special.besselpoly(a, lmb + 1.0, nu - 1.0) - special.besselpoly(a, lmb + 1.0, nu + 1.0), None, None
