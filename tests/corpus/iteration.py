"""Generators, itertools, iterators asked by hand, builtins with key functions, and headers of loops."""

import functools
import itertools
import math
import operator
from collections import namedtuple

import numpy as np

from corpus.program import Program


def grouped_range(x):
    groups = itertools.groupby(range(6), lambda i: i // 2)
    return sum(np.sum(x[list(g)] ** 2) * (k + 1) for k, g in groups)


def rows_as_lists(x):
    rows = x.tolist()
    return sum(math.sin(a) * b for a, b in rows) + rows[0][1] * len(rows)


rng = np.random.default_rng(31)


# ---- generator functions


def halvings(x, ratio):
    while True:
        yield x
        x = x * ratio


def sines(x, n):
    for i in range(n):
        yield math.sin(x * (i + 1))


def infinite_generator_left(x):
    total = 0.0
    for v in halvings(x, 0.5):
        if v < 1e-3:
            break
        total += v * v
    return total


def generator_summed(x, n):
    return sum(sines(x, n)) + 2.0 * max(sines(x, n))


def generator_listed(x, n):
    values = list(sines(x, n))
    return values[0] * values[-1] + sum(v * v for v in values)


def generator_enumerated(x, n):
    total = 0.0
    for k, v in enumerate(sines(x, n), 1):
        if k == 3:
            continue
        total += k * v
    return total


def generator_returns_early(x, n):
    total = x
    for v in sines(x, n):
        total += v
        if total > 2.0:
            return total * v
    else:
        total = total * 3.0
    return total * x


def newton_steps(f, df, x):
    """Iterates of Newton's method."""
    while True:
        x = x - f(x) / df(x)
        yield x


def newton_until_close(a):
    old = 1.0
    for x in newton_steps(lambda t: t * t - a, lambda t: 2.0 * t, 1.0):
        if abs(x - old) < 1e-13:
            return x * a
        old = x


def trajectory(state, dt, rate):
    u, v = state
    while True:
        yield u, v
        u, v = u + dt * v, v - dt * rate * u


def oscillator_from_generator(rate, n):
    energy = 0.0
    for (u, v), _ in zip(trajectory((1.0, 0.0), 0.1, rate), range(n)):
        energy += u * u + v * v
    return energy


def zipped_behind(x, weights):
    return sum(w * v for w, v in zip(weights, halvings(x, 0.7)))


def zipped_before(x, weights):
    total = 0.0
    for v, w in zip(sines(x, 4), weights):
        total += v * w * w
    return total


def two_generators(x, n):
    total = 0.0
    for a, b in zip(sines(x, n), halvings(x, 0.9)):
        total += a * b
    return total


def leaves(tree):
    if isinstance(tree, tuple):
        for part in tree:
            yield from leaves(part)
    else:
        yield tree


def tree_of_tuples(tree):
    product = 1.0
    for leaf in leaves(tree):
        product *= leaf
    return product + sum(leaves(tree))


def both_ways(xs):
    yield from xs
    yield from reversed(xs)


def yield_from_twice(xs):
    total = 1.0
    for k, v in enumerate(both_ways(xs)):
        total = total * 0.5 + v * (k + 1)
    return total


def pairs_of(xs):
    for i in range(len(xs)):
        for j in range(i):
            yield xs[i], xs[j]


def generator_with_nested_loops(xs):
    energy = 0.0
    for a, b in pairs_of(xs):
        if a == b:
            continue
        energy += 1.0 / ((a - b) ** 2 + 0.1)
    return energy


def early_stop(xs, limit):
    total = 0.0
    for x in xs:
        total += x
        if total > limit:
            return
        yield total


def generator_with_return(xs):
    product = 1.0
    for t in early_stop(xs, 2.0):
        product *= 1.0 + t
    return product * xs[0]


def swept(u):
    for i in range(1, len(u) - 1):
        u[i] = 0.5 * (u[i - 1] + u[i + 1])
        yield i


def effects_interleave(u):
    u = u.copy()
    total = 0.0
    for i in swept(u):
        total += u[i] * u[i + 1]
        u[i + 1] *= 1.5
    return total + u[-1]


def generator_of_rows(X):
    for row in X:
        yield row


def rows_changed_through_generator(X):
    X = X.copy()
    for k, row in enumerate(generator_of_rows(X)):
        row *= k + 1.0
    return np.sum(X**2)


def generator_expression_late(x, n):
    scale = 1.0
    terms = (scale * x**k for k in range(n))
    scale = 3.0
    return sum(terms)


def generator_expression_filtered(xs):
    return sum(x * x for x in xs if x > 0.3) + max(math.exp(x) for x in xs)


def generator_closure(x, n):
    def powers():
        p = 1.0
        for _ in range(n):
            yield p
            p *= x

    return sum(p / (k + 1) for k, p in enumerate(powers()))


def nested_generators(x, n):
    def smooth(values):
        old = 0.0
        for v in values:
            old = 0.6 * old + 0.4 * v
            yield old

    total = 0.0
    for s in smooth(smooth(sines(x, n))):
        if s > 0.9:
            break
        total += s
    return total


def break_out_of_two(x, n):
    def grid():
        for i in range(n):
            for j in range(i, n):
                yield i, j

    total = 0.0
    for i, j in grid():
        if i * j > 6:
            break
        total += math.sin(i * x) * math.cos(j * x)
    return total


# ---- next and iter


def next_by_hand(x):
    g = sines(x, 3) if False else halvings(x, 0.5)
    first = next(g)
    second = next(g)
    third = next(g)
    return first * second + third**2


def next_then_loop(xs):
    it = iter(xs)
    best = next(it)
    for x in it:
        best = best * 0.5 + x * x
    return best


def next_in_loop(xs):
    it = iter(xs)
    total = 0.0
    for k in range(len(xs) // 2):
        total += next(it) * (k + 1) - next(it)
    return total


def next_with_default(xs, x):
    it = iter(xs)
    a = next(it, x)
    b = next(it, x)
    c = next(it, x)
    return a * b + c * x


def first_of_dict(params):
    name = next(iter(params))
    return params[name] ** 2 + sum(params.values())


def steps_by_hand(x):
    def phases():
        y = x * x
        yield y
        y = math.sin(y)
        yield y
        yield y * x

    g = phases()
    a = next(g)
    b = next(g)
    rest = [v for v in g]
    return a * b + rest[0]


# ---- itertools


def pair_energy(xs):
    energy = 0.0
    for i, j in itertools.combinations(range(len(xs)), 2):
        energy += 1.0 / (1.0 + (xs[i] - xs[j]) ** 2)
    return energy


def triples(xs):
    total = 0.0
    for i, j, k in itertools.combinations(range(len(xs)), 3):
        total += xs[i] * xs[j] * xs[k]
    return total


def combinations_of_values(xs):
    return sum(a * b for a, b in itertools.combinations(xs, 2))


def product_of_ranges(x, n, m):
    total = 0.0
    for i, j in itertools.product(range(n), range(m)):
        total += math.sin(x * i) * math.cos(x * j)
    return total


def product_repeat(x):
    return sum(math.exp(-x * (i * i + j * j)) for i, j in itertools.product((0, 1, 2), repeat=2))


def permutations_determinant(A):
    total = 0.0
    for p in itertools.permutations(range(3)):
        inversions = sum(1 for i in range(3) for j in range(i) if p[j] > p[i])
        term = -1.0 if inversions % 2 else 1.0
        for i in range(3):
            term *= A[i, p[i]]
        total += term
    return total


def permutations_of_range(xs):
    total = 0.0
    for i, j in itertools.permutations(range(len(xs)), 2):
        total += xs[i] * math.sin(xs[j])
    return total


def accumulated(xs):
    return sum(a * a for a in itertools.accumulate(xs))


def accumulated_by_function(xs):
    return sum(itertools.accumulate(xs, lambda a, b: a * 0.5 + b * b, initial=1.0))


def chained(xs, ys):
    total = 1.0
    for v in itertools.chain(xs, ys):
        total = total * 0.8 + v * v
    return total


def chained_lists(rows):
    return sum(v**3 for v in itertools.chain.from_iterable(rows))


def counted_forever(xs):
    return sum(x**k for k, x in zip(itertools.count(1), xs))


def counted_without_end(x):
    total = 0.0
    for k in itertools.count():
        total += x**k
        if total > 2.5:
            break
    for k, v in zip(itertools.count(2, 3), halvings(x, 0.7)):
        total += k * v
        if k > 10:
            break
    return total


def tuple_grows(xs):
    squares = old = ()
    for x in xs:
        old = squares
        squares += (x * x,)
    return sum(squares) * squares[0] + len(old) * squares[-1]


def columns(rows):
    total = 0.0
    for column in zip(*rows):
        total += max(column) * sum(column)
    return total


def walked_path(xs):
    path = Path(xs)
    total = 0.0
    for x in path:
        total = total * 0.5 + x * x
    return total + sum(path)


def filtered_states(zs, noise):
    def kalman(zs):
        m, p = 0.0, 1.0
        for z in zs:
            p = p + noise
            k = p / (p + 0.5)
            m = m + k * (z - m)
            p = (1.0 - k) * p
            yield m, p

    score = 0.0
    for z, (m, p) in zip(zs, kalman(zs)):
        score -= (z - m) ** 2 / p + math.log(p)
    return score


def windows(x):
    def cut(s, k):
        for i in range(len(s) - k + 1):
            yield s[i : i + k]

    return sum(np.max(w) * np.mean(w) for w in cut(x, 3))


def stack_of_parts(tree):
    todo, total = [tree], 1.0
    while todo:
        node = todo.pop()
        if isinstance(node, tuple):
            todo.extend(node)
        else:
            total = total * 0.9 + node * node
    return total


def iterated_and_left(xs):
    it = iter(xs)
    total = 0.0
    for x in it:
        total += x
        if x > 1.0:
            break
    for x in it:
        total += 3.0 * x * x
    return total


def cycled(xs, signs):
    return sum(s * x * x for x, s in zip(xs, itertools.cycle(signs)))


def sliced_generator(x):
    return sum(itertools.islice(halvings(x, 0.5), 6))


def sliced_list(xs):
    total = 0.0
    for x in itertools.islice(xs, 1, None, 2):
        total += x * x
    return total


def pairs_with_pairwise(xs, ys):
    area = 0.0
    for (x0, y0), (x1, y1) in itertools.pairwise(zip(xs, ys)):
        area += 0.5 * (x1 - x0) * (y0 + y1)
    return area


def longest_zip(xs, ys):
    return sum(a * b for a, b in itertools.zip_longest(xs, ys, fillvalue=2.0))


def take_and_drop(xs):
    small = sum(itertools.takewhile(lambda v: v < 1.0, xs))
    large = sum(v * v for v in itertools.dropwhile(lambda v: v < 1.0, xs))
    return small * 3.0 + large


def starmapped(xs, ys):
    return sum(itertools.starmap(lambda a, b: a**2 * b, zip(xs, ys)))


def compressed(xs, mask):
    return sum(v * v for v in itertools.compress(xs, mask))


def filtered_false(xs):
    return sum(itertools.filterfalse(lambda v: v > 1.0, xs)) ** 2


def grouped(xs):
    total = 0.0
    for large, group in itertools.groupby(xs, key=lambda v: v > 1.0):
        part = sum(group)
        total += part * part if large else 3.0 * part
    return total


def teed(xs):
    a, b = itertools.tee(xs)
    next(b)
    return sum((y - x) ** 2 for x, y in zip(a, b))


def repeated(x, n):
    return sum(v * (k + 1) for k, v in enumerate(itertools.repeat(x * x, n)))


# ---- builtins


def mapped_lazily(xs):
    return sum(map(math.sin, xs)) + sum(map(operator.mul, xs, xs[::-1]))


def mapped_and_zipped(xs, ys):
    total = 0.0
    for a, b in zip(map(lambda v: v * v, xs), ys):
        if a > 2.0:
            break
        total += a * b
    return total


def filtered(xs):
    return sum(v**2 for v in filter(lambda v: v > 0.5, xs))


def zipped_unequal(xs, ys):
    return sum(a * b for a, b in zip(xs, ys))


def unzipped(pairs):
    xs, ys = zip(*pairs)
    return sum(x * y for x, y in zip(xs, ys)) * xs[0]


def sorted_numbers(xs):
    return sum((k + 1) * v**2 for k, v in enumerate(sorted(xs)))


def sorted_by_key(xs):
    ys = sorted(xs, key=lambda v: abs(v - 1.0), reverse=True)
    return ys[0] ** 2 + 2.0 * ys[1] + ys[-1] ** 3


def sorted_array(x):
    total = 0.0
    for k, v in enumerate(sorted(x)):
        total += v * v * k
    return total


def sorted_few(a, b, c):
    low, mid, high = sorted([a, b * 2.0, c])
    return low * 1.0 + mid**2 + high**3


def sorted_pairs(xs, ys):
    total = 0.0
    for k, (x, y) in enumerate(sorted(zip(xs, ys), key=lambda p: p[1])):
        total += (k + 1) * x * y
    return total


def list_sort(xs):
    ys = [v * v for v in xs]
    ys.sort(key=lambda v: -v)
    return ys[0] + ys[1] * ys[2]


def sorted_keys(params):
    total = 1.0
    for k, name in enumerate(sorted(params)):
        total = total * params[name] + k
    return total


def largest_by_key(xs):
    far = max(xs, key=lambda v: abs(v - 0.7))
    near = min(xs, key=lambda v: (v - 0.7) ** 2)
    return far**2 + near


def largest_with_default(xs, x):
    return max([v for v in xs if v > 5.0], default=x) * x


def largest_of_three(x, y):
    return max(x, y, x * y, key=lambda v: -v) + min([x, y], key=lambda v: v * v)


def argmax_of_range(xs):
    k = max(range(len(xs)), key=lambda i: xs[i])
    return xs[k] ** 3


def any_and_all(xs):
    scale = 2.0 if any(v > 1.5 for v in xs) else 3.0
    shift = 1.0 if all(v > 0.0 for v in xs) else -1.0
    return sum(xs) * scale + shift * xs[0] ** 2


def sum_with_start(xs):
    return sum(xs, xs[0] ** 2) + sum([v * v for v in xs], start=1.0)


def reduced(xs):
    return functools.reduce(lambda a, b: a * 0.5 + b * b, xs) + functools.reduce(operator.mul, xs, 2.0)


def range_as_value(x, n):
    r = range(2, n, 3)
    total = 0.0
    for i in range(n):
        if i in r:
            total += x**i
    return total + len(r) * x + r[-1] * x * x


def letters(x):
    total = 0.0
    for c in "aba":
        total = total * 2.0 + (x if c == "a" else x * x)
    return total


def walked_by_ndindex(x):
    total = 0.0
    for i, j in np.ndindex(*x.shape):
        total += (i + 1) * x[i, j] ** (j + 1)
    return total


def walked_by_ndenumerate(x):
    total = 0.0
    for (i, j), v in np.ndenumerate(x):
        total += v * v * (i + 2 * j)
    return total


def walked_flat(x):
    total = 1.0
    for v in x.flat:
        total = 0.9 * total + v * v
    return total * x.flat[2]


def walked_by_nditer(x):
    total = 1.0
    for v in np.nditer(x, order="C"):
        total = 0.9 * total + v * v
    return total


def rows_of_rows(x):
    total = 0.0
    for plane in x:
        for row in plane:
            for v in row:
                total = 0.9 * total + v * v
    return total


def fromiter(xs):
    return np.sum(np.fromiter((v * v for v in xs), float) ** 2)


# ---- headers of loops


def backwards(xs):
    total = 0.0
    for i in range(len(xs) - 1, -1, -1):
        total = total * 0.5 + xs[i] ** 2
    return total


def stepped(xs, step):
    total = 0.0
    for i in range(0, len(xs), step):
        total = total * 0.5 + xs[i] ** 2
    return total


def stepped_down_and_left(xs, step):
    total = 0.0
    for i in range(len(xs) - 1, 0, -step):
        total = total * 0.5 + xs[i] ** 2
        if total > 2.0:
            break
    return total


def reversed_and_left(xs):
    total = 0.0
    for i in reversed(range(len(xs))):
        total += xs[i] ** 2
        if total > 3.0:
            break
    return total


def reversed_steps(xs):
    total = 0.0
    for i in reversed(range(1, len(xs), 2)):
        total = total * 0.7 + xs[i] ** 2
    return total


def mixed_header(xs, ys):
    total = 0.0
    for k, (i, x, y) in enumerate(zip(range(len(xs) - 1, -1, -1), reversed(xs), ys), start=2):
        total += k * x * xs[i] + i * y
    return total


def enumerated_range(xs):
    total = 0.0
    for k, i in enumerate(range(1, len(xs), 2)):
        total += (k + 1) * xs[i] ** 2
    return total


def enumerated_backwards(xs):
    total = 0.0
    for k, x in enumerate(reversed(xs)):
        total += (k + 1) * x**2
    return total


def zipped_ranges(xs):
    n = len(xs)
    total = 0.0
    for i, j in zip(range(n), reversed(range(n))):
        total += xs[i] * xs[j] * (i + 1)
    return total


def empty_range(x, n):
    total = x
    for i in range(3, n):
        total *= i
    for _ in range(-2):
        total = 0.0
    return total * x


def triangular(L, b):
    n = len(b)
    x = np.zeros(n)
    for i in range(n):
        s = b[i]
        for j in range(i):
            s -= L[i, j] * x[j]
        x[i] = s / L[i, i]
    return np.sum(x**2)


def index_after_loop(xs):
    for i, x in enumerate(xs):
        if x > 1.0:
            break
    return xs[i] * i + x**2


def shadowed(x, n):
    x0 = x
    for x in range(1, n):
        x0 = x0 * x + 1.0
    return x0 * x


def list_grows_in_loop(x):
    todo = [x, x * x]
    total = 0.0
    for v in todo:
        total += v * len(todo)
        if len(todo) < 5:
            todo.append(v * 0.5)
    return total


def list_changes_in_loop(xs):
    ys = [v * 1.0 for v in xs]
    total = 0.0
    for k, v in enumerate(ys):
        total += v * v
        if k + 1 < len(ys):
            ys[k + 1] = ys[k + 1] * v
    return total


def target_is_element(xs):
    box = [0.0, 1.0]
    total = 0.0
    for box[0] in xs:
        total += box[0] ** 2 * box[1]
        box[1] = box[0]
    return total * box[0]


def nested_targets(rows):
    total = 0.0
    for a, (b, *rest) in rows:
        total += a * b * rest[0] + rest[-1] ** 2
    return total


def linked_tuples(t):
    total = 1.0
    while t is not None:
        a, t = t
        total = total * 0.5 + a * a
    return total


def loop_with_else(xs):
    total = 0.0
    for x in xs:
        total += x
        if total > 100.0:
            break
    else:
        total = total**2
    k = 0
    while k < len(xs):
        k += 1
    else:
        total *= xs[0]
    return total


Pair = namedtuple("Pair", "left right")


class Path:
    """Points to walk along."""

    def __init__(self, points):
        self.points = points

    def __iter__(self):
        yield from self.points


def named_pairs(x):
    total = 0.0
    for p in (Pair(x, 2.0), Pair(x * x, 3.0)):
        for v in p:
            total += v**2
    return total


def long_display(x):
    weights = [
        0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0,
        0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0,
        0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0,
        0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0,
    ]  # fmt: skip
    total = 0.0
    for w in weights:
        total = total * x + w
    return total


XS = [0.4, 1.3, 0.9, 0.2, 1.7]
YS = [0.8, -0.6, 1.1, 0.5]
X1 = rng.normal(size=5) + 0.5
X2 = rng.normal(size=(3, 4))
X3 = rng.normal(size=(2, 3, 2))

def grows_meanwhile_again(x):
    s, xs = 0.0, [x[0], x[1]]
    for _ in range(2):
        for v in xs:
            s = s * 0.5 + v
            if len(xs) < 5:
                xs.append(v * 2.0)
    return s


def over_parts_again(x):
    s, w, order = 0.0, x.copy(), np.arange(4)
    for _ in range(2):
        for b in np.array_split(x, 3):
            s = s * x[0] + b.sum() ** 2
        for b in np.split(order, 2):
            w[b] = w[b] * 0.9 + x[b[0]] * 0.1
    return s + np.sum(w**2)


def over_united_sets(x):
    return sum(x[k] * (k + 1) for k in {0, 2} | {2, 3}) + sum(x[k] ** 2 for k in {0, 1, 2} - {1})


def rows_written_by_pairs(A):
    s = 0.0
    for p, q in itertools.product(A, A):
        p[0] = q[1] * 0.9
        s += A[0, 0] * q[1]
    for p, q in itertools.combinations(A, 2):
        p *= 1.0 + 0.1 * q
    for p, _ in zip(itertools.cycle(A), range(5), strict=False):
        p[1] *= 1.1
    return s + np.sum(A**2)


def rest_of_the_rows_written(A):
    first, *middle, last = A
    s = 0.0
    for i, row in enumerate(middle):
        s += first @ row * (i + 1)
        row *= 2.0
    return s * last[0] + np.sum(A**2)


def rows_kept_after_loops(A):
    for p in A:
        pass
    p[0] = 5.0 * p[1]
    kept = np.zeros(4)
    for p in A[:-1]:
        kept = p
    kept *= 2.0
    s = kept @ kept
    for q in A:
        if q[0] > -9.0:
            break
    A[0, 1] = 0.3 * s
    return np.sum(q) + np.sum(A**2)


def buffers_swapped_and_kept(A):
    now, then, kept = A[0].copy(), A[-1].copy(), []
    for i in range(3):
        then[:] = now * 0.5 + A[i]
        kept.append(now)
        now, then = then, now
    return sum(v @ v * (i + 1) for i, v in enumerate(kept))


def listed_rows_change_with_the_array(A):
    rows, same = list(A), [r for r in A]
    A *= 1.5
    first, *rest = A
    A[1, 0] = 0.7 * A[0, 1]
    return sum(p[0] * p[1] for p in rows) + same[1] @ same[2] + rest[0] @ first


PROGRAMS = [
    Program("listed_rows_change_with_the_array", listed_rows_change_with_the_array, (X2,)),
    Program("rows_kept_after_loops", rows_kept_after_loops, (X2,)),
    Program("buffers_swapped_and_kept", buffers_swapped_and_kept, (X2,)),
    Program("rows_written_by_pairs", rows_written_by_pairs, (X2,)),
    Program("rest_of_the_rows_written", rest_of_the_rows_written, (np.linspace(-0.5, 1.5, 8).reshape(4, 2),)),
    Program("grows_meanwhile_again", grows_meanwhile_again, (np.array([0.4, 1.3]),)),
    Program("over_parts_again", over_parts_again, (np.array([0.4, 1.3, -0.7, 0.9]),)),
    Program("over_united_sets", over_united_sets, (np.array([0.4, 1.3, -0.7, 0.9]),)),
    Program("infinite_generator_left", infinite_generator_left, (1.3,)),
    Program("generator_summed", generator_summed, (0.7, 5)),
    Program("generator_listed", generator_listed, (0.7, 4)),
    Program("generator_enumerated", generator_enumerated, (0.7, 5)),
    Program("generator_returns_early", generator_returns_early, (0.7, 6)),
    Program("generator_ends", generator_returns_early, (0.1, 3)),
    Program("newton_until_close", newton_until_close, (2.3,)),
    Program("oscillator_from_generator", oscillator_from_generator, (1.7, 9)),
    Program("zipped_behind", zipped_behind, (1.1, YS), wrt=(0, 1)),
    Program("zipped_before", zipped_before, (1.1, XS), wrt=(0, 1)),
    Program("two_generators", two_generators, (1.1, 4)),
    Program("tree_of_tuples", tree_of_tuples, (((1.2, 0.7), (0.4, (1.5, 0.3))),)),
    Program("yield_from_twice", yield_from_twice, (XS,)),
    Program("generator_with_nested_loops", generator_with_nested_loops, (X1,)),
    Program("generator_with_return", generator_with_return, (XS,)),
    Program("effects_interleave", effects_interleave, (X1,)),
    Program("rows_changed_through_generator", rows_changed_through_generator, (X2,)),
    Program("generator_expression_late", generator_expression_late, (0.8, 4)),
    Program("generator_expression_filtered", generator_expression_filtered, (XS,)),
    Program("generator_closure", generator_closure, (0.8, 5)),
    Program("nested_generators", nested_generators, (0.6, 6)),
    Program("break_out_of_two", break_out_of_two, (0.3, 5)),
    Program("next_by_hand", next_by_hand, (0.9,)),
    Program("next_then_loop", next_then_loop, (XS,)),
    Program("next_in_loop", next_in_loop, ([*XS, 2.0],)),
    Program("next_with_default", next_with_default, ([0.3, 1.4], 0.7), wrt=(0, 1)),
    Program("first_of_dict", first_of_dict, ({"a": 0.4, "b": 1.2},)),
    Program("steps_by_hand", steps_by_hand, (0.9,)),
    Program("pair_energy", pair_energy, (X1,)),
    Program("triples", triples, (X1,)),
    Program("combinations_of_values", combinations_of_values, (XS,)),
    Program("product_of_ranges", product_of_ranges, (0.3, 3, 4)),
    Program("product_repeat", product_repeat, (0.3,)),
    Program("permutations_determinant", permutations_determinant, (rng.normal(size=(3, 3)),)),
    Program("permutations_of_range", permutations_of_range, (X1,)),
    Program("accumulated", accumulated, (XS,)),
    Program("accumulated_array", accumulated, (X1,)),
    Program("accumulated_by_function", accumulated_by_function, (XS,)),
    Program("chained", chained, (XS, YS), wrt=(0, 1)),
    Program("chained_lists", chained_lists, ([[0.4, 1.2], [0.7], [0.9, 0.1, 0.3]],)),
    Program("counted_forever", counted_forever, (XS,)),
    Program("counted_without_end", counted_without_end, (0.7,)),
    Program("tuple_grows", tuple_grows, (XS,)),
    Program("columns", columns, ([[0.4, 1.2], [0.3, 0.9], [1.7, 0.2]],)),
    Program("walked_path", walked_path, (XS,)),
    Program("filtered_states", filtered_states, (X1, 0.1), wrt=(0, 1)),
    Program("windows", windows, (X1,)),
    Program("stack_of_parts", stack_of_parts, (((1.2, 0.7), (0.4, (1.5, 0.3))),)),
    Program("iterated_and_left", iterated_and_left, (XS,)),
    Program("cycled", cycled, (XS, [1.0, -2.0]), wrt=(0, 1)),
    Program("sliced_generator", sliced_generator, (0.9,)),
    Program("sliced_list", sliced_list, (XS,)),
    Program("pairs_with_pairwise", pairs_with_pairwise, (XS[:4], YS), wrt=(0, 1)),
    Program("longest_zip", longest_zip, (XS, YS), wrt=(0, 1)),
    Program("take_and_drop", take_and_drop, (XS,)),
    Program("starmapped", starmapped, (XS[:4], YS), wrt=(0, 1)),
    Program("compressed", compressed, (XS, [True, False, True, True, False])),
    Program("filtered_false", filtered_false, (XS,)),
    Program("grouped", grouped, (XS,)),
    Program("teed", teed, (XS,)),
    Program("repeated", repeated, (0.7, 4)),
    Program("mapped_lazily", mapped_lazily, (XS,)),
    Program("mapped_and_zipped", mapped_and_zipped, (XS, YS), wrt=(0, 1)),
    Program("filtered", filtered, (XS,)),
    Program("zipped_unequal", zipped_unequal, (XS, YS), wrt=(0, 1)),
    Program("unzipped", unzipped, ([(0.4, 1.2), (0.3, 0.9), (1.7, 0.2)],)),
    Program("sorted_numbers", sorted_numbers, (XS,)),
    Program("sorted_by_key", sorted_by_key, (XS,)),
    Program("sorted_array", sorted_array, (X1,)),
    Program("sorted_few", sorted_few, (0.9, 0.2, 0.7), wrt=(0, 1, 2)),
    Program("sorted_pairs", sorted_pairs, (XS[:4], YS), wrt=(0, 1)),
    Program("list_sort", list_sort, (XS,)),
    Program("sorted_keys", sorted_keys, ({"b": 0.4, "a": 1.2, "c": 0.7},)),
    Program("largest_by_key", largest_by_key, (XS,)),
    Program("largest_with_default", largest_with_default, (XS, 0.7), wrt=(0, 1)),
    Program("largest_of_three", largest_of_three, (0.7, 1.4), wrt=(0, 1)),
    Program("argmax_of_range", argmax_of_range, (X1,)),
    Program("any_and_all", any_and_all, (XS,)),
    Program("sum_with_start", sum_with_start, (XS,)),
    Program("reduced", reduced, (XS,)),
    Program("range_as_value", range_as_value, (0.9, 9)),
    Program("letters", letters, (0.9,)),
    Program("walked_by_ndindex", walked_by_ndindex, (X2,)),
    Program("walked_by_ndenumerate", walked_by_ndenumerate, (X2,)),
    Program("walked_flat", walked_flat, (X2,)),
    Program("walked_by_nditer", walked_by_nditer, (X2,)),
    Program("rows_of_rows", rows_of_rows, (X3,)),
    Program("grouped_range", grouped_range, (np.linspace(0.5, 1.5, 6),)),
    Program("rows_as_lists", rows_as_lists, (np.linspace(0.5, 1.5, 6).reshape(3, 2),)),
    Program("fromiter", fromiter, (XS,)),
    Program("backwards", backwards, (X1,)),
    Program("stepped", stepped, (X1, 2)),
    Program("stepped_down_and_left", stepped_down_and_left, (X1, 2)),
    Program("reversed_and_left", reversed_and_left, (X1 * 2.0,)),
    Program("reversed_steps", reversed_steps, (X1,)),
    Program("mixed_header", mixed_header, (XS, YS), wrt=(0, 1)),
    Program("enumerated_range", enumerated_range, (X1,)),
    Program("enumerated_backwards", enumerated_backwards, (XS,)),
    Program("zipped_ranges", zipped_ranges, (X1,)),
    Program("empty_range", empty_range, (0.9, 2)),
    Program(
        "triangular", triangular, (np.tril(rng.normal(size=(4, 4))) + 3.0 * np.eye(4), X1[:4]), wrt=(0, 1)
    ),
    Program("index_after_loop", index_after_loop, (XS,)),
    Program("shadowed", shadowed, (0.9, 4)),
    Program("list_grows_in_loop", list_grows_in_loop, (0.9,)),
    Program("list_changes_in_loop", list_changes_in_loop, (XS,)),
    Program("target_is_element", target_is_element, (XS,)),
    Program("nested_targets", nested_targets, ([(0.4, (1.2, 0.7, 0.2)), (0.3, (0.9, 1.1, 0.5))],)),
    Program("linked_tuples", linked_tuples, ((0.4, (1.2, (0.7, None))),)),
    Program("loop_with_else", loop_with_else, (XS,)),
    Program("named_pairs", named_pairs, (0.9,)),
    Program("long_display", long_display, (0.9,)),
]
