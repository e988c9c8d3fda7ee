"""Functions of a few numbers."""

from __future__ import annotations

import math

from . import work


@work("tiny", lambda rng: (0.7,), eager=True)
def cubic(x):
    return x * x * x + 2.0 * x * x + x


@work("tiny", lambda rng: (0.7,), eager=False)
def wave(x):
    return math.sin(x * x + 2.0 * x + 1.0)


@work("tiny", lambda rng: (0.7, 1.3), eager=True)
def rosenbrock_two(x, y):
    return (1.0 - x) ** 2 + 100.0 * (y - x * x) ** 2


@work("tiny", lambda rng: (0.4, 0.1, 1.7))
def normal_density(x, m, s):
    z = (x - m) / s
    return math.exp(-0.5 * z * z) / (s * math.sqrt(2.0 * math.pi))


@work("tiny", lambda rng: (0.3, 0.7))
def morse(r, a):
    e = 1.0 - math.exp(-a * (r - 1.0))
    return e * e + math.log(r + 2.0) * math.tanh(r)


@work("tiny", lambda rng: (0.3, 0.7, -0.4))
def chain_of_joints(a, b, c):
    x = math.cos(a) + math.cos(a + b) + math.cos(a + b + c)
    y = math.sin(a) + math.sin(a + b) + math.sin(a + b + c)
    return math.sqrt(x * x + y * y)
