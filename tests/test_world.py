"""What a function depends on beside its arguments: read anew, or refused where it is hidden."""

from __future__ import annotations

import random

import numpy as np
import pytest

from srcdiff import grad, hessian, jvp, vjp
from srcdiff.errors import NoRule, SrcdiffError


def test_defaults_that_change() -> None:
    def scaled(x, k=2.0):
        return k * x

    def named(x, *, k=2.0):
        return k * x

    def weighted(x, w=np.ones(2)):  # noqa: B008
        return x * np.sum(w)

    def outer(x):
        return scaled(x) ** 2

    g, g_named, g_weighted, g_outer = map(grad, (scaled, named, weighted, outer))
    for _ in range(2):
        assert (g(1.0), g_named(1.0), g_weighted(1.0), g_outer(1.0)) == (2.0, 2.0, 2.0, 8.0)
        assert (jvp(scaled, (1.0,), (1.0,))[1], vjp(scaled, 1.0)[1](1.0)[0]) == (2.0, 2.0)
    scaled.__defaults__ = (3.0,)
    named.__kwdefaults__["k"] = 5.0
    weighted.__defaults__ = (np.ones(3),)
    for _ in range(2):
        assert (g(1.0), g_named(1.0), g_weighted(1.0), g_outer(1.0)) == (3.0, 5.0, 3.0, 18.0)
        assert (g(1.0, 7.0), g_named(1.0, k=7.0)) == (7.0, 7.0)
        assert (jvp(scaled, (1.0,), (1.0,))[1], vjp(scaled, 1.0)[1](1.0)[0]) == (3.0, 3.0)
        assert hessian(outer)(1.0) == 18.0
    scaled.__defaults__ = None
    with pytest.raises(TypeError):
        g(1.0)
    with pytest.raises(SrcdiffError, match="needs the argument 'k'"):
        g_outer(1.0)


def drawn(mu, sigma):
    random.seed(1)
    return random.gauss(mu, sigma) ** 2


def noisy(x):
    random.seed(3)
    total = 0.0
    for _ in range(4):
        total = total + x * random.gauss(0, 1) + random.uniform(-1, 1) * x * x
    return total


def test_a_hidden_state_is_not_frozen() -> None:
    random.seed(1)
    random.gauss(0, 1)  # it keeps the second number of a pair
    with pytest.raises(NoRule, match=r"random\.gauss cannot be differentiated"):
        grad(drawn, wrt=("mu", "sigma"))(0.7, 0.5)
    h = 1e-6
    want = (noisy(2.0 + h) - noisy(2.0 - h)) / (2 * h)
    random.gauss(0, 1)
    assert [grad(noisy)(2.0), grad(noisy)(2.0)] == pytest.approx([want, want], rel=1e-8)
