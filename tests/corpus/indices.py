"""Loops that write to arrays whose elements they read: which reads a later write may touch."""

from __future__ import annotations

import numpy as np

from .program import Program


def looked_up(x, p):
    x = x.copy()
    for i in range(len(p)):
        k = p[i]
        x[k + 1] = x[k] * x[k]
    return (x * x).sum()


def remainder(x):
    x = x.copy()
    for i in range(3):
        k = (i * 2) % 3
        x[k + 1] = x[k] * x[k]
    return (x * x).sum()


def looked_up_deep(x, p):
    x = x.copy()
    for i in range(len(p)):
        k = p[i]
        for j in range(2):
            x[k + j + 1] = x[k + j] * x[k]
    return (x * x).sum()


def last_comes_first(x):
    x = x.copy()
    for i in range(len(x)):  # x[-1] in the first trip, which the last one writes to
        x[i] = x[i] * x[i - 1]
    return (x * x).sum()


def round_the_end(x, n):
    x = x.copy()
    for i in range(n):
        x[i - 2] = x[i] * x[i - 1]
    return (x * x).sum()


def from_the_end(x, start):
    x = x.copy()
    for i in range(start, 4):
        x[i] = x[i - 1] * x[i]
    return (x * x).sum()


def factors(A):
    A = A.copy()
    n = A.shape[0]
    for i in range(n):
        for j in range(i):
            A[i, j] -= A[i, :j] @ A[:j, j]
            A[i, j] /= A[j, j]
        for j in range(i, n):
            A[i, j] -= A[i, :i] @ A[:i, j]
    return np.sum(A)


def orthogonal(A):
    A = A.copy()
    m, n = 4, A.shape[1]
    Q = np.zeros((m, n))
    R = np.zeros((n, n))
    for k in range(n):
        R[k, k] = np.sqrt(A[:, k] @ A[:, k])
        Q[:, k] = A[:, k] / R[k, k]
        for j in range(k + 1, n):
            R[k, j] = Q[:, k] @ A[:, j]
            A[:, j] -= Q[:, k] * R[k, j]
    return np.sum(Q) + np.sum(R)


def triangle(x):
    T = np.zeros((4, 4))
    T[0, 0] = x[0]
    for i in range(1, 4):
        T[i, 0] = x[i] * T[i - 1, 0]
        for j in range(1, i + 1):
            T[i, j] = T[i, j - 1] * T[i - 1, j - 1] + x[j]
    return np.sum(T * T)


def downwards(x):
    x = x.copy()
    for i in range(1, 4):
        for j in range(3, i - 1, -1):
            x[j] = x[j] * x[j - 1] + x[i]
    return (x * x).sum()


X = np.array([0.5, 0.7, 0.9, 1.1, 0.3])
SQUARE = np.array([[3.0, 0.2, 0.5, 0.1], [0.4, 2.5, 0.3, 0.6], [0.1, 0.7, 2.0, 0.2], [0.6, 0.3, 0.4, 1.8]])

PROGRAMS = [
    Program("looked_up", looked_up, (X, np.array([2, 1, 0, 2, 1, 0]))),
    Program("remainder", remainder, (X,)),
    Program("looked_up_deep", looked_up_deep, (X, np.array([1, 0, 2, 1]))),
    Program("last_comes_first", last_comes_first, (X,)),
    Program("round_the_end", round_the_end, (X, 5)),
    Program("from_the_end", from_the_end, (X, 0)),
    Program("factors", factors, (SQUARE,)),
    Program("orthogonal", orthogonal, (SQUARE,)),
    Program("triangle", triangle, (X[:4],)),
    Program("downwards", downwards, (X[:4],)),
]
