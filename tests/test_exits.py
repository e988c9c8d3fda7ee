"""Pullbacks, linear maps and Jacobians of random programs that leave loops in every way (``exits.py``).

SRCDIFF_FUZZ=n tries n programs with fresh random choices.
"""

from __future__ import annotations

import heapq
import importlib.util
import os
import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exits import Exits

import srcdiff
from srcdiff import UnsupportedSyntax, jacrev, linearize, vjp

FUZZ = int(os.environ.get("SRCDIFF_FUZZ", "0"))
POINTS = [
    (np.array([0.31, -0.47, 0.83]), 0.77),
    (np.array([-0.61, 0.23, 0.47]), -0.29),
    (np.array([1.09, 0.73, -0.89]), 0.41),
]
SEEDS = [random.randrange(10**9) for _ in range(FUZZ)] or [2, 36, 37]


def load(seed: int, folder: Path) -> Any:
    path = folder / f"exits_{seed}.py"
    path.write_text(Exits(seed).text(), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.program


def differences(f: Any, x: np.ndarray, w: float) -> np.ndarray:
    h, z = 1e-6, np.append(x, w)
    both = [(f((z + e)[:3], (z + e)[3]), f((z - e)[:3], (z - e)[3])) for e in h * np.eye(4)]
    return np.stack([(np.asarray(a) - np.asarray(b)) / (2 * h) for a, b in both], -1)


def by_pullback(f: Any, x: np.ndarray, w: float) -> np.ndarray:
    y, pull = vjp(f, x, w)
    rows = [np.append(*pull(e)) for e in np.eye(np.size(y))] if np.shape(y) else np.append(*pull(1.0))
    return np.array(rows)


def by_linearize(f: Any, x: np.ndarray, w: float) -> np.ndarray:
    push = linearize(f, x, w)[1]
    return np.stack([*(push(e, 0.0) for e in np.eye(3)), push(np.zeros(3), 1.0)], -1)


def by_jacrev(f: Any, x: np.ndarray, w: float) -> np.ndarray:
    a, b = jacrev(f, wrt=("x", "w"))(x, w)
    return np.append(a, np.asarray(b)[..., None], axis=-1)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_exits(seed: int, tmp_path: Path) -> None:
    f = load(seed, tmp_path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = [differences(f, x, w) for x, w in POINTS]
    except UnboundLocalError:
        pytest.skip("no program")
    ways = (by_pullback, by_linearize, by_jacrev)
    for way in ways if FUZZ else (ways[seed % 3], by_pullback):
        for (x, w), want in zip(POINTS, wanted, strict=True):
            try:
                got = way(f, x, w)
            except UnsupportedSyntax as e:
                assert "error[unbound]" in str(e), e
                break
            assert np.allclose(got, want, rtol=1e-4, atol=1e-4), way.__name__


# ---- what fell
def early(x: np.ndarray, w: float) -> Any:
    for k in range(3):
        for i in range(2):
            if x[i] > w:
                break
        else:
            b = np.sin(x[k])
        if x[k] < 0.0:
            w = w * x[k]
            continue
        return np.array([w, x[0] * b if k else w])
    return x[:2] * w


def test_saved_where_it_is_not_set() -> None:
    """A variable that only ``else`` of a loop sets is kept for every trip."""
    for x, w in [(np.array([-0.5, 0.2, 0.4]), 0.7), (np.array([0.9, -0.2, 0.4]), 0.5)]:
        assert np.allclose(by_pullback(early, x, w), differences(early, x, w), atol=1e-7)
        assert np.allclose(by_linearize(early, x, w), differences(early, x, w), atol=1e-7)


def test_list_in_a_list_made_shorter() -> None:
    def f(m: list[list[float]]) -> float:
        first = m[0].pop(0)
        return first * m[0][0] * m[1][1]

    def g(m: list[list[float]], k: int) -> float:
        for i in range(len(m)):
            m[i] = m[i][k:]
        return sum(sum(v * v for v in row) for row in m)

    assert srcdiff.grad(f)([[1.0, 2.0, 3.0], [4.0, 5.0]]) == [[10.0, 5.0, 0.0], [0.0, 2.0]]
    assert srcdiff.grad(g)([[1.0, 2.0, 3.0], [4.0, 5.0]], 1) == [[0.0, 4.0, 6.0], [0.0, 10.0]]


def test_lists_put_together_side_by_side() -> None:
    """``vmap`` of slices of lists that are deleted, replaced, joined: no stack of nothing."""

    def f(q: list[float]) -> Any:
        q[:1] = [v * v for v in q]
        del q[-2:]
        return sum(q), q + [1.0], [q[0]] * 2

    xs = [np.array([0.3, -0.4, 0.8]), np.array([0.1, 0.2, 0.3])]
    total, longer, twice = srcdiff.vmap(f)(xs)
    for k in range(3):
        one = f([float(x[k]) for x in xs])
        assert np.isclose(total[k], one[0])
        assert np.allclose([v[k] for v in longer], one[1])
        assert np.allclose([v[k] for v in twice], one[2])
    assert "np.stack" not in srcdiff.vmap(lambda q: q[:1] + q[1:]).source_for(xs)


def test_sum_of_rows_that_starts_from_a_number() -> None:
    """Tangents of rows, all directions at once, are not added into a column of zeros."""

    def f(x: np.ndarray) -> Any:
        rows = [x * i for i in range(1, 4)]
        s = sum(rows)
        rows.pop()
        return np.sum(s**3) + np.sum(rows[-1] ** 2 * x)

    x = np.array([0.3, -0.4, 0.8])
    assert np.allclose(srcdiff.hessian(f)(x), np.diag(6 * 216 * x + 24 * x))


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) >= "2.5.0", reason="NumPy 2.5 has no such product")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_cross_of_two_entries() -> None:
    def f(a: np.ndarray, b: np.ndarray) -> Any:
        return np.cross(a, b) * a[0]

    a, b = np.array([0.2, 0.5]), np.array([0.3, 0.4])
    c = a[0] * b[1] - a[1] * b[0]
    a_bar, b_bar = srcdiff.grad(f, wrt=("a", "b"))(a, b)
    assert np.allclose(a_bar, [b[1] * a[0] + c, -b[0] * a[0]])
    assert np.allclose(b_bar, [-a[1] * a[0], a[0] * a[0]])
    rows, others = np.arange(6.0).reshape(3, 2), np.cos(np.arange(6.0).reshape(3, 2))
    got = srcdiff.jacrev(lambda p: np.cross(p, others))(rows)
    assert np.allclose(got, srcdiff.jacfwd(lambda p: np.cross(p, others))(rows))


def test_pythons_own_numbers() -> None:
    """``x.tolist()`` holds Python's numbers: they raise where NumPy's are infinite."""

    def f(x: np.ndarray) -> float:
        s = 0.0
        for v in x.tolist():
            try:
                s += 1.0 / (v - 1.0)
            except ZeroDivisionError:
                s += v**3
        return s

    x = np.array([1.0, 3.0])
    assert srcdiff.value_and_grad(f)(x)[0] == f(x) == 1.5
    assert np.allclose(srcdiff.grad(f)(x), [3.0, -0.25])
    assert np.allclose(srcdiff.hessian(f)(x), [[6.0, 0.0], [0.0, 0.25]])
    assert srcdiff.vjp(f, x)[0] == 1.5


def test_name_that_is_bound_anew() -> None:
    """What a name holds before the statement that binds it is no reader of the list that this changes."""

    def f(x: np.ndarray) -> Any:
        alive = list(range(3))
        saved = []
        while alive:
            alive = alive[1:]
            saved.append(alive)
        s = 0.0
        while saved:
            alive = saved.pop()
            for k in alive:
                s += x[k] ** 2
        return s

    assert srcdiff.grad(f)(np.array([1.0, 2.0, 3.0])).tolist() == [0.0, 4.0, 12.0]


def test_einsum_of_several_is_new() -> None:
    """Its result is no view of what it is made of; of one array it may be one."""

    def f(a: np.ndarray) -> Any:
        kept = []
        for i in range(2):
            t = np.einsum("ij,j->i", a, a[i])
            a[i] += t
            kept.append(t)
        return np.sum(np.array(kept) ** 2) + np.sum(a)

    def g(a: np.ndarray) -> Any:
        t = np.einsum("ij->ji", a)
        a[0] *= 2.0
        return np.sum(t**2)

    a = np.array([[0.3, -0.4], [0.2, 0.5]])
    made = srcdiff.grad(lambda a: f(a.copy()))
    want = np.zeros((2, 2))
    for k in np.ndindex(2, 2):
        e = np.zeros((2, 2))
        e[k] = 1e-6
        want[k] = (f(a + e) - f(a - e)) / 2e-6
    assert np.allclose(made(a), want, atol=1e-7)
    assert "append(t.copy())" not in srcdiff.source(made, a) and "kept.append(t)" in srcdiff.source(made, a)
    with pytest.raises(UnsupportedSyntax, match="aliasing"):
        srcdiff.grad(lambda a: g(a.copy()))(a)


def test_complex_numbers_of_all_directions() -> None:
    """A cotangent that starts from nothing is complex where the others will be."""

    def f(x: np.ndarray) -> Any:
        z, c = x[0] + 1j * x[1], 0.2 + x[2] * 1j
        for _ in range(2):
            z = z * z + c
        return z.real

    x = np.array([0.3, -0.4, 0.8])
    c = np.array([0.0, 0.0, 1j])
    z, z_dot = x[0] + 1j * x[1], np.array([1.0, 1j, 0.0])
    z, z_dot, z_dots = z * z + 0.2 + x[2] * 1j, 2 * z * z_dot + c, 2 * np.outer(z_dot, z_dot)
    want = np.real(2 * np.outer(z_dot, z_dot) + 2 * z * z_dots)
    assert np.allclose(srcdiff.hessian(f)(x), want)


def test_lists_kept_where_there_are_none() -> None:
    """Reverse over reverse: what a trip that is left early did not keep has a zero of its own."""

    def f(w: np.ndarray) -> Any:
        edges = {0: [(1, w[0] ** 2), (2, w[1] ** 2 + 1)], 1: [(2, 0.2 * w[2])], 2: []}
        heap, done = [(0.0, 0)], {}
        while heap:
            d, u = heapq.heappop(heap)
            if u in done:
                continue
            done[u] = d
            for v, c in edges[u]:
                heapq.heappush(heap, (d + c, v))
        return done[2] ** 2

    w = np.array([0.4, -0.7, 1.1])
    assert np.allclose(srcdiff.vhp(f)(w, w), srcdiff.hvp(f)(w, w))


def one_of_several_ways_out(x: np.ndarray, w: float) -> np.ndarray:
    """A loop in a branch leaves with an array, or without one."""
    s = 0.3 * w
    if w < 0:
        for i in [w, x[1]]:
            k = 0
            while k < 4:
                k += 1
                s = s + np.sin(s * i)
                if s > 0.9:
                    return np.array([s, x[0] * s])
            if i < -0.5:
                s = s * 2
            else:
                return np.array([s * x[1], s])
    return np.array([s, x[0]])


@pytest.mark.parametrize("w", [-0.2, -0.7, 0.5])
def test_what_no_trip_has_set_is_not_copied(w: float) -> None:
    x = np.array([0.4, 0.7])
    _, pull = vjp(one_of_several_ways_out, x, w)
    at = [one_of_several_ways_out(x, w + h).sum() for h in (-1e-6, 1e-6)]
    assert np.isclose(pull(np.ones(2))[1], (at[1] - at[0]) / 2e-6)


# ---- what a path has not set: no operation that a pass puts in looks at it
def every_path_leaves(x: np.ndarray, w: float) -> Any:
    """No trip comes to its end: what would be written, and the other function, are never there."""
    y, scaled = x.copy(), [lambda v: v]
    for i in range(2):
        for _ in range(1):
            return np.array([scaled[0](w), w, y[1]])
            y[1] *= w
        scaled = [lambda v, i=i: v * i]


def number_of_one_path(x: np.ndarray, w: float) -> Any:
    """``b`` is a number of NumPy's in a loop of Python's numbers, or not there."""
    if w > 0.0:
        b = np.sin(x[1])
    s = 0.3
    for v in x:
        if w > 0.0:
            s = s + b * v * s
    return s


def array_of_one_path(x: np.ndarray, w: float) -> Any:
    """``b`` has elements that loops read and write, or is not there."""
    if w > 0.0:
        b = np.sin(x)
    s = 0.3
    for k in range(3):
        for _ in range(2):
            if w > 0.0:
                s = s + b[k] * x[k] * s
                b[k] *= s
    return s


def numbers_of_some_trips(x: np.ndarray, w: float) -> Any:
    s = 0.3
    for i in range(2):
        if x[i] > w:
            b, c = np.sin(x[i]), np.cos(x)
        for v in x:
            if x[i] > w:
                s = s + b * v * s * c[i]
        s += s / x[2]
    return s


def only_if_not_left(x: np.ndarray, w: float) -> Any:
    """What ``else`` of a loop divides is saved, and is not there where the loop was left."""
    y, s, k = x.copy(), 0.3 * w, 0
    while k < 3:
        k += 1
        s += y[0]
        if s > 0.5:
            break
    else:
        s += s / y[2]
    return s


@pytest.mark.parametrize("way", [by_pullback, by_linearize, by_jacrev])
@pytest.mark.parametrize(
    "f",
    [
        every_path_leaves,
        number_of_one_path,
        array_of_one_path,
        numbers_of_some_trips,
        only_if_not_left,
    ],
)
def test_what_is_not_set_is_not_looked_at(f: Any, way: Any) -> None:
    for x, w in POINTS:
        assert np.allclose(way(f, x, w), differences(f, x, w), atol=1e-7)


def run_on_one_path(x: np.ndarray, w: float) -> Any:
    """What is the same in all trips is not computed before a loop of none."""
    n, u = 0, x.copy()
    if w > 0.0:
        b, n = np.sin(x), 3
    for _ in range(n):
        u[1:] += 0.1 * (b[1:] - 2 * b[:-1]) + w * u[:-1] * b[1:]
    return np.sum(u**2)


def list_of_one_path(x: np.ndarray, w: float) -> Any:
    if w > 0.0:
        rows = [v * v for v in x]
    s = 0.1
    for i in range(3):
        if w > 0.0:
            s += rows[i] * np.sin(s)
            rows[i] = s * w
    if w > 0.0:
        s += rows[-1]
    return s


def buffer_of_one_path(x: np.ndarray, w: float) -> Any:
    """The backward sweep undoes what was written to ``b``, on a copy."""
    u = x * w
    if w > 0.0:
        b = np.sin(x)
    for _ in range(2):
        if w > 0.0:
            u[1:] = 0.2 * (u[:-1] + b[1:] * w)
            b[1:] = 0.2 * (u[1:] + b[:-1])
    return np.sum(u * u)


@pytest.mark.parametrize("f", [run_on_one_path, list_of_one_path, buffer_of_one_path])
def test_what_is_not_set_in_derivatives_of_derivatives(f: Any) -> None:
    for x, w in POINTS[:2]:
        want = differences(f, x, w)
        a, b = srcdiff.grad(f, wrt=("x", "w"))(x, w)
        assert np.allclose(np.append(a, b), want, atol=1e-7)
        assert np.allclose(by_pullback(f, x, w), want, atol=1e-7)
        assert np.allclose(by_linearize(f, x, w), want, atol=1e-7)
        gradient = srcdiff.grad(f)
        second = differences(gradient, x, w)[:, :3]
        assert np.allclose(srcdiff.hessian(f)(x, w), second, atol=1e-6)
        assert np.allclose(jacrev(gradient)(x, w), second, atol=1e-6)
        both = srcdiff.vmap(gradient, in_axes=(0, None))(np.stack([x, 2 * x]), w)
        assert np.allclose(both, [gradient(x, w), gradient(2 * x, w)])


def snapshots_of_one_path(x: np.ndarray, w: float) -> Any:
    u = x * 1.0
    with srcdiff.checkpoint(snapshots=2):
        for _ in range(4):
            if w > 0.0:
                b = np.sin(u[0])
            for v in x[:2]:
                if w > 0.0:
                    u = u + b * v * u
    return np.sum(u)


def test_what_is_not_set_in_snapshots() -> None:
    for x, w in POINTS[:2]:
        assert np.allclose(by_pullback(snapshots_of_one_path, x, w), differences(snapshots_of_one_path, x, w))
