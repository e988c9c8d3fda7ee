"""Functions that call themselves and change what is around them: memos, counters, arrays in place, lists."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from corpus.program import Program

PROGRAMS: list[Program] = []


def add(*args: Any, wrt: tuple[int, ...] = (0,)) -> Any:
    def put(f: Any) -> Any:
        PROGRAMS.append(Program(f.__name__, f, args, wrt))
        return f

    return put


@add(np.array([3.0, 1.0, 2.5, 0.4, 1.7]), np.arange(1.0, 6.0), wrt=(0, 1))
def quicksort_in_place(x, w):
    a = x.copy()

    def sort(lo, hi):
        if lo >= hi:
            return
        p = a[hi]
        i = lo
        for j in range(lo, hi):
            if a[j] < p:
                t = a[i]
                a[i] = a[j]
                a[j] = t
                i += 1
        t = a[i]
        a[i] = a[hi]
        a[hi] = t
        sort(lo, i - 1)
        sort(i + 1, hi)

    sort(0, len(a) - 1)
    return np.sum(w * a**2)


@add(np.array([3.0, 1.0, 2.5, 0.4, 1.7]), wrt=(0,))
def quicksort_arg(x):
    a = list(x)

    def sort(a, lo, hi):
        if lo < hi:
            p = a[hi]
            i = lo
            for j in range(lo, hi):
                if a[j] < p:
                    a[i], a[j] = a[j], a[i]
                    i += 1
            a[i], a[hi] = a[hi], a[i]
            sort(a, lo, i - 1)
            sort(a, i + 1, hi)
        return a

    sort(a, 0, len(a) - 1)
    return sum((i + 1) * v**2 for i, v in enumerate(a))


@add(np.array([0.5, 1.2, 0.3, 2.0, 0.7]), 0)
def dfs_collect(v, n0):
    adj = [[1, 2], [3], [3, 4], [4], []]
    seen = [False] * 5
    order = []

    def visit(k):
        if seen[k]:
            return
        seen[k] = True
        order.append(v[k] ** 2)
        for j in adj[k]:
            visit(j)

    visit(n0)
    return sum((i + 1) * o for i, o in enumerate(order))


@add(1.3, 0.4, 5, wrt=(0, 1))
def nonlocal_count(x, y, n0):
    total = 0.0

    def walk(n, t):
        nonlocal total
        total += t * math.sin(n * y)
        if n > 0:
            walk(n - 1, t * x)
            if n > 2:
                walk(n - 2, t * y)

    walk(n0, 1.0)
    return total * x


def fib_memo(n, x, memo):
    if n in memo:
        return memo[n]
    if n < 2:
        return x + n
    r = fib_memo(n - 1, x, memo) + x * fib_memo(n - 2, x, memo)
    memo[n] = r
    return r


@add(0.8, 7)
def memo_arg(x, n0):
    return fib_memo(n0, x, {})


@add(0.8, 7)
def memo_arg_kept(x, n0):
    memo = {0: x, 1: x * x}
    a = fib_memo(n0, x, memo)
    return a + memo[3] * len(memo)


class Solver:
    def __init__(self, x):
        self.x = x
        self.memo = {0: 0.5 * x}
        self.calls = 0
        self.total = 0.0

    def value(self, n):
        self.calls += 1
        if n in self.memo:
            return self.memo[n]
        if n <= 1:
            r = self.x
        else:
            r = math.sin(self.value(n - 1)) + self.x * self.value(n - 2)
        self.memo[n] = r
        self.total = self.total + r
        return r


@add(0.9, 6)
def method_memo(x, n0):
    s = Solver(x)
    y = s.value(n0)
    return y * s.total + s.calls * x


@add(np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.7, -0.2]), 3, wrt=(0, 1))
def backtracking_subsets(v, w, n0):
    best = [0.0]
    path = []

    def go(i, acc):
        if i == n0:
            best[0] += math.exp(-acc) * (1.0 + len(path))
            return
        path.append(i)
        go(i + 1, acc + v[i] * w[i])
        path.pop()
        go(i + 1, acc + 0.1 * w[i])

    go(0, 0.0)
    return best[0]


@add(np.linspace(0.1, 1.6, 8))
def haar_in_place(x):
    a = x.copy()

    def haar(a, n):
        if n == 1:
            return
        h = n // 2
        s = (a[0:n:2] + a[1:n:2]) / 2
        d = (a[0:n:2] - a[1:n:2]) / 2
        a[:h] = s
        a[h:n] = d
        haar(a, h)

    haar(a, 8)
    return np.sum(a**3)


@add(np.linspace(0.1, 1.6, 8))
def halves_of_views(x):
    a = x.copy()

    def scale(a, d):
        n = len(a)
        if n <= 1:
            a[0] *= 1.0 + d
            return
        a *= 1.1
        scale(a[: n // 2], d + 1)
        scale(a[n // 2 :], d * 2)

    scale(a, 0.5)
    return np.sum(a**2)


@add(np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]]), 0)
def lu_recursive(A, n0):
    A = A.copy()

    def lu(k):
        if k == len(A) - 1:
            return
        A[k + 1 :, k] /= A[k, k]
        A[k + 1 :, k + 1 :] -= np.outer(A[k + 1 :, k], A[k, k + 1 :])
        lu(k + 1)

    lu(n0)
    return np.log(np.abs(np.prod(np.diag(A))))


@add(0.3, 1.1, 5, wrt=(0, 1))
def mutual_with_state(x, y, n0):
    log = []

    def even(n, v):
        log.append(v)
        return v if n == 0 else odd(n - 1, v * x)

    def odd(n, v):
        log.append(2 * v)
        return v if n == 0 else even(n - 1, v + y)

    r = even(n0, 1.0)
    return r + sum(v * v for v in log)


@add(np.array([[0.0, 1.0, 0.0, 2.0], [1.0, 0.5, 1.5, 0.0], [0.0, 2.0, 0.7, 0.1]]), 0)
def flood_fill(g, n0):
    seen = np.zeros(g.shape, dtype=bool)

    def fill(i, j):
        if i < 0 or j < 0 or i >= g.shape[0] or j >= g.shape[1] or seen[i, j] or g[i, j] < 0.3:
            return 0.0
        seen[i, j] = True
        return g[i, j] ** 2 + 0.5 * (fill(i + 1, j) + fill(i - 1, j) + fill(i, j + 1) + fill(i, j - 1))

    return fill(n0, 1)


@add(np.array([0.2, 0.5, 0.9]), 3)
def hanoi_state(w, n0):
    pegs = [[3, 2, 1], [], []]
    cost = 0.0

    def move(n, s, d, t):
        nonlocal cost
        if n == 0:
            return
        move(n - 1, s, t, d)
        disk = pegs[s].pop()
        pegs[d].append(disk)
        cost += w[disk - 1] * w[d] + w[s] ** 2
        move(n - 1, t, d, s)

    move(n0, 0, 2, 1)
    return cost


COUNTER = 0


@add(0.7, 5)
def global_counter(x, n0):
    global COUNTER
    COUNTER = 0

    def f(n, y):
        global COUNTER
        COUNTER += 1
        return y if n <= 0 else f(n - 1, y * x) + f(n - 2, y + x)

    return f(n0, 1.0) * COUNTER


@add(np.array([1.0, 0.5, 0.25]), 2)
def closure_view(x, n0):
    u = x.copy()
    v = u[1:]

    def f(n):
        if n == 0:
            return np.sum(v**2)
        u[1] += u[2] * 2
        return f(n - 1)

    return f(n0) + v[0]


@add(0.6, 3)
def ackermann_like_lists(x, n0):
    vals = []

    def rec(k, acc):
        if k == 0:
            vals.append(np.array([acc, acc * x]))
            return
        rec(k - 1, acc + x)
        rec(k - 1, acc * x)

    rec(n0, 1.0)
    return sum(np.sum(v * v) for v in vals)


@add(0.6, 3)
def local_state_object(x, n0):
    class_state = {"n": 0, "sum": 0.0}

    def rec(k, acc):
        class_state["n"] += 1
        class_state["sum"] += acc
        if k > 0:
            rec(k - 1, acc * x)
            rec(k - 1, acc - x)

    rec(n0, 1.0)
    return class_state["sum"] * class_state["n"]


@add(np.array([0.3, 0.6, 0.8]), 3)
def kd_pairs(x, n0):
    pairs = []

    def go(lo, hi):
        if hi - lo < 2:
            return
        mid = (lo + hi) // 2
        pairs.append((x[lo] * x[mid], x[hi - 1]))
        go(lo, mid)
        go(mid, hi)

    go(0, n0)
    return sum(p * (m + 1) for p, m in pairs)


@add(np.linspace(0.1, 0.9, 4), 4)
def caller_sees_what_changed(x, n):
    """The list, the count and the array are read after the call."""
    u, seen, count = x.copy(), [], 0

    def walk(k):
        nonlocal count
        count += 1
        if k == 0:
            return
        u[k - 1] *= x[0] + k
        seen.append(u[k - 1])
        walk(k - 1)

    walk(n)
    u[0] *= 2.0
    return np.sum(u**2) + sum(seen) * count


@add(np.array([0.5, 1.5, 2.5]), 2)
def returns_its_argument(x, n):
    """What comes back is the array that was given."""

    def relax(u, k):
        if k == 0:
            return u
        u[1:] += 0.5 * u[:-1]
        return relax(u, k - 1)

    u = x.copy()
    v = relax(u, n)
    v[0] *= 3.0
    return np.sum(u**2)


class Affine:
    def __init__(self, w):
        self.w = w

    def f(self, n, v):
        return v if n == 0 else self.f(n - 1, v * self.w[0] + self.w[1])


@add(np.array([0.5, 1.5]), 2)
def object_changed_between(x, n):
    m = Affine(x.copy())
    a = m.f(n, 1.0)
    m.w[0] *= 2.0
    return a * m.f(n, 2.0)


@add(np.array([0.5, 1.5]), 2)
def closure_object_changed_between(x, n):
    m = Affine(x.copy())

    def g(k, v):
        return v if k == 0 else g(k - 1, v * m.w[0] + m.w[1])

    a = g(n, 1.0)
    m.w[0] *= 2.0
    return a * g(n, 2.0)


@add(np.array([0.5, 1.5, 1.0]), 3)
def view_argument(x, n):
    u = x.copy()

    def f(v, k):
        if k == 0:
            return
        v[0] += v[1] * 2
        f(v[::-1], k - 1)

    f(u, n)
    return np.sum(u**3)


@add(np.array([0.5, 1.5, 1.0]), 3)
def row_of_matrix(x, n):
    A = np.outer(x, x)

    def f(r, k):
        if k > 0:
            r *= 1.1
            f(r, k - 1)

    for i in range(3):
        f(A[i], n)
    return np.sum(A**2)
