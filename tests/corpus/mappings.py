"""Dicts whose keys are known only at run time."""

import functools
import heapq
import operator

import numpy as np

from corpus.program import Program


def dyn(x, n):
    d = {}
    for i in range(n):
        d[i % 3] = d.get(i % 3, 0.0) + x * i
    return sum(v**2 for v in d.values())


def graph(w, edges):
    acc = {}
    for k, (i, j) in enumerate(edges):
        if i not in acc:
            acc[i] = 0.0
        acc[i] += w[k] * (j + 1)
    return sum(acc[k] ** 2 for k in acc)


def coo(w, n):
    K = {}
    for e in range(n):
        for a in range(2):
            for b in range(2):
                key = (e + a, e + b)
                K[key] = K.get(key, 0.0) + w[e] * (1.0 if a == b else -1.0)
    s = 0.0
    for (i, j), v in K.items():
        s += v**2 * (i + 1) * (j + 2)
    return s


def arrs(x, names):
    d = {}
    for n in names:
        d[n] = np.full(2, x) * len(n)
    for n in names:
        d[n][0] = x**2
    for n in names:
        d[n] += 1.0
    return sum(np.sum(d[n] ** 2) for n in names)


def memo(x, n):
    cache = {0: x, 1: x * x}
    for i in range(2, n):
        cache[i] = cache[i - 1] * 0.5 + cache[i - 2] * x
    return cache[n - 1]


def pop(x, n):
    q = {}
    for i in range(n):
        q[i] = x**i
    s = 0.0
    for i in range(n):
        v = q.pop(i)
        s += v * len(q)
    return s


def lookup(x, name):
    table = {"a": x, "b": x**2, "c": 3.0}
    return table[name] * table["b"]


def averages(x, n):
    m = {}
    for _ in range(n):
        for k in ["a", "b"]:
            m[k] = 0.5 * m.get(k, 0.0) + x
    return m["a"] * m["b"]


class Adam:
    def __init__(self):
        self.m = {}

    def step(self, k, g):
        self.m[k] = 0.9 * self.m.get(k, 0.0) + 0.1 * g
        return self.m[k]


def adam_slots(x, n):
    opt = Adam()
    p = {"w": x, "b": x * x}
    for _ in range(n):
        for k in p:
            p[k] = p[k] - 0.1 * opt.step(k, 2 * p[k])
    return p["w"] * p["b"]


def key_in_branch(x, c):
    d = {"a": x}
    if c > 0:
        d["b"] = x * x
    return sum(d.values())


def prices(p, s, n):
    dist = {s: 1.0}
    for _ in range(n):
        new = {}
        for v, q in dist.items():
            for u, w in ((1.25, p), (0.8, 1.0 - p)):
                new[v * u] = new.get(v * u, 0.0) + q * w
        dist = new
    return sum(v * q * q for v, q in dist.items())


def view(x, n):
    d = {}
    for k in range(n):
        d[k] = x + k
    seen = d.items()
    for k, v in seen:
        d[(k + 1) % n] = d[(k + 1) % n] + 0.1 * v * v  # what is not reached yet is changed, and seen so
    return sum(k * v for k, v in seen) + len(seen) * max(d.values())


def by_label(x, n):
    d, rows = {}, []
    for k in range(n):
        d[f"{x * k:.2f}"] = x * k
        rows.append((f"{k}: {x}", x**k))
    return sum(v * v for v in d.values()) + sum(v * len(name[0]) for name, v in rows)


def by_value(x, n):
    known = {}
    for k in range(n):
        if (k % 2, x) not in known:
            known[k % 2, x] = np.sin(x) + k
        x = x + 0.0 * known[k % 2, x]
    return known[0, x] * known[1, x]


EDGES = [(0, 1), (2, 1), (0, 2), (3, 1), (2, 0)]

def lists_of_any_length(x):
    """The lists that a dict holds differ in length, and which of them is meant is known at run time."""
    near = {0: [(1, x[0]), (2, x[1])], 1: [(2, x[2])], 2: []}
    total, stack = 0.0, [0]
    while stack:
        u = stack.pop()
        for v, c in near[u]:
            total = total + c * (u + 1.0) ** 2 * v
            stack.append(v)
    return total**2


def lists_of_any_length_appended(x):
    d = {"a": [x[0]], "b": [x[1], x[2]], "c": [x[0], x[1], x[2]]}
    total = 0.0
    for w in range(7):
        key = "abc"[(w * w) % 3]
        d[key].append(x[0] * w)
        total = total + sum(d[key]) * len(d[key])
    return total**2


def last_out(x, n):
    d = {}
    for k in range(n):
        d[(k * k) % 5] = d.get((k * k) % 5, 1.0) * (x + 0.1 * k)
    total = 0.0
    while d:
        key, value = d.popitem()
        total = total * value + key
    few = {"a": x, "b": x * x}
    try:
        while True:
            name, value = few.popitem()
            total = total * 0.5 + value * (2.0 if name == "a" else 3.0)
    except KeyError:
        total = total + 1.0
    return total


def shortest(w):
    """Edges as dicts of unlike keys: which of them is meant is known only at run time."""
    graph = {0: {1: w[0], 2: w[1]}, 1: {3: w[2]}, 2: {3: w[3] * w[0]}, 3: {}}
    best, heap, seen = {0: 0.0}, [(0.0, 0)], set()
    while heap:
        d, u = heapq.heappop(heap)
        if u in seen:
            continue
        seen.add(u)
        for v, length in graph[u].items():
            if v not in best or d + length < best[v]:
                best[v] = d + length
                heapq.heappush(heap, (best[v], v))
    return best[3] ** 2


def dicts_changed(w):
    rows = {0: {1: w[0], 2: w[1]}, 1: {3: w[2]}, 2: {3: w[3] * w[0]}, 3: {}}
    u = 0
    for i in range(5):
        v = (2 * u + 1) % 4
        rows[u][v] = rows[u].get(v, 0.5) * 2.0 + w[i % 4]
        u = v
    return sum(x * x * (a + 1) * (b + 2) for a, row in rows.items() for b, x in row.items())


def named_dicts_changed(w):
    """Dicts within a dict of unlike keys that have names of their own, and are changed by both ways."""
    first, second = {1: w[0]}, {1: w[1]}
    rows = {0: first, 1: second, 2: {}}
    u = 0
    for i in range(4):
        rows[u][i + 5] = first[1] * second.get(6, 0.25)
        first[1] = w[i % 3] * first[1]
        u = (u + 1) % 3
    every = sum(x * (a + 1) * (b + 2) for a, row in rows.items() for b, x in row.items())
    return every + first[1] ** 2 + sum(second.values())


def list_or_dict(w):
    """What is gone through may be a dict, which only running tells: it gives its keys."""
    found, chosen, table = {0: w[0], 2: w[1]}, [w[1], w[2]], None
    kept = chosen
    if w[0] > 0.0:
        table = {3: w[0], 1: w[2]}
    total = w[0] * sum(k * w[2] for k in table) + sum(sorted(table))
    for _ in range(2):
        total = total * w[1] + sum(v * v for v in chosen) + max(chosen) * w[0]
        chosen = found
    a, b = chosen
    return total + sum(chosen) * w[1] + kept[1] * (a + b) + sum(v * k for k, v in enumerate(chosen)) * w[2]


def by_size(x):
    d = {}
    for i, v in enumerate(x):
        d[int(v * 10) % 7] = v * v * i
    return d


def united(x):
    d, e, f = by_size(x), by_size(x * 2.0), {1: x[0]}
    c, g = d | e, {1: x[1]} | d
    f |= e
    e |= d
    d |= {1: x[1]}
    return sum(c.values()) * sum(e.values()) + sum(g.values()) * g[1] + sum(f.values()) * f[1] + d[1] ** 2


def united_by_reduce(x):
    d = functools.reduce(operator.or_, [by_size(x), by_size(2 * x), {1: x[1]}])
    xs = operator.add([v for v in x if v > 1.0], [v * v for v in x])
    return sum(d.values()) + sum(v * (i + 1) for i, v in enumerate(xs))


def copied_by_dict(x):
    d = by_size(x)
    f, g, h = dict(d, b=x[1]), {3: x[2]}, dict(d)
    g.update(d, z=x[0])
    h[99] = x[0]
    q, r = {1: x[3], **d, 2: x[1]}, {**d, 5: x[0] * x[1]}
    s = f["b"] * sum(f.values()) + g["z"] * sum(g.values())
    return s + sum(h.values()) * q[2] + r[5] * sum(r.values())


def knapsack(x):
    best = {0: 0.0}
    for w, v in zip([2, 1, 3, 2], x):
        new = dict(best)
        for k, b in best.items():
            if k + w <= 5 and b + v > new.get(k + w, -1.0):
                new[k + w] = b + v * v
        best = new
    return max(best.values())


SIZES = np.array([1.13, 1.66, 0.74, 1.22])
PROGRAMS = [
    Program("dict_united", united, (SIZES,)),
    Program("dict_united_by_reduce", united_by_reduce, (SIZES,)),
    Program("dict_copied_by_dict", copied_by_dict, (SIZES,)),
    Program("dict_knapsack", knapsack, (SIZES,)),
    Program("dict_last_out", last_out, (0.7, 6)),
    Program("dict_counts", dyn, (0.7, 7)),
    Program("dict_over_edges", graph, (np.arange(1.0, 6.0), EDGES)),
    Program("dict_tuple_keys", coo, (np.arange(1.0, 4.0), 3)),
    Program("dict_of_arrays", arrs, (0.7, ["p", "qq"])),
    Program("dict_memo", memo, (0.7, 6)),
    Program("dict_popped", pop, (0.7, 4)),
    Program("dict_averages", averages, (0.7, 3)),
    Program("dict_optimiser_slots", adam_slots, (0.7, 3)),
    Program("dict_key_in_branch", key_in_branch, (0.7, 1)),
    Program("dict_of_prices", prices, (0.6, 64.0, 3)),
    Program("dict_views", view, (0.7, 4)),
    Program("dict_by_label", by_label, (0.7, 3)),
    Program("dict_by_value", by_value, (0.7, 4)),
    Program("dict_looked_up", lookup, (0.7, "a")),
    Program("dict_of_dicts_of_unlike_keys", shortest, (np.array([0.3, 0.7, 1.1, 1.9]),)),
    Program("dict_of_dicts_changed", dicts_changed, (np.array([0.3, 0.7, 1.1, 1.9]),)),
    Program("dict_of_named_dicts_changed", named_dicts_changed, (np.array([0.3, 0.7, 1.1]),)),
    Program("dict_or_list_gone_through", list_or_dict, (np.array([0.3, 0.7, 1.1]),)),
    Program("dict_of_lists_of_any_length", lists_of_any_length, (np.arange(1.0, 4.0),)),
    Program("dict_of_lists_of_any_length_appended", lists_of_any_length_appended, (np.arange(1.0, 4.0),)),
]
