"""Random stencils: sums into shifted places of arrays, read at shifted places instead."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from random_writes import loaded
from srcdiff import grad, jacfwd, jvp

MANY = int(os.environ.get("SRCDIFF_FUZZ", "12"))
SHAPES = ((11,), (8, 9), (7, 6, 8))


def window(r: random.Random, rank: int, width: int) -> tuple[str, list[str]]:
    """A window inside of an array, and the same window shifted in some ways."""
    at = [(r.randint(0, width), r.randint(0, width)) for _ in range(rank)]

    def text(by: list[int]) -> str:
        ends = []
        for (a, b), d in zip(at, by, strict=True):
            low, high = a + d, -(b - d)
            ends.append(f"{low or ''}:{high or ''}")
        return ", ".join(ends)

    shifts = [[0] * rank]
    for _ in range(r.randint(1, 4)):
        shifts.append([r.randint(-a, b) for a, b in at])
    return text([0] * rank), [text(s) for s in shifts]


def statement(r: random.Random, rank: int) -> list[str]:
    into, of = r.sample("ABC", 2)
    here, there = window(r, rank, 2)
    terms = " + ".join(f"{r.choice((0.2, -0.3, 0.5))} * {of}[{w}]" for w in there)
    edge = r.choice([":, " * k + e + ", :" * (rank - 1 - k) for k in range(rank) for e in ("0", "-1")])
    inner = edge.replace("-1", "-2") if "-1" in edge else edge.replace("0", "1")
    forms = (
        lambda: [f"{into}[{here}] = {terms}"],
        lambda: [f"{into}[{here}] += {terms}"],
        lambda: [f"{into}[{here}] -= {of}[{here}] * ({terms})"],
        lambda: [f"{into}[{here}] = np.where({of}[{here}] > 0.1, {terms}, {of}[{there[-1]}])"],
        lambda: [f"old = {of}.copy()", f"{of}[{here}] = {terms.replace(of, 'old')} * {into}[{here}]"],
        lambda: [f"{into}[{edge}] = {into}[{inner}]"],
        lambda: [f"{into}[{edge}] = 0.0"],
        lambda: [f"D = np.sin({terms})", f"{into}[{here}] += D * {of}[{there[-1]}]"],
    )
    return r.choice((*forms[:5], *forms))()


def program(seed: int) -> tuple[str, tuple[int, ...]]:
    r = random.Random(seed)
    shape = SHAPES[seed % 3]
    body = [x for _ in range(r.randint(2, 4)) for x in statement(r, len(shape))]
    lines = ["A = x * 1.0", "B = np.zeros(x.shape)", "C = x + y"]
    lines += ["for t in range(3):", *(f"    {x}" for x in body)] if seed % 4 else body
    text = "\n    ".join(["def f(x, y):", *lines, "return np.sum(A * A) + np.sum(np.sin(B)) + np.sum(C)\n"])
    return text, shape


@pytest.mark.parametrize("seed", range(MANY))
def test_random_stencils(seed: int, tmp_path: Path, uncompiled: None) -> None:
    text, shape = program(seed)
    f = loaded(f"stencils_{seed}", text, tmp_path)
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=shape), rng.normal(size=shape)
    want, got = (grad(f, wrt=(0, 1), backend=b) for b in ("numpy", "numba"))
    for one, other in zip(want(x, y), got(x, y), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-10, err_msg=text)
    if seed % 3 == 0:
        given: Any = (x, y), (y, x)
        for one, other in zip(jvp(want, *given)[1], jvp(got, *given, backend="numba")[1], strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-8, atol=1e-9, err_msg=text)


def sweep(x: Any) -> Any:
    a = x * 1.0
    b = np.zeros(x.shape)
    for _ in range(4):
        b[1:-1, 1:-1] = 0.25 * (a[:-2, 1:-1] + a[2:, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:])
        a[1:-1, 1:-1] = b[1:-1, 1:-1] * b[1:-1, 2:]
    return np.sum(a * a)


def test_sums_become_reads(uncompiled: None) -> None:
    """One sweep for the adjoint of each stencil; what is cheap has no array."""
    text = grad(sweep, backend="numba").source_for(np.ones((12, 13)))
    assert "if 2 <= i < 10:" in text, text
    assert "t6[i - 1, 2 + j] * 0.25" in text


def columns(x: Any, m: Any) -> Any:
    x[:, m] = x[:, m] ** 2 * 0.5
    return np.sum(x[:, m] ** 3) + np.sum(x)


def columns_of_ones(x: Any, m: Any) -> Any:
    y = np.eye(4)[:, m]
    return np.sum((x @ y) ** 2) + np.sum(y * x[:, m])


@pytest.mark.parametrize("f", [columns, columns_of_ones])
def test_as_many_columns_as_a_mask_says(f: Any, uncompiled: None) -> None:
    """How many they are is the size of one axis of the result, and not of its first."""
    x, m = np.random.default_rng(4).normal(size=(4, 4)), np.array([True, False, True, False])
    for make in (grad, lambda f, **k: jacfwd(grad(f), **k)):
        np.testing.assert_allclose(make(f, backend="numba")(x, m), make(f)(x, m), rtol=1e-10, atol=1e-12)
