"""Functions as values: decorators, partials, closures, containers of functions, choices at run time."""

import dataclasses
import functools
import math
import operator
from functools import cache, lru_cache, partial, reduce

import numpy as np

from corpus.program import Program

rng = np.random.default_rng(35)


def doubled(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return 2.0 * f(*args, **kwargs)

    return wrapper


def scaled_by(factor):
    def decorate(f):
        @functools.wraps(f)
        def wrapper(*args, **kwargs):
            return factor * f(*args, **kwargs)

        return wrapper

    return decorate


def plain_wrapper(f):
    def inner(x):
        return f(x) + x

    return inner


@doubled
def wrapped(x, y=2.0):
    return x * x * y


@scaled_by(3.0)
@doubled
def twice_wrapped(x):
    return math.sin(x)


@plain_wrapper
def wrapped_without_wraps(x):
    return x**3


@lru_cache(maxsize=None)
def weight(n):
    return 1.0 if n == 0 else n * weight(n - 1)


@cache
def cached_square(x):
    return x * x


@lru_cache
def cached_power(x, n):
    return x if n == 1 else x * cached_power(x, n - 1)


def calls_wrapped(x):
    return wrapped(x) + wrapped(x, y=x) + twice_wrapped(x) * wrapped_without_wraps(x)


def calls_cached(x):
    return cached_square(x) * weight(3) + cached_power(x, 4)


def decorated_inside(x):
    @doubled
    def f(v):
        return v * x

    @scaled_by(x)
    @doubled
    def g(v):
        return v + x

    @lru_cache(maxsize=32)
    def h(v):
        return v * v

    return f(x) + g(2.0) * h(x)


def decorator_inside(x):
    def add(k):
        def decorate(f):
            @functools.wraps(f)
            def inner(*a):
                return f(*a) + k

            return inner

        return decorate

    @add(x)
    def f(v):
        return v * v

    return f(x)


def local_fibonacci(x, n):
    @lru_cache(None)
    def fib(k):
        if k < 2:
            return x
        return fib(k - 1) + fib(k - 2) * x

    return fib(n)


def power(base, exponent):
    return base**exponent


def weighted(a, b, *rest, w=1.0, v=2.0):
    return a * w + b * v + sum(rest)


def partials(x):
    square = partial(power, exponent=2)
    two_to = functools.partial(power, 2.0)
    nested = partial(partial(weighted, x), w=x)
    return square(x) + two_to(x) + nested(1.0, x, v=3.0) + partial(math.pow, x)(3.0)


PARTIAL = partial(weighted, 2.0, v=0.5)


def module_partial(x):
    return PARTIAL(x) + PARTIAL(x, x, w=x, v=x)


def partial_attributes(x):
    p = partial(power, x)
    return p.func(x, 2) + p.args[0]


def loop_variable_closures(x):
    fs = []
    for k in (1.0, 2.0, 3.0):
        fs.append(lambda v: v * k)
    return fs[0](x) + fs[1](x) * x


def loop_variable_defaults(x):
    fs = [lambda v, k=k: v**k for k in (1, 2, 3)]
    return fs[0](x) + fs[1](x) * fs[2](x)


def closures_of_comprehension(x):
    fs = [lambda v: v * k for k in (2.0, 3.0)]
    return fs[0](x) * fs[1](x)


def closures_over_range(x):
    fs = [lambda v, k=k: v ** (k + 1) for k in range(3)]
    y = x
    for f in fs:
        y = f(y) + x
    return y


def several_lambdas(x):
    f, g, h = (lambda v: v * v), (lambda v: v + x), (lambda: x)
    return f(g(h()))


def functions_in_list(x):
    layers = [math.sin, lambda v: v * v, partial(power, exponent=3)]
    for layer in layers:
        x = layer(x)
    return x


def functions_in_dict(x):
    table = {"a": math.sin, "b": lambda v: v * x}
    return table["a"](x) * table["b"](2.0)


def functions_by_index(x, n):
    fs = [math.sin, math.cos, lambda v: v * v]
    for i in range(n):
        x = fs[i % 3](x) + 0.1
    return x


def functions_by_run_time_index(x, k):
    fs = (lambda v: v * v, math.exp, lambda v: 3.0 * v)
    return fs[k](x) * x


def function_in_tuple_loop(x):
    total = 0.0
    for f, w in ((math.sin, 2.0), (math.cos, x), (abs, 1.0)):
        total += w * f(x)
    return total


@dataclasses.dataclass(frozen=True)
class Layer:
    function: object
    gain: float


def functions_in_dataclass(x):
    layers = [Layer(math.sin, 2.0), Layer(lambda v: v * v, 0.5)]
    for layer in layers:
        x = layer.gain * layer.function(x)
    return x


def chosen_by_if(x):
    if x > 1.0:
        f = math.log
    elif x > 0.5:
        f = math.exp
    else:
        f = lambda v: v * x
    return f(x) * f(2.0 * x)


def chosen_with_capture(x):
    if x > 1.0:
        y = x * x
        f = lambda v: v * y
    else:
        f = partial(power, exponent=x)
    return f(x + 1.0)


def returned_choice(x):
    def choose(v):
        if v > 1.0:
            return math.sin
        return math.cos

    return choose(x)(x)


def chosen_in_loop(xs):
    total = 0.0
    for x in xs:
        f = math.sin if x > 0.0 else math.exp
        total += f(x)
    return total


def optional_function(x, f=None):
    f = f or math.sin
    g = f if callable(f) else None
    return g(x) if g is not None else x


def is_even(x, n):
    return x if n == 0 else is_odd(x * x, n - 1)


def is_odd(x, n):
    return 2.0 * x if n == 0 else is_even(x + 0.1, n - 1)


def composed(x):
    def compose(*fs):
        return reduce(lambda f, g: lambda v: g(f(v)), fs)

    return compose(math.sin, lambda v: v * v, math.exp)(x)


def pipeline(x):
    return reduce(lambda acc, f: f(acc), [math.sin, math.exp, lambda v: v * x], x)


def operator_functions(x, y):
    return operator.mul(x, y) + operator.add(x, 1.0) - operator.neg(y) + operator.itemgetter(1)((x, y)) ** 2


def function_attributes(x):
    return x * len(power.__name__) + (x if wrapped.__name__ == "wrapped" else 0.0)


def static_and_class_methods(x):
    return Tools.square(x) * Tools.make(x)


class Tools:
    factor = 3.0

    @staticmethod
    def square(v):
        return v * v

    @classmethod
    def make(cls, v):
        return cls.factor * v


def immediately_called(x):
    return (lambda a, b=2.0: a * b)(x) + (lambda: x)() + (lambda *v: sum(v))(x, x)


def recursive_lambda(x):
    fact = lambda n: x if n == 0 else n * fact(n - 1)
    return fact(4)


def getattr_of_module(x, name):
    return getattr(math, name)(x) + getattr(np, "tanh")(x)


def getattr_default(x):
    return x * getattr(x, "missing", 2.0) + (x * x if hasattr(math, "sin") else x)


def called_with_functions(x):
    def apply_n(f, n, v):
        for _ in range(n):
            v = f(v)
        return v

    return apply_n(lambda v: v * x + 0.1, 3, x) + apply_n(math.sin, 2, x)


def trapezoid(f, a, b, n=8):
    h = (b - a) / n
    return h * (0.5 * f(a) + sum(f(a + k * h) for k in range(1, n)) + 0.5 * f(b))


def functional_integral(a, w):
    return trapezoid(lambda t: math.exp(-w * t * t), 0.0, a)


def mapped(xs):
    return sum(map(lambda x: x * x, xs)) + sum(map(operator.mul, xs, xs))


wrapped_lambda = doubled(lambda x: x * x)
bound_method = Tools().square


PROGRAMS = [
    Program("wrapped", wrapped, (1.2,)),
    Program("wrapped_with_default", wrapped, (1.2, 0.7), (0, 1)),
    Program("wrapped_twice", twice_wrapped, (1.2,)),
    Program("wrapped_lambda", wrapped_lambda, (1.2,)),
    Program("wrapped_without_wraps", wrapped_without_wraps, (1.2,)),
    Program("bound_method", bound_method, (1.2,)),
    Program("cached", cached_square, (1.2,)),
    Program("calls_wrapped", calls_wrapped, (1.2,)),
    Program("calls_cached", calls_cached, (1.2,)),
    Program("decorated_inside", decorated_inside, (1.2,)),
    Program("decorator_inside", decorator_inside, (1.2,)),
    Program("local_fibonacci", local_fibonacci, (0.6, 5)),
    Program("partials", partials, (1.2,)),
    Program("module_partial", module_partial, (1.2,)),
    Program("partial_attributes", partial_attributes, (1.2,)),
    Program("loop_variable_closures", loop_variable_closures, (1.2,)),
    Program("loop_variable_defaults", loop_variable_defaults, (1.2,)),
    Program("closures_of_comprehension", closures_of_comprehension, (1.2,)),
    Program("closures_over_range", closures_over_range, (0.6,)),
    Program("several_lambdas", several_lambdas, (1.2,)),
    Program("functions_in_list", functions_in_list, (1.2,)),
    Program("functions_in_dict", functions_in_dict, (1.2,)),
    Program("functions_by_index", functions_by_index, (0.4, 4)),
    Program("functions_by_run_time_index", functions_by_run_time_index, (1.2, 1)),
    Program("functions_by_negative_index", functions_by_run_time_index, (1.2, -1)),
    Program("function_in_tuple_loop", function_in_tuple_loop, (1.2,)),
    Program("functions_in_dataclass", functions_in_dataclass, (1.2,)),
    Program("chosen_by_if", chosen_by_if, (0.8,)),
    Program("chosen_by_if_first", chosen_by_if, (1.8,)),
    Program("chosen_with_capture", chosen_with_capture, (1.2,)),
    Program("chosen_with_capture_other", chosen_with_capture, (0.7,)),
    Program("returned_choice", returned_choice, (1.2,)),
    Program("chosen_in_loop", chosen_in_loop, ([0.4, -0.3, 1.0],)),
    Program("optional_function", optional_function, (1.2,)),
    Program("optional_function_given", optional_function, (1.2,), kwargs={"f": math.exp}),
    Program("mutual_lambda_recursion", is_even, (0.7, 3)),
    Program("composed", composed, (1.2,)),
    Program("pipeline", pipeline, (1.2,)),
    Program("operator_functions", operator_functions, (1.2, 0.7), (0, 1)),
    Program("function_attributes", function_attributes, (1.2,)),
    Program("static_and_class_methods", static_and_class_methods, (1.2,)),
    Program("immediately_called", immediately_called, (1.2,)),
    Program("recursive_lambda", recursive_lambda, (1.2,)),
    Program("getattr_of_module", getattr_of_module, (1.2, "exp")),
    Program("getattr_default", getattr_default, (1.2,)),
    Program("called_with_functions", called_with_functions, (0.7,)),
    Program("functional_integral", functional_integral, (0.7, 1.3), (0, 1)),
    Program("mapped", mapped, ([0.3, 0.4],)),
]
