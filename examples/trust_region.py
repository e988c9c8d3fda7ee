"""A trust-region method that never forms a Hessian: products with it, by forward over reverse mode.

The chained Rosenbrock function of 60 variables is minimised. In each step the quadratic model is minimised
within a ball by conjugate gradients (Steihaug 1983), which needs products of the Hessian and vectors only.
Run it:

    python examples/trust_region.py
"""

from __future__ import annotations

import numpy as np
import scipy.optimize

from srcdiff import adapters, hvp, source, value_and_grad


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


first, product = value_and_grad(rosenbrock), hvp(rosenbrock)


def to_boundary(s, d, radius):
    """The point of the ball's surface that lies from ``s`` in the direction ``d``."""
    a, b, c = d @ d, 2 * s @ d, s @ s - radius**2
    return s + (-b + np.sqrt(b * b - 4 * a * c)) / (2 * a) * d


def model_step(x, g, radius):
    """Minimise ``g @ s + s @ H @ s / 2`` for ``|s| <= radius``, roughly."""
    s, r, d = np.zeros_like(g), -g, -g
    enough = min(0.5, np.sqrt(np.linalg.norm(g))) * np.linalg.norm(g)
    for _ in range(2 * len(g)):
        h = product(x, d)
        curvature = d @ h
        if curvature <= 0:
            return to_boundary(s, d, radius)
        length = r @ r / curvature
        if np.linalg.norm(s + length * d) >= radius:
            return to_boundary(s, d, radius)
        s = s + length * d
        new = r - length * h
        if np.linalg.norm(new) < enough:
            break
        r, d = new, new + (new @ new) / (r @ r) * d
    return s


def minimise(x, radius=1.0, tolerance=1e-8):
    """The trust-region iteration (Nocedal and Wright 2006, algorithm 4.1)."""
    for steps in range(1000):
        value, g = first(x)
        if np.linalg.norm(g) < tolerance:
            return x, steps
        s = model_step(x, g, radius)
        expected = -(g @ s + s @ product(x, s) / 2)
        gained = (value - rosenbrock(x + s)) / expected
        if gained < 0.25:
            radius /= 4
        elif gained > 0.75 and np.linalg.norm(s) > 0.99 * radius:
            radius = min(2 * radius, 100.0)
        if gained > 0.1:
            x = x + s
    raise RuntimeError("no minimum found")


if __name__ == "__main__":
    start = np.full(60, -0.5)
    found, steps = minimise(start)
    print(source(product, start, start))
    print(f"{steps} steps, {rosenbrock(found):.1e} at the end")
    words = adapters.minimize(rosenbrock, "hessp")
    theirs = scipy.optimize.minimize(rosenbrock, start, method="trust-ncg", tol=1e-8, **words)
    assert np.allclose(found, 1.0, atol=1e-6) and np.allclose(theirs.x, 1.0, atol=1e-6)
    print(f"a minimum, as SciPy finds it in {theirs.nit} steps")
