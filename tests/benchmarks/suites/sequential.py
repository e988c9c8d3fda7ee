"""Loops over arrays in which each step needs the one before."""

from __future__ import annotations

import numpy as np

from . import work


def definite(n):
    def make(rng):
        A = rng.random((n, n))
        return (A @ A.T + n * np.eye(n),)

    return make


def cholesky_jax(A):
    import jax.numpy as jnp
    from jax import lax

    n = A.shape[0]
    at = jnp.arange(n)

    def row(i, A):
        def column(j, A):
            t = jnp.dot(jnp.where(at < j, A[i], 0.0), jnp.where(at < j, A[j], 0.0))
            return jnp.where(j < i, A.at[i, j].set((A[i, j] - t) / A[j, j]), A)

        A = lax.fori_loop(0, n, column, A)
        t = jnp.where(at < i, A[i], 0.0)
        return A.at[i, i].set(jnp.sqrt(A[i, i] - jnp.dot(t, t)))

    return jnp.sum(jnp.tril(lax.fori_loop(0, n, row, A)))


def cholesky_expert(A):
    import jax.numpy as jnp
    from jax import lax

    n = A.shape[0]
    at = jnp.arange(n)

    def column(A, k):
        c = jnp.where(at >= k, A[:, k], 0.0) / jnp.sqrt(A[k, k])
        return A - jnp.outer(c, c), c

    return jnp.sum(lax.scan(column, A, at)[1])


@work("sequential", definite(60), jax=cholesky_jax, expert=cholesky_expert, npbench=True)
def cholesky(A):
    A = A.copy()
    A[0, 0] = np.sqrt(A[0, 0])
    for i in range(1, A.shape[0]):
        for j in range(i):
            A[i, j] -= np.dot(A[i, :j], A[j, :j])
            A[i, j] /= A[j, j]
        A[i, i] -= np.dot(A[i, :i], A[i, :i])
        A[i, i] = np.sqrt(A[i, i])
    return np.sum(np.tril(A))


def lu_jax(A):
    import jax.numpy as jnp
    from jax import lax

    n = A.shape[0]
    at = jnp.arange(n)

    def row(i, A):
        def left(j, A):
            t = jnp.dot(jnp.where(at < j, A[i], 0.0), jnp.where(at < j, A[:, j], 0.0))
            return jnp.where(j < i, A.at[i, j].set((A[i, j] - t) / A[j, j]), A)

        def right(j, A):
            t = jnp.dot(jnp.where(at < i, A[i], 0.0), jnp.where(at < i, A[:, j], 0.0))
            return jnp.where(j >= i, A.at[i, j].add(-t), A)

        return lax.fori_loop(0, n, right, lax.fori_loop(0, n, left, A))

    return jnp.sum(lax.fori_loop(0, n, row, A))


def lu_expert(A):
    import jax.numpy as jnp
    from jax import lax

    n = A.shape[0]
    at = jnp.arange(n)

    def column(k, A):
        c = jnp.where(at > k, A[:, k] / A[k, k], 0.0)
        r = jnp.where(at > k, A[k], 0.0)
        A = A - jnp.outer(c, r)
        return A.at[:, k].set(jnp.where(at > k, c, A[:, k]))

    return jnp.sum(lax.fori_loop(0, n - 1, column, A))


@work("sequential", definite(50), jax=lu_jax, expert=lu_expert, npbench=True)
def lu(A):
    A = A.copy()
    for i in range(A.shape[0]):
        for j in range(i):
            A[i, j] -= A[i, :j] @ A[:j, j]
            A[i, j] /= A[j, j]
        for j in range(i, A.shape[0]):
            A[i, j] -= A[i, :i] @ A[:i, j]
    return np.sum(A)


def ludcmp_jax(A, b):
    import jax.numpy as jnp
    from jax import lax

    n = A.shape[0]
    at = jnp.arange(n)

    def row(i, A):
        def left(j, A):
            t = jnp.dot(jnp.where(at < j, A[i], 0.0), jnp.where(at < j, A[:, j], 0.0))
            return jnp.where(j < i, A.at[i, j].set((A[i, j] - t) / A[j, j]), A)

        def right(j, A):
            t = jnp.dot(jnp.where(at < i, A[i], 0.0), jnp.where(at < i, A[:, j], 0.0))
            return jnp.where(j >= i, A.at[i, j].add(-t), A)

        return lax.fori_loop(0, n, right, lax.fori_loop(0, n, left, A))

    A = lax.fori_loop(0, n, row, A)
    y = lax.fori_loop(
        0, n, lambda i, y: y.at[i].set(b[i] - jnp.dot(jnp.where(at < i, A[i], 0.0), y)), jnp.zeros(n)
    )

    def back(k, x):
        i = n - 1 - k
        return x.at[i].set((y[i] - jnp.dot(jnp.where(at > i, A[i], 0.0), x)) / A[i, i])

    return jnp.sum(lax.fori_loop(0, n, back, jnp.zeros(n)))


@work("sequential", lambda rng: (*definite(40)(rng), rng.random(40)), jax=ludcmp_jax, npbench=True)
def ludcmp(A, b):
    A = A.copy()
    N = A.shape[0]
    x = np.zeros(N)
    y = np.zeros(N)
    for i in range(N):
        for j in range(i):
            A[i, j] -= A[i, :j] @ A[:j, j]
            A[i, j] /= A[j, j]
        for j in range(i, N):
            A[i, j] -= A[i, :i] @ A[:i, j]
    for i in range(N):
        y[i] = b[i] - A[i, :i] @ y[:i]
    for i in range(N - 1, -1, -1):
        x[i] = (y[i] - A[i, i + 1 :] @ x[i + 1 :]) / A[i, i]
    return np.sum(x)


def trisolv_jax(L, b):
    import jax.numpy as jnp
    from jax import lax

    n = b.shape[0]
    at = jnp.arange(n)

    def row(i, x):
        return x.at[i].set((b[i] - jnp.dot(jnp.where(at < i, L[i], 0.0), x)) / L[i, i])

    return jnp.sum(lax.fori_loop(0, n, row, jnp.zeros(n)))


def trisolv_expert(L, b):
    import jax.numpy as jnp
    from jax import lax

    def column(b, k):
        x = b[k] / L[k, k]
        return b - L[:, k] * x, x

    return jnp.sum(lax.scan(column, b, jnp.arange(b.shape[0]))[1])


@work(
    "sequential",
    lambda rng: (np.tril(rng.random((400, 400))) / 400 + np.eye(400), rng.random(400)),
    jax=trisolv_jax,
    expert=trisolv_expert,
    npbench=True,
)
def trisolv(L, b):
    x = np.zeros_like(b)
    for i in range(x.shape[0]):
        x[i] = (b[i] - L[i, :i] @ x[:i]) / L[i, i]
    return np.sum(x)


def durbin_jax(r):
    import jax.numpy as jnp
    from jax import lax

    n = r.shape[0]
    at = jnp.arange(n)

    def step(k, s):
        alpha, beta, y = s
        beta = beta * (1.0 - alpha * alpha)
        back = jnp.where(at < k, jnp.take(r, k - 1 - at, mode="clip"), 0.0)
        alpha = -(r[k] + jnp.dot(back, jnp.where(at < k, y, 0.0))) / beta
        flipped = jnp.take(y, k - 1 - at, mode="clip")
        y = jnp.where(at < k, y + alpha * flipped, y)
        return alpha, beta, y.at[k].set(alpha)

    start = (-r[0], jnp.ones_like(r[0]), jnp.zeros(n).at[0].set(-r[0]))
    return jnp.sum(lax.fori_loop(1, n, step, start)[2])


@work("sequential", lambda rng: (rng.random(250) / 250,), jax=durbin_jax, npbench=True)
def durbin(r):
    y = np.zeros_like(r)
    alpha = -r[0]
    beta = 1.0
    y[0] = -r[0]
    for k in range(1, r.shape[0]):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.dot(np.flip(r[:k]), y[:k])) / beta
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha
    return np.sum(y)


def gramschmidt_jax(A):
    import jax.numpy as jnp
    from jax import lax

    m, n = A.shape

    def outer(k, s):
        A, Q, R = s
        nrm = jnp.dot(A[:, k], A[:, k])
        R = R.at[k, k].set(jnp.sqrt(nrm))
        Q = Q.at[:, k].set(A[:, k] / R[k, k])

        def inner(j, s):
            A, R = s
            t = jnp.dot(Q[:, k], A[:, j])
            R = jnp.where(j > k, R.at[k, j].set(t), R)
            return jnp.where(j > k, A.at[:, j].add(-Q[:, k] * t), A), R

        A, R = lax.fori_loop(0, n, inner, (A, R))
        return A, Q, R

    A, Q, R = lax.fori_loop(0, n, outer, (A, jnp.zeros((m, n)), jnp.zeros((n, n))))
    return jnp.sum(Q) + jnp.sum(R)


@work(
    "sequential",
    lambda rng: (rng.random((50, 40)) + np.eye(50, 40),),
    jax=gramschmidt_jax,
    npbench=True,
)
def gramschmidt(A):
    A = A.copy()
    Q = np.zeros_like(A)
    R = np.zeros((A.shape[1], A.shape[1]))
    for k in range(A.shape[1]):
        nrm = np.dot(A[:, k], A[:, k])
        R[k, k] = np.sqrt(nrm)
        Q[:, k] = A[:, k] / R[k, k]
        for j in range(k + 1, A.shape[1]):
            R[k, j] = np.dot(Q[:, k], A[:, j])
            A[:, j] -= Q[:, k] * R[k, j]
    return np.sum(Q) + np.sum(R)


def seidel_expert(A, TSTEPS):
    import jax.numpy as jnp
    from jax import lax

    def sweep(A, _):
        def row(above, rows):
            this, below = rows
            s = above[:-2] + above[1:-1] + above[2:] + this[1:-1] + this[2:] + below[:-2] + below[1:-1]
            s = (s + below[2:]) / 9.0

            def join(p, q):
                return p[0] * q[0], q[0] * p[1] + q[1]

            f, x = lax.associative_scan(join, (jnp.full_like(s, 1 / 9.0), s))
            new = this.at[1:-1].set(x + f * this[0])
            return new, new

        rows = lax.scan(row, A[0], (A[1:-1], A[2:]))[1]
        return A.at[1:-1].set(rows), None

    return jnp.sum(lax.scan(sweep, A, None, length=TSTEPS - 1)[0])


@work("sequential", lambda rng: (rng.random((50, 50)), 6), expert=seidel_expert, npbench=True)
def seidel_2d(A, TSTEPS):
    A = A.copy()
    N = A.shape[0]
    for _ in range(0, TSTEPS - 1):
        for i in range(1, N - 1):
            A[i, 1:-1] += (
                A[i - 1, :-2] + A[i - 1, 1:-1] + A[i - 1, 2:] + A[i, 2:] + A[i + 1, :-2] + A[i + 1, 1:-1]
                + A[i + 1, 2:]
            )  # fmt: skip
            for j in range(1, N - 1):
                A[i, j] += A[i, j - 1]
                A[i, j] /= 9.0
    return np.sum(A)


@work("sequential", lambda rng: (rng.random((60, 60)) + 0.1,), npbench=True)
def floyd_warshall(path):
    path = path.copy()
    for k in range(path.shape[0]):
        path[:] = np.minimum(path[:], path[:, k][:, None] + path[k, :][None, :])
    return np.sum(path)


@work("sequential", lambda rng: (rng.random((100, 90)), 0.25), npbench=True)
def deriche(imgIn, alpha):
    k = (
        (1.0 - np.exp(-alpha))
        * (1.0 - np.exp(-alpha))
        / (1.0 + alpha * np.exp(-alpha) * 2.0 - np.exp(2.0 * alpha))
    )
    a1 = a5 = k
    a2 = a6 = k * np.exp(-alpha) * (alpha - 1.0)
    a3 = a7 = k * np.exp(-alpha) * (alpha + 1.0)
    a4 = a8 = -k * np.exp(-2.0 * alpha)
    b1 = 2.0 ** (-alpha)
    b2 = -np.exp(-2.0 * alpha)
    c1 = c2 = 1
    W, H = imgIn.shape
    y1 = np.zeros((W, H))
    y1[:, 0] = a1 * imgIn[:, 0]
    y1[:, 1] = a1 * imgIn[:, 1] + a2 * imgIn[:, 0] + b1 * y1[:, 0]
    for j in range(2, H):
        y1[:, j] = a1 * imgIn[:, j] + a2 * imgIn[:, j - 1] + b1 * y1[:, j - 1] + b2 * y1[:, j - 2]
    y2 = np.zeros((W, H))
    y2[:, H - 2] = a3 * imgIn[:, H - 1]
    for j in range(H - 3, -1, -1):
        y2[:, j] = a3 * imgIn[:, j + 1] + a4 * imgIn[:, j + 2] + b1 * y2[:, j + 1] + b2 * y2[:, j + 2]
    imgOut = c1 * (y1 + y2)
    z1 = np.zeros((W, H))
    z1[0, :] = a5 * imgOut[0, :]
    z1[1, :] = a5 * imgOut[1, :] + a6 * imgOut[0, :] + b1 * z1[0, :]
    for i in range(2, W):
        z1[i, :] = a5 * imgOut[i, :] + a6 * imgOut[i - 1, :] + b1 * z1[i - 1, :] + b2 * z1[i - 2, :]
    z2 = np.zeros((W, H))
    z2[W - 2, :] = a7 * imgOut[W - 1, :]
    for i in range(W - 3, -1, -1):
        z2[i, :] = a7 * imgOut[i + 1, :] + a8 * imgOut[i + 2, :] + b1 * z2[i + 1, :] + b2 * z2[i + 2, :]
    return np.sum(c2 * (z1 + z2))


@work("sequential", lambda rng: (rng.normal(size=60), rng.normal(size=50)))
def soft_alignment(x, y):
    D = np.full((61, 51), 1e6)
    D[0, 0] = 0.0
    for i in range(1, 61):
        for j in range(1, 51):
            a = D[i - 1, j]
            b = D[i, j - 1]
            c = D[i - 1, j - 1]
            m = np.minimum(np.minimum(a, b), c)
            s = m - np.log(np.exp(m - a) + np.exp(m - b) + np.exp(m - c))
            D[i, j] = (x[i - 1] - y[j - 1]) ** 2 + s
    return D[60, 50]


@work("sequential", lambda rng: (rng.random((40, 40, 10)), rng.random((40, 40, 10))), npbench=True)
def vadv(u_stage, wcon):
    K = 10
    ccol = np.zeros((40, 40, K))
    dcol = np.zeros((40, 40, K))
    x = np.zeros((40, 40, K))
    ccol[:, :, 0] = 0.3 * wcon[:, :, 0]
    dcol[:, :, 0] = u_stage[:, :, 0]
    for k in range(1, K):
        gav = -0.25 * (wcon[:, :, k] + wcon[:, :, k - 1])
        gcv = 0.25 * wcon[:, :, k]
        cs = gcv * 0.3
        acol = gav * 0.3
        bcol = 2.0 - acol - gcv
        correction = -gav * (u_stage[:, :, k - 1] - u_stage[:, :, k])
        d = u_stage[:, :, k] * 2.0 + correction
        divided = 1.0 / (bcol - ccol[:, :, k - 1] * acol)
        ccol[:, :, k] = cs * divided
        dcol[:, :, k] = (d - dcol[:, :, k - 1] * acol) * divided
    x[:, :, K - 1] = dcol[:, :, K - 1]
    for k in range(K - 2, -1, -1):
        x[:, :, k] = dcol[:, :, k] - ccol[:, :, k] * x[:, :, k + 1]
    return np.sum(x * x)
