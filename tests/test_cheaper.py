"""Products of matrices written in another way, sizes asked elsewhere: the same values, less work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from srcdiff import grad


def chain(a: Any, b: Any, c: Any) -> Any:
    return np.sum(a @ b @ c)


def both_sides(a: Any, b: Any, c: Any) -> Any:
    return np.sum(b @ a) * 2.0 + np.sum(a @ c) * np.sum(b)


def vectors(a: Any, b: Any, c: Any) -> Any:
    return np.sum(a @ b[0]) + np.sum(c[:, 0] @ a) + np.sum((a @ b[1]) @ a)


def gram(a: Any, b: Any, c: Any) -> Any:
    m = a.T @ a
    return np.sum(m * m) + np.sum((a @ b) @ b.T)


def outer(a: Any, b: Any, c: Any) -> Any:
    return np.sum(np.outer(a[0], b[0])) + np.sum(np.outer(c[0], a[:, 0]) * 3.0)


def stretched(a: Any, b: Any, c: Any) -> Any:
    m = np.max(a, axis=1)
    return np.sum(np.exp(a - m[:, None]) * b.mean(axis=0)) + np.sum(np.std(a, axis=0) * c[0])


def centred(a: Any, b: Any, c: Any) -> Any:
    d = a - a.mean(axis=0)
    v = (d.T @ d) / (len(a) - 1.0)
    return np.sum(v * v)


WITHOUT: dict[Callable[..., Any], tuple[str, ...]] = {  # what the gradient has no need of
    chain: ("a @ b",),
    both_sides: ("b @ a", "a @ c"),
    vectors: (),
    gram: (".T.T", "a @ b @"),
    outer: ("np.outer", "@"),
    stretched: ("expand_dims", "broadcast_to"),
    centred: (").T",),
}


@pytest.mark.parametrize("f", WITHOUT, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_values(f: Callable[..., Any], dtype: str) -> None:
    rng = np.random.default_rng(3)
    args = [rng.normal(size=(4, 4)) for _ in range(3)]
    g = grad(f)
    got = g(*[x.astype(dtype) for x in args])
    assert got.dtype == dtype and got.flags.writeable
    want = np.zeros((4, 4))
    for k in range(16):
        e = np.zeros((4, 4))
        e.flat[k] = 1e-6
        want.flat[k] = (f(args[0] + e, *args[1:]) - f(args[0] - e, *args[1:])) / 2e-6
    np.testing.assert_allclose(got, want, rtol=1e-6 if dtype == "float64" else 2e-4, atol=1e-4)
    if dtype == "float64":
        lines = "\n".join(line.partition("#")[0] for line in g.source.splitlines())
        for text in WITHOUT[f]:
            assert text not in lines, g.source


def test_second_order() -> None:
    rng = np.random.default_rng(4)
    args = [rng.normal(size=(3, 3)) for _ in range(3)]
    for f in WITHOUT:

        def slope(a: Any, f: Any = f) -> Any:
            return np.sum(grad(f)(a, args[1], args[2]) ** 2)

        got = grad(slope)(args[0])
        e = np.zeros((3, 3))
        e[1, 2] = 1e-6
        want = (slope(args[0] + e) - slope(args[0] - e)) / 2e-6
        np.testing.assert_allclose(got[1, 2], want, rtol=1e-5, atol=1e-5)
