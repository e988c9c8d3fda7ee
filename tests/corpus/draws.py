"""Random numbers whose distribution depends on what is differentiated."""

from __future__ import annotations

from typing import Any

import numpy as np

from corpus.program import Program

MU = np.array([0.5, 0.7, 0.9])
COV = np.array([[1.0, 0.3], [0.3, 2.0]])


def location_and_scale(mu: Any, s: Any) -> Any:
    rng = np.random.default_rng(7)
    z = rng.normal(loc=mu, scale=s, size=(4, 3))
    u = rng.uniform(mu, 2.0 * s, size=3)
    return np.sum(z**2) + np.sum(u * z[0])


def shapes_of_parameters(mu: Any, s: Any) -> Any:
    """Without a size a number is drawn for each element of the parameters."""
    rng = np.random.default_rng(7)
    return np.sum(rng.normal(mu, s[:, None]) ** 2) + np.sum(rng.exponential(s) * mu)


def heavy_tails(mu: Any, s: Any) -> Any:
    rng = np.random.default_rng(7)
    a = rng.laplace(mu, s)
    b = rng.logistic(mu, s, size=3)
    c = rng.gumbel(mu, s, (2, 3))
    return np.sum(a * b) + np.sum(c**2)


def positive(mu: Any, s: Any) -> Any:
    rng = np.random.default_rng(7)
    return np.sum(rng.lognormal(mu, s, 3)) + np.sum(rng.rayleigh(s, 3) * rng.exponential(mu))


def by_inverse(mu: Any, s: Any) -> Any:
    """Families that NumPy draws by the inverse of their distribution."""
    rng = np.random.default_rng(7)
    total = np.sum(rng.weibull(mu) * rng.power(s, 3)) + np.sum(rng.pareto(3.0 + s, size=(2, 3)))
    total += np.sum(rng.triangular(mu - 2.0, mu, 1.0 + s))
    return total + rng.triangular(-1.0, mu[0], mu[1], size=2) @ s[:2]


def legacy(mu: Any, s: Any) -> Any:
    np.random.seed(7)
    rng = np.random.RandomState(3)
    return np.sum(np.random.normal(mu, s, 3) ** 2) + np.sum(rng.uniform(mu, s, 3) * np.random.gumbel(mu))


def diffusion(x: float, s: float) -> Any:
    """Geometric Brownian motion, by the noise of each step."""
    rng = np.random.default_rng(7)
    for _ in range(6):
        x = x + 0.1 * rng.normal(0.0, s * x) - 0.05 * x
    return x**2


def branches_of_draws(x: float, s: float) -> Any:
    rng = np.random.default_rng(7)
    total = 0.0
    for _ in range(6):
        if rng.random() > 0.5:
            total += rng.normal(x) * s
        else:
            total += rng.exponential(scale=s)
    return total


def mean_of_many(mu: Any, s: Any) -> Any:
    rng = np.random.default_rng(7)
    z = rng.multivariate_normal(mu[:2], COV, size=5)
    return np.sum(z**2) * s[0]


def bootstrap(mu: Any, s: Any) -> Any:
    rng = np.random.default_rng(7)
    return np.var(rng.choice(mu, size=5) * rng.poisson(3.0)) * s[0]


def shuffles(mu: Any, s: Any) -> Any:
    rng, old = np.random.default_rng(7), np.random.RandomState(3)
    order, rows, values = np.arange(4), np.outer(mu, s), [mu[0], s[1] ** 2, mu[2]]
    w = s[0]
    for _ in range(3):
        rng.shuffle(order)
        old.shuffle(values)
        for i in order:
            w = w - 0.1 * (w - mu[i % len(mu)] * values[0])
    rng.shuffle(rows[:2])
    return w + np.sum(rows[0] * np.arange(3.0)) + rng.normal(mu[0])


PROGRAMS = [
    *(
        Program(f"draws_{f.__name__}", f, (MU, MU[::-1] + 0.6), wrt=(0, 1))
        for f in (
            location_and_scale, shapes_of_parameters, heavy_tails, positive, by_inverse, legacy, mean_of_many,
            bootstrap, shuffles,
        )
    ),
    Program("draws_diffusion", diffusion, (0.7, 0.4), wrt=(0, 1)),
    Program("draws_branches", branches_of_draws, (0.7, 0.4), wrt=(0, 1)),
]  # fmt: skip
