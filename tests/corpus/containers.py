"""Tuples, lists, dicts, named tuples and dataclasses, as arguments and as locals."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from corpus.program import Program, tree

rng = np.random.default_rng(9)


class Point(NamedTuple):
    x: float
    y: float


class Line(NamedTuple):
    start: Point
    end: Point


@tree
@dataclass
class Spring:
    stiffness: float
    rest: float


@tree
@dataclass(frozen=True)
class Layer:
    W: np.ndarray
    b: np.ndarray


def tuple_argument(p):
    return p[0] * p[1] - math.sin(p[0])


def tuple_unpacked(p):
    a, (b, c) = p
    return a * b + c**2 * a


def tuple_rebuilt(x, y):
    state = (x, y)
    for _ in range(4):
        state = (state[1], state[0] * 0.5 + math.sin(state[1]))
    return state[0] * state[1]


def list_argument(xs):
    return xs[0] * xs[1] + xs[-1] ** 2


def dict_argument(params, x):
    return params["scale"] * math.exp(-params["rate"] * x) + params["offset"]


def dict_unused_entry(params, x):
    return params["a"] * x**2


def nested_parameters(params, x):
    h = np.tanh(x @ params["hidden"]["W"] + params["hidden"]["b"])
    out = h @ params["out"]["W"] + params["out"]["b"]
    return np.sum(out**2)


def list_of_pairs(layers, x):
    for W, b in layers:
        x = np.tanh(x @ W + b)
    return np.sum(x * x)


def named_tuple(line):
    dx = line.end.x - line.start.x
    dy = line.end.y - line.start.y
    return math.sqrt(dx * dx + dy * dy)


def named_tuple_made(x, y):
    p = Point(x * y, y)
    q = Point(y=p.x, x=p.y * x)
    return p.x * q.x - q.y**3


def named_tuple_unpacked(p):
    x, y = p
    return x**2 * y + p[0]


def dataclass_argument(spring, x):
    stretch = x - spring.rest
    return 0.5 * spring.stiffness * stretch**2


def dataclass_made(k, x):
    spring = Spring(k * k, rest=0.5 * k)
    return spring.stiffness * (x - spring.rest) ** 2


def dataclass_list(layers, x):
    for layer in layers:
        x = np.tanh(layer.W @ x + layer.b)
    return x @ x


def list_append(x, n):
    xs = [x]
    for i in range(n):
        xs.append(xs[-1] * x + i)
    return xs[-1] * xs[1]


def append_then_loop(xs, w):
    ys = []
    for x in xs:
        ys.append(math.tanh(w * x))
    total = 0.0
    for y in ys:
        total = total * 0.9 + y
    return total


def append_if(xs, w):
    kept = []
    for x in xs:
        if x > 0.0:
            kept.append(w * x)
    return sum(kept) * len(kept)


def append_arrays(x, W, n):
    states = [x]
    for _ in range(n):
        states.append(np.tanh(W @ states[-1]))
    return np.sum(np.stack(states) ** 2)


def list_sum(x, y):
    values = [x, y, x * y]
    return sum(values) + max(values) * min(values)


def array_from_list(xs):
    ys = []
    for i in range(len(xs)):
        ys.append(xs[i] ** 2 * (i + 1))
    v = np.array(ys)
    return v @ v


def zipped(xs, ys, w):
    s = 0.0
    for x, y in zip(xs, ys):
        s += (w * x - y) ** 2
    return s


def zipped_uneven(xs, ys):
    s = 0.0
    for a, b in zip(xs, ys[1:]):
        s += a * b
    return s


def enumerated(xs):
    s = 0.0
    for i, x in enumerate(xs):
        s = s + x**2 * i - 0.1 * s * x
    return s


def enumerated_start(xs):
    s = 0.0
    for k, x in enumerate(xs, 1):
        s += x / k
    return s * s


def reversed_list(xs):
    y = 0.0
    for x in reversed(xs):
        y = y * 0.5 + x * x
    return y


def reversed_range(xs):
    y = 0.0
    for i in reversed(range(len(xs))):
        y = math.sin(y + xs[i])
    return y


def enumerated_zip(xs, ys):
    s = 0.0
    for i, (x, y) in enumerate(zip(xs, ys)):
        s += i * x * y
    return s


def dict_local(x):
    cache = {"a": x * x, "b": x}
    cache["c"] = cache["a"] * cache["b"]
    cache["a"] = cache["c"] + 1.0
    return cache["a"] * cache["c"]


def dict_items(params):
    s = 0.0
    for name, value in params.items():
        if name != "b":
            s += np.sum(value**2)
        else:
            s += np.sum(value)
    return s


def dict_values(params):
    s = 0.0
    for value in params.values():
        s = s + value * value
    return s


def list_entry_written(x):
    v = [x, x * x, 1.0]
    v[2] = v[0] * v[1]
    v[0] = v[2] + v[1]
    return v[0] * v[2]


def popped(x):
    stack = [x, x * x]
    stack.append(stack[0] * stack[1])
    top = stack.pop()
    return top * stack.pop() + len(stack)


def swap_list_entries(x, y):
    v = [x, y]
    v[0], v[1] = v[1], v[0] * 2.0
    return v[0] ** 2 * v[1]


def list_of_lists(rows, x):
    s = 0.0
    for row in rows:
        p = 0.0
        for c in row:
            p = p * x + c
        s += p * p
    return s


def concatenated_tuples(x, y):
    t = (x, x * y)
    t = (*t, y)
    return t[0] * t[1] * t[2] + len(t)


def list_slice(xs):
    head = xs[0]
    rest = xs[1:]
    return head * rest[0] + rest[-1] ** 2


def tuple_loop(p):
    s = 1.0
    for v in p:
        s = s * math.cos(v)
    return s


P2 = [(rng.normal(size=(3, 4)), rng.normal(size=4)), (rng.normal(size=(4, 2)), rng.normal(size=2))]
xs = [0.3, -0.2, 0.8, 0.9]
NESTED = {
    "hidden": {"W": rng.normal(size=(3, 4)), "b": rng.normal(size=4)},
    "out": {"W": rng.normal(size=(4, 2)), "b": rng.normal(size=2)},
}
LAYERS = [Layer(rng.normal(size=(3, 3)), rng.normal(size=3)) for _ in range(2)]

PROGRAMS = [
    Program("tuple_argument", tuple_argument, ((0.7, 1.2),)),
    Program("tuple_unpacked", tuple_unpacked, ((0.7, (1.2, -0.3)),)),
    Program("tuple_rebuilt", tuple_rebuilt, (0.7, 1.2), (0, 1)),
    Program("list_argument", list_argument, ([0.7, 1.2, 0.4],)),
    Program("dict_argument", dict_argument, ({"scale": 0.7, "rate": 1.2, "offset": 0.1}, 0.6), (0, 1)),
    Program("dict_unused_entry", dict_unused_entry, ({"a": 0.7, "b": rng.normal(size=2)}, 0.6), (0, 1)),
    Program("nested_parameters", nested_parameters, (NESTED, rng.normal(size=(2, 3))), (0, 1)),
    Program("list_of_pairs", list_of_pairs, (P2, rng.normal(size=(5, 3))), (0, 1)),
    Program("named_tuple", named_tuple, (Line(Point(0.1, 0.2), Point(1.2, -0.7)),)),
    Program("named_tuple_made", named_tuple_made, (0.7, 1.2), (0, 1)),
    Program("named_tuple_unpacked", named_tuple_unpacked, (Point(0.7, 1.2),)),
    Program("dataclass_argument", dataclass_argument, (Spring(2.0, 0.3), 0.9), (0, 1)),
    Program("dataclass_made", dataclass_made, (1.3, 0.9), (0, 1)),
    Program("dataclass_list", dataclass_list, (LAYERS, rng.normal(size=3)), (0, 1)),
    Program("list_append", list_append, (0.7, 4)),
    Program("append_then_loop", append_then_loop, (xs, 0.8), (0, 1)),
    Program("append_if", append_if, (np.array(xs), 0.8), (0, 1)),
    Program("append_arrays", append_arrays, (rng.normal(size=3), 0.6 * rng.normal(size=(3, 3)), 3), (0, 1)),
    Program("list_sum", list_sum, (0.7, 1.2), (0, 1)),
    Program("array_from_list", array_from_list, (np.array(xs),)),
    Program("zipped", zipped, (np.array(xs), rng.normal(size=4), 0.6), (0, 1, 2)),
    Program("zipped_lists", zipped, (xs, [0.1, 0.2, 0.3, 0.4], 0.6), (0, 1, 2)),
    Program("zipped_uneven", zipped_uneven, (xs, [0.1, 0.2, 0.3]), (0, 1)),
    Program("enumerated", enumerated, (np.array(xs),)),
    Program("enumerated_start", enumerated_start, (xs,)),
    Program("reversed_list", reversed_list, (xs,)),
    Program("reversed_array", reversed_list, (np.array(xs),)),
    Program("reversed_range", reversed_range, (np.array(xs),)),
    Program("enumerated_zip", enumerated_zip, (xs, [0.1, 0.2, 0.3, 0.4]), (0, 1)),
    Program("dict_local", dict_local, (0.7,)),
    Program("dict_items", dict_items, ({"W": rng.normal(size=(2, 2)), "b": rng.normal(size=2), "s": 0.4},)),
    Program("dict_values", dict_values, ({"p": 0.3, "q": 0.9},)),
    Program("list_entry_written", list_entry_written, (0.7,)),
    Program("popped", popped, (0.7,)),
    Program("swap_list_entries", swap_list_entries, (0.7, 1.2), (0, 1)),
    Program("list_of_lists", list_of_lists, ([[0.3, 0.5], [1.2, -0.4, 0.9]], 0.8), (0, 1)),
    Program("concatenated_tuples", concatenated_tuples, (0.7, 1.2), (0, 1)),
    Program("list_slice", list_slice, (xs,)),
    Program("tuple_loop", tuple_loop, ((0.3, 0.5, 0.7),)),
]
