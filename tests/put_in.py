"""Programs made at random that put arrays into containers on some of their paths, and change them after.

Lists, dicts, tuples, objects and lists of these grow on one path or in a loop; what lies in them is changed
by another name, by a view, by another container, or after paths have met. How long a list is, what a dict
holds and which array a name stands for is known at run time only.
`python tests/put_in.py 5000 [seed] [-2] [-r]` runs many (see aliasing.py).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import aliasing

N = 4
PRELUDE = '''import numpy as np


class Box:
    def __init__(self, v):
        self.v = v
        self.held = []

    def keep(self, v):
        self.held.append(v)

    def put(self, v):
        self.v = v


def bump(z, c):
    z[0] += c


def store(items, z):
    items.append(z)
    return z


def last(items, other):
    return items[-1] if items else other


'''


class Maker:
    """One program: names by kind, all of them bound on every path."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.vectors = ["x"]
        self.matrices: list[str] = []
        self.lists: list[str] = []  # of vectors
        self.pairs: list[str] = []  # lists of a vector and a number
        self.nested: list[str] = []  # lists of lists of vectors
        self.crates: list[str] = []  # lists of boxes
        self.dicts: list[str] = []  # of vectors, by the keys "a" and "b", some of which may be there
        self.tuples: list[str] = []  # of two vectors
        self.boxes: list[str] = []
        self.maybe: list[str] = []  # a vector or None
        self.count = self.depth = 0
        self.index = ""  # of the loop around

    def new(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def number(self) -> str:
        u = self.rng.choice(self.vectors)
        return self.rng.choice((f"{u}[{self.rng.randrange(N)}]", "0.5", "-0.7", f"0.2 * np.sum({u})"))

    def vector(self) -> str:
        u, w = self.rng.choice(self.vectors), self.rng.choice(self.vectors)
        return self.rng.choice((f"{u} * 0.5 + {w}", f"np.sin({u})", f"{u}.copy()", f"{u} * {self.number()}"))

    def test(self) -> str:
        if self.index and self.rng.random() < 0.6:
            return f"x[{self.index}] > {self.rng.choice((-0.6013, 0.1017, 0.5031))}"
        k = self.rng.randrange(N)
        return f"x[{k}] > {self.rng.choice((-0.9011, -0.3019, 0.2507, 0.5031, 0.9013))}"

    def alias(self) -> str:
        """What is a vector at hand, or a part of something at hand."""
        options = [*self.vectors, self.rng.choice(self.vectors), self.vector()]
        options += [f"{self.rng.choice(self.vectors)}[::-1]"]
        options += [f"{m}[{self.rng.randrange(2)}]" for m in self.matrices]
        options += [f"{t}[{self.rng.randrange(2)}]" for t in self.tuples]
        options += [f"{b}.v" for b in self.boxes]
        options += [f"last({p}, {self.rng.choice(self.vectors)})" for p in self.lists]
        options += [f"{d}.get('a', {self.rng.choice(self.vectors)})" for d in self.dicts]
        return self.rng.choice(options)

    def block(self, size: int) -> Iterator[str]:
        for _ in range(size):
            yield from self.statement()

    def inner(self, size: int, vectors: tuple[str, ...] = (), index: str = "") -> list[str]:
        """Statements that may or may not run: what they make is not known after them."""
        kept = {a: list(names) for a, names in vars(self).items() if isinstance(names, list)}
        around, self.index = self.index, index or self.index
        self.vectors += vectors
        self.depth += 1
        lines = [f"    {line}" for line in self.block(size)]
        self.depth -= 1
        self.index = around
        vars(self).update(kept)
        return lines

    def statement(self) -> Iterator[str]:
        rng = self.rng
        forms: list[Any] = [self.write] * 4 + [self.listed] * 4
        forms += [self.bound, self.made, self.keyed, self.boxed, self.tupled, self.inside, self.optional]
        if self.depth < 2:
            forms += [self.branch] * 4 + [self.loop] * 3
        yield from rng.choice(forms)()

    def branch(self) -> Iterator[str]:
        yield f"if {self.test()}:"
        yield from self.inner(self.rng.choice((1, 2, 3)))
        if self.rng.random() < 0.35:
            yield "else:"
            yield from self.inner(self.rng.choice((1, 2)))

    def loop(self) -> Iterator[str]:
        r, size = self.rng.random(), self.rng.choice((1, 2, 3))
        k = self.new("k")
        if self.lists and r < 0.3:
            e, p = self.new("e"), self.rng.choice(self.lists)
            yield f"for {e} in {p}:"
            lines = self.inner(1, (e,))
            if any(f" {p}" in line or "store" in line for line in lines):  # (it might not end)
                lines = [f"    {e} *= 0.9"]
            yield from lines
            return
        yield f"for {k} in range({self.rng.choice((2, 3))}):"
        if r > 0.85:
            yield f"    if {self.test()}:"
            yield f"        {self.rng.choice(('continue', 'break'))}"
        yield from self.inner(size, (), k)

    def write(self) -> Iterator[str]:
        u, w, i = self.rng.choice(self.vectors), self.rng.choice(self.vectors), self.rng.randrange(N)
        yield self.rng.choice(
            (f"{u}[{i}] = {self.number()}", f"{u}[{i}] += {self.number()}", f"{u} *= 0.8",
             f"{u} += 0.3 * {w}", f"{u}[1:] = 0.5 * {w}[:-1]", f"bump({u}, {self.number()})",
             f"{u}[:] = {self.vector()}")
        )  # fmt: skip

    def bound(self) -> Iterator[str]:
        known = [v for v in self.vectors if v != "x" and not v.startswith("e")]
        if known and self.rng.random() < 0.5:
            if len(known) > 1 and self.rng.random() < 0.3:
                u, w = self.rng.sample(known, 2)
                yield f"{u}, {w} = {w}, {u}"
            else:
                yield f"{self.rng.choice(known)} = {self.alias()}"
            return
        v = self.new("z")
        yield f"{v} = {self.alias()}"
        self.vectors.append(v)

    def made(self) -> Iterator[str]:
        if self.rng.random() < 0.3:
            m = self.new("m")
            yield f"{m} = np.outer(np.array([1.0, 0.5]), {self.rng.choice(self.vectors)})"
            self.matrices.append(m)
            return
        v = self.new("z")
        yield f"{v} = {self.vector()}"
        self.vectors.append(v)

    def listed(self) -> Iterator[str]:
        rng = self.rng
        if not self.lists or rng.random() < 0.12:
            p = self.new("p")
            yield f"{p} = [{rng.choice(('', '', self.alias()))}]"
            self.lists.append(p)
            return
        p, q = rng.choice(self.lists), rng.choice(self.lists)
        r = rng.random()
        if r < 0.40:
            yield f"{p}.append({self.alias()})"
        elif r < 0.45:
            yield f"{p}.insert(0, {self.alias()})"
        elif r < 0.49:
            yield f"store({p}, {self.alias()})"
        elif r < 0.53:
            yield f"{p} = {p} + [{self.alias()}]"
        elif r < 0.57:
            yield f"{p} = [{self.alias()}, {self.alias()}]"
        elif r < 0.61:
            yield f"{p} = {rng.choice((q, f'list({q})', f'{q}[:1]', f'[e for e in {q} if e[0] > 0.2103]'))}"
        elif r < 0.64 and p != q:
            yield f"{p}.extend({q})"
        elif r < 0.70:
            v = self.new("z")
            yield f"{v} = {p}.pop() if {p} else {self.alias()}"
            self.vectors.append(v)
        else:
            yield f"if {p}:"
            i, j = rng.choice((0, -1)), rng.randrange(N)
            yield "    " + rng.choice(
                (f"{p}[{i}][{j}] = {self.number()}", f"{p}[{i}] *= 0.7", f"{p}[{i}] = {self.alias()}",
                 f"{p}[{i}] += {self.vector()}", f"del {p}[{i}]")
            )  # fmt: skip

    def keyed(self) -> Iterator[str]:
        rng = self.rng
        if not self.dicts or rng.random() < 0.15:
            d = self.new("d")
            yield f"{d} = " + rng.choice(("{}", f"{{'a': {self.alias()}}}"))
            self.dicts.append(d)
            return
        d, k, r = rng.choice(self.dicts), rng.choice("ab"), rng.random()
        if r < 0.45:
            yield f"{d}['{k}'] = {self.alias()}"
        elif r < 0.55:
            yield f"{d}.setdefault('{k}', {self.alias()})[{rng.randrange(N)}] += 0.1"
        elif r < 0.62:
            yield f"{d}.pop('{k}', None)"
        elif r < 0.7:
            yield f"{d} = {rng.choice((f'dict({d})', rng.choice(self.dicts)))}"
        else:
            yield f"if '{k}' in {d}:"
            yield f"    {d}['{k}']{rng.choice(('[1] = 0.3', '[0] += x[2]', ' *= 0.7'))}"

    def boxed(self) -> Iterator[str]:
        rng = self.rng
        if not self.boxes or rng.random() < 0.15:
            b = self.new("b")
            yield f"{b} = Box({self.alias()})"
            self.boxes.append(b)
            return
        b, c = rng.choice(self.boxes), rng.choice(self.boxes)
        yield rng.choice(
            (f"{b}.v = {self.alias()}", f"{b}.v[{rng.randrange(N)}] = {self.number()}", f"{b}.v *= 0.9",
             f"{b}.put({self.alias()})", f"{b}.keep({self.alias()})", f"{b}.keep({b}.v)", f"{b} = {c}",
             f"{b}.held.append({self.alias()})")
        )  # fmt: skip

    def tupled(self) -> Iterator[str]:
        rng = self.rng
        if not self.tuples or rng.random() < 0.2:
            t = self.new("t")
            yield f"{t} = ({self.alias()}, {self.alias()})"
            self.tuples.append(t)
            return
        t = rng.choice(self.tuples)
        yield rng.choice(
            (f"{t} = ({self.alias()}, {t}[0])", f"{t} = ({t}[1], {t}[0])",
             f"{t}[{rng.randrange(2)}][{rng.randrange(N)}] += {self.number()}")
        )  # fmt: skip

    def inside(self) -> Iterator[str]:
        """Lists of pairs, of lists, of objects."""
        rng = self.rng
        which = rng.choice(("pairs", "nested", "crates"))
        names: list[str] = getattr(self, which)
        if not names:
            p = self.new("q")
            yield f"{p} = []"
            names.append(p)
        p, i = rng.choice(names), rng.randrange(N)
        r = rng.random()
        if which == "pairs":
            if r < 0.5:
                yield f"{p}.append(({self.alias()}, {self.number()}))"
            else:
                yield f"for {self.new('u')}, c in {p}:"
                yield f"    u{self.count}[{i}] *= c"
        elif which == "nested":
            if r < 0.5:
                whole = rng.choice(self.lists) if self.lists and rng.random() < 0.5 else f"[{self.alias()}]"
                yield f"{p}.append({whole})"
            else:
                yield f"if {p}:"
                yield f"    {p}[{rng.choice((0, -1))}].append({self.alias()})"
        elif r < 0.5:
            one = rng.choice(self.boxes) if self.boxes and rng.random() < 0.6 else f"Box({self.alias()})"
            yield f"{p}.append({one})"
        else:
            yield f"for b in {p}:"
            yield f"    b.v{rng.choice((f'[{i}] += 0.2', ' *= 0.9', ' = b.v * 1.1'))}"

    def optional(self) -> Iterator[str]:
        """A vector, or nothing yet."""
        rng = self.rng
        if not self.maybe:
            o = self.new("o")
            yield f"{o} = None"
            self.maybe.append(o)
        o = rng.choice(self.maybe)
        r = rng.random()
        if r < 0.4:
            yield f"if {self.test()}:"
            yield f"    {o} = {self.alias()}"
        elif r < 0.6:
            yield f"if {o} is None:"
            yield f"    {o} = {self.alias()}"
        else:
            yield f"if {o} is not None:"
            yield f"    {o}{rng.choice(('[0] += 0.4', ' *= 0.6', '[1] = x[3]'))}"

    def result(self) -> Iterator[str]:
        """Sum up all that there is; some of it is looked at in no program, so that it is dead."""
        terms = [(0.3 + 0.1 * n, v) for n, v in enumerate(self.vectors)]
        kept = [f"{c:.1f} * np.sum({v} ** 2)" for c, v in terms if self.rng.random() < 0.7]
        yield f"s = {' + '.join([*kept, 'x[0]'])}"
        for p in self.lists:
            yield f"for j, e in enumerate({p}):"
            yield "    s = s + (1 + 0.3 * j) * np.sum(e * e)"
        for m in self.matrices:
            yield f"s = s + np.sum({m}[0] * {m}[1])"
        for p in self.pairs:
            yield f"for e, c in {p}:"
            yield "    s = s + c * np.sum(e * e)"
        for p in self.nested:
            yield f"for r in {p}:"
            yield "    for e in r:"
            yield "        s = s + np.sum(e * e)"
        for p in self.crates:
            yield f"for b in {p}:"
            yield "    s = s + np.sum(b.v * b.v) + sum(np.sum(e * e) for e in b.held)"
        for d in self.dicts:
            yield f"for e in {d}.values():"
            yield "    s = s + np.sum(e * e * e)"
        for t in self.tuples:
            yield f"s = s + np.sum({t}[0] * {t}[0] * {t}[1])"
        for b in self.boxes:
            yield f"s = s + np.sum({b}.v * {b}.v) + sum(np.sum(e * e) for e in {b}.held)"
        for o in self.maybe:
            yield f"if {o} is not None:"
            yield f"    s = s + np.sum({o} * {o})"
        yield "return s"


def program(seed: int) -> tuple[str, Any]:
    """The text and the function of one program."""
    maker = Maker(seed)
    body = ["x = x * 1.0", "z = x * 2.0", "p = []"]
    maker.vectors.append("z")
    maker.lists.append("p")
    body += maker.block(maker.rng.choice((3, 4, 5, 7)))
    lines = ["def f(x):", *(f"    {line}" for line in [*body, *maker.result()])]
    text = "\n".join(lines)
    return text, aliasing.compiled(f"<put in {seed}>", PRELUDE + text + "\n")


if __name__ == "__main__":
    aliasing.main(program)
