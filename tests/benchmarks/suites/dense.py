"""Networks."""

from __future__ import annotations

import numpy as np

from . import work


def relu(x):
    return np.maximum(x, 0.0)


def normal(rng, *shape):
    return rng.normal(size=shape) / np.sqrt(shape[0])


@work(
    "dense",
    lambda rng: (
        normal(rng, 784, 128),
        np.zeros(128),
        normal(rng, 128, 10),
        np.zeros(10),
        rng.random((128, 784)),
        np.eye(10)[rng.integers(0, 10, 128)],
    ),
    eager=True,
)
def mlp_step(W1, b1, W2, b2, X, Y):
    h = np.tanh(X @ W1 + b1)
    z = h @ W2 + b2
    e = np.exp(z)
    p = e / np.sum(e, axis=1, keepdims=True)
    return -np.sum(Y * np.log(p)) / 128.0


def lstm_scan(W, U, b, x):
    import jax
    import jax.numpy as jnp

    n = U.shape[0]
    xw = x @ W + b

    def step(s, xt):
        h, c = s
        g = xt + h @ U
        i, f, o = (1.0 / (1.0 + jnp.exp(-g[:, k * n : (k + 1) * n])) for k in range(3))
        c = f * c + i * jnp.tanh(g[:, 3 * n :])
        return (o * jnp.tanh(c), c), None

    zero = jnp.zeros((x.shape[1], n))
    return jnp.sum(jax.lax.scan(step, (zero, zero), xw)[0][0] ** 2)


@work(
    "dense",
    lambda rng: (normal(rng, 32, 256), normal(rng, 64, 256), np.zeros(256), rng.normal(size=(50, 16, 32))),
    expert=lstm_scan,
)
def lstm(W, U, b, x):
    n = 64
    h = np.zeros((16, 64))
    c = np.zeros((16, 64))
    for t in range(50):
        g = x[t] @ W + h @ U + b
        i = 1.0 / (1.0 + np.exp(-g[:, :n]))
        f = 1.0 / (1.0 + np.exp(-g[:, n : 2 * n]))
        o = 1.0 / (1.0 + np.exp(-g[:, 2 * n : 3 * n]))
        c = f * c + i * np.tanh(g[:, 3 * n :])
        h = o * np.tanh(c)
    return np.sum(h**2)


@work(
    "dense",
    lambda rng: (
        normal(rng, 64, 64),
        normal(rng, 64, 64),
        normal(rng, 64, 64),
        rng.normal(size=(128, 64)),
    ),
    eager=True,
)
def attention(Wq, Wk, Wv, x):
    q = x @ Wq
    k = x @ Wk
    v = x @ Wv
    s = (q @ k.T) / 8.0
    e = np.exp(s - np.max(s))
    p = e / np.sum(e, axis=1, keepdims=True)
    y = p @ v
    return np.sum(y * y)


def conv2d_jax(weights, image):
    import jax.numpy as jnp

    out = jnp.zeros((4, 28, 28, 8))
    for i in range(3):
        for j in range(3):
            out = out + image[:, i : i + 28, j : j + 28, :] @ weights[i, j]
    return jnp.sum(jnp.maximum(out, 0.0) ** 2)


@work(
    "dense",
    lambda rng: (rng.normal(size=(3, 3, 3, 8)) * 0.2, rng.random((4, 30, 30, 3))),
    jax=conv2d_jax,
    npbench=True,
)
def conv2d(weights, image):
    N, H, W, C = 4, 30, 30, 3
    K = 3
    out = np.zeros((N, H - K + 1, W - K + 1, 8))
    for i in range(3):
        for j in range(3):
            window = np.reshape(image[:, i : i + 28, j : j + 28, :], (N * 28 * 28, C))
            out = out + np.reshape(window @ weights[i, j], (N, 28, 28, 8))
    return np.sum(np.maximum(out, 0.0) ** 2)


@work(
    "dense",
    lambda rng: (
        rng.random((64, 200)),
        normal(rng, 200, 100),
        np.zeros(100),
        normal(rng, 100, 100),
        np.zeros(100),
        normal(rng, 100, 10),
        np.zeros(10),
    ),
    eager=True,
    npbench=True,
)
def mlp(x, w1, b1, w2, b2, w3, b3):
    x = np.maximum(x @ w1 + b1, 0.0)
    x = np.maximum(x @ w2 + b2, 0.0)
    x = x @ w3 + b3
    e = np.exp(x - np.max(x))
    y = e / np.sum(e, axis=-1, keepdims=True)
    return np.sum(y * y)


@work(
    "dense",
    lambda rng: (normal(rng, 64, 64), normal(rng, 16, 64), rng.normal(size=(50, 32, 16))),
    eager=True,
)
def rnn(W, U, x):
    h = x[0] @ U
    for t in range(1, 50):
        h = np.tanh(h @ W + x[t] @ U)
    return np.sum(h * h)
