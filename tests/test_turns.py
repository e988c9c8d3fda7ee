"""Arrays that go round among the variables of loops: what is added to in place is nobody else's.

No program here writes to an array; its derivative does. SRCDIFF_FUZZ=n tries n programs, the usual few else.
"""

from __future__ import annotations

import os
import random

import numpy as np
import pytest

from numeric import gradient
from srcdiff import grad
from srcdiff.load import load

PROGRAMS = int(os.environ.get("SRCDIFF_FUZZ", "24"))
NAMES = ("a", "b", "c")
FOUND = (208, 420)  # were wrong once


@pytest.mark.parametrize("seed", [*FOUND, *range(1000, 1000 + PROGRAMS)])
def test_right(seed: int) -> None:
    text = program(random.Random(seed))
    f = load(text, "f", {}).__globals__["f"]
    args = tuple(np.random.default_rng(seed + k).normal(size=3) for k in range(3))
    bars = grad(f, wrt=NAMES)(*args)
    for bar, expected in zip(bars, gradient(f, args, (0, 1, 2)), strict=True):
        np.testing.assert_allclose(bar, expected, rtol=1e-6, atol=1e-8, err_msg=text)


def program(rng: random.Random) -> str:
    """Sums, products and mere names of three arrays, in loops and branches."""

    def expression() -> str:
        x, y = rng.choice(NAMES), rng.choice(NAMES)
        sums = [f"0.6 * ({x} + {y})", f"0.5 * {x} - 0.3 * {y}"]
        return rng.choice([x, x, *sums, f"np.sin({x}) * np.cos({y})", f"0.9 * {x}"])

    def statements(indent: str, deep: int) -> list[str]:
        out = []
        for _ in range(rng.randint(1, 4)):
            k = rng.random()
            if k < 0.25 and deep < 2:
                odd, count = rng.randint(0, 1), rng.randint(1, 3)
                head = f"if i % 2 == {odd}:" if k < 0.12 else f"for _ in range({count}):"
                out += [indent + head, *statements(indent + "    ", deep + 1)]
                if k < 0.06:
                    out += [f"{indent}else:", *statements(indent + "    ", deep + 1)]
            elif k < 0.45:
                p, q = rng.sample(NAMES, 2)
                out.append(f"{indent}{p}, {q} = {expression()}, {expression()}")
            else:
                out.append(f"{indent}{rng.choice(NAMES)} = {expression()}")
        return out

    lines = ["import numpy as np", "def f(a, b, c):", f"    for i in range({rng.randint(2, 4)}):"]
    return "\n".join([*lines, *statements("        ", 0), "    return np.sum(a * b) + np.sum(np.sin(c))\n"])
