"""Checkpointed functions, blocks and loops: what is computed again in the backward sweep."""

import numpy as np

from corpus.program import Program
from srcdiff import checkpoint


@checkpoint
def step(u, c):
    v = u.copy()
    v[1:-1] += c * (u[2:] - 2 * u[1:-1] + u[:-2]) * u[1:-1]
    return v


def diffusion(u, n):
    for t in range(n):
        u = step(u, 0.1 + 0.01 * t)
    return np.sum(u**3)


@checkpoint
def inplace(u, k):
    for i in range(1, len(u)):
        u[i] = np.sin(u[i - 1] * u[i]) + u[i] ** 2 * k


def writes_to_its_argument(x, n):
    u = x * 1.0
    for t in range(n):
        inplace(u, 0.1 * t)
    return np.sum(u * u)


class Net:
    def __init__(self, ws):
        self.ws = ws

    @checkpoint
    def layer(self, h, i):
        z = np.tanh(self.ws[i] * h)
        return z * z + h


def layers_of_an_object(x, n):
    net = Net([x * 0.5, x * 2.0])
    h = x
    for t in range(n):
        h = net.layer(h, t % 2)
    return np.sum(h * h)


@checkpoint
def branch(a, flag):
    if a[0] > flag:
        b = np.exp(-a)
        r = b * a
    else:
        r = a * a
        for k in range(3):
            r = r * np.cos(a)
    return r, {"n": r.sum()}


def branch_and_dict(x, n):
    s = 0.0
    for t in range(n):
        x, d = branch(x, 0.3 * t)
        s = s + d["n"] * np.sum(x)
    return s


def block_in_a_loop(x, n):
    s = 0.0
    for t in range(n):
        with checkpoint():
            y = np.sin(x) * t
            if t > 2:
                z = y * y
            else:
                z = y * x
            x = x + 0.1 * z
        s += np.sum(z * y)
    return s


def nested_functions(x, n):
    @checkpoint
    def outer(y):
        for k in range(2):
            y = inner(y) * x
        return y

    @checkpoint
    def inner(y):
        q = np.sin(y)
        return q * np.exp(-q)

    for t in range(n):
        x = x + 0.3 * outer(x)
    return np.sum(x)


def early_return(x, n):
    def body(y):
        acc = y * 0.0
        for k in range(10):
            y = np.sin(y) + 0.5 * y
            if y[0] > 1.0:
                return acc + y
            acc = acc + y * y
        return acc

    return np.sum(checkpoint(body)(x) * x)


def list_in_list_out(x, n):
    def body(vs):
        out = []
        for v in vs:
            out.append(np.sin(v) * v)
        return out

    run = checkpoint(body)
    vs = [x * k for k in range(3)]
    for t in range(n):
        vs = run(vs)
    s = 0.0
    for v in vs:
        s = s + np.sum(v * x)
    return s


def reads_what_changes(x, n):
    w = x * 2.0

    def body(u):
        z = np.sin(u * w)
        return 0.4 * z * w

    body = checkpoint(body)
    u = x
    for t in range(n):
        u = body(u)
        w[t] = w[t] * u[0]
        w *= 1.1
    return np.sum(u * w)


def one_element_each(x, n):
    @checkpoint
    def body(s, t):
        a = np.sin(x[t] * s)
        return a * x[t] + s

    s = 1.0
    for t in range(n):
        s = body(s, t)
    return s


def a_lambda(x, n):
    f = checkpoint(lambda y: y * np.tanh(y) / (1 + y * y))
    for t in range(n):
        x = f(x)
    return np.sum(x)


def calls_itself(x, n):
    @checkpoint
    def r(y, k):
        if k == 0:
            return y
        return np.sin(r(y, k - 1) * y)

    return np.sum(r(x, n))


def loop_in_a_block(x, n):
    with checkpoint():
        k = 0
        y = x
        while np.sum(y * y) > 0.5 and k < 20:
            y = y * np.cos(y) * 0.9
            k += 1
    return np.sum(y * x)


def loop_in_place(x, n):
    u = x * 1.0
    v = np.zeros(5)
    for t in checkpoint(range(n), snapshots=2):
        v[t % 5] = u[0] * u[t % 5]
        u[1:] += 0.1 * u[:-1] * v[1:]
        u *= 1.01
    return np.sum(u * v) + np.sum(v**2)


def buffers_swapped(x, n):
    a = x * 1.0
    b = x * 0.5
    for t in checkpoint(range(1, n), snapshots=2):
        b[1:-1] = np.sin(a[2:] * a[:-2]) + t * a[1:-1]
        a, b = b, a
    return np.sum(a * b)


def loop_left(x, n):
    s = 0.0
    for t in checkpoint(range(2, 3 * n, 2), snapshots=2):
        x = x + 0.1 * np.sin(x * t)
        if np.sum(x) > 5.5:
            s = s + x[0]
            break
        s = s + np.sum(x * x)
    else:
        s = s * 2.0
    return s * x[1]


def while_loop(x, n):
    k = 0
    with checkpoint(snapshots=3):
        while np.sum(x * x) > 0.2:
            x = x * np.cos(x) * 0.9
            k += 1
    return np.sum(x * x) * k


def loop_returns(x, n):
    for t in checkpoint(range(50), snapshots=3):
        x = x * 1.1 + 0.01 * x * x
        if x[0] > 1.0:
            return np.sum(x**2) * t
    return np.sum(x)


def elements(x, n):
    xs = np.outer(np.arange(1.0, n + 1), x)
    s = np.zeros(5)
    for k, (row, y) in checkpoint(enumerate(zip(xs, x)), snapshots=2):
        s = np.tanh(s + 0.3 * row * y) + 0.1 * k * s
    for row in checkpoint(reversed(xs), snapshots=2):
        s = np.sin(0.3 * s * row) + row
    return np.sum(s)


def list_of_arrays(x, n):
    vs = [np.sin(x * k) for k in range(n)]
    s = x
    tot = 0.0
    for v in checkpoint(vs, snapshots=2):
        s = s * v + v
        tot = tot + np.sum(s * s * x)
    return tot


def backwards(x, n):
    for t in checkpoint(reversed(range(n)), snapshots=2):
        x = np.sin(x * t) + x
    for t in checkpoint(range(n, 0, -1), snapshots=2):
        x = np.sin(x * t) + x
    return np.sum(x * x)


def nested_loops(x, n):
    s = 0.0
    for i in checkpoint(range(n), snapshots=2):
        y = x
        for j in checkpoint(range(i + 2), snapshots=2):
            y = np.sin(y) * x + 0.1 * j
        x = x + 0.1 * y
        for j in range(3):
            s = s + np.sum(y * x[j])
    return s


def inner_loop(x, n):
    s = 0.0
    for i in range(n):
        y = x * 1.0
        for j in checkpoint(range(i + 4)):
            y[j % 5] = np.sin(y[(j + 1) % 5]) * x[0] + 0.1 * j
        x = x + 0.1 * y
        s += np.sum(y)
    return s + np.sum(x)


@checkpoint
def cell(h, w):
    z = np.tanh(h * w)
    return z * z + h


def calls_in_a_loop(x, n):
    h = x
    for t in checkpoint(range(n), snapshots=2):
        h = cell(h, x)
        if t % 2 == 0:
            h = cell(h, h)
    return np.sum(h)


def flags_and_none(x, n):
    prev = None
    up = False
    best = 0.0
    for t in checkpoint(range(n), snapshots=2):
        y = np.sin(x * (t + 1))
        if prev is not None:
            y = y + prev * 0.3
        if up:
            x = x * 1.05
        else:
            x = x + 0.1 * y
        up = not up
        prev = y
        best = max(best, y[0])
    return np.sum(x * prev) + best


class Particle:
    def __init__(self, p, v):
        self.p, self.v = p, v

    def move(self, dt):
        self.v = self.v - dt * np.sin(self.p)
        self.p = self.p + dt * self.v


def object_in_a_loop(x, n):
    q = Particle(x, x * 0.1)
    for t in checkpoint(range(n), snapshots=2):
        q.move(0.1 * (t + 1))
    return np.sum(q.p * q.v)


def dict_in_a_loop(x, n):
    state = {"h": x, "m": (x * 2.0, 1.0)}
    for t in checkpoint(range(n), snapshots=2):
        h = np.sin(state["h"]) + state["m"][0]
        state = {"h": h, "m": (state["m"][0] * 0.9, state["m"][1] * h[0])}
    return np.sum(state["h"] * state["m"][0]) * state["m"][1]


def outer_array_changes(x, n):
    w = x * 2.0
    u = x
    for k in range(2):
        for t in checkpoint(range(n), snapshots=2):
            u = np.sin(u * w) + 0.1 * t
        w[k] = w[k] * u[0]
        w *= 1.1
    return np.sum(u * w)


def growing_list(x, n):
    hist = [x]
    for t in checkpoint(range(n), snapshots=2):
        hist.append(np.sin(hist[-1]) * x + hist[0] * 0.1)
    s = 0.0
    for h in hist:
        s += np.sum(h * h)
    return s


def rows_of_an_array(x, n):
    A = np.zeros((n + 1, 5))
    A[0] = x
    for t in checkpoint(range(n), snapshots=2):
        A[t + 1] = np.sin(A[t]) * x
    return np.sum(A * A)


def only_a_sum(x, n):
    s = 0.0
    for t in checkpoint(range(n), snapshots=2):
        s = s + np.sum(np.sin(x * t))
    return s


def two_numbers(x, n):
    a, b = x[0], x[1]
    for t in checkpoint(range(n), snapshots=2):
        a, b = a * b + 0.1, np.sin(a) + b
    return a * b


def try_in_a_loop(x, n):
    s = x
    for t in checkpoint(range(n), snapshots=2):
        try:
            k = [1, 2][t]
            s = s * np.sin(s) * k
        except IndexError:
            s = s + x
    return np.sum(s)


def raises_and_handles(x, n):
    s = x
    for t in checkpoint(range(n), snapshots=2):
        try:
            if t % 2:
                raise ValueError(t)
            s = s * np.sin(s)
        except ValueError:
            s = s + x * t
    return np.sum(s)


def zipped(x, n):
    s = 0.0
    for t, a in checkpoint(zip(range(n), x), snapshots=2):
        s = np.sin(s + a * t) + s * a
    return s


def skips(x, n):
    s = x
    for t in checkpoint(range(n), snapshots=2):
        if t == 1:
            continue
        s = np.sin(s) * x + t
    return np.sum(s)


def endless_while(x, n):
    y = x * 0 + 1.0
    with checkpoint(snapshots=2):
        while True:
            d = (y * y - x) / (2 * y)
            y = y - d
            if np.max(np.abs(d)) < 1e-10:
                break
    return np.sum(y * x)


def random_in_a_loop(x, n):
    g = np.random.default_rng(3)
    s = x
    for t in checkpoint(range(n), snapshots=2):
        m = g.normal(size=5)
        s = s * np.sin(s * m) + x
    return np.sum(s)


POINT = np.array([0.31, 0.45, 0.52, 0.67, 0.83])
PROGRAMS = [
    Program("checkpoint_diffusion", diffusion, (POINT, 5)),
    Program("checkpoint_writes_to_its_argument", writes_to_its_argument, (POINT, 5)),
    Program("checkpoint_layers_of_an_object", layers_of_an_object, (POINT, 4)),
    Program("checkpoint_branch_and_dict", branch_and_dict, (POINT, 5)),
    Program("checkpoint_block_in_a_loop", block_in_a_loop, (POINT, 4)),
    Program("checkpoint_nested_functions", nested_functions, (POINT, 5)),
    Program("checkpoint_early_return", early_return, (POINT, 5)),
    Program("checkpoint_list_in_list_out", list_in_list_out, (POINT, 5)),
    Program("checkpoint_reads_what_changes", reads_what_changes, (POINT, 4)),
    Program("checkpoint_one_element_each", one_element_each, (POINT, 5)),
    Program("checkpoint_a_lambda", a_lambda, (POINT, 5)),
    Program("checkpoint_calls_itself", calls_itself, (POINT, 5)),
    Program("checkpoint_loop_in_a_block", loop_in_a_block, (POINT, 5)),
    Program("checkpoint_loop_in_place", loop_in_place, (POINT, 5)),
    Program("checkpoint_buffers_swapped", buffers_swapped, (POINT, 5)),
    Program("checkpoint_loop_left", loop_left, (POINT, 5)),
    Program("checkpoint_while_loop", while_loop, (POINT, 5)),
    Program("checkpoint_loop_returns", loop_returns, (POINT, 5)),
    Program("checkpoint_elements", elements, (POINT, 4)),
    Program("checkpoint_list_of_arrays", list_of_arrays, (POINT, 5)),
    Program("checkpoint_backwards", backwards, (POINT, 4)),
    Program("checkpoint_nested_loops", nested_loops, (POINT, 5)),
    Program("checkpoint_inner_loop", inner_loop, (POINT, 5)),
    Program("checkpoint_calls_in_a_loop", calls_in_a_loop, (POINT, 5)),
    Program("checkpoint_flags_and_none", flags_and_none, (POINT, 5)),
    Program("checkpoint_object_in_a_loop", object_in_a_loop, (POINT, 5)),
    Program("checkpoint_dict_in_a_loop", dict_in_a_loop, (POINT, 5)),
    Program("checkpoint_outer_array_changes", outer_array_changes, (POINT, 5)),
    Program("checkpoint_growing_list", growing_list, (POINT, 5)),
    Program("checkpoint_rows_of_an_array", rows_of_an_array, (POINT, 5)),
    Program("checkpoint_only_a_sum", only_a_sum, (POINT, 5)),
    Program("checkpoint_two_numbers", two_numbers, (POINT, 5)),
    Program("checkpoint_try_in_a_loop", try_in_a_loop, (POINT, 5)),
    Program("checkpoint_raises_and_handles", raises_and_handles, (POINT, 5)),
    Program("checkpoint_zipped", zipped, (POINT, 5)),
    Program("checkpoint_skips", skips, (POINT, 5)),
    Program("checkpoint_endless_while", endless_while, (POINT, 5)),
    Program("checkpoint_random_in_a_loop", random_in_a_loop, (POINT, 5)),
]
