"""Programs made at random in which some paths bind a name and others do not."""

from __future__ import annotations

import random

__all__ = ["program"]

NAMES = ("a", "b", "c")


class Writer:
    def __init__(self, seed: int, kernel: bool) -> None:
        self.r = random.Random(seed)
        self.kernel = kernel
        self.loops = 0
        self.lines: list[str] = []

    def value(self, index: list[str]) -> str:
        at = self.r.choice(["0", "1", "2", *index])
        made = [f"x[{at}]", f"x[{at}] * 2.0", f"s * x[{at}]"]
        if not self.kernel:
            made += [f"x * x[{at}]", f"[x[{at}], s]"]
        return self.r.choice(made)

    def condition(self, index: list[str]) -> str:
        made = [f"x[{self.r.randrange(3)}] > {self.r.choice(['0.5', '1.0'])}", "n > 1", "n == 0"]
        made += [f"{i} {self.r.choice(['== 0', '> 0', '< 2'])}" for i in index]
        return self.r.choice(made)

    def use(self, name: str) -> str:
        plain = [f"s = s + {name} * x[1]", f"s += {name}"]
        if self.kernel:
            return self.r.choice(plain)
        return f"s = s + total({name})"

    def block(self, pad: str, depth: int, index: list[str]) -> None:
        for _ in range(self.r.randint(1, 3)):
            self.statement(pad, depth, index)

    def statement(self, pad: str, depth: int, index: list[str]) -> None:
        r, name = self.r, self.r.choice(NAMES)
        sort = r.choice(["set", "set", "set", "use", "use", "del", "if", "if", "for", "leave"])
        if sort in ("if", "for") and depth == 3:
            sort = "set"
        if sort == "leave" and not index:
            sort = "use"
        if sort == "set":
            self.lines.append(f"{pad}{name} = {self.value(index)}")
        elif sort == "use":
            self.lines.append(pad + self.use(name))
        elif sort == "del":
            self.lines.append(f"{pad}del {name}" if not self.kernel else pad + self.use(name))
        elif sort == "leave":
            self.lines += [f"{pad}if {self.condition(index)}:", f"{pad}    {r.choice(['break', 'continue'])}"]
        elif sort == "if":
            self.lines.append(f"{pad}if {self.condition(index)}:")
            self.block(pad + "    ", depth + 1, index)
            if r.random() < 0.5:
                self.lines.append(f"{pad}else:")
                self.block(pad + "    ", depth + 1, index)
        else:
            self.loops += 1
            i = f"i{self.loops}"
            if r.random() < 0.7:
                self.lines.append(f"{pad}for {i} in range({r.choice(['n', 'len(x)', 'n - 1'])}):")
                self.block(pad + "    ", depth + 1, [*index, i])
            else:
                self.lines += [f"{pad}{i} = -1", f"{pad}while {i} < n - 1:", f"{pad}    {i} += 1"]
                self.block(pad + "    ", depth + 1, [*index, i])


def program(seed: int, name: str, kernel: bool = False) -> str:
    """A function of an array of three numbers and a number of trips (0 to 3); kernels have numbers only."""
    w = Writer(seed, kernel)
    w.lines += [f"def {name}(x, n):", "    s = 1.0"]
    for v in NAMES:
        pad = "    "
        if w.r.random() < 0.6:
            w.lines.append(f"    if {w.condition([])}:")
            pad += "    "
        w.lines.append(f"{pad}{v} = {w.value([])}")
    for _ in range(4):
        w.statement("    ", 0, [])
    for v in w.r.sample(NAMES, w.r.randint(1, 2)):
        w.lines.append("    " + w.use(v))
    return "\n".join([*w.lines, "    return s", ""])
