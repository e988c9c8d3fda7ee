"""Names: del, annotations, imports, global and nonlocal variables."""

import math

import numpy as np

from corpus.program import Program

rng = np.random.default_rng(34)

counter = 0
scale = 1.5
total = np.zeros(3)
state = {"calls": 0, "gain": 2.0}
history = []


def deleted_name(x):
    y = x * x
    del x
    x = 2.0 * y
    del y
    return x


def deleted_element(x):
    v = [x, 2.0, x * x]
    del v[1]
    return v[0] * v[1] + len(v)


def deleted_slice(x):
    v = [x, 2.0, 3.0, x * x]
    del v[1:3], v[0]
    return v[0] * x


def deleted_key(x):
    d = {"a": x, "b": x * x}
    del d["a"]
    return d["b"] * len(d)


def deleted_from_list(xs):
    v = [2.0 * x for x in xs]
    del v[0]
    return v[0] * sum(v)


def deleted_slice_of_list(xs):
    v = [2.0 * x for x in xs]
    del v[1:3]
    return v[0] * v[1]


def annotated(x: float, n: "int" = 2) -> float:
    y: float = x * n
    z: float
    z = y * x
    v: list[float] = [z]
    v[0]: float = z + 1.0
    (w): int = 3
    return v[0] * w


def imports(x):
    import math as m
    import os.path
    from collections import namedtuple
    from math import cos
    from math import pi as half_turn

    import numpy
    import numpy.linalg as la

    P = namedtuple("P", "a b")
    p = P(x, 2.0)
    name = os.path.join("a", "b")
    return m.sin(p.a) * cos(p.b) * half_turn + la.norm(numpy.array([x, 1.0])) * len(name)


def relative_import(x):
    from . import helpers
    from .helpers import logistic

    return logistic(x) * helpers.SCALE


def local_import_in_branch(x, deep):
    if deep:
        from math import tanh as f
    else:
        from math import sin as f
    return f(x)


def reads_global(x):
    return scale * x * x


def writes_global(x):
    global counter
    counter = counter + 1
    return x * x


def count_calls():
    global counter
    counter += 1
    return counter


def global_seen_by_helper(x):
    global scale
    old = scale
    scale = 2.0 * x
    y = reads_global(x)
    scale = old
    return y


def global_carries_derivative(x):
    global scale
    scale = x * x
    return helper_of_helper(x) + scale


def helper_of_helper(x):
    return reads_global(x) * scale


def add_to_scale(v):
    global scale
    scale += v


def global_written_by_helper(x):
    global scale
    scale = 0.0
    for k in range(3):
        add_to_scale(x**k)
    result = scale * x
    scale = 1.5
    return result


def global_in_branch(x):
    global scale
    if x > 1.0:
        scale = x
    y = reads_global(x)
    scale = 1.5
    return y


def global_new(x):
    global fresh
    fresh = x * x
    return fresh * x


def global_array(x):
    global total
    total = np.zeros(3)
    total[1] += x
    total[0] = x * x
    return np.sum(total * total)


grid = np.zeros(3)


def put(v):
    grid[0] = v * scale


def taken():
    return grid[0] + scale


def global_array_of_two_helpers(x):
    put(x)
    y = taken() * x
    grid[0] = 0.0
    return y


def make_counter():
    n = 0
    weight = 1.0

    def step(x):
        nonlocal n, weight
        n += 1
        weight = weight * x
        return weight * n

    return step


def nonlocal_state(x):
    step = make_counter()
    other = make_counter()
    return step(x) + step(x) * other(2.0 * x)


def nonlocal_two_levels(x):
    a = x

    def outer():
        b = 2.0

        def inner():
            nonlocal a, b
            a = a * b
            b = b + a

        inner()
        inner()
        return b

    return outer() * a


def nonlocal_in_loop(xs):
    best = xs[0]

    def look(v):
        nonlocal best
        if v > best:
            best = v

    for x in xs:
        look(x * x)
    return best * xs[0]


def accumulate_in_closure(xs):
    parts = []
    total = 0.0

    def add(v):
        nonlocal total
        parts.append(v)
        total += v

    for x in xs:
        add(math.sin(x))
    return total * parts[0]


def shadowed_builtin(x):
    sum = x * 2.0
    max = sum + 1.0
    return sum * max


def same_name_everywhere(f):
    def x(x):
        return x * f

    return x(x(f))


def conditional_definition(x):
    if x > 1.0:
        y = x * x
        z = 1.0
    else:
        y = x
    if x > 1.0:
        y = y * z
    return y


def class_constants(x):
    return Constants.GAIN * x * Constants.offset(x)


class Constants:
    GAIN = 2.5

    @staticmethod
    def offset(v):
        return v + 1.0


PROGRAMS = [
    Program("deleted_name", deleted_name, (1.2,)),
    Program("deleted_element", deleted_element, (1.2,)),
    Program("deleted_slice", deleted_slice, (1.2,)),
    Program("deleted_key", deleted_key, (1.2,)),
    Program("deleted_from_list", deleted_from_list, ([0.3, 0.9, 1.4],)),
    Program("deleted_slice_of_list", deleted_slice_of_list, ([0.3, 0.9, 1.4, 0.6],)),
    Program("annotated", annotated, (1.2,)),
    Program("imports", imports, (1.2,)),
    Program("relative_import", relative_import, (1.2,)),
    Program("local_import_in_branch", local_import_in_branch, (1.2, True)),
    Program("reads_global", reads_global, (1.2,)),
    Program("writes_global", writes_global, (1.2,)),
    Program("global_seen_by_helper", global_seen_by_helper, (1.2,)),
    Program("global_carries_derivative", global_carries_derivative, (1.2,)),
    Program("global_written_by_helper", global_written_by_helper, (1.2,)),
    Program("global_in_branch", global_in_branch, (1.2,)),
    Program("global_in_branch_not_taken", global_in_branch, (0.7,)),
    Program("global_new", global_new, (1.2,)),
    Program("global_array_written", global_array, (1.2,)),
    Program("global_array_of_two_helpers", global_array_of_two_helpers, (1.2,)),
    Program("nonlocal_state", nonlocal_state, (1.2,)),
    Program("nonlocal_two_levels", nonlocal_two_levels, (1.2,)),
    Program("nonlocal_in_loop", nonlocal_in_loop, ([0.3, 0.9, -1.4],)),
    Program("accumulate_in_closure", accumulate_in_closure, ([0.3, 0.9, -1.4],)),
    Program("shadowed_builtin", shadowed_builtin, (1.2,)),
    Program("same_name_everywhere", same_name_everywhere, (1.2,)),
    Program("conditional_definition", conditional_definition, (1.2,)),
    Program("class_constants", class_constants, (1.2,)),
]
