"""Stencils, whose adjoints are added in whole rows: random programs against differences.

`SRCDIFF_ROWS=n` says how many programs.
"""

from __future__ import annotations

import importlib.util
import os
import random
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srcdiff import grad, source

PROGRAMS = int(os.environ.get("SRCDIFF_ROWS", "48"))
BATCHES = 4


def part(rng: random.Random, cut: list[int]) -> str:
    out = []
    for c in cut:
        before = rng.randint(0, c)
        out.append(f"{before or ''}:{before - c if before < c else ''}")
    return ", ".join(out)


def program(seed: int) -> tuple[str, int]:
    """A loop over arrays of one shape that reads and writes shifted parts; its text and their rank."""
    rng = random.Random(seed)
    rank = rng.choice([2, 2, 2, 3])
    names = ["A", "B"]
    starts = ["{0} = {0}.copy()"] * 4 + ["{0} = np.copy({0})", "{0} = 1.5 * {0}"]
    lines = [f"    {rng.choice(starts).format(n)}" for n in names]
    if rng.random() < 0.4:
        lines.append(f"    C = {rng.choice(['np.zeros(A.shape)', 'np.zeros_like(A)'])}")
        names.append("C")
    body: list[str] = []
    for _ in range(rng.randint(1, 4)):
        cut = [rng.randint(0, 2) for _ in range(rank)]
        x, y, z, w = (rng.choice(names) for _ in range(4))
        p, q, r, s = (part(rng, cut) for _ in range(4))
        c = round(rng.uniform(-0.6, 0.6), 2)
        body += rng.choice(
            [
                [f"{x}[{p}] = {c} * ({y}[{q}] + {z}[{r}] + {y}[{s}])"],
                [f"{x}[{p}] {rng.choice('+-')}= {c} * ({y}[{q}] + {y}[{r}] - 2 * {z}[{s}])"],
                [f"{x}[{p}] += {c} * {y}[{q}] * {z}[{r}]"],
                [f"t = {c} * {y}[{p}]", f"{x}[{q}] += t", f"{z}[{r}] -= t", f"{w}[{s}] += t * {x}[{p}]"],
                ["A, B = B, A"],
                [f"D = {x}.copy()", f"{x}[{p}] = {c} * (D[{q}] + D[{r}] - 2 * D[{s}])"],
                [f"t = {y}[{p}] * {z}[{q}]", f"t *= {c}", f"{x}[{r}] += t", f"{x}[{s}] += t"],
                ["if i % 2:", f"    {x}[{p}] += {c} * ({y}[{q}] - {z}[{r}])"],
                [f"{x} = {c} * {y} + {z}"],
                [f"D = {x}.copy()", f"{x}[{p}] = {c} * (D[{q}] * {z}[{r}] - D[{s}]) / 3 - {c} * D[{q}] ** 2"],
                [f"d = {y}[{p}] - {z}[{q}]", f"e = {c} * d * {w}[{r}]", f"{x}[{s}] -= e * d + 0.5 * e"],
                [f"h = {c} * ({y}[{p}] + {z}[{q}])", "for j in (1, 2):", f"    {x}[{r}] += h * h - {w}[{s}]"],
            ]
        )
    heads = rng.choice([["for i in range(n):"]] * 4 + [["for i in range(n):", "    for j in range(2):"]])
    lines += [f"    {h}" for h in heads]
    lines += ["    " * (len(heads) + 1) + b for b in body]
    result = rng.choice(["np.sum(A * B)", "np.sum(A) + np.sum(B * B)", "np.sum(A * A * B)", "np.sum(B)"])
    return "import numpy as np\n\n\ndef f(A, B, n):\n" + "\n".join(lines) + f"\n    return {result}\n", rank


def read(text: str, folder: Path, word: str) -> Any:
    path = folder / f"{word}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(word, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.f


def agrees(f: Any, a: Any, b: Any, n: int, rng: np.random.Generator) -> bool:
    """Whether the gradient is that of differences along two directions, and leaves its arguments alone."""
    before = a.copy(), b.copy()
    a_bar, b_bar = grad(f, wrt=("A", "B"))(a, b, n)
    assert np.array_equal(a, before[0]) and np.array_equal(b, before[1])
    for _ in range(2):
        da, db = rng.standard_normal((2, *a.shape))
        h = 1e-6
        numeric = (f(a + h * da, b + h * db, n) - f(a - h * da, b - h * db, n)) / (2 * h)
        terms = np.abs(a_bar * da).sum() + np.abs(b_bar * db).sum()
        if abs(numeric - (a_bar * da).sum() - (b_bar * db).sum()) > 1e-5 * max(1.0, terms):
            return False
    return True


@pytest.mark.parametrize("batch", range(BATCHES))
def test_random_stencils(batch: int, tmp_path: Path) -> None:
    whole = done = 0
    for seed in range(batch, PROGRAMS, BATCHES):
        text, rank = program(seed)
        f = read(text, tmp_path, f"stencil_{seed}")
        rng = np.random.default_rng(seed)
        shape = rng.integers(3, 8, rank) if seed % 4 else rng.integers(1, 5, rank)
        a, b = rng.standard_normal((2, *shape))
        if seed % 3 == 0:
            a = np.asfortranarray(a)
        if seed % 7 == 0:
            a = np.repeat(a, 2, axis=-1)[..., ::2]
        try:
            with np.errstate(all="raise"):
                y = f(a, b, 3)
        except (ValueError, FloatingPointError):
            continue  # parts that do not fit each other, numbers that grow too large
        if abs(y) > 1e8:
            continue
        assert agrees(f, a, b, 3, rng), f"seed {seed}\n{text}"
        whole += "padded" in source(grad(f, wrt=("A", "B")), a, b, 3)
        done += 1
    assert done and (whole or PROGRAMS > 48)


def jacobi(A, B, n):
    A, B = A.copy(), B.copy()
    for _ in range(n):
        B[1:-1, 1:-1] = 0.2 * (A[1:-1, 1:-1] + A[1:-1, :-2] + A[1:-1, 2:] + A[2:, 1:-1] + A[:-2, 1:-1])
        A[1:-1, 1:-1] = 0.2 * (B[1:-1, 1:-1] + B[1:-1, :-2] + B[1:-1, 2:] + B[2:, 1:-1] + B[:-2, 1:-1])
    return np.sum(A * B)


def corners(A, B, n):
    A = A.copy()
    for _ in range(n):
        C = A.copy()
        A[1:-1, 1:-1] = 0.2 * (C[1:-1, 1:-1] + C[:-2, :-2] + C[2:, 2:] + C[:-2, 2:] + C[2:, :-2])
    return np.sum(A * A)


def leapfrog(A, B, n):
    """Arrays that change places: none of them is one object in all trips."""
    now, before = A.copy(), B.copy()
    for _ in range(n):
        new = np.zeros(A.shape)
        new[1:-1, 1:-1] = 0.3 * (now[1:-1, :-2] + now[:-2, 1:-1] + now[2:, 1:-1]) - before[1:-1, 1:-1]
        before = now
        now = new
    return np.sum(now * before)


@pytest.mark.parametrize("f", [jacobi, corners, leapfrog])
@pytest.mark.parametrize("order", ["C", "F"])
def test_added_in_whole_rows(f, order, tmp_path):
    """Also where the text is differentiated again."""
    rng = np.random.default_rng(3)
    a, b = (np.array(x, order=order) for x in rng.standard_normal((2, 6, 7)))
    assert agrees(f, a, b, 3, rng)
    text = source(grad(f), a, b, 3)
    assert "padded" in text
    assert ("padded_flat" in text) == (f is not leapfrog)
    again = read(text.replace(f"def {f.__name__}_grad", "def f"), tmp_path, f"again_{f.__name__}_{order}")
    d, h = rng.standard_normal(a.shape), 1e-6
    slope = (np.sum(grad(f)(a + h * d, b, 3) ** 2) - np.sum(grad(f)(a - h * d, b, 3) ** 2)) / (2 * h)
    for g in (grad(f), again):
        second = grad(lambda x, g=g: np.sum(g(x, b, 3) ** 2))(a)
        assert np.sum(second * d) == pytest.approx(slope, rel=1e-5)


def test_not_within_a_budget():
    """The zeros around values are memory that no plan counts."""
    a, b = np.random.default_rng(4).standard_normal((2, 8, 9))
    assert "padded" in source(grad(jacobi), a, b, 3)
    assert "padded" not in source(grad(jacobi, memory="1 MB"), a, b, 3)


def test_what_is_left_as_it_was():
    """Sizes, zeros and values that are kept: nothing of it may lie in memory that the next trip writes to."""

    def kept(A, B, n):
        A = A.copy()
        steps = []
        for _ in range(n):
            t = A[1:-1, 1:-1] * 0.5
            A[1:-1, 2:] += t
            A[1:-1, :-2] += t
            steps.append(t)
        return np.sum(steps[0] * steps[1]) + np.sum(A * B)

    def put_away(A, B, n):
        A = A.copy()
        steps = [A, A, A]
        for k in range(n):
            t = A[1:-1, 1:-1] * B[1:-1, 1:-1]
            A[1:-1, 2:] += t
            A[1:-1, :-2] += t
            steps[k] = t
        return np.sum(steps[0] * steps[1]) + np.sum(A * B)

    rng = np.random.default_rng(5)
    a, b = rng.standard_normal((2, 5, 6))
    assert agrees(kept, a, b, 2, rng)
    assert agrees(put_away, a, b, 2, rng)


def test_multiples_written_where_a_part_was_zero():
    """(The factor was written after its product was read.)"""

    def f(A, B, n):
        A, B = A.copy(), B.copy()
        for _ in range(n):
            A[:, 1:-1] = -0.05 * (A[:, 1:-1] + A[:, 1:-1] + A[:, 1:-1] + B[:, 2:] + A[:, :-2])
            A[1:, :] += -0.23 * A[:-1, :] * B[1:, :]
            A[:-2, 2:] += -0.45 * (B[:-2, 2:] + B[2:, 1:-1])
        return np.sum(A * B)

    rng = np.random.default_rng(6)
    a, b = rng.standard_normal((2, 5, 6))
    assert agrees(f, a, b, 3, rng)


def heat(A, n):
    """Read by the backward sweep: a copy in each trip, values on a tape."""
    A = A.copy()
    for _ in range(n):
        C = A.copy()
        g = (C[1:-1, 2:] - C[1:-1, :-2]) / 2.0
        A[1:-1, 1:-1] += 0.1 * (C[2:, 1:-1] + C[:-2, 1:-1] - 2.0 * C[1:-1, 1:-1]) - 0.2 * C[1:-1, 1:-1] * g
        A[:, 0] = A[:, 1]
    return np.sum(A * A)


def test_arithmetic_on_runs(tmp_path):
    """Also where the text is differentiated again; the borders keep what was in them."""
    rng = np.random.default_rng(7)
    for shape in ((6, 7), (3, 9), (3, 3), (2, 4), (5, 1)):
        a, d = rng.standard_normal((2, *shape))
        if shape[1] == 1:
            with pytest.raises(IndexError):
                heat(a, 3)
            continue
        slope = (heat(a + 1e-6 * d, 3) - heat(a - 1e-6 * d, 3)) / 2e-6
        assert np.sum(grad(heat)(a, 3) * d) == pytest.approx(slope, rel=1e-6, abs=1e-7)
    a, d = rng.standard_normal((2, 6, 7))
    text = source(grad(heat), a, 3)
    assert ("C[:] = A" in text and "np.subtract(C_right, C_left" in text) or "C_right - C_left" in text
    assert "run += " in text or "run -= " in text
    assert "[1:-1, 2:]" not in "".join(x for x in text.splitlines() if "#" not in x)
    again = read(text.replace("def heat_grad", "def f"), tmp_path, "again_heat")
    slope = (np.sum(grad(heat)(a + 1e-6 * d, 3) ** 2) - np.sum(grad(heat)(a - 1e-6 * d, 3) ** 2)) / 2e-6
    for g in (grad(heat), again):
        second = grad(lambda x, g=g: np.sum(g(x, 3) ** 2))(a)
        assert np.sum(second * d) == pytest.approx(slope, rel=1e-5)


def waves(E, H, n):
    E, H = E.copy(), H.copy()
    for _ in range(n):
        E[:, 1:] -= 0.5 * (H[:, 1:] - H[:, :-1])
        H[:-1, :-1] -= 0.7 * (E[:-1, 1:] - E[:-1, :-1] + E[1:, :-1] * H[:-1, :-1])
    return np.sum(H * H)


def test_arrays_that_are_added_are_of_one_shape():
    """Their runs could be of one length all the same."""
    rng = np.random.default_rng(8)
    e, h, d = rng.standard_normal((3, 6, 10))
    g = grad(waves)
    slope = (waves(e + 1e-6 * d, h, 3) - waves(e - 1e-6 * d, h, 3)) / 2e-6
    assert np.sum(g(e, h, 3) * d) == pytest.approx(slope, rel=1e-6)
    assert "run" in g.source
    with pytest.raises(ValueError, match="shapes"):
        g(e.reshape(10, 6), h, 3)


def test_nothing_is_warned_of_between_rows():
    """Infinities stay where they are: what lies between the rows of parts is not added anywhere."""
    a = np.ones((6, 7))
    a[0, -1] = a[3, 0] = 1e308
    with np.errstate(over="ignore", invalid="ignore"):
        found, want = grad(heat)(a, 1), grad(heat, memory="1 MB")(a, 1)
    assert np.array_equal(np.isfinite(found), np.isfinite(want))


def test_written_where_the_trip_before_left_zeros():
    def f(A, B, n):
        A, B = A.copy(), A.copy()
        for _ in range(n):
            B[1:-1] = 0.3 * (A[:-2] + A[1:-1] + A[2:])
            A[1:-1] = 0.3 * (B[:-2] + B[1:-1] + B[2:])
        return np.sum(A * A)

    rng = np.random.default_rng(10)
    for n in (0, 1, 4):
        assert agrees(f, *rng.standard_normal((2, 9)), n, rng)
    text = source(grad(f), *rng.standard_normal((2, 9)), 3)
    assert text.count("B_bar[1:-1] = t") == 1 and text.count("    B_bar[1:-1] = 0.0") == 1
    assert "        B_bar[1:-1] = 0.0" not in text


def yee(ex: Any, hz: Any, n: int) -> Any:
    ex = ex.copy()
    hz = hz.copy()
    for _ in range(n):
        ex[:, 1:] -= 0.5 * (hz[:, 1:] - hz[:, :-1])
        hz[:-1, :-1] -= 0.7 * (ex[:-1, 1:] - ex[:-1, :-1] + ex[1:, :-1])
    return np.sum(hz * hz)


def test_runs_are_let_go_with_their_arrays() -> None:
    """(A view of an array that is let go would hold its memory.)"""
    ex, hz = np.random.default_rng(0).random((2, 200, 201))
    derivative = grad(yee)
    gone = {
        word.strip()
        for line in source(derivative, ex, hz, 5).splitlines()
        if line.strip().startswith("del ")
        for word in line.strip().removeprefix("del ").split(",")
    }
    assert {"hz", "hz_flat", "hz_left", "hz_right", "run", "whole"} <= gone
    tracemalloc.start()
    derivative(ex, hz, 5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5.5 * ex.nbytes


def crossing(A: Any, B: Any, n: int) -> Any:
    A, B = A.copy(), B.copy()
    for _ in range(n):
        A[1:, :] += 0.1 * (B[1:, :] * B[:-1, :])
        A[:, 2:] -= 0.5 * (B[:, 2:] - B[:, :-2])
        B[:-1, 1:-1] += 0.2 * (A[:-1, 2:] - A[:-1, :-2] + A[1:, 1:-1])
        B[:, 1:] *= 0.5
    return np.sum(A * B)


def test_made_in_one_array() -> None:
    """(Of parts that lie elsewhere in it: what others have left around one is set to zero.)"""
    rng = np.random.default_rng(11)
    for n in (0, 1, 3):
        assert agrees(crossing, *rng.standard_normal((2, 6, 7)), n, rng)
    text = source(grad(crossing), *rng.standard_normal((2, 6, 7)), 3)
    assert text.count("whole = np.zeros") == 1 and "whole1" not in text
    assert text.count("_edge.fill(0.0)") >= 4
