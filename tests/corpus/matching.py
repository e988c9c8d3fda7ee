"""``match``: literals, sequences, mappings, classes, alternatives, guards and captures."""

import dataclasses
import enum
import math
from collections import namedtuple

import numpy as np

from corpus.program import Program, tree

rng = np.random.default_rng(31)

LIMIT = 3


class Mode(enum.Enum):
    FLAT = 1
    STEEP = 2


Point = namedtuple("Point", ["x", "y"])


Binary = namedtuple("Binary", ["operation", "left", "right"])
Unary = namedtuple("Unary", ["function", "operand"])


def expression_tree(x, y):
    return recursive(Binary("add", Binary("mul", x, y), Unary(math.sin, Binary("mul", x, 2.0))))


@tree
@dataclasses.dataclass(frozen=True)
class Circle:
    centre: tuple
    radius: float


@tree
@dataclasses.dataclass
class Box:
    width: float
    height: float
    label: str = "box"


def by_text(x, kind):
    match kind:
        case "linear":
            y = 2.0 * x
        case "square" | "quadratic":
            y = x * x
        case _:
            y = math.sin(x)
    return y * x


def by_number(x, n):
    total = x
    for k in range(n):
        match k % 3:
            case 0:
                total = total * x
            case 1:
                total = math.sin(total)
            case _:
                total += x
    return total


def by_constant_attribute(x, mode):
    match mode:
        case Mode.FLAT:
            return 0.5 * x
        case Mode.STEEP:
            return 5.0 * x * x
    return x


def constants(x, flag):
    match flag:
        case True:
            return x * x
        case None:
            return 3.0 * x
        case -1:
            return -x
        case 2.5:
            return x**3
    return math.exp(x)


def captured_with_guard(x):
    match x:
        case y if y > 1.0:
            return y * y
        case y if y < 0.0:
            return -y
        case 0.0:
            return x
        case other:
            return math.exp(other)


def sequence_shapes(args):
    match args:
        case [a]:
            return a * a
        case [a, b]:
            return a * b
        case [first, *middle, last]:
            return first * last + sum(middle) ** 2
        case _:
            return 0.0


def shapes_of_tuple(p):
    match p:
        case (x, (y, z)):
            return x * y * z
        case (x, y):
            return x + y


def starred_in_front(p):
    match p:
        case (*head, last):
            return sum(head) * last


def literals_in_tuple(kind, a, b):
    match (kind, a, b):
        case ("scale", factor, x):
            return factor * x
        case ("shift", by, x):
            return (x + by) ** 2
        case ("both", (a, b), x):
            return a * x + b


def program_of_commands(x):
    program = [("scale", 2.0), ("add", 1.5), ("power", 3), ("negate",)]
    for step in program:
        match step:
            case ("scale", k):
                x = k * x
            case ("add", k):
                x = x + k
            case ("power", int(n)):
                x = x**n
            case ("negate",):
                x = -x
    return x


def mapping(params, x):
    match params:
        case {"kind": "gauss", "width": w}:
            return math.exp(-x * x / w)
        case {"kind": "line", "slope": a, **rest}:
            return a * x + rest["offset"]
        case {}:
            return x


def class_patterns(shape):
    match shape:
        case Circle(centre=(cx, cy), radius=r):
            return math.pi * r * r + cx * cy
        case Box(w, h) if w > h:
            return w * h * h
        case Box(width=w, height=h):
            return w * w * h
        case Point(x, y):
            return x * y


def builtin_classes(x, extra):
    match extra:
        case int(n):
            return x * n
        case str():
            return x * 10.0
        case float(v) | [v]:
            return x * v
        case (float() as a, b):
            return x * a * b
        case None:
            return x


def as_patterns(p, n):
    match (n, *p):
        case (1 | 2) as n, x:
            return n * x * x
        case (int(), float() as a, float() as b) as whole:
            return a * b + whole[1]


def in_loop_with_continue(xs, kinds):
    total = 0.0
    for k, x in zip(kinds, xs):
        match k:
            case 0:
                continue
            case 1:
                total += x * x
            case 9:
                break
            case _:
                total -= math.sin(x)
        total *= 1.1
    return total


def returns_from_loop(xs):
    total = 1.0
    for x in xs:
        match x:
            case v if v > 2.0:
                return total * v
            case v if v < 0.0:
                total = total * 1.5
            case v:
                total = total + v * v
    return total


def unknown_length(xs):
    match xs:
        case []:
            return 0.0
        case [a]:
            return a
        case [a, b, *rest]:
            return a * b + sum(r * r for r in rest)


def recursive(node):
    match node:
        case Binary("add", a, b):
            return recursive(a) + recursive(b)
        case Binary("mul", a, b):
            return recursive(a) * recursive(b)
        case Unary(function, a):
            return function(recursive(a))
        case float(v):
            return v


def subject_is_tuple(x, y):
    match (x > 1.0, y > 1.0):
        case (True, True):
            return x * y
        case (True, False):
            return x / y
        case (False, _):
            return x + y * y


def subject_with_walrus(x):
    match (y := x * x):
        case _ if y > 1.0:
            return y * x
        case _:
            return y


def data_decides_in_tuple(x, n):
    match (n, x):
        case (0, v) | (1, v):
            return v
        case (k, v) if k < LIMIT:
            return k * v * v
        case (_, v):
            return v**3


def array_subject(w, x):
    match w:
        case [a, b]:  # an array is no sequence before NumPy 2.5
            return a + b
        case np.ndarray(shape=(n,)):
            return n * np.sum(w * x)


def no_match(x, kind):
    y = x
    match kind:
        case "a":
            y = x * x
        case "b":
            y = 2.0 * x
    return y * x


def bound_after_match(x, p):
    match p:
        case [a, b] if a > b + 10.0:
            pass
        case [c, *_]:
            pass
    return x * c


def nested_matches(x, a, b):
    match a:
        case "one":
            match b:
                case 1:
                    y = x
                case _:
                    y = x * x
        case "two":
            y = x**3
    return y


PROGRAMS = [
    Program("match_text_first", by_text, (1.2, "linear")),
    Program("match_text_alternatives", by_text, (1.2, "quadratic")),
    Program("match_text_default", by_text, (1.2, "other")),
    Program("match_number_in_loop", by_number, (0.9, 7)),
    Program("match_enum", by_constant_attribute, (0.9, Mode.STEEP)),
    Program("match_constant_true", constants, (0.9, True)),
    Program("match_constant_none", constants, (0.9, None)),
    Program("match_constant_negative", constants, (0.9, -1)),
    Program("match_constant_float", constants, (0.9, 2.5)),
    Program("match_constant_none_of_them", constants, (0.9, 7)),
    Program("match_guard_first", captured_with_guard, (1.7,)),
    Program("match_guard_second", captured_with_guard, (-1.7,)),
    Program("match_guard_last", captured_with_guard, (0.7,)),
    Program("match_sequence_one", sequence_shapes, ((1.2,),)),
    Program("match_sequence_two", sequence_shapes, ((1.2, 0.3),)),
    Program("match_sequence_star", sequence_shapes, ((1.2, 0.3, 0.8, 2.0),)),
    Program("match_nested_tuple", shapes_of_tuple, ((1.2, (0.3, 0.7)),)),
    Program("match_star_in_front", starred_in_front, ((1.2, 0.3, 0.8),)),
    Program("match_literal_in_tuple", literals_in_tuple, ("shift", 0.4, 1.1), (1,)),
    Program("match_tuple_in_tuple", literals_in_tuple, ("both", (0.4, 0.9), 1.1), (1,)),
    Program("match_commands", program_of_commands, (0.6,)),
    Program("match_mapping", mapping, ({"kind": "gauss", "width": 0.8}, 0.6), (0, 1)),
    Program("match_mapping_rest", mapping, ({"kind": "line", "slope": 0.8, "offset": 2.0}, 0.6), (0, 1)),
    Program("match_mapping_empty", mapping, ({"kind": "?"}, 0.6), (1,)),
    Program("match_dataclass", class_patterns, (Circle((0.3, 0.4), 1.2),)),
    Program("match_dataclass_guard", class_patterns, (Box(2.0, 1.1),)),
    Program("match_dataclass_keywords", class_patterns, (Box(1.0, 1.1),)),
    Program("match_namedtuple", class_patterns, (Point(1.0, 1.1),)),
    Program("match_int", builtin_classes, (0.6, 3)),
    Program("match_str", builtin_classes, (0.6, "a")),
    Program("match_float", builtin_classes, (0.6, 2.5)),
    Program("match_float_in_tuple", builtin_classes, (0.6, (2.5, 1.5)), (0, 1)),
    Program("match_as_literal", as_patterns, ((1.1,), 2)),
    Program("match_as_whole", as_patterns, ((0.4, 1.1), 2)),
    Program("match_continue", in_loop_with_continue, (rng.normal(size=6), [1, 0, 2, 1, 9, 1])),
    Program("match_return", returns_from_loop, ([0.4, -0.5, 1.1, 2.5, 0.3],)),
    Program("match_list_of_any_length", unknown_length, ([0.4, -0.5, 1.1, 2.5],)),
    Program("match_list_of_one", unknown_length, ([0.4],)),
    Program("match_expression_tree", expression_tree, (0.4, 1.2), (0, 1)),
    Program("match_tests", subject_is_tuple, (1.4, 0.7), (0, 1)),
    Program("match_tests_last", subject_is_tuple, (0.4, 0.7), (0, 1)),
    Program("match_walrus", subject_with_walrus, (1.4,)),
    Program("match_data_decides", data_decides_in_tuple, (1.4, 1)),
    Program("match_data_decides_guard", data_decides_in_tuple, (1.4, 2)),
    Program("match_data_decides_last", data_decides_in_tuple, (1.4, 5)),
    Program("match_array", array_subject, (rng.normal(size=2), rng.normal(size=2)), (0, 1)),
    Program("match_no_match", no_match, (1.4, "c")),
    Program("match_bound_after", bound_after_match, (1.4, [0.2, 0.3, 0.4]), (0, 1)),
    Program("match_nested", nested_matches, (1.4, "one", 2)),
]
