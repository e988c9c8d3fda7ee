"""Random programs on arrays, written to in place and through arrays of integers."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np

INDEX = np.array([2, 0, 1, 3])
X, Y = np.array([0.3, -0.5, 0.7, 0.2]), np.array([1.1, 0.4, -0.6, 0.9])


def expression(r: random.Random, arrays: list[str], depth: int = 0) -> str:
    def more() -> str:
        return expression(r, arrays, depth + 1)

    forms = (
        lambda: r.choice(arrays),
        lambda: "s",
        lambda: f"({more()} * {more()})",
        lambda: f"({more()} + {more()})",
        lambda: f"({more()} - 0.3 * {more()})",
        lambda: f"np.sin({more()})",
        lambda: f"np.exp(-({more()} ** 2))",
        lambda: f"np.where({more()} > 0.1, {more()}, {more()})",
    )
    return r.choice(forms[: 2 if depth > 2 else None])()


def statement(r: random.Random, arrays: list[str], name: str) -> list[str]:
    a, b = r.choice(arrays), r.choice(arrays)
    forms = (
        lambda: [f"{name} = {a} * {expression(r, arrays)}"],
        lambda: [f"{name} = {a} * {expression(r, arrays)}"],
        lambda: [f"{a} {r.choice(['*=', '+=', '-='])} {expression(r, arrays)}"],
        lambda: [f"{name} = {a}[idx]"],
        lambda: [f"{a}[idx] = {b} * 0.7"],
        lambda: [f"np.add.at({a}, idx, {b})"],
        lambda: [f"{a}[1:] {r.choice(['=', '+=', '*='])} {b}[:-1]"],
        lambda: [f"{a}[::-1][:2] += {b}[2:]"],
        lambda: [f"s = np.sum({expression(r, arrays)} * {a})"],
        lambda: [
            f"for i in range(1, len({a})):",
            f"    {a}[i] = {a}[i] + 0.5 * np.sin({b}[i - 1])",
            f"    s = s * 0.9 + {a}[i]",
        ],
    )
    lines: list[str] = r.choice(forms)()
    if lines[0].startswith(name):
        arrays.append(name)
    return lines


def program(seed: int) -> str:
    r = random.Random(seed)
    arrays = ["x", "y"]
    lines = ["x = x.copy()", "y = y * 1.0", "s = 0.3"]
    for n in range(r.randint(4, 8)):
        lines += statement(r, arrays, f"v{n}")
    terms = " + ".join(f"{a} * {r.choice(arrays)}" for a in arrays[-4:])
    return "\n    ".join(["def f(x, y, idx):", *lines, f"return np.sum({terms}) * 0.1 + s\n"])


def made(seed: int, folder: Path) -> Any:
    return loaded(f"kernels_{seed}", program(seed), folder)


def loaded(name: str, text: str, folder: Path) -> Any:
    path = folder / f"{name}.py"
    path.write_text("import numpy as np\n\n\n" + text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module.f


def old_value_read(x: Any, y: Any, idx: Any) -> Any:
    a = x * y
    c = x * a
    a *= 2
    return np.sum(c * a)


def gathered_then_written(x: Any, y: Any, idx: Any) -> Any:
    t = x[idx]
    s = np.zeros(4)
    np.add.at(s, idx, t)
    x = x.copy()
    x[idx] = s * t
    np.add.at(s, idx, t**2)
    return s @ s + x @ t + np.sum(y)


def added_to_itself(x: Any, y: Any, idx: Any) -> Any:
    y = y * x
    np.add.at(y, idx, y)
    return np.sum(y * x)


def smooth_maximum(x: Any, y: Any, idx: Any) -> Any:
    return np.logaddexp(x, y).sum()
