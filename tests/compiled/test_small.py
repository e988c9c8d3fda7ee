"""Arrays of a few numbers in kernels: they are their numbers, and no array is made in a trip of a loop."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from srcdiff import grad, jvp

RNG = np.random.default_rng(3)
F, A = RNG.normal(size=(2, 2)) * 0.3, RNG.normal(size=(3, 3)) * 0.4
YS, U, V = RNG.normal(size=(4, 2)), RNG.normal(size=3), RNG.normal(size=2)


def filter_of_two(F: Any, ys: Any) -> Any:
    """The solver takes arrays; what is around it is numbers."""
    m, P, ll = np.zeros(2), np.eye(2), 0.0
    for t in range(ys.shape[0]):
        m = F @ m
        P = F @ P @ F.T + 0.1 * np.eye(2)
        S = P + 0.5 * np.eye(2)
        e = ys[t] - m
        K = P @ np.linalg.inv(S)
        ll = ll - 0.5 * (e @ np.linalg.solve(S, e)) - 0.5 * np.log(np.linalg.det(S))
        m, P = m + K @ e, P - K @ S @ K.T
    return ll


def rows_of_an_argument(ys: Any, v: Any) -> Any:
    for y in ys:
        v = np.tanh(v) * y + np.roll(y, 1)
    return np.sum(v**2)


def put_together(u: Any) -> Any:
    q = np.array([1.0, 0.0, 0.0])
    for t in range(3):
        M = np.outer(q, u) + np.diag(u) - np.tril(np.outer(u, u))
        q = np.concatenate([u[1:], np.sin(q[:1])]) + np.sum(M, axis=1) * 0.1
        q = q / np.sqrt(np.sum(q * q)) + np.stack([q, u])[t % 2 * 0] * 0.2
    return q[0] * q[2]


def a_matrix_of_three(A: Any) -> Any:
    P = np.eye(3)
    for _ in range(4):
        P = P @ A
        P = P / (1.0 + np.sum(P * P))
    return np.trace(P)


def a_path_that_is_never_taken(u: Any, v: Any) -> Any:
    """What cannot be put together is no reason to refuse the rest."""
    q, s = u, 0.0
    for t in range(3):
        if t > 5:
            s = np.sum(u * v)
        q = q * 0.5 + u
        s = s + q[0]
    return s


def places_that_only_a_run_tells(u: Any) -> Any:
    q = np.zeros(3)
    for t in range(3):
        q[t] = u[t] * u[t - 1]
    return np.sum(q**2)


def left_and_used_whole(A: Any) -> Any:
    P, s = A, 0.0
    for t in range(2):
        P = P.T * 1.5
        s = s + t * np.sum(A)
    return s + np.linalg.norm(A) + np.linalg.det(P)


def inner_of_matrices(A: Any) -> Any:
    P = np.eye(3)
    for _ in range(2):
        P = np.inner(A, P) * 0.5 + P
    return P[0, 1] * P[1, 2]


CASES: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    (filter_of_two, (F, YS)), (rows_of_an_argument, (YS, V)), (put_together, (U,)), (a_matrix_of_three, (A,)),
    (a_path_that_is_never_taken, (U, V)), (places_that_only_a_run_tells, (U,)), (left_and_used_whole, (A,)),
    (inner_of_matrices, (A,)),
]  # fmt: skip


def numerical(f: Callable[..., Any], args: tuple[Any, ...], at: int) -> Any:
    out = np.zeros_like(args[at])
    for i in np.ndindex(out.shape):
        step = np.zeros_like(out)
        step[i] = 1e-6
        ends = [f(*args[:at], args[at] + s * step, *args[at + 1 :]) for s in (1, -1)]
        out[i] = (ends[0] - ends[1]) / 2e-6
    return out


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize(("f", "args"), CASES, ids=[f.__name__ for f, _ in CASES])
def test_small_arrays(f: Callable[..., Any], args: tuple[Any, ...]) -> None:
    wrt = tuple(range(len(args)))
    got = grad(f, wrt=wrt, backend="numba")(*args)
    for k, (g, plain) in enumerate(zip(got, grad(f, wrt=wrt)(*args), strict=True)):
        np.testing.assert_allclose(g, plain, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(g, numerical(f, args, k), rtol=1e-5, atol=1e-7)
    tangents = tuple(np.cos(a) for a in args)
    _, slope = jvp(f, args, tangents, backend="numba")
    np.testing.assert_allclose(slope, sum(np.sum(g * t) for g, t in zip(got, tangents, strict=True)))


@pytest.mark.usefixtures("uncompiled")
def test_no_array_is_made_in_a_trip() -> None:
    d = grad(a_matrix_of_three, backend="numba")
    d(A)
    assert "for _ in range(4):" in d.source
    assert not re.search(r"^ {8,}.*np\.(empty|zeros)\(", d.source, re.M)


@pytest.mark.usefixtures("uncompiled")
def test_results_that_nobody_reads() -> None:
    """Of a value that one kernel makes, another asks for the type alone: it is no result."""
    d = grad(left_and_used_whole, backend="numba")
    d(A)
    body = d.source[d.source.rindex("def left_and_used_whole_grad(") :]
    for name in re.findall(r"^ +(\w+) = np\.float64", body, re.M):
        assert len(re.findall(rf"\b{name}\b", body)) > 1


@pytest.mark.usefixtures("uncompiled")
def test_sorting_is_left_to_numpy_in_the_quick_way() -> None:
    def f(x: Any) -> Any:
        s = np.sort(x)
        return np.sum(s[:5] ** 2 * np.arange(5.0)) + np.sum(np.sin(s))

    x = np.linspace(1.0, -1.0, 9) ** 3
    d = grad(f, backend="numba")
    np.testing.assert_allclose(d(x), grad(f)(x))
    assert "from_sorted(" in d.source


X, W, W2 = RNG.normal(size=(20, 18)), RNG.normal(size=(18, 16)) * 0.2, RNG.normal(size=(16, 3))


def layers(X: Any, W: Any, W2: Any) -> Any:
    return np.mean(np.tanh(X @ W) @ W2) + np.sum((X.T @ np.tanh(X)) ** 2) * 1e-3


def steps(X: Any, v: Any) -> Any:
    """Vectors that are changed in place, and read both before and after."""
    total = 0.0
    for t in range(3):
        y = X @ v
        y[t] = v[t] * 2.0
        w = X.T @ y
        v = w / np.sqrt(np.sum(w * w)) + 0.1 * (y @ X)
        total = total + np.sum(np.sin(y)) + np.sum(X[2:] @ (v * 2.0))
    return total + np.sum(v * v)


@pytest.mark.usefixtures("uncompiled")
def test_small_products_do_not_end_a_kernel() -> None:
    d = grad(layers, wrt=("X", "W", "W2"), backend="numba")
    for g, plain in zip(d(X, W, W2), grad(layers, wrt=("X", "W", "W2"))(X, W, W2), strict=True):
        np.testing.assert_allclose(g, plain, rtol=1e-12)
    assert "not compiled" not in str(d.compiled(X, W, W2))
    assert "np.dot(" in d.source


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("turned", [False, True])
def test_products_with_vectors_some_rows_at_a_time(turned: bool) -> None:
    x, v = (np.asfortranarray(X) if turned else X), np.linspace(-1.0, 1.0, 18)
    d = grad(steps, wrt=("X", "v"), backend="numba")
    got = d(x, v)
    assert "times(X, " in d.source and "times_turned(X, " in d.source
    for k, (g, plain) in enumerate(zip(got, grad(steps, wrt=("X", "v"))(x, v), strict=True)):
        np.testing.assert_allclose(g, plain, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(g, numerical(steps, (x, v), k), rtol=1e-4, atol=1e-5)


def test_helpers_of_products() -> None:
    from srcdiff.compiled.runtime import times, times_turned

    for n, m in ((8, 9), (11, 8), (3, 2)):
        a, out, other = RNG.normal(size=(n, m)), np.empty(n), np.empty(m)
        times.py_func(a, a[0], out)
        times_turned.py_func(a, a[:, 0].copy(), other)
        np.testing.assert_allclose(out, a @ a[0])
        np.testing.assert_allclose(other, a[:, 0] @ a)


@pytest.mark.usefixtures("uncompiled")
@pytest.mark.parametrize("rows", [0, 1, 4])
def test_loops_over_elements(rows: int) -> None:
    """They have as many trips as there are elements."""

    def f(X: Any, v: Any) -> Any:
        s = v
        for x, y in zip(X, X[2:], strict=False):
            s = np.tanh(s) * x + y
        for x in X[::-1]:
            s = np.sin(s) * x
        return np.sum(s)

    x, v = RNG.normal(size=(rows, 19)), np.linspace(-1.0, 1.0, 19)
    d = grad(f, wrt=("X", "v"), backend="numba")
    for g, plain in zip(d(x, v), grad(f, wrt=("X", "v"))(x, v), strict=True):
        np.testing.assert_allclose(g, plain, rtol=1e-12, atol=1e-12)
    assert "while" not in d.source


@pytest.mark.usefixtures("uncompiled")
def test_tapes_of_loops_over_elements_need_not_grow() -> None:
    def f(X: Any, v: Any) -> Any:
        for x in X:
            v = np.tanh(v) * x
        return np.sum(v)

    d = grad(f, backend="numba")
    d(X, np.ones(18))
    assert "_data = np.empty((20, 18), np.float64)" in d.source
    assert "grown(" not in d.source
