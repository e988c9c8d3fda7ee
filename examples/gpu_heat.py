"""Finds where heat was from where it is later: the explicit two-dimensional heat equation, run backwards.

    python examples/gpu_heat.py

2048 by 2048 points on a GPU where there is one, 64 by 64 by NumPy otherwise.  The program writes into its
array in place; the gradient does the same backwards.
"""

from __future__ import annotations

import numpy as np
from gpu_arrays import here, seconds

import srcdiff
from srcdiff import value_and_grad


def later(u, steps, rate):
    """The temperature after some steps of the explicit scheme, with borders that stay."""
    u = u.copy()
    for _ in range(steps):
        flow = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * u[1:-1, 1:-1]
        u[1:-1, 1:-1] += rate * flow
    return u


@value_and_grad
def misfit(u, seen, steps, rate):
    """Half the squared distance between the temperature later and what was seen."""
    return 0.5 * np.sum((later(u, steps, rate) - seen) ** 2)


def problem(xp, size, dtype):
    x, y = np.meshgrid(np.linspace(-1.0, 1.0, size), np.linspace(-1.0, 1.0, size))
    spots = np.exp(-60.0 * ((x - 0.3) ** 2 + y**2)) + 0.7 * np.exp(-60.0 * ((x + 0.4) ** 2 + (y - 0.2) ** 2))
    return xp.asarray(spots, dtype=dtype)


def run(xp, size=64, steps=20, rounds=15, rate=0.2, dtype="float64"):
    """The misfits of rounds of descent from nothing, as numbers of the host."""
    true = problem(xp, size, dtype)
    seen, u = later(true, steps, rate), xp.zeros_like(true)
    values = []
    for _ in range(rounds):
        value, u_bar = misfit(u, seen, steps, rate)
        values.append(value)
        u -= u_bar
    return np.array([float(v) for v in values])


def main():
    xp, large = here()
    size = 2048 if large else 64
    true = problem(xp, size, "float64")
    seen = later(true, 20, 0.2)
    time, _ = seconds(xp, lambda: misfit(true, seen, 20, 0.2))
    print(srcdiff.source(misfit, true, seen, 20, 0.2))
    values = run(xp, size)
    print(f"{xp.__name__}: a gradient of {size} by {size} points in {1e3 * time:.1f} ms")
    print(f"misfit from {values[0]:.4g} to {values[-1]:.4g}")
    assert values[-1] < 0.05 * values[0]


if __name__ == "__main__":
    main()
