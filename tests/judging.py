"""All that is asked of one program: every sort of derivative, at several sizes, against differences.

A program is ``f(x, c)`` or ``f(x, c, A)``: a vector, a number, a square matrix; it gives a number or vector.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import aliasing
from srcdiff import grad, hessian, jacobian, jvp, value_and_grad, vjp
from srcdiff.errors import InternalError, SrcdiffError

LARGE = 70_000  # numbers: worked at in blocks of rows
SLOW = 20.0  # seconds to make and run one derivative
FEW = 8


class Wrong(Exception):
    """A number that is not what it should be."""


class Silent(Exception):
    """The program says nothing here: it raises, or its differences are no derivatives."""


def arguments(n: int, matrix: bool, seed: int = 0) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    x, c = rng.normal(size=n) * 0.6, 0.37
    return (x, c, rng.normal(size=(n, n)) * 0.5) if matrix else (x, c)


def directions(args: Any, seed: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed + 77)
    return tuple(rng.normal(size=np.shape(a)) if np.ndim(a) else float(rng.normal()) for a in args)


def along(args: Any) -> Iterator[tuple[int, Any, tuple[Any, ...]]]:
    """The first few entries of each argument: which, where, and the direction."""
    for k, a in enumerate(args):
        for at in list(np.ndindex(np.shape(a)))[:3]:
            v = [np.zeros(np.shape(b)) if np.ndim(b) else 0.0 for b in args]
            if np.ndim(a):
                v[k][at] = 1.0
            else:
                v[k] = 1.0
            yield k, at, tuple(v)


def moved(args: Any, v: Any, h: float) -> tuple[Any, ...]:
    return tuple(a + h * b for a, b in zip(args, v, strict=True))


def dot(a: Any, b: Any) -> float:
    return float(sum(np.sum(np.asarray(p) * np.asarray(q)) for p, q in zip(a, b, strict=True)))


def differences(g: Callable[..., Any], args: Any, v: Any) -> Any:
    """The derivative of a tuple of results in a direction; Silent where two steps do not agree."""
    one, two = (
        [
            (np.asarray(p) - np.asarray(q)) / (2 * h)
            for p, q in zip(g(moved(args, v, h)), g(moved(args, v, -h)), strict=True)
        ]
        for h in (2e-6, 1e-5)
    )
    for p, q in zip(one, two, strict=True):
        if not np.all(np.isfinite(p)) or not np.allclose(p, q, rtol=1e-4, atol=1e-4):
            raise Silent
    return one


def close(what: str, actual: Any, expected: Any, size: float, tolerance: float = 2e-5) -> None:
    room = tolerance * (1 + float(np.abs(expected).sum()) + size)
    if np.shape(actual) != np.shape(expected) or not np.allclose(actual, expected, rtol=0, atol=room):
        raise Wrong(f"{what}: {actual!r}, expected {expected!r}")


class Check:
    """One program, and the derivatives made of it: a second call has other sizes."""

    def __init__(self, f: Any, ways: str) -> None:
        self.f, self.ways = f, ways
        names = f.__code__.co_varnames[: f.__code__.co_argcount]
        self.wrt, self.matrix = names, len(names) == 3
        self.vectorial = np.ndim(f(*arguments(3, self.matrix))) > 0
        self.made: dict[str, Any] = {}

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]

    def weights(self, n: int) -> Any:
        return np.cos(np.arange(n)) if self.vectorial else np.ones(n)

    def number(self, args: Any) -> Any:
        y = self.f(*args)
        return np.sum(y * self.weights(np.size(y)))

    def bars(self, args: Any, **options: Any) -> Any:
        if self.vectorial:
            y, pullback = vjp(self.f, *args)
            return pullback(self.weights(np.size(y)) * np.ones(np.shape(y)))
        return self.once(f"grad {options}", lambda: grad(self.f, wrt=self.wrt, **options))(*args)

    def run(self) -> str:
        said = "skipped"
        for n in (3, 5, 1, 0) if self.matrix else (3, FEW, 1, 0, LARGE):
            try:
                self.at(n)
                said = "right"
            except Silent:
                if n == 3:
                    return said
        return said

    def at(self, n: int) -> None:
        self.n, self.args = n, arguments(n, self.matrix, n)
        self.v = directions(self.args, n)
        try:
            (expected,) = differences(lambda a: [self.number(a)], self.args, self.v)
            lost = float(np.abs(self.f(*self.args)).sum())
        except Exception as e:
            raise Silent from e
        self.got = self.gradient()
        self.size = (
            sum(float(np.abs(b).sum()) for b in self.got) * (1e-5 if n == LARGE else 1e-2) + 1e-4 * lost
        )
        close(f"gradient, n={n}", dot(self.got, self.v), float(expected), self.size)
        if n != LARGE:
            self.entries()
            for way in self.ways:
                WAYS[way](self)

    def gradient(self) -> Any:
        given = tuple(np.copy(a) if np.ndim(a) else a for a in self.args)
        begun = time.process_time()
        try:
            got = self.bars(given)
        except ZeroDivisionError as e:  # (the mean of nothing)
            raise (Silent if self.n == 0 else e) from e
        if time.process_time() - begun > SLOW and self.n < LARGE:
            raise Wrong("slow to make")
        if not all(np.array_equal(p, q) for p, q in zip(self.args, given, strict=True)):
            raise Wrong("an argument was changed")
        for a, b in zip(self.args, got, strict=True):
            if np.shape(a) != np.shape(b):
                raise Wrong(f"shape {np.shape(b)} of the gradient at {np.shape(a)}")
        if self.n == 0 and not all(np.all(np.isfinite(b)) for b in got):
            raise Silent  # (again)
        return got

    def entries(self) -> None:
        for k, at, v in along(self.args) if self.n > 1 else ():
            try:
                (expected,) = differences(lambda a: [self.number(a)], self.args, v)
            except Silent:
                continue
            what = f"gradient of {self.wrt[k]}{list(at)}, n={self.n}"
            close(what, float(np.asarray(self.got[k])[at]), float(expected), self.size)

    def forward(self) -> None:
        y, y_dot = jvp(self.f, self.args, self.v)
        total = float(np.sum(y_dot * self.weights(np.size(y))))
        close(f"jvp, n={self.n}", total, dot(self.got, self.v), self.size, 1e-8)
        close(f"value of jvp, n={self.n}", y, self.f(*self.args), 0, 1e-10)

    def pullback(self) -> None:
        if self.vectorial:
            return
        y, bar = self.once("value", lambda: value_and_grad(self.f))(*self.args)
        close(f"value of value_and_grad, n={self.n}", float(y), float(self.f(*self.args)), 0, 1e-10)
        close(f"value_and_grad, n={self.n}", bar, self.got[0], self.size, 1e-10)
        y, pullback = vjp(self.f, *self.args)
        close(f"value of vjp, n={self.n}", float(y), float(self.f(*self.args)), 0, 1e-10)
        for _ in range(2):
            bars = pullback(1.0) if self.n else self.got
            close(f"vjp, n={self.n}", dot(bars, self.v), dot(self.got, self.v), self.size, 1e-8)

    def jacobian(self) -> None:
        if self.vectorial and self.n:
            J = self.once("J", lambda: jacobian(self.f))(*self.args)
            close(f"jacobian, n={self.n}", self.weights(len(J)) @ J, self.got[0], self.size, 1e-8)

    def second(self) -> None:
        """Forward over reverse."""
        if self.vectorial or self.n < 2:
            return
        g = self.once("first", lambda: grad(self.f, wrt=self.wrt))
        try:
            expected = differences(lambda a: g(*a), self.args, self.v)
        except Silent:
            return
        self.size += sum(float(np.abs(s).sum()) for s in expected)
        if self.size > 1e5:
            return
        self.dots = jvp(g, self.args, self.v)[1]
        for name, a, b in zip(self.wrt, self.dots, expected, strict=True):
            close(f"forward over reverse, {name}, n={self.n}", a, b, self.size)
        if "r" in self.ways:
            for name, a, b in zip(self.wrt, vjp(g, *self.args)[1](self.v), self.dots, strict=True):
                close(f"reverse over reverse, {name}, n={self.n}", a, b, self.size, 1e-7)

    def hessian(self) -> None:
        if self.vectorial or self.n not in (1, 3):
            return
        ones = (np.ones(self.n), *(np.zeros_like(a) for a in self.args[1:]))
        product = jvp(self.once("of x", lambda: grad(self.f)), self.args, ones)[1]
        H = self.once("H", lambda: hessian(self.f))(*self.args)
        close(f"hessian, n={self.n}", np.sum(H, axis=1), product, self.size, 1e-7)

    def kernels(self) -> None:
        if self.vectorial or not self.n:
            return
        for name, a, b in zip(self.wrt, self.bars(self.args, backend="numba"), self.got, strict=True):
            close(f"numba, {name}, n={self.n}", a, b, self.size, 1e-8)

    def single(self) -> None:
        if self.n < 2:
            return
        args = tuple(np.asarray(a, dtype=np.float32) if np.ndim(a) else a for a in self.args)
        try:
            near = abs(self.number(args) - self.number(self.args)) < 1e-4
        except Exception:  # (nothing to compare with)
            return
        if near:
            close(
                f"float32, n={self.n}", dot(self.bars(args), self.v), dot(self.got, self.v), self.size, 3e-3
            )


WAYS = {
    "j": Check.forward, "v": Check.pullback, "J": Check.jacobian, "h": Check.second, "r": Check.second,
    "H": Check.hessian, "n": Check.kernels, "3": Check.single,
}  # fmt: skip


def judged(text: str, ways: str) -> tuple[str, str]:
    """How a text comes out: right, skipped, refused, wrong, crash; and what to look at."""
    with np.errstate(all="ignore"):
        try:
            check = Check(aliasing.compiled(f"<judged {hash(text)}>", text), ways)
        except Exception as e:
            return "skipped", f"{type(e).__name__}: {e}"
        try:
            return check.run(), ""
        except Wrong as e:
            return "wrong", str(e)
        except InternalError as e:
            return "crash", str(e)
        except SrcdiffError as e:
            return "refused", str(e)
        except Exception as e:  # whatever comes out of emitted text is a fault
            return "crash", f"{type(e).__name__}: {e}"


def smaller(text: str, still: Callable[[str], bool]) -> str:
    """The text without the lines, and what is inside of them, that it takes not to be ``still`` as it was."""
    lines = text.splitlines()
    changed = True
    while changed:
        changed = False
        at = len(lines) - 1
        while at > 0:
            indent = len(lines[at]) - len(lines[at].lstrip())
            end = at + 1
            while end < len(lines) and len(lines[end]) - len(lines[end].lstrip()) > indent:
                end += 1
            tries = [lines[:at] + lines[end:]]
            if end > at + 1:  # the head alone
                tries.append(lines[:at] + [line[4:] for line in lines[at + 1 : end]] + lines[end:])
            for tried in tries:
                if still("\n".join(tried)):
                    lines, changed = tried, True
                    break
            at -= 1
    return "\n".join(lines)


def uncompiled(put: Callable[[Any, str, Any], None] = setattr) -> None:
    """Kernels are the Python that they are written as: compiling each takes seconds."""
    import numba

    from srcdiff.compiled import runtime

    put(numba.config, "DISABLE_JIT", True)
    for name in runtime.__all__:
        helper = getattr(runtime, name)
        put(runtime, name, getattr(helper, "py_func", helper))
