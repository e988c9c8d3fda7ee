"""Arrays of kernels that lie where others are done with: random kernels, on one memory and on two."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from srcdiff.compiled.buffers import Outside, lies_over, room, shared

N = 6
LARGE = 32  # (of LARGE * LARGE elements an array is worth it)


def place(rng: random.Random, loops: list[str]) -> str:
    """An index: mostly of the element at hand."""
    if rng.random() < 0.8 and len(loops) == 2:
        return ", ".join(loops)
    return ", ".join(rng.choice([*loops, "0", f"{rng.choice(loops)} - 1"]) for _ in range(2))


def block(rng: random.Random, depth: int, loops: list[str], write: list[str]) -> list[str]:
    out: list[str] = []
    pad = "    " * depth
    for _ in range(rng.randint(1, 3)):
        if len(loops) < 2:
            v = "ij"[len(loops)]
            out += [f"{pad}for {v} in range({N}):", *block(rng, depth + 1, [*loops, v], write)]
            continue
        if rng.random() < 0.2:
            out.append(f"{pad}if {loops[0]} > 3:")
            pad += "    "
        terms = [f"{rng.choice('aabc')}[{place(rng, loops)}]" for _ in range(rng.randint(1, 2))]
        out.append(f"{pad}{rng.choice(write)}[{place(rng, loops)}] = {' + '.join(terms)} + 1.0")
        pad = "    " * depth
    return out


def run(lines: list[str], *args: np.ndarray) -> None:
    space: dict[str, Any] = {"np": np}
    exec("\n".join(lines), space)
    space["kernel"](*args)


def test_a_result_over_an_argument() -> None:
    taken = 0
    for seed in range(600):
        rng = random.Random(seed)
        lines = ["def kernel(a, b, c, r):", *block(rng, 1, [], ["r"] if seed % 2 else ["r", "c"])]
        if not lies_over(lines, "a", "r"):
            continue
        a, b = np.random.default_rng(seed).standard_normal((2, N, N))
        r, c = np.full((N, N), np.nan), np.zeros((N, N))
        run(lines, a, b, c, r)
        over, c2 = a.copy(), np.zeros((N, N))
        run(lines, over, b, c2, over)
        written = ~np.isnan(r)  # (elsewhere it is as it was made: anything)
        taken += bool(written.any())
        assert np.array_equal(r[written], over[written]) and np.array_equal(c, c2), "\n".join(lines)
    assert taken > 10


def test_arrays_in_turn() -> None:
    fewer = 0
    for seed in range(25):
        rng = random.Random(seed)
        made = [f"t{k}" for k in range(5)]
        lines = ["def kernel(a, r):", *(f"    {t} = np.empty(({LARGE}, {LARGE}), np.float64)" for t in made)]
        filled = ["a"]
        for t in [*rng.sample(made, len(made)), "r"]:
            shift = rng.choice(["i, j", "i, j", "j, i", f"{LARGE - 1} - i, j"])
            x, y = rng.choice(filled[-3:]), rng.choice(filled[-3:])
            lines += [f"    for i in range({LARGE}):", f"        for j in range({LARGE}):"]
            lines.append(f"            {t}[i, j] = {x}[{shift}] * 0.5 + {y}[i, j]")
            filled.append(t)
        got = shared(lines)
        fewer += "\n".join(got).count("np.empty") < len(made)
        a = np.random.default_rng(seed).standard_normal((LARGE, LARGE))
        r, r2 = np.zeros((LARGE, LARGE)), np.zeros((LARGE, LARGE))
        run(lines, a, r)
        run(got, a, r2)
        assert np.array_equal(r, r2), "\n".join(got)
    assert fewer > 10


def test_arrays_of_a_kernel_in_those_from_outside() -> None:
    how = f"np.empty(({LARGE}, {LARGE}), np.float64)"
    gone = 0
    for seed in range(40):
        rng = random.Random(seed)
        made = [f"t{k}" for k in range(4)]
        lines = ["def kernel(a, b, q, r):", *(f"    {t} = {how}" for t in made)]
        filled = ["a", "b"]
        for t in [*rng.sample(made, len(made)), "r"]:
            x, y = rng.choice(filled[-3:]), rng.choice(filled[-3:])
            if rng.random() < 0.3:
                lines.append(f"    np.dot({x}, {y}.T, {t})")
            else:
                shift = rng.choice(["i, j", "i, j", "j, i", f"{LARGE - 1} - i, j"])
                lines += [f"    for i in range({LARGE}):", f"        for j in range({LARGE}):"]
                lines.append(f"            {t}[i, j] = {x}[{shift}] * 0.5 + {y}[i, j]")
                if t != "r" and rng.random() < 0.3:  # in the same loops, a result that nobody reads here
                    lines.append(f"            q[i, j] = {t}[i, j] + 1.0")
            filled.append(t)
        got = shared(lines, Outside(spare={"a": how}, results={"q": how, "r": how}))
        gone += len(room(lines)) - len(room(got))
        a, b = np.random.default_rng(seed).standard_normal((2, LARGE, LARGE))
        r, r2 = np.zeros((2, 2, LARGE, LARGE))
        run(lines, a.copy(), b, *r)
        run(got, a.copy(), b, *r2)
        assert np.array_equal(r[1], r2[1]), "\n".join(got)
        if any("q[" in line for line in lines):
            assert np.array_equal(r[0], r2[0]), "\n".join(got)
    assert gone > 40


def test_sizes_that_are_equal_have_one_name() -> None:
    lines = [
        "def kernel(a, b, r):",
        "    t = np.empty((b.shape[0], 3), np.float64)",
        "    for i in range(b.shape[0]):",
        "        t[i, 0] = b[i, 0]",
        "    for i in range(b.shape[0]):",
        "        r[i] = t[i, 0]",
    ]
    spare = {"a": "np.empty((a.shape[0], 3), np.float64)"}
    assert shared(lines, Outside(spare=spare)) == lines
    same = dict.fromkeys(["a.shape[0]", "b.shape[0]"], "a.shape[0]")
    assert "    t = a" in shared(lines, Outside(spare=spare, sizes=same))


@pytest.mark.parametrize(
    "body",
    [
        ["for i in range(9):", "    r[i] = a[i + 1]"],
        ["for i in range(9):", "    r[i] = a[i]", "for i in range(9):", "    b[i] = a[i]"],
        ["for i in range(9):", "    r[i] = f(a)"],
        ["v = a[1:]", "for i in range(8):", "    r[i] = v[i]"],
        ["for i in range(9):", "    a[i] = 2.0 * a[i]", "    r[i] = a[i]"],
        ["i = 0", "while i < 9:", "    r[i] = a[i]", "    i = i + 1"],
    ],
)
def test_what_stays_apart(body: list[str]) -> None:
    assert not lies_over(["def kernel(a, b, r):", *(f"    {line}" for line in body)], "a", "r")


def test_what_is_kept_is_not_shared() -> None:
    start = ["def kernel(a, r):", *(f"    {x} = np.empty((40, 40), np.float64)" for x in "st")]
    fill = ["    for i in range(40):", "        for j in range(40):", "            s[i, j] = a[i, j]"]
    then = ["    for i in range(40):", "        for j in range(40):", "            t[i, j] = v[i]"]
    lines = [*start, *fill, "    v = s[0]", *then, "    for i in range(40):", "        r[i, 0] = t[i, i]"]
    assert shared(lines) == lines
