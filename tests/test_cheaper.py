"""Products of matrices written in another way, sizes asked elsewhere: the same values, less work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import optree
import pytest
from test_passes import over, primal_case, sampled

from corpus import PROGRAMS
from corpus.program import Program
from srcdiff import grad, pipeline
from srcdiff.errors import NoRule
from srcdiff.pipeline import context
from srcdiff.request import Request


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


def scaled(a: Any, b: Any, c: Any) -> Any:
    x = 0.3 * a @ b[0] + c[0] @ (a * b[0, 0])
    return np.sum(x * c[0]) + np.sum(np.sin(2.5 * c @ b[1]))


WITHOUT: dict[Callable[..., Any], tuple[str, ...]] = {  # what the gradient has no need of
    chain: ("a @ b",),
    both_sides: ("b @ a", "a @ c"),
    vectors: (),
    gram: (".T.T", "a @ b @"),
    outer: ("np.outer", "@"),
    stretched: ("expand_dims",),
    centred: (").T",),
    scaled: ("0.3 * a ", "b[0, 0] * a", "a * b[0, 0]"),
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


def stencil(a: Any, b: Any, c: Any) -> Any:
    u, v = a.copy(), b.copy()
    for _ in range(3):
        v[1:-1] = 0.3 * (u[:-2] - u[1:-1] + u[2:])
        u[:, 1:] -= v[:, 1:] * v[:, :-1]
        u[0] = c[1]
        u[-1] = u[-2]
    return np.sum(u * v)


def test_stencil() -> None:
    rng = np.random.default_rng(5)
    a, b, c = (rng.normal(size=(5, 5)) for _ in range(3))
    g = grad(stencil)
    got, want = g(a, b, c), np.zeros((5, 5))
    for k in range(25):
        e = np.zeros((5, 5))
        e.flat[k] = 1e-6
        want.flat[k] = (stencil(a + e, b, c) - stencil(a - e, b, c)) / 2e-6
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    assert "unbroadcast" not in g.source and "-= -" not in g.source


@over(sampled([p for p in PROGRAMS if p.reverse])[1::3])
def test_programs(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without, but for rounding, on programs of the corpus."""

    def made() -> Any:
        case = primal_case(program)
        request = Request("grad", case.wrt, len(case.wrt) == 1)
        try:
            graph = pipeline.derivative_graph(case.primal, request)
        except NoRule as e:
            pytest.skip(f"not supported: {e}")
        graph.info["signature"] = case.primal.info["signature"]
        return case, pipeline.finish(graph, "gradient", "")

    case, with_it = made()
    for name in ("cheaper_products", "fewer_passes"):
        monkeypatch.setattr(context, name, lambda *args: False)
    _, without = made()
    if with_it.text.source != without.text.source:
        for x, y in zip(flat(case.call(with_it.fn)), flat(case.call(without.fn)), strict=True):
            assert x.dtype == y.dtype and x.shape == y.shape
            np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12)


def flat(x: Any) -> list[Any]:
    """The numbers of a gradient."""
    return [np.asarray(leaf) for leaf in optree.tree_leaves(x)]


def boundaries(a: Any, b: Any, c: Any) -> Any:
    u = a * 1.0
    for _ in range(2):
        u[:, 0] = u[:, 1] * c[0, 0]
        u[-1] = u[-2]
        u[0] = u[1] + u[2]
        u[1:-1, 1:-1] += 0.1 * (u[2:, 1:-1] - 4.0 * u[1:-1, 1:-1] + u[:-2, 1:-1]) - 0.3 * u[1:-1, 1:-1]
        u = u * b
    g = np.concatenate([u[:2] ** 2, np.sin(u[2:])])
    return np.sum(g[:2] * g[2:4]) + np.sum(g[4] * g[0])


@pytest.mark.parametrize("wrt", ["a", "b"])
def test_boundaries(wrt: str) -> None:
    rng = np.random.default_rng(6)
    args = {n: rng.normal(size=(5, 5)) for n in "abc"}
    got, want = grad(boundaries, wrt=wrt)(**args), np.zeros((5, 5))
    for k in range(25):
        e = np.zeros((5, 5))
        e.flat[k] = 1e-6
        up, down = ({**args, wrt: args[wrt] + s * e} for s in (1, -1))
        want.flat[k] = (boundaries(**up) - boundaries(**down)) / 2e-6
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def diffusion(p):
    u = np.zeros(12)
    u[3:9] = p
    for _ in range(15):
        u[1:-1] = u[1:-1] + 0.2 * (u[2:] - 2 * u[1:-1] + u[:-2])
        u[0] = u[1]
    return np.sum(u**2)


def test_multiples_written_into_a_part_that_was_set_to_zero():
    """What goes into such a part moves up, and with it the multiple that is made for it."""
    p, h = np.arange(6.0), 1e-6
    expected = [(diffusion(p + e) - diffusion(p - e)) / (2 * h) for e in h * np.eye(6)]
    np.testing.assert_allclose(grad(diffusion)(p), expected, rtol=1e-6)


def edges_written(p):
    w = np.zeros((4, 4))
    for (a, b), x in zip([(0, 1), (1, 2), (2, 3)], np.exp(p), strict=True):
        w[a, b] = x
    return w.sum()


def test_loops_over_elements_beside_written_pairs_are_counted():
    np.testing.assert_allclose(grad(edges_written)(np.arange(3.0)), np.exp(np.arange(3.0)))


def walks(W: Any, rate: float, steps: int) -> Any:
    out = W.sum(axis=1)
    r = np.full(W.shape[0], 1.0 / W.shape[0])
    for _ in range(steps):
        lost = np.sum(np.where(out > 0.3, 0.0, r))
        share = r / np.where(out > 0.3, np.sqrt(out), 1.0)
        r = np.exp(-rate * out) * (W.T @ share + lost)
    return np.sum(r**2)


@pytest.mark.parametrize("steps", [0, 3])
def test_what_no_trip_changes_is_made_once(steps: int) -> None:
    """Choices, comparisons and functions of arrays stand before the loop, and are not saved in it."""
    rng = np.random.default_rng(5)
    W, d = rng.random((4, 4)), rng.normal(size=(4, 4))
    W[2] = 0.01
    g = grad(walks, wrt=("W", "rate"))
    W_bar, rate_bar = g(W, 0.3, steps)
    h = 1e-6
    slope = (walks(W + h * d, 0.3 + h, steps) - walks(W - h * d, 0.3 - h, steps)) / (2 * h)
    np.testing.assert_allclose(np.sum(W_bar * d) + rate_bar, slope, rtol=1e-6, atol=1e-9)
    code = "\n".join(line.partition("#")[0] for line in g.source.splitlines())
    before, *loops = code.split("for _ in")
    for text in ("out > 0.3", "np.sqrt(", "np.exp("):
        assert before.count(text) == 1 and not any(text in loop for loop in loops)


def test_what_gives_a_shape_alone_is_not_computed() -> None:
    """`w[s] * x[s:]` says over which axes the cotangent of what it is added to is summed: so does `x[s:]`."""

    def filtered(x: Any, w: Any, n: int) -> Any:
        for _ in range(n):
            y = np.zeros_like(x)
            for s in range(3):
                y[1:-1] += w[s] * x[s : len(x) - 2 + s]
            x = np.tanh(y)
        return np.sum(x**2)

    x, w = np.linspace(0.1, 0.9, 7), np.array([0.5, -0.7, 0.9])
    g = grad(filtered, wrt=("x", "w"))
    x_bar, w_bar = g(x, w, 3)
    for got, steps in ((x_bar, [(h, 0.0) for h in np.eye(7)]), (w_bar, [(0.0, h) for h in np.eye(3)])):
        slopes = [
            (filtered(x + 1e-6 * a, w + 1e-6 * b, 3) - filtered(x - 1e-6 * a, w - 1e-6 * b, 3)) / 2e-6
            for a, b in steps
        ]
        np.testing.assert_allclose(got, slopes, rtol=1e-6, atol=1e-9)
    backward = g.source.partition("# return")[2].splitlines()
    assert sum("w[s]" in line.partition("#")[0] for line in backward) == 1
