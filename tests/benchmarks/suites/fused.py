"""Element-wise work and reductions over large arrays."""

from __future__ import annotations

import numpy as np

from . import work


@work("fused", lambda rng: (rng.random((8, 8, 64, 64)),), eager=True, npbench=True)
def softmax(x):
    tmp_max = np.max(x, axis=-1, keepdims=True)
    tmp_out = np.exp(x - tmp_max)
    tmp_sum = np.sum(tmp_out, axis=-1, keepdims=True)
    y = tmp_out / tmp_sum
    return np.sum(y * y)


@work("fused", lambda rng: (rng.normal(size=(25, 10)), rng.normal(size=(1000, 10)), rng.normal(size=25)))
def mixture_model(means, x, alpha):
    d = x[:, None, :] - means[None, :, :]
    q = alpha - 0.5 * np.sum(d * d, axis=2)
    m = np.max(q, axis=1)
    lse = m + np.log(np.sum(np.exp(q - m[:, None]), axis=1))
    return np.sum(lse) - len(x) * np.log(np.sum(np.exp(alpha)))


@work(
    "fused",
    lambda rng: (
        rng.uniform(20.0, 180.0, 100_000),
        rng.uniform(20.0, 180.0, 100_000),
        rng.uniform(0.2, 2.0, 100_000),
        0.05,
        0.3,
    ),
    eager=True,
)
def black_scholes(s, k, t, r, v):
    root = v * np.sqrt(t)
    d1 = (np.log(s / k) + (r + 0.5 * v * v) * t) / root
    d2 = d1 - root
    n1 = 1.0 / (1.0 + np.exp(-1.5976 * d1 - 0.07056 * d1 * d1 * d1))
    n2 = 1.0 / (1.0 + np.exp(-1.5976 * d2 - 0.07056 * d2 * d2 * d2))
    return np.sum(s * n1 - k * np.exp(-r * t) * n2)


def points_on_earth(rng):
    return (
        rng.uniform(-1.4, 1.4, 100_000),
        rng.uniform(-3.0, 3.0, 100_000),
        rng.uniform(-1.4, 1.4, 100_000),
        rng.uniform(-3.0, 3.0, 100_000),
    )


@work("fused", points_on_earth, npbench=True)
def arc_distance(theta_1, phi_1, theta_2, phi_2):
    temp = (
        np.sin((theta_2 - theta_1) / 2) ** 2
        + np.cos(theta_1) * np.cos(theta_2) * np.sin((phi_2 - phi_1) / 2) ** 2
    )
    distance_matrix = 2 * np.arctan2(np.sqrt(temp), np.sqrt(1 - temp))
    return np.sum(distance_matrix)


@work(
    "fused",
    lambda rng: (rng.normal(size=(60, 3)), rng.normal(size=(60, 3)), rng.random((60, 1)) + 0.5, 0.01, 10),
    npbench=True,
)
def nbody(pos, vel, mass, dt, n):
    G = 1.0
    softening = 0.1
    for _ in range(n):
        d = pos[None, :, :] - pos[:, None, :]
        r2 = np.sum(d * d, axis=2) + softening * softening
        inv = r2 ** (-1.5)
        acc = G * np.sum(d * (inv[:, :, None] * mass[None, :, :]), axis=1)
        vel = vel + acc * dt
        pos = pos + vel * dt
    return 0.5 * np.sum(mass * vel * vel)


@work("fused", lambda rng: (rng.random((500, 500)),), npbench=True)
def go_fast(a):
    trace = np.sum(np.tanh(np.diag(a)))
    return np.sum(a + trace)


@work(
    "fused",
    lambda rng: (rng.uniform(0, 1000, (300, 300)), rng.uniform(0, 1000, (300, 300)), 4.0, 3.0, 9.0),
    npbench=True,
)
def compute(array_1, array_2, a, b, c):
    return np.sum(np.clip(array_1, 2.0, 10.0) * a + array_2 * b + c)


@work("fused", lambda rng: (rng.random(100_000), rng.random(100_000) * 2.0, 100))
def radial_bins(data, radius, npt):
    rmax = np.max(radius)
    s = 0.0
    for i in range(npt):
        r1 = rmax * i / npt
        r2 = rmax * (i + 1) / npt
        inside = np.logical_and(r1 <= radius, radius < r2)
        w = np.where(inside, data, 0.0)
        m = np.sum(w) / (np.sum(inside) + 1.0)
        s = s + m * m
    return s
