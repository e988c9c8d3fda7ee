"""Lists whose elements have no kind in common, changed on the way: refused in words."""

from __future__ import annotations

import numpy as np
import pytest

import numeric
from srcdiff import SrcdiffError, grad


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
