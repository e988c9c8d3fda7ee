"""Random programs that leave loops in every way: ``else``, ``break``, ``continue``, ``return``.

Lists grow and shrink in them, and variables are set on some paths only.
"""

from __future__ import annotations

import random
from typing import Any

BOUNDED = (
    "np.sin({a} + {b})", "np.tanh({a} * {b})", "0.5 * ({a} - {b})", "{a} / (1.5 + {b} ** 2)",
    "np.exp(-({a}) ** 2) * {b}", "({a} if {b} > 0.35 else 0.5 * {b})", "0.4 * {a} + 0.3 * {b} * {b}",
)  # fmt: skip


class Exits:
    """Writes one program, ``program(x, w)``: a number, or an array of three of them."""

    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)
        self.lines: list[str] = []
        self.count = 0
        self.indices: list[str] = []
        self.names = ["w", "s", "p"]
        self.maybe: list[str] = []  # set on some paths
        self.left = 26
        self.several = self.r.random() < 0.35

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def name(self, base: str) -> str:
        self.count += 1
        return f"{base}{self.count}"

    def leaf(self) -> str:
        k = self.r.random()
        if k < 0.5:
            return self.r.choice(self.names)
        if k < 0.75:
            at = self.r.randrange(3)
            return f"x[{self.r.choice(self.indices)} % 3]" if self.indices and at else f"x[{at}]"
        return f"y[{self.r.randrange(3)}]" if k < 0.85 else str(round(self.r.uniform(0.2, 1.4), 2))

    def value(self, depth: int = 2) -> str:
        if depth == 0 or self.r.random() < 0.2:
            return self.leaf()
        a, b = self.value(depth - 1), self.value(depth - 1)
        return self.r.choice(BOUNDED).format(a=a, b=b)

    def test(self) -> str:
        if self.indices and self.r.random() < 0.25:
            return f"{self.r.choice(self.indices)} == {self.r.randrange(3)}"
        return f"{self.value(1)} {self.r.choice('<>')} {self.r.choice([-0.3, 0.1, 0.2, 0.35, 0.5, 0.7])}"

    def result(self) -> str:
        last = self.value(1)
        return f"return np.array([s, p, {last}])" if self.several else f"return {last} * s + p"

    def simple(self, d: int) -> None:
        k = self.r.random()
        if k < 0.35:
            self.line(d, f"{self.r.choice('sp')} = {self.value()}")
        elif k < 0.5:
            self.line(d, f"{self.r.choice('sp')} += 0.3 * {self.value()}")
        elif k < 0.62:
            self.line(d, f"y[{self.r.randrange(3)}] {self.r.choice(['=', '+=', '*='])} {self.value()}")
        elif k < 0.7:
            self.line(d, f"q.append({self.value()})")
        elif k < 0.75:
            self.line(d, "s = s + (q.pop() if q else 0.1)")
        elif k < 0.8:
            self.line(d, f"y = np.sin(y) * {self.value(1)}")
        elif k < 0.9 or not self.maybe:
            self.maybe.append(self.r.choice("abcu"))
            self.line(d, f"{self.maybe[-1]} = {self.value()}")
        else:
            self.line(d, f"s = np.tanh(s + {self.r.choice(self.maybe)})")

    def leave(self, d: int, loop: bool) -> None:
        k = self.r.random()
        self.line(d, "break" if loop and k < 0.45 else "continue" if loop and k < 0.65 else self.result())

    def block(self, d: int, nest: int, loop: bool, least: int = 1, most: int = 3) -> None:
        for _ in range(self.r.randint(least, most)):
            self.statement(d, nest, loop)
        if d > 1 and self.r.random() < 0.25:
            self.leave(d, loop)

    def statement(self, d: int, nest: int, loop: bool) -> None:
        self.left -= 1
        k = self.r.random()
        if nest == 0 or self.left < 0 or k < 0.4:
            self.simple(d)
        elif k < 0.65:
            self.line(d, f"if {self.test()}:")
            self.block(d + 1, nest - 1, loop)
            if self.r.random() < 0.2:
                self.line(d, f"elif {self.test()}:")
                self.block(d + 1, nest - 1, loop)
            if self.r.random() < 0.5:
                self.line(d, "else:")
                self.block(d + 1, nest - 1, loop)
        elif k < 0.88:
            self.for_loop(d, nest, loop)
        else:
            k_ = self.name("k")
            self.line(d, f"{k_} = 0")
            more = f" and {self.test()}" if self.r.random() < 0.5 else ""
            self.line(d, f"while {k_} < {self.r.randint(2, 4)}{more}:")
            self.line(d + 1, f"{k_} += 1")
            self.body(d, nest, loop, 0.4)

    def for_loop(self, d: int, nest: int, loop: bool) -> None:
        i, k = self.name("i"), self.r.random()
        names = self.indices if k < 0.6 else self.names
        over = f"range({self.r.randint(1, 4)})" if k < 0.6 else "x" if k < 0.8 else "list(q)"
        self.line(d, f"for {i} in {over}:")
        names.append(i)
        self.body(d, nest, loop, 0.55, names)

    def body(self, d: int, nest: int, loop: bool, often: float, names: Any = None) -> None:
        self.block(d + 1, nest - 1, True)
        if self.r.random() < 0.6:
            self.line(d + 1, f"if {self.test()}:")
            self.simple(d + 2)
            self.leave(d + 2, True)
        if self.r.random() < 0.3:
            self.simple(d + 1)
        if names is not None:
            names.pop()
        if self.r.random() < often:
            self.line(d, "else:")
            self.block(d + 1, nest - 1, loop)

    def text(self) -> str:
        self.line(0, "def program(x, w):")
        self.line(1, "s, p = 0.3, 0.1 * w")
        self.line(1, "y = x.copy()")
        self.line(1, "q = [w, x[1]]")
        self.block(1, 3, False, 2, 4)
        self.block(1, 2, False, 0, 2)
        self.line(1, self.result())
        return "import numpy as np\n\n\n" + "\n".join(self.lines) + "\n"
