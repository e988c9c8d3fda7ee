"""Lists whose elements have no kind in common, changed on the way: refused in words."""

from __future__ import annotations

import numpy as np
import pytest

import numeric
from srcdiff import SrcdiffError, grad, value_and_grad


def tree_of_tuples(x, n):
    def build(lo, hi):
        if hi - lo <= 1:
            return (lo, None, x[lo])
        mid = (lo + hi) // 2
        children = []
        for a, b in ((lo, mid), (mid, hi)):
            if b > a:
                children.append(build(a, b))
        return (lo, children, np.sum(x[lo:hi]))

    def total(node):
        _, children, value = node
        if children is None:
            return value**2
        return value * sum(total(c) for c in children)

    return total(build(0, n))


def test_tree_of_tuples() -> None:
    with pytest.raises(SrcdiffError, match="differ in kind"):
        grad(tree_of_tuples)(np.linspace(0.3, 1.1, 20), 20)
    x = np.array([0.3, 0.7, 1.1])  # of few elements it is known where each is
    numeric.assert_close(grad(tree_of_tuples)(x, 3), numeric.gradient(tree_of_tuples, (x, 3), (0,))[0], 1e-8)


def accumulators(x, n):
    """Elements that begin as numbers become arrays, which another list holds."""
    acc, held = [0.0, 0.0], []
    for i in range(n):
        acc[i % 2] += x
        held.append(acc[i % 2])
    return sum(np.sum(a * a) for a in held) + np.sum(x)


def none_at_first(x, n):
    acc, last = [None, None], 0.0
    for _ in range(n):
        for j in range(2):
            if acc[j] is None:
                acc[j] = x * 2
            else:
                acc[j] += x
            last = acc[j]
        acc[1] *= 0.5
    return np.sum(last * x)


def number_on_a_path(x, n):
    v, z = 0.0, np.sin(x)
    path = [z]
    for _ in range(n):
        path.append(v)
        v = v + x
        path.append(z)
    path[-1] *= 0.7
    return np.sum(z * x)


@pytest.mark.parametrize("f", [accumulators, none_at_first, number_on_a_path])
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_elements_that_may_be_arrays_change_whoever_holds_them(f, n) -> None:
    x = np.array([0.4, -0.7])
    value, bar = value_and_grad(f)(x, n)
    assert value == pytest.approx(f(x, n), rel=1e-12)
    numeric.assert_close(bar, numeric.gradient(f, (x, n), (0,))[0], 1e-7)
