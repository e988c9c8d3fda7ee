r"""Elliptic integrals and functions, of the parameter :math:`m = k^2` (DLMF 19, 22).

.. math:: K'(m) = \frac{\pi}{8 (1 - m)}\,{}_2F_1(\tfrac12, \tfrac12; 2; m), \qquad
    \partial_m F = \tfrac16 s^3 R_D(c^2, 1, 1 - m s^2), \qquad
    \partial_m E(\varphi, m) = -\tfrac16 s^3 R_D(c^2, 1 - m s^2, 1)

with :math:`s = \sin\varphi, c = \cos\varphi` (19.25.5, 19.25.9), and whole periods apart.  The textbook's
quotients by ``m`` and ``1 - m`` lose all digits near 0 and 1.  The derivatives of Carlson's :math:`R_D` are
by partial fractions: they lose digits where two of its arguments are nearly equal, and are NaN where two
are equal.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from srcdiff.rules.registry import differential, elementwise

# --- complete integrals: DLMF 19.5.1, 19.5.2, 15.5.1, 15.8.1 ------------------------------------------------


@elementwise(special.ellipk)
def ellipk(m: Any) -> Any:
    return 0.125 * math.pi * special.hyp2f1(0.5, 0.5, 2.0, m) / (1.0 - m)


@elementwise(special.ellipkm1)
def ellipkm1(p: Any) -> Any:
    return -0.125 * math.pi * special.hyp2f1(0.5, 0.5, 2.0, 1.0 - p) / p


@elementwise(special.ellipe)
def ellipe(m: Any) -> Any:
    return -0.125 * math.pi * special.hyp2f1(0.5, 1.5, 2.0, m)


# --- incomplete integrals -----------------------------------------------------------------------------------


@elementwise(special.ellipkinc)
def ellipkinc(phi: Any, m: Any) -> Any:
    turns = np.round(phi / np.pi)
    s = np.sin(phi - np.pi * turns)
    rest = 1.0 - m * s * s
    part = s * s * s * special.elliprd(1.0 - s * s, 1.0, rest) / 6.0
    # no turn, no complete integral, which is infinite at m = 1
    whole = special.elliprd(0.0, 1.0, np.where(turns == 0.0, 1.0, 1.0 - m)) / 3.0
    return 1.0 / np.sqrt(rest), part + turns * whole


@elementwise(special.ellipeinc)
def ellipeinc(phi: Any, m: Any) -> Any:
    turns = np.round(phi / np.pi)
    s = np.sin(phi - np.pi * turns)
    rest = 1.0 - m * s * s
    part = s * s * s * special.elliprd(1.0 - s * s, rest, 1.0) / 6.0
    whole = special.elliprd(0.0, np.where(turns == 0.0, 1.0, 1.0 - m), 1.0) / 3.0
    return np.sqrt(rest), -(part + turns * whole)


# --- symmetric integrals: DLMF 19.18.1, 19.16.5, 19.16.6 ----------------------------------------------------


@elementwise(special.elliprf)
def elliprf(x: Any, y: Any, z: Any) -> Any:
    return -special.elliprd(y, z, x) / 6.0, -special.elliprd(x, z, y) / 6.0, -special.elliprd(x, y, z) / 6.0


@elementwise(special.elliprc)
def elliprc(x: Any, y: Any, *, out: Any) -> Any:
    in_x = -special.elliprd(y, y, x) / 6.0
    return in_x, -(0.5 * out + x * in_x) / y  # homogeneous of degree -1/2


@elementwise(special.elliprd)
def elliprd(x: Any, y: Any, z: Any, *, out: Any) -> Any:
    in_x = 0.5 * (special.elliprd(y, z, x) - out) / (x - z)
    in_y = 0.5 * (special.elliprd(x, z, y) - out) / (y - z)
    return in_x, in_y, -(1.5 * out + x * in_x + y * in_y) / z  # homogeneous of degree -3/2


# --- Jacobi's functions: DLMF 22.13; in m, the amplitude is the inverse of the incomplete integral ----------


@differential(special.ellipj)
def ellipj(u: Any, m: Any, *, out: Any, u_dot: Any, m_dot: Any) -> Any:
    sn, cn, dn, phi = out[0], out[1], out[2], out[3]
    turns = np.round(phi / np.pi)
    s = np.sin(phi - np.pi * turns)
    part = s * s * s * special.elliprd(1.0 - s * s, 1.0, 1.0 - m * s * s) / 6.0
    whole = special.elliprd(0.0, 1.0, np.where(turns == 0.0, 1.0, 1.0 - m)) / 3.0
    phi_dot = dn * (u_dot - (part + turns * whole) * m_dot)
    dn_dot = -(m * sn * cn * phi_dot + 0.5 * sn * sn * m_dot) / dn
    return cn * phi_dot, -sn * phi_dot, dn_dot, phi_dot
