"""Products of matrices and vectors, whole or by rows."""

from __future__ import annotations

import numpy as np

from . import work

N = 120


def some(*shapes):
    return lambda rng: tuple(rng.random(s) if isinstance(s, tuple) else s for s in shapes)


SQUARE = (N, N)


@work("linear", some((300, 350), (350,)), eager=True, npbench=True)
def atax(A, x):
    return np.sum((A @ x) @ A)


@work("linear", some((300, 350), (350,), (300,)), eager=True, npbench=True)
def bicg(A, p, r):
    return np.sum(r @ A) + np.sum(A @ p)


@work("linear", some(SQUARE, SQUARE, SQUARE, 1.5, 1.2), eager=True, npbench=True)
def gemm(A, B, C, alpha, beta):
    return np.sum(alpha * A @ B + beta * C)


@work("linear", some(SQUARE, (N,), (N,), (N,), (N,), (N,), (N,), (N,), 1.5, 1.2), npbench=True)
def gemver(A, u1, v1, u2, v2, y, z, w, alpha, beta):
    A = A + np.outer(u1, v1) + np.outer(u2, v2)
    x = beta * y @ A + z
    w = w + alpha * A @ x
    return np.sum(w)


@work("linear", some(SQUARE, SQUARE, (N,), 1.5, 1.2), eager=True, npbench=True)
def gesummv(A, B, x, alpha, beta):
    return np.sum(alpha * A @ x + beta * B @ x)


@work("linear", some(SQUARE, SQUARE, SQUARE, SQUARE, 1.5, 1.2), eager=True, npbench=True)
def k2mm(A, B, C, D, alpha, beta):
    return np.sum(alpha * A @ B @ C + beta * D)


@work("linear", some(SQUARE, SQUARE, SQUARE, SQUARE), eager=True, npbench=True)
def k3mm(A, B, C, D):
    return np.sum(A @ B @ C @ D)


@work("linear", some(SQUARE, (N,), (N,), (N,), (N,)), eager=True, npbench=True)
def mvt(A, x1, x2, y_1, y_2):
    return np.sum(x1 + A @ y_1) + np.sum((x2 + y_2 @ A) ** 2)


@work("linear", some((20, 22, 25), (25, 25)), npbench=True)
def doitgen(A, C4):
    NQ, NP = 22, 25
    A = A.copy()
    for r in range(20):
        A[r, :, :] = np.reshape(np.reshape(A[r], (NQ, 1, NP)) @ C4, (NQ, NP))
    return np.sum(A)


@work("linear", some((250, 200)), npbench=True)
def covariance(data):
    mean = np.mean(data, axis=0)
    data = data - mean
    cov = (data.T @ data) / (250 - 1.0)
    return np.sum(cov * cov)


@work("linear", some((250, 200)), npbench=True)
def correlation(data):
    mean = np.mean(data, axis=0)
    stddev = np.std(data, axis=0)
    stddev = np.where(stddev <= 0.1, 1.0, stddev)
    data = data - mean
    data = data / (np.sqrt(250.0) * stddev)
    corr = data.T @ data
    return np.sum(corr * corr)


def syrk_jax(A, C, alpha, beta):
    import jax.numpy as jnp
    from jax import lax

    n, m = A.shape

    def row(i, C):
        below = jnp.arange(n) <= i
        C = C.at[i].set(jnp.where(below, C[i] * beta, C[i]))
        return lax.fori_loop(
            0, m, lambda k, C: C.at[i].add(jnp.where(below, alpha * A[i, k] * A[:, k], 0.0)), C
        )

    return jnp.sum(lax.fori_loop(0, n, row, C))


def syrk_expert(A, C, alpha, beta):
    import jax.numpy as jnp

    return jnp.sum(jnp.where(jnp.tri(len(C), dtype=bool), beta * C + alpha * A @ A.T, C))


@work("linear", some((60, 50), (60, 60), 1.5, 1.2), jax=syrk_jax, expert=syrk_expert, npbench=True)
def syrk(A, C, alpha, beta):
    C = C.copy()
    for i in range(A.shape[0]):
        C[i, : i + 1] *= beta
        for k in range(A.shape[1]):
            C[i, : i + 1] += alpha * A[i, k] * A[: i + 1, k]
    return np.sum(C)


def syr2k_jax(A, B, C, alpha, beta):
    import jax.numpy as jnp
    from jax import lax

    n, m = A.shape

    def row(i, C):
        below = jnp.arange(n) <= i
        C = C.at[i].set(jnp.where(below, C[i] * beta, C[i]))

        def column(k, C):
            t = A[:, k] * alpha * B[i, k] + B[:, k] * alpha * A[i, k]
            return C.at[i].add(jnp.where(below, t, 0.0))

        return lax.fori_loop(0, m, column, C)

    return jnp.sum(lax.fori_loop(0, n, row, C))


@work("linear", some((50, 40), (50, 40), (50, 50), 1.5, 1.2), jax=syr2k_jax, npbench=True)
def syr2k(A, B, C, alpha, beta):
    C = C.copy()
    for i in range(A.shape[0]):
        C[i, : i + 1] *= beta
        for k in range(A.shape[1]):
            C[i, : i + 1] += A[: i + 1, k] * alpha * B[i, k] + B[: i + 1, k] * alpha * A[i, k]
    return np.sum(C)


def symm_jax(A, B, C, alpha, beta):
    import jax.numpy as jnp
    from jax import lax

    m, n = C.shape
    C = C * beta

    def row(i, C):
        before = jnp.arange(m) < i

        def column(j, C):
            C = C.at[:, j].add(jnp.where(before, alpha * B[i, j] * A[i], 0.0))
            t = jnp.dot(jnp.where(before, B[:, j], 0.0), A[i])
            return C.at[i, j].add(alpha * B[i, j] * A[i, i] + alpha * t)

        return lax.fori_loop(0, n, column, C)

    return jnp.sum(lax.fori_loop(0, m, row, C))


@work("linear", some((40, 40), (40, 50), (40, 50), 1.5, 1.2), jax=symm_jax, npbench=True)
def symm(A, B, C, alpha, beta):
    C = C * beta
    for i in range(C.shape[0]):
        for j in range(C.shape[1]):
            C[:i, j] += alpha * B[i, j] * A[i, :i]
            t = B[:i, j] @ A[i, :i]
            C[i, j] += alpha * B[i, j] * A[i, i] + alpha * t
    return np.sum(C)


def trmm_jax(A, B, alpha):
    import jax.numpy as jnp
    from jax import lax

    m, n = B.shape

    def row(i, B):
        after = jnp.arange(m) > i
        return lax.fori_loop(
            0, n, lambda j, B: B.at[i, j].add(jnp.dot(jnp.where(after, A[:, i], 0.0), B[:, j])), B
        )

    return jnp.sum(lax.fori_loop(0, m, row, B) * alpha)


@work("linear", some((40, 40), (40, 50), 1.5), jax=trmm_jax, npbench=True)
def trmm(A, B, alpha):
    B = B.copy()
    for i in range(B.shape[0]):
        for j in range(B.shape[1]):
            B[i, j] += np.dot(A[i + 1 :, i], B[i + 1 :, j])
    B *= alpha
    return np.sum(B)
