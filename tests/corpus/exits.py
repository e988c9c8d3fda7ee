"""break, continue, early return, for-else and while-else, at every depth."""

import math

import numpy as np

from corpus.program import Program

rng = np.random.default_rng(5)


def break_on_size(x, n):
    y = x
    for i in range(n):
        y = y * x + i
        if y > 20.0:
            break
    return y


def break_first(x, n):
    y = x
    for i in range(n):
        if y > 3.0:
            break
        y = y * 1.4 + 0.1 * x * i
    return y * x


def break_in_else(xs):
    s = 0.0
    for x in xs:
        if s < 1.0:
            s = s + x * x
        else:
            s = s * x
            break
    return s


def continue_negative(xs, w):
    s = 0.0
    for x in xs:
        if x < 0.0:
            continue
        s = s + math.sqrt(x) * w
    return s


def continue_after_work(xs, w):
    s = 1.0
    for x in xs:
        s = s * (1.0 + 0.1 * x)
        if s > 1.05:
            continue
        s = s + w * x * x
    return s


def break_and_continue(x, n):
    s = 0.0
    p = x
    for i in range(n):
        if i % 3 == 0:
            continue
        p = p * x
        if p > 8.0:
            break
        s += p
    return s * p


def inner_break(x, n, m):
    s = 0.0
    for i in range(n):
        p = x + 0.1 * i
        for _ in range(m):
            p = p * x
            if p > 5.0:
                break
        s = s + p
    return s


def both_break(x, n):
    s = x
    for i in range(n):
        for j in range(n):
            s = s + 0.1 * x * j
            if s > 3.0:
                break
        if s > 5.0:
            break
        s = s * 1.1
    return s


def return_in_loop(xs, limit):
    s = 0.0
    for x in xs:
        s = s + x * x
        if s > limit:
            return s * s
    return s


def return_in_nested(A, limit):
    s = 0.0
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            s = s + A[i, j] ** 2
            if s > limit:
                return s * A[i, j] + i
    return -s


def return_in_while(x):
    k = 0
    while True:
        x = x * 1.3
        k += 1
        if x > 4.0:
            return x * k
        if k > 6:
            return x - k


def while_true_break(a):
    x = a
    while True:
        new = 0.5 * (x + a / x)
        if abs(new - x) < 1e-9:
            break
        x = new
    return x


def guard_clauses(x, y):
    if y < 0.0:
        return x
    z = x * y
    if z > 2.0:
        return math.log(z)
    return z * x


def return_everywhere(x, kind):
    if kind == 0:
        return x
    elif kind == 1:
        return x * x
    elif kind == 2:
        for _ in range(3):
            x = x * 0.9
            if x < 0.5:
                return math.exp(x)
        return x
    return math.sin(x)


def for_else_found(xs, w, target):
    acc = 0.0
    for i in range(len(xs)):
        acc = acc + math.tanh(w * xs[i])
        if acc > target:
            break
    else:
        acc = acc * acc
    return acc


def while_else(x, limit):
    k = 0
    while k < 5:
        x = x * 1.2
        k += 1
        if x > limit:
            x = x - limit * 0.5
            break
    else:
        x = math.sin(x)
    return x


def else_of_empty(x, n):
    for _ in range(n):
        x = x * 2.0
    else:
        x = x * x
    return x


def nested_for_else(x, n):
    s = 0.0
    for i in range(2, n):
        for j in range(2, i):
            if i % j == 0:
                break
            s += 0.01 * x
        else:
            s += x**i
    return s


def continue_in_while(x, n):
    i = 0
    s = x
    while i < n:
        i += 1
        if i % 2:
            continue
        s = s * x + i
    return s


def break_out_of_two(x, n):
    done = False
    y = x
    for i in range(n):
        for j in range(n):
            y = y + 0.1 * math.sin(x * (i + j))
            if y > 1.5:
                done = True
                break
        if done:
            break
    return y * y


def first_positive(xs):
    for i in range(len(xs)):
        if xs[i] > 0.0:
            return xs[i] ** 3 + i
    return 0.0


def value_at_break(xs, t):
    previous = xs[0]
    for x in xs:
        if x > t:
            return previous + (t - previous) * (x - previous)
        previous = x
    return previous


def armijo(x, slope):
    step = 1.0
    f0 = x**4
    for _ in range(20):
        trial = x - step * slope * x**3
        if trial**4 < f0 * 0.9:
            break
        step = step * 0.5
    return trial * step


def two_breaks(x, n):
    for i in range(n):
        x = x + 0.2 * math.cos(x * i)
        if x > 2.0:
            x = x * x
            break
        if x < 0.2:
            x = x + 1.0
            break
        x = x * 1.1
    return x


def continue_deep(A):
    s = 0.0
    for row in A:
        if row[0] < 0.0:
            continue
        for v in row:
            if v < 0.0:
                s = s - v
                continue
            s = s + v * v
        s = s * 1.1
    return s


xs = np.array([0.3, -0.2, 0.8, 0.9, 0.1])
A = rng.normal(size=(4, 3))

def part_or_second(x, y, n):
    for i in range(n):
        x = x * y
        if x[0] < 1.0:
            return y[: i + 1] * x[: i + 1]
    return y


def sum_of_part(x, y, n):
    return np.sum(part_or_second(x, y, n) ** 2)


PROGRAMS = [
    Program("break_on_size", break_on_size, (1.7, 10)),
    Program("break_on_size_not", break_on_size, (0.7, 4)),
    Program("break_first", break_first, (1.1, 10)),
    Program("break_in_else", break_in_else, (np.array([0.7, 0.9, -0.4, 0.3]),)),
    Program("continue_negative", continue_negative, (xs, 0.7), (0, 1)),
    Program("continue_after_work", continue_after_work, (xs, 0.7), (0, 1)),
    Program("break_and_continue", break_and_continue, (1.3, 12)),
    Program("inner_break", inner_break, (1.4, 4, 5)),
    Program("both_break", both_break, (1.3, 6)),
    Program("return_in_loop", return_in_loop, (xs, 0.9)),
    Program("return_in_loop_not", return_in_loop, (xs, 90.0)),
    Program("sum_of_part", sum_of_part, (np.array([0.5, 2.0, 3.0]), np.array([1.1, 1.2, 1.3]), 3), (0, 1)),
    Program("sum_of_part_not", sum_of_part, (np.array([1.5, 2.0]), np.array([1.1, 1.2]), 2), (0, 1)),
    Program("sum_of_part_no_trip", sum_of_part, (np.array([1.1, 1.2]), np.array([0.5, 2.0]), 0), (0, 1)),
    Program("return_in_nested", return_in_nested, (A, 2.5)),
    Program("return_in_nested_not", return_in_nested, (A, 250.0)),
    Program("return_in_while", return_in_while, (1.3,)),
    Program("return_in_while_late", return_in_while, (0.3,)),
    Program("while_true_break", while_true_break, (3.1,)),
    Program("guard_clauses_1", guard_clauses, (0.5, -1.0), (0, 1)),
    Program("guard_clauses_2", guard_clauses, (3.0, 2.0), (0, 1)),
    Program("guard_clauses_3", guard_clauses, (0.5, 0.5), (0, 1)),
    Program("return_everywhere_0", return_everywhere, (0.6, 0)),
    Program("return_everywhere_2", return_everywhere, (0.6, 2)),
    Program("return_everywhere_2_late", return_everywhere, (1.6, 2)),
    Program("return_everywhere_3", return_everywhere, (0.6, 3)),
    Program("for_else_found", for_else_found, (xs, 1.1, 0.6), (0, 1)),
    Program("for_else_exhausted", for_else_found, (xs, 1.1, 60.0), (0, 1)),
    Program("while_else", while_else, (0.9, 50.0)),
    Program("while_else_broken", while_else, (1.9, 3.0), (0, 1)),
    Program("else_of_empty", else_of_empty, (0.9, 0)),
    Program("nested_for_else", nested_for_else, (0.9, 9)),
    Program("continue_in_while", continue_in_while, (0.9, 7)),
    Program("break_out_of_two", break_out_of_two, (0.9, 5)),
    Program("first_positive", first_positive, (np.array([-0.4, -0.2, 0.7, 0.2]),)),
    Program("first_positive_none", first_positive, (np.array([-0.4, -0.2]),)),
    Program("value_at_break", value_at_break, (np.array([0.1, 0.4, 0.9, 1.5]), 0.7), (0, 1)),
    Program("armijo", armijo, (1.4, 3.0), (0, 1)),
    Program("two_breaks", two_breaks, (0.9, 9)),
    Program("two_breaks_low", two_breaks, (0.05, 9)),
    Program("continue_deep", continue_deep, (A,)),
]
