"""while loops: iterations that stop when the numbers say so."""

import math

import numpy as np

from corpus.program import Program

rng = np.random.default_rng(4)


def newton_sqrt(a):
    x = a
    while abs(x * x - a) > 1e-10:
        x = 0.5 * (x + a / x)
    return x


def newton_root(a, n):
    x = 1.0
    step = 1.0
    while abs(step) > 1e-9:
        step = (x**n - a) / (n * x ** (n - 1))
        x -= step
    return x


def bisection(a):
    lo, hi = 0.0, 4.0
    while hi - lo > 0.3:
        mid = 0.5 * (lo + hi)
        if mid * mid < a:
            lo = mid
        else:
            hi = mid
    return lo + (a - lo * lo) / (2.0 * lo)


def arithmetic_geometric(a, b):
    while abs(a - b) > 1e-8:
        a, b = 0.5 * (a + b), math.sqrt(a * b)
    return a


def double_until(a, limit):
    b = a * 2
    while b * b < limit:
        b = b * 2
    return b


def decay_sum(x, w):
    s = 0.0
    while x > 0.1:
        s = s + w * x
        x = 0.5 * x
    return s


def collatz_like(x, n):
    while n > 1:
        if n % 2 == 0:
            n = n // 2
            x = x * 0.9
        else:
            n = 3 * n + 1
            x = x + 0.1 * math.sin(x)
    return x


def fixed_point(a):
    x = 0.0
    old = 1.0
    while abs(x - old) > 1e-9:
        old = x
        x = math.cos(a * x)
    return x


def two_counters(x, n):
    i, j = 0, n
    y = x
    while i < j:
        y = y * x + i
        i += 1
        j -= 1
    return y + i * x


def while_in_for(xs, tol):
    total = 0.0
    for k in range(len(xs)):
        y = xs[k]
        while abs(y) > tol:
            y = y * 0.5
        total += y * xs[k]
    return total


def for_in_while(x, limit):
    y = x
    while y < limit:
        for i in range(3):
            y = y + x * (i + 1)
    return y * x


def never_entered(x):
    y = x * x
    while y < 0.0:
        y = y + 1.0
    return y


def power_method(A, v, n):
    k = 0
    while k < n:
        w = A @ v
        v = w / np.sqrt(np.sum(w * w))
        k += 1
    return v @ A @ v


def gradient_descent(x0, rate):
    x = x0
    g = 1.0
    while abs(g) > 1e-2:
        g = 4.0 * x**3 - 3.0 * x
        x = x - rate * g
    return x * x0


def exp_series(x):
    term = 1.0
    total = 0.0
    k = 0
    while abs(term) > 1e-14:
        total = total + term
        k += 1
        term = term * x / k
    return total


def norm_doubling(a):
    b = a * 2
    while np.linalg.norm(b) < 1000:
        b = b * 2
    return np.sum(b * b) / 1e6


def until_short(x):
    while True:
        if len(x) < 3:
            return x
        x = x[1:] * x[:-1]


def shortened_by_helper(x):
    a, b = until_short(x)
    return a * b


def counted_in_the_test(x):
    n = 0.0

    def more():
        nonlocal n
        n += x[0] * x[1]
        return n < 5.0

    s = 0.0
    while more():
        s += n * x[2]
    return n * x[1] + s


class Decay:
    def __init__(self, v):
        self.v, self.n = v, 0

    def more(self):
        self.v = self.v * 0.9 + 0.1
        self.n += 1
        return self.v > 1.05 and self.n < 50


def object_changed_by_the_test(x):
    d, s = Decay(x[1] * 3.0), 0.0
    while d.more():
        s += d.v**2
        if s > 30.0:
            break
        if s < 5.0:
            continue
        s *= 0.99
    else:
        s += d.v
    return s + d.v


def else_leaves_the_loop_around(x):
    s = 0.0
    for k in range(3):
        d = Decay(x[1] * 2.0)
        while d.more():
            s += d.v
        else:
            if k == 1:
                break
        s += d.n * d.v
    return s


def list_grown_by_the_test(x):
    xs = [x[0]]

    def more():
        xs.append(xs[-1] * 0.5 + x[1])
        return len(xs) < 6

    while more():
        pass
    return xs[-1] * xs[2]


PROGRAMS = [
    Program("counted_in_the_test", counted_in_the_test, (np.array([0.7, 1.3, -0.4]),)),
    Program("object_changed_by_the_test", object_changed_by_the_test, (np.array([0.7, 1.3]),)),
    Program("else_leaves_the_loop_around", else_leaves_the_loop_around, (np.array([0.7, 1.3]),)),
    Program("list_grown_by_the_test", list_grown_by_the_test, (np.array([0.7, 1.3]),)),
    Program("newton_sqrt", newton_sqrt, (7.3,)),
    Program("newton_root", newton_root, (3.2, 3)),
    Program("bisection", bisection, (2.7,)),
    Program("arithmetic_geometric", arithmetic_geometric, (1.3, 0.4), (0, 1)),
    Program("double_until", double_until, (0.3, 20.0)),
    Program("decay_sum", decay_sum, (3.7, 1.3), (0, 1)),
    Program("collatz_like", collatz_like, (0.8, 7)),
    Program("fixed_point", fixed_point, (0.8,)),
    Program("two_counters", two_counters, (0.8, 7)),
    Program("while_in_for", while_in_for, (rng.normal(size=5), 0.05)),
    Program("for_in_while", for_in_while, (0.8, 21.0)),
    Program("never_entered", never_entered, (0.8,)),
    Program("power_method", power_method, (rng.normal(size=(3, 3)) + 3 * np.eye(3), np.ones(3), 5), (0, 1)),
    Program("gradient_descent", gradient_descent, (1.6, 0.08), (0, 1)),
    Program("exp_series", exp_series, (1.3,)),
    Program("shortened_by_helper", shortened_by_helper, (np.array([1.0, 2.0, 3.0, 1.5]),)),
    Program("norm_doubling", norm_doubling, (rng.normal(size=3),)),
]
