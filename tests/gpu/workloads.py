"""What tests/gpu/bench.py measures: functions by NumPy's names, which its peers have too, and their data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["WORKLOADS", "Workload"]


def chain(x, y):
    return np.sum(np.exp(-x * x) * np.sin(y) + np.tanh(x * y) * 0.5)


def variance(x):
    d = x - np.mean(x)
    return np.mean(d * d) + 0.1 * np.mean(np.abs(d))


def stencil(u, k):
    c = u[1:-1, 1:-1]
    v = c + k * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * c)
    return np.sum(v * v)


def cross_entropy(scores, y):
    top = np.max(scores, axis=1, keepdims=True)
    d = scores - top
    norm = np.log(np.sum(np.exp(d), axis=1, keepdims=True))
    return np.mean(np.sum((norm - d) * y, axis=1))


def layer_norm(x, gain, shift):
    d = x - np.mean(x, axis=-1, keepdims=True)
    scale = 1.0 / np.sqrt(np.mean(d * d, axis=-1, keepdims=True) + 1e-5)
    return np.sum(np.tanh(d * scale * gain + shift))


def flow(y, k):
    for _ in range(30):
        y = y + 0.01 * k * np.sin(y)
    return np.sum(y * y)


def embedding(table, words, w):
    h = np.tanh(table[words] * w)
    return np.sum(h * h)


def layers(W1, W2, X):
    h = np.tanh(X @ W1)
    z = h @ W2
    return np.mean(z * z)


def small(W1, b1, W2, b2, X):
    h = X
    for _ in range(5):
        h = np.tanh(h @ W1 + b1)
    z = h @ W2 + b2
    return np.mean(z * z)


@dataclass(frozen=True)
class Workload:
    """A function, how many of its arguments are differentiated, its data for a size, the ratio asked for.

    Attributes:
        least: how fast it is to be at least, as a part of JAX's jit, as PyTorch eager.
    """

    name: str
    function: Callable[..., Any]
    active: int
    data: Callable[[np.random.Generator, int], tuple[Any, ...]]
    size: int
    least: tuple[float, float] = (1.0, 1.0)
    dtype: str = "float32"


def normal(*shapes: Callable[[int], Any]) -> Callable[[np.random.Generator, int], tuple[Any, ...]]:
    return lambda r, n: tuple(r.standard_normal(s(n), dtype=np.float32) for s in shapes)


def labels(r: np.random.Generator, n: int) -> tuple[Any, ...]:
    scores = r.standard_normal((n // 1024 + 1, 1024), dtype=np.float32)
    y = np.zeros_like(scores)
    y[np.arange(len(y)), r.integers(0, 1024, len(y))] = 1.0
    return scores, y


def words(r: np.random.Generator, n: int) -> tuple[Any, ...]:
    rows = n // 1024 + 2
    table = r.standard_normal((rows, 256), dtype=np.float32)
    return table, r.integers(0, rows, 2 * rows), r.standard_normal(256, dtype=np.float32)


WORKLOADS = [
    Workload("chain", chain, 2, normal(lambda n: n, lambda n: n), 100_000_000, (1.0, 2.0)),
    Workload("chain64", chain, 2, normal(lambda n: n, lambda n: n), 50_000_000, (1.0, 2.0), "float64"),
    Workload("variance", variance, 1, normal(lambda n: n), 100_000_000),
    Workload(
        "stencil", stencil, 1, lambda r, n: (*normal(lambda n: (int(n**0.5),) * 2)(r, n), 0.1), 100_000_000
    ),
    Workload("cross_entropy", cross_entropy, 1, labels, 100_000_000),
    Workload(
        "layer_norm", layer_norm, 3,
        normal(lambda n: (n // 1024 + 1, 1024), *[lambda n: 1024] * 2), 100_000_000,
    ),
    Workload("flow", flow, 2, normal(lambda n: n, lambda n: n), 30_000_000),
    Workload("embedding", embedding, 1, words, 200_000_000),
    Workload("layers", layers, 2, lambda r, n: tuple(
        0.02 * r.standard_normal((int(n**0.5),) * 2, dtype=np.float32) for _ in range(3)
    ), 8192**2, (0.9, 0.9)),
    Workload("small", small, 4, lambda r, n: (
        0.1 * r.standard_normal((64, 64), dtype=np.float32), np.zeros(64, np.float32),
        0.1 * r.standard_normal((64, 8), dtype=np.float32), np.zeros(8, np.float32),
        r.standard_normal((128, 64), dtype=np.float32),
    ), 1),
]  # fmt: skip
