"""The primals of the gallery of worked examples, under their numbers there."""

import numpy as np

from corpus.program import Program

rng = np.random.default_rng(0)


def poly(x, n, m):
    y = x
    for i in range(n):
        z = y
        for j in range(m):
            z = np.sin(z * x) + j
        y = y * z
    return y


def newton_sqrt(a):
    x = a
    while abs(x * x - a) > 1e-3:
        x = 0.5 * (x + a / x)
    return x


def halve(x, w):
    s = 0.0
    while x > 0.1:
        s = s + w * x
        x = 0.5 * x
    return s


def scale_until(x, k, r):
    i = 0
    while i * i < k:
        x = r * x
        i += 1
    return x


def branchy(x, n):
    y = x
    for i in range(n):
        if y > 1.0:
            y = y * x - 0.5
        elif i % 2 == 0:
            y = y + np.sin(x)
        else:
            y = y * y
    return y


def ladder(x, n, m):
    s = 0.0
    for i in range(n):
        p = x + i
        for j in range(m):
            if (i + j) % 3 == 0:
                continue
            p = p * x
            if p > 10.0:
                break
            s = s + p * p
        s = s + p
    return s


def search(xs, w, target):
    acc = 0.0
    for i in range(len(xs)):
        acc = acc + np.tanh(w * xs[i])
        if acc > target:
            break
    else:
        acc = acc * acc
    return acc


def first_above(xs, w, limit):
    s = 0.0
    for i in range(len(xs)):
        s = s + np.exp(w * xs[i])
        if s > limit:
            return s * s
    return s


def guarded(x, y):
    if y < 0.0:
        return x
    z = x * y
    if z > 2.0:
        return np.log(z)
    return z * x


def gauss_seidel(u, f, h2, sweeps):
    for s in range(sweeps):
        for i in range(1, len(u) - 1):
            u[i] = 0.5 * (u[i - 1] + u[i + 1] - h2 * f[i])
    return np.sum(u**2)


def nl_sweep(u, k, sweeps):
    for s in range(sweeps):
        for i in range(1, len(u) - 1):
            u[i] = np.tanh(k * u[i - 1] * u[i + 1]) + 0.5 * u[i]
    return np.sum(u**2)


def prefix(x):
    s = np.zeros_like(x)
    s[0] = x[0]
    for i in range(1, len(x)):
        s[i] = s[i - 1] + x[i] * x[i - 1]
    return np.sum(np.sin(s))


def chol_logdet(A):
    n = A.shape[0]
    L = np.zeros_like(A)
    for j in range(n):
        L[j, j] = np.sqrt(A[j, j] - np.dot(L[j, :j], L[j, :j]))
        for i in range(j + 1, n):
            L[i, j] = (A[i, j] - np.dot(L[i, :j], L[j, :j])) / L[j, j]
    return np.sum(np.log(np.diag(L))) + np.sum(L)


def rnn_loss(W, x, h0):
    T = x.shape[0]
    h = np.zeros((T + 1, h0.shape[0]))
    h[0] = h0
    for t in range(T):
        h[t + 1] = np.tanh(W @ h[t] + x[t])
    return np.sum(h[1:] ** 2)


def views(x, a):
    y = x[1:]
    y[0] = a * y[1]
    z = y.reshape(2, -1)
    z[1] *= z[0]
    return np.sum(x**3)


def masked(x, w):
    y = np.empty_like(x)
    np.multiply(x, w, out=y)
    y[y > 0.5] = w
    y[x < 0] *= x[x < 0]
    idx = np.array([0, 2, 2, 3])
    y[idx] += x[idx]  # buffered: index 2 counts once
    np.add.at(y, idx, x[:4])
    y[1:] = y[:-1] * w  # self-overlap
    return np.sum(y * y)


def wave(u, k, n):
    v = u.copy()
    for t in range(n):
        v[1:-1] = u[1:-1] * (1.0 + k * (u[2:] - u[:-2]))
        u, v = v, u
    return np.sum(u**2)


def mlp(params, x, y):
    for W, b in params:
        x = np.tanh(x @ W + b)
    r = x - y
    return np.mean(r * r)


def treesum(t, w):
    if isinstance(t, tuple):
        l, r = t
        return np.tanh(w * treesum(l, w) * treesum(r, w))
    return t


def accumulate(x, w):
    total = 0.0

    def visit(v, k):
        nonlocal total
        total = total + k * np.sin(w * v) * total + v
        return total * w

    out = 0.0
    for k in range(3):
        out += visit(x * k, k)
    return out + total


xs = np.array([0.3, -0.2, 0.8, 0.9, 0.1])
M = rng.normal(size=(5, 5))
LAYERS = [(rng.normal(size=(3, 4)), rng.normal(size=4)), (rng.normal(size=(4, 2)), rng.normal(size=2))]

PROGRAMS = [
    Program("E2.1 nested for, overwritten", poly, (0.7, 3, 4)),
    Program("E2.2 while, data-dependent exit", newton_sqrt, (7.3,)),
    Program("E2.2b while, sliced forward sweep", halve, (3.7, 1.3), (0, 1)),
    Program("E2.2c while, trip count only", scale_until, (2.0, 20, 0.9)),
    Program("E2.3 if/elif/else inside for", branchy, (0.8, 7)),
    Program("E2.4 break and continue", ladder, (1.3, 4, 9)),
    Program("E2.4b for-else, broke", search, (xs, 1.1, 0.6), (0, 1)),
    Program("E2.4c for-else, exhausted", search, (xs, 1.1, 60.0), (0, 1)),
    Program("E2.5 early return, taken", first_above, (xs, 1.1, 2.5), (0, 1)),
    Program("E2.5 early return, not taken", first_above, (xs, 1.1, 99.0), (0, 1)),
    Program("E2.6 guard clauses, first", guarded, (0.5, -1.0), (0, 1)),
    Program("E2.6 guard clauses, second", guarded, (3.0, 2.0), (0, 1)),
    Program("E2.6 guard clauses, last", guarded, (0.5, 0.5), (0, 1)),
    Program(
        "E3.1 Gauss-Seidel linear", gauss_seidel, (rng.normal(size=7), rng.normal(size=7), 0.1, 3), (0, 1)
    ),
    Program("E3.2 nonlinear sweep", nl_sweep, (rng.normal(size=7), 0.8, 3), (0, 1)),
    Program("E3.3 prefix sum", prefix, (rng.normal(size=9),)),
    Program("E3.4 Cholesky loops", chol_logdet, (M @ M.T + 5 * np.eye(5),)),
    Program(
        "E3.5 RNN h[t+1]",
        rnn_loss,
        (rng.normal(size=(3, 3)) * 0.5, rng.normal(size=(4, 3)), rng.normal(size=3)),
        (0, 1, 2),
    ),
    Program("E3.6 writes through views", views, (rng.normal(size=7), 1.7), (0, 1)),
    Program("E3.7 mask, out=, fancy, add.at, overlap", masked, (rng.normal(size=6), 0.7), (0, 1)),
    Program("E3.9 swapped buffers", wave, (rng.normal(size=8), 0.3, 4), (0, 1)),
    Program("E4.1 MLP", mlp, (LAYERS, rng.normal(size=(5, 3)), rng.normal(size=(5, 2)))),
    Program("E5.1 recursion over a tree", treesum, (((0.3, (0.7, -0.4)), (0.9, 1.1)), 1.3), (0, 1)),
    Program("E5.2 closure with nonlocal cell", accumulate, (0.4, 1.2), (0, 1)),
]
