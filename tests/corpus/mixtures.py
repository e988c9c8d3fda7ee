"""Mixtures: settings of the module, globals and closures as state, dispatch by text and members."""

import collections
import enum
import functools
import math
import operator
from dataclasses import dataclass

import numpy as np

from corpus.program import Program

P = {"gain": 2.0, "kind": "sq", "w": np.array([1.0, 2.0])}
NAMES = ("a", "b", "c")
LAYERS = [("sin", 1.0), ("sq", 2.0)]
acc = 0.0
arr = np.zeros(3)
OPT = {"fn": math.sin, "scale": 1.5, "inner": [1.0, lambda v: v * v]}


def cfg(x):
    if P["kind"] == "sq":
        return P["gain"] * x * x + np.sum(P["w"]) * x
    return x


def opt(x):
    return OPT["fn"](x) * OPT["scale"] + OPT["inner"][1](x) * OPT["inner"][0]


def layers(x):
    for name, w in LAYERS:
        if name == "sin":
            x = math.sin(w * x)
        else:
            x = w * x * x
    return x


def acc_global(xs):
    global acc
    acc = 0.0
    for v in xs:
        acc += v * v
    r = acc * xs[0]
    acc = 0.0
    return r


def arr_global_inplace(x):
    global arr
    arr = np.zeros(3)
    fill(x)
    fill(2.0 * x)
    return np.sum(arr ** 2)


def fill(v):
    arr[1] += v
    arr[0] = arr[1] * v


def add_acc(v):
    global acc
    acc += v
    return acc


def order_of_effects(x):
    global acc
    acc = 0.0
    y = add_acc(x) * 10.0 + add_acc(x * x) * 3.0
    z = [add_acc(1.0), acc * x]
    return y + z[0] * z[1]


def global_in_cond_expr(x):
    global acc
    acc = x
    y = add_acc(x * x) if x > 1.0 else 0.0
    z = x > 0.5 and add_acc(3.0 * x)
    return acc * x + y + z


def global_early_return(x, n):
    global acc
    acc = 1.0
    def step(v):
        global acc
        if v > 2.0:
            acc = acc * v
            return v
        acc = acc + v
        return v * 2.0
    y = x
    for _ in range(n):
        y = step(y)
    return acc * y


def nonlocal_cond(x):
    best = 0.0
    f = None
    def consider(v, g):
        nonlocal best, f
        if v > best:
            best, f = v, g
    consider(x, math.sin)
    consider(x * x, math.exp)
    return f(best)


def facts_nested(x):
    f = None
    g = None
    if x > 1.0:
        f = math.sin
    if x > 0.5:
        g = lambda v: v * x
    y = 0.0
    if f is not None and g is not None:
        y = f(g(x))
    elif g:
        y = g(x)
    return y + x


def facts_reassigned(x):
    f = math.sin if x > 1.0 else None
    if f is not None:
        x = x - 1.0
        return f(x)
    return x


def either_default(x):
    def apply(v, f=math.sin if x > 1.0 else math.cos):
        return f(v)
    return apply(x) + apply(2.0, math.exp)


def either_in_comp(xs):
    return sum([(math.sin if x > 0 else math.exp)(x) for x in xs])


def either_partial(x, k):
    fs = [functools.partial(pow, x), functools.partial(operator.mul, x), lambda v: x - v]
    return fs[k](3.0) * fs[k - 1](2.0)


def either_nested_index(x, i, j):
    t = [[math.sin, math.cos], [math.exp, lambda v: v * x]]
    return t[i][j](x)


def walrus_scope(xs):
    def inner():
        return [last := v * 2.0 for v in xs][0] + last
    last = 5.0
    return inner() * last


def walrus_cond_multi(xs):
    return [a * b for x in xs if (a := x * x) > 0.1 for y in xs if (b := a + y) > 0.5][0] * b


def walrus_any(xs):
    total = 0.0
    for x in xs:
        if (s := x * 2.0) > 1.0 and (t := s * x) < 8.0:
            total += s * t
        elif s > 0.2:
            total -= s
    return total


def match_loop_bind(xs):
    best = None
    for v in xs:
        match best:
            case None:
                best = v
            case b if v > b:
                best = v * 1.5
    return best * best


def match_star_seq(xs):
    total = 0.0
    while True:
        match xs:
            case [a, b, *xs]:
                total += a * b
            case [a]:
                total += a
                break
            case []:
                break
    return total


def match_or_capture(x, p):
    match p:
        case ("a", v) | ("b", _, v):
            return v * x
        case {"k": v} | [v]:
            return v * x * x


def match_runtime_or(x, n):
    match (n, x, 2.0 * x):
        case (1, a, _) | (2, _, a):
            return a * a
        case (_, a, b):
            return a * b


@dataclass
class S:
    pos: float
    vel: float
    kind: str = "free"


def match_state(x):
    s = S(x, 1.0)
    for k in range(4):
        match s:
            case S(pos=p, vel=v) if p > 2.0:
                s = S(p * 0.5, -v)
            case S(p, v):
                s = S(p + v * x, v * 1.1)
    return s.pos * s.vel


def loop_funcs_zip(x):
    for f, w in zip([math.sin, math.cos, lambda v: v * x], [1.0, x, 2.0]):
        x = f(x) * w
    return x


def loop_enum(x):
    total = 0.0
    for i, f in enumerate((math.sin, math.exp)):
        total += f(x * (i + 1))
    return total


def loop_dict(x):
    total = 0.0
    for name, f in {"a": math.sin, "b": math.exp}.items():
        total += f(x) * (2.0 if name == "a" else x)
    return total


def unroll_nested(x):
    mats = [np.ones((2, 3)), np.ones((3, 2))]
    h = np.array([x, x * x])
    for _ in range(2):
        for i in range(2):
            h = np.tanh(h @ mats[i] * 0.3)
    return np.sum(h)


def unroll_append_print(x):
    seen = []
    ws = [np.ones(2), np.ones(3), np.ones(4)]
    for i in range(3):
        seen.append(np.sum(ws[i] * x) ** (i + 1))
    return sum(seen)


def loop_def(x):
    total = 0.0
    for k in range(3):
        def g(v):
            return v * k * x
        total += g(x + k)
    return total + g(2.0)


def loop_lambda_n(x, n):
    total = 0.0
    for k in range(n):
        y = x * k
        g = lambda v: v * y
        total += g(x)
    return total + g(1.0)


def late_default(x):
    fs = []
    for k in range(4):
        fs.append(lambda v, k=k: v + k * x)
    return fs[0](x) * fs[3](x)


def closures_state(x):
    def counter():
        n = 0.0
        def inc(v):
            nonlocal n
            n += v
            return n
        def get():
            return n
        return inc, get
    inc, get = counter()
    inc2, get2 = counter()
    for k in range(3):
        inc(x * k)
        inc2(get() * x)
    return get() * get2()


def star_star(x):
    def f(a, b=2.0, *args, c, d=4.0, **kw):
        return a * b + sum(args) + c * d + kw.get("e", 1.0) * kw.get("z", x)
    d = dict(c=x, e=x * x)
    return f(x, **d) + f(*[x, x], 1.0, *(2.0, x), c=1.0, **{"d": x, "z": 2.0})


def kw_defaults_chain(x):
    def g(*, a=1.0, b=2.0):
        return a * b
    def h(**kw):
        kw["b"] = kw.get("b", 3.0) * x
        return g(**kw)
    return h(a=x) + h(b=x)


def str_ops(x, s):
    k, _, v = s.partition("=")
    parts = v.split(",")
    total = x
    for p in parts:
        total = total * float(p) if k == "mul" else total + float(p)
    return total * len(parts)


def fstring_dict(x, n):
    d = {}
    for i in range(3):
        d[f"w{i}"] = x * i
    return d["w1"] * d["w2"]


def pct(x, n):
    s = "%d-%s" % (3, "a")
    return x * len(s) * s.count("a")


def int_dispatch(x, n):
    k = int(x * 3)
    if k in (3, 4):
        return x * k
    return x


def divs(x, y):
    q, r = divmod(x, y)
    a = x % y
    return r * r + a * q + math.fmod(x, y) * (x // y)


def runtime_divmod_ints(x, n):
    total = 0.0
    while n:
        n, r = divmod(n, 3)
        total = total * x + r
    return total


def complex_loop(x, n):
    c = complex(x, 0.3)
    z = 0.5 * c
    for _ in range(n):
        z = z * z + c
    return abs(z)


def ternary_store(x):
    v = [0.0, 0.0, 0.0]
    v[0 if x > 1 else 2] = x * x
    v[1], v[2] = (v[0], x) if x > 0.5 else (1.0, 2.0)
    return v[0] + v[1] * v[2]


def boolop_values(x, y):
    a = x and y
    b = 0.0 or y * x
    c = None or (x if x > 5 else 0.0) or y
    return a * b + c


def del_and_rebind(x):
    d = {"a": x, "b": 2.0 * x, "c": 3.0}
    for k in list(d.keys()):
        if k == "b":
            del d[k]
    d["b"] = x * x
    total = 0.0
    for i, v in enumerate(d.values()):
        total += v * (i + 1)
    return total


def set_ops(x, n):
    a = {1, 2, 3}
    b = {k for k in (2, 3, 4)}
    t = 0.0
    for i in range(n):
        if i in (a & b):
            t += x
        if i in a | b and i not in a - b:
            t += x * x
    return t * len(a ^ b) + x * ({1} <= a)


def visited(x, edges):
    seen = set()
    out = []
    for a, b in edges:
        if (a, b) in seen or (b, a) in seen:
            continue
        seen.add((a, b))
        out.append(x * a + b)
    return sum(out) * len(seen)


def assert_chain(x, xs):
    assert (n := len(xs)) == 2 and x > 0, (n, f"{xs}")
    assert not any([v > 10 for v in xs])
    return x * n * sum(xs)


class Act(enum.Enum):
    SIN = "sin"
    SQ = "sq"


class IntE(enum.IntEnum):
    A = 1
    B = 2


def enum_dispatch(x, a=Act.SQ):
    if a is Act.SIN:
        return math.sin(x)
    elif a == Act.SQ:
        return x * x
    return x


def enum_in_fn(x):
    total = 0.0
    for a in (Act.SIN, Act.SQ):
        total += enum_dispatch(x, a)
    return total * IntE.B + x * IntE.A.value


def enum_match(x, n):
    total = x
    for k in (IntE.A, IntE.B):
        match k:
            case IntE.A:
                total = total * x
            case IntE.B:
                total = math.sin(total)
    return total


class Model:
    scale = 2.0
    count = 0
    def __init__(self, w, act="sq"):
        self.w = w
        self.act = act
        self.fn = {"sq": lambda v: v * v, "sin": math.sin}[act]
    def __call__(self, x):
        Model.count += 0
        return self.fn(self.w * x) * self.scale
    @property
    def double(self):
        return 2.0 * self.w
    @staticmethod
    def half(v):
        return v / 2
    @classmethod
    def make(cls, w):
        return cls(w, act="sin")


def model_choice2(x):
    if x > 1.0:
        m = Model(x, "sin")
    else:
        m = Model(2.0 * x)
    return m.w * x


def model_setattr(x):
    m = Model(x)
    for i, n in enumerate(("a", "b")):
        setattr(m, n, x * (i + 1))
    return m.a * m.b


def nt_defaults(x):
    P = collections.namedtuple("P", ["a", "b"], defaults=[3.0])
    p = P(x)
    q = p._replace(b=x * x)
    return q.a * q.b + p.b


def str_formatting(x):
    name = "x%02d" % 3
    other = "{:>4}".format("ab").strip()
    d = {"x03": x, "ab": x * x}
    return d[name] * d[other] + len(f"{name!r:>10}") * x + x * ("x" in name) + x * name.endswith("3")


def slices_of_text(x):
    s = "abcdef"
    total = 0.0
    for c in s[::2]:
        total += x * s.index(c)
    return total * x + x * (s[-1] == "f")


def dict_iter(x):
    d = dict(a=x, b=2.0 * x)
    d.update(c=3.0)
    d |= {"d": x * x}
    total = 0.0
    for i, (k, v) in enumerate(d.items()):
        total += v * (i + 1) if k != "b" else -v
    return total


def nested_functions_global_like(x):
    z = 1.0
    def a():
        nonlocal z
        z = z * x
        def b():
            nonlocal z
            z = z + x
            return z
        return b()
    r = [a() for _ in range(3)]
    return r[0] * r[2] + z


def rec_closure(x, n):
    def go(k):
        return 1.0 if k == 0 else x * go(k - 1)
    return go(n)


def memo_dict(x):
    memo = {}
    def fib(k):
        if k < 2:
            return x
        if k not in memo:
            memo[k] = fib(k - 1) + fib(k - 2) * x
        return memo[k]
    return fib(5)


def while_walrus_pop(x):
    stack = [x, 2.0 * x, 3.0]
    total = 0.0
    while stack and (top := stack.pop()) is not None:
        total = total * 0.5 + top * top
    return total


def try_default(x, w=None, *, b=None):
    w = x if w is None else w
    b = b if b is not None else 2.0
    return w * x + b * x


def isinst(x, v):
    if isinstance(v, (list, tuple)):
        return x * sum(v)
    if isinstance(v, dict):
        return x * v["a"]
    if isinstance(v, np.ndarray):
        return x * v.sum()
    if isinstance(v, bool):
        return -x
    if isinstance(v, int):
        return x * v * 2
    if v is None:
        return x * x
    return x * v


def mixed_int(x, n):
    a = n / 2
    b = n // 2
    c = -n // 2
    d = n % -3
    e = abs(-n) ** 2
    return x * (a + b + c + d + e) + x ** (n // 2)


def bool_arith(x, y):
    return (x > 1.0) * x + (x < y) * y * x + (x == y) + (not x) * x


def int_of_float_loop(x):
    total = 0.0
    for i in range(int(x * 4)):
        total += x ** i
    return total


def round_trip(x):
    n = round(x)
    return (x - n) ** 2 + math.floor(x) * x + math.ceil(x) * x + int(x) * x + x // 1 * x


def np_round(v):
    return np.sum(v * np.round(v, 1) + np.floor(v) * v + np.trunc(v) * v + np.mod(v, 0.7) * v)


def global_list_unpack(x):
    a, (b, *c), d = x, (2.0 * x, 3.0, x), [x, x]
    [e], = [[x * x]]
    return a * b * c[1] + d[1] * e


def aug_targets(x):
    d = {"a": [x, 2.0]}
    d["a"][0] *= 3.0
    d["a"][1] += x
    d["a"] += [x]
    i = 0
    d["a"][i] **= 2
    return d["a"][0] * d["a"][1] + d["a"][2]


def lambda_defaults_star(x):
    f = lambda a, /, b=x, *c, d=2.0 * x, **e: a * b + sum(c) * d + len(e)
    return f(x) + f(x, 1.0, 2.0, x, d=1.0, z=1)


def chained_assign_alias(x):
    a = b = [x, x * x]
    a[0] = 3.0
    c = d = np.zeros(2)
    c[1] = x
    return b[0] * b[1] + d[1]


def compare_tuples(x):
    t = (1, "a")
    if t == (1, "a") and t != (2, "b") and (1, 2) < (1, 3) and [1] == [1]:
        return x * x
    return x


def compare_runtime_tuple(x, n):
    if (n, n + 1) == (3, 4):
        return x * x
    return x


def del_many(x):
    a, b, c = x, x * x, 3.0
    del a, (b, c)
    return x


def star_in_index(x):
    v = np.arange(6.0).reshape(2, 3) * x
    i = (1, 2)
    return v[i] * v[tuple([0, 1])]


def for_target_sub(x):
    v = [0.0, 0.0]
    for v[0] in (x, 2.0 * x):
        v[1] += v[0] ** 2
    return v[1] * v[0]


def nested_comp_closure(x):
    fs = {n: (lambda v, n=n: v * len(n)) for n in ("a", "bb")}
    return fs["a"](x) * fs["bb"](x)


class M(enum.Enum):
    A = 1
    B = "b"
    C = 3


class J(enum.IntEnum):
    A = 1
    B = 2


class F(enum.Flag):
    X = 1
    Y = 2


def machine(x, n):
    m = M.A
    for _ in range(n):
        match m:
            case M.A:
                x = x * 1.1
                m = M.B
            case M.B if x > 1.5:
                x = math.sin(x)
                m = M.C
            case M.B:
                x = x + 0.3
            case M.C:
                x = x * x
                m = M.A
    return x if m is M.A else 2.0 * x if m == M.B else 3.0 * x


def imachine(x, n):
    m = J.A
    for _ in range(n):
        if m == J.A:
            x, m = x * 1.1, J.B
        else:
            x, m = x + m * 0.1, J.A
    return x * m


def flags(x, n):
    f = F.X
    if x > 1:
        f |= F.Y
    return x * x if F.Y in f else x


def table(x, n):
    t = {M.A: math.sin, M.B: math.cos}
    w = {M.A: 2.0, M.B: x}
    return t[M.A](x) * w[M.B]


def table2(x, n):
    t = {M.A: math.sin, M.B: math.cos}
    m = M.A
    for k in range(n):
        x = t[m](x)
        m = M.B if m is M.A else M.A
    return x


def key_len(x):
    d = {M.A: x, M.B: 2.0 * x}
    return sum(v for v in d.values()) * d[M.B] + (x if M.A in d and M.C not in d else 0.0)


def aux(x):
    d = {M.A: x * x}
    return d[M.A]


PROGRAMS = [
    Program("cfg", cfg, (1.2,)),
    Program("opt", opt, (1.2,)),
    Program("layers", layers, (1.2,)),
    Program("acc_global", acc_global, ([1.0, 2.0],)),
    Program("arr_global_inplace", arr_global_inplace, (1.2,)),
    Program("order_of_effects", order_of_effects, (1.2,)),
    Program("global_in_cond_expr", global_in_cond_expr, (1.2,)),
    Program("global_in_cond_expr_2", global_in_cond_expr, (0.7,)),
    Program("global_in_cond_expr_3", global_in_cond_expr, (0.3,)),
    Program("global_early_return", global_early_return, (0.8, 4)),
    Program("nonlocal_cond", nonlocal_cond, (1.2,)),
    Program("nonlocal_cond_2", nonlocal_cond, (0.7,)),
    Program("facts_nested", facts_nested, (1.2,)),
    Program("facts_nested_2", facts_nested, (0.7,)),
    Program("facts_nested_3", facts_nested, (0.2,)),
    Program("facts_reassigned", facts_reassigned, (1.2,)),
    Program("facts_reassigned_2", facts_reassigned, (0.2,)),
    Program("either_default", either_default, (1.2,)),
    Program("either_in_comp", either_in_comp, ([1.2, -0.3],)),
    Program("either_partial", either_partial, (1.2, 0)),
    Program("either_partial_2", either_partial, (1.2, 1)),
    Program("either_partial_3", either_partial, (1.2, 2)),
    Program("either_nested_index", either_nested_index, (1.2, 0, 1)),
    Program("either_nested_index_2", either_nested_index, (1.2, 1, 1)),
    Program("walrus_scope", walrus_scope, ([1.2, -0.3],)),
    Program("walrus_cond_multi", walrus_cond_multi, ([1.2, -0.3],)),
    Program("walrus_any", walrus_any, ([1.2, 0.3, 0.05],)),
    Program("match_loop_bind", match_loop_bind, ([1.2, 0.3, 2.05],)),
    Program("match_star_seq", match_star_seq, ([1.2, 0.3, 2.05],)),
    Program("match_star_seq_2", match_star_seq, ([1.2, 0.3, 2.05, 1.0],)),
    Program("match_or_capture", match_or_capture, (1.2, ('a', 3.0))),
    Program("match_or_capture_2", match_or_capture, (1.2, ('b', 1.0, 3.0))),
    Program("match_or_capture_3", match_or_capture, (1.2, [3.0])),
    Program("match_or_capture_4", match_or_capture, (1.2, {'k': 3.0})),
    Program("match_runtime_or", match_runtime_or, (1.2, 1)),
    Program("match_runtime_or_2", match_runtime_or, (1.2, 2)),
    Program("match_runtime_or_3", match_runtime_or, (1.2, 3)),
    Program("match_state", match_state, (1.2,)),
    Program("loop_funcs_zip", loop_funcs_zip, (1.2,)),
    Program("loop_enum", loop_enum, (1.2,)),
    Program("loop_dict", loop_dict, (1.2,)),
    Program("unroll_nested", unroll_nested, (0.3,)),
    Program("unroll_append_print", unroll_append_print, (0.3,)),
    Program("loop_def", loop_def, (0.3,)),
    Program("loop_lambda_n", loop_lambda_n, (0.3, 4)),
    Program("late_default", late_default, (0.3,)),
    Program("closures_state", closures_state, (0.3,)),
    Program("star_star", star_star, (1.3,)),
    Program("kw_defaults_chain", kw_defaults_chain, (1.3,)),
    Program("str_ops", str_ops, (1.3, 'mul=2,3')),
    Program("str_ops_2", str_ops, (1.3, 'add=2,3.5')),
    Program("fstring_dict", fstring_dict, (1.3, 2)),
    Program("pct", pct, (1.3, 2)),
    Program("int_dispatch", int_dispatch, (1.3, 2)),
    Program("divs", divs, (3.3, 0.7), (0, 1)),
    Program("divs_2", divs, (-3.3, 0.7), (0, 1)),
    Program("runtime_divmod_ints", runtime_divmod_ints, (1.3, 101)),
    Program("complex_loop", complex_loop, (0.2, 5)),
    Program("ternary_store", ternary_store, (1.3,)),
    Program("ternary_store_2", ternary_store, (0.3,)),
    Program("boolop_values", boolop_values, (1.3, 0.7), (0, 1)),
    Program("del_and_rebind", del_and_rebind, (1.3,)),
    Program("set_ops", set_ops, (1.3, 6)),
    Program("visited", visited, (1.3, [(1, 2), (2, 1), (2, 3)])),
    Program("assert_chain", assert_chain, (1.3, [0.5, 1.5]), (0, 1)),
    Program("enum_dispatch", enum_dispatch, (1.2,)),
    Program("enum_dispatch_2", enum_dispatch, (1.2, Act.SIN)),
    Program("enum_in_fn", enum_in_fn, (1.2,)),
    Program("enum_match", enum_match, (1.2, 1)),
    Program("model_choice2", model_choice2, (1.2,)),
    Program("model_choice2_2", model_choice2, (0.2,)),
    Program("model_setattr", model_setattr, (1.2,)),
    Program("nt_defaults", nt_defaults, (1.2,)),
    Program("str_formatting", str_formatting, (1.2,)),
    Program("slices_of_text", slices_of_text, (1.2,)),
    Program("dict_iter", dict_iter, (1.2,)),
    Program("nested_functions_global_like", nested_functions_global_like, (1.2,)),
    Program("rec_closure", rec_closure, (1.2, 4)),
    Program("memo_dict", memo_dict, (0.7,)),
    Program("while_walrus_pop", while_walrus_pop, (1.2,)),
    Program("try_default", try_default, (1.2,)),
    Program("try_default_2", try_default, (1.2, 3.0)),
    Program("isinst", isinst, (1.2, [1.0])),
    Program("isinst_2", isinst, (1.2, {'a': 3.0})),
    Program("isinst_3", isinst, (1.2, np.ones(3))),
    Program("isinst_4", isinst, (1.2, True)),
    Program("isinst_5", isinst, (1.2, 4)),
    Program("isinst_6", isinst, (1.2, None)),
    Program("isinst_7", isinst, (1.2, 2.5)),
    Program("mixed_int", mixed_int, (1.2, 7)),
    Program("bool_arith", bool_arith, (1.2, 1.7)),
    Program("int_of_float_loop", int_of_float_loop, (1.2,)),
    Program("round_trip", round_trip, (1.3,)),
    Program("np_round", np_round, (np.array([0.33, 1.27]),)),
    Program("global_list_unpack", global_list_unpack, (1.3,)),
    Program("aug_targets", aug_targets, (1.3,)),
    Program("lambda_defaults_star", lambda_defaults_star, (1.3,)),
    Program("chained_assign_alias", chained_assign_alias, (1.3,)),
    Program("compare_tuples", compare_tuples, (1.3,)),
    Program("compare_runtime_tuple", compare_runtime_tuple, (1.3, 3)),
    Program("compare_runtime_tuple_2", compare_runtime_tuple, (1.3, 4)),
    Program("del_many", del_many, (1.3,)),
    Program("star_in_index", star_in_index, (1.3,)),
    Program("for_target_sub", for_target_sub, (1.3,)),
    Program("nested_comp_closure", nested_comp_closure, (1.3,)),
    Program("machine", machine, (1.2, 7)),
    Program("machine_2", machine, (1.2, 8)),
    Program("machine_3", machine, (1.2, 6)),
    Program("imachine", imachine, (1.2, 5)),
    Program("flags", flags, (1.2, 0)),
    Program("table", table, (1.2, 3)),
    Program("table2", table2, (1.2, 4)),
    Program("key_len", key_len, (1.2,)),
    Program("aux", aux, (1.2,)),
]
