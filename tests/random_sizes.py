"""Programs made at random on arrays of related sizes: their kernels, called with one size after another.

`python tests/random_sizes.py 2000 [seed] [-s] [-r]` runs many against NumPy's derivatives, kernels as plain
Python, and X
"""

from __future__ import annotations

import linecache
import random
import sys
from collections import Counter
from typing import Any

import numpy as np

from srcdiff import jvp, value_and_grad
from srcdiff.errors import InternalError, SrcdiffError

NAMES = ("u", "v", "w", "c")  # (n, m), (m,), (n,), a number
SLICES = ("n // 2:", ":m", "m:", "1:n - 1", "::k", ":-k", "idx", "k:k + 2")


class Maker:
    """One program: variables by the letters of their shape, statements."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.there: dict[str, list[str]] = {"nm": ["u"], "m": ["v"], "n": ["w"], "": ["c"]}
        self.count = 0

    def new(self, shape: str) -> str:
        self.count += 1
        name = f"{ {'nm': 'a', 'n': 'p', 'm': 'q', '': 's'}[shape] }{self.count}"
        self.there[shape].append(name)
        return name

    def pick(self, shape: str) -> str:
        return self.rng.choice(self.there[shape])

    # ---- expressions
    def expression(self, shape: str, depth: int = 0) -> str:
        if depth > 2 or self.rng.random() < 0.25:
            return self.pick(shape)

        def more(of: str = shape) -> str:
            return self.expression(of, depth + 1)

        a = self.pick(shape)
        forms = [
            lambda: f"({more()} * {more()})",
            lambda: f"({more()} + 0.5 * {more()})",
            lambda: f"({more()} - 0.3 * {self.pick('')})",
            lambda: f"np.sin({more()})",
            lambda: f"np.exp(-({more()}) ** 2)",
            lambda: f"{more()} / (1.0 + {more()} ** 2)",
            lambda: f"np.tanh({more()})",
        ]
        if shape:
            forms += [
                lambda: f"np.where({more()} > 0.1, {more()}, {more()})",
                lambda: f"np.maximum({more()}, 0.05)",
                lambda: f"np.roll({a}, 1, axis=0)",
                lambda: f"{a}[::-1]",
                lambda: f"np.cumsum({more()}, axis=0)",
                lambda: f"np.concatenate([{a}[1:], {self.pick(shape)}[:1]])",
                lambda: f"({a} > 0.2) * {more()}",
            ]
        else:
            some = self.rng.choice(["nm", "n", "m"])
            b, d = self.pick(some), self.pick(some)
            forms += [
                lambda: f"np.sum({more(some)})",
                lambda: f"np.mean({more(some)})",
                lambda: f"np.sum({b}[1:] * {d}[:-1])",
                lambda: f"np.sum(({b}[1:] - {b}[:-1]) ** 2)",
                lambda: f"np.sum({b}[{d} > 0.1])",
                lambda: f"np.sum({b}[::2])",
                lambda: f"np.dot({self.pick('n')}, {self.pick('n')})",
                lambda: f"np.sum(np.diff({b}, axis=0))",
                lambda: f"{self.pick('n')}[-1]",
                lambda: f"{self.pick('nm')}[0, -1]",
                lambda: f"np.trace({self.pick('nm')} @ {self.pick('nm')}.T)",
                lambda: f"np.sqrt(np.sum({b} ** 2) + 0.1)",
                lambda: f"np.max({b})",
                lambda: f"np.sum(np.outer({self.pick('n')}, {self.pick('m')}) * {self.pick('nm')})",
                lambda: f"np.linalg.norm({b} + 2.0)",
                lambda: f"np.prod(1.0 + 0.1 * {b})",
                lambda: f"np.var({b})",
                lambda: f"{b}[{self.rng.choice(['k', 'n // 2', '-k', 'min(n, m) - 1'])}].sum()",
                lambda: f"np.sum({b}[k:] - {d}[:len({b}) - k])",
                lambda: f"np.sum({b}[{self.rng.choice(SLICES)}] ** 2)",
                lambda: f"np.sum(np.diag({self.pick('nm')}) ** 2)",
                lambda: f"np.sum(np.ravel({self.pick('nm')})[:n] * {self.pick('n')})",
                lambda: f"np.sum({self.pick('nm')}.reshape(m, n)[0] * {self.pick('n')})",
                lambda: f"np.sum(np.convolve({self.pick('n')}, {self.pick('m')}, 'same'))",
                lambda: f"np.sum(np.concatenate([{self.pick('n')}, {self.pick('m')}])[k:] ** 2)",
                lambda: f"{self.pick('n')}[1:] @ {self.pick('n')}[:-1]",
                lambda: f"np.sum(np.triu({self.pick('nm')}, k=1))",
                lambda: f"np.interp({self.pick('')}, np.arange(n) * 0.3, {self.pick('n')})",
                lambda: f"np.min({b}, axis=0).sum()",
                lambda: f"np.sum(np.tile({self.pick('m')}, (n, 1)) * {self.pick('nm')})",
                lambda: f"np.sum(np.repeat({self.pick('n')}, 2)[1:n])",
                lambda: f"np.sum(np.kron({self.pick('n')}, {self.pick('m')}) * {self.pick('nm')}.ravel())",
                lambda: f"np.sum(np.cumprod({b}, axis=0))",
                lambda: f"np.logaddexp.reduce({self.pick('n')})",
            ]
        if shape == "nm":
            n, m = self.pick("n"), self.pick("m")
            forms += [
                lambda: f"{more()} * {m}",
                lambda: f"({more()} + {n}[:, None])",
                lambda: f"np.outer({more('n')}, {more('m')})",
                lambda: f"({a} @ {self.pick('nm')}.T @ {self.pick('nm')})",
                lambda: f"{a}[:, ::-1]",
                lambda: f"np.roll({a}, -1, axis=1)",
                lambda: f"({a} - np.mean({a}, axis=0))",
                lambda: f"({a} / (2.0 + np.sum({a} ** 2, axis=1, keepdims=True)))",
                lambda: f"np.stack([{n} * 0.1 for _ in range({a}.shape[1])], axis=1)",
                lambda: f"np.exp({a} - np.max({a}, axis=1, keepdims=True))",
                lambda: f"np.pad({a}[1:], ((1, 0), (0, 0)))",
                lambda: f"np.concatenate([{a}[:, :1], {self.pick('nm')}[:, 1:]], axis=1)",
                lambda: f"np.cumsum({a}, axis=1)",
                lambda: f"({a}.T * {n}).T",
            ]
        if shape in ("n", "m"):
            axis, at = (1, "[:, 0]") if shape == "n" else (0, "[-1]")
            other = "m" if shape == "n" else "n"
            turned = "" if shape == "n" else ".T"
            forms += [
                lambda: f"np.sum({more('nm')}, axis={axis})",
                lambda: f"np.mean({self.pick('nm')}, axis={axis})",
                lambda: f"np.max({self.pick('nm')}, axis={axis})",
                lambda: f"{self.pick('nm')}{at}",
                lambda: f"({self.pick('nm')}{turned} @ {self.pick(other)})",
                lambda: f"np.einsum('ij,{'j' if shape == 'n' else 'i'}->{'i' if shape == 'n' else 'j'}',"
                f" {self.pick('nm')}, {self.pick(other)})",
                lambda: f"np.linalg.norm({self.pick('nm')} + 2.0, axis={axis})",
                lambda: f"np.append({a}[1:], 0.3)",
                lambda: f"np.sort({a})",
            ]
        return self.rng.choice(forms)()

    # ---- statements
    def statement(self) -> list[str]:
        r = self.rng
        shape = r.choice(["nm", "nm", "n", "m", ""])
        value = self.expression(shape)
        kind = r.random()
        if kind < 0.45:
            return [f"{self.new(shape)} = {value}"]
        a, n, m = self.pick("nm"), self.pick("n"), self.pick("m")
        own = [x for some in ("nm", "n", "m") for x in self.there[some] if x not in NAMES]
        if kind < 0.6 and own:
            a = r.choice(own)
            if r.random() < 0.3:
                at = r.choice(
                    ["[n // 2]", "[n - 1]", "[min(n, m) - 1]", "[k]", "[:k]", "[-k:]", "[k:n]", "[::-1]"]
                )
                return [f"{a}{at} {r.choice(['=', '+=', '*='])} {self.pick('')} * 0.5"]
            at, of = r.choice([
                ("[1:]", "[:-1]"), ("[:-1]", "[1:]"), ("[0]", "[-1]"), ("[::2]", "[::2]"), ("", ""),
            ])
            some = next(k for k, names in self.there.items() if a in names)
            b = self.pick(some)
            sign = r.choice(["=", "+=", "*="]) if at else r.choice(["+=", "*="])
            return [f"{a}{at} {sign} {r.choice(['', '0.5 * '])}{b}{of}"]
        loops = [
            self.corner, self.corner, self.triangle, self.rows, self.columns, self.elements, self.steps,
            self.history, self.branch, self.zeros, self.mask,
        ]  # fmt: skip
        return r.choice(loops)(a, n, m)

    def rows(self, a: str, n: str, m: str) -> list[str]:
        shape = self.rng.choice(["", "m"])
        s = self.expression(shape)
        out = self.new(shape)
        row = f"{a}[i]" if shape else f"np.sum({a}[i] * {m})"
        steps = f"{out} + {row} * {n}[i]", f"np.sin({out}) + {row}", f"0.7 * {out} * {n}[i] + {row}"
        step = self.rng.choice(steps)
        start = self.rng.choice(["", "1, "])
        return [f"{out} = {s} * 1.0", f"for i in range({start}{a}.shape[0]):", f"    {out} = {step}"]

    def columns(self, a: str, n: str, m: str) -> list[str]:
        s = self.expression("n")
        out = self.new("n")
        term = self.rng.choice([f"{a}[:, j]", f"np.sin({a}[:, j]) * {m}[j]", f"{a}[:, j - 1]"])
        loop = f"for j in range({self.rng.choice(['', '1, '])}len({m})):"
        return [f"{out} = {s} * 1.0", loop, f"    {out} = {out} * 0.5 + {term}"]

    def elements(self, a: str, n: str, m: str) -> list[str]:
        made = self.expression("nm")
        b = self.new("nm")
        sizes = f"{a}.shape[0]", f"{a}.shape[1]"
        edge = self.rng.choice([(0, 0), (1, 0), (1, 1)])
        ends = tuple(f"range({e}, {s} - {f})" if e or f else f"range({s})" for s in sizes for e, f in [edge])
        near = "[i - 1, j]" if edge[0] else "[i, j]"
        step = self.rng.choice([
            f"{b}[i, j] = {a}{near} * {n}[i] + {m}[j]", f"{b}[i, j] += {b}{near} * {a}[i, j]",
            f"{b}[i, j] = {b}{near} * 0.5 + np.sin({a}[i, j])",
        ])
        return [f"{b} = {made} * 1.0", f"for i in {ends[0]}:", f"    for j in {ends[1]}:", f"        {step}"]

    def steps(self, a: str, n: str, m: str) -> list[str]:
        b = self.new("nm")
        given = [x for x in self.there["nm"] if x != b]
        a = self.rng.choice(given)
        step = self.rng.choice([
            f"{b} = {b} + 0.1 * (np.roll({b}, 1, axis=0) - {b}) * {m}",
            f"{b}[1:-1] = {b}[1:-1] + 0.1 * ({b}[2:] - {b}[:-2])",
            f"{b}[1:-1, 1:-1] += 0.1 * ({b}[2:, 1:-1] + {b}[1:-1, :-2] - 2.0 * {b}[1:-1, 1:-1])",
            f"{b} = np.sin({b} + {n}[:, None])",
            f"{b}[:, 1:] = {b}[:, 1:] * 0.9 + 0.1 * {b}[:, :-1] * c",
        ])
        return [f"{b} = {a}.copy()", f"for t in range({self.rng.choice(['3', f'len({n})'])}):", f"    {step}"]

    def corner(self, a: str, n: str, m: str) -> list[str]:
        """Loops that count what the sizes say."""
        s = self.expression("")
        out = self.new("")
        ends, step = self.rng.choice([
            ("range(min(n, m))", f"{a}[i, i] * {n}[i]"), ("range(n // 2)", f"{a}[i, 0] * {n}[n - 1 - i]"),
            ("range(m - 1)", f"{a}[0, i + 1] * {m}[i]"), ("range(n - 1, -1, -1)", f"{n}[i] * {a}[i].sum()"),
            ("range(0, n, 2)", f"{n}[i] * {m}[i % m]" if m != "m" else f"{n}[i]"),
            ("range(k, n)", f"{n}[i] * {n}[i - k]"), ("range(n - k)", f"np.sum({a}[i:i + k]) * {n}[i]"),
            ("range(m)", f"np.sum({a}[:, i] * {n}) * {m}[i]"), ("range(n)", f"np.dot({a}[i], {m})"),
            ("idx", f"{n}[i] * np.sum({a}[i])"), ("range(m)", f"np.sum({a}[:k, i])"),
            ("range(n)", f"np.sum({n}[:i + 1]) * {n}[i]"), ("range(n)", f"np.max({a}[i]) * {n}[-1]"),
        ])
        how = self.rng.choice([
            f"{out} = {out} + {step}", f"{out} = 0.8 * {out} + np.sin({step})",
            f"{out} *= 1.0 + 0.1 * {step}",
        ])
        return [f"{out} = {s} * 1.0", f"for i in {ends}:", f"    {how}"]

    def triangle(self, a: str, n: str, m: str) -> list[str]:
        s, out = self.expression("n"), self.new("n")
        ends, inner, step = self.rng.choice([
            ("range(n)", "range(i)", f"{out}[i] -= 0.1 * {n}[i - j] * {out}[j]"),
            ("range(n)", "range(min(i + 1, m))", f"{out}[i] += {a}[i, j] * c"),
            ("range(m)", "range(k, n)", f"{out}[j] = {out}[j - k] * 0.5 + {a}[j, i]"),
            ("range(1, n)", "range(m)", f"{out}[i] = {out}[i - 1] * {a}[i - 1, j] + {out}[i]"),
        ])
        return [f"{out} = {s} * 1.0", f"for i in {ends}:", f"    for j in {inner}:", f"        {step}"]

    def history(self, a: str, n: str, m: str) -> list[str]:
        s = self.expression("")
        out = self.new("")
        k = f"h{self.count}"
        step, end = self.rng.choice([
            (f"{k}.append(np.sin({a}[i]))", f"np.sum(np.array({k}))"),
            (f"{k}.append({n}[i] * np.sum({a}[i]))", f"sum({k})"),
            (f"{k}.append({n}[i] * {m})", f"np.sum(np.stack({k}) * {a}) + {k}[-1][0]"),
        ])
        return [f"{k} = []", f"for i in range({a}.shape[0]):", f"    {step}", f"{out} = {s} + {end}"]

    def branch(self, a: str, n: str, m: str) -> list[str]:
        shape = self.rng.choice(["nm", "n", ""])
        one, other, test = self.expression(shape), self.expression(shape), self.pick("")
        out = self.new(shape)
        return [f"if {test} > 0.2:", f"    {out} = {one} * 1.0", "else:", f"    {out} = {other} * 0.7"]

    def zeros(self, a: str, n: str, m: str) -> list[str]:
        forms = f"np.zeros_like({a})", f"np.zeros({a}.shape)", f"np.zeros((len({n}), len({m})))"
        made = self.rng.choice(forms)
        b = self.new("nm")
        fill = self.rng.choice([
            f"{b}[1:, :-1] = {a}[:-1, 1:] * 0.5", f"{b}[0] = {m}", f"{b}[:, 0] = {n} * c",
            f"{b}[::2] += {a}[::2] ** 2", f"{b}[:] = {m}",
        ])
        return [f"{b} = {made}", fill]

    def mask(self, a: str, n: str, m: str) -> list[str]:
        shape = self.rng.choice(["nm", "n", "m"])
        given = self.expression(shape)
        b = self.new(shape)
        last = self.rng.choice([f"{b}[{b} > 0.3] = 0.3", f"{b}[{b} < 0.0] *= 0.1", f"{b}[{b} > 0.1] += c"])
        return [f"{b} = {given} * 1.0", last]

    def lines(self) -> list[str]:
        out = []
        for _ in range(self.rng.randint(2, 6)):
            out += self.statement()
        terms = [self.pick(x) for x in ("nm", "n", "m", "")]
        last = [names[-1] for names in self.there.values()]
        terms = [f"np.sum({x} * 0.1)" for x in {*terms, *last}]
        return [*out, f"return {' + '.join(sorted(terms))}"]


def program(seed: int) -> str:
    head = f"def f({', '.join((*NAMES, 'k', 'idx'))}):"
    return "\n    ".join([head, "n, m = u.shape", *Maker(seed).lines()]) + "\n"


def made(text: str) -> Any:
    name = f"<random sizes {hash(text)}>"
    text = "import numpy as np\n\n\n" + text
    linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
    space: dict[str, Any] = {"__name__": "random_sizes"}
    exec(compile(text, name, "exec"), space)
    return space["f"]


# ---- what they are called with
def given(seed: int, n: int, m: int, form: str = "plain") -> tuple[Any, ...]:
    """The same arguments each time: programs may write to them."""
    r = np.random.default_rng(seed)
    u, v, w = r.normal(size=(n, m)), r.normal(size=m), r.normal(size=n)
    if form == "fortran":
        u = np.asfortranarray(u)
    elif form == "strided":
        u, v, w = r.normal(size=(2 * n, m))[::2], r.normal(size=3 * m)[::3], r.normal(size=n)[::-1]
    elif form == "turned":
        u = r.normal(size=(m, n)).T
    elif form == "single":
        u, v, w = (x.astype(np.float32) for x in (u, v, w))
    idx = r.integers(0, max(n, 1), size=int(r.integers(1, 4)))
    return u, v, w, 1 if form == "whole" else float(r.normal()), 1 + seed % 2, idx


FORMS = ("plain", "plain", "plain", "fortran", "strided", "turned", "single", "whole")


def calls(seed: int, small: bool) -> list[tuple[Any, ...]]:
    """Sizes A, B, A, and some more: what the arguments are made of."""
    r = random.Random(seed)
    low = 0 if small else 2
    high = 3 if small else 5

    def size() -> tuple[int, int]:
        n = r.randint(low, high)
        return n, n if r.random() < 0.3 else r.randint(low, high)

    a = (4, 4) if r.random() < 0.3 else (r.randint(2, 5), r.randint(2, 5))
    if r.random() < 0.15:
        a = size()
    b, c = size(), size()
    return [(r.randrange(1000), *s, r.choice(FORMS)) for s in (a, b, a, c, b)]


class Wrong(Exception):
    """A kernel says something else than NumPy."""


def compare(text: str, arguments: list[tuple[Any, ...]], wrt: tuple[str, ...], second: bool = False) -> str:
    """Whether kernels called in turn say the same as NumPy; whether calls could be compared at all."""
    f = made(text)
    plain, kernels = (value_and_grad(f, wrt=wrt, backend=b) for b in ("numpy", "numba"))
    compared = 0
    for k, how in enumerate(arguments):
        x = given(*how)
        try:
            value = f(*given(*how))
        except Exception:  # the program is not for these sizes
            continue
        single = any(a.dtype == np.float32 for a in x[:3])
        try:
            want = plain(*given(*how))
        except SrcdiffError:
            raise
        except Exception:
            want = None
        try:
            got = kernels(*given(*how))
        except SrcdiffError:
            raise
        except ZeroDivisionError:  # (kernels that are compiled divide as NumPy does)
            continue
        except Exception as e:
            if want is None:
                continue
            raise Wrong(f"call {k}, {shapes(x)}: {type(e).__name__}: {e}") from e
        if want is None:
            continue
        near(k, x, got[0], value, single)
        for one, other in zip(want[1], got[1], strict=True):
            near(k, x, other, one, single)
        if second:
            dots = (*map(direction, x[:4]), None, None)
            both = (
                jvp(value_and_grad(f, wrt=wrt), given(*how), dots, backend=b)[1][1]
                for b in ("numpy", "numba")
            )
            one, other = both
            for p, q in zip(one, other, strict=True):
                near(k, x, q, p, single)
        compared += 1
    return "right" if compared else "empty"


def direction(a: Any) -> Any:
    if not np.ndim(a):
        return 0.7
    return np.cos(np.arange(a.size)).reshape(a.shape).astype(a.dtype)


def shapes(x: tuple[Any, ...]) -> str:
    return f"u {x[0].shape} {x[0].dtype}, strides {x[0].strides}, c {x[3]!r}"


def near(k: int, x: Any, got: Any, want: Any, single: bool) -> None:
    tol = 2e-3 if single else 1e-8
    one, other = np.asarray(got), np.asarray(want)
    if one.shape != other.shape:
        raise Wrong(f"call {k}, {shapes(x)}: shape {one.shape}, not {other.shape}")
    scale = np.max(np.abs(other), initial=1.0, where=np.isfinite(other))
    if not np.allclose(one, other, rtol=tol, atol=tol * scale, equal_nan=True):
        raise Wrong(f"call {k}, {shapes(x)}:\n{one}\nnot\n{other}")


def judged(text: str, seed: int, small: bool) -> tuple[str, str]:
    r = random.Random(seed)
    wrt = tuple(sorted(r.sample(NAMES, r.randint(1, 4)), key=NAMES.index))
    with np.errstate(all="ignore"):
        try:
            return compare(text, calls(seed, small), wrt, second=seed % 4 == 0), ""
        except Wrong as e:
            return "wrong", str(e)
        except InternalError as e:
            return "crash", str(e)
        except SrcdiffError as e:
            return "refused", str(e)
        except Exception as e:
            return "crash", f"{type(e).__name__}: {e}"


def main() -> None:
    import warnings

    from judging import smaller, uncompiled

    warnings.simplefilter("ignore")
    words = [a for a in sys.argv[1:] if not a.startswith("-")]
    small = "-s" in sys.argv
    uncompiled()
    many, first = int(words[0]), int(words[1]) if len(words) > 1 else 0
    counts: Counter[str] = Counter()
    for seed in range(first, first + many):
        text = program(seed)
        how, _ = judged(text, seed, small)
        counts[how] += 1
        if how in ("wrong", "crash") or (how == "refused" and "-r" in sys.argv):
            least = smaller(text, lambda t, how=how, seed=seed: judged(t, seed, small)[0] == how)
            print(f"---- {seed}: {how}\n{least}\n{judged(least, seed, small)[1][:1500]}", flush=True)
    print(dict(counts))


if __name__ == "__main__":
    main()
