"""Newton's method beside gradient descent: logistic regression with a Hessian that can be read.

The data are 100 points around two centres. Newton's method takes the gradient and the Hessian, and is done in
a handful of steps; gradient descent takes the gradient alone, and many more steps. Run it:

    python examples/newton.py
"""

from __future__ import annotations

import numpy as np
import scipy.optimize

from srcdiff import adapters, hessian, source, value_and_grad

rng = np.random.default_rng(0)
POINTS = np.concatenate([rng.normal(-0.7, 1.0, (50, 2)), rng.normal(0.7, 1.0, (50, 2))])
LABELS = np.repeat([0.0, 1.0], 50)


def loss(w, points, labels):
    """Mean negative log-likelihood of the labels, and a little weight decay."""
    score = points @ w[:2] + w[2]
    return np.mean(np.logaddexp(0.0, score) - labels * score) + 0.005 * w @ w


first, second = value_and_grad(loss), hessian(loss)


def newton(w, tolerance=1e-10):
    """Newton's method; halves a step that does not lower the loss."""
    for steps in range(100):
        value, g = first(w, POINTS, LABELS)
        if np.linalg.norm(g) < tolerance:
            return w, steps
        step = np.linalg.solve(second(w, POINTS, LABELS), g)
        while loss(w - step, POINTS, LABELS) > value:
            step /= 2
        w = w - step
    raise RuntimeError("no minimum found")


def descent(w, rate=1.0, tolerance=1e-10):
    """Gradient descent with a fixed rate."""
    for steps in range(100_000):
        _, g = first(w, POINTS, LABELS)
        if np.linalg.norm(g) < tolerance:
            return w, steps
        w = w - rate * g
    raise RuntimeError("no minimum found")


if __name__ == "__main__":
    start = np.zeros(3)
    by_newton, few = newton(start)
    by_descent, many = descent(start)
    print(source(second, start, POINTS, LABELS))
    print(f"Newton's method: {few} steps, gradient descent: {many} steps")
    found = scipy.optimize.minimize(
        loss, start, (POINTS, LABELS), "trust-exact", tol=1e-12, **adapters.minimize(loss, "hess")
    )
    assert np.allclose(by_newton, found.x, atol=1e-8) and np.allclose(by_newton, by_descent, atol=1e-8)
    print(f"weights {by_newton.round(4)}, as SciPy finds them")
