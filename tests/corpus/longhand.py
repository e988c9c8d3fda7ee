"""Options of NumPy that stand for a few lines; constants from libraries; arrays certain to be views."""

from __future__ import annotations

import numpy as np

from corpus.program import Program


def diff_with_ends(x, a):
    d = np.diff(x, prepend=a, append=2.0 * a)
    return np.sum(d**3)


def diff_of_rows(X, row):
    return np.sum(np.diff(X, axis=0, prepend=row) ** 2) + np.sum(np.diff(X, 2, append=1.0) ** 3)


def covariance_of_two(x, y):
    C = np.cov(x, y)
    return C[0, 1] / np.sqrt(C[0, 0] * C[1, 1])


def covariance_of_columns(X):
    C = np.cov(X, rowvar=False, bias=True)
    return np.sum(C * C) + np.cov(X[:, 0]) + np.sum(np.cov(X.T, ddof=0))


def gauss_legendre(a, b):
    x, w = np.polynomial.legendre.leggauss(5)
    t = 0.5 * (b - a) * x + 0.5 * (a + b)
    return 0.5 * (b - a) * np.sum(w * np.exp(-t * t))


def several_quantiles(x):
    low, high = np.percentile(x, [20, 60], axis=1)
    middle = np.quantile(x, LEVELS)
    ends = np.quantile(x, (0.3, 0.6), 0, keepdims=True)
    return np.sum(high**2 - low) + np.sum(LEVELS * middle**2) + np.sum(ends)


def interquartile_range(x):
    return np.subtract(*np.percentile(x, [75, 25])) ** 2


def views_after_writes(a):
    b = a.copy()
    b.T[0] *= 2.0
    b[1:, 1:] += b[:-1, :-1]
    flat = b.reshape(-1)
    flat[::3] -= 0.5 * flat[1::3]
    return np.sum(b**3)


def chosen_but_not_written(x, p):
    a, b = x * 2.0, x * 3.0
    c = a if p > 0 else b
    t = np.sum(c**2)
    a[0] = x[1] * x[2]
    return np.sum(a * b) * t


LEVELS = np.array([0.1, 0.5, 0.77])
rng = np.random.default_rng(11)
PROGRAMS = [
    Program("diff_with_ends", diff_with_ends, (rng.normal(size=4), 0.7), (0, 1)),
    Program("diff_of_rows", diff_of_rows, (rng.normal(size=(3, 4)), rng.normal(size=(1, 4))), (0, 1)),
    Program("covariance_of_two", covariance_of_two, (rng.normal(size=5), rng.normal(size=5)), (0, 1)),
    Program("covariance_of_columns", covariance_of_columns, (rng.normal(size=(5, 3)),)),
    Program("gauss_legendre", gauss_legendre, (0.2, 1.4), (0, 1)),
    Program("several_quantiles", several_quantiles, (rng.normal(size=(3, 4)),)),
    Program("interquartile_range", interquartile_range, (rng.normal(size=7),)),
    Program("views_after_writes", views_after_writes, (rng.normal(size=(4, 3)),)),
    Program("chosen_but_not_written", chosen_but_not_written, (rng.normal(size=3), 1.0)),
]
