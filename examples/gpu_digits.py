"""Trains a two-layer network on noisy pictures of ten signs, on a GPU where there is one.

    python examples/gpu_digits.py

The loss is written for NumPy; the arrays decide where it, and the gradient that srcdiff writes, are computed.
"""

from __future__ import annotations

import numpy as np
from gpu_arrays import here, seconds

import srcdiff
from srcdiff import value_and_grad


@value_and_grad
def loss(params, X, y):
    """Mean cross-entropy of a two-layer network; y holds the class of each row of X."""
    h = np.maximum(X @ params["W1"] + params["b1"], 0.0)
    scores = h @ params["W2"] + params["b2"]
    scores = scores - scores.max(axis=1, keepdims=True)
    n = X.shape[0]
    log_norm = np.log(np.exp(scores).sum(axis=1))
    return (log_norm - scores[np.arange(n), y]).mean()


def problem(xp, count, hidden, dtype):
    """Parameters and pictures, made on the host and put on the device once."""
    rng = np.random.default_rng(0)
    signs = rng.integers(0, 2, size=(10, 64))
    y = rng.integers(0, 10, size=count)
    X = signs[y] + 0.4 * rng.normal(size=(count, 64))
    params = {
        "W1": rng.normal(size=(64, hidden)) * np.sqrt(2.0 / 64),
        "b1": np.zeros(hidden),
        "W2": rng.normal(size=(hidden, 10)) * np.sqrt(1.0 / hidden),
        "b2": np.zeros(10),
    }
    params = {name: xp.asarray(value, dtype=dtype) for name, value in params.items()}
    return params, xp.asarray(X, dtype=dtype), xp.asarray(y)


def run(xp, count=256, hidden=16, steps=30, dtype="float64"):
    """The losses of steps of gradient descent, as numbers of the host."""
    params, X, y = problem(xp, count, hidden, dtype)
    losses = []
    for _ in range(steps):
        value, params_bar = loss(params, X, y)
        losses.append(value)
        for name, g in params_bar.items():
            params[name] -= 0.5 * g
    return np.array([float(v) for v in losses])  # read back once, after the last step


def main():
    xp, large = here()
    count, hidden = (1_000_000, 256) if large else (256, 16)
    params, X, y = problem(xp, count, hidden, "float32" if large else "float64")
    print(srcdiff.source(loss, params, X, y))
    time, _ = seconds(xp, lambda: loss(params, X, y))
    losses = run(xp)
    print(f"{xp.__name__}: a gradient of {count} pictures in {1e3 * time:.1f} ms")
    print(f"loss from {losses[0]:.3f} to {losses[-1]:.3f} in {len(losses)} steps")
    assert losses[-1] < 0.3 * losses[0]


if __name__ == "__main__":
    main()
