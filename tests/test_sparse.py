"""Sparse Jacobians and Hessians: patterns against dense derivatives, colourings, sizes."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

import numeric
from srcdiff import DerivativeValueError, grad, hessian, hvp, jacobian, sparse_hessian, sparse_jacobian

sparse = pytest.importorskip("scipy.sparse")

from srcdiff.sparsity import column_colouring, star_colouring, symmetric_colouring  # noqa: E402


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def extended_rosenbrock(x):
    a, b = x[::2], x[1::2]
    return np.sum(100.0 * (b - a * a) ** 2 + (1.0 - a) ** 2)


def chained_wood(x):
    total = 0.0
    for i in range(0, len(x) - 3, 2):
        total += 100 * (x[i] ** 2 - x[i + 1]) ** 2 + (x[i] - 1) ** 2
        total += 90 * (x[i + 2] ** 2 - x[i + 3]) ** 2 + (1 - x[i + 2]) ** 2
        total += 10 * (x[i + 1] + x[i + 3] - 2) ** 2 + (x[i + 1] - x[i + 3]) ** 2 / 10
    return total


def minimal_surface(x):
    n = round(np.sqrt(x.size))
    u = np.pad(x.reshape(n, n), 1)
    p, q = np.diff(u[:, :-1], axis=0), np.diff(u[:-1, :], axis=1)
    return np.sum(np.sqrt(1.0 + p * p + q * q))


def bratu(x):
    n = round(np.sqrt(x.size))
    u = x.reshape(n, n)
    r = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4 * u[1:-1, 1:-1] + np.exp(u[1:-1, 1:-1])
    return np.sum(r**2)


def arrow(x):
    return np.sum(x[0] * x[1:] ** 2) + x[0] ** 3


def periodic(x):
    return np.sum(np.cos(x - np.roll(x, 1)) * np.roll(x, -2))


def scattered(x, edges):
    d = x[edges[:, 0]] - x[edges[:, 1]]
    out = np.zeros(len(x))
    np.add.at(out, edges[:, 0], d**3)
    return np.sum(out**2)


def lists(x):
    rows = [x[i : i + 2] * x[i] for i in range(len(x) - 1)]
    return sum(np.sum(r**2) for r in rows)


def blocks(x):
    return np.sum(np.linalg.det(x.reshape(-1, 2, 2) + np.eye(2)) ** 2)


def weighted(x, D):
    return np.sum((D @ x) ** 4)


def masked(x):
    return np.sum(np.where(x > 0.5, x[::-1] * x, x**3))


EDGES = np.array([[0, 3], [3, 4], [1, 2], [5, 1], [2, 0], [6, 7]])
SECOND = np.eye(8)[1:-1] * -2.0 + np.eye(8)[:-2] + np.eye(8)[2:]
HESSIANS = [
    (rosenbrock, 8, ()), (extended_rosenbrock, 8, ()), (chained_wood, 8, ()), (minimal_surface, 16, ()),
    (bratu, 16, ()), (arrow, 8, ()), (periodic, 8, ()), (scattered, 8, (EDGES,)), (lists, 8, ()),
    (blocks, 8, ()), (weighted, 8, (SECOND,)), (masked, 8, ()),
]  # fmt: skip


def dense(f, x, *args):
    g = grad(f)
    out = np.array([numeric.directional(g, (x, *args), (0,), (e,)) for e in np.eye(x.size)])
    return out.reshape(x.size, x.size)


@pytest.mark.parametrize(("f", "n", "args"), HESSIANS, ids=lambda p: getattr(p, "__name__", ""))
def test_hessian(f, n, args):
    x = np.random.default_rng(3).random(n)
    H = sparse_hessian(f)
    got = H(x, *args)
    assert sparse.issparse(got) and got.format == "csr"
    expected = dense(f, x, *args)
    np.testing.assert_allclose(got.toarray(), expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())
    star = star_colouring(H.pattern(x, *args))
    product = hvp(f)
    again = star.matrix(lambda seed: product(x, *args, seed))
    np.testing.assert_allclose(again.toarray(), got.toarray(), rtol=1e-12, atol=1e-12)
    assert H(x + 0.1, *args).nnz == got.nnz


@pytest.mark.parametrize(
    ("f", "args", "nnz"),
    [(rosenbrock, (), 22), (extended_rosenbrock, (), 16), (arrow, (), 22), (weighted, (SECOND,), 34)],
    ids=lambda p: getattr(p, "__name__", ""),
)
def test_nothing_superfluous(f, args, nnz):
    assert sparse_hessian(f).pattern(np.ones(8), *args).nnz == nnz


def residuals(x, c):
    return np.concatenate((10.0 * (x[1:] - x[:-1] ** 2), c - x[:-1]))


def one_long_row(x):
    return np.concatenate((x[1:] * x[0], np.array([np.sum(x**2)])))


def simulated(x):
    out = np.zeros(len(x) - 1)
    for i in range(len(x) - 1):
        out[i] = x[i + 1] - x[i] * np.exp(-x[i])
    return out


def of_mean(x):
    return np.mean(x.reshape(-1, 2), axis=1) * np.cumsum(np.ones(len(x) // 2))


def convolved(x):
    return np.convolve(x, np.array([1.0, -2.0, 1.0]), "valid") ** 2


JACOBIANS = [residuals, one_long_row, simulated, of_mean, convolved]


@pytest.mark.parametrize("f", JACOBIANS, ids=lambda f: f.__name__)
def test_jacobian(f):
    x = np.random.default_rng(5).random(10)
    args = (2.0,) if f is residuals else ()
    J = sparse_jacobian(f)
    got = J(x, *args)
    np.testing.assert_allclose(got.toarray(), jacobian(f)(x, *args), rtol=1e-10, atol=1e-10)
    assert J.colouring(x, *args).count <= (10 if f is one_long_row else 4)


def test_rows_are_coloured_where_they_are_fewer():
    J = sparse_jacobian(lambda x: np.array([np.sum(x[:5] ** 2), np.sum(x[5:] ** 3)]))
    x = np.arange(1.0, 11.0)
    assert J.colouring(x).by_rows and J.colouring(x).count == 1
    np.testing.assert_allclose(J(x).toarray(), jacobian(J.primal)(x))


def test_number_of_products_does_not_grow():
    for f, most in ((rosenbrock, 3), (extended_rosenbrock, 2), (bratu, 20), (periodic, 11)):
        H = sparse_hessian(f)
        counts = [H.colouring(np.linspace(0.1, 0.9, n)).count for n in (400, 1600, 6400)]
        assert max(counts) <= most, (f.__name__, counts)


def branching(x):
    return np.sum(x[1:] ** 2) * 1.0 if x[0] > 0 else np.sum(x[1:] * x[:-1])


def sorted_weights(x):
    order = np.argsort(x)
    return np.sum(x[order][1:] * x[order][:-1])


@pytest.mark.parametrize("f", [branching, sorted_weights], ids=lambda f: f.__name__)
def test_pattern_that_depends_on_values(f):
    """What goes by the values is looked at anew in each call."""
    H = sparse_hessian(f)
    rng = np.random.default_rng(7)
    for _ in range(4):
        x = rng.normal(size=6)
        np.testing.assert_allclose(H(x).toarray(), dense(f, x), rtol=1e-6, atol=1e-6)


def test_other_arguments_change_the_pattern():
    def f(x, edges, cubic):
        d = x[edges[:, 0]] - x[edges[:, 1]]
        return np.sum(d**3 if cubic else d)

    H = sparse_hessian(f)
    x = np.arange(8.0)
    assert H(x, EDGES, False).nnz == 0
    for edges in (EDGES, EDGES[::-1] // 2):
        got = H(x, edges, True).toarray()
        expected = np.zeros((8, 8))
        for i, j in edges:
            k = 6 * (x[i] - x[j])
            expected[i, i] += k
            expected[j, j] += k
            expected[i, j] -= k
            expected[j, i] -= k
        np.testing.assert_allclose(got, expected)


def test_pattern_given():
    H = sparse_hessian(pattern=np.eye(4))(lambda x: np.sum(x**3))
    np.testing.assert_allclose(H(np.arange(4.0)).toarray(), np.diag(6 * np.arange(4.0)))
    assert H.colouring(np.ones(4)).count == 1


class Beam(NamedTuple):
    load: np.ndarray
    stiffness: float


@dataclass
class Chain:
    mass: np.ndarray
    links: int
    spring: np.ndarray


def bent(beam, c):
    return {"shear": beam.load[1:] * beam.load[:-1], "rest": (beam.stiffness * c, np.sin(beam.load))}


def energy(chain, scale):
    return np.sum(chain.mass[1:] ** 2 * chain.spring) * scale**2, chain.links


def flat_bent(v):
    out = bent(Beam(v[:5], v[5]), v[6:])
    return np.concatenate([out["shear"], *out["rest"]])


def test_containers():
    beam, c = Beam(np.arange(1.0, 6.0), 2.0), np.array([1.0, 2.0])
    got = sparse_jacobian(bent, wrt=("beam", "c"))(beam, c)
    expected = jacobian(flat_bent)(np.concatenate([beam.load, [2.0], c]))
    np.testing.assert_array_equal(got.toarray(), expected)
    turned = sparse_jacobian(bent, wrt=("c", 0))(beam, c).toarray()
    np.testing.assert_array_equal(turned[:, :2], expected[:, 6:])
    np.testing.assert_array_equal(sparse_jacobian(bent, wrt="c")(c=c, beam=beam).toarray(), expected[:, 6:])


def test_containers_and_more_results():
    chain = Chain(np.arange(1.0, 4.0), 3, np.array([1.0, 2.0]))
    got, aux = sparse_hessian(energy, wrt=("chain", "scale"), has_aux=True)(chain, 2.0)
    expected = hessian(lambda v: energy(Chain(v[:3], 3, v[3:5]), v[5])[0])(np.array([1.0, 2, 3, 1, 2, 2]))
    np.testing.assert_allclose(got.toarray(), expected)
    assert aux == 3
    got, aux = sparse_jacobian(lambda x: (x[1:] * x[:-1], x[0]), has_aux=True)(np.arange(1.0, 4.0))
    np.testing.assert_array_equal(got.toarray(), [[2.0, 1.0, 0.0], [0.0, 3.0, 2.0]])
    assert aux == 1.0


def test_dtype():
    assert sparse_jacobian(lambda x: 2 * x[1:])(np.ones(3, np.float32)).dtype == np.float32
    assert sparse_hessian(lambda x: np.sum(x**3))(np.ones(3, np.float32)).dtype == np.float32


def test_refusals():
    with pytest.raises(DerivativeValueError, match="needs real numbers in 'x'"):
        sparse_hessian(lambda x: x[0])([1, 2])
    with pytest.raises(DerivativeValueError, match="in whole arguments"):
        sparse_hessian(lambda p: np.sum(p["x"] ** 2), wrt="p['x']")({"x": np.ones(3)})
    with pytest.raises(DerivativeValueError, match="is not sparse"):
        sparse_hessian(lambda x: np.sum(x) ** 2)(np.ones(100_000))


@pytest.mark.parametrize("colour", [column_colouring, star_colouring, symmetric_colouring])
def test_colourings_of_random_patterns(colour):
    """From products with the seeds every entry of a symmetric matrix comes back."""
    rng = np.random.default_rng(11)
    for n, density in itertools.product((1, 5, 30), (0.0, 0.05, 0.3)):
        A = rng.random((n, n)) * (rng.random((n, n)) < density)
        A = A + A.T
        if n > 4:
            A[0] = A[:, 0] = rng.random(n)
        c = colour(sparse.csr_matrix(A != 0))
        np.testing.assert_allclose(c.matrix(lambda seed, A=A: A @ seed).toarray(), A)
    arrowhead = np.eye(50)
    arrowhead[0] = arrowhead[:, 0] = 1.0
    assert star_colouring(sparse.csr_matrix(arrowhead)).count == 2


# ---- what the pattern depends on beside the arguments ----------------------------------------------------


@pytest.fixture
def world():
    """Variables outside the functions, as they are before a change and after it."""
    return {"k": 0, "at": np.array([1, 2, 3, 4, 0]), "D": np.eye(5), "step": lambda x: np.roll(x, 1)}


def changed(world):
    world["k"] = 3
    world["at"][:] = [2, 0, 1, 2, 3]
    world["D"][0, 4] = 2.0
    world["step"] = lambda x: np.roll(x, 2)


class Stencil:
    def __init__(self):
        self.k, self.at, self.order = 0, np.array([1, 2, 3, 4, 0]), [1]

    def residual(self, x):
        return x**2 * x[self.at] + x[self.k] + np.roll(x, self.order[0])


def test_captured_values_change(world):
    k, at, D, step = world["k"], world["at"], world["D"], world["step"]
    functions = (
        lambda x: x**2 * x[k], lambda x: x**2 * x[at], lambda x: D @ x**2, lambda x: x * step(x) ** 2,
        lambda x: x**2 * x[world["k"]],
    )  # fmt: skip
    x = np.arange(1.0, 6.0)
    pairs = [(f, sparse_jacobian(f), sparse_hessian(lambda x, f=f: np.sum(f(x)))) for f in functions]
    for _ in range(3):
        for f, jacobian_of, hessian_of in pairs:
            assert np.array_equal(jacobian_of(x).toarray(), jacobian(f)(x))
            assert np.array_equal(hessian_of(x).toarray(), hessian(lambda x, f=f: np.sum(f(x)))(x))
        changed(world)
        k, step = world["k"], world["step"]


def test_bound_values_change():
    s, x = Stencil(), np.arange(1.0, 6.0)
    at = np.array([1, 2, 3, 4, 0])
    given = functools.partial(lambda at, x: x**2 * x[at], at)
    of_method, of_partial = sparse_jacobian(s.residual), sparse_jacobian(given)
    of_object = sparse_jacobian(lambda s, x: s.residual(x), wrt="x")
    for _ in range(2):
        assert np.array_equal(of_method(x).toarray(), jacobian(s.residual)(x))
        assert np.array_equal(of_object(s, x).toarray(), jacobian(s.residual)(x))
        assert np.array_equal(of_partial(x).toarray(), jacobian(given)(x))
        s.k, s.at[0], s.order[0], at[0] = 3, 4, 2, 3


def test_patterns_of_the_world_are_kept(monkeypatch):
    from srcdiff import sparsity

    found = []
    find = sparsity.find_pattern
    monkeypatch.setattr(sparsity, "find_pattern", lambda *args: found.append(1) or find(*args))
    k, s, x = 0, Stencil(), np.arange(1.0, 6.0)
    of_variable, of_method = sparse_jacobian(lambda x: x * x[k]), sparse_jacobian(s.residual)
    for k in (0, 1, 0, 1):  # noqa: B007
        of_variable(x), of_method(x)
    assert len(found) == 3


def listed(x):
    u = np.zeros(4)
    u[[0, 2]] = [1, x[0]]
    u[1::2] = (x[1], np.sin(x[2]))
    return u[:3] ** 3 * x


def rows_written(x):
    u = np.zeros((3, 3))
    u[1:] = [x, [1, x[0], 2]]
    return u.sum(0) ** 2 * x[::-1]


@pytest.mark.parametrize("f", [listed, rows_written], ids=lambda f: f.__name__)
def test_lists_written(f):
    x = np.array([0.7, -0.4, 1.3])
    assert np.allclose(sparse_jacobian(f)(x).toarray(), jacobian(f)(x))
    g = lambda x: np.sum(f(x) ** 2)  # noqa: E731
    assert np.allclose(sparse_hessian(g)(x).toarray(), hessian(g)(x))
    pattern = sparse_jacobian(f).pattern(x).toarray()
    assert not np.any((jacobian(f)(x) != 0) & ~pattern)
