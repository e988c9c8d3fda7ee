"""Odd corners of the language."""

# ruff: noqa
import asyncio
import contextlib
import copy
import ctypes
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import gc
import importlib
import inspect
import io
import itertools
import json
import logging
import math
import operator
import os
import pickle
import random
import re
import statistics
import string
import struct
import sys
import threading
import time
import types
import warnings
import weakref
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple

import numpy as np

SCALE = 3.0
CACHE = {}
LOG = []


def uses_exec(x):
    exec("y = 2")
    return x * 2.0


def uses_eval(x):
    return eval("x * x")


def uses_locals(x):
    d = locals()
    return d["x"] * 2.0


def uses_globals(x):
    return globals()["SCALE"] * x


def uses_vars(x):
    class Box:
        pass

    b = Box()
    b.v = x
    return vars(b)["v"] * 2.0


def class_inside(x):
    class Point:
        def __init__(self, a):
            self.a = a

    return Point(x).a * 3.0


async def coroutine_function(x):
    return x * x


async def helper_async(x):
    return x * 2.0


def runs_coroutine(x):
    return asyncio.run(helper_async(x))


def starts_thread(x):
    out = []
    t = threading.Thread(target=lambda: out.append(x * 2.0))
    t.start()
    t.join()
    return out[0]


def thread_lock(x):
    lock = threading.Lock()
    lock.acquire()
    y = x * x
    lock.release()
    return y


def returns_generator(x):
    return (x * i for i in range(3))


def sum_of_generator(x):
    g = (x * i for i in range(3))
    return sum(g)


def sends_to_generator(x):
    def g():
        y = yield 1.0
        yield y * x

    it = g()
    next(it)
    return it.send(3.0)


def opens_file(x):
    f = open(os.devnull, "w")
    f.write("hello")
    f.close()
    return x * x


def reads_file(x):
    text = open(__file__).read()
    return x * len(text)


def writes_value(x):
    with open(os.devnull, "w") as f:
        f.write(str(x))
    return x * x


def string_io(x):
    out = io.StringIO()
    out.write(f"{x}")
    return x * x + len(out.getvalue()) * 0.0


def set_of_numbers(x):
    s = {x, 2.0 * x}
    return sum(s)


def set_of_ints(x):
    s = {1, 2, 3}
    return x * len(s)


def set_membership(x):
    allowed = {1, 2, 3}
    k = 2
    return x * x if k in allowed else x


def frozen_set(x):
    s = frozenset([1, 2])
    return x * sum(s)


def datetime_now(x):
    start = datetime.datetime.now()
    y = x * x
    took = (datetime.datetime.now() - start).total_seconds()
    return y + 0.0 * took


def date_arithmetic(x):
    d = datetime.date(2020, 1, 31) - datetime.date(2020, 1, 1)
    return x * d.days


def timing(x):
    start = time.perf_counter()
    y = math.sin(x)
    took = time.perf_counter() - start
    LOG.append(took)
    return y


def sleeps(x):
    time.sleep(0.0)
    return x * x


def decimal_number(x):
    return float(decimal.Decimal(str(x)) * 2)


def fraction_constant(x):
    return x * float(fractions.Fraction(1, 3))


def fraction_of(x):
    return float(fractions.Fraction(x) * 2)


def global_write(x):
    global SCALE
    SCALE = 3.0
    return x * SCALE


def global_cache(x):
    CACHE["last"] = x * 2.0
    return CACHE["last"]


def global_list_append(x):
    LOG.append(1)
    return x * x


def mutable_default(x, seen=[]):
    seen.append(1)
    return x * x


def lambda_default(x, f=lambda v: v * v):
    return f(x)


def lambda_in_loop(x):
    fs = [lambda v: v * i for i in range(3)]
    return sum(f(x) for f in fs)


def lambda_in_loop_bound(x):
    fs = [lambda v, i=i: v * i for i in range(3)]
    return sum(f(x) for f in fs)


class Meta(type):
    def __call__(cls, *args):
        return super().__call__(*args)


class Made(metaclass=Meta):
    def __init__(self, a):
        self.a = a


def metaclass_instance(x):
    return Made(x).a * 2.0


class Celsius:
    def __get__(self, obj, owner=None):
        return obj.kelvin - 273.15

    def __set__(self, obj, value):
        obj.kelvin = value + 273.15


class Thermo:
    celsius = Celsius()

    def __init__(self, k):
        self.kelvin = k


THERMO = Thermo(300.0)


def descriptor_read(x):
    return THERMO.celsius * x


def descriptor_made(x):
    t = Thermo(x)
    t.celsius = x * 2.0
    return t.kelvin


class Lazy:
    def __getattr__(self, name):
        if name == "weight":
            return 2.5
        raise AttributeError(name)


LAZY = Lazy()


def getattr_hook(x):
    return LAZY.weight * x


def getattr_builtin(x):
    return getattr(LAZY, "weight") * x  # noqa: B009


def getattr_default(x):
    return getattr(math, "nothing", 2.0) * x


def hasattr_builtin(x):
    return x * x if hasattr(math, "sin") else x


def setattr_builtin(x):
    box = types.SimpleNamespace(v=1.0)
    setattr(box, "v", x)  # noqa: B010
    return box.v * 2.0


def simple_namespace(x):
    p = types.SimpleNamespace(a=x, b=2.0)
    return p.a * p.b


class Slots:
    __slots__ = ("a",)

    def __init__(self, a):
        self.a = a


def slots_object(x):
    s = Slots(x)
    return s.a * s.a


class Callable:
    def __init__(self, k):
        self.k = k

    def __call__(self, v):
        return self.k * v


CALLABLE = Callable(3.0)


def callable_object(x):
    return CALLABLE(x)


class Index:
    def __index__(self):
        return 2


def index_object(x):
    return np.array([x, x * x, x * x * x])[Index()]


class Proxy:
    def __init__(self, v):
        self._v = v

    def __float__(self):
        return self._v


def float_proxy(x):
    return float(Proxy(x)) * 2.0


def named_tuple(x):
    P = namedtuple("P", "a b")
    p = P(x, 2.0)
    return p.a * p.b


def default_dict(x):
    d = defaultdict(float)
    d["a"] += x
    return d["a"] * 2.0


def counter(x):
    c = Counter("abca")
    return x * c["a"]


def ordered_dict(x):
    d = OrderedDict()
    d["a"] = x
    return d["a"] * d["a"]


def deque_buffer(x):
    d = deque([0.0, 0.0], maxlen=2)
    d.append(x)
    d.append(x * x)
    return d[0] * d[1]


def set_comprehension(x):
    s = {i % 2 for i in range(5)}
    return x * len(s)


def dict_comprehension(x):
    d = {k: x * k for k in range(3)}
    return d[1] + d[2]


def nested_comprehension(x):
    m = [[x * i * j for j in range(3)] for i in range(3)]
    return sum(sum(row) for row in m)


def walrus_in_comprehension(x):
    return sum([y for i in range(4) if (y := x * i) > 0.5])


def chained_comparison(x):
    return x * x if 0.0 < x < 10.0 else -x


def try_except(x):
    try:
        y = math.sqrt(x)
    except ValueError:
        y = 0.0
    return y


def try_finally(x):
    try:
        return x * x
    finally:
        LOG.append(0)


def suppressed(x):
    with contextlib.suppress(ZeroDivisionError):
        return 1.0 / x
    return 0.0


def match_value(x):
    k = 2
    match k:
        case 1:
            return x
        case 2:
            return x * x
        case _:
            return 0.0


def star_expression(x):
    first, *rest = [x, 2.0, 3.0]
    return first * sum(rest)


def type_hints(x: float) -> float:
    y: float = x * x
    return y


def del_element(x):
    v = [x, 2.0 * x, 3.0 * x]
    del v[0]
    return v[0] * v[1]


def del_name(x):
    y = x * x
    z = y * 2.0
    del y
    return z


def assert_message(x):
    assert x > 0.0, f"x is {x}"
    return math.log(x)


def raises(x):
    if x < 0:
        raise ValueError("negative")
    return math.sqrt(x)


def import_inside(x):
    import math as m

    return m.sin(x)


def import_from_inside(x):
    from math import cos

    return cos(x)


def import_dynamic(x):
    m = importlib.import_module("math")
    return m.sin(x)


def dunder_import(x):
    return __import__("math").sin(x)


def id_of(x):
    return x * x if id(x) != 0 else x


def type_of(x):
    return x * x if type(x) is float else x * 3.0


def type_name(x):
    return x * x if type(x).__name__ == "float" else x


def isinstance_check(x):
    return x * x if isinstance(x, (int, float)) else x


def callable_check(x):
    return x * x if callable(math.sin) else x


def str_round_trip(x):
    return float(str(x)) * 2.0


def repr_round_trip(x):
    return float(repr(x))


def format_round_trip(x):
    return float(f"{x:.3f}")


def percent_format(x):
    return float("%.6f" % x)


def json_round_trip(x):
    return json.loads(json.dumps({"x": x}))["x"] * 2.0


def pickle_round_trip(x):
    return pickle.loads(pickle.dumps(x)) * 2.0


def struct_round_trip(x):
    return struct.unpack("d", struct.pack("d", x))[0]


def deep_copy(x):
    v = [x, 2.0]
    w = copy.deepcopy(v)
    w[0] = w[0] * 3.0
    return v[0] * w[0]


def shallow_copy(x):
    v = [x, 2.0]
    w = copy.copy(v)
    w[1] = x
    return v[1] * w[1]


def logs(x):
    logging.getLogger("odd").debug("x=%s", x)
    return x * x


def prints(x):
    print("value", x, end="", file=io.StringIO())
    return x * x


def warns(x):
    if x < 0.0:
        warnings.warn("negative", stacklevel=1)
    return x * x


def regular_expression(x):
    m = re.match(r"(\d+)", "12ab")
    return x * int(m.group(1))


def string_dispatch(x):
    kind = "SQUARE".lower()
    return x * x if kind == "square" else x


def string_methods(x):
    parts = "1,2,3".split(",")
    return sum(x * float(p) for p in parts)


def string_template(x):
    return x * len(string.Template("$a").substitute(a="bb"))


def env_variable(x):
    return x * float(os.environ.get("SRCDIFF_NOTHING", "2.0"))


def recursion_limit(x):
    sys.setrecursionlimit(sys.getrecursionlimit())
    return x * x


def frame_hack(x):
    f = inspect.currentframe()
    return f.f_locals["x"] * 2.0


def garbage(x):
    gc.collect()
    return x * x


def weak_reference(x):
    r = weakref.ref(CALLABLE)
    return r()(x)


def ctypes_number(x):
    return ctypes.c_double(x).value * 2.0


def random_number(x):
    return x * x + 0.0 * random.random()


def statistics_mean(x):
    return statistics.mean([x, 2.0 * x, 3.0])


def math_fsum(x):
    return math.fsum([x, x * x, 1.0])


def math_prod(x):
    return math.prod([x, x, 2.0])


def math_dist(x):
    return math.dist([x, 0.0], [0.0, 3.0])


def math_hypot3(x):
    return math.hypot(x, 2.0, 3.0)


def math_gcd(x):
    return x * math.gcd(12, 8)


def math_nextafter(x):
    return math.nextafter(x, 10.0)


def math_frexp(x):
    m, e = math.frexp(x)
    return m * 2.0**e


def math_modf(x):
    f, i = math.modf(x)
    return f * f + i


def math_remainder(x):
    return math.remainder(x, 0.4)


def int_of(x):
    return int(x) * x


def round_of(x):
    return round(x, 2) * x


def divmod_of(x):
    q, r = divmod(x, 0.4)
    return q + r * r


def bit_operations(x):
    n = 6 & 3 | 8
    return x * (n >> 1)


def complex_number(x):
    z = complex(x, 2.0)
    return (z * z.conjugate()).real


def complex_abs(x):
    return abs(complex(x, 2.0))


def bool_times(x):
    return (x > 0.5) * x


def operator_module(x):
    return operator.mul(x, operator.add(x, 1.0))


def item_getter(x):
    return operator.itemgetter(1)([x, x * x])


def attr_getter(x):
    return operator.attrgetter("k")(CALLABLE) * x


def method_caller(x):
    return operator.methodcaller("sum")(np.array([x, x * x]))


def sorted_key(x):
    return sorted([x, -2.0 * x, 3.0 * x], key=abs)[1]


def sorted_plain(x):
    return sorted([x, -2.0 * x, 3.0 * x])[0]


def min_key(x):
    return min([x, -2.0 * x, 3.0 * x], key=lambda v: v * v)


def any_all(x):
    return x * x if any(v > 0.1 for v in [x, 0.0]) and all([True]) else x


def filter_map(x):
    return sum(map(lambda v: v * v, filter(lambda v: v > 0.0, [x, -x, 2.0])))


def zip_strict(x):
    return sum(a * b for a, b in zip([x, 1.0], [2.0, x], strict=True))


def zip_longest(x):
    return sum(a * b for a, b in itertools.zip_longest([x, 1.0], [2.0], fillvalue=x))


def accumulate(x):
    return list(itertools.accumulate([x, x, x]))[2]


def product_loop(x):
    return sum(a * b for a, b in itertools.product([x, 1.0], [x, 2.0]))


def combinations_loop(x):
    return sum(a * b for a, b in itertools.combinations([x, 2.0, 3.0], 2))


def chain_loop(x):
    return sum(itertools.chain([x, x * x], [1.0]))


def islice_count(x):
    return sum(x * k for k in itertools.islice(itertools.count(1), 3))


def next_iter(x):
    it = iter([x, x * x])
    next(it)
    return next(it)


def iter_sentinel(x):
    v = [3, 2, 1]
    return sum(x * k for k in iter(v.pop, 1))


def reduce_lambda(x):
    return functools.reduce(lambda a, b: a * b, [x, x, 2.0])


@functools.lru_cache(maxsize=None)
def cached(v):
    return v * v


def lru_cached(x):
    return cached(x) * 2.0


@functools.singledispatch
def dispatched(v):
    return v


@dispatched.register
def _(v: float):
    return v * v


def single_dispatch(x):
    return dispatched(x)


@functools.wraps(math.sin)
def wraps_builtin(x):
    return x * x


def cycle_a(x):
    return x * x


cycle_a.__wrapped__ = cycle_a


def wrapped_cycle(x):
    return cycle_a(x)


class Color(enum.Enum):
    RED = 1.0
    BLUE = 2.0


def enum_value(x):
    return x * Color.BLUE.value


def enum_branch(x):
    c = Color.RED
    return x * x if c is Color.RED else x


@dataclasses.dataclass
class Params:
    a: float
    b: float = 2.0

    def __post_init__(self):
        self.c = self.a * self.b


def post_init(x):
    return Params(x).c


@dataclasses.dataclass(frozen=True)
class Frozen:
    a: float


def dataclass_replace(x):
    p = Frozen(1.0)
    q = dataclasses.replace(p, a=x)
    return q.a * 2.0


def dataclass_asdict(x):
    return dataclasses.asdict(Frozen(x))["a"] * 2.0


class Base:
    def f(self, x):
        return x * x


class Child(Base):
    def f(self, x):
        return super().f(x) + x


CHILD = Child()


def super_call(x):
    return CHILD.f(x)


class Operators:
    def __init__(self, v):
        self.v = v

    def __add__(self, other):
        return Operators(self.v + other.v)

    def __matmul__(self, other):
        return self.v * other.v

    def __enter__(self):
        return self

    def __exit__(self, *a):
        return False

    def __iter__(self):
        yield self.v
        yield self.v * 2.0

    def __len__(self):
        return 2

    def __getitem__(self, k):
        return self.v * k

    def __contains__(self, k):
        return True

    def __bool__(self):
        return True

    def __lt__(self, other):
        return self.v < other.v


def class_operators(x):
    return (Operators(x) + Operators(2.0)) @ Operators(x)


def class_context(x):
    with Operators(x) as o:
        return o.v * 2.0


def class_iteration(x):
    return sum(Operators(x))


def class_len_bool(x):
    o = Operators(x)
    return len(o) * x if o else x


def class_getitem(x):
    return Operators(x)[3]


def class_comparison(x):
    return x * x if Operators(x) < Operators(100.0) else x


def nonlocal_write(x):
    total = 0.0

    def add(v):
        nonlocal total
        total = total + v

    add(x)
    add(x * x)
    return total


def closure_counter(x):
    def make():
        n = [0.0]

        def bump(v):
            n[0] += v
            return n[0]

        return bump

    b = make()
    b(x)
    return b(x)


def recursive_list(x):
    a = [x]
    a.append(a)
    return a[0] * 2.0


def very_deep_expression(x):
    return x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x


def while_else(x):
    k = 0
    while k < 3:
        k += 1
    else:
        x = x * 2.0
    return x


def infinite_loop_break(x):
    k = 0
    while True:
        x = x * 1.5
        k += 1
        if k > 3:
            break
    return x


def unbound_local(x):
    if x > 100.0:
        y = x
    return y * 2.0


def undefined_name(x):
    return x * undefined_thing  # noqa: F821


def wrong_attribute(x):
    return math.sinn(x)


def wrong_argument_count(x):
    return cached_plain(x, 2.0)


def cached_plain(v):
    return v * v


def returns_none(x):
    x * x  # noqa: B018


def returns_string(x):
    return "hello"


def returns_tuple(x):
    return x, x * x


def returns_dict(x):
    return {"a": x}


def returns_function(x):
    return lambda v: v * x


def returns_int(x):
    return int(x)


def returns_bool(x):
    return x > 0.0


def returns_constant(x):
    return 3.0


def ternary_different(x):
    f = math.sin if x > 0.0 else math.cos
    return f(x)


def function_table(x):
    table = {"sin": math.sin, "cos": math.cos}
    return table["sin"](x)


def function_list_loop(x):
    for f in [math.sin, math.cos]:
        x = f(x)
    return x


def function_chosen_late(x):
    fs = [math.sin, math.cos]
    return fs[int(x > 0.5)](x)


def or_default(x):
    y = None or x
    return y * 2.0


def none_then_value(x):
    best = None
    for k in range(3):
        v = x * k
        if best is None or v > best:
            best = v
    return best


def mixed_types(x):
    v = [1, x, "a"]
    return v[1] * len(v)


def string_multiply(x):
    return x * len("ab" * 3)


def big_integer(x):
    return x * (10**30)


def integer_power(x):
    return x ** (2**3)


def swap(x):
    a, b = x, 2.0
    a, b = b, a * x
    return a * b


def loop_variable_after(x):
    for k in range(3):
        y = x * k
    return y * k


def shadowed_builtin(x):
    sum = x * x
    return sum


def unicode_names(x):
    λ = x * x
    return λ


def very_long_name(x):
    this_is_a_very_long_variable_name_that_goes_on_and_on_and_on_for_a_long_time_really = x * x
    return this_is_a_very_long_variable_name_that_goes_on_and_on_and_on_for_a_long_time_really


def keyword_only(x, *, k=2.0):
    return x * k


def positional_only(x, /, k=2.0):
    return x * k


def var_args(x, *rest):
    return x * 2.0 + sum(rest)


def var_kwargs(x, **kw):
    return x * 2.0 + len(kw)


def breakpoint_call(x):
    if x > 1e9:
        breakpoint()
    return x * x


def input_call(x):
    if x > 1e9:
        return float(input())
    return x * x


def sys_exit(x):
    if x > 1e9:
        sys.exit(1)
    return x * x


def memory_view(x):
    m = memoryview(np.array([x, 2.0]))
    return m[0] * 2.0


def bytes_data(x):
    return x * len(b"abc")


def ellipsis_value(x):
    a = np.ones((2, 2)) * x
    return a[..., 0].sum()


def slice_object(x):
    s = slice(0, 2)
    return np.array([x, x * x, 1.0])[s].sum()


def augmented_list(x):
    v = [x]
    v += [2.0 * x]
    v *= 2
    return sum(v)


def string_concat(x):
    s = ""
    for k in range(3):
        s += str(k)
    return x * len(s)


def tuple_sort(x):
    pairs = [(2, x), (1, x * x)]
    pairs.sort()
    return pairs[0][1]


def list_methods(x):
    v = [x, 2.0, x * x]
    v.remove(2.0)
    return v[1] * v.count(2.0) + v[0]


def list_index(x):
    v = ["a", "b"]
    return x * v.index("b")


def dict_pop(x):
    d = {"a": x, "b": 2.0}
    return d.pop("a") * d.setdefault("c", x)


def dict_runtime_key(x):
    d = {0: x, 1: x * x}
    return d[int(x > 0.5)]


def dict_from_pairs(x):
    d = dict([("a", x), ("b", 2.0)])
    return d["a"] * d["b"]


def dict_fromkeys(x):
    d = dict.fromkeys(["a", "b"], x)
    return d["a"] * d["b"]
