"""Loops over numbers."""

from __future__ import annotations

import math

import numpy as np

from . import work


def logistic_map_scan(x, r, n):
    import jax

    return jax.lax.scan(lambda x, _: (r * x * (1.0 - x), None), x, None, length=n, unroll=8)[0]


@work("scalar", lambda rng: (0.3, 2.5, 10_000), expert=logistic_map_scan, eager=True)
def logistic_map(x, r, n):
    for _ in range(n):
        x = r * x * (1.0 - x)
    return x


def pendulum_scan(q, p, h, n):
    import jax
    import jax.numpy as jnp

    def step(s, _):
        q, p = s
        p = p - 0.5 * h * jnp.sin(q)
        q = q + h * p
        return (q, p - 0.5 * h * jnp.sin(q)), None

    q, p = jax.lax.scan(step, (q, p), None, length=n, unroll=4)[0]
    return 0.5 * p * p - jnp.cos(q)


@work("scalar", lambda rng: (0.5, 0.1, 1e-3, 10_000), expert=pendulum_scan, eager=True)
def leapfrog_pendulum(q, p, h, n):
    for _ in range(n):
        p = p - 0.5 * h * np.sin(q)
        q = q + h * p
        p = p - 0.5 * h * np.sin(q)
    return 0.5 * p * p - np.cos(q)


@work("scalar", lambda rng: (2.0, 10_000), eager=True)
def newton_cube_root(a, n):
    x = a
    for _ in range(n):
        x = x - 0.01 * (x * x * x - a) / (3.0 * x * x)
    return x


def horner_scan(x, c):
    import jax

    return jax.lax.scan(lambda s, ck: (s * x + ck, None), 0.0, c, unroll=8)[0]


@work("scalar", lambda rng: (0.7, rng.normal(size=10_000)), expert=horner_scan, eager=True)
def horner(x, c):
    s = 0.0
    for k in range(len(c)):
        s = s * x + c[k]
    return s


@work("scalar", lambda rng: (1.1, 0.4, 0.4, 0.1, 2_000), eager=True)
def lotka_volterra(a, b, c, d, n):
    x = 1.0
    y = 0.5
    h = 0.01
    for _ in range(n):
        k1 = a * x - b * x * y
        l1 = d * x * y - c * y
        u = x + 0.5 * h * k1
        v = y + 0.5 * h * l1
        k2 = a * u - b * u * v
        l2 = d * u * v - c * v
        u = x + 0.5 * h * k2
        v = y + 0.5 * h * l2
        k3 = a * u - b * u * v
        l3 = d * u * v - c * v
        u = x + h * k3
        v = y + h * l3
        k4 = a * u - b * u * v
        l4 = d * u * v - c * v
        x = x + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
        y = y + h / 6.0 * (l1 + 2.0 * l2 + 2.0 * l3 + l4)
    return x * y


@work("scalar", lambda rng: (0.9, 5_000))
def damped_oscillator(w, n):
    x = 1.0
    v = 0.0
    s = 0.0
    for _ in range(n):
        v = v - 0.01 * (w * w * x + 0.1 * v * math.exp(-x * x))
        x = x + 0.01 * v
        s = s + x * x
    return s / n
