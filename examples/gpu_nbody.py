"""Forces between many bodies as the gradient of their potential, block by block.

    python examples/gpu_nbody.py

16384 bodies on a GPU where there is one, 128 by NumPy otherwise.  The forces on all bodies add up to nothing.
"""

from __future__ import annotations

import numpy as np
from gpu_arrays import here, seconds

import srcdiff
from srcdiff import value_and_grad


@value_and_grad
def potential(x, m, block, soft):
    """The potential energy of bodies of masses m at the columns of x; pairs are taken block by block."""
    n = x.shape[1]
    total = 0.0
    for start in range(0, n, block):
        apart = x[:, start : start + block, None] - x[:, None, :]
        square = np.sum(apart * apart, axis=0) + soft**2
        total = total - 0.5 * np.sum(m[start : start + block, None] * m / np.sqrt(square))
    return total


def problem(xp, bodies, dtype):
    rng = np.random.default_rng(1)
    m = rng.uniform(0.5, 1.5, bodies) / bodies
    return xp.asarray(rng.normal(size=(3, bodies)), dtype=dtype), xp.asarray(m, dtype=dtype)


def run(xp, bodies=128, block=32, dtype="float64"):
    """The energy, the size of the forces, and the size of their sum, as numbers of the host."""
    x, m = problem(xp, bodies, dtype)
    value, x_bar = potential(x, m, block, 0.05)
    size = xp.sqrt(xp.sum(x_bar * x_bar))
    left = xp.abs(x_bar.sum(axis=1)).max()
    return np.array([float(value), float(size), 1.0 + float(left)])


def main():
    xp, large = here()
    bodies, block = (16384, 2048) if large else (128, 32)
    x, m = problem(xp, bodies, "float32" if large else "float64")
    print(srcdiff.source(potential, x, m, block, 0.05))
    time, _ = seconds(xp, lambda: potential(x, m, block, 0.05))
    energy, size, left = run(xp, bodies, block)
    print(f"{xp.__name__}: energy and forces of {bodies} bodies in {1e3 * time:.1f} ms")
    print(f"energy {energy:.6f}, forces of size {size:.4f}, their sum {left - 1.0:.1e}")
    assert left - 1.0 < 1e-10


if __name__ == "__main__":
    main()
