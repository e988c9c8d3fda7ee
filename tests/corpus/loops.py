"""for loops: over ranges, arrays and lists, nested, with recurrences carried from trip to trip."""

import math

import numpy as np

from corpus.program import Program

rng = np.random.default_rng(3)


def logistic_map(x, r, n):
    for _ in range(n):
        x = r * x * (1.0 - x)
    return x


def horner(coefficients, x):
    y = 0.0
    for c in coefficients:
        y = y * x + c
    return y


def taylor_exp(x, n):
    term = 1.0
    total = 1.0
    for k in range(1, n):
        term = term * x / k
        total += term
    return total


def sum_of_squares(xs):
    s = 0.0
    for x in xs:
        s += x * x
    return s


def indexed_product(xs):
    p = 1.0
    for i in range(len(xs)):
        p *= xs[i]
    return p


def fibonacci_like(a, b, n):
    for _ in range(n):
        a, b = b, a * 0.5 + b * math.sin(a)
    return a


def countdown(x, n):
    y = x
    for i in range(n, 0, -2):
        y = y + x**i / i
    return y


def stepped(xs, start, stop, step):
    s = 0.0
    for i in range(start, stop, step):
        s = s + xs[i] ** 2 * i
    return s


def triangle(xs):
    total = 0.0
    for i in range(len(xs)):
        for j in range(i):
            total += xs[i] * xs[j] ** 2
    return total


def nested_reset(x, n, m):
    y = x
    for i in range(n):
        s = 0.0
        for j in range(m):
            s = s * x + math.cos(y * j)
        y = y + 0.1 * s
    return y


def continued_fraction(a):
    value = a[-1]
    for k in range(len(a) - 2, -1, -1):
        value = a[k] + 1.0 / value
    return value


def chebyshev(x, n):
    previous, current = 1.0, x
    for _ in range(n - 1):
        previous, current = current, 2.0 * x * current - previous
    return current


def moving_average(xs, alpha):
    mean = xs[0]
    error = 0.0
    for i in range(1, len(xs)):
        error += (xs[i] - mean) ** 2
        mean = alpha * xs[i] + (1.0 - alpha) * mean
    return error


def welford(xs):
    mean = 0.0
    m2 = 0.0
    n = 0
    for x in xs:
        n += 1
        delta = x - mean
        mean += delta / n
        m2 += delta * (x - mean)
    return m2 / n


def branch_in_loop(xs, w):
    s = 0.0
    for x in xs:
        if x > 0.0:
            s = s + w * x
        else:
            s = s - math.exp(w * x) * s
    return s


def parity(x, n):
    for i in range(n):
        if i % 2:
            x = math.sin(x)
        else:
            x = x * x + 0.3
    return x


def zero_trips(x, n):
    y = x * x
    for _ in range(n):
        y = y * y
    return y


def loop_variable_after(xs):
    for i in range(len(xs)):
        last = xs[i] * i
    return last * i * xs[0]


def trapezoid(a, b, n):
    h = (b - a) / n
    s = 0.5 * (math.exp(-a * a) + math.exp(-b * b))
    for i in range(1, n):
        t = a + i * h
        s += math.exp(-t * t)
    return s * h


def rows(A, v):
    s = 0.0
    for row in A:
        s += np.tanh(row @ v)
    return s


def overwritten_argument(x, y, n):
    for i in range(n):
        x = x * y
        y = y + x / (i + 1)
    return x - y


def accumulate_powers(x, n):
    p = x
    s = 0.0
    for _ in range(n):
        s += p
        p *= x
    return s


def compound(principal, rate, deposit, years):
    for _ in range(years):
        principal = principal * (1.0 + rate) + deposit
    return principal


def three_deep(x, n):
    s = 0.0
    for i in range(n):
        for j in range(n):
            for k in range(n):
                s = s + math.sin(x * (i + 2 * j + 3 * k)) * 0.1 + 0.01 * s * x
    return s


def invariant_inside(xs, a, b):
    s = 0.0
    for x in xs:
        scale = math.exp(a) * b
        s += scale * x * x
    return s


def independent_trips(xs, ys, w, b):
    s = 0.0
    for i in range(len(xs)):
        r = w * xs[i] + b - ys[i]
        s += r * r
    return s / len(xs)


def min_distance(points, q):
    best = 1e9
    for p in points:
        d = np.sum((p - q) ** 2)
        best = min(best, d)
    return best


def nested_if_loops(x, n):
    y = x
    for i in range(n):
        if y < 2.0:
            for _ in range(i):
                y = y + 0.1 * x * y
        else:
            y = y / x
    return y


def float_steps(x):
    s = 0.0
    for t in np.linspace(0.0, 1.0, 7):
        s += math.exp(t * x)
    return s


def over_tuple(x):
    s = 0.0
    for c in (0.5, 1.5, -2.0):
        s = s * x + c * x
    return s


xs = rng.normal(size=6)

def first_set_inside(x, n, m):
    for k in range(n):
        y = x * k
        x = x + y * 0.1
    if m > 0:
        return np.sum(y * x)
    return np.sum(x * x)


def first_set_in_a_branch(x, c):
    if c > 0:
        y = x * 2
    x = x * 3
    if c > 0:
        return np.sum(y * x)
    return np.sum(x * x)


PROGRAMS = [
    Program("logistic_map", logistic_map, (0.3, 2.7, 12), (0, 1)),
    Program("horner", horner, (rng.normal(size=5), 1.3), (0, 1)),
    Program("horner_list", horner, ([0.3, -1.2, 0.7, 2.0], 1.3), (0, 1)),
    Program("taylor_exp", taylor_exp, (1.3, 12)),
    Program("sum_of_squares", sum_of_squares, (xs,)),
    Program("sum_of_squares_list", sum_of_squares, ([0.3, -0.4, 1.2],)),
    Program("indexed_product", indexed_product, (xs,)),
    Program("fibonacci_like", fibonacci_like, (0.4, 0.9, 7), (0, 1)),
    Program("countdown", countdown, (0.8, 7)),
    Program("stepped", stepped, (rng.normal(size=9), 1, 9, 3)),
    Program("triangle", triangle, (xs,)),
    Program("nested_reset", nested_reset, (0.7, 3, 4)),
    Program("continued_fraction", continued_fraction, (np.array([1.2, 2.1, 0.9, 1.7]),)),
    Program("chebyshev", chebyshev, (0.37, 8)),
    Program("moving_average", moving_average, (xs, 0.3), (0, 1)),
    Program("welford", welford, (xs,)),
    Program("branch_in_loop", branch_in_loop, (xs, 0.8), (0, 1)),
    Program("parity", parity, (0.7, 7)),
    Program("zero_trips", zero_trips, (0.7, 0)),
    Program("loop_variable_after", loop_variable_after, (xs,)),
    Program("trapezoid", trapezoid, (-0.4, 1.1, 9), (0, 1)),
    Program("rows", rows, (rng.normal(size=(4, 3)), rng.normal(size=3)), (0, 1)),
    Program("overwritten_argument", overwritten_argument, (0.6, 0.9, 4), (0, 1)),
    Program("accumulate_powers", accumulate_powers, (0.9, 6)),
    Program("compound", compound, (1.0, 0.05, 0.1, 10), (0, 1, 2)),
    Program("three_deep", three_deep, (0.7, 3)),
    Program("invariant_inside", invariant_inside, (xs, 0.3, 1.2), (0, 1, 2)),
    Program("independent_trips", independent_trips, (xs, rng.normal(size=6), 0.4, -0.1), (2, 3)),
    Program("independent_trips_all", independent_trips, (xs, rng.normal(size=6), 0.4, -0.1), (0, 1, 2, 3)),
    Program("min_distance", min_distance, (rng.normal(size=(5, 2)), rng.normal(size=2)), (0, 1)),
    Program("nested_if_loops", nested_if_loops, (1.2, 7)),
    Program("float_steps", float_steps, (0.6,)),
    Program("over_tuple", over_tuple, (0.6,)),
    Program("first_set_inside", first_set_inside, (xs, 3, 1)),
    Program("first_set_inside_not_read", first_set_inside, (xs, 3, 0)),
    Program("first_set_inside_never", first_set_inside, (xs, 0, 0)),
    Program("first_set_in_a_branch", first_set_in_a_branch, (xs, 1.0)),
    Program("first_set_in_no_branch", first_set_in_a_branch, (xs, -1.0)),
]
