"""Variables, attributes and elements that are None at first and a number or an array later."""

import copy
from dataclasses import dataclass

import numpy as np

from corpus.program import Program

rng = np.random.default_rng(23)


class PID:
    """A controller whose derivative term needs the error before."""

    def __init__(self, kp, ki, kd):
        self.kp, self.ki, self.kd = kp, ki, kd
        self.total = 0.0
        self.last = None

    def step(self, e, dt):
        self.total += e * dt
        d = 0.0 if self.last is None else (e - self.last) / dt
        self.last = e
        return self.kp * e + self.ki * self.total + self.kd * d

    def reset(self):
        self.total = 0.0
        self.last = None


def pid(kp, ki, kd, n):
    c = PID(kp, ki, kd)
    y, cost = 0.0, 0.0
    for _ in range(n):
        e = 1.0 - y
        y = y + 0.1 * (c.step(e, 0.1) - y)
        cost = cost + e * e
    return cost


def pid_reset(kp, ki, kd, n):
    c = PID(kp, ki, kd)
    y, cost = 0.0, 0.0
    for t in range(n):
        if t % 3 == 2:
            c.reset()
        e = 1.0 - y
        y = y + 0.1 * (c.step(e, 0.1) - y)
        cost = cost + e * e
    return cost


def running_best(xs):
    best = None
    for v in xs:
        if best is None or v < best:
            best = v
    return best


def best_and_where(xs, w):
    best, at = None, None
    for i, v in enumerate(xs):
        s = v * w[i]
        if best is None or s > best:
            best, at = s, i
    return best + xs[at] ** 2


def best_row(X):
    best, row = None, None
    for x in X:
        s = x @ x
        if row is None or s < best:
            best, row = s, x
    return best * row.sum()


def differences(xs):
    prev = None
    total = 0.0
    for x in xs:
        if prev is not None:
            d = x - prev
            total = total + d * d
        prev = x
    return total


def differences_skipped(xs):
    prev = None
    total = 0.0
    for x in xs:
        if prev is None:
            prev = x
            continue
        total = total + np.sin(x - prev)
        prev = x
    return total


def tested_by_index(xs):
    prev = None
    total = 0.0
    for k in range(len(xs)):
        if k > 0:
            total = total + (xs[k] - prev) ** 3
        prev = xs[k] * 1.5
    return total


def arrays_by_index(X):
    prev = None
    total = 0.0
    for k, x in enumerate(X):
        y = np.tanh(x)
        if k:
            total = total + (y * prev).sum()
        prev = y
    return total + prev[0]


def exponential(xs, alpha):
    s = None
    out = []
    for x in xs:
        s = x if s is None else alpha * x + (1 - alpha) * s
        out.append(s)
    return sum(v * v for v in out)


def momentum(w, A, lr, mu):
    buf = None
    for _ in range(4):
        g = A @ w
        if buf is None:
            buf = g.copy()
        else:
            buf = mu * buf + g
        w = w - lr * buf
    return (w * w).sum()


def momentum_in_place(w, A, lr, mu):
    buf = None
    for _ in range(4):
        g = A @ w
        if buf is None:
            buf = np.zeros_like(g)
        buf *= mu
        buf += g
        buf[0] += w[1]
        w = w - lr * buf
    return (w * w).sum() + buf @ w


def secant(c, x0):
    x, px, pf = x0, None, None
    for _ in range(6):
        fx = x * x - c
        if px is None:
            step = -0.1 * fx
        else:
            step = -fx * (x - px) / (fx - pf)
        px, pf = x, fx
        x = x + step
        if abs(step) < 1e-7:
            break
    return x


def anderson(b, A):
    x = b
    old_x, old_r = None, None
    for _ in range(4):
        r = np.tanh(A @ x) + b - x
        if old_r is None:
            new = x + r
        else:
            dr = r - old_r
            theta = (r @ dr) / (dr @ dr + 1e-3)
            new = x + r - theta * (x - old_x + dr)
        old_x, old_r = x, r
        x = new
    return x @ x


def until_it_stands(a):
    old = None
    x = a
    while old is None or abs(x - old) > 1e-3:
        old = x
        x = 0.5 * (x + a / x)
    return x * x * a


def forever(a):
    last = None
    x = a
    while True:
        y = np.cos(x) * a
        if last is not None and abs(y - last) < 1e-2:
            break
        last = y
        x = y
    return last + y * x


def reset_at_peaks(xs):
    start = None
    total = 0.0
    for x in xs:
        if x > 0.5:
            start = None
        elif start is None:
            start = x
        else:
            total = total + start * x
    return total if start is None else total + start


def last_or_nothing(xs, limit):
    found = None
    for x in xs:
        if x > limit:
            found = x * x
    if found is None:
        return limit * 3.0
    return found + limit


def raise_if_none(xs):
    found = None
    for x in xs:
        if x > 0:
            found = np.exp(x)
    if found is None:
        raise ValueError("nothing found")
    return found * found


def by_truth(xs):
    prev = None
    total = 0.0
    for x in xs:
        if prev:
            total = total + x / prev
        prev = x
    return total + (prev or 1.0)


def not_is_none(xs):
    prev = None
    total = 0.0
    for x in xs:
        if not (prev is None or x < 0.0) and prev is not None:
            total = total + x * prev
        prev = x
    return total


def memo(x, n):
    table = [None] * (n + 1)
    table[0] = x
    for i in range(1, n + 1):
        if table[i] is None:
            table[i] = table[i - 1] * x + i
    return table[n]


def memo_revisited(x, order):
    table = [None] * 4
    total = 0.0
    for i in order:
        if table[i] is None:
            table[i] = np.sin(x * (i + 1))
        total = total + table[i] * x
    return total


def by_get(xs, keys):
    seen = {}
    total = 0.0
    for x, k in zip(xs, keys):
        before = seen.get(k)
        if before is not None:
            total = total + before * x
        seen[k] = x
    return total


@dataclass
class Filter:
    """A low pass that starts from its first input."""

    alpha: float
    y: float | None = None

    def __call__(self, x):
        if self.y is None:
            self.y = x
        else:
            self.y += self.alpha * (x - self.y)
        return self.y


def two_filters(xs, a, b):
    slow, fast = Filter(a), Filter(b)
    total = 0.0
    for x in xs:
        total = total + (fast(x) - slow(x)) ** 2
    return total


class Adam:
    """Moments made when they are first needed."""

    def __init__(self, rate):
        self.rate = rate
        self.m = None
        self.v = None

    def update(self, w, g):
        if self.m is None:
            self.m, self.v = np.zeros_like(w), np.zeros_like(w)
        self.m = 0.9 * self.m + 0.1 * g
        self.v = 0.99 * self.v + 0.01 * g * g
        return w - self.rate * self.m / (np.sqrt(self.v) + 0.1)


def lazy_adam(w, rate):
    opt = Adam(rate)
    for _ in range(3):
        w = opt.update(w, w * w - 1.0)
    return (w**3).sum()


def optional_argument(x, y=None):
    def step(x, prev=None):
        if prev is None:
            prev = x * 0.5
        return x * prev

    last = None
    for _ in range(3):
        last = step(x, last)
    return last


def pair_before(xs):
    prev = None
    total = 0.0
    for k, x in enumerate(xs):
        if prev is not None:
            a, b = prev
            total = total + (x - a) * b
        prev = (x, x * k)
    return total


def lazy_list(xs):
    kept = None
    for x in xs:
        if x > 0:
            if kept is None:
                kept = []
            kept.append(x * x)
    return 0.0 if kept is None else sum(kept)


def in_a_closure(xs):
    last = None

    def feed(x):
        nonlocal last
        d = 0.0 if last is None else x * last
        last = x
        return d

    total = 0.0
    for x in xs:
        total = total + feed(x)
    return total


def nested_loops(X):
    total = 0.0
    for row in X:
        prev = None
        for x in row:
            if prev is not None:
                total = total + (x - prev) ** 2
            prev = x
    return total


def carried_through(X):
    prev = None
    total = 0.0
    for row in X:
        for x in row:
            if prev is not None:
                total = total + (x - prev) ** 2
            prev = x
    return total + prev


def either_side(x, up):
    y = None if x < 0 else x * x
    z = x if y is None else y + x
    return z * up


def two_names(xs):
    prev = None
    total = 0.0
    for x in xs:
        old = prev
        if old is not None:
            total = total + prev * x + old
        prev = x
    return total


def handled(xs):
    prev = None
    total = 0.0
    for x in xs:
        try:
            d = x - prev
        except TypeError:
            d = x * 0.5
        total = total + d * d
        prev = x
    return total


def chained(xs):
    a = b = None
    total = 0.0
    for x in xs:
        if a is not None and b is not None:
            total = total + x - 2.0 * a + b * a
        b = a
        a = x
    return total


def views_of_it(X):
    best = None
    for x in X:
        if best is None:
            best = x.copy()
        else:
            best[1:] = np.maximum(best[1:], x[1:])
            best[0] = best[0] * x[0]
    return best @ best


def asserted(xs):
    last = None
    for x in xs:
        last = x * x
    assert last is not None
    return last * 2.0


def recursive(x, n, last=None):
    if n == 0:
        return last * x
    y = x if last is None else last * 0.5 + x
    return recursive(x, n - 1, y)


def method_of_it(X):
    acc = None
    for x in X:
        acc = x if acc is None else acc + x
    return acc.sum() * acc.max() + acc.T @ acc


def nested_by_index(X):
    total = 0.0
    last = None
    for i in range(len(X)):
        prev = None
        for j in range(4):
            if j > 0:
                total = total + X[i, j] * prev
            if i > 0 and j == 2:
                total = total - last.sum() * prev
            prev = X[i, j] ** 2
        last = X[i] * 2.0
    return total


def display_in_branch(x, flag):
    q = [4.0, 5.0] if flag > 2 else [3.0]
    if flag > 0:
        q.append(x * x)
        return q[0] + q[-1] * x
    return x


def lists_or_none(x, flag):
    q = None if flag > 2 else []
    for k in range(3):
        if q is not None:
            q.append(x * k)
    if q is None:
        return x
    return sum(q) * x


def list_in_a_pair(x, flag):
    q = (None, 1) if flag > 2 else ([], 1)
    if q[0] is not None:
        q[0].append(x * x)
        return q[0][0]
    return x


def dict_when_needed(x):
    p = None
    for k in range(3):
        if p is None:
            p = {}
        p[k] = x * x * k
    return p[2] * x


def tests_within(x, n):
    table = [None] * n
    total = 0.0
    for i in range(n):
        if i > 0 and table[i - 1] is not None:
            total = total + table[i - 1] * x
        if i % 2 == 0:
            table[i] = x * i
        j = i - 1
        if j >= 0 and table[j] is not None and table[j] > 0.1:
            total = total + table[j] ** 2
    return total


def range_of(xs):
    lo = hi = None
    for x in xs:
        if lo is None or x < lo:
            lo = x
        if hi is None or x > hi:
            hi = x
    return (hi - lo) * hi


def by_type(xs):
    last = None
    total = 0.0
    for x in xs:
        if isinstance(last, float):
            total = total + x * last
        match last:
            case None:
                total = total + x * x
            case _:
                total = total + np.sin(last)
        last = x
    return total


def in_text(xs):
    last = None
    total = 0.0
    for x in xs:
        label = "after %s" % last
        if last is not None and label:
            total = total + x * last
        last = x
    return total


def places_filled(x):
    """Places of a list that nothing may stand in, read where something does."""
    found, s = [None] * 3, 0.0
    for i in range(len(x)):
        if x[i] > 0.5:
            found[i] = x[i] ** 2
    for i in range(len(x)):
        if found[i] is not None:
            s += found[i] * found[i]
    return s


def rows_or_none(x):
    rows, s = [], 0.0
    for i in range(len(x)):
        if x[i] > 0.5:
            rows.append(x * x[i])
        else:
            rows.append(None)
    for i in range(len(rows)):
        row = rows[i]
        if row is not None:
            s += np.sum(row * row) * row[0]
    return s


def triangle_with_gaps(x):
    rows, s = [], 0.0
    for i in range(len(x)):
        row = []
        for j in range(i + 1):
            row.append(x[j] if x[j] > 0.5 else None)
        rows.append(row)
    for row in rows:
        for j in range(len(row)):
            v = row[j]
            if v is not None:
                s += v**3
    return s


def copies_of_it(x):
    """A copy of what may be None is another array, or None."""
    best = None
    for i in range(3):
        if x[i] > 0.5:
            best = x * x[i]
    mine, yours = copy.copy(best), copy.deepcopy(best)
    if mine is None or yours is None:
        return np.sum(x)
    mine[0], yours[1] = 5.0 * x[1], x[2]
    return np.sum(best) * x[2] + np.sum(mine**2) * np.sum(yours)


v = np.array([0.3, -0.7, 0.9, 0.2, 0.6])
W = np.array([0.7, -0.4, 1.3])
L = v.tolist()
X = rng.normal(size=(3, 4))
A = rng.normal(size=(3, 3)) * 0.3


def kept_with_none(xs):
    """The list has None first, and is read to the end."""
    prev, hist, s = None, [], 0.0
    for x in xs:
        hist.append(prev)
        if prev is not None:
            s += (x - prev) ** 3
        prev = x * x
    return s + sum(h**2 for h in hist if h is not None)


def kept_arrays_with_none(X):
    prev, hist, s = None, [], 0.0
    for t in range(X.shape[0]):
        hist.append(prev)
        if prev is not None:
            s += np.sum((X[t] - prev) ** 3)
        prev = X[t] * X[t]
    return s + hist[2] @ hist[1]


def kept_pairs_with_none(X):
    """The parts of what the list holds may be None."""
    prev, hist, s = None, [], 0.0
    for t in range(X.shape[0]):
        hist.append((prev, X[t, 0] ** 2))
        prev = X[t] * X[t]
    for a, b in hist:
        s += b * b
        if a is not None:
            s += a @ a * b
    return s


def both(function, *args, **options):
    many = [a if isinstance(a, tuple) else (a,) for a in args]
    return [
        Program(f"maybe_{function.__name__}{n or ''}", function, a, **options) for n, a in enumerate(many)
    ]


def moments_in_place(x):
    """An optimiser's state: made in the first trip, then written to."""
    v = None
    for _ in range(3):
        if v is None:
            v = np.zeros_like(x)
        v[:] = 0.9 * v + x**2
        x = x - x / (np.sqrt(v) + 1.0)
    return v @ x


PROGRAMS = [
    *both(pid, (2.0, 0.5, 0.1, 6), wrt=(0, 1, 2)),
    *both(pid_reset, (2.0, 0.5, 0.1, 7), wrt=(0, 1, 2)),
    *both(running_best, v, L),
    *both(best_and_where, (L, [0.5, 1.5, 1.0, 2.0, -0.3]), wrt=(0, 1)),
    *both(best_row, X),
    *both(differences, v, L),
    *both(differences_skipped, L),
    *both(tested_by_index, L, v),
    *both(arrays_by_index, X),
    *both(exponential, (L, 0.3), wrt=(0, 1)),
    *both(momentum, (v[:3].copy(), A, 0.1, 0.9), wrt=(0, 1, 2, 3)),
    *both(momentum_in_place, (v[:3].copy(), A, 0.1, 0.9), wrt=(0, 1, 2, 3)),
    *both(secant, (2.0, 1.0), wrt=(0, 1)),
    *both(anderson, (v[:3].copy(), A), wrt=(0, 1)),
    *both(until_it_stands, 2.0),
    *both(forever, 0.8),
    *both(reset_at_peaks, L, [0.1, 0.2, 0.7]),
    *both(last_or_nothing, (L, 0.25), (L, 5.0), wrt=(0, 1)),
    *both(raise_if_none, L),
    *both(by_truth, L),
    *both(not_is_none, L),
    *both(memo, (0.7, 4)),
    *both(memo_revisited, (0.7, [0, 2, 0, 1, 2])),
    *both(by_get, (L, ["a", "b", "a", "a", "b"])),
    *both(two_filters, (L, 0.2, 0.7), wrt=(0, 1, 2)),
    *both(lazy_adam, (v[:3].copy(), 0.1), wrt=(0, 1)),
    *both(optional_argument, 0.7),
    *both(pair_before, L),
    *both(lazy_list, L, [-0.5]),
    *both(in_a_closure, L),
    *both(nested_loops, X),
    *both(carried_through, X),
    *both(either_side, (0.7, 1.2), (-0.7, 1.2), wrt=(0, 1)),
    *both(two_names, L),
    *both(handled, L),
    *both(chained, L),
    *both(views_of_it, X),
    *both(asserted, L),
    *both(recursive, (0.7, 3)),
    *both(method_of_it, X),
    *both(nested_by_index, X),
    *both(tests_within, (0.7, 6)),
    *both(range_of, L, v),
    *both(by_type, L),
    *both(in_text, L),
    *both(display_in_branch, (0.7, 1.0), (0.7, 3.0), (0.7, -1.0)),
    *both(lists_or_none, (0.7, 1.0), (0.7, 3.0)),
    *both(list_in_a_pair, (0.7, 1.0), (0.7, 3.0)),
    *both(dict_when_needed, 0.7),
    *both(kept_with_none, L),
    *both(kept_arrays_with_none, X),
    *both(kept_pairs_with_none, X),
    *both(places_filled, W),
    *both(rows_or_none, W),
    *both(triangle_with_gaps, W),
    *both(copies_of_it, W, -W / 3),
    Program("maybe_moments_in_place", moments_in_place, (np.array([1.0, -2.0, 0.5]),)),
]
