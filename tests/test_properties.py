"""Random programs as source text: nested loops and branches with break and continue, arrays written in place,
recurrences and helper calls. The gradient is held against differences and against forward mode.

SRCDIFF_FUZZ=n tries n programs instead of the usual few, with fresh random choices.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

import numeric
from srcdiff import grad, jvp, value_and_grad, vjp

FUZZ = int(os.environ.get("SRCDIFF_FUZZ", "0"))
EXAMPLES = settings(
    max_examples=FUZZ or 60,
    derandomize=not FUZZ,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)

X = np.array([0.31, -0.47, 0.83, 0.59, -0.22])  # the array argument; five entries, wherever an index is drawn
W = 0.77
SIZE = len(X)
HEADER = """import math

import numpy as np


def smooth(a, b):
    return math.sin(a) * 0.7 + b * 0.3


def bent(a):
    if a > 0.4:
        return 0.5 * a + 0.2
    c = math.tanh(a)
    return c * a


def mix(v, s):
    total = 0.0
    for e in v:
        total += 0.2 * e * s
    return total


"""


class Writer:
    """Draws one program. Magnitudes stay near one: every assigned value passes through something bounded."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.lines: list[str] = []
        self.indices: list[str] = []  # loop variables in scope
        self.fresh = itertools.count()
        self.scalars = ["w", "s", "p"]

    def pick(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def index(self) -> str:
        """An index within the arrays: a constant, or a loop variable wrapped around."""
        if self.indices and self.draw(st.booleans()):
            i = self.pick(*self.indices)
            return self.pick(f"{i} % {SIZE}", f"({i} + 1) % {SIZE}", f"{SIZE - 1} - {i} % {SIZE}")
        return str(self.draw(st.integers(-SIZE, SIZE - 1)))

    def number(self) -> str:
        return str(self.draw(st.integers(2, 14)) / 10)

    def leaf(self) -> str:
        kind = self.pick("scalar", "scalar", "entry", "entry", "number", "index")
        if kind == "scalar":
            return self.pick(*self.scalars)
        if kind == "entry":
            return f"{self.pick('x', 'y', 'z')}[{self.index()}]"
        if kind == "index" and self.indices:
            return f"0.1 * {self.pick(*self.indices)}"
        return self.number()

    def expression(self, depth: int) -> str:
        """A scalar expression; products and sums only under a bounded function or a small factor."""
        if depth == 0:
            return self.leaf()
        a, b = self.expression(depth - 1), self.expression(depth - 1)
        return self.pick(
            f"math.sin({a} + {b})",
            f"math.tanh({a} * {b})",
            f"0.5 * ({a} - {b})",
            f"{a} / (1.5 + {b} ** 2)",
            f"smooth({a}, {b})",
            f"bent({a}) - 0.3 * {b}",
            f"math.exp(-({a}) ** 2)",
            f"math.sqrt(1.0 + ({a}) ** 2) * 0.4",
            f"({a} if {b} > 0.35 else 0.5 * {b})",
            f"min({a}, 0.9 * {b} + 0.123)",
        )

    def vector(self) -> str:
        return self.pick(
            "np.sin(y + w)", "x * s", "np.tanh(z) - 0.3 * x", "y[::-1] * 0.5", "0.5 * (x + z)", "np.cos(y)"
        )

    def condition(self) -> str:
        options = [f"{self.leaf()} > {self.number()}", f"{self.leaf()} * {self.leaf()} < 0.213"]
        if self.indices:
            options += [f"{self.pick(*self.indices)} % 2 == 0", f"{self.pick(*self.indices)} == 1"]
        if self.draw(st.integers(0, 4)) == 0:
            return f"{options[0]} {self.pick('and', 'or')} not {options[1]}"
        return self.pick(*options)

    def simple(self, depth: int) -> None:
        name = self.pick("s", "p")
        entry = f"{self.pick('y', 'z')}[{self.index()}]"
        low = self.draw(st.integers(0, 2))
        part = f"[{low}:{low + 3}]"
        self.line(
            depth,
            self.pick(
                f"{name} = {self.expression(2)}",
                f"{name} = {self.expression(2)}",
                f"{name} = 0.6 * {name} + 0.4 * {self.expression(1)}",
                f"{name} += 0.2 * {self.expression(1)}",
                f"{name} *= {self.expression(1)}",
                f"{name} = mix({self.pick('x', 'y', 'z')}, {self.leaf()})",
                f"s, p = p, {self.expression(1)}",
                f"{entry} = {self.expression(2)}",
                f"{entry} = {self.expression(2)}",
                f"{entry} += 0.3 * {self.expression(1)}",
                f"{entry} *= {self.expression(1)}",
                f"y{part} = 0.8 * z{part}",
                f"z{part} += 0.2 * s * x{part}",
                f"y[1:] = 0.7 * y[:-1] + {self.leaf()}",
                f"y = {self.vector()}",
                "y, z = z, y",
                "z = y.copy()",
                f"s = 0.3 * np.sum({self.pick('x', 'y', 'z')} * {self.pick('x', 'y', 'z')})",
            ),
        )

    def block(self, depth: int, nesting: int, in_loop: bool) -> None:
        for _ in range(self.draw(st.integers(1, 3))):
            kinds = ["simple", "simple"]
            if nesting:
                kinds += ["if", "for", "while"]
            if in_loop:
                kinds.append("exit")
            getattr(self, self.pick(*kinds) + "_statement")(depth, nesting, in_loop)

    def simple_statement(self, depth: int, nesting: int, in_loop: bool) -> None:
        self.simple(depth)

    def exit_statement(self, depth: int, nesting: int, in_loop: bool) -> None:
        self.line(depth, f"if {self.condition()}:")
        if self.draw(st.booleans()):
            self.simple(depth + 1)
        self.line(depth + 1, self.pick("break", "continue", "break", "continue", "return s * p + y[1]"))

    def if_statement(self, depth: int, nesting: int, in_loop: bool) -> None:
        self.line(depth, f"if {self.condition()}:")
        self.block(depth + 1, nesting - 1, in_loop)
        if self.draw(st.booleans()):
            self.line(depth, f"elif {self.condition()}:")
            self.block(depth + 1, nesting - 1, in_loop)
        if self.draw(st.booleans()):
            self.line(depth, "else:")
            self.block(depth + 1, nesting - 1, in_loop)

    def for_statement(self, depth: int, nesting: int, in_loop: bool) -> None:
        i = f"i{next(self.fresh)}"
        n = self.draw(st.integers(0, 4))
        over = self.pick(f"range({n})", f"range({n}, -1, -1)", f"range(1, {n + 1}, 2)", "x", "enumerate(x)")
        if over == "x":
            self.line(depth, f"for e{i} in x:")
            self.loop_body(depth, nesting, [], f"s += 0.2 * e{i}")
        elif over == "enumerate(x)":
            self.line(depth, f"for {i}, e{i} in enumerate(x):")
            self.loop_body(depth, nesting, [i], f"p = 0.5 * p + 0.5 * e{i}")
        else:
            self.line(depth, f"for {i} in {over}:")
            self.loop_body(depth, nesting, [i])
        if self.draw(st.integers(0, 3)) == 0:
            self.line(depth, "else:")
            self.simple(depth + 1)

    def while_statement(self, depth: int, nesting: int, in_loop: bool) -> None:
        """Counts at the top of its body, so that `continue` cannot make it endless."""
        k = f"k{next(self.fresh)}"
        self.line(depth, f"{k} = 0")
        condition = self.pick(
            f"{k} < 3", f"{k} < 4 and s * s < {self.number()}", f"{k} < 2 or (p > 0.55 and {k} < 5)"
        )
        self.line(depth, f"while {condition}:")
        self.loop_body(depth, nesting, [k], f"{k} += 1")

    def loop_body(self, depth: int, nesting: int, indices: list[str], first: str = "") -> None:
        if first:
            self.line(depth + 1, first)
        self.indices += indices
        self.block(depth + 1, nesting - 1, True)
        del self.indices[len(self.indices) - len(indices) :]

    def program(self) -> str:
        self.line(0, "def program(x, w):")
        self.line(1, "s = w * x[0]")
        self.line(1, "p = 0.3 + x[2]")
        self.line(1, self.pick("y = x.copy()", "y = x * w", "y = np.zeros_like(x)"))
        self.line(1, self.pick("z = np.ones(5)", "z = np.sin(x)", "z = x[::-1] * 1.0"))
        for _ in range(2):
            self.block(1, 3, False)
        self.line(1, "return s + 0.5 * p * s + np.sum(y * y) + 0.3 * np.sum(np.sin(z))")
        return HEADER + "\n".join(self.lines) + "\n"


@st.composite
def programs(draw: Any) -> str:
    return Writer(draw).program()


counter = itertools.count()


def load(text: str, folder: Path) -> Any:
    """Imports the text from a file of its own."""
    name = f"random_program_{next(counter)}"
    path = folder / f"{name}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.program


def reference(f: Any) -> list[Any]:
    """The gradient by differences; the example is given up where it is not smooth over two step sizes."""
    args = (X, W)
    y = numeric.call(f, args)
    assume(np.isfinite(y) and abs(y) < 1e3)
    coarse, fine = (numeric.gradient(f, args, (0, 1), h=h) for h in (numeric.STEP, numeric.STEP / 5.0))
    a, b = numeric.ravel(coarse), numeric.ravel(fine)
    assume(np.max(np.abs(a)) < 1e3 and np.max(np.abs(a - b)) < 1e-8 * (1.0 + np.max(np.abs(a))))
    return coarse


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("programs")


@EXAMPLES
@given(text=programs())
def test_random_programs(folder: Path, text: str) -> None:
    note(text)
    f = load(text, folder)
    expected = reference(f)

    y, g = value_and_grad(f, wrt=("x", "w"))(X.copy(), W)
    assert y == numeric.call(f, (X, W))
    numeric.assert_close(g, expected, 1e-7, "reverse")

    x = X.copy()
    g = grad(f, wrt=("x", "w"))(x, W)
    assert x.tobytes() == X.tobytes(), "the argument was written"
    numeric.assert_close(grad(f)(X.copy(), W), expected[0], 1e-7, "reverse in x alone")
    pullback = vjp(f, X.copy(), W)[1]
    first, second = pullback(1.0), pullback(1.0)
    assert first[0].tobytes() == second[0].tobytes(), "the pullback changed what it saved"
    numeric.assert_close(first[0], expected[0], 1e-7, "pullback")

    rng = np.random.default_rng(0)
    v, v_w = rng.normal(size=SIZE), float(rng.normal())
    same_y, y_dot = jvp(f, (X.copy(), W), (v, v_w))
    assert y == same_y
    scale = 1.0 + np.abs(g[0]) @ np.abs(v) + abs(g[1] * v_w)
    assert abs(g[0] @ v + g[1] * v_w - y_dot) <= 1e-11 * scale, "forward against reverse"


@settings(EXAMPLES, max_examples=FUZZ // 4 or 15)
@given(text=programs())
def test_random_programs_second_order(folder: Path, text: str) -> None:
    note(text)
    f = load(text, folder)
    reference(f)
    g = grad(f, wrt="x")
    v = np.random.default_rng(1).normal(size=SIZE)
    expected = numeric.directional(g, (X, W), (0,), (v,))
    fine = numeric.directional(g, (X, W), (0,), (v,), h=numeric.STEP / 5.0)
    assume(np.max(np.abs(expected - fine)) < 1e-7 * (1.0 + np.max(np.abs(expected))))
    _, forward = jvp(g, (X.copy(), W), (v, 0.0))
    numeric.assert_close(forward, expected, 1e-6, "forward over reverse")


if FUZZ == 0:

    @settings(EXAMPLES, max_examples=30)
    @given(text=programs())
    def test_generator(folder: Path, text: str) -> None:
        """The programs run: what is drawn is a valid program with a finite value."""
        assert np.isfinite(numeric.call(load(text, folder), (X, W)))
