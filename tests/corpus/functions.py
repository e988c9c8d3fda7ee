"""Calls: helpers, nested functions, lambdas, recursion, closures, helpers imported under another name."""

import functools
import math

import numpy as np

import corpus.helpers as lib
from corpus.helpers import logistic as sigma
from corpus.helpers import minmax as ordered
from corpus.helpers import polynomial
from corpus.program import Program

rng = np.random.default_rng(6)

OFFSET = 0.25
WEIGHTS = np.array([0.2, -0.5, 0.9])


def square(x):
    return x * x


def hypotenuse(a, b):
    return math.sqrt(square(a) + square(b))


def helper_twice(x, y):
    return hypotenuse(x, y) * hypotenuse(y, 2.0) + square(hypotenuse(x, x))


def helper_in_loop(x, n):
    y = x
    for _ in range(n):
        y = hypotenuse(y, x) - 0.5 * square(y)
    return y


def pair(x, y):
    return x * y, x + y


def two_results(x, y):
    p, q = pair(x, y)
    _, r = pair(q, p)
    return p * q * r


def nested_function(x, w):
    def layer(v):
        return math.tanh(w * v) + OFFSET

    return layer(layer(x)) * w


def local_lambda(x):
    f = lambda v: v * v + x
    g = lambda a, b=2.0: a * b
    return f(x) * g(x) + f(g(x, 3.0))


module_lambda = lambda x: math.sin(x) * x**2

f1, f2 = lambda x: x * x, lambda x: x * x * x


def curried(x):
    add = lambda a: lambda b: a * b + a
    return add(x)(x * 2.0)


def factorial_like(x, n):
    if n == 0:
        return 1.0
    return x * factorial_like(x + 0.1, n - 1)


def power(x, n):
    if n == 0:
        return 1.0
    if n % 2 == 0:
        half = power(x, n // 2)
        return half * half
    return x * power(x, n - 1)


def even_steps(x, n):
    return x if n == 0 else odd_steps(x * 0.9, n - 1)


def odd_steps(x, n):
    return math.sin(x) if n == 0 else even_steps(x + 0.2, n - 1)


def tree_energy(tree):
    if isinstance(tree, tuple):
        left, right = tree
        return math.sin(tree_energy(left) * tree_energy(right)) + 0.5
    return tree


def imported_alias(x, y):
    return sigma(x * y) + lib.smooth_step(y) * lib.residual(x, y)


def imported_pair(x, y):
    low, high = ordered(x, y)
    return high - low * low


def imported_keywords(x):
    return polynomial(x) + polynomial(x, b=x) + polynomial(b=0.5, a=x, x=2.0)


def module_attribute(v):
    return lib.sum_of_squares(v) * lib.SCALE


def global_array(v):
    return np.sum(np.tanh(WEIGHTS * v)) + OFFSET * v[0]


def apply(f, x):
    return f(x) + f(2.0 * x)


def function_argument(x):
    return apply(math.sin, x) + apply(square, x) + apply(lambda v: v * x, x)


def compose(f, g):
    def composed(v):
        return f(g(v))

    return composed


def returned_function(x):
    h = compose(math.exp, square)
    return h(x) * x


def captured_active(x, n):
    y = x * x

    def term(k):
        return y * k + x

    s = 0.0
    for k in range(n):
        s += term(k) ** 2
    return s


def captured_rebound(x):
    scale = x

    def scaled(v):
        return v * scale

    first = scaled(x)
    scale = first * 0.5
    return scaled(first)


def make_scaled(factor):
    def scaled(x):
        return factor * x**2 + math.cos(factor * x)

    return scaled


def nonlocal_counter(x, n):
    total = 0.0

    def add(v):
        nonlocal total
        total = total + v * math.sin(total + v)
        return total

    for k in range(n):
        add(x * (k + 1) * 0.1)
    return total * x


def with_defaults(x, scale=OFFSET, power=2):
    return scale * x**power


def default_arguments(x):
    return with_defaults(x) + with_defaults(x, x) + with_defaults(x, power=3)


@functools.lru_cache
def cached_constant(n):
    return 1.0 / n


def inactive_call(x, n):
    c = cached_constant(n)
    return c * x * x


def early_helper(x, limit):
    if x > limit:
        return limit + 0.1 * (x - limit)
    return x


def clipped_sum(xs, limit):
    s = 0.0
    for x in xs:
        s += early_helper(x, limit) ** 2
    return s


def loop_helper(v, w):
    s = 0.0
    for i in range(len(v)):
        s += w * v[i] ** 2
    return s


def loop_of_loops(A, w):
    s = 0.0
    for row in A:
        s += loop_helper(row, w) * w
    return s


def simpson(f, a, b):
    return (b - a) / 6.0 * (f(a) + 4.0 * f(0.5 * (a + b)) + f(b))


def adaptive(f, a, b, depth):
    whole = simpson(f, a, b)
    if depth == 0:
        return whole
    mid = 0.5 * (a + b)
    return adaptive(f, a, mid, depth - 1) + adaptive(f, mid, b, depth - 1)


def integral(w, b):
    return adaptive(lambda t: math.exp(-w * t * t), 0.0, b, 2)


def operator_chain(x):
    for f in (math.sin, math.cos, square):
        x = f(x) + x
    return x


def vector_helper(v):
    n = np.sqrt(np.sum(v * v))
    return v / n


def angle_between(a, b):
    return np.arccos(np.sum(vector_helper(a) * vector_helper(b)))


PROGRAMS = [
    Program("helper_twice", helper_twice, (1.2, 0.7), (0, 1)),
    Program("helper_in_loop", helper_in_loop, (0.7, 5)),
    Program("two_results", two_results, (1.2, 0.7), (0, 1)),
    Program("nested_function", nested_function, (1.2, 0.7), (0, 1)),
    Program("local_lambda", local_lambda, (1.2,)),
    Program("module_lambda", module_lambda, (1.2,)),
    Program("lambda_first_of_line", f1, (1.2,)),
    Program("lambda_second_of_line", f2, (1.2,)),
    Program("curried", curried, (1.2,)),
    Program("factorial_like", factorial_like, (1.2, 4)),
    Program("power", power, (1.2, 11)),
    Program("mutual_recursion", even_steps, (1.2, 5)),
    Program("tree_energy", tree_energy, (((0.3, (0.7, -0.4)), (0.9, 1.1)),)),
    Program("imported_alias", imported_alias, (1.2, 0.7), (0, 1)),
    Program("imported_pair", imported_pair, (1.2, 0.7), (0, 1)),
    Program("imported_keywords", imported_keywords, (1.2,)),
    Program("module_attribute", module_attribute, (rng.normal(size=3),)),
    Program("global_array", global_array, (rng.normal(size=3),)),
    Program("function_argument", function_argument, (0.6,)),
    Program("returned_function", returned_function, (0.6,)),
    Program("captured_active", captured_active, (0.6, 4)),
    Program("captured_rebound", captured_rebound, (0.6,)),
    Program("made_closure", make_scaled(1.7), (0.6,)),
    Program("made_closure_other", make_scaled(0.4), (0.6,)),
    Program("nonlocal_counter", nonlocal_counter, (0.6, 4)),
    Program("default_arguments", default_arguments, (0.6,)),
    Program("inactive_call", inactive_call, (0.6, 3)),
    Program("clipped_sum", clipped_sum, (np.array([0.3, 1.4, -0.2, 2.2]), 1.0), (0, 1)),
    Program("loop_of_loops", loop_of_loops, (rng.normal(size=(3, 4)), 0.6), (0, 1)),
    Program("integral", integral, (0.6, 1.3), (0, 1)),
    Program("operator_chain", operator_chain, (0.6,)),
    Program("angle_between", angle_between, (rng.normal(size=3), rng.normal(size=3)), (0, 1)),
    Program("called_by_keyword", hypotenuse, (1.2,), kwargs={"b": 0.7}),
]
