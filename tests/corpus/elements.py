"""Programs whose loops read and write elements one at a time: what lists are quicker at than arrays."""

import numpy as np

from corpus.program import Program

rng = np.random.default_rng(31)


def thomas(b, a, c, d):
    n = b.shape[0]
    cp, dp, x = np.zeros(n), np.zeros(n), np.zeros(n)
    cp[0] = c[0] / b[0]
    dp[0] = d[0] / b[0]
    for i in range(1, n):
        m = b[i] - a[i] * cp[i - 1]
        cp[i] = c[i] / m
        dp[i] = (d[i] - a[i] * dp[i - 1]) / m
    x[n - 1] = dp[n - 1]
    for i in range(n - 2, -1, -1):
        x[i] = dp[i] - cp[i] * x[i + 1]
    return np.sum(x**2)


def local_alignment(S, gap):
    n, m = S.shape
    H = np.zeros((n + 1, m + 1))
    best = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            H[i, j] = max(0.0, H[i - 1, j - 1] + S[i - 1, j - 1] - 0.5, H[i - 1, j] - gap, H[i, j - 1] - gap)
            best = max(best, H[i, j])
    return best


def variance_filter(r, w, a, b):
    h = np.zeros(len(r))
    h[0] = 1.0
    for t in range(1, len(r)):
        h[t] = w + a * r[t - 1] ** 2 + b * h[t - 1]
    ll = 0.0
    for t in range(len(r)):
        ll += np.log(h[t]) + r[t] ** 2 / h[t]
    return ll


def cholesky_elements(A):
    n = A.shape[0]
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = A[i, j]
            for k in range(j):
                s -= L[i, k] * L[j, k]
            if i == j:
                L[i, j] = np.sqrt(s)
            else:
                L[i, j] = s / L[j, j]
    return np.sum(np.log(np.diag(L)))


def binomial_tree(S, vol):
    n = 6
    u = np.exp(vol * np.sqrt(1.0 / n))
    p = (np.exp(0.05 / n) - 1 / u) / (u - 1 / u)
    v = np.zeros(n + 1)
    for i in range(n + 1):
        v[i] = max(100.0 - S * u ** (2 * i - n), 0.0)
    for k in range(n, 0, -1):
        for i in range(k):
            v[i] = 0.99 * (p * v[i + 1] + (1 - p) * v[i])
    return v[0]


def by_places(x, k):
    s = 0.0
    for i in range(k.shape[0]):
        s += np.exp(-x[k[i]]) * x[i]
    return s


def pairs_of_two(x, y):
    s = 0.0
    for i, (a, b) in enumerate(zip(x, y)):
        s += a * np.exp(-b * i)
    return s


def two_swapped(x, n):
    a = x.copy()
    b = x * 2.0
    for _ in range(n):
        for i in range(1, len(x)):
            b[i] = a[i] * a[i - 1] + 0.1
        a, b = b, a
    return np.sum(a) + a[0] * b[1]


def rows_and_whole(A):
    out = np.zeros(A.shape[0])
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            out[i] += np.tanh(A[i, j]) * A[i, -1]
        out = out * 1.5
    return np.sum(out**2)


def stopped(x):
    s = np.zeros(len(x))
    for i in range(1, len(x)):
        s[i] = s[i - 1] + x[i] * x[i]
        if s[i] > 2.0:
            break
    return np.sum(s) + s[1]


A = rng.random((4, 4)) + 4 * np.eye(4)
PROGRAMS = [
    Program("thomas", thomas, (rng.random(6) + 3, *(rng.random(6) for _ in range(3))), (0, 1, 3)),
    Program("local_alignment", local_alignment, (rng.random((4, 3)), 0.3), (0, 1)),
    Program("variance_filter", variance_filter, (rng.normal(size=6), 0.1, 0.1, 0.8), (0, 1, 2, 3)),
    Program("cholesky_elements", cholesky_elements, (A + A.T,)),
    Program("binomial_tree", binomial_tree, (97.0, 0.2), (0, 1)),
    Program("by_places", by_places, (rng.random(5), np.array([4, 0, -1, 2, 2])), (0,)),
    Program("pairs_of_two", pairs_of_two, (rng.random(5), rng.random(5)), (0, 1)),
    Program("two_swapped", two_swapped, (rng.random(5), 3)),
    Program("rows_and_whole", rows_and_whole, (rng.random((3, 4)),)),
    Program("stopped", stopped, (rng.random(8) + 0.3,)),
]
