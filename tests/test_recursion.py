"""Functions that call themselves, in every mode, against differences."""

from __future__ import annotations

import copy
import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import numeric
import srcdiff
from srcdiff import grad, jvp, source, vjp


def power(x, n):
    return 1.0 if n == 0 else x * power(x, n - 1)


def fast_power(x, n):
    if n == 0:
        return 1.0
    if n % 2 == 0:
        half = fast_power(x, n // 2)
        return half * half
    return x * fast_power(x, n - 1)


def two_powers(x, y, n):
    return power(x, n) * power(y, n + 1)


def fib(x, y, n):
    """Fibonacci numbers of real start values, each step a little bent."""
    if n < 2:
        return x if n == 0 else y * x
    return fib(x, y, n - 1) + math.sin(fib(x, y, n - 2))


def ackermann(m, n, x):
    """Ackermann's recursion with something to differentiate along the way."""
    if m == 0:
        return x + 0.1 * n
    if n == 0:
        return ackermann(m - 1, 1, x * 1.1)
    return ackermann(m - 1, 2, ackermann(m, n - 1, math.sin(x)))


def hanoi(n, x, y):
    if n == 0:
        return x * y
    a = hanoi(n - 1, x * 1.01, y)
    b = hanoi(n - 1, x, y * 0.99)
    return a * 0.5 + math.cos(b)


def is_even(x, y, n):
    return x * y if n == 0 else is_odd(x * 0.9, y + x, n - 1)


def is_odd(x, y, n):
    return math.sin(x + y) if n == 0 else is_even(x + 0.2, y * 1.1, n - 1)


def tree_sum(values, k, w):
    """A heap-like tree kept in a list: the children of k are 2k + 1 and 2k + 2."""
    if k >= len(values):
        return 1.0
    return math.tanh(w * values[k] * tree_sum(values, 2 * k + 1, w) + 0.5 * tree_sum(values, 2 * k + 2, w))


def tree(values, w):
    return tree_sum(values, 0, w)


def tree_array(values, w):
    return tree_sum(values, 0, w) * 2.0


def closure(x, y, n):
    """The inner function reads active values of the outer one."""
    scale = x * y

    def step(v, k):
        if k == 0:
            return v
        return math.sin(step(v * scale, k - 1) + y)

    return step(x, n) + step(y, 2)


def closures(x, n):
    """One inner function, two values of what it captures."""
    a = x * 2.0

    def f(k):
        return a if k == 0 else a * f(k - 1)

    first = f(n)
    a = math.sin(x)
    return first + f(n)


def in_loop(x, y, n):
    s = 0.0
    for i in range(n):
        s = s + power(x * y, i) * y
        x = x + 0.1 * s
    return s


def loop_inside(x, n):
    """A loop over the children, each of which is a call."""
    if n == 0:
        return math.sin(x)
    s = 0.0
    for i in range(n):
        s = s + x * loop_inside(x * 0.9 + i, i)
    return s


def while_inside(x, y, n):
    total = y
    while n > 0:
        n = n - 1
        total = total * 0.9 + while_inside(x, y * x, n - 2)
    return total + x * y


def halves(v):
    """Sum of squares by halving: recursion over views of an array."""
    if len(v) == 1:
        return v[0] * v[0]
    m = len(v) // 2
    return halves(v[:m]) + halves(v[m:])


def fft_like(v, w):
    """Arrays in, arrays out."""
    if len(v) <= 1:
        return v * w
    even, odd = fft_like(v[::2], w), fft_like(v[1::2], w)
    return np.concatenate((even + w * odd, even - odd))


def energy_of_fft(v, w):
    y = fft_like(v, w)
    return np.sum(y * y * np.arange(1.0, 9.0))


def matrix_power(A, n):
    if n == 0:
        return np.eye(3)
    if n % 2 == 0:
        H = matrix_power(A, n // 2)
        return H @ H
    return A @ matrix_power(A, n - 1)


def trace_of_power(A, n):
    return np.trace(matrix_power(A, n))


def pair(x, y, n):
    """Several results."""
    if n == 0:
        return x, y
    a, b = pair(x * 0.9, y + 0.1 * x, n - 1)
    return a + math.sin(b), a * b


def of_pair(x, y, n):
    a, b = pair(x, y, n)
    return a * a + b


def kepler_step(E, M, e, n):
    """Newton's method for Kepler's equation, written as a recursion."""
    d = (E - e * math.sin(E) - M) / (1.0 - e * math.cos(E))
    if n == 0 or abs(d) < 1e-13:
        return E - d
    return kepler_step(E - d, M, e, n - 1)


def kepler(M, e):
    return kepler_step(M, M, e, 30)


def simpson(f, a, fa, b, fb):
    m = 0.5 * (a + b)
    fm = f(m)
    return m, fm, abs(b - a) / 6.0 * (fa + 4.0 * fm + fb)


def adaptive(f, a, fa, b, fb, eps, whole, m, fm, depth):
    lm, flm, left = simpson(f, a, fa, m, fm)
    rm, frm, right = simpson(f, m, fm, b, fb)
    delta = left + right - whole
    if depth <= 0 or abs(delta) <= 15.0 * eps:
        return left + right + delta / 15.0
    return adaptive(f, a, fa, m, fm, eps / 2.0, left, lm, flm, depth - 1) + adaptive(
        f, m, fm, b, fb, eps / 2.0, right, rm, frm, depth - 1
    )


def quadrature(f, a, b, eps):
    fa, fb = f(a), f(b)
    m, fm, whole = simpson(f, a, fa, b, fb)
    return adaptive(f, a, fa, b, fb, eps, whole, m, fm, 12)


def bump(x):
    return math.exp(-x * x) * math.sin(3.0 * x)


def area(a, b):
    return quadrature(bump, a, b, 1e-7)


def area_of(a, b, w):
    return quadrature(lambda t: math.cos(w * t * t), a, b, 1e-7)


WEIGHT = 0.7


def weighted(x, n):
    """Reads a number of the module."""
    return x if n == 0 else WEIGHT * math.sin(weighted(x * WEIGHT, n - 1)) + x


@functools.cache
def cached(x, n):
    return x if n < 2 else cached(x, n - 1) * x + cached(x, n - 2)


def horner(coefficients, x, k):
    if k == len(coefficients):
        return 0.0
    return coefficients[k] + x * horner(coefficients, x, k + 1)


def clenshaw(c, x):
    return horner(c, x, 0)


def checked(x, n):
    if n < 0:
        raise ValueError("negative")
    if n == 0:
        return x
    return checked(x * x, n - 1) + x


def optional(x, y, n, flag=None):
    """A default that stays the same, and one that changes."""
    if n <= 0:
        return x * y if flag is None else x
    return optional(x * 0.9, y, n - 1) + optional(x, y, n - 2, flag=True)


def integers_first(x, n):
    """The first call passes an integer where later ones pass numbers."""
    return accumulate(0, x, n)


def accumulate(total, x, n):
    return total if n == 0 else accumulate(total + x * n, x * 0.9, n - 1)


def determinant(A):
    """Expansion along the first row of a matrix given as rows."""
    n = len(A)
    if n == 1:
        return A[0][0]
    total = 0.0
    for j in range(n):
        minor = [row[:j] + row[j + 1 :] for row in A[1:]]
        total += (-1.0) ** j * A[0][j] * determinant(minor)
    return total


def merge_like(x, y, n):
    """Two functions that both call themselves and one another."""
    if n <= 0:
        return x
    return merge_like(x * 0.8, y, n - 2) + other_like(x, y, n - 1)


def other_like(x, y, n):
    if n <= 0:
        return y
    return math.sin(other_like(x, y * 0.9, n - 2)) * merge_like(x, y, n - 1)


@dataclass
class Node:
    """A method that calls itself."""

    w: float

    def value(self, x, n):
        return self.w * x if n == 0 else math.sin(self.value(x, n - 1) * self.w)


def method(x, w, n):
    return Node(w * x).value(x, n)


def keywords(x, *rest, n, scale=1.0):
    if n == 0:
        return x * scale + sum(rest)
    return keywords(x * 0.9, *rest, scale=scale * x, n=n - 1)


def with_keywords(x, y, n):
    return keywords(x, y, x * y, n=n)


def local_write(v, n):
    """Writes to arrays of its own."""
    w = v.copy()
    w[0] = w[0] * 2.0
    w += v * 0.1
    if n == 0:
        return np.sum(w * w)
    return local_write(w * 0.5, n - 1) + w[1]


def passes_on(v, n):
    return v if n == 0 else passes_on(v * 1.1, n - 1) * 0.5 + v


def caller_updates(v, n):
    """What the pullback saved must not change when the caller goes on to write."""
    v = v * 1.0
    a = np.sum(passes_on(v, n) ** 2)
    v[0] = v[0] * v[1]
    return a * np.sum(v)


def path(x, n):
    return [] if n == 0 else [x * n] + path(x * 0.9, n - 1)


def along_path(x, n):
    s = 0.0
    for p in path(x, n):
        s += p * p
    return s


def previous(x, n, last=None):
    if n == 0:
        return x if last is None else x * last
    return previous(x * 0.9, n - 1, x) + (0.0 if last is None else last)


def depth(n):
    return 0 if n == 0 else 1 + depth(n // 2)


def constant_part(x, n):
    return x ** depth(n)


def of_dict(x, n):
    if n == 0:
        return {"a": x, "b": x * x}
    d = of_dict(x * 0.9, n - 1)
    return {"a": d["b"], "b": d["a"] * x}


def uses_dict(x, n):
    d = of_dict(x, n)
    return d["a"] * d["b"]


def comprehension(x, n):
    return x if n == 0 else sum([comprehension(x * 0.5 + i, n - 1) for i in range(n)])


def early_return(x, n):
    s = 0.0
    for _ in range(10):
        if s > 2.0:
            return s * x
        s += math.exp(early_return(x * 0.3, n - 1)) if n > 0 else x
    return s


def largest(v, lo, hi):
    if hi - lo == 1:
        return v[lo]
    m = (lo + hi) // 2
    return max(largest(v, lo, m), largest(v, m, hi))


def of_largest(v):
    return largest(v, 0, len(v)) * v[0]


def deep(x, n):
    return x if n == 0 else deep(x * 0.999, n - 1) + 0.001 * x


def left_early(x, y, n):
    while n > 0:
        y = y * deep(x, n) + 0.1
        if y > 3.0:
            break
        n -= 1
    return y


def rotated(v, n):
    return v[0] if n == 0 else rotated(v[1:] + [v[0] * v[1]], n - 1) + v[2]


def layers(A, b, n):
    return b if n == 0 else np.tanh(A @ layers(A, b * 0.5, n - 1) + b)


def of_layers(A, b, n):
    return np.sum(layers(A, b, n) ** 2)


rng = np.random.default_rng(3)

# function, arguments, positions to differentiate in
CASES: list[tuple[Any, tuple[Any, ...], tuple[int, ...]]] = [
    (power, (1.3, 5), (0,)),
    (fast_power, (1.3, 13), (0,)),
    (two_powers, (1.3, 0.8, 4), (0, 1)),
    (fib, (0.7, 1.2, 7), (0, 1)),
    (ackermann, (2, 2, 0.6), (2,)),
    (hanoi, (4, 0.8, 1.1), (1, 2)),
    (is_even, (0.7, 0.3, 5), (0, 1)),
    (tree, ([0.3, -0.8, 0.5, 1.1, 0.9, -0.4], 1.2), (0, 1)),
    (tree_array, (np.array([0.3, -0.8, 0.5, 1.1, 0.9, -0.4]), 1.2), (0, 1)),
    (closure, (0.7, 0.9, 4), (0, 1)),
    (closures, (0.7, 3), (0,)),
    (in_loop, (0.7, 0.9, 4), (0, 1)),
    (loop_inside, (0.7, 4), (0,)),
    (while_inside, (0.7, 0.9, 6), (0, 1)),
    (halves, (rng.normal(size=7),), (0,)),
    (energy_of_fft, (rng.normal(size=8), 0.7), (0, 1)),
    (trace_of_power, (rng.normal(size=(3, 3)) * 0.5, 5), (0,)),
    (of_pair, (0.7, 0.9, 4), (0, 1)),
    (kepler, (1.1, 0.4), (0, 1)),
    (area, (0.2, 1.9), (0, 1)),
    (area_of, (0.2, 1.9, 1.3), (0, 1, 2)),
    (weighted, (0.7, 4), (0,)),
    (cached, (0.7, 5), (0,)),
    (clenshaw, ([0.3, -0.8, 0.5, 1.1], 0.6), (0, 1)),
    (checked, (0.7, 3), (0,)),
    (optional, (0.7, 0.9, 4), (0, 1)),
    (integers_first, (0.7, 4), (0,)),
    (determinant, ([[0.3, 0.8, 0.1], [0.5, -0.2, 0.9], [0.4, 0.6, 0.7]],), (0,)),
    (merge_like, (0.7, 0.9, 5), (0, 1)),
    (method, (0.7, 0.9, 4), (0, 1)),
    (with_keywords, (0.7, 0.3, 3), (0, 1)),
    (local_write, (np.array([0.5, 0.3, 0.2]), 3), (0,)),
    (caller_updates, (np.array([0.5, 0.3, 0.2]), 3), (0,)),
    (along_path, (0.7, 4), (0,)),
    (previous, (0.7, 4), (0,)),
    (constant_part, (0.7, 9), (0,)),
    (uses_dict, (0.7, 4), (0,)),
    (comprehension, (0.7, 3), (0,)),
    (early_return, (0.7, 2), (0,)),
    (of_largest, (rng.normal(size=6),), (0,)),
    (of_largest, ([0.3, 0.9, 0.2],), (0,)),
    (deep, (0.7, 200), (0,)),
    (left_early, (0.7, 0.9, 4), (0, 1)),
    (rotated, ([0.3, 0.5, 0.7, 0.2], 4), (0,)),
    (of_layers, (rng.normal(size=(3, 3)), rng.normal(size=3), 3), (0, 1)),
    (of_layers, (rng.normal(size=(1, 1)), rng.normal(size=1), 3), (0, 1)),
]

over = pytest.mark.parametrize("f, args, wrt", CASES, ids=lambda x: getattr(x, "__name__", ""))


def fresh(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return copy.deepcopy(args)


def plain(f: Any) -> Any:
    return getattr(f, "__wrapped__", f)


@over
def test_reverse(f, args, wrt):
    """All arguments at once, also where there is one number only: the pair is what is tested."""
    g = grad(f, wrt=wrt)
    got = g(*fresh(args))
    for x, w in zip(got, numeric.gradient(plain(f), args, wrt), strict=True):
        numeric.assert_close(x, w, 1e-6, "gradient")
    compile(source(g, *fresh(args)), "text", "exec")


@over
def test_pair(f, args, wrt):
    y, pullback = vjp(f, *fresh(args), wrt=wrt)
    assert y == pytest.approx(f(*fresh(args)))
    got = pullback(1.0)
    for k, w in zip(wrt, numeric.gradient(plain(f), args, wrt), strict=True):
        numeric.assert_close(got[k], w, 1e-6, "pullback")


def tangents(args, wrt):
    r = np.random.default_rng(5)
    d = tuple(numeric.random_like(args[k], r) for k in wrt)
    t: list[Any] = [None] * len(args)
    for k, v in zip(wrt, d, strict=True):
        t[k] = v
    return d, tuple(t)


@over
def test_forward(f, args, wrt):
    d, t = tangents(args, wrt)
    y, y_dot = jvp(f, fresh(args), t)
    assert y == pytest.approx(f(*fresh(args)))
    numeric.assert_close(y_dot, numeric.directional(plain(f), args, wrt, d)[0], 1e-6, "tangent")


@over
def test_forward_over_reverse(f, args, wrt):
    """The change of the gradient along a direction."""
    d, t = tangents(args, wrt)
    g = grad(f, wrt=wrt)
    _, change = jvp(g, fresh(args), t)
    want = numeric.directional(lambda *a: numeric.ravel(g(*a)), args, wrt, d)
    numeric.assert_close(numeric.ravel(change), want, 1e-5, "second order")


@over
def test_reverse_over_reverse(f, args, wrt):
    g = grad(f, wrt=wrt)
    d, t = tangents(args, wrt)
    _, pullback = vjp(g, *fresh(args), wrt=wrt)
    bars = pullback(d if len(wrt) > 1 else (d[0],))
    _, change = jvp(g, fresh(args), t)
    got = [bars[k] for k in wrt]
    numeric.assert_close(numeric.ravel(got), numeric.ravel(change), 1e-8, "symmetry of the second derivative")


@pytest.mark.parametrize(
    "f, args",
    [(power, (1.3, 5)), (fast_power, (1.3, 6)), (loop_inside, (0.7, 3)), (weighted, (0.7, 3))],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_third_order(f, args):
    g2, g3 = grad(grad(f)), grad(grad(grad(f)))
    want = numeric.gradient(g2, args, (0,))[0]
    numeric.assert_close(g3(*args), want, 1e-5, "third order")


def test_exact():
    assert grad(power)(2.0, 5) == 80.0
    assert grad(grad(power))(2.0, 5) == 160.0
    assert grad(power)(2.0, 0) == 0.0


def test_text():
    _, pullback = vjp(closure, 0.7, 0.9, 4, wrt=("x", "y"))
    text = pullback.source
    assert 'def step_fwd(v, k, scale, y):\n    """Value of step and what its pullback needs."""\n' in text
    assert 'def step_bwd(saved, out_bar):\n    """Pullback of step: cotangents of v, scale, y."""\n' in text


def test_captured():
    assert grad(weighted, wrt=("x", "WEIGHT"))(0.7, 0) == (1.0, 0.0)
    x, n = 0.7, 3
    product = lambda w: w**n * math.prod(1.0 for _ in range(n)) * (x * w**n)  # noqa: E731
    got = grad(products, wrt="WEIGHT")(x, n)
    assert got == pytest.approx((product(0.7 + 1e-6) - product(0.7 - 1e-6)) / 2e-6)


def products(x, n):
    return x if n == 0 else WEIGHT * products(x * WEIGHT, n - 1)


def gives_back(v, n):
    return v if n == 0 else gives_back(v, n - 1)


def writes_to_result(v, n):
    v = v * 1.0
    y = gives_back(v, n)
    y[0] = 5.0
    return np.sum(v * v)


def compose(f, x, n):
    return f(x) if n == 0 else compose(lambda t: f(f(t)), x, n - 1)


def composed(x, n):
    return compose(math.sin, x, n)


def growing(x, n, acc=()):
    return sum(acc) if n == 0 else growing(x, n - 1, (*acc, x))


def changes(v, w, n):
    v[n] = w[n] * 2.0
    return v[0] if n == 0 else changes(v, w, n - 1) + v[n]


def twice(u, n):
    return changes(u, u, n)


def never(x, n):
    return x * never(x, n - 1)


def test_refusals():
    with pytest.raises(srcdiff.UnsupportedSyntax, match="changes an array or list that it sees twice"):
        grad(lambda x, n: changes(2.0 * x, x, n) + twice(x * 1.0, n))(np.ones(3), 20)
    with pytest.raises(srcdiff.UnsupportedSyntax, match="every path"):
        grad(never)(1.0, 2)
    with pytest.raises(srcdiff.UnsupportedSyntax, match="may or may not change"):
        grad(writes_to_result)(np.ones(3), 20)
    for f in (composed, growing):
        with pytest.raises(srcdiff.UnsupportedSyntax, match="ever new structure"):
            grad(f)(0.7, 20)
        numeric.assert_close(grad(f)(0.7, 2), numeric.gradient(f, (0.7, 2), (0,))[0], 1e-7)


def insert(tree, value):
    """Into a binary search tree of nested lists: how deep it grows depends on the values."""
    if tree is None:
        return [value, None, None]
    if value < tree[0]:
        tree[1] = insert(tree[1], value)
    else:
        tree[2] = insert(tree[2], value)
    return tree


def in_order(tree, out):
    if tree is None:
        return
    in_order(tree[1], out)
    out.append(tree[0])
    in_order(tree[2], out)


def tree_sorted(x):
    tree, out = None, []
    for value in x:
        tree = insert(tree, value)
    in_order(tree, out)
    return sum((k + 1) * value**2 for k, value in enumerate(out))


def test_search_tree():
    g = grad(tree_sorted)
    for n in (1, 4, 7):
        x, v = np.random.default_rng(n).normal(size=(2, n))
        expected = numeric.gradient(tree_sorted, (x,), (0,))[0]
        numeric.assert_close(g(x), expected, 1e-7)
        numeric.assert_close(jvp(tree_sorted, (x,), (v,))[1], v @ expected, 1e-7)
