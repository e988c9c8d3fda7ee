"""Displays, comprehensions, starred values, arguments of every form."""

import math

import numpy as np

from corpus.program import Program

rng = np.random.default_rng(32)


def set_membership(x, kind):
    if kind in {"fast", "slow"}:
        return x * x
    return x


def set_of_numbers(x, n):
    total = 0.0
    for i in range(n):
        if i in {1, 3, 4}:
            total += x**i
    return total


def set_comprehension(x, names):
    wanted = {n.lower() for n in names if n != "skip"}
    return x * len(wanted) + (x * x if "a" in wanted else 0.0)


def dict_comprehension(x):
    powers = {k: x**k for k in (1, 2, 3)}
    return powers[1] + powers[2] * powers[3]


def dict_comprehension_of_items(params, x):
    scaled = {k: 2.0 * v for k, v in params.items() if k != "skip"}
    return scaled["a"] * x + scaled["b"]


def dict_comprehension_of_zip(w, x):
    layers = {f"w{i}": v for i, v in enumerate((w, 2.0 * w))}
    return np.sum(layers["w0"] * layers["w1"] * x)


def inverted_dict(x):
    order = {"first": 0, "second": 1}
    names = {v: k for k, v in order.items()}
    return x if names[0] == "first" else -x * x


def nested_comprehension(A):
    flat = [a for row in A for a in row if a > 0.0]
    return sum(v * v for v in flat)


def comprehension_of_comprehension(x, n):
    table = [[x ** (i + j) for j in range(n)] for i in range(n)]
    return sum([sum(row) for row in table])


def several_conditions(xs):
    return sum([x * x for x in xs if x > 0.0 if x < 1.0])


def scope_of_comprehension(x):
    i = x
    squares = [i * i for i in (1.0, 2.0)]
    return i * squares[1]


def comprehension_shadows(x, xs):
    y = [x * 2.0 for x in xs]
    return x * y[0]


def comprehension_with_tuple_target(pairs):
    return sum([a * b for a, b in pairs])


def generator_in_call(xs):
    return max(x * x for x in xs) + min(2.0 * x for x in xs)


def starred_display(x):
    a = [x, 2.0 * x]
    b = (x * x,)
    c = [*a, 1.0, *b]
    d = (*a, *c)
    return c[3] * d[0] + len(d)


def starred_dict(x):
    base = {"a": x, "b": 2.0}
    both = {**base, "b": x * x, **{"c": 1.0}}
    return both["a"] * both["b"] + both["c"]


def starred_lists(xs, ys):
    both = [*xs, 1.5, *ys]
    total = 0.0
    for k, v in enumerate(both):
        total += k * v * v
    return total


def starred_array(xs):
    both = [*xs, 2.0]
    return both[0] * both[-1] + both[1] ** 2


def starred_tuple_of_list(xs):
    t = (*xs,)
    return t[0] * t[-1]


def starred_targets(xs):
    first, *rest = xs
    *front, last = xs
    a, *_, b = xs
    return first * last + sum(rest) * a + b * sum(front)


def starred_of_fixed(x):
    a, *b, c = (x, 2.0 * x, 3.0, x * x)
    (d, *e), f = [b, 1.0]
    return a * c + d * f + e[0]


def starred_in_for(x):
    total = 0.0
    for a, *rest in [(x, 1.0), (2.0, x, x * x)]:
        total += a * sum(rest)
    return total


def product_of(*factors):
    out = 1.0
    for f in factors:
        out = out * f
    return out


def star_call(x):
    parts = (x, 2.0, x * x)
    return product_of(*parts) + product_of(3.0, *parts[1:])


def star_call_of_list(xs):
    return product_of(*xs) + product_of(2.0, *xs)


def star_call_of_list_fixed(xs):
    def three(a, b, c):
        return a * b - c

    return three(*xs)


def count_of(*args):
    return len(args) * args[0] * args[-1]


def star_call_counts(xs):
    return count_of(*xs)


def keywords(a, /, b, *rest, scale=1.0, **more):
    return a * b * scale + sum(rest) + more.get("bias", 0.0)


def every_form(x):
    options = {"scale": x, "bias": x * x}
    return keywords(x, 2.0) + keywords(x, 2.0, x, 3.0, **options) + keywords(*(x, x), **{"scale": 0.5})


def keyword_only(x, *, power=2, shift=0.5):
    return (x + shift) ** power


def passes_keywords(x):
    def outer(*args, **kwargs):
        return keyword_only(*args, **kwargs)

    return outer(x, power=3) + outer(x, shift=x)


def merged_keywords(x):
    base = dict(power=3)
    return keyword_only(x, **base, shift=x) + keyword_only(x, **{**base, "power": 2})


def mutable_default(x, seen=[]):
    values = seen + [x, x * x]
    return sum(values)


def array_default(x, w=np.array([0.2, 0.4])):
    return np.sum(w * x) ** 2


def default_of_default(x):
    def f(y, k=x * 2.0, *, m=x):
        return y * k + m

    x = 0.0 * x
    return f(3.0) + f(1.0, k=2.0) + x


def star_parameters(*xs):
    return xs[0] * math.sin(xs[1])


def star_and_keywords(x, *rest, **options):
    return x * sum(rest) + options["bias"] * x


def lambda_star(x):
    f = lambda *a: a[0] * a[1] + len(a)
    g = lambda **k: k["u"] * k["v"]
    h = lambda a, *b, c=2.0, **d: a * c + sum(b) + sum(d.values())
    return f(x, x, x) + g(u=x, v=3.0) + h(x, x, 1.0, c=x, z=x)


top_lambda = lambda *a: a[0] * a[1] ** 2


def walrus_in_test(x):
    if (y := x * x) > 1.0:
        return y * x
    return y


def walrus_in_while(x):
    n = 0
    while (x := 0.5 * x) > 0.1:
        n += 1
    return x * n


def walrus_in_comprehension(xs):
    kept = [y * y for x in xs if (y := math.sin(x)) > 0.0]
    return sum(kept)


def walrus_leaks_from_comprehension(xs):
    _ = [last := x * x for x in xs]
    return last


def walrus_in_call(x):
    return product_of(y := x * x, 2.0, y) + y


def walrus_nested(x):
    return (a := (b := x * 2.0) + 1.0) * b * a


def walrus_in_subscript(x):
    v = [x, x * x, x * x * x]
    return v[(k := 1)] + v[k + 1]


def walrus_sum(xs):
    total = 0.0
    running = [total := total + x * x for x in xs]
    return running[1] * total


def ternary_callee(x):
    return (math.sin if x > 0.0 else math.cos)(x)


def ternary_callee_of_local(x):
    def up(v):
        return v * v

    def down(v):
        return 3.0 * v

    f = up if x > 1.0 else down
    return f(x) + f(2.0 * x)


def ternary_index(x, v):
    return v[0 if x > 1.0 else 1] * x


def ternary_default(x):
    def f(y, k=2.0 if x > 1.0 else 3.0):
        return y * k

    return f(x)


def ternary_nested(x):
    return x * x if x > 2.0 else 2.0 * x if x > 1.0 else -x if x < 0.0 else math.exp(x)


def ternary_of_tuples(x):
    a, b = (x, 2.0) if x > 1.0 else (3.0, x)
    return a**2 * b


def ternary_of_lists(x):
    xs = [x, 2.0] if x > 1.0 else [x, 3.0, x * x]
    return sum(xs) * xs[-1]


def ternary_none(x, w=None):
    y = None if x < 0.0 else x * x
    if y is None:
        return -x
    return y * (1.0 if w is None else w)


def ternary_argument(x):
    return math.sin(x if x > 0.5 else 0.5) + product_of(*((x, x) if x > 0.0 else (x, 2.0)))


def chained(x, y):
    if 0.0 < x < y <= 2.0:
        return x * y
    return x


def chained_with_effects(x):
    seen = []

    def look(v):
        seen.append(v)
        return v

    if 0.0 < look(x) < look(2.0 * x) < 1.0 < look(5.0 * x):
        return sum(seen) * 2.0
    return sum(seen) * 3.0


def or_default(x, w):
    w = w or 2.0
    return x * w


def or_of_lists(xs):
    ys = xs or [1.0]
    zs = [] or ys
    return sum(zs) * len(ys)


def and_value(x, flag):
    return (flag and x * x) + x


def or_of_numbers(x):
    y = (x - 1.0 if x > 1.0 else 0.0) or x * x
    return y * x


def and_or_idiom(x):
    y = x > 1.0 and x * x or x
    return y * x


def not_values(x, xs):
    return x * (not xs) + x * x * (not not xs)


def slices(xs):
    s = slice(1, None, 2)
    return sum(xs[s]) * xs[-1] + xs[::-1][0] * sum(xs[:2])


def extended_unpacking(x):
    [a, (b, c)], d = [[x, (2.0 * x, 3.0)], x * x]
    a, b = b, a
    x = y = a * d
    return x * y + b + c


def swap_in_list(xs):
    v = [2.0 * x for x in xs]
    v[0], v[-1] = v[-1], v[0]
    return v[0] ** 2 * v[-1]


def ellipsis_index(A):
    return np.sum(A[..., 0] * A[0, ...][1])


def new_axes(v):
    return np.sum(v[:, None] * v[None, :] * np.arange(len(v)))


def joined_tuples(x):
    t = (x,) + (2.0,) * 2 + tuple([x * x])
    return t[0] * t[1] * t[3] + len(t)


PROGRAMS = [
    Program("set_membership", set_membership, (1.2, "slow")),
    Program("set_of_numbers", set_of_numbers, (1.2, 6)),
    Program("set_comprehension", set_comprehension, (1.2, ("A", "B", "skip"))),
    Program("dict_comprehension", dict_comprehension, (1.2,)),
    Program("dict_comprehension_of_items", dict_comprehension_of_items,
            ({"a": 0.4, "b": 0.3, "skip": 1.0}, 1.2), (0, 1)),
    Program("dict_comprehension_of_zip", dict_comprehension_of_zip,
            (rng.normal(size=3), rng.normal(size=3)), (0, 1)),
    Program("inverted_dict", inverted_dict, (1.2,)),
    Program("nested_comprehension", nested_comprehension, (rng.normal(size=(3, 2)),)),
    Program("comprehension_of_comprehension", comprehension_of_comprehension, (1.2, 3)),
    Program("comprehension_several_conditions", several_conditions, ([0.3, -0.4, 0.8, 1.4],)),
    Program("scope_of_comprehension", scope_of_comprehension, (1.2,)),
    Program("comprehension_shadows", comprehension_shadows, (1.2, [0.3, 0.4]), (0, 1)),
    Program("comprehension_tuple_target", comprehension_with_tuple_target, ([(0.3, 0.4), (1.0, 2.0)],)),
    Program("generator_in_call", generator_in_call, ([0.3, -1.4, 0.9],)),
    Program("starred_display", starred_display, (1.2,)),
    Program("starred_dict", starred_dict, (1.2,)),
    Program("starred_lists", starred_lists, ([0.3, 0.4], [1.0, 2.0, 0.7]), (0, 1)),
    Program("starred_array", starred_array, (np.array([0.3, 0.9]),)),
    Program("starred_tuple_of_list", starred_tuple_of_list, ([0.3, 0.9, 1.4],)),
    Program("starred_targets", starred_targets, ([0.3, 0.9, 1.4, 0.2],)),
    Program("starred_targets_of_array", starred_targets, (np.array([0.3, 0.9, 1.4, 0.2]),)),
    Program("starred_of_fixed", starred_of_fixed, (1.2,)),
    Program("starred_in_for", starred_in_for, (1.2,)),
    Program("star_call", star_call, (1.2,)),
    Program("star_call_of_list", star_call_of_list, ([0.3, 0.9, 1.4],)),
    Program("star_call_of_array", star_call_of_list, (np.array([0.3, 0.9, 1.4]),)),
    Program("star_call_of_list_fixed", star_call_of_list_fixed, ([0.3, 0.9, 1.4],)),
    Program("star_call_counts", star_call_counts, ([0.3, 0.9, 1.4],)),
    Program("call_every_form", every_form, (1.2,)),
    Program("call_passes_keywords", passes_keywords, (1.2,)),
    Program("call_merged_keywords", merged_keywords, (1.2,)),
    Program("mutable_default", mutable_default, (1.2,)),
    Program("array_default", array_default, (1.2,)),
    Program("default_of_default", default_of_default, (1.2,)),
    Program("star_and_keywords", star_and_keywords, (1.2, 0.4, 0.3), kwargs={"bias": 0.6}),
    Program("lambda_star", lambda_star, (1.2,)),
    Program("walrus_in_test", walrus_in_test, (1.2,)),
    Program("walrus_in_while", walrus_in_while, (1.2,)),
    Program("walrus_in_comprehension", walrus_in_comprehension, ([0.3, -0.4, 0.8],)),
    Program("walrus_leaks_from_comprehension", walrus_leaks_from_comprehension, ([0.3, -0.4, 0.8],)),
    Program("walrus_in_call", walrus_in_call, (1.2,)),
    Program("walrus_nested", walrus_nested, (1.2,)),
    Program("walrus_in_subscript", walrus_in_subscript, (1.2,)),
    Program("walrus_sum", walrus_sum, ([0.3, -0.4, 0.8],)),
    Program("ternary_callee", ternary_callee, (1.2,)),
    Program("ternary_callee_of_local", ternary_callee_of_local, (1.2,)),
    Program("ternary_index", ternary_index, (1.2, np.array([0.3, 0.4])), (0, 1)),
    Program("ternary_default", ternary_default, (1.2,)),
    Program("ternary_nested", ternary_nested, (1.2,)),
    Program("ternary_of_tuples", ternary_of_tuples, (1.2,)),
    Program("ternary_of_lists", ternary_of_lists, (0.8,)),
    Program("ternary_none", ternary_none, (1.2,)),
    Program("ternary_none_taken", ternary_none, (-1.2,)),
    Program("ternary_argument", ternary_argument, (1.2,)),
    Program("chained", chained, (0.4, 1.2), (0, 1)),
    Program("chained_with_effects", chained_with_effects, (0.4,)),
    Program("chained_with_effects_to_the_end", chained_with_effects, (0.3,)),
    Program("chained_with_effects_cut_short", chained_with_effects, (0.7,)),
    Program("or_default", or_default, (1.2, None)),
    Program("or_default_given", or_default, (1.2, 0.4), (0, 1)),
    Program("or_of_lists", or_of_lists, ([0.3, 0.4],)),
    Program("and_value", and_value, (1.2, True)),
    Program("or_of_numbers", or_of_numbers, (1.7,)),
    Program("or_of_numbers_other", or_of_numbers, (0.7,)),
    Program("and_or_idiom", and_or_idiom, (1.7,)),
    Program("not_values", not_values, (1.7, [1.0])),
    Program("slices", slices, ([0.3, 0.9, 1.4, 0.2],)),
    Program("extended_unpacking", extended_unpacking, (1.2,)),
    Program("swap_in_list", swap_in_list, ([0.3, 0.9, 1.4],)),
    Program("ellipsis_index", ellipsis_index, (rng.normal(size=(3, 3)),)),
    Program("new_axes", new_axes, (rng.normal(size=3),)),
    Program("joined_tuples", joined_tuples, (1.2,)),
]
