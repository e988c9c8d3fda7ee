"""Matrix algorithms by hand: factorisations, eigenvalues, iterative solvers."""

import math

import numpy as np

from programs.program import Program, adder

PROGRAMS: list[Program] = []
add = adder(PROGRAMS)

rng = np.random.default_rng(23)
A4 = rng.normal(size=(4, 4))
SPD4 = A4 @ A4.T + 4.0 * np.eye(4)
b4 = rng.normal(size=4)


def lu_partial_pivoting(A, b):
    A = A.copy()
    b = b.copy()
    n = len(b)
    for k in range(n - 1):
        p = k + np.argmax(np.abs(A[k:, k]))
        if p != k:
            A[[k, p]] = A[[p, k]]
            b[[k, p]] = b[[p, k]]
        for i in range(k + 1, n):
            m = A[i, k] / A[k, k]
            A[i, k:] -= m * A[k, k:]
            b[i] -= m * b[k]
    x = np.zeros(n)
    for i in range(n - 1, -1, -1):
        x[i] = (b[i] - A[i, i + 1 :] @ x[i + 1 :]) / A[i, i]
    return x @ x


add(lu_partial_pivoting, "Gaussian elimination with row swaps by fancy indices", (A4, b4), wrt=(0, 1))


def lu_lists_permutation(A, b):
    """Doolittle on lists of lists with a permutation vector; determinant and solution."""
    n = len(A)
    LU = [row[:] for row in A]
    perm = list(range(n))
    sign = 1.0
    for k in range(n):
        best = k
        for i in range(k, n):
            if abs(LU[perm[i]][k]) > abs(LU[perm[best]][k]):
                best = i
        if best != k:
            perm[k], perm[best] = perm[best], perm[k]
            sign = -sign
        for i in range(k + 1, n):
            f = LU[perm[i]][k] / LU[perm[k]][k]
            LU[perm[i]][k] = f
            for j in range(k + 1, n):
                LU[perm[i]][j] -= f * LU[perm[k]][j]
    det = sign
    for k in range(n):
        det *= LU[perm[k]][k]
    y = []
    for i in range(n):
        s = b[perm[i]]
        for j in range(i):
            s -= LU[perm[i]][j] * y[j]
        y.append(s)
    return det + sum(y)


add(
    lu_lists_permutation,
    "Doolittle elimination on lists of lists through a permutation",
    ([[0.2, 1.0, 3.0], [2.0, 0.5, 1.0], [1.0, 4.0, 0.3]], [1.0, 2.0, 0.5]),
    wrt=(0, 1),
)


def cholesky_loops(A, b):
    n = A.shape[0]
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = A[i, j]
            for k in range(j):
                s -= L[i, k] * L[j, k]
            if i == j:
                L[i, i] = math.sqrt(s)
            else:
                L[i, j] = s / L[j, j]
    y = np.zeros(n)
    for i in range(n):
        y[i] = (b[i] - np.dot(L[i, :i], y[:i])) / L[i, i]
    logdet = 2.0 * np.sum(np.log(np.diag(L)))
    return y @ y + logdet


add(cholesky_loops, "Cholesky by three loops, forward substitution, log-determinant", (SPD4, b4), wrt=(0, 1))


def qr_householder_least_squares(A, b):
    m, n = A.shape
    R = A.copy()
    y = b.copy()
    for k in range(n):
        x = R[k:, k]
        v = x.copy()
        v[0] += np.sign(x[0]) * np.linalg.norm(x)
        v = v / np.linalg.norm(v)
        R[k:, k:] -= 2.0 * np.outer(v, v @ R[k:, k:])
        y[k:] -= 2.0 * v * (v @ y[k:])
    coef = np.linalg.solve(R[:n, :n], y[:n])
    return coef @ coef + y[n:] @ y[n:]


add(
    qr_householder_least_squares,
    "Householder reflections applied to slices in place",
    (rng.normal(size=(5, 3)), rng.normal(size=5)),
    wrt=(0, 1),
)


def qr_givens(A):
    R = np.array(A)
    m, n = R.shape
    Q = np.eye(m)
    for j in range(n):
        for i in range(m - 1, j, -1):
            a, b = R[i - 1, j], R[i, j]
            r = np.hypot(a, b)
            c, s = a / r, b / r
            G = np.array([[c, s], [-s, c]])
            R[i - 1 : i + 1] = G @ R[i - 1 : i + 1]
            Q[:, i - 1 : i + 1] = Q[:, i - 1 : i + 1] @ G.T
    return np.sum(np.tril(Q, -1) ** 2) + np.prod(np.diag(R))


add(qr_givens, "Givens rotations on pairs of rows", (rng.normal(size=(3, 3)),))


def gram_schmidt_functional(vectors):
    def project(u, v):
        return (u @ v) / (u @ u) * u

    basis = []
    for v in vectors:
        w = v
        for u in basis:
            w = w - project(u, w)
        basis.append(w)
    volume = 1.0
    for u in basis:
        volume = volume * np.sqrt(u @ u)
    return volume


add(
    gram_schmidt_functional,
    "modified Gram-Schmidt over rows into a growing list",
    (rng.normal(size=(3, 4)),),
    peer=True,
)


def jacobi_eigenvalues(S):
    """Cyclic Jacobi; a smooth function of the eigenvalues."""
    A = S.copy()
    n = A.shape[0]
    for sweep in range(6):
        off = 0.0
        for p in range(n - 1):
            for q in range(p + 1, n):
                off += A[p, q] ** 2
        if off < 1e-24:
            break
        for p in range(n - 1):
            for q in range(p + 1, n):
                if abs(A[p, q]) < 1e-300:
                    continue
                theta = (A[q, q] - A[p, p]) / (2.0 * A[p, q])
                t = (1.0 if theta >= 0 else -1.0) / (abs(theta) + math.sqrt(theta * theta + 1.0))
                c = 1.0 / math.sqrt(t * t + 1.0)
                s = t * c
                Ap, Aq = A[p].copy(), A[q].copy()
                A[p], A[q] = c * Ap - s * Aq, s * Ap + c * Aq
                Cp, Cq = A[:, p].copy(), A[:, q].copy()
                A[:, p], A[:, q] = c * Cp - s * Cq, s * Cp + c * Cq
    w = np.diag(A)
    return np.sum(np.exp(0.1 * w))


add(
    jacobi_eigenvalues,
    "cyclic Jacobi rotations with rows and columns written in place, break on convergence",
    (np.array([[2.0, 0.5, 0.3], [0.5, 1.0, -0.4], [0.3, -0.4, 3.0]]),),
    no_order2="the last rotations are those of entries near 1e-8, whose second derivatives cancel",
)


def power_iteration(A, v, tol=1e-13):
    lam_old = 0.0
    while True:
        w = A @ v
        lam = np.linalg.norm(w)
        v = w / lam
        if abs(lam - lam_old) < tol * lam:
            return lam
        lam_old = lam


add(
    power_iteration,
    "power iteration until convergence, return from while True",
    (np.array([[4.0, 1.0, 0.5], [1.0, 2.0, 0.3], [0.5, 0.3, 1.0]]), np.array([1.0, 0.3, -0.2])),
    peer=True,
)


def inverse_iteration_rayleigh(A, v):
    v = v / np.linalg.norm(v)
    mu = v @ A @ v
    for _ in range(3):
        w = np.linalg.solve(A - mu * np.eye(3), v)
        v = w / np.linalg.norm(w)
        mu = v @ A @ v
    return mu


add(
    inverse_iteration_rayleigh,
    "Rayleigh quotient iteration with a shifted solve",
    (np.array([[4.0, 1.0, 0.5], [1.0, 2.0, 0.3], [0.5, 0.3, 1.0]]), np.array([1.0, 0.3, -0.2])),
    no_order2="the shifted matrix is nearly singular in the last steps",
    tolerance=1e-6,
    peer=True,
)


def conjugate_gradient(A, b):
    x = np.zeros_like(b)
    r = b - A @ x
    p = r.copy()
    rs = r @ r
    for i in range(len(b)):
        Ap = A @ p
        alpha = rs / (p @ Ap)
        x = x + alpha * p
        r = r - alpha * Ap
        rs_new = r @ r
        if np.sqrt(rs_new) < 1e-10:
            break
        p = r + (rs_new / rs) * p
        rs = rs_new
    return b @ x


add(
    conjugate_gradient,
    "conjugate gradients with a residual test",
    (SPD4, b4),
    wrt=(0, 1),
    tolerance=1e-6,
    peer=True,
)


def gauss_seidel_inplace(A, b, sweeps=12):
    n = b.shape[0]
    x = np.zeros(n)
    for _ in range(sweeps):
        for i in range(n):
            sigma = 0.0
            for j in range(n):
                if j != i:
                    sigma += A[i, j] * x[j]
            x[i] = (b[i] - sigma) / A[i, i]
    return np.sum(x**2)


add(
    gauss_seidel_inplace,
    "Gauss-Seidel sweeps: an array read and written in the same loop",
    (SPD4, b4),
    wrt=(0, 1),
)


def sor_with_omega(A, b, omega):
    D = np.diag(A)
    R = A - np.diag(D)
    x = b / D
    history = []
    for k in range(10):
        x_new = x.copy()
        for i in range(len(b)):
            x_new[i] = (1 - omega) * x[i] + omega * (b[i] - R[i] @ x_new) / D[i]
        history.append(np.max(np.abs(x_new - x)))
        x = x_new
        if history[-1] < 1e-3:
            break
    return x @ b + 0.0 * len(history)


add(
    sor_with_omega,
    "over-relaxation with a copy per sweep and a history that stops it",
    (SPD4, b4, 1.1),
    wrt=(0, 1, 2),
)


def thomas_algorithm(a, b, c, d):
    n = len(d)
    cp = np.zeros(n)
    dp = np.zeros(n)
    cp[0] = c[0] / b[0]
    dp[0] = d[0] / b[0]
    for i in range(1, n):
        den = b[i] - a[i] * cp[i - 1]
        if i < n - 1:
            cp[i] = c[i] / den
        dp[i] = (d[i] - a[i] * dp[i - 1]) / den
    x = dp.copy()
    for i in reversed(range(n - 1)):
        x[i] -= cp[i] * x[i + 1]
    return x.dot(x)


add(
    thomas_algorithm,
    "the tridiagonal solver, forward and backward over arrays",
    (0.3 * rng.normal(size=6), 2.0 + rng.random(6), 0.3 * rng.normal(size=6), rng.normal(size=6)),
    wrt=(0, 1, 2, 3),
)


def qr_algorithm_unshifted(A):
    B = A
    for _ in range(15):
        Q, R = np.linalg.qr(B)
        B = R @ Q
    return np.sum(np.diag(B) ** 3)


add(
    qr_algorithm_unshifted,
    "the QR algorithm by np.linalg.qr",
    (np.array([[4.0, 1.0, 0.5], [1.0, 2.0, 0.3], [0.5, 0.3, 1.0]]),),
    peer=True,
)


def determinant_by_minors(M):
    """Laplace expansion by recursion over lists, the way it is taught."""
    n = len(M)
    if n == 1:
        return M[0][0]
    if n == 2:
        return M[0][0] * M[1][1] - M[0][1] * M[1][0]
    total = 0
    for j in range(n):
        minor = [row[:j] + row[j + 1 :] for row in M[1:]]
        total += (-1) ** j * M[0][j] * determinant_by_minors(minor)
    return total


add(
    determinant_by_minors,
    "recursion on smaller lists of lists made by slicing",
    ([[1.0, 2.0, 0.5, 0.1], [0.3, 1.5, 0.2, 0.7], [0.9, 0.4, 2.0, 0.6], [0.2, 0.8, 0.1, 1.1]],),
    peer=True,
)


def lanczos_tridiagonal(A, q, m=3):
    alphas, betas = [], []
    q = q / np.linalg.norm(q)
    q_prev = np.zeros_like(q)
    beta = 0.0
    for k in range(m):
        z = A @ q - beta * q_prev
        alpha = q @ z
        z = z - alpha * q
        alphas.append(alpha)
        if k < m - 1:
            beta = np.linalg.norm(z)
            betas.append(beta)
            q_prev, q = q, z / beta
    T = np.diag(np.array(alphas)) + np.diag(np.array(betas), 1) + np.diag(np.array(betas), -1)
    return np.max(np.linalg.eigvalsh(T))


add(
    lanczos_tridiagonal,
    "Lanczos with lists of coefficients put on diagonals",
    (SPD4, b4),
    wrt=(0, 1),
    peer=True,
)


def newton_schulz_inverse(A, n_iter=9):
    X = A.T / (np.abs(A).sum(axis=0).max() * np.abs(A).sum(axis=1).max())
    I2 = 2.0 * np.eye(A.shape[0])
    for _ in range(n_iter):
        X = X @ (I2 - A @ X)
    return np.trace(X) + np.linalg.norm(X, "fro") ** 2


add(newton_schulz_inverse, "a matrix inverse by iteration, matrix norms", (SPD4,), peer=True)


def bareiss_and_cramer(A, b):
    """Cramer's rule with columns replaced one at a time."""
    d = np.linalg.det(A)
    x = []
    for j in range(A.shape[1]):
        Aj = A.copy()
        Aj[:, j] = b
        x.append(np.linalg.det(Aj) / d)
    return sum(xi**2 for xi in x)


add(bareiss_and_cramer, "a copy with one column replaced, det", (SPD4, b4), wrt=(0, 1))
