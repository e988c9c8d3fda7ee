"""Ordinary numerical programs made at random: loops in loops, names that change kind, state handed round.

Nothing in them is meant to be odd. Numbers become arrays (``s = 0``, ``s = s + v``), the best so far is kept
under a test on data, histories grow, buffers are swapped, functions inside call each other; some write in
place. `python tests/everyday.py 2000 [seed] [-r] [-m]` runs many (-r: print the refusals; -m: print what is
left of a program when lines that do not matter are deleted); tests/test_everyday.py runs some.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import judging
import put_in

import aliasing

PRELUDE = """import numpy as np


class State:
    def __init__(self, q, e):
        self.q = q
        self.e = e
        self.steps = 0

    def step(self, d):
        self.q = self.q + 0.3 * d
        self.e = np.tanh(self.e + np.sum(d * self.q))
        self.steps += 1
        return self.e


def smooth(v):
    return np.tanh(v) * 0.8


def mixed(a, b, t=0.3):
    return (1 - t) * a + t * b


def descend(v, k):
    if k == 0:
        return np.sin(v)
    return np.cos(v) + 0.4 * descend(0.7 * v, k - 1)


def bounded(v, most=0.9):
    size = np.sqrt(np.sum(v * v) + 0.1)
    if size < most:
        return v
    return v * (most / size)


def newton(a, steps=4):
    y = 1.0
    for k in range(steps):
        new = 0.5 * (y + (a * a + 0.5) / y)
        if abs(new - y) < 0.003:
            break
        y = new
    return y


def advance(state, h=0.2):
    q, p = state
    p = p - h * np.sin(q)
    return q + h * p, p


def biggest(items):
    best = None
    for e in items:
        if best is None or np.sum(e) > np.sum(best):
            best = e
    return best


def total(items):
    s = 0
    for e in items:
        s = s + np.sum(e * e)
    return s


"""
REDUCES = ("np.sum", "np.mean", "np.mean", "np.sum", "0.4 * np.max", "0.4 * np.min")
WAYS = ("j", "n", "h", "r", "n", "v", "H", "3", "n", "r", "H", "j")  # see `judging.WAYS`
OF_ARRAYS = ("J", "j", "J", "3")


class Maker(put_in.Maker):
    """One program. Vectors have n entries and matrices n by n; ``wide`` are numbers or vectors."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        r = self.rng
        self.seed = seed
        self.writes = r.random() < 0.45
        self.large = r.random() < 0.12  # no loops over elements, no matrices
        self.vectors, self.numbers, self.wide, self.matrices = ["x"], ["c"], [], []
        self.histories: list[str] = []  # lists of numbers
        self.stacks: list[str] = []  # lists of vectors, one at least
        self.rows: list[str] = []  # lists of lists of numbers
        self.tables: list[str] = []  # dicts of vectors by "a" and "b"
        self.states: list[str] = []
        self.options: list[str] = []  # a vector or None
        self.indices: list[str] = []  # whole numbers below n
        self.counts: list[str] = []  # whole numbers
        self.functions: list[str] = []  # of a vector, to one
        self.sized: list[str] = []  # vectors that get longer and shorter
        self.pairs: list[str] = []  # tuples of two vectors
        self.tall: list[str] = []  # n by 2
        self.masks: list[str] = []
        self.around: set[str] = set()  # lists that are gone over
        self.loops = 0
        if not self.large:
            self.matrices = ["A"]

    # expressions

    def one(self, names: Any) -> str:
        return str(self.rng.choice(list(names)))

    def number(self, deep: int = 1) -> str:
        r = self.rng
        forms: list[Callable[[], str]] = [
            lambda: self.one(self.numbers),
            lambda: self.one(self.numbers),
            lambda: self.one(("0.5", "1.3", "-0.7", "2", "np.float64(0.3)")),
            lambda: f"{self.one(REDUCES)}({self.one(self.vectors)})",
        ]
        if self.wide:
            forms.append(lambda: f"np.{self.one(('sum', 'mean', 'max'))}({self.one(self.wide)})")
        if self.indices:
            forms += [lambda: f"{self.one(self.vectors)}[{self.one(self.indices)}]"] * 3
            if self.matrices:
                forms.append(
                    lambda: f"{self.one(self.matrices)}[{self.one(self.indices)}, {self.one(self.indices)}]"
                )
        if self.histories:
            h = self.one(self.histories)
            forms += [
                lambda: f"{h}[-1]",
                lambda: f"sum({h})",
                lambda: f"max({h})",
                lambda: f"len({h})",
                lambda: f"np.mean({h})",
                lambda: f"np.array({h})[0]",
            ]
        if self.stacks:
            forms.append(lambda: f"0.2 * total({self.one(self.stacks)})")
        if self.rows:
            forms.append(lambda: f"sum(sum(r) for r in {self.one(self.rows)})")
        if self.states:
            forms += [
                lambda: f"{self.one(self.states)}.e",
                lambda: f"{self.one(self.states)}.step({self.vector(0)})",
            ]
        if self.sized:
            u = self.one(self.sized)
            forms += [
                lambda: f"{u}.sum()",
                lambda: f"np.sum({u} * {u})",
                lambda: f"0.1 * len({u})",
                lambda: f"np.sum(np.sin({u}[1:]))",
                lambda: f"np.sum({u}[::2])",
                lambda: f"({u} @ {u})",
            ]
        if self.tall:
            b = self.one(self.tall)
            forms += [
                lambda: f"np.mean({b})",
                lambda: f"{b}.sum(axis=0)[1]",
                lambda: f"np.sum({b}[:, 0] * {b}[:, 1])",
                lambda: f"({b}.T @ {b})[0, 1]",
                lambda: f"np.linalg.norm({b} + 1.0)",
                lambda: f"np.sum(np.max({b}, axis=1))",
            ]
        if self.masks:
            forms += [
                lambda: f"np.sum({self.one(self.vectors)}[{self.one(self.masks)}])",
                lambda: f"np.sum({self.one(self.masks)})",
            ]
        if self.counts:
            forms.append(lambda: f"0.1 * {self.one(self.counts)}")
        if deep:
            n = self.number
            forms += [
                lambda: f"np.{self.one(('sin', 'tanh', 'cos'))}({n(0)} + {n(0)})",
                lambda: f"0.5 * {n(0)} - 0.3 * {n(0)}",
                lambda: f"{n(0)} / (1.5 + {n(0)} ** 2)",
                lambda: f"({n(0)} if {self.test()} else {n(0)})",
                lambda: f"np.dot({self.vector(0)}, {self.vector(0)})",
                lambda: f"{self.one(('max', 'min'))}({n(0)}, {n(0)})",
                lambda: f"abs({n(0)})",
                lambda: f"mixed({n(0)}, {n(0)})",
                lambda: f"np.sqrt(1.0 + ({n(0)}) ** 2)",
                lambda: f"newton({n(0)})",
                lambda: f"newton({n(0)}, {self.one((1, 2))})",
                lambda: f"sum(e * e for e in {self.vector(0)})",
                lambda: f"{self.vector(0)}[np.argmax({self.vector(0)})]",
                lambda: (
                    f"np.sum(np.abs({self.vector(0)}[:, None] - {self.vector(0)}))"
                    if not self.large
                    else "0.3"
                ),
                lambda: f"sum([a * b for a, b in zip({self.vector(0)}, {self.vector(0)})])",
                lambda: f"np.prod(1.0 + 0.1 * np.tanh({self.vector(0)}))",
                lambda: f"np.var({self.vector(0)})",
                lambda: f"np.sum({self.vector(0)}, where={self.vector(0)} > 0.1017)",
                lambda: f"max([abs(e) for e in {self.vector(0)}])" if not self.large else "0.2",
                lambda: f"float({self.one(self.numbers)})",
                lambda: f"np.linalg.norm({self.vector(0)} + 2.0)",
                lambda: f"{self.vector(0)}.sum()",
            ]
            if self.matrices:
                m = self.one(self.matrices)
                forms += [
                    lambda: f"np.trace({m})",
                    lambda: f"np.sum({m}, axis=0).max()",
                    lambda: f"({m} ** 2).mean()",
                    lambda: f"{m}.T[0].sum()",
                ]
        return r.choice(forms)()

    def vector(self, deep: int = 1) -> str:
        v, n = self.vector, self.number
        forms: list[Callable[[], str]] = [lambda: self.one(self.vectors)] * 2
        if self.stacks:
            forms += [lambda: f"{self.one(self.stacks)}[{self.one((0, -1, -1))}]"]
        if self.tables:
            forms += [lambda: f"{self.one(self.tables)}['{self.one('ab')}']"]
        if self.states:
            forms += [lambda: f"{self.one(self.states)}.q"]
        if deep:
            d = deep - 1
            forms += [
                lambda: f"np.{self.one(('sin', 'tanh', 'cos', 'abs'))}({v(d)})",
                lambda: f"0.5 * {v(d)} - 0.3 * {v(d)}",
                lambda: f"{v(d)} * {v(d)}",
                lambda: f"{v(d)} + {n(0)}",
                lambda: f"{n(0)} * {v(d)}",
                lambda: f"{v(d)} - {n(0)}",
                lambda: f"smooth({v(d)})",
                lambda: f"mixed({v(d)}, {v(d)})",
                lambda: f"descend({v(d)}, {self.one((0, 1, 2))})",
                lambda: f"np.where({v(0)} > {self.one((0.1017, -0.2013))}, {v(d)}, {self.one((v(0), n(0)))})",
                lambda: f"np.maximum({v(d)}, {self.one((v(0), n(0), 0.0517))})",
                lambda: f"np.clip({v(d)}, -0.5013, 0.7017)",
                lambda: f"{v(d)} / (1.0 + {v(0)} ** 2)",
                lambda: f"{v(d)}[::-1]",
                lambda: f"np.roll({v(d)}, 1)",
                lambda: f"np.cumsum({v(d)}) * 0.3",
                lambda: f"({v(d)}).copy()",
                lambda: f"{n(0)} * np.ones(n)",
                lambda: "np.zeros(n)",
                lambda: "np.arange(n) * 0.1",
                lambda: f"np.zeros_like({v(0)})",
                lambda: f"-{v(0)}",
                lambda: f"bounded({v(d)})",
                lambda: f"bounded({v(d)}, {n(0)})",
                lambda: f"np.sort({v(d)})",
                lambda: f"{v(d)}[np.argsort({v(0)})]",
                lambda: f"np.array([{n(0)} * e for e in {v(0)}])" if not self.large else "np.ones(n)",
                lambda: f"biggest([{v(0)}, {v(0)}])",
                lambda: f"(lambda z, k=2: k * z)({v(d)})",
                lambda: f"np.einsum('i,i->i', {v(0)}, {v(0)})",
                lambda: f"np.interp({v(0)}, [-1.0, 0.0, 1.5], [0.1, 0.5, 2.0])",
                lambda: f"np.concatenate([{v(0)}[1:], {v(0)}[:1]])",
                lambda: f"np.full(n, {n(0)})",
            ]
            if self.wide:
                forms += [
                    lambda: f"({self.one(self.wide)} + {v(d)})",
                    lambda: f"{self.one(self.wide)} * {v(d)}",
                ] * 2
            if self.pairs:
                q = self.one(self.pairs)
                forms += [lambda: f"{q}[0]", lambda: f"{q}[1]", lambda: f"advance({q})[1]"]
            if self.tall:
                b = self.one(self.tall)
                forms += [
                    lambda: f"{b}[:, 0]",
                    lambda: f"{b}.sum(axis=1)",
                    lambda: f"{b} @ np.array([0.5, -0.2])",
                    lambda: f"{b}.T[1]",
                    lambda: f"{b}.ravel()[:n]",
                    lambda: f"({b} ** 2).mean(axis=-1)",
                    lambda: f"{b}.reshape(2, n)[1]",
                ]
            if self.masks:
                forms += [
                    lambda: f"np.where({self.one(self.masks)}, {v(d)}, {v(0)})",
                    lambda: f"{v(d)} * {self.one(self.masks)}",
                ]
            if self.functions:
                forms += [lambda: f"{self.one(self.functions)}({v(d)})"] * 3
            if self.stacks:
                forms += [
                    lambda: f"np.stack({self.one(self.stacks)}).{self.one(('mean', 'sum', 'max'))}(axis=0)",
                    lambda: f"sum({self.one(self.stacks)})",
                ]
            if self.matrices:
                m = self.one(self.matrices)
                forms += [
                    lambda: f"0.4 * {m} @ {v(d)}",
                    lambda: f"0.4 * {v(d)} @ {m}",
                    lambda: f"{m}.sum(axis={self.one((0, 1))})",
                    lambda: f"np.diag({m}).copy()",
                    lambda: f"np.linalg.solve({m} * 0.1 + 3.0 * np.eye(n), {v(d)})",
                    lambda: f"0.3 * {m}.T @ {v(d)}",
                    lambda: f"np.max({m}, axis=1)",
                    lambda: f"({m} * {v(d)}[:, None]).mean(axis=0)",
                ] * 2
                if self.indices:
                    i = self.one(self.indices)
                    forms += [lambda: f"{m}[{i}]", lambda: f"{m}[:, {i}]", lambda: f"{m}.T[{i}]"] * 2
        return self.rng.choice(forms)()

    def matrix(self) -> str:
        m, v = self.one(self.matrices), self.vector
        return self.one(
            (
                f"0.5 * {m} @ {self.one(self.matrices)}",
                f"np.outer({v()}, {v(0)})",
                f"{m}.T",
                f"{m} + {v()}",
                f"{m} * {v(0)}[:, None]",
                f"np.tanh({m})",
                f"{m} - {self.number(0)} * np.eye(n)",
                f"0.5 * ({m} + {m}.T)",
                f"{m}.copy()",
                f"{m}.reshape(-1).reshape(n, n).T",
                f"np.where({m} > 0.1017, {m}, 0.3 * {m})",
                "np.zeros((n, n))",
                f"np.diag({v()})",
            )
        )

    def whatever(self) -> str:
        return self.number() if self.rng.random() < 0.4 else self.vector()

    def test(self) -> str:
        r = self.rng.random()
        if self.indices and r < 0.25:
            return f"{self.one(self.indices)} {self.one(('% 2 == 0', '> 0', '== 1', '< n - 1'))}"
        if r < 0.35 and self.counts:
            return f"{self.one(self.counts)} > {self.one((0, 1, 2))}"
        return f"{self.number(0)} {self.one('<>')} {self.one((-0.3019, 0.1017, 0.2507, 0.5031, 0.9013))}"

    # statements

    def inner(self, size: int, vectors: tuple[str, ...] = (), index: str = "", **more: str) -> list[str]:
        kept = {a: list(names) for a, names in vars(self).items() if isinstance(names, list)}
        self.vectors += vectors
        for names, name in more.items():
            getattr(self, names).append(name)
        self.depth += 1
        lines = [f"    {line}" for line in self.block(size)]
        self.depth -= 1
        vars(self).update(kept)
        return lines

    def statement(self) -> Iterator[str]:
        forms: list[Any] = [self.numbered] * 3 + [self.vectored] * 4 + [self.widened] * 3 + [self.swapped] * 2
        forms += [self.resized] * 2 + [self.paired, self.made_tall, self.masked]
        forms += [self.listed] * 2 + [self.optional, self.stated, self.keyed, self.lists_inside]
        if self.matrices:
            forms += [self.matrixed] * 2
        if self.writes:
            forms += [self.write] * 6
        if self.depth < 3 and self.loops < 5:
            forms += [self.branch] * 3 + [self.best] * 2 + [self.loop] * (7 if self.depth < 2 else 3)
        if not self.depth and len(self.functions) < 3:
            forms += [self.function] * 2
        yield from self.rng.choice(forms)()

    def bind(self, names: list[str], stem: str, value: str) -> Iterator[str]:
        """An old name or a new one."""
        known = [v for v in names if v not in ("x", "c", "A") or self.rng.random() < 0.2]
        known = [v for v in known if v[0] != "e"]
        if known and self.rng.random() < 0.7:
            name = self.one(known)
            if self.rng.random() < 0.25 and name in value and names is not self.matrices:
                yield f"old = {name}"
                value = f"{value} + 0.2 * old"
            yield f"{name} = {value}"
            return
        name = self.new(stem)
        yield f"{name} = {value}"
        names.append(name)

    def numbered(self) -> Iterator[str]:
        if self.rng.random() < 0.3:
            yield f"{self.one(self.numbers)} {self.one(('+=', '-=', '*='))} 0.3 * {self.number()}"
            return
        yield from self.bind(self.numbers, "s", self.number())

    def vectored(self) -> Iterator[str]:
        yield from self.bind(self.vectors, "v", self.vector())

    def matrixed(self) -> Iterator[str]:
        yield from self.bind(self.matrices, "m", self.matrix())

    def widened(self) -> Iterator[str]:
        """A number that becomes an array."""
        if not self.wide or self.rng.random() < 0.3:
            name = self.new("w")
            yield f"{name} = {self.one((0, 0.0, 1, 'c', self.number(0), 'np.float64(0.5)', self.vector(0)))}"
            self.wide.append(name)
            return
        w = self.one(self.wide)
        value = self.whatever()
        forms = [
            f"{w} = {w} + {value}",
            f"{w} = {value}",
            f"{w} = np.tanh({w} * {value})",
            f"{w} = 0.5 * {w} - {value}",
            f"{w} = {self.one(self.wide)}",
            f"{w} = np.sin({w})",
            f"{w} = {w} * {self.number(0)}",
            f"{w} = mixed({w}, {value})",
        ]
        if self.writes:
            forms += [f"{w} = {self.one(self.vectors)}.copy()", f"{w} *= 0.7"]
        yield self.one(forms)

    def swapped(self) -> Iterator[str]:
        names = self.one(("vectors", "numbers", "wide", "matrices"))
        known = [v for v in getattr(self, names) if v[0] != "e"]
        if len(known) < 2:
            yield from self.vectored()
            return
        a, b = self.rng.sample(known, 2)
        other = {
            "vectors": self.vector,
            "numbers": self.number,
            "wide": self.whatever,
            "matrices": lambda: "A",
        }[names]()
        yield self.one(
            (
                f"{a}, {b} = {b}, {a}",
                f"{a}, {b} = {b}, 0.6 * {a} + 0.3 * {other}",
                f"{a}, {b} = {other}, {a}",
                f"{a} = {b}",
            )
        )

    def function(self) -> Iterator[str]:
        """A function inside, which sees what is around it and may call those before it."""
        g = self.new("g")
        kept = {a: list(names) for a, names in vars(self).items() if isinstance(names, list)}
        writes, loops, self.writes = self.writes, self.loops, False
        for names in (
            "histories",
            "stacks",
            "rows",
            "tables",
            "states",
            "options",
            "sized",
            "pairs",
            "tall",
            "masks",
        ):
            setattr(self, names, [])
        self.numbers, self.vectors = [v for v in self.numbers if v != "c"] + ["c"], [*self.vectors, "y"]
        body = [f"    t = {self.vector()}"]
        self.vectors, self.wide, self.matrices = ["t", "y"], [], [m for m in self.matrices if m == "A"]
        self.numbers = ["k"]
        body += ["    k = np.sum(t)", *(f"    {line}" for line in self.block(self.rng.choice((0, 0, 1, 2))))]
        body.append(f"    return {self.vector()}")
        vars(self).update(kept)
        self.writes, self.loops = writes, loops
        self.functions.append(g)
        yield f"def {g}(y):"
        yield from body

    def listed(self) -> Iterator[str]:
        names, stem, value = (
            (self.histories, "h", self.number) if self.rng.random() < 0.5 else (self.stacks, "p", self.vector)
        )
        if not names or self.rng.random() < 0.15:
            name = self.new(stem)
            yield f"{name} = [{value()}]"
            names.append(name)
            return
        p = self.one(names)
        if p in self.around:
            yield from self.vectored()
            return
        forms = [f"{p}.append({value()})"] * 4 + [
            f"{p} = {p} + [{value()}]",
            f"{p} = [{value()}]",
            f"{p} = [0.5 * e for e in {p}]",
            f"{p} = {p}[-2:]",
        ]
        if self.writes:
            forms += [f"{p}[-1] = {value()}", f"{p}[0] = {p}[-1] * 0.5"]
        yield self.one(forms)

    def lists_inside(self) -> Iterator[str]:
        if not self.rows or self.rng.random() < 0.2:
            name = self.new("r")
            yield f"{name} = [[{self.number(0)}]]"
            self.rows.append(name)
            return
        p = self.one(self.rows)
        yield self.one(
            (
                f"{p}.append([{self.number()}, {self.number(0)}])",
                f"{p}[-1].append({self.number()})",
                f"{p}[0][0] = {self.number()}",
            )
        )

    def keyed(self) -> Iterator[str]:
        if not self.tables:
            name = self.new("d")
            yield f"{name} = {{'a': {self.vector()}, 'b': {self.vector(0)}}}"
            self.tables.append(name)
            return
        d = self.one(self.tables)
        yield self.one(
            (
                f"{d}['a'] = {self.vector()}",
                f"{d}['b'] = {d}['a'] * 0.5 + {self.vector(0)}",
                f"{d} = {{k: np.sin(e) for k, e in {d}.items()}}",
                f"{d}['a'], {d}['b'] = {d}['b'], {d}['a']",
            )
        )

    def stated(self) -> Iterator[str]:
        if not self.states:
            name = self.new("o")
            yield f"{name} = State({self.vector()}, {self.one((self.number(), '0.0', '0'))})"
            self.states.append(name)
            return
        o = self.one(self.states)
        yield self.one(
            (
                f"{o}.step({self.vector()})",
                f"{o}.q = {self.vector()}",
                f"{o}.e = {o}.e * 0.5 + {self.number(0)}",
                f"{o} = State({o}.q * 0.5, {o}.e)",
            )
        )

    def resized(self) -> Iterator[str]:
        if not self.sized:
            name = self.new("u")
            v, k = self.vector(0), self.number(0)
            new = self.one((self.vector(), f"{v}[1:]", f"np.append({v}, {k})", f"np.array([{k}])"))
            yield f"{name} = {new}"
            self.sized.append(name)
            return
        u = self.one(self.sized)
        yield f"{u} = " + self.one(
            (
                f"{u}[1:]",
                f"{u}[:-1] * {self.number(0)}",
                f"np.append({u}, {self.number(0)})",
                f"np.concatenate([{u}, {self.vector(0)}])",
                f"0.5 * ({u}[1:] + {u}[:-1])",
                f"np.sin({u}) + {self.number(0)}",
                f"{u} * {u}",
                f"{u}[::-1]",
                f"{u}[{u} > 0.1017]",
                f"np.diff({u})",
                f"{u}[::2]",
                f"np.array([{self.number(0)}, {self.number(0)}])",
                f"np.cumsum({u})",
            )
        )

    def paired(self) -> Iterator[str]:
        if not self.pairs:
            name = self.new("t")
            yield f"{name} = ({self.vector()}, {self.vector(0)})"
            self.pairs.append(name)
            return
        q = self.one(self.pairs)
        yield self.one(
            (
                f"{q} = advance({q})",
                f"{q} = ({q}[1], {self.vector()})",
                f"{q} = advance({q}, {self.number(0)})",
                f"{q} = ({q}[0] * 0.5, {q}[0])",
                f"{q} = tuple(0.6 * e for e in {q})",
            )
        )

    def made_tall(self) -> Iterator[str]:
        if not self.tall or self.rng.random() < 0.15:
            name = self.new("b")
            v = self.vector
            yield f"{name} = " + self.one(
                (
                    f"np.stack([{v()}, {v(0)}], axis=1)",
                    f"np.column_stack([{v()}, {v(0)}])",
                    "np.zeros((n, 2))",
                    f"np.array([{v()}, {v(0)}]).T",
                    f"np.outer({v()}, np.array([1.0, 0.5]))",
                    f"np.concatenate([{v()}, {v(0)}]).reshape(n, 2)",
                )
            )
            self.tall.append(name)
            return
        b, v = self.one(self.tall), self.vector
        forms = [
            f"{b} = np.tanh({b}) + {v()}[:, None]",
            f"{b} = {b}[::-1]",
            f"{b} = {b} * {self.number(0)}",
            f"{b} = {b} - {b}.mean(axis=0)",
            f"{b} = {b}[:, ::-1]",
            f"{b} = {b} @ np.array([[0.5, 0.1], [-0.3, 0.7]])",
            f"{b} = {b} / (1.0 + np.sum({b} * {b}, axis=1, keepdims=True))",
            f"{b} = np.where({b} > 0.1017, {b}, 0.5 * {b})",
            f"{b} = np.concatenate([{b}[1:], {b}[:1]])",
            f"{b} = np.maximum({b}, {v()}[:, None])",
        ]
        if self.writes:
            forms += [
                f"{b}[:, 0] = {v()}",
                f"{b}[:, 1] += {v(0)}",
                f"{b}[1:] *= 0.5",
                f"{b}[:, 0], {b}[:, 1] = {v()}, {v(0)}",
            ]
            if self.indices:
                i = self.one(self.indices)
                forms += [
                    f"{b}[{i}, 0] = {self.number()}",
                    f"{b}[{i}] = {b}[n - 1 - {i}] * 0.5",
                    f"{b}[{i}] += {self.number(0)}",
                    f"{b}[{i}, :] *= {v(0)}[{i}]",
                ]
        yield self.one(forms)

    def masked(self) -> Iterator[str]:
        name = self.one(self.masks) if self.masks and self.rng.random() < 0.5 else self.new("k")
        u, v = self.vector(0), self.vector(0)
        tests = (f"{u} > 0.1017", f"np.abs({u}) < {self.number(0)}", f"({u} > -0.2013) & ({v} < 0.7019)")
        yield f"{name} = {self.one(tests)}"
        if name not in self.masks:
            self.masks.append(name)

    def optional(self) -> Iterator[str]:
        if not self.options:
            name = self.new("best")
            yield f"{name} = None"
            self.options.append(name)
            return
        o, r = self.one(self.options), self.rng.random()
        if r < 0.4:
            yield f"if {o} is None:"
            yield f"    {o} = {self.vector()}"
            if r < 0.2:
                yield "else:"
                yield f"    {o} = 0.5 * {o} + {self.vector()}"
        elif r < 0.6:
            yield f"{o} = {self.one((self.vector(), self.vector(), None))}"
        else:
            yield f"if {o} is not None:"
            yield from (
                f"    {line}" for line in self.bind(self.vectors[:1], "v", f"0.5 * {o} + {self.vector(0)}")
            )

    def write(self) -> Iterator[str]:
        u, v = self.one(self.vectors), self.vector
        forms = [
            f"{u} *= {self.number(0)}",
            f"{u} += 0.3 * {v()}",
            f"{u} -= {v(0)}",
            f"{u}[1:-1] = 0.5 * ({u}[2:] + {u}[:-2])",
            f"{u}[1:] += 0.3 * {v(0)}[:-1]",
            f"{u}[:] = {v()}",
            f"{u}[{u} > 0.3011] *= 0.5",
            f"{u}[{v(0)} < 0.1017] = {self.number(0)}",
            f"{u}[::2] = {self.number(0)}",
            f"{u}[:1] = {self.number(0)}",
            f"np.multiply({u}, 0.5, out={u})",
        ]
        if self.indices:
            i = self.one(self.indices)
            forms += [
                f"{u}[{i}] = {self.number()}",
                f"{u}[{i}] += {self.number()}",
                f"{u}[{i}] *= {self.number(0)}",
                f"{u}[{i}], {u}[n - 1 - {i}] = {u}[n - 1 - {i}], {u}[{i}]",
            ] * 2
        if self.matrices:
            m = self.one(self.matrices)
            forms += [
                f"{m}[:, 0] = {v()}",
                f"{m} *= 0.6",
                f"{m} += np.outer({v(0)}, {v(0)})",
                f"{m}[{m} > 0.3011] = 0.2",
                f"{m}.T[:] = {m}.copy()",
            ]
            if self.indices:
                i = self.one(self.indices)
                forms += [
                    f"{m}[{i}] = {v()}",
                    f"{m}[:, {i}] += {v(0)}",
                    f"{m}[{i}, {i}] = {self.number()}",
                    f"{m}[{i}] *= 0.5",
                    f"{m}[{i}, :{i}] = {m}[:{i}, {i}]",
                ] * 2
        yield self.one(forms)

    def branch(self) -> Iterator[str]:
        yield f"if {self.test()}:"
        yield from self.inner(self.rng.choice((1, 2, 2)))
        r = self.rng.random()
        if r < 0.15:
            yield f"elif {self.test()}:"
            yield from self.inner(self.rng.choice((1, 2)))
        if r < 0.45:
            yield "else:"
            yield from self.inner(self.rng.choice((1, 2)))

    def best(self) -> Iterator[str]:
        """The best so far, under a test on data."""
        v = self.one([v for v in self.vectors if v[0] != "e"])
        s = self.one(self.numbers)
        yield f"new = {self.vector()}"
        yield f"if np.sum(new * {self.vector(0)}) {self.one('<>')} {self.one((s, '0.2013'))}:"
        yield f"    {v} = new"
        if self.rng.random() < 0.6:
            yield f"    {s} = np.sum(new * new)"

    def loop(self) -> Iterator[str]:
        r = self.rng
        self.loops += 1
        i, e, size = self.new("i"), self.new("e"), r.choice((1, 2, 2, 3))
        few = [
            f"for {i} in range({self.one((2, 3, 3, 0, 1))}):",
            f"for {i} in range(min(4, int(1.3 + abs({self.number(0)})))):",
            f"for {i} in range(3, 0, -1):",
            f"for {i} in (0, 1, 1):",
            f"for {i} in range({self.one((0, 1))}, 5, 2):",
        ]
        k = r.random()
        body: list[str] = []
        if k < 0.3 or (self.large and k < 0.8):
            head, more = self.one(few), {"counts": i}
        elif k < 0.55:
            head, more = (
                self.one(
                    (
                        f"for {i} in range(n):",
                        f"for {i} in range(n):",
                        f"for {i} in range(1, n):",
                        f"for {i} in range(n - 1, -1, -1):",
                        f"for {i} in range(0, n, 2):",
                        f"for {i} in range(n // 2):",
                        f"for {i} in reversed(range(n)):",
                    )
                ),
                {"indices": i},
            )
            outer = [j for j in self.indices if self.rng.random() < 0.5]
            if outer:
                j = outer[0]
                head = f"for {i} in range({self.one((j, f'{j} + 1', f'{j}, n', f'n - {j}'))}):"
        elif k < 0.62 and not self.large:
            head, more = f"for {i}, {e} in enumerate({self.one(self.vectors)}):", {"indices": i, "numbers": e}
        elif k < 0.68 and not self.large:
            e2 = self.new("e")
            head, more = (
                f"for {e}, {e2} in zip({self.one(self.vectors)}, {self.vector()}):",
                {"numbers": e, "wide": e2},
            )
        elif k < 0.74 and self.matrices:
            head, more = f"for {e} in {self.one(self.matrices)}:", {"vectors": e}
        elif k < 0.80 and self.stacks:
            p = self.one(self.stacks)
            head, more = self.one((f"for {e} in {p}:", f"for {i}, {e} in enumerate({p}):")), {"vectors": e}
            body = self.gone_over(p, size, more)
        elif k < 0.84 and self.histories:
            p = self.one(self.histories)
            head, more = f"for {e} in {p}:", {"numbers": e}
            body = self.gone_over(p, size, more)
        elif k < 0.87 and self.tables:
            d = self.one(self.tables)
            head, more = (
                self.one((f"for {i}, {e} in {d}.items():", f"for {e} in {d}.values():")),
                {"vectors": e},
            )
            body = [f"    {self.one(self.vectors[:1])} = 0.4 * {e} + {self.vector()}"]
        else:
            yield f"{i} = 0"
            u = self.one([v for v in self.vectors if v[0] != "e"])
            yield self.one(
                (
                    f"while {i} < {self.one((2, 3, 4))}:",
                    f"while {i} < 4 and np.sum({u} * {u}) > 0.2017:",
                    f"while {i} < 3 and {self.test()}:",
                )
            )
            yield f"    {i} += 1"
            body = self.inner(size, counts=i)
            yield from self.ways_out(body)
            return
        yield head
        named = more.pop("vectors", None)
        yield from self.ways_out(body or self.inner(size, (named,) if named else (), **more))
        if self.rng.random() < 0.08:
            yield "else:"
            yield from self.inner(1)

    def gone_over(self, p: str, size: int, more: dict[str, str]) -> list[str]:
        self.around.add(p)
        body = self.inner(
            size,
            **{},
            **({"vectors": (more["vectors"],)} if "vectors" in more else {"numbers": more["numbers"]}),
        )
        self.around.discard(p)
        return body

    def ways_out(self, body: list[str]) -> Iterator[str]:
        r = self.rng.random()
        if r < 0.3:
            tops = [
                k
                for k, line in enumerate(body)
                if not line.startswith("     ") and not line.strip().startswith(("else", "elif"))
            ]
            at = self.one(tops)
            way = self.one(
                ("break", "continue", "break", f"return {self.end()}" if self.depth < 2 else "break")
            )
            yield from body[: int(at)]
            yield f"    if {self.test()}:"
            yield f"        {way}"
            yield from body[int(at) :]
            return
        yield from body

    def end(self) -> str:
        if self.vectorial:
            return self.vector(2)
        return self.number()

    @property
    def vectorial(self) -> bool:
        return self.seed % 4 == 3

    def result(self) -> Iterator[str]:
        r = self.rng
        terms = [
            f"{0.3 + 0.1 * k:.1f} * np.sum({v} * {v})"
            for k, v in enumerate([*self.vectors, *self.wide])
            if r.random() < 0.75
        ]
        terms += [s for s in self.numbers if r.random() < 0.75]
        terms += [f"0.1 * np.sum({m} * {m})" for m in self.matrices if r.random() < 0.75]
        terms += [f"0.5 * sum({h})" for h in self.histories] + [f"0.3 * total({p})" for p in self.stacks]
        terms += [f"0.2 * np.sum({u} * {u})" for u in self.sized] + [
            f"0.3 * np.sum({b} * {b})" for b in self.tall
        ]
        terms += [f"np.sum({q}[0] * {q}[1])" for q in self.pairs]
        terms += [f"sum(sum(r) for r in {p})" for p in self.rows] + [
            f"np.sum({d}['a'] * {d}['b'])" for d in self.tables
        ]
        terms += [f"{o}.e * np.sum({o}.q)" for o in self.states]
        yield f"s = {' + '.join([*terms, 'c'])}"
        for o in self.options:
            yield f"if {o} is not None:"
            yield f"    s = s + np.sum({o} * {o})"
        yield f"return {'s * ' + self.one(self.vectors) if self.vectorial else 's'}"


def program(seed: int) -> str:
    """The text of one program."""
    maker = Maker(seed)
    body = ["n = len(x)"]
    if maker.writes:
        body += ["x = x * 1.0", *(["A = A.copy()"] if not maker.large else [])]
    body += maker.block(maker.rng.choice((3, 4, 5, 6)))
    body += list(maker.result())
    head = "def f(x, c):" if maker.large else "def f(x, c, A):"
    return "\n".join([head, *(f"    {line}" for line in body)])


def judged(text: str, ways: str) -> tuple[str, str]:
    return judging.judged(PRELUDE + text + "\n", ways)


def outcome(seed: int, smallest: bool = False) -> tuple[str, str]:
    """How one program comes out, and what to look at."""
    text = program(seed)
    ways = OF_ARRAYS[seed // 4 % 4] if seed % 4 == 3 else WAYS[seed // 4 % len(WAYS)]
    what, detail = judged(text, ways)
    if smallest and what in ("wrong", "crash"):
        text = judging.smaller(text, lambda t: judged(t, ways)[0] == what)
        detail = judged(text, ways)[1]
    return what, f"{text}\n{detail}" if detail else ""


if __name__ == "__main__":
    judging.uncompiled()
    aliasing.main(judge=lambda seed: outcome(seed, "-m" in sys.argv))
