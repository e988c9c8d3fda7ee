"""Arrays, lists and objects inside lists of unknown length: changed through names, elements and calls."""

import numpy as np

from corpus.program import Program


def swaprows(x, L):
    L = [r * x for r in L]
    L[0], L[1] = L[1], L[0]
    return np.sum(L[0] * 3) + np.sum(L[1] ** 2)


def replaced(x, n):
    L = [np.full(2, x * (i + 1)) for i in range(n)]
    r = L[0]
    L[0] = np.ones(2)
    return np.sum(r**2)


def rowcarried(x, n):
    A = np.full((n, 2), x)
    r = A[0]
    for i in range(n):
        r = A[i]
    A[n - 1, 0] = 5.0
    return np.sum(r**2)


def rowcarried2(x, n):
    A = np.full((n, 2), x)
    r = A[0]
    for i in range(n):
        A[0, 0] = x * x
        r[1] = x
        r = A[i]
    return np.sum(A**3)


def snapc(x, n):
    u = np.full(2, x)
    hist = []
    for i in range(n):
        u[0] = u[0] * x
        hist.append(u.copy())
    return sum(np.sum(h**2) for h in hist)


def appended(x, n):
    L = []
    for i in range(n):
        r = np.zeros(3)
        r[0] = x * i
        L.append(r)
        r[1] = x * x
    return sum(np.sum(r**2) for r in L)


def gauss(x, n):
    A = [[x * (i + 1) ** j + (3.0 if i == j else 0.0) for j in range(n)] for i in range(n)]
    det = 1.0
    for k in range(n):
        p = k
        for i in range(k, n):
            if abs(A[i][k]) > abs(A[p][k]):
                p = i
        if p != k:
            A[k], A[p] = A[p], A[k]
            det = -det
        for i in range(k + 1, n):
            f = A[i][k] / A[k][k]
            for j in range(k, n):
                A[i][j] -= f * A[k][j]
        det *= A[k][k]
    return det


def listarg(x, n):
    def scale(rows):
        for r in rows:
            r *= x

    L = [np.ones(2) * i for i in range(n)]
    scale(L)
    return sum(np.sum(r) for r in L)


def dictlist(x, n):
    ps = [{"p": x * i, "v": np.ones(2)} for i in range(n)]
    for d in ps:
        d["p"] = d["p"] * 2 + x
        d["v"][0] = x
    return sum(d["p"] * np.sum(d["v"] ** 2) for d in ps)


def best(x, n):
    L = [np.full(2, x * i) for i in range(n)]
    b = L[0]
    for r in L:
        if np.sum(r) > np.sum(b):
            b = r
    b[0] = 7.0
    return sum(np.sum(r**2) for r in L)


def popped(x, n):
    L = [np.full(2, x * i) for i in range(n)]
    r = L.pop()
    r[0] = x**3
    return np.sum(r) + np.sum(L[0]) * np.sum(L[1])


def ring(x, n):
    L = [np.full(2, x * i) for i in range(n)]
    for t in range(3):
        new = [0.5 * (L[i] + L[(i + 1) % n]) for i in range(n)]
        L = new
        L[0][0] += x
    return sum(np.sum(l**2) for l in L)


def known(x, k):
    L = [np.full(2, x), np.full(2, x * x), np.ones(2)]
    L[k][0] = x**3
    return sum(np.sum(l**2) for l in L)


class Q:
    def __init__(s, a):
        s.a = a
        s.n = []


def neigh(x, n):
    qs = [Q(x * i) for i in range(n)]
    for i in range(n):
        qs[i].n.append(qs[(i + 1) % n].a)
    return sum(q.a * sum(q.n) for q in qs)


class Sp:
    def __init__(s, a, b, k):
        s.a = a
        s.b = b
        s.k = k

    def f(s):
        return s.k * (s.a.a - s.b.a)


def springs2(x):
    qs = [Q(x), Q(x * x), Q(1.0)]
    sp = [Sp(qs[0], qs[1], x), Sp(qs[1], qs[2], 2.0)]
    for t in range(2):
        for s in sp:
            f = s.f()
            s.a.a = s.a.a - f * 0.1
            s.b.a = s.b.a + f * 0.1
    return sum(q.a**2 for q in qs)


class Body:
    def __init__(self, m, p):
        self.m = m * 2
        self.p = p
        self.v = 0 * p

    def kick(self, f, dt):
        self.v = self.v + f / self.m * dt
        self.p = self.p + self.v * dt


def listed(x, n):
    bs = [Body(x * (i + 1), 1.0 + i) for i in range(n)]
    s = 0.0
    for b in bs:
        s += b.m * b.p
    return s


def listed2(x, n):
    bs = [Body(x * (i + 1), 1.0 + i) for i in range(n)]
    for t in range(3):
        for b in bs:
            b.kick(-b.p * x, 0.1)
    s = 0.0
    for b in bs:
        s += b.m * b.p
    return s


def listed3(x, n):
    bs = []
    for i in range(n):
        bs.append(Body(x, 1.0 * i))
    for i in range(n):
        for j in range(n):
            if i != j:
                bs[i].v = bs[i].v + (bs[j].p - bs[i].p) * x
    return sum(b.v * b.p for b in bs)


def rec(x):
    def tree(d, v):
        if d == 0:
            return Body(v, v)
        a = tree(d - 1, v * 0.5)
        b = tree(d - 1, v * 0.7)
        r = Body(a.m, b.p)
        r.v = a.p * b.m
        return r

    t = tree(3, x)
    return t.m * t.p + t.v


def rows(x, n):
    L = [np.zeros(3) for _ in range(n)]
    for i in range(n):
        L[i][1] = x * i
    for i in range(n):
        L[i] += 1.0
    return sum(np.sum(r**2) for r in L)


def rows2(x, n):
    L = [np.zeros(3) for _ in range(n)]
    for i, r in enumerate(L):
        r[1] = x * i
    return sum(np.sum(r**2) for r in L)


class Holder:
    pass


def tuple_shifted(x, n):
    """What a tuple holds stays, where the tuple is overwritten in the list that it was put into."""
    heap = []
    for i in range(n):
        heap.append((np.full(2, x * (i + 1)), i))
    r = (np.array([x * x, x]), 7)
    heap.append(r)
    at = len(heap) - 1
    while at > 0:
        heap[at] = heap[at - 1]
        at -= 1
    heap[at] = r
    return np.sum(r[0]) + np.sum(heap[0][0] ** 2) * np.sum(heap[1][0])


def field_replaced(x, n):
    rows = []
    for i in range(n):
        rows.append(np.full(2, x * (i + 1)))
    own = Holder()
    own.row = np.array([x * x, x])
    rows.append(own.row)
    rows[len(rows) - 1] = rows[0] * x
    return np.sum(own.row) + np.sum(rows[-1] ** 2)


def part_popped(x, n):
    rows = []
    for i in range(n):
        rows.append(np.full(2, x * (i + 1)))
    pair = [np.array([x * x, x]), 3]
    rows.append(pair[0])
    rows.pop()
    rows.append(np.full(2, x**3))
    return np.sum(pair[0]) + np.sum(rows[-1])


ROWS = [np.ones(2), np.arange(2.0), np.ones(2) * 3]

PROGRAMS = [
    Program("rows_swapped", swaprows, (0.7, ROWS)),
    Program("row_replaced", replaced, (0.7, 3)),
    Program("tuple_shifted_in_list", tuple_shifted, (0.7, 3)),
    Program("field_replaced_in_list", field_replaced, (0.7, 3)),
    Program("part_popped_from_list", part_popped, (0.7, 3)),
    Program("row_found_in_loop", rowcarried, (0.7, 3)),
    Program("row_found_and_written", rowcarried2, (0.7, 3)),
    Program("copies_appended", snapc, (0.7, 3)),
    Program("written_after_append", appended, (0.7, 3)),
    Program("elimination_pivoted_lists", gauss, (0.7, 3)),
    Program("rows_scaled_by_helper", listarg, (0.7, 3)),
    Program("dicts_in_list_changed", dictlist, (0.7, 3)),
    Program("largest_row_changed", best, (0.7, 3)),
    Program("popped_row_changed", popped, (0.7, 3)),
    Program("ring_of_rows", ring, (0.7, 3)),
    Program("row_chosen_at_run_time", known, (0.7, 1)),
    Program("lists_inside_objects", neigh, (0.7, 3)),
    Program("objects_share_objects", springs2, (0.7,)),
    Program("objects_read_in_list", listed, (0.7, 3)),
    Program("objects_kicked_in_list", listed2, (0.7, 3)),
    Program("objects_interact_in_list", listed3, (0.7, 3)),
    Program("objects_from_recursion", rec, (0.7,)),
    Program("rows_written_by_index", rows, (0.7, 3)),
    Program("rows_written_in_loop", rows2, (0.7, 3)),
]
