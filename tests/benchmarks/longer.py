"""How making grows with the function: writes the second table of docs/making.md.

    python tests/benchmarks/longer.py

Functions of many lines, branches, loops, calls inside one another, arguments and fields, in three sizes, each
twice the one before; processor time from the function to its compiled gradient, the lesser of two.
"""

from __future__ import annotations

import dataclasses
import linecache
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import numpy as np

from srcdiff import grad
from srcdiff.api.specialise import forget_all

PAGE = ROOT / "docs" / "making.md"
START, END = "<!-- longer -->\n", "\n<!-- end of longer -->"

Case = tuple[Callable[..., Any], tuple[Any, ...]]


def defined(name: str, text: str) -> dict[str, Any]:
    """What a text defines; its lines can be read as those of a file."""
    path = f"<longer {name}>"
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
    found: dict[str, Any] = {"np": np, "math": math, "dataclass": dataclasses.dataclass}
    exec(compile(text, path, "exec"), found)
    return found


def function(name: str, header: str, lines: list[str], result: str) -> Any:
    body = "".join(f"    {x}\n" for line in lines for x in line.splitlines())
    return defined(name, f"def f({header}):\n{body}    return {result}\n")["f"]


def scalars(n: int) -> Case:
    lines = [f"x{i} = x{i - 1} * {1 + i % 7}.5 + math.sin(x{max(i - 3, 0)})" for i in range(1, n)]
    return function(f"scalars {n}", "x0", lines, f"x{n - 1}"), (0.3,)


def arrays(n: int) -> Case:
    lines = [f"a{i} = np.tanh(a{i - 1} * w + a{max(i - 5, 0)})" for i in range(1, n)]
    return function(f"arrays {n}", "a0, w", lines, f"np.sum(a{n - 1})"), (np.ones(4), np.ones(4))


def writes(n: int) -> Case:
    lines = [f"a[{i % 7}] = a[{(i + 1) % 7}] * {i}.5 + b[{i % 5}]" for i in range(n)]
    return function(f"writes {n}", "b", ["a = np.zeros(8)", *lines], "np.sum(a)"), (np.ones(8),)


def branches(n: int) -> Case:
    lines = [f"if x > {i}.0:\n    x = x * 1.5\nelse:\n    x = x + 0.5" for i in range(n)]
    return function(f"branches {n}", "x", lines, "x"), (0.3,)


def loops(n: int) -> Case:
    lines = ["for i in range(3):\n    s = s * 0.5 + math.sin(s) * x"] * n
    return function(f"loops {n}", "x", ["s = x", *lines], "s"), (0.3,)


def variables(n: int) -> Case:
    starts = [f"x{i} = x[{i}] * {i}.5" for i in range(n)]
    body = "".join(f"    x{i} = x{i} * 0.9 + math.sin(x{(i + 1) % n}) * 0.1\n" for i in range(n))
    result = " + ".join(f"x{i}" for i in range(n))
    return function(f"variables {n}", "x", [*starts, f"for _ in range(3):\n{body}"], result), (np.ones(n),)


def chain(n: int) -> Case:
    tests = "el".join(f"if x[0] < {i}.5:\n    y = x[1] * {i}.0 + 1\n" for i in range(n))
    return function(f"chain {n}", "x", [tests + "else:\n    y = x[0]"], "y * y"), (np.ones(2),)


def terms(n: int) -> Case:
    return function(f"terms {n}", "a", [], products([f"a[{i}]" for i in range(n)])), (np.ones(n),)


def reactions(n: int) -> Case:
    m = n // 3 + 1
    lines = [f"w = np.zeros({m})"]
    for i in range(n):
        a, b, c = i % m, (2 * i + 1) % m, (5 * i + 2) % m
        lines.append(f"k{i} = 2.5 * y[0]**0.{i % 9 + 1} * np.exp(-{i}.0 / y[0])")
        lines.append(f"q{i} = k{i} * (y[{a}] * y[{b}] - y[{c}])")
        lines += [f"w[{a}] -= q{i}", f"w[{b}] -= q{i}", f"w[{c}] += q{i}"]
    return function(f"reactions {n}", "y", lines, "np.sum(w**2)"), (np.ones(m),)


def helper(n: int) -> Case:
    lines = "".join(f"    s = s * 0.5 + h(s, x[1] * {i}.5)\n" for i in range(n))
    h = "def h(x, y):\n    z = np.sin(x) * y\n    if z > 0:\n        z = z * 2\n    return z + np.exp(-x)\n"
    return defined(f"helper {n}", f"{h}def f(x):\n    s = x[0]\n{lines}    return s\n")["f"], (np.ones(2),)


def depth(n: int) -> Case:
    heads = "".join("    " * i + f"for i{i} in range(2):\n" for i in range(n))
    inner = "".join("    " * n + line for line in ("s = s * 0.9 + math.sin(x * s)\n", "a[0] = a[0] * s\n"))
    return function(f"depth {n}", "x", ["s = x", "a = np.ones(3)", heads + inner], "s + a[0]"), (0.3,)


def calls(n: int) -> Case:
    chain = "".join(f"def g{i}(x):\n    y = x * 1.5\n    return g{i - 1}(y) + x\n" for i in range(1, n))
    text = f"def g0(x):\n    return math.sin(x)\n{chain}def f(x):\n    return g{n - 1}(x)\n"
    return defined(f"calls {n}", text)["f"], (0.3,)


def products(words: list[str]) -> str:
    return " + ".join(f"{a} * {b}" for a, b in zip(words, [*words[1:], words[0]], strict=True))


def arguments(n: int) -> Case:
    words = [f"a{i}" for i in range(n)]
    return function(f"arguments {n}", ", ".join(words), [], products(words)), tuple(0.1 * i for i in range(n))


def fields(n: int) -> Case:
    words = "".join(f"    p{i}: float\n" for i in range(n))
    body = "".join(f"    s = s + p.p{i} * p.p{(i + 1) % n}\n" for i in range(n))
    text = f"@dataclass\nclass P:\n{words}def f(p):\n    s = 0.0\n{body}    return s\n"
    found = defined(f"fields {n}", text)
    return found["f"], (found["P"](*[0.1] * n),)


CASES: dict[str, tuple[Callable[[int], Case], tuple[int, int, int]]] = {
    "lines of numbers": (scalars, (250, 500, 1000)),
    "lines of arrays": (arrays, (125, 250, 500)),
    "writes to elements": (writes, (125, 250, 500)),
    "branches, one after the other": (branches, (25, 50, 100)),
    "loops, one after the other": (loops, (25, 50, 100)),
    "branches of one `elif` chain": (chain, (20, 40, 80)),
    "variables of a loop": (variables, (20, 40, 80)),
    "terms of one sum": (terms, (100, 200, 400)),
    "reactions of five lines": (reactions, (15, 30, 60)),
    "calls of one function": (helper, (10, 20, 40)),
    "loops inside one another": (depth, (1, 2, 4)),
    "calls inside one another": (calls, (10, 20, 40)),
    "arguments": (arguments, (15, 30, 60)),
    "fields of a dataclass": (fields, (75, 150, 300)),
}


def making(f: Callable[..., Any], args: tuple[Any, ...]) -> float:
    """Milliseconds to make the gradient of a function."""
    forget_all()
    d = grad(f, wrt=tuple(range(len(args))) if len(args) > 2 else 0)
    start = time.process_time()
    d._variant(d._bind(args, {}).arguments)
    return 1e3 * (time.process_time() - start)


def table() -> str:
    rows = ["| how many | n | ms for n | ms for 2n | ms for 4n |", "|---|---|---|---|---|"]
    for name, (make, sizes) in CASES.items():
        times = [min(making(*case) for _ in range(2)) for case in map(make, sizes)]
        rows.append(f"| {name} | {sizes[0]} | " + " | ".join(f"{t:.0f}" for t in times) + " |")
        print(rows[-1], flush=True)
    return "\n".join(rows)


def main() -> None:
    start, rest = PAGE.read_text().split(START)
    PAGE.write_text(start + START + table() + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
