"""Programs whose derivatives become kernels for the GPU."""

from __future__ import annotations

from typing import Any

import numpy as np


def chain(x, y):
    return np.sum(np.exp(-x * x) * np.sin(y) + np.where(x > 0, x, y) * 2.0)


def logistic(w, X, y):
    losses = np.logaddexp(0.0, -y * (X @ w))
    return np.mean(losses) + 0.1 * np.sum(w * w)


def layer(W, b, x):
    h = np.tanh(x @ W + b)
    return np.mean(h * h)


def jacobi(A, B, n):
    for _ in range(n):
        B[1:-1, 1:-1] = 0.2 * (A[1:-1, 1:-1] + A[1:-1, :-2] + A[1:-1, 2:] + A[2:, 1:-1] * A[:-2, 1:-1])
        A[1:-1, 1:-1] = 0.2 * (B[1:-1, 1:-1] + B[1:-1, :-2] + B[1:-1, 2:] + B[2:, 1:-1] + B[:-2, 1:-1])
    return np.sum(A)


def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return np.sum((e / np.sum(e, axis=-1, keepdims=True)) ** 2)


def mixture(alphas, means, x):
    d = x[:, None, :] - means[None]
    q = -0.5 * np.sum(d * d, axis=2) + alphas
    m = np.max(q, axis=1)
    return np.sum(m + np.log(np.sum(np.exp(q - m[:, None]), axis=1)))


def shifts(x):
    y = x[1:] * x[:-1]
    x[1:] += y
    x[:-1] *= x[1:]
    x[:] = x[::-1] * 2.0
    return np.sum(x * x) / x.size


def largest(x, y):
    return np.max(x * y) * np.min(x + y)


def odd_ones(x, y):
    z = np.maximum(x, y) - np.minimum(x, 0.5) + np.clip(y, -0.5, 0.5) * np.sign(x)
    return np.sum(np.hypot(z, y) ** 3 + np.abs(x) ** 1.5 + np.arctan2(x, y) + 2.0 ** (x * y))


def picked(x, places):
    y = x[places] * 2.0
    return np.sum(y * y * np.sin(x[places])) + x[-1]


def rows(table, words, w):
    h = np.tanh(table[words] * w)
    return np.sum(h * h)


def flow(y, k, n):
    for _ in range(n):
        y = y + 0.01 * k * np.sin(y)
    return np.sum(y * y)


def driven(y, u, dt):
    v = np.zeros_like(y)
    t = 0.0
    for k in range(u.shape[0]):
        a = -np.sin(y) * u[k] + np.cos(t)
        if k % 2 == 0:
            v = v + dt * a
        else:
            v = v + dt * a * y
        y, v = y + dt * v, v * 0.99
        t = t + dt
    return np.sum(y * v)


def gated(h, xs):
    for x in xs:
        z = 1.0 / (1.0 + np.exp(-(h + x)))
        h = z * h + (1.0 - z) * np.tanh(x * h)
    return np.sum(h**2)


def products(x):
    y = np.zeros_like(x)
    for i in range(1, x.shape[0]):
        for j in range(x.shape[1]):
            y[i, j] = x[i, j] * x[i - 1, j]
    return np.sum(y * y)


def sweep(x, c):
    for i in range(1, x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] = x[i, j] + c * x[i - 1, j]
    return np.sum(x)


def times(A, x):
    y = np.zeros(A.shape[0])
    for i in range(A.shape[0]):
        s = 0.0
        for j in range(A.shape[1]):
            s += A[i, j] * x[j]
        y[i] = s * s
    return np.sum(y)


def distances(x, y, w):
    d = np.sum((x[:, None] - y[None]) ** 2 * w, axis=-1)
    return np.sum(np.max(np.exp(-d) * 2.0, axis=0)) + np.sum(np.mean(np.sin(d) * d, axis=1) ** 2)


def normed(x, gain, shift):
    mean = np.mean(x, axis=-1, keepdims=True)
    d = x - mean
    scale = 1.0 / np.sqrt(np.mean(d * d, axis=-1, keepdims=True) + 1e-5)
    return np.sum(np.tanh(d * scale * gain + shift))


def classes(W, X, y):
    scores = X @ W
    top = scores.max(axis=1)
    shifted = scores - top[:, None]
    norms = np.log(np.exp(shifted).sum(axis=1))
    return np.mean(norms * 2.0 + np.sum(shifted * y, axis=1)) + np.sum(norms**2)


def rectified(W, b, x):
    h = np.maximum(x @ W + b, 0.0)
    return np.mean(h * h) + np.sum(h)


def attention(q, k):
    s = np.matmul(q, np.swapaxes(k, 1, 2))
    e = np.exp(s - np.max(s, axis=-1, keepdims=True))
    p = e / np.sum(e, axis=-1, keepdims=True)
    h = np.matmul(p, k)
    return np.sum(h * h)


def edges(x, i, j, words):
    y = x[i, j] * x[i, -1]
    y[y < -0.2] = 0.1
    z = np.zeros((4, 5))
    np.add.at(z, (i, j), np.sin(y))
    return np.sum(z * z) + np.sum(np.exp(x[words[:, None], words[None, :]])) + np.sum(np.cos(x[0][words]))


def labelled(x, words, y):
    p = x - np.log(np.sum(np.exp(x), axis=1, keepdims=True))
    h = np.tanh(y[words] * 1.5)
    return np.sum(h * h) - np.mean(p[np.arange(x.shape[0]), words[0]])


R = np.random.default_rng(0)
CASES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "chain": (chain, (R.normal(size=(23, 31)), R.normal(size=(23, 31)))),
    "logistic": (logistic, (R.normal(size=3), R.normal(size=(700, 3)), np.sign(R.normal(size=700)))),
    "layer": (layer, (R.normal(size=(4, 5)), R.normal(size=5), R.normal(size=(3, 4)))),
    "jacobi": (jacobi, (R.normal(size=(7, 6)), R.normal(size=(7, 6)), 3)),
    "softmax": (softmax, (R.normal(size=(3, 4)),)),
    "mixture": (mixture, (R.normal(size=3), R.normal(size=(3, 2)), R.normal(size=(5, 2)))),
    "shifts": (shifts, (R.normal(size=6),)),
    "largest": (largest, (R.normal(size=300) + 3.0, R.normal(size=300) + 3.0)),
    "picked": (picked, (R.normal(size=5), np.array([0, 3, 3, -1]))),
    "rows": (rows, (R.normal(size=(6, 3)), np.array([1, 4, 1, -2]), R.normal(size=3))),
    "flow": (flow, (R.normal(size=5), R.normal(size=5), 4)),
    "driven": (driven, (R.normal(size=(2, 3)), R.normal(size=6), 0.1)),
    "gated": (gated, (R.normal(size=(2, 3)), R.normal(size=(4, 2, 3)))),
    "products": (products, (R.normal(size=(4, 3)),)),
    "sweep": (sweep, (R.normal(size=(4, 3)), 0.5)),
    "times": (times, (R.normal(size=(4, 3)), R.normal(size=3))),
    "distances": (distances, (R.normal(size=(4, 3)), R.normal(size=(5, 3)), R.normal(size=3))),
    "normed": (normed, (R.normal(size=(3, 5, 40)), R.normal(size=40), R.normal(size=40))),
    "classes": (classes, (R.normal(size=(4, 7)), R.normal(size=(70, 4)), R.normal(size=(70, 7)))),
    "rectified": (rectified, (R.normal(size=(4, 5)), R.normal(size=5), R.normal(size=(3, 4)))),
    "attention": (attention, (R.normal(size=(2, 3, 4)), R.normal(size=(2, 5, 4)))),
    "edges": (edges, (R.normal(size=(4, 5)), *R.integers(0, 4, size=(2, 7)), np.array([3, 1, 1]))),
    "labelled": (labelled, (R.normal(size=(4, 7)), R.integers(-7, 7, size=(3, 4)), R.normal(size=9))),
    "odd_ones": (odd_ones, (R.normal(size=9), R.normal(size=9))),
}


def single(name: str) -> tuple[Any, tuple[Any, ...]]:
    f, args = CASES[name]
    return f, tuple(
        a.astype(np.float32) if isinstance(a, np.ndarray) and a.dtype == float else a for a in args
    )
