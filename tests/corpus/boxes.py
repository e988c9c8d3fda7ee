"""Containers of the standard library, heaps and bisection, lists that are changed in the middle."""

import bisect
import heapq
import types
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple

import numpy as np

from corpus.program import Program


def moving_window(xs):
    window, out = deque(maxlen=3), 0.0
    for x in xs:
        window.append(x * x)
        out += sum(window) / len(window)
    return out


def delay_line(xs):
    line, total = deque(xs), 0.0
    for _ in range(10):
        first = line.popleft()
        line.append(0.5 * (first + line[0]))
        total += first
    return total


def breadth_first(xs):
    queue, total, k = deque([xs[0] * 1.0]), 0.0, 0
    while queue:
        v = queue.popleft()
        total += v * v
        k += 1
        if k < 4:
            queue.append(v * 0.5 + xs[k])
            queue.append(v * v * 0.1)
    return total


def both_ends(xs):
    q = deque(xs, maxlen=6)
    q.rotate(2)
    q.appendleft(xs[0] * 3)
    q.extendleft([xs[1] * xs[2]])
    q.insert(1, xs[3]) if len(q) < 6 else q.reverse()
    q[2] = q[2] * q[-1]
    total = q.pop() if q else 0.0
    for i, v in enumerate(q):
        total += (i + 1) * v * v
    return total + max(q) * len(list(q))


def queue_of_arrays(x):
    q = deque()
    for k in range(4):
        q.append(np.array([x * k, x]))
    a = q.popleft()
    a[0] += x
    q.rotate(1)
    return sum(np.sum(v**2) for v in q) * a[0]


class History:
    def __init__(self, n):
        self.last = deque(maxlen=n)
        self.seen = Counter()

    def push(self, x):
        self.last.append(x)
        self.seen["n"] += 1

    def mean(self):
        return sum(self.last) / len(self.last) * self.seen["n"]


def history_object(xs):
    h = History(3)
    for x in xs:
        h.push(x * x)
    return h.mean()


def sums_by_class(xs):
    sums = defaultdict(float)
    for i in range(len(xs)):
        sums[i % 2] += xs[i] ** 2
    return sums[0] * sums[1] * len(sums)


def sums_by_name(xs):
    d = defaultdict(float, c=2.0)
    for i, k in enumerate(["a", "b", "a"]):
        d[k] += xs[i] ** 2
    del d["c"]
    return d["a"] * d["b"] * len(d) if "a" in d and "c" not in d else 0.0


def groups(xs, labels):
    found = defaultdict(list)
    for x, label in zip(xs, labels):
        found[label].append(x)
    total = 0.0
    for k in sorted(found):
        mean = sum(found[k]) / len(found[k])
        total += sum((v - mean) ** 2 for v in found[k]) * (k + 1)
    return total


def bins_of_arrays(xs):
    d = defaultdict(lambda: np.zeros(2))
    for i, x in enumerate(xs):
        d[i % 2][i // 3] += x * x
    return sum(np.sum(v**2) for v in d.values())


def stiffness(vals):
    entries = defaultdict(float)
    for key, v in zip([(0, 0), (1, 2), (0, 1), (1, 2)], vals):
        entries[key] += v * v
    a = np.zeros((3, 3))
    for (i, j), v in entries.items():
        a[i, j] = v
    return np.sum((a @ a.T) ** 2)


def ordered(x):
    d = OrderedDict(a=x)
    d["b"] = x * x
    d.move_to_end("a")
    total = 0.0
    for i, (_, v) in enumerate(d.items()):
        total += (i + 1) * v
    return total * d.popitem()[1]


def letters(x):
    counts = Counter("abca")
    return sum(n * x ** (i + 1) for i, (_, n) in enumerate(counts.most_common()))


def histogram(x, labels):
    counts = Counter(labels)
    return sum(n * x**k for k, n in counts.items()) * counts[7] + counts[labels[0]] * x**2


def namespace(x):
    s = types.SimpleNamespace(p=x, v=1.0)
    for _ in range(4):
        s.v -= 0.1 * s.p
        s.p += 0.1 * s.v
    return s.p**2


def local_namedtuple(x):
    Point = namedtuple("Point", "x y")  # noqa: PYI024
    p = Point(x, x * x)
    for _ in range(3):
        p = Point(p.y, p.x * 0.5)
    return p.x * p.y


def heap_of_numbers(xs):
    heap = []
    for x in xs:
        heapq.heappush(heap, x * x)
    total = 0.0
    for i in range(3):
        total += (i + 1) * heapq.heappop(heap)
    return total + heap[1]


def heap_of_pairs(xs):
    heap = []
    for i, x in enumerate(xs):
        heapq.heappush(heap, (x * x, i))
    total = 0.0
    while heap:
        cost, i = heapq.heappop(heap)
        total += cost * (i + 1)
    return total


def heapified(xs):
    h = list(xs)
    heapq.heapify(h)
    first = heapq.heappop(h) * 3 + heapq.heapreplace(h, xs[0] * 0.5) + heapq.heappushpop(h, xs[1] * xs[2])
    best = heapq.nlargest(2, h, key=lambda v: v * v)
    return first + heapq.nsmallest(2, h)[1] ** 2 + best[0] * best[1]


def shortest_path(w, edges):
    graph = defaultdict(list)
    for k, (i, j) in enumerate(edges):
        graph[i].append((j, k))
    dist, heap, done = {0: 0.0}, [(0.0, 0)], set()
    while heap:
        d, i = heapq.heappop(heap)
        if i in done:
            continue
        done.add(i)
        for j, k in graph[i]:
            new = d + w[k] ** 2
            if j not in dist or new < dist[j]:
                dist[j] = new
                heapq.heappush(heap, (new, j))
    return dist[3] * dist[2]


def piecewise(x, knots):
    i = bisect.bisect_right(knots, x) - 1
    return (x - knots[i]) ** 2 * (i + 1) + bisect.bisect_left(knots, x) * x


def sorted_insertion(xs):
    ordered = []
    for x in xs:
        bisect.insort(ordered, x * x)
    return sum((i + 1) * v for i, v in enumerate(ordered))


def inserted(xs):
    items = []
    for x in xs:
        items.insert(0, x * x)
    for k in range(3):
        items.insert(k, xs[k] * 0.5)
    return sum((i + 1) * v for i, v in enumerate(items))


def popped_from_the_middle(xs):
    items = []
    for x in xs:
        items.append(x * x)
    a, b, c = items.pop(1), items.pop(0), items.pop(-2)
    return a * b + c * 3 + sum(items)


def merged_in_turn(xs):
    items, total = [x * x for x in xs], 0.0
    while len(items) > 1:
        a, b = items.pop(0), items.pop(0)
        items.append(a * 0.5 + b * b)
        total += a
    return total * items[0]


def removed(xs):
    order, squares, total = [], [x * x for x in xs], 0.0
    for k in range(5):
        order.append((k * 3) % 5)
    order.remove(4)
    for i, k in enumerate(order):
        total += xs[k] * (i + 1) ** 2 * xs[order.index(k)]
    squares.remove(max(squares))
    return total + sum(v * v for v in squares) * order.count(3)


def slices_written(xs):
    items = []
    for x in xs:
        items.append(x * x)
    n = 2
    items[1:4] = [xs[0]]
    items[n:] = [v * 0.5 for v in items[:n]]
    items[-1:] = [xs[4] * xs[0], xs[1]]
    items[:0] = [xs[2]]
    items[3:1] = (xs[2] * 2,)
    copy = [0.0] * 3
    copy[:] = items[:3]
    return sum((i + 1) * v * v for i, v in enumerate(items)) + copy[1] * copy[2]


def repeated(xs):
    items = []
    for x in xs:
        items.append(x * x)
    twice, line, total = items * 2, [xs[0]] * 3, 0.0
    for x in xs:
        y = line[0] * x
        line = line[1:] + [y]
        total += y
    return sum((i + 1) * v * v for i, v in enumerate(twice)) + total


def suppression(xs):
    left, total = list(range(len(xs))), 0.0
    while left:
        best = left[0]
        for i in left:
            if xs[i] > xs[best]:
                best = i
        total += xs[best] ** 2
        left.remove(best)
        left = [i for i in left if abs(xs[i] - xs[best]) > 0.5]
    return total


class Countdown:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return self

    def __next__(self):
        if self.n <= 0:
            raise StopIteration
        self.n -= 1
        return self.n


def own_next(xs):
    total = 0.0
    for k in Countdown(3):
        total += xs[k] ** 2 * (k + 1)
    return total


class Bag:
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, k):
        return self.items[k]

    def __contains__(self, v):
        return v in self.items

    def __iter__(self):
        return iter(self.items)


def own_container(xs):
    bag, total = Bag([x * x for x in xs]), 0.0
    for v in bag:
        total += v
    a, b, *rest = bag
    if not bag or 100.0 in bag:
        total = 0.0
    return total * len(bag) + a * b + bag[-1] + sum(rest) + max(bag) + (2.0 if bag else 5.0)


class Linked:
    def __init__(self, value, behind=None):
        self.value, self.behind = value, behind


def linked(xs):
    head = None
    for k in range(3):
        head = Linked(xs[k], head)
    back = None
    while head is not None:  # turned round
        head.behind, back, head = back, head, head.behind
    total = 0.0
    while back:
        total = total * 0.5 + back.value**2
        back = back.behind
    return total


class Family:
    def __init__(self, value):
        self.value, self.children, self.parent = value, [], None


def parents(x):
    root, child = Family(x), Family(x * 2)
    root.children.append(child)
    child.parent = root
    child.parent.value *= x
    return child.parent.value * root.children[0].value


class Account:
    opened = 0
    rate = 0.1

    def __init__(self, balance):
        self.balance = balance
        Account.opened += 1

    def accrue(self):
        self.balance *= 1 + self.rate

    @classmethod
    def raise_rate(cls, by):
        cls.rate = cls.rate + by


class Savings(Account):
    def accrue(self):
        self.balance *= 1 + self.rate * 2


def class_attributes(x):
    Account.opened, Account.rate = 0, x * 0.5
    accounts = [Account(x), Savings(x * 2)]
    for k in range(3):
        Account.rate *= 1.1
        if k == 1 and x > 0:
            Account.raise_rate(x)
    for a in accounts:
        a.accrue()
    return sum(a.balance for a in accounts) * Account.opened * type(accounts[0]).rate


def slices_of_lists_of_arrays(xs):
    rows, total = [], 0.0
    for x in xs:
        rows.append(np.array([x, 2 * x]))
    for i in range(len(rows)):
        for other in rows[i + 1 :]:
            total += np.sum(other * rows[i])
        rows[i][0] *= 0.5
    longer = list(rows)
    longer.append(rows[0])
    longer.pop(0)
    rows[0][1] = xs[0] * xs[1]
    return total + sum(np.sum(v**2) * (i + 1) for i, v in enumerate(rows))


def transposed_heads(x):
    heads = list(map(lambda v: np.split(v, 2, axis=-1), np.split(x, 3, axis=-1)))
    total = 0.0
    for q, k, v in zip(*heads):
        total += np.sum(q * k + v)
    return total + np.sum(x[range(1)] ** 2)


def list_as_array(xs):
    rows, times, losses = [], [], []
    for i, x in enumerate(xs):
        rows.append(np.array([x, 2 * x]))
        times.append(0.1 * i)
        losses.append(x * x)
    total = np.sum(np.mean(rows, axis=0) ** 2) + np.sum(np.exp(rows)) + np.sum(np.add(losses, losses) ** 2)
    return total + np.std(losses) * np.argmax(losses) + np.interp(0.25, times, losses) + np.median(losses)


X = np.array([0.3, 1.2, -0.7, 2.1, 0.5])
LABELS = [0, 1, 0, 1, 2]
EDGES = [(0, 1), (1, 2), (0, 2), (2, 3), (1, 3)]

def summed_then_popped(x):
    """The trips of the first sum are counted before an element goes."""
    q = list(x)
    s = sum(q)
    last = q.pop()
    return s * last + sum(q)


def looped_then_popped(x):
    q = [v * 2.0 for v in x]
    t = 0.0
    for v in q:
        t = t + v * v
    t = t * q.pop()
    for v in q:
        t = t + v**3
    return t


PROGRAMS = [
    Program("deque_window", moving_window, (X,)),
    Program("deque_delay_line", delay_line, (X,)),
    Program("deque_breadth_first", breadth_first, (X,)),
    Program("deque_both_ends", both_ends, (X,)),
    Program("deque_of_arrays", queue_of_arrays, (0.7,)),
    Program("deque_in_an_object", history_object, (X,)),
    Program("defaultdict_sums", sums_by_class, (X,)),
    Program("defaultdict_names", sums_by_name, (X,)),
    Program("defaultdict_groups", groups, (X, LABELS)),
    Program("defaultdict_of_arrays", bins_of_arrays, (X,)),
    Program("defaultdict_pairs", stiffness, (X[:4],)),
    Program("ordered_dict", ordered, (0.7,)),
    Program("counter_of_letters", letters, (0.7,)),
    Program("counter_of_labels", histogram, (0.7, LABELS)),
    Program("simple_namespace", namespace, (0.7,)),
    Program("namedtuple_inside", local_namedtuple, (0.7,)),
    Program("heap_of_numbers", heap_of_numbers, (X,)),
    Program("heap_of_pairs", heap_of_pairs, (X,)),
    Program("heapified", heapified, (X,)),
    Program("shortest_path", shortest_path, (X, EDGES)),
    Program("bisect_knots", piecewise, (0.8, [0.0, 0.5, 1.0, 2.0])),
    Program("insort", sorted_insertion, (X,)),
    Program("list_inserted", inserted, (X,)),
    Program("list_popped", popped_from_the_middle, (X,)),
    Program("list_merged", merged_in_turn, (X,)),
    Program("list_removed", removed, (X,)),
    Program("list_slices_written", slices_written, (X,)),
    Program("list_repeated", repeated, (X,)),
    Program("list_suppression", suppression, (X,)),
    Program("own_next", own_next, (X,)),
    Program("own_container", own_container, (X,)),
    Program("linked_objects", linked, (X,)),
    Program("parents_and_children", parents, (0.7,)),
    Program("class_attributes", class_attributes, (0.7,)),
    Program("lists_of_arrays_sliced", slices_of_lists_of_arrays, (X,)),
    Program("list_as_array", list_as_array, (X,)),
    Program("zip_of_heads", transposed_heads, (np.arange(12.0).reshape(2, 6) / 7,)),
    Program("list_summed_then_popped", summed_then_popped, (X,)),
    Program("list_looped_then_popped", looped_then_popped, (X,)),
]
