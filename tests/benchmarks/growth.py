"""How the text of the n-th derivative grows: writes the table of docs/growth.md.

    python tests/benchmarks/growth.py

The lines are those of the emitted function without its docstring and blank lines; the time is that of making
it, best of five, from the function to the compiled derivative.
"""

from __future__ import annotations

import ast
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from srcdiff import derivative
from srcdiff.api.specialise import forget_all

PAGE = Path(__file__).parents[2] / "docs" / "growth.md"
ORDERS = range(1, 7)
AT = 0.4
RNG = np.random.default_rng(0)
W1, W2, W3 = (0.5 * RNG.normal(size=s) for s in ((8,), (8, 8), (8,)))


def tanh(x):
    return math.tanh(x)


def sine(x):
    return math.sin(x**2 + 2 * x + 1)


def mlp(x):
    h = np.tanh(W1 * x)
    h = np.tanh(W2 @ h)
    return W3 @ h


def newton(a):
    x = a
    while abs(x * x - a) > 1e-12:
        x = 0.5 * (x + a / x)
    return x


def slope(t, y):
    return -y * y + math.sin(t)


def runge_kutta(y, h=0.1):
    k1 = slope(0.0, y)
    k2 = slope(h / 2, y + h / 2 * k1)
    k3 = slope(h / 2, y + h / 2 * k2)
    k4 = slope(h, y + h * k3)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def logistic(x, r=3.7, n=10):
    for _ in range(n):
        x = r * x * (1 - x)
    return x


PROGRAMS: dict[str, Callable[..., Any]] = {
    "`tanh(x)`": tanh,
    "`sin(x**2 + 2*x + 1)`": sine,
    "a network of three layers": mlp,
    "Newton's iteration, a `while`": newton,
    "a step of Runge and Kutta": runge_kutta,
    "the logistic map, a `for`": logistic,
}


def made(f: Callable[..., Any], order: int) -> tuple[str, float]:
    """The text of a derivative, and how long it took to make it."""
    forget_all()
    start = time.perf_counter()
    d = derivative(f, order=order)
    d(AT)
    return d.source, time.perf_counter() - start


def lines_of(text: str) -> int:
    """The lines of the function in a text, without docstring and blank lines."""
    (function,) = (n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef))
    body = function.body[1:] if ast.get_docstring(function) else function.body
    lines = text.splitlines()[body[0].lineno - 1 : function.end_lineno]
    return 1 + sum(1 for line in lines if line.strip())


def operations_of(text: str) -> int:
    """The arithmetic operations in a text."""
    kinds = (ast.BinOp, ast.UnaryOp, ast.AugAssign, ast.Call)
    return sum(isinstance(n, kinds) for n in ast.walk(ast.parse(text)))


def table() -> str:
    rows = ["| lines / operations / ms to make | " + " | ".join(f"n = {n}" for n in ORDERS) + " |"]
    rows.append("|---" * (len(ORDERS) + 1) + "|")
    for name, f in PROGRAMS.items():
        cells = []
        for n in ORDERS:
            text, _ = made(f, n)
            best = min(made(f, n)[1] for _ in range(5))
            cells.append(f"{lines_of(text)} / {operations_of(text)} / {1e3 * best:.0f}")
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def main() -> None:
    text = PAGE.read_text()
    start, end = "<!-- table -->\n", "\n<!-- end -->"
    before, rest = text.split(start)
    PAGE.write_text(before + start + table() + end + rest.split(end)[1])
    print(table())


if __name__ == "__main__":
    main()
