"""Branches: if, elif, conditional expressions, and/or/not, chained comparisons."""

import math

import numpy as np

from corpus.program import Program

rng = np.random.default_rng(2)


def relu(x):
    if x > 0.0:
        return x
    return 0.0


def huber(r, delta):
    if abs(r) <= delta:
        loss = 0.5 * r * r
    else:
        loss = delta * (abs(r) - 0.5 * delta)
    return loss * loss


def piecewise(x):
    if x < -1.0:
        y = -x - 0.5
    elif x < 1.0:
        y = 0.5 * x * x
    elif x < 2.0:
        y = math.exp(x)
    else:
        y = x**3
    return y * x


def only_then(x, y):
    z = x * y
    if z > 0.5:
        z = z * z
    return z + x


def only_else(x, y):
    if x > y:
        pass
    else:
        x = x * math.sin(y)
    return x * y


def nested_branches(x, y):
    if x > 0.0:
        if y > 0.0:
            z = x * y
        else:
            z = x - y * y
        z = z * z
    else:
        if y > x:
            z = math.exp(y)
        else:
            z = x
    return z + x


def ternary(x, y):
    return x * y if x > y else x / y


def nested_ternary(x):
    scale = 1.0 if x < 0.0 else 2.0 if x < 1.0 else x
    return scale * x * x


def conjunction(x, y):
    if x > 0.0 and y > 0.0 and not x * y > 4.0:
        return math.sqrt(x * y)
    return x + y


def disjunction(x, lo, hi):
    if x < lo or x > hi:
        return (x - lo) ** 2 * (x - hi) ** 2
    return x**2


def between(x, lo, hi):
    if lo < x <= hi:
        return (x - lo) / (hi - lo)
    return 0.1 * x


def or_default(x, fallback):
    y = x or fallback
    return y * y


def swap_if_greater(a, b):
    if a > b:
        a, b = b, a
    return a - b * b * a


def different_names(x, kind):
    if kind == "square":
        side = x
        area = side * side
    elif kind == "circle":
        radius = x / 2
        area = math.pi * radius**2
    else:
        area = 0.25 * math.sqrt(3.0) * x**2
    return area * x


def clipped(x, lo, hi):
    x = min(max(x, lo), hi)
    return x**3


def smallest(x, y, z):
    return min(x * y, y * z, z * x) * max(x, y) + min([x, y, z])


def wind_chill(temperature, wind):
    if temperature <= 10.0 and wind >= 4.8:
        v = wind**0.16
        return 13.12 + 0.6215 * temperature - 11.37 * v + 0.3965 * temperature * v
    return temperature


def tax(income, rate_low, rate_high):
    threshold = 1.5
    owed = rate_low * min(income, threshold)
    if income > threshold:
        owed += rate_high * (income - threshold)
        owed *= 1.0 + 0.01 * owed
    return owed


def flag(x, verbose=False):
    y = x * x
    if verbose:
        y = y + math.log(x)
    return y


def by_size(x):
    y = np.sum(x)
    if y > 0 and y < 2:
        out = x**2
    elif y >= 2:
        out = x**3
    else:
        out = 1 / x
    return np.sum(out)


def none_default(x, y=None):
    if y is None:
        y = x * x
    return x * y


def assigned_before(x, y):
    z = 1.0
    if x > y:
        z = x
        if x > 2.0 * y:
            z = z * y
    w = z * z if z > 0.5 else z
    return w * x


def norm_switch(v):
    n = np.sqrt(np.sum(v * v))
    return n if n > 1.0 else 0.5 * (n * n + 1.0)


PROGRAMS = [
    Program("relu_positive", relu, (0.7,)),
    Program("relu_negative", relu, (-0.7,)),
    Program("huber_inside", huber, (0.4, 1.0), (0, 1)),
    Program("huber_outside", huber, (-2.4, 1.0), (0, 1)),
    Program("piecewise_1", piecewise, (-1.7,)),
    Program("piecewise_2", piecewise, (0.3,)),
    Program("piecewise_3", piecewise, (1.3,)),
    Program("piecewise_4", piecewise, (2.4,)),
    Program("only_then", only_then, (1.2, 0.8), (0, 1)),
    Program("only_then_not", only_then, (0.2, 0.8), (0, 1)),
    Program("only_else", only_else, (0.2, 0.8), (0, 1)),
    Program("nested_branches_1", nested_branches, (1.2, 0.8), (0, 1)),
    Program("nested_branches_2", nested_branches, (1.2, -0.8), (0, 1)),
    Program("nested_branches_3", nested_branches, (-1.2, -0.8), (0, 1)),
    Program("nested_branches_4", nested_branches, (-0.2, -0.8), (0, 1)),
    Program("ternary", ternary, (1.2, 0.8), (0, 1)),
    Program("ternary_not", ternary, (0.2, 0.8), (0, 1)),
    Program("nested_ternary", nested_ternary, (1.6,)),
    Program("conjunction", conjunction, (1.2, 0.8), (0, 1)),
    Program("conjunction_not", conjunction, (1.2, -0.8), (0, 1)),
    Program("disjunction", disjunction, (-0.3, 0.1, 1.0), (0, 1, 2)),
    Program("between", between, (0.3, 0.1, 1.0), (0, 1, 2)),
    Program("or_default", or_default, (0.7, 0.2), (0, 1)),
    Program("or_default_zero", or_default, (0, 0.2), (1,)),
    Program("swap_if_greater", swap_if_greater, (1.4, 0.3), (0, 1)),
    Program("different_names_square", different_names, (1.4, "square")),
    Program("different_names_circle", different_names, (1.4, "circle")),
    Program("clipped", clipped, (0.4, 0.0, 1.0), (0, 1, 2)),
    Program("clipped_above", clipped, (1.4, 0.0, 1.0), (0, 1, 2)),
    Program("smallest", smallest, (1.4, 0.3, 0.9), (0, 1, 2)),
    Program("wind_chill", wind_chill, (-3.0, 20.0), (0, 1)),
    Program("tax", tax, (2.6, 0.2, 0.4), (0, 1, 2)),
    Program("flag", flag, (1.3,)),
    Program("flag_set", flag, (1.3,), kwargs={"verbose": True}),
    Program("by_size_small", by_size, (np.array([0.3, 0.6, 0.5]),)),
    Program("by_size_large", by_size, (np.array([1.3, 0.6, 0.5]),)),
    Program("by_size_negative", by_size, (np.array([-1.3, 0.6, 0.5]),)),
    Program("none_default", none_default, (1.3,)),
    Program("assigned_before", assigned_before, (1.3, 0.4), (0, 1)),
    Program("norm_switch", norm_switch, (rng.normal(size=4),)),
]
