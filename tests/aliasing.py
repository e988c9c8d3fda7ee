"""Programs made at random in which names share arrays, lists, dicts and objects, and change them.

`python tests/aliasing.py 20000 [seed] [-2] [-r]` runs many (-2: their second derivatives as well; -r: print
the refusals); tests/test_aliasing.py runs some.
"""

from __future__ import annotations

import linecache
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from srcdiff import grad, jvp, vjp
from srcdiff.errors import InternalError, SrcdiffError

N = 4
PRELUDE = '''import numpy as np


class Box:
    def __init__(self, v, s):
        self.v = v
        self.s = s

    def scale(self, c):
        self.v *= c
        self.s = self.s * c + self.v[0]


def bump(z, c):
    z[0] += c
    z[1:] *= 0.9


def first(items):
    return items[0]


def store(items, z):
    items.append(z)
    return z


'''


class Maker:
    """One program: variables by kind, statements, depth."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.vectors = ["x"]
        self.matrices: list[str] = []
        self.lists: dict[str, int] = {}
        self.dicts: dict[str, list[str]] = {}
        self.boxes: list[str] = []
        self.numbers: list[str] = []
        self.count = 0
        self.depth = 0

    def new(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def pick(self, names: Any) -> str:
        return self.rng.choice(list(names))

    def number(self) -> str:
        r = self.rng.random()
        u = self.pick(self.vectors)
        if r < 0.3:
            return f"{self.rng.choice((0.5, -0.7, 1.3))}"
        if r < 0.7:
            return f"{u}[{self.rng.randrange(N)}]"
        if r < 0.8 and self.numbers:
            return self.pick(self.numbers)
        return f"0.2 * np.sum({u})"

    def vector(self) -> str:
        """An expression for a new vector."""
        u, w = self.pick(self.vectors), self.pick(self.vectors)
        return self.rng.choice(
            (f"{u} * 0.5 + {w}", f"np.sin({u})", f"{u}.copy()", f"{u} * {w}", f"{u} + {self.number()}",
             f"np.full({N}, {self.number()})", f"0.3 * {u}[::-1]", f"np.zeros({N})")
        )  # fmt: skip

    def alias(self) -> str:
        """An expression that is, or shares memory with, something at hand."""
        options = [self.pick(self.vectors)]
        options += [f"{self.pick(self.vectors)}[::-1]"]
        options += [f"{m}[{self.rng.randrange(2)}]" for m in self.matrices]
        options += [f"{m}.T[:, {self.rng.randrange(2)}]" for m in self.matrices]
        options += [f"{name}[{self.rng.randrange(n)}]" for name, n in self.lists.items() if n]
        options += [f"{d}['{k}']" for d, keys in self.dicts.items() for k in keys]
        options += [f"{b}.v" for b in self.boxes]
        options += [f"first({name})" for name, n in self.lists.items() if n]
        return self.rng.choice(options)

    def block(self, size: int) -> Iterator[str]:
        for _ in range(size):
            yield from self.statement()

    def indented(self, size: int) -> list[str]:
        """Statements that may or may not run: what they make is not known after them."""
        kept = (
            list(self.vectors), list(self.matrices), dict(self.lists),
            {d: list(k) for d, k in self.dicts.items()}, list(self.boxes), list(self.numbers),
        )  # fmt: skip
        self.depth += 1
        lines = [f"    {line}" for line in self.block(size)]
        self.depth -= 1
        self.vectors, self.matrices, self.lists, self.dicts, self.boxes, self.numbers = kept
        return lines

    def statement(self) -> Iterator[str]:
        r = self.rng.random()
        u = self.pick(self.vectors)
        i = self.rng.randrange(N)
        if r < 0.12:
            v = self.new("v")
            yield f"{v} = {self.vector()}"
            self.vectors.append(v)
        elif r < 0.24:
            v = self.new("a")
            yield f"{v} = {self.alias()}"
            self.vectors.append(v)
        elif r < 0.50:
            yield self.write(u, i)
        elif r < 0.56 and len(self.vectors) > 2:
            p, q = self.rng.sample([v for v in self.vectors if v != "x"], 2)
            yield f"{p}, {q} = {q}, {p}"
        elif r < 0.60:
            m = self.new("m")
            yield f"{m} = np.outer(np.array([1.0, 0.5]), {u})"
            self.matrices.append(m)
        elif r < 0.70:
            yield from self.with_list()
        elif r < 0.78:
            yield from self.with_dict()
        elif r < 0.86:
            yield from self.with_box()
        elif r < 0.90:
            yield f"bump({self.alias()}, {self.number()})"
        elif r < 0.93:
            s = self.new("s")
            yield f"{s} = {self.number()}"
            self.numbers.append(s)
        elif self.depth < 2 and r < 0.97:
            k = self.new("k")
            yield f"for {k} in range({self.rng.choice((1, 2, 3))}):"
            yield from self.indented(self.rng.choice((1, 2)))
        elif self.depth < 2:
            yield f"if {self.rng.choice(('np.sum(x) > 0.0', 'x[0] > 5.0'))}:"
            yield from self.indented(self.rng.choice((1, 2)))
            if self.rng.random() < 0.5:
                yield "else:"
                yield from self.indented(1)
        else:
            yield f"{u} = {self.vector()}" if u != "x" else self.write(u, i)

    def write(self, u: str, i: int) -> str:
        w = self.pick(self.vectors)
        return self.rng.choice(
            (f"{u}[{i}] = {self.number()}", f"{u}[{i}] += {self.number()}", f"{u}[1:] = 0.5 * {w}[:-1]",
             f"{u}[:2] *= {self.number()}", f"{u} *= 0.8", f"{u} += 0.3 * {w}", f"{u}[:] = {self.vector()}",
             f"{u}[[0, 2]] = {w}[:2] * 0.7", f"np.add.at({u}, [1, 1, 3], 0.2 * {w}[:3])",
             f"np.multiply({u}, 0.9, out={u})", f"{u}[::2] += {w}[1::2]")
        )  # fmt: skip

    def with_list(self) -> Iterator[str]:
        if not self.lists or self.rng.random() < 0.3:
            name = self.new("L")
            n = self.rng.choice((1, 2, 3))
            yield f"{name} = [{', '.join(self.alias() for _ in range(n))}]"
            if not self.depth:
                self.lists[name] = n
            return
        name = self.pick(self.lists)
        n = self.lists[name]
        e = self.rng.random()
        if self.depth or e < 0.35:
            yield f"{name}[{self.rng.randrange(n)}][{self.rng.randrange(N)}] = {self.number()}"
        elif e < 0.5:
            yield f"{name}.append({self.alias()})"
            self.lists[name] = n + 1
        elif e < 0.6:
            yield f"{name}[{self.rng.randrange(n)}] = {self.alias()}"
        elif e < 0.7:
            yield f"{name}.insert(0, {self.alias()})"
            self.lists[name] = n + 1
        elif e < 0.78 and n > 1:
            v = self.new("p")
            yield f"{v} = {name}.pop()"
            self.lists[name] = n - 1
            self.vectors.append(v)
        elif e < 0.88:
            r = self.new("r")
            yield f"for {r} in {name}:"
            yield f"    {r} += {self.rng.choice((0.1, -0.2))}"
        else:
            v = self.new("q")
            yield f"{v} = store({name}, {self.alias()})"
            self.lists[name] = n + 1
            self.vectors.append(v)

    def with_dict(self) -> Iterator[str]:
        if not self.dicts or self.rng.random() < 0.3:
            d = self.new("d")
            yield f"{d} = {{'p': {self.alias()}, 'q': {self.vector()}}}"
            if not self.depth:
                self.dicts[d] = ["p", "q"]
            return
        d = self.pick(self.dicts)
        k = self.pick(self.dicts[d])
        e = self.rng.random()
        if e < 0.4:
            yield f"{d}['{k}'][{self.rng.randrange(N)}] += {self.number()}"
        elif e < 0.7:
            yield f"{d}['{k}'] = {self.alias()}"
        elif e < 0.85:
            yield f"{d}['{k}'] *= 0.7"
        else:
            yield f"{d}.update({k}={self.vector()})"

    def with_box(self) -> Iterator[str]:
        if not self.boxes or self.rng.random() < 0.3:
            b = self.new("b")
            yield f"{b} = Box({self.alias()}, {self.number()})"
            if not self.depth:
                self.boxes.append(b)
            return
        b = self.pick(self.boxes)
        yield self.rng.choice(
            (f"{b}.v[{self.rng.randrange(N)}] = {self.number()}", f"{b}.v = {self.alias()}", f"{b}.v += 0.2",
             f"{b}.scale(0.6)", f"{b}.s = {b}.s * {self.number()}")
        )  # fmt: skip

    def result(self) -> str:
        terms = [f"{0.3 + 0.1 * n:.1f} * np.sum({v} ** 2)" for n, v in enumerate(self.vectors)]
        terms += [f"np.sum({m}[0] * {m}[1])" for m in self.matrices]
        terms += [f"sum(np.sum(e * e) for e in {name})" for name in self.lists]
        terms += [f"np.sum({d}['p'] * {d}['q'])" for d in self.dicts]
        terms += [f"{b}.s * np.sum({b}.v)" for b in self.boxes]
        return " + ".join([*terms, *self.numbers])


def program(seed: int) -> tuple[str, Any]:
    """The text and the function of one program."""
    maker = Maker(seed)
    body = list(maker.block(maker.rng.choice((4, 6, 9, 12))))
    lines = ["def f(x):", *(f"    {line}" for line in body), f"    return {maker.result()}"]
    text = "\n".join(lines)
    return text, compiled(f"<aliasing {seed}>", PRELUDE + text + "\n")


def compiled(file: str, text: str) -> Any:
    """The function ``f`` of a text."""
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    space: dict[str, Any] = {"__name__": "random_program"}
    exec(compile(text, file, "exec"), space)
    return space["f"]


def differences(f: Any, x: np.ndarray) -> np.ndarray:
    out = np.zeros_like(x)
    for i in range(x.size):
        e = np.zeros_like(x)
        e[i] = 1e-6
        out[i] = (f(x + e) - f(x - e)) / 2e-6
    return out


V = np.array([0.7, -0.2, 0.4, 1.0])


def twice(f: Any, x: np.ndarray, size: float) -> str:
    """What is wrong with the Hessian times a direction, by forward over reverse and reverse over reverse."""
    g = grad(f)
    with np.errstate(all="ignore"):
        expected = (g(x + 1e-6 * V) - g(x - 1e-6 * V)) / 2e-6
    if not np.all(np.isfinite(expected)) or np.abs(expected).max() > 1e6:
        return ""
    tolerance = 1e-4 * (1 + np.abs(expected).max()) + 1e-8 * size
    forward = jvp(g, (x,), (V,))[1]
    if not np.allclose(forward, expected, rtol=0, atol=tolerance):
        return f"forward over reverse {forward}, differences {expected}"
    (reverse,) = vjp(g, x)[1](V)
    if not np.allclose(reverse, forward, rtol=1e-8, atol=1e-8 * (1 + np.abs(forward).max())):
        return f"reverse over reverse {reverse}, forward over reverse {forward}"
    return ""


Programs = Callable[[int], tuple[str, Any]]


def outcome(seed: int, order: int = 1, program: Programs = program) -> tuple[str, str]:
    """How the gradient of one program comes out: right, refused, wrong, crash; and what to look at."""
    text, f = program(seed)
    x = np.array([0.3, -0.5, 0.8, 0.2])
    with np.errstate(all="ignore"):
        expected = differences(f, x)
    if not np.all(np.isfinite(expected)) or np.abs(expected).max() > 1e6:
        return "skipped", ""
    given = x.copy()
    try:
        actual = grad(f)(given)
        amiss = twice(f, x, float(np.abs(expected).max())) if order == 2 else ""
    except InternalError as e:
        return "crash", f"{text}\n{e}"
    except SrcdiffError as e:
        return "refused", f"{text}\n{e}"
    except Exception as e:  # whatever comes out of emitted text is a fault
        return "crash", f"{text}\n{type(e).__name__}: {e}"
    if not np.array_equal(given, x):
        return "wrong", f"{text}\nthe argument was changed"
    if not np.allclose(actual, expected, rtol=1e-4, atol=1e-5 * (1 + np.abs(expected).max())):
        return "wrong", f"{text}\ngradient {actual}, differences {expected}"
    if amiss:
        return "wrong", f"{text}\n{amiss}"
    return "right", ""


def main(program: Programs = program, judge: Callable[[int], tuple[str, str]] | None = None) -> None:
    """Judge many programs, and print what is amiss."""
    numbers = [int(a) for a in sys.argv[1:] if not a.startswith("-")]
    many, start = (*numbers, *(2000, 0)[len(numbers) :])
    counts: Counter[str] = Counter()
    for seed in range(start, start + many):
        what, detail = judge(seed) if judge else outcome(seed, 2 if "-2" in sys.argv else 1, program)
        counts[what] += 1
        if what in ("wrong", "crash") or (what == "refused" and "-r" in sys.argv):
            print(f"=== {seed} {what}\n{detail}\n", flush=True)
    print(dict(counts))


if __name__ == "__main__":
    main()
