"""Sensitivities of many ordinary differential equations at once: predators and prey, by Runge and Kutta.

    python examples/gpu_ode.py

A million pairs of species with rates of their own on a GPU where there is one, 200 by NumPy otherwise.
"""

from __future__ import annotations

import numpy as np
from gpu_arrays import here, seconds

import srcdiff
from srcdiff import value_and_grad


def growth(z, rates):
    prey, hunters = z
    a, b, c, d = rates
    return np.stack([prey * (a - b * hunters), hunters * (c * prey - d)])


def after(z, rates, steps, h):
    for _ in range(steps):
        k1 = growth(z, rates)
        k2 = growth(z + 0.5 * h * k1, rates)
        k3 = growth(z + 0.5 * h * k2, rates)
        k4 = growth(z + h * k3, rates)
        z = z + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return z


@value_and_grad
def hunters_left(rates, z, steps, h):
    """The hunters of all pairs at the end; its gradient in the rates is each pair's own."""
    return np.sum(after(z, rates, steps, h)[1])


def problem(xp, pairs, dtype):
    rng = np.random.default_rng(2)
    rates = np.array([[1.1], [0.4], [0.1], [0.4]]) * rng.uniform(0.8, 1.2, size=(4, pairs))
    return xp.asarray(rates, dtype=dtype), xp.asarray(np.full((2, pairs), 5.0), dtype=dtype)


def run(xp, pairs=200, steps=50, dtype="float64"):
    """The sum, and the mean sensitivity to each rate, as numbers of the host."""
    rates, z = problem(xp, pairs, dtype)
    value, rates_bar = hunters_left(rates, z, steps, 0.02)
    return np.array([float(value), *(float(x) for x in rates_bar.mean(axis=1))])


def main():
    xp, large = here()
    pairs = 1_000_000 if large else 200
    rates, z = problem(xp, pairs, "float64")
    print(srcdiff.source(hunters_left, rates, z, 50, 0.02))
    time, _ = seconds(xp, lambda: hunters_left(rates, z, 50, 0.02))
    value, *mean = run(xp, pairs)
    print(f"{xp.__name__}: sensitivities of {pairs} pairs of species in {1e3 * time:.1f} ms")
    print(f"hunters per pair {value / pairs:.4f}; sensitivities to the rates", np.round(mean, 4))
    moved = 1e-5
    higher, _ = hunters_left(rates * (1.0 + moved), z, 50, 0.02)
    lower, _ = hunters_left(rates * (1.0 - moved), z, 50, 0.02)
    _, bar = hunters_left(rates, z, 50, 0.02)
    assert abs(float((higher - lower) / (2.0 * moved) - (bar * rates).sum())) < 1e-5 * abs(value)


if __name__ == "__main__":
    main()
