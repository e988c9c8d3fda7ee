"""Odd corners: what is bound when, which function is meant, what a trip of a loop leaves behind."""

import functools
import math

import numpy as np

from corpus.program import Program

G = 1.5
H = 2.0


def seen_set(x, idx):
    seen = set()
    total = 0.0
    for k in idx:
        if k in seen:
            total += 10.0 * x
            continue
        seen.add(k)
        total += x * x * (k in seen)
    return total * len(seen)


def asked_again(x, idx):
    """What a set says changes with it."""
    seen = set()
    total = x * (len(seen) + len(str(seen)))
    for k in idx:
        before = len(seen)
        seen.add(k)
        total += x * before + x * x * len(seen)
    return total * (len(seen) + len(str(seen)))


def seen_static(x, n):
    seen = {1, 2}
    total = 0.0
    for k in range(n):
        if k in seen:
            total += x
        else:
            seen.add(k)
            total += x * x
        if k in seen:
            total += 3.0 * x
    return total


def setg(v):
    global G
    G = v


def getg():
    return G


def global_loop(x, n):
    total = 0.0
    for k in range(n):
        total += getg() * x
        setg(G * x)
    y = total * getg()
    setg(1.5)
    return y


def global_while(x):
    global H
    H = x
    while H < 10.0:
        H = H * (1.0 + x)
    y = H * x
    H = 2.0
    return y


def global_branch_in_loop(xs):
    total = 0.0
    for v in xs:
        if v > 0.5:
            setg(v * v)
        total += getg() * v
    y = total + getg()
    setg(1.5)
    return y


def global_swap_function(x):
    f = math.sin
    for _ in range(3):
        x = f(x)
        f = math.cos
    return f(x)


def optional(x):
    f = None
    if x > 1.0:
        f = math.exp
    y = x
    if f is not None:
        y = f(x)
    return y * x


def optional2(x):
    f = None
    y = x * x
    if x > 1.0:
        f = lambda v: v * y
    y = y + 1.0
    if f is None:
        return y
    return f(x)


def either_container(x):
    fs = [math.sin, math.cos]
    if x > 1.0:
        fs = [math.exp, lambda v: v * x]
    return fs[0](x) + fs[1](x)


def either_helper(x):
    def twice(f, v):
        return f(f(v))
    g = math.sin if x > 1.0 else math.cos
    return twice(g, x) + sum(map(g, [x, 2.0]))


def either_loop(x, n):
    g = math.sin if x > 1.0 else math.cos
    for _ in range(n):
        x = g(x) + 0.1
    return x


def walrus_while_else(x):
    n = 0
    while (y := x * 0.5 ** n) > 0.2:
        n += 1
        if n == 2:
            continue
        x = x + 0.01
    else:
        y = y * 3.0
    return y * x


def walrus_while_break(x):
    n = 0
    while (y := x * 0.5 ** n) > 0.2:
        n += 1
        if y < 0.5:
            break
    else:
        y = y * 3.0
    return y * x * n


def walrus_lambda(x):
    f = lambda v: (w := v * v) + w
    return f(x) * f(2.0)


def match_failed_guard_binds(x):
    y = 5.0
    match (x, 2.0):
        case (y, b) if y > 100.0 * b:
            return 0.0
        case _:
            pass
    return y * x


def match_failed_guard_runtime(x, n):
    y = 5.0
    match n:
        case y if y > 100:
            return 0.0
        case 3:
            pass
    return y * x


def match_while(x):
    state = 0
    total = x
    while True:
        match state:
            case 0:
                total = total * x
                state = 1
            case 1 if total < 3.0:
                total = total + x
            case 1:
                state = 2
            case _:
                break
    return total * x


def late_binding(x):
    k = 2.0
    f = lambda v: v * k
    k = x
    y = f(x)
    if x > 1.0:
        k = x * x
    return y + f(3.0)


def del_loop(xs):
    v = [x * 2.0 for x in xs]
    total = 0.0
    while len(v) > 1:
        total = total * 1.5 + v[0] * v[-1]
        del v[0]
    return total


def del_back(xs, k):
    v = [x * x for x in xs]
    del v[-1]
    total = v[-1]
    del v[k]
    return total * v[0] * v[-1] + len(v)


def del_slice_rt(xs, a, b):
    v = [x * x for x in xs]
    del v[a:b]
    return sum(v) * v[0]


def vararg_copy(xs):
    def f(*args):
        xs[0] = 100.0
        return args[0] * args[-1]
    xs = [x * 1.0 for x in xs]
    y = f(*xs)
    return y + xs[0]


def default_array_mutated(x):
    def f(v, buf=np.zeros(2)):
        buf[0] += v
        return buf[0] * v
    return f(x) + f(2.0 * x)


def default_list_mutated(x):
    def f(v, seen=[]):
        seen.append(v)
        return sum(seen) * v
    return f(x) + f(2.0 * x)


def unroll_effects(x):
    out = []
    fs = [math.sin, lambda v: v * v, math.exp]
    for i in range(3):
        out.append(x)
        x = fs[i](x)
        if i == 1:
            continue
        out.append(x)
    return sum(out) * len(out)


def unroll_break(x):
    shapes = [np.ones((2, 3)), np.ones((3, 4)), np.ones((4, 1))]
    h = x
    for i in range(3):
        h = h @ shapes[i]
        if np.sum(h) > 20.0:
            break
    return np.sum(h * h)


def dict_of_lambdas_rt(x, keys):
    t = {"a": lambda v: v * x, "b": math.sin}
    y = x
    for k in keys:
        y = t.get(k, lambda v: v + 1.0)(y)
    return y


def chain_effects(x):
    log = []
    def f(v):
        log.append(v)
        return v
    if f(x) > 1.0 and f(x * 2.0) > 3.0 or f(x * 3.0) > 1.0:
        pass
    return sum(log) + len(log) * x


def nested_defaults(x):
    fs = []
    for i in range(3):
        def g(v, i=i, w=x * i):
            return v * w + i
        fs.append(g)
    return sum(f(x) for f in fs)


def exc_text(x):
    try_ = f"{x:.2f}{'a' if x > 1 else 'b'}"
    return x * len(try_)


def tern_list(x, xs):
    ys = xs if x > 0 else [1.0]
    ys2 = [y * x for y in ys]
    return sum(ys2)


def setattr_(x):
    class_ = None
    return x if class_ is None else 0.0


def comp_cond_walrus(xs):
    return [y, last := y * 2.0, last][1] * xs[0] if (y := sum(xs)) > 0 else y


def str_loop(x, words):
    total = 0.0
    for w in words:
        for c in w:
            total += x * (c == "a") + x * x * (c in "bc")
    return total


def starred_mixed(xs):
    a, *b = [*xs, xs[0] * 2.0]
    return a * sum(b) * b[-1]


def partial_in_loop(x, n):
    f = functools.partial(pow, x)
    total = 0.0
    for k in range(n):
        g = functools.partial(f, k + 1)
        total += g()
    return total


def int_match(x, n):
    match n:
        case 1 | 2:
            y = x
        case int() if n > 5:
            y = x * x
        case int():
            y = x ** 3
    return y


PROGRAMS = [
    Program("seen_set", seen_set, (1.2, [1, 2, 1, 3, 2])),
    Program("asked_again", asked_again, (1.2, [1, 2, 1, 3, 2])),
    Program("seen_static", seen_static, (1.2, 6)),
    Program("global_loop", global_loop, (1.2, 3)),
    Program("global_while", global_while, (0.7,)),
    Program("global_branch_in_loop", global_branch_in_loop, ([0.2, 0.8, 0.3, 0.9],)),
    Program("global_swap_function", global_swap_function, (0.7,)),
    Program("optional", optional, (1.3,)),
    Program("optional_2", optional, (0.3,)),
    Program("optional2", optional2, (1.3,)),
    Program("optional2_2", optional2, (0.3,)),
    Program("either_container", either_container, (1.3,)),
    Program("either_container_2", either_container, (0.3,)),
    Program("either_helper", either_helper, (1.3,)),
    Program("either_loop", either_loop, (1.3, 4)),
    Program("walrus_while_else", walrus_while_else, (1.3,)),
    Program("walrus_while_break", walrus_while_break, (1.3,)),
    Program("walrus_lambda", walrus_lambda, (1.3,)),
    Program("match_failed_guard_binds", match_failed_guard_binds, (1.3,)),
    Program("match_failed_guard_runtime", match_failed_guard_runtime, (1.3, 3)),
    Program("match_while", match_while, (1.3,)),
    Program("late_binding", late_binding, (1.3,)),
    Program("del_loop", del_loop, ([1.0, 2.0, 3.0, 0.5],)),
    Program("del_back", del_back, ([1.0, 2.0, 3.0, 0.5], 1)),
    Program("del_back_2", del_back, ([1.0, 2.0, 3.0, 0.5], -2)),
    Program("del_slice_rt", del_slice_rt, ([1.0, 2.0, 3.0, 0.5], 1, 3)),
    Program("del_slice_rt_2", del_slice_rt, ([1.0, 2.0, 3.0, 0.5], -3, -1)),
    Program("del_slice_rt_3", del_slice_rt, ([1.0, 2.0, 3.0, 0.5], 3, 1)),
    Program("vararg_copy", vararg_copy, ([1.0, 2.0, 3.0],)),
    Program("default_array_mutated", default_array_mutated, (1.3,)),
    Program("default_list_mutated", default_list_mutated, (1.3,)),
    Program("unroll_effects", unroll_effects, (0.7,)),
    Program("unroll_break", unroll_break, (np.array([0.3, 0.8]),)),
    Program("dict_of_lambdas_rt", dict_of_lambdas_rt, (1.3, ['a', 'b', 'c'])),
    Program("chain_effects", chain_effects, (0.7,)),
    Program("nested_defaults", nested_defaults, (1.3,)),
    Program("exc_text", exc_text, (1.3,)),
    Program("tern_list", tern_list, (1.3, [1.0, 2.0])),
    Program("comp_cond_walrus", comp_cond_walrus, ([1.0, 2.0],)),
    Program("str_loop", str_loop, (1.3, ['abc', 'bad'])),
    Program("starred_mixed", starred_mixed, ([1.0, 2.0, 0.7],)),
    Program("partial_in_loop", partial_in_loop, (1.3, 3)),
    Program("int_match", int_match, (1.3, 2)),
    Program("int_match_2", int_match, (1.3, 7)),
    Program("int_match_3", int_match, (1.3, 4)),
]
