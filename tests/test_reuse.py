"""Memory that nobody needs any more is written over, and nobody sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import optree
import pytest
from test_passes import over, primal_case, sampled

from corpus import PROGRAMS
from corpus.program import Program
from numeric import assert_close, gradient
from srcdiff import grad, jvp, optimise, pipeline, vjp
from srcdiff.errors import NoRule
from srcdiff.pipeline import finishing
from srcdiff.request import Request


def softmax(x: Any) -> Any:
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    p = e / np.sum(e, axis=-1, keepdims=True)
    return np.sum(p * p)


def logistic(x: Any) -> Any:
    t = np.tanh(x * 3.0)
    u = t * t
    return np.sum(u / (1.0 + u) * t)


def kept(x: Any) -> Any:
    """What is on the tape is read in the backward sweep."""
    h = x * 0.5
    total = 0.0
    for _ in range(3):
        g = np.tanh(h)
        h = h * g
        total = total + np.sum(h * g)
    return total


def seen(x: Any) -> Any:
    """A view of a temporary is a result of its own."""
    a = x * 2.0
    b = a[::-1]
    c = np.exp(a)
    return np.sum(c * b)


def twice(x: Any) -> Any:
    a = x + 1.0
    b = a * a
    return np.sum(np.sqrt(b) * a + b)


def rooted(x: Any) -> Any:
    """Of roots, those that are zero are set to infinity where they lie, and read before that."""
    r = np.sqrt(np.abs(x * x - 0.25))
    s = np.sqrt(x * x) + r
    return np.sum(np.cbrt(r) * s) - np.sum(np.hypot(r, x))


def turned(x: Any) -> Any:
    """What is turned round last, with a view of it read before."""
    z = (1.0 - x) / 3.0
    w = z[::-1]
    return -0.5 * np.sum(z * z) + np.sum(w[0] * x)


FUNCTIONS = (softmax, logistic, kept, seen, twice, rooted, turned)


def flowing(u: Any, v: Any, n: int) -> Any:
    """Parts of matrices in one piece, and what is turned round in a loop."""
    for _ in range(n):
        un, vn = u.copy(), v.copy()
        u[1:-1, 1:-1] = un[1:-1, 1:-1] - 0.1 * un[1:-1, 1:-1] * (un[1:-1, 1:-1] - un[1:-1, :-2])
        u[1:-1, 1:-1] -= 0.05 * vn[1:-1, 1:-1] * (un[1:-1, 1:-1] - un[:-2, 1:-1])
        v[1:-1, 1:-1] = vn[1:-1, 1:-1] - 0.1 * un[1:-1, 1:-1] * (vn[1:-1, 1:-1] - vn[1:-1, :-2])
        v[1:-1, 1:-1] -= 0.05 * vn[1:-1, 1:-1] * (vn[1:-1, 1:-1] - vn[:-2, 1:-1])
    return np.sum(u * u) + np.sum(v)


def test_parts_in_one_piece() -> None:
    u, v = np.random.default_rng(5).normal(size=(2, 70, 70))
    d = np.random.default_rng(6).normal(size=u.shape)
    got = np.vdot(grad(flowing)(u, v, 3), d)
    ahead, behind = (flowing(u + h * d, v.copy(), 3) for h in (1e-6, -1e-6))
    np.testing.assert_allclose(got, (ahead - behind) / 2e-6, rtol=1e-6)


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4)])
def test_values(f: Callable[..., Any], dtype: str, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    given = x.astype(dtype)
    before, g = given.copy(), grad(f)
    got = g(given)
    assert got.dtype == dtype and not np.shares_memory(got, given)
    np.testing.assert_array_equal(given, before)
    np.testing.assert_array_equal(g(given), got)
    want = np.zeros(shape)
    for k in range(x.size):
        e = np.zeros(shape)
        e.flat[k] = 1e-6
        want.flat[k] = (f(x + e) - f(x - e)) / 2e-6
    np.testing.assert_allclose(got, want, rtol=1e-5 if dtype == "float64" else 1e-3, atol=1e-4)


def test_texts() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    for f, line in ((softmax, "np.exp(e, out=e)"), (logistic, "t_bar *= "), (twice, "b_bar")):
        g = grad(f)
        g(x)
        assert line in g.source, g.source
    g = grad(softmax)  # of matrices, what the user wrote is left whole
    g(x[0])
    assert "e = np.exp(x - np.max(x, axis=-1, keepdims=True))" in g.source or "out=" not in g.source
    g = grad(lambda x: np.tanh(x * 2.0) ** 2)  # numbers are left alone
    g(0.3)
    assert "out=" not in g.source and "*=" not in g.source


def layers(x: Any, w: Any, b: Any) -> Any:
    h = np.tanh(x @ w + b)
    s = 2.0 * (h - b) * h + x
    return np.sum(s * s)


def test_few_are_set_where_they_lie() -> None:
    x = np.linspace(0.5, 2.0, 5000)
    g = grad(lambda x: np.sum(np.sqrt(x * x - 0.25)))
    g(x)
    assert " == 0.0] = np.inf" in g.source and "np.where" not in g.source
    got = g(np.array([0.5, 1.0, 2.0]))  # at zero as with ``np.where``
    np.testing.assert_allclose(got[1:], [1.0 / np.sqrt(0.75), 2.0 / np.sqrt(3.75)])
    assert got[0] == 0.0
    h = grad(lambda x: -0.5 * np.sum(((x - 0.1) / 3.0) ** 2))
    np.testing.assert_allclose(h(x), -(x - 0.1) / 9.0)


def test_an_expression_that_numpy_reuses_no_memory_in_is_taken_apart() -> None:
    r = np.random.default_rng(0)
    x, v = r.normal(size=(2, 80, 80))
    w, b = r.normal(size=(80, 80)) / 9, r.normal(size=80)
    g = grad(layers)
    got = g(x, w, b)
    lines = [line.split("  #")[0].strip() for line in g.source.split("\n")]
    at = lines.index("h = x @ w")
    assert lines[at + 1 : at + 3] == ["h += b", "np.tanh(h, out=h)"]
    assert {"t *= 2.0", "s += x"} <= {*lines}, g.source
    want = (layers(x + 1e-6 * v, w, b) - layers(x - 1e-6 * v, w, b)) / 2e-6
    np.testing.assert_allclose(np.sum(got * v), want, rtol=1e-6)


def spread(x: Any, y: Any) -> Any:
    d = x[:, None] + y
    return np.sum(np.exp(-0.1 * d) * np.tanh(d))


def test_functions_on_temporaries_write_over_them_however_large() -> None:
    """NumPy reuses the memory of what operators make, not of what is given to a function."""
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((2, 250))
    text = grad(spread)
    text(x, y)
    assert "np.exp(t, out=t)" in text.source
    small = rng.standard_normal((2, 4))
    assert_close(text(*small), gradient(spread, tuple(small), (0,))[0], 1e-6)


@pytest.mark.parametrize("large", [4096, 0])
@over(sampled([p for p in PROGRAMS if p.reverse])[::3])
def test_programs(program: Program, large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without, bit for bit, on programs of the corpus; contractions up to the order of sums."""
    monkeypatch.setattr(optimise.reuse, "LARGE", large)
    case = primal_case(program)
    try:
        graph = pipeline.derivative_graph(case.primal, Request("grad", case.wrt, len(case.wrt) == 1))
    except NoRule as e:
        pytest.skip(f"not supported: {e}")
    graph.info["signature"] = case.primal.info["signature"]
    with_it = pipeline.finish(graph, "gradient", "")
    monkeypatch.setattr(finishing, "reuse", lambda graph, *rest: graph)
    without = pipeline.finish(graph, "gradient", "")
    if with_it.text.source != without.text.source:
        np.testing.assert_equal(flat(case.call(with_it.fn)), flat(case.call(without.fn)))
    monkeypatch.setattr(finishing, "contracted", lambda graph, *rest: graph)
    plain = pipeline.finish(graph, "gradient", "")
    if plain.text.source != without.text.source:
        for got, want in zip(flat(case.call(without.fn)), flat(case.call(plain.fn)), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


def flat(x: Any) -> list[Any]:
    """The numbers of a gradient."""
    return [np.asarray(leaf) for leaf in optree.tree_leaves(x)]


def attended(z):
    s = z @ z.swapaxes(-1, -2)
    e = np.exp(s)
    return np.sum((e / e.sum(axis=-1, keepdims=True)) @ z)


def test_a_new_name_for_old_memory_is_no_operand_of_the_same_statement():
    """``b = a``, ``b *= c``: ``c`` is alive when ``b`` gets its first value."""
    r = np.random.default_rng(0)
    z, bar, v = 0.3 * r.normal(size=(3, 2, 3, 3))
    g = grad(attended)
    _, forward = jvp(g, (z,), (v,))
    (reverse,) = vjp(g, z)[1](bar)
    np.testing.assert_allclose(np.sum(reverse * v), np.sum(forward * bar), rtol=1e-10)


def scaled_in_place(x):
    x *= 2
    x += 1.0
    z = x[1:]
    z *= x[:-1]
    p = np.exp(z)
    q = p
    q /= p.sum()
    return np.sum(x * x) + q[0] * p[1]


def test_what_must_not_be_written_to_is_made_anew():
    """Not copied, and the copy multiplied."""
    x = np.array([0.3, 0.5, 0.2])
    g = grad(scaled_in_place)
    expected = gradient(lambda v: scaled_in_place(v.copy()), (x,), (0,))[0]
    np.testing.assert_allclose(g(x), expected, rtol=1e-6)
    np.testing.assert_array_equal(x, [0.3, 0.5, 0.2])
    assert "x = x * 2\n    x += 1.0\n" in g.source
