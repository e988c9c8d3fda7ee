"""Programs made at random with containers in containers: lists of dicts of tuples of arrays, changed.

What a program holds has a *shape*, which is known while it is made: "n" a number, "v" a vector, ("list",
shape, count), ("dict", pairs of a key and a shape) and ("tuple", shapes).
`python tests/nested_boxes.py 5000 [seed] [-2] [-r]` runs many.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import aliasing

N = 4
KEYS = ("a", "b", "w")
PRELUDE = '''import copy
import numpy as np


def weight(c):
    """A number made of all that a container holds."""
    if isinstance(c, dict):
        return sum((k + 1) * weight(v) for k, v in enumerate(c.values()))
    if isinstance(c, (list, tuple)):
        total = 0.3 * len(c)
        for k, v in enumerate(c):
            total = total + (k + 1) * weight(v)
        return total
    return np.sum(np.sin(c))


'''


class Maker:
    """One program: the variables and their shapes; functions made on the way."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.vars: dict[str, Any] = {"x": "v"}
        self.functions: list[str] = []
        self.lost: list[str] = []  # containers of which we do not know what they hold
        self.count = self.depth = 0

    def new(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    # ---- shapes, and expressions of them
    def shape(self, depth: int) -> Any:
        r = self.rng.random()
        if depth == 0 or r < 0.15:
            return "n" if self.rng.random() < 0.5 else "v"
        if r < 0.5:
            return ("list", self.shape(depth - 1), self.rng.choice((1, 2, 3)))
        if r < 0.8:
            keys = KEYS[: self.rng.choice((1, 2, 3))]
            return ("dict", tuple((k, self.shape(depth - 1)) for k in keys))
        return ("tuple", tuple(self.shape(depth - 1) for _ in range(self.rng.choice((1, 2, 3)))))

    def made(self, s: Any) -> str:
        """A new value of a shape."""
        if s in ("n", "v"):
            return self.number() if s == "n" else self.vector()
        if s[0] == "list":
            if self.rng.random() < 0.5 and not isinstance(s[1], str):
                return f"[{self.made(s[1])} for _ in range({s[2]})]"
            return f"[{', '.join(self.made(s[1]) for _ in range(s[2]))}]"
        if s[0] == "dict":
            return "{" + ", ".join(f"{k!r}: {self.made(t)}" for k, t in s[1]) + "}"
        return "(" + "".join(f"{self.made(t)}, " for t in s[1]) + ")"

    def number(self) -> str:
        at = self.places(lambda s: s == "n")
        u = self.rng.choice(self.places(lambda s: s == "v"))[0]
        e = f"{u}[{self.rng.randrange(N)}]"
        r = self.rng.random()
        if at and r < 0.5:
            e = self.rng.choice(at)[0]
        if r < 0.2:
            return f"np.cos({e})"
        return f"{self.rng.choice((0.5, 1.2, -0.8))} * {e}" if r < 0.7 else e

    def vector(self) -> str:
        u, w = (self.rng.choice(self.places(lambda s: s == "v"))[0] for _ in range(2))
        return self.rng.choice((f"0.5 * {u} + {w}", f"np.sin({u})", f"{u}.copy()", f"{u} * {self.number()}"))

    def parts(self, path: str, s: Any) -> Iterator[tuple[str, Any, Any]]:
        """What can be reached from a path: how, its shape, the shape of what holds it."""
        if isinstance(s, str):
            return
        if s[0] == "list":
            keys = [(str(k), s[1]) for k in range(s[2])] + ([("-1", s[1])] if s[2] else [])
        else:
            keys = [(repr(k), t) for k, t in (s[1] if s[0] == "dict" else enumerate(s[1]))]
        for k, t in keys:
            yield f"{path}[{k}]", t, s
            yield from self.parts(f"{path}[{k}]", t)

    def places(self, want: Any) -> list[tuple[str, Any]]:
        out = [(n, s) for n, s in self.vars.items() if want(s)]
        for n, s in self.vars.items():
            out += [(p, t) for p, t, _ in self.parts(n, s) if want(t)]
        return out

    def stores(self, want: Any = lambda s: True) -> list[tuple[str, Any]]:
        """Places that can be written to: not in tuples."""
        return [
            (p, t)
            for n, s in self.vars.items()
            for p, t, holder in self.parts(n, s)
            if holder[0] != "tuple" and want(t)
        ]

    # ---- statements
    def block(self, size: int) -> Iterator[str]:
        for _ in range(size):
            yield from self.statement()

    def indented(self, size: int, **known: Any) -> list[str]:
        """Statements that may not run, or run often: no list in them changes its length (`inner`)."""
        kept = dict(self.vars)
        self.vars.update(known)
        self.depth += 1
        lines = [f"    {line}" for line in self.block(size)]
        self.depth -= 1
        self.vars = kept
        return lines

    def statement(self) -> Iterator[str]:
        rng, r = self.rng, self.rng.random()
        stores, boxes = self.stores(), self.places(lambda s: not isinstance(s, str))
        lists = [(p, s) for p, s in boxes if s[0] == "list" and s[2]]
        if len(self.vars) < 3 or r < 0.12:
            c, s = self.new("c"), self.shape(rng.choice((2, 3)))
            yield f"{c} = {self.made(s)}"
            self.vars[c] = s
        elif r < 0.34 and stores:
            p, s = rng.choice(stores)
            if s in ("n", "v") and rng.random() < 0.5:
                yield f"{p} {rng.choice(('+=', '*=', '-='))} {self.number()}"
            elif s == "v" and rng.random() < 0.6:
                yield f"{p}[{rng.randrange(N)}] {rng.choice(('=', '+=', '*='))} {self.number()}"
            else:
                yield f"{p} = {self.made(s)}"
        elif r < 0.42 and boxes:
            p, s = rng.choice(boxes)
            c = self.new("c")
            yield rng.choice((f"{c} = {p}", f"{c} = copy.deepcopy({p})", f"{c} = copy.copy({p})"))
            self.vars[c] = s
        elif r < 0.50 and boxes:
            yield from self.unpacked(*rng.choice(boxes))
        elif r < 0.60 and not self.depth and lists:
            yield from self.resized(*rng.choice(lists))
        elif r < 0.68 and boxes:
            yield from self.called(*rng.choice(boxes))
        elif r < 0.74 and lists:
            yield from self.anew(*rng.choice(lists))
        elif r < 0.90 and self.depth < 2:
            yield from self.loop(lists)
        elif self.depth < 2:
            yield f"if {self.number()} > {rng.choice((-9.0, 0.13, 9.0))}:"
            yield from self.indented(rng.choice((1, 2)))
            if rng.random() < 0.5:
                yield "else:"
                yield from self.indented(1)
        else:
            yield "pass"

    def unpacked(self, p: str, s: Any) -> Iterator[str]:
        if s[0] == "dict":
            shapes, what = [t for _, t in s[1]], f"{p}.values()"
        else:
            shapes, what = ([s[1]] * s[2] if s[0] == "list" else list(s[1])), p
        names = [self.new("u") for _ in shapes]
        if not names:
            yield "pass"
            return
        yield f"{', '.join(names)}{',' if len(names) == 1 else ''} = {what}"
        self.vars.update(zip(names, shapes, strict=True))

    def renamed(self, p: str, s: Any) -> None:
        """All variables whose shapes a change of one list may have changed are gone; ``p`` is known."""
        root = p.partition("[")[0]
        self.vars = {n: t for n, t in self.vars.items() if isinstance(t, str) or n == root}
        if p == root:
            self.vars[root] = s
        else:
            del self.vars[root]

    def resized(self, p: str, s: Any) -> Iterator[str]:
        """A list of another length; what else may have held it is not looked at again but by its weight."""
        t, n = s[1], s[2]
        e = self.rng.random()
        self.lost += [v for v, q in self.vars.items() if not isinstance(q, str)]
        if e < 0.3:
            yield f"{p}.append({self.made(t)})"
            self.renamed(p, ("list", t, n + 1))
        elif e < 0.5:
            yield f"{p}.insert(0, {self.made(t)})"
            self.renamed(p, ("list", t, n + 1))
        elif e < 0.7:
            u = self.new("u")
            yield f"{u} = {p}.pop({self.rng.choice(('', '0'))})"
            self.renamed(p, ("list", t, n - 1))
            self.vars[u] = t
        elif e < 0.85:
            yield f"{p}.extend([{self.made(t)}])"
            self.renamed(p, ("list", t, n + 1))
        else:
            yield f"del {p}[0]"
            self.renamed(p, ("list", t, n - 1))

    def called(self, p: str, s: Any) -> Iterator[str]:
        """A function that changes what it is given, and gives a part of it back."""
        inner = Maker(self.rng.randrange(10**9))
        inner.vars, inner.count, inner.depth = {"c": s, "y": "v"}, self.count, 1
        body = [f"    {line}" for line in inner.block(self.rng.choice((1, 2)))]
        self.count = inner.count
        back, t = self.rng.choice([("c", s), *((q, u) for q, u, _ in self.parts("c", s))])
        h, r = self.new("h"), self.new("r")
        self.functions += inner.functions
        self.functions.append("\n".join([f"def {h}(c, y):", *body, f"    return {back}\n\n\n"]))
        yield f"{r} = {h}({p}, {self.vector()})"
        self.vars[r] = t

    def anew(self, p: str, s: Any) -> Iterator[str]:
        """A list made of another one."""
        c, t = self.new("c"), s[1]
        if t in ("n", "v"):
            yield f"{c} = [e * {self.number()} for e in {p}]"
            self.vars[c] = s
        elif t[0] == "dict":
            key, u = self.rng.choice(t[1])
            yield f"{c} = [e[{key!r}] for e in {p}]"
            self.vars[c] = ("list", u, s[2])
        elif t[0] == "tuple":
            yield f"{c} = [({''.join(f'e[{i}], ' for i in range(len(t[1])))}) for e in {p}]"
            self.vars[c] = s
        else:
            yield f"{c} = [list(e) for e in {p}]"
            self.vars[c] = s

    def loop(self, lists: list[tuple[str, Any]]) -> Iterator[str]:
        rng = self.rng
        dicts = self.places(lambda s: not isinstance(s, str) and s[0] == "dict")
        same = [(p, s) for p, s in dicts if len({repr(t) for _, t in s[1]}) == 1]
        size, r = rng.choice((1, 2)), rng.random()
        if lists and r < 0.5:
            p, s = rng.choice(lists)
            e = self.new("e")
            if rng.random() < 0.4:
                i = self.new("i")
                yield f"for {i}, {e} in enumerate({p}):"
            else:
                yield f"for {e} in {p}:"
            yield from self.indented(size, **{e: s[1]})
        elif same and r < 0.75:
            p, s = rng.choice(same)
            k, e = self.new("k"), self.new("e")
            yield f"for {k}, {e} in {p}.items():"
            yield from self.indented(size, **{e: s[1][0][1]})
        elif lists and r < 0.85:
            p, s = rng.choice(lists)
            i = self.new("i")
            yield f"for {i} in range({s[2]}):"
            if s[1] in ("n", "v"):
                yield f"    {p}[{i}] = {p}[{i}] * {self.number()}"
            yield from self.indented(size)
        else:
            yield f"for _ in range({rng.choice((2, 3))}):"
            yield from self.indented(size)

    def result(self) -> str:
        names = [*self.vars, *(n for n in dict.fromkeys(self.lost) if n not in self.vars)]
        return " + ".join(f"{0.5 + 0.1 * k:.1f} * weight({n})" for k, n in enumerate(names))


def program(seed: int) -> tuple[str, Any]:
    """The text and the function of one program."""
    maker = Maker(seed)
    body = list(maker.block(maker.rng.choice((4, 6, 9))))
    body = ["x = x * 1.0", *body, f"return {maker.result()}"]
    lines = ["def f(x):", *(f"    {line}" for line in body)]
    text = "".join(maker.functions) + "\n".join(lines)
    return text, aliasing.compiled(f"<boxes {seed}>", PRELUDE + text + "\n")


if __name__ == "__main__":
    aliasing.main(program)
