r"""The Schur decomposition :math:`A = Z T Z^T` of real matrices, and its complex form.

With :math:`\Omega = Z^T \dot Z`, which is skew, :math:`\dot T = Z^T \dot A Z - \Omega T + T \Omega`.  What is
zero below the diagonal of ``T`` stays so, and in the blocks of two of complex eigenvalues LAPACK keeps both
diagonal entries equal: as many linear equations as :math:`\Omega` has entries, solved all together (of the
order of :math:`n^6` operations).  It has a derivative where eigenvalues are distinct.  Of complex matrices
the phases of the vectors are as the path of the iteration leaves them: refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from srcdiff.rules.registry import definition, differential

T = Any


def turned_entries(t: T, i: T, j: T, rows: T, cols: T) -> T:
    """The entries ``(i, j)`` of ``t w - w t``, where ``w`` has a one at ``(r, c)`` and -1 at ``(c, r)``."""
    i, j = np.expand_dims(i, -1), np.expand_dims(j, -1)
    left = t[i, rows] * (cols == j) - t[i, cols] * (rows == j)
    return left - (i == rows) * t[cols, j] + (i == cols) * t[rows, j]


@differential(scipy.linalg.schur)
def schur(
    a: T, output: T = "real", lwork: T = None, overwrite_a: T = False, sort: T = None, check_finite: T = True,
    *, out: T, a_dot: T,
) -> T:  # fmt: skip
    if np.iscomplexobj(a) or output in ("complex", "c"):
        raise NotImplementedError(
            "the phases of the vectors of a complex Schur form are as the iteration leaves them, and no "
            "function of the matrix: use scipy.linalg.schur of a real matrix, with rsf2csf, or np.linalg.eig"
        )
    if output not in ("real", "r") or sort is not None or np.ndim(a) != 2:
        raise NotImplementedError(
            "the derivative of scipy.linalg.schur is for one real matrix, output='real' and no sort"
        )
    t, z = out
    m = z.T @ a_dot @ z
    low = np.tril_indices(np.shape(t)[0], -1)
    rows, cols = low[0], low[1]
    block = t[rows, cols] != 0.0
    equal = turned_entries(t, cols, cols, rows, cols) - turned_entries(t, rows, rows, rows, cols)
    stays = np.where(np.expand_dims(block, -1), equal, turned_entries(t, rows, cols, rows, cols))
    w = np.linalg.solve(stays, np.where(block, m[rows, rows] - m[cols, cols], -m[rows, cols]))
    half = np.zeros_like(t)
    half[rows, cols] = w
    turn = half - half.T
    t_dot = m + t @ turn - turn @ t
    return np.where(np.tril(t == 0.0, -1), 0.0, t_dot), z @ turn


@definition(scipy.linalg.rsf2csf, "T", "Z")
def rsf2csf(T: T, Z: T, check_finite: T = True) -> T:
    """One rotation for each block of two: SciPy's own steps."""
    t, z = T + 0.0j, Z + 0.0j
    n, eps = np.shape(T)[0], np.finfo(float).eps
    for m in range(n - 1, 0, -1):
        if abs(t[m, m - 1]) > eps * (abs(t[m - 1, m - 1]) + abs(t[m, m])):
            mu = scipy.linalg.eigvals(t[m - 1 : m + 1, m - 1 : m + 1]) - t[m, m]
            r = np.sqrt(abs(mu[0]) ** 2 + abs(t[m, m - 1]) ** 2)
            c, s = mu[0] / r, t[m, m - 1] / r
            g = np.array([[np.conj(c), s], [-s, c]])
            back = np.conj(g).T
            t[m - 1 : m + 1, m - 1 :] = g @ t[m - 1 : m + 1, m - 1 :]
            t[: m + 1, m - 1 : m + 1] = t[: m + 1, m - 1 : m + 1] @ back
            z[:, m - 1 : m + 1] = z[:, m - 1 : m + 1] @ back
        t[m, m - 1] = 0.0
    return t, z
